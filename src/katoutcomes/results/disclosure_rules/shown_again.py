"""What was hidden on the way and need not be: counts are shown again where nothing hidden follows from them.

One count is hidden after the other, each because of those before it, and what is hidden last often does what an earlier
one was hidden for. So each hidden count that is not small is asked for once more at the end, the dearest first: it is
shown if every sum still leaves enough unknown and every feasible interval stays open.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, field

from katoutcomes.results.disclosure_rules.close_counts import Limits, first_too_close
from katoutcomes.results.disclosure_rules.feasible_intervals import Component, components
from katoutcomes.results.disclosure_rules.published_model import published_model
from katoutcomes.results.disclosure_rules.report_names import BINS
from katoutcomes.results.disclosure_rules.score_bounds import AtLeast
from katoutcomes.results.disclosure_rules.small_cells import Counts, Key, Sum, gives_away, is_small
from katoutcomes.results.disclosure_rules.solutions_met import Solutions


def without_needless(
    counts: Counts, at_least: Sequence[AtLeast], limits: Limits, hidden: frozenset[Key], kept: Set[Key]
) -> frozenset[Key]:
    """Return what stays hidden of some counts that are hidden together and give nothing away.

    Parameters
    ----------
    counts : Counts
        Counts, their sums and what is hidden after what.
    at_least : sequence of AtLeast
        What holds what.
    limits : Limits
        What may not follow.
    hidden : frozenset of Key
        What is hidden, from which nothing follows.
    kept : set of Key
        Counts that stay hidden whatever they are.
    """
    search = _Search(counts, at_least, limits)
    for key in sorted(hidden - kept, key=lambda one: (-counts.costs.get(one, 1.0), one)):
        shown = search.shown_with(key, hidden) if key in hidden else frozenset()
        if shown and not shown & kept and search.stays_closed(hidden - shown, shown):
            hidden -= shown
    return hidden


_RESTS_ON = "analyzed"
"""Word in the names of what an estimate of one result alone rests on."""


@dataclass(frozen=True, slots=True)
class _Search:
    """Counts whose showing is tried."""

    counts: Counts
    at_least: Sequence[AtLeast]
    limits: Limits
    sums_of: dict[Key, list[Sum]] = field(default_factory=dict)
    before: dict[Key, list[Key]] = field(default_factory=dict)
    """Count → those that it is hidden after."""

    def __post_init__(self) -> None:
        for relation in self.counts.sums:
            for key in {*relation.members, *(() if relation.total is None else (relation.total,))}:
                self.sums_of.setdefault(key, []).append(relation)
        for first, second in self.counts.follows:
            self.before.setdefault(second, []).append(first)

    def shown_with(self, key: Key, hidden: frozenset[Key]) -> frozenset[Key]:
        """Return a hidden count with those that it is hidden after; nothing where one of them cannot be shown."""
        found, waiting = {key}, [key]
        while waiting:
            one = waiting.pop()
            if not self._can_be_shown(one):
                return frozenset()
            more = [other for other in self.before.get(one, ()) if other in hidden and other not in found]
            found.update(more)
            waiting += more
        return frozenset(found)

    def _can_be_shown(self, key: Key) -> bool:
        value, limits = self.counts.values[key], self.limits
        stays = value is None or is_small(value, limits.minimum_cell, zero_is_shown=limits.zero_is_shown)
        # A bin costs nothing that is printed, and there are many. What a result rests on may be one count with another
        # result's as long as both are known: once that one is hidden nobody could tell, so it stays hidden as well.
        return not stays and key[0] != BINS and _RESTS_ON not in key

    def stays_closed(self, hidden: frozenset[Key], shown: frozenset[Key]) -> bool:
        """Return whether nothing follows once some counts are shown: first sum by sum, then of all sums at once."""
        values, limits = self.counts.values, self.limits
        relations = (relation for key in shown for relation in self.sums_of.get(key, ()))
        if any(
            gives_away(values, relation, hidden, limits.minimum_cell, zero_is_shown=limits.zero_is_shown)
            for relation in relations
        ):
            return False
        return not any(self._is_too_close(component) for component in self._around(hidden, shown))

    def _around(self, hidden: frozenset[Key], shown: frozenset[Key]) -> list[Component]:
        """Return what hangs together with counts that are shown."""
        limits = self.limits
        model = published_model(
            self.counts,
            self.counts.sums,
            self.at_least,
            hidden,
            zero_is_shown=limits.zero_is_shown,
            rounding=limits.rounding,
        )
        found = components(model.before, model.equations)
        return [one for one in found if any(shown & set(equation.shown) for equation in one.equations)]

    def _is_too_close(self, component: Component) -> bool:
        asked = [key for key in component.before if key[0] != BINS]
        if not asked:
            return False
        reading = Solutions().reading(component, self.counts.solution)
        return reading is None or first_too_close(reading, asked, self.limits) is not None
