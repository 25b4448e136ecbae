"""How much more one subgroup changed than another: the difference itself, with its interval, never two p-values."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.interval_estimates import numbers_of
from katoutcomes.analyses.steps.score_pairs import paired_scores
from katoutcomes.results.estimate import Estimate

if TYPE_CHECKING:
    from katoutcomes.analyses.steps.change.choices import ChangeChoices
    from katoutcomes.cohorts.analysis_set import AnalysisSet, Group

ADJUSTED_P = "adjusted p-value"


def subgroup_differences(data: AnalysisSet, groups: Sequence[Group], conf_level: float) -> Iterator[Estimate]:
    """Yield, for each visit and each subgroup after the first, its mean change minus that of the first (Welch).

    Parameters
    ----------
    data : AnalysisSet
        The scores.
    groups : sequence of Group
        Everybody, then the subgroups.
    conf_level : float
        Of the intervals.
    """
    import numpy as np

    from katoutcomes.kernels.groups.welch import welch_difference

    first, *others = groups[1:] if len(groups) > 2 else (None,)
    for visit in data.visits:
        for other in others:
            if first is None:
                continue
            pairs = [paired_scores(data, visit, group) for group in (other, first)]
            size = max((float(np.abs(scores).max(initial=0.0)) for pair in pairs for scores in pair), default=0.0)
            changes = [follow_up - baseline for baseline, follow_up in pairs]
            found = welch_difference(changes[0], changes[1], conf_level, size)
            yield Estimate(
                term="change",
                measure="difference in means",
                unit="points",
                visit=visit.name,
                treatment=other.label,
                comparator=first.label,
                n_patients=found.n_treatment + found.n_comparator,
                **numbers_of(found, conf_level, "std_error", "df", "statistic", "p_value"),
            )


def adjusted_families(estimates: Sequence[Estimate], choices: ChangeChoices) -> Iterator[Estimate]:
    """Yield the adjusted p-values of each declared family that has more than one test."""
    families: dict[str, Iterable[Estimate]] = {
        "visits": (
            one for one in estimates if one.measure == "mean change" and one.term == "change" and not one.subgroup
        ),
        "subgroup differences": (one for one in estimates if one.measure == "difference in means"),
    }
    for name in choices.families:
        yield from _adjusted(tuple(families[name]), choices.multiplicity)


def _adjusted(tests: Sequence[Estimate], method: str) -> Iterator[Estimate]:
    import numpy as np

    from katoutcomes.kernels.multiplicity import adjusted_p_values

    if len(tests) < 2 or method == "none":
        return
    p_values = adjusted_p_values(np.array([test.p_value for test in tests]), method)
    for test, p_value in zip(tests, p_values.tolist(), strict=True):
        yield replace(
            test,
            measure=ADJUSTED_P,
            unit="",
            estimate=math.nan,
            std_error=math.nan,
            df=math.nan,
            conf_low=math.nan,
            conf_high=math.nan,
            conf_level=math.nan,
            statistic=math.nan,
            p_value=p_value,
        )
