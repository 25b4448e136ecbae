"""One patient for each record of a project, put together from the forms that describe it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.readers.conversion import ConvertedTable, RowProblem
from katoutcomes.registry.readers.redcap.cells import FormRows, is_known, known_where
from katoutcomes.registry.readers.redcap.column_cells import Cells, source_cells, text_array
from katoutcomes.registry.readers.redcap.dictionary import Dictionary
from katoutcomes.registry.readers.redcap.header import form_of
from katoutcomes.registry.readers.redcap.records import event_is_mapped
from katoutcomes.registry.readers.redcap.settings import ColumnSource, RedcapSettings
from katoutcomes.registry.tables import PATIENTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

DIFFERS = ("same_in_all_rows", "must be the same in all rows of a record")


def patient_table(
    rows: FormRows, made_record: NDArray[Any], settings: RedcapSettings, dictionary: Dictionary
) -> tuple[ConvertedTable, NDArray[Any]]:
    """Return the patients, and the rows that describe them.

    A record becomes a patient if a form that describes it may be read, or if anything else was made of it. Where two
    rows of a record say different things, all become rows of the table, and the load rejects them.

    Parameters
    ----------
    rows : FormRows
        All rows.
    made_record : array of bool
        Rows of which sessions, scores or adverse events were made.
    settings, dictionary
        The mapping and the fields.
    """
    import numpy as np

    cells = {
        source.name: source_cells(rows, source, settings, dictionary).at(np.arange(rows.n_rows))
        for source in settings.patient_columns
    }
    describes = _describing_rows(rows, cells, settings, dictionary)
    for source in settings.patient_columns:
        if form_of(source.field, dictionary):
            cells[source.name] = _only(cells[source.name], describes)
    used = np.flatnonzero(describes | made_record)
    # Rows that describe a patient come first, so that the patient's origin is one of them.
    used = np.concatenate([used[describes[used]], used[~describes[used]]])
    return _merged(rows, {name: found.at(used) for name, found in cells.items()}, used, describes[used]), describes


def _describing_rows(
    rows: FormRows, cells: Mapping[str, Cells], settings: RedcapSettings, dictionary: Dictionary
) -> NDArray[Any]:
    import numpy as np

    found = np.zeros(rows.n_rows, dtype=bool)
    for source in settings.patient_columns:
        if form_of(source.field, dictionary):
            found |= is_known(cells[source.name].values)
            for where in cells[source.name].broken.values():
                found |= where
    found &= event_is_mapped(rows, settings.patient_events or tuple(event.name for event in settings.events))
    return found


def _only(cells: Cells, where: NDArray[Any]) -> Cells:
    return Cells(known_where(where, cells.values), {rule: broken & where for rule, broken in cells.broken.items()})


def _merged(rows: FormRows, cells: Mapping[str, Cells], used: NDArray[Any], describes: NDArray[Any]) -> ConvertedTable:
    """Return one row for each record, or all rows that describe it where they contradict each other."""
    import numpy as np

    records = rows.record[used].tolist()
    values = {name: _first_values(records, found.values.tolist()) for name, found in cells.items()}
    torn = {record for _, differing in values.values() for record in differing}
    kept = _kept_rows(records, describes.tolist(), torn)
    columns = {"patient_id": text_array(records[position] for position in kept)}
    for name, (first, _) in values.items():
        own = cells[name].values
        columns[name] = text_array(
            own[position] if records[position] is None or records[position] in torn else first.get(records[position])
            for position in kept
        )
    places = np.array(kept, dtype=np.int64)
    problems = _problems(records, kept, cells, {name: differing for name, (_, differing) in values.items()})
    return ConvertedTable(PATIENTS, columns, rows.file[used][places], rows.file_row[used][places], problems)


def _kept_rows(records: list[Any], describes: list[bool], torn: set[Any]) -> list[int]:
    """Return the first row of each record, every further row that describes a torn one, and rows without a record."""
    kept, seen = [], set()
    for position, record in enumerate(records):
        if record is None or record not in seen or (record in torn and describes[position]):
            kept.append(position)
        seen.add(record)
    return kept


def _first_values(records: list[Any], values: list[Any]) -> tuple[dict[Any, Any], set[Any]]:
    """Return the value of each record, and the records that have two."""
    first: dict[Any, Any] = {}
    differing = set()
    for record, value in zip(records, values, strict=True):
        if value is not None and record is not None and first.setdefault(record, value) != value:
            differing.add(record)
    return first, differing


def _problems(
    records: list[Any], kept: list[int], cells: Mapping[str, Cells], differing: Mapping[str, set[Any]]
) -> tuple[RowProblem, ...]:
    import numpy as np

    found = []
    for name, column in cells.items():
        for (rule, text), where in column.broken.items():
            hit = {records[position] for position in np.flatnonzero(where)}
            found.append((rule, name, text, [row for row, position in enumerate(kept) if records[position] in hit]))
        rows = [row for row, position in enumerate(kept) if records[position] in differing[name]]
        found.append((DIFFERS[0], name, DIFFERS[1], rows))
    return tuple(
        RowProblem(rule, name, text, np.array(rows, dtype=np.int64)) for rule, name, text, rows in found if rows
    )


def unread_description(
    rows: FormRows, source: ColumnSource, settings: RedcapSettings, dictionary: Dictionary
) -> NDArray[Any]:
    """Return the rows in which a field of patients holds something that must not be read."""
    import numpy as np

    form = form_of(source.field, dictionary)
    if not form or not settings.has_form_status:
        return np.zeros(rows.n_rows, dtype=bool)
    filled = np.zeros(rows.n_rows, dtype=bool)
    entry = dictionary.fields.get(source.field)
    for column in entry.export_columns if entry is not None else (source.field,):
        values = rows.values[column]
        filled |= (values == "1") if entry is not None and entry.kind == "checkbox" else is_known(values)
    return filled
