"""For whom the arms differ more: effects by level of a few declared modifiers, and differences of effects.

`emulate_trial` takes the same option with the same words (steps/emulation/modifiers.py). The arithmetic is in
kernels/groups/: `effect_modification.py` here, `partial_pooling.py` for both.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from katoutcomes.analyses.steps.comparison.fits import recipe_of
from katoutcomes.analyses.steps.covariate_columns import BASELINE_SCORE
from katoutcomes.analyses.steps.resamples import Interval, estimate_of, percentile
from katoutcomes.errors import DesignError, OptionError
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.formatting import format_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.comparison.arms import Comparison
    from katoutcomes.analyses.steps.comparison.choices import ComparisonChoices
    from katoutcomes.analyses.steps.comparison.clinics import Clinics

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
    basis : ndarray of float64, shape (n_compared, k)
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


def modifiers_of(
    found: Comparison, names: Sequence[str], choices: ComparisonChoices, clinics: Clinics | None
) -> tuple[Modifier, ...]:
    """Return the declared modifiers.

    Raises
    ------
    OptionError
        If there are more than three, one stands twice or is no covariate, or the method cannot tell effects apart.
    DesignError
        If clinics decide the arm: resampled patients do not tell how differences between policies vary.
    """
    listed = (names,) if isinstance(names, str) else tuple(names)
    if len(listed) > MOST_MODIFIERS or len(set(listed)) < len(listed):
        raise OptionError(
            f"declare at most {MOST_MODIFIERS} different modifiers, before the data are looked at: with more, one of "
            "them differs by chance."
        )
    if listed and (choices.interval != "bootstrap" or choices.method != "weighted_ancova"):
        raise OptionError("modifiers go with method='weighted_ancova' and interval='bootstrap'.")
    if listed and clinics is not None and clinics.decide_the_arm:
        raise DesignError("the arms are policies of clinics, so effects by modifier have no interval: leave them out.")
    return tuple(_modifier(found, name) for name in listed)


def _modifier(found: Comparison, name: str) -> Modifier:
    import numpy as np

    variable = next((one for one in found.variables if one.name == name), None)
    if variable is None and name != BASELINE_SCORE:
        raise OptionError(
            f"the modifier {name!r} is not adjusted for: name it among the covariates as well (or use "
            f"{BASELINE_SCORE!r}, which always is)."
        )
    values = (found.data.baseline if variable is None else variable.values)[found.compared]
    codes = np.unique(values)
    if codes.size < 2:
        raise OptionError(f"the modifier {name!r} is the same for everybody compared.")
    if variable is None or variable.kind == "number":
        center = float(values.mean())
        points = dict.fromkeys(float(one) for one in np.quantile(values, [0.25, 0.5, 0.75], method="nearest"))
        return Modifier(name, np.column_stack([np.ones(values.size), values - center]), (), tuple(points), center)
    words = variable.levels if variable.kind == "category" else ("no", "yes")
    basis = (values[:, None] == codes).astype(np.float64)
    return Modifier(name, basis, tuple(words[int(code)] for code in codes))


@dataclass(frozen=True, slots=True, eq=False)
class _Drawn:
    """Coefficients of one modifier's effect in one arm: of the patients as they are, and of every resample."""

    arm: int
    point: Floats
    replicates: Floats


def modifier_estimates(
    found: Comparison, choices: ComparisonChoices, modifiers: Sequence[Modifier]
) -> Iterator[Estimate]:
    """Yield, for each modifier and arm, its effects, then the differences of effects, with Holm's p-values."""
    if not modifiers:
        return
    drawn = iter(_drawn(found, choices, modifiers))
    differences: list[Estimate] = []
    for modifier in modifiers:
        for _, group in found.later_arms:
            shared: dict[str, Any] = {
                "measure": found.difference,
                "unit": found.unit,
                "definition_set": found.definition_set,
                "visit": found.window.name,
                "treatment": group.label,
                "comparator": found.groups[0].label,
            }
            one = next(drawn)
            if modifier.levels:
                yield from _of_levels(found, choices, modifier, one, shared)
                differences += _between_levels(found, choices, modifier, one, shared)
            else:
                yield from _of_points(found, choices, modifier, one, shared)
                differences.append(_per_unit(found, choices, modifier, one, shared))
    yield from differences
    yield from _adjusted(differences)


def _drawn(found: Comparison, choices: ComparisonChoices, modifiers: Sequence[Modifier]) -> Iterator[_Drawn]:
    """Yield the coefficients of each modifier and later arm over the resamples of the answer."""
    import numpy as np

    from katoutcomes.kernels.groups.effect_modification import modified_effects
    from katoutcomes.kernels.weighting.comparison import starting_values

    data, recipe = found.arms, recipe_of(choices)
    bases, starts = [one.basis for one in modifiers], starting_values(found.arms, recipe)

    def statistic(frequencies: Floats) -> Floats:
        return modified_effects(data, recipe, frequencies, bases, starts)

    point = statistic(np.ones((1, data.arms.size)))[0]
    replicates = choices.resampling.draw(statistic, data.arms.size)
    first = 0
    for basis in bases:
        for arm, _ in found.later_arms:
            place = slice(first, first + basis.shape[1])
            yield _Drawn(arm, point[place], replicates[:, place])
            first = place.stop


def _is_enough(found: Comparison, members: NDArray[np.bool_], arm: int) -> bool:
    seen = members & found.arms.is_observed
    return all(int((seen & (found.arms.arms == code)).sum()) >= FEWEST_SCORED for code in (0, arm))


def _enough(found: Comparison, modifier: Modifier, arm: int) -> list[bool]:
    return [_is_enough(found, column == 1.0, arm) for column in modifier.basis.T]


def _of_levels(
    found: Comparison,
    choices: ComparisonChoices,
    modifier: Modifier,
    drawn: _Drawn,
    shared: dict[str, Any],
) -> Iterator[Estimate]:
    level, enough = choices.conf_level, _enough(found, modifier, drawn.arm)
    effects = []
    for place, label in enumerate(modifier.levels):
        interval = Interval(math.nan)
        if enough[place]:
            interval = percentile(float(drawn.point[place]), drawn.replicates[:, place], level)
        where = {"subgroup": f"{modifier.name}: {label}", "n_patients": int(modifier.basis[:, place].sum())}
        effects.append(estimate_of(interval, level, term=EFFECT, **shared, **where))
    yield from effects
    yield from _pooled([one for one in effects if one.std_error > 0.0], level)


def _pooled(effects: Sequence[Estimate], conf_level: float) -> Iterator[Estimate]:
    """Yield the effects drawn towards their mean by as much as each says too little alone, with their own weight."""
    import numpy as np

    from katoutcomes.kernels.groups.partial_pooling import partial_pooling

    if len(effects) < FEWEST_LEVELS:
        return
    values, errors = (np.array([getattr(one, name) for one in effects]) for name in ("estimate", "std_error"))
    found = partial_pooling(values, errors**2, conf_level)
    for place, one in enumerate(effects):
        limits = (float(found.pooled_conf_low[place]), float(found.pooled_conf_high[place]))
        interval = Interval(float(found.pooled[place]), float(found.pooled_std_error[place]), math.nan, *limits)
        yield replace(
            one,
            term=POOLED,
            estimate=interval.estimate,
            std_error=interval.std_error,
            conf_low=interval.conf_low,
            conf_high=interval.conf_high,
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


def _between_levels(
    found: Comparison,
    choices: ComparisonChoices,
    modifier: Modifier,
    drawn: _Drawn,
    shared: dict[str, Any],
) -> Iterator[Estimate]:
    enough = _enough(found, modifier, drawn.arm)
    for place, label in enumerate(modifier.levels[1:], start=1):
        interval = Interval(math.nan)
        if enough[place] and enough[0]:
            gap = float(drawn.point[place] - drawn.point[0])
            interval = percentile(gap, drawn.replicates[:, place] - drawn.replicates[:, 0], choices.conf_level)
        term = f"{DIFFERENCE}: {modifier.name}, {label} minus {modifier.levels[0]}"
        yield estimate_of(interval, choices.conf_level, term=term, n_patients=found.n_scored, **shared)


def _of_points(
    found: Comparison, choices: ComparisonChoices, modifier: Modifier, drawn: _Drawn, shared: dict[str, Any]
) -> Iterator[Estimate]:
    for value in modifier.points:
        away = value - modifier.center
        point = float(drawn.point[0] + away * drawn.point[1])
        interval = percentile(point, drawn.replicates[:, 0] + away * drawn.replicates[:, 1], choices.conf_level)
        where = f"{modifier.name} at {format_number(value, 1, trailing_zeros=False)}"
        yield estimate_of(interval, choices.conf_level, term=f"{EFFECT}: {where}", n_patients=found.n_scored, **shared)


def _per_unit(
    found: Comparison, choices: ComparisonChoices, modifier: Modifier, drawn: _Drawn, shared: dict[str, Any]
) -> Estimate:
    interval = percentile(float(drawn.point[1]), drawn.replicates[:, 1], choices.conf_level)
    term = f"{DIFFERENCE}: {modifier.name}, per unit"
    return estimate_of(interval, choices.conf_level, term=term, n_patients=found.n_scored, **shared)


def _adjusted(differences: Sequence[Estimate]) -> Iterator[Estimate]:
    """Yield Holm's p-values of the differences of effects, which are one family."""
    import numpy as np

    from katoutcomes.kernels.multiplicity import adjusted_p_values

    tested = [one for one in differences if not math.isnan(one.p_value)]
    if len(tested) < 2:
        return
    adjusted = adjusted_p_values(np.array([one.p_value for one in tested]), "holm")
    for one, p_value in zip(tested, adjusted.tolist(), strict=True):
        yield Estimate(
            term=f"{one.term}, Holm",
            measure="adjusted p-value",
            estimate=p_value,
            visit=one.visit,
            treatment=one.treatment,
            comparator=one.comparator,
            n_patients=one.n_patients,
        )
