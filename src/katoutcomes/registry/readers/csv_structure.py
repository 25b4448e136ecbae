"""Whether a CSV file is a table at all: its header, and every line of it, before the data engine reads it.

DuckDB drops whatever follows a quote that is never closed, takes one empty cell too many, and quotes the line in its
error messages. So the structure is checked here, and a file that passes is read by DuckDB as text.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

MOST_LINES_LISTED = 20
_OTHER_SEPARATORS = (";", "\t", "|")
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class CsvStructure:
    """What the structural check of a file found.

    Attributes
    ----------
    n_rows : int
        Data rows, without the header and without blank lines.
    faults : tuple of str
        What is wrong, each a sentence that names the rule and the line numbers.
    """

    n_rows: int
    faults: tuple[str, ...]


@dataclass(slots=True)
class _Lines:
    """Line numbers with one fault: the first of them, and how many there are."""

    first: list[int] = field(default_factory=list)
    count: int = 0

    def add(self, line: int) -> None:
        self.count += 1
        if len(self.first) < MOST_LINES_LISTED:
            self.first.append(line)

    def text(self) -> str:
        listed = ", ".join(str(line) for line in self.first)
        more = ", …" if self.count > len(self.first) else ""
        return f"line {listed}" if self.count == 1 else f"lines {listed}{more}"


def csv_header(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the column names of a CSV file, and what is wrong with its first line."""
    header = None
    is_decodable = True
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader(file, strict=True), None)
    except csv.Error:
        header = None
    except UnicodeDecodeError:
        is_decodable = False
    if not is_decodable:
        return (), (_encoding_fault(path),)
    if not header:
        return (), ("rule header: the first line must hold the column names.",)
    if len(header) == 1 and any(separator in header[0] for separator in _OTHER_SEPARATORS):
        return (), (_separator_fault(header[0]),)
    return tuple(name.strip() for name in header), ()


def check_csv(path: Path, n_columns: int) -> CsvStructure:
    """Check every line of a CSV file.

    Parameters
    ----------
    path : Path
        The file.
    n_columns : int
        Number of columns in its header.

    Returns
    -------
    CsvStructure
        Number of rows and faults: wrong encoding, rows that are too short or too long, cells that hold a line break
        (mostly a quote that is not closed), mixed line endings.
    """
    scan = _Scan()
    try:
        _scan_lines(path, n_columns, scan)
    except csv.Error:
        scan.unreadable_line = scan.line + 1
    except UnicodeDecodeError:
        return CsvStructure(scan.n_rows, (_encoding_fault(path),))
    return CsvStructure(scan.n_rows, scan.faults())


@dataclass(slots=True)
class _Scan:
    """What has been seen of a file so far."""

    line: int = 0
    n_rows: int = 0
    wrong_length: _Lines = field(default_factory=_Lines)
    broken_cells: _Lines = field(default_factory=_Lines)
    repeated_header: _Lines = field(default_factory=_Lines)
    unreadable_line: int = 0
    has_mixed_endings: bool = False

    def faults(self) -> tuple[str, ...]:
        """Say what is wrong, one sentence a rule."""
        found = []
        if self.wrong_length.count:
            found.append(
                f"rule row_length: {row_count(self.wrong_length.count)} with fewer or more cells than the header has "
                f"columns ({self.wrong_length.text()}); a cell that holds a comma stands in double quotes."
            )
        if self.broken_cells.count:
            found.append(
                f"rule stray_quote: {row_count(self.broken_cells.count)} running over the end of a line "
                f"({self.broken_cells.text()}); a quote is not closed, or a cell holds a line break."
            )
        if self.repeated_header.count:
            found.append(
                f"rule repeated_header: the line of column names stands among the data "
                f"({self.repeated_header.text()}); were files joined?"
            )
        if self.unreadable_line:
            found.append(
                f"rule stray_quote: a quote is not closed, or stands inside a cell (line {self.unreadable_line})."
            )
        if self.has_mixed_endings and not self.broken_cells.count:
            found.append("rule line_ending: all lines must end in the same way.")
        return tuple(found)


def _scan_lines(path: Path, n_columns: int, scan: _Scan) -> None:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        header = next(reader)
        scan.line = reader.line_num
        for row in reader:
            if row or n_columns == 1:  # a blank line is a row where there is one column, and nothing otherwise
                scan.n_rows += 1
            if row == header:
                scan.repeated_header.add(scan.line + 1)
            if row and len(row) != n_columns:
                scan.wrong_length.add(scan.line + 1)
            if reader.line_num != scan.line + 1:
                scan.broken_cells.add(scan.line + 1)
            scan.line = reader.line_num
        scan.has_mixed_endings = isinstance(file.newlines, tuple)


def row_count(number: int) -> str:
    """Return how many rows, in words.

    Examples
    --------
    >>> row_count(1), row_count(2)
    ('1 row', '2 rows')
    """
    return "1 row" if number == 1 else f"{number} rows"


def _separator_fault(header: str) -> str:
    """Say which line of a mapping file would read a file that another separator divides."""
    separator = next(separator for separator in _OTHER_SEPARATORS if separator in header)
    written = "tab" if separator == "\t" else separator
    return (
        "rule separator: cells must be separated by commas (line 1); a mapping file reads other separators "
        f'(separator = "{written}").'
    )


def _encoding_fault(path: Path) -> str:
    """Say where a file is not UTF-8, and which line of a mapping file would read it."""
    with path.open("rb") as file:
        is_utf_16 = file.read(2) in _UTF_16_MARKS
    stated = 'encoding = "utf-16"' if is_utf_16 else 'encoding = "cp1252"'
    return (
        f"rule encoding: the file must be UTF-8 (line {_undecodable_line(path)} is not); save it as “CSV UTF-8”, or "
        f"read it with a mapping file that says what it is ({stated})."
    )


def _undecodable_line(path: Path) -> int:
    """Return the number of the first line that is not UTF-8, 0 if there is none."""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                return number
    return 0
