"""Every exception and warning of the package.

::

    Exception
    └── KatOutcomesError
        ├── DataError                 the data break a rule: schema, range, linkage
        │   └── IdentifierError       the data hold, or may hold, a direct identifier
        ├── DesignError               the question cannot be asked of these data in this way
        │   └── ImmortalTimeError     groups defined by what happened after time zero
        ├── NumericalError            the arithmetic failed: singularity, separation, convergence
        ├── DisclosureError           an output would reveal a small cell
        └── OptionError (ValueError)  an argument is not one of the values it may take
    Warning
    └── KatOutcomesWarning            always written into the Result as well

A message says what is wrong, where, and what to do next. It holds counts, column names, rule ids and input row
numbers; it never holds a patient's value, key or date.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any


class KatOutcomesError(Exception):
    """The root of every error that katoutcomes raises on purpose."""


class DataError(KatOutcomesError):
    """The data break a rule; the message names the table, the column, the rule and the row numbers.

    Attributes
    ----------
    faults : tuple of str
        What is wrong with the files as such, one sentence each; empty where the message says it all.
    findings : tuple of Finding
        Evidence of direct identifiers; see `IdentifierError`.
    load_report : LoadReport or None
        What became of every row, where the load came that far.
    """

    def __init__(
        self,
        message: str = "",
        *,
        faults: Iterable[str] = (),
        findings: Iterable[Any] = (),
        load_report: Any = None,
    ) -> None:
        super().__init__(message)
        self.faults = tuple(faults)
        self.findings = tuple(findings)
        self.load_report = load_report


class IdentifierError(DataError):
    """The data hold what may identify a person directly, so they are refused before anything is read further.

    `findings` holds a `Finding` (file, column, rule, number of rows) for each piece of evidence.
    """


class DesignError(KatOutcomesError):
    """The question cannot be asked of these data in this way."""


class ImmortalTimeError(DesignError):
    """The groups are defined by something that happened after time zero.

    Whoever "had integration" must have stayed in care long enough to have it, so the difference between those who
    did and those who did not is biased even where integration does nothing.
    """


class NumericalError(KatOutcomesError):
    """The arithmetic failed: a singular design, a separated outcome, a constant score."""


class DisclosureError(KatOutcomesError):
    """An output would show, or let a reader derive, a count below the minimum cell."""


class OptionError(KatOutcomesError, ValueError):
    """An argument is not one of the values it may take."""


class KatOutcomesWarning(UserWarning):
    """Something the reader of a number should know; it is also written into the Result."""


def require_option(name: str, value: str, allowed: Iterable[str]) -> None:
    """Raise `OptionError` unless `value` is one of `allowed`.

    Parameters
    ----------
    name : str
        Name of the argument, as the caller knows it.
    value : str
        What the caller gave. Options are the caller's own words, never patient data, so the message may repeat it.
    allowed : iterable of str
        The values the argument may take.

    Raises
    ------
    OptionError
        If `value` is not among `allowed`.

    Examples
    --------
    >>> require_option("by", "site", ["site", "route"])
    >>> require_option("by", "clinic", ["site", "route"])
    Traceback (most recent call last):
    ...
    katoutcomes.errors.OptionError: by must be one of 'site', 'route'; got 'clinic'.
    >>> require_option("visit", "week12", ["week 4", "week 12"])
    Traceback (most recent call last):
    ...
    katoutcomes.errors.OptionError: visit must be one of 'week 4', 'week 12'; got 'week12'. Did you mean 'week 12'?
    """
    choices = tuple(allowed)
    if value not in choices:
        listed = ", ".join(repr(choice) for choice in choices) or "nothing (no value is available here)"
        raise OptionError(f"{name} must be one of {listed}; got {value!r}.{_meant(value, choices)}")


def meant_beside(path: Path) -> str:
    """Return what lies beside a path that leads nowhere and is spelled nearly so, as a question; nothing else of it."""
    try:
        beside = tuple(sorted(found.name for found in path.parent.iterdir()))
    except OSError:
        return ""
    return _meant(path.name, beside)


def _meant(value: object, choices: tuple[str, ...]) -> str:
    """Return which choice is spelled nearly so, as a question; nothing where there is none."""
    from difflib import get_close_matches

    close = get_close_matches(str(value).casefold(), choices, n=1, cutoff=0.75)
    return f" Did you mean {close[0]!r}?" if close else ""
