"""Weights for artificial censoring: who kept to a strategy also stands for those like them who did not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.emulation.data import Arm, Decisions, EmulationData
from katoutcomes.kernels.weighting.logistic import RIDGE, LogisticFits, fit_logistic

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CensoringWeights:
    """Weights of one copy of each patient in each arm, a row for each set of frequencies.

    Attributes
    ----------
    arms : tuple of ndarray of float64, shape (B, n_patients)
        1 over the probability of having done what the strategy prescribes; 0 for who departed from it.
    probabilities : tuple of ndarray of float64, shape (B, m)
        Of the event in each row of each of the models, within limits.
    n_limited : ndarray of float64, shape (B,)
        Rows (by frequency) whose probability lay outside the limits, over all models.
    """

    arms: tuple[Floats, ...]
    probabilities: tuple[Floats, ...]
    n_limited: Floats


def censoring_weights(
    data: EmulationData, frequencies: Floats, starts: Sequence[Floats] | None = None, *, ridge: float = RIDGE
) -> CensoringWeights:
    """Fit the probability models to each set of frequencies and return the weights.

    Parameters
    ----------
    data : EmulationData
        The patients.
    frequencies : ndarray of float64, shape (B, n_patients)
        How often each patient counts.
    starts : sequence of ndarray of float64, optional
        Coefficients at which the fits of the models begin; they save time and change nothing beyond the tolerance.
    ridge : float, default 1e-3
        Of the models; 0 gives maximum likelihood.

    Notes
    -----
    With lambda the fitted probability of an event in a person-period, a patient who kept to the strategy has the weight
    prod 1/lambda over the periods in which it prescribed the event, and prod 1/(1 - lambda) over those in which it
    forbade it. Inside a grace period nothing is prescribed until the last period in which it can still be met.

    References
    ----------
    Cain LE, et al. Int J Biostat 2010;6(2):18. doi:10.2202/1557-4679.1212.
    """
    begin = [None] * len(data.models) if starts is None else starts
    fits = [
        fit_decisions(data, model, frequencies, start, ridge=ridge)
        for model, start in zip(data.models, begin, strict=True)
    ]
    probabilities = tuple(fit.probabilities for fit in fits)
    arms = tuple(_arm_weights(data, arm, probabilities[arm.model]) for arm in data.arms)
    return CensoringWeights(arms, probabilities, np.sum([fit.n_limited for fit in fits], axis=0))


def fit_decisions(
    data: EmulationData, model: Decisions, frequencies: Floats, start: Floats | None = None, *, ridge: float = RIDGE
) -> LogisticFits:
    """Fit the probability of the event in each person-period of one model."""
    design = model_design(data, model)
    return fit_logistic(design, model.happened, frequencies, ridge=ridge, start=start, patients=model.patient)


def model_design(data: EmulationData, model: Decisions) -> Floats:
    """Return covariates, what was known before, and an indicator for every slot but the first, a row a decision."""
    slots = np.unique(model.slot)
    dummies = (model.slot[:, None] == slots[None, 1:]).astype(np.float64)
    return np.column_stack([data.covariates[model.patient], model.state, dummies])


def kept_probability(arm: Arm, probabilities: Floats) -> Floats:
    """Return the probability of doing what the strategy prescribes, in each row."""
    return np.where(np.asarray(arm.required) == 1.0, probabilities, 1.0 - probabilities)


def _arm_weights(data: EmulationData, arm: Arm, probabilities: Floats) -> Floats:
    model = data.models[arm.model]
    kept = kept_probability(arm, probabilities)
    weights = np.tile(arm.followed.astype(np.float64), (len(probabilities), 1))
    for slot in np.unique(model.slot[arm.is_decision]):
        rows = np.flatnonzero(arm.is_decision & (model.slot == slot))
        weights[:, model.patient[rows]] /= kept[:, rows]
    return weights


def truncated(weights: Floats, frequencies: Floats, quantile: float) -> Floats:
    """Return weights cut at a quantile of those above 0, by frequency (the smallest weight that reaches the share).

    Examples
    --------
    >>> truncated(np.array([[1.0, 2.0, 9.0, 0.0]]), np.ones((1, 4)), 0.5).tolist()
    [[1.0, 2.0, 2.0, 0.0]]
    """
    order = np.argsort(weights, axis=1, kind="stable")
    counts = np.where(weights > 0.0, frequencies, 0.0)
    reached = np.cumsum(np.take_along_axis(counts, order, axis=1), axis=1)
    total = reached[:, -1:]
    place = np.argmax(reached >= quantile * total - 1e-9 * total, axis=1)
    limit = np.take_along_axis(weights, np.take_along_axis(order, place[:, None], axis=1), axis=1)
    return np.minimum(weights, limit)
