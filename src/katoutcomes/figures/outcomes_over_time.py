"""Outcomes quarter by quarter: one panel a line, with center line, limits and signals where there are enough points."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.figures.drawing.time_drawing import Panel, Point, TimePlan, draw_time
from katoutcomes.figures.drawing.wording import general_notes, interval_name
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.results.estimate import NOT_A_NUMBER
from katoutcomes.results.formatting import (
    format_count,
    format_estimate,
    format_n_patients,
    format_with_interval,
    minimum_cell_of,
)
from katoutcomes.results.time_words import PANEL_NAMES, chart_words, signal_sentences

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.part import Cell
    from katoutcomes.results.result import ResultRecord

COLUMNS: tuple[str, ...] = (
    "term",
    "period",
    "estimate",
    "conf_low",
    "conf_high",
    "n",
    "center",
    "lower_limit",
    "upper_limit",
    "status",
)
RECENT = "follow-up not over"
CHARTED = "in the chart"
PLAIN_LINE = "plain line"


def over_time(result: ResultRecord) -> Figure:
    """Draw every line of `outcomes_over_time`, one panel below the other.

    Parameters
    ----------
    result : ResultRecord
        A result of `outcomes_over_time`, released or not.

    Returns
    -------
    Figure
        Points with their lines, center lines and limits for each phase. Periods whose follow-up is not over stand in a
        shaded band with open marks and no line; a hidden number is a gap. ``rows`` holds `COLUMNS`.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=20260930, n_patients=120)
    >>> over_time(kat.outcomes_over_time(kat.select_cohort(registry).analysis_set("PHQ-9"))).title
    'Outcomes by quarter of the first dose: PHQ-9 at week 12'
    """
    panels = tuple(_panel(result, term) for term in _terms(result))
    plan = TimePlan(
        title=result.title,
        subtitle=f"Each point is the courses that began in that period, with its {_interval(result)}.",
        notes=_notes(result, panels),
        labels=tuple(str(label) for label in result.part("periods").column("period")),
        panels=panels,
    )
    return Figure(
        name=figure_name("over_time", result.estimand.endpoint.instrument, result.estimand.endpoint.visit),
        title=plan.title,
        alt_text=_alt_text(plan),
        columns=COLUMNS,
        rows=tuple(row for panel in panels for row in _rows(panel)),
        drawing=partial(draw_time, plan),
    )


def _interval(result: ResultRecord) -> str:
    return interval_name(one.conf_level for one in result.estimates)


def _terms(result: ResultRecord) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(term) for term in result.part("charts").column("term")))


def _panel(result: ResultRecord, term: str) -> Panel:
    periods = result.part("periods")
    points = tuple(
        _point(result, term, str(label), str(group), str(status))
        for label, group, status in zip(
            periods.column("period"), periods.column("group"), periods.column("verdict"), strict=True
        )
    )
    name, unit = PANEL_NAMES.get(term, (term, ""))
    chart = chart_words(result, term)
    return Panel(
        term=term,
        name=name,
        unit=unit,
        is_share=any(point.value is not None and point.value.measure == "proportion" for point in points),
        chart=chart,
        points=points,
        signals=() if chart == PLAIN_LINE else signal_sentences(result, term),
    )


def _point(result: ResultRecord, term: str, label: str, group: str, status: str) -> Point:
    found = _first(result, term, group, ("mean change", "proportion", "event rate"))
    phase = _phase_of(result, term, group)
    center = _first(
        result, term, phase, ("center line", "center line of a share", "proportion", "event rate") if phase else ()
    )
    low, high = (
        _first(result, f"{term}, {side} limit", group, _LIMITS)
        or _first(result, f"{term}, {side} limit", phase, _LIMITS if phase else ())
        for side in ("lower", "upper")
    )
    minimum = minimum_cell_of(result)
    sessions = _first(result, "dosing sessions", group, ("count",))
    is_rate = found is not None and found.measure == "event rate"
    n_text = "" if found is None else format_n_patients(found, minimum)
    if is_rate and sessions is not None:
        n_text = format_estimate(sessions, minimum)
    return Point(
        label=label,
        status=status,
        value=found,
        n_text=n_text,
        phase=phase,
        center=_number(center),
        lower=_number(low),
        upper=_number(high),
        is_beyond=_is_beyond(result, term, label),
    )


_LIMITS = ("control limit", "control limit of a share")


def _first(result: ResultRecord, term: str, subgroup: str, measures: tuple[str, ...]) -> Estimate | None:
    for one in result.select(term=term, subgroup=subgroup):
        if one.measure in measures:
            return one
    return None


def _phase_of(result: ResultRecord, term: str, group: str) -> str:
    """Return the phase with lines that a period is in, "" where there is none."""
    for of_term, whole, period in result.part("spans").rows:
        if (of_term, period) == (term, group) and str(whole).startswith("phase: "):
            return str(whole)
    return ""


def _number(estimate: Estimate | None) -> float:
    return NOT_A_NUMBER if estimate is None or estimate.suppressed else estimate.estimate


def _is_beyond(result: ResultRecord, term: str, label: str) -> bool:
    part = result.part("signals")
    where = zip(part.column("term"), part.column("rule"), part.column("period"), strict=True)
    return (term, "beyond limits", label) in set(where)


def _notes(result: ResultRecord, panels: tuple[Panel, ...]) -> tuple[str, ...]:
    notes = []
    statuses = {point.status for panel in panels for point in panel.points}
    if RECENT in statuses:
        notes.append(
            "Shaded: follow-up is not over, so who is there are the first to come; not in any line, limit or rule."
        )
    if "too few patients" in statuses:
        notes.append(f"Open marks outside the shade: fewer than {format_count(11)} patients, not in lines or rules.")
    if any(panel.chart == PLAIN_LINE for panel in panels):
        notes.append(
            f"Plain lines: fewer than {format_count(12)} periods whose follow-up is over are too few for rules."
        )
    if any(point.is_beyond for panel in panels for point in panel.points):
        notes.append("A ring marks a point beyond a limit.")
    if any(point.value is not None and point.value.suppressed for panel in panels for point in panel.points):
        notes.append("A gap is a number that is not shown, because a small count is in it or would follow from it.")
    for _, period, reason, decided in result.part("rebasings").rows:
        notes.append(f"Lines begin anew with {period}: {reason} (decided {decided}).")
    if any(panel.signals for panel in panels):
        notes.append("A signal says that chance would seldom do this, not why.")
    return (*notes, *general_notes(result))


def _rows(panel: Panel) -> list[tuple[Cell, ...]]:
    return [
        (
            panel.term,
            point.label,
            *(
                None if math.isnan(one) else one
                for one in (
                    (NOT_A_NUMBER,) * 3
                    if point.value is None
                    else (point.value.estimate, point.value.conf_low, point.value.conf_high)
                )
            ),
            point.n_text,
            *(None if math.isnan(one) else one for one in (point.center, point.lower, point.upper)),
            point.status,
        )
        for point in panel.points
    ]


def _alt_text(plan: TimePlan) -> str:
    """Return every panel as sentences: kind of chart, signals, then the numbers."""
    sentences = [f"{plan.title}, as line charts from {plan.labels[0]} to {plan.labels[-1]}. {plan.subtitle}"]
    for panel in plan.panels:
        numbers = "; ".join(
            f"{point.label} {format_with_interval(point.value)}"
            + ("" if point.status == CHARTED else f" ({point.status})")
            for point in panel.points
            if point.value is not None
        )
        sentences.append(" ".join((f"{panel.name} ({panel.chart}).", *panel.signals, f"{numbers}.")))
    return " ".join((*sentences, *plan.notes))
