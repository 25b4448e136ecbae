"""A table as LaTeX and as a Word document: every cell arrives, nothing is taken for markup, the bytes never change."""

from __future__ import annotations

import hashlib
import sys
import zipfile
from dataclasses import replace
from io import BytesIO

import pytest

import katoutcomes as kat
from katoutcomes.errors import OptionError
from katoutcomes.tables.latex import escaped
from katoutcomes.tables.table import Table

TABLE = Table(
    "shares",
    "Shares & 95% intervals",
    ("Class", "Patients_all", "Share"),
    (("improved", "18 of 40", "45%"), ("worse #1", "<11", "hidden"), ("{same}", "\u22121.5 \u2013 \u221e", "~^\\$")),
    ("<11: few.", "Method: Wilson."),
    ("first", "first", "second"),
)


def test_latex_has_every_cell_heading_and_note():
    text = TABLE.to_latex()
    assert text.startswith("\\begin{table}\n\\caption{Shares \\& 95\\% intervals}\n\\label{tab:shares}\n")
    assert "Class & Patients\\_all & Share \\\\" in text
    assert "improved & 18 of 40 & 45\\% \\\\" in text
    assert "worse \\#1 & \\textless{}11 & hidden \\\\" in text
    assert "\\{same\\} & $-$1.5 -- $\\infty$ & \\textasciitilde{}\\textasciicircum{}\\textbackslash{}\\$ \\\\" in text
    assert text.count("\\multicolumn{3}{l}{\\textit{") == 2
    assert "\\par\\footnotesize \\textless{}11: few.\n\\par\\footnotesize Method: Wilson.\n\\end{table}\n" in text


def test_latex_sets_the_question_between_caption_and_cells():
    text = replace(TABLE, question="Who improved by 50%?").to_latex()
    assert "\\label{tab:shares}\n{\\small Who improved by 50\\%?\\par}\n\\begin{tabular}" in text
    assert "small" not in TABLE.to_latex().replace("footnotesize", "")


def test_latex_opens_and_closes_what_it_opens():
    text = TABLE.to_latex()
    assert text.count("\\begin{") == text.count("\\end{") == 2
    without_escapes = text.replace("\\{", "").replace("\\}", "")
    assert without_escapes.count("{") == without_escapes.count("}")


@pytest.mark.parametrize("letter", list("&%$#_{}~^\\<>|"))
def test_no_letter_that_latex_knows_is_left_alone(letter):
    assert escaped(letter) != letter
    assert escaped(f"a{letter}b").startswith("a")


@pytest.fixture
def document():
    docx = pytest.importorskip("docx")
    return docx.Document(BytesIO(TABLE.to_docx()))


def test_word_has_caption_cells_headings_and_notes(document):
    texts = [paragraph.text for paragraph in document.paragraphs]
    assert texts == ["Shares & 95% intervals", "<11: few.", "Method: Wilson."]
    (grid,) = document.tables
    rows = [[cell.text for cell in row.cells] for row in grid.rows]
    assert rows[0] == list(TABLE.columns)
    assert rows[1] == ["first"] * 3  # one merged cell
    assert rows[2] == list(TABLE.rows[0])
    assert rows[4] == ["second"] * 3
    assert rows[5] == list(TABLE.rows[2])
    assert "tblHeader" in grid.rows[0]._tr.xml


def test_word_names_no_clock_and_no_machine(document):
    properties = document.core_properties
    assert (properties.author, properties.comments, properties.created.year) == ("katoutcomes", "", 2000)
    with zipfile.ZipFile(BytesIO(TABLE.to_docx())) as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert archive.testzip() is None


def test_word_is_the_same_bytes_every_time():
    pytest.importorskip("docx")
    assert hashlib.sha256(TABLE.to_docx()).digest() == hashlib.sha256(TABLE.to_docx()).digest()


def test_without_the_extra_the_message_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "docx", None)
    with pytest.raises(OptionError, match=r"katoutcomes\[docx\]"):
        TABLE.to_docx()


def test_every_format_shows_the_same_released_cells():
    docx = pytest.importorskip("docx")
    registry = kat.simulate_registry(seed=1, n_patients=60)
    table = kat.release(kat.describe(kat.select_cohort(registry).analysis_set("PHQ-9"))).to_table()
    (grid,) = docx.Document(BytesIO(table.to_docx())).tables
    cells = [row for row in ([cell.text for cell in row.cells] for row in grid.rows[1:]) if len(set(row)) > 1]
    assert [tuple(row) for row in cells] == [row for row in table.rows if len(set(row)) > 1]
    for row in table.rows:
        assert " & ".join(map(escaped, row)) in table.to_latex()
