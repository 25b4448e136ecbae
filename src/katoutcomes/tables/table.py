"""A table as text cells, and its ways onto a page: HTML, Markdown, LaTeX, CSV and Word."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from itertools import groupby

from katoutcomes.errors import OptionError
from katoutcomes.results.formatting import HIDDEN

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""A spreadsheet takes a cell that begins so for a formula."""
_WORDS = re.compile(
    r'<caption|<th scope="row(?:group)?"|<th scope="col" class="text"|<td (?:class="text"|colspan="\d+")'
)
"""What `Table.to_html` begins a cell with that holds words."""


def table_name(*words: str) -> str:
    """Return words as the name of a table: lower case, digits and underscores.

    Examples
    --------
    >>> table_name("change_from_baseline", "PHQ-9", "")
    'change_from_baseline_phq_9'
    """
    return re.sub(r"[^a-z0-9]+", "_", "_".join(word for word in words if word).lower()).strip("_")


@dataclass(frozen=True, slots=True, repr=False)
class Table:
    """Formatted text in rows and columns, with what a reader must know below it.

    Attributes
    ----------
    name : str
        File stem: lower case letters, digits and underscores.
    caption : str
        What stands above it.
    columns : tuple of str
        Headings; the first column names the row.
    rows : tuple of tuple of str
        One tuple a row, as long as `columns`.
    footnotes : tuple of str
        Sentences below: method, definitions, what is hidden.
    row_groups : tuple of str
        The heading above each row, equal for the rows that stand under one heading; empty if there are none.
    question : str
        What is asked, in a sentence between caption and table; empty where the caption says it.

    Examples
    --------
    >>> table = Table("shares", "Shares", ("Class", "Patients"), (("improved", "18 of 40"), ("worse", "<11")))
    >>> print(table)
    Shares
    <BLANKLINE>
    Class     Patients
    --------  --------
    improved  18 of 40
    worse          <11
    >>> print(table.to_csv(), end="")
    Class,Patients
    improved,18 of 40
    worse,<11
    """

    name: str
    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    footnotes: tuple[str, ...] = ()
    row_groups: tuple[str, ...] = ()
    question: str = ""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise OptionError("the name of a table is made of lower case letters, digits and underscores.")
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"table {self.name!r}: a row has {len(row)} cells, {len(self.columns)} needed.")
        if self.row_groups and len(self.row_groups) != len(self.rows):
            raise ValueError(f"table {self.name!r}: every row needs its heading, or none has one.")

    def groups(self) -> list[tuple[str, list[tuple[str, ...]]]]:
        """Return the rows under their headings, in order; the heading is ``""`` where there are none."""
        headings = self.row_groups or ("",) * len(self.rows)
        pairs = zip(headings, self.rows, strict=True)
        return [(heading, [row for _, row in under]) for heading, under in groupby(pairs, key=lambda pair: pair[0])]

    def text_columns(self) -> list[bool]:
        """Return which columns hold words rather than numbers; all of them where there is no row."""
        return [_is_text(column) for column in zip(*self.rows, strict=True)] or [True] * len(self.columns)

    def to_html(self) -> str:
        """Return one ``<table>`` with caption, header cells with their scope, and footnotes; all text escaped."""
        is_text = self.text_columns()
        heads = "".join(
            f'<th scope="col"{_class_of(text)}>{escape(column)}</th>' if column else "<td></td>"
            for column, text in zip(self.columns, is_text, strict=True)
        )
        caption = escape(self.caption) + (f"<br><small>{escape(self.question)}</small>" if self.question else "")
        lines = ["<table>", f"<caption>{caption}</caption>", f"<thead><tr>{heads}</tr></thead>"]
        for heading, rows in self.groups():
            lines.append("<tbody>")
            if heading:
                lines.append(f'<tr><th scope="rowgroup" colspan="{len(self.columns)}">{escape(heading)}</th></tr>')
            lines += [_html_row(row, is_text) for row in rows]
            lines.append("</tbody>")
        if self.footnotes:
            notes = [f'<tr><td colspan="{len(self.columns)}">{escape(note)}</td></tr>' for note in self.footnotes]
            lines += ["<tfoot>", *notes, "</tfoot>"]
        return "\n".join([*lines, "</table>"])

    def to_markdown(self) -> str:
        """Return caption, pipe table and footnotes; headings of row groups are bold rows."""
        lines = [f"**{_markdown(self.caption)}**", ""]
        lines += [_markdown(self.question), ""] if self.question else []
        lines.append(_markdown_row(self.columns))
        lines.append("|" + "|".join([" :--- ", *([" ---: "] * (len(self.columns) - 1))]) + "|")
        for heading, rows in self.groups():
            if heading:
                lines.append(f"| **{_markdown(heading)}** |" + " |" * (len(self.columns) - 1))
            lines += [_markdown_row(row) for row in rows]
        for note in self.footnotes:
            lines += ["", _markdown(note)]
        return "\n".join(lines)

    def to_csv(self) -> str:
        """Return the cells as comma-separated text with a header line; headings of row groups are a first column.

        The cells are what the page shows ("18 of 40", "<11"); for numbers take `Result.to_frame`.
        """
        import csv
        from io import StringIO

        written = StringIO()
        writer = csv.writer(written, lineterminator="\n")
        groups = self.row_groups
        writer.writerow(("Section", *self.columns) if groups else self.columns)
        for position, row in enumerate(self.rows):
            cells = (groups[position], *row) if groups else row
            writer.writerow([_csv_cell(cell) for cell in cells])
        return written.getvalue()

    def to_latex(self) -> str:
        r"""Return a ``table`` environment with caption, label and notes; it needs ``\usepackage{booktabs}``."""
        from katoutcomes.tables.latex import latex

        return latex(self)

    def to_docx(self) -> bytes:
        """Return a Word document with caption, table and notes, the same bytes on every run.

        Raises
        ------
        OptionError
            If python-docx is not installed (``pip install 'katoutcomes[docx]'``).
        """
        from katoutcomes.tables.word_document import word_document

        return word_document(self)

    def _repr_html_(self) -> str:
        # Notebooks put every cell at the right; words and footnotes of several lines are hard to read there.
        return _WORDS.sub(r'\g<0> style="text-align: left"', self.to_html())

    def __repr__(self) -> str:
        # What a person wants to see of a table in a terminal is the table.
        return str(self)

    def __str__(self) -> str:
        widths = [max(map(len, column)) for column in zip(self.columns, *self.rows, strict=True)]
        above = [self.caption, self.question] if self.question else [self.caption]
        lines = [*above, "", _aligned(self.columns, widths), "  ".join("-" * width for width in widths)]
        for heading, rows in self.groups():
            lines += [heading] if heading else []
            lines += [_aligned(row, widths) for row in rows]
        lines += ["", *self.footnotes] if self.footnotes else []
        return "\n".join(lines)


def _html_row(row: tuple[str, ...], is_text: list[bool]) -> str:
    data = "".join(f"<td{_class_of(text)}>{escape(cell)}</td>" for cell, text in zip(row[1:], is_text[1:], strict=True))
    return f'<tr><th scope="row">{escape(row[0])}</th>{data}</tr>'


def _is_text(cells: tuple[str, ...]) -> bool:
    """Return whether a column holds words: nothing in it is hidden or begins like a number, a dash or a mark."""
    return not any(cell and (cell.startswith(HIDDEN) or not cell[0].isalpha()) for cell in cells) and any(cells)


def _class_of(is_text: bool) -> str:
    return ' class="text"' if is_text else ""


def _markdown(text: str) -> str:
    """Return text that Markdown shows as it is."""
    escaped = re.sub(r"([\\`*_\[\]|])", r"\\\1", " ".join(text.split()))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _markdown_row(row: tuple[str, ...]) -> str:
    return "| " + " | ".join(_markdown(cell) for cell in row) + " |"


def _csv_cell(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA_STARTS) else cell


def _aligned(row: tuple[str, ...], widths: list[int]) -> str:
    cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
    return "  ".join(cells).rstrip()
