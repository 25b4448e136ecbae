"""Neighboring exclusions of a flow become one, until none of them is a small count.

Hiding one exclusion of a chain is useless: the stages before and after it give it away. So a small exclusion is put
together with the smaller of its neighbors, and the stage between them is left out. All sums still hold.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from katoutcomes.results.disclosure_rules.small_cells import is_small
from katoutcomes.results.part import Cell, Part

EXCLUDED = "excluded"
STAGE = "stage"


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the flow with the columns that an earlier release has hidden."""

    cells: tuple[Cell, ...]
    suppressed: tuple[int, ...] = ()
    below_minimum: tuple[int, ...] = ()


def merge_small_exclusions(flow: Part, minimum_cell: int, *, zero_is_shown: bool = True) -> tuple[Part, frozenset[str]]:
    """Merge neighboring exclusions of a part ``"flow"`` and return it with the names of the stages left out.

    Parameters
    ----------
    flow : Part
        Columns "kind", "step", "reason" and "n_patients" among others; kinds "stage" and "excluded" in the order of the
        chain.
    minimum_cell : int
        Smallest exclusion that is not merged.
    zero_is_shown : bool
        Whether an exclusion of nobody may stay alone.

    Returns
    -------
    flow : Part
        Merged rows have their reasons joined by "; ". An exclusion that is small all the same, because there is no
        other to put it together with, is left for the caller to hide.
    steps : frozenset of str
        Steps that are left out.

    Examples
    --------
    >>> columns = ("kind", "step", "reason", "n_patients")
    >>> rows = (
    ...     ("stage", "enrolled", "", 100),
    ...     ("excluded", "", "no dose", 4), ("stage", "treated", "", 96),
    ...     ("excluded", "", "no score", 20), ("stage", "scored", "", 76),
    ... )
    >>> merged, steps = merge_small_exclusions(Part("flow", columns, rows), 11)
    >>> merged.rows[1]
    ('excluded', '', 'no dose; no score', 24)
    >>> sorted(steps)
    ['treated']
    """
    rows = [
        _Row(cells, _of_row(flow.suppressed, at), _of_row(flow.below_minimum, at)) for at, cells in enumerate(flow.rows)
    ]
    # The minimum is raised step by step, so that a higher one merges what a lower one has merged, and more.
    for minimum in range(1, minimum_cell + 1):
        while (pair := _next_to_merge(flow, rows, minimum, zero_is_shown=zero_is_shown)) is not None:
            first, second = pair
            rows = [*rows[:first], _merged(flow, rows[first], rows[second]), *rows[second + 1 :]]
    merged = replace(
        flow,
        rows=_renumbered(flow, [row.cells for row in rows]),
        suppressed=tuple((at, column) for at, row in enumerate(rows) for column in row.suppressed),
        below_minimum=tuple((at, column) for at, row in enumerate(rows) for column in row.below_minimum),
    )
    return merged, frozenset(_steps(flow) - _steps(merged))


def _renumbered(flow: Part, rows: list[tuple[Cell, ...]]) -> tuple[tuple[Cell, ...], ...]:
    """Count the column "order" anew, so that a gap does not tell where a stage was left out."""
    if "order" not in flow.columns:
        return tuple(rows)
    place = flow.columns.index("order")
    return tuple((*row[:place], order, *row[place + 1 :]) for order, row in enumerate(rows))


def _of_row(positions: tuple[tuple[int, int], ...], row: int) -> tuple[int, ...]:
    return tuple(column for at, column in positions if at == row)


def _steps(flow: Part) -> set[str]:
    pairs = zip(flow.column("kind"), flow.column("step"), strict=True)
    return {str(step) for kind, step in pairs if kind == STAGE}


def _next_to_merge(flow: Part, rows: list[_Row], minimum: int, *, zero_is_shown: bool) -> tuple[int, int] | None:
    """Return the positions of two exclusions to put together, None if no small one is left or only one exclusion."""
    kind, count = flow.columns.index("kind"), flow.columns.index("n_patients")
    exclusions = [at for at, row in enumerate(rows) if row.cells[kind] == EXCLUDED]
    if len(exclusions) < 2:
        return None
    sizes = [rows[at].cells[count] for at in exclusions]
    for place, size in enumerate(sizes):
        if isinstance(size, int) and is_small(size, minimum, zero_is_shown=zero_is_shown):
            other = min((side for side in (place + 1, place - 1) if 0 <= side < len(sizes)), key=_known_first(sizes))
            first, second = sorted((exclusions[place], exclusions[other]))
            return first, second
    return None


def _known_first(sizes: list[Cell]) -> Callable[[int], tuple[bool, int]]:
    """Return the order in which a neighbor is taken: the smaller one, a hidden one last."""

    def order(place: int) -> tuple[bool, int]:
        size = sizes[place]
        return (False, size) if isinstance(size, int) else (True, 0)

    return order


def _merged(flow: Part, one: _Row, other: _Row) -> _Row:
    """Return two exclusions as one, which leads to the stage that the second led to."""
    reason, count = flow.columns.index("reason"), flow.columns.index("n_patients")
    cells = list(other.cells)
    cells[reason] = "; ".join(str(row.cells[reason]) for row in (one, other) if row.cells[reason])
    n_one, n_other = one.cells[count], other.cells[count]
    if isinstance(n_one, int) and isinstance(n_other, int):
        cells[count] = n_one + n_other
        return _Row(tuple(cells))
    cells[count] = None
    return _Row(tuple(cells), suppressed=(count,))
