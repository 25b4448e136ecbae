"""Procedures, administrations and encounters become sessions; manifest, patients' file, drafts. All data synthetic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.mapping.draft import draft_mapping
from katoutcomes.registry.mapping.mapping_file import parse_mapping
from katoutcomes.registry.readers.conversion import Conversion
from katoutcomes.registry.readers.fhir.convert import convert
from katoutcomes.registry.readers.fhir.ndjson import LineFaults, read_lines
from katoutcomes.registry.readers.fhir.privacy import PrivacyWalk
from katoutcomes.registry.reading import read_registry

FIXTURE = Path(__file__).resolve().parents[1] / "fixtures" / "fhir"
HEAD = 'schema_version = "1.0"\nformat = "fhir"\n'
SESSIONS = """
[[session]]
resource = "Procedure"
system = "urn:clinic"
codes = ["KAP"]
kind = "dosing"
format = "individual"
[[session]]
resource = "MedicationAdministration"
system = "urn:clinic"
codes = ["KET"]
kind = "dosing"
[[session]]
resource = "Encounter"
system = "urn:clinic"
codes = ["INT"]
kind = "integration"
[[route]]
system = "urn:clinic"
codes = ["IM"]
route = "intramuscular"
[[route]]
system = "urn:clinic"
codes = ["ORAL"]
route = "unknown"
"""

Resource = dict[str, Any]


def local(code: str) -> Resource:
    return {"coding": [{"system": "urn:clinic", "code": code}]}


def administration(key: str, time: str = "10:20", value: Any = 75, unit: str = "mg", **more: Any) -> Resource:
    return {
        "resourceType": "MedicationAdministration",
        "id": key,
        "status": "completed",
        "medicationCodeableConcept": local("KET"),
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": f"2031-03-04T{time}:00-08:00",
        "dosage": {"route": local("IM"), "dose": {"value": value, "unit": unit}},
    } | more


def procedure(key: str, **more: Any) -> Resource:
    return {
        "resourceType": "Procedure",
        "id": key,
        "status": "completed",
        "code": local("KAP"),
        "subject": {"reference": "Patient/p1"},
        "performedPeriod": {"start": "2031-03-04T10:00:00-08:00", "end": "2031-03-04T12:15:00-08:00"},
    } | more


def convert_lines(folder: Path, resources: list[Resource], mapping: str = SESSIONS, head: str = "") -> Conversion:
    (folder / "export.ndjson").write_text("\n".join(map(json.dumps, resources)), encoding="utf-8")
    with Engine() as engine:
        return convert(folder, parse_mapping(HEAD + head + mapping, "mapping.toml"), engine, lambda _: None)


def rows(found: Conversion, name: str) -> list[dict[str, str]]:
    assert found.faults == ()
    table = next(table for table in found.tables if table.schema.name == name)
    cells = [dict(zip(table.columns, row, strict=True)) for row in zip(*table.columns.values(), strict=True)]
    return [{column: value for column, value in row.items() if value is not None} for row in cells]


def problems(found: Conversion) -> list[tuple[str, str]]:
    return [(one.rule, one.column) for table in found.tables for one in table.problems]


@pytest.mark.parametrize("link", [{"partOf": [{"reference": "Procedure/s"}]}, {}])
def test_an_administration_completes_the_procedure_it_belongs_to(tmp_path: Path, link: Resource) -> None:
    found = convert_lines(tmp_path, [administration("m", **link), procedure("s")])
    assert rows(found, "sessions") == [
        {"session_id": "P/s", "patient_id": "p1", "date": "2031-03-04", "time": "10:00", "kind": "dosing",
         "route": "intramuscular", "dose_mg": "75", "duration_minutes": "135", "format": "individual"}
    ]  # fmt: skip
    assert any("belong to: 1." in note for note in found.notes)


def test_several_doses_are_refused_or_added_as_the_mapping_says(tmp_path: Path) -> None:
    lines = [administration("m2", "11:00", 20.5), administration("m1", "10:20", 50)]
    refused = convert_lines(tmp_path, lines)
    assert problems(refused) == [("several_doses", "dose_mg")]
    added = convert_lines(tmp_path, lines, head='several_doses = "add"\n')
    assert [(row["session_id"], row["time"], row["dose_mg"]) for row in rows(added, "sessions")] == [
        ("M/m1", "10:20", "70.5")
    ]
    mixed = [administration("m1"), administration("m2", value=0.5, unit="mg/kg")]
    assert problems(convert_lines(tmp_path, mixed, head='several_doses = "add"\n')) == [("dose_unit", "dose_mg")]


@pytest.mark.parametrize(("value", "unit", "column", "expected"), [
    (0.9, "mg/kg", "dose_mg_per_kg", "0.9"), (0.075, "g", "dose_mg", "75"), (75000, "ug", "dose_mg", "75"),
])  # fmt: skip
def test_units_of_doses_become_milligrams(tmp_path: Path, value: float, unit: str, column: str, expected: str) -> None:
    row = rows(convert_lines(tmp_path, [administration("m", value=value, unit=unit)]), "sessions")[0]
    assert row[column] == expected


@pytest.mark.parametrize(("dosage", "expected"), [
    ({"dose": {"value": 75, "unit": "mL"}}, [("dose_unit", "dose_mg")]),
    ({"dose": {"value": 75}}, [("dose_unit", "dose_mg")]),
    ({"route": local("RECTAL")}, [("route_code", "route")]),
    ({"route": local("ORAL")}, []),
    ({}, []),
])  # fmt: skip
def test_doses_and_routes_that_are_not_understood_are_problems(
    tmp_path: Path, dosage: Resource, expected: list[tuple[str, str]]
) -> None:
    assert problems(convert_lines(tmp_path, [administration("m", dosage=dosage)])) == expected


def test_medications_are_found_where_they_are_named(tmp_path: Path) -> None:
    bare = {name: value for name, value in administration("m1").items() if name != "medicationCodeableConcept"}
    lines = [
        bare | {"medicationReference": {"reference": "Medication/k"}},
        bare | {"id": "m2", "effectiveDateTime": "2031-03-11", "medicationReference": {"reference": "#in"},
                "contained": [{"resourceType": "Medication", "id": "in", "code": local("KET")}]},
        bare | {"id": "m3", "effectiveDateTime": "2031-03-18", "medicationReference": {"reference": "Medication/x"}},
        {"resourceType": "Medication", "id": "k", "status": "active", "code": local("KET")},
    ]  # fmt: skip
    found = convert_lines(tmp_path, lines)
    assert [row["session_id"] for row in rows(found, "sessions")] == ["M/m1", "M/m2"]
    assert {rows.rule: rows.row_numbers.tolist() for rows in found.left_out} == {"code": [3], "resource_type": [4]}


def test_encounters_are_sessions_and_states_name_the_session_of_their_visit(tmp_path: Path) -> None:
    visit = {"resourceType": "Encounter", "id": "e", "status": "finished", "type": [local("INT")],
             "subject": {"reference": "Patient/p1"}, "period": {"start": "2031-03-06T14:00:00-08:00"}}  # fmt: skip
    state = {"resourceType": "Observation", "id": "c", "status": "final", "code": local("CADSS"),
             "subject": {"reference": "Patient/p1"}, "effectiveDateTime": "2031-03-04T11:00:00-08:00",
             "encounter": {"reference": "Encounter/v"}, "valueInteger": 20}  # fmt: skip
    lines = [visit, procedure("s", encounter={"reference": "Encounter/v"}), state]
    mapping = SESSIONS + '[[scale]]\ninstrument = "CADSS"\nsystem = "urn:clinic"\ntotal = ["CADSS"]\n'
    found = convert_lines(tmp_path, lines, mapping)
    assert [(row["session_id"], row["kind"]) for row in rows(found, "sessions")] == [
        ("E/e", "integration"),
        ("P/s", "dosing"),
    ]
    assert rows(found, "scores")[0]["session_id"] == "P/s"


def test_patients_are_those_with_records_or_those_of_the_file(tmp_path: Path) -> None:
    lines = [administration("m1", subject={"reference": "Patient/p2"}), administration("m2")]
    found = convert_lines(tmp_path, lines)
    assert rows(found, "patients") == [{"patient_id": "p1"}, {"patient_id": "p2"}]
    (tmp_path / "people.csv").write_text("who,band,g,other\nPatient/p1,25-34,F,x\np2,35-44,?,y\n", encoding="utf-8")
    section = '[patients]\nfile = "people.csv"\nkey = "who"\n[patients.columns]\nage_band = "band"\nsex = "g"\n'
    found = convert_lines(tmp_path, lines, SESSIONS + section + '[patients.values.sex]\nF = "female"\n')
    assert rows(found, "patients")[0] == {"patient_id": "p1", "age_band": "25-34", "sex": "female"}
    assert problems(found) == [("not_decoded", "sex")]
    assert ("people.csv", "other") in found.left_out_columns


def test_the_manifest_is_held_against_the_files(tmp_path: Path) -> None:
    def manifest(**more: Any) -> tuple[str, ...]:
        output = [{"type": "Procedure", "url": "https://x.example/a/export.ndjson?sig=1", "count": 1}]
        (tmp_path / "manifest.json").write_text(json.dumps({"output": output, **more}), encoding="utf-8")
        return convert_lines(tmp_path, [procedure("s")]).faults

    assert manifest() == ()
    assert manifest(error=[{"type": "OperationOutcome", "url": "https://x.example/e.ndjson"}]) == ()
    assert "manifest_file" in manifest(deleted=[{"url": "https://x.example/d.ndjson"}])[0]
    assert "rule manifest:" in manifest(output=[{"type": "Procedure"}])[0]
    assert "manifest_count" in manifest(output=[{"url": "/export.ndjson", "count": 2}])[0]


def test_the_walk_finds_what_is_about_persons_and_counts_lines(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text(
        "\n".join(
            map(json.dumps, [
                {"resourceType": "Observation", "subject": {"reference": "Patient/1", "display": "X Y"}},
                {"resourceType": "Observation", "performer": [{"display": "Dr X"}, {"display": "Dr Y"}]},
                {"resourceType": "Observation", "hasMember": [{"reference": "Observation/1", "display": "item"}]},
                {"resourceType": "Observation", "code": {"coding": [{"code": "a", "display": "item"}], "text": "item"}},
                {"resourceType": "Basic", "contained": [{"resourceType": "RelatedPerson", "name": [{"given": ["X"]}]}]},
            ])
        ),
        encoding="utf-8",
    )  # fmt: skip
    walk = PrivacyWalk("a.ndjson", tmp_path / "a.ndjson")
    for _, _, text in read_lines(tmp_path / "a.ndjson", LineFaults()):
        walk.take(text)
    with Engine() as engine:
        found = {(one.column, one.rule, one.n_rows) for one in walk.findings(engine)}
    assert found == {
        ("subject.display", "fhir_person_display", 1), ("performer.display", "fhir_person_display", 1),
        ("RelatedPerson", "fhir_person_resource", 1), ("HumanName", "fhir_human_name", 1),
    }  # fmt: skip


def test_an_override_lets_a_named_rule_pass_and_is_logged(tmp_path: Path) -> None:
    line = administration("m", performer=[{"actor": {"reference": "Practitioner/1", "display": "T3"}}])
    (tmp_path / "export.ndjson").write_text(json.dumps(line), encoding="utf-8")
    (tmp_path / "mapping.toml").write_text(HEAD + SESSIONS, encoding="utf-8")
    registry = read_registry(tmp_path, allow=("fhir_person_display",))
    assert len(registry.table("sessions")) == 1
    assert any("fhir_person_display" in override for override in registry.load_report.overrides)
    registry.close()


def test_the_draft_shows_rare_codes_of_public_systems_only(tmp_path: Path) -> None:
    codings = [{"system": "http://snomed.info/sct", "code": "738956005"}, {"system": "urn:clinic", "code": "LOCALKET"}]
    lines = [
        {"resourceType": "Procedure", "id": f"p{n}", "subject": {"reference": "Patient/1"}, "code": {"coding": [code]}}
        for n, code in enumerate(codings)
    ]
    (tmp_path / "export.ndjson").write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    text = draft_mapping(tmp_path)
    assert 'codes = ["738956005"]' in text
    assert "what is it? If it is no session, leave it out; lines of one patient." in text
    assert "LOCALKET" not in text
    assert "# Procedure: codes that are not shown here, of no public system and of one patient: 1." in text
    assert "# Procedure: 2 lines" in text


def test_the_draft_of_the_fixture_is_a_mapping_and_shows_no_value(tmp_path: Path) -> None:
    draft = draft_mapping(FIXTURE)
    assert draft == draft_mapping(FIXTURE)
    for expected in ('instrument = "MADRS"', 'instrument = "PCL-5"', 'codes = ["KETAMINE"]', 'kind = "integration"',
                     'route = "intramuscular"', 'file = "patients.csv"', "44261-6: PHQ-9 total"):  # fmt: skip
        assert expected in draft
    for hidden in ("a1f0", "2026-01", 'ketamine"', "BLOOD"):
        assert hidden not in draft
    path = tmp_path / "mapping.toml"
    path.write_text(draft, encoding="utf-8")
    counts = {counts.table: counts for counts in read_registry(FIXTURE, mapping=path).load_report.files}
    assert counts["scores"].rows_in == 52
    assert counts["sessions"].rows_in == 27
