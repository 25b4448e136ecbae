"""The counts that stand in the parts of a result."""

from __future__ import annotations

from collections.abc import Iterator

from katoutcomes.errors import DisclosureError
from katoutcomes.results.part import Part
from katoutcomes.vocabulary import COUNT_FIELDS, ROW_COUNT_FIELDS


def require_whole_counts(part: Part) -> None:
    """Assert that every count of a part is a whole number or None, so that none escapes.

    Raises
    ------
    DisclosureError
        If a count column holds anything else.
    """
    for column in count_columns(part):
        for row in part.rows:
            cell = row[column]
            if cell is not None and (isinstance(cell, bool) or not isinstance(cell, int)):
                raise DisclosureError(
                    f"part {part.name!r}: column {part.columns[column]!r} must hold whole numbers; "
                    "what cannot be checked is not released."
                )


def count_columns(part: Part) -> tuple[int, ...]:
    """Return the positions of the columns of a part that count people, events or rows."""
    protected = COUNT_FIELDS | ROW_COUNT_FIELDS
    return tuple(position for position, name in enumerate(part.columns) if name in protected)


def part_counts(part: Part) -> Iterator[tuple[int, int, int | None]]:
    """Yield row, column and value of every count of a part that is known or hidden."""
    hidden = set(part.suppressed)
    for column in count_columns(part):
        for row, cells in enumerate(part.rows):
            cell = cells[column]
            if (row, column) in hidden:
                yield row, column, None
            elif cell is not None:
                yield row, column, int(cell)
