"""The data engine: DuckDB inside the process, and the one function that fills a stage's placeholders.

Table work is SQL, one readable stage a file (`sql/*.sql`), in the subset that means the same on DuckDB and on Spark;
each stage is materialized as a table. Only this module imports duckdb.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from katoutcomes.errors import KatOutcomesError, OptionError
from katoutcomes.registry.engines.table_engine import checked_name, is_name

if TYPE_CHECKING:
    from types import TracebackType

    import numpy as np
    from numpy.typing import NDArray

_PLACEHOLDER = re.compile(r"\{\{([a-z_]+)\}\}")

_HASHES_AT_ONCE = 32_000_000
"""128 MB of hashes are sorted at once."""

# Every setting that could change an answer, reach the network, print, or leave data on the disk is written here, so
# that neither a user's DuckDB configuration nor a later default decides it.
_SETTINGS: Mapping[str, str] = {
    "allow_community_extensions": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allocator_bulk_deallocation_flush_threshold": "16MB",  # what a dropped table held goes back to the machine
    "allocator_flush_threshold": "16MB",
    "default_null_order": "nulls_last",
    "enable_external_file_cache": "false",  # a file is read once or twice, so its bytes need not stay in memory
    "preserve_insertion_order": "false",
    "python_enable_replacements": "false",  # a query never picks up a Python variable by its name
    "pandas_analyze_sample": "0",  # an object array is text; no type is guessed from a sample
}


def stage_text(package: str, name: str, **values: int | float | str) -> str:
    """Return the text of one SQL stage with its placeholders filled.

    Parameters
    ----------
    package : str
        The room that holds the stage, for example ``"katoutcomes.registry"``; its folder ``sql`` is looked in.
    name : str
        File name without ``.sql``, for example ``"08_index_days"``.
    **values : int, float or str
        A value for each ``{{placeholder}}``: a finite number, or the name of a table or column. Nothing else can be
        put into a stage, so no value of the data ever becomes part of a query.

    Returns
    -------
    str
        The query.

    Raises
    ------
    OptionError
        If a value is not a finite number or a plain identifier, or if the values are not exactly those the stage
        asks for.

    Examples
    --------
    >>> print(stage_text("katoutcomes.registry", "02_rejected_rows", table="sessions", file=2))
    -- Rows of an event table that have broken a rule.
    select t.*
    from linked_sessions as t
    ...
    """
    text = (files(package) / "sql" / f"{name}.sql").read_text(encoding="utf-8")
    wanted = set(_PLACEHOLDER.findall(text))
    if wanted != set(values):
        raise OptionError(f"stage {name!r} takes {sorted(wanted)}; got {sorted(values)}.")
    filled = {key: _placeholder_text(key, value) for key, value in values.items()}
    return _PLACEHOLDER.sub(lambda match: filled[match.group(1)], text)


def _placeholder_text(key: str, value: float | str) -> str:
    if isinstance(value, str) and is_name(value):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        text = repr(value)
        return text if "e" in text else f"{text}e0"  # an exponent makes it a double, not a decimal, on both engines
    raise OptionError(f"placeholder {key!r} takes a finite number or a plain identifier.")


@dataclass(frozen=True, slots=True, eq=False)
class CodedTexts:
    """A column of few different texts.

    Attributes
    ----------
    codes : ndarray of int32
        Position in `values`; -1 where the text is not known.
    values : tuple of str
        The texts that may occur.
    """

    codes: NDArray[np.int32]
    values: tuple[str, ...]

    def texts(self) -> NDArray[Any]:
        """Return the texts themselves; unknown ones are masked."""
        import numpy as np

        texts: NDArray[Any] = np.array([*self.values, None], dtype=object)[self.codes]
        unknown = self.codes < 0
        return np.ma.masked_array(texts, unknown) if unknown.any() else texts


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

    Examples
    --------
    >>> with Engine() as engine:
    ...     engine.materialize("doses", "select 1 as patient, 75 as dose_mg")
    ...     engine.scalar("select max(dose_mg) from doses")
    75
    """

    __slots__ = ("_connection",)

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
        columns = self.fetch_coded(query)
        return {name: column.texts() if isinstance(column, CodedTexts) else column for name, column in columns.items()}

    def fetch_coded(self, query: str) -> dict[str, NDArray[Any] | CodedTexts]:
        """Return the columns of a query as `fetch` does, but enumerations as numbers with the texts they stand for."""

        def fetched() -> dict[str, NDArray[Any] | CodedTexts]:
            result = self._connection.sql(query)  # it runs only when it is fetched
            kinds = {name: kind for name, kind in zip(result.columns, result.types, strict=True) if kind.id == "enum"}
            # The client would make pandas categoricals of enumerations; their numbers are all that is needed.
            cells = [f"enum_code({name}) as {name}" if name in kinds else name for name in result.columns]
            arrays: dict[str, NDArray[Any]] = (result.project(", ".join(cells)) if kinds else result).fetchnumpy()
            return {
                name: _coded_texts(array, kinds[name]) if name in kinds else array for name, array in arrays.items()
            }

        columns: dict[str, NDArray[Any] | CodedTexts] = _without_values(fetched)
        return columns

    def scalar(self, query: str) -> Any:
        """Return the single value of a query with one row and one column; None where it is unknown."""
        # Everything is fetched: a result with rows left blocks the connection's next work.
        rows = _without_values(lambda: self._connection.execute(query).fetchall())
        if len(rows) != 1 or len(rows[0]) != 1:
            raise OptionError("scalar() needs a query with one row and one column.")
        return rows[0][0]

    def materialize(self, name: str, query: str) -> None:
        """Make the table `name` from a query; a table or view of that name is replaced."""
        made = f"made_{name}"[:63]
        _without_values(lambda: self._connection.execute(f"create or replace table {checked_name(made)} as {query}"))
        self._take_name(made, name)

    def view(self, name: str, query: str) -> None:
        """Give a query the name `name`; a table or view of that name is replaced. It runs again whenever it is used."""
        self.drop(name)
        _without_values(lambda: self._connection.execute(f"create view {checked_name(name)} as {query}"))

    def materialize_repeated(self, name: str, relation: str, columns: Sequence[str], row: str) -> None:
        """Make the table `name` of the rows whose values in some columns stand together in another row as well.

        Rows in which one of the values is unknown are left out. Halves of the hashes of the values are sorted first,
        which takes a fraction of the time and memory of counting every value; only rows whose half hash stands twice
        are looked at.

        Parameters
        ----------
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
        self.materialize_arrays("repeated_hashes", {"h": self._repeated(half, f"{relation} where {known}")})
        self.materialize(
            "rows_alike",
            f"select {checked_name(row)}, {listed} from {relation} where {known} "
            f"and {half} in (select h from repeated_hashes)"
            if self.scalar("select count(*) from repeated_hashes")
            else f"select {checked_name(row)}, {listed} from {relation} limit 0",
        )
        crowded = f"select {listed} from rows_alike group by {listed} having count(*) > 1"
        self.materialize(name, f"select a.* from rows_alike as a inner join ({crowded}) as c using ({listed})")
        self.drop("repeated_hashes", "rows_alike")

    def _repeated(self, cell: str, relation: str) -> NDArray[np.uint32]:
        """Return the values of whole numbers of 32 bits that stand in more than one row, some of them too often."""
        import numpy as np

        n_rows = int(self.scalar(f"select count(*) from {relation}"))
        n_parts = -(-n_rows // _HASHES_AT_ONCE)
        twice = [np.zeros(0, dtype=np.uint32)]
        for part in range(n_parts):
            in_part = f" and {cell} % {n_parts} = {part}" if n_parts > 1 else ""
            found = np.asarray(self.fetch(f"select {cell} as h from {relation}{in_part}")["h"], dtype=np.uint32)
            found.sort()
            twice.append(found[1:][found[1:] == found[:-1]])
        return np.unique(np.concatenate(twice))

    def has(self, name: str) -> bool:
        """Return whether there is a table or view of that name."""
        name = checked_name(name)
        tables = f"select count(*) from duckdb_tables() where table_name = '{name}'"
        views = f"select count(*) from duckdb_views() where view_name = '{name}'"
        return bool(self.scalar(f"select ({tables}) + ({views})"))

    def _take_name(self, made: str, name: str) -> None:
        """Drop what has a name, and give it to the table that was made."""
        self.drop(name)
        self._connection.execute(f"alter table {made} rename to {checked_name(name)}")

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

    def compress(self) -> None:
        """Pack the numbers of the tables that are there, which then take a fraction of their memory."""
        # The one method that is quick to try; packing keys, which are all different, takes long and saves little.
        self._connection.execute("set force_compression = 'bitpacking'")
        self._connection.execute("set disabled_compression_methods = 'dictionary,fsst,dict_fsst,zstd'")
        self._connection.execute("checkpoint")
        self._connection.execute("set force_compression = 'auto'")
        self._connection.execute("set disabled_compression_methods = ''")

    def update(self, name: str, changes: str, where: str) -> None:
        """Change rows of a table: ``update name set changes from where``."""
        _without_values(lambda: self._connection.execute(f"update {checked_name(name)} set {changes} from {where}"))

    def delete(self, name: str, where: str) -> None:
        """Delete the rows of a table for which `where` is true."""
        _without_values(lambda: self._connection.execute(f"delete from {checked_name(name)} where {where}"))

    def drop_columns(self, name: str, *columns: str) -> None:
        """Forget columns of a table."""
        for column in columns:
            self._connection.execute(f"alter table {checked_name(name)} drop column {checked_name(column)}")

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
        self._connection.register("katoutcomes_arrays", dict(arrays))
        try:
            self.materialize(name, "select * from katoutcomes_arrays")
        finally:
            self._connection.unregister("katoutcomes_arrays")

    def materialize_frame(self, name: str, frame: object) -> None:
        """Make the table `name` from a frame that speaks the Arrow interface, such as one of Polars or PyArrow."""
        self._connection.register("katoutcomes_frame", frame)
        try:
            self.materialize(name, "select * from katoutcomes_frame")
        finally:
            self._connection.unregister("katoutcomes_frame")

    def materialize_file(self, name: str, query: str, path: str) -> None:
        """Make the table `name` from a query that reads one file, named by ``?``, keeping the order of its rows.

        Raises
        ------
        ValueError
            If the file cannot be read. DuckDB's own message quotes the line, so it is not passed on.
        """
        import duckdb

        self._connection.execute("set preserve_insertion_order = true")
        failed = False
        try:
            self.drop(name)
            self._connection.execute(f"create table {checked_name(name)} as {query}", [path])
        except duckdb.Error:
            failed = True
        self._connection.execute("set preserve_insertion_order = false")
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


def _coded_texts(codes: NDArray[Any], kind: Any) -> CodedTexts:
    import numpy as np

    known = np.ma.getdata(codes).astype(np.int32)
    known[np.ma.getmaskarray(codes)] = -1
    return CodedTexts(known, tuple(dict(kind.children)["values"]))


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
