"""Typed input is judged as its text would be: the same rules, rows, identifiers and digest, at any size of memory."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from katoutcomes.cohorts.selection import select_cohort
from katoutcomes.errors import DataError, IdentifierError, KatOutcomesError
from katoutcomes.registry.checking import repeated_rows
from katoutcomes.registry.checking.repeated_rows import materialize_repeated
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.reading import read_registry
from katoutcomes.registry.registry import Registry

ODD_NUMBERS = [
    *(0.0, -0.0, 1.0, 3.0, 4.0, 7.0, 12.0, 12.5, -1.0, 89.0, 90.0, 250.0, 1000.0, 1000.5, 0.1 + 0.2),
    *(1e9, 1e10, 9e14, 1e15, 1.5e16, 1e20, 1e99, 1e100, 1e-9, 3e-12, 1e-99, 1e-120, math.inf, -math.inf, math.nan),
]


def clinic(n: int = 6) -> dict[str, pd.DataFrame]:
    """Return three tables of made-up patients."""
    keys = [f"P{number}" for number in range(n)]
    patients = pd.DataFrame(
        {
            "patient_id": keys,
            "site": "north",
            "age_years": [40.0] * n,
            "prior_antidepressant_trials": [2.0] * n,
            "eligible_consent": [1.0] * n,
            "covariate_hope": [0.5] * n,
        }
    )
    sessions = pd.DataFrame(
        {
            "session_id": [f"S{number}" for number in range(n)],
            "patient_id": keys,
            "day": [0.0] * n,
            "kind": "dosing",
            "route": "intramuscular",
            "dose_mg": [75.0] * n,
            "duration_minutes": [90.0] * n,
        }
    )
    scores = pd.DataFrame(
        {
            "score_id": [f"Q{number}" for number in range(n)],
            "patient_id": keys,
            "day": [-1.0] * n,
            "instrument": ["PHQ-9", "GAD-7"] * (n // 2),
            "total": [math.nan, 7.0] * (n // 2),
            **{f"item_{number}": [1.0] * n for number in range(1, 8)},
            **{f"item_{number}": [1.0, math.nan] * (n // 2) for number in (8, 9)},
        }
    )
    return {"patients": patients, "sessions": sessions, "scores": scores}


def as_text(tables: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Return the tables as a CSV file would hold them."""

    def cell(value: Any) -> Any:
        if isinstance(value, float):
            if math.isnan(value):
                return None
            return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        return value

    return {name: frame.map(cell).astype(object) for name, frame in tables.items()}


def findings(registry: Registry) -> list[tuple[str, str, str, int, tuple[int, ...]]]:
    return sorted((p.table, p.column, p.rule, p.n_rows, p.row_numbers) for p in registry.load_report.problems)


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(
            ["patients age_years", "patients prior_antidepressant_trials", "patients eligible_consent",
             "patients covariate_hope", "sessions day", "sessions dose_mg", "sessions duration_minutes",
             "scores total", "scores item_1", "scores item_8", "scores day"]
        ),
        st.integers(1, 5),  # the first patient stays, so that there is somebody
        st.sampled_from(ODD_NUMBERS),
    ),
    max_size=8,
)  # fmt: skip


@settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # two loads each
@given(changes=CHANGES)
def test_numbers_are_judged_like_their_text(changes: list[tuple[str, int, float]]) -> None:
    tables = clinic()
    for place, row, value in changes:
        table, column = place.split()
        tables[table].loc[row, column] = value
    typed, text = read_registry(tables), read_registry(as_text(tables))
    assert findings(typed) == findings(text)
    assert typed.digest == text.digest


test_many_numbers_are_judged_like_their_text = pytest.mark.slow(
    settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])(
        given(changes=CHANGES)(test_numbers_are_judged_like_their_text.hypothesis.inner_test)
    )
)


@pytest.mark.parametrize("kind", ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"])
def test_whole_numbers_of_any_type_are_judged_like_their_text(kind: str) -> None:
    tables = clinic()
    tables["patients"]["age_years"] = np.array([40, 41, 7, 90, 127, 12]).astype(kind)
    if np.iinfo(kind).max > 2**31:
        tables["patients"].loc[1, "prior_antidepressant_trials"] = 3e9
    tables["patients"]["prior_antidepressant_trials"] = tables["patients"]["prior_antidepressant_trials"].astype(kind)
    with pytest.raises(IdentifierError, match="value_age_above_89"):
        read_registry(tables)
    tables["patients"].loc[[3, 4], "age_years"] = 89
    typed, text = read_registry(tables), read_registry(as_text(tables))
    assert findings(typed) == findings(text) != []
    assert typed.digest == text.digest


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("patient_id", "MRN123456", "value_labeled_number"),
        ("site", "1EG4TE5MK73", "value_health_number"),
        ("anything", "1M8GDM9AXKP042788", "value_vehicle_number"),
        ("anything", "GB82WEST12345698765432", "value_account_number"),
        ("site", "a@example.org", "value_email"),
    ],
)
def test_identifiers_of_letters_and_digits_alone_are_found_in_every_format(
    tmp_path: Path, column: str, value: str, rule: str
) -> None:
    tables = clinic()
    if column not in tables["patients"]:
        tables["patients"][column] = "x"
    tables["patients"].loc[2, column] = value
    pytest.importorskip("pyarrow")
    for name, frame in tables.items():
        frame.to_parquet(tmp_path / f"{name}.parquet")
    for source in (tmp_path, tables, as_text(tables)):
        with pytest.raises(IdentifierError, match=rule) as caught:
            read_registry(source)
        assert value not in str(caught.value)


def test_a_text_column_that_is_not_plain_is_trimmed_and_checked() -> None:
    tables = clinic()
    tables["patients"].loc[1, "site"] = " north "
    tables["patients"].loc[2, "site"] = "no\tth"
    tables["patients"].loc[3, "site"] = "x" * 101
    tables["patients"]["patient_id"] = [" P0", *tables["patients"]["patient_id"][1:]]
    read = read_registry(tables)
    assert [(p.column, p.rule, p.row_numbers) for p in read.load_report.problems if p.table == "patients"] == [
        ("site", "text", (3, 4))
    ]
    assert read.table("patients")["site"].tolist() == ["north"] * 4
    assert len(read.table("scores")) == 4


def test_a_damaged_parquet_file_is_named_and_nothing_of_it_is_quoted(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    for name, frame in clinic(400).items():
        frame.to_parquet(tmp_path / f"{name}.parquet", compression="zstd")
    path = tmp_path / "scores.parquet"
    damaged = bytearray(path.read_bytes())
    for place in range(40, len(damaged) // 2, 7):  # the pages, not the footer
        damaged[place] ^= 0xFF
    path.write_bytes(bytes(damaged))
    with pytest.raises(DataError, match="rule parquet") as caught:
        read_registry(tmp_path)
    assert caught.value.__context__ is None


class TestDigest:
    @pytest.mark.parametrize(
        ("table", "column", "value"),
        [
            ("patients", "patient_id", "PX"),
            ("patients", "site", "south"),
            ("patients", "age_years", 41.0),
            ("patients", "covariate_hope", 0.5000000001),
            ("patients", "covariate_hope", 2.0),
            ("sessions", "session_id", "SX"),
            ("sessions", "day", 1.0),
            ("sessions", "route", "intravenous"),
            ("sessions", "dose_mg", 75.5),
            ("sessions", "duration_minutes", math.nan),
            ("scores", "score_id", "QX"),
            ("scores", "day", -2.0),
            ("scores", "total", 9.0),
        ],
    )
    def test_any_change_changes_it(self, table: str, column: str, value: Any) -> None:
        tables = clinic()
        if column == "total":
            tables["scores"] = tables["scores"].drop(columns=[f"item_{number}" for number in range(1, 10)])
            tables["scores"]["total"] = 8.0
        before = read_registry(tables).digest
        tables[table].loc[5, column] = value
        for frame in tables.values():
            if column == "patient_id":
                frame["patient_id"] = frame["patient_id"].replace("P5", value)
        changed = read_registry(tables)
        assert not changed.load_report.problems
        assert changed.digest != before

    def test_two_rows_that_change_places_change_it(self) -> None:
        tables = clinic()
        tables["sessions"].loc[0, "dose_mg"], tables["sessions"].loc[1, "dose_mg"] = 60.0, 80.0
        one = read_registry(tables).digest
        tables["sessions"].loc[0, "dose_mg"], tables["sessions"].loc[1, "dose_mg"] = 80.0, 60.0
        assert read_registry(tables).digest != one

    def test_more_texts_than_an_enumeration_takes_change_nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        tables = clinic()
        tables["patients"]["site"] = [f"site {number}" for number in range(6)]
        one = read_registry(tables)
        few = Engine.enumerate_texts
        monkeypatch.setattr(Engine, "enumerate_texts", lambda *given: few(*given, most_values=2))
        other = read_registry(tables)
        assert one.engine.query_types("from patients")["site"] != other.engine.query_types("from patients")["site"]
        assert one.digest == other.digest
        pd.testing.assert_frame_equal(one.table("patients"), other.table("patients"))
        assert select_cohort(one).analysis_set().provenance == select_cohort(other).analysis_set().provenance


class TestRepeatedValues:
    def test_values_that_stand_twice_are_found_exactly(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(repeated_rows, "_HASHES_AT_ONCE", 7)  # many parts
        random = np.random.default_rng(5)
        numbers, texts = (
            random.integers(0, 40, 60),
            np.array([f"t{n}" for n in random.integers(0, 3, 60)], dtype=object),
        )
        with Engine() as engine:
            engine.materialize_arrays("t", {"k": np.arange(60), "n": numbers, "s": texts})
            materialize_repeated(engine, "r", "t", ("n", "s"), "k")
            found = engine.fetch("select k, n, s from r order by k")
        frame = pd.DataFrame({"n": numbers, "s": texts})
        expected = frame[frame.duplicated(keep=False)]
        assert found["k"].tolist() == expected.index.tolist()
        assert found["n"].tolist() == expected["n"].tolist()
        assert found["s"].tolist() == expected["s"].tolist()

    def test_unknown_values_do_not_repeat(self) -> None:
        with Engine() as engine:
            query = "select * from (values (1, 1, null), (2, 1, null), (3, 2, 'a'), (4, 2, 'a')) as v(k, n, s)"
            engine.materialize("t", query)
            materialize_repeated(engine, "r", "t", ("n", "s"), "k")
            assert engine.fetch("select k, n from r order by k")["k"].tolist() == [3, 4]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of 24,000 made-up patients with 24 scores each."""
    pytest.importorskip("pyarrow")
    folder = tmp_path_factory.mktemp("many")
    n, each = 24_000, 24
    random = np.random.default_rng(11)
    keys = np.array([f"P{number:06d}" for number in range(n)], dtype=object)
    order = random.permutation(n * each)
    pd.DataFrame({"patient_id": keys, "age_years": 40}).to_parquet(folder / "patients.parquet")
    pd.DataFrame(
        {"session_id": [f"S{number:06d}" for number in range(n)], "patient_id": keys, "day": 0, "kind": "dosing"}
    ).to_parquet(folder / "sessions.parquet")
    pd.DataFrame(
        {
            "score_id": [f"a quite long key of a score {number:08d}" for number in range(n * each)],
            "patient_id": np.repeat(keys, each),
            "day": np.tile(np.arange(each) * 7 - 7, n),
            "instrument": "PHQ-9",
            "total": random.integers(0, 28, n * each),
        }
    ).iloc[order].to_parquet(folder / "scores.parquet")
    return folder


class TestLittleMemory:
    def test_what_does_not_fit_is_spilled_and_changes_nothing(self, folder: Path, tmp_path: Path) -> None:
        roomy = read_registry(folder)
        spilled: list[int] = []
        with Engine(memory_limit="48MB", temp_directory=str(tmp_path / "spill"), threads=1) as engine:
            sizes = "select coalesce(sum(size), 0) from duckdb_temporary_files()"
            read = read_registry(folder, engine=engine, progress=lambda _: spilled.append(int(engine.scalar(sizes))))
            assert max(spilled) > 0
            assert read.digest == roomy.digest
            scores = select_cohort(read).analysis_set().scores
        assert np.array_equal(scores, select_cohort(roomy).analysis_set().scores)
        assert not [path for path in (tmp_path / "spill").rglob("*") if path.is_file()]

    def test_without_a_folder_for_it_the_load_says_what_is_missing(self, folder: Path) -> None:
        with (
            Engine(memory_limit="48MB", threads=1) as engine,
            pytest.raises(KatOutcomesError, match="give the Engine a larger memory_limit, or a temp_directory"),
        ):
            read_registry(folder, engine=engine)


@pytest.mark.parametrize("options", [{"memory_limit": "much"}, {"threads": 0}, {"threads": "two"}])
def test_options_of_the_engine_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(KatOutcomesError, match="memory_limit is a size"):
        Engine(**options)


def test_progress_tells_every_step() -> None:
    said: list[str] = []
    read_registry(clinic(), progress=said.append)
    assert said[0] == "looking for tables"
    assert [step for step in said if step.startswith("reading")] == [
        "reading patients", "reading sessions", "reading scores",
    ]  # fmt: skip
    assert said[-1] == "taking the digest"
