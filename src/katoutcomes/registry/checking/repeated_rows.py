"""Rows whose values stand together in another row as well, such as keys that are given twice."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from katoutcomes.registry.engines.table_engine import checked_name

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.registry.engines.engine import Engine

_HASHES_AT_ONCE = 32_000_000
"""128 MB of hashes are sorted at once."""


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
