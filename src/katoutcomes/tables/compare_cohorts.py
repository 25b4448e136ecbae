"""A comparison of cohorts as a table: the answer, whom it rests on, how far it could be wrong, and the balance."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import (
    format_count,
    format_estimate,
    format_interval,
    format_n_patients,
    format_p,
    format_share,
    format_std_error,
    minimum_cell_of,
)
from katoutcomes.tables.footnotes import footnotes, group_label, in_words, interval_words
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

ANSWER = "Score at the visit, weighted and adjusted (points)"
CLINICS = "With clinics as clusters (points)"
PATIENTS = "Patients"
SENSITIVITY = "How far it could be wrong"
WEIGHTS = "Weights of the scored"
BEFORE = "Balance before weighting (standardized mean difference)"
AFTER = "Balance as analyzed (standardized mean difference)"
_ORDER = (ANSWER, CLINICS, PATIENTS, SENSITIVITY, WEIGHTS, BEFORE, AFTER)
_HEADINGS = {
    "follow-up, weighted": ANSWER,
    "missing information of the difference": ANSWER,
    "compared": PATIENTS,
    "scored, of those compared": PATIENTS,
    "balance, before weighting": BEFORE,
    "balance, as analyzed": AFTER,
}
_SHOWN_WEIGHTS = frozenset({"weights: effective sample size", "weights: share of the largest"})


def compare_cohorts_table(result: ResultRecord) -> Table:
    """Return the estimates of a `compare_cohorts` under headings; quantiles and variance ratios stay in the frame.

    Parameters
    ----------
    result : ResultRecord
        A result of `compare_cohorts`, released or not.

    Returns
    -------
    Table
        The differences first. The question stands above it, in the caption.
    """
    minimum_cell = minimum_cell_of(result)
    pairs = [
        (heading, _row(estimate, minimum_cell, is_one_of_many=_has_several_arms(result)))
        for estimate in result.estimates
        if (heading := _heading(estimate))
    ]
    pairs.sort(key=lambda pair: _ORDER.index(pair[0]))
    rows = tuple(row for _, row in pairs)
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument),
        caption=f"{result.title}. {result.estimand.sentence()}",
        columns=("", "Patients", "Estimate", interval_words(result), "Standard error", "p"),
        rows=rows,
        footnotes=footnotes(
            result,
            rows,
            result.method.description,
            "A difference is the first-named arm minus the second. It is an effect only if the assumptions hold.",
        ),
        row_groups=tuple(heading for heading, _ in pairs),
    )


def _has_several_arms(result: ResultRecord) -> bool:
    return len({estimate.treatment for estimate in result.estimates if estimate.treatment}) > 1


def _heading(estimate: Estimate) -> str:
    """Return under which heading an estimate stands; nothing for those that only the frame shows."""
    stem = estimate.term.split(": ", 1)[0]
    if stem.startswith("balance") and estimate.measure != "standardized mean difference":
        return ""
    if stem in _HEADINGS:
        return _HEADINGS[stem]
    if stem == "weights":
        return WEIGHTS if estimate.term in _SHOWN_WEIGHTS else ""
    if stem.startswith(("clinic", "wild cluster")):
        return CLINICS
    is_shown = stem in {"unmeasured confounding", "tipping point", "precision", "negative control", "overlap"}
    return SENSITIVITY if is_shown or stem.startswith(("truncated", "reference-based")) else ""


def _row(estimate: Estimate, minimum_cell: int | None, *, is_one_of_many: bool) -> tuple[str, ...]:
    label = _label(estimate, is_one_of_many=is_one_of_many)
    if estimate.measure == "proportion":
        interval = format_interval(estimate)
        return (label, format_share(estimate, minimum_cell), format_estimate(estimate), interval, "", "")
    patients = format_n_patients(estimate, minimum_cell)
    if estimate.measure == "count":
        count = format_count(
            estimate.n_patients,
            suppressed=estimate.suppressed,
            below_minimum=estimate.below_minimum,
            minimum_cell=minimum_cell,
        )
        return (label, count, "", "", "", "")
    if estimate.suppressed:
        hidden = format_estimate(estimate)
        return (label, patients, hidden, hidden, hidden, hidden)
    return (
        label,
        patients,
        format_estimate(estimate),
        format_interval(estimate),
        format_std_error(estimate),
        format_p(estimate.p_value),
    )


def _label(estimate: Estimate, *, is_one_of_many: bool) -> str:
    sides = f"{in_words(estimate.treatment)} minus {in_words(estimate.comparator)}" if estimate.comparator else ""
    stem, _, rest = estimate.term.partition(": ")
    if stem == "follow-up, weighted":
        return sides or group_label(estimate.subgroup)
    if stem in {"compared", "scored, of those compared"}:
        return f"{group_label(estimate.subgroup)}, {stem.split(',')[0]}"
    if stem == "weights":
        return f"{group_label(estimate.subgroup)}, {rest}"
    named = f"{stem}: {in_words(rest)}" if rest else stem
    text = in_words(rest) if stem.startswith("balance") else named
    return f"{text} ({sides})" if sides and is_one_of_many else text
