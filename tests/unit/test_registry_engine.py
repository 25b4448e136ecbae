"""The data engine: what may be put into a stage, what a query gives back, and what never reaches the disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from katoutcomes.errors import KatOutcomesError, OptionError
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.engines.stage_texts import stage_text

ROOM = "katoutcomes.registry"


def test_a_stage_is_filled_with_identifiers_and_numbers() -> None:
    text = stage_text(ROOM, "02_rejected_rows", table="sessions", file=2)
    assert "from linked_sessions as t" in text
    assert "p.file = 2" in text
    assert "{{" not in text


@pytest.mark.parametrize(
    ("value", "written"),
    [(-14, "p.file = -14"), (7.5, "p.file = 7.5e0"), (1e-9, "p.file = 1e-09"), ("x", "p.file = x")],
)
def test_how_values_are_written(value: float | str, written: str) -> None:
    assert written in stage_text(ROOM, "02_rejected_rows", table="scores", file=value)


@pytest.mark.parametrize(
    "value",
    ["sessions; drop table patients", "a b", "'x'", '"x"', "", "1x", "x" * 64, "é", True, None, float("nan"),
     float("inf"), [1], b"x"],
)  # fmt: skip
def test_nothing_else_gets_into_a_stage(value: object) -> None:
    with pytest.raises(OptionError, match="placeholder 'table'") as caught:
        stage_text(ROOM, "02_rejected_rows", table=value, file=2)  # type: ignore[arg-type]
    assert "drop" not in str(caught.value)


@pytest.mark.parametrize("values", [{"table": "scores"}, {"table": "scores", "file": 1, "day": 2}, {}])
def test_a_stage_takes_exactly_its_placeholders(values: dict[str, str | int]) -> None:
    with pytest.raises(OptionError, match="takes \\['file', 'table'\\]"):
        stage_text(ROOM, "02_rejected_rows", **values)


def test_fetch_masks_what_is_unknown() -> None:
    with Engine() as engine:
        engine.materialize(
            "t", "select * from (values (1, 'a', 0.5e0), (2, null, null), (null, 'c', 1e0)) as v(i, s, x)"
        )
        columns = engine.fetch("select i, s, x from t order by i nulls last")
    assert isinstance(columns["i"], np.ma.MaskedArray)
    assert np.ma.getmaskarray(columns["i"]).tolist() == [False, False, True]
    assert np.ma.getdata(columns["i"])[:2].tolist() == [1, 2]
    assert np.ma.getmaskarray(columns["s"]).tolist() == [False, True, False]
    assert columns["x"].dtype == np.float64


def test_an_integer_sum_is_an_integer_when_cast() -> None:
    with Engine() as engine:
        total = engine.fetch("select cast(sum(i) as bigint) as total from (values (1), (2)) as v(i)")["total"]
    assert total.dtype == np.int64
    assert total.tolist() == [3]


def test_scalar() -> None:
    with Engine() as engine:
        assert engine.scalar("select 3") == 3
        assert engine.scalar("select cast(null as int)") is None
        for query in ("select 1, 2", "select 1 where 1 = 0"):
            with pytest.raises(OptionError, match="one row and one column"):
                engine.scalar(query)


def test_no_query_blocks_the_next_one() -> None:
    with Engine() as engine:
        engine.materialize("t", "select 1 as a")
        for leave in (
            lambda: engine.scalar("select 3"),
            lambda: engine.columns("t"),
            lambda: engine.fetch("select a from t order by a"),
            lambda: engine.query_types("select a from t"),
        ):
            leave()
            engine.materialize_arrays("u", {"n": np.arange(2)})
        with pytest.raises(OptionError):
            engine.scalar("select * from range(3000)")
        engine.materialize_arrays("u", {"n": np.arange(2)})


def test_materialize_replaces_insert_appends_and_drop_forgets() -> None:
    with Engine() as engine:
        engine.materialize("t", "select 1 as a")
        engine.materialize("t", "select 2 as b")
        engine.insert("t", "select 3")
        assert engine.columns("t") == ("b",)
        assert engine.fetch("select b from t order by b")["b"].tolist() == [2, 3]
        engine.drop("t", "never_there")
        assert engine.fetch("select count(*) as n from duckdb_tables()")["n"].tolist() == [0]


@pytest.mark.parametrize("name", ["a b", "t; drop table u", "", "1t"])
def test_table_names_are_plain(name: str) -> None:
    with Engine() as engine:
        for use in (engine.columns, engine.drop):
            with pytest.raises(OptionError, match="table name"):
                use(name)
        with pytest.raises(OptionError, match="table name"):
            engine.materialize(name, "select 1")


def test_arrays_become_a_table_and_text_is_never_guessed() -> None:
    text = np.array(["007", "1e5", "", "2031-01-01"] + ["x"] * 3000, dtype=object)
    with Engine() as engine:
        engine.materialize_arrays("t", {"n": np.arange(len(text)), "s": text})
        assert engine.query_types("select * from t") == {"n": "BIGINT", "s": "VARCHAR"}
        assert engine.fetch("select s from t order by n limit 4")["s"].tolist() == text[:4].tolist()


def test_a_variable_of_the_caller_is_not_a_table() -> None:
    secret = {"a": np.array([1])}
    with Engine() as engine, pytest.raises(Exception, match="secret"):
        engine.fetch("select a from secret")
    assert secret["a"].tolist() == [1]


def test_two_engines_do_not_share_tables() -> None:
    with Engine() as one, Engine() as other:
        one.materialize("t", "select 1 as a")
        assert other.scalar("select count(*) from duckdb_tables()") == 0


def test_settings_are_those_that_are_written_down(tmp_path: Path) -> None:
    query = "select value from duckdb_settings() where name = '{}'"
    expected = {
        "preserve_insertion_order": "false",
        "default_null_order": "NULLS_LAST",
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "python_enable_replacements": "false",
        "enable_progress_bar": "false",
        "temp_directory": "",
    }
    with Engine() as engine:
        for name, value in expected.items():
            assert str(engine.scalar(query.format(name))).casefold() == value.casefold(), name
    with Engine(temp_directory=str(tmp_path), memory_limit="100MB") as engine:
        assert engine.scalar(query.format("temp_directory")) == str(tmp_path)
        assert engine.scalar(query.format("memory_limit")) == "95.3 MiB"


def test_nothing_is_written_to_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with Engine(memory_limit="60MB") as engine, pytest.raises(KatOutcomesError, match="not enough memory"):
        engine.materialize("t", "select i, repeat('x', 200) || i as s from range(2000000) as r(i) order by s")
    assert not list(tmp_path.iterdir())


def test_a_file_that_cannot_be_read_is_not_quoted(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,b\nCANARY,1,2\n", encoding="utf-8")
    query = "select * from read_csv(?, auto_detect = false, columns = {'a': 'VARCHAR', 'b': 'VARCHAR'}, header = true)"
    with Engine() as engine:
        with pytest.raises(ValueError, match="cannot read this file") as caught:
            engine.materialize_file("t", query, str(path))
        assert caught.value.__context__ is None
        with pytest.raises(ValueError, match="cannot read this file"):
            engine.file_types("select * from read_parquet(?)", str(path))
        preserved = engine.scalar("select value from duckdb_settings() where name = 'preserve_insertion_order'")
        assert preserved == "false"


def test_an_error_of_the_engine_does_not_quote_a_value() -> None:
    with Engine() as engine:
        engine.materialize_arrays("t", {"s": np.array(["CANARY"], dtype=object)})
        for use in (
            lambda: engine.fetch("select cast(s as int) from t"),
            lambda: engine.scalar("select cast(s as date) from t"),
            lambda: engine.materialize("u", "select cast(s as double) as x from t"),
            lambda: engine.insert("t", "select cast(cast(s as int) as varchar) from t"),
        ):
            with pytest.raises(KatOutcomesError, match="cannot convert") as caught:
                use()
            assert caught.value.__context__ is None
            assert "CANARY" not in str(caught.value)
        assert engine.scalar("select s from t") == "CANARY"


def test_close_may_be_called_twice() -> None:
    engine = Engine()
    engine.close()
    engine.close()


def test_a_table_may_be_made_from_the_view_whose_name_it_takes() -> None:
    with Engine() as engine:
        engine.materialize("source", "select 1 as a union all select 2")
        engine.view("t", "select a from source")
        engine.materialize("t", "select a + 1 as a from t")
        engine.drop("source")
        assert engine.fetch("select a from t order by a")["a"].tolist() == [2, 3]
        engine.view("t", "select 5 as a")
        assert engine.scalar("select a from t") == 5
        assert engine.fetch("select count(*) as n from duckdb_tables()")["n"].tolist() == [0]


def test_many_rows_are_fetched_in_the_order_that_is_asked_for() -> None:
    made = "select (range * 7919 % 300007)::int as i, cast(if(range % 5 = 0, 'b', 'a') as enum('b', 'a')) as e"
    with Engine(threads=2) as engine:
        engine.materialize("t", f"{made} from range(300000)")
        query = "select i, e, i / 3 as third, nullif(i % 4, 1)::smallint as rest from t order by i desc"
        expected = engine.fetch_coded(query)
        engine.expect_rows(300_000)
        found = engine.fetch_coded(query)
    assert (np.diff(found["i"]) < 0).all()
    assert found["e"].values == expected["e"].values == ("b", "a")
    np.testing.assert_array_equal(found["e"].codes, expected["e"].codes)
    for name in ("i", "third", "rest"):
        assert found[name].dtype == expected[name].dtype
        np.testing.assert_array_equal(np.ma.filled(found[name], -9), np.ma.filled(expected[name], -9))


def test_enumerations_are_fetched_as_texts_and_as_codes() -> None:
    query = "select cast(v as enum('b', 'a')) as e from (values (1, 'a'), (2, null), (3, 'b')) as t(i, v) order by i"
    with Engine() as engine:
        texts, coded = engine.fetch(query)["e"], engine.fetch_coded(query)["e"]
    assert texts.tolist() == ["a", None, "b"]
    assert (coded.codes.tolist(), coded.values) == ([1, -1, 0], ("b", "a"))
    assert coded.texts().tolist() == texts.tolist()
