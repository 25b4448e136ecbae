"""What of the time between time zero and the visit tells who is scored: earlier scores, leaving care, missed visits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.errors import DataError, OptionError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import AnalysisSet
    from katoutcomes.estimands.visit_window import VisitWindow

    Floats = NDArray[np.float64]

WEEK = 7.0
_HALF_A_YEAR_OF_WEEKS = 26.0


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """What is known of the compared when the visit comes.

    Attributes
    ----------
    columns, flags : tuple of ndarray of float64, shape (n_compared,)
        What tells who is scored, and what of it may act differently in each arm.
    names : tuple of str
        What the columns are, in words.
    last_score : ndarray of float64, shape (n_compared,)
        The last score before the visit, in care where the last day in care is known; the baseline score without one.
    away : ndarray of float64, shape (n_compared,), or None
        1 where a patient had left care before the visit or, where that is not known, missed the visit before; None
        where there is no earlier visit.
    """

    columns: tuple[Floats, ...]
    flags: tuple[Floats, ...]
    names: tuple[str, ...]
    last_score: Floats
    away: Floats | None


def earlier_visits(data: AnalysisSet, window: VisitWindow) -> list[int]:
    """Return the positions of the visits before one, in order of time."""
    return [
        place
        for place, visit in enumerate(data.visits)
        if not visit.is_anchored_later and visit.target_day < window.target_day
    ]


def visits_up_to(data: AnalysisSet, window: VisitWindow) -> list[int]:
    """Return the positions of the visits up to one, in order of time."""
    return [*earlier_visits(data, window), data.visit_index(window.name)]


def history_of(data: AnalysisSet, window: VisitWindow, until: Floats | None, compared: NDArray[np.bool_]) -> History:
    """Return what was seen between time zero and the visit.

    The last score in care; where the last day in care is known, having left care before the visit, alone and by the
    last score, the baseline score and the weeks in care; else, having missed the visit before, alone and by the last
    score.
    """
    import numpy as np

    if until is None:
        return history_in_care(data, window, until, compared)
    last = last_score(data, earlier_visits(data, window), until, compared)
    left = (until < window.target_day).astype(np.float64)
    weeks = np.minimum(np.clip(until, 0.0, None) / WEEK, _HALF_A_YEAR_OF_WEEKS)
    return History(
        (last, left, left * last, left * weeks, left * data.baseline[compared]),
        (left,),
        ("the last score in care", "having left care, with its products with scores and weeks in care"),
        last,
        left,
    )


def history_in_care(
    data: AnalysisSet, window: VisitWindow, until: Floats | None, compared: NDArray[np.bool_]
) -> History:
    """Return the last score and having missed the visit before, alone and by the last score: leaving aside."""
    import numpy as np

    earlier = earlier_visits(data, window)
    last = last_score(data, earlier, until, compared)
    if not earlier:
        return History((), (), (), last, None)
    missed = np.isnan(data.scores[compared, earlier[-1]]).astype(np.float64)
    names = ("the last score before the visit", "having missed the visit before")
    return History((last, missed, missed * last), (missed,), names, last, missed)


def last_score(data: AnalysisSet, places: list[int], until: Floats | None, compared: NDArray[np.bool_]) -> Floats:
    """Return the last score at some visits, in care where the last day in care is known; else the baseline score."""
    import numpy as np

    last = data.baseline[compared]
    for place in places:
        scores = data.scores[compared, place]
        counts = ~np.isnan(scores)
        if until is not None:
            counts &= until >= data.visits[place].target_day
        last = np.where(counts, scores, last)
    return last


def leaving(data: AnalysisSet, window: VisitWindow, until: Floats | None) -> Floats | None:
    """Return who had left care before each visit up to one; None where the last day in care is not known."""
    import numpy as np

    if until is None:
        return None
    days = [data.visits[place].target_day for place in visits_up_to(data, window)]
    return np.column_stack([until < day for day in days]).astype(np.float64)


def who_left(
    data: AnalysisSet, window: VisitWindow, until: Floats | None, compared: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Return who had left care before the visit: by the last day in care or, without it, no score at it or after."""
    import numpy as np

    if until is not None:
        return np.asarray(until < window.target_day)
    later = [place for place, visit in enumerate(data.visits) if _is_at_or_after(visit, window)]
    return np.asarray(np.isnan(data.scores[compared][:, later]).all(axis=1))


def _is_at_or_after(visit: VisitWindow, window: VisitWindow) -> bool:
    return not visit.is_anchored_later and visit.target_day >= window.target_day


def last_day_in_care(data: AnalysisSet, name: str | None, compared: NDArray[np.bool_]) -> Floats | None:
    """Return the last day in care of each of the compared, None where no variable is named.

    Raises
    ------
    OptionError
        If the variable is no number.
    DataError
        If it is not known for somebody.
    """
    import numpy as np

    if name is None:
        return None
    variable = data.variable(name)
    if variable.kind != "number":
        raise OptionError(f"in_care_until={name!r} must be a number: the last day in care, counted from time zero.")
    days = variable.values[compared]
    if np.isnan(days).any():
        raise DataError(
            f"{name!r} is not known for everybody compared. Give those who stayed a day after the last visit; whether "
            "somebody had left care must not be guessed."
        )
    return days
