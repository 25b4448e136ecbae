"""How many weeks with an integration session: strategies that differ in nothing else, as records."""

from __future__ import annotations

from dataclasses import dataclass

from katoutcomes.errors import DesignError
from katoutcomes.estimands.strategies import DAYS_A_WEEK


@dataclass(frozen=True, slots=True)
class SessionCount:
    """Have an integration session in a number of weeks by a day, in one's own time, while in care.

    Attributes
    ----------
    weeks : int
        In how many weeks, 0 or more.
    by_day : int
        The last day that counts, a whole number of weeks after the first dose.
    or_more : bool
        Whether more weeks are allowed as well.

    Examples
    --------
    >>> SessionCount(1, 28).sentence()
    'an integration session in exactly 1 week by day 28, while in care'
    >>> SessionCount(2, 28, or_more=True).label
    '2 weeks or more'
    """

    weeks: int
    by_day: int = 28
    or_more: bool = False

    def __post_init__(self) -> None:
        if self.by_day < DAYS_A_WEEK or self.by_day % DAYS_A_WEEK:
            raise DesignError("by_day is a whole number of weeks after the first dose: 7, 14, 21, 28, ...")
        if not 0 <= self.weeks <= self.by_day // DAYS_A_WEEK:
            raise DesignError("weeks with a session: 0 to the number of weeks until by_day.")

    @property
    def label(self) -> str:
        """What tables call the arm."""
        if self.weeks == 0:
            return "no session"
        return f"{self.weeks} week{'s' if self.weeks > 1 else ''}{' or more' if self.or_more else ''}"

    def sentence(self) -> str:
        """Return the strategy in words."""
        if self.weeks == 0:
            return f"no integration session by day {self.by_day} while in care"
        count = f"{'at least' if self.or_more else 'exactly'} {self.weeks} week{'s' if self.weeks > 1 else ''}"
        return f"an integration session in {count} by day {self.by_day}, while in care"


def session_counts(most: int, by_day: int) -> tuple[SessionCount, ...]:
    """Return the strategies of 0, 1, ... weeks, the last of them with more weeks allowed.

    Examples
    --------
    >>> [one.label for one in session_counts(2, 28)]
    ['no session', '1 week', '2 weeks or more']
    """
    n_weeks = by_day // DAYS_A_WEEK
    if most not in range(1, n_weeks + 1):
        raise DesignError(
            f"most, the largest number of weeks with a session, is a whole number from 1 to {n_weeks}, the weeks until "
            f"day {by_day}."
        )
    return tuple(SessionCount(weeks, by_day, or_more=weeks == most) for weeks in range(int(most) + 1))
