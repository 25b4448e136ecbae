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

ANSWER, MEAN, SENSITIVITY, DIARY = "emulated trial", "follow-up, emulated", "sensitivity", "bias diary"
CONFOUNDING, PRECISION = "unmeasured confounding", "precision"
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
    conf_level : float
        Level of the intervals.
    """

    point: NDArray[np.float64]
    replicates: NDArray[np.float64]
    conf_level: float

    def numbers(self, column: str) -> dict[str, Any]:
        """Return estimate, standard error, limits and p of one column, by the names of the fields of an estimate."""
        from katoutcomes.kernels.emulation.estimators import ESTIMATES
        from katoutcomes.kernels.weighting.bootstrap import percentile_interval

        place = ESTIMATES.index(column)
        estimate = float(self.point[place])
        found = percentile_interval(self.replicates[:, place], self.conf_level)
        if not found.conf_low <= estimate <= found.conf_high:
            return {"estimate": estimate, "std_error": found.std_error}
        return {
            "estimate": estimate,
            "std_error": found.std_error,
            "conf_low": found.conf_low,
            "conf_high": found.conf_high,
            "conf_level": self.conf_level,
            "p_value": found.p_value,
        }


def answers(
    found: Emulation,
    *,
    n_bootstrap: int,
    entropy: int,
    conf_level: float,
    n_workers: int,
    progress: Callable[[int, int], None] | None,
) -> Answers:
    """Estimate everything, and again for each resample of patients."""
    import numpy as np

    from katoutcomes.kernels.emulation.estimators import emulated_estimates, emulation_starts
    from katoutcomes.kernels.weighting.bootstrap import bootstrap

    data = found.data
    starts = emulation_starts(data)
    replicates = bootstrap(
        lambda frequencies: emulated_estimates(data, frequencies, starts),
        data.n_patients,
        n_bootstrap,
        entropy,
        n_workers=n_workers,
        progress=progress,
    )
    return Answers(emulated_estimates(data, np.ones((1, data.n_patients)))[0], replicates, conf_level)


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
    yield from _confounding(found, main, shared)
    for order, (column, words, _) in enumerate(DIARY_STEPS, start=1):
        term = f"{DIARY}: {order}, {words}"
        yield Estimate(term=term, measure="difference in means", **shared, **got.numbers(column))


def _confounding(found: Emulation, main: dict[str, Any], shared: dict[str, Any]) -> Iterator[Estimate]:
    import numpy as np

    from katoutcomes.kernels.groups.sensitivity import e_value_of_difference

    sd = float(np.nanstd(found.data.outcome, ddof=1))
    if not (sd > 0.0 and main["std_error"] > 0.0):
        return
    values = e_value_of_difference(main["estimate"], main["std_error"], sd)
    holds_0 = not (main.get("conf_low", -1.0) > 0.0 or main.get("conf_high", 1.0) < 0.0)
    pure = shared | {"unit": ""}
    numbers = (("estimate", values.estimate), ("limit nearer to no difference", 1.0 if holds_0 else values.limit))
    for words, number in numbers:
        yield Estimate(term=f"{CONFOUNDING}: E-value of the {words}", measure="E-value", estimate=number, **pure)


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
