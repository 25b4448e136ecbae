"""Alpha and omega: identities, hand cases, a slow double loop, and what happens where there is no answer."""

import math

import numpy as np
import pytest

from katoutcomes.kernels.reliability.internal_consistency import (
    alpha_of_covariance,
    coefficient_alpha,
    coefficient_omega,
    logit_limits,
    omega_of,
)
from katoutcomes.kernels.reliability.one_factor import (
    CONVERGED,
    HEYWOOD,
    LEAST_UNIQUENESS,
    NOT_CONVERGED,
    NOT_IDENTIFIED,
    SINGULAR,
    information_matrix,
    one_factor,
)

HAND = np.array([[1.0, 2, 2], [2, 2, 3], [0, 1, 1], [3, 3, 2]])
"""Variances 5/3, 2/3, 2/3; totals 5, 7, 2, 8 with variance 7: alpha = 3/2 (1 - 3/7) = 6/7."""


def answers(n_rows, loadings, seed=20260930):
    """Whole-number answers of one factor, made with a fixed seed."""
    rng = np.random.default_rng(seed)
    loadings = np.asarray(loadings)
    noise = rng.normal(size=(n_rows, loadings.size)) * np.sqrt(1.0 - loadings**2)
    return np.clip(np.round(1.5 + 1.2 * (rng.normal(size=(n_rows, 1)) * loadings + noise)), 0, 4)


def of_one_factor(loadings, uniquenesses):
    return np.outer(loadings, loadings) + np.diag(uniquenesses)


def slow_alpha(items):
    """Alpha by loops over rows and items, without a covariance matrix."""
    n, k = len(items), len(items[0])
    means = [sum(row[i] for row in items) / n for i in range(k)]
    variances = sum(sum((row[i] - means[i]) ** 2 for row in items) / (n - 1) for i in range(k))
    totals = [sum(row) for row in items]
    mean = sum(totals) / n
    return k / (k - 1) * (1 - variances / (sum((total - mean) ** 2 for total in totals) / (n - 1)))


# --- alpha -----------------------------------------------------------------------------------------------------------


def test_alpha_by_hand():
    alpha = coefficient_alpha(HAND)
    assert alpha.estimate == pytest.approx(6 / 7, rel=1e-14)
    assert (alpha.n_complete, alpha.n_incomplete) == (4, 0)


def test_alpha_without_an_item_and_item_rest_correlation_by_slow_loops():
    items = answers(60, [0.8, 0.7, 0.6, 0.4])
    alpha = coefficient_alpha(items)
    assert alpha.estimate == pytest.approx(slow_alpha(items.tolist()), rel=1e-13)
    for item in range(4):
        others = np.delete(items, item, axis=1)
        assert alpha.if_dropped[item] == pytest.approx(slow_alpha(others.tolist()), rel=1e-13)
        correlation = np.corrcoef(items[:, item], others.sum(axis=1))[0, 1]
        assert alpha.item_rest_correlation[item] == pytest.approx(correlation, rel=1e-12)
    standardized = (items - items.mean(axis=0)) / items.std(axis=0, ddof=1)
    assert alpha.standardized == pytest.approx(slow_alpha(standardized.tolist()), rel=1e-12)


@pytest.mark.parametrize(("n_items", "correlation"), [(2, 0.5), (5, 0.3), (20, 0.1), (4, -0.2)])
def test_alpha_of_parallel_items_is_spearman_brown(n_items, correlation):
    covariance = np.full((n_items, n_items), 4.0 * correlation) + np.diag(np.full(n_items, 4.0 * (1.0 - correlation)))
    stepped_up = n_items * correlation / (1.0 + (n_items - 1) * correlation)
    assert alpha_of_covariance(covariance) == pytest.approx(stepped_up, rel=1e-12)


def test_standardized_alpha_of_two_items_is_spearman_brown():
    items = answers(80, [0.9, 0.6])
    correlation = np.corrcoef(items, rowvar=False)[0, 1]
    assert coefficient_alpha(items).standardized == pytest.approx(2 * correlation / (1 + correlation), rel=1e-13)
    assert np.isnan(coefficient_alpha(items).if_dropped).all()


def test_feldt_by_the_analysis_of_variance():
    """Alpha is 1 - 1/F of patients against patients by items, and its limits are those of that F."""
    from scipy.stats import f

    items = answers(45, [0.8, 0.7, 0.6, 0.5, 0.4])
    n, k = items.shape
    rows, columns = items.mean(axis=1, keepdims=True), items.mean(axis=0, keepdims=True)
    ms_rows = k * ((rows - items.mean()) ** 2).sum() / (n - 1)
    ms_error = ((items - rows - columns + items.mean()) ** 2).sum() / ((n - 1) * (k - 1))
    alpha = coefficient_alpha(items, 0.9)
    assert alpha.estimate == pytest.approx(1 - ms_error / ms_rows, rel=1e-12)
    limits = [1 - ms_error / ms_rows * f.ppf(p, n - 1, (n - 1) * (k - 1)) for p in (0.95, 0.05)]
    assert [alpha.conf_low, alpha.conf_high] == pytest.approx(limits, rel=1e-12)


def test_incomplete_rows_are_counted_and_change_nothing():
    gaps = np.array([[math.nan, 1, 2], [1, math.nan, math.nan]])
    with_gaps = coefficient_alpha(np.vstack([gaps[:1], HAND, gaps[1:]]))
    assert (with_gaps.n_complete, with_gaps.n_incomplete) == (4, 2)
    assert with_gaps.estimate == coefficient_alpha(HAND).estimate
    omega = coefficient_omega(np.vstack([gaps, answers(50, [0.8, 0.7, 0.6])]))
    assert (omega.n_complete, omega.n_incomplete) == (50, 2)
    assert omega.estimate == coefficient_omega(answers(50, [0.8, 0.7, 0.6])).estimate


def test_items_that_cancel_have_no_alpha():
    first = np.array([0.1, 1.3, 2.7, 1.3])
    alpha = coefficient_alpha(np.column_stack([first, 4.0 - first]))
    assert math.isnan(alpha.estimate)
    assert math.isnan(alpha.conf_low)
    assert math.isnan(alpha.conf_high)


def test_items_that_run_against_each_other_have_a_negative_alpha():
    alpha = coefficient_alpha(np.column_stack([HAND[:, 0], 3.0 - HAND[:, 1], HAND[:, 2]]))
    assert alpha.estimate < 0.0
    assert alpha.conf_low < alpha.estimate < alpha.conf_high


def test_a_constant_item_leaves_alpha_and_no_standardized_one():
    alpha = coefficient_alpha(np.column_stack([HAND, np.full(4, 2.0)]))
    assert alpha.estimate == pytest.approx(4 / 3 * (1 - 3 / 7))
    assert math.isnan(alpha.standardized)
    assert np.isnan(alpha.item_rest_correlation).tolist() == [False, False, False, True]


@pytest.mark.parametrize("n_rows", [0, 1])
def test_too_few_rows_give_no_number(n_rows):
    alpha, omega = coefficient_alpha(HAND[:n_rows]), coefficient_omega(HAND[:n_rows])
    assert (alpha.n_complete, omega.n_complete) == (n_rows, n_rows)
    assert math.isnan(alpha.estimate)
    assert math.isnan(omega.estimate)
    assert omega.model.status == SINGULAR
    assert alpha.if_dropped.shape == alpha.item_rest_correlation.shape == (3,)


@pytest.mark.parametrize("function", [coefficient_alpha, coefficient_omega])
@pytest.mark.parametrize(("items", "level"), [(HAND[:, :1], 0.95), (HAND[:, 0], 0.95), (HAND, 1.0), (HAND, 0.0)])
def test_what_is_no_table_of_items_or_no_level_is_refused(function, items, level):
    with pytest.raises(ValueError, match=r"two items or more|conf_level"):
        function(items, level)


# --- the one-factor model and omega ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "loadings", [[0.8, 0.7, 0.6], [1.6, 0.4, 0.9, 2.0], [0.9, 0.5, -0.3, 0.7, 0.6], [0.4] * 9, [0.2, 0.1, 0.95, 0.3]]
)
def test_a_covariance_of_one_factor_is_found_again(loadings):
    loadings = np.array(loadings)
    uniquenesses = 0.3 + 0.1 * np.arange(loadings.size)
    model = one_factor(of_one_factor(loadings, uniquenesses), 200)
    assert model.status == CONVERGED
    assert model.loadings == pytest.approx(loadings, abs=2e-7)
    assert model.uniquenesses == pytest.approx(uniquenesses, abs=2e-7)
    if loadings.size > 3:
        assert model.chi_square == pytest.approx(0.0, abs=1e-9)
        assert model.rmsea == 0.0


def test_omega_is_alpha_where_items_are_equivalent():
    """With equal loadings, whatever the uniquenesses (tau equivalence), both are the same number."""
    loadings, uniquenesses = np.full(5, 0.7), np.array([0.2, 0.4, 0.5, 0.9, 1.3])
    covariance = of_one_factor(loadings, uniquenesses)
    assert omega_of(loadings, uniquenesses) == pytest.approx(alpha_of_covariance(covariance), rel=1e-13)
    model = one_factor(covariance, 100)
    assert omega_of(model.loadings, model.uniquenesses) == pytest.approx(alpha_of_covariance(covariance), rel=1e-8)


def test_omega_is_above_alpha_where_loadings_differ():
    loadings = np.array([0.9, 0.8, 0.3, 0.2])
    covariance = of_one_factor(loadings, 1.0 - loadings**2)
    assert omega_of(loadings, 1.0 - loadings**2) > alpha_of_covariance(covariance) + 0.02


def test_units_and_order_of_the_items_change_nothing():
    items = answers(120, [0.8, 0.7, 0.6, 0.5])
    scale = np.array([1.0, 10.0, 0.1, 3.0])
    one, other = coefficient_omega(items).model, coefficient_omega(items * scale + 7.0).model
    assert other.loadings / scale == pytest.approx(one.loadings, rel=1e-6)
    assert other.chi_square == pytest.approx(one.chi_square, rel=1e-8)
    turned = coefficient_omega(items[:, ::-1])
    assert turned.estimate == pytest.approx(coefficient_omega(items).estimate, rel=1e-8)
    assert turned.std_error == pytest.approx(coefficient_omega(items).std_error, rel=1e-7)


def test_an_item_keyed_the_wrong_way_loads_the_other_way():
    items = answers(200, [0.8, 0.7, 0.6, 0.7])
    items[:, 2] = 4.0 - items[:, 2]
    signs = np.sign(coefficient_omega(items).model.loadings)
    assert signs.tolist() == [1, 1, -1, 1]


def test_information_against_numerical_derivatives():
    """The expected information is the Hessian of half the discrepancy at a covariance that the model gives exactly."""
    loadings, uniquenesses = np.array([0.9, 0.6, 0.4]), np.array([0.5, 0.8, 1.1])
    covariance = of_one_factor(loadings, uniquenesses)
    point = np.concatenate([loadings, uniquenesses])

    def half_discrepancy(values):
        sigma = of_one_factor(values[:3], values[3:])
        return 0.5 * (np.linalg.slogdet(sigma)[1] + np.trace(covariance @ np.linalg.inv(sigma)))

    step = 1e-4
    shifts = step * np.eye(6)
    hessian = [
        [
            sum(s * t * half_discrepancy(point + s * a + t * b) for s in (1, -1) for t in (1, -1)) / (4 * step**2)
            for b in shifts
        ]
        for a in shifts
    ]
    assert information_matrix(loadings, uniquenesses) == pytest.approx(np.array(hessian), abs=1e-6)


@pytest.mark.slow
def test_standard_error_of_omega_in_repeated_samples():
    """Over 200 samples of normal items the standard errors match the spread, and nearly all intervals hold omega."""
    loadings = np.array([0.8, 0.7, 0.6, 0.5])
    truth = omega_of(loadings, 1.0 - loadings**2)
    rng = np.random.default_rng(11)
    found = []
    for _ in range(200):
        noise = rng.normal(size=(150, 4)) * np.sqrt(1.0 - loadings**2)
        found.append(coefficient_omega(rng.normal(size=(150, 1)) * loadings + noise))
    assert {omega.model.status for omega in found} == {CONVERGED}
    spread = np.std([omega.estimate for omega in found], ddof=1)
    assert np.mean([omega.std_error for omega in found]) == pytest.approx(spread, rel=0.15)
    covered = np.mean([omega.conf_low < truth < omega.conf_high for omega in found])
    assert 0.91 < covered < 0.985


def test_two_items_do_not_determine_a_factor():
    omega = coefficient_omega(answers(100, [0.8, 0.7]))
    assert omega.model.status == NOT_IDENTIFIED
    assert math.isnan(omega.estimate)
    assert math.isnan(omega.std_error)


def test_an_item_that_is_the_sum_of_others_is_named_singular():
    items = answers(100, [0.8, 0.7, 0.6])
    omega = coefficient_omega(np.column_stack([items, items[:, 0] + items[:, 1]]))
    assert omega.model.status == SINGULAR
    assert np.isnan(omega.model.loadings).all()


def test_no_more_rows_than_items_is_singular():
    items = answers(100, [0.8, 0.7, 0.6, 0.5])
    assert coefficient_omega(items[:4]).model.status == SINGULAR
    assert coefficient_omega(np.column_stack([items, np.ones(100)])).model.status == SINGULAR


def test_a_heywood_case_is_said_and_has_no_interval():
    """r12 r13 / r23 = 0.98 · 0.9 / 0.8 > 1: the factor would have to explain more than all of item 1."""
    correlation = np.array([[1.0, 0.95, 0.9], [0.95, 1.0, 0.8], [0.9, 0.8, 1.0]])
    model = one_factor(correlation, 100)
    assert model.status == HEYWOOD
    assert model.uniquenesses[0] == pytest.approx(LEAST_UNIQUENESS)
    raw = np.random.default_rng(5).normal(size=(100, 3))
    raw -= raw.mean(axis=0)
    white = raw @ np.linalg.inv(np.linalg.cholesky(np.cov(raw, rowvar=False))).T
    omega = coefficient_omega(white @ np.linalg.cholesky(correlation).T)
    assert omega.model.status == HEYWOOD
    assert 0.0 < omega.estimate < 1.0
    assert math.isnan(omega.std_error)
    assert math.isnan(omega.conf_low)
    assert math.isnan(omega.conf_high)


def test_items_without_anything_in_common():
    """Unrelated items: whatever the status, omega is small, and no interval is given unless the model converged."""
    omega = coefficient_omega(np.random.default_rng(8).normal(size=(500, 6)))
    assert omega.estimate < 0.3
    assert (omega.model.status == CONVERGED) != math.isnan(omega.conf_low)


def test_logit_limits_stay_inside():
    low, high = logit_limits(0.99, 0.02, 0.95)
    assert 0.0 < low < 0.99 < high < 1.0
    assert all(map(math.isnan, logit_limits(1.0, 0.1, 0.95)))


def test_a_model_that_did_not_converge_has_no_numbers(monkeypatch):
    """No gradient is good enough here, so that every solution counts as none."""
    monkeypatch.setattr("katoutcomes.kernels.reliability.one_factor._LARGEST_GRADIENT", -1.0)
    omega = coefficient_omega(answers(100, [0.8, 0.7, 0.6, 0.5]))
    assert omega.model.status == NOT_CONVERGED
    assert all(map(math.isnan, (omega.estimate, omega.std_error, omega.conf_low, omega.conf_high)))


def test_the_model_is_found_whatever_the_items():
    """Scales of 3 to 30 items, with few patients and many, keyed rightly and wrongly: never "not converged"."""
    rng = np.random.default_rng(21)
    statuses = set()
    for n_items in (3, 4, 7, 9, 20, 30):
        for n_rows in (n_items + 2, 40 + n_items, 300):
            loadings = rng.uniform(-0.2, 0.95, n_items)
            statuses.add(coefficient_omega(answers(n_rows, loadings, seed=n_rows)).model.status)
    assert statuses <= {CONVERGED, HEYWOOD}
    assert CONVERGED in statuses
