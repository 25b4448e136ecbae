"""For whom the arms of a comparison differ more: the declared modifiers, and their effects over the resamples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from katoutcomes.analyses.steps import effect_modifiers
from katoutcomes.analyses.steps.comparison.fits import recipe_of
from katoutcomes.analyses.steps.effect_modifiers import FEWEST_SCORED, ModifiedEffect, Modifier
from katoutcomes.errors import DesignError, OptionError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.comparison.arms import Comparison
    from katoutcomes.analyses.steps.comparison.choices import ComparisonChoices
    from katoutcomes.analyses.steps.comparison.clinics import Clinics
    from katoutcomes.cohorts.analysis_set import Group
    from katoutcomes.results.estimate import Estimate

    Floats = NDArray[np.float64]


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
    listed = effect_modifiers.declared(names)
    if listed and (choices.interval != "bootstrap" or choices.method != "weighted_ancova"):
        raise OptionError("modifiers go with method='weighted_ancova' and interval='bootstrap'.")
    if listed and clinics is not None and clinics.decide_the_arm:
        raise DesignError("the arms are policies of clinics, so effects by modifier have no interval: leave them out.")
    baseline, variables = found.data.baseline[found.compared], found.variables_of_compared
    words = {"adjusted_for": "the covariates", "everybody": "everybody compared"}
    return tuple(effect_modifiers.modifier(name, baseline, variables, **words) for name in listed)


def modifier_estimates(
    found: Comparison, choices: ComparisonChoices, modifiers: Sequence[Modifier]
) -> Iterator[Estimate]:
    """Yield, for each modifier and arm, its effects, then the differences of effects, with Holm's p-values."""
    if modifiers:
        drawn = tuple(_drawn(found, choices, modifiers))
        yield from effect_modifiers.modifier_estimates(drawn, choices.conf_level)


def _drawn(found: Comparison, choices: ComparisonChoices, modifiers: Sequence[Modifier]) -> Iterator[ModifiedEffect]:
    """Yield the effect of each later arm by each modifier, over the resamples of the answer."""
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
    for modifier in modifiers:
        for arm, group in found.later_arms:
            place = slice(first, first + modifier.basis.shape[1])
            enough = tuple(_is_enough(found, column == 1.0, arm) for column in modifier.basis.T)
            yield ModifiedEffect(modifier, point[place], replicates[:, place], enough, _fields(found, group))
            first = place.stop


def _is_enough(found: Comparison, members: NDArray[np.bool_], arm: int) -> bool:
    seen = members & found.arms.is_observed
    return all(int((seen & (found.arms.arms == code)).sum()) >= FEWEST_SCORED for code in (0, arm))


def _fields(found: Comparison, group: Group) -> dict[str, Any]:
    return {
        "measure": found.difference,
        "unit": found.unit,
        "definition_set": found.definition_set,
        "visit": found.when,
        "treatment": group.label,
        "comparator": found.groups[0].label,
        "n_patients": found.n_scored,
    }
