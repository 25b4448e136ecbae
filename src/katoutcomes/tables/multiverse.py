"""A multiverse as a table: one row a specification, with its choices, its answer and the patients behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import (
    format_estimate,
    format_interval,
    format_n_patients,
    format_number,
    minimum_cell_of,
)
from katoutcomes.tables.footnotes import definition_name, footnotes, interval_words
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.part import Cell, Part
    from katoutcomes.results.result import ResultRecord

_EACH, _ALL = "Each specification", "All specifications"
_PREFIX = "specification "


def multiverse_table(result: ResultRecord) -> Table:
    """Return the specifications of a `multiverse` in the order of their choices, then what they have in common.

    Parameters
    ----------
    result : ResultRecord
        A result of `multiverse`, released or not.

    Returns
    -------
    Table
        One row a specification, the main one first; then the smallest, the median and the largest answer, and the
        shares of the specifications that agree.
    """
    part = result.part("specifications")
    answers = {estimate.term: estimate for estimate in result.estimates}
    has_sets = any(part.column("definition_set"))
    rows = [_row(result, part, row, answers[str(part.column("term")[row])], has_sets) for row in range(len(part.rows))]
    headings = [_EACH] * len(rows)
    for estimate in result.estimates:
        if not estimate.term.startswith(_PREFIX):
            rows.append(_summary_row(estimate, has_sets))
            headings.append(_ALL)
    sets = ("Definition",) if has_sets else ()
    survival = " ".join(check.message for check in result.checks if check.name == "answer survives" and check.passed)
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument),
        caption=result.title,
        columns=("Specification", "Baseline", "Visit", "Gap rule", *sets, "Answer", interval_words(result), "Patients"),
        rows=tuple(rows),
        row_groups=tuple(headings),
        footnotes=footnotes(
            result,
            rows,
            survival,
            "Specification 1 is the main one. All rest on much the same patients, so how many agree is no evidence.",
        ),
    )


def _row(result: ResultRecord, part: Part, row: int, answer: Estimate, has_sets: bool) -> tuple[str, ...]:
    cell = dict(zip(part.columns, part.rows[row], strict=True))
    name = f"specification {row + 1}" + (", main" if row == 0 else "")
    sets = (definition_name(str(cell["definition_set"])),) if has_sets else ()
    return (
        name,
        f"{_days(cell['baseline_first_day'], cell['baseline_last_day'])}, {cell['baseline_choice']}",
        f"{_days(cell['first_day'], cell['last_day'])}, {cell['visit_choice']}",
        f"{cell['gap_days']} days",
        *sets,
        format_estimate(answer),
        format_interval(answer),
        format_n_patients(answer, minimum_cell_of(result)),
    )


def _days(first: Cell, last: Cell) -> str:
    low, high = (format_number(float(day or 0), 0) for day in (first, last))
    return f"day {low} to {high}"


def _summary_row(estimate: Estimate, has_sets: bool) -> tuple[str, ...]:
    blank = ("",) * (4 if has_sets else 3)
    return (estimate.term, *blank, format_estimate(estimate), "", "")
