"""Identifiers in the places that only one format has: elements of FHIR, tables of a CDM, columns of platforms."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from katoutcomes.errors import IdentifierError
from katoutcomes.registry.load_reports.load_report import LoadReport
from katoutcomes.registry.reading import read_registry

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
LINES = "Observation.000.ndjson"
Resource = dict[str, Any]


def edited(folder: Path, change: Callable[[Resource], object]) -> Path:
    """Copy the FHIR fixture with its first observation changed."""
    shutil.copytree(FIXTURES / "fhir", folder)
    first, *others = (folder / LINES).read_text(encoding="utf-8").splitlines()
    resource = json.loads(first)
    change(resource)
    text = "\n".join([json.dumps(resource, ensure_ascii=False), *others]) + "\n"
    (folder / LINES).write_text(text, encoding="utf-8")
    return folder


def extension(**value: Any) -> Callable[[Resource], object]:
    return lambda resource: resource.update(extension=[{"url": "http://example.org/a", **value}])


def put(**elements: Any) -> Callable[[Resource], object]:
    return lambda resource: resource.update(elements)


def contained(**resource: Any) -> Callable[[Resource], object]:
    return put(contained=[resource])


FHIR = {
    "a birth date in an extension": (extension(valueDate="1980-05-17"), "value_birth_date", "valueDate"),
    "the address of an extension": (
        put(extension=[{"url": "http://example.org/patient-birthDate", "valueDate": "2026-01-17"}]),
        "fhir_person_element", "extension"),
    "a primitive's extension": (put(_birthDate={"extension": [{"url": "http://e.org/a", "valueBoolean": True}]}),
                                "fhir_person_element", "_birthDate"),
    "a page of a person": (put(extension=[{"url": "http://facebook.com/quuxley", "valueBoolean": True}]), "value_url",
                           "url"),
    "a named encounter": (put(encounter={"reference": "Encounter/1", "display": "Quuxley"}), "fhir_person_display",
                          "encounter.display"),
    "a named device": (put(device={"display": "SN 77"}), "fhir_person_display", "device.display"),
    "a named place": (put(basedOn=[{"reference": "Location/1", "display": "Q"}]), "fhir_person_display",
                      "Reference.display"),
    "a place": (contained(resourceType="Location", name="Q"), "fhir_place", "Location"),
    "a group": (contained(resourceType="Group", name="Q"), "fhir_place", "Group"),
    "a latitude": (put(position={"latitude": 45.5, "longitude": -73.5}), "fhir_place", "latitude"),
    "a number": (extension(valueString="046454286"), None, ""),
    "a chart number": (put(identifier=[{"type": {"coding": [{"code": "MR"}]}, "value": "1"}]), "fhir_person_identifier",
                       "identifier"),
    "a name of an element": (put(**{"q@clinic.org": 1}), "fhir_element_name", "an element"),
    "an element of another name": (put(quuxleyText="q@clinic.org"), "value_email", "an element"),
    "an escaped text": (put(quuxleyText="line\nq@clinic.org"), "value_email", "an element"),
    "a number of an element": (put(ssn=1), "column_name_government_number", "an element"),
    "a phone in disguise": (extension(valueCode="604\u2011555\u20110199"), "value_phone", "valueCode"),
    "a health card": (extension(valueCode="QUUJ80010112"), "value_health_number", "valueCode"),
    "an address of a street": (extension(valueCode="12, rue Quuxley"), "value_street_address", "valueCode"),
}  # fmt: skip


@pytest.mark.parametrize("case", list(FHIR))
def test_elements_of_fhir(case: str, tmp_path: Path) -> None:
    change, rule, column = FHIR[case]
    folder = edited(tmp_path / "export", change)
    if rule is None:
        read_registry(folder).close()
        return
    with pytest.raises(IdentifierError) as caught:
        read_registry(folder)
    assert (rule, column) in {(one.rule, one.column) for one in caught.value.findings}
    assert "quuxley" not in str(caught.value).lower()


def report_of(folder: Path) -> LoadReport:
    with closing(read_registry(folder)) as registry:
        return registry.load_report


def test_a_single_name_is_warned_of(tmp_path: Path) -> None:
    folder = edited(tmp_path / "export", extension(valueString="Jean Quuxley"))
    assert ("possible_name", "valueString") in {(one.rule, one.column) for one in report_of(folder).warnings}


def test_different_names_numbers_and_phones_in_arrays_are_refused(tmp_path: Path) -> None:
    shutil.copytree(FIXTURES / "fhir", tmp_path / "export")
    path = tmp_path / "export" / LINES
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    names = ["Jean Quuxley", "Anna Wexford", "Luc Crump", "Marie Dray", "Paul Moor"]
    numbers = ["046454286", "130692544", "193456787"]
    phones = [6045550199 + 10_111_111 * row for row in range(5)]
    for row, (line, name) in enumerate(zip(lines, names, strict=False)):
        line["extension"] = [
            {"url": "http://example.org/a", "valueCode": name},
            {"url": "http://example.org/b", "valueId": numbers[row % 3]},
            {"url": "http://example.org/c", "valueTime": str(phones[row])},
        ]
    path.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    with pytest.raises(IdentifierError) as caught:
        read_registry(tmp_path / "export")
    found = {(one.rule, one.column) for one in caught.value.findings}
    assert found >= {("value_person_names", "valueCode"), ("value_checked_numbers", "an element")}
    assert ("value_phone", "valueTime") in found


def test_a_day_that_is_none_on_an_item_is_counted(tmp_path: Path) -> None:
    sound = report_of(FIXTURES / "fhir")
    report = report_of(edited(tmp_path / "export", put(effectiveDateTime="garbage")))
    assert "item_date" not in {one.rule for one in sound.problems}
    assert [one.rule for one in report.problems].count("item_date") >= 1
    assert all(one.rows_in == one.rows_accepted + one.rows_rejected + one.rows_left_out for one in report.source_files)


def with_cell(source: str, file: str, column: str, value: str) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        shutil.copytree(FIXTURES / source, folder)
        rows = list(csv.reader((folder / file).read_text(encoding="utf-8").splitlines()))
        if column not in rows[0]:
            rows = [[*row, column if not place else value] for place, row in enumerate(rows)]
        rows[1][rows[0].index(column)] = value
        with (folder / file).open("w", newline="", encoding="utf-8") as written:
            csv.writer(written, lineterminator="\n").writerows(rows)
        return folder

    return build


def with_file(source: str, file: str) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        shutil.copytree(FIXTURES / source, folder)
        (folder / file).write_text("a\n1\n", encoding="utf-8")
        return folder

    return build


COLUMNS = {
    "a birth date as a year": (with_cell("omop", "person.csv", "year_of_birth", "19800517"), "omop_birth_date"),
    "a year of birth": (with_cell("omop", "person.csv", "year_of_birth", "1930"), "value_age_above_89"),
    "places, separated by tabs": (with_file("omop", "location.tsv"), "omop_identifying_table"),
    "notes in a workbook": (with_file("omop", "NOTE.xlsx"), "omop_identifying_table"),
    "places of care": (with_file("omop", "care_site.csv"), "omop_identifying_table"),
    "a login": (with_cell("mirah", "outcomes.csv", "user_id", "jquuxley"), "staff_login"),
    "a phone in disguise": (with_cell("mirah", "outcomes.csv", "population_name", "604–555–0199"), "value_phone"),
    "a title": (with_cell("mirah", "outcomes.csv", "organization_name", "Dr Quuxley"), "value_titled_name"),
    "an undeclared memo": (with_cell("redcap/classic", "export.csv", "memo", "Quuxley"), "column_name_free_text"),
}  # fmt: skip


@pytest.mark.parametrize("case", list(COLUMNS))
def test_columns_and_files_of_other_formats(case: str, tmp_path: Path) -> None:
    build, rule = COLUMNS[case]
    with pytest.raises(IdentifierError) as caught:
        read_registry(build(tmp_path / "data"))
    assert rule in {one.rule for one in caught.value.findings}
    assert "quuxley" not in str(caught.value).lower()


@pytest.mark.parametrize(
    ("source", "file", "column"),
    [("omop", "measurement.csv", "measurement_source_value"), ("mirah", "outcomes.csv", "organization_name")],
)
def test_a_single_name_in_a_column_is_warned_of(source: str, file: str, column: str, tmp_path: Path) -> None:
    report = report_of(with_cell(source, file, column, "Jean Quuxley")(tmp_path / "data"))
    assert ("possible_name", column) in {(one.rule, one.column) for one in report.warnings}
