"""What a caller of `change_from_baseline` may choose, read once and handed to every step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.change.selection_in_force import SelectionInForce, selection_in_force
from katoutcomes.analyses.steps.choices import require_conf_level
from katoutcomes.errors import OptionError, require_option

if TYPE_CHECKING:
    import numpy as np

    from katoutcomes.cohorts.analysis_set import AnalysisSet
    from katoutcomes.estimands.selection_rule import SelectionRule
    from katoutcomes.instruments.instrument import DefinitionSet

INTERVALS: tuple[str, ...] = ("closed form", "bca", "percentile")
FAMILIES: tuple[str, ...] = ("visits", "subgroup differences")
MULTIPLICITY: tuple[str, ...] = ("holm", "benjamini-hochberg", "none")
_FEWEST_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class Margin:
    """How large a change must be to matter.

    Attributes
    ----------
    value : float
        Points, or a share of the baseline score.
    is_share : bool
        Which of the two.
    definition_set : str
        Id of the definition set; ``""`` for a number of the caller's own.
    source : str
        Its citation.
    """

    value: float
    is_share: bool
    definition_set: str
    source: str


@dataclass(frozen=True, slots=True)
class ChangeChoices:
    """The choices of one call.

    Attributes
    ----------
    conf_level : float
        Of all intervals.
    interval : str
        One of `INTERVALS`.
    rng : numpy.random.Generator or None
        For the bootstrap.
    n_resamples : int
        Of the bootstrap.
    at_baseline : float
        Baseline score for which the adjusted change is given; NaN: the mean of all who have one.
    margin : Margin or None
        What counts as a change that matters.
    selection : SelectionInForce
        How patients were chosen: the caller's rule or the cohort's own, and what is said of it.
    families : tuple of str
        Which tests are adjusted for there being several, from `FAMILIES`.
    multiplicity : str
        How, from `MULTIPLICITY`.
    compares_subgroups : bool
        Whether the groups are subgroups whose changes may be compared, and not cohorts.
    """

    conf_level: float
    interval: str
    rng: np.random.Generator | None
    n_resamples: int
    at_baseline: float
    margin: Margin | None
    selection: SelectionInForce
    families: tuple[str, ...]
    multiplicity: str
    compares_subgroups: bool


def change_choices(
    data: AnalysisSet,
    *,
    by: str | None,
    conf_level: float,
    interval: str,
    rng: np.random.Generator | int | None,
    n_resamples: int,
    at_baseline: float | None,
    margin: str | float | None,
    selection: SelectionRule | None,
    families: Sequence[str],
    multiplicity: str,
) -> ChangeChoices:
    """Return the choices of one call, checked.

    Raises
    ------
    OptionError
        If one of them is outside its range or of unknown name.
    """
    require_conf_level(conf_level)
    require_option("interval", interval, INTERVALS)
    require_option("multiplicity", multiplicity, MULTIPLICITY)
    chosen = (families,) if isinstance(families, str) else tuple(families)
    for family in chosen:
        require_option("family of tests", family, FAMILIES)
    if margin is not None and conf_level <= 0.5:
        raise OptionError("tests against a margin need a conf_level above 0.5; 0.95 is usual.")
    return ChangeChoices(
        conf_level=conf_level,
        interval=interval,
        rng=_generator(interval, rng, n_resamples),
        n_resamples=n_resamples,
        at_baseline=math.nan if at_baseline is None else float(at_baseline),
        margin=None if margin is None else _margin(data, margin),
        selection=selection_in_force(data, selection),
        families=chosen,
        multiplicity=multiplicity,
        compares_subgroups=by is not None and by != data.treatment,
    )


def _generator(interval: str, rng: np.random.Generator | int | None, n_resamples: int) -> np.random.Generator | None:
    import numpy as np

    if interval == "closed form":
        return None
    if rng is None:
        raise OptionError(f'interval="{interval}" draws samples: pass rng, a seed or a numpy.random.Generator.')
    if n_resamples < _FEWEST_RESAMPLES:
        raise OptionError(f"n_resamples is {_FEWEST_RESAMPLES} or above; 5000 is usual.")
    return rng if isinstance(rng, np.random.Generator) else np.random.default_rng(rng)


def _margin(data: AnalysisSet, margin: str | float) -> Margin:
    """Return the margin that a definition set names, or the caller's own number of points."""
    if isinstance(margin, str):
        named: DefinitionSet = data.instrument.definition("mcid", margin)
        return Margin(named.value, named.is_share, named.id, named.source)
    if not (math.isfinite(margin) and margin > 0.0):
        raise OptionError("a margin is a number of points above 0, or the name of a definition set.")
    return Margin(float(margin), False, "", "")
