"""`summary.md`: the report in tables and sentences, for a page that shows no images."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.report.wording import DISCLAIMER, SYNTHETIC, VERDICTS

if TYPE_CHECKING:
    from katoutcomes.report.content import ReportContent, Section

SYNTHETIC_NOTE = f"**{SYNTHETIC}**"


def report_markdown(content: ReportContent) -> str:
    """Return the report as Markdown; figures appear as their alt text."""
    blocks = [f"# {content.title}"]
    if content.is_synthetic:
        blocks.append(SYNTHETIC_NOTE)
    blocks.append("\n".join(f"- {sentence}" for sentence in content.headline))
    blocks.append(content.key_numbers.to_markdown())
    for section in content.sections:
        blocks.extend(_section_blocks(section))
    blocks.append("## Words used here")
    blocks.append("\n".join(f"- **{word}.** {meaning}" for word, meaning in content.glossary))
    blocks.append(DISCLAIMER)
    return "\n\n".join(blocks) + "\n"


def _section_blocks(section: Section) -> list[str]:
    blocks = [f"{'#' * section.level} {section.title}"]
    if section.question:
        blocks.append(f"*Question.* {section.question}")
    if section.verdict in VERDICTS:
        blocks.append(f"**{VERDICTS[section.verdict]}**")
    blocks.extend(section.sentences)
    if section.bullets:
        blocks.append("\n".join(f"- {bullet}" for bullet in section.bullets))
    blocks.extend(table.to_markdown() for table in section.tables)
    blocks.extend(f"*Figure: {figure.title}.* {figure.alt_text}" for figure in section.figures)
    return blocks
