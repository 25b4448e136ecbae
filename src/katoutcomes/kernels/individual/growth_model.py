"""Straight lines through each person's scores: a linear model with a random intercept and a random slope, by REML.

Patients with scores at the same visits share one small covariance matrix, so the work grows with the number of
patterns of visits, not with the number of patients.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MOST_STEPS = 500
_SCORE_TOLERANCE = 1e-11
"""On the score over its standard error: far below what the data can tell apart."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class GrowthModel:
    """A fitted model and the slope of every patient.

    Attributes
    ----------
    mean_intercept, mean_slope : float
        Fixed effects: points, and points per unit of time.
    covariance_of_means : ndarray, shape (2, 2)
        Of the two fixed effects.
    covariance : ndarray, shape (2, 2)
        Of the patients' deviations from them, intercept and slope.
    residual_sd : float
        In points.
    deviance : float
        Minus two times the restricted log likelihood.
    deviation : ndarray, shape (n_patients,)
        Predicted deviation of each patient's slope from the mean slope; NaN without any score.
    deviation_sd : ndarray, shape (n_patients,)
        Its standard deviation given the scores and the estimated parameters.
    slope : ndarray, shape (n_patients,)
        Predicted slope: the mean slope plus the deviation.
    slope_error : ndarray, shape (n_patients,)
        Standard error of that prediction, that of the mean slope included.
    """

    mean_intercept: float
    mean_slope: float
    covariance_of_means: Floats
    covariance: Floats
    residual_sd: float
    deviance: float
    deviation: Floats
    deviation_sd: Floats
    slope: Floats
    slope_error: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Pattern:
    """The patients with scores at the same times: design, scores, and their sums."""

    patients: NDArray[np.intp]
    design: Floats
    scores: Floats

    @property
    def size(self) -> int:
        return len(self.patients)


def fit_growth_model(scores: Floats, times: Floats) -> GrowthModel:
    """Fit score = intercept + slope · time, both with a patient's own deviation, by restricted maximum likelihood.

    Parameters
    ----------
    scores : ndarray of float64, shape (n_patients, n_times)
        NaN where there is none.
    times : ndarray of float64, shape (n_times,)
        When, in any unit; at least three different ones must hold scores.

    Returns
    -------
    GrowthModel
        The parameters at which the restricted likelihood is highest.

    Raises
    ------
    ValueError
        If there are too few scores, or slopes or intercepts differ no more between patients than measurement error
        makes them, so that there is no positive variance to estimate.

    References
    ----------
    Laird NM, Ware JH. Biometrics 1982;38:963-974. doi:10.2307/2529876.
    Speer DC, Greenbaum PE. J Consult Clin Psychol 1995;63:1044-1048. doi:10.1037/0022-006X.63.6.1044.
    """
    patterns = _patterns(scores, times)
    used = np.unique(times[(~np.isnan(scores)).any(axis=0)])
    if used.size < 3 or sum(pattern.size for pattern in patterns if len(pattern.design) >= 3) < 3:
        raise ValueError("a growth model needs three times with scores, and patients who have three of them.")
    parameters = _maximize(patterns, _start(patterns))
    covariance = _matrix(parameters)
    if not (covariance[0, 0] > 0.0 and covariance[1, 1] > 0.0 and np.linalg.det(covariance) > 0.0):
        raise ValueError("the slopes or intercepts of the patients differ no more than measurement error makes them.")
    return _predicted(patterns, parameters, len(scores))


def _patterns(scores: Floats, times: Floats) -> list[_Pattern]:
    known = ~np.isnan(scores)
    kinds, which = np.unique(known, axis=0, return_inverse=True)
    found = []
    for number, kind in enumerate(kinds):
        patients = np.flatnonzero(which.reshape(-1) == number)
        if kind.any():
            design = np.column_stack((np.ones(int(kind.sum())), times[kind]))
            found.append(_Pattern(patients, design, scores[np.ix_(patients, kind)]))
    return found


def _matrix(parameters: Floats) -> Floats:
    """Return the covariance of intercept and slope; the parameters are its three entries and the residual variance."""
    return np.array([[parameters[0], parameters[1]], [parameters[1], parameters[2]]])


def _start(patterns: list[_Pattern]) -> Floats:
    """Return a start from the lines of those who have at least three scores; exact where everybody has all of them."""
    lines, residual, df, errors = [], 0.0, 0, np.zeros((2, 2))
    for pattern in patterns:
        n_times = len(pattern.design)
        if n_times < 3:
            continue
        inverse = np.linalg.inv(pattern.design.T @ pattern.design)
        own = pattern.scores @ pattern.design @ inverse
        residual += float(((pattern.scores - own @ pattern.design.T) ** 2).sum())
        df += pattern.size * (n_times - 2)
        errors += pattern.size * inverse
        lines.append(own)
    own = np.vstack(lines)
    variance = max(residual / df, 1e-8)
    centered = own - own.mean(axis=0)
    spread = centered.T @ centered / (len(own) - 1)
    covariance = spread - variance * errors / len(own)
    if not (np.diag(covariance) > 0.0).all() or np.linalg.det(covariance) <= 0.0:
        covariance = np.diag(np.maximum(np.diag(spread), 1e-8)) / 2.0
    return np.array([covariance[0, 0], covariance[0, 1], covariance[1, 1], variance])


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """The restricted likelihood at some parameters: its value, slope and information, and the fixed effects there."""

    deviance: float
    score: Floats
    information: Floats
    means: Floats
    covariance_of_means: Floats


def _state(patterns: list[_Pattern], parameters: Floats) -> _State:
    """Return deviance, REML score and expected information; the deviance is infinite where a matrix is not positive."""
    inverses = []
    log_determinant = 0.0
    for pattern in patterns:
        matrix = _of_pattern(pattern, parameters)
        sign, logarithm = np.linalg.slogdet(matrix)
        if sign <= 0.0 or np.linalg.eigvalsh(matrix)[0] <= 0.0:
            return _State(math.inf, *(np.empty(0),) * 4)
        inverses.append(np.linalg.inv(matrix))
        log_determinant += pattern.size * float(logarithm)
    precision = sum(
        (p.size * p.design.T @ inverse @ p.design for p, inverse in zip(patterns, inverses, strict=True)),
        np.zeros((2, 2)),
    )
    weighted = sum(
        (p.design.T @ inverse @ p.scores.sum(axis=0) for p, inverse in zip(patterns, inverses, strict=True)),
        np.zeros(2),
    )
    covariance_of_means = np.asarray(np.linalg.inv(precision), dtype=np.float64)
    means = covariance_of_means @ weighted
    score, information, quadratic, n_scores = np.zeros(4), np.zeros((4, 4)), 0.0, 0
    for pattern, inverse in zip(patterns, inverses, strict=True):
        residuals = (pattern.scores - pattern.design @ means) @ inverse
        quadratic += float((residuals * (pattern.scores - pattern.design @ means)).sum())
        n_scores += pattern.scores.size
        products = residuals.T @ residuals
        projected = inverse - inverse @ pattern.design @ covariance_of_means @ pattern.design.T @ inverse
        directions = _directions(pattern.design)
        for one, direction in enumerate(directions):
            score[one] += 0.5 * float((products * direction).sum() - pattern.size * (projected * direction).sum())
            for other in range(one + 1):
                product = inverse @ direction @ inverse @ directions[other]
                information[one, other] += 0.5 * pattern.size * float(np.trace(product))
    information = information + np.tril(information, -1).T
    deviance = log_determinant + float(np.linalg.slogdet(precision)[1]) + quadratic
    deviance += (n_scores - 2) * math.log(2.0 * math.pi)
    return _State(deviance, score, information, means, covariance_of_means)


def _directions(design: Floats) -> tuple[Floats, ...]:
    """Return how the covariance of a pattern's scores moves with each of the four parameters."""
    one, time = design[:, 0], design[:, 1]
    crossed = np.outer(one, time)
    return np.outer(one, one), crossed + crossed.T, np.outer(time, time), np.eye(len(design))


def _of_pattern(pattern: _Pattern, parameters: Floats) -> Floats:
    residual = parameters[3] * np.eye(len(pattern.design))
    return np.asarray(pattern.design @ _matrix(parameters) @ pattern.design.T + residual)


def _maximize(patterns: list[_Pattern], parameters: Floats) -> Floats:
    """Return the parameters at which the restricted likelihood has no slope, by Fisher scoring with halved steps."""
    state = _state(patterns, parameters)
    if not math.isfinite(state.deviance):
        raise ValueError("the scores leave no variance to estimate.")
    for _ in range(_MOST_STEPS):
        step = np.linalg.solve(state.information, state.score)
        if math.sqrt(max(float(step @ state.score), 0.0)) < _SCORE_TOLERANCE:
            return parameters
        factor, following = 1.0, _state(patterns, parameters + step)
        while not following.deviance <= state.deviance + 1e-9 * abs(state.deviance):
            factor /= 2.0
            if factor < 1e-6:
                raise ValueError("the growth model did not converge.")
            following = _state(patterns, parameters + factor * step)
        parameters, state = parameters + factor * step, following
    raise ValueError("the growth model did not converge.")


def _predicted(patterns: list[_Pattern], parameters: Floats, n_patients: int) -> GrowthModel:
    state, covariance = _state(patterns, parameters), _matrix(parameters)
    deviation, deviation_sd, slope_error = (np.full(n_patients, np.nan) for _ in range(3))
    for pattern in patterns:
        weights = covariance @ pattern.design.T @ np.linalg.inv(_of_pattern(pattern, parameters))
        shrinkage = weights @ pattern.design
        remaining = covariance - shrinkage @ covariance
        kept = np.eye(2) - shrinkage
        error = remaining + kept @ state.covariance_of_means @ kept.T
        deviation[pattern.patients] = (pattern.scores - pattern.design @ state.means) @ weights[1]
        deviation_sd[pattern.patients] = math.sqrt(remaining[1, 1])
        slope_error[pattern.patients] = math.sqrt(error[1, 1])
    return GrowthModel(
        mean_intercept=float(state.means[0]),
        mean_slope=float(state.means[1]),
        covariance_of_means=state.covariance_of_means,
        covariance=covariance,
        residual_sd=math.sqrt(parameters[3]),
        deviance=state.deviance,
        deviation=deviation,
        deviation_sd=deviation_sd,
        slope=state.means[1] + deviation,
        slope_error=slope_error,
    )
