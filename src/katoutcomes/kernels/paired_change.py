"""Change within patients: the mean change and its two standardized forms, each with an interval that fits it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.noncentral_t import noncentrality_limits
from katoutcomes.kernels.summaries import MeanInterval, mean_interval


@dataclass(frozen=True, slots=True)
class StandardizedChange:
    """A mean change in standard deviations.

    Attributes
    ----------
    estimate : float
        Below 0 where the scores fell.
    std_error : float
        Large-sample standard error; the limits need not be symmetric around the estimate.
    conf_low, conf_high : float
        Limits of the interval.

    Notes
    -----
    NaN throughout where there are fewer than two pairs or the standard deviation in the denominator is 0. Where
    nobody's score changes at all, d_av is 0 and has no limits.
    """

    estimate: float
    std_error: float
    conf_low: float
    conf_high: float


@dataclass(frozen=True, slots=True)
class PairedChange:
    """Baseline, follow-up and change of the patients who have both scores.

    Attributes
    ----------
    n_pairs : int
        Patients with both scores.
    baseline, follow_up, change : MeanInterval
        Means, standard deviations and t intervals; change is follow-up minus baseline.
    correlation : float
        Pearson correlation between baseline and follow-up; NaN below two pairs or where one of them does not vary.
    statistic, p_value : float
        Paired t, and its two-sided p-value; NaN below two pairs or where the changes do not vary.
    d_av, d_z : StandardizedChange
        Mean change over √((s₀² + s₁²)/2), and over the standard deviation of the changes.
    """

    n_pairs: int
    baseline: MeanInterval
    follow_up: MeanInterval
    change: MeanInterval
    correlation: float
    statistic: float
    p_value: float
    d_av: StandardizedChange
    d_z: StandardizedChange


_UNDEFINED = StandardizedChange(math.nan, math.nan, math.nan, math.nan)


def paired_change(baseline: NDArray[np.float64], follow_up: NDArray[np.float64], conf_level: float) -> PairedChange:
    """Return everything about the change of a score between two times in the same patients.

    Parameters
    ----------
    baseline, follow_up : ndarray of float64, shape (n_patients,)
        Scores of the same patients in the same order. Who lacks one of the two (NaN) is left out.
    conf_level : float
        Of all intervals; between 0 and 1, both excluded.

    Returns
    -------
    PairedChange
        With NaN for what is not defined: spread below two pairs, tests and d_z where the changes do not vary.

    Raises
    ------
    ValueError
        If the two arrays differ in shape or the level is outside its range.

    References
    ----------
    Student. The probable error of a mean. Biometrika 1908;6:1-25. doi:10.1093/biomet/6.1.1.

    Examples
    --------
    >>> change = paired_change(np.array([20.0, 18.0, 25.0]), np.array([10.0, 12.0, 20.0]), conf_level=0.95)
    >>> change.change.estimate, round(change.change.sd, 4), round(change.statistic, 4), round(change.d_z.estimate, 4)
    (-7.0, 2.6458, -4.5826, -2.6458)
    """
    from scipy.special import stdtr

    if baseline.shape != follow_up.shape:
        raise ValueError("baseline and follow_up must have the same shape.")
    has_both = ~(np.isnan(baseline) | np.isnan(follow_up))
    baseline, follow_up = baseline[has_both], follow_up[has_both]
    before, after = mean_interval(baseline, conf_level), mean_interval(follow_up, conf_level)
    size = float(max(np.abs(baseline).max(initial=0.0), np.abs(follow_up).max(initial=0.0)))
    change = mean_interval(follow_up - baseline, conf_level, size)
    statistic = change.estimate / change.std_error if change.std_error > 0.0 else math.nan
    return PairedChange(
        n_pairs=change.n_values,
        baseline=before,
        follow_up=after,
        change=change,
        correlation=_correlation(baseline, follow_up, before, after),
        statistic=statistic,
        p_value=2.0 * float(stdtr(change.df, -abs(statistic))),
        d_av=d_av(
            mean_change=change.estimate,
            baseline_variance=before.sd**2,
            follow_up_variance=after.sd**2,
            change_variance=change.sd**2,
            n_pairs=change.n_values,
            conf_level=conf_level,
        ),
        d_z=d_z(change.estimate, change.sd, change.n_values, conf_level),
    )


def d_av(
    *,
    mean_change: float,
    baseline_variance: float,
    follow_up_variance: float,
    change_variance: float,
    n_pairs: int,
    conf_level: float,
) -> StandardizedChange:
    """Return the mean change over the root mean square of the two standard deviations, with Bonett's interval.

    With s² = (s₀² + s₁²)/2 and the covariance s₀₁ = s² − s_d²/2, d = mean change / s and

    SE² = d² (s₀⁴ + s₁⁴ + 2 s₀₁²) / (8 (n − 1) s⁴) + s_d² / ((n − 1) s²);

    the interval is d ± z SE. It does not assume that baseline and follow-up vary alike, and it allows for s being
    estimated.

    Parameters
    ----------
    mean_change : float
        Mean of follow-up minus baseline.
    baseline_variance, follow_up_variance, change_variance : float
        Sample variances (n − 1) of the two scores and of the changes; the latter is s₀² + s₁² − 2 r s₀ s₁.
    n_pairs : int
        Patients with both.
    conf_level : float
        Between 0 and 1, both excluded.

    References
    ----------
    Bonett DG. Confidence intervals for standardized linear contrasts of means. Psychol Methods 2008;13:99-109.
    doi:10.1037/1082-989X.13.2.99.
    Bonett DG. Interval estimation of standardized mean differences in paired-samples designs. J Educ Behav Stat
    2015;40:366-376. doi:10.3102/1076998615583904.

    Examples
    --------
    >>> effect = d_av(
    ...     mean_change=-8.3,
    ...     baseline_variance=15.3**2,
    ...     follow_up_variance=14.6**2,
    ...     change_variance=15.3**2 + 14.6**2 - 2 * 0.75 * 15.3 * 14.6,
    ...     n_pairs=25,
    ...     conf_level=0.95,
    ... )
    >>> round(effect.estimate, 4), round(effect.conf_low, 4), round(effect.conf_high, 4)
    (-0.555, -0.8706, -0.2395)
    """
    from scipy.special import ndtri

    mean_square = (baseline_variance + follow_up_variance) / 2.0
    if n_pairs < 2 or not mean_square > 0.0:
        return _UNDEFINED
    df = n_pairs - 1
    estimate = mean_change / math.sqrt(mean_square)
    covariance = mean_square - change_variance / 2.0
    spread = (baseline_variance**2 + follow_up_variance**2 + 2.0 * covariance**2) / mean_square**2
    std_error = math.sqrt(estimate**2 * spread / (8.0 * df) + change_variance / (df * mean_square))
    half_width = float(ndtri(0.5 + conf_level / 2.0)) * std_error if std_error > 0.0 else math.nan
    return StandardizedChange(estimate, std_error, estimate - half_width, estimate + half_width)


def d_z(mean_change: float, change_sd: float, n_pairs: int, conf_level: float) -> StandardizedChange:
    """Return the mean change over the standard deviation of the changes, with its noncentral t interval.

    d = mean change / s_d = t / √n. Under normal changes t follows a noncentral t distribution with n − 1 degrees of
    freedom and noncentrality √n δ; the limits are those of δ, so the interval excludes 0 exactly where the paired t
    test at the same level rejects. SE² = 1/n + d²/(2n), for large samples.

    Parameters
    ----------
    mean_change, change_sd : float
        Mean and sample standard deviation (n − 1) of follow-up minus baseline.
    n_pairs : int
        Patients with both.
    conf_level : float
        Between 0 and 1, both excluded.

    References
    ----------
    Steiger JH, Fouladi RT. Noncentrality interval estimation and the evaluation of statistical models. In: Harlow LL,
    Mulaik SA, Steiger JH (eds). What if there were no significance tests? Mahwah: Erlbaum; 1997:221-257.
    Gibbons RD, Hedeker DR, Davis JM. Estimation of effect size from a series of experiments involving paired
    comparisons. J Educ Stat 1993;18:271-279. doi:10.3102/10769986018003271.

    Examples
    --------
    >>> effect = d_z(1.58, 1.229995, n_pairs=10, conf_level=0.95)
    >>> round(effect.estimate, 4), round(effect.conf_low, 4), round(effect.conf_high, 4)
    (1.2846, 0.4146, 2.118)
    """
    if n_pairs < 2 or not change_sd > 0.0:
        return _UNDEFINED
    estimate = mean_change / change_sd
    root = math.sqrt(n_pairs)
    low, high = noncentrality_limits(estimate * root, float(n_pairs - 1), conf_level)
    std_error = math.sqrt(1.0 / n_pairs + estimate**2 / (2.0 * n_pairs))
    return StandardizedChange(estimate, std_error, low / root, high / root)


def _correlation(
    baseline: NDArray[np.float64], follow_up: NDArray[np.float64], before: MeanInterval, after: MeanInterval
) -> float:
    """Return the correlation, held within −1 and 1 against rounding; NaN where one score does not vary."""
    if not before.sd * after.sd > 0.0:
        return math.nan
    covariance = float((baseline - before.estimate) @ (follow_up - after.estimate)) / (baseline.size - 1)
    return min(1.0, max(-1.0, covariance / (before.sd * after.sd)))
