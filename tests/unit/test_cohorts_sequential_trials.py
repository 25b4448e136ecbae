"""Every course as a trial of its own, against a loop over patients and their courses."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import katoutcomes as kat
from katoutcomes.analyses.steps.emulation.data import emulation
from katoutcomes.cohorts.emulation.sequential import trial_patients
from katoutcomes.kernels.weighting.bootstrap import frequencies_of_block

FIRST = kat.TargetTrial(confounders=("program_booked",))
EVERY = replace(FIRST, courses="every")


@cache
def registry():
    return kat.simulate_registry(seed=20260930, n_patients=300, mechanism="start")


def looped_courses():
    """Yield, for every course of every adult, its number, integration days, dose days and last session, in days."""
    sessions, patients = registry().table("sessions"), registry().table("patients")
    adults = set(patients.loc[patients["age_years"] >= 18, "patient_id"])
    for patient, rows in sessions.groupby("patient_id"):
        doses = sorted(rows.loc[rows["kind"] == "dosing", "day"])
        if patient not in adults or not doses:
            continue
        starts = [day for place, day in enumerate(doses) if place == 0 or day - doses[place - 1] > 90]
        for number, start in enumerate(starts, start=1):
            end = starts[number] if number < len(starts) else np.inf
            own = rows[(rows["day"] >= start) & (rows["day"] < end)]
            days = own["day"] - start
            integration, dosing = (sorted(days[own["kind"] == kind]) for kind in ("integration", "dosing"))
            yield (number, tuple(integration), tuple(dosing), int(days.max()))


def test_every_course_is_that_of_a_loop_over_patients():
    found = trial_patients(EVERY, registry())
    numbers = found.variable("course_number").values
    got = [
        (
            int(numbers[row]),
            tuple(found.session_days[row][~np.isnan(found.session_days[row])].astype(int).tolist()),
            tuple(found.dose_days[row][~np.isnan(found.dose_days[row])].astype(int).tolist()),
            int(found.last_care_day[row]),
        )
        for row in range(found.n_patients)
    ]
    assert sorted(got) == sorted(looped_courses())
    assert max(numbers) > 1.0


def test_a_later_course_knows_the_one_before():
    found = trial_patients(EVERY, registry())
    numbers, changes = (
        found.variable("course_number").values,
        found.variable("baseline_change_since_last_course").values,
    )
    assert (changes[numbers == 1.0] == 0.0).all()
    for row in np.flatnonzero(numbers == 2.0):
        before = np.flatnonzero((found.patient == found.patient[row]) & (numbers == 1.0))
        assert before.size == 1
        np.testing.assert_equal(changes[row], found.baseline[row] - found.baseline[before[0]])


def test_patients_are_drawn_with_all_of_their_courses():
    found = emulation(EVERY, trial_patients(EVERY, registry()), ())
    assert [variable.name for variable in found.variables][1:] == ["course_number", "baseline_change_since_last_course"]
    drawn = frequencies_of_block(5, 0, 20, found.n_courses, found.units)
    for unit in range(int(found.units.max()) + 1):
        assert (np.ptp(drawn[:, found.units == unit], axis=1) == 0.0).all()
    assert emulation(FIRST, trial_patients(FIRST, registry()), ()).units is None


def test_the_answer_of_every_course_counts_patients_once():
    result = kat.emulate_trial(EVERY, registry(), n_bootstrap=100, rng=2)
    first = kat.emulate_trial(FIRST, registry(), n_bootstrap=100, rng=2)
    by_term, of_first = ({one.term: one for one in found.estimates} for found in (result, first))
    assert by_term["patients in the trial"].n_patients == of_first["patients in the trial"].n_patients
    found = emulation(EVERY, trial_patients(EVERY, registry()), ())
    rows = np.bincount(found.units)
    assert by_term["courses in the trial"].estimate == rows.sum() > by_term["patients in the trial"].n_patients
    assert by_term["patients with several courses"].n_patients == (rows > 1).sum()
    comparator, treated = (arm.followed for arm in found.data.arms)
    for term, members in (("followed both", comparator & treated), ("followed neither", ~comparator & ~treated)):
        assert by_term[term].n_patients == len(set(found.units[members].tolist()))
    scored = len(set(found.units[comparator & treated & found.data.is_observed].tolist()))
    assert by_term["scored, followed both"].n_counted == scored
    assert by_term["eligible patients"].n_patients == of_first["eligible patients"].n_patients
    others = [one.n_patients for one in result.estimates if one.term != "eligible patients" and one.n_patients]
    assert max(others) == len(rows)
    assert any("Every course is a trial" in warning for warning in result.warnings)
    assert "sequential trials" in result.part("protocol").rows[0][2]
    with pytest.raises(kat.DesignError):
        kat.emulate_trial(EVERY, registry(), in_care_until={}, rng=1)
    with pytest.raises(kat.OptionError):
        replace(FIRST, courses="second")


def released_from(n_patients, seed):
    source = kat.simulate_registry(seed=seed, n_patients=n_patients, mechanism="start")
    result = kat.emulate_trial(EVERY, source, n_bootstrap=100, rng=2)
    return result, kat.release(result)


def shown(released):
    """Return the counts that a release shows, by term."""
    return {one.term: one.n_counted for one in released.estimates if one.measure == "count" and not one.suppressed}


def test_few_patients_with_many_courses_are_not_told():
    """In 60 patients few have several courses: their number, and how many courses there are, stay behind."""
    result, released = released_from(60, 5)
    several = result.select(term="patients with several courses")[0].n_patients
    assert 0 < several < 11
    assert not {"patients with several courses", "courses in the trial"} & set(shown(released))
    assert "patients in the trial" in shown(released)
    balance = [one for one in released.estimates if "course_number" in one.term or "since_last_course" in one.term]
    assert balance
    assert all(one.suppressed for one in balance)
    assert kat.release(released).to_json() == released.to_json()


def test_what_few_did_in_a_week_does_not_hide_the_answer():
    """Few left care in most weeks, and few followed both: the curves go, the difference stays."""
    source = registry()
    for found in (
        kat.emulate_trial(FIRST, source, n_bootstrap=100, rng=2),
        kat.session_dose_response(FIRST, source, n_bootstrap=100, rng=2),
    ):
        released = kat.release(found)
        curves = released.select(measure="Kaplan-Meier share")
        assert any(one.suppressed for one in curves)
        answers = [one for one in released.estimates if one.term.startswith(("emulated trial", "emulated arms"))]
        assert not any(one.suppressed for one in answers)


def test_in_more_patients_courses_are_told_and_hidden_kinds_take_all_with_them():
    result, released = released_from(300, 20260930)
    assert result.select(term="patients with several courses")[0].n_patients >= 11
    assert shown(released)["courses in the trial"] - shown(released)["patients in the trial"] >= 11
    kinds = ("followed both", "followed only the treated strategy", "followed only the comparator", "followed neither")
    hidden = [kind for kind in kinds if kind not in shown(released)]
    assert len(hidden) in {0, 4}
    assert set(shown(kat.release(result, kat.DisclosurePolicy(minimum_cell=30)))).isdisjoint(kinds)
