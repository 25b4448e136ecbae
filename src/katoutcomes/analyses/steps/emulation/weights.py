"""How the weights of an emulated trial are spread, in the end and on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.weighting_rows import WEIGHTS, spread_rows
from katoutcomes.results.estimate import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.emulation.data import Emulation
    from katoutcomes.analyses.steps.emulation.feasibility import Feasibility


def weight_estimates(found: Emulation, feasible: Feasibility) -> Iterator[Estimate]:
    """Yield the spread of the weights of each arm, scaled to a mean of 1; their mean; effective sizes by week."""
    labels = (found.trial.comparator.label, found.trial.strategy.label)
    for label, weights, spread in zip(labels, feasible.weights, feasible.distributions, strict=True):
        if spread is None:
            continue
        yield from spread_rows(spread, label, n_patients=found.n_patients)
        # Copies weighted by the inverse of keeping to a strategy add up to everybody: a mean of 1 over all of them.
        yield Estimate(
            term=f"{WEIGHTS}: {label}, mean over all copies",
            measure="weight",
            estimate=float(weights.mean()),
            n_patients=found.n_patients,
        )
    by_week = effective_sizes_by_week(found, feasible)
    for label, sizes in zip(labels, by_week, strict=True):
        for week, size in enumerate(sizes.tolist(), start=1):
            yield Estimate(
                term=f"{WEIGHTS}: {label}, effective sample size at the end of the week",
                measure="effective sample size",
                visit=f"week {week}",
                estimate=size,
                n_patients=found.n_patients,
            )


def effective_sizes_by_week(found: Emulation, feasible: Feasibility) -> tuple[NDArray[np.float64], ...]:
    """Return the effective sample size of the copies that still follow at the end of each week, a row an arm."""
    import numpy as np

    from katoutcomes.cohorts.emulation.decisions import decision_weeks
    from katoutcomes.kernels.emulation.by_week import weights_by_week
    from katoutcomes.kernels.weighting.balance import effective_sample_size

    weeks, n_weeks = decision_weeks(found.trial, found.found), found.trial.by_day // 7
    sizes = []
    for arm in found.data.arms:
        so_far = weights_by_week(
            arm, found.data.models[arm.model], feasible.probabilities[arm.model], weeks[arm.model], n_weeks
        )
        sizes.append(np.array([effective_sample_size(row) for row in so_far]))
    return tuple(sizes)
