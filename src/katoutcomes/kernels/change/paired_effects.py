"""A mean change in standard deviations: four denominators, each with its small-sample version and its own interval.

All four are ratios d = mean change / s. They differ in s and in how well s is known, which `Denominator` says in one
number: the degrees of freedom f of a chi-square variable whose logarithm varies as much as that of s².
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.noncentral_t import noncentrality_limits

EFFECTS: tuple[str, ...] = ("d_z", "d_av", "d_rm", "delta_pre")
"""Over the standard deviation of the changes, the root mean square of both, that of the changes times √(2(1 − r)), and
that of the baseline."""


@dataclass(frozen=True, slots=True)
class PairMoments:
    """The sums that every effect size is made of.

    Attributes
    ----------
    n_pairs : int
        Patients with both scores.
    mean_baseline, mean_change : float
        Means; change is follow-up minus baseline.
    baseline_variance, follow_up_variance, change_variance : float
        Sample variances (n − 1); exactly 0 where nothing varies.
    """

    n_pairs: int
    mean_baseline: float
    mean_change: float
    baseline_variance: float
    follow_up_variance: float
    change_variance: float


@dataclass(frozen=True, slots=True)
class PairedEffect:
    """One effect size, its small-sample version, and an interval for what both of them estimate.

    Attributes
    ----------
    estimate, std_error : float
        Mean change over the denominator, below 0 where scores fell, and its large-sample standard error.
    corrected, corrected_std_error : float
        The same times the factor that takes away its bias (see `paired_effect`).
    conf_low, conf_high : float
        Limits for the effect in the population, which both estimate.

    Notes
    -----
    NaN throughout below two pairs and where the denominator is 0. The corrected version is NaN where its factor does
    not exist (fewer than three pairs). Where nobody's score changes there are no limits.
    """

    estimate: float
    std_error: float
    corrected: float
    corrected_std_error: float
    conf_low: float
    conf_high: float


UNDEFINED = PairedEffect(*(math.nan,) * 6)


@dataclass(frozen=True, slots=True)
class _Denominator:
    """A squared standard deviation, its degrees of freedom f, and the bias of log s that f does not explain."""

    square: float
    df: float
    extra_bias: float = 0.0


def pair_moments(baseline: NDArray[np.float64], follow_up: NDArray[np.float64]) -> PairMoments:
    """Return the moments of pairs of scores without NaN.

    Parameters
    ----------
    baseline, follow_up : ndarray of float64, shape (n_pairs,)
        Scores of the same patients in the same order.

    Examples
    --------
    >>> moments = pair_moments(np.array([20.0, 18.0, 25.0]), np.array([10.0, 12.0, 20.0]))
    >>> moments.mean_change, round(moments.change_variance, 6)
    (-7.0, 7.0)
    """
    from katoutcomes.kernels.summaries import mean_and_sd

    size = float(max(np.abs(baseline).max(initial=0.0), np.abs(follow_up).max(initial=0.0)))
    mean_baseline, baseline_sd = mean_and_sd(baseline)
    _, follow_up_sd = mean_and_sd(follow_up)
    mean_change, change_sd = mean_and_sd(follow_up - baseline, size)
    return PairMoments(int(baseline.size), mean_baseline, mean_change, baseline_sd**2, follow_up_sd**2, change_sd**2)


def effect_values(
    mean_change: NDArray[np.float64],
    baseline_variance: NDArray[np.float64],
    follow_up_variance: NDArray[np.float64],
    change_variance: NDArray[np.float64],
) -> Mapping[str, NDArray[np.float64]]:
    """Return the four effects of many samples at once, NaN where a denominator is 0.

    Parameters
    ----------
    mean_change, baseline_variance, follow_up_variance, change_variance : ndarray of float64, shape (n_samples,)
        Moments of each sample.

    Examples
    --------
    >>> one = [np.array([value]) for value in (-6.0, 9.0, 25.0, 16.0)]
    >>> {name: round(float(value[0]), 4) for name, value in effect_values(*one).items()}
    {'d_z': -1.5, 'd_av': -1.4552, 'd_rm': -1.3416, 'delta_pre': -2.0}
    """
    covariance = (baseline_variance + follow_up_variance - change_variance) / 2.0
    with np.errstate(divide="ignore", invalid="ignore"):
        correlation = np.clip(covariance / np.sqrt(baseline_variance * follow_up_variance), -1.0, 1.0)
        squares = {
            "d_z": change_variance,
            "d_av": (baseline_variance + follow_up_variance) / 2.0,
            "d_rm": change_variance / (2.0 * (1.0 - correlation)),
            "delta_pre": baseline_variance,
        }
        return {name: np.where(square > 0.0, mean_change / np.sqrt(square), np.nan) for name, square in squares.items()}


def paired_effects(moments: PairMoments, conf_level: float) -> dict[str, PairedEffect]:
    """Return all of `EFFECTS` of one sample; see `paired_effect` for the formulas.

    Examples
    --------
    >>> effects = paired_effects(PairMoments(25, 110.4, -8.3, 15.3**2, 14.6**2, 112.225), conf_level=0.95)
    >>> [(name, round(effect.estimate, 3)) for name, effect in effects.items()]
    [('d_z', -0.783), ('d_av', -0.555), ('d_rm', -0.554), ('delta_pre', -0.542)]
    """
    return {name: paired_effect(name, moments, conf_level) for name in EFFECTS}


def paired_effect(name: str, moments: PairMoments, conf_level: float) -> PairedEffect:
    """Return one effect size with its small-sample version and its interval.

    With ν = n − 1, s₀, s₁, s_d the standard deviations of baseline, follow-up and change, s₀₁ the covariance and r the
    correlation, d = mean change / s and SE² = d²/(2f) + (s_d/s)²/ν, where

    * d_z: s = s_d, f = ν; its interval is that of the noncentral t, exact under normal changes, and
      SE² = 1/n + d²/(2n);
    * d_av: s² = (s₀² + s₁²)/2, f = ν(s₀² + s₁²)²/(s₀⁴ + s₁⁴ + 2s₀₁²), which makes SE Bonett's;
    * d_rm: s² = s_d²/(2(1 − r)), 1/(2f) the variance of log s by the delta method from the variances and covariances
      of s₀², s₁² and s₀₁ under normality;
    * delta_pre: s = s₀, f = ν (Becker; Bonett's single-denominator form).

    The last three have the interval d ± z SE. The small-sample version is d · J(f) with
    J(f) = Γ(f/2) / (√(f/2) Γ((f − 1)/2)); for d_z and delta_pre it is unbiased under normality. The denominator of
    d_rm moves with r, which J does not know, so its factor is the second-order one, 1/(1 + 1/(4f) + (1 − r)/(4ν)).

    Parameters
    ----------
    name : str
        One of `EFFECTS`.
    moments : PairMoments
        Of the pairs.
    conf_level : float
        Between 0 and 1, both excluded.

    References
    ----------
    Hedges LV. Distribution theory for Glass's estimator of effect size and related estimators. J Educ Stat
    1981;6:107-128. doi:10.3102/10769986006002107.
    Becker BJ. Synthesizing standardized mean-change measures. Br J Math Stat Psychol 1988;41:257-278.
    doi:10.1111/j.2044-8317.1988.tb00901.x.
    Bonett DG. Confidence intervals for standardized linear contrasts of means. Psychol Methods 2008;13:99-109.
    doi:10.1037/1082-989X.13.2.99.
    Morris SB, DeShon RP. Combining effect size estimates in meta-analysis with repeated measures and
    independent-groups designs. Psychol Methods 2002;7:105-125. doi:10.1037/1082-989X.7.1.105.

    Examples
    --------
    >>> effect = paired_effect("delta_pre", PairMoments(25, 110.4, -8.3, 15.3**2, 14.6**2, 112.225), conf_level=0.95)
    >>> round(effect.estimate, 4), round(effect.corrected, 4), round(effect.conf_low, 4), round(effect.conf_high, 4)
    (-0.5425, -0.5253, -0.8592, -0.2258)
    """
    if moments.n_pairs < 2:
        return UNDEFINED
    denominator = _denominator(name, moments)
    if not denominator.square > 0.0:
        return UNDEFINED
    estimate = moments.mean_change / math.sqrt(denominator.square)
    if name == "d_z":
        std_error, low, high = _noncentral(estimate, moments.n_pairs, conf_level)
    else:
        std_error, low, high = _delta_method(estimate, denominator, moments, conf_level)
    factor = _small_sample_factor(denominator)
    return PairedEffect(estimate, std_error, factor * estimate, factor * std_error, low, high)


def hedges_factor(df: float) -> float:
    """Return J(f) = Γ(f/2) / (√(f/2) Γ((f − 1)/2)), the factor that takes the bias from a mean over an estimated SD.

    Examples
    --------
    >>> round(hedges_factor(39.0), 8)
    0.98062424
    >>> hedges_factor(1.0)
    nan
    """
    from scipy.special import gammaln

    if not df > 1.0:
        return math.nan
    return math.exp(float(gammaln(df / 2.0) - gammaln((df - 1.0) / 2.0)) - 0.5 * math.log(df / 2.0))


def _denominator(name: str, moments: PairMoments) -> _Denominator:
    df = moments.n_pairs - 1.0
    before, after = moments.baseline_variance, moments.follow_up_variance
    if name == "d_z":
        return _Denominator(moments.change_variance, df)
    if name == "delta_pre":
        return _Denominator(before, df)
    covariance = (before + after - moments.change_variance) / 2.0
    if name == "d_av":
        spread = before**2 + after**2 + 2.0 * covariance**2
        return _Denominator((before + after) / 2.0, df * (before + after) ** 2 / spread if spread > 0.0 else df)
    if name == "d_rm":
        return _repeated_measures_denominator(before, after, covariance, moments.change_variance, df)
    raise ValueError(f"no effect is called {name!r}.")


def _repeated_measures_denominator(
    before: float, after: float, covariance: float, change: float, df: float
) -> _Denominator:
    """Return s_d²/(2(1 − r)); without a correlation, or with one of 1, there is none."""
    if not (before > 0.0 and after > 0.0 and change > 0.0):
        return _Denominator(0.0, df)
    product = math.sqrt(before * after)
    apart = product - covariance  # √(s₀²s₁²)(1 − r)
    if not apart > 1e-12 * product:
        return _Denominator(0.0, df)
    # Gradient of log s = ½ log s_d² − ½ log(1 − r) in (s₀², s₁², s₀₁), with 1 − r = apart / product.
    slope = (
        0.5 / change - 0.25 * covariance / (apart * before),
        0.5 / change - 0.25 * covariance / (apart * after),
        -1.0 / change + 0.5 / apart,
    )
    # ν times the covariances of sample variances and covariance of normal scores.
    spread = (
        (2.0 * before**2, 2.0 * covariance**2, 2.0 * before * covariance),
        (2.0 * covariance**2, 2.0 * after**2, 2.0 * after * covariance),
        (2.0 * before * covariance, 2.0 * after * covariance, before * after + covariance**2),
    )
    variance = sum(slope[i] * spread[i][j] * slope[j] for i in range(3) for j in range(3)) / df
    return _Denominator(change * product / (2.0 * apart), 0.5 / variance, apart / product / (4.0 * df))


def _small_sample_factor(denominator: _Denominator) -> float:
    if denominator.extra_bias:
        return 1.0 / (1.0 + 0.25 / denominator.df + denominator.extra_bias)
    return hedges_factor(denominator.df)


def _noncentral(estimate: float, n_pairs: int, conf_level: float) -> tuple[float, float, float]:
    root = math.sqrt(n_pairs)
    low, high = noncentrality_limits(estimate * root, float(n_pairs - 1), conf_level)
    return math.sqrt(1.0 / n_pairs + estimate**2 / (2.0 * n_pairs)), low / root, high / root


def _delta_method(
    estimate: float, denominator: _Denominator, moments: PairMoments, conf_level: float
) -> tuple[float, float, float]:
    from scipy.special import ndtri

    df = moments.n_pairs - 1.0
    ratio = moments.change_variance / denominator.square
    std_error = math.sqrt(estimate**2 / (2.0 * denominator.df) + ratio / df)
    half_width = float(ndtri(0.5 + conf_level / 2.0)) * std_error if std_error > 0.0 else math.nan
    return std_error, estimate - half_width, estimate + half_width
