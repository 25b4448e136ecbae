"""When an exposure is known: the gate in front of everything that turns a variable into cohorts."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from katoutcomes.errors import DesignError, ImmortalTimeError

if TYPE_CHECKING:
    from katoutcomes.cohorts.analysis_set import Variable

_WHY = (
    "Whoever had it stayed in care long enough to have it, and whoever left early cannot have it; so under no effect "
    "at all the comparison shows a difference."
)
_INSTEAD = (
    "Use a group that is fixed at time zero, such as program_booked. The question about what came later is answered by "
    "a trial emulation with a grace period: emulate_trial."
)

_LATER_WORDS = frozenset(
    {
        *("ever", "had", "did", "attended", "received", "anyintegration"),
        *("stayed", "retained", "finished", "dropped", "dropout", "dropouts"),
        *("completed", "completer", "completers", "completion", "noncompleter", "noncompleters"),
        *("responded", "responder", "responders", "nonresponder", "nonresponders"),
        *("remitted", "remitter", "remitters"),
    }
)
"""Words that say that something happened, or was finished, after the start."""

_LATER_PAIRS = frozenset(
    {
        ("any", "integration"),
        ("integration", "within"),
        ("integration", "session"),
        ("integration", "sessions"),
        ("n", "doses"),
        ("n", "sessions"),
        ("n", "integration"),
        ("by", "day"),
        ("drop", "out"),
    }
)
"""Words that say so next to each other; this package's own later-known variables are among them."""

_BETWEEN_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")


def sounds_later(name: str) -> bool:
    """Return whether a column's name says that its value came about after time zero.

    The name is split into words at anything that is no letter and where capitals begin; one word is enough.

    Examples
    --------
    >>> later = ("ever_integration", "hadIntegration", "sessions_attended", "drop-out", "integration_by_day_84")
    >>> [sounds_later(name) for name in later]
    [True, True, True, True, True]
    >>> [sounds_later(name) for name in ("arm", "program_booked", "everest_site", "completeness")]
    [False, False, False, False]
    """
    words = re.findall(r"[^\W\d_]+", _BETWEEN_WORDS.sub(" ", name).lower())
    return not _LATER_WORDS.isdisjoint(words) or not _LATER_PAIRS.isdisjoint(pairwise(words))


def require_known_at_time_zero(variable: Variable) -> None:
    """Raise `ImmortalTimeError` unless the variable may define groups.

    Parameters
    ----------
    variable : Variable
        Its `known_by_day` must be 0 or less, or None (nobody has said) under a name that does not speak against it.

    Raises
    ------
    ImmortalTimeError
        If the value is known only after time zero. The message says why that matters and what to use.

    Examples
    --------
    >>> import numpy as np
    >>> from katoutcomes.cohorts.analysis_set import Variable
    >>> require_known_at_time_zero(Variable("site", "Site", "category", np.zeros(3), ("North",), known_by_day=0))
    >>> late = Variable("any_integration_by_day_84", "Any integration", "flag", np.zeros(3), known_by_day=84)
    >>> require_known_at_time_zero(late)
    Traceback (most recent call last):
    ...
    katoutcomes.errors.ImmortalTimeError: 'any_integration_by_day_84' is known only by day 84, after time zero, ...
    """
    require_time_zero(variable.name, variable.known_by_day)


def require_time_zero(name: str, known_by_day: int | None) -> None:
    """Raise `ImmortalTimeError` if a column called `name`, known by that day, may not define groups.

    Parameters
    ----------
    name : str
        Name of the variable or of the column of a frame.
    known_by_day : int or None
        The day by which everybody's value is known; None if nobody has said, in which case the name decides.
    """
    if known_by_day is None and sounds_later(name):
        raise ImmortalTimeError(
            f"{name!r} sounds like something that happened after time zero. {_WHY} {_INSTEAD} If everybody's value "
            "was really known before the first dose, say so: "
            "AnalysisSet.from_frame(..., treatment=..., treatment_known_by_day=0); in a registry, rename the column."
        )
    if known_by_day is not None and known_by_day > 0:
        raise ImmortalTimeError(
            f"{name!r} is known only by day {known_by_day}, after time zero, so it cannot define groups. "
            f"{_WHY} {_INSTEAD}"
        )


def require_adjustable(variable: Variable) -> None:
    """Raise `DesignError` if the variable is known only after time zero, so that no model may adjust for it.

    Parameters
    ----------
    variable : Variable
        A covariate that somebody wants to adjust for.

    Raises
    ------
    DesignError
        If `known_by_day` is above 0.
    """
    if variable.known_by_day is not None and variable.known_by_day > 0:
        raise DesignError(
            f"{variable.name!r} is known only by day {variable.known_by_day}, after time zero, so it cannot be a "
            "covariate: adjusting for what the treatment may have changed takes part of its effect away and can "
            "introduce bias. It can be described; adjust for what was known at time zero."
        )
