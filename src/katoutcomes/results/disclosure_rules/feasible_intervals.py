"""The least and the most that each hidden count can be, given everything that is shown.

Every sum that a reader can form is a linear equation in the counts that are hidden. A count's feasible interval is
found by linear programming, one small program for each set of counts that hang together; where the equations of such a
set form no circle, passing intervals along them gives the same limits without a program.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from katoutcomes.results.disclosure_rules.small_cells import Key

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TOLERANCE = 1e-6
"""Programs are solved to about 1e-9; limits are whole numbers where all counts are."""


_ENDLESS = 1e7
"""No clinic counts so many; where a count may reach this, nothing bounds it."""


@dataclass(frozen=True, slots=True)
class Interval:
    """What a count lies between; both ends included, the upper one may be infinite."""

    low: float
    high: float

    @property
    def width(self) -> float:
        """The upper end less the lower one."""
        return self.high - self.low


ANYTHING = Interval(0.0, math.inf)


@dataclass(frozen=True, slots=True)
class Equation:
    """Hidden counts with their signs, whose sum lies between two known numbers.

    Attributes
    ----------
    signs : mapping of Key to int
        1 or -1 for each hidden count.
    low, high : float
        Equal for a sum of numbers that are shown as they are.
    shown : mapping of Key to int
        The shown counts that the two numbers are made of, with the signs that they would have if they were hidden.
    """

    signs: Mapping[Key, int]
    low: float
    high: float
    shown: Mapping[Key, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Component:
    """Hidden counts that hang together, with all that ties them.

    Attributes
    ----------
    before : mapping of Key to Interval
        What is known of each count without any equation.
    equations : tuple of Equation
        What ties them to each other and to what is shown.
    """

    before: Mapping[Key, Interval]
    equations: tuple[Equation, ...]

    @property
    def is_without_circle(self) -> bool:
        """Whether each two counts are tied to each other in one way only."""
        n_ties = sum(len(equation.signs) for equation in self.equations)
        return n_ties == len(self.before) + len(self.equations) - 1


def components(before: Mapping[Key, Interval], equations: Sequence[Equation]) -> Iterator[Component]:
    """Yield the counts in sets that hang together, in the order of `before`.

    Examples
    --------
    >>> a, b, c = ("a",), ("b",), ("c",)
    >>> ties = (Equation({a: 1, b: 1}, 12, 12),)
    >>> [sorted(one.before) for one in components(dict.fromkeys((a, b, c), ANYTHING), ties)]
    [[('a',), ('b',)], [('c',)]]
    """
    of_count: dict[Key, list[int]] = {key: [] for key in before}
    for number, equation in enumerate(equations):
        for key in equation.signs:
            of_count[key].append(number)
    seen: set[Key] = set()
    for first in before:
        if first in seen:
            continue
        seen.add(first)
        reached, numbers, waiting = [first], set[int](), deque([first])
        while waiting:
            for number in of_count[waiting.popleft()]:
                numbers.add(number)
                for key in equations[number].signs:
                    if key not in seen:
                        seen.add(key)
                        reached.append(key)
                        waiting.append(key)
        yield Component({key: before[key] for key in reached}, tuple(equations[number] for number in sorted(numbers)))


IsEnough = Callable[[Key, Interval], bool]
"""Whether it is enough to know that a count can be each end of an interval."""


def feasible_intervals(
    component: Component,
    wanted: Iterable[Key] | None = None,
    is_enough: IsEnough | None = None,
    is_last: IsEnough | None = None,
) -> dict[Key, Interval] | None:
    """Return the feasible interval of each count, None if nothing fulfills all equations.

    That hidden counts are at least 1 is what readers believe where a 0 would be shown. Where nothing fulfills that, a 0
    has been hidden, and every count of the component may be one.

    Parameters
    ----------
    component : Component
        Counts and what ties them.
    wanted : iterable of Key, optional
        The counts that are asked for; all by default.
    is_enough : callable, optional
        Where it is true of an interval whose ends were met on the way, that interval is returned, which lies within the
        feasible one. Saves most of the programs.
    is_last : callable, optional
        Where it is true of an interval, no further count is asked for.

    Examples
    --------
    >>> better, same, worse = ("better",), ("same",), ("worse",)
    >>> known = Interval(1, math.inf)
    >>> two = Component({same: known, worse: known}, (Equation({same: 1, worse: 1}, 15, 15),))
    >>> feasible_intervals(two)[worse]
    Interval(low=1, high=14)
    """
    asked = list(component.before if wanted is None else wanted)
    found = _solved(component, asked, is_enough, is_last)
    if found is not None or all(interval.low <= 0 for interval in component.before.values()):
        return found
    relaxed = {key: Interval(min(0.0, interval.low), interval.high) for key, interval in component.before.items()}
    return _solved(Component(relaxed, component.equations), asked, is_enough, is_last)


def _solved(
    component: Component, asked: Sequence[Key], is_enough: IsEnough | None, is_last: IsEnough | None
) -> dict[Key, Interval] | None:
    passed = _passed_along(component)
    if passed is None:
        return None
    if component.is_without_circle:
        return {key: passed[key] for key in asked}
    return _programmed(component, passed, asked, is_enough, is_last)


def _passed_along(component: Component) -> dict[Key, Interval] | None:
    """Return intervals that hold every solution: each equation bounds each of its counts by the others."""
    found = dict(component.before)
    of_count: dict[Key, list[int]] = {key: [] for key in found}
    for number, equation in enumerate(component.equations):
        for key in equation.signs:
            of_count[key].append(number)
    waiting = deque(range(len(component.equations)))
    is_waiting = set(waiting)
    # In a circle limits may creep; the linear program does the rest.
    for _ in range(20 * len(component.equations) + 20):
        if not waiting:
            break
        number = waiting.popleft()
        is_waiting.discard(number)
        for key, interval in _bounded(component.equations[number], found):
            if interval.low > interval.high + _TOLERANCE:
                return None
            if interval != found[key]:
                found[key] = interval
                again = [other for other in of_count[key] if other not in is_waiting and other != number]
                waiting.extend(again)
                is_waiting.update(again)
    return found


def _bounded(equation: Equation, found: Mapping[Key, Interval]) -> Iterator[tuple[Key, Interval]]:
    """Yield each count of an equation with what the others leave of its interval."""
    lows = {key: found[key].low if sign > 0 else -found[key].high for key, sign in equation.signs.items()}
    highs = {key: found[key].high if sign > 0 else -found[key].low for key, sign in equation.signs.items()}
    for key, sign in equation.signs.items():
        others_low = sum(value for other, value in lows.items() if other != key)
        others_high = sum(value for other, value in highs.items() if other != key)
        low, high = equation.low - others_high, equation.high - others_low
        if sign < 0:
            low, high = -high, -low
        yield key, Interval(max(found[key].low, low), min(found[key].high, high))


def _programmed(
    component: Component,
    start: Mapping[Key, Interval],
    asked: Sequence[Key],
    is_enough: IsEnough | None,
    is_last: IsEnough | None,
) -> dict[Key, Interval] | None:
    """Return the intervals by at most two linear programs a count."""
    import numpy as np
    from scipy.optimize import linprog

    places = {key: column for column, key in enumerate(component.before)}
    constraints = _constraints(component, start, places)
    met_low, met_high = np.full(len(places), np.inf), np.full(len(places), -np.inf)

    def least(objective: NDArray[np.float64]) -> float | None:
        """Return the least value of an objective, None where nothing is feasible; note what is met on the way."""
        nonlocal met_low, met_high
        solved = linprog(objective, method="highs", **constraints)
        if solved.x is None:
            return None
        met_low, met_high = np.minimum(met_low, solved.x), np.maximum(met_high, solved.x)
        return float(objective @ solved.x)

    ones = np.ones(len(places))
    every_other = np.where(np.arange(len(places)) % 2 == 0, 1.0, -1.0)
    # All at once, so that most counts are known to be open before they are asked for one by one.
    if any(least(objective) is None for objective in (ones, -ones, every_other, -every_other)):
        return None
    found: dict[Key, Interval] = {}
    for key in asked:
        place, ends = places[key], [start[key].low, start[key].high]
        for side, sign in enumerate((1.0, -1.0)):
            met = Interval(_whole(met_low[place], up=True), _whole(met_high[place], up=False))
            if ends[0] == ends[1] or (is_enough is not None and is_enough(key, met)):
                found[key] = Interval(ends[0], ends[1]) if ends[0] == ends[1] else met
                break
            objective = np.zeros(len(places))
            objective[place] = sign
            end = least(objective)
            if end is None:
                return None
            ends[side] = _whole(sign * end, up=sign > 0)
        else:
            found[key] = Interval(ends[0], math.inf if ends[1] >= _ENDLESS else ends[1])
        if is_last is not None and is_last(key, found[key]):
            break
    return found


def _constraints(component: Component, start: Mapping[Key, Interval], places: Mapping[Key, int]) -> dict[str, Any]:
    """Return the equations and inequalities of a component as arrays."""
    import numpy as np

    rows = np.zeros((len(component.equations), len(places)))
    for row, equation in enumerate(component.equations):
        for key, sign in equation.signs.items():
            rows[row, places[key]] = sign
    low = np.array([equation.low for equation in component.equations])
    high = np.array([equation.high for equation in component.equations])
    is_exact = low == high
    has_high, has_low = ~is_exact & np.isfinite(high), ~is_exact & np.isfinite(low)
    limits = np.concatenate([high[has_high], -low[has_low]])
    return {
        "A_eq": rows[is_exact] if is_exact.any() else None,
        "b_eq": low[is_exact] if is_exact.any() else None,
        "A_ub": np.concatenate([rows[has_high], -rows[has_low]]) if limits.size else None,
        "b_ub": limits if limits.size else None,
        "bounds": [(start[key].low, max(start[key].low, min(start[key].high, _ENDLESS))) for key in places],
    }


def _whole(end: float, *, up: bool) -> float:
    """Return an end rounded inwards to a whole number: counts are whole."""
    if math.isinf(end):
        return float(end)
    return float(math.ceil(end - _TOLERANCE) if up else math.floor(end + _TOLERANCE))
