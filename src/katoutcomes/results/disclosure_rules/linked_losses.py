"""The counts of `dropout`: who has a score at a visit, who has one then or later, and who is in the model.

Who is seen then or later at one visit and not at the next had the last score at the first: a step of the curve is a
count of patients, and small steps must not follow from it. At the last two visits the three numbers also give how many
had both scores.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from katoutcomes.results.disclosure_rules.small_cells import Key, Sum
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.result import ResultRecord

SCORED, LATER, BEGAN, IN_MODEL = "scored at visit", "seen then or later", "baseline, scored", "in the model of no score"
_ODDS = "odds of no score, "
_LAST, _AT_BOTH = "last score", "scored at both of the last visits"

Values = Mapping[Key, int | None]


def losses_n_key(estimate: Estimate) -> Key | None:
    """Return the key of what an estimate of `dropout` rests on; None for those of other analyses."""
    if estimate.term == LATER:
        return ("with baseline", estimate.subgroup)
    if estimate.term == BEGAN:
        return _key(SCORED, estimate.visit, estimate.subgroup)
    if estimate.term == "correlation of changes":  # of `change_correlation`: those with both changes
        return _key("with a change on both instruments", estimate.visit, estimate.subgroup)
    if estimate.measure == "odds ratio" and estimate.term.startswith(_ODDS):
        is_of_level = ": " in estimate.term
        return (
            ("analyzed", "", estimate.visit, estimate.term, "") if is_of_level else _key(IN_MODEL, estimate.visit, "")
        )
    return None


def _key(term: str, visit: str, subgroup: str) -> Key:
    return ("counted", "", visit, term, subgroup)


def _visits(result: ResultRecord, subgroup: str) -> list[str]:
    return [estimate.visit for estimate in result.select(term=SCORED, subgroup=subgroup)]


def _seen_from(result: ResultRecord, values: Values, subgroup: str) -> list[tuple[str, Key]]:
    """Return the visits with the keys of who is seen then or later; at the last visit that is who is scored."""
    visits = _visits(result, subgroup)
    keys = [_key(LATER if place + 1 < len(visits) else SCORED, visit, subgroup) for place, visit in enumerate(visits)]
    return [(visit, key) for visit, key in zip(visits, keys, strict=True) if key in values]


def _subgroups(result: ResultRecord) -> tuple[str, ...]:
    return tuple(dict.fromkeys(estimate.subgroup for estimate in result.select(term=SCORED)))


def counts_of_losses(result: ResultRecord, values: Values) -> Iterator[tuple[Key, int]]:
    """Yield how many had their last score at each visit, and how many were scored at both of the last visits."""
    for subgroup in _subgroups(result):
        seen = _seen_from(result, values, subgroup)
        for (visit, here), (_, after) in pairwise(seen):
            n_here, n_after = values[here], values[after]
            if n_here is not None and n_after is not None:
                yield _key(_LAST, visit, subgroup), n_here - n_after
        if len(seen) < 2:
            continue
        (visit, either), (_, last) = seen[-2:]
        known = [values.get(key) for key in (either, last, _key(SCORED, visit, subgroup))]
        if None not in known:
            yield _key(_AT_BOTH, visit, subgroup), (known[1] or 0) + (known[2] or 0) - (known[0] or 0)


def sums_of_losses(result: ResultRecord, values: Values) -> Iterator[Sum]:
    """Yield the steps of every curve, what stands beside them at a visit, and who is in the model."""
    for subgroup in _subgroups(result):
        seen = _seen_from(result, values, subgroup)
        for (visit, here), (_, after) in pairwise(seen):
            steps = (after, _key(_LAST, visit, subgroup))
            if all(key in values for key in steps):
                yield Sum(here, steps)
            else:
                yield Sum(here, (after,), has_remainder=True)
            scored = _key(SCORED, visit, subgroup)
            if scored in values:
                yield Sum(here, (scored,), has_remainder=True)
        if len(seen) >= 2:
            yield from _sums_of_both(values, seen, subgroup)
    for key in values:
        if key[0] == "counted" and key[3] == IN_MODEL:
            if ("with baseline", "") in values:
                yield Sum(("with baseline", ""), (key,), has_remainder=True, give_up_first=(key,))
            yield from _sums_of_levels(values, key)


def _sums_of_both(values: Values, seen: list[tuple[str, Key]], subgroup: str) -> Iterator[Sum]:
    """Yield who was scored at each of the last two visits as those scored at both and the others."""
    visit, last = seen[-2][0], seen[-1][1]
    both, only = _key(_AT_BOTH, visit, subgroup), _key(_LAST, visit, subgroup)
    scored = _key(SCORED, visit, subgroup)
    if both in values and only in values and scored in values:
        yield Sum(scored, (both, only))
        yield Sum(last, (both,), has_remainder=True)


def _sums_of_levels(values: Values, model: Key) -> Iterator[Sum]:
    """Yield who is in the model as the levels of each category with an odds ratio, and a rest: the first level."""
    levels: dict[str, list[Key]] = {}
    for key in values:
        if key[0] == "analyzed" and key[2] == model[2] and key[3].startswith(_ODDS):
            levels.setdefault(key[3].split(": ", 1)[0], []).append(key)
    for members in levels.values():
        yield Sum(model, tuple(members), has_remainder=True)
