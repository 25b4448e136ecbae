"""An emulated trial as tables: power, answer, bias diary, patients and weights; and the protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.estimands.named_estimands import NAMED_ESTIMANDS
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
from katoutcomes.tables.footnotes import footnotes, in_words, interval_words
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

POWER = "How small a difference these records could find (points)"
ANSWER = "Score at the visit, emulated trial (points)"
BESIDE = "The same by other estimators (points)"
DIARY = "Bias diary: what other comparisons would have shown (points)"
MODIFIERS = "For whom the difference is larger (points)"
WRONG = "How far it could be wrong"
MISSING = "Who has no score at the visit"
PATIENTS = "Patients"
WEIGHTS = "Weights of the followers"
SHARES_BY_VISIT = "Share in response at each visit, emulated (percent)"
_ORDER = (POWER, ANSWER, SHARES_BY_VISIT, BESIDE, DIARY, MODIFIERS, WRONG, PATIENTS, MISSING, WEIGHTS)
_HEADINGS = {
    "precision": POWER,
    "emulated trial": ANSWER,
    "emulated ratio": ANSWER,
    "follow-up, emulated": ANSWER,
    "in response, emulated": SHARES_BY_VISIT,
    "days between visits, emulated": BESIDE,
    "sensitivity": BESIDE,
    "bias diary": DIARY,
    "effect by modifier": MODIFIERS,
    "effect by modifier, partially pooled": MODIFIERS,
    "difference of effects": MODIFIERS,
    "unmeasured confounding": WRONG,
    "tipping point": WRONG,
    "negative control": WRONG,
    "selection by the score": WRONG,
    "missing score": MISSING,
    "weights": WEIGHTS,
}
_SHOWN_WEIGHTS = ("effective sample size", "share of the largest")
_ELSEWHERE = (
    "tipping grid: ",
    "still in care",
    "balance, ",
    "balance of ",
    "propensity of ",
    "overlap of ",
    "own weight in ",
)
"""Further tables and figures show what begins so."""


def emulate_trial_table(result: ResultRecord) -> Table:
    """Return the estimates of an `emulate_trial` under headings, how small a difference could be found first.

    Parameters
    ----------
    result : ResultRecord
        A result of `emulate_trial`, released or not.

    Returns
    -------
    Table
        The question stands above it; what is wrong with each line of the diary in the notes.
    """
    minimum_cell = minimum_cell_of(result)
    pairs = [
        (_HEADINGS.get(_stem(one), PATIENTS), _row(one, minimum_cell)) for one in result.estimates if _is_shown(one)
    ]
    pairs.sort(key=lambda pair: _ORDER.index(pair[0]))
    rows = tuple(row for _, row in pairs)
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument),
        caption=result.title,
        question=f"{_named_question(result)}{result.estimand.sentence()}",
        columns=("", "Patients", "Estimate", interval_words(result), "Standard error", "p"),
        rows=rows,
        footnotes=footnotes(
            result,
            rows,
            result.method.description,
            "Every number rests on all patients of the trial unless the row is about some of them.",
            *(f"Bias diary, {order}: {text}" for order, _, text in _diary(result)),
        ),
        row_groups=tuple(_in_unit(heading, result) for heading, _ in pairs),
    )


def _in_unit(heading: str, result: ResultRecord) -> str:
    """Return a heading of points as one of percentages, days or the last score in care, as the outcome is."""
    if result.estimand.name == "days_in_response":
        heading = heading.replace(ANSWER, "Days in response up to the visit, emulated trial").replace(
            "(points)", "(days)"
        )
        return heading.replace("at the visit", "at the last visit").replace("other estimators", "other ways")
    if result.estimand.name == "while_in_care":
        heading = heading.replace("Score at the visit", "Last score in care")
    if not result.select(term="emulated trial", measure="difference in proportions"):
        return heading
    return heading.replace("(points)", "(percent)").replace("Score at", "Share at")


def protocol_table(result: ResultRecord) -> Table:
    """Return the protocol of the target trial beside how the records emulate it, item by item (TARGET).

    Parameters
    ----------
    result : ResultRecord
        A result of `emulate_trial`, released or not.
    """
    part = result.part("protocol")
    return Table(
        name=table_name(result.analysis, "protocol"),
        caption="Protocol of the target trial",
        question=result.estimand.sentence(),
        columns=("Item", "Target trial", "Emulation"),
        rows=tuple(
            (str(item)[:1].upper() + str(item)[1:], str(target), str(emulated)) for item, target, emulated in part.rows
        ),
        footnotes=footnotes(result, ()),
    )


def _is_shown(estimate: Estimate) -> bool:
    """Return whether the first table shows an estimate; balance and probabilities have tables of their own."""
    if estimate.term.startswith("weights: "):
        return estimate.term.endswith(_SHOWN_WEIGHTS)
    return not estimate.term.startswith(_ELSEWHERE)


def _named_question(result: ResultRecord) -> str:
    """Return the question in plain words, where the estimand is one of those with a name."""
    named = NAMED_ESTIMANDS.get(result.estimand.name)
    return f"{named.sentence} " if named else ""


def _diary(result: ResultRecord) -> list[tuple[str, str, str]]:
    rows = [part.rows for part in result.parts if part.name == "bias_diary"]
    return [(str(order), str(step), str(text)) for order, step, text in (rows[0] if rows else ())]


def _stem(estimate: Estimate) -> str:
    return estimate.term.split(": ", 1)[0]


def _row(estimate: Estimate, minimum_cell: int | None) -> tuple[str, ...]:
    label = _label(estimate)
    if estimate.measure == "proportion":
        return (label, format_share(estimate, minimum_cell), format_estimate(estimate), "", "", "")
    if estimate.measure == "count":
        count = format_count(
            estimate.n_counted,
            suppressed=estimate.suppressed,
            below_minimum=estimate.below_minimum,
            minimum_cell=minimum_cell,
        )
        return (label, count, "", "", "", "")
    patients = format_n_patients(estimate, minimum_cell)
    if estimate.suppressed:
        hidden = format_estimate(estimate)
        return (label, patients, hidden, hidden, hidden, hidden)
    interval, error = format_interval(estimate), format_std_error(estimate)
    return (label, patients, format_estimate(estimate), interval, error, format_p(estimate.p_value))


def _label(estimate: Estimate) -> str:
    stem, _, rest = estimate.term.partition(": ")
    if estimate.term == "emulated trial":
        return f"{estimate.treatment} minus {estimate.comparator}"
    if estimate.term == "emulated ratio":
        return f"{estimate.treatment} over {estimate.comparator}, ratio"
    if stem.startswith("effect by modifier"):
        where = in_words(rest or estimate.subgroup)
        return f"{where}, partially pooled" if stem.endswith("pooled") else where
    if stem == "difference of effects":
        return f"Difference of effects: {in_words(rest)}"
    if stem in {"negative control", "tipping point"}:
        return f"{stem[:1].upper()}{stem[1:]}: {in_words(rest)}"
    is_at_visit = estimate.visit and (stem == "in response, emulated" or estimate.measure == "proportion")
    return (in_words(rest) or estimate.term) + (f" at {estimate.visit}" if is_at_visit else "")
