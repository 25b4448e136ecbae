"""Further questions to a fitted model for repeated measures, without fitting it again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations as pairs_of
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.choices import require_conf_level
from katoutcomes.analyses.steps.repeated_measures.estimates import ADJUSTED, combination_tests, interval, numbers_of
from katoutcomes.errors import OptionError, require_option
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.formatting import format_level
from katoutcomes.results.result import Method, Result

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.results.repeated_measures import RepeatedMeasuresModel

MULTIPLICITY: Mapping[str, str] = {
    "none": "",
    "bonferroni": "bonferroni",
    "holm": "holm",
    "hochberg": "simes-hochberg",
    "hommel": "hommel",
    "benjamini-hochberg": "fdr_bh",
}
"""Corrections for several questions, and their names in statsmodels."""

_SOURCES: Mapping[str, str] = {
    "holm": "Holm S. Scand J Stat 1979;6:65-70.",
    "hochberg": "Hochberg Y. Biometrika 1988;75:800-802. doi:10.1093/biomet/75.4.800",
    "hommel": "Hommel G. Biometrika 1988;75:383-386. doi:10.1093/biomet/75.2.383",
    "benjamini-hochberg": (
        "Benjamini Y, Hochberg Y. J R Stat Soc B 1995;57:289-300. doi:10.1111/j.2517-6161.1995.tb02031.x"
    ),
}


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    """A combination of coefficients with its words."""

    term: str
    combination: NDArray[np.float64]
    visit: str = ""
    treatment: str = ""
    comparator: str = ""
    measure: str = "difference in means"
    n_patients: int = 0


def contrast(
    result: Result,
    combinations: Mapping[str, Mapping[str | tuple[str, str], float]] | None = None,
    *,
    visits: Sequence[str] | Mapping[str, float] | None = None,
    pairwise: bool = False,
    average: str = "observed",
    multiplicity: str = "none",
    conf_level: float = 0.95,
) -> Result:
    """Ask a fitted `mmrm` further questions.

    Parameters
    ----------
    result : Result
        Of `mmrm`, not released.
    combinations : mapping of str to mapping, optional
        Named combinations. The keys of each are coefficients, or pairs (cohort, visit) of adjusted means (``("",
        visit)`` without cohorts); the values are their weights. Without it, cohorts are compared.
    visits : sequence of str or mapping of str to float, optional
        At which visits cohorts are compared, one difference each; or the weights of visits over which one difference
        is averaged, such as ``{"week 8": 0.5, "week 12": 0.5}``. All visits by default.
    pairwise : bool, default False
        Whether every cohort is compared with every one before it, not only with the comparator.
    average : {"observed", "equal", "proportional"}
        What adjusted means average over, as in `mmrm`.
    multiplicity : {"none", "bonferroni", "holm", "hochberg", "hommel", "benjamini-hochberg"}
        Correction of the p-values of all questions asked here. Only Bonferroni's intervals are corrected too.
    conf_level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    Result
        One estimate a question, with the standard errors and degrees of freedom of the fit: those of its `df_method`,
        or robust ones if it was made with a robust variance. `plot()` draws the estimates with their intervals.

    Raises
    ------
    OptionError
        If the result holds no model, or a name or option is not one of those there are.

    References
    ----------
    Holm S. Scand J Stat 1979;6:65-70.
    Hochberg Y. Biometrika 1988;75:800-802. doi:10.1093/biomet/75.4.800.
    Hommel G. Biometrika 1988;75:383-386. doi:10.1093/biomet/75.2.383.
    Benjamini Y, Hochberg Y. J R Stat Soc B 1995;57:289-300. doi:10.1111/j.2517-6161.1995.tb02031.x.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=20260930, n_patients=300)
    >>> data = kat.select_cohort(registry).analysis_set("PHQ-9", treatment="program_booked")
    >>> late = contrast(kat.mmrm(data), visits={"week 8": 0.5, "week 12": 0.5})
    >>> late.estimates[0].term
    'follow-up, adjusted: with_integration - ketamine_only, mean of visits'
    """
    require_conf_level(conf_level)
    require_option("multiplicity", multiplicity, MULTIPLICITY)
    model = _model(result)
    require_option("average", average, model.mean_rows)
    if combinations is None:
        questions = list(_differences(model, visits, average, pairwise=pairwise))
    else:
        questions = [_named(model, name, weights, average) for name, weights in combinations.items()]
    if not questions:
        raise OptionError("there is nothing to compare: the model has no two cohorts; name combinations=….")
    return Result(
        analysis="contrast",
        title=result.title.replace("Repeated-measures model", "Further comparisons"),
        estimand=result.estimand,
        method=_method(result, multiplicity, len(questions), conf_level),
        estimates=tuple(_estimates(result, model, questions, multiplicity, conf_level)),
        provenance=result.provenance,
        parts=result.parts,
        assumptions=result.assumptions,
        checks=result.checks,
        warnings=result.warnings,
        model=model,
    )


def _model(result: Result) -> RepeatedMeasuresModel:
    model = getattr(result, "model", None)
    if model is None:
        raise OptionError("contrast() takes the result of mmrm(), before it is released.")
    found: RepeatedMeasuresModel = model
    return found


def _differences(
    model: RepeatedMeasuresModel,
    visits: Sequence[str] | Mapping[str, float] | None,
    average: str,
    *,
    pairwise: bool,
) -> Iterator[_Question]:
    """Yield the differences between cohorts at every visit that was asked for, or over a mean of visits."""
    import numpy as np

    n_arms = len(model.arms)
    pairs = [(second, first) for first, second in pairs_of(range(n_arms), 2) if pairwise or first == 0]
    for treated, comparator in pairs:
        rows = model.mean_rows[average][treated] - model.mean_rows[average][comparator]
        counts = model.n_patients_at_visit[[treated, comparator]].sum(axis=0)
        words = f"{ADJUSTED}: {model.arms[treated]} - {model.arms[comparator]}"
        names = {"treatment": model.arms[treated], "comparator": model.arms[comparator]}
        if isinstance(visits, Mapping):
            weights = np.zeros(len(model.visits))
            for visit, weight in visits.items():
                weights[_visit(model, visit)] = weight
            n_patients = int(counts[weights != 0.0].min(initial=model.n_patients))
            yield _Question(f"{words}, mean of visits", weights @ rows, n_patients=n_patients, **names)
            continue
        for visit in model.visits if visits is None else visits:
            position = _visit(model, visit)
            yield _Question(words, rows[position], visit, n_patients=int(counts[position]), **names)


def _visit(model: RepeatedMeasuresModel, name: str) -> int:
    require_option("visit", name, model.visits)
    return model.visits.index(name)


def _named(
    model: RepeatedMeasuresModel, name: str, weights: Mapping[str | tuple[str, str], float], average: str
) -> _Question:
    """Return a combination that the caller has named."""
    import numpy as np

    combination = np.zeros(len(model.names))
    for key, weight in weights.items():
        if isinstance(key, tuple):
            arms = model.arms or ("",)
            require_option("cohort", key[0], arms)
            combination += weight * model.mean_rows[average][arms.index(key[0]), _visit(model, key[1])]
        else:
            require_option("coefficient", key, model.names)
            position = model.names.index(key)
            combination[position] += weight if not np.isnan(model.coefficients[position]) else np.nan
    return _Question(name, combination, measure="linear combination", n_patients=model.n_patients)


def _estimates(
    result: Result,
    model: RepeatedMeasuresModel,
    questions: Sequence[_Question],
    multiplicity: str,
    conf_level: float,
) -> Iterator[Estimate]:
    import numpy as np

    tests = combination_tests(model, np.array([question.combination for question in questions]))
    level = 1.0 - (1.0 - conf_level) / len(questions) if multiplicity == "bonferroni" else conf_level
    limits = interval(tests, level)
    corrected = _corrected(tests.p_value, multiplicity)
    shared = result.estimates[0]
    for position, question in enumerate(questions):
        numbers = numbers_of(tests, limits, position, level) | {"p_value": float(corrected[position])}
        yield Estimate(
            term=question.term,
            measure=question.measure,
            unit="points",
            instrument=shared.instrument,
            cohort=shared.cohort,
            visit=question.visit,
            treatment=question.treatment,
            comparator=question.comparator,
            n_patients=question.n_patients,
            **numbers,
        )


def _corrected(p_values: NDArray[np.float64], multiplicity: str) -> NDArray[np.float64]:
    """Return p-values corrected for their number; those that are not known do not count."""
    import numpy as np

    known = ~np.isnan(p_values)
    if multiplicity == "none" or not known.any():
        return p_values
    from statsmodels.stats.multitest import multipletests

    corrected = np.full_like(p_values, np.nan)
    corrected[known] = multipletests(p_values[known], method=MULTIPLICITY[multiplicity])[1]
    return corrected


def _method(result: Result, multiplicity: str, n_questions: int, conf_level: float) -> Method:
    several = (
        "P-values are not corrected for the number of questions."
        if multiplicity == "none"
        else f"P-values are corrected for {n_questions} questions ({multiplicity.capitalize()})"
        + (", and so are the intervals." if multiplicity == "bonferroni" else "; the intervals are not.")
    )
    return Method(
        "linear combinations of a mixed model for repeated measures",
        f"{result.method.description} Intervals here: {format_level(conf_level)}. {several}",
        (*result.method.sources, *([_SOURCES[multiplicity]] if multiplicity in _SOURCES else [])),
    )
