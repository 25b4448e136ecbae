"""Internal consistency as a table: the clinic's own coefficients, the published ones, and what each item adds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import (
    format_estimate,
    format_interval,
    format_n_patients,
    minimum_cell_of,
)
from katoutcomes.tables.footnotes import footnotes, interval_words
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

_OWN = "In these patients"
_PUBLISHED = "Published"
_ITEMS = "Alpha without each item"
_NOT_USED = "Not used"
_NOTHING = ("", "")


def internal_consistency_table(result: ResultRecord) -> Table:
    """Return the coefficients of an `internal_consistency`, those that are published, and one row an item.

    Parameters
    ----------
    result : ResultRecord
        A result of `internal_consistency`, released or not.

    Returns
    -------
    Table
        Under four headings: alpha, omega and standardized alpha with their intervals; published reliabilities with
        their sources; alpha without each item, its correlation with the others and its loading; how many
        questionnaires could not be used.
    """
    minimum_cell = minimum_cell_of(result)
    rows: list[tuple[str, ...]] = []
    headings: list[str] = []
    for heading, estimate in _coefficients(result):
        rows.append((estimate.term, *_numbers(estimate, minimum_cell), *_NOTHING))
        headings.append(heading)
    for loading in result.select(measure="standardized loading"):
        rows.append(_item_row(result, loading, minimum_cell))
        headings.append(_ITEMS)
    for count in result.select(measure="count"):
        rows.append((count.term, format_estimate(count, minimum_cell), "", "", *_NOTHING))
        headings.append(_NOT_USED)
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument),
        caption=result.title,
        columns=(
            "",
            "Questionnaires",
            "Coefficient",
            interval_words(result),
            "Correlation with the others",
            "Loading",
        ),
        rows=tuple(rows),
        footnotes=footnotes(
            result,
            rows,
            "One questionnaire of each patient. Items are numbered as on the questionnaire.",
            "Internal consistency is not test-retest reliability.",
            *_sources(result),
            *_notes(result),
            result.method.description,
        ),
        row_groups=tuple(headings),
    )


def _coefficients(result: ResultRecord) -> list[tuple[str, Estimate]]:
    """Return the coefficients of the whole scale with their headings, in the order of the rows."""
    own = [*result.select(term="alpha"), *result.select(term="omega"), *result.select(term="standardized alpha")]
    published = result.select(measure="published reliability")
    return [(_OWN, estimate) for estimate in own] + [(_PUBLISHED, estimate) for estimate in published]


def _numbers(estimate: Estimate, minimum_cell: int | None) -> tuple[str, str, str]:
    """Return how many questionnaires a coefficient rests on (nothing for a published one), itself and its limits."""
    is_published = estimate.measure == "published reliability"
    n_patients = "" if is_published else format_n_patients(estimate, minimum_cell)
    return n_patients, format_estimate(estimate), "" if is_published else format_interval(estimate)


def _sources(result: ResultRecord) -> list[str]:
    published = result.select(measure="published reliability")
    return [f"{one.term}, {format_estimate(one)}: {one.definition_set.rstrip('.')}." for one in published]


def _notes(result: ResultRecord) -> list[str]:
    """Return what failed without changing the verdict; the rest stands beside the verdict."""
    is_reported = result.verdict == "report"
    return [check.message for check in result.checks if not check.passed and is_reported]


def _item_row(result: ResultRecord, loading: Estimate, minimum_cell: int | None) -> tuple[str, ...]:
    (without,) = result.select(term=f"alpha without {loading.term}")
    (with_others,) = result.select(term=f"{loading.term} with the others")
    return (
        loading.term,
        format_n_patients(without, minimum_cell),
        format_estimate(without),
        "",
        format_estimate(with_others),
        format_estimate(loading),
    )
