"""Shares of two cohorts that were fixed at time zero: their difference as it is, and standardized."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.analyses.steps.choices import grouping
from katoutcomes.analyses.steps.covariate_columns import chosen_covariates, covariate_columns, without_lone_patients
from katoutcomes.analyses.steps.interval_estimates import level_of
from katoutcomes.errors import DesignError, NumericalError
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.formatting import format_level

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.significance.shares import CountedShare
    from katoutcomes.cohorts.analysis_set import AnalysisSet, Group, Variable

COMPLETENESS = "paired completeness"
DIFFERENCE_SOURCES: tuple[str, ...] = (
    "Newcombe RG. Stat Med 1998;17:873-890. doi:10.1002/(SICI)1097-0258(19980430)17:8<873::AID-SIM779>3.0.CO;2-I",
    "Snowden JM, Rose S, Mortimer KM. Am J Epidemiol 2011;173:731-738. doi:10.1093/aje/kwq472",
)
ABOUT_DIFFERENCES = (
    (
        "To read a difference between cohorts as an effect, they would have to be alike in everything that matters for "
        "it except what is adjusted for. Nothing in the data can show that they are."
    ),
    (
        "There is no standardized difference where nobody or everybody of a cohort is counted, or where the baseline "
        "scores and covariates tell exactly who is. Many differences are many chances: none of them is tested."
    ),
)

_LIMITS = {"exact": "exact", "wilson": "Wilson"}


@dataclass(frozen=True, slots=True)
class DifferenceChoices:
    """What is compared, and how.

    Attributes
    ----------
    by : str or None
        The variable that makes the groups, if it is not the treatment.
    adjust_for : sequence of str
        What is standardized over beside the baseline score; all known at time zero.
    visit : str
        Of the estimates.
    interval : {"exact", "wilson"}
        Of the shares, whose limits the interval of a difference is made of.
    conf_level : float
        Of the intervals.
    """

    by: str | None
    adjust_for: Sequence[str]
    visit: str
    interval: str
    conf_level: float


@dataclass(frozen=True, slots=True, eq=False)
class _Comparison:
    """Two groups, and what is adjusted for."""

    treated: Group
    comparator: Group
    variables: tuple[Variable, ...]
    choices: DifferenceChoices

    def estimate(self, share: CountedShare, measure: str, n_patients: int, numbers: dict[str, Any]) -> Estimate:
        return Estimate(
            term=f"{share.term}: {self.treated.label} - {self.comparator.label}",
            measure=measure,
            definition_set=share.definition_set,
            visit=self.choices.visit,
            treatment=self.treated.label,
            comparator=self.comparator.label,
            conf_level=level_of(numbers["conf_low"], self.choices.conf_level),
            n_patients=n_patients,
            **numbers,
        )


def share_differences(
    data: AnalysisSet, shares: Sequence[CountedShare], groups: Sequence[Group], choices: DifferenceChoices
) -> Iterator[Estimate]:
    """Yield every share's difference between each later group and the first one, as it is and standardized.

    Parameters
    ----------
    data, shares
        The patients, and whom each share counts.
    groups : sequence of Group
        As reported: everybody, then the levels of a variable known at time zero, the comparator first.
    choices : DifferenceChoices
        What is compared, and how.

    Raises
    ------
    DesignError
        If there are no two groups, or a covariate is known only after time zero.
    """
    name = grouping(data, choices.by)
    if name is None or len(groups) < 3:
        raise DesignError("differences need two groups; name a variable known at time zero with by=.")
    variables = chosen_covariates(data, choices.adjust_for, name)
    for treated in groups[2:]:
        compared = _Comparison(treated, groups[1], variables, choices)
        for share in shares:
            yield _newcombe(share, compared)
            if share.term != COMPLETENESS:
                yield _standardized(data, share, compared)


def _newcombe(share: CountedShare, compared: _Comparison) -> Estimate:
    from katoutcomes.kernels.shares.proportion_difference import share_difference

    counts = *share.counts(compared.treated.mask), *share.counts(compared.comparator.mask)
    found = share_difference(*counts, compared.choices.conf_level, interval=compared.choices.interval)
    numbers = {"estimate": found.estimate, "conf_low": found.conf_low, "conf_high": found.conf_high}
    return compared.estimate(share, "difference in proportions", counts[1] + counts[3], numbers)


def _standardized(data: AnalysisSet, share: CountedShare, compared: _Comparison) -> Estimate:
    from katoutcomes.kernels.shares.standardized_shares import standardized_shares

    analyzed = _with_covariates(compared.variables, share.among & (compared.treated.mask | compared.comparator.mask))
    numbers = dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high"), math.nan)
    try:
        found = standardized_shares(
            share.applies[analyzed],
            compared.treated.mask[analyzed],
            covariate_columns(data.baseline, compared.variables, analyzed).values,
            compared.choices.conf_level,
        ).difference
        numbers = {name: getattr(found, name) for name in numbers}
    except (ValueError, NumericalError):
        pass  # `ABOUT_DIFFERENCES` says when there is none
    return compared.estimate(share, "standardized difference in proportions", int(analyzed.sum()), numbers)


def _with_covariates(variables: Sequence[Variable], among: NDArray[np.bool_]) -> NDArray[np.bool_]:
    import numpy as np

    known = among.copy()
    for variable in variables:
        known &= ~np.isnan(variable.values)
    return without_lone_patients(variables, known)


def difference_sentences(data: AnalysisSet, choices: DifferenceChoices) -> str:
    """Describe the differences for the methods section."""
    names = (choices.adjust_for,) if isinstance(choices.adjust_for, str) else tuple(choices.adjust_for)
    adjusted = ", ".join(["the baseline score", *(data.variable(name).label for name in names)])
    return (
        f"Differences of shares between cohorts with Newcombe's intervals, made of the {_LIMITS[choices.interval]} "
        f"limits of both shares ({format_level(choices.conf_level)}); standardized differences from a logistic model "
        f"with the cohort and {adjusted}, predictions averaged over all patients compared, intervals from the sandwich "
        "of the stacked equations."
    )
