"""Small projects of REDCap: days instead of dates, other dialects, two questionnaires on a form, contradictions."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from katoutcomes.errors import DataError
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.mapping.mapping_file import read_mapping
from katoutcomes.registry.readers.conversion import Conversion
from katoutcomes.registry.readers.redcap.convert import convert
from katoutcomes.registry.reading import read_registry

Rows = dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with Engine() as made:
        yield made


def converted(folder: Path, engine: Engine) -> Conversion:
    return convert(folder, read_mapping(folder / "mapping.toml"), engine, lambda _: None)


def table(conversion: Conversion, name: str) -> Rows:
    """Return the rows of a table by key, without cells that are not known."""
    found = next(table for table in conversion.tables if table.schema.name == name)
    rows = [
        {column: values[row] for column, values in found.columns.items() if values[row] is not None}
        for row in range(found.n_rows)
    ]
    return {row[found.schema.key]: row for row in rows}


VALIDATION = "text_validation_type_or_show_slider_number"
SMALL_DICTIONARY = f"""field_name,form_name,field_type,select_choices_or_calculations,{VALIDATION},identifier
record_id,visit,text,,,
total,visit,text,,integer,
seen,visit,radio,"1, Yes | 2, Yes",,
when,dosing,text,,integer,
route,dosing,radio,"1, IM | 2, SL",,
"""
SMALL_MAPPING = """schema_version = "1.0"
format = "redcap"
[redcap]
data = ["e.csv"]
dictionary = "d.csv"
id_field = "record_id"
time = "day"
[[redcap.event]]
name = "start_arm_1"
day = 0
[[redcap.event]]
name = "end_arm_1"
day = 84
[[redcap.session]]
form = "dosing"
kind = "dosing"
day_field = "when"
[[redcap.session.column]]
name = "route"
field = "route"
codes = { 1 = "intramuscular", 2 = "sublingual" }
[[redcap.score]]
form = "visit"
instrument = "PHQ-9"
total_field = "total"
"""
SMALL_EXPORT = """record_id,redcap_event_name,total,visit_complete,when,route,dosing_complete
R1,start_arm_1,19,2,-2,1,2
R1,end_arm_1,6,2,,,0
"""


def small_project(
    folder: Path, *, export: str = SMALL_EXPORT, mapping: str = SMALL_MAPPING, encoding: str = "utf-8"
) -> Path:
    (folder / "d.csv").write_text(SMALL_DICTIONARY, encoding="utf-8")
    (folder / "e.csv").write_text(export, encoding=encoding)
    (folder / "mapping.toml").write_text(mapping, encoding="utf-8")
    return folder


def test_days_may_come_from_fields_and_from_events(tmp_path: Path, engine: Engine) -> None:
    found = converted(small_project(tmp_path), engine)
    assert table(found, "sessions")["R1/start_arm_1/dosing"]["day"] == "-2"
    assert [row["day"] for row in table(found, "scores").values()] == ["0", "84"]
    assert read_registry(tmp_path).table("scores")["day"].tolist() == [86, 2]


def test_files_may_be_written_with_another_separator_and_encoding(tmp_path: Path) -> None:
    folder = small_project(
        tmp_path,
        export=SMALL_EXPORT.replace(",", ";").replace("R1", "Ré1"),
        mapping=SMALL_MAPPING.replace('time = "day"', 'time = "day"\nseparator = ";"\nencoding = "latin-1"'),
        encoding="latin-1",
    )
    assert len(read_registry(folder).table("scores")) == 2


def test_two_choices_with_one_label_cannot_be_read_from_labels(tmp_path: Path) -> None:
    column = '[[redcap.patients.column]]\nname = "site"\nfield = "seen"\n'
    labels = SMALL_MAPPING.replace('time = "day"', 'time = "day"\nvalues = "labels"') + column
    folder = small_project(tmp_path, export=SMALL_EXPORT.replace("total,", "total,seen,", 1), mapping=labels)
    with pytest.raises(DataError, match="have the same label"):
        read_registry(folder)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('day_field = "when"\n', "", None),
        ("day = 84\n", "", "cannot say when"),
        ('name = "end_arm_1"', 'name = "start_arm_1"', "an event is listed twice"),
        ('name = "route"', 'name = "colour"', "is not a column that can be mapped here"),
        ('name = "route"', 'name = "session_id"', "is not a column that can be mapped here"),
        ('"intramuscular"', '"by mouth"', "route must be one of"),
        ('instrument = "PHQ-9"', 'instrument = "PHQ"', "which scale is meant"),
        ('total_field = "total"', 'items = ["total"]', "the PHQ-9 has 9 items; 1 fields are named"),
        ('total_field = "total"', 'item_pattern = "total"', "must hold {n}"),
        ('total_field = "total"', "", "either items or total_field is needed"),
        ('data = ["e.csv"]', 'data = ["e.csv", "more/e.csv"]', "no two of the same name"),
        ('field = "route"', 'field = "route"\nvalue = "x"', "exactly one of field, value and arms"),
    ],
)
def test_mappings_that_contradict_themselves(tmp_path: Path, old: str, new: str, problem: str | None) -> None:
    assert old in SMALL_MAPPING
    folder = small_project(tmp_path, mapping=SMALL_MAPPING.replace(old, new))
    if problem is None:
        assert len(read_registry(folder).table("sessions")) == 1
    else:
        with pytest.raises(DataError, match=re.escape(problem)):
            read_registry(folder)


def test_two_questionnaires_on_one_form_keep_their_own_keys(tmp_path: Path, engine: Engine) -> None:
    fields = [*(f"a_{number}" for number in range(1, 10)), *(f"b_{number}" for number in range(1, 8))]
    heading = (
        "field_name,form_name,field_type,select_choices_or_calculations,text_validation_type_or_show_slider_number"
    )
    dictionary = [f"{heading},identifier", "record_id,visit,text,,,", "seen_on,visit,text,,date_ymd,"]
    dictionary += [f'{name},visit,radio,"0, no | 1, some | 2, most | 3, all",,' for name in fields]
    (tmp_path / "d.csv").write_text("\n".join(dictionary) + "\n", encoding="utf-8")
    header = ",".join(["record_id", "redcap_repeat_instrument", "redcap_repeat_instance", "seen_on", *fields])
    row = ",".join(["R1", "visit", "4", "2026-05-06", *("1" for _ in fields), "2"])
    (tmp_path / "e.csv").write_text(f"{header},visit_complete\n{row}\n", encoding="utf-8")
    common = 'form = "visit"\ndate_field = "seen_on"\n'
    (tmp_path / "mapping.toml").write_text(
        'schema_version = "1.0"\nformat = "redcap"\n[redcap]\ndata = ["e.csv"]\ndictionary = "d.csv"\n'
        f'id_field = "record_id"\n[[redcap.session]]\nkind = "dosing"\n{common}'
        f'[[redcap.score]]\ninstrument = "PHQ-9"\nitem_pattern = "a_{{n}}"\nsession = {{ form = "visit" }}\n{common}'
        f'[[redcap.score]]\ninstrument = "GAD-7"\nitem_pattern = "b_{{n}}"\nsession = {{ form = "visit" }}\n{common}',
        encoding="utf-8",
    )
    scores = table(converted(tmp_path, engine), "scores")
    assert {key: row["instrument"] for key, row in scores.items()} == {"R1/visit/4": "PHQ-9", "R1/visit/4/b_1": "GAD-7"}
    assert {row["session_id"] for row in scores.values()} == {"R1/visit/4"}
    assert len(read_registry(tmp_path).table("scores")) == 2
