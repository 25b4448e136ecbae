"""The mean change at a stated baseline score, and the change in relation to where patients began."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.change.paired_effects import PairMoments
from katoutcomes.kernels.summaries import mean_and_sd


@dataclass(frozen=True, slots=True)
class AdjustedChange:
    """The change of patients who began at a stated score.

    Attributes
    ----------
    estimate, std_error, df : float
        Of the regression of the change on the baseline, at the stated score; df = n − 2.
    conf_low, conf_high : float
        Limits of the t interval.
    slope : float
        Points of change a point of baseline.
    """

    estimate: float
    std_error: float
    df: float
    conf_low: float
    conf_high: float
    slope: float


@dataclass(frozen=True, slots=True)
class RelativeChange:
    """The mean change as a share of the mean baseline: a ratio of means, never a mean of ratios.

    Attributes
    ----------
    estimate : float
        Mean change over mean baseline.
    conf_low, conf_high : float
        Fieller's limits; NaN where the mean baseline is not clearly different from 0, so that they have no end.
    """

    estimate: float
    conf_low: float
    conf_high: float


def change_at_baseline(
    baseline: NDArray[np.float64], change: NDArray[np.float64], at: float, conf_level: float
) -> AdjustedChange:
    """Return the mean change of patients who began at a stated score, by linear regression.

    m_d + b(x − x̄₀) with b the slope; SE² = s_e²(1/n + (x − x̄₀)²/Σ(x₀ − x̄₀)²).

    Parameters
    ----------
    baseline, change : ndarray of float64, shape (n_pairs,)
        Baseline, and follow-up minus baseline, of the same patients, no NaN.
    at : float
        The stated baseline score.
    conf_level : float
        Between 0 and 1, both excluded.

    Returns
    -------
    AdjustedChange
        NaN throughout below three pairs and where the baseline does not vary; no limits where the line fits all.

    Examples
    --------
    >>> before = np.array([10.0, 14.0, 18.0, 22.0])
    >>> found = change_at_baseline(before, np.array([-1.0, -4.0, -5.0, -10.0]), at=20.0, conf_level=0.95)
    >>> round(found.estimate, 3), round(found.slope, 3), found.df
    (-7.8, -0.7, 2.0)
    """
    from scipy.special import stdtrit

    n_pairs = int(baseline.size)
    mean, sd = mean_and_sd(baseline)
    if n_pairs < 3 or not sd > 0.0:
        return AdjustedChange(*(math.nan,) * 6)
    apart = baseline - mean
    square = float(apart @ apart)
    slope = float(apart @ change) / square
    residual = change - change.mean() - slope * apart
    df = n_pairs - 2.0
    variance = float(residual @ residual) / df
    if variance <= (1e-13 * float(np.abs(baseline).max() + np.abs(change).max())) ** 2:
        variance = 0.0
    estimate = float(change.mean()) + slope * (at - mean)
    std_error = math.sqrt(variance * (1.0 / n_pairs + (at - mean) ** 2 / square))
    half_width = float(stdtrit(df, 0.5 + conf_level / 2.0)) * std_error if std_error > 0.0 else math.nan
    return AdjustedChange(estimate, std_error, df, estimate - half_width, estimate + half_width, slope)


def relative_change(moments: PairMoments, conf_level: float) -> RelativeChange:
    """Return the mean change over the mean baseline with Fieller's interval, which is exact under normality.

    The limits are the ratios θ of follow-up to baseline at which the mean of follow-up − θ · baseline would just not
    differ from 0 by a t test, minus 1.

    Parameters
    ----------
    moments : PairMoments
        Of the pairs.
    conf_level : float
        Between 0 and 1, both excluded.

    References
    ----------
    Fieller EC. Some problems in interval estimation. J R Stat Soc B 1954;16:175-185.
    doi:10.1111/j.2517-6161.1954.tb00159.x.

    Examples
    --------
    >>> found = relative_change(PairMoments(25, 16.0, -6.0, 16.0, 25.0, 21.0), conf_level=0.95)
    >>> round(found.estimate, 3), round(found.conf_low, 3), round(found.conf_high, 3)
    (-0.375, -0.487, -0.263)
    """
    from scipy.special import stdtrit

    before, change = moments.mean_baseline, moments.mean_change
    if moments.n_pairs < 2 or before == 0.0 or math.isnan(before):
        return RelativeChange(math.nan, math.nan, math.nan)
    estimate = change / before
    reach = float(stdtrit(moments.n_pairs - 1.0, 0.5 + conf_level / 2.0)) ** 2 / moments.n_pairs
    # (change − λ before)² = t²(s_d² − 2λ s_d0 + λ² s₀²)/n, a quadratic in λ = θ − 1.
    with_baseline = (moments.follow_up_variance - moments.baseline_variance - moments.change_variance) / 2.0
    square = before**2 - reach * moments.baseline_variance
    linear = before * change - reach * with_baseline
    constant = change**2 - reach * moments.change_variance
    under_root = linear**2 - square * constant
    if not (square > 0.0 and under_root > 0.0):
        return RelativeChange(estimate, math.nan, math.nan)
    root = math.sqrt(under_root)
    ends = sorted(((linear - root) / square, (linear + root) / square))
    return RelativeChange(estimate, *ends)
