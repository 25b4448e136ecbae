"""The sections of a mapping file for REDCap, as frozen records.

A section says which form becomes rows of which table. Whatever a row holds comes from a `ColumnSource`: a field, its
codes translated where needed, or a constant.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from katoutcomes.errors import OptionError
from katoutcomes.instruments.catalog import instrument
from katoutcomes.instruments.instrument import Instrument
from katoutcomes.instruments.toml_table import TomlTable
from katoutcomes.registry.readers.raw_rows import ENCODINGS, SEPARATORS, FileDialect
from katoutcomes.registry.tables import ADVERSE_EVENTS, PATIENTS, SCORES, SESSIONS, TableSchema

GROUP_COLUMN = "redcap_data_access_group"
"""The column that names the data access group of a record."""

_FROM_THE_READER = frozenset({"patient_id", "session_id", "score_id", "event_id", "day", "date", "time"})
"""Columns that a section does not set: keys are made from record, event, form and instance."""


@dataclass(frozen=True, slots=True)
class ColumnSource:
    """Where a column of the schema comes from.

    Attributes
    ----------
    name : str
        Column of the schema.
    field : str
        Field of the project; ``""`` where `value` or `arms` says it.
    value : str
        The same text in every row; ``""`` for none.
    choice : str
        For a checkbox field: the code of the one choice that is read as a flag.
    codes : tuple of (str, str)
        Code of the field and what the schema calls it; empty where a code means itself.
    arms : tuple of (str, str)
        Number of the arm and what the schema calls it.
    """

    name: str
    field: str = ""
    value: str = ""
    choice: str = ""
    codes: tuple[tuple[str, str], ...] = ()
    arms: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class EventSetting:
    """An event of a longitudinal project: its unique name, its label in label exports, and when it is."""

    name: str
    label: str
    date_field: str
    day: int | None


@dataclass(frozen=True, slots=True)
class MissingCodes:
    """Codes that mean “not known”, in the named fields or, where none is named, in all."""

    codes: tuple[str, ...]
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SessionLink:
    """How a score or an adverse event names its session.

    Attributes
    ----------
    form : str
        Form of the session.
    event : str
        Its event; ``""`` for the event of the row itself.
    instance_field : str
        Field that holds the number of the session; ``""`` for the instance of the row itself.
    """

    form: str
    event: str
    instance_field: str


@dataclass(frozen=True, slots=True)
class Section:
    """A form that becomes rows of one table.

    Attributes
    ----------
    schema : TableSchema
        Which table.
    form : str
        Unique name of the form.
    events : tuple of str
        The events in which it is read; empty for all.
    moment_field, time_field : str
        Field that holds the date or the day, and the time; ``""`` for none.
    columns : tuple of ColumnSource
        Everything else.
    link : SessionLink or None
        Session of a score or an adverse event.
    instrument : Instrument or None
        For scores.
    key_part : str
        What tells its records from those of an earlier section of the same form and table; ``""`` for the first.
    """

    schema: TableSchema
    form: str
    events: tuple[str, ...]
    moment_field: str
    time_field: str
    columns: tuple[ColumnSource, ...]
    link: SessionLink | None = None
    instrument: Instrument | None = None
    key_part: str = ""


@dataclass(frozen=True, slots=True)
class RedcapSettings:
    """Everything that a mapping file says about a REDCap project.

    Attributes
    ----------
    data, dictionary : tuple of str, str
        Names of the files.
    dialect : FileDialect
        How the data files are written.
    id_field : str
        Field that names a record.
    has_labels : bool
        Whether cells hold labels instead of codes.
    date_order : {"YMD", "MDY", "DMY"}
        How dates are written.
    moment : {"date", "day"}
        How rows say when.
    has_form_status : bool
        Whether ``<form>_complete`` decides which forms are read.
    reads_unverified : bool
        Whether forms with status 1 are read.
    missing : tuple of MissingCodes
        What means “not known”.
    events : tuple of EventSetting
        The events that are read; empty for all.
    patient_events : tuple of str
        The events in which fields of patients are read; empty for all.
    patient_columns : tuple of ColumnSource
        Columns of the table of patients.
    sections : tuple of Section
        Sessions, scores and adverse events.
    """

    data: tuple[str, ...]
    dictionary: str
    dialect: FileDialect
    id_field: str
    has_labels: bool
    date_order: str
    moment: str
    has_form_status: bool
    reads_unverified: bool
    missing: tuple[MissingCodes, ...]
    events: tuple[EventSetting, ...]
    patient_events: tuple[str, ...]
    patient_columns: tuple[ColumnSource, ...]
    sections: tuple[Section, ...]

    def missing_codes(self, field: str) -> frozenset[str]:
        """Return the codes that mean “not known” in a field."""
        entries = (entry for entry in self.missing if not entry.fields or field in entry.fields)
        return frozenset(code for entry in entries for code in entry.codes)

    def fields(self) -> tuple[str, ...]:
        """Return every field that the mapping names, each once."""
        named = [source.field for source in self.patient_columns]
        for section in self.sections:
            named += [section.moment_field, section.time_field, *(source.field for source in section.columns)]
            named += [section.link.instance_field] if section.link else []
        named += [event.date_field for event in self.events]
        return tuple(dict.fromkeys(field for field in named if field))


def read_settings(table: TomlTable) -> RedcapSettings:
    """Read section ``[redcap]``; problems are noted in the table, and the caller raises them."""
    redcap = table.table("redcap")
    moment = redcap.choice("time", ("date", "day"), default="date")
    patients = redcap.table("patients", is_required=False)
    settings = RedcapSettings(
        data=redcap.texts("data"),
        dictionary=redcap.text("dictionary"),
        dialect=FileDialect(
            encoding=redcap.choice("encoding", ENCODINGS, default="utf-8"),
            separator=redcap.choice("separator", SEPARATORS, default=","),
        ),
        id_field=redcap.text("id_field"),
        has_labels=redcap.choice("values", ("raw", "labels"), default="raw") == "labels",
        date_order=redcap.choice("date_order", ("YMD", "MDY", "DMY"), default="YMD"),
        moment=moment,
        has_form_status=redcap.choice("form_status", ("required", "ignored"), default="required") == "required",
        reads_unverified=redcap.choice("unverified_forms", ("left_out", "read"), default="left_out") == "read",
        missing=tuple(_missing_codes(entry) for entry in redcap.tables("missing")),
        events=tuple(_event(entry, moment) for entry in redcap.tables("event")),
        patient_events=patients.texts("events", default=()),
        patient_columns=_columns(patients, PATIENTS),
        sections=_sections(redcap, moment),
    )
    patients.finish()
    redcap.finish()
    _note_contradictions(redcap, settings)
    return settings


def _missing_codes(table: TomlTable) -> MissingCodes:
    found = MissingCodes(table.texts("codes"), table.texts("fields", default=()))
    table.finish()
    return found


def _event(table: TomlTable, moment: str) -> EventSetting:
    day = table.whole("day") if moment == "day" and table.has("day") else None
    date_field = table.text("date_field", default="") if moment == "date" else ""
    found = EventSetting(table.text("name"), table.text("label", default=""), date_field, day)
    table.finish()
    return found


def _sections(redcap: TomlTable, moment: str) -> tuple[Section, ...]:
    sessions = [_section(entry, SESSIONS, moment) for entry in redcap.tables("session")]
    scores = [_score_section(entry, moment) for entry in redcap.tables("score")]
    events = [_section(entry, ADVERSE_EVENTS, moment) for entry in redcap.tables("adverse_event")]
    return _told_apart((*sessions, *scores, *events))


def _told_apart(sections: tuple[Section, ...]) -> tuple[Section, ...]:
    """Give every further section of a form the name of its first field, so that keys of its records are their own."""
    seen: set[tuple[str, str]] = set()
    found = []
    for section in sections:
        place = (section.schema.name, section.form)
        field = next((source.field for source in section.columns if source.field), section.moment_field)
        found.append(replace(section, key_part=field) if place in seen else section)
        seen.add(place)
    return tuple(found)


def _section(table: TomlTable, schema: TableSchema, moment: str) -> Section:
    kind = (ColumnSource("kind", value=table.text("kind")),) if schema is SESSIONS and table.has("kind") else ()
    section = Section(
        schema=schema,
        form=table.text("form"),
        events=table.texts("events", default=()),
        moment_field=table.text(f"{moment}_field", default=""),
        time_field=table.text("time_field", default="") if schema.column("time") else "",
        columns=kind + _columns(table, schema),
        link=_link(table) if schema is not SESSIONS else None,
    )
    table.finish()
    return section


def _score_section(table: TomlTable, moment: str) -> Section:
    scale = _instrument(table)
    section = Section(
        schema=SCORES,
        form=table.text("form"),
        events=table.texts("events", default=()),
        moment_field=table.text(f"{moment}_field", default=""),
        time_field=table.text("time_field", default=""),
        columns=_score_columns(table, scale) + _columns(table, SCORES),
        link=_link(table),
        instrument=scale,
    )
    if not any(source.name == "total" or source.name.startswith("item_") for source in section.columns):
        table.note("items", "either items or total_field is needed.")
    table.finish()
    return section


def _instrument(table: TomlTable) -> Instrument | None:
    name = table.text("instrument")
    problem = ""
    try:
        return instrument(name) if name else None
    except OptionError as error:
        problem = str(error)
    table.note("instrument", problem)
    return None


def _score_columns(table: TomlTable, scale: Instrument | None) -> tuple[ColumnSource, ...]:
    codes = _pairs(table, "item_codes")
    pattern = table.text("item_pattern", default="")
    listed = table.texts("items", default=())
    if pattern and (listed or "{n}" not in pattern):
        table.note("item_pattern", "must hold {n}, the number of the item, and stands instead of items.")
    n_items = scale.n_items if scale is not None else 0
    fields = tuple(pattern.replace("{n}", str(number)) for number in range(1, n_items + 1)) if pattern else listed
    if scale is not None and fields and len(fields) != n_items:
        table.note("items", f"the {scale.name} has {n_items} items; {len(fields)} fields are named.")
    sources = [ColumnSource(f"item_{number}", field, codes=codes) for number, field in enumerate(fields, start=1)]
    if scale is not None:
        sources.append(ColumnSource("instrument", value=scale.name))
    sources += [ColumnSource(key, value=table.text(key)) for key in ("version", "metric") if table.has(key)]
    if table.has("total_field"):
        sources.append(ColumnSource("total", table.text("total_field")))
    return tuple(sources)


def _link(table: TomlTable) -> SessionLink | None:
    if not table.has("session"):
        return None
    session = table.table("session")
    link = SessionLink(
        session.text("form"), session.text("event", default=""), session.text("instance_field", default="")
    )
    session.finish()
    return link


def _columns(table: TomlTable, schema: TableSchema) -> tuple[ColumnSource, ...]:
    return tuple(_column(entry, schema) for entry in table.tables("column"))


def _column(table: TomlTable, schema: TableSchema) -> ColumnSource:
    name = table.text("name")
    column = schema.column(name) if name else None
    if name and (column is None or name in _FROM_THE_READER):
        table.note("name", f"{name!r} is not a column that can be mapped here; see docs/reference/schema.md.")
    source = ColumnSource(
        name=name,
        field=table.text("field", default=""),
        value=table.text("value", default=""),
        choice=table.text("choice", default=""),
        codes=_pairs(table, "codes"),
        arms=_pairs(table, "arms") if schema is PATIENTS else (),
    )
    if sum(map(bool, (source.field, source.value, source.arms))) != 1:
        table.note("field", "exactly one of field, value and arms is needed (arms: columns of patients only).")
    known = column.codes if column is not None else ()
    wrong = [text for _, text in (*source.codes, *source.arms) if known and text and text not in known]
    if wrong or (known and source.value and source.value not in known):
        table.note("codes", f"{name} must be one of {', '.join(known)}.")
    table.finish()
    return source


def _pairs(table: TomlTable, key: str) -> tuple[tuple[str, str], ...]:
    """Return the entries of a table of texts; what stands for “not known” is the empty text."""
    if not table.has(key):
        return ()
    entries = table.table(key)
    return tuple((name, entries.text(name, may_be_empty=True)) for name in entries.names())


def _note_contradictions(redcap: TomlTable, settings: RedcapSettings) -> None:
    """Note what no single key shows: names that repeat, rows that could not say when, events that are not listed."""
    for section_names in _column_names(settings):
        if len(set(section_names)) < len(section_names):
            redcap.note("column", "a column of the schema is mapped twice in one section.")
    if not settings.data or len({Path(name).name for name in settings.data}) < len(settings.data):
        redcap.note("data", "must name files, and no two of the same name.")
    listed = {event.name for event in settings.events}
    if len(listed) < len(settings.events):
        redcap.note("event", "an event is listed twice.")
    named = [*settings.patient_events, *(name for section in settings.sections for name in section.events)]
    if any(name not in listed for name in named):
        redcap.note("event", "a section names an event that no [[redcap.event]] lists.")
    for section in settings.sections:
        events = [event for event in settings.events if not section.events or event.name in section.events]
        if not section.moment_field and not (
            events and all(event.date_field or event.day is not None for event in events)
        ):
            what = f"{settings.moment}_field is needed, here or in each event."
            redcap.note(section.schema.name, f"rows of form {section.form!r} cannot say when: {what}")
    if not any(section.schema is SESSIONS for section in settings.sections):
        redcap.note("session", "is missing; a registry needs sessions.")


def _column_names(settings: RedcapSettings) -> list[list[str]]:
    return [
        [source.name for source in settings.patient_columns],
        *([source.name for source in section.columns] for section in settings.sections),
    ]
