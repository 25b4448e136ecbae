"""What is estimated beside an emulated trial: how missing scores move it, a negative control, effects by modifier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.emulation.censoring_weights import CensoringWeights, censoring_weights, truncated
from katoutcomes.kernels.emulation.data import EmulationData
from katoutcomes.kernels.emulation.estimators import EmulationStarts, clone_means, predicted_outcome
from katoutcomes.kernels.weighting.weighted_ancova import weighted_coefficients

Floats = NDArray[np.float64]

FURTHER: tuple[str, ...] = ("comparator missing", "treated missing", "negative control", "missing as 0")
"""The first columns of `further_estimates`; after them, those of each modifier."""


def further_estimates(
    data: EmulationData,
    frequencies: Floats,
    *,
    control: Floats | None = None,
    bases: Sequence[Floats] = (),
    starts: EmulationStarts | None = None,
    weights: CensoringWeights | None = None,
) -> Floats:
    """Refit what stands beside the answer for each set of frequencies.

    Parameters
    ----------
    data : EmulationData
        The patients.
    frequencies : ndarray of float64, shape (B, n_patients)
        How often each patient counts.
    control : ndarray of float64, shape (n_patients,), optional
        An outcome that the strategies cannot have changed; NaN where it is not known.
    bases : sequence of ndarray of float64, shape (n_patients, k)
        For each modifier the columns that the effect is linear in, such as an indicator for each level.
    starts : EmulationStarts, optional
        From `emulation_starts`, where there are many sets.
    weights : CensoringWeights, optional
        Those of the same patients and frequencies, where they are there already.

    Returns
    -------
    ndarray of float64, shape (B, 4 + sum of k)
        By how much the difference rises if every missing score is a point higher than predicted, in the copies of the
        comparator (a number below 0) and in those of the treated; the difference of the control by the same weights
        and the same adjustment among those of whom it is known, NaN without one; the difference with every missing
        outcome 0; the coefficients of the effect.
    """
    begin = EmulationStarts((), None) if starts is None else starts
    if weights is None:
        weights = censoring_weights(data, frequencies, begin.decisions or None)
    columns = [*missing_shifts(data, weights, frequencies).T]
    columns.append(
        np.full(len(frequencies), np.nan) if control is None else _control(data, weights, frequencies, control)
    )
    nobody = clone_means(data, np.tile(np.nan_to_num(data.outcome), (len(frequencies), 1)), weights.arms, frequencies)
    columns.append(nobody[:, 1] - nobody[:, 0])
    if bases:
        completed = predicted_outcome(data, frequencies, begin.observed).completed
        for basis in bases:
            columns += [*modified_effects(data, completed, weights, frequencies, basis).T]
    return np.column_stack(columns)


def _control(data: EmulationData, weights: CensoringWeights, frequencies: Floats, control: Floats) -> Floats:
    means = control_means(data, weights, frequencies, control)
    return np.asarray(means[:, 1] - means[:, 0])


def control_means(data: EmulationData, weights: CensoringWeights, frequencies: Floats, control: Floats) -> Floats:
    """Return the adjusted mean of the control in each arm, shape (B, n_arms); NaN where nobody's is known."""
    known = tuple(np.where(np.isnan(control), 0.0, one) for one in weights.arms)
    means = clone_means(data, np.tile(np.nan_to_num(control), (len(frequencies), 1)), known, frequencies)
    is_known = np.column_stack([(frequencies * one).sum(axis=1) > 0.0 for one in known])
    return np.where(is_known, means, np.nan)


def missing_shifts(data: EmulationData, weights: CensoringWeights, frequencies: Floats) -> Floats:
    """Return what a point added to the missing scores of one arm's copies does to the difference, shape (B, 2)."""
    means = missing_mean_shifts(data, weights, frequencies)
    return np.asarray(means[:, :, 1] - means[:, :, 0])


def assumed_of_missing(visits: Sequence[EmulationData], spoken_for: Floats) -> Floats:
    """Return what is predicted on average for the missing outcomes of each arm's copies, as weighted, shape (K,).

    Parameters
    ----------
    visits : sequence of EmulationData
        The same copies with the outcome of each visit.
    spoken_for : ndarray of float64, shape (n_visits,)
        What each visit counts.

    Returns
    -------
    ndarray of float64
        NaN where no outcome of an arm is missing.
    """
    once = np.ones((1, visits[0].n_patients))
    weights = np.stack([one[0] for one in censoring_weights(visits[0], once).arms])
    sums, sizes = np.zeros(len(weights)), np.zeros(len(weights))
    for data, counts in zip(visits, spoken_for.tolist(), strict=True):
        missing = counts * weights * ~data.is_observed
        sums += missing @ predicted_outcome(data, once).completed[0]
        sizes += missing.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(sums / sizes)


def missing_mean_shifts(data: EmulationData, weights: CensoringWeights, frequencies: Floats) -> Floats:
    """Return what a point added to the missing scores of one arm's copies does to every mean, shape (B, K, K).

    The second axis is the arm whose missing scores are higher, the last the arm whose mean it is. The estimator is
    linear in the outcome, so this is the same analysis of a flag for "missing, and in this arm".
    """
    missing, n_arms = (~data.is_observed).astype(np.float64), len(weights.arms)
    ones, flags = np.ones((data.n_patients, 1)), np.kron(np.eye(n_arms), missing).astype(np.float64)
    shifts = [weighted_coefficients(*_stacked(data, flag, weights, frequencies, ones))[:, :n_arms] for flag in flags]
    return np.stack(shifts, axis=1)


def modified_effects(
    data: EmulationData, outcome: Floats, weights: CensoringWeights, frequencies: Floats, basis: Floats
) -> Floats:
    """Return the coefficients of an effect that is linear in the columns of a basis, shape (B, k).

    Parameters
    ----------
    data : EmulationData
        The patients.
    outcome : ndarray of float64, shape (B, n_patients)
        Of every patient who has a weight.
    weights : CensoringWeights
        Of the copies.
    frequencies : ndarray of float64, shape (B, n_patients)
        How often each patient counts.
    basis : ndarray of float64, shape (n_patients, k)
        With an indicator for each level of a category the coefficients are the effects in these levels; NaN for a level
        that has no follower of an arm. With ones and a number they are the effect at 0 and its rise a unit.

    Notes
    -----
    Weighted analysis of covariance of the stacked copies on the basis in each arm and the covariates, whose slopes the
    arms and levels share.
    """
    n_columns = basis.shape[1]
    stacked = _stacked(data, np.tile(outcome, (1, 2)), weights, frequencies, basis)
    coefficients = weighted_coefficients(*stacked)
    found = coefficients[:, n_columns : 2 * n_columns] - coefficients[:, :n_columns]
    for arm in weights.arms:
        found[((frequencies * arm) @ (basis != 0.0).astype(np.float64)) <= 0.0] = np.nan
    return found


def _stacked(
    data: EmulationData, outcome: Floats, weights: CensoringWeights, frequencies: Floats, basis: Floats
) -> tuple[Floats, Floats, Floats]:
    """Return design, outcome and weights of the copies, those of the comparator first."""
    centered, n_arms = data.covariates - data.covariates.mean(axis=0), len(weights.arms)
    design = np.column_stack([np.kron(np.eye(n_arms), basis), np.tile(centered, (n_arms, 1))])
    return design, outcome, np.concatenate([frequencies * one for one in weights.arms], axis=1)


def difference_with_truncation(data: EmulationData, quantile: float) -> float:
    """Return the difference with the weights of each arm cut at a quantile, of the patients as they are."""
    once = np.ones((1, data.n_patients))
    weights = tuple(truncated(one, once, quantile) for one in censoring_weights(data, once).arms)
    means = clone_means(data, predicted_outcome(data, once).completed, weights, once)
    return float(means[0, 1] - means[0, 0])
