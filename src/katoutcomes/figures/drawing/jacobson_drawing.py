"""How the Jacobson plot is drawn: squares of baseline against follow-up, their regions, and the shares beside them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.figures.drawing.layout import MARGIN, line_height, text_width, titled_page, wrap
from katoutcomes.figures.drawing.style import (
    AXIS_WIDTH,
    FEWEST,
    IMPROVED,
    IMPROVED_EDGE,
    INK,
    MOST,
    PAGE_WIDTH,
    PAPER,
    QUIET_INK,
    RULE,
    SMALL_SIZE,
    TEXT_SIZE,
    WORSENED,
    WORSENED_EDGE,
)
from katoutcomes.figures.drawing.wording import capitalized, group_label, n_words, why_no_scores
from katoutcomes.results.formatting import format_estimate, format_n_patients, format_share, format_with_interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

    from katoutcomes.figures.drawing.layout import Page
    from katoutcomes.figures.drawing.pairs import PairCell
    from katoutcomes.figures.drawing.scale import ScoreScale
    from katoutcomes.results.estimate import Estimate

IMPROVEMENT = "reliable improvement"
DETERIORATION = "reliable deterioration"

_TICKS_WIDTH = 26.0
_EDGE_WIDTH = 18.0
"""Room for the name of a region beside its edge, in points."""
_GAP = 20.0
_BESIDE = 2
_ALONE_SIZE = 300.0
_ONE_PATIENT = 16.0
"""Area of the circle of one patient, in square points."""
_SWATCH = 9.0
_DARK_FROM = 0.65
"""From this shade on white has the greater contrast; a test holds both to at least 4.5."""
_LINE_STYLES: tuple[Any, ...] = ((0.0, (1.0, 1.6)), (0.0, (6.0, 2.0, 1.0, 2.0)))
_THRESHOLD_STYLE = (0.0, (4.0, 2.0))


@dataclass(frozen=True, slots=True)
class CutOff:
    """A score that separates the two sides, and what is written of it."""

    threshold: Estimate
    text: str


@dataclass(frozen=True, slots=True)
class JacobsonPanel:
    """What one cohort's panel shows.

    Attributes
    ----------
    group : str
        As the estimates call it.
    cells : tuple of PairCell
        Pairs of scores, or bins.
    are_patients : bool
        Whether the cells are pairs of scores.
    shares : tuple of Estimate
        The classes of change, then what is said of recovery.
    n_text : str
        How many patients have both scores, as it is printed.
    minimum_cell : int or None
        Of a released result.
    """

    group: str
    cells: tuple[PairCell, ...]
    are_patients: bool
    shares: tuple[Estimate, ...]
    n_text: str
    minimum_cell: int | None

    def n_text_of(self, share: Estimate) -> str:
        """Return the denominator of a share as it is printed."""
        return format_n_patients(share, self.minimum_cell)


@dataclass(frozen=True, slots=True)
class JacobsonPlan:
    """Everything that the drawing needs."""

    title: str
    subtitle: str
    notes: tuple[str, ...]
    scale: ScoreScale
    visit: str
    threshold: Estimate | None
    cut_offs: tuple[CutOff, ...]
    panels: tuple[JacobsonPanel, ...]

    @property
    def limits(self) -> tuple[float, float]:
        """Both axes: the range of scores and half a point more at each end, so that whole cells are seen."""
        return self.scale.low - 0.5, self.scale.high + 0.5

    def side(self, term: str) -> int:
        """Return 1 where the class lies above the band, -1 below it, 0 inside it or where that is not known."""
        upward = {"higher": 1, "lower": -1}.get(self.scale.better, 0)
        return {IMPROVEMENT: upward, DETERIORATION: -upward}.get(term, 0)


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a panel stands, in points from the top left of the page: its square, and its key."""

    left: float
    top: float
    size: float
    key_left: float
    key_top: float
    key_width: float


def draw_jacobson(plan: JacobsonPlan) -> MatplotlibFigure:
    """Return the drawing of a plan."""
    is_alone = len(plan.panels) < _BESIDE
    column_width = (PAGE_WIDTH - 2.0 * MARGIN - _GAP) / _BESIDE
    size = _ALONE_SIZE if is_alone else column_width - _TICKS_WIDTH - _EDGE_WIDTH
    above, below = 2.0 * line_height() + _EDGE_WIDTH, 2.0 * line_height() + MARGIN
    key_height = max((_key_height(panel) for panel in plan.panels), default=0.0)
    panel_height = above + size + below + (0.0 if is_alone else key_height)
    n_rows = math.ceil(len(plan.panels) / _BESIDE)
    body_height = n_rows * panel_height + line_height()
    page, top = titled_page(plan.title, plan.subtitle, body_height, plan.notes)
    for number, panel in enumerate(plan.panels):
        left = MARGIN + _TICKS_WIDTH + (number % _BESIDE) * (column_width + _GAP)
        square_top = top + (number // _BESIDE) * panel_height + above
        key_left = left + size + _EDGE_WIDTH + MARGIN if is_alone else left - _TICKS_WIDTH
        key_top = square_top if is_alone else square_top + size + below
        key_width = PAGE_WIDTH - MARGIN - key_left if is_alone else column_width
        _draw_panel(page, plan, panel, _Place(left, square_top, size, key_left, key_top, key_width))
    _draw_line_key(page, plan, top + n_rows * panel_height)
    return page.figure


def _draw_panel(page: Page, plan: JacobsonPlan, panel: JacobsonPanel, place: _Place) -> None:
    axes = page.axes(place.left, place.top, place.size, place.size)
    axes.set_xlim(*plan.limits)
    axes.set_ylim(*plan.limits)
    plan.scale.set_axis(axes.xaxis)
    plan.scale.set_axis(axes.yaxis)
    _draw_regions(axes, plan)
    (_draw_circles if panel.are_patients else _draw_cells)(axes, panel, place.size)
    if not panel.cells:
        n_patients = 0 if any(share.n_patients == 0 for share in panel.shares) else None
        is_shown = any(not math.isnan(share.estimate) for share in panel.shares)
        why = why_no_scores(n_patients, is_mean_shown=is_shown)
        style: dict[str, Any] = {"ha": "center", "va": "center", "color": QUIET_INK, "fontsize": SMALL_SIZE}
        axes.text(0.5, 0.5, why, transform=axes.transAxes, **style)
    _draw_lines(axes, plan)
    _name_axes(page, plan, panel, place)
    if plan.threshold is not None:
        _name_regions(page, plan, place, plan.threshold.estimate)
    _draw_key(page, plan, panel, place)


def _draw_regions(axes: Axes, plan: JacobsonPlan) -> None:
    """Fill what lies above and below the band of changes that may be error."""
    if plan.threshold is None:
        return
    low, high = plan.limits
    change = plan.threshold.estimate
    for term, color in ((IMPROVEMENT, IMPROVED), (DETERIORATION, WORSENED)):
        side = plan.side(term)
        if side:
            edge = high if side > 0 else low
            axes.fill([low, high, high, low], [low + side * change, high + side * change, edge, edge], color=color)


def _draw_circles(axes: Axes, panel: JacobsonPanel, _size: float) -> None:
    x, y = [cell.baseline for cell in panel.cells], [cell.follow_up for cell in panel.cells]
    areas = [_ONE_PATIENT * cell.n_patients for cell in panel.cells]
    axes.scatter(x, y, s=areas, color=MOST, alpha=0.65, edgecolors=PAPER, linewidths=0.5, clip_on=False, zorder=3)


def _draw_cells(axes: Axes, panel: JacobsonPanel, size: float) -> None:
    """Draw bins as squares: the darker, the more patients."""
    from matplotlib.patches import Rectangle

    most = max((cell.n_patients for cell in panel.cells), default=0)
    points_per_score = size / (axes.get_xlim()[1] - axes.get_xlim()[0])
    for cell in panel.cells:
        width = cell.baseline_high - cell.baseline_low + 1.0
        height = cell.follow_up_high - cell.follow_up_low + 1.0
        share = cell.n_patients / most if most else 0.0
        corner = (cell.baseline_low - 0.5, cell.follow_up_low - 0.5)
        axes.add_patch(Rectangle(corner, width, height, facecolor=shade(share), edgecolor=PAPER, zorder=2))
        if text_width(cell.text, SMALL_SIZE) <= width * points_per_score + 1.0:
            style: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": SMALL_SIZE, "color": ink_on(share)}
            ground = {"boxstyle": "square,pad=0.1", "facecolor": shade(share), "linewidth": 0.0}  # lines stop before it
            axes.text(cell.baseline, cell.follow_up, cell.text, zorder=5, bbox=ground, **style)


def shade(share: float) -> str:
    """Return the fill of a cell that holds this share of the patients of the fullest one.

    Examples
    --------
    >>> shade(0.0), shade(1.0)
    ('#cfe0ee', '#0b4470')
    """
    ends = [[int(color[start : start + 2], 16) for start in (1, 3, 5)] for color in (FEWEST, MOST)]
    mixed = (round(few + (many - few) * share) for few, many in zip(*ends, strict=True))
    return "#" + "".join(f"{part:02x}" for part in mixed)


def ink_on(share: float) -> str:
    """Return the color of a number on a cell of this shade: the one with the greater contrast.

    Examples
    --------
    >>> ink_on(0.1), ink_on(0.9)
    ('#000000', '#FFFFFF')
    """
    return PAPER if share >= _DARK_FROM else "#000000"


def _line_key(plan: JacobsonPlan) -> list[tuple[str, Any]]:
    """Return what the lines are, with their styles."""
    lines: list[tuple[str, Any]] = [("no change", "-")]
    if plan.threshold is not None:
        lines.append((f"reliable change: \u00b1{format_estimate(plan.threshold)} points", _THRESHOLD_STYLE))
    styles = zip(plan.cut_offs, _LINE_STYLES, strict=False)
    return lines + [(cut_off.text, style) for cut_off, style in styles]


def _draw_lines(axes: Axes, plan: JacobsonPlan) -> None:
    low, high = plan.limits
    axes.plot([low, high], [low, high], color=INK, linewidth=AXIS_WIDTH, zorder=4)
    if plan.threshold is not None:
        for change in (plan.threshold.estimate, -plan.threshold.estimate):
            ends = [low + change, high + change]
            axes.plot([low, high], ends, color=INK, linewidth=AXIS_WIDTH, linestyle=_THRESHOLD_STYLE, zorder=4)
    for cut_off, style in zip(plan.cut_offs, _LINE_STYLES, strict=False):
        for draw in (axes.axvline, axes.axhline):
            draw(cut_off.threshold.estimate, color=INK, linewidth=AXIS_WIDTH, linestyle=style, zorder=4)


def _name_axes(page: Page, plan: JacobsonPlan, panel: JacobsonPanel, place: _Place) -> None:
    top = place.top - 2.0 * line_height() - _EDGE_WIDTH
    n_patients = f", {n_words(panel.n_text)}" if panel.n_text else ""
    heading, *_ = wrap(f"{capitalized(group_label(panel.group))}{n_patients}", place.size, TEXT_SIZE, "bold")
    page.text(place.left - _TICKS_WIDTH, top, heading, fontweight="bold")
    arrow = f" ({plan.scale.arrow})" if plan.scale.arrow else ""
    style: dict[str, Any] = {"fontsize": SMALL_SIZE, "color": QUIET_INK}
    page.text(place.left - _TICKS_WIDTH, top + line_height(), f"score at {plan.visit}{arrow}", **style)
    below = place.top + place.size + line_height() + 5.0
    page.text(place.left + place.size / 2.0, below, "score at baseline", ha="center", **style)


def _name_regions(page: Page, plan: JacobsonPlan, place: _Place, change: float) -> None:
    """Draw a bar along the edge of each region and write its name beside it."""
    low, high = plan.limits
    length = place.size * (high - low - change) / (high - low)
    right, bottom = place.left + place.size, place.top + place.size
    for term, color in ((IMPROVEMENT, IMPROVED_EDGE), (DETERIORATION, WORSENED_EDGE)):
        bar: dict[str, Any] = {"color": color, "linewidth": 3.0, "solid_capstyle": "butt"}
        style: dict[str, Any] = {"fontsize": SMALL_SIZE, "color": INK, "transform": page.transform}
        if plan.side(term) > 0:
            page.line((place.left, place.left + length), (place.top - 3.0, place.top - 3.0), **bar)
            page.figure.text(place.left + length / 2.0, place.top - 6.0, term, ha="center", va="bottom", **style)
        elif plan.side(term) < 0:
            page.line((right + 3.0, right + 3.0), (bottom - length, bottom), **bar)
            style |= {"rotation": 270, "ha": "left", "va": "center"}
            page.figure.text(right + 6.0, bottom - length / 2.0, term, **style)


def _key_height(panel: JacobsonPanel) -> float:
    return len(panel.shares) * (line_height() + line_height(SMALL_SIZE) + 4.0) + 8.0


def _draw_key(page: Page, plan: JacobsonPlan, panel: JacobsonPanel, place: _Place) -> None:
    """Write the shares in the order in which their regions lie from top to bottom, then what concerns recovery."""
    from matplotlib.patches import Rectangle

    fills = {IMPROVEMENT: (IMPROVED, IMPROVED_EDGE), DETERIORATION: (WORSENED, WORSENED_EDGE)}
    top = place.key_top
    n_classes = sum(share.term in {*fills, "no reliable change"} for share in panel.shares)
    classes = sorted(panel.shares[:n_classes], key=lambda share: -plan.side(share.term))
    for share in (*classes, *panel.shares[n_classes:]):
        if share in classes and plan.scale.better:
            fill, edge = fills.get(share.term, (PAPER, RULE))
            corner = (place.key_left, top + 1.5)
            look: dict[str, Any] = {"facecolor": fill, "edgecolor": edge, "linewidth": AXIS_WIDTH}
            page.figure.add_artist(Rectangle(corner, _SWATCH, _SWATCH, transform=page.transform, **look))
        left = place.key_left + _SWATCH + 5.0
        right = place.key_left + place.key_width
        page.text(left, top, capitalized(share.term))
        page.text(right, top, format_share(share, panel.minimum_cell), ha="right")
        style: dict[str, Any] = {"fontsize": SMALL_SIZE, "color": QUIET_INK}
        page.text(left, top + line_height(), format_with_interval(share), **style)
        top += line_height() + line_height(SMALL_SIZE) + 4.0


def _draw_line_key(page: Page, plan: JacobsonPlan, top: float) -> None:
    """Draw a sample of each line with what it is, side by side."""
    left = MARGIN
    for text, line_style in _line_key(plan):
        middle = top + line_height() / 2.0
        page.line((left, left + 22.0), (middle, middle), color=INK, linestyle=line_style)
        page.text(left + 26.0, top, text, fontsize=SMALL_SIZE)
        left += 26.0 + text_width(text, SMALL_SIZE) + 16.0
