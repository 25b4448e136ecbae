"""The data dictionary of a REDCap project: which fields there are, on which form, and what their codes mean.

The dictionary describes the questions of a project and holds no patient data. It is read by column name, in the form in
which the project's page exports it and in the form in which the interface for programs returns it.

References
----------
The eighteen columns: REDCapR, ``redcap_metadata_read``. Characters of a checkbox code other than letters and digits
become underscores, and letters lower case, in the names of its columns: issues 90 of vubiostat/redcapAPI and 31 of
CHOP-CGTInformatics/REDCapTidieR.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

CHOICE_KINDS: frozenset[str] = frozenset({"radio", "dropdown", "yesno", "truefalse", "checkbox"})
"""Field types whose cells are codes that the dictionary lists."""

NOT_EXPORTED_KINDS: frozenset[str] = frozenset({"descriptive"})
FILE_KINDS: frozenset[str] = frozenset({"file", "signature"})

STATUS_CHOICES: tuple[tuple[str, str], ...] = (("0", "Incomplete"), ("1", "Unverified"), ("2", "Complete"))
"""What ``<form>_complete`` holds."""

_FIXED_CHOICES: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {"yesno": (("1", "Yes"), ("0", "No")), "truefalse": (("1", "True"), ("0", "False"))}
)

_HEADINGS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "name": ("variable / field name", "field_name"),
        "form": ("form name", "form_name"),
        "kind": ("field type", "field_type"),
        "choices": ("choices, calculations, or slider labels", "select_choices_or_calculations"),
        "validation": (
            "text validation type or show slider number",
            "text_validation_type_or_show_slider_number",
        ),
        "identifier": ("identifier?", "identifier"),
    }
)


@dataclass(frozen=True, slots=True)
class DictionaryField:
    """One field of a project.

    Attributes
    ----------
    name : str
        Variable name.
    form : str
        Unique name of the form that holds it.
    kind : str
        Field type: ``"text"``, ``"notes"``, ``"radio"``, ``"dropdown"``, ``"checkbox"``, ``"yesno"``, ``"calc"``, …
    choices : tuple of (str, str)
        Code and label of each answer; empty where answers are not coded.
    validation : str
        Validation of a text field, for example ``"date_ymd"``; ``""`` where there is none.
    is_identifier : bool
        Whether the project flags it as an identifier.
    """

    name: str
    form: str
    kind: str
    choices: tuple[tuple[str, str], ...] = ()
    validation: str = ""
    is_identifier: bool = False

    @property
    def export_columns(self) -> tuple[str, ...]:
        """Column names of the field in an export: one, or one for each choice of a checkbox."""
        if self.kind in NOT_EXPORTED_KINDS:
            return ()
        if self.kind != "checkbox":
            return (self.name,)
        return tuple(checkbox_column(self.name, code) for code, _ in self.choices)


@dataclass(frozen=True, slots=True)
class Dictionary:
    """The fields of a project, by name.

    Attributes
    ----------
    file : str
        Name of the file, for messages.
    fields : mapping of str to DictionaryField
        In the order of the file.
    faults : tuple of str
        What is wrong with the file, each a sentence that begins with its name.
    """

    file: str
    fields: Mapping[str, DictionaryField]
    faults: tuple[str, ...] = field(default=())

    @property
    def forms(self) -> tuple[str, ...]:
        """Names of the forms, in the order of the file."""
        return tuple(dict.fromkeys(entry.form for entry in self.fields.values()))

    def column_fields(self) -> dict[str, DictionaryField]:
        """Return the field that each column of an export belongs to."""
        return {column: entry for entry in self.fields.values() for column in entry.export_columns}


def checkbox_column(name: str, code: str) -> str:
    """Return the name of the column that says whether one choice of a checkbox is ticked.

    Examples
    --------
    >>> checkbox_column("route", "2"), checkbox_column("route", "-99"), checkbox_column("route", "IM")
    ('route___2', 'route____99', 'route___im')
    """
    return f"{name}___{re.sub(r'[^a-z0-9]', '_', code.lower())}"


def parse_choices(text: str) -> tuple[tuple[str, str], ...]:
    """Return code and label of each choice, without markup and with single spaces.

    Examples
    --------
    >>> parse_choices("1, Intramuscular | 2, Sublingual, lozenge|-99, <b>Not  known</b>")
    (('1', 'Intramuscular'), ('2', 'Sublingual, lozenge'), ('-99', 'Not known'))
    """
    pairs = (part.partition(",") for part in text.split("|") if part.strip())
    return tuple((code.strip(), plain_label(label)) for code, _, label in pairs)


def plain_label(text: str) -> str:
    """Return a label without markup and with single spaces, so that two spellings of it are equal."""
    return " ".join(re.sub(r"<[^<>]*>", " ", text).split())


def parse_dictionary(content: bytes, file: str) -> Dictionary:
    r"""Read a data dictionary.

    Parameters
    ----------
    content : bytes
        The file: CSV in UTF-8, with or without a byte-order mark. Cells may hold line breaks.
    file : str
        Its name, for messages.

    Returns
    -------
    Dictionary
        With `faults` where it is not a data dictionary. No fault quotes the file.

    Examples
    --------
    >>> text = "Variable / Field Name,Form Name,Field Type,\"Choices, Calculations, OR Slider Labels\","
    >>> text += "Text Validation Type OR Show Slider Number,Identifier?\nsex,intake,radio,\"1, F | 2, M\",,\n"
    >>> dictionary = parse_dictionary(text.encode(), "dictionary.csv")
    >>> dictionary.fields["sex"].choices, dictionary.forms, dictionary.faults
    ((('1', 'F'), ('2', 'M')), ('intake',), ())
    """
    try:
        text: str | None = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = None
    if text is None:
        return _faulty(file, "rule encoding: the file must be UTF-8.")
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if any(row)]
    except csv.Error:
        rows = []
    if not rows:
        return _faulty(file, "rule csv: the file cannot be read as a table.")
    places = _places(rows[0])
    lacking = [names[0] for key, names in _HEADINGS.items() if key not in places]
    if lacking:
        return _faulty(file, "rule redcap_dictionary: not a data dictionary; it lacks " + _quoted(lacking) + ".")
    if any(len(row) != len(rows[0]) for row in rows):
        return _faulty(file, "rule row_length: rows have fewer or more cells than the header has columns.")
    return _with_fields(file, list(_fields(rows[1:], places)))


def _places(header: list[str]) -> dict[str, int]:
    """Return which column holds what."""
    normalized = [" ".join(name.lower().split()) for name in header]
    return {key: normalized.index(name) for key, names in _HEADINGS.items() for name in names if name in normalized}


def _fields(rows: list[list[str]], places: Mapping[str, int]) -> Iterator[DictionaryField]:
    for row in rows:
        cell = {key: row[place].strip() for key, place in places.items()}
        kind = cell["kind"].lower()
        choices = _FIXED_CHOICES.get(kind) or (parse_choices(cell["choices"]) if kind in CHOICE_KINDS else ())
        is_identifier = cell["identifier"].lower() in ("y", "yes", "1", "true")
        yield DictionaryField(cell["name"], cell["form"], kind, choices, cell["validation"].lower(), is_identifier)


def _with_fields(file: str, fields: list[DictionaryField]) -> Dictionary:
    by_name = {entry.name: entry for entry in fields}
    faults = []
    if not fields:
        faults.append("rule redcap_dictionary: it describes no field.")
    if len(by_name) < len(fields):
        faults.append("rule redcap_dictionary: it describes a field twice.")
    if any(not (entry.name and entry.form and entry.kind) for entry in fields):
        faults.append("rule redcap_dictionary: a row lacks its field name, form name or field type.")
    return Dictionary(file, MappingProxyType(by_name), tuple(f"{file}: {fault}" for fault in faults))


def _faulty(file: str, fault: str) -> Dictionary:
    return Dictionary(file, MappingProxyType({}), (f"{file}: {fault}",))


def _quoted(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names)
