"""The figures of a report, drawn once for all of its documents."""

from __future__ import annotations

from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from katoutcomes.report.content import ReportContent

THUMBNAIL_WIDTH = 300
"""In pixels: enough to know a figure in a list, too little to read it."""


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
    drawn = {figure.name: figure.svg_and_png() for figure in content.figures()}
    return {name: Picture(svg, png, _thumbnail(png)) for name, (svg, png) in drawn.items()}


def _thumbnail(png: bytes) -> bytes:
    """Return a picture made small, which takes less time than to draw the figure again."""
    from PIL import Image  # comes with matplotlib

    with Image.open(BytesIO(png)) as picture:
        height = max(1, round(picture.height * THUMBNAIL_WIDTH / picture.width))
        small = picture.convert("RGB").resize((THUMBNAIL_WIDTH, height), Image.Resampling.LANCZOS)
    written = BytesIO()
    small.save(written, format="PNG")
    return written.getvalue()
