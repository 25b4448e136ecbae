"""Every stage and every result is the same on DuckDB and on Spark: row for row, digit for digit."""

from __future__ import annotations

import doctest
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import katoutcomes as kat
from katoutcomes.cohorts.data_end import data_end
from katoutcomes.cohorts.item_answers import item_answers
from katoutcomes.errors import KatOutcomesError, OptionError
from katoutcomes.registry.engines.engine import Engine
from katoutcomes.registry.engines.spark_engine import SparkEngine
from katoutcomes.registry.engines.stage_texts import stage_text
from katoutcomes.registry.engines.table_engine import TableEngine
from katoutcomes.registry.registry import Registry
from katoutcomes.registry.synthetic.clinic import simulate_tables
from katoutcomes.registry.tables import KEPT_TABLES, TABLES

pytestmark = [pytest.mark.spark, pytest.mark.xdist_group("spark")]

N_PATIENTS = 150
SEED = 20260930
STAGES = Path(kat.__file__).parent / "cohorts" / "sql"

VISITS = (
    kat.VisitWindow("week 4", target_day=28, first_day=14, last_day=42),
    kat.VisitWindow("week 12", target_day=84, first_day=70, last_day=98, choice="mean"),
    kat.VisitWindow("after induction", target_day=7, first_day=0, last_day=21, anchor="end of induction"),
    kat.VisitWindow("dose 3", target_day=0, first_day=-7, last_day=0, anchor="dose 3", choice="last"),
)
DEFINITIONS = {
    "default": kat.CohortDefinition(),
    "criteria": kat.CohortDefinition(
        gap_days=60,
        baseline_choice="mean",
        criteria=(
            kat.Criterion("age_years", ">=", 18, "under 18"),
            kat.Criterion("eligible_consent", "==", 1, "no consent"),
            kat.Criterion("baseline_score", ">=", 9.5, "hardly depressed"),
        ),
    ),
    "last course": kat.CohortDefinition(course="last", instrument="GAD-7"),
    "subscale": kat.CohortDefinition(instrument="PHQ-8", criteria=()),
}


@dataclass(frozen=True)
class Answer:
    """What was asked, and the rows that came back, each as often as it stands there: what EXCEPT ALL compares."""

    asked: str
    columns: tuple[str, ...]
    rows: Counter[tuple[Any, ...]]


class RecordedEngine:
    """Passes everything on to another engine, and writes down what every stage made and every query gave."""

    def __init__(self, engine: TableEngine) -> None:
        self.engine = engine
        self.answers: list[Answer] = []

    def fetch(self, query: str) -> dict[str, Any]:
        columns = self.engine.fetch(query)
        self.answers.append(_answer(query, columns))
        return columns

    def scalar(self, query: str) -> Any:
        value = self.engine.scalar(query)
        self.answers.append(Answer(query, ("value",), Counter([(value,)])))
        return value

    def materialize(self, name: str, query: str) -> None:
        self.engine.materialize(name, query)
        self._look(name, f"{name}: {query}")

    def materialize_arrays(self, name: str, arrays: Mapping[str, Any]) -> None:
        self.engine.materialize_arrays(name, arrays)
        self._look(name, name)

    def _look(self, name: str, asked: str) -> None:
        self.answers.append(_answer(asked, self.engine.fetch(f"select * from {name}")))  # noqa: S608 - the name of a stage

    def drop(self, *names: str) -> None:
        self.engine.drop(*names)

    def set_aside(self, name: str) -> bool:
        return self.engine.set_aside(name)

    def columns(self, name: str) -> tuple[str, ...]:
        return self.engine.columns(name)

    def close(self) -> None:
        self.engine.close()


def _answer(asked: str, columns: Mapping[str, Any]) -> Answer:
    """Unknown values are None; a number equals itself exactly, be it whole or a float."""
    cells = [np.ma.asarray(column).tolist() for column in columns.values()]
    return Answer(asked, tuple(columns), Counter(zip(*cells, strict=True)))


def dirty_tables() -> dict[str, pd.DataFrame]:
    """Return simulated tables in which many rules are broken, with times of day; made for these tests."""
    tables = {name: frame.astype(object) for name, frame in simulate_tables(SEED, n_patients=N_PATIENTS).items()}
    rng = np.random.default_rng(SEED)
    for name, column, value in (
        ("patients", "age_years", 7),
        ("patients", "patient_id", None),
        ("sessions", "kind", "walk"),
        ("sessions", "date", "2024-02-30"),
        ("sessions", "date", "1950-01-01"),
        ("sessions", "patient_id", "nobody"),
        ("scores", "total", 99),
        ("scores", "item_1", 8),
        ("scores", "instrument", "unheard of"),
        ("adverse_events", "severity", "bad"),
    ):
        frame = tables[name]
        frame.loc[rng.choice(frame.index, max(2, len(frame) // 60), replace=False), column] = value
    for name in ("sessions", "scores"):
        frame = tables[name]
        minutes = rng.integers(0, 1440, len(frame))
        frame["time"] = [f"{m // 60:02d}:{m % 60:02d}" if m % 3 else None for m in minutes.tolist()]
    for name, frame in tables.items():
        again = frame.sample(12, random_state=1)
        if name == "scores":
            again = again.assign(score_id=[f"R{place}" for place in range(len(again))])
        tables[name] = pd.concat([frame, again], ignore_index=True)
    return tables


@pytest.fixture(scope="module")
def registries(spark: Any) -> dict[str, tuple[Registry, Registry]]:
    """Each registry on DuckDB and on Spark."""
    simulated = simulate_tables(SEED, n_patients=N_PATIENTS)
    inputs = {
        "simulated": simulated,
        "dirty": dirty_tables(),
        "sessions only": {name: simulated[name] for name in ("patients", "sessions")},
    }
    return {
        name: (
            kat.read_registry(tables, is_synthetic=True),
            kat.read_registry(tables, is_synthetic=True, engine=SparkEngine(spark)),
        )
        for name, tables in inputs.items()
    }


def asked_of(registry: Registry, name: str) -> tuple[RecordedEngine, list[Any]]:
    """Ask a registry everything that runs in its engine; return the engine's answers, and what was made of them."""
    engine = RecordedEngine(registry.engine)
    recorded = replace(registry, engine=engine)
    made: list[Any] = []
    cohort = kat.select_cohort(recorded, DEFINITIONS[name])
    visits = kat.DEFAULT_VISITS if name == "default" else VISITS
    data = cohort.analysis_set(visits=visits, pathway=True)
    made += [data.baseline.tobytes(), data.scores.tobytes(), data.provenance, data.notes, data.attrition]
    made += [(variable.name, repr(list(variable.values))) for variable in data.variables]
    made += [kat.describe(data).to_json(), kat.participant_flow(data).to_json(), kat.care_pathway(data).to_json()]
    made += [kat.data_quality(recorded).to_json(), kat.safety(cohort).to_json()]
    if name == "default":
        made.append(kat.emulate_trial(kat.TargetTrial(), recorded, rng=1, n_bootstrap=100).to_json())
    if np.isfinite(data.scores).any():
        made += [kat.change_from_baseline(data).to_json(), kat.clinical_significance(data).to_json()]
    courses = cohort.courses()
    made += [courses.to_csv(), cohort.trace(courses["patient_id"].iloc[0]).to_csv(), data_end(recorded)]
    return engine, made


@pytest.mark.parametrize(
    ("data", "name"),
    [("simulated", "default"), ("dirty", "criteria"), ("dirty", "subscale"), ("sessions only", "last course")],
)
def test_every_stage_gives_the_same_rows(
    registries: dict[str, tuple[Registry, Registry]], data: str, name: str
) -> None:
    here, there = (asked_of(registry, name) for registry in registries[data])
    assert len(here[0].answers) == len(there[0].answers) > 10
    for one, other in zip(here[0].answers, there[0].answers, strict=True):
        assert one == other
    assert len(here[1]) > 10
    assert here[1] == there[1]


@pytest.mark.parametrize("data", ["simulated", "dirty", "sessions only"])
def test_the_registry_itself_is_the_same(registries: dict[str, tuple[Registry, Registry]], data: str) -> None:
    here, there = registries[data]
    assert here.load_report.has_rejections is (data == "dirty")
    assert (there.digest, there.load_report, there.has_minutes) == (here.digest, here.load_report, here.has_minutes)
    for schema in TABLES:
        pd.testing.assert_frame_equal(here.table(schema.name), there.table(schema.name))
    assert kat.uniqueness(here) == kat.uniqueness(there)


@pytest.mark.parametrize("which", ["first", "last", "baseline"])
def test_item_answers_are_the_same(registries: dict[str, tuple[Registry, Registry]], which: str) -> None:
    here, there = (item_answers(registry, kat.instrument("PHQ-9"), which=which) for registry in registries["dirty"])
    assert here.n_patients > 20
    assert here.answers.tobytes() == there.answers.tobytes()
    assert (here.n_incomplete, here.n_without_items) == (there.n_incomplete, there.n_without_items)


def test_every_stage_of_the_cohorts_was_asked(registries: dict[str, tuple[Registry, Registry]]) -> None:
    """A stage that is added later must be reached by the questions of this file."""
    here, _ = registries["dirty"]
    answers = [answer for name in DEFINITIONS for answer in asked_of(here, name)[0].answers]
    engine = RecordedEngine(here.engine)
    item_answers(replace(here, engine=engine), kat.instrument("PHQ-9"), which="baseline")
    asked = "\n".join(answer.asked for answer in (*answers, *engine.answers))
    firsts = {path.stem: path.read_text(encoding="utf-8").splitlines()[0] for path in STAGES.glob("*.sql")}
    assert {stage for stage, first in firsts.items() if first not in asked} == set()


# --- Spark frames, folders, sessions ---------------------------------------------------------------------------------


def test_frames_of_spark_are_loaded(spark: Any) -> None:
    tables = simulate_tables(SEED, n_patients=60)
    frames = {
        name: spark.createDataFrame(pa.Table.from_pandas(frame.astype("string"), preserve_index=False))
        for name, frame in tables.items()
    }
    there = kat.read_registry(frames, is_synthetic=True, engine=SparkEngine(spark))
    assert there.digest == kat.read_registry(tables, is_synthetic=True).digest


def test_the_page_shows_what_happens(spark: Any) -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "how_to" / "use_spark.md"
    failed, tried = doctest.testfile(str(page), module_relative=False, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert (failed, tried > 8) == (0, True)
    assert spark.sql("select 1").collect()[0][0] == 1


def test_a_folder_holds_the_stages(spark: Any, tmp_path: Path) -> None:
    tables = simulate_tables(SEED, n_patients=60)
    (tmp_path / "mine").write_text("mine", encoding="utf-8")
    there = kat.read_registry(tables, engine=SparkEngine(spark, folder=str(tmp_path)))
    here = kat.read_registry(tables)
    results = [kat.change_from_baseline(kat.select_cohort(one).analysis_set()).to_json() for one in (here, there)]
    assert results[0] == results[1]
    assert {path.name for path in tmp_path.iterdir()} == {"mine", "katoutcomes"}
    kept = {path.name for path in (tmp_path / "katoutcomes").iterdir()}
    assert set(KEPT_TABLES) < kept
    assert not {name for name in kept if name.startswith(("text", "staged", "given", "typed"))}


def test_the_callers_session_is_left_alone(spark: Any) -> None:
    spark.sql("select 'mine' as patients").createOrReplaceTempView("patients")
    engine = SparkEngine(spark)
    registry = kat.read_registry(simulate_tables(SEED, n_patients=30), engine=engine)
    assert registry.engine.scalar("select count(*) from patients") > 1
    assert spark.table("patients").collect()[0][0] == "mine"
    registry.close()
    registry.close()
    with pytest.raises(Exception, match="patients"):
        engine.scalar("select count(*) from patients")
    assert spark.sql("select 1").collect()[0][0] == 1
    spark.catalog.dropTempView("patients")


def test_no_value_is_quoted(spark: Any) -> None:
    """The planted value is made up."""
    engine = SparkEngine(spark)
    with pytest.raises(KatOutcomesError) as caught:
        engine.scalar("select sum(cast(name as int)) from (values ('Zebulon Quux')) as t(name)")
    error: BaseException | None = caught.value
    while error is not None:
        assert "Zebulon" not in str(error)
        error = error.__cause__ or error.__context__


def test_what_fetch_gives(spark: Any) -> None:
    query = "select * from (values (1, 'a', 0.5e0), (2, null, null), (3, 'c', 1e0)) as v(i, s, x) order by i nulls last"
    with Engine() as duckdb, SparkEngine(spark) as engine:
        for name, column in duckdb.fetch(query).items():
            other = engine.fetch(query)[name]
            assert np.ma.getmaskarray(other).tolist() == np.ma.getmaskarray(column).tolist()
            assert np.ma.asarray(other).tolist() == np.ma.asarray(column).tolist()
        with pytest.raises(OptionError, match="one row"):
            engine.scalar(query)


def test_other_sessions_are_refused() -> None:
    with pytest.raises(OptionError, match="session of its own"):
        SparkEngine(object())


def test_a_stage_is_run_as_it_stands(spark: Any) -> None:
    """Nothing translates the text between the two."""
    asked = stage_text("katoutcomes.cohorts", "01_dosing_sessions", tie_break="session_id")
    registry = kat.read_registry(simulate_tables(SEED, n_patients=30), engine=SparkEngine(spark))
    assert len(registry.engine.fetch(asked)["patient"]) == registry.engine.scalar(
        "select count(*) from sessions where kind = 'dosing'"
    )
