"""When a row happened: from a field of its own, from a field of its event, or from the day of its event."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.readers.redcap.cells import FormRows, read_field
from katoutcomes.registry.readers.redcap.dictionary import Dictionary
from katoutcomes.registry.readers.redcap.settings import RedcapSettings, Section

if TYPE_CHECKING:
    from numpy.typing import NDArray

_CLOCK = r"(?:[ T]([0-9]{1,2}:[0-9]{2})(?::[0-9]{2})?)?"
_PATTERNS = {
    "YMD": re.compile(rf"(?P<y>[0-9]{{4}})[-/](?P<m>[0-9]{{1,2}})[-/](?P<d>[0-9]{{1,2}}){_CLOCK}"),
    "MDY": re.compile(rf"(?P<m>[0-9]{{1,2}})[-/](?P<d>[0-9]{{1,2}})[-/](?P<y>[0-9]{{4}}){_CLOCK}"),
    "DMY": re.compile(rf"(?P<d>[0-9]{{1,2}})[-/](?P<m>[0-9]{{1,2}})[-/](?P<y>[0-9]{{4}}){_CLOCK}"),
}


def split_moment(text: str, order: str) -> tuple[str, str | None]:
    """Return date and time of day of a cell; what is no date in that order stays as it is, so that the load rejects it.

    Examples
    --------
    >>> split_moment("2026-03-02 09:30:12", "YMD"), split_moment("3/2/2026", "MDY"), split_moment("soon", "YMD")
    (('2026-03-02', '09:30'), ('2026-03-02', None), ('soon', None))
    """
    found = _PATTERNS[order].fullmatch(text)
    if found is None:
        return text, None
    clock = found[4]
    date = f"{found['y']}-{int(found['m']):02d}-{int(found['d']):02d}"
    return date, clock.rjust(5, "0") if clock else None


def section_moments(
    rows: FormRows, section: Section, settings: RedcapSettings, dictionary: Dictionary
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return the date (or day) and the time of day of every row, None where they are not known.

    Parameters
    ----------
    rows : FormRows
        All rows.
    section : Section
        The section whose rows are dated. Its own field goes before the field or day of the event.
    settings, dictionary
        The mapping and the fields.
    """
    import numpy as np

    texts = (
        read_field(rows, section.moment_field, settings, dictionary)
        if section.moment_field
        else event_moments(rows, settings, dictionary)
    )
    if settings.moment == "day":
        moments, clocks = texts, np.full(rows.n_rows, None, dtype=object)
    else:
        moments, clocks = _split(texts, settings.date_order)
    if section.time_field:
        clocks = _clock_times(read_field(rows, section.time_field, settings, dictionary))
    return moments, clocks


def event_moments(rows: FormRows, settings: RedcapSettings, dictionary: Dictionary) -> NDArray[Any]:
    """Return for every row the date or day of its event.

    The field stands in the row of the event, a repeating form in rows of its own. A row of a repeating event has its
    own date. Two different dates of one event are none.
    """
    import numpy as np

    settled = {event.name: event for event in settings.events}
    dates: dict[tuple[Any, ...], str | None] = {}
    fields = {event.date_field for event in settings.events if event.date_field}
    values = {field: read_field(rows, field, settings, dictionary) for field in fields}
    keys = list(zip(rows.record.tolist(), rows.event.tolist(), rows.instance.tolist(), strict=True))
    for row, (key, form) in enumerate(zip(keys, rows.repeated_form.tolist(), strict=True)):
        event = settled.get(key[1])
        value = values[event.date_field][row] if event is not None and event.date_field else None
        if value is not None and form is None:
            dates[key] = value if dates.get(key, value) == value else None
    found = np.full(rows.n_rows, None, dtype=object)
    for row, (key, form) in enumerate(zip(keys, rows.repeated_form.tolist(), strict=True)):
        event = settled.get(key[1])
        if event is not None and event.day is not None:
            found[row] = str(event.day)
        elif event is not None and event.date_field:
            found[row] = dates.get(key) if form is None else dates.get((key[0], key[1], None))
    return found


def _split(texts: NDArray[Any], order: str) -> tuple[NDArray[Any], NDArray[Any]]:
    import numpy as np

    known = {text: split_moment(text, order) for text in set(texts.tolist()) if text is not None}
    nothing: tuple[None, None] = (None, None)
    pairs = [known.get(text, nothing) for text in texts.tolist()]
    dates, clocks = np.empty(len(texts), dtype=object), np.empty(len(texts), dtype=object)
    dates[:], clocks[:] = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    return dates, clocks


def _clock_times(texts: NDArray[Any]) -> NDArray[Any]:
    """Return times of day without seconds; the time of a field that holds date and time."""
    import numpy as np

    clocks = np.empty(len(texts), dtype=object)
    clocks[:] = [None if text is None else _clock_time(text) for text in texts.tolist()]
    return clocks


def _clock_time(text: str) -> str:
    found = re.fullmatch(r"(?:.*[ T])?([0-9]{1,2}:[0-9]{2})(?::[0-9]{2})?", text)
    return found[1].rjust(5, "0") if found else text
