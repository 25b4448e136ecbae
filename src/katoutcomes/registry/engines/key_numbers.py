"""Numbers read out of keys that count, such as ``Q000123``: a column at a time, in the order of the rows.

The engine hands the texts over as Arrow does, one after the other without a gap. Where all are equally long their
bytes are a table of signs, of which a few steps over whole columns make numbers and find every key of another form; the
engine's own expressions for the same take four times as long.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.engines.arrow_columns import has_arrow

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.registry.engines.engine import Engine
    from katoutcomes.registry.engines.numbered_keys import NumberedKeys

NO_KEY = -1
"""In the place of the number of a key that is empty."""


def read_key_numbers(
    engine: Engine, relation: str, keys: Mapping[str, tuple[str, NumberedKeys]]
) -> dict[str, NDArray[np.int32]]:
    """Return the numbers of keys, in the order of the rows; a column that holds any other key is left out.

    Parameters
    ----------
    engine : Engine
        Can read `relation`.
    relation : str
        A table or a file.
    keys : mapping of str to (str, NumberedKeys)
        For each column its SQL and the form that its keys may have.

    Returns
    -------
    dict of str to ndarray of int32
        Empty without PyArrow. `NO_KEY` stands for empty keys.
    """
    if not keys or not has_arrow():
        return {}
    import numpy as np

    n_rows = int(engine.scalar(f"select count(*) from {relation}"))
    found = {name: np.empty(n_rows, dtype=np.int32) for name in keys}
    cells = ", ".join(f"{cell} as key_{place}" for place, (cell, _) in enumerate(keys.values()))
    with engine.in_order():
        start = 0
        for batch in engine.record_batches(f"select {cells} from {relation}"):
            end = start + batch.num_rows
            for place, (name, (_, form)) in enumerate(keys.items()):
                if name in found and not _write_numbers(batch.column(place), form, found[name][start:end]):
                    del found[name]
            if not found:
                break
            start = end
    return found if start == n_rows else {}


def _write_numbers(keys: Any, form: NumberedKeys, numbers: NDArray[np.int32]) -> bool:
    """Write down the numbers of an Arrow array of keys; return whether all of these have a form."""
    import numpy as np
    import pyarrow as pa

    wide = {pa.string(): np.int32, pa.large_string(): np.int64}.get(keys.type)
    if wide is None:
        return False
    length = len(form.beginning) + form.n_digits
    _, ends, signs = keys.buffers()
    ends = np.frombuffer(ends, dtype=wide)[keys.offset : keys.offset + len(keys) + 1]
    is_key = keys.is_valid().to_numpy(zero_copy_only=False) if keys.null_count else None
    if (np.diff(ends) != (length if is_key is None else length * is_key)).any():
        return False
    # One row a sign, so that each step runs over neighbors.
    table = np.frombuffer(signs or b"", dtype=np.uint8)[ends[0] : ends[-1]].reshape(-1, length).T.copy()
    table -= np.frombuffer((form.beginning + "0" * form.n_digits).encode("ascii"), dtype=np.uint8)[:, None]
    start = len(form.beginning)
    if table[:start].any() or table[start:].max(initial=0) > 9:  # what is below "0" has become large
        return False
    value = numbers if is_key is None else np.empty(table.shape[1], dtype=np.int32)
    value[:] = table[start]
    for digit in table[start + 1 :]:
        value *= 10
        value += digit
    if is_key is not None:
        numbers[:] = NO_KEY
        numbers[is_key] = value
    return True
