"""A figure: what it shows as a table, what it says as text, and how it is drawn."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError
from katoutcomes.figures.drawing.style import PAGE_WIDTH, drawing_settings
from katoutcomes.results.part import Cell

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as MatplotlibFigure

_NAME = re.compile(r"[a-z][a-z0-9_]*")


def figure_name(*words: str) -> str:
    """Return words as the name of a figure: lower case, digits and underscores.

    Examples
    --------
    >>> figure_name("trajectory", "PHQ-9", "")
    'trajectory_phq_9'
    """
    joined = "_".join(word for word in words if word)
    return re.sub(r"[^a-z0-9]+", "_", joined.lower()).strip("_")


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """A figure that knows its data and its text alternative.

    Attributes
    ----------
    name : str
        File stem and prefix of the identifiers in its SVG: lower case letters, digits and underscores.
    title : str
        What stands above it.
    alt_text : str
        What somebody who cannot see it needs to know, numbers included.
    columns : tuple of str
        Columns of `rows`.
    rows : tuple of tuple
        Exactly what is drawn. None means "does not apply"; a hidden count is text such as ``"<11"``.
    drawing : callable
        Returns a new matplotlib figure each time it is called.

    Notes
    -----
    The same figure gives the same bytes in every run with the same version of matplotlib. Text is drawn as outlines, so
    that it looks the same where the font is missing; `alt_text` is inside the SVG as its description.

    Examples
    --------
    >>> from katoutcomes.figures.drawing.layout import new_page
    >>> figure = Figure("empty", "Nothing", "An empty page.", ("x",), ((1.5,),), lambda: new_page(72, 72).figure)
    >>> figure.csv().splitlines()
    ['x', '1.5']
    >>> figure.svg() == figure.svg()
    True
    """

    name: str
    title: str
    alt_text: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    drawing: Callable[[], MatplotlibFigure] = field(repr=False)

    def __repr__(self) -> str:
        return f"<Figure {self.title!r}: {len(self.rows)} rows; .save(folder), .svg(), .png(), .csv(), .alt_text>"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise OptionError("the name of a figure is made of lower case letters, digits and underscores.")

    def matplotlib_figure(self) -> MatplotlibFigure:
        """Return a new matplotlib figure, to be changed at will; this record keeps its own drawing."""
        with drawing_settings(self.name):
            return self.drawing()

    def axes(self) -> tuple[Axes, ...]:
        """Return the axes of a new matplotlib figure; ``axes()[0].figure`` is that figure."""
        return tuple(self.matplotlib_figure().axes)

    def svg(self) -> str:
        """Return the figure as one ``<svg>`` element, fit for a file and for the inside of an HTML page."""
        with drawing_settings(self.name):
            return self._svg(self.drawing())

    def png(self, dpi: int = 150) -> bytes:
        """Return the figure as a PNG picture of `dpi` dots an inch."""
        with drawing_settings(self.name):
            return _png(self.drawing(), dpi)

    def svg_and_png(self, dpi: int = 150) -> tuple[str, bytes]:
        """Return what `svg` and `png` return, which takes less time than to draw the figure for each of them."""
        with drawing_settings(self.name):
            drawn = self.drawing()
            return self._svg(drawn), _png(drawn, dpi)

    def _svg(self, drawn: MatplotlibFigure) -> str:
        from io import StringIO

        # Without a value matplotlib writes the date and its own version.
        nothing = dict.fromkeys(("Creator", "Date", "Format", "Type"))
        written = StringIO()
        drawn.savefig(written, format="svg", metadata=nothing)
        return _accessible_svg(written.getvalue(), self.name, self.title, self.alt_text)

    def csv(self) -> str:
        """Return what is drawn as comma-separated text with a header line."""
        import csv
        from io import StringIO

        written = StringIO()
        writer = csv.writer(written, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([_csv_cell(cell) for cell in row] for row in self.rows)
        return written.getvalue()

    def save(self, folder: str | Path) -> tuple[Path, ...]:
        """Write ``name.svg``, ``name.png``, ``name.csv`` and ``name.txt`` (the text alternative) and return the paths.

        Parameters
        ----------
        folder : str or Path
            Where to; made if it is not there.

        Raises
        ------
        OptionError
            If `folder` looks like the name of a picture: four files are written, each with its own ending.
        """
        place = Path(folder)
        if place.suffix.lower() in {".svg", ".png", ".pdf", ".jpg", ".csv", ".txt"}:
            raise OptionError(f"save() takes a folder and writes {self.name}.svg, .png, .csv and .txt into it.")
        place.mkdir(parents=True, exist_ok=True)
        svg, png = self.svg_and_png()
        contents = {
            "svg": svg.encode(),
            "png": png,
            "csv": self.csv().encode(),
            "txt": f"{self.alt_text}\n".encode(),
        }
        paths = []
        for suffix, content in contents.items():
            path = place / f"{self.name}.{suffix}"
            path.write_bytes(content)
            paths.append(path)
        return tuple(paths)

    def _repr_html_(self) -> str:
        return f'<div style="max-width: {PAGE_WIDTH:g}pt">{self.svg()}</div>'


def _png(drawn: MatplotlibFigure, dpi: int) -> bytes:
    from io import BytesIO

    written = BytesIO()
    drawn.savefig(written, format="png", dpi=dpi, metadata={"Software": None})
    return written.getvalue()


def _csv_cell(cell: Cell) -> Cell:
    """Return a cell with 12 significant digits, enough for every use and free of the noise of the last bits."""
    return f"{cell:.12g}" if isinstance(cell, float) else cell


def _accessible_svg(drawn: str, name: str, title: str, alt_text: str) -> str:
    """Name the picture and describe it, and keep its identifiers and its style rule to itself.

    Several figures may stand in one HTML page, where identifiers must be unique and where matplotlib's style rule for
    ``*`` would reach every element.
    """
    prefix = f"f{sha256(name.encode()).hexdigest()[:6]}"  # short: it stands before every glyph
    start = drawn.index("<svg ")
    body = re.sub(r'\bid="([^"]+)"', rf'id="{prefix}-\1"', drawn[start:])
    body = re.sub(r'(href="#|url\(#)', rf"\g<1>{prefix}-", body)
    body = body.replace('<style type="text/css">*{', f'<style type="text/css">#{name} *{{', 1)
    opening = f'<svg id="{name}" role="img" aria-labelledby="{name}-title {name}-desc" '
    end = body.index(">") + 1
    description = (
        f'\n <title id="{name}-title">{escape(title, quote=False)}</title>'
        f'\n <desc id="{name}-desc">{escape(alt_text, quote=False)}</desc>'
    )
    return opening + body[len("<svg ") : end] + description + body[end:]
