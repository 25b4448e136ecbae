"""Exact intervals against R 4.2.2: binom.test and poisson.test, also where nothing (or everything) was an event.

binom.test(3, 40)$conf.int; binom.test(0, 25)$conf.int; binom.test(7, 7)$conf.int; poisson.test(59, 2532)$conf.int;
poisson.test(0, 365)$conf.int; conf.level = 0.9 for those of 5 and 30.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import binom, poisson

from katoutcomes.kernels.shares.event_rates import exact_rate
from katoutcomes.kernels.shares.proportions import share

SAME = 1e-9  # R finds its limits of a rate and a share by the same quantiles, printed with 15 digits


@pytest.mark.parametrize(
    ("n_events", "n_trials", "conf_level", "low", "high"),
    [
        (1, 20, 0.95, 0.00126508949794981, 0.24873276277202772),
        (3, 40, 0.95, 0.0157421798510415, 0.2038647487328989),
        (250, 1806, 0.95, 0.122820225885559, 0.155219139040126),
        (17, 9000, 0.95, 1.10072035807693e-03, 3.02257708261636e-03),
        (0, 25, 0.95, 0.0, 0.1371851715307125),
        (7, 7, 0.95, 0.5903836027749966, 1.0),
        (5, 30, 0.90, 0.0680555735803845, 0.3189711819473150),
    ],
)
def test_shares_are_those_of_binom_test(n_events, n_trials, conf_level, low, high):
    found = share(n_events, n_trials, conf_level)
    assert found.estimate == n_events / n_trials
    assert (found.conf_low, found.conf_high) == pytest.approx((low, high), rel=SAME)
    assert (found.n_events, found.n_patients) == (n_events, n_trials)


@pytest.mark.parametrize(
    ("n_events", "exposure", "conf_level", "low", "high"),
    [
        (1, 100.0, 0.95, 2.53178079842899e-04, 5.57164339093890e-02),
        (59, 2532.0, 0.95, 1.77383624125961e-02, 3.00575439820599e-02),
        (12, 3.5, 0.95, 1.77159288820635, 5.98902429947913),
        (0, 365.0, 0.95, 0.0, 0.01010651905236695),
        (5, 30.0, 0.90, 0.065671652268651, 0.350434496958051),
    ],
)
def test_rates_are_those_of_poisson_test(n_events, exposure, conf_level, low, high):
    found = exact_rate(n_events, exposure, conf_level)
    assert found.estimate == n_events / exposure
    assert (found.conf_low, found.conf_high) == pytest.approx((low, high), rel=SAME)
    assert (found.n_events, found.exposure) == (n_events, exposure)


@pytest.mark.parametrize(("n_events", "n_trials"), [(1, 9), (4, 11), (40, 41)])
def test_at_a_limit_the_tail_has_half_the_error(n_events, n_trials):
    found = share(n_events, n_trials, 0.9)
    assert binom.sf(n_events - 1, n_trials, found.conf_low) == pytest.approx(0.05, rel=1e-9)
    assert binom.cdf(n_events, n_trials, found.conf_high) == pytest.approx(0.05, rel=1e-9)
    rate = exact_rate(n_events, 2.0, 0.9)
    assert poisson.sf(n_events - 1, 2.0 * rate.conf_low) == pytest.approx(0.05, rel=1e-9)
    assert poisson.cdf(n_events, 2.0 * rate.conf_high) == pytest.approx(0.05, rel=1e-9)


@pytest.mark.parametrize("conf_level", [0.9, 0.95])
@pytest.mark.parametrize("n_trials", [1, 12, 50])
def test_a_share_covers_at_least_its_level(conf_level, n_trials):
    """Summed over all outcomes, for every true share, those near 0 and 1 too."""
    limits = [share(n_events, n_trials, conf_level) for n_events in range(n_trials + 1)]
    for truth in np.linspace(0.001, 0.999, 999):
        probability = sum(
            binom.pmf(one.n_events, n_trials, truth) for one in limits if one.conf_low <= truth <= one.conf_high
        )
        assert probability >= conf_level
    assert binom.pmf(0, n_trials, limits[0].conf_high) == pytest.approx((1 - conf_level) / 2, rel=1e-9)


@pytest.mark.parametrize("conf_level", [0.9, 0.95])
def test_a_rate_covers_at_least_its_level(conf_level):
    limits = [exact_rate(n_events, 10.0, conf_level) for n_events in range(120)]
    for rate in np.linspace(0.01, 6.0, 600):
        probability = sum(
            poisson.pmf(one.n_events, 10.0 * rate) for one in limits if one.conf_low <= rate <= one.conf_high
        )
        assert probability >= conf_level
    assert poisson.pmf(0, 10.0 * limits[0].conf_high) == pytest.approx((1 - conf_level) / 2, rel=1e-9)


def test_nobody_gives_nothing():
    assert math.isnan(share(0, 0, 0.95).conf_high)
    assert math.isnan(exact_rate(0, 0.0, 0.95).estimate)


@pytest.mark.parametrize("given", [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 95)])
def test_what_cannot_be_is_refused(given):
    with pytest.raises(ValueError, match=r"n_events|lies between"):
        share(*given)


@pytest.mark.parametrize("given", [(-1, 2.0, 0.95), (1, -2.0, 0.95)])
def test_a_rate_of_less_than_nothing_is_refused(given):
    with pytest.raises(ValueError, match="below 0"):
        exact_rate(*given)
