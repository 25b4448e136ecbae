"""Rows of an event table whose patient is not among the patients, or was rejected."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.registry.checking.rules import PATIENT_REJECTED

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine
    from katoutcomes.registry.tables import TableSchema

_ROWS_AT_ONCE = 16_000_000


def materialize_untied_rows(engine: Engine, schema: TableSchema) -> None:
    """Make ``strangers_<table>`` and ``unlinked_<table>`` of the rows tied to no patient, and to a rejected one.

    The numbers of the rows say it, which are looked up in a list: a second join would take four times as long.

    Parameters
    ----------
    engine : Engine
        Holds ``values_<table>``, and of its rows those that have a patient in ``kept_<table>``.
    schema : TableSchema
        An event table.
    """
    import numpy as np

    row, values, kept = schema.code, f"values_{schema.name}", f"kept_{schema.name}"
    largest = engine.scalar(f"select coalesce(max({row}), -1) from {values}")
    strangers = [np.zeros(0, dtype=np.int64)]
    for first in range(0, int(largest) + 1, _ROWS_AT_ONCE):
        part = f"{row} between {first} and {first + _ROWS_AT_ONCE - 1}"
        named = np.asarray(engine.fetch(f"select {row} from {values} where patient_id is not null and {part}")[row])
        tied = np.asarray(engine.fetch(f"select {row} from {kept} where {part}")[row])
        if len(tied) < len(named):
            is_tied = np.zeros(int(named.max()) - first + 1, dtype=bool)
            is_tied[tied - first] = True
            strangers.append(named[~is_tied[named - first]])
    engine.materialize_arrays(f"strangers_{schema.name}", {"input_row": np.concatenate(strangers)})
    rejected = f"select {row} as input_row from {kept} where patient = {PATIENT_REJECTED}"
    engine.materialize(f"unlinked_{schema.name}", rejected)
