"""The counts of a comparison of cohorts: who is compared, who is scored when, which scores are missing together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.comparison.arms import Comparison
from katoutcomes.analyses.steps.comparison.checks import fewest_patients
from katoutcomes.analyses.steps.comparison.history import visits_up_to
from katoutcomes.analyses.steps.flow_rows import BASELINE_STEP, NO_BASELINE, excluded, flow_of, selection_rows, stage
from katoutcomes.analyses.steps.interval_estimates import share_estimate
from katoutcomes.analyses.steps.missing_scores import LATER, NEVER, gaps_and_ends, odds_ratio_rows
from katoutcomes.estimands.leaving_care import COMPOSITE
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Cell, Part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.kernels.weighting.comparison import ArmData

COMPARED, SCORED, SEEN = "compared", "scored, of those compared", "seen, of those scored"
WITH_OUTCOME, LEFT = "with an outcome, of those compared", "left care, of those compared"
SCORED_IN_CARE, SEEN_OF_OUTCOMES = "scored in care, of those compared", "seen, of those with an outcome"
SCORED_BY_VISIT, PATTERNS, FEWEST = "scored_by_visit", "missing_patterns", "fewest_patients"
MISSING_BY_VISIT, IN_CARE, NO_SCORE = "missing_by_visit", "in care, of those compared", "no score at the visit"
COMPARED_STEP = "patients compared"
_NOT_COMPARED = "in no arm, something of them not known, or nobody like them"
COMPLETE, GAPS = "scored at every visit", "scored at the visit, with gaps before"


def count_estimates(found: Comparison, conf_level: float) -> Iterator[Estimate]:
    """Yield how many patients of each arm are compared, and which share of them is scored or has an outcome."""
    yield from _event_estimates(found, conf_level)
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
        for term, n_patients in _with_outcome(found, arm):
            fields = {"subgroup": group.subgroup, "visit": found.when}
            yield share_estimate(term, n_patients, n_compared, conf_level, **fields)
    yield from _loss_estimates(found, conf_level)


def _with_outcome(found: Comparison, arm: int) -> Iterator[tuple[str, int]]:
    """Yield how many of an arm have an outcome and, where leaving care decides or ends it, how many had left.

    Who left and whoever was scored in care are then those with an outcome.
    """
    n_scored = found.n_of(arm, scored=True)
    if found.has_left is None:
        if not found.days:
            yield SCORED, n_scored
        return
    n_left = int((found.has_left & (found.arms.arms == arm)).sum())
    if found.left_care == COMPOSITE:
        yield WITH_OUTCOME, n_scored
        yield SCORED_IN_CARE, n_scored - n_left
    yield LEFT, n_left


def _event_estimates(found: Comparison, conf_level: float) -> Iterator[Estimate]:
    """Yield which share of those of each arm who have an outcome has the event, as seen; of days, at each visit."""
    if found.event is None:
        return
    term = f"{SEEN if found.has_left is None else SEEN_OF_OUTCOMES}: {found.event.words}"
    at_visits = zip([visit.name for visit in found.visits], found.days, strict=True)
    for visit, arms in at_visits if found.days else [(found.when, found.arms)]:
        for arm, group in enumerate(found.groups):
            n_events, n_patients = _events_of(arms, arm)
            fields = {"visit": visit, "definition_set": found.definition_set, "subgroup": group.subgroup}
            yield share_estimate(term, n_events, n_patients, conf_level, **fields)


def _events_of(arms: ArmData, arm: int) -> tuple[int, int]:
    """Return how many patients of an arm have the event, and of how many that is known."""
    outcome = arms.outcome[(arms.arms == arm) & arms.is_observed]
    return int((outcome > 0.0).sum()), outcome.size


def _loss_estimates(found: Comparison, conf_level: float) -> Iterator[Estimate]:
    """Yield who of each arm was in care at each visit, where that is known, and odds ratios of having no score.

    The last day in care is known for everybody, so that nobody is censored and the share is the curve of leaving care.
    """
    import numpy as np

    if found.leaving is not None:
        for arm, group in enumerate(found.groups):
            members = found.arms.arms == arm
            for place, visit in enumerate(found.visits):
                n_in_care = int((members & (found.leaving[:, place] == 0.0)).sum())
                fields = {"subgroup": group.subgroup, "visit": visit.name}
                yield share_estimate(IN_CARE, n_in_care, int(members.sum()), conf_level, **fields)
    shared = {"visit": found.window.name, "n_patients": found.n_compared}
    missing = np.isnan(found.data.scores_at(found.window.name)[found.compared])
    yield from odds_ratio_rows(f"{NO_SCORE}: odds, ", _known_of_missing(found), missing, conf_level, shared)


def _known_of_missing(found: Comparison) -> dict[str, NDArray[np.float64]]:
    """Return the last score, the arms, and having left care or missed the visit before, by what they are called."""
    comparator = found.groups[0].label
    columns = {"per point of the last score": found.last_score}
    columns |= {
        f"{group.label} against {comparator}": (found.arms.arms == arm).astype(float) for arm, group in found.later_arms
    }
    if found.leaving is not None:
        columns["left care against stayed"] = found.leaving[:, -1]
    elif found.away is not None:
        columns["the visit before missed against scored"] = found.away
    return columns


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

    places = visits_up_to(found.data, found.window)
    return ~np.isnan(found.data.scores[found.compared][:, places])


def _scored_by_visit(found: Comparison, scored: NDArray[np.bool_]) -> Part:
    rows: list[tuple[Cell, ...]] = [
        (visit.name, visit.target_day, group.subgroup, int(scored[found.arms.arms == arm, place].sum()))
        for arm, group in enumerate(found.groups)
        for place, visit in enumerate(found.visits)
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
        for place, visit in enumerate(found.visits[:-1])
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
