"""Values in a form that hardly anything but an identifier has."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from katoutcomes.registry.identifiers.gate import Finding
from katoutcomes.registry.identifiers.names import holds_age
from katoutcomes.registry.tables import HIGHEST_AGE_YEARS, TABLES

if TYPE_CHECKING:
    from katoutcomes.registry.engine import Engine

VALUE_RULES: Mapping[str, str] = MappingProxyType(
    {
        "value_email": r"[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+([.][A-Za-z0-9-]+)*[.][A-Za-z]{2,}",
        "value_url": r"(?i)(https?://|\bwww[.])",
        # Ten digits without a separator may be a study key, so a phone number needs separators or a plus sign.
        "value_phone": (
            r"(^|[^0-9A-Za-z-])([+]?1[-. ]?)?([(][2-9][0-9]{2}[)] ?|[2-9][0-9]{2}[-. ])[0-9]{3}[-. ][0-9]{4}"
            r"($|[^0-9A-Za-z-])"
            r"|[+][1-9][0-9]{0,2}[-. (]?[0-9][-. ()0-9]{6,14}[0-9]"
        ),
        "value_social_security_number": r"(^|[^0-9A-Za-z-])[0-9]{3}-[0-9]{2}-[0-9]{4}($|[^0-9A-Za-z-])",
        "value_social_insurance_number": r"(^|[^0-9A-Za-z-])[0-9]{3}[- ][0-9]{3}[- ][0-9]{3}($|[^0-9A-Za-z-])",
        "value_ip_address": (
            r"(^|[^0-9.])((25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})[.]){3}(25[0-5]|2[0-4][0-9]|1?[0-9]{1,2})($|[^0-9.])"
        ),
        "value_postal_code": (
            r"(^|[^0-9A-Za-z])[A-Za-z][0-9][A-Za-z] [0-9][A-Za-z][0-9]($|[^0-9A-Za-z])"  # Canada
            r"|(^|[^0-9A-Za-z])[A-Z]{1,2}[0-9][0-9A-Z]? [0-9][A-Z]{2}($|[^0-9A-Za-z])"  # United Kingdom
        ),
    }
)
"""Regular expressions (RE2) that a value must not hold anywhere, by rule id."""

KEY_EXEMPTIONS: frozenset[str] = frozenset({"value_social_insurance_number"})
"""Rules not held against the schema's own keys: country-site-subject numbers look the same."""

SHORTEST_IDENTIFIER = 6
"""No value rule matches anything shorter, so codes, items and most numbers need not be tested."""

AGE_RULE = "value_age_above_89"

_KEYS: frozenset[str] = frozenset(table.key for table in TABLES)


def holds_identifier(text: str) -> bool:
    """Return whether any value rule matches a text, such as a column name that is really a row of data."""
    return any(re.search(pattern, text) for pattern in VALUE_RULES.values())


def value_findings(engine: Engine, table: str, file: str, columns: Mapping[str, str]) -> tuple[Finding, ...]:
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

    Returns
    -------
    tuple of Finding
        One for each column and rule, with the number of rows.
    """
    anything = "|".join(f"({pattern})" for pattern in VALUE_RULES.values())
    # One pass over whole rows first: nearly always it finds nothing, and a regular expression a column costs more.
    long_cells = ", ".join(
        f"case when length({column}) >= {SHORTEST_IDENTIFIER} then {column} end" for column in columns
    )
    is_clean = not _counts(engine, table, {"row": f"regexp_matches(concat_ws(chr(31), {long_cells}), '{anything}')"})
    findings = []
    for column in () if is_clean else columns:
        exempt = KEY_EXEMPTIONS if columns[column] in _KEYS else frozenset()
        tests = {rule: _holds_pattern(column, text) for rule, text in VALUE_RULES.items() if rule not in exempt}
        found = _counts(engine, table, tests)
        findings += [Finding(file, columns[column], rule, n_rows) for rule, n_rows in found.items()]
    ages = {column: _is_high_age(column) for column, shown in columns.items() if holds_age(shown)}
    found = _counts(engine, table, ages)
    findings += [Finding(file, columns[column], AGE_RULE, n_rows) for column, n_rows in found.items()]
    return tuple(findings)


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
    tests: dict[str, Callable[[str], object]] = {
        rule: re.compile(text).search for rule, text in VALUE_RULES.items() if rule not in exempt
    }
    if holds_age(column):
        tests[AGE_RULE] = _is_high_age_text
    counts = dict.fromkeys(tests, 0)
    for text, n_values in Counter(value for value in values if isinstance(value, str)).items():
        for rule, is_found in tests.items():
            counts[rule] += n_values * bool(is_found(text))
    return tuple(Finding(file, column, rule, n_rows) for rule, n_rows in counts.items() if n_rows)


def _is_high_age_text(text: str) -> bool:
    return (
        re.fullmatch(r"[0-9]{2,3}([.][0-9]+)?[+]?", text) is not None
        and float(text.rstrip("+")) >= HIGHEST_AGE_YEARS + 1
    )


def _holds_pattern(column: str, pattern: str) -> str:
    return f"length({column}) >= {SHORTEST_IDENTIFIER} and regexp_matches({column}, '{pattern}')"


def _is_high_age(column: str) -> str:
    number = f"regexp_full_match({column}, '[0-9]{{2,3}}([.][0-9]+)?[+]?')"
    return f"case when {number} then try_cast(rtrim({column}, '+') as double) >= {HIGHEST_AGE_YEARS + 1} end"


def _counts(engine: Engine, table: str, tests: Mapping[str, str]) -> dict[str, int]:
    """Return, for each test that is true somewhere, in how many rows it is."""
    if not tests:
        return {}
    names = {f"t{position}": name for position, name in enumerate(tests)}
    counted = ", ".join(f"count(case when {tests[name]} then 1 end) as {short}" for short, name in names.items())
    row = engine.fetch(f"select {counted} from {table}")
    return {name: int(row[short][0]) for short, name in names.items() if row[short][0]}
