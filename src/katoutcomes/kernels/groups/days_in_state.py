"""Days in a state that is seen only at visits: how many days each visit speaks for, and a patient's days by own visits.

The mean number of days in a state up to day T is the area under the share in it: the integral from 0 to T of
P(in the state on day t). Nobody is in the state on day 0.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MIDPOINT, EARLIER_VISIT, LATER_VISIT = "midpoint", "earlier visit", "later visit"
RULES: tuple[str, ...] = (MIDPOINT, EARLIER_VISIT, LATER_VISIT)


def days_spoken_for(visit_days: Floats, rule: str = MIDPOINT) -> Floats:
    """Return for how many days up to the last visit each visit speaks.

    With d the days of the visits and d_0 = 0, and days in the state = sum of days spoken for times status:

    - ``"midpoint"``: (d_{v+1} - d_{v-1}) / 2, the last one (d_V - d_{V-1}) / 2: a day has the status of the nearer
      visit. It is the trapezoidal rule for the share in the state, and right on average where a status changes at any
      moment between two visits alike.
    - ``"earlier visit"``: d_{v+1} - d_v, the last one 0: a status changes on the day it is first seen to have changed.
    - ``"later visit"``: d_v - d_{v-1}: it changes right after the visit at which it was last seen unchanged.

    Where nobody loses the state, the last two are the fewest and the most days that the visits allow.

    Parameters
    ----------
    visit_days : ndarray of float64, shape (n_visits,)
        Days since time zero, above 0, rising.
    rule : {"midpoint", "earlier visit", "later visit"}
        Which day belongs to which visit.

    Returns
    -------
    ndarray of float64, shape (n_visits,)
        Days.

    Examples
    --------
    >>> [days_spoken_for(np.array([14.0, 28.0, 84.0]), rule).tolist() for rule in RULES]
    [[14.0, 35.0, 28.0], [14.0, 56.0, 0.0], [14.0, 14.0, 56.0]]
    """
    before = np.diff(visit_days, prepend=0.0)
    after = np.append(np.diff(visit_days), 0.0)
    if rule == MIDPOINT:
        return np.asarray((before + after) / 2.0)
    return np.asarray(after if rule == EARLIER_VISIT else before)


def days_by_own_visits(states: Floats, visit_days: Floats) -> Floats:
    """Return each patient's days in the state, each day having the status of the nearest visit at which it is known.

    Parameters
    ----------
    states : ndarray of float64, shape (n_patients, n_visits)
        1, 0 or NaN where it is not known.
    visit_days : ndarray of float64, shape (n_visits,)
        Days since time zero, above 0, rising.

    Returns
    -------
    ndarray of float64, shape (n_patients,)
        Between 0 and the day of the last visit; NaN for patients whose status is known at no visit.

    Examples
    --------
    >>> states = np.array([[0.0, 1.0, 1.0], [0.0, 1.0, np.nan], [np.nan, np.nan, np.nan]])
    >>> days_by_own_visits(states, np.array([14.0, 28.0, 84.0])).tolist()
    [63.0, 63.0, nan]
    """
    known = ~np.isnan(states)
    days = np.full(len(states), np.nan)
    patterns, pattern_of = np.unique(known, axis=0, return_inverse=True)
    for place, pattern in enumerate(patterns):
        if pattern.any():
            members = pattern_of.reshape(-1) == place
            spoken_for = days_spoken_for(visit_days[pattern])
            spoken_for[-1] += visit_days[-1] - visit_days[pattern][-1]
            days[members] = states[np.ix_(members, pattern)] @ spoken_for
    return days
