"""Every rule that a row must keep, as data: what it is called, what it says, and where it is broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.registry.cells import cell_checks, cell_value
from katoutcomes.registry.tables import EVENT_TABLES, PATIENTS, SESSIONS, WIDEST_SPAN_DAYS, Column, TableSchema
from katoutcomes.vocabulary import AGE_BANDS

if TYPE_CHECKING:
    from katoutcomes.registry.engine import Engine


@dataclass(frozen=True, slots=True)
class Cause:
    """A reason that often stands behind a broken rule.

    Attributes
    ----------
    text : str
        What the rows look like, and what to do. It never holds a value of the data.
    predicate : str
        SQL, true for the rows it is about, among those that break the rule.
    """

    text: str
    predicate: str


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


def cell_rules(schema: TableSchema, columns: tuple[Column, ...]) -> tuple[Rule, ...]:
    """Return the rules about single cells of a table, and about cells of one row that must agree.

    Parameters
    ----------
    schema : TableSchema
        The table.
    columns : tuple of Column
        The columns that the input has.
    """
    relation = f"text_{schema.name}"
    rules: list[Rule] = []
    for column in columns:
        if column.is_required or column.kind in ("day", "date"):
            rules.append(_rule("required", schema, column.name, "must be filled", f"{column.name} is null"))
        rules.extend(
            Rule(check.rule, schema.name, column.name, check.description, relation, check.predicate)
            for check in cell_checks(column)
        )
        if column.is_dosing_only:
            predicate = f"{column.name} is not null and kind in ({_other_kinds()})"
            rules.append(_rule("dosing_only", schema, column.name, "must be empty unless kind is dosing", predicate))
    if {"age_years", "age_band"} <= {column.name for column in columns}:
        age = cell_value(next(column for column in columns if column.name == "age_years"))
        rules.append(
            _rule("age_band_agrees", schema, "age_band", "must hold age_years", f"age_band <> {age_band(age)}")
        )
    return tuple(rules)


def _rule(rule: str, schema: TableSchema, column: str, description: str, predicate: str) -> Rule:
    return Rule(rule, schema.name, column, description, f"text_{schema.name}", predicate)


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


def score_rules(item_numbers: tuple[int, ...]) -> tuple[Rule, ...]:
    """Return the rules that hold a score against its instrument.

    Parameters
    ----------
    item_numbers : tuple of int
        The item columns that the input has.
    """
    rules = [
        ("instrument_known", "instrument", "must be an id or a name of the catalog", "instrument is null and is_named"),
        ("version_known", "version", "must be a version that the catalog lists", "not is_version_known"),
        ("total_or_items", "total", "must be filled where there are no items", "not has_total and n_items_given = 0"),
        (
            "items_complete",
            "item_*",
            "must all be filled, or none",
            "n_items_given > 0 and n_items_given < n_items",
        ),
        ("items_beyond", "item_*", "must be empty beyond the instrument's last item", "n_items_beyond > 0"),
        (
            "total_range",
            "total",
            "must be inside the instrument's range",
            "total_given < minimum or total_given > maximum",
        ),
        (
            "total_equals_items",
            "total",
            "must be the sum of the items, reverse-keyed items reversed",
            "total_given <> total_of_items",
        ),
    ]
    rules += [
        (
            "item_range",
            f"item_{number}",
            "must be inside the range of the instrument's items",
            f"{number} <= n_items and (item_{number} < item_minimum or item_{number} > item_maximum)",
        )
        for number in item_numbers
    ]
    return tuple(
        Rule(rule, "scores", column, text, "typed_scores", predicate) for rule, column, text, predicate in rules
    )


def link_rules(schema: TableSchema) -> tuple[Rule, ...]:
    """Return the rules that tie a row of an event table to its patient."""
    relation = f"linked_{schema.name}"
    return (
        Rule(
            "link",
            schema.name,
            "patient_id",
            "must be in patients",
            relation,
            "names_patient = 1 and in_patients = 0",
        ),
        Rule(
            "unlinked",
            schema.name,
            "patient_id",
            "must not be that of a rejected patient",
            relation,
            "in_patients = 1 and patient is null",
        ),
    )


EVENT_SESSION_RULES: tuple[Rule, ...] = (
    Rule("link", "adverse_events", "session_id", "must be in sessions or empty", "event_sessions", "in_sessions = 0"),
    Rule(
        "unlinked",
        "adverse_events",
        "session_id",
        "must not be that of a rejected session",
        "event_sessions",
        "in_sessions = 1 and session_patient is null",
    ),
    Rule(
        "session_of_patient",
        "adverse_events",
        "session_id",
        "must be a session of the same patient",
        "event_sessions",
        "session_patient <> patient",
    ),
)
"""Rules that tie an adverse event to its session."""

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

LATE_SESSION_RULES: tuple[Rule, ...] = (
    Rule(
        "unlinked",
        "adverse_events",
        "session_id",
        "must not be that of a rejected session",
        "events_of_late_sessions",
        "true",
    ),
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
            "relative_days",
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
