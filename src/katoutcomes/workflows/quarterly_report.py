"""The whole quarter in one call: a clinic's files in, what a clinic lead reads out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from katoutcomes.estimands.quarters import Quarter, QuarterSpan
from katoutcomes.workflows.outcome_report import Progress, WrittenReport, outcome_report

if TYPE_CHECKING:
    from katoutcomes.plans.plan import AnalysisPlan
    from katoutcomes.registry.registry import Registry
    from katoutcomes.results.collection import Results


def quarterly_report(
    source: str | Path | Mapping[str, Any] | Registry,
    out: str | Path,
    *,
    quarter: str,
    n_previous: int = 8,
    plan: AnalysisPlan | str | Path | None = None,
    minimum_cell: int | None = None,
    round_to: int | None = None,
    previous: Results | str | Path | None = None,
    released: str | Path | None = None,
    mapping: str | Path | None = None,
    rekey_salt: bytes | str | None = None,
    allow: Sequence[str] = (),
    prorating: Mapping[str, str] | None = None,
    paper: str = "A4",
    pdf: bool | None = None,
    progress: Progress | None = None,
) -> WrittenReport:
    """Read, check, select the quarters, analyze, release and write the report of a quarter.

    The report is about the patients whose first dose lies in the quarter or in one of those before it that it is seen
    against: a quarter by itself has too few patients to say much, and most of its counts would be hidden. Patients of
    other quarters are counted in the flow and nowhere else. Patients are counted in the quarter of their first dose,
    so those of the last quarter may not have reached the primary visit yet when the data were handed over.

    Parameters
    ----------
    source : str, Path, mapping or Registry
        As `outcome_report` takes it.
    out : str or Path
        Folder for the documents.
    quarter : str
        Which quarter, as in ``"2026Q3"``.
    n_previous : int, default 8
        How many quarters before it belong to the report.
    previous : Results, str or Path, optional
        What was released of the quarter before, or the file of it. Most patients of one quarter's report are in the
        next one's as well, so the two can be subtracted from each other: what changed by a few patients is hidden. No
        file is guessed; without any, the report says so.
    released : str or Path, optional
        File for the released results themselves, which the next quarter is held against.
    plan, minimum_cell, round_to, mapping, rekey_salt, allow, prorating, paper, pdf, progress : optional
        As `outcome_report` takes them.

    Returns
    -------
    WrittenReport
        The page to open and everything else that was written.

    Raises
    ------
    OptionError
        If the quarter is not written as ``"2026Q3"``, or as `outcome_report` raises it.
    DesignError
        If nobody had the first dose in that quarter.
    DataError, DisclosureError, IdentifierError
        As `outcome_report` raises them.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> written = kat.quarterly_report("data/sample", "out", quarter="2026Q1")  # doctest: +SKIP
    >>> written.report.name  # doctest: +SKIP
    'report.html'
    """
    return outcome_report(
        source,
        out,
        plan=plan,
        minimum_cell=minimum_cell,
        round_to=round_to,
        previous=previous,
        released=released,
        mapping=mapping,
        rekey_salt=rekey_salt,
        allow=allow,
        prorating=prorating,
        quarters=QuarterSpan(Quarter.of(quarter), n_previous),
        paper=paper,
        pdf=pdf,
        progress=progress,
    )
