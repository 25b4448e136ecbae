"""Rows of text on their way into the engine: how a file is written, which of its lines are wrong, and the raw table."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from katoutcomes.registry.engines.engine import Engine
    from katoutcomes.registry.identifiers import Finding

ENCODINGS: tuple[str, ...] = ("utf-8", "latin-1", "cp1252", "utf-16")
"""Encodings of CSV files that can be read; a byte-order mark at the beginning of UTF-8 is dropped."""

SEPARATORS: tuple[str, ...] = (",", ";", "\t", "|")
DECIMALS: tuple[str, ...] = (".", ",")
QUOTES: tuple[str, ...] = ('"', "'")

MOST_ROWS_LISTED = 20
_ROWS_A_BLOCK = 20_000
_BLANKS = "' ' || chr(9) || chr(10) || chr(13) || chr(160)"


@dataclass(frozen=True, slots=True)
class FileDialect:
    """How a file is written.

    Attributes
    ----------
    encoding : str
        One of `ENCODINGS`; CSV only.
    separator : str
        One of `SEPARATORS`; CSV only.
    decimal : str
        One of `DECIMALS`: how numbers that are written as text have their decimals. The raw cells are left as they
        are; whoever reads them as numbers asks for it.
    quote : str
        One of `QUOTES`; CSV only. A quote inside a quoted cell is doubled.
    skip_rows : int
        Lines, or rows of a sheet, before the one that holds the column names.
    sheet : str
        Name of the sheet of a workbook; ``""`` where it has one only.
    """

    encoding: str = "utf-8"
    separator: str = ","
    decimal: str = "."
    quote: str = '"'
    skip_rows: int = 0
    sheet: str = ""


@dataclass(frozen=True, slots=True)
class RawTable:
    """A file as text in the engine, every cell still as it was written.

    Attributes
    ----------
    file : str
        Name of the file without its folder.
    name : str
        Table of the engine: ``input_row`` (bigint, the data row from 1) and ``c1``, ``c2``, … (text; NULL where the
        cell is empty; blanks at both ends are dropped). It is not there if there are faults.
    columns : tuple of str
        Column names as the file has them.
    n_rows : int
        Number of data rows.
    faults : tuple of str
        Why the file is no proper table, each a sentence that names a rule and rows, never a value; empty if it is one.
    findings : tuple of Finding
        Identifiers in what is no table: other sheets, comments, links, metadata.
    """

    file: str
    name: str
    columns: tuple[str, ...]
    n_rows: int
    faults: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


@dataclass(slots=True)
class RowNumbers:
    """Numbers of the rows with one fault: the first of them, and how many there are."""

    first: list[int] = field(default_factory=list)
    count: int = 0

    def add(self, number: int) -> None:
        """Note one row."""
        self.count += 1
        if len(self.first) < MOST_ROWS_LISTED:
            self.first.append(number)

    def text(self, singular: str = "row", plural: str = "rows") -> str:
        """Return the numbers as a message lists them, such as ``"rows 2, 5"``."""
        listed = ", ".join(str(number) for number in self.first)
        more = ", …" if self.count > len(self.first) else ""
        return f"{singular} {listed}" if self.count == 1 else f"{plural} {listed}{more}"


class TextRows:
    """Collects rows of text and puts them into the engine block by block.

    Parameters
    ----------
    engine : Engine
        Where they go.
    name : str
        Name of the raw table.
    n_columns : int
        Cells of every row.
    """

    def __init__(self, engine: Engine, name: str, n_columns: int) -> None:
        self._engine = engine
        self._name = name
        self._columns = [f"c{position}" for position in range(1, n_columns + 1)]
        self._rows: list[Sequence[str]] = []
        self._numbers: list[int] = []
        self._is_begun = False

    def add(self, number: int, row: Sequence[str]) -> None:
        """Add a row, which has exactly the right number of cells."""
        self._rows.append(row)
        self._numbers.append(number)
        if len(self._rows) == _ROWS_A_BLOCK:
            self._flush()

    def finish(self) -> None:
        """Make the raw table of everything that was added."""
        if self._rows or not self._is_begun:
            self._flush()
        cells = [f"nullif(trim({column}, {_BLANKS}), '') as {column}" for column in self._columns]
        self._engine.materialize(self._name, f"select input_row, {', '.join(cells)} from collected_rows")
        self._engine.drop("collected_rows")

    def forget(self) -> None:
        """Drop what was collected: the file is no proper table."""
        self._engine.drop("collected_rows")

    def _flush(self) -> None:
        import numpy as np

        arrays = {"input_row": np.array(self._numbers, dtype=np.int64)}
        columns = zip(*self._rows, strict=True) if self._rows else ((),) * len(self._columns)
        for column, cells in zip(self._columns, columns, strict=True):
            arrays[column] = np.empty(len(cells), dtype=object)
            arrays[column][:] = cells
        name = "collected_rows" if not self._is_begun else "collected_block"
        self._engine.materialize_arrays(name, arrays)
        if self._is_begun:
            self._engine.insert("collected_rows", "select * from collected_block")
            self._engine.drop("collected_block")
        self._is_begun = True
        self._rows, self._numbers = [], []


def column_name_faults(names: Sequence[str]) -> tuple[str, ...]:
    """Say which columns have no name or share one; by position, because a name may be a value in the wrong place."""
    empty = RowNumbers()
    places: dict[str, RowNumbers] = {}
    for position, name in enumerate(names, start=1):
        places.setdefault(name, RowNumbers()).add(position)
        if not name:
            empty.add(position)
    faults = [
        f"rule repeated_column: two columns have the same name ({where.text('column', 'columns')})."
        for name, where in places.items()
        if name and where.count > 1
    ]
    if empty.count:
        faults.append(f"rule column_name: a column has no name ({empty.text('column', 'columns')}).")
    return tuple(faults)
