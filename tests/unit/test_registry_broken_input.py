"""Broken input, one fault at a time: the exact rule and rows, or the right error, and never a value in any text."""

from __future__ import annotations

import copy
import csv
import io
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from katoutcomes import vocabulary
from katoutcomes.errors import DataError, IdentifierError, KatOutcomesError, OptionError
from katoutcomes.instruments.catalog import instruments
from katoutcomes.registry.load_reports.load_report import LoadReport
from katoutcomes.registry.readers.csv_structure import CsvStructure
from katoutcomes.registry.reading import read_registry
from katoutcomes.registry.registry import Registry

Tables = dict[str, list[dict[str, str]]]

PATIENTS = """\
patient_id,site,age_years,age_band,sex,diagnoses,prior_antidepressant_trials,program_booked,eligible_consent,covariate_hope
KEYPAT01,CANARYSITE,41,35-44,female,ptsd;depression,3,with_integration,1,0.25
KEYPAT02,CANARYSITE,52,,male,ptsd,2,ketamine_only,1,-1.5
KEYPAT03,,,,,,,,,
"""
SESSIONS = """\
session_id,patient_id,date,time,kind,route,dose_mg,dose_mg_per_kg,approach,duration_minutes,format,systolic_peak_mmhg
KEYSES01,KEYPAT01,2031-02-27,,screening,,,,,,individual,
KEYSES02,KEYPAT01,2031-03-04,09:37,dosing,intramuscular,75,0.9,psychedelic,120,individual,128
KEYSES03,KEYPAT01,2031-03-06,14:05,integration,,,,,50,individual,
KEYSES04,KEYPAT02,2031-04-01,,dosing,intranasal,60.5,,psycholytic,90,group,
KEYSES05,KEYPAT03,2031-05-05,,preparation,,,,,,,
"""
SCORES = """\
score_id,patient_id,date,time,instrument,version,total,item_1,item_2,item_3,item_4,item_5,item_6,item_7,item_8,item_9
KEYSCO01,KEYPAT01,2031-03-01,,PHQ-9,,16,2,2,2,2,2,2,2,1,1
KEYSCO02,KEYPAT01,2031-04-02,,phq9,,7,,,,,,,,,
KEYSCO03,KEYPAT02,2031-03-30,,GAD-7,,,3,3,1,1,1,1,1,,
KEYSCO04,KEYPAT03,2031-05-04,,PCL-5,past_week,33,,,,,,,,,
"""
ADVERSE_EVENTS = """\
event_id,patient_id,session_id,date,term,severity,serious
KEYEVE01,KEYPAT01,KEYSES02,2031-03-04,nausea,mild,0
KEYEVE02,KEYPAT02,,2031-04-03,headache,moderate,0
"""
TEXTS = {"patients": PATIENTS, "sessions": SESSIONS, "scores": SCORES, "adverse_events": ADVERSE_EVENTS}

_PUBLIC_WORDS = {
    *vocabulary.SESSION_KINDS,
    *vocabulary.ROUTES,
    *vocabulary.APPROACHES,
    *vocabulary.SESSION_FORMATS,
    *vocabulary.SEXES,
    *vocabulary.PROGRAMS,
    *vocabulary.EVENT_SEVERITIES,
    *vocabulary.DIAGNOSES,
    *vocabulary.AGE_BANDS,
    "past_week",
    *(scale.name for scale in instruments()),
}
SHORTEST_CANARY = 5
"""Shorter cells, such as 41 or PTSD, may stand in a text for another reason."""


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def write(folder: Path, tables: Tables) -> None:
    for name, table in tables.items():
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(table[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(table)


def base_tables() -> Tables:
    return {name: rows(text) for name, text in TEXTS.items()}


def canaries(folder: Path) -> set[str]:
    """Every cell of the files that must not be repeated anywhere: keys, dates, times, and whatever was put in."""
    found: set[str] = set()
    for path in folder.glob("*.csv"):
        text = path.read_bytes().decode("utf-8", errors="ignore").replace('"', "")
        lines = text.splitlines()[1:]
        found.update(cell.strip() for line in lines for cell in line.replace(";", ",").split(","))
    return {cell for cell in found if len(cell) >= SHORTEST_CANARY and cell not in _PUBLIC_WORDS}


def assert_silent(folder: Path, *texts: str) -> None:
    forbidden = canaries(folder)
    assert any(cell.startswith("KEYPAT") for cell in forbidden)
    for text in texts:
        assert not [cell for cell in forbidden if cell in text]


def all_texts(error: BaseException | None) -> list[str]:
    """The text of an error and of every error behind it."""
    return (
        [] if error is None else [str(error), repr(error), *all_texts(error.__cause__), *all_texts(error.__context__)]
    )


def report_texts(registry: Registry) -> list[str]:
    report = registry.load_report
    return [repr(registry), registry._repr_html_(), report.to_text(), repr(report), str(report.to_dict())]


def set_cell(table: str, row: int, column: str, value: str) -> Callable[[Tables], None]:
    """Put a value into a cell; rows count from 1. A column that the table lacks is added, empty elsewhere."""

    def change(tables: Tables) -> None:
        for line in tables[table]:
            line.setdefault(column, "")
        tables[table][row - 1][column] = value

    return change


def copy_row(table: str, row: int, **values: str) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        tables[table].append(tables[table][row - 1] | values)

    return change


def drop_column(table: str, column: str) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        for line in tables[table]:
            del line[column]

    return change


def both(*changes: Callable[[Tables], None]) -> Callable[[Tables], None]:
    def change(tables: Tables) -> None:
        for one in changes:
            one(tables)

    return change


LONG_TEXT = "CANARYLONG" * 11

# (table, row, column, value) -> the one rule that the row breaks.
CELL_FAULTS = [
    ("patients", 2, "age_years", "CANARYAGE", "integer"),
    ("patients", 2, "age_years", "45.5", "integer"),
    ("patients", 2, "age_years", "11", "range"),
    ("patients", 2, "age_years", "-3", "range"),
    ("patients", 1, "age_band", "25-34", "age_band_agrees"),
    ("patients", 3, "age_band", "20-29", "code"),
    ("patients", 2, "sex", "Female", "code"),
    ("patients", 2, "diagnoses", "ptsd;CANARYDIAGNOSIS", "codes"),
    ("patients", 2, "diagnoses", "ptsd,depression", "codes"),
    ("patients", 2, "prior_antidepressant_trials", "41", "range"),
    ("patients", 2, "program_booked", "CANARYPROGRAM", "code"),
    ("patients", 2, "eligible_consent", "yes", "flag"),
    ("patients", 2, "eligible_consent", "2", "flag"),
    ("patients", 2, "covariate_hope", "1,5", "number"),
    ("patients", 2, "covariate_hope", "inf", "number"),
    ("patients", 2, "covariate_hope", "nan", "number"),
    ("patients", 2, "site", LONG_TEXT, "text"),
    ("patients", 2, "index_quarter", "2031Q5", "quarter"),
    ("sessions", 4, "date", "", "required"),
    ("sessions", 4, "date", "01.04.2031", "date"),
    ("sessions", 4, "date", "2031-4-1", "date"),
    ("sessions", 4, "date", "today", "date"),
    ("sessions", 4, "date", "infinity", "date"),
    ("sessions", 4, "date", "2031-04-01 10:00", "date"),
    ("sessions", 4, "date", "0231-04-01", "date"),
    ("sessions", 4, "date", "2023-02-30", "impossible_date"),
    ("sessions", 4, "date", "2031-02-29", "impossible_date"),
    ("sessions", 4, "time", "24:00", "time"),
    ("sessions", 4, "time", "9:37", "time"),
    ("sessions", 4, "kind", "", "required"),
    ("sessions", 4, "kind", "CANARYKIND", "code"),
    ("sessions", 4, "route", "CANARYROUTE", "code"),
    ("sessions", 4, "dose_mg", "0", "range"),
    ("sessions", 4, "dose_mg", "1000.5", "range"),
    ("sessions", 4, "dose_mg", "60,5", "number"),
    ("sessions", 4, "dose_mg_per_kg", "10.01", "range"),
    ("sessions", 3, "route", "intravenous", "dosing_only"),
    ("sessions", 3, "dose_mg", "10", "dosing_only"),
    ("sessions", 3, "approach", "psycholytic", "dosing_only"),
    ("sessions", 4, "duration_minutes", "721", "range"),
    ("sessions", 4, "systolic_peak_mmhg", "301", "range"),
    ("scores", 2, "instrument", "", "required"),
    ("scores", 2, "instrument", "CANARYSCALE", "instrument_known"),
    ("scores", 2, "instrument", "BDI", "instrument_known"),
    ("scores", 4, "version", "CANARYVERSION", "version_known"),
    ("scores", 2, "version", "CANARYVERSION", "version_known"),
    ("scores", 2, "total", "", "total_or_items"),
    ("scores", 2, "total", "12.5", "total_step"),
    ("scores", 2, "total", "28", "total_range"),
    ("scores", 2, "total", "-1", "total_range"),
    ("scores", 1, "total", "17", "total_equals_items"),
    ("scores", 3, "item_4", "4", "item_range"),
    ("scores", 3, "item_4", "CANARYITEM", "integer"),
    ("scores", 2, "patient_id", "CANARYPATIENT", "link"),
    ("scores", 2, "patient_id", "", "required"),
    ("scores", 2, "date", "2052-03-04", "span"),
    ("adverse_events", 2, "session_id", "CANARYSESSION", "link"),
    ("adverse_events", 2, "session_id", "KEYSES02", "session_of_patient"),
    ("adverse_events", 2, "term", "Fell on the stairs", "term"),
    ("adverse_events", 2, "term", "CANARYTERM", "term"),
    ("adverse_events", 2, "severity", "", "required"),
    ("adverse_events", 2, "severity", "CANARYSEVERITY", "code"),
    ("adverse_events", 2, "serious", "no", "flag"),
    ("adverse_events", 2, "serious", "", "required"),
    ("adverse_events", 2, "patient_id", "CANARYPATIENT", "link"),
]


def broken(report: LoadReport) -> set[tuple[str, str, str, int, tuple[int, ...]]]:
    return {(p.table, p.column, p.rule, p.n_rows, p.row_numbers) for p in report.problems}


def rejected(report: LoadReport) -> dict[str, int]:
    return {file.table: file.rows_rejected for file in report.files if file.rows_rejected}


# A rejected patient takes the rows that belong to it: row numbers by patient and table.
LINKED_ROWS = {
    1: {"sessions": (1, 2, 3), "scores": (1, 2), "adverse_events": (1,)},
    2: {"sessions": (4,), "scores": (3,), "adverse_events": (2,)},
    3: {"sessions": (5,), "scores": (4,)},
}


KEYS = ("patient_id", "session_id", "score_id", "event_id")


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Registry]:
    """One registry that holds a copy of the tables for each wrong cell, with keys of its own."""
    folder = tmp_path_factory.mktemp("faulty")
    together: Tables = {name: [] for name in TEXTS}
    for number, (table, row, column, value, _) in enumerate(CELL_FAULTS):
        tables = base_tables()
        for line in (line for lines in tables.values() for line in lines):
            line.update({key: f"{line[key]}X{number:02d}" for key in KEYS if line.get(key)})
        if column in KEYS and value == "KEYSES02":
            value = f"{value}X{number:02d}"  # noqa: PLW2901 - a key of the same copy
        set_cell(table, row, column, value)(tables)
        for name, lines in tables.items():
            together[name] += [{"index_quarter": "", **line} if name == "patients" else line for line in lines]
    write(folder, together)
    return folder, read_registry(folder)


@pytest.mark.parametrize("number", range(len(CELL_FAULTS)), ids=lambda number: "-".join(map(str, CELL_FAULTS[number])))
def test_one_wrong_cell_breaks_one_rule_and_rejects_one_row(faulty: tuple[Path, Registry], number: int) -> None:
    _, registry = faulty
    table, row, column, _, rule = CELL_FAULTS[number]
    for name, text in TEXTS.items():
        n_rows = len(rows(text))
        wrong = {row} if name == table else set()
        if table == "patients":
            wrong |= set(LINKED_ROWS[row].get(name, ()))
        accepted = registry.table(name)
        key = accepted.columns[0]
        kept = [line for line in accepted[key] if line.endswith(f"X{number:02d}")]
        assert len(kept) == n_rows - len(wrong)
    place = number * len(rows(TEXTS[table])) + row
    broken_here = {
        (problem.column, problem.rule)
        for problem in registry.load_report.problems
        if problem.table == table and place in problem.row_numbers
    }
    assert broken_here == {(column, rule)}


def test_the_wrong_cells_are_counted_exactly(faulty: tuple[Path, Registry], capfd: pytest.CaptureFixture[str]) -> None:
    folder, registry = faulty
    expected = Counter((table, column, rule) for table, _, column, _, rule in CELL_FAULTS)
    for table, row, _, _, _ in CELL_FAULTS:
        for other, which in LINKED_ROWS[row].items() if table == "patients" else ():
            expected[other, "patient_id", "unlinked"] += len(which)
    report = registry.load_report
    assert {(p.table, p.column, p.rule): p.n_rows for p in report.problems} == expected
    for file in report.files:
        n_rejected = sum(n_rows for (table, _, _), n_rows in expected.items() if table == file.table)
        assert (file.rows_in, file.rows_rejected) == (len(CELL_FAULTS) * len(rows(TEXTS[file.table])), n_rejected)
        assert file.rows_in == file.rows_accepted + file.rows_rejected
    printed = capfd.readouterr()
    assert_silent(folder, *report_texts(registry), printed.out, printed.err)


ROW_FAULTS = {
    "a repeated patient key rejects both rows and what belongs to them": (
        copy_row("patients", 2),
        {
            ("patients", "patient_id", "unique", 2, (2, 4)),
            ("sessions", "patient_id", "unlinked", 1, (4,)),
            ("scores", "patient_id", "unlinked", 1, (3,)),
            ("adverse_events", "patient_id", "unlinked", 1, (2,)),
        },
    ),
    "a repeated session key rejects both rows and the event that names it": (
        copy_row("sessions", 2, date="2031-03-18"),
        {
            ("sessions", "session_id", "unique", 2, (2, 6)),
            ("adverse_events", "session_id", "unlinked", 1, (1,)),
        },
    ),
    "a repeated score key rejects both rows": (
        copy_row("scores", 2, date="2031-04-09"),
        {("scores", "score_id", "unique", 2, (2, 5))},
    ),
    "a repeated event key rejects both rows": (
        copy_row("adverse_events", 2, date="2031-04-09"),
        {("adverse_events", "event_id", "unique", 2, (2, 3))},
    ),
    "an event of a rejected session is unlinked": (
        set_cell("sessions", 2, "duration_minutes", "CANARYMINUTES"),
        {
            ("sessions", "duration_minutes", "integer", 1, (2,)),
            ("adverse_events", "session_id", "unlinked", 1, (1,)),
        },
    ),
    "an event of a session that lies too far from the index day is unlinked": (
        both(
            copy_row("sessions", 2, session_id="KEYSES06", date="2052-03-05"),
            copy_row("adverse_events", 1, event_id="KEYEVE03", session_id="KEYSES06"),
        ),
        {
            ("sessions", "date", "span", 1, (6,)),
            ("adverse_events", "session_id", "unlinked", 1, (3,)),
        },
    ),
    "incomplete items with a total are rejected as well": (
        set_cell("scores", 1, "item_5", ""),
        {("scores", "item_*", "items_complete", 1, (1,))},
    ),
    "incomplete items without a total": (
        both(set_cell("scores", 3, "item_7", "")),
        {("scores", "item_*", "items_complete", 1, (3,))},
    ),
    "a nonsense item": (
        set_cell("scores", 1, "item_9", "999999999"),
        {("scores", "item_9", "item_range", 1, (1,)), ("scores", "total", "total_equals_items", 1, (1,))},
    ),
    "an item beyond the last one of the instrument": (
        set_cell("scores", 3, "item_8", "1"),
        {("scores", "item_*", "items_beyond", 1, (3,))},
    ),
    "a row may break several rules and is rejected once": (
        both(set_cell("sessions", 4, "dose_mg", "5000"), set_cell("sessions", 4, "format", "CANARYFORMAT")),
        {("sessions", "dose_mg", "range", 1, (4,)), ("sessions", "format", "code", 1, (4,))},
    ),
    "a missing event key": (
        set_cell("adverse_events", 1, "event_id", ""),
        {("adverse_events", "event_id", "required", 1, (1,))},
    ),
    "a control character in a key": (
        set_cell("sessions", 4, "session_id", "CANARY\x07KEY"),
        {("sessions", "session_id", "text", 1, (4,))},
    ),
}


@pytest.mark.parametrize("name", list(ROW_FAULTS))
def test_rows_that_do_not_fit_together(tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str) -> None:
    change, expected = ROW_FAULTS[name]
    tables = base_tables()
    change(tables)
    write(tmp_path, tables)
    registry = read_registry(tmp_path)
    assert broken(registry.load_report) == expected
    numbers: dict[str, set[int]] = {}
    for table, _, _, _, which in expected:
        numbers.setdefault(table, set()).update(which)
    assert rejected(registry.load_report) == {table: len(which) for table, which in numbers.items()}
    printed = capfd.readouterr()
    assert_silent(tmp_path, *report_texts(registry), printed.out, printed.err)


def test_the_untouched_tables_are_accepted_whole(tmp_path: Path) -> None:
    write(tmp_path, base_tables())
    report = read_registry(tmp_path).load_report
    assert not report.problems
    assert not report.has_rejections


def edit(table: str, change: Callable[[str], str | bytes]) -> Callable[[Path], None]:
    """Change the text of a file."""

    def apply(folder: Path) -> None:
        path = folder / f"{table}.csv"
        changed = change(path.read_text(encoding="utf-8"))
        path.write_bytes(changed if isinstance(changed, bytes) else changed.encode())

    return apply


def replace(table: str, old: str, new: str) -> Callable[[Path], None]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit(table, change)


def write_also(name: str, text: str) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        (folder / name).write_text(text, encoding="utf-8")

    return apply


def remove(name: str) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        (folder / name).unlink()

    return apply


def in_frame(change: Callable[[Tables], None]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        tables = base_tables()
        change(tables)
        write(folder, tables)

    return apply


# What is done to the files -> what the message must say, piece by piece.
STRUCTURE_FAULTS: dict[str, tuple[Callable[[Path], None], tuple[str, ...]]] = {
    "no patients": (remove("patients.csv"), ("patients.csv (or .parquet, .xlsx)", "missing_table")),
    "no sessions": (remove("sessions.csv"), ("sessions.csv (or .parquet, .xlsx)", "missing_table")),
    "both formats": (write_also("scores.parquet", ""), ("scores.csv and scores.parquet", "one_file")),
    "not Parquet": (
        lambda folder: (folder / "scores.csv").rename(folder / "scores.parquet"),
        ("scores.parquet: rule parquet",),
    ),
    "an empty file": (edit("scores", lambda _: ""), ("scores.csv: rule header",)),
    "semicolons": (edit("sessions", lambda text: text.replace(",", ";")), ("sessions.csv: rule separator",)),
    "tabs": (edit("sessions", lambda text: text.replace(",", "\t")), ("sessions.csv: rule separator",)),
    "Latin-1": (
        edit("patients", lambda text: text.replace("CANARYSITE", "CANARYSITÉ", 1).encode("latin-1")),
        ("patients.csv: rule encoding", "line 2"),
    ),
    "Latin-1 in the header": (
        edit("patients", lambda text: text.replace("site", "sité", 1).encode("latin-1")),
        ("patients.csv: rule encoding", "line 1"),
    ),
    "UTF-16": (edit("patients", lambda text: text.encode("utf-16")), ("patients.csv: rule encoding",)),
    "a repeated column": (
        replace("patients", "site,age_years", "site,site"),
        ("patients.csv: rule repeated_column", "columns 2, 3"),
    ),
    "a column without a name": (
        replace("patients", "site,age_years", ",age_years"),
        ("patients.csv: rule column_name", "column 2"),
    ),
    "a short row": (
        replace("sessions", "KEYSES03,KEYPAT01,", "KEYSES03,"),
        ("sessions.csv: rule row_length: 1 row", "line 4"),
    ),
    "a long row": (
        replace("sessions", "60.5", "60,5"),
        ("sessions.csv: rule row_length: 1 row", "line 5"),
    ),
    "a long row whose last cell is empty": (
        replace("sessions", "psycholytic,90,group,", "psycholytic,90,group,,"),
        ("sessions.csv: rule row_length: 1 row", "line 5"),
    ),
    "many short rows": (
        edit("scores", lambda text: text + "CANARYSHORT,KEYPAT01\n" * 30),
        ("scores.csv: rule row_length: 30 rows", "lines 6, 7", "25, …"),
    ),
    "a quote that is never closed": (
        replace("sessions", "KEYSES03,", '"KEYSES03,'),
        ("sessions.csv: rule stray_quote",),
    ),
    "a quote that is closed lines later": (
        edit("sessions", lambda text: text.replace("2031-02-27", '"2031-02-27').replace("2031-03-06", '2031-03-06"')),
        ("sessions.csv: rule stray_quote", "line 2"),
    ),
    "a line break in a cell": (
        replace("patients", "CANARYSITE", '"CANARY\nSITE"'),
        ("patients.csv: rule stray_quote", "line 2"),
    ),
    "a quote inside a quoted cell": (
        replace("patients", "CANARYSITE", '"CANARY"SITE'),
        ("patients.csv: rule stray_quote", "line 2"),
    ),
    "mixed line endings": (
        replace("sessions", "screening,,,,,,individual,\n", "screening,,,,,,individual,\r\n"),
        ("sessions.csv: rule line_ending",),
    ),
    "a required column is missing": (
        in_frame(drop_column("sessions", "kind")),
        ("sessions.csv: rule missing_column: column 'kind'",),
    ),
    "no header line": (
        edit("patients", lambda text: text.partition("\n")[2]),
        ("patients.csv: rule missing_column: column 'patient_id'",),
    ),
    "several missing columns at once": (
        in_frame(both(drop_column("scores", "score_id"), drop_column("adverse_events", "term"))),
        (
            "scores.csv: rule missing_column: column 'score_id'",
            "adverse_events.csv: rule missing_column: column 'term'",
        ),
    ),
    "neither day nor date": (
        in_frame(drop_column("scores", "date")),
        ("scores.csv: rule one_way_of_time",),
    ),
    "day and date in one file": (
        in_frame(set_cell("scores", 1, "day", "3")),
        ("scores.csv: rule one_way_of_time",),
    ),
    "day in one file and date in the others": (
        in_frame(both(set_cell("scores", 1, "day", "3"), drop_column("scores", "date"))),
        ("sessions.csv, scores.csv, adverse_events.csv: rule one_way_of_time",),
    ),
    "faults of several files are told together": (
        lambda folder: [replace("sessions", "60.5", "60,5")(folder), replace("scores", "phq9,", "")(folder)],
        ("sessions.csv: rule row_length", "scores.csv: rule row_length"),
    ),
    "a marker that is no JSON": (write_also("registry.json", "CANARYJSON"), ("registry.json: rule marker",)),
    "a marker of another version": (
        write_also("registry.json", '{"schema_version": "CANARY9", "is_synthetic": true}'),
        ("registry.json: rule marker: schema_version",),
    ),
    "a marker that does not say": (
        write_also("registry.json", '{"schema_version": "1.0", "is_synthetic": "CANARYYES"}'),
        ("registry.json: rule marker: is_synthetic",),
    ),
    "a marker that is a list": (write_also("registry.json", "[1]"), ("registry.json: rule marker",)),
    "nobody is accepted": (
        edit("patients", lambda text: text.replace("KEYPAT0", "KEYPAT\x070")),
        ("no patient is accepted", "patients.csv              3         0         3"),
    ),
    "patients without a row": (
        edit("patients", lambda text: text.partition("\n")[0] + "\n"),
        ("no patient is accepted", "patients.csv              0         0         0"),
    ),
}


@pytest.mark.parametrize("name", list(STRUCTURE_FAULTS))
def test_files_that_are_no_proper_tables(tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str) -> None:
    break_it, pieces = STRUCTURE_FAULTS[name]
    write(tmp_path, base_tables())
    forbidden = canaries(tmp_path)
    break_it(tmp_path)
    with pytest.raises(DataError) as caught:
        read_registry(tmp_path)
    assert not isinstance(caught.value, IdentifierError)
    for piece in pieces:
        assert piece in str(caught.value)
    printed = capfd.readouterr()
    texts = [*all_texts(caught.value), printed.out, printed.err]
    assert not [text for text in texts if "CANARY" in text or any(cell in text for cell in forbidden)]
    assert str(tmp_path) not in str(caught.value)


def test_the_two_readers_must_count_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, base_tables())
    monkeypatch.setattr("katoutcomes.registry.readers.sources.check_csv", lambda path, n_columns: CsvStructure(4, ()))
    with pytest.raises(DataError) as caught:
        read_registry(tmp_path)
    # Patients, sessions and events do not have four rows; scores do.
    assert [line.split(":")[0].strip() for line in str(caught.value).splitlines()[1:]] == [
        "patients.csv",
        "sessions.csv",
        "adverse_events.csv",
    ]
    assert str(caught.value).count("rule row_count") == 3


def test_what_only_the_engine_refuses_is_not_quoted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, base_tables())
    replace("sessions", "90,group,", "90,group,128,CANARYCELL")(tmp_path)
    monkeypatch.setattr("katoutcomes.registry.readers.sources.check_csv", lambda path, n_columns: CsvStructure(4, ()))
    with pytest.raises(DataError) as caught:
        read_registry(tmp_path)
    assert "sessions.csv: rule csv: the file cannot be read as a table." in str(caught.value)
    assert_silent(tmp_path, *all_texts(caught.value))


IDENTIFIERS: dict[str, tuple[Callable[[Tables], None], tuple[str, ...]]] = {
    "a name column": (set_cell("patients", 1, "Last Name", "CANARYNAME"), ("patients.csv", "'Last Name'", "person")),
    "a birth date": (set_cell("patients", 1, "dateOfBirth", "1961-02-03"), ("'dateOfBirth'", "birth_date")),
    "an empty birth date column": (set_cell("patients", 1, "dob", ""), ("'dob'", "birth_date")),
    "a postal code": (set_cell("patients", 1, "covariate_zip", "12345"), ("'covariate_zip'", "address")),
    "a chart number": (set_cell("sessions", 1, "MRN", "CANARY"), ("sessions.csv", "'MRN'", "health_number")),
    "notes": (set_cell("sessions", 1, "notes", "CANARYNOTE"), ("sessions.csv", "'notes'", "free_text")),
    "an e-mail address": (
        set_cell("patients", 2, "site", "canary.person@example.org"),
        ("patients.csv, column 'site': rule value_email, 1 row",),
    ),
    "an e-mail address in an unknown column": (
        set_cell("scores", 2, "rater", "ask canary@example.org"),
        ("scores.csv, column 'rater': rule value_email, 1 row",),
    ),
    "a phone number as a key": (
        set_cell("scores", 2, "score_id", "604-555-0199"),
        ("scores.csv, column 'score_id': rule value_phone, 1 row",),
    ),
    "a phone number in a number column": (
        set_cell("sessions", 2, "dose_mg", "(604) 555-0199"),
        ("sessions.csv, column 'dose_mg': rule value_phone, 1 row",),
    ),
    "an international phone number": (
        set_cell("patients", 2, "site", "+441632960961"),
        ("column 'site': rule value_phone, 1 row",),
    ),
    "a social security number": (
        both(set_cell("patients", 1, "site", "078-05-1120"), set_cell("patients", 2, "site", "no 078-05-1120")),
        ("column 'site': rule value_social_security_number, 2 rows",),
    ),
    "a social insurance number": (
        set_cell("patients", 1, "site", "046 454 286"),
        ("column 'site': rule value_social_insurance_number, 1 row",),
    ),
    "a web address": (
        set_cell("adverse_events", 1, "term", "https://example.org/canary"),
        ("adverse_events.csv, column 'term': rule value_url, 1 row",),
    ),
    "an IP address": (set_cell("patients", 1, "site", "192.0.2.17"), ("column 'site': rule value_ip_address, 1 row",)),
    "a postal code as a value": (
        set_cell("patients", 1, "site", "V6B 4Y8"),
        ("column 'site': rule value_postal_code, 1 row",),
    ),
    "an age above 89": (
        both(set_cell("patients", 1, "age_years", "90"), set_cell("patients", 2, "age_years", "103")),
        ("column 'age_years': rule value_age_above_89, 2 rows",),
    ),
    "an age above 89 as a covariate": (
        set_cell("patients", 1, "covariate_age", "93.5"),
        ("column 'covariate_age': rule value_age_above_89, 1 row",),
    ),
    "several at once": (
        both(set_cell("patients", 1, "phone", "x"), set_cell("scores", 1, "version", "canary@example.org")),
        ("patients.csv, column 'phone'", "scores.csv, column 'version': rule value_email, 1 row"),
    ),
}


@pytest.mark.parametrize("name", list(IDENTIFIERS))
def test_identifiers_stop_the_load(tmp_path: Path, capfd: pytest.CaptureFixture[str], name: str) -> None:
    change, pieces = IDENTIFIERS[name]
    tables = copy.deepcopy(base_tables())
    change(tables)
    write(tmp_path, tables)
    with pytest.raises(IdentifierError) as caught:
        read_registry(tmp_path)
    for piece in pieces:
        assert piece in str(caught.value)
    printed = capfd.readouterr()
    assert_silent(tmp_path, *all_texts(caught.value), printed.out, printed.err)


def test_identifiers_count_before_broken_files(tmp_path: Path) -> None:
    tables = base_tables()
    set_cell("patients", 1, "email", "x")(tables)
    write(tmp_path, tables)
    replace("sessions", "60.5", "60,5")(tmp_path)
    with pytest.raises(IdentifierError, match="column_name_email"):
        read_registry(tmp_path)


def test_a_value_in_place_of_the_header_is_named_by_position(tmp_path: Path) -> None:
    write(tmp_path, base_tables())
    first = "KEYPAT09,canary@example.org,41,35-44,female,ptsd,3,ketamine_only,1,0.5\n"
    edit("patients", lambda text: first + first.replace("09", "08") + text.partition("\n")[2])(tmp_path)
    with pytest.raises(IdentifierError) as caught:
        read_registry(tmp_path)
    assert "column 'number 2': rule value_in_header" in str(caught.value)
    assert "column 'number 2': rule value_email, 1 row" in str(caught.value)
    assert "KEYPAT" not in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("source", ["canary/export", Path("canary/export")])
def test_a_folder_that_is_not_there(source: str | Path) -> None:
    with pytest.raises(DataError, match="no such folder") as caught:
        read_registry(source)
    assert "'export'" in str(caught.value)
    assert "canary" not in str(caught.value)  # the rest of the path may hold a name and is not repeated


def test_a_folder_whose_name_is_misspelled(tmp_path: Path) -> None:
    for name in ("sample", "canary"):
        (tmp_path / name).mkdir()
    with pytest.raises(DataError, match=r"'sampel'\. Did you mean 'sample'\? One with patients\.csv") as caught:
        read_registry(tmp_path / "sampel")
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("source", [3, None, ["patients.csv"], {"visits": 1}, {"patients": 1}, {"patients": [1]}])
def test_sources_of_the_wrong_kind(source: object) -> None:
    with pytest.raises(OptionError):
        read_registry(source)  # type: ignore[arg-type]


def test_every_error_is_one_of_the_package(tmp_path: Path) -> None:
    for error in (DataError, IdentifierError, OptionError):
        assert issubclass(error, KatOutcomesError)
