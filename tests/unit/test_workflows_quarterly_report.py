"""The quarter in one call, where there is little: one patient, no follow-up, no quarter; nothing half-written."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import katoutcomes as kat

ALL_VISITS = ((-1, 18), (28, 14), (56, 12), (84, 10))


def registry(n_patients: int, visits: tuple[tuple[int, int], ...]) -> kat.Registry:
    """One site, one quarter."""
    people = [f"P{row:03d}" for row in range(n_patients)]
    patients = pd.DataFrame({"patient_id": people, "age_years": 40, "index_quarter": "2025Q1", "site": "North"})
    sessions = pd.DataFrame({"session_id": people, "patient_id": people, "day": 0, "kind": "dosing"})
    rows = [
        {"score_id": f"{one}-{day}", "patient_id": one, "day": day, "instrument": "PHQ-9", "total": total - row % 5}
        for row, one in enumerate(people)
        for day, total in visits
    ]
    return kat.read_registry(
        {"patients": patients, "sessions": sessions, "scores": pd.DataFrame(rows)}, is_synthetic=True
    )


def test_one_patient_is_a_report_without_a_number_of_that_patient(tmp_path: Path) -> None:
    written = kat.quarterly_report(registry(1, ALL_VISITS), tmp_path / "out", quarter="2025Q1", pdf=False)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text(encoding="utf-8"))
    counts = [one["n_patients"] for result in summary["results"] for one in result["estimates"]]
    assert {count for count in counts if count} == set()
    page = written.report.read_text(encoding="utf-8")
    few = "fewer than 11 patients have both PHQ-9 scores"  # unless to say so would tell more
    assert few in page or "What the change of the PHQ-9 meant at week 12 is not shown" in page
    assert "What this cannot say" in page


def test_without_any_follow_up_the_report_says_so_and_fails_its_limit(tmp_path: Path) -> None:
    written = kat.quarterly_report(registry(40, ALL_VISITS[:1]), tmp_path / "out", quarter="2025Q1", pdf=False)
    assert written.failed_gates == ("Limit not kept: paired completeness of at least 50%.",)
    page = written.report.read_text(encoding="utf-8")
    assert "No change is reported" in page
    assert "0% of them" in page


@pytest.mark.parametrize(("visits", "quarter"), [(ALL_VISITS[1:], "2025Q1"), (ALL_VISITS, "2025Q3")])
def test_nothing_to_report_is_a_message_and_no_folder(
    visits: tuple[tuple[int, int], ...], quarter: str, tmp_path: Path
) -> None:
    with pytest.raises(kat.DesignError, match=r"baseline score|2025Q3"):
        kat.quarterly_report(registry(30, visits), tmp_path / "out", quarter=quarter)
    assert list(tmp_path.iterdir()) == []
