"""A model for repeated measures as a table: means, changes, differences, joint tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import (
    format_df,
    format_estimate,
    format_interval,
    format_n_patients,
    format_number,
    format_p,
    format_std_error,
    minimum_cell_of,
)
from katoutcomes.tables.footnotes import footnotes, group_label, in_words, interval_words
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

_HEADINGS = {
    "adjusted mean": "Adjusted mean score",
    "mean change": "Adjusted change from baseline",
    "difference in means": "Difference between cohorts (points)",
    "standardized difference in means": "Difference between cohorts (standard deviations)",
    "linear combination": "Combinations",
    "joint test": "Joint tests",
}
_DIGITS_OF_FIT = 1


def mmrm_table(result: ResultRecord) -> Table:
    """Return the means, differences and joint tests of a `mmrm` or a `contrast`.

    Parameters
    ----------
    result : ResultRecord
        A result of `mmrm` or `contrast`, released or not.

    Returns
    -------
    Table
        One row a visit and cohort, with the patients seen there. Coefficients, residual standard deviations and
        correlations are in `result.to_frame()`; the fit is summed up in a footnote.
    """
    minimum_cell = minimum_cell_of(result)
    order = tuple(_HEADINGS)
    shown = [estimate for estimate in result.estimates if estimate.measure in _HEADINGS]
    shown.sort(key=lambda estimate: order.index(estimate.measure))
    rows = tuple(_row(estimate, minimum_cell) for estimate in shown)
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument),
        caption=result.title,
        columns=("", "Visit", "Patients", "Estimate", interval_words(result), "Standard error", "df", "p"),
        rows=rows,
        footnotes=footnotes(
            result,
            rows,
            result.method.description,
            "A difference is the first-named group minus the second.",
            "Patients are those with a score at the visit; the model uses the others' scores at other visits as well.",
            _fit(result),
        ),
        row_groups=tuple(_HEADINGS[estimate.measure] for estimate in shown),
    )


def _row(estimate: Estimate, minimum_cell: int | None) -> tuple[str, ...]:
    patients = format_n_patients(estimate, minimum_cell)
    if estimate.suppressed:
        hidden = format_estimate(estimate)
        return (_label(estimate), estimate.visit, patients, hidden, hidden, hidden, hidden, hidden)
    if estimate.measure == "joint test":
        statistic = f"F = {format_number(estimate.statistic, 2)}"
        tail = (format_df(estimate.df), format_p(estimate.p_value))
        return (_label(estimate), "", patients, statistic, "", "", *tail)
    return (
        _label(estimate),
        estimate.visit,
        patients,
        format_estimate(estimate),
        format_interval(estimate),
        format_std_error(estimate),
        format_df(estimate.df),
        format_p(estimate.p_value),
    )


def _label(estimate: Estimate) -> str:
    if estimate.comparator:
        mean = ", mean of visits" if estimate.term.endswith("mean of visits") else ""
        return f"{in_words(estimate.treatment)} minus {in_words(estimate.comparator)}{mean}"
    if estimate.measure in ("joint test", "linear combination"):
        return estimate.term[:1].upper() + estimate.term[1:]
    return group_label(estimate.subgroup)


def _fit(result: ResultRecord) -> str:
    """Return the fit statistics in a sentence, nothing where there are none or they are hidden."""
    found = [one for one in result.estimates if one.measure == "fit statistic" and not one.suppressed]
    if not found:
        return ""
    listed = "; ".join(f"{one.term} {format_number(one.estimate, _DIGITS_OF_FIT)}" for one in found)
    return f"Fit: {listed}."
