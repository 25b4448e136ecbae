"""What a release hides is needed: of a table with its margins nothing more could be shown, and nothing follows."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from katoutcomes.results.disclosure_rules.close_counts import Limits
from katoutcomes.results.disclosure_rules.complementary import HiddenCounts, hidden_in_report
from katoutcomes.results.disclosure_rules.feasible_intervals import components
from katoutcomes.results.disclosure_rules.published_model import published_model
from katoutcomes.results.disclosure_rules.reading_costs import reading_cost
from katoutcomes.results.disclosure_rules.report_counts import ReportCounts
from katoutcomes.results.disclosure_rules.shown_again import without_needless
from katoutcomes.results.disclosure_rules.small_cells import Counts, Key, Sum, hidden_at, is_small
from katoutcomes.results.disclosure_rules.solutions_met import feasible_intervals
from katoutcomes.results.estimate import Estimate

LIMITS = Limits(11)


def table(seed: int) -> ReportCounts:
    """Three groups by four classes with their margins; what a reader loses with each count is drawn as well."""
    rng = np.random.default_rng(seed)
    cells = rng.integers(0, 30, (3, 4))
    values: dict[Key, int | None] = {("cell of", str(i), str(j)): int(cells[i, j]) for i in range(3) for j in range(4)}
    values |= {("row", str(i)): int(cells[i].sum()) for i in range(3)}
    values |= {("column", str(j)): int(cells[:, j].sum()) for j in range(4)}
    values["all",] = int(cells.sum())
    sums = [Sum(("row", str(i)), tuple(("cell of", str(i), str(j)) for j in range(4))) for i in range(3)]
    sums += [Sum(("column", str(j)), tuple(("cell of", str(i), str(j)) for i in range(3))) for j in range(4)]
    sums += [Sum(("all",), tuple(key for key in values if key[0] == name)) for name in ("row", "column")]
    costs = {key: float(rng.integers(1, 20)) for key in values}
    return ReportCounts(Counts(values, tuple(sums), (), costs), (), (), (), costs)


def hidden(report: ReportCounts, minimum: int = 11) -> HiddenCounts:
    return hidden_in_report(report, Limits(minimum))


def gives_something_away(report: ReportCounts, keys: frozenset[Key]) -> bool:
    """Whether a rule of a single sum would hide more, or the feasible interval of any count is too close."""
    if hidden_at(report.counts, 11, keys) != keys:
        return True
    model = published_model(report.counts, report.counts.sums, (), keys)
    found = [feasible_intervals(component) for component in components(model.before, model.equations)]
    return any(one is None or any(LIMITS.is_too_close(key, interval) for key, interval in one.items()) for one in found)


@pytest.mark.parametrize("seed", range(8))
def test_nothing_follows_and_nothing_more_could_be_shown(seed: int) -> None:
    report = table(seed)
    keys = hidden(report).keys
    assert keys
    assert not gives_something_away(report, keys)
    for key in keys:
        assert is_small(report.counts.values[key], 11) or gives_something_away(report, keys - {key})


def test_what_was_hidden_in_vain_is_shown_again() -> None:
    """Everything was hidden; what need not be is shown, and what is to be kept is not."""
    report = table(0)
    every = frozenset(report.counts.values)
    left = without_needless(report.counts, (), LIMITS, every, frozenset())
    assert left < every
    assert not gives_something_away(report, left)
    kept = frozenset({("all",)})
    assert kept <= without_needless(report.counts, (), LIMITS, every, kept)


def test_what_is_hidden_after_another_is_shown_with_it_alone() -> None:
    n, share, other = ("n",), ("share",), ("other",)
    counts = Counts({n: 60, share: 30, other: 3}, (), ((n, share), (other, share)))
    assert without_needless(counts, (), LIMITS, frozenset({n, share}), frozenset()) == frozenset()
    # The 3 is small, so it stays hidden, and so does what is hidden after it.
    assert without_needless(counts, (), LIMITS, frozenset({n, share, other}), frozenset()) == {share, other}


@pytest.mark.parametrize("seed", range(3))
def test_a_higher_minimum_hides_no_less(seed: int) -> None:
    found = [hidden(table(seed), minimum).keys for minimum in (1, 3, 5, 8, 10, 11, 12, 15, 30)]
    assert found[0] == frozenset()
    assert all(lower <= higher for lower, higher in pairwise(found))
    assert found[2] < found[-1]


def test_a_rate_of_a_kind_costs_nothing_beside_its_count() -> None:
    def cost(term: str) -> float:
        return reading_cost(Estimate(term=term, measure="event rate"))

    assert (cost("kind of event, nausea"), cost("events, severe"), cost("events")) == (0.0, 0.0, 20.0)
