"""What a caller of `outcomes_over_time` may choose, and the record of a new start of a chart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from katoutcomes.analyses.steps.over_time.rule_sets import RULE_SETS, RuleSet
from katoutcomes.errors import OptionError, require_option

CHARTS: tuple[str, ...] = ("control", "run")
LIMITS: tuple[str, ...] = ("chance", "laney")


@dataclass(frozen=True, slots=True)
class Rebasing:
    """A decision to begin the lines of a chart anew: since when, why, and when that was decided.

    Attributes
    ----------
    period : str
        The first quarter or month of the new lines.
    reason : str
        What changed in the clinic. "The values changed" is no reason: lines that follow the values find no signal.
    decided : str
        The date of the decision, such as ``"2026-02-03"``.

    Raises
    ------
    OptionError
        If the reason is empty or the date is none.

    Examples
    --------
    >>> Rebasing("2026Q1", "a second session of preparation was added", "2026-01-12").period
    '2026Q1'
    """

    period: str
    reason: str
    decided: str

    def __post_init__(self) -> None:
        if not self.reason.strip():
            raise OptionError("a rebasing needs a reason: what changed in the clinic, beside the values.")
        if not _is_date(self.decided):
            raise OptionError("a rebasing needs the date of its decision, such as 2026-02-03.")


@dataclass(frozen=True, slots=True)
class TimeChoices:
    """What was chosen.

    Attributes
    ----------
    chart : {"control", "run"}
        Means with three-sigma limits, or medians without.
    limits : {"chance", "laney"}
        Of shares and rates.
    rules : RuleSet
    rebased : tuple of Rebasing
        In order of time.
    conf_level : float
    """

    chart: str
    limits: str
    rules: RuleSet
    rebased: tuple[Rebasing, ...]
    conf_level: float


def time_choices(
    *, chart: str, limits: str, rules: str, rebased: Sequence[Rebasing | Mapping[str, Any]], conf_level: float
) -> TimeChoices:
    """Return the choices, checked.

    Raises
    ------
    OptionError
        If one is not among the values it may take, or two rebasings begin in one period.
    """
    require_option("chart", chart, CHARTS)
    require_option("limits", limits, LIMITS)
    require_option("rules", rules, RULE_SETS)
    found = sorted((_rebasing(one) for one in rebased), key=lambda one: one.period)
    if len({one.period for one in found}) < len(found):
        raise OptionError("two rebasings begin in one period; one is enough.")
    return TimeChoices(chart, limits, RULE_SETS[rules], tuple(found), conf_level)


def _rebasing(given: Rebasing | Mapping[str, Any]) -> Rebasing:
    if isinstance(given, Rebasing):
        return given
    if set(given) != {"period", "reason", "decided"}:
        raise OptionError("a rebasing is a table with period, reason and decided, and nothing else.")
    return Rebasing(**{name: str(value) for name, value in given.items()})


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
