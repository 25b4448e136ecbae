"""Two cohorts' shares as if both had the covariates of all patients: standardization of a logistic model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MOST_STEPS = 50
_LARGEST_LOGIT = 30.0
"""A fitted probability of 1 - 1e-13 is one that the data do not hold back: the coefficients run away."""


@dataclass(frozen=True, slots=True)
class StandardizedShare:
    """A standardized share or difference.

    Attributes
    ----------
    estimate, std_error : float
        Between -1 and 1.
    conf_low, conf_high : float
        Limits of the interval.
    """

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float


@dataclass(frozen=True, slots=True)
class StandardizedShares:
    """What a logistic model predicts if everybody were in one cohort, and if everybody were in the other.

    Attributes
    ----------
    treatment, comparator, difference : StandardizedShare
        The difference is treatment minus comparator.
    n_patients : int
        In the model.
    """

    treatment: StandardizedShare
    comparator: StandardizedShare
    difference: StandardizedShare
    n_patients: int


def standardized_shares(
    has_event: NDArray[np.bool_],
    is_treated: NDArray[np.bool_],
    covariates: NDArray[np.float64],
    conf_level: float,
) -> StandardizedShares:
    """Return the two standardized shares and their difference (g-computation on a logistic model).

    logit P(event) = intercept + cohort + covariates; the prediction with everybody in a cohort is averaged over the
    covariates of all patients. Its variance is that of the stacked estimating equations (delta method with the
    sandwich of the model and the spread of the covariates), times n / (n − coefficients). The limits of a share are
    worked out on the logit scale, those of the difference by adding the distances of the two like Newcombe's, with
    their covariance.

    Parameters
    ----------
    has_event, is_treated : ndarray of bool, shape (n_patients,)
        To whom it applies, and who is in the treatment cohort.
    covariates : ndarray of float64, shape (n_patients, n_covariates)
        Known at time zero; no NaN.
    conf_level : float
        Between 0 and 1, both excluded.

    Raises
    ------
    ValueError
        If the covariates or the cohort tell exactly who has the event (separation), or nobody or everybody of a
        cohort has it: the model has no maximum then.

    References
    ----------
    Snowden JM, Rose S, Mortimer KM. Am J Epidemiol 2011;173:731-738. doi:10.1093/aje/kwq472.
    Stefanski LA, Boos DD. The calculus of M-estimation. Am Stat 2002;56:29-38. doi:10.1198/000313002753631330.
    Newcombe RG. Stat Med 1998;17:873-890. doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I.

    Examples
    --------
    >>> import numpy as np
    >>> event = np.array([1, 1, 1, 0, 0, 1, 0, 0], dtype=bool)
    >>> treated = np.array([1, 1, 1, 1, 0, 0, 0, 0], dtype=bool)
    >>> found = standardized_shares(event, treated, np.empty((8, 0)), 0.95)
    >>> round(found.treatment.estimate, 6), round(found.difference.estimate, 6)
    (0.75, 0.5)
    """
    from scipy.special import ndtri

    n_patients = len(has_event)
    # Centered and scaled, so that large or nearly constant covariates do not spoil the steps.
    spread = covariates.std(axis=0)
    scaled = (covariates - covariates.mean(axis=0)) / np.where(spread > 0.0, spread, 1.0)
    design = np.column_stack((np.ones(n_patients), is_treated, scaled))
    coefficients, information = _logistic_fit(has_event.astype(np.float64), design)
    residual = has_event - _probability(design @ coefficients)
    of_coefficients = np.linalg.solve(information, (design * residual[:, None]).T).T
    shares, influences = [], []
    for level in (1.0, 0.0):
        counterfactual = design.copy()
        counterfactual[:, 1] = level
        predicted = _probability(counterfactual @ coefficients)
        gradient = (predicted * (1.0 - predicted)) @ counterfactual
        shares.append(float(predicted.mean()))
        influences.append(predicted - predicted.mean() + of_coefficients @ gradient)
    stretch = n_patients / (n_patients - design.shape[1])
    covariance = np.array(influences) @ np.array(influences).T / n_patients**2 * stretch
    z = -float(ndtri(0.5 - conf_level / 2.0))
    one, other = (_on_logit(value, math.sqrt(covariance[at, at]), z) for at, value in enumerate(shares))
    return StandardizedShares(one, other, _difference(one, other, covariance[0, 1]), n_patients)


def _probability(logit: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import expit

    return np.asarray(expit(logit))


def _logistic_fit(
    outcome: NDArray[np.float64], design: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return coefficients and information at the maximum of the likelihood, by Newton's method with halved steps."""
    coefficients = np.zeros(design.shape[1])
    value = _log_likelihood(outcome, design @ coefficients)
    for _ in range(_MOST_STEPS):
        probability = _probability(design @ coefficients)
        information = design.T @ (design * (probability * (1.0 - probability))[:, None])
        score = design.T @ (outcome - probability)
        if np.linalg.matrix_rank(information) < len(coefficients):
            raise ValueError("the covariates follow from each other, or tell exactly who has the event.")
        step = np.linalg.solve(information, score)
        if float(step @ score) < 1e-20 * max(1.0, len(outcome)):
            return coefficients, information
        following = _log_likelihood(outcome, design @ (coefficients + step))
        while following < value - 1e-12 * abs(value):
            step = step / 2.0
            following = _log_likelihood(outcome, design @ (coefficients + step))
        coefficients, value = coefficients + step, following
        if float(np.abs(design @ coefficients).max()) > _LARGEST_LOGIT:
            break
    raise ValueError("the covariates or the cohort tell exactly who has the event.")


def _log_likelihood(outcome: NDArray[np.float64], logit: NDArray[np.float64]) -> float:
    return float((outcome * logit - np.logaddexp(0.0, logit)).sum())


def _on_logit(estimate: float, std_error: float, z: float) -> StandardizedShare:
    logit = math.log(estimate / (1.0 - estimate))
    reach = z * std_error / (estimate * (1.0 - estimate))
    low, high = (1.0 / (1.0 + math.exp(-(logit + side * reach))) for side in (-1.0, 1.0))
    return StandardizedShare(estimate, std_error, low, high)


def _difference(one: StandardizedShare, other: StandardizedShare, covariance: float) -> StandardizedShare:
    """Return the difference with limits that keep the skewness of the two shares' own (square and add)."""
    estimate = one.estimate - other.estimate
    variance = one.std_error**2 + other.std_error**2 - 2.0 * covariance
    correlation = covariance / (one.std_error * other.std_error)
    reaches = []
    for of_one, of_other in (
        (one.estimate - one.conf_low, other.conf_high - other.estimate),
        (one.conf_high - one.estimate, other.estimate - other.conf_low),
    ):
        reaches.append(math.sqrt(of_one**2 + of_other**2 - 2.0 * correlation * of_one * of_other))
    return StandardizedShare(estimate, math.sqrt(variance), estimate - reaches[0], estimate + reaches[1])
