"""Sums over the rows of a table that differ as soon as one number of one row does, whatever the order of the rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.engines.arrow_columns import columns_of_batches

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.registry.engines.engine import Engine

_ROWS_AT_ONCE = 8_000_000
_BLOCK = 32_768
"""Rows whose hashes are worked out together, so few that they stay close to the processor."""
_SEEDS = (0x9E3779B97F4A7C15, 0xD1B54A32D192ED03)


@dataclass(frozen=True, slots=True)
class Digit:
    """A column of numbers from `low` to `high`, as the SQL of a number; `is_known` where no row lacks one."""

    name: str
    cell: str
    low: int
    high: int
    is_known: bool = False

    @property
    def n_values(self) -> int:
        """How many values there may be, with the one that is not known."""
        return self.high - self.low + 2

    @property
    def place(self) -> str:
        """The SQL of its place among them; 0 where it is not known."""
        place = f"cast({self.cell} as bigint) - {self.low - 1}"
        return f"({place})" if self.is_known else f"coalesce({place}, 0)"


def word_query(word: Sequence[Digit]) -> str:
    """Return the SQL of the number whose digits some columns are, each with a base of its own."""
    text = word[0].place
    for digit in word[1:]:
        text = f"({text}) * {digit.n_values} + {digit.place}"
    return text


def sums_of_rows(engine: Engine, relation: str, code: str, words: Sequence[Sequence[Digit]]) -> int:
    """Return two sums of 64 bits, of two hashes of each row, as one number.

    Parameters
    ----------
    engine : Engine
        Holds the relation.
    relation : str
        The table.
    code : str
        Its column of whole numbers from 0 on, by which rows are fetched in parts.
    words : sequence of sequences of Digit
        The digits of the numbers that a row is made of, each of them (see `word_query`) from 0 to 2^63 - 1.
    """
    import numpy as np

    every = {digit.name: digit for word in words for digit in word}
    cells = ", ".join(f"{digit.cell} as {name}" for name, digit in every.items())
    totals = [0, 0]
    for part in _parts(engine, f"select {cells} from {relation}", relation, code):
        n_rows = len(next(iter(part.values())))
        for start in range(0, n_rows, _BLOCK):
            rows = {name: column[start : start + _BLOCK] for name, column in part.items()}
            block = [_word(word, rows).view(np.uint64) for word in words]
            totals = [total + int(_hashes(block, seed).sum()) for total, seed in zip(totals, _SEEDS, strict=True)]
    return (totals[0] % 2**64 << 64) + totals[1] % 2**64


def _parts(engine: Engine, query: str, relation: str, code: str) -> Iterator[Mapping[str, NDArray[Any]]]:
    """Yield the columns of a query in parts, in no particular order."""
    if engine.reads_batches:
        yield from columns_of_batches(engine.record_batches(query))
        return
    largest = engine.scalar(f"select max({code}) from {relation}")
    for first in range(0, int(largest) + 1, _ROWS_AT_ONCE):
        yield engine.fetch(f"{query} where {code} between {first} and {first + _ROWS_AT_ONCE - 1}")


def _word(word: Sequence[Digit], rows: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
    """Return what `word_query` asks for, of values that were fetched: work that the engine takes longer for."""
    import numpy as np

    total = np.zeros(len(rows[word[0].name]), dtype=np.int64)
    for digit in word:
        values, is_unknown = np.ma.getdata(rows[digit.name]), np.ma.getmaskarray(rows[digit.name])
        if is_unknown.any():
            values = np.where(is_unknown, 0, values)  # what stands there may be no number
        total *= digit.n_values
        total += values.astype(np.int64)
        total -= np.where(is_unknown, 0, digit.low - 1) if is_unknown.any() else digit.low - 1
    return total


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
