"""CDM folders become registries: one case a way of writing them, a slow second reading, drafts. All data synthetic."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from katoutcomes.errors import DataError
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.mapping.draft import draft_mapping
from katoutcomes.registry.mapping.mapping_file import parse_mapping, read_mapping
from katoutcomes.registry.readers.conversion import Conversion
from katoutcomes.registry.readers.omop.convert import convert
from katoutcomes.registry.reading import read_registry

FIXTURE = Path(__file__).resolve().parents[1] / "fixtures" / "omop"
ITEMS = ["44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8"]
HEAD = 'schema_version = "1.0"\nformat = "omop"\n'
SESSIONS = """
[[session]]
table = "drug_exposure"
vocabulary = "CLINIC"
codes = ["KET"]
kind = "dosing"
dose = "quantity"
milligrams_per_unit = 50
[[session]]
table = "procedure_occurrence"
vocabulary = "CLINIC"
codes = ["KAP"]
kind = "dosing"
[[session]]
table = "visit_occurrence"
vocabulary = "CLINIC"
codes = ["INT"]
kind = "integration"
[[route]]
vocabulary = "CLINIC"
codes = ["IM"]
route = "intramuscular"
"""

Table = list[list[Any]]
CODES = [("LOINC", code) for code in [*ITEMS, "44261-6", "70274-6", "54636-6", "LA6568-5", "LA6569-3", "LA6571-9"]]
CODES += [("CLINIC", code) for code in ["KET", "KAP", "INT", "IM", "IV", "CADSS"]] + [("Gender", "F"), ("Gender", "O")]
ID = {code: 5000 + place for place, (_, code) in enumerate(CODES)}
CONCEPT: Table = [["concept_id", "concept_name", "vocabulary_id", "concept_code"]]
CONCEPT += [[ID[code], f"title of {code}", vocabulary, code] for vocabulary, code in CODES]
PERSON: Table = [["person_id", "gender_concept_id", "year_of_birth"], [1, ID["F"], 1980], [2, 0, 1990]]
MEASUREMENT = [
    *("measurement_id", "person_id", "measurement_concept_id", "measurement_date", "measurement_datetime"),
    *("value_as_number", "value_as_concept_id", "visit_occurrence_id", "measurement_source_concept_id"),
]
OBSERVATION = [name.replace("measurement", "observation") for name in MEASUREMENT]
DRUG = ["drug_exposure_id", "person_id", "drug_concept_id", "drug_exposure_start_date", "quantity", "route_concept_id",
        "visit_occurrence_id"]  # fmt: skip
PROCEDURE = ["procedure_occurrence_id", "person_id", "procedure_concept_id", "procedure_date", "procedure_datetime",
             "procedure_end_datetime", "visit_occurrence_id"]  # fmt: skip
VISIT = ["visit_occurrence_id", "person_id", "visit_concept_id", "visit_start_date"]


def score(key: int, code: str, number: Any = "", answer: str = "", time: str = "00:00", visit: Any = "") -> list[Any]:
    date = "2031-03-01"
    return [key, 1, ID[code], date, f"{date} {time}:00", number, ID.get(answer, 0), visit, ""]


def convert_tables(folder: Path, mapping: str = SESSIONS, **tables: Table) -> Conversion:
    for name, rows in {"concept": CONCEPT, "person": PERSON, **tables}.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows(rows)
    with Engine() as engine:
        return convert(folder, parse_mapping(HEAD + mapping, "mapping.toml"), engine, lambda _: None)


def rows(found: Conversion, name: str) -> list[dict[str, str]]:
    assert found.faults == ()
    table = next(table for table in found.tables if table.schema.name == name)
    cells = [dict(zip(table.columns, row, strict=True)) for row in zip(*table.columns.values(), strict=True)]
    return [{column: value for column, value in row.items() if value is not None} for row in cells]


def problems(found: Conversion) -> list[tuple[str, str, int]]:
    return [(one.rule, one.column, len(one.positions)) for table in found.tables for one in table.problems]


def left_out(found: Conversion) -> dict[tuple[str, str], list[int]]:
    return {(rows.file, rows.rule): rows.row_numbers.tolist() for rows in found.left_out}


def test_items_and_total_are_one_score_by_the_codes_of_the_concept_table(tmp_path: Path) -> None:
    table = [MEASUREMENT, *(score(place, code, answer="LA6569-3", time="09:30") for place, code in enumerate(ITEMS))]
    table.append(score(20, "44261-6", "9.0", time="09:30"))
    found = convert_tables(tmp_path, measurement=table)
    assert rows(found, "scores") == [
        {"score_id": "M/20/phq9", "patient_id": "1", "date": "2031-03-01", "time": "09:30", "instrument": "phq9",
         "total": "9", **{f"item_{place}": "1" for place in range(1, 10)}}
    ]  # fmt: skip


def test_other_concept_ids_give_the_same_registry(tmp_path: Path) -> None:
    """No concept id is known to the reader: those of the clinic's own table decide."""
    moved = [CONCEPT[0], *([row[0] + 10_000, *row[1:]] for row in CONCEPT[1:])]
    table = [MEASUREMENT, score(1, "44261-6", 9)]
    first = rows(convert_tables(tmp_path, measurement=table), "scores")
    table[1][2] += 10_000
    assert rows(convert_tables(tmp_path, measurement=table, concept=moved), "scores") == first


def test_a_score_coded_by_its_source_concept_is_found(tmp_path: Path) -> None:
    row = score(1, "44261-6", 9)
    row[2], row[8] = 0, ID["44261-6"]
    assert rows(convert_tables(tmp_path, observation=[OBSERVATION, row]), "scores")[0]["score_id"] == "O/1/phq9"


def test_what_stands_in_both_tables_is_counted_once(tmp_path: Path) -> None:
    found = convert_tables(
        tmp_path,
        measurement=[MEASUREMENT, score(1, "44261-6", 9, time="09:30"), score(2, "70274-6", 5)],
        observation=[OBSERVATION, score(1, "44261-6", "9.0"), score(2, "70274-6", 6)],
    )
    assert [(row["score_id"], row["total"]) for row in rows(found, "scores")] == [
        ("M/1/phq9", "9"), ("M/2/gad7", "5"), ("O/2/gad7", "6"),
    ]  # fmt: skip
    assert left_out(found) == {("observation.csv", "same_score_twice"): [1]}


def test_items_of_one_table_complete_the_total_of_the_other(tmp_path: Path) -> None:
    items = [OBSERVATION, *(score(place, code, 2, time="10:00") for place, code in enumerate(ITEMS))]
    found = convert_tables(tmp_path, measurement=[MEASUREMENT, score(50, "44261-6", 18)], observation=items)
    assert len(rows(found, "scores")) == 1
    assert rows(found, "scores")[0].items() >= {"total": "18", "item_9": "2", "time": "10:00"}.items()


def test_rows_without_a_record_are_left_out_by_rule(tmp_path: Path) -> None:
    table = [MEASUREMENT, score(1, "54636-6", 1), score(2, "KET", 80), score(3, "44261-6"), score(4, "44261-6", 9)]
    table[2][2] = 999_999
    found = convert_tables(tmp_path, measurement=[*table, table[4]])
    assert left_out(found) == {
        ("measurement.csv", "no_value"): [3], ("measurement.csv", "code"): [2],
        ("measurement.csv", "refused_code"): [1], ("measurement.csv", "repeated_line"): [5],
    }  # fmt: skip


@pytest.mark.parametrize(("row", "expected"), [
    (score(1, "44261-6", "", "LA6569-3"), ("total_code_as_item", "total", 1)),
    (score(1, ITEMS[0], "", "KET"), ("answer_code", "item_1", 1)),
])  # fmt: skip
def test_answers_that_are_not_understood_are_problems(tmp_path: Path, row: list[Any], expected: Any) -> None:
    assert problems(convert_tables(tmp_path, measurement=[MEASUREMENT, row])) == [expected]


def test_a_source_value_is_never_read_as_a_score(tmp_path: Path) -> None:
    columns = [*MEASUREMENT, "value_source_value"]
    found = convert_tables(tmp_path, measurement=[columns, [*score(1, "44261-6"), "17"]])
    assert rows(found, "scores") == []
    assert ("measurement.csv", "value_source_value") in found.left_out_columns


def test_sessions_come_from_procedures_exposures_and_visits(tmp_path: Path) -> None:
    day = "2031-03-04"
    found = convert_tables(
        tmp_path,
        SESSIONS + '[[scale]]\ninstrument = "CADSS"\nsystem = "CLINIC"\ntotal = ["CADSS"]\n',
        drug_exposure=[DRUG, [1, 1, ID["KET"], day, "1.5", ID["IM"], 7], [2, 2, ID["KET"], day, 1, 0, ""]],
        procedure_occurrence=[PROCEDURE, [9, 1, ID["KAP"], day, f"{day} 10:00:00", f"{day} 12:15:00", 7]],
        visit_occurrence=[VISIT, [7, 1, ID["INT"], "2031-03-06"], [8, 1, 0, day]],
        measurement=[MEASUREMENT, [1, 1, ID["CADSS"], day, "", 20, "", 7, ""]],
    )
    assert rows(found, "sessions") == [
        {"session_id": "D/2", "patient_id": "2", "date": day, "kind": "dosing", "dose_mg": "50"},
        {"session_id": "P/9", "patient_id": "1", "date": day, "time": "10:00", "kind": "dosing",
         "route": "intramuscular", "dose_mg": "75", "duration_minutes": "135"},
        {"session_id": "V/7", "patient_id": "1", "date": "2031-03-06", "kind": "integration"},
    ]  # fmt: skip
    assert left_out(found) == {("visit_occurrence.csv", "code"): [2]}
    assert "session_id" not in rows(found, "scores")[0]  # two sessions belong to that visit, so neither is named
    found = convert_tables(
        tmp_path,
        SESSIONS.replace("INT", "OTHER") + '[[scale]]\ninstrument = "CADSS"\nsystem = "CLINIC"\ntotal = ["CADSS"]\n',
    )
    assert rows(found, "scores")[0]["session_id"] == "P/9"


def test_a_route_that_the_mapping_does_not_decode_and_several_doses_are_problems(tmp_path: Path) -> None:
    day = "2031-03-04"
    table = [DRUG, [1, 1, ID["KET"], day, 1, ID["IV"], ""], [2, 2, ID["KET"], day, 1, ID["IM"], ""],
             [3, 2, ID["KET"], day, 1, ID["IM"], ""]]  # fmt: skip
    found = convert_tables(tmp_path, drug_exposure=table)
    assert sorted(problems(found)) == [("route_code", "route", 1), ("several_doses", "dose_mg", 1)]
    added = convert_tables(tmp_path, 'several_doses = "add"\n' + SESSIONS, drug_exposure=table)
    assert [row.get("dose_mg") for row in rows(added, "sessions")] == ["50", "100"]


def test_persons_have_an_age_at_the_index_date_and_what_the_clinics_own_file_says(tmp_path: Path) -> None:
    (tmp_path / "own.csv").write_text("person_id,program\n1.0,KAP\n77,KAP\n", encoding="utf-8")
    mapping = (
        '[person]\nage = "index_year"\nsex = { F = "female" }\n[patients]\nfile = "own.csv"\n[patients.columns]\n'
        'program_booked = "program"\n[patients.values.program_booked]\nKAP = "with_integration"\n'
    ) + SESSIONS
    table = [DRUG, [1, 1, ID["KET"], "2031-12-30", 1, ID["IM"], ""]]
    scores = [MEASUREMENT, score(1, "44261-6", 9)]
    found = convert_tables(tmp_path, mapping, drug_exposure=table, measurement=scores)
    assert rows(found, "patients") == [
        {"patient_id": "1", "sex": "female", "age_years": "51", "program_booked": "with_integration"},
        {"patient_id": "2"},
    ]
    assert left_out(found)["own.csv", "no_person"] == [2]
    (tmp_path / "own.csv").write_text("person_id,program\n1,KAP\n1,KAP\n", encoding="utf-8")
    assert "rule unique" in convert_tables(tmp_path, mapping, drug_exposure=table).faults[0]


def test_identifiers_are_found_in_columns_of_the_cdm(tmp_path: Path) -> None:
    person = [[*PERSON[0], "birth_datetime", "person_source_value", "month_of_birth"],
              [*PERSON[1], "", "A-1", ""], [*PERSON[2], "1990-02-03 00:00:00", "A-2", ""]]  # fmt: skip
    (tmp_path / "Location.csv").write_text("location_id\n1\n", encoding="utf-8")
    found = {(one.file, one.column, one.rule, one.n_rows) for one in convert_tables(tmp_path, person=person).findings}
    assert found >= {
        ("Location.csv", "all columns", "omop_identifying_table", None),
        ("person.csv", "birth_datetime", "omop_birth_date", 1),
        ("person.csv", "person_source_value", "omop_source_value", 2),
    }
    assert not any(column == "month_of_birth" for _, column, _, _ in found)


def test_ages_above_89_are_found(tmp_path: Path) -> None:
    old = [PERSON[0], [1, ID["F"], 1930]]
    table = [DRUG, [1, 1, ID["KET"], "2031-12-30", 1, ID["IM"], ""]]
    found = convert_tables(tmp_path, '[person]\nage = "index_year"\n' + SESSIONS, drug_exposure=table, person=old)
    assert [(one.rule, one.n_rows) for one in found.findings] == [("value_age_above_89", 1)]


def test_csv_and_parquet_and_the_case_of_names_make_no_difference(tmp_path: Path) -> None:
    first = read_registry(FIXTURE)
    for path in FIXTURE.glob("*.csv"):
        frame = pd.read_csv(path)
        if path.stem in ("person", "measurement"):
            frame.rename(columns=str.upper).to_parquet(tmp_path / f"{path.stem.upper()}.parquet", index=False)
        else:
            frame.to_csv(tmp_path / f"{path.stem}.csv", index=False)
    second = read_registry(tmp_path, mapping=FIXTURE / "mapping.toml")
    assert first.digest == second.digest
    assert [file.rows_in for file in first.load_report.files] == [file.rows_in for file in second.load_report.files]
    first.close()
    second.close()


@pytest.mark.parametrize("mapping", [
    '[[session]]\ntable = "condition_occurrence"\nvocabulary = "x"\ncodes = ["a"]\nkind = "dosing"\n',
    '[[session]]\ntable = "visit_occurrence"\nvocabulary = "x"\ncodes = ["a"]\nkind = "support"\ndose = "quantity"\n',
    '[person]\nage = "now"\n',
    '[person]\nsex = { F = "woman" }\n',
    '[person]\nage = "index_year"\n[patients]\nfile = "p.csv"\n[patients.columns]\nage_years = "age"\n',
    '[files]\nseparator = "!"\n',
    "[measurement]\n",
])  # fmt: skip
def test_sections_that_make_no_sense_are_errors_of_the_mapping(tmp_path: Path, mapping: str) -> None:
    with pytest.raises(DataError, match=r"mapping\.toml has"):
        convert_tables(tmp_path, mapping)


# The fixture, read a second time with loops over its rows.


def fixture_table(name: str) -> list[dict[str, str]]:
    with (FIXTURE / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def second_reading() -> dict[tuple[str, str, str], dict[str, float]]:
    code = {row["concept_id"]: row["concept_code"] for row in fixture_table("concept")}
    totals = {"44261-6": "phq9", "70274-6": "gad7", "MADRS-TOTAL": "madrs"}
    answers = {"LA6568-5": 0, "LA6569-3": 1, "LA6570-1": 2, "LA6571-9": 3}
    truth: dict[tuple[str, str, str], dict[str, float]] = {}
    for table in ("measurement", "observation"):
        for row in fixture_table(table):
            meant = code.get(row[f"{table}_concept_id"]) or code.get(row[f"{table}_source_concept_id"])
            number: Any = row["value_as_number"] or answers.get(code.get(row["value_as_concept_id"], ""), "")
            if number == "" or (meant not in totals and meant not in ITEMS):
                continue
            scale, column = (totals[meant], "total") if meant in totals else ("phq9", f"item_{ITEMS.index(meant) + 1}")
            numbers = truth.setdefault((row["person_id"], row[f"{table}_date"], scale), {})
            assert numbers.setdefault(column, float(number)) == float(number)
    return truth


def test_the_fixture_gives_what_a_slow_second_reading_gives() -> None:
    with Engine() as engine:
        found = convert(FIXTURE, read_mapping(FIXTURE / "mapping.toml"), engine, lambda _: None)
    given = {
        (row["patient_id"], row["date"], row["instrument"]): {
            name: float(value) for name, value in row.items() if name == "total" or name.startswith("item_")
        }
        for row in rows(found, "scores")
    }
    assert given == second_reading()
    assert len(given) == len(rows(found, "scores")) == 48


def test_the_draft_of_the_fixture_is_a_mapping_and_shows_no_value(tmp_path: Path) -> None:
    draft = draft_mapping(FIXTURE)
    assert draft == draft_mapping(FIXTURE)
    for expected in ('instrument = "MADRS"', 'codes = ["KETAMINE-50"]', 'kind = "integration"', 'age = "index_year"',
                     'route = "intramuscular"', 'file = "patients.csv"', '"F" = "female"'):  # fmt: skip
        assert expected in draft
    for hidden in ("101", "2026-01", "ketamine 50 mg", "Ketamine 50 mg", "WEIGHT", "1960"):
        assert hidden not in draft
    path = tmp_path / "mapping.toml"
    path.write_text(draft, encoding="utf-8")
    counts = {counts.table: counts for counts in read_registry(FIXTURE, mapping=path).load_report.files}
    assert (counts["scores"].rows_in, counts["sessions"].rows_in) == (48, 27)
