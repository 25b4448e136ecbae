"""A column of a frame as a variable: numbers, flags or levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray


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
    """

    kind: str
    values: NDArray[np.float64]
    levels: tuple[str, ...] = ()


def code_covariate(column: pd.Series[Any]) -> CodedColumn | None:
    """Return a column as a number, a flag (bool, or 0 and 1 only) or a category; None for dates and the like."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if not _is_category(column) and (is_bool_dtype(column.dtype) or is_numeric_dtype(column.dtype)):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return CodedColumn("flag" if is_flag(values) else "number", values)
    return code_treatment(column)


def is_flag(values: NDArray[np.float64]) -> bool:
    """Return whether the known values are only 0 and 1 (and there is one)."""
    known = values[~np.isnan(values)]
    return known.size > 0 and bool(np.isin(known, (0.0, 1.0)).all())


def code_treatment(column: pd.Series[Any]) -> CodedColumn | None:
    """Return a column as a category; None for dates and the like.

    A categorical keeps the order of its categories; numbers are in ascending order, bool is "no" and "yes", text is
    sorted. Levels that do not occur are left out.
    """
    import pandas as pd

    codes, labels = pd.factorize(column)
    if any(not isinstance(label, (str, int, float, np.number, np.bool_)) for label in labels):
        return None
    if _is_category(column):
        ordered = [label for label in column.cat.categories if label in set(labels)]
    elif all(isinstance(label, str) for label in labels):
        ordered = sorted(labels)
    else:
        ordered = sorted(labels, key=lambda label: (isinstance(label, str), label))
    place = {label: float(position) for position, label in enumerate(ordered)}
    of_label = np.array([*(place[label] for label in labels), np.nan])  # a missing cell has code -1: the last entry
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
    number = float(label)
    return str(int(number)) if number.is_integer() else str(number)


def _is_category(column: pd.Series[Any]) -> bool:
    import pandas as pd

    return isinstance(column.dtype, pd.CategoricalDtype)
