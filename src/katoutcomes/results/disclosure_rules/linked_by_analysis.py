"""Keys and sums of analyses whose numbers hold each other in a way of their own: pathway, multiverse, mmrm."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from katoutcomes.results.disclosure_rules import linked_specifications, linked_steps, linked_visits
from katoutcomes.results.disclosure_rules.small_cells import Key, Sum
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Part
from katoutcomes.results.result import ResultRecord

Values = Mapping[Key, int | None]

_MODELS = frozenset({"mmrm", "contrast"})


def own_n_key(estimate: Estimate) -> Key | None:
    """Return the key of what an estimate of these analyses rests on, None for those of others."""
    if linked_specifications.is_of_multiverse(estimate):
        return linked_specifications.multiverse_n_key(estimate)
    if linked_steps.is_of_pathway(estimate):
        return linked_steps.pathway_n_key(estimate)
    return linked_visits.model_n_key(estimate)


def own_counted_key(estimate: Estimate) -> Key | None:
    """Return the key of what a share of a care pathway counts, None for everything else."""
    return linked_steps.pathway_counted_key(estimate) if linked_steps.is_of_pathway(estimate) else None


def own_part_key(part: Part, row: int) -> Key | None:
    """Return the key of the patients seen at a visit; None for the counts of every other part."""
    return linked_visits.patients_at_visit_key(part, row) if part.name == linked_visits.PATIENTS_AT_VISITS else None


def own_counts(result: ResultRecord, values: Values) -> Iterator[tuple[Key, int]]:
    """Yield counts that stand nowhere and follow from others in a way that is no sum."""
    if result.analysis in _MODELS:
        yield from linked_visits.derived_counts(values)


def own_follows(result: ResultRecord, values: Values) -> Iterator[tuple[Key, Key]]:
    """Yield what is hidden with what in these analyses."""
    yield from linked_steps.follows_of_steps(values)
    for part in result.parts:
        if part.name == linked_specifications.PART:
            yield from linked_specifications.follows_of_specifications(part, values)
    if result.analysis in _MODELS:
        both = linked_visits.follows_of_model(result, values)
        yield from ((first, second) for first, second in both if first in values and second in values)


def own_sums(result: ResultRecord, values: Values) -> Iterator[Sum]:
    """Yield the sums that a reader of these analyses can form."""
    if result.analysis == "care_pathway":
        yield from linked_steps.sums_of_steps(values)
    for part in result.parts:
        if part.name == linked_specifications.PART:
            yield from linked_specifications.sums_of_specifications(part, values)
    if result.analysis in _MODELS:
        yield from linked_visits.sums_of_model(values)
