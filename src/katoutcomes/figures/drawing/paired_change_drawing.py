"""How paired change is drawn: panels of lines with an aligned axis of change."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.figures.drawing.layout import MARGIN, line_height, titled_page, wrap
from katoutcomes.figures.drawing.scale import nice_ticks
from katoutcomes.figures.drawing.style import (
    AXIS_WIDTH,
    INK,
    LINE_WIDTH,
    PAGE_WIDTH,
    QUIET_INK,
    RULE,
    SMALL_SIZE,
    THREAD,
)
from katoutcomes.figures.drawing.wording import capitalized, group_label, n_words, why_no_scores
from katoutcomes.results.formatting import format_estimate, format_interval, format_number

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

    from katoutcomes.figures.drawing.layout import Page
    from katoutcomes.figures.drawing.pairs import PairCell
    from katoutcomes.figures.drawing.scale import ScoreScale
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.part import Cell

_TICKS_WIDTH = 26.0
"""Room for the numbers beside an axis, in points."""
_GAP = 20.0
_WIDEST_LINE = 11.0
_BESIDE = 2


@dataclass(frozen=True, slots=True)
class ChangePanel:
    """What one cohort's panel shows.

    Attributes
    ----------
    group : str
        As the estimates call it.
    cells : tuple of PairCell
        Patients, or bins.
    are_patients : bool
        Whether each line is a patient (or several with the same two scores).
    baseline, follow_up, change : Estimate
        Means of the patients with both scores, and their mean change.
    n_text : str
        How many these are, as it is printed.
    """

    group: str
    cells: tuple[PairCell, ...]
    are_patients: bool
    baseline: Estimate
    follow_up: Estimate
    change: Estimate
    n_text: str

    @property
    def n_cell(self) -> Cell:
        """How many patients have both scores, as a cell of a table."""
        return self.n_text if self.change.n_patients is None else self.change.n_patients

    @property
    def has_means(self) -> bool:
        """Whether all three means are known and shown."""
        means = (self.baseline, self.follow_up, self.change)
        return not any(math.isnan(mean.estimate) for mean in means)


@dataclass(frozen=True, slots=True)
class ChangePlan:
    """Everything that the drawing needs."""

    title: str
    subtitle: str
    notes: tuple[str, ...]
    scale: ScoreScale
    visit: str
    panels: tuple[ChangePanel, ...]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a panel stands on the page, in points from the top left: its axes, without ticks and names."""

    left: float
    top: float
    pairs_width: float
    change_width: float
    height: float


def draw_change(plan: ChangePlan) -> MatplotlibFigure:
    """Return the drawing of a plan."""
    n_beside = min(len(plan.panels), _BESIDE)
    height = 250.0 if n_beside < _BESIDE else 200.0
    above, below = 2.0 * line_height() + 2.0, 3.0 * line_height() + MARGIN
    n_rows = math.ceil(len(plan.panels) / _BESIDE)
    page, top = titled_page(plan.title, plan.subtitle, n_rows * (above + height + below), plan.notes)
    column_width = (PAGE_WIDTH - 2.0 * MARGIN - _GAP) / _BESIDE if n_beside == _BESIDE else PAGE_WIDTH - 2.0 * MARGIN
    inside = column_width - 2.0 * _TICKS_WIDTH
    for number, panel in enumerate(plan.panels):
        left = MARGIN + _TICKS_WIDTH + (number % _BESIDE) * (column_width + _GAP)
        panel_top = top + (number // _BESIDE) * (above + height + below)
        place = _Place(left, panel_top + above, inside * 0.68, inside * 0.32, height)
        _draw_panel(page, plan, panel, place)
    return page.figure


def _draw_panel(page: Page, plan: ChangePlan, panel: ChangePanel, place: _Place) -> None:
    """Draw one cohort: lines at the left, change at the right, names and means around them."""
    heading = f"{capitalized(group_label(panel.group))}, {n_words(panel.n_text)}"
    first, *_ = wrap(heading, place.pairs_width + place.change_width + _TICKS_WIDTH, weight="bold")
    page.text(place.left - _TICKS_WIDTH, place.top - 2.0 * line_height() - 2.0, first, fontweight="bold")
    pairs = page.axes(place.left, place.top, place.pairs_width, place.height)
    _set_pairs_axes(pairs, plan)
    _draw_lines(pairs, panel, plan)
    names_top = place.top + place.height + 3.0
    change_middle = place.left + place.pairs_width + place.change_width / 2.0
    for share, name, mean in ((0.2, "baseline", panel.baseline), (0.8, plan.visit, panel.follow_up)):
        _name(page, place.left + share * place.pairs_width, names_top, name, mean)
    _name(page, change_middle, names_top, "change", panel.change)
    interval = "" if math.isnan(panel.change.conf_low) else f"({format_interval(panel.change)})"
    style: dict[str, Any] = {"fontsize": SMALL_SIZE, "color": QUIET_INK}
    page.text(change_middle, names_top + line_height() + line_height(SMALL_SIZE), interval, ha="center", **style)
    score_name = f"score ({plan.scale.arrow})" if plan.scale.arrow else "score"
    page.text(place.left - _TICKS_WIDTH, place.top - line_height() - 2.0, score_name, **style)
    if panel.has_means:
        _draw_means(pairs, panel)
        change = page.axes(place.left + place.pairs_width, place.top, place.change_width, place.height)
        _draw_mean_change(change, panel, pairs.get_ylim())
        right = place.left + place.pairs_width + place.change_width + _TICKS_WIDTH
        page.text(right, place.top - line_height() - 2.0, "change, points", ha="right", **style)


def _name(page: Page, center: float, top: float, name: str, mean: Estimate) -> None:
    """Write what stands at a place of the x axis, and its mean if there is one."""
    page.text(center, top, name, ha="center")
    if mean.suppressed or not math.isnan(mean.estimate):
        text = f"mean {format_estimate(mean)}"
        page.text(center, top + line_height(), text, ha="center", fontsize=SMALL_SIZE, color=QUIET_INK)


def _set_pairs_axes(axes: Axes, plan: ChangePlan) -> None:
    room = (plan.scale.high - plan.scale.low) * 0.03
    axes.set_xlim(-1.0 / 3.0, 4.0 / 3.0)
    axes.set_ylim(plan.scale.low - room, plan.scale.high + room)
    axes.set_xticks([0.0, 1.0], ["", ""])
    plan.scale.set_axis(axes.yaxis)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_lines(axes: Axes, panel: ChangePanel, plan: ChangePlan) -> None:
    """Draw patients as thin lines, bins as lines whose width is proportional to their patients in the whole figure."""
    most = max((cell.n_patients for other in plan.panels for cell in other.cells), default=0)
    for cell in panel.cells:
        ends = [cell.baseline, cell.follow_up]
        width = 0.9 * cell.n_patients if panel.are_patients else max(0.5, _WIDEST_LINE * cell.n_patients / most)
        axes.plot([0.0, 1.0], ends, color=THREAD, alpha=0.6, linewidth=width, solid_capstyle="butt", zorder=2)
    if not panel.cells:
        style: dict[str, Any] = {"ha": "center", "va": "center", "color": QUIET_INK, "fontsize": SMALL_SIZE}
        is_mean_shown = not math.isnan(panel.change.estimate)
        why = why_no_scores(panel.change.n_patients, is_mean_shown=is_mean_shown)
        axes.text(0.5, 0.04 if is_mean_shown else 0.5, why, transform=axes.transAxes, **style)  # below the means


def _draw_means(axes: Axes, panel: ChangePanel) -> None:
    means = [panel.baseline.estimate, panel.follow_up.estimate]
    axes.plot([0.0, 1.0], means, color=INK, linewidth=2.0 * LINE_WIDTH, zorder=4)
    axes.plot([0.0, 1.0], means, color=INK, linestyle="none", marker="o", markersize=6.0, zorder=5)
    for mean, start in zip(means, (0.0, 1.0), strict=True):
        axes.plot([start, 4.0 / 3.0], [mean, mean], color=RULE, linewidth=AXIS_WIDTH, linestyle=":", zorder=3)


def _draw_mean_change(axes: Axes, panel: ChangePanel, score_limits: tuple[float, float]) -> None:
    """Draw the mean change on an axis that is the score axis moved by the baseline mean."""
    baseline, change = panel.baseline.estimate, panel.change
    low, high = (limit - baseline for limit in score_limits)
    axes.set_ylim(low, high)
    axes.set_xlim(-1.0, 1.0)
    axes.set_xticks([0.0], [""])
    ticks = nice_ticks(low, high)
    axes.yaxis.tick_right()
    axes.set_yticks(ticks, [format_number(tick, 1, trailing_zeros=False) for tick in ticks])
    axes.spines[["top", "left"]].set_visible(False)
    axes.patch.set_visible(False)
    for height in (0.0, change.estimate):
        axes.axhline(height, color=RULE, linewidth=AXIS_WIDTH, linestyle=":", zorder=1)
    if not math.isnan(change.conf_low):
        limits = [change.conf_low, change.conf_high]
        axes.vlines([0.0], limits[:1], limits[1:], colors=INK, linewidth=LINE_WIDTH, zorder=3)
        axes.plot([0.0, 0.0], limits, color=INK, linestyle="none", marker="_", markersize=10.0, zorder=3)
    axes.plot([0.0], [change.estimate], color=INK, linestyle="none", marker="o", markersize=4.5, zorder=4)
