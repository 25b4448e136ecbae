"""A difference with the missing scores of both arms other than assumed, as a table with two ways in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import format_with_interval, minimum_cell_of
from katoutcomes.tables.footnotes import footnotes, in_words, interval_words
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

_GRID = "tipping grid: "
_TREATED, _COMPARATOR = "treated ", "comparator "
_HOLDS_NO_DIFFERENCE = "*"


def tipping_table(result: ResultRecord) -> Table:
    """Return the difference by what is added to the missing scores of the treated (rows) and of the others (columns).

    Parameters
    ----------
    result : ResultRecord
        A result of `compare_cohorts` or `emulate_trial`, released or not.

    Returns
    -------
    Table
        An asterisk stands where the interval holds 0; no rows where the outcome is no score, or there is no answer.
    """
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for one in result.estimates:
        if one.term.startswith(_GRID):
            treated, comparator = one.term.removeprefix(_GRID).split(f", {_COMPARATOR}")
            cells.setdefault((one.treatment, treated.removeprefix(_TREATED)), {})[comparator] = _cell(result, one)
    columns = tuple(next(iter(cells.values()), {}))
    rows = tuple(
        (f"{in_words(arm)}: {treated}", *(found.get(column, "") for column in columns))
        for (arm, treated), found in cells.items()
    )
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument, "tipping"),
        caption=f"{result.title}: were the missing scores other than assumed",
        question=result.estimand.sentence(),
        columns=("", *(f"{in_words(result.estimand.comparator)}: {column}" for column in columns)),
        rows=rows,
        footnotes=footnotes(
            result,
            rows,
            f"Difference in points ({interval_words(result)}) with so much added to every missing score of an arm; "
            f"{_HOLDS_NO_DIFFERENCE} where the interval holds 0. As assumed: missing at random given what was seen.",
        ),
    )


def _cell(result: ResultRecord, one: Estimate) -> str:
    holds = not one.suppressed and one.conf_low <= 0.0 <= one.conf_high
    return format_with_interval(one, minimum_cell_of(result)) + (_HOLDS_NO_DIFFERENCE if holds else "")
