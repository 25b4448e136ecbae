"""A plan and a registry in, the results out."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.data_quality import data_quality
from katoutcomes.analyses.describe import describe
from katoutcomes.analyses.participant_flow import participant_flow
from katoutcomes.cohorts.exposure import require_adjustable
from katoutcomes.cohorts.selection import select_cohort
from katoutcomes.errors import DataError, DesignError, ImmortalTimeError, NumericalError, require_option
from katoutcomes.estimands.eligibility import Criterion
from katoutcomes.estimands.quarters import QuarterSpan
from katoutcomes.plans.answers import NEEDS_COHORTS, Question, answer
from katoutcomes.plans.gates import gate_result
from katoutcomes.plans.planned_analysis import OF_THE_COHORT, OF_THE_PRIMARY
from katoutcomes.results.collection import Results

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import AnalysisSet, Variable
    from katoutcomes.cohorts.definition import CohortDefinition
    from katoutcomes.plans.plan import AnalysisPlan
    from katoutcomes.registry.registry import Registry
    from katoutcomes.results.result import Result

Progress = Callable[[str], None]
"""Called with a few words before each step."""


def _silent(_: str) -> None:
    return


def run(
    plan: AnalysisPlan, registry: Registry, *, quarters: QuarterSpan | None = None, progress: Progress | None = None
) -> Results:
    """Answer every question of a plan from a registry.

    Parameters
    ----------
    plan : AnalysisPlan
        The questions.
    registry : Registry
        The checked data.
    quarters : QuarterSpan, optional
        Only patients whose first dose lies in these quarters; by default all. The others are counted in the flow.
    progress : callable, optional
        Called with a few words before each of the ``1 + len(plan.instruments)`` steps.

    Returns
    -------
    Results
        Data quality, flow, description, and what else the plan names: analyses of the cohort once, the others for each
        instrument that the data hold; comparisons where there are two cohorts. `Results.notes` says what could not be
        answered.

    Raises
    ------
    DesignError
        If no patient meets the criteria or had the first dose in the last of the quarters, no patient has a baseline
        score of any of the plan's instruments, or the plan adjusts for something that happened after time zero.
    ImmortalTimeError
        If the plan's cohorts, or groups of an analysis, are defined by something that happened after time zero.
    OptionError
        If an option of an analysis does not go with these data, for example a variable that they lack.
    """
    tell = progress if progress is not None else _silent
    tell("selecting the cohort")
    cohort = select_cohort(registry, _definition(plan, registry, quarters))
    population: list[Result] = []
    answers: list[Result] = []
    notes: list[str] = []
    for name in plan.instruments:
        data = cohort.analysis_set(name, visits=plan.visits)
        if not data.with_baseline.any():
            tell(f"{name}: not in these data")
            notes.append(f"{name}: the data hold no baseline score of it, so nothing is reported.")
            continue
        tell(name)
        _require_quarter(data, quarters)
        data, covariates, remarks = _with_cohorts(plan, data)
        notes.extend(f"{name}: {remark}" for remark in remarks)
        is_primary = not population
        if is_primary:
            population = [participant_flow(data, conf_level=plan.conf_level), _description(plan, data)]
            population += _answers(Question(plan, cohort, data, covariates), notes, of_cohort=True)
        question = Question(plan, cohort, data, covariates)
        answers.extend(_answers(question, notes, of_cohort=False, is_primary=is_primary))
    if not population:
        raise DesignError("no patient of the cohort has a baseline score of any instrument of the plan.")
    gates = [] if plan.gates.is_empty else [gate_result(plan.gates, registry, answers, plan.primary_visit)]
    found = (data_quality(registry), *gates, *population, *answers)
    return Results(_title(plan, quarters), found, tuple(notes), plan.disclosure, in_full=plan.in_full)


def _answers(question: Question, notes: list[str], *, of_cohort: bool, is_primary: bool = True) -> Iterator[Result]:
    """Yield what can be answered of what the plan asks of the cohort, or of one instrument; what cannot is noted."""
    name = question.data.instrument.name
    for analysis in question.plan.analyses:
        if (analysis.name in OF_THE_COHORT) != of_cohort or not analysis.is_of(name):
            continue
        if analysis.name in OF_THE_PRIMARY and not (is_primary or analysis.instruments):
            continue
        if analysis.name in NEEDS_COHORTS and question.data.treatment is None:
            continue
        try:
            yield answer(analysis, question)
        except ImmortalTimeError:
            raise
        except (DataError, DesignError, NumericalError):
            # The reason may hold counts, and notes leave the clinic with the report.
            what = analysis.name.replace("_", " ")
            of_what = what if of_cohort else f"{name}, {what}"
            notes.append(f"{of_what}: these data cannot answer it; call the analysis by itself to see why.")


def _description(plan: AnalysisPlan, data: AnalysisSet) -> Result:
    """Describe the variables that the plan names, in its order; a pattern such as diagnosis_* names several."""
    names = [variable.name for variable in data.variables if variable.name != data.treatment]
    wanted = dict.fromkeys(
        name for pattern in plan.describe for name in fnmatch.filter(names, pattern) if _is_known(data.variable(name))
    )
    return describe(data, by=data.treatment, variables=("baseline_score", *wanted))


def _title(plan: AnalysisPlan, quarters: QuarterSpan | None) -> str:
    return plan.title if quarters is None else f"{plan.title}, {quarters.last.text}"


def _require_quarter(data: AnalysisSet, quarters: QuarterSpan | None) -> None:
    """Raise if nobody of the cohort had the first dose in the quarter that the report is about."""
    if quarters is not None and quarters.last.text not in data.variable("index_quarter").levels:
        raise DesignError(
            f"no patient of the cohort had the first dose in {quarters.last.text}, so there is nothing to report of "
            "that quarter."
        )


def _definition(plan: AnalysisPlan, registry: Registry, quarters: QuarterSpan | None) -> CohortDefinition:
    own = _with_flags(plan, registry)
    return own if quarters is None else replace(own, criteria=quarters.criteria() + own.criteria)


def _with_flags(plan: AnalysisPlan, registry: Registry) -> CohortDefinition:
    if not plan.require_eligibility_flags:
        return plan.cohort
    flags = tuple(
        Criterion(name, "==", 1, f"not eligible: {name.removeprefix('eligible_').replace('_', ' ')}")
        for name in registry.patient_columns
        if name.startswith("eligible_")
    )
    return replace(plan.cohort, criteria=flags + plan.cohort.criteria)


def _with_cohorts(plan: AnalysisPlan, data: AnalysisSet) -> tuple[AnalysisSet, tuple[str, ...], list[str]]:
    """Return the set with the plan's cohorts, the covariates that can be adjusted for, and remarks on what cannot."""
    treatment, remarks = _usable_treatment(plan, data)
    covariates, more = _usable_covariates(plan, data) if treatment is not None else ((), [])
    return replace(data, treatment=treatment), covariates, remarks + more


def _usable_treatment(plan: AnalysisPlan, data: AnalysisSet) -> tuple[str | None, list[str]]:
    if not plan.treatment:
        return None, []
    require_option("the plan's treatment", plan.treatment, [variable.name for variable in data.variables])
    inhabited = [group for group in data.groups(plan.treatment) if group.mask.any()]
    if len(inhabited) == 2:
        return plan.treatment, []
    label = data.variable(plan.treatment).label
    return None, [f"{label} does not make two cohorts, so nothing is compared."]


def _usable_covariates(plan: AnalysisPlan, data: AnalysisSet) -> tuple[tuple[str, ...], list[str]]:
    """Return the covariates that can be adjusted for, and a remark on each that cannot."""
    wanted = [data.variable(name) for name in plan.covariates]
    if plan.use_registry_covariates:
        wanted += [variable for variable in data.variables if variable.name.startswith("covariate_")]
    usable: list[str] = []
    remarks: list[str] = []
    for variable in dict.fromkeys(wanted):
        is_named = variable.name in plan.covariates
        if is_named:
            require_adjustable(variable)
        if not is_named and (variable.known_by_day is None or variable.known_by_day > 0):
            remarks.append(f"{variable.label} may be known only after the first dose, so it is not adjusted for.")
        elif _varies(variable, data.pairs(plan.primary_visit)):
            usable.append(variable.name)
        else:
            remarks.append(f"{variable.label} is not known or the same for everybody, so it is not adjusted for.")
    return tuple(usable), remarks


def _is_known(variable: Variable) -> bool:
    """Return whether the variable is known for anybody, and a flag set for anybody."""
    import numpy as np

    known = variable.values[~np.isnan(variable.values)]
    return bool(known.any()) if variable.kind == "flag" else known.size > 0


def _varies(variable: Variable, among: NDArray[np.bool_]) -> bool:
    """Return whether at least two values, of a category or flag two shared levels, occur among some patients."""
    import numpy as np

    values, counts = np.unique(variable.values[among & ~np.isnan(variable.values)], return_counts=True)
    return values.size > 1 and (variable.kind == "number" or int((counts > 1).sum()) > 1)
