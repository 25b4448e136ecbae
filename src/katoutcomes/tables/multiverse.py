"""A multiverse as a table: one row a specification, with its choices, its answer and the patients behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.instruments.definition_words import definition_words
from katoutcomes.results.formatting import (
    format_estimate,
    format_interval,
    format_n_patients,
    format_number,
    minimum_cell_of,
)
from katoutcomes.tables.footnotes import footnotes, interval_words
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.part import Cell, Part
    from katoutcomes.results.result import ResultRecord

_EACH, _ALL = "Each specification", "All specifications"
_PREFIX = "specification "
_N_LAST = 3
"""The last columns: answer, interval, patients."""
_SUMMARIES = {
    "same side": "answers on the same side as that of specification 1",
    "same side, interval excludes": "the same, and the interval leaves out no difference",
}
_SHARED = (
    "Specifications that print the same answer, interval and number of patients share a row: any of its choices may be "
    "part of them. The frame of this result has each in a row of its own."
)


def multiverse_table(result: ResultRecord) -> Table:
    """Return the specifications of a `multiverse` in the order of their choices, then what they have in common.

    Parameters
    ----------
    result : ResultRecord
        A result of `multiverse`, released or not.

    Returns
    -------
    Table
        The specifications, the main one first; those that print the same answer, interval and number of patients share
        a row, which counts them and lists their choices. Then the smallest, the median and the largest answer, and the
        shares of the specifications that agree.
    """
    part = result.part("specifications")
    answers = {estimate.term: estimate for estimate in result.estimates}
    has_sets = any(part.column("definition_set"))
    each = [_row(result, part, row, answers[str(part.column("term")[row])], has_sets) for row in range(len(part.rows))]
    rows = _equal_joined(each)
    is_joined = len(rows) < len(each)
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
            _SHARED if is_joined else "",
            "Specification 1 is the main one. All rest on much the same patients, so how many agree is no evidence.",
        ),
    )


def _row(result: ResultRecord, part: Part, row: int, answer: Estimate, has_sets: bool) -> tuple[str, ...]:
    cell = dict(zip(part.columns, part.rows[row], strict=True))
    name = f"specification {row + 1}" + (", main" if row == 0 else "")
    sets = (definition_words(str(cell["definition_set"])),) if has_sets else ()
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


def _equal_joined(each: list[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """Return the rows with those of the same answer as one, the main specification always alone."""
    groups: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
    for place, row in enumerate(each):
        key = ("main",) if place == 0 else row[-_N_LAST:]
        groups.setdefault(key, []).append(row)
    all_choices = [set(texts) for texts in zip(*each, strict=True)]
    joined = []
    for rows in groups.values():
        first = rows[0]
        name = first[0] if len(rows) == 1 else f"{len(rows)} specifications, from {first[0].removeprefix(_PREFIX)} on"
        choices = [
            _several([row[column] for row in rows], all_choices[column]) for column in range(1, len(first) - _N_LAST)
        ]
        joined.append((name, *choices, *first[-_N_LAST:]))
    return joined


def _several(texts: list[str], all_texts: set[str]) -> str:
    """Return the choices of several specifications, "any" where none is missing."""
    found = tuple(dict.fromkeys(texts))
    return "any" if len(found) > 1 and set(found) == all_texts else " or ".join(found)


def _days(first: Cell, last: Cell) -> str:
    low, high = (format_number(float(day or 0), 0) for day in (first, last))
    return f"day {low} to {high}"


def _summary_row(estimate: Estimate, has_sets: bool) -> tuple[str, ...]:
    blank = ("",) * (4 if has_sets else 3)
    return (_SUMMARIES.get(estimate.term, estimate.term), *blank, format_estimate(estimate), "", "")
