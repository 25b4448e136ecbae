"""What a report says, before it becomes a page: sentences, tables and figures made from released results."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from katoutcomes.report import sentences
from katoutcomes.report.glossary import glossary
from katoutcomes.report.lead_page import key_numbers
from katoutcomes.report.other_instruments import brief_reasons, brief_sentences, brief_table, told_in_full
from katoutcomes.report.repetition import without_repetition
from katoutcomes.report.time_and_sites import SITES, TIME, chapter_figures, chapter_sentences, chapter_tables
from katoutcomes.results.disclosure import DEFAULT_POLICY, DisclosurePolicy, require_released

if TYPE_CHECKING:
    from katoutcomes.figures.figure import Figure
    from katoutcomes.results.collection import Results
    from katoutcomes.results.result import ReleasedResult, Result
    from katoutcomes.tables.table import Table

GATES = "quality_gates"
"""The result that says which limits of quality of a plan are kept."""

CANNOT_SAY = "What this cannot say"

_OF_THE_COHORT: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "safety": ("safety", "Adverse events and the safety of sessions"),
        "care_pathway": ("care-pathway", "The steps of care"),
    }
)
"""Analyses that a plan may ask of the cohort → anchor and heading; they stand after the instruments and cohorts."""

_FURTHER: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "mmrm": ("mmrm", "all visits in one model"),
    }
)
"""Analyses that a plan may ask of an instrument → end of the anchor and of the heading."""

_COHORTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "compare_cohorts": ("comparison", "the cohorts compared, with safeguards"),
    }
)
"""The same for what stands in the chapter on cohorts."""

_LOSSES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "dropout": ("dropout", "who was lost, and when"),
    }
)
"""The same for what stands in the chapter on losses."""


@dataclass(frozen=True, slots=True)
class Section:
    """One heading and what stands under it.

    Attributes
    ----------
    id : str
        Anchor in the page and stem of file names.
    title : str
        The heading.
    level : int
        2 for a section, 3 for one inside it.
    question : str
        The estimand in a sentence, or ``""``.
    verdict : str
        "report", "with caution" or "withhold"; ``""`` where nothing is judged.
    sentences : tuple of str
        Paragraphs.
    bullets : tuple of str
        A list under the paragraphs.
    tables : tuple of Table
    figures : tuple of Figure
    """

    id: str
    title: str
    level: int = 2
    question: str = ""
    verdict: str = ""
    sentences: tuple[str, ...] = ()
    bullets: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    figures: tuple[Figure, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportContent:
    """Everything that a page shows.

    Attributes
    ----------
    title : str
    is_synthetic : bool
        Whether the data are synthetic; the page says so at the top.
    headline : tuple of str
        The report in a handful of sentences.
    key_numbers : Table
        The numbers of page one.
    glossary : tuple of (str, str)
        Words that need explaining, and what they mean.
    sections : tuple of Section
        Flow first, what this cannot say last.
    results : tuple of ReleasedResult
        What everything was made from.
    disclosure : DisclosurePolicy
        What they were released with.
    earlier_release : str
        Title of the release that they were held against; ``""`` for none.
    """

    title: str
    is_synthetic: bool
    headline: tuple[str, ...]
    key_numbers: Table
    glossary: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]
    results: tuple[ReleasedResult, ...]
    disclosure: DisclosurePolicy = DEFAULT_POLICY
    earlier_release: str = ""

    def figures(self) -> tuple[Figure, ...]:
        """Return every figure, in order."""
        return tuple(figure for section in self.sections for figure in section.figures)

    def tables(self) -> tuple[Table, ...]:
        """Return every table, in order, the one of page one first."""
        return (self.key_numbers, *(table for section in self.sections for table in section.tables))


def report_content(results: Results) -> ReportContent:
    """Arrange released results into a report.

    Raises
    ------
    DisclosureError
        If one of them has not been released.
    """
    released = require_released(results)
    in_full = told_in_full(results)
    sections = [
        *_population_sections(results),
        *(section for name in in_full for section in _instrument_sections(results, name)),
        *_brief_sections(results, tuple(name for name in results.instruments() if name not in in_full)),
        *_chapter("cohorts", "The cohorts compared", _cohort_sections(results, in_full)),
        *_chapter("over-time", "Quarter by quarter", _chapter_sections(results, TIME, "over-time", "over time")),
        *_chapter("sites", "The sites", _chapter_sections(results, SITES, "sites", "the sites beside each other")),
        *_of_the_cohort(results),
        *_chapter("losses", "Who was lost", _sections_of(results, _LOSSES)),
        *_quality_section(results),
        Section("methods", "Methods", bullets=sentences.methods(results)),
        Section("provenance", "Where the numbers come from", bullets=sentences.provenance(results)),
        *_chapter("limits", "What each analysis takes for granted", _limit_sections(results)),
        Section("cannot-say", CANNOT_SAY, bullets=sentences.ALWAYS_TRUE),
    ]
    return ReportContent(
        title=results.title,
        is_synthetic=any(result.provenance.is_synthetic for result in released),
        headline=sentences.headline(results),
        key_numbers=key_numbers(results),
        glossary=glossary(results),
        sections=without_repetition(sections, results),
        results=released,
        disclosure=results.disclosure,
        earlier_release=results.earlier_release,
    )


def _limit_sections(results: Results) -> list[Section]:
    return [
        Section(f"limits-{number}", f"In “{name}”", level=3, bullets=assumptions)  # no heading stands twice
        for number, (name, assumptions) in enumerate(sentences.limits_of_analyses(results).items(), start=1)
    ]


def _population_sections(results: Results) -> list[Section]:
    found: list[Section] = []
    if results.has("participant_flow"):
        flow = results.of("participant_flow")
        found.append(
            Section(
                "flow",
                "Who this report is about",
                sentences=(sentences.flow_sentence(flow),),
                tables=(flow.to_table(),),
                figures=(flow.plot(),),
            )
        )
    if results.has("describe"):
        description = results.of("describe")
        found.append(
            Section(
                "description",
                "Who they were before the first dose",
                verdict=description.verdict,
                sentences=(sentences.description_sentence(description),),
                bullets=sentences.failed_checks(description),
                tables=(description.to_table(),),
            )
        )
    return found


def _of_the_cohort(results: Results) -> list[Section]:
    return [
        _plain_section(results.of(analysis), anchor, title)
        for analysis, (anchor, title) in _OF_THE_COHORT.items()
        if results.has(analysis)
    ]


def _chapter(anchor: str, title: str, sections: list[Section]) -> list[Section]:
    """Return sections of level 3 under a heading of their own; nothing where there are none."""
    return [Section(anchor, title), *sections] if sections else []


def _sections_of(results: Results, analyses: Mapping[str, tuple[str, str]]) -> list[Section]:
    """Return the sections of some analyses, instrument by instrument."""
    return [
        _plain_section(results.of(analysis, name), f"{_anchor(name)}-{anchor}", f"{name}: {title}", level=3)
        for name in results.instruments()
        for analysis, (anchor, title) in analyses.items()
        if results.has(analysis, name)
    ]


def _chapter_sections(results: Results, analysis: str, anchor: str, title: str) -> list[Section]:
    """Return the sections of time or of sites, instrument by instrument, with all their tables and figures."""
    return [
        Section(
            f"{_anchor(name)}-{anchor}",
            f"{name}: {title}",
            level=3,
            question=result.estimand.sentence(),
            verdict=result.verdict,
            sentences=chapter_sentences(result),
            bullets=sentences.failed_checks(result),
            tables=chapter_tables(result),
            figures=chapter_figures(result),
        )
        for name in results.instruments()
        if results.has(analysis, name)
        for result in [results.of(analysis, name)]
    ]


def _cohort_sections(results: Results, in_full: tuple[str, ...]) -> list[Section]:
    compared = {
        name: results.of("cohort_difference", name)
        for name in results.instruments()
        if results.has("cohort_difference", name)
    }
    found = [_difference_section(compared[name], name) for name in compared if name in in_full]
    brief = [name for name in compared if name not in in_full]
    if brief:
        found.append(
            Section(
                "other-instruments-difference",
                f"The other instruments: {sentences.contrast_title(compared[brief[0]])}",
                level=3,
                sentences=tuple(f"{name}: {sentences.difference_sentence(compared[name])}" for name in brief),
            )
        )
    return found + _sections_of(results, _COHORTS)


def _difference_section(difference: Result | ReleasedResult, name: str) -> Section:
    return Section(
        f"{_anchor(name)}-difference",
        f"{name}: {sentences.contrast_title(difference)}",
        level=3,
        question=difference.estimand.sentence(),
        verdict=difference.verdict,
        sentences=(sentences.difference_sentence(difference),),
        bullets=sentences.failed_checks(difference),
        tables=(difference.to_table(),),
    )


def _brief_sections(results: Results, names: tuple[str, ...]) -> list[Section]:
    """Return the instruments that are not told in full, in one table, and what else the plan asks of them."""
    if not names:
        return []
    brief = Section(
        "other-instruments",
        "The other instruments",
        sentences=brief_sentences(results, names),
        bullets=brief_reasons(results, names),
        tables=(brief_table(results, names),),
    )
    return [brief, *(section for name in names for section in _further_sections(results, name, level=3))]


def _instrument_sections(results: Results, name: str) -> list[Section]:
    anchor = _anchor(name)
    found = _change_section(results, name, is_primary=name == results.instruments()[0])
    if results.has("clinical_significance", name):
        significance = results.of("clinical_significance", name)
        found.append(
            Section(
                f"{anchor}-clinical-significance",
                f"{name}: what the change meant for patients",
                level=3,
                question=significance.estimand.sentence(),
                verdict=significance.verdict,
                sentences=(sentences.significance_sentence(significance),),
                bullets=sentences.significance_remarks(significance),
                tables=(significance.to_table(),),
                figures=(significance.plot("jacobson"),),
            )
        )
    return found + _further_sections(results, name, level=3 if found else 2)


def _change_section(results: Results, name: str, *, is_primary: bool) -> list[Section]:
    if not results.has("change_from_baseline", name):
        return []
    change = results.of("change_from_baseline", name)
    return [
        Section(
            f"{_anchor(name)}-change",
            f"{name}: change from baseline" + (" (primary instrument)" if is_primary else ""),
            question=change.estimand.sentence(),
            verdict=change.verdict,
            sentences=tuple(filter(None, (sentences.change_sentence(change), sentences.curves_note(change)))),
            bullets=sentences.failed_checks(change),
            tables=(change.to_table(),),
            figures=(change.plot("trajectory"), change.plot("paired_change")),
        )
    ]


def _further_sections(results: Results, name: str, level: int) -> list[Section]:
    """Return what a plan asks of an instrument beyond the usual: its question, verdict, checks, figure and table."""
    return [
        _plain_section(results.of(analysis, name), f"{_anchor(name)}-{anchor}", f"{name}: {title}", level)
        for analysis, (anchor, title) in _FURTHER.items()
        if results.has(analysis, name)
    ]


def _plain_section(result: Result | ReleasedResult, anchor: str, title: str, level: int = 2) -> Section:
    return Section(
        anchor,
        title,
        level=level,
        question=result.estimand.sentence(),
        verdict=result.verdict,
        bullets=(*sentences.failed_checks(result), *result.warnings),
        tables=(result.to_table(),),
        figures=(result.plot(),),
    )


def _quality_section(results: Results) -> list[Section]:
    if not results.has("data_quality"):
        return []
    quality = results.of("data_quality")
    return [
        Section(
            "data-quality",
            "The data as they arrived",
            sentences=(sentences.quality_sentence(quality),),
            bullets=(*results.notes, *sentences.gate_sentences(results)),
            tables=(quality.to_table(), *(results.of(GATES).to_table() for _ in range(results.has(GATES)))),
        )
    ]


def _anchor(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())
