"""Format "tables": rows of any files become records of the schema as the mapping file says."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.readers.conversion import Conversion, SourceFile
from katoutcomes.registry.readers.mapped_tables.records import Records, joined_tables
from katoutcomes.registry.readers.mapped_tables.section_reader import read_sections
from katoutcomes.registry.readers.mapped_tables.section_records import section_records
from katoutcomes.registry.readers.mapped_tables.source_files import OpenedFiles, open_files

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine
    from katoutcomes.registry.mapping.mapping_file import Mapping as MappingFile


def convert(
    source: Path | Mapping[str, Any], mapping: MappingFile, engine: Engine, say: Callable[[str], None]
) -> Conversion:
    """Make records of the files, or frames, that a mapping names.

    Parameters
    ----------
    source : Path or mapping of str to frame
        A folder, or frames by the names that the mapping uses.
    mapping : Mapping
        A mapping file of format "tables".
    engine : Engine
        Where the files are read.
    say : callable
        Is told what is being done.

    Returns
    -------
    Conversion
        Without tables where a file is unreadable, holds an identifier, or lacks what the mapping names.

    Raises
    ------
    DataError
        If a section of the mapping file is wrong.
    """
    sections = read_sections(mapping)
    opened = open_files(source, sections, engine, say)
    files = tuple(SourceFile(file.label, len(file.rows)) for file in opened.files.values())
    if opened.faults:
        return Conversion((), files, findings=opened.findings, faults=opened.faults)
    say("applying the mapping")
    records = [
        made
        for section in sections
        for name in section.names
        for made in section_records(section, opened.files[name, section.dialect.sheet])
    ]
    return Conversion(
        tables=joined_tables(records),
        files=files,
        left_out=tuple(rows for file in opened.files.values() for rows in file.left_out()),
        left_out_columns=opened.left_out_columns,
        findings=opened.findings,
        notes=(*_notes(source, opened), *_notes_on_days(records)),
    )


def _notes_on_days(records: Sequence[Records]) -> tuple[str, ...]:
    n_scores = sum(len(part.rows) for part in records if part.visit_day is not None)
    if not n_scores:
        return ()
    which = f"scores that stand on the day that visit_days states for their visit: {n_scores}."
    return (f"{which} When they were really filled in is not known, so early and late ones cannot be told apart.",)


def _notes(source: Path | Mapping[str, Any], opened: OpenedFiles) -> tuple[str, ...]:
    notes = []
    if opened.n_known_columns_left_out:
        notes.append(f"columns that the mapping leaves out by name: {opened.n_known_columns_left_out}.")
    if isinstance(source, Path):
        read = {name for name, _ in opened.files}
        others = [path for path in source.iterdir() if path.is_file() and path.name not in read]
        n_others = sum(not path.name.startswith((".", "README", "registry.json", "mapping")) for path in others)
        if n_others:
            notes.append(f"files of the folder that the mapping does not name and were not read: {n_others}.")
    return tuple(notes)
