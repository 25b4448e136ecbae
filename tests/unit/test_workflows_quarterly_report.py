"""The quarter in one call, where there is little: one patient, no follow-up, no quarter; nothing half-written."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import katoutcomes as kat

ALL_VISITS = ((-1, 18), (28, 14), (56, 12), (84, 10))


def clinic(people: list[str], quarters: list[str] | str, visits: tuple[tuple[int, int], ...]) -> kat.Registry:
    """One site, the same visits for everybody."""
    patients = pd.DataFrame({"patient_id": people, "age_years": 40, "index_quarter": quarters, "site": "North"})
    sessions = pd.DataFrame({"session_id": people, "patient_id": people, "day": 0, "kind": "dosing"})
    rows = [
        {"score_id": f"{one}-{day}", "patient_id": one, "day": day, "instrument": "PHQ-9", "total": total - row % 5}
        for row, one in enumerate(people)
        for day, total in visits
    ]
    return kat.read_registry(
        {"patients": patients, "sessions": sessions, "scores": pd.DataFrame(rows)}, is_synthetic=True
    )


def registry(n_patients: int, visits: tuple[tuple[int, int], ...]) -> kat.Registry:
    """One site, one quarter."""
    return clinic([f"P{row:03d}" for row in range(n_patients)], "2025Q1", visits)


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


def two_quarters(n_first: int, n_second: int) -> kat.Registry:
    """The clinic of above with patients of two quarters; more of the first are a later entry."""
    people = [f"P{row:03d}" for row in range(n_first)] + [f"Q{row:03d}" for row in range(n_second)]
    return clinic(people, ["2025Q1"] * n_first + ["2025Q2"] * n_second, ALL_VISITS)


def counts_of(path: Path) -> set[int]:
    return shown_counts(kat.Results.read(path))


def counts_of_run(data: kat.Registry) -> set[int]:
    """What is shown where no earlier release is given."""
    return shown_counts(kat.run_plan(None, data).results.release())


def shown_counts(found: kat.Results) -> set[int]:
    return {n for result in found for e in result.estimates for n in (e.n_patients, e.n_counted) if n is not None}


def test_a_quarter_is_held_against_the_release_before_it(tmp_path: Path) -> None:
    """Five patients of the first quarter were entered late: 60 before and 65 now would tell of them."""
    before, now = tmp_path / "before.json", tmp_path / "now.json"
    first = kat.quarterly_report(two_quarters(60, 0), tmp_path / "first", quarter="2025Q1", pdf=False, released=before)
    assert "No earlier release was given" in first.report.read_text(encoding="utf-8")
    assert 60 in counts_of(before)
    later = two_quarters(65, 40)
    assert 65 in counts_of_run(later)
    found = kat.quarterly_report(
        later, tmp_path / "second", quarter="2025Q2", pdf=False, previous=before, released=now, round_to=1
    )
    page = found.report.read_text(encoding="utf-8")
    assert "Held against the release before, &#34;Outcomes of ketamine-assisted therapy, 2025Q1&#34;" in page
    assert "No earlier release was given" not in page
    assert counts_of(now) & {65, 60, 5} == set()
    assert 105 in counts_of(now)
    said = json.loads((tmp_path / "second" / "summary.json").read_text(encoding="utf-8"))["disclosure"]
    assert said["earlier_release"] == "Outcomes of ketamine-assisted therapy, 2025Q1"
    assert said["round_to"] == 1
