"""Anchors, choices, phases and courses against plain loops over the same rows, and the trace against both."""

from __future__ import annotations

import random
from functools import cache
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import katoutcomes as kat
from katoutcomes.cohorts.definition import CohortDefinition
from katoutcomes.cohorts.induction import InductionRule
from katoutcomes.cohorts.selection import select_cohort
from katoutcomes.errors import DesignError
from katoutcomes.estimands.visit_window import VISIT_CHOICES, VisitWindow
from katoutcomes.registry.reading import read_registry

DOSE_DAYS = (0, 0, 3, 7, 7, 14, 14, 15, 21, 28, 29, 35, 42, 43, 56, 70, 84, 100, 101, 103, 110, 120, 131, 200, 205, 300)
SCORE_DAYS = (
    *range(-20, 45, 3),
    0,
    0,
    0,
    7,
    7,
    14,
    28,
    *range(45, 140, 6),
    199,
    200,
    201,
    214,
    228,
    290,
    299,
    310,
    330,
)
TIMES = (None, "09:59", "10:00", "10:01")
N_PATIENTS = 150


def minute_of(day, time):
    return None if time is None else day * 1440 + int(time[:2]) * 60 + int(time[3:])


@cache
def clinic(seed):
    """Return patients as dictionaries: `doses` and `scores` as lists of (day, time[, total])."""
    draw = random.Random(seed)  # noqa: S311 - makes a test's patients
    people = []
    for _ in range(N_PATIENTS):
        doses = [(day, draw.choice(TIMES)) for day in draw.choices(DOSE_DAYS, k=draw.randint(0, 12))]
        days = sorted(set(draw.choices(SCORE_DAYS, k=draw.randint(0, 14))))
        people.append({"doses": doses, "scores": [(day, draw.choice(TIMES), draw.randint(0, 27)) for day in days]})
    return people


def frames_of(people, key="P{:03d}", order=None, *, with_empty_rows=False):
    """Return a registry's frames; `order` shuffles every table, an empty row is a session that is no dose."""
    patients = pd.DataFrame({"patient_id": [key.format(n) for n in range(len(people))], "age_years": 40})
    patients["covariate_number"] = [float(n) for n in range(len(people))]
    sessions = [(key.format(n), *dose, "dosing") for n, person in enumerate(people) for dose in person["doses"]]
    if with_empty_rows:
        sessions += [(key.format(n), 5, None, "support") for n, person in enumerate(people) if person["doses"]]
    scores = [(key.format(n), *score, "PHQ-9") for n, person in enumerate(people) for score in person["scores"]]
    tables = {
        "patients": patients,
        "sessions": pd.DataFrame(sessions, columns=["patient_id", "day", "time", "kind"]).astype({"time": object}),
        "scores": pd.DataFrame(scores, columns=["patient_id", "day", "time", "total", "instrument"]),
    }
    tables["scores"] = tables["scores"].astype({"time": object})
    for name, code in (("sessions", "session_id"), ("scores", "score_id")):
        tables[name].insert(0, code, [f"{code[:2]}{number:05d}" for number in range(len(tables[name]))])
    if order is None:
        return tables
    return {name: frame.sample(frac=1, random_state=order) for name, frame in tables.items()}


@cache
def registry(seed):
    return read_registry(frames_of(clinic(seed)), is_synthetic=True)


# ---------------------------------------------------------------------------------------------------------- the oracle


def courses_of(person, gap_days):
    """Return the doses (day, minute) of each course, in order of time; unknown minutes come last on their day."""
    ordered = sorted(person["doses"], key=lambda dose: (dose[0], dose[1] is None, dose[1] or ""))
    courses = []
    for day, time in ordered:
        if courses and day - courses[-1][-1][0] <= gap_days:
            courses[-1].append((day, minute_of(day, time)))
        else:
            courses.append([(day, minute_of(day, time))])
    return courses


def phases_of(doses, rule):
    """Return how many doses the induction has, and how many re-inductions follow."""
    runs = [[doses[0]]]
    for before, dose in pairwise(doses):
        if dose[0] - before[0] > rule.largest_gap_days:
            runs.append([])
        runs[-1].append(dose)
    again = 0
    for run in runs[1:]:
        early = [dose for dose in run if dose[0] - run[0][0] <= rule.reinduction_days]
        again += len(early) >= rule.reinduction_doses
    return min(len(runs[0]), rule.most_doses), again


def is_after(score, dose):
    day, minute = score
    if day != dose[0]:
        return day > dose[0]
    return minute is not None and dose[1] is not None and minute > dose[1]


def anchor_of(window, doses, n_induction):
    number = {"first dose": 1, "end of induction": n_induction, "first dose of maintenance": n_induction + 1}.get(
        window.anchor
    )
    number = int(window.anchor.split()[1]) if number is None else number
    return doses[number - 1] if number <= len(doses) else None


def chosen(found, choice, target):
    """Return the value of a list of (day, total), None where it is empty."""
    if not found:
        return np.nan
    if choice == "mean":
        return sum(total for _, total in found) / len(found)
    keys = {"last": lambda pair: -pair[0], "first": lambda pair: pair[0]}
    keys["nearest"] = lambda pair: (abs(pair[0] - target), pair[0])
    return float(min(found, key=keys[choice])[1])


def value_at(window, person, doses, n_induction):
    anchor = anchor_of(window, doses, n_induction)
    found = []
    for day, time, total in person["scores"]:
        if anchor is None or not is_after((day, minute_of(day, time)), doses[0]):
            continue
        from_anchor, after = day - anchor[0], is_after((day, minute_of(day, time)), anchor)
        if not window.first_day <= from_anchor <= window.last_day:
            continue
        if from_anchor == 0 and (
            (after and window.first_day < 0 >= window.last_day) or (not after and window.first_day == 0)
        ):
            continue
        found.append((from_anchor, total))
    return chosen(found, window.choice, window.target_day)


def oracle(person, rules, windows):
    """Return the expected row of one patient, or None where the course is not there."""
    courses = courses_of(person, rules.gap_days)
    number = len(courses) if rules.course == "last" else (1 if rules.course == "first" else rules.course)
    if not courses or number > len(courses):
        return None
    doses = courses[number - 1]
    n_induction, again = phases_of(doses, rules.induction)
    before = [
        (day - doses[0][0], total)
        for day, time, total in person["scores"]
        if not is_after((day, minute_of(day, time)), doses[0])
        and rules.baseline_window.first_day <= day - doses[0][0] <= rules.baseline_window.last_day
    ]
    return {
        "baseline": chosen(before, rules.baseline_choice, rules.baseline_window.target_day),
        "scores": [value_at(window, person, doses, n_induction) for window in windows],
        "n_doses": len(doses),
        "induction_doses": n_induction,
        "end_of_induction_day": doses[n_induction - 1][0] - doses[0][0],
        "maintenance_doses": len(doses) - n_induction,
        "reinductions": again,
        "n_courses": len(courses),
    }


# ------------------------------------------------------------------------------------------------- what is asked of it

RULES = st.builds(
    CohortDefinition,
    gap_days=st.sampled_from([30, 60, 90]),
    criteria=st.just(()),
    baseline_choice=st.sampled_from(["last", "nearest", "mean"]),
    baseline_window=st.sampled_from(
        [VisitWindow("baseline", 0, -14, 0), VisitWindow("baseline", -7, -20, -1), VisitWindow("baseline", 0, 0, 0)]
    ),
    course=st.sampled_from(["first", "first", "last", 1, 2, 3]),
    induction=st.builds(
        InductionRule,
        largest_gap_days=st.sampled_from([0, 7, 14]),
        most_doses=st.sampled_from([1, 3, 8]),
        reinduction_doses=st.sampled_from([2, 3]),
        reinduction_days=st.sampled_from([0, 7, 14]),
    ),
)
ANCHORS = ("dose 2", "dose 4", "end of induction", "first dose of maintenance")
SPANS = {"before": (-7, 0, 0), "day of it": (0, 0, 0), "soon": (0, 3, 10), "around": (-3, 0, 3), "later": (11, 20, 40)}


@st.composite
def visits(draw):
    choice = st.sampled_from(VISIT_CHOICES)
    windows = [
        VisitWindow("week 4", 28, 21, 41, choice=draw(choice)),
        VisitWindow("week 8", 56, 42, 69, choice=draw(choice)),
        VisitWindow("day of the dose", 0, 0, 0, choice=draw(choice)),
    ]
    for anchor in draw(st.lists(st.sampled_from(ANCHORS), unique=True, max_size=3)):
        span = draw(st.sampled_from(sorted(SPANS)))
        first, target, last = SPANS[span]
        windows.append(VisitWindow(f"{span} {anchor}", target, first, last, anchor=anchor, choice=draw(choice)))
    return draw(st.permutations(windows))


def numbers_of(variable):
    """Return a number variable's values, also where only two values occur, which makes it a category of these."""
    if variable.kind == "number":
        return np.asarray(variable.values)
    numbers = [float(level.split()[0]) for level in variable.levels] if variable.kind == "category" else [0.0, 1.0]
    return np.array([np.nan if np.isnan(code) else numbers[int(code)] for code in np.asarray(variable.values)])


PHASES = ("n_doses", "induction_doses", "end_of_induction_day", "maintenance_doses", "reinductions", "n_courses")


def expected_rows(seed, rules, windows):
    rows = {number: oracle(person, rules, windows) for number, person in enumerate(clinic(seed))}
    return {number: row for number, row in rows.items() if row is not None}


def check(seed, rules, asked):
    try:
        cohort = select_cohort(registry(seed), rules)
    except DesignError:
        assert not expected_rows(seed, rules, asked)
        return
    data = cohort.analysis_set(visits=asked)
    rows = expected_rows(seed, rules, data.visits)
    numbers = numbers_of(data.variable("covariate_number"))
    assert sorted(numbers) == sorted(rows)
    found = np.column_stack([data.baseline, data.scores, *(numbers_of(data.variable(name)) for name in PHASES)])
    expected = [[row["baseline"], *row["scores"], *(row[name] for name in PHASES)] for row in map(rows.get, numbers)]
    assert np.array_equal(found, np.array(expected, dtype=float), equal_nan=True)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([1, 2, 3]), RULES, visits())
def test_windows_phases_and_courses_agree_with_plain_loops(seed, rules, asked):
    check(seed, rules, asked)


def test_the_random_clinic_meets_the_rules():
    """The suite means nothing unless courses repeat, phases follow each other and doses share days with scores."""
    rules = CohortDefinition(criteria=(), gap_days=60)
    rows = list(expected_rows(1, rules, [VisitWindow("day of the dose", 0, 0, 0)]).values())
    assert sum(row["n_courses"] > 1 for row in rows) > 20
    assert sum(row["maintenance_doses"] > 0 for row in rows) > 20
    assert sum(row["reinductions"] > 0 for row in rows) > 5
    assert sum(not np.isnan(row["scores"][0]) for row in rows) > 3


@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from([1, 2]), RULES, visits())
def test_the_trace_of_every_patient_agrees_with_the_analysis_set(seed, rules, asked):
    try:
        cohort = select_cohort(registry(seed), rules)
    except DesignError:
        return
    data = cohort.analysis_set(visits=asked)
    numbers = numbers_of(data.variable("covariate_number"))
    names = ["baseline", *(visit.name for visit in data.visits)]
    for row, number in enumerate(numbers):
        trace = cohort.trace(f"P{int(number):03d}", visits=asked)
        scores = trace[trace["record"] == "score"]
        for place, name in enumerate(names):
            taken = scores.loc[[name in chosen_for.split("; ") for chosen_for in scores["chosen_for"]], "score"]
            value = data.baseline[row] if place == 0 else data.scores[row, place - 1]
            assert np.isnan(value) if taken.empty else value == taken.sum() / len(taken)


def test_the_trace_covers_those_who_are_not_in_the_cohort():
    cohort = select_cohort(registry(1), CohortDefinition(criteria=(), course=2, gap_days=60))
    left_out = set(range(N_PATIENTS)) - set(numbers_of(cohort.analysis_set().variable("covariate_number")).astype(int))
    reasons = {cohort.trace(f"P{number:03d}")["why"].iloc[0] for number in left_out}
    assert reasons == {"not in the cohort: no dosing session", "not in the cohort: fewer than 2 courses"}


@pytest.mark.parametrize("seed", [4, 5])
def test_order_names_and_rows_without_a_dose_change_no_bit(seed):
    """Shuffled rows, other names, and further sessions that are no doses give the same arrays."""
    rules = CohortDefinition(criteria=(), course="last", gap_days=60, baseline_choice="mean")
    asked = [
        VisitWindow("mean", 28, 1, 60, choice="mean"),
        VisitWindow("before dose 4", 0, -14, 0, anchor="dose 4", choice="last"),
        VisitWindow("after", 14, 1, 40, anchor="end of induction"),
    ]
    people = clinic(seed)
    variants = [
        frames_of(people),
        frames_of(people, order=seed),
        frames_of(people[::-1], key="Q{:03d}", order=seed + 1),
        frames_of(people, with_empty_rows=True),
    ]
    arrays = []
    for frames in variants:
        loaded = read_registry(frames, is_synthetic=True)
        data = select_cohort(loaded, rules).analysis_set(visits=asked, covariates=["age_years"])
        arrays.append((data.baseline.tobytes(), data.scores.tobytes(), data.attrition))
        loaded.close()
    assert arrays[1:] == arrays[:1] * 3


def test_the_trace_agrees_on_a_simulated_clinic():
    clinic_registry = kat.simulate_registry(seed=5, n_patients=40)
    cohort = select_cohort(clinic_registry)
    data = cohort.analysis_set()
    table = cohort.courses()
    keys = table.loc[table["is_analyzed"] == 1, "patient_id"]
    baselines, at_visits = [], {visit.name: [] for visit in data.visits}
    for key in keys:
        trace = cohort.trace(key)
        for name in ("baseline", *at_visits):
            taken = trace.loc[trace["chosen_for"] == name, "score"].tolist()
            (baselines if name == "baseline" else at_visits[name]).extend(taken)
    assert sorted(baselines) == sorted(data.baseline[data.with_baseline].tolist())
    for visit in data.visits:
        scores = data.scores_at(visit.name)
        assert sorted(at_visits[visit.name]) == sorted(scores[~np.isnan(scores)].tolist())
