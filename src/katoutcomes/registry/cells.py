"""What a cell of each kind may hold, and how its text becomes a value.

Every cell is text at first. It is tested against a pattern and cast only then: a cast alone reads "12.5" as 13 and
"infinity" as a date. The expressions are DuckDB's; they run in the load stage only, after which there are no dates and
no casts of text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from katoutcomes.registry.tables import LONGEST_KEY, LONGEST_TEXT, Column

# 45.0 is how pandas writes 45 in a column with gaps, so it is an integer; 45.5 is none.
PATTERNS: Mapping[str, str] = MappingProxyType(
    {
        "integer": "[+-]?[0-9]{1,9}([.]0+)?",
        "day": "[+-]?[0-9]{1,9}([.]0+)?",
        "flag": "[01]([.]0+)?",
        "number": "[+-]?[0-9]{1,15}([.][0-9]{1,30})?([eE][+-]?[0-9]{1,2})?",
        "date": "(19|20)[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])",
        "time": "([01][0-9]|2[0-3]):[0-5][0-9]",
        "quarter": "(19|20)[0-9]{2}Q[1-4]",
        "term": "[a-z][a-z0-9_]{0,39}",
    }
)
"""Regular expressions that the whole cell must match, by kind of column."""

_MEANINGS: Mapping[str, str] = MappingProxyType(
    {
        "integer": "a whole number",
        "day": "a whole number of days",
        "flag": "0 or 1",
        "number": "a number, with a point for decimals",
        "date": "a date as YYYY-MM-DD, from 1900 to 2099",
        "time": "a time as HH:MM",
        "quarter": "a calendar quarter as YYYYQn",
        "term": "a coded term: lower case letters, digits and underscores, at most 40 characters",
    }
)


@dataclass(frozen=True, slots=True)
class CellCheck:
    """A test that a filled cell must pass.

    Attributes
    ----------
    rule : str
        Rule id.
    description : str
        What the cell must be.
    predicate : str
        SQL that is true where the cell is wrong; where it is unknown there is nothing to test.
    """

    rule: str
    description: str
    predicate: str


def cell_checks(column: Column) -> tuple[CellCheck, ...]:
    """Return every test of a column's cells, in the order in which the report lists them.

    Examples
    --------
    >>> [check.rule for check in cell_checks(Column("age_years", "integer", low=12, high=89))]
    ['integer', 'range']
    """
    checks = [_form_check(column)]
    if column.kind == "date":
        predicate = f"{_matches(column)} and {cell_value(column)} is null"
        checks.append(CellCheck("impossible_date", "must be a day of the calendar", predicate))
    if column.low is not None and column.high is not None:
        checks.append(_range_check(column, column.low, column.high))
    return tuple(checks)


def cell_value(column: Column) -> str:
    """Return the SQL expression that turns a column's text into its value, NULL where a check fails.

    A date becomes a DuckDB date; `typed_rows.py` turns it into a day number in the same stage.
    """
    name = column.name
    if column.kind == "codes":
        return _canonical_codes(column)
    if column.kind not in PATTERNS:
        return name
    casts = {
        "integer": f"try_cast(try_cast({name} as double) as integer)",
        "number": f"try_cast({name} as double) + 0.0",  # minus zero becomes zero, which is written the same way
        "date": f"try_cast({name} as date)",
        "time": f"60 * try_cast(substring({name}, 1, 2) as integer) + try_cast(substring({name}, 4, 2) as integer)",
    }
    same = {"day": "integer", "flag": "integer"}
    return f"case when {_matches(column)} then {casts.get(same.get(column.kind, column.kind), name)} end"


def _canonical_codes(column: Column) -> str:
    """Return the codes of a cell in the order of the schema, each once, separated by semicolons."""
    given = f"';' || replace({column.name}, ' ', '') || ';'"
    parts = " || ".join(f"case when contains({given}, ';{code};') then ';{code}' else '' end" for code in column.codes)
    return f"nullif(substring({parts}, 2), '')"


def _matches(column: Column) -> str:
    return f"regexp_full_match({column.name}, '{PATTERNS[column.kind]}')"


def _form_check(column: Column) -> CellCheck:
    """Return the test of what a cell looks like."""
    if column.kind == "code":
        listed = ", ".join(f"'{code}'" for code in column.codes)
        meaning = "must be one of " + ", ".join(column.codes)
        return CellCheck("code", meaning, f"{column.name} not in ({listed})")
    if column.kind == "codes":
        code = "(" + "|".join(column.codes) + ")"
        predicate = f"not regexp_full_match({column.name}, '{code}( *; *{code})*')"
        return CellCheck("codes", "must be codes of the schema separated by semicolons", predicate)
    if column.kind in ("key", "text"):
        longest = LONGEST_KEY if column.kind == "key" else LONGEST_TEXT
        predicate = f"length({column.name}) > {longest} or regexp_matches({column.name}, '[[:cntrl:]]')"
        return CellCheck("text", f"must be at most {longest} printable characters", predicate)
    return CellCheck(column.kind, f"must be {_MEANINGS[column.kind]}", f"not {_matches(column)}")


def _range_check(column: Column, low: float, high: float) -> CellCheck:
    value = cell_value(column)
    below, meaning = ("<=", "above") if column.low_is_open else ("<", "at least")
    return CellCheck(
        "range",
        f"must be {meaning} {low:g} and at most {high:g}",
        f"{value} {below} {low} or {value} > {high}",
    )
