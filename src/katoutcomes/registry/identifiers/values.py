"""Looking for identifiers in values: in a text table of the engine, or in an array."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from katoutcomes.registry.identifiers.ages import AGE_RULE, age_tests, is_high_age
from katoutcomes.registry.identifiers.folding import OTHER_SIGN, folded, folded_sql
from katoutcomes.registry.identifiers.gate import Finding
from katoutcomes.registry.identifiers.names import holds_age, holds_postal_prefix
from katoutcomes.registry.identifiers.patterns import (
    ANYTHING,
    KEY_EXEMPTIONS,
    SHORTEST_IDENTIFIER,
    VALUE_CHECKS,
    VALUE_RULES,
    compiled_anything,
)
from katoutcomes.registry.identifiers.plain import plain_columns
from katoutcomes.registry.identifiers.shapes import shape_findings
from katoutcomes.registry.tables import TABLES

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine

POSTAL_PREFIX_RULE = "value_postal_code_too_long"

_LONGEST_POSTAL_PREFIX = 3
_KEYS: frozenset[str] = frozenset(table.key for table in TABLES)


def breaks_rule(rule: str, text: str) -> bool:
    """Return whether a text holds what a value rule looks for, its check digit included.

    Examples
    --------
    >>> breaks_rule("value_social_insurance_number", "046-454-286")
    True
    >>> breaks_rule("value_social_insurance_number", "046-454-287")
    False
    """
    check, plain = VALUE_CHECKS.get(rule), folded(text)
    if check is None:
        return re.search(VALUE_RULES[rule], plain) is not None
    return any(check(match.group()) for match in re.finditer(VALUE_RULES[rule], plain))


def holds_identifier(text: str) -> bool:
    """Return whether any value rule matches a text, such as a column name that is really a row of data."""
    return any(breaks_rule(rule, text) for rule in VALUE_RULES)


def value_findings(
    engine: Engine, table: str, file: str, columns: Mapping[str, str], *, reference_year: int | None = None
) -> tuple[Finding, ...]:
    """Look for identifiers in the values of a text table.

    Parameters
    ----------
    engine : Engine
        Holds the table.
    table : str
        A table of text columns.
    file : str
        How the file is called in messages.
    columns : mapping of str to str
        Engine column to the column name shown in messages.
    reference_year : int, optional
        The typical calendar year of the data, where other files know it; birth dates lie at least twelve years before.

    Returns
    -------
    tuple of Finding
        One for each column and rule, with the number of rows.
    """
    known = plain_columns(engine, table.removeprefix("text_"))
    plain, searched = known.names, known.names | known.searched
    findings = []
    for column, cell in _suspects(engine, table, [column for column in columns if column not in searched]).items():
        exempt = KEY_EXEMPTIONS if columns[column] in _KEYS else frozenset()
        tests = {rule: _holds_pattern(cell, text) for rule, text in VALUE_RULES.items() if rule not in exempt}
        for rule, n_rows in _counts(engine, table, tests).items():
            n_checked = _count_checked(engine, table, rule, tests[rule], column) if rule in VALUE_CHECKS else n_rows
            findings += [Finding(file, columns[column], rule, n_checked)] * (n_checked > 0)
    for column, shown in columns.items():
        cell = column if column in plain else folded_sql(column)  # folding a million ages takes seconds
        tests = age_tests(shown, cell, reference_year)
        if holds_postal_prefix(shown):
            tests[POSTAL_PREFIX_RULE] = _is_long_postal_prefix(column)
        counts = _counts(engine, table, tests)
        findings += [Finding(file, shown, rule, n_rows) for rule, n_rows in counts.items()]
    shaped = {
        column: shown
        for column, shown in columns.items()
        if not _is_known(findings, shown, "value_birth_date") and not holds_postal_prefix(shown)
    }
    return (*findings, *shape_findings(engine, table, file, shaped, reference_year))


def _is_known(findings: Iterable[Finding], shown: str, rule: str) -> bool:
    return any(finding.column == shown and finding.rule == rule for finding in findings)


def text_findings(values: Iterable[object], file: str, column: str) -> tuple[Finding, ...]:
    """Look for identifiers in the values of one column that is not in an engine.

    Parameters
    ----------
    values : iterable of object
        Text, or None where a value is not known; anything that is not text is not looked at.
    file, column : str
        How messages call them.

    Returns
    -------
    tuple of Finding
        One for each rule, with the number of values.

    Examples
    --------
    >>> text_findings(["12", None, "someone@example.org"], "a.ndjson", "valueString")
    (Finding(file='a.ndjson', column='valueString', rule='value_email', n_rows=1),)
    """
    exempt = KEY_EXEMPTIONS if column in _KEYS else frozenset()
    rules = [rule for rule in VALUE_RULES if rule not in exempt]
    is_age = holds_age(column)
    counts = dict.fromkeys((*rules, AGE_RULE), 0)
    for text, n_values in Counter(value for value in values if isinstance(value, str)).items():
        if is_age and is_high_age(text):
            counts[AGE_RULE] += n_values
        if len(text) >= SHORTEST_IDENTIFIER and compiled_anything().search(folded(text)):
            for rule in rules:
                counts[rule] += n_values * breaks_rule(rule, text)
    return tuple(Finding(file, column, rule, n_rows) for rule, n_rows in counts.items() if n_rows)


def _suspects(engine: Engine, table: str, columns: Sequence[str]) -> dict[str, str]:
    """Return the columns that need a closer look, with the SQL of their cells as they are to be searched.

    One pass over whole rows nearly always finds nothing; a second one finds the columns.
    """
    if not columns:
        return {}
    long_cells = ", ".join(
        f"case when length({column}) >= {SHORTEST_IDENTIFIER} then {column} end" for column in columns
    )
    anything = _quoted(f"{ANYTHING}|({OTHER_SIGN})")
    if not _counts(engine, table, {"row": f"regexp_matches(concat_ws(chr(31), {long_cells}), {anything})"}):
        return {}
    others = _counts(engine, table, {column: _holds_pattern(column, OTHER_SIGN) for column in columns})
    cells = {column: folded_sql(column) if column in others else column for column in columns}
    found = _counts(engine, table, {column: _holds_pattern(cell, ANYTHING) for column, cell in cells.items()})
    return {column: cells[column] for column in found}


def _quoted(pattern: str) -> str:
    return "'" + pattern.replace("'", "''") + "'"


def _holds_pattern(column: str, pattern: str) -> str:
    return f"length({column}) >= {SHORTEST_IDENTIFIER} and regexp_matches({column}, {_quoted(pattern)})"


def _is_long_postal_prefix(column: str) -> str:
    return f"length(regexp_replace({column}, '[^0-9A-Za-z]', '', 'g')) > {_LONGEST_POSTAL_PREFIX}"


def _count_checked(engine: Engine, table: str, rule: str, test: str, column: str) -> int:
    """Return the number of rows whose match also passes the rule's check digit."""
    found = engine.fetch(f"select {column} as v, count(*) as n from {table} where {test} group by v order by v")

    return sum(int(n) for text, n in zip(found["v"], found["n"], strict=True) if breaks_rule(rule, text))


def _counts(engine: Engine, table: str, tests: Mapping[str, str]) -> dict[str, int]:
    """Return, for each test that is true somewhere, in how many rows it is."""
    if not tests:
        return {}
    names = {f"t{position}": name for position, name in enumerate(tests)}
    counted = ", ".join(f"count(case when {tests[name]} then 1 end) as {short}" for short, name in names.items())
    row = engine.fetch(f"select {counted} from {table}")
    return {name: int(row[short][0]) for short, name in names.items() if row[short][0]}
