"""What a plan may ask of each analysis: the options, and which values they may take."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from katoutcomes.analyses.steps.change import choices as change_choices
from katoutcomes.analyses.steps.comparison import choices as comparison_choices
from katoutcomes.analyses.steps.over_time import choices as time_choices
from katoutcomes.analyses.steps.over_time.rule_sets import RULE_SETS
from katoutcomes.analyses.steps.repeated_measures.design import WEIGHTS as AVERAGES
from katoutcomes.analyses.steps.repeated_measures.fitting import COVARIANCES, DF_METHODS, VARIANCES
from katoutcomes.analyses.steps.significance.methods import METHODS
from katoutcomes.estimands.leaving_care import LEFT_CARE


@dataclass(frozen=True, slots=True)
class PlannedAnalysis:
    """One analysis of a plan.

    Attributes
    ----------
    name : str
        The function, for example ``"mmrm"``; a key of `ANALYSES`.
    options : mapping of str to value
        Its arguments, where they are not the default ones.
    instruments : tuple of str
        Names of the instruments it is made of; empty for all of the plan.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    instruments: tuple[str, ...] = ()

    def is_of(self, instrument: str) -> bool:
        """Return whether it is made of an instrument."""
        return not self.instruments or instrument in self.instruments


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value of a plan may be.

    Attributes
    ----------
    words : str
        What a message asks for, for example ``"a text"``.
    fits : callable
        Whether a value, as TOML gives it, is one.
    choices : tuple of str
        The only texts that may stand there; empty if any may.
    """

    words: str
    fits: Callable[[Any], bool]
    choices: tuple[str, ...] = ()


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_whole(value) or isinstance(value, float)


TEXT = Kind("a text", lambda value: isinstance(value, str))
TEXTS = Kind("a list of texts", lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value))
WHOLE = Kind("a whole number", _is_whole)
NUMBER = Kind("a number", _is_number)
PAIR = Kind(
    "a list of two numbers", lambda value: isinstance(value, list) and len(value) == 2 and all(map(_is_number, value))
)
FLAG = Kind("true or false", lambda value: isinstance(value, bool))
TABLE = Kind("a table", lambda value: isinstance(value, dict))
TABLES = Kind("a list of tables", lambda value: isinstance(value, list) and all(isinstance(one, dict) for one in value))


def _one_of(choices: tuple[str, ...]) -> Kind:
    return Kind(TEXT.words, TEXT.fits, choices)


def _some_of(choices: tuple[str, ...]) -> Kind:
    return Kind(TEXTS.words, TEXTS.fits, choices)


_COVARIANCES = _one_of((*COVARIANCES, *COVARIANCES.values()))

ANALYSES: Mapping[str, Mapping[str, Kind]] = MappingProxyType(
    {
        "care_pathway": {"by": TEXT},
        "safety": {"by": TEXT, "blood_pressure_limits": PAIR, "oxygen_limit": NUMBER},
        "dropout": {"by": TEXT, "predictors": TEXTS},
        "change_from_baseline": {
            "by": TEXT,
            "interval": _one_of(change_choices.INTERVALS),
            "n_resamples": WHOLE,
            "margins": TEXTS,
            "families": _some_of(change_choices.FAMILIES),
            "multiplicity": _one_of(change_choices.MULTIPLICITY),
        },
        "clinical_significance": {
            "by": TEXT,
            "method": _some_of(METHODS),
            "cut_off": _one_of(("a", "b", "c")),
            "sd": _one_of(("norms", "baseline")),
            "definition_sets": TEXTS,
            "interval": _one_of(("wilson", "exact")),
            "differences": FLAG,
            "adjust_for": TEXTS,
        },
        "cohort_difference": {},
        "outcomes_over_time": {
            "data_through": TEXT,
            "chart": _one_of(time_choices.CHARTS),
            "limits": _one_of(time_choices.LIMITS),
            "rules": _one_of(tuple(RULE_SETS)),
            "rebased": TABLES,
        },
        "compare_sites": {"site": TEXT, "adjust_for": TEXTS, "smallest_important": NUMBER},
        "mmrm": {
            "mean": TEXT,
            "covariance": _COVARIANCES,
            "by": TEXT,
            "reml": FLAG,
            "df_method": _one_of(DF_METHODS),
            "variance": _one_of(VARIANCES),
            "fallback": Kind(TEXTS.words, TEXTS.fits, _COVARIANCES.choices),
            "average": _one_of(AVERAGES),
        },
        "compare_cohorts": {
            "weights": _one_of(comparison_choices.WEIGHTS),
            "missing": _one_of(comparison_choices.MISSING),
            "method": _one_of(comparison_choices.METHODS),
            "slopes": _one_of(("pooled", "per_arm")),
            "interval": _one_of(comparison_choices.INTERVALS),
            "n_bootstrap": WHOLE,
            "n_imputations": WHOLE,
            "outcome": TEXT,
            "left_care": _one_of(LEFT_CARE),
            "in_care_until": TEXT,
            "cluster": TEXT,
            "negative_control": TEXT,
            "modifiers": TEXTS,
            "smallest_important": NUMBER,
        },
    }
)
"""Analysis → option → what it may be. The first two are made once, the others of each instrument."""

OF_THE_COHORT: frozenset[str] = frozenset({"care_pathway", "safety"})
"""Analyses that are made once a plan, since they are not about the scores of an instrument."""

DEFINITION_SETS: Mapping[str, str] = MappingProxyType({"margins": "mcid", "definition_sets": ""})
"""Options that hold ids of definition sets → the kind of definition set that they must be, any where it is empty."""

OF_THE_PRIMARY: frozenset[str] = frozenset({"dropout", "outcomes_over_time", "compare_sites"})
"""Analyses that are made of the first instrument that the data hold, unless a plan names instruments for them."""

USUAL_ANALYSES: tuple[PlannedAnalysis, ...] = tuple(
    PlannedAnalysis(name)
    for name in (
        "change_from_baseline",
        "clinical_significance",
        "cohort_difference",
        "safety",
        "dropout",
        "outcomes_over_time",
        "compare_sites",
    )
)
"""What is answered where a plan names no analyses."""
