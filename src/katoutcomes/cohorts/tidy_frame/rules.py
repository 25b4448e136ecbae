"""The rules that a tidy frame must meet; each returns what is wrong with which rows, never a value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from katoutcomes.cohorts.tidy_frame.values import number_in
from katoutcomes.errors import DataError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from katoutcomes.instruments.instrument import Instrument

ROWS_LISTED = 20
"""A message names this many rows of each problem and counts the others."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A rule that rows of a frame break.

    Attributes
    ----------
    column : str
        Name of the column.
    rule : str
        Id of the rule.
    description : str
        What the rule asks.
    rows : tuple of int
        The rows that break it, from 1; empty when it is about the column as a whole.
    """

    column: str
    rule: str
    description: str
    rows: tuple[int, ...] = ()

    def text(self) -> str:
        """Return the problem as a line of a message."""
        listed = ", ".join(str(row) for row in self.rows[:ROWS_LISTED])
        others = len(self.rows) - ROWS_LISTED
        more = f" and {others} more" if others > 0 else ""
        where = f"; rows {listed}{more}" if self.rows else ""
        return f"column {self.column!r}, rule {self.rule} ({self.description}){where}"


def require_no_problem(problems: list[Problem]) -> None:
    """Raise `DataError` with every problem in it, if there is any."""
    if problems:
        lines = "".join(f"\n  {problem.text()}" for problem in problems)
        raise DataError(f"the frame breaks {len(problems)} rule(s); rows are counted from 1:{lines}")


def broken(column: str, rule: str, description: str, is_bad: NDArray[np.bool_]) -> list[Problem]:
    """Return one problem that lists the bad rows, or none."""
    rows = tuple(int(row) for row in np.flatnonzero(is_bad) + 1)
    return [Problem(column, rule, description, rows)] if rows else []


def read_scores(column: pd.Series[Any], instrument: Instrument) -> tuple[NDArray[np.float64], list[Problem]]:
    """Return the scores of a column as numbers, NaN where there is none, and what is wrong with it."""
    values, is_text = _numbers(column)
    name = str(column.name)
    low, high = instrument.minimum, instrument.maximum
    is_outside = ~np.isnan(values) & ((values < low) | (values > high))
    problems = broken(
        name, "score_is_number", "numbers only; see pandas.to_numeric if they came as text", is_text
    ) + broken(name, "score_in_range", f"{low:g} to {high:g} on the {instrument.name}", is_outside)
    return values, problems


def _numbers(column: pd.Series[Any]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    if is_numeric_dtype(column.dtype) and not is_bool_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan), np.zeros(len(column), dtype=np.bool_)
    is_known = column.notna().to_numpy(dtype=np.bool_)
    cells = column.astype(object).to_numpy()
    is_number = np.array([_is_number(cell) for cell in cells], dtype=np.bool_)
    values = np.full(len(cells), np.nan)
    values[is_known & is_number] = [number_in(cell) for cell in cells[is_known & is_number]]
    return values, is_known & ~is_number


def _is_number(cell: object) -> bool:
    return not isinstance(cell, str) and number_in(cell) is not None


def one_row_a_visit(columns: tuple[str, str], patient: NDArray[np.int64], visit: NDArray[np.int64]) -> list[Problem]:
    """Return the rows that repeat a patient and visit of an earlier row; codes below 0 are missing."""
    import pandas as pd

    pairs = pd.DataFrame({"patient": patient, "visit": visit})
    is_repeat = pairs.duplicated().to_numpy() & (patient >= 0) & (visit >= 0)
    return broken(
        " and ".join(columns),
        "one_row_a_visit",
        "a patient has one row a visit; these rows repeat an earlier one",
        is_repeat,
    )


def one_value_a_patient(
    column: str, values: NDArray[np.float64], patient: NDArray[np.int64], n_patients: int
) -> tuple[NDArray[np.float64], list[Problem]]:
    """Return each patient's one known value, shape (n_patients,), and the rows that contradict it."""
    is_known = ~np.isnan(values) & (patient >= 0)
    of_patient = np.full(n_patients, np.nan)
    rows = np.flatnonzero(is_known)[::-1]  # written last to first, so that the first known row stays
    of_patient[patient[rows]] = values[rows]
    differs = np.zeros(len(values), dtype=np.bool_)
    differs[is_known] = values[is_known] != of_patient[patient[is_known]]
    return of_patient, broken(
        column, "one_value_a_patient", "the same on all rows of a patient; these rows differ from the first", differs
    )
