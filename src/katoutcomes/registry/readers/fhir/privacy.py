"""What must not be in a de-identified export: resources about persons, names, documents; and text that is never read.

Every resource is walked from top to bottom, also what no record is made from. Resources about persons, names,
contact details, attachments and displayed names of persons refuse the load. Narrative, notes and free-text answers
are left unread and counted. All strings that are long enough pass the value rules of the privacy gate.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.identifiers import AGE_RULE, VALUE_RULES, Finding, text_findings
from katoutcomes.registry.identifiers.patterns import SHORTEST_IDENTIFIER
from katoutcomes.registry.tables import HIGHEST_AGE_YEARS

if TYPE_CHECKING:
    from katoutcomes.registry.engine import Engine


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
_WATCHED = _NAME_PARTS | _CONTACTS | _ATTACHMENTS | _NARRATIVE | {"resourceType", "display", "identifier"}
_FEW_TEXTS = 1000
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
        self._strings: dict[str, dict[str, int]] = {}
        self._texts: Counter[str] = Counter()

    def take(self, resource: dict[str, Any]) -> None:
        """Walk one resource."""
        found: set[tuple[str, str]] = set()
        texts: set[str] = set()
        waiting: list[tuple[str, Any]] = [("", resource)]
        while waiting:
            name, value = waiting.pop()
            inner: Collection[tuple[str, Any]] = ()
            if isinstance(value, dict):
                if name.endswith("Age") or not _WATCHED.isdisjoint(value):
                    _look_at(name, value, found)
                    texts.update(_NARRATIVE.intersection(value))
                inner = value.items()
            else:
                inner = [(name, one) for one in value]
            waiting += [pair for pair in inner if isinstance(pair[1], dict | list)]
            self._keep(inner)
        if found or texts:
            self._elements.update(found)
            self._texts.update(texts)

    def _keep(self, inner: Iterable[tuple[str, Any]]) -> None:
        strings = self._strings
        for name, value in inner:
            if isinstance(value, str) and len(value) >= SHORTEST_IDENTIFIER:
                seen = strings.get(name)
                if seen is None:
                    seen = strings[name] = {}
                seen[value] = seen.get(value, 0) + 1

    def findings(self, engine: Engine) -> tuple[Finding, ...]:
        """Return the evidence of identifiers: by element and rule, with the number of lines or of values."""
        found = [
            Finding(self._file, element, rule, n_lines) for (element, rule), n_lines in sorted(self._elements.items())
        ]
        for name, seen in sorted(self._strings.items()):
            # Addresses of code systems and profiles are no web pages of a person.
            texts = {_without_scheme(text) if name in _ADDRESSES else text: n for text, n in seen.items()}
            suspects = [text for text in texts if not _HARMLESS(text)]
            if _may_hold_identifier(engine, suspects):
                column = name if name.isidentifier() else "an element"
                found += text_findings((text for text in suspects for _ in range(texts[text])), self._file, column)
        return tuple(found)

    def unread(self) -> tuple[tuple[str, int], ...]:
        """Return the elements of free text that were not read, with the number of lines that have them."""
        return tuple(sorted(self._texts.items()))


def _without_scheme(address: str) -> str:
    return address.replace("://", ":").replace("www.", "")


def _may_hold_identifier(engine: Engine, texts: list[str]) -> bool:
    """Whether any text needs a closer look; the engine's regular expressions are many times as fast as Python's."""
    import numpy as np

    if len(texts) < _FEW_TEXTS:
        return True
    engine.materialize_arrays("fhir_texts", {"text": np.array(texts, dtype=object)})
    anything = "|".join(f"({pattern})" for pattern in VALUE_RULES.values()).replace("'", "''")
    n_suspect = engine.scalar(f"select count(*) from fhir_texts where regexp_matches(text, '{anything}')")
    engine.drop("fhir_texts")
    return bool(n_suspect)


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
