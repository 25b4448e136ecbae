"""Looking for identifiers in values: in a text table of the engine, or in an array."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from katoutcomes.registry.identifiers.gate import Finding
from katoutcomes.registry.identifiers.names import holds_age, holds_postal_prefix
from katoutcomes.registry.identifiers.patterns import (
    KEY_EXEMPTIONS,
    SHORTEST_IDENTIFIER,
    VALUE_CHECKS,
    VALUE_RULES,
)
from katoutcomes.registry.identifiers.plain import plain_columns
from katoutcomes.registry.identifiers.shapes import shape_findings
from katoutcomes.registry.tables import HIGHEST_AGE_YEARS, TABLES

if TYPE_CHECKING:
    from katoutcomes.registry.engine import Engine

AGE_RULE = "value_age_above_89"
POSTAL_PREFIX_RULE = "value_postal_code_too_long"

_HIGH_AGE = r"[0-9]{2,3}([.][0-9]+)?[+]?"
_LONGEST_POSTAL_PREFIX = 3
_KEYS: frozenset[str] = frozenset(table.key for table in TABLES)
_COMPILED = {rule: re.compile(pattern) for rule, pattern in VALUE_RULES.items()}


def breaks_rule(rule: str, text: str) -> bool:
    """Return whether a text holds what a value rule looks for, its check digit included.

    Examples
    --------
    >>> breaks_rule("value_social_insurance_number", "046-454-286")
    True
    >>> breaks_rule("value_social_insurance_number", "046-454-287")
    False
    """
    check = VALUE_CHECKS.get(rule)
    if check is None:
        return _COMPILED[rule].search(text) is not None
    return any(check(match.group()) for match in _COMPILED[rule].finditer(text))


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
    findings = []
    plain = plain_columns(engine, table.removeprefix("text_"))  # they have been searched already
    searched = tuple(column for column in columns if column not in plain)
    for column in searched if searched and _may_hold_identifier(engine, table, searched) else ():
        exempt = KEY_EXEMPTIONS if columns[column] in _KEYS else frozenset()
        tests = {rule: _holds_pattern(column, text) for rule, text in VALUE_RULES.items() if rule not in exempt}
        for rule, n_rows in _counts(engine, table, tests).items():
            n_checked = _count_checked(engine, table, rule, tests[rule], column) if rule in VALUE_CHECKS else n_rows
            findings += [Finding(file, columns[column], rule, n_checked)] * (n_checked > 0)
    ages = {column: _is_high_age(column) for column, shown in columns.items() if holds_age(shown)}
    postal = {column: _is_long_postal_prefix(column) for column, shown in columns.items() if holds_postal_prefix(shown)}
    for rule, tests in ((AGE_RULE, ages), (POSTAL_PREFIX_RULE, postal)):
        findings += [
            Finding(file, columns[column], rule, n_rows) for column, n_rows in _counts(engine, table, tests).items()
        ]
    # Dates and numbers begin with a digit, names and other dates hold a space.
    shapeless = plain_columns(engine, table.removeprefix("text_"), is_numbered=False)
    shaped = {column: shown for column, shown in columns.items() if column not in shapeless}
    return (*findings, *shape_findings(engine, table, file, shaped, reference_year))


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
    counts = dict.fromkeys((*rules, AGE_RULE), 0)
    is_age = holds_age(column)
    for text, n_values in Counter(value for value in values if isinstance(value, str)).items():
        if is_age and _is_high_age_text(text):
            counts[AGE_RULE] += n_values
        if len(text) >= SHORTEST_IDENTIFIER and _ANYTHING.search(text):
            for rule in rules:
                counts[rule] += n_values * breaks_rule(rule, text)
    return tuple(Finding(file, column, rule, n_rows) for rule, n_rows in counts.items() if n_rows)


_ANYTHING = re.compile("|".join(f"({pattern})" for pattern in VALUE_RULES.values()))


def _is_high_age_text(text: str) -> bool:
    return re.fullmatch(_HIGH_AGE, text) is not None and float(text.rstrip("+")) >= HIGHEST_AGE_YEARS + 1


def _may_hold_identifier(engine: Engine, table: str, columns: tuple[str, ...]) -> bool:
    """Return whether any row needs a closer look: one pass over whole rows, which nearly always finds nothing."""
    anything = _quoted("|".join(f"({pattern})" for pattern in VALUE_RULES.values()))
    long_cells = ", ".join(
        f"case when length({column}) >= {SHORTEST_IDENTIFIER} then {column} end" for column in columns
    )
    return bool(_counts(engine, table, {"row": f"regexp_matches(concat_ws(chr(31), {long_cells}), {anything})"}))


def _quoted(pattern: str) -> str:
    return "'" + pattern.replace("'", "''") + "'"


def _holds_pattern(column: str, pattern: str) -> str:
    return f"length({column}) >= {SHORTEST_IDENTIFIER} and regexp_matches({column}, {_quoted(pattern)})"


def _is_high_age(column: str) -> str:
    number = f"regexp_full_match({column}, {_quoted(_HIGH_AGE)})"
    return f"case when {number} then try_cast(rtrim({column}, '+') as double) >= {HIGHEST_AGE_YEARS + 1} end"


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
