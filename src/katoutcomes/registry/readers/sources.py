"""Where tables come from: a folder of CSV, Parquet or Excel files, or a mapping of data frames. All is read as text."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from katoutcomes.errors import DataError, KatOutcomesError, OptionError, meant_beside, require_option
from katoutcomes.registry.identifiers.plain import note_plain_columns
from katoutcomes.registry.readers.close_names import did_you_mean
from katoutcomes.registry.readers.csv_structure import check_csv, csv_header
from katoutcomes.registry.readers.frames import frame_columns, stage_frame
from katoutcomes.registry.readers.raw_rows import FileDialect
from katoutcomes.registry.readers.staging import engine_names, stage_typed, text_query
from katoutcomes.registry.readers.unread_parts import parquet_findings
from katoutcomes.registry.tables import TABLES, Column, TableSchema
from katoutcomes.vocabulary import SCHEMA_VERSION

if TYPE_CHECKING:
    from katoutcomes.registry.checking.rules import Rule
    from katoutcomes.registry.engines.engine import Engine
    from katoutcomes.registry.identifiers import Finding

MARKER_FILE = "registry.json"
WORKBOOK = "registry"
"""Name of a workbook whose sheets are named as the tables."""
_WORKBOOK_ENDINGS = ("xlsx", "xls", "ods")


@dataclass(frozen=True, slots=True, eq=False)
class TableSource:
    """One table of the input, before any of its cells is read.

    Attributes
    ----------
    schema : TableSchema
        Which table it is.
    file : str
        How messages call it: the file's name without its folder, or the table's name where the input is a frame.
    names : tuple of str
        Column names as the input gives them.
    stage : callable
        Makes the table ``text_<table>`` in an engine: ``input_row``, each column of the schema as text (NULL where the
        cell is empty or the input lacks the column), and the unknown columns as ``unknown_<position>``. It returns
        what is wrong with the file.
    rules : tuple of Rule
        What was found wrong with rows already on their way here, as rules over a table that `stage` makes; see
        `conversion.py`.
    findings : tuple of Finding
        Identifiers in what is no table: other sheets, comments, links, metadata.
    """

    schema: TableSchema
    file: str
    names: tuple[str, ...]
    stage: Callable[[Engine], tuple[str, ...]]
    rules: tuple[Rule, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the schema that the input has, in an order that does not depend on the input."""
        fixed = tuple(column for column in self.schema.columns if column.name in self.names)
        return fixed + self.schema.family_columns(self.names)

    @property
    def left_out(self) -> tuple[str, ...]:
        """The column names that the schema does not know."""
        return tuple(name for name in self.names if self.schema.column(name) is None)

    def shown_names(self) -> dict[str, str]:
        """Return, for each column of the input as the engine calls it, the name that a message may print.

        A file without a header line has data in its place, so a name is printed only where the columns that must be
        there are there.
        """
        has_header = not missing_columns(self)
        return {
            engine_name: name if has_header or engine_name == name else f"number {position}"
            for position, (engine_name, name) in enumerate(
                zip(engine_names(self.schema, self.names), self.names, strict=True), start=1
            )
        }


def materialize_nothing(engine: Engine, schema: TableSchema) -> None:
    """Make ``text_<table>`` without a row, for a table that the input lacks."""
    engine.materialize(f"text_{schema.name}", text_query(schema, (), [], "cast(0 as bigint)", "range(0)"))


def missing_columns(source: TableSource) -> tuple[str, ...]:
    """Return the names of required columns that a source lacks."""
    return tuple(
        column.name for column in source.schema.columns if column.is_required and column.name not in source.names
    )


def find_sources(source: Any, engine: Engine) -> tuple[tuple[TableSource, ...], bool, tuple[str, ...]]:
    """Find the tables of a folder or a mapping, and read their column names.

    Parameters
    ----------
    source : path or mapping
        As `read_registry` takes it.
    engine : Engine
        Reads the column names of Parquet files.

    Returns
    -------
    tables : tuple of TableSource
        In the order of the schema.
    is_synthetic : bool
        Whether a marker says that the data are synthetic.
    notes : tuple of str
        What the load report should mention.

    Raises
    ------
    DataError
        If there is no such folder, a table is there twice or cannot be read, or a required one is missing.
    OptionError
        If a mapping names a table that the schema does not know, or its values are not frames.
    """
    is_synthetic = False
    notes: tuple[str, ...] = ()
    if isinstance(source, Mapping):
        tables, faults = _frame_sources(source)
    elif isinstance(source, (str, Path)):
        folder = Path(source)
        if not folder.is_dir():
            needed = "One with patients.csv and sessions.csv is needed."
            raise DataError(f"there is no such folder: {folder.name!r}.{meant_beside(folder)} {needed}")
        tables, faults = _file_sources(folder, engine)
        is_synthetic = read_marker(folder)
        notes = _other_files(folder, tables)
    else:
        raise OptionError("read_registry takes the path of a folder or a mapping of table names to data frames.")
    if faults:
        raise structure_error(faults)
    return tuple(tables), is_synthetic, notes


def structure_error(faults: list[str]) -> DataError:
    """Return the error that lists what is wrong with the files as such."""
    listed = "\n".join(f"  {fault}" for fault in faults)
    return DataError(f"the tables cannot be read:\n{listed}", faults=faults)


def _frame_sources(source: Mapping[Any, Any]) -> tuple[list[TableSource], list[str]]:
    tables: list[TableSource] = []
    faults: list[str] = []
    for name in source:
        require_option("table", str(name), [schema.name for schema in TABLES])
    for schema in TABLES:
        if schema.name in source:
            frame, names = frame_columns(source[schema.name])
            faults += header_faults(schema.name, names)
            tables.append(TableSource(schema, schema.name, names, _frame_stage(schema, frame, names)))
        elif schema.is_required:
            faults.append(f"{schema.name}: rule missing_table: this table is needed.")
    return tables, faults


def _frame_stage(schema: TableSchema, frame: Any, names: tuple[str, ...]) -> Callable[[Engine], tuple[str, ...]]:
    given = f"given_{schema.name}"

    def stage(engine: Engine) -> tuple[str, ...]:
        stage_frame(engine, frame, given)
        types = engine.query_types(f"select * from {given}")
        columns = {name: (f"c{position}", types[f"c{position}"]) for position, name in enumerate(names, start=1)}
        stage_typed(engine, schema, columns, "cast(input_row as bigint)", given)
        return ()

    return stage


_MAP = " Files that look different are read through a mapping: `katoutcomes map` drafts it."


def _file_sources(folder: Path, engine: Engine) -> tuple[list[TableSource], list[str]]:
    tables: list[TableSource] = []
    faults: list[str] = []
    workbooks = [folder / f"{WORKBOOK}.{ending}" for ending in _WORKBOOK_ENDINGS]
    sheets = [(path, sheet) for path in workbooks if path.is_file() for sheet in _sheet_names(path)]
    for schema in TABLES:
        paths = [folder / f"{schema.name}.{ending}" for ending in ("csv", "parquet", *_WORKBOOK_ENDINGS)]
        found = [(path, "") for path in paths if path.is_file()]
        found += [(path, sheet) for path, sheet in sheets if sheet == schema.name]
        if len(found) > 1:
            listed = " and ".join(path.name for path, _ in found)
            faults.append(f"{listed}: rule one_file: only one of them may hold {schema.name}.")
        elif found:
            path, sheet = found[0]
            table, wrong = _file_source(schema, path, sheet, engine)
            faults += [f"{table.file}: {fault}" for fault in wrong]
            tables.append(table)
        elif schema.is_required:
            others = [path.name for path in folder.iterdir() if path.is_file()]
            meant = did_you_mean(schema.name, others) or (_MAP if others and not tables else "")
            faults.append(f"{schema.name}.csv (or .parquet, .xlsx): rule missing_table: this table is needed.{meant}")
    return tables, faults


def _file_source(schema: TableSchema, path: Path, sheet: str, engine: Engine) -> tuple[TableSource, tuple[str, ...]]:
    if path.suffix == ".csv":
        return _csv_source(schema, path, engine)
    if path.suffix == ".parquet":
        return _parquet_source(schema, path, engine)
    return _sheet_source(schema, path, sheet, engine)


def _sheet_names(path: Path) -> tuple[str, ...]:
    from katoutcomes.registry.readers.excel import sheet_names

    return sheet_names(path)


def _sheet_source(schema: TableSchema, path: Path, sheet: str, engine: Engine) -> tuple[TableSource, tuple[str, ...]]:
    """Read a sheet of a workbook; rows without any cell, which a sheet often has, are passed over."""
    from katoutcomes.registry.readers.excel import read_raw_sheet

    raw = read_raw_sheet(engine, path, f"raw_{schema.name}", FileDialect(sheet=sheet))
    cells = [f"c{position}" for position in range(1, len(raw.columns) + 1)]
    filled = f"(select * from {raw.name} where coalesce({', '.join(cells)}) is not null) as filled"

    def stage(engine: Engine) -> tuple[str, ...]:
        engine.materialize(f"text_{schema.name}", text_query(schema, raw.columns, cells, "input_row", filled))
        engine.drop(raw.name)
        return ()

    file = f"{path.name} [{sheet}]" if sheet else path.name
    return TableSource(schema, file, raw.columns, stage, findings=raw.findings), raw.faults


def _csv_source(schema: TableSchema, path: Path, _: Engine) -> tuple[TableSource, tuple[str, ...]]:
    names, faults = csv_header(path)

    def stage(engine: Engine) -> tuple[str, ...]:
        structure = check_csv(path, len(names))
        if structure.faults:
            return structure.faults
        try:
            engine.materialize_file(f"text_{schema.name}", _csv_query(schema, names), str(path))
        except ValueError:
            return ("rule csv: the file cannot be read as a table.",)
        if engine.scalar(f"select count(*) from text_{schema.name}") != structure.n_rows:
            return ("rule row_count: the number of lines and the number of rows differ; is a quote not closed?",)
        texts = {name: (name, "VARCHAR") for name in engine_names(schema, names)}
        note_plain_columns(engine, schema.name, texts, f"text_{schema.name}")
        return ()

    return TableSource(schema, path.name, names, stage), faults or _header_faults(names)


def _csv_query(schema: TableSchema, names: tuple[str, ...]) -> str:
    columns = [f"c{position}" for position in range(1, len(names) + 1)]
    types = ", ".join(f"'{column}': 'VARCHAR'" for column in columns)
    cells = [f"nullif(trim({column}), '')" for column in columns]
    origin = (
        f"read_csv(?, auto_detect = false, columns = {{{types}}}, header = true, delim = ',', quote = '\"', "
        "escape = '\"', strict_mode = true, null_padding = false, parallel = false)"
    )
    # One thread reads from the first line to the last, so the running number is the row's place in the file.
    return text_query(schema, names, cells, "row_number() over ()", origin)


def _parquet_source(schema: TableSchema, path: Path, engine: Engine) -> tuple[TableSource, tuple[str, ...]]:
    unreadable = "rule parquet: the file cannot be read as Parquet."
    try:
        types = engine.file_types("select * from read_parquet(?)", str(path))
    except ValueError:
        types = {}
    names = tuple(types)

    def stage(engine: Engine) -> tuple[str, ...]:
        columns = {name: (_quoted(name), kind) for name, kind in types.items()}
        # Each stage reads the columns that it needs from the file, which costs less than to keep all of them.
        origin = f"read_parquet({_literal(str(path))}, file_row_number = true)"
        try:
            stage_typed(engine, schema, columns, "file_row_number + 1", origin)
        except KatOutcomesError:
            return (unreadable,)
        return ()

    parts = parquet_findings(engine, path, path.name)
    source = TableSource(schema, path.name, names, stage, findings=parts)
    return source, _header_faults(names) if types else (unreadable,)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def header_faults(file: str, names: tuple[str, ...]) -> list[str]:
    """Return what is wrong with column names, each a sentence that begins with the file."""
    return [f"{file}: {fault}" for fault in _header_faults(names)]


def _header_faults(names: tuple[str, ...]) -> tuple[str, ...]:
    """Say which columns have no name or share one; by position, because a name may be a value in the wrong place."""
    faults = []
    empty = [str(position) for position, name in enumerate(names, start=1) if not name]
    if empty:
        faults.append(f"rule column_name: a column has no name (column {', '.join(empty)}).")
    places: dict[str, list[str]] = {}
    for position, name in enumerate(names, start=1):
        places.setdefault(name, []).append(str(position))
    faults += [
        f"rule repeated_column: two columns have the same name (columns {', '.join(positions)})."
        for name, positions in places.items()
        if name and len(positions) > 1
    ]
    return tuple(faults)


def required_column_faults(sources: tuple[TableSource, ...]) -> list[str]:
    """Return which required columns are missing, and where the tables do not agree on how they say when."""
    faults = [
        f"{source.file}: rule missing_column: column {name!r} is needed.{did_you_mean(name, source.left_out)}"
        for source in sources
        for name in missing_columns(source)
    ]
    ways = {source.file: {"day", "date"} & set(source.names) for source in sources if source.schema.has_days}
    for file, way in ways.items():
        if len(way) != 1:
            faults.append(f"{file}: rule one_way_of_time: either 'day' or 'date' is needed, and not both.")
    if all(len(way) == 1 for way in ways.values()) and len({way for found in ways.values() for way in found}) > 1:
        faults.append(f"{', '.join(ways)}: rule one_way_of_time: all must have 'day', or all 'date'.")
    return faults


def _other_files(folder: Path, tables: list[TableSource]) -> tuple[str, ...]:
    """Note how many files were not read. Their names are not repeated: a name can be that of a person."""
    read = {table.file.partition(" [")[0] for table in tables} | {MARKER_FILE}
    others = [path for path in folder.iterdir() if path.is_file() and path.name not in read]
    n_others = sum(1 for path in others if not path.name.startswith((".", "README")))
    return (f"files of the folder that are no tables of the schema and were not read: {n_others}.",) * (n_others > 0)


def read_marker(folder: Path) -> bool:
    """Return whether ``registry.json`` says that the data are synthetic; without the file they are not.

    Raises
    ------
    DataError
        If the file is not what the schema says.
    """
    path = folder / MARKER_FILE
    if not path.is_file():
        return False
    marker: Any = None
    try:
        marker = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError):
        marker = None
    if not isinstance(marker, dict):
        raise DataError(f"{MARKER_FILE}: rule marker: the file must hold a JSON object.")
    if marker.get("schema_version") != SCHEMA_VERSION:
        raise DataError(f"{MARKER_FILE}: rule marker: schema_version must be {SCHEMA_VERSION!r}.")
    if not isinstance(marker.get("is_synthetic"), bool):
        raise DataError(f"{MARKER_FILE}: rule marker: is_synthetic must be true or false.")
    return bool(marker["is_synthetic"])
