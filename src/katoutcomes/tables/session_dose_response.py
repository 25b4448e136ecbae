"""Weeks with integration side by side as a table: differences, trend, means, followers and weights."""

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
from katoutcomes.tables.footnotes import footnotes, interval_words
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

DIFFERENCES = "Score at the visit, more weeks minus fewer (points)"
TREND = "Trend over the arms (points per further week)"
MEANS = "Adjusted means (points)"
PRECISION = "How small a difference could be found (points)"
PATIENTS = "Patients"
WEIGHTS = "Weights of the followers"
_HEADINGS = {
    "emulated arms": DIFFERENCES,
    "trend over the arms": TREND,
    "follow-up, emulated": MEANS,
    "precision": PRECISION,
    "weights": WEIGHTS,
}
_ORDER = (DIFFERENCES, TREND, MEANS, PRECISION, PATIENTS, WEIGHTS)
_HOLM = "emulated arms, Holm: "


def session_dose_response_table(result: ResultRecord) -> Table:
    """Return the estimates of a `session_dose_response` under headings, differences first, with Holm's p beside p.

    Parameters
    ----------
    result : ResultRecord
        A result of `session_dose_response`, released or not.
    """
    minimum_cell = minimum_cell_of(result)
    holm = {
        one.term.removeprefix(_HOLM): format_p(None if one.suppressed else one.estimate)
        for one in result.estimates
        if one.term.startswith(_HOLM)
    }
    shown = [one for one in result.estimates if not one.term.startswith(_HOLM)]
    pairs = [(_HEADINGS.get(one.term.split(": ")[0], PATIENTS), _row(one, holm, minimum_cell)) for one in shown]
    pairs.sort(key=lambda pair: _ORDER.index(pair[0]))
    rows = tuple(row for _, row in pairs)
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument),
        caption=f"{result.title}. {result.estimand.sentence()}",
        columns=("", "Patients", "Estimate", interval_words(result), "Standard error", "p", "p (Holm)"),
        rows=rows,
        footnotes=footnotes(
            result,
            rows,
            result.method.description,
            "Every number rests on all patients of the trial unless the row is about some of them. A patient who left "
            "care early may have followed several arms.",
        ),
        row_groups=tuple(heading for heading, _ in pairs),
    )


def _row(estimate: Estimate, holm: dict[str, str], minimum_cell: int | None) -> tuple[str, ...]:
    stem, _, rest = estimate.term.partition(": ")
    label = rest if stem in _HEADINGS else estimate.term
    if estimate.measure == "proportion":
        return (label, format_share(estimate, minimum_cell), format_estimate(estimate), "", "", "", "")
    if estimate.measure == "count":
        count = format_count(
            estimate.n_patients,
            suppressed=estimate.suppressed,
            below_minimum=estimate.below_minimum,
            minimum_cell=minimum_cell,
        )
        return (label, count, "", "", "", "", "")
    patients = format_n_patients(estimate, minimum_cell)
    if estimate.suppressed:
        hidden = format_estimate(estimate)
        return (label, patients, hidden, hidden, hidden, hidden, "")
    return (
        label,
        patients,
        format_estimate(estimate),
        format_interval(estimate),
        format_std_error(estimate),
        format_p(estimate.p_value),
        holm.get(rest, "") if stem == "emulated arms" else "",
    )
