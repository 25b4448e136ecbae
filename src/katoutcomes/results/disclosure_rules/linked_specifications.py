"""The counts of a multiverse: the same patients under other windows, whose numbers may differ by a few.

A wider window holds everybody whom a narrower one holds, and those few whose score lies between the two. The numbers of
patients of two such specifications can be subtracted, so that few are hidden like any other rest. Specifications with
the same windows rest on the same patients, whatever score of the window they take.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from katoutcomes.results.disclosure_rules.small_cells import Key, Sum
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Cell, Part

PART = "specifications"
PREFIX = "specification "
_ENDS = frozenset({"smallest of the specifications", "largest of the specifications"})
_OF_MAIN = frozenset({"median of the specifications", "same side", "same side, interval excludes"})


def is_of_multiverse(estimate: Estimate) -> bool:
    """Return whether an estimate is one of a multiverse."""
    return estimate.term.startswith(PREFIX) or estimate.term in _ENDS | _OF_MAIN


def multiverse_n_key(estimate: Estimate) -> Key:
    """Return the key of the patients behind an estimate: those of its specification, or of the main one."""
    if estimate.term in _ENDS:
        return ("specification", "", "", estimate.term, "")
    return _key(1 if estimate.term in _OF_MAIN else int(estimate.term.removeprefix(PREFIX).split(",")[0]))


def _key(number: int) -> Key:
    return ("specification", "", "", str(number), "")


def follows_of_specifications(part: Part, values: Mapping[Key, int | None]) -> Iterator[tuple[Key, Key]]:
    """Yield what is hidden with what: equal numbers of the same windows, and both ends with any specification."""
    for numbers in _by_windows(part).values():
        for one, other in combinations(map(_key, numbers), 2):
            if values.get(one) is not None and values.get(one) == values.get(other):
                yield one, other
                yield other, one
    for number in range(1, len(part.rows) + 1):
        yield from ((_key(number), ("specification", "", "", end, "")) for end in sorted(_ENDS))


def sums_of_specifications(part: Part, values: Mapping[Key, int | None]) -> Iterator[Sum]:
    """Yield, for each two specifications of which one holds the other, the larger as the smaller and a rest.

    The later of the two is given up.
    """
    first_of = {windows: numbers[0] for windows, numbers in _by_windows(part).items()}
    for (windows, number), (other_windows, other) in combinations(first_of.items(), 2):
        pair = _nested((windows, number), (other_windows, other))
        if pair is None:
            continue
        wide, narrow = map(_key, pair)
        if values.get(wide) != values.get(narrow):
            yield Sum(wide, (narrow,), has_remainder=True, give_up_first=(_key(max(number, other)),))
    yield from _sums_of_definitions(part, values)


def _sums_of_definitions(part: Part, values: Mapping[Key, int | None]) -> Iterator[Sum]:
    """Yield, for each two definition sets under the same choices, the larger share as the smaller and a rest.

    They differ in a threshold, so one holds the other; the later is given up.
    """
    counted = {key[3]: key for key in values if key[0] == "counted" and key[3].startswith(PREFIX)}
    place = part.columns.index("definition_set")
    terms: dict[tuple[Cell, ...], list[Key]] = {}
    for row, term in zip(part.rows, part.column("term"), strict=True):
        choices = (*row[2:place], *row[place + 1 :])
        if term in counted:
            terms.setdefault(choices, []).append(counted[str(term)])
    for keys in terms.values():
        for first, later in combinations(keys, 2):
            n_first, n_later = values[first], values[later]
            if n_first is not None and n_later is not None and n_first != n_later:
                small, large = (first, later) if n_first < n_later else (later, first)
                yield Sum(large, (small,), has_remainder=True, give_up_first=(later,))


_Windows = tuple[Cell, ...]


def _by_windows(part: Part) -> dict[_Windows, list[int]]:
    """Return the numbers of the specifications that share every window and the gap rule, in their order."""
    names = ("baseline_first_day", "baseline_last_day", "first_day", "last_day", "gap_days")
    found: dict[_Windows, list[int]] = {}
    for number, windows in enumerate(zip(*(part.column(name) for name in names), strict=True), start=1):
        found.setdefault(windows, []).append(number)
    return found


def _nested(one: tuple[_Windows, int], other: tuple[_Windows, int]) -> tuple[int, int] | None:
    """Return the number of the wider and of the narrower specification, None where neither holds the other."""
    for (wide, number), (narrow, its_number) in ((one, other), (other, one)):
        days = [int(day or 0) for day in (*wide, *narrow)]
        (first, last, visit_first, visit_last, gap), inner = days[:5], days[5:]
        holds_baseline = first <= inner[0] and inner[1] <= last
        holds_visit = visit_first <= inner[2] and inner[3] <= visit_last
        if holds_baseline and holds_visit and gap == inner[4]:
            return number, its_number
    return None
