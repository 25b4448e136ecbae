"""What happened to the patients of a cohort from their first dose on: events, sessions, safety items. No keys."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from katoutcomes.cohorts.analysis_set import Group
from katoutcomes.cohorts.course_variables import as_coded, as_floats, course_variables
from katoutcomes.cohorts.exposure import require_known_at_time_zero
from katoutcomes.errors import require_option
from katoutcomes.instruments.catalog import instrument as instrument_called
from katoutcomes.instruments.catalog import instruments
from katoutcomes.vocabulary import EVENT_SEVERITIES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import Variable
    from katoutcomes.cohorts.cohort import Cohort
    from katoutcomes.instruments.instrument import Instrument

NO_SESSION = -1


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DosingSessions:
    """The dosing sessions of the analyzed courses; all arrays have shape (n_sessions,).

    Attributes
    ----------
    patient : ndarray of int64
        Row of the patient.
    systolic_peak, diastolic_peak : ndarray of float64
        In mmHg; NaN where not recorded.
    oxygen_minimum : ndarray of float64
        In percent; NaN where not recorded.
    rescue_medication, stopped_early : ndarray of float64
        0 or 1; NaN where not recorded.
    """

    patient: NDArray[np.int64]
    systolic_peak: NDArray[np.float64]
    diastolic_peak: NDArray[np.float64]
    oxygen_minimum: NDArray[np.float64]
    rescue_medication: NDArray[np.float64]
    stopped_early: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AdverseEvents:
    """The adverse events from the first dose on; all arrays have shape (n_events,).

    Attributes
    ----------
    patient, session : ndarray of int64
        Rows of the patient and of the dosing session, `NO_SESSION` where it belongs to none. An event that names no
        session belongs to the first dosing session of its day, if there is one.
    severity : ndarray of int64
        Position in `vocabulary.EVENT_SEVERITIES`.
    is_serious : ndarray of bool
        Whether it was serious.
    kind : ndarray of int64
        Position in `kinds`.
    kinds : tuple of str
        The coded terms that occur, sorted.
    """

    patient: NDArray[np.int64]
    session: NDArray[np.int64]
    severity: NDArray[np.int64]
    is_serious: NDArray[np.bool_]
    kind: NDArray[np.int64]
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SessionState:
    """Totals of a scale of a state in a session, such as dissociation: row of the patient, and the total."""

    instrument: Instrument
    patient: NDArray[np.int64]
    total: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SafetyItem:
    """The highest answer to the items of a scale on suicide or self-harm; arrays of shape (n_patients,).

    Attributes
    ----------
    instrument : Instrument
        The scale.
    before : ndarray of float64
        In the last questionnaire of the baseline window; NaN where none has them all answered.
    after : ndarray of float64
        The highest in any questionnaire after the first dose; NaN where none has them all answered.
    """

    instrument: Instrument
    before: NDArray[np.float64]
    after: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SafetyRecords:
    """Everything that `safety` counts.

    Attributes
    ----------
    n_patients : int
        Patients of the cohort.
    days : ndarray of float64, shape (n_patients,)
        Days from the first dose to the last record before the next course, both included.
    sessions, events, states, items
        What was recorded.
    variables : tuple of Variable
        For groups.
    """

    n_patients: int
    days: NDArray[np.float64]
    sessions: DosingSessions
    events: AdverseEvents
    states: tuple[SessionState, ...]
    items: tuple[SafetyItem, ...]
    variables: tuple[Variable, ...] = field(repr=False)

    def groups(self, by: str | None) -> tuple[Group, ...]:
        """Return everybody, then one group for each level of `by` that somebody has."""
        everybody = Group("all", "", np.ones(self.n_patients, dtype=np.bool_))
        if by is None:
            return (everybody,)
        require_option("variable", by, [variable.name for variable in self.variables])
        variable = next(one for one in self.variables if one.name == by)
        require_known_at_time_zero(variable)
        groups = (
            Group(level, f"{by}: {level}", variable.values == code) for code, level in enumerate(variable.group_levels)
        )
        return (everybody, *(group for group in groups if group.mask.any()))


def read_safety_records(cohort: Cohort) -> SafetyRecords:
    """Return what happened to the patients of a cohort, patients in the order of their numbers."""
    tables = cohort.tables
    columns = tables.fetch_rows("analyzed")
    patients = _whole(columns["patient"])
    analyzed, index_course = tables.name("analyzed"), tables.name("index_course")
    doses = tables.fetch(
        "40_course_doses",
        analyzed=analyzed,
        index_course=index_course,
        phases=tables.name("phases"),
        dosing_sessions=tables.name("dosing_sessions"),
    )
    observed = tables.fetch("41_observed_days", analyzed=analyzed, index_course=index_course)
    events = tables.fetch("42_course_events", analyzed=analyzed, index_course=index_course)
    rows = _SessionRows(_whole(doses["session"]), np.searchsorted(patients, _whole(doses["patient"])))
    return SafetyRecords(
        n_patients=len(patients),
        days=as_floats(observed["last_course_day"]) + 1.0,
        sessions=_sessions(doses, rows),
        events=_events(events, doses, rows, patients),
        states=_states(cohort, rows),
        items=tuple(_items(cohort, patients)),
        variables=course_variables(columns, cohort.registry.patient_columns),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _SessionRows:
    """The engine's number and the patient's row of each dosing session."""

    code: NDArray[np.int64]
    patient: NDArray[np.int64]

    def of(self, codes: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the row of each session, `NO_SESSION` for one that is no dosing session of a course."""
        if self.code.size == 0:
            return np.full(codes.shape, NO_SESSION, dtype=np.int64)
        order = np.argsort(self.code, kind="stable")
        place = np.minimum(np.searchsorted(self.code[order], codes), len(order) - 1)
        found = order[place]
        return np.where(self.code[found] == codes, found, NO_SESSION)


def _whole(column: NDArray[Any]) -> NDArray[np.int64]:
    """Return whole numbers; an unknown one is -1, which no key or row has."""
    return np.asarray(np.ma.filled(np.ma.asarray(column), -1), dtype=np.int64)


def _sessions(doses: dict[str, NDArray[Any]], rows: _SessionRows) -> DosingSessions:
    return DosingSessions(
        patient=rows.patient,
        systolic_peak=as_floats(doses["systolic_peak_mmhg"]),
        diastolic_peak=as_floats(doses["diastolic_peak_mmhg"]),
        oxygen_minimum=as_floats(doses["oxygen_saturation_min_percent"]),
        rescue_medication=as_floats(doses["rescue_medication"]),
        stopped_early=as_floats(doses["stopped_early"]),
    )


def _events(
    events: dict[str, NDArray[Any]], doses: dict[str, NDArray[Any]], rows: _SessionRows, patients: NDArray[np.int64]
) -> AdverseEvents:
    patient = np.searchsorted(patients, _whole(events["patient"]))
    session = rows.of(_whole(events["session"]))
    is_unnamed = _whole(events["session"]) < 0
    first_of_day: dict[tuple[int, int], int] = {}
    for row, at in enumerate(zip(rows.patient.tolist(), _whole(doses["course_day"]).tolist(), strict=True)):
        first_of_day.setdefault(at, row)
    days = _whole(events["course_day"]).tolist()
    for row in np.flatnonzero(is_unnamed).tolist():
        session[row] = first_of_day.get((int(patient[row]), days[row]), NO_SESSION)
    severities, kinds = as_coded(events["severity"]), as_coded(events["term"])
    place = np.array([EVENT_SEVERITIES.index(name) for name in severities.values], dtype=np.int64)
    names = tuple(sorted(kinds.values))
    kind = np.array([names.index(name) for name in kinds.values], dtype=np.int64)
    return AdverseEvents(
        patient=patient,
        session=session,
        severity=place[severities.codes] if place.size else np.zeros(0, dtype=np.int64),
        is_serious=as_floats(events["serious"]) == 1.0,
        kind=kind[kinds.codes] if kind.size else np.zeros(0, dtype=np.int64),
        kinds=names,
    )


def _states(cohort: Cohort, rows: _SessionRows) -> tuple[SessionState, ...]:
    """Return the totals of scales of a state in a dosing session of the course."""
    found = cohort.tables.fetch("43_session_states", analyzed=cohort.tables.name("analyzed"))
    session = rows.of(_whole(found["session"]))
    coded, totals = as_coded(found["instrument"]), as_floats(found["total"])
    states = []
    for place, name in enumerate(coded.values):
        scale = instrument_called(name)
        of_scale = (coded.codes == place) & (session != NO_SESSION)
        if scale.use == "session_state" and of_scale.any():
            states.append(SessionState(scale, rows.patient[session[of_scale]], totals[of_scale]))
    return tuple(sorted(states, key=lambda state: state.instrument.id))


def _items(cohort: Cohort, patients: NDArray[np.int64]) -> list[SafetyItem]:
    """Return the safety items of every scale of the catalog that has some and of which there are questionnaires."""
    tables, window = cohort.tables, cohort.definition.effective_baseline_window
    found = []
    for scale in instruments():
        if not scale.safety_items:
            continue
        rows = tables.fetch(
            "44_course_items",
            analyzed=tables.name("analyzed"),
            index_course=tables.name("index_course"),
            instrument=scale.id,
            first_day=window.first_day,
        )
        names = [f"item_{number}" for number in scale.safety_items]
        if len(rows["patient"]) == 0 or not set(names) <= set(rows):
            continue
        highest = np.column_stack([as_floats(rows[name]) for name in names]).max(axis=1)  # NaN where one is missing
        found.append(_before_and_after(scale, rows, highest, patients, window.last_day))
    return [item for item in found if not (np.isnan(item.before).all() and np.isnan(item.after).all())]


def _before_and_after(
    scale: Instrument,
    rows: dict[str, NDArray[Any]],
    highest: NDArray[np.float64],
    patients: NDArray[np.int64],
    last_day: int,
) -> SafetyItem:
    patient = np.searchsorted(patients, _whole(rows["patient"]))
    before, after = np.full(len(patients), np.nan), np.full(len(patients), np.nan)
    is_after = _whole(rows["is_after_dose"]) == 1
    in_window = ~is_after & (_whole(rows["course_day"]) <= last_day) & ~np.isnan(highest)
    before[patient[in_window]] = highest[in_window]  # rows ascend by day, so the last one of a patient stays
    np.fmax.at(after, patient[is_after], highest[is_after])
    return SafetyItem(scale, before, after)
