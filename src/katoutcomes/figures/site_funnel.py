"""The funnel of sites: share with reliable improvement against the number of patients, with limits by size."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError
from katoutcomes.figures.drawing.layout import MARGIN, Page, line_height, spread, text_width, titled_page, wrap
from katoutcomes.figures.drawing.scale import nice_ticks
from katoutcomes.figures.drawing.style import (
    AXIS_WIDTH,
    PAGE_WIDTH,
    PAPER,
    QUIET_INK,
    RULE,
    SERIES,
    SMALL_SIZE,
    WORSENED_EDGE,
)
from katoutcomes.figures.drawing.wording import general_notes, group_label
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.results.formatting import format_count, format_number, format_percent, format_with_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

COLUMNS: tuple[str, ...] = ("site", "n_patients", "estimate", "exact_limits", "over_dispersed_limits")
_HEIGHT = 260.0
_LABEL_ROOM = 128.0
_WIDEST_NAME = 96.0
_WITHIN, _NOT_SHOWN = "within the limits", "not shown"


@dataclass(frozen=True, slots=True)
class FunnelSite:
    """One site that is shown."""

    site: str
    n_patients: int
    share: Estimate
    exact: str
    wide: str

    @property
    def is_beyond(self) -> bool:
        """Whether it lies beyond the exact 95% limits."""
        return self.exact not in (_WITHIN, _NOT_SHOWN)


@dataclass(frozen=True, slots=True)
class FunnelLine:
    """Limits of one kind and level at growing sizes."""

    label: str
    is_wide: bool
    is_outer: bool
    sizes: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class FunnelPlan:
    """Everything that the drawing needs."""

    title: str
    subtitle: str
    notes: tuple[str, ...]
    sites: tuple[FunnelSite, ...]
    lines: tuple[FunnelLine, ...]
    target: Estimate


def funnel(result: ResultRecord) -> Figure:
    """Draw each site's share with reliable improvement against its number of patients, within funnel limits.

    Parameters
    ----------
    result : ResultRecord
        A result of `compare_sites` with at least ten sites, released or not.

    Returns
    -------
    Figure
        Exact 95% and 99.8% limits around the overall share and, where no site is hidden, those that allow for
        over-dispersion. Sites beyond the exact 95% limits carry their names; sites that are hidden are not drawn.

    Raises
    ------
    OptionError
        If there are fewer than ten sites: the figure "sites" shows them.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=20260930, n_patients=60)
    >>> funnel(kat.compare_sites(kat.select_cohort(registry).analysis_set("PHQ-9")))
    Traceback (most recent call last):
    ...
    katoutcomes.errors.OptionError: a funnel needs ten sites with patients; plot("sites") shows fewer side by side.
    """
    names = {part.name for part in result.parts}
    overall = result.select(term="reliable improvement", measure="proportion", subgroup="")
    if "funnel_limits" not in names or not overall:
        raise OptionError('a funnel needs ten sites with patients; plot("sites") shows fewer side by side.')
    shown = _sites(result)
    plan = FunnelPlan(
        title=f"Funnel of sites: reliable improvement, {result.estimand.endpoint.instrument} "
        f"at {result.estimand.endpoint.visit}",
        subtitle="Share of the patients with both scores, against their number; lines say how far chance reaches.",
        notes=_notes(result, shown),
        sites=shown,
        lines=(*_lines(result, "funnel_limits", is_wide=False), *_lines(result, "wide_funnel_limits", is_wide=True)),
        target=overall[0],
    )
    return Figure(
        name=figure_name("funnel", result.estimand.endpoint.instrument, result.estimand.endpoint.visit),
        title=plan.title,
        alt_text=_alt_text(plan),
        columns=COLUMNS,
        rows=tuple((group_label(one.site), one.n_patients, one.share.estimate, one.exact, one.wide) for one in shown),
        drawing=partial(draw_funnel, plan),
    )


def _sites(result: ResultRecord) -> tuple[FunnelSite, ...]:
    part = result.part("funnel_places")
    where = {(row[0], row[1]): str(row[2]) for row in part.rows}
    shares = [one for one in result.select(term="reliable improvement", measure="proportion") if one.subgroup]
    return tuple(
        FunnelSite(
            share.subgroup,
            share.n_patients,
            share,
            where.get((share.subgroup, "exact"), _NOT_SHOWN),
            where.get((share.subgroup, "over-dispersed"), _NOT_SHOWN),
        )
        for share in shares
        if share.n_patients is not None and not share.suppressed
    )


def _lines(result: ResultRecord, name: str, *, is_wide: bool) -> list[FunnelLine]:
    part = result.part(name)
    rows = [dict(zip(part.columns, row, strict=True)) for row in part.rows]
    found = []
    for number, level in enumerate(dict.fromkeys(str(row["name"]) for row in rows)):
        of_level = [row for row in rows if row["name"] == level]
        sizes, low, high = (
            tuple(float(row[column] or 0.0) for row in of_level) for column in ("size", "lowest", "highest")
        )
        label = f"{level}, over-dispersed" if is_wide else f"{level}, chance"
        found.append(FunnelLine(label, is_wide, number > 0, sizes, low, high))
    return found


def _notes(result: ResultRecord, shown: tuple[FunnelSite, ...]) -> tuple[str, ...]:
    notes = ["A ring and a name mark sites beyond the exact 95% limits; of 20 alike sites one lies there by chance."]
    n_sites = len([one for one in result.select(term="reliable improvement", measure="proportion") if one.subgroup])
    if len(shown) < n_sites:
        notes.append("Sites with small counts are not drawn, nor the over-dispersed limits that they are part of.")
    notes.append("This describes sites and ranks none.")
    return (*notes, *general_notes(result))


def _alt_text(plan: FunnelPlan) -> str:
    beyond = [one for one in plan.sites if one.is_beyond]
    sentences = [
        f"{plan.title}, as a scatter plot with limits. {plan.subtitle}",
        f"Overall share {format_with_interval(plan.target)}; {format_count(len(plan.sites))} sites are drawn.",
    ]
    sentences += [
        f"{group_label(one.site)}: {format_with_interval(one.share)} of {format_count(one.n_patients)} patients, "
        f"{one.exact}, over-dispersed: {one.wide}."
        for one in beyond
    ]
    if not beyond:
        sentences.append("None of them lies beyond the exact limits.")
    return " ".join((*sentences, *plan.notes))


def draw_funnel(plan: FunnelPlan) -> MatplotlibFigure:
    """Return the drawing of a plan."""
    page, top = titled_page(plan.title, plan.subtitle, _HEIGHT + 3.0 * line_height() + MARGIN, plan.notes)
    left, width = MARGIN + 42.0, PAGE_WIDTH - 2.0 * MARGIN - 42.0 - _LABEL_ROOM
    axes = page.axes(left, top + MARGIN, width, _HEIGHT)
    largest = max([1.0, *(line.sizes[-1] for line in plan.lines), *(float(one.n_patients) for one in plan.sites)])
    _set_axes(axes, largest)
    for line in plan.lines:
        _draw_limits(axes, line)
    if not plan.target.suppressed:
        axes.axhline(plan.target.estimate, color=QUIET_INK, linewidth=1.0, zorder=2)
    _draw_sites(axes, plan.sites)
    _name_sites(page, plan, (left, top + MARGIN), width, largest)
    named = [(line.high[-1], line.label) for line in plan.lines] + [(line.low[-1], line.label) for line in plan.lines]
    named += [] if plan.target.suppressed else [(plan.target.estimate, f"all: {format_percent(plan.target.estimate)}")]
    wanted = tuple(top + MARGIN + _HEIGHT * (1.0 - value) - line_height(SMALL_SIZE) / 2.0 for value, _ in named)
    places = spread(wanted, line_height(SMALL_SIZE), top, top + _HEIGHT)
    for (value, label), place in zip(named, places, strict=True):
        page.line(
            (left + width, left + width + 10.0),
            (top + MARGIN + _HEIGHT * (1.0 - value), place + line_height(SMALL_SIZE) / 2.0),
            color=RULE,
        )
        page.text(left + width + 12.0, place, label, fontsize=SMALL_SIZE, color=QUIET_INK)
    below = top + MARGIN + _HEIGHT + line_height() + 4.0
    page.text(left + width / 2.0, below, "patients with both scores", ha="center", fontsize=SMALL_SIZE, color=QUIET_INK)
    return page.figure


def _set_axes(axes: Axes, largest: float) -> None:
    axes.set_xlim(0.0, largest)
    axes.set_ylim(0.0, 1.0)
    ticks = [0.0, 0.25, 0.5, 0.75, 1.0]
    axes.set_yticks(ticks, [format_percent(tick) for tick in ticks], fontsize=SMALL_SIZE)
    sizes = nice_ticks(0.0, largest)
    axes.set_xticks(sizes, [format_number(size, 0) for size in sizes], fontsize=SMALL_SIZE)
    axes.spines[["top", "right"]].set_visible(False)


def _draw_limits(axes: Axes, line: FunnelLine) -> None:
    style = (0.0, (1.2, 1.6)) if line.is_wide else ("-" if line.is_outer else (0.0, (5.0, 2.0)))
    color = SERIES[1].color if line.is_wide else RULE
    for values in (line.low, line.high):
        axes.plot(
            line.sizes, values, color=color, linewidth=1.0 if line.is_outer else AXIS_WIDTH, linestyle=style, zorder=2
        )


def _draw_sites(axes: Axes, sites: tuple[FunnelSite, ...]) -> None:
    """Draw a mark a site, with a ring where it lies beyond the exact 95% limits."""
    for one in sites:
        at = [one.n_patients], [one.share.estimate]
        if one.is_beyond:
            axes.plot(
                *at,
                marker="o",
                markersize=10.0,
                markerfacecolor="none",
                markeredgecolor=WORSENED_EDGE,
                zorder=4,
                clip_on=False,
            )
        axes.plot(
            *at, marker="o", markersize=5.0, color=SERIES[0].color, markeredgecolor=PAPER, zorder=5, clip_on=False
        )


def _name_sites(page: Page, plan: FunnelPlan, corner: tuple[float, float], width: float, largest: float) -> None:
    """Write the names of the ringed sites beside them, each on a line of its own height, with a thin leader."""
    left, top = corner
    beyond = [one for one in plan.sites if one.is_beyond]
    heights = [top + _HEIGHT * (1.0 - one.share.estimate) for one in beyond]
    half = line_height(SMALL_SIZE) / 2.0
    places = spread(
        tuple(height - half for height in heights), line_height(SMALL_SIZE), top, top + _HEIGHT - 2.0 * half
    )
    for one, height, place in zip(beyond, heights, places, strict=True):
        at = left + width * one.n_patients / largest
        is_left = at > left + width / 2.0
        end = at - 12.0 if is_left else at + 12.0
        page.line((at - 5.0 if is_left else at + 5.0, end), (height, place + half), color=RULE)
        name = _short(group_label(one.site))
        page.text(
            end - 2.0 if is_left else end + 2.0,
            place,
            name,
            ha="right" if is_left else "left",
            fontsize=SMALL_SIZE,
            bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.6},
        )


def _short(name: str) -> str:
    first, *others = wrap(name, _WIDEST_NAME, SMALL_SIZE)
    return first if not others else f"{wrap(first, _WIDEST_NAME - text_width('…', SMALL_SIZE), SMALL_SIZE)[0]}…"
