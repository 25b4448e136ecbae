"""Registries on Spark: the accepted tables are handed over, and every stage after loading runs there, word for word.

Loading, from text to accepted rows, always runs in an `Engine` inside the process: nothing leaves it before the privacy
gate has been passed. Only this module imports pyspark.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, TypeVar

from katoutcomes.errors import KatOutcomesError, OptionError
from katoutcomes.registry.engines.table_engine import checked_name
from katoutcomes.registry.tables import KEPT_TABLES

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.registry.engines.engine import Engine

_T = TypeVar("_T")
_SUBFOLDER = "katoutcomes"

# Every setting that could change an answer.
_SETTINGS: Mapping[str, str] = {
    "spark.sql.ansi.enabled": "true",
    "spark.sql.caseSensitive": "false",
    "spark.sql.session.timeZone": "UTC",
}

_PLAIN_TYPES: Mapping[str, str] = {"TINYINT": "int", "SMALLINT": "int"}
"""Types that another program may lack or add up differently, and what stands for them; enumerations become text."""


class SparkEngine:
    """The tables of one registry on the caller's own Spark, by a classic session or by Spark Connect.

    Each stage is made once and kept, because a temporary view of Spark is worked out again whenever it is asked. The
    tables are temporary views of a session of their own, so views of the caller's session are neither seen nor
    replaced. `close` forgets them; it stops no session.

    Parameters
    ----------
    spark : pyspark.sql.SparkSession
        The caller's session, version 4. A session of Spark Connect (version 4.1 or later) needs a `folder`: a
        checkpoint made through it is lost as soon as a view is made of it.
    folder : str, optional
        A folder that every worker reaches (a path or an address such as ``"s3a://…"``). Each table is written there as
        Parquet, under ``katoutcomes``, and stays until the caller deletes it. It holds de-identified rows and needs the
        same protection as the input. One folder serves one registry at a time. By default tables are kept by Spark
        itself (a local checkpoint), which is lost with the executors that hold it.

    Raises
    ------
    OptionError
        If pyspark or pyarrow is not installed, the session cannot give one of its own, or a session of Spark Connect
        comes without a folder.

    Notes
    -----
    The accepted rows pass through the memory of the process that loads them. Spark's own settings decide where it keeps
    what it works on (``spark.local.dir``); protect that folder as well.

    Examples
    --------
    ``docs/how_to/use_spark.md`` shows a whole run.
    """

    __slots__ = ("_folder", "_frames", "_session")

    def __init__(self, spark: Any, *, folder: str | None = None) -> None:
        self._session = _own_session(spark, has_folder=folder is not None)
        self._folder = None if folder is None else f"{str(folder).rstrip('/')}/{_SUBFOLDER}"
        self._frames: dict[str, Any] = {}

    def __enter__(self) -> SparkEngine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def take_tables(self, loaded: Engine) -> None:
        """Copy the accepted tables of an engine."""
        for name in KEPT_TABLES:
            types = loaded.query_types(f"select * from {name}")
            cells = ", ".join(_plain_cell(column, kind) for column, kind in types.items())
            self._keep(name, _frame_of(self._session, loaded.arrow_table(f"select {cells} from {name}")))

    def fetch(self, query: str) -> dict[str, NDArray[Any]]:
        """Return the columns of a query as NumPy arrays; a column with unknown values is a masked array.

        Rows come in the order the query asks for, and in no particular order where it asks for none.
        """
        table = _without_values(lambda: self._session.sql(query).toArrow())
        return {name: _array(table.column(name)) for name in table.column_names}

    def scalar(self, query: str) -> Any:
        """Return the single value of a query with one row and one column; None where it is unknown."""
        rows = _without_values(lambda: self._session.sql(query).collect())
        if len(rows) != 1 or len(rows[0]) != 1:
            raise OptionError("scalar() needs a query with one row and one column.")
        return rows[0][0]

    def materialize(self, name: str, query: str) -> None:
        """Make the table `name` from a query; a table of that name is replaced."""
        self._keep(name, _without_values(lambda: self._session.sql(query)))

    def materialize_arrays(self, name: str, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Make the table `name` from NumPy arrays of equal length; object arrays hold text, NaN is unknown."""
        import pyarrow as pa

        columns = {column: pa.array(values, from_pandas=True) for column, values in arrays.items()}
        self._keep(name, _frame_of(self._session, pa.table(columns)))

    def drop(self, *names: str) -> None:
        """Forget tables; one that is not there is no error. Files of a folder stay until they are replaced."""
        for name in names:
            if self._frames.pop(checked_name(name), None) is not None:
                self._session.catalog.dropTempView(name)

    def set_aside(self, name: str) -> bool:
        """Forget a table that can be made again; return True."""
        self.drop(name)
        return True

    def columns(self, name: str) -> tuple[str, ...]:
        """Return the names of a table's columns, in order."""
        return tuple(self.query_types(f"select * from {checked_name(name)}"))

    def query_types(self, query: str) -> dict[str, str]:
        """Return column names and Spark types of a query."""
        fields = _without_values(lambda: self._session.sql(query).schema.fields)
        return {field.name: field.dataType.simpleString() for field in fields}

    def close(self) -> None:
        """Forget every table; a second call does nothing. The caller's session goes on."""
        self.drop(*list(self._frames))
        if _is_connect(self._session) and not self._session.client.is_closed:
            self._session.client.release_session()  # its own; left open it would keep the program from ending
            self._session.client.close()

    def _keep(self, name: str, frame: Any) -> None:
        """Work a frame out once, and give the result a name."""
        path = f"{self._folder}/{checked_name(name)}"

        def kept() -> Any:
            if self._folder is None:
                return frame.localCheckpoint(eager=True)
            frame.write.mode("overwrite").parquet(path)
            return self._session.read.schema(frame.schema).parquet(path)

        made = _without_values(kept)
        made.createOrReplaceTempView(name)
        self._frames[name] = made  # the storage of a checkpoint lives as long as its frame


def local_frames(source: Any) -> Any:
    """Return a source with its Spark frames brought into the process as Arrow tables; anything else as it is.

    Raw values must not be copied anywhere before the privacy gate, so they are not written but held in memory. Spark
    has no order of rows: the row numbers of the load report are those of this one collection.
    """
    if not isinstance(source, Mapping):
        return source
    return {name: frame.toArrow() if _is_spark(frame) else frame for name, frame in source.items()}


def _is_spark(frame: Any) -> bool:
    return type(frame).__module__.partition(".")[0] == "pyspark" and hasattr(frame, "toArrow")


def _own_session(spark: Any, *, has_folder: bool) -> Any:
    """Return a session of the same Spark with names of its own and the settings that an answer could depend on."""
    if find_spec("pyspark") is None or find_spec("pyarrow") is None:
        raise OptionError('SparkEngine needs pyspark 4 and pyarrow: pip install "katoutcomes[spark]"')
    from pyspark.errors import PySparkException

    if _is_connect(spark) and not has_folder:
        raise OptionError("a session of Spark Connect needs a folder: SparkEngine(spark, folder=…).")
    try:
        own = spark.newSession()
        for name, value in _SETTINGS.items():
            own.conf.set(name, value)
    except (AttributeError, NotImplementedError, PySparkException):
        own = None
    if own is None:
        raise OptionError("this cannot give a Spark session of its own.")
    return own


def _is_connect(spark: Any) -> bool:
    return type(spark).__module__.startswith("pyspark.sql.connect")


def _frame_of(session: Any, table: Any) -> Any:
    """Return an Arrow table as a frame of Spark; Spark Connect does not take the types of one without rows."""
    if table.num_rows:
        return session.createDataFrame(table)
    from pyspark.sql.pandas.types import from_arrow_schema

    return session.createDataFrame([], from_arrow_schema(table.schema))


def _plain_cell(column: str, kind: str) -> str:
    plain = "varchar" if kind.startswith("ENUM") else _PLAIN_TYPES.get(kind)
    return f"cast({column} as {plain}) as {column}" if plain else column


def _array(column: Any) -> NDArray[Any]:
    """Return an Arrow column as NumPy has it; text as objects."""
    import numpy as np
    import pyarrow as pa

    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        texts = np.empty(len(column), dtype=object)
        texts[:] = column.to_pylist()
        return np.ma.masked_array(texts, texts == None) if column.null_count else texts  # noqa: E711 - cell by cell
    unknown = column.is_null().to_numpy()
    values: NDArray[Any] = column.fill_null(pa.scalar(0, column.type)).to_numpy()
    return np.ma.masked_array(values, unknown) if column.null_count else values


def _without_values(action: Callable[[], _T]) -> _T:
    """Return what an action gives, without those of Spark's messages that may quote a value."""
    from pyspark.errors import AnalysisException, ParseException, PySparkException

    try:
        return action()
    except (AnalysisException, ParseException):
        raise  # a mistake in a query, which holds no value
    except PySparkException:
        message = "Spark could not work out a stage; its own message may quote a value and is left out."
    raise KatOutcomesError(message)  # outside of the handler, so that the error behind it is forgotten
