"""CSV files of every dialect as raw tables, and frames of three libraries. All data are synthetic."""

from __future__ import annotations

import datetime as dt
import importlib.util
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from katoutcomes.errors import DataError, OptionError
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.readers.raw_tables import FileDialect, RawTable, read_raw
from katoutcomes.registry.reading import read_registry

ROWS = [["id", "Größe", "note"], ["1", "12,5", "a b"], ["2", "", "x"]]


def read(path: Path, dialect: FileDialect) -> tuple[RawTable, list[tuple[int | str | None, ...]]]:
    with Engine() as engine:
        raw = read_raw(engine, path, "raw", dialect=dialect)
        if raw.faults:
            return raw, []
        columns = engine.fetch("select * from raw order by input_row")
        return raw, list(zip(*(column.tolist() for column in columns.values()), strict=True))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16"])
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_every_dialect_gives_the_same_cells(tmp_path: Path, encoding: str, separator: str, ending: str) -> None:
    quoted = [[f'"{cell}"' if separator in cell else cell for cell in row] for row in ROWS]
    text = "A report" + ending + ending.join(separator.join(row) for row in quoted) + ending
    path = tmp_path / "a.csv"
    path.write_bytes(text.encode(encoding))
    stated = "utf-8" if encoding == "utf-8-sig" else encoding
    raw, cells = read(path, FileDialect(encoding=stated, separator=separator, skip_rows=1))
    assert raw.columns == ("id", "Größe", "note")
    assert cells == [(1, "1", "12,5", "a b"), (2, "2", None, "x")]


def test_line_breaks_and_doubled_quotes_in_quoted_cells(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('a,b\n"x ""y""\nz",1\n\nq,2\n', encoding="utf-8")
    assert read(path, FileDialect())[1] == [(1, 'x "y"\nz', "1"), (2, "q", "2")]


def test_single_quotes_and_no_break_spaces(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n'x,y',\u00a01\t\n", encoding="utf-8")
    assert read(path, FileDialect(quote="'"))[1] == [(1, "x,y", "1")]


def test_separators_at_the_end_of_every_line_are_no_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a;b;;\n1;2;;\n3;4; ;\n", encoding="utf-8")
    raw, cells = read(path, FileDialect(separator=";"))
    assert raw.columns == ("a", "b")
    assert cells == [(1, "1", "2"), (2, "3", "4")]


def test_more_rows_than_one_block(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a\n" + "".join(f"v{number}\n" for number in range(45_000)), encoding="utf-8")
    raw, cells = read(path, FileDialect())
    assert raw.n_rows == 45_000
    assert cells[20_000] == (20_001, "v20000")


def test_a_native_file_of_another_dialect_names_the_line_of_a_mapping_that_reads_it(tmp_path: Path) -> None:
    (tmp_path / "sessions.csv").write_bytes(b"session_id;patient_id\n")
    (tmp_path / "patients.csv").write_bytes("patient_id,site\nP1,Zürich\n".encode("latin-1"))
    with pytest.raises(DataError) as raised:
        read_registry(tmp_path)
    assert 'separator = ";"' in str(raised.value)
    (tmp_path / "sessions.csv").write_text("session_id,patient_id,day,kind\nS1,P1,0,dosing\n", encoding="utf-8")
    with pytest.raises(DataError) as raised:
        read_registry(tmp_path)
    assert 'encoding = "cp1252"' in str(raised.value)
    (tmp_path / "patients.csv").write_bytes("patient_id,site\nP1,Zürich\n".encode("utf-16"))
    with pytest.raises(DataError) as raised:
        read_registry(tmp_path)
    assert 'encoding = "utf-16"' in str(raised.value)
    (tmp_path / "patients.csv").write_bytes("patient_id,site\nP1,Zürich\n".encode("utf-8-sig"))
    assert read_registry(tmp_path).table("patients")["site"].tolist() == ["Zürich"]


TABLES: dict[str, dict[str, list[Any]]] = {
    "patients": {"patient_id": ["P1", "P2"], "age_years": [41, None], "eligible_consent": [True, None]},
    "sessions": {
        "session_id": ["S1", "S2"],
        "patient_id": ["P1", "P2"],
        "date": [dt.date(2031, 3, 4), dt.date(2031, 3, 5)],
        "time": [dt.time(9, 30), None],
        "kind": ["dosing", "dosing"],
        "dose_mg": [75.0, 50.5],
    },
    "scores": {
        "score_id": ["Q1", "Q2"],
        "patient_id": ["P1", "P2"],
        "date": [dt.datetime.fromisoformat("2031-03-04"), dt.datetime.fromisoformat("2031-03-05")],
        "instrument": ["PHQ-9", "PHQ-9"],
        "total": [12, None],
        **{f"item_{number}": [None, 1] for number in range(1, 10)},
    },
}
MAKERS = {
    "Polars": pl.DataFrame,
    "Polars lazy": pl.LazyFrame,
    "Polars categorical": lambda table: pl.DataFrame(table).with_columns(pl.col("patient_id").cast(pl.Categorical)),
    "Arrow": pa.table,
    "pandas with Arrow types": lambda table: pa.table(table).to_pandas(types_mapper=pd.ArrowDtype),
}


def digest(make: Any) -> str:
    registry = read_registry({name: make(table) for name, table in TABLES.items()})
    assert not registry.load_report.problems
    return registry.digest


@pytest.mark.parametrize("name", MAKERS)
def test_every_library_gives_the_same_digest(name: str) -> None:
    assert digest(MAKERS[name]) == digest(pd.DataFrame)


def test_polars_without_pyarrow(monkeypatch: pytest.MonkeyPatch) -> None:
    from katoutcomes.registry.readers import frames

    monkeypatch.setattr(frames, "find_spec", lambda name: None if name == "pyarrow" else importlib.util.find_spec(name))
    assert digest(pl.DataFrame) == digest(pd.DataFrame)


def test_what_is_no_frame_is_refused() -> None:
    with pytest.raises(OptionError, match="a frame of pandas, Polars or Arrow"):
        read_registry({"patients": [1, 2], "sessions": [3]})
