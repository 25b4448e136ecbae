"""The counts of a care pathway: which of its numbers are the same, and which hold each other.

Every number counts those who meet some conditions: had a step, had it after another, had integration in time. Two
numbers with the same conditions are the same, whatever they are called. Of two of which one asks for more, the smaller
is part of the larger, and a reader can subtract: who had a step, minus who had it after every step before, is who
skipped one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from katoutcomes.results.disclosure_rules.small_cells import Key, Sum
from katoutcomes.results.estimate import Estimate

PATIENTS, DOSES, NEVER_DOSED = "patients", "doses", "never dosed"


@dataclass(frozen=True, slots=True)
class _Step:
    """What a term's denominator and numerator count: of whom, and who of them meets which conditions."""

    who: str
    base: frozenset[str]
    counted: frozenset[str] | None


def _step(base: str, counted: str | None, who: str = PATIENTS) -> _Step:
    return _Step(who, frozenset(base.split()), None if counted is None else frozenset(counted.split()))


_AFTER = "of those with every step before"
_TERMS: Mapping[str, _Step] = {
    "screening": _step("", "screening"),
    "preparation": _step("", "preparation"),
    "integration": _step("", "integration"),
    "follow-up": _step("", "follow-up"),
    f"preparation, {_AFTER}": _step("screening", "screening preparation"),
    f"integration, {_AFTER}": _step("screening preparation", "screening preparation integration"),
    f"follow-up, {_AFTER}": _step("screening preparation integration", "screening preparation integration follow-up"),
    "every step": _step("", "screening preparation integration follow-up"),
    "screening to preparation": _step("screening preparation preparation_later", None),
    "preparation to first dose": _step("preparation", None),
    "first dose to integration": _step("integration", None),
    "integration to follow-up": _step("integration follow-up follow-up_later", None),
    "integration within 72 hours of the first dose": _step("", "integration timely"),
    "integration within 72 hours and again within 7 days of the first dose": _step("", "integration timely again"),
    "integration within 72 hours of a dose": _step("", "timely", DOSES),
    "integration within 72 hours and again within 7 days of a dose": _step("", "timely again", DOSES),
    "screening, never a dose": _step("", "screening", NEVER_DOSED),
    "preparation, never a dose": _step("", "preparation", NEVER_DOSED),
}
_MEASURES = frozenset({"proportion", "proportion of sessions", "median", "lower quartile", "upper quartile"})


def is_of_pathway(estimate: Estimate) -> bool:
    """Return whether an estimate is one of a care pathway."""
    is_elsewhere = estimate.visit or estimate.definition_set or estimate.instrument
    return not is_elsewhere and estimate.term in _TERMS and estimate.measure in _MEASURES


def pathway_n_key(estimate: Estimate) -> Key:
    """Return the key of what an estimate of a care pathway rests on."""
    step = _TERMS[estimate.term]
    return _key(step.who, step.base, estimate.subgroup)


def pathway_counted_key(estimate: Estimate) -> Key | None:
    """Return the key of what a share of a care pathway counts, None for days."""
    step = _TERMS[estimate.term]
    return None if step.counted is None else _key(step.who, step.counted, estimate.subgroup)


def _key(who: str, conditions: frozenset[str], subgroup: str) -> Key:
    return ("counted", "", "", " ".join([who, *sorted(conditions)]), subgroup)


_COUNTED: tuple[tuple[str, frozenset[str]], ...] = tuple(
    dict.fromkeys(
        (step.who, conditions)
        for step in _TERMS.values()
        for conditions in (step.base, step.counted)
        if conditions is not None
    )
)
"""Everything that a care pathway counts, once."""


def sums_of_steps(values: Mapping[Key, int | None]) -> Iterator[Sum]:
    """Yield, for each two numbers of which one holds the other, the larger as the smaller and a rest.

    A patient's first dose is a dose, so doses hold the patients who meet the same conditions or more.

    Examples
    --------
    >>> values = {("counted", "", "", term, ""): n for term, n in (("doses", 40), ("patients", 31))}
    >>> [(relation.total[3], relation.members[0][3]) for relation in sums_of_steps(values)]
    [('doses', 'patients')]
    """
    for subgroup in dict.fromkeys(key[-1] for key in values):
        there = [counted for counted in _COUNTED if _key(*counted, subgroup) in values]
        for who, conditions in there:
            for other, more in there:
                holds = who == other or (who, other) == (DOSES, PATIENTS)
                if holds and conditions <= more and (who, conditions) != (other, more):
                    yield Sum(_key(who, conditions, subgroup), (_key(other, more, subgroup),), has_remainder=True)


def follows_of_steps(values: Mapping[Key, int | None]) -> Iterator[tuple[Key, Key]]:
    """Yield the doses after their patients: where the number of patients is hidden, that of their doses is too."""
    nothing: frozenset[str] = frozenset()
    for subgroup in dict.fromkeys(key[-1] for key in values):
        patients, doses = _key(PATIENTS, nothing, subgroup), _key(DOSES, nothing, subgroup)
        if patients in values and doses in values:
            yield patients, doses
