"""Standardized mean differences: hand cases, a slow distance, missing values, and what has no answer."""

import math

import numpy as np
import pytest

from katoutcomes.kernels.groups.standardized_mean_difference import smd_of_categories, smd_of_flags, smd_of_numbers

ROUNDING = 1e-12
"""Closed formulas: agreement to rounding."""
SOLVED = 1e-10
"""A small linear system, solved in another way."""

NAN = float("nan")


def slow_distance(treatment, comparator, n_levels):
    """√(Δ′ S⁺ Δ) over all levels with the pseudo-inverse: leaving none out."""
    shares = [np.array([np.mean(codes == level) for level in range(n_levels)]) for codes in (treatment, comparator)]
    covariance = sum(np.diag(share) - np.outer(share, share) for share in shares) / 2
    difference = shares[0] - shares[1]
    return math.sqrt(difference @ np.linalg.pinv(covariance) @ difference)


def test_numbers_by_hand():
    """Means 5 and 2, variances 4 and 1: 3 / √2.5."""
    found = smd_of_numbers(np.array([3.0, 5.0, 7.0]), np.array([1.0, 2.0, 3.0]))
    assert found.estimate == pytest.approx(3 / math.sqrt(2.5), rel=ROUNDING)
    assert (found.n_treatment, found.n_comparator) == (3, 3)


def test_flags_by_hand():
    """Shares 3/4 and 1/4: 0.5 / √(3/16)."""
    found = smd_of_flags(np.array([1.0, 1.0, 1.0, 0.0]), np.array([0.0, 0.0, 0.0, 1.0]))
    assert found.estimate == pytest.approx(0.5 / math.sqrt(3 / 16), rel=ROUNDING)


def test_two_levels_are_a_flag_without_its_sign():
    treatment, comparator = np.array([0.0, 0.0, 0.0, 1.0, 0.0]), np.array([1.0, 1.0, 0.0])
    distance = smd_of_categories(treatment, comparator, 2)
    assert distance.estimate == pytest.approx(abs(smd_of_flags(treatment, comparator).estimate), rel=ROUNDING)
    assert smd_of_flags(treatment, comparator).estimate < 0.0


@pytest.mark.parametrize("n_levels", [3, 5])
def test_categories_against_the_slow_distance(n_levels):
    rng = np.random.default_rng(11)
    treatment, comparator = rng.integers(0, n_levels, 60).astype(float), rng.integers(0, n_levels, 45).astype(float)
    found = smd_of_categories(treatment, comparator, n_levels)
    assert found.estimate == pytest.approx(slow_distance(treatment, comparator, n_levels), rel=SOLVED)


def test_which_level_is_left_out_does_not_matter():
    rng = np.random.default_rng(12)
    treatment, comparator = rng.integers(0, 4, 50), rng.integers(0, 4, 30)
    distances = []
    for shift in range(4):
        shifted = [((codes + shift) % 4).astype(float) for codes in (treatment, comparator)]
        distances.append(smd_of_categories(*shifted, 4).estimate)
    assert distances == pytest.approx([distances[0]] * 4, rel=SOLVED)


def test_a_level_that_nobody_has_changes_nothing():
    treatment, comparator = np.array([0.0, 2.0, 2.0, 3.0]), np.array([0.0, 0.0, 2.0, 3.0])
    packed = smd_of_categories(np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.0, 0.0, 1.0, 2.0]), 3)
    assert smd_of_categories(treatment, comparator, 6).estimate == pytest.approx(packed.estimate, rel=SOLVED)


def test_a_level_that_only_one_group_has_is_no_obstacle():
    treatment, comparator = np.array([0.0, 1.0, 1.0, 1.0]), np.array([0.0, 0.0, 1.0, 2.0])
    found = smd_of_categories(treatment, comparator, 3)
    assert found.estimate == pytest.approx(slow_distance(treatment, comparator, 3), rel=SOLVED)


@pytest.mark.parametrize("smd", [smd_of_numbers, smd_of_flags, lambda a, b: smd_of_categories(a, b, 2)])
class TestEveryKind:
    def test_missing_values_are_left_out(self, smd):
        treatment, comparator = np.array([1.0, 0.0, 1.0, 1.0]), np.array([0.0, 1.0, 0.0])
        with_missing = smd(np.append(treatment, NAN), np.append(comparator, [NAN, NAN]))
        assert with_missing == smd(treatment, comparator)
        assert (with_missing.n_treatment, with_missing.n_comparator) == (4, 3)

    def test_an_empty_group_gives_nothing(self, smd):
        found = smd(np.array([NAN]), np.array([1.0, 0.0]))
        assert math.isnan(found.estimate)
        assert (found.n_treatment, found.n_comparator) == (0, 2)

    def test_no_difference_and_no_variation_is_zero(self, smd):
        assert smd(np.ones(3), np.ones(4)).estimate == 0.0

    def test_a_difference_without_variation_has_no_size(self, smd):
        assert math.isnan(smd(np.ones(3), np.zeros(4)).estimate)

    def test_equal_groups(self, smd):
        values = np.array([1.0, 0.0, 0.0])
        assert smd(values, np.tile(values, 3)).estimate == pytest.approx(0.0, abs=ROUNDING)


def test_groups_without_a_common_level_are_infinitely_far_apart():
    assert math.isnan(smd_of_categories(np.array([0.0, 1.0, 1.0]), np.array([2.0, 3.0]), 4).estimate)


def test_one_number_in_a_group_has_no_spread():
    assert math.isnan(smd_of_numbers(np.array([1.0]), np.array([1.0, 2.0])).estimate)
