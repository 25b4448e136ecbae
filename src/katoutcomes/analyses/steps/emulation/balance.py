"""Whether the followers of both strategies were alike: at time zero, in every week, and how likely a session was."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.analyses.steps.weighting_rows import QUANTILES, balance_columns, balance_rows, balance_summary_rows
from katoutcomes.results.estimate import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.emulation.data import Emulation
    from katoutcomes.analyses.steps.emulation.feasibility import Feasibility
    from katoutcomes.kernels.emulation.by_week import WeeklyBalance
    from katoutcomes.kernels.weighting.balance import CovariateBalance

    Floats = NDArray[np.float64]

BEFORE, AFTER = "balance, before weighting", "balance, as analyzed"
OVERLAP = "overlap of weeks with and without a session"
SESSION = "propensity of a session in a week in care"
KEPT = "propensity of having kept to the strategy"
WITH, WITHOUT = "weeks: with a session", "weeks: without a session"
ARM = "strategy: "
_OF_KEEPING: tuple[tuple[str, float], ...] = (("1st percentile", 0.01), *QUANTILES)


@dataclass(frozen=True, slots=True, eq=False)
class EmulationBalance:
    """Balance of the followers, and of the weeks' decisions.

    Attributes
    ----------
    names : tuple of str
        Of the columns: every covariate, every level of a category, the squares of numbers.
    before, after : CovariateBalance
        Followers of the treated strategy against those of the comparator, as they are and with their weights. The one
        denominator of both is the standard deviation of all patients of the trial.
    by_week : WeeklyBalance
        Of the last score, in the same way.
    overlap : float
        Area under the lower of the two densities of the fitted probability (its logit) of weeks with and without a
        session.
    share_outside : float
        Share of the person-weeks whose probability lies outside 0.05 to 0.95.
    """

    names: tuple[str, ...]
    before: CovariateBalance
    after: CovariateBalance
    by_week: WeeklyBalance
    overlap: float
    share_outside: float


def emulation_balance(found: Emulation, feasible: Feasibility) -> EmulationBalance:
    """Compare the followers; of the outcome nothing is used."""
    import numpy as np

    from katoutcomes.kernels.emulation.by_week import weekly_balance
    from katoutcomes.kernels.weighting.balance import covariate_balance, overlap_coefficient

    columns = balance_columns(found.found.baseline, found.variables)
    stacked = np.concatenate([columns.values, columns.values])
    is_treated = np.repeat([False, True], found.n_courses)
    followed = np.concatenate([arm.followed for arm in found.data.arms]).astype(np.float64)
    weeks, probability = found.data.models[0], feasible.probabilities[0]
    baseline_sd = float(found.found.baseline.std(ddof=1)) if found.n_courses > 1 else math.nan
    return EmulationBalance(
        names=columns.names,
        before=covariate_balance(stacked, is_treated, followed),
        after=covariate_balance(stacked, is_treated, np.concatenate(feasible.weights)),
        by_week=weekly_balance(weeks, weeks.state[:, 0], probability, baseline_sd or math.nan),
        overlap=overlap_coefficient(np.log(probability / (1.0 - probability)), weeks.happened == 1.0),
        share_outside=float(((probability < 0.05) | (probability > 0.95)).mean()),
    )


def balance_estimates(found: Emulation, shown: EmulationBalance) -> Iterator[Estimate]:
    """Yield the balance at time zero, then that of the last score in each week."""
    sides: dict[str, Any] = {
        "treatment": found.trial.strategy.label,
        "comparator": found.trial.comparator.label,
        "n_patients": found.n_patients,
    }
    for column, name in enumerate(shown.names):
        for when, balance in ((BEFORE, shown.before), (AFTER, shown.after)):
            shared = sides | {"term": f"{when}: {name}", "visit": "baseline"}
            yield from balance_rows(balance, column, **shared)
    for when, balance in ((BEFORE, shown.before), (AFTER, shown.after)):
        yield from balance_summary_rows(when.removeprefix("balance, "), balance, visit="baseline", **sides)
    weekly = shown.by_week
    for place, slot in enumerate(weekly.slot.tolist()):
        for when, values in ((BEFORE, weekly.before), (AFTER, weekly.weighted)):
            if not math.isnan(float(values[place])):
                yield Estimate(
                    term=f"{when}: last score before week {slot + 1}, a session in it or none",
                    measure="standardized mean difference",
                    unit="SD",
                    visit=f"week {slot + 1}",
                    estimate=float(values[place]),
                    **sides,
                )


def overlap_estimates(found: Emulation, feasible: Feasibility, shown: EmulationBalance) -> Iterator[Estimate]:
    """Yield how likely sessions were, in weeks with and without one, and how likely followers were to follow."""
    import numpy as np

    weeks, probability = found.data.models[0], feasible.probabilities[0]
    for happened, subgroup in ((0.0, WITHOUT), (1.0, WITH)):
        values = probability[weeks.happened == happened]
        for words, level in QUANTILES if values.size else ():
            yield _quantile(f"{SESSION}: {words}", float(np.quantile(values, level)), subgroup, found.n_patients)
    if not math.isnan(shown.overlap):
        yield Estimate(term=OVERLAP, measure="overlap coefficient", estimate=shown.overlap, n_patients=found.n_patients)
    labels = (found.trial.comparator.label, found.trial.strategy.label)
    for label, weights in zip(labels, feasible.weights, strict=True):
        kept = 1.0 / weights[weights > 0.0]
        for words, level in _OF_KEEPING if kept.size else ():
            yield _quantile(f"{KEPT}: {words}", float(np.quantile(kept, level)), f"{ARM}{label}", found.n_patients)


def _quantile(term: str, value: float, subgroup: str, n_patients: int) -> Estimate:
    return Estimate(term=term, measure="propensity quantile", subgroup=subgroup, estimate=value, n_patients=n_patients)
