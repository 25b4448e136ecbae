"""Several arms that differ in how many weeks with a session they ask for: where they prescribe one, and their means."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.emulation.censoring_weights import censoring_weights, truncated
from katoutcomes.kernels.emulation.data import Arm, Decisions, EmulationData
from katoutcomes.kernels.emulation.estimators import (
    TRUNCATION,
    EmulationStarts,
    arms_observed,
    augmented_means,
    clone_means,
    predicted_outcome,
)
from katoutcomes.kernels.emulation.further_estimates import control_means, missing_mean_shifts

Floats = NDArray[np.float64]

ARM_MEANS: tuple[str, ...] = (
    "cloned, censored, weighted",
    "truncated weights",
    "weights cut at the 95th percentile",
    "weights for missing outcomes",
    "augmented",
    "negative control",
)
"""The first blocks of columns of `arm_estimates`, a mean an arm each; the names are those of two arms."""
_FURTHER_TRUNCATION = 0.95


def count_arm(model: Decisions, before: Floats, n_periods: int, count: int, n_patients: int, *, or_more: bool) -> Arm:
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

    Examples
    --------
    >>> model = Decisions(np.array([0, 0]), np.array([0, 1]), np.array([1.0, 0.0]), np.zeros((2, 1)))
    >>> one = count_arm(model, np.array([0.0, 1.0]), 2, 1, 1, or_more=False)
    >>> one.is_decision.tolist(), one.required.tolist(), one.followed.tolist()
    ([False, True], [0.0, 0.0], [True])
    """
    missing = count - before
    is_forced = (missing > 0) & (missing >= n_periods - model.slot)
    is_forbidden = np.zeros(len(before), dtype=np.bool_) if or_more else missing <= 0
    is_decision, required = is_forced | is_forbidden, is_forced.astype(np.float64)
    followed = np.ones(n_patients, dtype=np.bool_)
    followed[model.patient[is_decision & (model.happened != required)]] = False
    return Arm(0, is_decision, required, followed)


def arm_estimates(
    data: EmulationData, frequencies: Floats, control: Floats | None = None, starts: EmulationStarts | None = None
) -> Floats:
    """Refit everything for each set of frequencies and return the means of the arms by several estimators.

    Parameters
    ----------
    data : EmulationData
        The patients, with one arm or more and the model of the event.
    frequencies : ndarray of float64, shape (B, n_patients)
        How often each patient counts.
    control : ndarray of float64, shape (n_patients,), optional
        An outcome that the strategies cannot have changed; NaN where it is not known.
    starts : EmulationStarts, optional
        From `emulation_starts`, where there are many sets.

    Returns
    -------
    ndarray of float64, shape (B, (6 + K) K)
        For K arms: a block of K means for each of `ARM_MEANS`, those of the control NaN without one; then, for each
        arm, by how much every mean rises if the missing scores of its copies are a point higher than predicted. NaN
        for an arm that is left without a scored follower.
    """
    begin = EmulationStarts((), None) if starts is None else starts
    weights = censoring_weights(data, frequencies, begin.decisions or None)
    outcome = predicted_outcome(data, frequencies, begin.observed)
    cut, cut_further = (
        tuple(truncated(one, frequencies, quantile) for one in weights.arms)
        for quantile in (TRUNCATION, _FURTHER_TRUNCATION)
    )
    observed = tuple(np.where(data.is_observed, one / outcome.observed, 0.0) for one in weights.arms)
    measured = np.tile(np.nan_to_num(data.outcome), (len(frequencies), 1))
    blocks = [
        clone_means(data, outcome.completed, weights.arms, frequencies),
        clone_means(data, outcome.completed, cut, frequencies),
        clone_means(data, outcome.completed, cut_further, frequencies),
        clone_means(data, measured, observed, frequencies),
        augmented_means(data, outcome.corrected, weights, frequencies),
    ]
    no_control = np.full(blocks[0].shape, np.nan)
    blocks.append(no_control if control is None else control_means(data, weights, frequencies, control))
    blocks += list(np.moveaxis(missing_mean_shifts(data, weights, frequencies), 1, 0))
    seen = arms_observed(data, frequencies)
    return np.column_stack([np.where(seen, block, np.nan) for block in blocks])


def linear_trend(counts: Sequence[float]) -> Floats:
    """Return the contrast of arm means that is their least-squares slope over the counts, shape (n_arms,).

    Examples
    --------
    >>> linear_trend([0.0, 1.0, 2.0]).tolist()
    [-0.5, 0.0, 0.5]
    """
    centered = np.asarray(counts, dtype=np.float64) - np.mean(counts)
    return np.asarray(centered / (centered**2).sum())
