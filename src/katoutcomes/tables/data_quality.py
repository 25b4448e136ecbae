"""Data quality as a table: rows in, accepted and rejected for each file, and the rules that rejected them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import format_part_cell, minimum_cell_of
from katoutcomes.tables.footnotes import footnotes, in_words
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.result import ResultRecord

_FILES = "Rows of each table"
_RULES = "Why rows were rejected"
_COUNTS = ("rows_in", "rows_accepted", "rows_rejected")


def data_quality_table(result: ResultRecord) -> Table:
    """Return the files of a `data_quality` and the rules that rejected rows of them.

    Parameters
    ----------
    result : ResultRecord
        A result of `data_quality`, released or not.

    Returns
    -------
    Table
        One row a file, then one row for each rule that some row broke.
    """
    minimum_cell = minimum_cell_of(result)
    files, rules = result.part("files"), result.part("rules")
    rows: list[tuple[str, ...]] = []
    for row, file in enumerate(files.column("file")):
        rows.append((in_words(str(file)), *(format_part_cell(files, row, name, minimum_cell) for name in _COUNTS)))
    headings = [_FILES] * len(rows)
    for row in range(len(rules.rows)):
        if rules.column("n_rows")[row] == 0:
            continue
        named = dict(zip(rules.columns, rules.rows[row], strict=True))
        column = f", column {named['column']}" if named.get("column") else ""
        text = f"{in_words(str(named['file']))}{column}: {named['description']}"
        rows.append((text, "", "", format_part_cell(rules, row, "n_rows", minimum_cell)))
        headings.append(_RULES)
    return Table(
        name=table_name(result.analysis),
        caption=result.title,
        columns=("", "Rows in", "Accepted", "Rejected"),
        rows=tuple(rows),
        footnotes=footnotes(result, rows, "Rules that no row broke are not listed."),
        row_groups=tuple(headings),
    )
