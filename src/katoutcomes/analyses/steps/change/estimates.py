"""Everything that `change_from_baseline` says about one group at one visit."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.interval_estimates import level_of, numbers_of, share_estimate
from katoutcomes.results.estimate import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.change.choices import ChangeChoices, Margin
    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.kernels.change.pair_bootstrap import BootstrapInterval
    from katoutcomes.kernels.change.paired_change import PairedChange
    from katoutcomes.kernels.change.paired_effects import PairedEffect
    from katoutcomes.kernels.summaries import MeanInterval

    Scores = NDArray[np.float64]

AT_BASELINE = "change at the stated baseline"
MOVES = ("improved", "unchanged", "worse")
PLACES = ("lowest", "between", "highest")


def visit_estimates(
    baseline: Scores, follow_up: Scores, instrument: Instrument, choices: ChangeChoices, at_baseline: float
) -> Iterator[Estimate]:
    """Yield the estimates of the patients of one group who have both scores at one visit; their visit is not set.

    Parameters
    ----------
    baseline, follow_up : ndarray of float64, shape (n_pairs,)
        Scores of the same patients in the same order.
    instrument : Instrument
        Its direction and range.
    choices : ChangeChoices
        What the caller chose.
    at_baseline : float
        Baseline score for which the adjusted change is given.
    """
    from katoutcomes.kernels.change.paired_change import paired_change

    change = paired_change(baseline, follow_up, choices.conf_level)
    limits = _bootstrap(baseline, follow_up, choices)
    yield from _means_and_effects(change, choices.conf_level, limits)
    yield from _by_ranks(follow_up - baseline, choices.conf_level)
    yield _percent(change, choices.conf_level)
    yield _at_baseline(baseline, follow_up - baseline, at_baseline, choices.conf_level)
    yield from _moves(baseline, follow_up, change, instrument, choices.conf_level)
    yield from _ends_of_the_scale("baseline score", baseline, instrument, choices.conf_level)
    yield from _ends_of_the_scale("follow-up score", follow_up, instrument, choices.conf_level)
    if choices.margin is not None:
        yield from _against_margin(baseline, follow_up, choices.margin, instrument, choices.conf_level)


def mean_and_sd_estimates(
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
        **numbers_of(mean, conf_level, "std_error", "df"),
    )
    return with_interval, sd


def _bootstrap(baseline: Scores, follow_up: Scores, choices: ChangeChoices) -> dict[str, BootstrapInterval]:
    """Return the bootstrap limits by measure; nothing where closed forms are wanted."""
    if choices.rng is None:
        return {}
    from katoutcomes.kernels.change.pair_bootstrap import bootstrap_intervals

    return bootstrap_intervals(
        baseline,
        follow_up,
        rng=choices.rng,
        n_resamples=choices.n_resamples,
        conf_level=choices.conf_level,
        method=choices.interval,
    )


def _means_and_effects(
    change: PairedChange, conf_level: float, limits: dict[str, BootstrapInterval]
) -> Iterator[Estimate]:
    yield from mean_and_sd_estimates("baseline, completers", "mean", change.baseline, conf_level)
    yield from mean_and_sd_estimates("follow-up", "mean", change.follow_up, conf_level)
    mean_change, sd = mean_and_sd_estimates("change", "mean change", change.change, conf_level)
    mean_change = replace(mean_change, statistic=change.statistic, p_value=change.p_value)
    yield _with_limits(mean_change, limits.get("mean change"), conf_level)
    yield sd
    for measure in ("d_av", "d_z", "d_rm", "delta_pre"):
        effect: PairedEffect = getattr(change, measure)
        yield _with_limits(_effect(measure, effect, change.n_pairs, conf_level), limits.get(measure), conf_level)
        corrected = replace(effect, estimate=effect.corrected, std_error=effect.corrected_std_error)
        if math.isnan(effect.corrected):  # no estimate, so nothing for the limits to stand beside
            corrected = replace(corrected, conf_low=math.nan, conf_high=math.nan)
        hedges = _effect(f"hedges_{measure}", corrected, change.n_pairs, conf_level)
        yield hedges if math.isnan(effect.corrected) else _with_limits(hedges, limits.get(measure), conf_level)
    yield Estimate(
        term="baseline with follow-up",
        measure="correlation",
        estimate=change.correlation,
        n_patients=change.n_pairs,
    )


def _effect(measure: str, effect: PairedEffect, n_pairs: int, conf_level: float) -> Estimate:
    return Estimate(
        term="change",
        measure=measure,
        unit="SD",
        n_patients=n_pairs,
        **numbers_of(effect, conf_level, "std_error"),
    )


def _with_limits(estimate: Estimate, interval: BootstrapInterval | None, conf_level: float) -> Estimate:
    """Return the estimate with bootstrap limits in the place of its own, where there are such.

    Limits that do not hold the estimate they stand beside are left out: the corrected effect of few patients may lie
    outside the limits of resampled uncorrected ones.
    """
    if interval is None:
        return estimate
    holds = interval.conf_low <= estimate.estimate <= interval.conf_high
    low, high = (interval.conf_low, interval.conf_high) if holds else (math.nan, math.nan)
    return replace(estimate, conf_low=low, conf_high=high, conf_level=level_of(low, conf_level))


def _by_ranks(changes: Scores, conf_level: float) -> Iterator[Estimate]:
    from katoutcomes.kernels.change.rank_change import rank_change

    found = rank_change(changes, conf_level)
    yield Estimate(
        term="change",
        measure="Hodges-Lehmann estimate",
        unit="points",
        n_patients=found.n_values,
        **numbers_of(found, conf_level, "statistic", "p_value"),
    )


def _percent(change: PairedChange, conf_level: float) -> Estimate:
    from katoutcomes.kernels.groups.baseline_adjustment import relative_change

    found = relative_change(change.moments, conf_level)
    return Estimate(
        term="change",
        measure="percent change of the mean",
        unit="%",
        estimate=100.0 * found.estimate,
        conf_low=100.0 * found.conf_low,
        conf_high=100.0 * found.conf_high,
        conf_level=level_of(found.conf_low, conf_level),
        n_patients=change.n_pairs,
    )


def _at_baseline(baseline: Scores, changes: Scores, at: float, conf_level: float) -> Estimate:
    from katoutcomes.kernels.groups.baseline_adjustment import change_at_baseline

    found = change_at_baseline(baseline, changes, at, conf_level)
    return Estimate(
        term=AT_BASELINE,
        measure="adjusted mean change",
        unit="points",
        n_patients=int(baseline.size),
        **numbers_of(found, conf_level, "std_error", "df"),
    )


def _moves(
    baseline: Scores, follow_up: Scores, change: PairedChange, instrument: Instrument, conf_level: float
) -> Iterator[Estimate]:
    """Yield who improved, did not change and got worse, and what follows from it; nothing without a direction."""
    from katoutcomes.kernels.change.superiority import superiority

    if instrument.sign == 0:
        return
    better = instrument.sign * (follow_up - baseline)
    counts = (int((better > 0.0).sum()), int((better == 0.0).sum()), int((better < 0.0).sum()))
    for move, count in zip(MOVES, counts, strict=True):
        yield share_estimate(f"score change: {move}", count, change.n_pairs, conf_level)
    found = superiority(*counts, conf_level)
    yield Estimate(
        term="score change",
        measure="probability of superiority",
        n_patients=change.n_pairs,
        **numbers_of(found, conf_level),
    )
    yield _u3(change, instrument.sign, conf_level)


def _u3(change: PairedChange, sign: int, conf_level: float) -> Estimate:
    """Return U3 from delta_pre: it rises with the shift towards the better end, so the limits follow."""
    from katoutcomes.kernels.change.superiority import normal_share

    effect = change.delta_pre
    ends = (effect.conf_low, effect.conf_high) if sign > 0 else (effect.conf_high, effect.conf_low)
    low, high = (normal_share(sign * end) for end in ends)
    return Estimate(
        term="change",
        measure="U3",
        estimate=normal_share(sign * effect.estimate),
        conf_low=low,
        conf_high=high,
        conf_level=level_of(low, conf_level),
        n_patients=change.n_pairs,
    )


def _ends_of_the_scale(term: str, scores: Scores, instrument: Instrument, conf_level: float) -> Iterator[Estimate]:
    """Yield how many stand at the lowest and at the highest score there is: from there nobody can move further."""
    n_lowest = int((scores == instrument.minimum).sum())
    n_highest = int((scores == instrument.maximum).sum())
    counts = (n_lowest, scores.size - n_lowest - n_highest, n_highest)
    for place, count in zip(PLACES, counts, strict=True):
        yield share_estimate(f"{term}: {place}", count, int(scores.size), conf_level)


def _against_margin(
    baseline: Scores, follow_up: Scores, margin: Margin, instrument: Instrument, conf_level: float
) -> Iterator[Estimate]:
    """Yield the tests of the mean change against a margin, each with the interval of level 1 − 2α."""
    from katoutcomes.kernels.change.equivalence import equivalence
    from katoutcomes.kernels.summaries import mean_and_sd

    found = equivalence(baseline, follow_up, margin.value, conf_level, is_share=margin.is_share)
    falls = instrument.sign < 0
    both = (found.statistic_lower, -found.statistic_upper)
    tests = [("equivalence", min(both), found.p_equivalence)]
    if instrument.sign:
        tests.append(
            ("non-inferiority", both[1 if falls else 0], found.p_below_upper if falls else found.p_above_lower)
        )
        beyond = (-found.statistic_lower, found.p_beyond_lower) if falls else (-both[1], found.p_beyond_upper)
        tests.append(("improvement beyond the margin", *beyond))
    for term, statistic, p_value in tests:
        yield Estimate(
            term=term,
            measure="test against a margin",
            unit="points",
            definition_set=margin.definition_set,
            estimate=mean_and_sd(follow_up - baseline)[0],
            df=found.df,
            conf_low=found.conf_low,
            conf_high=found.conf_high,
            conf_level=found.conf_level,
            statistic=statistic,
            p_value=p_value,
            n_patients=int(baseline.size),
        )
