"""Multiple imputation of scores by multivariate-normal regression: EM on a resample, then draws given what was seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_MOST_STEPS = 400
_TOLERANCE = 1e-6
"""EM has converged when no predicted mean moves by more than this share of the scores' standard deviation."""
_TOLERANCE_OF_DRAWS = 1e-4
"""Enough where the fit is to a resample: what is left is far below what resampling moves."""
_RIDGE = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class NormalRegression:
    """Scores at T visits given covariates: multivariate normal with means X B.

    Attributes
    ----------
    coefficients : ndarray of float64, shape (p, T)
        Of every covariate at every visit.
    covariance : ndarray of float64, shape (T, T)
        Of the residuals.
    n_steps : int
        Steps of EM.
    converged : bool
        Whether it converged within the steps allowed.
    """

    coefficients: Floats
    covariance: Floats
    n_steps: int
    converged: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Pattern:
    rows: NDArray[np.int64]
    seen: NDArray[np.int64]
    missing: NDArray[np.int64]


def fit_normal_regression(
    design: Floats, scores: Floats, frequencies: Floats | None = None, *, tolerance: float = _TOLERANCE
) -> NormalRegression:
    """Fit by expectation maximization; visits that nobody has a score at must be left out.

    Parameters
    ----------
    design : ndarray of float64, shape (n_patients, p)
        The intercept is a column of it; no NaN.
    scores : ndarray of float64, shape (n_patients, T)
        NaN where missing.
    frequencies : ndarray of float64, shape (n_patients,), optional
        How often each patient counts.
    tolerance : float, default 1e-6
        EM has converged when no predicted mean moves by more than this share of the scores' standard deviation.

    References
    ----------
    Dempster AP, Laird NM, Rubin DB. J R Stat Soc B 1977;39:1-38. doi:10.1111/j.2517-6161.1977.tb01600.x.

    Examples
    --------
    >>> fit = fit_normal_regression(np.ones((3, 1)), np.array([[1.0, 2.0], [3.0, 4.0], [2.0, np.nan]]))
    >>> fit.coefficients.round(3).tolist()
    [[2.0, 3.0]]
    """
    counted = np.ones(len(design)) if frequencies is None else frequencies
    kept = counted > 0.0
    design, scores, counted = design[kept], scores[kept], counted[kept]
    weighted = design * counted[:, None]
    gram = weighted.T @ design
    gram = gram + _RIDGE * np.diag(np.maximum(np.diag(gram), 1e-12)) * 1e-3
    projection = np.linalg.solve(gram, weighted.T)
    start = np.nan_to_num(scores, nan=0.0) + np.isnan(scores) * np.nanmean(scores, axis=0)
    coefficients = projection @ start
    spread = np.nanvar(scores, axis=0)
    covariance = np.diag(np.where(spread > 0.0, spread, 1.0))
    patterns, total = _patterns(scores), counted.sum()
    scale = float(np.sqrt(np.diag(covariance)).max())
    for step in range(1, _MOST_STEPS + 1):
        means = design @ coefficients
        filled, extra = _expected(scores, means, covariance, patterns, counted)
        moved = projection @ filled
        residuals = filled - design @ moved
        covariance = (residuals * counted[:, None]).T @ residuals / total + extra / total
        covariance[np.diag_indices_from(covariance)] += _RIDGE * scale**2
        change = float(np.abs(design @ (moved - coefficients)).max())
        coefficients = moved
        if change <= tolerance * scale:
            return NormalRegression(coefficients, covariance, step, True)
    return NormalRegression(coefficients, covariance, _MOST_STEPS, False)


def _patterns(scores: Floats) -> list[_Pattern]:
    """Return who has which scores, one entry a combination that occurs."""
    is_seen = ~np.isnan(scores)
    codes = is_seen @ (1 << np.arange(scores.shape[1]))
    found = []
    for code in np.unique(codes):
        rows = np.flatnonzero(codes == code)
        seen = is_seen[rows[0]]
        found.append(_Pattern(rows, np.flatnonzero(seen), np.flatnonzero(~seen)))
    return found


def _expected(
    scores: Floats, means: Floats, covariance: Floats, patterns: list[_Pattern], counted: Floats
) -> tuple[Floats, Floats]:
    """Return the scores with the missing ones at their expectation, and the sum of their remaining covariances."""
    filled, extra = means.copy(), np.zeros_like(covariance)
    for pattern in patterns:
        rows, seen, missing = pattern.rows, pattern.seen, pattern.missing
        filled[np.ix_(rows, seen)] = scores[np.ix_(rows, seen)]
        if not missing.size:
            continue
        slopes, left = _conditional(covariance, seen, missing)
        if seen.size:
            beyond = scores[np.ix_(rows, seen)] - means[np.ix_(rows, seen)]
            filled[np.ix_(rows, missing)] += beyond @ slopes.T
        extra[np.ix_(missing, missing)] += counted[rows].sum() * left
    return filled, extra


def _conditional(covariance: Floats, seen: NDArray[np.int64], missing: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """Return slopes and covariance of the missing scores given the seen ones."""
    left = covariance[np.ix_(missing, missing)]
    if not seen.size:
        return np.zeros((missing.size, 0)), left
    across = covariance[np.ix_(missing, seen)]
    slopes: Floats = np.asarray(np.linalg.solve(covariance[np.ix_(seen, seen)], across.T).T, dtype=np.float64)
    left = left - slopes @ across.T
    return slopes, np.asarray((left + left.T) / 2.0, dtype=np.float64)


def impute(
    design: Floats, scores: Floats, n_imputations: int, rng: np.random.Generator
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return completed scores, shape (m, n_patients, T), and whether EM converged in each, shape (m,).

    For each imputation the model is fitted to a bootstrap sample of the patients, which stands for a draw of its
    parameters, and every missing score is drawn given the patient's covariates and seen scores.

    Parameters
    ----------
    design, scores
        As in `fit_normal_regression`.
    n_imputations : int
        How many.
    rng : numpy.random.Generator
        One child an imputation is spawned from it.

    References
    ----------
    Honaker J, King G. What to do about missing values in time-series cross-section data. Am J Polit Sci
    2010;54:561-581. doi:10.1111/j.1540-5907.2010.00447.x.

    Examples
    --------
    >>> scores = np.array([[1.0, 2.0], [3.0, 4.5], [2.0, np.nan], [4.0, 5.0], [5.0, 6.5]])
    >>> completed, converged = impute(np.ones((5, 1)), scores, 3, np.random.default_rng(1))
    >>> completed.shape, bool(np.isnan(completed).any()), completed[0, 0].tolist()
    ((3, 5, 2), False, [1.0, 2.0])
    """
    n_patients = len(design)
    patterns = _patterns(scores)
    completed, converged = np.empty((n_imputations, *scores.shape)), np.empty(n_imputations, dtype=np.bool_)
    for number, stream in enumerate(rng.spawn(n_imputations)):
        frequencies = _resampled(scores, n_patients, stream)
        fit = fit_normal_regression(design, scores, frequencies, tolerance=_TOLERANCE_OF_DRAWS)
        completed[number] = _drawn(scores, design @ fit.coefficients, fit.covariance, patterns, stream)
        converged[number] = fit.converged
    return completed, converged


def _resampled(scores: Floats, n_patients: int, stream: np.random.Generator) -> Floats:
    """Return the frequencies of a bootstrap sample in which every visit has a score."""
    for _ in range(100):
        frequencies = np.bincount(stream.integers(0, n_patients, n_patients), minlength=n_patients)
        if not np.isnan(scores[frequencies > 0]).all(axis=0).any():
            return frequencies.astype(np.float64)
    return np.ones(n_patients)


def _drawn(
    scores: Floats, means: Floats, covariance: Floats, patterns: list[_Pattern], stream: np.random.Generator
) -> Floats:
    completed = scores.copy()
    noise = stream.standard_normal(scores.shape)
    for pattern in patterns:
        rows, seen, missing = pattern.rows, pattern.seen, pattern.missing
        if not missing.size:
            continue
        slopes, left = _conditional(covariance, seen, missing)
        expected = means[np.ix_(rows, missing)]
        if seen.size:
            expected = expected + (scores[np.ix_(rows, seen)] - means[np.ix_(rows, seen)]) @ slopes.T
        values, vectors = np.linalg.eigh(left)
        factor = vectors * np.sqrt(np.maximum(values, 0.0))
        completed[np.ix_(rows, missing)] = expected + noise[np.ix_(rows, missing)] @ factor.T
    return completed
