"""Weighting against numbers of others: WeightIt and cobalt (LaLonde), What If (NHEFS), Smith et al. 2022 (RHC), and
clubSandwich (motor-vehicle deaths). None of them was made by this project; where they come from stands at each test.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from katoutcomes.kernels.groups.cluster_robust import cluster_robust
from katoutcomes.kernels.weighting.balance import covariate_balance, effective_sample_size
from katoutcomes.kernels.weighting.balancing_weights import inverse_probability_weights, overlap_weights
from katoutcomes.kernels.weighting.comparison import ArmData, Recipe, contrasts, estimated_means
from katoutcomes.kernels.weighting.entropy_balancing import entropy_balancing
from katoutcomes.kernels.weighting.logistic import fit_logistic
from katoutcomes.kernels.weighting.outcome_models import corrected_predictions
from katoutcomes.kernels.weighting.weighted_ancova import (
    Nuisance,
    logistic_influence,
    robust_fit,
    weighted_coefficients,
)

SHARED = Path(__file__).resolve().parents[3] / "shared" / "reference"
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not SHARED.exists(), reason="the shared reference data are not here"),
]

CLOSED_FORM = 1e-8
OPTIMIZED = 1e-6
WEIGHTIT_PROPENSITY = 1e-7
"""WeightIt stops its fit at 3e-9 in the propensity; divided by a propensity of .02 this is some 1e-7 in a weight."""
RHC_DENOMINATOR = 1e-5
"""The notebook divides weighted differences by weighted SDs, this package by the unweighted ones."""


def maximum_likelihood(design, outcome, frequencies=None):
    rows = np.ones((1, len(design))) if frequencies is None else frequencies[None, :]
    fits = fit_logistic(design, outcome, rows, ridge=0.0, limits=(0.0, 1.0))
    assert fits.converged.all()
    return fits


def two_arms(is_treated):
    return np.column_stack([np.ones(len(is_treated)), is_treated.astype(np.float64)])


def arm_data(outcome, is_treated, covariates):
    nothing = np.zeros((len(outcome), 0))
    return ArmData(outcome, is_treated.astype(np.int64), 2, covariates, nothing, nothing)


# --- LaLonde (R 4.2.2, WeightIt 1.5.1, cobalt 4.6.2) ------------------------------------------------------------------


@cache
def lalonde():
    numbers = json.loads((SHARED / "weighting" / "lalonde.json").read_text("utf-8"))
    frame = pd.read_csv(SHARED / "weighting" / "lalonde_MatchIt.csv")
    columns = [frame.age, frame.educ, frame.race == "hispan", frame.race == "white"]
    columns += [frame.married, frame.nodegree, frame.re74, frame.re75]
    design = np.column_stack(columns).astype(np.float64)
    return numbers, frame, design, frame.treat.to_numpy() == 1, frame.re78.to_numpy(np.float64)


def lalonde_weights(name):
    _, _, design, is_treated, _ = lalonde()
    propensity = maximum_likelihood(design, is_treated.astype(np.float64)).probabilities
    if name == "glm_ATO":
        return overlap_weights(propensity, is_treated)[0]
    share = np.array([is_treated.mean()]) if name.endswith("stab") else None
    return inverse_probability_weights(propensity, is_treated, name.split("_")[1].lower(), share)[0]


def test_lalonde_propensity_is_that_of_glm():
    numbers, _, design, is_treated, _ = lalonde()
    fits = maximum_likelihood(design, is_treated.astype(np.float64))
    expected = numbers["glm"]
    np.testing.assert_allclose(fits.probabilities[0], expected["ps"], rtol=0, atol=CLOSED_FORM)
    np.testing.assert_allclose(fits.coefficients[0], list(expected["coef"].values()), rtol=CLOSED_FORM)
    columns = np.column_stack([np.ones(len(design)), design])
    influence = logistic_influence(design, is_treated * 1.0, fits.probabilities[0], np.ones(len(design)))
    spread = fits.probabilities[0] * (1.0 - fits.probabilities[0])
    # The covariance of the coefficients is the inverse information: the influences of unit scores.
    covariance = np.linalg.inv((columns * spread[:, None]).T @ columns)
    np.testing.assert_allclose(covariance, expected["vcov"]["rows"], rtol=1e-6)
    np.testing.assert_allclose(
        influence, (columns * (is_treated - fits.probabilities[0])[:, None]) @ covariance, rtol=1e-6, atol=1e-12
    )


@pytest.mark.parametrize("name", ["glm_ATE", "glm_ATT", "glm_ATO", "glm_ATE_stab"])
def test_lalonde_weights_and_effective_sample_sizes(name):
    numbers, _, _, is_treated, _ = lalonde()
    weights, expected = lalonde_weights(name), numbers["weightit"][name]
    np.testing.assert_allclose(weights, expected["weights"], rtol=WEIGHTIT_PROPENSITY)
    for arm, mask in (("Treated", is_treated), ("Control", ~is_treated)):
        assert effective_sample_size(weights[mask]) == pytest.approx(expected["ess"][arm][1], rel=WEIGHTIT_PROPENSITY)


@pytest.mark.parametrize("name", ["glm_ATE", "glm_ATE_stab", "trim"])
def test_lalonde_balance_is_that_of_cobalt(name):
    """Of the ATE, where cobalt's denominator is that of this package: the unweighted SD of both arms."""
    numbers, frame, _, is_treated, _ = lalonde()
    races = [frame.race == race for race in ("black", "hispan", "white")]
    columns = [frame.age, frame.educ, *races, frame.married, frame.nodegree, frame.re74, frame.re75]
    columns = np.column_stack(columns).astype(np.float64)
    part = numbers["trim"] if name == "trim" else numbers["weightit"][name]
    weights = np.array(part["at95"]) if name == "trim" else lalonde_weights(name)
    expected = {key: np.array(values[1:], dtype=object) for key, values in part["balance"]["balance"].items()}
    for suffix, used in (("Un", np.ones(len(weights))), ("Adj", weights)):
        found = covariate_balance(columns, is_treated, used)
        for key, values in (("Diff", found.smd), ("V.Ratio", found.variance_ratio), ("KS", found.ks)):
            theirs = expected[f"{key}.{suffix}"].astype(np.float64)
            assert (np.isnan(theirs) == np.isnan(values)).all()
            np.testing.assert_allclose(values, theirs, rtol=0, atol=WEIGHTIT_PROPENSITY)


@pytest.mark.parametrize(
    ("name", "slope"),
    [
        ("glm_ATE", lambda e, t: np.where(t, -1.0 / e**2, 1.0 / (1.0 - e) ** 2)),
        ("glm_ATT", lambda e, t: np.where(t, 0.0, 1.0 / (1.0 - e) ** 2)),
        ("glm_ATO", lambda e, t: np.where(t, -1.0, 1.0)),
    ],
)
def test_lalonde_estimates_with_known_and_with_estimated_weights(name, slope):
    """HC0, and the M-estimation sandwich that WeightIt calls "asympt"."""
    numbers, _, design, is_treated, outcome = lalonde()
    expected = numbers["weightit"][name]
    propensity = maximum_likelihood(design, is_treated * 1.0).probabilities[0]
    weights = lalonde_weights(name)
    known = robust_fit(two_arms(is_treated), outcome, weights, "HC0")
    np.testing.assert_allclose(known.coefficients, list(expected["lm_weightit_HC0"]["coef"].values()), rtol=1e-6)
    np.testing.assert_allclose(known.covariance, expected["lm_weightit_HC0"]["vcov"]["rows"], rtol=OPTIMIZED)
    with_intercept = np.column_stack([np.ones(len(design)), design])
    slopes = (slope(propensity, is_treated) * propensity * (1.0 - propensity))[:, None] * with_intercept
    influence = logistic_influence(design, is_treated * 1.0, propensity, np.ones(len(design)))
    stacked = robust_fit(two_arms(is_treated), outcome, weights, "HC0", [Nuisance(slopes, influence)])
    np.testing.assert_allclose(stacked.covariance, expected["lm_weightit"]["vcov"]["rows"], rtol=OPTIMIZED)


def test_lalonde_overlap_estimate_is_that_of_psweight():
    numbers, _, design, is_treated, outcome = lalonde()
    recipe = Recipe("overlap", observation_weights=False, method="weighted_mean", ridge=0.0, limits=(0.0, 1.0))
    means = estimated_means(arm_data(outcome / 1000.0, is_treated, design), recipe, np.ones((1, len(outcome))))[0]
    expected = numbers["psweight_re78_in_thousands"]["overlap"]["muhat"]
    np.testing.assert_allclose(means, [expected["0"], expected["1"]], rtol=OPTIMIZED)


@pytest.mark.parametrize(("target", "arms"), [("ATE", (True, False)), ("ATT", (False,))])
def test_lalonde_entropy_balancing_at_a_tight_tolerance(target, arms):
    numbers, _, design, is_treated, outcome = lalonde()
    expected = numbers["ebal_tight"][f"ebal_tight_{target}"]
    theirs = np.array(expected["weights"])
    weights = np.ones(len(outcome))
    aim = (design if target == "ATE" else design[is_treated]).mean(axis=0)[None, :]
    for arm in arms:
        members = is_treated == arm
        found = entropy_balancing(design[members], np.ones((1, int(members.sum()))), aim)
        assert found.converged.all()
        weights[members] = found.weights[0]
        np.testing.assert_allclose(weights[members], theirs[members] / theirs[members].mean(), rtol=OPTIMIZED)
    fit = robust_fit(two_arms(is_treated), outcome, weights, "HC0")
    np.testing.assert_allclose(fit.coefficients, list(expected["coef"].values()), rtol=OPTIMIZED)


# --- NHEFS (Hernan and Robins, What If; numbers printed in github remlapmot/cibookex-r, chapters 12 to 15) ------------


@cache
def nhefs():
    frame = pd.read_csv(SHARED / "known_answers" / "nhefs" / "nhefs.csv")
    numbers = [frame.sex, frame.race, frame.age, frame.age**2]
    for name in ("smokeintensity", "smokeyrs", "wt71"):
        numbers += [frame[name], frame[name] ** 2]
    levels = [frame[name] == level for name, most in (("education", 5), ("exercise", 2), ("active", 2))
              for level in range(2 if name == "education" else 1, most + 1)]  # fmt: skip
    covariates = np.column_stack([*numbers, *levels]).astype(np.float64)
    return frame, covariates, frame.qsmk.to_numpy() == 1, frame.wt82_71.to_numpy(np.float64)


def weighed_again():
    frame, covariates, is_treated, outcome = nhefs()
    known = frame.wt82.notna().to_numpy()
    return covariates[known], is_treated[known], outcome[known]


def test_nhefs_inverse_probability_weighting_with_its_standard_errors():
    covariates, is_treated, outcome = weighed_again()
    assert len(outcome) == 1566
    assert outcome[is_treated].mean() - outcome[~is_treated].mean() == pytest.approx(2.541, abs=5e-4)
    propensity = maximum_likelihood(covariates, is_treated * 1.0).probabilities
    weights = inverse_probability_weights(propensity, is_treated, "ate")[0]
    printed = (1.054, 1.996, 16.700, 1.475)
    found = (weights.min(), weights.mean(), weights.max(), weights.std(ddof=1))
    np.testing.assert_allclose(found, printed, atol=5e-4)
    known = robust_fit(two_arms(is_treated), outcome, weights, "HC0")
    assert known.coefficients[1] == pytest.approx(3.4405, abs=5e-5)
    std_error = known.covariance[1, 1] ** 0.5
    assert std_error == pytest.approx(0.5255, abs=5e-5)
    limits = known.coefficients[1] + 1.959964 * std_error * np.array([-1.0, 1.0])
    np.testing.assert_allclose(limits, (2.41, 4.47), atol=5e-3)
    e, columns = propensity[0], np.column_stack([np.ones(len(outcome)), covariates])
    slopes = (np.where(is_treated, -1.0 / e**2, 1.0 / (1.0 - e) ** 2) * e * (1.0 - e))[:, None] * columns
    influence = logistic_influence(covariates, is_treated * 1.0, e, np.ones(len(e)))
    stacked = robust_fit(two_arms(is_treated), outcome, weights, "HC0", [Nuisance(slopes, influence)])
    assert stacked.covariance[1, 1] ** 0.5 == pytest.approx(0.487, abs=5e-4)


def test_nhefs_standardization():
    covariates, is_treated, outcome = weighed_again()
    recipe = Recipe("iptw_ate", observation_weights=False, method="g_computation", ridge=0.0)
    means = estimated_means(arm_data(outcome, is_treated, covariates), recipe, np.ones((1, len(outcome))))
    assert contrasts(means)[0, 0] == pytest.approx(3.4626, abs=5e-5)
    cigarettes = covariates[:, 4]
    design = np.column_stack([two_arms(is_treated), covariates, is_treated * cigarettes])
    found = weighted_coefficients(design, outcome, np.ones((1, len(outcome))))[0]
    assert found[1] == pytest.approx(2.5596, abs=5e-5)
    assert found[-1] == pytest.approx(0.04666, abs=5e-6)
    assert found[1] + found[-1] * cigarettes.mean() == pytest.approx(3.5174, abs=5e-5)


def test_nhefs_censoring_and_treatment_weights():
    """The pipeline's own observation weights: quitting is in the model of being weighed again."""
    frame, covariates, is_treated, outcome = nhefs()
    assert len(frame) == 1629
    recipe = Recipe("iptw_ate", method="weighted_mean", ridge=0.0)
    means = estimated_means(arm_data(outcome, is_treated, covariates), recipe, np.ones((1, len(outcome))))
    assert contrasts(means)[0, 0] == pytest.approx(3.50, abs=5e-3)


# --- RHC (Smith et al. 2022, doi:10.1002/sim.9234; printed in their Python notebook) ----------------------------------


@cache
def rhc():
    frame = pd.read_csv(SHARED / "known_answers" / "rhc" / "rhc.csv")
    levels = [pd.get_dummies(frame[name], drop_first=True) for name in ("race", "carcinoma")]
    covariates = np.column_stack([frame.sex == "Male", frame.age, frame.edu, *levels]).astype(np.float64)
    return covariates, (frame.rhc == "Yes").to_numpy(), frame.death_d30.to_numpy(np.float64)


def rhc_models():
    covariates, is_treated, outcome = rhc()
    propensity = maximum_likelihood(covariates, is_treated * 1.0).probabilities[0]
    of_arms = [maximum_likelihood(covariates, outcome, (is_treated == arm) * 1.0).probabilities[0] for arm in (0, 1)]
    return propensity, np.column_stack(of_arms)


def test_rhc_regression_and_g_formula():
    covariates, is_treated, outcome = rhc()
    design = np.column_stack([two_arms(is_treated), covariates[:, 0]])
    assert weighted_coefficients(design, outcome, np.ones((1, len(outcome))))[0, 1] == pytest.approx(0.07352, abs=5e-6)
    # The non-parametric g-formula is the regression with all products, standardized.
    recipe = Recipe("iptw_ate", observation_weights=False, method="g_computation", slopes="per_arm")
    means = estimated_means(arm_data(outcome, is_treated, covariates[:, :1]), recipe, np.ones((1, len(outcome))))
    assert contrasts(means)[0, 0] == pytest.approx(0.073692, abs=OPTIMIZED)
    _, predictions = rhc_models()
    assert (predictions[:, 1] - predictions[:, 0]).mean() == pytest.approx(0.083929, abs=OPTIMIZED)


def test_rhc_inverse_probability_weighting():
    covariates, is_treated, outcome = rhc()
    propensity, _ = rhc_models()
    weights = inverse_probability_weights(propensity[None, :], is_treated, "ate")[0]
    fit = robust_fit(two_arms(is_treated), outcome, weights, "HC0")
    assert fit.coefficients[1] == pytest.approx(0.083294, abs=OPTIMIZED)
    assert fit.covariance[1, 1] ** 0.5 == pytest.approx(0.013046, abs=OPTIMIZED)
    before = covariate_balance(covariates[:, :3], is_treated, np.ones(len(weights)))
    after = covariate_balance(covariates[:, :3], is_treated, weights)
    np.testing.assert_allclose(before.smd, (0.093144, -0.061352, 0.091364), atol=OPTIMIZED)
    np.testing.assert_allclose(after.smd, (0.000325, -0.003754, -0.002439), atol=RHC_DENOMINATOR)


def test_rhc_augmented_weighting():
    _, is_treated, outcome = rhc()
    propensity, predictions = rhc_models()
    propensities = np.column_stack([1.0 - propensity, propensity])[None]
    values = corrected_predictions(outcome[None], is_treated.astype(np.int64), predictions[None], propensities)[0]
    differences = values[:, 1] - values[:, 0]
    assert differences.mean() == pytest.approx(0.083796, abs=OPTIMIZED)
    std_error = differences.std() / len(differences) ** 0.5
    limits = differences.mean() + 1.959964 * std_error * np.array([-1.0, 1.0])
    np.testing.assert_allclose(limits, (0.058546, 0.109046), atol=3e-6)


# --- clubSandwich (vignette on panel data; MV_deaths) -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "estimate", "std_error", "df", "p_value"),
    [(0, 7.587708, 2.513082, 24.578519, 0.00583), (1, 3.818671, 5.265016, 5.768415, 0.497)],
)
def test_clubsandwich_standard_errors_and_degrees_of_freedom(column, estimate, std_error, df, p_value):
    frame = pd.read_csv(SHARED / "known_answers" / "clubsandwich" / "MV_deaths.csv")
    years = pd.get_dummies(frame.year, drop_first=True)
    design = np.column_stack([frame.legal, frame.beertaxa, pd.get_dummies(frame.state), years]).astype(np.float64)
    direction = np.eye(design.shape[1])[column]
    states = frame.state.astype("category").cat.codes.to_numpy(np.int64)
    found = cluster_robust(design, frame.mrate.to_numpy(np.float64), states, direction, conf_level=0.95)
    assert found.n_clusters == 50
    assert found.estimate == pytest.approx(estimate, abs=OPTIMIZED)
    assert found.std_error == pytest.approx(std_error, abs=OPTIMIZED)
    assert found.df == pytest.approx(df, abs=OPTIMIZED)
    assert found.p_value == pytest.approx(p_value, abs=5e-4)
    assert found.statistic == pytest.approx(estimate / std_error, rel=1e-6)
