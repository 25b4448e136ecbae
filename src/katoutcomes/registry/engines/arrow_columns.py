"""Columns of numbers that the engine hands over as Arrow does: read where they lie, a batch at a time.

The client's own arrays grow as rows come, which takes several times as long and as much memory again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_WHOLE = [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
_KINDS: Mapping[str, str] = MappingProxyType({**{kind: kind for kind in _WHOLE}, "float": "f4", "double": "f8"})
"""What NumPy calls the types of numbers."""


_OLDEST_ARROW = 18
"""The first PyArrow that the extra ``large`` takes."""


@cache
def has_arrow() -> bool:
    """Return whether PyArrow is installed, and new enough."""
    try:
        return int(version("pyarrow").partition(".")[0]) >= _OLDEST_ARROW
    except PackageNotFoundError:
        return False


def columns_of_batches(batches: Iterable[Any]) -> Iterator[dict[str, NDArray[Any]]]:
    """Yield the columns of each record batch of numbers; those with unknown values as masked arrays."""
    for batch in batches:
        yield {name: _numbers(batch.column(place)) for place, name in enumerate(batch.schema.names)}


def _numbers(column: Any) -> NDArray[Any]:
    """Return the numbers of an Arrow array without a copy.

    Raises
    ------
    TypeError
        If it holds anything else.
    """
    import numpy as np

    kind = _KINDS.get(str(column.type))
    if kind is None:
        raise TypeError("these are no numbers.")
    values: NDArray[Any] = np.frombuffer(column.buffers()[1], dtype=kind)[column.offset : column.offset + len(column)]
    if not column.null_count:
        return values
    return np.ma.masked_array(values, ~column.is_valid().to_numpy(zero_copy_only=False))


def joined_columns(parts: Iterable[dict[str, NDArray[Any]]], n_rows: int) -> dict[str, NDArray[Any]]:
    """Return the columns of all parts, one after the other; a part is forgotten before the next one is read.

    Parameters
    ----------
    parts : iterable of dict of str to ndarray
        As `columns_of_batches` yields them.
    n_rows : int
        How many rows there may be; more are no error, but take time.
    """
    joined: dict[str, _Growing] = {}
    for part in parts:
        for name, values in part.items():
            if name not in joined:
                joined[name] = _Growing(values.dtype, n_rows)
            joined[name].append(values)
    return {name: column.whole() for name, column in joined.items()}


class _Growing:
    """A column that grows. Of its memory the machine gives only what has been written."""

    __slots__ = ("length", "unknown", "values")

    def __init__(self, kind: np.dtype[Any], n_rows: int) -> None:
        import numpy as np

        self.values: NDArray[Any] = np.empty(n_rows, dtype=kind)
        self.unknown: NDArray[np.bool_] | None = None
        self.length = 0

    def append(self, values: NDArray[Any]) -> None:
        """Add numbers at the end."""
        import numpy as np

        end = self.length + len(values)
        if end > len(self.values):
            self.values = _larger(self.values, self.length, end)
            if self.unknown is not None:
                self.unknown = _larger(self.unknown, self.length, end)
        if np.ma.isMaskedArray(values) and self.unknown is None:
            self.unknown = np.zeros(len(self.values), dtype=bool)
        self.values[self.length : end] = np.ma.getdata(values)
        if self.unknown is not None:
            self.unknown[self.length : end] = np.ma.getmaskarray(values)
        self.length = end

    def whole(self) -> NDArray[Any]:
        """Return the column."""
        import numpy as np

        values = self.values[: self.length]
        return values if self.unknown is None else np.ma.masked_array(values, self.unknown[: self.length])


def _larger(values: NDArray[Any], length: int, least: int) -> NDArray[Any]:
    """Return the same numbers with room for more."""
    import numpy as np

    larger = np.empty(max(least, 2 * len(values)), dtype=values.dtype)
    larger[:length] = values[:length]
    return larger
