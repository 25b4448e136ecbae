"""Elements of FHIR resources as plain values: references, codes, moments and numbers.

Everything takes what `json` made of a resource and expects nothing of it: what has another type than R4 gives it is not
known here. `ndjson.py` has refused lines whose main elements have wrong types before.

References
----------
HL7 FHIR R4 (4.0.1): data types Reference, Coding, CodeableConcept, Quantity and dateTime.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from katoutcomes.registry.readers.coded.forms import UNKNOWN_MOMENT, Moment
from katoutcomes.registry.readers.coded.scale_codes import LOINC, Code

_REFERENCE = re.compile(r"(?:(.*)/)?([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]{1,64})?")
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")
_MOMENT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T([0-9]{2}:[0-9]{2})(?::[0-9]{2}(?:[.][0-9]+)?)?(Z|[+-][0-9:]{5})?)?"
)

_SYSTEMS: Mapping[str, str] = MappingProxyType(
    {
        "http://loinc.org": LOINC,
        "https://loinc.org": LOINC,
        "http://loinc.org/": LOINC,
        "urn:oid:2.16.840.1.113883.6.1": LOINC,
    }
)
"""Names of a code system that mean one we have a shorter name for."""

ORDINAL_VALUE = "http://hl7.org/fhir/StructureDefinition/ordinalValue"
"""Extension of R4 by which a coded answer carries its number."""


@dataclass(frozen=True, slots=True)
class Reference:
    """What a reference points to.

    Attributes
    ----------
    kind : str
        Type of the resource; ``""`` where the reference does not say.
    id : str
        Its id on that server, or the whole reference where it is a URN.
    base : str
        Address of the server; ``""`` where the reference is relative.
    """

    kind: str
    id: str
    base: str = ""


def reference_of(value: object) -> Reference | None:
    """Return what a Reference points to; None where it does not say, or points into its own resource.

    Examples
    --------
    >>> reference_of({"reference": "Patient/p1"})
    Reference(kind='Patient', id='p1', base='')
    >>> reference_of({"reference": "https://ehr.example/fhir/Patient/p1/_history/2"}).base
    'https://ehr.example/fhir'
    >>> reference_of({"reference": "#p1"}) is None
    True
    """
    text = value.get("reference") if isinstance(value, dict) else None
    if not isinstance(text, str) or text.startswith("#"):
        return None
    if text.startswith("urn:"):
        return Reference("", text)
    match = _REFERENCE.fullmatch(text)
    return Reference(match[2], match[3], match[1] or "") if match else None


def references_of(values: object, kind: str) -> tuple[str, ...]:
    """Return the ids of the resources of one type that a list of references names."""
    if not isinstance(values, list) or not values:
        return ()
    found = []
    for value in values:
        text = value.get("reference") if isinstance(value, dict) else None
        if isinstance(text, str) and text.startswith(f"{kind}/") and _ID.fullmatch(text, len(kind) + 1):
            found.append(text[len(kind) + 1 :])  # nearly always
        elif (reference := reference_of(value)) is not None and reference.kind == kind:
            found.append(reference.id)
    return tuple(found)


def codes_of(concept: object) -> tuple[Code, ...]:
    """Return the codes of a CodeableConcept, in its order.

    Examples
    --------
    >>> codes_of({"coding": [{"system": "http://loinc.org", "code": "44261-6"}, {"code": "PHQ"}]})
    (('LOINC', '44261-6'), ('', 'PHQ'))
    """
    codings = concept.get("coding") if isinstance(concept, dict) else None
    if not isinstance(codings, list):
        return ()
    if len(codings) == 1:  # nearly always
        return coding_codes(codings[0])
    return tuple(code for coding in codings for code in coding_codes(coding))


def coding_codes(coding: object) -> tuple[Code, ...]:
    """Return the code of a Coding, as none or one."""
    if not isinstance(coding, dict) or not isinstance(coding.get("code"), str):
        return ()
    return ((system_name(coding.get("system")), coding["code"]),)


def system_name(system: object) -> str:
    """Return how code systems are called here: ``"LOINC"``, or the system's own address."""
    return _SYSTEMS.get(system, system) if isinstance(system, str) else ""


def ordinal_of(concept: object) -> str | None:
    """Return the number that an answer's first coding with the ordinal-value extension carries."""
    codings = concept.get("coding") if isinstance(concept, dict) else None
    for coding in codings if isinstance(codings, list) else (concept,):
        for extension in _dicts(coding.get("extension") if isinstance(coding, dict) else None):
            if extension.get("url") == ORDINAL_VALUE:
                return number_text(extension.get("valueDecimal"))
    return None


def moment_of(text: object) -> Moment:
    """Return the day and time of a dateTime.

    Examples
    --------
    >>> moment_of("2026-02-03T14:30:00+01:00")
    Moment(date='2026-02-03', time='14:30', is_utc=False)
    >>> moment_of("2026-02")
    Moment(date='2026-02', time=None, is_utc=False)
    """
    if not isinstance(text, str):
        return UNKNOWN_MOMENT
    match = _MOMENT.fullmatch(text)
    return Moment(match[1], match[2], match[3] == "Z") if match else Moment(text[:10] or None)


def period_minutes(period: object) -> int | None:
    """Return how long a Period lasts, in whole minutes.

    None unless both ends have a time and a zone, and where they are the same: that is how a moment is written.
    """
    from datetime import datetime

    ends = [period.get(end) if isinstance(period, dict) else None for end in ("start", "end")]
    moments = []
    for end in ends:
        try:
            moment = datetime.fromisoformat(end) if isinstance(end, str) else None
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            return None
        moments.append(moment)
    return int((moments[1] - moments[0]).total_seconds() // 60) or None


def number_text(value: object) -> str | None:
    """Return a number as text, as it was written; None if it is none.

    Examples
    --------
    >>> number_text(12), number_text(Decimal("12.0")), number_text(True), number_text("12")
    ('12', '12.0', None, None)
    """
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    return str(value) if is_number else None


def resources_in(resource: Mapping[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    """Yield the contained resources of one type."""
    yield from (inner for inner in _dicts(resource.get("contained")) if inner.get("resourceType") == kind)


def _dicts(values: object) -> list[dict[str, Any]]:
    return [value for value in values if isinstance(value, dict)] if isinstance(values, list) else []
