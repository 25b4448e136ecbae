"""The last period in the chart beside the eight before it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from katoutcomes.analyses.steps.interval_estimates import numbers_of
from katoutcomes.analyses.steps.over_time.series import SESSIONS, Series
from katoutcomes.results.estimate import Estimate

MOST_PERIODS = 8


@dataclass(frozen=True, slots=True)
class LastBesideBefore:
    """The comparison.

    Attributes
    ----------
    span : str
        How the estimates of the periods before are called; ``""`` where there is none.
    members : tuple of str
        How the estimates of each of them are called.
    estimates : tuple of Estimate
        The numbers of the periods before together, and the differences: last minus before.
    """

    span: str
    members: tuple[str, ...]
    estimates: tuple[Estimate, ...]


def comparison_estimates(
    series: Sequence[Series], charted: Sequence[int], labels: Sequence[str], subgroups: Sequence[str], conf_level: float
) -> LastBesideBefore:
    """Return the numbers of up to eight periods before the last one in the chart, and the differences from them."""
    if len(charted) < 2:
        return LastBesideBefore("", (), ())
    *earlier, last = charted
    before = earlier[-MOST_PERIODS:]
    words = labels[before[0]] if len(before) == 1 else f"{labels[before[0]]} to {labels[before[-1]]}"
    span = f"span: {words}"
    found: list[Estimate] = []
    for one in series:
        found += [each for each in one.estimates(before, span, conf_level) if each.term != SESSIONS]
        found += _difference(one, last, before, (labels[last], words), conf_level)
    return LastBesideBefore(span, tuple(subgroups[place] for place in before), tuple(found))


def _difference(
    series: Series, last: int, before: Sequence[int], names: tuple[str, str], conf_level: float
) -> Iterator[Estimate]:
    """Yield last minus before: of means Welch's, of shares Newcombe's; rates are shown beside each other."""
    treatment, comparator = names
    fields: dict[str, Any] = {
        "term": f"{series.term}: {treatment} - {comparator}",
        "visit": series.visit,
        "definition_set": series.definition_set,
        "treatment": treatment,
        "comparator": comparator,
    }
    if series.kind == "mean":
        from katoutcomes.kernels.groups.welch import welch_difference

        found = welch_difference(series.known([last]), series.known(before), conf_level)
        numbers = numbers_of(found, conf_level, "std_error", "df")
        n_patients = found.n_treatment + found.n_comparator
        yield Estimate(measure="difference in means", unit="points", n_patients=n_patients, **fields, **numbers)
    elif series.kind == "share":
        from katoutcomes.kernels.shares.proportion_difference import share_difference

        one, other = series.counts([last]), series.counts(before)
        difference = share_difference(*one, *other, conf_level)
        yield Estimate(
            measure="difference in proportions",
            n_patients=one[1] + other[1],
            **fields,
            **numbers_of(difference, conf_level),
        )
