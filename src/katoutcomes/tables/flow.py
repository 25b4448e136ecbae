"""The participant flow as a table: who is left at each step, why the others are not, who was scored again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import (
    format_estimate,
    format_interval,
    format_part_cell,
    format_share,
    minimum_cell_of,
)
from katoutcomes.tables.footnotes import footnotes, group_label, interval_words
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.part import Part
    from katoutcomes.results.result import ResultRecord

SCORED = "scored at visit"
SCORES_OUTSIDE = "scores outside every window, not analyzed"
_STEPS = "Who is left, and who is not"
_COURSES = "Courses of these patients"
_OUTSIDE = "Scores of these patients"
_VISITS = "Scored again, of those with a baseline score"


def flow_table(result: ResultRecord) -> Table:
    """Return the steps of a `participant_flow` with their exclusions, then the visits.

    Parameters
    ----------
    result : ResultRecord
        A result of `participant_flow`, released or not.

    Returns
    -------
    Table
        Rows under two headings: stages and exclusions in the order of the flow; then, for each visit and group, how
        many of those with a baseline score have a score there.
    """
    flow = result.part("flow")
    rows: list[tuple[str, str, str, str]] = []
    headings: list[str] = []
    for row, kind in enumerate(flow.column("kind")):
        if kind in {"stage", "excluded"}:
            rows.append(_step_row(flow, row, minimum_cell_of(result)))
            headings.append(_STEPS)
    courses = _course_rows(result)
    outside = _outside_rows(result)
    visits = _visit_rows(result)
    columns = ("Step", "Patients", "Share", interval_words(result))
    merged = any("; " in str(reason) for reason in flow.column("reason")) and minimum_cell_of(result) is not None
    note = "Small exclusions are shown together with a neighboring one." if merged else ""
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument),
        caption=result.title,
        columns=columns,
        rows=(*rows, *courses, *outside, *visits),
        footnotes=footnotes(result, (*rows, *courses, *outside, *visits), note),
        row_groups=(
            *headings,
            *[_COURSES] * len(courses),
            *[_OUTSIDE] * len(outside),
            *[_VISITS] * len(visits),
        ),
    )


def _step_row(flow: Part, row: int, minimum_cell: int | None) -> tuple[str, str, str, str]:
    named = dict(zip(flow.columns, flow.rows[row], strict=True))
    count = format_part_cell(flow, row, "n_patients", minimum_cell)
    text = str(named["step"]) if named["kind"] == "stage" else f"left out: {named['reason']}"
    return (text, count, "", "")


def _course_rows(result: ResultRecord) -> list[tuple[str, str, str, str]]:
    minimum_cell = minimum_cell_of(result)
    return [
        (estimate.term, format_estimate(estimate, minimum_cell), "", "")
        for estimate in result.select(measure="count", unit="courses")
    ]


def _outside_rows(result: ResultRecord) -> list[tuple[str, str, str, str]]:
    minimum_cell = minimum_cell_of(result)
    return [
        (estimate.term, format_estimate(estimate, minimum_cell), "", "")
        for estimate in result.select(measure="count", term=SCORES_OUTSIDE)
    ]


def _visit_rows(result: ResultRecord) -> list[tuple[str, str, str, str]]:
    """Return one row a visit and group."""
    minimum_cell = minimum_cell_of(result)
    rows = []
    for scored in result.select(term=SCORED, measure="proportion"):
        text = f"{scored.visit}, {group_label(scored.subgroup)}" if scored.subgroup else scored.visit
        share = format_share(scored, minimum_cell)
        rows.append((text, share, format_estimate(scored), format_interval(scored)))
    return rows
