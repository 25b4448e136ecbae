"""Which fit a comparison is made by."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.comparison.days import fit_days
from katoutcomes.analyses.steps.comparison.fits import Fitted, fit_weighted
from katoutcomes.analyses.steps.comparison.imputed import fit_imputed
from katoutcomes.analyses.steps.comparison.model import fit_repeated_scores

if TYPE_CHECKING:
    from katoutcomes.analyses.steps.comparison.arms import Comparison
    from katoutcomes.analyses.steps.comparison.choices import ComparisonChoices


def fit_comparison(found: Comparison, choices: ComparisonChoices) -> Fitted:
    """Estimate the means of the arms and their differences as chosen."""
    if choices.method == "mmrm":
        return fit_repeated_scores(found, choices)
    if choices.missing == "multiple_imputation":
        return fit_imputed(found, choices)
    if found.days:
        return fit_days(found, choices)
    return fit_weighted(found, choices)
