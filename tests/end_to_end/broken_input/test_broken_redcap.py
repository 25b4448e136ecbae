"""Broken exports of REDCap projects, one kind of fault a case. All data are synthetic; KEY… and CANARY… are planted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

VALIDATION = "text_validation_type_or_show_slider_number"
HEADINGS = f"field_name,form_name,field_type,select_choices_or_calculations,{VALIDATION},identifier"
ANSWERS = "0, CANARYNEVER | 1, CANARYSOME | 2, CANARYMOST | 3, CANARYDAILY"
DICTIONARY = [
    HEADINGS,
    "record_id,intake,text,,,",
    'sex,intake,radio,"1, Female | 2, Male",,',
    'criteria,intake,checkbox,"1, Adult | 2, Consented",,',
    "visit_date,visit,text,,date_ymd,",
    *[f'phq9_{number},phq9,radio,"{ANSWERS}",,' for number in range(1, 10)],
    "phq9_total,phq9,calc,,,",
    "dose_date,dosing,text,,date_ymd,",
    'route,dosing,checkbox,"1, Intramuscular | 2, Sublingual",,',
    "dose,dosing,text,,number,",
]
COLUMNS = (
    "record_id,redcap_event_name,redcap_repeat_instrument,redcap_repeat_instance,sex,criteria___1,criteria___2,"
    "intake_complete,visit_date,visit_complete,"
    + ",".join(f"phq9_{number}" for number in range(1, 10))
    + ",phq9_total,phq9_complete,dose_date,route___1,route___2,dose,dosing_complete"
).split(",")
MAPPING = """
schema_version = "1.0"
format = "redcap"
[redcap]
data = ["export.csv"]
dictionary = "dictionary.csv"
id_field = "record_id"
[[redcap.missing]]
codes = ["-99"]
[[redcap.event]]
name = "visit_arm_1"
date_field = "visit_date"
[[redcap.event]]
name = "treatment_arm_1"
[redcap.patients]
[[redcap.patients.column]]
name = "sex"
field = "sex"
codes = { 1 = "female", 2 = "male" }
[[redcap.patients.column]]
name = "eligible_adult"
field = "criteria"
choice = "1"
[[redcap.session]]
form = "dosing"
kind = "dosing"
date_field = "dose_date"
[[redcap.session.column]]
name = "route"
field = "route"
codes = { 1 = "intramuscular", 2 = "sublingual" }
[[redcap.session.column]]
name = "dose_mg"
field = "dose"
[[redcap.score]]
form = "phq9"
instrument = "PHQ-9"
events = ["visit_arm_1"]
item_pattern = "phq9_{n}"
total_field = "phq9_total"
"""
SECRETS = ["KEYREC", "CANARY", "2031-0"]

Project = dict[str, Any]
Change = Callable[[Project], Any]


def visit(record: str, *, items: str = "222222211", total: str = "16", **cells: str) -> dict[str, str]:
    row = {"record_id": record, "redcap_event_name": "visit_arm_1", "sex": "1", "criteria___1": "1"}
    row |= {"criteria___2": "1", "intake_complete": "2", "visit_date": "2031-02-27", "visit_complete": "2"}
    row |= {f"phq9_{number}": item for number, item in enumerate(items, start=1)}
    return row | {"phq9_total": total, "phq9_complete": "2"} | cells


def dosing(record: str, instance: str, **cells: str) -> dict[str, str]:
    row = {"record_id": record, "redcap_event_name": "treatment_arm_1", "redcap_repeat_instrument": "dosing"}
    row |= {"redcap_repeat_instance": instance, "dose_date": f"2031-03-0{instance or 7}", "route___1": "1"}
    return row | {"route___2": "0", "dose": "75", "dosing_complete": "2"} | cells


def sound() -> Project:
    """Return a project of two records without any fault."""
    rows = [visit("KEYREC01"), dosing("KEYREC01", "1"), dosing("KEYREC01", "2"), visit("KEYREC02", sex="2")]
    rows.append(dosing("KEYREC02", "1"))
    return {"columns": list(COLUMNS), "rows": rows, "dictionary": list(DICTIONARY), "mapping": MAPPING}


def write(folder: Path, project: Project, encoding: str = "utf-8") -> None:
    lines = [",".join(project["columns"])]
    lines += [",".join(row.get(name, "") for name in project["columns"]) for row in project["rows"]]
    (folder / "export.csv").write_bytes(("\n".join(lines) + "\n").encode(encoding))
    (folder / "dictionary.csv").write_text("\n".join(project["dictionary"]) + "\n", encoding="utf-8")
    (folder / "mapping.toml").write_text(project["mapping"], encoding="utf-8")


def changed(change: Change) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        project = sound()
        change(project)
        write(folder, project)

    return build


def cell(row: int, **cells: str) -> Callable[[Path], None]:
    """Change cells of one data row; rows count from 1."""
    return changed(lambda project: project["rows"][row - 1].update(cells))


def column(name: str, value: str, field: str) -> Callable[[Path], None]:
    """Add a column with one value in the first row, and its line of the dictionary."""

    def change(project: Project) -> None:
        project["columns"].append(name)
        project["rows"][0][name] = value
        project["dictionary"].append(field)

    return changed(change)


def mapping(old: str, new: str) -> Callable[[Path], None]:
    def change(project: Project) -> None:
        assert old in project["mapping"]
        project["mapping"] = project["mapping"].replace(old, new)

    return changed(change)


def dictionary(old: str, new: str) -> Callable[[Path], None]:
    def change(project: Project) -> None:
        assert any(old in line for line in project["dictionary"])
        project["dictionary"] = [line.replace(old, new) for line in project["dictionary"]]

    return changed(change)


def labels(project: Project) -> None:
    for row in project["rows"]:
        row.update({name: "CANARYSOME" for name in row if name.startswith("phq9_") and name[5:].isdigit()})


def headed_by_labels(project: Project) -> None:
    project["columns"] = [f"CANARY heading {number}" for number, _ in enumerate(project["columns"])]


def two_arms(project: Project) -> None:
    project["mapping"] += '[[redcap.event]]\nname = "visit_arm_2"\ndate_field = "visit_date"\n'
    both = 'events = ["visit_arm_1", "visit_arm_2"]'
    project["mapping"] = project["mapping"].replace('events = ["visit_arm_1"]', both)
    project["rows"].append(visit("KEYREC02", sex="1", redcap_event_name="visit_arm_2", visit_date="2031-06-01"))


def latin(folder: Path) -> None:
    project = sound()
    project["rows"][0]["dose"] = "CANARYé"
    write(folder, project, "latin-1")


def marked(folder: Path) -> None:
    project = sound()
    project["rows"][1]["dose"] = "a CANARY dose"
    write(folder, project, "utf-8-sig")


def without_dictionary(folder: Path) -> None:
    write(folder, sound())
    (folder / "dictionary.csv").unlink()


def without(*names: str) -> Callable[[Path], None]:
    def change(project: Project) -> None:
        project["columns"] = [name for name in project["columns"] if name not in names]

    return changed(change)


CASES: tuple[dict[str, Any], ...] = (
    # Identifiers.
    {"id": "redcap: field flagged as identifier", "build": column("clinic_no", "CANARY77", "clinic_no,intake,text,,,y"),
     "secrets": SECRETS, "code": 3, "rules": {"redcap_identifier_field": None}},
    {"id": "redcap: checkbox flagged as identifier", "build": dictionary('Consented",,', 'Consented",,y'),
     "secrets": SECRETS, "code": 3, "rules": {"redcap_identifier_field": None}},
    {"id": "redcap: notes box", "build": column("remark_box", "a CANARY story", "remark_box,intake,notes,,,"),
     "secrets": SECRETS, "code": 3, "rules": {"redcap_notes_field": 1}},
    {"id": "redcap: survey identifier", "secrets": SECRETS, "code": 3, "rules": {"redcap_survey_identifier": 1},
     "build": changed(lambda project: (project["columns"].append("redcap_survey_identifier"),
                                       project["rows"][0].update(redcap_survey_identifier="CANARY participant")))},
    {"id": "redcap: e-mail in a field that is left out",
     "build": column("code_box", "CANARY@example.org", "code_box,intake,text,,,"), "secrets": SECRETS, "code": 3,
     "rules": {"value_email": 1}},
    # Files that do not belong together.
    {"id": "redcap: no dictionary", "build": without_dictionary, "secrets": SECRETS, "code": 2,
     "fragments": ["rule missing_file"]},
    {"id": "redcap: wrong dictionary", "build": dictionary("dose,dosing", "amount,dosing"), "secrets": SECRETS,
     "code": 2, "fragments": ["rule redcap_dictionary", "'dose'"]},
    {"id": "redcap: data given as dictionary", "secrets": SECRETS, "code": 2,
     "build": changed(lambda project: project.update(dictionary=["record_id,sex", "KEYREC01,1"])),
     "fragments": ["not a data dictionary"]},
    {"id": "redcap: column that the dictionary does not describe", "secrets": SECRETS, "code": 2,
     "build": changed(lambda project: project["columns"].append("later_field")), "fragments": ["'later_field'"]},
    {"id": "redcap: no record id", "build": without("record_id"), "secrets": SECRETS, "code": 2,
     "fragments": ["rule redcap_id_field"]},
    {"id": "redcap: headings are labels", "build": changed(headed_by_labels), "secrets": ["KEYREC", "2031-0"],
     "code": 2, "fragments": ["rule redcap_id_field", "raw names"]},
    {"id": "redcap: no form status", "build": without("phq9_complete"), "secrets": SECRETS, "code": 2,
     "fragments": ["rule redcap_form_status", "'phq9_complete'"]},
    {"id": "redcap: cells are labels", "build": changed(labels), "secrets": SECRETS, "code": 2,
     "fragments": ["rule redcap_labels", "phq9_1"]},
    {"id": "redcap: status as label", "build": cell(1, phq9_complete="Complete"), "secrets": SECRETS, "code": 2,
     "fragments": ["rule redcap_labels", "phq9_complete"]},
    {"id": "redcap: latin-1", "build": latin, "secrets": SECRETS, "code": 2, "fragments": ["rule encoding"]},
    {"id": "redcap: byte-order mark and a text in a number", "build": marked, "secrets": SECRETS, "code": 2,
     "rules": {"number": 1}},
    # Mappings that do not fit.
    {"id": "redcap: missing code that is an answer", "build": mapping('"-99"', '"2"'), "secrets": SECRETS, "code": 2,
     "fragments": ["missing_code_inside_range"]},
    {"id": "redcap: items with codes from 1", "secrets": SECRETS, "code": 2,
     "build": dictionary(ANSWERS, "1, CANARYA | 2, CANARYB | 3, CANARYC | 4, CANARYD"),
     "fragments": ["are no answers of the PHQ-9", "item_codes"]},
    {"id": "redcap: form that is not there", "build": mapping('form = "dosing"', 'form = "dosage"'), "secrets": SECRETS,
     "code": 2, "fragments": ["names form 'dosage'"]},
    {"id": "redcap: mapping with an unknown key", "build": mapping("id_field", 'color = "blue"\nid_field'),
     "secrets": SECRETS, "code": 2, "fragments": ["color: is not a key"]},
    # Rows that are rejected.
    {"id": "redcap: row stands twice",
     "build": changed(lambda project: project["rows"].append(dosing("KEYREC01", "2"))), "secrets": SECRETS, "code": 2,
     "rules": {"unique": 2}},
    {"id": "redcap: instance without its number", "build": cell(3, redcap_repeat_instance=""), "secrets": SECRETS,
     "code": 2, "rules": {"instance_missing": 1}},
    {"id": "redcap: row without a record id", "build": cell(3, record_id=""), "secrets": SECRETS, "code": 2,
     "rules": {"required": None}},
    {"id": "redcap: two routes ticked", "build": cell(2, route___2="1"), "secrets": SECRETS, "code": 2,
     "rules": {"several_ticked": 1}},
    {"id": "redcap: code that is no choice", "build": cell(1, sex="CANARY9"), "secrets": SECRETS, "code": 2,
     "rules": {"not_a_choice": 1}},
    {"id": "redcap: calculated total differs from items", "build": cell(1, phq9_total="23"), "secrets": SECRETS,
     "code": 2, "rules": {"total_equals_items": 1}},
    {"id": "redcap: missing code that nobody listed", "build": cell(1, phq9_total="9990"),
     "secrets": [*SECRETS, "9990"], "code": 2, "rules": {"total_range": 1}},
    {"id": "redcap: missing code in one item", "build": cell(1, phq9_4="-99"), "secrets": SECRETS, "code": 2,
     "rules": {"items_complete": 1}},
    {"id": "redcap: no date on a complete form", "build": cell(1, visit_date=""), "secrets": SECRETS, "code": 2,
     "rules": {"required": 1}},
    {"id": "redcap: dates in another order", "build": cell(2, dose_date="03/01/2031"), "secrets": [*SECRETS, "03/01"],
     "code": 2, "rules": {"date": 1}},
    {"id": "redcap: record in two arms", "build": changed(two_arms), "secrets": SECRETS, "code": 2,
     "rules": {"same_in_all_rows": 2}},
    # Rows that are left out.
    {"id": "redcap: incomplete form", "build": cell(3, dosing_complete="0"), "secrets": SECRETS, "code": 0,
     "rules": {"form_incomplete": 1}},
    {"id": "redcap: unverified form", "build": cell(3, dosing_complete="1"), "secrets": SECRETS, "code": 0,
     "rules": {"form_unverified": 1}},
    {"id": "redcap: unknown event", "build": cell(3, redcap_event_name="canary_arm_1"), "secrets": SECRETS, "code": 0,
     "rules": {"event_not_mapped": 1}},
    {"id": "redcap: complete form without a cell",
     "build": cell(3, dose_date="", route___1="0", dose=""), "secrets": SECRETS, "code": 0, "rules": {"form_empty": 1}},
    {"id": "redcap: blank row of a record", "secrets": SECRETS, "code": 0, "rules": {"nothing_mapped": 1},
     "build": changed(lambda project: project["rows"].append({"record_id": "KEYREC01",
                                                              "redcap_event_name": "visit_arm_1"}))},
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_broken_redcap(case: dict[str, Any], broken: Callable[[dict[str, Any]], Any]) -> None:
    broken(case)
