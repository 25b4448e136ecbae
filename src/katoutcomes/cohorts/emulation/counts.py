"""Compile strategies that ask for a number of weeks with a session: every week in care, and the arms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.estimands.strategies import DAYS_A_WEEK
from katoutcomes.kernels.emulation.data import Arm, Decisions
from katoutcomes.kernels.emulation.dose_response import count_arm

if TYPE_CHECKING:
    from katoutcomes.cohorts.emulation.emulation_set import EmulationSet
    from katoutcomes.estimands.session_counts import SessionCount


def compiled_counts(strategies: Sequence[SessionCount], found: EmulationSet) -> tuple[Decisions, tuple[Arm, ...]]:
    """Return every week in care until the strategies are decided, and the arms.

    Parameters
    ----------
    strategies : sequence of SessionCount
        All with the same last day.
    found : EmulationSet
        The patients.

    Returns
    -------
    Decisions
        Known before each week: the last score, in how many weeks there was a session, and whether in the last week.
    tuple of Arm
        In the order of the strategies.
    """
    n_weeks = strategies[0].by_day // DAYS_A_WEEK
    session = found.session[:, :n_weeks].astype(np.int64)
    before = np.cumsum(session, axis=1) - session
    patient, week = np.nonzero(found.in_care[:, :n_weeks])
    so_far = before[patient, week].astype(np.float64)
    previous = np.where(week > 0, found.session[patient, np.maximum(week - 1, 0)], False).astype(np.float64)
    weeks = Decisions(
        patient.astype(np.int64),
        week.astype(np.int64),
        session[patient, week].astype(np.float64),
        np.column_stack([found.last_score[patient, week], so_far, previous]),
    )
    arms = tuple(
        count_arm(weeks, so_far, n_weeks, one.weeks, found.n_patients, or_more=one.or_more) for one in strategies
    )
    return weeks, arms
