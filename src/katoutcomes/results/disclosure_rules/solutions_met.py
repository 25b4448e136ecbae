"""The solutions that were met: what a count was in one of them it can be, and can still be when more is hidden.

Hiding a further count takes no solution away: each of before is one still, with the count as it was shown. So the least
and the most that a count was in any solution only move apart, and a count that was seen to be open stays open.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field

from katoutcomes.results.disclosure_rules.feasible_intervals import REST, TOLERANCE, Component, Interval, passed_along
from katoutcomes.results.disclosure_rules.linear_programs import Program, program_of, solution, whole
from katoutcomes.results.disclosure_rules.small_cells import Key

Values = Mapping[Key, float | None]


class Met:
    """The least and the most of each count in any solution, and one solution to go on from."""

    __slots__ = ("_base", "_high", "_low")

    def __init__(self) -> None:
        self._low: dict[Key, float] = {}
        self._high: dict[Key, float] = {}
        self._base: dict[Key, float] = {}

    def note(self, point: Mapping[Key, float]) -> None:
        """Take one solution."""
        low, high = self._low, self._high
        for key, value in point.items():
            if value < low.get(key, math.inf):
                low[key] = value
            if value > high.get(key, -math.inf):
                high[key] = value

    def interval(self, key: Key) -> Interval:
        """Return the whole numbers between the least and the most; from inf to -inf where no solution was met."""
        return Interval(whole(self._low.get(key, math.inf), up=True), whole(self._high.get(key, -math.inf), up=False))

    def goes_on(self, component: Component, values: Values) -> bool:
        """Return whether a component has a solution, first of all that of before with what was shown until now."""
        known = {key: self._base.get(key, values.get(key)) for key in component.before}
        point = solution_of(component, known) or first_solution(component)
        if point is None:
            return False
        self._base.update(point)
        self.note(point)
        return True


@dataclass(frozen=True, slots=True)
class Reading:
    """A component that has solutions, and what was met of it.

    Attributes
    ----------
    component : Component
        Counts and what ties them.
    met : Met
        Its solutions.
    """

    component: Component
    met: Met


@dataclass(frozen=True, slots=True)
class Solutions:
    """What was met of all components on the way from the first hidden count to the last.

    Attributes
    ----------
    met : Met
        Of solutions.
    readings : dict of hashable to Reading or None
        `Component.name` → the component, None if it has no solution.
    """

    met: Met = field(default_factory=Met)
    readings: dict[Hashable, Reading | None] = field(default_factory=dict)

    def reading(self, component: Component, values: Values) -> Reading | None:
        """Return a component with what was met of it, None if nothing fulfills its equations.

        Parameters
        ----------
        component : Component
            Counts and what ties them.
        values : mapping of Key to float or None
            What the counts are, which is a solution; None where that is not known.
        """
        if component.name not in self.readings:
            has_solution = self.met.goes_on(component, values)
            self.readings[component.name] = Reading(component, self.met) if has_solution else None
        return self.readings[component.name]


def solution_of(component: Component, values: Mapping[Key, float | None]) -> dict[Key, float] | None:
    """Return the solution with these counts, with what its sums leave; None where one is not known or they are none.

    Examples
    --------
    >>> from katoutcomes.results.disclosure_rules.feasible_intervals import ANYTHING, Equation
    >>> worse, rest = ("worse",), ("rest of", "n")
    >>> component = Component({worse: ANYTHING, rest: ANYTHING}, (Equation({worse: -1, rest: -1}, -40, -40),))
    >>> solution_of(component, {worse: 3})[rest]
    37.0
    """
    point = {key: float(value) for key in component.before if (value := values.get(key)) is not None}
    for equation in component.equations:
        unknown = [key for key in equation.signs if key not in point]
        total = sum(sign * point[key] for key, sign in equation.signs.items() if key in point)
        # What a sum leaves stands in its equation alone, or in others of the same sum.
        if len(unknown) == 1 and unknown[0][0] == REST:
            point[unknown[0]] = (equation.low - total) * equation.signs[unknown[0]]
        elif unknown or not equation.low - TOLERANCE <= total <= equation.high + TOLERANCE:
            return None
    is_whole = len(point) == len(component.before)
    return point if is_whole and all(_is_in(point[key], known) for key, known in component.before.items()) else None


def _is_in(value: float, interval: Interval) -> bool:
    return interval.low - TOLERANCE <= value <= interval.high + TOLERANCE


def first_solution(component: Component) -> dict[Key, float] | None:
    """Return any solution, None if there is none."""
    inside = passed_along(component)
    if inside is None:
        return None
    return met_by(program_of(component, inside), {})


def met_by(program: Program, objective: Mapping[Key, float]) -> dict[Key, float] | None:
    """Return the solution with the least objective, None if there is none."""
    found = solution(program, objective)
    return None if found is None else dict(zip(program.places, found.tolist(), strict=True))


def feasible_intervals(component: Component, asked: Sequence[Key] | None = None) -> dict[Key, Interval] | None:
    """Return the feasible interval of each count, None if nothing fulfills all equations.

    Parameters
    ----------
    component : Component
        Counts and what ties them.
    asked : sequence of Key, optional
        The counts that are asked for; all by default.

    Examples
    --------
    >>> from katoutcomes.results.disclosure_rules.feasible_intervals import Equation
    >>> better, same, worse = ("better",), ("same",), ("worse",)
    >>> known = Interval(1, math.inf)
    >>> two = Component({same: known, worse: known}, (Equation({same: 1, worse: 1}, 15, 15),))
    >>> feasible_intervals(two)[worse]
    Interval(low=1, high=14.0)
    """
    met = Met()
    inside = passed_along(component) if met.goes_on(component, {}) else None
    if inside is None:
        return None
    keys = list(component.before if asked is None else asked)
    if component.is_without_circle:
        return {key: inside[key] for key in keys}
    program = program_of(component, inside)
    return {key: interval_of(key, program, inside[key], met) for key in keys}


def interval_of(key: Key, program: Program, inside: Interval, met: Met) -> Interval:
    """Return the feasible interval of one count by at most two programs; what they meet is noted."""
    for sign in (-1.0, 1.0):
        known = met.interval(key)
        if (known.high >= inside.high) if sign < 0 else (known.low <= inside.low):
            continue
        point = met_by(program, {key: sign})
        if point is not None:
            met.note(point)
    return met.interval(key)
