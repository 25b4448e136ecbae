"""The figures of a report, drawn once for all of its documents."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from katoutcomes.report.content import ReportContent

THUMBNAIL_DPI = 40
"""300 pixels wide: enough to know a figure in a list, too little to read it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """One figure as files hold it.

    Attributes
    ----------
    svg : str
        One ``<svg>`` element with its title and text alternative.
    png, thumbnail : bytes
        The same as dots: 150 an inch, and few enough for a list of figures.
    """

    svg: str = field(repr=False)
    png: bytes = field(repr=False)
    thumbnail: bytes = field(repr=False)


def draw_pictures(content: ReportContent) -> dict[str, Picture]:
    """Return every figure of a report, drawn, by name."""
    return {
        figure.name: Picture(figure.svg(), figure.png(), figure.png(dpi=THUMBNAIL_DPI)) for figure in content.figures()
    }
