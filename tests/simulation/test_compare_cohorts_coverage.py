"""Bias and coverage of the two defaults of `compare_cohorts` on the synthetic clinic's mechanism, truth known.

    python tests/simulation/test_compare_cohorts_coverage.py 400

prints the table of docs/methods/compare_cohorts.md. The truth is that of the mechanism under forced programs
(test_synthetic_clinic_truths.py). Beside the two defaults stand two ways that are offered and worse: weights taken as
known, and patients without a score left out; and the difference of the shares with a response.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

import numpy as np
import pytest

import katoutcomes as kat
from katoutcomes.analyses.steps.comparison.arms import comparison
from katoutcomes.analyses.steps.comparison.choices import ComparisonChoices, default_interval
from katoutcomes.analyses.steps.comparison.estimation import fit_comparison
from katoutcomes.analyses.steps.resamples import Resampling
from katoutcomes.registry.synthetic.mechanism import draw_intake, draw_weeks, follow
from katoutcomes.registry.synthetic.scenarios import MECHANISMS, SCENARIOS
from katoutcomes.registry.synthetic.trajectories import SITES
from katoutcomes.results.provenance import Provenance

N_PATIENTS = 300
RESPONSE = 0.1882
"""From 10^6 patients followed under both programs, with an error of .0004 (`true_risk_difference`)."""
TRUTH = {"null": (0.0, 0.0, 0.0), "effect": (-2.075504, -2.081385, RESPONSE)}
"""For everybody, and weighted by e (1 - e); the last is the difference of the shares with a response, weighted so."""
MOST_RISK_BIAS = 0.02
MOST_BIAS, LEAST_COVERAGE, MOST_COVERAGE = 0.1, 0.92, 0.97
WEEKLY, MONTHLY = tuple(range(1, 13)), (2, 4, 8, 12)
COVARIATES = ("site", "prognosis", "affluence", "trauma_history")


@dataclass(frozen=True)
class Way:
    """A way of comparing: choices, the weeks that are visits, and which truth it is after."""

    choices: dict
    weeks: tuple
    truth: int
    outcome: str = "score"


WAYS = {
    "overlap, observation weights, bootstrap": Way({}, WEEKLY, 1),
    "multiple imputation, analysis of covariance": Way(
        {"missing": "multiple_imputation", "weights": "none"}, MONTHLY, 0
    ),
    "overlap, observation weights, robust": Way({"interval": "robust"}, WEEKLY, 1),
    "overlap, complete cases, bootstrap": Way({"missing": "complete_cases"}, WEEKLY, 1),
    "response, overlap, observation weights, bootstrap": Way({}, WEEKLY, 2, "response"),
}
DEFAULT = next(iter(WAYS))


def clinic(seed, scenario, weeks):
    """Return synthetic patients as an analysis set, with the last day in care."""
    rng = np.random.default_rng([seed, 20261122])
    intake = draw_intake(rng, N_PATIENTS, SCENARIOS[scenario])
    course = follow(intake, draw_weeks(rng, N_PATIENTS), SCENARIOS[scenario], MECHANISMS["booked"])
    seen = np.where(course.recorded, course.score.astype(np.float64), np.nan)
    variables = (
        kat.Variable("program", "Program", "category", intake.program.astype(np.float64), ("without", "with")),
        kat.Variable("site", "Site", "category", intake.site.astype(np.float64), SITES),
        *(kat.Variable(name, name, "number", getattr(intake, name)) for name in ("prognosis", "affluence")),
        kat.Variable("trauma_history", "Trauma history", "flag", intake.trauma_history),
        kat.Variable(
            "until", "Until", "number", 7.0 * course.in_care[:, :12].sum(axis=1), unit="days", known_by_day=84
        ),
    )
    return kat.AnalysisSet(
        instrument=kat.instrument("PHQ-9"),
        visits=tuple(kat.VisitWindow(f"week {week}", 7 * week, 7 * week - 2, 7 * week + 2) for week in weeks),
        baseline=intake.baseline_score.astype(np.float64),
        scores=seen[:, np.array(weeks) - 1],
        variables=variables,
        treatment="program",
        attrition=(),
        cohort="simulated",
        population="simulated patients",
        provenance=Provenance("simulation", "0" * 64, (), is_synthetic=True),
    )


def one_study(seed, scenario, way, n_bootstrap):
    found = comparison(
        clinic(seed, scenario, way.weeks),
        visit=None,
        treatment=None,
        outcome=way.outcome,
        covariates=COVARIATES,
        in_care_until="until",
    )
    named = {"weights": "overlap", "missing": "observation_weights"} | way.choices
    choices = ComparisonChoices(
        method="weighted_ancova",
        slopes="pooled",
        n_imputations=20,
        smallest_important=float("nan"),
        resampling=Resampling(n_bootstrap, entropy=seed, conf_level=0.95),
        **({"interval": default_interval(named["missing"])} | named),
    )
    difference = fit_comparison(found, choices).differences[0]
    return difference.estimate, difference.std_error, difference.conf_low, difference.conf_high


def true_risk_difference(scenario, n_patients, seed=1):
    """Return the difference of the shares with half the baseline score or less, weighted by e (1 - e), and its error.

    The same patients under both programs, with the same random numbers.
    """
    rng = np.random.default_rng([seed, 20261122, 11])
    intake = draw_intake(rng, n_patients, SCENARIOS[scenario])
    draws, mechanism = draw_weeks(rng, n_patients), MECHANISMS["booked"]
    shares = [
        follow(intake, draws, SCENARIOS[scenario], mechanism, program=program).score[:, -1]
        <= 0.5 * intake.baseline_score
        for program in (0, 1)
    ]
    tilt = intake.booking_probability * (1.0 - intake.booking_probability)
    gain = shares[1].astype(float) - shares[0]
    truth = float(tilt @ gain / tilt.sum())
    return truth, float(((tilt * (gain - truth)) ** 2).sum() ** 0.5 / tilt.sum())


def studied(scenario, name, n_studies, n_bootstrap=200):
    """Return bias, its error, standard deviation of the estimates, mean standard error, coverage and rejections."""
    way = WAYS[name]
    truth = TRUTH[scenario][way.truth]
    found = np.array([one_study(seed, scenario, way, n_bootstrap) for seed in range(n_studies)])
    estimate, std_error, low, high = found.T
    return {
        "bias": estimate.mean() - truth,
        "bias_error": estimate.std(ddof=1) / n_studies**0.5,
        "sd": estimate.std(ddof=1),
        "mean_std_error": std_error.mean(),
        "coverage": ((low <= truth) & (truth <= high)).mean(),
        "rejections": ((low > 0.0) | (high < 0.0)).mean(),
    }


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["null", "effect"])
def test_the_default_is_unbiased_and_covers(scenario):
    n_studies = 200
    found = studied(scenario, DEFAULT, n_studies)
    assert abs(found["bias"]) < MOST_BIAS + 2.0 * found["bias_error"]
    allowance = 2.0 * (0.95 * 0.05 / n_studies) ** 0.5
    assert LEAST_COVERAGE - allowance < found["coverage"] < MOST_COVERAGE + allowance
    if scenario == "null":
        assert found["rejections"] < 0.07 + allowance


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["null", "effect"])
def test_imputation_is_unbiased_and_its_intervals_cover(scenario):
    n_studies = 300
    found = studied(scenario, "multiple imputation, analysis of covariance", n_studies)
    assert abs(found["bias"]) < MOST_BIAS + 2.0 * found["bias_error"]
    allowance = 2.0 * (0.95 * 0.05 / n_studies) ** 0.5
    assert LEAST_COVERAGE - allowance < found["coverage"] < MOST_COVERAGE + allowance
    assert found["sd"] < found["mean_std_error"] * 1.1


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["null", "effect"])
def test_the_risk_difference_is_unbiased_and_covers(scenario):
    n_studies = 200
    found = studied(scenario, "response, overlap, observation weights, bootstrap", n_studies)
    assert abs(found["bias"]) < MOST_RISK_BIAS + 2.0 * found["bias_error"]
    allowance = 2.0 * (0.95 * 0.05 / n_studies) ** 0.5
    assert LEAST_COVERAGE - allowance < found["coverage"] < MOST_COVERAGE + allowance
    if scenario == "null":
        assert found["rejections"] < 0.07 + allowance


@pytest.mark.slow
def test_the_true_risk_difference_is_that_of_other_patients():
    truth, error = true_risk_difference("effect", 40_000, seed=2)
    assert error < 0.005
    assert abs(truth - RESPONSE) < 4.0 * error


if __name__ == "__main__":
    for scenario in sys.argv[2:3] or TRUTH:
        for name in sys.argv[3:] or WAYS:
            numbers = studied(scenario, name, int(sys.argv[1]))
            texts = (f"{key} {value:+.3f}" for key, value in numbers.items())
            sys.stdout.write(f"{scenario} | {name} | {chr(32).join(texts)}\n")
