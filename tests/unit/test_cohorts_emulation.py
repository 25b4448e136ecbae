"""From events to weeks, decisions and days of departure, against a loop over one patient at a time."""

from __future__ import annotations

import math
from functools import cache
from itertools import pairwise

import numpy as np
import pytest

import katoutcomes as kat
from katoutcomes.cohorts.emulation.compile_trial import emulation_set
from katoutcomes.cohorts.emulation.decisions import compiled, deviation_day
from katoutcomes.cohorts.emulation.weeks import last_scores

START = kat.TargetTrial()
TWICE = kat.TargetTrial(strategy=kat.StartIntegration(at_least=2, by_day=35), comparator=kat.NoneUntil(35))
EACH_DOSE = kat.TargetTrial(strategy=kat.AfterEachDose(), comparator=kat.NoneUntil(42))


@cache
def registry():
    return kat.simulate_registry(seed=3, n_patients=120, mechanism="start")


@cache
def found(trial):
    return emulation_set(trial, registry())


def departures(trial, doses, sessions, until):
    """Return the days on which one patient's record departs from "none" and from the treated strategy."""
    by_day = trial.by_day
    weeks = sorted({max(0, math.ceil(day / 7) - 1) for day in sessions if day <= by_day})
    none = 7.0 * (weeks[0] + 1) if weeks else math.inf
    if isinstance(trial.strategy, kat.StartIntegration):
        had = 0
        for week in range(by_day // 7):
            if until < 7 * week:
                return none, math.inf
            must = trial.strategy.at_least - had == by_day // 7 - week
            if must and week not in weeks:
                return none, 7.0 * (week + 1)
            had += week in weeks
        return none, math.inf
    for dose in doses:
        for first, last in ((0, 3), (4, 7)):
            is_due = dose < by_day and until >= dose + last
            if is_due and not any(dose + first <= day <= dose + last for day in sessions):
                return none, float(dose + last)
    return none, math.inf


def by_patient():
    """Yield doses, integration sessions and the last session of each eligible patient's first course, in days."""
    sessions, patients = registry().table("sessions"), registry().table("patients")
    adults = set(patients.loc[patients["age_years"] >= 18, "patient_id"])
    for patient, rows in sessions.groupby("patient_id"):
        doses = sorted(rows.loc[rows["kind"] == "dosing", "day"])
        if patient not in adults or not doses:
            continue
        gaps = [after for before, after in pairwise(doses) if after - before > 90]
        own = rows[(rows["day"] >= doses[0]) & (rows["day"] < (gaps[0] if gaps else math.inf))]
        days = own["day"] - doses[0]
        yield (
            sorted(days[own["kind"] == "dosing"]),
            sorted(days[own["kind"] == "integration"]),
            int(days.max()),
        )


@pytest.mark.parametrize("trial", [START, TWICE, EACH_DOSE], ids=["start", "twice", "each dose"])
def test_days_of_departure_are_those_of_a_loop_over_patients(trial):
    expected = sorted((*departures(trial, *one), one[2], len(one[1])) for one in by_patient())
    patients = found(trial)
    days = deviation_day(trial, patients)
    n_sessions = (~np.isnan(patients.session_days)).sum(axis=1)
    got = sorted(zip(*days.T.tolist(), patients.last_care_day.tolist(), n_sessions.tolist(), strict=True))
    assert got == [tuple(map(float, one)) for one in expected]
    assert len({one[:2] for one in got}) > 4


@pytest.mark.parametrize("trial", [START, TWICE, EACH_DOSE], ids=["start", "twice", "each dose"])
def test_who_never_departs_has_followed(trial):
    _, arms = compiled(trial, found(trial))
    days = deviation_day(trial, found(trial))
    for column, arm in enumerate(arms):
        np.testing.assert_array_equal(arm.followed, np.isinf(days[:, column]))


def test_baseline_and_outcome_are_those_of_the_analysis_set():
    definition = kat.CohortDefinition(instrument="PHQ-9", criteria=START.eligibility)
    data = kat.select_cohort(registry(), definition).analysis_set("PHQ-9")
    for own, expected in ((found(START).baseline, data.baseline), (found(START).outcome, data.scores[:, -1])):
        np.testing.assert_array_equal(np.sort(own), np.sort(expected))


def test_the_last_score_is_that_of_a_loop():
    rng = np.random.default_rng(5)
    patient, day = rng.integers(0, 6, 60), rng.permutation(60) - 10
    total, baseline, care = rng.integers(0, 27, 60).astype(float), np.arange(6.0), rng.integers(0, 50, 6).astype(float)
    days = np.array([0, 7, 30, 49])
    expected = np.repeat(baseline[:, None], 4, axis=1)
    for person in range(6):
        for column, limit in enumerate(days):
            known = [
                (day[row], total[row])
                for row in range(60)
                if patient[row] == person and 0 < day[row] <= min(limit, care[person] + 7)
            ]
            if known:
                expected[person, column] = max(known)[1]
    np.testing.assert_array_equal(last_scores(baseline, patient, day, total, care_day=care, days=days), expected)


def test_the_last_day_in_care_can_be_given_and_never_for_some_alone():
    keys = registry().table("patients")["patient_id"].tolist()
    given = emulation_set(START, registry(), in_care_until=dict.fromkeys(keys, 100))
    assert given.care_is_given
    assert given.in_care.all()
    assert not given.has_left.any()
    with pytest.raises(kat.DataError, match="not known for"):
        emulation_set(START, registry(), in_care_until={keys[0]: 100})


def test_strategies_and_trials_that_make_no_sense_are_refused():
    for make in (
        lambda: kat.StartIntegration(by_day=30),
        lambda: kat.StartIntegration(at_least=5, by_day=28),
        lambda: kat.StartIntegration(while_in_care=False),
        lambda: kat.AfterEachDose(windows=((0, 3), (2, 7))),
        lambda: kat.TargetTrial(comparator=kat.NoneUntil(42)),
        lambda: kat.TargetTrial(visit=kat.DEFAULT_VISITS[0]),
    ):
        with pytest.raises(kat.DesignError):
            make()


def test_the_protocol_names_every_item_and_confounder():
    text = kat.TargetTrial(confounders=("site",)).to_text()
    for word in ("Eligibility", "Assignment", "Time zero", "Follow-up", "Outcome", "Causal contrast", "site", "day 84"):
        assert word in text
