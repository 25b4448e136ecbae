"""Quarters as words, as numbers, and as what patients must meet."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import katoutcomes as kat
from katoutcomes.cohorts.definition import criterion_text
from katoutcomes.estimands.quarters import Quarter, QuarterSpan


@given(st.integers(1900, 2999), st.integers(1, 4), st.integers(0, 40))
def test_a_quarter_is_its_text_and_counts_back(year: int, number: int, back: int) -> None:
    quarter = Quarter.of(f"{year}Q{number}")
    assert quarter.text == f"{year}Q{number}"
    # the same, counted one by one
    for _ in range(back):
        year, number = (year, number - 1) if number > 1 else (year - 1, 4)
    assert quarter.before(back).text == f"{year}Q{number}"


@pytest.mark.parametrize("text", ["2026", "2026Q5", "2026Q0", "26Q1", "2026q1", "Q1 2026", "2026Q1 ", ""])
def test_other_forms_are_refused(text: str) -> None:
    with pytest.raises(kat.OptionError, match="2026Q3"):
        Quarter.of(text)


def test_the_number_of_previous_quarters_is_whole() -> None:
    with pytest.raises(kat.OptionError, match="0 or more"):
        QuarterSpan(Quarter.of("2026Q1"), -1)


def test_criteria_say_the_quarter() -> None:
    first, last = QuarterSpan(Quarter.of("2026Q1"), 1).criteria()
    assert criterion_text(first) == "first dose in or after 2025Q4"
    assert criterion_text(last) == "first dose in or before 2026Q1"


def registry() -> kat.Registry:
    """Twelve patients a quarter of two years, all with PHQ-9; three whose quarter is not known."""
    quarters = [f"{year}Q{number}" for year in (2024, 2025) for number in (1, 2, 3, 4)]
    known = [quarter for quarter in quarters for _ in range(12)] + [None] * 3
    people = [f"P{row:03d}" for row in range(len(known))]
    patients = pd.DataFrame({"patient_id": people, "age_years": 40, "index_quarter": known})
    sessions = pd.DataFrame({"session_id": people, "patient_id": people, "day": 0, "kind": "dosing"})
    rows = [
        {"score_id": f"{one}-{day}", "patient_id": one, "day": day, "instrument": "PHQ-9", "total": total - row % 5}
        for row, one in enumerate(people)
        for day, total in ((-1, 18), (28, 14), (56, 12), (84, 10))
    ]
    return kat.read_registry(
        {"patients": patients, "sessions": sessions, "scores": pd.DataFrame(rows)}, is_synthetic=True
    )


def plan() -> kat.AnalysisPlan:
    return replace(kat.AnalysisPlan.default(), instruments=("PHQ-9",), treatment="", require_eligibility_flags=False)


def test_only_the_quarters_of_the_span_are_analyzed_and_the_others_counted() -> None:
    results = kat.run(plan(), registry(), quarters=QuarterSpan(Quarter.of("2025Q2"), 2))
    flow = results.of("participant_flow").part("flow")
    told = dict(zip(flow.column("reason"), flow.column("n_patients"), strict=True))
    assert told["first dose before 2024Q4, or unknown when"] == 3 * 12 + 3
    assert told["first dose after 2025Q2"] == 2 * 12
    change = results.of("change_from_baseline").select(term="change", measure="mean change", visit="week 12")
    assert [one.n_patients for one in change] == [3 * 12]
    assert results.title.endswith(", 2025Q2")


def test_a_quarter_without_data_is_said() -> None:
    found = registry()
    with pytest.raises(kat.DesignError, match="no patient of the cohort had the first dose in 2026Q1"):
        kat.run(plan(), found, quarters=QuarterSpan(Quarter.of("2026Q1"), 4))
    with pytest.raises(kat.DesignError, match="nobody is left in the cohort"):
        kat.run(plan(), found, quarters=QuarterSpan(Quarter.of("2031Q1"), 4))
