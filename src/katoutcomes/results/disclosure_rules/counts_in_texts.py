"""Small counts in sentences become "fewer than 11".

Texts of results hold no counts by contract; this is the second lock on the same door. What the loader notes of a file
does hold counts, in any wording: there every small number goes that is not plainly something else.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from katoutcomes.results.disclosure_rules.published_model import rounded_count

_COUNTED_NOUN = r"(?:patient|person|people|session|score|course|event|row|pair)s?\b"
_NUMBER = r"(\d{1,3}(?:,\d{3})+|\d+)"
_BEFORE_NOUN = re.compile(rf"(?<![\w.,/-]){_NUMBER}(?= (?:of (?:the |their )?[\d,]+ )?(?:\w+ )?{_COUNTED_NOUN})")
_AFTER_COLON = re.compile(rf"(?<=: ){_NUMBER}(?=[.;,)](?:\s|$)|$)")
_UNIT = r"(?:%|percent|minutes?|hours?|days?|weeks?|months?|years?|points?|digits?|mg)\b|%"
_EVERY = re.compile(rf"(?<![\w.,/:\u2212\u2013-]){_NUMBER}(?![\w/:\u2013-]|[.,]\d| to \d|\s?(?:{_UNIT}))")

_NAMES = ("week", "visit", "day", "month", "item", "than")
_NAMES_AND_LIMITS = (*_NAMES, "least", "most", "under", "below", "above", "to", "minimum", "of")
"""Words before a number that say that it is a name or a limit, not a count of what was found."""


def without_small_counts(
    text: str, hides: Callable[[int], bool], minimum_cell: int, *, every_number: bool = False
) -> str:
    """Return a sentence whose small counts are replaced.

    Parameters
    ----------
    text : str
        One or more sentences.
    hides : callable
        Whether a count is too small to be shown.
    minimum_cell : int
        The smallest count that is shown.
    every_number : bool
        Whether all whole numbers are counts but names ("week 4"), limits ("fewer than 5"), windows ("0 to 3"), dates
        and numbers with a unit; otherwise only those before a word such as "rows" or alone after a colon.

    Examples
    --------
    >>> def few(count):
    ...     return 0 < count < 11
    >>> without_small_counts("3 rows were left out.", few, 11)
    'fewer than 11 rows were left out.'
    >>> without_small_counts("Rejected: 3. Within day 0 to 3.", few, 11, every_number=True)
    'Rejected: fewer than 11. Within day 0 to 3.'
    """
    few = f"fewer than {minimum_cell}"
    return _with_counts(text, lambda count: few if hides(count) else None, every_number=every_number)


def with_rounded_numbers(text: str, round_to: int, *, every_number: bool = False) -> str:
    """Return a sentence whose counts are rounded to multiples; the same numbers as in `without_small_counts`.

    Examples
    --------
    >>> with_rounded_numbers("43 rows were left out, fewer than 11 sessions; up to day 28.", 5)
    '45 rows were left out, fewer than 11 sessions; up to day 28.'
    """
    if round_to == 1:
        return text
    return _with_counts(text, lambda count: f"{rounded_count(count, round_to):,}", every_number=every_number)


def _with_counts(text: str, shown: Callable[[int], str | None], *, every_number: bool) -> str:
    """Return a sentence whose counts are written as they are to be shown; None leaves one as it is."""

    def replaced(found: re.Match[str]) -> str:
        is_other = _is_name_or_limit(text_now[: found.start()].split(), every_number=every_number)
        return found[0] if is_other else shown(int(found[1].replace(",", ""))) or found[0]

    text_now = text
    for pattern in (_EVERY, _AFTER_COLON) if every_number else (_BEFORE_NOUN, _AFTER_COLON):
        text_now = pattern.sub(replaced, text_now)
    return text_now


def _is_name_or_limit(before: list[str], *, every_number: bool) -> bool:
    """Return whether the words before a number say that it counts nothing."""
    if not before:
        return False
    last = before[-1].lower()
    if every_number:
        return last in _NAMES or (last == "to" and len(before) > 1 and before[-2].isdigit())
    return last in _NAMES_AND_LIMITS
