"""Reliable change and recovery under every reliability and cut-off as a table: one row a reliability."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import (
    DOES_NOT_APPLY,
    format_estimate,
    format_interval,
    format_share,
    minimum_cell_of,
)
from katoutcomes.tables.footnotes import footnotes
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.result import ResultRecord

_SHARES = ("reliable improvement", "reliable deterioration")


def clinical_significance_sensitivity_table(result: ResultRecord) -> Table:
    """Return one row a reliability: its threshold, the shares with their intervals, and recovery by each cut-off.

    Parameters
    ----------
    result : ResultRecord
        A result of `clinical_significance_sensitivity`, released or not.
    """
    thresholds = result.select(term="reliable change threshold")
    cut_offs = [one for one in result.select(measure="threshold") if one.term.startswith("cut-off ")]
    rows = tuple(
        (
            threshold.definition_set,
            format_estimate(threshold),
            *(_cell(result, term, threshold.definition_set) for term in _SHARES),
            *(_cell(result, "recovered", f"{threshold.definition_set}, {one.term}") for one in cut_offs),
        )
        for threshold in thresholds
    )
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument),
        caption=result.title,
        columns=(
            "Reliability",
            "Threshold (points)",
            *(f"{term[:1].upper()}{term[1:]}" for term in _SHARES),
            *(f"Recovered, {one.term} ({format_estimate(one)})" for one in cut_offs),
        ),
        rows=rows,
        footnotes=footnotes(result, rows, result.method.description),
    )


def _cell(result: ResultRecord, term: str, name: str) -> str:
    found = result.select(term=term, definition_set=name, measure="proportion")
    if not found:
        return DOES_NOT_APPLY
    share = found[0]
    counted = format_share(share, minimum_cell_of(result))
    return counted if share.suppressed else f"{counted}, {format_estimate(share)} ({format_interval(share)})"
