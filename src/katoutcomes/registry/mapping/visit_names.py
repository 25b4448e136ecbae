"""On which day a visit nominally was, by what it is called."""

from __future__ import annotations

import re
from collections.abc import Sequence

from katoutcomes.registry.mapping.words import normalized

_BEFORE = frozenset(
    "baseline base bl pre before intake screening t0 vor vorher aufnahme eingang anfang".split()  # noqa: SIM905
)
_BEFORE_DAY = -1
_DAYS_OF = {
    "days": (("d", "day", "days", "tag", "tage"), 1.0),
    "weeks": (("w", "wk", "wks", "week", "weeks", "woche", "wochen", "wo"), 7.0),
    "months": (("m", "mo", "mth", "month", "months", "monat", "monate"), 30.4375),
}


def nominal_day(visit: str) -> int | None:
    """Return the day that the name of a visit states, counted from the first dose; None if it states none.

    Examples
    --------
    >>> nominal_day("baseline"), nominal_day("wk4"), nominal_day("Woche 12"), nominal_day("6m"), nominal_day("post")
    (-1, 28, 84, 183, None)
    """
    text = normalized(visit)
    if text in _BEFORE:
        return _BEFORE_DAY
    match = re.fullmatch(r"([a-z]+)_?([0-9]{1,3})|([0-9]{1,3})_?([a-z]+)", text)
    if match is None:
        return None
    word, number = match[1] or match[4], int(match[2] or match[3])
    return next((round(days * number) for words, days in _DAYS_OF.values() if word in words), None)


def nominal_days(visits: Sequence[str]) -> dict[str, int]:
    """Return the nominal day of every visit, nothing unless all of them state one and no two the same.

    Examples
    --------
    >>> nominal_days(["pre", "wk4"]), nominal_days(["pre", "post"])
    ({'pre': -1, 'wk4': 28}, {})
    """
    days = {visit: day for visit in visits if (day := nominal_day(visit)) is not None}
    return days if len(days) == len(visits) == len(set(days.values())) else {}
