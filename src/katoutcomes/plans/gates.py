"""Gates: limits of quality that a plan names, held against a run. They say passed or failed, never a count."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.registry.checking.advice import ADVICE
from katoutcomes.results.check import Check
from katoutcomes.results.formatting import format_number, format_percent
from katoutcomes.results.provenance import Provenance
from katoutcomes.results.result import Method, Result

if TYPE_CHECKING:
    from katoutcomes.registry.load_reports.load_report import LoadReport
    from katoutcomes.registry.registry import Registry
    from katoutcomes.results.result import ResultRecord

QUALITY_GATES = "quality_gates"
"""What the result is called, beside those of the analyses."""

_ESTIMAND = Estimand(
    name=QUALITY_GATES,
    population="the data of this run",
    treatment="",
    comparator="",
    endpoint=Endpoint("", "", "whether each limit of the plan is kept"),
    intercurrent_events="",
    summary_measure="passed or failed",
)
_METHOD = Method(
    name="limits of the plan",
    description=(
        "The limits were written into the plan before the data were looked at. Only whether each is kept is said: the "
        "number itself stands with the analysis that it belongs to, where it may be shown."
    ),
)
_FAILED = "A limit of the plan is not kept; look at it before the numbers are used."


@dataclass(frozen=True, slots=True)
class Gates:
    """The limits that a run must keep.

    Attributes
    ----------
    least_paired_completeness : float or None
        Smallest share, 0 to 1, of the patients with a baseline score of the primary instrument who have one at the
        primary visit; None asks nothing.
    most_rejected_share : float or None
        Largest share, 0 to 1, of the rows of any table that may be rejected.
    most_rows : mapping of str to int
        Rule of docs/reference/validation_rules.md that rejects rows → how many rows may break it.

    Examples
    --------
    >>> Gates(least_paired_completeness=0.6, most_rows={"total_range": 0}).is_empty
    False
    """

    least_paired_completeness: float | None = None
    most_rejected_share: float | None = None
    most_rows: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("least_paired_completeness", "most_rejected_share"):
            share = getattr(self, name)
            if share is not None and not 0.0 <= share <= 1.0:
                raise OptionError(f"{name} is a share between 0 and 1.")
        for rule, limit in self.most_rows.items():
            if rule not in ADVICE:
                raise OptionError(f"most_rows names the rule {rule!r}, which docs/reference/validation_rules.md lacks.")
            if type(limit) is not int or limit < 0:
                raise OptionError(f"most_rows: {rule} is a whole number of rows, 0 or more.")

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked."""
        return self.least_paired_completeness is None and self.most_rejected_share is None and not self.most_rows


NO_GATES = Gates()
"""Nothing is asked."""


def gate_result(gates: Gates, registry: Registry, results: Iterable[ResultRecord], visit: str) -> Result:
    """Hold a run against its limits.

    Parameters
    ----------
    gates : Gates
        The limits.
    registry : Registry
        Its load report is asked about rows.
    results : iterable of Result
        What was found; the first change from baseline is that of the primary instrument.
    visit : str
        The primary visit.

    Returns
    -------
    Result
        One check a limit and no estimate. A completeness that nobody can be asked about has failed.
    """
    checks = tuple(_checks(gates, registry.load_report, tuple(results), visit))
    return Result(
        analysis=QUALITY_GATES,
        title="Limits of quality",
        estimand=_ESTIMAND,
        method=_METHOD,
        estimates=(),
        provenance=Provenance(source="registry", digest=registry.digest, is_synthetic=registry.is_synthetic),
        checks=checks,
        warnings=() if all(check.passed for check in checks) else (_FAILED,),
    )


def failed_gates(results: Iterable[ResultRecord]) -> tuple[str, ...]:
    """Return what the limits say that are not kept; empty where there are none or all are kept.

    Parameters
    ----------
    results : iterable of Result or of ReleasedResult
        All results of a run.
    """
    return tuple(
        check.message
        for result in results
        if result.analysis == QUALITY_GATES
        for check in result.checks
        if not check.passed
    )


def _checks(gates: Gates, report: LoadReport, results: tuple[ResultRecord, ...], visit: str) -> Iterator[Check]:
    if gates.least_paired_completeness is not None:
        limit = gates.least_paired_completeness
        passed = _completeness(results, visit) >= limit
        yield _check("paired completeness", passed, limit, f"paired completeness of at least {format_percent(limit)}")
    if gates.most_rejected_share is not None:
        limit = gates.most_rejected_share
        worst = max((file.rows_rejected / file.rows_in for file in report.files if file.rows_in), default=0.0)
        text = f"at most {format_percent(limit)} of the rows of a table rejected"
        yield _check("rejected rows", worst <= limit, limit, text)
    counts = _rows_by_rule(report)
    for rule, most in sorted(gates.most_rows.items()):
        text = f"at most {format_number(most, 0)} rows that break the rule {rule}"
        yield _check(rule, counts.get(rule, 0) <= most, float(most), text)


def _check(name: str, passed: bool, limit: float, text: str) -> Check:
    """Return a check without its value, which may be a small count."""
    word = "kept" if passed else "not kept"
    return Check(name, passed, "caution", math.nan, limit, f"Limit {word}: {text}.")


def _completeness(results: tuple[ResultRecord, ...], visit: str) -> float:
    """Return the paired completeness of the primary instrument; -1 where there is none."""
    for result in results:
        if result.analysis == "change_from_baseline":
            every = result.select(term="paired completeness", subgroup="")
            found = [share.estimate for share in every if share.visit == visit and not math.isnan(share.estimate)]
            return found[0] if found else -1.0
    return -1.0


def _rows_by_rule(report: LoadReport) -> dict[str, int]:
    counts: dict[str, int] = {}
    for problem in report.problems:
        counts[problem.rule] = counts.get(problem.rule, 0) + problem.n_rows
    return counts
