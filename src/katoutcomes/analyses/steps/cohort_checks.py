"""Whether two cohorts can be compared: checks with stated limits. docs/methods/cohort_difference.md says whence."""

from __future__ import annotations

import math

from katoutcomes.analyses.steps.checks import IMBALANCE_LIMIT
from katoutcomes.results.check import Check

WITHHOLD_BELOW_PATIENTS = 11
"""Also the smallest count that leaves a clinic by default: the verdict tells nothing more about a hidden count."""
CAUTION_BELOW_PATIENTS = 30
COMPLETENESS_DIFFERENCE_LIMIT = 0.10
LEVERAGE_LIMIT = 0.5
MISSING_COVARIATES_LIMIT = 0.05


def patients_per_cohort_check(n_smaller: int) -> Check:
    """Return whether the smaller cohort is large enough: below 11 withhold, below 30 caution.

    Examples
    --------
    >>> [patients_per_cohort_check(n).severity for n in (10, 11, 29)]
    ['withhold', 'caution', 'caution']
    >>> patients_per_cohort_check(30).passed
    True
    """
    is_tiny = n_smaller < WITHHOLD_BELOW_PATIENTS
    limit = WITHHOLD_BELOW_PATIENTS if is_tiny else CAUTION_BELOW_PATIENTS
    is_enough = n_smaller >= CAUTION_BELOW_PATIENTS
    if is_enough:
        message = "Both cohorts have enough patients."
    elif is_tiny:
        message = "The smaller cohort has too few patients for a comparison."
    else:
        message = "The smaller cohort has few patients: the interval is wide and rests on a few people."
    return Check(
        name="patients per cohort",
        passed=is_enough,
        severity="withhold" if is_tiny else "caution",
        value=float(n_smaller),
        limit=float(limit),
        message=message,
    )


def completeness_difference_check(difference: float) -> Check:
    """Return whether the same share of both cohorts was scored again.

    Examples
    --------
    >>> completeness_difference_check(-0.15).passed
    False
    """
    return _caution(
        "difference in completeness",
        abs(difference),
        COMPLETENESS_DIFFERENCE_LIMIT,
        "Similar shares of the two cohorts were scored again.",
        "One cohort lost more of its patients than the other, so part of the difference may be a difference in who "
        "was scored again.",
    )


def imbalance_check(standardized_mean_difference: float) -> Check:
    """Return whether the baseline scores of the cohorts are near enough for a linear adjustment.

    Examples
    --------
    >>> imbalance_check(0.4).message
    'The cohorts differ in their baseline scores; how much of that a linear adjustment takes away depends on the model.'
    """
    return _caution(
        "baseline imbalance",
        abs(standardized_mean_difference),
        IMBALANCE_LIMIT,
        "The cohorts have similar baseline scores.",
        "The cohorts differ in their baseline scores; how much of that a linear adjustment takes away depends on the "
        "model.",
    )


def leverage_check(max_leverage: float) -> Check:
    """Return whether no single patient decides the fit.

    Examples
    --------
    >>> leverage_check(0.2).passed
    True
    """
    return _caution(
        "leverage",
        max_leverage,
        LEVERAGE_LIMIT,
        "No single patient decides the result.",
        "A single patient has much weight, because hardly anybody else has such covariates.",
    )


def missing_covariates_check(share_left_out: float) -> Check:
    """Return whether few patients are left out for want of a covariate.

    Examples
    --------
    >>> missing_covariates_check(0.08).passed
    False
    """
    return _caution(
        "missing covariates",
        share_left_out,
        MISSING_COVARIATES_LIMIT,
        "The covariates are known for nearly all patients with both scores.",
        "Patients with both scores are left out because a covariate is not known; they may differ from the others.",
    )


def _caution(name: str, value: float, limit: float, if_passed: str, if_failed: str) -> Check:
    # NaN, where there is nothing to compare, does not pass.
    passed = not math.isnan(value) and value <= limit
    return Check(name, passed, "caution", value, limit, if_passed if passed else if_failed)
