"""Graphical multiple tests: a published example, known special cases, and the closed test written out."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from katoutcomes.kernels.multiplicity import adjusted_p_values, graphical_p_values


def closed_test(p, weights, transitions):
    """Return adjusted p-values by testing every intersection with the weights that the graph leaves it."""
    n = len(p)
    adjusted = np.zeros(n)
    for size in range(1, n + 1):
        for members in combinations(range(n), size):
            w, g = list(map(float, weights)), [list(map(float, row)) for row in transitions]
            for j in set(range(n)) - set(members):
                before = [row[:] for row in g]
                for k in range(n):
                    w[k] += w[j] * before[j][k] if k != j else 0.0
                for a in range(n):
                    for b in range(n):
                        loop = 1.0 - before[a][j] * before[j][a]
                        usable = a != b and j not in (a, b) and loop > 0.0
                        g[a][b] = (before[a][b] + before[a][j] * before[j][b]) / loop if usable else 0.0
                w[j] = 0.0
            value = min((p[k] / w[k] for k in members if w[k] > 0.0), default=1.0)
            for k in members:
                adjusted[k] = max(adjusted[k], min(value, 1.0))
    return adjusted


def test_two_doses_and_two_outcomes_of_bretz_2011():
    """Figure 1 of Bretz et al., Biom J 2011;53:894-913; numbers printed in the manual of graphicalMCP 0.3."""
    transitions = np.array([[0, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0], [1, 0, 0, 0]], dtype=float)
    found = graphical_p_values(np.array([0.018, 0.01, 0.105, 0.006]), np.array([0.5, 0.5, 0.0, 0.0]), transitions)
    np.testing.assert_allclose(found, [0.020, 0.020, 0.105, 0.020], atol=1e-12)
    assert (found <= 0.025).tolist() == [True, True, False, True]


@pytest.mark.parametrize("seed", range(20))
def test_every_graph_is_its_closed_test(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 6))
    weights = rng.dirichlet(np.ones(n)) * rng.choice([1.0, 0.8])
    weights[rng.random(n) < 0.3] = 0.0
    transitions = rng.dirichlet(np.ones(n), size=n) * (1.0 - np.eye(n))
    transitions[rng.random((n, n)) < 0.3] = 0.0
    p = rng.beta(0.4, 4.0, n)
    np.testing.assert_allclose(
        graphical_p_values(p, weights, transitions), closed_test(p, weights, transitions), atol=1e-10
    )


def test_holm_is_the_graph_in_which_all_share_alike():
    p = np.array([0.01, 0.04, 0.03, 0.2])
    everybody = (np.ones((4, 4)) - np.eye(4)) / 3.0
    np.testing.assert_allclose(graphical_p_values(p, np.full(4, 0.25), everybody), adjusted_p_values(p, "holm"))


def test_what_was_not_tested_is_not_rejected_and_keeps_its_share():
    p = np.array([np.nan, 0.02])
    found = graphical_p_values(p, np.array([0.5, 0.5]), np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert np.isnan(found[0])
    assert found[1] == pytest.approx(0.04)
    assert (
        graphical_p_values(np.array([0.9, 0.001]), np.array([1.0, 0.0]), np.array([[0.0, 1.0], [0.0, 0.0]]))[1] == 0.9
    )


@pytest.mark.parametrize(
    ("weights", "transitions"),
    [
        ([0.8, 0.4], [[0.0, 1.0], [1.0, 0.0]]),
        ([-0.1, 0.4], [[0.0, 1.0], [1.0, 0.0]]),
        ([0.5, 0.5], [[0.5, 0.5], [1.0, 0.0]]),
        ([0.5, 0.5], [[0.0, 1.5], [1.0, 0.0]]),
        ([0.5], [[0.0, 1.0], [1.0, 0.0]]),
    ],
)
def test_what_is_no_graph_is_refused(weights, transitions):
    with pytest.raises(ValueError, match=r"weights|transitions"):
        graphical_p_values(np.array([0.1, 0.2]), np.array(weights), np.array(transitions))
