"""Which selection by the score regression to the mean is worked out for: the caller's, or the cohort's own."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.change.regression_bound import selects_above
from katoutcomes.cohorts.definition import criterion_text
from katoutcomes.estimands.selection_rule import SelectionRule

if TYPE_CHECKING:
    from collections.abc import Sequence

    from katoutcomes.cohorts.analysis_set import AnalysisSet
    from katoutcomes.estimands.eligibility import Criterion

_MORE_SEVERE = {True: (">=", ">"), False: ("<=", "<")}
"""Operators of a criterion that keeps the more severe scores, by whether these are the upper ones."""


@dataclass(frozen=True, slots=True)
class SelectionInForce:
    """The rule, and what is said of where it comes from.

    Attributes
    ----------
    rule : SelectionRule or None
        What regression to the mean is worked out for; None where nobody states a rule and the cohort has none.
    note : str
        Whose rule it is, and what the other one is; ``""`` without any.
    warning : str
        Said where the caller's rule and the cohort's own differ; ``""`` otherwise.
    """

    rule: SelectionRule | None
    note: str = ""
    warning: str = ""


def selection_in_force(data: AnalysisSet, stated: SelectionRule | None) -> SelectionInForce:
    """Return the caller's rule or, where none is stated, the cut-off that the cohort itself asks for.

    Parameters
    ----------
    data : AnalysisSet
        Whose `baseline_criteria` are read.
    stated : SelectionRule or None
        The caller's rule, which comes first.
    """
    asked = data.baseline_criteria
    words = "; ".join(criterion_text(criterion) for criterion in asked)
    own = _cut_off(data, asked)
    if stated is None:
        return _of_cohort(own, words)
    if not asked:
        return SelectionInForce(stated, "The selection rule is the caller's; the data name none of their own.")
    if own is not None and stated.cut_off == own:
        return SelectionInForce(stated, f"The cut-off is the caller's and the cohort's own as well ({words}).")
    theirs = "without a cut-off" if stated.cut_off is None else "with another cut-off"
    return SelectionInForce(
        stated,
        f"The selection rule is the caller's, {theirs}; the cohort's own criterion is {words}.",
        f"The selection rule that was stated differs from the cohort's own criterion ({words}); regression to the mean "
        "is worked out for the stated one.",
    )


def _of_cohort(own: float | None, words: str) -> SelectionInForce:
    if own is not None:
        note = f"The cut-off is the cohort's own criterion ({words}); the mean of all who were referred is not stated."
        return SelectionInForce(SelectionRule(cut_off=own), note)
    if not words:
        return SelectionInForce(None)
    note = (
        f"The cohort leaves patients out by their baseline score ({words}), but not the less severe ones, and no "
        "bound of regression to the mean is worked out for that."
    )
    return SelectionInForce(None, note)


def _cut_off(data: AnalysisSet, asked: Sequence[Criterion]) -> float | None:
    """Return the strictest limit below which (above which, where lower is worse) nobody was treated."""
    above = selects_above(data)
    is_whole = bool((data.baseline[data.with_baseline] % 1 == 0).all())
    limits = []
    for criterion in asked:
        if criterion.operator not in _MORE_SEVERE[above]:
            continue
        limit = criterion.value
        if is_whole and criterion.operator in {">", "<"}:  # beyond 9 is from 10 on
            limit = math.floor(limit) + 1.0 if above else math.ceil(limit) - 1.0
        limits.append(limit)
    if not limits:
        return None
    return max(limits) if above else min(limits)
