"""A difference with the missing of both arms other than assumed, as a table with two ways in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import format_with_interval, minimum_cell_of
from katoutcomes.results.tipping_grid import holds_no_difference, how_supposed, is_of_events, tipping_grids
from katoutcomes.tables.footnotes import footnotes, in_words, interval_words
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

_HOLDS_NO_DIFFERENCE = "*"


def tipping_table(result: ResultRecord) -> Table:
    """Return the difference by what is supposed of the missing of the treated (rows) and of the comparator (columns).

    Parameters
    ----------
    result : ResultRecord
        A result of `compare_cohorts` or `emulate_trial`, released or not.

    Returns
    -------
    Table
        Points added to the missing scores of each arm or, of a binary outcome, the share of the missing who had it. An
        asterisk stands where the interval holds 0; no rows where nobody is missing, or there is no answer.
    """
    grids = tuple(tipping_grids(result))
    columns = grids[0].of_comparator if grids else ()
    rows = tuple(
        (
            f"{in_words(grid.treatment)}: {treated}",
            *(_cell(result, grid.cells[treated, comparator]) for comparator in grid.of_comparator),
        )
        for grid in grids
        for treated in grid.treated
    )
    what = "missing outcomes" if is_of_events(result) else "missing scores"
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument, "tipping"),
        caption=f"{result.title}: were the {what} other than assumed",
        question=result.estimand.sentence(),
        columns=("", *(f"{in_words(result.estimand.comparator)}: {column}" for column in columns)),
        rows=rows,
        footnotes=footnotes(
            result,
            rows,
            f"Difference ({interval_words(result)}); {_HOLDS_NO_DIFFERENCE} where the interval holds 0. "
            f"{how_supposed(result)}",
        ),
    )


def _cell(result: ResultRecord, one: Estimate) -> str:
    return format_with_interval(one, minimum_cell_of(result)) + (
        _HOLDS_NO_DIFFERENCE if holds_no_difference(one) else ""
    )
