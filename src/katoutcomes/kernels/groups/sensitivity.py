"""How strong what was not measured would have to be: E-values, robustness values, and what a benchmark would do."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_LOG_RR_PER_D = 0.91
_LIMIT_FACTOR = 1.78
_DETECTABLE_STD_ERRORS = 2.8
"""The normal quantiles of 97.5 percent and of 80 percent, summed: 1.960 + 0.842."""


def e_value(risk_ratio: float) -> float:
    """Return how strongly a confounder would have to be tied to exposure and outcome to explain a risk ratio away.

    E = RR + sqrt(RR (RR - 1)), of 1/RR where RR is below 1.

    References
    ----------
    VanderWeele TJ, Ding P. Sensitivity analysis in observational research: introducing the E-value. Ann Intern Med
    2017;167:268-274. doi:10.7326/M16-2607.

    Examples
    --------
    >>> round(e_value(10.73), 3), round(e_value(0.8), 2)
    (20.948, 1.81)
    """
    if not risk_ratio > 0.0:
        return math.nan
    ratio = max(risk_ratio, 1.0 / risk_ratio)
    return ratio + math.sqrt(ratio * (ratio - 1.0))


def e_value_of_limit(risk_ratio: float, limit_low: float, limit_high: float) -> float:
    """Return the E-value of the limit that is nearer to 1; 1 if the interval holds 1.

    Examples
    --------
    >>> round(e_value_of_limit(0.8, 0.71, 0.91), 2), e_value_of_limit(1.1, 0.9, 1.3)
    (1.43, 1.0)
    """
    if limit_low <= 1.0 <= limit_high:
        return 1.0
    return e_value(limit_low if risk_ratio > 1.0 else limit_high)


@dataclass(frozen=True, slots=True)
class EValueOfDifference:
    """E-values of a difference in means.

    Attributes
    ----------
    risk_ratio : float
        exp(0.91 d), about the risk ratio that a standardized difference d stands for.
    estimate, limit : float
        The E-value of the estimate, and of the limit nearer to no difference (1 where the interval holds 0).
    """

    risk_ratio: float
    estimate: float
    limit: float


def e_value_of_difference(difference: float, std_error: float, sd: float) -> EValueOfDifference:
    """Return the E-values of a difference in means by way of d = difference / SD.

    RR = exp(0.91 d), with limits exp(0.91 d -+ 1.78 SE/SD).

    References
    ----------
    VanderWeele TJ, Ding P. Ann Intern Med 2017;167:268-274. doi:10.7326/M16-2607.
    Chinn S. Stat Med 2000;19:3127-3131. doi:10.1002/1097-0258(20001130)19:22<3127::AID-SIM784>3.0.CO;2-M.

    Examples
    --------
    >>> found = e_value_of_difference(-2.0, 0.8, 5.5)
    >>> round(found.estimate, 2), round(found.limit, 2)
    (2.13, 1.36)
    """
    if not sd > 0.0:
        return EValueOfDifference(math.nan, math.nan, math.nan)
    d, error = difference / sd, std_error / sd
    ratio = math.exp(_LOG_RR_PER_D * d)
    low, high = (math.exp(_LOG_RR_PER_D * d + sign * _LIMIT_FACTOR * error) for sign in (-1.0, 1.0))
    return EValueOfDifference(ratio, e_value(ratio), e_value_of_limit(ratio, low, high))


def robustness_value(t_statistic: float, df: float, *, q: float = 1.0, alpha: float | None = None) -> float:
    """Return the share of residual variance that a confounder must explain, of exposure and of outcome alike.

    RV = (sqrt(f^4 + 4 f^2) - f^2) / 2 with f = q |t| / sqrt(df); with `alpha`, f is reduced by t* / sqrt(df - 1), so
    that it is about the interval instead of the estimate.

    Parameters
    ----------
    t_statistic, df : float
        Of the adjusted difference.
    q : float, default 1
        Share of the difference that is to be explained away.
    alpha : float, optional
        Level of the test that is to lose its significance.

    References
    ----------
    Cinelli C, Hazlett C. Making sense of sensitivity: extending omitted variable bias. J R Stat Soc B 2020;82:39-67.
    doi:10.1111/rssb.12348.

    Examples
    --------
    >>> round(robustness_value(4.184, 783), 4), round(robustness_value(4.184, 783, alpha=0.05), 3)
    (0.1388, 0.076)
    """
    from scipy.special import stdtrit

    if not df > 1.0:
        return math.nan
    f = q * abs(t_statistic) / math.sqrt(df)
    if alpha is not None:
        critical = float(stdtrit(df - 1.0, 1.0 - alpha / 2.0)) / math.sqrt(df - 1.0)
        if f > 1.0 / critical:  # beyond it the degrees of freedom bound the value
            return (f**2 - critical**2) / (1.0 + f**2)
        f = max(0.0, f - critical)
    return (math.sqrt(f**4 + 4.0 * f**2) - f**2) / 2.0


def partial_r2(t_statistic: float, df: float) -> float:
    """Return t^2 / (t^2 + df): the share of the residual variance that one column explains.

    Examples
    --------
    >>> round(partial_r2(4.184, 783), 3)
    0.022
    """
    return t_statistic**2 / (t_statistic**2 + df)


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A measured covariate, as a yardstick for one that was not measured.

    Attributes
    ----------
    r2_exposure, r2_outcome : float
        Share of the residual variance of exposure and of outcome that a confounder as strong as the covariate explains.
    adjusted_estimate : float
        What the difference would be with such a confounder working against it.
    """

    r2_exposure: float
    r2_outcome: float
    adjusted_estimate: float


def benchmark(
    estimate: float, std_error: float, df: float, *, r2_covariate_exposure: float, r2_covariate_outcome: float
) -> Benchmark:
    """Bound the bias of an unmeasured confounder as strong as one measured covariate.

    Parameters
    ----------
    estimate, std_error, df : float
        The adjusted difference by (weighted) least squares.
    r2_covariate_exposure : float
        Partial R^2 of the covariate with the exposure given the other covariates.
    r2_covariate_outcome : float
        Partial R^2 of the covariate with the outcome given exposure and the other covariates.

    References
    ----------
    Cinelli C, Hazlett C. J R Stat Soc B 2020;82:39-67, section 4.4. doi:10.1111/rssb.12348.

    Examples
    --------
    >>> found = benchmark(0.0973, 0.0232, 783, r2_covariate_exposure=0.00908, r2_covariate_outcome=0.10903)
    >>> round(found.r2_exposure, 3), round(found.r2_outcome, 3), round(found.adjusted_estimate, 3)
    (0.009, 0.125, 0.075)
    """
    r2_exposure = r2_covariate_exposure / (1.0 - r2_covariate_exposure)
    r2_shared = (r2_covariate_exposure / (1.0 - r2_covariate_exposure)) ** 2
    if r2_exposure >= 1.0 or r2_shared >= 1.0:
        return Benchmark(1.0, 1.0, math.nan)
    inflation = (1.0 + math.sqrt(r2_shared)) ** 2 / (1.0 - r2_shared)
    r2_outcome = min(1.0, inflation * r2_covariate_outcome / (1.0 - r2_covariate_outcome))
    bias = std_error * math.sqrt(df * r2_outcome * r2_exposure / (1.0 - r2_exposure))
    return Benchmark(r2_exposure, r2_outcome, estimate - math.copysign(bias, estimate))


def minimal_detectable_difference(std_error: float) -> float:
    """Return 2.8 standard errors: the difference that a 5 percent test finds with a probability of 80 percent.

    Examples
    --------
    >>> minimal_detectable_difference(0.8).__round__(2)
    2.24
    """
    return _DETECTABLE_STD_ERRORS * std_error


@dataclass(frozen=True, slots=True)
class TippingPoint:
    """How much worse the missing outcomes of the treated would have to be than assumed.

    Attributes
    ----------
    to_interval : float
        The smallest addition at which the interval holds 0; 0 if it does already, NaN if none on the grid does.
    to_threshold : float
        The smallest addition at which the estimate is no longer beyond the threshold; NaN as above.
    """

    to_interval: float
    to_threshold: float


def tipping_point(
    grid: Floats, estimates: Floats, conf_low: Floats, conf_high: Floats, threshold: float
) -> TippingPoint:
    """Find where a delta-adjusted difference tips.

    Parameters
    ----------
    grid : ndarray of float64, shape (g,)
        Additions to the missing outcomes of the treated, ascending from 0.
    estimates, conf_low, conf_high : ndarray of float64, shape (g,)
        The difference and its limits under each addition.
    threshold : float
        A size that matters, above 0; NaN where none is known.

    Examples
    --------
    >>> grid, estimates = np.array([0.0, 1.0, 2.0]), np.array([-2.0, -1.6, -1.2])
    >>> found = tipping_point(grid, estimates, estimates - 1.5, estimates + 1.5, 1.5)
    >>> found.to_interval, found.to_threshold
    (2.0, 2.0)
    """
    holds_zero = (conf_low <= 0.0) & (conf_high >= 0.0)
    is_small = np.abs(estimates) < threshold
    return TippingPoint(_first(grid, holds_zero), _first(grid, is_small))


def _first(grid: Floats, reached: NDArray[np.bool_]) -> float:
    places = np.flatnonzero(reached)
    return float(grid[places[0]]) if places.size else math.nan
