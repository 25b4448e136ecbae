"""Safety by hand: five patients whose every event, session and answer is written down here."""

from __future__ import annotations

import math

import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.errors import ImmortalTimeError, OptionError


def items(total_of_others, last):
    """PHQ-9 answers: the last item is the one on suicide or self-harm."""
    answers = [min(3, max(0, total_of_others - 3 * number)) for number in range(8)] + [last]
    return {f"item_{number}": answer for number, answer in enumerate(answers, 1)}


PATIENTS = pd.DataFrame(
    {
        "patient_id": list("abcde"),
        "age_years": [30, 41, 52, 63, 17],
        "sex": ["female", "male", "female", "male", "male"],
    }
)
SESSIONS = pd.DataFrame(
    [
        # patient, day, systolic peak, diastolic peak, rescue, stopped
        ("a", 0, 150, 90, 0, 0),
        ("a", 7, 185, 95, 1, 0),
        ("b", 0, 140, 125, 0, 1),
        ("b", 7, None, None, None, None),
        ("c", 0, 130, 80, 0, 0),
        ("d", 0, 120, 70, 0, 0),
        ("e", 0, 120, 70, 0, 0),
        ("a", 200, 190, 90, 1, 1),  # another course
    ],
    columns=["patient_id", "day", "systolic_peak_mmhg", "diastolic_peak_mmhg", "rescue_medication", "stopped_early"],
).assign(kind="dosing", session_id=lambda frame: [f"s{row}" for row in range(len(frame))])
EVENTS = pd.DataFrame(
    [
        ("a", "s0", 0, "nausea", "mild", 0),
        ("a", "s0", 0, "headache", "moderate", 0),
        ("a", None, 7, "nausea", "mild", 0),  # names no session: that of its day
        ("b", None, 3, "syncope", "severe", 1),  # no session on that day
        ("c", "s4", 0, "nausea", "moderate", 0),
        ("d", None, -5, "headache", "mild", 0),  # before the first dose
        ("a", "s7", 200, "nausea", "severe", 1),  # in another course
    ],
    columns=["patient_id", "session_id", "day", "term", "severity", "serious"],
).assign(event_id=lambda frame: [f"e{row}" for row in range(len(frame))])
SCORES = pd.DataFrame(
    [
        {"patient_id": "a", "day": -1, **items(12, 1)},
        {"patient_id": "a", "day": 30, **items(6, 2)},
        {"patient_id": "b", "day": -1, **items(12, 0)},
        {"patient_id": "b", "day": 28, **items(20, 1)},
        {"patient_id": "b", "day": 84, **items(20, 0)},
        {"patient_id": "c", "day": -1, **items(12, 0)},
        {"patient_id": "c", "day": 28, **items(4, 0)},
        {"patient_id": "d", "day": -1, **items(12, 2)},
    ]
).assign(instrument="PHQ-9", score_id=lambda frame: [f"q{row}" for row in range(len(frame))])


@pytest.fixture(scope="module")
def registry():
    tables = {"patients": PATIENTS, "sessions": SESSIONS, "scores": SCORES, "adverse_events": EVENTS}
    return kat.read_registry(tables, is_synthetic=True)


@pytest.fixture(scope="module")
def result(registry):
    return kat.safety(kat.select_cohort(registry, kat.CohortDefinition()))


def one(result, term, measure, subgroup=""):
    (found,) = result.select(term=term, measure=measure, subgroup=subgroup)
    return found


def share(result, term, measure="proportion", subgroup=""):
    found = one(result, term, measure, subgroup)
    return found.n_counted, found.n_base


@pytest.mark.parametrize(
    ("term", "count"),
    [
        ("patients", 4),
        ("dosing sessions", 6),
        ("events", 5),
        ("serious events", 1),
        ("events, mild", 2),
        ("events, moderate", 2),
        ("events, severe", 1),
        ("kind of event, nausea", 3),
        ("kind of event, headache", 1),
        ("kind of event, syncope", 1),
    ],
)
def test_what_is_counted(result, term, count):
    assert one(result, term, "count").estimate == count


@pytest.mark.parametrize(
    ("term", "counts"),
    [
        ("patients with an event", (3, 4)),
        ("patients with a serious event", (1, 4)),
        ("worst event of a patient, mild", (0, 4)),
        ("worst event of a patient, moderate", (2, 4)),
        ("worst event of a patient, severe", (1, 4)),
        ("patients with kind, nausea", (2, 4)),
        ("safety item of the PHQ-9, endorsed at baseline", (2, 4)),
        ("safety item of the PHQ-9, newly endorsed after the first dose", (1, 2)),
        ("safety item of the PHQ-9, answered higher after the first dose", (2, 3)),
        ("reliable deterioration at the last score", (1, 3)),
    ],
)
def test_shares_of_patients(result, term, counts):
    assert share(result, term) == counts


@pytest.mark.parametrize(
    ("term", "counts"),
    [
        ("sessions with an event", (3, 6)),
        ("sessions with a serious event", (0, 6)),
        ("worst event of a session, mild", (1, 6)),
        ("worst event of a session, moderate", (2, 6)),
        ("worst event of a session, severe", (0, 6)),
        ("sessions at or above the blood pressure limit", (2, 5)),
        ("sessions with rescue medication", (1, 5)),
        ("sessions stopped early", (1, 5)),
    ],
)
def test_shares_of_sessions(result, term, counts):
    assert share(result, term, "proportion of sessions") == counts


def test_the_rate_counts_days_up_to_the_last_record_before_the_next_course(result):
    # a: days 0 to 30; b: to 84; c: to 28; d: the day of the dose alone.
    assert one(result, "observed time", "exposure time").estimate == 31 + 85 + 29 + 1
    rate = one(result, "events", "event rate")
    assert rate.estimate == pytest.approx(1000 * 5 / 146, rel=1e-12)
    assert rate.conf_low < rate.estimate < rate.conf_high


def test_what_was_never_seen_has_an_upper_limit(result):
    found = one(result, "sessions with a serious event", "proportion of sessions")
    assert (found.conf_low, found.conf_high) == (0.0, pytest.approx(1 - 0.025 ** (1 / 6), rel=1e-12))


def test_peaks_are_over_sessions_and_say_of_how_many_patients(result):
    found = one(result, "systolic peak", "median")
    assert (found.estimate, found.n_patients, found.unit) == (140.0, 4, "mmHg")


def test_what_was_never_recorded_is_left_out(result):
    assert not result.select(term="sessions below the oxygen saturation limit")


def test_limits_can_be_chosen(registry):
    result = kat.safety(registry, blood_pressure_limits=(140, 90))
    assert share(result, "sessions at or above the blood pressure limit", "proportion of sessions") == (3, 6)


def test_a_registry_is_everybody_with_a_dose(registry):
    assert one(kat.safety(registry), "patients", "count").estimate == 5  # the one under age too


def test_groups(registry):
    result = kat.safety(registry, by="sex")
    assert share(result, "patients with an event", subgroup="sex: female") == (2, 2)
    assert share(result, "patients with an event", subgroup="sex: male") == (1, 3)
    assert share(result, "reliable deterioration at the last score", subgroup="sex: male") == (1, 1)


def test_states_of_a_session(registry):
    scores = SCORES.assign(session_id=None, total=None)
    cadss = pd.DataFrame(
        {"score_id": ["x", "y"], "patient_id": ["a", "c"], "day": [0, 0], "session_id": ["s0", "s4"], "total": [20, 31]}
    ).assign(instrument="CADSS")
    tables = {
        "patients": PATIENTS,
        "sessions": SESSIONS,
        "scores": pd.concat([scores, cadss]),
        "adverse_events": EVENTS,
    }
    result = kat.safety(kat.read_registry(tables, is_synthetic=True))
    found = one(result, "peak of the CADSS", "median")
    assert (found.estimate, found.n_patients, found.instrument) == (25.5, 2, "CADSS")


def test_no_events_are_not_taken_for_none(registry):
    tables = {"patients": PATIENTS, "sessions": SESSIONS, "scores": SCORES}
    result = kat.safety(kat.read_registry(tables, is_synthetic=True))
    assert "events recorded" in {check.name for check in result.checks if not check.passed}
    assert one(result, "events", "event rate").estimate == 0.0


def test_it_says_that_it_is_no_monitoring(result):
    assert any("never monitoring" in text for text in result.assumptions)
    assert any("never monitoring" in note for note in result.to_table().footnotes)
    assert not any(math.isnan(estimate.estimate) for estimate in result.select(measure="count"))


def test_groups_that_formed_later_are_refused(registry):
    with pytest.raises(ImmortalTimeError):
        kat.safety(registry, by="any_integration_by_day_84")


@pytest.mark.parametrize(
    "choices", [{"blood_pressure_limits": (90, 140)}, {"oxygen_limit": 0}, {"conf_level": 95}, {"by": "shoe size"}]
)
def test_what_cannot_be_chosen(registry, choices):
    with pytest.raises(OptionError):
        kat.safety(registry, **choices)
