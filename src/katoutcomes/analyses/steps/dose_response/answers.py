"""The numbers of a dose-response trial: means of the arms, differences of all pairs, and the trend."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

from katoutcomes.analyses.steps.emulation.answers import FAILED_CAUTION, FAILED_WITHHOLD, interval_fields
from katoutcomes.results.check import Check
from katoutcomes.results.estimate import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.dose_response.feasibility import CountTrial
    from katoutcomes.analyses.steps.emulation.data import Emulation

PAIR, MEAN, TREND, ADJUSTED = "emulated arms", "follow-up, emulated", "trend over the arms", "emulated arms, Holm"
PRECISION = "precision"


@dataclass(frozen=True, slots=True, eq=False)
class ArmMeans:
    """Adjusted means of the arms, NaN for those that cannot be answered: as they are, and of every resample."""

    point: NDArray[np.float64]
    replicates: NDArray[np.float64]
    conf_level: float

    def contrast(self, weights: NDArray[np.float64]) -> dict[str, Any]:
        """Return a weighted sum of means as the fields of an estimate; arms without weight may be unknown."""
        used = weights != 0.0
        point = float(self.point[used] @ weights[used])
        if math.isnan(point):
            return {}
        return interval_fields(point, self.replicates[:, used] @ weights[used], self.conf_level)


def arm_answers(
    found: Emulation,
    trial: CountTrial,
    *,
    n_bootstrap: int,
    entropy: int,
    conf_level: float,
    n_workers: int,
    progress: Callable[[int, int], None] | None,
) -> ArmMeans:
    """Estimate the mean of every arm that can be answered, and again for each resample of patients."""
    import numpy as np

    from katoutcomes.kernels.emulation.censoring_weights import fit_decisions
    from katoutcomes.kernels.emulation.dose_response import arm_means
    from katoutcomes.kernels.emulation.estimators import EmulationStarts, emulation_starts
    from katoutcomes.kernels.weighting.bootstrap import bootstrap

    once = np.ones((1, found.n_patients))
    first = fit_decisions(found.data, trial.weeks, once).coefficients[0]
    starts = EmulationStarts((first,), emulation_starts(found.data).observed)
    places = np.flatnonzero(trial.is_feasible)
    arms = [trial.arms[place] for place in places]
    drawn = bootstrap(
        lambda frequencies: arm_means(found.data, trial.weeks, arms, frequencies, starts),
        found.n_patients,
        n_bootstrap,
        entropy,
        units=found.units,
        n_workers=n_workers,
        progress=progress,
    )
    replicates = np.full((n_bootstrap, len(trial.strategies)), math.nan)
    replicates[:, places] = drawn
    point = np.full(len(trial.strategies), math.nan)
    point[places] = arm_means(found.data, trial.weeks, arms, once)[0]
    return ArmMeans(point, replicates, conf_level)


def answer_estimates(found: Emulation, trial: CountTrial, means: ArmMeans | None) -> Iterator[Estimate]:
    """Yield differences of all pairs with Holm's p-values, the trend, the means; without numbers where unanswered."""
    pairs = list(_pairs(found, trial, means))
    yield from pairs
    yield from _adjusted(pairs)
    yield _trend(found, trial, means)
    for place, strategy in enumerate(trial.strategies):
        numbers = {} if means is None else means.contrast(_unit(trial, {place: 1.0}))
        kept = {name: value for name, value in numbers.items() if name != "p_value"}
        term = f"{MEAN}: {strategy.label}"
        yield Estimate(term=term, measure="adjusted mean", **(_shared(found) | kept))
    for one in pairs:
        if one.std_error > 0.0:
            yield _detectable(one)


def _shared(found: Emulation) -> dict[str, Any]:
    return {"visit": found.trial.visit.name, "unit": "points", "n_patients": found.n_patients}


def _unit(trial: CountTrial, weights: dict[int, float]) -> NDArray[np.float64]:
    import numpy as np

    found = np.zeros(len(trial.strategies))
    for place, weight in weights.items():
        found[place] = weight
    return found


def _pairs(found: Emulation, trial: CountTrial, means: ArmMeans | None) -> Iterator[Estimate]:
    """Yield the difference of every pair of arms, that with more weeks minus that with fewer."""
    for low, high in combinations(range(len(trial.strategies)), 2):
        fewer, more = trial.strategies[low], trial.strategies[high]
        numbers = {} if means is None else means.contrast(_unit(trial, {high: 1.0, low: -1.0}))
        yield Estimate(
            term=f"{PAIR}: {more.label} minus {fewer.label}",
            measure="difference in means",
            treatment=more.label,
            comparator=fewer.label,
            **(_shared(found) | numbers),
        )


def _adjusted(pairs: list[Estimate]) -> Iterator[Estimate]:
    import numpy as np

    from katoutcomes.kernels.multiplicity import adjusted_p_values

    adjusted = adjusted_p_values(np.array([one.p_value for one in pairs]), "holm")
    for one, p_value in zip(pairs, adjusted.tolist(), strict=True):
        if not math.isnan(p_value):
            yield replace(
                one,
                term=one.term.replace(PAIR, ADJUSTED, 1),
                measure="adjusted p-value",
                unit="",
                estimate=p_value,
                std_error=math.nan,
                conf_low=math.nan,
                conf_high=math.nan,
                conf_level=math.nan,
                p_value=math.nan,
            )


def _trend(found: Emulation, trial: CountTrial, means: ArmMeans | None) -> Estimate:
    from katoutcomes.kernels.emulation.dose_response import linear_trend

    contrast = linear_trend([float(one.weeks) for one in trial.strategies])
    numbers = {} if means is None or not all(trial.is_feasible) else means.contrast(contrast)
    return Estimate(
        term=f"{TREND}: points per further week with a session",
        measure="linear combination",
        **(_shared(found) | numbers),
    )


def _detectable(one: Estimate) -> Estimate:
    from katoutcomes.kernels.groups.sensitivity import minimal_detectable_difference

    return Estimate(
        term=f"{PRECISION}: smallest difference that would be found in four of five studies, "
        f"{one.treatment} minus {one.comparator}",
        measure="minimal detectable difference",
        unit="points",
        visit=one.visit,
        treatment=one.treatment,
        comparator=one.comparator,
        estimate=minimal_detectable_difference(one.std_error),
        n_patients=one.n_patients,
    )


def answer_checks(trial: CountTrial, means: ArmMeans) -> tuple[Check, ...]:
    """Return whether the resamples gave estimates."""
    import numpy as np

    known = means.replicates[:, np.flatnonzero(trial.is_feasible)]
    failed = float(1.0 - np.isfinite(known).all(axis=1).mean())
    few_failed = failed <= FAILED_CAUTION
    is_bad = failed > FAILED_WITHHOLD
    return (
        Check(
            "resamples without an estimate",
            few_failed,
            "withhold" if is_bad else "caution",
            failed,
            FAILED_WITHHOLD if is_bad else FAILED_CAUTION,
            "Nearly all resamples gave an estimate of every answered arm."
            if few_failed
            else "Some resamples gave no estimate of an arm and are left out; intervals may be too narrow.",
        ),
    )
