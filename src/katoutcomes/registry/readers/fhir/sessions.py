"""Procedures, administrations of medication and encounters as sessions; what one session says in several is one row."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from katoutcomes.registry.readers.fhir.elements import (
    Code,
    Moment,
    codes_of,
    number_text,
    period_minutes,
    reference_of,
    resources_in,
)
from katoutcomes.registry.readers.fhir.forms import Line, NoForm, context, observed_moment
from katoutcomes.registry.readers.fhir.sections import FhirMapping, SessionMeaning

PROBLEMS: dict[str, str] = {
    "dose_unit": "must be a number of g, mg, ug, mcg or mg/kg",
    "route_code": "must be a route that a [[route]] section of the mapping decodes",
    "several_doses": "must be one administration a session, or the mapping must say several_doses = 'add'",
    "routes_differ": "must be the same for all administrations of a session",
}
"""Rules that a session can break while it is converted, and what they say."""

_MILLIGRAMS = {"mg": Decimal(1), "g": Decimal(1000), "ug": Decimal("0.001"), "mcg": Decimal("0.001")}
_LETTERS = {"Procedure": "P", "MedicationAdministration": "M", "Encounter": "E"}


@dataclass(slots=True)
class Session:
    """One session, on its way to a row.

    Attributes
    ----------
    kind_of_resource : str
        ``"Procedure"``, ``"MedicationAdministration"`` or ``"Encounter"``.
    id : str
        Letter of the resource, a slash, and its id.
    patient : str or None
        Id of its patient.
    moment : Moment
        When it began.
    meaning : SessionMeaning
        What the mapping says it is.
    route, dose_mg, dose_mg_per_kg : str or None
        As in the schema.
    minutes : int or None
        How long it lasted.
    problems : set of (str, str)
        Rule and column of what is wrong.
    encounter : str
        Its visit.
    part_of : tuple of str
        Procedures that it belongs to.
    base : str
        Address of the server of its patient.
    names : tuple of str
        Ids of all the resources that it was made from.
    lines : list of (int, int)
        Every line that it was made from; not compared.
    """

    kind_of_resource: str
    id: str
    patient: str | None
    moment: Moment
    meaning: SessionMeaning
    route: str | None = None
    dose_mg: str | None = None
    dose_mg_per_kg: str | None = None
    minutes: int | None = None
    problems: set[tuple[str, str]] = field(default_factory=set)
    encounter: str = ""
    part_of: tuple[str, ...] = ()
    base: str = ""
    names: tuple[str, ...] = ()
    lines: list[Line] = field(default_factory=list, compare=False)


def session_of(
    resource: dict[str, Any], line: Line, mapping: FhirMapping, medications: dict[str, tuple[Code, ...]]
) -> Session | NoForm:
    """Return the session that a resource describes.

    Parameters
    ----------
    resource : dict
        A Procedure, a MedicationAdministration or an Encounter.
    line : (int, int)
        Where it stands.
    mapping : FhirMapping
        Which codes are sessions.
    medications : dict of str to tuple of (str, str)
        Codes of the Medication resources of the export, by id.
    """
    kind = resource["resourceType"]
    codes = _session_codes(resource, medications)
    meaning = next((found for code in codes if (found := mapping.sessions.get((kind, code))) is not None), None)
    if meaning is None:
        return NoForm("code")
    about = context(resource)
    names = (about.pop("id"),)
    session = Session(
        kind_of_resource=kind,
        id=f"{_LETTERS[kind]}/{names[0]}",
        moment=observed_moment(resource),
        meaning=meaning,
        route=meaning.route or None,
        minutes=_minutes(resource),
        names=names,
        lines=[line],
        **about,
    )
    if kind == "Encounter":
        session.encounter = names[0]
    if kind == "MedicationAdministration" and meaning.kind == "dosing":
        _read_dosage(resource.get("dosage"), session, mapping)
    return session


def _session_codes(resource: dict[str, Any], medications: dict[str, tuple[Code, ...]]) -> tuple[Code, ...]:
    kind = resource["resourceType"]
    if kind == "Encounter":
        types = resource.get("type")
        return tuple(code for concept in (types if isinstance(types, list) else []) for code in codes_of(concept))
    if kind == "Procedure" or "medicationCodeableConcept" in resource:
        return codes_of(resource.get("code" if kind == "Procedure" else "medicationCodeableConcept"))
    named = resource.get("medicationReference")
    inner = named.get("reference") if isinstance(named, dict) else None
    for medication in resources_in(resource, "Medication"):
        if isinstance(inner, str) and inner == f"#{medication.get('id')}":
            return codes_of(medication.get("code"))
    reference = reference_of(named)
    return medications.get(reference.id, ()) if reference is not None else ()


def _minutes(resource: dict[str, Any]) -> int | None:
    for name in ("performedPeriod", "effectivePeriod", "period"):
        if name in resource:
            return period_minutes(resource[name])
    return None


def _read_dosage(dosage: object, session: Session, mapping: FhirMapping) -> None:
    if not isinstance(dosage, dict):
        return
    codes = codes_of(dosage.get("route"))
    if codes and not session.route and mapping.routes:
        route = next((mapping.routes[code] for code in codes if code in mapping.routes), None)
        if route is None:
            session.problems.add(("route_code", "route"))
        session.route = None if route == "unknown" else route
    dose = dosage.get("dose")
    if dose is None:
        return
    number = number_text(dose.get("value")) if isinstance(dose, dict) else None
    unit = (dose.get("code") or dose.get("unit")) if isinstance(dose, dict) else None
    if number is None or "comparator" in dose or not isinstance(unit, str):
        session.problems.add(("dose_unit", "dose_mg"))
    elif unit == "mg/kg":
        session.dose_mg_per_kg = number
    elif unit in _MILLIGRAMS:
        session.dose_mg = number if unit == "mg" else _plain(Decimal(number) * _MILLIGRAMS[unit])
    else:
        session.problems.add(("dose_unit", "dose_mg"))


def _plain(number: Decimal) -> str:
    """Return a decimal without needless zeros; one that is far too large stays as it is and is rejected later."""
    return str(number) if abs(number.adjusted()) > 18 else format(number.normalize(), "f")


def without_repeats(sessions: Iterable[Session]) -> tuple[list[Session], list[Line]]:
    """Return the sessions, and the lines of those that say the same as another line with the same id."""
    seen: dict[str, list[Session]] = {}
    repeats = []
    for session in sorted(sessions, key=lambda session: session.lines):
        others = seen.setdefault(session.id, [])
        if session in others:
            repeats += session.lines
        else:
            others.append(session)
    return [session for same in seen.values() for session in same], repeats


def joined(sessions: Sequence[Session], several_doses: str) -> tuple[list[Session], int]:
    """Put the administrations of a dosing session to its procedure, and together.

    An administration belongs to the procedure that it names as the whole it is part of, or else to the only dosing
    procedure of its patient and day; administrations of one day without a procedure are one session.

    Parameters
    ----------
    sessions : sequence of Session
        In any order; no two of them equal.
    several_doses : {"refuse", "add"}
        What is done with several administrations in one session.

    Returns
    -------
    sessions : list of Session
        In the order of their ids.
    n_joined : int
        Administrations that became part of another row.
    """
    procedures = [one for one in sessions if one.kind_of_resource == "Procedure" and one.meaning.kind == "dosing"]
    doses = [
        one for one in sessions if one.kind_of_resource == "MedicationAdministration" and one.meaning.kind == "dosing"
    ]
    by_name = {one.names[0]: one for one in procedures}
    by_day: dict[tuple[str | None, str | None], list[Session]] = {}
    for one in procedures:
        by_day.setdefault(_day(one), []).append(one)
    groups: dict[str, tuple[Session | None, list[Session]]] = {}
    for dose in sorted(doses, key=lambda one: (one.id, one.lines)):
        whole = next((by_name[name] for name in dose.part_of if name in by_name), None)
        near = by_day.get(_day(dose), [])
        whole = near[0] if whole is None and len(near) == 1 else whole
        is_dated = dose.patient is not None and dose.moment.date is not None
        key = whole.id if whole is not None else repr(_day(dose)) if is_dated else repr(dose.lines)
        groups.setdefault(key, (whole, []))[1].append(dose)
    rest = [one for one in sessions if one not in doses]
    made = [_complete(group, several_doses) for whole, group in groups.values() if whole is None]
    for whole, group in groups.values():
        if whole is not None:
            _add(whole, _complete(group, several_doses))
    n_joined = sum(len(group) - (whole is None) for whole, group in groups.values())
    return sorted(rest + made, key=lambda one: (one.id, one.lines)), n_joined


def _day(session: Session) -> tuple[str | None, str | None]:
    return session.patient, session.moment.date


def _complete(group: list[Session], several_doses: str) -> Session:
    """Return one session for the administrations of one session."""
    first = replace(group[0], problems=set(group[0].problems), lines=list(group[0].lines))
    for other in group[1:]:
        first.names += other.names
        first.lines += other.lines
        first.problems |= other.problems
        if other.route != first.route:
            first.problems.add(("routes_differ", "route"))
    times = sorted(one.moment.time for one in group if one.moment.time is not None)
    if len(group) > 1:
        first.moment = replace(first.moment, time=times[0] if times else None)
        first.minutes = None
        _add_doses(first, group, several_doses)
    return first


def _add_doses(first: Session, group: list[Session], several_doses: str) -> None:
    if several_doses == "refuse":
        first.problems.add(("several_doses", "dose_mg"))
        return
    for name in ("dose_mg", "dose_mg_per_kg"):
        numbers = [getattr(one, name) for one in group]
        known = [Decimal(number) for number in numbers if number is not None]
        if known and len(known) < len(numbers):
            first.problems.add(("dose_unit", "dose_mg"))  # one in mg and one in mg/kg, or one without a dose
        setattr(first, name, _plain(sum(known, Decimal(0))) if known else None)


def _add(whole: Session, dose: Session) -> None:
    """Complete a procedure by what was given in it."""
    whole.dose_mg, whole.dose_mg_per_kg = dose.dose_mg, dose.dose_mg_per_kg
    if whole.route is not None and dose.route is not None and whole.route != dose.route:
        whole.problems.add(("routes_differ", "route"))
    whole.route = whole.route or dose.route
    whole.problems |= dose.problems
    whole.names += dose.names
    whole.lines += dose.lines
    whole.encounter = whole.encounter or dose.encounter
    if whole.moment.time is None and whole.moment.date == dose.moment.date:
        whole.moment = replace(whole.moment, time=dose.moment.time)
