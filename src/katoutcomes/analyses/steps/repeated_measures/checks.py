"""Whether a model for repeated measures has enough to rest on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.cohort_checks import missing_covariates_check
from katoutcomes.results.check import Check

if TYPE_CHECKING:
    from katoutcomes.analyses.steps.repeated_measures.data import RepeatedMeasuresData
    from katoutcomes.analyses.steps.repeated_measures.design import RepeatedMeasuresDesign
    from katoutcomes.analyses.steps.repeated_measures.fitting import FittedModel

FEW_AT_VISIT = 11
"""Also the smallest count that leaves a clinic by default: the verdict tells nothing more about a hidden count."""


def repeated_measures_checks(
    fitted: FittedModel, chosen: RepeatedMeasuresData, design: RepeatedMeasuresDesign
) -> tuple[Check, ...]:
    """Return whether visits, cohorts and covariates have enough patients, and the covariance is the one asked for."""
    observed = chosen.frame.observed
    coefficients_of_visit = int((abs(design.by_visit).sum(axis=2) > 0.0).sum(axis=1).max())
    return (
        scores_per_visit_check(int(observed.sum(axis=0).min()), coefficients_of_visit + observed.shape[1]),
        patients_at_visits_check(int(chosen.n_at_visits().min())),
        covariance_check(len(fitted.failures)),
        left_out_check(chosen.n_left_out / (chosen.n_left_out + len(observed))),
    )


def scores_per_visit_check(n_fewest: int, n_needed: int) -> Check:
    """Return whether every visit has more scores than its mean and variance take.

    Examples
    --------
    >>> scores_per_visit_check(12, 12).passed
    False
    """
    return _caution(
        "scores per visit",
        n_fewest > n_needed,
        (n_fewest, n_needed),
        "Every visit has more scores than its mean and variance take.",
        "Some visit has hardly more scores than its mean and variance take; its estimates rest on the model.",
    )


def patients_at_visits_check(n_fewest: int) -> Check:
    """Return whether every cohort was seen often enough at every visit.

    Examples
    --------
    >>> [patients_at_visits_check(n).passed for n in (10, 11)]
    [False, True]
    """
    return _caution(
        "patients per cohort and visit",
        n_fewest >= FEW_AT_VISIT,
        (n_fewest, FEW_AT_VISIT),
        "Every cohort was seen often enough at every visit.",
        "Few patients of a cohort were seen at some visit; what is said of it there rests on them and on the model.",
    )


def covariance_check(n_failures: int) -> Check:
    """Return whether the covariance that was asked for is the one that was estimated."""
    return _caution(
        "covariance as asked for",
        n_failures == 0,
        (n_failures, 0),
        "The covariance that was asked for was estimated.",
        "A simpler covariance than the one asked for was used.",
    )


def left_out_check(share: float) -> Check:
    """Return whether few of those with a score are left out for want of a baseline score or a covariate.

    Examples
    --------
    >>> left_out_check(0.2).passed
    False
    """
    check = missing_covariates_check(share)
    known = "Everything in the formula is known for nearly all patients with a score."
    unknown = (
        "Patients with a score are left out because their baseline score or another value of the formula is not known; "
        "they may differ from the others."
    )
    return replace(check, message=known if check.passed else unknown)


def _caution(name: str, passed: bool, value_and_limit: tuple[int, int], good: str, bad: str) -> Check:
    value, limit = (float(number) for number in value_and_limit)
    return Check(name, passed, "caution", value, limit, good if passed else bad)
