"""What goes with having no score at a visit: a logistic model of things known at time zero."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.errors import DesignError
from katoutcomes.results.check import Check
from katoutcomes.results.estimate import NOT_A_NUMBER, Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import AnalysisSet, Variable
    from katoutcomes.estimands.visit_window import VisitWindow

EVENTS_PER_COLUMN = 10.0
"""Fewer patients with the rarer outcome than this for each coefficient leave odds ratios far off."""
IN_MODEL = "in the model of no score"


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """A column of the design: what its odds ratio is called, its values, and how many patients it is about."""

    term: str
    values: NDArray[np.float64]
    n_patients: int


@dataclass(frozen=True, slots=True)
class Predictors:
    """Odds ratios and what must be said of them."""

    estimates: tuple[Estimate, ...]
    checks: tuple[Check, ...]


def predictor_variables(data: AnalysisSet, names: Sequence[str] | None) -> tuple[Variable, ...]:
    """Return the variables of the model beside the baseline score: the named ones, or the cohort and age if known.

    Raises
    ------
    DesignError
        If one of them is known only after time zero.
    OptionError
        If there is no such variable.
    """
    from katoutcomes.cohorts.exposure import require_adjustable

    if names is None:
        there = {variable.name for variable in data.variables}
        names = [name for name in (data.treatment, "age_years") if name is not None and name in there]
    variables = tuple(data.variable(name) for name in ((names,) if isinstance(names, str) else names))
    for variable in variables:
        require_adjustable(variable)
    return variables


def predictors_of_loss(
    data: AnalysisSet, visit: VisitWindow, variables: Sequence[Variable], conf_level: float
) -> Predictors:
    """Return odds ratios of having no score at the visit, of patients whose baseline and predictors are all known.

    Raises
    ------
    DesignError
        If the predictors depend on each other.
    """
    from katoutcomes.kernels.logistic import logistic_regression

    known = data.with_baseline.copy()
    for variable in variables:
        known &= ~np.isnan(variable.values)
    lost = np.isnan(data.scores_at(visit.name))[known]
    columns = _columns(data, variables, known)
    n_patients = int(known.sum())
    n_rarer = int(min(lost.sum(), n_patients - lost.sum()))
    common = _events_check(n_rarer, len(columns))
    if n_rarer == 0:
        return Predictors((), (common,))
    design = np.column_stack([np.ones(n_patients), *(column.values for column in columns)])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise DesignError("the predictors of having no score depend on each other; leave one of them out.")
    fit = logistic_regression(design, lost)
    in_model = Estimate(term=IN_MODEL, measure="count", unit="patients", visit=visit.name)
    estimates = [replace(in_model, estimate=float(n_patients), n_patients=n_patients)]
    for place, column in enumerate(columns, start=1):
        unknown = Estimate(
            term=f"odds of no score, {column.term}",
            measure="odds ratio",
            visit=visit.name,
            n_patients=column.n_patients,
        )
        estimates.append(_odds_ratio(unknown, float(fit.coefficients[place]), float(fit.std_errors[place]), conf_level))
    return Predictors(tuple(estimates), (common, _separation_check(is_separated=fit.is_separated)))


def _columns(data: AnalysisSet, variables: Sequence[Variable], known: NDArray[np.bool_]) -> list[_Column]:
    """Return the baseline score, numbers and flags as they are, and the levels of categories against the first."""
    n_patients = int(known.sum())
    found = [_Column("per point of the baseline score", data.baseline[known], n_patients)]
    for variable in variables:
        values = variable.values[known]
        if variable.kind == "category":
            codes = [code for code in range(len(variable.levels)) if (values == code).any()]
            for code in codes[1:]:
                is_level = values == code
                term = f"{variable.name}: {variable.levels[code]} against {variable.levels[codes[0]]}"
                found.append(_Column(term, is_level.astype(np.float64), int(is_level.sum())))
        elif np.ptp(values) > 0:
            per = f"per unit of {variable.name}" if variable.kind == "number" else f"{variable.name}: yes against no"
            n_about = n_patients if variable.kind == "number" else int((values == 1.0).sum())
            found.append(_Column(per, values, n_about))
    return found


def _odds_ratio(unknown: Estimate, log_odds: float, std_error: float, conf_level: float) -> Estimate:
    """Return exp(β) with its Wald limits and two-sided p; the estimate as it is where there is no maximum."""
    from scipy.special import ndtr, ndtri

    if math.isnan(log_odds):
        return unknown
    width = float(ndtri(0.5 + conf_level / 2.0)) * std_error
    return replace(
        unknown,
        estimate=math.exp(log_odds),
        conf_low=math.exp(log_odds - width),
        conf_high=math.exp(log_odds + width),
        conf_level=conf_level,
        statistic=log_odds / std_error,
        p_value=2.0 * float(ndtr(-abs(log_odds) / std_error)),
    )


def _events_check(n_rarer: int, n_columns: int) -> Check:
    value = n_rarer / n_columns
    passed = value >= EVENTS_PER_COLUMN
    return Check(
        name="outcomes per predictor",
        passed=passed,
        severity="note",
        value=value,
        limit=EVENTS_PER_COLUMN,
        message=(
            "There are enough patients with and without a score for the predictors in the model."
            if passed
            else "There are few patients with, or few without, a score for so many predictors; odds ratios say little."
        ),
    )


def _separation_check(*, is_separated: bool) -> Check:
    return Check(
        name="separation",
        passed=not is_separated,
        severity="note",
        value=NOT_A_NUMBER,
        limit=NOT_A_NUMBER,
        message=(
            "Some predictor tells who has a score without error, so there are no finite odds ratios and none is given."
            if is_separated
            else "No predictor tells who has a score without error."
        ),
    )
