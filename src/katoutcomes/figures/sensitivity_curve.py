"""Reliable improvement, recovery and deterioration against the reliability that is put in, as curves with intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError
from katoutcomes.figures.drawing.layout import MARGIN, line_height, spread, text_width, titled_page
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
from katoutcomes.figures.drawing.withheld import say_if_withheld
from katoutcomes.figures.drawing.wording import capitalized, general_notes, interval_name
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.results.formatting import (
    format_estimate,
    format_percent,
    format_share,
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
    "curve",
    "reliability",
    "threshold",
    "estimate",
    "conf_low",
    "conf_high",
    "conf_level",
    "n_patients",
)
_AXES_HEIGHT = 230.0
_AXIS_LABEL = 46.0
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class SensitivityPoint:
    """One share at one reliability.

    Attributes
    ----------
    curve : str
        What is counted.
    reliability : float
        What was put in.
    threshold : str
        The change that then counts as reliable, in points, as printed.
    share : Estimate
        Its share; NaN where it is hidden.
    text : str
        How many of whom, as printed.
    """

    curve: str
    reliability: float
    threshold: str
    share: Estimate
    text: str

    def cells(self) -> tuple[Cell, ...]:
        """Return the row of the figure's table."""
        numbers = (self.share.estimate, self.share.conf_low, self.share.conf_high, self.share.conf_level)
        known = (None if math.isnan(number) else number for number in numbers)
        return (self.curve, self.reliability, self.threshold, *known, self.text)


def sensitivity_curve(result: ResultRecord) -> Figure:
    """Draw the shares against the reliability that is put in.

    Parameters
    ----------
    result : ResultRecord
        A result of `clinical_significance_sensitivity`, released or not.

    Returns
    -------
    Figure
        One curve each for reliable improvement, recovery by every cut-off and reliable deterioration, with a point and
        an interval at each reliability; below the axis the change in points that then counts as reliable. A hidden
        share has no point, and its curve a gap. ``rows`` holds `COLUMNS`.

    Raises
    ------
    OptionError
        If the result holds no reliabilities.
    """
    curves = _curves(result)
    points = [point for curve in curves for point in curve]
    if not points:
        raise OptionError("the result holds no reliabilities; use clinical_significance_sensitivity().")
    endpoint = result.estimand.endpoint
    title = f"{endpoint.instrument} at {endpoint.visit}: what the reliability decides"
    subtitle = (
        f"Share of patients with {interval_name(point.share.conf_level for point in points)} by the reliability, "
        "and below it the change in points that is then reliable."
    )
    words = [word for point in points for word in point.text.split()]
    notes = general_notes(result, words)
    return Figure(
        name=figure_name("sensitivity_curve", endpoint.instrument, endpoint.visit),
        title=title,
        alt_text=_alt_text(title, subtitle, curves, notes),
        columns=COLUMNS,
        rows=tuple(point.cells() for point in points),
        drawing=partial(_draw, (title, subtitle), curves, series_styles(len(curves)), notes),
    )


def _curves(result: ResultRecord) -> tuple[tuple[SensitivityPoint, ...], ...]:
    """Return the curves from what is counted most to what is counted least, deterioration last."""
    minimum = minimum_cell_of(result)
    thresholds = {one.definition_set: format_estimate(one) for one in result.select(term="reliable change threshold")}
    curves: dict[str, list[SensitivityPoint]] = {}
    for term in ("reliable improvement", "recovered", "reliable deterioration"):
        for share in result.select(term=term, measure="proportion"):
            name, _, cut_off = share.definition_set.partition(", ")
            curve = f"{term}, {cut_off}" if cut_off else term
            value = float(name.removeprefix("r = "))
            text = format_share(share, minimum)
            curves.setdefault(curve, []).append(SensitivityPoint(curve, value, thresholds.get(name, ""), share, text))
    return tuple(tuple(points) for points in curves.values())


# --- the drawing -----------------------------------------------------------------------------------------------------


def _draw(
    headings: tuple[str, str],
    curves: tuple[tuple[SensitivityPoint, ...], ...],
    styles: tuple[Series, ...],
    notes: tuple[str, ...],
) -> MatplotlibFigure:
    below = 3.0 * line_height(SMALL_SIZE) + 10.0
    page, top = titled_page(*headings, _AXES_HEIGHT + below + line_height(SMALL_SIZE), notes)
    label_width = max(text_width(capitalized(curve[0].curve), SMALL_SIZE) for curve in curves) + 2.0 * MARGIN
    left, width = MARGIN + _AXIS_LABEL, PAGE_WIDTH - 2.0 * MARGIN - _AXIS_LABEL - label_width
    axes = page.axes(left, top + 4.0, width, _AXES_HEIGHT)
    values = [point.reliability for point in curves[0]]
    room = (values[-1] - values[0]) * 0.03
    axes.set_xlim(values[0] - room, values[-1] + room)
    axes.set_ylim(0.0, 1.0)
    _draw_axes(axes, curves[0])
    say_if_withheld(axes, (point.share for curve in curves for point in curve))
    for curve, style in zip(curves, styles, strict=True):
        _draw_curve(axes, curve, style)
    ends = [_end(curve) for curve in curves]
    places = spread(tuple(1.0 - end for end in ends), line_height(SMALL_SIZE) / _AXES_HEIGHT, 0.0, 1.0)
    for curve, style, place in zip(curves, styles, places, strict=True):
        where = top + 4.0 + place * _AXES_HEIGHT - line_height(SMALL_SIZE) / 2.0
        label = capitalized(curve[0].curve)
        page.text(left + width + MARGIN, where, label, fontsize=SMALL_SIZE, color=style.color)
    base = top + 4.0 + _AXES_HEIGHT + 2.0 * line_height(SMALL_SIZE) + 8.0
    page.text(MARGIN, base - 2.0 * line_height(SMALL_SIZE) + 2.0, "r", fontsize=SMALL_SIZE, color=QUIET_INK)
    page.text(MARGIN, base - line_height(SMALL_SIZE) + 2.0, "points", fontsize=SMALL_SIZE, color=QUIET_INK)
    return page.figure


def _draw_axes(axes: Axes, curve: tuple[SensitivityPoint, ...]) -> None:
    """Label every second reliability where they stand close, with its threshold beneath."""
    kept = [curve[0]]
    for point in curve[1:]:
        if point.reliability - kept[-1].reliability > 0.03:
            kept.append(point)
    labels = [
        f"{point.share.definition_set.partition(',')[0].removeprefix('r = ')}\n{point.threshold}" for point in kept
    ]
    axes.set_xticks([point.reliability for point in kept], labels, fontsize=SMALL_SIZE)
    axes.set_yticks(_TICKS, [format_percent(tick) for tick in _TICKS], fontsize=SMALL_SIZE)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.tick_params(axis="y", length=0.0)
    for tick in _TICKS:
        axes.axhline(tick, color=FAINT, linewidth=AXIS_WIDTH, zorder=0)


def _draw_curve(axes: Axes, curve: tuple[SensitivityPoint, ...], style: Series) -> None:
    places = [point.reliability for point in curve]
    shares = [point.share.estimate for point in curve]  # NaN leaves a gap
    axes.plot(places, shares, color=style.color, linestyle=style.line_style, linewidth=LINE_WIDTH, clip_on=False)
    axes.plot(places, shares, linestyle="none", clip_on=False, **marker_choices(style))
    for point in curve:
        if not math.isnan(point.share.conf_low):
            limits = (point.share.conf_low, point.share.conf_high)
            axes.plot([point.reliability] * 2, limits, color=style.color, linewidth=AXIS_WIDTH, alpha=0.7)


def _end(curve: tuple[SensitivityPoint, ...]) -> float:
    """Return the height at which a curve ends; that of its last point that is shown, or the middle."""
    known = [point.share.estimate for point in curve if not math.isnan(point.share.estimate)]
    return known[-1] if known else 0.5


def _alt_text(
    title: str, subtitle: str, curves: tuple[tuple[SensitivityPoint, ...], ...], notes: tuple[str, ...]
) -> str:
    sentences = [f"{title}, as curves. {subtitle}"]
    for curve in curves:
        values = "; ".join(
            f"{point.share.definition_set.partition(',')[0]}, {point.threshold} points: "
            f"{format_with_interval(point.share)}, {point.text}"
            for point in curve
        )
        sentences.append(f"{capitalized(curve[0].curve)}: {values}.")
    return " ".join((*sentences, *notes))
