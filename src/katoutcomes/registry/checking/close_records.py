"""Records that lie close together in time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.registry.checking.repeated_rows import materialize_repeated
from katoutcomes.registry.tables import WIDEST_SPAN_DAYS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.registry.engines.engine import Engine

_DAY_BITS = 15
"""Days lie within `WIDEST_SPAN_DAYS` on either side of the index day, which is less than half of 2**15."""
_KEY_BITS = 63
_BLOCK = 500_000
"""Sorted records that are looked at together, so few that they stay close to the processor."""
_WIDEST_DAYS = 2**17
"""Where days of scores that are not judged yet reach further, those of one day are found by hashes."""
_MOST_KEPT = 32_000_000
"""Of more scores the sorted numbers are not kept for later, which would take more than 256 MB."""


def materialize_crowded_days(engine: Engine) -> None:
    """Make the table ``crowded_days`` (patient, day) of the days with more than one dosing session of a patient.

    Patient and day become one whole number, and the numbers are sorted: a fraction of the work of grouping the rows.

    Parameters
    ----------
    engine : Engine
        Holds the accepted sessions.
    """
    import numpy as np

    doses = engine.fetch_numbers("select patient, day from sessions where kind = 'dosing'")
    keys = (np.asarray(doses["patient"]).astype(np.int64) << _DAY_BITS) + doses["day"] + WIDEST_SPAN_DAYS
    keys.sort()
    crowded = np.unique(keys[1:][keys[1:] == keys[:-1]])
    day = (crowded & (2**_DAY_BITS - 1)) - WIDEST_SPAN_DAYS
    engine.materialize_arrays("crowded_days", {"patient": crowded >> _DAY_BITS, "day": day})


@dataclass(frozen=True, slots=True)
class _Layout:
    """How instrument, day and record of a score become digits of one whole number, after the patient's.

    Attributes
    ----------
    n_codes : int
        How many instruments there are.
    first_day : int
        The first day that occurs.
    day_bits, record_bits : int
        Bits of a day, with as many more days as are ever compared, and of a record.
    """

    n_codes: int
    first_day: int
    day_bits: int
    record_bits: int


@dataclass(frozen=True, slots=True, eq=False)
class SortedScores:
    """Scores by patient, instrument and day, each as one whole number.

    Attributes
    ----------
    layout : _Layout
        How they are written.
    parts : tuple of ndarray of int64
        The numbers of some patients each, in order.
    """

    layout: _Layout
    parts: tuple[NDArray[np.int64], ...]


def materialize_scores_of_one_day(engine: Engine, recall_days: Mapping[int, int]) -> SortedScores | None:
    """Make the table ``repeated_values`` of the scores of one patient, instrument and day, which are not judged yet.

    Parameters
    ----------
    engine : Engine
        Holds ``sound_scores``.
    recall_days : mapping of int to int
        For the code of each instrument on how many days it looks back; 0 where it does not.

    Returns
    -------
    SortedScores or None
        All scores in order, for `materialize_close_scores`; None where there are too many, or days without any order.
    """
    import numpy as np

    slot = ("patient", "scale", "day_number")
    asked = "count(*) as n, coalesce(min(day_number), 0) as low, coalesce(max(day_number), 0) as high"
    found = {name: int(cell[0]) for name, cell in engine.fetch(f"select {asked} from sound_scores").items()}
    if found["high"] - found["low"] > _WIDEST_DAYS:
        materialize_repeated(engine, "repeated_values", "sound_scores", slot, "input_row")
        return None
    layout = _layout(engine, "sound_scores", (found["low"], found["high"]), recall_days)
    kept: list[NDArray[np.int64]] = []
    alike = [np.zeros(0, dtype=np.int64)]
    for keys in _sorted_parts(engine, "sound_scores", layout):
        for block in _blocks(keys):
            is_same = np.diff(block >> layout.record_bits) == 0
            alike += [block[1:][is_same], block[:-1][is_same]]
        kept += [keys] * (found["n"] <= _MOST_KEPT)
    engine.materialize_arrays("records_alike", {"record": np.concatenate(alike) & (2**layout.record_bits - 1)})
    of_records = "input_row in (select record from records_alike)"
    engine.materialize("repeated_values", f"select input_row, {', '.join(slot)} from sound_scores where {of_records}")
    engine.drop("records_alike")
    return SortedScores(layout, tuple(kept)) if kept else None


def materialize_close_scores(engine: Engine, recall_days: Mapping[int, int], known: SortedScores | None = None) -> None:
    """Make the table ``close_scores`` (record, code) of the scores that follow another within the time looked back on.

    A patient has one score of an instrument a day at most.

    Parameters
    ----------
    engine : Engine
        Holds the accepted scores.
    recall_days : mapping of int to int
        For the code of each instrument that looks back, on how many days, fewer than half of 2**15.
    known : SortedScores, optional
        These scores and others that were rejected since; the days of a patient may have been counted from another one.
    """
    import numpy as np

    relation = "(select patient, instrument as scale, day as day_number, score as input_row from scores) as s"
    if known is None:
        layout = _layout(engine, relation, (-WIDEST_SPAN_DAYS, WIDEST_SPAN_DAYS), recall_days)
        parts = _sorted_parts(engine, relation, layout)
    else:
        layout, parts = known.layout, _left(engine, known)
    recall = np.array([recall_days.get(code, 0) for code in range(layout.n_codes)], dtype=np.int64)
    records, codes = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for keys in parts if recall.any() else ():
        for block in _blocks(keys):
            slots = block >> layout.record_bits
            gaps = np.diff(slots)
            place = np.flatnonzero(gaps < recall.max())
            code = (slots[place] >> layout.day_bits) % layout.n_codes
            is_close = gaps[place] < recall[code]
            records.append(block[place[is_close] + 1] & (2**layout.record_bits - 1))
            codes.append(code[is_close])
    engine.materialize_arrays("close_scores", {"record": np.concatenate(records), "code": np.concatenate(codes)})


def _layout(engine: Engine, relation: str, days: tuple[int, int], recall_days: Mapping[int, int]) -> _Layout:
    """Return how scores are written; between two instruments there are more days than any looks back on."""
    last = int(engine.scalar(f"select coalesce(max(input_row), 0) from {relation}"))
    n_days = days[1] - days[0] + max(recall_days.values(), default=0)
    return _Layout(max(recall_days, default=0) + 1, days[0], n_days.bit_length(), last.bit_length())


def _sorted_parts(engine: Engine, relation: str, layout: _Layout) -> Iterator[NDArray[np.int64]]:
    """Yield scores in order, those of as many patients at once as there is room for in a number.

    The patient's number, the instrument, the day and the record are the digits, as in `materialize_crowded_days`.
    """
    import numpy as np

    last = int(engine.scalar(f"select coalesce(max(patient), 0) from {relation}"))
    at_once = max(1, 2 ** (_KEY_BITS - layout.day_bits - layout.record_bits) // layout.n_codes - 1)
    for first in range(0, last + 1, at_once):
        slot = f"((cast(patient as bigint) - {first}) * {layout.n_codes} + enum_code(scale)) * {2**layout.day_bits}"
        key = f"({slot} + day_number - {layout.first_day}) * {2**layout.record_bits} + input_row"
        chosen = f"patient between {first} and {first + at_once - 1} and enum_code(scale) < {layout.n_codes}"
        query = f"select {key} as key from {relation} where {chosen} and day_number is not null"
        keys = np.asarray(engine.fetch_numbers(query)["key"])
        keys.sort()
        yield keys


def _blocks(keys: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Yield numbers in blocks, each with the first one of the next, so that all neighbors are in one block."""
    for start in range(0, len(keys), _BLOCK):
        yield keys[start : start + _BLOCK + 1]


def _left(engine: Engine, known: SortedScores) -> Iterator[NDArray[np.int64]]:
    """Yield those of some sorted scores that are left, in the same order."""
    import numpy as np

    if int(engine.scalar("select count(*) from scores")) == sum(map(len, known.parts)):
        yield from known.parts
        return
    is_left = np.zeros(2**known.layout.record_bits, dtype=bool)
    is_left[np.asarray(engine.fetch_numbers("select score from scores")["score"])] = True
    for keys in known.parts:
        yield keys[is_left[keys & (2**known.layout.record_bits - 1)]]
