"""Every row of an export is either made into something or left out for one reason that can be counted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.readers.conversion import LeftOut
from katoutcomes.registry.readers.redcap.cells import FormRows, readable
from katoutcomes.registry.readers.redcap.dictionary import Dictionary
from katoutcomes.registry.readers.redcap.header import EVENT_COLUMN, form_of, status_column
from katoutcomes.registry.readers.redcap.patients import unread_description
from katoutcomes.registry.readers.redcap.records import SectionRows, event_is_mapped
from katoutcomes.registry.readers.redcap.settings import RedcapSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

EVENT_NOT_MAPPED = ("event_not_mapped", "must be an event that the mapping lists")
FORM_INCOMPLETE = ("form_incomplete", "must be 2 (complete); incomplete forms are not read")
FORM_UNVERIFIED = ("form_unverified", "must be 2 (complete); unverified forms are read only if the mapping says so")
FORM_EMPTY = ("form_empty", "a complete form must hold something that the mapping reads")
NOTHING_MAPPED = ("nothing_mapped", "a row must hold something that the mapping reads")

Reason = tuple[tuple[str, str], str]
"""Rule id with its description, and the column that decided it."""


def reasons(
    rows: FormRows, parts: Sequence[tuple[str, SectionRows]], settings: RedcapSettings, dictionary: Dictionary
) -> list[tuple[Reason, NDArray[Any]]]:
    """Return why forms were not read and in which rows, the reason that goes before all others first.

    Parameters
    ----------
    rows : FormRows
        All rows.
    parts : sequence of (str, SectionRows)
        Form and rows of each section.
    settings, dictionary
        The mapping and the fields.
    """
    import numpy as np

    listed = tuple(event.name for event in settings.events)
    found = [((EVENT_NOT_MAPPED, EVENT_COLUMN), ~event_is_mapped(rows, listed))]
    waiting = [(form, part.incomplete, part.unverified) for form, part in parts]
    waiting += _waiting_descriptions(rows, settings, dictionary)
    found += [((FORM_INCOMPLETE, status_column(form)), incomplete) for form, incomplete, _ in waiting]
    found += [((FORM_UNVERIFIED, status_column(form)), unverified) for form, _, unverified in waiting]
    found += [((FORM_EMPTY, status_column(form)), part.empty) for form, part in parts]
    found.append(((NOTHING_MAPPED, ""), np.ones(rows.n_rows, dtype=bool)))
    return found


def _waiting_descriptions(
    rows: FormRows, settings: RedcapSettings, dictionary: Dictionary
) -> list[tuple[str, NDArray[Any], NDArray[Any]]]:
    """Return the forms with fields of patients, and where they hold something and are incomplete or unverified."""
    found = []
    for source in settings.patient_columns:
        form = form_of(source.field, dictionary)
        if form and settings.has_form_status:
            waits = unread_description(rows, source, settings, dictionary) & ~readable(rows, form, settings)
            is_unverified = rows.status[form] == "1"
            found.append((form, waits & ~is_unverified, waits & is_unverified))
    return found


def left_out_rows(
    rows: FormRows, files: Sequence[str], is_used: NDArray[Any], found: Sequence[tuple[Reason, NDArray[Any]]]
) -> tuple[LeftOut, ...]:
    """Return every row that was made into nothing, under the first of its reasons."""
    remaining = ~is_used
    numbers: dict[tuple[int, Reason], list[NDArray[Any]]] = {}
    for reason, where in found:
        taken = remaining & where
        remaining = remaining & ~where
        for file in range(len(files)):
            chosen = rows.file_row[taken & (rows.file == file)]
            if len(chosen):
                numbers.setdefault((file, reason), []).append(chosen)
    return tuple(
        LeftOut(files[file], rule, column, text, _ascending(chosen))
        for (file, ((rule, text), column)), chosen in sorted(numbers.items())
    )


def _ascending(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    import numpy as np

    joined: NDArray[Any] = np.sort(np.concatenate(parts))
    return joined


def unread_notes(is_used: NDArray[Any], found: Sequence[tuple[Reason, NDArray[Any]]]) -> tuple[str, ...]:
    """Say which forms were not read in rows of which something else was made, so that no row is listed for them."""
    import numpy as np

    joined: dict[Reason, NDArray[Any]] = {}
    for reason, where in found:
        if reason[0] in (FORM_INCOMPLETE, FORM_UNVERIFIED, FORM_EMPTY):
            joined[reason] = joined.get(reason, np.zeros(len(is_used), dtype=bool)) | (where & is_used)
    return tuple(
        f"forms that were not read, in rows that were used for others: {int(where.sum())} "
        f"({column}: rule {rule}, {text})."
        for ((rule, text), column), where in joined.items()
        if where.any()
    )
