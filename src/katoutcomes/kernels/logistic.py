"""Logistic regression by Newton's method, which says so when the data let a coefficient run away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MOST_STEPS = 60
_SMALL_STEP = 1e-10
_LARGE = 15.0
"""Log odds, in standard deviations of a column: no data of a size that is met here hold such a coefficient."""


@dataclass(frozen=True, slots=True, eq=False)
class LogisticFit:
    """A logistic model.

    Attributes
    ----------
    coefficients : ndarray of float64, shape (n_columns,)
        Log odds a unit of each column of the design.
    covariance : ndarray of float64, shape (n_columns, n_columns)
        Inverse of the expected information.
    log_likelihood : float
        At the maximum.
    n_rows, n_events, n_steps : int
        Rows, rows with the outcome, Newton steps.
    is_separated : bool
        Whether some combination of columns tells the outcome of some rows without error. Then there is no maximum, and
        coefficients and covariance are NaN.
    """

    coefficients: NDArray[np.float64]
    covariance: NDArray[np.float64]
    log_likelihood: float
    n_rows: int
    n_events: int
    n_steps: int
    is_separated: bool

    @property
    def std_errors(self) -> NDArray[np.float64]:
        """Square roots of the variances, shape (n_columns,)."""
        return np.asarray(np.sqrt(np.diag(self.covariance)))


def logistic_regression(design: NDArray[np.float64], outcome: NDArray[np.bool_]) -> LogisticFit:
    """Return the maximum likelihood fit of log(p / (1 − p)) = Xβ.

    Parameters
    ----------
    design : ndarray of float64, shape (n_rows, n_columns)
        With a column of ones for the intercept; of full rank, no NaN.
    outcome : ndarray of bool, shape (n_rows,)
        Whether it happened.

    Raises
    ------
    ValueError
        If the design is not of full rank.

    References
    ----------
    Albert A, Anderson JA. On the existence of maximum likelihood estimates in logistic regression models. Biometrika
    1984;71:1-10. doi:10.1093/biomet/71.1.1 (separation).

    Examples
    --------
    >>> import numpy as np
    >>> design = np.column_stack([np.ones(8), [0, 0, 0, 0, 1, 1, 1, 1]])
    >>> fit = logistic_regression(design, np.array([1, 0, 0, 0, 1, 1, 1, 0], dtype=bool))
    >>> [round(float(one), 4) for one in np.exp(fit.coefficients)]
    [0.3333, 9.0]
    """
    scale = np.sqrt((design**2).mean(axis=0))
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise ValueError("the columns of the design depend on each other.")
    scaled = design / scale
    happened = outcome.astype(np.float64)
    beta = np.zeros(design.shape[1])
    information = np.eye(design.shape[1])
    is_there = False
    n_steps = 0
    while n_steps < _MOST_STEPS and not is_there:
        n_steps += 1
        probability = _expit(scaled @ beta)
        information = scaled.T @ (scaled * (probability * (1.0 - probability))[:, None])
        step = _solved(information, scaled.T @ (happened - probability))
        if step is None or np.abs(beta + step).max() > _LARGE * len(beta):
            break
        step = _halved(scaled, happened, beta, step)
        beta = beta + step
        is_there = bool(np.abs(step).max() < _SMALL_STEP)
    n_rows, n_events = len(happened), int(happened.sum())
    if not is_there:
        unknown = np.full(design.shape[1], np.nan)
        nothing = np.full((design.shape[1],) * 2, np.nan)
        return LogisticFit(unknown, nothing, float("nan"), n_rows, n_events, n_steps, is_separated=True)
    covariance = np.linalg.inv(information) / np.outer(scale, scale)
    likelihood = _log_likelihood(scaled @ beta, happened)
    return LogisticFit(beta / scale, covariance, likelihood, n_rows, n_events, n_steps, is_separated=False)


def _expit(values: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import expit

    return np.asarray(expit(values), dtype=np.float64)


def _solved(information: NDArray[np.float64], score: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return the Newton step, None where the information has run out: fitted probabilities are 0 or 1."""
    if np.linalg.cond(information) > 1.0 / np.finfo(np.float64).eps:
        return None
    return np.asarray(np.linalg.solve(information, score))


def _halved(
    scaled: NDArray[np.float64], happened: NDArray[np.float64], beta: NDArray[np.float64], step: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the step, halved until the likelihood does not fall by more than rounding."""
    before = _log_likelihood(scaled @ beta, happened)
    for _ in range(20):
        if _log_likelihood(scaled @ (beta + step), happened) >= before - 1e-12 * (1.0 + abs(before)):
            break
        step = step / 2.0
    return step


def _log_likelihood(predictor: NDArray[np.float64], happened: NDArray[np.float64]) -> float:
    return float((happened * predictor - np.logaddexp(0.0, predictor)).sum())
