"""How a CSV file is written, guessed from its bytes: encoding, separator, lines before the column names."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.registry.readers.raw_rows import SEPARATORS, FileDialect

if TYPE_CHECKING:
    from pathlib import Path

_LINES_LOOKED_AT = 200
_BYTES_LOOKED_AT = 4_000_000


@dataclass(frozen=True, slots=True)
class GuessedDialect:
    """A guess and why.

    Attributes
    ----------
    dialect : FileDialect
        The guess.
    reasons : tuple of str
        One sentence for each part that is not the default.
    """

    dialect: FileDialect
    reasons: tuple[str, ...]


def guess_dialect(path: Path) -> GuessedDialect:
    """Guess how a CSV file is written."""
    encoding, why = _encoding(path)
    with path.open("rb") as file:
        beginning = file.read(_BYTES_LOOKED_AT)
    lines = beginning.decode("utf-8-sig" if encoding == "utf-8" else encoding, errors="replace").splitlines()
    filled = [line for line in lines[:_LINES_LOOKED_AT] if line.strip()]
    separator, skip_rows, share = _layout(lines[:_LINES_LOOKED_AT], filled)
    reasons = [why] if encoding != "utf-8" else []
    if separator != ",":
        reasons.append(f"{share:.0%} of the first lines have the same number of this separator")
    if skip_rows:
        reasons.append(f"lines before the column names: {skip_rows}")
    return GuessedDialect(FileDialect(encoding=encoding, separator=separator, skip_rows=skip_rows), tuple(reasons))


def _encoding(path: Path) -> tuple[str, str]:
    data = path.read_bytes()
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16", "the file begins with the mark of UTF-16"
    for encoding, why in (("utf-8", ""), ("cp1252", "the file is not UTF-8; cp1252 is what Windows writes")):
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return encoding, why
    return "latin-1", "the file is neither UTF-8 nor cp1252"


def _layout(lines: list[str], filled: list[str]) -> tuple[str, int, float]:
    """Return the separator, the lines to skip, and the share of lines with the same number of the separator."""
    best = (",", 0, 0.0)
    most = 0.0
    for separator in SEPARATORS:
        counts = Counter(_outside_quotes(line).count(separator) for line in filled)
        n_separators, n_lines = max(counts.items(), key=lambda pair: (pair[1] * (pair[0] > 0), pair[0]), default=(0, 0))
        share = n_lines / len(filled) if filled and n_separators else 0.0
        if share > most:
            most = share
            first = next(
                place for place, line in enumerate(lines) if _outside_quotes(line).count(separator) == n_separators
            )
            best = (separator, first, share)
    return best


def _outside_quotes(line: str) -> str:
    """Return a line without its quoted cells, whose separators separate nothing.

    Examples
    --------
    >>> _outside_quotes('1;"mild; passing";"a ""b"";"')
    '1;;'
    """
    return re.sub(r'"(?:[^"]|"")*"', "", line)
