"""The records that every converting reader hands over, whatever format it reads, and how they enter the engine.

A reader of another format makes rows of the tables of the schema, as text, and says of each from which file and row it
came. Everything after that (rules, links, days, digest) is the same for all formats.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.checking.rules import Rule
from katoutcomes.registry.readers.sources import TableSource
from katoutcomes.registry.readers.staging import engine_names, text_query
from katoutcomes.registry.tables import TABLES, TableSchema

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.registry.engines.engine import Engine
    from katoutcomes.registry.identifiers import Finding


@dataclass(frozen=True, slots=True, eq=False)
class RowProblem:
    """A rule that records break already while they are converted, such as a value that the mapping does not decode.

    Such a record goes on with that cell unknown, is counted as rejected, and takes along what depends on it.

    Attributes
    ----------
    rule : str
        Rule id, for example ``"not_decoded"``.
    column : str
        Column of the schema.
    description : str
        What the cell must be; never a value of the data.
    positions : array of int64
        Positions of the records in their `ConvertedTable`, from 0.
    """

    rule: str
    column: str
    description: str
    positions: NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class FurtherRows:
    """Rows that records were made from besides their own, such as the items of a questionnaire, a line each.

    Attributes
    ----------
    positions : array of int64
        Positions of the records in their `ConvertedTable`, from 0.
    file : array of int32
        As in `ConvertedTable`.
    file_row : array of int64
        As in `ConvertedTable`.
    """

    positions: NDArray[Any]
    file: NDArray[Any]
    file_row: NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class ConvertedTable:
    """Rows of one table of the schema, made from files of another format.

    Attributes
    ----------
    schema : TableSchema
        Which table.
    columns : mapping of str to array of object
        Text by column of the schema, None where it is unknown. Only names of the schema.
    file : array of int32
        For each row the file that it was made from, as a position in `Conversion.files`.
    file_row : array of int64
        For each row its place in that file: the data row from 1, or the line of an NDJSON file from 1.
    problems : tuple of RowProblem
        What was wrong with rows already before they were checked against the schema.
    further : FurtherRows, optional
        Where several rows of a file, or of several files, make one record: all but the first of them.
    """

    schema: TableSchema
    columns: Mapping[str, NDArray[Any]]
    file: NDArray[Any]
    file_row: NDArray[Any]
    problems: tuple[RowProblem, ...] = ()
    further: FurtherRows | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.file)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that was read.

    Attributes
    ----------
    name : str
        File name without its folder, or the name of a frame.
    rows_in : int
        Data rows, or lines of an NDJSON file.
    """

    name: str
    rows_in: int


@dataclass(frozen=True, slots=True, eq=False)
class LeftOut:
    """Rows of a file from which no record was made, and why.

    Attributes
    ----------
    file : str
        A `SourceFile.name`.
    rule : str
        Rule id, for example ``"status"`` or ``"form_incomplete"``.
    column : str
        What decided it.
    description : str
        What a row here must be to be used; never a value of the data.
    row_numbers : array of int64
        The rows of the file, ascending.
    """

    file: str
    rule: str
    column: str
    description: str
    row_numbers: NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Conversion:
    """Everything that a reader of another format made of a source.

    Attributes
    ----------
    tables : tuple of ConvertedTable
        At most one for each table of the schema.
    files : tuple of SourceFile
        Every file that was read.
    left_out : tuple of LeftOut
        Rows that became no record.
    left_out_columns : tuple of (str, str)
        File and name of each column that was not used.
    findings : tuple of Finding
        Direct identifiers; any of them makes the load refuse.
    faults : tuple of str
        What makes a file unreadable or the mapping unfit, each a sentence that begins with the file; any of them
        stops the load.
    notes : tuple of str
        What the load report should mention.
    settings : tuple of (str, str)
        Choices of the mapping that belong into the provenance.
    is_synthetic : bool
        Whether the source itself says that its data were made by a program.
    """

    tables: tuple[ConvertedTable, ...]
    files: tuple[SourceFile, ...]
    left_out: tuple[LeftOut, ...] = ()
    left_out_columns: tuple[tuple[str, str], ...] = ()
    findings: tuple[Finding, ...] = ()
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    is_synthetic: bool = False


def unreadable(faults: tuple[str, ...], findings: tuple[Finding, ...] = ()) -> Conversion:
    """Return the conversion of a source that cannot be read, or must not be."""
    return Conversion(tables=(), files=(), findings=findings, faults=faults)


def missing_table_faults(conversion: Conversion) -> list[str]:
    """Return which tables a registry needs that the conversion did not make."""
    made = {table.schema.name for table in conversion.tables}
    return [
        f"{schema.name}: rule missing_table: the mapping makes no row of this table, which is needed."
        for schema in TABLES
        if schema.is_required and schema.name not in made
    ]


def converted_sources(conversion: Conversion) -> tuple[TableSource, ...]:
    """Return the tables of a conversion as the rest of the load takes them, in the order of the schema.

    Staging one makes ``text_<table>`` and two tables that stay until the report is written: ``origin_<table>``
    (input_row, file, file_row; one line for each row that a record was made from), where ``file`` is a position in
    `Conversion.files`, and ``converted_<table>`` (input_row, problem), which holds the `RowProblem` records.
    """
    order = [schema.name for schema in TABLES]
    tables = sorted(conversion.tables, key=lambda table: order.index(table.schema.name))
    return tuple(_source(table, conversion.files) for table in tables)


def drop_origins(engine: Engine) -> None:
    """Forget which rows of which files the records came from."""
    engine.drop(*(f"{name}_{schema.name}" for name in ("origin", "converted") for schema in TABLES))


def _source(table: ConvertedTable, files: tuple[SourceFile, ...]) -> TableSource:
    import numpy as np

    names = tuple(table.columns)
    used = [files[int(number)].name for number in np.unique(table.file)]

    def stage(engine: Engine) -> tuple[str, ...]:
        input_row = np.arange(1, table.n_rows + 1, dtype=np.int64)
        arrays = {f"c{position}": values for position, values in enumerate(table.columns.values(), start=1)}
        engine.materialize_arrays("typed_input", {"input_row": input_row, **arrays})
        cells = [f"nullif(trim({column}), '')" for column in arrays]
        engine.materialize(
            f"text_{table.schema.name}", text_query(table.schema, names, cells, "input_row", "typed_input")
        )
        engine.drop("typed_input")
        _stage_origin(engine, table, input_row)
        return ()

    return TableSource(
        schema=table.schema,
        file=used[0] if len(used) == 1 else table.schema.name,
        names=engine_names(table.schema, names),
        stage=stage,
        rules=_rules(table),
    )


def _stage_origin(engine: Engine, table: ConvertedTable, input_row: NDArray[Any]) -> None:
    import numpy as np

    name = table.schema.name
    more = table.further
    parts = [(input_row, table.file, table.file_row)]
    parts += [] if more is None else [(more.positions + 1, more.file, more.file_row)]
    records, files, rows = (np.concatenate(values) for values in zip(*parts, strict=True))
    origin = {"input_row": records, "file": files.astype(np.int32), "file_row": rows.astype(np.int64)}
    engine.materialize_arrays(f"origin_{name}", origin)
    positions = [problem.positions.astype(np.int64) for problem in table.problems]
    numbers = [np.full(len(where), number, dtype=np.int32) for number, where in enumerate(positions)]
    nothing = np.zeros(0, dtype=np.int64)
    engine.materialize_arrays(
        f"converted_{name}",
        {
            "input_row": np.concatenate([nothing, *positions]) + 1,
            "problem": np.concatenate([nothing.astype(np.int32), *numbers]),
        },
    )


def _rules(table: ConvertedTable) -> tuple[Rule, ...]:
    relation = f"converted_{table.schema.name}"
    return tuple(
        Rule(problem.rule, table.schema.name, problem.column, problem.description, relation, f"problem = {number}")
        for number, problem in enumerate(table.problems)
        if len(problem.positions)
    )
