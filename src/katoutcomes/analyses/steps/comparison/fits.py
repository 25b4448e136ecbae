"""The estimates of a comparison of cohorts with their intervals: bootstrap, robust, or pooled over imputations."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.comparison.arms import Comparison
from katoutcomes.analyses.steps.resamples import Interval, percentile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.comparison.choices import ComparisonChoices
    from katoutcomes.kernels.weighting.comparison import ArmData, ArmEstimates, ArmWeights, Recipe, Starts

    Floats = NDArray[np.float64]


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
        Share of each weighted arm whose outcome is missing; of days, how many of them.
    replicates : ndarray of float64, shape (n_replicates, K - 1), or None
        Bootstrap differences.
    replicate_shares : ndarray of float64, shape (n_replicates, K), or None
        Their `missing_shares`.
    share_failed : float
        Share of replicates that gave no estimate.
    missing_information : tuple of float
        Fraction of missing information of each difference; empty but for imputation.
    scale_reduction : float
        How far the chains of an imputation agree, 1 being best; NaN where none were run.
    jump_to_reference : tuple of Interval
        The differences if who left a later arm fared like the comparator's from then on; empty but for imputation
        with the last day in care.
    ratios : tuple of Interval
        Each later arm's risk over the comparator's; empty where the outcome is not binary.
    days : FittedDays or None
        What days with the event are made of; None for other outcomes.
    """

    means: tuple[Interval, ...]
    differences: tuple[Interval, ...]
    weights: ArmWeights
    combined: Floats
    missing_shares: Floats
    replicates: Floats | None = None
    replicate_shares: Floats | None = None
    share_failed: float = 0.0
    missing_information: tuple[float, ...] = ()
    scale_reduction: float = math.nan
    jump_to_reference: tuple[Interval, ...] = ()
    ratios: tuple[Interval, ...] = ()
    days: FittedDays | None = None


@dataclass(frozen=True, slots=True)
class FittedDays:
    """What the days with an event are made of.

    Attributes
    ----------
    shares : tuple of tuple of Interval
        For each visit the adjusted share of each arm that has the event.
    other_rules : tuple of tuple of Interval
        The differences by each of `days.OTHER_RULES`.
    """

    shares: tuple[tuple[Interval, ...], ...]
    other_rules: tuple[tuple[Interval, ...], ...]


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
    """Return the weights of the patients as they are, what each scored patient weighs, and the missing shares."""
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


def arm_means(found: Comparison, recipe: Recipe, frequencies: Floats, starts: Starts | None = None) -> ArmEstimates:
    """Return the means of the arms for each set of frequencies; risks where the outcome is binary."""
    from katoutcomes.kernels.groups.weighted_risks import estimate_risks
    from katoutcomes.kernels.weighting.comparison import estimate_arms

    if found.event is None:
        return estimate_arms(found.arms, recipe, frequencies, starts)
    return estimate_risks(found.arms, recipe, frequencies, starts)


def _bootstrapped(found: Comparison, choices: ComparisonChoices) -> Fitted:
    import numpy as np

    from katoutcomes.kernels.weighting.comparison import starting_values

    data, recipe, n_arms = found.arms, recipe_of(choices), found.arms.n_arms
    weights, combined, shares = fitted_weights(data, recipe)
    starts = starting_values(data, recipe)

    def statistic(frequencies: Floats) -> Floats:
        arms = arm_means(found, recipe, frequencies, starts)
        return np.column_stack([arms.means, arms.means[:, 1:] - arms.means[:, :1], arms.missing_shares])

    drawn = choices.resampling.draw(statistic, data.arms.size)
    means = arm_means(found, recipe, np.ones((1, data.arms.size))).means[0]
    of_means, of_differences = drawn[:, :n_arms], drawn[:, n_arms : 2 * n_arms - 1]
    level = choices.conf_level
    return Fitted(
        tuple(percentile(mean, of_means[:, arm], level, tests=False) for arm, mean in enumerate(means)),
        tuple(percentile(mean - means[0], of_differences[:, arm], level) for arm, mean in enumerate(means[1:])),
        weights,
        combined,
        shares,
        replicates=of_differences,
        replicate_shares=drawn[:, 2 * n_arms - 1 :],
        share_failed=1.0 - float(np.isfinite(drawn[:, : 2 * n_arms - 1]).all(axis=1).mean()),
        ratios=_bootstrapped_ratios(found, means, of_means, level) if found.is_share else (),
    )


def has_events(found: Comparison) -> bool:
    """Return whether the binary outcome was seen in every arm; without, a model has a risk but no ratio means much."""
    had_it = found.arms.outcome > 0.0
    return all(bool(had_it[found.arms.arms == arm].any()) for arm in range(found.arms.n_arms))


def _bootstrapped_ratios(
    found: Comparison, means: Floats, replicates: Floats, conf_level: float
) -> tuple[Interval, ...]:
    """Return each later arm's risk over the comparator's; none where an arm has nobody with the outcome."""
    import numpy as np

    ratios = []
    for arm in range(1, len(means)):
        with np.errstate(invalid="ignore", divide="ignore"):
            drawn = np.where(replicates[:, 0] > 0.0, replicates[:, arm] / replicates[:, 0], np.nan)
        if not (has_events(found) and means[0] > 0.0 and means[arm] > 0.0):
            ratios.append(Interval(math.nan))
            continue
        ratios.append(percentile(means[arm] / means[0], drawn, conf_level, against=1.0))
    return tuple(ratios)


def log_ratio(means: Floats, covariance: Floats, arm: int) -> tuple[float, float]:
    """Return the logarithm of an arm's mean over the comparator's, and its variance by the delta method.

    NaN where a mean is not above 0.
    """
    if not (means[0] > 0.0 and means[arm] > 0.0):
        return math.nan, math.nan
    variance = covariance[arm, arm] / means[arm] ** 2 + covariance[0, 0] / means[0] ** 2
    return math.log(means[arm] / means[0]), float(variance - 2.0 * covariance[arm, 0] / (means[arm] * means[0]))


def exponentiated(interval: Interval) -> Interval:
    """Return a ratio from the interval of its logarithm; the standard error is that of the ratio (delta method)."""
    if math.isnan(interval.estimate):
        return Interval(math.nan)
    ratio = math.exp(interval.estimate)
    limits = (math.exp(interval.conf_low), math.exp(interval.conf_high))
    std_error = ratio * interval.std_error
    return Interval(ratio, std_error, interval.df, *limits, interval.statistic, interval.p_value)


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
    ratios: tuple[Interval, ...] = ()
    if found.is_share:
        logs = (log_ratio(means, covariance, arm) for arm in range(1, len(means)))
        ratios = tuple(exponentiated(_t(*one, df, level)) for one in logs)
        ratios = ratios if has_events(found) else tuple(Interval(math.nan) for _ in ratios)
    return Fitted(of_means, of_differences, weights, combined, shares, ratios=ratios)


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
