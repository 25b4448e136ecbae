"""The sentences below tables, and the words that tables share."""

from __future__ import annotations

from collections.abc import Iterable, Set
from typing import TYPE_CHECKING

from katoutcomes.results.formatting import (
    DOES_NOT_APPLY,
    HIDDEN,
    PERCENTAGE_POINTS,
    format_level,
    minimum_cell_of,
)
from katoutcomes.results.reasons import failed_reasons

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

SYNTHETIC_NOTE = "Synthetic data: made by a program, not by patients."
VERDICT = "Verdict: "
"""How the note on a verdict begins."""

ALL_PATIENTS = "all patients"


def group_label(subgroup: str) -> str:
    """Return the level of a group as a reader sees it.

    Examples
    --------
    >>> group_label("program_booked: with_integration"), group_label("covariate_trauma_history: yes"), group_label("")
    ('with integration', 'trauma history: yes', 'all patients')
    """
    if not subgroup:
        return ALL_PATIENTS
    level = subgroup.split(": ", 1)[-1]
    return in_words(subgroup.removeprefix("covariate_") if level in ("yes", "no") else level)


def level_label(result: ResultRecord, level: str) -> str:
    """Return the label of a group that an estimate names by its level alone, as treatment or comparator.

    "no" and "yes" become the name of what is not, or is, so: the result's groups say of what they are levels.
    """
    groups = (one.subgroup for one in result.estimates if one.subgroup.rpartition(": ")[2] == level)
    return group_label(next(groups, f": {level}"))


def in_words(name: str) -> str:
    """Return a name of the data with spaces for underscores."""
    return name.replace("_", " ")


def subgroups(estimates: Iterable[Estimate]) -> tuple[str, ...]:
    """Return the subgroups of estimates in order of appearance, everybody first."""
    found = dict.fromkeys(estimate.subgroup for estimate in estimates)
    return tuple(sorted(found, key=lambda subgroup: subgroup != ""))


def one(result: ResultRecord, **fields: str) -> Estimate | None:
    """Return the first estimate with these fields, or None."""
    found = result.select(**fields)
    return found[0] if found else None


def interval_words(result: ResultRecord) -> str:
    """Return how the limits of a result are called in headings, for example ``"95% CI"``."""
    levels = (estimate.conf_level for estimate in result.estimates)
    return next((f"{format_level(level)} CI" for level in levels if 0.0 < level < 1.0), "CI")


def footnotes(result: ResultRecord, rows: Iterable[tuple[str, ...]], *own: str) -> tuple[str, ...]:
    """Return the notes of one analysis, then what every table says: method, marks, verdict, synthetic data.

    Parameters
    ----------
    result : ResultRecord
        What the table shows.
    rows : iterable of tuple of str
        The cells, to explain the marks that stand in them and no others.
    *own : str
        Notes of this kind of table; empty ones are left out.
    """
    notes = [note for note in own if note]
    notes.append(f"Method: {result.method.name}.")
    notes += mark_notes({cell for row in rows for cell in row}, minimum_cell_of(result))
    notes += filter(None, [result.rounding_note])
    if result.verdict != "report":
        notes.append(f"{VERDICT}{result.verdict}. {' '.join(failed_reasons(result))}")
    notes += [f"Note: {warning}" for warning in result.warnings]
    if result.provenance.is_synthetic:
        notes.append(SYNTHETIC_NOTE)
    return tuple(notes)


def mark_notes(cells: Set[str], minimum_cell: int | None) -> list[str]:
    """Return what the marks mean that stand in some cells."""
    text = "\n".join(cells)
    notes = []
    if minimum_cell is not None and f"<{minimum_cell}" in text:
        notes.append(f"<{minimum_cell}: fewer than {minimum_cell}, so not shown.")
    if f" {PERCENTAGE_POINTS}" in text:
        notes.append(f"{PERCENTAGE_POINTS}: percentage points.")
    if HIDDEN in text:
        notes.append(f"{HIDDEN}: not shown, because a count below {minimum_cell} is in it or would follow from it.")
    if DOES_NOT_APPLY in cells:
        notes.append(f"{DOES_NOT_APPLY}: does not apply or cannot be worked out.")
    return notes
