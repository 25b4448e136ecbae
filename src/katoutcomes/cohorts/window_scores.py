"""Which score of each window is taken: the windows as a table of days, and what the engine finds on them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from katoutcomes.cohorts.course_variables import as_floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.cohorts.stages import CohortTables
    from katoutcomes.estimands.visit_window import VisitWindow

BASELINE_POSITION = 0
"""The position of the baseline window; visits follow from 1."""

_MILLIONTHS = 1e6
_FARTHEST_DAY = 7305 * 2
"""Loading accepts no day farther than 7305 days (20 years) from the index day."""

Placed = tuple[int, "VisitWindow"]
"""A window with its position."""


def placed_windows(baseline: VisitWindow, visits: Sequence[VisitWindow]) -> tuple[Placed, ...]:
    """Return the baseline window and the visits with their positions."""
    return ((BASELINE_POSITION, baseline), *enumerate(visits, start=1))


def window_days(windows: Sequence[Placed]) -> dict[str, NDArray[np.int64]]:
    """Return every day of every window with its rank, once for scores before the dose and once for those after it.

    Returns
    -------
    dict of str to ndarray of int64
        ``course_day``, ``is_after_dose``, ``position`` and ``day_rank``, one entry a day: an equality join on these
        finds the window of a score, where comparing it with every window would take as many times longer.
    """
    rows = []
    for position, window in windows:
        for day in range(max(window.first_day, -_FARTHEST_DAY), min(window.last_day, _FARTHEST_DAY) + 1):
            for is_after in (False, True):
                if (day > 0, day < 0)[is_after]:
                    continue  # a day after the dose has no score before it, nor the other way round
                counts = not is_after if position == BASELINE_POSITION else window.holds(day, is_after=is_after)
                if counts:
                    rows.append((day, int(is_after), position, window.rank(day)))
    table = np.array(rows, dtype=np.int64).reshape(-1, 4)
    names = ("course_day", "is_after_dose", "position", "day_rank")
    return {name: np.ascontiguousarray(table[:, place]) for place, name in enumerate(names)}


def window_scores(tables: CohortTables, course_scores: str, windows: Sequence[Placed]) -> dict[str, NDArray[Any]]:
    """Return the score of each patient in each window that holds one.

    Parameters
    ----------
    tables : CohortTables
        Where the stages run.
    course_scores : str
        A table with the columns of stage 06.
    windows : sequence of (int, VisitWindow)
        All of one anchor.

    Returns
    -------
    dict of str to ndarray
        ``patient``, ``position``, ``score`` (float64) and ``course_day`` (the day of the score; for a mean that of the
        last one in it), in no particular order.
    """
    means = [placed for placed in windows if placed[1].choice == "mean"]
    single = [placed for placed in windows if placed[1].choice != "mean"]
    found = []
    if single:
        found.append(_from_stage(tables, "07_window_scores", course_scores, single))
    if means:
        sums = _from_stage(tables, "08_window_sums", course_scores, means)
        # Both are whole numbers, so the one division is the only rounding and no order of adding matters.
        sums["score"] = as_floats(sums["sum_of_millionths"]) / (as_floats(sums["n_scores"]) * _MILLIONTHS)
        found.append(sums)
    columns: dict[str, NDArray[Any]] = {}
    for name in ("patient", "position", "score", "course_day"):
        parts = [as_floats(rows[name]) if name == "score" else np.ma.getdata(rows[name]) for rows in found]
        columns[name] = np.concatenate(parts) if len(parts) > 1 else parts[0]
    return columns


def n_scores_outside(tables: CohortTables, windows: Sequence[Placed], **names: str) -> int:
    """Return how many scores of the analyzed patients lie in no window.

    Parameters
    ----------
    tables : CohortTables
        Where the stage runs.
    windows : sequence of (int, VisitWindow)
        The baseline and the visits, all counted from the first dose.
    **names : str
        ``scores``, ``courses`` and ``instrument`` of stage 45.
    """
    days = _days_table(tables, windows)
    n_scores = int(tables.fetch("45_scores_outside", counted_days=days, **names)["n_scores"][0])
    tables.engine.drop(days)
    return n_scores


def baseline_table(tables: CohortTables, course_scores: str, window: VisitWindow) -> str:
    """Make the table of baselines, one row a patient who has one, and return its name."""
    name = "selection_baseline"
    windows = placed_windows(window, ())
    if window.choice == "mean":
        tables.engine.materialize_arrays(tables.name(name), window_scores(tables, course_scores, windows))
        return tables.name(name)
    days = _days_table(tables, windows)
    made = tables.make(name, "07_window_scores", course_scores=course_scores, window_days=days)
    tables.engine.drop(days)
    return made


def _days_table(tables: CohortTables, windows: Sequence[Placed]) -> str:
    name = tables.name("window_days")
    tables.engine.materialize_arrays(name, window_days(windows))
    return name


def _from_stage(
    tables: CohortTables, stage: str, course_scores: str, windows: Sequence[Placed]
) -> dict[str, NDArray[Any]]:
    days = _days_table(tables, windows)
    columns = tables.fetch(stage, course_scores=course_scores, window_days=days)
    tables.engine.drop(days)
    return columns
