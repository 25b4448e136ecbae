"""Days in a state seen at visits: against a day counter that knows no formula, and against the trapezoidal rule."""

from __future__ import annotations

import numpy as np
import pytest

from katoutcomes.kernels.groups.days_in_state import RULES, days_by_own_visits, days_spoken_for

STEP = 0.01
"""Of the day counter; the days below are whole or half, so that only rounding is left."""
TOLERANCE = 1e-9


def counted_days(states, visit_days, rule, horizon):
    """Walk through the time in small steps and give each the status of the visit that the rule names."""
    known = [(0.0, 0.0)] + [(day, state) for day, state in zip(visit_days, states, strict=True) if state == state]
    total = 0.0
    for number in range(round(horizon / STEP)):
        now = (number + 0.5) * STEP
        earlier = [one for one in known if one[0] <= now][-1]
        later = next((one for one in known if one[0] > now), earlier)
        if rule == "midpoint":
            state = earlier[1] if now - earlier[0] < later[0] - now or earlier is later else later[1]
        else:
            state = earlier[1] if rule == "earlier visit" else later[1]
        total += STEP * state
    return total


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("days", [(28.0,), (14.0, 28.0, 56.0, 84.0), (7.0, 10.0, 85.0)])
def test_days_are_those_that_a_day_counter_finds(rule, days):
    spoken_for = days_spoken_for(np.array(days), rule)
    for number in range(2 ** len(days)):
        states = [float(number >> place & 1) for place in range(len(days))]
        assert spoken_for @ states == pytest.approx(counted_days(states, days, rule, days[-1]), abs=TOLERANCE)


def test_the_area_under_a_share_is_that_of_the_trapezoidal_rule():
    days, rng = np.array([14.0, 28.0, 56.0, 84.0]), np.random.default_rng(4)
    for share in rng.random((5, 4)):
        expected = np.trapezoid(np.append(0.0, share), np.append(0.0, days))
        assert days_spoken_for(days) @ share == pytest.approx(expected, abs=1e-12)
    extremes = sum(days_spoken_for(days, rule) for rule in RULES[1:]) / 2.0
    np.testing.assert_allclose(days_spoken_for(days), extremes, rtol=0.0, atol=1e-12)


def test_a_patient_without_a_score_has_the_days_of_the_own_visits():
    days, rng = np.array([14.0, 28.0, 56.0, 84.0]), np.random.default_rng(5)
    states = (rng.random((40, 4)) < 0.5).astype(np.float64)
    states[rng.random((40, 4)) < 0.4] = np.nan
    states[0] = np.nan
    found = days_by_own_visits(states, days)
    for row, value in zip(states, found, strict=True):
        expected = counted_days(row, days, "midpoint", 84.0) if not np.isnan(row).all() else np.nan
        assert value == pytest.approx(expected, abs=TOLERANCE, nan_ok=True)
    assert np.isnan(found[0])
    assert not np.isnan(found[1:]).all()
