"""One table of a TOML file, read key by key: every problem is noted with its place, and all are raised together."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from katoutcomes.errors import DataError


def parse_toml(text: str, file_name: str) -> dict[str, Any]:
    """Return the TOML document as dictionaries and lists.

    Parameters
    ----------
    text : str
        The document.
    file_name : str
        How an error names it.

    Raises
    ------
    DataError
        If the text is not TOML; the message names the file, the line and the column.

    Examples
    --------
    >>> parse_toml("id = 'phq9'", "phq9.toml")
    {'id': 'phq9'}
    >>> parse_toml("id = ", "phq9.toml")
    Traceback (most recent call last):
    ...
    katoutcomes.errors.DataError: phq9.toml is not readable as TOML: ...
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{file_name} is not readable as TOML: {error}.") from error


def raise_problems(file_name: str, problems: Sequence[str]) -> None:
    """Raise one `DataError` that lists every problem of a file; do nothing if there is none."""
    if problems:
        counted = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        listed = "\n".join(f"- {problem}" for problem in problems)
        raise DataError(f"{file_name} has {counted}:\n{listed}")


class TomlTable:
    """A table that is asked for its keys one by one.

    A key that is missing or of the wrong type is noted in `problems` and answered with a placeholder of the right type,
    so that reading goes on and every problem of a file is known before any is raised. Whoever builds on several values
    asks `is_sound` first.

    Parameters
    ----------
    values : mapping
        What `tomllib` made of the table.
    place : str
        Where the table stands, for example ``"definition_set 2"``; ``""`` for the top of the file.
    problems : list of str
        Shared by all the tables of a file.
    parent : TomlTable, optional
        The table in which it stands.
    """

    def __init__(
        self, values: Mapping[str, Any], place: str, problems: list[str], parent: TomlTable | None = None
    ) -> None:
        self.place = place
        self.problems = problems
        self._values = values
        self._asked: dict[str, None] = {}
        self._parent = parent
        self._is_sound = True

    def is_sound(self) -> bool:
        """Whether nothing has been noted of this table or of one inside it."""
        return self._is_sound

    def has(self, key: str) -> bool:
        """Whether the key is given."""
        return key in self._values

    def holds_list(self, key: str) -> bool:
        """Whether the key is given and holds a list."""
        return isinstance(self._values.get(key), list)

    def names(self) -> tuple[str, ...]:
        """Return the keys that are given, in the order of the file."""
        return tuple(self._values)

    def note(self, key: str, problem: str) -> None:
        """Note a problem of one key."""
        where = f"{self.place}, {key}" if self.place else key
        self.problems.append(f"{where}: {problem}")
        self.mark_unsound()

    def mark_unsound(self) -> None:
        """Say of this table, and of those in which it stands, that something is wrong."""
        self._is_sound = False
        if self._parent is not None:
            self._parent.mark_unsound()

    def text(self, key: str, *, may_be_empty: bool = False, default: str | None = None) -> str:
        """Return a text, which is not empty unless it may be; `default`, if there is one, where the key is missing."""
        value = self._take(key, is_required=default is None)
        if value is None:
            return default or ""
        if not isinstance(value, str) or not (value.strip() or may_be_empty):
            self.note(key, "must be a text." if may_be_empty else "must be a text that is not empty.")
            return ""
        return value

    def choice(self, key: str, allowed: Iterable[str], *, default: str | None = None) -> str:
        """Return a text that is one of `allowed`."""
        value = self.text(key, default=default)
        choices = tuple(allowed)
        if value and value not in choices:
            self.note(key, f"must be one of {', '.join(map(repr, choices))}.")
        return value

    def whole(self, key: str, *, default: int | None = None) -> int:
        """Return a whole number."""
        value = self._take(key, is_required=default is None)
        if value is None:
            return default or 0
        if not _is_whole(value):
            self.note(key, "must be a whole number.")
            return 0
        return int(value)

    def number(self, key: str, *, default: float | None = None) -> float:
        """Return a finite number, NaN where there is none."""
        value = self._take(key, is_required=default is None)
        if value is None:
            return math.nan if default is None else default
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.note(key, "must be a finite number.")
            return math.nan
        return float(value)

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._take(key, is_required=False)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.note(key, "must be true or false.")
            return default
        return value

    def texts(self, key: str, *, may_be_empty: bool = False, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """Return a list of texts without repeats; it may be empty, and so may its texts, if they may be."""
        values = self._list(key, is_required=default is None)
        if values is None:
            return default or ()
        if not all(isinstance(value, str) and (value.strip() or (may_be_empty and not value)) for value in values):
            self.note(
                key, "must be a list of texts." if may_be_empty else "must be a list of texts that are not empty."
            )
            return ()
        self._refuse_repeats(key, [value for value in values if value])
        return tuple(values)

    def wholes(self, key: str, *, default: tuple[int, ...] | None = None) -> tuple[int, ...]:
        """Return a list of whole numbers without repeats; the list may be empty."""
        values = self._list(key, is_required=default is None)
        if values is None:
            return default or ()
        if not all(_is_whole(value) for value in values):
            self.note(key, "must be a list of whole numbers.")
            return ()
        self._refuse_repeats(key, values)
        return tuple(values)

    def lists_of_wholes(self, key: str) -> tuple[tuple[int, ...], ...]:
        """Return a list of lists of whole numbers, empty where the key is missing."""
        values = self._list(key, is_required=False) or []
        if not all(isinstance(value, list) and value and all(_is_whole(entry) for entry in value) for value in values):
            self.note(key, "must be a list of lists of whole numbers, none of them empty.")
            return ()
        return tuple(tuple(value) for value in values)

    def wholes_by_name(self, key: str) -> tuple[tuple[str, int], ...]:
        """Return the names and whole numbers of a table, in the order of the file; empty where the key is missing."""
        values = self._take(key, is_required=False)
        if values is None:
            return ()
        if not isinstance(values, dict) or not all(_is_whole(value) for value in values.values()):
            self.note(key, "must be a table of whole numbers.")
            return ()
        return tuple(values.items())

    def table(self, key: str, *, is_required: bool = True) -> TomlTable:
        """Return the table under a key; an empty one where it is missing and need not be there."""
        value = self._take(key, is_required=is_required)
        if value is None and not is_required:
            value = {}
        if value is not None and not isinstance(value, dict):
            self.note(key, "must be a table.")
            value = None
        # A table that is not there is noted once; asking it for its keys goes to a list that nobody reads.
        place = self._inside(key)
        return TomlTable(value, place, self.problems, self) if value is not None else _absent(place)

    def tables(self, key: str) -> tuple[TomlTable, ...]:
        """Return the tables of an array of tables, of which there may be none."""
        values = self._take(key, is_required=False)
        if values is None:
            return ()
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            self.note(key, "must be an array of tables.")
            return ()
        place = self._inside(key)
        return tuple(
            TomlTable(value, f"{place} {number}", self.problems, self) for number, value in enumerate(values, start=1)
        )

    def finish(self) -> None:
        """Note every key that nobody asked for."""
        for key in self._values:
            if key not in self._asked:
                self.note(key, f"is not a key of the format; the keys here are {', '.join(self._asked)}.")

    def _inside(self, key: str) -> str:
        return f"{self.place}, {key}" if self.place else key

    def _take(self, key: str, *, is_required: bool = True) -> Any:
        self._asked[key] = None
        if key not in self._values and is_required:
            self.note(key, "is missing.")
        return self._values.get(key)

    def _list(self, key: str, *, is_required: bool) -> list[Any] | None:
        values = self._take(key, is_required=is_required)
        if values is None:
            return None
        if not isinstance(values, list):
            self.note(key, "must be a list.")
            return []
        return values

    def _refuse_repeats(self, key: str, values: Sequence[object]) -> None:
        if len(set(values)) < len(values):
            self.note(key, "names something twice.")


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _absent(place: str) -> TomlTable:
    absent = TomlTable({}, place, [])
    absent.note("", "is missing.")  # never sound
    return absent
