"""Which of the names that are there was probably meant by one that is missing."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

from katoutcomes.registry.identifiers import normalized_words

LEAST_ALIKE = 0.75
"""Below it nothing is suggested: a name that is not close may be a value in the wrong place, and is not repeated."""


def close_name(wanted: str, given: Iterable[str]) -> str | None:
    """Return the one of the given names that is closest to the wanted one, or None if none is close.

    Parameters
    ----------
    wanted : str
        A name of the schema.
    given : iterable of str
        Names of columns, or of files without their ending.

    Examples
    --------
    >>> close_name("patient_id", ["PatientID", "Sex"]), close_name("patient_id", ["record", "Sex"])
    ('PatientID', None)
    """
    plain = "".join(normalized_words(wanted))
    alike = {name: SequenceMatcher(None, plain, "".join(normalized_words(name))).ratio() for name in sorted(set(given))}
    best = max(alike, key=lambda name: alike[name], default=None)
    return best if best is not None and alike[best] >= LEAST_ALIKE else None


def did_you_mean(wanted: str, given: Iterable[str]) -> str:
    """Return a question about the closest name, to be put behind a sentence; ``""`` if none is close.

    Examples
    --------
    >>> did_you_mean("session_id", ["sesion_id"])
    " Is it 'sesion_id'?"
    """
    found = close_name(wanted, given)
    return "" if found is None else f" Is it {found!r}?"
