"""Accepted records that lie close together in time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.registry.tables import WIDEST_SPAN_DAYS

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine

_DAY_BITS = 15
"""Days lie within `WIDEST_SPAN_DAYS` on either side of the index day, which is less than half of 2**15."""


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
