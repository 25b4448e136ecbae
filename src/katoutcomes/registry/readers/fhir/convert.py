"""A FHIR R4 bulk export becomes the tables of the schema."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from katoutcomes.registry.readers.coded.assembly import assemble
from katoutcomes.registry.readers.coded.patient_columns import PatientRows, read_patient_rows
from katoutcomes.registry.readers.coded.scale_codes import LOINC
from katoutcomes.registry.readers.coded.tables import (
    patients_of_file,
    patients_with_records,
    score_table,
    session_table,
)
from katoutcomes.registry.readers.conversion import Conversion, ConvertedTable, LeftOut, SourceFile, unreadable
from katoutcomes.registry.readers.fhir.export import LEFT_OUT, Export, read_export, without_deleted
from katoutcomes.registry.readers.fhir.manifest import Manifest, count_faults, read_manifest
from katoutcomes.registry.readers.fhir.sections import FhirMapping, read_sections

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine
    from katoutcomes.registry.mapping.mapping_file import Mapping as MappingFile


def export_files(folder: Path) -> tuple[Path, ...]:
    """Return the NDJSON files of a folder, in the order of their names."""
    return tuple(sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.lower() == ".ndjson"))


def convert(folder: Path, mapping: MappingFile, engine: Engine, say: Callable[[str], None]) -> Conversion:
    """Read a folder of NDJSON files.

    Parameters
    ----------
    folder : Path
        Holds ``*.ndjson``, perhaps ``manifest.json``, and the file about patients that the mapping names.
    mapping : Mapping
        A mapping file with ``format = "fhir"``; `sections.py` has its sections.
    engine : Engine
        Reads the file about patients.
    say : callable
        Is told what is being done.

    Returns
    -------
    Conversion
        Sessions, scores and patients; every line of the export is either in one of them or left out by a rule.

    Raises
    ------
    DataError
        If a section of the mapping file is wrong.
    """
    with _without_search_for_cycles():
        return _converted(folder, mapping, engine, say)


def _converted(folder: Path, mapping: MappingFile, engine: Engine, say: Callable[[str], None]) -> Conversion:
    wanted = read_sections(mapping)
    paths = export_files(folder)
    if not paths:
        return unreadable(("rule missing_file: there is no file *.ndjson in the folder.",))
    manifest, faults = read_manifest(folder)
    export = read_export(paths, wanted, engine, say)
    lines = dict(zip((path.name for path in paths), export.n_lines, strict=True))
    faults += (*export.faults, *count_faults(manifest, lines), *_server_faults(export))
    patients = None
    if wanted.patients is not None:
        say("reading the file about patients")
        patients = read_patient_rows(folder, wanted.patients, engine, to_key=_patient_key)
        faults += patients.faults
        export.findings += patients.findings
    if faults:
        return unreadable(faults, tuple(export.findings))
    return _conversion(export, wanted, manifest, patients)


@contextmanager
def _without_search_for_cycles() -> Iterator[None]:
    """Let Python not look for cycles: what lines become has none, and looking at it again and again takes a fifth."""
    is_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_on:
            gc.enable()


def _patient_key(key: str) -> str:
    return key.removeprefix("Patient/")


def _server_faults(export: Export) -> tuple[str, ...]:
    """Say that patients are named on several servers: the same id on two of them need not be the same patient."""
    bases = {form.base for form in export.forms if form.patient is not None}
    bases |= {session.base for session in export.sessions if session.patient is not None}
    text = f"rule two_servers: patients are named on {len(bases)} servers; read the exports of one server at a time."
    return (f"subject: {text}",) if len(bases) > 1 else ()


def _conversion(export: Export, wanted: FhirMapping, manifest: Manifest, patients: PatientRows | None) -> Conversion:
    without_deleted(export)
    made = assemble(export.forms, export.sessions, wanted.scales, wanted.several_doses)
    for rule, lines in made.unused.items():
        for line in lines:
            export.leave_out(rule, line)
    n_utc = sum(form.moment.is_utc for form in export.forms) + sum(one.moment.is_utc for one in export.sessions)
    files = [SourceFile(name, n_lines) for name, n_lines in zip(export.files, export.n_lines, strict=True)]
    tables: tuple[ConvertedTable, ...] = (
        session_table(made.sessions),
        score_table(made.scores, made.sessions, wanted.scales),
    )
    if patients is None or wanted.patients is None:
        tables += (patients_with_records(made.sessions, made.scores),)
        unused: tuple[tuple[str, str], ...] = ()
    else:
        tables += (patients_of_file(patients, len(files)),)
        files.append(SourceFile(wanted.patients.file, patients.n_rows))
        unused = tuple((wanted.patients.file, name) for name in patients.unused)
    return Conversion(
        tables=tables,
        files=tuple(files),
        left_out=_left_out(export, wanted),
        left_out_columns=(*export.unread, *unused),
        findings=tuple(export.findings),
        notes=_notes(export, manifest, made.n_joined, n_utc, has_patients=patients is not None),
        settings=(("several_doses", wanted.several_doses), ("format", "FHIR R4 NDJSON")),
    )


def _left_out(export: Export, wanted: FhirMapping) -> tuple[LeftOut, ...]:
    import numpy as np

    found = []
    for (rule, code), lines in sorted(export.left_out.items()):
        column, text = LEFT_OUT[rule]
        text = f"must not be coded {code}: {wanted.scales.refused[LOINC, code]}" if code else text
        by_file: dict[int, set[int]] = {}
        for file, line in lines:
            by_file.setdefault(file, set()).add(line)
        for file, numbers in sorted(by_file.items()):
            rows = np.array(sorted(numbers), dtype=np.int64)
            found.append(LeftOut(export.files[file], rule, column, text, rows))
    return tuple(found)


def _notes(export: Export, manifest: Manifest, n_joined: int, n_utc: int, *, has_patients: bool) -> tuple[str, ...]:
    notes = [
        f"{file}: free text was not read: {element} in {n_lines} lines. Leave it out of the export."
        for (file, element), n_lines in export.unread.items()
    ]
    if n_joined:
        notes.append(f"administrations that were put to the dosing session they belong to: {n_joined}.")
    if n_utc:
        notes.append(
            f"resources whose time is written in universal time (Z): {n_utc}. Days and times are taken as written, so "
            "an evening may count as the next day; let the export write local times."
        )
    if manifest.n_errors:
        notes.append(f"files of errors that the manifest of the export lists: {manifest.n_errors}.")
    if not has_patients:
        notes.append("the mapping names no file about patients: they have neither age nor sex nor program.")
    return tuple(notes)
