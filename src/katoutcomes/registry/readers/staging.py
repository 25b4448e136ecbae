"""How a table lies in the engine before it is checked.

``text_<table>`` holds every column as text. Typed input has ``staged_<table>`` besides, which `text_<table>` is then a
view of: a column whose type fits its kind in the schema stays as it is there, because a small integer needs no pattern.

Of each text column it is found out once whether it is plain: no cell is empty, long, or holds anything but letters,
digits and underscores, and none looks like an identifier. A plain column is neither trimmed nor searched again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from katoutcomes.registry.checking.cells import as_text, keeps_type
from katoutcomes.registry.identifiers.plain import note_plain_columns
from katoutcomes.registry.tables import Column, TableSchema

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine


def engine_names(schema: TableSchema, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return how the engine calls the columns of an input: by name only where the schema knows it."""
    return tuple(name if schema.column(name) else f"unknown_{position}" for position, name in enumerate(names, start=1))


def text_query(schema: TableSchema, names: tuple[str, ...], cells: list[str], row: str, origin: str) -> str:
    """Return the query that makes ``text_<table>``.

    Parameters
    ----------
    schema : TableSchema
        Which table.
    names : tuple of str
        Column names of the input.
    cells : list of str
        For each of them, the SQL of its cell.
    row : str
        The SQL of ``input_row``.
    origin : str
        From where it all comes.
    """
    given = [f"{cell} as {name}" for cell, name in zip(cells, engine_names(schema, names), strict=True)]
    lacking = [f"cast(null as varchar) as {column.name}" for column in schema.columns if column.name not in names]
    return f"select {row} as input_row, {', '.join(given + lacking)} from {origin}"


def stage_typed(
    engine: Engine, schema: TableSchema, columns: Mapping[str, tuple[str, str]], row: str, origin: str
) -> None:
    """Make the views ``staged_<table>`` and ``text_<table>`` of a typed relation.

    Parameters
    ----------
    engine : Engine
        Can read `origin`.
    schema : TableSchema
        Which table.
    columns : mapping of str to (str, str)
        For each column name of the input, its SQL and its DuckDB type.
    row : str
        The SQL of ``input_row``.
    origin : str
        The relation, with its rows in the order of ``input_row``.
    """
    names = tuple(columns)
    short = dict(zip(columns, engine_names(schema, names), strict=True))
    searched = {short[name]: (cell, stored) for name, (cell, stored) in columns.items()}
    plain = note_plain_columns(engine, schema.name, searched, origin, in_order=True)
    cells = [
        cell if stored == "VARCHAR" and short[name] in plain else _cell(schema.column(name), cell, stored)
        for name, (cell, stored) in columns.items()
    ]
    staged = f"staged_{schema.name}"
    engine.view(staged, text_query(schema, names, cells, row, origin))
    kinds = engine.query_types(f"select * from {staged}")
    as_texts = [
        f"{as_text(name, kind)} as {name}" if kind != "VARCHAR" else name
        for name, kind in kinds.items()
        if name != "input_row"
    ]
    engine.view(f"text_{schema.name}", f"select input_row, {', '.join(as_texts)} from {staged}")


def staged_relation(engine: Engine, table: str) -> str:
    """Return the relation whose cells are to be checked: the typed one, unless the text was changed since."""
    is_view = engine.scalar(f"select count(*) from duckdb_views() where view_name = 'text_{table}'")
    return f"{'staged' if is_view else 'text'}_{table}"


def _cell(column: Column | None, cell: str, stored: str) -> str:
    """Return the SQL of a cell of ``staged_<table>``."""
    if column is not None and stored == "BOOLEAN" and keeps_type(column, "TINYINT"):
        return f"cast({cell} as tinyint)"
    if column is None or not keeps_type(column, stored):
        return as_text(cell, stored)
    return f"case when not isnan({cell}) then {cell} end" if stored == "DOUBLE" else cell
