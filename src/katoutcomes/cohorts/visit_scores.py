"""The scores of one instrument for the patients of a cohort: the baseline and one for each visit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from katoutcomes.cohorts.outcome_scores import scores_table
from katoutcomes.cohorts.window_scores import Placed, WindowScores, placed_windows, window_scores
from katoutcomes.estimands.visit_window import END_OF_INDUCTION, FIRST_DOSE, VisitWindow, anchors_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.cohorts.stages import CohortTables
    from katoutcomes.instruments.instrument import Instrument


@dataclass(frozen=True, slots=True, eq=False)
class VisitScores:
    """The scores of one instrument, one row a patient.

    Attributes
    ----------
    baseline : ndarray of float64, shape (n_patients,)
    scores : ndarray of float64, shape (n_patients, n_visits)
        NaN where there is none.
    n_in_windows : int or None
        How many scores lie in a window; None where a window has another day for each patient.
    """

    baseline: NDArray[np.float64]
    scores: NDArray[np.float64]
    n_in_windows: int | None


def visit_scores(
    tables: CohortTables, scale: Instrument, windows: Sequence[Placed], patients: NDArray[Any]
) -> VisitScores:
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
    """
    values = np.full((len(patients), len(windows)), np.nan)
    place = np.zeros(int(patients.max(initial=0)) + 1, dtype=np.int64)
    place[patients] = np.arange(len(patients))
    anchors = anchors_of(window for _, window in windows)
    n_in_windows = 0
    with scores_table(tables, scale) as scores:
        sources = {"scores": scores, "courses": tables.name("analyzed"), "instrument": scale.id}
        for anchor in anchors:
            found = _anchored(tables, sources, [entry for entry in windows if entry[1].anchor == anchor])
            values[place[found.patient], found.position] = found.score
            n_in_windows += found.n_in_windows
    return VisitScores(values[:, 0].copy(), values[:, 1:].copy(), n_in_windows if anchors == (FIRST_DOSE,) else None)


def count_scores_outside(tables: CohortTables, scale: Instrument, found: VisitScores) -> int | None:
    """Return how many scores lie in no window, None where a window has another day for each patient."""
    if found.n_in_windows is None:
        return None
    with scores_table(tables, scale) as scores:
        n_scores = tables.count("45_score_count", scores=scores, courses=tables.name("analyzed"), instrument=scale.id)
    return n_scores - found.n_in_windows


def baseline_table(tables: CohortTables, scale: Instrument, window: VisitWindow, courses: str) -> str:
    """Make the table of baselines, one row a patient who has one, and return its name; who asks for it drops it.

    Parameters
    ----------
    tables : CohortTables
        Of the cohort.
    scale : Instrument
        Whose scores are wanted.
    window : VisitWindow
        Where they are looked for.
    courses : str
        The table of courses, one a patient, whose first dose is day 0.
    """
    with scores_table(tables, scale) as scores:
        sources = {"scores": scores, "courses": courses, "instrument": scale.id}
        found = _anchored(tables, sources, placed_windows(window, ()))
    name = tables.name("baseline")
    columns = {"patient": found.patient, "score": found.score, "course_day": found.course_day}
    tables.engine.materialize_arrays(name, columns)
    return name


def _anchored(tables: CohortTables, sources: dict[str, str], windows: Sequence[Placed]) -> WindowScores:
    """Return the scores in windows of one anchor."""
    window = windows[0][1]
    name = f"{sources['instrument']}_scores"
    if window.anchor == FIRST_DOSE:
        course_scores = tables.make_once(name, "06_course_scores", **sources)
    else:
        days = _anchor_days(tables, window)
        course_scores = tables.make(name, "16_anchored_scores", anchor_days=days, **sources)
        tables.engine.drop(days)
    found = window_scores(tables, course_scores, windows)
    tables.engine.drop(course_scores)
    return found


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
