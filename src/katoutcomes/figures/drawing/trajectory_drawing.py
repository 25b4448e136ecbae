"""How the trajectory is drawn: a plan of what to draw, and the drawing of a plan."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from katoutcomes.figures.drawing.layout import MARGIN, line_height, spread, text_width, titled_page, wrap
from katoutcomes.figures.drawing.style import (
    AXIS_WIDTH,
    FAINT,
    LINE_WIDTH,
    PAGE_WIDTH,
    QUIET_INK,
    RULE,
    SMALL_SIZE,
    TEXT_SIZE,
    Series,
    marker_choices,
    series_styles,
)
from katoutcomes.figures.drawing.withheld import say_if_withheld
from katoutcomes.figures.drawing.wording import capitalized, group_label
from katoutcomes.results.formatting import format_day

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure
    from matplotlib.transforms import Transform

    from katoutcomes.figures.drawing.layout import Page
    from katoutcomes.figures.drawing.scale import ScoreScale
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.part import Cell

_PLOT_HEIGHT = 230.0
_EDGE = 30.0
"""White inside the axes, left of the first visit and right of the last, in points."""
_ROOM = 0.02
"""White above and below the score range, as a share of it."""
_DODGE = 8.0
"""Distance between the cohorts at one visit, in points."""
_CAP = 6.0
"""Width of the ends of an interval, so that a short one is seen beside its mark."""
_WIDEST_LABEL = 108.0
_KEY_WIDTH = 14.0
_START_MARK: Mapping[str, Any] = {
    "marker": "D",
    "markersize": 6.0,
    "markerfacecolor": "white",
    "markeredgecolor": QUIET_INK,
    "zorder": 6,
}


@dataclass(frozen=True, slots=True)
class VisitMean:
    """The mean of one cohort at one visit.

    Attributes
    ----------
    group, visit : str
        `group` as the estimates call it.
    target_day : int
        Day the visit is meant for.
    mean : Estimate
        The mean with its limits, hidden or not.
    n_text : str
        The number of patients as it is printed.
    """

    group: str
    visit: str
    target_day: int
    mean: Estimate
    n_text: str

    def cells(self) -> tuple[Cell, ...]:
        """Return the row of the figure's table."""
        mean = self.mean
        numbers = (mean.estimate, mean.conf_low, mean.conf_high, mean.conf_level)
        known = (None if math.isnan(number) else number for number in numbers)
        count = self.n_text if mean.n_patients is None else mean.n_patients
        return (group_label(self.group), self.visit, self.target_day, *known, count)


@dataclass(frozen=True, slots=True)
class TrajectoryPlan:
    """Everything that the drawing needs.

    Attributes
    ----------
    title, subtitle : str
    notes : tuple of str
    scale : ScoreScale
        The score axis.
    groups : tuple of str
        Cohorts, in the order of their styles.
    points : tuple of VisitMean
        Cohort by cohort, in order of time.
    start : VisitMean or None
        A mean of all cohorts together that their lines start from, drawn as an open mark without an interval.
    """

    title: str
    subtitle: str
    notes: tuple[str, ...]
    scale: ScoreScale
    groups: tuple[str, ...]
    points: tuple[VisitMean, ...]
    start: VisitMean | None = None

    @property
    def visits(self) -> tuple[tuple[str, int], ...]:
        """Name and target day of each visit, in order."""
        points = self.points if self.start is None else (self.start, *self.points)
        return tuple(dict.fromkeys((point.visit, point.target_day) for point in points))

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the cohorts; none where there is only one."""
        return tuple(group_label(group) for group in self.groups) if len(self.groups) > 1 else ()

    def of(self, group: str) -> tuple[VisitMean, ...]:
        """Return the points of one cohort, in order of time."""
        return tuple(point for point in self.points if point.group == group)


@dataclass(frozen=True, slots=True)
class _Places:
    """Where things stand, in points from the left of the page.

    Attributes
    ----------
    left, width : float
        Of the axes.
    visits : tuple of float
        From the left of the axes.
    is_to_scale : bool
        Whether the distances between visits are those between their days.
    n_levels : int
        On how many levels the names of the visits stand, so that they do not collide.
    dodge : float
        Distance between the cohorts at one visit.
    """

    left: float
    width: float
    visits: tuple[float, ...]
    is_to_scale: bool
    n_levels: int
    dodge: float


def visit_positions(visits: tuple[tuple[str, int], ...], width: float) -> tuple[tuple[float, ...], bool]:
    """Return where the visits stand, in points from the left of the axes, and whether that is to scale.

    They stand at their target days unless two would be so near that their names collide; then all are evenly spaced.

    Examples
    --------
    >>> visit_positions((("baseline", 0), ("week 4", 28), ("week 12", 84)), 360.0)
    ((30.0, 130.0, 330.0), True)
    >>> visit_positions((("baseline", 0), ("day 1", 1), ("week 12", 84)), 360.0)
    ((30.0, 180.0, 330.0), False)
    """
    inside = width - 2.0 * _EDGE
    days = [day for _, day in visits]
    if len(days) < 2:
        return (width / 2.0,) * len(days), True
    to_scale = tuple(_EDGE + inside * (day - days[0]) / max(1, days[-1] - days[0]) for day in days)
    widths = [max(text_width(name), text_width(format_day(day), SMALL_SIZE)) + 8.0 for name, day in visits]
    gaps = [right - left for left, right in pairwise(to_scale)]
    if all(gap >= (before + after) / 2.0 for gap, (before, after) in zip(gaps, pairwise(widths), strict=True)):
        return to_scale, True
    return tuple(_EDGE + inside * number / (len(days) - 1) for number in range(len(days))), False


def _places(plan: TrajectoryPlan) -> _Places:
    """Give the names of the cohorts the room they need at both sides, and the axes what is left."""
    label_width = max((min(_WIDEST_LABEL, text_width(capitalized(label))) for label in plan.labels), default=0.0)
    left = MARGIN + max(label_width + _KEY_WIDTH, text_width("Patients", TEXT_SIZE, "bold")) + MARGIN
    right = MARGIN + (label_width + _KEY_WIDTH + MARGIN if plan.labels else 0.0)
    width = PAGE_WIDTH - left - right
    positions, is_to_scale = visit_positions(plan.visits, width)
    gap = min((after - before for before, after in pairwise(positions)), default=width)
    n_levels = 1 if is_to_scale else _levels_of_names(plan.visits, gap)
    return _Places(left, width, positions, is_to_scale, n_levels, min(_DODGE, 0.7 * gap / max(1, len(plan.groups))))


def _levels_of_names(visits: tuple[tuple[str, int], ...], gap: float) -> int:
    """Return on how many levels evenly spaced names must stand to have room beside those of their level.

    Examples
    --------
    >>> _levels_of_names((("baseline", 0), ("week 1", 7), ("week 2", 14)), 30.0)
    2
    """
    widest = max(max(text_width(name), text_width(format_day(day), SMALL_SIZE)) for name, day in visits)
    return max(1, math.ceil((widest + 8.0) / gap))


def draw_trajectory(plan: TrajectoryPlan) -> MatplotlibFigure:
    """Return the drawing of a plan."""
    places = _places(plan)
    notes = plan.notes if places.is_to_scale else (*plan.notes, "The visits are evenly spaced, not to scale.")
    names_height = places.n_levels * (line_height() + line_height(SMALL_SIZE)) + MARGIN
    n_rows = len(plan.groups) + bool(plan.labels)
    body_height = line_height() + 2.0 + _PLOT_HEIGHT + names_height + n_rows * line_height() + MARGIN
    page, top = titled_page(plan.title, plan.subtitle, body_height, notes)
    axis_name = f"{plan.scale.instrument} score" + (f"  ({plan.scale.arrow})" if plan.scale.arrow else "")
    page.text(places.left, top, axis_name, color=QUIET_INK)
    axes_top = top + line_height() + 2.0
    axes = page.axes(places.left, axes_top, places.width, _PLOT_HEIGHT)
    _set_axes(axes, plan, places)
    for number, (group, style) in enumerate(zip(plan.groups, series_styles(len(plan.groups)), strict=True)):
        points = plan.of(group)
        values = _visit_values(plan, places)
        _draw_cohort(axes, points, [values[point.visit] for point in points], style, _shift(plan, places, number))
    _draw_start(axes, plan, places)
    _name_cohorts(page, plan, places, axes_top)
    below = axes_top + _PLOT_HEIGHT + MARGIN
    _name_visits(page, plan, places, below)
    _draw_numbers(page, plan, places, below + names_height)
    return page.figure


def _set_axes(axes: Axes, plan: TrajectoryPlan, places: _Places) -> None:
    """Set ranges, ticks and grid so that the visits stand where they are planned."""
    room = (plan.scale.high - plan.scale.low) * _ROOM
    axes.set_ylim(plan.scale.low - room, plan.scale.high + room)
    plan.scale.set_axis(axes.yaxis)
    x = list(_visit_values(plan, places).values())
    if x:
        points_over_value = (places.visits[-1] - places.visits[0]) / (x[-1] - x[0]) if len(x) > 1 else 1.0
        start = x[0] - places.visits[0] / points_over_value
        axes.set_xlim(start, start + places.width / points_over_value)
    axes.set_xticks(x, [""] * len(x))
    axes.grid(visible=True, axis="y", color=FAINT, linewidth=AXIS_WIDTH)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    say_if_withheld(axes, (point.mean for point in plan.points))


def _visit_values(plan: TrajectoryPlan, places: _Places) -> dict[str, float]:
    """Return the x value of each visit: its target day, or its number where the axis is not to scale."""
    return {visit: float(day if places.is_to_scale else number) for number, (visit, day) in enumerate(plan.visits)}


def _shift(plan: TrajectoryPlan, places: _Places, number: int) -> float:
    """Return how far a cohort is moved aside, in points."""
    return (number - (len(plan.groups) - 1) / 2.0) * places.dodge


def _aside(axes: Axes, shift: float) -> Transform:
    """Return where values stand that are moved aside by `shift` points."""
    from matplotlib.transforms import offset_copy

    return offset_copy(axes.transData, axes.get_figure(root=True), x=shift, y=0.0, units="points")


def _draw_cohort(axes: Axes, points: tuple[VisitMean, ...], x: list[float], style: Series, shift: float) -> None:
    """Draw the line, the means and the intervals of one cohort, moved aside by `shift` points."""
    aside = _aside(axes, shift)
    means = [point.mean.estimate for point in points]
    axes.plot(x, means, color=style.color, linestyle=style.line_style, linewidth=LINE_WIDTH, transform=aside, zorder=3)
    bounded = [(at, point.mean) for at, point in zip(x, points, strict=True) if not math.isnan(point.mean.conf_low)]
    at = [x for x, _ in bounded]
    low, high = [mean.conf_low for _, mean in bounded], [mean.conf_high for _, mean in bounded]
    axes.vlines(at, low, high, colors=style.color, linewidth=LINE_WIDTH, transform=aside, zorder=4)
    for ends in (low, high):
        axes.plot(at, ends, color=style.color, linestyle="none", marker="_", markersize=_CAP, transform=aside, zorder=4)
    axes.plot(x, means, linestyle="none", transform=aside, zorder=5, **marker_choices(style))


def _draw_start(axes: Axes, plan: TrajectoryPlan, places: _Places) -> None:
    """Draw the mean that all lines start from, and a thin line from it to each cohort's first mean."""
    if plan.start is None:
        return
    values = _visit_values(plan, places)
    at, height = values[plan.start.visit], plan.start.mean.estimate
    for number, group in enumerate(plan.groups):
        first = next((point for point in plan.of(group) if not math.isnan(point.mean.estimate)), None)
        if first is not None:
            aside = _aside(axes, _shift(plan, places, number))
            end = aside.transform((values[first.visit], first.mean.estimate))
            x, y = axes.transData.inverted().transform(end)
            axes.plot([at, x], [height, y], color=QUIET_INK, linestyle=":", linewidth=AXIS_WIDTH, zorder=2)
    axes.plot([at], [height], linestyle="none", **_START_MARK)


def _name_cohorts(page: Page, plan: TrajectoryPlan, places: _Places, axes_top: float) -> None:
    """Write the name of each cohort beside the end of its line, moved apart where they would collide."""
    ends = []
    for number, group in enumerate(plan.groups if plan.labels else ()):
        drawn = [point for point in plan.of(group) if not math.isnan(point.mean.estimate)]
        if drawn:
            ends.append((number, drawn[-1].visit, axes_top + _depth(plan.scale, drawn[-1].mean.estimate)))
    heights = spread(tuple(height for _, _, height in ends), line_height(), axes_top, axes_top + _PLOT_HEIGHT)
    position_of = dict(zip((visit for visit, _ in plan.visits), places.visits, strict=True))
    label_left = places.left + places.width + MARGIN
    for (number, visit, end), height in zip(ends, heights, strict=True):
        if position_of[visit] < places.visits[-1]:
            start = places.left + position_of[visit] + (number + 1.0) * places.dodge
            page.line((start, label_left), (end, height), color=RULE, linestyle=":")
        _draw_sign(page, label_left + _KEY_WIDTH / 2.0 - 2.0, height, series_styles(len(plan.groups))[number])
        page.text(label_left + _KEY_WIDTH, height - line_height() / 2.0, _short(plan.labels[number]))


def _depth(scale: ScoreScale, score: float) -> float:
    """Return how far below the top of the axes a score stands, in points."""
    room = (scale.high - scale.low) * _ROOM
    return _PLOT_HEIGHT * (scale.high + room - score) / (scale.high - scale.low + 2.0 * room)


def _short(label: str) -> str:
    """Return a label, or its beginning and an ellipsis where it is too wide."""
    first, *others = wrap(capitalized(label), _WIDEST_LABEL)
    return first if not others else f"{wrap(first, _WIDEST_LABEL - text_width('…'))[0]}…"


def _draw_sign(page: Page, left: float, top: float, style: Series) -> None:
    """Draw the marker of a cohort where its name stands."""
    page.line((left,), (top,), linestyle="none", **marker_choices(style))


def _name_visits(page: Page, plan: TrajectoryPlan, places: _Places, top: float) -> None:
    style = {"fontsize": SMALL_SIZE, "color": QUIET_INK}
    for number, ((visit, day), position) in enumerate(zip(plan.visits, places.visits, strict=True)):
        level_top = top + number % places.n_levels * (line_height() + line_height(SMALL_SIZE))
        page.text(places.left + position, level_top, visit, ha="center")
        page.text(places.left + position, level_top + line_height(), format_day(day), ha="center", **style)


def _draw_numbers(page: Page, plan: TrajectoryPlan, places: _Places, top: float) -> None:
    """Write the number of patients under each visit, one line a cohort, with the cohort's sign in front."""
    page.text(MARGIN, top, "Patients", fontweight="bold")
    position_of = dict(zip((visit for visit, _ in plan.visits), places.visits, strict=True))
    if plan.start is not None:
        text = f"all {plan.start.n_text}" if plan.labels else plan.start.n_text
        page.text(places.left + position_of[plan.start.visit], top, text, ha="center")
    for number, group in enumerate(plan.groups):
        line_top = top + (number + bool(plan.labels)) * line_height()
        if plan.labels:
            middle = line_top + line_height() / 2.0
            _draw_sign(page, MARGIN + 4.0, middle, series_styles(len(plan.groups))[number])
            page.text(MARGIN + _KEY_WIDTH, line_top, _short(plan.labels[number]))
        for point in plan.of(group):
            page.text(places.left + position_of[point.visit], line_top, point.n_text, ha="center")
