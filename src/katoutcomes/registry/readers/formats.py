"""Which reader takes which format: one line a format."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from katoutcomes.errors import DataError, OptionError, meant_beside

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine
    from katoutcomes.registry.mapping.mapping_file import Mapping as MappingFile
    from katoutcomes.registry.readers.conversion import Conversion

_ROOM = "katoutcomes.registry.readers"

CONVERTERS: Mapping[str, str] = MappingProxyType(
    {
        "tables": f"{_ROOM}.mapped_tables.convert:convert",
        "redcap": f"{_ROOM}.redcap.convert:convert",
        "fhir": f"{_ROOM}.fhir.convert:convert",
        "omop": f"{_ROOM}.omop.convert:convert",
        "mirah": f"{_ROOM}.mirah.convert:convert",
    }
)
"""Format to the function ``convert(folder, mapping, engine, say) -> Conversion`` that reads it."""

DRAFTERS: Mapping[str, str] = MappingProxyType(
    {
        "redcap": f"{_ROOM}.redcap.draft:draft",
        "fhir": f"{_ROOM}.fhir.draft:draft",
        "omop": f"{_ROOM}.omop.draft:draft",
        "mirah": f"{_ROOM}.mirah.draft:draft",
    }
)
"""Format to the function ``draft(folder, engine) -> str`` that writes the sections of its mapping file."""


def convert_source(source: Any, mapping: MappingFile, engine: Engine, say: Callable[[str], None]) -> Conversion:
    """Read a source as its mapping says.

    Parameters
    ----------
    source : path or mapping of str to frame
        A folder, or frames by the names that the mapping uses.
    mapping : Mapping
        The mapping file.
    engine : Engine
        Where files are read.
    say : callable
        Is told what is being done.

    Raises
    ------
    DataError
        If there is no such folder, or a section of the mapping file is wrong.
    OptionError
        If frames are given for a format that is read from files only, or `source` is neither a path nor a mapping.
    """
    convert = _target(CONVERTERS[mapping.format])
    found: Conversion
    if isinstance(source, Mapping):
        if mapping.format != "tables":
            raise OptionError(f"format {mapping.format!r} is read from a folder; frames go with format 'tables'.")
        found = convert(source, mapping, engine, say)
        return found
    if not isinstance(source, str | Path):
        raise OptionError("read_registry takes the path of a folder or a mapping of names to data frames.")
    folder = Path(source)
    if not folder.is_dir():
        needed = "The mapping names files that it should hold."
        raise DataError(f"there is no such folder: {folder.name!r}.{meant_beside(folder)} {needed}")
    found = convert(folder, mapping, engine, say)
    return found


def drafter(format_name: str) -> Callable[[Path, Engine], str] | None:
    """Return the function that drafts the sections of a format, None if that format is drafted column by column."""
    return _target(DRAFTERS[format_name]) if format_name in DRAFTERS else None


def _target(place: str) -> Callable[..., Any]:
    module, _, name = place.partition(":")
    function: Callable[..., Any] = getattr(import_module(module), name)
    return function
