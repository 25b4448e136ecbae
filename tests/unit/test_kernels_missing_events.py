"""Risks with a supposed share of the missing: against hand counts, every completion of the data, and a fit of them."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from katoutcomes.kernels.groups.missing_events import CORNERS, between_corners, completed, risks_if_missing
from katoutcomes.kernels.groups.weighted_risks import estimate_risks
from katoutcomes.kernels.weighting.comparison import ArmData, Recipe

SHARES = np.array([[0.0, 0.0], [0.25, 0.5], [1.0, 0.0], [0.6, 0.9]])


def patients(n_patients=120, n_covariates=2, n_arms=2, seed=5):
    rng = np.random.default_rng(seed)
    covariates = rng.normal(size=(n_patients, n_covariates))
    arms = rng.integers(0, n_arms, n_patients)
    chance = 1.0 / (1.0 + np.exp(0.3 - 0.8 * covariates.sum(axis=1) - 0.6 * arms))
    outcome = np.where(rng.random(n_patients) < 0.3, np.nan, rng.random(n_patients) < chance)
    none = np.empty((n_patients, 0))
    return ArmData(outcome, arms, n_arms, covariates, rng.normal(size=(n_patients, 1)), none)


def test_without_covariates_the_supposed_are_added_to_the_seen():
    """Seen with the outcome: 3 of 8 and 6 of 9; missing: 4 and 5."""
    outcome = np.array([1.0] * 3 + [0.0] * 5 + [np.nan] * 4 + [1.0] * 6 + [0.0] * 3 + [np.nan] * 5)
    arms = np.repeat([0, 1], [12, 14])
    none = np.empty((26, 0))
    data = ArmData(outcome, arms, 2, none, none, none)
    found = risks_if_missing(data, Recipe("none", method="weighted_ancova"), 1, SHARES, np.ones((1, 26)))[0]
    expected = [((3 + 4 * one) / 12, (6 + 5 * other) / 14) for one, other in SHARES]
    # The ridge of the outcome model, 0.0001 a patient, pulls the arms together by some hundred-thousandths.
    assert found == pytest.approx(np.array(expected), abs=1e-4)


@pytest.mark.parametrize("method", ["weighted_ancova", "aipw", "g_computation"])
@pytest.mark.parametrize("weights", ["overlap", "iptw_att", "entropy", "none"])
def test_corners_are_the_analysis_of_the_completed_data(weights, method):
    data, recipe, once = patients(), Recipe(weights, method=method), np.ones((2, 120))
    found = risks_if_missing(data, recipe, 1, CORNERS, once)
    for place, (comparator, treated) in enumerate(CORNERS):
        outcome = np.where(np.isnan(data.outcome), np.where(data.arms == 1, treated, comparator), data.outcome)
        full = estimate_risks(replace(data, outcome=outcome), recipe, once).means
        assert found[:, place] == pytest.approx(full, abs=1e-12)


def test_a_share_is_the_mean_over_all_completions_with_so_many_events():
    """Half of four missing: the mean over all ways in which each has the outcome with a chance of one half."""
    data = patients(n_patients=60, n_covariates=1)
    missing = np.flatnonzero(~data.is_observed)
    arms = data.arms[missing]
    few = np.concatenate([missing[arms == 0][:2], missing[arms == 1][:2]])
    kept = np.concatenate([np.flatnonzero(data.is_observed), few])
    data = ArmData(
        data.outcome[kept], data.arms[kept], 2, data.covariates[kept], data.history[kept], np.empty((len(kept), 0))
    )
    recipe, once = Recipe("overlap"), np.ones((1, len(kept)))
    found = risks_if_missing(data, recipe, 1, np.array([[0.5, 0.5]]), once)[0, 0]
    means = []
    for events in product((0.0, 1.0), repeat=4):
        outcome = data.outcome.copy()
        outcome[-4:] = events
        means.append(estimate_risks(replace(data, outcome=outcome), recipe, once).means[0])
    # Risks of a logistic model are a little curved in the outcomes.
    assert found == pytest.approx(np.mean(means, axis=0), abs=2e-4)


def test_between_the_corners_it_is_nearly_straight():
    data, once = patients(n_patients=300), np.ones((1, 300))
    shares = np.array(list(product((0.0, 0.25, 0.5, 0.75, 1.0), repeat=2)))
    corners = risks_if_missing(data, Recipe(), 1, CORNERS, once)
    between = between_corners(corners[:, :, 1] - corners[:, :, 0], shares)[0]
    exact = risks_if_missing(data, Recipe(), 1, shares, once)[0]
    assert np.abs(between - (exact[:, 1] - exact[:, 0])).max() < 0.005
    assert between[[0, 4, 20, 24]] == pytest.approx((corners[0, :, 1] - corners[0, :, 0])[[0, 2, 1, 3]], abs=1e-12)


def test_of_three_arms_the_third_keeps_its_missing():
    data = patients(n_arms=3)
    filled = completed(data.outcome, data.arms, 2, np.array([0.2, 0.7]))
    missing = ~data.is_observed
    assert np.isnan(filled[missing & (data.arms == 1)]).all()
    assert set(filled[missing & (data.arms == 0)]) == {0.2}
    assert set(filled[missing & (data.arms == 2)]) == {0.7}
    assert (filled[~missing] == data.outcome[~missing]).all()
    found = risks_if_missing(data, Recipe(), 2, CORNERS, np.ones((1, 120)))[0]
    assert found[1, 0] > found[0, 0]
    assert found[2, 1] > found[0, 1]
