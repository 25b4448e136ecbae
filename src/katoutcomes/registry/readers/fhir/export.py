"""Reading the NDJSON files of an export, line by line: what becomes a form or a session, and what is left out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.identifiers import Finding, holds_identifier
from katoutcomes.registry.readers.coded.forms import Form, Line
from katoutcomes.registry.readers.coded.scale_codes import Code
from katoutcomes.registry.readers.coded.sessions import Session
from katoutcomes.registry.readers.fhir.elements import codes_of
from katoutcomes.registry.readers.fhir.forms import (
    FINAL_STATUSES,
    NoForm,
    is_about_something_else,
    observation_form,
    questionnaire_form,
    resource_id,
)
from katoutcomes.registry.readers.fhir.manifest import deleted_resources
from katoutcomes.registry.readers.fhir.ndjson import LineFaults, read_lines
from katoutcomes.registry.readers.fhir.privacy import PrivacyWalk
from katoutcomes.registry.readers.fhir.sections import FhirMapping
from katoutcomes.registry.readers.fhir.sessions import session_of

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine

LEFT_OUT: dict[str, tuple[str, str]] = {
    "resource_type": ("resourceType", "must be of a type from which records are made"),
    "status": ("status", "must be complete and not withdrawn"),
    "code": ("code", "must have a code that the catalog or the mapping knows"),
    "refused_code": ("code", "must not have a code that is easily taken for that of a scale"),
    "subject": ("subject", "must be about a patient"),
    "no_value": ("value", "must have a value, an answer or a member that has one"),
    "deleted": ("id", "must not be listed as deleted"),
    "repeated_line": ("id", "must not say the same as another line with the same id; the first is used"),
    "same_score_twice": ("code", "must not repeat a score that another line gives"),
}
"""Rules by which lines are left out: which element decided it, and what it must be."""


@dataclass(slots=True)
class Export:
    """What the files of an export hold, before the parts are put together.

    Attributes
    ----------
    files : list of str
        How messages call each file.
    n_lines : list of int
        Resources of each file.
    forms : list of Form
        What Observations and QuestionnaireResponses say.
    sessions : list of Session
        What Procedures, administrations and encounters say.
    left_out : dict of (str, str) to list of (int, int)
        Rule, and the refused code where there is one, to the lines without a record.
    deleted : set of (str, str)
        Type and id of resources that were deleted at the source.
    findings : list of Finding
        Direct identifiers.
    faults : list of str
        What makes files unreadable.
    unread : dict of (str, str) to int
        File and element to the number of lines with free text that was not read.
    medications : dict of str to tuple of (str, str)
        Codes of the Medication resources, by id.
    waiting : list of ((int, int), dict)
        Resources that name a medication, which may stand in a later line.
    """

    files: list[str] = field(default_factory=list)
    n_lines: list[int] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    left_out: dict[tuple[str, str], list[Line]] = field(default_factory=dict)
    deleted: set[tuple[str, str]] = field(default_factory=set)
    findings: list[Finding] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    unread: dict[tuple[str, str], int] = field(default_factory=dict)
    medications: dict[str, tuple[Code, ...]] = field(default_factory=dict)
    waiting: list[tuple[Line, dict[str, Any]]] = field(default_factory=list)

    def leave_out(self, rule: str, line: Line, code: str = "") -> None:
        """Note a line from which no record is made."""
        self.left_out.setdefault((rule, code), []).append(line)


def shown_name(path: Path, number: int) -> str:
    """Return how messages call a file: by its name, unless that itself looks like an identifier."""
    return f"file {number}" if holds_identifier(path.name) else path.name


def read_export(paths: Sequence[Path], mapping: FhirMapping, engine: Engine, say: Callable[[str], None]) -> Export:
    """Read every line of every file.

    Parameters
    ----------
    paths : sequence of Path
        The NDJSON files, in an order that does not depend on the file system.
    mapping : FhirMapping
        What codes mean.
    engine : Engine
        Looks for identifiers in long lists of texts.
    say : callable
        Is told what is being done.
    """
    export = Export()
    for number, path in enumerate(paths):
        name = shown_name(path, number + 1)
        say(f"reading {name}")
        walk, faults, n_lines = PrivacyWalk(name, path), LineFaults(), 0
        for line, resource, text in read_lines(path, faults):
            n_lines += 1
            walk.take(text)
            _take((number, line), resource, mapping, export)
        export.files.append(name)
        export.n_lines.append(n_lines)
        export.faults += faults.sentences(name)
        export.findings += walk.findings(engine)
        export.unread.update({(name, element): n for element, n in walk.unread()})
    for place, resource in export.waiting:
        _take_session(place, resource, mapping, export)
    return export


def _take(line: Line, resource: dict[str, Any], mapping: FhirMapping, export: Export) -> None:
    """Put one resource where it belongs."""
    kind = resource["resourceType"]
    if kind not in FINAL_STATUSES:
        if kind == "Medication":
            export.medications[resource_id(resource)] = codes_of(resource.get("code"))
        elif kind == "Bundle":
            export.deleted |= deleted_resources(resource)
        export.leave_out("resource_type", line)
    elif resource.get("status") not in FINAL_STATUSES[kind]:
        export.leave_out("status", line)
    elif kind in ("Observation", "QuestionnaireResponse"):
        read = observation_form if kind == "Observation" else questionnaire_form
        found = read(resource, line, mapping.scales)
        if isinstance(found, NoForm):
            export.leave_out(found.rule, line, found.code)
        elif is_about_something_else(resource):
            export.leave_out("subject", line)
        else:
            export.forms.append(found)
    elif "medicationReference" in resource:
        export.waiting.append((line, resource))
    else:
        _take_session(line, resource, mapping, export)


def _take_session(line: Line, resource: dict[str, Any], mapping: FhirMapping, export: Export) -> None:
    found = session_of(resource, line, mapping, export.medications)
    if isinstance(found, NoForm):
        export.leave_out(found.rule, line)
    elif is_about_something_else(resource):
        export.leave_out("subject", line)
    else:
        export.sessions.append(found)


def without_deleted(export: Export) -> None:
    """Leave out what was deleted at the source, also everything of a deleted patient."""
    if not export.deleted:
        return
    forms, sessions = export.forms, export.sessions
    export.forms = [form for form in forms if not _is_deleted(export, form)]
    export.sessions = [session for session in sessions if not _is_deleted(export, session)]
    for form in forms:
        if _is_deleted(export, form):
            export.leave_out("deleted", form.line)
    for session in sessions:
        if _is_deleted(export, session):
            export.leave_out("deleted", session.lines[0])


def _is_deleted(export: Export, record: Form | Session) -> bool:
    if isinstance(record, Form):
        own = ("QuestionnaireResponse" if record.is_copy else "Observation", record.id)
    else:
        own = ({"P": "Procedure", "M": "MedicationAdministration", "E": "Encounter"}[record.id[0]], record.names[0])
    return own in export.deleted or ("Patient", record.patient or "") in export.deleted
