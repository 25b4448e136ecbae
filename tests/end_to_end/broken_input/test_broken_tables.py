"""Broken tables of the schema, one kind of fault a case. All data are synthetic; KEY… and CANARY… are planted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PATIENTS = [
    "patient_id,site,age_years,sex,diagnoses,program_booked",
    "KEYPAT01,CANARYSITE,41,female,ptsd;depression,with_integration",
    "KEYPAT02,CANARYSITE,52,male,ptsd,ketamine_only",
    "KEYPAT03,CANARYSITE,29,female,depression,ketamine_only",
]
SESSIONS = [
    "session_id,patient_id,date,time,kind,route,dose_mg,dose_mg_per_kg",
    "KEYSES01,KEYPAT01,2031-02-27,,screening,,,",
    "KEYSES02,KEYPAT01,2031-03-04,09:37,dosing,intramuscular,75,1",
    "KEYSES03,KEYPAT01,2031-03-06,14:05,integration,,,",
    "KEYSES04,KEYPAT02,2031-04-01,10:11,dosing,intranasal,60.5,",
    "KEYSES05,KEYPAT03,2031-05-05,11:13,dosing,sublingual,120,",
]
SCORES = [
    "score_id,patient_id,date,instrument,total,item_1,item_2,item_3,item_4,item_5,item_6,item_7,item_8,item_9",
    "KEYSCO01,KEYPAT01,2031-03-01,PHQ-9,16,2,2,2,2,2,2,2,1,1",
    "KEYSCO02,KEYPAT01,2031-04-02,PHQ-9,7,,,,,,,,,",
    "KEYSCO03,KEYPAT02,2031-03-30,GAD-7,,3,3,1,1,1,1,1,,",
    "KEYSCO04,KEYPAT03,2031-05-04,PCL-5,33,,,,,,,,,",
]
KEYS = ["KEYPAT", "KEYSES", "KEYSCO", "CANARYSITE", "2031-0"]

Lines = dict[str, list[str]]


def base() -> Lines:
    return {"patients": list(PATIENTS), "sessions": list(SESSIONS), "scores": list(SCORES)}


def write(folder: Path, lines: Lines) -> None:
    for name, rows in lines.items():
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def files(change: Callable[[Lines], Any]) -> Callable[[Path], None]:
    """Write the sound tables after a change."""

    def build(folder: Path) -> None:
        lines = base()
        change(lines)
        write(folder, lines)

    return build


def line(table: str, row: int, text: str) -> Callable[[Path], None]:
    """Replace a data row; rows count from 1."""
    return files(lambda lines: lines[table].__setitem__(row, text))


def more(table: str, *texts: str) -> Callable[[Path], None]:
    """Append rows."""
    return files(lambda lines: lines[table].extend(texts))


def replaced(table: str, old: str, new: str) -> Callable[[Path], None]:
    """Replace a text in every row of a table, the header included."""
    return files(lambda lines: lines.__setitem__(table, [row.replace(old, new) for row in lines[table]]))


def raw(name: str, content: bytes) -> Callable[[Path], None]:
    """Write the sound tables, and one file as bytes."""

    def build(folder: Path) -> None:
        write(folder, base())
        (folder / name).write_bytes(content)

    return build


def encoded(table: str, encoding: str) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        write(folder, base())
        text = "\n".join(base()[table]).replace("CANARYSITE", "CANARYSITE-Montréal") + "\n"
        (folder / f"{table}.csv").write_bytes(text.encode(encoding))

    return build


def without(name: str) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        write(folder, base())
        (folder / name).unlink()

    return build


CASES: tuple[dict[str, Any], ...] = (
    # Files that are no proper tables.
    {"id": "empty file", "build": raw("sessions.csv", b""), "secrets": KEYS, "code": 2, "fragments": ["rule header"]},
    {"id": "header only", "build": files(lambda lines: lines.update(patients=PATIENTS[:1])), "secrets": KEYS, "code": 2,
     "fragments": ["no patient is accepted"]},
    {"id": "table is missing", "build": without("sessions.csv"), "secrets": KEYS, "code": 2,
     "fragments": ["rule missing_table"]},
    {"id": "latin-1", "build": encoded("patients", "latin-1"), "secrets": KEYS, "code": 2,
     "fragments": ["rule encoding", "line 2"]},
    {"id": "utf-16", "build": encoded("patients", "utf-16"), "secrets": KEYS, "code": 2,
     "fragments": ["rule encoding"]},
    {"id": "semicolons", "build": replaced("sessions", ",", ";"), "secrets": KEYS, "code": 2,
     "fragments": ["rule separator"]},
    {"id": "tabs", "build": replaced("sessions", ",", "\t"), "secrets": KEYS, "code": 2,
     "fragments": ["rule separator"]},
    {"id": "no header line", "build": files(lambda lines: lines["patients"].pop(0)), "secrets": KEYS, "code": 2,
     "fragments": ["rule missing_column"]},
    {"id": "unclosed quote", "build": line("patients", 2, '"KEYPAT02,CANARYSITE,52,male,ptsd,ketamine_only'),
     "secrets": KEYS, "code": 2, "fragments": ["rule stray_quote"]},
    {"id": "ragged row", "build": line("patients", 2, "KEYPAT02,CANARYSITE,52,male,ptsd"), "secrets": KEYS, "code": 2,
     "fragments": ["rule row_length"]},
    {"id": "truncated parquet", "build": raw("adverse_events.parquet", b"PAR1CANARYBYTES"), "secrets": [*KEYS, "BYTES"],
     "code": 2, "fragments": ["rule parquet"]},
    # Cells.
    {"id": "duplicate patient", "build": more("patients", PATIENTS[1]), "secrets": KEYS, "code": 2,
     "rules": {"unique": 2}},
    {"id": "duplicate session", "build": more("sessions", SESSIONS[1]), "secrets": KEYS, "code": 2,
     "rules": {"unique": 2}},
    {"id": "n/a in dates", "build": line("sessions", 1, "KEYSES01,KEYPAT01,n/a,,screening,,,"), "secrets": KEYS,
     "code": 2, "rules": {"date": 1}},
    {"id": "30 February", "build": line("sessions", 1, "KEYSES01,KEYPAT01,2031-02-30,,screening,,,"),
     "secrets": [*KEYS, "02-30"], "code": 2, "rules": {"impossible_date": 1}},
    {"id": "unknown patient", "build": more("sessions", "KEYSES09,KEYPATX9,2031-04-01,,dosing,,,"), "secrets": KEYS,
     "code": 2, "rules": {"link": 1}},
    {"id": "totals differ from items", "build": replaced("scores", "PHQ-9,16,", "PHQ-9,19,"), "secrets": KEYS,
     "code": 2, "rules": {"total_equals_items": 1}},
    {"id": "total out of range", "build": replaced("scores", "PHQ-9,7,", "PHQ-9,8317,"), "secrets": [*KEYS, "8317"],
     "code": 2, "rules": {"total_range": 1}},
    {"id": "decimal comma",
     "build": line("sessions", 4, 'KEYSES04,KEYPAT02,2031-04-01,10:11,dosing,intranasal,"60,5",'), "secrets": [*KEYS, "60,5"], "code": 2, "rules": {"number": 1}},
    {"id": "unit in a number", "build": replaced("sessions", "60.5,", "6077 mg,"), "secrets": [*KEYS, "6077"],
     "code": 2, "rules": {"number": 1}},
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_broken_tables(case: dict[str, Any], broken: Callable[[dict[str, Any]], Any]) -> None:
    broken(case)
