"""What missing scores of an emulated trial are predicted from, whether two arms are compared or several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.estimands.strategies import DAYS_A_WEEK

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.cohorts.emulation.emulation_set import EmulationSet
    from katoutcomes.estimands.visit_window import VisitWindow


def history_of(found: EmulationSet, by_day: int, visit: VisitWindow) -> NDArray[np.float64]:
    """Return the columns that vary: last score, having left care with its products, sessions and scores on the way.

    Parameters
    ----------
    found : EmulationSet
        The patients, until the visit whose scores are missing.
    by_day : int
        When the strategies are decided.
    visit : VisitWindow
        The visit: sessions count until its day and scores from before its window, if it comes before the decision.

    Returns
    -------
    ndarray of float64, shape (n_patients, h)

    Notes
    -----
    Sessions follow the last scores: who had more of them had been worse. A prediction that knows sessions, but not the
    scores that led to them, takes the one for the other, and weights, under which sessions no longer follow scores,
    then carry the error into the difference of the arms. So weeks with a session stand beside the mean of the scores
    with which these weeks began. Sessions after the decision are left out: they are part of what comes of each
    strategy, and would need the scores of all later weeks beside them.
    """
    import numpy as np

    left, last = found.has_left.astype(np.float64), found.last_score[:, -1]
    weeks_in_care = np.clip(found.last_care_day / DAYS_A_WEEK, 0.0, found.n_weeks)
    counted = found.session[:, : by_day // DAYS_A_WEEK].sum(axis=1).astype(np.float64)
    n_before = max(1, -(-min(by_day, visit.first_day) // DAYS_A_WEEK))
    scores = found.last_score[:, :n_before].mean(axis=1)
    columns = [last, left, left * last, left * weeks_in_care, left * found.baseline, counted, scores]
    return np.column_stack([one for one in columns if np.ptp(one) > 0.0] or [np.zeros((len(last), 0))])
