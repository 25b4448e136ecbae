"""Sites beside each other as dots with intervals, in alphabetical order: adjusted alone, and pooled partially."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.figures.drawing.layout import MARGIN, Page, line_height, titled_page, wrap
from katoutcomes.figures.drawing.scale import nice_ticks
from katoutcomes.figures.drawing.style import (
    AXIS_WIDTH,
    FAINT,
    LINE_WIDTH,
    PAGE_WIDTH,
    PAPER,
    QUIET_INK,
    RULE,
    SERIES,
    SMALL_SIZE,
)
from katoutcomes.figures.drawing.withheld import say_if_withheld
from katoutcomes.figures.drawing.wording import capitalized, general_notes, group_label, interval_name, n_words
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.results.formatting import format_n_patients, format_number, format_with_interval, minimum_cell_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.part import Cell
    from katoutcomes.results.result import ResultRecord

COLUMNS: tuple[str, ...] = ("site", "what", "estimate", "conf_low", "conf_high", "n_patients", "verdict")
ALONE, POOLED, PLAIN = "adjusted, alone", "partially pooled", "mean change"
_TERMS = {ALONE: "change, adjusted", POOLED: "change, adjusted and partially pooled", PLAIN: "change"}
_ROW = 26.0
_NAME_WIDTH, _N_WIDTH, _SAID_WIDTH = 104.0, 48.0, 112.0
_NOT_SHOWN = "too few patients to be shown"


@dataclass(frozen=True, slots=True)
class SiteRow:
    """One site: its marks, its number of patients as printed, and what can be said."""

    site: str
    marks: tuple[tuple[str, Estimate], ...]
    n_text: str
    verdict: str


@dataclass(frozen=True, slots=True)
class SitesPlan:
    """Everything that the drawing needs."""

    title: str
    subtitle: str
    notes: tuple[str, ...]
    rows: tuple[SiteRow, ...]
    center: Estimate | None


def sites(result: ResultRecord) -> Figure:
    """Draw the adjusted mean change of each site alone and pooled partially.

    Parameters
    ----------
    result : ResultRecord
        A result of `compare_sites`, released or not.

    Returns
    -------
    Figure
        One line a site, alphabetical: an open mark for the site alone, a filled one for the same drawn towards the mean
        of all, the number of patients and what can be said. ``rows`` holds `COLUMNS`.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=20260930, n_patients=300)
    >>> sites(kat.compare_sites(kat.select_cohort(registry).analysis_set("PHQ-9"))).title
    'Sites beside each other: PHQ-9 at week 12'
    """
    rows = tuple(_row(result, site) for site in _sites(result))
    between = result.select(term="between sites: mean")
    levels = [mark.conf_level for row in rows for _, mark in row.marks]
    plan = SitesPlan(
        title=result.title,
        subtitle=f"{_what(rows)} in points with {interval_name(levels)}; sites in alphabetical order.",
        notes=_notes(result, rows),
        rows=rows,
        center=between[0] if between else None,
    )
    return Figure(
        name=figure_name("sites", result.estimand.endpoint.instrument, result.estimand.endpoint.visit),
        title=plan.title,
        alt_text=_alt_text(plan),
        columns=COLUMNS,
        rows=tuple(cells for row in rows for cells in _cells(row)),
        drawing=partial(draw_sites, plan),
    )


def _sites(result: ResultRecord) -> list[str]:
    found = [one.subgroup for one in result.select(term="change", measure="mean change")]
    return [site for site in found if site] or [""]


def _row(result: ResultRecord, site: str) -> SiteRow:
    marks = [(what, found[0]) for what in (ALONE, POOLED) if (found := result.select(term=_TERMS[what], subgroup=site))]
    change = result.select(term="change", measure="mean change", subgroup=site)[0]
    part = result.part("site_verdicts")
    said = dict(zip(part.column("group"), part.column("verdict"), strict=True))
    return SiteRow(
        site=site,
        marks=tuple(marks) or ((PLAIN, change),),
        n_text=format_n_patients(change, minimum_cell_of(result)),
        verdict=str(said.get(site, _NOT_SHOWN if part.rows else "")),
    )


def _what(rows: tuple[SiteRow, ...]) -> str:
    is_plain = all(what == PLAIN for row in rows for what, _ in row.marks)
    return "Mean change" if is_plain else "Mean change adjusted for severity,"


def _notes(result: ResultRecord, rows: tuple[SiteRow, ...]) -> tuple[str, ...]:
    kinds = {what for row in rows for what, mark in row.marks if not mark.suppressed}
    notes = []
    if ALONE in kinds:
        notes.append("Open: the site alone.")
    if POOLED in kinds:
        notes.append("Filled: the same drawn towards the mean of all (the line), the more the less the site says.")
    notes.append("This describes sites and ranks none: patients and what is not measured differ as well.")
    if len(rows) < 2:
        notes.extend(result.warnings)
    return (*notes, *general_notes(result, [row.n_text for row in rows]))


def _cells(row: SiteRow) -> list[tuple[Cell, ...]]:
    return [
        (
            group_label(row.site),
            what,
            *(None if math.isnan(one) else one for one in (mark.estimate, mark.conf_low, mark.conf_high)),
            row.n_text,
            row.verdict,
        )
        for what, mark in row.marks
    ]


def _alt_text(plan: SitesPlan) -> str:
    sentences = [f"{plan.title}, as dots with intervals. {plan.subtitle}"]
    for row in plan.rows:
        marks = "; ".join(f"{what} {format_with_interval(mark)}" for what, mark in row.marks)
        said = f"; {row.verdict}" if row.verdict else ""
        sentences.append(f"{capitalized(group_label(row.site))}, {n_words(row.n_text)}: {marks}{said}.")
    return " ".join((*sentences, *plan.notes))


def draw_sites(plan: SitesPlan) -> MatplotlibFigure:
    """Return the drawing of a plan."""
    heading, axis_room = line_height(SMALL_SIZE) + MARGIN, 34.0
    height = len(plan.rows) * _ROW
    page, top = titled_page(plan.title, plan.subtitle, heading + height + axis_room, plan.notes)
    left, right = MARGIN + _NAME_WIDTH, PAGE_WIDTH - MARGIN - _N_WIDTH - _SAID_WIDTH - 2.0 * MARGIN
    axes = page.axes(left, top + heading, right - left, height)
    _set_axes(axes, plan, height)
    page.text(right + MARGIN + _N_WIDTH, top, "patients", ha="right", fontsize=SMALL_SIZE, color=QUIET_INK)
    page.text(right + 2.0 * MARGIN + _N_WIDTH, top, "what can be said", fontsize=SMALL_SIZE, color=QUIET_INK)
    page.text(
        (left + right) / 2.0,
        top + heading + height + 20.0,
        "mean change, points",
        ha="center",
        fontsize=SMALL_SIZE,
        color=QUIET_INK,
    )
    say_if_withheld(axes, (mark for row in plan.rows for _, mark in row.marks))
    for number, row in enumerate(plan.rows):
        _write_row(page, row, top + heading + number * _ROW, right)
        _draw_marks(axes, row, (number + 0.5) * _ROW)
    return page.figure


def _write_row(page: Page, row: SiteRow, top: float, right: float) -> None:
    middle = top + (_ROW - line_height(SMALL_SIZE)) / 2.0
    name = wrap(capitalized(group_label(row.site)), _NAME_WIDTH - MARGIN, SMALL_SIZE)
    page.lines(MARGIN, top + (_ROW - len(name[:2]) * line_height(SMALL_SIZE)) / 2.0, name[:2], fontsize=SMALL_SIZE)
    page.text(right + MARGIN + _N_WIDTH, middle, row.n_text, ha="right", fontsize=SMALL_SIZE)
    said = wrap(row.verdict, _SAID_WIDTH, SMALL_SIZE)
    page.lines(
        right + 2.0 * MARGIN + _N_WIDTH,
        top + (_ROW - len(said) * line_height(SMALL_SIZE)) / 2.0,
        said,
        fontsize=SMALL_SIZE,
    )


def _set_axes(axes: Axes, plan: SitesPlan, height: float) -> None:
    numbers = [
        number
        for row in plan.rows
        for _, mark in row.marks
        for number in (mark.estimate, mark.conf_low, mark.conf_high)
        if not math.isnan(number)
    ]
    ends = (min([*numbers, 0.0]), max([*numbers, 0.0]))
    room = max(0.5, 0.04 * (ends[1] - ends[0]))
    axes.set_xlim(ends[0] - room, ends[1] + room)
    axes.set_ylim(height, 0.0)
    ticks = nice_ticks(ends[0] - room, ends[1] + room)
    axes.set_xticks(ticks, [format_number(tick, 1, trailing_zeros=False) for tick in ticks], fontsize=SMALL_SIZE)
    axes.set_yticks([])
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.axvline(0.0, color=RULE, linewidth=AXIS_WIDTH, zorder=1)
    if plan.center is not None and not math.isnan(plan.center.estimate):
        axes.axvline(plan.center.estimate, color=QUIET_INK, linewidth=1.0, linestyle=(0.0, (2.0, 2.0)), zorder=1)
    for number in range(1, len(plan.rows)):
        axes.axhline(number * _ROW, color=FAINT, linewidth=AXIS_WIDTH, zorder=0)


def _draw_marks(axes: Axes, row: SiteRow, height: float) -> None:
    """Draw each mark with its interval, the site alone above the pooled one; hidden ones not at all."""
    shift = 4.0 if len(row.marks) > 1 else 0.0
    for (what, mark), offset in zip(row.marks, (-shift, shift), strict=False):
        if math.isnan(mark.estimate):
            continue
        is_open = what == ALONE
        color = QUIET_INK if is_open else SERIES[0].color
        place = height + offset
        if not math.isnan(mark.conf_low):
            width = 1.0 if is_open else LINE_WIDTH
            axes.plot([mark.conf_low, mark.conf_high], [place] * 2, color=color, linewidth=width, zorder=3)
        axes.plot(
            [mark.estimate],
            [place],
            linestyle="none",
            marker="o" if is_open else "D",
            markersize=5.0,
            color=color,
            markerfacecolor=PAPER if is_open else color,
            markeredgecolor=color,
            zorder=4,
        )
