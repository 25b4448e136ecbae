"""Procedures, administrations of medication and encounters as sessions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from katoutcomes.registry.readers.coded.forms import Line
from katoutcomes.registry.readers.coded.scale_codes import Code
from katoutcomes.registry.readers.coded.sessions import Session, plain
from katoutcomes.registry.readers.fhir.elements import codes_of, number_text, period_minutes, reference_of, resources_in
from katoutcomes.registry.readers.fhir.forms import NoForm, context, observed_moment
from katoutcomes.registry.readers.fhir.sections import FhirMapping

_MILLIGRAMS = {"mg": Decimal(1), "g": Decimal(1000), "ug": Decimal("0.001"), "mcg": Decimal("0.001")}
_ROLES = {"Procedure": ("event", "P"), "MedicationAdministration": ("dose", "M"), "Encounter": ("visit", "E")}


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
    role, letter = _ROLES[kind]
    session = Session(
        role=role,
        id=f"{letter}/{names[0]}",
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
        session.dose_mg = number if unit == "mg" else plain(Decimal(number) * _MILLIGRAMS[unit])
    else:
        session.problems.add(("dose_unit", "dose_mg"))
