"""From a registry to a cohort: courses, baseline, exposure and eligibility, one SQL stage after another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.cohorts.analysis_set import AttritionStep
from katoutcomes.cohorts.cohort import ELIGIBILITY, Cohort
from katoutcomes.cohorts.definition import BASELINE_SCORE, CohortDefinition, criterion_text
from katoutcomes.cohorts.exposure import sounds_later
from katoutcomes.cohorts.outcome_scale import require_outcome
from katoutcomes.cohorts.stages import CohortTables, cohort_tables
from katoutcomes.cohorts.visit_scores import baseline_table
from katoutcomes.errors import DesignError, OptionError
from katoutcomes.estimands.quarters import QUARTER_FIELD
from katoutcomes.instruments.catalog import instrument

if TYPE_CHECKING:
    from katoutcomes.estimands.eligibility import Criterion
    from katoutcomes.registry.registry import Registry

_NUMBERS_OF_PATIENTS = ("age_years", "prior_antidepressant_trials")

_FIRST_DOSE = (
    ("with a first dose", "no dosing session"),
    ("with a first dose on a certain day", "a dosing session was rejected, so the first dose is uncertain"),
)
"""The questions of stage 11, which come before the criteria; with a numbered course there is one more."""

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

    Time zero (course day 0) is the first dosing session of the analyzed course, by default a patient's first course;
    everything that makes a patient eligible is asked at that day. Patients of whom an earlier dosing session, or one of
    an unknown day, was rejected when the registry was read are left out: their time zero may be wrong. Attrition is
    counted by the table that selects.

    Parameters
    ----------
    registry : Registry
        The checked data.
    definition : CohortDefinition, optional
        Gap rule, baseline window and criteria; by default adults' first courses.

    Returns
    -------
    Cohort
        One course a patient; the others are counted in `n_repeat_courses`.

    Raises
    ------
    DesignError
        If a criterion asks about a column that the registry lacks, that is known for nobody or whose name speaks of
        something after time zero, if the instrument cannot be an outcome, or if nobody is left; the message holds the
        attrition counts.
    OptionError
        If the catalog has no such instrument, or what was given is no registry.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=1, n_patients=60)
    >>> cohort = select_cohort(registry)
    >>> cohort.attrition[0].step, cohort.attrition[-1].n_patients == cohort.n_patients
    ('patients in the registry', True)
    """
    if not hasattr(registry, "engine"):
        raise OptionError("a cohort is selected from a Registry, which kat.read_registry(FOLDER) returns.")
    rules = CohortDefinition() if definition is None else definition
    scale = instrument(rules.instrument)
    require_outcome(scale)
    tables = cohort_tables(registry, rules)
    courses = _courses(tables, rules, registry)
    eligibility = _apply_criteria(tables, courses, rules, registry)
    attrition = _attrition(tables, eligibility, rules)
    _require_somebody(attrition)
    analyzed = tables.make(
        "analyzed",
        "14_analyzed",
        eligibility=eligibility,
        phase_counts=courses.phase_counts,
        exposure=tables.make_once("exposure", "09_exposure", courses=courses.index),
    )
    n_courses = tables.count("20_course_count", analyzed=analyzed)
    tables.put_aside("dosing_sessions", "courses", "index_course", "later_runs", "phase_counts", "exposure")
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


@dataclass(frozen=True, slots=True)
class _CourseTables:
    """Names of the tables of courses: every one, the analyzed ones, and their phases counted."""

    every: str
    index: str
    phase_counts: str


def _courses(tables: CohortTables, rules: CohortDefinition, registry: Registry) -> _CourseTables:
    induction = rules.induction
    has_ties = any(warning.rule == "doses_on_one_day" for warning in registry.load_report.warnings)
    tie_break = "session_id" if has_ties else "session"  # to sort by keys of text takes twice as long
    dosing = tables.make("dosing_sessions", "01_dosing_sessions", tie_break=tie_break)
    every = tables.make("courses", "02_courses", dosing_sessions=dosing, gap_days=rules.gap_days)
    index = tables.make_once("index_course", "03_index_course", courses=every, course=rules.course_number)
    doses = {"dosing_sessions": dosing, "index_course": index}
    runs = tables.make("later_runs", "04_later_runs", **doses, largest_gap_days=induction.largest_gap_days)
    counts = tables.make_once(
        "phase_counts",
        "05_phase_counts",
        **doses,
        later_runs=runs,
        most_doses=induction.most_doses,
        reinduction_doses=induction.reinduction_doses,
        reinduction_days=induction.reinduction_days,
    )
    tables.make_later("phases", "08_phases", **doses, phase_counts=counts)
    return _CourseTables(every, index, counts)


def _first_questions(rules: CohortDefinition) -> tuple[tuple[str, str], ...]:
    """Return the steps before the criteria, and why they leave patients out."""
    if rules.course_number < 2:
        return _FIRST_DOSE
    return (*_FIRST_DOSE, (f"with course {rules.course_number}", f"fewer than {rules.course_number} courses"))


def _apply_criteria(tables: CohortTables, courses: _CourseTables, rules: CohortDefinition, registry: Registry) -> str:
    """Ask one question after the other; return the table of the first one that each patient fails.

    The questions before the last are views, so that everybody is gone through once for all of them.
    """
    n_first = len(_first_questions(rules))
    names = [*(f"question_{n_first + place}" for place in range(len(rules.criteria))), ELIGIBILITY]
    make = [*(tables.make_once for _ in rules.criteria), tables.make]
    table = make[0](names[0], "11_first_dose", courses=courses.every, course=rules.course_number)
    fields = tables.make_once("eligibility_fields", "10_eligibility_fields")
    baseline = ""
    for place, criterion in enumerate(rules.criteria, start=1):
        _require_askable(criterion, registry)
        if criterion.field == BASELINE_SCORE and not baseline:
            scale = instrument(rules.instrument)
            baseline = baseline_table(tables, scale, rules.effective_baseline_window, courses.index)
        answers = {"field": _field(criterion), "fields": baseline if criterion.field == BASELINE_SCORE else fields}
        if not tables.count("19_known_values", **answers):
            raise DesignError(f"the criterion on {criterion.field!r} asks about a value that is known for no patient.")
        below, equal, above = _MET_IF[criterion.operator]
        table = make[place](
            names[place],
            "12_criterion",
            previous=table,
            **answers,
            value=criterion.value,
            met_if_below=below,
            met_if_equal=equal,
            met_if_above=above,
            question=n_first + place,
        )
    tables.put_aside(*names[:-1], "eligibility_fields")
    if baseline:
        tables.engine.drop(baseline)
    return table


def _require_askable(criterion: Criterion, registry: Registry) -> None:
    """Raise unless the registry can answer a criterion, and could at time zero."""
    askable = (*_NUMBERS_OF_PATIENTS, *registry.patient_columns, BASELINE_SCORE, QUARTER_FIELD)
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


def _field(criterion: Criterion) -> str:
    """Return the column that answers a criterion; for age the end of the age band that is harder to meet."""
    if criterion.field == BASELINE_SCORE:
        return "score"
    if criterion.field == QUARTER_FIELD:
        return "index_quarter_number"
    if criterion.field != "age_years":
        return criterion.field
    ends = {">=": "age_years_at_least", ">": "age_years_at_least", "<=": "age_years_at_most", "<": "age_years_at_most"}
    return ends.get(criterion.operator, "age_years")


def _attrition(tables: CohortTables, eligibility: str, rules: CohortDefinition) -> tuple[AttritionStep, ...]:
    counted = tables.fetch("13_attrition", eligibility=eligibility)
    n_by_question = dict(zip(counted["first_failed"].tolist(), counted["n_patients"].tolist(), strict=True))
    n_left = sum(n_by_question.values())
    steps = [AttritionStep("patients in the registry", "", n_left, 0)]
    asked = [*_first_questions(rules)]
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
