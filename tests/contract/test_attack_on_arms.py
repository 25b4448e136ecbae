"""An attacker bounds who followed which arms from what is released of a trial of several arms.

It knows how the arms are made: a patient is in care for some of the weeks until they are decided, with a session in
each of these or not, and what the patient followed, departed from and was in care for follows from that. So every
number of such a release is a sum over these courses of weeks, and whole numbers of patients on each that fit everything
shown give the least and the most that each hidden number can be. It shares nothing with `release`.
"""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

import katoutcomes as kat

WEEKS = 4
COURSES = [weeks for n_weeks in range(WEEKS + 1) for weeks in product((0, 1), repeat=n_weeks)]
"""Whether there was a session in each week in care: 31 courses of four weeks."""


def departure(course, count, *, or_more):
    """The week in which a course departs from an arm, 0 for never."""
    so_far = 0
    for week, session in enumerate(course, start=1):
        missing = count - so_far
        is_required = missing > 0 and missing > WEEKS - week
        is_forbidden = missing <= 0 and not or_more
        if (is_required and not session) or (is_forbidden and session):
            return week
        so_far += session
    return 0


def numbers_of(labels):
    """Each number that a result could tell, as which courses it counts."""
    most = len(labels) - 1
    gone = np.array([[departure(course, arm, or_more=arm == most) for arm in range(most + 1)] for course in COURSES])
    n_weeks = np.array([len(course) for course in COURSES])
    found = {"patients in the trial": n_weeks >= 0}
    for week in range(1, WEEKS + 1):
        found[f"in care when the week began {week} "] = n_weeks >= week
        found[f"left before week {week}"] = n_weeks == week - 1
        for arm, label in enumerate(labels):
            found[f"departed in the week {week} {label}"] = gone[:, arm] == week
    for arm, label in enumerate(labels):
        found[f"followed: {label}"] = gone[:, arm] == 0
    for kind in {tuple(row) for row in gone == 0}:
        together = " and ".join(label for label, is_held in zip(labels, kind, strict=True) if is_held)
        found[f"followed only: {together}"] = ((gone == 0) == kind).all(axis=1)
    found["followed several"] = (gone == 0).sum(axis=1) > 1
    return {name: is_counted.astype(float) for name, is_counted in found.items()}


def shown_in(result):
    """What a result tells of these numbers."""
    shown = {one.term: one.estimate for one in result.estimates if one.measure == "count" and not one.suppressed}
    part = result.part("trial_by_week")
    for week, group, step, n_patients in part.rows:
        if n_patients is not None:
            shown[f"{step} {week} {group}"] = n_patients
    flow = result.part("flow")
    in_trial = dict(zip(flow.column("step"), flow.column("n_patients"), strict=True)).get("patients in the trial")
    return shown if in_trial is None else {**shown, "patients in the trial": in_trial}


def too_close(labels, shown, truth):
    """The hidden numbers that are known to within five patients, or to be few, with what they lie between."""
    rows = numbers_of(labels)
    told = [name for name in rows if name in shown]
    known = np.array([shown[name] for name in told])
    fits = LinearConstraint(np.array([rows[name] for name in told]), known, known)
    everything = {"constraints": fits, "integrality": np.ones(len(COURSES)), "bounds": Bounds(0.0, np.inf)}
    close = {}
    for name, row in rows.items():
        if name in shown:
            continue
        least, most = round(milp(row, **everything).fun), -round(milp(-row, **everything).fun)
        assert least <= truth.get(name, least) <= most
        is_printed = name.startswith(("followed: ", "followed only: ", "patients", "in care", "departed"))
        if most == 0 or (least >= 11 and not is_printed):
            continue
        if most - least < 5 or (least >= 1 and most < 11):
            close[name] = (least, most)
    return close


def clinic(seed, n_patients, most):
    """A trial of a small clinic and the labels of its arms."""
    registry = kat.simulate_registry(seed=seed, n_patients=n_patients, scenario="effect", mechanism="start")
    trial = kat.TargetTrial(confounders=("site", "program_booked"))
    result = kat.session_dose_response(trial, registry, most=most, n_bootstrap=100, rng=1)
    labels = [one.term.removeprefix("followed: ") for one in result.estimates if one.term.startswith("followed: ")]
    return result, labels


def hidden_and_close(seed, n_patients, most=2):
    result, labels = clinic(seed, n_patients, most)
    truth, shown = shown_in(result), shown_in(kat.release(result))
    assert {name: truth[name] for name in shown} == shown
    return set(truth) - set(shown), too_close(labels, shown, truth)


def test_the_attacker_knows_how_the_numbers_are_made():
    result, labels = clinic(8, 80, 2)
    truth, rows = shown_in(result), numbers_of(labels)
    kinds = [name for name in rows if name.startswith("followed only: ")]
    assert {name for name in truth if name.startswith("followed only: ")} == set(kinds)
    assert len(kinds) == 6
    assert sum(truth[name] for name in kinds) == truth["patients in the trial"]
    for label in labels:
        held = [name for name in kinds if label in name.removeprefix("followed only: ").split(" and ")]
        assert sum(truth[name] for name in held) == truth[f"followed: {label}"]
    # What was told before patients were divided: the arms and who is in care. It bounds who left early, who were five.
    careless = {name: n for name, n in truth.items() if name.startswith(("followed: ", "patients", "in care"))}
    close = too_close(labels, careless, truth)
    assert math.isclose(sum(truth[name] for name in kinds if " and " in name), 5.0)
    assert close["followed several"][1] < 11


@pytest.mark.parametrize(("seed", "n_patients"), [(8, 80), (21, 60)])
def test_nobody_hidden_is_bounded(seed, n_patients):
    hidden, close = hidden_and_close(seed, n_patients)
    assert close == {}
    assert len(hidden) > 12


@pytest.mark.slow
@pytest.mark.parametrize("most", [2, 3])
@pytest.mark.parametrize("seed", range(20, 41))
def test_nobody_hidden_is_bounded_in_clinics_of_many_sizes(seed, most):
    assert hidden_and_close(seed, (60, 80, 110, 150, 220, 300, 400)[seed % 7], most)[1] == {}
