"""FHIR exports against a slow second reading, and against the truth that random exports were written from."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest

from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.mapping.mapping_file import parse_mapping, read_mapping
from katoutcomes.registry.readers.conversion import Conversion
from katoutcomes.registry.readers.fhir.convert import convert
from katoutcomes.registry.reading import read_registry

FIXTURE = Path(__file__).resolve().parents[1] / "fixtures" / "fhir"
ITEMS = ["44250-9", "44255-8", "44259-0", "44254-1", "44251-7", "44258-2", "44252-5", "44253-3", "44260-8"]
GAD_ITEMS = ["69725-0", "68509-9", "69733-4", "69734-2", "69735-9", "69689-8", "69736-7"]
CODED = {"LA6568-5": 0, "LA6569-3": 1, "LA6570-1": 2, "LA6571-9": 3}
TOTALS = {"44261-6": "phq9", "70274-6": "gad7", "MADRS-TOTAL": "madrs"}

Key = tuple[str, str, str]
Truth = dict[Key, dict[str, float]]


def converted(folder: Path) -> Conversion:
    with Engine() as engine:
        return convert(folder, read_mapping(folder / "mapping.toml"), engine, lambda _: None)


def as_truth(found: Conversion) -> Truth:
    assert found.faults == found.findings == ()
    table = next(table for table in found.tables if table.schema.name == "scores")
    rows = [dict(zip(table.columns, row, strict=True)) for row in zip(*table.columns.values(), strict=True)]
    truth: Truth = {}
    for row in rows:
        numbers = {name: float(value) for name, value in row.items()
                   if value is not None and (name == "total" or name.startswith("item_"))}  # fmt: skip
        key = (row["patient_id"], row["date"], row["instrument"])
        assert key not in truth
        truth[key] = numbers
    return truth


# The fixture, read a second time: all numbers of a patient, a day and a scale, wherever they stand.


def second_reading() -> Truth:
    lines = [json.loads(line) for path in sorted(FIXTURE.glob("*.ndjson")) for line in path.read_text().splitlines()]
    deleted = {e["request"]["url"] for line in lines if line["resourceType"] == "Bundle" for e in line["entry"]}
    truth: Truth = {}
    for line in lines:
        kind = line["resourceType"]
        if kind not in ("Observation", "QuestionnaireResponse") or f"{kind}/{line['id']}" in deleted:
            continue
        if line["status"] not in ("final", "completed", "amended"):
            continue
        patient = line["subject"]["reference"].split("/")[1]
        date = (line.get("effectiveDateTime") or line.get("authored"))[:10]
        if kind == "Observation":
            take(truth, patient, date, line["code"]["coding"][0]["code"], line)
        for item in walk(line.get("item", [])):
            link = item["linkId"].removeprefix("/")
            for answer in item.get("answer", []):
                take(truth, patient, date, link, answer)
    return truth


def walk(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [deep for item in items for deep in [item, *walk(item.get("item", []))]]


def take(truth: Truth, patient: str, date: str, code: str, holder: dict[str, Any]) -> None:
    number = holder.get("valueInteger", holder.get("valueDecimal", holder.get("valueQuantity", {}).get("value")))
    if "valueCodeableConcept" in holder:
        number = CODED[holder["valueCodeableConcept"]["coding"][0]["code"]]
    if "valueCoding" in holder:
        number = CODED[holder["valueCoding"]["code"]]
    if number is None:
        return
    if code in TOTALS:
        place = (TOTALS[code], "total")
    elif code in ITEMS:
        place = ("phq9", f"item_{ITEMS.index(code) + 1}")
    elif code.startswith("q") and code[1:].isdigit():
        place = ("pcl5", f"item_{code[1:]}")
    else:
        return
    numbers = truth.setdefault((patient, date, place[0]), {})
    assert numbers.setdefault(place[1], float(number)) == float(number)


def test_the_fixture_gives_what_a_slow_second_reading_gives() -> None:
    found = as_truth(converted(FIXTURE))
    assert found == second_reading()
    assert len(found) == 52


def test_every_line_of_the_fixture_is_accounted_for() -> None:
    registry = read_registry(FIXTURE)
    report = registry.load_report
    for file in report.source_files:
        path = FIXTURE / file.file
        n_lines = len(path.read_text().splitlines()) - (path.suffix == ".csv")
        assert file.rows_in == n_lines == file.rows_accepted + file.rows_left_out
        assert file.rows_rejected == 0
    counts = {problem.rule: 0 for problem in report.left_out_rows}
    for problem in report.left_out_rows:
        counts[problem.rule] += problem.n_rows
    assert counts == {"code": 1, "deleted": 1, "no_value": 1, "refused_code": 1, "repeated_line": 1,
                      "resource_type": 7, "same_score_twice": 3, "status": 4}  # fmt: skip
    sessions = registry.table("sessions")
    doses = sessions[sessions["kind"] == "dosing"]
    assert (len(sessions), len(doses)) == (27, 15)
    assert set(doses["route"]) == {"intramuscular", "intravenous"}
    assert (doses["dose_mg"].notna() ^ doses["dose_mg_per_kg"].notna()).all()
    assert registry.is_synthetic
    registry.close()


# Random exports, written from a truth in any of the ways there are.


def loinc(code: str) -> dict[str, Any]:
    return {"coding": [{"system": "http://loinc.org", "code": code}]}


def observation(rng: random.Random, patient: str, when: str, code: str, **value: Any) -> dict[str, Any]:
    status = rng.choice(["final", "amended"])
    return {"resourceType": "Observation", "id": f"o{rng.getrandbits(60)}", "status": status, "code": loinc(code),
            "subject": {"reference": f"Patient/{patient}"}, "effectiveDateTime": when, **value}  # fmt: skip


def written(rng: random.Random, patient: str, when: str, codes: list[str], total: str, numbers: list[int]) -> Any:
    """Write one score: as observations, with a panel or not; as a response; or as both."""
    answers = list(CODED)
    style = rng.choice(["panel", "loose", "total", "response", "response and total", "all"])
    lines = []
    if style in ("panel", "loose", "all"):
        for code, number in zip(codes, numbers, strict=True):
            value = rng.choice([{"valueInteger": number}, {"valueCodeableConcept": loinc(answers[number])}])
            lines.append(observation(rng, patient, when, code, **value))
    if style != "response":
        whole = rng.choice([{"valueInteger": sum(numbers)}, {"valueQuantity": {"value": sum(numbers), "unit": "1"}}])
        lines.append(observation(rng, patient, when, total, **whole))
    if style in ("panel", "all") and total == "44261-6":
        members = [{"reference": f"Observation/{line['id']}"} for line in lines]
        lines.append(observation(rng, patient, when, "44249-1", hasMember=members))
    if style in ("response", "response and total", "all"):
        items = [{"linkId": rng.choice(["/", ""]) + code,
                  "answer": [{"valueCoding": loinc(answers[number])["coding"][0]}]}
                 for code, number in zip(codes, numbers, strict=True)]  # fmt: skip
        lines.append({"resourceType": "QuestionnaireResponse", "id": f"q{rng.getrandbits(60)}", "status": "completed",
                      "subject": {"reference": f"Patient/{patient}"}, "authored": when,
                      "item": [{"linkId": "g", "item": items}]})  # fmt: skip
    known = {} if style == "response" else {"total": float(sum(numbers))}
    if style != "total":
        known |= {f"item_{place}": float(number) for place, number in enumerate(numbers, start=1)}
    return lines, known


@pytest.mark.parametrize("seed", range(12))
def test_random_exports_give_back_the_truth_they_were_written_from(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 - no secret is made here
    truth: Truth = {}
    lines: list[dict[str, Any]] = []
    for patient in (f"p{number}" for number in range(8)):
        for month in range(1, 7):
            when = f"2031-0{month}-1{rng.randrange(9)}" + rng.choice(["", "T08:15:00-05:00", "T19:45:30.5+02:00"])
            for name, codes, total in (("phq9", ITEMS, "44261-6"), ("gad7", GAD_ITEMS, "70274-6")):
                if rng.random() < 0.7:
                    numbers = [rng.randrange(4) for _ in codes]
                    more, known = written(rng, patient, when, codes, total, numbers)
                    lines += more
                    truth[patient, when[:10], name] = known
    rng.shuffle(lines)
    cut = rng.randrange(len(lines))
    for file, part in (("a.ndjson", lines[:cut]), ("b.NDJSON", lines[cut:])):
        (tmp_path / file).write_text("\ufeff" * (seed % 2) + "\r\n\n".join(map(json.dumps, part)), encoding="utf-8")
    with Engine() as engine:
        mapping = parse_mapping('schema_version = "1.0"\nformat = "fhir"', "mapping.toml")
        found = convert(tmp_path, mapping, engine, lambda _: None)
    assert as_truth(found) == truth
