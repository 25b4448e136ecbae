"""One line a patient, for a look at few patients inside the clinic; never of a released result."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from katoutcomes.errors import DisclosureError, OptionError, require_option
from katoutcomes.figures.drawing.layout import MARGIN, line_height, text_width, titled_page
from katoutcomes.figures.drawing.scale import ScoreScale, score_scale
from katoutcomes.figures.drawing.style import AXIS_WIDTH, FAINT, PAGE_WIDTH, PAPER, QUIET_INK, SERIES, SMALL_SIZE
from katoutcomes.figures.drawing.trajectory_drawing import visit_positions
from katoutcomes.figures.drawing.wording import capitalized, general_notes, group_label
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.results.formatting import format_count, format_day, format_number
from katoutcomes.results.result import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.results.part import ScoreCourses
    from katoutcomes.results.result import ResultRecord

COLUMNS: tuple[str, ...] = ("line", "visit", "target_day", "score", "is_last_score")
MOST_PATIENTS = 40
"""More lines than these hide each other; the trajectory of the means is for many patients."""
_PLOT_HEIGHT = 240.0
_LINE = SERIES[0].color


@dataclass(frozen=True, slots=True)
class _Line:
    """The scores of one patient: place of the visit and score; and whether the last of them is the last visit."""

    points: tuple[tuple[int, float], ...]
    is_lost: bool


@dataclass(frozen=True, slots=True)
class _Plan:
    title: str
    subtitle: str
    notes: tuple[str, ...]
    scale: ScoreScale
    visits: tuple[tuple[str, int], ...]
    lines: tuple[_Line, ...]


def individual_trajectories(result: ResultRecord, *, group: str = "", instrument: Instrument | None = None) -> Figure:
    """Draw the scores of every patient, one line each, and mark where the line of somebody who was lost ends.

    Parameters
    ----------
    result : ResultRecord
        A result of `dropout` that has not been released.
    group : str, default ""
        The subgroup to draw, as its estimates call it; ``""`` for everybody.
    instrument : Instrument, optional
        For an instrument that the catalog does not hold: its range becomes the axis.

    Returns
    -------
    Figure
        Lines between the scores a patient has; a visit without a score is passed over by a dotted piece, and an open
        square is a last score before the last visit. ``rows`` holds single patients' scores: it stays in the clinic.

    Raises
    ------
    DisclosureError
        If the result has been released: single patients never leave a clinic.
    OptionError
        If there is no such group, or more than 40 patients.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=1, n_patients=25)
    >>> individual_trajectories(kat.dropout(kat.select_cohort(registry).analysis_set("PHQ-9"))).title
    'PHQ-9 of single patients'
    """
    courses = _courses(result, group)
    n_patients = len(courses.scores)
    if n_patients > MOST_PATIENTS:
        raise OptionError(
            f"lines of single patients are drawn for at most {MOST_PATIENTS} patients; "
            'choose a smaller group, or draw the means: kat.change_from_baseline(data).plot("trajectory").'
        )
    part = result.part("visits")
    days = dict(zip(part.column("visit"), part.column("target_day"), strict=True))
    visits = tuple((name, int(days[name] or 0)) for name in courses.visits)
    lines = tuple(_line(scores.tolist()) for scores in courses.scores)
    drawn = [score for line in lines for _, score in line.points]
    scale = score_scale(result, drawn, instrument)
    of_group = f", {group_label(group)}" if group else ""
    plan = _Plan(
        title=f"{scale.instrument} of single patients{of_group}",
        subtitle=f"One line a patient, {format_count(n_patients)} in all. {scale.sentence()}",
        notes=(
            "Not for release: single patients can be known by their scores.",
            "Dotted: no score in between. Open square: the last score of somebody who was lost.",
            *general_notes(result),
        ),
        scale=scale,
        visits=visits,
        lines=lines,
    )
    return Figure(
        name=figure_name("individual_trajectories", scale.instrument, group),
        title=plan.title,
        alt_text=_alt_text(plan),
        columns=COLUMNS,
        rows=tuple(
            (number, *visits[place], score, line.is_lost and place == line.points[-1][0])
            for number, line in enumerate(lines, start=1)
            for place, score in line.points
        ),
        drawing=partial(draw_individual_trajectories, plan),
    )


def _courses(result: ResultRecord, group: str) -> ScoreCourses:
    values = result.individual_values if isinstance(result, Result) else None
    if values is None:
        raise DisclosureError("single patients are not drawn of a released result; their scores stay in the clinic.")
    found = {courses.group: courses for courses in values.courses}
    require_option("group", group, tuple(found))
    return found[group]


def _line(scores: list[float]) -> _Line:
    points = tuple((place, score) for place, score in enumerate(scores) if not math.isnan(score))
    return _Line(points, is_lost=points[-1][0] < len(scores) - 1)


def _alt_text(plan: _Plan) -> str:
    """Return what the lines show together; no patient's scores are read out."""
    first = [line.points[0][1] for line in plan.lines]
    last = [line.points[-1][1] for line in plan.lines]
    n_lost = sum(line.is_lost for line in plan.lines)
    ends = [f"{format_number(min(values), 1)} to {format_number(max(values), 1)}" for values in (first, last) if values]
    spans = f"Scores begin at {ends[0]} and end at {ends[1]}. " if ends else ""
    return " ".join(
        (
            f"{plan.title}, as thin lines. {plan.subtitle}",
            f"{spans}{format_count(n_lost)} lines end before the last visit.",
            *plan.notes,
        )
    )


def draw_individual_trajectories(plan: _Plan) -> MatplotlibFigure:
    """Return the drawing of a plan."""
    axis_name = f"{plan.scale.instrument} score" + (f"  ({plan.scale.arrow})" if plan.scale.arrow else "")
    left = MARGIN + text_width("0000") + MARGIN
    width = PAGE_WIDTH - left - 2.0 * MARGIN
    positions, is_to_scale = visit_positions(plan.visits, width)
    notes = plan.notes if is_to_scale else (*plan.notes, "The visits are evenly spaced, not to scale.")
    n_levels = 1 if is_to_scale else 2
    body_height = line_height() + _PLOT_HEIGHT + n_levels * 2.0 * line_height() + 2.0 * MARGIN
    page, top = titled_page(plan.title, plan.subtitle, body_height, notes)
    page.text(left, top, axis_name, color=QUIET_INK)
    axes = page.axes(left, top + line_height() + 2.0, width, _PLOT_HEIGHT)
    axes.set_xlim(0.0, width)
    axes.set_xticks(list(positions), [""] * len(positions))
    room = 0.03 * (plan.scale.high - plan.scale.low)
    axes.set_ylim(plan.scale.low - room, plan.scale.high + room)
    plan.scale.set_axis(axes.yaxis)
    axes.grid(visible=True, axis="y", color=FAINT, linewidth=AXIS_WIDTH)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    for line in plan.lines:
        _draw_line(axes, line, positions)
    below = top + line_height() + _PLOT_HEIGHT + MARGIN
    for number, ((visit, day), at) in enumerate(zip(plan.visits, positions, strict=True)):
        level = below + number % n_levels * 2.0 * line_height()
        page.text(left + at, level, capitalized(visit), ha="center")
        page.text(left + at, level + line_height(), format_day(day), ha="center", fontsize=SMALL_SIZE, color=QUIET_INK)
    return page.figure


def _draw_line(axes: Axes, line: _Line, positions: tuple[float, ...]) -> None:
    for (place, score), (next_place, next_score) in pairwise(line.points):
        style = "-" if next_place == place + 1 else ":"
        x = [positions[place], positions[next_place]]
        axes.plot(x, [score, next_score], color=_LINE, linestyle=style, linewidth=0.9, alpha=0.55, zorder=3)
    for place, score in line.points:
        is_end = line.is_lost and place == line.points[-1][0]
        axes.plot(
            [positions[place]],
            [score],
            linestyle="none",
            marker="s" if is_end else "o",
            markersize=5.0 if is_end else 3.0,
            markerfacecolor=PAPER if is_end else _LINE,
            markeredgecolor=_LINE,
            markeredgewidth=1.0,
            zorder=5 if is_end else 4,
        )
