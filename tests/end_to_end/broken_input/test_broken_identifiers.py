"""Identifiers of every kind in tables of the schema: refused, and never repeated. All of them are invented."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

N_PATIENTS = 12
SESSIONS = ["session_id,patient_id,date,kind"]
SESSIONS += [f"S{place:02d},P{place:02d},2031-03-{place + 1:02d},dosing" for place in range(N_PATIENTS)]
SCORES = ["score_id,patient_id,date,instrument,total"]
SCORES += [f"Q{place:02d},P{place:02d},2031-03-01,PHQ-9,{10 + place}" for place in range(N_PATIENTS)]
BIRTHS = [f"{1950 + 3 * place}-{place + 1:02d}-1{place % 10}" for place in range(N_PATIENTS)]
PEOPLE = [
    "Zebulon Quuxley", "Ximena Ortega", "O'Shaughnessy, Maeve", "Ludmila Wexford", "Søren Ærøskøb", "Jean-Luc Trembley",
    "Ana María Quispe", "Petronella Voss", "Ignatius Crump", "Wilhelmina Dray", "Thaddeus Moor", "Clementine Ashby",
]  # fmt: skip
CANADIAN_CARDS = ["046454286", "130692544", "193456787", "900000001"]


def column(name: str, values: list[str]) -> Callable[[Path], None]:
    """Write sound tables, `patients` with one more column; the values are repeated until all rows have one."""

    def build(folder: Path) -> None:
        rows = ["patient_id,age_years"]
        header = [f'{rows[0]},"{name}"']
        lines = [f'P{place:02d},{30 + place},"{values[place % len(values)]}"' for place in range(N_PATIENTS)]
        write(folder, patients=[*header, *lines])

    return build


def one(value: str, name: str = "site") -> Callable[[Path], None]:
    """Write sound tables with one value among harmless ones."""
    return column(name, [value, *(["North"] * (N_PATIENTS - 1))])


def write(folder: Path, **tables: list[str]) -> None:
    patients = ["patient_id,age_years", *(f"P{place:02d},{30 + place}" for place in range(N_PATIENTS))]
    for table, lines in {"patients": patients, "sessions": SESSIONS, "scores": SCORES, **tables}.items():
        (folder / f"{table}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def session_column(name: str, values: list[str]) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        lines = [f'{row},"{values[place % len(values)]}"' for place, row in enumerate(SESSIONS[1:])]
        write(folder, sessions=[f"{SESSIONS[0]},{name}", *lines])

    return build


def value_case(name: str, rule: str, value: str, *, where: str = "site") -> dict[str, Any]:
    return {"id": name, "build": one(value, where), "secrets": [value], "code": 3, "rules": {rule: 1}}


def name_case(name: str, rule: str, header: str, secret: str) -> dict[str, Any]:
    return {
        "id": name, "build": column(header, [secret]), "secrets": [secret], "code": 3, "rules": {rule: None},
        "fragments": [header],
    }  # fmt: skip


CASES: tuple[dict[str, Any], ...] = (
    # Values.
    value_case("e-mail as a value", "value_email", "zebulon.quux@mail.example.org"),
    value_case("web address as a value", "value_url", "https://portal.example.org/z/771"),
    value_case("phone number as a value", "value_phone", "604-555-0199"),
    value_case("fax number with country code", "value_phone", "+44 1632 960961"),
    value_case("social security number", "value_social_security_number", "078-05-1120"),
    value_case("social insurance number", "value_social_insurance_number", "046 454 286"),
    value_case("Ontario health card", "value_health_number", "5584-486-674-PM"),
    value_case("Medicare number", "value_health_number", "1EG4-TE5-MK73"),
    value_case("labeled chart number", "value_labeled_number", "MRN 00451177"),
    value_case("bank account", "value_account_number", "GB82 WEST 1234 5698 7654 32"),
    value_case("card number", "value_account_number", "4539 1488 0343 6467"),
    value_case("vehicle number", "value_vehicle_number", "1M8GDM9AXKP042788"),
    value_case("hardware address", "value_device", "00:1B:44:11:3A:B7"),
    value_case("implant number", "value_device", "(01)00844588003288"),
    value_case("IPv4 address", "value_ip_address", "203.0.113.77"),
    value_case("IPv6 address", "value_ip_address", "2001:db8::8a2e:370:7334"),
    value_case("Canadian postal code", "value_postal_code", "V6B 4Y8"),
    value_case("British postal code", "value_postal_code", "SW1A 1AA"),
    value_case("nine-digit ZIP code", "value_zip_code", "98101-1234"),
    value_case("street address", "value_street_address", "1477 Quuxley Street"),
    value_case("post office box", "value_street_address", "P.O. Box 77155"),
    value_case("coordinates", "value_coordinates", "49.28271, -123.12073"),
    value_case("name with a title", "value_titled_name", "Dr. Quuxley"),
    value_case("photo as a file name", "value_attachment", "scan_zq_0017.jpg"),
    value_case("photo inside the cell", "value_attachment", "data:image/png;base64,iVBORw0KGgoZQ"),
    {"id": "long postal code in a prefix column", "build": column("fsa", ["V6B4Y8", *["V6B"] * 11]),
     "secrets": ["V6B4Y8"], "code": 3, "rules": {"value_postal_code_too_long": 1}},
    value_case("e-mail in a column that is left out", "value_email", "zq@mail.example.org", where="remarks_code"),
    {"id": "age of 93", "build": column("covariate_age", ["93.5", *["40"] * 11]), "secrets": ["93.5"], "code": 3,
     "rules": {"value_age_above_89": 1}},
    # Columns that are identifiers as a whole.
    {"id": "birth dates under another name", "build": column("when", BIRTHS), "secrets": BIRTHS, "code": 3,
     "rules": {"value_birth_date": N_PATIENTS}},
    {"id": "birth dates written day first", "build": column("d1", ["/".join(b.split("-")[::-1]) for b in BIRTHS]),
     "secrets": ["/".join(b.split("-")[::-1]) for b in BIRTHS], "code": 3, "rules": {"value_birth_date": N_PATIENTS}},
    {"id": "names under another name", "build": column("who", PEOPLE), "secrets": PEOPLE, "code": 3,
     "rules": {"value_person_names": N_PATIENTS}},
    {"id": "names of sites are people", "build": column("site", PEOPLE), "secrets": PEOPLE, "code": 3,
     "rules": {"value_person_names": N_PATIENTS}},
    {"id": "insurance numbers without separators", "build": column("code_a", CANADIAN_CARDS[:3]),
     "secrets": CANADIAN_CARDS[:3], "code": 3, "rules": {"value_checked_numbers": N_PATIENTS}},
    # Names of columns.
    name_case("column of names", "column_name_person", "First Name", "Zebulonia"),
    name_case("column of birth dates", "column_name_birth_date", "DOB", "1971-02-03"),
    name_case("column of phone numbers", "column_name_phone", "cell_phone", "5550199"),
    name_case("column of e-mail addresses", "column_name_email", "contactEmail", "zquux"),
    name_case("column of government numbers", "column_name_government_number", "drivers_license", "QX771155"),
    name_case("column of health numbers", "column_name_health_number", "MRN", "QX004511"),
    name_case("column of devices", "column_name_device_or_network", "device_serial", "QX-SER-77"),
    name_case("column of likenesses", "column_name_likeness", "fingerprint", "QXPRINT"),
    name_case("column of addresses", "column_name_address", "home_address", "Quuxley"),
    name_case("column of notes", "column_name_free_text", "session_notes", "told of Quuxley"),
    {"id": "identifier in place of the header", "build": lambda folder: write(
        folder, patients=["zebulon@mail.example.org,41", "P00,30"]), "secrets": ["zebulon", "example.org"], "code": 3,
     "rules": {"value_in_header": None}},
    {"id": "several kinds in several files", "build": session_column("email", ["zq@mail.example.org"]),
     "secrets": ["zq@mail"], "code": 3, "rules": {"value_email": N_PATIENTS, "column_name_email": None}},
    # What is allowed by name, and what is only warned of.
    {"id": "allowed by name", "build": one("604-555-0199", "code_a"), "secrets": ["604-555-0199"], "code": 0,
     "arguments": ["--allow", "value_phone:code_a"], "fragments": ["value_phone:patients.csv:code_a"]},
    {"id": "allowed in another column", "build": one("604-555-0199", "code_a"), "secrets": ["604-555-0199"], "code": 3,
     "arguments": ["--allow", "value_phone:site"], "rules": {"value_phone": 1}},
    {"id": "override of a wrong form", "build": one("North"), "secrets": ["Northx"], "code": 1,
     "arguments": ["--allow", "Value Phone"], "fragments": ["rule:column"]},
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_broken_identifiers(case: dict[str, Any], broken: Callable[[dict[str, Any]], Any]) -> None:
    broken(case)


def test_a_mapping_of_frames_is_held_to_the_same_rules() -> None:
    import pandas as pd

    from katoutcomes.errors import IdentifierError
    from katoutcomes.registry.reading import read_registry

    patients = pd.DataFrame({"patient_id": ["P1", "P2"], "site": ["North", "zebulon@mail.example.org"]})
    sessions = pd.DataFrame({"session_id": ["S1"], "patient_id": ["P1"], "day": [0], "kind": ["dosing"]})
    with pytest.raises(IdentifierError) as caught:
        read_registry({"patients": patients, "sessions": sessions})
    assert [finding.rule for finding in caught.value.findings] == ["value_email"]
    assert "zebulon" not in str(caught.value) + repr(caught.value.findings)
