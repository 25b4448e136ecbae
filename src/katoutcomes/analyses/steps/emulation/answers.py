"""The numbers of an emulated trial: the answer, the estimators beside it, and the bias diary."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.analyses.steps.comparison.days import OTHER_RULES
from katoutcomes.analyses.steps.emulation.data import days_of
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
    from katoutcomes.kernels.emulation.estimators import EmulationStarts

ANSWER, MEAN, SENSITIVITY, DIARY = "emulated trial", "follow-up, emulated", "sensitivity", "bias diary"
RATIO = "emulated ratio"
NEGATIVE_CONTROL = "negative control"
IN_STATE, BETWEEN_VISITS = "in response, emulated", "days between visits, emulated"
"""Terms of what days in response are made of: the share at each visit, and which visit speaks for the days between."""
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
    by_visit : ndarray of float64, shape (1 + n_replicates, n_visits, 9), or None
        The columns of `point`, then of `replicates`, at each visit, where the answer is a sum over several.
    """

    point: NDArray[np.float64]
    replicates: NDArray[np.float64]
    further: NDArray[np.float64]
    further_replicates: NDArray[np.float64]
    conf_level: float
    by_visit: NDArray[np.float64] | None = None

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

    from katoutcomes.kernels.emulation.estimators import ESTIMATES, emulation_starts
    from katoutcomes.kernels.emulation.further_estimates import FURTHER

    n_patients, n_visits, n_main = found.n_courses, len(found.outcomes), len(ESTIMATES)
    starts = [emulation_starts(one) for one in found.outcomes]
    once = _by_visit(found, beside, np.ones((1, n_patients)), [None] * n_visits)
    drawn = resampling.draw(
        lambda frequencies: _by_visit(found, beside, frequencies, starts).reshape(len(frequencies), -1),
        n_patients,
        units=found.units,
    )
    by_visit = np.concatenate([once, drawn.reshape(len(drawn), n_visits, -1)])
    summed = np.einsum("v,bvk->bk", found.spoken_for, by_visit)
    control = n_main + FURTHER.index("negative control")
    summed[:, control] = by_visit[:, 0, control]  # it has one value a patient, whatever the outcome is a sum of
    return Answers(
        summed[0, :n_main],
        summed[1:, :n_main],
        summed[0, n_main:],
        summed[1:, n_main:],
        resampling.conf_level,
        by_visit[:, :, :n_main] if found.days else None,
    )


def _by_visit(
    found: Emulation, beside: Beside, frequencies: NDArray[np.float64], starts: Sequence[EmulationStarts | None]
) -> NDArray[np.float64]:
    """Return all columns for each outcome that the answer is a sum of, shape (B, n_visits, 9 + 4 + k)."""
    import numpy as np

    from katoutcomes.kernels.emulation.censoring_weights import censoring_weights
    from katoutcomes.kernels.emulation.estimators import emulated_estimates
    from katoutcomes.kernels.emulation.further_estimates import further_estimates

    # Who followed which strategy does not depend on the outcome: the weights of all visits are the same.
    weights = censoring_weights(found.data, frequencies, None if starts[0] is None else starts[0].decisions)
    bases = [modifier.basis for modifier in beside.modifiers]
    columns = []
    for data, start in zip(found.outcomes, starts, strict=True):
        main = emulated_estimates(data, frequencies, start, weights)
        further = further_estimates(
            data, frequencies, control=beside.control, bases=bases, starts=start, weights=weights
        )
        columns.append(np.column_stack([main, further]))
    return np.stack(columns, axis=1)


def sides(found: Emulation) -> dict[str, Any]:
    """Return the fields of an estimate that name both strategies and whom it rests on."""
    return {
        "treatment": found.trial.strategy.label,
        "comparator": found.trial.comparator.label,
        "visit": found.when,
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
    if found.is_share:
        yield estimate_of(got.ratio(), level, term=RATIO, measure="risk ratio", **shared)
    for column, label in (("comparator mean", shared["comparator"]), ("treated mean", shared["treatment"])):
        mean = got.numbers(column, tests=False)
        measure = "adjusted share" if found.is_share else "adjusted mean"
        yield estimate_of(mean, level, term=f"{MEAN}: {label}", measure=measure, **alone)
    yield from days_estimates(found, got)
    yield from beside_estimates(found, got)
    for order, (column, words, _) in enumerate(DIARY_STEPS, start=1):
        yield estimate_of(got.numbers(column), level, term=f"{DIARY}: {order}, {words}", **difference)


def days_estimates(found: Emulation, got: Answers) -> Iterator[Estimate]:
    """Yield what days with an event are made of: the share of each arm at each visit; the difference by other rules."""
    import numpy as np

    from katoutcomes.kernels.emulation.estimators import ESTIMATES

    if got.by_visit is None:
        return
    shared, level = sides(found), got.conf_level
    alone = {name: value for name, value in shared.items() if name not in {"treatment", "comparator", "unit", "visit"}}
    arms = {"comparator mean": shared["comparator"], "treated mean": shared["treatment"]}
    for place, visit in enumerate(found.trial.visits):
        for column, label in arms.items():
            values = got.by_visit[:, place, ESTIMATES.index(column)]
            share = percentile(float(values[0]), values[1:], level, tests=False)
            fields = alone | {"term": f"{IN_STATE}: {label}", "measure": "adjusted share", "visit": visit.name}
            yield estimate_of(share, level, **fields)
    for rule in OTHER_RULES:
        values = np.asarray(got.by_visit[:, :, ESTIMATES.index(MAIN)] @ days_of(found.trial, rule))
        difference = percentile(float(values[0]), values[1:], level, tests=False)
        term = f"{BETWEEN_VISITS}: days like the {rule}"
        yield estimate_of(difference, level, term=term, measure=found.difference, **shared)


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
