"""Which rows are accepted: every rule in its turn, each judged among the rows that have kept the rules before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.registry.engine import stage_text
from katoutcomes.registry.readers.sources import TableSource, materialize_nothing
from katoutcomes.registry.rules import (
    EVENT_SESSION_RULES,
    LATE_SESSION_RULES,
    REPEATED_SCORE_RULES,
    Rule,
    cell_rules,
    key_rules,
    link_rules,
    record_problems,
    score_rules,
    span_rules,
)
from katoutcomes.registry.tables import EVENT_TABLES, PATIENTS, SESSIONS, TABLES, TableSchema
from katoutcomes.registry.typed_rows import materialize_typed

if TYPE_CHECKING:
    from collections.abc import Callable

    from katoutcomes.registry.engine import Engine

_ROOM = "katoutcomes.registry"
_NO_CAUSE = "select 0 as file, 0 as rule, 0 as cause, cast(0 as bigint) as input_row where 1 = 0"
_NO_PROBLEM = "select 0 as file, 0 as rule, cast(0 as bigint) as input_row where 1 = 0"


@dataclass(frozen=True, slots=True)
class Acceptance:
    """What was applied to how many rows.

    Attributes
    ----------
    rules : tuple of Rule
        Every rule, in the order of the numbers in the engine's table `problems`.
    rows_in : dict of str to int
        Rows of each table.
    n_uncertain_index_days : int
        Patients of whom a dosing session was rejected that lies before the index day, or on an unknown day.
    """

    rules: tuple[Rule, ...]
    rows_in: dict[str, int]
    n_uncertain_index_days: int


def accept_rows(engine: Engine, sources: tuple[TableSource, ...], say: Callable[[str], None]) -> Acceptance:
    """Judge every row, and make the four tables that the cohorts are built from.

    Parameters
    ----------
    engine : Engine
        Holds ``text_<table>`` for each source.
    sources : tuple of TableSource
        What has been read.
    say : callable
        Is told what is being done.

    Returns
    -------
    Acceptance
        The rules that were applied, and to how many rows.
    """
    given = {source.schema.name: source for source in sources}
    rules: list[Rule] = []
    rows_in: dict[str, int] = {}
    engine.materialize("problems", _NO_PROBLEM)
    engine.materialize("problem_causes", _NO_CAUSE)

    def judge(*new: Rule) -> None:
        record_problems(engine, new, first_number=len(rules))
        rules.extend(new)

    for schema in TABLES:
        source = given.get(schema.name)
        say(f"checking {schema.name}")
        if source is None:
            materialize_nothing(engine, schema)
        rows_in[schema.name] = int(engine.scalar(f"select count(*) from text_{schema.name}"))
        judge(*_rules_of_one_row(engine, schema, source))
    say("linking the tables")
    _stage(engine, "patient_codes", "02_patient_codes", file=PATIENTS.number)
    for schema in EVENT_TABLES:
        _stage(engine, f"linked_{schema.name}", "03_linked_rows", table=schema.name)
        judge(*link_rules(schema))
    _judge_sessions_and_scores(engine, judge)
    say("counting days")
    _judge_days(engine, judge, sources)
    _stage(engine, "uncertain_index_days", "13_uncertain_index_days", file=SESSIONS.number)
    n_uncertain = int(engine.scalar("select count(*) from uncertain_index_days"))
    _materialize_accepted(engine, given)
    return Acceptance(tuple(rules), rows_in, n_uncertain)


def _stage(engine: Engine, name: str, stage: str, **values: int | str) -> None:
    engine.materialize(name, stage_text(_ROOM, stage, **values))


def _rules_of_one_row(engine: Engine, schema: TableSchema, source: TableSource | None) -> tuple[Rule, ...]:
    """Make the typed table, and return the rules about its rows taken one by one, and about its key."""
    columns = source.columns if source is not None else ()
    families = schema.family_columns(tuple(column.name for column in columns))
    materialize_typed(engine, schema, families)
    _stage(engine, f"repeated_{schema.name}", "01_repeated_keys", table=schema.name, key=schema.key)
    rules = (source.rules if source is not None else ()) + cell_rules(schema, columns) + key_rules(schema)
    if schema.name == "scores":
        rules += score_rules(tuple(int(column.name.removeprefix("item_")) for column in families))
    return rules


def _judge_sessions_and_scores(engine: Engine, judge: Callable[..., None]) -> None:
    """Hold events against their sessions, and scores against the other scores of their day."""
    for schema in EVENT_TABLES:
        _stage(engine, f"sound_{schema.name}", "04_sound_rows", table=schema.name, file=schema.number)
    _stage(engine, "event_sessions", "05_event_sessions")
    judge(*EVENT_SESSION_RULES)
    _stage(engine, "repeated_scores", "06_repeated_scores")
    judge(*REPEATED_SCORE_RULES)
    for schema in EVENT_TABLES[1:]:
        _stage(engine, f"sound_{schema.name}", "04_sound_rows", table=schema.name, file=schema.number)


def _judge_days(engine: Engine, judge: Callable[..., None], sources: tuple[TableSource, ...]) -> None:
    """Count days from the index day, and reject what lies too far from it."""
    for name, stage in (
        ("records", "07_records"),
        ("index_days", "08_index_days"),
        ("relative_days", "09_relative_days"),
        ("index_quarters", "10_index_quarters"),
    ):
        _stage(engine, name, stage)
    has_dates = any("date" in source.names for source in sources if source.schema.has_days)
    judge(*span_rules("date" if has_dates else "day"))
    _stage(engine, "events_of_late_sessions", "11_events_of_late_sessions")
    judge(*LATE_SESSION_RULES)


def _materialize_accepted(engine: Engine, given: dict[str, TableSource]) -> None:
    """Make the tables of the schema from what is left, and forget every stage on the way to them."""
    for schema in TABLES:
        source = given.get(schema.name)
        families = schema.family_columns(source.names if source is not None else ())
        names = [*(column.name for column in schema.columns), *(column.name for column in families)]
        if schema is PATIENTS:
            engine.materialize(schema.name, patients_query(names))
        else:
            stage = stage_text(_ROOM, "12_coded_rows", table=schema.name, key=schema.key, file=schema.number)
            engine.materialize(f"coded_{schema.name}", stage)
            engine.materialize(schema.name, events_query(schema, names))
    stages = ("text", "typed", "repeated", "linked", "sound", "coded")
    engine.drop(*(f"{stage}_{schema.name}" for stage in stages for schema in TABLES))
    engine.drop("patient_codes", "event_sessions", "records", "index_days", "relative_days", "index_quarters")
    engine.drop("repeated_scores", "events_of_late_sessions")
    engine.drop("catalog_names", "catalog_versions", "catalog_input", "catalog_scales")


def patients_query(names: list[str]) -> str:
    """Return the query that makes the accepted `patients`.

    Parameters
    ----------
    names : list of str
        The schema's columns and those of its families.
    """
    quarter = "cast(floor(q.quarter_number / 4) as int)"
    worked_out = f"{quarter} || 'Q' || (q.quarter_number - 4 * {quarter} + 1)"
    cells = [
        f"coalesce({worked_out}, t.{name}) as {name}" if name == "index_quarter" else f"t.{name}" for name in names
    ]
    return (
        f"select c.patient, {', '.join(cells)} from patient_codes as c "
        "inner join typed_patients as t on c.input_row = t.input_row "
        "left join index_quarters as q on c.patient = q.patient"
    )


def events_query(schema: TableSchema, names: list[str]) -> str:
    """Return the query that makes one accepted event table.

    Parameters
    ----------
    schema : TableSchema
        `SESSIONS`, `SCORES` or `ADVERSE_EVENTS`.
    names : list of str
        The schema's columns and those of its families.
    """
    special = {
        "patient_id": "c.patient",
        "day": "c.day",
        "time": "c.day * 1440 + t.minute_of_day as minute",
        "total": "cast(t.total as int) as total",
    }
    cells = [special.get(name, f"t.{name}") for name in names if name != "date"]
    join = ""
    if schema is not SESSIONS:
        cells[cells.index("t.session_id")] = "s.session"
        join = " left join sessions as s on t.session_id = s.session_id"
    return (
        f"select c.code as {schema.code}, {', '.join(cells)} from coded_{schema.name} as c "
        f"inner join typed_{schema.name} as t on c.input_row = t.input_row{join}"
    )
