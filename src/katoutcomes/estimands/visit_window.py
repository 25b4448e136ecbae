"""When a score counts as a visit: a window of days, the dose they count from, and which score of it is taken."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from katoutcomes.errors import DesignError, OptionError, require_option

FIRST_DOSE = "first dose"
END_OF_INDUCTION = "end of induction"
FIRST_MAINTENANCE_DOSE = "first dose of maintenance"
NAMED_ANCHORS: tuple[str, ...] = (FIRST_DOSE, END_OF_INDUCTION, FIRST_MAINTENANCE_DOSE)
"""Anchors beside ``"dose N"``."""

VISIT_CHOICES: tuple[str, ...] = ("nearest", "last", "first", "mean")
"""Which score of a window is taken; the first is the default."""

_DOSE_NUMBER = re.compile(r"dose ([1-9][0-9]{0,3})")


@dataclass(frozen=True, slots=True)
class VisitWindow:
    """A named span of days in which a score counts for a visit.

    Days count from the anchor, by default the first dose of the course. On day 0, the day of the anchor's dose, a score
    counts as before that dose unless both times are known and the score is later. A window that begins on day 0 or
    later holds scores after the dose, one that begins before day 0 and ends on day 0 or before it holds scores before
    the dose, and one that reaches over day 0 holds both. Whatever the anchor, a score at or before the first dose of
    the course is never a visit.

    Attributes
    ----------
    name : str
        How tables and figures call the visit, for example ``"week 12"``.
    target_day : int
        The day the visit is meant for; day 0 is that of the anchor's dose.
    first_day, last_day : int
        The window, both days included.
    anchor : str
        The dose that days count from: ``"first dose"``; ``"dose 6"``, the sixth dosing session of the course;
        ``"end of induction"``, the last dose of the induction phase; ``"first dose of maintenance"``, the dose after
        it. Patients who never had that dose have no score at the visit. ``"dose 1"`` is the first dose.
    choice : {"nearest", "last", "first", "mean"}
        Which score of the window is taken: the one nearest to `target_day` (of two equally near, the earlier), the
        latest, the earliest, or the mean of all of them.

    Raises
    ------
    DesignError
        If the target lies outside the window.
    OptionError
        If there is no such anchor or choice.

    Notes
    -----
    Every anchor but the first dose lies after time zero: who had a sixth dose stayed in care until then. Scores at such
    a visit describe those patients, and no comparison from time zero may end there.

    Examples
    --------
    >>> VisitWindow("week 12", target_day=84, first_day=70, last_day=98).last_day
    98
    >>> window = VisitWindow("before dose 6", target_day=0, first_day=-7, last_day=0, anchor="dose 6", choice="last")
    >>> window.is_anchored_later, window.holds(0, is_after=False), window.holds(0, is_after=True)
    (True, True, False)
    """

    name: str
    target_day: int
    first_day: int
    last_day: int
    anchor: str = FIRST_DOSE
    choice: str = VISIT_CHOICES[0]

    def __post_init__(self) -> None:
        if not self.first_day <= self.target_day <= self.last_day:
            raise DesignError(
                f"visit window {self.name!r}: day {self.target_day} is outside "
                f"{self.first_day} to {self.last_day}; first_day <= target_day <= last_day is needed."
            )
        require_option(f"choice of visit window {self.name!r}", self.choice, VISIT_CHOICES)
        if self.anchor not in NAMED_ANCHORS and not _DOSE_NUMBER.fullmatch(self.anchor):
            listed = ", ".join(map(repr, NAMED_ANCHORS))
            raise OptionError(
                f"visit window {self.name!r}: anchor must be one of {listed} or 'dose N'; got {self.anchor!r}."
            )
        if self.anchor == "dose 1":
            object.__setattr__(self, "anchor", FIRST_DOSE)

    @property
    def is_anchored_later(self) -> bool:
        """Whether its days count from a dose after the first, which not everybody had."""
        return self.anchor != FIRST_DOSE

    @property
    def dose_number(self) -> int | None:
        """The number of the dose in ``"dose N"``, 1 for the first dose; None for an anchor that has no fixed number."""
        if self.anchor == FIRST_DOSE:
            return 1
        found = _DOSE_NUMBER.fullmatch(self.anchor)
        return int(found.group(1)) if found else None

    def holds(self, day: int, *, is_after: bool) -> bool:
        """Return whether a score of that day counts for the visit.

        Parameters
        ----------
        day : int
            Counted from the anchor.
        is_after : bool
            Whether the score comes after the anchor's dose; decides on day 0 alone.
        """
        if not self.first_day <= day <= self.last_day:
            return False
        if day != 0:
            return True
        return is_after if self.first_day == 0 else (not is_after or self.last_day > 0)

    def rank(self, day: int) -> int:
        """Return the place of a day among those of the window: the score on the day of the lowest rank is taken.

        Examples
        --------
        >>> window = VisitWindow("week 4", target_day=28, first_day=21, last_day=41)
        >>> sorted((30, 26, 21), key=window.rank)
        [26, 30, 21]
        """
        if self.choice == "last":
            return -day
        distance = abs(day - self.target_day) if self.choice == "nearest" else 0
        return distance * 100_000 + day


BASELINE_WINDOW = VisitWindow("baseline", target_day=0, first_day=-14, last_day=0)
"""The last score in the fourteen days before the first dose, the day of the dose included."""

DEFAULT_VISITS: tuple[VisitWindow, ...] = (
    VisitWindow("week 4", target_day=28, first_day=21, last_day=41),
    VisitWindow("week 8", target_day=56, first_day=42, last_day=69),
    VisitWindow("week 12", target_day=84, first_day=70, last_day=98),
)
"""Windows that touch but never overlap, so that no score serves two visits."""


def anchors_of(visits: Iterable[VisitWindow]) -> tuple[str, ...]:
    """Return the anchors in use: the first dose, then later doses by number, then the phases.

    Examples
    --------
    >>> later = VisitWindow("after dose 6", 7, 1, 14, anchor="dose 6")
    >>> anchors_of([later, *DEFAULT_VISITS])
    ('first dose', 'dose 6')
    """
    numbers = {visit.anchor: visit.dose_number for visit in visits}

    def place(anchor: str) -> tuple[int, str]:
        number = numbers[anchor]
        return (number if number is not None else 100_000, anchor)  # "end of …" stands before "first …"

    return tuple(sorted(numbers, key=place))


def in_order_of_time(visits: Sequence[VisitWindow]) -> tuple[VisitWindow, ...]:
    """Return the visits anchor by anchor, each anchor's by their target day."""
    return tuple(
        visit
        for anchor in anchors_of(visits)
        for visit in sorted(visits, key=lambda visit: (visit.target_day, visit.first_day))
        if visit.anchor == anchor
    )


def require_separate(visits: Sequence[VisitWindow]) -> None:
    """Raise `DesignError` if there is no visit, a name stands twice, or two windows of one anchor share a day.

    Windows of different anchors may share days: the days of one have no fixed place among those of the other, so one
    score may serve a visit of each.
    """
    if not visits:
        raise DesignError("at least one visit window is needed.")
    if len({visit.name for visit in visits}) < len(visits):
        raise DesignError("two visit windows have the same name.")
    for anchor in anchors_of(visits):
        ordered = sorted((visit for visit in visits if visit.anchor == anchor), key=lambda visit: visit.first_day)
        for earlier, later in pairwise(ordered):
            if later.first_day > earlier.last_day or _meet_at_dose(earlier, later):
                continue
            raise DesignError(
                f"the windows of {earlier.name!r} and {later.name!r} share day {later.first_day}: "
                "one score would serve two visits."
            )


def _meet_at_dose(earlier: VisitWindow, later: VisitWindow) -> bool:
    """Return whether two windows share day 0 alone, one before its dose and the other after it."""
    return earlier.first_day < 0 and earlier.last_day == 0 == later.first_day
