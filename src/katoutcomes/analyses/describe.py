"""Who the patients were at time zero: the first table of a paper, with the number behind every number."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.checks import IMBALANCE_LIMIT
from katoutcomes.analyses.steps.choices import grouping, grouping_note, reported_groups
from katoutcomes.cohorts.analysis_set_needed import require_analysis_set
from katoutcomes.errors import OptionError, require_option
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.results.check import Check
from katoutcomes.results.estimate import NOT_A_NUMBER, Estimate
from katoutcomes.results.part import Part
from katoutcomes.results.result import Method, Result

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import AnalysisSet, Group, Variable
    from katoutcomes.kernels.groups.standardized_mean_difference import StandardizedMeanDifference

BASELINE_SCORE = "baseline_score"
"""Name under which the score before the first dose is described."""

KNOWN_LIMIT = 0.8
"""Below this share of known values a description is of those who were asked."""

_METHOD = Method(
    name="description",
    description=(
        "Numbers: mean, sample standard deviation, median and quartiles (type 7). Categories and flags: count and "
        "share. Every number is of the patients whose value is known, and says how many they are. Standardized mean "
        "difference: treatment minus comparator over the root mean square of the two groups' standard deviations, for "
        "flags with the binomial standard deviation, for categories with more than two levels the Mahalanobis "
        "distance of the shares, which has no sign. There are no p-values: they would say how many patients there "
        "are, not how different the groups are."
    ),
    sources=(
        (
            "Austin PC. Balance diagnostics for comparing the distribution of baseline covariates between treatment "
            "groups in propensity-score matched samples. Stat Med 2009;28:3083-3107. doi:10.1002/sim.3697"
        ),
        (
            "Yang D, Dalton JE. A unified approach to measuring the effect size between two groups using SAS. SAS "
            "Global Forum 2012, paper 335-2012"
        ),
        (
            "Hyndman RJ, Fan Y. Sample quantiles in statistical packages. Am Stat 1996;50:361-365. "
            "doi:10.1080/00031305.1996.10473566"
        ),
    ),
)
_ASSUMPTIONS = (
    "The description is of the patients whose value is known. Who was not asked or did not answer may be different.",
    "Groups that look alike in what was recorded can differ in what was not.",
)


def describe(
    data: AnalysisSet,
    estimand: Estimand | None = None,
    *,
    by: str | None = None,
    variables: Sequence[str] | None = None,
) -> Result:
    """Describe the patients, and where there are two groups say how far apart they are.

    Parameters
    ----------
    data : AnalysisSet
        The patients and their variables.
    estimand : Estimand, optional
        The question, if another wording is wanted.
    by : str, optional
        A variable known at time zero: its levels are described beside all patients. By default the cohorts of `data`,
        if it has any.
    variables : sequence of str, optional
        What to describe, in this order; ``"baseline_score"`` is the score before the first dose. By default that score
        and every variable that is not known to come about after time zero, without the one that makes the groups.

    Returns
    -------
    Result
        The number of patients of everybody and of each group; then for each variable the mean, standard deviation,
        median and quartiles of a number, or count and share of a flag and of each level of a category, where
        `n_patients` says how many values are known. With two groups, the standardized mean difference of each
        variable known at time zero: the second level minus the first, NaN where it does not exist (nothing varies in
        either group, yet they differ). The part ``"variables"`` holds their labels and kinds. There are no p-values.

    Raises
    ------
    DesignError
        If `by` is a number.
    ImmortalTimeError
        If `by` is known only after time zero.
    OptionError
        If there is no such variable.

    Examples
    --------
    >>> import pandas as pd
    >>> import katoutcomes as kat
    >>> frame = pd.DataFrame({"id": range(4), "week": 12, "phq": 9, "before": 15, "age": [31, 40, 52, 25]})
    >>> data = kat.AnalysisSet.from_frame(
    ...     frame, patient="id", visit="week", score="phq", baseline="before", instrument="PHQ-9", covariates=["age"]
    ... )
    >>> for estimate in kat.describe(data, variables=["age"]).estimates:
    ...     print(estimate.term, estimate.measure, round(estimate.estimate, 2))
    patients count 4.0
    age mean 37.0
    age standard deviation 11.75
    age median 35.5
    age lower quartile 29.5
    age upper quartile 43.0
    """
    require_analysis_set(data)
    by = grouping(data, by)
    groups = reported_groups(data, by)
    described = _described(data, by, variables)
    return Result(
        analysis="describe",
        title="Patients at baseline",
        estimand=estimand if estimand is not None else _estimand(data),
        method=_METHOD,
        estimates=(*_patient_counts(data, groups), *_variable_estimates(data, described, groups)),
        provenance=data.provenance,
        parts=(_variables_part(described),),
        assumptions=_ASSUMPTIONS + _later_notes(described) + grouping_note(data, by) + data.notes,
        checks=_checks(described, groups),
    )


def _estimand(data: AnalysisSet) -> Estimand:
    return Estimand(
        name="description",
        population=data.population,
        treatment="",
        comparator="",
        endpoint=Endpoint(data.instrument.name, "baseline", "what was known at time zero"),
        intercurrent_events="nothing that comes later changes it",
        summary_measure="description",
    )


def _described(data: AnalysisSet, by: str | None, names: Sequence[str] | None) -> tuple[Variable, ...]:
    """Return the variables to describe, the baseline score among them, in order."""
    from katoutcomes.cohorts.analysis_set import Variable

    score = Variable(BASELINE_SCORE, f"{data.instrument.name} at baseline", "number", data.baseline, unit="points")
    known = {variable.name: variable for variable in (score, *data.variables)}
    if names is None:
        return tuple(known[name] for name in known if name != by and not _is_later(known[name]))
    if len(set(names)) < len(names):
        raise OptionError("variables names one of them twice.")
    for name in names:
        require_option("variable", name, known)
    return tuple(known[name] for name in names)


def _is_later(variable: Variable) -> bool:
    return variable.known_by_day is not None and variable.known_by_day > 0


def _later_notes(described: Sequence[Variable]) -> tuple[str, ...]:
    return tuple(
        f"{variable.label} is known only after time zero: it says what happened, not who the patients were, and it "
        "depends on who stayed."
        for variable in described
        if _is_later(variable)
    )


def _patient_counts(data: AnalysisSet, groups: Sequence[Group]) -> Iterator[Estimate]:
    for group in groups:
        n_patients = int(group.mask.sum())
        yield Estimate(
            term="patients",
            measure="count",
            unit="patients",
            cohort=data.cohort,
            subgroup=group.subgroup,
            estimate=float(n_patients),
            n_patients=n_patients,
        )


def _variable_estimates(
    data: AnalysisSet, described: Sequence[Variable], groups: Sequence[Group]
) -> Iterator[Estimate]:
    """Yield each variable's numbers, group by group, and how far apart the groups are."""
    contrast = _two_groups(groups)
    for variable in described:
        instrument = data.instrument.name if variable.name == BASELINE_SCORE else ""
        for group in groups:
            values = variable.values[group.mask]
            for term, measure, estimate, n_known in _numbers(variable, values):
                yield Estimate(
                    term=term,
                    measure=measure,
                    unit=_unit(variable, measure),
                    instrument=instrument,
                    cohort=data.cohort,
                    subgroup=group.subgroup,
                    estimate=estimate,
                    n_patients=n_known,
                )
        if contrast is not None and not _is_later(variable):
            treatment, comparator = contrast
            difference = _difference(variable, treatment, comparator)
            yield Estimate(
                term=variable.name,
                measure="standardized mean difference",
                unit="SD",
                instrument=instrument,
                cohort=data.cohort,
                treatment=treatment.label,
                comparator=comparator.label,
                estimate=difference.estimate,
                n_patients=difference.n_treatment + difference.n_comparator,
            )


def _two_groups(groups: Sequence[Group]) -> tuple[Group, Group] | None:
    """Return treatment and comparator where everybody is followed by exactly two groups; the comparator is first."""
    return (groups[2], groups[1]) if len(groups) == 3 else None


def _unit(variable: Variable, measure: str) -> str:
    if variable.kind == "number":
        return variable.unit
    return "patients" if measure == "count" else ""


def _numbers(variable: Variable, values: NDArray[np.float64]) -> Iterator[tuple[str, str, float, int]]:
    """Yield (term, measure, estimate, known values) of one variable in one group."""
    import numpy as np

    from katoutcomes.kernels.summaries import summarize

    if variable.kind == "number":
        summary = summarize(values)
        yield variable.name, "mean", summary.mean, summary.n_values
        yield variable.name, "standard deviation", summary.sd, summary.n_values
        yield variable.name, "median", summary.median, summary.n_values
        yield variable.name, "lower quartile", summary.lower_quartile, summary.n_values
        yield variable.name, "upper quartile", summary.upper_quartile, summary.n_values
        return
    n_known = int((~np.isnan(values)).sum())
    if variable.kind == "flag":
        cells = [(variable.name, 1)]
    else:
        cells = [(f"{variable.name}: {level}", code) for code, level in enumerate(variable.levels)]
    for term, code in cells:
        n_patients = int((values == code).sum())
        yield term, "count", float(n_patients), n_known
        yield term, "proportion", n_patients / n_known if n_known else NOT_A_NUMBER, n_known


def _difference(variable: Variable, treatment: Group, comparator: Group) -> StandardizedMeanDifference:
    from katoutcomes.kernels.groups.standardized_mean_difference import (
        smd_of_categories,
        smd_of_flags,
        smd_of_numbers,
    )

    groups = (variable.values[treatment.mask], variable.values[comparator.mask])
    if variable.kind == "number":
        return smd_of_numbers(*groups)
    if variable.kind == "flag" or len(variable.levels) == 2:
        # With two levels the share of the second has a sign, and the same size as the distance.
        return smd_of_flags(*groups)
    return smd_of_categories(*groups, len(variable.levels))


def _variables_part(described: Sequence[Variable]) -> Part:
    rows = tuple((order, variable.name, variable.label, variable.kind) for order, variable in enumerate(described))
    return Part("variables", ("order", "name", "description", "kind"), rows)


def _checks(described: Sequence[Variable], groups: Sequence[Group]) -> tuple[Check, ...]:
    contrast = _two_groups(groups)
    if contrast is None:
        return (_known_check(described),)
    at_time_zero = [variable for variable in described if not _is_later(variable)]
    sizes = [abs(_difference(variable, *contrast).estimate) for variable in at_time_zero]
    return _known_check(described), _imbalance_check(max((size for size in sizes if size >= 0.0), default=NOT_A_NUMBER))


def _known_check(described: Sequence[Variable]) -> Check:
    """Return whether each variable is known for most patients."""
    import numpy as np

    shares = [1.0 - float(np.isnan(variable.values).mean()) for variable in described if variable.values.size]
    known = min(shares, default=1.0)
    return Check(
        name="values known",
        passed=known >= KNOWN_LIMIT,
        severity="note",
        value=known,
        limit=KNOWN_LIMIT,
        message=(
            "Every variable is known for most patients."
            if known >= KNOWN_LIMIT
            else "Some variable is not known for many patients; its row describes those for whom it is."
        ),
    )


def _imbalance_check(largest: float) -> Check:
    """Return whether the largest standardized difference is small; NaN, where there is none, passes."""
    differs = largest > IMBALANCE_LIMIT
    return Check(
        name="baseline imbalance",
        passed=not differs,
        severity="note",
        value=largest,
        limit=IMBALANCE_LIMIT,
        message=(
            "The two groups differ at baseline, so a difference between them later is not the doing of the treatment "
            "alone."
            if differs
            else "The two groups are alike at baseline in what was recorded."
        ),
    )
