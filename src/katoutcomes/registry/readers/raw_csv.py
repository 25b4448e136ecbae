"""CSV files of any stated dialect as raw tables: read strictly, and every line that is wrong is known by its number."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

from katoutcomes.registry.readers.csv_structure import row_count
from katoutcomes.registry.readers.raw_rows import (
    SEPARATORS,
    FileDialect,
    RawTable,
    RowNumbers,
    TextRows,
    column_name_faults,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from katoutcomes.registry.engines.engine import Engine

LONGEST_CELL = 131_072
"""Characters; the limit of Python's csv module. A longer cell is mostly a quote that is not closed."""

_SEPARATOR_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}


@dataclass(slots=True)
class _Scan:
    """What has been seen of a file so far."""

    names: tuple[str, ...] = ()
    n_rows: int = 0
    line: int = 0
    wrong_length: RowNumbers = field(default_factory=RowNumbers)
    repeated_header: RowNumbers = field(default_factory=RowNumbers)
    nul_lines: RowNumbers = field(default_factory=RowNumbers)
    faults: list[str] = field(default_factory=list)

    def is_sound(self) -> bool:
        return not (self.wrong_length.count or self.repeated_header.count or self.nul_lines.count or self.faults)

    def _likely_cause(self) -> str:
        if len(self.names) == 1:
            return "if lines stand before the one of column names, say how many (skip_rows)"
        return "a cell that holds the separator stands in quotes"

    def all_faults(self) -> tuple[str, ...]:
        """Say what is wrong, one sentence a rule."""
        found = list(self.faults)
        if self.nul_lines.count:
            found.append(
                f"rule nul: the file holds NUL characters ({self.nul_lines.text('line', 'lines')}); it is no text "
                'file, or it is UTF-16 (encoding = "utf-16").'
            )
        if self.wrong_length.count:
            found.append(
                f"rule row_length: {row_count(self.wrong_length.count)} with fewer or more cells than there are "
                f"columns ({self.wrong_length.text()}); {self._likely_cause()}."
            )
        if self.repeated_header.count:
            found.append(
                f"rule repeated_header: the line of column names stands among the data "
                f"({self.repeated_header.text()}); were files joined?"
            )
        return tuple(found)


def read_raw_csv(engine: Engine, path: Path, name: str, dialect: FileDialect) -> RawTable:
    """Read a CSV file into a raw table; see `read_raw`."""
    scan = _Scan()
    encoding = "utf-8-sig" if dialect.encoding == "utf-8" else dialect.encoding
    if fault := _mark_fault(path, dialect.encoding):
        return RawTable(path.name, name, (), 0, (fault,))
    try:
        with path.open(encoding=encoding, newline="") as file:
            _read(engine, file, name, dialect, scan)
    except csv.Error:
        scan.faults.append(
            f"rule stray_quote: a quote is not closed or stands inside a cell, or a cell is longer than "
            f"{LONGEST_CELL} characters (line {scan.line})."
        )
    except UnicodeError:
        scan.faults = [_encoding_fault(path, dialect.encoding)]
    if not scan.is_sound():
        engine.drop("collected_rows", name)
    return RawTable(path.name, name, scan.names, scan.n_rows, scan.all_faults())


def _read(engine: Engine, file: TextIO, name: str, dialect: FileDialect, scan: _Scan) -> None:
    lines = _lines(file, scan)
    for _ in range(dialect.skip_rows):
        next(lines, None)
    rows = csv.reader(lines, strict=True, delimiter=dialect.separator, quotechar=dialect.quote)
    header = next(rows, None)
    if not header:
        scan.faults.append("rule header: there is no line of column names.")
        return
    scan.names = tuple(column.strip() for column in header)
    if other := _other_separator(header, dialect.separator):
        scan.faults.append(
            f"rule separator: the cells do not seem to be separated by a {_SEPARATOR_NAMES[dialect.separator]} but by "
            f"a {_SEPARATOR_NAMES[other]} (separator = {_quoted(other)})."
        )
        return
    n_named = _without_unnamed_end(scan.names)
    scan.faults += column_name_faults(scan.names[:n_named])
    _read_rows(TextRows(engine, name, n_named), rows, header, n_named, scan)
    scan.names = scan.names[:n_named]


def _read_rows(writer: TextRows, rows: Iterator[list[str]], header: list[str], n_named: int, scan: _Scan) -> None:
    """Read the data rows; columns at the end that have neither a name nor a cell are as good as not there."""
    surplus = RowNumbers()
    for row in rows:
        if not row and len(header) > 1:
            continue  # a blank line
        scan.n_rows += 1
        if len(row) != len(header) and (row or len(header) > 1):
            scan.wrong_length.add(scan.n_rows)
        elif row == header:
            scan.repeated_header.add(scan.n_rows)
        elif any(cell.strip() for cell in row[n_named:]):
            surplus.add(scan.n_rows)
        elif scan.is_sound():
            writer.add(scan.n_rows, (row or [""])[:n_named])
    if surplus.count:
        scan.faults.append(f"rule column_name: columns without a name hold something ({surplus.text()}).")
    if scan.is_sound():
        writer.finish()


def _lines(file: TextIO, scan: _Scan) -> Iterator[str]:
    for line in file:
        scan.line += 1
        if "\0" in line:
            scan.nul_lines.add(scan.line)
        yield line


def _without_unnamed_end(names: tuple[str, ...]) -> int:
    """Return how many columns are left without the ones at the end that have no name."""
    n_named = len(names)
    while n_named > 1 and not names[n_named - 1]:
        n_named -= 1
    return n_named


def _other_separator(header: list[str], separator: str) -> str:
    """Return the separator that a header of a single cell seems to have, "" if there is none."""
    if len(header) > 1:
        return ""
    return next((other for other in SEPARATORS if other != separator and other in header[0]), "")


def _quoted(separator: str) -> str:
    return '"\\t"' if separator == "\t" else f'"{separator}"'


def _mark_fault(path: Path, encoding: str) -> str:
    """Return what is wrong if the file begins with the mark of another encoding."""
    with path.open("rb") as file:
        beginning = file.read(4)
    if beginning[:2] in (b"\xff\xfe", b"\xfe\xff") and encoding != "utf-16":
        return f'rule encoding: the file is UTF-16, not {encoding} (encoding = "utf-16").'
    if beginning[:3] == b"\xef\xbb\xbf" and encoding != "utf-8":
        return f'rule encoding: the file is UTF-8, not {encoding} (encoding = "utf-8").'
    if beginning in (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"PAR1"):
        return "rule csv: this is a workbook, a compressed or a Parquet file, whatever its name says."
    return ""


def _encoding_fault(path: Path, encoding: str) -> str:
    line = 0 if encoding == "utf-16" else undecodable_line(path, encoding)
    where = f" (line {line} is not)" if line else ""
    return (
        f'rule encoding: the file is not {encoding}{where}; say what it is with encoding = "…", '
        "one of utf-8, latin-1, cp1252, utf-16."
    )


def undecodable_line(path: Path, encoding: str) -> int:
    """Return the number of the first line that cannot be decoded, 0 if there is none."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode(encoding)
            except UnicodeDecodeError:
                return number
    return 0
