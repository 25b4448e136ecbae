"""What a registry and its cohorts ask of the place where their tables lie, whichever program keeps them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from katoutcomes.errors import OptionError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")


class TableEngine(Protocol):
    """Runs the SQL stages after loading; `Engine`, `WorkspaceEngine` and `SparkEngine` do.

    Loading itself, from text to accepted rows, needs more and always runs in an `Engine`.
    """

    def fetch(self, query: str) -> dict[str, NDArray[Any]]:
        """Return the columns of a query as NumPy arrays; a column with unknown values is a masked array."""
        ...

    def scalar(self, query: str) -> Any:
        """Return the single value of a query with one row and one column; None where it is unknown."""
        ...

    def materialize(self, name: str, query: str) -> None:
        """Make the table `name` from a query; a table of that name is replaced."""
        ...

    def materialize_arrays(self, name: str, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Make the table `name` from NumPy arrays of equal length; object arrays hold text."""
        ...

    def drop(self, *names: str) -> None:
        """Forget tables; one that is not there is no error."""
        ...

    def set_aside(self, name: str) -> bool:
        """Drop a table that can be made again, if that makes room in memory; return whether it was dropped."""
        ...

    def columns(self, name: str) -> tuple[str, ...]:
        """Return the names of a table's columns, in order."""
        ...

    def close(self) -> None:
        """Forget everything; a second call does nothing."""
        ...


def is_name(text: str) -> bool:
    """Return whether a text may be the name of a table or a column: letters, digits and underscores."""
    return _NAME.fullmatch(text) is not None


def checked_name(name: str) -> str:
    """Return the name of a table; OptionError if it is anything but letters, digits and underscores."""
    if not is_name(name):
        raise OptionError("a table name is letters, digits and underscores.")
    return name
