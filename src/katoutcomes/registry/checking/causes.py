"""What a wrong cell looks like: reasons that often stand behind a broken rule, told apart by the form of the cell.

They answer the question that follows every count of rejected rows: why? A reason is a pattern, never a value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from katoutcomes.registry.tables import Column


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


_UNKNOWN_WORD = (
    "a word or sign for “not known”: leave the cell empty",
    r"(?i:n[./ ]?a[.]?|nan|none|null|nil|missing|unknown|unk|not (known|done|available|assessed)|[-–—.?*#x]+)",
)
_LABEL = ("a label: export coded values, not labels, or decode them with a mapping file", r"\p{L}.*")
_NUMBER_CAUSES = (
    _UNKNOWN_WORD,
    ("a decimal comma, or commas between thousands: write a point and nothing else", r"[+-]?[0-9]+([,'’ ][0-9]+)+"),
    (
        "a number with a unit or a word behind it: the unit is in the column's name",
        r"[+-]?[0-9]+([.,][0-9]+)? ?\p{L}.*",
    ),
    ("a range or an inequality: write one number", r"[<>≤≥~=]+ ?[0-9.,]+|[0-9.,]+ ?([-–/]|to) ?[0-9.,]+"),
    ("a label: export coded values, not labels, or decode them with a mapping file", r"\p{L}.*"),
)

FORM_CAUSES: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        "integer": (*_NUMBER_CAUSES, ("a number with decimals", r"[+-]?[0-9]+[.][0-9]+")),
        "day": (
            ("a date: dates stand in a column named date", r"[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}.*"),
            *_NUMBER_CAUSES,
        ),
        "number": _NUMBER_CAUSES,
        "flag": (
            ("yes or no as a word: write 1 or 0", r"(?i:y|n|yes|no|t|f|true|false|oui|non)"),
            *_NUMBER_CAUSES,
        ),
        "date": (
            _UNKNOWN_WORD,
            ("a date with a time: the time has a column of its own", r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ].*"),
            (
                "year, month and day with other separators",
                r"[0-9]{4}([/. ]?[0-9]{1,2}[/. ]?[0-9]{1,2}|-[0-9]-.*|.*-[0-9])",
            ),
            ("day, month and year in another order: write YYYY-MM-DD", r"[0-9]{1,2}[-/. ][0-9]{1,2}[-/. ][0-9]{2,4}.*"),
            ("a month as a word", r"(?i:.*(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec).*)"),
            ("a whole number: a spreadsheet's serial day, or a day of the course in the column date", r"-?[0-9]{1,6}"),
        ),
        "time": (
            _UNKNOWN_WORD,
            ("a time with seconds: leave them out", r"[0-9]{1,2}:[0-9]{2}:[0-9]{2}.*"),
            ("a time of the twelve-hour clock", r"(?i:[0-9]{1,2}([:.][0-9]{2})? ?[ap][.]?m[.]?)"),
            ("an hour of one digit: write two", r"[0-9]:[0-9]{2}"),
            ("a fraction of a day from a spreadsheet", r"0?[.][0-9]+"),
        ),
        "quarter": (("year and quarter in another form: write 2026Q3", r"(?i:.*q[1-4].*|[0-9]{4}[-/ ]?[1-4])"),),
        "term": (
            ("capital letters, spaces or hyphens: use lower case and underscores", r"[A-Za-z][A-Za-z0-9_ /-]*"),
            ("a sentence: terms are coded, and free text may identify a person", r".{41,}"),
        ),
    }
)
"""Kind of column to reasons (text, whole-cell pattern), the first that fits counts."""

_MISSING_NUMBERS = "-1, -7, -8, -9, -88, -99, -888, -999, 77, 88, 99, 777, 888, 999, 7777, 8888, 9999"


def form_causes(column: Column) -> tuple[Cause, ...]:
    """Return why the text of a cell may have the wrong form.

    Parameters
    ----------
    column : Column
        Of the schema.

    Examples
    --------
    >>> from katoutcomes.registry.tables import table_schema
    >>> dose = table_schema("sessions").column("dose_mg")
    >>> [cause.text for cause in form_causes(dose)][1]
    'a decimal comma, or commas between thousands: write a point and nothing else'
    """
    if column.kind in ("code", "codes"):
        return _code_causes(column)
    return tuple(Cause(text, _is(column.name, pattern)) for text, pattern in FORM_CAUSES.get(column.kind, ()))


def _code_causes(column: Column) -> tuple[Cause, ...]:
    """Return why a coded cell may not be one of its codes."""
    listed = ", ".join(f"'{code}'" for code in column.codes)
    tidy = f"regexp_replace(lower({column.name}), '[ -]+', '_', 'g')"
    separators = r"[^;]+([,|/][^;]+)+"
    many = (Cause("several codes with another separator: write semicolons", _is(column.name, separators)),)
    return (
        Cause(*_worded(column.name, _UNKNOWN_WORD)),
        Cause("a code with capital letters, spaces or hyphens: write it exactly", f"{tidy} in ({listed})"),
        Cause("a raw number: decode it with a mapping file", _is(column.name, "[0-9.]+")),
        *(many if column.kind == "codes" else ()),
        Cause(*_worded(column.name, _LABEL)),
    )


def range_causes(column: Column, value: str) -> tuple[Cause, ...]:
    """Return why a number may be out of range.

    Parameters
    ----------
    column : Column
        Of the schema.
    value : str
        SQL of the number.
    """
    text = "a number that often stands for “not known”, such as -9, 99 or 999: leave the cell empty"
    swapped = Cause("a dose in mg? it belongs into dose_mg", f"({value}) > {column.high}")
    return (Cause(text, f"({value}) in ({_MISSING_NUMBERS})"), *([swapped] * (column.name == "dose_mg_per_kg")))


def _worded(name: str, reason: tuple[str, str]) -> tuple[str, str]:
    return reason[0], _is(name, reason[1])


def _is(name: str, pattern: str) -> str:
    quoted = pattern.replace("'", "''")
    return f"regexp_full_match({name}, '{quoted}')"
