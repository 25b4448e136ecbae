"""How change against baseline is drawn: circles by their number of patients, lines of regression to the mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.figures.drawing.layout import MARGIN, line_height, text_width, titled_page
from katoutcomes.figures.drawing.scale import nice_ticks
from katoutcomes.figures.drawing.style import (
    AXIS_WIDTH,
    INK,
    LINE_WIDTH,
    PAGE_WIDTH,
    QUIET_INK,
    RULE,
    SERIES,
    SMALL_SIZE,
    THREAD,
)
from katoutcomes.figures.drawing.wording import why_no_scores
from katoutcomes.results.formatting import format_estimate, format_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

    from katoutcomes.figures.drawing.pairs import PairCell
    from katoutcomes.figures.drawing.scale import ScoreScale
    from katoutcomes.results.estimate import Estimate

_HEIGHT = 260.0
_LEFT = 34.0
_LABEL_GAP = 6.0
_LARGEST = 420.0
"""Area of the largest circle in square points."""


@dataclass(frozen=True, slots=True)
class ByBaselinePlan:
    """Everything that the drawing needs."""

    title: str
    subtitle: str
    notes: tuple[str, ...]
    scale: ScoreScale
    cells: tuple[PairCell, ...]
    change: Estimate
    referral_mean: float
    reliabilities: tuple[float, ...]

    @property
    def lines(self) -> tuple[float, ...]:
        """Reliabilities for which a line is drawn."""
        return () if math.isnan(self.referral_mean) else self.reliabilities

    def expected(self, baseline: float, reliability: float) -> float:
        """Return the change to be expected by regression to the mean alone; where it stands on the line."""
        return -(1.0 - reliability) * (baseline - self.referral_mean)


def draw_change_by_baseline(plan: ByBaselinePlan) -> MatplotlibFigure:
    """Return the drawing of a plan."""
    names = [(plan.change.estimate, f"mean {format_estimate(plan.change)}")]
    names += [
        (plan.expected(plan.scale.high, value), f"reliability {format_number(value, 2, trailing_zeros=False)}")
        for value in plan.lines
    ]
    room = max(text_width(text, SMALL_SIZE) for _, text in names) + _LABEL_GAP
    body = _HEIGHT + 3.0 * line_height()
    page, top = titled_page(plan.title, plan.subtitle, body, plan.notes)
    axes = page.axes(MARGIN + _LEFT, top + line_height(), PAGE_WIDTH - 2.0 * MARGIN - _LEFT - room, _HEIGHT)
    low, high = _set_axes(axes, plan)
    page.text(MARGIN, top, "change, points", fontsize=SMALL_SIZE, color=QUIET_INK)
    below = top + line_height() + _HEIGHT + 1.6 * line_height()
    arrow = f" ({plan.scale.arrow})" if plan.scale.arrow else ""
    page.text(PAGE_WIDTH / 2.0, below, f"baseline score{arrow}", ha="center", fontsize=SMALL_SIZE, color=QUIET_INK)
    _draw_circles(axes, plan)
    _draw_lines(axes, plan)
    _say_why_empty(axes, plan)
    right = PAGE_WIDTH - MARGIN - room + _LABEL_GAP
    for place, text in _apart(names, (high - low) * line_height(SMALL_SIZE) / _HEIGHT):
        at = top + line_height() + _HEIGHT * (high - place) / (high - low) - line_height(SMALL_SIZE) / 2.0
        page.text(right, at, text, fontsize=SMALL_SIZE, color=INK)
    return page.figure


def _apart(names: list[tuple[float, str]], distance: float) -> list[tuple[float, str]]:
    """Return the labels so far apart that none covers another."""
    placed: list[tuple[float, str]] = []
    for value, text in sorted((name for name in names if not math.isnan(name[0])), reverse=True):
        place = min(value, placed[-1][0] - distance) if placed else value
        placed.append((place, text))
    return placed


def _set_axes(axes: Axes, plan: ByBaselinePlan) -> tuple[float, float]:
    reach = plan.scale.high - plan.scale.low
    moves = [cell.follow_up - cell.baseline for cell in plan.cells] or [0.0]
    low, high = min(-0.1 * reach, *moves) - 0.06 * reach, max(0.1 * reach, *moves) + 0.06 * reach
    axes.set_xlim(plan.scale.low - 0.03 * reach, plan.scale.high + 0.03 * reach)
    axes.set_ylim(low, high)
    plan.scale.set_axis(axes.xaxis)
    ticks = nice_ticks(low, high)
    axes.set_yticks(ticks, [format_number(tick, 1, trailing_zeros=False) for tick in ticks])
    axes.spines[["top", "right"]].set_visible(False)
    return low, high


def _draw_circles(axes: Axes, plan: ByBaselinePlan) -> None:
    most = max((cell.n_patients for cell in plan.cells), default=1)
    axes.scatter(
        [cell.baseline for cell in plan.cells],
        [cell.follow_up - cell.baseline for cell in plan.cells],
        s=[max(5.0, min(_LARGEST, 14.0 * most) * cell.n_patients / most) for cell in plan.cells],
        color=THREAD,
        alpha=0.55,
        linewidths=0.4,
        edgecolors=INK,
        zorder=2,
    )


def _say_why_empty(axes: Axes, plan: ByBaselinePlan) -> None:
    """Write why there are no circles; nothing where there are some."""
    if not plan.cells:
        why = why_no_scores(plan.change.n_patients, is_mean_shown=not math.isnan(plan.change.estimate))
        axes.text(0.5, 0.9, why, transform=axes.transAxes, ha="center", fontsize=SMALL_SIZE, color=QUIET_INK)


def _draw_lines(axes: Axes, plan: ByBaselinePlan) -> None:
    axes.axhline(0.0, color=RULE, linewidth=AXIS_WIDTH, zorder=1)
    if not math.isnan(plan.change.estimate):
        axes.axhline(plan.change.estimate, color=INK, linewidth=LINE_WIDTH, zorder=3)
    ends = [plan.scale.low, plan.scale.high]
    for reliability, style in zip(plan.lines, SERIES[1:3], strict=False):
        moves = [plan.expected(end, reliability) for end in ends]
        axes.plot(ends, moves, color=style.color, linestyle=style.line_style, linewidth=LINE_WIDTH, zorder=4)
