"""The data engine: DuckDB inside the process.

Table work is SQL, one readable stage a file (`sql/*.sql`), in the subset that means the same on DuckDB and on Spark;
each stage is materialized as a table. Only this module imports duckdb.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from katoutcomes.errors import KatOutcomesError, OptionError
from katoutcomes.registry.engines.arrow_columns import columns_of_batches, has_arrow, joined_columns
from katoutcomes.registry.engines.coded_texts import CodedTexts, coded_texts, texts_of_enumeration
from katoutcomes.registry.engines.table_engine import checked_name

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

_PIECE = "32MB"
"""What a dropped table held goes back to the machine in such pieces, see `Engine.give_back`; smaller ones take time."""

# Every setting that could change an answer, reach the network, print, or leave data on the disk is written here, so
# that neither a user's DuckDB configuration nor a later default decides it.
_SETTINGS: Mapping[str, str] = {
    "allow_community_extensions": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allocator_bulk_deallocation_flush_threshold": _PIECE,
    "allocator_flush_threshold": _PIECE,
    "default_null_order": "nulls_last",
    "enable_external_file_cache": "false",  # a file is read once or twice, so its bytes need not stay in memory
    "preserve_insertion_order": "false",
    "python_enable_replacements": "false",  # a query never picks up a Python variable by its name
    "pandas_analyze_sample": "0",  # an object array is text; no type is guessed from a sample
}


_NUMBERS = frozenset(("tinyint", "utinyint", "smallint", "usmallint", "integer", "uinteger", "bigint", "double"))
"""Types of columns that `Engine.fetch_coded` knows to be numbers."""


class Engine:
    """A private DuckDB database in memory.

    Nothing is written to the disk unless `temp_directory` is given; then intermediate results that do not fit into
    `memory_limit` are kept there while they are needed.

    Parameters
    ----------
    memory_limit : str, optional
        For example ``"2GB"``; DuckDB's default is 80 % of the machine's memory.
    temp_directory : str, optional
        Folder for intermediate results larger than memory. It will hold (de-identified) rows, so it should be as
        well protected as the input.
    threads : int, optional
        How many threads the engine may use; by default one for each core. The answers do not depend on it.

    Attributes
    ----------
    notes : dict of str to object
        What loading has found out about tables while it goes on. Nobody is shown it: it may hold numbers of keys.

    Examples
    --------
    >>> with Engine() as engine:
    ...     engine.materialize("doses", "select 1 as patient, 75 as dose_mg")
    ...     engine.scalar("select max(dose_mg) from doses")
    75
    """

    __slots__ = ("_connection", "_most_rows", "notes")

    def __init__(
        self, *, memory_limit: str | None = None, temp_directory: str | None = None, threads: int | None = None
    ) -> None:
        settings: dict[str, str | bool | int | float | list[str]] = dict(_SETTINGS)
        settings["temp_directory"] = temp_directory or ""
        if memory_limit is not None:
            settings["memory_limit"] = memory_limit
        if threads is not None:
            settings["threads"] = threads
        self._connection: Any = _connect(settings)
        self.notes: dict[str, object] = {}
        self._most_rows = 0
        # In a notebook without widgets DuckDB refuses even to turn its progress bar off, but there it is off already.
        if self.scalar("select current_setting('enable_progress_bar')"):
            self._connection.execute("set enable_progress_bar = false")

    def __enter__(self) -> Engine:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def fetch(self, query: str) -> dict[str, NDArray[Any]]:
        """Return the columns of a query as NumPy arrays; a column with unknown values is a masked array.

        Rows come in the order the query asks for and in no particular order where it asks for none, so every query
        of more than one row ends with ``order by`` over a unique key.
        """

        def fetched() -> dict[str, NDArray[Any]]:
            result = self._connection.execute(query)
            enumerations = [name for name, kind, *_ in result.description if kind.id == "enum"]
            arrays: dict[str, NDArray[Any]] = result.fetchnumpy()
            return {**arrays, **{name: texts_of_enumeration(arrays[name]) for name in enumerations}}

        columns: dict[str, NDArray[Any]] = _without_values(fetched)
        return columns

    def fetch_numbers(self, query: str) -> dict[str, NDArray[Any]]:
        """Return the columns of a query as `fetch` does, all of them numbers; in less time where rows are many."""
        if not self.reads_batches:
            return self.fetch(query)
        columns = joined_columns(columns_of_batches(self.record_batches(query)), self._most_rows)
        return columns or self.fetch(query)  # no rows, no columns

    @property
    def reads_batches(self) -> bool:
        """Whether numbers are read in Arrow's batches: where a table has many rows and PyArrow is installed."""
        return self._most_rows > 0 and has_arrow()

    def expect_rows(self, n_rows: int) -> None:
        """Take note of how many rows a large table has: from now on it pays to load PyArrow."""
        self._most_rows = max(self._most_rows, n_rows)

    def record_batches(self, query: str) -> Iterator[Any]:
        """Yield a query's rows as Arrow record batches. Needs PyArrow.

        While batches are read the engine can do nothing else.
        """
        import duckdb
        import pyarrow as pa

        is_read = False
        try:
            with pa.RecordBatchReader.from_stream(self._connection.sql(query)) as reader:
                yield from reader
            is_read = True
        except (duckdb.Error, pa.ArrowException, OSError):
            pass
        if not is_read:  # outside of the handler, so that the error behind it, which may quote a value, is forgotten
            raise KatOutcomesError("the data engine cannot read a table; its own message may quote it and is left out.")

    @contextmanager
    def in_order(self) -> Iterator[None]:
        """Keep rows in the order of the one table, file or frame that is read while something is done."""
        self._connection.execute("set preserve_insertion_order = true")
        try:
            yield
        finally:
            self._connection.execute("set preserve_insertion_order = false")

    def fetch_coded(self, query: str) -> dict[str, NDArray[Any] | CodedTexts]:
        """Return the columns of a query as `fetch` does, but enumerations as numbers with the texts they stand for.

        The engine is asked for their codes, because the client would make pandas categoricals of them.
        """
        result = _without_values(
            lambda: self._connection.sql(query)
        )  # it is not run, but tells the types of its columns
        kinds = dict(zip(result.columns, result.types, strict=True))
        coded = {name: kind for name, kind in kinds.items() if kind.id == "enum"}
        cells = ", ".join(f"enum_code({name}) as {name}" if name in coded else name for name in kinds)
        are_numbers = {kind.id for kind in kinds.values()} <= _NUMBERS | {"enum"}
        fetch = self.fetch_numbers if are_numbers else self.fetch
        arrays = fetch(f"select {cells} from ({query}) as coded" if coded else query)
        return {name: coded_texts(array, kinds[name]) if name in coded else array for name, array in arrays.items()}

    def scalar(self, query: str) -> Any:
        """Return the single value of a query with one row and one column; None where it is unknown."""
        # Everything is fetched: a result with rows left blocks the connection's next work.
        rows = _without_values(lambda: self._connection.execute(query).fetchall())
        if len(rows) != 1 or len(rows[0]) != 1:
            raise OptionError("scalar() needs a query with one row and one column.")
        return rows[0][0]

    def materialize(self, name: str, query: str) -> None:
        """Make the table `name` from a query; a table or view of that name is replaced."""
        if not self._replaced("table", name, query):  # a view has the name; the query may read it
            made = f"made_{name}"[:63]
            self._replaced("table", made, query)
            self.drop(name)
            self._connection.execute(f"alter table {made} rename to {name}")

    def view(self, name: str, query: str) -> None:
        """Give a query the name `name`; a table or view of that name is replaced. It runs again whenever it is used."""
        if not self._replaced("view", name, query):
            self.drop(name)
            self._replaced("view", name, query)

    def show_once(self, name: str, query: str) -> None:
        """Give a name to a query that will be read once, so that its rows need not be kept."""
        self.view(name, query)

    def _replaced(self, kind: str, name: str, query: str) -> bool:
        """Make a table or view; return False where something of the other kind has the name, which is left as it is."""
        import duckdb

        statement = f"create or replace {kind} {checked_name(name)} as {query}"
        try:
            _without_values(lambda: self._connection.execute(statement))
        except duckdb.CatalogException as error:
            if "trying to replace with type" not in str(error):
                raise
            return False
        return True

    def has(self, name: str) -> bool:
        """Return whether there is a table or view of that name."""
        name = checked_name(name)
        tables = f"select count(*) from duckdb_tables() where table_name = '{name}'"
        views = f"select count(*) from duckdb_views() where view_name = '{name}'"
        return bool(self.scalar(f"select ({tables}) + ({views})"))

    def insert(self, name: str, query: str) -> None:
        """Append the rows of a query to the table `name`."""
        statement = f"insert into {checked_name(name)} {query}"
        _without_values(lambda: self._connection.execute(statement))

    def enumerate_texts(self, name: str, columns: Sequence[str], most_values: int = 1000) -> None:
        """Turn text columns of a table that hold few different texts into enumerations, which take a byte or two."""
        counted = ", ".join(f"count(distinct {checked_name(column)}) as {column}" for column in columns)
        n_values = self.fetch(f"select {counted} from {checked_name(name)}") if columns else {}
        n_types = int(self.scalar("select count(*) from duckdb_types()"))
        for column in columns:
            if not n_values[column][0]:
                self._connection.execute(f"alter table {name} alter column {column} type enum('')")
            elif n_values[column][0] <= most_values:
                kind = f"texts_{name}_{column}_{n_types}"[:63]
                known = f"select distinct {column} from {name} where {column} is not null order by {column}"
                self._connection.execute(f"create type {kind} as enum ({known})")
                self._connection.execute(f"alter table {name} alter column {column} type {kind}")

    def make_enumeration(self, name: str, texts: str) -> None:
        """Make an enumeration of the texts of a query, each of them once."""
        statement = f"create type {checked_name(name)} as enum ({texts})"
        _without_values(lambda: self._connection.execute(statement))

    def drop_enumeration(self, name: str) -> None:
        """Forget an enumeration; one that is not there is no error."""
        self._connection.execute(f"drop type if exists {checked_name(name)}")

    def compress(self) -> None:
        """Pack the numbers of the tables that are there, which then take a fraction of their memory."""
        # The one method that is quick to try; packing keys, which are all different, takes long and saves little.
        self._connection.execute("set force_compression = 'bitpacking'")
        self._connection.execute("set disabled_compression_methods = 'dictionary,fsst,dict_fsst,zstd'")
        self._connection.execute("checkpoint")
        self._connection.execute("set force_compression = 'auto'")
        self._connection.execute("set disabled_compression_methods = ''")

    def give_back(self) -> None:
        """Give the memory that is free back to the machine, for the arrays that have to find room beside the tables."""
        for piece in ("0MB", _PIECE):  # whatever is free goes back when a table is dropped that is larger
            self._connection.execute(f"set allocator_bulk_deallocation_flush_threshold = '{piece}'")
            self._connection.execute(f"set allocator_flush_threshold = '{piece}'")
            self._connection.execute("create or replace temp table given_back as select 1 as piece")
            self._connection.execute("drop table given_back")

    def update(self, name: str, changes: str, where: str) -> None:
        """Change rows of a table: ``update name set changes from where``."""
        _without_values(lambda: self._connection.execute(f"update {checked_name(name)} set {changes} from {where}"))

    def delete(self, name: str, where: str) -> None:
        """Delete the rows of a table for which `where` is true."""
        _without_values(lambda: self._connection.execute(f"delete from {checked_name(name)} where {where}"))

    def drop(self, *names: str) -> None:
        """Forget tables and views; one that is not there is no error."""
        import duckdb

        for name in names:
            try:
                self._connection.execute(f"drop table if exists {checked_name(name)}")
            except duckdb.CatalogException:
                self._connection.execute(f"drop view {name}")

    def set_aside(self, name: str) -> bool:
        """Drop a table that can be made again, to make room; return True."""
        self.drop(name)
        return True

    def columns(self, name: str) -> tuple[str, ...]:
        """Return the names of a table's columns, in order."""
        return tuple(self.query_types(f"select * from {checked_name(name)}"))

    def materialize_arrays(self, name: str, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Make the table `name` from NumPy arrays of equal length; object arrays hold text."""
        with self.showing("katoutcomes_arrays", dict(arrays)):
            self.materialize(name, "select * from katoutcomes_arrays")

    def materialize_frame(self, name: str, frame: object) -> None:
        """Make the table `name` from a frame that speaks the Arrow interface, such as one of Polars or PyArrow."""
        with self.showing("katoutcomes_frame", frame):
            self.materialize(name, "select * from katoutcomes_frame")

    @contextmanager
    def showing(self, name: str, rows: object) -> Iterator[None]:
        """Give arrays of equal length, or a frame, a name in queries, without a copy, while something is done."""
        self._connection.register(checked_name(name), rows)
        try:
            yield
        finally:
            self._connection.unregister(name)

    def materialize_file(self, name: str, query: str, path: str) -> None:
        """Make the table `name` from a query that reads one file, named by ``?``, keeping the order of its rows.

        Raises
        ------
        ValueError
            If the file cannot be read. DuckDB's own message quotes the line, so it is not passed on.
        """
        import duckdb

        failed = False
        with self.in_order():
            try:
                self.drop(name)
                self._connection.execute(f"create table {checked_name(name)} as {query}", [path])
            except duckdb.Error:
                failed = True
        if failed:
            raise ValueError("the data engine cannot read this file.")

    def file_types(self, query: str, path: str) -> dict[str, str]:
        """Return column names and DuckDB types of a query that reads one file; ValueError if it cannot be read."""
        import duckdb

        failed = False
        rows: list[tuple[Any, ...]] = []
        try:
            rows = self._connection.execute(f"describe {query}", [path]).fetchall()
        except duckdb.Error:
            failed = True
        if failed:
            raise ValueError("the data engine cannot read this file.")
        return {row[0]: row[1] for row in rows}

    def arrow_table(self, query: str) -> Any:
        """Return a query as an Arrow table, which needs PyArrow."""
        return _without_values(lambda: self._connection.sql(query).to_arrow_table())

    def query_types(self, query: str) -> dict[str, str]:
        """Return column names and DuckDB types of a query."""
        return {row[0]: row[1] for row in self._connection.execute(f"describe {query}").fetchall()}

    def close(self) -> None:
        """Forget everything; a second call does nothing."""
        self._connection.close()


def _connect(settings: dict[str, Any]) -> Any:
    import duckdb

    try:
        return duckdb.connect(":memory:", config=settings)
    except (duckdb.Error, ValueError):
        message = "memory_limit is a size such as '2GB', temp_directory a folder, threads a whole number from 1 on."
    raise OptionError(message)


def _without_values(action: Callable[[], Any]) -> Any:
    """Return what an action on the connection gives, without those of DuckDB's messages that may quote a value."""
    import duckdb

    try:
        return action()
    except duckdb.OutOfMemoryException:
        message = "there is not enough memory; give the Engine a larger memory_limit, or a temp_directory."
    except (duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException) as mistake:
        if "ENUM(" not in str(mistake):
            raise  # a mistake in a query, which holds no value
        message = "the data engine cannot read a query; its own message names the texts of a column and is left out."
    except duckdb.Error:
        message = "the data engine met a value that it cannot convert; its own message may quote it and is left out."
    raise KatOutcomesError(message)  # outside of the handlers, so that the error behind it is forgotten
