"""For whom the arms differ more: effects by level of a few declared modifiers, and differences of effects."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from katoutcomes.analyses.steps.adjusted_p_values import holm_estimates
from katoutcomes.analyses.steps.covariate_columns import BASELINE_SCORE
from katoutcomes.analyses.steps.resamples import Interval, estimate_of, percentile
from katoutcomes.errors import OptionError
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.formatting import format_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import Variable

    Floats = NDArray[np.float64]

EFFECT, POOLED, DIFFERENCE = "effect by modifier", "effect by modifier, partially pooled", "difference of effects"
OWN_WEIGHT = "own weight in partial pooling"
MOST_MODIFIERS = 3
FEWEST_SCORED = 11
"""Scored patients of each arm that a level needs for an effect of its own."""
FEWEST_LEVELS = 3
"""Levels from which on they are pooled partially."""


@dataclass(frozen=True, slots=True, eq=False)
class Modifier:
    """Something known at time zero on which the effect may depend.

    Attributes
    ----------
    name : str
        Of the variable, or `BASELINE_SCORE`.
    basis : ndarray of float64, shape (n_patients, k)
        An indicator for each level; for a number a column of ones and the number minus its mean.
    levels : tuple of str
        Of a category or flag; empty for a number.
    points : tuple of float
        At which values of a number the effect is told: its quartiles.
    center : float
        Mean of a number.
    """

    name: str
    basis: Floats
    levels: tuple[str, ...] = ()
    points: tuple[float, ...] = ()
    center: float = math.nan


def declared(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the modifiers.

    Raises
    ------
    OptionError
        If there are more than three, or one stands twice.
    """
    listed = (names,) if isinstance(names, str) else tuple(names)
    if len(listed) > MOST_MODIFIERS or len(set(listed)) < len(listed):
        raise OptionError(
            f"declare at most {MOST_MODIFIERS} different modifiers, before the data are looked at: with more, one of "
            "them differs by chance."
        )
    return listed


def modifier(
    name: str, baseline: Floats, variables: Sequence[Variable], *, adjusted_for: str, everybody: str
) -> Modifier:
    """Return a modifier of these patients.

    Parameters
    ----------
    name : str
        Of one of the covariates, or `BASELINE_SCORE`.
    baseline : ndarray of float64, shape (n_patients,)
        Baseline scores.
    variables : sequence of Variable
        The covariates, with values of these patients.
    adjusted_for, everybody : str
        How an error calls the covariates and the patients.

    Raises
    ------
    OptionError
        If it is no covariate (what modifies the effect has to be adjusted for), or the same for everybody.
    """
    import numpy as np

    variable = next((one for one in variables if one.name == name), None)
    if variable is None and name != BASELINE_SCORE:
        raise OptionError(
            f"the modifier {name!r} is not adjusted for: name it among {adjusted_for} as well (or use "
            f"{BASELINE_SCORE!r}, which always is)."
        )
    values = baseline if variable is None else variable.values
    codes = np.unique(values)
    if codes.size < 2:
        raise OptionError(f"the modifier {name!r} is the same for {everybody}.")
    if variable is None or variable.kind == "number":
        center = float(values.mean())
        points = dict.fromkeys(float(one) for one in np.quantile(values, [0.25, 0.5, 0.75], method="nearest"))
        return Modifier(name, np.column_stack([np.ones(values.size), values - center]), (), tuple(points), center)
    words = variable.levels if variable.kind == "category" else ("no", "yes")
    basis = (values[:, None] == codes).astype(np.float64)
    return Modifier(name, basis, tuple(words[int(code)] for code in codes))


@dataclass(frozen=True, slots=True, eq=False)
class ModifiedEffect:
    """How the difference of two arms depends on one modifier.

    Attributes
    ----------
    modifier : Modifier
        Which.
    point : ndarray of float64, shape (k,)
        Coefficients of its basis.
    replicates : ndarray of float64, shape (n_replicates, k)
        The same for each resample.
    is_enough : tuple of bool
        Which levels have an effect of their own; not used for a number.
    fields : dict
        Of its estimates: measure, visit, arms and whom they rest on.
    n_patients : tuple of int, optional
        Of each level, where rows are not patients.
    """

    modifier: Modifier
    point: Floats
    replicates: Floats
    is_enough: tuple[bool, ...]
    fields: dict[str, Any]
    n_patients: tuple[int, ...] | None = None

    def combined(self, weights: Sequence[float], conf_level: float) -> Interval:
        """Return a weighted sum of coefficients with its interval."""
        import numpy as np

        used = np.flatnonzero(weights)
        chosen = np.asarray(weights)[used]
        point = float((self.point[used] * chosen).sum())
        return percentile(point, (self.replicates[:, used] * chosen).sum(axis=1), conf_level)


def modifier_estimates(effects: Sequence[ModifiedEffect], conf_level: float) -> Iterator[Estimate]:
    """Yield the effects by modifier, then the differences of effects, with Holm's p-values if there are several."""
    differences: list[Estimate] = []
    for one in effects:
        if one.modifier.levels:
            yield from _of_levels(one, conf_level)
            differences += _between_levels(one, conf_level)
        else:
            yield from _of_points(one, conf_level)
            differences.append(_per_unit(one, conf_level))
    yield from differences
    if sum(not math.isnan(one.p_value) for one in differences) > 1:
        yield from holm_estimates(differences, lambda term: f"{term}, Holm")


def _indicator(modifier: Modifier, place: int, reference: int | None = None) -> list[float]:
    weights = [0.0] * len(modifier.levels)
    weights[place] = 1.0
    if reference is not None:
        weights[reference] = -1.0
    return weights


def _of_levels(effect: ModifiedEffect, conf_level: float) -> Iterator[Estimate]:
    modifier, rows = effect.modifier, []
    for place, label in enumerate(modifier.levels):
        is_enough = effect.is_enough[place]
        interval = effect.combined(_indicator(modifier, place), conf_level) if is_enough else Interval(math.nan)
        rows_of_level = int(modifier.basis[:, place].sum())
        n_patients = rows_of_level if effect.n_patients is None else effect.n_patients[place]
        where = effect.fields | {"subgroup": f"{modifier.name}: {label}", "n_patients": n_patients}
        rows.append(estimate_of(interval, conf_level, term=EFFECT, **where))
    yield from rows
    yield from _pooled([one for one in rows if one.std_error > 0.0], conf_level)


def _pooled(effects: Sequence[Estimate], conf_level: float) -> Iterator[Estimate]:
    """Yield the effects drawn towards their mean by as much as each says too little alone, with their own weight."""
    import numpy as np

    from katoutcomes.kernels.groups.partial_pooling import partial_pooling

    if len(effects) < FEWEST_LEVELS:
        return
    values, errors = (np.array([getattr(one, name) for one in effects]) for name in ("estimate", "std_error"))
    found = partial_pooling(values, errors**2, conf_level)
    for place, one in enumerate(effects):
        yield replace(
            one,
            term=POOLED,
            estimate=float(found.pooled[place]),
            std_error=float(found.pooled_std_error[place]),
            conf_low=float(found.pooled_conf_low[place]),
            conf_high=float(found.pooled_conf_high[place]),
            conf_level=conf_level,
            p_value=math.nan,
        )
    for place, one in enumerate(effects):
        yield Estimate(
            term=OWN_WEIGHT,
            measure="own weight",
            estimate=float(found.own_weight[place]),
            subgroup=one.subgroup,
            visit=one.visit,
            treatment=one.treatment,
            comparator=one.comparator,
            n_patients=one.n_patients,
        )


def _between_levels(effect: ModifiedEffect, conf_level: float) -> Iterator[Estimate]:
    modifier = effect.modifier
    for place, label in enumerate(modifier.levels[1:], start=1):
        interval = Interval(math.nan)
        if effect.is_enough[place] and effect.is_enough[0]:
            interval = effect.combined(_indicator(modifier, place, reference=0), conf_level)
        term = f"{DIFFERENCE}: {modifier.name}, {label} minus {modifier.levels[0]}"
        yield estimate_of(interval, conf_level, term=term, **effect.fields)


def _of_points(effect: ModifiedEffect, conf_level: float) -> Iterator[Estimate]:
    modifier = effect.modifier
    for value in modifier.points:
        interval = effect.combined([1.0, value - modifier.center], conf_level)
        where = f"{modifier.name} at {format_number(value, 1, trailing_zeros=False)}"
        yield estimate_of(interval, conf_level, term=f"{EFFECT}: {where}", **effect.fields)


def _per_unit(effect: ModifiedEffect, conf_level: float) -> Estimate:
    interval = effect.combined([0.0, 1.0], conf_level)
    return estimate_of(interval, conf_level, term=f"{DIFFERENCE}: {effect.modifier.name}, per unit", **effect.fields)
