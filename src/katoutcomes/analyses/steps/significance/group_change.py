"""What is said of a group and not counted: its mean change against what matters, shares by Hageman and Arrindell."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.score_pairs import paired_scores
from katoutcomes.analyses.steps.significance.methods import HAGEMAN_ARRINDELL, ClassedPatients
from katoutcomes.results.estimate import NOT_A_NUMBER, Estimate
from katoutcomes.results.part import Cell, Part

if TYPE_CHECKING:
    from katoutcomes.analyses.steps.significance.reliable_change_rule import ReliableChangeRule
    from katoutcomes.cohorts.analysis_set import AnalysisSet, Group
    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.instruments.instrument import DefinitionSet

ANCHORS = "anchors"
"""The part that says what the interval of a mean change means against a minimal important difference."""

_COLUMNS = ("visit", "group", "definition_set", "description", "n_patients")


def model_based_shares(
    data: AnalysisSet,
    window: VisitWindow,
    group: Group,
    *,
    methods: Sequence[ClassedPatients],
    rule: ReliableChangeRule,
    conf_level: float,
) -> Iterator[Estimate]:
    """Yield Hageman and Arrindell's shares of a group where that method is in use and the reliability is known.

    NaN where the group is too small, or its scores spread no more than measurement error.
    """
    from katoutcomes.kernels.individual.individual_change import (
        GroupShares,
        ModelShare,
        group_shares,
        moments_of,
        true_spread,
    )

    method = next((one for one in methods if one.name == HAGEMAN_ARRINDELL), None)
    if method is None or rule.reliability is None:
        return
    baseline, follow_up = paired_scores(data, window, group)
    cut_off = math.nan if method.true_cut_off is None else method.true_cut_off
    unknown = ModelShare(math.nan, math.nan, math.nan)
    moments, found = moments_of(baseline, follow_up), GroupShares(unknown, unknown)
    if not math.isnan(moments.correlation):
        try:
            spread = true_spread(moments, rule.reliability.value)
        except ValueError:  # nothing but error of measurement is left of the spread, so no share can be told
            spread = None
        if spread is not None:
            sign, n_patients = data.instrument.sign, int(baseline.size)
            found = group_shares(moments, n_patients, spread, cut_off, sign=sign, conf_level=conf_level)
    terms = {"true improvement": found.truly_improved}
    if method.true_cut_off is not None:
        terms["truly on the functional side"] = found.truly_functional
    for term, share in terms.items():
        yield Estimate(
            term=term,
            measure="model-based share",
            definition_set=HAGEMAN_ARRINDELL,
            subgroup=group.subgroup,
            visit=window.name,
            estimate=share.estimate,
            conf_low=share.conf_low,
            conf_high=share.conf_high,
            conf_level=NOT_A_NUMBER if math.isnan(share.estimate) else conf_level,
            n_patients=int(baseline.size),
        )


def anchored_mean_changes(
    data: AnalysisSet, window: VisitWindow, group: Group, mcids: Sequence[DefinitionSet], conf_level: float
) -> Iterator[Estimate]:
    """Yield the mean change of a group once for each minimal important difference in points, to be held against it.

    A difference that is a share of the baseline has none: percent changes are not averaged.
    """
    from katoutcomes.kernels.summaries import mean_interval

    baseline, follow_up = paired_scores(data, window, group)
    for mcid in mcids:
        if mcid.is_share:
            continue
        change = mean_interval(follow_up - baseline, conf_level)
        yield Estimate(
            term="change",
            measure="mean change",
            unit="points",
            definition_set=mcid.id,
            subgroup=group.subgroup,
            visit=window.name,
            estimate=change.estimate,
            std_error=change.std_error,
            df=change.df,
            conf_low=change.conf_low,
            conf_high=change.conf_high,
            conf_level=NOT_A_NUMBER if math.isnan(change.conf_low) else conf_level,
            n_patients=int(baseline.size),
        )


def anchors_part(estimates: Sequence[Estimate], mcids: Sequence[DefinitionSet], sign: int) -> tuple[Part, ...]:
    """Return the part that says in words what each of these intervals means; none where there is nothing to say."""
    from katoutcomes.kernels.change.anchored_change import anchor_verdict

    values = {mcid.id: mcid.value for mcid in mcids if not mcid.is_share}
    rows: list[tuple[Cell, ...]] = []
    for one in estimates:
        if one.measure != "mean change" or one.definition_set not in values or math.isnan(one.conf_low):
            continue
        words = anchor_verdict(
            one.estimate, one.conf_low, one.conf_high, improvement=values[one.definition_set], sign=sign
        )
        rows.append((one.visit, one.subgroup, one.definition_set, words, one.n_patients))
    return (Part(ANCHORS, _COLUMNS, tuple(rows)),) if rows else ()
