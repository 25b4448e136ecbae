"""How every figure looks: colors, markers, type sizes, line widths. Values only; nothing here draws.

The colors follow Okabe and Ito's, darkened until each has a contrast of at least 3 to white (WCAG 2.2, 1.4.11) and the
first four differ by at least 10 in CIE lightness, so that they stay apart in a greyscale print. Color is never the only
sign: every series has its own marker and line style, every region its own label.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from katoutcomes.errors import OptionError

FONT_FAMILY = "DejaVu Sans"
"""The family that matplotlib brings along, so that a host without fonts draws the same figure."""

PAGE_WIDTH = 540.0
"""Width of every figure in points: 720 pixels at 96 dpi, the text width of a report."""

TITLE_SIZE = 11.0
TEXT_SIZE = 9.0
SMALL_SIZE = 8.0
"""The type scale in points; nothing is set smaller than 8 (10.7 pixels)."""

INK = "#1A1A1A"
"""Text and means."""
QUIET_INK = "#555555"
"""Axis text and notes; contrast 7.5 to white."""
RULE = "#767676"
"""Axis lines, boxes and arrows; contrast 4.5 to white."""
FAINT = "#D9D9D9"
"""Grid lines and what is there only to guide the eye."""
PAPER = "#FFFFFF"
IMPROVED, IMPROVED_EDGE = "#E3EEF7", "#00588A"
WORSENED, WORSENED_EDGE = "#FDEBD9", "#B85C00"
"""Fills of regions and the bars at their edge, beside which their names are printed."""
FEWEST, MOST = "#CFE0EE", "#0B4470"
"""Fills of the cell with the fewest and the cell with the most patients."""

THREAD = "#5F8FB0"
"""Lines of single patients, many of them, drawn half transparent."""

AXIS_WIDTH = 0.8
LINE_WIDTH = 1.6
MARKER_SIZE = 5.5


@dataclass(frozen=True, slots=True)
class Series:
    """How one cohort is drawn: three signs, each of which would do alone.

    Attributes
    ----------
    color : str
        Hexadecimal color.
    marker : str
        matplotlib marker.
    line_style : str or tuple
        matplotlib line style.
    """

    color: str
    marker: str
    line_style: str | tuple[float, tuple[float, ...]]


SERIES: tuple[Series, ...] = (
    Series("#00588A", "o", "-"),
    Series("#E07B00", "s", (0.0, (5.0, 1.6))),
    Series("#1F1F1F", "^", (0.0, (1.2, 1.4))),
    Series("#B8478B", "D", (0.0, (6.0, 1.6, 1.2, 1.6))),
    Series("#007A59", "v", (0.0, (9.0, 2.0))),
    Series("#8C4A00", "P", (0.0, (3.0, 1.6))),
    Series("#5B2A86", "X", (0.0, (1.2, 3.0))),
    Series("#6E6E6E", "p", (0.0, (9.0, 1.6, 1.2, 1.6, 1.2, 1.6))),
)
"""The cohorts in their order; more than these cannot be told apart in one panel."""


def series_styles(n_series: int) -> tuple[Series, ...]:
    """Return the styles of `n_series` cohorts.

    Raises
    ------
    OptionError
        If there are more cohorts than styles that can be told apart.

    Examples
    --------
    >>> [style.marker for style in series_styles(2)]
    ['o', 's']
    """
    if n_series > len(SERIES):
        raise OptionError(
            f"a figure shows at most {len(SERIES)} groups, and there are {n_series}: "
            "group by a variable with fewer levels, or use to_table()."
        )
    return SERIES[:n_series]


def marker_choices(style: Series) -> dict[str, Any]:
    """Return what matplotlib's Line2D takes to draw the marker of a series."""
    return {
        "color": style.color,
        "marker": style.marker,
        "markersize": MARKER_SIZE,
        "markeredgecolor": PAPER,
        "markeredgewidth": 0.6,
    }


_DRAWING_SETTINGS = (
    "agg.",
    "axes",
    "errorbar.",
    "figure.",
    "font.",
    "grid.",
    "hatch.",
    "image.",
    "lines.",
    "markers.",
    "mathtext.",
    "patch.",
    "path.",
    "savefig.",
    "scatter.",
    "svg.",
    "text.",
    "xaxis.",
    "xtick.",
    "yaxis.",
    "ytick.",
)
"""The beginnings of matplotlib's settings that change what is drawn."""


@contextmanager
def drawing_settings(salt: str) -> Iterator[None]:
    """Draw with matplotlib's own defaults, whatever style sheet a notebook has chosen, and put its settings back.

    Parameters
    ----------
    salt : str
        What the identifiers inside an SVG are derived from; the same salt gives the same bytes.
    """
    import matplotlib as mpl

    defaults = mpl.rcParamsDefault
    settings = {key: defaults[key] for key in defaults if key.startswith(_DRAWING_SETTINGS)}
    settings |= {
        "font.family": [FONT_FAMILY],
        "font.size": TEXT_SIZE,
        "text.color": INK,
        "text.hinting": "no_hinting",  # hinted letters are wider than measured at some resolutions
        "text.parse_math": False,  # a dollar sign in the name of a site is a dollar sign
        "axes.linewidth": AXIS_WIDTH,
        "axes.edgecolor": RULE,
        "axes.labelcolor": QUIET_INK,
        "xtick.color": RULE,
        "xtick.labelcolor": QUIET_INK,
        "ytick.color": RULE,
        "ytick.labelcolor": QUIET_INK,
        "svg.fonttype": "path",  # outlines: what was measured is what is seen, also where the font is missing
        "svg.hashsalt": salt,
    }
    with mpl.rc_context(settings):
        yield
