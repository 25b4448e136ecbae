"""A simulation study as four columns of marks: bias, coverage, differences found, standard errors."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from katoutcomes.errors import require_option
from katoutcomes.figures.drawing.layout import MARGIN, line_height, text_width, titled_page, wrap
from katoutcomes.figures.drawing.style import (
    AXIS_WIDTH,
    FAINT,
    IMPROVED,
    INK,
    PAGE_WIDTH,
    QUIET_INK,
    SERIES,
    SMALL_SIZE,
    marker_choices,
)
from katoutcomes.figures.figure import Figure
from katoutcomes.results.formatting import format_number, format_percent
from katoutcomes.results.simulation_study import (
    BESIDE,
    DEFAULT,
    LEAST_COVERAGE,
    MOST_BIAS,
    MOST_COVERAGE,
    MOST_REJECTIONS,
    NAIVE,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

    from katoutcomes.results.simulation_study import Performance, SimulationStudy

COLUMNS: tuple[str, ...] = (
    "exposure",
    "clinic",
    "scenario",
    "n_patients",
    "estimator",
    "truth",
    "bias",
    "bias_error",
    "coverage",
    "coverage_error",
    "rejection",
    "rejection_error",
    "empirical_se",
    "mean_se",
    "not_estimable",
    "judgement",
)
_STYLES = {DEFAULT: SERIES[0], BESIDE: SERIES[2], NAIVE: SERIES[1]}
_ERRORS = 2.0
"""Monte-Carlo standard errors on either side of a mark."""
_ROW = line_height(SMALL_SIZE) + 2.0
_GAP = 14.0
_LABELS = 168.0


@dataclass(frozen=True, slots=True)
class _Column:
    """One column of marks: what it shows, its error, between which values, and the shaded band."""

    title: str
    value: Callable[[Performance], float]
    error: Callable[[Performance], float]
    limits: tuple[float, float]
    band: tuple[float, float]
    ticks: tuple[float, ...]
    is_share: bool = False


def simulation_study_figure(study: SimulationStudy, *, estimators: str = "default") -> Figure:
    """Draw what the estimators do in each cell.

    Parameters
    ----------
    study : SimulationStudy
        What was simulated.
    estimators : {"default", "all"}, default "default"
        Only the defaults and the naive comparison, or all of them.

    Returns
    -------
    Figure
        Under a heading for each cell a line an estimator: bias with two Monte-Carlo errors, coverage, share of studies
        that find a difference, mean standard error over the standard deviation of the estimates, and in figures how
        many could not be estimated. Bounds are shaded. ``rows`` holds `COLUMNS`.
    """
    require_option("estimators", estimators, ("default", "all"))
    lines = tuple(one for one in study.performances if estimators == "all" or one.role != BESIDE)
    n_replicates = format_number(study.design["n_replicates"], 0)
    title = "What the defaults do when the truth is known"
    subtitle = (
        f"{n_replicates} simulated studies a cell, two Monte-Carlo errors on either side of each mark. Shaded: within "
        "bounds. Bias in PHQ-9 points; a mark at the edge lies beyond it."
    )
    notes = (
        "Finds a difference: type I error where there is no effect (shaded up to the bound), else power.",
        "SE ratio: mean estimated standard error over the standard deviation of the estimates.",
        "Ever against never is shown to be seen through; no analysis offers it. Synthetic patients.",
    )
    return Figure(
        name="simulation_study",
        title=title,
        alt_text=_alt_text(title, subtitle, lines, notes),
        columns=COLUMNS,
        rows=tuple(_cells(line) for line in lines),
        drawing=partial(_draw, (title, subtitle), lines, notes),
    )


def _cells(line: Performance) -> tuple[str | float | int | None, ...]:
    found = (getattr(line, name) for name in COLUMNS)
    return tuple(None if isinstance(value, float) and math.isnan(value) else value for value in found)


def _columns(lines: tuple[Performance, ...]) -> tuple[_Column, ...]:
    """Return the columns; the naive comparison may lie beyond what is drawn of the bias."""
    usual = [abs(line.bias) + _ERRORS * line.bias_error for line in lines if line.role == DEFAULT]
    most = max(0.3, *(value for value in usual if math.isfinite(value)), 0.0)
    tick = 0.2 if most <= 0.5 else 0.5 if most <= 1.2 else 1.0
    bounds = (LEAST_COVERAGE, MOST_COVERAGE)
    return (
        _Column("Bias", _of("bias"), _of("bias_error"), (-most, most), (-MOST_BIAS, MOST_BIAS), (-tick, 0.0, tick)),
        _Column("Coverage", _of("coverage"), _of("coverage_error"), (0.85, 1.0), bounds, (0.9, 0.95), is_share=True),
        _Column(
            "Finds a difference",
            _of("rejection"),
            _of("rejection_error"),
            (0.0, 1.0),
            (0.0, MOST_REJECTIONS),
            (0.0, 0.5, 1.0),
            is_share=True,
        ),
        _Column("SE ratio", _ratio, lambda _: 0.0, (0.7, 1.3), (0.95, 1.05), (0.8, 1.0, 1.2)),
    )


def _of(name: str) -> Callable[[Performance], float]:
    def value(line: Performance) -> float:
        return float(getattr(line, name))

    return value


def _ratio(line: Performance) -> float:
    return line.mean_se / line.empirical_se if line.empirical_se > 0.0 else math.nan


def _cell_words(line: Performance) -> str:
    exposure = {"time_zero": "Booked at time zero", "later": "Begun by day 28"}[line.exposure]
    scenario = {"null": "no effect", "effect": "effect"}.get(line.scenario, line.scenario.replace("_", " "))
    truth = "" if line.is_null else f" {format_number(line.truth, 2)}"
    return f"{exposure}, {line.clinic} clinic, {scenario}{truth}, {format_number(line.n_patients, 0)} patients"


# --- the drawing -----------------------------------------------------------------------------------------------------


def _draw(headings: tuple[str, str], lines: tuple[Performance, ...], notes: tuple[str, ...]) -> MatplotlibFigure:
    groups = [(words, list(under)) for words, under in groupby(lines, key=_cell_words)]
    head = 2.0 * line_height(SMALL_SIZE) + 4.0
    body = head + len(lines) * _ROW + len(groups) * (_ROW + 6.0)
    page, top = titled_page(*headings, body + 2.0 * line_height(SMALL_SIZE) + 6.0, notes)
    columns = _columns(lines)
    last = text_width("estimable", SMALL_SIZE) + 4.0
    width = (PAGE_WIDTH - 2.0 * MARGIN - _LABELS - last - len(columns) * _GAP) / len(columns)
    places = [MARGIN + _LABELS + number * (width + _GAP) for number in range(len(columns))]
    height = body - head
    axes = [page.axes(left, top + head, width, height) for left in places]
    for one, column in zip(axes, columns, strict=True):
        _frame(one, column, height)
    for left, column in zip(places, columns, strict=True):
        words = wrap(column.title, width + _GAP, SMALL_SIZE)
        page.lines(left, top + (2 - len(words)) * line_height(SMALL_SIZE), words, fontsize=SMALL_SIZE, color=QUIET_INK)
    right = PAGE_WIDTH - MARGIN
    for number, word in enumerate(("not", "estimable")):
        page.text(right, top + number * line_height(SMALL_SIZE), word, fontsize=SMALL_SIZE, color=QUIET_INK, ha="right")
    y = 0.0
    for group, under in groups:
        page.text(MARGIN, top + head + y + 4.0, group, fontsize=SMALL_SIZE, fontweight="bold")
        y += _ROW + 6.0
        for line in under:
            label = wrap(line.estimator, _LABELS - 12.0, SMALL_SIZE)[0]
            label += "" if label == line.estimator else " …"
            page.text(MARGIN + 8.0, top + head + y, label, fontsize=SMALL_SIZE, color=INK)
            share = format_percent(line.not_estimable, 100)
            page.text(right, top + head + y, share, fontsize=SMALL_SIZE, color=INK, ha="right")
            for one, column in zip(axes, columns, strict=True):
                _mark(one, column, line, y + 0.5 * line_height(SMALL_SIZE))
            y += _ROW
    return page.figure


def _frame(axes: Axes, column: _Column, height: float) -> None:
    axes.set_xlim(*column.limits)
    axes.set_ylim(height, 0.0)
    axes.set_yticks([])
    shown = [tick for tick in column.ticks if column.limits[0] <= tick <= column.limits[1]]
    labels = [format_percent(tick) if column.is_share else format_number(tick, 1) for tick in shown]
    axes.set_xticks(shown, labels, fontsize=SMALL_SIZE, color=QUIET_INK)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.axvspan(*column.band, color=IMPROVED, linewidth=0.0, zorder=0)
    for tick in shown:
        axes.axvline(tick, color=FAINT, linewidth=AXIS_WIDTH, zorder=0.5)


def _mark(axes: Axes, column: _Column, line: Performance, y: float) -> None:
    """Draw a mark with its error; one beyond the limits stands at the edge, hollow."""
    value, error = column.value(line), column.error(line)
    if math.isnan(value):
        return
    low, high = column.limits
    choices = marker_choices(_STYLES[line.role])
    inside = min(max(value, low), high)
    if inside == value:
        ends = [min(max(end, low), high) for end in (value - _ERRORS * error, value + _ERRORS * error)]
        axes.plot(ends, [y, y], color=choices["color"], linewidth=1.2, clip_on=False)
    else:
        choices |= {"markerfacecolor": "white", "markeredgecolor": choices["color"]}
    axes.plot([inside], [y], linestyle="none", clip_on=False, **choices)


def _alt_text(title: str, subtitle: str, lines: tuple[Performance, ...], notes: tuple[str, ...]) -> str:
    """Return every line as a sentence."""
    sentences = [
        f"{_cell_words(line)}; {line.estimator}: bias {format_number(line.bias, 2)}, coverage "
        f"{format_percent(line.coverage, 100)}, finds a difference {format_percent(line.rejection, 100)}, standard "
        f"deviation {format_number(line.empirical_se, 2)}, mean standard error {format_number(line.mean_se, 2)}, "
        f"not estimable {format_percent(line.not_estimable, 100)}."
        for line in lines
    ]
    return " ".join((f"{title}, as marks with intervals. {subtitle}", *sentences, *notes))
