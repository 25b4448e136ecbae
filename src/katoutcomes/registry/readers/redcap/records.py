"""Rows of an export become rows of the tables of the schema, form by form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.registry.readers.conversion import ConvertedTable, RowProblem
from katoutcomes.registry.readers.redcap.cells import FormRows, is_known, read_field, readable
from katoutcomes.registry.readers.redcap.column_cells import NOT_DECODED, Cells, source_cells, text_array
from katoutcomes.registry.readers.redcap.dictionary import Dictionary, checkbox_column
from katoutcomes.registry.readers.redcap.header import field_columns, form_of
from katoutcomes.registry.readers.redcap.moments import section_moments
from katoutcomes.registry.readers.redcap.settings import RedcapSettings, Section
from katoutcomes.registry.tables import TABLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

INSTANCE_MISSING = ("instance_missing", "must be known: a row of a repeating form needs redcap_repeat_instance")


@dataclass(frozen=True, slots=True, eq=False)
class SectionRows:
    """Which rows a section reads, and which it does not although the form was used.

    Attributes
    ----------
    read, incomplete, unverified, empty : array of bool
        Of all rows of the export; at most one is true in a row.
    """

    read: NDArray[Any]
    incomplete: NDArray[Any]
    unverified: NDArray[Any]
    empty: NDArray[Any]


def row_key(record: str | None, event: str | None, form: str, instance: str | None, *more: str) -> str | None:
    """Return the key of a form in a row: the same in every export of the project; None without a record id.

    Examples
    --------
    >>> row_key("17", "visit_arm_1", "phq9", None), row_key("17", None, "session", "3")
    ('17/visit_arm_1/phq9', '17/session/3')
    """
    if record is None:
        return None
    return "/".join(part for part in (record, event, form, instance, *more) if part is not None)


def event_is_mapped(rows: FormRows, events: Sequence[str]) -> NDArray[Any]:
    """Return which rows belong to one of the events; all of them where none is named."""
    import numpy as np

    named = set(events)
    return np.array([not named or event in named for event in rows.event.tolist()], dtype=bool)


def section_rows(rows: FormRows, section: Section, settings: RedcapSettings, dictionary: Dictionary) -> SectionRows:
    """Return which rows become records of a section.

    A form holds something if one of its mapped fields does; a checkbox that is not ticked is nothing. The status of the
    form then decides.
    """
    here = ~is_known(rows.repeated_form) | (rows.repeated_form == section.form)
    here &= event_is_mapped(rows, section.events or tuple(event.name for event in settings.events))
    filled = here & _is_filled(rows, section, dictionary)
    if not settings.has_form_status:
        return SectionRows(filled, here & False, here & False, here & False)
    status = rows.status[section.form]
    read = filled & readable(rows, section.form, settings)
    unverified = filled & ~read & (status == "1")
    return SectionRows(read, filled & ~read & ~unverified, unverified, here & ~filled & (status == "2"))


def _is_filled(rows: FormRows, section: Section, dictionary: Dictionary) -> NDArray[Any]:
    import numpy as np

    filled = np.zeros(rows.n_rows, dtype=bool)
    fields = [section.moment_field, section.time_field, *(source.field for source in section.columns)]
    for field in dict.fromkeys(field for field in fields if field and form_of(field, dictionary) == section.form):
        is_checkbox = field in dictionary.fields and dictionary.fields[field].kind == "checkbox"
        for column in field_columns(field, dictionary):
            values = rows.values[column]
            filled |= (values == "1") if is_checkbox else is_known(values)
    return filled


def section_table(
    rows: FormRows, section: Section, read: NDArray[Any], settings: RedcapSettings, dictionary: Dictionary
) -> ConvertedTable:
    """Return the records of a section.

    Parameters
    ----------
    rows : FormRows
        All rows.
    section : Section
        The section.
    read : array of bool
        The rows it reads; see `section_rows`.
    settings, dictionary
        The mapping and the fields.
    """
    import numpy as np

    chosen, codes, terms = _ticked_terms(rows, section, read, dictionary)
    cells = {
        source.name: source_cells(rows, source, settings, dictionary).at(chosen)
        for source in section.columns
        if terms is None or source.name != "term"
    }
    cells |= {"term": terms} if terms is not None else {}
    columns = {name: found.values for name, found in cells.items()}
    moments, clocks = section_moments(rows, section, settings, dictionary)
    columns[settings.moment] = moments[chosen]
    columns |= {"time": clocks[chosen]} if section.schema.column("time") is not None else {}
    columns |= _keys(rows, section, chosen, codes)
    columns |= _session_keys(rows, section, settings, dictionary, chosen)
    lacks_instance = (is_known(rows.repeated_form) & ~is_known(rows.instance))[chosen]
    broken = [(name, rule, where) for name, found in cells.items() for rule, where in found.broken.items()]
    broken.append((section.schema.key, INSTANCE_MISSING, lacks_instance))
    problems = tuple(
        RowProblem(rule, name, text, np.flatnonzero(where)) for name, (rule, text), where in broken if where.any()
    )
    return ConvertedTable(section.schema, columns, rows.file[chosen], rows.file_row[chosen], problems)


def _ticked_terms(
    rows: FormRows, section: Section, read: NDArray[Any], dictionary: Dictionary
) -> tuple[NDArray[Any], list[str], Cells | None]:
    """Return the rows of the records; where terms are the choices of a checkbox, one record for each that is ticked."""
    import numpy as np

    source = next((source for source in section.columns if source.name == "term"), None)
    entry = dictionary.fields.get(source.field) if source is not None else None
    if source is None or entry is None or entry.kind != "checkbox":
        return np.flatnonzero(read), [], None
    meanings = dict(source.codes) or {code: code for code, _ in entry.choices}
    found = [
        (int(row), code)
        for code, _ in entry.choices
        for row in np.flatnonzero(read & (rows.values[checkbox_column(entry.name, code)] == "1"))
        if meanings.get(code, "-")  # a choice that stands for “none of these” is translated as the empty text
    ]
    chosen = np.array([row for row, _ in found], dtype=np.int64)
    values = text_array(meanings.get(code) for _, code in found)
    return chosen, [code for _, code in found], Cells(values, {NOT_DECODED: ~is_known(values)})


def _keys(rows: FormRows, section: Section, chosen: NDArray[Any], codes: list[str]) -> dict[str, NDArray[Any]]:
    more: list[tuple[str, ...]] = [(code,) for code in codes] or [()] * len(chosen)
    own = (section.key_part,) if section.key_part else ()
    record, event, form, instance = (
        values[chosen].tolist() for values in (rows.record, rows.event, rows.repeated_form, rows.instance)
    )
    keys = [
        None
        if form[row] is not None and instance[row] is None
        else row_key(record[row], event[row], section.form, instance[row], *own, *more[row])
        for row in range(len(chosen))
    ]
    return {section.schema.key: text_array(keys), "patient_id": text_array(record)}


def _session_keys(
    rows: FormRows, section: Section, settings: RedcapSettings, dictionary: Dictionary, chosen: NDArray[Any]
) -> dict[str, NDArray[Any]]:
    """Return the key of the session that a score or an adverse event names."""
    link = section.link
    if link is None:
        return {}
    instance = (read_field(rows, link.instance_field, settings, dictionary) if link.instance_field else rows.instance)[
        chosen
    ].tolist()
    events = [link.event or event for event in rows.event[chosen].tolist()]
    keys = [
        None if number is None and link.instance_field else row_key(record, event, link.form, number)
        for record, event, number in zip(rows.record[chosen].tolist(), events, instance, strict=True)
    ]
    return {"session_id": text_array(keys)}


def joined_tables(tables: Sequence[ConvertedTable]) -> tuple[ConvertedTable, ...]:
    """Return one table for each table of the schema, from the records of all sections."""
    by_name = {schema.name: [table for table in tables if table.schema is schema] for schema in TABLES}
    return tuple(_joined(parts) for parts in by_name.values() if parts)


def _joined(parts: Sequence[ConvertedTable]) -> ConvertedTable:
    import numpy as np

    names = dict.fromkeys(name for part in parts for name in part.columns)
    starts = np.cumsum([0, *(part.n_rows for part in parts)])
    columns = {
        name: np.concatenate(
            [part.columns.get(name, np.full(part.n_rows, None, dtype=object)) for part in parts]
        ).astype(object)
        for name in names
    }
    problems: dict[tuple[str, str, str], list[NDArray[Any]]] = {}
    for part, start in zip(parts, starts, strict=False):
        for problem in part.problems:
            kind = (problem.rule, problem.column, problem.description)
            problems.setdefault(kind, []).append(problem.positions + start)
    return ConvertedTable(
        parts[0].schema,
        columns,
        np.concatenate([part.file for part in parts]),
        np.concatenate([part.file_row for part in parts]),
        tuple(RowProblem(*kind, np.concatenate(where)) for kind, where in problems.items()),
    )
