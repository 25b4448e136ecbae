"""Shares, their differences and rates of events, made anew of rounded counts.

The limits of a share are a function of its two counts, so with the share they give both. They are made anew of the
rounded counts by the rule that gives the limits as they were; where no rule does, there are none.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from katoutcomes.kernels.shares.event_rates import exact_rate
from katoutcomes.kernels.shares.proportion_difference import share_difference
from katoutcomes.kernels.shares.proportions import INTERVALS, share
from katoutcomes.results.estimate import NOT_A_NUMBER, Estimate, number_alone

_SAME = 1e-9
"""Limits made twice by one rule differ by no more."""

_PER = {"per 1,000 patient-days": 1000.0, "per 100 sessions": 100.0}
_OF_SESSIONS = "per 100 sessions"

Limits = tuple[float, float]
Shown = Callable[[int], int]
"""A count as it is shown."""


def rounded_share(estimate: Estimate, shown: Shown) -> Estimate:
    """Return a share of its rounded counts, with their interval; its numbers of patients stay as they were.

    Examples
    --------
    >>> from katoutcomes.results.disclosure_rules.published_model import rounded_count
    >>> one = Estimate(term="response", measure="proportion", estimate=18 / 41, n_patients=41)
    >>> rounded_share(one, lambda count: rounded_count(count, 5)).estimate
    0.5
    """
    counted, base = estimate.n_counted, estimate.n_base
    if counted is None or not base:
        return number_alone(estimate, NOT_A_NUMBER)
    level, new = estimate.conf_level, (shown(counted), shown(base))

    def limits(rule: str, of: tuple[int, int]) -> Limits:
        made = share(*of, level, rule)
        return made.conf_low, made.conf_high

    changed = number_alone(estimate, new[0] / new[1])
    for rule in _rules(estimate):
        if _is_close(estimate, limits(rule, (counted, base))):
            conf_low, conf_high = limits(rule, new)
            return replace(changed, conf_low=conf_low, conf_high=conf_high, conf_level=level)
    return changed


def rounded_difference(contrast: Estimate, estimates: Sequence[Estimate], shown: Shown) -> Estimate:
    """Return a difference between the two shares as they are shown, with their interval.

    Parameters
    ----------
    contrast : Estimate
        Treatment minus comparator.
    estimates : sequence of Estimate
        Holds the two shares; without them no limits are shown and the difference in steps of ten points.
    shown : callable
        A count as it is shown.
    """
    sides = [_side(contrast, estimates, level) for level in (contrast.treatment, contrast.comparator)]
    pairs = [(one.n_counted, one.n_base) for one in sides if one is not None]
    counts = [count for pair in pairs for count in pair if count is not None]
    if len(counts) < 4 or not counts[1] or not counts[3]:
        return number_alone(contrast, round(contrast.estimate, 1) + 0.0)
    new = [shown(count) for count in counts]
    level = contrast.conf_level
    changed = number_alone(contrast, new[0] / new[1] - new[2] / new[3])
    for rule in _rules(contrast):
        made = share_difference(counts[0], counts[1], counts[2], counts[3], level, interval=rule)
        if _is_close(contrast, (made.conf_low, made.conf_high)):
            made = share_difference(new[0], new[1], new[2], new[3], level, interval=rule)
            return replace(changed, conf_low=made.conf_low, conf_high=made.conf_high, conf_level=level)
    return changed


def rounded_rate(rate: Estimate, shown: Shown) -> Estimate:
    """Return a rate of events of their rounded number, and of that of the sessions where it is about these."""
    n_events, per = rate.n_observations, _PER.get(rate.unit)
    if n_events is None or per is None or rate.estimate <= 0.0:
        # Without an event the limit tells the exposure, which is a number of sessions or stands beside it in days.
        return rate if rate.unit != _OF_SESSIONS and rate.estimate == 0.0 else number_alone(rate, rate.estimate)
    exposure = per * n_events / rate.estimate
    new = float(shown(round(exposure))) if rate.unit == _OF_SESSIONS else exposure
    changed = number_alone(rate, per * shown(n_events) / new)
    if not 0.0 < rate.conf_level < 1.0:
        return changed
    before = exact_rate(n_events, exposure / per, rate.conf_level)
    if not _is_close(rate, (before.conf_low, before.conf_high)):
        return changed
    made = exact_rate(shown(n_events), new / per, rate.conf_level)
    return replace(changed, conf_low=made.conf_low, conf_high=made.conf_high, conf_level=rate.conf_level)


def _side(contrast: Estimate, estimates: Sequence[Estimate], level: str) -> Estimate | None:
    """Return the share of one group of a contrast; None where it is not shown."""
    stem = contrast.term.split(": ", 1)[0]
    for one in estimates:
        is_of_group = one.subgroup.split(": ", 1)[-1] == level and bool(one.subgroup)
        is_same = (stem, contrast.visit, contrast.definition_set) == (one.term, one.visit, one.definition_set)
        if one.measure == "proportion" and is_of_group and is_same and not one.suppressed:
            return one
    return None


def _rules(estimate: Estimate) -> Iterator[str]:
    """Yield the rules that an interval may have been made by; none where there is no interval."""
    if 0.0 < estimate.conf_level < 1.0 and not math.isnan(estimate.conf_low):
        yield from INTERVALS


def _is_close(estimate: Estimate, limits: Limits) -> bool:
    tolerance = _SAME * max(1.0, abs(limits[1]))
    return abs(estimate.conf_low - limits[0]) <= tolerance and abs(estimate.conf_high - limits[1]) <= tolerance
