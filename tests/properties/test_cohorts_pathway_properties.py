"""Steps of care and the timeliness of integration against plain loops over the rows of random clinics."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from katoutcomes.cohorts.definition import CohortDefinition
from katoutcomes.cohorts.pathway import INTERVALS, STEPS
from katoutcomes.cohorts.selection import select_cohort
from katoutcomes.registry.reading import read_registry

KINDS = ("screening", "preparation", "dosing", "dosing", "integration", "integration", "follow_up", "support")
DAYS = (-30, -9, -3, -1, 0, 0, 0, 1, 2, 3, 4, 7, 7, 8, 14, 17, 21, 60, 100, 119, 120, 121, 123, 127, 150)
TIMES = (None, "09:00", "10:00", "11:00")
GAP = 60


def clinic(seed):
    draw = random.Random(seed)  # noqa: S311 - makes a test's patients
    return [
        [(draw.choice(DAYS), draw.choice(TIMES), draw.choice(KINDS)) for _ in range(draw.randint(0, 14))]
        for _ in range(250)
    ]


def load(people, order=None):
    sessions = [(f"P{n:03d}", *session) for n, person in enumerate(people) for session in person]
    frame = pd.DataFrame(sessions, columns=["patient_id", "day", "time", "kind"]).astype({"time": object})
    frame.insert(0, "session_id", [f"S{number:05d}" for number in range(len(frame))])
    patients = pd.DataFrame({"patient_id": [f"P{n:03d}" for n in range(len(people))], "age_years": 40})
    patients["covariate_number"] = [float(n) for n in range(len(people))]
    if order is not None:
        frame, patients = (table.sample(frac=1, random_state=order) for table in (frame, patients))
    scores = pd.DataFrame(
        {"score_id": ["x"], "patient_id": ["P000"], "day": [0], "instrument": ["PHQ-9"], "total": [9]}
    )
    return read_registry({"patients": patients, "sessions": frame, "scores": scores}, is_synthetic=True)


def minutes(session):
    day, time, _ = session
    return None if time is None else day * 1440 + int(time[:2]) * 60


def gap_minutes(earlier, later):
    first, second = minutes(earlier), minutes(later)
    return None if first is None or second is None else second - first


def oracle(person, course):
    doses = sorted(
        (session for session in person if session[2] == "dosing"),
        key=lambda one: (one[0], one[1] is None, one[1] or ""),
    )
    courses = [[dose] for dose in doses[:1]]
    for before, dose in pairwise(doses):
        if dose[0] - before[0] > GAP:
            courses.append([])
        courses[-1].append(dose)
    if len(courses) < course:
        return None
    doses = courses[course - 1]
    start = doses[0]
    previous = courses[course - 2][-1][0] if course > 1 else -(10**6)
    following = courses[course][0][0] if course < len(courses) else 10**6

    def before_dose(kind):
        return sorted(
            one[0] - start[0]
            for one in person
            if one[2] == kind
            and previous < one[0] <= start[0]
            and not (one[0] == start[0] and (gap_minutes(start, one) or 0) > 0)
        )

    def after_dose(kind):
        return sorted(
            one[0] - start[0]
            for one in person
            if one[2] == kind
            and start[0] <= one[0] < following
            and not (one[0] == start[0] and (gap_minutes(start, one) or 0) < 0)
        )

    steps = [
        before_dose("screening"),
        before_dose("preparation"),
        [0],
        after_dose("integration"),
        after_dose("follow_up"),
    ]
    between = []
    for earlier, later in pairwise(steps):
        found = [day for day in later if earlier and day >= earlier[0]]
        between.append(found[0] - earlier[0] if found else np.nan)
    return [*(bool(days) for days in steps), *between, len(doses), *timeliness(person, doses, following)]


def timeliness(person, doses, following):
    """Return after how many doses integration came within 72 hours, and again within 7 days; then for the first."""
    timely, again = [], []
    for dose in doses:
        soon = week = 0
        for one in person:
            gap = gap_minutes(dose, one)
            if one[2] != "integration" or not dose[0] <= one[0] < following or (gap is not None and gap < 0):
                continue
            soon += gap <= 72 * 60 if gap is not None else one[0] - dose[0] <= 3
            week += gap <= 7 * 24 * 60 if gap is not None else one[0] - dose[0] <= 7
        timely.append(soon >= 1)
        again.append(soon >= 1 and week >= 2)
    return sum(timely), sum(again), timely[0], again[0]


@pytest.mark.parametrize("course", [1, 2])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_pathways_agree_with_plain_loops(seed, course):
    people = clinic(seed)
    registry = load(people)
    cohort = select_cohort(registry, CohortDefinition(criteria=(), gap_days=GAP, course=course))
    data = cohort.analysis_set(pathway=True)
    found = np.column_stack(data.pathway.columns())
    assert found.shape == (data.n_patients, len(STEPS) + len(INTERVALS) + 5)
    numbers = np.asarray(data.variable("covariate_number").values).astype(int)
    expected = {number: row for number, person in enumerate(people) if (row := oracle(person, course)) is not None}
    assert sorted(numbers) == sorted(expected)
    assert np.array_equal(found, np.array([expected[number] for number in numbers], dtype=float), equal_nan=True)
    assert np.array_equal(data.pathway.n_doses, np.asarray(data.variable("n_doses").values))
    never = [person for person in people if not any(session[2] == "dosing" for session in person)]
    kinds = [{session[2] for session in person} for person in never]
    assert data.pathway.n_never_dosed == len(never)
    assert data.pathway.n_never_dosed_screened == sum("screening" in found for found in kinds)
    assert data.pathway.n_never_dosed_prepared == sum("preparation" in found for found in kinds)
    registry.close()


def test_the_first_dose_gives_the_numbers_of_the_exposures():
    """With one dose a course, "within 72 hours" after each dose and after the first are the same."""
    people = [[session for session in person if session[2] != "dosing"] + [(0, None, "dosing")] for person in clinic(9)]
    data = select_cohort(load(people), CohortDefinition(criteria=())).analysis_set(pathway=True)
    for name, counted in (
        ("integration_within_72_hours", data.pathway.n_doses_timely),
        ("integration_within_7_days", data.pathway.n_doses_timely_again),
    ):
        assert np.array_equal(np.asarray(data.variable(name).values), counted)


def test_order_changes_no_bit_and_ties_are_broken_by_the_pathway():
    people = clinic(7)
    bits = []
    for order in (None, 5):
        data = select_cohort(load(people, order), CohortDefinition(criteria=())).analysis_set(
            pathway=True, covariates=["age_years"]
        )
        bits.append([column.tobytes() for column in (data.baseline, *data.pathway.columns())])
        assert not data.pathway.reached.flags.writeable
    assert bits[0] == bits[1]
