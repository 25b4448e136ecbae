"""Risks of a binary outcome in each arm, weighted and standardized, for many sets of patient frequencies at once.

The counterpart of `kernels.weighting.comparison.estimate_arms` for an outcome that is 0 or 1: the same weights, with a
logistic outcome model that is averaged over the population the comparison is about.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.weighting.comparison import (
    ArmData,
    ArmEstimates,
    ArmWeights,
    Recipe,
    Starts,
    arm_weights,
    missing_shares,
)
from katoutcomes.kernels.weighting.logistic import expit, fit_logistic
from katoutcomes.kernels.weighting.outcome_models import corrected_predictions

Floats = NDArray[np.float64]

OUTCOME_RIDGE = 1e-4
"""Ridge of the outcome model, per patient: a tenth of that of the weights, so that the contrast is hardly shrunk."""


def estimate_risks(
    data: ArmData,
    recipe: Recipe,
    frequencies: Floats,
    starts: Starts | None = None,
    weights: ArmWeights | None = None,
) -> ArmEstimates:
    """Refit weights and outcome model for each set of frequencies and return the risk of every arm.

    With m_k(x) = expit(a_k + x'b) fitted to the observed, the risk of arm k is the mean of m_k over the patients,
    weighted to the target population. "weighted_ancova" fits with the balancing and observation weights, for which the
    canonical link makes the estimate right if either the weights or the model is; "g_computation" fits with the
    observation weights alone; "aipw" adds 1(A = k) R / (e_k pi) (Y - m_k) to each patient's m_k.

    Parameters
    ----------
    data : ArmData
        The patients; the outcome is 0, 1 or NaN, or between 0 and 1 where only its probability is supposed.
    recipe : Recipe
        How; slopes are always pooled.
    frequencies : ndarray of float64, shape (B, n_patients)
        How often each patient counts.
    starts, weights : Starts and ArmWeights, optional
        As in `estimate_arms`.

    Returns
    -------
    ArmEstimates
        Risks between 0 and 1 ("aipw" may leave that range); NaN where an arm has no observed patient.

    References
    ----------
    Hernan MA, Robins JM. Causal Inference: What If. Chapman and Hall, 2020, chapters 12 and 13.
    Robins J, Sued M, Lei-Gomez Q, Rotnitzky A. Stat Sci 2007;22:544-559. doi:10.1214/07-STS227D.

    Examples
    --------
    >>> arms = np.repeat([0, 1], 4)
    >>> none = np.empty((8, 0))
    >>> data = ArmData(np.array([0.0, 0, 0, 1, 0, 1, 1, 1]), arms, 2, np.tile([[0.0], [1.0]], (4, 1)), none, none)
    >>> estimate_risks(data, Recipe("none", False), np.ones((1, 8))).means.round(2).tolist()
    [[0.25, 0.75]]
    """
    found = arm_weights(data, recipe, frequencies, starts) if weights is None else weights
    known = np.where(data.is_observed, frequencies / found.observed, 0.0)
    if recipe.method == "weighted_ancova":
        known = known * found.balancing
    predicted = predicted_risks(data, known)
    if recipe.method == "aipw":
        outcome = np.broadcast_to(data.outcome, frequencies.shape)
        reached = found.propensities * found.observed[:, :, None]
        predicted = corrected_predictions(outcome, data.arms, predicted, reached)
    return ArmEstimates(_averaged(data, predicted, found, frequencies), missing_shares(data, found, frequencies))


def predicted_risks(data: ArmData, weights: Floats) -> Floats:
    """Return what the logistic model predicts for every patient under every arm, shape (B, n_patients, K).

    Parameters
    ----------
    data : ArmData
        The patients.
    weights : ndarray of float64, shape (B, n_patients)
        0 for those without an outcome.
    """
    indicators = (data.arms[:, None] == np.arange(1, data.n_arms)).astype(np.float64)
    design = np.column_stack([data.covariates, indicators])
    start = fit_logistic(design, data.outcome, weights[:1], ridge=OUTCOME_RIDGE, limits=(0.0, 1.0)).coefficients[0]
    fits = fit_logistic(
        design,
        data.outcome,
        weights,
        ridge=OUTCOME_RIDGE,
        limits=(0.0, 1.0),
        start=start if np.isfinite(start).all() else None,
    )
    p = data.covariates.shape[1]
    shared = fits.coefficients[:, :1] + fits.coefficients[:, 1 : 1 + p] @ data.covariates.T
    moved = np.column_stack([np.zeros(len(weights)), fits.coefficients[:, 1 + p :]])
    return np.asarray(expit(shared[:, :, None] + moved[:, None, :]))


def _averaged(data: ArmData, predicted: Floats, weights: ArmWeights, frequencies: Floats) -> Floats:
    target = frequencies * weights.tilt
    member = ((data.arms[:, None] == np.arange(data.n_arms)) & data.is_observed[:, None]).astype(np.float64)
    has_outcomes = (frequencies @ member > 0.0).all(axis=1)
    means = np.einsum("bn,bnk->bk", target, predicted) / target.sum(axis=1, keepdims=True)
    return np.where(has_outcomes[:, None], means, np.nan)
