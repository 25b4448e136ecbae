"""When a score counts as a visit."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from katoutcomes.errors import DesignError


@dataclass(frozen=True, slots=True)
class VisitWindow:
    """A named span of days, counted from the first dose of the course, in which a score counts for a visit.

    The score nearest to `target_day` is taken; of two that are equally near, the earlier one. For the baseline the
    *last* score in the window is taken, whatever its distance.

    Attributes
    ----------
    name : str
        How tables and figures call the visit, for example ``"week 12"``.
    target_day : int
        The day the visit is meant for; day 0 is the first dose.
    first_day, last_day : int
        The window, both days included.

    Raises
    ------
    DesignError
        If the target lies outside the window.

    Examples
    --------
    >>> VisitWindow("week 12", target_day=84, first_day=70, last_day=98).last_day
    98
    """

    name: str
    target_day: int
    first_day: int
    last_day: int

    def __post_init__(self) -> None:
        if not self.first_day <= self.target_day <= self.last_day:
            raise DesignError(
                f"visit window {self.name!r}: day {self.target_day} is outside "
                f"{self.first_day} to {self.last_day}; first_day <= target_day <= last_day is needed."
            )


BASELINE_WINDOW = VisitWindow("baseline", target_day=0, first_day=-14, last_day=0)
"""The last score in the fourteen days before the first dose, the day of the dose included."""

DEFAULT_VISITS: tuple[VisitWindow, ...] = (
    VisitWindow("week 4", target_day=28, first_day=21, last_day=41),
    VisitWindow("week 8", target_day=56, first_day=42, last_day=69),
    VisitWindow("week 12", target_day=84, first_day=70, last_day=98),
)
"""Windows that touch but never overlap, so that no score serves two visits."""


def require_separate(visits: tuple[VisitWindow, ...]) -> None:
    """Raise `DesignError` if there is no visit, a name stands twice, or two windows share a day."""
    if not visits:
        raise DesignError("at least one visit window is needed.")
    if len({visit.name for visit in visits}) < len(visits):
        raise DesignError("two visit windows have the same name.")
    ordered = sorted(visits, key=lambda visit: visit.first_day)
    for earlier, later in pairwise(ordered):
        if later.first_day <= earlier.last_day:
            raise DesignError(
                f"the windows of {earlier.name!r} and {later.name!r} share day {later.first_day}: "
                "one score would serve two visits."
            )
