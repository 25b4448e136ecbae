"""What counts as too close, and which hidden count is, asked with as few programs as possible."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from katoutcomes.results.disclosure_rules.feasible_intervals import (
    REST,
    TOLERANCE,
    Component,
    Interval,
    passed_along,
)
from katoutcomes.results.disclosure_rules.linear_programs import Program, program_of, solution, whole
from katoutcomes.results.disclosure_rules.small_cells import Key
from katoutcomes.results.disclosure_rules.solutions_met import Met, Reading, interval_of, met_by

LEAST_WIDTH = 5
"""A feasible interval is wider than this or as wide, unless the minimum cell is 5 or less."""

_MANY = 8
"""So many counts are asked for at once before they are asked for one by one."""
_MOST_IN_VAIN = 3


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

    def is_open(self, met: Interval) -> bool:
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
        return self._is_close(interval) and not self.is_harmless(key, interval)

    def _is_close(self, interval: Interval) -> bool:
        is_small = interval.low >= 1 and interval.high < self.minimum_cell
        return is_small or interval.width < self.least_width

    def is_harmless(self, key: Key, interval: Interval) -> bool:
        """Return whether a count is no secret, and neither in any interval inside of this one."""
        is_nobody = interval.high <= 0 and self.zero_is_shown
        return is_nobody or (key[0] == REST and interval.low >= self.minimum_cell)

    def is_surely_too_close(self, key: Key, inside: Interval, met: Interval) -> bool:
        """Return whether every interval is too close that lies inside of one and holds what was met."""
        is_somebody = met.high > 0 or not self.zero_is_shown
        return self._is_close(inside) and is_somebody and (key[0] != REST or met.low < self.minimum_cell)


def first_too_close(reading: Reading, asked: Sequence[Key], limits: Limits) -> Key | None:
    """Return the first of some counts whose feasible interval is too close, None if none is."""
    component, met = reading.component, reading.met
    waiting = [key for key in asked if not limits.is_open(met.interval(key))]
    inside = passed_along(component) if waiting else None
    if inside is None:
        return None
    waiting = [key for key in waiting if not limits.is_harmless(key, inside[key])]
    if component.is_without_circle:
        return next((key for key in waiting if limits.is_too_close(key, inside[key])), None)
    program = program_of(component, inside) if waiting else None
    if program is None:
        return None
    _meet_many(waiting, program, met, limits)
    nobody = _nobody(waiting, program, met) if limits.zero_is_shown else frozenset()
    for key in waiting:
        known = met.interval(key)
        if key in nobody or limits.is_open(known):
            continue
        if limits.is_surely_too_close(key, inside[key], known):
            return key
        if limits.is_too_close(key, interval_of(key, program, inside[key], met)):
            return key
    return None


def _meet_many(waiting: Sequence[Key], program: Program, met: Met, limits: Limits) -> None:
    """Ask for many counts at once, which shows most of them to be open, as long as that is so of some.

    The patterns are the digits of the place of a count as a binary number: of each two counts, such as two that add up
    to what is shown, one is raised and one is lowered in one of them.
    """
    n_in_vain = 0
    for pattern in _patterns(len(waiting)):
        if len(waiting) < _MANY or n_in_vain == _MOST_IN_VAIN:
            return
        point = met_by(program, {key: pattern(place) for place, key in enumerate(waiting)})
        if point is None:
            return
        met.note(point)
        still = [key for key in waiting if not limits.is_open(met.interval(key))]
        n_in_vain = 0 if len(still) < len(waiting) else n_in_vain + 1
        waiting = still


def _nobody(waiting: Sequence[Key], program: Program, met: Met) -> frozenset[Key]:
    """Return counts that are certainly 0: together they are, where the most of their sum is."""
    group = [key for key in waiting if met.interval(key).high <= 0]
    while group:
        point = met_by(program, dict.fromkeys(group, -1.0))
        if point is None:
            break
        if sum(point[key] for key in group) <= TOLERANCE:
            return frozenset(group)
        met.note(point)
        left = [key for key in group if met.interval(key).high <= 0]
        if len(left) == len(group):  # the sum has room for parts of patients only: each is asked for by itself
            break
        group = left
    return frozenset()


def _patterns(n_counts: int) -> Iterator[Callable[[int], float]]:
    for sign in (-1.0, 1.0):
        yield lambda _, sign=sign: sign  # type: ignore[misc]
    for digit in range(n_counts.bit_length()):
        for sign in (-1.0, 1.0):
            yield lambda place, digit=digit, sign=sign: sign if place >> digit & 1 else -sign  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class Trial:
    """What a hidden count could be if one more count were hidden.

    Attributes
    ----------
    key : Key
        The hidden count.
    around : Component
        The equations around it alone, which often tell that it would not be enough.
    program : Program
        All that ties the counts that hang together, with columns for the shown ones that are tried.
    met : Interval
        What was met of the hidden count before.
    """

    key: Key
    around: Component
    program: Program
    met: Interval

    def opens(self, one: Key, value: int, limits: Limits) -> bool:
        """Return whether the interval of the hidden count is wide enough once a shown one is hidden.

        What else tells of the shown one is left aside: it is asked for in the next round.
        """
        outer = passed_along(self.around.without(one, value))
        if outer is not None and limits.is_surely_too_close(self.key, outer[self.key], self.met):
            return False
        found = self._interval(one, limits)
        return found is None or not limits.is_too_close(self.key, found)

    def _interval(self, one: Key, limits: Limits) -> Interval | None:
        """Return the feasible interval, or as much of it as is open; None where there is no solution."""
        program, met = self.program, self.met
        most = solution(program, {self.key: -1.0}, freed=one)
        if most is None:
            return None
        place = program.places[self.key]
        high = whole(most[place], up=False)
        known = Interval(min(met.low, high), high)
        outer = Interval(float(program.low[place]), high)
        if limits.is_open(known) or limits.is_surely_too_close(self.key, outer, known):
            return known
        least = solution(program, {self.key: 1.0}, freed=one)
        return known if least is None else Interval(whole(least[place], up=True), high)
