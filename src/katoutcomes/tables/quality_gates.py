"""The limits of a plan as a table: which are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.tables.footnotes import footnotes, in_words
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.result import ResultRecord


def quality_gates_table(result: ResultRecord) -> Table:
    """Return one row a limit of a plan.

    Parameters
    ----------
    result : ResultRecord
        The limits of a run, released or not.
    """
    rows = tuple((in_words(check.name), *_split(check.message)) for check in result.checks)
    return Table(
        name=table_name(result.analysis),
        caption="Limits of quality that the plan names",
        columns=("What", "Limit", "Kept"),
        rows=rows,
        footnotes=footnotes(result, ()),
    )


def _split(message: str) -> tuple[str, str]:
    """Return the limit and whether it is kept, of "Limit kept: ..."."""
    word, _, text = message.partition(": ")
    return text.rstrip("."), "no" if "not" in word.split() else "yes"
