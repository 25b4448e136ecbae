"""Whether an export, its data dictionary and the mapping belong together, judged by names alone.

Nothing here looks at a value. A column that the dictionary does not describe is a fault, because nobody can tell
whether the project flags it as an identifier.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from katoutcomes.instruments.instrument import Instrument
from katoutcomes.registry.identifiers import Finding
from katoutcomes.registry.readers.redcap.dictionary import CHOICE_KINDS, Dictionary, DictionaryField, checkbox_column
from katoutcomes.registry.readers.redcap.settings import GROUP_COLUMN, ColumnSource, RedcapSettings, Section

EVENT_COLUMN = "redcap_event_name"
REPEAT_FORM_COLUMN = "redcap_repeat_instrument"
REPEAT_INSTANCE_COLUMN = "redcap_repeat_instance"
SURVEY_IDENTIFIER_COLUMN = "redcap_survey_identifier"
SYSTEM_COLUMNS: tuple[str, ...] = (
    EVENT_COLUMN,
    REPEAT_FORM_COLUMN,
    REPEAT_INSTANCE_COLUMN,
    GROUP_COLUMN,
    SURVEY_IDENTIFIER_COLUMN,
)
"""Columns that the export adds and the dictionary does not describe."""

IDENTIFIER_RULE = "redcap_identifier_field"


def status_column(form: str) -> str:
    """Return the column that holds the status of a form."""
    return f"{form}_complete"


def timestamp_column(form: str) -> str:
    """Return the column that says when a survey was completed."""
    return f"{form}_timestamp"


def form_of(field: str, dictionary: Dictionary) -> str:
    """Return the form that holds a field, its time stamp included; ``""`` for columns that belong to no form."""
    if field in dictionary.fields:
        return dictionary.fields[field].form
    return next((form for form in dictionary.forms if field == timestamp_column(form)), "")


def field_columns(field: str, dictionary: Dictionary) -> tuple[str, ...]:
    """Return the columns of an export that hold a field."""
    entry = dictionary.fields.get(field)
    return entry.export_columns if entry is not None else (field,)


def used_forms(settings: RedcapSettings, dictionary: Dictionary) -> tuple[str, ...]:
    """Return every form of which the mapping reads something."""
    named = [section.form for section in settings.sections]
    named += [form_of(field, dictionary) for field in settings.fields()]
    return tuple(dict.fromkeys(form for form in named if form))


def mapping_faults(settings: RedcapSettings, dictionary: Dictionary) -> list[str]:
    """Return where the mapping does not fit the dictionary."""
    known = {*dictionary.fields, GROUP_COLUMN, *(timestamp_column(form) for form in dictionary.forms)}
    named = dict.fromkeys((settings.id_field, *settings.fields()))
    faults = [f"the mapping names field {field!r}, which is not there." for field in named if field not in known]
    forms = dict.fromkeys(section.form for section in settings.sections)
    faults += [
        f"the mapping names form {form!r}, which is not there." for form in forms if form not in dictionary.forms
    ]
    sources = [*settings.patient_columns, *(source for section in settings.sections for source in section.columns)]
    for source in sources:
        faults += _source_faults(source, dictionary.fields.get(source.field), settings)
    for section in settings.sections:
        faults += _answer_faults(section, dictionary, settings)
    return [f"{dictionary.file}: rule redcap_dictionary: {fault}" for fault in dict.fromkeys(faults)]


def _source_faults(source: ColumnSource, entry: DictionaryField | None, settings: RedcapSettings) -> list[str]:
    """Return what is wrong with the codes of one column of the schema."""
    if entry is None:
        return []
    codes = {code for code, _ in entry.choices}
    faults = []
    if entry.kind in CHOICE_KINDS and any(code not in codes for code, _ in source.codes):
        faults.append(f"the mapping translates a code that field {entry.name!r} does not have.")
    if bool(source.choice) and (entry.kind != "checkbox" or source.choice not in codes):
        faults.append(f"the mapping names a choice that field {entry.name!r} does not have.")
    if settings.has_labels and len({label for _, label in entry.choices}) < len(codes):
        faults.append(f"two choices of field {entry.name!r} have the same label, so labels cannot be translated.")
    return faults


def _answer_faults(section: Section, dictionary: Dictionary, settings: RedcapSettings) -> list[str]:
    """Return items whose codes are not the answers of the instrument, and missing codes that are answers or totals."""
    scale = section.instrument
    if scale is None:
        return []
    faults = []
    low, high = _range_of_totals(section, scale)
    for source in section.columns:
        entry = dictionary.fields.get(source.field)
        missing = settings.missing_codes(source.field)
        if source.name.startswith("item_") and int(source.name[5:]) <= scale.n_items:
            legal = {str(answer) for answer in scale.legal_answers(int(source.name[5:]))}
            meaning = dict(source.codes)
            given = {meaning.get(code, code) for code, _ in entry.choices if code not in missing} if entry else set()
            if given - legal - {""}:
                faults.append(
                    f"codes of field {source.field!r} are no answers of the {scale.name}; translate them with "
                    "item_codes, or list them as missing codes."
                )
            if {meaning.get(code, code) for code in missing} & legal:
                faults.append(_inside(source.field, f"is an answer of the {scale.name}"))
        elif source.name == "total" and any(low <= number <= high for number in _numbers(missing)):
            faults.append(_inside(source.field, f"is a possible total of the {scale.name}"))
    return faults


def _range_of_totals(section: Section, scale: Instrument) -> tuple[float, float]:
    """Return the lowest and the highest total in the metric that the section names."""
    named = {source.value for source in section.columns if source.name == "metric"}
    found = [metric for metric in scale.metrics if metric.name in named]
    return (found[0].minimum, found[0].maximum) if found else (scale.minimum, scale.maximum)


def _inside(field: str, what: str) -> str:
    return f"a missing code of field {field!r} {what} (missing_code_inside_range); nothing is guessed."


def _numbers(codes: Iterable[str]) -> list[float]:
    return [float(code) for code in codes if re.fullmatch(r"[+-]?[0-9]+([.][0-9]+)?", code)]


def header_faults(
    file: str, columns: tuple[str, ...], settings: RedcapSettings, dictionary: Dictionary
) -> tuple[str, ...]:
    """Return what is wrong with the header of one file."""
    if settings.id_field not in columns:
        advice = "export the record id, with raw names as column headings."
        return (f"{file}: rule redcap_id_field: there is no column {settings.id_field!r}; {advice}",)
    known = {*SYSTEM_COLUMNS, *dictionary.column_fields(), *_form_columns(dictionary)}
    known |= _missing_code_columns(settings, dictionary)
    unknown = [repr(name) for name in columns if name not in known]
    faults = []
    if unknown:
        faults.append(
            f"rule redcap_dictionary: {dictionary.file} does not describe {len(unknown)} columns "
            f"({', '.join(unknown[:10])}{', …' if len(unknown) > 10 else ''}); "
            "take the dictionary of the same project and day."
        )
    if settings.events and EVENT_COLUMN not in columns:
        faults.append(f"rule redcap_event: there is no column {EVENT_COLUMN!r}, but the mapping lists events.")
    if REPEAT_FORM_COLUMN in columns and REPEAT_INSTANCE_COLUMN not in columns:
        faults.append(f"rule redcap_instance: there is no column {REPEAT_INSTANCE_COLUMN!r}.")
    held = {entry.form for name, entry in dictionary.column_fields().items() if name in columns}
    lacking = [status_column(form) for form in used_forms(settings, dictionary) if form in held]
    if settings.has_form_status and any(name not in columns for name in lacking):
        names = ", ".join(repr(name) for name in lacking if name not in columns)
        faults.append(f"rule redcap_form_status: export the status of forms as well (column {names}).")
    return tuple(f"{file}: {fault}" for fault in faults)


def absent_fields(columns: Iterable[str], settings: RedcapSettings, dictionary: Dictionary) -> tuple[str, ...]:
    """Return the mapped fields that no file holds."""
    there = set(columns)
    return tuple(field for field in settings.fields() if not there & set(field_columns(field, dictionary)))


def identifier_findings(file: str, columns: tuple[str, ...], dictionary: Dictionary) -> tuple[Finding, ...]:
    """Return the columns of fields that the project flags as identifiers."""
    by_column = dictionary.column_fields()
    flagged = (name for name in columns if name in by_column and by_column[name].is_identifier)
    return tuple(Finding(file, name, IDENTIFIER_RULE, None) for name in flagged)


def notes_columns(columns: tuple[str, ...], dictionary: Dictionary) -> tuple[str, ...]:
    """Return the columns of notes boxes, which hold free text."""
    by_column = dictionary.column_fields()
    return tuple(name for name in columns if name in by_column and by_column[name].kind == "notes")


def _form_columns(dictionary: Dictionary) -> set[str]:
    return {column(form) for form in dictionary.forms for column in (status_column, timestamp_column)}


def _missing_code_columns(settings: RedcapSettings, dictionary: Dictionary) -> set[str]:
    """Return the columns that say that a missing code was chosen for a checkbox field."""
    return {
        checkbox_column(entry.name, code)
        for entry in dictionary.fields.values()
        if entry.kind == "checkbox"
        for code in settings.missing_codes(entry.name)
    }
