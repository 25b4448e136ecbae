"""Which rows are accepted: every rule in its turn, each judged among the rows that have kept the rules before it."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from katoutcomes.errors import KatOutcomesError
from katoutcomes.registry.checking.close_records import SortedScores, materialize_scores_of_one_day
from katoutcomes.registry.checking.packed_items import KeptItems, note_items
from katoutcomes.registry.checking.repeated_rows import (
    materialize_repeated,
    materialize_repeated_in_order,
    materialize_repeated_numbers,
)
from katoutcomes.registry.checking.rules import (
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
from katoutcomes.registry.checking.score_columns import ScoreColumns
from katoutcomes.registry.checking.score_rows import (
    is_suspect,
    known_scores,
    materialize_scales,
    score_predicates,
)
from katoutcomes.registry.checking.strangers import materialize_untied_rows
from katoutcomes.registry.checking.tied_rows import (
    materialize_session_spans,
    materialize_tied,
    materialize_untied_in_order,
    materialize_values_in_order,
    patients_of_rows,
)
from katoutcomes.registry.checking.typed_rows import (
    StagedTable,
    events_query,
    events_view,
    linked_query,
    named_sessions_query,
    patients_query,
    score_columns,
    session_days_query,
    typed_patients_query,
    values_query,
)
from katoutcomes.registry.engines.numbered_keys import NumberedKeys, note_numbered
from katoutcomes.registry.engines.stage_texts import stage_text
from katoutcomes.registry.identifiers.plain import PlainColumns, take_plain_columns
from katoutcomes.registry.readers.sources import TableSource, materialize_nothing, structure_error
from katoutcomes.registry.readers.staging import staged_relation
from katoutcomes.registry.tables import EVENT_TABLES, PATIENTS, SCORES, SESSIONS, TABLES, WIDEST_SPAN_DAYS, TableSchema

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.registry.engines.engine import Engine

_ROOM = "katoutcomes.registry"
_NO_CAUSE = "select 0 as file, 0 as rule, 0 as cause, cast(0 as bigint) as input_row where 1 = 0"
_NAMES_OF_SCORES = frozenset({"instrument", "version", "metric"})
"""Whatever is wrong with the text of such a cell, it is no name of the catalog."""
_FILLED = frozenset({"required", "total_or_items", "items_complete"})
"""Rules that a cell breaks by being empty."""
_LARGE = 5_000_000
"""Rows from which on it pays to pack accepted rows."""
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
    n_without_records : int
        Accepted patients with neither an accepted session nor an accepted score.
    sorted_scores : SortedScores or None
        The accepted scores in order, among some that were rejected, for `quality_warnings`.
    """

    rules: tuple[Rule, ...]
    rows_in: dict[str, int]
    n_uncertain_index_days: int
    n_without_records: int
    sorted_scores: SortedScores | None


def accept_rows(
    engine: Engine, sources: tuple[TableSource, ...], say: Callable[[str], None], *, prorating: Mapping[str, str]
) -> Acceptance:
    """Judge every row, and make the four tables that the cohorts are built from.

    Parameters
    ----------
    engine : Engine
        Holds ``text_<table>`` for each source.
    sources : tuple of TableSource
        What has been read.
    say : callable
        Is told what is being done.
    prorating : mapping of str to str
        Id of a scale to the name of its published rule for missing items that was asked for; mostly empty.

    Returns
    -------
    Acceptance
        The rules that were applied, and to how many rows.

    Raises
    ------
    DataError
        If a file turns out to be damaged when its cells are read.
    """
    load = _Load(engine, {source.schema.name: source for source in sources}, prorating)
    for schema in TABLES:
        say(f"checking {schema.name}")
        load.judge_cells(schema)
    say("linking the tables")
    load.link()
    load.judge_links()
    say("counting days")
    has_dates = any("date" in source.names for source in sources if source.schema.has_days)
    n_uncertain = load.judge_days("date" if has_dates else "day")
    say("keeping the accepted rows")
    n_without_records = load.keep_accepted(has_dates=has_dates)
    return Acceptance(tuple(load.rules), load.rows_in, n_uncertain, n_without_records, load.sorted_scores)


class _Load:
    """The state of one load: what is staged, which rules have been applied, and how many rows there were."""

    def __init__(self, engine: Engine, given: dict[str, TableSource], prorating: Mapping[str, str]) -> None:
        self.engine = engine
        self.given = given
        self.prorating = prorating
        self.staged: dict[str, StagedTable] = {}
        self.scores: ScoreColumns | None = None
        self.sorted_scores: SortedScores | None = None
        self.rules: list[Rule] = []
        self.rows_in: dict[str, int] = {}
        self.n_discarded: dict[str, int] = {}
        engine.materialize("problems", _NO_PROBLEM)
        engine.materialize("problem_causes", _NO_CAUSE)

    def judge(self, *new: Rule) -> None:
        """Record the rows that break rules."""
        record_problems(self.engine, new, first_number=len(self.rules))
        self.rules.extend(new)

    def judge_cells(self, schema: TableSchema) -> None:
        """Hold each row of a table against the rules about single rows and about its key."""
        source = self.given.get(schema.name)
        if source is None:
            materialize_nothing(self.engine, schema)
        patients = self.staged[PATIENTS.name].patients if schema is not PATIENTS else None
        table = self.staged[schema.name] = _staged(self.engine, schema, source, patients)
        self.rows_in[schema.name] = int(self.engine.scalar(f"select count(*) from {table.relation}"))
        rules = cell_rules(schema, table.given, table.stored, table.plain, table.full)
        relation = table.relation
        broken = " or ".join(f"({rule.predicate})" for rule in rules) or "false"
        if schema is SCORES:
            self.scores = score_columns(table, materialize_scales(self.engine, relation), self.prorating)
            of_cells = [rule.predicate for rule in rules if rule.column not in _NAMES_OF_SCORES]
            broken = " or ".join((*(f"({predicate})" for predicate in of_cells), is_suspect(self.scores)))
            rules += score_rules(score_predicates(self.scores), self.scores)
            relation = f"({known_scores(relation)}) as known"
        # One pass over the file finds the rows that break anything; what each of them breaks is counted among these.
        said = " ".join((*(rule.predicate for rule in rules), *(c.predicate for rule in rules for c in rule.causes)))
        known = {*table.stored, *(("scale",) if schema is SCORES else ())}
        wanted = ", ".join(sorted({"input_row"} | (known & set(re.findall("[a-z_0-9]+", said)))))
        try:
            self.engine.materialize(f"suspect_{schema.name}", f"select {wanted} from {relation} where {broken}")
        except KatOutcomesError:
            damaged = source is not None and source.file.endswith(".parquet")
        else:
            damaged = False
        if damaged and source is not None:
            raise structure_error([f"{source.file}: rule parquet: the file cannot be read as Parquet."])
        if schema is not PATIENTS:
            self.show_values(table)
        self.find_repeated_keys(table)
        n_before = len(self.rules)
        self.judge(*(source.rules if source is not None else ()), *rules, *key_rules(schema))
        self.say_once(schema, n_before)
        self.engine.drop(f"suspect_{schema.name}", f"repeated_{schema.name}")

    def show_values(self, table: StagedTable) -> None:
        """Name the values of the rows of an event table; many rows are read once and kept until they are linked."""
        scores = self.scores if table.schema is SCORES else None
        if table.is_tied_by_number:
            materialize_values_in_order(self.engine, table, scores)
            return
        keep = self.engine.view if table.own_keys is None else self.engine.materialize
        keep(f"values_{table.schema.name}", values_query(table, scores))

    def find_repeated_keys(self, table: StagedTable) -> None:
        """Make the table of the rows whose key stands in another row as well."""
        name, schema = f"repeated_{table.schema.name}", table.schema
        if schema.key in table.numbers:
            materialize_repeated_in_order(self.engine, name, table.numbers[schema.key])
        elif table.own_keys is None:
            materialize_repeated(self.engine, name, table.relation, (schema.key,), "input_row")
        elif schema is PATIENTS:
            materialize_repeated_numbers(self.engine, name, table.relation, "input_row", table.own_key)
        else:
            materialize_repeated_numbers(self.engine, name, f"values_{schema.name}", schema.code, schema.key)

    def say_once(self, schema: TableSchema, n_before: int) -> None:
        """Forget that a cell must be filled where it is empty because the mapping could not read what stands in it."""
        new = list(enumerate(self.rules))[n_before:]
        for number, rule in new:
            if rule.id not in _FILLED:
                continue
            stem = rule.column.removesuffix("*")
            same = [
                str(other)
                for other, cell in new
                if cell.relation == f"converted_{schema.name}"
                and (cell.column == rule.column or (rule.column != stem and cell.column.startswith(stem)))
            ]
            if same:
                refused = f"select input_row from problems where file = {schema.number} and rule in ({', '.join(same)})"
                where = f"file = {schema.number} and rule = {number} and input_row in ({refused})"
                self.engine.delete("problems", where)

    def stage(self, name: str, stage: str, **values: int | str) -> None:
        """Make a table from a stage."""
        self.engine.materialize(name, stage_text(_ROOM, stage, **values))

    def link(self) -> None:
        """Give the patients numbers and tie the rows of the event tables to them; make scores and adverse events."""
        engine = self.engine
        engine.view("typed_patients", typed_patients_query(self.staged["patients"]))
        self.stage("patient_codes", "01_patient_codes", file=PATIENTS.number)
        engine.view("session_days", session_days_query(self.staged["sessions"]))
        patients = self.tied_patients(SESSIONS)
        if patients is not None:
            materialize_session_spans(engine, patients)
        else:
            self.stage("session_spans", "03_session_spans", file=SESSIONS.number)
        self.stage("placed_patients", "04_placed_patients")
        self.make_events(SESSIONS, patients)
        del patients
        self.discard(SESSIONS)
        named = " union all ".join(named_sessions_query(self.staged[schema.name]) for schema in EVENT_TABLES[1:])
        engine.materialize("named_sessions", named)
        keys = f"select session_id, input_row from {self.staged['sessions'].relation}"
        engine.view("session_keys", keys if engine.scalar("select count(*) from named_sessions") else f"{keys} limit 0")
        self.stage("named_keys", "05_named_keys")
        for schema in EVENT_TABLES[1:]:
            self.make_events(schema, self.tied_patients(schema))
            self.discard(schema)
            engine.view(f"sound_{schema.name}", f"select * from linked_{schema.name}")
            self.forget(schema)
        self.forget(SESSIONS)
        engine.drop("session_keys", "catalog_names", "session_days")

    def make_events(self, schema: TableSchema, patients: NDArray[np.int32] | None) -> None:
        """Make an event table, and hold its rows against the patients. It holds broken rows until they are discarded.

        Rows that are tied by number, to the given `patients`, are judged before, and the broken ones are never written
        down.
        """
        staged, scores = self.staged[schema.name], self.scores if schema is SCORES else None
        note_numbered(self.engine, schema.name, staged.own_keys)
        if scores is not None:
            note_items(self.engine, KeptItems(scores.packed, scores.scales))
        if patients is not None:
            materialize_untied_in_order(self.engine, schema, patients)
            self.judge(*link_rules(schema))
            self.n_discarded[schema.name] = materialize_tied(self.engine, staged, scores, patients)
            self.staged[schema.name] = replace(staged, numbers={})  # they have done what they were read for
        else:
            self.engine.materialize(f"kept_{schema.name}", events_query(staged, scores))
            materialize_untied_rows(self.engine, schema)
            self.judge(*link_rules(schema))
        self.engine.drop(*(f"{name}_{schema.name}" for name in ("values", "strangers", "unlinked")))
        self.engine.view(schema.name, events_view(staged, scores))
        self.engine.view(f"linked_{schema.name}", linked_query(staged))
        if schema is SESSIONS and patients is None:
            self.stage("rejected_sessions", "02_rejected_rows", table=SESSIONS.name, file=SESSIONS.number)

    def tied_patients(self, schema: TableSchema) -> NDArray[np.int32] | None:
        """Return the patient of each row of an event table that is tied by number, None of another one."""
        staged = self.staged[schema.name]
        return patients_of_rows(self.engine, staged.numbers["patient_id"]) if staged.is_tied_by_number else None

    def discard(self, schema: TableSchema) -> None:
        """Delete the rows of an event table of which a problem is known."""
        broken = f"select input_row from problems where file = {schema.number}"
        n_broken = int(self.engine.scalar(f"select count(*) from ({broken}) as broken"))
        if n_broken > self.n_discarded.get(schema.name, 0):
            self.engine.delete(f"kept_{schema.name}", f"{schema.code} in ({broken})")
            self.n_discarded[schema.name] = n_broken

    def pack(self) -> None:
        """Pack what has been accepted so far if there are many rows; those with numbered keys are small already."""
        if sum(n for name, n in self.rows_in.items() if self.staged[name].own_keys is None) > _LARGE:
            self.engine.compress()

    def judge_links(self) -> None:
        """Hold events and scores against their sessions, and scores against the other scores of their day."""
        self.stage("event_sessions", "06_event_sessions")
        self.judge(*EVENT_SESSION_RULES)
        for schema in EVENT_TABLES[1:]:
            self.discard(schema)
        scales = self.scores.scales if self.scores is not None else ()
        recall = {code: scale.recall_days or 0 for code, scale in enumerate(scales)}
        self.sorted_scores = materialize_scores_of_one_day(self.engine, recall)
        self.stage("repeated_scores", "07_repeated_scores")
        self.judge(*REPEATED_SCORE_RULES)
        self.discard(SCORES)
        self.engine.drop("repeated_scores", "repeated_values", "named_sessions", "named_keys")

    def judge_days(self, day_column: str) -> int:
        """Reject what lies too far from the index day; return how many patients have an uncertain one."""
        self.stage("index_days", "08_index_days")
        for schema in EVENT_TABLES:  # rows of patients without a dose were placed before their index day was known
            shift = "day = day - i.index_day, minute = minute - 1440 * i.index_day"
            kept = f"kept_{schema.name}"
            has_minutes = "minute" in self.engine.columns(kept)
            self.engine.update(
                kept,
                shift if has_minutes else shift.partition(",")[0],
                f"index_days as i where i.has_dose = 0 and {kept}.patient = i.patient",
            )
        self.stage("far_rows", "09_far_rows", widest_span_days=WIDEST_SPAN_DAYS)
        self.judge(*span_rules(day_column))
        self.stage("rows_of_late_sessions", "11_rows_of_late_sessions")
        self.judge(*LATE_SESSION_RULES)
        self.stage("uncertain_index_days", "12_uncertain_index_days")
        self.engine.drop(*(f"{kind}_{schema.name}" for schema in EVENT_TABLES for kind in ("sound", "linked")))
        self.engine.drop("far_rows", "rows_of_late_sessions", "event_sessions", "session_spans", "rejected_sessions")
        return int(self.engine.scalar("select count(*) from uncertain_index_days"))

    def keep_accepted(self, *, has_dates: bool) -> int:
        """Keep what is left in the tables of the schema, and forget everything on the way to them.

        Return how many patients have neither a session nor a score.
        """
        engine = self.engine
        for schema in EVENT_TABLES:
            self.discard(schema)
        self.pack()
        if has_dates:
            self.stage("index_quarters", "10_index_quarters")
        engine.materialize("patients", patients_query(self.staged["patients"], has_dates=has_dates))
        engine.enumerate_texts("patients", [c.name for c in PATIENTS.columns if c.kind in ("text", "codes", "quarter")])
        engine.drop("typed_patients", "index_quarters")
        self.stage("unsure_patients", "14_unsure_patients", widest_span_days=WIDEST_SPAN_DAYS)
        engine.drop("patient_codes", "index_days")
        n_without_records = int(engine.scalar(stage_text(_ROOM, "15_patients_without_records")))
        engine.drop("placed_patients", "unsure_patients")
        self.forget(PATIENTS)
        return n_without_records

    def forget(self, schema: TableSchema) -> None:
        """Forget what was read of a table."""
        self.engine.drop(*(f"{name}_{schema.name}" for name in ("values", "text", "staged", "given")))


def _staged(
    engine: Engine, schema: TableSchema, source: TableSource | None, patients: NumberedKeys | None
) -> StagedTable:
    relation = staged_relation(engine, schema.name)
    noted = take_plain_columns(engine, schema.name)
    known = noted if relation.startswith("staged") else PlainColumns()
    return StagedTable(
        schema=schema,
        relation=relation,
        stored=engine.query_types(f"select * from {relation}"),
        given=source.columns if source is not None else (),
        plain=known.names,
        full=known.full,
        numbered=known.numbered,
        numbers=known.numbers,
        patients=known.numbered.get("patient_id") if schema is PATIENTS else patients,
    )
