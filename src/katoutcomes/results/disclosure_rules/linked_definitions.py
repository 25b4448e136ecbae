"""Sums between two definitions of one term: of whole scores "more than 5.61 points" and "at least 6" are the same.

Definitions of one class differ in a threshold, so one class holds the other. Where both hold the same patients they are
shown or hidden together, and where one holds a few more, these few are a small cell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from types import MappingProxyType

from katoutcomes.results.disclosure_rules.small_cells import Key, Sum

CLASSES_OF_CHANGE: tuple[str, ...] = ("no reliable change", "reliable improvement", "reliable deterioration")
"""Terms of one definition set whose counts add up to all who have both scores."""

PARTITIONS: tuple[tuple[str, ...], ...] = (
    CLASSES_OF_CHANGE,
    ("no change that matters", "improvement that matters", "deterioration that matters"),
    ("no relative change", "relative improvement", "relative deterioration"),
    ("no reliable change", "reliable improvement", "reliable deterioration", "reliable change both ways"),
    ("same band", "to a milder band", "to a more severe band"),
    ("no move", "moved to the functional side", "moved to the dysfunctional side"),
)
"""Terms of one definition set whose counts add up to `n_patients`; the first is given up first."""

_CLASSES = frozenset(term for partition in PARTITIONS for term in partition)

_SAME_ROLE: Mapping[str, str] = MappingProxyType(
    dict(zip(PARTITIONS[1], PARTITIONS[0], strict=True)) | {"response": "relative improvement"}
)
"""Terms that a threshold alone tells apart: "at least 5 points matter" holds "at least 6 points are reliable"."""

_DEFINITION, _TERM = 1, 3
"""Positions in the keys of `linked_counts`: (what, definition set, visit, term, subgroup)."""


def _same_term(values: Mapping[Key, int | None]) -> Iterator[tuple[Key, Key]]:
    """Yield each two keys that differ in their definition alone, the one that comes first in the result first."""
    defined: dict[Key, list[Key]] = {}
    for key in values:
        if key[0] in {"counted", "analyzed"} and key[_DEFINITION]:
            role = _SAME_ROLE.get(key[_TERM], key[_TERM])
            defined.setdefault((key[0], key[_TERM - 1], role, *key[_TERM + 1 :]), []).append(key)
    for keys in defined.values():
        yield from combinations(keys, 2)


def sums_of_definitions(values: Mapping[Key, int | None]) -> Iterator[Sum]:
    """Yield, for each two definitions of one term, the larger count as the smaller and a rest; the later is given up.

    Examples
    --------
    >>> first, later = (("counted", name, "week 12", "reliable improvement", "") for name in ("a", "b"))
    >>> for relation in sums_of_definitions({first: 40, later: 43}):
    ...     relation.total == later, relation.members == (first,), relation.give_up_first == (later,)
    (True, True, True)
    """
    for first, later in _same_term(values):
        n_first, n_later = values[first], values[later]
        if n_first is not None and n_later is not None and n_first != n_later:
            small, large = (first, later) if n_first < n_later else (later, first)
            yield Sum(large, (small,), has_remainder=True, give_up_first=(later,))


def follows_of_definitions(values: Mapping[Key, int | None]) -> Iterator[tuple[Key, Key]]:
    """Yield what is hidden with what: equal counts with each other, and a class with that of an earlier definition."""
    for first, later in _same_term(values):
        is_equal = values[first] is not None and values[first] == values[later]
        if is_equal or (first[0] == "counted" and first[_TERM] in _CLASSES):
            yield first, later
        if is_equal:
            yield later, first
