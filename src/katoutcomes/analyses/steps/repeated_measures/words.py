"""The words of a model for repeated measures: question, method, assumptions, warnings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.repeated_measures.fitting import long_name
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.results.formatting import format_level
from katoutcomes.results.result import Method

if TYPE_CHECKING:
    from katoutcomes.analyses.steps.repeated_measures.data import RepeatedMeasuresData
    from katoutcomes.analyses.steps.repeated_measures.design import RepeatedMeasuresDesign
    from katoutcomes.analyses.steps.repeated_measures.fitting import FitOptions, FittedModel
    from katoutcomes.cohorts.analysis_set import AnalysisSet
    from katoutcomes.results.repeated_measures import RepeatedMeasuresModel

SOURCES = (
    (
        "Mallinckrodt CH, Lane PW, Schnell D, Peng Y, Mancuso JP. Drug Inf J 2008;42:303-319. "
        "doi:10.1177/009286150804200402"
    ),
    "Kenward MG, Roger JH. Biometrics 1997;53:983-997. doi:10.2307/2533558",
    "Kenward MG, Roger JH. Comput Stat Data Anal 2009;53:2583-2595. doi:10.1016/j.csda.2008.12.013",
)
ASSUMPTIONS = (
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


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """What is reported of a fit.

    Attributes
    ----------
    data : AnalysisSet
        The patients.
    formula : str
        Of the mean.
    average : str
        What adjusted means average over.
    conf_level : float
        Level of the intervals.
    """

    data: AnalysisSet
    formula: str
    average: str
    conf_level: float


def repeated_measures_estimand(data: AnalysisSet, chosen: RepeatedMeasuresData) -> Estimand:
    """Return the question: scores at every visit, had nobody left."""
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
    "observed": "the covariates of the patients analyzed",
    "equal": "the levels of the categories with equal weights, at the mean of the numbers",
    "proportional": "the levels of the categories as often as they occur, at the mean of the numbers",
}
_ROBUST_SOURCES = (
    "Bell RM, McCaffrey DF. Surv Methodol 2002;28:169-181.",
    "Pustejovsky JE, Tipton E. J Bus Econ Stat 2018;36:672-683. doi:10.1080/07350015.2016.1247004",
)


def repeated_measures_method(
    asked: Asked, fitted: FittedModel, options: FitOptions, chosen: RepeatedMeasuresData
) -> Method:
    """Return what was fitted, and how."""
    is_robust = options.variance != "model"
    spread = (
        f"robust standard errors clustered by patient ({options.variance}) with Bell and McCaffrey's degrees of freedom"
        if is_robust
        else _DF_WORDS[options.df_method]
    )
    apart = f", one matrix for each level of {chosen.group_variable}" if chosen.group_variable else ""
    return Method(
        "mixed model for repeated measures",
        f"Mean: {asked.formula}. Residual covariance of the visits: {long_name(fitted.structure)}{apart}. "
        f"{'Restricted maximum' if options.reml else 'Maximum'} likelihood; {spread}; intervals of "
        f"{format_level(asked.conf_level)}. {_means_words(asked, chosen)} Every score after baseline is used, "
        "whether or not the patient has the others.",
        SOURCES + (_ROBUST_SOURCES if is_robust else ()),
    )


def _means_words(asked: Asked, chosen: RepeatedMeasuresData) -> str:
    """Return how means, changes and differences are made of the coefficients; only what the result has."""
    arms = chosen.frame.arms
    put = ", each of whom is put into every cohort" if arms and asked.average == "observed" else ""
    sentences = [f"Adjusted means average over {_AVERAGE_WORDS[asked.average]}{put}."]
    if "baseline" in chosen.frame.patients.columns:
        sentences.append(
            "A change is an adjusted mean minus the mean baseline score of these patients, taken as known."
        )
    if len(arms) > 1:
        sentences.append(
            "Standardized differences are over the model's standard deviation at the visit, taken as known."
        )
    return " ".join(sentences)


def model_warnings(
    asked: Asked, fitted: FittedModel, model: RepeatedMeasuresModel, design: RepeatedMeasuresDesign
) -> tuple[str, ...]:
    """Return what was done that was not asked for."""
    import numpy as np

    sentences = [
        f"The covariance asked for could not be estimated ({long_name(structure)}): {reason}"
        for structure, reason in fitted.failures
    ]
    if fitted.failures:
        sentences.append(f"The fallback {long_name(fitted.structure)} was used instead.")
    dropped = [name for name, kept in zip(design.names, fitted.found.fit.work.kept, strict=True) if not kept]
    if dropped:
        sentences.append(f"Coefficients that follow from others are left out: {', '.join(dropped)}.")
    if np.isnan(model.mean_rows[asked.average]).any():
        sentences.append(
            "Adjusted means that these data cannot tell are left empty: nobody of the cohort was seen at the visit, or "
            "levels of categories that are averaged over never occur together."
        )
    return tuple(sentences)
