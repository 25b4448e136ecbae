"""Elements of FHIR that say who or where somebody is, and those whose text is never read."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from katoutcomes.registry.identifiers import AGE_RULE, holds_identifier, name_rule
from katoutcomes.registry.tables import HIGHEST_AGE_YEARS


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PERSON_RESOURCES = _words("Patient RelatedPerson Practitioner PractitionerRole Person")
DOCUMENT_RESOURCES = _words("DocumentReference DocumentManifest Composition Communication Binary Media")
PLACE_RESOURCES = _words("Location Group")

_NAME_PARTS = _words("family given")
_CONTACTS = _words(
    "telecom address birthDate _birthDate photo valueHumanName valueAddress valueContactPoint deceasedDateTime"
)
_PLACES = _words("latitude longitude position valueGeolocation")
_ATTACHMENTS = _words("valueAttachment presentedForm")
_PERSON_ROLES = _words(
    "subject patient performer actor author source recorder asserter requester individual enterer dataEnterer "
    "informationSource receiver sender practitioner onBehalfOf"
)
_PLACE_ROLES = _words(
    "encounter context device location managingOrganization serviceProvider custodian organization episodeOfCare focus "
    "origin destination"
)
NARRATIVE = _words(
    "div note comment valueString valueMarkdown performedString authorString patientInstruction _valueString"
)
ADDRESSES = _words(
    "system url profile reference source questionnaire div definition instantiates instantiatesCanonical "
    "instantiatesUri fullUrl implicitRules valueUri valueUrl valueCanonical"
)
"""Elements that hold addresses of code systems, profiles and servers, which are no web pages of a person."""
MOMENTS = _words(
    "effectiveDateTime effectiveInstant authored issued performedDateTime recordedDate lastUpdated start end "
    "assertedDate occurrenceDateTime authoredOn onsetDateTime abatementDateTime"
)
"""Elements that say when something happened; birth dates lie long before them."""
_AGES = _words("valueAge onsetAge abatementAge performedAge deceasedAge startsAge ageAge")
_KINDS = PERSON_RESOURCES | DOCUMENT_RESOURCES | PLACE_RESOURCES

WATCHED = (
    _NAME_PARTS | _CONTACTS | _PLACES | _ATTACHMENTS | NARRATIVE | _AGES | _KINDS | {"identifier", "onsetQuantity"}
)
"""Names of elements, and types of resources, for which a line is walked."""

_KNOWN = (
    WATCHED
    | ADDRESSES
    | MOMENTS
    | _PERSON_ROLES
    | _PLACE_ROLES
    | _words(
        "resourceType id meta text status code coding display version category value valueInteger valueDecimal "
        "valueCode valueCoding valueCodeableConcept valueQuantity valueDate valueDateTime valueTime valueInstant "
        "valueBoolean valueReference valueIdentifier unit comparator item linkId answer definition component hasMember "
        "derivedFrom partOf extension modifierExtension contained name title description type class use period "
        "valuePeriod effectivePeriod performedPeriod medicationCodeableConcept medicationReference dosage dose route "
        "method bodySite interpretation language generated security tag versionId request response entry link "
        "statusReason reason reasonCode reasonReference outcome report complication followUp usedCode issue severity "
        "prefix suffix line city district state postalCode country basedOn dataAbsentReason referenceRange"
    )
)
_ELEMENT_NAME = re.compile(r"_?[A-Za-z][A-Za-z0-9]{0,40}")
_NAME_RULES = frozenset(
    {"column_name_government_number", "column_name_phone", "column_name_email", "column_name_birth_date"}
)
_IDENTIFIER_CODES = _words("MR SS DL PPN JHN NI MC PI PN SN HC NH SB TAX")
"""Codes of identifier types of HL7 version 2, table 0203, that number persons and what they hold."""


def shown_element(name: str) -> str:
    """Return how messages call an element: by its name if FHIR has it, because other names may be a value.

    Examples
    --------
    >>> shown_element("valueString"), shown_element("jeanTremblay")
    ('valueString', 'an element')
    """
    return name if name in _KNOWN else "an element"


def element_name_rule(name: str) -> str | None:
    """Return the rule that the name of an element breaks, or None.

    Examples
    --------
    >>> element_name_rule("someone@example.org"), element_name_rule("ssn"), element_name_rule("subject")
    ('fhir_element_name', 'column_name_government_number', None)
    """
    if name in _KNOWN or name.removeprefix("_") in _KNOWN:
        return None
    if _ELEMENT_NAME.fullmatch(name) is None:
        return "fhir_element_name" if holds_identifier(name) else None
    rule = name_rule(name)
    return rule if rule in _NAME_RULES else None


def person_elements(resource: dict[str, Any]) -> tuple[set[tuple[str, str]], set[str]]:
    """Return what a resource says about persons, as names of elements with rules, and its elements of free text."""
    found: set[tuple[str, str]] = set()
    texts: set[str] = set()
    waiting: list[tuple[str, Any]] = [("", resource)]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            _look_at(name, value, found)
            texts.update(NARRATIVE.intersection(value))
            waiting += [pair for pair in value.items() if isinstance(pair[1], dict | list)]
        else:
            waiting += [(name, one) for one in value if isinstance(one, dict | list)]
    return found, texts


def _look_at(name: str, value: dict[str, Any], found: set[tuple[str, str]]) -> None:
    """Note what an object says about a person. Only names of FHIR are noted, never one that the file made up."""
    kind = value.get("resourceType")
    if isinstance(kind, str):
        found.update({(kind, "fhir_person_resource")} if kind in PERSON_RESOURCES else ())
        found.update({(kind, "fhir_document_resource")} if kind in DOCUMENT_RESOURCES else ())
        found.update({(kind, "fhir_place")} if kind in PLACE_RESOURCES else ())
    if not _NAME_PARTS.isdisjoint(value):
        found.add(("HumanName", "fhir_human_name"))
    found.update((contact, "fhir_person_element") for contact in _CONTACTS.intersection(value))
    found.update((place, "fhir_place") for place in _PLACES.intersection(value))
    found.update((attachment, "fhir_attachment") for attachment in _ATTACHMENTS.intersection(value))
    if _names_a_birth(value.get("url")) and len(value) > 1:
        found.add(("extension", "fhir_person_element"))
    if name in _PERSON_ROLES or _refers_to(value, PERSON_RESOURCES):
        shown = name if name in _PERSON_ROLES else "Reference"
        found.update((f"{shown}.{part}", f"fhir_person_{part}") for part in ("display", "identifier") if part in value)
    elif "display" in value and (name in _PLACE_ROLES or _refers_to(value, _PLACES_REFERRED_TO)):
        found.add((f"{name if name in _PLACE_ROLES else 'Reference'}.display", "fhir_person_display"))
    if name == "identifier" and _IDENTIFIER_CODES & set(_type_codes(value)):
        found.add(("identifier", "fhir_person_identifier"))
    if name.endswith("Age") and _is_high(value.get("value")):
        found.add(("Age", AGE_RULE))


_PLACES_REFERRED_TO = PLACE_RESOURCES | _words("Encounter Device Organization EpisodeOfCare CareTeam HealthcareService")


def _names_a_birth(url: object) -> bool:
    return isinstance(url, str) and "birth" in url.lower()


def _refers_to(value: dict[str, Any], kinds: frozenset[str]) -> bool:
    reference = value.get("reference")
    return isinstance(reference, str) and any(f"{kind}/" in reference for kind in kinds)


def _type_codes(identifier: dict[str, Any]) -> list[str]:
    concept = identifier.get("type")
    codings = concept.get("coding") if isinstance(concept, dict) else None
    listed = codings if isinstance(codings, list) else []
    return [str(coding.get("code")) for coding in listed if isinstance(coding, dict)]


def _is_high(number: object) -> bool:
    return isinstance(number, int | Decimal) and number > HIGHEST_AGE_YEARS
