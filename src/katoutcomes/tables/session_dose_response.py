"""Weeks with integration side by side as tables: the answer, and how far each difference could be wrong."""

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
    format_with_interval,
    minimum_cell_of,
)
from katoutcomes.tables.footnotes import footnotes, in_words, interval_words
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

POWER = "How small a difference these records could find (points)"
DIFFERENCES = "Score at the visit, more weeks minus fewer (points)"
TREND = "Trend over the arms (points per further week)"
MEANS = "Adjusted means (points)"
PATIENTS = "Patients"
WEIGHTS = "Weights of the followers"
_ORDER = (POWER, DIFFERENCES, TREND, MEANS, PATIENTS, WEIGHTS)
_HEADINGS = {
    "precision": POWER,
    "emulated arms": DIFFERENCES,
    "trend over the arms": TREND,
    "follow-up, emulated": MEANS,
    "weights": WEIGHTS,
}
_HOLM = "emulated arms, Holm: "
_SHOWN_WEIGHTS = ("effective sample size", "share of the largest")
_PATIENTS = (
    *("eligible patients", "patients in the trial", "courses in the trial", "patients with several courses"),
    *("followed: ", "scored, followed: ", "followed only: "),
)

BESIDE = "The same by other estimators (points)"
WRONG = "How far it could be wrong"
MISSING = "Who has no score at the visit"
_DOUBTS = {
    "sensitivity": BESIDE,
    "unmeasured confounding": WRONG,
    "tipping point": WRONG,
    "negative control": WRONG,
    "selection by the score": WRONG,
    "missing score": MISSING,
}
_ALL_ARMS = "All arms"


def session_dose_response_table(result: ResultRecord) -> Table:
    """Return the answer of a `session_dose_response` under headings, how small a difference could be found first.

    Parameters
    ----------
    result : ResultRecord
        A result of `session_dose_response`, released or not.

    Returns
    -------
    Table
        With Holm's p beside p. Other estimators and how far it could be wrong stand in `sensitivity_table`.
    """
    minimum_cell = minimum_cell_of(result)
    holm = {
        one.term.removeprefix(_HOLM): format_p(None if one.suppressed else one.estimate)
        for one in result.estimates
        if one.term.startswith(_HOLM)
    }
    pairs = [(_heading(one), _row(one, holm, minimum_cell)) for one in result.estimates if _is_shown(one)]
    pairs.sort(key=lambda pair: _ORDER.index(pair[0]))
    rows = tuple(row for _, row in pairs)
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument),
        caption=result.title,
        question=result.estimand.sentence(),
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


def sensitivity_table(result: ResultRecord) -> Table:
    """Return how far each difference could be wrong: a row a doubt, a column a pair of arms.

    Parameters
    ----------
    result : ResultRecord
        A result of `session_dose_response`, released or not.
    """
    shown = [one for one in result.estimates if _stem(one) in _DOUBTS]
    pairs = list(dict.fromkeys(name for one in shown if (name := _pair(one)) != _ALL_ARMS))
    columns = (*pairs, _ALL_ARMS)
    cells: dict[tuple[str, str], dict[str, str]] = {}
    for one in shown:
        row = cells.setdefault((_DOUBTS[_stem(one)], _doubt(one)), {})
        row[_pair(one)] = format_with_interval(one)
    ordered = sorted(cells, key=lambda key: (BESIDE, WRONG, MISSING).index(key[0]))
    rows = tuple((label, *(cells[heading, label].get(name, "") for name in columns)) for heading, label in ordered)
    return Table(
        name=table_name(result.analysis, "sensitivity"),
        caption=f"How far each difference could be wrong. {result.title}",
        columns=("", *columns),
        rows=rows,
        footnotes=footnotes(
            result,
            rows,
            f"In parentheses the {interval_words(result)}. None of these is a further answer, and nothing here is "
            "adjusted for several questions. E-value and robustness value say how strong a confounder that nobody "
            "recorded would have to be; they say nothing about drop-out. The tipping point is by how much the missing "
            "scores of those with more weeks would have to be less favorable than predicted.",
        ),
        row_groups=tuple(heading for heading, _ in ordered),
    )


def _stem(estimate: Estimate) -> str:
    return estimate.term.partition(": ")[0]


def _pair(estimate: Estimate) -> str:
    return f"{estimate.treatment} minus {estimate.comparator}" if estimate.comparator else _ALL_ARMS


def _doubt(estimate: Estimate) -> str:
    stem, _, rest = estimate.term.partition(": ")
    is_named = stem in {"tipping point", "negative control"}
    return in_words(f"{stem[:1].upper()}{stem[1:]}: {rest}" if is_named else f"{rest[:1].upper()}{rest[1:]}")


def _is_shown(estimate: Estimate) -> bool:
    """Return whether the first table shows an estimate; the others have tables of their own."""
    stem = _stem(estimate)
    if stem == "weights":
        return estimate.term.endswith(_SHOWN_WEIGHTS)
    return stem in _HEADINGS or estimate.term.startswith(_PATIENTS)


def _heading(estimate: Estimate) -> str:
    return _HEADINGS.get(_stem(estimate), PATIENTS)


def _row(estimate: Estimate, holm: dict[str, str], minimum_cell: int | None) -> tuple[str, ...]:
    stem, _, rest = estimate.term.partition(": ")
    label = rest if stem in _HEADINGS else estimate.term
    if stem == "precision":
        label = f"{_pair(estimate)}: {rest}"
    if estimate.measure == "proportion":
        return (label, format_share(estimate, minimum_cell), format_estimate(estimate), "", "", "", "")
    if estimate.measure == "count":
        count = format_count(
            estimate.n_counted,
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
