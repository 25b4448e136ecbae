"""A column of a frame as a variable: numbers, flags or levels."""

from __future__ import annotations

import math
import numbers
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

_SPELLED_NUMBER = re.compile(r"[+-]?(([0-9]+[.]?[0-9]*|[.][0-9]+)(e[+-]?[0-9]+)?|inf(inity)?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class CodedColumn:
    """A column of a frame as floats.

    Attributes
    ----------
    kind : {"number", "category", "flag"}
        As in `Variable`.
    values : ndarray of float64, shape (n_rows,)
        Numbers, 0 and 1, or positions in `levels`; NaN where the cell is missing.
    levels : tuple of str
        Names of the levels that occur, in order; empty for numbers and flags.
    is_read_text : bool
        Whether the numbers came as text.
    """

    kind: str
    values: NDArray[np.float64]
    levels: tuple[str, ...] = ()
    is_read_text: bool = False


def code_covariate(column: pd.Series[Any]) -> CodedColumn | None:
    """Return a column as a number, a flag (bool, or 0 and 1 only) or a category; None for dates and the like.

    Text that spells nothing but numbers is read as numbers; a categorical stays a category.
    """
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if _is_category(column):
        return code_treatment(column)
    if is_bool_dtype(column.dtype) or is_numeric_dtype(column.dtype):
        return code_numbers(column.to_numpy(dtype=np.float64, na_value=np.nan))
    codes, labels = _labels(column)
    spelled = [math.nan if _is_blank(label) else number_in(label) for label in labels]
    if not any(not _is_blank(label) for label in labels) or None in spelled:
        return code_treatment(column)
    coded = code_numbers(np.array([*spelled, math.nan], dtype=np.float64)[codes])
    return CodedColumn(coded.kind, coded.values, coded.levels, any(isinstance(label, str) for label in labels))


def code_numbers(values: NDArray[np.float64], unit: str = "", *, can_be_flag: bool = True) -> CodedColumn:
    """Return numbers as a flag (0 and 1 only), a category (two other values) or a number.

    The mean of a variable that has but two values gives away how many patients have each, so these are counted, where
    small counts can be hidden.

    Examples
    --------
    >>> code_numbers(np.array([50.0, 100.0, np.nan]), "mg").levels
    ('50 mg', '100 mg')
    """
    if can_be_flag and is_flag(values):
        return CodedColumn("flag", values)
    known = values[~np.isnan(values)]
    low, high = (known.min(), known.max()) if known.size else (0.0, 0.0)
    if low == high or not ((known == low) | (known == high)).all():
        return CodedColumn("number", values)
    codes = np.where(np.isnan(values), np.nan, (values == high).astype(np.float64))
    return CodedColumn("category", codes, tuple(f"{level_name(value)} {unit}".strip() for value in (low, high)))


def number_in(cell: object) -> float | None:
    """Return the number that a cell holds or spells, infinite if it is too large; None for bool and anything else.

    Examples
    --------
    >>> number_in(" 41 "), number_in(Decimal("0.5")), number_in(10**400), number_in("4a"), number_in(True)
    (41.0, 0.5, inf, None, None)
    """
    if isinstance(cell, str):
        text = cell.strip()
        return float(text) if _SPELLED_NUMBER.fullmatch(text) else None
    if isinstance(cell, (bool, np.bool_)) or not isinstance(cell, (numbers.Real, Decimal)):
        return None
    try:
        return float(cell)
    except OverflowError:
        return math.inf


def is_infinite(column: pd.Series[Any]) -> NDArray[np.bool_]:
    """Return which rows hold, or spell in a column of numbers, one that is infinite or too large to be read."""
    codes, labels = _labels(column)
    found = [number_in(label) for label in labels]
    holds_words = any(number is None and not _is_blank(label) for number, label in zip(found, labels, strict=True))
    bad = [
        number is not None and math.isinf(number) and not (holds_words and isinstance(label, str))
        for number, label in zip(found, labels, strict=True)
    ]
    return np.array([*bad, False])[codes]


def _labels(column: pd.Series[Any]) -> tuple[NDArray[np.int64], list[Any]]:
    """Return the code of each row (-1 where the cell is missing) and what the codes stand for."""
    import pandas as pd

    codes, labels = pd.factorize(column)
    return codes, list(labels)


def _is_blank(label: object) -> bool:
    return isinstance(label, str) and not label.strip()


def is_flag(values: NDArray[np.float64]) -> bool:
    """Return whether the known values are only 0 and 1 (and there is one)."""
    known = values[~np.isnan(values)]
    return known.size > 0 and bool(np.isin(known, (0.0, 1.0)).all())


def code_treatment(column: pd.Series[Any]) -> CodedColumn | None:
    """Return a column as a category; None for dates and the like.

    A categorical keeps the order of its categories; numbers are in ascending order, bool is "no" and "yes", text is
    sorted. Levels that do not occur are left out; text without a character is no level but an unknown value.
    """
    codes, labels = _labels(column)
    if any(not isinstance(label, (str, int, float, np.number, np.bool_)) for label in labels):
        return None
    known = [label for label in labels if not _is_blank(label)]
    if _is_category(column):
        ordered = [label for label in column.cat.categories if label in set(known)]
    elif all(isinstance(label, str) for label in known):
        ordered = sorted(known)
    else:
        ordered = sorted(known, key=lambda label: (isinstance(label, str), label))
    place = {label: float(position) for position, label in enumerate(ordered)}
    # A missing cell has code -1: the last entry.
    of_label = np.array([*(place.get(label, np.nan) for label in labels), np.nan])
    return CodedColumn("category", of_label[codes], tuple(level_name(label) for label in ordered))


def with_first_level(coded: CodedColumn, level: str) -> CodedColumn:
    """Return the same category with `level` in front of the others, whose order stays."""
    levels = (level, *(other for other in coded.levels if other != level))
    place = np.array([*(float(levels.index(other)) for other in coded.levels), np.nan])
    codes = np.where(np.isnan(coded.values), len(coded.levels), coded.values).astype(np.int64)
    return CodedColumn(coded.kind, place[codes], levels)


def level_name(label: Any) -> str:
    """Return how a level is called: text as it is, numbers without a trailing ".0", bool as "no" and "yes".

    Examples
    --------
    >>> level_name("TAU"), level_name(2.0), level_name(2.5), level_name(True)
    ('TAU', '2', '2.5', 'yes')
    """
    if isinstance(label, str):
        return label
    if isinstance(label, (bool, np.bool_)):
        return "yes" if label else "no"
    if isinstance(label, int):
        return str(label)
    number = float(label)
    return str(int(number)) if number.is_integer() else str(number)


def _is_category(column: pd.Series[Any]) -> bool:
    import pandas as pd

    return isinstance(column.dtype, pd.CategoricalDtype)
