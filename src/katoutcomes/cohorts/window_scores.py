"""Which score of each window is taken: the windows as a table of days, and what the engine finds on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

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
    """Return every day of every window, once for scores before the dose and once for those after it.

    Returns
    -------
    dict of str to ndarray of int64
        ``course_day``, ``is_after_dose`` and ``position``, one entry a day, those of a window in the order of their
        rank: an equality join on these finds the window of a score, where comparing it with every window would take as
        many times longer.
    """
    rows = []
    for position, window in windows:
        for day in range(max(window.first_day, -_FARTHEST_DAY), min(window.last_day, _FARTHEST_DAY) + 1):
            for is_after in (False, True):
                if (day > 0, day < 0)[is_after]:
                    continue  # a day after the dose has no score before it, nor the other way round
                counts = not is_after if position == BASELINE_POSITION else window.holds(day, is_after=is_after)
                if counts:
                    rows.append((position, window.rank(day), day, int(is_after)))
    table = np.array(sorted(rows), dtype=np.int64).reshape(-1, 4)
    places = {"position": 0, "course_day": 2, "is_after_dose": 3}
    return {name: np.ascontiguousarray(table[:, place]) for name, place in places.items()}


@dataclass(frozen=True, slots=True, eq=False)
class WindowScores:
    """The score of each patient in each window that holds one, in no particular order.

    Attributes
    ----------
    patient, position : ndarray of int
        The patient's number and the window's position.
    score : ndarray of float64
        The score that is taken, or the mean of those in the window.
    course_day : ndarray of int64
        The day of the score; for a mean that of the last one in it.
    n_in_windows : int
        How many scores lie in a window, those that are not taken included.
    """

    patient: NDArray[Any]
    position: NDArray[np.int64]
    score: NDArray[np.float64]
    course_day: NDArray[np.int64]
    n_in_windows: int


def window_scores(tables: CohortTables, course_scores: str, windows: Sequence[Placed]) -> WindowScores:
    """Return the score of each patient in each window that holds one.

    Parameters
    ----------
    tables : CohortTables
        Where the stage runs.
    course_scores : str
        A table with the columns of stage 06.
    windows : sequence of (int, VisitWindow)
        All of one anchor.

    Notes
    -----
    The engine finds the scores that lie in a window; here the one of the lowest rank is taken, because to group about
    as many rows as there are windows of patients takes the engine longer than to find them. A patient has at most one
    score of an instrument a day (a rule of loading) and no two days of a window have one rank, so it is unique.
    """
    days = window_days(windows)
    name = tables.name("window_days")
    entries = np.arange(len(days["position"]), dtype=np.int32)
    tables.engine.materialize_arrays(
        name, {"course_day": days["course_day"], "is_after_dose": days["is_after_dose"], "entry": entries}
    )
    rows = tables.fetch_numbers("07_scores_in_windows", course_scores=course_scores, window_days=name)
    tables.engine.drop(name)
    entry, total = np.ma.getdata(rows["entry"]), np.ma.getdata(rows["total"])
    # One number for each window of each patient.
    cell = np.ma.getdata(rows["patient"]).astype(np.int64)
    cell *= 1 + max(position for position, _ in windows)
    cell += days["position"][entry]
    best = np.full(int(cell.max(initial=-1)) + 1, len(entries), dtype=entry.dtype)
    np.minimum.at(best, cell, entry)
    taken = np.flatnonzero(best[cell] == entry)
    del best
    position, course_day = days["position"][entry[taken]], days["course_day"][entry[taken]]
    score = total[taken].astype(np.float64)
    means = [place for place, window in windows if window.choice == "mean"]
    if means:
        of_mean = np.isin(position, means)
        wanted = cell[taken[of_mean]]
        score[of_mean], course_day[of_mean] = _means(cell, total, days["course_day"][entry], wanted)
    return WindowScores(np.ma.getdata(rows["patient"])[taken], position, score, course_day, len(entry))


def _means(
    cell: NDArray[np.int64], total: NDArray[np.float64], day: NDArray[np.int64], wanted: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the mean of the scores of each wanted cell, and the last of their days."""
    n_cells = int(cell.max(initial=-1)) + 1
    sums, last = np.zeros(n_cells, dtype=np.int64), np.full(n_cells, -_FARTHEST_DAY, dtype=np.int64)
    # Both are whole numbers, so the one division is the only rounding and no order of adding matters.
    np.add.at(sums, cell, np.floor(total * _MILLIONTHS + 0.5).astype(np.int64))
    np.maximum.at(last, cell, day)
    n_scores = np.bincount(cell, minlength=n_cells)
    return sums[wanted] / (n_scores[wanted] * _MILLIONTHS), last[wanted]
