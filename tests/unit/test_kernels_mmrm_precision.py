"""Digits: far shifts, other units, nearly collinear covariates, nearly perfect fits, and sites put together.

The data are multiples of 1/1024, so shifted and scaled data are exact and the true answer is known to the last digit.
"""

from __future__ import annotations

from functools import cache, reduce

import numpy as np
import pytest

from katoutcomes.kernels.mmrm.fit import fit_repeated_measures
from katoutcomes.kernels.mmrm.inference import linear_model, linear_tests
from katoutcomes.kernels.mmrm.merging import merge
from katoutcomes.kernels.mmrm.pattern_statistics import aggregate, whitening_map
from katoutcomes.kernels.mmrm.repeated_measures import repeated_measures
from katoutcomes.kernels.mmrm.sandwich import PatientData

N, V = 150, 4
RELATIVE = 1e-12


def dyadic(values):
    return np.round(values * 1024.0) / 1024.0


def full_design(n_covariates):
    """Return the design with covariate-by-visit coefficients; those of covariate c start at V (1 + c)."""
    design = np.zeros((V, V * (1 + n_covariates), 1 + n_covariates))
    for visit in range(V):
        for column in range(1 + n_covariates):
            design[visit, V * column + visit, column] = 1.0
    return design


@cache
def made_up():
    """Return an arm, a covariate and scores with drop-out and gaps."""
    rng = np.random.default_rng(3)
    z = dyadic(np.column_stack((np.arange(N) % 2, rng.standard_normal(N))))
    factor = np.linalg.cholesky(0.6 ** np.abs(np.subtract.outer(np.arange(V), np.arange(V))))
    y = dyadic(z.sum(axis=1)[:, None] + 4.0 * rng.standard_normal((N, V)) @ factor.T)
    last = np.where(rng.random(N) < 0.3, rng.integers(1, V, N), V)
    y[np.arange(V) >= last[:, None]] = np.nan
    y[rng.random((N, V)) < 0.05] = np.nan
    return z, y


def numbers(statistics, n_covariates=2, structure="us"):
    """Return slopes, their standard errors and degrees of freedom, and the covariance of the visits."""
    design = full_design(n_covariates)
    fit = fit_repeated_measures(statistics, design, structure=structure)
    assert fit.convergence.has_converged
    tests = linear_tests(linear_model(fit, "kenward-roger-linear"), np.eye(design.shape[1])[V:])
    return fit.coefficients[V:], tests.std_error, tests.df, fit.covariances


def agree(found, expected, relative=RELATIVE):
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=relative)


@pytest.mark.parametrize("structure", ["us", "ar1h"])
@pytest.mark.parametrize("exponent", [4, 8, 11, 14, 17, 24, 30, 37])
def test_shifts(exponent, structure):
    """A mean of 2 ** 30 standard deviations is about 1e9 of them; 2 ** 37 is beyond what was asked for."""
    z, y = made_up()
    expected = numbers(aggregate(z, y), structure=structure)
    shift = 2.0**exponent
    agree(numbers(aggregate(z + shift, y), structure=structure), expected)
    agree(numbers(aggregate(z, y + shift), structure=structure), expected)
    agree(numbers(aggregate(z - shift, y + shift), structure=structure), expected)


@pytest.mark.parametrize("factor", [1e9, 1e-9])
def test_units_of_covariates(factor):
    z, y = made_up()
    slopes, std_error, df, covariances = numbers(aggregate(z * factor, y))
    agree((slopes * factor, std_error * factor, df, covariances), numbers(aggregate(z, y)))


def test_units_of_visits():
    z, y = made_up()
    scale = np.array([1e-6, 1e-2, 1e2, 1e6])
    slopes, std_error, df, covariances = numbers(aggregate(z, y * scale))
    by_coefficient = np.tile(scale, 2)
    found = (slopes / by_coefficient, std_error / by_coefficient, df, covariances / np.outer(scale, scale))
    agree(found, numbers(aggregate(z, y)))


def sites(n_sites, exponent):
    z, y = made_up()
    z = z + 2.0**exponent
    bounds = {2: [70], 4: [10, 40, 41]}[n_sites]
    return z, y, [aggregate(z[rows], y[rows]) for rows in np.split(np.arange(N), bounds)]


@pytest.mark.parametrize("n_sites", [2, 4])
@pytest.mark.parametrize("exponent", [0, 11, 30])
def test_sites_together_are_the_pooled_data(n_sites, exponent):
    z, y, parts = sites(n_sites, exponent)
    assert len({tuple(part.covariate_center) for part in parts}) == n_sites  # each has its own center
    assert any(len(part.group) < len(aggregate(z, y).group) for part in parts)  # and some lack a pattern
    pooled = numbers(aggregate(z, y))
    agree(numbers(reduce(merge, parts)), pooled)
    agree(numbers(reduce(merge, parts[::-1])), pooled)


def test_sites_that_lack_a_visit_or_a_group():
    z, y = made_up()
    y = y.copy()
    y[:50, 2] = np.nan  # the first site never had the third visit
    group = (np.arange(N) >= 100).astype(np.int64)  # the second group is seen at the last site only
    parts = [aggregate(z[rows], y[rows], group=group[rows]) for rows in np.split(np.arange(N), [50, 80])]
    whole = aggregate(z, y, group=group)
    merged = reduce(merge, parts)
    np.testing.assert_array_equal(merged.pairs_observed(), whole.pairs_observed())
    agree(numbers(merged, structure="ar1h"), numbers(whole, structure="ar1h"))


@pytest.mark.parametrize("weights", ["frequency", "patient", "observation"])
def test_sites_with_weights(weights):
    z, y = made_up()
    rng = np.random.default_rng(9)
    chosen = {
        "frequency": {"frequency_weights": rng.integers(1, 4, N).astype(float)},
        "patient": {"precision_weights": 0.5 + rng.random(N)},
        "observation": {"precision_weights": 0.5 + rng.random((N, V))},
    }[weights]
    halves = [
        aggregate(z[rows], y[rows], **{name: values[rows] for name, values in chosen.items()})
        for rows in np.split(np.arange(N), [60])
    ]
    whole, merged = aggregate(z, y, **chosen), merge(*halves)
    agree(numbers(merged), numbers(whole))
    assert merged.log_weight == pytest.approx(whole.log_weight, rel=1e-12, abs=1e-12)
    assert merged.n_observations == whole.n_observations


def test_what_cannot_be_merged():
    z, y = made_up()
    with pytest.raises(ValueError, match="same covariates"):
        merge(aggregate(z, y), aggregate(z[:, :1], y))
    with pytest.raises(ValueError, match="whitened"):
        merge(aggregate(z, y), aggregate(z, y, covariate_map=2.0 * np.eye(2)))


COLLINEAR = {2.0**-10: 1e-11, 2.0**-13: 1e-10, 2.0**-16: 2e-9, 2.0**-20: 2e-8}
"""Distance of a covariate from another, and the relative error allowed. One pass alone would leave 1e-9 to 4e-3."""


@pytest.mark.parametrize("distance", COLLINEAR)
def test_nearly_collinear_covariates(distance):
    z, y = made_up()
    noise = dyadic(np.random.default_rng(4).standard_normal(N))
    near = np.column_stack((z, z[:, 1] + distance * noise))
    apart = np.column_stack((z, noise))
    assert whitening_map(aggregate(near, y)) is not None
    assert whitening_map(aggregate(apart, y)) is None
    found, expected = (repeated_measures(PatientData(x, y), full_design(3)) for x in (near, apart))
    assert found.fit.work.kept.all()
    slopes, relative = found.fit.coefficients[-V:] * distance, COLLINEAR[distance]
    np.testing.assert_allclose(slopes, expected.fit.coefficients[-V:], rtol=relative)
    np.testing.assert_allclose(found.fit.covariances, expected.fit.covariances, rtol=relative)
    last = np.eye(4 * V)[-V:]
    tests, truth = (linear_tests(one.model, last) for one in (found, expected))
    np.testing.assert_allclose(tests.std_error * distance, truth.std_error, rtol=relative)
    np.testing.assert_allclose(tests.df, truth.df, rtol=relative)


ALMOST_PERFECT = {2.0**-10: 1e-12, 2.0**-17: 1e-11, 2.0**-20: 1e-9}
"""Residual standard deviation as a share of the outcome's, and the relative error allowed of the covariance."""


@pytest.mark.parametrize("share", ALMOST_PERFECT)
def test_almost_perfect_fits(share):
    z, y = made_up()
    mean = 4.0 * z[:, 1:]
    found, expected = (repeated_measures(PatientData(z, outcome), full_design(2)) for outcome in (mean + share * y, y))
    np.testing.assert_allclose(found.fit.covariances / share**2, expected.fit.covariances, rtol=ALMOST_PERFECT[share])
    slopes = found.fit.coefficients[V:].reshape(2, V)
    slopes[1] -= 4.0
    np.testing.assert_allclose(
        slopes.reshape(-1) / share, expected.fit.coefficients[V:], rtol=1e-15 / share**1.5, atol=1e-15 / share
    )


def test_order_of_patients_and_size_of_blocks_do_not_matter():
    z, y = made_up()
    rows = np.tile(np.arange(N), 40)  # more than a block of every common pattern
    shuffled = np.random.default_rng(1).permutation(rows)
    agree(numbers(aggregate(z[rows], y[rows])), numbers(aggregate(z[shuffled], y[shuffled])))
    weighted = aggregate(z, y, frequency_weights=np.full(N, 40.0))
    agree(numbers(aggregate(z[rows], y[rows])), numbers(weighted))
