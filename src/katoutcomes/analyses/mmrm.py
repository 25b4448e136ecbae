"""The mixed model for repeated measures: all visits together, whoever left early included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.choices import require_conf_level
from katoutcomes.analyses.steps.repeated_measures.checks import repeated_measures_checks
from katoutcomes.analyses.steps.repeated_measures.data import RepeatedMeasuresData, repeated_measures_data
from katoutcomes.analyses.steps.repeated_measures.design import RepeatedMeasuresDesign, repeated_measures_design
from katoutcomes.analyses.steps.repeated_measures.estimates import (
    adjusted_means,
    baseline_mean,
    coefficients,
    fit_statistics,
    joint_tests,
    residuals,
    treatment_differences,
)
from katoutcomes.analyses.steps.repeated_measures.fitting import (
    COVARIANCES,
    FitOptions,
    FittedModel,
    fitted_model,
    require_fit_options,
    structures_asked_for,
)
from katoutcomes.analyses.steps.repeated_measures.parts import repeated_measures_parts
from katoutcomes.analyses.steps.repeated_measures.words import (
    ASSUMPTIONS,
    Asked,
    model_warnings,
    repeated_measures_estimand,
    repeated_measures_method,
)
from katoutcomes.cohorts.analysis_set_needed import require_analysis_set
from katoutcomes.errors import require_option
from katoutcomes.results.repeated_measures import RepeatedMeasuresModel
from katoutcomes.results.result import Result

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import AnalysisSet
    from katoutcomes.estimands.estimand import Estimand
    from katoutcomes.results.estimate import Estimate

__all__ = ["COVARIANCES", "mmrm"]

DEFAULT_MEAN = "treatment*visit + baseline*visit"
_MEAN_WITHOUT_TREATMENT = "baseline*visit"


def mmrm(
    data: AnalysisSet,
    estimand: Estimand | None = None,
    *,
    mean: str = DEFAULT_MEAN,
    covariance: str = "unstructured",
    by: str | None = None,
    reml: bool = True,
    df_method: str = "kenward-roger-linear",
    variance: str = "model",
    weights: str | None = None,
    precision: str | None = None,
    fallback: Sequence[str] = (),
    average: str = "observed",
    conf_level: float = 0.95,
) -> Result:
    """Fit a mixed model for repeated measures and give adjusted means and differences at every visit.

    The scores of all visits after baseline are modeled together, with a covariance matrix of the visits instead of
    random effects. Patients who left early count with the scores they have.

    Parameters
    ----------
    data : AnalysisSet
        The scores and variables.
    estimand : Estimand, optional
        The question, if another wording is wanted. By default it is about an association at every visit.
    mean : str
        Right-hand side of a formula for the mean: ``visit``, ``treatment``, ``baseline`` and names of variables that
        are known at time zero. Without a treatment in the data the default is ``"baseline*visit"``.
    covariance : str, default "unstructured"
        A key or a value of `COVARIANCES`.
    by : str, optional
        A variable of which each level gets a covariance matrix of its own; ``"treatment"`` for the cohorts.
    reml : bool, default True
        Restricted maximum likelihood; False for maximum likelihood.
    df_method : {"kenward-roger-linear", "kenward-roger", "satterthwaite", "asymptotic"}
        Degrees of freedom, and the standard errors that go with them. The linear form of Kenward and Roger does not
        depend on how the covariance is parametrized.
    variance : {"model", "CR0", "CR2", "CR3"}
        Whether standard errors trust the covariance ("model") or hold where it is wrong: without adjustment for
        leverage, bias-reduced, or as the jackknife. Robust ones have Bell and McCaffrey's degrees of freedom.
    weights : str, optional
        A variable with frequency or inverse-probability weights: 2 counts a patient twice. Needs a robust variance.
    precision : str, optional
        A variable with precision weights: the residual variance is divided by them.
    fallback : sequence of str
        Structures to try, in this order, if the fit does not converge. None by default: what is fitted is what was
        asked for. The one that was used is written into the method, the warnings and a check.
    average : {"observed", "equal", "proportional"}
        What the adjusted means average over: the patients analyzed, each put into every cohort; the levels of the
        categories with equal weights, or as often as they occur, at the mean of the numbers.
    conf_level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    Result
        Adjusted means and changes from baseline for each visit and cohort; differences for each visit, also over the
        model's standard deviation; joint tests; coefficients; residual standard deviations and correlations of the
        visits; fit statistics. Its `model` holds covariances to many digits, and answers `contrast`.

    Raises
    ------
    DesignError
        If a visit counts from a later dose, the formula speaks of a treatment that the data lack, a variable is known
        only after time zero, or nobody is left.
    NumericalError
        If the scores of a visit do not vary, or the fit does not converge; the message says why and what to do.
    OptionError
        If an option is not one of its values, or the formula cannot be read.

    Warns
    -----
    KatOutcomesWarning
        Never; what a reader should know stands in `Result.warnings` and `Result.checks`.

    See Also
    --------
    contrast : further questions to the same fit.

    References
    ----------
    Mallinckrodt CH, Lane PW, Schnell D, Peng Y, Mancuso JP. Drug Inf J 2008;42:303-319.
    doi:10.1177/009286150804200402.
    Kenward MG, Roger JH. Biometrics 1997;53:983-997. doi:10.2307/2533558.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=20260930, n_patients=300)
    >>> data = kat.select_cohort(registry).analysis_set("PHQ-9", treatment="program_booked")
    >>> result = mmrm(data)
    >>> difference = result.select(measure="difference in means", visit="week 12")[0]
    >>> difference.term
    'follow-up, adjusted: with_integration - ketamine_only'
    >>> difference.conf_low < difference.estimate < difference.conf_high
    True
    """
    require_analysis_set(data)
    require_conf_level(conf_level)
    structures = structures_asked_for(covariance, fallback)
    require_fit_options(df_method, variance, weights)
    formula = _MEAN_WITHOUT_TREATMENT if mean == DEFAULT_MEAN and data.treatment is None else mean
    chosen = repeated_measures_data(data, formula, by=by, weights=weights, precision=precision)
    design = repeated_measures_design(formula, chosen.frame)
    require_option("average", average, design.mean_rows)
    options = FitOptions(structures, reml, df_method, variance)
    fitted = fitted_model(chosen, design, options)
    model = _model(fitted, chosen, design)
    asked = Asked(data, formula, average, conf_level)
    return Result(
        analysis="mmrm",
        title=f"Repeated-measures model: {data.instrument.name}",
        estimand=estimand if estimand is not None else repeated_measures_estimand(data, chosen),
        method=repeated_measures_method(asked, fitted, options, chosen),
        estimates=tuple(
            replace(estimate, instrument=data.instrument.name, cohort=data.cohort)
            for estimate in _estimates(asked, fitted, chosen, model)
        ),
        provenance=data.provenance,
        parts=repeated_measures_parts(data, chosen, design),
        assumptions=ASSUMPTIONS + data.notes,
        checks=repeated_measures_checks(fitted, chosen, design),
        warnings=chosen.warnings + model_warnings(asked, fitted, model, design),
        model=model,
    )


def _model(fitted: FittedModel, chosen: RepeatedMeasuresData, design: RepeatedMeasuresDesign) -> RepeatedMeasuresModel:
    import numpy as np

    fit, linear = fitted.found.fit, fitted.found.model
    if linear is None:
        raise AssertionError  # _fitted returns converged fits only
    covariance = linear.original_covariance()
    covariance[~fit.work.kept] = covariance[:, ~fit.work.kept] = np.nan
    return RepeatedMeasuresModel(
        names=design.names,
        coefficients=fit.coefficients,
        coefficient_covariance=covariance,
        visits=chosen.frame.visits,
        arms=chosen.frame.arms,
        groups=chosen.group_names,
        visit_covariances=fit.covariances,
        structure=fitted.structure,
        parameters=fit.theta,
        parameter_covariance=fit.theta_covariance,
        deviance=fit.deviance,
        linear=linear,
        mean_rows=_estimable_rows(fitted, design),
        baseline_means=design.baseline_means,
        n_patients=len(chosen.scores),
        n_observations=int(chosen.frame.observed.sum()),
        n_patients_at_visit=chosen.n_at_visits(),
    )


def _estimable_rows(fitted: FittedModel, design: RepeatedMeasuresDesign) -> Mapping[str, NDArray[np.float64]]:
    """Return the combinations for adjusted means, NaN where they depend on which aliased column was dropped."""
    import numpy as np

    from katoutcomes.kernels.mmrm.working_design import are_estimable

    work = fitted.found.fit.work
    rows = {}
    for name, table in design.mean_rows.items():
        flat = table.reshape(-1, table.shape[-1])
        rows[name] = np.where(are_estimable(work, flat)[:, None], flat, np.nan).reshape(table.shape)
    return MappingProxyType(rows)


def _estimates(
    asked: Asked, fitted: FittedModel, chosen: RepeatedMeasuresData, model: RepeatedMeasuresModel
) -> Iterator[Estimate]:
    yield from baseline_mean(model, asked.average)
    yield from adjusted_means(model, asked.data.treatment or "", asked.average, asked.conf_level)
    yield from treatment_differences(model, asked.average, asked.conf_level)
    yield from joint_tests(model, asked.average)
    yield from coefficients(model, asked.conf_level)
    yield from residuals(model, chosen)
    yield from fit_statistics(model, fitted.found.fit)
