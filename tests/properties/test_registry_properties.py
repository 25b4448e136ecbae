"""What holds for any registry: rows add up, order and format do not matter, and nothing is repeated in words."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from katoutcomes.errors import DataError, IdentifierError
from katoutcomes.registry.readers.frames import cell_text
from katoutcomes.registry.reading import read_registry

FEW = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
"""Each example is a whole load, some tenths of a second."""
MANY = settings(FEW, max_examples=8)
"""For the slow tests: the same functions, with more examples."""

KEYS = st.sampled_from(["K1", "K2", "K3", "K4", "", "K 5", "ключ", "K1 "])
DAYS = st.sampled_from(["0", "1", "-3", "28", "7306", "999999999", "-999999999", "1.0", "1.5", "", "x", "٣"])
DATES = st.sampled_from(["2031-03-04", "2031-03-05", "2031-02-30", "2052-01-01", "1900-01-01", "", "x", "2031-3-4"])
TIMES = st.sampled_from(["", "09:30", "25:00", "9", "00:00"])
NUMBERS = st.sampled_from(
    ["", "0", "1", "2", "3", "4", "27", "-1", "2.0", "2.5", "1e3", "nan", "NULL", "x", "0x1", "٣"]
)
WORDS = st.sampled_from(
    ["", "dosing", "support", "Dosing", "intravenous", "PHQ-9", "gad7", "PCL", "mild", "nausea", "x"]
)
ANYTHING = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\x00\ufeff"), max_size=12)


def cells(*likely: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(*likely, *likely, *likely, WORDS, ANYTHING)


def tables(moment: st.SearchStrategy[str], column: str) -> st.SearchStrategy[dict[str, pd.DataFrame]]:
    kinds: dict[str, dict[str, st.SearchStrategy[str]]] = {
        "patients": {"patient_id": cells(KEYS), "age_years": cells(NUMBERS), "sex": cells(WORDS),
                     "diagnoses": cells(WORDS), "covariate_x": cells(NUMBERS), "other": cells(WORDS)},
        "sessions": {"session_id": cells(KEYS), "patient_id": cells(KEYS), column: cells(moment), "time": cells(TIMES),
                     "kind": cells(WORDS), "route": cells(WORDS), "dose_mg": cells(NUMBERS)},
        "scores": {"score_id": cells(KEYS), "patient_id": cells(KEYS), column: cells(moment), "time": cells(TIMES),
                   "instrument": cells(WORDS), "version": cells(WORDS), "total": cells(NUMBERS),
                   "item_1": cells(NUMBERS), "item_2": cells(NUMBERS)},
        "adverse_events": {"event_id": cells(KEYS), "patient_id": cells(KEYS), "session_id": cells(KEYS),
                           column: cells(moment), "term": cells(WORDS), "severity": cells(WORDS),
                           "serious": cells(NUMBERS)},
    }  # fmt: skip
    return st.fixed_dictionaries(
        {
            name: st.lists(st.fixed_dictionaries(columns), min_size=1, max_size=8).map(
                lambda rows: pd.DataFrame(rows, dtype=object)
            )
            for name, columns in kinds.items()
        }
    )


def with_a_sound_patient(given_tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Add a patient who is always accepted, so that there is a registry."""
    patients = given_tables["patients"]
    sound = pd.DataFrame([dict.fromkeys(patients.columns, "") | {"patient_id": "SOUND"}], dtype=object)
    return given_tables | {"patients": pd.concat([patients, sound], ignore_index=True)}


@FEW
@given(st.one_of(tables(DAYS, "day"), tables(DATES, "date")))
def test_rows_in_are_rows_accepted_and_rejected(given_tables: dict[str, pd.DataFrame]) -> None:
    given_tables = with_a_sound_patient(given_tables)
    try:
        registry = read_registry(given_tables)
    except IdentifierError:
        return
    for file in registry.load_report.files:
        assert file.rows_in == len(given_tables[file.table]) == file.rows_accepted + file.rows_rejected
        assert len(registry.table(file.table)) == file.rows_accepted
        of_table = [problem for problem in registry.load_report.problems if problem.table == file.table]
        assert (file.rows_rejected > 0) == bool(of_table)
        assert all(problem.n_rows <= file.rows_rejected for problem in of_table)
        assert file.rows_rejected <= sum(problem.n_rows for problem in of_table)
    # What is accepted is linked: no event without its patient, and every day within twenty years.
    patients = set(registry.table("patients")["patient_id"])
    for name in ("sessions", "scores", "adverse_events"):
        table = registry.table(name)
        assert set(table["patient_id"]) <= patients
        assert table["day"].abs().le(7305).all()


@FEW
@given(tables(DATES, "date"), st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing_but_row_numbers(
    given_tables: dict[str, pd.DataFrame], random: st.DataObject
) -> None:
    given_tables = with_a_sound_patient(given_tables)
    shuffled = {}
    for name, frame in given_tables.items():
        order = list(range(len(frame)))
        random.shuffle(order)  # type: ignore[attr-defined]
        shuffled[name] = frame.iloc[order]
    try:
        registry = read_registry(given_tables)
    except IdentifierError:
        with pytest.raises(IdentifierError):
            read_registry(shuffled)
        return
    other = read_registry(shuffled)
    assert other.digest == registry.digest
    counted = [[(p.table, p.column, p.rule, p.n_rows) for p in one.load_report.problems] for one in (registry, other)]
    assert counted[0] == counted[1]


@FEW
@given(given_tables=tables(DAYS, "day"))
def test_a_csv_file_is_its_frame(tmp_path: Path, given_tables: dict[str, pd.DataFrame]) -> None:
    given_tables = with_a_sound_patient(given_tables)
    for name, frame in given_tables.items():
        frame.to_csv(tmp_path / f"{name}.csv", index=False, encoding="utf-8")
    try:
        registry = read_registry(given_tables)
    except IdentifierError:
        with pytest.raises(IdentifierError):
            read_registry(tmp_path)
        return
    read = read_registry(tmp_path)
    assert read.digest == registry.digest
    assert [(p.table, p.column, p.rule, p.row_numbers) for p in read.load_report.problems] == [
        (p.table, p.column, p.rule, p.row_numbers) for p in registry.load_report.problems
    ]


@FEW
@given(text=st.binary(max_size=200))
def test_no_bytes_make_anything_but_a_registry_or_a_data_error(tmp_path: Path, text: bytes) -> None:
    (tmp_path / "patients.csv").write_bytes(b"patient_id,site\nSOUND,x\n" + text)
    (tmp_path / "sessions.csv").write_text("session_id,patient_id,day,kind\n", encoding="utf-8")
    try:
        registry = read_registry(tmp_path)
    except DataError:
        return
    assert "SOUND" in set(registry.table("patients")["patient_id"])


@given(st.lists(st.tuples(st.dates(dt.date(1900, 1, 1), dt.date(2099, 12, 31)), st.integers(-7305, 7305)), min_size=1))
@FEW
def test_days_between_dates_are_those_of_the_calendar(moments: list[tuple[dt.date, int]]) -> None:
    """Python's calendar is the second truth."""
    rows = []
    for number, (index, offset) in enumerate(moments):
        rows.append((f"S{number:03d}A", f"P{number:03d}", index.isoformat(), "dosing"))
        rows.append((f"S{number:03d}B", f"P{number:03d}", (index + dt.timedelta(days=offset)).isoformat(), "support"))
    sessions = pd.DataFrame(rows, columns=["session_id", "patient_id", "date", "kind"])
    patients = pd.DataFrame({"patient_id": sessions["patient_id"].unique()})
    registry = read_registry({"patients": patients, "sessions": sessions})
    expected = [offset for index, offset in moments if 1900 <= (index + dt.timedelta(days=offset)).year <= 2099]
    days = registry.table("sessions").set_index("session_id")["day"]
    assert days.filter(like="A").eq(0).all()
    assert days.filter(like="B").tolist() == expected
    quarters = [f"{index.year}Q{(index.month + 2) // 3}" for index, _ in moments]
    assert registry.table("patients")["index_quarter"].tolist() == quarters


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_survives_its_text(value: float) -> None:
    assert float(cell_text(value)) == value


ANY_TABLES = st.one_of(tables(DAYS, "day"), tables(DATES, "date"))
test_rows_in_are_rows_accepted_and_rejected_of_many = pytest.mark.slow(
    MANY(given(ANY_TABLES)(test_rows_in_are_rows_accepted_and_rejected.hypothesis.inner_test))
)
test_many_orders_of_rows_change_nothing_but_row_numbers = pytest.mark.slow(
    MANY(
        given(tables(DATES, "date"), st.randoms(use_true_random=False))(
            test_the_order_of_rows_changes_nothing_but_row_numbers.hypothesis.inner_test
        )
    )
)
test_many_csv_files_are_their_frames = pytest.mark.slow(
    MANY(given(given_tables=tables(DAYS, "day"))(test_a_csv_file_is_its_frame.hypothesis.inner_test))
)
test_no_bytes_of_many_make_anything_but_a_registry_or_a_data_error = pytest.mark.slow(
    MANY(
        given(text=st.binary(max_size=200))(
            test_no_bytes_make_anything_but_a_registry_or_a_data_error.hypothesis.inner_test
        )
    )
)
