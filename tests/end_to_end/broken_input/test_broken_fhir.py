"""Broken FHIR exports, one kind of fault a case. All data are synthetic; KEY… and CANARY… are planted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ITEMS = ("44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8")
KEYS = ["KEYPAT", "KEYOBS", "KEYPRO", "KEYADM", "KEYQUE", "2031-0", "CANARY"]
MAPPING = """\
schema_version = "1.0"
format = "fhir"
[[session]]
resource = "Procedure"
system = "urn:clinic"
codes = ["KAP"]
kind = "dosing"
[[session]]
resource = "MedicationAdministration"
system = "urn:clinic"
codes = ["KET"]
kind = "dosing"
[[route]]
system = "urn:clinic"
codes = ["IM"]
route = "intramuscular"
"""

Resource = dict[str, Any]


def loinc(code: str) -> Resource:
    return {"coding": [{"system": "http://loinc.org", "code": code}]}


def local(code: str) -> Resource:
    return {"coding": [{"system": "urn:clinic", "code": code}]}


def observation(number: int, code: str, patient: int = 1, date: str = "2031-03-01", **more: Any) -> Resource:
    return {
        "resourceType": "Observation",
        "id": f"KEYOBS{number}",
        "status": "final",
        "code": loinc(code),
        "subject": {"reference": f"Patient/KEYPAT{patient}"},
        "effectiveDateTime": date,
    } | more


def administration(number: int, patient: int = 1, **more: Any) -> Resource:
    return {
        "resourceType": "MedicationAdministration",
        "id": f"KEYADM{number}",
        "status": "completed",
        "medicationCodeableConcept": local("KET"),
        "subject": {"reference": f"Patient/KEYPAT{patient}"},
        "effectiveDateTime": "2031-03-04T10:20:00-08:00",
        "dosage": {"route": local("IM"), "dose": {"value": 75, "unit": "mg"}},
    } | more


def base() -> list[Resource]:
    return [
        observation(1, "44261-6", valueInteger=14),
        observation(2, "44261-6", 2, "2031-03-02", valueInteger=11),
        administration(1),
        administration(2, 2),
    ]


def write(folder: Path, resources: list[Resource], mapping: str = MAPPING) -> None:
    lines = (json.dumps(resource) for resource in resources)
    (folder / "export.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "mapping.toml").write_text(mapping, encoding="utf-8")


def more(*resources: Resource) -> Callable[[Path], None]:
    """Write a sound export and further resources: their first line is 5."""
    return lambda folder: write(folder, base() + list(resources))


def tail(text: bytes) -> Callable[[Path], None]:
    """Write a sound export and further bytes: their first line is 5."""

    def build(folder: Path) -> None:
        write(folder, base())
        with (folder / "export.ndjson").open("ab") as file:
            file.write(text)

    return build


def with_file(name: str, content: Any) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        write(folder, base())
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")

    return build


def with_patients(text: str) -> Callable[[Path], None]:
    section = '[patients]\nfile = "people.csv"\n[patients.columns]\nsex = "sex"\n[patients.values.sex]\nF = "female"\n'

    def build(folder: Path) -> None:
        write(folder, base(), MAPPING + section)
        (folder / "people.csv").write_text(text, encoding="utf-8")

    return build


def item_lines(code: str = "", **value: Any) -> list[Resource]:
    """Return the nine items of a PHQ-9; the last has another code or value."""
    answers = [{"valueCodeableConcept": loinc("LA6569-3")}] * 8 + [value or {"valueInteger": 1}]
    codes = (*ITEMS[:8], code or ITEMS[8])
    return [
        observation(10 + place, item, 1, "2031-04-01", **answer)
        for place, (item, answer) in enumerate(zip(codes, answers, strict=True))
    ]


def manifest(count: int = 4, **more: Any) -> dict[str, Any]:
    return {"output": [{"type": "Observation", "url": "https://ehr.example/export.ndjson", "count": count}], **more}


NAME = [{"family": "CANARYSON", "given": ["CANARYNE"]}]
CASES: tuple[dict[str, Any], ...] = (
    # Files that are no export.
    {"id": "fhir: no ndjson file", "build": lambda folder: (folder / "mapping.toml").write_text(MAPPING),
     "secrets": KEYS, "code": 2, "fragments": ["rule missing_file"]},
    {"id": "fhir: line cut off", "build": tail(b'{"resourceType": "Observation", "id": "KEYOBS9", "stat'),
     "secrets": KEYS, "code": 2, "fragments": ["rule ndjson", "line 5"]},
    {"id": "fhir: pretty-printed resource", "build": tail(json.dumps(observation(9, "44261-6"), indent=2).encode()),
     "secrets": KEYS, "code": 2, "fragments": ["rule ndjson"]},
    {"id": "fhir: array of resources", "build": tail(b'[{"resourceType": "Observation", "id": "KEYOBS9"}]'),
     "secrets": KEYS, "code": 2, "fragments": ["rule ndjson", "line 5"]},
    {"id": "fhir: latin-1", "build": tail('{"resourceType":"Basic","id":"CANARYé"}'.encode("latin-1")),
     "secrets": KEYS, "code": 2, "fragments": ["rule encoding", "line 5"]},
    {"id": "fhir: NaN as a number", "build": tail(b'{"resourceType":"Observation","id":"KEYOBS9","valueDecimal":NaN}'),
     "secrets": KEYS, "code": 2, "fragments": ["rule ndjson", "line 5"]},
    {"id": "fhir: nested ten thousand deep", "build": tail(b'{"resourceType":"CANARY","a":' + b"[" * 10_000),
     "secrets": KEYS, "code": 2, "fragments": ["rule ndjson", "line 5"]},
    {"id": "fhir: half a surrogate pair", "build": tail(b'{"resourceType":"Basic","id":"CANARY\\ud800"}'),
     "secrets": KEYS, "code": 2, "fragments": ["rule ndjson", "line 5"]},
    {"id": "fhir: no resourceType", "build": tail(b'{"id":"KEYOBS9"}'), "secrets": KEYS, "code": 2,
     "fragments": ["rule resource_type", "line 5"]},
    {"id": "fhir: element of a wrong type", "build": more(observation(9, "44261-6", valueInteger="CANARY")),
     "secrets": KEYS, "code": 2, "fragments": ["rule fhir_structure", "line 5"]},
    # The manifest.
    {"id": "fhir: fewer lines than the manifest says", "build": with_file("manifest.json", manifest(9)),
     "secrets": KEYS, "code": 2, "fragments": ["rule manifest_count"]},
    {"id": "fhir: file of the manifest is missing",
     "build": with_file("manifest.json", manifest(deleted=[{"url": "https://ehr.example/CANARY.ndjson"}])),
     "secrets": KEYS, "code": 2, "fragments": ["rule manifest_file"]},
    {"id": "fhir: manifest is no JSON", "build": with_file("manifest.json", "{CANARY"), "secrets": KEYS, "code": 2,
     "fragments": ["rule manifest"]},
    # The mapping.
    {"id": "fhir: mapping with unknown words",
     "build": lambda folder: write(folder, base(), MAPPING + 'colour = "blue"\n'), "secrets": KEYS, "code": 2,
     "fragments": ["colour"]},
    {"id": "fhir: patients of two servers",
     "build": more(observation(9, "44261-6", subject={"reference": "https://CANARY.example/Patient/KEYPAT1"},
                               valueInteger=3)),
     "secrets": KEYS, "code": 2, "fragments": ["rule two_servers"]},
    # Resources.
    {"id": "fhir: score of nobody", "build": more(observation(9, "44261-6", subject={}, valueInteger=3)),
     "secrets": KEYS, "code": 2, "rules": {"required": 1}},
    {"id": "fhir: partial date", "build": more(observation(9, "44261-6", 1, "2031-04", valueInteger=3)),
     "secrets": KEYS, "code": 2, "rules": {"date": 1}},
    {"id": "fhir: no date", "build": more(observation(9, "44261-6", 1, "", valueInteger=3)),
     "secrets": KEYS, "code": 2, "rules": {"required": 1}},
    {"id": "fhir: free-text answer", "build": more(observation(9, "44261-6", 1, "2031-04-01", valueString="CANARY")),
     "secrets": KEYS, "code": 2, "rules": {"answer_not_coded": 1}},
    {"id": "fhir: answer above a limit",
     "build": more(observation(9, "44261-6", 1, "2031-04-01", valueQuantity={"value": 20, "comparator": ">"})),
     "secrets": KEYS, "code": 2, "rules": {"comparator": 1}},
    {"id": "fhir: total code used as an item",
     "build": more(*item_lines("44261-6", valueCodeableConcept=loinc("LA6569-3"))), "secrets": KEYS, "code": 2,
     "rules": {"total_code_as_item": 9}},
    {"id": "fhir: unknown answer code", "build": more(*item_lines(valueCodeableConcept=local("CANARYCODE"))),
     "secrets": KEYS, "code": 2, "rules": {"answer_code": 9}},
    {"id": "fhir: an item is missing", "build": more(*item_lines()[:8]), "secrets": KEYS, "code": 2,
     "rules": {"items_complete": 8}},
    {"id": "fhir: two different totals of one moment",
     "build": more(observation(8, "44261-6", 1, "2031-04-01", valueInteger=3),
                   observation(9, "44261-6", 1, "2031-04-01", valueInteger=17)),
     "secrets": KEYS, "code": 2, "rules": {"two_answers": 2}},
    {"id": "fhir: total is not the sum of its items",
     "build": more(*item_lines(), observation(30, "44261-6", 1, "2031-04-01", valueInteger=22)), "secrets": KEYS,
     "code": 2, "rules": {"total_equals_items": 10}},
    {"id": "fhir: huge number", "build": tail(json.dumps(observation(9, "44261-6", 1, "2031-04-01")).encode()[:-1]
                                              + b', "valueDecimal": 1' + b"7" * 5000 + b"}\n"),
     "secrets": [*KEYS, "7777"], "code": 2, "rules": {"number": 1}},
    {"id": "fhir: dose in drops", "build": more(administration(9, effectiveDateTime="2031-03-11", dosage={
        "dose": {"value": 83177, "unit": "drops"}})), "secrets": [*KEYS, "83177"], "code": 2,
     "rules": {"dose_unit": 1}},
    {"id": "fhir: unknown route", "build": more(administration(9, effectiveDateTime="2031-03-11", dosage={
        "route": local("CANARYROUTE")})), "secrets": KEYS, "code": 2, "rules": {"route_code": 1}},
    {"id": "fhir: two doses of a day", "build": more(administration(9)), "secrets": KEYS, "code": 2,
     "rules": {"several_doses": 2}},
    {"id": "fhir: nursing-home item", "build": more(observation(9, "54636-6", valueInteger=1)), "secrets": KEYS,
     "code": 0, "rules": {"refused_code": 1}},
    {"id": "fhir: withdrawn score", "build": more(observation(9, "44261-6", status="entered-in-error", valueInteger=1)),
     "secrets": KEYS, "code": 0, "rules": {"status": 1}},
    {"id": "fhir: patients of the export are not in the file",
     "build": with_patients("reference,sex\nPatient/KEYPAT1,F\n"), "secrets": KEYS, "code": 2, "rules": {"link": 2}},
    {"id": "fhir: value of the patients' file is not decoded",
     "build": with_patients("reference,sex\nPatient/KEYPAT1,CANARYSEX\nPatient/KEYPAT2,F\n"), "secrets": KEYS,
     "code": 2, "rules": {"not_decoded": 1}},
    # Identifiers.
    {"id": "fhir: Patient resource", "build": more({"resourceType": "Patient", "id": "KEYPAT1", "name": NAME}),
     "secrets": KEYS, "code": 3, "rules": {"fhir_person_resource": 1, "fhir_human_name": 1}},
    {"id": "fhir: contained Practitioner",
     "build": more(observation(9, "44261-6", contained=[{"resourceType": "Practitioner", "id": "p"}])),
     "secrets": KEYS, "code": 3, "rules": {"fhir_person_resource": 1}},
    {"id": "fhir: displayed name of the subject",
     "build": more(observation(9, "44261-6", subject={"reference": "Patient/KEYPAT1", "display": "CANARYNE"})),
     "secrets": KEYS, "code": 3, "rules": {"fhir_person_display": 1}},
    {"id": "fhir: identifier of the subject",
     "build": more(observation(9, "44261-6", subject={"identifier": {"value": "CANARY-1"}})),
     "secrets": KEYS, "code": 3, "rules": {"fhir_person_identifier": 1}},
    {"id": "fhir: attachment",
     "build": more(observation(9, "44261-6", valueAttachment={"title": "CANARY.pdf"})), "secrets": KEYS, "code": 3,
     "rules": {"fhir_attachment": 1}},
    {"id": "fhir: document", "build": more({"resourceType": "DocumentReference", "id": "CANARY"}), "secrets": KEYS,
     "code": 3, "rules": {"fhir_document_resource": 1}},
    {"id": "fhir: e-mail address in a note",
     "build": more(observation(9, "44261-6", note=[{"text": "canary@clinic.example"}])),
     "secrets": [*KEYS, "clinic.example"], "code": 3, "rules": {"value_email": 1}},
    {"id": "fhir: age above 89",
     "build": more(observation(9, "44261-6", valueAge={"value": 9377}), administration(9, 2)),
     "secrets": [*KEYS, "9377"], "code": 3, "rules": {"value_age_above_89": 1}},
    {"id": "fhir: birth date", "build": more(observation(9, "44261-6", birthDate="1961-08-31", valueInteger=2)),
     "secrets": [*KEYS, "1961"], "code": 3, "rules": {"fhir_person_element": 1}},
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_broken_fhir(case: dict[str, Any], broken: Callable[[dict[str, Any]], Any]) -> None:
    broken(case)
