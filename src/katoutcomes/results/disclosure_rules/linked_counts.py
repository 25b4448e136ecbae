"""The counts of a result under names that say what they count, and the sums that a reader can form with them.

Two estimates that rest on the same number have the same key, so that they are shown or hidden together. A key is a
tuple of words; its last word is the subgroup, so that the keys of a variable's levels and of everybody differ in it
alone.
"""

from __future__ import annotations

import operator
from collections.abc import Iterator, Sequence

from katoutcomes.errors import DisclosureError
from katoutcomes.results.disclosure_rules.linked_by_analysis import (
    own_counted_key,
    own_counts,
    own_follows,
    own_n_key,
    own_part_key,
    own_sums,
)
from katoutcomes.results.disclosure_rules.linked_comparison import COMPARED_STEP, compared_key
from katoutcomes.results.disclosure_rules.linked_definitions import (
    PARTITIONS,
    follows_of_definitions,
    sums_of_definitions,
)
from katoutcomes.results.disclosure_rules.merged_exclusions import EXCLUDED, STAGE
from katoutcomes.results.disclosure_rules.part_counts import part_counts
from katoutcomes.results.disclosure_rules.small_cells import Counts, Key, Sum
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Cell, Part
from katoutcomes.results.result import ReleasedResult, ResultRecord
from katoutcomes.vocabulary import MEASURES

Values = dict[Key, int | None]

BASELINE_STEP = "with a baseline score"
SCORED = "scored at visit"
COMPLETENESS = "paired completeness"
ADJUSTED = "follow-up, adjusted"
BASELINE_TERMS = frozenset({BASELINE_STEP, SCORED, COMPLETENESS, "baseline, all with baseline"})
"""Terms whose `n_patients` are all those of a group who have a baseline score."""

PAIRED_TERMS = frozenset({"change", "follow-up", "remission", *PARTITIONS[0], *PARTITIONS[1], *PARTITIONS[5]})
"""Terms whose `n_patients` are all who have both scores: those whom the bins of scores divide."""

PAIR_COUNTS = "score_pair_counts"
"""The part that counts bins of scores. Its hidden rows are left out."""

COMPONENTS: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...] = (
    ("reliable improvement", ("recovered", "improved, not recovered"), ("improved, not recovered",)),
    ("reliable deterioration", ("harmed", "deteriorated, not harmed"), ("deteriorated, not harmed",)),
    ("reliable improvement", ("reliable recovery",), ()),
    ("recovery", ("reliable recovery",), ("recovery",)),
)
"""A term, others that count some of the same patients, and what is given up first; the rest may be printed nowhere."""


_GIVEN_UP_FIRST = frozenset(partition[0] for partition in PARTITIONS)


def is_contrast(estimate: Estimate) -> bool:
    """Return whether an estimate compares two groups."""
    return bool(estimate.treatment or estimate.comparator)


def stem(term: str) -> str:
    """Return a term without its level: ``"sex"`` for ``"sex: female"``."""
    return term.split(": ", 1)[0]


def counted_key(estimate: Estimate) -> Key | None:
    """Return the key of what a count or a proportion counts; None for every other estimate."""
    if MEASURES[estimate.measure].kind not in {"count", "proportion"} or is_contrast(estimate):
        return None
    if (own := own_counted_key(estimate)) is not None:
        return own
    if estimate.term == BASELINE_STEP:
        return ("with baseline", estimate.subgroup)
    return ("counted", estimate.definition_set, estimate.visit, estimate.term, estimate.subgroup)


def n_key(estimate: Estimate) -> Key | None:
    """Return the key of an estimate's `n_patients`; None where it rests on nobody or compares two groups."""
    kind = MEASURES[estimate.measure].kind
    if (own := own_n_key(estimate)) is not None:
        return own
    if is_contrast(estimate) or (kind == "constant" and estimate.n_patients is None):
        return None
    if estimate.term in BASELINE_TERMS or (kind == "constant" and not estimate.visit):
        return ("with baseline", estimate.subgroup)
    if kind == "count" and estimate.n_patients in (None, estimate.n_counted):
        return counted_key(estimate)
    return ("analyzed", estimate.definition_set, estimate.visit, stem(estimate.term), estimate.subgroup)


def part_key(part: Part, row: int, column: int) -> Key:
    """Return the key of one count of a part."""
    named = dict(zip(part.columns, part.rows[row], strict=True))
    if part.name == "flow" and part.columns[column] == "n_patients":
        step, visit, group = (str(named.get(name) or "") for name in ("step", "visit", "group"))
        if named["kind"] == "visit":
            return ("counted", "", visit, SCORED, group)
        if named["kind"] == "group":
            return ("with baseline", group)
        if named["kind"] == STAGE:
            known = {BASELINE_STEP: ("with baseline", ""), COMPARED_STEP: compared_key()}
            return known.get(step, ("counted", "", "", step, ""))
    if part.name == PAIR_COUNTS:
        bins = ("visit", "baseline_low", "baseline_high", "follow_up_low", "follow_up_high")
        return ("bin", *(str(named[name]) for name in bins), str(named["group"]))
    if part.name == "files":
        return ("counted", "", "", f"{named['file']}: {part.columns[column].replace('_', ' ')}", "")
    return own_part_key(part, row) or ("part", part.name, str(row), part.columns[column], "")


def linked_counts(result: ResultRecord) -> Counts:
    """Return the counts of a result with every sum that it lets a reader form."""
    values: Values = {}
    follows: list[tuple[Key, Key]] = []
    for estimate in result.estimates:
        people, counted = n_key(estimate), counted_key(estimate)
        if people is not None:
            _add(values, people, _n_value(estimate))
        if counted is not None and _is_counted(estimate):
            _add(values, counted, estimate.n_counted)
            if people is not None and people != counted and estimate.term != COMPLETENESS:
                follows.append((people, counted))
    for part in result.parts:
        for row, column, cell in part_counts(part):
            _add(values, part_key(part, row, column), cell)
    for key, count in tuple(own_counts(result, values)):
        _add(values, key, count)
    follows += [*_same_patients(result), *_bins_without_total(values), *follows_of_definitions(values)]
    follows += own_follows(result, values)
    sums = [*_sums_of_estimates(result, values), *_sums_of_parts(result, values), *sums_of_groups(values)]
    return Counts(values, tuple(sums), tuple(follows))


def _is_counted(estimate: Estimate) -> bool:
    """Return whether an estimate has a numerator, known or hidden.

    Where only the number with a baseline score was hidden, the number with both scores may stand beside it.
    """
    if estimate.term == COMPLETENESS and estimate.n_patients is None:
        return False
    return estimate.suppressed or estimate.n_counted is not None


def _same_patients(result: ResultRecord) -> Iterator[tuple[Key, Key]]:
    """Yield what counts the same patients: the numerator of the completeness and the number with both scores."""
    for seen in result.estimates:
        counted = counted_key(seen)
        if seen.term != COMPLETENESS or counted is None or seen.n_counted is None:
            continue
        for estimate in result.select(visit=seen.visit, subgroup=seen.subgroup):
            people = n_key(estimate)
            if people is not None and people[0] == "analyzed" and estimate.n_patients == seen.n_counted:
                yield people, counted
                yield counted, people


def _bins_without_total(values: Values) -> Iterator[tuple[Key, Key]]:
    """Yield, for each bin of scores, the number of patients with both scores: where that is hidden, no bin is shown."""
    bins = [key for key in values if key[0] == "bin"]
    for people in values:
        if people[0] == "analyzed" and people[3] in PAIRED_TERMS:
            yield from ((people, key) for key in bins if (key[1], key[-1]) == (people[2], people[4]))


def is_without_number(estimate: Estimate) -> bool:
    """Return whether an estimate is shown and its number of patients is hidden, as an earlier release may leave it."""
    is_about_people = MEASURES[estimate.measure].kind in {"proportion", "statistic"}
    has_number = estimate.n_patients is not None or estimate.n_observations is not None
    return is_about_people and not has_number and not estimate.suppressed


def require_known_numbers(result: ResultRecord) -> None:
    """Assert that every estimate that rests on patients says on how many; a released one may have lost the number.

    Raises
    ------
    DisclosureError
        If one does not.
    """
    for estimate in result.estimates:
        if is_without_number(estimate) and not isinstance(result, ReleasedResult):
            raise DisclosureError(
                f"the {estimate.measure} of {estimate.term!r} does not say on how many patients it rests, "
                "so it cannot be released."
            )


def _n_value(estimate: Estimate) -> int | None:
    """Return the smaller of patients and observations, None where hidden; of a rate or a share of sessions, those."""
    if estimate.measure in {"proportion of sessions", "event rate"}:
        return estimate.n_observations
    known = [n for n in (estimate.n_patients, estimate.n_observations) if n is not None]
    return min((operator.index(n) for n in known), default=estimate.n_counted)


def _add(values: Values, key: Key, value: int | None) -> None:
    """Add a count; of two under one key the smaller counts, and what an earlier release shows anywhere is known."""
    known = values.get(key)
    values[key] = value if known is None else known if value is None else min(known, value)


def _sums_of_estimates(result: ResultRecord, values: Values) -> Iterator[Sum]:
    """Yield the sums over the terms of one group: levels, classes of change, and what is left of a denominator."""
    denominators: dict[Key, Key] = {}
    for estimate in result.estimates:
        people, counted = n_key(estimate), counted_key(estimate)
        if people is not None and counted in values and counted != people:
            denominators[counted] = people
    grouped: set[Key] = set()
    for total, members in _partitions(denominators):
        grouped.update(members)
        first = tuple(key for key in members if key[3] in _GIVEN_UP_FIRST)
        # An analysis that names some of the classes alone leaves a rest, also where an earlier release has hidden one.
        yield Sum(total, members, True, first) if _lacks_a_class(members) else _sum(values, total, members, first)
    for counted, people in denominators.items():
        if counted not in grouped:
            first = (people,) if counted[3] == COMPLETENESS else ()
            yield Sum(people, (counted,), has_remainder=True, give_up_first=first)
    yield from _components(values)
    yield from sums_of_definitions(values)
    yield from own_sums(result, values)
    if result.analysis == "cohort_difference":
        yield from _left_out_of_the_model(values)
    if result.analysis == "clinical_significance":
        yield from _nested_denominators(denominators, values)


def _partitions(denominators: dict[Key, Key]) -> Iterator[tuple[Key, tuple[Key, ...]]]:
    """Yield a denominator and the terms that divide it: levels of a variable, or one of `PARTITIONS`."""
    groups: dict[tuple[str, ...], list[Key]] = {}
    for counted in denominators:
        *where, term, subgroup = counted
        if ": " in term:
            groups.setdefault((*where, stem(term), subgroup), []).append(counted)
        for number, partition in enumerate(PARTITIONS):
            if term in partition:
                groups.setdefault((*where, f"partition {number}", subgroup), []).append(counted)
    for members in groups.values():
        yield denominators[members[0]], tuple(members)


def _lacks_a_class(members: tuple[Key, ...]) -> bool:
    """Return whether these are some of the classes that patients are divided into, and not all."""
    terms = {key[3] for key in members}
    wholes = [set(partition) for partition in PARTITIONS]
    return terms not in wholes and any(terms < whole for whole in wholes)


def _sum(values: Values, total: Key, members: tuple[Key, ...], give_up_first: tuple[Key, ...] = ()) -> Sum:
    """Return the sum, with a remainder if the members are known not to add up to the total."""
    known = [values[key] for key in members]
    has_remainder = (
        None not in known and values[total] is not None and sum(value or 0 for value in known) != values[total]
    )
    return Sum(total, members, has_remainder, give_up_first)


def _components(values: Values) -> Iterator[Sum]:
    """Yield the sums of `COMPONENTS`, inside one definition set, visit and group."""
    for key in values:
        if key[0] != "counted":
            continue
        for whole, some, first in COMPONENTS:
            members = tuple((*key[:3], term, key[4]) for term in some)
            if key[3] == whole and all(member in values for member in members):
                given_up = tuple((*key[:3], term, key[4]) for term in first)
                # Of two or more members it can be seen whether they are all; of one alone it cannot.
                is_all = len(members) > 1
                yield _sum(values, key, members, given_up) if is_all else Sum(key, members, True, given_up)


def _left_out_of_the_model(values: Values) -> Iterator[Sum]:
    """Yield those with both scores as those in the model and a rest, whose covariates are not known."""
    for key, n_pairs in values.items():
        analyzed = ("analyzed", "", key[2], ADJUSTED, key[-1]) if key[0] == "counted" else key
        if key[0] == "counted" and key[3] == COMPLETENESS and values.get(analyzed, n_pairs) != n_pairs:
            yield Sum(key, (analyzed,), has_remainder=True, give_up_first=(key,))


def _nested_denominators(denominators: dict[Key, Key], values: Values) -> Iterator[Sum]:
    """Yield, for each group, the patients with both scores and every smaller denominator, such as those at caseness.

    The difference of two denominators is a count as well: of those not at caseness, of those whose baseline is 0.
    """
    for group in dict.fromkeys(key[-1] for key in denominators.values()):
        nested = dict.fromkeys(key for key in denominators.values() if key[-1] == group and key[0] == "analyzed")
        known = {key: value for key in nested if (value := values[key]) is not None}
        if not known:
            continue
        largest = max(known, key=lambda key: known[key])
        for key in nested:
            if known.get(key) != known[largest]:
                yield Sum(largest, (key,), has_remainder=True)


_OF_TIME = frozenset({"index_quarter", "phase", "span"})
"""Variables of `outcomes_over_time` whose values need not hold everybody."""


def sums_of_groups(values: Values) -> Iterator[Sum]:
    """Yield, for every count, the levels of each variable with everybody as the total, and once more with a rest.

    The rest are patients whose level is not known. They are no cover, because somebody may know how many there are; and
    few of them may not be worked out either. Periods are no levels: those whose follow-up is not over are left out.
    """
    levels: dict[tuple[Key, str], list[Key]] = {}
    for key in values:
        if ": " in key[-1]:
            levels.setdefault((key[:-1], stem(key[-1])), []).append(key)
    for (what, variable), members in levels.items():
        everybody = (*what, "")
        if everybody in values and variable in _OF_TIME:
            # Where an earlier release has hidden one, it is not known either whether the periods hold everybody.
            is_open = None in {values[key] for key in (everybody, *members)}
            yield Sum(everybody, tuple(members), True) if is_open else _sum(values, everybody, tuple(members))
            continue
        yield Sum(everybody if everybody in values else None, tuple(members))
        if everybody in values and _sum(values, everybody, tuple(members)).has_remainder:
            yield Sum(everybody, tuple(members), has_remainder=True)


def _sums_of_parts(result: ResultRecord, values: Values) -> Iterator[Sum]:
    for part in result.parts:
        if part.name == "flow":
            yield from _sums_of_flow(part, values)
        elif part.name == PAIR_COUNTS:
            yield from _sums_of_bins(part, values)
        elif part.name == "files":
            yield from _sums_of_files(part, values)
        elif part.name == "rules":
            yield from _sums_of_rules(part, values)


def _sums_of_flow(part: Part, values: Values) -> Iterator[Sum]:
    """Yield stage = excluded + next stage, and with a baseline = scored at a visit + the others."""
    column = part.columns.index("n_patients")
    # A lone exclusion can be small; then the first stage is given up, because the last one says who is reported on.
    is_lone = part.column("kind").count(EXCLUDED) == 1
    before: Key | None = None
    taken: list[Key] = []
    for row, kind in enumerate(part.column("kind")):
        key = part_key(part, row, column)
        if key not in values:
            continue
        if kind == EXCLUDED:
            taken.append(key)
        elif kind == STAGE:
            if before is not None:
                yield Sum(before, (*taken, key), give_up_first=(before,) if is_lone else ())
            before, taken = key, []
        elif kind == "visit" and ("with baseline", key[-1]) in values:
            yield Sum(("with baseline", key[-1]), (key,), has_remainder=True)


def _sums_of_bins(part: Part, values: Values) -> Iterator[Sum]:
    """Yield all bins of one visit and group; their total stands elsewhere. A bin that is left out is not seen."""
    column = part.columns.index("n_patients")
    bins: dict[tuple[Cell, Cell], list[Key]] = {}
    for row, where in enumerate(zip(part.column("visit"), part.column("group"), strict=True)):
        key = part_key(part, row, column)
        if key in values:
            bins.setdefault(where, []).append(key)
    for members in bins.values():
        yield Sum(None, tuple(members), is_listed=False)


def _sums_of_files(part: Part, values: Values) -> Iterator[Sum]:
    """Yield rows in = rows accepted + rows rejected."""
    names = ("rows_in", "rows_accepted", "rows_rejected")
    if not set(names) <= set(part.columns):
        return
    for row in range(len(part.rows)):
        keys: Sequence[Key] = [part_key(part, row, part.columns.index(name)) for name in names]
        if all(key in values for key in keys):
            yield Sum(keys[0], tuple(keys[1:]))


def _sums_of_rules(part: Part, values: Values) -> Iterator[Sum]:
    """Yield rows rejected = the rows of each rule of a file; with a remainder where the rules are not all there is."""
    column = part.columns.index("n_rows")
    rules: dict[Key, list[Key]] = {}
    for row, file in enumerate(part.column("file")):
        key = part_key(part, row, column)
        if key in values:
            rules.setdefault(("counted", "", "", f"{file}: rows rejected", ""), []).append(key)
    for rejected, members in rules.items():
        if rejected in values:
            yield _sum(values, rejected, tuple(members))
