"""What must not change an analysis set of a frame: order, names, and rows that say nothing."""

from __future__ import annotations

from operator import attrgetter

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from katoutcomes.cohorts.analysis_set import AnalysisSet

VISITS = {"week 4": 28, "week 8": 56, "week 12": 84}
SCORE = st.one_of(st.none(), st.integers(0, 27))
PATIENT = st.fixed_dictionaries(
    {
        "pre": SCORE,
        "scores": st.tuples(SCORE, SCORE, SCORE),
        "arm": st.sampled_from(["usual", "new"]),
        "age": st.one_of(st.none(), st.integers(18, 21)),
        "site": st.sampled_from(["North", "South", None]),
    }
)
# The last two make sure that there are two arms and a score.
STUDY = st.lists(PATIENT, max_size=12).map(
    lambda patients: [
        *patients,
        {"pre": 20, "scores": (10, None, 5), "arm": "new", "age": 40, "site": "North"},
        {"pre": 18, "scores": (None, 9, None), "arm": "usual", "age": 50, "site": "South"},
    ]
)


def long_frame(study, *, baseline_as_visit=False, without_empty_rows=False):
    rows = []
    for key, patient in enumerate(study):
        labels = (["pre"] if baseline_as_visit else []) + list(VISITS)
        scores = ([patient["pre"]] if baseline_as_visit else []) + list(patient["scores"])
        for place, (label, score) in enumerate(zip(labels, scores, strict=True)):
            if score is None and without_empty_rows and place > 0:  # one row a patient stays, or nobody knows of them
                continue
            shared = {name: patient[name] for name in ("pre", "arm", "age", "site")}
            rows.append({"id": key, "visit": label, "score": score} | shared)
    frame = pd.DataFrame(rows).astype({"score": "float64", "age": "float64", "pre": "float64"})
    return frame.rename(columns={"pre": "unused"}) if baseline_as_visit else frame


def read(frame, baseline="pre"):
    return AnalysisSet.from_frame(
        frame,
        patient="id",
        visit="visit",
        score="score",
        baseline=baseline,
        treatment="arm",
        comparator="usual",
        covariates=["age", "site"],
        instrument="PHQ-9",
        visits=VISITS,
        treatment_known_by_day=0,
    )


def bits(data):
    arrays = [data.baseline, data.scores, *map(attrgetter("values"), data.variables)]
    return [array.tobytes() for array in arrays], [variable.levels for variable in data.variables]


@settings(max_examples=20, deadline=None)
@given(STUDY, st.integers(0, 999))
def test_shuffled_rows_renamed_patients_and_empty_rows_change_no_bit(study, seed):
    plain = read(long_frame(study))
    shuffled = long_frame(study).sample(frac=1, random_state=seed)
    renamed = shuffled.assign(id=[f"x{(key * 7919 + seed) % 104729}" for key in shuffled["id"]])
    for other in (shuffled, renamed, long_frame(study, without_empty_rows=True)):
        assert bits(read(other)) == bits(plain)
        assert read(other).provenance == plain.provenance


@settings(max_examples=20, deadline=None)
@given(STUDY)
def test_a_baseline_column_and_a_baseline_visit_give_the_same_arrays(study):
    assert bits(read(long_frame(study, baseline_as_visit=True))) == bits(read(long_frame(study)))


def numbers_of(variable):
    """Return a number variable's values, also where only two values occur, which makes it a category of these."""
    if variable.kind == "number":
        return np.asarray(variable.values)
    numbers = [float(level.split()[0]) for level in variable.levels] if variable.kind == "category" else [0.0, 1.0]
    return np.array([np.nan if np.isnan(code) else numbers[int(code)] for code in np.asarray(variable.values)])


@settings(max_examples=20, deadline=None)
@given(STUDY)
def test_the_arrays_hold_every_patient_and_score_of_plain_loops(study):
    data = read(long_frame(study))
    levels = data.variable("site").levels
    site = [None if np.isnan(code) else levels[int(code)] for code in np.asarray(data.variable("site").values)]
    arm = [("usual", "new")[int(code)] for code in np.asarray(data.variable("arm").values)]
    columns = [data.baseline, *data.scores.T, numbers_of(data.variable("age"))]
    numbers = [[None if np.isnan(value) else value for value in column.tolist()] for column in columns]
    found = list(zip(*numbers, arm, site, strict=True))
    expected = [(p["pre"], *p["scores"], p["age"], p["arm"], p["site"]) for p in study]
    assert sorted(found, key=repr) == sorted([tuple(map(as_float, row)) for row in expected], key=repr)
    assert data.n_patients == len(study)
    for group in data.groups("arm"):
        assert int(group.mask.sum()) == sum(patient["arm"] == group.label for patient in study)
    for place, visit in enumerate(VISITS):
        both = sum(p["pre"] is not None and p["scores"][place] is not None for p in study)
        assert int(data.pairs(visit).sum()) == both


def as_float(value):
    return float(value) if isinstance(value, int) else value
