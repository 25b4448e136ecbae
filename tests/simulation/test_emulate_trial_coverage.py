"""Bias and coverage of `emulate_trial` on the synthetic clinic's mechanism, whose truth under the strategies is known.

    python tests/simulation/test_emulate_trial_coverage.py 400

prints the table of docs/methods/emulate_trial.md: for each line of the bias diary and for the estimators beside it the
bias, the standard deviation, the coverage of the bootstrap interval and how often 0 lies outside it.
"""

from __future__ import annotations

import sys
from dataclasses import replace

import numpy as np
import pytest

import katoutcomes as kat
from katoutcomes.analyses.steps.emulation.data import emulation
from katoutcomes.kernels.emulation.estimators import ESTIMATES, emulated_estimates
from katoutcomes.kernels.weighting.bootstrap import bootstrap
from katoutcomes.registry.synthetic.mechanism import draw_intake, draw_weeks, follow
from katoutcomes.registry.synthetic.scenarios import MECHANISMS, SCENARIOS
from katoutcomes.workflows.simulation.studies import emulation_set

TRUTH = {"null": 0.0, "effect": -0.838228}
"""Of starting integration by day 28, in the mechanism "start" (10^6 patients a scenario, error below .003)."""
CONFOUNDERS = ("site", "prognosis", "affluence", "trauma_history", "program")
DEFAULT, NAIVE, LANDMARK = "cloned, censored, weighted", "ever or never", "landmark"


def clinic(seed, scenario, n_patients):
    """Return synthetic patients of the mechanism, week by week, with the true last week in care, and last scores."""
    rng = np.random.default_rng([seed, 20261122])
    intake = draw_intake(rng, n_patients, SCENARIOS[scenario])
    course = follow(intake, draw_weeks(rng, n_patients), SCENARIOS[scenario], MECHANISMS["start"])
    return emulation_set(intake, course), course.score[:, -1].astype(float)


def one_study(seed, scenario, n_patients, n_bootstrap):
    """Return estimate, lower and upper limit of every column, shape (3, 9)."""
    found = emulation(kat.TargetTrial(confounders=CONFOUNDERS), clinic(seed, scenario, n_patients)[0], ())
    estimate = emulated_estimates(found.data, np.ones((1, n_patients)))[0]
    if not n_bootstrap:
        return np.stack([estimate, estimate, estimate])
    draws = bootstrap(lambda f: emulated_estimates(found.data, f), n_patients, n_bootstrap, seed)
    return np.stack([estimate, *np.nanquantile(draws, [0.025, 0.975], axis=0)])


def studied(scenario, n_studies, n_patients=300, n_bootstrap=200):
    """Return bias, its error, SD, coverage and rejections of every estimator, by name."""
    truth = TRUTH[scenario]
    found = np.stack([one_study(seed, scenario, n_patients, n_bootstrap) for seed in range(n_studies)])
    rows = {}
    for place, name in enumerate(ESTIMATES[2:], start=2):
        estimate, low, high = found[:, :, place].T
        sd = estimate.std(ddof=1)
        covered, rejected = (low <= truth) & (truth <= high), (low > 0.0) | (high < 0.0)
        rows[name] = (estimate.mean() - truth, sd / n_studies**0.5, sd, covered.mean(), rejected.mean())
    return rows


@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["null", "effect"])
def test_the_default_is_unbiased_and_covers(scenario):
    n_studies = 60
    rows = studied(scenario, n_studies, n_bootstrap=100)
    bias, error, _, coverage, _ = rows[DEFAULT]
    assert abs(bias) <= 0.1 + 2.0 * error
    # Percentiles of 100 resamples lose a point or two of coverage; two Monte-Carlo errors of allowance.
    assert coverage >= 0.92 - 2.0 * (0.95 * 0.05 / n_studies) ** 0.5 - 0.01
    assert rows[NAIVE][0] <= -1.0
    assert rows[LANDMARK][0] >= 0.1


@pytest.mark.slow
def test_large_samples_show_the_structural_bias():
    """With 20,000 patients each, three Monte-Carlo errors and .1; the naive comparison is far off under the null."""
    rows = studied("null", 4, n_patients=20_000, n_bootstrap=0)
    for name in (DEFAULT, "augmented"):
        assert abs(rows[name][0]) <= 0.1 + 3.0 * rows[name][1], name
    assert rows[NAIVE][0] <= -1.0
    assert rows["clones without weights"][0] >= 0.2


@pytest.mark.slow
def test_predicting_missing_scores_adds_next_to_no_bias():
    """The same patients with and without the scores that were not recorded: what differs is the prediction.

    In 12 studies of 40,000 patients it was off by +.082 (error .012) when it knew all sessions but no earlier score,
    and is off by +.018 (.008) now; with an effect by +.057 (.012) and -.002 (.009).
    """
    gaps = []
    for seed in range(12):
        patients, score = clinic(seed, "null", 20_000)
        data = emulation(kat.TargetTrial(confounders=CONFOUNDERS), patients, ()).data
        pair = [emulated_estimates(one, np.ones((1, len(score))))[0] for one in (data, replace(data, outcome=score))]
        gaps.append((pair[0] - pair[1])[ESTIMATES.index(DEFAULT)])
    error = np.std(gaps, ddof=1) / len(gaps) ** 0.5
    assert abs(np.mean(gaps)) <= 0.03 + 2.0 * error
    assert error < 0.03


if __name__ == "__main__":
    for scenario in TRUTH:
        print(scenario)  # noqa: T201
        for name, row in studied(scenario, int(sys.argv[1])).items():
            print(f"  {name:30s}", " ".join(f"{number:+.3f}" for number in row))  # noqa: T201
