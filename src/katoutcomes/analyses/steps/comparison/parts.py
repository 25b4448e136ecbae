"""The counts of a comparison of cohorts: who is compared, who is scored when, which scores are missing together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.comparison.arms import Comparison, earlier_visits
from katoutcomes.analyses.steps.comparison.checks import fewest_patients
from katoutcomes.analyses.steps.interval_estimates import share_estimate
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Cell, Part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.comparison.events import Event

COMPARED, SCORED, SEEN = "compared", "scored, of those compared", "seen, of those scored"
SCORED_BY_VISIT, PATTERNS, FEWEST = "scored_by_visit", "missing_patterns", "fewest_patients"
COMPLETE, GAPS = "scored at every visit", "scored at the visit, with gaps before"


def count_estimates(found: Comparison, conf_level: float) -> Iterator[Estimate]:
    """Yield how many patients of each arm are compared, and which share of them is scored."""
    if found.event is not None:
        yield from _event_estimates(found, found.event, conf_level)
    for arm, group in enumerate(found.groups):
        n_compared = found.n_of(arm, scored=False)
        yield Estimate(
            term=COMPARED,
            measure="count",
            unit="patients",
            subgroup=group.subgroup,
            estimate=float(n_compared),
            n_patients=n_compared,
        )
        n_scored = found.n_of(arm, scored=True)
        fields = {"subgroup": group.subgroup, "visit": found.window.name}
        yield share_estimate(SCORED, n_scored, n_compared, conf_level, **fields)


def _event_estimates(found: Comparison, event: Event, conf_level: float) -> Iterator[Estimate]:
    """Yield which share of the scored of each arm has the binary outcome, as it was seen."""
    for arm, group in enumerate(found.groups):
        outcome = found.arms.outcome[(found.arms.arms == arm) & found.arms.is_observed]
        n_patients = int((outcome > 0.0).sum())
        yield share_estimate(
            f"{SEEN}: {event.words}",
            n_patients,
            outcome.size,
            conf_level,
            visit=found.window.name,
            definition_set=found.definition_set,
            subgroup=group.subgroup,
        )


def comparison_parts(found: Comparison) -> tuple[Part, ...]:
    """Return the scored at each visit, those scored with and without gaps, and the fewest that share a level."""
    scored = _scores_up_to_the_visit(found)
    parts = [_scored_by_visit(found, scored)]
    if scored.shape[1] > 1:
        parts.append(_patterns(found, scored))
    fewest = tuple(fewest_patients(found, or_none=False))
    if fewest:
        parts.append(Part(FEWEST, ("term", "n_patients"), fewest))
    return tuple(parts)


def _scores_up_to_the_visit(found: Comparison) -> NDArray[np.bool_]:
    import numpy as np

    places = [*earlier_visits(found.data, found.window), found.data.visit_index(found.window.name)]
    return ~np.isnan(found.data.scores[found.compared][:, places])


def _scored_by_visit(found: Comparison, scored: NDArray[np.bool_]) -> Part:
    visits = [found.data.visits[place] for place in earlier_visits(found.data, found.window)] + [found.window]
    rows: list[tuple[Cell, ...]] = [
        (visit.name, visit.target_day, group.subgroup, int(scored[found.arms.arms == arm, place].sum()))
        for arm, group in enumerate(found.groups)
        for place, visit in enumerate(visits)
    ]
    return Part(SCORED_BY_VISIT, ("visit", "target_day", "group", "n_patients"), tuple(rows))


def _patterns(found: Comparison, scored: NDArray[np.bool_]) -> Part:
    here, everywhere = scored[:, -1], scored.all(axis=1)
    patterns = ((COMPLETE, everywhere), (GAPS, here & ~everywhere))
    rows: list[tuple[Cell, ...]] = [
        (words, group.subgroup, int((mask & (found.arms.arms == arm)).sum()))
        for arm, group in enumerate(found.groups)
        for words, mask in patterns
    ]
    return Part(PATTERNS, ("step", "group", "n_patients"), tuple(rows))
