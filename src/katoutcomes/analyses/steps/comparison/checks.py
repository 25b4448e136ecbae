"""Whether a comparison may be reported: each diagnostic and its limit, explained in docs/methods/compare_cohorts.md."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.checks import check_with_two_limits, paired_completeness_check
from katoutcomes.analyses.steps.cohort_checks import (
    completeness_difference_check,
    missing_covariates_check,
    patients_per_cohort_check,
)
from katoutcomes.analyses.steps.comparison.diagnostics import Diagnostics, share_outside
from katoutcomes.analyses.steps.leaving_checks import difference_in_leaving_check, outcomes_known_check
from katoutcomes.analyses.steps.resamples import resamples_check
from katoutcomes.estimands.leaving_care import COMPOSITE, TREATMENT_POLICY
from katoutcomes.kernels.weighting.balance import effective_sample_size
from katoutcomes.results.check import Check

if TYPE_CHECKING:
    from katoutcomes.analyses.steps.comparison.arms import Comparison
    from katoutcomes.analyses.steps.comparison.choices import ComparisonChoices
    from katoutcomes.analyses.steps.comparison.fits import Fitted

BALANCE_LIMIT = 0.1
"""Largest standardized mean difference as analyzed (Austin 2009)."""
VARIANCE_RATIO_LIMITS = (0.5, 2.0)
EFFECTIVE_PATIENTS_WITHHOLD, EFFECTIVE_PATIENTS_CAUTION = 11.0, 30.0
LARGEST_WEIGHT_CAUTION, LARGEST_WEIGHT_WITHHOLD = 0.05, 0.25
OVERLAP_CAUTION, OVERLAP_WITHHOLD = 0.5, 0.1
POSITIVITY_LIMIT = 0.1
"""Share of an arm whose propensity lies outside [.05, .95]."""
LIMITED_LIMIT = 0.05
"""Share of patients whose fitted probability was moved to a limit."""
CHAINS_CAUTION, CHAINS_WITHHOLD = 1.1, 1.5
"""Potential scale reduction (Gelman and Rubin 1992): 1.1 is their convention."""
SMALLEST_CELL = 3


def comparison_checks(
    found: Comparison, fitted: Fitted, shown: Diagnostics, choices: ComparisonChoices
) -> tuple[Check, ...]:
    """Return the checks in the order in which a reader asks: enough patients, alike, whose weights, who is missing."""
    checks = [*_patients(found), *_completeness(found)]
    if choices.weights != "none":
        checks += [_overlap(shown), _positivity(found, fitted, choices), _balance(shown), _variances(shown)]
        checks += [_effective(found, fitted), _largest_weight(found, fitted)]
    checks += [_cells(found), _limited(found, fitted)]
    if choices.interval == "bootstrap":
        checks.append(resamples_check(fitted.share_failed))
    if not math.isnan(fitted.scale_reduction):
        checks.append(_chains(fitted))
    checks.append(_interval(fitted))
    return tuple(checks)


def _patients(found: Comparison) -> Iterator[Check]:
    yield patients_per_cohort_check(min(found.fewest_scored(arm) for arm in range(found.arms.n_arms)))


def _completeness(found: Comparison) -> Iterator[Check]:
    counts = [(found.fewest_scored(arm), found.n_of(arm, scored=False)) for arm in range(found.arms.n_arms)]
    shares = [scored / compared for scored, compared in counts]
    if found.left_care == TREATMENT_POLICY:
        where = f"a visit {found.when}" if found.days else found.when
        yield paired_completeness_check(*counts[shares.index(min(shares))], where)
        yield completeness_difference_check(max(shares) - min(shares))
    elif found.left_care == COMPOSITE:
        yield outcomes_known_check(min(shares))
    elif found.has_left is not None:
        members = (found.arms.arms == arm for arm in range(found.arms.n_arms))
        yield difference_in_leaving_check([float(found.has_left[one].mean()) for one in members])
    n_baseline = int(found.with_baseline.sum())
    yield missing_covariates_check((n_baseline - found.n_compared) / n_baseline)


def _overlap(shown: Diagnostics) -> Check:
    value = min(shown.overlap, key=lambda one: -1.0 if math.isnan(one) else one)
    severity = "withhold" if value < OVERLAP_WITHHOLD else "caution"
    # Where nothing predicts the arm the propensities are all alike: there are no densities, and no doubt.
    passed = math.isnan(value) or value >= OVERLAP_CAUTION
    return Check(
        "overlap",
        passed,
        severity,
        value,
        OVERLAP_WITHHOLD if severity == "withhold" else OVERLAP_CAUTION,
        "The arms hold patients of the same kinds."
        if passed
        else "The arms hold largely different kinds of patients: few can be compared with anybody.",
    )


def _positivity(found: Comparison, fitted: Fitted, choices: ComparisonChoices) -> Check:
    share = share_outside(found, fitted, 0.05, 0.95)
    passed = share <= POSITIVITY_LIMIT or choices.weights == "overlap"
    words = (
        "The comparison is about patients for whom either arm was likely; others hardly count."
        if choices.weights == "overlap" and share > POSITIVITY_LIMIT
        else "Nearly all patients could have been in either arm."
        if passed
        else "Some patients could hardly have been in the other arm; overlap weights ask about those who could."
    )
    return Check("positivity", passed, "caution", share, POSITIVITY_LIMIT, words)


def _balance(shown: Diagnostics) -> Check:
    largest = max(float(abs(balance.smd).max()) for balance in shown.after)
    passed = largest <= BALANCE_LIMIT
    return Check(
        "balance",
        passed,
        "caution",
        largest,
        BALANCE_LIMIT,
        "As analyzed, the arms are alike in every covariate."
        if passed
        else "As analyzed, the arms still differ in a covariate; the adjustment for it relies on the model.",
    )


def _variances(shown: Diagnostics) -> Check:
    ratios = [float(one) for balance in shown.after for one in balance.variance_ratio if one > 0.0]
    worst = max(ratios, key=lambda one: abs(math.log(one)), default=math.nan)
    low, high = VARIANCE_RATIO_LIMITS
    passed = math.isnan(worst) or low <= worst <= high
    return Check(
        "variance ratios",
        passed,
        "note",
        worst,
        high,
        "As analyzed, numbers are spread alike in the arms."
        if passed
        else "As analyzed, a number is spread differently in the arms (variance ratio outside 0.5 to 2).",
    )


def _effective(found: Comparison, fitted: Fitted) -> Check:
    arms = found.arms
    value = min(effective_sample_size(fitted.combined[arms.arms == arm]) for arm in range(arms.n_arms))
    is_tiny = value < EFFECTIVE_PATIENTS_WITHHOLD
    return Check(
        "effective sample size",
        value >= EFFECTIVE_PATIENTS_CAUTION,
        "withhold" if is_tiny else "caution",
        value,
        EFFECTIVE_PATIENTS_WITHHOLD if is_tiny else EFFECTIVE_PATIENTS_CAUTION,
        "After weighting enough patients count in every arm."
        if value >= EFFECTIVE_PATIENTS_CAUTION
        else "After weighting an arm counts as very few patients.",
    )


def _largest_weight(found: Comparison, fitted: Fitted) -> Check:
    shares = []
    for arm in range(found.arms.n_arms):
        weights = fitted.combined[found.arms.arms == arm]
        shares.append(float(weights.max() / weights.sum()))
    value = max(shares)
    is_huge = value > LARGEST_WEIGHT_WITHHOLD
    passed = value <= LARGEST_WEIGHT_CAUTION
    return Check(
        "largest weight",
        passed,
        "withhold" if is_huge else "caution",
        value,
        LARGEST_WEIGHT_WITHHOLD if is_huge else LARGEST_WEIGHT_CAUTION,
        "No single patient has much of the weight."
        if passed
        else "A single patient has much of the weight of an arm; see the differences with truncated weights.",
    )


def _cells(found: Comparison) -> Check:
    """Return whether every level of every category and flag has patients in all arms."""
    smallest = min((fewest for _, fewest in fewest_patients(found, or_none=True)), default=math.nan)
    passed = math.isnan(smallest) or smallest >= SMALLEST_CELL
    return Check(
        "levels in every arm",
        passed,
        "caution",
        float(smallest),
        float(SMALLEST_CELL),
        "Every level of every covariate has patients in every arm."
        if passed
        else "A level of a covariate has hardly anybody in an arm: its patients can say little about the difference.",
    )


def fewest_patients(found: Comparison, *, or_none: bool) -> Iterator[tuple[str, int]]:
    """Yield, for each category and flag, the smallest number of patients of an arm who share a level.

    Parameters
    ----------
    found : Comparison
        The patients.
    or_none : bool
        Whether a level that nobody of an arm has counts as 0; otherwise it is left out.
    """
    import numpy as np

    for variable in found.variables:
        if variable.kind == "number":
            continue
        values = variable.values[found.compared]
        counts = [
            int(((values == code) & (found.arms.arms == arm)).sum())
            for code in np.unique(values)
            for arm in range(found.arms.n_arms)
        ]
        kept = [count for count in counts if count or or_none]
        if kept:
            yield variable.name, min(kept)


def _limited(found: Comparison, fitted: Fitted) -> Check:
    n_limited = max(float(fitted.weights.n_limited_propensities[0]), float(fitted.weights.n_limited_observed[0]))
    share = n_limited / found.n_compared
    passed = share <= LIMITED_LIMIT
    return Check(
        "limited probabilities",
        passed,
        "caution",
        share,
        LIMITED_LIMIT,
        "Hardly any fitted probability had to be limited to the range from 0.01 to 0.99."
        if passed
        else "Many fitted probabilities had to be limited to the range from 0.01 to 0.99.",
    )


def _chains(fitted: Fitted) -> Check:
    return check_with_two_limits(
        "chains of the imputation",
        fitted.scale_reduction,
        (CHAINS_CAUTION, CHAINS_WITHHOLD),
        (
            "The chains from which scores are imputed agree.",
            "The chains from which scores are imputed do not agree yet: too few scores tell what is missing.",
        ),
    )


def _interval(fitted: Fitted) -> Check:
    passed = not any(math.isnan(one.conf_low) for one in fitted.differences)
    return Check(
        "interval",
        passed,
        "withhold",
        math.nan,
        math.nan,
        "Every difference has an interval."
        if passed
        else "A difference has no interval: the resamples all lie on one side of it, or nothing varies.",
    )


def not_estimable(reason: str) -> Check:
    """Return the check of a comparison that cannot be made from these data.

    Examples
    --------
    >>> not_estimable("No patient of an arm has a score.").severity
    'withhold'
    """
    return Check("estimable", False, "withhold", math.nan, math.nan, f"Not estimable from these data. {reason}")
