"""Differences under other missing scores: by the slopes, and by estimating everything again with the scores moved."""

from __future__ import annotations

import numpy as np
import pytest

from katoutcomes.kernels.groups.delta_adjustment import adjusted_by_deltas
from katoutcomes.kernels.weighting.bootstrap import percentile_interval

DELTAS = np.array([[0.0, 0.0], [0.0, 3.0], [-2.0, 5.0], [4.0, 0.0]])


def arms(seed=7, n_patients=60):
    """Two arms with predicted scores where they are missing."""
    rng = np.random.default_rng(seed)
    treated = rng.random(n_patients) < 0.5
    missing = rng.random(n_patients) < 0.3
    return rng.normal(10.0, 4.0, n_patients), treated, missing, rng


def difference(scores, treated, counts):
    return np.average(scores[treated], weights=counts[treated]) - np.average(scores[~treated], weights=counts[~treated])


def slopes_of(treated, missing, counts):
    return np.array([-np.average(missing[~treated], weights=counts[~treated]),
                     np.average(missing[treated], weights=counts[treated])])  # fmt: skip


def test_slopes_do_what_moving_every_missing_score_does():
    scores, treated, missing, rng = arms()
    draws = rng.multinomial(len(scores), np.full(len(scores), 1.0 / len(scores)), size=40).astype(np.float64)
    once = np.ones(len(scores))
    found = adjusted_by_deltas(
        difference(scores, treated, once),
        (np.nan, np.nan),
        slopes_of(treated, missing, once),
        DELTAS,
        replicates=np.array([difference(scores, treated, draw) for draw in draws]),
        replicate_slopes=np.array([slopes_of(treated, missing, draw) for draw in draws]),
        conf_level=0.9,
    )
    for place, (to_comparator, to_treated) in enumerate(DELTAS):
        moved = scores + missing * np.where(treated, to_treated, to_comparator)
        again = percentile_interval(np.array([difference(moved, treated, draw) for draw in draws]), 0.9)
        expected = (difference(moved, treated, once), again.conf_low, again.conf_high)
        # The same sums in another order: nothing but rounding is left.
        assert (found.estimate[place], found.conf_low[place], found.conf_high[place]) == pytest.approx(
            expected, abs=1e-12
        )


def test_without_resamples_the_interval_moves_with_the_estimate():
    found = adjusted_by_deltas(-2.0, (-3.5, -0.5), np.array([-0.25, 0.5]), DELTAS)
    assert found.estimate.tolist() == [-2.0, -0.5, 1.0, -3.0]
    assert found.conf_low.tolist() == [-3.5, -2.0, -0.5, -4.5]
    assert found.conf_high.tolist() == [-0.5, 1.0, 2.5, -1.5]


def test_a_resample_without_an_estimate_is_left_out():
    replicates = np.array([1.0, 2.0, np.nan, 3.0])
    found = adjusted_by_deltas(
        2.0, (np.nan, np.nan), np.zeros(2), DELTAS[:1], replicates=replicates, replicate_slopes=np.zeros((4, 2))
    )
    assert found.conf_low[0] == pytest.approx(percentile_interval(np.array([1.0, 2.0, 3.0]), 0.95).conf_low, abs=1e-15)
