"""Observations and QuestionnaireResponses become scores: one case a way of writing them. All data are synthetic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from katoutcomes.errors import DataError
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.mapping.mapping_file import parse_mapping
from katoutcomes.registry.readers.conversion import Conversion
from katoutcomes.registry.readers.fhir.convert import convert

PHQ9 = ("44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8")
ANSWERS = ("LA6568-5", "LA6569-3", "LA6570-1", "LA6571-9")
HEAD = 'schema_version = "1.0"\nformat = "fhir"\n'

Resource = dict[str, Any]


def loinc(code: str) -> Resource:
    return {"coding": [{"system": "http://loinc.org", "code": code}]}


def local(code: str, system: str = "urn:clinic") -> Resource:
    return {"coding": [{"system": system, "code": code}]}


def observation(key: str, code: str | Resource, date: str = "2031-03-01T09:30:00-08:00", **more: Any) -> Resource:
    return {
        "resourceType": "Observation",
        "id": key,
        "status": "final",
        "code": loinc(code) if isinstance(code, str) else code,
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": date,
    } | more


def response(key: str, items: list[Resource], date: str = "2031-03-01T09:30:00-08:00", **more: Any) -> Resource:
    return {
        "resourceType": "QuestionnaireResponse",
        "id": key,
        "status": "completed",
        "subject": {"reference": "Patient/p1"},
        "authored": date,
        "item": items,
    } | more


def items_of(numbers: tuple[int, ...], prefix: str = "i", date: str = "2031-03-01T09:30:00-08:00") -> list[Resource]:
    return [
        observation(f"{prefix}{place}", PHQ9[place], date, valueCodeableConcept=loinc(ANSWERS[number]))
        for place, number in enumerate(numbers)
    ]


def asked(numbers: tuple[int, ...], slash: str = "/") -> list[Resource]:
    return [
        {"linkId": f"{slash}{PHQ9[place]}", "answer": [{"valueCoding": loinc(ANSWERS[number])["coding"][0]}]}
        for place, number in enumerate(numbers)
    ]


def convert_lines(folder: Path, resources: list[Resource], mapping: str = "") -> Conversion:
    (folder / "export.ndjson").write_text("\n".join(map(json.dumps, resources)), encoding="utf-8")
    with Engine() as engine:
        return convert(folder, parse_mapping(HEAD + mapping, "mapping.toml"), engine, lambda _: None)


def scores(found: Conversion) -> list[dict[str, str]]:
    """Return the rows of the table of scores, without what is unknown."""
    assert found.faults == ()
    table = next(table for table in found.tables if table.schema.name == "scores")
    rows = [dict(zip(table.columns, row, strict=True)) for row in zip(*table.columns.values(), strict=True)]
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def problems(found: Conversion) -> list[tuple[str, str, int]]:
    return [(one.rule, one.column, len(one.positions)) for table in found.tables for one in table.problems]


def left_out(found: Conversion) -> dict[str, list[int]]:
    return {rows.rule: rows.row_numbers.tolist() for rows in found.left_out}


NINE = (0, 1, 2, 3, 0, 1, 2, 3, 1)
ITEMS = {f"item_{place}": str(number) for place, number in enumerate(NINE, start=1)}


def test_a_panel_its_items_and_its_total_are_one_score(tmp_path: Path) -> None:
    lines = [*items_of(NINE), observation("t", "44261-6", valueInteger=13)]
    members = [{"reference": f"Observation/{line['id']}"} for line in lines]
    lines.insert(3, observation("panel", "44249-1", hasMember=members))
    found = convert_lines(tmp_path, lines)
    assert scores(found) == [
        {"score_id": "O/panel/phq9", "patient_id": "p1", "date": "2031-03-01", "time": "09:30",
         "instrument": "phq9", "total": "13", **ITEMS}
    ]  # fmt: skip
    table = next(table for table in found.tables if table.schema.name == "scores")
    assert table.file_row.tolist() == [4]
    assert table.further is not None
    assert sorted(table.further.file_row.tolist()) == [1, 2, 3, 5, 6, 7, 8, 9, 10, 11]
    assert left_out(found) == {}


def test_items_are_known_by_their_code_and_not_by_their_order(tmp_path: Path) -> None:
    lines = items_of(NINE)[::-1]
    assert scores(convert_lines(tmp_path, lines))[0].items() >= ITEMS.items()


def test_items_and_totals_without_a_panel_belong_together_by_moment(tmp_path: Path) -> None:
    first = [*items_of(NINE, "a"), observation("at", "44261-6", valueInteger=13)]
    second = items_of((1,) * 9, "b", "2031-04-01T08:00:00-08:00")
    found = scores(convert_lines(tmp_path, [*first, *second]))
    assert [(row["date"], row.get("total")) for row in found] == [("2031-03-01", "13"), ("2031-04-01", None)]
    assert found[0]["score_id"] == "O/at/phq9"


def test_a_total_of_the_day_goes_with_items_of_a_minute_of_that_day(tmp_path: Path) -> None:
    lines = [*items_of(NINE), observation("t", "44261-6", "2031-03-01", valueQuantity={"value": 13, "unit": "{score}"})]
    found = scores(convert_lines(tmp_path, lines))
    assert len(found) == 1
    assert (found[0]["total"], found[0]["time"], found[0]["item_9"]) == ("13", "09:30", "1")


def test_components_are_items(tmp_path: Path) -> None:
    parts = [{"code": loinc(code), "valueInteger": number} for code, number in zip(PHQ9, NINE, strict=True)]
    parts.append({"code": loinc("44261-6"), "valueQuantity": {"value": 13}})
    found = scores(convert_lines(tmp_path, [observation("panel", "44249-1", component=parts)]))
    assert found[0].items() >= {"total": "13", **ITEMS}.items()


@pytest.mark.parametrize("value", [
    {"valueInteger": 13}, {"valueQuantity": {"value": 13}}, {"valueDecimal": 13}, {"valueQuantity": {"value": 13.0}},
])  # fmt: skip
def test_totals_come_in_any_numeric_type(tmp_path: Path, value: Resource) -> None:
    found = scores(convert_lines(tmp_path, [observation("t", "44261-6", **value)]))
    assert found[0]["total"] in ("13", "13.0")


@pytest.mark.parametrize("slash", ["/", "", "group/"])
def test_responses_are_read_through_their_groups(tmp_path: Path, slash: str) -> None:
    nested = [{"linkId": "page", "item": [*asked(NINE, slash)[:4]]}, *asked(NINE, slash)[4:]]
    nested[1]["answer"][0]["item"] = [{"linkId": "44261-6", "answer": [{"valueDecimal": 13.0}]}]
    found = scores(convert_lines(tmp_path, [response("q", nested)]))
    assert found[0].items() >= {"score_id": "Q/q/phq9", "total": "13.0", **ITEMS}.items()


def test_the_items_of_a_mapped_questionnaire_are_its_link_ids(tmp_path: Path) -> None:
    names = [f"frage{number}" for number in range(1, 11)]
    mapping = f"""
[[scale]]
instrument = "MADRS"
system = "https://forms.example/madrs"
items = {json.dumps(names)}
answer_system = "urn:clinic"
answers = {{ leicht = 2, schwer = 6 }}
"""
    items: list[Resource] = [{"linkId": name, "answer": [{"valueInteger": 1}]} for name in names]
    items[0]["answer"] = [{"valueCoding": {"system": "urn:clinic", "code": "schwer"}}]
    form = response("q", items, questionnaire="https://forms.example/madrs|2.0")
    found = scores(convert_lines(tmp_path, [form], mapping))
    assert (found[0]["instrument"], found[0]["item_1"], found[0]["item_10"]) == ("madrs", "6", "1")


def test_an_ordinal_value_stands_in_for_an_unknown_answer_code(tmp_path: Path) -> None:
    extension = [{"url": "http://hl7.org/fhir/StructureDefinition/ordinalValue", "valueDecimal": 2}]
    coded = {"coding": [{"system": "urn:x", "code": "often", "extension": extension}]}
    found = scores(convert_lines(tmp_path, [observation("i", PHQ9[0], valueCodeableConcept=coded)]))
    assert found[0]["item_1"] == "2"


# What was said twice.


def test_a_response_that_repeats_its_observations_is_left_out(tmp_path: Path) -> None:
    total = observation("t", "44261-6", valueInteger=13, derivedFrom=[{"reference": "QuestionnaireResponse/q"}])
    found = convert_lines(tmp_path, [*items_of(NINE), total, response("q", asked(NINE))])
    assert len(scores(found)) == 1
    assert left_out(found) == {"same_score_twice": [11]}


def test_a_response_gives_the_items_of_a_total(tmp_path: Path) -> None:
    total = observation("t", "44261-6", "2031-03-01", valueInteger=12)
    found = convert_lines(tmp_path, [total, response("q", asked(NINE))])
    assert scores(found)[0].items() >= {"score_id": "O/t/phq9", "total": "12", "time": "09:30", **ITEMS}.items()
    assert left_out(found) == {}


def test_two_scores_that_contradict_each_other_both_stay(tmp_path: Path) -> None:
    items = [*asked(NINE), {"linkId": "44261-6", "answer": [{"valueInteger": 13}]}]
    found = convert_lines(tmp_path, [observation("t", "44261-6", valueInteger=20), response("q", items)])
    assert [row["total"] for row in scores(found)] == ["20", "13"]


def test_two_forms_of_a_day_are_matched_by_their_minute(tmp_path: Path) -> None:
    early, late = "2031-03-01T08:00:00-08:00", "2031-03-01T18:00:00-08:00"
    lines = [
        observation("a", "44261-6", early, valueInteger=13),
        observation("b", "44261-6", late, valueInteger=9),
        response("qa", [{"linkId": "44261-6", "answer": [{"valueInteger": 13}]}], early),
        response("qb", [{"linkId": "44261-6", "answer": [{"valueInteger": 9}]}], late),
    ]
    found = convert_lines(tmp_path, lines)
    assert [row["total"] for row in scores(found)] == ["13", "9"]
    assert left_out(found) == {"same_score_twice": [3, 4]}


def test_a_line_twice_is_one_score_and_another_content_under_its_id_is_two(tmp_path: Path) -> None:
    line = observation("t", "44261-6", valueInteger=13)
    found = convert_lines(tmp_path, [line, {**line, "meta": {"versionId": "2"}}])
    assert len(scores(found)) == 1
    assert left_out(found) == {"repeated_line": [2]}
    other = {**line, "valueInteger": 14, "effectiveDateTime": "2031-05-01"}
    ids = [row["score_id"] for row in scores(convert_lines(tmp_path, [line, other]))]
    assert ids == ["O/t/phq9"] * 2  # which the registry rejects: nobody can tell which is right


# Which scale is meant.


def test_items_of_a_part_are_not_quietly_that_part(tmp_path: Path) -> None:
    eight = items_of(NINE[:8])
    assert [row["instrument"] for row in scores(convert_lines(tmp_path, eight))] == ["phq9"]
    named = '[[scale]]\ninstrument = "PHQ-8"\nsystem = "urn:clinic"\npanel = ["PHQ8"]\n'
    assert [row["instrument"] for row in scores(convert_lines(tmp_path, eight, named))] == ["phq8"]
    assert [row["instrument"] for row in scores(convert_lines(tmp_path, items_of(NINE), named))] == ["phq9"]


def test_a_panel_of_two_questionnaires_gives_two_scores(tmp_path: Path) -> None:
    lines = [*items_of(NINE), observation("g", "70274-6", valueInteger=9)]
    members = [{"reference": f"Observation/{line['id']}"} for line in lines]
    panel = observation("panel", local("PHQ-SADS"), hasMember=members)
    mapping = """
[[scale]]
instrument = "PHQ-9"
system = "urn:clinic"
panel = ["PHQ-SADS"]
[[scale]]
instrument = "GAD-7"
system = "urn:clinic"
panel = ["PHQ-SADS"]
"""
    found = scores(convert_lines(tmp_path, [*lines, panel], mapping))
    assert [(row["score_id"], row.get("total")) for row in found] == [("O/panel/gad7", "9"), ("O/panel/phq9", None)]


def test_the_mapping_names_versions_and_metrics(tmp_path: Path) -> None:
    mapping = '[[scale]]\ninstrument = "PCL-5"\nsystem = "urn:clinic"\ntotal = ["PCL"]\nversion = "past_week"\n'
    found = scores(convert_lines(tmp_path, [observation("t", local("PCL"), valueInteger=33)], mapping))
    assert (found[0]["instrument"], found[0]["version"], found[0]["total"]) == ("pcl5", "past_week", "33")


# What is wrong or left out.


@pytest.mark.parametrize(("value", "rule"), [
    ({"valueString": "thirteen"}, "answer_not_coded"),
    ({"valueQuantity": {"value": 13, "comparator": "<"}}, "comparator"),
    ({"valueCodeableConcept": loinc("LA6569-3")}, "total_code_as_item"),
    ({"valueInteger": 13, "valueDecimal": 13}, "two_answers"),
    ({"valueQuantity": {"value": "13"}}, "answer_not_coded"),
])  # fmt: skip
def test_totals_that_are_no_number_are_problems(tmp_path: Path, value: Resource, rule: str) -> None:
    found = convert_lines(tmp_path, [observation("t", "44261-6", **value)])
    assert problems(found) == [(rule, "total", 1)]
    assert "total" not in scores(found)[0]


def test_different_answers_to_one_item_are_a_problem_and_the_same_are_not(tmp_path: Path) -> None:
    same = [*items_of(NINE, "a"), *items_of(NINE, "b")]
    assert problems(convert_lines(tmp_path, same)) == []
    other = [*items_of(NINE, "a"), *items_of((1, *NINE[1:]), "b")]
    assert problems(convert_lines(tmp_path, other)) == [("two_answers", "item_1", 1)]


def test_lines_without_a_record_are_left_out_by_rule(tmp_path: Path) -> None:
    lines = [
        observation("1", "44261-6", valueInteger=1, status="preliminary"),
        observation("2", "54636-6", valueInteger=1),
        observation("3", local("WEIGHT"), valueQuantity={"value": 80, "unit": "kg"}),
        observation("4", "44261-6", dataAbsentReason=loinc("x")),
        observation("5", "44261-6", valueInteger=2, subject={"reference": "Group/g1"}),
        {"resourceType": "Condition", "id": "6"},
        response("7", asked(NINE), status="in-progress"),
        response("8", [{"linkId": "x", "answer": [{"valueInteger": 1}]}]),
        observation("9", "44249-1", hasMember=[{"reference": "Observation/not-here"}]),
        observation("10", "44261-6", valueInteger=9),
    ]
    found = convert_lines(tmp_path, lines)
    assert left_out(found) == {
        "status": [1, 7], "refused_code": [2], "code": [3, 8], "no_value": [4, 9], "subject": [5], "resource_type": [6],
    }  # fmt: skip
    assert [row["total"] for row in scores(found)] == ["9"]
    refused = next(rows for rows in found.left_out if rows.rule == "refused_code")
    assert "54636-6" in refused.description


def test_deletions_are_respected(tmp_path: Path) -> None:
    entry = [{"request": {"method": "DELETE", "url": "Observation/a"}},
             {"request": {"method": "DELETE", "url": "Patient/p2"}}]  # fmt: skip
    lines = [
        observation("a", "44261-6", valueInteger=1),
        observation("b", "44261-6", valueInteger=2, subject={"reference": "Patient/p2"}),
        observation("c", "44261-6", valueInteger=3),
        {"resourceType": "Bundle", "type": "transaction", "entry": entry},
    ]
    found = convert_lines(tmp_path, lines)
    assert left_out(found) == {"deleted": [1, 2], "resource_type": [4]}
    assert [row["total"] for row in scores(found)] == ["3"]


def test_dates_are_taken_as_written_and_universal_time_is_noted(tmp_path: Path) -> None:
    lines = [
        observation("a", "44261-6", "2031-03-01T23:30:00-08:00", valueInteger=1),
        observation("b", "44261-6", "2031-04-01T23:30:00.123Z", valueInteger=2),
        observation("c", "44261-6", "2031-05", valueInteger=3),
        observation("d", "70274-6", "", effectivePeriod={"start": "2031-06-01"}, valueInteger=3),
    ]
    del lines[3]["effectiveDateTime"]
    found = convert_lines(tmp_path, lines)
    assert [(row["date"], row.get("time")) for row in scores(found)] == [
        ("2031-03-01", "23:30"), ("2031-04-01", "23:30"), ("2031-05", None), ("2031-06-01", None),
    ]  # fmt: skip
    assert any("universal time (Z): 1." in note for note in found.notes)


def test_free_text_is_counted_and_not_read(tmp_path: Path) -> None:
    line = observation("a", "44261-6", valueInteger=1, note=[{"text": "slept badly"}], text={"div": "<div>1</div>"})
    found = convert_lines(tmp_path, [line])
    assert found.findings == ()
    assert set(found.left_out_columns) == {("export.ndjson", "div"), ("export.ndjson", "note")}
    assert sum("free text was not read" in note for note in found.notes) == 2


@pytest.mark.parametrize("mapping", [
    '[[scale]]\ninstrument = "PCL"\ntotal = ["1-8"]\n',
    '[[scale]]\ninstrument = "MADRS"\nsystem = "urn:x"\nitems = ["a", "b"]\n',
    '[[scale]]\ninstrument = "MADRS"\ntotal = ["44261-6"]\n',
    '[[session]]\nresource = "Observation"\nsystem = "urn:x"\ncodes = ["a"]\nkind = "dosing"\n',
    '[[session]]\nresource = "Procedure"\nsystem = "x"\ncodes = ["a"]\nkind = "support"\nroute = "intravenous"\n',
    '[[route]]\nsystem = "urn:x"\ncodes = ["a"]\nroute = "rectal"\n',
    'several_doses = "guess"\n',
    "[patients]\n",
    '[patients]\nfile = "p.csv"\n[patients.columns]\nname = "name"\n',
])  # fmt: skip
def test_sections_that_make_no_sense_are_errors_of_the_mapping(tmp_path: Path, mapping: str) -> None:
    with pytest.raises(DataError, match=r"mapping\.toml has"):
        convert_lines(tmp_path, [observation("t", "44261-6", valueInteger=1)], mapping)
