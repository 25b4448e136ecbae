"""`convert`: an export of a REDCap project as tables of the schema."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.identifiers import Finding
from katoutcomes.registry.readers.conversion import Conversion, SourceFile, unreadable
from katoutcomes.registry.readers.raw_tables import RawTable, raw_findings, read_raw
from katoutcomes.registry.readers.redcap.accounting import left_out_rows, reasons, unread_notes
from katoutcomes.registry.readers.redcap.cells import ExportRows, decode_rows, label_columns, needed_columns
from katoutcomes.registry.readers.redcap.dictionary import Dictionary, parse_dictionary
from katoutcomes.registry.readers.redcap.header import (
    SURVEY_IDENTIFIER_COLUMN,
    SYSTEM_COLUMNS,
    absent_fields,
    header_faults,
    identifier_findings,
    mapping_faults,
    notes_columns,
)
from katoutcomes.registry.readers.redcap.patients import patient_table
from katoutcomes.registry.readers.redcap.records import joined_tables, section_rows, section_table
from katoutcomes.registry.readers.redcap.settings import RedcapSettings, read_settings

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine
    from katoutcomes.registry.mapping.mapping_file import Mapping as MappingFile


def convert(folder: Path, mapping: MappingFile, engine: Engine, say: Callable[[str], None]) -> Conversion:
    """Read an export as the mapping file says.

    Parameters
    ----------
    folder : Path
        Holds the data files and the dictionary.
    mapping : Mapping
        A mapping file of format ``"redcap"``.
    engine : Engine
        Where files are read.
    say : callable
        Is told what is being done.

    Returns
    -------
    Conversion
        The tables, or what stands against them: identifiers, and files that do not belong together.

    Raises
    ------
    DataError
        If a section of the mapping file is wrong.
    """
    settings = read_settings(mapping.table)
    mapping.finish()
    content, dictionary = read_dictionary(folder / settings.dictionary)
    raws = []
    for number, name in enumerate(settings.data):
        say(f"reading {Path(name).name}")
        raws.append(read_raw(engine, folder / name, f"raw_{number}", dialect=settings.dialect))
    findings, faults = _check(engine, raws, settings, dictionary)
    rows = _export_rows(engine, raws, needed_columns(settings, dictionary)) if not faults else None
    engine.drop(*(raw.name for raw in raws))
    if rows is not None and not settings.has_labels and (labels := label_columns(rows, settings, dictionary)):
        faults.append(_label_fault(labels))
    if rows is None or faults:
        return unreadable(tuple(faults), tuple(findings))
    say("putting records together")
    found = _converted(rows, raws, settings, dictionary)
    digest = hashlib.sha256(content).hexdigest()
    choices = (*_choices(settings), ("data dictionary", f"{dictionary.file}, SHA-256 {digest}"))
    return replace(found, findings=tuple(findings), settings=choices)


def read_dictionary(path: Path) -> tuple[bytes, Dictionary]:
    """Read the data dictionary of a project; a file that is not there is a fault."""
    if not path.is_file():
        return b"", Dictionary(
            path.name, {}, (f"{path.name}: rule missing_file: there is no such file in the folder.",)
        )
    content = path.read_bytes()
    return content, parse_dictionary(content, path.name)


def _check(
    engine: Engine, raws: Sequence[RawTable], settings: RedcapSettings, dictionary: Dictionary
) -> tuple[list[Finding], list[str]]:
    """Return what identifies somebody, and what is wrong with the files, before any cell is decoded."""
    findings: list[Finding] = []
    faults = list(dictionary.faults) or mapping_faults(settings, dictionary)
    for raw in raws:
        faults += [f"{raw.file}: {fault}" for fault in raw.faults]
        findings += raw_findings(engine, raw, known=(settings.id_field,))
        findings += identifier_findings(raw.file, raw.columns, dictionary)
        if not raw.faults:
            findings += _filled_findings(engine, raw, notes_columns(raw.columns, dictionary), "redcap_notes_field")
            findings += _filled_findings(engine, raw, (SURVEY_IDENTIFIER_COLUMN,), "redcap_survey_identifier")
        if not raw.faults and not dictionary.faults:
            faults += header_faults(raw.file, raw.columns, settings, dictionary)
    if not faults:
        there = [name for raw in raws for name in raw.columns]
        faults += [
            f"{dictionary.file}: rule redcap_absent_field: no file holds field {field!r} of the mapping."
            for field in absent_fields(there, settings, dictionary)
        ]
    return findings, faults


def _filled_findings(engine: Engine, raw: RawTable, columns: Sequence[str], rule: str) -> list[Finding]:
    """Return the columns among some that hold anything at all."""
    found = []
    for column in columns:
        if column in raw.columns:
            cell = f"c{raw.columns.index(column) + 1}"
            n_rows = int(engine.scalar(f"select count({cell}) from {raw.name}"))
            found += [Finding(raw.file, column, rule, n_rows)] if n_rows else []
    return found


def _export_rows(engine: Engine, raws: Sequence[RawTable], columns: Sequence[str]) -> ExportRows:
    """Fetch the columns that are needed, from all files one after the other."""
    import numpy as np

    parts = [_fetched(engine, raw, columns) for raw in raws]
    cells = {name: np.concatenate([part[name] for part in parts]) for name in columns}
    file = np.concatenate([np.full(raw.n_rows, number, dtype=np.int32) for number, raw in enumerate(raws)])
    return ExportRows(cells, file, np.concatenate([np.arange(1, raw.n_rows + 1) for raw in raws]))


def _fetched(engine: Engine, raw: RawTable, columns: Sequence[str]) -> dict[str, Any]:
    import numpy as np

    places = {name: f"c{raw.columns.index(name) + 1}" for name in columns if name in raw.columns}
    found = engine.fetch(f"select {', '.join(places.values())} from {raw.name} order by input_row")
    cells: dict[str, Any] = {name: np.full(raw.n_rows, None, dtype=object) for name in columns}
    for name, place in places.items():
        values = found[place]
        known = ~np.ma.getmaskarray(values)
        cells[name][known] = np.ma.getdata(values)[known]
    return cells


def _converted(
    rows: ExportRows, raws: Sequence[RawTable], settings: RedcapSettings, dictionary: Dictionary
) -> Conversion:
    import numpy as np

    forms = decode_rows(rows, settings, dictionary)
    parts = [(section, section_rows(forms, section, settings, dictionary)) for section in settings.sections]
    tables = [section_table(forms, section, part.read, settings, dictionary) for section, part in parts]
    made_record = np.logical_or.reduce([part.read for _, part in parts])
    patients, describes = patient_table(forms, made_record, settings, dictionary)
    is_used = made_record | describes
    why = reasons(forms, [(section.form, part) for section, part in parts], settings, dictionary)
    return Conversion(
        tables=joined_tables([patients, *tables]),
        files=tuple(SourceFile(raw.file, raw.n_rows) for raw in raws),
        left_out=left_out_rows(forms, [raw.file for raw in raws], is_used, why),
        left_out_columns=_left_out_columns(raws, settings, dictionary),
        notes=unread_notes(is_used, why),
    )


def _left_out_columns(
    raws: Sequence[RawTable], settings: RedcapSettings, dictionary: Dictionary
) -> tuple[tuple[str, str], ...]:
    used = {*needed_columns(settings, dictionary), *SYSTEM_COLUMNS} - {SURVEY_IDENTIFIER_COLUMN}
    return tuple((raw.file, name) for raw in raws for name in raw.columns if name not in used)


def _label_fault(columns: dict[str, int]) -> str:
    listed = ", ".join(f"{name} ({count} rows)" for name, count in list(columns.items())[:10])
    more = ", …" if len(columns) > 10 else ""
    return (
        f"rule redcap_labels: cells hold labels where codes are expected: {listed}{more}; "
        'export raw data, or write values = "labels" in the mapping.'
    )


def _choices(settings: RedcapSettings) -> tuple[tuple[str, str], ...]:
    """Return the choices of the mapping that decide what becomes data."""
    status = "read" if settings.reads_unverified else "left out"
    return (
        ("REDCap values", "labels" if settings.has_labels else "raw"),
        ("REDCap form status", f"complete forms; unverified {status}" if settings.has_form_status else "ignored"),
    )
