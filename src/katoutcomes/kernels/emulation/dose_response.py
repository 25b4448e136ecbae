"""Several arms that differ in how many weeks with a session they ask for: their weights and their means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.emulation.censoring_weights import fit_decisions
from katoutcomes.kernels.emulation.data import Decisions, EmulationData
from katoutcomes.kernels.emulation.estimators import EmulationStarts, clone_means, predicted_outcome

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class CountArm:
    """A strategy that prescribes an event in some person-periods and forbids it in others.

    Attributes
    ----------
    is_decision : ndarray of bool, shape (m,)
        The person-periods in which something is prescribed.
    required : ndarray of float64, shape (m,)
        1 where the event is prescribed, 0 where it is forbidden; anything where nothing is prescribed.
    followed : ndarray of bool, shape (n_patients,)
        Who did what was prescribed in all of them.
    """

    is_decision: Flags
    required: Floats
    followed: Flags


def count_arm(
    model: Decisions, before: Floats, n_periods: int, count: int, n_patients: int, *, or_more: bool
) -> CountArm:
    """Return the arm of those with the event in a number of periods, at their own pace.

    Parameters
    ----------
    model : Decisions
        Every period in which the event could happen.
    before : ndarray of float64, shape (m,)
        In how many periods before it had happened.
    n_periods : int
        Periods in all; the slots of the model are 0 to one less.
    count : int
        How many periods with the event the arm asks for.
    n_patients : int
        How many patients.
    or_more : bool
        Whether further periods with the event are allowed.

    Notes
    -----
    The event is prescribed where as many periods are left as are still missing; once there are enough it is forbidden,
    unless more are allowed. Until then nothing is.
    """
    missing = count - before
    is_forced = (missing > 0) & (missing >= n_periods - model.slot)
    is_forbidden = np.zeros(len(before), dtype=np.bool_) if or_more else missing <= 0
    is_decision, required = is_forced | is_forbidden, is_forced.astype(np.float64)
    followed = np.ones(n_patients, dtype=np.bool_)
    followed[model.patient[is_decision & (model.happened != required)]] = False
    return CountArm(is_decision, required, followed)


def count_weights(model: Decisions, arms: Sequence[CountArm], probabilities: Floats) -> tuple[Floats, ...]:
    """Return the weight of every copy in each arm, shape (B, n_patients): 0 for who did not follow.

    Parameters
    ----------
    model : Decisions
        The periods.
    arms : sequence of CountArm
        The strategies.
    probabilities : ndarray of float64, shape (B, m)
        Of the event in each period.

    Examples
    --------
    >>> one = Decisions(np.array([0, 0]), np.array([0, 1]), np.array([1.0, 0.0]), np.zeros((2, 1)))
    >>> arm = count_arm(one, np.array([0.0, 1.0]), 2, 1, 1, or_more=False)
    >>> count_weights(one, [arm], np.array([[0.5, 0.2]]))[0].tolist()
    [[1.25]]
    """
    found = []
    for arm in arms:
        weights = np.tile(arm.followed.astype(np.float64), (len(probabilities), 1))
        kept = np.where(arm.required == 1.0, probabilities, 1.0 - probabilities)
        for slot in np.unique(model.slot[arm.is_decision]):
            rows = np.flatnonzero(arm.is_decision & (model.slot == slot))
            weights[:, model.patient[rows]] /= kept[:, rows]
        found.append(weights)
    return tuple(found)


def arm_means(
    data: EmulationData,
    model: Decisions,
    arms: Sequence[CountArm],
    frequencies: Floats,
    starts: EmulationStarts | None = None,
) -> Floats:
    """Refit the model of the event and the prediction of missing outcomes, and return the adjusted means of the arms.

    Parameters
    ----------
    data : EmulationData
        Outcome, covariates and history; its own arms and models are not used.
    model : Decisions
        Every period in which the event could happen.
    arms : sequence of CountArm
        The strategies.
    frequencies : ndarray of float64, shape (B, n_patients)
        How often each patient counts.
    starts : EmulationStarts, optional
        Coefficients of `model` and of the model of being observed at which the fits begin.

    Returns
    -------
    ndarray of float64, shape (B, n_arms)
        NaN for an arm that is left without a scored follower.
    """
    first = None if starts is None else starts.decisions[0]
    weights = count_weights(model, arms, fit_decisions(data, model, frequencies, first).probabilities)
    completed = predicted_outcome(data, frequencies, None if starts is None else starts.observed).completed
    means = clone_means(data, completed, weights, frequencies)
    seen = np.column_stack([arm.followed & data.is_observed for arm in arms]).astype(np.float64)
    return np.where(frequencies @ seen > 0.0, means, np.nan)


def linear_trend(counts: Sequence[float]) -> Floats:
    """Return the contrast of arm means that is their least-squares slope over the counts, shape (n_arms,).

    Examples
    --------
    >>> linear_trend([0.0, 1.0, 2.0]).tolist()
    [-0.5, 0.0, 0.5]
    """
    centered = np.asarray(counts, dtype=np.float64) - np.mean(counts)
    return np.asarray(centered / (centered**2).sum())
