"""Adverse events and session safety as a table: each number with what it is a share of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import (
    DOES_NOT_APPLY,
    format_count,
    format_estimate,
    format_share,
    format_with_interval,
    minimum_cell_of,
)
from katoutcomes.tables.footnotes import footnotes, group_label, in_words, interval_words, subgroups
from katoutcomes.tables.table import Table

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

_PATIENTS = "proportion"
_SESSIONS = "proportion of sessions"
_SAME_ROW = {
    "patients with an event": "events",
    "sessions with an event": "events",
    "patients with a serious event": "serious events",
    "sessions with a serious event": "serious events",
}
_ITEM_NOTE = (
    "Newly endorsed (of those who did not endorse the item before) and answered higher: in at least one of all "
    "questionnaires after the first dose, however many there were; a later answer may be lower again."
)
_STEMS = {
    "events": "events",
    "worst event of a patient": "events",
    "worst event of a session": "events",
    "kind of event": "kind",
    "patients with kind": "kind",
}


def safety_table(result: ResultRecord) -> Table:
    """Return one row a kind of event, a sign of a session, or an item: events, rate, patients, sessions.

    Parameters
    ----------
    result : ResultRecord
        A result of `safety`, released or not.
    """
    groups = subgroups(result.estimates)
    rows, headings = [], []
    for subgroup in groups:
        of_group = [estimate for estimate in result.estimates if estimate.subgroup == subgroup]
        for name in dict.fromkeys(map(_row_of, of_group)):
            found = [one for one in of_group if _row_of(one) == name]
            rows.append((_name(name, found), *_cells(result, found)))
            headings.append(group_label(subgroup))
    interval = interval_words(result)
    return Table(
        name="safety",
        caption=result.title,
        columns=(
            "What",
            "Number",
            f"Per 1,000 patient-days ({interval})",
            f"Patients, of all who were observed or asked ({interval})",
            f"Dosing sessions, of all in which it was recorded ({interval})",
            "Median (quartiles)",
        ),
        rows=tuple(rows),
        row_groups=tuple(headings) if len(groups) > 1 else (),
        footnotes=footnotes(
            result,
            rows,
            "Counting, never monitoring: nobody can be called.",
            "Patients and sessions stand under the worst severity of their events, so each is counted once; kinds can "
            "overlap.",
            "Clopper-Pearson and exact Poisson intervals, two-sided also where nothing was seen.",
            _ITEM_NOTE if any(one.term.startswith("safety item of the ") for one in result.estimates) else "",
        ),
    )


def _name(row: str, estimates: list[Estimate]) -> str:
    """Return how a row is called: what was seen, with the unit of a median."""
    units = [one.unit for one in estimates if one.measure == "median" and one.unit]
    return in_words(row.removeprefix("kind, ")) + (f", {in_words(units[0])}" if units else "")


def _row_of(estimate: Estimate) -> str:
    """Return the row that an estimate stands in: an event, whoever is counted."""
    stem, _, level = estimate.term.partition(", ")
    if level and stem in _STEMS:
        return f"{_STEMS[stem]}, {level}"
    return _SAME_ROW.get(estimate.term, estimate.term)


def _cells(result: ResultRecord, estimates: list[Estimate]) -> tuple[str, ...]:
    by_measure = {estimate.measure: estimate for estimate in estimates}
    minimum = minimum_cell_of(result)
    count = by_measure.get("count") or by_measure.get("exposure time")
    number = DOES_NOT_APPLY if count is None else format_estimate(count, minimum)
    if "exposure time" in by_measure and count is not None and not count.suppressed:
        number = f"{format_count(count.estimate)} days"
    rate = by_measure.get("event rate")
    return (
        number,
        DOES_NOT_APPLY if rate is None else format_with_interval(rate, minimum),
        _share(by_measure.get(_PATIENTS), minimum),
        _share(by_measure.get(_SESSIONS), minimum),
        _median(by_measure),
    )


def _share(estimate: Estimate | None, minimum: int | None) -> str:
    if estimate is None:
        return DOES_NOT_APPLY
    text = format_share(estimate, minimum)
    return text if estimate.suppressed else f"{text}, {format_with_interval(estimate)}"


def _median(by_measure: dict[str, Estimate]) -> str:
    if "median" not in by_measure:
        return DOES_NOT_APPLY
    median, low, high = (by_measure[name] for name in ("median", "lower quartile", "upper quartile"))
    text = format_estimate(median)
    return text if median.suppressed else f"{text} ({format_estimate(low)} to {format_estimate(high)})"
