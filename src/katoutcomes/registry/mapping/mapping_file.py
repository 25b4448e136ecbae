"""The mapping file: a TOML text that says how the files of another format become the tables of the schema.

This module reads what all formats share; each format reads its own sections, and whatever nobody asked for is an error.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from katoutcomes.errors import DataError, OptionError
from katoutcomes.instruments.toml_table import TomlTable, parse_toml, raise_problems
from katoutcomes.registry.checking.prorating import joined_rules, prorating_rules
from katoutcomes.vocabulary import SCHEMA_VERSION

MAPPING_FILE = "mapping.toml"
"""The mapping file of a folder, where none is named."""

FORMATS: tuple[str, ...] = ("tables", "redcap", "fhir", "omop", "mirah")


@dataclass(frozen=True, slots=True, eq=False)
class Mapping:
    """A mapping file whose common part has been read.

    Attributes
    ----------
    format : str
        One of `FORMATS`.
    digest : str
        SHA-256 of the file's text, as hexadecimal digits; it goes into the provenance.
    file : str
        Name of the file, without its folder.
    table : TomlTable
        The document. A format asks it for its own keys and then calls `finish`.
    is_synthetic : bool
        Whether the mapping says that the data were made by a program.
    prorating : tuple of (str, str)
        Id of a scale, and the name of its rule for missing items that is asked for.
    """

    format: str
    digest: str
    file: str
    table: TomlTable
    is_synthetic: bool
    prorating: tuple[tuple[str, str], ...] = ()

    def finish(self) -> None:
        """Raise one `DataError` with every problem of the file, unknown keys included; do nothing if there is none."""
        self.table.finish()
        raise_problems(self.file, self.table.problems)


def read_mapping(path: str | Path) -> Mapping:
    """Read the common part of a mapping file.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Mapping
        Its format, and the document for the reader of that format.

    Raises
    ------
    DataError
        If there is no such file, it is no TOML, or `schema_version` or `format` is missing or unknown.
    """
    file = Path(path)
    if not file.is_file():
        raise DataError(f"rule mapping_file: there is no file {file.name!r}.")
    text = _text(file)
    if text is None:
        raise DataError(f"{file.name}: rule mapping_file: a mapping file must be UTF-8.")
    return parse_mapping(text, file.name)


def parse_mapping(text: str, file_name: str) -> Mapping:
    r"""Read the common part of the text of a mapping file.

    Parameters
    ----------
    text : str
        The document.
    file_name : str
        How an error names it.

    Raises
    ------
    DataError
        As `read_mapping`.

    Examples
    --------
    >>> parse_mapping('schema_version = "1.0"\nformat = "tables"', "mapping.toml").format
    'tables'
    >>> parse_mapping('format = "spss"', "mapping.toml")
    Traceback (most recent call last):
    ...
    katoutcomes.errors.DataError: mapping.toml has 2 problems:
    - schema_version: is missing.
    - format: must be one of 'tables', 'redcap', 'fhir', 'omop', 'mirah'.
    """
    table = TomlTable(parse_toml(text, file_name), "", [])
    table.choice("schema_version", (SCHEMA_VERSION,))
    format_name = table.choice("format", FORMATS)
    is_synthetic = table.flag("is_synthetic", default=False)
    prorating = _read_prorating(table.table("prorating", is_required=False))
    raise_problems(file_name, table.problems)
    digest = hashlib.sha256(text.encode()).hexdigest()
    return Mapping(format_name, digest, file_name, table, is_synthetic, prorating)


def _read_prorating(table: TomlTable) -> tuple[tuple[str, str], ...]:
    """Return the rules for missing items that are asked for, by scale."""
    rules: dict[str, str] = {}
    for scale in table.names():
        rule = table.text(scale)
        try:
            rules = joined_rules(rules, prorating_rules({scale: rule} if rule else {}))
        except OptionError as problem:
            table.note(scale, str(problem))
    return tuple(rules.items())


def mapping_of_folder(folder: Path) -> Mapping | None:
    """Return the mapping file that a folder holds, None if it holds none."""
    path = folder / MAPPING_FILE
    return read_mapping(path) if path.is_file() else None


def _text(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        return None
