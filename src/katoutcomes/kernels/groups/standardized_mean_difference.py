"""How far two groups are apart before anything is done about it, in standard deviations: a number, not a test.

All three forms divide by the root mean square of the two groups' standard deviations, unadjusted, so that a
number, a share and a category can stand in one column. NaN is "not known" and is left out variable by variable.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.summaries import mean_and_sd


@dataclass(frozen=True, slots=True)
class StandardizedMeanDifference:
    """A difference between two groups in standard deviations.

    Attributes
    ----------
    estimate : float
        Treatment minus comparator. 0 where there is no difference, also where nothing varies; NaN where a group has
        no known value (for numbers: fewer than two) or the groups differ without any variation to compare with.
    n_treatment, n_comparator : int
        Known values in each group.
    """

    estimate: float
    n_treatment: int
    n_comparator: int


def smd_of_numbers(treatment: NDArray[np.float64], comparator: NDArray[np.float64]) -> StandardizedMeanDifference:
    """Return (mean₁ − mean₀) / √((s₁² + s₀²)/2), with sample variances (n − 1).

    Parameters
    ----------
    treatment, comparator : ndarray of float64, shape (n_treatment,) and (n_comparator,)
        Values of the two groups; NaN is left out.

    References
    ----------
    Austin PC. Balance diagnostics for comparing the distribution of baseline covariates between treatment groups in
    propensity-score matched samples. Stat Med 2009;28:3083-3107. doi:10.1002/sim.3697.

    Examples
    --------
    >>> round(smd_of_numbers(np.array([3.0, 5.0]), np.array([1.0, 3.0, np.nan])).estimate, 4)
    1.4142
    """
    groups = (_known(treatment), _known(comparator))
    sizes = (int(groups[0].size), int(groups[1].size))
    (mean_1, sd_1), (mean_0, sd_0) = (mean_and_sd(values) for values in groups)
    return StandardizedMeanDifference(_ratio(mean_1 - mean_0, (sd_1**2 + sd_0**2) / 2.0), *sizes)


def smd_of_flags(treatment: NDArray[np.float64], comparator: NDArray[np.float64]) -> StandardizedMeanDifference:
    """Return (p₁ − p₀) / √((p₁(1 − p₁) + p₀(1 − p₀))/2) for values of 0 and 1.

    Parameters
    ----------
    treatment, comparator : ndarray of float64, shape (n_treatment,) and (n_comparator,)
        0, 1 or NaN, which is left out.

    References
    ----------
    Austin PC. Using the standardized difference to compare the prevalence of a binary variable between two groups in
    observational research. Commun Stat Simul Comput 2009;38:1228-1234. doi:10.1080/03610910902859574.

    Examples
    --------
    >>> round(smd_of_flags(np.array([1.0, 1.0, 0.0, 0.0]), np.array([1.0, 0.0, 0.0, 0.0])).estimate, 4)
    0.5345
    """
    groups = (_known(treatment), _known(comparator))
    sizes = (int(groups[0].size), int(groups[1].size))
    share_1, share_0 = (float(values.mean()) if values.size else math.nan for values in groups)
    variance = (share_1 * (1.0 - share_1) + share_0 * (1.0 - share_0)) / 2.0
    return StandardizedMeanDifference(_ratio(share_1 - share_0, variance), *sizes)


def smd_of_categories(
    treatment: NDArray[np.float64], comparator: NDArray[np.float64], n_levels: int
) -> StandardizedMeanDifference:
    """Return the distance between the two groups' shares of several levels, √(Δ′ S⁻¹ Δ), which has no sign.

    Δ holds the differences in shares of all levels but one, S the mean of the two groups' multinomial covariances:
    S_kk = (p₁ₖ(1 − p₁ₖ) + p₀ₖ(1 − p₀ₖ))/2 and S_kl = −(p₁ₖ p₁ₗ + p₀ₖ p₀ₗ)/2. Which level is left out does not matter,
    and with two levels it is the absolute value of `smd_of_flags`. Levels that nobody has are left out.

    Parameters
    ----------
    treatment, comparator : ndarray of float64, shape (n_treatment,) and (n_comparator,)
        Codes 0, 1, …, `n_levels` − 1, or NaN, which is left out.
    n_levels : int
        How many levels there are.

    References
    ----------
    Yang D, Dalton JE. A unified approach to measuring the effect size between two groups using SAS. SAS Global Forum
    2012, paper 335-2012.

    Examples
    --------
    >>> round(smd_of_categories(np.array([0.0, 0.0, 1.0, 2.0]), np.array([0.0, 1.0, 1.0, 2.0]), 3).estimate, 4)
    0.603
    """
    groups = (_known(treatment), _known(comparator))
    sizes = (int(groups[0].size), int(groups[1].size))
    if 0 in sizes:
        return StandardizedMeanDifference(math.nan, *sizes)
    counts = np.array([np.bincount(codes.astype(np.int64), minlength=n_levels) for codes in groups])
    present = counts.sum(axis=0) > 0
    shares = (counts[:, present] / np.array(sizes)[:, None])[:, 1:]
    difference = shares[0] - shares[1]
    if not difference.any():
        return StandardizedMeanDifference(0.0, *sizes)
    if not (counts > 0).all(axis=0).any():
        # Without a level in common, and only then, S is singular: the distance is infinite.
        return StandardizedMeanDifference(math.nan, *sizes)
    covariance = (np.diag(shares.sum(axis=0)) - shares.T @ shares) / 2.0
    squared = float(difference @ np.linalg.solve(covariance, difference))
    return StandardizedMeanDifference(math.sqrt(squared), *sizes)


def _known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[~np.isnan(values)]


def _ratio(difference: float, variance: float) -> float:
    if variance > 0.0:
        return difference / math.sqrt(variance)
    return 0.0 if difference == 0.0 and variance == 0.0 else math.nan
