"""A table as a Word document, the same bytes on every run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from katoutcomes.errors import OptionError

if TYPE_CHECKING:
    from katoutcomes.tables.table import Table

_FIRST_ZIP_DAY = (1980, 1, 1, 0, 0, 0)
_NO_CLOCK = datetime(2000, 1, 1, tzinfo=UTC)
"""A document must name a time; this one is the same everywhere."""
_NOTE_POINTS = 8


def word_document(table: Table) -> bytes:
    """Return a document with the caption, the table, its header row repeated on every page, and the notes below.

    Parameters
    ----------
    table : Table
        What is written.

    Raises
    ------
    OptionError
        If python-docx is not installed.
    """
    document = _new_document()
    document.add_paragraph(table.caption, style="Caption")
    if table.question:
        document.add_paragraph(table.question)
    grid = document.add_table(rows=1, cols=len(table.columns), style="Table Grid")
    _fill(grid.rows[0], table.columns, is_bold=True)
    _repeat_on_every_page(grid.rows[0])
    for heading, rows in table.groups():
        if heading:
            cells = grid.add_row().cells
            cells[0].merge(cells[-1])
            _write(cells[0], heading, is_bold=True)
        for row in rows:
            _fill(grid.add_row(), row, is_bold=False)
    for note in table.footnotes:
        _small(document.add_paragraph(note))
    _without_clock(document, table.caption)
    return _with_fixed_times(document)


def _new_document() -> Any:
    try:
        from docx import Document
    except ImportError:
        message = "to_docx needs python-docx: pip install 'katoutcomes[docx]'."
    else:
        return Document()
    raise OptionError(message)


def _fill(row: Any, texts: tuple[str, ...], *, is_bold: bool) -> None:
    for cell, text in zip(row.cells, texts, strict=True):
        _write(cell, text, is_bold=is_bold)


def _write(cell: Any, text: str, *, is_bold: bool) -> None:
    cell.text = ""
    cell.paragraphs[0].add_run(text).bold = is_bold


def _small(paragraph: Any) -> None:
    from docx.shared import Pt

    for run in paragraph.runs:
        run.font.size = Pt(_NOTE_POINTS)


def _repeat_on_every_page(row: Any) -> None:
    """Mark a row as the header, which screen readers announce and Word repeats."""
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    mark = OxmlElement("w:tblHeader")
    mark.set(qn("w:val"), "true")
    row._tr.get_or_add_trPr().append(mark)  # noqa: SLF001 - python-docx has no public name for it


def _without_clock(document: Any, title: str) -> None:
    properties = document.core_properties
    properties.author = properties.last_modified_by = "katoutcomes"
    properties.title, properties.comments, properties.revision = title[:255], "", 1
    properties.created = properties.modified = _NO_CLOCK


def _with_fixed_times(document: Any) -> bytes:
    """Return the document's bytes with the files of its archive in one order and without the time of writing."""
    from io import BytesIO
    from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

    saved, written = BytesIO(), BytesIO()
    document.save(saved)
    with ZipFile(saved) as archive, ZipFile(written, "w", ZIP_DEFLATED) as fixed:
        # The list of content types comes first, as readers expect.
        for name in sorted(archive.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            entry = ZipInfo(name, _FIRST_ZIP_DAY)
            entry.compress_type = ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            fixed.writestr(entry, archive.read(name))
    return written.getvalue()
