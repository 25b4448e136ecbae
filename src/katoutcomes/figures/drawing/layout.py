"""Laying out a page in points, from the top left: measured text, wrapped text, axes at a stated place.

Text is measured in the outlines of the font, not on a canvas, so that a layout is the same at every resolution.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from katoutcomes.figures.drawing.style import (
    AXIS_WIDTH,
    FONT_FAMILY,
    INK,
    PAGE_WIDTH,
    PAPER,
    QUIET_INK,
    RULE,
    SMALL_SIZE,
    TEXT_SIZE,
    TITLE_SIZE,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure
    from matplotlib.lines import Line2D
    from matplotlib.text import Text
    from matplotlib.transforms import Transform

LINE_SPACING = 1.32
"""Distance of base lines over the type size."""

MARGIN = 6.0
"""White around the page, in points."""
_PIXELS_WIDEN = 1.02
"""Letters set on whole pixels may be wider than their outlines, which `text_width` measures, by this factor."""


@lru_cache(maxsize=4096)
def text_width(text: str, size: float = TEXT_SIZE, weight: str = "normal") -> float:
    """Return the width of one line of text, in points.

    Examples
    --------
    >>> text_width("") == 0.0
    True
    >>> text_width("week 12", 18.0) == 2.0 * text_width("week 12", 9.0)
    True
    """
    if not text:
        return 0.0
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import text_to_path

    font = FontProperties(family=FONT_FAMILY, size=size, weight=weight)
    width, _, _ = text_to_path.get_text_width_height_descent(text, font, ismath=False)
    return float(width)


def line_height(size: float = TEXT_SIZE) -> float:
    """Return the distance from one line of text to the next, in points."""
    return size * LINE_SPACING


def _split_word(word: str, width: float, size: float, weight: str) -> list[str]:
    """Cut a word that is wider than a line into pieces that are not."""
    pieces, piece = [], ""
    for letter in word:
        if piece and text_width(piece + letter, size, weight) > width:
            pieces.append(piece)
            piece = ""
        piece += letter
    return [*pieces, piece]


def wrap(text: str, width: float, size: float = TEXT_SIZE, weight: str = "normal") -> tuple[str, ...]:
    """Break text into lines no wider than `width` points; a word that is too long is cut.

    Examples
    --------
    >>> wrap("no dosing session", 60.0, 9.0)
    ('no dosing', 'session')
    >>> wrap("", 60.0)
    ('',)
    """
    words, lines = text.split(), []
    while words:
        n_fitting = _n_fitting(words, width, size, weight)
        if n_fitting:
            lines.append(" ".join(words[:n_fitting]))
            del words[:n_fitting]
        else:
            piece, *rest = _split_word(words[0], width, size, weight)
            lines.append(piece)
            words[:1] = rest
    return tuple(lines) or ("",)


def _n_fitting(words: list[str], width: float, size: float, weight: str) -> int:
    """Return how many words fit on a line; few lines are measured, since more words are never narrower."""

    def measured(n_words: int) -> float:
        return text_width(" ".join(words[:n_words]), size, weight)

    most = 8
    while most < len(words) and measured(most) <= width:
        most *= 2
    return bisect_right(range(1, min(most, len(words)) + 1), width, key=measured)


@dataclass(frozen=True, slots=True)
class Page:
    """A matplotlib figure addressed in points from its top left corner.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    width, height : float
        Its size in points.
    """

    figure: MatplotlibFigure
    width: float
    height: float

    @property
    def transform(self) -> Transform:
        """Points from the top left to the canvas; for artists that are added to the figure itself."""
        from matplotlib.transforms import Affine2D

        return Affine2D().scale(1.0 / self.width, -1.0 / self.height).translate(0.0, 1.0) + self.figure.transFigure

    def axes(self, left: float, top: float, width: float, height: float) -> Axes:
        """Add axes whose data area has this place and size."""
        bottom = self.height - top - height
        area = (left / self.width, bottom / self.height, width / self.width, height / self.height)
        return self.figure.add_axes(area)

    def text(self, left: float, top: float, text: str, **style: Any) -> Text:
        """Add one line of text whose line box begins at `top`; `style` goes to matplotlib's Text."""
        size = style.setdefault("fontsize", TEXT_SIZE)
        style.setdefault("color", INK)
        baseline = top + 0.78 * line_height(size)
        return self.figure.text(left, baseline, text, transform=self.transform, va="baseline", **style)

    def line(self, x: tuple[float, ...], y: tuple[float, ...], **style: Any) -> Line2D:
        """Add a line through points of the page; `style` goes to matplotlib's Line2D."""
        from matplotlib.lines import Line2D

        style.setdefault("color", RULE)
        style.setdefault("linewidth", AXIS_WIDTH)
        line = Line2D(x, y, transform=self.transform, **style)
        self.figure.add_artist(line)
        return line

    def lines(self, left: float, top: float, lines: tuple[str, ...], **style: Any) -> float:
        """Add lines of text one under the other and return where the next would begin."""
        step = line_height(style.get("fontsize", TEXT_SIZE))
        for number, line in enumerate(lines):
            self.text(left, top + number * step, line, **style)
        return top + len(lines) * step


def new_page(width: float, height: float) -> Page:
    """Return an empty white page; points are matplotlib's own, 72 to the inch."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as MatplotlibFigure

    figure = MatplotlibFigure(figsize=(width / 72.0, height / 72.0), dpi=100, facecolor=PAPER)
    FigureCanvasAgg(figure)
    return Page(figure, width, height)


def titled_page(title: str, subtitle: str, body_height: float, notes: tuple[str, ...]) -> tuple[Page, float]:
    """Return a page with a title above and notes below, and where the body begins.

    Parameters
    ----------
    title, subtitle : str
        What is shown, and the words that are needed to read it.
    body_height : float
        Points between subtitle and notes; the page grows with it.
    notes : tuple of str
        Sentences for below the body, set one after the other.
    """
    inside = (PAGE_WIDTH - 2.0 * MARGIN) / _PIXELS_WIDEN
    heading = wrap(title, inside, TITLE_SIZE, "bold")
    subheading = wrap(subtitle, inside, TEXT_SIZE)
    small_print = wrap(" ".join(notes), inside, SMALL_SIZE) if notes else ()
    body_top = MARGIN + len(heading) * line_height(TITLE_SIZE) + len(subheading) * line_height() + MARGIN
    notes_top = body_top + body_height + MARGIN
    page = new_page(PAGE_WIDTH, notes_top + len(small_print) * line_height(SMALL_SIZE) + MARGIN)
    below = page.lines(MARGIN, MARGIN, heading, fontsize=TITLE_SIZE, fontweight="bold")
    page.lines(MARGIN, below, subheading, color=QUIET_INK)
    page.lines(MARGIN, notes_top, small_print, fontsize=SMALL_SIZE, color=QUIET_INK)
    return page, body_top


def spread(wanted: tuple[float, ...], distance: float, low: float, high: float) -> tuple[float, ...]:
    """Move positions apart until they are at least `distance` from each other, as little as that takes.

    Parameters
    ----------
    wanted : tuple of float
        Where things would stand if they were alone.
    distance : float
        Least distance between neighbors.
    low, high : float
        Between which they must stand; where there is too little room, they go beyond `high`.

    Examples
    --------
    >>> spread((10.0, 11.0, 30.0), 6.0, 0.0, 40.0)
    (7.5, 13.5, 30.0)
    """
    order = sorted(range(len(wanted)), key=lambda index: (wanted[index], index))
    clusters: list[list[float]] = []  # [sum of the wanted starts, how many, start]
    for index in order:
        clusters.append([wanted[index], 1.0, min(max(wanted[index], low), high)])
        while len(clusters) > 1 and clusters[-2][2] + clusters[-2][1] * distance > clusters[-1][2]:
            total, count, _ = clusters.pop()
            before = clusters[-1]
            before[0] += total - count * before[1] * distance
            before[1] += count
            before[2] = max(low, min(before[0] / before[1], high - (before[1] - 1.0) * distance))
    placed = [start + step * distance for _, count, start in clusters for step in range(round(count))]
    result = [0.0] * len(wanted)
    for index, position in zip(order, placed, strict=True):
        result[index] = position
    return tuple(result)
