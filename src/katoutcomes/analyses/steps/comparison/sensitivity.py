"""How far a comparison could be wrong: unmeasured confounding, missing scores, truncated weights, precision."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from katoutcomes.analyses.steps.comparison.missing_events import missing_events
from katoutcomes.analyses.steps.confounding import (
    benchmark_row,
    confounding_rows,
    e_values_of_difference,
    e_values_of_ratio,
)
from katoutcomes.analyses.steps.precision import detectable_in_four_of_five
from katoutcomes.analyses.steps.resamples import estimate_of
from katoutcomes.analyses.steps.tipping import (
    FAVORABLE,
    LARGEST_DELTA,
    MissingScores,
    event_grid_rows,
    grid_rows,
    in_direction,
    room_of,
    tipping_rows,
)
from katoutcomes.estimands.leaving_care import WHILE_IN_CARE
from katoutcomes.results.estimate import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.comparison.arms import Comparison
    from katoutcomes.analyses.steps.comparison.choices import ComparisonChoices
    from katoutcomes.analyses.steps.comparison.fits import Fitted
    from katoutcomes.kernels.groups.strongest_covariate import StrongestCovariate

    Floats = NDArray[np.float64]

TRUNCATED = "truncated weights"
JUMP = "reference-based imputation, jump to reference"
"""If who left a later arm fared from then on like the comparator's patients."""


def sensitivity_estimates(found: Comparison, fitted: Fitted, choices: ComparisonChoices) -> Iterator[Estimate]:
    """Yield every sensitivity of every difference; nothing where there is no standard error."""
    for place, (arm, group) in enumerate(found.later_arms):
        difference = fitted.differences[place]
        shared: dict[str, Any] = {
            "treatment": group.label,
            "comparator": found.groups[0].label,
            "visit": found.when,
            "n_patients": found.n_scored,
        }
        if not difference.std_error > 0.0:
            continue
        if found.left_care != WHILE_IN_CARE:  # a description has no confounders, and nothing of it is missing
            yield from _confounding(found, fitted, place, choices.conf_level, shared)
            yield from _tipping(found, fitted, place, choices, shared)
        if fitted.jump_to_reference:
            jumped, fields = fitted.jump_to_reference[place], {"measure": found.difference, "unit": found.unit}
            yield estimate_of(jumped, choices.conf_level, term=JUMP, **fields, **shared)
        if choices.method == "weighted_ancova" and choices.weights != "none" and not found.days:
            yield from _truncated(found, fitted, arm, shared)
        yield detectable_in_four_of_five(difference.std_error, shared | {"unit": found.unit})


def _confounding(
    found: Comparison, fitted: Fitted, place: int, conf_level: float, shared: dict[str, Any]
) -> Iterator[Estimate]:
    arm, difference = found.later_arms[place][0], fitted.differences[place]
    if fitted.ratios:
        e_values = e_values_of_ratio(fitted.ratios[place])
    else:
        e_values = e_values_of_difference(difference, _pooled_sd(found, arm))
    df = float(found.n_scored - found.arms.covariates.shape[1] - found.arms.n_arms)
    yield from confounding_rows(difference, e_values, df, conf_level, shared)
    strongest = _strongest_covariate(found, arm, df)
    if strongest is not None:
        fields = shared | {"measure": found.difference, "unit": found.unit}
        yield benchmark_row(difference, strongest, found.columns.names[strongest.column], df, fields)


def _pooled_sd(found: Comparison, arm: int) -> float:
    import numpy as np

    data = found.arms
    sums, df = 0.0, 0
    for code in (0, arm):
        scores = data.outcome[(data.arms == code) & data.is_observed]
        sums += float(((scores - scores.mean()) ** 2).sum()) if scores.size else 0.0
        df += max(scores.size - 1, 0)
    return float(np.sqrt(sums / df)) if df else math.nan


def _strongest_covariate(found: Comparison, arm: int, df: float) -> StrongestCovariate | None:
    """Return the covariate whose like would move the difference most (unweighted, among the scored)."""
    from katoutcomes.kernels.groups.strongest_covariate import strongest_covariate

    data = found.arms
    rows = data.is_observed & ((data.arms == 0) | (data.arms == arm))
    return strongest_covariate(data.covariates[rows], data.arms[rows] == arm, data.outcome[rows], df)


def _tipping(
    found: Comparison, fitted: Fitted, place: int, choices: ComparisonChoices, shared: dict[str, Any]
) -> Iterator[Estimate]:
    """Yield by how much the missing scores would have to be other than assumed for the conclusion to change."""
    arm, instrument = found.later_arms[place][0], found.data.instrument
    span = instrument.maximum - instrument.minimum
    missing, fields = _missing_scores(fitted, place, arm, choices.conf_level), shared | {"unit": _unit_of_moves(found)}
    is_score, has_missing = found.event is None, bool((fitted.missing_shares[[0, arm]] > 0.0).any())
    events = missing_events(found, fitted, choices, arm) if found.is_share and has_missing else None
    yield from tipping_rows(
        missing,
        _moved_words(found, missing.direction),
        largest=LARGEST_DELTA * span if is_score else 1.0 if found.days else room_of(events, missing.direction),
        smallest_important=choices.smallest_important,
        sd=_pooled_sd(found, arm) if is_score else math.nan,
        fields=fields,
    )
    if is_score and missing.difference.has_limits:
        yield from grid_rows(missing, span, instrument.sign, fields)
    if events is not None and missing.difference.has_limits:
        subgroups = (found.groups[0].subgroup, found.groups[arm].subgroup)
        named = shared | {"definition_set": found.definition_set}
        yield from event_grid_rows(events, subgroups, choices.conf_level, named)


def _unit_of_moves(found: Comparison) -> str:
    """Return the unit by which what is missing moves: scores by points, events and days with these by shares."""
    return found.unit if found.event is None else ""


def _missing_scores(fitted: Fitted, place: int, arm: int, conf_level: float) -> MissingScores:
    import numpy as np

    signs = np.array([-1.0, 1.0])
    slopes = signs * fitted.missing_shares[[0, arm]]
    if fitted.replicates is None or fitted.replicate_shares is None:
        return MissingScores(fitted.differences[place], slopes, conf_level)
    drawn = signs * fitted.replicate_shares[:, [0, arm]]
    return MissingScores(fitted.differences[place], slopes, conf_level, fitted.replicates[:, place], drawn)


def _moved_words(found: Comparison, direction: float) -> str:
    """Return what moves, and whether for the better."""
    if found.event is not None:
        return f"{found.event.words} {'more' if direction > 0.0 else 'less'} often among the missing by so much"
    return f"missing scores {in_direction(direction, found.data.instrument.sign, FAVORABLE)} by so much"


def _truncated(found: Comparison, fitted: Fitted, arm: int, shared: dict[str, Any]) -> Iterator[Estimate]:
    """Yield the difference with the weights of each arm cut at a percentile, without an interval."""
    from katoutcomes.kernels.weighting.balancing_weights import truncated

    for percent in (99, 95):
        weights = truncated(fitted.combined, percent / 100.0, found.arms.arms)
        means = _means_with(found, weights, fitted.weights.tilt[0])
        yield Estimate(
            term=f"{TRUNCATED}, at the {percent}th percentile",
            measure=found.difference,
            unit=found.unit,
            estimate=float(means[arm] - means[0]),
            **shared,
        )


def _means_with(found: Comparison, weights: Floats, tilt: Floats) -> Floats:
    """Return the arms' means with other weights, up to a shift that all of them share."""
    import numpy as np

    from katoutcomes.kernels.groups.weighted_risks import predicted_risks
    from katoutcomes.kernels.weighting.weighted_ancova import arm_design, weighted_coefficients

    data = found.arms
    if found.event is None:
        design = arm_design(data.arms, data.n_arms, data.covariates - data.covariates.mean(axis=0))
        return np.asarray(weighted_coefficients(design, data.outcome, weights[None, :])[0])
    risks = predicted_risks(data, weights[None, :])[0]
    return np.asarray(tilt @ risks / tilt.sum())
