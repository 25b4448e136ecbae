"""Every rule that a row must keep, as data: what it is called, what it says, and where it is broken."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from katoutcomes.registry.checking.causes import Cause, form_causes, range_causes
from katoutcomes.registry.checking.cells import CellCheck, cell_checks, cell_value
from katoutcomes.registry.checking.score_causes import score_causes
from katoutcomes.registry.tables import (
    ADVERSE_EVENTS,
    EVENT_TABLES,
    PATIENTS,
    SCORES,
    SESSIONS,
    WIDEST_SPAN_DAYS,
    Column,
    TableSchema,
)
from katoutcomes.vocabulary import AGE_BANDS

if TYPE_CHECKING:
    from katoutcomes.registry.checking.score_columns import ScoreColumns
    from katoutcomes.registry.engines.engine import Engine

WEIGHTS_KG: tuple[int, int] = (30, 250)
"""A dose in mg and one in mg/kg that imply a weight outside of it contradict each other."""
PATIENT_REJECTED = -2
"""What stands in the place of the number of a patient in a row that is rejected for it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule.

    Attributes
    ----------
    id : str
        Its name, unique within a column; part of the interface.
    table : str
        Which file it is about.
    column : str
        Which column it is about.
    description : str
        What a row must be to keep it. It never holds a value of the data.
    relation : str
        The engine's table in which the predicate is true or not; it has a column ``input_row``.
    predicate : str
        SQL, true where the rule is broken. Unknown counts as kept: that a cell must be filled is a rule of its own.
    causes : tuple of Cause
        Reasons to tell apart; the first that fits a row counts.
    """

    id: str
    table: str
    column: str
    description: str
    relation: str
    predicate: str
    causes: tuple[Cause, ...] = ()


def cell_rules(
    schema: TableSchema,
    columns: tuple[Column, ...],
    stored: Mapping[str, str],
    plain: Collection[str],
    full: Collection[str],
) -> tuple[Rule, ...]:
    """Return the rules about single cells of a table, and about cells of one row that must agree.

    Parameters
    ----------
    schema : TableSchema
        The table.
    columns : tuple of Column
        The columns that the input has.
    stored : mapping of str to str
        DuckDB type of each column as it is staged; text where nothing is said.
    plain, full : collection of str
        Columns of plain text, and columns that are filled in every row: some tests are needless there.
    """
    relation = f"suspect_{schema.name}"
    rules: list[Rule] = []
    for column in columns:
        if column.name not in full and (column.is_required or column.kind in ("day", "date")):
            rules.append(_rule("required", schema, column.name, "must be filled", f"{column.name} is null"))
        rules.extend(
            Rule(check.rule, schema.name, column.name, check.description, relation, check.predicate, causes)
            for check, causes in _checks_with_causes(column, stored.get(column.name, "VARCHAR"), column.name in plain)
        )
        if column.is_dosing_only:
            predicate = f"{column.name} is not null and kind in ({_other_kinds()})"
            rules.append(_rule("dosing_only", schema, column.name, "must be empty unless kind is dosing", predicate))
    if {"age_years", "age_band"} <= {column.name for column in columns}:
        column = next(column for column in columns if column.name == "age_years")
        age = cell_value(column, stored.get(column.name, "VARCHAR"))
        rules.append(
            _rule("age_band_agrees", schema, "age_band", "must hold age_years", f"age_band <> {age_band(age)}")
        )
    return (*rules, *_dose_rules(columns, stored))


def _checks_with_causes(column: Column, stored: str, is_plain: bool) -> Iterator[tuple[CellCheck, tuple[Cause, ...]]]:
    for check in cell_checks(column, stored, is_plain=is_plain):
        if check.rule == "range":
            yield check, range_causes(column, cell_value(column, stored))
        else:
            yield check, form_causes(column) if check.rule == column.kind and stored == "VARCHAR" else ()


def _dose_rules(columns: tuple[Column, ...], stored: Mapping[str, str]) -> tuple[Rule, ...]:
    """Return the rule that the two ways of writing a dose do not contradict each other."""
    doses = {column.name: column for column in columns if column.name in ("dose_mg", "dose_mg_per_kg")}
    if len(doses) < 2:
        return ()
    dose, dose_per_kg = (f"({cell_value(doses[name], stored.get(name, 'VARCHAR'))})" for name in sorted(doses))
    low, high = WEIGHTS_KG
    text = f"must go with dose_mg: the two imply a weight outside {low} to {high} kg"
    weight = f"{dose} / {dose_per_kg}"
    causes = (Cause("the two are equal: is one a copy of the other?", f"{dose} = {dose_per_kg}"),)
    in_range = f"{dose} > 0 and {dose_per_kg} > 0 and {dose_per_kg} <= {doses['dose_mg_per_kg'].high:g}"
    predicate = f"{in_range} and not {weight} between {low} and {high}"
    return (Rule("dose_weight", "sessions", "dose_mg_per_kg", text, "suspect_sessions", predicate, causes),)


def _rule(rule: str, schema: TableSchema, column: str, description: str, predicate: str) -> Rule:
    return Rule(rule, schema.name, column, description, f"suspect_{schema.name}", predicate)


def _other_kinds() -> str:
    kind = SESSIONS.column("kind")
    codes = kind.codes if kind is not None else ()
    return ", ".join(f"'{code}'" for code in codes if code != "dosing")


def age_band(age: str) -> str:
    """Return the SQL expression that gives the age band of an age in years; NULL outside all bands.

    Examples
    --------
    >>> age_band("age_years")[:49]
    "case when age_years between 12 and 17 then '12-17"
    """
    cases = " ".join(
        f"when {age} between {low} and {high} then '{low}-{high}'"
        for low, high in (band.split("-") for band in AGE_BANDS)
    )
    return f"case {cases} end"


def key_rules(schema: TableSchema) -> tuple[Rule, ...]:
    """Return the rule that a key stands in one row only."""
    description = "must stand in one row only; each of the rows is rejected"
    return (Rule("unique", schema.name, schema.key, description, f"repeated_{schema.name}", "true"),)


_SCORE_RULES: Mapping[str, str] = MappingProxyType(
    {
        "instrument_known": "must be an id or a name of the catalog",
        "version_known": "must be a version that the catalog lists",
        "metric_known": "must be a metric that the catalog lists",
        "metric_named": "must be filled where totals of the instrument are reported in several metrics",
        "session_named": "must be filled for a scale about the state during a session",
        "total_or_items": "must be filled where there are no items",
        "items_complete": "must all be filled that the scale needs, or none",
        "items_beyond": "must be empty beyond the instrument's last item",
        "total_range": "must be inside the instrument's range",
        "total_step": "must be a total that the instrument can give, such as a whole number",
        "total_equals_items": "must be what the items give, reverse-keyed items reversed",
        "item_range": "must be an answer that the item has",
    }
)


def score_rules(predicates: Mapping[tuple[str, str], str], scores: ScoreColumns) -> tuple[Rule, ...]:
    """Return the rules that hold a score against its instrument.

    Parameters
    ----------
    predicates : mapping of (str, str) to str
        For each rule and column, SQL that is true where it is broken; as `score_rows.score_predicates` returns them.
    scores : ScoreColumns
        The cells and the scales of the file.
    """
    return tuple(
        Rule(
            rule,
            "scores",
            column,
            _SCORE_RULES[rule],
            "suspect_scores",
            predicate,
            score_causes(scores, rule, column),
        )
        for (rule, column), predicate in predicates.items()
    )


def link_rules(schema: TableSchema) -> tuple[Rule, ...]:
    """Return the rules that tie a row of an event table to its patient."""
    name, column = schema.name, "patient_id"
    return (
        Rule("link", name, column, "must be in patients", f"strangers_{name}", "true"),
        Rule("unlinked", name, column, "must not be that of a rejected patient", f"unlinked_{name}", "true"),
    )


def _session_rules(schema: TableSchema) -> tuple[Rule, ...]:
    rules = (
        ("link", "must be in sessions or empty", "in_sessions = 0"),
        ("unlinked", "must not be that of a rejected session", "in_sessions = 1 and session_patient is null"),
        ("session_of_patient", "must be a session of the same patient", "session_patient <> patient"),
    )
    return tuple(
        Rule(rule, schema.name, "session_id", text, "event_sessions", f"file = {schema.number} and {predicate}")
        for rule, text, predicate in rules
    )


EVENT_SESSION_RULES: tuple[Rule, ...] = (*_session_rules(SCORES), *_session_rules(ADVERSE_EVENTS))
"""Rules that tie scores and adverse events to the session that they name."""

REPEATED_SCORE_RULES: tuple[Rule, ...] = (
    Rule(
        "one_score_a_day",
        "scores",
        "instrument",
        "must be the only one of its patient and day; the first by time, then by score_id, is kept",
        "repeated_scores",
        "true",
    ),
)

LATE_SESSION_RULES: tuple[Rule, ...] = tuple(
    Rule(
        "unlinked",
        schema.name,
        "session_id",
        "must not be that of a rejected session",
        "rows_of_late_sessions",
        f"file = {schema.number}",
    )
    for schema in (SCORES, ADVERSE_EVENTS)
)


def span_rules(day_column: str) -> tuple[Rule, ...]:
    """Return the rule that nothing lies more than twenty years from the index day.

    Parameters
    ----------
    day_column : {"day", "date"}
        How the files say when.
    """
    return tuple(
        Rule(
            "span",
            schema.name,
            day_column,
            "must be within 20 years of the patient's index day",
            "far_rows",
            f"file = {schema.number} and abs(day) > {WIDEST_SPAN_DAYS}",
        )
        for schema in EVENT_TABLES
    )


def record_problems(engine: Engine, rules: tuple[Rule, ...], first_number: int) -> None:
    """Append every broken rule to the engine's table `problems`, as (file, rule, input_row).

    Parameters
    ----------
    engine : Engine
        Holds `problems` and the relations that the rules name.
    rules : tuple of Rule
        Rules of any relations.
    first_number : int
        Number of the first of them.
    """
    numbered = tuple(enumerate(rules, start=first_number))
    for relation in dict.fromkeys(rule.relation for rule in rules):
        of_relation = [(number, rule) for number, rule in numbered if rule.relation == relation]
        if not engine.scalar(f"select count(*) from {relation}"):
            continue
        counts = ", ".join(f"count(case when {rule.predicate} then 1 end) as r{number}" for number, rule in of_relation)
        broken = engine.fetch(f"select {counts} from {relation}")
        for number, rule in of_relation:
            if broken[f"r{number}"][0]:
                file = _file_number(rule)
                where = f"select {file}, {number}, input_row from {relation} where {rule.predicate}"
                engine.insert("problems", where)
                _record_causes(engine, rule, number, file)


def _record_causes(engine: Engine, rule: Rule, number: int, file: int) -> None:
    """Append to `problem_causes`, as (file, rule, cause, input_row), the first cause that fits each broken row."""
    if not rule.causes:
        return
    cases = " ".join(f"when {cause.predicate} then {place}" for place, cause in enumerate(rule.causes))
    engine.insert(
        "problem_causes",
        f"select {file}, {number}, cause, input_row from (select input_row, case {cases} end as cause "
        f"from {rule.relation} where {rule.predicate}) as broken where cause is not null",
    )


def _file_number(rule: Rule) -> int:
    return next(schema.number for schema in (PATIENTS, *EVENT_TABLES) if schema.name == rule.table)
