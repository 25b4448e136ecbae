"""The cells of an export that the mapping needs: missing codes unknown, labels as codes, forms with their status.

Codes and labels are compared exactly. What is neither a choice of the field nor a missing code is kept apart, so that
the record that would be made of it is rejected and counted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.readers.redcap.dictionary import (
    CHOICE_KINDS,
    STATUS_CHOICES,
    Dictionary,
    checkbox_column,
    plain_label,
)
from katoutcomes.registry.readers.redcap.header import (
    EVENT_COLUMN,
    REPEAT_FORM_COLUMN,
    REPEAT_INSTANCE_COLUMN,
    field_columns,
    form_of,
    status_column,
    used_forms,
)
from katoutcomes.registry.readers.redcap.settings import RedcapSettings

if TYPE_CHECKING:
    from numpy.typing import NDArray

_TICKS: Mapping[str, str] = {"Checked": "1", "Unchecked": "0"}
_NOT_COMPLETED = "[not completed]"
"""What a survey's time stamp holds while the survey is open."""


@dataclass(frozen=True, slots=True, eq=False)
class ExportRows:
    """The rows of all files of an export, as they are.

    Attributes
    ----------
    cells : mapping of str to array of object
        Trimmed text by column, None where the cell is empty or the file has no such column.
    file, file_row : array of int
        File, as a position in the list of files, and data row from 1.
    """

    cells: Mapping[str, NDArray[Any]]
    file: NDArray[Any]
    file_row: NDArray[Any]

    def column(self, name: str) -> NDArray[Any]:
        """Return a column, all unknown where there is none."""
        import numpy as np

        return self.cells[name] if name in self.cells else np.full(len(self.file), None, dtype=object)


@dataclass(frozen=True, slots=True, eq=False)
class FormRows:
    """The rows of an export with every cell decoded.

    Attributes
    ----------
    record, event, repeated_form, instance : array of object
        Record id, event, repeating form, and number of the repeated form or event; None where there is none.
    values : mapping of str to array of object
        By column of the export: text, codes for choices, ``"1"`` and ``"0"`` for checkboxes; None where not known.
    not_a_choice : mapping of str to array of bool
        By column: whether the cell holds something that is none of the field's choices.
    status : mapping of str to array of object
        By form: ``"0"``, ``"1"``, ``"2"``, or None.
    file, file_row : array of int
        As in `ExportRows`.
    """

    record: NDArray[Any]
    event: NDArray[Any]
    repeated_form: NDArray[Any]
    instance: NDArray[Any]
    values: Mapping[str, NDArray[Any]]
    not_a_choice: Mapping[str, NDArray[Any]]
    status: Mapping[str, NDArray[Any]]
    file: NDArray[Any]
    file_row: NDArray[Any]

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.file)


def needed_columns(settings: RedcapSettings, dictionary: Dictionary) -> tuple[str, ...]:
    """Return the columns of an export that the mapping reads."""
    system = (settings.id_field, EVENT_COLUMN, REPEAT_FORM_COLUMN, REPEAT_INSTANCE_COLUMN)
    fields = [column for field in settings.fields() for column in field_columns(field, dictionary)]
    statuses = [status_column(form) for form in used_forms(settings, dictionary)]
    return tuple(dict.fromkeys((*system, *fields, *statuses)))


def decode_rows(rows: ExportRows, settings: RedcapSettings, dictionary: Dictionary) -> FormRows:
    """Return the rows with missing codes unknown and labels as codes.

    Parameters
    ----------
    rows : ExportRows
        The columns of `needed_columns`.
    settings : RedcapSettings
        The mapping.
    dictionary : Dictionary
        The choices.
    """
    values, not_a_choice = {}, {}
    for field in settings.fields():
        for column in field_columns(field, dictionary):
            decode, allowed = _decoding(field, column, settings, dictionary)
            values[column] = _each(rows.column(column), decode)
            if allowed is not None:
                not_a_choice[column] = _is_other(values[column], allowed)
    statuses = _status_decoding(settings)
    by_label = {plain_label(event.label): event.name for event in settings.events if event.label}
    return FormRows(
        record=rows.column(settings.id_field),
        event=_each(rows.column(EVENT_COLUMN), lambda text: by_label.get(plain_label(text), text)),
        repeated_form=_each(rows.column(REPEAT_FORM_COLUMN), _form_name if settings.has_labels else _same),
        instance=rows.column(REPEAT_INSTANCE_COLUMN),
        values=values,
        not_a_choice=not_a_choice,
        status={form: _each(rows.column(status_column(form)), statuses) for form in used_forms(settings, dictionary)},
        file=rows.file,
        file_row=rows.file_row,
    )


def label_columns(rows: ExportRows, settings: RedcapSettings, dictionary: Dictionary) -> dict[str, int]:
    """Return the columns of a raw export that hold labels, and in how many rows they do."""
    found = {}
    for field in settings.fields():
        entry = dictionary.fields.get(field)
        if entry is None or entry.kind not in CHOICE_KINDS:
            continue
        codes = {code for code, _ in entry.choices} | settings.missing_codes(field)
        labels = set(_TICKS) if entry.kind == "checkbox" else {label for _, label in entry.choices}
        for column in entry.export_columns:
            found[column] = _n_labels(rows.column(column), labels, codes)
    labels = {label for _, label in STATUS_CHOICES}
    for form in used_forms(settings, dictionary):
        found[status_column(form)] = _n_labels(rows.column(status_column(form)), labels, set())
    return {column: count for column, count in found.items() if count}


def readable(rows: FormRows, form: str, settings: RedcapSettings) -> NDArray[Any]:
    """Return in which rows the status of a form allows it to be read; everywhere for what belongs to no form."""
    import numpy as np

    if not form or not settings.has_form_status:
        return np.ones(rows.n_rows, dtype=bool)
    status = rows.status[form]
    found: NDArray[Any] = status == "2"
    return found | (status == "1") if settings.reads_unverified else found


def read_field(rows: FormRows, field: str, settings: RedcapSettings, dictionary: Dictionary) -> NDArray[Any]:
    """Return a field that is no checkbox, unknown where its form must not be read."""
    return known_where(readable(rows, form_of(field, dictionary), settings), rows.values[field])


def is_known(values: NDArray[Any]) -> NDArray[Any]:
    """Return where an array of objects holds something."""
    import numpy as np

    return np.array([value is not None for value in values.tolist()], dtype=bool)


def known_where(where: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
    """Return an array of objects that is unknown everywhere else."""
    kept = values.copy()
    kept[~where] = None
    return kept


def _decoding(
    field: str, column: str, settings: RedcapSettings, dictionary: Dictionary
) -> tuple[Callable[[str], str | None], frozenset[str] | None]:
    """Return how a cell of a column is decoded, and what it may be then; None for anything."""
    missing = settings.missing_codes(field)
    entry = dictionary.fields.get(field)
    if entry is None or entry.kind not in CHOICE_KINDS:
        return lambda text: None if text in missing or text == _NOT_COMPLETED else text, None
    if entry.kind == "checkbox":
        label = next(
            (plain_label(name) for code, name in entry.choices if column == checkbox_column(entry.name, code)), ""
        )
        ticks = {**_TICKS, label: "1"} if settings.has_labels else {}
        return lambda text: None if text in missing else ticks.get(plain_label(text), text), frozenset({"0", "1"})
    by_label = {label: code for code, label in entry.choices} if settings.has_labels else {}
    codes = frozenset(code for code, _ in entry.choices)

    def decode(text: str) -> str | None:
        code = by_label.get(plain_label(text), text)
        return None if text in missing or code in missing else code

    return decode, codes


def _status_decoding(settings: RedcapSettings) -> Callable[[str], str | None]:
    by_label = {label: code for code, label in STATUS_CHOICES} if settings.has_labels else {}
    return lambda text: by_label.get(text, text)


def _same(text: str) -> str:
    return text


def _form_name(label: str) -> str:
    """Return the unique name that REDCap makes of the label of a form."""
    return re.sub(r"[^a-z0-9]+", "_", plain_label(label).lower()).strip("_")


def _each(values: NDArray[Any], decode: Callable[[str], str | None]) -> NDArray[Any]:
    """Decode each different text once."""
    import numpy as np

    known = {text: decode(text) for text in set(values.tolist()) if text is not None}
    decoded = np.empty(len(values), dtype=object)
    decoded[:] = [known.get(text) for text in values.tolist()]
    return decoded


def _is_other(values: NDArray[Any], allowed: frozenset[str]) -> NDArray[Any]:
    import numpy as np

    return np.array([text is not None and text not in allowed for text in values.tolist()], dtype=bool)


def _n_labels(values: NDArray[Any], labels: set[str], codes: set[str]) -> int:
    counts = Counter(text for text in values.tolist() if text is not None and text not in codes)
    return sum(count for text, count in counts.items() if plain_label(text) in labels)
