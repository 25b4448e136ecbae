"""A diagnostic with its limit, and the verdict that several of them give."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from katoutcomes.errors import require_option

SEVERITIES: tuple[str, ...] = ("note", "caution", "withhold")
VERDICTS: tuple[str, ...] = ("report", "with caution", "withhold")


@dataclass(frozen=True, slots=True)
class Check:
    """One diagnostic.

    Attributes
    ----------
    name : str
        What was looked at, for example ``"paired completeness"``.
    passed : bool
        Whether it is within its limit.
    severity : {"note", "caution", "withhold"}
        What a failure does to the verdict: nothing, "with caution", or "withhold".
    value, limit : float
        What was found and what it was held against, NaN where neither is a number. Disclosure control hides them
        where any estimate of the result is hidden, so `message` holds no number.
    message : str
        What it means for the reader, in one sentence.
    """

    name: str
    passed: bool
    severity: str
    value: float
    limit: float
    message: str

    def __post_init__(self) -> None:
        require_option("severity", self.severity, SEVERITIES)


def verdict(checks: Iterable[Check]) -> str:
    """Return the worst that the failed checks demand: "report", "with caution" or "withhold".

    Examples
    --------
    >>> verdict([Check("overlap", False, "caution", 0.4, 0.25, "The groups differ at baseline.")])
    'with caution'
    >>> verdict([])
    'report'
    """
    worst = max((SEVERITIES.index(check.severity) for check in checks if not check.passed), default=0)
    return VERDICTS[worst]
