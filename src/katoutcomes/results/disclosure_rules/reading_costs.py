"""What readers lose where a count is hidden, so that of several counts that would do the cheapest goes.

The cost of a count is the number of printed estimates that go with it: those that rest on it and those that state it,
and those of all counts that are hidden after it. An estimate about everybody counts as twenty, one that can stay
without its number of patients as a tenth. How many patients the cohort has is what a reader asks first: what states or
needs that number counts twice. A rate counts nothing beside the count of events that it is made of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from katoutcomes.results.disclosure_rules.small_cells import Key
from katoutcomes.results.estimate import Estimate

OF_EVERYBODY = 20.0
OF_A_GROUP = 1.0
OF_A_CELL = 0.5
"""A count of a part, such as a bin of a figure."""
OF_A_NUMBER_ALONE = 0.1
"""An estimate that stays where its number of patients goes."""
OF_THE_COHORT = 2.0
"""How many times dearer the number of all patients of the cohort is."""

_TOLD_BY_RATE = frozenset({"events", "adverse events"})
"""All events of a report or of a quarter, of which readers are told the rate; of kinds, the patients who had them."""


def reading_cost(estimate: Estimate) -> float:
    """Return what one printed estimate is worth.

    Examples
    --------
    >>> reading_cost(Estimate(term="change", measure="mean change", subgroup="site: North"))
    1.0
    >>> reading_cost(Estimate(term="kind of event, nausea", measure="event rate"))
    0.0
    """
    if estimate.measure == "event rate" and estimate.term not in _TOLD_BY_RATE:
        return 0.0
    return OF_A_GROUP if estimate.subgroup else OF_EVERYBODY


def costs_with_followers(own: Mapping[Key, float], follows: Sequence[tuple[Key, Key]]) -> dict[Key, float]:
    """Return, for each count, its own cost and those of everything that is hidden after it.

    Examples
    --------
    >>> n, share = ("n",), ("share",)
    >>> costs_with_followers({n: 2.0, share: 1.0}, [(n, share)])[n]
    3.0
    """
    after: dict[Key, set[Key]] = {}
    for first, second in follows:
        after.setdefault(first, set()).add(second)

    def reached(key: Key) -> set[Key]:
        found, waiting = {key}, [key]
        while waiting:
            for other in after.get(waiting.pop(), ()):
                if other not in found:
                    found.add(other)
                    waiting.append(other)
        return found

    return {key: _total(own, reached(key)) if key in after else cost for key, cost in own.items()}


def _total(own: Mapping[Key, float], keys: Iterable[Key]) -> float:
    return sum(own.get(key, 0.0) for key in sorted(keys))
