"""How each analysis of a plan is called: its data, its options, and what the plan says once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from katoutcomes.analyses.care_pathway import care_pathway
from katoutcomes.analyses.change_from_baseline import change_from_baseline
from katoutcomes.analyses.clinical_significance import clinical_significance
from katoutcomes.analyses.cohort_difference import cohort_difference
from katoutcomes.analyses.compare_cohorts import compare_cohorts
from katoutcomes.analyses.compare_sites import compare_sites
from katoutcomes.analyses.dropout import dropout
from katoutcomes.analyses.mmrm import mmrm
from katoutcomes.analyses.outcomes_over_time import outcomes_over_time
from katoutcomes.analyses.safety import safety
from katoutcomes.errors import OptionError

if TYPE_CHECKING:
    from katoutcomes.cohorts.analysis_set import AnalysisSet
    from katoutcomes.cohorts.cohort import Cohort
    from katoutcomes.plans.plan import AnalysisPlan
    from katoutcomes.plans.planned_analysis import PlannedAnalysis
    from katoutcomes.results.result import Result

NEEDS_COHORTS: frozenset[str] = frozenset({"cohort_difference", "compare_cohorts"})
"""Analyses that compare; without two cohorts they are left out."""


@dataclass(frozen=True, slots=True)
class Question:
    """Everything that an answer is made from.

    Attributes
    ----------
    plan : AnalysisPlan
    cohort : Cohort
        Who is asked about.
    data : AnalysisSet
        Their scores of one instrument, with the cohorts of the plan where there are two.
    covariates : tuple of str
        What can be adjusted for.
    """

    plan: AnalysisPlan
    cohort: Cohort
    data: AnalysisSet
    covariates: tuple[str, ...]


def answer(analysis: PlannedAnalysis, question: Question) -> Result:
    """Return the result of one analysis.

    Raises
    ------
    OptionError
        If an option of the plan does not go with these data; the message names the table of the plan.
    DesignError, NumericalError, DataError
        If these data cannot answer it.
    """
    try:
        return _ANSWERS[analysis.name](question, _options_for(analysis, question.data.instrument.id))
    except OptionError as found:
        fault = str(found)
    raise OptionError(f"[analyses.{analysis.name}]: {fault}")


def _options_for(analysis: PlannedAnalysis, instrument_id: str) -> dict[str, Any]:
    """Return the options, of definition sets those of this instrument alone; without any the default ones apply."""
    options = dict(analysis.options)
    for key in options.keys() & {"definition_sets", "margins"}:
        own = [one for one in options.pop(key) if one.startswith(f"{instrument_id}/")]
        if own and key == "definition_sets":
            options[key] = own
        elif own:
            options["margin"] = own[0]
    return options


def _change(question: Question, options: dict[str, Any]) -> Result:
    seed = None if options.get("interval", "closed form") == "closed form" else question.plan.seed
    return change_from_baseline(question.data, conf_level=question.plan.conf_level, rng=seed, **options)


def _significance(question: Question, options: dict[str, Any]) -> Result:
    plan = question.plan
    return clinical_significance(question.data, visit=plan.primary_visit, conf_level=plan.conf_level, **options)


def _difference(question: Question, options: dict[str, Any]) -> Result:
    plan, covariates = question.plan, question.covariates
    return cohort_difference(
        question.data, visit=plan.primary_visit, covariates=covariates, conf_level=plan.conf_level, **options
    )


def _comparison(question: Question, options: dict[str, Any]) -> Result:
    plan = question.plan
    return compare_cohorts(
        question.data,
        visit=plan.primary_visit,
        covariates=question.covariates,
        rng=plan.seed,
        conf_level=plan.conf_level,
        **options,
    )


def _model(question: Question, options: dict[str, Any]) -> Result:
    return mmrm(question.data, conf_level=question.plan.conf_level, **options)


def _losses(question: Question, options: dict[str, Any]) -> Result:
    plan = question.plan
    return dropout(question.data, visit=plan.primary_visit, conf_level=plan.conf_level, **options)


def _over_time(question: Question, options: dict[str, Any]) -> Result:
    plan = question.plan
    return outcomes_over_time(
        question.data, visit=plan.primary_visit, events_of=question.cohort, conf_level=plan.conf_level, **options
    )


def _sites(question: Question, options: dict[str, Any]) -> Result:
    plan = question.plan
    return compare_sites(question.data, visit=plan.primary_visit, conf_level=plan.conf_level, **options)


def _events(question: Question, options: dict[str, Any]) -> Result:
    if "blood_pressure_limits" in options:
        systolic, diastolic = options.pop("blood_pressure_limits")
        options["blood_pressure_limits"] = (float(systolic), float(diastolic))
    return safety(question.cohort, conf_level=question.plan.conf_level, **options)


def _steps_of_care(question: Question, options: dict[str, Any]) -> Result:
    plan, data = question.plan, question.data
    steps = question.cohort.analysis_set(
        data.instrument.name, visits=plan.visits, treatment=data.treatment, pathway=True
    )
    return care_pathway(steps, conf_level=plan.conf_level, **options)


_ANSWERS: Mapping[str, Callable[[Question, dict[str, Any]], Result]] = MappingProxyType(
    {
        "care_pathway": _steps_of_care,
        "safety": _events,
        "dropout": _losses,
        "change_from_baseline": _change,
        "clinical_significance": _significance,
        "cohort_difference": _difference,
        "mmrm": _model,
        "compare_cohorts": _comparison,
        "outcomes_over_time": _over_time,
        "compare_sites": _sites,
    }
)
