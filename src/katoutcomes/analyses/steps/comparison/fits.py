"""The estimates of a comparison of cohorts with their intervals: bootstrap, robust, or pooled over imputations."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.comparison.arms import Comparison

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.comparison.choices import ComparisonChoices
    from katoutcomes.kernels.weighting.comparison import ArmData, ArmWeights, Recipe

    Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Interval:
    """One number with its uncertainty; NaN where it does not apply."""

    estimate: float
    std_error: float = math.nan
    df: float = math.nan
    conf_low: float = math.nan
    conf_high: float = math.nan
    statistic: float = math.nan
    p_value: float = math.nan


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """What a comparison found.

    Attributes
    ----------
    means : tuple of Interval
        Adjusted mean of each arm, the comparator first.
    differences : tuple of Interval
        Each later arm minus the comparator.
    weights : ArmWeights
        Of the patients as they are, one set.
    combined : ndarray of float64, shape (n_compared,)
        What each scored patient weighs; 0 for the others.
    missing_shares : ndarray of float64, shape (K,)
        Share of each weighted arm whose score is missing.
    replicates : ndarray of float64, shape (n_replicates, K - 1), or None
        Bootstrap differences.
    replicate_shares : ndarray of float64, shape (n_replicates, K), or None
        Their `missing_shares`.
    share_failed : float
        Share of replicates that gave no estimate.
    missing_information : float
        Fraction of missing information of the first difference; NaN but for imputation.
    scale_reduction : float
        How far the chains of an imputation agree, 1 being best; NaN where none were run.
    jump_to_reference : tuple of Interval
        The differences if who left a later arm fared like the comparator's from then on; empty but for imputation
        with the last day in care.
    """

    means: tuple[Interval, ...]
    differences: tuple[Interval, ...]
    weights: ArmWeights
    combined: Floats
    missing_shares: Floats
    replicates: Floats | None = None
    replicate_shares: Floats | None = None
    share_failed: float = 0.0
    missing_information: float = math.nan
    scale_reduction: float = math.nan
    jump_to_reference: tuple[Interval, ...] = ()


def recipe_of(choices: ComparisonChoices) -> Recipe:
    """Return the recipe of the kernels."""
    from katoutcomes.kernels.weighting.comparison import Recipe

    method = "weighted_ancova" if choices.method == "mmrm" else choices.method
    return Recipe(choices.weights, choices.uses_observation_weights, method, choices.slopes)


def fit_weighted(found: Comparison, choices: ComparisonChoices) -> Fitted:
    """Estimate the means of the arms and their differences as chosen, without imputation or repeated measures."""
    if choices.interval == "bootstrap":
        return _bootstrapped(found, choices)
    return _robust(found, choices)


def fitted_weights(data: ArmData, recipe: Recipe) -> tuple[ArmWeights, Floats, Floats]:
    import numpy as np

    from katoutcomes.kernels.weighting.comparison import arm_weights, missing_shares

    once = np.ones((1, data.arms.size))
    weights = arm_weights(data, recipe, once)
    combined = np.where(data.is_observed, weights.balancing[0] / weights.observed[0], 0.0)
    return weights, combined, missing_shares(data, weights, once)[0]


def plain_weights(found: Comparison) -> tuple[ArmWeights, Floats, Floats]:
    """Return the weights of an analysis that does not weight: 1 for the scored."""
    from katoutcomes.kernels.weighting.comparison import Recipe

    return fitted_weights(found.arms, Recipe("none", observation_weights=False))


def _bootstrapped(found: Comparison, choices: ComparisonChoices) -> Fitted:
    import numpy as np

    from katoutcomes.kernels.weighting.bootstrap import bootstrap, percentile_interval
    from katoutcomes.kernels.weighting.comparison import estimate_arms, starting_values

    data, recipe, n_arms = found.arms, recipe_of(choices), found.arms.n_arms
    weights, combined, shares = fitted_weights(data, recipe)
    point = estimate_arms(data, recipe, np.ones((1, data.arms.size))).means[0]

    starts = starting_values(data, recipe)

    def statistic(frequencies: Floats) -> Floats:
        arms = estimate_arms(data, recipe, frequencies, starts)
        return np.column_stack([arms.means, arms.means[:, 1:] - arms.means[:, :1], arms.missing_shares])

    drawn = bootstrap(
        statistic,
        data.arms.size,
        choices.n_bootstrap,
        choices.entropy,
        n_workers=choices.n_workers,
        progress=choices.progress,
    )
    numbers = np.concatenate([point, point[1:] - point[0]])
    intervals = []
    for place, number in enumerate(numbers):
        one = percentile_interval(drawn[:, place], choices.conf_level)
        is_difference = place >= n_arms
        intervals.append(
            _inside(Interval(
                float(number), one.std_error, math.nan, one.conf_low, one.conf_high,
                math.nan, one.p_value if is_difference else math.nan,
            ))
        )  # fmt: skip
    failed = 1.0 - float(np.isfinite(drawn[:, : 2 * n_arms - 1]).all(axis=1).mean())
    return Fitted(
        tuple(intervals[:n_arms]),
        tuple(intervals[n_arms:]),
        weights,
        combined,
        shares,
        replicates=drawn[:, n_arms : 2 * n_arms - 1],
        replicate_shares=drawn[:, 2 * n_arms - 1 :],
        share_failed=failed,
    )


def _inside(interval: Interval) -> Interval:
    """Return no limits where a percentile interval misses its own estimate, which it would contradict."""
    if interval.conf_low <= interval.estimate <= interval.conf_high:
        return interval
    return replace(interval, conf_low=math.nan, conf_high=math.nan, p_value=math.nan)


def ancova(found: Comparison, outcome: Floats, weights: Floats, tilt: Floats) -> tuple[Floats, Floats, float]:
    """Return the means of the arms, their HC3 covariance with the weights taken as known, and degrees of freedom."""
    import numpy as np

    from katoutcomes.kernels.weighting.weighted_ancova import arm_design, robust_fit

    data = found.arms
    at = tilt @ data.covariates / tilt.sum()
    fit = robust_fit(arm_design(data.arms, data.n_arms, data.covariates - at), outcome, weights, "HC3")
    kept = slice(0, data.n_arms)
    return np.asarray(fit.coefficients[kept]), np.asarray(fit.covariance[kept, kept]), fit.df


def _robust(found: Comparison, choices: ComparisonChoices) -> Fitted:
    weights, combined, shares = fitted_weights(found.arms, recipe_of(choices))
    means, covariance, df = ancova(found, found.arms.outcome, combined, weights.tilt[0])
    level = choices.conf_level
    of_means = tuple(_t(means[arm], covariance[arm, arm], df, level, tests=False) for arm in range(len(means)))
    of_differences = tuple(
        _t(means[arm] - means[0], covariance[arm, arm] + covariance[0, 0] - 2.0 * covariance[arm, 0], df, level)
        for arm in range(1, len(means))
    )
    return Fitted(of_means, of_differences, weights, combined, shares)


def _t(estimate: float, variance: float, df: float, conf_level: float, *, tests: bool = True) -> Interval:
    from scipy.special import stdtr, stdtrit

    if not (variance > 0.0 and df > 0.0):
        return Interval(float(estimate))
    std_error = math.sqrt(variance)
    half = float(stdtrit(df, 0.5 + conf_level / 2.0)) * std_error
    limits = (float(estimate) - half, float(estimate) + half)
    if not tests:
        return Interval(float(estimate), std_error, df, *limits)
    statistic = float(estimate) / std_error
    return Interval(float(estimate), std_error, df, *limits, statistic, 2.0 * float(stdtr(df, -abs(statistic))))
