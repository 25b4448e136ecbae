"""What patients would be made to do in the trial that is emulated: strategies with grace periods, as records."""

from __future__ import annotations

from dataclasses import dataclass

from katoutcomes.errors import DesignError

DAYS_A_WEEK = 7


@dataclass(frozen=True, slots=True)
class StartIntegration:
    """Have integration sessions by a day, in one's own time, while in care.

    Attributes
    ----------
    at_least : int
        How many weeks with an integration session are needed.
    by_day : int
        The last day that counts, a whole number of weeks after the first dose.
    while_in_care : bool
        Always true: whoever leaves before the day has done nothing against the strategy. Nobody can be given a session
        after leaving, so a strategy that asks for it cannot be followed.

    Examples
    --------
    >>> StartIntegration().sentence()
    'at least 1 week with an integration session by day 28, while in care'
    """

    at_least: int = 1
    by_day: int = 28
    while_in_care: bool = True

    def __post_init__(self) -> None:
        _require_weeks(self.by_day)
        if not 1 <= self.at_least <= self.by_day // DAYS_A_WEEK:
            raise DesignError("at_least counts weeks with a session: 1 to the number of weeks until by_day.")
        if not self.while_in_care:
            raise DesignError("nobody can be given a session after leaving care; keep while_in_care=True.")

    @property
    def label(self) -> str:
        """What tables call the arm."""
        return "integration"

    def sentence(self) -> str:
        """Return the strategy in words."""
        weeks = "week" if self.at_least == 1 else "weeks"
        return f"at least {self.at_least} {weeks} with an integration session by day {self.by_day}, while in care"


@dataclass(frozen=True, slots=True)
class NoneUntil:
    """Have no integration session until a day, while in care; afterwards whatever is usual.

    Attributes
    ----------
    by_day : int
        The last day without, a whole number of weeks after the first dose.

    Examples
    --------
    >>> NoneUntil(42).sentence()
    'no integration session by day 42 while in care, afterwards usual care'
    """

    by_day: int = 28

    def __post_init__(self) -> None:
        _require_weeks(self.by_day)

    @property
    def label(self) -> str:
        """What tables call the arm."""
        return "no integration"

    def sentence(self) -> str:
        """Return the strategy in words."""
        return f"no integration session by day {self.by_day} while in care, afterwards usual care"


@dataclass(frozen=True, slots=True)
class AfterEachDose:
    """Have an integration session in every window after every dose of the course, while in care.

    Attributes
    ----------
    windows : tuple of (int, int)
        Days after the dose. The first window holds both of its ends; a later one begins the day after its first number,
        so that ``((0, 3), (3, 7))`` asks for a session within 72 hours and another one within seven days.
    by_day : int
        Doses until this day count, a whole number of weeks after the first.

    Examples
    --------
    >>> AfterEachDose().sentence()
    'an integration session on day 0 to 3 and again on day 4 to 7 after each dose until day 42, while in care'
    """

    windows: tuple[tuple[int, int], ...] = ((0, 3), (3, 7))
    by_day: int = 42

    def __post_init__(self) -> None:
        _require_weeks(self.by_day)
        ends = [0, *(last for _, last in self.windows)]
        follow = all(first >= end for (first, _), end in zip(self.windows, ends, strict=False))
        if not self.windows or not follow or any(last <= first for first, last in self.windows):
            raise DesignError("windows are pairs of days after the dose, in order of time and without overlap.")

    @property
    def label(self) -> str:
        """What tables call the arm."""
        return "integration after each dose"

    def days(self) -> tuple[tuple[int, int], ...]:
        """Return the first and last day of each window, both included."""
        return tuple((first + (number > 0), last) for number, (first, last) in enumerate(self.windows))

    def sentence(self) -> str:
        """Return the strategy in words."""
        spans = " and again on ".join(f"day {first} to {last}" for first, last in self.days())
        return f"an integration session on {spans} after each dose until day {self.by_day}, while in care"


TreatedStrategy = StartIntegration | AfterEachDose


def _require_weeks(by_day: int) -> None:
    if by_day < DAYS_A_WEEK or by_day % DAYS_A_WEEK:
        raise DesignError("by_day is a whole number of weeks after the first dose: 7, 14, 21, 28, ...")
