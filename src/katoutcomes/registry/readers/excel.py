"""Sheets of workbooks (.xlsx, .xls, .ods) as raw tables, cell by cell, through python-calamine (the extra `excel`)."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from katoutcomes.errors import OptionError
from katoutcomes.registry.readers.frames import cell_text
from katoutcomes.registry.readers.raw_rows import FileDialect, RawTable, RowNumbers, TextRows, column_name_faults
from katoutcomes.registry.readers.sheet_errors import unknown_cells
from katoutcomes.registry.readers.unread_parts import workbook_findings
from katoutcomes.registry.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from katoutcomes.registry.engines.engine import Engine

_UNREADABLE = "rule workbook: the file cannot be read as a workbook; is it cut off, or protected by a password?"
_SECONDS_A_DAY = 86_400
REGISTRY_WORKBOOK = "registry"
"""Name of a workbook whose sheets are named as the tables of the schema."""


def sheet_names(path: Path) -> tuple[str, ...]:
    """Return the names of the sheets of a workbook, in its order; none if it cannot be read.

    Raises
    ------
    OptionError
        If python-calamine is not installed.
    """
    book = _opened(path)
    return () if book is None else tuple(book.sheet_names)


def read_raw_sheet(engine: Engine, path: Path, name: str, dialect: FileDialect) -> RawTable:
    """Read a sheet of a workbook into a raw table; see `raw_tables.read_raw`.

    Row numbers count from the row under the column names, empty rows included, so that row n stands n rows below it.
    Empty rows at the end and columns with neither a name nor a cell are as good as not there.

    Raises
    ------
    OptionError
        If python-calamine is not installed.
    """
    book = _opened(path)
    if book is None:
        return RawTable(path.name, name, (), 0, (_UNREADABLE,))
    chosen = dialect.sheet or (book.sheet_names[0] if len(book.sheet_names) == 1 else "")
    if not chosen:
        fault = f'rule sheet: the workbook holds {len(book.sheet_names)} sheets; name the one to read (sheet = "…").'
        return RawTable(path.name, name, (), 0, (fault,))
    if chosen not in book.sheet_names:
        return RawTable(path.name, name, (), 0, (f"rule sheet: there is no sheet {chosen!r}.",))
    sheet = _attempt(lambda: book.get_sheet_by_name(chosen))
    rows = None if sheet is None else _attempt(lambda: sheet.to_python(skip_empty_area=False))
    if sheet is None or rows is None:
        return RawTable(path.name, name, (), 0, (_UNREADABLE,))
    faults = _cell_faults(path, chosen, sheet, dialect.skip_rows)
    raw = _raw_table(engine, path.name, name, rows[dialect.skip_rows :], faults)
    return replace(
        raw, findings=workbook_findings(path, path.name, _other_sheets(path, book, chosen), book.sheet_names)
    )


def _other_sheets(path: Path, book: Any, chosen: str) -> list[tuple[int, list[list[Any]]]]:
    """Return place and rows of the sheets that are not read; tables of the schema are read, each by itself."""
    names = {schema.name for schema in TABLES} if path.stem == REGISTRY_WORKBOOK else {chosen}
    others = [(place, title) for place, title in enumerate(book.sheet_names, start=1) if title not in names]
    rows = [(place, _sheet_rows(book, title)) for place, title in others]
    return [(place, found) for place, found in rows if found]


def _sheet_rows(book: Any, title: str) -> list[list[Any]] | None:
    rows: list[list[Any]] | None = _attempt(lambda: book.get_sheet_by_name(title).to_python())
    return rows


def _raw_table(engine: Engine, file: str, name: str, rows: list[list[Any]], faults: list[str]) -> RawTable:
    texts = [[_text(cell) for cell in row] for row in rows]
    while texts and not any(cell.strip() for cell in texts[-1]):
        texts.pop()
    if not texts or not any(cell.strip() for cell in texts[0]):
        return RawTable(file, name, (), 0, (*faults, "rule header: there is no row of column names."))
    header, data = [cell.strip() for cell in texts[0]], texts[1:]
    kept = [position for position, column in enumerate(header) if column or any(row[position].strip() for row in data)]
    names = tuple(header[position] for position in kept)
    faults += column_name_faults(names)
    repeated = RowNumbers()
    writer = TextRows(engine, name, len(names))
    for number, row in enumerate(data, start=1):
        if row == texts[0]:
            repeated.add(number)
        writer.add(number, [row[position] for position in kept])
    if repeated.count:
        faults.append(f"rule repeated_header: the row of column names stands among the data ({repeated.text()}).")
    if faults:
        writer.forget()
    else:
        writer.finish()
    return RawTable(file, name, names, len(data), tuple(faults))


def _cell_faults(path: Path, name: str, sheet: Any, skip_rows: int) -> list[str]:
    """Say where cells have no value of their own: error cells, formulas never worked out, merged cells."""
    errors, formulas = unknown_cells(path, name, skip_rows)
    faults = []
    if errors.count:
        where = f" ({errors.text()})" if errors.first else ""
        faults.append(f"rule error_cell: {errors.count} cells hold an error instead of a value{where}.")
    if formulas.count:
        faults.append(
            f"rule formula: {formulas.count} cells hold a formula that was never worked out ({formulas.text()}); "
            "open the workbook, save it, and read it again."
        )
    merged = RowNumbers()
    for (first, _), (last, _) in sheet.merged_cell_ranges or ():
        if last >= skip_rows:
            merged.add(max(first - skip_rows, 0))
    if merged.count:
        faults.append(
            f"rule merged_cells: merged cells hold one value for several places ({merged.text()}; 0 is the row of "
            "column names); unmerge them."
        )
    return faults


def _text(cell: Any) -> str:
    if isinstance(cell, str):
        return cell
    if isinstance(cell, dt.timedelta):
        seconds = int(cell.total_seconds())
        if 0 <= seconds < _SECONDS_A_DAY:
            return cell_text(dt.time(seconds // 3600, seconds // 60 % 60, seconds % 60))
        return str(cell)
    return cell_text(cell)


def _opened(path: Path) -> Any:
    """Return the workbook, None if the file is none."""
    is_installed = True
    try:
        from python_calamine import load_workbook
    except ImportError:
        is_installed = False
    if not is_installed:
        raise OptionError(
            "workbooks are read with python-calamine, which is not installed: pip install 'katoutcomes[excel]'; "
            "or save the sheet as “CSV UTF-8”."
        )
    return _attempt(lambda: load_workbook(str(path)))


def _attempt(action: Callable[[], Any]) -> Any:
    """Return what an action of calamine gives, None where it fails; its messages may quote the file."""
    try:
        return action()
    except Exception:  # noqa: BLE001 - calamine raises errors of many kinds for broken files, and each means the same
        return None
    except BaseException as error:  # a panic inside the library is no Exception
        if type(error).__name__ != "PanicException":
            raise
        return None
