"""Columns that are an identifier as a whole, although no single cell of them need be: birth dates, names, card numbers.

A date is no identifier here (the schema has dates), two capitalized words may be a clinic, nine digits may be a study
key. A column of which nearly all cells are dates long before the treatment, or different pairs of capitalized words, or
numbers that pass the check digit of a health card, is none of these by chance.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from katoutcomes.registry.identifiers.check_digits import CHECKED_NUMBERS, digits_of
from katoutcomes.registry.identifiers.gate import Finding
from katoutcomes.registry.tables import LOWEST_AGE_YEARS, TABLES

if TYPE_CHECKING:
    from katoutcomes.registry.engine import Engine

_MONTHS = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
DATE_FORM = (
    r"(?i:(19|20)[0-9]{2}[-/. ][0-9]{1,2}[-/. ][0-9]{1,2}([T ][0-9:.Z+-]*)?"
    r"|[0-9]{1,2}[-/. ][0-9]{1,2}[-/. ](19|20)[0-9]{2}([T ][0-9:.Z+-]*)?"
    rf"|[0-9]{{1,2}}[-/. ]?({_MONTHS})[a-z]*[-/., ]*(19|20)[0-9]{{2}}"
    rf"|({_MONTHS})[a-z]*[. ]+[0-9]{{1,2}},? +(19|20)[0-9]{{2}})"
)
"""A whole cell that is a calendar date in one of the usual ways."""
_YEAR = r"((19|20)[0-9]{2})([^0-9:]|$)"
_NAME_FORM = (
    r"\p{Lu}[\p{L}'’-]+,? ?(\p{Lu}[\p{L}.'’-]* ){0,2}\p{Lu}[\p{L}'’-]+"  # given and family name, in either order
    r"|\p{Lu}[.]? ?\p{Lu}[\p{L}'’-]+|\p{Lu}[\p{L}'’-]+,? \p{Lu}[.]?"  # one of them as an initial
)
_KEY_NAME_FORM = rf"{_NAME_FORM}|\p{{L}}{{2,}}[ ._,;-]+\p{{L}}{{2,}}"
"""In a key, two words of letters alone are a name however they are written: study keys have digits."""
_NUMBER_FORM = r"[0-9]{3,4}[- ]?[0-9]{3,4}[- ]?[0-9]{3,4}([- ]?[0-9]{3,4})?([- ]?[A-Za-z]{1,2})?"

LATEST_BIRTH_YEAR_WITHOUT_DATES = 2005
"""Where no other date is known, dates up to this year count as births: the treatments recorded here are younger."""
SHARE_OF_CELLS = 0.5
FEWEST_NAMES = 5
FEWEST_CHECKED_NUMBERS = 3
SHARE_OF_CHECKED_NUMBERS = 0.9
MOST_NUMBERS_TRIED = 500
MOST_ROWS_TRIED = 20_000
"""Numbers of one column come from one scheme, so the first rows tell."""

_NUMBERED_KINDS = frozenset({"", "key", "text", "number"})


def shape_findings(
    engine: Engine, table: str, file: str, columns: Mapping[str, str], reference_year: int | None
) -> tuple[Finding, ...]:
    """Look for columns that are an identifier as a whole.

    Parameters
    ----------
    engine, table, file, columns, reference_year
        As `value_findings` takes them.
    """
    kinds = {column: _kind(column, table) for column in columns}
    free = {column: shown for column, shown in columns.items() if kinds[column] in ("", "key") or column == "site"}
    findings = _birth_dates(engine, table, file, free, reference_year)
    for column, shown in columns.items():
        form = _KEY_NAME_FORM if kinds[column] == "key" else _NAME_FORM
        if column in free and (n_rows := _n_names(engine, table, column, form)):
            findings.append(Finding(file, shown, "value_person_names", n_rows))
        if kinds[column] in _NUMBERED_KINDS and (n_rows := _n_checked_numbers(engine, table, column)):
            findings.append(Finding(file, shown, "value_checked_numbers", n_rows))
    return tuple(findings)


def reference_year(engine: Engine) -> int | None:
    """Return the typical calendar year of the sessions, or None if they have no dates."""
    is_date = "regexp_full_match(date, '(19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}')"
    year = engine.scalar(
        f"select median(try_cast(substring(date, 1, 4) as integer)) from text_sessions where {is_date}"
    )
    return None if year is None else int(year)


def _kind(column: str, table: str) -> str:
    """Return the kind of a column of the schema, and "" for a column that it does not know, which may hold anything."""
    schema = next((schema for schema in TABLES if f"text_{schema.name}" == table), None)
    known = schema.column(column) if schema is not None else None
    return known.kind if known is not None else ""


def _birth_dates(
    engine: Engine, table: str, file: str, columns: Mapping[str, str], reference_year: int | None
) -> list[Finding]:
    """Return the columns of dates that lie at least twelve years before the latest dates of the data."""
    medians: dict[str, tuple[int, int]] = {}
    for column in columns:
        is_date = f"regexp_full_match({column}, '{DATE_FORM}')"
        counts = engine.fetch(
            f"select count({column}) as n_filled, count(case when {is_date} then 1 end) as n_dates from {table}"
        )
        n_filled, n_dates = int(counts["n_filled"][0]), int(counts["n_dates"][0])
        if n_dates and n_dates >= SHARE_OF_CELLS * n_filled:
            year = f"try_cast(regexp_extract({column}, '{_YEAR}', 1) as integer)"
            medians[column] = (int(engine.scalar(f"select median({year}) from {table} where {is_date}")), n_dates)
    latest = max((year for year, _ in medians.values()), default=0)
    limit = max(latest, reference_year or 0) - LOWEST_AGE_YEARS
    limit = max(limit, LATEST_BIRTH_YEAR_WITHOUT_DATES) if reference_year is None else limit
    return [
        Finding(file, columns[column], "value_birth_date", n_rows)
        for column, (year, n_rows) in medians.items()
        if year <= limit
    ]


def _n_names(engine: Engine, table: str, column: str, form: str) -> int:
    """Return how many cells look like a person's name, if most different cells do and there are as many as patients.

    A table may have many rows a patient, so the different cells count, held against the patients of the table.
    """
    written = form.replace("'", "''")
    is_name = f"regexp_full_match({column}, '{written}')"
    is_keyed = table.startswith("text_")
    patients = "count(distinct patient_id)" if is_keyed else f"count({column})"
    counts = engine.fetch(
        f"select count(distinct {column}) as n_filled, count(case when {is_name} then 1 end) as n_names, "
        f"count(distinct case when {is_name} then {column} end) as n_different, {patients} as n_patients from {table}"
    )
    n_filled, n_names, n_different, n_patients = (
        int(counts[name][0]) for name in ("n_filled", "n_names", "n_different", "n_patients")
    )
    if n_different < FEWEST_NAMES or n_different <= SHARE_OF_CELLS * n_filled:
        return 0
    return n_names if n_different > SHARE_OF_CELLS * n_patients else 0


def _n_checked_numbers(engine: Engine, table: str, column: str) -> int:
    """Return how many cells are numbers with a check digit, if nearly all such numbers of the column pass one."""
    is_number = f"length({column}) between 9 and 20 and regexp_full_match({column}, '{_NUMBER_FORM}')"
    found = engine.fetch(
        f"select distinct {column} as v from (select {column} from {table} where input_row <= {MOST_ROWS_TRIED}) as t "
        f"where {is_number} order by v limit {MOST_NUMBERS_TRIED}"
    )
    values = [str(value) for value in found["v"]]
    for form, check in CHECKED_NUMBERS.values():
        tried = [value for value in values if re.fullmatch(form, value)]
        passed = sum(check(value) for value in tried)
        is_kind = len({digits_of(value) for value in tried}) >= FEWEST_CHECKED_NUMBERS
        if is_kind and passed >= SHARE_OF_CHECKED_NUMBERS * len(tried):
            return int(engine.scalar(f"select count(*) from {table} where {is_number}"))
    return 0
