"""What must hold of shares and of paired change whatever the numbers are."""

import math

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from katoutcomes.kernels.change.paired_change import paired_change
from katoutcomes.kernels.shares.proportions import share

ROUNDING = 1e-9
"""Relative; sums of squares of shifted scores lose some digits."""

UNHURRIED = settings(deadline=None)
"""The first call of a kernel imports SciPy, and test machines are shared."""

SCORES = st.integers(0, 63).map(float)
LEVELS = st.sampled_from([0.5, 0.8, 0.9, 0.95, 0.99])


@st.composite
def score_pairs(draw, smallest=2):
    """Whole scores of the same patients at two times."""
    n_patients = draw(st.integers(smallest, 40))
    return tuple(draw(arrays.arrays(np.float64, n_patients, elements=SCORES)) for _ in range(2))


def numbers(found):
    """Every number of a paired change, in one array."""
    return np.array(
        [
            *(getattr(mean, name) for mean in (found.baseline, found.follow_up, found.change) for name in _MEAN),
            found.correlation,
            found.statistic,
            found.p_value,
            *(getattr(effect, name) for effect in (found.d_av, found.d_z) for name in _EFFECT),
        ]
    )


_MEAN = ("estimate", "sd", "std_error", "df", "conf_low", "conf_high")
_EFFECT = ("estimate", "std_error", "conf_low", "conf_high")


@UNHURRIED
@given(score_pairs(smallest=0), LEVELS)
def test_never_warns_and_intervals_hold_their_estimate(pairs, conf_level):
    found = paired_change(*pairs, conf_level)
    for part in (found.baseline, found.follow_up, found.change, found.d_av, found.d_z):
        if not math.isnan(part.conf_low):
            assert part.conf_low <= part.estimate <= part.conf_high
            assert part.std_error > 0.0
    assert math.isnan(found.correlation) or -1.0 <= found.correlation <= 1.0
    assert math.isnan(found.p_value) or 0.0 <= found.p_value <= 1.0


@UNHURRIED
@given(score_pairs(), LEVELS)
def test_the_order_of_the_patients_does_not_matter(pairs, conf_level):
    forward = numbers(paired_change(*pairs, conf_level))
    backward = numbers(paired_change(pairs[0][::-1], pairs[1][::-1], conf_level))
    np.testing.assert_allclose(forward, backward, rtol=ROUNDING, atol=ROUNDING)


@UNHURRIED
@given(score_pairs(), LEVELS)
def test_swapping_the_times_mirrors_the_change(pairs, conf_level):
    there, back = paired_change(*pairs, conf_level), paired_change(*pairs[::-1], conf_level)
    for name in ("change", "d_av", "d_z"):
        one, other = getattr(there, name), getattr(back, name)
        np.testing.assert_allclose(
            [one.estimate, one.std_error, one.conf_low, one.conf_high],
            [-other.estimate, other.std_error, -other.conf_high, -other.conf_low],
            rtol=ROUNDING,
            atol=ROUNDING,
        )
    np.testing.assert_allclose(there.p_value, back.p_value, rtol=ROUNDING)


@UNHURRIED
@given(score_pairs(), st.integers(-50, 50), st.sampled_from([0.25, 2.0, 64.0]))
def test_standardized_changes_have_no_unit(pairs, shift, scale):
    """Adding points to both scores changes no change; other units of the score change no standardized change."""
    found = paired_change(*pairs, 0.95)
    moved = paired_change(*((scores + shift) * scale for scores in pairs), 0.95)
    np.testing.assert_allclose(moved.change.estimate, found.change.estimate * scale, rtol=ROUNDING, atol=ROUNDING)
    np.testing.assert_allclose(moved.p_value, found.p_value, rtol=1e-6)
    for name in ("d_av", "d_z"):
        one, other = getattr(found, name), getattr(moved, name)
        np.testing.assert_allclose(
            [one.estimate, one.std_error, one.conf_low, one.conf_high],
            [other.estimate, other.std_error, other.conf_low, other.conf_high],
            rtol=1e-7,
            atol=1e-7,
        )


@UNHURRIED
@given(score_pairs(), LEVELS)
def test_the_three_ways_to_say_not_zero_agree(pairs, conf_level):
    """p below alpha, the t interval without 0 and the d_z interval without 0 are one event."""
    found = paired_change(*pairs, conf_level)
    assume(not math.isnan(found.p_value))
    assume(abs(found.p_value - (1 - conf_level)) > 1e-7)
    rejected = found.p_value < 1 - conf_level
    assert (found.change.conf_low > 0.0 or found.change.conf_high < 0.0) == rejected
    assert (found.d_z.conf_low > 0.0 or found.d_z.conf_high < 0.0) == rejected


@UNHURRIED
@given(score_pairs(), st.floats(0.5, 0.98), st.floats(0.001, 0.019))
def test_a_higher_level_gives_a_wider_interval(pairs, conf_level, more):
    narrow, wide = paired_change(*pairs, conf_level), paired_change(*pairs, conf_level + more)
    for name in ("change", "d_av", "d_z"):
        one, other = getattr(narrow, name), getattr(wide, name)
        if not math.isnan(one.conf_low):
            assert other.conf_low < one.conf_low
            assert one.conf_high < other.conf_high


@UNHURRIED
@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), LEVELS)
def test_a_share_and_its_limits_are_shares(counts, conf_level):
    n_events, n_patients = counts
    found = share(n_events, n_patients, conf_level)
    assert 0.0 <= found.conf_low <= found.estimate <= found.conf_high <= 1.0
    others = share(n_patients - n_events, n_patients, conf_level)
    np.testing.assert_allclose(
        [others.conf_low, others.conf_high], [1 - found.conf_high, 1 - found.conf_low], atol=1e-12
    )
    if n_events < n_patients:
        more = share(n_events + 1, n_patients, conf_level)
        assert more.conf_low > found.conf_low
        assert more.conf_high >= found.conf_high
