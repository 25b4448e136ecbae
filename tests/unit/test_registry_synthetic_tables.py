"""The tables around the mechanism: what they must say about it, and what they must never break."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from katoutcomes.errors import DataError, OptionError
from katoutcomes.registry.synthetic.clinic import simulate_tables, write_tables
from katoutcomes.registry.synthetic.population import STANDINGS, Population, draw_population, quarter_days
from katoutcomes.registry.synthetic.scenarios import MECHANISMS, SCENARIOS
from katoutcomes.vocabulary import (
    APPROACHES,
    DIAGNOSES,
    EVENT_SEVERITIES,
    PROGRAMS,
    ROUTES,
    SESSION_FORMATS,
    SESSION_KINDS,
    SEXES,
)

SEED = 11
N_PATIENTS = 400
RANGES = {"PHQ-9": (0, 27), "GAD-7": (0, 21), "BDI-II": (0, 63), "HAM-A": (0, 56)}


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    """Tables by day, the form in which the mechanism thinks."""
    return simulate_tables(SEED, n_patients=N_PATIENTS, time_form="day")


@pytest.fixture(scope="module")
def population() -> Population:
    """The people behind `tables`: the first stream of the same seed."""
    stream = np.random.Generator(np.random.PCG64(SEED)).spawn(1)[0]
    return draw_population(stream, N_PATIENTS, SCENARIOS["effect"], MECHANISMS["booked"], quarter_days("2024Q4", 8))


def people_of(frame: pd.DataFrame, population: Population) -> np.ndarray:
    """Return the position in the population of each row's patient."""
    position_of_key = np.argsort(population.key)
    return position_of_key[frame["patient_id"].str[1:].astype(int).to_numpy() - 1]


def weeks_with_integration(sessions: pd.DataFrame, population: Population) -> np.ndarray:
    rows = sessions[(sessions["kind"] == "integration") & (sessions["day"] < 84)]
    found = np.zeros((population.n_patients, 12), dtype=bool)
    found[people_of(rows, population), rows["day"].to_numpy() // 7] = True
    return found


def test_keys_are_unique_and_linked(tables: dict[str, pd.DataFrame]) -> None:
    keys = {"patients": "patient_id", "sessions": "session_id", "scores": "score_id", "adverse_events": "event_id"}
    for name, key in keys.items():
        assert tables[name][key].is_unique
        assert tables[name][key].is_monotonic_increasing
        assert tables[name]["patient_id"].isin(tables["patients"]["patient_id"]).all()
    events = tables["adverse_events"].dropna(subset="session_id").merge(tables["sessions"], on="session_id")
    assert 0 < len(events) < len(tables["adverse_events"])
    assert (events["kind"] == "dosing").all()
    assert (events["patient_id_x"] == events["patient_id_y"]).all()
    assert (events["day_x"] - events["day_y"]).isin([0, 1]).all()


def test_coded_values_are_those_of_the_vocabulary(tables: dict[str, pd.DataFrame]) -> None:
    patients, sessions, events = tables["patients"], tables["sessions"], tables["adverse_events"]
    assert set(patients["sex"]) <= set(SEXES)
    assert set(patients["program_booked"]) == set(PROGRAMS)
    assert set(";".join(patients["diagnoses"]).split(";")) <= set(DIAGNOSES)
    assert set(sessions["kind"]) == set(SESSION_KINDS)
    assert set(sessions["route"].dropna()) == set(ROUTES)
    assert set(sessions["approach"].dropna()) == set(APPROACHES)
    assert set(sessions["format"]) == set(SESSION_FORMATS)
    assert set(events["severity"]) == set(EVENT_SEVERITIES)
    assert set(events["serious"]) <= {0, 1}
    assert 0 < events["serious"].sum() < 0.02 * len(events)
    assert events["term"].str.fullmatch(r"[a-z][a-z_]{0,39}").all()


def test_patients_are_consistent(tables: dict[str, pd.DataFrame], population: Population) -> None:
    patients = tables["patients"]
    people = people_of(patients, population)
    minor = population.standing[people] == "minor"
    assert patients.loc[~minor, "age_years"].between(18, 79).all()
    assert patients.loc[minor, "age_years"].between(16, 17).all()
    assert minor.sum() == 2
    depressive = patients["diagnoses"].str.split(";").str[0]
    assert depressive.isin(["treatment_resistant_depression", "depression", "bipolar_depression"]).all()
    resistant = depressive == "treatment_resistant_depression"
    assert (patients.loc[resistant, "prior_antidepressant_trials"] >= 2).all()
    assert patients["covariate_affluence"].to_numpy() == pytest.approx(population.intake.affluence[people], abs=0.00501)
    assert patients["covariate_prognosis"].to_numpy() == pytest.approx(population.intake.prognosis[people], abs=0.00501)
    assert patients["covariate_trauma_history"].tolist() == population.intake.trauma_history[people].tolist()
    assert (patients["program_booked"] == "with_integration").tolist() == (
        population.intake.program[people] == 1
    ).tolist()
    booked_by_site = patients.groupby("site")["program_booked"].agg(lambda booked: (booked == PROGRAMS[1]).mean())
    assert booked_by_site["North"] > booked_by_site["East"] > booked_by_site["Central"]


def test_those_outside_the_study_have_a_reason(tables: dict[str, pd.DataFrame], population: Population) -> None:
    patients, dosed = tables["patients"], tables["sessions"].query("kind == 'dosing'")["patient_id"].unique()
    standing = population.standing[people_of(patients, population)]
    counts = dict(zip(*np.unique(standing, return_counts=True), strict=True))
    assert counts == {"eligible": 400, "never_dosed": 12, "no_consent": 9, "medical_exclusion": 7, "minor": 2}
    assert set(counts) == set(STANDINGS)
    assert (patients["patient_id"].isin(dosed) == (standing != "never_dosed")).all()
    eligible = patients[standing == "eligible"]
    assert (eligible[["eligible_consent", "eligible_medical"]] == 1).all(axis=None)
    assert (patients.loc[standing == "no_consent", "eligible_consent"] == 0).all()
    assert (patients.loc[standing == "medical_exclusion", "eligible_medical"] == 0).all()
    never = tables["sessions"][~tables["sessions"]["patient_id"].isin(dosed)]
    assert (never["kind"] == "screening").all()


def test_doses_are_weekly_while_in_care(tables: dict[str, pd.DataFrame], population: Population) -> None:
    doses = tables["sessions"].query("kind == 'dosing'")
    first_course = doses[doses["day"] < 84]
    given = np.zeros((population.n_patients, 6), dtype=bool)
    given[people_of(first_course, population), first_course["day"] // 7] = True
    np.testing.assert_array_equal(given, population.trajectory.in_care[:, :6] & population.dosed[:, np.newaxis])
    assert len(first_course) == given.sum()
    assert (first_course.groupby("patient_id")["day"].min() == 0).all()
    assert first_course["day"].mod(7).isin([0, 1]).all()


def test_dose_columns(tables: dict[str, pd.DataFrame]) -> None:
    sessions = tables["sessions"]
    dosing, others = sessions[sessions["kind"] == "dosing"], sessions[sessions["kind"] != "dosing"]
    for column in ("route", "dose_mg", "dose_mg_per_kg", "approach", "systolic_before_mmhg"):
        assert others[column].isna().all()
    assert dosing[["route", "dose_mg", "approach"]].notna().all(axis=None)
    assert dosing["dose_mg"].between(5, 1000).all()
    known = dosing.dropna(subset="dose_mg_per_kg")
    assert 0.5 < len(known) / len(dosing) < 1.0
    assert (known["dose_mg"] / known["dose_mg_per_kg"]).between(43.0, 143.0).all()
    assert set(dosing.loc[dosing["approach"] == "psychedelic", "route"]) == {"intramuscular", "intravenous"}
    psycholytic = dosing.loc[dosing["approach"] == "psycholytic", "route"]
    assert psycholytic.isin(["sublingual", "intranasal"]).mean() > 0.8


def test_vital_signs_and_times_are_those_of_some_clinics(tables: dict[str, pd.DataFrame]) -> None:
    sessions = tables["sessions"].merge(tables["patients"][["patient_id", "site"]], on="patient_id")
    assert set(sessions.loc[sessions["time"].notna(), "site"]) == {"North", "East", "Central"}
    assert sessions["time"].dropna().str.fullmatch(r"(0[89]|1[0-7]):(00|15|30|45)").all()
    measured = sessions.dropna(subset="systolic_before_mmhg")
    assert set(measured["site"]) == {"North", "South", "Central"}
    assert (measured["systolic_peak_mmhg"] >= measured["systolic_before_mmhg"]).all()
    assert (measured["diastolic_peak_mmhg"] >= measured["diastolic_before_mmhg"]).all()
    for moment in ("before", "peak"):
        pressures = measured[[f"{kind}_{moment}_mmhg" for kind in ("diastolic", "systolic")]].to_numpy(dtype=int)
        assert (pressures[:, 0] <= pressures[:, 1] - 20).all()
        assert 40 <= pressures[:, 0].min() < pressures[:, 1].max() <= 230
    assert measured["oxygen_saturation_min_percent"].between(88, 100).all()


def test_integration_takes_place_in_the_weeks_of_the_mechanism(
    tables: dict[str, pd.DataFrame], population: Population
) -> None:
    expected = population.trajectory.session & population.dosed[:, np.newaxis]
    np.testing.assert_array_equal(weeks_with_integration(tables["sessions"], population), expected)


def test_some_integration_follows_within_three_days_and_again_within_seven(tables: dict[str, pd.DataFrame]) -> None:
    sessions = tables["sessions"]
    integration = sessions[(sessions["kind"] == "integration") & sessions["day"].between(1, 6)]
    soon = set(integration.loc[integration["day"] <= 3, "patient_id"])
    later = set(integration.loc[integration["day"] >= 4, "patient_id"])
    assert len(soon) >= 30
    assert len(soon & later) >= 5
    assert len(later - soon) >= 10


def test_phq9_is_the_mechanisms_score(tables: dict[str, pd.DataFrame], population: Population) -> None:
    phq9 = tables["scores"].query("instrument == 'PHQ-9' and 0 < day <= 84")
    people, week = people_of(phq9, population), (phq9["day"].to_numpy() + 6) // 7 - 1
    assert (phq9["day"].to_numpy() - 7 * (week + 1) >= -1).all()
    np.testing.assert_array_equal(phq9["total"], population.trajectory.score[people, week])
    found = np.zeros_like(population.trajectory.recorded)
    found[people, week] = True
    np.testing.assert_array_equal(found, population.trajectory.recorded & population.dosed[:, np.newaxis])


def test_baseline_is_the_observed_score_in_the_window_with_few_gaps(
    tables: dict[str, pd.DataFrame], population: Population
) -> None:
    before = tables["scores"].query("instrument == 'PHQ-9' and day <= 0")
    people = people_of(before, population)
    np.testing.assert_array_equal(before["total"], population.intake.baseline_score[people])
    assert before["total"].min() >= 10
    in_window = np.zeros(population.n_patients, dtype=bool)
    in_window[people[before["day"] >= -14]] = True
    without = population.dosed & ~in_window
    assert 1 <= without.sum() <= 0.06 * population.dosed.sum()


def test_totals_are_in_range_and_the_sum_of_their_items(tables: dict[str, pd.DataFrame]) -> None:
    scores = tables["scores"]
    items = scores[[f"item_{number}" for number in range(1, 10)]]
    for name, n_items in (("PHQ-9", 9), ("GAD-7", 7)):
        given = items[scores["instrument"] == name]
        assert given.iloc[:, :n_items].isin([0, 1, 2, 3]).all(axis=None)
        assert given.iloc[:, n_items:].isna().all(axis=None)
        assert (given.sum(axis=1) == scores.loc[scores["instrument"] == name, "total"]).all()
        assert given.iloc[:, :n_items].nunique().min() == 4
    assert items[scores["instrument"].isin(["BDI-II", "HAM-A"])].isna().all(axis=None)
    for name, (low, high) in RANGES.items():
        assert scores.loc[scores["instrument"] == name, "total"].between(low, high).all()
    assert not scores.duplicated(["patient_id", "instrument", "day"]).any()


def test_other_scales_follow_the_phq9_and_stand_in_their_clinics(tables: dict[str, pd.DataFrame]) -> None:
    scores = tables["scores"].merge(tables["patients"][["patient_id", "site"]], on="patient_id")
    sites = scores.groupby("instrument")["site"].agg(lambda found: sorted(set(found)))
    assert sites["GAD-7"] == ["Central", "East", "North", "South", "West"]
    assert (sites["BDI-II"], sites["HAM-A"]) == (["East", "North"], ["North", "West"])
    wide = scores.pivot_table(index=["patient_id", "day"], columns="instrument", values="total")
    for name in ("GAD-7", "BDI-II", "HAM-A"):
        both = wide[["PHQ-9", name]].dropna().astype(float)
        assert len(both) > 150
        assert 0.5 < np.corrcoef(both["PHQ-9"], both[name])[0, 1] < 0.95


def test_second_courses_begin_after_a_gap_of_more_than_ninety_days(tables: dict[str, pd.DataFrame]) -> None:
    doses = tables["sessions"].query("kind == 'dosing'").sort_values(["patient_id", "day"])
    gaps = doses.groupby("patient_id")["day"].diff().dropna()
    assert gaps.max() > 90
    assert not gaps.between(9, 90).any()
    assert 10 <= (gaps > 90).sum() <= 60
    later = doses[doses["day"] > 98]
    assert later.groupby("patient_id").size().between(2, 4).all()
    phq9 = tables["scores"].query("instrument == 'PHQ-9' and day > 98")
    assert phq9["patient_id"].isin(later["patient_id"]).all()


def test_dates_and_days_say_the_same() -> None:
    by_day = simulate_tables(3, n_patients=60, time_form="day")
    by_date = simulate_tables(3, n_patients=60, time_form="date")
    sessions = by_date["sessions"].assign(day=by_day["sessions"]["day"])
    origin = pd.to_datetime(sessions["date"]) - pd.to_timedelta(sessions["day"], unit="D")
    assert origin.groupby(sessions["patient_id"]).nunique().eq(1).all()
    origin_of = origin.groupby(sessions["patient_id"]).first()
    assert origin_of.dt.strftime("%w").isin(list("12345")).all()
    assert origin_of.between("2024-10-01", "2026-09-30").all()
    assert origin_of.is_monotonic_increasing  # keys are given in the order of the first dose
    for name in ("scores", "adverse_events"):
        moved = pd.to_datetime(by_date[name]["date"]) - by_date[name]["patient_id"].map(origin_of)
        assert (moved.dt.days == by_day[name]["day"]).all()
    assert "index_quarter" not in by_date["patients"]
    dosed = sessions.query("kind == 'dosing'")["patient_id"].unique()
    patients = by_day["patients"].set_index("patient_id")
    first_day = origin_of.where(
        origin_of.index.isin(dosed), pd.to_datetime(sessions.groupby("patient_id")["date"].min())
    )
    expected = first_day.dt.year.astype(str) + "Q" + first_day.dt.quarter.astype(str)
    assert (patients.loc[dosed, "index_quarter"] == expected[dosed]).all()
    for name, frame in by_day.items():
        shared = [column for column in frame if column not in ("day", "index_quarter")]
        pd.testing.assert_frame_equal(frame[shared], by_date[name][shared])


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    folders = {}
    for name, seed in (("first", 5), ("second", 5), ("other", 6)):
        written = write_tables(simulate_tables(seed, n_patients=30), tmp_path / name)
        folders[name] = {path.name: path.read_bytes() for path in written}
    assert folders["first"] == folders["second"]
    assert list(folders["first"]) == [
        "patients.csv",
        "sessions.csv",
        "scores.csv",
        "adverse_events.csv",
        "registry.json",
    ]
    for name in ("patients.csv", "sessions.csv", "scores.csv", "adverse_events.csv"):
        assert folders["first"][name] != folders["other"][name]
        assert b"\r" not in folders["first"][name]
    marker = json.loads(folders["first"]["registry.json"])
    assert marker == {"schema_version": "1.0", "is_synthetic": True, "made_by": "katoutcomes simulate"}


def test_a_seed_and_its_generator_are_the_same_and_tables_have_their_own_streams() -> None:
    from_seed = simulate_tables(8, n_patients=25)
    from_generator = simulate_tables(np.random.Generator(np.random.PCG64(8)), n_patients=25)
    for name, frame in from_seed.items():
        pd.testing.assert_frame_equal(frame, from_generator[name])
    # The effect changes what happens in the twelve weeks, and nothing of who came.
    without_effect = simulate_tables(8, n_patients=25, session_effect_points=0.0)
    pd.testing.assert_frame_equal(from_seed["patients"], without_effect["patients"])
    assert not from_seed["scores"].equals(without_effect["scores"])


def test_real_tables_are_never_overwritten(tmp_path: Path) -> None:
    tables = simulate_tables(1, n_patients=5)
    (tmp_path / "patients.csv").write_text("patient_id\n")
    with pytest.raises(DataError, match="not marked as synthetic"):
        write_tables(tables, tmp_path)
    assert (tmp_path / "patients.csv").read_text() == "patient_id\n"
    (tmp_path / "registry.json").write_text('{"schema_version": "1.0", "is_synthetic": false}')
    with pytest.raises(DataError, match="not marked as synthetic"):
        write_tables(tables, tmp_path)
    (tmp_path / "registry.json").write_text('{"schema_version": "1.0", "is_synthetic": true}')
    assert len(write_tables(tables, tmp_path)) == 5


def test_options_are_checked() -> None:
    for options, message in (
        ({"n_patients": 0}, "n_patients must lie between"),
        ({"n_patients": 10_000}, "n_patients must lie between"),
        ({"time_form": "month"}, "time_form must be one of"),
        ({"scenario": "placebo"}, "scenario must be one of"),
        ({"mechanism": "chance"}, "mechanism must be one of"),
        ({"n_quarters": 0}, "n_quarters must lie between"),
        ({"first_quarter": "2024-4"}, "first_quarter must be written"),
        ({"first_quarter": "2024Q5"}, "first_quarter must be written"),
    ):
        with pytest.raises(OptionError, match=message):
            simulate_tables(1, **options)
    with pytest.raises(OptionError, match="a seed is 0 or more"):
        simulate_tables(-1)


def test_a_very_small_clinic_has_every_table() -> None:
    tables = simulate_tables(2, n_patients=1, n_quarters=1, first_quarter="2026Q3")
    assert len(tables["patients"]) == 2
    assert tables["sessions"]["date"].str.startswith("2026").all()
