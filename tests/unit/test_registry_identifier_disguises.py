"""Identifiers in disguise, and innocent columns that look like them. Persons, numbers and addresses are invented."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from katoutcomes.errors import IdentifierError, OptionError
from katoutcomes.registry.identifiers import GATE_RULES, Gate, parse_overrides
from katoutcomes.registry.reading import read_registry
from katoutcomes.registry.registry import Registry

N = 20
FIRST = ["Jean", "Anna", "Luc", "Marie", "Paul", "Lucie", "Marc", "Julie", "Eric", "Sophie"]
FIRST += ["Karl", "Nadia", "Omar", "Lena", "Ivan", "Rosa", "Tom", "Vera", "Hugo", "Ines"]
LAST = ["Quuxley", "Wexford", "Crump", "Dray", "Moor", "Ashby", "Voss", "Ortega", "Trembley", "Quispe"]
LAST += ["Fenwick", "Garrow", "Halden", "Ibsen", "Jarrow", "Kestrel", "Lomax", "Mordaunt", "Nesbit", "Orme"]


def repeated(*values: str) -> list[str]:
    return [values[row % len(values)] for row in range(N)]


def one(value: str, other: str = "north") -> list[str]:
    return [value, *[other] * (N - 1)]


def named(write: Callable[[str, str], str]) -> list[str]:
    return [write(first, last) for first, last in zip(FIRST, LAST, strict=True)]


BORN = [(1950 + 2 * row, 1 + row % 12, 1 + row) for row in range(N)]
DISGUISES: dict[str, list[str]] = {
    # Phones.
    "a01": one("604\u2011555\u20110199"), "a02": one("604\u2013555\u20130199"), "a03": one("６０４-555-0199"),
    "a04": one("604\u00a0555\u00a00199"), "a05": one("604/555-0199"), "a06": one("604-5550199"),
    "a07": one("(604)-555-0199"), "a08": one("6045550199 ext. 4"), "a09": one("tel:6045550199"),
    "a10": one("Handy 0151 23456789"), "a11": one("06 12 34 56 78"), "a12": one("06.12.34.56.78"),
    "a13": one("020 7946 0958"), "a14": one("089/12 34 56 78"), "a15": one("001 604 555 0199"),
    "a16": [f"604{200 + 37 * row}{1234 + 311 * row}" for row in range(N)],
    "a17": [f"06{12345678 + 1234567 * row}" for row in range(N)],
    # Mail and the web.
    "b01": one("someone@müller.de"), "b02": one("someone(at)clinic.org"), "b03": one("someone [at] clinic [dot] org"),
    "b04": one("someone＠clinic.org"), "b05": one("so\u00admeone@clinic.org"), "b06": one("facebook.com/someone"),
    "b07": one("@someone_q"),
    # Birth dates.
    "c01": [f"{y}{m:02d}{d:02d}" for y, m, d in BORN], "c02": [f"{d:02d}.{m:02d}.{y % 100:02d}" for y, m, d in BORN],
    "c03": [f"{d} mai {y}" for y, _, d in BORN], "c04": [f"{d}. März {y}" for y, _, d in BORN],
    "c05": [f"{d} de mayo de {y}" for y, _, d in BORN], "c06": [f"{m}/{d}/{y % 100:02d}" for y, m, d in BORN],
    "c07": [f"{d}-okt-{y % 100:02d}" for y, _, d in BORN], "day_born": [str(20_000 + 500 * row) for row in range(N)],
    "birth_info": [f"{y}-{m:02d}-{d:02d}" for y, m, d in BORN], "geb_am": [f"{y}{m:02d}{d:02d}" for y, m, d in BORN],
    # Ages.
    "yob": one("1931", "1980"), "Geburtsjahr": one("1931", "1980"), "birth_year": one("1930", "1980"),
    "Alter": one("94", "40"), "edad": one("94", "40"), "age_at_intake": one("90-95", "40"), "age": one("94 ans", "40"),
    "age_group": one("90-94", "40-44"), "age_x": one("ninety-four", "forty"), "age_y": one("９４", "40"),
    # Numbers.
    "d01": one("QUUJ 8001 0112"), "d02": one("QUUJ80010112"), "d03": one("756.9217.0769.85"),
    "d04": one("2 55 08 14 168 025 38"), "d05": one("529.982.247-25"), "d06": one("AB 12 34 56 C"),
    "d07": one("078 05 1120"), "d08": one("RAMQ: 80010112"), "d09": one("046\u2011454\u2011286"),
    # Places.
    "e01": repeated("M5V3L9", "K1A0B1", "H2X1Y4"), "e02": one("m5v-3l9"), "e03": one("12, rue des Quuxleys"),
    "e04": one("123 boul. Wexford"), "e05": one("Quuxleystraße 12"), "e06": one("Quuxleystr. 5a"),
    "e07": one("Calle Quuxley 14"), "e08": one("Postfach 771"), "e09": one("45.5017,-73.5673"),
    "e10": one("14 bis rue Wexford"),
    # Names.
    "f01": named(lambda first, last: f"{last.upper()}, {first.upper()}"),
    "f02": named(lambda first, last: f"{first} {last}".lower()), "f03": named(lambda first, last: last + first),
    "f04": named(lambda first, last: f"{last}_{first}".lower()),
    "f05": named(lambda first, last: f"{first[0]}. {last}"),
    "f06": named(lambda first, last: f"{last} {first[0]}"), "f07": named(lambda first, last: f"{first} de la {last}"),
    "f08": named(lambda first, last: f"{first}.{last}".lower()), "f09": FIRST, "f10": one("Mme Quuxley"),
    "f11": ["山田太郎", "佐藤花子", "鈴木一郎", "高橋健", "田中実", "伊藤明", "渡辺翔", "山本舞", "中村優", "小林蓮",
            "加藤愛", "吉田葵", "山口陸", "松本凛", "井上樹", "木村結", "林大輔", "清水咲", "斎藤誠", "阿部空"],
    # Names of columns.
    "pt_name": repeated("x1", "x2"), "mail": repeated("x1", "x2"), "d_o_b": repeated("x1", "x2"),
    "referring_physician": repeated("x1", "x2"), "created_by": repeated("x1", "x2"), "memo": repeated("x Y", "Z w"),
    "no_dossier": repeated("x1", "x2"), "addr1": repeated("x1", "x2"), "user_id": repeated("jquuxley", "awexford"),
}  # fmt: skip

INNOCENT: dict[str, list[str]] = {
    "phone_session": repeated("video", "in_person", "phone"), "has_phone": repeated("0", "1"),
    "phone_visits": repeated("0", "3", "12"), "email_reminder": repeated("yes", "no"),
    "attending_sessions": repeated("4", "6"), "attending_group": repeated("0", "1"), "device": repeated("app",
    "tablet"),
    "video": repeated("1", "0"), "gait": repeated("3", "4"), "description": repeated("mild", "severe"),
    "face": repeated("1", "0"), "voice": repeated("2", "3"), "photos": repeated("0", "1"), "web": repeated("1", "0"),
    "note": repeated("0", "1"), "city": repeated("yes", "no"), "passport_program": repeated("0", "1"),
    "medicare_member": repeated("1", "0"), "preterm_birth": repeated("1", "0"), "birth_weight": repeated("3400",
    "2900"),
    "birth_order": repeated("1", "2"), "birth_year": repeated("1980", "1975"), "born_abroad": repeated("1", "0"),
    "age_onset": repeated("17", "31"), "age_days": repeated("12000", "14000"), "age_group": repeated("85-89", "90+"),
    "stage": repeated("94", "95"), "version": repeated("1.2.3.4", "1.10.2.3"), "outline": repeated("10.1.1.3",
    "2.1.4.1"),
    "loinc": repeated("44249-1", "69737-5"), "icd": repeated("F33.2", "F43.1"), "snomed": repeated("738956005",
    "3950001"),
    "dose_text": repeated("0.5-1.0 mg", "50 mg at 9"), "site_code": repeated("North Clinic", "South Clinic"),
    "hospital_unit": repeated("Ward 12", "Unit 4"), "ward": repeated("St. Mary", "St. John"),
    "clock": repeated("12:30:45"),
    "ratio": repeated("2:1", "3::4"), "moment": repeated("2026-03-02T10:00:00+00:00"), "visit_name": repeated("week 4"),
    "study_number": [f"301-001-{row:04d}" for row in range(N)], "site_subject": [f"01-{row:04d}" for row in range(N)],
    "running": [str(1_000_000_000 + row) for row in range(N)], "bmi": [f"{24.123 + row}" for row in range(N)],
    "blood_pressure": repeated("120/80", "135/85"), "hash": [f"{row * 2654435761 % 2**32:08x}" for row in range(N)],
    "consent_date": repeated("2026-01-05", "2026-02-01"), "enrolled": repeated("20260105", "20260201"),
    "quarter": repeated("2026Q1"), "program_name": repeated("with_integration"), "drug_name": repeated("ketamine"),
    "instrument_name": repeated("PHQ-9", "GAD-7"), "trauma_type": repeated("Sexual Assault", "Combat"),
    "diagnosis_text": repeated("Major Depression", "Panic Disorder"), "scale_version": repeated("v1.2.3"),
    "sessions_planned": repeated("6", "8"), "severity": ["Mild", "Moderate", "Severe", "None"] * 5,
    "region": repeated("Ontario", "Quebec"), "postal_prefix": repeated("M5V", "K1A"), "uuid": [
        f"{row:08x}-1111-4111-8111-123456789012" for row in range(N)],
    "dated_code": repeated("QIDS-16", "HAM-D17"), "team_id": repeated("T1", "T2"), "therapist_id": repeated("T01",
    "T02"),
    "user_count": repeated("4", "7"), "score_text": repeated("12 of 27", "9 of 27"), "arm": repeated("A", "B"),
}  # fmt: skip


def tables(further: dict[str, list[str]], keys: list[str] | None = None) -> dict[str, pd.DataFrame]:
    keys = keys or [f"P{row:03d}" for row in range(N)]
    dates = [f"2026-03-{row + 1:02d}" for row in range(N)]
    patients = pd.DataFrame({"patient_id": keys, **further})
    sessions = pd.DataFrame({"session_id": range(N), "patient_id": keys, "date": dates, "kind": "dosing"})
    return {"patients": patients, "sessions": sessions.astype({"session_id": str})}


def as_csv(given: dict[str, pd.DataFrame], folder: Path) -> Any:
    for name, frame in given.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return folder


def as_parquet(given: dict[str, pd.DataFrame], folder: Path) -> Any:
    for name, frame in given.items():
        frame.to_parquet(folder / f"{name}.parquet", index=False)
    return folder


def as_excel(given: dict[str, pd.DataFrame], folder: Path) -> Any:
    pytest.importorskip("python_calamine")
    pytest.importorskip("openpyxl")
    for name, frame in given.items():
        frame.to_excel(folder / f"{name}.xlsx", index=False)
    return folder


def as_frames(given: dict[str, pd.DataFrame], _: Path) -> Any:
    return given


def as_mapped(given: dict[str, pd.DataFrame], folder: Path) -> Any:
    columns = {"patients": {"patient_id": "patient_id"}, "sessions": {name: name for name in given["sessions"]}}
    lines = ['schema_version = "1.0"', 'format = "tables"']
    for name in given:
        listed = ", ".join(f"{mine} = {json.dumps(theirs)}" for theirs, mine in columns[name].items())
        lines += ["[[file]]", f'name = "{name}.csv"', f'table = "{name}"', f"columns = {{ {listed} }}"]
    (folder / "mapping.toml").write_text("\n".join(lines), encoding="utf-8")
    return as_csv(given, folder)


WAYS = [as_csv, as_mapped, *(pytest.param(way, marks=pytest.mark.slow) for way in (as_parquet, as_excel, as_frames))]


@pytest.mark.parametrize("write", WAYS)
def test_every_disguise_is_refused_in_every_format(write: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(IdentifierError) as caught:
        read_registry(write(tables(DISGUISES), tmp_path))
    assert [column for column in DISGUISES if column not in {one.column for one in caught.value.findings}] == []
    assert len(DISGUISES) >= 60
    planted = {value for values in DISGUISES.values() for value in values if len(value) > 5}
    assert not [value for value in planted if value in str(caught.value)]


@pytest.mark.parametrize("write", WAYS)
def test_innocent_columns_pass_in_every_format(write: Callable[..., Any], tmp_path: Path) -> None:
    assert len(INNOCENT) >= 60
    with closing(read_registry(write(tables(INNOCENT), tmp_path))) as registry:
        assert len(registry.table("patients")) == N


@pytest.mark.parametrize(
    ("keys", "rule"),
    [
        (named(lambda first, last: last + first), "value_person_names"),
        (named(lambda first, last: f"{first}_{last}".lower()), "value_person_names"),
        ([f"JQ{y}-{m:02d}-{d:02d}" for y, m, d in BORN], "value_birth_date"),
        ([f"{y}{m:02d}{d:02d}" for y, m, d in BORN], "value_birth_date"),
        ([f"{last[:4].upper():Q<4}{y % 100:02d}{m:02d}{d:02d}12" for last, (y, m, d) in zip(LAST, BORN, strict=True)],
         "value_checked_numbers"),
        ([f"604{200 + 37 * row}{1234 + 311 * row}" for row in range(N)], "value_phone"),
        ([f"301-001-{row:04d}" for row in range(N)], None), ([f"10.1.1.{row}" for row in range(N)], None),
        ([f"KAT_{row}.pdf" for row in range(N)], None), ([f"ON {10001 + row}" for row in range(N)], None),
        ([str(5_200_300_001 + row) for row in range(N)], None), ([f"CA-01-{row:03d}" for row in range(N)], None),
    ],
)  # fmt: skip
def test_keys(keys: list[str], rule: str | None) -> None:
    if rule is None:
        read_registry(tables({}, keys)).close()
        return
    with pytest.raises(IdentifierError) as caught:
        read_registry(tables({}, keys))
    assert {one.rule for one in caught.value.findings} == {rule}


def warned(registry: Registry) -> set[tuple[str, str]]:
    return {(one.rule, one.column) for one in registry.load_report.warnings}


def test_what_may_be_harmless_is_warned_of() -> None:
    doubtful = {
        "who": one("Jean Quuxley"), "family": LAST, "code_a": one("A1B2C3"), "code_b": one("6045550199"),
        "running": [str(5_202_300_001 + row) for row in range(N)],
    }  # fmt: skip
    with closing(read_registry(tables(doubtful))) as registry:
        assert warned(registry) >= {
            ("possible_name", "who"), ("possible_name", "family"), ("possible_postal_code", "code_a"),
            ("possible_phone", "code_b"), ("possible_phone", "running"),
        }  # fmt: skip
    with closing(read_registry(tables(doubtful), allow=["possible_name"])) as registry:
        assert "possible_name" not in {rule for rule, _ in warned(registry)}
        assert "possible_name:patients:who" in registry.load_report.overrides


def test_a_year_of_birth_is_held_against_the_year_of_the_data() -> None:
    given = tables({"yob": one("1931", "1980")})
    given["sessions"]["date"] = given["sessions"]["date"].str.replace("2026", "2019")
    read_registry(given).close()  # 88 years then


def test_an_override_names_a_rule_that_there_is() -> None:
    for rule in GATE_RULES:
        Gate(parse_overrides([rule]))
    with pytest.raises(OptionError, match="Did you mean 'value_phone'"):
        parse_overrides(["value_phones"])
    with pytest.raises(OptionError, match="column_name_address"):
        parse_overrides(["zzzz"])


def test_metadata_of_a_parquet_file(tmp_path: Path) -> None:
    arrow, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    folder = as_parquet(tables({}), tmp_path)
    table = arrow.Table.from_pandas(tables({})["patients"], preserve_index=False)
    parquet.write_table(table.replace_schema_metadata({"made by": "export 3"}), folder / "patients.parquet")
    with closing(read_registry(folder)) as registry:
        assert ("unread_parts", "metadata") in warned(registry)
    parquet.write_table(table.replace_schema_metadata({"of": "Jean Quuxley 604-555-0199"}), folder / "patients.parquet")
    with pytest.raises(IdentifierError) as caught:
        read_registry(folder)
    assert [(one.column, one.rule) for one in caught.value.findings] == [("metadata", "parquet_metadata")]


PARTS = {
    "xl/comments1.xml": "<comments><comment><t>call 604-555-0199</t></comment></comments>",
    "xl/worksheets/_rels/sheet1.xml.rels": '<R><R Target="mailto:q@clinic.org" TargetMode="External"/></R>',
    "docProps/custom.xml": "<p><property>Jean Quuxley</property></p>",
    "xl/persons/person.xml": '<l><person displayName="x">q@clinic.org</person></l>',
}


@pytest.mark.parametrize("part", list(PARTS))
def test_parts_of_a_workbook(part: str, tmp_path: Path) -> None:
    folder = as_excel(tables({}), tmp_path)
    with zipfile.ZipFile(folder / "patients.xlsx", "a") as archive:
        archive.writestr(part, PARTS[part])
    with pytest.raises(IdentifierError) as caught:
        read_registry(folder)
    assert [(one.file, one.rule) for one in caught.value.findings] == [("patients.xlsx", "workbook_part")]
    assert "604" not in str(caught.value)
    assert "Quuxley" not in str(caught.value)


@pytest.mark.parametrize(("cell", "is_refused"), [("Jean Quuxley", True), ("q@clinic.org", True), ("weekly", False)])
def test_a_hidden_sheet(cell: str, is_refused: bool, tmp_path: Path) -> None:
    pytest.importorskip("python_calamine")
    pytest.importorskip("openpyxl")
    with pd.ExcelWriter(tmp_path / "registry.xlsx") as book:
        for name, frame in {**tables({}), "key": pd.DataFrame({"k": ["P001"], "w": [cell]})}.items():
            frame.to_excel(book, sheet_name=name, index=False)
        book.sheets["key"].sheet_state = "hidden"
    if not is_refused:
        with closing(read_registry(tmp_path)) as registry:
            assert ("unread_parts", "") in warned(registry)
        return
    with pytest.raises(IdentifierError) as caught:
        read_registry(tmp_path)
    assert {one.file for one in caught.value.findings} == {"registry.xlsx [sheet 3]"}
