"""Coverage of the max-t band over several arms of `compare_cohorts`, on three programs whose effects are known.

    python tests/simulation/test_arm_band_coverage.py 200 10000 [complete]

prints the numbers of docs/methods/simulation.md of 200 studies from number 10000 on (a second each), of patients of
whom every score is known if so asked. Beside the band stand those that know the true errors of the estimates, their
true critical value, or both: which of the two a band that holds too little owes it to.
"""

from __future__ import annotations

import sys

import numpy as np
import pytest

import katoutcomes as kat
from katoutcomes.analyses.steps.comparison.arms import comparison
from katoutcomes.analyses.steps.comparison.choices import ComparisonChoices
from katoutcomes.analyses.steps.comparison.estimation import fit_comparison
from katoutcomes.analyses.steps.resamples import Resampling
from katoutcomes.kernels.groups.simultaneous_intervals import simultaneous_intervals
from katoutcomes.results.provenance import Provenance

N_PATIENTS = 300
EFFECTS = {"null": np.zeros(3), "effect": np.array([0.0, -1.0, -2.0])}
"""Points by which each program lowers everybody's score: whole ones, so that rounding to a score changes none.

The patients of a study are the same with and without an effect, and so are errors of estimates and coverage."""


def clinic(seed, scenario, n_patients, *, is_complete=False):
    """Return patients of three programs; severity and affluence decide which, fare otherwise, and lose scores."""
    rng = np.random.default_rng([seed, 20261122, 3])
    severity, affluence = rng.normal(size=(2, n_patients))
    site = rng.integers(0, 3, n_patients)
    baseline = np.clip(np.round(16.0 + 3.0 * severity + rng.normal(size=n_patients)), 10.0, 26.0)
    pull = np.column_stack([np.zeros(n_patients), 0.5 * severity + 0.3 * (site == 1), 0.6 * affluence - 0.4 * severity])
    shares = np.exp(pull) / np.exp(pull).sum(axis=1, keepdims=True)
    program = (rng.random(n_patients)[:, None] > np.cumsum(shares, axis=1)).sum(axis=1)
    level = 0.6 * (baseline - 16.0) - 0.7 * affluence + 0.5 * (site == 2) + 1.5 * rng.normal(size=n_patients)
    midway = np.round(14.0 + level + 1.5 * rng.normal(size=n_patients))
    later = np.round(12.0 + level + 2.0 * rng.normal(size=n_patients)) + EFFECTS[scenario][program]
    is_recorded = rng.random(n_patients) < 1.0 / (1.0 + np.exp(-1.0 + 0.10 * (midway - 14.0) - 0.4 * affluence))
    return kat.AnalysisSet(
        instrument=kat.instrument("PHQ-9"),
        visits=(kat.VisitWindow("week 4", 28, 26, 30), kat.VisitWindow("week 12", 84, 82, 86)),
        baseline=baseline,
        scores=np.column_stack([midway, np.where(is_recorded | is_complete, later, np.nan)]),
        variables=(
            kat.Variable("program", "Program", "category", program.astype(float), ("less", "some", "much")),
            kat.Variable("site", "Site", "category", site.astype(float), ("North", "South", "West")),
            kat.Variable("affluence", "Affluence", "number", affluence),
        ),
        treatment="program",
        attrition=(),
        cohort="simulated",
        population="simulated patients",
        provenance=Provenance("simulation", "0" * 64, (), is_synthetic=True),
    )


def one_study(seed, scenario, n_patients, n_bootstrap, *, is_complete=False):
    """Return what is found of each later arm, a row each: see `studied`."""
    patients = clinic(seed, scenario, n_patients, is_complete=is_complete)
    found = comparison(patients, visit=None, treatment=None, covariates=("site", "affluence"), in_care_until=None)
    choices = ComparisonChoices(
        weights="overlap",
        missing="observation_weights",
        method="weighted_ancova",
        slopes="pooled",
        interval="bootstrap",
        n_imputations=20,
        smallest_important=float("nan"),
        resampling=Resampling(n_bootstrap, entropy=seed, conf_level=0.95),
    )
    fitted = fit_comparison(found, choices)
    estimates = np.array([one.estimate for one in fitted.differences])
    band = simultaneous_intervals(estimates, fitted.replicates, 0.95)
    alone = [(one.conf_low, one.conf_high) for one in fitted.differences]
    critical_values = np.full(len(estimates), band.critical_value)
    return np.column_stack([estimates, band.std_error, critical_values, band.p_value, alone])


def critical_value_of(estimates):
    """Return the number of standard errors that holds all of many estimates at once, were these normal."""
    drawn = np.random.default_rng(1).multivariate_normal([0.0, 0.0], np.corrcoef(estimates.T), 200_000)
    return float(np.quantile(np.abs(drawn).max(axis=1), 0.95))


def studied(scenario, seeds, n_bootstrap=1000, *, is_complete=False):
    """Return the largest bias with its error, and how often the band holds both, each alone does, something is found.

    What is "found" is the smallest adjusted p-value below .05: without an effect, an error of the family. "True" are
    the standard deviations of the estimates and the critical value of their correlation.
    """
    truth, n_studies = EFFECTS[scenario][1:] - EFFECTS[scenario][0], len(seeds)
    rows = np.stack([one_study(seed, scenario, N_PATIENTS, n_bootstrap, is_complete=is_complete) for seed in seeds])
    off, errors, critical = rows[:, :, 0] - truth, rows[:, :, 1], rows[:, :, 2]
    bias, spread, true_critical = off.mean(axis=0), off.std(axis=0, ddof=1), critical_value_of(rows[:, :, 0])
    worst = int(np.argmax(np.abs(bias)))
    alone = (rows[:, :, 4] <= truth) & (truth <= rows[:, :, 5])

    def coverage(widths):
        return float((np.abs(off) <= widths).all(axis=1).mean())

    return {
        "bias": float(bias[worst]),
        "bias_error": float(spread[worst] / n_studies**0.5),
        "smallest_error_ratio": float((errors.mean(axis=0) / spread).min()),
        "critical_value": float(critical.mean()),
        "true_critical_value": true_critical,
        "band_coverage": coverage(critical * errors),
        "with_true_critical_value": coverage(true_critical * errors),
        "with_true_errors": coverage(critical * spread),
        "with_both_true": coverage(true_critical * spread),
        "coverage_alone": float(alone.mean()),
        "both_alone": float(alone.all(axis=1).mean()),
        "found": float((rows[:, :, 3].min(axis=1) < 0.05).mean()),
    }


@pytest.mark.slow
def test_the_band_holds_both_differences_as_often_as_it_says():
    n_studies = 200
    found = studied("null", range(n_studies), n_bootstrap=200)
    allowance = 2.0 * (0.95 * 0.05 / n_studies) ** 0.5
    assert abs(found["bias"]) < 0.1 + 2.0 * found["bias_error"]
    assert 0.92 - allowance < found["band_coverage"] <= min(1.0, 0.97 + allowance)
    # Its critical value is that of the estimates: what it holds too little, it owes to their standard errors.
    assert found["critical_value"] == pytest.approx(found["true_critical_value"], abs=0.05)
    assert abs(found["with_true_errors"] - 0.95) < allowance
    # Intervals of one difference each hold both less often than a band that was made for both.
    assert found["both_alone"] <= found["band_coverage"]
    assert found["found"] < 0.07 + allowance


if __name__ == "__main__":
    first = int(sys.argv[2])
    numbers = studied("null", range(first, first + int(sys.argv[1])), is_complete="complete" in sys.argv)
    sys.stdout.write("\n".join(f"{key} {value:+.4f}" for key, value in numbers.items()) + "\n")
