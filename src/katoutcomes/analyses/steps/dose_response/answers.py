"""The numbers of a dose-response trial: means of the arms, differences of all pairs, the trend, and what is beside."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from katoutcomes.analyses.steps.adjusted_p_values import holm_estimates
from katoutcomes.analyses.steps.dose_response.pairs import worst_of
from katoutcomes.analyses.steps.emulation.answers import (
    MEAN,
    SENSITIVITY,
    Answers,
    Beside,
    answer_checks,
    beside_estimates,
    control_estimate,
    sides,
)
from katoutcomes.analyses.steps.emulation.checks import control_check
from katoutcomes.analyses.steps.emulation.sensitivity import doubt_estimates
from katoutcomes.analyses.steps.resamples import Interval, estimate_of, percentile
from katoutcomes.results.estimate import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.dose_response.feasibility import CountTrial
    from katoutcomes.analyses.steps.dose_response.pairs import ArmPair
    from katoutcomes.analyses.steps.resamples import Resampling
    from katoutcomes.results.check import Check

    Floats = NDArray[np.float64]

PAIR, TREND, ADJUSTED = "emulated arms", "trend over the arms", "emulated arms, Holm"
_DIFFERENCE = "difference in means"


@dataclass(frozen=True, slots=True, eq=False)
class ArmAnswers:
    """The kernel's means for the patients as they are, and for the resamples; NaN for arms that are not answered.

    Attributes
    ----------
    point : ndarray of float64, shape (n_blocks, n_arms)
        In the order of `kernels.emulation.dose_response.ARM_MEANS`, then what higher missing scores of each arm do.
    replicates : ndarray of float64, shape (n_replicates, n_blocks, n_arms)
        The same for each resample.
    conf_level : float
        Level of the intervals.
    """

    point: Floats
    replicates: Floats
    conf_level: float

    def contrast(self, weights: Floats, *, block: int = 0, tests: bool = True) -> Interval:
        """Return a weighted sum of means; arms without weight may be unknown."""
        used = weights != 0.0
        point = float(self.point[block, used] @ weights[used])
        if math.isnan(point):
            return Interval(point)
        return percentile(point, self.replicates[:, block, used] @ weights[used], self.conf_level, tests=tests)

    def of_pair(self, pair: ArmPair) -> Answers:
        """Return two arms in the columns of a trial of two arms, NaN for what is not estimated here."""
        columns, further = zip(*(_of_two(one, pair) for one in (self.point[None], self.replicates)), strict=True)
        return Answers(columns[0][0], columns[1], further[0][0], further[1], self.conf_level)


def _of_two(blocks: Floats, pair: ArmPair) -> tuple[Floats, Floats]:
    """Return blocks of means, shape (B, n_blocks, n_arms), as columns of estimates and of further estimates."""
    import numpy as np

    from katoutcomes.kernels.emulation.dose_response import ARM_MEANS
    from katoutcomes.kernels.emulation.estimators import ESTIMATES

    differences = blocks[:, :, pair.high] - blocks[:, :, pair.low]
    estimates = np.full((len(blocks), len(ESTIMATES)), math.nan)
    estimates[:, :2] = blocks[:, 0, [pair.low, pair.high]]
    for place, name in enumerate(ESTIMATES):
        if name in ARM_MEANS:
            estimates[:, place] = differences[:, ARM_MEANS.index(name)]
    shifts = [len(ARM_MEANS) + place for place in (pair.low, pair.high)]
    return estimates, differences[:, [*shifts, ARM_MEANS.index("negative control")]]


def arm_answers(trial: CountTrial, control: Floats | None, resampling: Resampling) -> ArmAnswers:
    """Estimate the mean of every arm that can be answered, and again for each resample of patients."""
    import numpy as np

    from katoutcomes.kernels.emulation.dose_response import ARM_MEANS, arm_estimates
    from katoutcomes.kernels.emulation.estimators import emulation_starts

    several, places = trial.several, np.flatnonzero(trial.is_feasible)
    data = replace(several.data, arms=tuple(several.data.arms[place] for place in places))
    starts = emulation_starts(data)
    drawn = resampling.draw(
        lambda frequencies: arm_estimates(data, frequencies, control, starts), data.n_patients, several.units
    )
    n_arms, n_means = len(trial.strategies), len(ARM_MEANS)
    rows = np.concatenate([np.arange(n_means), n_means + places])

    def placed(columns: Floats) -> Floats:
        found = np.full((len(columns), n_means + n_arms, n_arms), math.nan)
        found[:, rows[:, None], places] = columns.reshape(len(columns), len(rows), len(places))
        return found

    point = placed(arm_estimates(data, np.ones((1, data.n_patients)), control))[0]
    return ArmAnswers(point, placed(drawn), resampling.conf_level)


def answer_estimates(trial: CountTrial, got: ArmAnswers | None) -> Iterator[Estimate]:
    """Yield differences of all pairs with Holm's p-values, the trend, the means; without numbers where unanswered."""
    pairs = [_pair(trial, pair, got) for pair in trial.pairs]
    yield from pairs
    yield from holm_estimates(pairs, lambda term: term.replace(PAIR, ADJUSTED, 1))
    yield _trend(trial, got)
    for place, strategy in enumerate(trial.strategies):
        mean = _interval(got, _weights(trial, {place: 1.0}), tests=False)
        yield _estimate(trial, mean, got, term=f"{MEAN}: {strategy.label}", measure="adjusted mean")


def _interval(got: ArmAnswers | None, weights: Floats, *, tests: bool = True) -> Interval:
    return Interval(math.nan) if got is None else got.contrast(weights, tests=tests)


def _estimate(trial: CountTrial, found: Interval, got: ArmAnswers | None, **fields: Any) -> Estimate:
    several = trial.several
    shared = {"visit": several.trial.visit.name, "unit": "points", "n_patients": several.n_patients}
    return estimate_of(found, math.nan if got is None else got.conf_level, **(shared | fields))


def _weights(trial: CountTrial, weights: dict[int, float]) -> Floats:
    import numpy as np

    found = np.zeros(len(trial.strategies))
    for place, weight in weights.items():
        found[place] = weight
    return found


def _pair(trial: CountTrial, pair: ArmPair, got: ArmAnswers | None) -> Estimate:
    """Return the difference of two arms, that with more weeks minus that with fewer."""
    difference = _interval(got, _weights(trial, {pair.high: 1.0, pair.low: -1.0}))
    return _estimate(trial, difference, got, term=f"{PAIR}: {pair.name}", measure=_DIFFERENCE, **sides(pair.found))


def _trend(trial: CountTrial, got: ArmAnswers | None) -> Estimate:
    from katoutcomes.kernels.emulation.dose_response import linear_trend

    slope = linear_trend([float(one.weeks) for one in trial.strategies])
    found = _interval(got if all(trial.is_feasible) else None, slope)
    term = f"{TREND}: points per further week with a session"
    return _estimate(trial, found, got, term=term, measure="linear combination")


def doubts(trial: CountTrial, got: ArmAnswers, beside: Beside) -> tuple[tuple[Estimate, ...], tuple[Check, ...]]:
    """Return how far the difference of each answered pair could be wrong, and the worst that a check says of one."""
    estimates: list[Estimate] = []
    families: list[tuple[Check, ...]] = []
    for pair in trial.open_pairs:
        two = got.of_pair(pair)
        checks = answer_checks(two)
        estimates += beside_estimates(pair.found, two)
        estimates.append(_cut_further(trial, pair, got))
        estimates += doubt_estimates(pair.found, two, beside.smallest_important)
        if beside.control_name:
            on_control = control_estimate(pair.found, two, beside.control_name)
            estimates.append(on_control)
            checks = (*checks, control_check(on_control.estimate, on_control.conf_low, on_control.conf_high))
        families.append(checks)
    return tuple(estimates), worst_of(families)


def _cut_further(trial: CountTrial, pair: ArmPair, got: ArmAnswers) -> Estimate:
    from katoutcomes.kernels.emulation.dose_response import ARM_MEANS

    weights = _weights(trial, {pair.high: 1.0, pair.low: -1.0})
    found = got.contrast(weights, block=ARM_MEANS.index("weights cut at the 95th percentile"))
    term = f"{SENSITIVITY}: weights cut at the 95th percentile"
    return _estimate(trial, found, got, term=term, measure=_DIFFERENCE, **sides(pair.found))
