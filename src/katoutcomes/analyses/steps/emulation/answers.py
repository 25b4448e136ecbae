"""The numbers of an emulated trial: the answer, the estimators beside it, and the bias diary."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.analyses.steps.precision import detectable_in_four_of_five
from katoutcomes.analyses.steps.resamples import Interval, estimate_of, percentile, resamples_check
from katoutcomes.results.check import Check
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.effect_modifiers import Modifier
    from katoutcomes.analyses.steps.emulation.data import Emulation
    from katoutcomes.analyses.steps.resamples import Resampling

ANSWER, MEAN, SENSITIVITY, DIARY = "emulated trial", "follow-up, emulated", "sensitivity", "bias diary"
RATIO = "emulated ratio"
NEGATIVE_CONTROL = "negative control"
MAIN = "cloned, censored, weighted"
"""Column of the answer."""
AGREEMENT_LIMIT = 1.0
"""Standard errors by which the two estimators that aim at the same may differ."""

DIARY_STEPS: tuple[tuple[str, str, str], ...] = (
    (
        "ever or never",
        "ever against never",
        (
            "Whoever had integration had stayed long enough to have it (immortal time), those who never had it include "
            "all who left early, and only the scored count. The landmark takes away the immortal time."
        ),
    ),
    (
        "landmark",
        "landmark at the end of the grace period",
        (
            "Only those still in care that day are compared, so the early leavers are gone, and who had integration by "
            "then differs in how the first weeks went. Copies of everybody from time zero bring the leavers back."
        ),
    ),
    (
        "clones without weights",
        "copies of everybody, not weighted",
        (
            "A copy is censored when its patient departs from the strategy, which depends on the last score and on "
            "what was known at the start; and only the scored count. Weights, predictions and adjustment undo this."
        ),
    ),
    (
        MAIN,
        "the emulated trial",
        "What is left: confounders that nobody recorded, weights that rest on few patients, models of the wrong form.",
    ),
)
"""Column of the kernel, what the diary calls it, and what is wrong with it."""
_BESIDE: tuple[tuple[str, str], ...] = (
    ("truncated weights", "weights cut at the 99th percentile"),
    ("weights for missing outcomes", "missing scores weighted for instead of predicted"),
    ("augmented", "sequential augmented weighting"),
)


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The kernel's columns for the patients as they are, and for the resamples.

    Attributes
    ----------
    point : ndarray of float64, shape (9,)
        In the order of `kernels.emulation.estimators.ESTIMATES`.
    replicates : ndarray of float64, shape (n_replicates, 9)
        The same for each resample.
    further : ndarray of float64, shape (3 + k,)
        In the order of `kernels.emulation.further_estimates.FURTHER`, then the modifiers.
    further_replicates : ndarray of float64, shape (n_replicates, 3 + k)
        The same for each resample.
    conf_level : float
        Level of the intervals.
    """

    point: NDArray[np.float64]
    replicates: NDArray[np.float64]
    further: NDArray[np.float64]
    further_replicates: NDArray[np.float64]
    conf_level: float

    def column(self, name: str) -> NDArray[np.float64]:
        """Return the resamples of one of the estimators."""
        from katoutcomes.kernels.emulation.estimators import ESTIMATES

        return self.replicates[:, ESTIMATES.index(name)]

    def further_column(self, name: str) -> tuple[float, NDArray[np.float64]]:
        """Return one of the further numbers, and its resamples."""
        from katoutcomes.kernels.emulation.further_estimates import FURTHER

        place = FURTHER.index(name)
        return float(self.further[place]), self.further_replicates[:, place]

    def numbers(self, column: str, *, tests: bool = True) -> Interval:
        """Return one of the estimators with its interval and, if asked, a test that it is 0."""
        from katoutcomes.kernels.emulation.estimators import ESTIMATES

        point = float(self.point[ESTIMATES.index(column)])
        return percentile(point, self.column(column), self.conf_level, tests=tests)

    def ratio(self) -> Interval:
        """Return the treated mean over the comparator's, where both are above 0: the risk ratio of a binary outcome."""
        import numpy as np

        comparator, treated = (self.numbers(name, tests=False).estimate for name in ("comparator mean", "treated mean"))
        if not (comparator > 0.0 and treated > 0.0):
            return Interval(math.nan)
        below, above = self.column("comparator mean"), self.column("treated mean")
        with np.errstate(invalid="ignore", divide="ignore"):
            drawn = np.where(below > 0.0, above / below, np.nan)
        return percentile(treated / comparator, drawn, self.conf_level, against=1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """What is estimated beside the answer from the same resamples.

    Attributes
    ----------
    control : ndarray of float64, shape (n_patients,), or None
        The negative control.
    modifiers : tuple of Modifier
        What the effect may depend on.
    control_name : str
        Of the negative control; empty where there is none.
    smallest_important : float
        The difference, in points, below which nothing matters to a patient; NaN where none is given.
    """

    control: NDArray[np.float64] | None = None
    modifiers: tuple[Modifier, ...] = ()
    control_name: str = ""
    smallest_important: float = math.nan


def answers(found: Emulation, beside: Beside, resampling: Resampling) -> Answers:
    """Estimate everything, and again for each resample of patients."""
    import numpy as np

    from katoutcomes.kernels.emulation.estimators import ESTIMATES, emulated_estimates, emulation_starts
    from katoutcomes.kernels.emulation.further_estimates import further_estimates

    data = found.data
    starts = emulation_starts(data)
    bases = [modifier.basis for modifier in beside.modifiers]

    def everything(frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
        further = further_estimates(data, frequencies, control=beside.control, bases=bases, starts=starts)
        return np.column_stack([emulated_estimates(data, frequencies, starts), further])

    replicates = resampling.draw(everything, data.n_patients, units=found.units)
    once = np.ones((1, data.n_patients))
    further = further_estimates(data, once, control=beside.control, bases=bases)[0]
    n_main = len(ESTIMATES)
    point, level = emulated_estimates(data, once)[0], resampling.conf_level
    return Answers(point, replicates[:, :n_main], further, replicates[:, n_main:], level)


def sides(found: Emulation) -> dict[str, Any]:
    """Return the fields of an estimate that name both strategies and whom it rests on."""
    return {
        "treatment": found.trial.strategy.label,
        "comparator": found.trial.comparator.label,
        "visit": found.trial.visit.name,
        "unit": found.unit,
        "n_patients": found.n_patients,
    }


def answer_estimates(found: Emulation, got: Answers) -> Iterator[Estimate]:
    """Yield the difference and the means, the estimators beside it, sensitivity, the diary."""
    shared, level = sides(found), got.conf_level
    alone = {name: value for name, value in shared.items() if name not in {"treatment", "comparator"}}
    difference = {"measure": found.difference, **shared}
    main = got.numbers(MAIN)
    yield estimate_of(main, level, term=ANSWER, **difference)
    if found.event is not None:
        yield estimate_of(got.ratio(), level, term=RATIO, measure="risk ratio", **shared)
    for column, label in (("comparator mean", shared["comparator"]), ("treated mean", shared["treatment"])):
        mean = got.numbers(column, tests=False)
        measure = "adjusted mean" if found.event is None else "adjusted share"
        yield estimate_of(mean, level, term=f"{MEAN}: {label}", measure=measure, **alone)
    yield from beside_estimates(found, got)
    for order, (column, words, _) in enumerate(DIARY_STEPS, start=1):
        yield estimate_of(got.numbers(column), level, term=f"{DIARY}: {order}, {words}", **difference)


def beside_estimates(found: Emulation, got: Answers) -> Iterator[Estimate]:
    """Yield what other estimators of the same find, and how small a difference would have been found."""
    shared = sides(found)
    for column, words in _BESIDE:
        term = f"{SENSITIVITY}: {words}"
        yield estimate_of(got.numbers(column), got.conf_level, term=term, measure=found.difference, **shared)
    yield detectable_in_four_of_five(got.numbers(MAIN).std_error, shared)


def control_estimate(found: Emulation, got: Answers, name: str) -> Estimate:
    """Return what the same method finds on an outcome that the strategies cannot have changed."""
    interval = percentile(*got.further_column("negative control"), got.conf_level, tests=False)
    shared = sides(found) | {"unit": "", "visit": "baseline", "measure": "difference in means"}
    return estimate_of(interval, got.conf_level, term=f"{NEGATIVE_CONTROL}: {name}", **shared)


def unanswered(found: Emulation) -> Estimate:
    """Return the difference without a number."""
    return Estimate(term=ANSWER, measure=found.difference, **sides(found))


def diary_part() -> Part:
    """Return what is wrong with each line of the diary, and what the next one takes away."""
    rows = tuple((order, words, text) for order, (_, words, text) in enumerate(DIARY_STEPS, start=1))
    return Part("bias_diary", ("order", "step", "description"), rows)


def answer_checks(got: Answers) -> tuple[Check, ...]:
    """Return whether resamples gave estimates, there is an interval, and two estimators of the same agree."""
    import numpy as np

    main = got.numbers(MAIN)
    gap = abs(main.estimate - got.numbers("augmented").estimate) / main.std_error
    agrees = bool(gap <= AGREEMENT_LIMIT)
    return (
        Check(
            "agreement of estimators",
            agrees,
            "caution",
            float(gap),
            AGREEMENT_LIMIT,
            "Sequential augmented weighting finds much the same."
            if agrees
            else "Sequential augmented weighting, which aims at the same, is more than a standard error away.",
        ),
        resamples_check(float(1.0 - np.isfinite(got.column(MAIN)).mean())),
        Check(
            "interval",
            main.has_limits,
            "withhold",
            math.nan,
            math.nan,
            "The difference has an interval."
            if main.has_limits
            else "The resamples all lie on one side of the estimate.",
        ),
    )
