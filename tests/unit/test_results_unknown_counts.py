"""What is believed of counts that an earlier release has hidden: as much as one solution fulfills."""

from __future__ import annotations

import pytest

from katoutcomes.results.disclosure_rules.complementary import Limits, hidden_in_report, limits_of_model, model_of
from katoutcomes.results.disclosure_rules.earlier_release import with_earlier_release
from katoutcomes.results.disclosure_rules.linked_counts import sums_of_groups
from katoutcomes.results.disclosure_rules.report_counts import ReportCounts
from katoutcomes.results.disclosure_rules.score_bounds import AtLeast
from katoutcomes.results.disclosure_rules.small_cells import Counts, Sum
from katoutcomes.results.disclosure_rules.unknown_counts import settled

LIMITS = Limits(11)
ALL, NORTH, SOUTH, WEST = (("seen", group) for group in ("", "site: north", "site: south", "site: west"))


def report(values, sums=(), known_of=(), at_least=()):
    return ReportCounts(Counts(values, tuple(sums)), tuple(known_of), tuple(at_least), (), {})


def test_counts_that_are_all_known_are_left_as_they_are():
    known = report({ALL: 40, NORTH: 15, SOUTH: 25}, [Sum(ALL, (NORTH, SOUTH))])
    assert settled(known) is known


def test_a_hidden_count_that_nothing_ties_is_somebody():
    assert settled(report({ALL: None})).counts.likely == {ALL: 1.0}


def test_a_class_of_nobody_is_empty_in_each_hidden_group_and_no_reason_to_doubt_any_other():
    worse, better = ("worse", ""), ("better", "")
    groups = [("worse", "site: north"), ("worse", "site: south")]
    others = [("better", "site: north"), ("better", "site: south")]
    values = {worse: 0, better: 30, **dict.fromkeys((*groups, *others))}
    found = settled(report(values, [Sum(worse, tuple(groups)), Sum(better, tuple(others))]))
    assert [found.counts.likely[key] for key in groups] == [0, 0]
    intervals = limits_of_model(model_of(found, LIMITS, frozenset((*groups, *others))))
    assert [(intervals[key].low, intervals[key].high) for key in (groups[0], others[0])] == [(0, 0), (1, 29)]


@pytest.mark.parametrize(("n_all", "kept"), [(40, True), (60, True), (30, False)])
def test_a_sum_that_cannot_hold_gets_a_remainder_or_is_given_up(n_all, kept):
    """South is 20 by two sums: of some the site is not known, or a count was corrected since."""
    values = {ALL: n_all, NORTH: 20, SOUTH: None, ("seen, for sites",): 20, ("seen, for quarters",): 20}
    sums = [Sum(ALL, (NORTH, SOUTH)), Sum(("seen, for sites",), (SOUTH,)), Sum(("seen, for quarters",), (SOUTH,))]
    found = settled(report(values, sums)).counts
    of_all = [one for one in found.sums if one.total == ALL]
    assert found.likely == {SOUTH: 20}
    assert [one.has_remainder for one in of_all] == ([n_all > 40] if kept else [])
    assert len(found.sums) == 2 + kept


def test_bins_that_hold_more_than_a_count_can_be_are_not_believed():
    values = {ALL: 15, SOUTH: None, ("bin", "1"): 20}
    found = settled(report(values, [Sum(ALL, (SOUTH,), has_remainder=True)] * 2, (), [AtLeast(SOUTH, (("bin", "1"),))]))
    assert found.at_least == () or found.counts.sums == ()


def test_what_contradicts_itself_all_the_same_is_hidden():
    """Nothing can be told of a count of which no number fulfills its sums, so none of them stays shown."""
    values = {ALL: None, NORTH: 30, SOUTH: 40, WEST: 50}
    sums = [Sum(ALL, (NORTH,)), Sum(ALL, (SOUTH,))]
    assert hidden_in_report(report(values, sums), LIMITS).keys == {ALL, NORTH, SOUTH}
    # Told before that both cannot be, a release believes what it can.
    assert hidden_in_report(settled(report(values, sums)), LIMITS).keys < {ALL, NORTH, SOUTH, WEST}


def test_quarters_of_an_earlier_release_need_not_hold_everybody():
    """Those whose follow-up was not over were left out, which a release with hidden quarters no longer shows."""
    quarters = [("seen", "index_quarter: 2025Q1"), ("seen", "index_quarter: 2025Q2")]
    values = {ALL: 40, quarters[0]: 15, quarters[1]: None}
    assert [one.has_remainder for one in sums_of_groups(values)] == [True]
    assert [one.has_remainder for one in sums_of_groups({**values, quarters[1]: 25})] == [False]


def test_a_row_of_a_part_is_not_believed_to_be_the_same_row_in_both_releases():
    row = ("participant_flow", "PHQ-9", "part", "flow", "1", "n_patients", "")
    now, before = report({ALL: 40, WEST: 0, row: 12}), report({ALL: None, WEST: None, row: None})
    between = with_earlier_release(now, before).counts.sums
    assert [one.total for one in between] == [ALL, WEST]


def test_that_nobody_is_counted_now_tells_that_nobody_was():
    """Of 24 before, those of the north and of the west were hidden: a 0 of the north now leaves 24 of the west then."""
    sums = [Sum(ALL, (NORTH, WEST))]
    before = report({ALL: 24, NORTH: None, WEST: None}, sums)
    now = report({ALL: 60, NORTH: 0, WEST: 60}, sums)
    both = settled(with_earlier_release(now, before))
    assert NORTH in hidden_in_report(both, LIMITS).keys
