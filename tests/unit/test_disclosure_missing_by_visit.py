"""What is hidden of missing scores by visit: nobody can work out how few were last seen at a visit."""

from __future__ import annotations

import pytest

from katoutcomes.results.disclosure_rules.linked_comparison import (
    last_seen_of_comparison,
    sums_of_comparison,
)
from katoutcomes.results.part import Part

ARM = "arm: booked"
SCORED_PART = Part(
    "scored_by_visit",
    ("visit", "target_day", "group", "n_patients"),
    (("week 4", 28, ARM, 80), ("week 8", 56, ARM, 70), ("week 12", 84, ARM, 60)),
)


class Asked:
    parts = (SCORED_PART,)


@pytest.fixture
def values():
    """The counts in the order of a result: the scored of the visit compared come first."""
    missing = {("week 4", "missing, scored later"): 13, ("week 4", "missing, not scored again"): 7}
    missing |= {("week 8", "missing, scored later"): 2, ("week 8", "missing, not scored again"): 28}
    return {
        ("analyzed", "", "", "compared", ARM): 100,
        ("analyzed", "", "week 12", "scored, of those compared", ARM): 60,
        ("analyzed", "", "week 4", "scored, of those compared", ARM): 80,
        ("analyzed", "", "week 8", "scored, of those compared", ARM): 70,
        **{("counted", "", visit, step, ARM): number for (visit, step), number in missing.items()},
    }


def test_who_was_last_seen_at_a_visit_is_counted(values):
    found = dict(last_seen_of_comparison(Asked, values))
    # 28 - 7 were last seen at week 4; 100 - 60 = 40 are missing at week 12, 28 of them at week 8 already.
    assert found == {
        ("counted", "", "week 4", "last score", ARM): 21,
        ("counted", "", "week 8", "last score", ARM): 12,
    }


def test_every_sum_of_the_counts_holds(values):
    known = values | dict(last_seen_of_comparison(Asked, values))
    sums = list(sums_of_comparison(Asked, known))
    assert len([one for one in sums if not one.has_remainder]) == 4
    for one in sums:
        members = sum(known[key] for key in one.members)
        assert members <= known[one.total] if one.has_remainder else members == known[one.total]
