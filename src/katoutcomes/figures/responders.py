"""Who responded, recovered and got worse: every share as a point with its interval, its count beside it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError, require_option
from katoutcomes.figures.drawing.layout import MARGIN, Page, line_height, text_width, titled_page, wrap
from katoutcomes.figures.drawing.style import (
    AXIS_WIDTH,
    FAINT,
    INK,
    LINE_WIDTH,
    PAGE_WIDTH,
    QUIET_INK,
    SMALL_SIZE,
    Series,
    marker_choices,
    series_styles,
)
from katoutcomes.figures.drawing.withheld import say_if_withheld
from katoutcomes.figures.drawing.wording import (
    by_words,
    capitalized,
    general_notes,
    group_label,
    grouping_variable,
    interval_name,
    shown_groups,
    withheld_groups_note,
)
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.instruments.definition_words import capitalized_definition
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

_TITLES = {"severity_transitions": "Moves between severity bands"}
"""Of analyses whose shares are no response."""
COLUMNS: tuple[str, ...] = (
    "definition_set",
    "term",
    "group",
    "estimate",
    "conf_low",
    "conf_high",
    "conf_level",
    "n_patients",
)
COMPLETENESS = "paired completeness"
_BAND_HEIGHT = 14.0
_ROW_GAP = 8.0
_LABEL_WIDTH = 168.0
_TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True, slots=True)
class ShareRow:
    """One share of one group as it is drawn.

    Attributes
    ----------
    share : Estimate
        Its point and limits; NaN where they are hidden or there is nobody.
    group : str
        Label of the group.
    text : str
        What stands at the right: the count and the share.
    """

    share: Estimate
    group: str
    text: str

    def cells(self) -> tuple[Cell, ...]:
        """Return the row of the figure's table."""
        numbers = (self.share.estimate, self.share.conf_low, self.share.conf_high, self.share.conf_level)
        known = (None if math.isnan(number) else number for number in numbers)
        return (self.share.definition_set, self.share.term, self.group, *known, self.text)


def responders(
    result: ResultRecord, definition_sets: str | Sequence[str] | None = None, *, each_group: bool = True
) -> Figure:
    """Draw every share with its interval, deterioration included.

    Parameters
    ----------
    result : ResultRecord
        A result of `clinical_significance`, `severity_transitions` or `nhs_outcomes`, released or not.
    definition_sets : str or sequence of str, optional
        Which definitions to show, in this order; by default all of the result.
    each_group : bool, default True
        Whether every cohort has a point of its own, where the result has cohorts, or all patients one together.

    Returns
    -------
    Figure
        One block a definition, one row a term, one point a cohort with its interval and its count. A hidden share has
        no point; its row says so. ``rows`` holds `COLUMNS`.

    Raises
    ------
    OptionError
        If the result has no such definition, no shares, or more groups than can be told apart.
    """
    shares = [one for one in result.select(measure="proportion") if one.term != COMPLETENESS]
    names = _chosen(shares, definition_sets)
    groups = shown_groups(result, [share.term for share in shares], each_group=each_group)
    styles, minimum = series_styles(len(groups)), minimum_cell_of(result)
    blocks = tuple(
        tuple(
            ShareRow(share, group_label(share.subgroup), _text(share, minimum))
            for term in dict.fromkeys(one.term for one in shares if one.definition_set == name)
            for group in groups
            for share in shares
            if (share.definition_set, share.term, share.subgroup) == (name, term, group)
        )
        for name in names
    )
    rows = [row for block in blocks for row in block]
    endpoint = result.estimand.endpoint
    about = _TITLES.get(result.analysis, "Response, recovery and deterioration")
    title = f"{about}: {endpoint.instrument} at {endpoint.visit}{by_words(groups)}"
    words = [word for row in rows for word in row.text.split()]
    differ = ("Definitions differ and so do their shares; compare inside a block only.",) if len(names) > 1 else ()
    withheld = withheld_groups_note((share.subgroup for share in shares), groups) if each_group else ()
    notes = (*differ, *withheld, *general_notes(result, words))
    subtitle = (
        f"Share of patients with {interval_name(row.share.conf_level for row in rows)}; beside it how many of whom."
    )
    by = grouping_variable(groups)
    only = names[0].rpartition("/")[2] if isinstance(definition_sets, str) else ""
    return Figure(
        name=figure_name("responders", endpoint.instrument, endpoint.visit, only, by and f"by_{by}"),
        title=title,
        alt_text=_alt_text(title, rows, notes),
        columns=COLUMNS,
        rows=tuple(row.cells() for row in rows),
        drawing=partial(_draw, title, subtitle, blocks, styles, notes),
    )


def _text(share: Estimate, minimum_cell: int | None) -> str:
    counted = format_share(share, minimum_cell)
    return counted if math.isnan(share.estimate) else f"{counted} ({format_estimate(share)})"


def _chosen(shares: Sequence[Estimate], wanted: str | Sequence[str] | None) -> tuple[str, ...]:
    available = list(dict.fromkeys(share.definition_set for share in shares))
    if not available:
        raise OptionError("the result holds no shares to draw; use to_table().")
    if wanted is None:
        return tuple(available)
    names = (wanted,) if isinstance(wanted, str) else tuple(wanted)
    for name in names:
        require_option("definition_set", name, available)
    return names


# --- the drawing -----------------------------------------------------------------------------------------------------


def _terms(block: tuple[ShareRow, ...]) -> list[tuple[ShareRow, ...]]:
    """Return the rows of a block term by term."""
    names = dict.fromkeys(row.share.term for row in block)
    return [tuple(row for row in block if row.share.term == name) for name in names]


def _draw(
    title: str,
    subtitle: str,
    blocks: tuple[tuple[ShareRow, ...], ...],
    styles: tuple[Series, ...],
    notes: tuple[str, ...],
) -> MatplotlibFigure:
    n_groups = len(styles)
    legend = [row.group for row in blocks[0][:n_groups]] if n_groups > 1 else []
    legend_height = line_height() * math.ceil(len(legend) / 2)
    bodies = [sum(len(rows) * _BAND_HEIGHT + _ROW_GAP for rows in _terms(block)) for block in blocks]
    height = legend_height + sum(bodies) + len(blocks) * (line_height() + _ROW_GAP) + 2.0 * line_height(SMALL_SIZE)
    page, top = titled_page(title, subtitle, height, notes)
    _draw_legend(page, top, legend, styles)
    top += legend_height + _ROW_GAP / 2.0
    texts = [row.text for block in blocks for row in block]
    width = PAGE_WIDTH - 3.0 * MARGIN - _LABEL_WIDTH - max(text_width(text) for text in texts) - MARGIN
    for number, (block, body) in enumerate(zip(blocks, bodies, strict=True)):
        heading = capitalized_definition(block[0].share.definition_set)
        page.text(MARGIN, top, wrap(heading, PAGE_WIDTH - 2 * MARGIN)[0], fontweight="bold")
        top += line_height()
        axes = page.axes(MARGIN + _LABEL_WIDTH, top, width, body)
        _draw_block(page, axes, top, block, styles)
        say_if_withheld(axes, (row.share for row in block))
        _draw_axis(axes, body, is_last=number == len(blocks) - 1)
        top += body + _ROW_GAP
    return page.figure


def _draw_axis(axes: Axes, body: float, *, is_last: bool) -> None:
    axes.set_xlim(0.0, 1.0)
    axes.set_ylim(body, 0.0)
    axes.set_yticks([])
    labels = [format_percent(tick) for tick in _TICKS] if is_last else [""] * len(_TICKS)
    axes.set_xticks(_TICKS, labels, fontsize=SMALL_SIZE)
    axes.tick_params(axis="x", length=3.0 if is_last else 0.0)
    for side in ("top", "left", "right"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_visible(is_last)
    for tick in _TICKS:
        axes.axvline(tick, color=FAINT, linewidth=AXIS_WIDTH, zorder=0)


def _draw_block(page: Page, axes: Axes, top: float, block: tuple[ShareRow, ...], styles: tuple[Series, ...]) -> None:
    down = 0.0
    for rows in _terms(block):
        lines = wrap(capitalized(rows[0].share.term), _LABEL_WIDTH - MARGIN)
        page.text(MARGIN, top + down + (_BAND_HEIGHT - line_height()) / 2.0, lines[0])
        for row, style in zip(rows, styles, strict=True):
            middle = down + _BAND_HEIGHT / 2.0
            if not math.isnan(row.share.estimate):
                limits = (row.share.conf_low, row.share.conf_high)
                axes.plot(limits, (middle, middle), color=style.color, linewidth=LINE_WIDTH, clip_on=False)
                axes.plot([row.share.estimate], [middle], linestyle="none", clip_on=False, **marker_choices(style))
            place = top + middle - line_height() / 2.0
            page.text(
                PAGE_WIDTH - MARGIN, place, row.text, ha="right", color=QUIET_INK if row.share.suppressed else INK
            )
            down += _BAND_HEIGHT
        down += _ROW_GAP


def _draw_legend(page: Page, top: float, labels: Sequence[str], styles: tuple[Series, ...]) -> None:
    """Name the groups with their markers, two side by side."""
    from matplotlib.lines import Line2D

    half = (PAGE_WIDTH - 2.0 * MARGIN) / 2.0
    for number, (label, style) in enumerate(zip(labels, styles[: len(labels)], strict=True)):
        left, row_top = MARGIN + half * (number % 2), top + line_height() * (number // 2)
        middle = row_top + line_height() / 2.0
        line = Line2D(
            [left, left + 18.0], [middle] * 2, transform=page.transform, color=style.color, linewidth=LINE_WIDTH
        )
        mark = Line2D([left + 9.0], [middle], transform=page.transform, linestyle="none", **marker_choices(style))
        page.figure.add_artist(line)
        page.figure.add_artist(mark)
        page.text(left + 24.0, row_top, wrap(capitalized(label), half - 36.0)[0])


def _alt_text(title: str, rows: Sequence[ShareRow], notes: Sequence[str]) -> str:
    """Return every share as a sentence."""
    sentences = [f"{title}, as points with intervals."]
    for row in rows:
        name = capitalized_definition(row.share.definition_set)
        sentences.append(f"{name}, {row.share.term}, {row.group}: {format_with_interval(row.share)}, {row.text}.")
    return " ".join((*sentences, *notes))
