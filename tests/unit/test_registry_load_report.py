"""How a load report reads, as text and as data."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from katoutcomes.registry.load_report import FileCounts, LoadReport, Problem
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
