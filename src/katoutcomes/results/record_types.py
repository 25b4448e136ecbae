"""Whether the fields of a record that was read from a file hold what they are declared to hold."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from types import MappingProxyType
from typing import Any


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_cell(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float | bool)


def _all(fits: Callable[[Any], bool], length: int | None = None) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, tuple) and all(map(fits, value)) and length in {None, len(value)}


_FITS: Mapping[str, Callable[[Any], bool]] = MappingProxyType(
    {
        "str": _is_text,
        "bool": lambda value: isinstance(value, bool),
        "float": lambda value: isinstance(value, float),
        "int": _is_whole,
        "int | None": lambda value: value is None or _is_whole(value),
        "tuple[str, ...]": _all(_is_text),
        "tuple[tuple[str, str], ...]": _all(_all(_is_text, 2)),
        "tuple[tuple[int, int], ...]": _all(_all(_is_whole, 2)),
        "tuple[tuple[Cell, ...], ...]": _all(_all(_is_cell)),
    }
)
"""Declared type → whether a value is of it. Records inside a record are looked into; all other types pass."""


def wrong_field(record: Any, name: str = "") -> str | None:
    """Return the name of a field that does not hold what it is declared to hold, None if all of them do.

    Examples
    --------
    >>> from katoutcomes.results.check import Check
    >>> wrong_field(Check("patients", True, "caution", 40.0, 30.0, "Enough."))
    >>> wrong_field(Check("patients", True, "caution", 40.0, 30.0, 7))
    'message'
    """
    for field in fields(record):
        value, place, fits = getattr(record, field.name), f"{name}{field.name}", _FITS.get(str(field.type))
        if fits is not None and not fits(value):
            return place
        inner = () if fits is not None else value if isinstance(value, tuple) else (value,)
        for one in inner:
            found = wrong_field(one, f"{place}.") if is_dataclass(one) else None
            if found is not None:
                return found
    return None
