"""Everything that a report counts, in one place: the counts of its results under common names, with all their sums."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from katoutcomes.results.disclosure_rules.linked_counts import counted_key, linked_counts, n_key, sums_of_groups
from katoutcomes.results.disclosure_rules.reading_costs import (
    OF_A_CELL,
    OF_A_NUMBER_ALONE,
    OF_THE_COHORT,
    costs_with_followers,
    reading_cost,
)
from katoutcomes.results.disclosure_rules.report_names import (
    BINS,
    COHORT,
    PAIRS,
    SHARED,
    WITH_BASELINE,
    Name,
    arms_of_contrast,
    can_lose_its_number,
    contrast_key,
    report_name,
)
from katoutcomes.results.disclosure_rules.score_bounds import AtLeast, at_least_of_bins
from katoutcomes.results.disclosure_rules.small_cells import Counts, Key, Sum, levels_of
from katoutcomes.results.result import ResultRecord

_ALL_PATIENTS: Key = (COHORT, "")


@dataclass(frozen=True, slots=True)
class ReportCounts:
    """The counts of several results that leave the clinic together.

    Attributes
    ----------
    counts : Counts
        Counts, sums and what is hidden after what, under common names.
    known_of : tuple of Sum
        Further sums, whose rest are those of whom something is not known.
    at_least : tuple of AtLeast
        Counts of which shown ones are certainly a part; they tell limits and no sum.
    names : tuple of mapping of Key to Key
        For each result, the common name of each of its counts.
    number_costs : mapping of Key to float
        As `counts.costs`, where estimates that can stay without their number of patients cost little.
    given_up : frozenset of Key
        Counts that are hidden whatever they are.
    """

    counts: Counts
    known_of: tuple[Sum, ...]
    at_least: tuple[AtLeast, ...]
    names: tuple[Mapping[Key, Key], ...]
    number_costs: Mapping[Key, float]
    given_up: frozenset[Key] = frozenset()


def report_counts(results: Sequence[ResultRecord]) -> ReportCounts:
    """Return the counts of results that leave together, under common names.

    Raises
    ------
    DisclosureError
        If a result does not say what it counts.
    """
    counted = [_with_contrasts(linked_counts(result), result) for result in results]
    joined = _Joined()
    for place, (result, counts) in enumerate(zip(results, counted, strict=True)):
        joined.add_shared(place, result, counts)
    for place, (result, counts) in enumerate(zip(results, counted, strict=True)):
        joined.add_own(place, result, counts)
    sums, follows = joined.sums(counted), joined.follows(counted)
    known_of = (*joined.known_of, *_without_baseline(joined.values))
    pairs = {(one.total, one.members) for one in known_of}
    kept = (*(one for one in sums if (one.total, one.members) not in pairs), *joined.nested)
    own, alone = _own_costs(results, joined.names)
    costs, number_costs = (_with_the_cohort(costs_with_followers(one, follows), joined.values) for one in (own, alone))
    counts = Counts(joined.values, kept, follows, costs)
    at_least = tuple(at_least_of_bins(results, joined.names, joined.values))
    return ReportCounts(counts, known_of, at_least, tuple(joined.names), number_costs)


def _with_contrasts(counts: Counts, result: ResultRecord) -> Counts:
    """Return the counts of a result with the patients behind its contrasts, who are those of both arms."""
    values, sums = dict(counts.values), list(counts.sums)
    for estimate in result.estimates:
        key = contrast_key(estimate, result.analysis)
        if key is None or estimate.suppressed or key in values:
            continue
        values[key] = estimate.n_patients
        arms = arms_of_contrast(key, counts.values)
        if arms:
            sums.append(Sum(key, arms))
    return replace(counts, values=values, sums=tuple(sums))


class _Joined:
    """Gathers the counts of one result after the other."""

    def __init__(self) -> None:
        self.values: dict[Key, int | None] = {}
        self.names: list[dict[Key, Key]] = []
        self.nested: list[Sum] = []
        self.known_of: list[Sum] = []

    def add_shared(self, place: int, result: ResultRecord, counts: Counts) -> None:
        """Take the counts that all results name alike."""
        self.names.append({})
        for key, value in counts.values.items():
            name = report_name(key, result)
            if name.key[0] in SHARED and name.other is None:
                self._take(place, key, name.key, value)

    def add_own(self, place: int, result: ResultRecord, counts: Counts) -> None:
        """Take the counts of one result alone; one that equals the count that holds it is that count."""
        for key, value in counts.values.items():
            name = report_name(key, result)
            if name.key[0] in SHARED and name.other is None:
                continue
            if name.other is not None and value is not None and self.values.get(name.other) == value:
                self.names[place][key] = name.other
                continue
            taken = self._take(place, key, name.key, value)
            self._tie(taken, name)

    def _tie(self, taken: Key, name: Name) -> None:
        if name.other is None or name.other not in self.values:
            return
        ends = (taken, name.other) if name.whole is None else (name.other, taken)
        relation = _held(self.values, *ends)
        if relation is not None:
            (self.known_of if name.is_known_of else self.nested).append(relation)

    def _take(self, place: int, key: Key, name: Key, value: int | None) -> Key:
        """Add a count under a name; where another number has the name, under one of its own beside it."""
        known = self.values.get(name)
        if name in self.values and known != value and known is not None and value is not None:
            other: Key = (f"{name[0]}, result {place + 1}", *name[1:])
            self.values[other] = value
            # Two counts of one name are the same patients by other rules, so the smaller one is held by the larger.
            relation = _held(self.values, name, other)
            if relation is not None:
                self.nested.append(replace(relation, give_up_first=(other,)))
            name = other
        elif self.values.get(name) is None:
            self.values[name] = value
        self.names[place][key] = name
        return name

    def sums(self, counted: Sequence[Counts]) -> tuple[Sum, ...]:
        """Return the sums of all results under common names, each once."""
        found: dict[tuple[object, ...], Sum] = {}
        for names, counts in zip(self.names, counted, strict=True):
            for one in counts.sums:
                renamed = _renamed(one, names)
                if renamed is not None and not _is_of_shared_groups(renamed):
                    found.setdefault((renamed.total, renamed.members, renamed.has_remainder), renamed)
        shared = {key: value for key, value in self.values.items() if key[0] in SHARED}
        for one in sums_of_groups(shared):
            found.setdefault((one.total, one.members, one.has_remainder), one)
        return tuple(found.values())

    def follows(self, counted: Sequence[Counts]) -> tuple[tuple[Key, Key], ...]:
        """Return what is hidden after what, under common names."""
        found: dict[tuple[Key, Key], None] = {}
        for names, counts in zip(self.names, counted, strict=True):
            for first, second in counts.follows:
                pair = (names.get(first, first), names.get(second, second))
                # Those with both scores stand beside the change; where all with a baseline are hidden they can stay.
                if pair[0] != pair[1] and not (pair[0][0] == WITH_BASELINE and pair[1][0] == PAIRS):
                    found[pair] = None
        return tuple(found)


def _held(values: Mapping[Key, int | None], one: Key, other: Key) -> Sum | None:
    """Return the larger of two counts as the smaller and a rest; of a hidden one the first holds the second."""
    n_one, n_other = values[one], values[other]
    if one == other:
        return None
    is_swapped = n_one is not None and n_other is not None and n_one < n_other
    whole, part = (other, one) if is_swapped else (one, other)
    return Sum(whole, (part,), has_remainder=True)


def _renamed(one: Sum, names: Mapping[Key, Key]) -> Sum | None:
    """Return a sum under common names, None where a count would be held by itself alone."""
    total = None if one.total is None else names.get(one.total, one.total)
    members = tuple(names.get(key, key) for key in one.members)
    if total is None and members and members[0][0] == BINS and not one.is_listed:
        # The bins of a visit are those with both scores; what is left out are the others of them.
        total = (PAIRS, members[0][1], members[0][2], members[0][-1])
        return Sum(None, members, one.has_remainder, one.give_up_first, is_listed=False)
    if total in members or len(set(members)) < len(members):
        return None
    first = tuple(dict.fromkeys(names.get(key, key) for key in one.give_up_first))
    return Sum(total, members, one.has_remainder, first, one.is_listed)


def _is_of_shared_groups(one: Sum) -> bool:
    """Return whether a sum adds up groups that all results name alike: one result may name some of them alone."""
    if one.total is not None and one.total[-1]:
        return False
    what = {key[:-1] for key in (*one.members, *(() if one.total is None else (one.total,)))}
    return len(what) == 1 and all(key[0] in SHARED - {BINS} for key in one.members) and bool(levels_of(one))


def _without_baseline(values: Mapping[Key, int | None]) -> Iterator[Sum]:
    """Yield everybody in the cohort as those with a baseline score and the others, for each group."""
    for key in values:
        if key[0] == WITH_BASELINE and (COHORT, key[-1]) in values:
            relation = _held(values, (COHORT, key[-1]), key)
            if relation is not None:
                yield relation


def _own_costs(
    results: Sequence[ResultRecord], names: Sequence[Mapping[Key, Key]]
) -> tuple[dict[Key, float], dict[Key, float]]:
    """Return what is printed of each count, and the same where a number of patients may go alone."""
    full: dict[Key, float] = {}
    alone: dict[Key, float] = {}
    for result, named in zip(results, names, strict=True):
        for estimate in result.estimates:
            keys = {n_key(estimate), counted_key(estimate), contrast_key(estimate, result.analysis)}
            cost = reading_cost(estimate)
            for name in _names_of(keys, named):
                times = OF_THE_COHORT if name == _ALL_PATIENTS else 1.0
                full[name] = full.get(name, 0.0) + times * cost
                less = OF_A_NUMBER_ALONE if can_lose_its_number(estimate, result.analysis) else cost
                alone[name] = alone.get(name, 0.0) + times * less
    for named in names:
        for name in named.values():
            full.setdefault(name, OF_A_CELL)
            alone.setdefault(name, OF_A_CELL)
    return full, alone


def _with_the_cohort(costs: Mapping[Key, float], values: Mapping[Key, int | None]) -> dict[Key, float]:
    """Return the costs; where everybody has a baseline score, who hides that number hides the cohort's as well."""
    n_patients = values.get(_ALL_PATIENTS)
    with_baseline = [key for key in values if key[0] == WITH_BASELINE and not key[-1] and values[key] == n_patients]
    return {**costs, **{key: costs[key] + costs.get(_ALL_PATIENTS, 0.0) for key in with_baseline}}


def _names_of(keys: Iterable[Key | None], named: Mapping[Key, Key]) -> list[Key]:
    return sorted({named[key] for key in keys if key is not None and key in named})
