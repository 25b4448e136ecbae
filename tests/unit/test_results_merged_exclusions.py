"""Small exclusions of a flow are put together until none is small; the sums hold and reasons are kept."""

from hypothesis import given
from hypothesis import strategies as st

from katoutcomes.results.disclosure_rules.merged_exclusions import merge_small_exclusions
from katoutcomes.results.part import Part

COLUMNS = ("order", "kind", "step", "reason", "group", "visit", "n_patients")


def flow(first, *exclusions, visits=()):
    """A flow from `first` patients by the numbers excluded at steps 1, 2, …"""
    rows = [("stage", "step 0", "", "", "", first)]
    for number, n_excluded in enumerate(exclusions, start=1):
        first -= n_excluded
        rows.append(("excluded", f"step {number}", f"reason {number}", "", "", n_excluded))
        rows.append(("stage", f"step {number}", "", "", "", first))
    rows += [("visit", "scored at visit", "", "", name, n_scored) for name, n_scored in visits]
    return Part("flow", COLUMNS, tuple((order, *row) for order, row in enumerate(rows)))


def steps(part):
    return [(row[1], row[3] or row[2], row[6]) for row in part.rows]


def excluded(part):
    return [row[6] for row in part.rows if row[1] == "excluded"]


def test_large_and_empty_exclusions_stay_as_they_are():
    part = flow(100, 20, 0, 15, visits=(("week 4", 30),))
    assert merge_small_exclusions(part, 11) == (part, frozenset())


def test_a_small_exclusion_joins_the_next_one():
    merged, left_out = merge_small_exclusions(flow(100, 4, 20, 30), 11)
    assert steps(merged) == [
        ("stage", "step 0", 100),
        ("excluded", "reason 1; reason 2", 24),
        ("stage", "step 2", 76),
        ("excluded", "reason 3", 30),
        ("stage", "step 3", 46),
    ]
    assert left_out == {"step 1"}
    assert merged.column("order") == (0, 1, 2, 3, 4)  # no gap tells of a step left out


def test_the_last_one_joins_the_one_before():
    merged, left_out = merge_small_exclusions(flow(100, 20, 30, 4), 11)
    assert steps(merged)[-2:] == [("excluded", "reason 2; reason 3", 34), ("stage", "step 3", 46)]
    assert left_out == {"step 2"}


def test_several_small_ones_are_put_together_until_they_are_enough():
    merged, left_out = merge_small_exclusions(flow(100, 4, 0, 5, 3, 40), 11)
    assert excluded(merged) == [12, 40]
    assert left_out == {"step 1", "step 2", "step 3"}


def test_a_lone_small_exclusion_is_left_to_the_caller():
    merged, left_out = merge_small_exclusions(flow(100, 4), 11)
    assert excluded(merged) == [4]
    assert left_out == set()
    merged, left_out = merge_small_exclusions(flow(100, 4, 3), 11)
    assert excluded(merged) == [7]
    assert left_out == {"step 1"}


def test_rows_of_visits_follow_unchanged():
    merged, _ = merge_small_exclusions(flow(100, 4, 20, visits=(("week 4", 30),)), 11)
    assert merged.rows[-1] == (3, "visit", "scored at visit", "", "", "week 4", 30)


def test_a_hidden_exclusion_stays_hidden_when_it_is_merged():
    part = flow(100, 4, 20)
    rows = list(part.rows)
    rows[3] = (*rows[3][:6], None)
    part = Part("flow", COLUMNS, tuple(rows), suppressed=((3, 6),))
    merged, _ = merge_small_exclusions(part, 11)
    assert excluded(merged) == [None]
    assert merged.suppressed == ((1, 6),)
    assert merged.below_minimum == ()


exclusions = st.lists(st.integers(0, 30), min_size=1, max_size=6)


@given(exclusions, st.integers(0, 40), st.integers(1, 15))
def test_sums_hold_and_nothing_small_is_left(taken, left, minimum):
    part = flow(sum(taken) + left, *taken)
    merged, _ = merge_small_exclusions(part, minimum)
    remaining = merged.rows[0][6]
    for before, after in zip(merged.rows[1::2], merged.rows[2::2], strict=True):
        remaining -= before[6]
        assert (before[1], after[1]) == ("excluded", "stage")
        assert remaining == after[6]
    assert sum(excluded(merged)) == sum(taken)
    assert all(not 0 < count < minimum for count in excluded(merged)) or len(excluded(merged)) == 1
    reasons = [reason for row in merged.rows if row[1] == "excluded" for reason in str(row[3]).split("; ")]
    assert reasons == [f"reason {number}" for number in range(1, len(taken) + 1)]


@given(exclusions, st.integers(1, 12), st.integers(0, 8))
def test_a_higher_minimum_shows_no_stage_that_a_lower_one_leaves_out(taken, minimum, more):
    part = flow(sum(taken) + 50, *taken)
    lower, higher = (merge_small_exclusions(part, number)[1] for number in (minimum, minimum + more))
    assert lower <= higher
    merged = merge_small_exclusions(part, minimum)[0]
    assert merge_small_exclusions(merged, minimum) == (merged, frozenset())
