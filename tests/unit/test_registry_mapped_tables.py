"""Format "tables": the exports of the fixtures, held against a plain loop; keys, wide scores, what is left out."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from katoutcomes.errors import DataError
from katoutcomes.registry.mapping.mapping_file import parse_mapping, read_mapping
from katoutcomes.registry.readers.mapped_tables.section_reader import read_sections
from katoutcomes.registry.reading import read_registry
from katoutcomes.registry.registry import Registry

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "mapped"
HEAD = 'schema_version = "1.0"\nformat = "tables"\n'


def rows(folder: str, file: str, encoding: str, separator: str) -> list[dict[str, str]]:
    with (FIXTURES / folder / file).open(encoding=encoding, newline="") as text:
        return list(csv.DictReader(text, delimiter=separator))


def iso(date: str) -> str:
    day, month, year = date.split(".")
    return f"{year}-{month}-{day}"


def german_practice() -> dict[str, pd.DataFrame]:
    """Return the tables of the schema that the German export holds, made by a plain loop."""
    known = {"F33.2": "depression", "F43.1": "ptsd", "F41.1": "anxiety"}
    patients = [
        {
            "patient_id": row["Kennung"],
            "age_years": row["Alter"],
            "sex": {"m": "male", "w": "female", "d": "other"}[row["Geschlecht"]],
            "diagnoses": ";".join(known[code.strip()] for code in row["Diagnosen"].split(",")),
            "prior_antidepressant_trials": row["Vorbehandlungen"].replace("k.A.", ""),
            "program_booked": "with_integration" if "mit" in row["Programm"] else "ketamine_only",
            "site": row["Standort"],
        }
        for row in rows("german_practice", "Patienten.csv", "latin-1", ";")
    ]
    visits = rows("german_practice", "Sitzungen.csv", "latin-1", ";")
    visits.sort(key=lambda row: (row["Kennung"], iso(row["Datum"])))
    sessions = [
        {
            "session_id": f"session-{number:02d}",
            "patient_id": row["Kennung"],
            "date": iso(row["Datum"]),
            "time": row["Uhrzeit"].zfill(5),
            "kind": "dosing",
            "route": {"i.m.": "intramuscular", "s.l.": "sublingual"}[row["Weg"]],
            "dose_mg": float(row["Dosis"].replace(",", ".")),
            "dose_mg_per_kg": float(row["Dosis pro kg"].replace(",", ".")),
            "systolic_before_mmhg": row["RR sys vor"],
            "systolic_peak_mmhg": row["RR sys max"],
        }
        for number, row in enumerate(visits, start=1)
    ]
    return {"patients": pd.DataFrame(patients), "sessions": pd.DataFrame(sessions), "scores": german_scores()}


def german_scores() -> pd.DataFrame:
    scores = []
    for row in rows("german_practice", "Fragebogen.csv", "latin-1", ";"):
        common = {"patient_id": row["Kennung"], "date": iso(row["Datum"])}
        items = {f"item_{n}": row[f"PHQ {n}"].replace("-99", "") for n in range(1, 10)}
        scores.append({**common, "instrument": "phq9", "total": row["PHQ Summe"].replace("k.A.", ""), **items})
        if row["BDI Summe"] != "k.A.":
            scores.append({**common, "instrument": "bdi2", "total": row["BDI Summe"]})
    scores.sort(key=lambda row: (row["patient_id"], row["instrument"], row["date"]))
    return pd.DataFrame([{"score_id": f"score-{n:02d}", **row} for n, row in enumerate(scores, start=1)])


def same_tables(one: Registry, other: Registry, *names: str) -> None:
    for name in names:
        pd.testing.assert_frame_equal(one.table(name), other.table(name))


@pytest.mark.parametrize("folder", ["german_practice", "wide_study"])
def test_a_fixture_loads(folder: str) -> None:
    registry = read_registry(FIXTURES / folder)
    assert registry.is_synthetic
    report = registry.load_report
    assert all(
        file.rows_in == file.rows_accepted + file.rows_rejected + file.rows_left_out for file in report.source_files
    )
    assert report.mapping_digest == read_mapping(FIXTURES / folder / "mapping.toml").digest
    registry.close()


def test_the_german_export_against_a_plain_loop() -> None:
    mapped, plain = read_registry(FIXTURES / "german_practice"), read_registry(german_practice())
    same_tables(mapped, plain, "patients", "sessions", "scores")
    nausea = [row for row in rows("german_practice", "Sitzungen.csv", "latin-1", ";") if row["Uebelkeit"] == "ja"]
    events = mapped.table("adverse_events")
    assert len(events) == len(nausea)
    assert set(events["term"]) == {"nausea"}
    (problem,) = mapped.load_report.problems
    assert (problem.file, problem.rule, problem.row_numbers) == ("Fragebogen.csv", "items_complete", (13,))
    mapped.close()
    plain.close()


def test_the_wide_export_against_a_plain_loop() -> None:
    mapped = read_registry(FIXTURES / "wide_study")
    scores = mapped.table("scores")
    expected = {
        (row["subj"], instrument, int(row[f"d_{visit}"]))
        for row in rows("wide_study", "analysis_file.csv", "utf-8", ",")
        for visit in ("base", "wk4", "wk12")
        for instrument, column in (("phq9", f"phq9_1_{visit}"), ("gad7", f"gad7_total_{visit}"))
        if row[column]
    }
    assert set(zip(scores["patient_id"], scores["instrument"], scores["day"], strict=True)) == expected
    doses = rows("wide_study", "doses.tsv", "utf-8", "\t")
    given = dict(zip(mapped.table("sessions")["session_id"], mapped.table("sessions")["dose_mg"], strict=True))
    assert given == {row["dose_no"]: pytest.approx(1000 * float(row["grams"])) for row in doses}
    mapped.close()


PEOPLE = pd.DataFrame({"who": ["A", "B"], "years": [41, 52]})
VISITS = pd.DataFrame(
    {"who": ["A", "A", "B"], "when": ["2031-03-04", "2031-03-11", "2031-04-01"], "mg": [75.0, 75.5, 120.0]}
)
FRAME_MAPPING = (
    HEAD
    + """
[[file]]
name = "people"
table = "patients"
[file.columns]
who = "patient_id"
years = "age_years"

[[file]]
name = "visits"
table = "sessions"
[file.columns]
who = "patient_id"
when = "date"
mg = "dose_mg"
[file.constants]
kind = "dosing"
"""
)


def read_mapped(tmp_path: Path, frames: dict[str, Any], mapping: str = FRAME_MAPPING) -> Registry:
    path = tmp_path / "frames.toml"
    path.write_text(mapping, encoding="utf-8")
    return read_registry(frames, mapping=path)


def test_frames_are_mapped_as_files_are(tmp_path: Path) -> None:
    import polars as pl

    frames = {"people": PEOPLE, "visits": VISITS}
    pandas_read = read_mapped(tmp_path, frames)
    polars_read = read_mapped(tmp_path, {name: pl.from_pandas(frame) for name, frame in frames.items()})
    assert pandas_read.digest == polars_read.digest
    for name, frame in frames.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False)
    mapping = FRAME_MAPPING.replace('"people"', '"people.csv"').replace('"visits"', '"visits.csv"')
    (tmp_path / "mapping.toml").write_text(mapping, encoding="utf-8")
    assert read_registry(tmp_path).digest == pandas_read.digest


def test_real_dates_of_a_frame_need_no_format(tmp_path: Path) -> None:
    dated = VISITS.assign(when=pd.to_datetime(VISITS["when"]) + pd.Timedelta(hours=9, minutes=30))
    registry = read_mapped(tmp_path, {"people": PEOPLE, "visits": dated})
    assert registry.table("sessions")["minute"].tolist() == [570, 570 + 7 * 1440, 570]


def test_a_missing_frame_is_a_fault(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="visits: rule missing_frame"):
        read_mapped(tmp_path, {"people": PEOPLE})


def test_rows_that_say_the_same_are_refused_or_merged(tmp_path: Path) -> None:
    frames = {"people": pd.concat([PEOPLE, PEOPLE.iloc[:1]]), "visits": VISITS}
    refused = read_mapped(tmp_path, frames)
    assert [(problem.rule, problem.n_rows) for problem in refused.load_report.problems if problem.table == "patients"]
    merging = FRAME_MAPPING.replace('table = "patients"', 'table = "patients"\nmerge_equal_rows = true')
    merged = read_mapped(tmp_path, frames, merging)
    assert not merged.load_report.problems
    assert merged.load_report.source_files[0].rows_accepted == 3
    assert merged.digest == read_mapped(tmp_path, {"people": PEOPLE, "visits": VISITS}).digest


def test_merged_rows_that_differ_are_refused(tmp_path: Path) -> None:
    frames = {"people": pd.DataFrame({"who": ["A", "A", "B"], "years": [41, 42, 52]}), "visits": VISITS}
    mapping = FRAME_MAPPING.replace('table = "patients"', 'table = "patients"\nmerge_equal_rows = true')
    report = read_mapped(tmp_path, frames, mapping).load_report
    (problem,) = [problem for problem in report.problems if problem.rule == "unique"]
    assert (problem.file, problem.row_numbers) == ("people", (1, 2))


def test_columns_that_the_mapping_does_not_name_are_listed_and_others_counted(tmp_path: Path) -> None:
    frames = {"people": PEOPLE.assign(group="x", shoe=44), "visits": VISITS}
    mapping = FRAME_MAPPING.replace('table = "patients"', 'table = "patients"\nleave_out = ["shoe"]')
    report = read_mapped(tmp_path, frames, mapping).load_report
    assert report.left_out_columns == (("people", "group"),)
    assert "columns that the mapping leaves out by name: 1." in report.notes


def test_generated_keys_hold_neither_keys_nor_dates(tmp_path: Path) -> None:
    registry = read_mapped(tmp_path, {"people": PEOPLE, "visits": VISITS})
    assert registry.table("sessions")["session_id"].tolist() == ["session-1", "session-2", "session-3"]


def test_codes_dates_and_missing_words(tmp_path: Path) -> None:
    people = pd.DataFrame({"who": ["A", "B", "C"], "years": ["41", "n/a", "999"], "g": ["f", "?", "x"]})
    mapping = FRAME_MAPPING.replace(
        'years = "age_years"',
        'years = "age_years"\ng = "sex"\n[file.missing_in]\nyears = ["999"]\n[file.values.sex]\nf = "female"\n"?" = ""',
    )
    registry = read_mapped(
        tmp_path, {"people": people, "visits": VISITS}, mapping.replace(HEAD, HEAD + 'missing = ["n/a"]\n')
    )
    table = registry.table("patients")
    assert table["age_years"].isna().tolist() == [False, True]
    assert table["sex"].isna().tolist() == [False, True]
    (problem,) = registry.load_report.problems
    assert (problem.rule, problem.column, problem.row_numbers) == ("not_decoded", "sex", (3,))


SCORE_PART = """
[[file]]
name = "answers"
[file.columns]
who = "patient_id"
[[file.score]]
instrument = "GAD-7"
items = ["a", "b", "c", "d", "e", "f", "g"]
date = "filled"
[file.score.item_values]
never = "0"
often = "2"
"""


def test_answers_in_words_with_a_date_of_their_own(tmp_path: Path) -> None:
    letters = "abcdefg"
    answers = pd.DataFrame({"who": ["A", "B", "B"], "filled": ["2031-03-01", "2031-03-02", None]})
    for letter in letters:
        answers[letter] = ["often", "never", None]
    registry = read_mapped(
        tmp_path, {"people": PEOPLE, "visits": VISITS, "answers": answers}, FRAME_MAPPING + SCORE_PART
    )
    assert registry.table("scores")["total"].tolist() == [14, 0]
    (left_out,) = registry.load_report.left_out_rows
    assert (left_out.rule, left_out.n_rows, left_out.row_numbers) == ("no_score", 1, (3,))


def test_visits_with_fixed_days(tmp_path: Path) -> None:
    wide = pd.DataFrame({"who": ["A", "B"], "phq9_t0": [15, 12], "phq9_t1": [9, None]})
    mapping = (
        FRAME_MAPPING.replace('when = "date"', 'when = "day"')
        + """
[[file]]
name = "wide"
[file.columns]
who = "patient_id"
[[file.score]]
instrument = "PHQ-9"
total = "phq9_{visit}"
visit_days = { t0 = -1, t1 = 28 }
"""
    )
    visits = VISITS.assign(when=[0, 7, 0])
    scores = read_mapped(tmp_path, {"people": PEOPLE, "visits": visits, "wide": wide}, mapping).table("scores")
    assert list(zip(scores["patient_id"], scores["day"], scores["total"], strict=True)) == [
        ("A", -1, 15),
        ("A", 28, 9),
        ("B", -1, 12),
    ]


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ('table = "patients"', 'table = "patients"\nskip_rows = -1', "skip_rows: must be 0 or more"),
        ('table = "patients"', 'table = "patients"\ntime_format = "%d.%m.%Y"', "time_format: must name a time"),
        ('table = "patients"', 'table = "patients"\ndate_format = "%H:%M"', "date_format: must name a day"),
        ('table = "patients"', 'table = "patients"\ndate_format = "%Y-%Y-%d"', "date_format: names a part twice"),
        ('table = "patients"\n', "", "table: is missing"),
        ('kind = "dosing"', 'kind = "dosing"\ndose_mg = "5"', "dose_mg: is filled by a column"),
        ('kind = "dosing"', 'kind = "dosing"\ncolor = "red"', "color: is no column"),
        ('kind = "dosing"', 'kind = "dosing"\n[file.factors]\ndose_mg = "x"', "dose_mg: must be a number above 0"),
        ('kind = "dosing"', "", "no column and no constant fills 'kind'"),
        ('name = "visits"', 'name = "people"\nencoding = "latin-1"', "say differently how it is written"),
        ('mg = "dose_mg"', 'mg = "dose_mg"\n"q{item}" = "item_{item}"', "'item_{item}' is no column"),
    ],
)
def test_problems_of_a_mapping(old: str, new: str, problem: str) -> None:
    assert old in FRAME_MAPPING
    with pytest.raises(DataError) as raised:
        read_sections(parse_mapping(FRAME_MAPPING.replace(old, new), "m.toml"))
    assert problem in str(raised.value)


@pytest.mark.parametrize(
    ("score", "problem"),
    [
        ('items = "a"', "must be a list of columns, or a pattern"),
        ("", "total: is missing"),
        ('total = "t_{visit}"', "visits: is missing"),
        ('total = "t_{visit}"\nvisits = ["x"]\nvisit_days = { x = 1 }', "are given twice"),
        ('total = "t"\nday = "k"', "is said in two ways"),
    ],
)
def test_problems_of_a_score(score: str, problem: str) -> None:
    text = HEAD + '[[file]]\nname = "a"\n[file.columns]\nwho = "patient_id"\n[[file.score]]\ninstrument = "GAD-7"\n'
    with pytest.raises(DataError) as raised:
        read_sections(parse_mapping(text + 'date = "d"\n' + score, "m.toml"))
    assert problem in str(raised.value)


UNIT_PART = """
[[file]]
name = "doses"
table = "sessions"
decimal = ","
date_format = ["%d.%m.%Y", "%Y-%m-%d", "%m.%d.%Y"]
[file.columns]
who = "patient_id"
when = "date"
much = "dose_mg"
[file.constants]
kind = "dosing"
[file.units]
much = "mg"
"""


def doses_of(tmp_path: Path, when: list[str], much: list[str], **changes: str) -> Registry:
    """Read a column of dates and a column of doses; `changes` replace texts of the mapping."""
    text = UNIT_PART.replace("[file.units]\nmuch", "[file.units]\ndose_mg")
    for old, new in changes.items():
        text = text.replace(old, new)
    keys = [f"P{number}" for number in range(len(when))]
    frames = {
        "people": pd.DataFrame({"who": keys, "years": "41"}),
        "doses": pd.DataFrame({"who": keys, "when": when, "much": much}),
    }
    people = '[[file]]\nname = "people"\ntable = "patients"\n[file.columns]\nwho = "patient_id"\nyears = "age_years"\n'
    path = tmp_path / "mapping.toml"
    path.write_text(HEAD + people + text, encoding="utf-8")
    return read_registry(frames, mapping=path)


def rules_and_rows(registry: Registry) -> dict[str, tuple[int, ...]]:
    return {problem.rule: problem.row_numbers for problem in registry.load_report.problems}


def test_a_named_unit_is_stripped_and_no_other(tmp_path: Path) -> None:
    much = ["50 mg", "37,5mg", "60", "70 MG", "0,05 g", "mg", "50 mg/kg", "5 0 mg"]
    registry = doses_of(tmp_path, ["2026-03-02"] * len(much), much)
    assert registry.table("sessions")["dose_mg"].tolist() == [50, 37.5, 60, 70]
    assert rules_and_rows(registry) == {"unit": (5, 6, 7, 8)}
    assert "with the unit 'mg' behind it" in registry.load_report.problems[0].description


def test_a_unit_goes_with_a_factor(tmp_path: Path) -> None:
    factor = '\n[file.factors]\ndose_mg = "1000"\n[file.units]'
    registry = doses_of(
        tmp_path, ["2026-03-02"] * 2, ["0,05 g", "50 mg"], **{"[file.units]": factor, 'dose_mg = "mg"': 'dose_mg = "g"'}
    )
    assert registry.table("sessions")["dose_mg"].tolist() == [50]
    assert rules_and_rows(registry) == {"unit": (2,)}


@pytest.mark.parametrize(
    ("unit", "problem"),
    [
        ('dose_mg = "5mg"', "the unit of 'dose_mg' must not hold a digit"),
        ('patient_id = "mg"', "'patient_id' is no column of numbers"),
        ('route = "mg"', "is filled by no column of the file"),
    ],
)
def test_a_unit_that_cannot_be(tmp_path: Path, unit: str, problem: str) -> None:
    with pytest.raises(DataError, match=problem):
        doses_of(tmp_path, ["2026-03-02"], ["5"], **{'dose_mg = "mg"': unit})


def test_dates_in_several_forms_are_told_apart_or_refused(tmp_path: Path) -> None:
    when = ["2026-03-02", "13.03.2026", "03.14.2026", "03.04.2026", "05.05.2026", "3 March 2026"]
    registry = doses_of(tmp_path, when, ["50"] * len(when))
    assert rules_and_rows(registry) == {"ambiguous_date": (4,), "date_format": (6,)}
    assert registry.table("patients")["index_quarter"].fillna("").tolist() == ["2026Q1"] * 3 + ["", "2026Q2", ""]
    described = {problem.rule: problem.description for problem in registry.load_report.problems}
    forms = "%d.%m.%Y, %Y-%m-%d, %m.%d.%Y"
    assert described["ambiguous_date"] == f"must not be two different days in two of the forms {forms}"


NOMINAL_PART = """
[[file]]
name = "wide"
[file.columns]
who = "patient_id"
[[file.score]]
instrument = "PHQ-9"
total = "phq_{visit}"
visit_days = { base = -1, wk4 = 28 }
"""


def test_nominal_days_count_from_the_first_dose_also_where_sessions_have_dates(tmp_path: Path) -> None:
    frames = {
        "people": pd.DataFrame({"who": ["A", "B", "C"], "years": "41"}),
        "doses": pd.DataFrame(
            {
                "who": ["A", "A", "A", "B", "C"],
                "when": ["2026-03-12", "2026-03-05", "2026-02-01", "2026-03-02", "soon"],
                "what": ["dosing", "dosing", "screening", "dosing", "dosing"],
            }
        ),
        "wide": pd.DataFrame({"who": ["A", "B", "C"], "phq_base": ["20", "18", "16"], "phq_wk4": ["10", "", "9"]}),
    }
    text = UNIT_PART[: UNIT_PART.index("[file.constants]")].replace('much = "dose_mg"', 'what = "kind"')
    people = '[[file]]\nname = "people"\ntable = "patients"\n[file.columns]\nwho = "patient_id"\nyears = "age_years"\n'
    path = tmp_path / "mapping.toml"
    path.write_text(HEAD + people + text + NOMINAL_PART, encoding="utf-8")
    registry = read_registry(frames, mapping=path)
    scores = registry.table("scores").sort_values(["patient_id", "day"])
    assert list(zip(scores["patient_id"], scores["day"], scores["total"], strict=True)) == [
        ("A", -1, 20),
        ("A", 28, 10),
        ("B", -1, 18),
    ]
    assert rules_and_rows(registry) == {"date_format": (5,), "no_first_dose": (3,)}
    assert any("visit_days states for their visit: 5." in note for note in registry.load_report.notes)


def test_what_the_mapping_cannot_read_is_not_said_to_be_missing_as_well(tmp_path: Path) -> None:
    registry = doses_of(tmp_path, ["2026-03-02", "someday", ""], ["50", "50", "50"])
    assert rules_and_rows(registry) == {"date_format": (2,), "required": (3,)}
