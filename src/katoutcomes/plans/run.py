"""A plan and a registry in, the results out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.change_from_baseline import change_from_baseline
from katoutcomes.analyses.clinical_significance import clinical_significance
from katoutcomes.analyses.cohort_difference import cohort_difference
from katoutcomes.analyses.data_quality import data_quality
from katoutcomes.analyses.describe import describe
from katoutcomes.analyses.participant_flow import participant_flow
from katoutcomes.cohorts.selection import select_cohort
from katoutcomes.errors import DesignError, NumericalError
from katoutcomes.estimands.eligibility import Criterion
from katoutcomes.results.collection import Results

if TYPE_CHECKING:
    from katoutcomes.cohorts.analysis_set import AnalysisSet, Variable
    from katoutcomes.cohorts.cohort import Cohort
    from katoutcomes.cohorts.definition import CohortDefinition
    from katoutcomes.plans.plan import AnalysisPlan
    from katoutcomes.registry.registry import Registry
    from katoutcomes.results.result import Result

Progress = Callable[[str], None]
"""Called with a few words before each step."""


def _silent(_: str) -> None:
    return


def run(plan: AnalysisPlan, registry: Registry, *, progress: Progress | None = None) -> Results:
    """Answer every question of a plan from a registry.

    Parameters
    ----------
    plan : AnalysisPlan
        The questions.
    registry : Registry
        The checked data.
    progress : callable, optional
        Called with a few words before each step.

    Returns
    -------
    Results
        Data quality, flow, description, and for each instrument that the data hold: change, clinical significance
        and, where two cohorts were named, their difference. `Results.notes` says what could not be answered.

    Raises
    ------
    DesignError
        If no patient meets the criteria, or no patient has a baseline score of any of the plan's instruments.
    """
    tell = progress if progress is not None else _silent
    tell("selecting the cohort")
    cohort = select_cohort(registry, _definition(plan, registry))
    tell("checking which instruments the data hold")
    available, notes = _analysis_sets(plan, cohort)
    entries: list[Result] = [data_quality(registry)]
    for position, planned in enumerate(available):
        if position == 0:
            tell("participant flow and description")
            entries.append(participant_flow(planned.data, conf_level=plan.conf_level))
            entries.append(describe(planned.data, by=planned.data.treatment))
        for step in _steps(plan, planned):
            tell(f"{planned.data.instrument.name}: {step.name}")
            try:
                entries.append(step.answer())
            except (DesignError, NumericalError):
                # The reason may hold counts, and notes leave the clinic with the report.
                notes.append(
                    f"{planned.data.instrument.name}, {step.name}: these data cannot answer it; "
                    "call the analysis by itself to see why."
                )
    return Results(plan.title, tuple(entries), tuple(notes))


@dataclass(frozen=True, slots=True)
class _PlannedSet:
    """An analysis set with the covariates that can be adjusted for in it."""

    data: AnalysisSet
    covariates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Step:
    """One question about one instrument."""

    name: str
    answer: Callable[[], Result]


def _steps(plan: AnalysisPlan, planned: _PlannedSet) -> Iterator[_Step]:
    data = planned.data
    level = plan.conf_level
    yield _Step("change from baseline", lambda: change_from_baseline(data, conf_level=level))
    yield _Step(
        "clinical significance", lambda: clinical_significance(data, visit=plan.primary_visit, conf_level=level)
    )
    if data.treatment is not None:
        yield _Step(
            "difference between cohorts",
            lambda: cohort_difference(data, visit=plan.primary_visit, covariates=planned.covariates, conf_level=level),
        )


def _definition(plan: AnalysisPlan, registry: Registry) -> CohortDefinition:
    if not plan.require_eligibility_flags:
        return plan.cohort
    flags = tuple(
        Criterion(name, "==", 1, f"not {name.removeprefix('eligible_').replace('_', ' ')} eligible")
        for name in registry.patient_columns
        if name.startswith("eligible_")
    )
    return replace(plan.cohort, criteria=flags + plan.cohort.criteria)


def _analysis_sets(plan: AnalysisPlan, cohort: Cohort) -> tuple[list[_PlannedSet], list[str]]:
    """Return the analysis sets that hold at least one baseline score, and notes on what the data lack."""
    found: list[_PlannedSet] = []
    notes: list[str] = []
    for name in plan.instruments:
        data = cohort.analysis_set(name, visits=plan.visits)
        if not data.with_baseline.any():
            notes.append(f"{name}: the data hold no baseline score of it, so nothing is reported.")
            continue
        treatment, treatment_note = _usable_treatment(plan, data)
        covariates, covariate_notes = _usable_covariates(plan, data)
        if not found:
            notes.extend(treatment_note + covariate_notes)
        found.append(_PlannedSet(replace(data, treatment=treatment), covariates))
    if not found:
        raise DesignError("no patient of the cohort has a baseline score of any instrument of the plan.")
    return found, notes


def _usable_treatment(plan: AnalysisPlan, data: AnalysisSet) -> tuple[str | None, list[str]]:
    if not plan.treatment:
        return None, []
    inhabited = [group for group in data.groups(plan.treatment) if group.mask.any()]
    if len(inhabited) == 2:
        return plan.treatment, []
    label = data.variable(plan.treatment).label
    return None, [f"{label}: the data do not hold two cohorts, so nothing is compared."]


def _usable_covariates(plan: AnalysisPlan, data: AnalysisSet) -> tuple[tuple[str, ...], list[str]]:
    wanted = list(plan.covariates)
    if plan.use_registry_covariates:
        wanted += [variable.name for variable in data.variables if variable.name.startswith("covariate_")]
    usable: list[str] = []
    notes: list[str] = []
    for name in dict.fromkeys(wanted):
        variable = data.variable(name)
        if _varies(variable):
            usable.append(name)
        else:
            notes.append(f"{variable.label}: not known or the same for everybody, so it is not adjusted for.")
    return tuple(usable), notes


def _varies(variable: Variable) -> bool:
    import numpy as np

    known = variable.values[~np.isnan(variable.values)]
    return known.size > 0 and bool((known != known[0]).any())
