"""How lines over calendar time are drawn: one panel below the other, on one axis of periods."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from katoutcomes.figures.drawing.layout import MARGIN, Page, line_height, spread, text_width, titled_page, wrap
from katoutcomes.figures.drawing.scale import nice_ticks
from katoutcomes.figures.drawing.style import (
    AXIS_WIDTH,
    FAINT,
    INK,
    LINE_WIDTH,
    PAGE_WIDTH,
    PAPER,
    QUIET_INK,
    RULE,
    SERIES,
    SMALL_SIZE,
    WORSENED_EDGE,
)
from katoutcomes.results.formatting import format_number, format_percent

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

    from katoutcomes.results.estimate import Estimate

_SHADE = "#EDEDED"
_PANEL_HEIGHT = 78.0
_EMPTY_HEIGHT = 58.0
_GAP = 10.0
_NAME_WIDTH = 104.0
_TICK_WIDTH = 34.0
_CENTER_WIDTH = 52.0
_CHARTED = "in the chart"
_RECENT = "follow-up not over"


@dataclass(frozen=True, slots=True)
class Point:
    """One period of one line.

    Attributes
    ----------
    label, status : str
        The period, and whether it is in the chart.
    value : Estimate or None
        Hidden or not; None where it is not given.
    n_text : str
        Of how many, as it is printed.
    phase : str
        Which lines it belongs to; ``""`` without lines.
    center, lower, upper : float
        The lines at it; NaN where there are none or they are hidden.
    is_beyond : bool
        Whether it lies beyond a limit.
    """

    label: str
    status: str
    value: Estimate | None
    n_text: str
    phase: str
    center: float
    lower: float
    upper: float
    is_beyond: bool

    @property
    def is_shown(self) -> bool:
        """Whether there is a mark."""
        return self.value is not None and not math.isnan(self.value.estimate)

    def numbers(self) -> tuple[float, ...]:
        """Return everything that must lie inside the axes."""
        own = (self.value.estimate, self.value.conf_low, self.value.conf_high) if self.value is not None else ()
        return tuple(one for one in (*own, self.center, self.lower, self.upper) if not math.isnan(one))


@dataclass(frozen=True, slots=True)
class Panel:
    """One line with its words."""

    term: str
    name: str
    unit: str
    is_share: bool
    chart: str
    points: tuple[Point, ...]
    signals: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing of it is shown."""
        return not any(point.is_shown for point in self.points)

    @property
    def height(self) -> float:
        """Of its axes, in points."""
        return _EMPTY_HEIGHT if self.is_empty else _PANEL_HEIGHT

    def text(self, value: float) -> str:
        """Return a number of this panel."""
        return format_percent(value) if self.is_share else format_number(value, 1)

    def tick(self, value: float) -> str:
        """Return a round number on its axis."""
        return format_percent(value) if self.is_share else format_number(value, 1, trailing_zeros=False)


@dataclass(frozen=True, slots=True)
class TimePlan:
    """Everything that the drawing needs."""

    title: str
    subtitle: str
    notes: tuple[str, ...]
    labels: tuple[str, ...]
    panels: tuple[Panel, ...]


def draw_time(plan: TimePlan) -> MatplotlibFigure:
    """Return the drawing of a plan."""
    left = MARGIN + _NAME_WIDTH + _TICK_WIDTH
    width = PAGE_WIDTH - left - MARGIN - _CENTER_WIDTH
    signals = [_signal_lines(panel, width + _CENTER_WIDTH) for panel in plan.panels]
    heights = [
        panel.height + len(lines) * line_height(SMALL_SIZE) + _GAP
        for panel, lines in zip(plan.panels, signals, strict=True)
    ]
    labels_height = 2.0 * line_height(SMALL_SIZE) + MARGIN
    page, top = titled_page(plan.title, plan.subtitle, sum(heights) + labels_height, plan.notes)
    for panel, lines, height in zip(plan.panels, signals, heights, strict=True):
        below = page.lines(left, top, lines, fontsize=SMALL_SIZE, color=_signal_color(panel))
        _name(page, panel, below)
        _draw_panel(page, panel, (left, below + 2.0), width)
        top += height
    _label_periods(page, plan.labels, left, width, top - _GAP + MARGIN)
    return page.figure


def _signal_lines(panel: Panel, width: float) -> tuple[str, ...]:
    return wrap(" ".join(panel.signals), width, SMALL_SIZE) if panel.signals else ()


def _signal_color(panel: Panel) -> str:
    return INK if any(one.startswith("Signal") and "not shown" not in one for one in panel.signals) else QUIET_INK


def _name(page: Page, panel: Panel, top: float) -> None:
    """Write what the panel is, left of its axis."""
    below = page.lines(MARGIN, top + 2.0, wrap(panel.name, _NAME_WIDTH, weight="bold"), fontweight="bold")
    below = page.lines(MARGIN, below, wrap(panel.unit, _NAME_WIDTH, SMALL_SIZE), fontsize=SMALL_SIZE, color=QUIET_INK)
    page.lines(MARGIN, below, wrap(panel.chart, _NAME_WIDTH, SMALL_SIZE), fontsize=SMALL_SIZE, color=QUIET_INK)


def _draw_panel(page: Page, panel: Panel, corner: tuple[float, float], width: float) -> None:
    axes = page.axes(*corner, width, panel.height - 4.0)
    low, high = _ends(panel)
    axes.set_xlim(-0.6, len(panel.points) - 0.4)
    axes.set_ylim(low, high)
    ticks = [tick for tick in nice_ticks(low, high) if low <= tick <= high]
    ticks = ticks[:: max(1, math.ceil(len(ticks) / 4))]
    ticks = [] if panel.is_empty else ticks
    axes.set_yticks(ticks, [panel.tick(tick) for tick in ticks], fontsize=SMALL_SIZE)
    axes.set_xticks(range(len(panel.points)), [""] * len(panel.points))
    axes.tick_params(axis="x", length=2.0)
    axes.spines[["top", "right"]].set_visible(False)
    _shade_recent(axes, panel)
    if panel.is_empty:
        axes.text(
            0.5,
            0.5,
            "not shown: small counts",
            transform=axes.transAxes,
            ha="center",
            fontsize=SMALL_SIZE,
            color=QUIET_INK,
            bbox={"boxstyle": "square,pad=0.2", "facecolor": PAPER, "linewidth": 0.0},  # the center line may pass
        )
    _draw_lines(axes, panel)
    _draw_points(axes, panel)
    _name_center(page, panel, corner, width, (low, high))


def _ends(panel: Panel) -> tuple[float, float]:
    """Return the ends of the axis: everything that is drawn, with a little room; shares stay within 0 and 1."""
    numbers = [number for point in panel.points for number in point.numbers()] or [0.0, 1.0]
    room = max(0.02 if panel.is_share else 0.2, 0.08 * (max(numbers) - min(numbers)))
    low, high = min(numbers) - room, max(numbers) + room
    return (max(low, -0.06), min(high, 1.06)) if panel.is_share else (low, high)


def _shade_recent(axes: Axes, panel: Panel) -> None:
    for place, point in enumerate(panel.points):
        if point.status == _RECENT:
            axes.axvspan(place - 0.5, place + 0.5, color=_SHADE, linewidth=0.0, zorder=0)


def _draw_lines(axes: Axes, panel: Panel) -> None:
    """Draw center line and limits of each phase, limits as steps."""
    for place, point in enumerate(panel.points):
        edges = [place - 0.5, place + 0.5]
        if not math.isnan(point.center):
            axes.plot(edges, [point.center] * 2, color=QUIET_INK, linewidth=1.0, zorder=2)
        for limit in (point.lower, point.upper):
            if not math.isnan(limit):
                axes.plot(edges, [limit] * 2, color=RULE, linewidth=AXIS_WIDTH, linestyle=(0.0, (3.0, 1.5)), zorder=2)


def _draw_points(axes: Axes, panel: Panel) -> None:
    """Draw intervals and marks, and a line between neighbors that are in the chart."""
    color = SERIES[0].color
    placed = list(enumerate(panel.points))
    for is_line, stretch in groupby(placed, key=lambda one: one[1].is_shown and one[1].status == _CHARTED):
        if is_line:
            places, points = zip(*stretch, strict=True)
            values = [point.value.estimate for point in points if point.value is not None]
            axes.plot(places, values, color=color, linewidth=LINE_WIDTH, zorder=3)
    for place, point in placed:
        if point.value is None or not point.is_shown:
            continue
        is_in = point.status == _CHARTED
        if not math.isnan(point.value.conf_low):
            axes.vlines(
                [place], point.value.conf_low, point.value.conf_high, colors=FAINT if is_in else RULE, linewidth=2.0
            )
        if point.is_beyond:
            axes.plot(
                [place],
                [point.value.estimate],
                marker="o",
                markersize=10.0,
                markerfacecolor="none",
                markeredgecolor=WORSENED_EDGE,
                markeredgewidth=1.4,
                linestyle="none",
                zorder=4,
                clip_on=False,
            )
        axes.plot(
            [place],
            [point.value.estimate],
            marker="o",
            markersize=4.6,
            linestyle="none",
            zorder=5,
            clip_on=False,
            color=color,
            markerfacecolor=color if is_in else PAPER,
            markeredgecolor=color,
        )


def _name_center(
    page: Page, panel: Panel, corner: tuple[float, float], width: float, ends: tuple[float, float]
) -> None:
    """Write the last center line and its limits at the right of the panel."""
    lined = [point for point in panel.points if not math.isnan(point.center)]
    if not lined:
        return
    left, top = corner
    height = panel.height - 4.0
    last = lined[-1]
    named = [(last.upper, "upper "), (last.center, ""), (last.lower, "lower ")]
    named = [one for one in named if not math.isnan(one[0])]
    wanted = tuple(
        top + height * (ends[1] - value) / (ends[1] - ends[0]) - line_height(SMALL_SIZE) / 2.0 for value, _ in named
    )
    places = spread(wanted, line_height(SMALL_SIZE), top - 6.0, top + height)
    for (value, word), place in zip(named, places, strict=True):
        page.text(
            left + width + 3.0,
            place,
            f"{word}{panel.text(value)}",
            fontsize=SMALL_SIZE,
            color=QUIET_INK,
            fontweight="normal" if word else "bold",
        )


def _label_periods(page: Page, labels: tuple[str, ...], left: float, width: float, top: float) -> None:
    """Write the periods below the last panel, in two lines (quarter, year), as many as there is room for."""
    step = width / (len(labels) + 0.2)  # the axes reach 0.1 beyond the first and the last
    every = max(1, math.ceil((text_width("2026", SMALL_SIZE) + 4.0) / step))
    for place, label in enumerate(labels):
        if place % every:
            continue
        at = left + (place + 0.6) * step
        year, rest = label[:4], label[4:].lstrip("-")
        page.text(at, top, rest, ha="center", fontsize=SMALL_SIZE)
        page.text(at, top + line_height(SMALL_SIZE), year, ha="center", fontsize=SMALL_SIZE, color=QUIET_INK)
