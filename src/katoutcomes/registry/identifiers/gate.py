"""What was found, and the error that stops the load."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from katoutcomes.errors import IdentifierError


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
    found = tuple(findings)
    if not found:
        return
    lines = [
        f"  {finding.file}, column {finding.column!r}: rule {finding.rule}"
        + ("" if finding.n_rows is None else f", {finding.n_rows} rows")
        for finding in found
    ]
    raise IdentifierError(
        "the data may identify a person directly, so nothing was loaded:\n"
        + "\n".join(lines)
        + "\nRemove these columns or values where the files are made, then read again. "
        "(An age above 89 is written as 89.)",
        findings=found,
    )
