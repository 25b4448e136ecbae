"""Sums over the rows of a table that differ as soon as one number of one row does, whatever the order of the rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.registry.engines.engine import Engine

_ROWS_AT_ONCE = 8_000_000
_BLOCK = 32_768
"""Rows whose hashes are worked out together, so few that they stay close to the processor."""
_SEEDS = (0x9E3779B97F4A7C15, 0xD1B54A32D192ED03)


def sums_of_rows(engine: Engine, relation: str, code: str, words: Sequence[str]) -> int:
    """Return two sums of 64 bits, of two hashes of each row, as one number.

    Parameters
    ----------
    engine : Engine
        Holds the relation.
    relation : str
        The table.
    code : str
        Its column of whole numbers from 0 on, by which rows are fetched in parts.
    words : sequence of str
        SQL of the numbers that a row is made of, each from 0 to 2^63 - 1 and known in every row.
    """
    import numpy as np

    cells = ", ".join(f"cast({word} as bigint) as w{place}" for place, word in enumerate(words))
    largest = engine.scalar(f"select max({code}) from {relation}")
    totals = [0, 0]
    for first in range(0, int(largest) + 1, _ROWS_AT_ONCE):
        part = f"{code} between {first} and {first + _ROWS_AT_ONCE - 1}"
        found = engine.fetch(f"select {cells} from {relation} where {part}")
        columns = [np.asarray(column).view(np.uint64) for column in found.values()]
        for start in range(0, len(columns[0]), _BLOCK):
            block = [column[start : start + _BLOCK] for column in columns]
            totals = [total + int(_hashes(block, seed).sum()) for total, seed in zip(totals, _SEEDS, strict=True)]
    return (totals[0] % 2**64 << 64) + totals[1] % 2**64


def _hashes(columns: Sequence[NDArray[np.uint64]], seed: int) -> NDArray[np.uint64]:
    """Return a hash of each row: its numbers in their order, each mixed in by the finalizer of SplitMix64.

    Steele, Lea and Flood (2014), Fast splittable pseudorandom number generators, doi:10.1145/2660193.2660195.
    """
    import numpy as np

    mixed: NDArray[np.uint64] = np.full(len(columns[0]), seed, dtype=np.uint64)
    for column in columns:
        mixed += column
        mixed += np.uint64(seed)
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed ^= mixed >> np.uint64(shift)
            mixed *= np.uint64(factor)
        mixed ^= mixed >> np.uint64(31)
    return mixed
