"""The layouts of published studies, on a synthetic registry: every piece is there, and what cannot be made is said."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

import katoutcomes as kat
from katoutcomes.cohorts.data_end import data_end, first_day_of
from katoutcomes.errors import OptionError
from katoutcomes.results.result import ReleasedResult
from katoutcomes.workflows.published_studies import SEVERITY, with_baseline_severity

PIECES = {
    "dore_2019": [
        "describe",
        "severity_transitions",
        "change_from_baseline",
        "severity_transitions",
        "change_from_baseline",
        "change_from_baseline",
        "change_from_baseline",
        "change_from_baseline",
        "change_correlation",
    ],
    "field_trip_2024": ["participant_flow", "dropout", "change_from_baseline", "clinical_significance"],
    "mcinnes_2022": ["clinical_significance", "clinical_significance", "change_from_baseline"],
    "nhs": ["nhs_outcomes", "nhs_outcomes", "dropout"],
    "whinkin_2023": ["change_from_baseline", "change_from_baseline"],
}


@cache
def registry():
    return kat.simulate_registry(seed=4, n_patients=130)


@cache
def layout(study):
    return kat.published_layout(study, registry())


@pytest.mark.parametrize("study", sorted(PIECES))
def test_every_piece_is_made_or_missed_aloud(study):
    made = layout(study)
    assert len(made.pieces) + len(made.notes) == len(PIECES[study])
    assert [piece.result.analysis for piece in made.pieces] == [
        analysis for analysis in PIECES[study] if analysis in {piece.result.analysis for piece in made.pieces}
    ][: len(made.pieces)]
    assert "doi:10." in made.citation
    assert all(piece.printed.endswith(".") for piece in made.pieces)


@pytest.mark.parametrize("study", sorted(PIECES))
def test_pieces_are_tables_and_figures_released_too(study):
    released = layout(study).release()
    for piece in released.pieces:
        assert type(piece.result) is ReleasedResult
        assert piece.table().rows
        if piece.kind:
            assert piece.figure().svg().startswith("<svg")
    assert len(list(released.results())) == len(released.pieces)


def test_what_the_registry_lacks_stands_in_the_notes():
    tables = {name: registry().table(name) for name in ("patients", "sessions", "scores")}
    columns = {
        "patients": ["patient_id", "age_years"],
        "sessions": ["session_id", "patient_id", "day", "kind"],
        "scores": ["score_id", "patient_id", "day", "instrument", "total"],
    }
    tables = {name: table[columns[name]] for name, table in tables.items()}
    tables["scores"] = tables["scores"][tables["scores"]["instrument"] == "phq9"]
    made = kat.published_layout("whinkin_2023", kat.read_registry(tables, is_synthetic=True))
    assert len(made.notes) + len(made.pieces) == 2
    assert made.notes
    assert all(note.startswith("Not made: Mean change") for note in made.notes)


def test_patients_whose_visit_was_still_to_come_are_not_lost():
    """The window of month 6 ends on day 227: it was over for the patients of earlier quarters only."""
    flow, loss = layout("field_trip_2024").pieces[:2]
    (step,) = [row for row in flow.result.part("flow").rows if "not yet due" in str(row[3])]
    end = data_end(registry())
    quarters = registry().table("patients")["index_quarter"].dropna()
    numbers = 4 * quarters.str[:4].astype(int) + quarters.str[5].astype(int) - 1
    last = max(number for number in set(numbers) if first_day_of(number + 1) - 1 + 227 <= end.day)
    dosed = registry().table("sessions").query("kind == 'dosing'")["patient_id"].unique()
    people = registry().table("patients").set_index("patient_id").loc[dosed]
    adults = people[people["age_years"] >= 18]
    number_of = 4 * adults["index_quarter"].str[:4].astype(int) + adults["index_quarter"].str[5].astype(int) - 1
    assert step[-1] == (number_of > last).sum() > 0
    began = loss.result.select(term="with a baseline score", subgroup="")[0].n_patients
    assert began <= (number_of <= last).sum()


def test_a_visit_that_was_due_for_nobody_is_named_and_one_that_cannot_be_told_is_said():
    tables = {name: registry().table(name) for name in ("patients", "sessions", "scores")}
    tables["patients"]["index_quarter"] = "2026Q1"
    short = kat.published_layout("field_trip_2024", kat.read_registry(tables, is_synthetic=True))
    assert short.notes[0].startswith("Not made: month 6, which was not yet due")
    assert "month 6" not in short.pieces[1].result.part("visits").column("visit")
    without = {name: table.drop(columns=["index_quarter"], errors="ignore") for name, table in tables.items()}
    unknown = kat.published_layout("field_trip_2024", kat.read_registry(without, is_synthetic=True))
    assert any("data end is not known" in note for note in unknown.notes)
    assert len(unknown.pieces) == 4


def test_the_table_of_the_service_has_its_denominators_and_carries_scores_forward():
    everybody, by_program, _ = layout("nhs").pieces
    rows = {row[0]: row for row in everybody.table().rows}
    assert rows["recovery"][1] == "of those at caseness at baseline"
    assert rows["reliable improvement"][1] == "of those scored on both measures at both times"
    assert all(" of " in row[2] for row in rows.values())
    assert any("last one between baseline" in text for text in everybody.result.assumptions)
    assert {row[2] for row in by_program.table().rows} == {"all patients", "ketamine only", "with integration"}
    total = sum(
        share.n_counted
        for share in everybody.result.select(measure="proportion")
        if share.term
        in {"reliable improvement", "no reliable change", "reliable change both ways", "reliable deterioration"}
    )
    assert total == everybody.result.select(term="scored on both measures")[0].n_counted


def test_other_instruments_can_stand_in():
    made = kat.published_layout("mcinnes_2022", registry(), instruments=("GAD-7",))
    assert {piece.result.estimand.endpoint.instrument for piece in made.pieces} == {"GAD-7"}


def test_severity_at_baseline_is_the_band_of_the_score():
    data = with_baseline_severity(kat.select_cohort(registry()).analysis_set("PHQ-9"))
    severity = data.variable(SEVERITY)
    of_moderate = data.baseline[severity.values == severity.levels.index("moderate")]
    assert (of_moderate.min(), of_moderate.max()) >= (10.0, 10.0)
    assert of_moderate.max() <= 14.0
    assert np.array_equal(np.isnan(severity.values), np.isnan(data.baseline))


@pytest.mark.parametrize("choices", [{"study": "nobody_1900"}, {"study": "dore_2019", "instruments": ("PHQ-9",)}])
def test_what_cannot_be_chosen(choices):
    with pytest.raises(OptionError):
        kat.published_layout(registry=registry(), **choices)


# --- the correlation of two changes ----------------------------------------------------------------------------------


@cache
def two_measures():
    return kat.select_cohort(registry()).analysis_set(
        "PHQ-9", treatment="program_booked", with_scores_of=["GAD-7", "HAM-A"]
    )


def test_correlation_of_changes_is_that_of_numpy_and_scipy():
    from scipy.stats import pearsonr

    data = two_measures()
    result = kat.change_correlation(data, other="GAD-7")
    first = data.scores_at("week 12") - data.baseline
    second = data.variable("gad7_week_12").values - data.variable("gad7_baseline").values
    both = ~np.isnan(first) & ~np.isnan(second)
    theirs = pearsonr(first[both], second[both])
    (found,) = result.select(measure="correlation", subgroup="")
    limits = theirs.confidence_interval(0.95)
    assert found.estimate == pytest.approx(theirs.statistic, rel=1e-12)
    assert (found.conf_low, found.conf_high) == pytest.approx((limits.low, limits.high), rel=1e-10)
    (share,) = result.select(measure="proportion", subgroup="")
    assert (
        (share.n_counted, share.n_patients)
        == (both.sum(), (~np.isnan(first)).sum())
        == (found.n_patients, share.n_patients)
    )
    assert {one.subgroup for one in result.estimates} == {
        "",
        "program_booked: ketamine_only",
        "program_booked: with_integration",
    }


def test_the_other_instrument_must_be_clear():
    with pytest.raises(OptionError, match="must be named"):
        kat.change_correlation(two_measures())
    with pytest.raises(OptionError, match="with_scores_of"):
        kat.change_correlation(kat.select_cohort(registry()).analysis_set("PHQ-9"))
