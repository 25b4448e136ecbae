"""A table on a page: HTML with scopes and escapes, Markdown with the right number of cells, CSV without formulas."""

import csv
import io
from html.parser import HTMLParser

import pytest

from katoutcomes.errors import OptionError
from katoutcomes.tables.table import Table, table_name

PLAIN = Table("shares", "Shares", ("Class", "Patients"), (("improved", "18 of 40"), ("worse", "<11")), ("A note.",))
GROUPED = Table(
    "shares",
    "A & B <caption>",
    ("Class", "Patients | all", "Share"),
    (("*bold*", "1", "2"), ("a|b", "<11", "hidden"), ("_c_", "–", "")),
    ("<11: few.", "See [1]."),
    ("first <group>", "first <group>", "second"),
)


class Reader(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.events, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.events.append((tag, dict(attrs)))

    def handle_data(self, data):
        if data.strip():
            self.texts.append(data)


def test_html_has_caption_scopes_and_footnotes():
    page = Reader(PLAIN.to_html())
    tags = [tag for tag, _ in page.events]
    assert tags[:2] == ["table", "caption"]
    assert [tag for tag in tags if tag in {"thead", "tbody", "tfoot"}] == ["thead", "tbody", "tfoot"]
    scopes = [attributes["scope"] for tag, attributes in page.events if tag == "th"]
    assert scopes == ["col", "col", "row", "row"]
    assert page.texts == ["Shares", "Class", "Patients", "improved", "18 of 40", "worse", "<11", "A note."]


def test_a_notebook_which_puts_cells_at_the_right_leaves_words_at_the_left():
    left = ' style="text-align: left"'
    assert PLAIN._repr_html_().replace(left, "") == PLAIN.to_html()
    assert GROUPED._repr_html_().replace(left, "") == GROUPED.to_html()
    cells = [
        (tag, attributes) for tag, attributes in Reader(GROUPED._repr_html_()).events if tag in {"caption", "th", "td"}
    ]
    at_left = [attributes.get("scope", tag) for tag, attributes in cells if "style" in attributes]
    assert at_left == ["caption", "rowgroup", "row", "row", "rowgroup", "row", "td", "td"]


def test_html_escapes_everything_and_groups_rows():
    text = GROUPED.to_html()
    page = Reader(text)
    assert "A & B <caption>" in page.texts
    assert "first <group>" in page.texts
    assert {tag for tag, _ in page.events} == {"table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td"}
    assert [attributes["colspan"] for tag, attributes in page.events if attributes.get("scope") == "rowgroup"] == [
        "3"
    ] * 2
    assert text.count("<tbody>") == 2


def test_markdown_shows_cells_as_they_are():
    lines = GROUPED.to_markdown().splitlines()
    assert lines[0] == "**A &amp; B &lt;caption&gt;**"
    assert lines[2:] == [
        r"| Class | Patients \| all | Share |",
        "| :--- | ---: | ---: |",
        "| **first &lt;group&gt;** | | |",
        r"| \*bold\* | 1 | 2 |",
        r"| a\|b | &lt;11 | hidden |",
        "| **second** | | |",
        r"| \_c\_ | – |  |",
        "",
        "&lt;11: few.",
        "",
        r"See \[1\].",
    ]


def test_csv_holds_the_cells():
    rows = list(csv.reader(io.StringIO(GROUPED.to_csv())))
    assert rows[0] == ["Section", "Class", "Patients | all", "Share"]
    assert rows[2] == ["first <group>", "a|b", "<11", "hidden"]
    assert next(csv.reader(io.StringIO(PLAIN.to_csv()))) == ["Class", "Patients"]
    assert "\r" not in PLAIN.to_csv()


@pytest.mark.parametrize("start", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_no_cell_is_a_formula(start):
    table = Table("t", "T", ("Site", "n"), ((start, "1"),))
    cell = list(csv.reader(io.StringIO(table.to_csv())))[1][0]
    assert cell == f"'{start}"


def test_a_minus_is_no_formula():
    assert "'" not in Table("t", "T", ("a", "b"), (("x", "−3.2"),)).to_csv()


def test_plain_text_is_aligned():
    assert str(GROUPED).splitlines()[2:7] == [
        "Class   Patients | all   Share",
        "------  --------------  ------",
        "first <group>",
        "*bold*               1       2",
        "a|b                <11  hidden",
    ]


def test_names_and_shapes_are_checked():
    with pytest.raises(OptionError, match="lower case"):
        Table("Not a name", "T", ("a",), ())
    with pytest.raises(ValueError, match="2 cells, 1 needed"):
        Table("t", "T", ("a",), (("x", "y"),))
    with pytest.raises(ValueError, match="heading"):
        Table("t", "T", ("a",), (("x",),), row_groups=("g", "g"))
    assert table_name("clinical_significance", "PCL-5", "") == "clinical_significance_pcl_5"


def test_an_empty_table_is_a_table():
    empty = Table("t", "T", ("a", "b"), ())
    assert "<thead>" in empty.to_html()
    assert empty.to_csv() == "a,b\n"
    assert str(empty).startswith("T")
