"""Ages above 89, and what tells one: a year of birth, held against the year of the data and never against the clock."""

from __future__ import annotations

import re

from katoutcomes.registry.identifiers.dates import DATE_FORM
from katoutcomes.registry.identifiers.folding import folded
from katoutcomes.registry.identifiers.names import (
    holds_age,
    holds_age_group,
    holds_birth,
    holds_birth_year,
    holds_login,
)
from katoutcomes.registry.tables import HIGHEST_AGE_YEARS

AGE_RULE = "value_age_above_89"
BIRTH_RULE = "value_birth_date"

YEAR_WITHOUT_DATES = 2024
"""Where no other date is known, the year that years of birth are held against: it is later than most treatments."""

_UNIT = "( ?(?i:y|yrs?|years?( old)?|yo|y[.]o[.]|ans?|jahre?|j|a|años|anos))?"
HIGH_AGE = (
    rf"(?i:age[d:= ]*)?[~>≥=<≤ ]{{0,3}}(9[0-9]|1[0-9]{{2}})([.,][0-9]+)?( ?(-|/|to|bis|à) ?[0-9]{{2,3}})?[+]?{_UNIT}"
    r"|(?i:ninety.*|.*neunzig|quatre-vingt-(dix|onze|douze|treize|quatorze|quinze|seize).*|noventa.*)"
)
"""A whole cell that is an age above 89 in a column of ages."""
HIGH_GROUP = rf"(9[0-9]|1[0-9]{{2}}) ?(-|/|to|bis|à) ?[0-9]{{2,3}}{_UNIT}|(9[1-9]|1[0-9]{{2}}) ?[+]{_UNIT}"
"""A group of ages that tells more than "90 or older"."""
LOGIN_RULE = "staff_login"
_LOGIN = "[A-Za-z]{2,}[._-]?[A-Za-z]{2,}"
_NO_LOGINS = ", ".join(f"'{word}'" for word in ("system", "admin", "self", "patient", "clinician", "staff", "import"))
_YEAR = "(18|19|20)[0-9]{2}([.]0)?"
_SERIAL_DAY = "[1-4][0-9]{4}([.]0+)?"


def is_high_age(text: str) -> bool:
    """Return whether a text in a column of ages is one above 89.

    Examples
    --------
    >>> [is_high_age(text) for text in ("89", "90", "94.5", "90-95", "94 ans", "ninety-four", "old")]
    [False, True, True, True, True, True, False]
    """
    return re.fullmatch(HIGH_AGE, folded(text)) is not None


def age_tests(name: str, cell: str, reference_year: int | None) -> dict[str, str]:
    """Return by rule the SQL that is true where a cell of a column tells an age above 89, or a birth date.

    Parameters
    ----------
    name : str
        The column's own name, which says what its cells mean.
    cell : str
        The SQL of a cell, folded.
    reference_year : int or None
        The typical calendar year of the data, where it is known.
    """
    tests = {}
    if holds_age(name):
        tests[AGE_RULE] = _matches(cell, HIGH_AGE)
    elif holds_age_group(name):
        tests[AGE_RULE] = _matches(cell, HIGH_GROUP)
    if holds_birth(name):
        tests[BIRTH_RULE] = _matches(cell, f"{DATE_FORM}|{_SERIAL_DAY}")
    if holds_birth_year(name):
        latest = (reference_year or YEAR_WITHOUT_DATES) - HIGHEST_AGE_YEARS - 1
        tests[AGE_RULE] = f"{_matches(cell, _YEAR)} and try_cast(substring({cell}, 1, 4) as integer) <= {latest}"
    if holds_login(name):
        tests[LOGIN_RULE] = f"{_matches(cell, _LOGIN)} and lower({cell}) not in ({_NO_LOGINS})"
    return tests


def _matches(cell: str, pattern: str) -> str:
    return f"regexp_full_match({cell}, '{pattern.replace(chr(39), chr(39) * 2)}')"
