"""Everything that is published as linear constraints on what is hidden: the view of somebody who can subtract."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass

from katoutcomes.results.disclosure_rules.feasible_intervals import REST, Equation, Interval
from katoutcomes.results.disclosure_rules.report_names import BINS
from katoutcomes.results.disclosure_rules.score_bounds import AtLeast
from katoutcomes.results.disclosure_rules.small_cells import Counts, Key, Sum


@dataclass(frozen=True, slots=True)
class PublishedModel:
    """Hidden counts with what is known of each, and the equations between them.

    Attributes
    ----------
    before : mapping of Key to Interval
        Each hidden count, and what each sum leaves, without any equation.
    equations : tuple of Equation
        Sums that hold hidden counts.
    rounding : int
        Shown counts are multiples of this; 1 where they are shown as they are.
    """

    before: Mapping[Key, Interval]
    equations: tuple[Equation, ...]
    rounding: int = 1


def rest_of(relation: Sum) -> Key:
    """Return the name of what a sum leaves."""
    whole = relation.total or ("",)
    return (REST, *whole, "less", *(word for member in relation.members for word in member))


def published_model(
    counts: Counts,
    sums: Sequence[Sum],
    at_least: Sequence[AtLeast],
    hidden: Set[Key],
    *,
    zero_is_shown: bool = True,
    rounding: int = 1,
) -> PublishedModel:
    """Return what somebody knows who has everything that is shown and knows what adds up.

    Parameters
    ----------
    counts : Counts
        The counts; the values of those in `hidden` are not used.
    sums : sequence of Sum
        What adds up.
    at_least : sequence of AtLeast
        What holds what.
    hidden : set of Key
        The counts that are not shown.
    zero_is_shown : bool
        Whether a hidden count must be at least 1.
    rounding : int
        Shown counts are multiples of this.
    """
    before: dict[Key, Interval] = {}
    nobody = perhaps_nobody(counts)
    for key in counts.values:
        if key in hidden:
            is_somebody = zero_is_shown and key not in nobody and _is_somebody(counts, key)
            before[key] = Interval(1.0 if is_somebody else 0.0, math.inf)
    equations: list[Equation] = []
    for relation in sums:
        if not can_be_true(counts, relation):
            continue
        equation = equation_of(counts, relation, hidden, rounding)
        if equation is None:
            continue
        equations.append(equation)
        for key in equation.signs:
            before.setdefault(key, Interval(0.0, math.inf))
    limits = (inequality_of(counts, holds, hidden, rounding) for holds in at_least)
    equations += (limit for limit in limits if limit is not None)
    return PublishedModel(before, tuple(equations), rounding)


def is_there(key: Key) -> bool:
    """Return whether a count that is hidden is seen to be there; a bin that is left out may hold nobody."""
    return key[0] != BINS and "cell" not in key


def perhaps_nobody(counts: Counts) -> Set[Key]:
    """Return unknown counts of a result that were hidden because another one is, such as a share of hidden patients.

    When they were hidden it was known which of them are nobody. Those of an earlier release have never been held
    against what is about to leave, so they are taken to be somebody.
    """
    values, after = counts.values, ((first, second) for first, second in counts.follows if second not in counts.fixed)
    return {second for first, second in after if values.get(first, 0) is None and values.get(second, 0) is None}


def _is_somebody(counts: Counts, key: Key) -> bool:
    """Return whether a hidden count is taken to be at least 1.

    One that is hidden because another one is, such as a share of hidden patients, may be nobody for all a reader knows.
    Whoever guesses that it is not must learn nothing either, so what is somebody is held to be known to be.
    """
    value = counts.values[key]
    likely = counts.likely.get(key, 1.0) if value is None else value
    return is_there(key) and likely >= 1


def can_be_true(counts: Counts, relation: Sum) -> bool:
    """Return whether a sum holds as far as its counts are known.

    Levels of a variable are added up without those whose level is unknown, to be on the safe side sum by sum. Here one
    such sum would leave no solution, and what has none protects nothing.
    """
    known = [counts.values[key] for key in relation.members]
    total = None if relation.total is None else counts.values[relation.total]
    if total is None or None in known:
        return True
    rest = total - sum(value or 0 for value in known)
    return rest == 0 or (rest > 0 and relation.has_remainder)


def equation_of(counts: Counts, relation: Sum, hidden: Set[Key], rounding: int) -> Equation | None:
    """Return a sum with what is shown on the right, None where it says nothing of what is hidden."""
    if relation.total is None:
        return None
    signs = {relation.total: 1} if relation.total in hidden else {}
    signs |= {key: -1 for key in relation.members if key in hidden}
    if not signs and not (relation.has_remainder and rounding > 1):
        return None
    if relation.has_remainder or not relation.is_listed:
        signs[rest_of(relation)] = -1
    shown = {
        key: 1 if key == relation.total else -1 for key in (relation.total, *relation.members) if key not in hidden
    }
    constant = -sum(sign * _shown(counts, key, rounding) for key, sign in shown.items())
    slack = _slack(counts, shown, rounding)
    return Equation(signs, constant - slack, constant + slack, shown)


def inequality_of(counts: Counts, holds: AtLeast, hidden: Set[Key], rounding: int) -> Equation | None:
    """Return a count less the shown counts that it holds, which is not below 0; bins that are hidden are not used."""
    parts = tuple(key for key in holds.parts if key not in hidden or key[0] != BINS)
    signs = {holds.whole: 1} if holds.whole in hidden else {}
    signs |= {key: -1 for key in parts if key in hidden}
    if not signs:
        return None
    shown = {key: 1 if key == holds.whole else -1 for key in (holds.whole, *parts) if key not in hidden}
    constant = -sum(sign * _shown(counts, key, rounding) for key, sign in shown.items())
    return Equation(signs, constant - _slack(counts, shown, rounding), math.inf, shown)


def _slack(counts: Counts, shown: Iterable[Key], rounding: int) -> int:
    """Return by how much rounded counts can differ from their sum; a 0 that is shown is nobody."""
    return sum(rounding // 2 for key in shown if counts.values[key])


def _shown(counts: Counts, key: Key, rounding: int) -> int:
    return rounded_count(counts.values[key] or 0, rounding)


def rounded_count(count: int, rounding: int) -> int:
    """Return a count as it is shown: the nearest multiple, halves upwards.

    Examples
    --------
    >>> [rounded_count(count, 5) for count in (12, 13, 17)]
    [10, 15, 15]
    """
    return count if rounding <= 1 else (2 * count + rounding) // (2 * rounding) * rounding
