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
    drawn = frequencies_of_block(5, 0, 20, found.n_patients, found.units)
    for unit in range(int(found.units.max()) + 1):
        assert (np.ptp(drawn[:, found.units == unit], axis=1) == 0.0).all()
    assert emulation(FIRST, trial_patients(FIRST, registry()), ()).units is None


def test_the_answer_of_every_course_counts_courses_and_is_not_released():
    result = kat.emulate_trial(EVERY, registry(), n_bootstrap=100, rng=2)
    first = kat.emulate_trial(FIRST, registry(), n_bootstrap=100, rng=2)
    n_courses, n_patients = (one.select(term="patients in the trial")[0].n_patients for one in (result, first))
    assert n_courses > n_patients
    assert any(f"{n_courses} courses of" in warning for warning in result.warnings)
    assert "sequential trials" in result.part("protocol").rows[0][2]
    with pytest.raises(kat.DisclosureError):
        kat.release(result)
    with pytest.raises(kat.DesignError):
        kat.emulate_trial(EVERY, registry(), in_care_until={}, rng=1)
    with pytest.raises(kat.OptionError):
        replace(FIRST, courses="second")
