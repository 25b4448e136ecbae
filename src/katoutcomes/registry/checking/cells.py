"""What a cell of each kind may hold, and how it becomes a value.

Text is tested against a pattern and cast only then: a cast alone reads "12.5" as 13 and "infinity" as a date. A column
that comes as numbers or dates is tested as such, under the same rules and with the same answers as its text would get;
there is much less to test then. The expressions are DuckDB's; they run in the load stage only, after which there are no
dates and no casts of text.
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


SMALL_WHOLE_TYPES = ("TINYINT", "UTINYINT", "SMALLINT", "USMALLINT")
WHOLE_TYPES = (*SMALL_WHOLE_TYPES, "INTEGER", "UINTEGER", "BIGINT", "UBIGINT")
_WHOLE_KINDS = ("integer", "day", "flag")
_LARGEST = {"integer": 10**9 - 1, "day": 10**9 - 1, "number": 10**15 - 1}
_DATES = "between date '1900-01-01' and date '2099-12-31'"


def keeps_type(column: Column, stored: str) -> bool:
    """Return whether a column of a DuckDB type is tested as such; otherwise it is tested as text.

    Examples
    --------
    >>> keeps_type(Column("item_1", "integer"), "TINYINT"), keeps_type(Column("site", "text"), "TINYINT")
    (True, False)
    """
    if column.kind == "date":
        return stored == "DATE" or is_moment(stored)
    return column.kind in (*_WHOLE_KINDS, "number") and stored in (*WHOLE_TYPES, "DOUBLE")


def is_moment(stored: str) -> bool:
    """Return whether a DuckDB type is a timestamp; with a zone it may be another day where it was measured."""
    return stored.startswith("TIMESTAMP") and "ZONE" not in stored


def cell_checks(column: Column, stored: str = "VARCHAR", *, is_plain: bool = False) -> tuple[CellCheck, ...]:
    """Return every test of a column's cells, in the order in which the report lists them.

    Parameters
    ----------
    column : Column
        Of the schema.
    stored : str
        DuckDB type of the staged column.
    is_plain : bool, default False
        Whether it is known that each of its texts is short and holds nothing but letters, digits and underscores.

    Examples
    --------
    >>> [check.rule for check in cell_checks(Column("age_years", "integer", low=12, high=89))]
    ['integer', 'range']
    >>> [check.rule for check in cell_checks(Column("age_years", "integer", low=12, high=89), "TINYINT")]
    ['range']
    """
    if stored == "VARCHAR":
        checks = [] if is_plain and column.kind in ("key", "text") else [_form_check(column)]
    else:
        wrong = _wrong_value(column, stored)
        checks = [CellCheck(column.kind, f"must be {_MEANINGS[column.kind]}", wrong)] if wrong else []
    if column.kind == "date" and stored == "VARCHAR":
        predicate = f"{_matches(column)} and {cell_value(column)} is null"
        checks.append(CellCheck("impossible_date", "must be a day of the calendar", predicate))
    if column.low is not None and column.high is not None:
        checks.append(_range_check(column, column.low, column.high, stored))
    return tuple(checks)


def cell_value(column: Column, stored: str = "VARCHAR") -> str:
    """Return the SQL expression that turns a cell into its value, NULL where a check fails.

    A date becomes a DuckDB date; `typed_rows.py` turns it into a day number in the same stage.

    Parameters
    ----------
    column : Column
        Of the schema.
    stored : str
        DuckDB type of the staged column.
    """
    name = column.name
    if stored != "VARCHAR":
        return _typed_value(column, stored)
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


def _typed_value(column: Column, stored: str) -> str:
    """Return the value of a column that is not text."""
    name, wrong = column.name, _wrong_value(column, stored)
    casts = {"number": f"cast({name} as double) + 0.0", "date": name if stored == "DATE" else f"cast({name} as date)"}
    value = casts.get(column.kind, f"cast({name} as integer)")
    return f"case when not ({wrong}) then {value} end" if wrong else value


def _wrong_value(column: Column, stored: str) -> str:
    """Return the SQL that is true where a cell that is not text is none of its kind; "" where that cannot be."""
    name = column.name
    if column.kind == "date":
        day = name if stored == "DATE" else f"cast({name} as date)"
        outside = f"not {day} {_DATES}"
        return outside if stored == "DATE" else f"{day} <> {name} or {outside}"
    if column.kind == "flag":
        return f"{name} not in (0, 1)"
    largest = _LARGEST[column.kind]
    if stored == "DOUBLE" and column.kind == "number":
        # What is very large or very small is tested as the text that it would be written as.
        usual = f"{name} = 0 or abs({name}) between 1e-9 and 1e14"
        matches = f"regexp_full_match({as_text(name, stored)}, '{PATTERNS['number']}')"
        return f"case when {usual} then false else not {matches} end"
    if stored == "DOUBLE":
        return f"{name} <> floor({name}) or abs({name}) > {largest}"
    return "" if stored in SMALL_WHOLE_TYPES else f"not {name} between -{largest} and {largest}"


def as_text(column: str, stored: str) -> str:
    """Return the SQL that writes a typed column as the schema would have it written in a CSV file.

    Parameters
    ----------
    column : str
        Column, quoted where needed.
    stored : str
        Its DuckDB type.
    """
    if stored == "BOOLEAN":
        return f"cast(cast({column} as integer) as varchar)"
    if stored in ("DOUBLE", "FLOAT"):
        whole = f"isfinite({column}) and {column} = floor({column}) and abs({column}) < 1e15"
        return (
            f"case when isnan({column}) then null when {whole} then cast(cast({column} as bigint) as varchar) "
            f"else cast({column} as varchar) end"
        )
    if is_moment(stored):
        midnight = f"cast({column} as date) = {column}"
        return f"case when {midnight} then cast(cast({column} as date) as varchar) else cast({column} as varchar) end"
    if stored in ("TIME", "TIME_NS"):
        return f"regexp_replace(cast(cast({column} as time) as varchar), '^([0-9]{{2}}:[0-9]{{2}}):00$', '\\1')"
    return f"nullif(trim(cast({column} as varchar)), '')"


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


def _range_check(column: Column, low: float, high: float, stored: str) -> CellCheck:
    is_typed = stored != "VARCHAR"
    value = column.name if is_typed else cell_value(column, stored)
    below, meaning = ("<=", "above") if column.low_is_open else ("<", "at least")
    outside = f"{value} {below} {low} or {value} > {high}"
    if is_typed and (wrong := _wrong_value(column, stored)):
        outside = f"({outside}) and not ({wrong})"  # the little that is outside is looked at closely
    return CellCheck("range", f"must be {meaning} {low:g} and at most {high:g}", outside)
