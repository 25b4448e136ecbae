"""`draft`: the sections of a mapping file for a FHIR export, each guess explained, to be confirmed by a person."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from katoutcomes.errors import DataError
from katoutcomes.instruments.catalog import instrument
from katoutcomes.instruments.toml_table import TomlTable
from katoutcomes.registry.readers.coded.guesses import (
    CONFIRM,
    FEWEST_PATIENTS,
    counted,
    draft_patients,
    guessed_kind,
    guessed_route,
    guessed_scale,
    is_shown,
    quoted,
    section,
)
from katoutcomes.registry.readers.coded.scale_codes import LOINC, Code, ScaleCodes, read_scale_codes
from katoutcomes.registry.readers.fhir.convert import export_files
from katoutcomes.registry.readers.fhir.elements import codes_of, reference_of
from katoutcomes.registry.readers.fhir.forms import items_of
from katoutcomes.registry.readers.fhir.ndjson import LineFaults, read_lines
from katoutcomes.registry.readers.fhir.person_elements import DOCUMENT_RESOURCES, PERSON_RESOURCES

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine

_SYSTEM_ADDRESS = {LOINC: "http://loinc.org"}


@dataclass(slots=True)
class _Seen:
    """Codes of an export: how many lines and which patients have them, and the words of their titles."""

    types: Counter[str] = field(default_factory=Counter)
    lines: Counter[tuple[str, Code]] = field(default_factory=Counter)
    patients: dict[tuple[str, Code], set[str]] = field(default_factory=dict)
    titles: dict[tuple[str, Code], set[str]] = field(default_factory=dict)
    links: dict[str, dict[str, None]] = field(default_factory=dict)
    n_faults: int = 0

    def add(self, use: str, concept: object, patient: str) -> None:
        codings = concept.get("coding") if isinstance(concept, dict) else None
        for coding in codings if isinstance(codings, list) else ():
            for code in codes_of({"coding": [coding]}):
                self.lines[use, code] += 1
                self.patients.setdefault((use, code), set()).add(patient)
                title = coding.get("display") if isinstance(coding, dict) else None
                self.titles.setdefault((use, code), set()).update([title] if isinstance(title, str) else [])

    def shown(self, use: str) -> list[tuple[Code, str, list[str]]]:
        """Return codes that may be shown, the most frequent first: how many lines, and words to guess from."""
        found = [
            (-n_lines, code, [code[1], *sorted(self.titles[use, code])])
            for (kind, code), n_lines in self.lines.items()
            if kind == use and is_shown(*code, len(self.patients[use, code]))
        ]
        return [(code, self.count(use, code), texts) for _, code, texts in sorted(found)]

    def count(self, use: str, code: Code) -> str:
        """Return how many lines have a code, in words; of one patient they are not counted."""
        if len(self.patients[use, code]) < FEWEST_PATIENTS:
            return "lines of one patient"
        return counted(self.lines[use, code], "line")

    def n_hidden(self, use: str) -> int:
        return sum(kind == use and not is_shown(*code, len(self.patients[kind, code])) for kind, code in self.lines)


def draft(folder: Path, engine: Engine) -> str:
    """Draft the sections of a mapping file from the codes of an export.

    The draft shows codes that at least two patients have, and all codes of public systems, never a title, a value, an
    id or a date.

    Parameters
    ----------
    folder : Path
        Holds ``*.ndjson``.
    engine : Engine
        Reads the headings of a table about patients.

    Returns
    -------
    str
        TOML. Every guess has a comment that begins with ``# CONFIRM:`` and says why.

    Raises
    ------
    DataError
        If there is no NDJSON file.
    """
    paths = export_files(folder)
    if not paths:
        raise DataError("rule missing_file: there is no file *.ndjson in the folder.")
    seen = _look(paths)
    codes = read_scale_codes(TomlTable({}, "", []))
    parts = [
        _head(seen),
        'several_doses = "refuse"  # or "add": what is given in several parts in one session is one dose',
        _known_scales(seen, codes),
        *_other_scales(seen, codes),
        *_questionnaires(seen, codes),
        *_sessions(seen),
        *_routes(seen),
        draft_patients(folder, engine, keys=("reference",), names=frozenset()),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _look(paths: tuple[Path, ...]) -> _Seen:
    seen = _Seen()
    for path in paths:
        faults = LineFaults()
        for _, resource, _ in read_lines(path, faults):
            seen.types[resource["resourceType"]] += 1
            _look_at(resource, seen)
        seen.n_faults += sum(faults.counts.values())
    return seen


def _look_at(resource: dict[str, Any], seen: _Seen) -> None:
    kind = resource["resourceType"]
    subject = reference_of(resource.get("subject"))
    patient = subject.id if subject is not None else ""
    if kind in ("Observation", "Procedure"):
        seen.add(kind, resource.get("code"), patient)
    elif kind == "MedicationAdministration":
        seen.add(kind, resource.get("medicationCodeableConcept"), patient)
        dosage = resource.get("dosage")
        seen.add("route", dosage.get("route") if isinstance(dosage, dict) else None, patient)
    elif kind == "Encounter":
        types = resource.get("type")
        for concept in types if isinstance(types, list) else ():
            seen.add(kind, concept, patient)
    elif kind == "QuestionnaireResponse":
        address = str(resource.get("questionnaire") or "").split("|", 1)[0]
        links = seen.links.setdefault(address, {})
        for item in items_of(resource):
            if isinstance(item.get("linkId"), str) and item.get("answer"):
                links[item["linkId"]] = None
        seen.lines["questionnaire", ("", address)] += 1
        seen.patients.setdefault(("questionnaire", ("", address)), set()).add(patient)


def _head(seen: _Seen) -> str:
    known = {"Observation", "QuestionnaireResponse", "Procedure", "MedicationAdministration", "Encounter", "Medication"}
    counts = [f"# {kind}: {counted(n, 'line')}" for kind, n in sorted(seen.types.items()) if kind in known]
    n_others = sum(n for kind, n in seen.types.items() if kind not in known)
    lines = [
        "# What is in the files:",
        *counts,
        *([f"# other resources: {counted(n_others, 'line')}"] if n_others else []),
    ]
    if PERSON_RESOURCES & set(seen.types):
        lines.append("# Resources about persons (Patient, Practitioner, …) are here. The load refuses: take them out.")
    if DOCUMENT_RESOURCES & set(seen.types):
        lines.append("# Documents are here. The load refuses: take them out.")
    if seen.n_faults:
        lines.append(f"# Lines that are no resource: {seen.n_faults}. The load stops at them.")
    return "\n".join(lines)


def _known_scales(seen: _Seen, codes: ScaleCodes) -> str:
    """List the LOINC codes that need no section."""
    listed = [
        f"#   {code[1]}: {instrument(part.instrument).name} {part.part}, {n_lines}"
        for code, n_lines, _ in seen.shown("Observation")
        for part in codes.parts.get(code, ())[:1]
        if part.part != "item"
    ]
    if not listed:
        return ""
    return "\n".join(["# Codes that the catalog knows; they need no section:", *listed])


def _other_scales(seen: _Seen, codes: ScaleCodes) -> list[str]:
    parts = []
    n_others = seen.n_hidden("Observation")
    for code, n_lines, texts in seen.shown("Observation"):
        scale = guessed_scale(texts) if code not in codes.parts and code not in codes.refused else None
        if scale is not None:
            values = {
                "instrument": quoted(scale.name),
                "system": quoted(_SYSTEM_ADDRESS.get(code[0], code[0])),
                "total": f"[{quoted(code[1])}]",
            }
            parts.append(section("scale", values, f"a total? The code says so; {n_lines}.", is_sure=True))
        else:
            n_others += code not in codes.parts
    if n_others:
        parts.append(f"# Codes of observations that are no scale, or that were not recognized: {n_others}.")
    return parts


def _questionnaires(seen: _Seen, codes: ScaleCodes) -> list[str]:
    parts = []
    for address, links in sorted(seen.links.items()):
        unknown = [link for link in links if (LOINC, link.rsplit("/", 1)[-1]) not in codes.parts]
        use = ("questionnaire", ("", address))
        stem = address.rsplit("/", 1)[-1]
        if not address or len(unknown) < len(links) or not is_shown(address, stem, len(seen.patients[use])):
            continue
        scale = guessed_scale([stem])
        is_fit = scale is not None and scale.n_items == len(links) and all(is_shown("", link, 2) for link in links)
        if scale is not None and is_fit:
            items = ", ".join(quoted(link) for link in links)
            values = {"instrument": quoted(scale.name), "system": quoted(address), "items": f"[{items}]"}
            n_lines = counted(seen.lines[use], "line")
            why = f"the address says so, and it has as many items; {n_lines}. Are they in this order?"
            parts.append(section("scale", values, why, is_sure=True))
        else:
            parts.append(f"{CONFIRM} a questionnaire of {len(links)} items that was not recognized: {stem}")
    return parts


def _sessions(seen: _Seen) -> list[str]:
    parts = []
    for resource in ("Procedure", "MedicationAdministration", "Encounter"):
        for code, n_lines, texts in seen.shown(resource):
            kind = guessed_kind(texts)
            values = {
                "resource": quoted(resource),
                "system": quoted(_SYSTEM_ADDRESS.get(code[0], code[0])),
                "codes": f"[{quoted(code[1])}]",
                "kind": quoted(kind or "dosing"),
            }
            why = "its code or title says so" if kind else "what is it? If it is no session, leave it out"
            parts.append(section("session", values, f"{why}; {n_lines}.", is_sure=bool(kind and code[0])))
        if seen.n_hidden(resource):
            parts.append(
                f"# {resource}: codes that are not shown here, of no public system and of one patient: "
                f"{seen.n_hidden(resource)}.\n# Find them in the files; each that is a session needs a section."
            )
    return parts


def _routes(seen: _Seen) -> list[str]:
    parts = []
    for code, n_lines, texts in seen.shown("route"):
        route = guessed_route(texts)
        values = {
            "system": quoted(_SYSTEM_ADDRESS.get(code[0], code[0])),
            "codes": f"[{quoted(code[1])}]",
            "route": quoted(route or "unknown"),
        }
        why = "its code or title says so" if route else "which route is it?"
        parts.append(section("route", values, f"{why}; {n_lines}.", is_sure=bool(code[0])))
    if n_hidden := seen.n_hidden("route"):
        parts.append(
            f"{CONFIRM} codes of routes that are not shown here, of no public system and of one patient: {n_hidden}.\n"
            "# Find them in the files; each needs a section."
        )
    return parts
