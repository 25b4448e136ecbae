"""The least and the most that each hidden count can be, given everything that is shown.

Every sum that a reader can form is a linear equation in the counts that are hidden. A count's feasible interval is
found by linear programming, in one program for each set of counts that hang together. Most programs are spared: passing
intervals along the equations gives limits that hold every solution, and the solutions met so far give limits that are
held; where both are the same there is nothing left to ask.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from katoutcomes.results.disclosure_rules.small_cells import Key

REST = "rest of"
"""First word of the name of what a sum leaves, which is printed nowhere."""

TOLERANCE = 1e-6
"""Programs are solved to about 1e-9; limits are whole numbers where all counts are."""


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

    def without(self, key: Key, count: int) -> Equation:
        """Return the equation with a shown count hidden, itself where that count does not stand in it."""
        sign = self.shown.get(key)
        if sign is None:
            return self
        return Equation({**self.signs, key: sign}, self.low + sign * count, self.high + sign * count, self.shown)


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
    def name(self) -> Hashable:
        """What tells a component from another one, and from itself before more was hidden."""
        return frozenset(self.before), tuple((equation.low, equation.high) for equation in self.equations)

    @property
    def is_without_circle(self) -> bool:
        """Whether each two counts are tied to each other in one way only."""
        n_ties = sum(len(equation.signs) for equation in self.equations)
        return n_ties == len(self.before) + len(self.equations) - 1

    def around(self, equations: tuple[Equation, ...]) -> Component:
        """Return some of the equations with the counts that they tie."""
        return Component({key: self.before[key] for one in equations for key in one.signs}, equations)

    def without(self, key: Key, count: int) -> Component:
        """Return the same with one shown count hidden."""
        opened = tuple(equation.without(key, count) for equation in self.equations)
        return Component({**self.before, key: Interval(1.0, math.inf)}, opened)


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


def passed_along(component: Component) -> dict[Key, Interval] | None:
    """Return intervals that hold every solution, None if there is none: each equation bounds a count by the others.

    Where the equations form no circle these are the feasible intervals.

    Examples
    --------
    >>> better, same, worse = ("better",), ("same",), ("worse",)
    >>> known = Interval(1, math.inf)
    >>> two = Component({same: known, worse: known}, (Equation({same: 1, worse: 1}, 15, 15),))
    >>> passed_along(two)[worse]
    Interval(low=1, high=14.0)
    """
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
            if interval.low > interval.high + TOLERANCE:
                return None
            found[key] = interval
            again = [other for other in of_count[key] if other not in is_waiting and other != number]
            waiting.extend(again)
            is_waiting.update(again)
    return found


def _bounded(equation: Equation, found: Mapping[Key, Interval]) -> Iterator[tuple[Key, Interval]]:
    """Yield each count of an equation of whose interval the others leave less, with what they leave."""
    ends = []
    low_sum = high_sum = 0.0
    n_open_below = n_open_above = 0
    for key, sign in equation.signs.items():
        interval = found[key]
        low, high = (interval.low, interval.high) if sign > 0 else (-interval.high, -interval.low)
        ends.append((key, sign, interval, low, high))
        if low == -math.inf:
            n_open_below += 1
        else:
            low_sum += low
        if high == math.inf:
            n_open_above += 1
        else:
            high_sum += high
    for key, sign, interval, low, high in ends:
        is_open_below, is_open_above = low == -math.inf, high == math.inf
        least = (
            -math.inf if n_open_above > is_open_above else equation.low - high_sum + (0.0 if is_open_above else high)
        )
        most = math.inf if n_open_below > is_open_below else equation.high - low_sum + (0.0 if is_open_below else low)
        if sign < 0:
            least, most = -most, -least
        if least > interval.low or most < interval.high:
            yield key, Interval(max(interval.low, least), min(interval.high, most))
