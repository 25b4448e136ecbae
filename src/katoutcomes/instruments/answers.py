"""Answers to the items of a questionnaire as arrays: read, checked against what is legal, reversed, flagged."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.errors import DataError, require_option

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from katoutcomes.instruments.instrument import Instrument

_ROWS_NAMED = 10


def read_answers(instrument: Instrument, items: ArrayLike) -> NDArray[np.float64]:
    """Return the answers as floats, NaN where there is none.

    Parameters
    ----------
    instrument : Instrument
        Number and legal answers of the items.
    items : array_like of float, shape (n, n_items)
        One row a questionnaire. NaN, and a masked value, mean "not answered".

    Raises
    ------
    DataError
        If the number of columns is not the number of items, or an answer is not a legal one of its item. The message
        names items and rows, counted from 1, and never a value.
    """
    answers = as_floats(items)
    if answers.ndim != 2 or answers.shape[1] != instrument.n_items:
        raise DataError(
            f"the items of the {instrument.name} must be a table of {instrument.n_items} columns, one row a "
            f"questionnaire; its shape is {answers.shape}."
        )
    places = []
    for number in range(1, instrument.n_items + 1):
        answer = answers[:, number - 1]
        wrong = ~np.isnan(answer) & ~np.isin(answer, instrument.legal_answers(number))
        if wrong.any():
            legal = _listed(instrument.legal_answers(number))
            places.append((legal, f"item {number} in {row_numbers(wrong)}"))
    if places:
        raise DataError(_illegal_answers(instrument, places))
    return answers


def _illegal_answers(instrument: Instrument, places: list[tuple[str, str]]) -> str:
    by_range: dict[str, list[str]] = {}
    for legal, place in places:
        by_range.setdefault(legal, []).append(place)
    sentences = [f"{legal}; it is not for {'; '.join(named)}" for legal, named in by_range.items()]
    return f"an item of the {instrument.name} is {'. Others are '.join(sentences)}."


def _listed(legal: tuple[int, ...]) -> str:
    if legal == tuple(range(legal[0], legal[-1] + 1)):
        return f"a whole number from {legal[0]} to {legal[-1]}"
    return f"{', '.join(str(answer) for answer in legal[:-1])} or {legal[-1]}"


def reverse_keyed(instrument: Instrument, answers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the answers with reverse-keyed items reversed: lowest + highest legal answer - x."""
    keyed = answers.copy()
    for number in instrument.reverse_items:
        legal = instrument.legal_answers(number)
        keyed[:, number - 1] = legal[0] + legal[-1] - answers[:, number - 1]
    return keyed


def blanks_filled(instrument: Instrument, answers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the answers with legal blanks replaced by what they stand for.

    Parameters
    ----------
    instrument : Instrument
        Its ``scoring.blanks`` say which items may be blank after which answers.
    answers : ndarray of float64, shape (n, n_items)
        As they were given, NaN where there is none.

    Examples
    --------
    >>> from katoutcomes.instruments.catalog import instrument
    >>> nan = float("nan")
    >>> blanks_filled(instrument("AUDIT"), np.array([[0, *[nan] * 7, 2, nan]])).tolist()
    [[0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 2.0, nan]]
    """
    filled = answers.copy()
    for blank in instrument.scoring.blanks:
        applies = np.ones(len(answers), dtype=np.bool_)
        for number, answer in blank.when:
            applies &= answers[:, number - 1] == answer  # NaN equals nothing
        for number in blank.items:
            filled[applies & np.isnan(answers[:, number - 1]), number - 1] = blank.counts_as
    return filled


def n_missing(instrument: Instrument, filled: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return how many answers each questionnaire lacks; of alternatives one is needed.

    Parameters
    ----------
    instrument : Instrument
        The scale.
    filled : ndarray of float64, shape (n, n_items)
        Answers after `blanks_filled`.
    """
    lacks = [
        np.isnan(filled[:, [number - 1 for number in group]]).all(axis=1)
        for group in instrument.scoring.required(instrument.n_items)
    ]
    return np.asarray(np.sum(lacks, axis=0), dtype=np.int64)


def without_omitted(instrument: Instrument, filled: NDArray[np.float64], version: str | None) -> NDArray[np.float64]:
    """Return the answers with 0 for the items that a version does not ask: what they add to the sum.

    Parameters
    ----------
    instrument : Instrument
        Its ``scoring.omissions`` say which items which version does not ask.
    filled : ndarray of float64, shape (n, n_items)
        Answers after `blanks_filled`.
    version : str or None
        The version; None is the first.

    Raises
    ------
    DataError
        If an item is answered that the version does not ask; the message names items and rows, never a value.
    OptionError
        If the scale has no such version.
    """
    if version is None:
        return filled
    require_option(f"version of the {instrument.name}", version, instrument.versions)
    kept = filled.copy()
    for number in instrument.scoring.omitted(version):
        answered = ~np.isnan(filled[:, number - 1])
        if answered.any():
            raise DataError(
                f"the version {version} of the {instrument.name} does not ask item {number}; it is answered in "
                f"{row_numbers(answered)}."
            )
        kept[:, number - 1] = 0.0
    return kept


@dataclass(frozen=True, slots=True, eq=False)
class SafetyFlags:
    """Questionnaires in which an item about suicide or self-harm is answered above its threshold.

    Attributes
    ----------
    is_flagged : ndarray of bool, shape (n,)
        At least one such item is answered with `at_least` or more.
    is_unknown : ndarray of bool, shape (n,)
        Not flagged, and at least one such item is not answered: not flagged does not mean denied.
    n_flagged, n_unknown : int
        How many rows they are.
    items : tuple of int
        The items; empty where no item of the scale asks. Then nothing is known of any row.
    at_least : int
        The threshold.
    """

    is_flagged: NDArray[np.bool_]
    is_unknown: NDArray[np.bool_]
    n_flagged: int
    n_unknown: int
    items: tuple[int, ...]
    at_least: int


def safety_flags(instrument: Instrument, items: ArrayLike) -> SafetyFlags:
    """Find the questionnaires in which an item about suicide or self-harm is endorsed.

    This is an event in the data to be counted, not an alarm: the data are de-identified and old when they arrive here,
    and nobody can be called. Where no item asks, a questionnaire says nothing about it, whatever its total.

    Parameters
    ----------
    instrument : Instrument
        Its `safety_items`, and from which answer on they count.
    items : array_like of float, shape (n, n_items)
        As in `score_items`; answers as they were given, before any reversing.

    Returns
    -------
    SafetyFlags
        Rows and counts. Small counts must pass disclosure control before they leave a clinic.

    Raises
    ------
    DataError
        As in `score_items`.

    Examples
    --------
    >>> from katoutcomes.instruments.catalog import instrument
    >>> nan = float("nan")
    >>> flags = safety_flags(instrument("PHQ-9"), [[0] * 9, [0] * 8 + [1], [3] * 8 + [nan]])
    >>> flags.is_flagged.tolist(), flags.is_unknown.tolist()
    ([False, True, False], [False, False, True])
    """
    answers = read_answers(instrument, items)
    asked = answers[:, [number - 1 for number in instrument.safety_items]]
    is_flagged = np.asarray((asked >= instrument.safety_at_least).any(axis=1))  # NaN compares as false
    is_unknown = np.asarray(~is_flagged & (np.isnan(asked).any(axis=1) | (not instrument.safety_items)))
    return SafetyFlags(
        is_flagged=is_flagged,
        is_unknown=is_unknown,
        n_flagged=int(is_flagged.sum()),
        n_unknown=int(is_unknown.sum()),
        items=instrument.safety_items,
        at_least=instrument.safety_at_least,
    )


def as_floats(values: ArrayLike) -> NDArray[np.float64]:
    """Return numbers as floats, NaN where a value is masked."""
    masked = np.ma.masked_array(values, dtype=np.float64)
    return np.asarray(masked.filled(np.nan), dtype=np.float64)


def row_numbers(wrong: NDArray[np.bool_]) -> str:
    """Return the numbers of the rows that are wrong, from 1, the first ten by number.

    Examples
    --------
    >>> import numpy as np
    >>> row_numbers(np.array([False, True, True]))
    'rows 2, 3'
    """
    rows = np.flatnonzero(wrong) + 1
    shown = ", ".join(str(row) for row in rows[:_ROWS_NAMED])
    more = f" and {rows.size - _ROWS_NAMED} more" if rows.size > _ROWS_NAMED else ""
    return f"row {shown}" if rows.size == 1 else f"rows {shown}{more}"
