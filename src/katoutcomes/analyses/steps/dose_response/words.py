"""What is said beside a dose-response trial: the question, the protocol, the method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.emulation import words as of_two_arms
from katoutcomes.analyses.steps.missing_scores import missing_words
from katoutcomes.estimands.estimand import Estimand
from katoutcomes.results.formatting import format_level
from katoutcomes.results.part import Part
from katoutcomes.results.result import Method

if TYPE_CHECKING:
    from katoutcomes.analyses.steps.emulation.data import Emulation
    from katoutcomes.estimands.session_counts import SessionCount
    from katoutcomes.estimands.target_trial import TargetTrial

_SOURCES = (
    "Cain LE, et al. Int J Biostat 2010;6(2):18. doi:10.2202/1557-4679.1212",
    "Hernan MA, Robins JM. Am J Epidemiol 2016;183:758-764. doi:10.1093/aje/kwv254",
    "Holm S. Scand J Stat 1979;6:65-70",
)


def estimand_of(found: Emulation, strategies: Sequence[SessionCount]) -> Estimand:
    """Return the question in the attributes of ICH E9(R1)."""
    two_arms = of_two_arms.estimand_of(found)
    first, *others = strategies
    return Estimand(
        name="session_dose_response",
        population=two_arms.population,
        treatment="; or ".join(one.label for one in others),
        comparator=first.label,
        endpoint=two_arms.endpoint,
        intercurrent_events="; ".join(f"{one.label}: {one.sentence()}" for one in strategies)
        + "; leaving care before that day is compatible with what is still possible, and afterwards the score counts "
        "whatever happens",
        summary_measure="difference in mean scores had all followed one strategy and had all followed another",
        is_causal=True,
    )


def protocol_part(trial: TargetTrial, strategies: Sequence[SessionCount]) -> Part:
    """Return the items of the protocol, with the strategies of every arm."""
    named = "; or ".join(one.sentence() for one in strategies)
    rows = tuple(
        (item, named, "the same, read from the dates of sessions in weeks after the first dose")
        if item == "treatment strategies"
        else (item, target, emulated)
        for item, target, emulated in trial.protocol()
    )
    return Part("protocol", ("step", "description", "value"), rows)


def method_of(found: Emulation, n_bootstrap: int, conf_level: float) -> Method:
    """Return how the answer was made, as the methods section would say it."""
    adjusted = ", ".join(["the baseline score", *(variable.label for variable in found.variables)])
    description = (
        "Each patient has a copy in every arm, which is censored when the record departs from it: a session is "
        "prescribed once as many weeks are left as are missing, and forbidden once there are enough (the last arm "
        "allows more). Copies left are weighted by the inverse of the probability of having kept to the arm, from one "
        f"pooled logistic model of a session in each week in care on {adjusted}, the last recorded score, weeks with a "
        "session so far, a session in the week before, and the week. Missing scores are predicted by a linear model "
        "of the same covariates, the last score in care, having left care, weeks in care, weeks with a session by the "
        "day of the strategies, and the mean of the scores with which those weeks began (sessions follow the scores). "
        "Weighted analysis of covariance of the copies. Differences of all pairs, their p-values "
        "adjusted after Holm; the trend is the least-squares slope of the arm means over the number of weeks, the last "
        "arm at its smallest. Nothing is regressed on how many sessions patients had. Intervals are percentiles of a "
        f"bootstrap of patients that refits everything ({n_bootstrap:,} resamples), {format_level(conf_level)}. "
        f"{missing_words(conf_level)} Checks are those of a trial of two arms, made of every pair of arms that can be "
        "answered; of each the worst is told."
    )
    return Method("target trial emulation with several arms", description, _SOURCES)


def assumptions_of(found: Emulation) -> tuple[str, ...]:
    """Return what must hold, that of two arms and what several add."""
    return (
        *of_two_arms.assumptions_of(found)[:-1],
        (
            "The number of weeks: the arms differ in nothing but it. When sessions fell, and what happened in them, is "
            "as usual in these clinics; a trend says nothing about more weeks than were seen."
        ),
        (
            f"Several questions: the differences of all pairs of arms in {found.found.instrument.name} at "
            f"{found.trial.visit.name} are one family, with p-values after Holm; the trend is one question beside "
            "them. Everything else here asks how far these could be wrong, and its p-values are not adjusted."
        ),
    )
