"""The protocol of an emulated trial as a picture: each item as a trial would have had it, and as emulated."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.figures.drawing.layout import MARGIN, line_height, titled_page, wrap
from katoutcomes.figures.drawing.style import INK, PAGE_WIDTH, QUIET_INK, RULE, SMALL_SIZE
from katoutcomes.figures.drawing.wording import capitalized, general_notes
from katoutcomes.figures.figure import Figure, figure_name

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

    from katoutcomes.results.result import ResultRecord

COLUMNS: tuple[str, ...] = ("item", "target_trial", "emulation")
_HEADINGS = ("", "Target trial", "Emulation")
_SHARES = (0.18, 0.41, 0.41)
_GAP = 8.0


@dataclass(frozen=True, slots=True)
class ProtocolPlan:
    """Everything that is drawn: an item a row."""

    title: str
    subtitle: str
    notes: tuple[str, ...]
    rows: tuple[tuple[str, str, str], ...]


def trial_protocol(result: ResultRecord) -> Figure:
    """Draw the protocol of the target trial beside how the records stand in for it, item by item (TARGET).

    Parameters
    ----------
    result : ResultRecord
        A result with a part ``"protocol"``, released or not.

    Returns
    -------
    Figure
        A row an item. ``rows`` holds `COLUMNS`.

    References
    ----------
    Hernan MA, Robins JM. Am J Epidemiol 2016;183:758-764. doi:10.1093/aje/kwv254.
    """
    part = result.part("protocol")
    rows = tuple((capitalized(str(item)), str(target), str(emulated)) for item, target, emulated in part.rows)
    plan = ProtocolPlan(
        title=f"Protocol: {result.title}",
        subtitle=result.estimand.sentence(),
        notes=general_notes(result),
        rows=rows,
    )
    sentences = [f"{plan.title}. {plan.subtitle}"]
    sentences += [f"{item}: target trial: {target}; emulation: {emulated}." for item, target, emulated in rows]
    return Figure(
        name=figure_name("protocol", result.estimand.endpoint.instrument),
        title=plan.title,
        alt_text=" ".join((*sentences, *plan.notes)),
        columns=COLUMNS,
        rows=rows,
        drawing=partial(_draw, plan),
    )


def _draw(plan: ProtocolPlan) -> MatplotlibFigure:
    whole = PAGE_WIDTH - 2.0 * MARGIN
    lefts = [MARGIN + whole * sum(_SHARES[:place]) for place in range(len(_SHARES))]
    widths = [whole * share - _GAP for share in _SHARES]
    step = line_height(SMALL_SIZE)
    wrapped = [
        [wrap(text, width, SMALL_SIZE) for text, width in zip(row, widths, strict=True)]
        for row in (_HEADINGS, *plan.rows)
    ]
    heights = [max(len(lines) for lines in cells) * step + _GAP for cells in wrapped]
    page, y = titled_page(plan.title, plan.subtitle, sum(heights), plan.notes)
    for number, (cells, height) in enumerate(zip(wrapped, heights, strict=True)):
        color = QUIET_INK if number == 0 else INK
        for left, lines in zip(lefts, cells, strict=True):
            page.lines(left, y + _GAP / 2.0, lines, fontsize=SMALL_SIZE, color=color)
        y += height
        page.line((MARGIN, PAGE_WIDTH - MARGIN), (y, y), color=RULE)
    return page.figure
