"""Selection against a slow oracle: plain loops over dictionaries, written from docs/methods/cohorts.md alone.

Random registries go through `read_registry`, so the days, minutes and keys are those of a real load.
"""

from __future__ import annotations

import random

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import katoutcomes as kat
from katoutcomes.cohorts.definition import CohortDefinition
from katoutcomes.cohorts.selection import select_cohort
from katoutcomes.errors import DesignError, ImmortalTimeError
from katoutcomes.estimands.eligibility import Criterion
from katoutcomes.estimands.visit_window import DEFAULT_VISITS
from katoutcomes.registry.reading import read_registry

N_EXAMPLES = 8
"""Loading costs nearly the same for one patient as for fifty, so there are few registries with many patients each."""

# Days and times at which a rule changes its answer, so that random registries meet the edges often.
DOSE_DAYS = (0, 0, 1, 30, 89, 90, 91, 120, 181, 182, 270)
SCORE_DAYS = (-30, -15, -14, -13, -1, 0, 1, 20, 21, 26, 28, 30, 41, 42, 54, 58, 69, 70, 80, 84, 88, 98, 99)
INTEGRATION_DAYS = (-1, 0, 1, 2, 3, 4, 6, 7, 8, 28, 29, 84, 85)
REJECTED = ((), (), (), (), (0,), (30,), (89, 182))
"""Days of dosing sessions that are rejected on reading, because nobody can be given that dose."""
TIMES = (None, None, "09:59", "10:00", "10:01")
EXPOSURES = (
    "integration_within_72_hours",
    "integration_within_7_days",
    "integration_sessions_by_day_28",
    "any_integration_by_day_84",
)
# The number that tells the oracle's patients apart would itself follow their names, so it is not among these.
KEPT = ("age_years", "age_band", "eligible_consent")
DEFINITION = CohortDefinition(
    gap_days=90,
    criteria=(
        Criterion("eligible_consent", "==", 1, "no consent"),
        Criterion("age_years", ">=", 18, "under 18 or age unknown"),
        Criterion("baseline_score", ">=", 5, "mild or not measured"),
    ),
)


def moments(days, most):
    """Return lists of (day, time)."""
    return st.lists(st.tuples(st.sampled_from(days), st.sampled_from(TIMES)), max_size=most)


PATIENT = st.fixed_dictionaries(
    {
        "age": st.sampled_from([17, 18, 40, 40, 40, None]),
        "consent": st.sampled_from([1, 1, 1, 1, 0, None]),
        "doses": moments(DOSE_DAYS, 5),
        "rejected": st.sampled_from(REJECTED),
        "integration": moments(INTEGRATION_DAYS, 4),
        "scores": st.dictionaries(
            st.sampled_from(SCORE_DAYS), st.tuples(st.sampled_from(TIMES), st.integers(0, 27)), max_size=8
        ),
        "origin": st.sampled_from([0, 0, 400]),
    }
)
CLINIC = st.lists(PATIENT, min_size=1, max_size=60)


def tables_of(clinic, key="P{:03d}", order=None):
    """Return a registry's frames; `key` names the patients, `order` shuffles every table."""
    patients = pd.DataFrame(
        {
            "patient_id": [key.format(n) for n in range(len(clinic))],
            "age_years": pd.array([patient["age"] for patient in clinic], dtype="Int64"),
            "eligible_consent": pd.array([patient["consent"] for patient in clinic], dtype="Int64"),
            "covariate_number": [float(n) for n in range(len(clinic))],
        }
    )
    sessions, scores = [], []
    for n, patient in enumerate(clinic):
        for kind, moments_of_kind in (("dosing", patient["doses"]), ("integration", patient["integration"])):
            sessions += [(key.format(n), day + patient["origin"], time, kind, None) for day, time in moments_of_kind]
        sessions += [(key.format(n), day + patient["origin"], None, "dosing", 99999.0) for day in patient["rejected"]]
        scores += [
            (key.format(n), day + patient["origin"], time, "PHQ-9", total)
            for day, (time, total) in patient["scores"].items()
        ]
    frames = {
        "patients": patients,
        "sessions": keyed(sessions, "session_id", ["patient_id", "day", "time", "kind", "dose_mg"]),
        "scores": keyed(scores, "score_id", ["patient_id", "day", "time", "instrument", "total"]),
    }
    if order is None:
        return frames
    return {name: frame.sample(frac=1, random_state=order.randrange(1000)) for name, frame in frames.items()}


def keyed(rows, key, columns):
    frame = pd.DataFrame(rows, columns=columns).astype({"patient_id": object, "time": object})
    frame.insert(0, key, [f"{key[:2]}{number:04d}" for number in range(len(frame))])
    return frame


# ---------------------------------------------------------------------------------------------------------- the oracle


def minute_of(day, time):
    return None if time is None else day * 1440 + int(time[:2]) * 60 + int(time[3:])


def first_course(patient):
    """Return the first dose (day, minute), the number of doses of its course, and how many courses there are."""
    # Unknown minutes come last on their day.
    doses = sorted((day, minute_of(day, time) is None, minute_of(day, time) or 0) for day, time in patient["doses"])
    courses = []
    for dose in doses:
        if courses and dose[0] - courses[-1][-1][0] <= DEFINITION.gap_days:
            courses[-1].append(dose)
        else:
            courses.append([dose])
    day, minute_is_unknown, minute = courses[0][0]
    return (day, None if minute_is_unknown else minute), len(courses[0]), len(courses)


def is_after(day, minute, dose):
    if day != dose[0]:
        return day > dose[0]
    return minute is not None and dose[1] is not None and minute > dose[1]


def scores_of(patient, dose):
    """Return the baseline and the score at each visit; None where there is none."""
    baseline, at_visit = None, [None] * len(DEFAULT_VISITS)
    before = {}
    best = [None] * len(DEFAULT_VISITS)
    for day, (time, total) in patient["scores"].items():
        course_day = day - dose[0]
        if not is_after(day, minute_of(day, time), dose):
            if -14 <= course_day <= 0:
                before[course_day] = total
            continue
        for position, visit in enumerate(DEFAULT_VISITS):
            if visit.first_day <= course_day <= visit.last_day:
                rank = (abs(course_day - visit.target_day), course_day)
                if best[position] is None or rank < best[position]:
                    best[position], at_visit[position] = rank, total
    if before:
        baseline = before[max(before)]
    return baseline, at_visit


def exposure_of(patient, dose):
    n_72_hours = n_7_days = by_day_28 = by_day_84 = 0
    for day, time in patient["integration"]:
        course_day, minute = day - dose[0], minute_of(day, time)
        by_minutes = minute is not None and dose[1] is not None
        if course_day < 0 or (by_minutes and minute < dose[1]):
            continue
        n_72_hours += minute - dose[1] <= 72 * 60 if by_minutes else course_day <= 3
        n_7_days += minute - dose[1] <= 7 * 24 * 60 if by_minutes else course_day <= 7
        by_day_28 += course_day <= 28
        by_day_84 += course_day <= 84
    return int(n_72_hours > 0), int(n_72_hours > 0 and n_7_days > 1), int(by_day_28), int(by_day_84 > 0)


def oracle(clinic):
    """Return the rows of the cohort by patient number, and how many patients fail each question first."""
    rows, failed = {}, [0, 0, 0, 0, 0]
    for number, patient in enumerate(clinic):
        if not patient["doses"]:
            failed[0] += 1
            continue
        dose, n_doses, n_courses = first_course(patient)
        baseline, at_visit = scores_of(patient, dose)
        if any(day < dose[0] for day in patient["rejected"]):
            failed[1] += 1
        elif patient["consent"] != 1:
            failed[2] += 1
        elif patient["age"] is None or patient["age"] < 18:
            failed[3] += 1
        elif baseline is None or baseline < 5:
            failed[4] += 1
        else:
            rows[number] = {
                "scores": [baseline, *at_visit],
                "exposure": exposure_of(patient, dose),
                "n_doses": n_doses,
                "n_courses": n_courses,
            }
    return rows, failed


# ----------------------------------------------------------------------------------------------------------- the tests


def selected(frames):
    """Return the cohort, or None where nobody is left or a criterion's column is empty for everybody."""
    registry = read_registry(frames, is_synthetic=True)
    n_rejected = int((frames["sessions"]["dose_mg"] == 99999.0).sum())
    assert sum(file.rows_rejected for file in registry.load_report.files) == n_rejected
    try:
        return select_cohort(registry, DEFINITION)
    except DesignError:
        registry.close()
        return None


def numbers_of(variable):
    """Return a number variable's values, also where only two values occur, which makes it a category of these."""
    if variable.kind == "number":
        return np.asarray(variable.values)
    numbers = [float(level.split()[0]) for level in variable.levels] if variable.kind == "category" else [0.0, 1.0]
    return np.array([np.nan if np.isnan(code) else numbers[int(code)] for code in np.asarray(variable.values)])


def compare_with_oracle(clinic):
    rows, failed = oracle(clinic)
    cohort = selected(tables_of(clinic))
    if cohort is None:
        assert not rows
        return
    assert [step.n_excluded for step in cohort.attrition[1:]] == failed
    assert cohort.attrition[0].n_patients == len(clinic)
    assert cohort.attrition[-1].n_patients == cohort.n_patients == len(rows)
    assert cohort.n_courses == sum(row["n_courses"] for row in rows.values())
    assert cohort.n_repeat_courses == sum(row["n_courses"] - 1 for row in rows.values())
    table = cohort.courses()
    first = table[table["is_analyzed"] == 1]
    assert first["baseline_score"].tolist() == [row["scores"][0] for row in rows.values()]

    data = cohort.analysis_set()
    columns = [data.baseline, *data.scores.T]
    columns += [numbers_of(data.variable(name)) for name in (*EXPOSURES, "n_doses")]
    numbers = numbers_of(data.variable("covariate_number"))
    assert sorted(numbers) == sorted(rows)
    for number, *found in zip(numbers, *columns, strict=True):
        row = rows[int(number)]
        expected = np.array([*row["scores"], *row["exposure"], row["n_doses"]], dtype=float)
        assert np.array_equal(found, expected, equal_nan=True), clinic[int(number)]
    cohort.registry.close()


@settings(max_examples=N_EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(CLINIC)
def test_selection_agrees_with_plain_loops(clinic):
    compare_with_oracle(clinic)


@pytest.mark.parametrize("seed", [1, 2])
def test_selection_agrees_with_plain_loops_for_every_patient_of_a_large_clinic(seed):
    draw = random.Random(seed)  # noqa: S311 - makes a test's patients
    compare_with_oracle([random_patient(draw) for _ in range(600)])


def random_patient(draw):
    """Return a patient as `PATIENT` does; hypothesis alone would take minutes for hundreds of them."""

    def some(days, most):
        return [(draw.choice(days), draw.choice(TIMES)) for _ in range(draw.randint(0, most))]

    return {
        "age": draw.choice([17, 18, 40, 40, 40, None]),
        "consent": draw.choice([1, 1, 1, 1, 1, 0, None]),
        "doses": some(DOSE_DAYS, 5),
        "rejected": draw.choice(REJECTED),
        "integration": some(INTEGRATION_DAYS, 4),
        "scores": {day: (time, draw.randint(0, 27)) for day, time in some(SCORE_DAYS, 9)},
        "origin": draw.choice([0, 0, 400]),
    }


def with_arrays(frames):
    cohort = selected(frames)
    data = cohort.analysis_set(covariates=KEPT)
    cohort.registry.close()
    return cohort, data


@pytest.mark.parametrize("seed", [3, 4])
def test_the_order_of_rows_and_the_names_of_patients_change_no_bit(seed):
    order = random.Random(seed)  # noqa: S311 - makes and shuffles a test's rows
    clinic = [random_patient(order) for _ in range(200)]
    plain, first = with_arrays(tables_of(clinic))
    shuffled, again = with_arrays(tables_of(clinic, order=order))
    renamed, other = with_arrays(tables_of(clinic[::-1], key="Q{:03d}", order=order))
    for cohort in (shuffled, renamed):
        assert cohort.attrition == plain.attrition
        assert (cohort.n_courses, cohort.n_repeat_courses) == (plain.n_courses, plain.n_repeat_courses)
    assert again.provenance == first.provenance
    for one in (again, other):
        assert one.baseline.tobytes() == first.baseline.tobytes()
        assert one.scores.tobytes() == first.scores.tobytes()
        for name in KEPT:
            assert np.asarray(one.variable(name).values).tobytes() == np.asarray(first.variable(name).values).tobytes()


def test_the_oracle_can_disagree():
    """A changed rule must be seen by the comparison: here a gap that is one day shorter."""
    clinic = [
        {
            "age": 40,
            "consent": 1,
            "doses": [(0, None), (90, None)],
            "rejected": (),
            "integration": [],
            "origin": 0,
            "scores": {0: (None, 9)},
        }
    ]
    rows, _ = oracle(clinic)
    assert rows[0]["n_courses"] == 1
    registry = read_registry(tables_of(clinic), is_synthetic=True)
    changed = CohortDefinition(gap_days=89, criteria=DEFINITION.criteria)
    assert select_cohort(registry, changed).n_courses == 2


def test_the_synthetic_clinic_goes_through():
    registry = kat.simulate_registry(seed=7, n_patients=80)
    cohort = select_cohort(registry)
    table = cohort.courses()
    assert cohort.n_patients == int(table["is_analyzed"].sum()) == table["patient_id"].nunique()
    assert len(table) == cohort.n_courses
    data = cohort.analysis_set(treatment="program_booked")
    assert data.n_patients == cohort.n_patients
    assert int(data.with_baseline.sum()) == int(table["baseline_score"].notna().sum())
    assert data.provenance.is_synthetic


def test_the_refused_comparison_shows_a_difference_where_there_is_none():
    """The figure of docs/methods/cohorts.md: 1.5 points under no effect at all."""
    data = select_cohort(kat.simulate_registry(seed=3, n_patients=4000, scenario="null")).analysis_set()
    had_it, score = np.asarray(data.variable("any_integration_by_day_84").values), data.scores_at("week 12")
    pairs = data.pairs("week 12")
    design = np.column_stack([np.ones(pairs.sum()), had_it[pairs], data.baseline[pairs]])
    coefficients, *_ = np.linalg.lstsq(design, score[pairs], rcond=None)
    assert -1.75 < coefficients[1] < -1.25
    with pytest.raises(ImmortalTimeError):
        data.groups("any_integration_by_day_84")
