"""The release before this one: what both show can be subtracted, so what changed by a few patients is hidden.

What a clinic counts grows: those of the last quarter are among those of this one. A count that both releases name holds
what it was before, and the new ones are the rest, or what is no longer counted where it has become smaller.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from katoutcomes.results.disclosure_rules.linked_counts import stem
from katoutcomes.results.disclosure_rules.published_model import can_be_true, rounded_count
from katoutcomes.results.disclosure_rules.report_counts import ReportCounts
from katoutcomes.results.disclosure_rules.report_names import BINS
from katoutcomes.results.disclosure_rules.score_bounds import AtLeast
from katoutcomes.results.disclosure_rules.small_cells import Counts, Key, Sum, levels_of

EARLIER = "earlier release"
"""First word of the names of counts that were released before."""


def with_earlier_release(report: ReportCounts, earlier: ReportCounts) -> ReportCounts:
    """Return the counts of a report beside those of the release before it, which can no longer be hidden.

    Parameters
    ----------
    report : ReportCounts
        What is about to leave.
    earlier : ReportCounts
        What has left, with None for each count that was hidden.
    """
    before = {_earlier(key): value for key, value in earlier.counts.values.items()}
    now = report.counts.values
    sums = tuple(_sum_of_earlier(one) for one in _sums_of_both(report, earlier))
    between = _between_releases(now, earlier.counts.values)
    counts = Counts(
        {**now, **before},
        (*report.counts.sums, *sums, *between),
        (*report.counts.follows, *((_earlier(first), _earlier(second)) for first, second in earlier.counts.follows)),
        report.counts.costs,
        frozenset(before),
    )
    at_least = tuple(AtLeast(_earlier(one.whole), tuple(map(_earlier, one.parts))) for one in earlier.at_least)
    return replace(
        report,
        counts=counts,
        at_least=(*report.at_least, *at_least),
        given_up=report.given_up | frozenset(_bins_cut_anew(report, earlier)),
    )


def with_rounded_release(
    report: ReportCounts, earlier: ReportCounts, round_to: tuple[int, int], minimum_cell: int
) -> ReportCounts:
    """Return the counts of a report, those given up that have certainly changed by few since a rounded release.

    Sums of rounded counts do not hold, so each count is held against itself alone.

    Parameters
    ----------
    report : ReportCounts
        What is about to leave.
    earlier : ReportCounts
        What has left, rounded.
    round_to : tuple of int
        To which multiples counts are rounded now, and were before.
    minimum_cell : int
        The smallest count that is shown.
    """
    now, before = report.counts.values, earlier.counts.values
    slack = round_to[0] // 2 + round_to[1] // 2

    def has_changed_by_few(key: Key) -> bool:
        n_now, n_before = now[key], before.get(key)
        if n_now is None or n_before is None:
            return False
        change = abs(rounded_count(n_now, round_to[0]) - n_before)
        return change - slack >= 1 and change + slack < minimum_cell

    changed = frozenset(filter(has_changed_by_few, now))
    return replace(report, given_up=report.given_up | changed | frozenset(_bins_cut_anew(report, earlier)))


def _earlier(key: Key) -> Key:
    return (EARLIER, *key)


def _sums_of_both(report: ReportCounts, earlier: ReportCounts) -> Iterator[Sum]:
    """Yield the sums of an earlier release, and those of now that hold and whose counts it names all.

    What was hidden then took sums with it: of a share that is not there it is not told what it was a share of.
    """
    told = dict.fromkeys((*earlier.counts.sums, *earlier.known_of))
    # Groups that are everybody now were everybody before, such as the quarters of all events.
    holding = (one for one in report.counts.sums if not one.has_remainder and can_be_true(report.counts, one))
    adds_up = set(map(_of_levels, holding)) - {None}
    for one in told:
        is_all = (
            one.has_remainder
            and _of_levels(one) in adds_up
            and can_be_true(earlier.counts, replace(one, has_remainder=False))
        )
        yield replace(one, has_remainder=False) if is_all else one
    known = {(one.total, one.members) for one in told}
    names = earlier.counts.values.keys()
    for one in (*report.counts.sums, *report.known_of):
        is_named = one.total in names and all(member in names for member in one.members)
        if is_named and (one.total, one.members) not in known and can_be_true(report.counts, one):
            yield one


def _of_levels(one: Sum) -> tuple[Key | None, frozenset[Key]] | None:
    """Return what a sum over the levels of a variable adds up to, and of which variable; None for every other sum."""
    if one.total is None or not levels_of(one):
        return None
    return one.total, frozenset((*member[:-1], stem(member[-1])) for member in one.members)


def _sum_of_earlier(one: Sum) -> Sum:
    total = None if one.total is None else _earlier(one.total)
    return replace(one, total=total, members=tuple(map(_earlier, one.members)), give_up_first=())


def _between_releases(now: Mapping[Key, int | None], before: Mapping[Key, int | None]) -> Iterator[Sum]:
    """Yield what both releases name, where it is known or to be believed which of the two holds the other."""
    for key in now:
        if key not in before:
            continue
        n_now, n_before = now[key], before[key]
        if n_before is None and "part" in key:  # a row of a part need not be the same row in both
            continue
        yield _between(n_now, n_before, key)


def _between(n_now: int | None, n_before: int | None, key: Key) -> Sum:
    """Return the larger of a count now and before as the smaller and a rest."""
    is_fewer = n_now is not None and n_before is not None and n_now < n_before
    whole, part = (_earlier(key), key) if is_fewer else (key, _earlier(key))
    return Sum(whole, (part,), has_remainder=True)


def _bins_cut_anew(report: ReportCounts, earlier: ReportCounts) -> Iterator[Key]:
    """Yield the bins of scores of instruments whose bins had another width: bins of two widths can be subtracted."""
    widths = _widths(earlier)
    for key in report.counts.values:
        if key[0] == BINS and widths.get(key[1], {_width(key)}) != {_width(key)}:
            yield key


def _widths(report: ReportCounts) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for key in report.counts.values:
        if key[0] == BINS:
            found.setdefault(key[1], set()).add(_width(key))
    return found


def _width(key: Key) -> str:
    """Return the width of a bin at baseline, from its name: bins, instrument, visit, low, high, low, high, group."""
    return f"{float(key[4]) - float(key[3]):g}"
