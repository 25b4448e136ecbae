"""How many patients are still seen over time, cohort by cohort, with their numbers below the curves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from katoutcomes.figures.drawing.layout import MARGIN, Page, line_height, spread, text_width, titled_page, wrap
from katoutcomes.figures.drawing.style import (
    AXIS_WIDTH,
    FAINT,
    LINE_WIDTH,
    PAGE_WIDTH,
    QUIET_INK,
    SMALL_SIZE,
    Series,
    marker_choices,
    series_styles,
)
from katoutcomes.figures.drawing.trajectory_drawing import visit_positions
from katoutcomes.figures.drawing.withheld import say_if_withheld
from katoutcomes.figures.drawing.wording import (
    by_words,
    capitalized,
    general_notes,
    group_label,
    grouping_variable,
    interval_name,
    n_words,
    withheld_groups_note,
)
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.results.estimate import NOT_A_NUMBER
from katoutcomes.results.formatting import (
    format_count,
    format_day,
    format_percent,
    format_with_interval,
    minimum_cell_of,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.part import Cell
    from katoutcomes.results.result import ResultRecord

COLUMNS: tuple[str, ...] = (
    "group",
    "visit",
    "target_day",
    "still_seen",
    "conf_low",
    "conf_high",
    "conf_level",
    "n_patients",
)
SEVERITY = "baseline severity: "
_PLOT_HEIGHT = 200.0
_WIDEST_LABEL = 120.0
_KEY_WIDTH = 16.0
_NOTES = (
    "Still seen: with a score at this visit or a later one; of those with a baseline score.",
    "A curve falls where patients had no further score; why is not known.",
    "Nobody is censored before the last visit.",
)


@dataclass(frozen=True, slots=True)
class _Point:
    """One group at one visit: the share still seen, hidden or not, and their number as it is printed."""

    group: str
    visit: str
    target_day: int
    seen: Estimate | None
    n_text: str

    @property
    def share(self) -> float:
        if self.seen is None:
            return 1.0
        return NOT_A_NUMBER if self.seen.suppressed else self.seen.estimate

    def cells(self) -> tuple[Cell, ...]:
        seen = self.seen
        limits = (NOT_A_NUMBER,) * 3 if seen is None else (seen.conf_low, seen.conf_high, seen.conf_level)
        numbers = (None if math.isnan(number) else number for number in (self.share, *limits))
        return (group_label(self.group), self.visit, self.target_day, *numbers, self.n_text)


@dataclass(frozen=True, slots=True)
class _Plan:
    title: str
    subtitle: str
    notes: tuple[str, ...]
    groups: tuple[str, ...]
    points: tuple[_Point, ...]

    @property
    def visits(self) -> tuple[tuple[str, int], ...]:
        return tuple(dict.fromkeys((point.visit, point.target_day) for point in self.points))

    def of(self, group: str) -> tuple[_Point, ...]:
        return tuple(point for point in self.points if point.group == group)


def dropout_curve(result: ResultRecord, *, by_severity: bool = False) -> Figure:
    """Draw how many of those with a baseline score are still seen at each visit or later.

    Parameters
    ----------
    result : ResultRecord
        A result of `dropout`, released or not.
    by_severity : bool, default False
        Whether the bands of the baseline score are drawn instead of the cohorts.

    Returns
    -------
    Figure
        One step curve a cohort with its intervals, and the number of patients still seen below. A hidden share is a
        gap. ``rows`` holds `COLUMNS`.

    Raises
    ------
    OptionError
        If there are more groups than can be told apart.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=1, n_patients=80)
    >>> data = kat.select_cohort(registry).analysis_set("PHQ-9", treatment="program_booked")
    >>> dropout_curve(kat.dropout(data)).title
    'Patients still seen, PHQ-9, by program booked'
    """
    wanted = _wanted_groups(result, by_severity=by_severity)
    groups = _groups(result, wanted)
    series_styles(len(groups))
    points = tuple(point for group in groups for point in _points(result, group))
    levels = [point.seen.conf_level for point in points if point.seen is not None]
    plan = _Plan(
        title=f"Patients still seen, {result.estimand.endpoint.instrument}{by_words(groups)}",
        subtitle=f"Share with a score then or later (Kaplan-Meier), with {interval_name(levels)}.",
        notes=_notes(result, wanted, groups, points),
        groups=groups,
        points=points,
    )
    by = grouping_variable(groups)
    return Figure(
        name=figure_name("dropout_curve", result.estimand.endpoint.instrument, by and f"by_{by}"),
        title=plan.title,
        alt_text=_alt_text(plan),
        columns=COLUMNS,
        rows=tuple(point.cells() for point in points),
        drawing=partial(draw_dropout_curve, plan),
    )


def _wanted_groups(result: ResultRecord, *, by_severity: bool) -> tuple[str, ...]:
    """Return the cohorts, or the bands of severity."""
    found = dict.fromkeys(estimate.subgroup for estimate in result.select(term="scored at visit"))
    return tuple(one for one in found if one and one.startswith(SEVERITY) == by_severity)


def _groups(result: ResultRecord, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """Return the groups to draw: those that are wanted, else everybody, also where all of their shares are hidden."""
    shown = [group for group in wanted if _is_shown(result, group)]
    return wanted if shown or (wanted and not _is_shown(result, "")) else ("",)


def _is_shown(result: ResultRecord, group: str) -> bool:
    """Return whether a share of a group is shown at any visit after baseline."""
    return any(point.seen is not None and not point.seen.suppressed for point in _points(result, group))


def _notes(
    result: ResultRecord, wanted: tuple[str, ...], groups: tuple[str, ...], points: tuple[_Point, ...]
) -> tuple[str, ...]:
    gap = ("A gap is a share that is not shown.",) if any(math.isnan(point.share) for point in points) else ()
    counted = [point.n_text for point in points]
    return (*_NOTES, *withheld_groups_note(wanted, groups), *gap, *general_notes(result, counted))


def _points(result: ResultRecord, group: str) -> tuple[_Point, ...]:
    part = result.part("visits")
    days = dict(zip(part.column("visit"), part.column("target_day"), strict=True))
    minimum = minimum_cell_of(result)
    (began,) = result.select(term="with a baseline score", subgroup=group)
    n_began = format_count(
        began.n_counted, suppressed=began.suppressed, below_minimum=began.below_minimum, minimum_cell=minimum
    )
    points = [_Point(group, "baseline", 0, None, n_began)]
    for scored in result.select(term="scored at visit", subgroup=group):
        later = result.select(term="seen then or later", visit=scored.visit, subgroup=group)
        seen = later[0] if later else scored
        n_text = format_count(
            seen.n_counted, suppressed=seen.suppressed, below_minimum=seen.below_minimum, minimum_cell=minimum
        )
        points.append(_Point(group, scored.visit, int(days[scored.visit] or 0), seen, n_text))
    return tuple(points)


def _alt_text(plan: _Plan) -> str:
    sentences = [f"{plan.title}, as step curves. {plan.subtitle}"]
    for group in plan.groups:
        values = [
            f"{point.visit} {format_with_interval(point.seen)}, {n_words(point.n_text)}"
            if point.seen is not None
            else f"{point.visit} {n_words(point.n_text)}"
            for point in plan.of(group)
        ]
        sentences.append(f"{capitalized(group_label(group))}: {'; '.join(values)}.")
    return " ".join((*sentences, *plan.notes))


def draw_dropout_curve(plan: _Plan) -> MatplotlibFigure:
    """Return the drawing of a plan."""
    labels = [_short(group_label(group)) for group in plan.groups]
    label_width = max(text_width(label) for label in labels) + _KEY_WIDTH
    left = MARGIN + max(label_width, text_width("Still seen", weight="bold")) + 2.0 * MARGIN
    width = PAGE_WIDTH - left - MARGIN - (label_width + MARGIN if len(labels) > 1 else 0.0)
    positions, is_to_scale = visit_positions(plan.visits, width)
    place_of = dict(zip((visit for visit, _ in plan.visits), positions, strict=True))
    notes = plan.notes if is_to_scale else (*plan.notes, "The visits are evenly spaced, not to scale.")
    names_height = (1 if is_to_scale else 2) * 2.0 * line_height() + MARGIN
    body_height = _PLOT_HEIGHT + names_height + (len(labels) + 1) * line_height() + 2.0 * MARGIN
    page, top = titled_page(plan.title, plan.subtitle, body_height, notes)
    axes = page.axes(left, top + MARGIN, width, _PLOT_HEIGHT)
    _set_axes(axes, width, positions)
    styles = series_styles(len(plan.groups))
    for number, (group, style) in enumerate(zip(plan.groups, styles, strict=True)):
        _draw_curve(axes, plan.of(group), place_of, style, 3.0 * (number - (len(styles) - 1) / 2.0))
    say_if_withheld(axes, (point.seen for point in plan.points))
    _name_curves(page, plan, labels, (left + width, top + MARGIN))
    below = top + _PLOT_HEIGHT + 2.0 * MARGIN
    for number, ((visit, day), at) in enumerate(zip(plan.visits, positions, strict=True)):
        level = below + (0 if is_to_scale else number % 2) * 2.0 * line_height()
        page.text(left + at, level, visit, ha="center")
        page.text(left + at, level + line_height(), format_day(day), ha="center", fontsize=SMALL_SIZE, color=QUIET_INK)
    _draw_numbers(page, plan, labels, {visit: left + at for visit, at in place_of.items()}, below + names_height)
    return page.figure


def _set_axes(axes: Axes, width: float, positions: tuple[float, ...]) -> None:
    axes.set_xlim(0.0, width)
    axes.set_xticks(list(positions), [""] * len(positions))
    axes.set_ylim(0.0, 1.02)
    ticks = [0.0, 0.25, 0.5, 0.75, 1.0]
    axes.set_yticks(ticks, [format_percent(tick) for tick in ticks])
    axes.grid(visible=True, axis="y", color=FAINT, linewidth=AXIS_WIDTH)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_curve(
    axes: Axes, points: tuple[_Point, ...], place_of: dict[str, float], style: Series, shift: float
) -> None:
    """Draw steps between shares that are shown, a mark at each, and its interval moved aside."""
    for before, after in pairwise(points):
        if math.isnan(before.share) or math.isnan(after.share):
            continue
        start, end = place_of[before.visit], place_of[after.visit]
        axes.plot(
            [start, end, end],
            [before.share, before.share, after.share],
            color=style.color,
            linestyle=style.line_style,
            linewidth=LINE_WIDTH,
            zorder=3,
        )
    for point in points:
        at = place_of[point.visit]
        if not math.isnan(point.share):
            axes.plot([at + shift], [point.share], linestyle="none", zorder=5, **marker_choices(style))
        if point.seen is not None and not math.isnan(point.seen.conf_low):
            axes.vlines([at + shift], point.seen.conf_low, point.seen.conf_high, colors=style.color, linewidth=1.0)


def _name_curves(page: Page, plan: _Plan, labels: list[str], corner: tuple[float, float]) -> None:
    """Write the name of each curve beside its end; nothing where there is one curve only."""
    if len(labels) < 2:
        return
    right, top = corner
    ends = []
    for number, group in enumerate(plan.groups):
        shown = [point.share for point in plan.of(group) if not math.isnan(point.share)]
        ends.append((number, top + _PLOT_HEIGHT * (1.02 - shown[-1]) / 1.02))
    heights = spread(tuple(height for _, height in ends), line_height(), top, top + _PLOT_HEIGHT)
    for (number, _), height in zip(ends, heights, strict=True):
        _draw_sign(page, right + MARGIN, height, series_styles(len(labels))[number])
        page.text(right + _KEY_WIDTH, height - line_height() / 2.0, labels[number])


def _draw_sign(page: Page, left: float, top: float, style: Series) -> None:
    page.line((left,), (top,), linestyle="none", **marker_choices(style))


def _draw_numbers(page: Page, plan: _Plan, labels: list[str], place_of: dict[str, float], top: float) -> None:
    """Write how many are still seen under each visit, one line a group."""
    page.text(MARGIN, top, "Still seen", fontweight="bold")
    for number, group in enumerate(plan.groups):
        line_top = top + (number + 1) * line_height()
        _draw_sign(page, MARGIN + 4.0, line_top + line_height() / 2.0, series_styles(len(labels))[number])
        page.text(MARGIN + _KEY_WIDTH, line_top, labels[number])
        for point in plan.of(group):
            page.text(place_of[point.visit], line_top, point.n_text, ha="center")


def _short(label: str) -> str:
    first, *others = wrap(capitalized(label), _WIDEST_LABEL)
    return first if not others else f"{wrap(first, _WIDEST_LABEL - text_width('…'))[0]}…"
