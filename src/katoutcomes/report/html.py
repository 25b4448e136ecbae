"""`report.html`: one self-contained page."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from katoutcomes.report.content import ReportContent


def report_html(content: ReportContent) -> str:
    """Return the page as text; figures are inline, nothing is fetched from anywhere."""
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
    return template.render(content=content, style=markup(style))
