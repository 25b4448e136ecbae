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
_NUMERATOR = " (F with "
"""Stands in the term of a joint test before its numerator degrees of freedom."""


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
            *_reading(shown),
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
        df = f"{_numerator_df(estimate)} and {format_df(estimate.df)}"
        return (_label(estimate), "", patients, statistic, "", "", df, format_p(estimate.p_value))
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
        term = estimate.term.split(_NUMERATOR, 1)[0]
        return term[:1].upper() + term[1:]
    return group_label(estimate.subgroup)


def _numerator_df(test: Estimate) -> str:
    """Return the numerator degrees of freedom of a joint test, which its term names."""
    return test.term.partition(_NUMERATOR)[2].split(" ", 1)[0]


def _reading(shown: list[Estimate]) -> tuple[str, ...]:
    """Return what a reader must know about the rows that there are."""
    notes = ["Patients are those with a score at the visit; the model uses the scores of the others, too."]
    if any(not estimate.visit and estimate.measure != "joint test" for estimate in shown):
        notes = ["Patients are those with a score at the visit, of several visits at the one with fewest."]
    if any(estimate.comparator for estimate in shown):
        notes.append("A difference is the first-named group minus the second.")
    if any(estimate.measure == "joint test" for estimate in shown):
        notes.append("Joint tests: F with the degrees of freedom of the numerator and the denominator.")
    return tuple(notes)


def _fit(result: ResultRecord) -> str:
    """Return the fit statistics in a sentence, nothing where there are none or they are hidden."""
    found = [one for one in result.estimates if one.measure == "fit statistic" and not one.suppressed]
    if not found:
        return ""
    listed = "; ".join(f"{one.term} {format_estimate(one)}" for one in found)
    return f"Fit: {listed}."
