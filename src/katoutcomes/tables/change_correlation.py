"""The correlation of two changes as a table, with who is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import DOES_NOT_APPLY, format_share, format_with_interval, minimum_cell_of
from katoutcomes.tables.footnotes import footnotes, group_label, interval_words, one
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.result import ResultRecord


def change_correlation_table(result: ResultRecord) -> Table:
    """Return one row a group: who has a change on both instruments, and how the changes correlate.

    Parameters
    ----------
    result : ResultRecord
        A result of `change_correlation`, released or not.
    """
    minimum = minimum_cell_of(result)
    rows = []
    for both in result.select(measure="proportion"):
        found = one(result, measure="correlation", subgroup=both.subgroup)
        text = DOES_NOT_APPLY if found is None else format_with_interval(found)
        rows.append((group_label(both.subgroup), format_share(both, minimum), text))
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument),
        caption=result.title,
        columns=(
            "Group",
            "Changed scores on both, of those with one",
            f"Correlation of changes ({interval_words(result)})",
        ),
        rows=tuple(rows),
        footnotes=footnotes(
            result,
            rows,
            "The correlation is of the patients with all four scores; a change is follow-up minus baseline.",
        ),
    )
