"""Does the answer survive? One question, answered in every defensible way at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.change_from_baseline import change_from_baseline
from katoutcomes.analyses.clinical_significance import clinical_significance
from katoutcomes.analyses.cohort_difference import cohort_difference
from katoutcomes.analyses.steps.agreement import agreeing_shares, agreement_checks, spread
from katoutcomes.analyses.steps.choices import require_conf_level
from katoutcomes.analyses.steps.specifications import Specification, all_specifications
from katoutcomes.cohorts.definition import CohortDefinition
from katoutcomes.cohorts.selection import select_cohort
from katoutcomes.errors import DesignError, ImmortalTimeError, NumericalError, OptionError, require_option
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.estimands.visit_window import BASELINE_WINDOW, VisitWindow
from katoutcomes.instruments.catalog import instrument as instrument_called
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.formatting import format_level, format_number
from katoutcomes.results.part import Cell, Part
from katoutcomes.results.provenance import Provenance
from katoutcomes.results.result import Method, Result

if TYPE_CHECKING:
    from katoutcomes.cohorts.analysis_set import AnalysisSet
    from katoutcomes.cohorts.cohort import Cohort
    from katoutcomes.registry.registry import Registry

QUESTIONS: tuple[str, ...] = (
    "mean change",
    "difference between cohorts",
    "response",
    "remission",
    "reliable improvement",
)
"""What may be asked; the last three are shares, by a definition set each."""

SPECIFICATION_COLUMNS: tuple[str, ...] = (
    "order",
    "term",
    "baseline_first_day",
    "baseline_last_day",
    "baseline_choice",
    "first_day",
    "last_day",
    "visit_choice",
    "gap_days",
    "definition_set",
)
DEFAULT_BASELINE_WINDOWS: tuple[VisitWindow, ...] = (
    BASELINE_WINDOW,
    VisitWindow("baseline", target_day=0, first_day=-7, last_day=0),
    VisitWindow("baseline", target_day=0, first_day=-28, last_day=0),
)
DEFAULT_VISIT_WINDOWS: tuple[VisitWindow, ...] = (
    VisitWindow("week 12", target_day=84, first_day=70, last_day=98),
    VisitWindow("week 12", target_day=84, first_day=77, last_day=91),
    VisitWindow("week 12", target_day=84, first_day=56, last_day=112),
)
"""The default visit, and a narrower and a wider window around the same day."""

_SOURCES = (
    (
        "Steegen S, Tuerlinckx F, Gelman A, Vanpaemel W. Increasing transparency through a multiverse analysis. "
        "Perspect Psychol Sci 2016;11:702-712. doi:10.1177/1745691616658637"
    ),
    (
        "Simonsohn U, Simmons JP, Nelson LD. Specification curve analysis. Nat Hum Behav 2020;4:1208-1214. "
        "doi:10.1038/s41562-020-0912-z"
    ),
)
_ASSUMPTIONS = (
    (
        "The specifications use the same patients again and again, so they are not independent of each other: how many "
        "of them agree is no evidence in itself, and no p-value is made of it."
    ),
    (
        "What all of them share stays untested: who is in the data, who was scored again, and what the groups differ "
        "in besides what is adjusted for."
    ),
)


def multiverse(
    registry: Registry,
    estimand: Estimand | None = None,
    *,
    question: str = "mean change",
    definition: CohortDefinition | None = None,
    baseline_windows: Sequence[VisitWindow] = DEFAULT_BASELINE_WINDOWS,
    baseline_choices: Sequence[str] = ("last", "mean"),
    visits: Sequence[VisitWindow] = DEFAULT_VISIT_WINDOWS,
    visit_choices: Sequence[str] = ("nearest", "mean"),
    gap_days: Sequence[int] = (90,),
    definition_sets: Sequence[str] | None = None,
    treatment: str | None = None,
    covariates: Sequence[str] = (),
    against: float | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Answer one question under every combination of windows, choices, gap rules and definition sets.

    The first entry of each choice makes the main specification. Name only choices that could have been made as well:
    an odd one proves nothing.

    Parameters
    ----------
    registry : Registry
        The checked data; cohorts are selected from it for each specification.
    estimand : Estimand, optional
        The question, if another wording is wanted.
    question : {"mean change", "difference between cohorts", "response", "remission", "reliable improvement"}
        What is answered: the mean change from baseline, the adjusted difference between two cohorts that were fixed at
        time zero, or a share of the patients by each definition set.
    definition : CohortDefinition, optional
        Everything else about the cohort: instrument, criteria, course.
    baseline_windows, baseline_choices, visits, visit_choices, gap_days : sequences
        The choices, as in `CohortDefinition` and `VisitWindow`. Visits count from the first dose.
    definition_sets : sequence of str, optional
        For shares: ids of the catalog; by default every one of that kind.
    treatment, covariates
        For the difference between cohorts, as in `cohort_difference`.
    against : float, optional
        What the answer is held against: 0 for a change or a difference. For a share it has to be named, for example
        0.5; without it no sentence says whether the answer survives.
    conf_level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    Result
        One estimate a specification, its term in words; the median, the smallest and the largest of them; and, where
        `against` is known, which share of the specifications lies on the side of the main one, and which share also
        has an interval that excludes it. The check ``"answer survives"`` says it in a sentence. A specification that
        the data cannot answer is NaN and survives nothing. The part ``"specifications"`` lists the choices.

    Raises
    ------
    DesignError
        If the data cannot answer the main specification.
    ImmortalTimeError
        If the treatment is known only after time zero.
    OptionError
        If a choice is empty or not one that can be made.

    References
    ----------
    Steegen S, et al. Perspect Psychol Sci 2016;11:702-712. doi:10.1177/1745691616658637.
    Simonsohn U, et al. Nat Hum Behav 2020;4:1208-1214. doi:10.1038/s41562-020-0912-z.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=1, n_patients=60)
    >>> result = kat.multiverse(registry, baseline_choices=["last"], visit_choices=["nearest"])
    >>> len(result.part("specifications").rows), result.select(term="same side")[0].estimate
    (9, 1.0)
    >>> [check.message for check in result.checks if check.name == "answer survives"]
    ['The answer survives: every specification lies on the same side of 0, and every interval excludes it.']
    """
    require_conf_level(conf_level)
    require_option("question", question, QUESTIONS)
    base = CohortDefinition() if definition is None else definition
    _require_common_days(visits)
    specifications = all_specifications(
        base,
        baseline_windows=baseline_windows,
        baseline_choices=baseline_choices,
        visits=visits,
        visit_choices=visit_choices,
        gap_days=gap_days,
        definition_sets=_definition_sets(base.instrument, question, definition_sets),
    )
    held_against = 0.0 if against is None and question in QUESTIONS[:2] else against
    asked = _Asked(question, treatment, tuple(covariates), conf_level)
    first, *others = _answers(registry, specifications, asked)
    data, main = first
    if data is None or main is None:
        raise DesignError("the data cannot answer the main specification, which takes the first of each choice.")
    found = [main, *(answer for _, answer in others)]
    named = [
        _named(answer, number, specification, main)
        for number, (specification, answer) in enumerate(zip(specifications, found, strict=True), start=1)
    ]
    known = [estimate for estimate in named if not math.isnan(estimate.estimate)]
    return Result(
        analysis="multiverse",
        title=f"Multiverse: {question} on the {data.instrument.name} at {specifications[0].visit.name}",
        estimand=estimand if estimand is not None else _estimand(data, question, main, specifications[0]),
        method=_method(conf_level, held_against),
        estimates=(*named, *spread(known, main), *agreeing_shares(named, main, held_against)),
        provenance=_provenance(data, registry),
        parts=(_part(specifications, named),),
        assumptions=_ASSUMPTIONS + data.notes,
        checks=agreement_checks(named, main, held_against),
    )


# --- the answers -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Asked:
    """The question, and the choices that all specifications share."""

    question: str
    treatment: str | None
    covariates: tuple[str, ...]
    conf_level: float

    def data_of(self, cohort: Cohort, visit: VisitWindow) -> AnalysisSet:
        if self.question != QUESTIONS[1]:
            return cohort.analysis_set(visits=(visit,), covariates=())
        return cohort.analysis_set(visits=(visit,), treatment=self.treatment, covariates=self.covariates)

    def answer(self, data: AnalysisSet, definition_set: str) -> Estimate:
        """Return the one number that is asked for; DesignError or NumericalError if the data cannot give it."""
        level = self.conf_level
        if self.question == QUESTIONS[0]:
            return change_from_baseline(data, conf_level=level).select(measure="mean change")[0]
        if self.question == QUESTIONS[1]:
            result = cohort_difference(data, covariates=self.covariates, conf_level=level)
            return result.select(measure="difference in means")[0]
        result = clinical_significance(data, definition_sets=(definition_set,), conf_level=level)
        return result.select(term=self.question, definition_set=definition_set)[0]


def _answers(
    registry: Registry, specifications: Sequence[Specification], asked: _Asked
) -> Iterator[tuple[AnalysisSet | None, Estimate | None]]:
    """Yield the data and the answer of each specification, None where there is none; a cohort is selected once."""
    # That the main cohort can be selected shows that its rules can be applied; another one can only be empty.
    cohorts: dict[CohortDefinition, Cohort | None] = {
        specifications[0].definition: select_cohort(registry, specifications[0].definition)
    }
    for specification in specifications:
        if specification.definition not in cohorts:
            cohorts[specification.definition] = _cohort_or_none(registry, specification.definition)
        cohort = cohorts[specification.definition]
        yield (None, None) if cohort is None else _answer(cohort, specification, asked)


def _cohort_or_none(registry: Registry, definition: CohortDefinition) -> Cohort | None:
    try:
        return select_cohort(registry, definition)
    except DesignError:
        return None


def _answer(cohort: Cohort, specification: Specification, asked: _Asked) -> tuple[AnalysisSet | None, Estimate | None]:
    data = asked.data_of(cohort, specification.visit)
    try:
        return data, asked.answer(data, specification.definition_set)
    except ImmortalTimeError:
        raise
    except (DesignError, NumericalError):
        return data, None


def _definition_sets(instrument: str, question: str, names: Sequence[str] | None) -> tuple[str, ...]:
    if question in QUESTIONS[:2]:
        if names:
            raise OptionError(f"definition_sets apply to shares; the question is {question!r}.")
        return ("",)
    scale = instrument_called(instrument)
    kind = "reliable_change" if question == QUESTIONS[4] else question
    if names is None:
        found = tuple(definition.id for definition in scale.definitions(kind))
        if not found:
            raise OptionError(f"no {kind} of the {scale.name} is known; name definition_sets.")
        return found
    return tuple(scale.definition(kind, name).id for name in names)


def _require_common_days(visits: Sequence[VisitWindow]) -> None:
    if any(visit.is_anchored_later for visit in visits):
        raise DesignError("the visits of a multiverse count from the first dose, so that all ask about the same time.")


# --- the result ------------------------------------------------------------------------------------------------------


def _named(answer: Estimate | None, number: int, specification: Specification, main: Estimate) -> Estimate:
    """Return an answer under the name of its specification; NaN of nobody where there is none."""
    if answer is None:
        answer = Estimate(
            term=main.term,
            measure=main.measure,
            unit=main.unit,
            instrument=main.instrument,
            cohort=main.cohort,
            treatment=main.treatment,
            comparator=main.comparator,
            n_patients=0,
        )
    return replace(
        answer,
        term=f"specification {number}, {specification.words()}",
        visit=specification.visit.name,
        definition_set=specification.definition_set,
    )


def _part(specifications: Sequence[Specification], named: Sequence[Estimate]) -> Part:
    rows: list[tuple[Cell, ...]] = []
    for order, (specification, estimate) in enumerate(zip(specifications, named, strict=True), start=1):
        window, visit = specification.definition.baseline_window, specification.visit
        rows.append(
            (
                order,
                estimate.term,
                window.first_day,
                window.last_day,
                specification.definition.baseline_choice,
                visit.first_day,
                visit.last_day,
                visit.choice,
                specification.definition.gap_days,
                specification.definition_set,
            )
        )
    return Part("specifications", SPECIFICATION_COLUMNS, tuple(rows))


def _provenance(data: AnalysisSet, registry: Registry) -> Provenance:
    """Return the settings that all specifications share; those that differ stand in the part."""
    differ = {"baseline rule", "visit rule", "visits", "course rule"}
    settings = tuple((name, text) for name, text in data.provenance.settings if name not in differ)
    return Provenance("registry", registry.digest, settings, registry.is_synthetic)


def _estimand(data: AnalysisSet, question: str, main: Estimate, specification: Specification) -> Estimand:
    return Estimand(
        name="multiverse",
        population=data.population,
        treatment=main.treatment,
        comparator=main.comparator,
        endpoint=Endpoint(data.instrument.name, specification.visit.name, f"{question}, in every specification"),
        intercurrent_events="scores are used as observed, and patients without the scores are left out",
        summary_measure="range of answers",
    )


def _method(conf_level: float, against: float | None) -> Method:
    held = (
        "No value was named to hold the answers against."
        if against is None
        else "An answer survives if every specification lies on the same side of "
        f"{format_number(against, 2, trailing_zeros=False)} as the main one and every interval excludes it."
    )
    return Method(
        name="multiverse",
        description=(
            "The same question is answered for every combination of baseline window, choice of the baseline score, "
            "visit window, choice of the visit's score, gap rule and definition set, with the analysis that answers it "
            f"alone. The first of each choice is the main specification. Intervals are {format_level(conf_level)} and "
            f"not adjusted for the number of specifications. {held}"
        ),
        sources=_SOURCES,
    )
