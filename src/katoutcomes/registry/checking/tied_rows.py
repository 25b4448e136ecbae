"""Rows of an event table tied to their patients by numbers of keys that were read when the table was searched.

The number of a key is the place in a list where its patient stands, which is looked up for millions of rows in a
fraction of the time that a join of the engine takes. All this rests on rows that stay in their order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.registry.checking.rules import PATIENT_REJECTED
from katoutcomes.registry.checking.typed_rows import (
    StagedTable,
    named_events_query,
    tied_events_query,
    tied_rejected_query,
    values_query,
)
from katoutcomes.registry.tables import SESSIONS, TableSchema

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.registry.checking.score_columns import ScoreColumns
    from katoutcomes.registry.engines.engine import Engine

_STRANGER = -1
"""In the place of a row's patient: the row names somebody who is not among the patients."""
_NOBODY = -3
"""In the place of a row's patient: the row names nobody."""
_BLOCK = 500_000
"""Rows that are looked up together, so that what that takes besides stays close to the processor."""
_MOST_EMPTY_PLACES = 16
"""Keys are looked up in a list of all that there may be, as long as it is no more than so many times as long."""
_NEVER = 2**31 - 1


def patients_of_rows(engine: Engine, keys: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the number of the patient of each row, or why there is none: a number below 0.

    Parameters
    ----------
    engine : Engine
        Holds ``patient_codes``.
    keys : ndarray of int32
        The number of the patient's key of each row, -1 where there is none.
    """
    import numpy as np

    codes = engine.fetch_numbers("select patient_key, patient from patient_codes")
    known, patients = np.asarray(codes["patient_key"]), np.ma.filled(codes["patient"], PATIENT_REJECTED)
    largest = int(known.max(initial=-1))
    if largest > _MOST_EMPTY_PLACES * len(known):
        return _patients_by_search(known, patients, keys)
    # The last place stands for no key as well, because that is the number -1.
    patient_of = np.full(largest + 2, _STRANGER, dtype=np.int32)
    patient_of[known] = patients
    found = np.empty(len(keys), dtype=np.int32)
    for start in range(0, len(keys), _BLOCK):
        block = keys[start : start + _BLOCK]
        found[start : start + _BLOCK] = patient_of[np.minimum(block, largest + 1)]
    found[keys < 0] = _NOBODY
    return found


def _patients_by_search(
    known: NDArray[np.int32], patients: NDArray[np.int32], keys: NDArray[np.int32]
) -> NDArray[np.int32]:
    """Return the same where the numbers of keys are few and far between."""
    import numpy as np

    order = np.argsort(known)
    known, patients = known[order], patients[order]
    place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
    found: NDArray[np.int32] = np.where(known[place] == keys, patients[place], _STRANGER).astype(np.int32)
    found[keys < 0] = _NOBODY
    return found


def materialize_session_spans(engine: Engine, patients: NDArray[np.int32]) -> None:
    """Make the table of stage 03: the first dose, the first and the last session of each patient.

    Parameters
    ----------
    engine : Engine
        Holds ``session_days`` and `problems`.
    patients : ndarray of int32
        As `patients_of_rows` returns them for the sessions.
    """
    import numpy as np

    with engine.in_order():
        days = engine.fetch_numbers("select day_number, is_dosing from session_days")
    broken = engine.fetch(f"select input_row from problems where file = {SESSIONS.number}")["input_row"]
    counts = (patients >= 0) & ~np.ma.getmaskarray(days["day_number"])
    counts[np.asarray(broken) - 1] = False
    patient, day = patients[counts], np.ma.getdata(days["day_number"])[counts].astype(np.int32)
    is_dose = np.ma.getdata(days["is_dosing"])[counts] == 1
    n_patients = int(patients.max(initial=0)) + 1
    first, last, first_dose = (np.full(n_patients, value, dtype=np.int32) for value in (_NEVER, -_NEVER, _NEVER))
    np.minimum.at(first, patient, day)
    np.maximum.at(last, patient, day)
    np.minimum.at(first_dose, patient[is_dose], day[is_dose])
    with_session = np.flatnonzero(first < _NEVER)
    engine.materialize_arrays(
        "session_spans",
        {
            "patient": with_session.astype(np.int32),
            "first_dose_day": np.ma.masked_equal(first_dose[with_session], _NEVER),
            "first_day": first[with_session],
            "last_day": last[with_session],
        },
    )


def materialize_values_in_order(engine: Engine, table: StagedTable, scores: ScoreColumns | None) -> None:
    """Make the table ``values_<table>`` of an event table that `is_tied_by_number`.

    Parameters
    ----------
    engine : Engine
        Holds the staged rows and, for scores, ``catalog_names``.
    table : StagedTable
        The event table.
    scores : ScoreColumns or None
        The cells of scores.
    """
    scale = _scale_of_name(engine) if scores is not None else None
    with engine.in_order():
        engine.materialize(f"values_{table.schema.name}", values_query(table, scores, scale))
    engine.drop_enumeration(_NAMES)


def materialize_untied_in_order(engine: Engine, schema: TableSchema, patients: NDArray[np.int32]) -> None:
    """Make ``strangers_<table>`` and ``unlinked_<table>`` of the rows of nobody known and of a rejected patient.

    Parameters
    ----------
    engine : Engine
        Where the tables are made.
    schema : TableSchema
        An event table.
    patients : ndarray of int32
        As `patients_of_rows` returns them.
    """
    import numpy as np

    for name, why in (("strangers", _STRANGER), ("unlinked", PATIENT_REJECTED)):
        engine.materialize_arrays(f"{name}_{schema.name}", {"input_row": np.flatnonzero(patients == why) + 1})


def materialize_tied(
    engine: Engine, table: StagedTable, scores: ScoreColumns | None, patients: NDArray[np.int32]
) -> int:
    """Make ``kept_<table>`` as `typed_rows.events_query` does, without the rows of which a problem is known.

    Of sessions ``rejected_sessions`` is made besides, as stage 02 makes it.

    Parameters
    ----------
    engine : Engine
        Holds ``values_<table>``, ``placed_patients``, `problems` and, where rows name sessions, ``named_keys``.
    table : StagedTable
        An event table that `is_tied_by_number`.
    scores : ScoreColumns or None
        The cells of scores.
    patients : ndarray of int32
        As `patients_of_rows` returns them.

    Returns
    -------
    int
        How many problems are known.
    """
    import numpy as np

    schema = table.schema
    broken = np.asarray(engine.fetch(f"select input_row from problems where file = {schema.number}")["input_row"])
    is_sound = np.ones(len(patients), dtype=bool)
    is_sound[broken - 1] = False
    own_keys, index_days = table.numbers[schema.key], _index_days(engine, patients)
    ties = {"own_key": own_keys, "patient": patients, "index_day": index_days, "is_sound": is_sound}
    kept, first = f"kept_{schema.name}", f"{'tied' if table.names_sessions else 'kept'}_{schema.name}"
    with engine.in_order(), engine.showing("ties", ties):
        engine.materialize(first, tied_events_query(table, scores))
        if schema is SESSIONS:
            engine.materialize("rejected_sessions", tied_rejected_query(table))
    if table.names_sessions:
        engine.materialize(kept, named_events_query(first))
        engine.drop(first)
    return len(broken)


def _index_days(engine: Engine, patients: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the day from which the days of each row's patient count; 0 where there is no patient."""
    import numpy as np

    placed = engine.fetch_numbers("select patient, index_day from placed_patients where patient is not null")
    index_day_of = np.zeros(int(np.asarray(placed["patient"]).max(initial=0)) + 2, dtype=np.int32)
    index_day_of[placed["patient"]] = placed["index_day"]
    found = np.empty(len(patients), dtype=np.int32)
    for start in range(0, len(patients), _BLOCK):
        # Nobody has the number 0.
        found[start : start + _BLOCK] = index_day_of[np.maximum(patients[start : start + _BLOCK], 0)]
    return found


_NAMES = "names_of_catalog"


def _scale_of_name(engine: Engine) -> str:
    """Return the SQL of the number of a score's scale, by the place of its instrument's name in an enumeration.

    A join would do the same, but rows that are joined do not keep their order.
    """
    names = engine.fetch("select name, scale from catalog_names order by name")
    if not len(names["name"]):
        return "cast(null as smallint)"
    engine.make_enumeration(_NAMES, "select name from catalog_names order by name")
    numbers = ", ".join(str(int(number)) for number in names["scale"])
    return f"list_extract(cast([{numbers}] as smallint[]), 1 + enum_code(try_cast(instrument as {_NAMES})))"
