"""Logistic regression for many sets of patient frequencies at once: penalized, or with Firth's correction.

The columns are standardized inside and the slopes carry a small ridge, so that resamples in which the outcome is
separated still have a finite answer; fitted probabilities are limited, and how many were is part of the answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.weighting.cross_products import packed_products, solve_each, symmetric

Floats = NDArray[np.float64]

RIDGE = 1e-3
"""Ridge on the standardized slopes, per patient: enough for resamples with separation, too little to move others."""
PROBABILITY_LIMITS = (0.01, 0.99)
MOST_STEPS = 60
_TOLERANCE = 1e-9
"""Largest element of the score, per patient, at which a fit has converged."""
_LAST_MOVE = 1e-5
"""A step of Newton's method that moves no linear predictor further is the last: what is left is its square."""
_LARGEST_MOVE = 4.0
"""No linear predictor moves further in one step, which keeps Newton's method from overshooting."""


@dataclass(frozen=True, slots=True, eq=False)
class LogisticFits:
    """One fit for each set of frequencies.

    Attributes
    ----------
    coefficients : ndarray of float64, shape (B, 1 + p)
        Intercept and slopes, in the units of the design.
    probabilities : ndarray of float64, shape (B, n_rows)
        Of every row, also of those with frequency 0, within the limits.
    n_limited : ndarray of float64, shape (B,)
        Rows (by frequency) whose probability lay outside the limits.
    converged : ndarray of bool, shape (B,)
        Whether the score vanished.
    """

    coefficients: Floats
    probabilities: Floats
    n_limited: Floats
    converged: NDArray[np.bool_]


def fit_logistic(
    design: Floats,
    outcome: Floats,
    frequencies: Floats,
    *,
    ridge: float = RIDGE,
    firth: bool = False,
    limits: tuple[float, float] = PROBABILITY_LIMITS,
    start: Floats | None = None,
    patients: NDArray[np.int64] | None = None,
) -> LogisticFits:
    """Fit P(outcome = 1) = expit(a + x'b) to each set of frequencies.

    Maximizes sum f [y eta - log(1 + exp eta)] - ridge/2 sum(f) |b*|^2, where b* are the slopes of the columns divided
    by their standard deviation, by Newton's method.

    Parameters
    ----------
    design : ndarray of float64, shape (n_rows, p)
        Without an intercept and without NaN. A row is a patient, unless `patients` says whose each row is.
    outcome : ndarray of float64, shape (n_rows,)
        0 or 1; anything where the frequency is 0.
    frequencies : ndarray of float64, shape (B, n_patients)
        How often each patient counts; 0 leaves a patient out. Case weights need not be whole.
    ridge : float, default 1e-3
        0 gives maximum likelihood.
    firth : bool, default False
        Firth's penalty (half the log determinant of the information) in addition to the ridge.
    limits : (float, float), default (0.01, 0.99)
        Between which the returned probabilities lie.
    start : ndarray of float64, shape (1 + p,), optional
        Coefficients to begin at; a good one saves steps and changes no answer beyond the tolerance.
    patients : ndarray of int64, shape (n_rows,), optional
        Whose row each is, where patients have several (person-periods).

    Returns
    -------
    LogisticFits
        NaN where no patient counts.

    References
    ----------
    Firth D. Bias reduction of maximum likelihood estimates. Biometrika 1993;80:27-38. doi:10.1093/biomet/80.1.27.

    Examples
    --------
    >>> design = np.array([[0.0], [0.0], [1.0], [1.0]])
    >>> fits = fit_logistic(design, np.array([0.0, 1.0, 1.0, 1.0]), np.array([[3.0, 1.0, 1.0, 1.0]]), firth=True)
    >>> bool(fits.converged[0]), fits.probabilities.round(2).tolist()
    (True, [[0.3, 0.3, 0.83, 0.83]])
    """
    columns, centers, scales = standardized_columns(design)
    first = np.zeros(columns.shape[1]) if start is None else to_standardized(start, centers, scales)
    by_row = frequencies if patients is None else frequencies[:, patients]
    problem = _Problem(columns, packed_products(columns), np.nan_to_num(outcome), ridge, firth)
    beta, converged = _newton(problem, by_row, first, _first_step(problem, frequencies, first, patients))
    raw = expit(beta @ columns.T)
    outside = (raw < limits[0]) | (raw > limits[1])
    return LogisticFits(
        coefficients=from_standardized(beta, centers, scales),
        probabilities=np.clip(raw, *limits, out=raw),
        n_limited=np.einsum("bn,bn->b", by_row, outside.astype(np.float64)),
        converged=converged,
    )


def expit(eta: Floats) -> Floats:
    """Return 1 / (1 + exp(-eta)); beyond 35 it is 0 or 1 to the last bit but three."""
    odds = np.clip(eta, -35.0, 35.0)
    np.exp(np.negative(odds, out=odds), out=odds)
    odds += 1.0
    return np.asarray(np.reciprocal(odds, out=odds))


def standardized_columns(design: Floats) -> tuple[Floats, Floats, Floats]:
    """Return an intercept and the columns with mean 0 and SD 1, their means and their SDs; a constant becomes 0."""
    centers, scales = design.mean(axis=0), design.std(axis=0)
    scales = np.where(scales > 1e-12 * np.maximum(np.abs(centers), 1e-300), scales, 1.0)
    return np.column_stack([np.ones(len(design)), (design - centers) / scales]), centers, scales


def from_standardized(beta: Floats, centers: Floats, scales: Floats) -> Floats:
    """Return coefficients in the units of the design, the last axis being intercept and slopes."""
    slopes = beta[..., 1:] / scales
    return np.concatenate([beta[..., :1] - (slopes @ centers)[..., None], slopes], axis=-1)


def to_standardized(coefficients: Floats, centers: Floats, scales: Floats) -> Floats:
    """Return the inverse of `from_standardized`."""
    slopes = coefficients[..., 1:] * scales
    return np.concatenate([coefficients[..., :1] + (coefficients[..., 1:] @ centers)[..., None], slopes], axis=-1)


@dataclass(frozen=True, slots=True, eq=False)
class _Problem:
    """What all sets of frequencies share: columns with an intercept, their packed products, the outcome, penalties."""

    columns: Floats
    products: Floats
    outcome: Floats
    ridge: float
    firth: bool

    def penalty(self, sizes: Floats) -> Floats:
        """Return the ridge of each coefficient for each set, shape (B, 1 + p)."""
        n_columns = self.columns.shape[1]
        return np.asarray(np.concatenate([[0.0], np.full(n_columns - 1, self.ridge)]) * sizes[:, None])


def _first_step(
    problem: _Problem, frequencies: Floats, start: Floats, patients: NDArray[np.int64] | None
) -> tuple[Floats, Floats] | None:
    """Return score and packed information of each set at the common start, without the ridge; None with Firth.

    All sets begin at the same coefficients, so what each patient adds is worked out once and counted by frequency.
    """
    if problem.firth:
        return None
    probability = expit(start[None, :] @ problem.columns.T)[0]
    scores = problem.columns * (problem.outcome - probability)[:, None]
    information = problem.products * (probability * (1.0 - probability))[:, None]
    if patients is not None:
        scores, information = (_summed(part, patients, frequencies.shape[1]) for part in (scores, information))
    return frequencies @ scores, frequencies @ information


def _summed(rows: Floats, patients: NDArray[np.int64], n_patients: int) -> Floats:
    """Return the sums of the rows of each patient."""
    sums = np.zeros((n_patients, rows.shape[1]))
    np.add.at(sums, patients, rows)
    return sums


def _newton(
    problem: _Problem, frequencies: Floats, start: Floats, first: tuple[Floats, Floats] | None
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the coefficients of each set and whether they converged; a set that has converged takes no more steps."""
    columns, diagonal = problem.columns, np.arange(problem.columns.shape[1])
    sizes = frequencies.sum(axis=1)
    beta = np.tile(start, (len(frequencies), 1))
    beta[sizes == 0.0] = np.nan
    converged = np.zeros(len(frequencies), dtype=np.bool_)
    active = np.flatnonzero(sizes > 0.0)
    counts, eta = frequencies[active], beta[active] @ columns.T
    events = (counts * problem.outcome) @ columns
    penalty = problem.penalty(sizes[active])
    for number in range(MOST_STEPS):
        if number == 0 and first is not None:
            score, information = first[0][active], symmetric(first[1][active], diagonal.size)
        else:
            score, information = _slopes(problem, counts, eta, events)
        score -= penalty * beta[active]
        information[:, diagonal, diagonal] += penalty
        step = solve_each(information, score)
        move = step @ columns.T
        furthest = np.abs(move).max(axis=1)
        share = np.minimum(1.0, _LARGEST_MOVE / np.maximum(furthest, 1e-300))[:, None]
        is_flat = np.abs(score).max(axis=1) <= _TOLERANCE * np.maximum(sizes[active], 1.0)
        # Of a small step of Newton's method what is left is its square; Firth's step is not quite Newton's.
        is_last = is_flat if problem.firth else is_flat | (furthest < _LAST_MOVE)
        beta[active] += step * share
        converged[active] = is_last
        goes_on = ~is_last & np.isfinite(furthest)
        if not goes_on.any():
            break
        eta += move * share
        if not goes_on.all():
            active, counts, eta = active[goes_on], counts[goes_on], eta[goes_on]
            events, penalty = events[goes_on], penalty[goes_on]
    # An outcome with no spread pulls the intercept to infinity, where nothing is to be learned of it.
    n_events = frequencies @ problem.outcome
    return beta, converged & (n_events > 0.0) & (n_events < sizes)


def _slopes(problem: _Problem, counts: Floats, eta: Floats, events: Floats) -> tuple[Floats, Floats]:
    """Return score and information of each set, without the ridge."""
    n_columns = problem.columns.shape[1]
    probability = expit(eta)
    spread = counts * probability
    score = events - spread @ problem.columns
    np.subtract(1.0, probability, out=probability)
    spread *= probability
    information = symmetric(spread @ problem.products, n_columns)
    if problem.firth:
        leverage = _leverage(information, problem.products, probability)
        score += (counts * leverage * (probability - 0.5)) @ problem.columns
    return score, information


def _leverage(information: Floats, products: Floats, probability: Floats) -> Floats:
    """Return the leverage of one copy of each patient, shape (B, n_patients)."""
    n_columns = information.shape[1]
    rows, columns = np.triu_indices(n_columns)
    inverse = np.linalg.pinv(information, hermitian=True)[:, rows, columns]
    packed = inverse * np.where(rows == columns, 1.0, 2.0)
    return np.asarray((packed @ products.T) * probability * (1.0 - probability))
