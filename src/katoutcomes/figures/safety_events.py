"""Patients with adverse events as dots with exact intervals: any, serious, by worst severity, by kind."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.figures.drawing.layout import MARGIN, Page, line_height, text_width, titled_page, wrap
from katoutcomes.figures.drawing.style import (
    AXIS_WIDTH,
    FAINT,
    LINE_WIDTH,
    PAGE_WIDTH,
    QUIET_INK,
    Series,
    marker_choices,
    series_styles,
)
from katoutcomes.figures.drawing.withheld import say_if_withheld
from katoutcomes.figures.drawing.wording import (
    by_words,
    capitalized,
    general_notes,
    group_label,
    grouping_variable,
    interval_name,
    shown_groups,
    withheld_groups_note,
)
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.results.formatting import format_percent, format_share, format_with_interval, minimum_cell_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

COLUMNS: tuple[str, ...] = ("event", "group", "share", "conf_low", "conf_high", "conf_level", "patients")
_FIRST = ("patients with an event", "patients with a serious event")
_WORST, _KIND = "worst event of a patient, ", "patients with kind, "
_WIDEST_NAME = 150.0
_NOTES = (
    "Share of all patients, from the first dose to the last record before the next course.",
    "Clopper-Pearson intervals, two-sided also where nobody had such an event.",
    "Counting, never monitoring. An event that was not entered is not counted.",
)


@dataclass(frozen=True, slots=True)
class _Plan:
    title: str
    subtitle: str
    notes: tuple[str, ...]
    groups: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Estimate, ...], tuple[str, ...]], ...]
    """Name, then an estimate and its printed count for each group."""


def safety_events(result: ResultRecord, *, each_group: bool = True) -> Figure:
    """Draw the share of patients with each kind of event.

    Parameters
    ----------
    result : ResultRecord
        A result of `safety`, released or not.
    each_group : bool, default True
        Whether groups are drawn beside each other, where the result has some.

    Returns
    -------
    Figure
        A dot and an interval for each row and group, with the counts at the right. A hidden share has no dot, and
        its row says so. ``rows`` holds `COLUMNS`.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> safety_events(kat.safety(kat.simulate_registry(seed=1, n_patients=60))).title
    'Patients with adverse events'
    """
    shares = [one for one in result.select(measure="proportion") if _name(one.term)]
    groups = shown_groups(result, [one.term for one in shares], each_group=each_group)
    series_styles(len(groups))
    minimum = minimum_cell_of(result)
    rows = []
    for term in dict.fromkeys(one.term for one in shares):
        found = tuple(one for group in groups for one in result.select(term=term, subgroup=group, measure="proportion"))
        rows.append((_name(term), found, tuple(format_share(one, minimum) for one in found)))
    levels = [one.conf_level for _, found, _ in rows for one in found]
    counts = [mark for _, _, texts in rows for text in texts for mark in text.split(" of ")]
    plan = _Plan(
        title=f"Patients with adverse events{by_words(groups)}",
        subtitle=f"Share of patients with {interval_name(levels)}.",
        notes=(*_NOTES, *_withheld(shares, groups, each_group=each_group), *general_notes(result, counts)),
        groups=groups,
        rows=tuple(rows),
    )
    by = grouping_variable(groups)
    return Figure(
        name=figure_name("safety_events", by and f"by_{by}"),
        title=plan.title,
        alt_text=_alt_text(plan),
        columns=COLUMNS,
        rows=tuple(
            (name, group_label(one.subgroup), *_numbers(one), text)
            for name, found, texts in rows
            for one, text in zip(found, texts, strict=True)
        ),
        drawing=partial(draw_safety_events, plan),
    )


def _withheld(shares: list[Estimate], groups: tuple[str, ...], *, each_group: bool) -> tuple[str, ...]:
    return withheld_groups_note((one.subgroup for one in shares), groups) if each_group else ()


def _name(term: str) -> str:
    """Return the name of a row; "" for what is no row."""
    if term in _FIRST:
        return "any event" if term == _FIRST[0] else "serious event"
    if term.startswith(_WORST):
        return f"worst event {term.removeprefix(_WORST)}"
    return term.removeprefix(_KIND).replace("_", " ") if term.startswith(_KIND) else ""


def _numbers(one: Estimate) -> tuple[float | None, ...]:
    numbers = (one.estimate, one.conf_low, one.conf_high, one.conf_level)
    return tuple(None if math.isnan(number) else number for number in numbers)


def _alt_text(plan: _Plan) -> str:
    sentences = [f"{plan.title}, as dots with intervals. {plan.subtitle}"]
    for name, found, texts in plan.rows:
        values = [
            f"{group_label(one.subgroup)} {format_with_interval(one)}, {text}"
            for one, text in zip(found, texts, strict=True)
        ]
        sentences.append(f"{capitalized(name)}: {'; '.join(values)}.")
    return " ".join((*sentences, *plan.notes))


def draw_safety_events(plan: _Plan) -> MatplotlibFigure:
    """Return the drawing of a plan."""
    n_groups = len(plan.groups)
    row_height = max(n_groups, 1) * line_height() + MARGIN
    key_height = line_height() + MARGIN if n_groups > 1 else 0.0
    height = row_height * len(plan.rows)
    page, top = titled_page(plan.title, plan.subtitle, key_height + height + 2.0 * line_height() + MARGIN, plan.notes)
    names = [wrap(capitalized(name), _WIDEST_NAME)[0] for name, _, _ in plan.rows]
    left = MARGIN + max(map(text_width, names), default=0.0) + 2.0 * MARGIN
    right = max((text_width(text) for _, _, texts in plan.rows for text in texts), default=0.0) + 2.0 * MARGIN
    width = PAGE_WIDTH - left - right - MARGIN
    styles = series_styles(n_groups)
    _draw_key(page, plan, styles, top)
    top += key_height
    axes = page.axes(left, top, width, height)
    ends = [one.conf_high for _, found, _ in plan.rows for one in found]
    highest = max((end for end in ends if not math.isnan(end)), default=1.0)
    axes.set_xlim(0.0, min(1.0, highest * 1.05))
    axes.set_ylim(height, 0.0)
    axes.set_yticks([])
    axes.xaxis.set_major_formatter(lambda value, _: format_percent(value))
    axes.grid(visible=True, axis="x", color=FAINT, linewidth=AXIS_WIDTH)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    say_if_withheld(axes, (one for _, found, _ in plan.rows for one in found))
    for row, (name, (_, found, texts)) in enumerate(zip(names, plan.rows, strict=True)):
        page.text(MARGIN, top + row * row_height + (row_height - line_height()) / 2.0, name)
        for number, (one, text) in enumerate(zip(found, texts, strict=True)):
            at = row * row_height + MARGIN / 2.0 + (number + 0.5) * line_height()
            page.text(PAGE_WIDTH - MARGIN, top + at - line_height() / 2.0, text, ha="right", color=QUIET_INK)
            if not math.isnan(one.estimate):
                style = styles[number]
                axes.hlines([at], one.conf_low, one.conf_high, colors=style.color, linewidth=LINE_WIDTH)
                axes.plot([one.estimate], [at], linestyle="none", **marker_choices(style))
    return page.figure


def _draw_key(page: Page, plan: _Plan, styles: tuple[Series, ...], top: float) -> None:
    """Write the names of the groups beside their signs; nothing where there is one."""
    if len(plan.groups) < 2:
        return
    at = MARGIN
    for group, style in zip(plan.groups, styles, strict=True):
        label = capitalized(group_label(group))
        page.line((at + 4.0,), (top + line_height() / 2.0,), linestyle="none", **marker_choices(style))
        page.text(at + 14.0, top, label)
        at += 14.0 + text_width(label) + 3.0 * MARGIN
