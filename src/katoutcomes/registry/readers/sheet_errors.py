"""Cells of a workbook that show an error or a formula without a result; calamine gives both as empty cells.

Looked up in the file itself: in the sheet's XML of .xlsx, in the content of .ods. A binary .xls says nothing about them
that could be found this way.
"""

from __future__ import annotations

import re
import zipfile
from typing import TYPE_CHECKING
from xml.sax.saxutils import unescape

from katoutcomes.registry.readers.raw_rows import RowNumbers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_ROW = re.compile(r"<(?:\w+:)?row\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?row>)", re.DOTALL)
_CELL = re.compile(r"<(?:\w+:)?c\b([^>]*?)(?:/>|>(.*?)</(?:\w+:)?c>)", re.DOTALL)
_FORMULA = re.compile(r"<(?:\w+:)?f\b")
_RESULT = re.compile(r"<(?:\w+:)?v>[^<]")
_SHEET = re.compile(r"<(?:\w+:)?sheet\b[^>]*>")
_RELATION = re.compile(r"<(?:\w+:)?Relationship\b[^>]*>")
_ODS_ERROR = 'calcext:value-type="error"'


def unknown_cells(path: Path, sheet: str, skip_rows: int) -> tuple[RowNumbers, RowNumbers]:
    """Find cells without a value of their own.

    Parameters
    ----------
    path : Path
        The workbook.
    sheet : str
        Name of the sheet.
    skip_rows : int
        Rows before the one of column names.

    Returns
    -------
    errors : RowNumbers
        Data rows with an error cell, one entry a cell; no numbers for .ods.
    formulas : RowNumbers
        Data rows with a formula whose result is not in the file.
    """
    errors, formulas = RowNumbers(), RowNumbers()
    if not zipfile.is_zipfile(path):
        return errors, formulas
    try:
        with zipfile.ZipFile(path) as archive:
            if "content.xml" in archive.namelist():
                errors.count = archive.read("content.xml").count(_ODS_ERROR.encode())
            else:
                _scan_sheet(_sheet_text(archive, sheet), skip_rows, errors, formulas)
    except (KeyError, zipfile.BadZipFile, UnicodeDecodeError, EOFError, OSError, RuntimeError):
        return errors, formulas  # calamine has read the sheet; what it was made of is laid out unusually
    return errors, formulas


def _scan_sheet(text: str, skip_rows: int, errors: RowNumbers, formulas: RowNumbers) -> None:
    for number, cells in _rows(text):
        if number <= skip_rows:
            continue
        for attributes, content in _CELL.findall(cells):
            kind = _attribute(attributes, "t")
            if kind == "e":
                errors.add(number - skip_rows - 1)
            elif kind != "str" and _FORMULA.search(content) and not _RESULT.search(content):
                formulas.add(number - skip_rows - 1)


def _rows(text: str) -> Iterator[tuple[int, str]]:
    number = 0
    for match in _ROW.finditer(text):
        written = _attribute(match.group(1), "r")
        number = int(written) if written.isdigit() else number + 1
        yield number, match.group(2) or ""


def _sheet_text(archive: zipfile.ZipFile, sheet: str) -> str:
    """Return the XML of the sheet with that name; KeyError if it is not where the workbook says."""
    relation = next(
        _attribute(tag, "r:id") or _attribute(tag, "id")
        for tag in (*_SHEET.findall(archive.read("xl/workbook.xml").decode("utf-8")), "")
        if not tag or unescape(_attribute(tag, "name"), {"&quot;": '"', "&apos;": "'"}) == sheet
    )
    target = next(
        _attribute(tag, "Target")
        for tag in (*_RELATION.findall(archive.read("xl/_rels/workbook.xml.rels").decode("utf-8")), "")
        if not tag or _attribute(tag, "Id") == relation
    )
    place = target.lstrip("/") if target.startswith("/") else f"xl/{target}"
    return archive.read(place).decode("utf-8")


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf"(?<![\w:]){name}=(?:\"([^\"]*)\"|'([^']*)')", tag)
    return "" if found is None else (found.group(1) or found.group(2) or "")
