"""Shares: hand case, the score test that Wilson's limits invert, statsmodels as second opinion, and the ends."""

import math

import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from katoutcomes.kernels.shares.proportions import INTERVALS, share

ROUNDING = 1e-12
"""Closed formulas: agreement to rounding."""

CASES = [(0, 7), (1, 7), (6, 7), (7, 7), (1, 1), (0, 1), (37, 100), (499, 1000), (1, 100_000)]


def test_by_hand():
    """5 of 10 with z² = 3.8414588: center 0.5, half width √(z²(2.5 + z²/4)) / (10 + z²)."""
    z_squared = 3.841458820694124
    found = share(5, 10, 0.95, "wilson")
    half_width = math.sqrt(z_squared * (2.5 + z_squared / 4)) / (10 + z_squared)
    assert found.estimate == 0.5
    assert (found.conf_low, found.conf_high) == pytest.approx((0.5 - half_width, 0.5 + half_width), rel=ROUNDING)
    assert (found.n_events, found.n_patients) == (5, 10)


@pytest.mark.parametrize(("n_events", "n_patients"), CASES)
@pytest.mark.parametrize("conf_level", [0.5, 0.9, 0.95, 0.999])
def test_limits_are_where_the_score_test_just_does_not_reject(n_events, n_patients, conf_level):
    found = share(n_events, n_patients, conf_level, "wilson")
    z = stats.norm.isf((1 - conf_level) / 2)
    for limit in (found.conf_low, found.conf_high):
        if 0.0 < limit < 1.0:
            score = abs(found.estimate - limit) / math.sqrt(limit * (1 - limit) / n_patients)
            assert score == pytest.approx(z, rel=1e-8)


@pytest.mark.parametrize(("n_events", "n_patients"), CASES)
@pytest.mark.parametrize("conf_level", [0.9, 0.95])
def test_against_statsmodels(n_events, n_patients, conf_level):
    found = share(n_events, n_patients, conf_level, "wilson")
    peer = proportion_confint(n_events, n_patients, alpha=1 - conf_level, method="wilson")
    # statsmodels leaves the limit at an end of the range at 1e-17 instead of 0.
    assert (found.conf_low, found.conf_high) == pytest.approx(peer, rel=ROUNDING, abs=1e-15)


@pytest.mark.parametrize("conf_level", [0.9, 0.95, 0.99])
def test_the_ends_are_exact(conf_level):
    """Rounding of the formula would leave some of them at 1 − 1e-16."""
    for n_patients in range(1, 300):
        for interval in INTERVALS:
            assert share(0, n_patients, conf_level, interval).conf_low == 0.0
            assert share(n_patients, n_patients, conf_level, interval).conf_high == 1.0


def test_nobody_gives_nothing():
    found = share(0, 0, 0.95)
    assert all(math.isnan(number) for number in (found.estimate, found.conf_low, found.conf_high))
    assert (found.n_events, found.n_patients) == (0, 0)


@pytest.mark.parametrize(("n_events", "n_patients"), [(-1, 10), (11, 10), (1, 0), (0, -1)])
def test_refuses_impossible_counts(n_events, n_patients):
    with pytest.raises(ValueError, match="n_events"):
        share(n_events, n_patients, 0.95)


@pytest.mark.parametrize("conf_level", [0.0, 1.0, 95, -0.5, math.nan])
def test_refuses_a_level_outside_its_range(conf_level):
    with pytest.raises(ValueError, match="conf_level"):
        share(1, 2, conf_level)
