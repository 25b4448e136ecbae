"""What must hold of summaries and of standardized mean differences whatever the numbers are."""

import math

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from katoutcomes.kernels.groups.standardized_mean_difference import smd_of_categories, smd_of_flags, smd_of_numbers
from katoutcomes.kernels.summaries import summarize

ROUNDING = 1e-9
"""Relative; the groups' sums are formed in another order."""

UNHURRIED = settings(deadline=None)
"""The first call of a kernel imports SciPy, and test machines are shared."""

VALUES = st.one_of(st.integers(-1000, 1000).map(float), st.just(math.nan))


def group(elements):
    return arrays.arrays(np.float64, st.integers(0, 30), elements=elements)


def codes(n_levels):
    return group(st.one_of(st.integers(0, n_levels - 1).map(float), st.just(math.nan)))


@UNHURRIED
@given(group(VALUES))
def test_a_summary_lies_within_its_values(values):
    found = summarize(values)
    known = values[~np.isnan(values)]
    assert found.n_values == known.size
    if known.size:
        assert known.min() <= found.lower_quartile <= found.median <= found.upper_quartile <= known.max()
        assert known.min() <= found.mean <= known.max()
    assert math.isnan(found.sd) == (known.size < 2)


@UNHURRIED
@given(group(VALUES), group(VALUES))
def test_swapping_the_groups_turns_the_sign(treatment, comparator):
    forth, back = smd_of_numbers(treatment, comparator), smd_of_numbers(comparator, treatment)
    np.testing.assert_allclose(forth.estimate, -back.estimate, rtol=ROUNDING)


@UNHURRIED
@given(group(VALUES), group(VALUES), st.integers(-100, 100), st.sampled_from([0.5, 4.0]))
def test_the_difference_has_no_unit(treatment, comparator, shift, scale):
    found = smd_of_numbers(treatment, comparator)
    moved = smd_of_numbers((treatment + shift) * scale, (comparator + shift) * scale)
    np.testing.assert_allclose(moved.estimate, found.estimate, rtol=ROUNDING, atol=ROUNDING)


@UNHURRIED
@given(codes(2), codes(2))
def test_flags_turn_their_sign_with_the_flag(treatment, comparator):
    np.testing.assert_allclose(
        smd_of_flags(1.0 - treatment, 1.0 - comparator).estimate,
        -smd_of_flags(treatment, comparator).estimate,
        rtol=ROUNDING,
        atol=ROUNDING,
    )


@UNHURRIED
@given(codes(2), codes(2))
def test_a_category_of_two_is_the_size_of_a_flag(treatment, comparator):
    np.testing.assert_allclose(
        smd_of_categories(treatment, comparator, 2).estimate,
        abs(smd_of_flags(treatment, comparator).estimate),
        rtol=ROUNDING,
        atol=ROUNDING,
    )


@UNHURRIED
@given(codes(4), codes(4), st.permutations(range(4)))
def test_the_names_of_the_levels_do_not_matter(treatment, comparator, names):
    def renamed(values):
        return np.array([math.nan if math.isnan(value) else float(names[int(value)]) for value in values])

    found = smd_of_categories(treatment, comparator, 4).estimate
    other = smd_of_categories(renamed(treatment), renamed(comparator), 4).estimate
    np.testing.assert_allclose(found, other, rtol=1e-6, atol=1e-9)


@UNHURRIED
@given(codes(4), codes(4))
def test_a_category_is_at_least_as_far_apart_as_any_of_its_levels(treatment, comparator):
    distance = smd_of_categories(treatment, comparator, 4).estimate
    assume(not math.isnan(distance))
    for level in range(4):
        flags = [np.where(np.isnan(values), math.nan, values == level) for values in (treatment, comparator)]
        one = smd_of_flags(*flags).estimate
        assert math.isnan(one) or abs(one) <= distance * (1 + 1e-6) + 1e-9
