"""Which instruments a report tells in full, and what it says of the others in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.report import sentences
from katoutcomes.tables.instruments_in_brief import instruments_in_brief

if TYPE_CHECKING:
    from katoutcomes.results.collection import Results
    from katoutcomes.results.result import ResultRecord
    from katoutcomes.tables.table import Table

_CHANGE, _MEANING = "change_from_baseline", "clinical_significance"


def told_in_full(results: Results) -> tuple[str, ...]:
    """Return the instruments that the plan asks for in full, else the first; also those of which no change is known."""
    names = results.instruments()
    chosen = [name for name in names if name in results.in_full] or names[:1]
    return tuple(name for name in names if name in chosen or not results.has(_CHANGE, name))


def brief_sentences(results: Results, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return one paragraph an instrument: its change and what that meant, at the last visit."""
    said = []
    for name in names:
        paragraph = sentences.change_sentence(results.of(_CHANGE, name))
        if results.has(_MEANING, name):
            paragraph += f" {sentences.significance_sentence(results.of(_MEANING, name))}"
        said.append(f"{name}: {paragraph}")
    return tuple(said)


def brief_reasons(results: Results, names: tuple[str, ...]) -> tuple[str, ...]:
    """Return why to be cautious with which instrument."""
    return tuple(f"{name}: {reason}" for name in names for reason in sentences.failed_checks(results.of(_CHANGE, name)))


def brief_table(results: Results, names: tuple[str, ...]) -> Table:
    """Return the table of the other instruments."""
    meanings: list[ResultRecord] = [results.of(_MEANING, name) for name in names if results.has(_MEANING, name)]
    return instruments_in_brief([results.of(_CHANGE, name) for name in names], meanings)
