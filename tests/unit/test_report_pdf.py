"""The PDF: tagged, with text alternatives or not at all, on the paper asked for, the same bytes again."""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

import katoutcomes as kat
from katoutcomes.figures.drawing.layout import new_page
from katoutcomes.figures.figure import Figure
from katoutcomes.report.content import ReportContent, Section
from katoutcomes.report.pdf import MOST_ROWS, report_pdf
from katoutcomes.report.pictures import draw_pictures
from katoutcomes.tables.table import Table

pikepdf = pytest.importorskip("pikepdf")
pytest.importorskip("typst")

ALT = "A square with nothing in it; n = 12."


def content(**changes: Any) -> ReportContent:
    figure = Figure("square", "A square", ALT, ("x",), ((1.0,),), lambda: new_page(200, 100).figure)
    long = Table(
        "long",
        "A table of several pages",
        ("", "Patients", "Share"),
        tuple((f"row {number}", str(number), "50%") for number in range(2 * MOST_ROWS + 3)),
        footnotes=("Method: counts.",),
        row_groups=tuple("first half" if number < MOST_ROWS else "second half" for number in range(2 * MOST_ROWS + 3)),
    )
    numbers = Table("key_numbers", "At a glance", ("What", "Number"), (("Mean change", "\u22125.7"), ("Few", "<11")))
    sections = (
        Section("flow", "Who & <why>", sentences=("A sentence with *stars* and #hash.",), figures=(figure,)),
        Section("inner", "Inside", level=3, verdict="withhold", bullets=("One reason.",), tables=(long,)),
        Section("cannot-say", "What this cannot say", bullets=("Everything else.",)),
    )
    made = ReportContent(
        title="Outcomes <& more>",
        is_synthetic=True,
        headline=("One sentence.",),
        key_numbers=numbers,
        glossary=(("Change", "Follow-up minus baseline."),),
        sections=sections,
        results=(),
    )
    return replace(made, **changes)


@pytest.fixture(scope="module")
def pdf() -> bytes:
    return report_pdf(content(), draw_pictures(content()))


def elements(node: Any) -> Iterator[Any]:
    """Every structure element below a node, in reading order."""
    kids = node.get("/K", [])
    for kid in kids if isinstance(kids, pikepdf.Array) else [kids]:
        if isinstance(kid, pikepdf.Dictionary) and "/S" in kid:
            yield kid
            yield from elements(kid)


def test_it_says_that_it_is_tagged_and_keeps_both_standards(pdf: bytes) -> None:
    with pikepdf.open(BytesIO(pdf)) as opened:
        assert opened.Root.MarkInfo.Marked
        assert str(opened.Root.Lang) == "en"
        assert opened.Root.ViewerPreferences.DisplayDocTitle
        said = opened.Root.Metadata.read_bytes().decode()
        assert "Outcomes &lt;&amp; more&gt;" in said
        assert re.search(r"pdfuaid:part>1<", said)
        assert re.search(r"pdfaid:part>2<", said)
        assert re.search(r"pdfaid:conformance>A<", said)


def test_headings_tables_lists_and_figures_are_told_apart(pdf: bytes) -> None:
    with pikepdf.open(BytesIO(pdf)) as opened:
        found = list(elements(opened.Root.StructTreeRoot))
        kinds = [str(one.S).lstrip("/") for one in found]
        alternatives = [str(one.Alt) for one in found if str(one.S) == "/Figure" and "/Alt" in one]
    headings = [kind for kind in kinds if re.fullmatch(r"H[1-6]", kind)]
    assert headings == ["H1", "H2", "H1", "H1"]
    assert alternatives == [ALT]
    assert kinds.count("Table") == 1 + 3  # page one, and the long table in three pieces
    assert kinds.count("TH") == 2 + 3 * 3
    assert kinds.count("Caption") >= 4
    assert "L" in kinds


def test_every_font_is_inside(pdf: bytes) -> None:
    with pikepdf.open(BytesIO(pdf)) as opened:
        fonts = [one for one in opened.objects if isinstance(one, pikepdf.Dictionary) and one.get("/FontName")]
        assert fonts
        assert all(any(key in one for key in ("/FontFile", "/FontFile2", "/FontFile3")) for one in fonts)


@pytest.mark.parametrize(("paper", "size"), [("A4", (595, 842)), ("Letter", (612, 792))])
def test_paper(paper: str, size: tuple[int, int]) -> None:
    made = report_pdf(content(), draw_pictures(content()), paper=paper)
    with pikepdf.open(BytesIO(made)) as opened:
        assert {tuple(round(float(edge)) for edge in page.mediabox[2:]) for page in opened.pages} == {size}


def test_the_same_bytes_again(pdf: bytes) -> None:
    assert report_pdf(content(), draw_pictures(content())) == pdf


def test_a_figure_without_text_alternative_is_an_error() -> None:
    made = content()
    silent = replace(made.sections[0].figures[0], alt_text=" ")
    sections = (replace(made.sections[0], figures=(silent,)), *made.sections[1:])
    with pytest.raises(kat.OptionError, match="square has no text alternative"):
        report_pdf(replace(made, sections=sections), draw_pictures(made))


def test_typst_itself_refuses_a_picture_without_text_alternative(tmp_path: Path) -> None:
    """The check above is ours; the standard asked for would catch it too."""
    import typst

    template = (importlib.resources.files("katoutcomes.report") / "templates" / "report.typ").read_text("utf-8")
    assert "alt: one.alt_text" in template
    silent = b'#set document(title: "t")\n#image(bytes("<svg xmlns=\'http://www.w3.org/2000/svg\'/>"))'
    with pytest.raises(typst.TypstError, match="alt"):
        typst.compile(silent, format="pdf", pdf_standards=["ua-1"])


def test_an_unknown_paper_is_named() -> None:
    with pytest.raises(kat.OptionError, match="'A4', 'Letter'"):
        report_pdf(content(), {}, paper="A5")


def test_without_typst_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("katoutcomes.report.pdf.find_spec", lambda name: None)
    with pytest.raises(kat.OptionError, match=re.escape("pip install 'katoutcomes[report]'")):
        report_pdf(content(), draw_pictures(content()))


def test_a_checker_of_accessible_pdf_finds_nothing(pdf: bytes, tmp_path: Path) -> None:
    pytest.importorskip("pdfua")
    import subprocess
    import sys

    path = tmp_path / "report.pdf"
    path.write_bytes(pdf)
    ran = subprocess.run(
        [sys.executable, "-m", "pdfua", "check", str(path)], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "no findings" in ran.stdout
