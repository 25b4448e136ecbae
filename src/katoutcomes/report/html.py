"""`report.html`: one self-contained page."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

from katoutcomes.report.wording import DISCLAIMER, SYNTHETIC, VERDICTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from katoutcomes.report.content import ReportContent
    from katoutcomes.report.pictures import Picture


def report_html(content: ReportContent, pictures: Mapping[str, Picture]) -> str:
    """Return the page as text; figures are inline, nothing is fetched from anywhere.

    Parameters
    ----------
    content : ReportContent
    pictures : mapping of str to Picture
        Its figures, drawn, by name.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    def markup(text: str) -> Markup:
        # Tables and figures escape their own text; everything else is escaped by the template.
        return Markup(text)  # noqa: S704

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["markup"] = markup
    templates = files("katoutcomes.report") / "templates"
    template = environment.from_string((templates / "report.html.j2").read_text(encoding="utf-8"))
    style = (templates / "report.css").read_text(encoding="utf-8")
    return template.render(
        content=content,
        pictures=pictures,
        style=markup(style),
        disclaimer=DISCLAIMER,
        synthetic=SYNTHETIC,
        verdicts=VERDICTS,
    )
