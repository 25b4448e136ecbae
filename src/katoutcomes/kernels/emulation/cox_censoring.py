"""Artificial-censoring weights from a proportional-hazards model of the day of censoring."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MOST_STEPS = 50
_TOLERANCE = 1e-12
"""Largest step of a coefficient, in standard deviations of its column, at which the fit has converged."""


@dataclass(frozen=True, slots=True, eq=False)
class CoxFit:
    """A proportional-hazards model with ties after Efron.

    Attributes
    ----------
    coefficients : ndarray of float64, shape (p,)
        Log hazard ratios.
    times, cumulative_hazard : ndarray of float64, shape (k,)
        Times of events in order, and the cumulative hazard after each, at covariates 0.
    converged : bool
        Whether Newton's method came to rest.
    """

    coefficients: Floats
    times: Floats
    cumulative_hazard: Floats
    converged: bool

    def hazard_until(self, times: Floats) -> Floats:
        """Return the cumulative hazard up to and including each time, at covariates 0."""
        steps = np.concatenate([[0.0], self.cumulative_hazard])
        return np.asarray(steps[np.searchsorted(self.times, times, side="right")])


def fit_cox(design: Floats, time: Floats, is_event: NDArray[np.bool_]) -> CoxFit:
    """Fit a proportional-hazards model by maximum partial likelihood with Efron's correction for ties.

    Parameters
    ----------
    design : ndarray of float64, shape (n, p)
        Without an intercept and without NaN.
    time : ndarray of float64, shape (n,)
        Until the event, or until nothing more is known.
    is_event : ndarray of bool, shape (n,)
        Whether it is the event.

    References
    ----------
    Efron B. J Am Stat Assoc 1977;72:557-565. doi:10.1080/01621459.1977.10480613.
    """
    center, scale = design.mean(axis=0), np.maximum(design.std(axis=0), 1e-300)
    columns = (design - center) / scale
    beta, converged = np.zeros(design.shape[1]), False
    for _ in range(_MOST_STEPS):
        score, information, _ = _efron(columns, time, is_event, beta)
        step = np.linalg.solve(information, score)
        beta = beta + step
        if np.abs(step).max(initial=0.0) <= _TOLERANCE:
            converged = True
            break
    _, _, increments = _efron(columns, time, is_event, beta)
    coefficients = beta / scale
    hazard = np.cumsum(increments) * np.exp(-(center @ coefficients))
    return CoxFit(coefficients, np.unique(time[is_event]), hazard, converged)


def cox_weights(fit: CoxFit, design: Floats, times: Floats) -> Floats:
    """Return 1 over the probability of not having been censored by a time, exp(H(t) exp(x'b)), a row each.

    References
    ----------
    Maringe C, et al. Int J Epidemiol 2020;49:1719-1729. doi:10.1093/ije/dyaa057.
    """
    return np.asarray(np.exp(fit.hazard_until(times) * np.exp(design @ fit.coefficients)))


def _efron(columns: Floats, time: Floats, is_event: NDArray[np.bool_], beta: Floats) -> tuple[Floats, Floats, Floats]:
    """Return score, information and the increments of the cumulative hazard."""
    risk = np.exp(columns @ beta)
    n_columns = columns.shape[1]
    score, information, increments = np.zeros(n_columns), np.zeros((n_columns, n_columns)), []
    for moment in np.unique(time[is_event]):
        at_risk, tied = time >= moment, is_event & (time == moment)
        sums, sums_tied = _risk_sums(columns, risk, at_risk), _risk_sums(columns, risk, tied)
        score += columns[tied].sum(axis=0)
        increment = 0.0
        n_tied = int(tied.sum())
        for number in range(n_tied):
            total, first, second = (whole - number / n_tied * part for whole, part in zip(sums, sums_tied, strict=True))
            mean = first / total
            score -= mean
            information += second / total - np.outer(mean, mean)
            increment += 1.0 / float(total)
        increments.append(increment)
    return score, information, np.array(increments)


def _risk_sums(columns: Floats, risk: Floats, chosen: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    weighted = columns[chosen] * risk[chosen, None]
    return np.asarray(risk[chosen].sum()), weighted.sum(axis=0), columns[chosen].T @ weighted
