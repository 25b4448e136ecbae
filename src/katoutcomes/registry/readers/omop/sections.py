"""The sections of a mapping file with ``format = "omop"``: sessions, routes, scales, persons, files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from katoutcomes.instruments.toml_table import TomlTable
from katoutcomes.registry.mapping.mapping_file import Mapping as MappingFile
from katoutcomes.registry.readers.coded.patient_columns import PatientColumns, read_patient_columns
from katoutcomes.registry.readers.coded.scale_codes import Code, ScaleCodes, read_scale_codes
from katoutcomes.registry.readers.coded.sessions import SEVERAL_DOSES, SessionMeaning, read_meaning
from katoutcomes.registry.readers.omop.cdm_tables import SESSION_TABLES
from katoutcomes.registry.readers.raw_rows import ENCODINGS, SEPARATORS, FileDialect
from katoutcomes.vocabulary import ROUTES, SEXES

AGES: tuple[str, ...] = ("none", "index_year")
DOSES: tuple[str, ...] = ("none", "quantity")


@dataclass(frozen=True, slots=True)
class SessionRule:
    """What a concept in a table of events is.

    Attributes
    ----------
    meaning : SessionMeaning
        The session.
    dose : {"none", "quantity"}
        Which column holds the dose.
    milligrams_per_unit : Decimal
        How many milligrams one unit of that column is.
    """

    meaning: SessionMeaning
    dose: str
    milligrams_per_unit: Decimal


@dataclass(frozen=True, slots=True, eq=False)
class OmopMapping:
    """What a mapping file says about a folder of CDM tables.

    Attributes
    ----------
    scales : ScaleCodes
        What codes of scales mean; their systems are vocabularies.
    sessions : mapping of (str, (str, str)) to SessionRule
        Table and code to what it is.
    routes : mapping of (str, str) to str
        Code of a route to a route of the schema, or to ``"unknown"``.
    sexes : mapping of (str, str) to str
        Code of a gender to a sex of the schema.
    age : {"none", "index_year"}
        Whether the age is worked out: year of the index date minus year of birth.
    several_doses : {"refuse", "add"}
        What is done with several exposures in one session.
    dialect, concept_dialect : FileDialect
        How CSV files, and the one of concepts, are written.
    patients : PatientColumns or None
        A file about patients besides the table of persons.
    """

    scales: ScaleCodes
    sessions: Mapping[tuple[str, Code], SessionRule]
    routes: Mapping[Code, str]
    sexes: Mapping[Code, str]
    age: str
    several_doses: str
    dialect: FileDialect
    concept_dialect: FileDialect
    patients: PatientColumns | None


def read_sections(mapping: MappingFile) -> OmopMapping:
    """Read the sections of the OMOP reader.

    Parameters
    ----------
    mapping : Mapping
        A mapping file with ``format = "omop"``.

    Raises
    ------
    DataError
        With every problem of the file, if there is any.

    Examples
    --------
    >>> from katoutcomes.registry.mapping.mapping_file import parse_mapping
    >>> text = '''
    ... schema_version = "1.0"
    ... format = "omop"
    ... [person]
    ... age = "index_year"
    ... sex = {F = "female", M = "male"}
    ... '''
    >>> read_sections(parse_mapping(text, "mapping.toml")).sexes["Gender", "F"]
    'female'
    """
    table = mapping.table
    several_doses = table.choice("several_doses", SEVERAL_DOSES, default="refuse")
    scales = read_scale_codes(table)
    sessions: dict[tuple[str, Code], SessionRule] = {}
    for section in table.tables("session"):
        _read_session(section, sessions)
    routes: dict[Code, str] = {}
    for section in table.tables("route"):
        _read_route(section, routes)
    person = table.table("person", is_required=False)
    age, sexes = person.choice("age", AGES, default="none"), _read_sexes(person)
    person.finish()
    dialect, concept_dialect = _read_dialects(table.table("files", is_required=False))
    patients = read_patient_columns(table, default_key="person_id") if table.has("patients") else None
    twice = {"sex": bool(sexes), "age_years": age != "none"}
    if patients is not None and any(twice[name] for name in twice if name in patients.columns):
        table.note("patients", "gives what [person] gives as well; name each once.")
    mapping.finish()
    return OmopMapping(scales, sessions, routes, sexes, age, several_doses, dialect, concept_dialect, patients)


def _read_session(section: TomlTable, sessions: dict[tuple[str, Code], SessionRule]) -> None:
    table = section.choice("table", [known.name for known in SESSION_TABLES])
    vocabulary, codes = section.text("vocabulary"), section.texts("codes")
    meaning = read_meaning(section)
    dose = section.choice("dose", DOSES, default="none")
    factor = section.number("milligrams_per_unit", default=1.0)
    section.finish()
    if dose != "none" and (meaning.kind != "dosing" or table == "visit_occurrence"):
        section.note("dose", "only dosing sessions from procedures and drug exposures have a dose.")
    if not factor > 0:
        section.note("milligrams_per_unit", "must be above 0.")
    rule = SessionRule(meaning, dose, Decimal(repr(factor)))
    for code in codes:
        if sessions.setdefault((table, (vocabulary, code)), rule) != rule:
            section.note("codes", f"code {code!r} means two things.")


def _read_route(section: TomlTable, routes: dict[Code, str]) -> None:
    vocabulary, codes = section.text("vocabulary"), section.texts("codes")
    route = section.choice("route", (*ROUTES, "unknown"))
    section.finish()
    for code in codes:
        if routes.setdefault((vocabulary, code), route) != route:
            section.note("codes", f"code {code!r} means two routes.")


def _read_sexes(person: TomlTable) -> dict[Code, str]:
    vocabulary = person.text("gender_vocabulary", default="Gender")
    words = person.table("sex", is_required=False)
    sexes = {(vocabulary, code): words.choice(code, SEXES) for code in words.names()}
    words.finish()
    return sexes


def _read_dialects(files: TomlTable) -> tuple[FileDialect, FileDialect]:
    encoding = files.choice("encoding", ENCODINGS, default="utf-8")
    separator = files.choice("separator", SEPARATORS, default=",")
    concept_separator = files.choice("concept_separator", SEPARATORS, default=separator or ",")
    files.finish()
    return FileDialect(encoding, separator), FileDialect(encoding, concept_separator)
