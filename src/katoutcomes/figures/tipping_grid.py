"""A difference with the missing of both arms other than assumed: a matrix that shows where its interval holds 0."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError
from katoutcomes.figures.drawing.layout import MARGIN, Page, line_height, text_width, titled_page, wrap
from katoutcomes.figures.drawing.style import (
    IMPROVED,
    INK,
    PAGE_WIDTH,
    PAPER,
    QUIET_INK,
    RULE,
    SMALL_SIZE,
    WORSENED,
)
from katoutcomes.figures.drawing.wording import capitalized, general_notes, interval_name
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.results.formatting import HIDDEN, format_estimate, format_interval, format_with_interval
from katoutcomes.results.tipping_grid import (
    ASSUMED,
    TippingGrid,
    holds_no_difference,
    how_supposed,
    is_of_events,
    tipping_grids,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.part import Cell
    from katoutcomes.results.result import ResultRecord

COLUMNS: tuple[str, ...] = (
    "treatment",
    "comparator",
    "missing_treated",
    "missing_comparator",
    "estimate",
    "conf_low",
    "conf_high",
)
_CELL_HEIGHT = 30.0
_GAP = 14.0
_LABEL_WIDTH = 82.0
_HOLDS = "*"


@dataclass(frozen=True, slots=True)
class TippingPlan:
    """Everything that is drawn."""

    title: str
    subtitle: str
    notes: tuple[str, ...]
    grids: tuple[TippingGrid, ...]

    @property
    def rows(self) -> tuple[tuple[Cell, ...], ...]:
        """The rows of the figure's table."""
        return tuple(
            (grid.treatment, grid.comparator, treated, comparator, *_numbers(grid.cells[treated, comparator]))
            for grid in self.grids
            for treated in grid.treated
            for comparator in grid.of_comparator
        )


def tipping_grid(result: ResultRecord) -> Figure:
    """Draw the difference by what is supposed of the missing of the treated (rows) and of the comparator (columns).

    Parameters
    ----------
    result : ResultRecord
        A result of `compare_cohorts` or `emulate_trial`, released or not.

    Returns
    -------
    Figure
        One matrix for each arm beside the comparator. A cell holds the difference with its interval: blue where the
        interval lies below 0, orange where it lies above, white with an asterisk where it holds 0. The cell of the
        answer itself is framed, where it is one of the grid. ``rows`` holds `COLUMNS`.

    Raises
    ------
    OptionError
        If the result has no such grid.

    References
    ----------
    Liublinska V, Rubin DB. Stat Med 2014;33:4170-4185. doi:10.1002/sim.6197.
    """
    grids = tuple(tipping_grids(result))
    if not grids:
        raise OptionError("there is no tipping grid to draw: nobody is missing, or there is no answer.")
    plan = _plan(result, grids)
    return Figure(
        name=figure_name("tipping", result.analysis, result.estimand.endpoint.instrument),
        title=plan.title,
        alt_text=_alt_text(plan),
        columns=COLUMNS,
        rows=plan.rows,
        drawing=partial(_draw, plan),
    )


def _plan(result: ResultRecord, grids: tuple[TippingGrid, ...]) -> TippingPlan:
    cells = [one for grid in grids for one in grid.cells.values()]
    endpoint, what = result.estimand.endpoint, "outcomes" if is_of_events(result) else "scores"
    interval, when = interval_name(one.conf_level for one in cells), endpoint.visit or endpoint.variable
    sides = f"{grids[0].treatment} minus {grids[0].comparator}" if len(grids) == 1 else "each arm minus the comparator"
    return TippingPlan(
        title=f"{endpoint.instrument}, {when}: were the missing {what} other than assumed",
        subtitle=f"{capitalized(_in_words(sides))}, with its {interval}. Blue: the interval lies below 0. "
        f"Orange: above 0. White, with {_HOLDS}: it holds 0.",
        notes=(how_supposed(result), *general_notes(result, map(format_estimate, cells))),
        grids=grids,
    )


def _numbers(one: Estimate) -> tuple[float | None, ...]:
    return tuple(None if math.isnan(value) else value for value in (one.estimate, one.conf_low, one.conf_high))


def _in_words(name: str) -> str:
    return name.replace("_", " ")


def _alt_text(plan: TippingPlan) -> str:
    """Return every cell as a sentence."""
    sentences = [f"{plan.title}, as a matrix. {plan.subtitle}"]
    for grid in plan.grids:
        cells = (
            f"{treated}, {comparator}: {format_with_interval(one)}{_HOLDS if holds_no_difference(one) else ''}"
            for (treated, comparator), one in grid.cells.items()
        )
        sides = f"{_in_words(grid.treatment)} minus {_in_words(grid.comparator)}"
        sentences.append(f"{capitalized(sides)}, by the missing of each: {'; '.join(cells)}.")
    return " ".join((*sentences, *plan.notes))


# --- the drawing -----------------------------------------------------------------------------------------------------


def _draw(plan: TippingPlan) -> MatplotlibFigure:
    head = 4.0 * line_height(SMALL_SIZE)
    heights = [head + len(grid.treated) * _CELL_HEIGHT + _GAP for grid in plan.grids]
    page, top = titled_page(plan.title, plan.subtitle, sum(heights), plan.notes)
    for grid, height in zip(plan.grids, heights, strict=True):
        _draw_grid(page, top, grid)
        top += height
    return page.figure


def _draw_grid(page: Page, top: float, grid: TippingGrid) -> None:
    step, left = line_height(SMALL_SIZE), MARGIN + _LABEL_WIDTH
    width = (PAGE_WIDTH - MARGIN - left) / len(grid.of_comparator)
    page.text(left, top, f"Missing, {_in_words(grid.comparator)}", fontsize=SMALL_SIZE, color=QUIET_INK)
    for column, words in enumerate(grid.of_comparator):
        middle = left + (column + 0.5) * width
        for number, line in enumerate(wrap(words, width - 4.0, SMALL_SIZE)[:2]):
            page.text(middle, top + (1 + number) * step, line, fontsize=SMALL_SIZE, ha="center")
    treated = wrap(f"Missing, {_in_words(grid.treatment)}", left - 2.0 * MARGIN, SMALL_SIZE)
    page.lines(MARGIN, top + (4 - len(treated)) * step, treated, fontsize=SMALL_SIZE, color=QUIET_INK)
    top += 4.0 * step
    for row, words in enumerate(grid.treated):
        lines = wrap(words, _LABEL_WIDTH - MARGIN, SMALL_SIZE)
        page.lines(MARGIN, top + (row + 0.5) * _CELL_HEIGHT - len(lines) * step / 2.0, lines, fontsize=SMALL_SIZE)
        for column, other in enumerate(grid.of_comparator):
            corner = (left + column * width, top + row * _CELL_HEIGHT)
            _draw_cell(page, corner, width, grid.cells[words, other], is_answer=words == other == ASSUMED)


def _draw_cell(page: Page, corner: tuple[float, float], width: float, one: Estimate, *, is_answer: bool) -> None:
    from matplotlib.patches import Rectangle

    box = Rectangle(
        corner,
        width,
        _CELL_HEIGHT,
        transform=page.transform,
        facecolor=_fill(one),
        edgecolor=RULE,
        linewidth=1.8 if is_answer else 0.6,
        zorder=3.0 if is_answer else 2.0,
    )
    page.figure.add_artist(box)
    middle, step = corner[0] + width / 2.0, line_height(SMALL_SIZE)
    top = corner[1] + (_CELL_HEIGHT - 2.0 * step) / 2.0
    if one.suppressed:
        page.text(middle, top + step / 2.0, HIDDEN, fontsize=SMALL_SIZE, ha="center", color=QUIET_INK, zorder=4.0)
        return
    mark = _HOLDS if holds_no_difference(one) else ""
    page.text(middle, top, f"{format_estimate(one)}{mark}", fontsize=SMALL_SIZE, ha="center", color=INK, zorder=4.0)
    interval = format_interval(one)
    if text_width(interval, SMALL_SIZE) <= width:
        page.text(middle, top + step, interval, fontsize=SMALL_SIZE, ha="center", color=QUIET_INK, zorder=4.0)


def _fill(one: Estimate) -> str:
    if one.suppressed or math.isnan(one.conf_low) or holds_no_difference(one):
        return PAPER
    return IMPROVED if one.conf_high < 0.0 else WORSENED
