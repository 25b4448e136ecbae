"""The last quarter beside the eight before it: a small table with a line for each number, for page one."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.figures.drawing.layout import MARGIN, Page, line_height, titled_page, wrap
from katoutcomes.figures.drawing.style import FAINT, LINE_WIDTH, PAGE_WIDTH, QUIET_INK, SERIES, SMALL_SIZE
from katoutcomes.figures.drawing.wording import general_notes
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.results.time_words import PANEL_NAMES, RecentRow, recent_rows

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.part import Cell
    from katoutcomes.results.result import ResultRecord

COLUMNS: tuple[str, ...] = ("term", "period", "estimate", "last", "before", "difference")
_LINE_WIDTH = 120.0
_ROW_HEIGHT = 34.0
_NAME_WIDTH = 112.0


@dataclass(frozen=True, slots=True)
class RecentPlan:
    """Everything that the drawing needs."""

    title: str
    subtitle: str
    notes: tuple[str, ...]
    headings: tuple[str, str, str, str]
    rows: tuple[RecentRow, ...]


def recent_periods(result: ResultRecord) -> Figure:
    """Draw the last period in the chart beside the up to eight before it.

    Parameters
    ----------
    result : ResultRecord
        A result of `outcomes_over_time`, released or not.

    Returns
    -------
    Figure
        One row a number: its line over these periods, the last value, that of the periods before together, and the
        difference. ``rows`` holds `COLUMNS`.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=20260930, n_patients=300)
    >>> result = kat.outcomes_over_time(kat.select_cohort(registry).analysis_set("PHQ-9"))
    >>> recent_periods(result).title
    'PHQ-9 at week 12: 2026Q1 and the 5 quarters before'
    """
    rows = recent_rows(result)
    endpoint = result.estimand.endpoint
    what = f"{endpoint.instrument} at {endpoint.visit}"
    if not rows:
        title = f"{what}: no two periods whose follow-up is over"
        plan = RecentPlan(title, "There is nothing to set side by side yet.", general_notes(result), ("",) * 4, ())
    else:
        first = rows[0]
        unit = "quarter" if "Q" in first.last_label else "month"
        n_before = len(first.line) - 1
        plural = f"{n_before} {unit}s" if n_before > 1 else unit
        plan = RecentPlan(
            f"{what}: {first.last_label} and the {plural} before",
            f"The last {unit} whose follow-up is over, beside {first.before_label}; limits in parentheses.",
            (
                "Line: one point a period, the last one marked.",
                "The difference is the last minus those before; it says nothing about why.",
                *general_notes(result, [cell for row in rows for cell in (row.last, row.before)]),
            ),
            ("", first.last_label, "before", "difference"),
            rows,
        )
    return Figure(
        name=figure_name("recent_periods", endpoint.instrument, endpoint.visit),
        title=plan.title,
        alt_text=_alt_text(plan),
        columns=COLUMNS,
        rows=tuple(cells for row in plan.rows for cells in _cells(row)),
        drawing=partial(draw_recent, plan),
    )


def _cells(row: RecentRow) -> list[tuple[Cell, ...]]:
    return [
        (row.term, label, None if one is None or math.isnan(one.estimate) else one.estimate, *words)
        for number, (label, one) in enumerate(row.line)
        for words in [(row.last, row.before, row.difference) if number == len(row.line) - 1 else ("", "", "")]
    ]


def _alt_text(plan: RecentPlan) -> str:
    sentences = [f"{plan.title}, as a table with small lines. {plan.subtitle}"]
    for row in plan.rows:
        name, unit = PANEL_NAMES.get(row.term, (row.term, ""))
        sentences.append(
            f"{name} ({unit}): {row.last_label} {row.last}, before {row.before}, difference {row.difference}."
        )
    return " ".join((*sentences, *plan.notes))


def draw_recent(plan: RecentPlan) -> MatplotlibFigure:
    """Return the drawing of a plan."""
    height = line_height() + len(plan.rows) * _ROW_HEIGHT + MARGIN
    page, top = titled_page(plan.title, plan.subtitle, height, plan.notes)
    left = MARGIN + _NAME_WIDTH + _LINE_WIDTH + 2.0 * MARGIN
    step = (PAGE_WIDTH - MARGIN - left) / 3.0
    ends = tuple(left + (number + 1) * step for number in range(3))
    for end, heading in zip(ends, plan.headings[1:], strict=True):
        page.text(end, top, heading, ha="right", fontsize=SMALL_SIZE, color=QUIET_INK)
    for number, row in enumerate(plan.rows):
        _draw_row(page, row, top + line_height() + number * _ROW_HEIGHT, ends)
    return page.figure


def _draw_row(page: Page, row: RecentRow, top: float, ends: tuple[float, ...]) -> None:
    name, unit = PANEL_NAMES.get(row.term, (row.term, ""))
    page.line((MARGIN, PAGE_WIDTH - MARGIN), (top, top), color=FAINT)
    page.text(MARGIN, top + 5.0, name, fontweight="bold", fontsize=SMALL_SIZE)
    page.lines(
        MARGIN, top + 5.0 + line_height(SMALL_SIZE), wrap(unit, 200.0, SMALL_SIZE), fontsize=SMALL_SIZE, color=QUIET_INK
    )
    axes = page.axes(MARGIN + _NAME_WIDTH + MARGIN, top + 5.0, _LINE_WIDTH, _ROW_HEIGHT - 10.0)
    _draw_line(axes, [one for _, one in row.line])
    for end, cell, is_bold in zip(ends, (row.last, row.before, row.difference), (True, False, False), strict=True):
        number, _, limits = cell.partition(" (")
        place = top + 5.0 if limits else top + 5.0 + line_height(SMALL_SIZE) / 2.0
        page.text(end, place, number, ha="right", fontsize=SMALL_SIZE, fontweight="bold" if is_bold else "normal")
        if limits:
            below = place + line_height(SMALL_SIZE)
            page.text(end, below, f"({limits}", ha="right", fontsize=SMALL_SIZE, color=QUIET_INK)


def _draw_line(axes: Axes, line: list[Estimate | None]) -> None:
    """Draw the small line; a hidden value is a gap, and where nothing is shown it says so."""
    axes.axis("off")
    values = [math.nan if one is None else one.estimate for one in line]
    shown = [value for value in values if not math.isnan(value)]
    axes.set_xlim(-0.5, len(values) - 0.5)
    if not shown:
        axes.text(
            0.5,
            0.35,
            "not shown: small counts",
            transform=axes.transAxes,
            ha="center",
            fontsize=SMALL_SIZE,
            color=QUIET_INK,
        )
        return
    room = 0.1 * (max(shown) - min(shown)) or 1.0
    axes.set_ylim(min(shown) - room, max(shown) + room)
    color = SERIES[0].color
    axes.plot(range(len(values)), values, color=color, linewidth=LINE_WIDTH, marker="o", markersize=2.4)
    if not math.isnan(values[-1]):
        axes.plot([len(values) - 1], [values[-1]], marker="o", markersize=5.5, color=color, linestyle="none")
