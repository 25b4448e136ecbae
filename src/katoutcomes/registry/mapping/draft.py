"""`draft_mapping`: a mapping file for a folder of exports, drafted and explained, to be checked by a person."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

from katoutcomes.errors import DataError, meant_beside, require_option
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.mapping.mapping_file import FORMATS
from katoutcomes.registry.mapping.table_draft import draft_tables
from katoutcomes.registry.readers.formats import drafter
from katoutcomes.registry.readers.sources import read_marker
from katoutcomes.registry.tables import TABLES
from katoutcomes.vocabulary import SCHEMA_VERSION

NEEDS_NO_MAPPING = "the files have the names and columns of the schema, which is read without a mapping"
"""Why a folder is said to hold tables that need no draft."""

_DICTIONARY_COLUMN = "Variable / Field Name"
_OMOP_TABLES = frozenset(
    "person observation measurement procedure_occurrence drug_exposure visit_occurrence concept".split()  # noqa: SIM905
)
_FEWEST_OMOP_TABLES = 3
_MIRAH_COLUMNS = frozenset(("questionnaire_mnemonic", "score_domain"))


def draft_mapping(
    folder: str | Path,
    *,
    format_name: str | None = None,
    engine: Engine | None = None,
    progress: Callable[[str], None] | None = None,
) -> str:
    """Draft the mapping file of a folder.

    Names of columns and the forms of cells are looked at; the draft holds column names, counts, catalog names, known
    code words, digits and common missing codes, and no other cell. Every guess has its reason in a comment, and what is
    unsure says ``please check``. The same folder gives the same draft.

    Parameters
    ----------
    folder : str or Path
        The exports.
    format_name : {"tables", "redcap", "fhir", "omop", "mirah"}, optional
        What they are; by default it is found out.
    engine : Engine, optional
        Where the files are read; a new one in memory by default.
    progress : callable, optional
        Is told, in a few words, what is being done.

    Returns
    -------
    str
        TOML, to be saved as ``mapping.toml``.

    Raises
    ------
    DataError
        If there is no such folder, or nothing in it can be read.
    OptionError
        If `format_name` is not a format.
    """
    place = Path(folder)
    if not place.is_dir():
        raise DataError(f"there is no such folder: {place.name!r}.{meant_beside(place)}")
    if format_name is not None:
        require_option("format", format_name, FORMATS)
    chosen, why = (format_name, "as it was asked for") if format_name else recognized_format(place)
    used = engine if engine is not None else Engine()
    try:
        write = drafter(chosen)
        say = progress or (lambda _: None)
        say(f"looking at the files as {chosen}")
        sections = draft_tables(place, used, say) if write is None else write(place, used)
    finally:
        if engine is None:
            used.close()
    return _common_part(chosen, why, is_synthetic=read_marker(place)) + sections


def recognized_format(folder: Path) -> tuple[str, str]:
    """Return the format that a folder seems to be in, and why.

    Parameters
    ----------
    folder : Path
        The exports.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file())
    if any(path.suffix.lower() in (".ndjson", ".jsonl") and _holds_resources(path) for path in files):
        return "fhir", "a file holds FHIR resources, one a line"
    headers = {path: _header(path) for path in files if path.suffix.lower() == ".csv"}
    if any(_DICTIONARY_COLUMN in header for header in headers.values()):
        return "redcap", "a file is a REDCap data dictionary"
    if any(set(header) >= _MIRAH_COLUMNS for header in headers.values()):
        return "mirah", "a file has the columns of Mirah's outcomes export"
    stems = {path.stem.lower() for path in files if path.suffix.lower() in (".csv", ".parquet", ".tsv")}
    if len(stems & _OMOP_TABLES) >= _FEWEST_OMOP_TABLES:
        return "omop", "the files are called like tables of the OMOP common data model"
    if _is_in_the_schema({path.name.lower(): header for path, header in headers.items()}):
        return "tables", NEEDS_NO_MAPPING
    return "tables", "the files are tables of no format that is known"


def _is_in_the_schema(headers: dict[str, list[str]]) -> bool:
    """Return whether the tables that every registry has are there, each with the columns that it must have."""
    for schema in (schema for schema in TABLES if schema.is_required):
        header = set(headers.get(f"{schema.name}.csv", ()))
        needed = {column.name for column in schema.columns if column.is_required}
        if not needed <= header or (schema.has_days and not header & {"day", "date"}):
            return False
    return True


def _common_part(format_name: str, why: str, *, is_synthetic: bool) -> str:
    return (
        "# A draft. Read every line, correct what says “please check” or “CONFIRM”, and delete what is not wanted;\n"
        "# `katoutcomes check` then shows what the mapping makes of the files.\n"
        f'schema_version = "{SCHEMA_VERSION}"\n'
        f'format = "{format_name}"  # {why}\n'
        f"is_synthetic = {str(is_synthetic).lower()}\n"
    )


def _header(path: Path) -> list[str]:
    """Return the first line of a CSV file, no cell where it cannot be read."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return next(csv.reader(file), [])
    except (UnicodeDecodeError, csv.Error):
        return []


def _holds_resources(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8-sig") as file:
            line = file.readline()
        return "resourceType" in json.loads(line)
    except (ValueError, TypeError, RecursionError):
        return False
