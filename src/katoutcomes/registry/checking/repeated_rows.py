"""Rows whose values stand together in another row as well, such as keys that are given twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.engines.table_engine import checked_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.registry.engines.engine import Engine

_HASHES_AT_ONCE = 32_000_000
"""128 MB of hashes are sorted at once."""
_BLOCK = 500_000
"""Numbers that are looked up together, so that what that takes besides stays close to the processor."""
_MOST_EMPTY_PLACES = 4
"""Numbers are looked up in a list of all that there may be, as long as it is no more than so many times as long."""


def materialize_repeated(engine: Engine, name: str, relation: str, columns: Sequence[str], row: str) -> None:
    """Make the table `name` of the rows whose values in some columns stand together in another row as well.

    Rows in which one of the values is unknown are left out. Halves of the hashes of the values are sorted first,
    which takes a fraction of the time and memory of counting every value; only rows whose half hash stands twice
    are looked at.

    Parameters
    ----------
    engine : Engine
        Holds the relation.
    name : str
        The table to make; its columns are `row` and `columns`.
    relation : str
        The table to look in.
    columns : sequence of str
        Names of its columns.
    row : str
        The name of the column that tells rows apart.
    """
    listed = ", ".join(checked_name(column) for column in columns)
    known = " and ".join(f"{column} is not null" for column in columns)
    half = f"cast(hash({listed}) >> 32 as uinteger)"
    twice = _repeated(engine, half, f"{relation} where {known}")
    if not len(twice):
        engine.materialize(name, f"select {checked_name(row)}, {listed} from {relation} limit 0")
        return
    engine.materialize_arrays("repeated_hashes", {"h": twice})
    engine.materialize(
        "rows_alike",
        f"select {checked_name(row)}, {listed} from {relation} where {known} "
        f"and {half} in (select h from repeated_hashes)",
    )
    crowded = f"select {listed} from rows_alike group by {listed} having count(*) > 1"
    engine.materialize(name, f"select a.* from rows_alike as a inner join ({crowded}) as c using ({listed})")
    engine.drop("repeated_hashes", "rows_alike")


def materialize_repeated_numbers(engine: Engine, name: str, relation: str, row: str, number: str) -> None:
    """Make the table `name` of the numbers ``input_row`` of the rows whose key stands in another row as well.

    Parameters
    ----------
    engine : Engine
        Holds the relation.
    name : str
        The table to make.
    relation : str
        The table to look in.
    row : str
        Its column of row numbers.
    number : str
        SQL of the number of a key, never negative; rows without one are left out.
    """
    import numpy as np

    n_rows = int(engine.scalar(f"select count(*) from {relation}"))
    n_parts = -(-n_rows // _HASHES_AT_ONCE)
    rows = [np.zeros(0, dtype=np.int64)]
    for part in range(n_parts):
        in_part = f" and {number} % {n_parts} = {part}" if n_parts > 1 else ""
        place = f"{number} // {n_parts}" if n_parts > 1 else number
        cells = f"{place} as place, {row} as input_row"
        found = engine.fetch(f"select {cells} from {relation} where {number} is not null{in_part}")
        rows.append(np.asarray(found["input_row"])[_stand_twice(np.asarray(found["place"]))])
    engine.materialize_arrays(name, {"input_row": np.concatenate(rows)})


def materialize_repeated_in_order(engine: Engine, name: str, numbers: NDArray[np.int32]) -> None:
    """Make the same table from the numbers of keys that are read already, in the order of the rows; -1 is none."""
    import numpy as np

    is_key = numbers >= 0
    places = np.flatnonzero(_stand_twice(numbers if is_key.all() else numbers[is_key]))
    places = places if is_key.all() else np.flatnonzero(is_key)[places]
    engine.materialize_arrays(name, {"input_row": places + 1})


def _stand_twice(values: NDArray[np.integer[Any]]) -> NDArray[np.bool_]:
    """Return which of some whole numbers from 0 on stand among them more than once."""
    import numpy as np

    largest = int(values.max(initial=0))
    if largest > _MOST_EMPTY_PLACES * len(values):
        ordered = np.sort(values)
        return np.isin(values, ordered[1:][ordered[1:] == ordered[:-1]])
    rows = np.arange(len(values), dtype=np.int32)
    row_of = np.zeros(largest + 1, dtype=np.int32)
    found: NDArray[np.bool_] = np.zeros(len(values), dtype=bool)
    for start in range(0, len(values), _BLOCK):
        row_of[values[start : start + _BLOCK]] = rows[start : start + _BLOCK]
    for start in range(0, len(values), _BLOCK):  # of several rows with a value one stays, and the others tell of it
        stayed = row_of[values[start : start + _BLOCK]]
        is_other = stayed != rows[start : start + _BLOCK]
        found[start : start + _BLOCK] |= is_other
        found[stayed[is_other]] = True
    return found


def _repeated(engine: Engine, cell: str, relation: str) -> NDArray[np.uint32]:
    """Return the values of whole numbers of 32 bits that stand in more than one row, some of them too often."""
    import numpy as np

    n_rows = int(engine.scalar(f"select count(*) from {relation}"))
    n_parts = -(-n_rows // _HASHES_AT_ONCE)
    twice = [np.zeros(0, dtype=np.uint32)]
    for part in range(n_parts):
        in_part = f" and {cell} % {n_parts} = {part}" if n_parts > 1 else ""
        found = np.asarray(engine.fetch(f"select {cell} as h from {relation}{in_part}")["h"], dtype=np.uint32)
        found.sort()
        twice.append(found[1:][found[1:] == found[:-1]])
    return np.unique(np.concatenate(twice))
