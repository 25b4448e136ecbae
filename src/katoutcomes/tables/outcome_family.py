"""A family of comparisons as a table: each with its p-value, alone and as one of the family."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import HIDDEN, format_p
from katoutcomes.tables.footnotes import footnotes, in_words
from katoutcomes.tables.table import Table

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord


def outcome_family_table(result: ResultRecord) -> Table:
    """Return one row a hypothesis.

    Parameters
    ----------
    result : ResultRecord
        A result of `outcome_family`, released or not.

    Returns
    -------
    Table
        In the order in which the family was declared.
    """
    rows = tuple(map(_row, result.estimates))
    return Table(
        name="outcome_family",
        caption=result.title,
        question=result.estimand.sentence(),
        columns=("", "p", "p, adjusted"),
        rows=rows,
        footnotes=footnotes(
            result,
            rows,
            result.method.description,
            "Rejected at a level is what has an adjusted p of at most that level; the chance of any false rejection in "
            "the family is then at most the level.",
        ),
    )


def _row(one: Estimate) -> tuple[str, ...]:
    outcome = one.term.split(": ", 1)[0]
    label = f"{outcome}: {in_words(one.treatment)} minus {in_words(one.comparator)}"
    numbers = (HIDDEN, HIDDEN) if one.suppressed else (format_p(one.p_value), format_p(one.estimate))
    return (label, *numbers)
