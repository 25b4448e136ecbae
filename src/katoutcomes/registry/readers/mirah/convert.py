"""`convert`: Mirah's outcomes export as tables of the schema.

References
----------
The header: “Data Export - Outcomes” in Mirah's help center. Its order may change, so columns are found by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.identifiers import Finding
from katoutcomes.registry.readers.conversion import Conversion, ConvertedTable, SourceFile, unreadable
from katoutcomes.registry.readers.mirah.rows import OutcomeRows, patient_table, score_table
from katoutcomes.registry.readers.mirah.settings import MirahSettings, read_settings
from katoutcomes.registry.readers.raw_tables import RawTable, raw_findings, read_raw
from katoutcomes.registry.tables import PATIENTS, SESSIONS, TableSchema

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine
    from katoutcomes.registry.mapping.mapping_file import Mapping as MappingFile


def convert(folder: Path, mapping: MappingFile, engine: Engine, say: Callable[[str], None]) -> Conversion:
    """Read an outcomes export as the mapping file says.

    Parameters
    ----------
    folder : Path
        Holds the exports, and the tables of sessions and patients that the mapping names.
    mapping : Mapping
        A mapping file of format ``"mirah"``.
    engine : Engine
        Where files are read.
    say : callable
        Is told what is being done.

    Returns
    -------
    Conversion
        The tables, or what stands against them.

    Raises
    ------
    DataError
        If a section of the mapping file is wrong.
    """
    settings = read_settings(mapping.table)
    mapping.finish()
    exports = _read(engine, folder, settings.data, say, settings)
    own = {
        schema: raw
        for schema, name in ((SESSIONS, settings.sessions), (PATIENTS, settings.patients))
        if name
        for raw in _read(engine, folder, (name,), say, None)
    }
    faults = _faults(exports, own, settings)
    findings = _findings(engine, exports, own, settings)
    if faults:
        return unreadable(tuple(faults), tuple(findings))
    return _converted(engine, exports, own, settings, tuple(findings))


def _read(
    engine: Engine, folder: Path, names: Sequence[str], say: Callable[[str], None], settings: MirahSettings | None
) -> list[RawTable]:
    raws = []
    for number, name in enumerate(names):
        say(f"reading {Path(name).name}")
        table = f"raw_{Path(name).stem if settings is None else 'outcomes'}_{number}"
        dialect = settings.dialect if settings is not None else None
        raws.append(read_raw(engine, folder / name, _engine_name(table), dialect=dialect))
    return raws


def _engine_name(name: str) -> str:
    return "".join(character if character.isascii() and character.isalnum() else "_" for character in name)[:60]


def _faults(exports: Sequence[RawTable], own: dict[TableSchema, RawTable], settings: MirahSettings) -> list[str]:
    raws = [*exports, *own.values()]
    faults = [f"{raw.file}: {fault}" for raw in raws for fault in raw.faults]
    for raw in exports:
        if not raw.faults:
            faults += [
                f"{raw.file}: rule missing_column: column {name!r} is needed; columns are found by their names."
                for name in settings.columns()
                if name not in raw.columns
            ]
    for schema, raw in own.items():
        needed = [column.name for column in schema.columns if column.is_required]
        needed += ["date"] if schema.has_days else []
        faults += [
            f"{raw.file}: rule missing_column: column {name!r} is needed."
            for name in needed
            if not raw.faults and name not in raw.columns
        ]
    if len({raw.file for raw in raws}) < len(raws):
        faults.append("mapping: rule repeated_file: two files have the same name.")
    return faults


def _findings(
    engine: Engine, exports: Sequence[RawTable], own: dict[TableSchema, RawTable], settings: MirahSettings
) -> list[Finding]:
    found: list[Finding] = []
    for raw in exports:
        found += raw_findings(engine, raw, known=settings.columns())
    for schema, raw in own.items():
        found += raw_findings(engine, raw, known=(schema.key,))
    return found


def _converted(
    engine: Engine,
    exports: Sequence[RawTable],
    own: dict[TableSchema, RawTable],
    settings: MirahSettings,
    findings: tuple[Finding, ...],
) -> Conversion:
    raws = [*exports, *own.values()]
    files = [raw.file for raw in raws]
    rows = _outcome_rows(engine, exports, settings)
    scores = score_table(rows, settings, files)
    patients, n_several = patient_table(rows, scores.rows, settings.site_column)
    tables = {
        schema: _own_table(engine, raw, schema, len(exports) + number)
        for number, (schema, raw) in enumerate(own.items())
    }
    engine.drop(*(raw.name for raw in raws))
    return Conversion(
        tables=(tables.get(PATIENTS, patients), tables.get(SESSIONS, _no_rows(SESSIONS)), scores.table),
        files=tuple(SourceFile(raw.file, raw.n_rows) for raw in raws),
        left_out=scores.left_out,
        left_out_columns=_left_out_columns(exports, own, settings),
        findings=findings,
        notes=_notes(own, scores.n_repeated, 0 if PATIENTS in own else n_several),
        settings=(("Mirah score domain", "raw"), ("Mirah measurements", ", ".join(_names(settings)))),
    )


def _names(settings: MirahSettings) -> list[str]:
    return [part.name for part in settings.measurements]


def _notes(own: dict[TableSchema, RawTable], n_repeated: int, n_several: int) -> tuple[str, ...]:
    notes = []
    if SESSIONS not in own:
        notes.append(
            "the outcomes export holds no sessions and the mapping names no table of them, so nobody has a first dose."
        )
    if n_repeated:
        notes.append(
            f"measurements that a row holds twice, with the same value and date, and that count once: {n_repeated}."
        )
    if n_several:
        notes.append(f"patients at more than one site, whose site is not known therefore: {n_several}.")
    return tuple(notes)


def _outcome_rows(engine: Engine, raws: Sequence[RawTable], settings: MirahSettings) -> OutcomeRows:
    import numpy as np

    cells: dict[str, list[str | None]] = {name: [] for name in settings.columns()}
    for raw in raws:
        for name, values in _fetched(engine, raw, settings.columns()).items():
            cells[name] += values.tolist()
    file = np.concatenate([np.full(raw.n_rows, number, dtype=np.int32) for number, raw in enumerate(raws)])
    return OutcomeRows(cells, file, np.concatenate([np.arange(1, raw.n_rows + 1) for raw in raws]))


def _fetched(engine: Engine, raw: RawTable, columns: Sequence[str]) -> dict[str, Any]:
    """Return columns of a raw table as arrays of objects, None where a cell is empty."""
    import numpy as np

    places = {name: f"c{raw.columns.index(name) + 1}" for name in columns}
    found = engine.fetch(f"select {', '.join(places.values())} from {raw.name} order by input_row")
    cells = {}
    for name, place in places.items():
        known = ~np.ma.getmaskarray(found[place])
        cells[name] = np.full(raw.n_rows, None, dtype=object)
        cells[name][known] = np.ma.getdata(found[place])[known]
    return cells


def _own_table(engine: Engine, raw: RawTable, schema: TableSchema, file: int) -> ConvertedTable:
    """Return a table that already has the columns of the schema."""
    import numpy as np

    names = [name for name in raw.columns if schema.column(name) is not None and name != "day"]
    return ConvertedTable(
        schema,
        _fetched(engine, raw, names),
        np.full(raw.n_rows, file, dtype=np.int32),
        np.arange(1, raw.n_rows + 1, dtype=np.int64),
    )


def _no_rows(schema: TableSchema) -> ConvertedTable:
    import numpy as np

    names = [column.name for column in schema.columns if column.is_required] + (["date"] if schema.has_days else [])
    nothing = np.zeros(0, dtype=np.int64)
    return ConvertedTable(schema, {name: np.zeros(0, dtype=object) for name in names}, nothing, nothing)


def _left_out_columns(
    exports: Sequence[RawTable], own: dict[TableSchema, RawTable], settings: MirahSettings
) -> tuple[tuple[str, str], ...]:
    used = set(settings.columns())
    found = [(raw.file, name) for raw in exports for name in raw.columns if name not in used]
    found += [
        (raw.file, name)
        for schema, raw in own.items()
        for name in raw.columns
        if schema.column(name) is None or name == "day"
    ]
    return tuple(found)
