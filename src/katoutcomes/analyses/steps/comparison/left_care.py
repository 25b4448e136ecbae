"""The outcome of each patient, by what becomes of leaving care (ICH E9(R1)).

Treatment policy: the outcome counts whatever happened. Composite: who left has not responded. While in care: the last
score in care is the outcome, whenever that was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.comparison.history import (
    History,
    history_in_care,
    history_of,
    last_score,
    visits_up_to,
    who_left,
)
from katoutcomes.estimands.leaving_care import COMPOSITE, TREATMENT_POLICY

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.comparison.events import Event
    from katoutcomes.cohorts.analysis_set import AnalysisSet
    from katoutcomes.estimands.visit_window import VisitWindow

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What outcomes of any visit are made of.

    Attributes
    ----------
    data : AnalysisSet
        The scores.
    event : Event or None
        The binary outcome; None where it is the score.
    left_care : str
        One of `estimands.leaving_care.LEFT_CARE`.
    until : ndarray of float64, shape (n_compared,), or None
        Last day in care, where it is known.
    compared : ndarray of bool, shape (n_patients,)
        Whose outcomes.
    """

    data: AnalysisSet
    event: Event | None
    left_care: str
    until: Floats | None
    compared: NDArray[np.bool_]

    def made_of(self, scores: Floats) -> Floats:
        """Return scores of the compared, or who has the event by them; NaN where missing."""
        return scores if self.event is None else self.event.of(self.data.baseline[self.compared], scores)


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """The outcome of the compared at a visit, and what tells who has one.

    Attributes
    ----------
    values : ndarray of float64, shape (n_compared,)
        NaN where it is missing.
    history : History
        Of everybody or, where leaving decides the outcome, of those in care.
    has_left : ndarray of bool, shape (n_compared,), or None
        Who had left before the visit, where that decides or ends the outcome.
    certain : ndarray of bool, shape (n_compared,), or None
        Whose outcome leaving decides.
    """

    values: Floats
    history: History
    has_left: NDArray[np.bool_] | None = None
    certain: NDArray[np.bool_] | None = None


def outcome_of(known: Known, window: VisitWindow) -> Outcome:
    """Return the score at the visit, or who has the event, by what becomes of leaving care."""
    import numpy as np

    data, until, compared = known.data, known.until, known.compared
    if known.left_care == TREATMENT_POLICY:
        values = known.made_of(data.scores_at(window.name)[compared])
        return Outcome(values, history_of(data, window, until, compared))
    history, left = history_in_care(data, window, until, compared), who_left(data, window, until, compared)
    if known.left_care == COMPOSITE:
        values = known.made_of(data.scores_at(window.name)[compared])
        return Outcome(np.where(left, 0.0, values), history, left, left)
    last = last_score(data, visits_up_to(data, window), until, compared)
    return Outcome(known.made_of(last), history, left)
