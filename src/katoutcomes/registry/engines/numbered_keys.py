"""Keys that count, such as ``Q000123``: all begin alike and have as many digits, so that the number tells them apart.

Of millions of rows a number is read, compared, linked and kept in a fraction of the time and the memory of a text. The
order of the numbers is the order of the texts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine

_FORM = re.compile(r"([0-9A-Za-z_]*?)([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class NumberedKeys:
    """The form that all keys of a column have.

    Attributes
    ----------
    beginning : str
        What each of them begins with: letters, digits and underscores; it may be empty.
    n_digits : int
        How many digits follow, at most nine, so that each number is a small whole one.
    """

    beginning: str
    n_digits: int

    @property
    def unlike(self) -> str:
        """A regular expression that matches texts of another length, or with anything but digits at the end."""
        start, length = len(self.beginning), len(self.beginning) + self.n_digits
        short = f"|^.{{0,{start - 1}}}$" if start else ""
        return f"^.{{{start}}}[0-9]{{0,{self.n_digits - 1}}}([^0-9]|$)|^.{{{length}}}.{short}"

    @property
    def alike(self) -> str:
        """A glob of the texts that have as many letters, digits or underscores, and then as many digits."""
        return "[0-9A-Za-z_]" * len(self.beginning) + "[0-9]" * self.n_digits

    def number(self, cell: str) -> str:
        """Return the SQL of the number of a key that has the form."""
        return f"cast(substring({cell}, {len(self.beginning) + 1}) as integer)"

    def number_of_any(self, cell: str, otherwise: int) -> str:
        """Return the SQL of the number of a key that may have another form, and another number where it has."""
        has_form = f"regexp_full_match({cell}, '{self.beginning}[0-9]{{{self.n_digits}}}')"
        return f"case when {has_form} then {self.number(cell)} when {cell} is not null then {otherwise} end"

    def text(self, number: str) -> str:
        """Return the SQL of the key that has a number."""
        return f"'{self.beginning}' || lpad(cast({number} as varchar), {self.n_digits}, '0')"


def form_of(key: str) -> NumberedKeys | None:
    """Return the form that a column of keys can only have if this is one of them; None if no number ends it.

    Examples
    --------
    >>> form_of("Q000123")
    NumberedKeys(beginning='Q', n_digits=6)
    >>> form_of("site 4, third")
    """
    found = _FORM.fullmatch(key)
    return NumberedKeys(found.group(1), len(found.group(2))) if found else None


def note_numbered(engine: Engine, table: str, form: NumberedKeys | None) -> None:
    """Note in the engine how the keys of an event table are kept: as numbers of a form, or as texts."""
    engine.notes[f"numbered_{table}"] = form


def noted_form(engine: Engine, table: str) -> NumberedKeys | None:
    """Return the form of the keys of an event table that are kept as numbers; None where they are texts."""
    noted = engine.notes.get(f"numbered_{table}")
    return noted if isinstance(noted, NumberedKeys) else None
