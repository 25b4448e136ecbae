"""What is printed beside a comparison: balance, target population, overlap, weights."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.analyses.steps.interval_estimates import share_estimate
from katoutcomes.analyses.steps.weighting_rows import (
    QUANTILES,
    BalanceColumns,
    balance_columns,
    balance_rows,
    balance_summary_rows,
    spread_rows,
)
from katoutcomes.results.estimate import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.comparison.arms import Comparison
    from katoutcomes.analyses.steps.comparison.fits import Fitted
    from katoutcomes.kernels.weighting.balance import CovariateBalance

    Floats = NDArray[np.float64]

BALANCE, TARGET, PROPENSITY, OVERLAP = "balance", "target population", "propensity", "overlap"
OUTSIDE: tuple[tuple[float, float], ...] = ((0.1, 0.9), (0.05, 0.95))
"""Ranges of the propensity: of Crump (2009), and of the check."""
BEFORE, AFTER = "before weighting", "as analyzed"


@dataclass(frozen=True, slots=True, eq=False)
class Diagnostics:
    """Balance of each later arm against the comparator, before weighting and as analyzed, and the overlap of each."""

    columns: BalanceColumns
    before: tuple[CovariateBalance, ...]
    after: tuple[CovariateBalance, ...]
    overlap: tuple[float, ...]


def diagnostics(found: Comparison, fitted: Fitted) -> Diagnostics:
    """Compare the arms before weighting (all compared) and as analyzed (the scored, with their weights)."""
    import numpy as np

    from katoutcomes.kernels.weighting.balance import covariate_balance, overlap_coefficient

    columns = balance_columns(found.data.baseline[found.compared], found.variables_of_compared)
    codes = found.arms.arms
    before, after, overlap = [], [], []
    for arm, _ in found.later_arms:
        pair = (codes == arm) | (codes == 0)
        is_treated = codes[pair] == arm
        before.append(covariate_balance(columns.values[pair], is_treated, np.ones(int(pair.sum()))))
        after.append(covariate_balance(columns.values[pair], is_treated, fitted.combined[pair]))
        propensity = fitted.weights.propensities[0, pair, arm]
        overlap.append(overlap_coefficient(np.log(propensity / (1.0 - propensity)), is_treated))
    return Diagnostics(columns, tuple(before), tuple(after), tuple(overlap))


def balance_estimates(found: Comparison, shown: Diagnostics) -> Iterator[Estimate]:
    """Yield SMD, variance ratio and largest distance of each column, before weighting and as analyzed."""
    for place, (_, group) in enumerate(found.later_arms):
        sides = {"treatment": group.label, "comparator": found.groups[0].label}
        for column, name in enumerate(shown.columns.names):
            for when, balance in ((BEFORE, shown.before[place]), (AFTER, shown.after[place])):
                term = f"{BALANCE}, {when}: {name}"
                shared: dict[str, Any] = {"term": term, "visit": "baseline", "n_patients": found.n_compared, **sides}
                yield from balance_rows(balance, column, **shared)
        for when, balance in ((BEFORE, shown.before[place]), (AFTER, shown.after[place])):
            yield from balance_summary_rows(when, balance, visit="baseline", n_patients=found.n_compared, **sides)


def target_estimates(found: Comparison, fitted: Fitted, shown: Diagnostics) -> Iterator[Estimate]:
    """Yield the mean of each column in the population that the comparison is about."""
    tilt = fitted.weights.tilt[0]
    means = tilt @ shown.columns.values / tilt.sum()
    for name, mean in zip(shown.columns.names, means, strict=True):
        if not name.endswith(" squared"):
            yield Estimate(
                term=f"{TARGET}: {name}",
                measure="weighted mean",
                visit="baseline",
                estimate=float(mean),
                n_patients=found.n_compared,
            )


def overlap_estimates(found: Comparison, fitted: Fitted, shown: Diagnostics, conf_level: float) -> Iterator[Estimate]:
    """Yield quantiles of the propensity in each arm, the overlap of the arms' densities, and who is outside limits."""
    import numpy as np

    for place, (arm, group) in enumerate(found.later_arms):
        propensity = fitted.weights.propensities[0, :, arm]
        sides: dict[str, Any] = {"treatment": group.label, "comparator": found.groups[0].label}
        for code in (0, arm):
            members = found.arms.arms == code
            for words, level in QUANTILES:
                yield Estimate(
                    term=f"{PROPENSITY} of {group.label}: {words}",
                    measure="propensity quantile",
                    subgroup=found.groups[code].subgroup,
                    estimate=float(np.quantile(propensity[members], level)),
                    n_patients=int(members.sum()),
                )
        yield Estimate(
            term=OVERLAP,
            measure="overlap coefficient",
            estimate=shown.overlap[place],
            n_patients=found.n_compared,
            **sides,
        )
    yield from _outside_estimates(found, fitted, conf_level)


def _outside_estimates(found: Comparison, fitted: Fitted, conf_level: float) -> Iterator[Estimate]:
    """Yield for which share of each arm some arm was hardly likely: by the limits of the check, and by Crump's."""
    for low, high in OUTSIDE:
        outside = is_outside(fitted, low, high)
        for arm, group in enumerate(found.groups):
            members = found.arms.arms == arm
            n_outside, n_members = int((members & outside).sum()), int(members.sum())
            term = f"{PROPENSITY} outside {low:g} to {high:g}"
            yield share_estimate(term, n_outside, n_members, conf_level, subgroup=group.subgroup)


def weight_estimates(found: Comparison, fitted: Fitted) -> Iterator[Estimate]:
    """Yield how the weights of the scored are spread in each arm, scaled to a mean of 1."""
    from katoutcomes.kernels.weighting.weight_distribution import weight_distribution

    for arm, group in enumerate(found.groups):
        spread = weight_distribution(fitted.combined[found.arms.arms == arm])
        shared: dict[str, Any] = {"subgroup": group.subgroup, "n_patients": found.n_of(arm, scored=True)}
        yield from spread_rows(spread, unit="patients", visit=found.when, **shared)


def share_outside(found: Comparison, fitted: Fitted, low: float, high: float) -> float:
    """Return the largest share, over arms, of patients of whom some arm was less likely than `low` or likelier."""
    import numpy as np

    outside = is_outside(fitted, low, high)
    return max(float(np.mean(outside[found.arms.arms == arm])) for arm in range(found.arms.n_arms))


def is_outside(fitted: Fitted, low: float, high: float) -> NDArray[np.bool_]:
    """Return of which patients some later arm was less likely than `low`, or likelier than `high`."""
    import numpy as np

    propensities = fitted.weights.propensities[0][:, 1:]
    return np.asarray(((propensities < low) | (propensities > high)).any(axis=1))
