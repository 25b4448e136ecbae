"""Which visits a tidy frame holds, in what order, and how they are called."""

from __future__ import annotations

import math
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from katoutcomes.cohorts.tidy_frame.values import level_name, number_in
from katoutcomes.errors import OptionError
from katoutcomes.estimands.visit_window import VisitWindow, in_order_of_time, require_separate

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

NO_VISIT = -1
"""Code of a row whose visit is missing or cannot be a label."""


@dataclass(frozen=True, slots=True, eq=False)
class VisitColumn:
    """The visit column of a frame, a code a row.

    Attributes
    ----------
    codes : ndarray of int64, shape (n_rows,)
        Position in `names`; `NO_VISIT` where the cell is missing or is neither text nor a number.
    names : tuple of str
        How the labels are called.
    days : tuple of float, or None
        What puts the labels in order: the number that a label is, or its place in an ordered categorical. None where
        the labels are text.
    """

    codes: NDArray[np.int64]
    names: tuple[str, ...]
    days: tuple[float, ...] | None


@dataclass(frozen=True, slots=True)
class VisitChoice:
    """The visits after baseline, and what has to be said about the choice.

    Attributes
    ----------
    windows : tuple of VisitWindow
        In order of time.
    notes : tuple of str
        Sentences for `AnalysisSet.notes`.
    """

    windows: tuple[VisitWindow, ...]
    notes: tuple[str, ...]


def visit_name(label: object) -> str | None:
    """Return how a label is called: text as it is, a number n as ``"visit n"``, None for anything else.

    Examples
    --------
    >>> visit_name("week 4"), visit_name(2.0), visit_name(True)
    ('week 4', 'visit 2', None)
    """
    if isinstance(label, str):
        return label
    number = number_in(label)
    if number is None or not isinstance(label, numbers.Real) or not math.isfinite(number):
        return None
    return f"visit {level_name(label)}"


def read_visit_column(column: pd.Series[Any]) -> VisitColumn:
    """Return the codes, names and order of a visit column."""
    import pandas as pd

    codes, labels = pd.factorize(column)
    found = [visit_name(label) for label in labels]
    names = tuple(dict.fromkeys(name for name in found if name is not None))
    position = [NO_VISIT if name is None else names.index(name) for name in found]
    recoded = np.array([*position, NO_VISIT], dtype=np.int64)[codes]  # a missing cell has code -1: the last entry
    return VisitColumn(recoded, names, _days(column, labels, names))


def _days(column: pd.Series[Any], labels: Any, names: tuple[str, ...]) -> tuple[float, ...] | None:
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        if not column.dtype.ordered:
            return None
        places = {visit_name(label): float(place) for place, label in enumerate(column.dtype.categories, start=1)}
        return tuple(places[name] for name in names)
    if len(labels) > len(names) or any(isinstance(label, str) for label in labels):
        return None
    return tuple(float(label) for label in labels)


def choose_visits(
    column: VisitColumn,
    has_score: NDArray[np.bool_],
    baseline_name: str | None,
    visits: Mapping[Any, int] | Sequence[VisitWindow] | None,
) -> VisitChoice:
    """Return the visits after baseline.

    Parameters
    ----------
    column : VisitColumn
        The labels of the rows.
    has_score : ndarray of bool, shape (n_rows,)
        Rows without a score decide nothing, so that a row without a score and a missing row are the same.
    baseline_name : str or None
        The label of the baseline, where the baseline is a visit.
    visits : mapping, sequence of VisitWindow, or None
        What the caller named.

    Raises
    ------
    OptionError
        If the visits cannot be put in order, or a named one is probably misspelled.
    """
    scored = {column.names[code] for code in np.unique(column.codes[has_score]) if code != NO_VISIT}
    scored.discard(baseline_name or "")
    if visits is None:
        return _in_their_own_order(column, scored, baseline_name)
    windows = _named(visits)
    names = {window.name for window in windows}
    if baseline_name in names:
        raise OptionError("visits= names the baseline visit as well; name only those after it.")
    if names - scored and scored - names:
        raise OptionError(
            f"visits= names {len(names - scored)} visits that no row with a score has, while {len(scored - names)} "
            f"labels of the visit column are not named; check the spelling of {', '.join(sorted(names - scored))} "
            '(a number n in the column is called "visit n").'
        )
    left_out = "Rows at visits other than those named were left out."
    return VisitChoice(windows, (left_out,) if scored - names else ())


def _named(visits: Mapping[Any, int] | Sequence[VisitWindow]) -> tuple[VisitWindow, ...]:
    windows = []
    for entry in visits.items() if isinstance(visits, Mapping) else visits:
        window = entry if isinstance(entry, VisitWindow) else _window(*entry)
        if window.first_day < 1 and not window.is_anchored_later:
            raise OptionError(f"visit {window.name!r} must begin after time zero, on day 1 or later.")
        windows.append(window)
    require_separate(windows)
    return in_order_of_time(windows)


def _window(label: object, day: Any) -> VisitWindow:
    name = visit_name(label)
    number = None if isinstance(day, str) else number_in(day)
    if name is None or number is None or not number.is_integer():
        raise OptionError("visits= maps labels of the visit column to whole days, or is a sequence of VisitWindow.")
    return VisitWindow(name, int(day), int(day), int(day))


def _in_their_own_order(column: VisitColumn, scored: set[str], baseline_name: str | None) -> VisitChoice:
    if column.days is None:
        raise OptionError(
            "the labels of the visit column are text, which has no order; name the visits and their days, "
            'for example visits={"week 4": 28, "week 12": 84}.'
        )
    day_of = dict(zip(column.names, column.days, strict=True))
    start = day_of.get(baseline_name or "", 0.0)
    days = sorted((day_of[name], name) for name in scored)
    if not days:
        raise OptionError("no visit after baseline has a score; name the visits with visits= if that is meant.")
    if any(day <= max(start, 0.0) or not day.is_integer() for day, _ in days):
        raise OptionError(
            "without visits=, the numbers of the visit column must be whole and come after the baseline's (or after "
            "0); name the visits and their days with visits=."
        )
    windows = tuple(VisitWindow(name, int(day), int(day), int(day)) for day, name in days)
    return VisitChoice(windows, ("No days were named for the visits, so their numbers or order stand for days.",))
