"""Reliable change, cut-offs, response: published numbers, hand cases, boundaries, both directions."""

import numpy as np
import pytest

from katoutcomes.kernels.individual.reliable_change import (
    DETERIORATED,
    HARMED,
    IMPROVED,
    RECOVERED,
    UNCHANGED,
    at_or_better,
    at_or_worse,
    combined_classes,
    cut_off_a,
    cut_off_b,
    cut_off_c,
    has_response_defined,
    moves,
    reliable_change,
    responded,
    standard_error_of_difference,
    threshold_classes,
)

ROUNDING = 1e-12
"""Closed formulas of a few operations: agreement to rounding."""


def scores(*values):
    return np.array(values, dtype=np.float64)


class TestPublished:
    def test_worked_example_of_jacobson_and_truax(self):
        """The numbers of the 1991 paper as the R package ReliableTrendIndex quotes them: SD 7.5, r .80, standard error
        of measurement 3.35, S_diff 4.74, scores 47.5 and 32.5, RC 3.16. Printed to two decimals."""
        change = reliable_change(scores(47.5, 32.5), scores(32.5, 47.5), 7.5, 0.80, sign=-1)
        assert round(change.standard_error / np.sqrt(2), 2) == 3.35
        assert round(change.standard_error, 2) == 4.74
        assert change.index.round(2).tolist() == [-3.16, 3.16]
        assert change.classes.tolist() == [IMPROVED, DETERIORATED]

    def test_r_package_clinicalsignificance(self):
        """clinicalsignificance 3.0.0, data set claus_2020: 40 baselines 35.475 (8.16), r .92, norms 7.69 (7.52)."""
        assert standard_error_of_difference(8.1586433638480319, 0.92) == pytest.approx(3.2634573455392119, rel=ROUNDING)
        assert cut_off_a(35.475, 8.1586433638480319, sign=-1) == pytest.approx(19.157713272303937, rel=ROUNDING)
        c = cut_off_c(7.69, 7.52, 35.475, 8.1586433638480319)
        assert c == pytest.approx(21.016612204330336, rel=ROUNDING)


class TestReliableChange:
    def test_by_hand(self):
        """SD 5, r .5: S_diff = 5 · √2 · √.5 = 5, threshold = 1.959964 · 5 = 9.79982."""
        change = reliable_change(scores(20, 20, 20, 20), scores(10, 11, 29, 30), 5.0, 0.5, sign=-1)
        assert change.standard_error == pytest.approx(5.0, rel=ROUNDING)
        assert change.threshold == pytest.approx(9.799819922700268, rel=ROUNDING)
        assert change.index == pytest.approx([-2.0, -1.8, 1.8, 2.0], rel=ROUNDING)
        assert change.classes.tolist() == [IMPROVED, UNCHANGED, UNCHANGED, DETERIORATED]

    def test_higher_is_better_turns_the_classes_around_but_not_the_index(self):
        down = reliable_change(scores(20, 20), scores(10, 30), 5.0, 0.5, sign=-1)
        up = reliable_change(scores(20, 20), scores(10, 30), 5.0, 0.5, sign=1)
        assert down.classes.tolist() == [IMPROVED, DETERIORATED]
        assert up.classes.tolist() == [DETERIORATED, IMPROVED]
        assert up.index.tolist() == down.index.tolist()

    @pytest.mark.parametrize("sign", [-1, 1])
    def test_a_change_of_exactly_the_threshold_is_not_reliable(self, sign):
        threshold = reliable_change(scores(0), scores(0), 5.0, 0.5, sign=sign).threshold
        follow_up = scores(threshold, -threshold, np.nextafter(threshold, 99), np.nextafter(-threshold, -99))
        classes = reliable_change(np.zeros(4), follow_up, 5.0, 0.5, sign=sign).classes
        assert classes.tolist() == [UNCHANGED, UNCHANGED, sign * IMPROVED, -sign * IMPROVED]

    def test_level_sets_the_quantile(self):
        """The normal quantile for a two-sided 90 % is 1.644854."""
        change = reliable_change(scores(20), scores(11), 5.0, 0.5, sign=-1, level=0.90)
        assert change.threshold == pytest.approx(5 * 1.6448536269514722, rel=ROUNDING)
        assert change.classes.tolist() == [IMPROVED]

    def test_perfect_reliability_makes_any_change_reliable(self):
        classes = reliable_change(scores(5, 5, 5), scores(4, 5, 6), 5.0, 1.0, sign=-1).classes
        assert classes.tolist() == [IMPROVED, UNCHANGED, DETERIORATED]

    def test_any_shape(self):
        baseline = np.full((3, 2), 20.0)
        change = reliable_change(baseline, baseline - 10.0, 5.0, 0.5, sign=-1)
        assert change.classes.shape == change.index.shape == (3, 2)
        assert (change.classes == IMPROVED).all()

    @pytest.mark.parametrize(
        ("standard_deviation", "reliability", "level"), [(0.0, 0.8, 0.95), (5.0, 1.1, 0.95), (5.0, 0.8, 1.0)]
    )
    def test_refuses_what_has_no_meaning(self, standard_deviation, reliability, level):
        with pytest.raises(ValueError, match=r"must be above 0|lies between 0 and 1"):
            reliable_change(scores(1), scores(2), standard_deviation, reliability, sign=-1, level=level)


class TestThresholdRule:
    @pytest.mark.parametrize("sign", [-1, 1])
    def test_exactly_the_points_counts(self, sign):
        baseline = scores(16, 16, 16, 16, 16)
        follow_up = baseline + sign * scores(7, 6, 5, -5, -6)
        classes = threshold_classes(baseline, follow_up, points=6, sign=sign)
        assert classes.tolist() == [IMPROVED, IMPROVED, UNCHANGED, UNCHANGED, DETERIORATED]

    def test_refuses_zero_points(self):
        with pytest.raises(ValueError, match="above 0"):
            threshold_classes(scores(1), scores(1), points=0, sign=-1)


class TestCutOffs:
    def test_by_hand_higher_is_better(self):
        """Dysfunctional 40 (7.5), functional 60 (5): a = 55, b = 50, c = (5 · 40 + 7.5 · 60) / 12.5 = 52."""
        assert cut_off_a(40, 7.5, sign=1) == 55
        assert cut_off_b(60, 5.0, sign=1) == 50
        assert cut_off_c(60, 5.0, 40, 7.5) == pytest.approx(52, rel=ROUNDING)

    def test_by_hand_higher_is_worse(self):
        """The same on the scale turned around 0."""
        assert cut_off_a(-40, 7.5, sign=-1) == -55
        assert cut_off_b(-60, 5.0, sign=-1) == -50
        assert cut_off_c(-60, 5.0, -40, 7.5) == pytest.approx(-52, rel=ROUNDING)

    def test_recovered_needs_both_the_reliable_change_and_the_move(self):
        baseline = scores(20, 20, 9, 12, 5)
        follow_up = scores(5, 12, 1, 9, 20)
        classes = np.array([1, 1, 1, 0, -1], dtype=np.int8)
        found = combined_classes(classes, moves(baseline, follow_up, cut_off=10.0, sign=-1))
        assert found.tolist() == [RECOVERED, IMPROVED, IMPROVED, UNCHANGED, HARMED]

    def test_a_score_on_the_cut_off_is_on_neither_side(self):
        classes = np.array([1, 1, 1], dtype=np.int8)
        found = combined_classes(classes, moves(scores(20, 10, 11), scores(10, 1, 9), cut_off=10.0, sign=-1))
        assert found.tolist() == [IMPROVED, IMPROVED, RECOVERED]

    def test_higher_is_better(self):
        classes = np.array([1, 1], dtype=np.int8)
        found = combined_classes(classes, moves(scores(30, 55), scores(60, 70), cut_off=50.0, sign=1))
        assert found.tolist() == [RECOVERED, IMPROVED]


class TestResponse:
    def test_every_whole_share_of_every_whole_score_counts_at_its_limit(self):
        """0.35 x 20 must be 7 however the product is rounded; one point less must not count."""
        checked = 0
        for percent in range(1, 101):
            for baseline in range(1, 101):
                if percent * baseline % 100:
                    continue
                drop = percent * baseline // 100
                answer = responded(
                    scores(baseline, baseline), baseline - scores(drop, drop - 1), percent / 100, sign=-1
                )
                assert answer.tolist() == [True, False]
                checked += 1
        assert checked > 300

    def test_baseline_zero_is_counted_out(self):
        baseline = scores(0, 10)
        assert has_response_defined(baseline).tolist() == [False, True]
        assert responded(baseline, scores(0, 5), 0.5, sign=-1).tolist() == [False, True]

    def test_higher_is_better(self):
        assert responded(scores(20, 20), scores(30, 29), 0.5, sign=1).tolist() == [True, False]

    def test_refuses_share_zero(self):
        with pytest.raises(ValueError, match="above 0"):
            responded(scores(1), scores(1), 0.0, sign=-1)


def test_limits_of_remission_and_caseness_are_included():
    assert at_or_better(scores(4, 5, 6), 5, sign=-1).tolist() == [True, True, False]
    assert at_or_better(scores(4, 5, 6), 5, sign=1).tolist() == [False, True, True]
    assert at_or_worse(scores(9, 10, 11), 10, sign=-1).tolist() == [False, True, True]
    assert at_or_worse(scores(9, 10, 11), 10, sign=1).tolist() == [True, True, False]


def test_a_change_of_the_published_points_is_one_whatever_its_rounding():
    baseline, follow_up = np.array([8.7, 2.7, 8.7, 2.7]), np.array([2.7, 8.7, 2.701, 8.699])
    assert baseline[0] - follow_up[0] < 6.0
    assert threshold_classes(baseline, follow_up, 6.0, sign=-1).tolist() == [1, -1, 0, 0]
