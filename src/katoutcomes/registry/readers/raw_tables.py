"""Any file or frame as a table of text in the engine, before anybody says what its columns mean."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from katoutcomes.registry.checking.cells import as_text
from katoutcomes.registry.identifiers import Finding, evident_name_rules, holds_identifier, name_rule, value_findings
from katoutcomes.registry.readers.frames import frame_columns, stage_frame
from katoutcomes.registry.readers.raw_csv import read_raw_csv
from katoutcomes.registry.readers.raw_rows import FileDialect, RawTable, column_name_faults
from katoutcomes.registry.readers.unread_parts import parquet_findings

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from katoutcomes.registry.engines.engine import Engine

WORKBOOK_ENDINGS: tuple[str, ...] = (".xlsx", ".xls", ".xlsm", ".ods")

__all__ = ["WORKBOOK_ENDINGS", "FileDialect", "RawTable", "is_typed_file", "raw_findings", "read_raw", "read_raw_frame"]


def is_typed_file(name: str) -> bool:
    """Return whether a file of that name has cells that are dates and numbers, not only text."""
    return name.lower().endswith((".parquet", *WORKBOOK_ENDINGS))


def read_raw(engine: Engine, path: Path, name: str, *, dialect: FileDialect | None = None) -> RawTable:
    """Read a file cell by cell as text.

    Parameters
    ----------
    engine : Engine
        Where the table is made.
    path : Path
        A CSV file, a Parquet file (``.parquet``) or a workbook (`WORKBOOK_ENDINGS`).
    name : str
        Name of the table in the engine.
    dialect : FileDialect, optional
        How the file is written; default: UTF-8, comma, no line to skip, the only sheet.

    Returns
    -------
    RawTable
        Column names, number of rows, and what is wrong with the file.

    Notes
    -----
    Nothing is repaired: a wrong encoding, a row of another length, an error cell or merged cells are faults that name
    their rows.
    """
    chosen = dialect or FileDialect()
    if not path.is_file():
        return RawTable(path.name, name, (), 0, ("rule missing_file: there is no such file in the folder.",))
    ending = path.suffix.lower()
    if ending == ".parquet":
        return _read_parquet(engine, path, name)
    if ending in WORKBOOK_ENDINGS:
        from katoutcomes.registry.readers.excel import read_raw_sheet

        return read_raw_sheet(engine, path, name, chosen)
    return read_raw_csv(engine, path, name, chosen)


def read_raw_frame(engine: Engine, frame: Any, file: str, name: str) -> RawTable:
    """Read a data frame (pandas, Polars, Arrow) as text.

    Parameters
    ----------
    engine : Engine
        Where the table is made.
    frame : DataFrame
        See `frames.py`.
    file : str
        How messages call it.
    name : str
        Name of the table in the engine.
    """
    prepared, names = frame_columns(frame)
    if faults := column_name_faults(names):
        return RawTable(file, name, names, 0, faults)
    stage_frame(engine, prepared, "typed_input")
    types = engine.query_types("select * from typed_input")
    cells = [f"{as_text(column, types[column])} as {column}" for column in types if column != "input_row"]
    engine.materialize(name, f"select {', '.join(['cast(input_row as bigint) as input_row', *cells])} from typed_input")
    engine.drop("typed_input")
    return RawTable(file, name, names, int(engine.scalar(f"select count(*) from {name}")))


def raw_findings(engine: Engine, raw: RawTable, *, known: Collection[str] | None = None) -> tuple[Finding, ...]:
    """Pass every column of a raw table, also those that will be left out, through the privacy gate.

    Parameters
    ----------
    engine : Engine
        Holds the raw table.
    raw : RawTable
        A table without faults.
    known : collection of str, optional
        Column names that the file must have; where one is missing, the first line may be data, so columns are called
        by their positions.

    Returns
    -------
    tuple of Finding
        By column: its name, then its values.
    """
    has_header = set(known or ()) <= set(raw.columns)
    shown = {
        f"c{position}": f"number {position}" if holds_identifier(column) or not has_header else column
        for position, column in enumerate(raw.columns, start=1)
    }
    findings = list(raw.findings)
    named = dict(zip(shown, raw.columns, strict=True))
    if raw.faults:
        rules = {key: rule for key, column in named.items() if (rule := name_rule(column)) is not None}
    else:
        rules = evident_name_rules(engine, raw.name, named)
    for key, column in named.items():
        if holds_identifier(column):
            findings.append(Finding(raw.file, f"number {key[1:]}", "value_in_header", None))
        elif key in rules:
            findings.append(Finding(raw.file, shown[key], rules[key], None))
    if not raw.faults and shown:
        findings += value_findings(engine, raw.name, raw.file, shown)
    return tuple(findings)


def _read_parquet(engine: Engine, path: Path, name: str) -> RawTable:
    unreadable = RawTable(path.name, name, (), 0, ("rule parquet: the file cannot be read as Parquet.",))
    try:
        types = engine.file_types("select * from read_parquet(?)", str(path))
    except ValueError:
        types = {}
    if not types:
        return unreadable
    names = tuple(column.strip() for column in types)
    if faults := column_name_faults(names):
        return RawTable(path.name, name, names, 0, faults)
    cells = [
        f"{as_text(_quoted(column), kind)} as c{position}"
        for position, (column, kind) in enumerate(types.items(), start=1)
    ]
    query = f"select file_row_number + 1 as input_row, {', '.join(cells)} from read_parquet(?, file_row_number = true)"
    is_read = True
    try:
        engine.materialize_file(name, query, str(path))
    except ValueError:
        is_read = False
    if not is_read:
        return unreadable
    n_rows = int(engine.scalar(f"select count(*) from {name}"))
    return RawTable(path.name, name, names, n_rows, findings=parquet_findings(engine, path, path.name))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
