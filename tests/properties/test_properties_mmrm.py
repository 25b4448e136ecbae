"""Small or nasty designs by chance: a fit that a plain, slow model confirms, or the reason why there is none.

Scores of a few patients, rounded or nearly collinear, with gaps, constant and repeated covariates, groups and weights
of both kinds: the kernel must neither be wrong, nor hang, nor stop with an error of its linear algebra.
"""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from katoutcomes.kernels.mmrm.inference import DF_METHODS, joint_test, linear_model, linear_tests
from katoutcomes.kernels.mmrm.repeated_measures import data_statistics, repeated_measures
from katoutcomes.kernels.mmrm.sandwich import PatientData
from katoutcomes.kernels.mmrm.structures import STRUCTURES, is_homogeneous
from katoutcomes.kernels.mmrm.working_design import working_design

_SPEC = importlib.util.spec_from_file_location(
    "dense_repeated_measures", Path(__file__).resolve().parents[1] / "oracles" / "dense_repeated_measures.py"
)
dense = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(dense)

FARTHEST = 60.0
"""Parameters beyond it, and correlations nearer to singular than the next number, are on the way to the boundary."""
NEAR_THE_BOUNDARY = 1e-3
FAR_FROM_THE_FIT = 8.0
"""A standard deviation as much smaller, in logarithms, is on its way to 0."""

COLUMNS = ("numbers", "two values", "three values", "like the first", "far from 0", "constant")
SCORES = ("numbers", "whole", "few values", "other units")


@st.composite
def designs(draw):
    """Draw the data and the options of one fit."""
    n, n_visits = draw(st.integers(2, 40)), draw(st.integers(1, 4))
    columns = draw(st.lists(st.sampled_from(COLUMNS), max_size=3))
    structure = draw(st.sampled_from(STRUCTURES))
    scores = draw(st.sampled_from(SCORES))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    z = np.empty((n, 0))
    for kind in columns:
        z = np.column_stack((z, _column(kind, z, n, rng)))
    factor = rng.standard_normal((n_visits, n_visits))
    if draw(st.booleans()):
        factor = factor[:, :1] + 10.0 ** -draw(st.integers(1, 4)) * factor
    y = rng.standard_normal((n, n_visits)) @ factor.T + rng.normal() * 10.0 ** draw(st.integers(0, 3))
    is_full = scores == "other units" or draw(st.booleans())
    y = _scores(scores, y, structure, rng)
    y[rng.random(y.shape) < draw(st.sampled_from([0.0, 0.1, 0.3, 0.6]))] = np.nan
    if draw(st.booleans()):
        y[np.arange(n_visits) >= rng.integers(0, n_visits + 1, n)[:, None]] = np.nan
    weighting = draw(st.sampled_from(["none", "none", "frequency", "by patient", "by visit"]))
    options = {
        "group": np.unique(rng.integers(0, 2, n), return_inverse=True)[1] if draw(st.integers(0, 4)) == 0 else None,
        "frequency": rng.choice([0.5, 1.0, 2.0, 3.0], n) if weighting == "frequency" else None,
        "precision": {"by patient": rng.uniform(0.2, 5.0, n), "by visit": rng.uniform(0.2, 5.0, (n, n_visits))}.get(
            weighting
        ),
    }
    return z, y, _design(n_visits, len(columns), is_full=is_full), structure, draw(st.booleans()), options


def _column(kind, z, n, rng):
    if kind == "like the first" and z.shape[1]:
        return z[:, 0]
    return {
        "two values": rng.integers(0, 2, n).astype(float),
        "three values": rng.integers(0, 3, n).astype(float),
        "far from 0": (rng.standard_normal(n) + 10.0 ** rng.integers(0, 6)) * 10.0 ** rng.integers(-6, 7),
        "constant": np.ones(n),
    }.get(kind, rng.standard_normal(n))


def _scores(kind, y, structure, rng):
    if kind == "whole":
        return np.round(y)
    if kind == "few values":
        return np.clip(np.round(2.0 * y), 0.0, 4.0)
    if kind == "other units" and not is_homogeneous(structure):
        return y * 10.0 ** rng.integers(-6, 7, y.shape[1])
    return y


def _design(n_visits, n_covariates, *, is_full):
    if is_full:
        return dense.patients_design(n_visits, n_covariates)
    design = np.zeros((n_visits, n_visits + n_covariates, 1 + n_covariates))
    for visit in range(n_visits):
        design[visit, visit, 0] = 1.0
        design[visit, n_visits + np.arange(n_covariates), 1 + np.arange(n_covariates)] = 1.0
    return design


def judge(drawn, n_restarts):
    z, y, design, structure, reml, options = drawn
    if np.isnan(y).all(axis=0).any():
        return  # a visit that nobody has: the analysis leaves it out before it comes here
    if options["group"] is not None and np.unique(options["group"][~np.isnan(y).all(axis=1)]).size < 2:
        return  # and so it does with a group of which nobody has a score
    data = PatientData(z, y, options["group"], options["frequency"], options["precision"])
    found = repeated_measures(data, design, structure=structure, reml=reml)
    if found is None:
        kept = working_design(data_statistics(data), design, common_scale=False).kept
        in_units_alike = y / units(y, design, structure)
        assert_perfect(dense.DenseModel(z, in_units_alike, design[:, kept], structure, reml, **options))
        return
    convergence = found.fit.convergence
    assert (found.model is None) == (not convergence.has_converged)
    if found.model is None:
        assert_reason(found.fit, y, options["group"])
        return
    kept = found.fit.work.kept
    unit = units(y, design, structure)
    truth = dense.DenseModel(z, y / unit, design[:, kept], structure, reml, **options)
    assert truth.rank == kept.sum()
    assert_optimum(in_units(found.fit, y, unit, options["frequency"]), truth, n_restarts)
    assert_inference(found, np.eye(kept.size)[kept])


def units(y, design, structure):
    """Return what each visit's scores are divided by for the plain model, which would lose digits where they differ.

    1 where visits share a variance or a coefficient: then they are in the same units.
    """
    n_visits = y.shape[1]
    if is_homogeneous(structure) or design.shape[1] != n_visits * design.shape[2]:
        return np.ones(n_visits)
    spread = np.nanstd(y, axis=0)
    return np.where(spread > 0.0, spread, 1.0)


def in_units(fit, y, unit, frequency):
    """Return the fit as it is of scores that were divided by `unit`."""
    counts = (np.ones(len(y)) if frequency is None else frequency) @ ~np.isnan(y)
    if fit.reml and (unit != 1.0).any():
        counts = counts - fit.work.kept.reshape(unit.size, -1).sum(axis=1)
    theta = fit.theta.reshape(fit.covariances.shape[0], -1).copy()
    if (unit != 1.0).any():
        theta[:, : unit.size] -= np.log(unit)
    return replace(fit, theta=theta.reshape(-1), deviance=fit.deviance - 2.0 * float(counts @ np.log(unit)))


def assert_perfect(truth):
    """The mean can fit some visit's scores but for rounding (those of all visits, where they share a variance).

    It is enough that it fits them if it need fit no others: the likelihood rises without end as their variance falls.
    """
    level = np.nanmean(truth.y, axis=0)
    size = np.nansum((truth.y - level) ** 2, axis=0)
    rounding = (1e-12 * np.nanmax(np.abs(truth.y))) ** 2
    visits = [list(range(truth.n_visits))] if is_homogeneous(truth.structure) else [[v] for v in range(truth.n_visits)]
    shares = [
        left_alone(truth, group, some) <= 1e-11 * size[some].sum() + rounding
        for group in range(truth.n_groups)
        for some in visits
    ]
    assert any(shares) or has_equal_scores(truth)


def left_alone(truth, group, visits):
    """Return the sum of squares that the design leaves of a group's scores at some visits when it is fitted to them."""
    rows, scores = [], []
    for i in truth.patients:
        if truth.groups[i] == group:
            chosen = np.isin(truth.seen[i], visits)
            rows.append(truth.x[i][chosen])
            scores.append(truth.outcome[i][chosen])
    x, y = np.concatenate(rows), np.concatenate(scores)
    sizes = np.linalg.norm(x, axis=0)
    basis, values, _ = np.linalg.svd(x / np.where(sizes > 0.0, sizes, 1.0), full_matrices=False)
    basis = basis[:, values > 1e-10 * values.max(initial=1e-300)]
    return float(((y - basis @ (basis.T @ y)) ** 2).sum())


def has_equal_scores(truth):
    """Whether all scores of some group at some visit are one number."""
    groups = [truth.y[truth.groups == group] for group in range(truth.n_groups)]
    return any(np.unique(column[~np.isnan(column)]).size < 2 for rows in groups for column in rows.T)


def assert_reason(fit, y, group):
    """Each of the four tests fails for its own reason."""
    convergence = fit.convergence
    groups = np.zeros(len(y), dtype=int) if group is None else group
    seen = ~np.isnan(y)
    together = [seen[groups == one].T.astype(int) @ seen[groups == one].astype(int) for one in range(groups.max() + 1)]
    if fit.structure == "us":
        assert convergence.are_pairs_observed == all((pairs > 0).all() for pairs in together)
    else:
        assert convergence.are_pairs_observed
    if convergence.is_stationary:
        assert not (convergence.is_curved and convergence.is_regular and convergence.are_pairs_observed)


def assert_optimum(fit, truth, n_restarts):
    """The plain model has the same likelihood there, a gradient of 0, and no lower deviance inside."""
    deviance = truth.deviance(fit.theta[None])[0]
    near = nearness(truth, fit.theta)
    # Likelihoods lose digits as covariances come near singular ones; no method gets these back.
    assert abs(deviance - fit.deviance) <= max(1e-9, 1e-13 / near) * max(1.0, abs(deviance)) * 10.0
    gradient = truth.gradient(fit.theta)
    assert 0.5 * gradient @ fit.theta_covariance @ gradient < 1e-6
    assert_lowest_around(fit, truth, deviance)
    rng = np.random.default_rng(fit.theta.size)
    for restart in range(n_restarts):
        start = fit.theta + rng.standard_normal(fit.theta.size) * (0.3 if restart % 2 else 1.0)
        lowest, at = descended(truth, start, 60)
        if lowest > fit.deviance - 1e-5 * max(1.0, abs(deviance)):
            continue
        _, at = descended(truth, at, 2000)  # lower: is it an optimum, or the way to the boundary?
        is_far = np.abs(at).max() > 0.9 * FARTHEST or np.abs(at - fit.theta).max() > FAR_FROM_THE_FIT
        assert is_far or nearness(truth, at) < NEAR_THE_BOUNDARY


def assert_lowest_around(fit, truth, deviance):
    """A few hundredths of a standard error away, in every direction, the plain model's deviance is higher."""
    values, vectors = np.linalg.eigh(fit.theta_covariance)
    for step in (0.03 * np.sqrt(np.maximum(values, 0.0)) * vectors).T:
        for theta in (fit.theta + step, fit.theta - step):
            if nearness(truth, theta) > 0.0:
                assert truth.deviance(theta[None])[0] > deviance - 1e-9 * max(1.0, abs(deviance))


def nearness(truth, theta):
    least = 1.0
    for matrix in truth.matrices(theta):
        if not np.isfinite(matrix).all() or (np.diag(matrix) <= 0.0).any():
            return 0.0
        sd = np.sqrt(np.diag(matrix))
        least = min(least, float(np.linalg.eigvalsh(matrix / np.outer(sd, sd))[0]))
    return least


def descended(truth, start, n_steps):
    """Return the lowest deviance that a generic optimizer finds from there, and where."""
    from scipy.optimize import minimize

    def both(theta):
        if np.abs(theta - center).max() > FARTHEST or nearness(truth, theta) <= 0.0:
            return 1e10, np.zeros_like(theta)
        try:
            value, slope = truth.deviance(theta[None])[0], truth.gradient(theta)
        except np.linalg.LinAlgError:  # of the plain model, at the boundary
            return 1e10, np.zeros_like(theta)
        return (value, slope) if np.isfinite(value) and np.isfinite(slope).all() else (1e10, np.zeros_like(theta))

    center = start * 0.0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the generic optimizer, on its way
        found = minimize(both, start, jac=True, method="BFGS", options={"maxiter": n_steps})
    return found.fun, found.x


def assert_inference(found, combinations):
    """Standard errors are positive or, where Kenward and Roger's do not exist, NaN; p-values are probabilities."""
    for method in DF_METHODS:
        model = linear_model(found.fit, method)
        tests = linear_tests(model, combinations)
        known = ~np.isnan(tests.std_error)
        assert known.all() or method.startswith("kenward-roger")
        assert (tests.std_error[known] > 0.0).all()
        assert (tests.df[known] > 0.0).all()
        assert ((tests.p_value[known] >= 0.0) & (tests.p_value[known] <= 1.0)).all()
        joint = joint_test(model, combinations[:3])
        assert np.isnan(joint.p_value) or 0.0 <= joint.p_value <= 1.0


@given(designs())
@settings(max_examples=100)
def test_a_fit_is_right_or_says_why_there_is_none(drawn):
    judge(drawn, n_restarts=0)


@pytest.mark.slow
@given(designs())
@settings(max_examples=1000)
def test_a_thousand_fits_are_right_or_say_why_there_is_none(drawn):
    judge(drawn, n_restarts=3)
