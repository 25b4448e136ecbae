"""Compile strategies: when each prescribes something to whom, and from which day a record departs from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.cohorts.emulation.counts import compiled_counts
from katoutcomes.estimands.session_counts import SessionCount
from katoutcomes.estimands.strategies import DAYS_A_WEEK, AfterEachDose, StartIntegration
from katoutcomes.kernels.emulation.data import Arm, Decisions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.cohorts.emulation.emulation_set import EmulationSet
    from katoutcomes.estimands.target_trial import TargetTrial


def compiled(trial: TargetTrial, found: EmulationSet) -> tuple[tuple[Decisions, ...], tuple[Arm, ...]]:
    """Return the person-periods whose probabilities are modeled, and both arms, comparator first.

    Parameters
    ----------
    trial : TargetTrial
        The strategies.
    found : EmulationSet
        The patients.

    Returns
    -------
    tuple of Decisions
        The weeks in which patients in care had not yet had what the treated strategy asks for; and the windows after
        doses, where it asks for sessions in these.
    tuple of Arm
        Who kept to each strategy, and where it prescribes.
    """
    n_weeks = trial.by_day // DAYS_A_WEEK
    if isinstance(trial.strategy, SessionCount):
        asked = trial.comparator if isinstance(trial.comparator, SessionCount) else SessionCount(0, trial.by_day)
        every_week, arms = compiled_counts((asked, trial.strategy), found)
        return (every_week,), arms
    if isinstance(trial.strategy, StartIntegration):
        weeks = _weeks(found, n_weeks, trial.strategy.at_least)
        return (weeks,), (_none(found, weeks, n_weeks), _start(found, weeks, trial.strategy.at_least, n_weeks))
    weeks, windows = _weeks(found, n_weeks, 1), _windows(found, trial.strategy)
    return (weeks, windows), (_none(found, weeks, n_weeks), _every_window(found, windows))


def _sessions_before(found: EmulationSet) -> NDArray[np.int64]:
    """Return in how many weeks before each week there was a session."""
    session = found.session.astype(np.int64)
    return np.asarray(np.cumsum(session, axis=1) - session)


def _weeks(found: EmulationSet, n_weeks: int, at_least: int) -> Decisions:
    before = _sessions_before(found)[:, :n_weeks]
    patient, week = np.nonzero(found.in_care[:, :n_weeks] & (before < at_least))
    state = [found.last_score[patient, week]]
    if at_least > 1:
        previous = np.where(week > 0, found.session[patient, np.maximum(week - 1, 0)], False)
        state += [before[patient, week].astype(np.float64), previous.astype(np.float64)]
    return Decisions(
        patient.astype(np.int64),
        week.astype(np.int64),
        found.session[patient, week].astype(np.float64),
        np.column_stack(state),
    )


def _none(found: EmulationSet, weeks: Decisions, n_weeks: int) -> Arm:
    before = _sessions_before(found)[weeks.patient, weeks.slot]
    return Arm(0, before == 0, 0.0, np.asarray(~found.session[:, :n_weeks].any(axis=1)))


def _start(found: EmulationSet, weeks: Decisions, at_least: int, n_weeks: int) -> Arm:
    """Nothing is prescribed until as many weeks are left as sessions are missing; then each week needs one."""
    missing = at_least - _sessions_before(found)[weeks.patient, weeks.slot]
    is_forced = missing == n_weeks - weeks.slot
    followed = np.ones(found.n_patients, dtype=np.bool_)
    followed[weeks.patient[is_forced & (weeks.happened == 0.0)]] = False
    return Arm(0, is_forced, 1.0, followed)


def _windows(found: EmulationSet, strategy: AfterEachDose) -> Decisions:
    """Return the windows after doses that ended while the patient was in care."""
    patients, slots, met, states = [], [], [], []
    spans = strategy.days()
    so_far = np.zeros((found.n_patients, 2))
    for dose in range(found.dose_days.shape[1]):
        day = found.dose_days[:, dose]
        for number, (first, last) in enumerate(spans):
            due = np.flatnonzero((day < strategy.by_day) & (found.last_care_day >= day + last))
            days = found.session_days[due] - day[due, None]
            is_met = ((days >= first) & (days <= last)).any(axis=1)
            week = np.minimum(day[due] // DAYS_A_WEEK, found.n_weeks).astype(np.int64)
            share = so_far[due, 0] / np.maximum(so_far[due, 1], 1.0)
            patients.append(due)
            slots.append(np.full(due.size, dose * len(spans) + number))
            met.append(is_met.astype(np.float64))
            states.append(np.column_stack([found.last_score[due, week], share]))
            so_far[due] += np.column_stack([is_met, np.ones(due.size)])
    patient, slot = np.concatenate(patients), np.concatenate(slots)
    order = np.lexsort((slot, patient))
    return Decisions(
        patient[order].astype(np.int64),
        slot[order].astype(np.int64),
        np.concatenate(met)[order],
        np.concatenate(states)[order],
    )


def _every_window(found: EmulationSet, windows: Decisions) -> Arm:
    """Every window that is due is prescribed, until the first that was missed."""
    missed = np.flatnonzero(windows.happened == 0.0)
    first_missed = np.full(found.n_patients, np.iinfo(np.int64).max)
    np.minimum.at(first_missed, windows.patient[missed], windows.slot[missed])
    is_decision = windows.slot <= first_missed[windows.patient]
    followed = first_missed == np.iinfo(np.int64).max
    return Arm(1, is_decision, 1.0, followed)


def deviation_day(trial: TargetTrial, found: EmulationSet) -> NDArray[np.float64]:
    """Return the last day of the week or window in which each record departs from each strategy, shape (n_patients, 2).

    Infinite for a record that is compatible with the strategy to its end; comparator first.
    """
    models, arms = compiled(trial, found)
    days = np.full((found.n_patients, 2), np.inf)
    for column, arm in enumerate(arms):
        model = models[arm.model]
        rows = np.flatnonzero(arm.is_decision & (model.happened != arm.required))
        ends = _ends(trial, found, arm.model, model.patient[rows], model.slot[rows])
        np.minimum.at(days[:, column], model.patient[rows], ends)
    return days


def decision_weeks(trial: TargetTrial, found: EmulationSet) -> tuple[NDArray[np.int64], ...]:
    """Return, for each decision of each model, in which week from 0 it is settled: that of the last day it may wait."""
    models, _ = compiled(trial, found)
    ends = [_ends(trial, found, place, model.patient, model.slot) for place, model in enumerate(models)]
    return tuple((np.ceil(end / DAYS_A_WEEK) - 1.0).astype(np.int64) for end in ends)


def _ends(
    trial: TargetTrial, found: EmulationSet, model: int, patient: NDArray[np.int64], slot: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the last day of weeks, or of windows after doses."""
    if model == 0 or not isinstance(trial.strategy, AfterEachDose):
        return np.asarray(DAYS_A_WEEK * (slot + 1.0))
    spans = trial.strategy.days()
    lasts = np.array([last for _, last in spans], dtype=np.float64)
    return np.asarray(found.dose_days[patient, slot // len(spans)] + lasts[slot % len(spans)])
