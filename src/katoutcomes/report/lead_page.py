"""Page one for somebody who leads a clinic: who is in it, how they changed, how sure that is, what went badly.

Every cell is an estimate of a released result; nothing is worked out here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from katoutcomes.results.formatting import (
    DOES_NOT_APPLY,
    HIDDEN,
    format_count,
    format_estimate,
    format_interval,
    format_level,
    format_n_patients,
    format_part_cell,
    format_share,
    minimum_cell_of,
)
from katoutcomes.results.time_words import PANEL_NAMES, recent_rows
from katoutcomes.tables.table import Table

if TYPE_CHECKING:
    from katoutcomes.results.collection import Results
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

KEY_NUMBERS = "key_numbers"
_Row = tuple[str, str, str, str]

_CLASSES = ("reliable improvement", "no reliable change", "reliable deterioration")
_CAUTION = "with caution"
_OVER_TIME = "outcomes_over_time"
_RECENT = ("change", "reliable improvement", "reliable deterioration", "paired completeness")
"""The lines over time that stand on page one."""
_SAFETY = (
    ("patients with an event", "Patients with an adverse event"),
    ("patients with a serious event", "Patients with a serious adverse event"),
    ("sessions with an event", "Dosing sessions with an adverse event"),
)
"""Terms of `safety` and how page one calls them."""


def key_numbers(results: Results) -> Table:
    """Return the numbers of page one, each with its interval and how many it rests on.

    Parameters
    ----------
    results : Results
        Released results of a plan; what the plan did not ask for is left out.
    """
    names = results.instruments()
    groups = [("Patients", list(_flow_rows(results)))]
    groups += [(_heading(results, name), list(_instrument_rows(results, name))) for name in names]
    groups += _recent_groups(results, names)
    groups.append(("What went badly", list(_safety_rows(results))))
    rows = tuple(row for _, found in groups for row in found)
    return Table(
        name=KEY_NUMBERS,
        caption="The numbers of this report at a glance",
        columns=("What was counted or measured", "Number", _interval_heading(results), "Of how many"),
        rows=rows,
        row_groups=tuple(heading for heading, found in groups for _ in found),
        footnotes=tuple(_notes(results, rows)),
    )


def _flow_rows(results: Results) -> Iterator[_Row]:
    """Yield the stages of the flow, down to those with a baseline score, but for those that left nobody out."""
    if not results.has("participant_flow"):
        return
    flow = results.of("participant_flow")
    part = flow.part("flow")
    minimum = minimum_cell_of(flow)
    stages = [row for row, kind in enumerate(part.column("kind")) if kind == "stage"]
    before = ""
    for row in stages:
        number = format_part_cell(part, row, "n_patients", minimum)
        if number != before or not number[0].isdigit() or row == stages[-1]:
            yield _capital(str(part.column("step")[row])), number, "", ""
        before = number


def _heading(results: Results, name: str) -> str:
    if not results.has("change_from_baseline", name):
        return name
    visits = [estimate.visit for estimate in _changes(results.of("change_from_baseline", name))]
    return f"{name} at {visits[-1]}" if visits else name


def _instrument_rows(results: Results, name: str) -> Iterator[_Row]:
    if results.has("change_from_baseline", name):
        change = results.of("change_from_baseline", name)
        yield from _change_rows(change)
    if results.has("clinical_significance", name):
        yield from _class_rows(results.of("clinical_significance", name))
    if results.has("cohort_difference", name):
        yield from _difference_rows(results.of("cohort_difference", name))


def _changes(change: ResultRecord) -> tuple[Estimate, ...]:
    return change.select(term="change", measure="mean change", subgroup="")


def _change_rows(change: ResultRecord) -> Iterator[_Row]:
    found = _changes(change)
    if not found:
        return
    last, minimum = found[-1], minimum_cell_of(change)
    for completeness in change.select(term="paired completeness", visit=last.visit, subgroup=""):
        yield _row("Scored again (paired completeness)", completeness, minimum)
    if change.verdict == "withhold":
        yield "Mean change", "not reported", "", ""
        return
    counted = f"{format_n_patients(last, minimum)} patients"
    yield "Mean change, points", format_estimate(last), format_interval(last), counted


def _class_rows(significance: ResultRecord) -> Iterator[_Row]:
    """Yield improvement, no change and deterioration by the first definition, as the sentence does."""
    first = next(iter(significance.select(term=_CLASSES[0], measure="proportion", subgroup="")), None)
    if first is None:
        return
    same = {"definition_set": first.definition_set, "visit": first.visit, "measure": "proportion", "subgroup": ""}
    for term in _CLASSES:
        for found in significance.select(term=term, **same):
            yield _row(_capital(term), found, minimum_cell_of(significance))


def _difference_rows(difference: ResultRecord) -> Iterator[_Row]:
    for contrast in difference.select(measure="difference in means"):
        if not contrast.term.startswith("follow-up, adjusted"):
            continue
        name = f"{_words(contrast.treatment)} minus {_words(contrast.comparator)}, adjusted"
        if difference.verdict == "withhold":
            yield _capital(name), "not compared", "", ""
        else:
            counted = format_n_patients(contrast, minimum_cell_of(difference))
            said = [] if counted in {HIDDEN, DOES_NOT_APPLY} else [f"{counted} patients"]
            said += [] if difference.verdict == "report" else [difference.verdict]
            yield _capital(f"{name}, points"), format_estimate(contrast), format_interval(contrast), ", ".join(said)


def _recent_groups(results: Results, names: tuple[str, ...]) -> list[tuple[str, list[_Row]]]:
    """Return the last quarter whose follow-up is over beside those before it, of the primary instrument."""
    if not names or not results.has(_OVER_TIME, names[0]):
        return []
    lines = [row for row in recent_rows(results.of(_OVER_TIME, names[0])) if row.term in _RECENT]
    # The class stands above; that it is hidden of the last quarter and of those before it says nothing more.
    found = [row for row in lines if {row.last, row.before} != {HIDDEN}]
    rows = [
        (f"{PANEL_NAMES[row.term][0]}, {label}", *_number_and_interval(text), counted)
        for row in found
        for label, text, counted in (
            (row.last_label, row.last, row.last_counted),
            (row.before_label, row.before, row.before_counted),
        )
    ]
    if not found:
        return []
    return [(f"{names[0]} by quarter of the first dose: {found[0].last_label} is the last one followed up", rows)]


def _number_and_interval(text: str) -> tuple[str, str]:
    """Return "-6.3 (-7.5 to -5.0)" as its two cells."""
    number, _, interval = text.partition(" (")
    return number, interval.rstrip(")")


def _safety_rows(results: Results) -> Iterator[_Row]:
    if not results.has("safety"):
        return
    safety = results.of("safety")
    rates = [one for one in safety.select(term="events", measure="event rate", subgroup="") if not one.suppressed]
    for term, name in _SAFETY:
        for found in safety.select(term=term, subgroup=""):
            # Events and sessions with one are nearly as many, so that one of the two is hidden: the other one is told.
            is_told = not (found.suppressed and rates and found.measure == "proportion of sessions")
            if is_told and found.measure in {"proportion", "proportion of sessions"}:
                yield _row(name, found, minimum_cell_of(safety))
    for rate in rates:
        counted = f"{format_count(rate.n_observations)} events"
        yield "Adverse events per 1,000 patient-days", format_estimate(rate), _shown(format_interval(rate)), counted


def _row(name: str, share: Estimate, minimum: int | None) -> _Row:
    """Return the row of a share; what is hidden and below the minimum says so in the first cell."""
    number = format_estimate(share)
    if share.suppressed and share.below_minimum:
        number = format_count(None, suppressed=True, below_minimum=True, minimum_cell=minimum)
    counted = format_share(share, minimum) if not share.suppressed else ""
    return name, number, _shown(format_interval(share)), counted


def _shown(interval: str) -> str:
    return "" if interval in {DOES_NOT_APPLY, HIDDEN} else interval


def _interval_heading(results: Results) -> str:
    levels = (estimate.conf_level for result in results for estimate in result.estimates)
    return next((f"{format_level(level)} interval" for level in levels if 0.0 < level < 1.0), "Interval")


def _notes(results: Results, rows: tuple[_Row, ...]) -> Iterator[str]:
    cells = {cell for row in rows for cell in row}
    minimum = next((minimum_cell_of(result) for result in results), None)
    if any(cell.startswith("<") and not cell.endswith("%") for cell in cells):
        yield f"<{minimum}: fewer than {minimum}, so not shown."
    if HIDDEN in cells:
        yield f"{HIDDEN}: a count below {minimum} is in it or would follow from it."
    yield from dict.fromkeys(filter(None, (one.rounding_note for one in results)))
    if any(cell.endswith(_CAUTION) for cell in cells):
        yield f"{_CAUTION}: the reasons stand with the comparison."
    for result in results:
        if result.analysis == "clinical_significance":
            yield "Which definition of reliable change is meant stands with each instrument."
            break
    yield "The words are explained at the end of the report."


def _words(level: str) -> str:
    return level.replace("_", " ")


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
