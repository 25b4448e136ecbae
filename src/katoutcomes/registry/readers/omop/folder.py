"""The files of a CDM folder as tables of the engine, under the names that the queries use; and the privacy gate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from katoutcomes.registry.identifiers import Finding, name_rule
from katoutcomes.registry.readers.omop.cdm_tables import (
    BIRTH_COLUMNS,
    CONCEPT,
    FREE_TEXT,
    IDENTIFYING_TABLES,
    READ_TABLES,
    REQUIRED_TABLES,
    SOURCE_KEYS,
    CdmTable,
)
from katoutcomes.registry.readers.omop.sections import OmopMapping
from katoutcomes.registry.readers.raw_rows import RawTable
from katoutcomes.registry.readers.raw_tables import raw_findings, read_raw

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine

_ENDINGS = (".csv", ".parquet")
_DATA_ENDINGS = (*_ENDINGS, ".tsv", ".txt", ".psv", ".json", ".ndjson", ".xlsx", ".xls", ".ods", ".gz", ".zip")
_YEAR_COLUMN = "year_of_birth"
_IDS = ("id", "person", "concept", "source_concept", "value_concept", "operator", "visit", "route", "gender")
_WHOLE = frozenset({*_IDS, "birth_year", "number", "quantity"})


@dataclass(frozen=True, slots=True, eq=False)
class CdmFolder:
    """What was found in a folder.

    Attributes
    ----------
    files : dict of str to (str, int)
        Table to its file name and number of rows; the engine has it as ``omop_<table>``.
    findings : tuple of Finding
        Direct identifiers.
    faults : tuple of str
        What cannot be read.
    unused : tuple of (str, str)
        File and column of what holds something and is not used.
    notes : tuple of str
        What the load report should mention.
    """

    files: dict[str, tuple[str, int]]
    findings: tuple[Finding, ...]
    faults: tuple[str, ...]
    unused: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def table_files(folder: Path) -> dict[str, list[Path]]:
    """Return the CSV and Parquet files of a folder by the table that they are named after, in lower case."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.suffix.lower() in _ENDINGS:
            found.setdefault(path.stem.lower(), []).append(path)
    return found


def read_folder(folder: Path, mapping: OmopMapping, engine: Engine, say: Callable[[str], None]) -> CdmFolder:
    """Read the tables of a CDM folder.

    Parameters
    ----------
    folder : Path
        Holds ``person.csv``, ``measurement.parquet`` and so on; the case of names does not matter.
    mapping : OmopMapping
        How the files are written.
    engine : Engine
        Gets a table ``omop_<table>`` for each table that is read, with every used column, empty where it is missing.
    say : callable
        Is told what is being done.
    """
    there = table_files(folder)
    findings = _identifying_files(folder)
    faults: list[str] = []
    files: dict[str, tuple[str, int]] = {}
    unused: list[tuple[str, str]] = []
    notes: list[str] = []
    for table in READ_TABLES:
        paths = there.get(table.name, [])
        if len(paths) > 1:
            faults.append(f"{table.name}: rule one_file: only one file of this table may be there.")
        elif not paths and table.name in REQUIRED_TABLES:
            faults.append(f"{table.name}.csv (or .parquet): rule missing_table: this table of the CDM is needed.")
        elif paths:
            say(f"reading {paths[0].name}")
            dialect = mapping.concept_dialect if table is CONCEPT else mapping.dialect
            raw = read_raw(engine, paths[0], "raw_omop", dialect=dialect)
            faults += [f"{raw.file}: {fault}" for fault in (*raw.faults, *_column_faults(raw, table))]
            if raw.faults:
                continue
            filled = _filled(engine, raw)
            findings += _findings(engine, raw, table, filled)
            left, more = _unused(raw, table, filled)
            unused += left
            notes += more
            if not _column_faults(raw, table):
                _materialize(engine, raw, table)
                files[table.name] = (raw.file, raw.n_rows)
    engine.drop("raw_omop")
    return CdmFolder(files, tuple(findings), tuple(faults), tuple(unused), tuple(notes))


def _identifying_files(folder: Path) -> list[Finding]:
    """Return the files of tables that hold texts, addresses or names, also those of a kind that is not read."""
    return [
        Finding(f"{path.name.split('.')[0]}{path.suffix}", "all columns", "omop_identifying_table", None)
        for path in sorted(folder.iterdir())
        if path.is_file()
        and path.name.lower().split(".")[0] in IDENTIFYING_TABLES
        and path.suffix.lower() in _DATA_ENDINGS
    ]


def _places(raw: RawTable) -> dict[str, str]:
    """Return each column of the file, in lower case, with what the engine calls it."""
    return {name.lower(): f"c{position}" for position, name in enumerate(raw.columns, start=1)}


def _column_faults(raw: RawTable, table: CdmTable) -> list[str]:
    missing = [name for name in table.required.values() if name not in _places(raw)]
    if len({name.lower() for name in raw.columns}) < len(raw.columns):
        return ["rule repeated_column: two columns have the same name."]
    return [f"rule missing_column: column {name!r} is needed." for name in missing]


def _filled(engine: Engine, raw: RawTable) -> dict[str, int]:
    """Return how many cells of each column, by its name in lower case, hold something."""
    places = _places(raw)
    counts = engine.fetch(
        f"select {', '.join(f'count({place}) as {place}' for place in places.values())} from raw_omop"
    )
    return {name: int(counts[place][0]) for name, place in places.items()}


def _findings(engine: Engine, raw: RawTable, table: CdmTable, filled: dict[str, int]) -> list[Finding]:
    """Look for identifiers. Concepts are words of a vocabulary that all clinics share, so they are not searched."""
    if table is CONCEPT:
        return []
    # Most columns of the CDM are empty or hold ids of concepts, and looking at a column costs more than its cells.
    places = _places(raw)
    concepts = _concept_columns(engine, places)
    shown = [name for name in raw.columns if filled[name.lower()] and name.lower() not in concepts]
    cells = [f"{places[name.lower()]} as c{number}" for number, name in enumerate(shown, start=1)]
    engine.materialize("raw_filled", f"select {', '.join(['input_row', *cells])} from raw_omop")
    known = [name for name in raw.columns if name.lower() in {*table.required.values()} - concepts]
    narrow = RawTable(raw.file, "raw_filled", tuple(shown), raw.n_rows)
    found = list(raw_findings(engine, narrow, known=known if raw.n_rows else ()))
    engine.drop("raw_filled")
    empty = {
        name: name_rule(name)
        for name in raw.columns
        if not filled[name.lower()] and name.lower() not in BIRTH_COLUMNS  # the CDM has them, empty or not
    }
    found += [Finding(raw.file, name, rule, None) for name, rule in empty.items() if rule is not None]
    if filled.get(_YEAR_COLUMN):
        cell = places[_YEAR_COLUMN]
        wrong = f"regexp_full_match({cell}, '[0-9]{{5,}}([.]0+)?|[0-9]{{1,4}}[-/. ][0-9].*')"
        n_rows = int(engine.scalar(f"select count(*) from raw_omop where {wrong}"))
        found += [Finding(raw.file, _YEAR_COLUMN, "omop_birth_date", n_rows)] * (n_rows > 0)
    for rule, names in (("omop_birth_date", BIRTH_COLUMNS), ("omop_source_value", SOURCE_KEYS)):
        found += [Finding(raw.file, name, rule, filled[name]) for name in names if filled.get(name)]
    return found


def _concept_columns(engine: Engine, places: dict[str, str]) -> frozenset[str]:
    """Return the columns that hold nothing but ids of concepts, which are numbers of a vocabulary."""
    named = {name: place for name, place in places.items() if name.endswith("_concept_id")}
    if not named:
        return frozenset()
    odd = [
        f"count(case when not regexp_full_match({c}, '[0-9]{{1,10}}([.]0+)?') then 1 end) as {c}"
        for c in named.values()
    ]
    counts = engine.fetch(f"select {', '.join(odd)} from raw_omop")
    return frozenset(name for name, place in named.items() if not counts[place][0])


def _unused(raw: RawTable, table: CdmTable, filled: dict[str, int]) -> tuple[list[tuple[str, str]], list[str]]:
    """Return what holds something and is not used, and what to say about free text and ids of staff."""
    used = set(table.columns.values())
    notes = []
    unused = []
    for shown in raw.columns:
        name, n_rows = shown.lower(), filled[shown.lower()]
        if name in used or table is CONCEPT or not n_rows:
            continue
        unused.append((raw.file, shown))
        if name in FREE_TEXT:
            notes.append(f"{raw.file}: free text was not read: {name} in {n_rows} rows. Leave it out of the export.")
        if name == "provider_id":
            notes.append(f"{raw.file}: {name} names members of staff in {n_rows} rows; it was not read.")
    return unused, notes


def _materialize(engine: Engine, raw: RawTable, table: CdmTable) -> None:
    """Make ``omop_<table>``: the used columns as text under the names of the queries."""
    places = _places(raw)
    cells = []
    for name, column in table.columns.items():
        place = places.get(column)
        # Many programs write the whole number 45 as 45.0 where a column has gaps; ids are compared as text.
        plain = f"regexp_replace({place}, '[.]0+$', '')" if name in _WHOLE else place
        cells.append(f"{plain if place is not None else 'cast(null as varchar)'} as {name}")
    engine.materialize(f"omop_{table.name}", f"select input_row, {', '.join(cells)} from raw_omop")
