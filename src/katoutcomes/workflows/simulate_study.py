"""Studies of synthetic patients, again and again: bias, coverage, type I error and power of the two comparisons."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError
from katoutcomes.results.simulation_study import BESIDE, DEFAULT, NAIVE, Performance, SimulationStudy

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.workflows.simulation.chunks import Rows
    from katoutcomes.workflows.simulation.design import Cell, SimulationDesign
    from katoutcomes.workflows.simulation.worlds import World

QUICK_REPLICATES, QUICK_BOOTSTRAPS, QUICK_TRUTH = 10, 100, 20_000
NAME = "simulation_study"


def simulate_study(
    folder: str | Path | None = None,
    *,
    n_replicates: int = 2000,
    n_patients: int | Sequence[int] = 300,
    exposures: Sequence[str] = ("time_zero", "later"),
    clinics: Sequence[str] = ("linear", "curved"),
    scenarios: Sequence[str] = ("null", "effect"),
    n_bootstrap: int = 400,
    n_truth: int = 1_000_000,
    seed: int = 20261122,
    effect: float | None = None,
    missing_share: float | None = None,
    conf_level: float = 0.95,
    n_workers: int = 1,
    stop_after_seconds: float | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SimulationStudy | None:
    """Simulate studies whose truth is known and say how far the package's defaults are from it.

    For the program booked at time zero the default of `compare_cohorts` is run, for integration that begins later that
    of `emulate_trial`, as a clinic with 12 weekly visits and a known last day in care would run them; beside them stand
    other estimators and the comparison of ever with never, which finds what is not there. Use it to see what the
    defaults do, or to plan: power and expected standard errors by number of patients, effect and missing scores.

    Parameters
    ----------
    folder : str or Path, optional
        Where finished pieces are kept and the result is written (``simulation_study.json``, ``.csv``, ``.md``,
        ``.svg``, ``.png``). A run that was stopped goes on from there. Without it nothing is written.
    n_replicates : int, default 2000
        Studies a cell.
    n_patients : int or sequence of int, default 300
        Patients of a study; about half of them book the program with integration.
    exposures : sequence of {"time_zero", "later"}
        The program booked at intake; integration that begins after the first dose.
    clinics : sequence of {"linear", "curved"}
        By which formulas the synthetic clinic works.
    scenarios : sequence of str
        What is true: of "null", "effect", "mnar", "unmeasured_confounding", "effect_mnar".
    n_bootstrap : int, default 400
        Resamples a study. Percentiles of 400 hold about half a percentage point less than those of 1,000.
    n_truth : int, default 1,000,000
        Patients from whom the truth is computed.
    seed : int
        Each study has its own stream by cell and number, so it is the same whatever else is simulated.
    effect : float, optional
        True difference in points in the scenarios with an effect, below 0.
    missing_share : float, optional
        Share of patients without a score at the visit.
    conf_level : float, default 0.95
        Level of the intervals.
    n_workers : int, default 1
        Processes. The result has the same bytes for any number. A program that asks for more than one must be
        importable (``if __name__ == "__main__":``).
    stop_after_seconds : float, optional
        Begin nothing after so many seconds; what is done stays in the folder.
    progress : callable, optional
        Called with studies done and in all.

    Returns
    -------
    SimulationStudy or None
        None where time was up before everything was done: call it again with the same folder.

    Raises
    ------
    OptionError
        If a choice is not one of those it may be, or the folder holds studies with other settings.

    Notes
    -----
    Bias is the mean estimate minus truth with error SD/sqrt(m); coverage and rejections p have error
    sqrt(p(1 - p)/m), m being the studies with an estimate and an interval (Morris, White and Crowther 2019).

    References
    ----------
    Morris TP, White IR, Crowther MJ. Using simulation studies to evaluate statistical methods. Stat Med
    2019;38:2074-2102. doi:10.1002/sim.8086.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> study = kat.simulate_study(
    ...     n_replicates=4, n_patients=120, exposures=("time_zero",), clinics=("linear",), scenarios=("null",),
    ...     n_bootstrap=100,
    ... )
    >>> [line.role for line in study.performances]
    ['default', 'beside', 'beside', 'naive']
    """
    from katoutcomes.workflows.simulation.chunks import simulated
    from katoutcomes.workflows.simulation.design import SimulationDesign

    if n_workers < 1 or (stop_after_seconds is not None and not stop_after_seconds > 0.0):
        raise OptionError("n_workers must be at least 1 and stop_after_seconds above 0.")
    sizes = (n_patients,) if isinstance(n_patients, int) else tuple(n_patients)
    design = SimulationDesign(
        n_patients=sizes,
        n_replicates=n_replicates,
        exposures=tuple(exposures),
        clinics=tuple(clinics),
        scenarios=tuple(scenarios),
        n_bootstrap=n_bootstrap,
        n_truth=n_truth,
        seed=seed,
        effect=effect,
        missing_share=missing_share,
        conf_level=conf_level,
    )
    place = None if folder is None else Path(folder)
    found = simulated(
        design, folder=place, n_workers=n_workers, stop_after_seconds=stop_after_seconds, progress=progress
    )
    if found is None:
        return None
    study = SimulationStudy(
        design.to_dict(),
        tuple(
            line
            for cell in design.cells
            for line in _performances(design, cell, found.worlds[cell.world], found.rows[cell.name])
        ),
    )
    if place is not None:
        write_simulation_study(study, place)
    return study


def _performances(design: SimulationDesign, cell: Cell, world: World, rows: Rows) -> tuple[Performance, ...]:
    """Return a line for each estimator of a cell."""
    import numpy as np

    from katoutcomes.workflows.simulation.studies import DEFAULTS, estimators

    numbers = np.array(rows, dtype=np.float64)
    roles = {DEFAULTS[cell.exposure]: DEFAULT, "ever against never": NAIVE}
    return tuple(
        _performance(design, cell, world, (name, roles.get(name, BESIDE)), numbers[:, place])
        for place, name in enumerate(estimators(cell.exposure))
    )


def _performance(
    design: SimulationDesign, cell: Cell, world: World, estimator: tuple[str, str], numbers: NDArray[np.float64]
) -> Performance:
    """Return what the answers of one estimator (name and role) say; `numbers` has the shape (n_replicates, 4)."""
    import numpy as np

    known = numbers[np.isfinite(numbers).all(axis=1)]
    n_known = len(known)
    estimate, std_error, low, high = known.T
    empirical = float(estimate.std(ddof=1)) if n_known > 1 else math.nan

    def share(flags: NDArray[np.bool_]) -> tuple[float, float]:
        found = float(flags.mean()) if n_known else math.nan
        return found, math.sqrt(found * (1.0 - found) / n_known) if n_known else math.nan

    coverage, coverage_error = share((low <= world.truth) & (world.truth <= high))
    rejection, rejection_error = share((low > 0.0) | (high < 0.0))
    return Performance(
        exposure=cell.exposure,
        clinic=cell.clinic,
        scenario=cell.scenario,
        n_patients=cell.n_patients,
        estimator=estimator[0],
        role=estimator[1],
        truth=world.truth,
        truth_error=world.truth_error,
        n_replicates=design.n_replicates,
        n_estimable=n_known,
        bias=float(estimate.mean()) - world.truth if n_known else math.nan,
        bias_error=empirical / math.sqrt(n_known) if n_known else math.nan,
        empirical_se=empirical,
        mean_se=float(std_error.mean()) if n_known else math.nan,
        coverage=coverage,
        coverage_error=coverage_error,
        rejection=rejection,
        rejection_error=rejection_error,
    )


def write_simulation_study(study: SimulationStudy, folder: str | Path) -> tuple[Path, ...]:
    """Write a study as JSON, CSV and Markdown, and its figure as SVG and PNG.

    Returns
    -------
    tuple of Path
        The files written.
    """
    from katoutcomes.results.whole_files import whole_folder, write_whole

    place = Path(folder)
    written = [
        write_whole(place / f"{NAME}.json", study.to_json()),
        write_whole(place / f"{NAME}.csv", study.to_csv()),
        write_whole(place / f"{NAME}.md", study.to_table().to_markdown() + "\n"),
    ]
    svg, png = study.plot().svg_and_png()
    with whole_folder(place) as aside:
        (aside / f"{NAME}.svg").write_text(svg, encoding="utf-8", newline="\n")
        (aside / f"{NAME}.png").write_bytes(png)
    return (*written, place / f"{NAME}.svg", place / f"{NAME}.png")
