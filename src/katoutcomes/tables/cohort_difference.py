"""The difference between two cohorts as a table: adjusted first, then unadjusted, then what they rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import (
    format_df,
    format_estimate,
    format_interval,
    format_n_patients,
    format_p,
    format_share,
    format_std_error,
    minimum_cell_of,
)
from katoutcomes.tables.footnotes import footnotes, group_label, interval_words, level_label
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

_ADJUSTED = "Score at the visit, adjusted (points)"
_UNADJUSTED = "Change from baseline, not adjusted (points)"
_COMPLETENESS = "Patients with both scores, of those with a baseline"
_BASELINE = "Baseline score (standardized mean difference)"


def cohort_difference_table(result: ResultRecord) -> Table:
    """Return the estimates of a `cohort_difference` under four headings.

    Parameters
    ----------
    result : ResultRecord
        A result of `cohort_difference`, released or not.

    Returns
    -------
    Table
        Adjusted means and their difference, the unadjusted difference in change, completeness and the imbalance at
        baseline; with patients, interval, standard error, degrees of freedom and p where they apply.
    """
    pairs = [(_heading(estimate), _row(result, estimate)) for estimate in result.estimates]
    order = (_ADJUSTED, _UNADJUSTED, _COMPLETENESS, _BASELINE)
    pairs.sort(key=lambda pair: order.index(pair[0]))
    rows = tuple(row for _, row in pairs)
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument),
        caption=result.title,
        columns=("", "Patients", "Estimate", interval_words(result), "Standard error", "df", "p"),
        rows=rows,
        footnotes=footnotes(
            result,
            rows,
            result.method.description,
            "A difference is the first-named group minus the second.",
            "Groups that were not assigned at random differ in what was not measured as well: a difference here is not "
            "an effect."
            if not result.estimand.is_causal
            else "",
        ),
        row_groups=tuple(heading for heading, _ in pairs),
    )


def _heading(estimate: Estimate) -> str:
    if estimate.measure == "proportion":
        return _COMPLETENESS
    if estimate.measure == "standardized mean difference":
        return _BASELINE
    return _ADJUSTED if "adjusted" in estimate.term and "unadjusted" not in estimate.term else _UNADJUSTED


def _row(result: ResultRecord, estimate: Estimate) -> tuple[str, ...]:
    minimum_cell = minimum_cell_of(result)
    if estimate.comparator:
        text = f"{level_label(result, estimate.treatment)} minus {level_label(result, estimate.comparator)}"
    else:
        text = group_label(estimate.subgroup)
    patients = format_n_patients(estimate, minimum_cell)
    if estimate.measure == "proportion":
        return (
            text,
            format_share(estimate, minimum_cell),
            format_estimate(estimate),
            format_interval(estimate),
            "",
            "",
            "",
        )
    if estimate.suppressed:
        hidden = format_estimate(estimate)
        return (text, patients, hidden, hidden, hidden, hidden, hidden)
    return (
        text,
        patients,
        format_estimate(estimate),
        format_interval(estimate),
        format_std_error(estimate),
        format_df(estimate.df),
        format_p(estimate.p_value),
    )
