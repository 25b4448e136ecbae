"""Everything a `change_from_baseline` holds about the change, one number a row: the table behind the first table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.errors import require_option
from katoutcomes.results.formatting import (
    DOES_NOT_APPLY,
    format_df,
    format_n_patients,
    format_p,
    format_share,
    format_with_interval,
    minimum_cell_of,
)
from katoutcomes.tables.footnotes import footnotes, group_label, interval_words, level_label
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

_LABELS = {
    ("change", "mean change"): "mean change, points",
    ("change", "standard deviation"): "SD of the changes, points",
    ("change", "percent change of the mean"): "percent change of the mean (not a mean of percentages)",
    ("change", "U3"): "U3: share of baseline distribution worse than follow-up mean",
    ("score change", "probability of superiority"): "probability of superiority (ties half)",
    ("baseline with follow-up", "correlation"): "correlation of baseline and follow-up",
    ("change", "Hodges-Lehmann estimate"): "Hodges-Lehmann estimate, points (p: signed rank test)",
}
_MARGIN_NOTE = "Rows of tests against a margin have the interval of the two one-sided tests, whose level is 1 − 2α."
_LEFT_OUT = ("baseline, completers", "follow-up", "baseline, all with baseline")


def change_details_table(result: ResultRecord, *, visit: str | None = None) -> Table:
    """Return every number about the change at each visit of a `change_from_baseline`, group by group.

    Parameters
    ----------
    result : ResultRecord
        A result of `change_from_baseline`, released or not.
    visit : str, optional
        One visit only; by default all of them.

    Returns
    -------
    Table
        One row a number: estimate with interval, degrees of freedom, p, and on how many patients it rests; shares with
        the patients behind them. A margin's rows have the interval of two one-sided tests.

    Raises
    ------
    OptionError
        If there is no such visit.
    """
    visits = list(dict.fromkeys(change.visit for change in result.select(term="change", measure="mean change")))
    if visit is not None:
        require_option("visit", visit, visits)
    shown = [
        estimate
        for estimate in result.estimates
        if estimate.term not in _LEFT_OUT and estimate.visit in ([visit] if visit else visits)
    ]
    rows = tuple((_label(result, estimate), *_cells(result, estimate)) for estimate in shown)
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument, "details"),
        caption=f"{result.title}, in detail (a change is follow-up minus baseline)",
        columns=("Number", f"Estimate ({interval_words(result)})", "df", "p", "Patients"),
        rows=rows,
        row_groups=tuple(f"{estimate.visit}, {group_label(estimate.subgroup)}" for estimate in shown),
        footnotes=footnotes(
            result,
            rows,
            result.method.description,
            *((_MARGIN_NOTE,) if any(one.measure == "test against a margin" for one in shown) else ()),
        ),
    )


def _label(result: ResultRecord, estimate: Estimate) -> str:
    """Return what a number is, in words."""
    if estimate.comparator:
        what = "adjusted p of the " if estimate.measure == "adjusted p-value" else ""
        groups = (level_label(result, level) for level in (estimate.treatment, estimate.comparator))
        return f"{what}difference, {' minus '.join(groups)}"
    known = _LABELS.get((estimate.term, estimate.measure))
    if known is not None:
        return known
    if estimate.term == "change":
        return "adjusted p of the mean change" if estimate.measure == "adjusted p-value" else estimate.measure
    return f"{estimate.term}, points" if estimate.unit == "points" else estimate.term


def _cells(result: ResultRecord, estimate: Estimate) -> tuple[str, str, str, str]:
    patients = format_n_patients(estimate, minimum_cell_of(result))
    if estimate.measure == "proportion":
        patients = format_share(estimate, minimum_cell_of(result))
    if estimate.suppressed:
        return format_with_interval(estimate), DOES_NOT_APPLY, DOES_NOT_APPLY, patients
    return format_with_interval(estimate), format_df(estimate.df), format_p(estimate.p_value), patients
