"""How coded columns are drafted: the known words among their cells, what they mean, and how many cells are left."""

from __future__ import annotations

import json
import re
from collections import Counter

from katoutcomes.errors import OptionError
from katoutcomes.instruments.catalog import instrument
from katoutcomes.registry.mapping.file_guesses import SeenFile, Target
from katoutcomes.registry.mapping.profiles import known_codes
from katoutcomes.registry.mapping.words import CODE_WORDS, ICD_10, MISSING_WORDS, normalized
from katoutcomes.registry.tables import Column, table_schema

CHECK = "# please check"
"""Begins the comment of every guess that is not sure."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_CODE_SEPARATORS = (";", ",", "|", "/")


def key_text(key: str) -> str:
    """Return a key as TOML writes it.

    Examples
    --------
    >>> key_text("Datum"), key_text("Dosis pro kg")
    ('Datum', '"Dosis pro kg"')
    """
    return key if _BARE_KEY.fullmatch(key) else value_text(key)


def value_text(value: str) -> str:
    r"""Return a text as TOML writes it.

    Examples
    --------
    >>> print(value_text('a "b"\n'))
    "a \"b\"\n"
    """
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def without_unknown_codes(
    file: SeenFile, table: str, targets: tuple[Target, ...]
) -> tuple[tuple[Target, ...], list[str]]:
    """Take out coded columns of which no cell is a known word: nobody could say what they mean."""
    kept = []
    notes = []
    for target in targets:
        column = table_schema(table).column(target.name) if table else None
        is_coded = column is not None and (column.codes or column.kind == "flag")
        if is_coded and file.profiles[target.column].n_filled and not _coverage(file, target, column)[0]:
            notes.append(
                f"# {key_text(target.column)} = {value_text(target.name)}  {CHECK}: the name says so, but no cell is a "
                f"known word; decode them in [file.values.{target.name}]"
            )
        else:
            kept.append(target)
    return tuple(kept), notes


def _coverage(file: SeenFile, target: Target, column: Column | None) -> tuple[dict[str, str], str, int]:
    """Return the known code words of a column, what separates them, and how many cells hold nothing else."""
    words = dict(CODE_WORDS.get(target.name, {}))
    if column is not None:
        words |= {code: code for code in column.codes}
    patterns = ICD_10 if target.name == "diagnoses" else ()
    best: tuple[dict[str, str], str, int] = ({}, "", 0)
    cells = [cell for cell in file.cells[target.column] if cell is not None and cell not in MISSING_WORDS]
    for separator in ("", *_CODE_SEPARATORS) if target.name == "diagnoses" else ("",):
        parts = {
            cell: [part.strip() for part in (cell.split(separator) if separator else [cell])] for cell in set(cells)
        }
        known = known_codes([part for listed in parts.values() for part in listed if part], words, patterns)
        counts = Counter(cells)
        n_covered = sum(counts[cell] for cell, listed in parts.items() if all(part in known for part in listed if part))
        if n_covered > best[2]:
            best = (known, separator, n_covered)
    return best


def decoding(file: SeenFile, table: str, target: Target) -> list[str]:
    """Return the lines that decode a coded column, none where its cells are the codes of the schema already."""
    column = table_schema(table).column(target.name) if table else None
    if target.name == "instrument":
        return _unknown_instruments(file, target)
    if column is None or not (column.codes or column.kind == "flag"):
        return []
    known, separator, n_covered = _coverage(file, target, column)
    n_filled = sum(cell is not None and cell not in MISSING_WORDS for cell in file.cells[target.column])
    is_plain = all(word == meaning for word, meaning in known.items()) and separator in ("", ";")
    if is_plain and n_covered == n_filled:
        return []
    lines = []
    if separator:
        lines += ["", "[file.separators]", f"{target.name} = {value_text(separator)}"]
    lines += ["", f"[file.values.{target.name}]"]
    for word, meaning in known.items():
        check = f"  {CHECK}: what does this number mean?" if not meaning else ""
        check = check or (
            f"  {CHECK}" if target.name == "diagnoses" and normalized(word) not in CODE_WORDS["diagnoses"] else ""
        )
        lines.append(f"{value_text(word)} = {value_text(meaning)}{check}")
    if n_covered < n_filled:
        lines.append(
            f"{CHECK}: cells that hold something else are rejected until a line decodes them: {n_filled - n_covered}"
        )
    return lines


def _unknown_instruments(file: SeenFile, target: Target) -> list[str]:
    names = Counter(cell for cell in file.cells[target.column] if cell is not None)
    unknown = {name: n_cells for name, n_cells in names.items() if not _is_instrument(str(name))}
    if not unknown:
        return []
    n_cells = sum(unknown.values())
    text = "rejected until [file.values.instrument] decodes every name of the column"
    return [f"{CHECK}: names that the catalog does not know: {len(unknown)}, in {n_cells} cells; they are {text}"]


def _is_instrument(name: str) -> bool:
    try:
        instrument(name)
    except OptionError:
        return False
    return True
