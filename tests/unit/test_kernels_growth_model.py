"""The growth model on incomplete data against dense matrices: likelihood, its top, predictions and their errors."""

import numpy as np
import pytest

from katoutcomes.kernels.individual.growth_model import fit_growth_model

TIMES = np.array([0.0, 1.0, 2.5, 4.0, 7.0])


def made_up(n_patients=60, seed=11, missing=0.25):
    rng = np.random.default_rng(seed)
    lines = rng.multivariate_normal([20.0, -1.2], [[16.0, -0.8], [-0.8, 0.6]], n_patients)
    scores = lines[:, :1] + lines[:, 1:] * TIMES + rng.normal(0, 2.5, (n_patients, TIMES.size))
    scores[rng.random(scores.shape) < missing] = np.nan
    scores[0] = np.nan
    return scores


def dense(scores, covariance, variance):
    """Everything from the one big covariance matrix of all scores."""
    rows = [np.flatnonzero(~np.isnan(row)) for row in scores]
    designs = [np.column_stack((np.ones(kept.size), TIMES[kept])) for kept in rows]
    size = sum(len(design) for design in designs)
    big, everything = np.zeros((size, size)), np.vstack(designs)
    start = 0
    for design in designs:
        stop = start + len(design)
        big[start:stop, start:stop] = design @ covariance @ design.T + variance * np.eye(len(design))
        start = stop
    values = np.concatenate([row[kept] for row, kept in zip(scores, rows, strict=True)])
    inverse = np.linalg.inv(big)
    precision = everything.T @ inverse @ everything
    means = np.linalg.solve(precision, everything.T @ inverse @ values)
    residual = values - everything @ means
    deviance = np.linalg.slogdet(big)[1] + np.linalg.slogdet(precision)[1] + residual @ inverse @ residual
    return deviance + (size - 2) * np.log(2 * np.pi), means, np.linalg.inv(precision), designs, residual


@pytest.fixture(scope="module")
def fitted():
    scores = made_up()
    return scores, fit_growth_model(scores, TIMES)


def test_likelihood_and_fixed_effects(fitted):
    scores, model = fitted
    deviance, means, of_means, _, _ = dense(scores, model.covariance, model.residual_sd**2)
    assert model.deviance == pytest.approx(deviance, rel=1e-11)
    assert (model.mean_intercept, model.mean_slope) == pytest.approx(tuple(means), rel=1e-10)
    assert model.covariance_of_means == pytest.approx(of_means, rel=1e-9)


def test_the_likelihood_is_at_its_top(fitted):
    scores, model = fitted
    for place in ((0, 0), (0, 1), (1, 1)):
        for step in (-0.02, 0.02):
            other = model.covariance.copy()
            other[place] += step
            other[place[::-1]] = other[place]
            assert dense(scores, other, model.residual_sd**2)[0] > model.deviance
    for factor in (0.98, 1.02):
        assert dense(scores, model.covariance, model.residual_sd**2 * factor)[0] > model.deviance


def test_predictions_and_their_errors_by_hendersons_equations(fitted):
    scores, model = fitted
    _, means, _, designs, residual = dense(scores, model.covariance, model.residual_sd**2)
    variance, size = model.residual_sd**2, 2 + 2 * len(designs)
    equations = np.zeros((size, size))
    start, precision = 0, np.linalg.inv(model.covariance)
    for number, design in enumerate(designs):
        own = slice(2 + 2 * number, 4 + 2 * number)
        cross = design.T @ design / variance
        equations[:2, :2] += cross
        equations[:2, own] = equations[own, :2] = cross
        equations[own, own] = cross + precision
    errors = np.linalg.inv(equations)
    for number, design in enumerate(designs):
        own = [1, 3 + 2 * number]
        if len(design):
            assert model.slope_error[number] ** 2 == pytest.approx(errors[np.ix_(own, own)].sum(), rel=1e-9)
            here = design @ model.covariance @ design.T + variance * np.eye(len(design))
            deviation = (model.covariance @ design.T @ np.linalg.solve(here, residual[start : start + len(design)]))[1]
            assert model.slope[number] == pytest.approx(means[1] + deviation, rel=1e-9)
        else:
            assert np.isnan(model.slope[number])
        start += len(design)


def test_the_order_of_patients_and_the_unit_of_time_do_not_matter(fitted):
    scores, model = fitted
    order = np.random.default_rng(1).permutation(len(scores))
    other = fit_growth_model(scores[order], TIMES * 7.0)
    index = model.slope / model.slope_error
    assert other.slope / other.slope_error == pytest.approx(index[order], rel=1e-7, nan_ok=True)


def test_slopes_that_do_not_differ_are_refused():
    rng = np.random.default_rng(2)
    scores = 20.0 - TIMES + rng.normal(0, 3, (40, TIMES.size))
    with pytest.raises(ValueError, match="differ no more than measurement error"):
        fit_growth_model(scores, TIMES)


def test_two_times_are_too_few():
    with pytest.raises(ValueError, match="three times"):
        fit_growth_model(made_up()[:, :2], TIMES[:2])
