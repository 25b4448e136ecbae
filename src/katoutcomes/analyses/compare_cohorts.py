"""What difference it made to be in one arm rather than in another, where the arm was known at time zero."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.comparison.answers import answers, resamples_of, unanswered
from katoutcomes.analyses.steps.comparison.arms import Comparison, comparison, require_adjustable_columns
from katoutcomes.analyses.steps.comparison.checks import comparison_checks, not_estimable
from katoutcomes.analyses.steps.comparison.choices import ComparisonChoices, default_interval
from katoutcomes.analyses.steps.comparison.clinics import clinics_of, with_clinics
from katoutcomes.analyses.steps.comparison.diagnostics import (
    balance_estimates,
    diagnostics,
    overlap_estimates,
    target_estimates,
    weight_estimates,
)
from katoutcomes.analyses.steps.comparison.estimation import fit_comparison
from katoutcomes.analyses.steps.comparison.imputed import why_not_imputable
from katoutcomes.analyses.steps.comparison.model import negative_control_of, why_not_estimable
from katoutcomes.analyses.steps.comparison.modifiers import modifier_estimates, modifiers_of
from katoutcomes.analyses.steps.comparison.parts import comparison_parts, count_estimates
from katoutcomes.analyses.steps.comparison.sensitivity import sensitivity_estimates
from katoutcomes.analyses.steps.comparison.words import assumptions_of, estimand_of, method_of, title_of, warnings_of
from katoutcomes.analyses.steps.resamples import Resampling, entropy_of
from katoutcomes.cohorts.analysis_set_needed import require_analysis_set
from katoutcomes.errors import OptionError, require_option
from katoutcomes.estimands.leaving_care import LEFT_CARE
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.result import Result

if TYPE_CHECKING:
    import numpy as np

    from katoutcomes.analyses.steps.comparison.clinics import Clinics
    from katoutcomes.analyses.steps.comparison.fits import Fitted
    from katoutcomes.analyses.steps.effect_modifiers import Modifier
    from katoutcomes.cohorts.analysis_set import AnalysisSet
    from katoutcomes.estimands.estimand import Estimand
    from katoutcomes.results.check import Check
    from katoutcomes.results.resamples import Resamples


def compare_cohorts(
    data: AnalysisSet,
    estimand: Estimand | None = None,
    *,
    visit: str | None = None,
    outcome: str = "score",
    left_care: str = "treatment_policy",
    treatment: str | None = None,
    covariates: Sequence[str] = (),
    weights: str = "overlap",
    missing: str = "observation_weights",
    method: str = "weighted_ancova",
    slopes: str = "pooled",
    interval: str | None = None,
    n_bootstrap: int = 1000,
    n_imputations: int = 20,
    rng: np.random.Generator | int,
    in_care_until: str | None = None,
    cluster: str | None = None,
    negative_control: str | None = None,
    modifiers: Sequence[str] = (),
    smallest_important: float = math.nan,
    conf_level: float = 0.95,
    n_workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Estimate the effect of an exposure that was known at time zero: a program booked, a route, a clinic's policy.

    The default weights patients to those for whom each arm was likely (overlap weights), lets the scored also stand for
    the missing by the inverse of their probability of being scored, adjusts by weighted analysis of covariance, and
    resamples patients through all of it.

    Parameters
    ----------
    data : AnalysisSet
        The scores and variables.
    estimand : Estimand, optional
        The question, if another wording is wanted.
    visit : str, optional
        Name of the visit; by default the last one that counts from the first dose.
    outcome : str, default "score"
        What is compared: the score, or who has had a ``"response"``, is in ``"remission"`` or has a
        ``"reliable_improvement"`` by the default definition set of the instrument (or by the one whose id is given). A
        binary outcome has a difference in percentage points and a ratio, from a logistic model that is standardized to
        the population of the comparison (with imputation or ``interval="robust"``, from a linear one).
        ``"days_in_response"`` compares the mean number of days in response up to the visit: the area under the share in
        response, each day having the status of the nearest visit, nobody being in response on day 0.
    left_care : {"treatment_policy", "composite", "while_in_care"}
        What becomes of leaving care before the visit. By default the outcome counts whatever happened. "composite": who
        has left counts as not having the binary outcome (non-responder), those missing while in care stay missing.
        "while_in_care": the last score in care up to the visit, the baseline score where none followed, is the outcome;
        that describes and is no effect. Who left is told by `in_care_until` or, without it, is whoever has no score at
        the visit or after.
    treatment : str, optional
        A variable known at time zero; its first level that occurs is the comparator. By default `data.treatment`.
    covariates : sequence of str
        Variables known at time zero that drive both the arm and the outcome. The baseline score is always one.
    weights : {"overlap", "iptw_ate", "iptw_att", "entropy", "none"}
        Whom the comparison is about: those for whom each arm was likely, everybody, those of the second arm, everybody
        (by exact balance of the covariate means), or whom the adjustment implies. More than two arms: "overlap",
        "iptw_ate" or "none".
    missing : {"observation_weights", "multiple_imputation", "complete_cases", "likelihood"}
        What is done about patients without a score at the visit.
    method : {"weighted_ancova", "aipw", "g_computation", "mmrm"}
        The estimator. "mmrm" answers the hypothetical question of what had been seen if nobody had left care; it goes
        with ``missing="likelihood"`` and ``weights="none"``.
    slopes : {"pooled", "per_arm"}
        Of the outcome models of "aipw" and "g_computation"; pooled ones have half the standard error in small samples.
    interval : {"bootstrap", "robust", "rubin", "model"}, optional
        By default the one that belongs to `missing`: "rubin" for imputation, "model" for the likelihood, else
        "bootstrap". "robust" takes the weights as known, which the bootstrap does not have to.
    n_bootstrap : int, default 1000
        Resamples of patients, at least 100.
    n_imputations : int, default 20
        Imputations, at least 2.
    rng : numpy.random.Generator or int
        Source of the random numbers, or a seed. The same seed gives the same bytes, whatever `n_workers` is.
    in_care_until : str, optional
        A number: the last day on which the patient was in care, known for everybody. It is used only to explain who is
        scored, with "mmrm" to leave out scores after care, and for `left_care`.
    cluster : str, optional
        The clinic, a category. Where clinics decide the arm, at least four are needed and the interval is theirs.
    negative_control : str, optional
        A number or flag that the treatment cannot have changed; the same method should find nothing on it.
    modifiers : sequence of str
        At most three covariates, declared before the data are looked at, or ``"baseline_score"``: the effect in each
        level of a category (from three levels on also partially pooled) or at the quartiles of a number, and the
        differences of effects over the same resamples, with Holm's p-values.
    smallest_important : float, optional
        A difference, in points and above 0, below which nothing matters to a patient; used for the tipping point.
    conf_level : float, default 0.95
        Level of the intervals.
    n_workers : int, default 1
        Threads of the bootstrap.
    progress : callable, optional
        Called with resamples done and in all.

    Returns
    -------
    Result
        Adjusted means, their differences, how many are compared and scored; balance before weighting and as analyzed,
        target population, overlap, weights; E-value, robustness value, a benchmark covariate, tipping point, truncated
        weights, minimal detectable difference; and checks that decide the verdict. If the data cannot answer, the
        difference is NaN and the check ``"estimable"`` says why.

    Raises
    ------
    ImmortalTimeError
        If the treatment is known only after time zero, such as having had any integration session.
    DesignError
        If an arm is empty, a covariate is known only later, the visit counts from a later dose, there are too few
        scored patients for the covariates, or the arms are policies of fewer than four clinics.
    DataError
        If the last day in care or the clinic is not known for everybody.
    NumericalError
        If a covariate does not vary or follows from others.
    OptionError
        If an option is not one of its values, or two of them do not go together.

    References
    ----------
    Li F, Morgan KL, Zaslavsky AM. J Am Stat Assoc 2018;113:390-400. doi:10.1080/01621459.2016.1260466.
    Hernan MA, Robins JM. Am J Epidemiol 2016;183:758-764. doi:10.1093/aje/kwv254.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=20260930, n_patients=300)
    >>> data = kat.select_cohort(registry).analysis_set("PHQ-9", treatment="program_booked")
    >>> result = kat.compare_cohorts(
    ...     data, covariates=("site", "covariate_affluence", "covariate_trauma_history"), n_bootstrap=200, rng=1
    ... )
    >>> difference = result.select(measure="difference in means")[0]
    >>> difference.treatment, difference.conf_low < difference.estimate < difference.conf_high
    ('with_integration', True)
    """
    require_analysis_set(data)
    resampling = Resampling(n_bootstrap, entropy_of(rng), conf_level, n_workers, progress)
    choices = ComparisonChoices(
        weights=weights,
        missing=missing,
        method=method,
        slopes=slopes,
        interval=default_interval(missing) if interval is None else interval,
        n_imputations=n_imputations,
        smallest_important=smallest_important,
        resampling=resampling,
    )
    require_option("left_care", left_care, LEFT_CARE)
    found = comparison(
        data,
        visit=visit,
        treatment=treatment,
        covariates=covariates,
        in_care_until=in_care_until,
        outcome=outcome,
        left_care=left_care,
    )
    choices.require_arms(len(found.groups))
    choices.require_outcome(left_care, is_binary=found.is_share, is_days=bool(found.days))
    if found.days and (modifiers or cluster is not None):
        raise OptionError("days in response have neither modifiers nor cluster: these are of one score a patient.")
    clinics = clinics_of(found, cluster)
    asked = _Asked(clinics, modifiers_of(found, modifiers, choices, clinics), negative_control)
    return _result(found, choices, estimand, _compared(found, choices, asked), asked)


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What is asked beside the difference."""

    clinics: Clinics | None
    modifiers: tuple[Modifier, ...]
    negative_control: str | None


@dataclass(frozen=True, slots=True)
class _Findings:
    """What the data say."""

    estimates: tuple[Estimate, ...]
    checks: tuple[Check, ...]
    resamples: Resamples | None = None


def _compared(found: Comparison, choices: ComparisonChoices, asked: _Asked) -> _Findings:
    """Return the answer, what is printed beside it, and the checks of both; or why there is none."""
    reason = why_not_estimable(found)
    if not reason and choices.missing == "multiple_imputation":
        reason = why_not_imputable(found)
    if reason:
        return _unanswered(found, choices, reason)
    require_adjustable_columns(found)
    fitted = fit_comparison(found, choices)
    if not all(math.isfinite(one.estimate) for one in fitted.differences):
        reason = "No weights make the arms alike, or an arm has no patient left who counts."
        return _unanswered(found, choices, reason)
    of_clinics = with_clinics(found, fitted, asked.clinics, choices)
    control = negative_control_of(found, choices, asked.negative_control)
    estimates = [*answers(found, of_clinics.fitted, choices), *modifier_estimates(found, choices, asked.modifiers)]
    estimates += [*of_clinics.estimates, *count_estimates(found, choices.conf_level), *control.estimates]
    beside = _beside(found, of_clinics.fitted, choices)
    checks = (*beside.checks, *of_clinics.checks, *control.checks)
    return _Findings((*estimates, *beside.estimates), checks, resamples_of(found, of_clinics.fitted, choices))


def _beside(found: Comparison, fitted: Fitted, choices: ComparisonChoices) -> _Findings:
    """Return what is printed beside the answer, and what decides the verdict."""
    shown = diagnostics(found, fitted)
    estimates = [*sensitivity_estimates(found, fitted, choices)]
    if choices.weights != "none":
        estimates += [*weight_estimates(found, fitted), *overlap_estimates(found, fitted, shown, choices.conf_level)]
    estimates += [*target_estimates(found, fitted, shown), *balance_estimates(found, shown)]
    return _Findings(tuple(estimates), comparison_checks(found, fitted, shown, choices))


def _unanswered(found: Comparison, choices: ComparisonChoices, reason: str) -> _Findings:
    """Return the differences without a number, and the counts that say why."""
    estimates = (*unanswered(found, choices), *count_estimates(found, choices.conf_level))
    return _Findings(estimates, (not_estimable(reason),))


def _result(
    found: Comparison, choices: ComparisonChoices, estimand: Estimand | None, findings: _Findings, asked: _Asked
) -> Result:
    data = found.data
    estimates = (replace(one, instrument=data.instrument.name, cohort=data.cohort) for one in findings.estimates)
    return Result(
        analysis="compare_cohorts",
        title=title_of(found),
        estimand=estimand if estimand is not None else estimand_of(found, choices),
        method=method_of(found, choices),
        estimates=tuple(estimates),
        provenance=data.provenance,
        parts=comparison_parts(found),
        assumptions=assumptions_of(found, choices),
        checks=findings.checks,
        warnings=warnings_of(found, choices, has_negative_control=asked.negative_control is not None),
        resamples=findings.resamples,
    )
