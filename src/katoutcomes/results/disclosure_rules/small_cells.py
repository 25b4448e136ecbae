"""Which counts must be hidden so that no small one is shown and none follows from a sum. Counts only, no records.

Suppression of a count is worth nothing if it can be worked out: 40 patients of whom 37 improved leaves 3. Every sum
that a reader can form is therefore written down as a `Sum`, and counts are hidden until each sum leaves at least two
unknown counts with so large a total that each of them may still be anything from 1 to the minimum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field

Key = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sum:
    """A total and the counts that add up to it.

    Attributes
    ----------
    total : Key or None
        Key of the total; None where it is printed nowhere in the result, but may be known from elsewhere.
    members : tuple of Key
        Keys of the printed counts.
    has_remainder : bool
        Whether the members leave a rest that is printed nowhere, such as those who did not respond.
    give_up_first : tuple of Key
        What to hide before anything else, in this order: the number that readers need least.
    is_listed : bool
        Whether hidden members can be seen to be there. Each of them is then known to be at least 1.
    """

    total: Key | None
    members: tuple[Key, ...]
    has_remainder: bool = False
    give_up_first: tuple[Key, ...] = ()
    is_listed: bool = True


def levels_of(relation: Sum) -> frozenset[str]:
    """Return the levels of a variable that a sum is over, nothing for every other sum."""
    levels = frozenset(member[-1] for member in relation.members)
    return levels if all(": " in level for level in levels) else frozenset()


@dataclass(frozen=True, slots=True)
class Counts:
    """All counts of a result and what ties them together.

    Attributes
    ----------
    values : mapping of Key to int or None
        The counts; None where an earlier release has hidden one.
    sums : sequence of Sum
        Every sum that a reader can form.
    follows : sequence of (Key, Key)
        If the first is hidden, so is the second.
    costs : mapping of Key to float
        What is lost to readers where a count is hidden; 1 for those that are not named. See `reading_costs.py`.
    fixed : frozenset of Key
        Counts that have left the clinic before and can no longer be hidden.
    likely : mapping of Key to float
        What the counts that are None can be, all at once. See `unknown_counts.py`.
    """

    values: Mapping[Key, int | None]
    sums: Sequence[Sum]
    follows: Sequence[tuple[Key, Key]] = ()
    costs: Mapping[Key, float] = field(default_factory=dict)
    fixed: frozenset[Key] = frozenset()
    likely: Mapping[Key, float] = field(default_factory=dict)

    @property
    def solution(self) -> dict[Key, float | None]:
        """The counts as they are, and what those that are None can be: this fulfills all that a reader knows."""
        return {**self.values, **self.likely}


def is_small(count: int | None, minimum_cell: int, *, zero_is_shown: bool = True) -> bool:
    """Return whether a count may not be shown.

    Examples
    --------
    >>> [is_small(count, 11) for count in (0, 1, 10, 11, None)]
    [False, True, True, False, False]
    """
    if count is None:
        return False
    return 0 < count < minimum_cell or (count == 0 and not zero_is_shown)


def hidden_counts(counts: Counts, minimum_cell: int, *, zero_is_shown: bool = True) -> frozenset[Key]:
    """Return the keys of the counts to hide.

    Parameters
    ----------
    counts : Counts
        The counts and their sums.
    minimum_cell : int
        The smallest count that may be shown or follow.
    zero_is_shown : bool
        Whether 0 is not small.

    Notes
    -----
    The minimum is raised step by step from 1, and what a lower minimum hides stays hidden, so that a higher minimum
    never shows what a lower one hides.

    Examples
    --------
    Three of forty deteriorated. With them goes the next smallest count, or the three would follow.

    >>> n, better, same, worse = ("n",), ("better",), ("same",), ("worse",)
    >>> counts = Counts({n: 40, better: 25, same: 12, worse: 3}, (Sum(n, (better, same, worse)),))
    >>> sorted(hidden_counts(counts, 11))
    [('same',), ('worse',)]
    """
    hidden: frozenset[Key] = frozenset()
    for minimum in range(1, minimum_cell + 1):
        hidden = hidden_at(counts, minimum, hidden, zero_is_shown=zero_is_shown)
    return hidden


def hidden_at(
    counts: Counts, minimum: int, hidden_before: frozenset[Key], *, zero_is_shown: bool = True
) -> frozenset[Key]:
    """Return what one minimum hides beside what is hidden before: what is small, and what would give it away."""
    hidden = {key for key, value in counts.values.items() if value is None} | hidden_before
    hidden |= {
        key
        for key, value in counts.values.items()
        if is_small(value, minimum, zero_is_shown=zero_is_shown) and key not in counts.fixed
    }
    _close(counts, hidden, minimum, zero_is_shown=zero_is_shown)
    return frozenset(hidden)


def marked_counts(counts: Counts, hidden: frozenset[Key], minimum_cell: int) -> frozenset[Key]:
    """Return the hidden counts that may be shown as ``"<11"`` instead of as "hidden".

    The mark is an upper limit, and where it stands beside "hidden" the other count is known not to be below the
    minimum: of two hidden counts that add up to 12, a "<11" beside a "hidden" would be 1. A small count is marked only
    if each of its sums still lets it be anything from 1 to the minimum less 1.

    Examples
    --------
    >>> n, better, same, worse = ("n",), ("better",), ("same",), ("worse",)
    >>> for few in (1, 10):
    ...     counts = Counts({n: 40 + few, better: 20, same: 20, worse: few}, (Sum(n, (better, same, worse)),))
    ...     sorted(marked_counts(counts, hidden_counts(counts, 11), 11))
    [('worse',)]
    [('worse',)]
    >>> counts = Counts({n: 40, better: 28, same: 11, worse: 1}, (Sum(n, (better, same, worse)),))
    >>> sorted(hidden_counts(counts, 11)), sorted(marked_counts(counts, hidden_counts(counts, 11), 11))
    ([('same',), ('worse',)], [])
    """
    marked = {key for key in hidden if is_small(counts.values[key], minimum_cell, zero_is_shown=False)}
    while True:
        given_away: set[Key] = set()
        for relation in counts.sums:
            inside = marked.intersection(relation.members)
            if inside and _mark_gives_away(counts.values, relation, hidden, inside, minimum_cell):
                given_away |= inside
        if not given_away:
            return frozenset(marked)
        marked -= given_away


def _mark_gives_away(
    values: Mapping[Key, int | None], relation: Sum, hidden: frozenset[Key], marked: set[Key], minimum: int
) -> bool:
    """Return whether a marked count of a sum cannot be 1, or cannot be the minimum less 1."""
    if relation.total is not None and relation.total in hidden:
        return False
    rest = _rest(values, relation, set(hidden))
    if rest is None:
        return False
    others = [values[key] for key in relation.members if key in hidden and key not in marked]
    least_of_others = sum(minimum if value is not None and value >= minimum else 1 for value in others)
    cannot_be_large = rest - (minimum - 1) < len(marked) - 1 + least_of_others
    is_open = bool(others) or relation.has_remainder
    cannot_be_one = not is_open and rest - 1 > (len(marked) - 1) * (minimum - 1)
    return cannot_be_large or cannot_be_one


def _close(counts: Counts, hidden: set[Key], minimum: int, *, zero_is_shown: bool) -> None:
    """Hide more until nothing follows; each round hides at least one more count, so this ends."""
    while True:
        n_hidden = len(hidden)
        hidden |= {second for first, second in counts.follows if first in hidden and second not in counts.fixed}
        for relation in counts.sums:
            if gives_away(counts.values, relation, hidden, minimum, zero_is_shown=zero_is_shown):
                hidden |= _next_to_hide(counts, relation, hidden)
        if len(hidden) == n_hidden:
            return


def gives_away(
    values: Mapping[Key, int | None], relation: Sum, hidden: Set[Key], minimum: int, *, zero_is_shown: bool
) -> bool:
    """Return whether a hidden or a small count follows from what a sum still shows."""
    hidden_members = [key for key in relation.members if key in hidden]
    total_is_hidden = relation.total is not None and relation.total in hidden
    n_unknown = len(hidden_members) + relation.has_remainder
    if total_is_hidden:
        return n_unknown == 0
    if n_unknown == 0:
        return False
    if n_unknown == 1 and hidden_members:
        return True
    rest = _rest(values, relation, hidden)
    if not hidden_members or rest is None or not zero_is_shown or not relation.is_listed:
        return is_small(rest, minimum, zero_is_shown=zero_is_shown)
    # Where a 0 would be shown, what is hidden is at least 1: eleven hidden counts that add up to 11 are all 1.
    return 0 < rest < minimum - 1 + len(hidden_members)


def _rest(values: Mapping[Key, int | None], relation: Sum, hidden: Set[Key]) -> int | None:
    """Return what the unknown counts of a sum add up to, None where that cannot be said."""
    unknown = [values[key] for key in relation.members if key in hidden]
    if not relation.has_remainder and None not in unknown:
        return sum(value for value in unknown if value is not None)
    total = None if relation.total is None else values[relation.total]
    if total is None:
        return None
    return total - sum(values[key] or 0 for key in relation.members if key not in hidden)


def _next_to_hide(counts: Counts, relation: Sum, hidden: set[Key]) -> set[Key]:
    """Return what costs readers least; of equals what is given up first, the smallest member, the total, a 0."""
    values = counts.values
    shown = [key for key in relation.members if key not in hidden and key not in counts.fixed]
    total = [] if relation.total is None or relation.total in hidden | counts.fixed else [relation.total]
    above_zero = sorted((key for key in shown if values[key]), key=lambda key: values[key] or 0)
    given_up = [key for key in relation.give_up_first if key in total or key in above_zero]
    in_order = [*given_up, *above_zero, *total, *(key for key in shown if not values[key])]
    return {min(in_order, key=lambda key: counts.costs.get(key, 1.0))} if in_order else set()
