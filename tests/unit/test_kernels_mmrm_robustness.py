"""What the kernel says of data that cannot carry a model, or hardly: a fit that is right, or which test it failed."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from katoutcomes.kernels.mmrm.fit import fit_repeated_measures
from katoutcomes.kernels.mmrm.inference import joint_test, linear_tests
from katoutcomes.kernels.mmrm.pattern_statistics import aggregate
from katoutcomes.kernels.mmrm.repeated_measures import repeated_measures
from katoutcomes.kernels.mmrm.sandwich import PatientData
from katoutcomes.kernels.mmrm.structures import STRUCTURES
from katoutcomes.kernels.mmrm.working_design import are_estimable

_SPEC = importlib.util.spec_from_file_location(
    "dense_repeated_measures", Path(__file__).resolve().parents[1] / "oracles" / "dense_repeated_measures.py"
)
dense = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(dense)


def fitted(z, y, **options):
    """Fit the model in which every visit has its own intercept and slopes."""
    return repeated_measures(PatientData(z, y), dense.patients_design(y.shape[1], z.shape[1]), **options)


def oracle(z, y, **options):
    return dense.DenseModel(z, y, dense.patients_design(y.shape[1], z.shape[1]), **options)


def correlated(n, n_visits, seed, correlation=0.6, n_covariates=1):
    rng = np.random.default_rng(seed)
    z = rng.standard_normal((n, n_covariates))
    matrix = np.full((n_visits, n_visits), correlation) + (1.0 - correlation) * np.eye(n_visits)
    return z, z[:, :1] + rng.standard_normal((n, n_visits)) @ np.linalg.cholesky(matrix).T


COPIES = {
    "twice": lambda z: z[:, :1],
    "a combination": lambda z: z[:, :1] - 3.0 * z[:, 1:],
    "shifted": lambda z: z[:, :1] + 2026000.0,
    "constant": lambda z: np.full((len(z), 1), 0.1),
    "zero": lambda z: np.zeros((len(z), 1)),
    "one": lambda z: np.ones((len(z), 1)),
}


@pytest.mark.parametrize("copy", COPIES)
def test_aliased_covariates_are_dropped_and_change_nothing(copy):
    z, y = correlated(60, 3, 1, n_covariates=2)
    plain = fitted(z, y)
    found = fitted(np.column_stack((z, COPIES[copy](z))), y)
    kept = np.tile([True, True, True, False], 3)
    np.testing.assert_array_equal(found.fit.work.kept, kept)
    assert found.fit.deviance == pytest.approx(plain.fit.deviance, rel=1e-12)
    np.testing.assert_allclose(found.fit.coefficients[kept], plain.fit.coefficients, rtol=1e-9)
    assert np.isnan(found.fit.coefficients[~kept]).all()
    assert np.isnan(found.fit.coefficient_covariance[~kept]).all()
    assert not are_estimable(found.fit.work, np.eye(12)[[3]]).any()


def test_nobody_of_an_arm_at_a_visit():
    """The arm's column at the visit is dropped; its mean there is not estimable, and everything else is."""
    z, y = correlated(60, 3, 2)
    z = (np.arange(60) % 2).astype(float)[:, None]
    y[z[:, 0] == 1.0, 2] = np.nan
    found = fitted(z, y)
    np.testing.assert_array_equal(found.fit.work.kept, [True, True, True, True, True, False])
    means = np.eye(6)[[4]] + np.array([[0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 1]])
    np.testing.assert_array_equal(are_estimable(found.fit.work, means), [True, False])
    other = np.eye(6)[[0]] + np.eye(6)[[1]]
    assert are_estimable(found.fit.work, other).all()


def test_two_visits_never_seen_together():
    z, y = correlated(60, 3, 3)
    y[:30, 0] = np.nan
    y[30:, 2] = np.nan
    found = fitted(z, y)
    assert found.model is None
    assert not found.fit.convergence.are_pairs_observed
    for structure in ("cs", "ar1h", "toep"):  # structures that need no such pair, but toep, which needs that lag
        other = fitted(z, y, structure=structure)
        assert (other.model is not None) == (structure != "toep")
    assert not fitted(z, y, structure="toep").fit.convergence.is_curved


@pytest.mark.parametrize("structure", ["ad", "adh"])
def test_a_visit_only_seen_alone_leaves_its_correlation_undetermined(structure):
    """The likelihood is flat in it but for rounding, which must not be taken for curvature."""
    z, y = correlated(40, 3, 15)
    y[::2, 2], y[1::2, :2] = np.nan, np.nan
    found = fitted(z, y, structure=structure)
    assert found.model is None
    assert not found.fit.convergence.is_curved


def test_a_variance_that_kenward_and_roger_make_0_is_no_variance():
    found = repeated_measures(
        PatientData(np.zeros((2, 0)), np.array([[1.0], [1.5]])), np.ones((1, 1, 1)), df_method="kenward-roger"
    )
    tests = linear_tests(found.model, np.ones((1, 1)))
    assert np.isnan(tests.std_error[0]) == np.isnan(tests.p_value[0])
    assert np.isnan(tests.std_error[0]) or tests.std_error[0] > 0.0


@pytest.mark.parametrize("structure", STRUCTURES)
def test_scores_without_residuals_have_no_likelihood(structure):
    z, y = correlated(30, 3, 4)
    assert fitted(z, 2.0 * z + np.arange(3.0), structure=structure) is None
    assert fitted(z, np.full((30, 3), 7.0), structure=structure) is None
    one = y.copy()
    one[:, 1] = 5.0
    found = fitted(z, one, structure=structure)
    if structure in ("cs", "ar1", "toep", "ad"):  # one variance for all visits: the constant one lowers it
        assert found.fit.covariances[0, 0, 0] > 0.0
    else:
        assert found is None


def test_a_visit_with_as_few_scores_as_coefficients():
    z, y = correlated(40, 3, 5, n_covariates=2)
    y[3:, 2] = np.nan
    assert fitted(z, y) is None


def test_a_visit_with_few_more_scores_than_coefficients_is_on_the_boundary():
    """Ten scores, five coefficients and five visits: the likelihood rises all the way to a singular matrix."""
    outcomes = set()
    for seed in range(6, 12):
        z, y = correlated(80, 5, 100 + seed, n_covariates=4)
        y[10:, 4] = np.nan
        found = fitted(z, y)
        convergence = found.fit.convergence
        outcomes.add((found.model is None, convergence.is_regular))
        assert (found.model is None) == (not convergence.has_converged)
        if found.model is not None:
            assert np.abs(oracle(z, y).gradient(found.fit.theta)).max() < 1e-4
    assert (True, False) in outcomes


@pytest.mark.parametrize(("correlation", "relative"), [(0.99, 1e-9), (0.9999, 1e-6)])
def test_high_correlations(correlation, relative):
    z, y = correlated(60, 4, 6, correlation=correlation)
    found = fitted(z, y)
    assert found.fit.convergence.has_converged
    truth = oracle(z, y)
    assert found.fit.deviance == pytest.approx(truth.deviance(found.fit.theta[None])[0], abs=1e-6)
    np.testing.assert_allclose(found.fit.coefficients, truth.coefficients(found.fit.theta), rtol=relative)


def test_correlations_that_are_1_but_for_a_millionth_are_singular():
    z, y = correlated(60, 4, 6, correlation=1.0 - 1e-7)
    found = fitted(z, y)
    assert found.model is None
    assert not found.fit.convergence.is_regular


def test_equal_scores_at_two_visits_are_singular():
    z, y = correlated(40, 3, 7)
    y[:, 2] = y[:, 1]
    found = fitted(z, y)
    assert found.model is None
    assert not found.fit.convergence.is_regular


def test_nearly_as_many_patterns_as_patients():
    z, y = correlated(400, 10, 8)
    y[np.random.default_rng(8).random(y.shape) < 0.45] = np.nan
    assert len(aggregate(z, y).group) > 300
    found = fitted(z, y)
    assert found.fit.convergence.has_converged
    truth = oracle(z, y)
    assert found.fit.deviance == pytest.approx(truth.deviance(found.fit.theta[None])[0], abs=1e-8)
    assert np.abs(truth.gradient(found.fit.theta)).max() < 1e-6


@pytest.mark.slow
def test_every_pattern_of_twelve_visits():
    rng = np.random.default_rng(12)
    z, y = correlated(30_000, 12, 12)
    y[rng.random(y.shape) < 0.5] = np.nan
    every = ((np.arange(1, 4096)[:, None] >> np.arange(12)) & 1) == 1
    y[:4095] = np.where(every, rng.standard_normal((4095, 12)), np.nan)
    found = fitted(z, y)
    assert len(found.fit.work.statistics.group) == 4095
    assert found.fit.convergence.has_converged


def test_few_patients_and_many_coefficients():
    """15 patients with 8 visits and 5 coefficients a visit converge."""
    z, y = correlated(15, 8, 9, n_covariates=4)
    found = fitted(z, y)
    assert found.fit.convergence.has_converged
    assert np.abs(oracle(z, y).gradient(found.fit.theta)).max() < 1e-5


def test_homogeneous_ante_dependence_finds_the_best_of_its_optima():
    """A poor mean model gives this structure several optima; random starts of a generic optimizer find none lower."""
    from scipy.optimize import minimize

    rng = np.random.default_rng(10)
    for seed in range(3):
        z, y = dense.simulated(40, 4, 2, 200 + seed, missing=0.4)
        y += 8.0 * z[:, :1] * np.array([1.0, -1.0, 1.0, -1.0])
        truth = oracle(z[:, 1:], y, structure="ad")
        found = fitted(z[:, 1:], y, structure="ad").fit
        for _ in range(4):
            start = found.theta + rng.standard_normal(found.theta.size)
            other = minimize(lambda t: truth.deviance(t[None])[0], start, jac=truth.gradient, method="BFGS")  # noqa: B023
            assert other.fun > found.deviance - 1e-6


def test_the_jackknife_needs_every_coefficient_without_each_patient():
    z = np.zeros((20, 1))
    z[3] = 1.0  # the only one of his kind
    _, y = correlated(20, 2, 11)
    assert fitted(z, y, variance="CR3").model is None
    assert fitted(z, y, variance="CR3").fit.convergence.has_converged
    robust = fitted(z, y, variance="CR2").model
    others = linear_tests(robust, np.eye(4)[[0, 2]])
    assert (others.std_error > 0.0).all()


def test_joint_tests_of_dependent_combinations_and_where_there_are_none():
    z, y = correlated(30, 3, 12)
    model = fitted(z, y).model
    rows = np.eye(6)[[1, 3, 5]]
    once, twice = joint_test(model, rows), joint_test(model, np.vstack((rows, 1e9 * rows[:1], rows[0] - rows[1])))
    assert once.numerator_df == twice.numerator_df == 3
    assert twice.statistic == pytest.approx(once.statistic, rel=1e-10)
    assert twice.df == pytest.approx(once.df, rel=1e-10)
    # With a handful of patients Kenward and Roger's moments do not exist: there is no test, and no wrong one.
    z, y = correlated(6, 3, 13)
    y[4:, 2] = np.nan
    few = fitted(z, y, structure="ar1h")
    joint = joint_test(few.model, rows)
    assert np.isnan(joint.p_value) or 0.0 <= joint.p_value <= 1.0


def test_patients_without_any_score_count_for_nothing():
    z, y = correlated(40, 3, 14)
    more = np.vstack((y, np.full((5, 3), np.nan)))
    found = fit_repeated_measures(aggregate(np.vstack((z, 100.0 + z[:5])), more), dense.patients_design(3, 1))
    expected = fit_repeated_measures(aggregate(z, y), dense.patients_design(3, 1))
    np.testing.assert_allclose(found.coefficients, expected.coefficients, rtol=1e-12)
    assert found.n_patients == expected.n_patients == 40
    assert found.work.statistics.n_without_outcome == 5
