"""The kernel of the repeated-measures model against a plain, slow one: tests/oracles/dense_repeated_measures.py."""

from __future__ import annotations

import importlib.util
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from katoutcomes.kernels.mmrm.fit import fit_repeated_measures
from katoutcomes.kernels.mmrm.inference import joint_test, linear_model, linear_tests
from katoutcomes.kernels.mmrm.likelihood import expected_derivatives, second_derivatives
from katoutcomes.kernels.mmrm.newton import Model
from katoutcomes.kernels.mmrm.repeated_measures import data_statistics
from katoutcomes.kernels.mmrm.sandwich import PatientData, robust_model
from katoutcomes.kernels.mmrm.structures import STRUCTURES, covariance, n_parameters, start_values

_SPEC = importlib.util.spec_from_file_location(
    "dense_repeated_measures", Path(__file__).resolve().parents[1] / "oracles" / "dense_repeated_measures.py"
)
dense = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(dense)

N, N_VISITS, N_COVARIATES = 36, 3, 2
WEIGHTINGS = ("none", "grouped", "precision", "precision by visit", "frequency", "grouped, precision by visit")
CASES = tuple(product(STRUCTURES, WEIGHTINGS, (True, False)))
RELATIVE = 2e-8
"""What numerical second derivatives of the oracle leave of its digits."""


def options(weighting, seed=5):
    rng = np.random.default_rng(seed)
    found = {}
    if "grouped" in weighting:
        found["group"] = rng.permutation(np.arange(N) % 2)
    if weighting.endswith("precision by visit"):
        found["precision"] = 0.5 + rng.random((N, N_VISITS))
    elif weighting == "precision":
        found["precision"] = 0.5 + rng.random(N)
    elif weighting == "frequency":
        found["frequency"] = 0.5 + 2.0 * rng.random(N)
    return found


def both(structure, weighting, *, reml, seed=11):
    """Return the kernel's fit, its data and the oracle of the same model."""
    z, y = dense.simulated(N, N_VISITS, N_COVARIATES, seed)
    design = dense.patients_design(N_VISITS, N_COVARIATES)
    chosen = options(weighting)
    data = PatientData(z, y, chosen.get("group"), chosen.get("frequency"), chosen.get("precision"))
    fit = fit_repeated_measures(data_statistics(data), design, structure=structure, reml=reml)
    assert fit is not None
    assert fit.convergence.has_converged
    return fit, data, dense.DenseModel(z, y, design, structure, reml, **chosen)


def agree(found, expected, relative=RELATIVE):
    np.testing.assert_allclose(found, expected, rtol=relative, atol=relative * 1e-2 * np.abs(expected).max())


@pytest.mark.parametrize(("structure", "weighting", "reml"), CASES)
def test_likelihood_and_its_optimum(structure, weighting, reml):
    fit, _, oracle = both(structure, weighting, reml=reml)
    assert fit.deviance == pytest.approx(oracle.deviance(fit.theta[None])[0], rel=1e-12)
    assert np.abs(oracle.gradient(fit.theta)).max() < 1e-6
    agree(fit.covariances, oracle.matrices(fit.theta), 1e-12)
    agree(fit.coefficients, oracle.coefficients(fit.theta), 1e-11)
    agree(fit.coefficient_covariance, np.linalg.inv(oracle.information(fit.theta)), 1e-11)
    agree(fit.theta_covariance, 2.0 * np.linalg.inv(oracle.hessian(fit.theta)), 1e-6)


@pytest.mark.parametrize(("structure", "weighting", "reml"), CASES)
def test_satterthwaite_and_kenward_roger(structure, weighting, reml):
    fit, _, oracle = both(structure, weighting, reml=reml)
    combinations = np.eye(fit.coefficients.size)[:4] - np.eye(fit.coefficients.size)[3:7]
    variance, df = oracle.satterthwaite(fit.theta, combinations)
    tests = linear_tests(linear_model(fit, "satterthwaite"), combinations)
    agree(tests.std_error, np.sqrt(variance), 1e-11)
    agree(tests.df, df)
    for method, is_linear in (("kenward-roger-linear", True), ("kenward-roger", False)):
        model = linear_model(fit, method)
        agree(model.original_covariance(), oracle.kenward_roger(fit.theta, linear=is_linear))
        agree(linear_tests(model, combinations).df, df)
    joint = joint_test(linear_model(fit, "kenward-roger-linear"), combinations[:3])
    _, df_joint, statistic = oracle.kenward_roger_test(fit.theta, combinations[:3], linear=True)
    assert (joint.df, joint.statistic) == (pytest.approx(df_joint, rel=1e-7), pytest.approx(statistic, rel=1e-7))


@pytest.mark.parametrize("variance", ["CR0", "CR2", "CR3"])
@pytest.mark.parametrize(("structure", "weighting"), tuple(product(("us", "ar1h"), WEIGHTINGS)))
def test_robust_variances(structure, weighting, variance):
    fit, data, oracle = both(structure, weighting, reml=True)
    combinations = np.eye(fit.coefficients.size)
    model = robust_model(fit, data, variance)
    expected, df = oracle.sandwich(fit.theta, variance, combinations)
    agree(model.original_covariance(), expected, 1e-9)
    agree(linear_tests(model, combinations).df, df, 1e-9)


@pytest.mark.parametrize("n_visits", [1, 2, 4])
@pytest.mark.parametrize("structure", STRUCTURES)
def test_structures_and_their_derivatives(structure, n_visits):
    rng = np.random.default_rng(3)
    k = n_parameters(structure, n_visits)
    for theta in (0.3 * rng.standard_normal(k), np.zeros(k)):
        found = covariance(structure, theta, n_visits)
        agree(
            found.matrix,
            dense.covariance(structure, theta, n_visits) if n_visits > 1 else np.exp(2 * theta)[None],
            1e-14,
        )
        if n_visits == 1:
            continue

        def first(point):
            steps = point + 1j * dense.COMPLEX_STEP * np.eye(k)
            return np.moveaxis(dense.covariance(structure, steps, n_visits).imag / dense.COMPLEX_STEP, 0, -1)

        np.testing.assert_allclose(found.first, np.moveaxis(first(theta), -1, 0), rtol=0.0, atol=1e-14)
        second = np.moveaxis(dense._differences(first, theta), (-2, -1), (0, 1))
        np.testing.assert_allclose(found.second, second, rtol=0.0, atol=1e-9)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_start_values_give_the_matrix_back(structure):
    theta = np.linspace(-0.2, 0.4, n_parameters(structure, 4))
    matrix = covariance(structure, theta, 4).matrix
    agree(covariance(structure, start_values(structure, matrix), 4).matrix, matrix, 1e-10)


def test_expected_derivatives_are_the_mean_over_outcomes_of_the_observed_ones():
    """Over many outcomes drawn from the model itself, observed second derivatives average to the expected ones."""
    z, y = dense.simulated(30, 2, 1, 4)
    design = dense.patients_design(2, 1)
    matrix = np.array([[1.0, 0.4], [0.4, 2.0]])
    rng = np.random.default_rng(8)
    observed, expected = [], []
    for _ in range(100):
        drawn = np.where(np.isnan(y), np.nan, rng.standard_normal(y.shape) @ np.linalg.cholesky(matrix).T)
        model = Model(_work(z, drawn, design), "us", 1, reml=True)
        scale = model.work.scale
        point = model.point(start_values("us", matrix / np.outer(scale, scale)))
        elements = second_derivatives(model.work, point.at, 1, reml=True)
        back = np.outer(1.0 / scale, 1.0 / scale)[np.tril_indices(2)]
        observed.append(elements.observed * np.outer(back, back))
        mean = expected_derivatives(model.work, point.at, elements, reml=True)
        expected.append(mean * np.outer(back, back))
    np.testing.assert_allclose(expected, np.broadcast_to(expected[0], np.shape(expected)), rtol=1e-10, atol=1e-12)
    error = np.std(observed, axis=0) / np.sqrt(len(observed))
    assert (np.abs(np.mean(observed, axis=0) - expected[0]) < 4.0 * error).all()


def _work(z, y, design):
    from katoutcomes.kernels.mmrm.working_design import working_design

    return working_design(data_statistics(PatientData(z, y)), design, common_scale=False)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_a_frequency_weight_of_two_is_the_patient_twice(structure):
    z, y = dense.simulated(N, N_VISITS, N_COVARIATES, 21)
    design = dense.patients_design(N_VISITS, N_COVARIATES)
    twice = np.where(np.arange(N) % 3 == 0, 2.0, 1.0)
    rows = np.repeat(np.arange(N), twice.astype(int))
    weighted = fit_repeated_measures(
        data_statistics(PatientData(z, y, frequency_weights=twice)), design, structure=structure
    )
    repeated = fit_repeated_measures(data_statistics(PatientData(z[rows], y[rows])), design, structure=structure)
    assert weighted.deviance == pytest.approx(repeated.deviance, rel=1e-12)
    assert (weighted.n_patients, weighted.n_observations) == (repeated.n_patients, repeated.n_observations)
    for field in ("coefficients", "coefficient_covariance", "covariances", "theta_covariance"):
        agree(getattr(weighted, field), getattr(repeated, field), 1e-10)
    for method in ("satterthwaite", "kenward-roger", "kenward-roger-linear"):
        found, expected = (linear_tests(linear_model(fit, method), np.eye(9)) for fit in (weighted, repeated))
        agree(found.std_error, expected.std_error, 1e-10)
        agree(found.df, expected.df, 1e-10)
