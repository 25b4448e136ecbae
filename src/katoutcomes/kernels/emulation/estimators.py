"""The estimators of an emulated trial, and the comparisons that go wrong, for many sets of frequencies at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.emulation.censoring_weights import (
    CensoringWeights,
    censoring_weights,
    fit_decisions,
    kept_probability,
    truncated,
)
from katoutcomes.kernels.emulation.data import EmulationData
from katoutcomes.kernels.weighting.logistic import RIDGE, LogisticFits, fit_logistic, standardized_columns
from katoutcomes.kernels.weighting.weighted_ancova import arm_coefficients, weighted_coefficients

Floats = NDArray[np.float64]

TRUNCATION = 0.99
ESTIMATES: tuple[str, ...] = (
    "comparator mean",
    "treated mean",
    "cloned, censored, weighted",
    "truncated weights",
    "weights for missing outcomes",
    "augmented",
    "clones without weights",
    "landmark",
    "ever or never",
)
"""The columns of `emulated_estimates`; all but the first two are treated minus comparator."""


@dataclass(frozen=True, slots=True, eq=False)
class OutcomePrediction:
    """What is put in the place of missing outcomes, a row for each set of frequencies.

    Attributes
    ----------
    completed : ndarray of float64, shape (B, n_patients)
        The outcome, or its prediction from the history where it is missing.
    corrected : ndarray of float64, shape (B, n_patients)
        The prediction plus, for the observed, their residual over the probability of being observed.
    observed : ndarray of float64, shape (B, n_patients)
        Probability of having an outcome, within limits.
    """

    completed: Floats
    corrected: Floats
    observed: Floats


@dataclass(frozen=True, slots=True, eq=False)
class EmulationStarts:
    """Coefficients of the logistic models of all patients, at which the fits of resamples begin."""

    decisions: tuple[Floats, ...]
    observed: Floats | None


def emulation_starts(data: EmulationData) -> EmulationStarts:
    """Fit the logistic models to the patients as they are: once before many resamples."""
    once = np.ones((1, data.n_patients))
    decisions = tuple(fit_decisions(data, model, once).coefficients[0] for model in data.models)
    if data.is_observed.all():
        return EmulationStarts(decisions, None)
    return EmulationStarts(decisions, _observed_fit(data, once, None).coefficients[0])


def emulated_estimates(
    data: EmulationData,
    frequencies: Floats,
    starts: EmulationStarts | None = None,
    weights: CensoringWeights | None = None,
) -> Floats:
    """Refit everything for each set of frequencies.

    Parameters
    ----------
    data : EmulationData
        The patients.
    frequencies : ndarray of float64, shape (B, n_patients)
        How often each patient counts.
    starts : EmulationStarts, optional
        From `emulation_starts`, where there are many sets; they save time and change nothing beyond the tolerance.
    weights : CensoringWeights, optional
        Those of the same patients and frequencies, where they are there already.

    Returns
    -------
    ndarray of float64, shape (B, 9)
        The columns are `ESTIMATES`; NaN where an arm is left without an outcome.
    """
    begin = EmulationStarts((), None) if starts is None else starts
    if weights is None:
        weights = censoring_weights(data, frequencies, begin.decisions or None)
    outcome = predicted_outcome(data, frequencies, begin.observed)
    cut = tuple(truncated(one, frequencies, TRUNCATION) for one in weights.arms)
    observed = tuple(np.where(data.is_observed, one / outcome.observed, 0.0) for one in weights.arms)
    measured = np.tile(np.nan_to_num(data.outcome), (len(frequencies), 1))
    means = clone_means(data, outcome.completed, weights.arms, frequencies)
    columns = [
        *means.T,
        means[:, 1] - means[:, 0],
        np.diff(clone_means(data, outcome.completed, cut, frequencies))[:, 0],
        np.diff(clone_means(data, measured, observed, frequencies))[:, 0],
        augmented_difference(data, outcome.corrected, weights, frequencies),
        np.diff(plain_clone_means(data, frequencies))[:, 0],
        landmark_difference(data, frequencies),
        ever_or_never_difference(data, frequencies),
    ]
    found = np.column_stack(columns)
    found[~arms_observed(data, frequencies).all(axis=1)] = np.nan
    return found


def _observed_fit(data: EmulationData, frequencies: Floats, start: Floats | None) -> LogisticFits:
    columns = np.column_stack([data.covariates, data.history])
    counted = frequencies * data.may_be_missing
    return fit_logistic(columns, data.is_observed.astype(np.float64), counted, start=start)


def predicted_outcome(data: EmulationData, frequencies: Floats, start: Floats | None = None) -> OutcomePrediction:
    """Predict missing outcomes by linear regression on covariates and history among the observed."""
    expected = expected_outcome(data, frequencies)
    if data.is_observed.all():
        observed = np.ones(frequencies.shape)
    else:
        observed = np.where(data.may_be_missing, _observed_fit(data, frequencies, start).probabilities, 1.0)
    residual = np.where(data.is_observed, np.nan_to_num(data.outcome) - expected, 0.0)
    return OutcomePrediction(expected + residual, expected + residual / observed, observed)


def expected_outcome(data: EmulationData, frequencies: Floats) -> Floats:
    """Return what the linear regression of the observed on covariates and history predicts for everybody.

    Where some outcomes follow from a definition, of those that do not.
    """
    columns = np.column_stack([data.covariates, data.history])
    design = np.column_stack([np.ones(data.n_patients), columns - columns.mean(axis=0)])
    coefficients = weighted_coefficients(
        design, data.outcome, np.where(data.is_observed & data.may_be_missing, frequencies, 0.0)
    )
    return np.asarray(coefficients @ design.T)


def clone_means(data: EmulationData, outcome: Floats, weights: tuple[Floats, ...], frequencies: Floats) -> Floats:
    """Return the adjusted mean of each arm by weighted analysis of covariance of the stacked copies, shape (B, n_arms).

    Parameters
    ----------
    data : EmulationData
        The patients.
    outcome : ndarray of float64, shape (B, n_patients)
        Of every patient who has a weight.
    weights : tuple of ndarray of float64, shape (B, n_patients)
        Of the copies in each arm, 0 for those censored.
    frequencies : ndarray of float64, shape (B, n_patients)
        How often each patient counts.
    """
    centered = data.covariates - data.covariates.mean(axis=0)
    n_arms = len(weights)
    coefficients = arm_coefficients(centered, outcome, [frequencies * one for one in weights])
    target = frequencies @ centered / frequencies.sum(axis=1, keepdims=True)
    shift = np.einsum("bp,bp->b", coefficients[:, n_arms:], target)
    return np.asarray(coefficients[:, :n_arms] + shift[:, None])


def augmented_difference(
    data: EmulationData, outcome: Floats, weights: CensoringWeights, frequencies: Floats
) -> Floats:
    """Return the difference of two arms by sequential augmented weighting, shape (B,)."""
    means = augmented_means(data, outcome, weights, frequencies)
    return np.asarray(means[:, 1] - means[:, 0])


def augmented_means(data: EmulationData, outcome: Floats, weights: CensoringWeights, frequencies: Floats) -> Floats:
    """Return the mean of each arm by sequential augmented weighting, shape (B, n_arms).

    Backward over the periods: among those at a decision, the outcome of who kept to the strategy is regressed on
    covariates and state, q; everybody at it gets q plus, where kept, the residual over the probability of keeping. The
    slopes of standardized columns carry the ridge of the logistic models: few keep to a strategy in its last period,
    in some resamples fewer than there are columns, and what is predicted for the others must not be left to rounding.

    References
    ----------
    Bang H, Robins JM. Biometrics 2005;61:962-973. doi:10.1111/j.1541-0420.2005.00377.x.
    """
    means = []
    for arm in data.arms:
        model, value = data.models[arm.model], outcome.copy()
        kept, keeps = kept_probability(arm, weights.probabilities[arm.model]), model.happened == arm.required
        for slot in np.unique(model.slot[arm.is_decision])[::-1]:
            rows = np.flatnonzero(arm.is_decision & (model.slot == slot))
            people, did = model.patient[rows], keeps[rows]
            columns = np.column_stack([data.covariates[people], model.state[rows]])
            design, _, _ = standardized_columns(columns)
            counts = np.where(did, frequencies[:, people], 0.0)
            fitted = weighted_coefficients(design, value[:, people], counts, ridge=RIDGE)
            expected = fitted @ design.T
            value[:, people] = expected + np.where(did, (value[:, people] - expected) / kept[:, rows], 0.0)
        means.append(np.einsum("bn,bn->b", frequencies, value) / frequencies.sum(axis=1))
    return np.column_stack(means)


# --- comparisons that answer another question, or none ---------------------------------------------------------------


def plain_clone_means(data: EmulationData, frequencies: Floats) -> Floats:
    """Return the plain mean of the scored followers of each arm, shape (B, 2): copies without weights."""
    seen = np.column_stack([arm.followed & data.is_observed for arm in data.arms]).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((frequencies * np.nan_to_num(data.outcome)) @ seen / (frequencies @ seen))


def landmark_difference(data: EmulationData, frequencies: Floats) -> Floats:
    """Return the adjusted difference of those with and without a session, among those in care at the landmark."""
    used = np.where(data.in_care & data.is_observed, frequencies, 0.0)
    exposed = data.exposed_early.astype(np.float64)
    centered = data.covariates - data.covariates.mean(axis=0)
    design = np.column_stack([1.0 - exposed, exposed, centered])
    coefficients = weighted_coefficients(design, data.outcome, used)
    both = (used @ exposed > 0.0) & (used @ (1.0 - exposed) > 0.0)
    return np.where(both, coefficients[:, 1] - coefficients[:, 0], np.nan)


def ever_or_never_difference(data: EmulationData, frequencies: Floats) -> Floats:
    """Return the plain difference of the scored who ever had a session and who never had one.

    It is immortal-time biased, and exists to be shown as such beside an estimate that is not.
    """
    used = np.where(data.is_observed, frequencies, 0.0)
    exposed, outcome = data.exposed_ever.astype(np.float64), np.nan_to_num(data.outcome)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = [(used * group) @ outcome / (used @ group) for group in (1.0 - exposed, exposed)]
    return np.asarray(means[1] - means[0])


def arms_observed(data: EmulationData, frequencies: Floats) -> NDArray[np.bool_]:
    """Return which arms have a scored follower, shape (B, n_arms)."""
    seen = np.column_stack([arm.followed & data.is_observed for arm in data.arms]).astype(np.float64)
    return np.asarray(frequencies @ seen > 0.0)
