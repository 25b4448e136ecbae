"""Keys and sums of analyses whose numbers hold each other in ways of their own: pathway, models, events, losses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from katoutcomes.results.disclosure_rules import (
    linked_comparison,
    linked_emulation,
    linked_events,
    linked_family,
    linked_losses,
    linked_scores,
    linked_shares,
    linked_sites,
    linked_specifications,
    linked_steps,
    linked_time,
    linked_visits,
)
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
    if linked_shares.is_of_service(estimate):
        return linked_shares.service_n_key(estimate)
    if linked_emulation.is_of_emulation(estimate):
        return linked_emulation.emulation_n_key(estimate)
    if linked_comparison.is_of_comparison(estimate):
        return linked_comparison.comparison_n_key(estimate)
    own = (
        linked_scores.superiority_n_key(estimate),
        linked_events.events_n_key(estimate),
        linked_family.family_n_key(estimate),
        linked_losses.losses_n_key(estimate),
        linked_sites.sites_n_key(estimate),
        linked_time.lines_key(estimate),
        linked_visits.model_n_key(estimate),
    )
    return next((key for key in own if key is not None), None)


def own_counted_key(estimate: Estimate) -> Key | None:
    """Return the key of what a share of a care pathway or of a service counts, None for everything else."""
    if linked_shares.is_of_service(estimate):
        return linked_shares.service_counted_key(estimate)
    if linked_emulation.is_of_emulation(estimate):
        return linked_emulation.emulation_counted_key(estimate)
    if linked_comparison.is_of_comparison(estimate):
        return linked_comparison.comparison_counted_key(estimate)
    return linked_steps.pathway_counted_key(estimate) if linked_steps.is_of_pathway(estimate) else None


def own_part_key(part: Part, row: int) -> Key | None:
    """Return the key of the patients seen at a visit, and of those behind a share; None for every other part."""
    if part.name in linked_comparison.PARTS:
        return linked_comparison.comparison_part_key(part, row)
    if part.name in {linked_emulation.BY_WEEK, linked_emulation.LEAVING, linked_emulation.MISSING}:
        return linked_emulation.emulation_part_key(part, row)
    if part.name in linked_shares.PARTS:
        return linked_shares.own_part_key(part, row)
    if part.name in linked_sites.PARTS:
        return linked_sites.sites_part_key(part, row)
    if part.name == linked_time.SIGNALS:
        return linked_time.signals_key(part, row)
    return linked_visits.patients_at_visit_key(part, row) if part.name == linked_visits.PATIENTS_AT_VISITS else None


def own_counts(result: ResultRecord, values: Values) -> Iterator[tuple[Key, int]]:
    """Yield counts that stand nowhere and follow from others in a way that is no sum."""
    if result.analysis in _MODELS:
        yield from linked_visits.derived_counts(values)
    if result.analysis == "change_from_baseline":
        yield from linked_scores.counts_beside_bins(result, values)
    if result.analysis == "dropout":
        yield from linked_losses.counts_of_losses(result, values)
    if result.analysis in linked_emulation.ANALYSES:
        yield from linked_emulation.counts_of_emulation(values)
    if result.analysis == linked_family.ANALYSIS:
        yield from linked_family.counts_of_family(values)
    if result.analysis == linked_comparison.ANALYSIS:
        yield from linked_comparison.last_seen_of_comparison(result, values)


def own_follows(result: ResultRecord, values: Values) -> Iterator[tuple[Key, Key]]:
    """Yield what is hidden with what in these analyses."""
    yield from linked_steps.follows_of_steps(values)
    if result.analysis == "safety":
        yield from linked_events.follows_of_events(values)
    if result.analysis == "change_from_baseline":
        yield from linked_scores.follows_of_scores(values)
    for part in result.parts:
        if part.name == linked_specifications.PART:
            yield from linked_specifications.follows_of_specifications(part, values)
    if result.analysis == linked_comparison.ANALYSIS:
        yield from linked_comparison.follows_of_comparison(result, values)
    if result.analysis in linked_emulation.ANALYSES:
        yield from linked_emulation.follows_of_emulation(result, values)
    yield from linked_family.follows_of_family(values)
    if result.analysis == linked_time.ANALYSIS:
        yield from linked_time.follows_of_time(result, values)
    if result.analysis == linked_sites.ANALYSIS:
        yield from linked_sites.follows_of_sites(values)
    if result.analysis in _MODELS:
        both = linked_visits.follows_of_model(result, values)
        yield from ((first, second) for first, second in both if first in values and second in values)


def own_sums(result: ResultRecord, values: Values) -> Iterator[Sum]:
    """Yield the sums that a reader of these analyses can form."""
    if result.analysis == "care_pathway":
        yield from linked_steps.sums_of_steps(values)
    yield from _sums_of_further_analyses(result, values)
    if result.analysis == linked_comparison.ANALYSIS:
        yield from linked_comparison.sums_of_comparison(result, values)
    if result.analysis in linked_emulation.ANALYSES:
        yield from linked_emulation.sums_of_emulation(result, values)
    if result.analysis in linked_shares.ANALYSES:
        yield from linked_shares.sums_of_shares(values)
    for part in result.parts:
        if part.name == linked_shares.SEVERITY_TRANSITIONS:
            yield from linked_shares.sums_of_matrix(part, values)
    for part in result.parts:
        if part.name == linked_specifications.PART:
            yield from linked_specifications.sums_of_specifications(part, values)
    if result.analysis in _MODELS:
        yield from linked_visits.sums_of_model(values)


def _sums_of_further_analyses(result: ResultRecord, values: Values) -> Iterator[Sum]:
    if result.analysis == "safety":
        yield from linked_events.sums_of_events(values)
    if result.analysis == "dropout":
        yield from linked_losses.sums_of_losses(result, values)
    if result.analysis == linked_time.ANALYSIS:
        yield from linked_time.sums_of_time(result, values)
    if result.analysis == linked_sites.ANALYSIS:
        yield from linked_sites.sums_of_sites(values)
