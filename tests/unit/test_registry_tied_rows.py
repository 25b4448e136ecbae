"""Rows tied to patients by numbers of keys: the same rows, reports and digest as joins over the texts give."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import katoutcomes as kat
from katoutcomes.registry.checking import tied_rows
from katoutcomes.registry.checking.tied_rows import materialize_session_spans, patients_of_rows
from katoutcomes.registry.engines import arrow_columns, engine, key_numbers
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.engines.key_numbers import NO_KEY, read_key_numbers
from katoutcomes.registry.engines.numbered_keys import form_of
from katoutcomes.registry.engines.stage_texts import stage_text
from katoutcomes.registry.identifiers import plain
from katoutcomes.registry.registry import Registry
from katoutcomes.registry.synthetic.clinic import simulate_tables

TABLES = ("patients", "sessions", "scores", "adverse_events", "uncertain_index_days")


def spoiled(seed: int, *, names_sessions: bool) -> dict[str, pd.DataFrame]:
    """Return tables in which every tenth row or so breaks something, and some break two rules."""
    rng = np.random.default_rng(seed)
    tables = simulate_tables(20261122 + seed, n_patients=40)
    patients, sessions, scores = (tables[name] for name in ("patients", "sessions", "scores"))

    def rows(frame: pd.DataFrame, n: int = 6) -> list[int]:
        return rng.choice(len(frame), n, replace=False).tolist()

    patients.loc[rows(patients, 3), "age_years"] = 7
    for frame, key in ((sessions, "session_id"), (scores, "score_id")):
        frame[key] = frame[key].astype(object)
        frame["patient_id"] = frame["patient_id"].astype(object)
        frame["date"] = frame["date"].astype(object)
        frame.loc[rows(frame, 4), key] = str(frame[key].iloc[0])
        frame.loc[rows(frame, 3), key] = None
        frame.loc[rows(frame), "patient_id"] = patients["patient_id"].iloc[0][:-4] + "9998"
        frame.loc[rows(frame, 3), "patient_id"] = None
        frame.loc[rows(frame), "date"] = "1903-02-01"
        frame.loc[rows(frame, 3), "date"] = None
    sessions["kind"] = sessions["kind"].astype(object)
    sessions.loc[rows(sessions), "kind"] = "nothing known"
    undosed = patients["patient_id"].iloc[rows(patients, 4)]
    sessions.loc[sessions["patient_id"].isin(undosed), "kind"] = "screening"
    scores["instrument"] = scores["instrument"].astype(object)
    scores.loc[rows(scores), "instrument"] = "nothing known"
    twice = rows(scores, 12)
    same = ["patient_id", "date", "instrument"]
    scores.loc[twice[:6], same] = scores.loc[twice[6:], same].to_numpy()
    scores["session_id"] = None
    if names_sessions:
        named = rows(sessions, 30)
        placed = rows(scores, 30)
        scores["session_id"] = scores["session_id"].astype(object)
        scores.loc[placed, "session_id"] = sessions.loc[named, "session_id"].to_numpy()
        scores.loc[placed[:20], ["patient_id", "date"]] = sessions.loc[named[:20], ["patient_id", "date"]].to_numpy()
    else:
        tables["scores"] = scores.drop(columns="session_id")
    return tables


def as_arrow(tables: dict[str, pd.DataFrame]) -> dict[str, pa.Table]:
    """Return the same tables with empty cells that are unknown, where those of pandas become empty texts."""
    return {name: pa.Table.from_pandas(frame, preserve_index=False) for name, frame in tables.items()}


def loaded(tables: object, monkeypatch: pytest.MonkeyPatch, *, least_rows: int, arrow: bool = True) -> Registry:
    """Read tables as if files with so many rows were large, with PyArrow or as if it were not installed."""
    with monkeypatch.context() as changed:
        changed.setattr(plain, "_MANY_ROWS", least_rows)
        if not arrow:  # as of few rows, too, the numbers are fetched by the client
            for module in (engine, key_numbers):
                changed.setattr(module, "has_arrow", lambda: False)
        return kat.read_registry(tables, is_synthetic=True)  # type: ignore[arg-type]


def content(registry: Registry) -> dict[str, pd.DataFrame]:
    """Return all that is kept."""
    found = {}
    for name in TABLES:
        columns = registry.engine.fetch(f"select * from {name} order by all")  # noqa: S608
        found[name] = pd.DataFrame({label: pd.Series(list(values)) for label, values in columns.items()})
    return found


def require_same(found: Registry, expected: Registry) -> None:
    """Fail unless two registries hold the same and were reported alike."""
    assert found.load_report == expected.load_report
    assert found.digest == expected.digest
    other = content(expected)
    for name, frame in content(found).items():
        pd.testing.assert_frame_equal(frame, other[name])


@pytest.mark.parametrize("names_sessions", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_rows_are_tied_by_number_as_by_joins(seed: int, names_sessions: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    tables = as_arrow(spoiled(seed, names_sessions=names_sessions))
    n_tied = []
    tie = tied_rows.materialize_tied

    def counted(*arguments: object) -> int:
        n_tied.append(1)
        return tie(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("katoutcomes.registry.checking.acceptance.materialize_tied", counted)
    expected = loaded(tables, monkeypatch, least_rows=10**9)
    assert not n_tied
    broken = {(problem.table, problem.rule) for problem in expected.load_report.problems}
    assert broken >= {
        *(("scores", rule) for rule in ("unique", "link", "unlinked", "required", "one_score_a_day", "span")),
        *(("sessions", rule) for rule in ("unique", "link", "unlinked", "required", "code")),
        *((("scores", "session_of_patient"),) if names_sessions else ()),
    }
    require_same(loaded(tables, monkeypatch, least_rows=1), expected)
    assert len(n_tied) == 3  # sessions, scores and adverse events
    require_same(loaded(tables, monkeypatch, least_rows=1, arrow=False), expected)
    assert len(n_tied) == 3


@pytest.mark.parametrize("kind", ["parquet", "arrow", "polars"])
def test_rows_keep_their_order_whatever_they_come_in(
    kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    arrow = as_arrow(spoiled(7, names_sessions=False))
    source: object = arrow
    if kind == "polars":
        source = {name: pl.from_arrow(table) for name, table in arrow.items()}
    if kind == "parquet":
        source = tmp_path
        for name, table in arrow.items():
            pq.write_table(table, tmp_path / f"{name}.parquet", row_group_size=13)
    expected, found = (loaded(source, monkeypatch, least_rows=least) for least in (10**9, 1))
    require_same(found, expected)


@pytest.mark.parametrize("key", ["score_id", "patient_id"])
@pytest.mark.parametrize("text", ["someone@example.org", "604-555-0199", "Q12345678901", "Q0001\u2011555\u20130199"])
def test_an_identifier_among_keys_is_found_as_it_is_among_texts(
    key: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = simulate_tables(20261125, n_patients=40)
    tables["scores"].loc[77, key] = text
    arrow = as_arrow(tables)
    refused = []
    for least_rows, has_arrow in ((10**9, True), (1, True), (1, False)):
        try:
            registry = loaded(arrow, monkeypatch, least_rows=least_rows, arrow=has_arrow)
            refused.append(str(registry.load_report.problems))
        except kat.IdentifierError as error:
            refused.append(str(error))
    assert refused[0] == refused[1] == refused[2]
    assert "value_email" in refused[0] or "@" not in text
    assert text not in refused[0]


def test_numbers_come_in_the_order_of_a_file_with_many_parts(tmp_path: Path) -> None:
    numbers = np.random.default_rng(3).permutation(400_000)
    keys = pd.Series(numbers).astype(str).str.zfill(6)
    path = tmp_path / "keys.parquet"
    pq.write_table(pa.table({"a": "Q" + keys, "b": keys[::-1].tolist()}), path, row_group_size=3_000)
    forms = {"a": ('"a"', form_of("Q000000")), "b": ('"b"', form_of("000000"))}
    with Engine(threads=2) as two:
        found = read_key_numbers(two, f"read_parquet('{path}')", forms)  # type: ignore[arg-type]
        ties = {"number": found["a"], "other": found["b"]}
        with two.in_order(), two.showing("ties", ties):
            beside = f"read_parquet('{path}') as t positional join ties as c"
            wrong = "a <> 'Q' || lpad(c.number::varchar, 6, '0') or b <> lpad(c.other::varchar, 6, '0')"
            assert two.scalar(f"select count(*) from {beside} where {wrong}") == 0  # noqa: S608
            assert two.scalar(f"select count(*) from {beside} where c.number < 100") == 100  # noqa: S608
    assert found["a"].tolist() == numbers.tolist()
    assert found["b"].tolist() == numbers[::-1].tolist()


CELLS = st.one_of(
    st.none(),
    st.from_regex("Q[0-9]{3}", fullmatch=True),
    st.text(max_size=5),
    st.sampled_from(["Q12", "Q1234", "R123"]),
)


@settings(max_examples=60)  # each takes a new engine
@given(cells=st.one_of(st.lists(st.one_of(st.none(), st.from_regex("Q[0-9]{3}", fullmatch=True))), st.lists(CELLS)))
def test_numbers_are_read_of_columns_of_one_form_only(cells: list[str | None]) -> None:
    form = form_of("Q000")
    assert form is not None
    is_alike = all(
        cell is None or (len(cell) == 4 and cell[0] == "Q" and cell[1:].isascii() and cell[1:].isdigit())
        for cell in cells
    )
    with Engine(threads=1) as one:
        listed = pa.table({"cell": pa.array([*cells, "Q000"], type=pa.string())})
        with one.in_order():
            one.materialize_frame("t", listed)
        found = read_key_numbers(one, "t", {"key": ("cell", form)})
    assert (found.keys() == {"key"}) == is_alike
    if is_alike:
        assert found["key"].tolist() == [NO_KEY if cell is None else int(cell[1:]) for cell in [*cells, "Q000"]]


def test_a_column_of_empty_keys_has_no_numbers() -> None:
    form = form_of("Q000")
    assert form is not None
    for keys, expected in (([None, None], [NO_KEY, NO_KEY]), ([], [])):
        with Engine(threads=1) as one:
            one.materialize_frame("t", pa.table({"cell": pa.array(keys, type=pa.string())}))
            assert read_key_numbers(one, "t", {"key": ("cell", form)})["key"].tolist() == expected


def test_numbers_are_not_read_of_a_file_that_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "keys.parquet"
    keys = [f"Q{number:06}" for number in range(50_000)]
    pq.write_table(pa.table({"a": keys}), path, row_group_size=1_000, compression="none", use_dictionary=False)
    whole = path.read_bytes()
    path.write_bytes(whole[:40_000] + bytes(30_000) + whole[70_000:])
    form = form_of("Q000000")
    assert form is not None
    with Engine() as two, pytest.raises(kat.KatOutcomesError, match="cannot read a table") as caught:
        read_key_numbers(two, f"read_parquet('{path}')", {"a": ("a", form)})
    assert caught.value.__context__ is None
    assert "Q0" not in str(caught.value)


@pytest.mark.parametrize("farthest", [40, 10**9 - 1])
def test_patients_are_found_by_the_numbers_of_their_keys(farthest: int) -> None:
    rng = np.random.default_rng(5)
    known = rng.choice(40, 20, replace=False).astype(np.int32)
    known[-1] = farthest
    patients = np.ma.masked_array(np.arange(1, 21, dtype=np.int32), known % 7 == 3)
    keys = np.concatenate([rng.integers(-1, 60, 200), [farthest, farthest - 1]]).astype(np.int32)
    with Engine(threads=1) as one:
        one.materialize_arrays("patient_codes", {"patient_key": known, "patient": patients})
        found = patients_of_rows(one, keys)
    expected = {int(key): -2 if code is None else code for key, code in zip(known, patients.tolist(), strict=True)}
    assert found.tolist() == [-3 if key == -1 else expected.get(key, -1) for key in keys.tolist()]


def test_nobody_is_found_where_there_are_no_patients() -> None:
    nothing = np.zeros(0, dtype=np.int32)
    with Engine(threads=1) as one:
        one.materialize_arrays("patient_codes", {"patient_key": nothing, "patient": nothing})
        assert patients_of_rows(one, np.array([4, -1], dtype=np.int32)).tolist() == [-1, -3]


@pytest.mark.parametrize("seed", range(3))
def test_spans_of_sessions_are_those_of_the_stage(seed: int) -> None:
    rng = np.random.default_rng(seed)
    n = 300
    keys = rng.integers(0, 60, n).astype(np.int32)  # those from 50 on are no patients
    day = np.ma.masked_array(rng.integers(-400, 400, n).astype(np.int32), rng.random(n) < 0.1)
    with Engine(threads=1) as one:
        codes = np.ma.masked_array(np.arange(1, 51, dtype=np.int32), np.arange(50) % 9 == 4)
        one.materialize_arrays("patient_codes", {"patient_key": np.arange(50, dtype=np.int32), "patient": codes})
        rows = {"input_row": np.arange(1, n + 1), "patient_key": keys, "day_number": day}
        one.materialize_arrays("session_days", {**rows, "is_dosing": (rng.random(n) < 0.3).astype(np.int8)})
        broken = rng.choice(n, 40) + 1
        one.materialize_arrays("problems", {"file": np.full(40, 2), "rule": np.zeros(40, np.int8), "input_row": broken})
        # The stage is given what only the table of sessions knows: a row without a day has broken a rule.
        one.insert("problems", "select 2, 0, input_row from session_days where day_number is null")
        one.materialize("expected", stage_text("katoutcomes.registry", "03_session_spans", file=2))
        materialize_session_spans(one, patients_of_rows(one, keys))
        columns = "patient, first_dose_day, first_day, last_day"
        both = [one.fetch(f"select {columns} from {name} order by patient") for name in ("expected", "session_spans")]  # noqa: S608
    assert {name: column.tolist() for name, column in both[0].items()} == {
        name: column.tolist() for name, column in both[1].items()
    }


def test_numbers_are_fetched_as_the_client_fetches_them() -> None:
    with Engine() as two:
        assert not two.reads_batches
        two.expect_rows(1000)
        assert two.reads_batches
        two.materialize(
            "t", "select range::int as a, nullif(range % 3, 1)::smallint as b, range / 4 as c from range(300000)"
        )
        columns = "select a, b, c, case when a > 299990 then a end as d from t order by a"
        found, expected = two.fetch_numbers(columns), two.fetch(columns)
        for name, column in expected.items():
            assert found[name].dtype == column.dtype
            assert np.ma.isMaskedArray(found[name]) == np.ma.isMaskedArray(column)
            np.testing.assert_array_equal(np.ma.getmaskarray(found[name]), np.ma.getmaskarray(column))
            np.testing.assert_array_equal(np.ma.compressed(found[name]), np.ma.compressed(column))
        assert two.fetch_numbers("select a from t where a < 0")["a"].dtype == np.int32
        with pytest.raises(TypeError, match="no numbers"):
            two.fetch_numbers("select a > 3 as more from t")
        with pytest.raises(kat.KatOutcomesError):
            two.fetch_numbers("select cast('nothing' || a as integer) as a from t")
        assert two.scalar("select count(*) from t") == 300_000


@pytest.mark.parametrize(("installed", "expected"), [("26.0.1", True), ("18.0", True), ("17.9.9", False), ("", False)])
def test_an_old_pyarrow_is_as_good_as_none(installed: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        if not installed:
            raise arrow_columns.PackageNotFoundError(name)
        return installed

    monkeypatch.setattr(arrow_columns, "version", version)
    assert arrow_columns.has_arrow.__wrapped__() is expected


def test_a_column_that_grows_keeps_what_is_not_known() -> None:
    unknown = np.ma.masked_array([4, 5], [True, False])
    parts = [{"a": np.array([1, 2, 3])}, {"a": unknown}, {"a": np.array([6] * 9)}]
    joined = arrow_columns.joined_columns(parts, 4)["a"]
    assert joined.tolist() == [1, 2, 3, None, 5, *[6] * 9]
