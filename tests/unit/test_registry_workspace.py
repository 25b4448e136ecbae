"""A workspace: what is kept, what is found again, and what an interruption leaves."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pytest

import katoutcomes as kat
from katoutcomes.errors import DataError, IdentifierError, KatOutcomesError, OptionError
from katoutcomes.registry import fingerprint as fingerprint_module
from katoutcomes.registry.engines.workspace import WorkspaceEngine
from katoutcomes.registry.registry import Registry
from katoutcomes.registry.synthetic.clinic import simulate_tables, write_tables
from katoutcomes.registry.tables import KEPT_TABLES

FOUND = "taking the registry from the workspace"


@pytest.fixture(autouse=True)
def _program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take the program for unchanged, also where somebody edits it while the tests run."""
    monkeypatch.setattr(fingerprint_module, "_program_digest", lambda: "this program")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A simulated clinic with some rows that break rules, made for these tests."""
    tables = simulate_tables(1, n_patients=40)
    tables["patients"].loc[3, "age_years"] = 7
    tables["scores"].loc[5, "total"] = 99
    tables["sessions"]["favorite_color"] = "blue"
    write_tables(tables, tmp_path / "data")
    return tmp_path / "data"


def read(data: Path, workspace: Path, **options: object) -> tuple[Registry, list[str]]:
    said: list[str] = []
    registry = kat.read_registry(data, engine=WorkspaceEngine(workspace), progress=said.append, **options)  # type: ignore[arg-type]
    return registry, said


def test_an_unchanged_input_is_not_loaded_twice(data: Path, tmp_path: Path) -> None:
    plain = kat.read_registry(data)
    first, said = read(data, tmp_path / "kept")
    assert FOUND not in said
    first.close()
    again, said = read(data, tmp_path / "kept")
    assert said == [FOUND]
    for registry in (first, again):
        assert registry.load_report == plain.load_report
        assert (registry.digest, registry.settings, registry.patient_columns, registry.has_minutes) == (
            plain.digest, plain.settings, plain.patient_columns, plain.has_minutes
        )  # fmt: skip
    plain.load_report.write_rejects(tmp_path / "rejects.csv")
    again.load_report.write_rejects(tmp_path / "rejects_again.csv")
    assert (tmp_path / "rejects.csv").read_bytes() == (tmp_path / "rejects_again.csv").read_bytes()
    assert len((tmp_path / "rejects.csv").read_text(encoding="utf-8").splitlines()) > 2
    assert again.table("scores").equals(plain.table("scores"))
    results = [kat.change_from_baseline(kat.select_cohort(one).analysis_set()).to_json() for one in (plain, again)]
    assert results[0] == results[1]


def test_a_change_of_anything_is_a_new_load(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = tmp_path / "kept"
    read(data, kept)[0].close()
    for options in ({"rekey_salt": "a salt of sixteen"}, {"rekey_salt": "another of sixteen"}):
        registry, said = read(data, kept, **options)
        assert FOUND not in said
        registry.close()
    read(data, kept)[0].close()
    scores = data / "scores.csv"
    scores.write_text(scores.read_text(encoding="utf-8").replace("GAD-7", "PHQ-9", 1), encoding="utf-8")
    registry, said = read(data, kept)
    assert FOUND not in said
    assert registry.digest == kat.read_registry(data).digest
    registry.close()
    monkeypatch.setattr(fingerprint_module, "_program_digest", lambda: "another program")
    registry, said = read(data, kept)
    assert FOUND not in said
    registry.close()
    assert read(data, kept)[1] == [FOUND]


def test_finished_stages_are_taken_and_others_made(data: Path, tmp_path: Path) -> None:
    registry, _ = read(data, tmp_path / "kept")
    first = kat.select_cohort(registry).analysis_set()
    registry.close()
    registry, _ = read(data, tmp_path / "kept")
    engine = registry.engine
    assert isinstance(engine, WorkspaceEngine)
    made: list[str] = []
    remember = WorkspaceEngine._remember
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            WorkspaceEngine, "_remember", lambda self, name, origin: (made.append(name), remember(self, name, origin))
        )
        again = kat.select_cohort(registry).analysis_set()
    assert not [name for name in made if name.endswith(("dosing_sessions", "courses", "phases", "analyzed"))]
    assert first.scores.tobytes() == again.scores.tobytes()
    assert first.baseline.tobytes() == again.baseline.tobytes()


def test_a_table_is_known_by_all_it_was_made_of(data: Path, tmp_path: Path) -> None:
    registry, _ = read(data, tmp_path / "kept")
    engine = registry.engine
    assert isinstance(engine, WorkspaceEngine)
    engine.materialize_arrays("days", {"day": np.array([1, 2])})
    engine.materialize("twice", "select 2 * day as day from days")
    engine.materialize_arrays("days", {"day": np.array([1, 3])})
    engine.materialize("twice", "select 2 * day as day from days")
    assert engine.scalar("select max(day) from twice") == 6
    engine.insert("days", "select 10 as day")
    engine.materialize("twice", "select 2 * day as day from days")
    assert engine.scalar("select max(day) from twice") == 20
    engine.materialize_arrays("days", {"day": np.array([1, 2])})
    engine.materialize("twice", "select 2 * day as day from days")
    assert engine.scalar("select max(day) from twice") == 4
    engine.materialize_arrays("texts", {"text": np.array(["a"], dtype=object)})
    engine.materialize("same", "select text from texts")
    engine.materialize_arrays("texts", {"text": np.array(["b"], dtype=object)})
    engine.materialize("same", "select text from texts")
    assert engine.scalar("select text from same") == "b"
    engine.view("seen", "select 1 as day")
    engine.materialize("of_view", "select day from seen")
    engine.view("seen", "select 2 as day")
    engine.materialize("of_view", "select day from seen")
    assert engine.scalar("select day from of_view") == 2
    engine.delete("days", "day = 2")
    engine.materialize("twice", "select 2 * day as day from days")
    assert engine.scalar("select max(day) from twice") == 2
    engine.update("days", "day = 5", "(select 1) as one")
    engine.materialize("twice", "select 2 * day as day from days")
    assert engine.scalar("select max(day) from twice") == 10
    for change in (engine.drop, lambda name: engine.insert(name, "select 1"), lambda name: engine.delete(name, "true")):
        with pytest.raises(OptionError, match="never changed"):
            change("patients")


def test_nothing_but_accepted_rows_is_written(data: Path, tmp_path: Path) -> None:
    """The planted values are made up."""
    kept = tmp_path / "kept"
    patients = data / "patients.csv"
    text = patients.read_text(encoding="utf-8")
    patients.write_text(text.replace("P0007,", "PLANTED_KEY,", 1).replace("West", "west wing", 1), encoding="utf-8")
    sessions = data / "sessions.csv"
    sessions.write_text(sessions.read_text(encoding="utf-8").replace("blue", "PLANTED_COLOR"), encoding="utf-8")
    rejected = patients.read_text(encoding="utf-8").splitlines()[4].split(",")[0]
    registry, _ = read(data, kept)
    kat.select_cohort(registry)
    names = set(registry.engine.fetch("select table_name from duckdb_tables() order by table_name")["table_name"])
    assert {name for name in names if not name.startswith("cohort_")} == {
        *KEPT_TABLES, "kept_registry", "kept_stages"
    }  # fmt: skip
    assert rejected not in set(registry.table("patients")["patient_id"])
    registry.close()
    content = b"".join(path.read_bytes() for path in kept.iterdir())
    assert b"PLANTED_COLOR" not in content
    assert b"favorite_color" in content  # the load report names the column that was left out


def test_a_refused_load_leaves_nothing(data: Path, tmp_path: Path) -> None:
    """The address is made up."""
    kept = tmp_path / "kept"
    sessions = data / "sessions.csv"
    sessions.write_text(sessions.read_text(encoding="utf-8").replace("blue", "someone@example.org"), encoding="utf-8")
    with pytest.raises(IdentifierError):
        read(data, kept)
    assert list(kept.iterdir()) == []
    (data / "patients.csv").write_text("patient_id\n", encoding="utf-8")
    sessions.unlink()
    with pytest.raises(DataError):
        read(data, kept)
    assert list(kept.iterdir()) == []


STOPPED = """
import os, sys
import katoutcomes as kat
from katoutcomes.registry import fingerprint
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.engines.workspace import WorkspaceEngine

fingerprint._program_digest = lambda: "this program"
data, kept, where, nth = sys.argv[1:]
calls = 0
def stop_at(original):
    def stopped(self, *given, **named):
        global calls
        calls += 1
        if calls == int(nth):
            os._exit(7)
        return original(self, *given, **named)
    return stopped

if where == "keep":
    WorkspaceEngine._attach = stop_at(WorkspaceEngine._attach)
if where == "load":
    Engine.materialize = stop_at(Engine.materialize)
engine = WorkspaceEngine(kept)
registry = kat.read_registry(data, engine=engine)
if where == "made":
    WorkspaceEngine._remember = stop_at(WorkspaceEngine._remember)
if where == "stage":
    Engine.materialize = stop_at(Engine.materialize)
kat.select_cohort(registry)
os._exit(0)
"""


@pytest.mark.parametrize(
    ("where", "nth", "is_kept"),
    [("load", 12, False), ("keep", 2, True), ("stage", 4, True), ("made", 5, True)],
)
def test_a_run_that_was_stopped_is_continued(data: Path, tmp_path: Path, where: str, nth: int, is_kept: bool) -> None:
    kept = tmp_path / "kept"
    ended = subprocess.run([sys.executable, "-c", STOPPED, data, kept, where, str(nth)], check=False)
    assert ended.returncode == 7
    registry, said = read(data, kept)
    assert (FOUND in said) is is_kept
    plain = kat.read_registry(data)
    assert registry.digest == plain.digest
    one, other = (kat.select_cohort(each).analysis_set() for each in (registry, plain))
    assert one.scores.tobytes() == other.scores.tobytes()
    assert one.attrition == other.attrition
    registry.close()


def test_a_write_that_was_stopped_is_not_taken_for_a_finished_one(data: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    read(data, kept)[0].close()
    shutil.move(kept / "registry.duckdb", kept / "unfinished.duckdb")
    registry, said = read(data, kept)
    assert FOUND not in said
    registry.close()
    assert [path.name for path in kept.iterdir()] == ["registry.duckdb"]


def test_a_workspace_is_a_folder_of_its_own(data: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="folder of its own"):
        WorkspaceEngine(data)
    with pytest.raises(OptionError, match="folder of its own"):
        WorkspaceEngine(data / "patients.csv")
    WorkspaceEngine(tmp_path / "new").close()
    assert (tmp_path / "new").stat().st_mode & 0o077 == 0


def test_what_cannot_be_opened_is_said(data: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "registry.duckdb").write_bytes(b"no database" * 1000)
    with pytest.raises(KatOutcomesError, match="the workspace cannot be opened") as caught:
        read(data, tmp_path / "kept")
    assert not isinstance(caught.value.__context__, duckdb.Error)


def test_frames_are_loaded_anew(tmp_path: Path) -> None:
    tables = simulate_tables(1, n_patients=30)
    for _ in range(2):
        said: list[str] = []
        registry = kat.read_registry(tables, engine=WorkspaceEngine(tmp_path / "kept"), progress=said.append)
        assert FOUND not in said
        assert registry.digest == kat.read_registry(tables).digest
        registry.close()


def test_one_engine_takes_another_registry(data: Path, tmp_path: Path) -> None:
    engine = WorkspaceEngine(tmp_path / "kept")
    kat.select_cohort(kat.read_registry(data, engine=engine))
    write_tables(simulate_tables(2, n_patients=40), tmp_path / "other")
    other = kat.read_registry(tmp_path / "other", engine=engine)
    plain = kat.read_registry(tmp_path / "other")
    assert other.digest == plain.digest
    one, two = (kat.select_cohort(each).analysis_set() for each in (other, plain))
    assert one.scores.tobytes() == two.scores.tobytes()
    other.close()
