"""What a column of the schema holds in every row of an export, and which rules its cells break already here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.readers.redcap.cells import FormRows, known_where, readable
from katoutcomes.registry.readers.redcap.dictionary import CHOICE_KINDS, Dictionary, DictionaryField, checkbox_column
from katoutcomes.registry.readers.redcap.header import form_of
from katoutcomes.registry.readers.redcap.settings import ColumnSource, RedcapSettings
from katoutcomes.registry.tables import PATIENTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

NOT_A_CHOICE = ("not_a_choice", "must be one of the codes that the data dictionary lists")
NOT_DECODED = ("not_decoded", "must be a code that the mapping translates")
SEVERAL_TICKED = ("several_ticked", "must not be ticked more than once, because the schema holds one value")


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """One column of the schema, and in which rows which rule is broken.

    Attributes
    ----------
    values : array of object
        Text, None where it is not known.
    broken : mapping of (str, str) to array of bool
        By rule id and description.
    """

    values: NDArray[Any]
    broken: Mapping[tuple[str, str], NDArray[Any]]

    def at(self, rows: NDArray[Any]) -> Cells:
        """Return the cells of some rows, given by position."""
        return Cells(self.values[rows], {rule: where[rows] for rule, where in self.broken.items()})


def text_array(parts: Iterable[object]) -> NDArray[Any]:
    """Return an array of objects."""
    import numpy as np

    listed = list(parts)
    found = np.empty(len(listed), dtype=object)
    found[:] = listed
    return found


def source_cells(rows: FormRows, source: ColumnSource, settings: RedcapSettings, dictionary: Dictionary) -> Cells:
    """Return what a column source gives in every row; unknown where the form of its field must not be read."""
    import numpy as np

    entry = dictionary.fields.get(source.field)
    if source.value:
        return Cells(np.full(rows.n_rows, source.value, dtype=object), {})
    if source.arms:
        return _arm_cells(rows, source)
    may_read = readable(rows, form_of(source.field, dictionary), settings)
    if entry is not None and entry.kind == "checkbox":
        found = _checkbox_cells(rows, source, entry)
    else:
        found = _coded_cells(rows, source, entry)
    broken = {rule: where & may_read for rule, where in found.broken.items()}
    return Cells(known_where(may_read, found.values), broken)


def _arm_cells(rows: FormRows, source: ColumnSource) -> Cells:
    """Return what the number of the arm means, which is the end of the event's name."""
    arms = text_array(None if event is None else event.rpartition("_arm_")[2] for event in rows.event.tolist())
    return _translated(arms, dict(source.arms))


def _coded_cells(rows: FormRows, source: ColumnSource, entry: DictionaryField | None) -> Cells:

    column = source.field
    values = rows.values[column]
    broken = {}
    if entry is not None and entry.kind in CHOICE_KINDS:
        wrong = rows.not_a_choice[column]
        values = known_where(~wrong, values)
        broken[NOT_A_CHOICE] = wrong
    found = _translated(values, dict(source.codes)) if source.codes else Cells(values, {})
    return Cells(found.values, {**broken, **found.broken})


def _translated(values: NDArray[Any], meanings: Mapping[str, str]) -> Cells:
    """Translate codes; the empty text stands for “not known”."""
    import numpy as np

    texts = values.tolist()
    unknown = np.array([text is not None and text not in meanings for text in texts], dtype=bool)
    return Cells(
        text_array(None if text is None else meanings.get(text) or None for text in texts), {NOT_DECODED: unknown}
    )


def _checkbox_cells(rows: FormRows, source: ColumnSource, entry: DictionaryField) -> Cells:
    """Return a flag of one choice, or what the ticked choices mean together.

    Nothing ticked is ambiguous: the question may never have been shown. For a flag it means no where the form is
    complete, and nothing elsewhere.
    """
    import numpy as np

    ticked = {code: rows.values[checkbox_column(entry.name, code)] == "1" for code, _ in entry.choices}
    wrong = np.zeros(rows.n_rows, dtype=bool)
    for column in entry.export_columns:
        wrong |= rows.not_a_choice[column]
    if source.choice:
        return Cells(_flag(rows, source, entry, ticked), {NOT_A_CHOICE: wrong})
    meanings = dict(source.codes) or {code: code for code in ticked}
    undecoded = np.zeros(rows.n_rows, dtype=bool)
    joined: list[list[str]] = [[] for _ in range(rows.n_rows)]
    for code, where in ticked.items():
        undecoded |= where if code not in meanings else False
        for row in np.flatnonzero(where) if meanings.get(code) else ():
            joined[row].append(meanings[code])
    values = text_array(";".join(dict.fromkeys(parts)) or None for parts in joined)
    broken = {NOT_A_CHOICE: wrong, NOT_DECODED: undecoded}
    if not _holds_list(source.name):
        several = np.array([len(set(parts)) > 1 for parts in joined], dtype=bool)
        values = known_where(~several, values)
        broken[SEVERAL_TICKED] = several
    return Cells(values, broken)


def _flag(
    rows: FormRows, source: ColumnSource, entry: DictionaryField, ticked: Mapping[str, NDArray[Any]]
) -> NDArray[Any]:
    import numpy as np

    any_ticked = np.zeros(rows.n_rows, dtype=bool)
    for where in ticked.values():
        any_ticked |= where
    is_no = rows.values[checkbox_column(entry.name, source.choice)] == "0"
    is_no &= any_ticked | (rows.status[entry.form] == "2")
    flags = np.full(rows.n_rows, None, dtype=object)
    flags[is_no] = "0"
    flags[ticked[source.choice]] = "1"
    return flags


def _holds_list(name: str) -> bool:
    """Return whether a column of patients holds several codes at once."""
    column = PATIENTS.column(name)
    return column is not None and column.kind == "codes"
