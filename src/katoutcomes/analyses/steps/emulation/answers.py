"""The numbers of an emulated trial: the answer, the estimators beside it, and the bias diary."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.results.check import Check
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.emulation.data import Emulation
    from katoutcomes.analyses.steps.emulation.modifiers import Modifier

ANSWER, MEAN, SENSITIVITY, DIARY = "emulated trial", "follow-up, emulated", "sensitivity", "bias diary"
PRECISION, NEGATIVE_CONTROL = "precision", "negative control"
FAILED_CAUTION, FAILED_WITHHOLD = 0.02, 0.2
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
        "cloned, censored, weighted",
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

    def numbers(self, column: str) -> dict[str, Any]:
        """Return estimate, standard error, limits and p of one column, by the names of the fields of an estimate."""
        from katoutcomes.kernels.emulation.estimators import ESTIMATES

        return interval_fields(float(self.point[ESTIMATES.index(column)]), self.column(column), self.conf_level)


def interval_fields(estimate: float, replicates: NDArray[np.float64], conf_level: float) -> dict[str, Any]:
    """Return estimate, standard error, limits and p; no limits where they do not hold the estimate."""
    from katoutcomes.kernels.weighting.bootstrap import percentile_interval

    found = percentile_interval(replicates, conf_level)
    if not found.conf_low <= estimate <= found.conf_high:
        return {"estimate": estimate, "std_error": found.std_error}
    return {
        "estimate": estimate,
        "std_error": found.std_error,
        "conf_low": found.conf_low,
        "conf_high": found.conf_high,
        "conf_level": conf_level,
        "p_value": found.p_value,
    }


@dataclass(frozen=True, slots=True, eq=False)
class Beside:
    """What is estimated beside the answer from the same resamples.

    Attributes
    ----------
    control : ndarray of float64, shape (n_patients,), or None
        The negative control.
    modifiers : tuple of Modifier
        What the effect may depend on.
    """

    control: NDArray[np.float64] | None = None
    modifiers: tuple[Modifier, ...] = ()


def answers(
    found: Emulation,
    beside: Beside,
    *,
    n_bootstrap: int,
    entropy: int,
    conf_level: float,
    n_workers: int,
    progress: Callable[[int, int], None] | None,
) -> Answers:
    """Estimate everything, and again for each resample of patients."""
    import numpy as np

    from katoutcomes.kernels.emulation.estimators import ESTIMATES, emulated_estimates, emulation_starts
    from katoutcomes.kernels.emulation.further_estimates import further_estimates
    from katoutcomes.kernels.weighting.bootstrap import bootstrap

    data = found.data
    starts = emulation_starts(data)
    bases = [modifier.basis for modifier in beside.modifiers]

    def everything(frequencies: NDArray[np.float64]) -> NDArray[np.float64]:
        further = further_estimates(data, frequencies, control=beside.control, bases=bases, starts=starts)
        return np.column_stack([emulated_estimates(data, frequencies, starts), further])

    replicates = bootstrap(
        everything,
        data.n_patients,
        n_bootstrap,
        entropy,
        units=found.units,
        n_workers=n_workers,
        progress=progress,
    )
    once = np.ones((1, data.n_patients))
    further = further_estimates(data, once, control=beside.control, bases=bases)[0]
    n_main = len(ESTIMATES)
    return Answers(
        emulated_estimates(data, once)[0], replicates[:, :n_main], further, replicates[:, n_main:], conf_level
    )


def sides(found: Emulation) -> dict[str, Any]:
    """Return the fields of an estimate that name both strategies and whom it rests on."""
    return {
        "treatment": found.trial.strategy.label,
        "comparator": found.trial.comparator.label,
        "visit": found.trial.visit.name,
        "unit": "points",
        "n_patients": found.n_patients,
    }


def answer_estimates(found: Emulation, got: Answers) -> Iterator[Estimate]:
    """Yield the difference and the means, the estimators beside it, sensitivity, the diary."""
    from katoutcomes.kernels.groups.sensitivity import minimal_detectable_difference

    shared = sides(found)
    alone = {name: value for name, value in shared.items() if name not in {"treatment", "comparator"}}
    main = got.numbers("cloned, censored, weighted")
    yield Estimate(term=ANSWER, measure="difference in means", **shared, **main)
    for column, label in (("comparator mean", shared["comparator"]), ("treated mean", shared["treatment"])):
        numbers = {name: value for name, value in got.numbers(column).items() if name != "p_value"}
        yield Estimate(term=f"{MEAN}: {label}", measure="adjusted mean", **alone, **numbers)
    for column, words in _BESIDE:
        yield Estimate(term=f"{SENSITIVITY}: {words}", measure="difference in means", **shared, **got.numbers(column))
    yield Estimate(
        term=f"{PRECISION}: smallest difference that would be found in four of five studies",
        measure="minimal detectable difference",
        estimate=minimal_detectable_difference(main["std_error"]),
        **shared,
    )
    for order, (column, words, _) in enumerate(DIARY_STEPS, start=1):
        term = f"{DIARY}: {order}, {words}"
        yield Estimate(term=term, measure="difference in means", **shared, **got.numbers(column))


def control_estimate(found: Emulation, got: Answers, name: str) -> Estimate:
    """Return what the same method finds on an outcome that the strategies cannot have changed."""
    numbers = interval_fields(*got.further_column("negative control"), got.conf_level)
    kept = {field: value for field, value in numbers.items() if field != "p_value"}
    shared = sides(found) | {"unit": "", "visit": "baseline"}
    return Estimate(term=f"{NEGATIVE_CONTROL}: {name}", measure="difference in means", **shared, **kept)


def unanswered(found: Emulation) -> Estimate:
    """Return the difference without a number."""
    return Estimate(term=ANSWER, measure="difference in means", **sides(found))


def diary_part() -> Part:
    """Return what is wrong with each line of the diary, and what the next one takes away."""
    rows = tuple((order, words, text) for order, (_, words, text) in enumerate(DIARY_STEPS, start=1))
    return Part("bias_diary", ("order", "step", "description"), rows)


def answer_checks(got: Answers) -> tuple[Check, ...]:
    """Return whether resamples gave estimates, there is an interval, and two estimators of the same agree."""
    import numpy as np

    main = got.numbers("cloned, censored, weighted")
    failed = float(1.0 - np.isfinite(got.replicates[:, 2]).mean())
    gap = abs(main["estimate"] - got.numbers("augmented")["estimate"]) / main["std_error"]
    agrees = bool(gap <= AGREEMENT_LIMIT)
    has_interval, few_failed = "conf_low" in main, failed <= FAILED_CAUTION
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
        Check(
            "resamples without an estimate",
            few_failed,
            "withhold" if failed > FAILED_WITHHOLD else "caution",
            failed,
            FAILED_WITHHOLD if failed > FAILED_WITHHOLD else FAILED_CAUTION,
            "Nearly all resamples gave an estimate."
            if few_failed
            else "Some resamples gave no estimate and are left out; the interval may be too narrow.",
        ),
        Check(
            "interval",
            has_interval,
            "withhold",
            math.nan,
            math.nan,
            "The difference has an interval." if has_interval else "The resamples all lie on one side of the estimate.",
        ),
    )
