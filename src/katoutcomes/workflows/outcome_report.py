"""The whole job in one call: a clinic's files in, an honest outcome report out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from katoutcomes.estimands.quarters import QuarterSpan
    from katoutcomes.plans.plan import AnalysisPlan
    from katoutcomes.registry.registry import Registry
    from katoutcomes.results.collection import Results

Progress = Callable[[int, int, str], None]
"""Called before each step with its number, the number of steps and a few words."""


@dataclass(frozen=True, slots=True)
class WrittenReport:
    """What `outcome_report` wrote.

    Attributes
    ----------
    report : Path
        The page to open.
    files : tuple of Path
        Everything written, the page included, in the order of writing.
    has_rejections : bool
        Whether a row of the input was rejected; the report counts them.
    failed_gates : tuple of str
        What the plan's limits of quality say that are not kept.
    """

    report: Path
    files: tuple[Path, ...]
    has_rejections: bool
    failed_gates: tuple[str, ...] = ()


def outcome_report(
    source: str | Path | Mapping[str, Any] | Registry,
    out: str | Path,
    *,
    plan: AnalysisPlan | str | Path | None = None,
    minimum_cell: int | None = None,
    round_to: int | None = None,
    previous: Results | str | Path | None = None,
    released: str | Path | None = None,
    mapping: str | Path | None = None,
    rekey_salt: bytes | str | None = None,
    allow: Sequence[str] = (),
    prorating: Mapping[str, str] | None = None,
    quarters: QuarterSpan | None = None,
    paper: str = "A4",
    pdf: bool | None = None,
    progress: Progress | None = None,
) -> WrittenReport:
    """Read, check, select, analyze, release and write a report.

    Parameters
    ----------
    source : str, Path, mapping or Registry
        A folder, a mapping of table name to data frame, or a registry that has been read already.
    out : str or Path
        Folder for ``report.html``, ``report.pdf``, ``summary.json``, ``summary.md``, ``figures/``, ``tables/`` and
        ``manifest.sha256``. Made if it is not there; files of an earlier report in it are replaced.
    plan : AnalysisPlan, str or Path, optional
        The questions, or a TOML file of them. Default: the built-in plan.
    minimum_cell : int, optional
        Smallest count that is shown. Default: the plan's.
    round_to : int, optional
        Every count that is shown is rounded to the nearest multiple of this; 1 rounds nothing. Default: the plan's.
    previous : Results, str or Path, optional
        What was released before, of the last quarter for example, or the file of it: what changed since by a few
        patients is hidden. Default: the plan's. No file is guessed; without any, the report says so.
    released : str or Path, optional
        File for the released results themselves, which the next release is held against as its `previous`.
    mapping, rekey_salt, allow, prorating : optional
        How the source is read; as `read_registry` takes them. Only for a folder or frames.
    quarters : QuarterSpan, optional
        Only patients whose first dose lies in these quarters; `quarterly_report` says it with a text.
    paper, pdf : optional
        As `write_report` takes them.
    progress : callable, optional
        Called before each step.

    Returns
    -------
    WrittenReport
        The page to open and everything else that was written.

    Raises
    ------
    DataError, IdentifierError
        If the data cannot be used, or hold what may identify a person.
    DesignError
        If no patient is left to report on.
    OptionError
        If a registry that has been read already comes with a choice of how to read it, or the earlier release cannot be
        read.
    DisclosureError
        If the earlier release was not released.
    OSError
        If `out` is a file or cannot be written to; that is found before anything is read.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> written = kat.outcome_report("data/sample", "out")  # doctest: +SKIP
    >>> written.report.name  # doctest: +SKIP
    'report.html'
    """
    from katoutcomes.report.write import write_report
    from katoutcomes.results.collection import read_earlier
    from katoutcomes.results.whole_files import require_folder

    require_folder(out)
    chosen = _with_policy(_plan(plan), minimum_cell, round_to)
    # Read first: nobody waits for an analysis whose release would fail.
    earlier = read_earlier(previous, chosen.disclosure)
    steps = _Steps(progress, n_steps=4 + len(chosen.instruments))
    reading = {"mapping": mapping, "rekey_salt": rekey_salt, "allow": tuple(allow), "prorating": prorating}
    found = _run(source, chosen, reading, steps, quarters)
    steps.tell("hiding small cells")
    leaving = found.results.release(previous=earlier)
    steps.tell("drawing figures and writing the report")
    files = write_report(leaving, Path(out), paper=paper, pdf=pdf)
    if released is not None:
        leaving.write(released)
    page = next(path for path in files if path.name == "report.html")
    return WrittenReport(page, files, found.has_rejections, found.failed_gates)


@dataclass(frozen=True, slots=True)
class PlanRun:
    """What `run_plan` found.

    Attributes
    ----------
    results : Results
        Not released: they stay in the clinic.
    has_rejections : bool
        Whether a row of the input was rejected; the results count them.
    """

    results: Results
    has_rejections: bool

    @property
    def failed_gates(self) -> tuple[str, ...]:
        """What the plan's limits of quality say that are not kept."""
        from katoutcomes.plans.gates import failed_gates

        return failed_gates(self.results)


def run_plan(
    plan: AnalysisPlan | str | Path | None,
    source: str | Path | Mapping[str, Any] | Registry,
    out: str | Path | None = None,
    *,
    mapping: str | Path | None = None,
    rekey_salt: bytes | str | None = None,
    allow: Sequence[str] = (),
    prorating: Mapping[str, str] | None = None,
    quarters: QuarterSpan | None = None,
    progress: Progress | None = None,
) -> PlanRun:
    """Read and check data, answer every question of a plan, and write the results into one file.

    Parameters
    ----------
    plan : AnalysisPlan, str, Path or None
        The questions, or a TOML file of them; None for the built-in plan.
    source : str, Path, mapping or Registry
        A folder, a mapping of table name to data frame, or a registry that has been read already.
    out : str or Path, optional
        File for the results. They hold small counts, so it stays in the clinic; `Results.release` makes of them what
        may leave.
    mapping, rekey_salt, allow, prorating : optional
        How the source is read; as `read_registry` takes them. Only for a folder or frames.
    quarters : QuarterSpan, optional
        Only patients whose first dose lies in these quarters.
    progress : callable, optional
        Called before each step.

    Returns
    -------
    PlanRun
        The results, and whether rows were rejected.

    Raises
    ------
    DataError, IdentifierError
        If the data cannot be used, or hold what may identify a person.
    DesignError
        If no patient is left to report on.
    OptionError
        If the plan is not one, or a registry that has been read already comes with a choice of how to read it.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> found = kat.run_plan(None, "data/sample", "results.json")  # doctest: +SKIP
    >>> found.results.release().write("released.json")  # doctest: +SKIP
    """
    chosen = _plan(plan)
    steps = _Steps(progress, n_steps=2 + len(chosen.instruments))
    reading = {"mapping": mapping, "rekey_salt": rekey_salt, "allow": tuple(allow), "prorating": prorating}
    found = _run(source, chosen, reading, steps, quarters)
    if out is not None:
        found.results.write(out)
    return found


def _run(
    source: str | Path | Mapping[str, Any] | Registry,
    plan: AnalysisPlan,
    reading: dict[str, Any],
    steps: _Steps,
    quarters: QuarterSpan | None,
) -> PlanRun:
    from katoutcomes.plans.run import run

    steps.tell("reading and checking the data")
    registry = _registry(source, reading)
    return PlanRun(run(plan, registry, quarters=quarters, progress=steps.tell), registry.load_report.has_rejections)


class _Steps:
    """Counts the steps for the progress display."""

    def __init__(self, progress: Progress | None, n_steps: int) -> None:
        self._progress = progress
        self._n_steps = n_steps
        self._step = 0

    def tell(self, what: str) -> None:
        self._step += 1
        if self._progress is not None:
            self._progress(self._step, self._n_steps, what)


def _plan(plan: AnalysisPlan | str | Path | None) -> AnalysisPlan:
    from katoutcomes.plans.plan import AnalysisPlan

    if plan is None:
        return AnalysisPlan.default()
    return AnalysisPlan.read(plan) if isinstance(plan, str | Path) else plan


def _with_policy(plan: AnalysisPlan, minimum_cell: int | None, round_to: int | None) -> AnalysisPlan:
    """Return the plan with what the caller says of its release."""
    said = {"minimum_cell": minimum_cell, "round_to": round_to}
    changes: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    return replace(plan, disclosure=replace(plan.disclosure, **changes))


def _registry(source: str | Path | Mapping[str, Any] | Registry, reading: dict[str, Any]) -> Registry:
    from katoutcomes.errors import OptionError
    from katoutcomes.registry.reading import read_registry
    from katoutcomes.registry.registry import Registry

    if not isinstance(source, Registry):
        return read_registry(source, **reading)
    given = [name for name, value in reading.items() if value]
    if given:
        raise OptionError(f"{', '.join(given)}: the registry has been read already.")
    return source
