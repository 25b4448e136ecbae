"""Whether each arm of a dose-response trial can be answered: counted and weighted before any outcome is looked at."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.emulation.flow import ELIGIBLE, IN_TRIAL
from katoutcomes.results.check import Check
from katoutcomes.results.estimate import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.emulation.data import Emulation
    from katoutcomes.estimands.session_counts import SessionCount
    from katoutcomes.estimands.target_trial import FeasibilityGate
    from katoutcomes.kernels.emulation.data import Decisions
    from katoutcomes.kernels.emulation.dose_response import CountArm
    from katoutcomes.kernels.weighting.weight_distribution import WeightDistribution

FOLLOWED, SCORED = "followed: ", "scored, followed: "
BALANCE_LIMIT = 0.1
EFFECTIVE_CAUTION = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class CountTrial:
    """The strategies, compiled, with what is known of their arms before outcomes.

    Attributes
    ----------
    strategies : tuple of SessionCount
        In order of the number of weeks.
    weeks : Decisions
        Every week in care.
    arms : tuple of CountArm
        The strategies as they apply to every patient.
    weights : tuple of ndarray of float64, shape (n_patients,)
        Of the copies.
    distributions : tuple of WeightDistribution or None
        None for an arm that nobody follows.
    n_followed, n_scored : tuple of int
        Followers of each arm; those with a score, whatever it is.
    largest_smd : tuple of float
        Largest standardized mean difference of a covariate, the weighted followers against everybody in the trial.
    is_feasible : tuple of bool
        Which arms the gate lets through.
    """

    strategies: tuple[SessionCount, ...]
    weeks: Decisions
    arms: tuple[CountArm, ...]
    weights: tuple[NDArray[np.float64], ...]
    distributions: tuple[WeightDistribution | None, ...]
    n_followed: tuple[int, ...]
    n_scored: tuple[int, ...]
    largest_smd: tuple[float, ...]
    is_feasible: tuple[bool, ...]


def count_trial(found: Emulation, strategies: tuple[SessionCount, ...], gate: FeasibilityGate) -> CountTrial:
    """Compile the strategies, weight the copies, and decide which arms can be answered."""
    import numpy as np

    from katoutcomes.cohorts.emulation.counts import compiled_counts
    from katoutcomes.kernels.emulation.censoring_weights import fit_decisions
    from katoutcomes.kernels.emulation.dose_response import count_weights
    from katoutcomes.kernels.weighting.weight_distribution import weight_distribution

    weeks, arms = compiled_counts(strategies, found.found)
    fit = fit_decisions(found.data, weeks, np.ones((1, found.n_patients)))
    weights = tuple(one[0] for one in count_weights(weeks, arms, fit.probabilities))
    distributions = tuple(weight_distribution(one) if (one > 0.0).any() else None for one in weights)
    n_scored = tuple(int((arm.followed & found.data.is_observed).sum()) for arm in arms)
    return CountTrial(
        strategies,
        weeks,
        arms,
        weights,
        distributions,
        tuple(int(arm.followed.sum()) for arm in arms),
        n_scored,
        tuple(_largest_smd(found.data.covariates, one) for one in weights),
        tuple(_passes(one, number, gate) for one, number in zip(distributions, n_scored, strict=True)),
    )


def _largest_smd(covariates: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
    import numpy as np

    if not weights.sum() > 0.0:
        return math.nan
    spread = covariates.std(axis=0, ddof=1)
    gap = weights @ covariates / weights.sum() - covariates.mean(axis=0)
    return float(np.abs(gap[spread > 0.0] / spread[spread > 0.0]).max(initial=0.0))


def _passes(one: WeightDistribution | None, n_scored: int, gate: FeasibilityGate) -> bool:
    if one is None or n_scored < gate.fewest_followers:
        return False
    return one.effective_sample_size >= gate.fewest_effective and one.largest_share <= gate.largest_weight_share


def feasibility_checks(trial: CountTrial) -> tuple[Check, ...]:
    """Return how many arms can be answered, and how firm those are."""
    n_feasible, n_arms = sum(trial.is_feasible), len(trial.strategies)
    shut = [one.label for one, is_open in zip(trial.strategies, trial.is_feasible, strict=True) if not is_open]
    enough = n_feasible >= 2
    return (
        Check(
            "arms that can be answered",
            n_feasible == n_arms,
            "caution" if enough else "withhold",
            float(n_feasible),
            float(n_arms if enough else 2),
            "Every arm has enough followers with a score, and no patient has too much of its weight."
            if not shut
            else f"Not estimable from these data, no outcome of them was looked at: {', '.join(shut)}.",
        ),
        _effective(trial),
        _balance(trial),
    )


def _open(trial: CountTrial, values: Sequence[float]) -> list[float]:
    return [value for value, is_open in zip(values, trial.is_feasible, strict=True) if is_open]


def _effective(trial: CountTrial) -> Check:
    sizes = [0.0 if one is None else one.effective_sample_size for one in trial.distributions]
    smallest = min(_open(trial, sizes), default=0.0)
    passed = smallest >= EFFECTIVE_CAUTION
    message = (
        "Patients who count in each answered arm after weighting: enough."
        if passed
        else "Patients who count in an arm after weighting: few, so one of them more or less would change the answer."
    )
    return Check("effective sample size", passed, "caution", smallest, EFFECTIVE_CAUTION, message)


def _balance(trial: CountTrial) -> Check:
    largest = max(_open(trial, trial.largest_smd), default=math.nan)
    passed = largest <= BALANCE_LIMIT
    message = (
        "As weighted, the followers of each answered arm are like everybody in the trial in every covariate."
        if passed
        else "As weighted, the followers of an arm still differ from everybody in the trial in a covariate; the "
        "adjustment for it relies on the model."
    )
    return Check("balance", passed, "caution", largest, BALANCE_LIMIT, message)


def feasibility_estimates(found: Emulation, trial: CountTrial) -> Iterator[Estimate]:
    """Yield who is in the trial, who followed which arm, which share of these is scored, and the weights."""
    for term, number in ((ELIGIBLE, found.n_eligible), (IN_TRIAL, found.n_patients)):
        yield Estimate(term=term, measure="count", unit="patients", estimate=float(number), n_patients=number)
    for place, strategy in enumerate(trial.strategies):
        number = trial.n_followed[place]
        yield Estimate(
            term=f"{FOLLOWED}{strategy.label}",
            measure="count",
            unit="patients",
            estimate=float(number),
            n_patients=number,
        )
        if number:
            yield Estimate(
                term=f"{SCORED}{strategy.label}",
                measure="proportion",
                estimate=trial.n_scored[place] / number,
                n_patients=number,
            )
    for strategy, one in zip(trial.strategies, trial.distributions, strict=True):
        if one is None:
            continue
        rows = (("effective sample size", one.effective_sample_size), ("share of the largest", one.largest_share))
        for words, value in rows:
            yield Estimate(
                term=f"weights: {strategy.label}, {words}",
                measure="effective sample size" if words == "effective sample size" else "weight",
                estimate=value,
                n_patients=found.n_patients,
            )
