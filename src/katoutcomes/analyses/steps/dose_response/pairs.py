"""The arms of a dose-response trial in pairs, each a trial of two arms, of which all is said that is said of those."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from katoutcomes.analyses.steps.emulation.balance import EmulationBalance
    from katoutcomes.analyses.steps.emulation.data import Emulation
    from katoutcomes.analyses.steps.emulation.feasibility import Feasibility
    from katoutcomes.estimands.session_counts import SessionCount
    from katoutcomes.results.check import Check
    from katoutcomes.results.estimate import Estimate


@dataclass(frozen=True, slots=True, eq=False)
class ArmPair:
    """Two of the arms, that with more weeks as the treated.

    Attributes
    ----------
    low, high : int
        Their places among the arms.
    found : Emulation
        The trial of these two.
    feasible : Feasibility
        Its weights and counts.
    shown : EmulationBalance
        Its balance.
    """

    low: int
    high: int
    found: Emulation
    feasible: Feasibility
    shown: EmulationBalance

    @property
    def name(self) -> str:
        """Which minus which."""
        return f"{self.found.trial.strategy.label} minus {self.found.trial.comparator.label}"

    def named(self, one: Estimate) -> Estimate:
        """Return an estimate that says which two arms it compares."""
        trial = self.found.trial
        return replace(one, treatment=trial.strategy.label, comparator=trial.comparator.label)


def arm_pairs(several: Emulation, strategies: Sequence[SessionCount]) -> tuple[ArmPair, ...]:
    """Return every pair of arms, in order of the fewer weeks and then of the more.

    Parameters
    ----------
    several : Emulation
        With all arms.
    strategies : sequence of SessionCount
        In the order of the arms.
    """
    return tuple(_pair(several, strategies, low, high) for low, high in combinations(range(len(strategies)), 2))


def _pair(several: Emulation, strategies: Sequence[SessionCount], low: int, high: int) -> ArmPair:
    from katoutcomes.analyses.steps.emulation.balance import emulation_balance
    from katoutcomes.analyses.steps.emulation.feasibility import feasibility

    arms = (several.data.arms[low], several.data.arms[high])
    found = replace(
        several,
        trial=replace(several.trial, strategy=strategies[high], comparator=strategies[low]),
        data=replace(several.data, arms=arms),
    )
    feasible = feasibility(found)
    return ArmPair(low, high, found, feasible, emulation_balance(found, feasible))


def each_once(estimates: Iterable[Estimate]) -> Iterator[Estimate]:
    """Yield what several pairs share, such as the weights of an arm, the first time only."""
    seen = set()
    for one in estimates:
        key = (one.term, one.measure, one.visit, one.subgroup, one.treatment, one.comparator)
        if key not in seen:
            seen.add(key)
            yield one


def worst_of(families: Iterable[Sequence[Check]]) -> tuple[Check, ...]:
    """Return, of the checks with one name, that which says most against the answer.

    Examples
    --------
    >>> from katoutcomes.results.check import Check
    >>> pairs = [[Check("balance", value <= 0.1, "caution", value, 0.1, "")] for value in (0.05, 0.3, 0.2)]
    >>> [one.value for one in worst_of(pairs)]
    [0.3]
    """
    named: dict[str, list[Check]] = {}
    for check in (one for family in families for one in family):
        named.setdefault(check.name, []).append(check)
    return tuple(max(same, key=_badness) for same in named.values())


def _badness(check: Check) -> tuple[bool, bool, float]:
    """Return what orders checks of one name: failed, so that nothing is reported, and how far beyond the limit."""
    gap = abs(check.value - check.limit)
    beyond = -math.inf if math.isnan(gap) else -gap if check.passed else gap
    return (not check.passed, not check.passed and check.severity == "withhold", beyond)
