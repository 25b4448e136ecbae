"""Proportional hazards with rows from a start to a stop: weights of artificial censoring, and hazard ratios over time.

A row is at risk after its start and up to its stop, so that a patient whose exposure changes has one row before and one
after, and is never counted as exposed before it began.
"""

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
    covariance : ndarray of float64, shape (p, p)
        Of the coefficients, from the information; with weights it is none, since a row of weight 2 is not two patients.
    times, cumulative_hazard : ndarray of float64, shape (k,)
        Times of events in order, and the cumulative hazard after each, at covariates 0.
    converged : bool
        Whether Newton's method came to rest.
    """

    coefficients: Floats
    covariance: Floats
    times: Floats
    cumulative_hazard: Floats
    converged: bool

    def hazard_until(self, times: Floats) -> Floats:
        """Return the cumulative hazard up to and including each time, at covariates 0."""
        steps = np.concatenate([[0.0], self.cumulative_hazard])
        return np.asarray(steps[np.searchsorted(self.times, times, side="right")])


def fit_cox(
    design: Floats,
    stop: Floats,
    is_event: NDArray[np.bool_],
    *,
    start: Floats | None = None,
    weight: Floats | None = None,
) -> CoxFit:
    """Fit a proportional-hazards model by maximum partial likelihood with Efron's correction for ties.

    Parameters
    ----------
    design : ndarray of float64, shape (n, p)
        Without an intercept and without NaN; a row a patient, or a row a stretch of time.
    stop : ndarray of float64, shape (n,)
        Until the event, or until nothing more is known of this row.
    is_event : ndarray of bool, shape (n,)
        Whether the row ends with the event.
    start : ndarray of float64, shape (n,), optional
        When the row begins; it is at risk after this time, not at it. Before every event without it.
    weight : ndarray of float64, shape (n,), optional
        1 without it.

    References
    ----------
    Efron B. J Am Stat Assoc 1977;72:557-565. doi:10.1080/01621459.1977.10480613.
    Andersen PK, Gill RD. Ann Stat 1982;10:1100-1120. doi:10.1214/aos/1176345976.

    Examples
    --------
    Four patients; the second is exposed from day 30 on, the third always. On day 20 one of three unexposed has the
    event while one exposed is at risk; on day 40 one of two exposed has it while one unexposed is: the ratio maximizes
    r / ((3 + r)(2r + 1)), so it is the square root of 1.5.

    >>> exposed = np.array([[0.0], [0.0], [1.0], [1.0], [0.0]])
    >>> start = np.array([0.0, 0.0, 30.0, 0.0, 0.0])
    >>> stop = np.array([20.0, 30.0, 60.0, 40.0, 50.0])
    >>> is_event = np.array([True, False, False, True, False])
    >>> fit = fit_cox(exposed, stop, is_event, start=start)
    >>> fit.converged, round(float(np.exp(2.0 * fit.coefficients[0])), 6)
    (True, 1.5)
    """
    rows = _Rows(
        stop=stop,
        start=np.full(len(stop), -np.inf) if start is None else start,
        is_event=is_event,
        weight=np.ones(len(stop)) if weight is None else weight,
    )
    center, scale = design.mean(axis=0), np.maximum(design.std(axis=0), 1e-300)
    columns = (design - center) / scale
    beta, converged = np.zeros(design.shape[1]), False
    for _ in range(_MOST_STEPS):
        score, information, _ = _efron(columns, rows, beta)
        step = np.linalg.solve(information, score)
        beta = beta + step
        if np.abs(step).max(initial=0.0) <= _TOLERANCE:
            converged = True
            break
    _, information, increments = _efron(columns, rows, beta)
    coefficients = beta / scale
    hazard = np.cumsum(increments) * np.exp(-(center @ coefficients))
    covariance = np.linalg.inv(information) / np.outer(scale, scale)
    return CoxFit(coefficients, covariance, np.unique(stop[is_event]), hazard, converged)


def cox_weights(fit: CoxFit, design: Floats, times: Floats) -> Floats:
    """Return 1 over the probability of not having been censored by a time, exp(H(t) exp(x'b)), a row each.

    References
    ----------
    Maringe C, et al. Int J Epidemiol 2020;49:1719-1729. doi:10.1093/ije/dyaa057.
    """
    return np.asarray(np.exp(fit.hazard_until(times) * np.exp(design @ fit.coefficients)))


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """When each row is at risk, whether it ends with an event, and its weight."""

    start: Floats
    stop: Floats
    is_event: NDArray[np.bool_]
    weight: Floats


def _efron(columns: Floats, rows: _Rows, beta: Floats) -> tuple[Floats, Floats, Floats]:
    """Return score, information and the increments of the cumulative hazard.

    Of d tied events the k-th (from 0) leaves k/d of the tied rows' risk behind; each counts their mean weight.
    """
    risk = rows.weight * np.exp(columns @ beta)
    n_columns = columns.shape[1]
    score, information, increments = np.zeros(n_columns), np.zeros((n_columns, n_columns)), []
    for moment in np.unique(rows.stop[rows.is_event]):
        at_risk, tied = (rows.start < moment) & (rows.stop >= moment), rows.is_event & (rows.stop == moment)
        sums, sums_tied = _risk_sums(columns, risk, at_risk), _risk_sums(columns, risk, tied)
        score += rows.weight[tied] @ columns[tied]
        increment, n_tied, mean_weight = 0.0, int(tied.sum()), float(rows.weight[tied].mean())
        for number in range(n_tied):
            total, first, second = (whole - number / n_tied * part for whole, part in zip(sums, sums_tied, strict=True))
            mean = first / total
            score -= mean_weight * mean
            information += mean_weight * (second / total - np.outer(mean, mean))
            increment += mean_weight / float(total)
        increments.append(increment)
    return score, information, np.array(increments)


def _risk_sums(columns: Floats, risk: Floats, chosen: NDArray[np.bool_]) -> tuple[Floats, Floats, Floats]:
    weighted = columns[chosen] * risk[chosen, None]
    return np.asarray(risk[chosen].sum()), weighted.sum(axis=0), columns[chosen].T @ weighted
