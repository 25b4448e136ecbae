"""How much the scores changed since the first dose, in the patients who have both scores: not an effect."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.anchored_visits import anchored_warnings
from katoutcomes.analyses.steps.change.choices import ChangeChoices, change_choices
from katoutcomes.analyses.steps.change.estimates import mean_and_sd_estimates, visit_estimates
from katoutcomes.analyses.steps.change.regression_bound import referral_population, regression_estimates, selects_above
from katoutcomes.analyses.steps.change.subgroup_differences import adjusted_families, subgroup_differences
from katoutcomes.analyses.steps.change.words import assumptions, change_method
from katoutcomes.analyses.steps.checks import (
    completers_check,
    paired_completeness_check,
    patients_check,
    smallest_group_check,
)
from katoutcomes.analyses.steps.choices import grouping_note, reported_groups
from katoutcomes.analyses.steps.interval_estimates import share_estimate
from katoutcomes.analyses.steps.score_pairs import individual_pairs, paired_scores, score_pair_counts
from katoutcomes.cohorts.analysis_set_needed import require_analysis_set
from katoutcomes.errors import DesignError
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.estimands.visit_window import FIRST_DOSE
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Cell, Part
from katoutcomes.results.result import Result

if TYPE_CHECKING:
    import numpy as np

    from katoutcomes.analyses.steps.change.regression_bound import ReferralPopulation
    from katoutcomes.cohorts.analysis_set import AnalysisSet, Group
    from katoutcomes.estimands.selection_rule import SelectionRule
    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.results.check import Check

BASELINE_VISIT = "baseline"
VISIT_COLUMNS: tuple[str, ...] = ("order", "visit", "target_day", "anchor")


def change_from_baseline(
    data: AnalysisSet,
    estimand: Estimand | None = None,
    *,
    by: str | None = None,
    conf_level: float = 0.95,
    interval: str = "closed form",
    rng: np.random.Generator | int | None = None,
    n_resamples: int = 5000,
    at_baseline: float | None = None,
    margin: str | float | None = None,
    selection: SelectionRule | None = None,
    families: Sequence[str] = ("subgroup differences",),
    multiplicity: str = "holm",
) -> Result:
    """Estimate the mean change of the score from baseline to each visit, in points and in standard deviations.

    Change is follow-up minus baseline, in the patients who have both. It is a description, never an effect.

    Parameters
    ----------
    data : AnalysisSet
        The scores.
    estimand : Estimand, optional
        The question, if another wording is wanted.
    by : str, optional
        A variable known at time zero whose levels are reported as well; by default the cohorts of `data`, if it has
        any. All patients together always come first. Levels of a variable other than the cohorts are compared with
        the first one; for cohorts see `cohort_difference`.
    conf_level : float, default 0.95
        Level of all intervals.
    interval : {"closed form", "bca", "percentile"}
        Of the mean change and the effect sizes: formulas, or a bootstrap of patients.
    rng : numpy.random.Generator or int, optional
        Source of the bootstrap's samples, or its seed; needed for the bootstrap only.
    n_resamples : int, default 5000
        Samples of the bootstrap, 1000 or more.
    at_baseline : float, optional
        Baseline score for which the severity-adjusted change is given; by default the mean of all who have one.
    margin : str or float, optional
        How large a change must be to matter: the name of a definition set of the kind ``"mcid"``, or points. Then the
        change is tested against it (equivalence, non-inferiority, improvement beyond it).
    selection : SelectionRule, optional
        How patients were chosen by their score; regression to the mean is worked out for it. By default the limit that
        the cohort's own criteria set to the baseline score of this instrument, if they set one. A rule that is given
        comes first; where it differs from the cohort's, `Result.warnings` says so.
    families : sequence of str, default ("subgroup differences",)
        Which families of tests are adjusted for there being several: ``"visits"`` (the t tests of all patients at all
        visits) and ``"subgroup differences"`` (all of them, at all visits).
    multiplicity : {"holm", "benjamini-hochberg", "none"}
        How they are adjusted.

    Returns
    -------
    Result
        For everybody and each group: the baseline of all who have one; then for each visit the baseline, follow-up and
        change of those who have both (means with t intervals, standard deviations, paired t with its two-sided p),
        d_av, d_z, d_rm and delta_pre, each also corrected for small samples (``hedges_…``) and with its interval, the
        correlation, the Hodges-Lehmann estimate with the p of the signed rank test, the percent change of the mean,
        the change at the stated baseline, who improved, did not change or got worse, the probability of superiority,
        U3, who stands at an end of the scale, and which share of those with a baseline this is. NaN where a number
        does not exist: spread below two pairs, tests and d_z where nobody's change differs.

    Raises
    ------
    DesignError
        If no patient has both a baseline score and one at any visit, or `by` is a number.
    ImmortalTimeError
        If `by` is known only after time zero.
    OptionError
        If there is no such variable, definition set, interval or family, or a number is outside its range.

    See Also
    --------
    katoutcomes.kernels.change.paired_effects.paired_effect : The formulas of the effect sizes.
    katoutcomes.kernels.change.pair_bootstrap.bootstrap_intervals : The bootstrap.

    References
    ----------
    Bonett DG. J Educ Behav Stat 2015;40:366-376. doi:10.3102/1076998615583904.

    Examples
    --------
    >>> import pandas as pd
    >>> import katoutcomes as kat
    >>> frame = pd.DataFrame({"id": range(4), "week": 12, "phq": [4, 12, 15, 20], "before": [16, 14, 17, 19]})
    >>> data = kat.AnalysisSet.from_frame(
    ...     frame, patient="id", visit="week", score="phq", baseline="before", instrument="PHQ-9"
    ... )
    >>> result = kat.change_from_baseline(data)
    >>> for measure in ("mean change", "d_av", "d_z", "hedges_d_z", "delta_pre", "Hodges-Lehmann estimate"):
    ...     print(f"{measure} {result.select(term='change', measure=measure)[0].estimate:.2f}")
    mean change -3.75
    d_av -0.76
    d_z -0.66
    hedges_d_z -0.48
    delta_pre -1.80
    Hodges-Lehmann estimate -2.00
    """
    require_analysis_set(data)
    choices = change_choices(
        data,
        by=by,
        conf_level=conf_level,
        interval=interval,
        rng=rng,
        n_resamples=n_resamples,
        at_baseline=at_baseline,
        margin=margin,
        selection=selection,
        families=families,
        multiplicity=multiplicity,
    )
    groups = reported_groups(data, by)
    if not any(data.pairs(visit.name).any() for visit in data.visits):
        raise DesignError(f"no patient has both a baseline {data.instrument.name} score and one at any visit.")
    return Result(
        analysis="change_from_baseline",
        title=f"Change from baseline: {data.instrument.name}",
        estimand=estimand if estimand is not None else _estimand(data),
        method=change_method(choices, data.instrument),
        estimates=tuple(
            replace(estimate, instrument=data.instrument.name, cohort=data.cohort)
            for estimate in _estimates(data, groups, choices)
        ),
        provenance=data.provenance,
        parts=(visits_part(data.visits), score_pair_counts(data, data.visits, groups)),
        assumptions=assumptions(choices) + grouping_note(data, by) + data.notes,
        checks=_checks(data, groups),
        warnings=anchored_warnings(data.visits) + ((choices.selection.warning,) if choices.selection.warning else ()),
        individual_values=individual_pairs(data, data.visits, groups),
    )


def visits_part(visits: tuple[VisitWindow, ...]) -> Part:
    """Return the part ``"visits"``: the baseline and the visits, with the day each is meant for and its anchor.

    The days of visits with another `anchor` than the first dose have no place on the axis of the others.
    """
    rows: list[tuple[Cell, ...]] = [(0, BASELINE_VISIT, 0, FIRST_DOSE)]
    rows += [(order, visit.name, visit.target_day, visit.anchor) for order, visit in enumerate(visits, start=1)]
    return Part("visits", VISIT_COLUMNS, tuple(rows))


def _estimand(data: AnalysisSet) -> Estimand:
    return Estimand(
        name="change_under_ketamine",
        population=data.population,
        treatment="",
        comparator="",
        endpoint=Endpoint(data.instrument.name, "every visit", "change from baseline"),
        intercurrent_events=(
            "scores are used as observed, whatever care came before them, and patients without a later score are not "
            "in the change"
        ),
        summary_measure="mean change",
    )


def _estimates(data: AnalysisSet, groups: tuple[Group, ...], choices: ChangeChoices) -> list[Estimate]:
    """Return all estimates: what was stated, group by group, the differences, the adjusted p-values."""
    population = None if choices.selection.rule is None else referral_population(data, choices.selection.rule)
    found = [*_stated(choices), *_referral(data, choices, population)]
    for group in groups:
        found += [replace(one, subgroup=group.subgroup) for one in _group_estimates(data, group, choices, population)]
    if choices.compares_subgroups:
        found += subgroup_differences(data, groups, choices.conf_level)
    return [*found, *adjusted_families(found, choices)]


def _stated(choices: ChangeChoices) -> Iterator[Estimate]:
    """Yield the numbers that the caller stated, as thresholds beside which the estimates stand."""
    if not math.isnan(choices.at_baseline):
        yield Estimate(term="stated baseline", measure="threshold", unit="points", estimate=choices.at_baseline)
    if choices.margin is not None:
        yield Estimate(
            term="margin",
            measure="threshold",
            unit="" if choices.margin.is_share else "points",
            definition_set=choices.margin.definition_set,
            estimate=choices.margin.value,
        )


def _referral(data: AnalysisSet, choices: ChangeChoices, population: ReferralPopulation | None) -> Iterator[Estimate]:
    """Yield the referral mean: as it was stated, or as the baseline scores beyond the cut-off give it."""
    if choices.selection.rule is None or population is None:
        return
    is_stated = choices.selection.rule.referral_mean is not None
    yield Estimate(
        term="referral mean",
        measure="threshold",
        unit="points",
        estimate=population.mean,
        n_patients=None if is_stated else int(data.with_baseline.sum()),
    )


def _group_estimates(
    data: AnalysisSet, group: Group, choices: ChangeChoices, population: ReferralPopulation | None
) -> Iterator[Estimate]:
    """Yield the baseline of all who have one, then everything about each visit."""
    import numpy as np

    from katoutcomes.kernels.summaries import mean_interval

    level = choices.conf_level
    baseline = mean_interval(data.baseline[group.mask], level)
    at_baseline = choices.at_baseline
    if math.isnan(at_baseline) and data.with_baseline.any():
        at_baseline = float(np.nanmean(data.baseline))
    yield from mean_and_sd_estimates("baseline, all with baseline", "mean", baseline, level, BASELINE_VISIT)
    for visit in data.visits:
        before, after = paired_scores(data, visit, group)
        estimates = list(visit_estimates(before, after, data.instrument, choices, at_baseline))
        if choices.selection.rule is not None and population is not None:
            change = next(one for one in estimates if one.term == "change" and one.measure == "mean change")
            mean = float(before.mean()) if before.size else math.nan
            above = selects_above(data)
            estimates += regression_estimates(change, mean, choices.selection.rule, population, above=above)
        estimates.append(share_estimate("paired completeness", int(before.size), baseline.n_values, level))
        yield from (replace(estimate, visit=visit.name) for estimate in estimates)


def _checks(data: AnalysisSet, groups: tuple[Group, ...]) -> tuple[Check, ...]:
    """Return the checks of each visit for all patients, and one on the smallest number anywhere."""
    n_baseline = int(data.with_baseline.sum())
    n_pairs = {visit.name: int(data.pairs(visit.name).sum()) for visit in data.visits}
    best = max(n_pairs, key=lambda name: n_pairs[name])
    smallest = min(int((group.mask & data.pairs(visit.name)).sum()) for group in groups for visit in data.visits)
    checks = [
        patients_check(n_pairs[best], best),
        smallest_group_check(
            smallest,
            "Each group has enough patients with both scores at each visit.",
            "Some group has too few patients with both scores at some visit; its numbers there say little.",
            name="patients per group and visit",
        ),
    ]
    for visit in data.visits:
        checks.append(paired_completeness_check(n_pairs[visit.name], n_baseline, visit.name))
        checks.append(completers_check(data.baseline, data.pairs(visit.name), visit.name))
    return tuple(checks)
