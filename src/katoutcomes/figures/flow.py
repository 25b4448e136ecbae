"""Participant flow: from everybody in the data to the scores at each visit, with the reasons on the way."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from katoutcomes.figures.drawing.layout import MARGIN, Page, line_height, text_width, titled_page, wrap
from katoutcomes.figures.drawing.style import AXIS_WIDTH, INK, PAGE_WIDTH, PAPER, QUIET_INK, RULE, TEXT_SIZE
from katoutcomes.figures.drawing.wording import (
    ALL_PATIENTS,
    capitalized,
    count_cell,
    count_text,
    general_notes,
    group_label,
    grouping_variable,
)
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.results.formatting import format_estimate, minimum_cell_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

    from katoutcomes.results.part import Cell
    from katoutcomes.results.result import ResultRecord

COLUMNS: tuple[str, ...] = ("kind", "text", "group", "n_patients", "n_with_baseline", "proportion")
BASELINE_STEP = "with a baseline score"
VISIT_TERM = "scored at visit"

_PADDING = 5.0
_GAP = 8.0
_STEM_WIDTH = 300.0
_EXCLUSION_LEFT = 196.0
_GROUPS_IN_A_ROW = 3


@dataclass(frozen=True, slots=True)
class FlowRow:
    """One line of the diagram.

    Attributes
    ----------
    kind : {"stage", "excluded", "baseline", "visit"}
        Who is left; who was taken out; who of a group has a baseline score; who of them has a score at a visit.
    text : str
        Step, reason, or name of the visit.
    group : str
        Label of the group, ``""`` in the stem of the diagram.
    n_patients : int or str
        The count, or ``"<11"`` or ``"hidden"``.
    n_with_baseline : int, str or None
        For a visit: of how many.
    proportion : float or None
        What share that is; None where it does not apply or is hidden.
    percent : str
        The share as text, ``""`` where there is none.
    """

    kind: str
    text: str
    group: str
    n_patients: Cell
    n_with_baseline: Cell = None
    proportion: float | None = None
    percent: str = ""

    @property
    def count(self) -> str:
        """What stands at the right of the line."""
        text = count_text(self.n_patients)
        if self.n_with_baseline is not None:
            text += f" of {count_text(self.n_with_baseline)}"
        return f"{text} ({self.percent})" if self.percent else text

    def cells(self) -> tuple[Cell, ...]:
        """Return the row of the figure's table."""
        return (self.kind, self.text, self.group, self.n_patients, self.n_with_baseline, self.proportion)


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text in a box, with a count at its right end or without."""

    text: str
    count: str = ""
    is_bold: bool = False


@dataclass(frozen=True, slots=True)
class Box:
    """A box of the diagram, in points from the top left of its body.

    Attributes
    ----------
    kind : {"stage", "excluded", "all", "group"}
    left, top, width, height : float
    lines : tuple of Line
        Wrapped so that text and count fit inside.
    """

    kind: str
    left: float
    top: float
    width: float
    height: float
    lines: tuple[Line, ...]

    @property
    def bottom(self) -> float:
        """Where it ends."""
        return self.top + self.height


def flow(result: ResultRecord) -> Figure:
    """Draw how the patients of a result came to be those analyzed.

    Parameters
    ----------
    result : ResultRecord
        A result of `participant_flow`, released or not.

    Returns
    -------
    Figure
        Boxes with the number left at each step, the excluded beside them with reason and number (also where it is
        zero), and for each group how many of those with a baseline score have one at each visit. ``rows`` holds
        `COLUMNS`, as text, since a hidden count is ``"<11"``.

    Raises
    ------
    OptionError
        If the result has no part ``"flow"``.

    References
    ----------
    von Elm E, et al. The STROBE statement, item 13. PLoS Med 2007;4:e296. doi:10.1371/journal.pmed.0040296
    """
    rows = flow_rows(result)
    instrument = result.estimand.endpoint.instrument
    by = grouping_variable(str(group) for group in result.part("flow").column("group"))
    counts = [count_text(count) for row in rows for count in (row.n_patients, row.n_with_baseline)]
    notes = general_notes(result, counts)
    title = "Participant flow" + (f" ({instrument})" if instrument else "")
    return Figure(
        name=figure_name("flow", instrument, by and f"by_{by}"),
        title=title,
        alt_text=_alt_text(title, rows, notes),
        columns=COLUMNS,
        rows=tuple(row.cells() for row in rows),
        drawing=partial(_draw, title, rows, notes),
    )


def flow_rows(result: ResultRecord) -> tuple[FlowRow, ...]:
    """Return the lines of the diagram from top to bottom: the stem, then each group with its visits."""
    part = result.part("flow")
    kinds, steps, reasons = part.column("kind"), part.column("step"), part.column("reason")
    rows = []
    for number, kind in enumerate(kinds):
        if kind in {"stage", "excluded"}:
            text = steps[number] if kind == "stage" else reasons[number]
            rows.append(FlowRow(str(kind), str(text), "", count_cell(result, part, number)))
    in_groups = (group for kind, group in zip(kinds, part.column("group"), strict=True) if kind in {"visit", "group"})
    for group in dict.fromkeys(in_groups):
        rows += _group_rows(result, str(group))
    return tuple(rows)


def _group_rows(result: ResultRecord, group: str) -> list[FlowRow]:
    """Return the line of the baseline and those of the visits of one group."""
    part = result.part("flow")
    label = group_label(group)
    n_with_baseline = _with_baseline(result, group)
    # The stem ends with everybody's baseline, so only the groups say it again.
    is_said = n_with_baseline is None or not group
    rows = [] if is_said else [FlowRow("baseline", BASELINE_STEP, label, n_with_baseline)]
    visits = zip(part.column("kind"), part.column("group"), part.column("visit"), strict=True)
    for number, (kind, its_group, visit) in enumerate(visits):
        if kind != "visit" or its_group != group:
            continue
        count = count_cell(result, part, number)
        shares = result.select(term=VISIT_TERM, measure="proportion", visit=str(visit), subgroup=group)
        known = [share for share in shares if not math.isnan(share.estimate)]
        proportion = known[0].estimate if known else None
        percent = format_estimate(known[0]) if known else ""
        rows.append(FlowRow("visit", str(visit), label, count, n_with_baseline, proportion, percent))
    return rows


def _with_baseline(result: ResultRecord, group: str) -> Cell:
    """Return how many of a group have a baseline score, as `count_cell` would; None where the result does not say."""
    part = result.part("flow")
    for number, (kind, its_group) in enumerate(zip(part.column("kind"), part.column("group"), strict=True)):
        if kind == "group" and its_group == group:
            return count_cell(result, part, number)
    for estimate in result.select(term=BASELINE_STEP, measure="count", subgroup=group):
        counted = estimate.n_counted
        return format_estimate(estimate, minimum_cell_of(result)) if counted is None else counted
    return None


def _wrapped(row: FlowRow, width: float, *, is_bold: bool) -> tuple[Line, ...]:
    """Return a row as lines of a box: the count at the right of the first, the text as wide as it leaves room."""
    weight = "bold" if is_bold else "normal"
    room = width - 2.0 * _PADDING - text_width(row.count, TEXT_SIZE, weight) - 2.0 * _PADDING
    first, *others = wrap(capitalized(row.text), room, TEXT_SIZE, weight)
    return (Line(first, row.count, is_bold), *(Line(text, "", is_bold) for text in others))


def _box(kind: str, left: float, top: float, width: float, lines: tuple[Line, ...]) -> Box:
    return Box(kind, left, top, width, len(lines) * line_height() + 2.0 * _PADDING, lines)


def flow_boxes(rows: tuple[FlowRow, ...]) -> tuple[Box, ...]:
    """Return the boxes of the diagram: the stem from top to bottom, all patients at its end, then the groups."""
    boxes: list[Box] = []
    top = 0.0
    for row in rows:
        if row.kind == "stage":
            boxes.append(_box("stage", MARGIN, top, _STEM_WIDTH, _wrapped(row, _STEM_WIDTH, is_bold=True)))
        elif row.kind == "excluded":
            width = PAGE_WIDTH - MARGIN - _EXCLUSION_LEFT
            boxes.append(_box("excluded", _EXCLUSION_LEFT, top, width, _wrapped(row, width, is_bold=False)))
        else:
            continue
        top = boxes[-1].bottom + _GAP
    labels = tuple(dict.fromkeys(row.group for row in rows if row.group))
    if ALL_PATIENTS in labels or len(labels) == 1:
        boxes.append(_box("all", MARGIN, top + _GAP, _STEM_WIDTH, _group_lines(labels[0], rows, _STEM_WIDTH)))
        labels, top = labels[1:], boxes[-1].bottom + _GAP
    return (*boxes, *_group_boxes(labels, rows, top + 2.0 * _GAP))


def _group_boxes(labels: tuple[str, ...], rows: tuple[FlowRow, ...], top: float) -> list[Box]:
    """Return one box a group, at most three side by side, those side by side equally high."""
    n_columns = min(len(labels), _GROUPS_IN_A_ROW)
    boxes: list[Box] = []
    for start in range(0, len(labels), _GROUPS_IN_A_ROW):
        width = (PAGE_WIDTH - 2.0 * MARGIN - (n_columns - 1) * _GAP) / n_columns
        contents = [_group_lines(label, rows, width) for label in labels[start : start + _GROUPS_IN_A_ROW]]
        height = max(len(lines) for lines in contents) * line_height() + 2.0 * _PADDING
        for column, lines in enumerate(contents):
            boxes.append(Box("group", MARGIN + column * (width + _GAP), top, width, height, lines))
        top += height + _GAP
    return boxes


def _group_lines(label: str, rows: tuple[FlowRow, ...], width: float) -> tuple[Line, ...]:
    heading = wrap(capitalized(label), width - 2.0 * _PADDING, TEXT_SIZE, "bold")
    lines = [Line(text, is_bold=True) for text in heading]
    for row in rows:
        if row.group == label:
            lines += _wrapped(row, width, is_bold=False)
    return tuple(lines)


def _draw(title: str, rows: tuple[FlowRow, ...], notes: tuple[str, ...]) -> MatplotlibFigure:
    boxes = flow_boxes(rows)
    subtitle = "Patients left at each step; beside it who was taken out, and why."
    page, top = titled_page(title, subtitle, max((box.bottom for box in boxes), default=0.0), notes)
    for box in boxes:
        _draw_box(page, top, box)
    _draw_arrows(page, top, boxes)
    return page.figure


def _draw_box(page: Page, body_top: float, box: Box) -> None:
    from matplotlib.patches import Rectangle

    is_stage = box.kind in {"stage", "all"}
    frame = Rectangle(
        (box.left, body_top + box.top),
        box.width,
        box.height,
        transform=page.transform,
        facecolor=PAPER,
        edgecolor=INK if is_stage else RULE,
        linewidth=1.2 if is_stage else AXIS_WIDTH,
    )
    page.figure.add_artist(frame)
    ink = QUIET_INK if box.kind == "excluded" and box.lines[0].count == "0" else INK
    top = body_top + box.top + _PADDING
    for number, line in enumerate(box.lines):
        style = {"fontweight": "bold" if line.is_bold else "normal", "color": ink}
        page.text(box.left + _PADDING, top + number * line_height(), line.text, **style)
        if line.count:
            page.text(box.left + box.width - _PADDING, top + number * line_height(), line.count, ha="right", **style)


def _draw_arrows(page: Page, body_top: float, boxes: tuple[Box, ...]) -> None:
    """Join the boxes of the stem, each with those taken out before it, and the last one with the groups."""
    stem = MARGIN + _STEM_WIDTH / 3.0
    stages = [box for box in boxes if box.kind in {"stage", "all"}]
    for earlier, later in pairwise(stages):
        _arrow(page, (stem, body_top + earlier.bottom), (stem, body_top + later.top))
    for box in boxes:
        if box.kind == "excluded":
            middle = body_top + box.top + box.height / 2.0
            _arrow(page, (stem, middle), (box.left, middle))
    groups = [box for box in boxes if box.kind == "group"]
    if stages and groups:
        _draw_branches(page, body_top, (stem, stages[-1].bottom), [box for box in groups if box.top == groups[0].top])


def _draw_branches(page: Page, body_top: float, start: tuple[float, float], boxes: list[Box]) -> None:
    """Join the end of the stem with the first row of groups."""
    stem, bottom = start
    rail = body_top + (bottom + boxes[0].top) / 2.0
    centers = [box.left + box.width / 2.0 for box in boxes]
    for x, y in (
        ((stem, stem), (body_top + bottom, rail)),
        ((min(stem, *centers), max(stem, *centers)), (rail, rail)),
    ):
        page.line(x, y)
    for center in centers:
        _arrow(page, (center, rail), (center, body_top + boxes[0].top))


def _arrow(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    from matplotlib.patches import FancyArrowPatch

    arrow = FancyArrowPatch(
        start,
        end,
        transform=page.transform,
        arrowstyle="-|>,head_length=4,head_width=2",
        shrinkA=0.0,
        shrinkB=0.0,
        mutation_scale=1.0,
        color=RULE,
        linewidth=AXIS_WIDTH,
    )
    page.figure.add_artist(arrow)


def _alt_text(title: str, rows: tuple[FlowRow, ...], notes: tuple[str, ...]) -> str:
    """Return the diagram as sentences, in its order."""
    sentences = [f"{title}, as a diagram of boxes from top to bottom."]
    for row in rows:
        if row.kind == "stage":
            sentences.append(f"{capitalized(row.text)}: {row.count}.")
        elif row.kind == "excluded":
            sentences.append(f"Excluded, {row.text}: {row.count}.")
        else:
            sentences.append(f"{capitalized(row.group)}, {row.text}: {row.count}.")
    return " ".join((*sentences, *notes))
