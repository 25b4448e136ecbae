"""What must hold of reliable change and recovery whatever the scores."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from katoutcomes.kernels.individual.reliable_change import (
    DETERIORATED,
    HARMED,
    IMPROVED,
    RECOVERED,
    UNCHANGED,
    at_or_better,
    at_or_worse,
    combined_classes,
    cut_off_c,
    moves,
    reliable_change,
    threshold_classes,
)

MAXIMUM = 63
whole_scores = arrays(np.int64, 12, elements=st.integers(0, MAXIMUM)).map(lambda values: values.astype(np.float64))
standard_deviations = st.integers(1, 40).map(lambda value: value / 2)
reliabilities = st.sampled_from([0.0, 0.5, 0.737, 0.8, 0.91, 0.99])
signs = st.sampled_from([-1, 1])
# Half points away from every whole score, so that no score lies on the cut-off by chance.
cut_offs = st.integers(0, MAXIMUM - 1).map(lambda value: value + 0.5)


@given(whole_scores, whole_scores, standard_deviations, reliabilities, cut_offs, signs)
def test_every_patient_is_in_exactly_one_class(baseline, follow_up, sd, reliability, cut_off, sign):
    change = reliable_change(baseline, follow_up, sd, reliability, sign=sign)
    classes = combined_classes(change.classes, moves(baseline, follow_up, cut_off, sign))
    counts = [int((classes == code).sum()) for code in (RECOVERED, IMPROVED, UNCHANGED, DETERIORATED, HARMED)]
    assert sum(counts) == classes.size
    assert counts[0] + counts[1] == int((change.classes == IMPROVED).sum())


@given(whole_scores, whole_scores, standard_deviations, reliabilities, cut_offs, signs)
def test_turning_the_scale_around_changes_no_class(baseline, follow_up, sd, reliability, cut_off, sign):
    classes = reliable_change(baseline, follow_up, sd, reliability, sign=sign).classes
    turned = reliable_change(MAXIMUM - baseline, MAXIMUM - follow_up, sd, reliability, sign=-sign).classes
    assert turned.tolist() == classes.tolist()
    recovered = combined_classes(classes, moves(baseline, follow_up, cut_off, sign))
    turned = combined_classes(turned, moves(MAXIMUM - baseline, MAXIMUM - follow_up, MAXIMUM - cut_off, -sign))
    assert turned.tolist() == recovered.tolist()


@given(whole_scores, whole_scores, standard_deviations, reliabilities, signs)
def test_swapping_baseline_and_follow_up_swaps_improved_and_deteriorated(baseline, follow_up, sd, reliability, sign):
    forth = reliable_change(baseline, follow_up, sd, reliability, sign=sign)
    back = reliable_change(follow_up, baseline, sd, reliability, sign=sign)
    assert (back.classes == -forth.classes).all()
    assert (back.index == -forth.index).all()


@given(whole_scores, whole_scores, standard_deviations, reliabilities, st.integers(-100, 100), signs)
def test_shifting_all_scores_changes_nothing(baseline, follow_up, sd, reliability, shift, sign):
    plain = reliable_change(baseline, follow_up, sd, reliability, sign=sign)
    shifted = reliable_change(baseline + shift, follow_up + shift, sd, reliability, sign=sign)
    assert (shifted.classes == plain.classes).all()
    assert (shifted.index == plain.index).all()
    points = threshold_classes(baseline + shift, follow_up + shift, 6.0, sign)
    assert (points == threshold_classes(baseline, follow_up, 6.0, sign)).all()


@given(whole_scores, whole_scores, standard_deviations, reliabilities, signs, st.randoms(use_true_random=False))
def test_the_order_of_the_patients_does_not_matter(baseline, follow_up, sd, reliability, sign, random):
    order = np.array(random.sample(range(baseline.size), baseline.size))
    classes = reliable_change(baseline, follow_up, sd, reliability, sign=sign).classes
    shuffled = reliable_change(baseline[order], follow_up[order], sd, reliability, sign=sign).classes
    assert (shuffled == classes[order]).all()


@given(whole_scores, whole_scores, standard_deviations, st.tuples(reliabilities, reliabilities), signs)
def test_a_less_reliable_scale_never_shows_more_reliable_change(baseline, follow_up, sd, two, sign):
    low, high = sorted(two)
    less = reliable_change(baseline, follow_up, sd, low, sign=sign).classes
    more = reliable_change(baseline, follow_up, sd, high, sign=sign).classes
    assert ((less == UNCHANGED) | (less == more)).all()


@given(*[st.floats(-100, 100) for _ in range(2)], *[st.floats(0.1, 50) for _ in range(2)])
def test_cut_off_c_is_equally_many_standard_deviations_from_both_means(mean_0, mean_1, sd_0, sd_1):
    c = cut_off_c(mean_0, sd_0, mean_1, sd_1)
    assert min(mean_0, mean_1) - 1e-9 <= c <= max(mean_0, mean_1) + 1e-9
    assert abs(c - mean_0) / sd_0 == pytest.approx(abs(c - mean_1) / sd_1, rel=1e-9, abs=1e-9)


@given(whole_scores, cut_offs, signs)
def test_between_two_whole_points_a_score_is_on_one_side_only(scores, limit, sign):
    assert (at_or_better(scores, limit, sign) ^ at_or_worse(scores, limit, sign)).all()
    assert (at_or_better(scores, limit, sign) == at_or_better(-scores, -limit, -sign)).all()
