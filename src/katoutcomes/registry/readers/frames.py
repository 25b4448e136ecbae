"""Data frames as arrays that the data engine can read, whatever the version of pandas and the types of the columns."""

from __future__ import annotations

import datetime as dt
import decimal
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from katoutcomes.errors import OptionError

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from katoutcomes.registry.engines.engine import Engine

_LARGEST_WHOLE = 1e15
"""Below it a float holds every whole number exactly."""


def frame_columns(frame: Any) -> tuple[Any, tuple[str, ...]]:
    """Return a frame that `stage_frame` takes, and the names of its columns.

    Parameters
    ----------
    frame : DataFrame
        A frame of pandas or Polars (eager or lazy), an Arrow table, or anything with a `to_pandas` method.

    Returns
    -------
    frame : DataFrame or Table
        Of pandas, Polars (eager) or PyArrow; any other is turned into a pandas frame.
    names : tuple of str
        Names of the columns, without blanks at both ends.

    Raises
    ------
    OptionError
        If it is no frame, or a column name is not text.
    """
    if _is_of(frame, "polars", "collect"):
        frame = frame.collect()
    if _is_of(frame, "polars", "with_row_index"):
        return frame, tuple(name.strip() for name in frame.columns)
    if _is_of(frame, "pyarrow", "append_column"):
        return frame, tuple(name.strip() for name in frame.column_names)
    import pandas as pd

    converted = frame if isinstance(frame, pd.DataFrame) or not hasattr(frame, "to_pandas") else frame.to_pandas()
    if not isinstance(converted, pd.DataFrame):
        raise OptionError("a table must be a frame of pandas, Polars or Arrow, or have a to_pandas() method.")
    if not all(isinstance(name, str) for name in converted.columns):
        raise OptionError("the column names of a data frame must be text.")
    return converted, tuple(name.strip() for name in converted.columns)


def stage_frame(engine: Engine, frame: Any, name: str) -> None:
    """Make the table `name` of an engine from a frame: ``input_row`` from 1, then ``c1``, ``c2`` and so on.

    Polars frames and Arrow tables are handed to the engine as they are; a pandas frame goes through `frame_arrays`.

    Parameters
    ----------
    engine : Engine
        Where the table is made.
    frame : DataFrame or Table
        As `frame_columns` returns it.
    name : str
        Name of the table.
    """
    import numpy as np

    with engine.in_order():
        if _is_of(frame, "polars", "with_row_index"):
            if find_spec("pyarrow") is None:  # through which the engine reads Arrow data
                engine.materialize_arrays(name, _polars_arrays(frame))
                return
            short = {column: f"c{position}" for position, column in enumerate(frame.columns, start=1)}
            engine.materialize_frame(name, frame.rename(short).with_row_index("input_row", offset=1))
        elif _is_of(frame, "pyarrow", "append_column"):
            renamed = frame.rename_columns([f"c{position}" for position in range(1, frame.num_columns + 1)])
            rows = np.arange(1, frame.num_rows + 1, dtype=np.int64)
            engine.materialize_frame(name, renamed.append_column("input_row", [rows]))
        else:
            engine.materialize_arrays(name, frame_arrays(frame))


def _polars_arrays(frame: Any) -> dict[str, NDArray[Any]]:
    """Return the columns of a Polars frame as `frame_arrays` does, cell by cell."""
    import numpy as np

    arrays: dict[str, NDArray[Any]] = {"input_row": np.arange(1, frame.height + 1, dtype=np.int64)}
    for position, column in enumerate(frame.get_columns(), start=1):
        cells = np.empty(frame.height, dtype=object)
        cells[:] = ["" if value is None or value != value else cell_text(value) for value in column.to_list()]  # noqa: PLR0124 - NaN differs from itself
        arrays[f"c{position}"] = cells
    return arrays


def _is_of(frame: Any, library: str, method: str) -> bool:
    return type(frame).__module__.partition(".")[0] == library and hasattr(frame, method)


def frame_arrays(frame: pd.DataFrame) -> dict[str, NDArray[Any]]:
    """Return the columns ``c1``, ``c2``, … of a frame, and ``input_row``, counted from 1.

    Plain numbers, flags and datetimes stay as they are; everything else becomes text, "" where it is unknown.
    """
    import numpy as np

    arrays: dict[str, NDArray[Any]] = {"input_row": np.arange(1, len(frame) + 1, dtype=np.int64)}
    for position in range(frame.shape[1]):
        arrays[f"c{position + 1}"] = _column_array(frame.iloc[:, position])
    return arrays


def _column_array(column: pd.Series[Any]) -> NDArray[Any]:
    import numpy as np

    if isinstance(column.dtype, np.dtype) and column.dtype.kind in "biu":
        return column.to_numpy()
    if isinstance(column.dtype, np.dtype) and column.dtype.kind == "f" and column.dtype.itemsize in (4, 8):
        return column.to_numpy()
    if isinstance(column.dtype, np.dtype) and column.dtype.kind == "M":
        return column.to_numpy().astype("datetime64[us]")
    values = column.astype(object)
    text = np.empty(len(values), dtype=object)
    text[:] = [
        "" if unknown else value if type(value) is str else cell_text(value)
        for value, unknown in zip(values, values.isna(), strict=True)
    ]
    return text


def cell_text(value: object) -> str:
    """Return a cell as the schema would have it written in a CSV file.

    Examples
    --------
    >>> cell_text(True), cell_text(45.0), cell_text(0.5), cell_text(dt.time(9, 30))
    ('1', '45', '0.5', '09:30')
    """
    import numpy as np

    if isinstance(value, (bool, np.bool_)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return str(int(number)) if number.is_integer() and abs(number) < _LARGEST_WHOLE else str(value)
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat()
    if isinstance(value, dt.time):
        return value.isoformat("minutes" if not (value.second or value.microsecond) else "auto")
    return value.isoformat() if isinstance(value, dt.date) else str(value)
