"""What readers lose where a count is hidden, so that of several counts that would do the cheapest goes.

The cost of a count is the number of printed estimates that go with it: those that rest on it and those that state it,
and those of all counts that are hidden after it. An estimate about everybody counts as twenty, one that can
stay without its number of patients as a tenth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from katoutcomes.results.disclosure_rules.small_cells import Key

OF_EVERYBODY = 20.0
OF_A_GROUP = 1.0
OF_A_CELL = 0.5
"""A count of a part, such as a bin of a figure."""
OF_A_NUMBER_ALONE = 0.1
"""An estimate that stays where its number of patients goes."""


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
