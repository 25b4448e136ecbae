"""Which counts are hidden so that no small one follows: cases by hand, and a slow oracle that tries every value."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from katoutcomes.results.disclosure_rules.small_cells import Counts, Sum, hidden_counts, is_small, marked_counts

N, A, B, C, REST = ("n",), ("a",), ("b",), ("c",), ("rest",)


def hide(values, *sums, minimum=11, follows=(), zero_is_shown=True):
    return set(hidden_counts(Counts(values, sums, follows), minimum, zero_is_shown=zero_is_shown))


def test_small_is_between_one_and_the_minimum():
    assert [count for count in range(15) if is_small(count, 11)] == list(range(1, 11))
    assert is_small(0, 11, zero_is_shown=False)
    assert not is_small(None, 11)


def test_nothing_small_nothing_hidden():
    assert hide({N: 60, A: 30, B: 19, C: 11}, Sum(N, (A, B, C))) == set()


def test_the_next_smallest_goes_with_a_lone_small_one():
    assert hide({N: 60, A: 40, B: 15, C: 5}, Sum(N, (A, B, C))) == {B, C}


def test_two_small_ones_hide_each_other_only_if_their_sum_is_not_small():
    assert hide({N: 60, A: 30, B: 21, C: 9}, Sum(N, (A, B, C))) == {B, C}
    assert hide({N: 60, A: 48, B: 6, C: 6}, Sum(N, (A, B, C))) == {B, C}
    assert hide({N: 60, A: 54, B: 3, C: 3}, Sum(N, (A, B, C))) == {A, B, C}


def test_zero_is_shown_and_hides_nobody():
    assert hide({N: 60, A: 55, B: 5, C: 0}, Sum(N, (A, B, C))) == {A, B}
    assert hide({N: 60, A: 60, B: 0, C: 0}, Sum(N, (A, B, C))) == set()


def test_zero_is_small_where_the_policy_says_so():
    assert hide({N: 60, A: 40, B: 20, C: 0}, Sum(N, (A, B, C)), zero_is_shown=False) == {B, C}
    assert hide({N: 40, A: 40}, Sum(N, (A,), has_remainder=True), zero_is_shown=False) == {A}


@pytest.mark.parametrize(("count", "is_hidden"), [(0, False), (1, True), (10, True), (11, False), (29, False)])
def test_a_share_is_hidden_for_itself_or_for_the_others(count, is_hidden):
    lone = Sum(N, (A,), has_remainder=True)
    assert (A in hide({N: 40, A: count}, lone)) is is_hidden
    assert (A in hide({N: 40, A: 40 - count}, lone)) is is_hidden


def test_what_is_given_up_first():
    values = {N: 60, A: 40, B: 15, C: 5}
    assert hide(values, Sum(N, (A, B, C), give_up_first=(A,))) == {A, C}
    assert hide(values, Sum(N, (A, B, C), give_up_first=(N,))) == {N, C}
    # What is given up first is given up once; a 0 is never cover.
    assert hide({N: 60, A: 54, B: 6, C: 0}, Sum(N, (A, B, C), give_up_first=(C,))) == {A, B}
    assert hide({N: 100, A: 95}, Sum(N, (A,), has_remainder=True, give_up_first=(N,))) == {N}


def test_a_hidden_total_follows_from_its_members():
    assert hide({N: 9, A: 9, B: 0}, Sum(N, (A, B))) == {N, A}
    hidden_total = {N: None, A: 30, B: 20}
    assert hide(hidden_total, Sum(N, (A, B))) == {N, B}
    assert hide(hidden_total, Sum(N, (A, B), has_remainder=True)) == {N}


def test_a_total_that_is_printed_elsewhere():
    assert hide({A: 50, B: 4}, Sum(None, (A, B))) == {A, B}
    assert hide({A: 50, B: 4, C: 30}, Sum(None, (A, B, C))) == {B, C}


def test_hiding_spreads_over_rows_and_columns():
    table = {("all", "f"): 30, ("all", "m"): 40, ("x", "f"): 25, ("x", "m"): 20, ("y", "f"): 5, ("y", "m"): 20}
    columns = [Sum(("all", sex), (("x", sex), ("y", sex))) for sex in "fm"]
    values = {**table, ("n", "all"): 70, ("n", "x"): 45, ("n", "y"): 25}
    rows = [Sum(("n", group), ((group, "f"), (group, "m"))) for group in ("all", "x", "y")]
    assert hide(values, *columns, *rows) == {("x", "f"), ("x", "m"), ("y", "f"), ("y", "m")}


def test_what_follows_is_hidden_too():
    assert hide({N: 8, A: 50}, follows=((N, A),)) == {N, A}
    chain = hide({N: 8, A: 50, B: 50, C: 100}, Sum(C, (A, B)), follows=((N, A),))
    assert chain == {N, A, B}


def test_an_unknown_count_stays_hidden_and_counts_as_unknown():
    assert hide({N: 60, A: 40, B: None, C: None}, Sum(N, (A, B, C))) == {B, C}
    assert hide({N: 60, A: 52, B: None, C: None}, Sum(N, (A, B, C))) == {A, B, C}
    assert hide({N: 60, A: 40, B: 15, C: None}, Sum(N, (A, B, C))) == {B, C}


def test_a_minimum_of_one_hides_nothing():
    assert hide({N: 3, A: 1, B: 2}, Sum(N, (A, B)), minimum=1) == set()


def test_hidden_counts_must_leave_room_for_each_other():
    """Eleven hidden counts that add up to 11 would all be 1, because a 0 would be shown."""
    ones = {(str(number),): 1 for number in range(11)}
    values = {**ones, A: 40, B: 50}
    assert hide(values, Sum(None, tuple(values))) == {*ones, A}


def solutions(total, shown, limits):
    """Every way to fill the hidden counts of a sum within the limits that their marks give."""
    left = total - sum(shown)
    ranges = [range(low, min(high, left) + 1) for low, high in limits]
    return [cells for cells in product(*ranges) if sum(cells) == left]


counts = st.lists(st.integers(0, 14), min_size=2, max_size=4)


@given(counts, st.integers(2, 8), st.booleans())
def test_by_trying_every_value_no_hidden_count_is_certain(members, minimum, zero_is_shown):
    keys = [(str(position),) for position in range(len(members))]
    total = sum(members)
    hidden = hide(
        {N: total, **dict(zip(keys, members, strict=True))},
        Sum(N, tuple(keys)),
        minimum=minimum,
        zero_is_shown=zero_is_shown,
    )
    shown = [member for key, member in zip(keys, members, strict=True) if key not in hidden]
    assert not any(is_small(member, minimum, zero_is_shown=zero_is_shown) for member in shown)
    n_hidden = len(members) - len(shown)
    if N in hidden or not n_hidden:
        return
    filled = solutions(total, shown, [(int(zero_is_shown), total)] * n_hidden)
    for place in range(n_hidden):
        found = {cells[place] for cells in filled}
        assert set(range(int(zero_is_shown), minimum)) <= found  # as far as the sum says, it may be anything small
        assert max(found) >= minimum


@given(counts, st.integers(2, 8))
def test_by_trying_every_value_the_marks_say_no_more_than_they_say(members, minimum):
    keys = [(str(position),) for position in range(len(members))]
    values = {N: sum(members), **dict(zip(keys, members, strict=True))}
    given_counts = Counts(values, (Sum(N, tuple(keys)),))
    hidden = hidden_counts(given_counts, minimum)
    marked = marked_counts(given_counts, hidden, minimum)
    assert all(0 < values[key] < minimum for key in marked)
    if N in hidden:
        return
    places = [key for key in keys if key in hidden]
    # A reader takes "hidden" beside a mark for "not small"; without any mark it says nothing.
    least = minimum if marked else 1
    limits = [(1, minimum - 1) if key in marked else (least, values[N]) for key in places]
    shown = [values[key] for key in keys if key not in hidden]
    filled = solutions(values[N], shown, limits)
    for place, key in enumerate(places):
        if key in marked:
            assert {cells[place] for cells in filled} == set(range(1, minimum))


@given(counts, st.integers(2, 8), st.integers(0, 6), st.booleans())
def test_a_higher_minimum_never_shows_more(members, minimum, more, zero_is_shown):
    keys = [(str(position),) for position in range(len(members))]
    values = {N: sum(members), **dict(zip(keys, members, strict=True))}
    lower = hide(values, Sum(N, tuple(keys)), minimum=minimum, zero_is_shown=zero_is_shown)
    higher = hide(values, Sum(N, tuple(keys)), minimum=minimum + more, zero_is_shown=zero_is_shown)
    assert lower <= higher


@given(counts, st.integers(2, 8))
def test_hiding_again_hides_nothing_more(members, minimum):
    keys = [(str(position),) for position in range(len(members))]
    values = {N: sum(members), **dict(zip(keys, members, strict=True))}
    once = hide(values, Sum(N, tuple(keys)), minimum=minimum)
    left = {key: None if key in once else value for key, value in values.items()}
    assert hide(left, Sum(N, tuple(keys)), minimum=minimum) == once
