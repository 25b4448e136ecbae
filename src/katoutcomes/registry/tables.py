"""The tables of a registry as data: which columns there are, what they hold, which must be there.

`docs/reference/schema.md` says the same in words; a test holds the two against each other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from katoutcomes.vocabulary import (
    AGE_BANDS,
    APPROACHES,
    DIAGNOSES,
    EVENT_SEVERITIES,
    PROGRAMS,
    ROUTES,
    SESSION_FORMATS,
    SESSION_KINDS,
    SEXES,
)

COLUMN_KINDS: tuple[str, ...] = (
    "key",
    "text",
    "code",
    "codes",
    "term",
    "integer",
    "number",
    "flag",
    "day",
    "date",
    "time",
    "quarter",
)
"""What the cells of a column are; `cells.py` holds one entry for each."""

LOWEST_AGE_YEARS = 12
HIGHEST_AGE_YEARS = 89
"""An age above it counts as a direct identifier (45 CFR 164.514(b)(2)(i)(C))."""
LONGEST_KEY = 64
LONGEST_TEXT = 100
WIDEST_SPAN_DAYS = 7305
"""Twenty years of 365.25 days: nothing in a registry lies further than this from the patient's index day."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the schema.

    Attributes
    ----------
    name : str
        Its name in the file and in the engine.
    kind : str
        One of `COLUMN_KINDS`.
    is_required : bool
        Whether the column must be there and each of its cells be filled.
    low, high : float or None
        Range of a number, both ends included unless `low_is_open`.
    low_is_open : bool
        Whether `low` itself is outside the range.
    codes : tuple of str
        What a coded cell may hold.
    is_dosing_only : bool
        Whether only dosing sessions may fill it.
    """

    name: str
    kind: str
    is_required: bool = False
    low: float | None = None
    high: float | None = None
    low_is_open: bool = False
    codes: tuple[str, ...] = ()
    is_dosing_only: bool = False


@dataclass(frozen=True, slots=True)
class ColumnFamily:
    """Columns that a table may hold any number of, named by a pattern.

    Attributes
    ----------
    pattern : str
        Regular expression that a whole column name matches.
    kind : str
        One of `COLUMN_KINDS`.
    """

    pattern: str
    kind: str


@dataclass(frozen=True, slots=True)
class TableSchema:
    """A table of the schema.

    Attributes
    ----------
    name : str
        Its name, which is also the name of its file.
    number : int
        Its number in the table `problems` of the engine.
    key : str
        The column that names a row.
    code : str
        The integer that stands for the key inside the engine.
    is_required : bool
        Whether a registry must have it.
    columns : tuple of Column
        Every column but those of the families.
    families : tuple of ColumnFamily
        Further columns.
    """

    name: str
    number: int
    key: str
    code: str
    is_required: bool
    columns: tuple[Column, ...]
    families: tuple[ColumnFamily, ...] = ()

    @property
    def has_days(self) -> bool:
        """Whether its rows happened on a day."""
        return any(column.kind == "day" for column in self.columns)

    def column(self, name: str) -> Column | None:
        """Return the column of that name, made from a family where needed; None if the schema has none."""
        for column in self.columns:
            if column.name == name:
                return column
        for family in self.families:
            if re.fullmatch(family.pattern, name):
                return Column(name, family.kind)
        return None

    def family_columns(self, names: tuple[str, ...]) -> tuple[Column, ...]:
        """Return the columns among `names` that belong to a family, in an order that does not depend on `names`."""
        return tuple(
            Column(name, family.kind)
            for family in self.families
            for name in sorted(names, key=_natural_order)
            if re.fullmatch(family.pattern, name)
        )


def _natural_order(name: str) -> tuple[str, int, str]:
    """Sort ``item_10`` after ``item_9``."""
    stem, _, number = name.rpartition("_")
    return (stem, int(number), name) if number.isdigit() else (name, 0, name)


_VITAL_SIGNS = (
    Column("systolic_before_mmhg", "integer", low=50, high=300),
    Column("systolic_peak_mmhg", "integer", low=50, high=300),
    Column("diastolic_before_mmhg", "integer", low=20, high=200),
    Column("diastolic_peak_mmhg", "integer", low=20, high=200),
    Column("oxygen_saturation_min_percent", "integer", low=50, high=100),
)

PATIENTS = TableSchema(
    name="patients",
    number=1,
    key="patient_id",
    code="patient",
    is_required=True,
    columns=(
        Column("patient_id", "key", is_required=True),
        Column("site", "text"),
        Column("age_years", "integer", low=LOWEST_AGE_YEARS, high=HIGHEST_AGE_YEARS),
        Column("age_band", "code", codes=AGE_BANDS),
        Column("sex", "code", codes=SEXES),
        Column("diagnoses", "codes", codes=DIAGNOSES),
        Column("prior_antidepressant_trials", "integer", low=0, high=40),
        Column("program_booked", "code", codes=PROGRAMS),
        Column("index_quarter", "quarter"),
    ),
    families=(
        ColumnFamily(r"eligible_[a-z0-9_]{1,50}", "flag"),
        ColumnFamily(r"covariate_[a-z0-9_]{1,50}", "number"),
    ),
)

SESSIONS = TableSchema(
    name="sessions",
    number=2,
    key="session_id",
    code="session",
    is_required=True,
    columns=(
        Column("session_id", "key", is_required=True),
        Column("patient_id", "key", is_required=True),
        Column("day", "day"),
        Column("date", "date"),
        Column("time", "time"),
        Column("kind", "code", is_required=True, codes=SESSION_KINDS),
        Column("route", "code", codes=ROUTES, is_dosing_only=True),
        Column("dose_mg", "number", low=0, high=1000, low_is_open=True, is_dosing_only=True),
        Column("dose_mg_per_kg", "number", low=0, high=10, low_is_open=True, is_dosing_only=True),
        Column("approach", "code", codes=APPROACHES, is_dosing_only=True),
        Column("duration_minutes", "integer", low=1, high=720),
        Column("format", "code", codes=SESSION_FORMATS),
        *_VITAL_SIGNS,
        Column("rescue_medication", "flag", is_dosing_only=True),
        Column("stopped_early", "flag", is_dosing_only=True),
    ),
)

SCORES = TableSchema(
    name="scores",
    number=3,
    key="score_id",
    code="score",
    is_required=False,
    columns=(
        Column("score_id", "key", is_required=True),
        Column("patient_id", "key", is_required=True),
        Column("day", "day"),
        Column("date", "date"),
        Column("time", "time"),
        Column("instrument", "text", is_required=True),
        Column("version", "text"),
        Column("metric", "text"),
        Column("session_id", "key"),
        Column("total", "number"),
    ),
    families=(ColumnFamily(r"item_[1-9][0-9]?", "integer"),),
)

ADVERSE_EVENTS = TableSchema(
    name="adverse_events",
    number=4,
    key="event_id",
    code="event",
    is_required=False,
    columns=(
        Column("event_id", "key", is_required=True),
        Column("patient_id", "key", is_required=True),
        Column("session_id", "key"),
        Column("day", "day"),
        Column("date", "date"),
        Column("term", "term", is_required=True),
        Column("severity", "code", is_required=True, codes=EVENT_SEVERITIES),
        Column("serious", "flag", is_required=True),
    ),
)

TABLES: tuple[TableSchema, ...] = (PATIENTS, SESSIONS, SCORES, ADVERSE_EVENTS)
EVENT_TABLES: tuple[TableSchema, ...] = TABLES[1:]
KEPT_TABLES: tuple[str, ...] = (*(schema.name for schema in TABLES), "uncertain_index_days")
"""What a load leaves in its engine, and all that the cohorts are built from."""


def table_schema(name: str) -> TableSchema:
    """Return the schema of one table; KeyError if there is none of that name."""
    return {table.name: table for table in TABLES}[name]
