"""Whether each arm of a dose-response trial can be answered: counted and weighted before any outcome is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.dose_response.pairs import ArmPair, arm_pairs, each_once, worst_of
from katoutcomes.analyses.steps.emulation import feasibility as of_two_arms
from katoutcomes.analyses.steps.emulation.balance import balance_estimates, overlap_estimates
from katoutcomes.analyses.steps.emulation.checks import diagnostic_checks
from katoutcomes.analyses.steps.emulation.flow import ELIGIBLE, IN_TRIAL, by_week_part, fewest_part
from katoutcomes.analyses.steps.emulation.gaps import gaps_part
from katoutcomes.analyses.steps.emulation.leaving import leaving_estimates, leaving_part
from katoutcomes.analyses.steps.emulation.weights import weight_estimates
from katoutcomes.results.check import Check
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Part

if TYPE_CHECKING:
    from katoutcomes.analyses.steps.emulation.data import Emulation
    from katoutcomes.estimands.session_counts import SessionCount
    from katoutcomes.estimands.target_trial import FeasibilityGate
    from katoutcomes.kernels.weighting.weight_distribution import WeightDistribution

FOLLOWED, SCORED = "followed: ", "scored, followed: "
FOLLOWED_ONLY, AND = "followed only: ", " and "
"""Before the arms that patients followed, where they followed no other, and between them."""


@dataclass(frozen=True, slots=True, eq=False)
class CountTrial:
    """The strategies, compiled, with what is known of their arms before outcomes.

    Attributes
    ----------
    strategies : tuple of SessionCount
        In order of the number of weeks.
    several : Emulation
        The patients, with all arms and the model of every week in care.
    pairs : tuple of ArmPair
        Every two of the arms.
    n_followed, n_scored : tuple of int
        Followers of each arm; those with a score, whatever it is.
    is_feasible : tuple of bool
        Which arms the gate lets through.
    """

    strategies: tuple[SessionCount, ...]
    several: Emulation
    pairs: tuple[ArmPair, ...]
    n_followed: tuple[int, ...]
    n_scored: tuple[int, ...]
    is_feasible: tuple[bool, ...]

    @property
    def open_pairs(self) -> tuple[ArmPair, ...]:
        """The pairs of which both arms can be answered."""
        return tuple(one for one in self.pairs if self.is_feasible[one.low] and self.is_feasible[one.high])

    @property
    def against_the_first(self) -> tuple[ArmPair, ...]:
        """Every further arm with the first: together they hold each arm."""
        return tuple(one for one in self.pairs if one.low == 0)


def count_trial(found: Emulation, strategies: tuple[SessionCount, ...], gate: FeasibilityGate) -> CountTrial:
    """Compile the strategies, weight the copies, and decide which arms can be answered."""
    from katoutcomes.cohorts.emulation.counts import compiled_counts

    weeks, arms = compiled_counts(strategies, found.found)
    several = replace(found, data=replace(found.data, models=(weeks,), arms=arms))
    pairs = arm_pairs(several, strategies)
    with_first = [one.feasible for one in pairs if one.low == 0]
    spreads = (with_first[0].distributions[0], *(one.distributions[1] for one in with_first))
    n_scored = tuple(found.people(arm.followed & found.data.is_observed) for arm in arms)
    return CountTrial(
        strategies,
        several,
        pairs,
        tuple(found.people(arm.followed) for arm in arms),
        n_scored,
        tuple(_passes(one, number, gate) for one, number in zip(spreads, n_scored, strict=True)),
    )


def _passes(one: WeightDistribution | None, n_scored: int, gate: FeasibilityGate) -> bool:
    if one is None or n_scored < gate.fewest_followers:
        return False
    return one.effective_sample_size >= gate.fewest_effective and one.largest_share <= gate.largest_weight_share


def feasibility_checks(trial: CountTrial, gate: FeasibilityGate) -> tuple[Check, ...]:
    """Return how many arms can be answered, then the worst that is said of a pair of them.

    Where no two can be answered it is said of all, so that a reader sees why.
    """
    pairs = trial.open_pairs or trial.pairs
    families = (
        (
            *of_two_arms.feasibility_checks(one.found, one.feasible, gate),
            *diagnostic_checks(one.found, one.feasible, one.shown),
        )
        for one in pairs
    )
    return (_arms_check(trial), *worst_of(families))


def _arms_check(trial: CountTrial) -> Check:
    n_feasible, n_arms = sum(trial.is_feasible), len(trial.strategies)
    shut = [one.label for one, is_open in zip(trial.strategies, trial.is_feasible, strict=True) if not is_open]
    enough = n_feasible >= 2
    return Check(
        "arms that can be answered",
        n_feasible == n_arms,
        "caution" if enough else "withhold",
        float(n_feasible),
        float(n_arms if enough else 2),
        "Every arm has enough followers with a score, and no patient has too much of its weight."
        if not shut
        else f"Not estimable from these data, no outcome of them was looked at: {', '.join(shut)}.",
    )


def power_estimates(trial: CountTrial) -> Iterator[Estimate]:
    """Yield, for every pair, how small a difference is to be expected to be found."""
    for pair in trial.pairs:
        yield from (pair.named(one) for one in of_two_arms.power_estimates(pair.found, pair.feasible))


def count_estimates(trial: CountTrial) -> Iterator[Estimate]:
    """Yield who is in the trial, who followed which arm, and which share of these is scored."""
    found = trial.several
    for term, number in ((ELIGIBLE, found.n_eligible), (IN_TRIAL, found.n_patients)):
        yield _count(term, number)
    yield from of_two_arms.course_estimates(found)
    for place, strategy in enumerate(trial.strategies):
        number = trial.n_followed[place]
        yield _count(f"{FOLLOWED}{strategy.label}", number)
        if number:
            yield Estimate(
                term=f"{SCORED}{strategy.label}",
                measure="proportion",
                estimate=trial.n_scored[place] / number,
                n_patients=number,
            )
    yield from _kinds_of_followers(trial)


def _kinds_of_followers(trial: CountTrial) -> Iterator[Estimate]:
    """Yield how many followed which arms and no other: neighbors, because leaving care keeps what was possible.

    Where patients have several courses, which may follow different arms, nothing is told.
    """
    import numpy as np

    if trial.several.units is not None:
        return
    followed, labels = np.column_stack([arm.followed for arm in trial.several.data.arms]), trial.strategies
    for first, last in combinations_with_replacement(range(len(labels)), 2):
        is_held = np.arange(len(labels)).clip(first, last) == np.arange(len(labels))
        together = AND.join(one.label for one in labels[first : last + 1])
        yield _count(f"{FOLLOWED_ONLY}{together}", int((followed == is_held).all(axis=1).sum()))


def _count(term: str, number: int) -> Estimate:
    return Estimate(term=term, measure="count", unit="patients", estimate=float(number), n_patients=number)


def diagnostic_estimates(trial: CountTrial, conf_level: float) -> Iterator[Estimate]:
    """Yield who stays in care, the weights and the overlap of each arm, and the balance of every pair."""
    arms = trial.against_the_first
    yield from each_once(one for pair in arms for one in leaving_estimates(pair.found, conf_level))
    yield from each_once(one for pair in arms for one in weight_estimates(pair.found, pair.feasible))
    yield from each_once(one for pair in arms for one in overlap_estimates(pair.found, pair.feasible, pair.shown))
    for pair in trial.pairs:
        yield from balance_estimates(pair.found, pair.shown)


def diagnostic_parts(trial: CountTrial) -> tuple[Part, ...]:
    """Return week by week who departed from each arm, left care or has no score; the fewest who share a level."""
    pairs = [
        (by_week_part(one.found), *leaving_part(one.found), *gaps_part(one.found)) for one in trial.against_the_first
    ]
    by_week = (
        Part(same[0].name, same[0].columns, tuple(dict.fromkeys(row for part in same for row in part.rows)))
        for same in zip(*pairs, strict=True)
    )
    return (*by_week, *fewest_part(trial.several))
