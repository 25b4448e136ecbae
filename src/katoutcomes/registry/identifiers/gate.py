"""What was found, and the error that stops the load."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from katoutcomes.errors import IdentifierError

DOUBTS: Mapping[str, str] = MappingProxyType(
    {
        "possible_name": "cells hold a common given name with other words, as names of persons do; look at them.",
        "possible_phone": "cells are digits as phone numbers have them, without anything between; look at them.",
        "possible_postal_code": "cells have the form of a Canadian postal code without its blank; look at them.",
        "unread_parts": "holds comments, links or further sheets, or metadata with texts, that were searched for "
        "identifiers and not read; leave them out.",
    }
)
"""What may be an identifier and may as well be none, by rule: it is warned of, and nothing is refused for it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Evidence of a direct identifier.

    Attributes
    ----------
    file : str
        File, or table where the input is a frame.
    column : str
        Column name, or its position where the name itself may be a value.
    rule : str
        Rule id.
    n_rows : int or None
        Rows in which it stands; None where the column name is the evidence.
    """

    file: str
    column: str
    rule: str
    n_rows: int | None


def refuse(findings: Iterable[Finding]) -> None:
    """Raise `IdentifierError` if anything was found, naming file, column and rule."""
    found = tuple(dict.fromkeys(findings))
    if not found:
        return
    lines = [
        f"  {finding.file}, column {finding.column!r}: rule {finding.rule}"
        + ("" if finding.n_rows is None else f", {finding.n_rows} row{'s' * (finding.n_rows != 1)}")
        for finding in found
    ]
    raise IdentifierError(
        "the data may identify a person directly, so nothing was loaded:\n"
        + "\n".join(lines)
        + "\nRemove these columns or values where the files are made, then read again. "
        "(An age above 89 is written as 89.)",
        findings=found,
    )
