"""Columns that are an identifier as a whole, although no single cell of them need be: birth dates, names, numbers.

A date is no identifier here (the schema has dates), two capitalized words may be a clinic, nine digits may be a study
key. A column of which nearly all cells are dates long before the treatment, or different names, or numbers that pass
the check digit of a health card, is none of these by chance. What a part of the cells looks like is only warned of.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from katoutcomes.registry.identifiers.check_digits import CHECKED_NUMBERS, digits_of
from katoutcomes.registry.identifiers.dates import DATE_FORM, year_of
from katoutcomes.registry.identifiers.folding import folded, folded_sql
from katoutcomes.registry.identifiers.gate import Finding
from katoutcomes.registry.identifiers.patterns import CANADIAN_POSTAL_CODE, QUEBEC_HEALTH_NUMBER
from katoutcomes.registry.identifiers.person_names import LIKE_A_NAME, are_names, holds_given_name, may_be_family_names
from katoutcomes.registry.tables import LOWEST_AGE_YEARS, TABLES

if TYPE_CHECKING:
    from katoutcomes.registry.engines.engine import Engine

NUMBER_FORM = (
    r"[0-9]{3,4}[-. ]?[0-9]{3,4}[-. ]?[0-9]{3,4}([-. ]?[0-9]{2,4})?([- ]?[A-Za-z]{1,2})?|[A-Z][0-9]{7,9}[- ]?[A-Z]?"
    r"|[12] ?[0-9]{2} ?[0-9]{2} ?[0-9][0-9AB] ?[0-9]{3} ?[0-9]{3} ?[0-9]{2}|[0-9]{8}[- ]?[A-Z]"
    rf"|{QUEBEC_HEALTH_NUMBER}"
)
"""All forms of numbers that their check digit, or their parts, prove."""
PHONE_FORM = r"1?[2-9](0[1-9]|[1-8][0-9])[2-9][0-9]{6}([.]0)?|0[1-9][0-9]{8,10}"
"""Phone numbers without anything between the digits."""

LATEST_BIRTH_YEAR_WITHOUT_DATES = 2005
"""Where no other date is known, dates up to this year count as births: the treatments recorded here are younger."""
LATEST_YEAR_WITHOUT_DATES = 2029
"""Where no other date is known, two digits up to 29 are a year of this century."""
SHARE_OF_DATES = 0.5
FEWEST_NUMBERS = 3
SHARE_OF_NUMBERS = 0.9
SHARE_OF_BEGINNINGS = 0.5
"""Running numbers share their first digits; phone numbers of several people do not."""
MOST_TEXTS_TRIED = 500
MOST_ROWS_TRIED = 20_000
"""Cells of one column come from one scheme, so the first rows tell."""

_BIRTH_KEY = rf"([A-Za-z]{{1,4}}[-_ ]?)?({DATE_FORM})([-_ ]?[A-Za-z]{{1,4}})?"
_KEY_LETTERS = re.compile(r"^[A-Za-z]{1,4}[-_ ]?(?=[0-9])|(?<=[0-9])[-_ ]?[A-Za-z]{1,4}$")
"""Initials before or after a birth date, which make a key of it."""
_NUMBERED_KINDS = frozenset({"", "key", "text", "number"})


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Texts of a column.

    Attributes
    ----------
    texts : mapping of str to int
        Different texts, folded, with the number of rows.
    share : float
        Share of all different texts that these are.
    n_patients : int
        Patients of the rows; the number of rows where they are not known.
    is_free : bool
        Whether the column may hold anything: its cells are dates, names or phones only by themselves.
    is_key : bool
        Whether it is a key of the schema.
    """

    texts: Mapping[str, int]
    share: float
    n_patients: int
    is_free: bool
    is_key: bool


def shape_findings(
    engine: Engine, table: str, file: str, columns: Mapping[str, str], reference_year: int | None
) -> tuple[Finding, ...]:
    """Look for columns that are an identifier as a whole.

    Parameters
    ----------
    engine, table, file, columns, reference_year
        As `value_findings` takes them.
    """
    samples = _samples(engine, table, columns)
    findings = []
    for column, rules in judged(samples, reference_year).items():
        for rule, form in rules:
            cells = f"regexp_full_match({folded_sql(column)}, '{form.replace(chr(39), chr(39) * 2)}')"
            n_rows = int(engine.scalar(f"select count(*) from {table} where {cells}"))
            findings.append(Finding(file, columns[column], rule, n_rows))
        findings += _doubts(samples[column], file, columns[column], {rule for rule, _ in rules})
    return tuple(findings)


def array_shapes(
    columns: Mapping[str, Mapping[str, int]], file: str, reference_year: int | None
) -> tuple[Finding, ...]:
    """Look for the same in texts that are in no engine.

    Parameters
    ----------
    columns : mapping of str to mapping of str to int
        For each column, as messages call it, its texts with the number of times that they are there.
    file : str
        How messages call the file.
    reference_year : int or None
        As `value_findings` takes it.
    """
    samples = {}
    for column, texts in columns.items():
        counted: dict[str, int] = {}
        for text, n in texts.items():
            counted[folded(text)] = counted.get(folded(text), 0) + n
        samples[column] = Sample(counted, 1.0, sum(counted.values()), is_free=True, is_key=False)
    findings = []
    for column, rules in judged(samples, reference_year).items():
        for rule, form in rules:
            n_rows = sum(n for text, n in samples[column].texts.items() if re.fullmatch(form, text))
            findings.append(Finding(file, column, rule, n_rows))
        findings += _doubts(samples[column], file, column, {rule for rule, _ in rules})
    return tuple(findings)


def judged(samples: Mapping[str, Sample], reference_year: int | None) -> dict[str, list[tuple[str, str]]]:
    """Return for each column the rules that it breaks, each with the form of the cells that do."""
    born = _births(samples, reference_year)
    found: dict[str, list[tuple[str, str]]] = {}
    for column, sample in samples.items():
        rules = [("value_birth_date", _BIRTH_KEY if sample.is_key else DATE_FORM)] if column in born else []
        if sample.is_free or sample.is_key:
            n_patients = round(sample.n_patients * sample.share)
            if are_names(sample.texts, n_patients, is_key=sample.is_key):
                rules.append(("value_person_names", LIKE_A_NAME))
            if _are_phones(sample.texts):
                rules.append(("value_phone", PHONE_FORM))
        if sample.is_free and _are_all(CANADIAN_POSTAL_CODE, sample.texts):
            rules.append(("value_postal_code", CANADIAN_POSTAL_CODE))
        if _are_checked_numbers(sample.texts) or _are_quebec_numbers(sample.texts):
            rules.append(("value_checked_numbers", NUMBER_FORM))
        found[column] = rules
    return found


def _doubts(sample: Sample, file: str, column: str, rules: set[str]) -> list[Finding]:
    """Return what some cells look like, where that is not enough to refuse them."""
    found = []
    n_patients = round(sample.n_patients * sample.share)
    if "value_person_names" not in rules and may_be_family_names(sample.texts, n_patients):
        found.append(Finding(file, column, "possible_name", sum(sample.texts.values())))
    if not sample.is_free:
        return found
    for doubt, refused, test in (
        ("possible_name", "value_person_names", holds_given_name),
        ("possible_phone", "value_phone", re.compile(PHONE_FORM).fullmatch),
        ("possible_postal_code", "value_postal_code", re.compile(CANADIAN_POSTAL_CODE).fullmatch),
    ):
        n_rows = sum(n for text, n in sample.texts.items() if test(text))
        if any(finding.rule == doubt for finding in found):
            continue
        if n_rows and refused not in rules and "value_checked_numbers" not in rules:
            found.append(Finding(file, column, doubt, n_rows))
    return found


def reference_year(engine: Engine) -> int | None:
    """Return the typical calendar year of the sessions, or else of the patients' quarters; None without either."""
    is_date = "regexp_full_match(date, '(19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}')"
    year = engine.scalar(
        f"select median(try_cast(substring(date, 1, 4) as integer)) from text_sessions where {is_date}"
    )
    if year is None and engine.has("text_patients"):
        is_quarter = "regexp_full_match(index_quarter, '(19|20)[0-9]{2}Q[1-4]')"
        year = engine.scalar(
            f"select median(try_cast(substring(index_quarter, 1, 4) as integer)) from text_patients where {is_quarter}"
        )
    return None if year is None else int(year)


def _kind(column: str, table: str) -> str:
    """Return the kind of a column of the schema, and "" for a column that it does not know, which may hold anything."""
    schema = next((schema for schema in TABLES if f"text_{schema.name}" == table), None)
    known = schema.column(column) if schema is not None else None
    return known.kind if known is not None else ""


def _samples(engine: Engine, table: str, columns: Iterable[str]) -> dict[str, Sample]:
    """Return texts of the columns whose kind any rule is about, the same however the rows are ordered."""
    rows = f"(select * from {table} where input_row <= {MOST_ROWS_TRIED}) as first_rows"
    kinds = {column: _kind(column, table) for column in columns}
    # Of a column of the schema only keys may be names; all others can hold no more than a number.
    numbers = {column for column, kind in kinds.items() if kind in ("text", "number") and column != "site"}
    tests = {column: _is_tried(column, column in numbers) for column in kinds}
    held = _filled(engine, rows, {column: tests[column] for column in numbers})
    n_patients: int | None = None
    samples = {}
    for column, kind in kinds.items():
        is_free = kind == "" or column == "site"
        if kind not in _NUMBERED_KINDS or (column in numbers and column not in held):
            continue
        texts, share = _texts(engine, rows, column, tests[column])
        if not texts:
            continue
        if n_patients is None or not table.startswith("text_"):
            counted = "count(distinct patient_id)" if table.startswith("text_") else f"count({column})"
            n_patients = int(engine.scalar(f"select {counted} from {rows}"))
        samples[column] = Sample(texts, share, 0 if column in numbers else n_patients, is_free, kind == "key")
    return samples


def _is_tried(column: str, is_number: bool) -> str:
    if is_number:
        return f"length({column}) between 9 and 20 and regexp_full_match({column}, '{NUMBER_FORM}')"
    return f"{column} is not null"


def _filled(engine: Engine, rows: str, tests: Mapping[str, str]) -> set[str]:
    """Return the columns of which any cell passes its test."""
    if not tests:
        return set()
    counts = (f"count(case when {test} then 1 end) as {name}" for name, test in tests.items())
    found = engine.fetch(f"select {', '.join(counts)} from {rows}")
    return {name for name in tests if found[name][0]}


def _texts(engine: Engine, rows: str, column: str, is_tried: str) -> tuple[dict[str, int], float]:
    """Return different texts of a column, folded, with their numbers of rows, and the share of all that they are."""
    found = engine.fetch(
        f"select v, n_rows, n_different from (select {column} as v, count(*) as n_rows, "
        f"count(*) over () as n_different from {rows} where {is_tried} group by v) as different "
        f"order by md5(v) limit {MOST_TEXTS_TRIED}"
    )
    counted: dict[str, int] = {}
    for text, n_rows in zip(found["v"], found["n_rows"], strict=True):
        counted[folded(str(text))] = counted.get(folded(str(text)), 0) + int(n_rows)
    return counted, len(found["v"]) / int(found["n_different"][0]) if counted else 1.0


def _births(samples: Mapping[str, Sample], reference_year: int | None) -> set[str]:
    """Return the columns of dates that lie at least twelve years before the latest dates of the data."""
    last = reference_year or LATEST_YEAR_WITHOUT_DATES
    medians: dict[str, float] = {}
    for column, sample in samples.items():
        if sample.is_free or sample.is_key:
            texts = [_KEY_LETTERS.sub("", text) if sample.is_key else text for text in sample.texts]
            years = [year for text in texts if (year := year_of(text, last)) is not None]
            if years and len(years) >= SHARE_OF_DATES * len(sample.texts):
                medians[column] = median(years)
    limit = max((*medians.values(), reference_year or 0)) - LOWEST_AGE_YEARS
    limit = max(limit, LATEST_BIRTH_YEAR_WITHOUT_DATES) if reference_year is None else limit
    return {column for column, year in medians.items() if year <= limit}


def _are_all(form: str, texts: Iterable[str]) -> bool:
    given = list(texts)
    return bool(given) and sum(re.fullmatch(form, text) is not None for text in given) >= SHARE_OF_NUMBERS * len(given)


def _are_phones(texts: Mapping[str, int]) -> bool:
    """Return whether numbers without separators are phone numbers, which begin differently for several people."""
    if len(texts) < FEWEST_NUMBERS or not _are_all(PHONE_FORM, texts):
        return False
    return len({text[:6] for text in texts}) > SHARE_OF_BEGINNINGS * len(texts)


def _are_quebec_numbers(texts: Mapping[str, int]) -> bool:
    """Return whether texts are health numbers of Québec: letters of different family names, and a birth date."""
    if len(texts) < FEWEST_NUMBERS or not _are_all(QUEBEC_HEALTH_NUMBER, texts):
        return False
    return len({text[:4] for text in texts}) > SHARE_OF_BEGINNINGS * len(texts)


def _are_checked_numbers(texts: Mapping[str, int]) -> bool:
    """Return whether nearly all numbers of one kind pass its check digit."""
    values = [text for text in texts if len(text) >= 9]
    for form, check in CHECKED_NUMBERS.values():
        tried = [value for value in values if re.fullmatch(form, value)]
        passed = sum(check(value) for value in tried)
        is_kind = len({digits_of(value) for value in tried}) >= FEWEST_NUMBERS
        if is_kind and passed >= SHARE_OF_NUMBERS * len(tried):
            return True
    return False
