"""For whom the strategies of an emulated trial differ more: the declared modifiers, and their effects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps import effect_modifiers
from katoutcomes.analyses.steps.effect_modifiers import FEWEST_SCORED, ModifiedEffect, Modifier
from katoutcomes.analyses.steps.emulation.answers import sides

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.emulation.answers import Answers
    from katoutcomes.analyses.steps.emulation.data import Emulation
    from katoutcomes.results.estimate import Estimate


def modifiers_of(found: Emulation, names: Sequence[str]) -> tuple[Modifier, ...]:
    """Return the declared modifiers.

    Raises
    ------
    OptionError
        If there are more than three, one stands twice, or one is not among the confounders: what modifies the effect
        has to be adjusted for.
    """
    words = {"adjusted_for": "the confounders of the trial or the covariates", "everybody": "everybody in the trial"}
    baseline, variables = found.found.baseline, found.variables
    return tuple(
        effect_modifiers.modifier(name, baseline, variables, **words) for name in effect_modifiers.declared(names)
    )


def modifier_estimates(found: Emulation, got: Answers, modifiers: Sequence[Modifier]) -> Iterator[Estimate]:
    """Yield, for each modifier, its effects and then the differences of effects, with p-values adjusted for several."""
    drawn = tuple(_drawn(found, got, modifiers))
    return effect_modifiers.modifier_estimates(drawn, got.conf_level)


def _drawn(found: Emulation, got: Answers, modifiers: Sequence[Modifier]) -> Iterator[ModifiedEffect]:
    """Yield the effect by each modifier, whose coefficients stand behind the further numbers, in order."""
    from katoutcomes.kernels.emulation.further_estimates import FURTHER

    fields = sides(found) | {"measure": found.difference}
    first = len(FURTHER)
    for modifier in modifiers:
        place = slice(first, first + modifier.basis.shape[1])
        enough = tuple(_is_enough(found, column == 1.0) for column in modifier.basis.T)
        numbers = tuple(found.people(column == 1.0) for column in modifier.basis.T)
        drawn = (got.further[place], got.further_replicates[:, place])
        yield ModifiedEffect(modifier, *drawn, enough, fields, numbers)
        first = place.stop


def _is_enough(found: Emulation, members: NDArray[np.bool_]) -> bool:
    return all(found.fewest_scored(members & arm.followed) >= FEWEST_SCORED for arm in found.data.arms)
