"""Where a registry is loaded and where its tables are kept: in memory, in a workspace, or on Spark."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from katoutcomes.errors import OptionError
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.engines.spark_engine import SparkEngine
from katoutcomes.registry.engines.workspace import WorkspaceEngine
from katoutcomes.registry.registry import Registry
from katoutcomes.registry.registry_record import recorded_registry, registry_record

_SMALL_BYTES = 2_000_000
_SMALL_ROWS = 100_000
Load = Callable[[Engine], Registry]
"""Reads, checks and links the tables of the input in an engine."""


def is_small(source: object) -> bool:
    """Return whether an input has fewer rows than the engine gives to one thread, so that a second would only wait.

    Parameters
    ----------
    source : path or mapping of str to DataFrame
        What is to be read.
    """
    if isinstance(source, str | Path):
        folder = Path(source)
        files = [path for path in folder.iterdir() if path.is_file()] if folder.is_dir() else None
        return files is not None and sum(path.stat().st_size for path in files) <= _SMALL_BYTES
    frames = source.values() if isinstance(source, Mapping) else ()
    return all(hasattr(frame, "__len__") and len(frame) <= _SMALL_ROWS for frame in frames)


def load_into(
    engine: Engine | SparkEngine | None,
    load: Load,
    *,
    fingerprint: Callable[[], str | None],
    say: Callable[[str], None],
    is_small: bool = False,
) -> Registry:
    """Return the registry with its tables in an engine.

    Parameters
    ----------
    engine : Engine or SparkEngine or None
        None is a new engine in memory. A `WorkspaceEngine` may hold the registry already. A `SparkEngine` takes the
        accepted tables of one that was loaded in memory.
    load : callable
        Loads into an `Engine`.
    fingerprint : callable
        Returns what the load depends on; None if that cannot be told. Only a workspace asks.
    say : callable
        Is told what is being done.
    is_small : bool, default False
        Whether the input is so small that a second thread would only wait for work.

    Returns
    -------
    Registry
        Its `engine` is the given one.
    """
    if isinstance(engine, WorkspaceEngine):
        return _found_or_loaded(engine, load, fingerprint(), say)
    if isinstance(engine, Engine):
        return load(engine)
    if engine is None:
        return _loaded_in_memory(load, Engine(threads=1) if is_small else Engine())
    if not isinstance(engine, SparkEngine):
        raise OptionError("engine must be an Engine, a WorkspaceEngine or a SparkEngine.")
    with Engine() as memory:
        loaded = load(memory)
        say("handing the accepted tables to Spark")
        engine.take_tables(memory)
    return replace(loaded, engine=engine)


def _loaded_in_memory(load: Load, engine: Engine) -> Registry:
    try:
        return load(engine)
    except BaseException:
        engine.close()
        raise


def _found_or_loaded(
    engine: WorkspaceEngine, load: Load, fingerprint: str | None, say: Callable[[str], None]
) -> Registry:
    record = engine.find_registry(fingerprint) if fingerprint is not None else None
    if record is not None:
        say("taking the registry from the workspace")
        return recorded_registry(engine, record)
    engine.leave()
    loaded = load(engine)
    say("keeping the registry in the workspace")
    engine.keep_registry(fingerprint or "", registry_record(loaded))
    return loaded
