"""Printed numbers beside the same numbers done again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import DOES_NOT_APPLY, format_number, format_p
from katoutcomes.tables.footnotes import footnotes
from katoutcomes.tables.table import Table

if TYPE_CHECKING:
    from katoutcomes.results.part import Cell
    from katoutcomes.results.result import ResultRecord

_DIGITS = 4


def from_summary_table(result: ResultRecord) -> Table:
    """Return one row a recomputed number: its value, what rounding allows, what is printed and whether it agrees.

    Parameters
    ----------
    result : ResultRecord
        A result of `from_summary`.
    """
    printed: dict[str, tuple[str, str]] = {}
    without: list[tuple[str, str, str]] = []
    for name, text, term, verdict in result.part("compared").rows:
        if term:
            printed[str(term)] = (str(text), str(verdict))
        else:
            without.append((str(name), str(text), str(verdict)))
    rows = []
    for name, value, lowest, highest in result.part("recomputed").rows:
        text, verdict = printed.pop(str(name), (DOES_NOT_APPLY, DOES_NOT_APPLY))
        rows.append((str(name), _text(name, value), _range(name, lowest, highest), text, verdict))
    rows += [(name, DOES_NOT_APPLY, DOES_NOT_APPLY, *both) for name, both in printed.items()]
    rows += [(name, DOES_NOT_APPLY, DOES_NOT_APPLY, text, verdict) for name, text, verdict in without]
    return Table(
        name="from_summary",
        caption=result.title,
        columns=("Number", "Recomputed", "What rounding allows", "Printed", "Verdict"),
        rows=tuple(rows),
        footnotes=footnotes(
            result,
            rows,
            "A printed number is reproduced if some numbers that round to the printed ones give it. An interval is "
            "compared as a whole, so its two limits stand in rows of their own without a printed number.",
        ),
    )


def _text(name: Cell, value: Cell) -> str:
    if isinstance(value, str) or value is None:
        return DOES_NOT_APPLY
    if str(name).startswith("p ("):
        # Papers print four digits of a p-value, and so it is compared; below them only that it is small.
        return format_p(value) if value < 0.001 else format_number(value, _DIGITS)
    return format_number(value, _DIGITS, trailing_zeros=False)


def _range(name: Cell, lowest: Cell, highest: Cell) -> str:
    if lowest is None or highest is None:
        return DOES_NOT_APPLY
    ends = dict.fromkeys((_text(name, lowest), _text(name, highest)))
    return " to ".join(ends)
