"""Rubin's rules: limits that have closed forms, and the formulas of Barnard and Rubin written out once more."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from katoutcomes.kernels.missing.imputation_pooling import pool

EXACT = 1e-12


def test_every_field_by_the_formulas_written_out():
    estimates, variances, complete = np.array([-2.1, -1.6, -1.9, -2.4]), np.array([0.5, 0.6, 0.55, 0.45]), 140.0
    found = pool(estimates, variances, complete, 0.9)
    m = 4
    within, between = 0.525, np.var(estimates, ddof=1)
    total = within + between + between / m
    r = (1 + 1 / m) * between / within
    old = (m - 1) * (1 + 1 / r) ** 2
    seen = (complete + 1) / (complete + 3) * complete / (1 + r)
    df = 1 / (1 / old + 1 / seen)
    low, high = stats.t.interval(0.9, df, -2.0, total**0.5)
    expected = (-2.0, total**0.5, df, low, high, -2.0 / total**0.5, 2 * stats.t.sf(2.0 / total**0.5, df))
    names = ("estimate", "std_error", "df", "conf_low", "conf_high", "statistic", "p_value")
    assert [getattr(found, name) for name in names] == pytest.approx(expected, rel=EXACT)
    assert found.missing_information == pytest.approx((r + 2 / (df + 3)) / (r + 1), rel=EXACT)
    assert (found.within_variance, found.between_variance) == pytest.approx((within, between), rel=EXACT)


def test_imputations_that_agree_cost_nothing_but_the_observed_degrees_of_freedom():
    found = pool(np.full(5, 1.0), np.full(5, 0.04), 50.0, 0.95)
    assert found.std_error == pytest.approx(0.2, rel=EXACT)
    assert found.df == pytest.approx(51.0 / 53.0 * 50.0, rel=EXACT)


def test_without_a_complete_number_the_degrees_of_freedom_are_rubins():
    estimates = np.array([1.0, 2.0, 3.0])
    found = pool(estimates, np.ones(3), math.inf, 0.95)
    assert found.df == pytest.approx(2.0 * (1.0 + 1.0 / (4.0 / 3.0)) ** 2, rel=EXACT)


def test_without_any_variance_there_are_no_limits():
    found = pool(np.full(3, 2.0), np.zeros(3), 10.0, 0.95)
    assert found.estimate == 2.0
    assert math.isnan(found.conf_low)
    assert math.isnan(found.p_value)
