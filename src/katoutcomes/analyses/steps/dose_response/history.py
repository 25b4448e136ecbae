"""What missing scores are predicted from where arms count weeks with a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.emulation.data import as_history, course_columns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.cohorts.emulation.emulation_set import EmulationSet


def count_history(found: EmulationSet, n_weeks: int) -> NDArray[np.float64]:
    """Return the history of a trial whose arms count weeks with a session, shape (n_patients, h).

    Parameters
    ----------
    found : EmulationSet
        The patients.
    n_weeks : int
        Weeks until the strategies are decided.

    Notes
    -----
    Sessions follow the last scores: who had more of them had been worse. A prediction that knows sessions, but not the
    scores that led to them, takes the one for the other, and weights, under which sessions no longer follow scores,
    then carry the error into the difference of the arms. So weeks with a session stand beside the mean of the scores
    with which these weeks began. Sessions after the decision are left out: they are part of what comes of each
    strategy, and would need the scores of all later weeks beside them.
    """
    import numpy as np

    counted = found.session[:, :n_weeks].sum(axis=1).astype(np.float64)
    return as_history([*course_columns(found), counted, found.last_score[:, :n_weeks].mean(axis=1)])
