"""For whom the strategies differ more: effects by level of a few declared modifiers, and differences of effects."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from katoutcomes.analyses.steps.covariate_columns import BASELINE_SCORE
from katoutcomes.errors import OptionError
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.formatting import format_number

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.emulation.answers import Answers
    from katoutcomes.analyses.steps.emulation.data import Emulation

    Floats = NDArray[np.float64]

EFFECT, POOLED, DIFFERENCE = "effect by modifier", "effect by modifier, partially pooled", "difference of effects"
OWN_WEIGHT = "own weight in partial pooling"
MOST_MODIFIERS = 3
FEWEST_FOLLOWERS = 11
"""Scored followers of each strategy that a level needs for an effect of its own."""


@dataclass(frozen=True, slots=True, eq=False)
class Modifier:
    """Something known at time zero on which the effect may depend.

    Attributes
    ----------
    name : str
        Of the variable, or `BASELINE_SCORE`.
    levels : tuple of str
        Of a category or flag; empty for a number.
    basis : ndarray of float64, shape (n_patients, k)
        An indicator for each level; for a number a column of ones and the number minus its mean.
    points : tuple of float
        At which values of a number the effect is told.
    center : float
        Mean of a number.
    """

    name: str
    levels: tuple[str, ...]
    basis: Floats
    points: tuple[float, ...] = ()
    center: float = math.nan


def modifiers_of(found: Emulation, names: Sequence[str]) -> tuple[Modifier, ...]:
    """Return the declared modifiers.

    Raises
    ------
    OptionError
        If there are more than three, one stands twice, or one is not among the confounders: what modifies the effect
        has to be adjusted for.
    """
    listed = (names,) if isinstance(names, str) else tuple(names)
    if len(listed) > MOST_MODIFIERS or len(set(listed)) < len(listed):
        raise OptionError(
            f"declare at most {MOST_MODIFIERS} different modifiers, before the data are looked at: with more, one of "
            "them differs by chance."
        )
    return tuple(_modifier(found, name) for name in listed)


def _modifier(found: Emulation, name: str) -> Modifier:
    import numpy as np

    if name == BASELINE_SCORE:
        return _of_number(name, found.found.baseline)
    variable = next((one for one in found.variables if one.name == name), None)
    if variable is None:
        raise OptionError(
            f"the modifier {name!r} is not adjusted for: name it among the confounders of the trial or the covariates "
            f"as well (or use {BASELINE_SCORE!r}, which always is)."
        )
    if variable.kind == "number":
        return _of_number(name, variable.values)
    codes = np.unique(variable.values)
    levels = variable.levels if variable.kind == "category" else ("no", "yes")
    if codes.size < 2:
        raise OptionError(f"the modifier {name!r} is the same for everybody in the trial.")
    basis = (variable.values[:, None] == codes).astype(np.float64)
    return Modifier(name, tuple(levels[int(code)] for code in codes), basis)


def _of_number(name: str, values: Floats) -> Modifier:
    import numpy as np

    if not np.ptp(values) > 0.0:
        raise OptionError(f"the modifier {name!r} is the same for everybody in the trial.")
    center = float(values.mean())
    points = dict.fromkeys(float(value) for value in np.quantile(values, [0.25, 0.5, 0.75], method="nearest"))
    return Modifier(name, (), np.column_stack([np.ones(len(values)), values - center]), tuple(points), center)


def modifier_estimates(
    found: Emulation, got: Answers, modifiers: Sequence[Modifier], shared: dict[str, Any]
) -> Iterator[Estimate]:
    """Yield, for each modifier, its effects and then the differences of effects, with p-values adjusted for several."""
    from katoutcomes.kernels.emulation.further_estimates import FURTHER

    first, differences = len(FURTHER), []
    for modifier in modifiers:
        place = slice(first, first + modifier.basis.shape[1])
        first = place.stop
        point, replicates = got.further[place], got.further_replicates[:, place]
        if modifier.levels:
            effects, rows = _of_levels(found, got, modifier, (point, replicates), shared)
        else:
            effects, rows = _of_points(got, modifier, (point, replicates), shared)
        yield from effects
        differences += rows
    yield from differences
    yield from _adjusted(differences)


_Drawn = tuple["Floats", "Floats"]


def _of_levels(
    found: Emulation, got: Answers, modifier: Modifier, drawn: _Drawn, shared: dict[str, Any]
) -> tuple[list[Estimate], list[Estimate]]:
    from katoutcomes.analyses.steps.emulation.answers import interval_fields

    point, replicates = drawn
    enough = [_is_enough(found, modifier.basis[:, place] == 1.0) for place in range(len(modifier.levels))]
    effects = []
    for place, level in enumerate(modifier.levels):
        numbers = interval_fields(float(point[place]), replicates[:, place], got.conf_level) if enough[place] else {}
        own = shared | {"subgroup": f"{modifier.name}: {level}", "n_patients": int(modifier.basis[:, place].sum())}
        effects.append(Estimate(term=EFFECT, measure="difference in means", **own, **numbers))
    differences = []
    for place, level in enumerate(modifier.levels[1:], start=1):
        is_known = enough[place] and enough[0]
        gap = (float(point[place] - point[0]), replicates[:, place] - replicates[:, 0])
        numbers = interval_fields(*gap, got.conf_level) if is_known else {}
        term = f"{DIFFERENCE}: {modifier.name}, {level} minus {modifier.levels[0]}"
        differences.append(Estimate(term=term, measure="difference in means", **shared, **numbers))
    return effects + _pooled(effects, got.conf_level), differences


def _is_enough(found: Emulation, members: NDArray[np.bool_]) -> bool:
    data = found.data
    return all(int((members & arm.followed & data.is_observed).sum()) >= FEWEST_FOLLOWERS for arm in data.arms)


def _pooled(effects: Sequence[Estimate], conf_level: float) -> list[Estimate]:
    """Return the effects drawn towards each other by as much as each says too little alone, of three or more levels."""
    import numpy as np

    from katoutcomes.kernels.groups.partial_pooling import partial_pooling

    known = [one for one in effects if one.std_error > 0.0]
    if len(known) < 3:
        return []
    values, errors = (np.array([getattr(one, name) for one in known]) for name in ("estimate", "std_error"))
    found = partial_pooling(values, errors**2, conf_level)
    pooled = [
        replace(
            one,
            term=POOLED,
            estimate=float(found.pooled[place]),
            std_error=float(found.pooled_std_error[place]),
            conf_low=float(found.pooled_conf_low[place]),
            conf_high=float(found.pooled_conf_high[place]),
            conf_level=conf_level,
            p_value=math.nan,
        )
        for place, one in enumerate(known)
    ]
    return pooled + [_own_weight(one, float(own)) for one, own in zip(known, found.own_weight, strict=True)]


def _own_weight(effect: Estimate, own_weight: float) -> Estimate:
    """Return how much of a pooled effect is the level's own."""
    return Estimate(
        term=OWN_WEIGHT,
        measure="own weight",
        estimate=own_weight,
        subgroup=effect.subgroup,
        visit=effect.visit,
        treatment=effect.treatment,
        comparator=effect.comparator,
        n_patients=effect.n_patients,
    )


def _of_points(
    got: Answers, modifier: Modifier, drawn: _Drawn, shared: dict[str, Any]
) -> tuple[list[Estimate], list[Estimate]]:
    from katoutcomes.analyses.steps.emulation.answers import interval_fields

    point, replicates = drawn
    effects = []
    for value in modifier.points:
        away = value - modifier.center
        numbers = interval_fields(
            float(point[0] + away * point[1]), replicates[:, 0] + away * replicates[:, 1], got.conf_level
        )
        where = f"{modifier.name} at {format_number(value, 1, trailing_zeros=False)}"
        effects.append(Estimate(term=f"{EFFECT}: {where}", measure="difference in means", **shared, **numbers))
    numbers = interval_fields(float(point[1]), replicates[:, 1], got.conf_level)
    term = f"{DIFFERENCE}: {modifier.name}, per unit"
    return effects, [Estimate(term=term, measure="difference in means", **shared, **numbers)]


def _adjusted(differences: Sequence[Estimate]) -> Iterator[Estimate]:
    """Yield Holm's p-values of the differences of effects, which are one family."""
    import numpy as np

    from katoutcomes.kernels.multiplicity import adjusted_p_values

    if len(differences) < 2:
        return
    adjusted = adjusted_p_values(np.array([one.p_value for one in differences]), "holm")
    for one, p_value in zip(differences, adjusted.tolist(), strict=True):
        if not math.isnan(p_value):
            yield replace(
                one,
                term=f"{one.term}, Holm",
                measure="adjusted p-value",
                unit="",
                estimate=p_value,
                std_error=math.nan,
                conf_low=math.nan,
                conf_high=math.nan,
                conf_level=math.nan,
                p_value=math.nan,
            )
