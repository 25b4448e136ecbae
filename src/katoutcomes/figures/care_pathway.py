"""The care pathway as bars from screening to follow-up, with counts, and the days from one step to the next."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.figures.drawing.layout import MARGIN, Page, line_height, text_width, titled_page, wrap
from katoutcomes.figures.drawing.style import (
    FAINT,
    INK,
    PAGE_WIDTH,
    QUIET_INK,
    SMALL_SIZE,
    TEXT_SIZE,
    Series,
    series_styles,
)
from katoutcomes.figures.drawing.wording import (
    by_words,
    capitalized,
    general_notes,
    group_label,
    grouping_variable,
    shown_groups,
    withheld_groups_note,
)
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.results.formatting import (
    DOES_NOT_APPLY,
    HIDDEN,
    format_estimate,
    format_n_patients,
    format_share,
    minimum_cell_of,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.part import Cell
    from katoutcomes.results.result import ResultRecord

COLUMNS: tuple[str, ...] = ("step", "group", "n_patients", "n_all", "proportion", "days_from_step_before")
STEPS: tuple[str, ...] = ("screening", "preparation", "first dose", "integration", "follow-up")
INTERVALS: tuple[str, ...] = (
    "screening to preparation",
    "preparation to first dose",
    "first dose to integration",
    "integration to follow-up",
)

_NOTE = (
    "Everybody shown had a first dose. Who had integration stayed in care long enough to have it: groups made of it "
    "are not compared."
)
NOT_RECORDED = "not recorded"
_NOT_RECORDED_NOTE = (
    "Not recorded: the data hold no such session of anybody. It may be held and not entered, so this is no share of 0%."
)
_SUBTITLE = (
    "Share of all patients who had each step; beneath its name the days since the step before, median (quartiles)."
)
_BAR_HEIGHT = 12.0
_BAR_GAP = 3.0
_STEP_GAP = 12.0
_COUNT_WIDTH = 128.0


@dataclass(frozen=True, slots=True)
class PathwayBar:
    """One step of one group.

    Attributes
    ----------
    step, group : str
        Which step; the label of the group.
    n_patients, n_all : str
        Who had it, of how many, as printed: ``"<11"`` or ``"hidden"`` where they are.
    proportion : float
        The length of the bar, between 0 and 1; NaN where it is hidden or there is nobody.
    percent : str
        The share as text, ``""`` where it is hidden or there is nobody.
    days : str
        Median and quartiles of the days from the step before, ``""`` where there are none.
    """

    step: str
    group: str
    n_patients: str
    n_all: str
    proportion: float
    percent: str
    days: str

    @property
    def count(self) -> str:
        """What stands at the right of the bar."""
        of_all = f"{self.n_patients} of {self.n_all}" if self.n_all else self.n_patients
        return f"{of_all} ({self.percent})" if self.percent else of_all

    def cells(self) -> tuple[Cell, ...]:
        """Return the row of the figure's table."""
        proportion = None if math.isnan(self.proportion) else self.proportion
        return (self.step, self.group, self.n_patients, self.n_all, proportion, self.days)


def care_pathway(result: ResultRecord, *, each_group: bool = True) -> Figure:
    """Draw which share of the patients had each step of care.

    Parameters
    ----------
    result : ResultRecord
        A result of `care_pathway`, released or not.
    each_group : bool, default True
        Whether every group has a bar of its own, where the result has groups, or all patients one together.

    Returns
    -------
    Figure
        From top to bottom screening, preparation, first dose, integration and follow-up; a bar is the share of all
        patients who had the step, whether or not they had those before. Beside it the counts, below the name of the
        step the median days from the step before. A hidden share has no bar, nor has a step that was recorded for
        nobody, which need not mean that nobody had it. ``rows`` holds `COLUMNS`.

    Raises
    ------
    OptionError
        If there are more groups than can be told apart.
    """
    groups = shown_groups(result, STEPS, each_group=each_group)
    styles = series_styles(len(groups))
    bars = tuple(_bar(result, place, group) for place in range(len(STEPS)) for group in groups)
    title = f"Care pathway{by_words(groups)}"
    counts = [text for bar in bars for text in (bar.n_patients, bar.n_all)]
    has_gap = any(bar.n_patients == NOT_RECORDED for bar in bars)
    found = (step.subgroup for step in result.select(term=STEPS[0]))
    withheld = withheld_groups_note(found, groups) if each_group else ()
    notes = (_NOTE, *((_NOT_RECORDED_NOTE,) if has_gap else ()), *withheld, *general_notes(result, counts))
    by = grouping_variable(groups)
    return Figure(
        name=figure_name("care_pathway", by and f"by_{by}"),
        title=title,
        alt_text=_alt_text(title, bars, notes),
        columns=COLUMNS,
        rows=tuple(bar.cells() for bar in bars),
        drawing=partial(_draw, title, bars, styles, notes),
    )


def _bar(result: ResultRecord, place: int, group: str) -> PathwayBar:
    step = STEPS[place]
    minimum_cell = minimum_cell_of(result)
    days = _days(result, INTERVALS[place - 1], group) if place else ""
    label = group_label(group)
    of_all = result.select(term=step, measure="proportion", subgroup="")
    if of_all and of_all[0].estimate == 0.0:
        return PathwayBar(step, label, NOT_RECORDED, "", math.nan, "", "")
    shares = result.select(term=step, measure="proportion", subgroup=group)
    if shares:
        share = shares[0]
        n_patients, _, n_all = format_share(share, minimum_cell).partition(" of ")
        percent = "" if math.isnan(share.estimate) else format_estimate(share)
        return PathwayBar(step, label, n_patients, n_all, share.estimate, percent, days)
    everybody = result.select(term="patients", measure="count", subgroup=group)
    text = format_estimate(everybody[0], minimum_cell) if everybody else DOES_NOT_APPLY
    has_some = bool(everybody) and everybody[0].n_counted != 0
    return PathwayBar(step, label, text, "", 1.0 if has_some else math.nan, "", days)


def _days(result: ResultRecord, interval: str, group: str) -> str:
    """Return ``"6 days (4 to 9)"`` since the step before, ``""`` where nobody has both."""
    found: dict[str, Estimate] = {
        estimate.measure: estimate for estimate in result.select(term=interval, unit="days", subgroup=group)
    }
    if "median" not in found or format_estimate(found["median"]) == DOES_NOT_APPLY:
        return ""
    median, low, high = (format_estimate(found[name]) for name in ("median", "lower quartile", "upper quartile"))
    if HIDDEN in (median, low, high):
        return f"days {HIDDEN}"
    n_text = format_n_patients(found["median"], minimum_cell_of(result))
    return f"{median} days ({low} to {high}), n = {n_text}"


# --- the drawing -----------------------------------------------------------------------------------------------------


def _draw(
    title: str, bars: tuple[PathwayBar, ...], styles: tuple[Series, ...], notes: tuple[str, ...]
) -> MatplotlibFigure:
    n_groups = len(styles)
    labels = [bar.group for bar in bars[:n_groups]]
    legend_height = line_height() * math.ceil(n_groups / 2) if n_groups > 1 else 0.0
    blocks = [bars[start : start + n_groups] for start in range(0, len(bars), n_groups)]
    heights = [_block_height(block) for block in blocks]
    subtitle = _SUBTITLE + (" The bars of a step stand in the order of the legend." if n_groups > 1 else "")
    page, top = titled_page(title, subtitle, legend_height + sum(heights) + _STEP_GAP * len(blocks), notes)
    if n_groups > 1:
        _draw_legend(page, top, labels, styles)
    top += legend_height + _STEP_GAP / 2.0
    for block, height in zip(blocks, heights, strict=True):
        _draw_block(page, top, block, styles)
        top += height + _STEP_GAP
    return page.figure


def _caption(block: tuple[PathwayBar, ...]) -> list[tuple[str, ...]]:
    """Return the lines of days below the name of a step, one entry a group that has any."""
    room = PAGE_WIDTH - 2.0 * MARGIN
    several = len(block) > 1
    texts = [f"{bar.group}: {bar.days}" if several else bar.days for bar in block if bar.days]
    return [wrap(text, room, SMALL_SIZE) for text in texts]


def _block_height(block: tuple[PathwayBar, ...]) -> float:
    n_lines = sum(len(lines) for lines in _caption(block))
    return line_height() + n_lines * line_height(SMALL_SIZE) + _BAR_GAP + len(block) * (_BAR_HEIGHT + _BAR_GAP)


def _draw_block(page: Page, top: float, block: tuple[PathwayBar, ...], styles: tuple[Series, ...]) -> None:
    page.text(MARGIN, top, capitalized(block[0].step), fontweight="bold")
    top += line_height()
    for lines in _caption(block):
        top = page.lines(MARGIN, top, lines, fontsize=SMALL_SIZE, color=QUIET_INK)
    top += _BAR_GAP
    longest = max(text_width(bar.count, TEXT_SIZE) for bar in block)
    width = PAGE_WIDTH - 2.0 * MARGIN - max(_COUNT_WIDTH, longest + 2.0 * MARGIN)
    for bar, style in zip(block, styles, strict=True):
        _draw_bar(page, top, width, bar, style)
        top += _BAR_HEIGHT + _BAR_GAP


def _draw_bar(page: Page, top: float, width: float, bar: PathwayBar, style: Series) -> None:
    if not math.isnan(bar.proportion):  # a hidden share has no bar at all, so that it does not look like none
        _rectangle(page, MARGIN, top, width, FAINT)
        _rectangle(page, MARGIN, top, width * bar.proportion, style.color)
    page.text(MARGIN + width + MARGIN, top + (_BAR_HEIGHT - line_height()) / 2.0, bar.count, color=INK)


def _rectangle(page: Page, left: float, top: float, width: float, color: str) -> None:
    from matplotlib.patches import Rectangle

    page.figure.add_artist(
        Rectangle((left, top), width, _BAR_HEIGHT, transform=page.transform, facecolor=color, edgecolor="none")
    )


def _draw_legend(page: Page, top: float, labels: list[str], styles: tuple[Series, ...]) -> None:
    """Name the groups in the order of the bars, two side by side."""
    half = (PAGE_WIDTH - 2.0 * MARGIN) / 2.0
    for number, (label, style) in enumerate(zip(labels, styles, strict=True)):
        left, row_top = MARGIN + half * (number % 2), top + line_height() * (number // 2)
        _rectangle(page, left, row_top, _BAR_HEIGHT, style.color)
        room = half - _BAR_HEIGHT - 3.0 * MARGIN
        page.text(left + _BAR_HEIGHT + MARGIN, row_top, wrap(capitalized(label), room)[0])


def _alt_text(title: str, bars: tuple[PathwayBar, ...], notes: tuple[str, ...]) -> str:
    """Return every bar as a sentence."""
    sentences = [f"{title}, as horizontal bars from screening to follow-up."]
    for bar in bars:
        since = f"; since the step before {bar.days}" if bar.days else ""
        sentences.append(f"{capitalized(bar.step)}, {bar.group}: {bar.count}{since}.")
    return " ".join((*sentences, *notes))
