"""What `read_registry` makes of good data: by hand, and the same from every format, order and way of saying when."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from katoutcomes.errors import OptionError
from katoutcomes.instruments.catalog import instrument
from katoutcomes.instruments.instrument import Instrument
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.reading import read_registry
from katoutcomes.registry.registry import Registry

TABLES = ("patients", "sessions", "scores", "adverse_events")
ORIGIN = dt.date(2031, 3, 4)
"""Index day of patient P1 in `frames`."""


def frames() -> dict[str, pd.DataFrame]:
    """Three patients: one dosed twice, one seen but never dosed, one known by name only."""
    patients = pd.DataFrame(
        {
            "patient_id": ["P1", "P2", "P3"],
            "site": ["North", None, "South"],
            "age_years": [41, None, 67],
            "age_band": [None, "18-24", None],
            "sex": ["female", "male", None],
            "diagnoses": ["ptsd;depression", "anxiety", None],
            "prior_antidepressant_trials": [3, 0, None],
            "program_booked": ["with_integration", "ketamine_only", None],
            "eligible_consent": [1, 0, None],
            "covariate_hope": [0.25, -1.5, None],
            "covariate_age": [41.0, 22.0, None],
        }
    )
    sessions = pd.DataFrame(
        {
            "session_id": ["S5", "S2", "S3", "S4", "S1"],
            "patient_id": ["P1", "P1", "P1", "P2", "P1"],
            "date": ["2031-03-20", "2031-03-04", "2031-03-06", "2031-04-30", "2031-02-27"],
            "time": [None, "09:37", "00:05", None, "23:59"],
            "kind": ["dosing", "dosing", "integration", "screening", "screening"],
            "route": ["intravenous", "intramuscular", None, None, None],
            "dose_mg": [60.5, 75.0, None, None, None],
            "approach": ["psychedelic", "psycholytic", None, None, None],
            "duration_minutes": [120, 90, 50, None, None],
        }
    )
    items = {f"item_{number}": [2, None, 3, None] for number in range(1, 8)}
    scores = pd.DataFrame(
        {
            "score_id": ["Q1", "Q2", "Q3", "Q4"],
            "patient_id": ["P1", "P1", "P2", "P2"],
            "date": ["2031-03-01", "2031-03-04", "2031-04-29", "2031-05-04"],
            "time": [None, "08:00", None, None],
            "instrument": ["PHQ-9", "phq 9", "GAD-7", "PCL-5"],
            "version": [None, None, None, "past_week"],
            "total": [16, 7, None, 33],
            **items,
            "item_8": [1, None, None, None],
            "item_9": [1, None, None, None],
        }
    )
    events = pd.DataFrame(
        {
            "event_id": ["E1", "E2"],
            "patient_id": ["P1", "P2"],
            "session_id": ["S2", None],
            "date": ["2031-03-04", "2031-04-28"],
            "term": ["nausea", "headache"],
            "severity": ["mild", "moderate"],
            "serious": [0, 1],
        }
    )
    return {"patients": patients, "sessions": sessions, "scores": scores, "adverse_events": events}


def with_days(tables: dict[str, pd.DataFrame], shift: dict[str, int]) -> dict[str, pd.DataFrame]:
    """Say when by day, counted from another origin for each patient."""
    changed = {}
    for name, frame in tables.items():
        if name == "patients":
            changed[name] = frame.assign(index_quarter=["2031Q1", "2031Q2", None])
            continue
        days = [
            (dt.date.fromisoformat(date) - ORIGIN).days + shift[patient]
            for date, patient in zip(frame["date"], frame["patient_id"], strict=True)
        ]
        changed[name] = frame.drop(columns="date").assign(day=days)
    return changed


def arrow() -> tuple[Any, Any]:
    """PyArrow writes the Parquet files of these tests; the package reads them without it."""
    return pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")


def write_csv(tables: dict[str, pd.DataFrame], folder: Path) -> Path:
    for name, frame in tables.items():
        frame.to_csv(folder / f"{name}.csv", index=False)
    return folder


def write_parquet(tables: dict[str, pd.DataFrame], folder: Path) -> Path:
    pa, pq = arrow()
    for name, frame in tables.items():
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), folder / f"{name}.parquet")
    return folder


def assert_same(one: Registry, other: Registry) -> None:
    assert one.digest == other.digest
    for name in TABLES:
        pd.testing.assert_frame_equal(one.table(name), other.table(name))


@pytest.fixture(scope="module")
def registry() -> Registry:
    return read_registry(frames())


def test_nothing_is_rejected(registry: Registry) -> None:
    assert not registry.load_report.problems
    assert [(file.table, file.rows_in, file.rows_accepted) for file in registry.load_report.files] == [
        ("patients", 3, 3),
        ("sessions", 5, 5),
        ("scores", 4, 4),
        ("adverse_events", 2, 2),
    ]


def test_days_count_from_the_first_dosing_session_else_the_first_record(registry: Registry) -> None:
    # P1's first dose is on 4 March, after a screening. P2 has none; the first record is the event of 28 April.
    assert dict(zip(*registry.table("sessions")[["session_id", "day"]].T.to_numpy(), strict=True)) == {
        "S1": -5,
        "S2": 0,
        "S3": 2,
        "S4": 2,
        "S5": 16,
    }
    assert registry.table("scores")["day"].tolist() == [-3, 0, 1, 6]
    assert registry.table("adverse_events")["day"].tolist() == [0, 0]


def test_minutes_count_from_the_start_of_the_index_day(registry: Registry) -> None:
    minutes = registry.table("sessions").set_index("session_id")["minute"]
    assert minutes["S2"] == 9 * 60 + 37
    assert minutes["S3"] == 2 * 1440 + 5
    assert minutes["S1"] == -5 * 1440 + 23 * 60 + 59
    assert minutes[["S4", "S5"]].isna().all()
    assert registry.table("scores")["minute"].tolist()[1] == 480
    assert registry.has_minutes


def test_the_quarter_is_that_of_the_index_day(registry: Registry) -> None:
    quarters = registry.table("patients")["index_quarter"]
    assert quarters.tolist()[:2] == ["2031Q1", "2031Q2"]
    assert quarters.isna().tolist() == [False, False, True]


def test_quarters_begin_in_january_april_july_and_october() -> None:
    quarters = {
        "2030-12-31": "2030Q4",
        "2031-01-01": "2031Q1",
        "2031-03-31": "2031Q1",
        "2031-04-01": "2031Q2",
        "2031-06-30": "2031Q2",
        "2031-07-01": "2031Q3",
        "1999-10-01": "1999Q4",
        "2032-02-29": "2032Q1",
    }
    keys = [f"P{number}" for number in range(len(quarters))]
    sessions = pd.DataFrame({"session_id": keys, "patient_id": keys, "date": list(quarters), "kind": "dosing"})
    read = read_registry({"patients": pd.DataFrame({"patient_id": keys}), "sessions": sessions})
    assert read.table("patients")["index_quarter"].tolist() == list(quarters.values())


def test_the_age_band_is_filled_from_the_age(registry: Registry) -> None:
    assert registry.table("patients")["age_band"].tolist() == ["35-44", "18-24", "65-74"]


def test_age_bands_hold_both_ends() -> None:
    limits = ((12, 17), (18, 24), (25, 34), (35, 44), (45, 54), (55, 64), (65, 74), (75, 89))
    bands = {age: f"{low}-{high}" for low, high in limits for age in (low, high)}
    tables = frames()
    tables["patients"] = pd.DataFrame({"patient_id": [f"P{age}" for age in bands], "age_years": list(bands)})
    assert read_registry(tables).table("patients")["age_band"].tolist() == list(bands.values())


def test_diagnoses_are_written_in_the_order_of_the_schema() -> None:
    tables = frames()
    tables["patients"]["diagnoses"] = ["other; ptsd ;depression;ptsd", "ptsd", ""]
    diagnoses = read_registry(tables).table("patients")["diagnoses"]
    assert diagnoses.tolist()[:2] == ["depression;ptsd;other", "ptsd"]
    assert diagnoses.isna().tolist()[2]


def test_totals_are_worked_out_from_items(registry: Registry) -> None:
    scores = registry.table("scores").set_index("score_id")
    assert scores["total"].to_dict() == {"Q1": 16, "Q2": 7, "Q3": 21, "Q4": 33}
    assert scores["instrument"].to_dict() == {"Q1": "phq9", "Q2": "phq9", "Q3": "gad7", "Q4": "pcl5"}
    assert scores.loc["Q4", "version"] == "past_week"


def test_the_first_version_is_meant_where_none_is_named() -> None:
    tables = frames()
    tables["scores"]["version"] = None
    scores = read_registry(tables).table("scores").set_index("score_id")
    assert scores.loc["Q4", "version"] == instrument("PCL-5").versions[0]
    assert pd.isna(scores.loc["Q1", "version"])


def test_reverse_keyed_items_are_reversed(monkeypatch: pytest.MonkeyPatch) -> None:
    reversed_scale: Instrument = dataclasses.replace(instrument("GAD-7"), id="reversed7", reverse_items=(2, 7))
    monkeypatch.setattr("katoutcomes.registry.checking.score_rows.instrument", lambda _: reversed_scale)
    monkeypatch.setattr("katoutcomes.instruments.catalog.instrument", lambda _: reversed_scale)
    tables = frames()
    tables["scores"] = (
        tables["scores"]
        .iloc[[2, 2]]
        .assign(
            score_id=["Q1", "Q2"], date=["2031-04-29", "2031-05-01"], total=[None, 15], item_1=[0, 3], item_2=[3, 3]
        )
    )
    tables["scores"] = tables["scores"].drop(columns=["item_8", "item_9"])
    read = read_registry(tables)
    # Items 1 and 2 are 0 and 3, the rest 3: 0 + (3-3) + 4*3 + (3-3) = 12; with item 1 = 3 it is 15.
    assert read.table("scores")["total"].tolist() == [12, 15]
    assert not read.load_report.problems


def test_the_engine_tables_are_those_of_the_schema_page(registry: Registry) -> None:
    engine = registry.engine
    assert engine.columns("patients") == (
        "patient", "patient_id", "site", "age_years", "age_band", "sex", "diagnoses", "prior_antidepressant_trials",
        "program_booked", "index_quarter", "eligible_consent", "covariate_age", "covariate_hope",
    )  # fmt: skip
    assert engine.columns("sessions") == (
        "session", "session_id", "patient", "day", "minute", "kind", "route", "dose_mg", "dose_mg_per_kg", "approach",
        "duration_minutes", "format", "systolic_before_mmhg", "systolic_peak_mmhg", "diastolic_before_mmhg",
        "diastolic_peak_mmhg", "oxygen_saturation_min_percent", "rescue_medication", "stopped_early",
    )  # fmt: skip
    assert engine.columns("scores") == (
        "score", "score_id", "patient", "day", "minute", "instrument", "version", "metric", "session", "total",
        *(f"item_{number}" for number in range(1, 10)),
    )  # fmt: skip
    assert engine.columns("adverse_events") == (
        "event", "event_id", "patient", "session", "day", "term", "severity", "serious",
    )  # fmt: skip
    left = engine.fetch("select table_name from information_schema.tables order by table_name")["table_name"]
    # Nothing of what was read is kept; the event tables show their kept columns and those that the input lacks.
    kept = [f"kept_{name}" for name in ("sessions", "scores", "adverse_events")]
    assert sorted(left) == sorted([*TABLES, *kept, "uncertain_index_days"])


def test_everything_that_is_counted_or_compared_is_a_number(registry: Registry) -> None:
    text = {"patient_id", "site", "age_band", "sex", "diagnoses", "program_booked", "index_quarter", "session_id",
            "kind", "route", "approach", "format", "score_id", "instrument", "version", "metric", "event_id", "term",
            "severity"}  # fmt: skip
    doubles = {"dose_mg", "dose_mg_per_kg", "total", "covariate_age", "covariate_hope"}
    for name in TABLES:
        for column, kind in registry.engine.query_types(f"from {name}").items():
            if column in text:  # codes are enumerations; a column that the input lacks takes one byte
                assert kind == "VARCHAR" or kind.startswith("ENUM"), column
            elif column in doubles:
                assert kind in ("DOUBLE", "TINYINT"), column
            else:
                assert kind in ("INTEGER", "SMALLINT", "TINYINT"), column


def test_patients_are_numbered_by_their_keys_and_events_by_their_rows(registry: Registry) -> None:
    codes = registry.engine.fetch("select session, session_id, patient from sessions order by session_id")
    assert codes["session"].tolist() == [
        frames()["sessions"]["session_id"].tolist().index(f"S{n}") + 1 for n in range(1, 6)
    ]
    assert codes["patient"].tolist() == [1, 1, 1, 2, 1]
    second = registry.engine.scalar("select session from sessions where session_id = 'S2'")
    assert registry.engine.scalar("select session from adverse_events where event_id = 'E1'") == second


def test_every_format_gives_the_same_registry(registry: Registry, tmp_path: Path) -> None:
    (tmp_path / "csv").mkdir()
    (tmp_path / "parquet").mkdir()
    assert_same(registry, read_registry(write_csv(frames(), tmp_path / "csv")))
    assert_same(registry, read_registry(write_parquet(frames(), tmp_path / "parquet")))
    assert_same(registry, read_registry(str(tmp_path / "csv")))


def test_the_formats_may_be_mixed(registry: Registry, tmp_path: Path) -> None:
    write_csv(frames(), tmp_path)
    (tmp_path / "scores.csv").unlink()
    write_parquet({"scores": frames()["scores"]}, tmp_path)
    assert_same(registry, read_registry(tmp_path))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_rows_and_columns_changes_nothing(registry: Registry, seed: int) -> None:
    rng = np.random.default_rng(seed)
    shuffled = {
        name: frame.iloc[rng.permutation(len(frame))][list(rng.permutation(frame.columns))]
        for name, frame in reversed(frames().items())
    }
    assert_same(registry, read_registry(shuffled))


def test_days_of_any_origin_give_the_same_registry_as_dates(registry: Registry) -> None:
    assert_same(registry, read_registry(with_days(frames(), {"P1": 0, "P2": 0})))
    assert_same(registry, read_registry(with_days(frames(), {"P1": 45_000, "P2": -3})))


@pytest.mark.parametrize(
    ("table", "column", "row", "value"),
    [
        ("patients", "site", 0, "East"),
        ("patients", "covariate_hope", 0, 0.25000000000000006),
        ("sessions", "dose_mg", 0, 60.6),
        ("sessions", "time", 1, "09:38"),
        ("sessions", "date", 3, "2031-05-01"),
        ("scores", "total", 1, 8),
        ("scores", "score_id", 1, "Q9"),
        ("adverse_events", "serious", 0, 1),
        ("adverse_events", "session_id", 0, None),
    ],
)
def test_any_accepted_value_changes_the_digest(
    registry: Registry, table: str, column: str, row: int, value: object
) -> None:
    tables = frames()
    tables[table][column] = tables[table][column].astype(object)
    tables[table].loc[row, column] = value
    changed = read_registry(tables)
    assert not changed.load_report.problems
    assert changed.digest != registry.digest


def test_what_is_not_accepted_leaves_the_digest_alone(registry: Registry) -> None:
    tables = frames()
    wrong = tables["scores"].iloc[[1]].assign(score_id="Q9", date="2031-04-01", total=99)
    tables["scores"] = pd.concat([wrong, tables["scores"]])
    tables["patients"] = tables["patients"].assign(therapist="T1", covariate_empty=None)
    read = read_registry(tables)
    assert read.digest == registry.digest
    assert read.load_report.left_out_columns == (("patients", "therapist"),)
    assert read.load_report.problems[0].row_numbers == (1,)
    assert read.patient_columns == ("eligible_consent", "covariate_age", "covariate_empty", "covariate_hope")


def as_arrow(frame: pd.DataFrame) -> object:
    return arrow()[0].Table.from_pandas(frame)


def changed_where(name: str, change: Callable[[pd.Series], object]) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Change one column of the frames that have it."""
    return lambda frame: frame.assign(**{name: change(frame[name])}) if name in frame else frame


def known(change: Callable[[str], object]) -> Callable[[pd.Series], list[object]]:
    """Change the known cells of a column."""
    return lambda column: [None if pd.isna(value) else change(value) for value in column]


@pytest.mark.parametrize(
    "convert",
    [
        lambda frame: frame.convert_dtypes(),
        lambda frame: frame.astype(object),
        lambda frame: frame.astype("string"),
        lambda frame: frame.astype("category"),
        lambda frame: frame.astype({name: "float32" for name in frame if name.startswith("item_")}),
        changed_where("date", pd.to_datetime),
        changed_where("date", known(dt.date.fromisoformat)),
        changed_where("time", known(dt.time.fromisoformat)),
        changed_where("dose_mg", known(lambda dose: decimal.Decimal(str(dose)))),
        changed_where("serious", lambda flags: flags == 1),
        lambda frame: frame.set_index(np.arange(len(frame)) + 17),
        as_arrow,
    ],
    ids=["nullable", "object", "string", "category", "float32", "datetime64", "date", "time", "decimal", "bool",
         "index", "arrow"],
)  # fmt: skip
def test_types_of_a_frame_do_not_matter(registry: Registry, convert: object) -> None:
    assert callable(convert)
    assert_same(registry, read_registry({name: convert(frame) for name, frame in frames().items()}))


@pytest.mark.parametrize(
    ("name", "kind"),
    [("date", "date32"), ("date", "timestamp"), ("time", "time32"), ("serious", "bool"), ("total", "double")],
)
def test_types_of_a_parquet_file_do_not_matter(registry: Registry, tmp_path: Path, name: str, kind: str) -> None:
    pa, pq = arrow()
    types = {"date32": pa.date32(), "timestamp": pa.timestamp("us"), "time32": pa.time32("s"), "bool": pa.bool_(),
             "double": pa.float64()}  # fmt: skip
    for table, frame in frames().items():
        changed = frame
        if name in frame and kind == "time32":
            changed = frame.assign(time=[None if pd.isna(t) else dt.time.fromisoformat(t) for t in frame["time"]])
        elif name in frame and kind in ("date32", "timestamp"):
            changed = frame.assign(date=pd.to_datetime(frame["date"]))
        columns = pa.Table.from_pandas(changed, preserve_index=False)
        if name in frame:
            position = columns.column_names.index(name)
            columns = columns.set_column(position, name, columns.column(name).cast(types[kind]))
        pq.write_table(columns, tmp_path / f"{table}.parquet")
    assert_same(registry, read_registry(tmp_path))


def test_columns_of_any_type_may_be_left_out(registry: Registry, tmp_path: Path) -> None:
    pa, pq = arrow()
    for name, frame in frames().items():
        columns = pa.Table.from_pandas(frame, preserve_index=False)
        odd = [
            pa.array([dt.datetime(2031, 3, 4, 5, 6, tzinfo=dt.UTC)] * len(frame)),
            pa.array([[1, 2]] * len(frame)),
            pa.array([{"a": 1}] * len(frame)),
            pa.array([b"\xff\x00"] * len(frame)),
            pa.array([dt.timedelta(days=1)] * len(frame)),
            pa.nulls(len(frame)),
            pa.array([decimal.Decimal("1.50")] * len(frame)),
            pa.array([float("nan")] * len(frame)),
            pa.array([2**63 - 1] * len(frame)),
        ]
        for number, values in enumerate(odd):
            columns = columns.append_column(f'odd "{number}"', values)
        pq.write_table(columns, tmp_path / f"{name}.parquet")
    read = read_registry(tmp_path)
    assert_same(registry, read)
    assert len(read.load_report.left_out_columns) == 4 * 9


def test_odd_columns_of_a_frame_may_be_left_out(registry: Registry) -> None:
    tables = {
        name: frame.assign(
            zoned=pd.Timestamp("2031-03-04", tz="UTC"),
            span=pd.Timedelta(days=1),
            listed=[[1, 2]] * len(frame),
            month=pd.Period("2031-03"),
            half=np.float16(0.5),
            mixed=[1, "x", None, 2.5, dt.date(2031, 1, 1)][: len(frame)],
        )
        for name, frame in frames().items()
    }
    assert_same(registry, read_registry(tables))


def test_a_rejected_record_is_no_first_record() -> None:
    tables = frames()
    tables["adverse_events"].loc[1, "session_id"] = "S2"  # P2's event of 28 April names a session of P1
    read = read_registry(tables)
    assert [problem.rule for problem in read.load_report.problems] == ["session_of_patient"]
    assert read.table("scores")["day"].tolist()[2:] == [0, 5]  # so the score of 29 April is the first record


@pytest.mark.parametrize("dtype", ["datetime64[ns]", "datetime64[us]", object])
def test_a_datetime_that_is_no_date_is_rejected(dtype: object) -> None:
    tables = frames()
    dates = pd.to_datetime(tables["sessions"]["date"]) + pd.to_timedelta([0, 0, 0, 1, 0], unit="h")
    tables["sessions"]["date"] = dates.astype(dtype)
    report = read_registry(tables).load_report
    assert [(p.column, p.rule, p.row_numbers) for p in report.problems] == [("date", "date", (4,))]


@pytest.mark.parametrize("change", ["bom", "crlf", "cr", "no end", "blank lines", "quotes", "spaces"])
def test_harmless_ways_of_writing_csv(registry: Registry, tmp_path: Path, change: str) -> None:
    for name, frame in frames().items():
        text = frame.to_csv(index=False, quoting=1 if change == "quotes" else 0, lineterminator="\n")
        text = {
            "bom": "\ufeff" + text,
            "crlf": text.replace("\n", "\r\n"),
            "cr": text.replace("\n", "\r"),
            "no end": text.rstrip("\n"),
            "blank lines": text.replace("\n", "\n\n") + "\n",
            "quotes": text,
            "spaces": text.replace(",", " , "),
        }[change]
        (tmp_path / f"{name}.csv").write_bytes(text.encode())
    assert_same(registry, read_registry(tmp_path))


def test_a_blank_line_is_a_row_only_where_there_is_one_column(tmp_path: Path) -> None:
    (tmp_path / "patients.csv").write_text("patient_id\nP1\n\nP2\n\n", encoding="utf-8")
    (tmp_path / "sessions.csv").write_text("session_id,patient_id,day,kind\n\nS1,P1,1,x\n\n", encoding="utf-8")
    report = read_registry(tmp_path).load_report
    assert [(p.table, p.rule, p.row_numbers) for p in report.problems] == [
        ("patients", "required", (2, 4)),
        ("sessions", "code", (1,)),
    ]


def test_row_numbers_are_places_in_a_long_file(tmp_path: Path) -> None:
    n_rows = 60_000
    wrong = {1, 2_048, 20_481, 59_999}
    lines = ["session_id,patient_id,day,kind,duration_minutes,remote"]
    lines += [
        f"S{number:06d},P1,{number % 900},support,{'x' if number in wrong else 50},{'y' * 90}"
        for number in range(1, n_rows + 1)
    ]
    (tmp_path / "sessions.csv").write_text("\n".join(lines), encoding="utf-8")
    (tmp_path / "patients.csv").write_text("patient_id\nP1\n", encoding="utf-8")
    report = read_registry(tmp_path).load_report
    assert [(p.rule, p.n_rows, p.row_numbers) for p in report.problems] == [("integer", 4, tuple(sorted(wrong)))]


def test_row_numbers_are_places_in_a_parquet_file(tmp_path: Path) -> None:
    tables = frames()
    tables["scores"].loc[[0, 3], "total"] = 99
    report = read_registry(write_parquet(tables, tmp_path)).load_report
    assert {p.rule: p.row_numbers for p in report.problems} == {"total_range": (1, 4), "total_equals_items": (1,)}


def test_the_first_twenty_row_numbers_and_the_exact_count() -> None:
    patients = pd.DataFrame({"patient_id": ["P1"]})
    sessions = pd.DataFrame({"session_id": [f"S{n}" for n in range(50)], "patient_id": "P1", "day": 1, "kind": "x"})
    sessions.loc[[0, 49], "kind"] = "support"
    problem = read_registry({"patients": patients, "sessions": sessions}).load_report.problems[0]
    assert problem.n_rows == 48
    assert problem.row_numbers == tuple(range(2, 22))


def test_of_two_scores_of_a_day_the_earlier_is_kept() -> None:
    columns = ["score_id", "patient_id", "date", "time", "instrument", "total"]
    rows = [
        ("Q4", "P1", "2031-03-01", "18:00", "PHQ-9", 1),
        ("Q3", "P1", "2031-03-01", "07:00", "phq9", 2),
        ("Q1", "P1", "2031-03-01", None, "PHQ-9", 3),
        ("Q2", "P1", "2031-03-01", "07:00", "GAD-7", 4),
        ("Q6", "P2", "2031-03-01", None, "PHQ-9", 5),
        ("Q5", "P2", "2031-03-01", None, "PHQ-9", 6),
        ("Q0", "P2", "2031-03-01", None, "PHQ-9", 99),  # out of range, so it is no rival of the others
    ]
    tables = frames() | {"scores": pd.DataFrame(rows, columns=columns)}
    for order in (rows, rows[::-1]):
        tables["scores"] = pd.DataFrame(order, columns=columns)
        read = read_registry(tables)
        assert read.table("scores")["score_id"].tolist() == ["Q2", "Q3", "Q5"]
        counted = {problem.rule: problem.n_rows for problem in read.load_report.problems}
        assert counted == {"one_score_a_day": 3, "total_range": 1}


@pytest.mark.parametrize(
    ("row", "changes", "is_uncertain"),
    [
        (1, {"dose_mg": "75 mg"}, True),  # P1's first dose, so the second one becomes the index day
        (1, {"date": "2031-02-30"}, True),
        (0, {"dose_mg": "75 mg"}, False),  # the second dose: nothing moves
        (0, {"dose_mg": "75 mg", "date": "2031-03-04"}, False),  # a second one on the index day
        (2, {"date": "2031-02-30"}, False),  # no dosing session
        (1, {"dose_mg": "75 mg", "kind": "Dosing"}, False),  # not known to be one
    ],
)
def test_a_rejected_first_dose_is_noted(row: int, changes: dict[str, str], is_uncertain: bool) -> None:
    tables = frames()
    tables["sessions"] = tables["sessions"].astype(object)
    for column, value in changes.items():
        tables["sessions"].loc[row, column] = value
    report = read_registry(tables).load_report
    assert report.has_rejections
    assert any("on an unknown day: 1. Their time zero" in note for note in report.notes) == is_uncertain


def test_twenty_years_are_inside_and_a_day_more_is_not() -> None:
    sessions = pd.DataFrame(
        {"session_id": ["S0", "S1", "S2", "S3", "S4"], "patient_id": "P1", "day": [10, 7315, 7316, -7295, -7296],
         "kind": ["dosing", "support", "support", "support", "support"]}
    )  # fmt: skip
    read = read_registry({"patients": pd.DataFrame({"patient_id": ["P1"]}), "sessions": sessions})
    assert read.table("sessions")["day"].tolist() == [0, 7305, -7305]
    assert [(p.column, p.rule, p.row_numbers) for p in read.load_report.problems] == [("day", "span", (3, 5))]


def test_a_registry_without_scores_and_events_has_their_tables_empty() -> None:
    tables = {name: frame for name, frame in frames().items() if name in ("patients", "sessions")}
    read = read_registry(tables)
    assert [file.table for file in read.load_report.files] == ["patients", "sessions"]
    assert len(read.table("scores")) == len(read.table("adverse_events")) == 0
    assert list(read.table("scores").columns) == [
        "score_id", "patient_id", "day", "minute", "instrument", "version", "metric", "session_id", "total",
    ]  # fmt: skip
    note = "no scores were made, so nothing can be said about symptoms: there is no table of scores."
    assert note in read.load_report.notes


def test_without_times_the_meaning_of_hours_is_noted() -> None:
    tables = frames()
    tables["sessions"] = tables["sessions"].drop(columns="time")
    read = read_registry(tables)
    assert not read.has_minutes
    assert any("on day 0 to 3" in note for note in read.load_report.notes)


def test_the_given_quarter_counts_only_where_there_are_days() -> None:
    tables = frames()
    tables["patients"]["index_quarter"] = ["1999Q1", "1999Q1", "1999Q1"]
    read = read_registry(tables)
    assert read.table("patients")["index_quarter"].tolist() == ["2031Q1", "2031Q2", "1999Q1"]
    assert any("index_quarter" in note for note in read.load_report.notes)


def test_keys_that_look_like_chart_numbers_are_noted() -> None:
    patients = pd.DataFrame({"patient_id": ["0012345", "P2"]})
    sessions = pd.DataFrame({"session_id": ["S1"], "patient_id": ["0012345"], "day": [1], "kind": ["dosing"]})
    read = read_registry({"patients": patients, "sessions": sessions})
    assert read.table("patients")["patient_id"].tolist() == ["0012345", "P2"]  # and stay text
    warned = {warning.rule: warning.n_rows for warning in read.load_report.warnings}
    assert warned["chart_number_key"] == 1


@pytest.mark.parametrize(("marker", "argument", "expected"), [
    (None, False, False), (None, True, True), (True, False, True), (False, False, False), (False, True, True),
])  # fmt: skip
def test_synthetic_data_are_marked(tmp_path: Path, marker: bool | None, argument: bool, expected: bool) -> None:
    write_csv(frames(), tmp_path)
    if marker is not None:
        text = json.dumps({"schema_version": "1.0", "is_synthetic": marker, "made_by": "a test"})
        (tmp_path / "registry.json").write_text(text, encoding="utf-8")
    read = read_registry(tmp_path, is_synthetic=argument)
    assert read.is_synthetic is expected
    assert ("synthetic" in repr(read)) is expected
    assert ("synthetic" in read._repr_html_()) is expected


def test_other_files_are_counted_and_not_named(tmp_path: Path) -> None:
    write_csv(frames(), tmp_path)
    (tmp_path / "a_persons_name.docx").write_text("")
    (tmp_path / "README.md").write_text("")
    notes = read_registry(tmp_path).load_report.notes
    assert "files of the folder that are no tables of the schema and were not read: 1." in notes
    assert "persons" not in "".join(notes)


def test_progress_is_told_and_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    told: list[str] = []
    read_registry(frames(), progress=told.append)
    assert "reading patients" in told
    assert "taking the digest" in told
    assert capfd.readouterr() == ("", "")


def test_the_caller_may_bring_the_engine_and_keeps_it_after_an_error(tmp_path: Path) -> None:
    with Engine(memory_limit="512MB", temp_directory=str(tmp_path)) as engine:
        assert read_registry(frames(), engine=engine).engine is engine
        with pytest.raises(OptionError):
            read_registry(3, engine=engine)  # type: ignore[call-overload, arg-type, unused-ignore]
        assert engine.scalar("select count(*) from patients") == 3


def test_a_closed_registry_holds_no_data() -> None:
    read = read_registry(frames())
    read.close()
    with pytest.raises(Exception, match="closed"):
        read.table("patients")


def test_table_refuses_unknown_names(registry: Registry) -> None:
    with pytest.raises(OptionError, match="table must be one of"):
        registry.table("problems")


def test_the_repr_holds_counts_only(registry: Registry) -> None:
    assert repr(registry) == "<Registry: 3 patients, 5 sessions, 4 scores, 2 adverse events; 0 rows rejected>"
    assert "<td>5</td><td>5</td><td>0</td>" in registry._repr_html_()
