"""Read the patients of a target trial from a registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from katoutcomes.cohorts.course_variables import as_floats, as_texts, course_variables
from katoutcomes.cohorts.definition import CohortDefinition
from katoutcomes.cohorts.emulation.emulation_set import SILENT_DAYS, EarlierVisit, EmulationSet, weeks_until
from katoutcomes.cohorts.emulation.weeks import last_scores, padded_days, weekly_scores, weekly_sessions
from katoutcomes.cohorts.outcome_scale import require_outcome
from katoutcomes.cohorts.outcome_scores import scores_table
from katoutcomes.cohorts.selection import select_cohort
from katoutcomes.cohorts.value_order import reordered, value_order
from katoutcomes.cohorts.window_scores import placed_windows, window_scores
from katoutcomes.errors import DataError, OptionError
from katoutcomes.estimands.strategies import DAYS_A_WEEK
from katoutcomes.instruments.catalog import instrument as instrument_called
from katoutcomes.results.provenance import Provenance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.cohorts.cohort import Cohort
    from katoutcomes.estimands.target_trial import TargetTrial
    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.registry.registry import Registry


def emulation_set(
    trial: TargetTrial, registry: Registry, *, in_care_until: Mapping[str, int] | None = None, course: int = 1
) -> EmulationSet:
    """Return the patients who are eligible for a trial, with everything that happened to them week by week.

    Parameters
    ----------
    trial : TargetTrial
        The question.
    registry : Registry
        The records.
    in_care_until : mapping of str to int, optional
        For every patient of the registry the last day in care, as days of the registry. Without it, it is the day of
        the last session of any kind.
    course : int, default 1
        Which course of each patient.

    Raises
    ------
    DataError
        If the last day in care is given for some and not for all of the patients.
    """
    scale = instrument_called(trial.instrument)
    require_outcome(scale)
    definition = CohortDefinition(
        name=f"trial of {trial.estimand.name.replace('_', ' ')}",
        instrument=trial.instrument,
        gap_days=trial.gap_days,
        baseline_window=trial.baseline_window,
        criteria=trial.eligibility,
        course=course,
    )
    cohort = select_cohort(registry, definition)
    columns = cohort.tables.fetch_rows("analyzed")
    patients = columns.pop("patient")
    variables = course_variables(columns, registry.patient_columns)
    scores = _scores(cohort, scale, trial, patients)
    contacts = _contacts(cohort, patients)
    care = contacts.last_day if in_care_until is None else _given_days(registry, patients, in_care_until)
    n_weeks = weeks_until(trial.visit)
    ends = [DAYS_A_WEEK * week for week in range(n_weeks)] + [visit.first_day - 1 for visit in trial.visits]
    last = last_scores(
        scores.baseline, scores.patient, scores.day, scores.total, care_day=care, days=np.array(ends, dtype=np.int64)
    )
    further = (care, contacts.other_day, *last.T, *contacts.integration.T, *contacts.dosing.T)
    order = value_order(scores.baseline, scores.outcomes, variables, further)
    baseline, outcomes, variables = reordered(scores.baseline, scores.outcomes, variables, order)
    slack = SILENT_DAYS if in_care_until is None else 0
    at_visits = tuple(
        EarlierVisit(visit, outcomes[:, place], last[order, n_weeks + place], (care < visit.target_day - slack)[order])
        for place, visit in enumerate(trial.visits)
    )
    return EmulationSet(
        instrument=scale,
        baseline=baseline,
        outcome=at_visits[-1].score,
        last_care_day=care[order],
        session=weekly_sessions(contacts.integration, n_weeks)[order],
        last_score=np.column_stack([last[order, :n_weeks], at_visits[-1].last_score]),
        scored=weekly_scores(scores.patient, scores.day, len(patients), n_weeks)[order],
        session_days=contacts.integration[order],
        dose_days=contacts.dosing[order],
        other_care_day=contacts.other_day[order],
        has_left=at_visits[-1].has_left,
        variables=variables,
        attrition=cohort.attrition,
        cohort=definition.name,
        population=cohort.population,
        provenance=Provenance(
            source="registry",
            digest=registry.digest,
            settings=(*cohort.settings(), *_settings(trial, is_given=in_care_until is not None)),
            is_synthetic=registry.is_synthetic,
        ),
        care_is_given=in_care_until is not None,
        patient=patients[order].astype(np.int64),
        earlier=at_visits[:-1],
    )


def _settings(trial: TargetTrial, *, is_given: bool) -> tuple[tuple[str, str], ...]:
    windows = "; ".join(f"{one.name}: day {one.target_day} ({one.first_day} to {one.last_day})" for one in trial.visits)
    care = "given for every patient" if is_given else "the last session of any kind before the next course"
    return (
        ("treated strategy", trial.strategy.sentence()),
        ("comparator strategy", trial.comparator.sentence()),
        ("visits", windows),
        ("last day in care", care),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Scores:
    """Baseline score of each patient and those at the visits, a column each; and every score with its day."""

    baseline: NDArray[np.float64]
    outcomes: NDArray[np.float64]
    patient: NDArray[np.int64]
    day: NDArray[np.int64]
    total: NDArray[np.float64]


def _scores(cohort: Cohort, scale: Instrument, trial: TargetTrial, patients: NDArray[Any]) -> _Scores:
    tables = cohort.tables
    placed = placed_windows(cohort.definition.effective_baseline_window, trial.visits)
    with scores_table(tables, scale) as scores:
        sources = {"scores": scores, "courses": tables.name("analyzed"), "instrument": scale.id}
        course_scores = tables.make("emulation_scores", "06_course_scores", **sources)
        found = window_scores(tables, course_scores, placed)
        every = tables.fetch("06_course_scores", **sources)
        tables.engine.drop(course_scores)
    values = np.full((len(patients), 1 + len(trial.visits)), np.nan)
    values[_rows_of(patients, found.patient), found.position] = found.score
    day = np.ma.getdata(every["course_day"]).astype(np.int64)
    row = _rows_of(patients, np.ma.getdata(every["patient"]))
    return _Scores(values[:, 0].copy(), values[:, 1:].copy(), row, day, as_floats(every["total"]))


def _rows_of(patients: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.int64]:
    """Return the rows of patients, who stand in the order of their numbers."""
    return np.asarray(np.searchsorted(patients, wanted), dtype=np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class _Contacts:
    """Sessions from the first dose until the next course."""

    integration: NDArray[np.float64]
    dosing: NDArray[np.float64]
    last_day: NDArray[np.float64]
    other_day: NDArray[np.float64]


def _contacts(cohort: Cohort, patients: NDArray[Any]) -> _Contacts:
    name = cohort.tables.name
    rows = cohort.tables.fetch("50_course_contacts", analyzed=name("analyzed"), index_course=name("index_course"))
    row = _rows_of(patients, np.ma.getdata(rows["patient"]))
    day = np.ma.getdata(rows["course_day"]).astype(np.int64)
    kind = np.array(as_texts(rows["kind"]), dtype=object)
    last, other = np.zeros(len(patients)), np.zeros(len(patients))
    np.maximum.at(last, row, day)
    is_integration = kind == "integration"
    np.maximum.at(other, row[~is_integration], day[~is_integration])
    days = [padded_days(row[chosen], day[chosen], len(patients)) for chosen in (is_integration, kind == "dosing")]
    return _Contacts(days[0], days[1], last, other)


def _given_days(registry: Registry, patients: NDArray[Any], given: Mapping[str, int]) -> NDArray[np.float64]:
    """Return the given last day in care of each patient, who are numbered in the order of their keys."""
    keys = registry.table("patients")["patient_id"].tolist()
    unheard_of = sum(key not in given for key in (keys[number - 1] for number in patients.tolist()))
    if unheard_of:
        raise DataError(
            f"in_care_until is not known for {unheard_of} of the patients. Give those who stayed a day after the last "
            "visit; whether somebody had left care must not be guessed."
        )
    days = np.array([given[keys[number - 1]] for number in patients.tolist()], dtype=np.float64)
    if not np.isfinite(days).all():
        raise OptionError("the days of in_care_until are whole numbers, counted as the days of the registry.")
    return days
