"""The scores of one instrument for the patients of a cohort: the baseline and one for each visit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from katoutcomes.cohorts.outcome_scores import SCORES, scores_table
from katoutcomes.cohorts.window_scores import Placed, n_scores_outside, window_scores
from katoutcomes.estimands.visit_window import END_OF_INDUCTION, FIRST_DOSE, VisitWindow, anchors_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.cohorts.stages import CohortTables
    from katoutcomes.instruments.instrument import Instrument


def visit_scores(
    tables: CohortTables, scale: Instrument, windows: Sequence[Placed], patients: NDArray[Any]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the baseline and the score at each visit of an instrument.

    Parameters
    ----------
    tables : CohortTables
        Of the cohort.
    scale : Instrument
        Whose scores are wanted.
    windows : sequence of (int, VisitWindow)
        The baseline and the visits with their positions.
    patients : ndarray of int, shape (n_patients,)
        The numbers of the patients, each once, in the order of the rows to return.

    Returns
    -------
    baseline : ndarray of float64, shape (n_patients,)
    scores : ndarray of float64, shape (n_patients, n_visits)
        NaN where there is none.
    """
    scores = scores_table(tables, scale)
    sources = {"scores": scores, "courses": tables.name("analyzed"), "instrument": scale.id}
    values = np.full((len(patients), len(windows)), np.nan)
    place = np.zeros(int(patients.max(initial=0)) + 1, dtype=np.int64)
    place[patients] = np.arange(len(patients))
    for anchor in anchors_of(window for _, window in windows):
        wanted = [entry for entry in windows if entry[1].anchor == anchor]
        rows = _anchored(tables, f"{scale.id}_scores", sources, wanted)
        values[place[rows["patient"]], rows["position"]] = rows["score"]
    if scores != SCORES:
        tables.engine.drop(scores)
    return values[:, 0].copy(), values[:, 1:].copy()


def count_scores_outside(tables: CohortTables, scale: Instrument, windows: Sequence[Placed]) -> int | None:
    """Return how many scores lie in no window, None where a window has another day for each patient."""
    if any(window.is_anchored_later for _, window in windows):
        return None
    scores = scores_table(tables, scale)
    courses = tables.name("analyzed")
    n_scores = n_scores_outside(tables, windows, scores=scores, courses=courses, instrument=scale.id)
    if scores != SCORES:
        tables.engine.drop(scores)
    return n_scores


def _anchored(
    tables: CohortTables, name: str, sources: dict[str, str], windows: Sequence[Placed]
) -> dict[str, NDArray[Any]]:
    """Return the scores in windows of one anchor."""
    window = windows[0][1]
    if window.anchor == FIRST_DOSE:
        course_scores = tables.make_once(name, "06_course_scores", **sources)
    else:
        days = _anchor_days(tables, window)
        course_scores = tables.make(name, "16_anchored_scores", anchor_days=days, **sources)
        tables.engine.drop(days)
    rows = window_scores(tables, course_scores, windows)
    tables.engine.drop(course_scores)
    return rows


def _anchor_days(tables: CohortTables, window: VisitWindow) -> str:
    """Make the table of the doses that a window counts from: dose N, or some doses after the induction's last."""
    number = window.dose_number
    return tables.make(
        "anchor_days",
        "15_anchor_days",
        phases=tables.name("phases"),
        phase_counts=tables.name("phase_counts"),
        number=number if number is not None else int(window.anchor != END_OF_INDUCTION),
        times_induction_doses=int(number is None),
    )
