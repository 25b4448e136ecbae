"""Differences of a family or of several arms, each with its interval alone and with the band that holds all at once."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError
from katoutcomes.figures.drawing.layout import MARGIN, Page, line_height, titled_page, wrap
from katoutcomes.figures.drawing.scale import nice_ticks
from katoutcomes.figures.drawing.style import (
    FAINT,
    PAGE_WIDTH,
    QUIET_INK,
    RULE,
    SERIES,
    SMALL_SIZE,
    marker_choices,
)
from katoutcomes.figures.drawing.wording import capitalized, general_notes, interval_name
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.results.formatting import HIDDEN, format_estimate, format_interval, format_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.part import Cell
    from katoutcomes.results.result import ResultRecord

COLUMNS: tuple[str, ...] = ("comparison", "estimate", "alone_low", "alone_high", "band_low", "band_high")
_ALONE, _TOGETHER = "alone: ", "together with the family: "
_OF_ARM, _OF_ARMS = "follow-up, weighted: ", "simultaneous band: "
_LABEL_WIDTH, _TEXT_WIDTH = 190.0, 100.0
_ROW, _AXIS = 28.0, 26.0
_PERCENT = 100.0


@dataclass(frozen=True, slots=True)
class Member:
    """One comparison of the family: its name, and its difference with both intervals."""

    label: str
    alone: Estimate
    together: Estimate

    @property
    def unit(self) -> str:
        """In which the difference is drawn."""
        return "percentage points" if self.alone.unit == "" else self.alone.unit

    def numbers(self) -> tuple[float, ...]:
        """Return the difference, its limits alone and those of the band; NaN where hidden."""
        limits = (one for side in (self.alone, self.together) for one in (side.conf_low, side.conf_high))
        return (self.alone.estimate, *limits)

    def cells(self) -> tuple[Cell, ...]:
        """Return the row of the figure's table."""
        return (self.label, *(None if math.isnan(one) else one for one in self.numbers()))


@dataclass(frozen=True, slots=True)
class BandPlan:
    """Everything that is drawn."""

    title: str
    subtitle: str
    notes: tuple[str, ...]
    members: tuple[Member, ...]

    @property
    def panels(self) -> dict[str, list[Member]]:
        """The comparisons by the unit of their differences, in order."""
        found: dict[str, list[Member]] = {}
        for member in self.members:
            found.setdefault(member.unit, []).append(member)
        return found


def family_band(result: ResultRecord) -> Figure:
    """Draw each difference of a family, or of several arms, alone and with the band that holds all of them.

    Parameters
    ----------
    result : ResultRecord
        A result of `outcome_family` with ``procedure="max_t"``, or of `compare_cohorts` with several arms and the
        bootstrap; released or not.

    Returns
    -------
    Figure
        A row a comparison: a thick line is the interval alone, the thin one with ends the band. Differences in points,
        days and percentage points have an axis each. ``rows`` holds `COLUMNS`.

    Raises
    ------
    OptionError
        If there is no band.
    """
    members = _of_arms(result) if result.analysis == "compare_cohorts" else _of_family(result)
    together = [member.together for member in members]
    interval = interval_name(one.conf_level for one in together)
    reach = "".join(
        f" It reaches {format_estimate(one)} standard errors to either side."
        for one in result.select(measure="critical value")
    )
    plan = BandPlan(
        title=f"{result.title}: each alone, and all at once",
        subtitle=f"Thick: the {interval} of a difference alone. Thin, with ends: the band that holds all of them at "
        f"once.{reach}",
        notes=general_notes(result, map(format_estimate, together)),
        members=members,
    )
    return Figure(
        name=figure_name("band", result.analysis),
        title=plan.title,
        alt_text=_alt_text(plan),
        columns=COLUMNS,
        rows=tuple(member.cells() for member in members),
        drawing=partial(_draw, plan),
    )


def _of_family(result: ResultRecord) -> tuple[Member, ...]:
    together = {one.term.removeprefix(_TOGETHER): one for one in result.estimates if one.term.startswith(_TOGETHER)}
    alone = {one.term.removeprefix(_ALONE): one for one in result.estimates if one.term.startswith(_ALONE)}
    if not together:
        raise OptionError("the family has no band: ask for procedure='max_t'.")
    return tuple(
        Member(f"{name.rpartition(': ')[0]}: {_sides(one)}", alone[name], one) for name, one in together.items()
    )


def _of_arms(result: ResultRecord) -> tuple[Member, ...]:
    alone = {one.treatment: one for one in result.estimates if one.comparator and one.term.startswith(_OF_ARM)}
    together = [one for one in result.estimates if one.term.startswith(_OF_ARMS)]
    if not together:
        raise OptionError("a band is over several arms, compared with interval='bootstrap'.")
    return tuple(Member(_sides(one), alone[one.treatment], one) for one in together)


def _sides(one: Estimate) -> str:
    return f"{one.treatment} minus {one.comparator}".replace("_", " ")


def _alt_text(plan: BandPlan) -> str:
    sentences = [f"{plan.title}. {plan.subtitle}"]
    sentences += [
        f"{member.label}: {format_estimate(member.alone)}, alone {format_interval(member.alone)}, together "
        f"{format_interval(member.together)}."
        for member in plan.members
    ]
    return " ".join((*sentences, *plan.notes))


# --- the drawing -----------------------------------------------------------------------------------------------------


def _draw(plan: BandPlan) -> MatplotlibFigure:
    panels = plan.panels
    height = sum(len(members) * _ROW + _AXIS + line_height() for members in panels.values())
    page, top = titled_page(plan.title, plan.subtitle, height, plan.notes)
    for unit, members in panels.items():
        top = _draw_panel(page, top, unit, members)
    return page.figure


def _draw_panel(page: Page, top: float, unit: str, members: list[Member]) -> float:
    factor = _PERCENT if unit == "percentage points" else 1.0
    known = [number * factor for member in members for number in member.numbers() if not math.isnan(number)]
    ticks = nice_ticks(min((0.0, *known)), max((0.0, *known)) if known else 1.0)
    left, right = MARGIN + _LABEL_WIDTH, PAGE_WIDTH - MARGIN - _TEXT_WIDTH
    low, high = min((ticks[0], *known)), max((ticks[-1], *known))

    def x(value: float) -> float:
        return left + (right - left) * (value - low) / (high - low)

    bottom = top + len(members) * _ROW
    for tick in ticks:
        page.line((x(tick),) * 2, (top, bottom), color=RULE if tick == 0.0 else FAINT)
        text = format_number(tick, 1, trailing_zeros=False)
        page.text(x(tick), bottom + 2.0, text, fontsize=SMALL_SIZE, color=QUIET_INK, ha="center")
    middle = (left + right) / 2.0
    name = f"difference in {unit}"
    page.text(middle, bottom + 2.0 + line_height(SMALL_SIZE), name, fontsize=SMALL_SIZE, color=QUIET_INK, ha="center")
    for row, member in enumerate(members):
        _draw_member(page, top + (row + 0.5) * _ROW, member, lambda value: x(value * factor))
    return bottom + _AXIS + line_height()


def _draw_member(page: Page, y: float, member: Member, x: Callable[[float], float]) -> None:
    step, right = line_height(SMALL_SIZE), PAGE_WIDTH - MARGIN - _TEXT_WIDTH + 8.0
    lines = wrap(capitalized(member.label), _LABEL_WIDTH - MARGIN, SMALL_SIZE)[:2]
    page.lines(MARGIN, y - len(lines) * step / 2.0, lines, fontsize=SMALL_SIZE)
    estimate, low, high, band_low, band_high = member.numbers()
    if math.isnan(estimate):
        text = HIDDEN if member.alone.suppressed else format_estimate(member.alone)
        page.text(right, y - step / 2.0, text, fontsize=SMALL_SIZE, color=QUIET_INK)
        return
    style = SERIES[0]
    if not math.isnan(band_low):
        page.line((x(band_low), x(band_high)), (y, y), color=style.color, marker="|", markersize=8.0)
    if not math.isnan(low):
        page.line((x(low), x(high)), (y, y), color=style.color, linewidth=4.0, solid_capstyle="butt")
    page.line((x(estimate),), (y,), **marker_choices(style))
    page.text(right, y - step, format_estimate(member.alone), fontsize=SMALL_SIZE)
    page.text(right, y, format_interval(member.together), fontsize=SMALL_SIZE, color=QUIET_INK)
