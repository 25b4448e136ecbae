"""Known answers of clone-censor-weight and of immortal time, none of them this project's.

The toy data and weights of Maringe et al. (Int J Epidemiol 2020;49:1719, doi:10.1093/ije/dyaa057) as distributed with
the R package survivalCCW (CC BY 4.0), and the Stanford heart transplant data of R survival.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from katoutcomes.kernels.emulation.proportional_hazards import cox_weights, fit_cox
from katoutcomes.kernels.weighting.logistic import fit_logistic

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "reference" / "known_answers"
COVARIATES = ["age", "sex", "perf", "stage", "deprivation", "charlson", "emergency"]
GRACE = 182.62
SAME_WEIGHTS = 1e-10
"""Relative: the file has 15 digits."""
AS_PRINTED = 5e-8
"""R prints seven digits after the point."""
SAME_SNAPSHOT = 1e-7
"""The snapshots have nine digits; ours stops where a step of Newton's method moves nothing by 1e-5, its square left."""
SAME_SANDWICH = 5e-5
"""The package differs by 3e-5 from its own formula, as the README of the reference data found."""
pytestmark = [
    pytest.mark.shared,
    pytest.mark.skipif(not FOLDER.exists(), reason="reference data are kept outside the repository"),
]


@pytest.fixture(scope="module")
def toy():
    clones = pd.read_csv(FOLDER / "maringe_ccw" / "tab.csv")
    people = pd.read_csv(FOLDER / "maringe_ccw" / "toy_df.csv")
    rows = pd.read_csv(FOLDER / "maringe_ccw" / "data_long_cox.csv")
    return people, clones.merge(people[["id", *COVARIATES]], on="id"), rows


def test_weights_of_the_tutorial_row_by_row(toy):
    _, clones, rows = toy
    assert len(rows) == 22772
    for clone, largest in ((0, 21.623), (1, 6.535)):
        arm, own = clones[clones["clone"] == clone], rows[rows["clone"] == clone]
        fit = fit_cox(arm[COVARIATES].to_numpy(float), arm["fup_outcome"].to_numpy(), arm["censor"].to_numpy() == 1)
        assert fit.converged
        found = cox_weights(fit, own[COVARIATES].to_numpy(float), own["t_start"].to_numpy(float))
        np.testing.assert_allclose(found, own["weight_cox"].to_numpy(), rtol=SAME_WEIGHTS)
        assert found.max() == pytest.approx(largest, abs=5e-4)


def weighted_survival(rows):
    """Return the Kaplan-Meier estimate of start-stop rows with weights, at the end."""
    survival = 1.0
    for moment in np.unique(rows.loc[rows["outcome"] == 1, "t_stop"]):
        at_risk = rows[(rows["t_start"] < moment) & (rows["t_stop"] >= moment)]
        dead = at_risk[(at_risk["outcome"] == 1) & (at_risk["t_stop"] == moment)]
        survival *= 1.0 - dead["weight"].sum() / at_risk["weight"].sum()
    return survival


def test_weighted_survival_after_a_year(toy):
    """README of the reference data, case 4: .815966 with surgery, .695288 without, at one year."""
    _, clones, rows = toy
    for clone, expected in ((0, 0.695288), (1, 0.815966)):
        arm, own = clones[clones["clone"] == clone], rows[rows["clone"] == clone].copy()
        fit = fit_cox(arm[COVARIATES].to_numpy(float), arm["fup_outcome"].to_numpy(), arm["censor"].to_numpy() == 1)
        own["weight"] = cox_weights(fit, own[COVARIATES].to_numpy(float), own["t_start"].to_numpy(float))
        assert weighted_survival(own) == pytest.approx(expected, abs=5e-6)


def test_clones_and_their_censoring_are_those_of_the_tutorial(toy):
    """Surgery within the grace period is departed from at its end, none with the surgery: a loop over patients."""
    people, clones, _ = toy
    given = clones.set_index(["id", "clone"])
    for _, one in people.iterrows():
        by_then = one["surgery"] == 1 and one["timetosurgery"] <= GRACE
        gone = one["fup_obs"] <= GRACE
        censored = {0: by_then, 1: not by_then and not gone}
        for clone in (0, 1):
            row = given.loc[(one["id"], clone)]
            assert bool(row["censor"]) == censored[clone]
            if censored[clone]:
                assert row["fup_censor"] == (one["timetosurgery"] if clone == 0 else GRACE)


def test_heart_transplant_as_fixed_at_time_zero_shows_a_benefit_that_is_not_there():
    """Ever transplanted: log hazard ratio -1.323445, hazard ratio .2662 (R survival, Efron)."""
    jasa = pd.read_csv(FOLDER / "heart_transplant" / "survival_jasa.csv")
    time = np.where(jasa["futime"] == 0, 0.5, jasa["futime"]).astype(float)
    fit = fit_cox(jasa[["transplant"]].to_numpy(float), time, jasa["fustat"].to_numpy() == 1)
    assert fit.coefficients[0] == pytest.approx(-1.323445, abs=1e-6)
    assert np.exp(fit.coefficients[0]) == pytest.approx(0.2662, abs=5e-5)


def test_heart_transplant_from_its_day_on_shows_none():
    """Transplanted from its day on: log hazard ratio .1271411 (.3011411), ratio 1.1356, p .67 (R survival, Efron)."""
    heart = pd.read_csv(FOLDER / "heart_transplant" / "survival_heart.csv")
    fit = fit_cox(
        heart[["transplant"]].to_numpy(float),
        heart["stop"].to_numpy(float),
        heart["event"].to_numpy() == 1,
        start=heart["start"].to_numpy(float),
    )
    std_error = float(np.sqrt(fit.covariance[0, 0]))
    assert fit.coefficients[0] == pytest.approx(0.1271411, abs=AS_PRINTED)
    assert std_error == pytest.approx(0.3011411, abs=AS_PRINTED)
    assert np.exp(fit.coefficients[0]) == pytest.approx(1.1356, abs=5e-5)
    assert 2 * norm.sf(fit.coefficients[0] / std_error) == pytest.approx(0.67, abs=5e-3)


def test_hazard_ratio_of_the_tutorial(toy):
    """README of the reference data, case 4: log hazard ratio -.498755 with weights, -.540182 without."""
    _, _, rows = toy
    design, is_event = rows[["clone"]].to_numpy(float), rows["outcome"].to_numpy() == 1
    start, stop = rows["t_start"].to_numpy(float), rows["t_stop"].to_numpy(float)
    weighted = fit_cox(design, stop, is_event, start=start, weight=rows["weight_cox"].to_numpy())
    assert weighted.coefficients[0] == pytest.approx(-0.498755, abs=1e-6)
    assert fit_cox(design, stop, is_event, start=start).coefficients[0] == pytest.approx(-0.540182, abs=1e-6)


@pytest.mark.parametrize(
    ("limits", "coefficient", "std_error"),
    [
        (None, -1.87374327, 1.26128915),
        ((0.264964755, 1.67299290), -1.63471307, 1.26704723),
        ((0.0, np.inf), -1.63456472, 1.26721153),
    ],
    ids=["unweighted", "truncated", "as given"],
)
def test_pooled_logistic_model_of_sequential_trials(limits, coefficient, std_error):
    """The tests of R TrialEmulation (Causal-LDA): the effect of the assigned treatment under three weightings.

    Its standard error is a sandwich by patient with the factor G / (G - 1), made here of the scores of our fit.
    """
    rows = pd.read_csv(FOLDER / "trialemulation" / "ready_for_modelling.csv")
    names = ["assigned_treatment", "trial_period", "followup_time", "X1", "X2", "X3", "X4", "age_s"]
    weights = np.ones(len(rows)) if limits is None else np.clip(rows["weight"].to_numpy(), *limits)
    fit = fit_logistic(rows[names].to_numpy(float), rows["outcome"].to_numpy(float), weights[None, :], ridge=0.0)
    assert fit.converged[0]
    assert fit.coefficients[0, 1] == pytest.approx(coefficient, abs=SAME_SNAPSHOT)
    design = np.column_stack([np.ones(len(rows)), rows[names].to_numpy(float)])
    risk = 1.0 / (1.0 + np.exp(-(design @ fit.coefficients[0])))
    scores = pd.DataFrame(design * (weights * (rows["outcome"].to_numpy(float) - risk))[:, None])
    by_patient = scores.groupby(rows["id"].to_numpy()).sum().to_numpy()
    bread = np.linalg.inv(design.T @ (design * (weights * risk * (1.0 - risk))[:, None]))
    n_patients = len(by_patient)
    sandwich = bread @ (by_patient.T @ by_patient) @ bread * n_patients / (n_patients - 1)
    assert np.sqrt(sandwich[1, 1]) == pytest.approx(std_error, abs=SAME_SANDWICH)
