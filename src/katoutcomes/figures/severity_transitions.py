"""Severity bands at baseline against those at a visit: a matrix of counts, shaded by how many patients there are."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError
from katoutcomes.figures.drawing.layout import MARGIN, Page, line_height, text_width, titled_page, wrap
from katoutcomes.figures.drawing.style import FAINT, FEWEST, INK, MOST, PAGE_WIDTH, PAPER, QUIET_INK, RULE, SMALL_SIZE
from katoutcomes.figures.drawing.wording import (
    by_words,
    capitalized,
    general_notes,
    group_label,
    grouping_variable,
    interval_name,
    shown_groups,
)
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.results.formatting import format_count, format_share, format_with_interval, minimum_cell_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure as MatplotlibFigure

    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.part import Cell
    from katoutcomes.results.result import ResultRecord

COLUMNS: tuple[str, ...] = ("group", "kind", "baseline_band", "follow_up_band", "term", "estimate", "n_patients")
MOVES: tuple[str, ...] = ("to a milder band", "same band", "to a more severe band")
_CELL_HEIGHT = 26.0
_GAP = 14.0
_LIGHT_TEXT_ABOVE = 0.55


@dataclass(frozen=True, slots=True)
class TransitionMatrix:
    """The matrix of one group.

    Attributes
    ----------
    group : str
        Its label.
    counts : tuple of (str, str, int)
        Band at baseline, band at the visit, patients; those pairs alone that are shown.
    shares : tuple of Estimate
        Who moved to a milder band, stayed, and moved to a more severe one.
    texts : tuple of str
        These shares as they are printed.
    """

    group: str
    counts: tuple[tuple[str, str, int], ...]
    shares: tuple[Estimate, ...]
    texts: tuple[str, ...]

    def rows(self) -> tuple[tuple[Cell, ...], ...]:
        """Return the rows of the figure's table."""
        cells = ((self.group, "cell", before, after, "", None, n) for before, after, n in self.counts)
        shares = (
            (self.group, "proportion", "", "", share.term, None if math.isnan(share.estimate) else share.estimate, text)
            for share, text in zip(self.shares, self.texts, strict=True)
        )
        return (*cells, *shares)


def severity_transitions(
    result: ResultRecord, *, each_group: bool = False, labels: Sequence[str] | None = None
) -> Figure:
    """Draw the patients by severity band at baseline and at a visit.

    Parameters
    ----------
    result : ResultRecord
        A result of `severity_transitions`, released or not.
    each_group : bool, default False
        Whether every cohort has a matrix of its own, where the result has cohorts, or all patients one together.
    labels : sequence of str, optional
        The bands from least to most severe, for an instrument that the catalog does not hold.

    Returns
    -------
    Figure
        One matrix a cohort: rows are bands at baseline, columns bands at the visit, both from least to most severe; the
        diagonal is framed, left of it patients moved to a milder band. A cell is darker the more patients it holds and
        says how many; a blank one holds nobody or, in a released result, nobody or too few. ``rows`` holds `COLUMNS`.

    Raises
    ------
    OptionError
        If the bands are not known, or there are more groups than can be told apart.
    """
    bands = tuple(labels) if labels is not None else _bands(result)
    groups = shown_groups(result, MOVES, each_group=each_group)
    matrices = tuple(_matrix(result, group) for group in groups)
    endpoint = result.estimand.endpoint
    title = f"{endpoint.instrument}: severity at baseline and {endpoint.visit}{by_words(groups)}"
    levels = (share.conf_level for matrix in matrices for share in matrix.shares)
    subtitle = (
        "Patients by band. Left of the framed diagonal: milder than at baseline; right of it: more severe. Shares "
        f"with {interval_name(levels)}."
    )
    words = [word for matrix in matrices for text in matrix.texts for word in text.split()]
    released = minimum_cell_of(result) is not None
    blank = "Blank: nobody, or too few to be shown, or a number that would give such a one away." if released else ""
    notes = (*((blank,) if blank else ()), *general_notes(result, words))
    by = grouping_variable(groups)
    return Figure(
        name=figure_name("severity_transitions", endpoint.instrument, endpoint.visit, by and f"by_{by}"),
        title=title,
        alt_text=_alt_text(title, subtitle, matrices, notes),
        columns=COLUMNS,
        rows=tuple(row for matrix in matrices for row in matrix.rows()),
        drawing=partial(_draw, (title, subtitle), (f"At {endpoint.visit}", *bands), matrices, notes),
    )


def _bands(result: ResultRecord) -> tuple[str, ...]:
    from katoutcomes.instruments.catalog import instrument

    name = next((share.definition_set for share in result.select(term=MOVES[0])), "")
    try:
        definition = instrument(name.partition("/")[0]).definition("bands", name)
    except OptionError:
        definition = None
    if definition is None:
        raise OptionError("the catalog does not hold the bands of this result; pass labels=, least severe first.")
    return tuple(band.label for band in definition.bands)


def _matrix(result: ResultRecord, group: str) -> TransitionMatrix:
    part, minimum = result.part("severity_transitions"), minimum_cell_of(result)
    place = {name: part.columns.index(name) for name in ("group", "baseline_band", "follow_up_band", "n_patients")}
    counts = tuple(
        (str(row[place["baseline_band"]]), str(row[place["follow_up_band"]]), count)
        for row in part.rows
        if row[place["group"]] == group and isinstance(count := row[place["n_patients"]], int)
    )
    shares = tuple(one for term in MOVES for one in result.select(term=term, measure="proportion", subgroup=group))
    return TransitionMatrix(group_label(group), counts, shares, tuple(format_share(one, minimum) for one in shares))


# --- the drawing -----------------------------------------------------------------------------------------------------


def _draw(
    headings: tuple[str, str],
    columns: tuple[str, ...],
    matrices: tuple[TransitionMatrix, ...],
    notes: tuple[str, ...],
) -> MatplotlibFigure:
    """Draw the matrices one below the other; `columns` holds what stands above the bands, and the bands."""
    several, bands = len(matrices) > 1, columns[1:]
    head = line_height(SMALL_SIZE) * 3.0
    height = head + len(bands) * _CELL_HEIGHT + (len(MOVES) + several) * line_height() + 2.0 * _GAP
    page, top = titled_page(*headings, height * len(matrices), notes)
    most = max((n for matrix in matrices for _, _, n in matrix.counts), default=1)
    for matrix in matrices:
        if several:
            page.text(MARGIN, top, capitalized(matrix.group), fontweight="bold")
        _draw_matrix(page, top + several * line_height(), columns, matrix, most)
        top += height
    return page.figure


def _draw_matrix(page: Page, top: float, columns: tuple[str, ...], matrix: TransitionMatrix, most: int) -> None:
    bands = columns[1:]
    label_width = max(text_width(capitalized(band)) for band in bands) + 2.0 * MARGIN
    width = (PAGE_WIDTH - 2.0 * MARGIN - label_width) / len(bands)
    left = MARGIN + label_width
    page.text(left, top, columns[0], fontsize=SMALL_SIZE, color=QUIET_INK)
    page.text(MARGIN, top + 2.0 * line_height(SMALL_SIZE), "At baseline", fontsize=SMALL_SIZE, color=QUIET_INK)
    for column, band in enumerate(bands):
        line = wrap(capitalized(band), width - 4.0, SMALL_SIZE)
        page.lines(left + width * column + 3.0, top + line_height(SMALL_SIZE), line[:2], fontsize=SMALL_SIZE, color=INK)
    top += 3.0 * line_height(SMALL_SIZE)
    counts = {(before, after): n for before, after, n in matrix.counts}
    for row, before in enumerate(bands):
        page.text(MARGIN, top + (row + 0.5) * _CELL_HEIGHT - line_height() / 2.0, capitalized(before))
        for column, after in enumerate(bands):
            corner = (left + column * width, top + row * _CELL_HEIGHT)
            _draw_cell(page, corner, width, counts.get((before, after)), most)
    for step in range(len(bands)):
        _frame(page, (left + step * width, top + step * _CELL_HEIGHT), width)
    top += len(bands) * _CELL_HEIGHT + _GAP / 2.0
    for share, text in zip(matrix.shares, matrix.texts, strict=True):
        shown = f"{format_with_interval(share)}, {text}" if not share.suppressed else text
        page.text(MARGIN, top, f"{capitalized(share.term)}: {shown}")
        top += line_height()


def _draw_cell(page: Page, corner: tuple[float, float], width: float, count: int | None, most: int) -> None:
    from matplotlib.colors import to_rgb
    from matplotlib.patches import Rectangle

    depth = 0.0 if count is None else math.sqrt(count / most)
    light, dark = to_rgb(FEWEST), to_rgb(MOST)
    shade = tuple(low + depth * (high - low) for low, high in zip(light, dark, strict=True))
    page.figure.add_artist(
        Rectangle(
            corner,
            width,
            _CELL_HEIGHT,
            transform=page.transform,
            facecolor=PAPER if count is None else shade,
            edgecolor=FAINT,
            linewidth=0.6,
        )
    )
    if count is not None:
        page.text(
            corner[0] + width / 2.0,
            corner[1] + (_CELL_HEIGHT - line_height()) / 2.0,
            format_count(count),
            ha="center",
            color=PAPER if depth > _LIGHT_TEXT_ABOVE else INK,
        )


def _frame(page: Page, corner: tuple[float, float], width: float) -> None:
    from matplotlib.patches import Rectangle

    page.figure.add_artist(
        Rectangle(corner, width, _CELL_HEIGHT, transform=page.transform, fill=False, edgecolor=RULE, linewidth=1.6)
    )


def _alt_text(title: str, subtitle: str, matrices: tuple[TransitionMatrix, ...], notes: tuple[str, ...]) -> str:
    """Return every cell and share as sentences."""
    sentences = [f"{title}, as a matrix. {subtitle}"]
    for matrix in matrices:
        cells = "; ".join(f"{before} to {after}: {format_count(n)}" for before, after, n in matrix.counts)
        shares = "; ".join(
            f"{share.term} {format_with_interval(share)}, {text}"
            for share, text in zip(matrix.shares, matrix.texts, strict=True)
        )
        sentences.append(f"{capitalized(matrix.group)}: {cells or 'no counts are shown'}. {capitalized(shares)}.")
    return " ".join((*sentences, *notes))
