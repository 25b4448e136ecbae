"""`report.pdf`: the report as pages, tagged for screen readers (PDF/UA-1) and fit for archives (PDF/A-2a)."""

from __future__ import annotations

import json
from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from katoutcomes.errors import OptionError, require_option
from katoutcomes.report.wording import DISCLAIMER, SYNTHETIC, VERDICTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from katoutcomes.report.content import ReportContent, Section
    from katoutcomes.report.pictures import Picture
    from katoutcomes.tables.table import Table

PAPERS: dict[str, str] = {"A4": "a4", "Letter": "us-letter"}
"""Paper sizes → how Typst calls them."""

STANDARDS = ("ua-1", "a-2a")

MOST_ROWS = 26
"""Rows of a table that fit on a page, headings of row groups and cells of two lines among them."""
LONG_NAME = 30
"""Letters in a first cell from which on that column gets a share of the page."""

TIMESTAMP = 946_684_800
"""2000-01-01 in seconds since 1970: PDF/A asks for a date of creation, and the same report must give the same bytes."""


def can_write_pdf() -> bool:
    """Return whether the extra ``report``, which makes PDF, is installed."""
    return find_spec("typst") is not None


def report_pdf(content: ReportContent, pictures: Mapping[str, Picture], *, paper: str = "A4") -> bytes:
    """Return the report as a PDF; the same report gives the same bytes with the same version of Typst.

    Parameters
    ----------
    content : ReportContent
    pictures : mapping of str to Picture
        Its figures, drawn, by name.
    paper : {"A4", "Letter"}

    Raises
    ------
    OptionError
        If there is no such paper, a figure has no text alternative, or Typst is not installed
        (``pip install 'katoutcomes[report]'``).
    """
    pdf: bytes = _compiler(content, pictures, paper).compile(
        format="pdf", pdf_standards=list(STANDARDS), timestamp=TIMESTAMP
    )
    return pdf


def report_pages(
    content: ReportContent, pictures: Mapping[str, Picture], *, paper: str = "A4", dots_per_inch: float = 90.0
) -> tuple[bytes, ...]:
    """Return the pages of the PDF as PNG pictures, to be looked at.

    Parameters
    ----------
    content, pictures, paper
        As `report_pdf` takes them.
    dots_per_inch : float

    Raises
    ------
    OptionError
        As `report_pdf`.
    """
    compiled = _compiler(content, pictures, paper).compile(format="png", ppi=dots_per_inch)
    return tuple(compiled) if isinstance(compiled, list) else (compiled,)


def _compiler(content: ReportContent, pictures: Mapping[str, Picture], paper: str) -> Any:
    require_option("paper", paper, PAPERS)
    for figure in content.figures():
        if not figure.alt_text.strip():
            raise OptionError(f"the figure {figure.name} has no text alternative, so it cannot stand in a PDF/UA.")
    if not can_write_pdf():
        raise OptionError("a PDF needs Typst: pip install 'katoutcomes[report]'.")
    typst: Any = import_module("typst")  # its types allow neither tuples nor bytes
    template = (files("katoutcomes.report") / "templates" / "report.typ").read_bytes()
    return typst.Compiler(
        template,
        # The font of the figures; what else is set comes with Typst itself, never from the computer.
        font_paths=[_fonts()],
        ignore_system_fonts=True,
        sys_inputs={"report": json.dumps(_document(content, pictures, PAPERS[paper]), ensure_ascii=False)},
    )


def _fonts() -> str:
    """Return the folder of the fonts that matplotlib brings along (DejaVu, free to embed)."""
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:  # pragma: no cover - a dependency of the package
        raise OptionError("matplotlib, whose fonts the PDF uses, is not installed.")
    return str(Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf")


def _document(content: ReportContent, pictures: Mapping[str, Picture], paper: str) -> dict[str, Any]:
    return {
        "title": content.title,
        "paper": paper,
        "headline": list(content.headline),
        "key_numbers": _pieces(content.key_numbers, most_rows=len(content.key_numbers.rows) or 1),
        "sections": [_section(section, pictures) for section in content.sections],
        "glossary": [{"word": word, "meaning": meaning} for word, meaning in content.glossary],
        "disclaimer": DISCLAIMER,
        "synthetic": SYNTHETIC if content.is_synthetic else "",
    }


def _section(section: Section, pictures: Mapping[str, Picture]) -> dict[str, Any]:
    return {
        "id": section.id,
        "title": section.title,
        "level": section.level,
        "question": section.question,
        "caution": VERDICTS.get(section.verdict, ""),
        "sentences": list(section.sentences),
        "bullets": list(section.bullets),
        "figures": [
            {"svg": pictures[figure.name].svg, "title": figure.title, "alt_text": figure.alt_text}
            for figure in section.figures
        ],
        "tables": [_pieces(table) for table in section.tables],
    }


def _pieces(table: Table, most_rows: int = MOST_ROWS) -> list[dict[str, Any]]:
    """Return a table in pieces of nearly equal length, each short enough for a page."""
    headings = table.row_groups or ("",) * len(table.rows)
    is_text = [position == 0 or is_text for position, is_text in enumerate(table.text_columns())]
    n_pieces = max(1, -(-len(table.rows) // most_rows))
    length = max(1, -(-len(table.rows) // n_pieces))
    pieces = []
    for number in range(n_pieces):
        chosen = slice(number * length, (number + 1) * length)
        rows = zip(headings[chosen], table.rows[chosen], strict=True)
        pieces.append(
            {
                "caption": table.caption + (" (continued)" if number else ""),
                "columns": [table.columns[0] or "What", *table.columns[1:]],
                "is_text": is_text,
                "n_rows": len(table.rows[chosen]),
                "has_long_names": any(len(row[0]) > LONG_NAME for row in table.rows),
                "groups": [
                    {"heading": heading, "rows": [list(row) for _, row in under]}
                    for heading, under in groupby(rows, key=lambda pair: pair[0])
                ],
                "footnotes": list(table.footnotes) if number == n_pieces - 1 else [],
            }
        )
    return pieces
