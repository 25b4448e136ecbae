"""What the cells of a column look like, as counts: how many are filled, and how many have which form."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from katoutcomes.registry.mapping.words import MISSING_WORDS, normalized
from katoutcomes.registry.readers.mapped_tables.date_formats import MomentForm, moment_form

DATE_FORMATS: tuple[str, ...] = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y/%m/%d",
    "%Y%m%d",
    "%d.%m.%Y",
    "%-d.%-m.%Y",
    "%d.%m.%Y %H:%M",
    "%d.%m.%y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%-d/%-m/%Y",
    "%-m/%-d/%Y",
    "%m/%d/%Y %H:%M",
    "%-m/%-d/%Y %-H:%M",
    "%m/%d/%y",
    "%-m/%-d/%y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d-%b-%Y",
    "%-d-%b-%Y",
    "%-d %b %Y",
    "%-d %B %Y",
    "%b %-d, %Y",
    "%B %-d, %Y",
)
"""Forms of dates that are tried, the strict ones first."""

TIME_FORMATS: tuple[str, ...] = ("%H:%M", "%-H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M%p")
_FORMS: tuple[MomentForm, ...] = tuple(
    form for form in map(moment_form, (*DATE_FORMATS, *TIME_FORMATS)) if isinstance(form, MomentForm)
)
_NUMBERS = {
    "integer": re.compile(r"[+-]?[0-9]{1,9}([.]0+)?"),
    "number": re.compile(r"[+-]?[0-9]+([.][0-9]+)?"),
    "comma_number": re.compile(r"[+-]?[0-9]+(,[0-9]+)?"),
}


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """A column of a file in numbers; it holds no cell.

    Attributes
    ----------
    name : str
        Column name.
    n_rows, n_filled, n_distinct : int
        Rows; rows with a cell that is neither empty nor a missing word; different cells among them.
    missing_words : tuple of str
        Words of `MISSING_WORDS` that stand in the column.
    forms : tuple of (str, int)
        Form ("integer", "number", "comma_number", a date or time format) and number of filled cells that have it;
        forms that none has are not listed.
    """

    name: str
    n_rows: int
    n_filled: int
    n_distinct: int
    missing_words: tuple[str, ...]
    forms: tuple[tuple[str, int], ...]

    def share(self, form: str) -> float:
        """Return the share of the filled cells that have a form; 0 where none is filled."""
        return dict(self.forms).get(form, 0) / self.n_filled if self.n_filled else 0.0

    def best(self, formats: Sequence[str]) -> tuple[str, float]:
        """Return the format that most cells have, the first of equals, and their share; "" if none has any."""
        shares = [(self.share(text), text) for text in formats]
        share, text = max(shares, key=lambda pair: pair[0], default=(0.0, ""))
        return (text, share) if share > 0 else ("", 0.0)

    def is_unique(self) -> bool:
        """Whether every row has a cell of its own."""
        return self.n_filled == self.n_rows > 0 and self.n_distinct == self.n_rows


def column_profile(name: str, cells: Iterable[str | None]) -> ColumnProfile:
    """Count what the cells of a column look like.

    Parameters
    ----------
    name : str
        Column name.
    cells : iterable of str or None
        Text, None where a cell is empty.

    Examples
    --------
    >>> import numpy as np
    >>> profile = column_profile("Datum", np.array(["03.02.2026", "14.02.2026", "k.A.", None], dtype=object))
    >>> profile.n_filled, profile.best(DATE_FORMATS), profile.missing_words
    (2, ('%d.%m.%Y', 1.0), ('k.A.',))
    """
    listed = list(cells)
    counts = Counter(cell for cell in listed if cell is not None)
    missing = tuple(word for word in MISSING_WORDS if word in counts)
    filled = {cell: n_cells for cell, n_cells in counts.items() if cell not in missing}
    forms: Counter[str] = Counter()
    for cell, n_cells in filled.items():
        for form in _forms_of(cell):
            forms[form] += n_cells
    order = [*_NUMBERS, *DATE_FORMATS, *TIME_FORMATS]
    return ColumnProfile(
        name=name,
        n_rows=len(listed),
        n_filled=sum(filled.values()),
        n_distinct=len(filled),
        missing_words=missing,
        forms=tuple((form, forms[form]) for form in order if forms[form]),
    )


def known_codes(
    cells: Iterable[str | None], words: dict[str, str], patterns: Sequence[tuple[str, str]] = ()
) -> dict[str, str]:
    """Return cells that are known code words, or digits, as they are written; with what they mean, "" for digits.

    Parameters
    ----------
    cells : iterable of str or None
        Text, None where a cell is empty.
    words : dict of str to str
        Normalized words and their meaning.
    patterns : sequence of (str, str)
        Regular expressions of public codes and their meaning.
    """
    found = {}
    for cell in sorted({cell for cell in cells if cell is not None}):
        meaning = words.get(normalized(cell)) or next(
            (code for pattern, code in patterns if re.fullmatch(pattern, cell)), None
        )
        if meaning is not None:
            found[cell] = meaning
        elif re.fullmatch("[0-9]", cell):
            found[cell] = ""
    return found


def _forms_of(cell: str) -> list[str]:
    found = [form for form, pattern in _NUMBERS.items() if pattern.fullmatch(cell)]
    for form in _FORMS:
        moment = form.read(cell)
        if moment is not None and _is_possible(moment.date, moment.time):
            found.append(form.text)
    return found


def _is_possible(date: str, time: str) -> bool:
    """Return whether month, day and hour are possible, so that day and month can be told apart."""
    is_date = not date or (1 <= int(date[5:7]) <= 12 and 1 <= int(date[8:]) <= 31 and 1900 <= int(date[:4]) < 2100)
    return is_date and (not time or (int(time[:2]) < 24 and int(time[3:]) < 60))
