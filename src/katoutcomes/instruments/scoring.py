"""From items to a total, and from a total to a severity band. Nothing is pro-rated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.errors import DataError
from katoutcomes.instruments.instrument import Instrument

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

_ROWS_NAMED = 10


@dataclass(frozen=True, slots=True, eq=False)
class ScoredItems:
    """Totals with the count of what could not be scored.

    Attributes
    ----------
    totals : ndarray of float64, shape (n,)
        Sum of the items after reversing; NaN where an item is not answered.
    n_items_answered : ndarray of int64, shape (n,)
        How many items of each row are answered.
    n_complete, n_incomplete : int
        Rows with every item answered, and the others.
    """

    totals: NDArray[np.float64]
    n_items_answered: NDArray[np.int64]
    n_complete: int
    n_incomplete: int


@dataclass(frozen=True, slots=True, eq=False)
class BandedScores:
    """Severity bands of scores.

    Attributes
    ----------
    labels : tuple of str
        Bands from least to most severe.
    codes : ndarray of int64, shape (n,)
        Position in `labels`; -1 where the score is not known.
    definition_set : str
        Id of the cited definition that was used.
    """

    labels: tuple[str, ...]
    codes: NDArray[np.int64]
    definition_set: str


def score_items(instrument: Instrument, items: ArrayLike) -> ScoredItems:
    """Add the items of a questionnaire to its total.

    Reverse-keyed items x become minimum + maximum - x of an item first. A total needs every item: the mean of the
    answered items stands in for nothing, because a total of eight items out of nine looks like a low score.

    Parameters
    ----------
    instrument : Instrument
        Number, range and reverse keys of the items.
    items : array_like of float, shape (n, n_items)
        One row a questionnaire, the items in their printed order. NaN, and a masked value, mean "not answered".

    Returns
    -------
    ScoredItems
        Totals, NaN where an item is missing, and the number of complete and incomplete rows.

    Raises
    ------
    DataError
        If the number of columns is not the number of items, or an answer is not a whole number in the range of an
        item. The message names items and rows, counted from 1, and never a value.

    Examples
    --------
    >>> from katoutcomes.instruments.catalog import instrument
    >>> nan = float("nan")
    >>> scored = score_items(instrument("GAD-7"), [[1, 2, 3, 0, 1, 2, 3], [1, 2, nan, 0, 1, 2, 3]])
    >>> scored.totals.tolist(), scored.n_items_answered.tolist(), scored.n_incomplete
    ([12.0, nan], [7, 6], 1)
    """
    answers = _as_floats(items)
    if answers.ndim != 2 or answers.shape[1] != instrument.n_items:
        raise DataError(
            f"the items of the {instrument.name} must be a table of {instrument.n_items} columns, one row a "
            f"questionnaire; its shape is {answers.shape}."
        )
    answered = ~np.isnan(answers)
    _require_legal_answers(instrument, answers, answered)
    reverse = [number - 1 for number in instrument.reverse_items]
    keyed = answers.copy()
    keyed[:, reverse] = instrument.item_minimum + instrument.item_maximum - answers[:, reverse]
    complete = answered.all(axis=1)
    return ScoredItems(
        totals=np.where(complete, keyed.sum(axis=1), np.nan),
        n_items_answered=answered.sum(axis=1).astype(np.int64),
        n_complete=int(complete.sum()),
        n_incomplete=int((~complete).sum()),
    )


def severity_band(instrument: Instrument, scores: ArrayLike, name: str | None = None) -> BandedScores:
    """Return the severity band of each score.

    Parameters
    ----------
    instrument : Instrument
        The scale and its cited bands.
    scores : array_like of float, shape (n,)
        Totals; NaN and masked values mean "not known".
    name : str, optional
        Id of the bands, with or without the instrument's id; the default bands where none is named.

    Returns
    -------
    BandedScores
        Labels and codes.

    Raises
    ------
    DataError
        If a score is not a whole number in the range of the scale; the message names rows, never a value.
    OptionError
        If the instrument has no such bands, or no default ones.

    Examples
    --------
    >>> from katoutcomes.instruments.catalog import instrument
    >>> banded = severity_band(instrument("HAM-A"), [7, 8, float("nan"), 24])
    >>> [banded.labels[code] if code >= 0 else "not known" for code in banded.codes]
    ['none or minimal', 'mild', 'not known', 'severe']
    """
    definition = instrument.definition("bands", name)
    totals = _as_floats(scores)
    if totals.ndim != 1:
        raise DataError(f"the scores must be one column of numbers; their shape is {totals.shape}.")
    known = ~np.isnan(totals)
    wrong = known & ~_is_whole_within(totals, instrument.minimum, instrument.maximum)
    if wrong.any():
        raise DataError(
            f"a total of the {instrument.name} is a whole number from {instrument.minimum} to {instrument.maximum}; "
            f"it is not in {_row_numbers(wrong)}."
        )
    codes = np.full(totals.shape, -1, dtype=np.int64)
    for code, band in enumerate(definition.bands):
        codes[known & (totals >= band.low) & (totals <= band.high)] = code
    return BandedScores(tuple(band.label for band in definition.bands), codes, definition.id)


def _as_floats(values: ArrayLike) -> NDArray[np.float64]:
    masked = np.ma.masked_array(values, dtype=np.float64)
    return np.asarray(masked.filled(np.nan), dtype=np.float64)


def _is_whole_within(values: NDArray[np.float64], minimum: float, maximum: float) -> NDArray[np.bool_]:
    return np.asarray((values >= minimum) & (values <= maximum) & (values == np.floor(values)))


def _require_legal_answers(instrument: Instrument, answers: NDArray[np.float64], answered: NDArray[np.bool_]) -> None:
    wrong = answered & ~_is_whole_within(answers, instrument.item_minimum, instrument.item_maximum)
    if not wrong.any():
        return
    places = "; ".join(
        f"item {item + 1} in {_row_numbers(wrong[:, item])}" for item in np.flatnonzero(wrong.any(axis=0))
    )
    raise DataError(
        f"an item of the {instrument.name} is a whole number from {instrument.item_minimum} to "
        f"{instrument.item_maximum}; it is not for {places}."
    )


def _row_numbers(wrong: NDArray[np.bool_]) -> str:
    rows = np.flatnonzero(wrong) + 1
    shown = ", ".join(str(row) for row in rows[:_ROWS_NAMED])
    more = f" and {rows.size - _ROWS_NAMED} more" if rows.size > _ROWS_NAMED else ""
    return f"row {shown}" if rows.size == 1 else f"rows {shown}{more}"
