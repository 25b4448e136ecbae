"""Fuzzed NDJSON: whatever stands in the lines, the loader answers with a rule or a counted report, and leaks nothing.

All data are synthetic. Values that begin with ``CANARY`` are planted; none may come out.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from katoutcomes.errors import KatOutcomesError
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.mapping.mapping_file import read_mapping
from katoutcomes.registry.readers.conversion import Conversion
from katoutcomes.registry.readers.fhir.convert import convert
from katoutcomes.registry.reading import read_registry

MAPPING = """\
schema_version = "1.0"
format = "fhir"
several_doses = "add"
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
[[session]]
resource = "Encounter"
system = "urn:clinic"
codes = ["INT"]
kind = "integration"
"""
CODES = ["44261-6", "44249-1", "44250-9", "44260-8", "70274-6", "54636-6", "LA6569-3", "LA6571-9", "KAP", "KET", "INT"]
WORDS = st.sampled_from(
    ["CANARY", "CANARYé", "2031-03-04", "2031-03", "2031-03-04T09:30:00Z", "final", "completed", ""]
)
NUMBERS = st.one_of(
    st.integers(-5, 40), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.just(10**400)
)
NO_NUMBERS = st.sampled_from([float("nan"), float("inf")])
SCALARS = st.one_of(WORDS, NUMBERS, NO_NUMBERS, st.booleans(), st.none(), st.text(max_size=8))
CODING = st.fixed_dictionaries(
    {},
    optional={"system": st.sampled_from(["http://loinc.org", "urn:clinic", "CANARY"]), "code": st.sampled_from(CODES)},
)
CONCEPT = st.fixed_dictionaries({"coding": st.lists(CODING, max_size=2)})
REFERENCE = st.fixed_dictionaries(
    {
        "reference": st.sampled_from(
            ["Patient/p1", "Patient/p2", "Observation/o1", "Procedure/o1", "#x", "CANARY", "urn:x"]
        )
    }
)
QUANTITY = st.fixed_dictionaries({}, optional={"value": NUMBERS, "unit": st.sampled_from(["mg", "mg/kg", "CANARY"])})
ELEMENTS: dict[str, Any] = {
    "id": st.sampled_from(["o1", "o2", "o3"]),
    "status": st.sampled_from(["final", "completed", "amended", "finished", "entered-in-error"]),
    "code": CONCEPT,
    "subject": REFERENCE,
    "encounter": REFERENCE,
    "partOf": st.lists(REFERENCE, max_size=2),
    "hasMember": st.lists(REFERENCE, max_size=3),
    "derivedFrom": st.lists(REFERENCE, max_size=2),
    "effectiveDateTime": WORDS,
    "authored": WORDS,
    "performedPeriod": st.fixed_dictionaries({}, optional={"start": WORDS, "end": WORDS}),
    "valueInteger": st.integers(-3, 40),
    "valueDecimal": NUMBERS,
    "valueQuantity": QUANTITY,
    "valueCodeableConcept": CONCEPT,
    "valueString": WORDS,
    "component": st.lists(st.fixed_dictionaries({"code": CONCEPT, "valueInteger": NUMBERS}), max_size=2),
    "item": st.recursive(
        st.lists(st.fixed_dictionaries({"linkId": st.sampled_from(["/44250-9", "44261-6", "x"]),
                                        "answer": st.just([{"valueInteger": 2}])}), max_size=3),
        lambda inner: st.lists(st.fixed_dictionaries({"linkId": st.just("g"), "item": inner}), max_size=2),
        max_leaves=4,
    ),
    "medicationCodeableConcept": CONCEPT,
    "medicationReference": REFERENCE,
    "dosage": st.fixed_dictionaries({}, optional={"dose": QUANTITY, "route": CONCEPT}),
    "type": st.lists(CONCEPT, max_size=1),
}  # fmt: skip
TYPES = ["Observation", "QuestionnaireResponse", "Procedure", "MedicationAdministration", "Encounter", "Medication",
         "Bundle", "Condition"]  # fmt: skip


def as_r4(resource: dict[str, Any]) -> dict[str, Any]:
    """An encounter is part of one other, not of a list."""
    return {
        name: value for name, value in resource.items() if name != "partOf" or resource["resourceType"] != "Encounter"
    }


RESOURCE = st.fixed_dictionaries({"resourceType": st.sampled_from(TYPES)}, optional=ELEMENTS).map(as_r4)
SPOILED = st.tuples(RESOURCE, st.sampled_from(sorted(ELEMENTS)), SCALARS).map(lambda t: {**t[0], t[1]: t[2]})
SOUND = {
    "resourceType": "Observation",
    "id": "sound",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "44261-6"}]},
    "subject": {"reference": "Patient/p9"},
    "effectiveDateTime": "2031-03-01",
    "valueInteger": 12,
}
MANY = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FEW = settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow])
"""Each example is a whole load, some tenths of a second."""


def as_line(resource: Any) -> bytes:
    return json.dumps(resource).encode()


def write(folder: Path, lines: list[bytes]) -> None:
    (folder / "mapping.toml").write_text(MAPPING, encoding="utf-8")
    (folder / "export.ndjson").write_bytes(b"\n".join(lines))


def converted(lines: list[bytes]) -> Conversion:
    """Convert lines, and hold every line to account: it is in a record or left out."""
    with tempfile.TemporaryDirectory() as name, Engine() as engine:
        write(Path(name), lines)
        found = convert(Path(name), read_mapping(Path(name) / "mapping.toml"), engine, lambda _: None)
    for table in found.tables:
        assert {len(values) for values in table.columns.values()} <= {table.n_rows}
    if found.tables:
        used = {int(row) for table in found.tables for row in table.file_row}
        used |= {int(row) for table in found.tables if table.further is not None for row in table.further.file_row}
        left_out = {int(row) for rows in found.left_out for row in rows.row_numbers}
        assert used | left_out == set(range(1, len(lines) + 1))
        assert not used & left_out
        assert found.files[0].rows_in == len(lines)
    return found


def words(found: Conversion) -> str:
    """Return every word of a conversion that a message or a report may hold."""
    problems = [(one.rule, one.column, one.description) for table in found.tables for one in table.problems]
    left_out = [(one.file, one.rule, one.column, one.description) for one in found.left_out]
    return repr((found.findings, found.faults, found.notes, found.settings, found.left_out_columns, problems, left_out))


@MANY
@given(st.lists(RESOURCE, min_size=1, max_size=12))
def test_odd_resources_are_counted_line_by_line(resources: list[dict[str, Any]]) -> None:
    found = converted([as_line(SOUND), *map(as_line, resources)])
    assert found.tables
    assert "CANARY" not in words(found)


@MANY
@given(st.lists(SPOILED, min_size=1, max_size=3))
def test_elements_of_any_type_are_refused_or_counted(resources: list[dict[str, Any]]) -> None:
    assert "CANARY" not in words(converted([as_line(SOUND), *map(as_line, resources)]))


@MANY
@given(RESOURCE, st.integers(0, 400), st.binary(max_size=6).filter(lambda bytes_: b"\n" not in bytes_))
def test_bytes_that_were_changed_are_refused_or_counted(resource: dict[str, Any], place: int, bytes_: bytes) -> None:
    line = as_line({**resource, "id": "CANARY"})
    assert "CANARY" not in words(converted([as_line(SOUND), line[:place] + bytes_ + line[place + len(bytes_) :]]))


@FEW
@given(st.lists(st.one_of(RESOURCE, SPOILED), min_size=1, max_size=12))
def test_whole_loads_end_in_a_report_or_a_rule(resources: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as name:
        write(Path(name), [as_line(SOUND), *map(as_line, resources)])
        assert "CANARY" not in outcome(Path(name))


def outcome(folder: Path) -> str:
    """Return every word that a whole load says."""
    try:
        registry = read_registry(folder)
    except KatOutcomesError as error:
        return f"{error} {error.__context__!r} {error.__cause__!r}"
    report = registry.load_report
    registry.close()
    return f"{report.to_text()} {report.to_dict()!r}"


@FEW
@given(st.permutations(range(6)), st.integers(1, 5))
def test_the_order_of_lines_and_files_changes_no_score(order: list[int], split: int) -> None:
    items = ["44250-9", "44255-8", "44259-0"]
    lines = [
        {
            **SOUND,
            "id": f"i{place}",
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "valueInteger": 1,
        }
        for place, code in enumerate(items)
    ]
    lines += [
        {**SOUND, "id": f"t{day}", "effectiveDateTime": f"2031-04-0{day}", "valueInteger": day} for day in (1, 2, 3)
    ]
    assert loaded_totals(lines, 6) == loaded_totals([lines[place] for place in order], split)


def loaded_totals(lines: list[dict[str, Any]], split: int) -> list[tuple[Any, ...]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "mapping.toml").write_text(MAPPING, encoding="utf-8")
        (folder / "a.ndjson").write_bytes(b"\n".join(map(as_line, lines[:split])))
        (folder / "b.ndjson").write_bytes(b"\n".join(map(as_line, lines[split:])))
        registry = read_registry(folder)
    scores = registry.table("scores")
    found = list(zip(scores["score_id"], scores["day"], scores["total"], strict=True))
    registry.close()
    return found
