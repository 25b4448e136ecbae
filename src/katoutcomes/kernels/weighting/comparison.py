"""The whole comparison of arms as one function of patient frequencies: weights, missing outcomes, adjusted means.

`estimated_means` refits everything (propensity, probability of being observed, outcome) for each set of frequencies, so
that a bootstrap of it carries the uncertainty of every step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.weighting.balancing_weights import (
    generalized_overlap_weights,
    inverse_probability_weights,
    overlap_weights,
)
from katoutcomes.kernels.weighting.entropy_balancing import entropy_balancing
from katoutcomes.kernels.weighting.logistic import PROBABILITY_LIMITS, RIDGE, fit_logistic
from katoutcomes.kernels.weighting.multinomial import fit_multinomial
from katoutcomes.kernels.weighting.outcome_models import OutcomeModel, augmented_means, standardized_means
from katoutcomes.kernels.weighting.weighted_ancova import arm_design, weighted_coefficients

Floats = NDArray[np.float64]

WEIGHTS: tuple[str, ...] = ("overlap", "iptw_ate", "iptw_att", "entropy", "none")
METHODS: tuple[str, ...] = ("weighted_ancova", "weighted_mean", "aipw", "g_computation")


@dataclass(frozen=True, slots=True, eq=False)
class ArmData:
    """Aligned arrays of the patients compared.

    Attributes
    ----------
    outcome : ndarray of float64, shape (n_patients,)
        NaN where it is missing.
    arms : ndarray of int64, shape (n_patients,)
        0 for the comparator, then 1, 2, ...
    n_arms : int
        How many there are.
    covariates : ndarray of float64, shape (n_patients, p)
        Known at time zero; no NaN.
    history : ndarray of float64, shape (n_patients, h)
        What happened since that tells who is observed and how patients fare; no NaN. May have no column.
    history_by_arm : ndarray of float64, shape (n_patients, g)
        Products of history and arm, for the model of being observed only; may have no column.
    certain : ndarray of bool, shape (n_patients,), or None
        Whose outcome follows from a definition, such as that who left has not responded: these have one for certain and
        no part in the model of being observed. None where that is nobody.
    """

    outcome: Floats
    arms: NDArray[np.int64]
    n_arms: int
    covariates: Floats
    history: Floats
    history_by_arm: Floats
    certain: NDArray[np.bool_] | None = None

    @property
    def is_observed(self) -> NDArray[np.bool_]:
        """Who has an outcome."""
        return ~np.isnan(self.outcome)

    @property
    def may_be_missing(self) -> NDArray[np.bool_]:
        """Whose outcome could have been missing: all whose outcome does not follow from a definition."""
        return np.ones(self.arms.size, dtype=np.bool_) if self.certain is None else ~self.certain


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which weights, what about missing outcomes, which estimator.

    Attributes
    ----------
    weights : str
        One of `WEIGHTS`.
    observation_weights : bool
        Whether the observed stand for the missing by inverse probability of being observed; otherwise they stand for
        themselves.
    method : str
        One of `METHODS`.
    slopes : {"pooled", "per_arm"}
        Of outcome models in "aipw" and "g_computation".
    ridge : float
        Of the logistic models.
    limits : (float, float)
        Between which fitted probabilities lie.
    """

    weights: str = "overlap"
    observation_weights: bool = True
    method: str = "weighted_ancova"
    slopes: str = "pooled"
    ridge: float = RIDGE
    limits: tuple[float, float] = PROBABILITY_LIMITS


@dataclass(frozen=True, slots=True, eq=False)
class ArmWeights:
    """The weights of one copy of each patient, a row for each set of frequencies.

    Attributes
    ----------
    propensities : ndarray of float64, shape (B, n_patients, K)
        Probability of each arm, within limits.
    balancing : ndarray of float64, shape (B, n_patients)
        What makes the arms alike.
    tilt : ndarray of float64, shape (B, n_patients)
        Whom the comparison is about: the weight of each patient in the target population.
    observed : ndarray of float64, shape (B, n_patients)
        Probability of having an outcome, within limits; 1 where nothing is modeled.
    n_limited_propensities, n_limited_observed : ndarray of float64, shape (B,)
        Patients whose probability lay outside the limits.
    """

    propensities: Floats
    balancing: Floats
    tilt: Floats
    observed: Floats
    n_limited_propensities: Floats
    n_limited_observed: Floats


@dataclass(frozen=True, slots=True, eq=False)
class ArmEstimates:
    """What a comparison gives, a row for each set of frequencies.

    Attributes
    ----------
    means : ndarray of float64, shape (B, K)
        Mean outcome of each arm in the target population; NaN where an arm has no outcome.
    missing_shares : ndarray of float64, shape (B, K)
        Share of each arm, weighted to the target population, whose outcome is missing. Adding d to every missing
        outcome of an arm moves its mean by d times this share (a delta-adjusted pattern mixture).
    """

    means: Floats
    missing_shares: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Starts:
    """Coefficients of the logistic models of all patients, at which the fits of resamples begin."""

    propensity: Floats | None
    observed: Floats | None


def starting_values(data: ArmData, recipe: Recipe) -> Starts:
    """Fit the logistic models to the patients as they are: once before many resamples."""
    once = np.ones((1, data.arms.size))
    propensity = observed = None
    if data.n_arms == 2 and not (recipe.weights == "none" and recipe.method != "aipw"):
        treated = (data.arms == 1).astype(np.float64)
        propensity = fit_logistic(data.covariates, treated, once, ridge=recipe.ridge).coefficients[0]
    if recipe.observation_weights and not data.is_observed.all():
        seen, counted = data.is_observed.astype(np.float64), once * data.may_be_missing
        observed = fit_logistic(observation_design(data), seen, counted, ridge=recipe.ridge).coefficients[0]
    return Starts(propensity, observed)


def estimate_arms(
    data: ArmData,
    recipe: Recipe,
    frequencies: Floats,
    starts: Starts | None = None,
    weights: ArmWeights | None = None,
) -> ArmEstimates:
    """Refit everything for each set of frequencies.

    Parameters
    ----------
    data : ArmData
        The patients.
    recipe : Recipe
        How.
    frequencies : ndarray of float64, shape (B, n_patients)
        How often each patient counts.
    starts : Starts, optional
        From `starting_values`, where there are many sets; they save time and change nothing beyond the tolerance.
    weights : ArmWeights, optional
        From `arm_weights` with the same frequencies, where several estimators share them.
    """
    found = arm_weights(data, recipe, frequencies, starts) if weights is None else weights
    if recipe.method in {"aipw", "g_computation"}:
        model = _outcome_model(data, recipe)
        if recipe.method == "aipw":
            means = augmented_means(model, found.propensities, found.observed, found.tilt, frequencies)
        else:
            means = standardized_means(model, found.tilt, frequencies)
    else:
        means = _weighted_means(data, recipe, frequencies, found)
    means = np.where(_has_outcomes(data, frequencies)[:, None], means, np.nan)
    return ArmEstimates(means, missing_shares(data, found, frequencies))


def estimated_means(data: ArmData, recipe: Recipe, frequencies: Floats) -> Floats:
    """Return the means of `estimate_arms`, shape (B, K)."""
    return estimate_arms(data, recipe, frequencies).means


def _outcome_model(data: ArmData, recipe: Recipe) -> OutcomeModel:
    history = np.column_stack([data.covariates, data.history]) if recipe.observation_weights else None
    is_pooled = recipe.slopes == "pooled"
    return OutcomeModel(data.outcome, data.arms, data.n_arms, data.covariates, history, is_pooled)


def missing_shares(data: ArmData, found: ArmWeights, frequencies: Floats) -> Floats:
    """Return the share of each arm, weighted to the target population, whose outcome is missing, shape (B, K)."""
    weights = frequencies * found.balancing
    member = (data.arms[:, None] == np.arange(data.n_arms)).astype(np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((weights * ~data.is_observed) @ member / (weights @ member))


def contrasts(means: Floats) -> Floats:
    """Return each later arm minus the first, shape (B, K - 1)."""
    return means[:, 1:] - means[:, :1]


def _has_outcomes(data: ArmData, frequencies: Floats) -> NDArray[np.bool_]:
    """Return the sets in which every arm has an observed patient."""
    member = (data.arms[:, None] == np.arange(data.n_arms)) & data.is_observed[:, None]
    return np.asarray((frequencies @ member.astype(np.float64) > 0.0).all(axis=1))


def _weighted_means(data: ArmData, recipe: Recipe, frequencies: Floats, found: ArmWeights) -> Floats:
    """Return weighted means of the observed, adjusted for what is left between the covariates of the arms."""
    weights = np.where(data.is_observed, frequencies * found.balancing / found.observed, 0.0)
    is_adjusted = recipe.method == "weighted_ancova"
    covariates = data.covariates if is_adjusted else data.covariates[:, :0]
    centered = covariates - covariates.mean(axis=0)
    coefficients = weighted_coefficients(arm_design(data.arms, data.n_arms, centered), data.outcome, weights)
    target = frequencies * found.tilt
    at = (target @ centered) / target.sum(axis=1, keepdims=True)
    shift = np.einsum("bp,bp->b", coefficients[:, data.n_arms :], at)
    return np.asarray(coefficients[:, : data.n_arms] + shift[:, None])


# --- weights ---------------------------------------------------------------------------------------------------------


def arm_weights(data: ArmData, recipe: Recipe, frequencies: Floats, starts: Starts | None = None) -> ArmWeights:
    """Return propensities, balancing weights and probabilities of being observed for each set of frequencies."""
    begin = Starts(None, None) if starts is None else starts
    propensities, n_limited = _propensities(data, recipe, frequencies, begin.propensity)
    observed, n_limited_observed = _observed(data, recipe, frequencies, begin.observed)
    tilt = _tilt(recipe.weights, propensities)
    if recipe.weights == "entropy":
        balancing = _entropy_weights(data, frequencies, observed)
    else:
        balancing = _balancing(data, recipe, propensities, frequencies)
    return ArmWeights(propensities, balancing, tilt, observed, n_limited, n_limited_observed)


def _propensities(data: ArmData, recipe: Recipe, frequencies: Floats, start: Floats | None) -> tuple[Floats, Floats]:
    n_sets, n_patients = frequencies.shape
    if recipe.weights == "none" and recipe.method != "aipw":
        return np.full((n_sets, n_patients, data.n_arms), 1.0 / data.n_arms), np.zeros(n_sets)
    if data.n_arms > 2:
        fits = fit_multinomial(
            data.covariates, data.arms, data.n_arms, frequencies, ridge=recipe.ridge, limit=recipe.limits[0]
        )
        return fits.probabilities, fits.n_limited
    is_treated = (data.arms == 1).astype(np.float64)
    fit = fit_logistic(data.covariates, is_treated, frequencies, ridge=recipe.ridge, limits=recipe.limits, start=start)
    return np.stack([1.0 - fit.probabilities, fit.probabilities], axis=2), fit.n_limited


def observation_design(data: ArmData) -> Floats:
    """Return the columns of the model of being observed: covariates, history, arms and their products."""
    indicators = (data.arms[:, None] == np.arange(1, data.n_arms)).astype(np.float64)
    return np.column_stack([data.covariates, data.history, indicators, data.history_by_arm])


def _observed(data: ArmData, recipe: Recipe, frequencies: Floats, start: Floats | None) -> tuple[Floats, Floats]:
    n_sets, n_patients = frequencies.shape
    if not recipe.observation_weights or data.is_observed.all():
        return np.ones((n_sets, n_patients)), np.zeros(n_sets)
    design, seen = observation_design(data), data.is_observed.astype(np.float64)
    counted = frequencies * data.may_be_missing
    fits = fit_logistic(design, seen, counted, ridge=recipe.ridge, limits=recipe.limits, start=start)
    return np.where(data.may_be_missing, fits.probabilities, 1.0), fits.n_limited


def _tilt(weights: str, propensities: Floats) -> Floats:
    """Return the weight of each patient in the target population."""
    if weights == "overlap":
        return np.asarray(1.0 / (1.0 / propensities).sum(axis=2))
    if weights == "iptw_att":
        return propensities[:, :, 1]
    return np.ones(propensities.shape[:2])


def _balancing(data: ArmData, recipe: Recipe, propensities: Floats, frequencies: Floats) -> Floats:
    if recipe.weights == "none":
        return np.ones(frequencies.shape)
    if data.n_arms > 2:
        if recipe.weights == "overlap":
            return generalized_overlap_weights(propensities, data.arms)
        if recipe.weights != "iptw_ate":
            raise ValueError("more than two arms are compared with 'overlap', 'iptw_ate' or 'none'.")
        own = np.take_along_axis(propensities, data.arms[None, :, None], axis=2)[:, :, 0]
        return np.asarray(1.0 / own)
    is_treated, treated_propensity = data.arms == 1, propensities[:, :, 1]
    if recipe.weights == "overlap":
        return overlap_weights(treated_propensity, is_treated)
    share = (frequencies @ is_treated.astype(np.float64)) / frequencies.sum(axis=1)
    target = recipe.weights.removeprefix("iptw_")
    return inverse_probability_weights(treated_propensity, is_treated, target, share if target == "ate" else None)


def _entropy_weights(data: ArmData, frequencies: Floats, observed: Floats) -> Floats:
    """Return weights under which the observed of each arm have the covariate means of everybody.

    The base weights are the observation weights; they are divided out again because the estimator multiplies by them.
    """
    seen = data.is_observed.astype(np.float64)
    targets = (frequencies @ data.covariates) / frequencies.sum(axis=1, keepdims=True)
    balancing = np.zeros(frequencies.shape)
    for arm in range(data.n_arms):
        members = data.arms == arm
        base = (frequencies * seen / observed)[:, members]
        found = entropy_balancing(data.covariates[members], base, targets)
        balancing[:, members] = found.weights
    return balancing
