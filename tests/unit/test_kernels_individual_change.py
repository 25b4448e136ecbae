"""Indices of individual change against a slow loop over patients, the group shares, and anchors by hand."""

import math

import numpy as np
import pytest
from scipy import stats

from katoutcomes.kernels.change.anchored_change import VERDICTS, anchor_verdict, anchored_classes, relative_classes
from katoutcomes.kernels.individual.individual_change import (
    INDEX_RULES,
    ScoreMoments,
    group_shares,
    individual_change,
    moments_of,
    nunnally_kotsch,
    reliability_of_change,
    true_end,
    true_sd,
    true_spread,
)
from katoutcomes.kernels.individual.reliable_change import combined_classes, cut_off_c, moves
from katoutcomes.kernels.individual.service_outcomes import ServiceMeasure, service_outcomes
from katoutcomes.kernels.individual.severity_transitions import band_transitions

ROUNDING = 1e-12
RELIABILITY, LATER_RELIABILITY, CUT_OFF = 0.88, 0.91, 9.3


def made_up_scores(n_patients=400, seed=3):
    rng = np.random.default_rng(seed)
    baseline = np.clip(np.round(rng.normal(16, 4, n_patients)), 0, 27)
    return baseline, np.clip(np.round(baseline - 5 + rng.normal(0, 6, n_patients)), 0, 27)


def index_of_one(method, before, after, moments):
    """One patient at a time, as the papers print the formulas."""
    m0, s0, m1, s1 = moments.baseline_mean, moments.baseline_sd, moments.follow_up_mean, moments.follow_up_sd
    r, error = RELIABILITY, s0 * math.sqrt(1 - RELIABILITY)
    expected = m0 + r * (before - m0)
    if method == "jacobson_truax":
        return (after - before) / math.sqrt(2 * error**2)
    if method == "gulliksen_lord_novick":
        return (after - expected) / (s0 * math.sqrt(1 - r**2))
    if method == "hsu_linn_lord":
        return (after - (m1 + r * (before - m0))) / (s0 * math.sqrt(1 - r**2))
    if method == "edwards_nunnally":
        return (after - expected) / error
    if method == "nunnally_kotsch":
        return (after - expected) / math.sqrt(r**2 * error**2 + s1**2 * (1 - LATER_RELIABILITY))
    changes_true = s0**2 - error**2 + s1**2 - error**2 - 2 * moments.correlation * s0 * s1
    r_dd = changes_true / (s0**2 + s1**2 - 2 * moments.correlation * s0 * s1)
    return ((after - before) * r_dd + (m1 - m0) * (1 - r_dd)) / (math.sqrt(r_dd) * math.sqrt(2 * error**2))


def class_of_one(index, before, after, *, sign, limit):
    """Five classes of one patient, from the words of the docs page."""
    if sign * index > limit:
        return 2 if sign * (before - CUT_OFF) < 0 < sign * (after - CUT_OFF) else 1
    if sign * index < -limit:
        return -2 if sign * (before - CUT_OFF) > 0 > sign * (after - CUT_OFF) else -1
    return 0


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("method", [*INDEX_RULES, "nunnally_kotsch"])
def test_every_method_against_a_loop_over_patients(method, sign):
    baseline, follow_up = made_up_scores()
    if sign > 0:
        baseline, follow_up = 27 - baseline, 27 - follow_up
    moments = moments_of(baseline, follow_up)
    if method == "nunnally_kotsch":
        rule = nunnally_kotsch(moments, RELIABILITY, LATER_RELIABILITY)
    else:
        rule = INDEX_RULES[method](moments, RELIABILITY)
    change = individual_change(baseline, follow_up, rule, sign=sign)
    limit = stats.norm.ppf(0.95 if method == "hageman_arrindell" else 0.975)
    combined = combined_classes(change.classes, moves(baseline, follow_up, CUT_OFF, sign))
    for place, (before, after) in enumerate(zip(baseline.tolist(), follow_up.tolist(), strict=True)):
        index = index_of_one(method, before, after, moments)
        assert change.index[place] == pytest.approx(index, rel=ROUNDING, abs=ROUNDING)
        assert combined[place] == class_of_one(index, before, after, sign=sign, limit=limit)
    assert len(set(combined.tolist())) >= 4  # the scores try most of the classes


def test_moments():
    baseline, follow_up = made_up_scores(50)
    found = moments_of(baseline, follow_up)
    assert found.correlation == pytest.approx(np.corrcoef(baseline, follow_up)[0, 1], rel=ROUNDING)
    assert (found.follow_up_mean, found.follow_up_sd) == pytest.approx((follow_up.mean(), follow_up.std(ddof=1)))
    assert math.isnan(moments_of(np.array([3.0]), np.array([2.0])).baseline_sd)
    assert math.isnan(moments_of(np.array([3.0, 3.0]), np.array([2.0, 4.0])).correlation)


class TestTrueScores:
    def test_the_side_of_the_true_score_by_hand(self):
        """s0 = 6, r = .75: error 3 points. s1 = 5: r1 = 1 - 9/25 = .64. x1 = 4, m1 = 9: true 9 - 5 · .64 = 5.8."""
        moments = ScoreMoments(18.0, 6.0, 9.0, 5.0, 0.3)
        end = true_end(np.array([4.0]), moments, 0.75, cut_off=10.0)
        assert end.index[0] == pytest.approx((5.8 - 10.0) / (math.sqrt(0.64) * 5 * math.sqrt(0.36)))
        assert end.critical_value == pytest.approx(1.6448536269514722)

    def test_no_true_change_is_left_where_error_explains_all(self):
        with pytest.raises(ValueError, match="no more than measurement error"):
            reliability_of_change(ScoreMoments(18.0, 6.0, 12.0, 6.0, 0.9), 0.85)

    def test_group_shares_are_those_of_a_simulated_group(self):
        """Two million true changes with measurement error on both scores: the formula must find the true shares."""
        rng = np.random.default_rng(8)
        n_patients, error = 2_000_000, 2.0
        truth = rng.normal(18, 5, n_patients)
        later = truth - 6 + rng.normal(0, 4, n_patients)
        baseline, follow_up = (scores + rng.normal(0, error, n_patients) for scores in (truth, later))
        moments = moments_of(baseline, follow_up)
        reliability = 1 - error**2 / moments.baseline_sd**2
        found = group_shares(moments, n_patients, true_spread(moments, reliability), 10.0, sign=-1, conf_level=0.95)
        assert found.truly_improved.estimate == pytest.approx((later < truth).mean(), abs=0.002)
        assert found.truly_functional.estimate == pytest.approx((later < 10.0).mean(), abs=0.002)

    def test_the_true_cut_off_lies_between_the_means(self):
        assert 4.0 < cut_off_c(4.0, true_sd(3.0, 0.8), 17.0, true_sd(6.0, 0.9)) < 17.0


class TestAnchors:
    def test_points_may_differ_for_better_and_worse(self):
        before, after = np.full(5, 20.0), np.array([11.0, 11.5, 24.5, 25.0, 20.0])
        found = anchored_classes(before, after, improvement=9.0, deterioration=5.0, sign=-1)
        assert found.tolist() == [1, 0, 0, -1, 0]

    def test_a_share_of_nothing_is_no_change_and_never_both(self):
        """Where the baseline is 0 a peer counts a worse patient as improved as well."""
        before, after = np.array([0.0, 0.0, 10.0, 10.0]), np.array([0.0, 8.0, 5.0, 15.0])
        found = relative_classes(before, after, improvement=0.5, deterioration=0.5, sign=-1)
        assert found.tolist() == [0, 0, 1, -1]

    @pytest.mark.parametrize(
        ("limits", "verdict"),
        [
            ((3.0, 5.0, 7.0), VERDICTS[0]),
            ((-5.0, -2.0, 1.0), VERDICTS[1]),
            ((-4.0, -3.0, -2.0), VERDICTS[2]),
            ((-7.0, -4.0, -1.0), VERDICTS[3]),
            ((-9.0, -6.0, -3.0), VERDICTS[4]),
            ((-9.0, -7.5, -6.0), VERDICTS[5]),
        ],
    )
    def test_verdicts_on_both_kinds_of_scale(self, limits, verdict):
        low, estimate, high = limits
        assert anchor_verdict(estimate, low, high, improvement=5.0, sign=-1) == verdict
        assert anchor_verdict(-estimate, -high, -low, improvement=5.0, sign=1) == verdict

    def test_what_must_be_above_zero(self):
        for function in (anchored_classes, relative_classes):
            with pytest.raises(ValueError, match="above 0"):
                function(np.ones(1), np.ones(1), improvement=0.0, deterioration=1.0, sign=-1)


class TestServiceRules:
    """PHQ-9 at least 10 or GAD-7 at least 8; reliable change 6 or 4."""

    PATIENTS = (
        # PHQ-9 before, GAD-7 before, after, after; case, recovered, improved, deteriorated, both ways
        ((18, 12, 6, 5), (1, 1, 1, 0, 0)),
        ((18, 6, 9, 11), (1, 0, 0, 0, 1)),
        ((9, 8, 8, 7), (1, 1, 0, 0, 0)),
        ((9, 7, 16, 7), (0, 0, 0, 1, 0)),
        ((9, 7, 2, 7), (0, 0, 1, 0, 0)),
        ((15, 14, 14, 18), (1, 0, 0, 1, 0)),
        ((10, 7, 9, 8), (1, 0, 0, 0, 0)),
    )

    def test_by_hand(self):
        scores = np.array([patient for patient, _ in self.PATIENTS], dtype=float).T
        found = service_outcomes(
            (scores[0], scores[1]), (scores[2], scores[3]), (ServiceMeasure(10, 6), ServiceMeasure(8, 4))
        )
        for place, name in enumerate(("was_case", "recovered", "improved", "deteriorated", "both_ways")):
            assert getattr(found, name).tolist() == [bool(expected[place]) for _, expected in self.PATIENTS], name
        assert found.reliably_recovered.tolist() == [True] + [False] * 6


def test_bands_are_counted_from_row_to_column():
    found = band_transitions(np.array([0, 2, 2, 1]), np.array([0, 1, 1, 2]), 3)
    assert found.counts.tolist() == [[1, 0, 0], [0, 0, 1], [0, 2, 0]]
    assert found.moves.tolist() == [0, 1, 1, -1]
