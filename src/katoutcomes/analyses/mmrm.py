"""The mixed model for repeated measures: all visits together, whoever left early included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.choices import require_conf_level
from katoutcomes.analyses.steps.cohort_checks import missing_covariates_check
from katoutcomes.analyses.steps.repeated_measures_data import RepeatedMeasuresData, repeated_measures_data
from katoutcomes.analyses.steps.repeated_measures_design import RepeatedMeasuresDesign, repeated_measures_design
from katoutcomes.analyses.steps.repeated_measures_estimates import (
    adjusted_means,
    fit_statistics,
    joint_tests,
    model_terms,
    treatment_differences,
)
from katoutcomes.errors import NumericalError, OptionError, require_option
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.results.check import Check
from katoutcomes.results.formatting import format_level
from katoutcomes.results.repeated_measures import RepeatedMeasuresModel
from katoutcomes.results.result import Method, Result

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import AnalysisSet
    from katoutcomes.kernels.mmrm.fit import Convergence
    from katoutcomes.kernels.mmrm.repeated_measures import RepeatedMeasures
    from katoutcomes.results.estimate import Estimate

COVARIANCES: Mapping[str, str] = MappingProxyType(
    {
        "unstructured": "us",
        "compound symmetry": "cs",
        "heterogeneous compound symmetry": "csh",
        "autoregressive": "ar1",
        "heterogeneous autoregressive": "ar1h",
        "toeplitz": "toep",
        "heterogeneous toeplitz": "toeph",
        "ante-dependence": "ad",
        "heterogeneous ante-dependence": "adh",
    }
)
"""Names of the covariance structures and their short forms; both are accepted."""

DF_METHODS: tuple[str, ...] = ("kenward-roger-linear", "kenward-roger", "satterthwaite", "asymptotic")
VARIANCES: tuple[str, ...] = ("model", "CR0", "CR2", "CR3")
DEFAULT_MEAN = "treatment*visit + baseline*visit"
_MEAN_WITHOUT_TREATMENT = "baseline*visit"

_SOURCES = (
    (
        "Mallinckrodt CH, Lane PW, Schnell D, Peng Y, Mancuso JP. Drug Inf J 2008;42:303-319. "
        "doi:10.1177/009286150804200402"
    ),
    "Kenward MG, Roger JH. Biometrics 1997;53:983-997. doi:10.2307/2533558",
    "Kenward MG, Roger JH. Comput Stat Data Anal 2009;53:2583-2595. doi:10.1016/j.csda.2008.12.013",
)
_ASSUMPTIONS = (
    (
        "Whether a score is missing depends on the baseline score, the covariates and the scores seen before it, and "
        "not on the missing score itself (missing at random). Nothing in the data can show that this holds."
    ),
    (
        "The means are what would be seen if nobody had left: a hypothetical question. Where care or treatment changed "
        "when a patient left, it is not the question of what happened under the treatment as it was used."
    ),
    "The residuals of a patient are normally distributed over the visits, with the covariance that is named.",
)


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
    require_conf_level(conf_level)
    structures = _structures(covariance, fallback)
    _require_options(df_method, variance, weights)
    formula = _MEAN_WITHOUT_TREATMENT if mean == DEFAULT_MEAN and data.treatment is None else mean
    chosen = repeated_measures_data(data, formula, by=by, weights=weights, precision=precision)
    design = repeated_measures_design(formula, chosen.frame)
    require_option("average", average, design.mean_rows)
    options = _Options(structures, reml, df_method, variance)
    fitted = _fitted(chosen, design, options)
    model = _model(fitted, chosen, design)
    asked = _Asked(data, formula, average, conf_level)
    return Result(
        analysis="mmrm",
        title=f"Repeated-measures model: {data.instrument.name}",
        estimand=estimand if estimand is not None else _estimand(data, chosen),
        method=_method(asked, fitted, options, by),
        estimates=tuple(
            replace(estimate, instrument=data.instrument.name, cohort=data.cohort)
            for estimate in _estimates(asked, fitted, model)
        ),
        provenance=data.provenance,
        assumptions=_ASSUMPTIONS + data.notes,
        checks=_checks(fitted, chosen, design),
        warnings=chosen.warnings + _warnings(fitted, model, design),
        model=model,
    )


@dataclass(frozen=True, slots=True)
class _Options:
    """How the model is fitted."""

    structures: tuple[str, ...]
    reml: bool
    df_method: str
    variance: str


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What is reported."""

    data: AnalysisSet
    formula: str
    average: str
    conf_level: float


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """The first structure that converged, and why those before it did not."""

    found: RepeatedMeasures
    structure: str
    failures: tuple[tuple[str, str], ...]


def _structures(covariance: str, fallback: Sequence[str]) -> tuple[str, ...]:
    asked = (covariance, *((fallback,) if isinstance(fallback, str) else fallback))
    for name in asked:
        require_option("covariance", name, (*COVARIANCES, *COVARIANCES.values()))
    return tuple(COVARIANCES.get(name, name) for name in asked)


def _require_options(df_method: str, variance: str, weights: str | None) -> None:
    require_option("df_method", df_method, DF_METHODS)
    require_option("variance", variance, VARIANCES)
    if weights is not None and variance == "model":
        raise OptionError(
            "with frequency or inverse-probability weights the model's own standard errors mean nothing; "
            "ask for variance='CR2' (or 'CR0', 'CR3')."
        )


def _fitted(chosen: RepeatedMeasuresData, design: RepeatedMeasuresDesign, options: _Options) -> _Fitted:
    """Fit the structures in their order until one converges.

    Raises
    ------
    NumericalError
        If none does; the message says of each why.
    """
    from katoutcomes.kernels.mmrm.repeated_measures import repeated_measures
    from katoutcomes.kernels.mmrm.sandwich import PatientData

    patients = PatientData(design.z, chosen.scores, chosen.group, chosen.frequency_weights, chosen.precision_weights)
    failures: list[tuple[str, str]] = []
    for structure in options.structures:
        found = repeated_measures(
            patients,
            design.by_visit,
            structure=structure,
            reml=options.reml,
            df_method=options.df_method,
            variance=options.variance,
        )
        if found is not None and found.model is not None:
            return _Fitted(found, structure, tuple(failures))
        failures.append((structure, _PERFECT if found is None else _why(found.fit.convergence)))
    reasons = " ".join(f"{_long_name(structure)}: {reason}" for structure, reason in failures)
    raise NumericalError(
        f"the model for repeated measures has not been estimated. {reasons} A simpler covariance may do, such as "
        "covariance='heterogeneous toeplitz' or 'compound symmetry'; fallback=(…) tries several in order."
    )


_PERFECT = (
    "the formula fits the scores of a visit exactly, so there is no residual variance; use fewer covariates, or leave "
    "out visits that few patients have."
)


def _why(convergence: Convergence) -> str:
    """Return what is wrong with a fit, in the order in which it should be mended."""
    if not convergence.are_pairs_observed:
        return "two visits were never seen in the same patient, so their covariance is not known."
    if not convergence.is_regular:
        return (
            "the covariance of the visits became singular: too few patients have some visit for its mean and its "
            "variance, or two visits' scores are equal."
        )
    if not convergence.is_curved:
        return "the likelihood is flat: the data do not determine every covariance parameter."
    return "the search ended before the likelihood was at its maximum."


def _long_name(structure: str) -> str:
    return next(name for name, short in COVARIANCES.items() if short == structure)


def _model(fitted: _Fitted, chosen: RepeatedMeasuresData, design: RepeatedMeasuresDesign) -> RepeatedMeasuresModel:
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
        n_patients=round(fit.n_patients),
        n_observations=round(fit.n_observations),
        n_patients_at_visit=chosen.n_at_visits(),
    )


def _estimable_rows(fitted: _Fitted, design: RepeatedMeasuresDesign) -> Mapping[str, NDArray[np.float64]]:
    """Return the combinations for adjusted means, NaN where they depend on which aliased column was dropped."""
    import numpy as np

    from katoutcomes.kernels.mmrm.working_design import are_estimable

    work = fitted.found.fit.work
    rows = {}
    for name, table in design.mean_rows.items():
        flat = table.reshape(-1, table.shape[-1])
        rows[name] = np.where(are_estimable(work, flat)[:, None], flat, np.nan).reshape(table.shape)
    return MappingProxyType(rows)


def _estimates(asked: _Asked, fitted: _Fitted, model: RepeatedMeasuresModel) -> Iterator[Estimate]:
    treatment = asked.data.treatment or ""
    yield from adjusted_means(model, treatment, asked.average, asked.conf_level)
    yield from treatment_differences(model, asked.average, asked.conf_level)
    yield from joint_tests(model, asked.average)
    yield from model_terms(model, fitted.found.fit, asked.conf_level)
    yield from fit_statistics(fitted.found.fit)


# --- the words -------------------------------------------------------------------------------------------------------


def _estimand(data: AnalysisSet, chosen: RepeatedMeasuresData) -> Estimand:
    arms = chosen.frame.arms
    return Estimand(
        name="scores_at_every_visit" if len(arms) != 2 else f"cohorts_by_{data.treatment}_at_every_visit",
        population=data.population,
        treatment=arms[1] if len(arms) == 2 else "",
        comparator=arms[0] if len(arms) == 2 else "",
        endpoint=Endpoint(data.instrument.name, "every visit", "score"),
        intercurrent_events=(
            "scores after leaving care are taken as if the patient had stayed like those who did, given the scores "
            "before (hypothetical)"
        ),
        summary_measure="difference in adjusted means that is associated with the cohort" if arms else "adjusted mean",
    )


_DF_WORDS = {
    "kenward-roger-linear": "Kenward and Roger's standard errors and degrees of freedom (linear form)",
    "kenward-roger": "Kenward and Roger's standard errors and degrees of freedom",
    "satterthwaite": "Satterthwaite's degrees of freedom",
    "asymptotic": "normal intervals",
}
_AVERAGE_WORDS = {
    "observed": "the covariates of the patients analyzed, each of whom is put into every cohort",
    "equal": "the levels of the categories with equal weights, at the mean of the numbers",
    "proportional": "the levels of the categories as often as they occur, at the mean of the numbers",
}


def _method(asked: _Asked, fitted: _Fitted, options: _Options, by: str | None) -> Method:
    spread = (
        _DF_WORDS[options.df_method]
        if options.variance == "model"
        else f"robust standard errors clustered by patient ({options.variance}) with Bell and McCaffrey's degrees of "
        "freedom"
    )
    apart = f", one matrix for each level of {by}" if by is not None else ""
    return Method(
        "mixed model for repeated measures",
        f"Mean: {asked.formula}. Residual covariance of the visits: {_long_name(fitted.structure)}{apart}. "
        f"{'Restricted maximum' if options.reml else 'Maximum'} likelihood; {spread}; intervals of "
        f"{format_level(asked.conf_level)}. Adjusted means average over {_AVERAGE_WORDS[asked.average]}. A change is "
        "an adjusted mean minus the mean baseline score of the same patients, taken as known. Standardized differences "
        "are over the model's standard deviation at the visit, taken as known. Every score after baseline is used, "
        "whether or not the patient has the others.",
        _SOURCES,
    )


def _warnings(fitted: _Fitted, model: RepeatedMeasuresModel, design: RepeatedMeasuresDesign) -> tuple[str, ...]:
    import numpy as np

    sentences = [
        f"The covariance asked for could not be estimated ({_long_name(structure)}): {reason}"
        for structure, reason in fitted.failures
    ]
    if fitted.failures:
        sentences.append(f"The fallback {_long_name(fitted.structure)} was used instead.")
    dropped = [name for name, kept in zip(design.names, fitted.found.fit.work.kept, strict=True) if not kept]
    if dropped:
        sentences.append(f"Coefficients that follow from others are left out: {', '.join(dropped)}.")
    if any(np.isnan(rows).any() for rows in model.mean_rows.values()):
        sentences.append("Some adjusted means cannot be estimated, because nobody of a cohort was seen at the visit.")
    return tuple(sentences)


_FEW_AT_VISIT = 11


def _checks(fitted: _Fitted, chosen: RepeatedMeasuresData, design: RepeatedMeasuresDesign) -> tuple[Check, ...]:
    observed = chosen.frame.observed
    n_visits = observed.shape[1]
    per_visit = int((abs(design.by_visit).sum(axis=2) > 0.0).sum(axis=1).max())
    fewest = int(observed.sum(axis=0).min())
    needed = per_visit + n_visits
    n_cohort = int(chosen.n_at_visits().min())
    n_all = len(observed)
    few = "Some visit has hardly more scores than its mean and variance take; its estimates rest on the model."
    return (
        Check(
            "scores per visit",
            fewest > needed,
            "caution",
            float(fewest),
            float(needed),
            "Every visit has more scores than its mean and variance take." if fewest > needed else few,
        ),
        Check(
            "patients per cohort and visit",
            n_cohort >= _FEW_AT_VISIT,
            "caution",
            float(n_cohort),
            float(_FEW_AT_VISIT),
            "Every cohort was seen often enough at every visit."
            if n_cohort >= _FEW_AT_VISIT
            else "Few patients of a cohort were seen at some visit.",
        ),
        Check(
            "covariance as asked for",
            not fitted.failures,
            "caution",
            float(len(fitted.failures)),
            0.0,
            "The covariance that was asked for was estimated."
            if not fitted.failures
            else "A simpler covariance than the one asked for was used.",
        ),
        missing_covariates_check(chosen.n_left_out / (chosen.n_left_out + n_all)),
    )
