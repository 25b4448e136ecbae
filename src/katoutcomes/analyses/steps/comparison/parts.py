"""The counts of a comparison of cohorts: who is compared, who is scored when, which scores are missing together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.comparison.arms import Comparison, earlier_visits
from katoutcomes.analyses.steps.comparison.checks import fewest_patients
from katoutcomes.analyses.steps.flow_rows import BASELINE_STEP, NO_BASELINE, excluded, flow_of, selection_rows, stage
from katoutcomes.analyses.steps.interval_estimates import share_estimate
from katoutcomes.analyses.steps.missing_scores import LATER, NEVER, gaps_and_ends, odds_ratio_rows
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Cell, Part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.comparison.events import Event
    from katoutcomes.estimands.visit_window import VisitWindow

COMPARED, SCORED, SEEN = "compared", "scored, of those compared", "seen, of those scored"
SCORED_BY_VISIT, PATTERNS, FEWEST = "scored_by_visit", "missing_patterns", "fewest_patients"
MISSING_BY_VISIT, IN_CARE, NO_SCORE = "missing_by_visit", "in care, of those compared", "no score at the visit"
COMPARED_STEP = "patients compared"
_NOT_COMPARED = "in no arm, something of them not known, or nobody like them"
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
    yield from _loss_estimates(found, conf_level)


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


def _loss_estimates(found: Comparison, conf_level: float) -> Iterator[Estimate]:
    """Yield who of each arm was in care at each visit, where that is known, and odds ratios of having no score.

    The last day in care is known for everybody, so that nobody is censored and the share is the curve of leaving care.
    """
    if found.leaving is not None:
        for arm, group in enumerate(found.groups):
            members = found.arms.arms == arm
            for place, visit in enumerate(_visits(found)):
                n_in_care = int((members & (found.leaving[:, place] == 0.0)).sum())
                fields = {"subgroup": group.subgroup, "visit": visit.name}
                yield share_estimate(IN_CARE, n_in_care, int(members.sum()), conf_level, **fields)
    shared = {"visit": found.window.name, "n_patients": found.n_compared}
    missing = ~found.arms.is_observed
    yield from odds_ratio_rows(f"{NO_SCORE}: odds, ", _known_of_missing(found), missing, conf_level, shared)


def _known_of_missing(found: Comparison) -> dict[str, NDArray[np.float64]]:
    """Return the last score, the arms, and having left care or missed the visit before, by what they are called."""
    comparator = found.groups[0].label
    columns = {"per point of the last score": found.last_score}
    columns |= {
        f"{group.label} against {comparator}": (found.arms.arms == arm).astype(float) for arm, group in found.later_arms
    }
    if found.away is not None:
        words = "the visit before missed against scored" if found.leaving is None else "left care against stayed"
        columns[words] = found.away
    return columns


def _visits(found: Comparison) -> list[VisitWindow]:
    """Return the visits up to the one compared, in order of time."""
    return [*(found.data.visits[place] for place in earlier_visits(found.data, found.window)), found.window]


def comparison_parts(found: Comparison) -> tuple[Part, ...]:
    """Return the way to the compared, their scores by visit, gaps in these, and the fewest that share a level."""
    scored = _scores_up_to_the_visit(found)
    parts = [_flow(found), _scored_by_visit(found, scored)]
    if scored.shape[1] > 1:
        parts += [_patterns(found, scored), _missing_by_visit(found, scored)]
    fewest = tuple(fewest_patients(found, or_none=False))
    if fewest:
        parts.append(Part(FEWEST, ("term", "n_patients"), fewest))
    return tuple(parts)


def _flow(found: Comparison) -> Part:
    """Return everybody in the data, whom each question leaves out, and who is compared."""
    n_with_baseline = int(found.data.with_baseline.sum())
    return flow_of(
        [
            *selection_rows(found.data.attrition),
            excluded(BASELINE_STEP, NO_BASELINE, found.data.n_patients - n_with_baseline),
            stage(BASELINE_STEP, n_with_baseline),
            excluded(COMPARED_STEP, _NOT_COMPARED, n_with_baseline - found.n_compared),
            stage(COMPARED_STEP, found.n_compared),
        ]
    )


def _scores_up_to_the_visit(found: Comparison) -> NDArray[np.bool_]:
    import numpy as np

    places = [*earlier_visits(found.data, found.window), found.data.visit_index(found.window.name)]
    return ~np.isnan(found.data.scores[found.compared][:, places])


def _scored_by_visit(found: Comparison, scored: NDArray[np.bool_]) -> Part:
    rows: list[tuple[Cell, ...]] = [
        (visit.name, visit.target_day, group.subgroup, int(scored[found.arms.arms == arm, place].sum()))
        for arm, group in enumerate(found.groups)
        for place, visit in enumerate(_visits(found))
    ]
    return Part(SCORED_BY_VISIT, ("visit", "target_day", "group", "n_patients"), tuple(rows))


def _missing_by_visit(found: Comparison, scored: NDArray[np.bool_]) -> Part:
    """Return who of each arm is missing at each earlier visit: with a later score up to the one compared, or without.

    At the visit compared whoever is missing is missing for good: the compared without the scored.
    """
    gaps, ends = gaps_and_ends(scored)
    rows: list[tuple[Cell, ...]] = [
        (visit.name, group.subgroup, words, int(mask[found.arms.arms == arm, place].sum()))
        for arm, group in enumerate(found.groups)
        for place, visit in enumerate(_visits(found)[:-1])
        for words, mask in ((LATER, gaps), (NEVER, ends))
    ]
    return Part(MISSING_BY_VISIT, ("visit", "group", "step", "n_patients"), tuple(rows))


def _patterns(found: Comparison, scored: NDArray[np.bool_]) -> Part:
    here, everywhere = scored[:, -1], scored.all(axis=1)
    patterns = ((COMPLETE, everywhere), (GAPS, here & ~everywhere))
    rows: list[tuple[Cell, ...]] = [
        (words, group.subgroup, int((mask & (found.arms.arms == arm)).sum()))
        for arm, group in enumerate(found.groups)
        for words, mask in patterns
    ]
    return Part(PATTERNS, ("step", "group", "n_patients"), tuple(rows))
