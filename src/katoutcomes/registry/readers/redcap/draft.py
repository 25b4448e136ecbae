"""`draft`: the sections of a mapping file for a REDCap project, each guess explained, to be confirmed by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from katoutcomes.errors import DataError
from katoutcomes.registry.readers.raw_tables import RawTable, read_raw
from katoutcomes.registry.readers.redcap.dictionary import Dictionary, DictionaryField, parse_dictionary
from katoutcomes.registry.readers.redcap.guesses import (
    EVENT_NAMES,
    PATIENT_NAMES,
    SESSION_NAMES,
    UNKNOWN_WORDS,
    code_of_label,
    date_fields,
    first_match,
    form_kind,
    item_groups,
    missing_code_of_suffix,
    numbered_fields,
    time_fields,
    total_field,
)
from katoutcomes.registry.readers.redcap.header import EVENT_COLUMN, field_columns
from katoutcomes.registry.readers.redcap.settings import GROUP_COLUMN
from katoutcomes.registry.tables import ADVERSE_EVENTS, PATIENTS, SESSIONS, TableSchema

if TYPE_CHECKING:
    from katoutcomes.registry.engine import Engine

MARK = "# CONFIRM:"
"""Begins the comment of every guess."""

FEWEST_ITEMS = 4
"""Numbered fields of fewer numbers are not asked about."""


def draft(folder: Path, engine: Engine) -> str:
    """Draft the sections of a mapping file from the dictionary and the headings of the export in a folder.

    Parameters
    ----------
    folder : Path
        Holds a data dictionary and one or more exports, as CSV.
    engine : Engine
        Where the files are read.

    Returns
    -------
    str
        TOML. Every guess has a comment that begins with ``# CONFIRM:`` and says why; nothing of a patient is in it.

    Raises
    ------
    DataError
        If there is no data dictionary, or no export that it describes.
    """
    dictionary = _find_dictionary(folder)
    raws = _find_exports(folder, engine, dictionary)
    events = _events(engine, raws)
    there = {name for raw in raws for name in raw.columns}
    fields = {name: entry for name, entry in dictionary.fields.items() if there & set(field_columns(name, dictionary))}
    held = Dictionary(dictionary.file, fields)
    dated = _dated_events(engine, raws, events, held)
    parts = [
        *_head(dictionary, raws),
        *_missing(held, there),
        *(line for event in events for line in _event(event, dated.get(event, ""))),
        *_patients(held, there),
        *_sessions(held),
        *_scores(held, events, tuple(dated)),
        *_adverse_events(held),
    ]
    engine.drop(*(raw.name for raw in raws))
    return "\n".join(parts) + "\n"


def _find_dictionary(folder: Path) -> Dictionary:
    for path in sorted(folder.glob("*.csv")):
        found = parse_dictionary(path.read_bytes(), path.name)
        if not found.faults:
            return found
    raise DataError("rule redcap_dictionary: the folder holds no data dictionary (CSV); download it with the export.")


def _find_exports(folder: Path, engine: Engine, dictionary: Dictionary) -> list[RawTable]:
    id_field = next(iter(dictionary.fields))
    found: list[RawTable] = []
    for path in sorted(folder.glob("*.csv")):
        if path.name != dictionary.file:
            raw = read_raw(engine, path, f"raw_{len(found)}")
            found += [raw] if id_field in raw.columns and not raw.faults else []
    if not found:
        raise DataError(f"rule redcap_id_field: no CSV file of the folder has a column {id_field!r}.")
    return found[:1] if len({raw.columns for raw in found}) == 1 else found


def _events(engine: Engine, raws: Sequence[RawTable]) -> tuple[str, ...]:
    """Return the names of the events, which are names of the project and not of patients."""
    names: set[str] = set()
    for raw in raws:
        if EVENT_COLUMN in raw.columns:
            cell = f"c{raw.columns.index(EVENT_COLUMN) + 1}"
            query = f"select distinct {cell} as name from {raw.name} where regexp_matches({cell}, '_arm_[0-9]+$')"
            names |= set(engine.fetch(f"{query} order by name")["name"].tolist())
    return tuple(sorted(names))


def _dated_events(engine: Engine, raws: Sequence[RawTable], events: Sequence[str], held: Dictionary) -> dict[str, str]:
    """Return for each event the date field that is filled most often in the rows of the event itself."""
    dates = [entry.name for form in held.forms for entry in date_fields(held, form)]
    found: dict[str, tuple[int, str]] = {}
    for raw in raws:
        places = {name: f"c{position}" for position, name in enumerate(raw.columns, start=1)}
        if EVENT_COLUMN not in places:
            continue
        repeated = places.get("redcap_repeat_instrument")
        own = f"where {repeated} is null" if repeated else ""
        for name in (name for name in dates if name in places):
            query = (
                f"select {places[EVENT_COLUMN]} as event, count({places[name]}) as n from {raw.name} {own} group by 1"
            )
            counts = engine.fetch(f"{query} order by 1")
            for event, count in zip(counts["event"].tolist(), counts["n"].tolist(), strict=True):
                if event in events and count:
                    found[event] = max(found.get(event, (0, "")), (int(count), name), key=lambda pair: pair[0])
    return {event: name for event, (_, name) in found.items()}


def _head(dictionary: Dictionary, raws: Sequence[RawTable]) -> list[str]:
    return [
        "[redcap]",
        f"data = {json.dumps([raw.file for raw in raws])}",
        f"dictionary = {_text(dictionary.file)}",
        f"id_field = {_text(next(iter(dictionary.fields)))}  {MARK} the first field of the dictionary",
        'unverified_forms = "left_out"  # or "read": forms with status 1',
        "",
    ]


def _missing(held: Dictionary, there: set[str]) -> list[str]:
    """List choices whose label says that nothing is known, and codes that are no choice but have a checkbox column."""
    labeled = {
        code
        for entry in held.fields.values()
        for code, label in entry.choices
        if re.search(UNKNOWN_WORDS, label.lower())
    }
    unlisted = {
        missing_code_of_suffix(column.removeprefix(f"{entry.name}___"))
        for entry in held.fields.values()
        if entry.kind == "checkbox"
        for column in there - set(entry.export_columns)
        if column.startswith(f"{entry.name}___")
    }
    lines = [f"{MARK} add the project's missing data codes (Project Setup, Additional customizations), if it has more."]
    if labeled:
        lines += ["[[redcap.missing]]", f"codes = {json.dumps(sorted(labeled))}  {MARK} their labels say “not known”"]
    if unlisted:
        why = "checkboxes have columns for them, but no choices"
        lines += ["[[redcap.missing]]", f"codes = {json.dumps(sorted(unlisted))}  {MARK} {why}"]
    return [*lines, ""]


def _event(name: str, date_field: str) -> list[str]:
    lines = ["[[redcap.event]]", f"name = {_text(name)}"]
    if date_field:
        lines.append(f"date_field = {_text(date_field)}  {MARK} the date that is filled most often in this event")
    return [*lines, ""]


def _patients(held: Dictionary, there: set[str]) -> list[str]:
    lines = []
    if GROUP_COLUMN in there:
        lines += _column("patients", "site", GROUP_COLUMN, [], "the data access group is often the site")
    seen: set[str] = set()
    for entry in held.fields.values():
        name = first_match(entry.name, PATIENT_NAMES)
        if name and name not in seen:
            seen.add(name)
            lines += _column("patients", name, entry.name, _codes(entry, PATIENTS, name), "by its name")
    return lines


def _sessions(held: Dictionary) -> list[str]:
    lines = []
    for form in held.forms:
        dates, kind = date_fields(held, form), form_kind(form)
        if not dates or not kind:
            continue
        times = time_fields(held, form)
        lines += ["[[redcap.session]]", f"form = {_text(form)}"]
        lines.append(f"kind = {_text(kind)}  {MARK} by the name of the form")
        lines.append(f"date_field = {_text(dates[0].name)}  {MARK} its first date")
        lines += [f"time_field = {_text(times[0].name)}  {MARK} its first time"] if times else []
        lines.append("")
        lines += _columns(held, form, SESSION_NAMES, SESSIONS, "session")
    return lines


def _scores(held: Dictionary, events: Sequence[str], dated: Sequence[str]) -> list[str]:
    lines = []
    known = item_groups(held)
    for (form, pattern), numbers in numbered_fields(held).items():
        if len(numbers) >= FEWEST_ITEMS and (form, pattern) not in {(place, name) for _, place, name in known}:
            lines.append(f"{MARK} is {pattern} of form {form} ({len(numbers)} fields) a questionnaire? Which one?")
    for scale, form, pattern in known:
        dates, total = date_fields(held, form), total_field(held, form, pattern)
        lines += ["[[redcap.score]]", f"form = {_text(form)}"]
        lines.append(f"instrument = {_text(scale.name)}  {MARK} by the names and number of its items")
        lines.append(f"item_pattern = {_text(pattern)}")
        lines += [f"total_field = {_text(total)}  {MARK} by its name"] if total else []
        if scale.versions:
            lines.append(f"version = {_text(scale.versions[0])}  {MARK} one of {', '.join(scale.versions)}")
        if dates:
            lines.append(f"date_field = {_text(dates[0].name)}  {MARK} the first date of the form")
        elif not dated:
            lines.append(f'date_field = ""  {MARK} no date was found; name the field that says when')
        elif len(dated) < len(events):
            lines.append(f"events = {json.dumps(sorted(dated))}  {MARK} the events with a date")
        lines.append("")
    return lines


def _adverse_events(held: Dictionary) -> list[str]:
    lines = []
    for form in held.forms:
        dates = date_fields(held, form)
        if dates and ("adverse" in form or form.startswith("ae")):
            lines += ["[[redcap.adverse_event]]", f"form = {_text(form)}  {MARK} by its name"]
            lines += [f"date_field = {_text(dates[0].name)}  {MARK} its first date", ""]
            lines += _columns(held, form, EVENT_NAMES, ADVERSE_EVENTS, "adverse_event")
    return lines


def _columns(held: Dictionary, form: str, names: Mapping[str, str], schema: TableSchema, section: str) -> list[str]:
    lines: list[str] = []
    seen: set[str] = set()
    for entry in held.fields.values():
        name = first_match(entry.name, names) if entry.form == form else ""
        if name and name not in seen:
            seen.add(name)
            lines += _column(section, name, entry.name, _codes(entry, schema, name), "by its name")
    return lines


def _codes(entry: DictionaryField, schema: TableSchema, name: str) -> list[tuple[str, str, str]]:
    """Return code, guessed meaning and label of each choice, where the column of the schema is coded."""
    column = schema.column(name)
    if column is None or column.kind not in ("code", "codes", "term"):
        return []
    if column.kind == "term":
        return [(code, _term(label), label) for code, label in entry.choices]
    return [(code, code_of_label(label, column.codes), label) for code, label in entry.choices]


def _term(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")[:40]


def _column(section: str, name: str, field: str, codes: Sequence[tuple[str, str, str]], why: str) -> list[str]:
    lines = [f"[[redcap.{section}.column]]", f"name = {_text(name)}", f"field = {_text(field)}  {MARK} {why}"]
    if codes:
        meanings = ", ".join(f"{_text(code)} = {_text(meaning)}" for code, meaning, _ in codes)
        lines.append(f'codes = {{ {meanings} }}  {MARK} by the labels; "" is “not known”')
    return [*lines, ""]


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
