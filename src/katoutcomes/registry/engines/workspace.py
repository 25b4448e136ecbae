"""A folder in which an accepted registry and the stages of its cohorts are kept from one run to the next.

Loading happens in memory. Only what has passed the privacy gate and every rule is written: the accepted tables with
their load report, and after them each finished stage with the fingerprint of all it was made of.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from katoutcomes.errors import KatOutcomesError, OptionError
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.engines.table_engine import checked_name
from katoutcomes.registry.tables import EVENT_TABLES, KEPT_TABLES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FILE = "registry.duckdb"
_UNFINISHED = "unfinished.duckdb"
_OWN_FILES = frozenset(name + ending for name in (_FILE, _UNFINISHED) for ending in ("", ".wal"))
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_UNKNOWN_CONTENT = frozenset({"katoutcomes_arrays", "katoutcomes_frame"})
"""Names under which `Engine` shows objects of Python to a query: the query alone does not tell what they hold."""


class WorkspaceEngine(Engine):
    """An `Engine` that keeps an accepted registry and its finished stages in a folder.

    `read_registry` loads into it once: as long as the files, the mapping, the options and the program are the same, the
    next call, also of another process, finds the accepted tables there and reads nothing else. A cohort stage that was
    finished before the program was stopped is not made again. A load that is stopped leaves nothing and starts anew.

    Parameters
    ----------
    folder : path
        A folder of its own; it is made, for its owner alone, if it is not there. It holds accepted, de-identified rows
        with their keys (and the load report, which has no values) and must be protected like the input. Nothing is
        written there before the privacy gate has been passed, so no text of the input and no rejected row is. Delete
        the folder to forget everything.
    memory_limit, temp_directory, threads
        As for `Engine`.

    Raises
    ------
    OptionError
        If the folder holds other files, so that data are never replaced by mistake.
    KatOutcomesError
        If another process uses the folder, or its content cannot be read.

    Notes
    -----
    A fingerprint is the SHA-256 of the version of the package and of the data engine, the text of everything that loads
    (SQL, Python, catalog), the bytes of all files of the input folder, the mapping and the options; for a stage, of its
    query and the fingerprints of the tables it names. Data frames have no such digest: they are loaded anew each time.
    What is found is the registry that an earlier run kept: whoever may write into the folder may change it.

    Examples
    --------
    >>> import tempfile
    >>> import katoutcomes as kat
    >>> from katoutcomes.registry.synthetic.clinic import simulate_tables, write_tables
    >>> with tempfile.TemporaryDirectory() as here:
    ...     _ = write_tables(simulate_tables(20260930, n_patients=40), f"{here}/data")
    ...     first = kat.read_registry(f"{here}/data", engine=WorkspaceEngine(f"{here}/kept"))
    ...     first.close()
    ...     again = kat.read_registry(f"{here}/data", engine=WorkspaceEngine(f"{here}/kept"), progress=print)
    ...     again.close()
    taking the registry from the workspace
    >>> first.digest == again.digest
    True
    """

    __slots__ = ("_folder", "_is_open", "_origins", "_unknown")

    def __init__(
        self,
        folder: str | Path,
        *,
        memory_limit: str | None = None,
        temp_directory: str | None = None,
        threads: int | None = None,
    ) -> None:
        self._folder = _own_folder(Path(folder))
        self._is_open = False
        self._origins: dict[str, str] = {}
        self._unknown = set(_UNKNOWN_CONTENT)
        super().__init__(memory_limit=memory_limit, temp_directory=temp_directory, threads=threads)

    def find_registry(self, fingerprint: str) -> str | None:
        """Open the kept registry of a fingerprint and return its record; None if another one or none is kept."""
        self.leave()
        path = self._folder / _FILE
        if not path.exists():
            return None
        self._attach(path)
        kept = self.fetch("select fingerprint, record from workspace.main.kept_registry")
        if kept["fingerprint"].tolist() != [fingerprint]:
            self._connection.execute("detach workspace")
            return None
        self._use(fingerprint)
        return str(kept["record"][0])

    def keep_registry(self, fingerprint: str, record: str) -> None:
        """Write the accepted tables that lie in memory into the folder, in the place of what was kept there.

        They are written into a file of another name, which is renamed when it is complete: a write that was stopped is
        never taken for a finished one.
        """
        unfinished, finished = self._folder / _UNFINISHED, self._folder / _FILE
        _delete(unfinished)
        self._attach(unfinished)
        for name in KEPT_TABLES:
            self._connection.execute(f"create table workspace.main.{name} as from memory.main.{name}")
        self._connection.execute("create table workspace.main.kept_stages (name varchar, fingerprint varchar)")
        self._connection.execute("create table workspace.main.kept_registry (fingerprint varchar, record varchar)")
        self._connection.execute("insert into workspace.main.kept_registry values (?, ?)", [fingerprint, record])
        self._connection.execute("checkpoint workspace")
        self._connection.execute("detach workspace")
        self.drop(*KEPT_TABLES, *(f"kept_{schema.name}" for schema in EVENT_TABLES))
        _delete(finished)
        unfinished.rename(finished)
        self._attach(finished)
        self._use(fingerprint)

    def leave(self) -> None:
        """Go back to memory, where the next registry is loaded."""
        if self._is_open:
            self._connection.execute("use memory")
            self._connection.execute("detach workspace")
            self._is_open = False
        self._origins.clear()

    def materialize(self, name: str, query: str) -> None:
        """Make the table `name` from a query, unless it was made of the same before."""
        if not self._is_open:
            super().materialize(name, query)
            return
        origin = self._origin(query)
        if origin is not None and self._origins.get(name) == origin:
            return
        self._forget(name)
        super().materialize(name, query)
        self._remember(name, origin)

    def materialize_arrays(self, name: str, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Make the table `name` from NumPy arrays, unless it was made of the same before."""
        origin = _array_digest(arrays) if self._is_open else None
        if origin is not None and self._origins.get(name) == origin:
            return
        super().materialize_arrays(name, arrays)
        if self._is_open:
            self._remember(name, origin)

    def insert(self, name: str, query: str) -> None:
        """Append the rows of a query to a table; what is made of it is not kept."""
        self._forget(name)
        super().insert(name, query)

    def update(self, name: str, changes: str, where: str) -> None:
        """Change rows of a table; what is made of it is not kept."""
        self._forget(name)
        super().update(name, changes, where)

    def delete(self, name: str, where: str) -> None:
        """Delete the rows of a table for which `where` is true; what is made of it is not kept."""
        self._forget(name)
        super().delete(name, where)

    def view(self, name: str, query: str) -> None:
        """Give a query the name `name`; what is made of it is not kept."""
        super().view(name, query)
        self._forget(name)

    def show_once(self, name: str, query: str) -> None:
        """Make a table, of which it is known what it was made of, so that what is made of it can be kept."""
        if self._is_open:
            self.materialize(name, query)
        else:
            super().show_once(name, query)

    def drop(self, *names: str) -> None:
        """Forget tables and views; one that is not there is no error."""
        if self._is_open:
            for name in names:
                self._forget(name)
        super().drop(*names)
        self._unknown.difference_update(set(names) - _UNKNOWN_CONTENT)

    def set_aside(self, name: str) -> bool:
        """Keep a stage of an open workspace, which lies on the disk and may be asked for by the next run."""
        return False if self._is_open else super().set_aside(name)

    def close(self) -> None:
        """Leave the folder as it is and forget the rest; a second call does nothing."""
        self._is_open = False
        super().close()

    def _attach(self, path: Path) -> None:
        import duckdb

        failed = False
        try:
            self._connection.execute(f"attach '{str(path).replace(chr(39), chr(39) * 2)}' as workspace (type duckdb)")
        except duckdb.Error:
            failed = True
        if failed:
            raise KatOutcomesError(
                "the workspace cannot be opened: another process uses it, or another version of the data engine wrote "
                "it. Close the other, or delete the folder of the workspace."
            )

    def _use(self, fingerprint: str) -> None:
        self._connection.execute("use workspace")
        stages = self._connection.execute("select name, fingerprint from kept_stages").fetchall()
        self._origins = {**dict(stages), **{name: _digest(fingerprint, name) for name in KEPT_TABLES}}
        present = self._connection.execute("select table_name from duckdb_tables() where database_name = 'workspace'")
        self._unknown = {*_UNKNOWN_CONTENT, *(name for (name,) in present.fetchall() if name not in self._origins)}
        self._is_open = True

    def _origin(self, query: str) -> str | None:
        """Return the fingerprint of what a query makes, None if it names a table of unknown content."""
        named = sorted(set(_WORD.findall(query)))
        if not self._unknown.isdisjoint(named):
            return None
        return _digest(query, *(f"{name}={self._origins[name]}" for name in named if name in self._origins))

    def _forget(self, name: str) -> None:
        """Take a table for one of unknown content, before it is changed."""
        if self._is_open and name in KEPT_TABLES:
            raise OptionError("the accepted tables of a workspace are never changed.")
        self._unknown.add(checked_name(name))
        if self._is_open and self._origins.pop(name, None) is not None:
            self._connection.execute("delete from kept_stages where name = ?", [name])

    def _remember(self, name: str, origin: str | None) -> None:
        """Note, after a table has been made, of what."""
        if origin is None:
            self._unknown.add(name)
        else:
            self._connection.execute("insert into kept_stages values (?, ?)", [name, origin])
            self._origins[name] = origin
            self._unknown.discard(name)


def _own_folder(folder: Path) -> Path:
    if folder.exists():
        if not folder.is_dir() or {path.name for path in folder.iterdir()} - _OWN_FILES:
            raise OptionError("a workspace is a folder of its own; this one holds other files, or is no folder.")
    else:
        folder.mkdir(mode=0o700, parents=True)
    return folder


def _delete(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.with_name(f"{path.name}.wal").unlink(missing_ok=True)


def _digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode("utf-8")).hexdigest()


def _array_digest(arrays: Mapping[str, NDArray[Any]]) -> str | None:
    """Return the digest of the content of arrays; None where one holds objects."""
    import numpy as np

    total = hashlib.sha256()
    for name, values in arrays.items():
        if values.dtype.kind not in "biuf":
            return None
        parts = (np.ma.getdata(values), np.ma.getmaskarray(values))
        total.update(f"{name}\n{values.dtype.str}\n{len(values)}\n".encode())
        for part in parts:
            total.update(np.ascontiguousarray(part).tobytes())
    return total.hexdigest()
