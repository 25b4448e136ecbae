"""The sections of a mapping file with ``format = "fhir"``: sessions, routes, scales and the file about patients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from katoutcomes.instruments.toml_table import TomlTable
from katoutcomes.registry.mapping.mapping_file import Mapping as MappingFile
from katoutcomes.registry.readers.coded.patient_columns import PatientColumns, read_patient_columns
from katoutcomes.registry.readers.coded.scale_codes import Code, ScaleCodes, read_scale_codes
from katoutcomes.registry.readers.coded.sessions import SEVERAL_DOSES, SessionMeaning, read_meaning
from katoutcomes.registry.readers.fhir.elements import system_name
from katoutcomes.vocabulary import ROUTES

SESSION_RESOURCES: tuple[str, ...] = ("Procedure", "MedicationAdministration", "Encounter")


@dataclass(frozen=True, slots=True, eq=False)
class FhirMapping:
    """What a mapping file says about a FHIR export.

    Attributes
    ----------
    scales : ScaleCodes
        What codes of scales mean.
    sessions : mapping of (str, (str, str)) to SessionMeaning
        Type of resource and code to what it is.
    routes : mapping of (str, str) to str
        Code of a route to a route of the schema, or to ``"unknown"``.
    several_doses : {"refuse", "add"}
        What is done with several administrations in one dosing session.
    patients : PatientColumns or None
        The file about patients.
    """

    scales: ScaleCodes
    sessions: Mapping[tuple[str, Code], SessionMeaning]
    routes: Mapping[Code, str]
    several_doses: str
    patients: PatientColumns | None


def read_sections(mapping: MappingFile) -> FhirMapping:
    """Read the sections of the FHIR reader.

    Parameters
    ----------
    mapping : Mapping
        A mapping file with ``format = "fhir"``.

    Raises
    ------
    DataError
        With every problem of the file, if there is any.

    Examples
    --------
    >>> from katoutcomes.registry.mapping.mapping_file import parse_mapping
    >>> text = '''
    ... schema_version = "1.0"
    ... format = "fhir"
    ... [[session]]
    ... resource = "MedicationAdministration"
    ... system = "http://www.nlm.nih.gov/research/umls/rxnorm"
    ... codes = ["0"]
    ... kind = "dosing"
    ... '''
    >>> read_sections(parse_mapping(text, "mapping.toml")).several_doses
    'refuse'
    """
    table = mapping.table
    several_doses = table.choice("several_doses", SEVERAL_DOSES, default="refuse")
    scales = read_scale_codes(table)
    sessions: dict[tuple[str, Code], SessionMeaning] = {}
    for section in table.tables("session"):
        _read_session(section, sessions)
    routes: dict[Code, str] = {}
    for section in table.tables("route"):
        _read_route(section, routes)
    patients = read_patient_columns(table, default_key="reference") if table.has("patients") else None
    mapping.finish()
    return FhirMapping(scales, sessions, routes, several_doses, patients)


def _read_session(section: TomlTable, sessions: dict[tuple[str, Code], SessionMeaning]) -> None:
    resource = section.choice("resource", SESSION_RESOURCES)
    system = section.text("system")
    codes = section.texts("codes")
    meaning = read_meaning(section)
    section.finish()
    for code in codes:
        if sessions.setdefault((resource, (system_name(system), code)), meaning) != meaning:
            section.note("codes", f"code {code!r} means two things.")


def _read_route(section: TomlTable, routes: dict[Code, str]) -> None:
    system = section.text("system")
    codes = section.texts("codes")
    route = section.choice("route", (*ROUTES, "unknown"))
    section.finish()
    for code in codes:
        if routes.setdefault((system_name(system), code), route) != route:
            section.note("codes", f"code {code!r} means two routes.")
