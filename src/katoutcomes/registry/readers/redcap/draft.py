"""`draft`: the sections of a mapping file for a REDCap project, each guess explained, to be confirmed by hand."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from katoutcomes.errors import DataError
from katoutcomes.registry.mapping.words import CODE_WORDS, COLUMN_WORDS, SURE_ONLY_WITH_CARE, normalized
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
    total_fields,
)
from katoutcomes.registry.readers.redcap.header import EVENT_COLUMN, field_columns
from katoutcomes.registry.readers.redcap.settings import GROUP_COLUMN
from katoutcomes.registry.tables import ADVERSE_EVENTS, PATIENTS, SESSIONS, TableSchema

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine

MARK = "# CONFIRM:"
"""Begins the comment of every guess; a comment without it says why a line is as it is."""

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
        TOML. What was guessed has a comment that begins with ``# CONFIRM:`` and says why. Nothing of a patient is in
        it.

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
        *(line for event in events for line in _event(event, dated.get(event))),
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


def _dated_events(
    engine: Engine, raws: Sequence[RawTable], events: Sequence[str], held: Dictionary
) -> dict[str, tuple[str, bool]]:
    """Return for each event the date field that its own rows fill most often, and whether it is the only one."""
    dates = [entry.name for form in held.forms for entry in date_fields(held, form)]
    found: dict[str, dict[str, int]] = {}
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
                    of_event = found.setdefault(event, {})
                    of_event[name] = max(of_event.get(name, 0), int(count))
    return {event: (max(filled, key=lambda name: filled[name]), len(filled) == 1) for event, filled in found.items()}


def _head(dictionary: Dictionary, raws: Sequence[RawTable]) -> list[str]:
    return [
        "",
        "[redcap]",
        f"data = {json.dumps([raw.file for raw in raws])}",
        f"dictionary = {_text(dictionary.file)}",
        f"id_field = {_text(next(iter(dictionary.fields)))}  # the first field of a dictionary names the record",
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


def _event(name: str, dated: tuple[str, bool] | None) -> list[str]:
    lines = ["[[redcap.event]]", f"name = {_text(name)}"]
    if dated is not None:
        field, is_only = dated
        why = "the only date that is filled in this event" if is_only else "of its dates the one filled most often"
        lines.append(f"date_field = {_text(field)}  {_comment(why, is_sure=is_only)}")
    return [*lines, ""]


def _patients(held: Dictionary, there: set[str]) -> list[str]:
    lines = []
    if GROUP_COLUMN in there:
        lines += _column("patients", "site", GROUP_COLUMN, [], f"{MARK} the data access group is often the site")
    seen: set[str] = set()
    for entry in held.fields.values():
        name = first_match(entry.name, PATIENT_NAMES)
        if name and name not in seen:
            seen.add(name)
            lines += _column(
                "patients", name, entry.name, _codes(entry, PATIENTS, name), _why(entry.name, PATIENTS, name)
            )
            if name.startswith("eligible_") and entry.kind == "checkbox":
                lines.insert(-1, f"choice = {_text(entry.choices[0][0])}  {MARK} which choice means yes?")
    return lines


def _sessions(held: Dictionary) -> list[str]:
    lines = []
    for form in held.forms:
        dates, kind, why = date_fields(held, form), form_kind(form), "by the name of the form"
        if not kind and _has_dose(held, form):
            kind, why = "dosing", "the form has a dose or a route"
        if not dates or not kind:
            continue
        times = time_fields(held, form)
        lines += ["[[redcap.session]]", f"form = {_text(form)}"]
        lines.append(f"kind = {_text(kind)}  {MARK} {why}")
        lines.append(_first("date", dates))
        lines += [_first("time", times)] if times else []
        lines.append("")
        lines += _columns(held, form, SESSION_NAMES, SESSIONS, "session")
    if not lines:
        return [
            f"{MARK} no form of sessions was recognized. A registry needs one: complete these lines and remove the #.",
            *("# [[redcap.session]]", '# form = "…"', '# kind = "dosing"', '# date_field = "…"', ""),
        ]
    return lines


def _has_dose(held: Dictionary, form: str) -> bool:
    names = (first_match(entry.name, SESSION_NAMES) for entry in held.fields.values() if entry.form == form)
    return bool({"dose_mg", "dose_mg_per_kg", "route"} & set(names))


def _first(what: str, fields: Sequence[DictionaryField]) -> str:
    """Return the line that names the first date or time of a form; with several, somebody has to look."""
    is_only = len(fields) == 1
    why = f"the only {what} of the form" if is_only else f"the first {what} of the form, which has {len(fields)}"
    return f"{what}_field = {_text(fields[0].name)}  {_comment(why, is_sure=is_only)}"


def _scores(held: Dictionary, events: Sequence[str], dated: Sequence[str]) -> list[str]:
    lines = []
    known = item_groups(held)
    for (form, pattern), numbers in numbered_fields(held).items():
        if len(numbers) >= FEWEST_ITEMS and (form, pattern) not in {(place, name) for _, place, name in known}:
            lines.append(f"{MARK} is {pattern} of form {form} ({len(numbers)} fields) a questionnaire? Which one?")
    for scale, form, pattern in known:
        dates, totals = date_fields(held, form), total_fields(held, form, pattern)
        lines += ["[[redcap.score]]", f"form = {_text(form)}"]
        lines.append(f"instrument = {_text(scale.name)}  # the names and the number of its items say so")
        lines.append(f"item_pattern = {_text(pattern)}")
        if totals:
            why = _comment("the name says so" if len(totals) == 1 else "by its name", is_sure=len(totals) == 1)
            lines.append(f"total_field = {_text(totals[0])}  {why}")
        if scale.versions:
            lines.append(f"version = {_text(scale.versions[0])}  {MARK} one of {', '.join(scale.versions)}")
        if dates:
            lines.append(_first("date", dates))
        elif not dated:
            lines.append(f'date_field = ""  {MARK} no date was found; name the field that says when')
        elif len(dated) < len(events):
            lines.append(f"events = {json.dumps(sorted(dated))}  {MARK} the events with a date")
        lines.append("")
    if not known:
        lines += [
            f"{MARK} no questionnaire was recognized, so no scores are made, and nothing can be said about symptoms.",
            "# Complete these lines for each questionnaire and remove the #.",
            *("# [[redcap.score]]", '# form = "…"', '# instrument = "PHQ-9"', '# item_pattern = "phq9_{n}"', ""),
        ]
    return lines


def _adverse_events(held: Dictionary) -> list[str]:
    lines = []
    for form in held.forms:
        dates = date_fields(held, form)
        if dates and ("adverse" in form or form.startswith("ae")):
            lines += ["[[redcap.adverse_event]]", f"form = {_text(form)}  {MARK} by its name"]
            lines += [_first("date", dates), ""]
            lines += _columns(held, form, EVENT_NAMES, ADVERSE_EVENTS, "adverse_event")
    return lines


def _columns(held: Dictionary, form: str, names: Mapping[str, str], schema: TableSchema, section: str) -> list[str]:
    lines: list[str] = []
    seen: set[str] = set()
    for entry in held.fields.values():
        name = first_match(entry.name, names) if entry.form == form else ""
        if name and name not in seen:
            seen.add(name)
            lines += _column(section, name, entry.name, _codes(entry, schema, name), _why(entry.name, schema, name))
    return lines


def _codes(entry: DictionaryField, schema: TableSchema, name: str) -> list[tuple[str, str, str]]:
    """Return code, guessed meaning and label of each choice, where the column of the schema is coded."""
    column = schema.column(name)
    if column is None or column.kind not in ("code", "codes", "term", "flag") or entry.kind in ("yesno", "truefalse"):
        return []
    if column.kind == "flag":
        return [] if entry.kind == "checkbox" else [(c, _known(name, label), label) for c, label in entry.choices]
    if column.kind == "term":
        return [(code, _term(label), label) for code, label in entry.choices]
    return [(code, code_of_label(label, column.codes), label) for code, label in entry.choices]


def _term(label: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", label.lower()).strip("_")[:40]


def _column(section: str, name: str, field: str, codes: Sequence[tuple[str, str, str]], why: str) -> list[str]:
    lines = [f"[[redcap.{section}.column]]", f"name = {_text(name)}", f"field = {_text(field)}  {why}"]
    if codes:
        meanings = ", ".join(f"{_text(code)} = {_text(meaning)}" for code, meaning, _ in codes)
        is_sure = all(meaning and meaning == _known(name, label) for _, meaning, label in codes)
        because = "the labels say so" if is_sure else 'by the labels; "" is “not known”'
        lines.append(f"codes = {{ {meanings} }}  {_comment(because, is_sure=is_sure)}")
    return [*lines, ""]


def _known(name: str, label: str) -> str:
    """Return what a label means if it is a known word of the column and nothing else, "" otherwise."""
    word = normalized(label)
    return CODE_WORDS.get(name, {}).get(word, label if label == word and name not in CODE_WORDS else "")


def _why(field: str, schema: TableSchema, name: str) -> str:
    if name == "eligible_consent":
        return f"{MARK} by its name; is it consent to research?"
    words = (name, *COLUMN_WORDS[schema.name].get(name, ()))
    is_sure = field in words and field not in SURE_ONLY_WITH_CARE
    return _comment("the name says so" if is_sure else "by its name", is_sure=is_sure)


def _comment(why: str, *, is_sure: bool) -> str:
    return f"# {why}" if is_sure else f"{MARK} {why}"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
