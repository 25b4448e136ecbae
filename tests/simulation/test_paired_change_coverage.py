"""How often the intervals of a paired change hold the truth, with normal and with whole, bounded scores.

The slow version measures coverage to about 0.15 percentage points. docs/images/make_outcome_coverage.py covers more.
"""

from __future__ import annotations

import math

import numpy as np
import pytest

from katoutcomes.kernels.change.paired_change import paired_change

N_QUICK, N_SLOW = 1_500, 20_000
MOST_ERRORS = 3.5
"""Distance allowed between measured and expected coverage, in Monte-Carlo standard errors; the seeds are fixed."""

SETTINGS = [
    # pairs, correlation, SD at follow-up (at baseline it is 1), mean change in SDs at baseline
    (12, 0.3, 1.0, 0.0),
    (12, 0.6, 1.3, -1.0),
    (30, 0.5, 1.0, -0.8),
    (30, 0.5, 1.4, -1.5),
    (100, 0.3, 1.2, -0.8),
    (100, 0.8, 0.8, -1.2),
]
EXACT = ("change", "d_z")
"""Under normal scores these two intervals have exactly their level."""
D_AV_RANGE = (0.94, 0.96)
"""Bonett's interval is approximate. The slow version measures 94.7 to 95.2 %; this leaves room for other seeds."""


def coverage(
    n_sets: int, n_pairs: int, correlation: float, follow_up_sd: float, fall: float, seed: int
) -> dict[str, float]:
    """Return the share of simulated data sets whose 95 % interval holds the true value, by kind of estimate."""
    rng = np.random.default_rng(seed)
    before = rng.standard_normal((n_sets, n_pairs))
    noise = rng.standard_normal((n_sets, n_pairs))
    after = fall + follow_up_sd * (correlation * before + math.sqrt(1.0 - correlation**2) * noise)
    change_sd = math.sqrt(1.0 + follow_up_sd**2 - 2.0 * correlation * follow_up_sd)
    truth = {
        "change": fall,
        "d_av": fall / math.sqrt((1.0 + follow_up_sd**2) / 2.0),
        "d_z": fall / change_sd,
    }
    held = dict.fromkeys(truth, 0)
    for baseline, follow_up in zip(before, after, strict=True):
        found = paired_change(baseline, follow_up, 0.95)
        for name, value in truth.items():
            interval = getattr(found, name)
            held[name] += interval.conf_low <= value <= interval.conf_high
    return {name: count / n_sets for name, count in held.items()}


def assert_coverage(n_sets: int, setting: tuple[int, float, float, float], seed: int) -> None:
    measured = coverage(n_sets, *setting, seed)
    error = math.sqrt(0.95 * 0.05 / n_sets)
    for name in EXACT:
        assert abs(measured[name] - 0.95) < MOST_ERRORS * error, (name, measured)
    assert D_AV_RANGE[0] - MOST_ERRORS * error < measured["d_av"] < D_AV_RANGE[1] + MOST_ERRORS * error, measured


@pytest.mark.parametrize("position", [1, 2])
def test_coverage(position: int) -> None:
    assert_coverage(N_QUICK, SETTINGS[position], seed=20260930 + position)


@pytest.mark.slow
@pytest.mark.parametrize("position", range(len(SETTINGS)))
def test_coverage_measured_closely(position: int) -> None:
    assert_coverage(N_SLOW, SETTINGS[position], seed=20261001 + position)


def whole_score_coverage(n_sets: int, n_pairs: int, seed: int) -> float:
    """Return the coverage of the mean change for whole scores between 0 and 27 that pile up at the floor."""
    rng = np.random.default_rng(seed)
    latent = rng.standard_normal((2, 2_000_000))
    after = 7.0 + 6.0 * (0.5 * latent[0] + math.sqrt(0.75) * latent[1])
    before, after = (np.clip(np.round(scores), 0, 27) for scores in (16.0 + 4.5 * latent[0], after))
    truth = float((after - before).mean())
    rows = rng.integers(0, before.size, (n_sets, n_pairs))
    held = 0
    for chosen in rows:
        interval = paired_change(before[chosen], after[chosen], 0.95).change
        held += interval.conf_low <= truth <= interval.conf_high
    return held / n_sets


@pytest.mark.slow
@pytest.mark.parametrize("n_pairs", [12, 30, 100])
def test_coverage_of_the_mean_change_of_whole_scores(n_pairs: int) -> None:
    """The t interval needs a mean that is about normal, not scores that are: it stays within a point of its level."""
    assert 0.94 < whole_score_coverage(N_SLOW, n_pairs, seed=20261002 + n_pairs) < 0.96
