"""What a report says once: whom it is about, that data are synthetic, and why a number needs caution."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from katoutcomes.tables.footnotes import SYNTHETIC_NOTE, VERDICT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from katoutcomes.report.content import Section
    from katoutcomes.results.collection import Results
    from katoutcomes.tables.table import Table

_ADVICE = "; pass "
"""Before what a note advises those who call a function."""
_PATIENTS = "the patients of this report"


def without_repetition(sections: Iterable[Section], results: Results) -> tuple[Section, ...]:
    """Return sections that leave out what the reader was told before.

    Who the patients are stands in the first section only; below a table there is neither the reason for caution that
    stands above it, nor that the data are synthetic, which every page says, nor what to type in a program.

    Parameters
    ----------
    sections : iterable of Section
    results : Results
        What they are made of.
    """
    population = results.of("participant_flow").estimand.population if results.has("participant_flow") else ""
    return tuple(_told_once(section, population) for section in sections)


def _told_once(section: Section, population: str) -> Section:
    question = section.question.replace(f"in {population}", f"in {_PATIENTS}") if population else section.question
    sentences = section.sentences
    if population and section.id == "flow":
        sentences = (*sentences, f"Patients of this report: {population}.")
    said = " ".join(sentences)
    return replace(
        section,
        question=question,
        sentences=sentences,
        bullets=tuple(bullet for bullet in section.bullets if bullet not in said),
        tables=tuple(_with_new_notes(table, (*section.bullets, said)) for table in section.tables),
    )


def _with_new_notes(table: Table, said: tuple[str, ...]) -> Table:
    """Return a table without the notes that repeat the section; `said` is its bullets, then its sentences."""
    has_reasons = len(said) > 1
    notes = []
    for note in table.footnotes:
        text = note if _ADVICE not in note else note.partition(_ADVICE)[0].removesuffix(".") + "."
        is_told = text.removeprefix("Note: ") in " ".join(said)
        if text != SYNTHETIC_NOTE and not is_told and not (has_reasons and text.startswith(VERDICT)):
            notes.append(text)
    return replace(table, footnotes=tuple(notes))
