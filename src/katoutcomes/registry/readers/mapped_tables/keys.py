"""Keys for records of files that have none: running numbers in the order of what the records say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.registry.tables import TableSchema

_FIRST = ("patient_id", "instrument", "day", "date", "time")
_WHOLE = re.compile(r"[+-]?[0-9]{1,9}([.]0+)?")


def generated_keys(schema: TableSchema, columns: Mapping[str, NDArray[Any]]) -> list[str]:
    """Return a key for each record.

    The records are put into the order of patient, instrument, day, time and then of everything else that they say, and
    numbered. So a key depends neither on the order of the rows nor on the file they stand in, holds no patient's key
    and no date, and two scores of one day follow each other as their times do.

    Parameters
    ----------
    schema : TableSchema
        Which table.
    columns : mapping of str to array of object
        Text by column, None where it is unknown; the key itself is not among them.

    Examples
    --------
    >>> import numpy as np
    >>> from katoutcomes.registry.tables import SCORES
    >>> generated_keys(SCORES, {"patient_id": np.array(["P2", "P1"]), "day": np.array(["10", "9"])})
    ['score-2', 'score-1']
    """
    import numpy as np

    names = [*(name for name in _FIRST if name in columns), *sorted(set(columns) - set(_FIRST))]
    n_records = len(columns["patient_id"])
    ordered = np.lexsort([_ranks(columns[name]) for name in reversed(names)])
    width = len(str(n_records))
    keys = [""] * n_records
    for number, record in enumerate(ordered.tolist(), start=1):
        keys[record] = f"{schema.code}-{number:0{width}d}"
    return keys


def _ranks(values: NDArray[Any]) -> NDArray[Any]:
    """Return the place of each value among the different values of its column."""
    import numpy as np

    ranks = {value: rank for rank, value in enumerate(sorted(set(values), key=_place))}
    return np.fromiter((ranks[value] for value in values), dtype=np.int64, count=len(values))


def repeats(columns: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Return the positions of records that say exactly what an earlier one says."""
    import numpy as np

    seen: set[tuple[Any, ...]] = set()
    again = []
    for position, record in enumerate(zip(*columns.values(), strict=True)):
        if record in seen:
            again.append(position)
        seen.add(record)
    return np.array(again, dtype=np.int64)


def _place(value: Any) -> tuple[int, float, str]:
    """Sort unknown values first, then whole numbers by size, then text."""
    if value is None:
        return (0, 0.0, "")
    return (1, float(value), value) if _WHOLE.fullmatch(value) else (2, 0.0, value)
