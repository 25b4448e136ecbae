"""Whether one person's score changed by more than measurement error: the indices that have names.

Each index is a weighted sum of the two scores over a standard error. They differ in what is expected of a person who
did not change: the same score (Jacobson and Truax), or one nearer to the mean (all the others). `sign` is -1 where a
falling score is improvement and +1 where a rising score is. Scores must be known: no NaN.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.individual.reliable_change import standard_error_of_difference


@dataclass(frozen=True, slots=True)
class ScoreMoments:
    """Means and standard deviations of the two scores, as far as a method needs them; NaN where it does not.

    Attributes
    ----------
    baseline_mean, baseline_sd : float
        In points.
    follow_up_mean, follow_up_sd : float
        In points.
    correlation : float
        Pearson correlation between baseline and follow-up.
    """

    baseline_mean: float
    baseline_sd: float
    follow_up_mean: float = math.nan
    follow_up_sd: float = math.nan
    correlation: float = math.nan


@dataclass(frozen=True, slots=True)
class IndexRule:
    """A change index: (`follow_up_weight` · follow-up + `baseline_weight` · baseline + `constant`) / `standard_error`.

    Attributes
    ----------
    follow_up_weight, baseline_weight : float
        Of the two scores.
    constant, standard_error : float
        In points.
    is_one_sided : bool
        Whether the level is that of a one-sided test: z is then the `level` quantile, 1.645 at 95 %.
    """

    follow_up_weight: float
    baseline_weight: float
    constant: float
    standard_error: float
    is_one_sided: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class IndividualChange:
    """The index of every patient and what it says.

    Attributes
    ----------
    critical_value : float
        An index beyond this, in either direction, is a reliable change.
    index : ndarray of float64
        Signed like the scores, whatever the direction of the scale.
    classes : ndarray of int8
        `IMPROVED`, `UNCHANGED` or `DETERIORATED` of `kernels.reliable_change`.
    """

    critical_value: float
    index: NDArray[np.float64]
    classes: NDArray[np.int8]


def moments_of(baseline: NDArray[np.float64], follow_up: NDArray[np.float64]) -> ScoreMoments:
    """Return the moments of the patients who have both scores; NaN below two of them.

    Examples
    --------
    >>> import numpy as np
    >>> moments_of(np.array([10.0, 12.0, 14.0]), np.array([8.0, 6.0, 10.0]))
    ScoreMoments(baseline_mean=12.0, baseline_sd=2.0, follow_up_mean=8.0, follow_up_sd=2.0, correlation=0.5)
    """
    from katoutcomes.kernels.summaries import mean_and_sd

    if baseline.size < 2:
        return ScoreMoments(*(math.nan,) * 5)
    (mean, sd), (later_mean, later_sd) = mean_and_sd(baseline), mean_and_sd(follow_up)
    covariance = float(((baseline - mean) * (follow_up - later_mean)).sum()) / (baseline.size - 1)
    correlation = covariance / (sd * later_sd) if sd > 0.0 and later_sd > 0.0 else math.nan
    return ScoreMoments(mean, sd, later_mean, later_sd, correlation)


def jacobson_truax(moments: ScoreMoments, reliability: float) -> IndexRule:
    """Return Jacobson and Truax (1991): the change over SD · √2 · √(1 − r).

    Examples
    --------
    >>> round(jacobson_truax(ScoreMoments(40.0, 7.5), 0.80).standard_error, 2)
    4.74
    """
    return IndexRule(1.0, -1.0, 0.0, standard_error_of_difference(moments.baseline_sd, reliability))


def gulliksen_lord_novick(moments: ScoreMoments, reliability: float) -> IndexRule:
    """Return Gulliksen, Lord and Novick: the follow-up score against the one predicted from the baseline score.

    (x₁ − m₀) − r (x₀ − m₀), over the standard error of prediction SD · √(1 − r²). Who starts far from the mean is
    expected nearer to it.
    """
    error = moments.baseline_sd * math.sqrt(1.0 - reliability**2)
    return IndexRule(1.0, -reliability, -(1.0 - reliability) * moments.baseline_mean, error)


def hsu_linn_lord(moments: ScoreMoments, reliability: float) -> IndexRule:
    """Return Hsu, Linn and Lord: as `gulliksen_lord_novick`, with the follow-up score measured from its own mean.

    (x₁ − m₁) − r (x₀ − m₀): the mean improvement of all patients is taken out, so that a patient who improves as
    the others do counts as unchanged. It ranks patients; it does not say how many got better.
    """
    error = moments.baseline_sd * math.sqrt(1.0 - reliability**2)
    return IndexRule(1.0, -reliability, reliability * moments.baseline_mean - moments.follow_up_mean, error)


def edwards_nunnally(moments: ScoreMoments, reliability: float) -> IndexRule:
    """Return Edwards and Nunnally: the follow-up score against the estimated true baseline score.

    x₁ − (r x₀ + (1 − r) m₀), over the standard error of measurement SD · √(1 − r).
    """
    error = moments.baseline_sd * math.sqrt(1.0 - reliability)
    return IndexRule(1.0, -reliability, -(1.0 - reliability) * moments.baseline_mean, error)


def nunnally_kotsch(moments: ScoreMoments, reliability: float, follow_up_reliability: float) -> IndexRule:
    """Return Nunnally and Kotsch: as `edwards_nunnally`, with the errors of both measurements.

    The standard error is √(r² s₀² (1 − r) + s₁² (1 − r₁)), with the spread and reliability of the follow-up scores.
    """
    of_baseline = (reliability * moments.baseline_sd) ** 2 * (1.0 - reliability)
    of_follow_up = moments.follow_up_sd**2 * (1.0 - follow_up_reliability)
    constant = -(1.0 - reliability) * moments.baseline_mean
    return IndexRule(1.0, -reliability, constant, math.sqrt(of_baseline + of_follow_up))


def hageman_arrindell(moments: ScoreMoments, reliability: float) -> IndexRule:
    """Return the individual index of Hageman and Arrindell (1999), which estimates the true change.

    ((x₁ − x₀) r_dd + (m₁ − m₀)(1 − r_dd)) / (√r_dd · SD · √2 · √(1 − r)), with r_dd the reliability of the change.
    Their test is one-sided: 1.645 at 95 %.
    """
    of_change = reliability_of_change(moments, reliability)
    mean_change = moments.follow_up_mean - moments.baseline_mean
    error = math.sqrt(of_change) * standard_error_of_difference(moments.baseline_sd, reliability)
    return IndexRule(of_change, -of_change, (1.0 - of_change) * mean_change, error, is_one_sided=True)


INDEX_RULES: Mapping[str, Callable[[ScoreMoments, float], IndexRule]] = MappingProxyType(
    {
        "jacobson_truax": jacobson_truax,
        "gulliksen_lord_novick": gulliksen_lord_novick,
        "hsu_linn_lord": hsu_linn_lord,
        "edwards_nunnally": edwards_nunnally,
        "hageman_arrindell": hageman_arrindell,
    }
)
"""The indices that need one reliability; `nunnally_kotsch` takes two, the growth model none."""


def reliability_at_another_spread(reliability: float, sd: float, other_sd: float) -> float:
    """Return the reliability where the scores spread otherwise and the error of measurement is the same.

    1 − SD² (1 − r) / SD₁²: in people who differ more, the same error weighs less.

    Examples
    --------
    >>> round(reliability_at_another_spread(0.80, 5.0, 10.0), 2)
    0.95
    """
    return 1.0 - sd**2 * (1.0 - reliability) / other_sd**2


def reliability_of_change(moments: ScoreMoments, reliability: float) -> float:
    """Return the reliability of the difference between the two scores, r_dd of Hageman and Arrindell.

    The follow-up scores have the same error of measurement as the baseline scores.

    Raises
    ------
    ValueError
        If the changes spread no more than measurement error alone would make them: then no true change is left to
        estimate.
    """
    variance, later_variance = moments.baseline_sd**2, moments.follow_up_sd**2
    later = reliability_at_another_spread(reliability, moments.baseline_sd, moments.follow_up_sd)
    shared = 2.0 * moments.baseline_sd * moments.follow_up_sd * moments.correlation
    of_true_scores = variance * reliability + later_variance * later - shared
    if not of_true_scores > 0.0:
        raise ValueError("the changes spread no more than measurement error alone.")
    return of_true_scores / (variance + later_variance - shared)


def critical_value(level: float, *, is_one_sided: bool) -> float:
    """Return the index that measurement error alone exceeds with probability 1 − `level`."""
    from scipy.special import ndtri

    if not 0.0 < level < 1.0:
        raise ValueError("level lies between 0 and 1, both excluded.")
    return float(ndtri(level if is_one_sided else 0.5 + level / 2.0))


def individual_change(
    baseline: NDArray[np.float64], follow_up: NDArray[np.float64], rule: IndexRule, *, sign: int, level: float = 0.95
) -> IndividualChange:
    """Return the index of every patient and the class that it gives; a change must be *beyond* the critical value.

    Parameters
    ----------
    baseline, follow_up : ndarray of float64
        Scores of the same patients, same shape, no NaN.
    rule : IndexRule
        From one of the functions above.
    sign : {-1, 1}
        Minus one where a falling score is improvement.
    level : float
        Between 0 and 1, both excluded.

    Examples
    --------
    >>> import numpy as np
    >>> rule = gulliksen_lord_novick(ScoreMoments(35.475, 8.158643363848032), 0.92)
    >>> change = individual_change(np.array([33.0, 26.0]), np.array([27.0, 19.0]), rule, sign=-1)
    >>> change.index.round(3).tolist(), change.classes.tolist()
    ([-1.938, -2.426], [0, 1])
    """
    compared = rule.follow_up_weight * follow_up + rule.baseline_weight * baseline + rule.constant
    limit = critical_value(level, is_one_sided=rule.is_one_sided)
    with np.errstate(divide="ignore", invalid="ignore"):
        index = compared / rule.standard_error
    return IndividualChange(limit, index, classes_beyond(sign * compared, limit * rule.standard_error))


def classes_beyond(improvement: NDArray[np.float64], limit: float | NDArray[np.float64]) -> NDArray[np.int8]:
    """Return `IMPROVED` above `limit`, `DETERIORATED` below its negative, `UNCHANGED` between, the ends included."""
    return (improvement > limit).astype(np.int8) - (improvement < -limit).astype(np.int8)


@dataclass(frozen=True, slots=True, eq=False)
class TrueEnd:
    """Where the estimated true follow-up scores lie, against a cut-off for true scores.

    Attributes
    ----------
    index : ndarray of float64
        Estimated true follow-up score minus the cut-off, over its standard error.
    critical_value : float
        Beyond it in either direction the side is certain enough; in between it is open.
    """

    index: NDArray[np.float64]
    critical_value: float


def true_end(
    follow_up: NDArray[np.float64], moments: ScoreMoments, reliability: float, cut_off: float, level: float = 0.95
) -> TrueEnd:
    """Return on which side of a cut-off each true follow-up score lies (Hageman and Arrindell, CS of the individual).

    (m₁ + (x₁ − m₁) r₁ − c) / (√r₁ · s₁ · √(1 − r₁)), r₁ the reliability of the follow-up scores.

    Parameters
    ----------
    follow_up : ndarray of float64
        No NaN.
    moments : ScoreMoments
        Of all patients.
    reliability : float
        Of the baseline scores; that of the follow-up scores is worked out.
    cut_off : float
        For true scores: from `cut_off_a`, `cut_off_b` or `cut_off_c` with `true_sd`.
    level : float
        Of a one-sided test.
    """
    later = reliability_at_another_spread(reliability, moments.baseline_sd, moments.follow_up_sd)
    if not 0.0 < later < 1.0:
        raise ValueError("the follow-up scores spread no more than measurement error alone.")
    estimated = moments.follow_up_mean + (follow_up - moments.follow_up_mean) * later
    error = math.sqrt(later) * moments.follow_up_sd * math.sqrt(1.0 - later)
    return TrueEnd((estimated - cut_off) / error, critical_value(level, is_one_sided=True))


def true_sd(sd: float, reliability: float) -> float:
    """Return the standard deviation of the true scores, SD · √r."""
    return sd * math.sqrt(reliability)


@dataclass(frozen=True, slots=True)
class ModelShare:
    """A share that a model estimates: it counts nobody.

    Attributes
    ----------
    estimate, conf_low, conf_high : float
        Between 0 and 1.
    """

    estimate: float
    conf_low: float
    conf_high: float


@dataclass(frozen=True, slots=True)
class GroupShares:
    """Estimated shares of a group by Hageman and Arrindell: whose true score improved, and ended functional.

    The second is NaN without a cut-off.
    """

    truly_improved: ModelShare
    truly_functional: ModelShare


@dataclass(frozen=True, slots=True)
class TrueSpread:
    """How much of the observed variance of changes and of follow-up scores is not error of measurement, 0 to 1."""

    of_change: float
    of_follow_up: float


def true_spread(moments: ScoreMoments, reliability: float) -> TrueSpread:
    """Return the reliabilities of changes and of follow-up scores; the error is that of the baseline scores.

    Raises
    ------
    ValueError
        If changes or follow-up scores spread no more than measurement error alone.
    """
    later = reliability_at_another_spread(reliability, moments.baseline_sd, moments.follow_up_sd)
    if not later > 0.0:
        raise ValueError("the follow-up scores spread no more than measurement error alone.")
    return TrueSpread(reliability_of_change(moments, reliability), later)


def group_shares(
    moments: ScoreMoments, n_patients: int, spread: TrueSpread, true_cut_off: float, *, sign: int, conf_level: float
) -> GroupShares:
    """Return the shares of a group, from its means and spreads and the normal distribution of true scores.

    Φ(sign · (m₁ − m₀) / (s_d √r_dd)) and Φ(sign · (m₁ − c) / (s₁ √r₁)), with means and SD of the group. The limits are
    those of the argument of Φ by the delta method, with the error of measurement and the cut-off taken as known.

    Parameters
    ----------
    moments : ScoreMoments
        Of the group.
    n_patients : int
        In the group, at least 2.
    spread : TrueSpread
        Of the group, or of all patients.
    true_cut_off : float
        For true scores; NaN where there is none.
    sign : {-1, 1}
        Minus one where a falling score is improvement.
    conf_level : float
        Between 0 and 1, both excluded.
    """
    variance = moments.baseline_sd**2 + moments.follow_up_sd**2
    variance -= 2.0 * moments.baseline_sd * moments.follow_up_sd * moments.correlation
    change = sign * (moments.follow_up_mean - moments.baseline_mean)
    end = sign * (moments.follow_up_mean - true_cut_off)
    return GroupShares(
        _share_above_zero(change, variance, spread.of_change, n_patients, conf_level),
        _share_above_zero(end, moments.follow_up_sd**2, spread.of_follow_up, n_patients, conf_level),
    )


def _share_above_zero(
    mean: float, variance: float, true_share: float, n_patients: int, conf_level: float
) -> ModelShare:
    """Return the share of true values above 0: `true_share` of the observed variance is not error of measurement."""
    from scipy.special import ndtr, ndtri

    true_variance = true_share * variance
    argument = mean / math.sqrt(true_variance)
    of_mean = variance / true_variance / n_patients
    of_spread = argument**2 / 4.0 * 2.0 / (n_patients - 1) / true_share**2
    reach = -float(ndtri(0.5 - conf_level / 2.0)) * math.sqrt(of_mean + of_spread)
    low, high = float(ndtr(argument - reach)), float(ndtr(argument + reach))
    return ModelShare(float(ndtr(argument)), low, high)
