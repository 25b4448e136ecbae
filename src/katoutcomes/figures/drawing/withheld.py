"""What stands in axes whose every number is hidden, so that nobody takes an empty picture for a lack of data."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from katoutcomes.figures.drawing.style import QUIET_INK, SMALL_SIZE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matplotlib.axes import Axes

    from katoutcomes.results.estimate import Estimate

WITHHELD = "not shown, to protect patients: small counts would follow"


def say_if_withheld(axes: Axes, drawn: Iterable[Estimate | None]) -> None:
    """Write into axes that their numbers are withheld; nothing where one is drawn, or where none is hidden.

    Parameters
    ----------
    axes : matplotlib.axes.Axes
    drawn : iterable of Estimate or None
        What the axes would show.
    """
    known = [one for one in drawn if one is not None]
    if all(math.isnan(one.estimate) for one in known) and any(one.suppressed for one in known):
        axes.text(
            0.5,
            0.5,
            WITHHELD,
            transform=axes.transAxes,
            ha="center",
            va="center",
            fontsize=SMALL_SIZE,
            color=QUIET_INK,
            backgroundcolor="white",
            zorder=6,
        )
