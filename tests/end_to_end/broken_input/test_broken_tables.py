"""Broken tables of the schema, one kind of fault a case. All data are synthetic; KEY… and CANARY… are planted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PATIENTS = [
    "patient_id,site,age_years,sex,diagnoses,program_booked",
    "KEYPAT01,CANARYSITE,41,female,ptsd;depression,with_integration",
    "KEYPAT02,CANARYSITE,52,male,ptsd,ketamine_only",
    "KEYPAT03,CANARYSITE,29,female,depression,ketamine_only",
]
SESSIONS = [
    "session_id,patient_id,date,time,kind,route,dose_mg,dose_mg_per_kg",
    "KEYSES01,KEYPAT01,2031-02-27,,screening,,,",
    "KEYSES02,KEYPAT01,2031-03-04,09:37,dosing,intramuscular,75,1",
    "KEYSES03,KEYPAT01,2031-03-06,14:05,integration,,,",
    "KEYSES04,KEYPAT02,2031-04-01,10:11,dosing,intranasal,60.5,",
    "KEYSES05,KEYPAT03,2031-05-05,11:13,dosing,sublingual,120,",
]
SCORES = [
    "score_id,patient_id,date,instrument,total,item_1,item_2,item_3,item_4,item_5,item_6,item_7,item_8,item_9",
    "KEYSCO01,KEYPAT01,2031-03-01,PHQ-9,16,2,2,2,2,2,2,2,1,1",
    "KEYSCO02,KEYPAT01,2031-04-02,PHQ-9,7,,,,,,,,,",
    "KEYSCO03,KEYPAT02,2031-03-30,GAD-7,,3,3,1,1,1,1,1,,",
    "KEYSCO04,KEYPAT03,2031-05-04,PCL-5,33,,,,,,,,,",
]
KEYS = ["KEYPAT", "KEYSES", "KEYSCO", "CANARYSITE", "2031-0"]

Lines = dict[str, list[str]]


def base() -> Lines:
    return {"patients": list(PATIENTS), "sessions": list(SESSIONS), "scores": list(SCORES)}


def write(folder: Path, lines: Lines) -> None:
    for name, rows in lines.items():
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")


def files(change: Callable[[Lines], Any]) -> Callable[[Path], None]:
    """Write the sound tables after a change."""

    def build(folder: Path) -> None:
        lines = base()
        change(lines)
        write(folder, lines)

    return build


def line(table: str, row: int, text: str) -> Callable[[Path], None]:
    """Replace a data row; rows count from 1."""
    return files(lambda lines: lines[table].__setitem__(row, text))


def more(table: str, *texts: str) -> Callable[[Path], None]:
    """Append rows."""
    return files(lambda lines: lines[table].extend(texts))


def replaced(table: str, old: str, new: str) -> Callable[[Path], None]:
    """Replace a text in every row of a table, the header included."""
    return files(lambda lines: lines.__setitem__(table, [row.replace(old, new) for row in lines[table]]))


def raw(name: str, content: bytes) -> Callable[[Path], None]:
    """Write the sound tables, and one file as bytes."""

    def build(folder: Path) -> None:
        write(folder, base())
        (folder / name).write_bytes(content)

    return build


def encoded(table: str, encoding: str) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        write(folder, base())
        text = "\n".join(base()[table]).replace("CANARYSITE", "CANARYSITE-Montréal") + "\n"
        (folder / f"{table}.csv").write_bytes(text.encode(encoding))

    return build


def without(name: str) -> Callable[[Path], None]:
    def build(folder: Path) -> None:
        write(folder, base())
        (folder / name).unlink()

    return build


QIDS = ",".join(["3"] * 16)
QIDS_HEADER = ",".join(f"item_{number}" for number in range(1, 17))
ITEMS_1_TO_10 = ",".join(f"item_{number}" for number in range(1, 11))
VITALS = "systolic_before_mmhg,systolic_peak_mmhg,diastolic_before_mmhg,diastolic_peak_mmhg"


def qids(total: str) -> Callable[[Path], None]:
    """Write scores of the QIDS-SR16 alone, with every item at 3 and a given total."""
    header = f"score_id,patient_id,date,instrument,total,{QIDS_HEADER}"
    return files(lambda lines: lines.update(scores=[header, f"KEYSCO01,KEYPAT01,2031-03-01,QIDS-SR16,{total},{QIDS}"]))


def scores(header: str, *rows: str) -> Callable[[Path], None]:
    """Write these scores instead of the sound ones; each row is `header` without its keys and date."""
    lines = [f"score_id,patient_id,date,{header}"]
    lines += [f"KEYSCO{place:02d},KEYPAT01,{row}" for place, row in enumerate(rows, start=1)]
    return files(lambda tables: tables.update(scores=lines))


def patients(column: str, *values: str) -> Callable[[Path], None]:
    """Write patients with one column besides their key."""
    rows = [f"KEYPAT{place:02d},{value}" for place, value in enumerate(values, start=1)]
    return files(lambda lines: lines.update(patients=[f"patient_id,{column}", *rows]))


def vitals(*values: str) -> Callable[[Path], None]:
    """Give the first dose four blood pressures."""
    rows = [f"{row}," + (",".join(values) if "SES02" in row else ",,,") for row in SESSIONS[1:]]
    return files(lambda lines: lines.update(sessions=[f"{SESSIONS[0]},{VITALS}", *rows]))


def events(*rows: str) -> Callable[[Path], None]:
    header = "event_id,patient_id,session_id,date,term,severity,serious"
    return files(lambda lines: lines.update(adverse_events=[header, *rows]))


def renamed(old: str, new: str) -> Callable[[Path], None]:
    """Write the sound tables, one of them under another file name."""

    def build(folder: Path) -> None:
        write(folder, base())
        (folder / old).rename(folder / new)

    return build


def days_in_one_file(lines: Lines) -> None:
    lines["scores"] = ["score_id,patient_id,day,instrument,total", "KEYSCO01,KEYPAT01,4,PHQ-9,16"]


def swapped(lines: Lines) -> None:
    """Put the ages into the column of the sex, and the other way round."""
    cells = [row.split(",") for row in lines["patients"]]
    lines["patients"] = [lines["patients"][0], *(",".join([*c[:2], c[3], c[2], *c[4:]]) for c in cells[1:])]


def case(
    kind: str, build: Callable[[Path], None], exit_code: int = 2, *further: str, **expected: Any
) -> dict[str, Any]:
    """Return a case that plants the keys and, besides, `further`; `expected` is rule=n_rows or fragments=[...]."""
    fragments = expected.pop("fragments", [])
    found = {"id": kind, "build": build, "secrets": [*KEYS, *further], "code": exit_code}
    return {**found, "rules": expected, "fragments": fragments}


CASES: tuple[dict[str, Any], ...] = (
    # Files that are no proper tables.
    case("empty file", raw("sessions.csv", b""), fragments=["rule header"]),
    case("blank file", raw("sessions.csv", b"\n\n\n"), fragments=["rule "]),
    case("header only", files(lambda lines: lines.update(patients=PATIENTS[:1])), fragments=["no patient is accepted"]),
    case("table is missing", without("sessions.csv"), fragments=["rule missing_table"]),
    case("empty folder", lambda folder: None, fragments=["rule missing_table"]),
    case("file name in the singular", renamed("patients.csv", "Patient.csv"),
         fragments=["missing_table", "Is it 'Patient.csv'?"]),
    case("latin-1", encoded("patients", "latin-1"), fragments=["rule encoding", "line 2"]),
    case("utf-16", encoded("patients", "utf-16"), fragments=["rule encoding"]),
    case("semicolons", replaced("sessions", ",", ";"), fragments=["rule separator"]),
    case("tabs", replaced("sessions", ",", "\t"), fragments=["rule separator"]),
    case("no header line", files(lambda lines: lines["patients"].pop(0)), fragments=["rule missing_column"]),
    case("column name misspelled", replaced("sessions", "session_id", "sesion_id"), fragments=["Is it 'sesion_id'?"]),
    case("column twice", replaced("patients", "sex", "site"), fragments=["rule repeated_column"]),
    case("column without a name", replaced("patients", ",sex,", ",,"), fragments=["rule column_name"]),
    case("unclosed quote", line("patients", 2, '"KEYPAT02,CANARYSITE,52,male,ptsd,ketamine_only'),
         fragments=["rule stray_quote"]),
    case("line break in a cell", line("patients", 2, 'KEYPAT02,"CANARY\nSITE",52,male,ptsd,ketamine_only'),
         fragments=["rule stray_quote"]),
    case("ragged row", line("patients", 2, "KEYPAT02,CANARYSITE,52,male,ptsd"), fragments=["rule row_length"]),
    case("binary file named csv", raw("patients.csv", bytes(range(256)) * 8), fragments=["rule "]),
    case("truncated parquet", raw("adverse_events.parquet", b"PAR1CANARYBYTES"), 2, "BYTES",
         fragments=["rule parquet"]),
    case("table as csv and as parquet", raw("patients.parquet", b"PAR1"), fragments=["rule one_file"]),
    case("days in one file, dates in others", files(days_in_one_file), fragments=["rule one_way_of_time"]),
    case("day and date at once", replaced("sessions", "kind", "day"), fragments=["rule one_way_of_time"]),
    case("marker of another version", raw("registry.json", b'{"schema_version": "7.0", "is_synthetic": true}'),
         fragments=["rule marker"]),
    # Cells.
    case("duplicate patient", more("patients", PATIENTS[1]), unique=2),
    case("duplicate session", more("sessions", SESSIONS[1]), unique=2),
    case("row without a key", more("sessions", ",KEYPAT01,2031-03-09,,support,,,"), required=1),
    case("n/a in dates", line("sessions", 1, "KEYSES01,KEYPAT01,n/a,,screening,,,"), date=1,
         fragments=["a word or sign for “not known”"]),
    case("30 February", line("sessions", 1, "KEYSES01,KEYPAT01,2031-02-30,,screening,,,"), 2, "02-30",
         impossible_date=1),
    case("month before day", line("sessions", 1, "KEYSES01,KEYPAT01,02/27/2031,,screening,,,"), 2, "02/27", date=1,
         fragments=["another order"]),
    case("date of a spreadsheet", line("sessions", 1, "KEYSES01,KEYPAT01,47906,,screening,,,"), 2, "47906", date=1,
         fragments=["serial day"]),
    case("month as a word", line("sessions", 1, "KEYSES01,KEYPAT01,27 Feb 2031,,screening,,,"), 2, "27 Feb", date=1,
         fragments=["a month as a word"]),
    case("time of twelve hours", replaced("sessions", "14:05", "2:05 pm"), 2, "2:05", time=1,
         fragments=["twelve-hour clock"]),
    case("decimal comma", line("sessions", 4, 'KEYSES04,KEYPAT02,2031-04-01,10:11,dosing,intranasal,"60,5",'), 2,
         "60,5", number=1, fragments=["a decimal comma"]),
    case("unit in a number", replaced("sessions", "60.5,", "6077 mg,"), 2, "6077", number=1, fragments=["a unit"]),
    case("label export", replaced("patients", "female", "Female (assigned)"), 2, "assigned", code=2,
         fragments=["a label: export coded values"]),
    case("codes in capital letters", replaced("sessions", "intramuscular", "Intramuscular"), code=1,
         fragments=["capital letters"]),
    case("raw numbers for codes", replaced("sessions", ",screening,", ",1,"), code=1, fragments=["decode it"]),
    case("diagnoses separated by commas", replaced("patients", "ptsd;depression", '"ptsd,depression"'), codes=1,
         fragments=["another separator"]),
    case("999 for not known", replaced("patients", ",41,", ",999,"), range=1,
         fragments=["often stands for"]),
    case("age below the range", replaced("patients", ",41,", ",4,"), range=1),
    case("swapped columns", files(swapped), integer=3, code=3),
    case("dose of 0", replaced("sessions", ",75,1", ",0,1"), range=1),
    case("dose in mg as mg per kg", replaced("sessions", ",75,1", ",75,75"), range=1,
         fragments=["belongs into dose_mg"]),
    case("doses that contradict each other", replaced("sessions", ",75,1", ",75,8.7"), dose_weight=1),
    case("dose without dosing", replaced("sessions", "integration,,", "integration,intramuscular,70"), dosing_only=2),
    # Links.
    case("unknown patient", more("sessions", "KEYSES09,KEYPATX9,2031-04-01,,dosing,,,"), link=1),
    case("patient in another case", replaced("scores", "KEYPAT03", "keypat03"), link=1),
    case("patient was rejected", replaced("patients", "KEYPAT02,CANARYSITE,52", "KEYPAT02,CANARYSITE,5x"), unlinked=2),
    case("record twenty years away", replaced("scores", "2031-04-02", "2061-04-02"), 2, "2061", span=1),
    case("event of another patient's session", events("KEYEVE01,KEYPAT02,KEYSES02,2031-04-02,nausea,mild,0"),
         session_of_patient=1),
    case("event of an unknown session", events("KEYEVE01,KEYPAT02,KEYSESX9,2031-04-02,nausea,mild,0"), link=1),
    case("event in free text", events('KEYEVE01,KEYPAT02,,2031-04-02,"Felt sick, told canary",mild,0'), 2, "canary",
         term=1),
    # Scores.
    case("ambiguous scale", replaced("scores", "PCL-5", "PCL"), instrument_known=1,
         fragments=["a name of several scales"]),
    case("unknown scale", replaced("scores", "PCL-5", "CANARYSCALE"), 2, "CANARYSCALE", instrument_known=1),
    case("unknown version", scores("instrument,version,total", "2031-03-01,PCL-5,canary_version,30"), 2,
         "canary_version", version_known=1, fragments=["PCL-5 has "]),
    case("total out of range", replaced("scores", "PHQ-9,7,", "PHQ-9,8317,"), 2, "8317", total_range=1,
         fragments=["PHQ-9 goes from 0 to 27"]),
    case("total with decimals", replaced("scores", "PHQ-9,7,", "PHQ-9,7.325,"), 2, "7.325", total_step=1,
         fragments=["steps of 1"]),
    case("totals differ from items", replaced("scores", "PHQ-9,16,", "PHQ-9,19,"), total_equals_items=1),
    case("QIDS summed over 16 items", qids("48"), total_range=1, fragments=["of each domain only the highest"]),
    case("QIDS of 27 with another total", qids("26"), total_equals_items=1, fragments=["highest item of each domain"]),
    case("MDS codes for PHQ items", replaced("scores", "2,2,2,2,2,2,2,1,1", "2,2,9,2,2,2,2,1,1"), item_range=1,
         fragments=["as in the MDS"]),
    case("answers numbered from 1", replaced("scores", "16,2,2,2,2,2,2,2,1,1", ",4,4,4,4,3,3,3,2,2"), item_range=4,
         fragments=["numbered from 1"]),
    case("answers of another item", scores(f"instrument,{ITEMS_1_TO_10}", "2031-03-01,AUDIT," + ",".join("1" * 10)),
         item_range=2, fragments=["0, 2, 4"]),
    case("an item is missing", replaced("scores", "16,2,2,2,2,2,2,2,1,1", ",2,2,2,,2,2,2,1,1"), items_complete=1,
         fragments=["PHQ-9 has 9 items"]),
    case("more items than the scale has", replaced("scores", "3,3,1,1,1,1,1,,", "3,3,1,1,1,1,1,1,"), items_beyond=1),
    case("metric is not named", scores("instrument,total", "2031-03-01,DASS-21 Depression,14"), metric_named=1,
         fragments=["doubled (0 to 42)"]),
    case("metric is unknown", scores("instrument,metric,total", "2031-03-01,PHQ-9,canary_metric,14"), 2,
         "canary_metric", metric_known=1),
    case("total of a scale without one", scores("instrument,total", "2031-03-01,DASS-21,14"), total_range=1,
         fragments=["has no total"]),
    case("state of a session without a session", scores("instrument,total", "2031-03-04,CADSS,14"), session_named=1),
    case("state of somebody else's session", scores("instrument,session_id,total", "2031-03-04,CADSS,KEYSES04,14"),
         session_of_patient=1),
    case("two scores of one day", more("scores", "KEYSCO09,KEYPAT01,2031-04-02,PHQ-9,9,,,,,,,,,"), one_score_a_day=1),
    # What is counted and kept.
    case("integration before any dose", replaced("sessions", "2031-03-06", "2031-03-02"), 0, before_dose=1),
    case("screening after the dose", replaced("sessions", "2031-02-27", "2031-03-09"), 0, late_screening=1),
    case("two doses on one day", more("sessions", "KEYSES09,KEYPAT01,2031-03-04,,dosing,,,"), 0, doses_on_one_day=2),
    case("unusual dose", replaced("sessions", ",120,", ",812.25,"), 0, "812.25", unusual_dose=1),
    case("peak below the pressure before", vitals("141", "120", "90", "80"), 0, peak_below_before=1),
    case("pressures swapped", vitals("80", "85", "120", "130"), 0, pressure_order=1),
    case("event before its session", events("KEYEVE01,KEYPAT01,KEYSES02,2031-03-01,nausea,mild,0"), 0,
         event_before_session=1),
    case("state of another day than its session", scores("instrument,session_id,total", "2031-03-09,CADSS,KEYSES02,14"),
         0, score_off_session=1),
    case("two scores inside one recall window", more("scores", "KEYSCO09,KEYPAT01,2031-03-08,PHQ-9,9,,,,,,,,,"), 0,
         recall_overlap=1),
    case("filled in hours after a dose", scores("time,instrument,total", "2031-03-04,12:12,PHQ-9,9"), 0,
         soon_after_dose=1),
    case("keys like chart numbers", files(lambda lines: lines.update(
        {name: [row.replace("KEYPAT0", "7710043") for row in rows] for name, rows in lines.items()})), 0, "7710043",
         chart_number_key=3),
    case("free text in a column that is left out",
         patients("impression", *(f"told at length of canary number {n} and more" for n in range(6))), 0, "canary",
         free_text=6),
    case("who treated", patients("therapist_code", *(f"CANARYTHER{n}" for n in range(4))), 0, "CANARYTHER",
         therapist=4),
)  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_broken_tables(case: dict[str, Any], broken: Callable[[dict[str, Any]], Any]) -> None:
    broken(case)


def many_rows(n_rows: int) -> Callable[[Path], None]:
    """Write tables with this many scores, of which every hundredth breaks a rule, in five ways."""
    wrong = ("PHQ-9,CANARYTOTAL", "PHQ-9,4445550001", "CANARYSCALE,9", "PHQ-9,", "PHQ-9,9.4445555")

    def build(folder: Path) -> None:
        n_patients = n_rows // 20
        people = [f"KEYPAT{n}" for n in range(n_patients)]
        (folder / "patients.csv").write_text("patient_id\n" + "\n".join(people) + "\n", encoding="utf-8")
        doses = (f"KEYSES{n},{key},{n % 400},dosing" for n, key in enumerate(people))
        sessions = "session_id,patient_id,day,kind\n" + "\n".join(doses) + "\n"
        (folder / "sessions.csv").write_text(sessions, encoding="utf-8")
        with (folder / "scores.csv").open("w", encoding="utf-8") as file:
            file.write("score_id,patient_id,day,instrument,total\n")
            for n in range(n_rows):
                cells = wrong[n // 100 % 5] if n % 100 == 99 else f"PHQ-9,{n % 28}"
                file.write(f"KEYSCO{n},KEYPAT{n // 20},{15 * (n % 20)},{cells}\n")

    return build


@pytest.mark.parametrize("n_rows", [100_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_many_rows_of_which_one_in_a_hundred_is_wrong(n_rows: int, broken: Callable[[dict[str, Any]], Any]) -> None:
    share = n_rows // 500
    outcome = broken(
        {
            "id": f"{n_rows} rows with 1 % bad",
            "build": many_rows(n_rows),
            "secrets": ["KEYPAT", "KEYSES", "KEYSCO", "CANARYTOTAL", "CANARYSCALE", "4445550001", "9.4445555"],
            "code": 2,
            "rules": {"number": share, "total_range": share, "instrument_known": share, "total_or_items": share,
                      "total_step": share},
        }
    )  # fmt: skip
    scores = next(file for file in outcome.report["files"] if file["table"] == "scores")
    assert scores["rows_in"] == n_rows
    assert scores["rows_rejected"] == 5 * share
    rejects = outcome.written["report.csv"].splitlines()
    assert len(rejects) == 1 + 5 * share
    assert rejects[1].split(",")[:2] == ["scores.csv", "100"]
