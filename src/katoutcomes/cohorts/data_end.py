"""Until when the data reach, as far as quarters tell, and whose visits were therefore due."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from katoutcomes.estimands.quarters import Quarter
from katoutcomes.registry.engines.stage_texts import stage_text

if TYPE_CHECKING:
    from katoutcomes.registry.registry import Registry

_QUARTERS_A_YEAR, _MONTHS_A_QUARTER = 4, 3


@dataclass(frozen=True, slots=True)
class DataEnd:
    """The latest day that the data are known to reach.

    Attributes
    ----------
    first_quarter : int
        The earliest quarter of a first dose (`Quarter.number`).
    day : int
        Days of the calendar, counted as `datetime.date.toordinal` does. A registry keeps only the quarter of a first
        dose, so this is the earliest day that the end can be: the largest sum, over the quarters, of the quarter's
        first day and the last day on which anything was recorded of its patients.
    """

    first_quarter: int
    day: int

    def last_due_quarter(self, last_day: int) -> int | None:
        """Return the last quarter whose patients' window was certainly over when the data end; None if none was.

        Parameters
        ----------
        last_day : int
            Of the window, counted from the first dose.

        Examples
        --------
        >>> end = DataEnd(first_quarter=4 * 2025, day=first_day_of(4 * 2026))
        >>> end.last_due_quarter(227) == 4 * 2025
        True
        >>> end.last_due_quarter(400) is None
        True
        """
        quarter = self.first_quarter - 1
        while first_day_of(quarter + 2) - 1 + last_day <= self.day:
            quarter += 1
        return quarter if quarter >= self.first_quarter else None


def first_day_of(quarter: int) -> int:
    """Return the first day of a quarter (`Quarter.number`), as `datetime.date.toordinal` counts days.

    Examples
    --------
    >>> first_day_of(4 * 2026 + 2) == date(2026, 7, 1).toordinal()
    True
    """
    year, place = divmod(quarter, _QUARTERS_A_YEAR)
    return date(year, _MONTHS_A_QUARTER * place + 1, 1).toordinal()


def data_end(registry: Registry) -> DataEnd | None:
    """Return until when the sessions and scores of a registry reach; None where no quarter is known.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=1, n_patients=40)
    >>> data_end(registry).day > first_day_of(data_end(registry).first_quarter)
    True
    """
    found = registry.engine.fetch(stage_text("katoutcomes.cohorts", "51_last_days"))
    quarters = [Quarter.of(str(text)).number for text in found["quarter"]]
    if not quarters:
        return None
    last_days = [first_day_of(quarter) + int(day) for quarter, day in zip(quarters, found["last_day"], strict=True)]
    return DataEnd(min(quarters), max(last_days))
