"""How a load report reads, as text and as data."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pandas as pd
import pytest

from katoutcomes.registry.identifiers import Finding
from katoutcomes.registry.load_reports.load_report import (
    FileCounts,
    LoadReport,
    PrivacyWarning,
    Problem,
    QualityWarning,
    SourceFileCounts,
)
from katoutcomes.registry.reading import read_registry

REPORT = LoadReport(
    files=(FileCounts("patients", "patients.csv", 3, 2, 1), FileCounts("sessions", "sessions.csv", 120, 100, 20)),
    problems=(
        Problem("patients", "patients.csv", "sex", "code", "must be one of female, male", 1, (3,)),
        Problem("sessions", "sessions.csv", "dose_mg", "range", "must be small", 21, tuple(range(1, 21))),
    ),
    left_out_columns=(("patients.csv", "therapist"),),
    notes=("there is no table of scores.",),
)


def test_the_text() -> None:
    assert REPORT.to_text() == (
        "  file          rows in  accepted  rejected\n"
        "  patients.csv        3         2         1\n"
        "  sessions.csv      120       100        20\n"
        "\n"
        "rules that rows break (a row may break several):\n"
        "  file          column   rule   rows  which             a cell here\n"
        "  patients.csv  sex      code      1  3                 must be one of female, male\n"
        "  sessions.csv  dose_mg  range    21  1, 2, 3, 4, 5, …  must be small\n"
        "\n"
        "what usually helps:\n"
        "  code   export the codes of the schema, or decode them with a mapping file\n"
        "  range  correct it at the source, or leave the cell empty where the value is not known\n"
        "\n"
        "columns that are not in the schema and were left out:\n"
        "  patients.csv: therapist\n"
        "\n"
        "notes:\n"
        "  there is no table of scores."
    )


def test_a_report_without_problems_is_short() -> None:
    report = LoadReport(files=(FileCounts("patients", "patients", 3, 3, 0),), problems=())
    assert report.to_text() == "  file      rows in  accepted  rejected\n  patients        3         3         0"
    assert not report.has_rejections


def test_the_data_survive_json() -> None:
    data = REPORT.to_dict()
    assert json.loads(json.dumps(data)) == data
    assert data["schema_version"] == "1.0"
    assert data["files"][1] == {
        "table": "sessions",
        "file": "sessions.csv",
        "rows_in": 120,
        "rows_accepted": 100,
        "rows_rejected": 20,
    }
    assert data["problems"][0]["row_numbers"] == [3]
    assert data["left_out_columns"] == [{"file": "patients.csv", "column": "therapist"}]
    assert REPORT.has_rejections


def test_it_is_a_record() -> None:
    with pytest.raises(AttributeError):
        REPORT.notes = ()  # type: ignore[misc]


def test_problems_come_in_the_order_of_tables_and_checks() -> None:
    patients = pd.DataFrame({"patient_id": ["P1", "P2", ""], "sex": ["x", "female", "male"], "age_years": [1, 20, 20]})
    sessions = pd.DataFrame(
        {"session_id": ["S1", "S2"], "patient_id": ["P1", "P9"], "day": [1, 1], "kind": ["dosing", "support"]}
    )
    problems = read_registry({"patients": patients, "sessions": sessions}).load_report.problems
    assert [(problem.table, problem.column, problem.rule) for problem in problems] == [
        ("patients", "patient_id", "required"),
        ("patients", "age_years", "range"),
        ("patients", "sex", "code"),
        ("sessions", "patient_id", "link"),
        ("sessions", "patient_id", "unlinked"),
    ]


FULL = LoadReport(
    files=(FileCounts("patients", "export.csv", 3, 2, 1), FileCounts("sessions", "export.csv", 4, 4, 0)),
    problems=(
        Problem("patients", "export.csv", "sex", "code", "must be one of female, male", 1, (3,), (("a label", 1),)),
    ),
    source_files=(SourceFileCounts("export.csv", 9, 6, 1, 2),),
    left_out_rows=(Problem("", "export.csv", "status", "incomplete", "must be complete", 2, (7, 9)),),
    warnings=(
        PrivacyWarning("exact_time", "export.csv", "time", 4, "times <can> be matched"),
        QualityWarning("before_dose", "export.csv", "kind", 1, "before any dose", "sessions", (4,)),
    ),
    overrides=("value_phone:export.csv:code",),
    mapping_digest="ab" * 32,
)


def test_a_full_report_as_text() -> None:
    assert FULL.to_text() == (
        "  file        rows in  accepted  rejected  left out\n"
        "  export.csv        9         6         1         2\n"
        "\n"
        "  records of  made  accepted  rejected\n"
        "  patients       3         2         1\n"
        "  sessions       4         4         0\n"
        "\n"
        "rules that rows break (a row may break several):\n"
        "  file        column  rule  rows  which  a cell here\n"
        "  export.csv  sex     code     1      3  must be one of female, male\n"
        "\n"
        "why, where it can be told:\n"
        "  file        column  rule  rows  what they look like\n"
        "  export.csv  sex     code     1  a label\n"
        "\n"
        "what usually helps:\n"
        "  code  export the codes of the schema, or decode them with a mapping file\n"
        "\n"
        "rows of which nothing was made:\n"
        "  file        column  rule        rows  which  to be used, a row must be\n"
        "  export.csv  status  incomplete     2  7, 9   must be complete\n"
        "\n"
        "warnings (nothing was rejected for them):\n"
        "  file        column  rule         rows  what it means\n"
        "  export.csv  time    exact_time      4  times <can> be matched\n"
        "  export.csv  kind    before_dose     1  before any dose\n"
        "\n"
        "allowed although the privacy gate refuses it:\n"
        "  value_phone:export.csv:code"
    )


def test_a_full_report_as_data() -> None:
    data = FULL.to_dict()
    assert json.loads(json.dumps(data)) == data
    assert data["source_files"] == [
        {"file": "export.csv", "rows_in": 9, "rows_accepted": 6, "rows_rejected": 1, "rows_left_out": 2}
    ]
    assert data["problems"][0]["causes"] == [{"cause": "a label", "n_rows": 1}]
    assert [(w["kind"], w["rule"], w["row_numbers"]) for w in data["warnings"]] == [
        ("privacy", "exact_time", []),
        ("quality", "before_dose", [4]),
    ]
    assert data["overrides"] == ["value_phone:export.csv:code"]
    assert data["is_refused"] is False


class Page(HTMLParser):
    """Collects what an accessible, self-contained page must have."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headings: list[str] = []
        self.scopes = 0
        self.heads = 0
        self.fetched: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.fetched += [str(found[name]) for name in ("src", "href") if name in found]
        self.headings += [tag] * (tag in ("h1", "h2", "h3"))
        self.heads += tag == "th"
        self.scopes += tag == "th" and "scope" in found
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += f" {data}"


def test_the_page_is_well_formed_self_contained_and_accessible() -> None:
    html = FULL.to_html()
    page = Page(html)
    assert page.open == []
    assert page.fetched == []
    assert "url(" not in html
    assert "@import" not in html
    assert '<html lang="en">' in html
    assert page.headings[0] == "h1"
    assert set(page.headings[1:]) == {"h2"}
    assert page.heads == page.scopes > 0
    assert html.count("<caption>") == html.count("<table>") == 4
    assert "1 of 9 rows was rejected." in page.text
    assert "times <can> be matched" in page.text  # and is escaped
    assert "1 × a label" in page.text
    assert "export the codes of the schema" in page.text  # what to do
    assert FULL.mapping_digest in page.text
    assert html == FULL.to_html()


def test_the_page_of_a_refused_load_says_why() -> None:
    finding = Finding("a.csv", "dob", "column_name_birth_date", None)
    refused = LoadReport(
        files=(), problems=(), findings=(finding,), faults=("b.csv: rule encoding: it must be UTF-8.",)
    )
    page = Page(refused.to_html())
    assert refused.is_refused
    assert "Nothing was loaded: the data may identify a person directly." in page.text
    assert "replace it by age_years" in page.text
    assert "rule encoding" in page.text
    assert refused.to_dict()["findings"] == [
        {"file": "a.csv", "column": "dob", "rule": "column_name_birth_date", "n_rows": None}
    ]
    clean = LoadReport(files=(), problems=(), source_files=(SourceFileCounts("a.csv", 3, 3, 0, 0),))
    assert "All 3 rows were accepted" in Page(clean.to_html()).text
    assert not clean.is_refused
