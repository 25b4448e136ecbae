"""Calendar quarters and months in which courses began, and how far their follow-up is over."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from katoutcomes.errors import DesignError, OptionError
from katoutcomes.estimands.visit_window import FIRST_DOSE

if TYPE_CHECKING:
    from katoutcomes.cohorts.analysis_set import AnalysisSet, Variable
    from katoutcomes.estimands.visit_window import VisitWindow

_FORM = re.compile(r"(?P<year>\d{4})(?:Q(?P<quarter>[1-4])|-(?P<month>0[1-9]|1[0-2]))")
_MOST_PERIODS = 120


@dataclass(frozen=True, slots=True)
class Period:
    """A calendar quarter or month.

    Attributes
    ----------
    label : str
        ``"2026Q3"`` or ``"2026-07"``.
    first_day, last_day : date
        Both included.
    """

    label: str
    first_day: date
    last_day: date

    def closed_share(self, data_through: date, last_visit_day: int) -> float:
        """Return the share of its days from which the visit window has closed by the end of the data.

        Parameters
        ----------
        data_through : date
            The last day that the data reach to.
        last_visit_day : int
            The last day of the window, counted from the first dose.

        Examples
        --------
        >>> parsed("2026Q1").closed_share(date(2026, 4, 10), 98)
        0.022222222222222223
        """
        n_days = (self.last_day - self.first_day).days + 1
        n_closed = (data_through - timedelta(days=last_visit_day) - self.first_day).days + 1
        return min(max(n_closed, 0), n_days) / n_days


def parsed(label: str) -> Period:
    """Return the period that a label names.

    Raises
    ------
    OptionError
        If it is neither a quarter nor a month.

    Examples
    --------
    >>> parsed("2026Q3").last_day.isoformat(), parsed("2024-02").last_day.isoformat()
    ('2026-09-30', '2024-02-29')
    """
    found = _FORM.fullmatch(label)
    if found is None:
        raise OptionError(f"{label!r} is no calendar quarter such as 2026Q3 and no month such as 2026-07.")
    year = int(found["year"])
    first = 3 * int(found["quarter"]) - 2 if found["quarter"] else int(found["month"])
    last = first + 2 if found["quarter"] else first
    return Period(label, date(year, first, 1), date(year, last, calendar.monthrange(year, last)[1]))


def periods_of(variable: Variable) -> tuple[Period, ...]:
    """Return every period from the first to the last that occurs, those without a course included.

    Raises
    ------
    DesignError
        If the levels are no quarters or months, are of both kinds, or reach over too many periods.
    """
    levels = variable.levels if variable.kind == "category" else ()
    if not levels or not all(_FORM.fullmatch(level) for level in levels):
        raise DesignError(
            f"{variable.name} does not hold calendar quarters such as 2026Q3 or months such as 2026-07, so nothing "
            "can be shown over time."
        )
    if len({"Q" in level for level in levels}) > 1:
        raise DesignError(f"{variable.name} holds quarters and months; one of them is needed.")
    found = [parsed(min(levels))]
    while found[-1].label != max(levels):
        found.append(_next(found[-1]))
        if len(found) > _MOST_PERIODS:
            raise DesignError(f"{variable.name} reaches over more than {_MOST_PERIODS} periods; look at fewer.")
    return tuple(found)


def _next(period: Period) -> Period:
    after = period.last_day + timedelta(days=1)
    label = f"{after.year}Q{(after.month + 2) // 3}" if "Q" in period.label else f"{after.year}-{after.month:02d}"
    return parsed(label)


def end_of_data(
    data: AnalysisSet, variable: Variable, periods: Sequence[Period], data_through: str | None
) -> tuple[date, str]:
    """Return the last day that the data reach to, and a sentence that says how that is known.

    Without a statement it is the end of the last period in which a course began, or later where a score shows that the
    data reach further: a course of a period with a score at a visit began on its first day at the earliest.

    Raises
    ------
    OptionError
        If what was stated is no date, quarter or month, or lies before the last period begins.
    """
    last = periods[-1]
    if data_through is not None:
        stated = _stated(data_through)
        if stated < last.first_day:
            raise OptionError(f"data_through ends before {last.label}, in which courses of these data began.")
        return stated, f"The data reach to {stated.isoformat()}, as was stated."
    end = max([last.last_day, *_shown_by_scores(data, variable, periods)])
    return end, (
        f"The data are taken to reach to {end.isoformat()}, the end of the last {unit_of(last)} in which a course "
        "began or, if later, the earliest day that a score shows; state data_through where they end earlier."
    )


def unit_of(period: Period) -> str:
    """Return "quarter" or "month"."""
    return "quarter" if "Q" in period.label else "month"


def _stated(text: str) -> date:
    if _FORM.fullmatch(text):
        return parsed(text).last_day
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    raise OptionError("data_through is a date such as 2026-09-30, a quarter such as 2026Q3 or a month such as 2026-09.")


def _shown_by_scores(data: AnalysisSet, variable: Variable, periods: Sequence[Period]) -> list[date]:
    """Return, for each visit, the earliest day by which its latest score can have been given."""
    import numpy as np

    codes = {period.label: period for period in periods}
    found = []
    for window in data.visits:
        if window.anchor != FIRST_DOSE:
            continue
        scored = variable.values[~np.isnan(data.scores_at(window.name)) & ~np.isnan(variable.values)]
        if scored.size:
            began = codes[max(variable.levels[int(code)] for code in np.unique(scored))].first_day
            found.append(began + timedelta(days=window.first_day))
    return found


def require_counted_from_first_dose(window: VisitWindow) -> None:
    """Raise `DesignError` unless it is known when a visit window closes, counted from the start of the course."""
    if window.anchor != FIRST_DOSE:
        raise DesignError(
            f"the days of {window.name!r} count from {window.anchor}, so nobody knows which courses it is still to "
            "come for; use a visit that counts from the first dose."
        )
