"""How a forest plot is drawn: names, marks on one axis, numbers beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.figures.drawing.layout import MARGIN, line_height, text_width, titled_page, wrap
from katoutcomes.figures.drawing.scale import nice_ticks
from katoutcomes.figures.drawing.style import (
    AXIS_WIDTH,
    FAINT,
    INK,
    LINE_WIDTH,
    PAGE_WIDTH,
    QUIET_INK,
    RULE,
    SMALL_SIZE,
)
from katoutcomes.figures.drawing.withheld import say_if_withheld
from katoutcomes.figures.drawing.wording import capitalized, group_label
from katoutcomes.results.formatting import DOES_NOT_APPLY, format_number, format_with_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

    from katoutcomes.results.estimate import Estimate

_ROW_GAP = 7.0
_AXIS_ROOM = 22.0
_NAMES_WIDTH = 112.0
_COLUMN_GAP = 10.0


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One group.

    Attributes
    ----------
    group : str
        As the estimates call it.
    change : Estimate
        Its mean change.
    n_text, difference, p_value : str
        What is printed beside it.
    """

    group: str
    change: Estimate
    n_text: str
    difference: str
    p_value: str


@dataclass(frozen=True, slots=True)
class ForestPlan:
    """Everything that the drawing needs."""

    title: str
    subtitle: str
    notes: tuple[str, ...]
    rows: tuple[ForestRow, ...]


def draw_forest(plan: ForestPlan) -> MatplotlibFigure:
    """Return the drawing of a plan."""
    names = [wrap(capitalized(group_label(row.group)), _NAMES_WIDTH, SMALL_SIZE) for row in plan.rows]
    heights = [len(lines) * line_height(SMALL_SIZE) + _ROW_GAP for lines in names]
    heading = 2.0 * line_height(SMALL_SIZE)
    page, top = titled_page(plan.title, plan.subtitle, heading + sum(heights) + _AXIS_ROOM, plan.notes)
    columns = _columns(plan)
    width = sum(_width(name, cells) + _COLUMN_GAP for name, cells in columns)
    left, right = MARGIN + _NAMES_WIDTH + _COLUMN_GAP, PAGE_WIDTH - MARGIN - width - _COLUMN_GAP
    axes = page.axes(left, top + heading, right - left, sum(heights))
    low, high = _limits(plan)
    axes.set_xlim(low, high)
    axes.set_ylim(sum(heights), 0.0)
    ticks = nice_ticks(low, high)
    axes.set_xticks(ticks, [format_number(tick, 1, trailing_zeros=False) for tick in ticks])
    axes.set_yticks([])
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.axvline(0.0, color=RULE, linewidth=AXIS_WIDTH, zorder=1)
    say_if_withheld(axes, (row.change for row in plan.rows))
    everybody = plan.rows[0].change.estimate
    if not math.isnan(everybody):
        axes.axvline(everybody, color=FAINT, linewidth=LINE_WIDTH, linestyle=(0.0, (2.0, 2.0)), zorder=0)
    page.text(
        (left + right) / 2.0,
        top + line_height(SMALL_SIZE),
        "mean change, points",
        ha="center",
        fontsize=SMALL_SIZE,
        color=QUIET_INK,
    )
    place = 0.0
    for number, (row, height) in enumerate(zip(plan.rows, heights, strict=True)):
        weight = "bold" if not row.group else "normal"
        page.lines(
            MARGIN, top + heading + place + _ROW_GAP / 2.0, names[number], fontsize=SMALL_SIZE, fontweight=weight
        )
        _draw_mean(axes, row.change, place + height / 2.0, is_all=not row.group)
        at = PAGE_WIDTH - MARGIN - width
        for name, cells in columns:
            at += _width(name, cells) + _COLUMN_GAP
            page.text(
                at,
                top + heading + place + (height - line_height(SMALL_SIZE)) / 2.0,
                cells[number],
                ha="right",
                fontsize=SMALL_SIZE,
            )
            if number == 0:
                for line, word in enumerate(name.split("\n")):
                    page.text(
                        at, top + line * line_height(SMALL_SIZE), word, ha="right", fontsize=SMALL_SIZE, color=QUIET_INK
                    )
        place += height
    return page.figure


def _columns(plan: ForestPlan) -> list[tuple[str, tuple[str, ...]]]:
    """Return the columns of numbers beside the marks: name and cells."""
    columns = [
        ("\npatients", tuple(row.n_text for row in plan.rows)),
        ("\nmean change", tuple(format_with_interval(row.change) for row in plan.rows)),
    ]
    if any(row.difference != DOES_NOT_APPLY for row in plan.rows):
        columns.append(("\ndifference", tuple(row.difference for row in plan.rows)))
        columns.append(("adjusted\np", tuple(row.p_value for row in plan.rows)))
    return columns


def _width(name: str, cells: tuple[str, ...]) -> float:
    return max(text_width(text, SMALL_SIZE) for text in (*name.split("\n"), *cells))


def _limits(plan: ForestPlan) -> tuple[float, float]:
    """Return the ends of the axis: 0 and every limit, with a little room."""
    ends = [0.0]
    for row in plan.rows:
        ends += [end for end in (row.change.estimate, row.change.conf_low, row.change.conf_high) if not math.isnan(end)]
    room = max(0.5, 0.05 * (max(ends) - min(ends)))
    return min(ends) - room, max(ends) + room


def _draw_mean(axes: Axes, change: Estimate, height: float, *, is_all: bool) -> None:
    """Draw a mean with its interval; nothing where it is hidden or unknown."""
    if math.isnan(change.estimate):
        return
    if not math.isnan(change.conf_low):
        axes.plot([change.conf_low, change.conf_high], [height, height], color=INK, linewidth=LINE_WIDTH, zorder=3)
    axes.plot(
        [change.estimate],
        [height],
        color=INK,
        linestyle="none",
        marker="D" if is_all else "o",
        markersize=6.0 if is_all else 5.0,
        zorder=4,
    )
