"""How much of a change may be regression to the mean, given how patients were chosen."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from katoutcomes.results.estimate import Estimate
from katoutcomes.results.formatting import format_number

if TYPE_CHECKING:
    from katoutcomes.cohorts.analysis_set import AnalysisSet
    from katoutcomes.estimands.selection_rule import SelectionRule

LEAST = "regression to the mean, least"
MOST = "regression to the mean, most"
BEYOND_LEAST = "change beyond regression to the mean, least"
BEYOND_MOST = "change beyond regression to the mean, most"


@dataclass(frozen=True, slots=True)
class ReferralPopulation:
    """Mean and standard deviation of the score before anybody was chosen; NaN where they are not known."""

    mean: float
    sd: float


def referral_population(data: AnalysisSet, rule: SelectionRule) -> ReferralPopulation:
    """Return what the rule states, or what the baseline scores beyond its cut-off say of all who were referred."""
    from katoutcomes.kernels.change.regression_to_the_mean import truncated_normal

    if rule.referral_mean is not None or rule.cut_off is None:
        sd = math.nan if rule.referral_sd is None else rule.referral_sd
        return ReferralPopulation(math.nan if rule.referral_mean is None else rule.referral_mean, sd)
    above = selects_above(data)
    known = data.baseline[data.with_baseline]
    seen = known[known >= rule.cut_off] if above else known[known <= rule.cut_off]
    # A whole score stands for half a point to either side of it.
    edge = rule.cut_off - 0.5 if above else rule.cut_off + 0.5
    found = truncated_normal(seen, edge if bool((known % 1 == 0).all()) else rule.cut_off, selected_above=above)
    return ReferralPopulation(found.mean, found.sd)


def selects_above(data: AnalysisSet) -> bool:
    """Return whether the more severe end of the scale is the upper one."""
    return data.instrument.sign <= 0


def regression_estimates(
    mean_change: Estimate, baseline_mean: float, rule: SelectionRule, population: ReferralPopulation, *, above: bool
) -> Iterator[Estimate]:
    """Yield the expected change without any true one, and what is left of the mean change.

    Parameters
    ----------
    mean_change : Estimate
        Of one group at one visit.
    baseline_mean : float
        Of the same patients.
    rule : SelectionRule
        How patients were chosen.
    population : ReferralPopulation
        From whom.
    above : bool
        Whether those with high scores were chosen.
    """
    expected = Estimate(
        term="", measure="expected change", unit="points", visit=mean_change.visit, n_patients=mean_change.n_patients
    )
    for reliability in rule.reliabilities:
        term = f"regression to the mean, reliability {format_number(reliability, 2, trailing_zeros=False)}"
        moved = _expected(rule, population.mean, population.sd, reliability, baseline_mean, above=above)
        yield replace(expected, term=term, estimate=moved)
    means = [population.mean + shift for shift in (-rule.mean_margin, 0.0, rule.mean_margin)]
    moves = [
        _expected(rule, mean, population.sd, reliability, baseline_mean, above=above)
        for mean in means
        for reliability in rule.reliabilities
    ]
    least, most = sorted((min(moves), max(moves)), key=abs)
    yield replace(expected, term=LEAST, estimate=least)
    yield replace(expected, term=MOST, estimate=most)
    for term, moved in ((BEYOND_MOST, least), (BEYOND_LEAST, most)):
        yield replace(
            mean_change,
            term=term,
            measure="adjusted mean change",
            estimate=mean_change.estimate - moved,
            conf_low=mean_change.conf_low - moved,
            conf_high=mean_change.conf_high - moved,
            conf_level=math.nan if math.isnan(mean_change.conf_low - moved) else mean_change.conf_level,
            statistic=math.nan,
            p_value=math.nan,
        )


def _expected(
    rule: SelectionRule, mean: float, sd: float, reliability: float, baseline_mean: float, *, above: bool
) -> float:
    from katoutcomes.kernels.change.regression_to_the_mean import regression_with_cut_off, regression_without_cut_off

    if math.isnan(mean) or (rule.cut_off is not None and math.isnan(sd)):
        return math.nan
    if rule.cut_off is None:
        return regression_without_cut_off(baseline_mean, mean, reliability)
    return regression_with_cut_off(
        rule.cut_off, mean, sd, reliability, selected_above=above, n_measurements=rule.n_baseline_scores
    )
