"""From a registry to a cohort: courses, baseline, exposure and eligibility, one SQL stage after another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.cohorts.analysis_set import AttritionStep
from katoutcomes.cohorts.cohort import Cohort
from katoutcomes.cohorts.definition import CohortDefinition, criterion_text
from katoutcomes.cohorts.exposure import sounds_later
from katoutcomes.cohorts.stages import CohortTables, cohort_tables
from katoutcomes.errors import DesignError
from katoutcomes.instruments.catalog import instrument

if TYPE_CHECKING:
    from katoutcomes.estimands.eligibility import Criterion
    from katoutcomes.registry.registry import Registry

_NUMBERS_OF_PATIENTS = ("age_years", "prior_antidepressant_trials")
_BASELINE_SCORE = "baseline_score"

_FIRST_DOSE = (
    ("with a first dose", "no dosing session"),
    ("with a first dose on a certain day", "a dosing session was rejected, so the first dose is uncertain"),
)
"""The questions of stage 07, which come before the criteria."""

# What a value below, equal to and above the criterion's counts for.
_MET_IF: dict[str, tuple[int, int, int]] = {
    "==": (0, 1, 0),
    ">=": (0, 1, 1),
    "<=": (1, 1, 0),
    ">": (0, 0, 1),
    "<": (1, 0, 0),
}


def select_cohort(registry: Registry, definition: CohortDefinition | None = None) -> Cohort:
    """Choose the patients and their time zero.

    Time zero (course day 0) is the first dosing session of a patient's first course. Patients of whom an earlier
    dosing session, or one of an unknown day, was rejected when the registry was read are left out: their time zero may
    be wrong. Attrition is counted by the table that selects.

    Parameters
    ----------
    registry : Registry
        The checked data.
    definition : CohortDefinition, optional
        Gap rule, baseline window and criteria; by default adults' first courses.

    Returns
    -------
    Cohort
        One first course a patient; further courses are counted in `n_repeat_courses`.

    Raises
    ------
    DesignError
        If a criterion asks about a column that the registry lacks, that is known for nobody or whose name speaks of
        something after time zero, or if nobody is left; the message holds the attrition counts.
    OptionError
        If the catalog has no such instrument.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=1, n_patients=60)
    >>> cohort = select_cohort(registry)
    >>> cohort.attrition[0].step, cohort.attrition[-1].n_patients == cohort.n_patients
    ('patients in the registry', True)
    """
    rules = CohortDefinition() if definition is None else definition
    scale = instrument(rules.instrument)
    tables = cohort_tables(registry.engine, rules)
    dosing = tables.make("dosing_sessions", "01_dosing_sessions", gap_days=rules.gap_days)
    courses = tables.make("courses", "02_courses", dosing_sessions=dosing)
    _, baseline = tables.baseline_scores("selection", courses, scale.id, rules.baseline_window)
    exposure = tables.make("exposure", "05_exposure", courses=courses)
    fields = tables.make("eligibility_fields", "06_eligibility_fields", courses=courses, baseline=baseline)
    eligibility = _apply_criteria(tables, fields, rules, registry)
    attrition = _attrition(tables, eligibility, rules)
    _require_somebody(attrition)
    analyzed = tables.make("analyzed", "10_analyzed", eligibility=eligibility, courses=courses, exposure=exposure)
    n_courses = tables.count("14_course_count", courses=courses, analyzed=analyzed)
    n_patients = attrition[-1].n_patients
    return Cohort(
        definition=rules,
        registry=registry,
        attrition=attrition,
        n_patients=n_patients,
        n_courses=n_courses,
        n_repeat_courses=n_courses - n_patients,
        tables=tables,
    )


def _apply_criteria(tables: CohortTables, fields: str, rules: CohortDefinition, registry: Registry) -> str:
    """Make one table a question, each built on the one before, and return the last."""
    askable = (*_NUMBERS_OF_PATIENTS, *registry.patient_columns, _BASELINE_SCORE)
    table = tables.make("first_dose", "07_first_dose", eligibility_fields=fields)
    for question, criterion in enumerate(rules.criteria, start=len(_FIRST_DOSE) + 1):
        field = _field(criterion)
        if criterion.field not in askable:
            raise DesignError(
                f"the criterion on {criterion.field!r} asks about a column that the registry lacks or that is not a "
                f"number or a flag; criteria can ask about {', '.join(askable)}."
            )
        if criterion.field in registry.patient_columns and sounds_later(criterion.field):
            raise DesignError(
                f"the criterion on {criterion.field!r} asks about something that, by its name, happened after time "
                "zero: to keep those who had it is to keep those who stayed in care. If the value was really known "
                "before the first dose, rename the column."
            )
        if not tables.count("13_known_values", field=field, eligibility_fields=fields):
            raise DesignError(f"the criterion on {criterion.field!r} asks about a value that is known for no patient.")
        below, equal, above = _MET_IF[criterion.operator]
        table = tables.make(
            f"question_{question}",
            "08_criterion",
            previous=table,
            eligibility_fields=fields,
            field=field,
            value=criterion.value,
            met_if_below=below,
            met_if_equal=equal,
            met_if_above=above,
            question=question,
        )
    return table


def _field(criterion: Criterion) -> str:
    """Return the column that answers a criterion; for age the end of the age band that is harder to meet."""
    if criterion.field != "age_years":
        return criterion.field
    ends = {">=": "age_years_at_least", ">": "age_years_at_least", "<=": "age_years_at_most", "<": "age_years_at_most"}
    return ends.get(criterion.operator, "age_years")


def _attrition(tables: CohortTables, eligibility: str, rules: CohortDefinition) -> tuple[AttritionStep, ...]:
    counted = tables.fetch("09_attrition", eligibility=eligibility)
    n_by_question = dict(zip(counted["first_failed"].tolist(), counted["n_patients"].tolist(), strict=True))
    n_left = sum(n_by_question.values())
    steps = [AttritionStep("patients in the registry", "", n_left, 0)]
    asked = [*_FIRST_DOSE]
    asked += [(criterion_text(criterion), criterion.reason) for criterion in rules.criteria]
    for question, (step, reason) in enumerate(asked, start=1):
        n_excluded = n_by_question.get(question, 0)
        n_left -= n_excluded
        steps.append(AttritionStep(step, reason, n_left, n_excluded))
    return tuple(steps)


def _require_somebody(attrition: tuple[AttritionStep, ...]) -> None:
    if attrition[-1].n_patients == 0:
        taken = "; ".join(f"{step.reason}: {step.n_excluded}" for step in attrition[1:])
        raise DesignError(
            f"nobody is left in the cohort. Of {attrition[0].n_patients} patients in the registry: {taken}."
        )
