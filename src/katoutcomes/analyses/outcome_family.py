"""Several comparisons that were declared as one family: which of them stand when the chance of any error is kept."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.family_band import band_estimates, family_band
from katoutcomes.errors import OptionError, require_option
from katoutcomes.estimands.estimand import Endpoint
from katoutcomes.results.check import Check
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.formatting import format_number
from katoutcomes.results.reasons import listed
from katoutcomes.results.result import Method, Result

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.estimands.estimand import Estimand

PROCEDURES: tuple[str, ...] = ("holm", "graph", "max_t")
_ANSWERS = ("follow-up, weighted", "emulated trial", "follow-up, adjusted")
"""Terms of the differences that are the answer of an analysis."""
_MADE_OF = "results of compare_cohorts, emulate_trial or cohort_difference"
_SOURCES = {
    "holm": "Holm S. Scand J Stat 1979;6:65-70",
    "graph": "Bretz F, Maurer W, Brannath W, Posch M. Stat Med 2009;28:586-604. doi:10.1002/sim.3495",
    "max_t": "Westfall PH, Young SS. Resampling-based multiple testing. Wiley, 1993",
}
_BY_MAX_T = (
    "One band holds all differences at once: each reaches as many of its standard errors as the largest of all "
    "deviations in a resample of patients reaches at the level; p-values are adjusted in a single step (max-t)."
)


def outcome_family(
    results: Result | Sequence[Result],
    estimand: Estimand | None = None,
    *,
    procedure: str = "holm",
    weights: Sequence[float] | None = None,
    transitions: Mapping[tuple[int, int], float] | None = None,
) -> Result:
    """Adjust the p-values of several comparisons that were declared as one family before the data were looked at.

    Parameters
    ----------
    results : Result or sequence of Result
        Of `compare_cohorts`, `emulate_trial` or `cohort_difference` on the same data. Their differences, in order,
        are the hypotheses.
    estimand : Estimand, optional
        The question, if another wording is wanted; by default that of the first result, for all outcomes.
    procedure : {"holm", "graph", "max_t"}
        Holm treats all alike. A graph says what each hypothesis is worth at the start and to which others its share
        passes when it is rejected: a fixed sequence, fallback and gatekeeping are graphs. "max_t" also makes one band
        that holds all differences at once, over visits, outcomes and arms: from the resamples of patients that the
        comparisons share, so that what the outcomes have in common makes it narrower than Bonferroni's. It needs
        results of `compare_cohorts` with ``interval="bootstrap"``, of the same data, with the same covariates,
        `n_bootstrap` and seed (`rng`).
    weights : sequence of float, optional
        For "graph": the shares at the start, together at most 1; by default all on the first hypothesis.
    transitions : mapping of (int, int) to float, optional
        For "graph": from which to which hypothesis (counted from 0) which part of a share passes; by default all of it
        to the next one, which with the default weights is a fixed sequence.

    Returns
    -------
    Result
        For each hypothesis the adjusted p-value, beside which stands the p-value itself. A hypothesis is rejected at a
        level if its adjusted p-value is at most that level; the chance of any false rejection is then at most the
        level. With "max_t" also each difference with its interval alone and with the band, which ``plot("band")``
        draws, and how many standard errors the band reaches.

    Raises
    ------
    OptionError
        If something is no such result or has no difference, the data are not the same, two hypotheses are the same,
        weights and transitions are no graph, or for "max_t" the comparisons do not share their resamples.

    References
    ----------
    Bretz F, Maurer W, Brannath W, Posch M. A graphical approach to sequentially rejective multiple test procedures.
    Stat Med 2009;28:586-604. doi:10.1002/sim.3495.
    Westfall PH, Young SS. Resampling-based multiple testing. Wiley, 1993.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=20260930, n_patients=300)
    >>> data = kat.select_cohort(registry).analysis_set("PHQ-9", treatment="program_booked")
    >>> score = kat.compare_cohorts(data, n_bootstrap=200, rng=1)
    >>> response = kat.compare_cohorts(data, outcome="response", n_bootstrap=200, rng=1)
    >>> family = kat.outcome_family([score, response], procedure="graph")
    >>> [round(one.estimate, 3) for one in family.estimates]
    [0.01, 0.01]

    >>> visits = [kat.compare_cohorts(data, visit=visit, n_bootstrap=200, rng=1) for visit in ("week 4", "week 12")]
    >>> band = kat.outcome_family(visits, procedure="max_t")
    >>> 1.96 < band.select(measure="critical value")[0].estimate < 2.3
    True
    """
    import numpy as np

    require_option("procedure", procedure, PROCEDURES)
    family = tuple(results) if isinstance(results, Iterable) else (results,)
    if not family or not all(isinstance(one, Result) for one in family):
        raise OptionError(f"a family is made of {_MADE_OF}.")
    hypotheses = _hypotheses(family)
    p_values = np.array([one.p_value for one in hypotheses])
    if procedure != "graph" and (weights is not None or transitions is not None):
        raise OptionError("weights= and transitions= belong to procedure='graph'.")
    # One number for all: two that differ by a patient or two would tell of these.
    fewest = min((one.n_patients for one in hypotheses if one.n_patients is not None), default=None)
    beside: tuple[Estimate, ...] = ()
    if procedure == "graph":
        adjusted, words = _by_graph(p_values, weights, transitions)
    elif procedure == "max_t":
        band = family_band(family, hypotheses)
        adjusted, words, beside = band.p_value, _BY_MAX_T, tuple(band_estimates(hypotheses, band, fewest))
    else:
        adjusted, words = _by_holm(p_values)
    first = family[0]
    return Result(
        analysis="outcome_family",
        title=f"Family of {len(hypotheses)} comparison{'s' if len(hypotheses) > 1 else ''}",
        estimand=estimand if estimand is not None else _estimand(family),
        method=Method(f"{procedure.replace('_', '-')} procedure", words, (_SOURCES[procedure],)),
        estimates=(
            *(_adjusted(one, p_value, fewest) for one, p_value in zip(hypotheses, adjusted.tolist(), strict=True)),
            *beside,
        ),
        provenance=first.provenance,
        assumptions=(
            "The family, and in a graph its shares and transitions, were declared before outcomes were seen.",
        ),
        checks=(_tested(p_values),),
        warnings=tuple(dict.fromkeys(warning for one in family for warning in one.warnings)),
    )


def _hypotheses(results: tuple[Result, ...]) -> list[Estimate]:
    """Return the difference that each result answers with, named for its outcome."""
    found = []
    for result in results:
        answers = [
            one
            for one in result.estimates
            if one.comparator
            and one.term.split(": ", 1)[0] in _ANSWERS
            and one.measure in {"difference in means", "difference in proportions"}
        ]
        if not answers:
            raise OptionError(f"a result of {result.analysis} has no single answer: a family is made of {_MADE_OF}.")
        found += [replace(one, term=_term(result, one)) for one in answers]
    if len({result.provenance.digest for result in results}) != 1:
        raise OptionError("the results of a family rest on the same data.")
    if len({one.term for one in found}) < len(found):
        raise OptionError("two hypotheses of the family are the same.")
    return found


def _term(result: Result, one: Estimate) -> str:
    outcome = result.estimand.endpoint.variable
    return f"{one.instrument}, {outcome}, {one.visit}: {one.treatment} - {one.comparator}"


def _by_holm(p_values: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    from katoutcomes.kernels.multiplicity import adjusted_p_values

    return adjusted_p_values(p_values, "holm"), "P-values are adjusted by Holm's procedure over the family."


def _by_graph(
    p_values: NDArray[np.float64],
    weights: Sequence[float] | None,
    transitions: Mapping[tuple[int, int], float] | None,
) -> tuple[NDArray[np.float64], str]:
    import numpy as np

    from katoutcomes.kernels.multiplicity import graphical_p_values

    n = p_values.size
    shares = np.array([1.0] + [0.0] * (n - 1) if weights is None else list(weights), dtype=np.float64)
    arrows = {(one, one + 1): 1.0 for one in range(n - 1)} if transitions is None else dict(transitions)
    matrix = np.zeros((n, n))
    for (start, end), part in arrows.items():
        if not (0 <= start < n and 0 <= end < n):
            raise OptionError(f"transitions name hypotheses from 0 to {n - 1}.")
        matrix[start, end] = part
    problem = ""
    try:
        adjusted = graphical_p_values(p_values, shares, matrix)
    except ValueError as error:
        problem = str(error)
    if problem:
        raise OptionError(problem)
    at_start = ", ".join(_number(share) for share in shares)
    passed = "; ".join(f"{start + 1} to {end + 1}: {_number(part)}" for (start, end), part in arrows.items())
    words = (
        f"P-values are adjusted by a graph: shares of the level at the start {at_start}; passed on when rejected, "
        f"{passed or 'nothing'}."
    )
    return adjusted, words


def _number(value: float) -> str:
    return format_number(value, 3, trailing_zeros=False)


def _adjusted(hypothesis: Estimate, p_value: float, n_patients: int | None) -> Estimate:
    """Return the adjusted p-value beside the one that was found; no other number of the difference."""
    return Estimate(
        term=hypothesis.term,
        measure="adjusted p-value",
        instrument=hypothesis.instrument,
        definition_set=hypothesis.definition_set,
        cohort=hypothesis.cohort,
        visit=hypothesis.visit,
        treatment=hypothesis.treatment,
        comparator=hypothesis.comparator,
        estimate=p_value,
        p_value=hypothesis.p_value,
        n_patients=n_patients,
    )


def _tested(p_values: NDArray[np.float64]) -> Check:
    import numpy as np

    passed = not bool(np.isnan(p_values).any())
    return Check(
        "every hypothesis tested",
        passed,
        "caution",
        math.nan,
        math.nan,
        "Every hypothesis of the family was tested."
        if passed
        else "A hypothesis of the family has no p-value: it is not rejected, and its share stays with it.",
    )


def _estimand(results: tuple[Result, ...]) -> Estimand:
    first = results[0].estimand
    if len(results) == 1:
        return first
    outcomes = list(dict.fromkeys(one.estimand.endpoint.variable for one in results))
    visits = list(dict.fromkeys(one.estimand.endpoint.visit for one in results if one.estimand.endpoint.visit))
    instruments = list(dict.fromkeys(one.estimand.endpoint.instrument for one in results))
    endpoint = Endpoint(listed(instruments), listed(visits) if visits else "", listed(outcomes))
    words = "difference in each outcome had all been in the first-named arm and had all been in the other"
    return replace(first, name="family_of_outcomes", endpoint=endpoint, summary_measure=words)
