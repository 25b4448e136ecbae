"""The checks that analyses share: their limits, on both sides, and where there is nothing to check."""

import math

import numpy as np
import pytest

from katoutcomes.analyses.steps.checks import PAIRS_LIMIT, completers_check, paired_completeness_check, patients_check
from katoutcomes.analyses.steps.cohort_checks import WITHHOLD_BELOW_PATIENTS
from katoutcomes.results.check import verdict
from katoutcomes.results.disclosure import DisclosurePolicy

NAN = float("nan")


@pytest.mark.parametrize(("n_pairs", "passed"), [(79, False), (80, True), (100, True), (0, False)])
def test_completeness_is_held_against_four_fifths(n_pairs, passed):
    check = paired_completeness_check(n_pairs, 100, "week 12")
    assert (check.passed, check.value, check.limit) == (passed, n_pairs / 100, 0.8)
    assert verdict([check]) == ("report" if passed else "with caution")
    assert "week 12" in check.message


def test_nobody_at_baseline_is_not_complete():
    check = paired_completeness_check(0, 0, "week 12")
    assert not check.passed
    assert math.isnan(check.value)


@pytest.mark.parametrize(("n_pairs", "expected"), [(10, "withhold"), (11, "report")])
def test_eleven_pairs_are_needed(n_pairs, expected):
    check = patients_check(n_pairs, "week 12")
    assert (check.value, check.limit) == (n_pairs, 11.0)
    assert verdict([check]) == expected


def test_no_limit_tells_more_about_a_hidden_count_than_hiding_does():
    """Whether 'fewer than' fails is public; it must ask the same as whether the count is hidden by default."""
    assert DisclosurePolicy().minimum_cell == PAIRS_LIMIT == WITHHOLD_BELOW_PATIENTS


@pytest.mark.parametrize(
    ("lost", "passed"), [([], True), ([19], True), ([18, 19], False), ([0, 1], False), ([0, 19], True)]
)
def test_completers_are_held_against_all_who_began(lost, passed):
    """0 to 19: mean 9.5, variance 35. Without 19 the mean is 9 (0.085 SD away), without 18 and 19 it is 8.5 (0.169)."""
    baseline = np.append(np.arange(20.0), NAN)
    has_both = ~np.isin(np.arange(21), lost) & ~np.isnan(baseline)
    check = completers_check(baseline, has_both, "week 12")
    assert check.passed == passed
    assert check.value == pytest.approx((baseline[has_both].mean() - 9.5) / math.sqrt(35))
    assert check.limit == 0.1


@pytest.mark.parametrize(
    ("baseline", "has_both"),
    [([5.0, 5.0, 5.0], [True, False, True]), ([5.0, 7.0], [False, False]), ([NAN, NAN], [False, False])],
)
def test_without_spread_or_completers_there_is_nothing_to_hold_against(baseline, has_both):
    check = completers_check(np.array(baseline), np.array(has_both), "week 12")
    assert check.passed
    assert math.isnan(check.value)
