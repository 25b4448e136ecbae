"""Calendar dates in all the ways that clinics write them, and the year that a text names."""

from __future__ import annotations

import re
import unicodedata

_MONTHS = (
    "jan|feb|f[ée]v|mar|mär|avr|apr|abr|may|mai|jun|juin|jul|juil|aug|ao[uû]|ago|sep|oct|okt|nov|dec|d[ée]c|dez|dic|ene"
)
_SEPARATOR = "[-/. ]"
DATE_FORM = (
    rf"(?i:(19|20)[0-9]{{2}}{_SEPARATOR}[0-9]{{1,2}}{_SEPARATOR}[0-9]{{1,2}}([T ][0-9:.Z+-]*)?"
    rf"|[0-9]{{1,2}}{_SEPARATOR}[0-9]{{1,2}}{_SEPARATOR}(19|20)[0-9]{{2}}([T ][0-9:.Z+-]*)?"
    rf"|[0-9]{{1,2}}(er|[.])?[-/. ]*(de )?({_MONTHS})[a-zéû]*[-/., ]*(de )?'?((19|20)[0-9]{{2}}|[0-9]{{2}})"
    rf"|({_MONTHS})[a-zéû]*[. ]+[0-9]{{1,2}}(st|nd|rd|th)?,? +(19|20)[0-9]{{2}}"
    r"|(19|20)[0-9]{2}(0[1-9]|1[0-2])(0[1-9]|[12][0-9]|3[01])([.]0)?"
    r"|[0-9]{1,2}[-/.][0-9]{1,2}[-/.][0-9]{2})"
)
"""A whole cell that is a calendar date in one of the usual ways, also without separators or century."""

_DATE = re.compile(DATE_FORM)
_YEAR = re.compile(r"(?:^|[^0-9])((?:19|20)[0-9]{2})(?:[^0-9:]|$)|^((?:19|20)[0-9]{2})[0-9]{4}(?:[.]0)?$")
_SHORT_YEAR = re.compile(r"^([0-9]{1,2})[-/.][0-9]{1,2}[-/.]([0-9]{2})$|[^0-9]([0-9]{2})$")
_DAYS_OF_A_MONTH = 31
_EXCEL_SERIAL = re.compile(r"[0-9]{5}([.]0+)?")
_SERIALS = range(10_000, 47_000)
"""Days from 30 December 1899 that are dates from 1927 to 2028, as a workbook numbers them."""


def year_of(text: str, latest_year: int) -> int | None:
    """Return the year of a text that is a date; None where it is none.

    Parameters
    ----------
    text : str
        Folded.
    latest_year : int
        The last year that two digits can mean.

    Examples
    --------
    >>> [year_of(text, 2031) for text in ("1980-05-17", "19800517", "17.05.80", "17 mai 1980", "05/17/30", "PHQ-9")]
    [1980, 1980, 1980, 1980, 2030, None]
    """
    plain = unicodedata.normalize("NFC", text)
    if _DATE.fullmatch(plain) is None:
        return None
    if found := _YEAR.search(plain):
        return int(found[1] or found[2])
    short = _SHORT_YEAR.search(plain)
    if short is None:
        return None
    first, last, after_month = short.groups()
    digits = int(after_month or (first if int(first) > _DAYS_OF_A_MONTH else last))
    year = latest_year - latest_year % 100 + digits
    return year if year <= latest_year else year - 100


def is_date(text: str) -> bool:
    """Return whether a text is a calendar date."""
    return _DATE.fullmatch(text) is not None


def is_serial_day(text: str) -> bool:
    """Return whether a text is the number that a workbook has for a date.

    Examples
    --------
    >>> is_serial_day("29357"), is_serial_day("3400")
    (True, False)
    """
    return _EXCEL_SERIAL.fullmatch(text) is not None and int(float(text)) in _SERIALS
