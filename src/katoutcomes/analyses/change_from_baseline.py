"""How much the scores changed since the first dose, in the patients who have both scores: not an effect."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.anchored_visits import anchored_warnings
from katoutcomes.analyses.steps.checks import (
    PAIRS_LIMIT,
    completers_check,
    paired_completeness_check,
    patients_check,
)
from katoutcomes.analyses.steps.choices import grouping_note, reported_groups, require_conf_level
from katoutcomes.analyses.steps.score_pairs import individual_pairs, paired_scores, score_pair_counts
from katoutcomes.errors import DesignError
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.estimands.visit_window import FIRST_DOSE
from katoutcomes.results.check import Check
from katoutcomes.results.estimate import NOT_A_NUMBER, Estimate
from katoutcomes.results.formatting import format_level
from katoutcomes.results.part import Cell, Part
from katoutcomes.results.result import Method, Result

if TYPE_CHECKING:
    from katoutcomes.cohorts.analysis_set import AnalysisSet, Group
    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.kernels.paired_change import PairedChange
    from katoutcomes.kernels.paired_effects import PairedEffect
    from katoutcomes.kernels.summaries import MeanInterval

BASELINE_VISIT = "baseline"
VISIT_COLUMNS: tuple[str, ...] = ("order", "visit", "target_day", "anchor")

_SOURCES = (
    "Student. The probable error of a mean. Biometrika 1908;6:1-25. doi:10.1093/biomet/6.1.1",
    (
        "Bonett DG. Confidence intervals for standardized linear contrasts of means. Psychol Methods 2008;13:99-109. "
        "doi:10.1037/1082-989X.13.2.99"
    ),
    (
        "Bonett DG. Interval estimation of standardized mean differences in paired-samples designs. J Educ Behav Stat "
        "2015;40:366-376. doi:10.3102/1076998615583904"
    ),
    (
        "Steiger JH, Fouladi RT. Noncentrality interval estimation and the evaluation of statistical models. In: "
        "Harlow LL, Mulaik SA, Steiger JH (eds). What if there were no significance tests? Mahwah: Erlbaum; "
        "1997:221-257"
    ),
    (
        "Wilson EB. Probable inference, the law of succession, and statistical inference. J Am Stat Assoc "
        "1927;22:209-212. doi:10.1080/01621459.1927.10502953"
    ),
)
_ASSUMPTIONS = (
    (
        "There is no group without the treatment, so the change is not its effect: it also holds what time, other care "
        "and expectation did."
    ),
    (
        "People start treatment when they feel worst, and a high first score is partly chance. Their next score tends "
        "to be better whatever is done (regression to the mean)."
    ),
    (
        "The change is that of the patients who have both scores. It says nothing about those who left or were not "
        "asked; they may have fared better or worse."
    ),
    (
        "The patients behind one visit are not the same as those behind another, so the means of two visits must not "
        "be subtracted from each other."
    ),
    "The intervals treat patients as independent of each other and the mean change as about normally distributed.",
)


def change_from_baseline(
    data: AnalysisSet, estimand: Estimand | None = None, *, by: str | None = None, conf_level: float = 0.95
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
        any. All patients together always come first.
    conf_level : float, default 0.95
        Level of all intervals.

    Returns
    -------
    Result
        For everybody and each group: the baseline of all who have one; then for each visit the baseline, follow-up and
        change of those who have both (means with t intervals, standard deviations, paired t with its two-sided p),
        d_av and d_z with their intervals, the correlation, and which share of those with a baseline this is. NaN
        where a number does not exist: spread below two pairs, tests and d_z where nobody's change differs.

    Raises
    ------
    DesignError
        If no patient has both a baseline score and one at any visit, or `by` is a number.
    ImmortalTimeError
        If `by` is known only after time zero.
    OptionError
        If there is no such variable, or the level is outside its range.

    See Also
    --------
    katoutcomes.kernels.paired_change.paired_change : The formulas.

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
    >>> for estimate in kat.change_from_baseline(data).select(term="change"):
    ...     print(f"{estimate.measure} {estimate.estimate:.2f}")
    mean change -3.75
    standard deviation 5.68
    d_av -0.76
    d_z -0.66
    """
    require_conf_level(conf_level)
    groups = reported_groups(data, by)
    if not any(data.pairs(visit.name).any() for visit in data.visits):
        raise DesignError(f"no patient has both a baseline {data.instrument.name} score and one at any visit.")
    estimates = [estimate for group in groups for estimate in _group_estimates(data, group, conf_level)]
    return Result(
        analysis="change_from_baseline",
        title=f"Change from baseline: {data.instrument.name}",
        estimand=estimand if estimand is not None else _estimand(data),
        method=_method(conf_level),
        estimates=tuple(
            replace(estimate, instrument=data.instrument.name, cohort=data.cohort) for estimate in estimates
        ),
        provenance=data.provenance,
        parts=(visits_part(data.visits), score_pair_counts(data, data.visits, groups)),
        assumptions=_ASSUMPTIONS + grouping_note(data, by) + data.notes,
        checks=_checks(data, groups),
        warnings=anchored_warnings(data.visits),
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
        name="change_from_baseline",
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


def _method(conf_level: float) -> Method:
    return Method(
        name="paired t",
        description=(
            "Change is follow-up minus baseline in the patients who have both scores. It is not an effect of the "
            "treatment, because there is no group without it. Mean change with its t interval and paired t test; "
            "d_av is the mean change over the root mean square of the baseline and follow-up standard deviations, "
            "with Bonett's interval; d_z is the mean change over the standard deviation of the changes, with its "
            "noncentral t interval. Paired completeness is the share of the patients with a baseline score who also "
            f"have a follow-up score, with its Wilson interval. All intervals are {format_level(conf_level)}."
        ),
        sources=_SOURCES,
    )


def _group_estimates(data: AnalysisSet, group: Group, conf_level: float) -> Iterator[Estimate]:
    """Yield the baseline of all who have one, then everything about each visit."""
    from katoutcomes.kernels.paired_change import paired_change
    from katoutcomes.kernels.summaries import mean_interval

    baseline = mean_interval(data.baseline[group.mask], conf_level)
    found = [*_mean_and_sd("baseline, all with baseline", "mean", baseline, conf_level, BASELINE_VISIT)]
    for visit in data.visits:
        change = paired_change(*paired_scores(data, visit, group), conf_level)
        found += [replace(estimate, visit=visit.name) for estimate in _change_estimates(change, conf_level)]
        found.append(_completeness(change.n_pairs, baseline.n_values, visit, conf_level))
    for estimate in found:
        yield replace(estimate, subgroup=group.subgroup)


def _change_estimates(change: PairedChange, conf_level: float) -> Iterator[Estimate]:
    """Yield what one visit says about the patients who have both scores."""
    yield from _mean_and_sd("baseline, completers", "mean", change.baseline, conf_level)
    yield from _mean_and_sd("follow-up", "mean", change.follow_up, conf_level)
    mean_change, sd = _mean_and_sd("change", "mean change", change.change, conf_level)
    yield replace(mean_change, statistic=change.statistic, p_value=change.p_value)
    yield sd
    yield _standardized("d_av", change.d_av, change.n_pairs, conf_level)
    yield _standardized("d_z", change.d_z, change.n_pairs, conf_level)
    yield Estimate(
        term="baseline with follow-up",
        measure="correlation",
        estimate=change.correlation,
        n_patients=change.n_pairs,
    )


def _mean_and_sd(
    term: str, measure: str, mean: MeanInterval, conf_level: float, visit: str = ""
) -> tuple[Estimate, Estimate]:
    """Return the mean with its interval, and the standard deviation."""
    sd = Estimate(
        term=term,
        measure="standard deviation",
        unit="points",
        visit=visit,
        estimate=mean.sd,
        n_patients=mean.n_values,
    )
    with_interval = replace(
        sd,
        measure=measure,
        estimate=mean.estimate,
        std_error=mean.std_error,
        df=mean.df,
        conf_low=mean.conf_low,
        conf_high=mean.conf_high,
        conf_level=_level(mean.conf_low, conf_level),
    )
    return with_interval, sd


def _standardized(measure: str, change: PairedEffect, n_pairs: int, conf_level: float) -> Estimate:
    return Estimate(
        term="change",
        measure=measure,
        unit="SD",
        estimate=change.estimate,
        std_error=change.std_error,
        conf_low=change.conf_low,
        conf_high=change.conf_high,
        conf_level=_level(change.conf_low, conf_level),
        n_patients=n_pairs,
    )


def _completeness(n_pairs: int, n_baseline: int, visit: VisitWindow, conf_level: float) -> Estimate:
    from katoutcomes.kernels.proportions import share

    scored = share(n_pairs, n_baseline, conf_level)
    return Estimate(
        term="paired completeness",
        measure="proportion",
        visit=visit.name,
        estimate=scored.estimate,
        conf_low=scored.conf_low,
        conf_high=scored.conf_high,
        conf_level=_level(scored.conf_low, conf_level),
        n_patients=n_baseline,
    )


def _level(limit: float, conf_level: float) -> float:
    """Return the level, or NaN where there is no limit for it to belong to."""
    return NOT_A_NUMBER if math.isnan(limit) else conf_level


def _checks(data: AnalysisSet, groups: tuple[Group, ...]) -> tuple[Check, ...]:
    """Return the checks of each visit for all patients, and one on the smallest number anywhere."""
    n_baseline = int(data.with_baseline.sum())
    n_pairs = {visit.name: int(data.pairs(visit.name).sum()) for visit in data.visits}
    best = max(n_pairs, key=lambda name: n_pairs[name])
    smallest = min(int((group.mask & data.pairs(visit.name)).sum()) for group in groups for visit in data.visits)
    checks = [patients_check(n_pairs[best], best), _every_number_check(smallest)]
    for visit in data.visits:
        checks.append(paired_completeness_check(n_pairs[visit.name], n_baseline, visit.name))
        checks.append(completers_check(data.baseline, data.pairs(visit.name), visit.name))
    return tuple(checks)


def _every_number_check(smallest: int) -> Check:
    enough = smallest >= PAIRS_LIMIT
    return Check(
        name="patients per group and visit",
        passed=enough,
        severity="caution",
        value=float(smallest),
        limit=float(PAIRS_LIMIT),
        message=(
            "Each group has enough patients with both scores at each visit."
            if enough
            else "Some group has too few patients with both scores at some visit; its numbers there say little."
        ),
    )
