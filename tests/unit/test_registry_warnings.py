"""What is warned of: counted, named, and kept. All data are synthetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.registry.checking import close_records
from katoutcomes.registry.checking.quality_warnings import USUAL_DOSE_MG
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.load_reports.load_report import QualityWarning

N_PATIENTS = 24


def patients(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"patient_id": [f"P{number:02d}" for number in range(N_PATIENTS)], "sex": "female", **columns})


def sessions(rows: Sequence[tuple[str, int, str]] = (), **columns: Any) -> pd.DataFrame:
    """One dose on day 0 a patient, and further rows (patient, day, kind)."""
    doses = [(f"P{number:02d}", 0, "dosing") for number in range(N_PATIENTS)]
    made = pd.DataFrame([*doses, *rows], columns=["patient_id", "day", "kind"])
    made.insert(0, "session_id", [f"S{number:03d}" for number in range(len(made))])
    return made.assign(**columns)


def warned(scores: pd.DataFrame | None = None, **tables: pd.DataFrame) -> dict[tuple[str, str], Any]:
    """Return the warnings by rule and column; nothing may be rejected."""
    given = {"patients": patients(), "sessions": sessions(), **tables}
    if scores is not None:
        given["scores"] = scores.assign(score_id=[f"Q{number}" for number in range(len(scores))])
    report = kat.read_registry(given).load_report
    assert not report.problems
    places = [(warning.rule, warning.file, warning.column) for warning in report.warnings]
    assert len(set(places)) == len(places)
    return {(warning.rule, warning.column): warning for warning in report.warnings}


def test_sound_tables_are_warned_of_nothing() -> None:
    assert warned() == {}


def test_small_sites_quarters_and_diagnoses() -> None:
    site = ["North"] * 13 + ["South"] * 10 + ["East"]
    diagnoses = ["ptsd"] * 12 + ["ptsd;depression"] * 12
    quarter = ["2026Q1"] * 12 + ["2026Q2"] * 11 + [None]
    found = warned(patients=patients(site=site, diagnoses=diagnoses, index_quarter=quarter))
    assert found["small_site", "site"].n_rows == 11
    assert found["small_site", "site"].text == "sites with fewer than 11 patients: 2."
    assert ("rare_diagnosis", "diagnoses") not in found
    assert ("small_quarter", "index_quarter") not in found
    assert found["small_classes", ""].n_rows == 2  # one patient of the first site, and the one of the last
    quarter[11] = "2026Q2"
    quarter[0] = "2026Q3"
    found = warned(patients=patients(index_quarter=quarter))
    assert (found["small_quarter", "index_quarter"].n_rows) == 11


def test_few_patients_say_so_once() -> None:
    few = kat.read_registry({"patients": patients(site="North").head(10), "sessions": sessions().head(10)})
    assert [warning.rule for warning in few.load_report.warnings] == ["few_patients"]


def test_rare_doses_and_routes() -> None:
    dose = [75.0] * 20 + [61.5] * 4
    route = ["intramuscular"] * 19 + ["sublingual"] * 5
    found = warned(sessions=sessions(dose_mg=dose, route=route))
    assert found["rare_dose", "dose_mg"].n_rows == 4
    assert ("rare_route", "route") not in found


def test_times_and_therapists() -> None:
    found = warned(
        patients=patients(therapist_code="T1", clinician=None, site="North"),
        sessions=sessions(time=["09:30"] * 20 + [None] * 4),
    )
    assert found["exact_time", "time"].n_rows == 20
    assert found["therapist", "therapist_code"].n_rows == N_PATIENTS
    assert found["therapist", "clinician"].n_rows == 0


@pytest.mark.parametrize(
    ("texts", "is_free"),
    [
        ([f"a rather long remark, number {number}" for number in range(N_PATIENTS)], True),
        ([f"a rather long remark, number {number % 4}" for number in range(N_PATIENTS)], False),
        ([f"short {number}" for number in range(N_PATIENTS)], False),
        ([*(f"a rather long remark, number {number}" for number in range(4)), *[None] * (N_PATIENTS - 4)], False),
    ],
)
def test_free_text(texts: list[str | None], is_free: bool) -> None:
    assert (("free_text", "impression") in warned(patients=patients(impression=texts))) is is_free


def quality(found: dict[tuple[str, str], Any], rule: str, column: str) -> tuple[int, ...]:
    warning = found[rule, column]
    assert isinstance(warning, QualityWarning)
    assert warning.n_rows == len(warning.row_numbers)
    return warning.row_numbers


def test_sessions_out_of_order() -> None:
    rows = [
        ("P00", -3, "integration"),
        ("P01", 3, "integration"),
        ("P02", -1, "follow_up"),
        ("P03", -5, "preparation"),
        ("P04", 9, "screening"),
        ("P05", -9, "screening"),
        ("P06", 0, "dosing"),
        ("P07", 1, "dosing"),
    ]
    found = warned(sessions=sessions(rows))
    assert quality(found, "before_dose", "kind") == (25, 27)
    assert quality(found, "late_screening", "kind") == (29,)
    assert quality(found, "doses_on_one_day", "kind") == (7, 31)


def test_integration_of_patients_without_any_dose() -> None:
    rows = sessions().iloc[1:]
    alone = pd.DataFrame({"session_id": ["S999"], "patient_id": ["P00"], "day": [4], "kind": ["integration"]})
    found = warned(sessions=pd.concat([rows, alone], ignore_index=True))
    assert quality(found, "before_dose", "kind") == (24,)


@pytest.mark.parametrize("route", list(USUAL_DOSE_MG))
def test_unusual_doses(route: str) -> None:
    low, high = USUAL_DOSE_MG[route]
    dose = [low, high, low - 0.5, high + 0.5, *[75.0] * (N_PATIENTS - 4)]
    found = warned(sessions=sessions(dose_mg=dose, route=route))
    assert quality(found, "unusual_dose", "dose_mg") == (3, 4)


def test_unusual_doses_by_weight() -> None:
    found = warned(sessions=sessions(dose_mg_per_kg=[0.04, 0.05, 5.0, 5.1, *[1.0] * (N_PATIENTS - 4)]))
    assert quality(found, "unusual_dose", "dose_mg_per_kg") == (1, 4)


def test_vital_signs() -> None:
    signs = pd.DataFrame(
        {
            "systolic_before_mmhg": [120, 120, 80, None],
            "systolic_peak_mmhg": [140, 110, 90, 150],
            "diastolic_before_mmhg": [80, 80, 80, 80],
            "diastolic_peak_mmhg": [90, 85, 85, 79],
        }
    ).reindex(range(N_PATIENTS))
    found = warned(sessions=sessions(**signs))
    assert quality(found, "peak_below_before", "*_peak_mmhg") == (2, 4)
    assert quality(found, "pressure_order", "systolic_*") == (3,)


def test_scores_inside_one_recall_window() -> None:
    rows = [("P00", 0, "PHQ-9"), ("P00", 13, "PHQ-9"), ("P00", 27, "PHQ-9"), ("P00", 13, "GAD-7"), ("P01", 14, "PHQ-9"),
            ("P01", 20, "CGI-S"), ("P01", 21, "CGI-S"), ("P01", 27, "PHQ-9")]  # fmt: skip
    scores = pd.DataFrame(rows, columns=["patient_id", "day", "instrument"]).assign(total=5)
    found = warned(scores)
    assert quality(found, "recall_overlap", "instrument") == (2, 8)
    assert found["recall_overlap", "instrument"].text.startswith("PHQ-9 looks back 14 days")


def test_scores_filled_in_hours_after_a_dose() -> None:
    rows = [("P00", 0, "09:00"), ("P01", 0, "13:00"), ("P02", 0, None), ("P03", 1, "13:00")]
    scores = pd.DataFrame(rows, columns=["patient_id", "day", "time"]).assign(total=5, instrument="PHQ-9")
    found = warned(scores, sessions=sessions(time="10:00"))
    assert quality(found, "soon_after_dose", "instrument") == (2,)


def test_rows_of_another_day_than_their_session() -> None:
    scores = pd.DataFrame(
        {"patient_id": ["P00", "P01"], "day": [0, 1], "session_id": ["S000", "S001"], "instrument": "CADSS", "total": 9}
    )
    events = pd.DataFrame(
        {"event_id": ["E0", "E1"], "patient_id": ["P00", "P01"], "session_id": ["S000", "S001"], "day": [-1, 0],
         "term": "nausea", "severity": "mild", "serious": 0}
    )  # fmt: skip
    found = warned(scores, adverse_events=events)
    assert quality(found, "score_off_session", "session_id") == (2,)
    assert found["event_before_session", "session_id"].row_numbers == (1,)


def test_rejected_rows_are_not_warned_of() -> None:
    rows = [("P00", -3, "integration"), ("P99", -3, "integration")]
    report = kat.read_registry({"patients": patients(), "sessions": sessions(rows)}).load_report
    assert [(p.rule, p.row_numbers) for p in report.problems] == [("link", (26,))]
    assert [(w.rule, w.n_rows) for w in report.warnings] == [("before_dose", 1)]


def test_what_was_allowed_stands_in_the_provenance_of_every_result() -> None:
    registry = kat.read_registry(
        {"patients": patients(device_code="604-555-0199", age_years=40), "sessions": sessions()},
        allow=["value_phone:device_code"],
    )
    assert registry.load_report.overrides == ("value_phone:patients:device_code",)
    cohort = kat.select_cohort(registry, kat.CohortDefinition(instrument="PHQ-9"))
    allowed = ("identifier rule allowed", "value_phone:patients:device_code")
    assert allowed in registry.settings
    assert allowed in cohort.settings()


def test_warnings_stay_out_of_results() -> None:
    registry = kat.read_registry({"patients": patients(site=["North"] * 20 + ["South"] * 4), "sessions": sessions()})
    assert registry.load_report.warnings
    assert "few" not in kat.data_quality(registry).to_json()
    assert "small_site" not in kat.data_quality(registry).to_json()


@pytest.mark.parametrize("key_bits", [63, 28])
def test_scores_that_follow_closely_are_those_found_one_by_one(key_bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(close_records, "_KEY_BITS", key_bits)  # with 28 there is room for few patients at once
    rng = np.random.default_rng(5)
    slots = {(int(p), int(day), int(code)) for p, day, code in rng.integers([1, -20, 0], [40, 60, 3], (300, 3))}
    rows = list(enumerate(sorted(slots, key=hash), start=1))
    recall = {0: 7, 2: 14}
    expected = {
        (record, code)
        for record, (patient, day, code) in rows
        if any((patient, before, code) in slots for before in range(day - recall.get(code, 0) + 1, day))
    }
    with Engine() as engine:
        cells = zip(*((record, *slot) for record, slot in rows), strict=True)
        columns = ("score", "patient", "day", "code")
        arrays = {name: np.array(values, dtype=np.int32) for name, values in zip(columns, cells, strict=True)}
        engine.materialize_arrays("given", arrays)
        engine.materialize("scores", f"select score, patient, day, {CODED} as instrument from given")  # noqa: S608
        close_records.materialize_close_scores(engine, recall)
        found = engine.fetch("select record, code from close_scores")
    assert len(expected) > 20
    assert sorted(zip(found["record"].tolist(), found["code"].tolist(), strict=True)) == sorted(expected)


CODED = "cast(case code when 0 then 'a' when 1 then 'b' else 'c' end as enum('a', 'b', 'c'))"


@pytest.mark.parametrize("key_bits", [63, 30])
def test_scores_in_order_tell_the_same_after_some_were_rejected(key_bits: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(close_records, "_KEY_BITS", key_bits)
    monkeypatch.setattr(close_records, "_BLOCK", 50)
    rng = np.random.default_rng(11)
    drawn = rng.integers([1, -20, 0], [40, 400, 3], (600, 3)).astype(np.int32)
    drawn[::9, :] = drawn[1::9, :][: len(drawn[::9])]  # some of one day
    with Engine() as engine:
        columns = {name: drawn[:, place] for place, name in enumerate(("patient", "day", "code"))}
        engine.materialize_arrays("given", {**columns, "score": np.arange(600, dtype=np.int32)})
        engine.materialize("scores", f"select score, patient, day, {CODED} as instrument from given")  # noqa: S608
        moved = "day + 20 * patient as day_number, instrument as scale, score as input_row, patient"
        engine.view("sound_scores", f"select {moved} from scores")  # noqa: S608
        known = close_records.materialize_scores_of_one_day(engine, {0: 7, 1: 0, 2: 14})
        twice = "select score from (select score, count(*) over (partition by patient, day, code) as n from given) as c"
        alike = engine.fetch("select input_row as score from repeated_values order by score")["score"]
        assert alike.tolist() == engine.fetch(f"{twice} where n > 1 order by score")["score"].tolist()
        engine.drop("sound_scores")
        doubled = "select max(score) from given group by patient, day, code having count(*) > 1"
        left = f"select * from scores where score % 5 > 0 and score not in ({doubled})"  # noqa: S608
        engine.materialize("scores", left)
        found = []
        for scores in (known, None):
            close_records.materialize_close_scores(engine, {0: 7, 2: 14}, scores)
            rows = engine.fetch("select record, code from close_scores order by record")
            found.append([column.tolist() for column in rows.values()])
    assert known is not None
    assert found[0] == found[1]
    assert len(found[0][0]) > 10
    assert len(alike) > 20


@pytest.mark.parametrize("is_many", [False, True])
def test_scores_that_are_many_or_of_far_days_are_not_kept_in_order(
    is_many: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(close_records, "_MOST_KEPT", 2 if is_many else 9)
    days = "(1, 3, 0), (2, 3, 0), (3, 3, 5)" if is_many else f"(1, 3, 0), (2, 3, 0), (3, 3, {2**21})"
    with Engine() as engine:
        rows = f"select *, cast('a' as enum('a')) as scale from (values {days}) as v(input_row, patient, day_number)"  # noqa: S608
        engine.materialize("sound_scores", rows)
        assert close_records.materialize_scores_of_one_day(engine, {0: 7}) is None
        assert engine.fetch("select input_row from repeated_values order by 1")["input_row"].tolist() == [1, 2]
