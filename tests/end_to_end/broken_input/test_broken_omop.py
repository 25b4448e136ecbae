"""Broken folders of CDM tables, one kind of fault a case. All data are synthetic; KEY… and CANARY… are planted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

KEYS = ["KEYPAT", "KEYMEA", "KEYOBS", "KEYDRU", "2031-0", "CANARY"]
MAPPING = """\
schema_version = "1.0"
format = "omop"
[person]
age = "index_year"
sex = { F = "female", M = "male" }
[[session]]
table = "drug_exposure"
vocabulary = "CLINIC"
codes = ["KET"]
kind = "dosing"
dose = "quantity"
[[route]]
vocabulary = "CLINIC"
codes = ["IM"]
route = "intramuscular"
"""
MEASUREMENT_COLUMNS = (
    "measurement_id,person_id,measurement_concept_id,measurement_date,measurement_datetime,operator_concept_id,"
    "value_as_number,value_as_concept_id"
)
DRUG_COLUMNS = (
    "drug_exposure_id,person_id,drug_concept_id,drug_exposure_start_date,drug_exposure_end_date,quantity,"
    "route_concept_id"
)
TABLES: dict[str, list[str]] = {
    "concept": [
        "concept_id,concept_name,domain_id,vocabulary_id,concept_code",
        "71,PHQ-9 total,Measurement,LOINC,44261-6",
        "72,MDS item,Measurement,LOINC,54636-6",
        "73,item,Measurement,LOINC,44250-9",
        "74,less,Meas Value Operator,CLINIC,LT",
        "81,answer,Meas Value,LOINC,LA6569-3",
        "91,FEMALE,Gender,Gender,F",
        "92,MALE,Gender,Gender,M",
        "93,OTHER,Gender,Gender,O",
        "95,ketamine,Drug,CLINIC,KET",
        "96,intramuscular,Route,CLINIC,IM",
        "97,unknown,Route,CLINIC,CANARYROUTE",
    ],
    "person": [
        "person_id,gender_concept_id,year_of_birth,month_of_birth,day_of_birth,birth_datetime,person_source_value",
        "KEYPAT1,91,1980,,,,",
        "KEYPAT2,92,1971,,,,",
    ],
    "measurement": [
        MEASUREMENT_COLUMNS,
        "KEYMEA1,KEYPAT1,71,2031-03-01,2031-03-01 09:30:00,0,14,0",
        "KEYMEA2,KEYPAT2,71,2031-03-02,,,11,",
    ],
    "drug_exposure": [
        DRUG_COLUMNS,
        "KEYDRU1,KEYPAT1,95,2031-03-04,2031-03-04,75,96",
        "KEYDRU2,KEYPAT2,95,2031-03-05,2031-03-05,60,96",
    ],
}

Lines = dict[str, list[str]]


def write(folder: Path, tables: Lines, mapping: str = MAPPING) -> None:
    for name, rows in tables.items():
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "mapping.toml").write_text(mapping, encoding="utf-8")


def changed(table: str, change: Callable[[list[str]], list[str]]) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        tables = {name: list(rows) for name, rows in TABLES.items()}
        tables[table] = change(tables.get(table, []))
        write(folder, tables)

    return build


def more(table: str, *rows: str) -> Callable[[Path], None]:
    """Write sound tables and further rows, whose first number is 3."""
    return changed(table, lambda old: old + list(rows))


def replaced(table: str, old: str, new: str) -> Callable[[Path], None]:
    return changed(table, lambda rows: [row.replace(old, new) for row in rows])


def without(table: str) -> Callable[[Path], None]:
    return lambda folder: write(folder, {name: rows for name, rows in TABLES.items() if name != table})


def twice(table: str) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        write(folder, TABLES)
        (folder / f"{table}.parquet").write_bytes(b"PAR1CANARY")

    return build


CASES: tuple[dict[str, Any], ...] = (
    # Tables that cannot be read.
    {"id": "omop: no table of concepts", "build": without("concept"), "secrets": KEYS, "code": 2,
     "fragments": ["rule missing_table", "concept"]},
    {"id": "omop: no table of persons", "build": without("person"), "secrets": KEYS, "code": 2,
     "fragments": ["rule missing_table", "person"]},
    {"id": "omop: a table twice", "build": twice("measurement"), "secrets": KEYS, "code": 2,
     "fragments": ["rule one_file"]},
    {"id": "omop: a required column is missing", "build": replaced("measurement", "measurement_date,", "when,"),
     "secrets": KEYS, "code": 2, "fragments": ["rule missing_column", "measurement_date"]},
    {"id": "omop: a concept id twice", "build": more("concept", "71,CANARY,Measurement,LOINC,44261-6"),
     "secrets": KEYS, "code": 2, "fragments": ["rule unique"]},
    {"id": "omop: tabs instead of commas", "build": replaced("concept", ",", "\t"), "secrets": KEYS, "code": 2,
     "fragments": ["concept.csv"]},
    # Rows.
    {"id": "omop: score of an unknown person", "build": more("measurement", "KEYMEA3,KEYPATX,71,2031-03-09,,,5,"),
     "secrets": KEYS, "code": 2, "rules": {"link": 1}},
    {"id": "omop: impossible date", "build": more("measurement", "KEYMEA3,KEYPAT1,71,2031-02-30,,,5,"),
     "secrets": KEYS, "code": 2, "rules": {"impossible_date": 1}},
    {"id": "omop: text in place of a number", "build": more("measurement", "KEYMEA3,KEYPAT1,71,2031-03-09,,,CANARY,"),
     "secrets": KEYS, "code": 2, "rules": {"number": 1}},
    {"id": "omop: number below a limit", "build": more("measurement", "KEYMEA3,KEYPAT1,71,2031-03-09,,74,5,"),
     "secrets": KEYS, "code": 2, "rules": {"comparator": 1}},
    {"id": "omop: answer in place of a total", "build": more("measurement", "KEYMEA3,KEYPAT1,71,2031-03-09,,,,81"),
     "secrets": KEYS, "code": 2, "rules": {"total_code_as_item": 1}},
    {"id": "omop: answer that no scale has", "build": more("measurement", "KEYMEA3,KEYPAT1,73,2031-03-09,,,,95"),
     "secrets": KEYS, "code": 2, "rules": {"answer_code": 1}},
    {"id": "omop: two different totals of a day",
     "build": more("measurement", "KEYMEA3,KEYPAT1,71,2031-03-09,,,5,", "KEYMEA4,KEYPAT1,71,2031-03-09,,,9,"),
     "secrets": KEYS, "code": 2, "rules": {"two_answers": 2}},
    {"id": "omop: nursing-home item", "build": more("measurement", "KEYMEA3,KEYPAT1,72,2031-03-09,,,1,"),
     "secrets": KEYS, "code": 0, "rules": {"refused_code": 1}},
    {"id": "omop: score without a value", "build": more("measurement", "KEYMEA3,KEYPAT1,71,2031-03-09,,,,0"),
     "secrets": KEYS, "code": 0, "rules": {"no_value": 1}},
    {"id": "omop: impossible dose", "build": more("drug_exposure", "KEYDRU3,KEYPAT1,95,2031-03-11,2031-03-11,83177,96"),
     "secrets": [*KEYS, "83177"], "code": 2, "rules": {"range": 1}},
    {"id": "omop: unknown route", "build": more("drug_exposure", "KEYDRU3,KEYPAT1,95,2031-03-11,2031-03-11,70,97"),
     "secrets": KEYS, "code": 2, "rules": {"route_code": 1}},
    {"id": "omop: gender that is not decoded", "build": more("person", "KEYPAT3,93,1990,,,,"), "secrets": KEYS,
     "code": 2, "rules": {"not_decoded": 1}},
    # Identifiers.
    {"id": "omop: birth date", "build": replaced("person", "1971,,,,", "1971,8,31,1971-08-31,"),
     "secrets": [*KEYS, "1971"], "code": 3, "rules": {"omop_birth_date": 3}},
    {"id": "omop: chart number", "build": replaced("person", "1971,,,,", "1971,,,,CANARY-4711"),
     "secrets": [*KEYS, "4711"], "code": 3, "rules": {"omop_source_value": 1}},
    {"id": "omop: table of notes", "build": changed("note", lambda _: ["note_id,note_text", "1,CANARYTEXT"]),
     "secrets": KEYS, "code": 3, "fragments": ["omop_identifying_table"]},
    {"id": "omop: born more than 89 years before", "build": replaced("person", "1971", "1931"),
     "secrets": [*KEYS, "1931"], "code": 3, "rules": {"value_age_above_89": 1}},
    {"id": "omop: telephone number as a source value",
     "build": changed("observation", lambda _: [
         "observation_id,person_id,observation_concept_id,observation_date,value_as_number,value_source_value",
         "KEYOBS1,KEYPAT1,71,2031-04-01,5,(415) 555-0177"]),
     "secrets": [*KEYS, "555-0177"], "code": 3, "rules": {"value_phone": 1}},
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_broken_omop(case: dict[str, Any], broken: Callable[[dict[str, Any]], Any]) -> None:
    broken(case)
