"""Every row of every file is accepted, rejected or left out, and every rejected row can be written. Synthetic data."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from katoutcomes.registry.checking.row_accounting import Accounting, count_rows
from katoutcomes.registry.checking.rules import Cause, Rule
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.load_reports.load_report import LoadReport, Problem, SourceFileCounts
from katoutcomes.registry.readers.conversion import LeftOut, SourceFile
from katoutcomes.registry.reading import read_registry
from katoutcomes.registry.tables import TABLES

N_PATIENTS = 60


def many_faults() -> dict[str, pd.DataFrame]:
    """Tables of which many rows break one rule or several."""
    rng = np.random.default_rng(5)
    keys = [f"P{number:02d}" for number in range(N_PATIENTS)]
    n_sessions = 4 * N_PATIENTS
    return {
        "patients": pd.DataFrame(
            {
                "patient_id": keys,
                "age_years": rng.choice(["40", "9", "forty"], N_PATIENTS),
                "sex": rng.choice(["female", "F"], N_PATIENTS),
            }
        ),
        "sessions": pd.DataFrame(
            {
                "session_id": [f"S{number}" for number in rng.integers(0, 2 * n_sessions, n_sessions)],
                "patient_id": rng.choice([*keys, "P99"], n_sessions),
                "day": rng.choice(["0", "7", "x", "9999"], n_sessions),
                "kind": rng.choice(["dosing", "integration", "Dosing"], n_sessions),
                "dose_mg": rng.choice(["75", "", "75 mg"], n_sessions),
            }
        ),
    }


def lines_of(path: Path) -> list[tuple[str, ...]]:
    with path.open(encoding="utf-8", newline="") as file:
        return [tuple(line) for line in csv.reader(file)]


def test_the_file_of_rejects_holds_every_rejected_row_with_every_rule(tmp_path: Path) -> None:
    report = read_registry(many_faults()).load_report
    report.write_rejects(tmp_path / "rejects.csv")
    header, *lines = lines_of(tmp_path / "rejects.csv")
    assert header == ("file", "row", "column", "rule", "description")
    assert len(lines) == len(set(lines)) == sum(problem.n_rows for problem in report.problems) > 200
    for problem in report.problems:
        rows = [int(row) for file, row, column, rule, _ in lines if (file, column, rule) == key_of(problem)]
        assert len(rows) == problem.n_rows
        assert rows == sorted(rows)
        assert tuple(rows[:20]) == problem.row_numbers
    for file in report.source_files:
        assert len({row for name, row, *_ in lines if name == file.file}) == file.rows_rejected
        assert file.rows_in == file.rows_accepted + file.rows_rejected + file.rows_left_out
    places = [("patients", "sessions").index(line[0]) for line in lines]
    assert places == sorted(places)


def key_of(problem: Problem) -> tuple[str, str, str]:
    return problem.file, problem.column, problem.rule


def test_without_rejections_there_is_a_header_alone(tmp_path: Path) -> None:
    patients = pd.DataFrame({"patient_id": ["P1"]})
    sessions = pd.DataFrame({"session_id": ["S1"], "patient_id": ["P1"], "day": [0], "kind": ["dosing"]})
    read_registry({"patients": patients, "sessions": sessions}).load_report.write_rejects(tmp_path / "r.csv")
    assert lines_of(tmp_path / "r.csv") == [("file", "row", "column", "rule", "description")]
    LoadReport(files=(), problems=()).write_rejects(tmp_path / "s.csv")
    assert (tmp_path / "s.csv").read_bytes() == (tmp_path / "r.csv").read_bytes()


FILES = (SourceFile("one.csv", 6), SourceFile("two.csv", 3))
LEFT_OUT = (
    LeftOut("one.csv", "status", "form", "must be complete", np.array([5, 6])),
    LeftOut("two.csv", "status", "form", "must be complete", np.array([1])),
    LeftOut("two.csv", "empty", "total", "must be filled", np.array([1, 3])),
)


def accounted(left_out: tuple[LeftOut, ...] = LEFT_OUT, files: tuple[SourceFile, ...] = FILES) -> Accounting:
    """Rows 1 to 4 of one.csv and 2 of two.csv became records; some of them break rules, one row in two tables."""
    rules = (
        Rule("range", "patients", "age_years", "must be small", "x", "true", (Cause("a large number", "true"),)),
        Rule("unlinked", "sessions", "patient_id", "must be there", "x", "true"),
        Rule("unlinked", "sessions", "patient_id", "must be there", "y", "true"),
    )
    with Engine() as engine:
        engine.materialize_arrays("origin_patients", origin([0, 0, 1], [1, 2, 2]))
        engine.materialize_arrays("origin_sessions", origin([0, 0, 0, 0], [1, 3, 4, 4]))
        problems = [(1, 0, 2), (2, 1, 1), (2, 2, 1), (2, 1, 3), (2, 2, 4)]
        engine.materialize("problems", values_of(problems, "file, rule, input_row"))
        engine.materialize("problem_causes", values_of([(1, 0, 0, 2)], "file, rule, cause, input_row"))
        for name, n_accepted in (("patients", 2), ("sessions", 1), ("scores", 0), ("adverse_events", 0)):
            engine.materialize(name, f"select 1 as a from range({n_accepted})")  # noqa: S608
        rows_in = {schema.name: {"patients": 3, "sessions": 4}.get(schema.name, 0) for schema in TABLES}
        names = {"patients": "patients", "sessions": "one.csv"}
        return count_rows(engine, rules, rows_in, names, source_files=files, left_out=left_out)


def origin(file: list[int], row: list[int]) -> dict[str, Any]:
    return {
        "input_row": np.arange(1, len(row) + 1, dtype=np.int64),
        "file": np.array(file, dtype=np.int32),
        "file_row": np.array(row, dtype=np.int64),
    }


def values_of(rows: list[tuple[int, ...]], names: str) -> str:
    return f"select * from (values {', '.join(str(row) for row in rows)}) as t({names})"  # noqa: S608


def test_converted_rows_are_counted_where_they_came_from() -> None:
    found = accounted()
    # Row 1 of one.csv made a sound patient and a rejected session; row 4 made two sessions, both rejected.
    assert found.source_files == (SourceFileCounts("one.csv", 6, 1, 3, 2), SourceFileCounts("two.csv", 3, 1, 0, 2))
    assert [(p.file, p.rule, p.n_rows, p.row_numbers, p.causes) for p in found.problems] == [
        ("one.csv", "range", 1, (2,), (("a large number", 1),)),
        ("one.csv", "unlinked", 2, (1, 4), ()),
    ]
    assert [(p.file, p.rule, p.row_numbers) for p in found.left_out_rows] == [
        ("one.csv", "status", (5, 6)),
        ("two.csv", "status", (1,)),
        ("two.csv", "empty", (1, 3)),
    ]
    rows = found.rejected_rows
    assert list(zip(rows.file.tolist(), rows.row.tolist(), rows.problem.tolist(), strict=True)) == [
        (0, 1, 1), (0, 2, 0), (0, 4, 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("left_out", "files"), [(LEFT_OUT[:2], FILES), (LEFT_OUT, (SourceFile("one.csv", 7), SourceFile("two.csv", 3)))]
)
def test_a_row_that_nobody_accounts_for_is_an_error(
    left_out: tuple[LeftOut, ...], files: tuple[SourceFile, ...]
) -> None:
    with pytest.raises(AssertionError, match="do not add up"):
        accounted(left_out, files)
