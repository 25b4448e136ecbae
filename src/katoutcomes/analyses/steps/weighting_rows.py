"""How alike arms are and how their weights are spread: rows that a comparison and an emulated trial share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.analyses.steps.covariate_columns import BASELINE_SCORE
from katoutcomes.results.estimate import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import Variable
    from katoutcomes.kernels.weighting.balance import CovariateBalance
    from katoutcomes.kernels.weighting.weight_distribution import WeightDistribution

    Floats = NDArray[np.float64]

WEIGHTS, ALL_COLUMNS = "weights", "balance of all columns"
QUANTILES: tuple[tuple[str, float], ...] = (
    ("5th percentile", 0.05),
    ("lower quartile", 0.25),
    ("median", 0.5),
    ("upper quartile", 0.75),
    ("95th percentile", 0.95),
)
"""Of the propensity."""
_OF_WEIGHTS: tuple[tuple[str, str], ...] = (
    ("effective sample size", "effective_sample_size"),
    ("standard deviation", "sd"),
    ("1st percentile", "percentile_1"),
    ("median", "median"),
    ("95th percentile", "percentile_95"),
    ("99th percentile", "percentile_99"),
    ("largest", "largest"),
    ("share of the largest", "largest_share"),
    ("share of the largest 5 percent", "top_5_percent_share"),
)


@dataclass(frozen=True, slots=True, eq=False)
class BalanceColumns:
    """The columns whose balance is shown: every covariate, every level of a category, and the squares of numbers."""

    values: Floats
    names: tuple[str, ...]


def balance_columns(baseline: Floats, variables: Sequence[Variable]) -> BalanceColumns:
    """Return the columns of some patients.

    Parameters
    ----------
    baseline : ndarray of float64, shape (n_patients,)
        Baseline scores.
    variables : sequence of Variable
        The covariates, with values of these patients.
    """
    import numpy as np

    columns, names = [baseline, baseline**2], [BASELINE_SCORE, f"{BASELINE_SCORE} squared"]
    for variable in variables:
        if variable.kind == "category":
            codes = np.unique(variable.values)
            columns += [(variable.values == code) * 1.0 for code in codes]
            names += [f"{variable.name}: {variable.levels[int(code)]}" for code in codes]
            continue
        columns.append(variable.values)
        names.append(variable.name)
        if variable.kind == "number":
            columns.append(variable.values**2)
            names.append(f"{variable.name} squared")
    return BalanceColumns(np.column_stack(columns), tuple(names))


def balance_rows(balance: CovariateBalance, column: int, **fields: Any) -> Iterator[Estimate]:
    """Yield SMD, variance ratio (where there is one) and largest distance of the distributions of one column."""
    smd, ratio = float(balance.smd[column]), float(balance.variance_ratio[column])
    yield Estimate(measure="standardized mean difference", unit="SD", estimate=smd, **fields)
    if not math.isnan(ratio):
        yield Estimate(measure="variance ratio", estimate=ratio, **fields)
    yield Estimate(measure="distance of distributions", estimate=float(balance.ks[column]), **fields)


def balance_summary_rows(when: str, balance: CovariateBalance, **fields: Any) -> Iterator[Estimate]:
    """Yield the largest and the mean size of the standardized mean differences of all columns."""
    import numpy as np

    sizes = np.abs(balance.smd[np.isfinite(balance.smd)])
    for words, value in (("largest", sizes.max(initial=0.0)), ("mean", sizes.mean() if sizes.size else math.nan)):
        yield Estimate(
            term=f"{ALL_COLUMNS}, {when}: {words}",
            measure="absolute standardized mean difference",
            unit="SD",
            estimate=float(value),
            **fields,
        )


def spread_rows(spread: WeightDistribution, arm: str = "", *, unit: str = "", **fields: Any) -> Iterator[Estimate]:
    """Yield how the weights of an arm are spread, scaled to a mean of 1.

    Parameters
    ----------
    spread : WeightDistribution
        Of the arm.
    arm : str
        Its name, where the terms are to hold it.
    unit : str
        Of the effective sample size.
    **fields
        Further fields of every estimate.
    """
    for words, name in _OF_WEIGHTS:
        is_size = name == "effective_sample_size"
        yield Estimate(
            term=f"{WEIGHTS}: {arm}{', ' if arm else ''}{words}",
            measure="effective sample size" if is_size else "weight",
            unit=unit if is_size else "",
            estimate=float(getattr(spread, name)),
            **fields,
        )
    if spread.n_patients:
        yield Estimate(
            term=f"{WEIGHTS}: {arm}{', ' if arm else ''}effective share",
            measure="effective share",
            estimate=spread.effective_sample_size / spread.n_patients,
            **fields,
        )
