"""Further counts are hidden until no hidden one follows within few patients from everything else that is shown.

The rules that look at one sum after the other hide most. Then the feasible interval of every hidden count is asked for,
given all sums at once; where one lies too close, the cheapest count of the equations around it is hidden as well, and
everything is asked again. Each round hides at least one count, so this ends.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace

from katoutcomes.results.disclosure_rules.close_counts import Limits, Trial, first_too_close
from katoutcomes.results.disclosure_rules.feasible_intervals import Equation, Interval, components
from katoutcomes.results.disclosure_rules.linear_programs import program_of
from katoutcomes.results.disclosure_rules.published_model import PublishedModel, published_model
from katoutcomes.results.disclosure_rules.reading_costs import OF_EVERYBODY
from katoutcomes.results.disclosure_rules.report_counts import ReportCounts
from katoutcomes.results.disclosure_rules.report_names import BINS
from katoutcomes.results.disclosure_rules.score_bounds import AtLeast
from katoutcomes.results.disclosure_rules.shown_again import without_needless
from katoutcomes.results.disclosure_rules.small_cells import Counts, Key, hidden_at
from katoutcomes.results.disclosure_rules.solutions_met import Reading, Solutions, feasible_intervals

__all__ = ["HiddenCounts", "Limits", "hidden_in_report", "is_asked", "limits_of_model", "model_of"]

DEFAULT_MINIMUM = 11
"""What the hidden counts of other minimums are found from."""

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


def hidden_in_report(report: ReportCounts, limits: Limits) -> HiddenCounts:
    """Return which counts of a report are hidden.

    What the default minimum hides is found at once, and shown again where it need not be hidden. A higher minimum is
    raised from there step by step, and what a lower one hides stays hidden; a lower one is raised from 1, and hides
    nothing that the default one shows. So a higher minimum never shows what a lower one hides.

    Parameters
    ----------
    report : ReportCounts
        All counts of the results that leave together.
    limits : Limits
        What may not follow.
    """
    usual = _hidden_at_once(report, replace(limits, minimum_cell=DEFAULT_MINIMUM))
    if limits.minimum_cell == DEFAULT_MINIMUM:
        return usual
    if limits.minimum_cell > DEFAULT_MINIMUM:
        main, every, first = usual.keys - usual.numbers_alone, usual.keys, DEFAULT_MINIMUM + 1
    else:
        report = replace(report, counts=_fixed_but(report.counts, usual.keys))
        main, every, first = report.given_up, report.given_up, 1
    of_main, of_every = _searches(report)
    for minimum in range(first, limits.minimum_cell + 1):
        step = replace(limits, minimum_cell=minimum)
        main = _closed(of_main, step, main)
        every = _closed(of_every, step, every | main)
    return HiddenCounts(every, every - main)


def _hidden_at_once(report: ReportCounts, limits: Limits) -> HiddenCounts:
    """Return what one minimum hides, without what need not be hidden."""
    of_main, of_every = _searches(report)
    main = _closed(of_main, limits, report.given_up)
    if report.counts.fixed:  # beside an earlier release an attack found counts that were shown again to tell of others
        every = _closed(of_every, limits, main)
        return HiddenCounts(every, every - main)
    main = without_needless(of_main.counts, report.at_least, limits, main, kept=report.given_up)
    every = _closed(of_every, limits, main)
    every = without_needless(of_every.counts, report.at_least, limits, every, kept=main)
    return HiddenCounts(every, every - main)


def _fixed_but(counts: Counts, hidden: frozenset[Key]) -> Counts:
    """Return the counts of which no other than these can be hidden."""
    return replace(counts, fixed=counts.fixed | (counts.values.keys() - hidden))


def _searches(report: ReportCounts) -> tuple[_Search, _Search]:
    """Return the search among the counts, and that among them and those of whom something is not known."""
    return _Search(report.counts, report.at_least), _Search(_with_unknown(report), report.at_least)


@dataclass(frozen=True, slots=True)
class _Search:
    """Counts that are looked at again while more of them are hidden, and what was found of them on the way."""

    counts: Counts
    at_least: Sequence[AtLeast]
    solutions: Solutions = field(default_factory=Solutions)
    is_closed: dict[Hashable, int] = field(default_factory=dict)
    """`Component.name` → the minimum at which nothing more needs to be hidden of them."""


def _with_unknown(report: ReportCounts) -> Counts:
    """Return the counts with the sums whose rest are those of whom something is not known."""
    return replace(report.counts, sums=(*report.counts.sums, *report.known_of), costs=report.number_costs)


def _closed(search: _Search, limits: Limits, before: frozenset[Key]) -> frozenset[Key]:
    """Return what must be hidden at one minimum, given what is hidden before."""
    hidden = before
    while True:
        hidden = hidden_at(search.counts, limits.minimum_cell, hidden, zero_is_shown=limits.zero_is_shown)
        more = _more_to_hide(search, limits, hidden) if limits.minimum_cell > 1 else frozenset()
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


def _more_to_hide(search: _Search, limits: Limits, hidden: frozenset[Key]) -> frozenset[Key]:
    """Return one more count for each set of counts in which one is too close, nothing if none is."""
    counts, known = search.counts, search.counts.solution
    model = _model(counts, search.at_least, limits, hidden)
    more: set[Key] = set()
    for component in components(model.before, model.equations):
        asked = [key for key in component.before if is_asked(key)]
        if not component.equations or not asked or search.is_closed.get(component.name) == limits.minimum_cell:
            continue
        reading = search.solutions.reading(component, known)
        if reading is None:  # no limit can be told of what contradicts itself, so nothing of it is shown
            found = _candidates(counts, component.equations)
        else:
            key = first_too_close(reading, asked, limits)
            found = [] if key is None else _cheapest(counts, limits, reading, key)
        if not found:
            search.is_closed[component.name] = limits.minimum_cell
        more.update(found)
    return frozenset(more)


def _cheapest(counts: Counts, limits: Limits, reading: Reading, key: Key) -> list[Key]:
    """Return the cheapest shown count that opens the interval of a hidden one, else the cheapest of its equations.

    A count about everybody stands on page one: it goes only where none of a group further away would do. A 0 that is
    hidden would be read as somebody: it goes only where nothing else would do, such as nobody now, who tells that
    nobody was there in the release before.
    """
    component = reading.component
    near = [equation for equation in component.equations if key in equation.signs]
    around = {other for equation in near for other in equation.signs}
    next_to = [equation for equation in component.equations if around & set(equation.signs)]
    close, around_it = _candidates(counts, near), _candidates(counts, next_to)
    trial = _trial(counts, reading, key, next_to)
    nobody = _candidates(counts, next_to, is_nobody=True)
    for candidates in (_of_groups(counts, close), _of_groups(counts, around_it), close, around_it, nobody):
        for one in candidates[:_MOST_TRIALS]:
            if trial.opens(one, counts.values[one] or 0, limits):
                return [one]
    return (close or _candidates(counts, component.equations))[:1]


def _trial(counts: Counts, reading: Reading, key: Key, next_to: Sequence[Equation]) -> Trial:
    shown = {one: counts.values[one] or 0 for equation in next_to for one in equation.shown}
    around = reading.component.around(tuple(next_to))
    return Trial(key, around, program_of(reading.component, shown=shown), reading.met.interval(key))


def _of_groups(counts: Counts, candidates: Sequence[Key]) -> list[Key]:
    return [one for one in candidates if counts.costs.get(one, 1.0) < OF_EVERYBODY]


def _candidates(counts: Counts, equations: Sequence[Equation], *, is_nobody: bool = False) -> list[Key]:
    shown = {one for equation in equations for one in equation.shown if one not in counts.fixed}
    found = (one for one in shown if (counts.values[one] == 0) == is_nobody)
    return sorted(found, key=lambda one: (counts.costs.get(one, 1.0), one))


def limits_of_model(model: PublishedModel) -> dict[Key, Interval]:
    """Return the feasible interval of every hidden count and of what every sum leaves."""
    found: dict[Key, Interval] = {}
    for component in components(model.before, model.equations):
        asked = [key for key in component.before if is_asked(key)]
        intervals = feasible_intervals(component, asked) if asked else {}
        found |= intervals if intervals is not None else {key: component.before[key] for key in asked}
    return found
