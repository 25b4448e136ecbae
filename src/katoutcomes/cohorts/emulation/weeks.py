"""From days of events to weeks: sessions, last scores, who had left care. Arrays only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from katoutcomes.estimands.strategies import DAYS_A_WEEK

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

SCORE_AFTER_CARE = 7
"""Days after the last session in which a score still counts as one in care: that of the week of the session."""


def padded_days(patient: Integers, day: Integers, n_patients: int) -> Floats:
    """Return the days of events as one row a patient, in order, then NaN.

    Examples
    --------
    >>> padded_days(np.array([1, 0, 1]), np.array([9, 3, 2]), 3).tolist()
    [[3.0, nan], [2.0, 9.0], [nan, nan]]
    """
    order = np.lexsort((day, patient))
    counts = np.bincount(patient, minlength=n_patients)
    place = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
    days = np.full((n_patients, int(counts.max(initial=0))), np.nan)
    days[patient[order], place] = day[order]
    return days


def weekly_sessions(session_days: Floats, n_weeks: int) -> NDArray[np.bool_]:
    """Return whether a session fell into each week: days 7 t + 1 to 7 t + 7, and day 0 into week 0.

    Examples
    --------
    >>> weekly_sessions(np.array([[0.0, 14.0], [8.0, np.nan]]), 3).tolist()
    [[True, True, False], [False, True, False]]
    """
    week = np.maximum(np.ceil(session_days / DAYS_A_WEEK) - 1.0, 0.0)
    return np.asarray((week[:, :, None] == np.arange(n_weeks)).any(axis=1))


def weekly_scores(patient: Integers, day: Integers, n_patients: int, n_weeks: int) -> NDArray[np.bool_]:
    """Return whether a score was recorded in each week: days 7 t + 1 to 7 t + 7.

    Examples
    --------
    >>> weekly_scores(np.array([0, 0, 1]), np.array([0, 7, 15]), 2, 3).tolist()
    [[True, False, False], [False, False, True]]
    """
    week = np.ceil(day / DAYS_A_WEEK).astype(np.int64) - 1
    counts = (week >= 0) & (week < n_weeks)
    found = np.zeros((n_patients, n_weeks), dtype=np.bool_)
    found[patient[counts], week[counts]] = True
    return found


def last_scores(
    baseline: Floats, patient: Integers, day: Integers, total: Floats, *, care_day: Floats, days: Integers
) -> Floats:
    """Return the last score in care up to each day, shape (n_patients, n_days); the baseline where there is none.

    Parameters
    ----------
    baseline, care_day : ndarray of float64, shape (n_patients,)
        Score before the first dose, and the last day in care.
    patient, day : ndarray of int64, shape (n_scores,)
        Whose score, and when; those up to day 0 are left out.
    total : ndarray of float64, shape (n_scores,)
        The scores.
    days : ndarray of int64, shape (n_days,)
        Up to which days.
    """
    counts = (day > 0) & (day <= care_day[patient] + SCORE_AFTER_CARE)
    order = np.flatnonzero(counts)[np.argsort(day[counts], kind="stable")]
    found = np.repeat(baseline[:, None], len(days), axis=1)
    for column, limit in enumerate(days):
        known = order[day[order] <= limit]
        found[patient[known], column] = total[known]  # the last one written is the latest
    return found
