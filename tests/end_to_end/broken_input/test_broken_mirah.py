"""Broken outcomes exports of Mirah, one kind of fault a case. All data are synthetic; KEY… and CANARY… are planted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

COLUMNS = (
    "id",
    "patient_id",
    "care_episode_id",
    "user_id",
    "questionnaire_mnemonic",
    "score_domain",
    "treatment_start_date",
    "days_between_treatment_start_and_baseline",
    "intake_value",
    "current_date",
    "current_value",
)
ROWS = [
    "KEYOUT01,KEYPAT01,e1,u1,phq9,raw,2031-02-20T00:00:00,2,17,2031-05-02,6",
    "KEYOUT02,KEYPAT01,e1,u1,phq9,normed,2031-02-20T00:00:00,2,61,2031-05-02,48",
    "KEYOUT03,KEYPAT02,e2,u2,gad7,raw,2031-02-25T00:00:00,1,12,2031-05-09,4",
]
SESSIONS = [
    "session_id,patient_id,date,kind",
    "KEYSES01,KEYPAT01,2031-03-01,dosing",
    "KEYSES02,KEYPAT02,2031-03-04,dosing",
]
MAPPING = """
schema_version = "1.0"
format = "mirah"
[mirah]
data = ["outcomes.csv"]
sessions = "sessions.csv"
[[mirah.measurement]]
name = "intake"
value_column = "intake_value"
days_column = "days_between_treatment_start_and_baseline"
[[mirah.measurement]]
name = "current"
value_column = "current_value"
date_column = "current_date"
[[mirah.scale]]
mnemonic = "phq9"
instrument = "PHQ-9"
[[mirah.scale]]
mnemonic = "gad7"
instrument = "GAD-7"
"""
SECRETS = ["KEYOUT", "KEYPAT", "KEYSES", "CANARY", "2031-0"]


def built(
    *,
    columns: tuple[str, ...] = COLUMNS,
    rows: tuple[str, ...] = tuple(ROWS),
    mapping: str = MAPPING,
    encoding: str = "utf-8",
) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        text = "\n".join([",".join(columns), *rows]) + "\n"
        (folder / "outcomes.csv").write_bytes(text.encode(encoding))
        (folder / "sessions.csv").write_text("\n".join(SESSIONS) + "\n", encoding="utf-8")
        (folder / "mapping.toml").write_text(mapping, encoding="utf-8")

    return build


def replaced(old: str, new: str) -> Callable[[Path], None]:
    """Replace a text in the rows of the export."""
    assert any(old in row for row in ROWS)
    return built(rows=tuple(row.replace(old, new) for row in ROWS))


def renamed(old: str, new: str) -> Callable[[Path], None]:
    return built(columns=tuple(new if name == old else name for name in COLUMNS))


CASES: tuple[dict[str, Any], ...] = (
    {"id": "mirah: names of patients", "secrets": SECRETS, "code": 3, "rules": {"column_name_person": None},
     "build": built(columns=(*COLUMNS, "patient_first_name"), rows=tuple(f"{row},CANARYNAME" for row in ROWS))},
    {"id": "mirah: phone number in a key", "build": replaced("KEYPAT02", "CANARY (416) 555-0123"),
     "secrets": [*SECRETS, "555-0123"], "code": 3, "rules": {"value_phone": 1}},
    {"id": "mirah: column renamed by the system", "build": renamed("score_domain", "scoreDomain"), "secrets": SECRETS,
     "code": 2, "fragments": ["rule missing_column", "'score_domain'"]},
    {"id": "mirah: value column under another name", "build": renamed("intake_value", "baseline"), "secrets": SECRETS,
     "code": 2, "fragments": ["'intake_value'"]},
    {"id": "mirah: utf-16", "build": built(encoding="utf-16"), "secrets": SECRETS, "code": 2,
     "fragments": ["outcomes.csv: rule"]},
    {"id": "mirah: ambiguous instrument", "build": built(mapping=MAPPING.replace('"PHQ-9"', '"PHQ"')),
     "secrets": SECRETS, "code": 2, "fragments": ["which scale is meant"]},
    {"id": "mirah: row exported twice", "build": built(rows=(*ROWS, ROWS[0])), "secrets": SECRETS, "code": 2,
     "rules": {"unique": 2}},
    {"id": "mirah: start of treatment is no date", "build": replaced("2031-02-25T00:00:00", "CANARY spring"),
     "secrets": SECRETS, "code": 2, "rules": {"required": 1}},
    {"id": "mirah: value out of range", "build": replaced("raw,2031-02-20T00:00:00,2,17,", "raw,2031-02-20,2,8317,"),
     "secrets": [*SECRETS, "8317"], "code": 2, "rules": {"total_range": 1}},
    {"id": "mirah: word instead of a value", "build": replaced(",2,17,", ",2,CANARYSEVERE,"), "secrets": SECRETS,
     "code": 2, "rules": {"number": 1}},
    {"id": "mirah: domain that is not documented",
     "build": replaced("KEYPAT02,e2,u2,gad7,raw", "KEYPAT02,e2,u2,gad7,CANARY"), "secrets": SECRETS, "code": 2,
     "rules": {"score_domain": 2}},
    {"id": "mirah: questionnaire that is not mapped", "build": replaced("u1,phq9,raw", "u1,CANARYform,raw"),
     "secrets": SECRETS, "code": 2, "rules": {"questionnaire_not_mapped": 1}},
    {"id": "mirah: row without a value", "build": replaced(",1,12,2031-05-09,4", ",1,,,"), "secrets": SECRETS,
     "code": 2, "rules": {"no_value": 1}},
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_broken_mirah(case: dict[str, Any], broken: Callable[[dict[str, Any]], Any]) -> None:
    broken(case)
