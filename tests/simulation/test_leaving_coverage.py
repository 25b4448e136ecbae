"""Bias and coverage of composite response, days in response and the last score in care, truth known.

The studies, and the figure of docs/methods/compare_cohorts.md, are those of docs/images/make_leaving_coverage.py.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import katoutcomes as kat
from katoutcomes.analyses.steps.emulation.data import emulation
from katoutcomes.kernels.emulation.estimators import ESTIMATES, emulated_estimates
from katoutcomes.registry.synthetic.mechanism import draw_intake, draw_weeks, follow
from katoutcomes.registry.synthetic.scenarios import MECHANISMS, SCENARIOS
from katoutcomes.workflows.simulation.studies import emulation_set

IMAGES = Path(__file__).resolve().parents[2] / "docs" / "images"
MOST_ERRORS = 3.5
"""Distance allowed between two simulations of the same, in standard errors of their difference."""
MOST_BIAS = 0.2
"""In standard deviations of the estimates; coverage loses a point at .2."""
SD_OF_DAYS = 0.48
"""Of the answer of an emulated trial of days with 20,000 patients (20 of them)."""
LEAST_COVERAGE, MOST_COVERAGE, MOST_REJECTIONS = 0.92, 0.97, 0.07


@pytest.fixture(scope="module")
def study():
    spec = importlib.util.spec_from_file_location("make_leaving_coverage", IMAGES / "make_leaving_coverage.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def numbers():
    return json.loads((IMAGES / "leaving_coverage.json").read_text(encoding="utf-8"))


def test_the_truth_is_that_of_other_patients(study, numbers):
    found = study.truths("effect", n_patients=20_000, n_steps=1, seed=7)
    found |= study.trial_truths("effect", n_patients=20_000, n_steps=1, seed=7)
    for question, (truth, error) in found.items():
        known = numbers["effect"][question]
        assert error < 0.04 * abs(truth)
        assert abs(truth - known["truth"]) < MOST_ERRORS * (error**2 + known["truth_error"] ** 2) ** 0.5
    assert all(one["truth"] == 0.0 for one in numbers["null"].values())


@pytest.mark.parametrize("scenario", ["null", "effect"])
def test_the_numbers_that_are_drawn_keep_the_bounds(numbers, scenario):
    for found in numbers[scenario].values():
        require_bounds(found, is_null=scenario == "null")


def require_bounds(found, *, is_null):
    assert abs(found["bias"]) < MOST_BIAS * found["sd"] + 2.0 * found["bias_error"]
    allowance = 2.0 * (0.95 * 0.05 / found["n_studies"]) ** 0.5
    assert LEAST_COVERAGE - allowance < found["coverage"] <= min(1.0, MOST_COVERAGE + allowance)
    assert not is_null or found["rejections"] < MOST_REJECTIONS + allowance
    assert found["mean_std_error"] == pytest.approx(found["sd"], rel=0.15 + 2.0 / found["n_studies"] ** 0.5)


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["null", "effect"])
def test_other_studies_keep_the_bounds(study, scenario):
    numbers = study.measured(scenario, 80, first=1_000) | study.measured_trials(scenario, 60, first=1_000)
    for found in numbers.values():
        require_bounds(found, is_null=scenario == "null")


def emulated_days(study, scenario, seed, n_patients=20_000):
    """Return every estimator of an emulated trial of days in response, by name, of the patients as they are."""
    rng = np.random.default_rng([seed, 20261123, 5])
    intake = draw_intake(rng, n_patients, SCENARIOS[scenario])
    course = follow(intake, draw_weeks(rng, n_patients), SCENARIOS[scenario], MECHANISMS["start"])
    trial = kat.TargetTrial(
        confounders=("site", "prognosis", "affluence", "trauma_history", "program"),
        outcome="days_in_response",
        visit=study.VISITS[-1],
        earlier_visits=study.VISITS[:-1],
    )
    found = emulation(trial, emulation_set(intake, course, trial.visits[:-1]), ())
    by_visit = np.stack([emulated_estimates(one, np.ones((1, n_patients)))[0] for one in found.days])
    return dict(zip(ESTIMATES, found.spoken_for @ by_visit, strict=True))


def test_in_a_large_clinic_emulated_days_are_true_where_other_comparisons_are_not(study):
    found = emulated_days(study, "null", seed=1)
    assert abs(found["cloned, censored, weighted"]) < MOST_ERRORS * SD_OF_DAYS
    assert found["ever or never"] > 2.5


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["null", "effect"])
def test_large_clinics_show_no_structural_bias_of_emulated_days(study, numbers, scenario):
    truth = numbers[scenario]["days in response, emulated"]["truth"]
    studies = [emulated_days(study, scenario, seed) for seed in range(12)]
    for name in ("cloned, censored, weighted", "weights for missing outcomes", "augmented"):
        values = np.array([one[name] for one in studies])
        assert abs(values.mean() - truth) < 0.3 + 2.0 * values.std(ddof=1) / len(values) ** 0.5, name
    assert np.mean([one["ever or never"] for one in studies]) - truth > 2.5
