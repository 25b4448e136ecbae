"""`draft`: the sections of a mapping file for a CDM folder, each guess explained, to be confirmed by a person."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from katoutcomes.errors import DataError
from katoutcomes.instruments.catalog import instrument
from katoutcomes.instruments.toml_table import TomlTable
from katoutcomes.registry.mapping.mapping_file import parse_mapping
from katoutcomes.registry.readers.coded.guesses import (
    CONFIRM,
    FEWEST_PATIENTS,
    counted,
    draft_patients,
    guessed_kind,
    guessed_route,
    guessed_scale,
    is_shown,
    quoted,
    section,
)
from katoutcomes.registry.readers.coded.patient_columns import texts
from katoutcomes.registry.readers.coded.scale_codes import LOINC, ScaleCodes, read_scale_codes
from katoutcomes.registry.readers.omop.cdm_tables import DRUG_EXPOSURE, READ_TABLES, SCORE_TABLES, SESSION_TABLES
from katoutcomes.registry.readers.omop.folder import CdmFolder, read_folder
from katoutcomes.registry.readers.omop.sections import read_sections
from katoutcomes.vocabulary import SCHEMA_VERSION

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine

_SEXES = {"f": "female", "female": "female", "m": "male", "male": "male"}
Used = tuple[str, str, str, int]
"""Vocabulary, code and title of a concept, and how many rows have it."""


def draft(folder: Path, engine: Engine) -> str:
    """Draft the sections of a mapping file from the concepts that the tables use.

    The draft shows codes of the clinic's table of concepts that at least two persons have, and nothing else of a row.

    Parameters
    ----------
    folder : Path
        Holds the tables of the CDM.
    engine : Engine
        Where they are read.

    Returns
    -------
    str
        TOML. Every guess has a comment that begins with ``# CONFIRM:`` and says why.

    Raises
    ------
    DataError
        If the tables of persons and concepts are not there, or a table cannot be read.
    """
    nothing = parse_mapping(f'schema_version = "{SCHEMA_VERSION}"\nformat = "omop"', "mapping.toml")
    cdm = read_folder(folder, read_sections(nothing), engine, lambda _: None)
    if cdm.faults:
        raise DataError("the tables cannot be read:\n" + "\n".join(f"  {fault}" for fault in cdm.faults))
    codes = read_scale_codes(TomlTable({}, "", []))
    parts = [
        _head(cdm),
        'several_doses = "refuse"  # or "add": several exposures of a day are one dose',
        _person(engine),
        *_scales(engine, cdm, codes),
        *_sessions(engine, cdm),
        *_routes(engine, cdm),
        draft_patients(folder, engine, keys=("person_id",), names=frozenset(table.name for table in READ_TABLES)),
    ]
    engine.drop(*(f"omop_{table.name}" for table in READ_TABLES))
    return "\n\n".join(part for part in parts if part) + "\n"


def _head(cdm: CdmFolder) -> str:
    lines = [
        "# What is in the folder:",
        *(f"# {name}: {counted(n_rows, 'row')}" for name, (_, n_rows) in cdm.files.items()),
    ]
    rules = sorted({finding.rule for finding in cdm.findings})
    if rules:
        lines.append(f"# The load refuses this folder (rules {', '.join(rules)}); see `katoutcomes check`.")
    return "\n".join(lines)


def _used(engine: Engine, table: str, column: str) -> list[Used]:
    """Return the concepts that a column names, the most frequent first, if enough persons have them."""
    rows = engine.fetch(
        "select c.vocabulary, c.code, c.title, count(*) as n_rows, count(distinct t.person) as n_persons "
        f"from omop_{table} as t inner join omop_concept as c on t.{column} = c.concept where c.concept <> '0' "
        "group by c.vocabulary, c.code, c.title order by n_rows desc, c.vocabulary, c.code, c.title"
    )
    columns = [texts(rows[name]) for name in ("vocabulary", "code", "title")]
    counts = zip(rows["n_rows"].tolist(), rows["n_persons"].tolist(), strict=True)
    return [
        (vocabulary or "", code or "", title or "", n_rows)
        for vocabulary, code, title, (n_rows, n_persons) in zip(*columns, counts, strict=True)
        if n_persons >= FEWEST_PATIENTS and is_shown(vocabulary or "", code or "", n_persons)
    ]


def _person(engine: Engine) -> str:
    found = [(entry, _SEXES.get(entry[2].lower()) or _SEXES.get(entry[1].lower())) for entry in _genders(engine)]
    vocabularies = {entry[0] for entry, _ in found}
    words = ", ".join(f"{quoted(entry[1])} = {quoted(sex or 'other')}" for entry, sex in found)
    lines = ["[person]", f"{CONFIRM} the year of the index date minus the year of birth; one year too high at most"]
    lines.append('age = "index_year"')
    if found and len(vocabularies) == 1:
        lines += [f"{CONFIRM} by the titles of the concepts", f"gender_vocabulary = {quoted(found[0][0][0])}"]
        lines.append(f"sex = {{ {words} }}")
    return "\n".join(lines)


def _genders(engine: Engine) -> list[Used]:
    return _used(engine, "person", "gender")


def _scales(engine: Engine, cdm: CdmFolder, codes: ScaleCodes) -> list[str]:
    known, parts = [], []
    n_others = 0
    for table in (table.name for table in SCORE_TABLES if table.name in cdm.files):
        for vocabulary, code, title, n_rows in _used(engine, table, "concept"):
            meaning = codes.parts.get((vocabulary, code), ())
            scale = None if meaning or (vocabulary, code) in codes.refused else guessed_scale([code, title])
            if meaning and meaning[0].part != "item":
                name = instrument(meaning[0].instrument).name
                known.append(f"#   {code}: {name} {meaning[0].part}, {counted(n_rows, 'row')} of {table}")
            elif scale is not None:
                values = {
                    "instrument": quoted(scale.name),
                    "system": quoted(vocabulary),
                    "total": f"[{quoted(code)}]",
                }
                parts.append(section("scale", values, f"a total? {counted(n_rows, 'row')} of {table}.", is_sure=True))
            else:
                n_others += not meaning
    head = [f"# {LOINC} codes that the catalog knows; they need no section:", *known] if known else []
    others = [f"# Concepts of scores that are no scale, or that were not recognized: {n_others}."] if n_others else []
    return ["\n".join(head), *dict.fromkeys(parts), *others]


def _sessions(engine: Engine, cdm: CdmFolder) -> list[str]:
    parts = []
    for table in (table.name for table in SESSION_TABLES if table.name in cdm.files):
        for vocabulary, code, title, n_rows in _used(engine, table, "concept"):
            kind = guessed_kind([code, title])
            values = {
                "table": quoted(table),
                "vocabulary": quoted(vocabulary),
                "codes": f"[{quoted(code)}]",
                "kind": quoted(kind or "dosing"),
            }
            why = "its code or title says so" if kind else "what is it? If it is no session, leave it out"
            if kind == "dosing" and table == DRUG_EXPOSURE.name:
                why += (
                    '; for doses add dose = "quantity" and milligrams_per_unit = …, the milligrams in one unit of the '
                    "quantity, which no table of the folder says"
                )
            parts.append(section("session", values, f"{why}; {counted(n_rows, 'row')}.", is_sure=bool(kind)))
    return parts


def _routes(engine: Engine, cdm: CdmFolder) -> list[str]:
    if DRUG_EXPOSURE.name not in cdm.files:
        return []
    parts = []
    for vocabulary, code, title, n_rows in _used(engine, DRUG_EXPOSURE.name, "route"):
        route = guessed_route([code, title])
        values = {
            "vocabulary": quoted(vocabulary),
            "codes": f"[{quoted(code)}]",
            "route": quoted(route or "unknown"),
        }
        why = "its code or title says so" if route else "which route is it?"
        parts.append(section("route", values, f"{why}; {counted(n_rows, 'row')}.", is_sure=True))
    return parts
