"""What must not be in a de-identified export: resources about persons, names, documents; and text that is never read.

Every resource is walked from top to bottom, also what no record is made from. Resources about persons, names,
contact details, attachments and displayed names of persons refuse the load. Narrative, notes and free-text answers
are left unread and counted. All strings that are long enough pass the value rules of the privacy gate.
"""

from __future__ import annotations

import re
from collections import Counter
from decimal import Decimal
from typing import Any

from katoutcomes.registry.identifiers import AGE_RULE, Finding, text_findings
from katoutcomes.registry.tables import HIGHEST_AGE_YEARS


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


PERSON_RESOURCES = _words("Patient RelatedPerson Practitioner PractitionerRole Person")
DOCUMENT_RESOURCES = _words("DocumentReference DocumentManifest Composition Communication Binary Media")

_NAME_PARTS = _words("family given")
_CONTACTS = _words("telecom address birthDate photo valueHumanName valueAddress valueContactPoint")
_ATTACHMENTS = _words("valueAttachment presentedForm")
_PERSON_ROLES = _words(
    "subject patient performer actor author source recorder asserter requester individual enterer dataEnterer "
    "informationSource receiver sender practitioner onBehalfOf"
)
_NARRATIVE = _words("div note comment valueString valueMarkdown performedString authorString patientInstruction")
_ADDRESSES = _words(
    "system url profile reference source questionnaire div definition instantiates instantiatesCanonical "
    "instantiatesUri fullUrl implicitRules valueUri valueUrl valueCanonical"
)
_SHORTEST = 6
_HARMLESS = re.compile(
    r"(?:[A-Za-z]+/)?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"  # a UUID, or a reference to one
    r"|[0-9]{4}-[0-9]{2}-[0-9]{2}(?:T[0-9:.]+(?:Z|[+-][0-9]{2}:[0-9]{2})?)?"
    r"|[A-Za-z/]+[0-9]{0,4}"
).fullmatch


class PrivacyWalk:
    """Takes the resources of one file and remembers what was found, as counts of lines, never as values.

    Strings are kept until `findings` is asked, then forgotten with the walk.

    Parameters
    ----------
    file : str
        How messages call the file.
    """

    __slots__ = ("_elements", "_file", "_strings", "_texts")

    def __init__(self, file: str) -> None:
        self._file = file
        self._elements: Counter[tuple[str, str]] = Counter()
        self._strings: dict[str, Counter[str]] = {}
        self._texts: Counter[str] = Counter()

    def take(self, resource: dict[str, Any]) -> None:
        """Walk one resource."""
        found: set[tuple[str, str]] = set()
        texts: set[str] = set()
        waiting: list[tuple[str, Any]] = [("", resource)]
        strings = self._strings
        while waiting:
            name, value = waiting.pop()
            if isinstance(value, dict):
                _look_at(name, value, found)
                texts.update(_NARRATIVE.intersection(value))
                waiting.extend(value.items())
            elif isinstance(value, list):
                waiting.extend((name, inner) for inner in value)
            elif isinstance(value, str) and len(value) >= _SHORTEST and not _HARMLESS(value):
                strings.setdefault(name, Counter())[value] += 1
        self._elements.update(found)
        self._texts.update(texts)

    def findings(self) -> tuple[Finding, ...]:
        """Return the evidence of identifiers: by element and rule, with the number of lines or of values."""
        found = [
            Finding(self._file, element, rule, n_lines) for (element, rule), n_lines in sorted(self._elements.items())
        ]
        for name, values in sorted(self._strings.items()):
            column = name if name.isidentifier() else "an element"
            seen = text_findings(values.elements(), self._file, column)
            found += [one for one in seen if not (one.rule == "value_url" and name in _ADDRESSES)]
        return tuple(found)

    def unread(self) -> tuple[tuple[str, int], ...]:
        """Return the elements of free text that were not read, with the number of lines that have them."""
        return tuple(sorted(self._texts.items()))


def _look_at(name: str, value: dict[str, Any], found: set[tuple[str, str]]) -> None:
    """Note what an object says about a person. Only names of FHIR are noted, never one that the file made up."""
    kind = value.get("resourceType")
    if isinstance(kind, str):
        found.update({(kind, "fhir_person_resource")} if kind in PERSON_RESOURCES else ())
        found.update({(kind, "fhir_document_resource")} if kind in DOCUMENT_RESOURCES else ())
    if not _NAME_PARTS.isdisjoint(value):
        found.add(("HumanName", "fhir_human_name"))
    found.update((contact, "fhir_person_element") for contact in _CONTACTS.intersection(value))
    found.update((attachment, "fhir_attachment") for attachment in _ATTACHMENTS.intersection(value))
    if name in _PERSON_ROLES or _is_person_reference(value):
        shown = name if name in _PERSON_ROLES else "Reference"
        found.update((f"{shown}.{part}", f"fhir_person_{part}") for part in ("display", "identifier") if part in value)
    if name.endswith("Age") and _is_high(value.get("value")):
        found.add(("Age", AGE_RULE))


def _is_person_reference(value: dict[str, Any]) -> bool:
    reference = value.get("reference")
    return isinstance(reference, str) and any(f"{kind}/" in reference for kind in PERSON_RESOURCES)


def _is_high(number: object) -> bool:
    return isinstance(number, int | Decimal) and number > HIGHEST_AGE_YEARS
