"""Whether two cohorts that were fixed at time zero end with different scores, given how they began."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.anchored_visits import require_common_days
from katoutcomes.analyses.steps.checks import paired_completeness_check
from katoutcomes.analyses.steps.choices import require_conf_level
from katoutcomes.analyses.steps.cohort_checks import (
    completeness_difference_check,
    imbalance_check,
    leverage_check,
    missing_covariates_check,
    patients_per_cohort_check,
)
from katoutcomes.analyses.steps.covariate_columns import (
    BASELINE_SCORE,
    chosen_covariates,
    covariate_columns,
    require_fit,
    without_lone_patients,
)
from katoutcomes.analyses.steps.interval_estimates import numbers_of, share_estimate
from katoutcomes.cohorts.analysis_set_needed import require_analysis_set
from katoutcomes.errors import DesignError
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.formatting import format_level
from katoutcomes.results.result import Method, Result

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import AnalysisSet, Group, Variable
    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.kernels.groups.covariance_adjustment import CovarianceAdjustment
    from katoutcomes.kernels.groups.welch import WelchDifference
    from katoutcomes.results.check import Check

_SOURCES = (
    "Vickers AJ, Altman DG. BMJ 2001;323:1123-1124. doi:10.1136/bmj.323.7321.1123",
    "MacKinnon JG, White H. J Econom 1985;29:305-325. doi:10.1016/0304-4076(85)90158-7",
    "Long JS, Ervin LH. Am Stat 2000;54:217-224. doi:10.1080/00031305.2000.10474549",
    "Welch BL. Biometrika 1947;34:28-35. doi:10.1093/biomet/34.1-2.28",
)
_ASSUMPTIONS = (
    (
        "To read the difference as an effect, the cohorts would have to be alike in everything that matters for the "
        "score except what is adjusted for. Nothing in the data can show that they are."
    ),
    (
        "Patients without a score at the visit are left out. That does no harm only if, at equal baseline scores and "
        "covariates, those who were not scored again fared like those of their cohort who were."
    ),
    "The score follows the baseline score and the covariates along straight lines, the same ones in both cohorts.",
)


def cohort_difference(
    data: AnalysisSet,
    estimand: Estimand | None = None,
    *,
    visit: str | None = None,
    treatment: str | None = None,
    covariates: Sequence[str] = (),
    conf_level: float = 0.95,
) -> Result:
    """Compare the scores of two cohorts at a visit, adjusted for the baseline score and covariates.

    Analysis of covariance: score at the visit ~ cohort + baseline score + covariates, by least squares with HC3
    standard errors and t limits on (patients − coefficients) degrees of freedom.

    Parameters
    ----------
    data : AnalysisSet
        The scores and variables.
    estimand : Estimand, optional
        The question, if another wording is wanted. By default it is about an association, not about an effect.
    visit : str, optional
        Name of the visit; by default the last one that counts from the first dose.
    treatment : str, optional
        A variable known at time zero of which two levels occur; the first of them is the comparator. By default
        `data.treatment`.
    covariates : sequence of str, optional
        Variables known at time zero. Numbers and flags enter as they are, categories as one column a level but the
        first. Patients without a known value of one are left out and counted, and so is a patient who alone has a level
        of a category or flag, who tells nothing about the adjusted difference.
    conf_level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    Result
        Adjusted means, their difference, the unadjusted difference in change of the same patients (Welch), each
        cohort's completeness, the standardized mean difference at baseline, and checks with stated limits.

    Raises
    ------
    DesignError
        If the days of the visit count from a dose after the first, not exactly two levels of the treatment occur, a
        cohort has no patient with both scores, a covariate is known only after time zero, or there are too few patients
        for the covariates.
    ImmortalTimeError
        If the treatment is known only after time zero, such as having had any integration session.
    NumericalError
        If a covariate does not vary or follows from others, or one patient alone decides the mean of a cohort; the
        message names it.
    OptionError
        If a visit, a variable or the level is not one of the values it may take.

    References
    ----------
    Vickers AJ, Altman DG. BMJ 2001;323:1123-1124. doi:10.1136/bmj.323.7321.1123.
    Long JS, Ervin LH. Am Stat 2000;54:217-224. doi:10.1080/00031305.2000.10474549.

    Examples
    --------
    >>> import pandas as pd
    >>> import katoutcomes as kat
    >>> frame = pd.DataFrame({"id": range(8), "week": 12, "before": [16, 14, 17, 15, 20, 13, 18, 12]})
    >>> frame["phq"] = [10, 8, 12, 9, 11, 5, 9, 4]
    >>> frame["arm"] = ["usual"] * 4 + ["usual and integration"] * 4
    >>> data = kat.AnalysisSet.from_frame(
    ...     frame, patient="id", visit="week", score="phq", baseline="before", instrument="PHQ-9", treatment="arm",
    ...     treatment_known_by_day=0,
    ... )
    >>> result = kat.cohort_difference(data)
    >>> difference = result.select(measure="difference in means")[0]
    >>> difference.term, round(difference.estimate, 2), difference.df, result.verdict
    ('follow-up, adjusted: usual and integration - usual', -2.72, 5.0, 'withhold')
    """
    require_analysis_set(data)
    require_conf_level(conf_level)
    window = data.visit(visit)
    require_common_days(window)
    cohorts = _two_cohorts(data, treatment)
    variables = chosen_covariates(data, covariates, cohorts.variable.name)
    patients = _patients(data, window, cohorts, variables)
    fitted = _fit(data, window, cohorts, variables, analyzed=patients.analyzed, conf_level=conf_level)
    estimates = [*_compared(fitted, cohorts, patients, window.name, conf_level)]
    estimates += _completeness(cohorts, patients, window.name, conf_level)
    estimates.append(_imbalance(data, cohorts, patients))
    return Result(
        analysis="cohort_difference",
        title=f"Difference between cohorts: {data.instrument.name} at {window.name}",
        estimand=estimand if estimand is not None else _estimand(data, window, cohorts),
        method=_method(variables, conf_level),
        estimates=tuple(
            replace(estimate, instrument=data.instrument.name, cohort=data.cohort) for estimate in estimates
        ),
        provenance=data.provenance,
        assumptions=_ASSUMPTIONS + _later_names(variables) + data.notes,
        checks=_checks(fitted, cohorts, patients, window.name, imbalance=estimates[-1].estimate),
        warnings=_warnings(data, cohorts, variables, patients),
    )


# --- who is compared -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Cohorts:
    """The two groups; a contrast is `treated` minus `comparator`."""

    variable: Variable
    comparator: Group
    treated: Group

    @property
    def both(self) -> tuple[Group, Group]:
        return self.comparator, self.treated

    @property
    def mask(self) -> NDArray[np.bool_]:
        return self.comparator.mask | self.treated.mask


@dataclass(frozen=True, slots=True, eq=False)
class _Patients:
    """Masks over the patients of the two cohorts, each within the one before it."""

    with_baseline: NDArray[np.bool_]
    with_both_scores: NDArray[np.bool_]
    with_covariates: NDArray[np.bool_]
    analyzed: NDArray[np.bool_]

    def completeness(self, cohort: Group) -> tuple[int, int]:
        """Return how many of a cohort have both scores, and how many a baseline score."""
        return int((cohort.mask & self.with_both_scores).sum()), int((cohort.mask & self.with_baseline).sum())


def _two_cohorts(data: AnalysisSet, treatment: str | None) -> _Cohorts:
    name = treatment if treatment is not None else data.treatment
    if name is None:
        raise DesignError("no variable defines the cohorts; name one with treatment=, such as program_booked.")
    groups = [group for group in data.groups(name) if group.mask.any()]
    if len(groups) != 2:
        raise DesignError(
            f"{len(groups)} levels of {name!r} occur; two are compared at a time, so use a variable with two levels."
        )
    return _Cohorts(data.variable(name), *groups)


def _patients(data: AnalysisSet, window: VisitWindow, cohorts: _Cohorts, variables: Sequence[Variable]) -> _Patients:
    import numpy as np

    with_baseline = cohorts.mask & data.with_baseline
    with_both_scores = cohorts.mask & data.pairs(window.name)
    with_covariates = with_both_scores.copy()
    for variable in variables:
        with_covariates &= ~np.isnan(variable.values)
    analyzed = without_lone_patients(variables, with_covariates)
    for cohort in cohorts.both:
        if not (cohort.mask & analyzed).any():
            raise DesignError(
                f"no patient of the cohort {cohort.label!r} has a baseline score, a score at {window.name} and every "
                "covariate, so there is nothing to compare."
            )
    return _Patients(with_baseline, with_both_scores, with_covariates, analyzed)


# --- what is estimated -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """The adjusted comparison, and the unadjusted one of the same patients."""

    adjusted: CovarianceAdjustment
    change: WelchDifference


def _fit(
    data: AnalysisSet,
    window: VisitWindow,
    cohorts: _Cohorts,
    variables: Sequence[Variable],
    *,
    analyzed: NDArray[np.bool_],
    conf_level: float,
) -> _Fitted:
    import numpy as np

    from katoutcomes.kernels.groups.covariance_adjustment import covariance_adjustment
    from katoutcomes.kernels.groups.welch import welch_difference

    outcome = data.scores_at(window.name)[analyzed]
    is_treated = cohorts.treated.mask[analyzed]
    columns = covariate_columns(data.baseline, variables, analyzed)
    adjusted = covariance_adjustment(outcome, is_treated, columns.values, conf_level)
    require_fit(adjusted.fit, columns)
    baseline = data.baseline[analyzed]
    change = outcome - baseline
    size = float(max(np.abs(outcome).max(), np.abs(baseline).max()))
    return _Fitted(adjusted, welch_difference(change[is_treated], change[~is_treated], conf_level, size))


def _compared(
    fitted: _Fitted, cohorts: _Cohorts, patients: _Patients, visit: str, conf_level: float
) -> Iterator[Estimate]:
    """Yield the adjusted means, comparator first, their difference, and the unadjusted difference in change."""
    adjusted = fitted.adjusted
    for cohort, mean in ((cohorts.comparator, adjusted.comparator_mean), (cohorts.treated, adjusted.treatment_mean)):
        # That a mean differs from 0 is no question: no statistic, no p-value.
        yield Estimate(
            term="follow-up, adjusted",
            measure="adjusted mean",
            subgroup=cohort.subgroup,
            n_patients=int((cohort.mask & patients.analyzed).sum()),
            unit="points",
            visit=visit,
            **numbers_of(mean, conf_level, "std_error", "df"),
        )
    for what, difference in (("follow-up, adjusted", adjusted.difference), ("change, unadjusted", fitted.change)):
        yield Estimate(
            term=f"{what}: {cohorts.treated.label} - {cohorts.comparator.label}",
            measure="difference in means",
            treatment=cohorts.treated.label,
            comparator=cohorts.comparator.label,
            n_patients=int(patients.analyzed.sum()),
            unit="points",
            visit=visit,
            **numbers_of(difference, conf_level, "std_error", "df", "statistic", "p_value"),
        )


def _completeness(cohorts: _Cohorts, patients: _Patients, visit: str, conf_level: float) -> Iterator[Estimate]:
    for cohort in cohorts.both:
        n_pairs, n_baseline = patients.completeness(cohort)
        fields = {"subgroup": cohort.subgroup, "visit": visit}
        yield share_estimate("paired completeness", n_pairs, n_baseline, conf_level, **fields)


def _imbalance(data: AnalysisSet, cohorts: _Cohorts, patients: _Patients) -> Estimate:
    from katoutcomes.kernels.groups.standardized_mean_difference import smd_of_numbers

    treated, comparator = (data.baseline[cohort.mask & patients.with_baseline] for cohort in cohorts.both[::-1])
    found = smd_of_numbers(treated, comparator)
    return Estimate(
        term=BASELINE_SCORE,
        measure="standardized mean difference",
        unit="SD",
        visit="baseline",
        treatment=cohorts.treated.label,
        comparator=cohorts.comparator.label,
        estimate=found.estimate,
        n_patients=found.n_treatment + found.n_comparator,
    )


def _checks(fitted: _Fitted, cohorts: _Cohorts, patients: _Patients, visit: str, imbalance: float) -> tuple[Check, ...]:
    counts = [patients.completeness(cohort) for cohort in cohorts.both]
    shares = [n_pairs / n_baseline for n_pairs, n_baseline in counts]
    lower = counts[shares.index(min(shares))]
    n_pairs = int(patients.with_both_scores.sum())
    return (
        patients_per_cohort_check(min(int((cohort.mask & patients.analyzed).sum()) for cohort in cohorts.both)),
        paired_completeness_check(*lower, visit),
        completeness_difference_check(shares[1] - shares[0]),
        imbalance_check(imbalance),
        leverage_check(fitted.adjusted.fit.max_leverage),
        missing_covariates_check((n_pairs - int(patients.with_covariates.sum())) / n_pairs),
    )


# --- the words -------------------------------------------------------------------------------------------------------


def _warnings(
    data: AnalysisSet, cohorts: _Cohorts, variables: Sequence[Variable], patients: _Patients
) -> tuple[str, ...]:
    """Say which patients are left out without their number, which disclosure control could not hide in a sentence."""
    import numpy as np

    incomplete = [
        variable.label for variable in variables if np.isnan(variable.values[patients.with_both_scores]).any()
    ]
    sentences = []
    if incomplete:
        sentences.append(
            f"Patients for whom {', '.join(incomplete)} is not known are left out of the comparison; the check "
            '"missing covariates" says whether they are many.'
        )
    if (patients.with_covariates & ~patients.analyzed).any():
        sentences.append(
            "Patients whose level of a covariate hardly anybody shares are set aside; the adjusted difference is the "
            "same without them, the means are those of the patients left."
        )
    if (data.with_baseline & ~cohorts.mask).any():
        sentences.append(f"Patients for whom {cohorts.variable.label} is not known are in neither cohort.")
    return tuple(sentences)


def _later_names(variables: Sequence[Variable]) -> tuple[str, ...]:
    """Say which covariates are adjusted for although their names speak of something later."""
    from katoutcomes.cohorts.exposure import sounds_later

    return tuple(
        f"{variable.name!r} is adjusted for although its name speaks of something after time zero; it is assumed, not "
        "stated, that it was known before the first dose."
        for variable in variables
        if variable.known_by_day is None and sounds_later(variable.name)
    )


def _estimand(data: AnalysisSet, window: VisitWindow, cohorts: _Cohorts) -> Estimand:
    name = cohorts.variable.name
    return Estimand(
        name="booked_program" if name == "program_booked" else f"cohorts_by_{name}",
        population=data.population,
        treatment=cohorts.treated.label,
        comparator=cohorts.comparator.label,
        endpoint=Endpoint(data.instrument.name, window.name, "score"),
        intercurrent_events=(
            "whatever happened to a patient's care afterwards, the cohort stays as it was at time zero; scores are "
            "used as observed, and patients without one at the visit are left out"
        ),
        summary_measure="difference in adjusted means that is associated with the cohort",
    )


def _method(variables: Sequence[Variable], conf_level: float) -> Method:
    adjusted_for = ", ".join(["the baseline score", *(variable.label for variable in variables)])
    return Method(
        "analysis of covariance",
        f"Analysis of covariance of the score at the visit on the cohort, adjusted for {adjusted_for}; least squares "
        f"with HC3 standard errors and t intervals ({format_level(conf_level)}; degrees of freedom: patients minus "
        "coefficients). Adjusted means are predictions at the mean of every covariate over all patients analyzed. The "
        "difference is one that is associated with the cohort: only what is named here is adjusted for, and patients "
        "without the score are left out. The unadjusted difference is that of the changes of the same patients "
        "(Welch).",
        _SOURCES,
    )
