"""What a reader of the outcome tables and figures is told beside the numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import katoutcomes as kat

MARGIN_NOTE = "Rows of tests against a margin"


@pytest.fixture(scope="module")
def scored():
    rng = np.random.default_rng(4)
    before = rng.integers(10, 25, 40)
    after = np.clip(before - rng.integers(-3, 12, 40), 0, 27)
    frame = pd.DataFrame({"id": range(40), "week": 12, "phq": after, "before": before})
    return kat.AnalysisSet.from_frame(
        frame, patient="id", visit="week", score="phq", baseline="before", instrument="PHQ-9"
    )


def test_a_note_on_margins_stands_only_below_tests_against_one(scored):
    without = kat.change_from_baseline(scored).to_table("details")
    with_one = kat.change_from_baseline(scored, margin=5.0).to_table("details")
    assert not any(note.startswith(MARGIN_NOTE) for note in without.footnotes)
    assert any(note.startswith(MARGIN_NOTE) for note in with_one.footnotes)


def test_lines_of_regression_to_the_mean_are_named_where_they_are_drawn(scored):
    rule = kat.SelectionRule(cut_off=10, referral_mean=14.0, referral_sd=5.0)
    plain = kat.change_from_baseline(scored).plot("change_by_baseline").svg()
    lined = kat.change_from_baseline(scored, selection=rule).plot("change_by_baseline").svg()
    assert "Broken lines" not in plain
    assert "Broken lines" in lined


def test_shares_stand_under_the_words_of_their_definition(scored):
    drawn = kat.clinical_significance(scored, method="hsu_linn_lord").plot("responders")
    assert "Hsu, Linn and Lord, reliable improvement" in drawn.alt_text
    assert "NHS Talking Therapies reliable change, reliable improvement" in drawn.alt_text
    assert "_" not in drawn.alt_text


def test_one_definition_alone_needs_no_warning_of_others(scored):
    bands = kat.severity_transitions(scored).plot("responders")
    several = kat.clinical_significance(scored).plot("responders")
    assert "Definitions differ" not in bands.alt_text
    assert "Definitions differ" in several.alt_text


def test_every_share_of_the_safety_table_is_printed_with_its_interval_and_count():
    result = kat.safety(kat.simulate_registry(seed=3, n_patients=15))
    cells = {row[0]: row for row in result.to_table().rows}
    (share,) = result.select(term="patients with an event", subgroup="")
    assert cells["events"][3].startswith(f"{share.n_counted} of {share.n_patients}, {share.estimate:.0%} (")
    (days,) = result.select(measure="exposure time", subgroup="")
    assert cells["observed time"][1] == f"{days.estimate:,.0f} days"


@pytest.fixture(scope="module")
def of_clinic():
    registry = kat.simulate_registry(seed=3, n_patients=60)
    return kat.select_cohort(registry, kat.CohortDefinition(instrument="PHQ-9")).analysis_set("PHQ-9")


def test_a_difference_names_both_groups_in_words(of_clinic):
    rows = kat.clinical_significance(of_clinic, by="program_booked", differences=True).to_table().rows
    named = {row[:2] for row in rows if row[0].startswith("response (")}
    assert named == {
        ("response (difference)", "with integration minus ketamine only"),
        ("response (standardized difference)", "with integration minus ketamine only"),
    }


def test_groups_of_a_flag_name_the_flag(of_clinic):
    groups = kat.change_from_baseline(of_clinic, by="covariate_trauma_history").to_table().row_groups
    assert {"all patients", "trauma history: no", "trauma history: yes"} == set(groups)


def test_a_difference_between_the_levels_of_a_flag_names_the_flag(of_clinic):
    flag = "covariate_trauma_history"
    change = kat.change_from_baseline(of_clinic, by=flag)
    assert any("minus that of the group trauma history: no" in note for note in change.to_table().footnotes)
    both = "trauma history: yes minus trauma history: no"
    assert any(row[0] == f"difference, {both}" for row in change.to_table("details").rows)
    shares = kat.clinical_significance(of_clinic, by=flag, differences=True).to_table()
    assert ("response (difference)", both) in {row[:2] for row in shares.rows}


def test_differences_of_shares_are_percentage_points_and_the_mark_is_explained(of_clinic):
    table = kat.clinical_significance(of_clinic, by="program_booked", differences=True).to_table()
    cells = [row[3:] for row in table.rows if row[0] == "response (difference)"]
    assert all(text.endswith(" pp") for pair in cells for text in pair)
    assert "pp: percentage points." in table.footnotes
    assert "pp: percentage points." not in kat.clinical_significance(of_clinic).to_table().footnotes


def test_definitions_are_named_in_words_and_never_by_their_ids(of_clinic):
    every = [
        one.id
        for kind in ("response", "remission", "caseness", "reliable_change", "mcid")
        for one in of_clinic.instrument.definitions(kind)
    ]
    results = [
        kat.clinical_significance(of_clinic, definition_sets=every),
        kat.change_from_baseline(of_clinic, margin="bauer_staeb_2021_mcid"),
        kat.severity_transitions(of_clinic),
    ]
    for result in results:
        shown = [result.to_table()] + (
            [result.to_table("details")] if result.analysis == "change_from_baseline" else []
        )
        for table in shown:
            text = table.to_markdown()
            assert "phq9/" not in text
            assert "mcid" not in text.lower()
            assert "kounali" not in text
        assert "phq9/" not in result.plot().alt_text
    headings = {group.split(" (")[0] for group in results[0].to_table().row_groups}
    assert {"Bauer-Staeb 2021, minimal important difference", "Turkoz 2021, substantial difference"} <= headings
    assert any("(21% of the baseline)" in group for group in results[0].to_table().row_groups)


def test_a_step_that_nobody_has_is_not_recorded_and_never_a_share_of_nought():
    registry = kat.simulate_registry(seed=3, n_patients=60)
    tables = {name: registry.table(name) for name in ("patients", "sessions", "scores")}
    tables["sessions"] = tables["sessions"][tables["sessions"]["kind"] != "integration"]
    read = kat.read_registry(tables)
    result = kat.care_pathway(kat.select_cohort(read).analysis_set(pathway=True))
    table = result.to_table()
    rows = {row[0]: row[1:] for row in table.rows}
    for step in ("integration", "every step", "integration within 72 hours of a dose"):
        assert rows[step] == ("not recorded", "", "")
    assert rows["screening"][1].endswith("%")
    assert any(note.startswith("Not recorded:") for note in table.footnotes)


def test_odds_are_told_of_a_year_of_age(of_clinic):
    rows = [row[0] for row in kat.dropout(of_clinic, predictors=["age_years"]).to_table().rows]
    assert rows[-2:] == ["per point of the baseline score", "per year of age"]
