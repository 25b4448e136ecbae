"""Further counts are hidden until no hidden one follows within few patients from everything else that is shown.

The rules that look at one sum after the other hide most. Then the feasible interval of every hidden count is asked for,
given all sums at once; where one lies too close, the cheapest count of the equations around it is hidden as well, and
everything is asked again. Each round hides at least one count, so this ends.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from katoutcomes.results.disclosure_rules.feasible_intervals import (
    Component,
    Equation,
    Interval,
    components,
    feasible_intervals,
)
from katoutcomes.results.disclosure_rules.published_model import REST, PublishedModel, published_model
from katoutcomes.results.disclosure_rules.reading_costs import OF_EVERYBODY
from katoutcomes.results.disclosure_rules.report_counts import ReportCounts
from katoutcomes.results.disclosure_rules.report_names import BINS
from katoutcomes.results.disclosure_rules.score_bounds import AtLeast
from katoutcomes.results.disclosure_rules.small_cells import Counts, Key, hidden_at

LEAST_WIDTH = 5
"""A feasible interval is wider than this or as wide, unless the minimum cell is 5 or less."""

_MOST_TRIALS = 6
"""How many counts are tried, from the cheapest on, before the cheapest is hidden without a trial."""


@dataclass(frozen=True, slots=True)
class HiddenCounts:
    """What is hidden.

    Attributes
    ----------
    keys : frozenset of Key
        Everything that is hidden.
    numbers_alone : frozenset of Key
        Those of them that are hidden for the sake of what is not known of a few patients only.
    """

    keys: frozenset[Key]
    numbers_alone: frozenset[Key]


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as too close.

    Attributes
    ----------
    minimum_cell : int
        The smallest count that is shown.
    zero_is_shown : bool
        Whether 0 is shown.
    rounding : int
        Shown counts are multiples of this.
    """

    minimum_cell: int
    zero_is_shown: bool = True
    rounding: int = 1

    @property
    def least_width(self) -> int:
        """How wide the interval of a hidden count must be."""
        return min(LEAST_WIDTH, self.minimum_cell - 1)

    def is_open(self, _: Key, met: Interval) -> bool:
        """Return whether an interval is wide enough, and so is every interval that holds it."""
        return met.width >= self.least_width and (met.low < 1 or met.high >= self.minimum_cell)

    def is_too_close(self, key: Key, interval: Interval) -> bool:
        """Return whether the interval of a hidden count, or of what a sum leaves, says too much.

        What a sum leaves is no secret where it is nobody or certainly enough.

        Examples
        --------
        >>> limits = Limits(11)
        >>> [limits.is_too_close(("worse",), Interval(*ends)) for ends in ((1, 10), (1, 11), (30, 34))]
        [True, False, True]
        >>> [limits.is_too_close(("rest of",), Interval(*ends)) for ends in ((0, 0), (12, 13), (9, 12))]
        [False, False, True]
        """
        is_small = interval.low >= 1 and interval.high < self.minimum_cell
        is_narrow = interval.width < self.least_width
        is_nobody = interval.high <= 0 and self.zero_is_shown
        is_harmless = is_nobody or (key[0] == REST and interval.low >= self.minimum_cell)
        return (is_small or is_narrow) and not is_harmless


Solved = dict[frozenset[object], dict[Key, Interval]]
"""Component → intervals that were found of it; most components stay from one step to the next."""


def hidden_in_report(report: ReportCounts, limits: Limits) -> HiddenCounts:
    """Return which counts of a report are hidden.

    The minimum is raised step by step from 1, and what a lower one hides stays hidden, so that a higher minimum never
    shows what a lower one hides.

    Parameters
    ----------
    report : ReportCounts
        All counts of the results that leave together.
    limits : Limits
        What may not follow.
    """
    with_unknown, solved = _with_unknown(report), Solved()
    main = every = report.given_up
    for minimum in range(1, limits.minimum_cell + 1):
        step = Step(replace(limits, minimum_cell=minimum), limits, report.at_least, solved)
        main = _closed(report.counts, step, main)
        every = _closed(with_unknown, step, every | main)
    return HiddenCounts(every, every - main)


@dataclass(frozen=True, slots=True)
class Step:
    """One minimum on the way to the last one, with what was found on the way."""

    limits: Limits
    last_limits: Limits
    at_least: Sequence[AtLeast]
    solved: Solved


def _with_unknown(report: ReportCounts) -> Counts:
    """Return the counts with the sums whose rest are those of whom something is not known."""
    return replace(report.counts, sums=(*report.counts.sums, *report.known_of), costs=report.number_costs)


def _closed(counts: Counts, step: Step, before: frozenset[Key]) -> frozenset[Key]:
    """Return what must be hidden at one minimum, given what is hidden before."""
    hidden, limits = before, step.limits
    while True:
        hidden = hidden_at(counts, limits.minimum_cell, hidden, zero_is_shown=limits.zero_is_shown)
        more = _more_to_hide(counts, step, hidden) if limits.minimum_cell > 1 else frozenset()
        if not more:
            return hidden
        hidden |= more


def model_of(report: ReportCounts, limits: Limits, hidden: frozenset[Key]) -> PublishedModel:
    """Return everything that is published of a report, as constraints on what is hidden."""
    return _model(_with_unknown(report), report.at_least, limits, hidden)


def _model(counts: Counts, at_least: Sequence[AtLeast], limits: Limits, hidden: frozenset[Key]) -> PublishedModel:
    is_shown, rounding = limits.zero_is_shown, limits.rounding
    return published_model(counts, counts.sums, at_least, hidden, zero_is_shown=is_shown, rounding=rounding)


def is_asked(key: Key) -> bool:
    """Return whether the interval of a count is asked for: bins that are left out are not seen to be there."""
    return key[0] != BINS


def _more_to_hide(counts: Counts, step: Step, hidden: frozenset[Key]) -> frozenset[Key]:
    """Return one more count for each set of counts in which one is too close, nothing if none is."""
    model = _model(counts, step.at_least, step.limits, hidden)
    more: set[Key] = set()
    for component in components(model.before, model.equations):
        close = _too_close(component, step)
        found = (_cheapest(counts, step, component, key) for key in close)
        one = next((key for key in found if key is not None), None)
        if one is not None:
            more.add(one)
    return frozenset(more)


def _too_close(component: Component, step: Step) -> list[Key]:
    asked = [key for key in component.before if is_asked(key)]
    if not component.equations or not asked:
        return []
    what = frozenset((*component.before, *((tuple(one.shown), one.low, one.high) for one in component.equations)))
    if what not in step.solved:
        # What is wide enough for the last minimum is wide enough for each before it.
        is_open, is_close = step.last_limits.is_open, step.limits.is_too_close
        found = feasible_intervals(component, asked, is_open, is_close) or {}
        if len(found) < len(asked):
            return [key for key, interval in found.items() if is_close(key, interval)]
        step.solved[what] = found
    return [key for key, interval in step.solved[what].items() if step.limits.is_too_close(key, interval)]


def _cheapest(counts: Counts, step: Step, component: Component, key: Key) -> Key | None:
    """Return the cheapest shown count that opens the interval of a hidden one, else the cheapest of its equations.

    A count about everybody stands on page one: it goes only where none of a group further away would do.
    """
    near = [equation for equation in component.equations if key in equation.signs]
    around = {other for equation in near for other in equation.signs}
    next_to = [equation for equation in component.equations if around & set(equation.signs)]
    close, around_it = _candidates(counts, near), _candidates(counts, next_to)
    for candidates in (_of_groups(counts, close), _of_groups(counts, around_it), close, around_it):
        for one in candidates[:_MOST_TRIALS]:
            if _opens(counts, step, component, one, key):
                return one
    candidates = close or _candidates(counts, component.equations)
    return candidates[0] if candidates else None


def _of_groups(counts: Counts, candidates: Sequence[Key]) -> list[Key]:
    return [one for one in candidates if counts.costs.get(one, 1.0) < OF_EVERYBODY]


def _candidates(counts: Counts, equations: Sequence[Equation]) -> list[Key]:
    shown = {one for equation in equations for one in equation.shown if one not in counts.fixed}
    # A 0 that is hidden would be read as somebody.
    return sorted((one for one in shown if counts.values[one]), key=lambda one: (counts.costs.get(one, 1.0), one))


def _opens(counts: Counts, step: Step, component: Component, one: Key, key: Key) -> bool:
    """Return whether the interval of a hidden count is wide enough once a shown one of its component is hidden.

    What else tells of the shown one is left aside: it is asked for in the next round.
    """
    value = counts.values[one] or 0
    opened = [
        replace(
            equation,
            signs={**equation.signs, one: equation.shown[one]},
            low=equation.low + equation.shown[one] * value,
            high=equation.high + equation.shown[one] * value,
        )
        if one in equation.shown
        else equation
        for equation in component.equations
    ]
    trial = Component({**component.before, one: Interval(1.0, math.inf)}, tuple(opened))
    intervals = feasible_intervals(trial, [key], step.limits.is_open)
    return intervals is None or not step.limits.is_too_close(key, intervals[key])


def limits_of_model(model: PublishedModel) -> dict[Key, Interval]:
    """Return the feasible interval of every hidden count and of what every sum leaves."""
    found: dict[Key, Interval] = {}
    for component in components(model.before, model.equations):
        asked = [key for key in component.before if is_asked(key)]
        intervals = feasible_intervals(component, asked) if asked else {}
        found |= intervals if intervals is not None else {key: component.before[key] for key in asked}
    return found
