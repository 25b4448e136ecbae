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
    from collections.abc import Iterator

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
    rows = [(*step, "", "") for step in _step_rows(result)]
    courses = _course_rows(result)
    outside = _outside_rows(result)
    visits = _visit_rows(result)
    columns = ("Step", "Patients", "Share", interval_words(result))
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument),
        caption=result.title,
        columns=columns,
        rows=(*rows, *courses, *outside, *visits),
        footnotes=footnotes(result, (*rows, *courses, *outside, *visits), _note(result)),
        row_groups=(
            *[_STEPS] * len(rows),
            *[_COURSES] * len(courses),
            *[_OUTSIDE] * len(outside),
            *[_VISITS] * len(visits),
        ),
    )


def steps_table(result: ResultRecord) -> Table:
    """Return the way from everybody in the data to the patients of a comparison or of a trial.

    Parameters
    ----------
    result : ResultRecord
        A result with the part ``"flow"``, such as one of `compare_cohorts` or `emulate_trial`, released or not.

    Returns
    -------
    Table
        Stages and exclusions in the order of the flow.
    """
    rows = tuple(_step_rows(result))
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument, "flow"),
        caption=f"{result.title}: who is in it, and who is not",
        columns=("Step", "Patients"),
        rows=rows,
        footnotes=footnotes(result, rows, _note(result)),
    )


def _note(result: ResultRecord) -> str:
    reasons = result.part("flow").column("reason")
    is_merged = minimum_cell_of(result) is not None and any("; " in str(reason) for reason in reasons)
    return "Small exclusions are shown together with a neighboring one." if is_merged else ""


def _step_rows(result: ResultRecord) -> Iterator[tuple[str, str]]:
    """Yield who is left at each step, each behind those whom it leaves out."""
    flow = result.part("flow")
    for row, (kind, step, reason) in enumerate(zip(*map(flow.column, ("kind", "step", "reason")), strict=True)):
        if kind in {"stage", "excluded"}:
            text = str(step) if kind == "stage" else f"left out: {reason}"
            yield text, format_part_cell(flow, row, "n_patients", minimum_cell_of(result))


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
