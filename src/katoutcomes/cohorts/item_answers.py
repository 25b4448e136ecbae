"""Item answers as an array: one questionnaire a patient, the earliest, the latest, or the one before the first dose."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from katoutcomes.cohorts.course_variables import as_floats
from katoutcomes.errors import OptionError, require_option
from katoutcomes.estimands.visit_window import BASELINE_WINDOW
from katoutcomes.instruments.answers import blanks_filled, reverse_keyed
from katoutcomes.registry.engines.stage_texts import stage_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.registry.engines.table_engine import TableEngine
    from katoutcomes.registry.registry import Registry

_PACKAGE = "katoutcomes.cohorts"

WHICH: tuple[str, ...] = ("first", "last", "baseline")
"""Which of a patient's questionnaires is taken; the first is the default."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ItemAnswers:
    """Answers of one questionnaire a patient, every item answered.

    Attributes
    ----------
    answers : ndarray of float64, shape (n_patients, n_items)
        Reverse-keyed items already reversed; blanks that the form means are what they stand for. The rows are sorted
        by their answers, so that neither their order in the registry nor the names of the patients can change a number.
    item_numbers : tuple of int
        What the items are called: their numbers on the questionnaire, which is the whole scale's for a sub-scale.
    n_incomplete, n_without_items : int
        Questionnaires of the same days in which some of the items are not answered, and those of which only the total
        is known. They are not used.
    """

    answers: NDArray[np.float64] = field(repr=False)
    item_numbers: tuple[int, ...]
    n_incomplete: int
    n_without_items: int

    @property
    def n_patients(self) -> int:
        """Number of rows."""
        return len(self.answers)

    def __repr__(self) -> str:
        # Answers of patients must not reach a notebook or a log.
        return f"<ItemAnswers: {len(self.item_numbers)} items; not printed>"


def item_answers(
    registry: Registry, instrument: Instrument, *, which: str = "first", day_window: tuple[int, int] | None = None
) -> ItemAnswers:
    """Return the answers to a scale's items, one complete questionnaire a patient.

    Parameters
    ----------
    registry : Registry
        The checked data.
    instrument : Instrument
        A scale of one item or more. For a sub-scale the questionnaires of the whole scale are read as well; of two of
        one day the sub-scale's own comes first.
    which : {"first", "last", "baseline"}
        The earliest complete questionnaire, the latest, or the latest before the first dose.
    day_window : (int, int), optional
        First and last day on which a questionnaire counts, from the patient's index day. By default any day; for the
        baseline the fourteen days before the first dose and its day.

    Returns
    -------
    ItemAnswers
        The answers, and how many questionnaires could not be used.

    Raises
    ------
    OptionError
        If there is no such choice, the window ends before it begins, or a baseline would end after day 0.
    """
    window = _window(which, day_window)
    rows = _all_rows(registry.engine, instrument)
    counts = np.ones(len(rows.patient), dtype=np.bool_)
    if window is not None:
        counts = (rows.day >= window[0]) & (rows.day <= window[1])
    if which == "baseline":
        counts &= _is_before_first_dose(registry.engine, rows)
    n_answered = (~np.isnan(rows.answers)).sum(axis=1)
    filled = blanks_filled(instrument, rows.answers)
    complete = ~np.isnan(filled).any(axis=1)
    chosen = _one_a_patient(rows, counts & complete, is_latest=which != "first")
    keyed = reverse_keyed(instrument, filled[chosen])
    return ItemAnswers(
        answers=keyed[np.lexsort(keyed.T[::-1])],
        item_numbers=instrument.item_numbers or tuple(range(1, instrument.n_items + 1)),
        n_incomplete=int((counts & ~complete & (n_answered > 0)).sum()),
        n_without_items=int((counts & (n_answered == 0)).sum()),
    )


def _window(which: str, day_window: tuple[int, int] | None) -> tuple[int, int] | None:
    """Return the first and the last day, None where every day counts."""
    require_option("which", which, WHICH)
    if day_window is None:
        return (BASELINE_WINDOW.first_day, BASELINE_WINDOW.last_day) if which == "baseline" else None
    first_day, last_day = (int(day) for day in day_window)
    if first_day > last_day:
        raise OptionError("day_window must be (first day, last day), the first not after the last.")
    if which == "baseline" and last_day > 0:
        raise OptionError(
            'which="baseline" needs a day_window that ends on day 0, the day of the first dose, or before.'
        )
    return first_day, last_day


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class _Rows:
    """Questionnaires: patient, day and minute, the answers to the items that are asked for, and from which scale."""

    patient: NDArray[np.int64]
    day: NDArray[np.int64]
    minute: NDArray[np.float64]
    answers: NDArray[np.float64]
    source: NDArray[np.int64]


def _rows(engine: TableEngine, scale_id: str, item_numbers: tuple[int, ...], source: int) -> _Rows:
    columns = engine.fetch(stage_text(_PACKAGE, "23_item_rows", instrument=scale_id))
    patient = _whole(columns["patient"])
    unknown = np.full(len(patient), np.nan)
    cells = (columns.get(f"item_{number}") for number in item_numbers)
    return _Rows(
        patient=patient,
        day=_whole(columns["day"]),
        minute=as_floats(columns["minute"]),
        answers=np.column_stack([unknown if cell is None else as_floats(cell) for cell in cells]),
        source=np.full(len(patient), source, dtype=np.int64),
    )


def _whole(column: NDArray[Any]) -> NDArray[np.int64]:
    whole: NDArray[np.int64] = np.ma.getdata(column).astype(np.int64)
    return whole


def _all_rows(engine: TableEngine, instrument: Instrument) -> _Rows:
    """Return the rows of a scale and, under them, those of the whole scale that it is a part of."""
    own = _rows(engine, instrument.id, tuple(range(1, instrument.n_items + 1)), source=0)
    if not (instrument.subscale_of and instrument.item_numbers):
        return own
    whole = _rows(engine, instrument.subscale_of, instrument.item_numbers, source=1)
    return _Rows(
        *(np.concatenate([getattr(own, column.name), getattr(whole, column.name)]) for column in fields(_Rows))
    )


def _is_before_first_dose(engine: TableEngine, rows: _Rows) -> NDArray[np.bool_]:
    """Return which rows come before the first dose; one of its day does unless both times are known and it is later."""
    doses = engine.fetch(stage_text(_PACKAGE, "31_first_dose_minutes"))
    dosed = _whole(doses["patient"])
    first_minute = dict(zip(dosed.tolist(), as_floats(doses["minute"]).tolist(), strict=True))
    of_dose = np.array([first_minute.get(patient, np.nan) for patient in rows.patient.tolist()], dtype=np.float64)
    is_later = (rows.day > 0) | ((rows.day == 0) & (rows.minute > of_dose))  # an unknown minute compares as false
    return np.asarray(np.isin(rows.patient, dosed) & ~is_later, dtype=np.bool_)


def _one_a_patient(rows: _Rows, usable: NDArray[np.bool_], *, is_latest: bool) -> NDArray[np.intp]:
    """Return the position of each patient's earliest or latest usable row."""
    positions = np.flatnonzero(usable)
    in_time = -rows.day[positions] if is_latest else rows.day[positions]
    ordered = positions[np.lexsort((rows.source[positions], in_time, rows.patient[positions]))]
    _, first = np.unique(rows.patient[ordered], return_index=True)
    return ordered[first]
