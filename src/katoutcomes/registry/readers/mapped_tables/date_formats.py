"""Dates and times in a stated form, read strictly: a cell that does not have the form is refused, never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date as calendar_date
from types import MappingProxyType

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_FULL_MONTHS = (
    "january february march april may june july august september october november december".split()  # noqa: SIM905
)

DIRECTIVES: Mapping[str, str] = MappingProxyType(
    {
        "%Y": "(?P<year>[0-9]{4})",
        "%y": "(?P<short_year>[0-9]{2})",
        "%m": "(?P<month>[0-9]{2})",
        "%-m": "(?P<month>[0-9]{1,2})",
        "%b": f"(?P<month_name>(?i:{'|'.join(_MONTHS)}))",
        "%B": f"(?P<month_name>(?i:{'|'.join(_FULL_MONTHS)}))",
        "%d": "(?P<day>[0-9]{2})",
        "%-d": "(?P<day>[0-9]{1,2})",
        "%H": "(?P<hour>[0-9]{2})",
        "%-H": "(?P<hour>[0-9]{1,2})",
        "%I": "(?P<half_hour>[0-9]{1,2})",
        "%M": "(?P<minute>[0-9]{2})",
        "%S": "(?P<second>[0-9]{2})",
        "%p": "(?P<half>(?i:am|pm))",
        "%%": "%",
    }
)
"""What each directive matches. ``%y`` means 2000 to 2099; month names are English; seconds are read and dropped."""

_DIRECTIVE = re.compile(r"%-?.")
_ISO_MOMENT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2})(?::[0-9]{2}(?:[.][0-9]+)?)?)?")
_ISO_TIME = re.compile(r"([0-9]{2}:[0-9]{2})(?::[0-9]{2}(?:[.][0-9]+)?)?")


@dataclass(frozen=True, slots=True)
class Moment:
    """A date and a time of day as the schema writes them; ``""`` where the form has none.

    Attributes
    ----------
    date : str
        ``YYYY-MM-DD``. It may be a day that the calendar does not have; the schema's own rule finds that.
    time : str
        ``HH:MM``.
    """

    date: str
    time: str


@dataclass(frozen=True, slots=True)
class MomentForm:
    """How dates, times or both are written.

    Attributes
    ----------
    text : str
        The format, for example ``"%d.%m.%Y"``.
    pattern : Pattern
        What a whole cell must match.
    has_date, has_time : bool
        What a cell says.
    """

    text: str
    pattern: re.Pattern[str]
    has_date: bool
    has_time: bool

    def read(self, cell: str) -> Moment | None:
        """Return the moment that a cell names, None if it does not have the form."""
        match = self.pattern.fullmatch(cell)
        if match is None:
            return None
        parts = match.groupdict()
        time = _time(parts) if self.has_time else ""
        if time is None:
            return None
        return Moment(_date(parts) if self.has_date else "", time)


def moment_form(text: str) -> MomentForm | str:
    """Return the form that a format describes, or what is wrong with the format.

    Examples
    --------
    >>> form = moment_form("%-d-%b-%Y %H:%M")
    >>> form.read("3-Feb-2026 09:30")
    Moment(date='2026-02-03', time='09:30')
    >>> form.read("2026-02-03") is None
    True
    >>> moment_form("%d.%m")
    'must name the year, the month and the day, or the hour and the minute.'
    """
    named: list[str] = []
    pattern = ""
    position = 0
    for match in _DIRECTIVE.finditer(text):
        directive = match.group()
        if directive not in DIRECTIVES:
            return f"holds a directive that is not one of {', '.join(DIRECTIVES)}."
        pattern += re.escape(text[position : match.start()]) + DIRECTIVES[directive]
        named += re.findall(r"\?P<([a-z_]+)>", DIRECTIVES[directive])
        position = match.end()
    pattern += re.escape(text[position:])
    if len(set(named)) < len(named):
        return "names a part twice."
    return _form(text, pattern, set(named))


def is_day(date: str) -> bool:
    """Return whether a date written ``YYYY-MM-DD`` is a day of the calendar.

    Examples
    --------
    >>> is_day("2026-02-28"), is_day("2026-28-02")
    (True, False)
    """
    try:
        calendar_date.fromisoformat(date)
    except ValueError:
        return False
    return True


def iso_moment(cell: str) -> Moment | None:
    """Return the moment of a cell that was a real date or datetime in its file, None if it is neither."""
    match = _ISO_MOMENT.fullmatch(cell)
    return None if match is None else Moment(match.group(1), match.group(2) or "")


def iso_time(cell: str) -> Moment | None:
    """Return the time of a cell that was a real time in its file, None if it is none."""
    match = _ISO_TIME.fullmatch(cell)
    return None if match is None else Moment("", match.group(1))


def _form(text: str, pattern: str, named: set[str]) -> MomentForm | str:
    date_parts = named & {"year", "short_year", "month", "month_name", "day"}
    time_parts = named & {"hour", "half_hour", "minute", "second", "half"}
    has_date = len(date_parts) == 3 and "day" in date_parts and bool(date_parts & {"year", "short_year"})
    has_time = "minute" in time_parts and ("hour" in time_parts) != ({"half_hour", "half"} <= time_parts)
    is_whole = (has_date or not date_parts) and (has_time or not time_parts) and (has_date or has_time)
    if not is_whole:
        return "must name the year, the month and the day, or the hour and the minute."
    return MomentForm(text, re.compile(pattern), has_date, has_time)


def _date(parts: dict[str, str]) -> str:
    year = parts.get("year") or f"20{parts['short_year']}"
    name = parts.get("month_name")
    month = int(parts["month"]) if name is None else _MONTHS.index(name[:3].lower()) + 1
    return f"{year}-{month:02d}-{int(parts['day']):02d}"


def _time(parts: dict[str, str]) -> str | None:
    """Return the time, None where the hour of a half day is none."""
    if parts.get("half_hour") is None:
        return f"{int(parts['hour']):02d}:{parts['minute']}"
    hour = int(parts["half_hour"])
    if not 1 <= hour <= 12:
        return None
    return f"{hour % 12 + (12 if parts['half'].lower() == 'pm' else 0):02d}:{parts['minute']}"
