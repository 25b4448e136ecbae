"""Accepted records that lie close together in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from katoutcomes.registry.tables import WIDEST_SPAN_DAYS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.registry.engines.engine import Engine

_DAY_BITS = 15
"""Days lie within `WIDEST_SPAN_DAYS` on either side of the index day, which is less than half of 2**15."""
_KEY_BITS = 63


def materialize_crowded_days(engine: Engine) -> None:
    """Make the table ``crowded_days`` (patient, day) of the days with more than one dosing session of a patient.

    Patient and day become one whole number, and the numbers are sorted: a fraction of the work of grouping the rows.

    Parameters
    ----------
    engine : Engine
        Holds the accepted sessions.
    """
    import numpy as np

    doses = engine.fetch("select patient, day from sessions where kind = 'dosing'")
    keys = (np.asarray(doses["patient"]).astype(np.int64) << _DAY_BITS) + doses["day"] + WIDEST_SPAN_DAYS
    keys.sort()
    crowded = np.unique(keys[1:][keys[1:] == keys[:-1]])
    day = (crowded & (2**_DAY_BITS - 1)) - WIDEST_SPAN_DAYS
    engine.materialize_arrays("crowded_days", {"patient": crowded >> _DAY_BITS, "day": day})


def materialize_close_scores(engine: Engine, recall_days: Mapping[int, int]) -> None:
    """Make the table ``close_scores`` (record, code) of the scores that follow another within the time looked back on.

    Patient, instrument, day and record become one whole number as in `materialize_crowded_days`, for as many patients
    at once as there is room for in it. A patient has one score of an instrument a day at most.

    Parameters
    ----------
    engine : Engine
        Holds the accepted scores.
    recall_days : mapping of int to int
        For the code of each instrument that looks back, on how many days, fewer than half of 2**15.
    """
    import numpy as np

    n_codes = max(recall_days, default=0) + 1
    recall = np.array([recall_days.get(code, 0) for code in range(n_codes)], dtype=np.int64)
    asked = engine.fetch("select coalesce(max(patient), 0) as patients, coalesce(max(score), 0) as scores from scores")
    record_bits = int(asked["scores"][0]).bit_length()
    at_once = max(1, 2 ** (_KEY_BITS - _DAY_BITS - record_bits) // n_codes - 1)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    for first in range(0, int(asked["patients"][0]) + 1 if recall_days else 0, at_once):
        slot = f"((cast(patient as bigint) - {first}) * {n_codes} + enum_code(instrument)) * {2**_DAY_BITS}"
        key = f"({slot} + day + {WIDEST_SPAN_DAYS}) * {2**record_bits} + score"
        chosen = f"patient between {first} and {first + at_once - 1} and enum_code(instrument) < {n_codes}"
        keys = np.asarray(engine.fetch(f"select {key} as key from scores where {chosen}")["key"])
        keys.sort()
        slots = keys >> record_bits
        codes = (slots[1:] >> _DAY_BITS) % n_codes
        is_close = np.diff(slots) < recall[codes]
        found.append((keys[1:][is_close] & (2**record_bits - 1), codes[is_close]))
    nothing = np.zeros(0, dtype=np.int64)
    records, codes = (np.concatenate([nothing, *(part[place] for part in found)]) for place in (0, 1))
    engine.materialize_arrays("close_scores", {"record": records, "code": codes})
