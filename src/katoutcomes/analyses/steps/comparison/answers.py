"""The answer of a comparison as estimates: differences and ratios first, then the arms, comparator first."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.comparison.days import OTHER_RULES
from katoutcomes.analyses.steps.resamples import Interval, estimate_of
from katoutcomes.results.estimate import Estimate

if TYPE_CHECKING:
    from katoutcomes.analyses.steps.comparison.arms import Comparison
    from katoutcomes.analyses.steps.comparison.choices import ComparisonChoices
    from katoutcomes.analyses.steps.comparison.fits import Fitted
    from katoutcomes.cohorts.analysis_set import Group
    from katoutcomes.results.resamples import Resamples

WEIGHTED = "follow-up, weighted"
"""Term of the adjusted means and of the differences that are the answer."""
BAND = "simultaneous band"
"""Term of the differences of several arms with intervals that hold all of them at once."""
RATIO = "ratio, weighted"
"""Term of ratios of risks."""
IN_STATE, BETWEEN_VISITS = "in response, weighted", "days between visits"
"""Terms of what days in response are made of: the share at each visit, and which visit speaks for the days between."""


def answers(found: Comparison, fitted: Fitted, choices: ComparisonChoices) -> Iterator[Estimate]:
    """Yield differences, ratios of a binary outcome, adjusted means or shares, and what was missing of them."""
    for place, (_, group) in enumerate(found.later_arms):
        yield difference_of(found, group, fitted.differences[place], choices.conf_level)
        if fitted.ratios:
            yield _ratio(found, group, fitted.ratios[place], choices.conf_level)
    yield from _band(found, fitted, choices.conf_level)
    for arm, (group, mean) in enumerate(zip(found.groups, fitted.means, strict=True)):
        yield estimate_of(
            mean,
            choices.conf_level,
            term=WEIGHTED,
            measure="adjusted share" if found.is_share else "adjusted mean",
            unit=found.unit,
            definition_set=found.definition_set,
            subgroup=group.subgroup,
            visit=found.when,
            n_patients=found.n_of(arm, scored=True),
        )
    yield from _made_of(found, fitted, choices.conf_level)
    yield from _missing_information(found, fitted)


def _made_of(found: Comparison, fitted: Fitted, conf_level: float) -> Iterator[Estimate]:
    """Yield what days with an event are made of: the share of each arm at each visit; differences by other rules."""
    if fitted.days is None:
        return
    for visit, shares in zip(found.visits, fitted.days.shares, strict=True):
        for arm, group in enumerate(found.groups):
            yield estimate_of(
                shares[arm],
                conf_level,
                term=IN_STATE,
                measure="adjusted share",
                definition_set=found.definition_set,
                subgroup=group.subgroup,
                visit=visit.name,
                n_patients=int((found.days[found.visits.index(visit)].is_observed & (found.arms.arms == arm)).sum()),
            )
    for rule, differences in zip(OTHER_RULES, fitted.days.other_rules, strict=True):
        for place, (_, group) in enumerate(found.later_arms):
            one = difference_of(found, group, differences[place], conf_level)
            yield replace(one, term=f"{BETWEEN_VISITS}: days like the {rule}", p_value=math.nan)


def _missing_information(found: Comparison, fitted: Fitted) -> Iterator[Estimate]:
    """Yield the fraction of missing information of each difference, which names its arms where there are several."""
    is_one_of_many = len(found.later_arms) > 1
    for (_, group), share in zip(found.later_arms, fitted.missing_information, strict=False):
        if not math.isnan(share):
            yield Estimate(
                term="missing information of the difference",
                measure="missing information",
                visit=found.when,
                treatment=group.label if is_one_of_many else "",
                comparator=found.groups[0].label if is_one_of_many else "",
                estimate=share,
                n_patients=found.n_scored,
            )


def _band(found: Comparison, fitted: Fitted, conf_level: float) -> Iterator[Estimate]:
    """Yield the differences of several arms with one band over the resamples they share, and its adjusted p-values."""
    import numpy as np

    from katoutcomes.kernels.groups.simultaneous_intervals import simultaneous_intervals

    if fitted.replicates is None or len(found.later_arms) < 2:
        return
    estimates = np.array([one.estimate for one in fitted.differences])
    band = simultaneous_intervals(estimates, fitted.replicates, conf_level)
    for place, (_, group) in enumerate(found.later_arms):
        interval = Interval(
            float(estimates[place]),
            float(band.std_error[place]),
            conf_low=float(band.conf_low[place]),
            conf_high=float(band.conf_high[place]),
            p_value=float(band.p_value[place]),
        )
        yield replace(difference_of(found, group, interval, conf_level), term=f"{BAND}: {group.label}")


def resamples_of(found: Comparison, fitted: Fitted, choices: ComparisonChoices) -> Resamples | None:
    """Return the differences in each resample, where patients are resampled, and of whom these were drawn."""
    from hashlib import sha256

    from katoutcomes.results.resamples import Resamples

    if fitted.replicates is None:
        return None
    drawn = f"{found.data.provenance.digest} {found.data.cohort} {choices.entropy} {choices.resampling.n_bootstrap}"
    # Who is compared, and in which arm, in the order of the frequencies.
    digest = sha256(drawn.encode() + found.compared.tobytes() + found.arms.arms.tobytes())
    return Resamples(digest.hexdigest(), fitted.replicates)


def unanswered(found: Comparison, choices: ComparisonChoices) -> Iterator[Estimate]:
    """Yield the differences without a number."""
    for _, group in found.later_arms:
        yield difference_of(found, group, Interval(math.nan), choices.conf_level)


def difference_of(found: Comparison, group: Group, difference: Interval, conf_level: float) -> Estimate:
    """Return a later arm minus the comparator."""
    return estimate_of(
        difference,
        conf_level,
        term=f"{WEIGHTED}: {group.label} - {found.groups[0].label}",
        measure=found.difference,
        unit=found.unit,
        definition_set=found.definition_set,
        treatment=group.label,
        comparator=found.groups[0].label,
        visit=found.when,
        n_patients=found.n_scored,
    )


def _ratio(found: Comparison, group: Group, ratio: Interval, conf_level: float) -> Estimate:
    return estimate_of(
        ratio,
        conf_level,
        term=f"{RATIO}: {group.label} / {found.groups[0].label}",
        measure="risk ratio",
        definition_set=found.definition_set,
        treatment=group.label,
        comparator=found.groups[0].label,
        visit=found.when,
        n_patients=found.n_scored,
    )
