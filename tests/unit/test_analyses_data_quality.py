"""Data quality: the numbers of the load report, once, in a Result that releases and shows like the others."""

import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.analyses.data_quality import data_quality

PATIENTS = pd.DataFrame(
    {"patient_id": [f"P{i}" for i in range(1, 5)], "age_years": [41, 7, 38, 52], "favorite_color": ["red"] * 4}
)
SESSIONS = pd.DataFrame(
    {
        "session_id": [f"S{i}" for i in range(1, 6)],
        "patient_id": ["P1", "P2", "P3", "P3", "P4"],
        "day": [0, 0, 0, 7, 0],
        "kind": ["dosing", "dosing", "dosing", "party", "dosing"],
        "dose_mg": [50, 60, 70, None, -5],
    }
)


@pytest.fixture
def registry():
    """Made-up rows: a patient of seven, her session, a kind that does not exist and a negative dose."""
    with_problems = kat.read_registry({"patients": PATIENTS, "sessions": SESSIONS}, is_synthetic=True)
    yield with_problems
    with_problems.close()


@pytest.fixture
def result(registry):
    return data_quality(registry)


def test_rows_accepted_and_rejected(result):
    counts = {estimate.term: estimate.estimate for estimate in result.estimates}
    assert counts == {
        "patients: rows accepted": 3,
        "patients: rows rejected": 1,
        "sessions: rows accepted": 2,
        "sessions: rows rejected": 3,
    }
    assert {estimate.measure for estimate in result.estimates} == {"count"}


def test_files_add_up_and_agree_with_the_estimates(result):
    part = result.part("files")
    assert part.columns == ("file", "rows_in", "rows_accepted", "rows_rejected")
    assert part.rows == (("patients", 4, 3, 1), ("sessions", 5, 2, 3))


def test_rules_name_the_column_and_count_the_rows(result, registry):
    part = result.part("rules")
    assert part.columns == ("file", "rule", "column", "description", "n_rows")
    found = {(row[0], row[2]): row[4] for row in part.rows}
    assert found[("patients", "age_years")] == 1
    assert found[("sessions", "kind")] == 1
    assert found[("sessions", "dose_mg")] == 1
    assert len(part.rows) == len(registry.load_report.problems)
    assert all(row[3] for row in part.rows)


def test_provenance_is_that_of_the_registry(result, registry):
    assert result.provenance.source == "registry"
    assert result.provenance.digest == registry.digest
    assert result.provenance.is_synthetic


def test_unknown_columns_and_the_notes_of_the_loader_are_warnings(result, registry):
    assert result.warnings[0] == "patients: the column 'favorite_color' is not in the schema and was left out."
    assert len(result.warnings) == 1 + len(registry.load_report.notes)
    assert not any(text[0].islower() for text in result.warnings[1:])


def test_many_rejected_rows_call_for_caution(result):
    checks = {check.name: check for check in result.checks}
    assert checks["rejected rows"].value == pytest.approx(0.6)
    assert not checks["rejected rows"].passed
    assert (checks["columns left out"].value, checks["columns left out"].severity) == (1.0, "note")
    assert result.verdict == "with caution"


def test_clean_tables_pass():
    patients = PATIENTS.drop(columns="favorite_color").assign(age_years=40)
    sessions = SESSIONS.assign(kind="dosing", dose_mg=50)
    clean = data_quality(kat.read_registry({"patients": patients, "sessions": sessions}))
    assert clean.verdict == "report"
    assert all(check.passed for check in clean.checks)
    assert clean.part("rules").rows == ()
    assert [row[3] for row in clean.part("files").rows] == [0, 0]


def test_no_key_value_or_row_number_stands_in_the_result(result):
    text = result.to_json()
    assert "P2" not in text
    assert "party" not in text
    assert "row_numbers" not in text


def test_it_releases_and_shows(result):
    released = kat.release(result)
    assert released.part("files").column("rows_rejected") == (None, None)
    assert "fewer" not in released.method.description
    assert released.to_table().rows
