"""How rainclouds of changes are drawn: bars, and below them the mean with its interval, one group under the other."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.figures.drawing.layout import MARGIN, line_height, titled_page, wrap
from katoutcomes.figures.drawing.scale import nice_ticks
from katoutcomes.figures.drawing.style import (
    AXIS_WIDTH,
    INK,
    LINE_WIDTH,
    PAGE_WIDTH,
    PAPER,
    QUIET_INK,
    RULE,
    SMALL_SIZE,
    THREAD,
)
from katoutcomes.figures.drawing.wording import capitalized, group_label, n_words, why_no_scores
from katoutcomes.results.formatting import format_count, format_number, format_with_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

    from katoutcomes.results.estimate import Estimate

_HEIGHT = 110.0
_AXIS_ROOM = 36.0
_BELOW = -0.16
"""Where the mean stands, as a share of the highest bar."""


@dataclass(frozen=True, slots=True)
class Cloud:
    """One group.

    Attributes
    ----------
    group : str
        As the estimates call it.
    counts : tuple of (float, int)
        Change and patients, in order.
    change : Estimate
        Mean change.
    n_text : str
        How many patients, as it is printed.
    """

    group: str
    counts: tuple[tuple[float, int], ...]
    change: Estimate
    n_text: str


@dataclass(frozen=True, slots=True)
class CloudPlan:
    """Everything that the drawing needs."""

    title: str
    subtitle: str
    notes: tuple[str, ...]
    clouds: tuple[Cloud, ...]
    width: float


def draw_clouds(plan: CloudPlan) -> MatplotlibFigure:
    """Return the drawing of a plan."""
    step = _HEIGHT + line_height() + 6.0
    page, top = titled_page(plan.title, plan.subtitle, step * len(plan.clouds) + _AXIS_ROOM, plan.notes)
    low, high = _limits(plan)
    ticks = nice_ticks(low, high)
    names = [format_number(tick, 1, trailing_zeros=False) for tick in ticks]
    for number, cloud in enumerate(plan.clouds):
        who = f"{capitalized(group_label(cloud.group))}, {n_words(cloud.n_text)}"
        head = f"{who}: mean {format_with_interval(cloud.change)}"
        page.text(MARGIN, top + number * step, wrap(head, PAGE_WIDTH - 3.0 * MARGIN)[0], color=INK)
        axes = page.axes(MARGIN + 10.0, top + number * step + line_height(), PAGE_WIDTH - 2.0 * MARGIN - 20.0, _HEIGHT)
        axes.set_xlim(low, high)
        axes.set_xticks(ticks, names if number == len(plan.clouds) - 1 else [""] * len(ticks))
        axes.set_yticks([])
        axes.spines[["top", "right", "left"]].set_visible(False)
        _draw_cloud(axes, cloud, plan.width)
    below = top + step * len(plan.clouds) + 1.2 * line_height()
    page.text(PAGE_WIDTH / 2.0, below, "change, points", ha="center", fontsize=SMALL_SIZE, color=QUIET_INK)
    return page.figure


def _limits(plan: CloudPlan) -> tuple[float, float]:
    """Return the ends of the axis: 0, every bar and every interval."""
    ends = [
        0.0,
        *(moved + side * plan.width / 2.0 for cloud in plan.clouds for moved, _ in cloud.counts for side in (-1, 1)),
    ]
    for cloud in plan.clouds:
        numbers = (cloud.change.estimate, cloud.change.conf_low, cloud.change.conf_high)
        ends += [number for number in numbers if not math.isnan(number)]
    return min(ends) - 0.5, max(ends) + 0.5


def _draw_cloud(axes: Axes, cloud: Cloud, width: float) -> None:
    most = max((n_patients for _, n_patients in cloud.counts), default=1)
    axes.set_ylim(2.0 * _BELOW * most, 1.16 * most)
    axes.axvline(0.0, color=RULE, linewidth=AXIS_WIDTH, zorder=1)
    moves, counts = [moved for moved, _ in cloud.counts], [n_patients for _, n_patients in cloud.counts]
    axes.bar(moves, counts, width=width, color=THREAD, edgecolor=PAPER, linewidth=0.6, zorder=2)
    for moved, n_patients in cloud.counts:
        if n_patients == most:  # the scale of the bars, beside the highest
            axes.text(moved, 1.03 * most, format_count(most), ha="center", fontsize=SMALL_SIZE, color=QUIET_INK)
    if not cloud.counts:
        why = why_no_scores(cloud.change.n_patients, is_mean_shown=not math.isnan(cloud.change.estimate))
        axes.text(0.5, 0.6, why, transform=axes.transAxes, ha="center", fontsize=SMALL_SIZE, color=QUIET_INK)
    if math.isnan(cloud.change.estimate):
        return
    if not math.isnan(cloud.change.conf_low):
        ends = [cloud.change.conf_low, cloud.change.conf_high]
        axes.plot(ends, [_BELOW * most] * 2, color=INK, linewidth=LINE_WIDTH, zorder=3)
    axes.plot(
        [cloud.change.estimate], [_BELOW * most], color=INK, linestyle="none", marker="o", markersize=6.0, zorder=4
    )
