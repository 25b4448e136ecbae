"""The load stage: cells become values, dates become day numbers, keys of patients become integers.

The SQL is put together here from the schema, because which item and covariate columns there are, and of which type,
depends on the input. It holds names of columns, and with what all numbered keys of a column begin, but no value of the
data.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from katoutcomes.registry.checking.cells import SMALL_WHOLE_TYPES, WHOLE_TYPES, cell_value
from katoutcomes.registry.checking.rules import PATIENT_REJECTED, age_band
from katoutcomes.registry.checking.score_columns import ScoreColumns, quoted
from katoutcomes.registry.checking.score_totals import final_total
from katoutcomes.registry.engines.key_numbers import NO_KEY
from katoutcomes.registry.engines.numbered_keys import NumberedKeys
from katoutcomes.registry.tables import SCORES, SESSIONS, Column, TableSchema

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.instruments.instrument import Instrument

_NO_CODE = "''"
_NO_NUMBER = -1
"""In the place of the number of a key that is none of the patients'."""
_ORIGIN = "date '1970-01-01'"


@dataclass(frozen=True, slots=True)
class StagedTable:
    """A table before its rows are judged: which columns it has, and how they lie in the engine.

    Attributes
    ----------
    schema : TableSchema
        Which table.
    relation : str
        The engine's relation: ``staged_<table>`` or ``text_<table>``.
    stored : mapping of str to str
        DuckDB type of every column of the relation.
    given : tuple of Column
        The columns of the schema that the input has, families included.
    plain : frozenset of str
        Columns that are known to be plain text.
    full : frozenset of str
        Columns that are known to be filled in every row.
    numbered : mapping of str to NumberedKeys
        Columns of keys that are known to be numbered.
    patients : NumberedKeys or None
        The form of the keys of the table of patients where they are numbered.
    numbers : mapping of str to ndarray of int32
        The numbers of keys that have been read already, in the order of the rows.
    """

    schema: TableSchema
    relation: str
    stored: Mapping[str, str]
    given: tuple[Column, ...]
    plain: frozenset[str]
    full: frozenset[str]
    numbered: Mapping[str, NumberedKeys] = field(default_factory=dict)
    patients: NumberedKeys | None = None
    numbers: Mapping[str, NDArray[np.int32]] = field(default_factory=dict)

    @property
    def is_tied_by_number(self) -> bool:
        """Whether numbers that have been read already tell of each row what its key and its patient are."""
        is_read = {self.schema.key, "patient_id"} <= self.numbers.keys()
        return is_read and self.numbered.get("patient_id") == self.patients

    @property
    def names_sessions(self) -> bool:
        """Whether its rows may name a session that they belong to."""
        return self.schema is not SESSIONS and _has(self, "session_id")

    @property
    def own_keys(self) -> NumberedKeys | None:
        """The form of the keys of its rows where they are numbered."""
        return self.numbered.get(self.schema.key)

    @property
    def own_key(self) -> str:
        """The SQL of the key of a row: its number where keys are numbered."""
        return self.own_keys.number(self.schema.key) if self.own_keys is not None else self.schema.key

    @property
    def patient_key(self) -> str:
        """The SQL of what tells patients apart: the number of the key where those of the patients are numbered."""
        if self.patients is None:
            return "patient_id"
        if self.numbered.get("patient_id") == self.patients:
            return self.patients.number("patient_id")
        return self.patients.number_of_any("patient_id", _NO_NUMBER)

    @property
    def families(self) -> tuple[Column, ...]:
        """The columns of the families."""
        return self.schema.family_columns(tuple(column.name for column in self.given))

    @property
    def item_numbers(self) -> tuple[int, ...]:
        """The numbers of the item columns."""
        if self.schema is not SCORES:
            return ()
        return tuple(int(column.name.removeprefix("item_")) for column in self.families)

    def value(self, column: Column) -> str:
        """Return the SQL of a column's value."""
        return cell_value(column, self.stored.get(column.name, "VARCHAR"))

    def column(self, name: str) -> Column:
        """Return a column that the schema has."""
        found = self.schema.column(name)
        if found is None:
            raise KeyError(name)
        return found


def score_columns(table: StagedTable, scales: tuple[Instrument, ...], prorating: Mapping[str, str]) -> ScoreColumns:
    """Return the cells that scores are made of."""
    names = {number: f"item_{number}" for number in table.item_numbers}
    return ScoreColumns(
        scales=scales,
        items={number: table.value(table.column(name)) for number, name in names.items()},
        item_is_filled={number: f"({name} is not null)" for number, name in names.items()},
        total=table.value(table.column("total")),
        prorating=prorating,
        has_whole_totals=table.stored.get("total") in WHOLE_TYPES,
    )


def typed_patients_query(table: StagedTable) -> str:
    """Return the query of patients with a value where a cell passes its checks, NULL elsewhere."""
    values = {column.name: table.value(column) for column in (*table.schema.columns, *table.families)}
    values["age_band"] = f"coalesce(age_band, {age_band(values['age_years'])})"
    cells = ", ".join(f"{value} as {name}" for name, value in values.items())
    return f"select input_row, {table.patient_key} as patient_key, {cells} from {table.relation}"


def session_days_query(table: StagedTable) -> str:
    """Return the query that shows of each session the day, as the files count, and whether it is one of dosing."""
    patient = "" if table.is_tied_by_number else "patient_id as patient_key, "
    cells = f"{table.schema.code} as input_row, {patient}day_number, {_IS_DOSING}"
    return f"select {cells} from values_{table.schema.name}"


def linked_query(table: StagedTable) -> str:
    """Return the query that shows of the rows of an event table what they are judged by among each other."""
    schema = table.schema
    minute = "minute" if _has(table, "time") else "cast(null as integer)"
    own_key = schema.key if _has(table, schema.key) else "cast(null as integer)"  # numbers have the order of their keys
    further = {
        SCORES.name: f", instrument as scale, {minute} as minute, {own_key} as own_key",
        SESSIONS.name: f", {_IS_DOSING}",
    }
    cells = f"{schema.code} as input_row, patient, day as day_number{further.get(schema.name, '')}"
    return f"select {cells} from kept_{schema.name}"


_IS_DOSING = "cast(coalesce(kind = 'dosing', false) as tinyint) as is_dosing"


def named_sessions_query(table: StagedTable) -> str:
    """Return the query of the rows that name a session."""
    cells = f"{table.schema.number} as file, input_row, session_id"
    return f"select {cells} from {table.relation} where session_id is not null"


def patients_query(table: StagedTable, *, has_dates: bool) -> str:
    """Return the query that makes the accepted `patients`; where there are dates their quarter is worked out."""
    cells = []
    for column in (*table.schema.columns, *table.families):
        if column.name == "index_quarter" and has_dates:
            cells.append("coalesce(q.year || 'Q' || q.quarter, t.index_quarter) as index_quarter")
        elif column.kind == "code":
            cells.append(f"cast(t.{column.name} as {_enumeration(column.codes)}) as {column.name}")
        else:
            cells.append(f"t.{column.name}")
    return (
        f"select c.patient, {', '.join(cells)} from typed_patients as t "
        "inner join patient_codes as c on t.input_row = c.input_row and c.patient is not null "
        + ("left join index_quarters as q on c.patient = q.patient" if has_dates else "")
    )


def events_query(table: StagedTable, scores: ScoreColumns | None) -> str:
    """Return the query that ties the rows of an event table to their patients and sessions, the broken ones included.

    They are judged where they lie, and the broken ones are deleted: of millions of rows there is no second copy. Those
    of no known patient are left to `materialize_strangers`. Days count from the index day where it is known. Columns
    that the input lacks are left to `events_view`.

    Parameters
    ----------
    table : StagedTable
        Of an event table.
    scores : ScoreColumns or None
        The cells of scores.
    """
    joins = "inner join placed_patients as c on t.patient_id = c.patient_key"
    if table.names_sessions:
        joins += " left join named_keys as s on t.session_id = s.session_id"
    cells = _event_cells(table, scores, f"t.{table.schema.key}")
    return f"select {cells} from values_{table.schema.name} as t {joins}"


def tied_events_query(table: StagedTable, scores: ScoreColumns | None) -> str:
    """Return the same of the sound rows, what they are tied to beside them in ``ties``, row by row.

    Sessions are still named by their keys, because a row that is joined with anything does not keep its place.

    Parameters
    ----------
    table : StagedTable
        Of an event table that `is_tied_by_number`.
    scores : ScoreColumns or None
        The cells of scores.
    """
    own_key = f"nullif(c.own_key, {NO_KEY}) as {table.schema.key}"
    cells = _event_cells(table, scores, own_key, linked=("patient_id", "day", "time"))
    return f"select {cells} from values_{table.schema.name} as t positional join ties as c where c.is_sound"


def named_events_query(relation: str) -> str:
    """Return the query that ties rows that name sessions by their keys to these."""
    named = f"{relation} as t left join named_keys as s on t.session_id = s.session_id"
    return f"select t.* exclude (session_id), {_LINKED['session_id']} as session from {named}"


def tied_rejected_query(table: StagedTable) -> str:
    """Return what stage 02 shows of the other rows, those of sessions."""
    patient, day = _LINKED["patient_id"], _LINKED["day"]
    cells = f"t.{table.schema.code} as input_row, {patient} as patient, {day} as day_number, {_IS_DOSING}"
    return f"select {cells} from values_{table.schema.name} as t positional join ties as c where not c.is_sound"


def _event_cells(
    table: StagedTable, scores: ScoreColumns | None, own_key: str, linked: Collection[str] | None = None
) -> str:
    """Return the columns that an event table is kept with, from the values ``t`` of its rows and what is tied to it."""
    linked = _LINKED.keys() if linked is None else linked
    cells = []
    for column in _stored_columns(table, scores):
        if column.name == table.schema.key:
            cells.append(own_key)
        elif column.name in linked:
            cells.append(f"{_LINKED[column.name]} as {_accepted_name(table, column.name)}")
        else:
            cells.append(f"t.{column.name}")
    words = scores.packed.words if scores is not None else ()
    return ", ".join([f"t.{table.schema.code}", *cells, *words])


def values_query(table: StagedTable, scores: ScoreColumns | None, scale: str | None = None) -> str:
    """Return the query of ``values_<table>``: the rows of an event table with the value of each cell.

    Every cell has its value before a row is tied to its patient: what is narrow and few is joined sooner. Keys that
    have been read already are left out.

    Parameters
    ----------
    table : StagedTable
        Of an event table.
    scores : ScoreColumns or None
        The cells of scores.
    scale : str, optional
        The SQL of the number of a score's scale; by default it is looked up, which may change the order of the rows.
    """
    cells = [f"cast(t.input_row as int) as {table.schema.code}", f"{_day_number(table)} as day_number"]
    relation = f"{table.relation} as t"
    if scores is not None:
        staged = _with_whole_items(table, scores)
        if scale is None:
            relation = f"{staged} as t left join catalog_names as n on t.instrument = n.name"
        else:
            relation = f"(select *, {scale} as scale from {staged}) as t"
        scores = replace(scores, items={number: f"t.item_{number}" for number in scores.items})
        cells += [f"{scores.packed.word(word, scores.items)} as {word}" for word in scores.packed.words]
    left_out = {"day", *((table.schema.key, "patient_id") if table.is_tied_by_number else ())}
    for column in _stored_columns(table, scores):
        if column.name not in left_out:
            cells.append(f"{_accepted_value(table, column, scores)} as {column.name}")
    return f"select {', '.join(cells)} from {relation}"


def _with_whole_items(table: StagedTable, scores: ScoreColumns) -> str:
    """Return the staged scores with the value of each item in its place, which is worked out once."""
    values = {
        f"item_{number}": value
        for number, value in scores.items.items()
        if table.stored.get(f"item_{number}") not in SMALL_WHOLE_TYPES
    }
    replaced = ", ".join(f"try_cast({value} as smallint) as {name}" for name, value in values.items())
    return f"(select * replace ({replaced}) from {table.relation})" if values else table.relation


def events_view(table: StagedTable, scores: ScoreColumns | None) -> str:
    """Return the query that shows the rows of an event table with every column of the schema, lacking ones empty.

    A column that the input lacks takes no memory this way, and no time.
    """
    cells = [table.schema.code]
    for column in _accepted_columns(table):
        name, lacking = _accepted_name(table, column.name), _lacking_type(table, column, scores)
        if lacking is not None:
            cells.append(f"cast(null as {lacking}) as {name}")
        elif scores is not None and name.startswith("item_"):
            cells.append(f"{scores.packed.item(int(name.removeprefix('item_')), scores.item_type)} as {name}")
        elif name == table.schema.key and table.own_keys is not None:
            cells.append(f"{table.own_keys.text(name)} as {name}")
        elif scores is not None and name == "total":
            cells.append("cast(total as double) as total")
        else:
            cells.append(f"cast({name} as integer) as {name}" if _narrow_type(column) else name)
    return f"select {', '.join(cells)} from kept_{table.schema.name}"


def _accepted_columns(table: StagedTable) -> list[Column]:
    return [column for column in (*table.schema.columns, *table.families) if column.name != "date"]


def _stored_columns(table: StagedTable, scores: ScoreColumns | None) -> list[Column]:
    """Return the columns that an event table is kept with; items are kept as words."""
    return [
        column
        for column in _accepted_columns(table)
        if _lacking_type(table, column, scores) is None and not column.name.startswith("item_")
    ]


def _lacking_type(table: StagedTable, column: Column, scores: ScoreColumns | None) -> str | None:
    """Return the type of a column that is empty throughout, because the input lacks it; None for the others."""
    name = column.name
    if name in ("patient_id", "day") or _has(table, name):
        return None
    if scores is not None and name == "version" and not any(scale.versions for scale in scores.scales):
        return _enumeration(())
    if scores is not None and name in ("instrument", "version", "total"):
        return None
    return "tinyint" if column.kind in _NUMBERS or name == "session_id" else _enumeration(())


def _narrow_type(column: Column) -> str | None:
    """Return the type that holds every accepted value of a whole number or a flag; None where that is not known."""
    if column.kind == "flag":
        return "tinyint"
    is_narrow = column.kind == "integer" and column.low is not None and column.high is not None and column.high < 2**15
    return "smallint" if is_narrow else None


def _accepted_name(table: StagedTable, name: str) -> str:
    if name == table.schema.key:
        return name
    return {"patient_id": "patient", "time": "minute", "session_id": "session"}.get(name, name)


_LINKED: Mapping[str, str] = {
    "patient_id": f"cast(coalesce(c.patient, {PATIENT_REJECTED}) as int)",
    "day": "cast(t.day_number - c.index_day as int)",
    "time": "try_cast(cast(t.day_number - c.index_day as bigint) * 1440 + t.time as int)",
    "session_id": "s.session",
}
"""Columns that depend on the patient or the session that a row names."""


def _accepted_value(table: StagedTable, column: Column, scores: ScoreColumns | None) -> str:
    """Return the SQL of the value of a cell."""
    name, value = column.name, table.value(column)
    if scores is not None and name in ("instrument", "version", "total"):
        return _score_cell(name, scores)
    if name == table.schema.key:
        return table.own_key
    if name == "patient_id":
        return table.patient_key
    if column.kind in ("key", "term"):
        return f"t.{name}"
    if column.kind == "code":
        return f"try_cast({value} as {_enumeration(column.codes)})"
    narrow = _narrow_type(column)
    return f"try_cast({value} as {narrow})" if narrow else value


def _score_cell(name: str, scores: ScoreColumns) -> str:
    if name == "total":
        return final_total(scores)
    if name == "instrument":
        enumeration = _enumeration([scale.id for scale in scores.scales])
        return scores.by_scale(lambda scale: f"cast('{scale.id}' as {enumeration})", f"cast(null as {enumeration})")
    enumeration = _enumeration(sorted({version for scale in scores.scales for version in scale.versions}))
    first = scores.by_scale(
        lambda scale: f"cast({quoted(scale.versions[0])} as {enumeration})" if scale.versions else "null"
    )
    return f"coalesce(try_cast(version as {enumeration}), {first})"


_NUMBERS = ("integer", "number", "flag", "day", "time")


def _has(table: StagedTable, name: str) -> bool:
    return any(column.name == name for column in table.given)


def _enumeration(values: Sequence[str]) -> str:
    return f"enum({', '.join(quoted(value) for value in values) or _NO_CODE})"


def _day_number(table: StagedTable) -> str:
    """Return the days since an origin; relative days stay as they are."""
    date = f"cast({table.value(table.column('date'))} - {_ORIGIN} as integer)"
    return date if _has(table, "date") else table.value(table.column("day"))
