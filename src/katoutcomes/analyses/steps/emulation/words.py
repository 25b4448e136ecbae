"""What is said beside an emulated trial: the question, the method, what must hold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.missing_scores import missing_words
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.estimands.leaving_care import COMPOSITE, TREATMENT_POLICY, WHILE_IN_CARE
from katoutcomes.results.formatting import format_level, format_number
from katoutcomes.results.part import Part
from katoutcomes.results.result import Method

if TYPE_CHECKING:
    from katoutcomes.analyses.steps.emulation.data import Emulation
    from katoutcomes.estimands.target_trial import TargetTrial

_SOURCES = (
    "Hernan MA, Robins JM. Am J Epidemiol 2016;183:758-764. doi:10.1093/aje/kwv254",
    "Cain LE, et al. Int J Biostat 2010;6(2):18. doi:10.2202/1557-4679.1212",
    "Maringe C, et al. Int J Epidemiol 2020;49:1719-1729. doi:10.1093/ije/dyaa057",
    "Bang H, Robins JM. Biometrics 2005;61:962-973. doi:10.1111/j.1541-0420.2005.00377.x",
    "VanderWeele TJ, Ding P. Ann Intern Med 2017;167:268-274. doi:10.7326/M16-2607",
)


def estimand_of(found: Emulation) -> Estimand:
    """Return the question in the attributes of ICH E9(R1)."""
    trial, is_effect = found.trial, found.trial.left_care != WHILE_IN_CARE
    what = f"percent with {found.event.words}" if found.is_share and found.event else f"mean {_MEANS[found.unit]}"
    contrast = "had all followed the first-named strategy and had all followed the other"
    return Estimand(
        name=trial.estimand.name,
        population=found.found.population,
        treatment=trial.strategy.label,
        comparator=trial.comparator.label,
        endpoint=_endpoint(found),
        intercurrent_events=(
            f"treated: {trial.strategy.sentence()}; comparator: {trial.comparator.sentence()}; leaving care before "
            f"that day is compatible with both, {_afterwards(found)}"
        ),
        summary_measure=f"difference in {what} {contrast if is_effect else f'{contrast}, which is no effect'}",
        is_causal=is_effect,
    )


_MEANS = {"points": "scores", "days": "days"}


def _afterwards(found: Emulation) -> str:
    counts = "each visit" if found.days else "the score"
    return _AFTERWARDS[found.trial.left_care].format(what=counts)


def title_of(found: Emulation) -> str:
    """Return what is compared, and when."""
    endpoint = _endpoint(found)
    outcome = "" if endpoint.variable == "score" else f", {endpoint.variable}"
    when = f" at {endpoint.visit}" if endpoint.visit else ""
    return f"Emulated trial of integration: {endpoint.instrument}{outcome}{when}"


_AFTERWARDS = {
    TREATMENT_POLICY: "and afterwards {what} counts whatever happens",
    COMPOSITE: "and everybody who leaves care before the visit counts as a non-responder (composite)",
    WHILE_IN_CARE: "and leaving care ends what is looked at: the last score before it counts, whenever it was",
}


def _endpoint(found: Emulation) -> Endpoint:
    """Return what is measured and, unless that is over a time, when."""
    instrument, visit = found.found.instrument.name, found.trial.visit.name
    what = "score" if found.event is None else found.event.words
    if found.days:
        return Endpoint(instrument, "", f"days in {what} {found.when}")
    if found.trial.left_care == WHILE_IN_CARE:
        last = "last score in care" if found.event is None else f"{what} by the last score in care"
        return Endpoint(instrument, "", f"{last} up to {visit}")
    return Endpoint(instrument, visit, f"{what} in care" if found.trial.left_care == COMPOSITE else what)


def method_of(found: Emulation, n_bootstrap: int, conf_level: float) -> Method:
    """Return how the answer was made, as the methods section would say it."""
    adjusted = ", ".join(["the baseline score", *(variable.label for variable in found.variables)])
    description = (
        f"{found.trial.estimand.sentence} Each patient has a copy in both arms, which is censored when the record "
        "departs from the strategy of the arm. The copies left are weighted by the inverse of the probability of "
        "having kept to it, from a pooled logistic model of a session in each week in care on "
        f"{adjusted}, the last recorded score and the week; inside the grace period nothing is prescribed before its "
        f"last week. {_outcome_words(found)}{_missing_words(found)} Weighted analysis of covariance of the copies on "
        f"arm and covariates{_linear_words(found)}. "
        f"Intervals are percentiles of a bootstrap of patients that refits everything ({n_bootstrap:,} resamples), "
        f"{format_level(conf_level)}. {missing_words(conf_level)} Logistic models have a "
        "ridge of 0.001 a row on standardized slopes; their probabilities are limited to 0.01 to 0.99."
    )
    of_outcome = () if found.event is None else (found.event.definition.source,)
    return Method("target trial emulation: clone, censor, weight", description, (*_SOURCES, *of_outcome))


def _outcome_words(found: Emulation) -> str:
    """Return how the outcome is defined, where it is no score at the visit."""
    if found.event is None:
        return ""
    if found.days:
        spoken_for = zip(found.trial.visits, found.spoken_for.tolist(), strict=True)
        listed = ", ".join(
            f"{visit.name} for {format_number(days, 1, trailing_zeros=False)} days" for visit, days in spoken_for
        )
        return (
            f"The outcome is the number of days in {found.event.words} ({found.event.definition.id}) {found.when}, "
            f"each day like the nearest visit ({listed}; on day 0 nobody responds): a sum over the visits, at each of "
            "which everything is done as for a binary outcome, with the same weights. "
        )
    return f"The outcome is {found.event.words} ({found.event.definition.id}), 1 or 0. "


def _missing_words(found: Emulation) -> str:
    """Return what is done about who has no outcome."""
    if found.trial.left_care == WHILE_IN_CARE:
        return (
            "Everybody has a last score in care, the baseline score where none followed, so nothing is predicted for "
            "the missing."
        )
    if found.trial.left_care == COMPOSITE:
        return (
            "Whoever has left care does not have it. Of the patients in care missing outcomes are predicted by a "
            f"linear model, fitted to these alone, of the same covariates, the last score and {_SESSIONS}."
        )
    what = "Missing scores" if found.event is None else "Missing outcomes"
    at_visits = ", at each visit from what was known before it," if found.days else ""
    return (
        f"{what} are predicted{at_visits} by a linear model of the same covariates, the last score in care, having "
        f"left care and {_SESSIONS}."
    )


_SESSIONS = (
    "weeks with a session until the strategies are decided, beside the mean of the scores with which these weeks began "
    "(sessions follow the scores)"
)


def _linear_words(found: Emulation) -> str:
    return " (a linear model of the probability)" if found.is_share else ""


def assumptions_of(found: Emulation) -> tuple[str, ...]:
    """Return what must hold, with what speaks for or against it."""
    by_day = found.trial.by_day
    return (
        "Consistency: a session is a session. What happens in it differs between clinics and therapists.",
        (
            "Exchangeability at time zero and in every week: given the covariates and the last score, who has a "
            "session has nothing to do with how the patient would fare. No data can show it. The covariates "
            f"must hold whatever drives sessions after day {by_day} as well; a booked program belongs among them."
        ),
        (
            "Positivity: every kind of patient in care could have had a session in each week, and none. The "
            "probabilities of a session, the effective sample sizes by week and the largest weight speak for or "
            "against it."
        ),
        "No interference: how one patient fares does not depend on the sessions of others.",
        (
            "Missing scores: given the covariates, the last score in care, having left and the sessions, whether a "
            "score is missing has nothing to do with its value. The tipping point says how wrong it may be."
        ),
        (
            "Models: the logistic and linear models have about the right form. Two estimators that agree, and balance "
            "in each week as weighted, speak for it."
        ),
        (
            f"The grace period: the treated begin at any time until day {by_day}, at the pace usual in these clinics; "
            "the answer is about that pace."
        ),
        (
            f"One question: the primary contrast is that of {found.found.instrument.name} {_where(found)}. "
            "All other differences here ask how far it could be wrong, and their p-values are not adjusted; those of "
            "differences of effects are (Holm)."
        ),
    )


def _where(found: Emulation) -> str:
    return f"in days {found.when}" if found.days else f"at {found.when}"


def warnings_of(found: Emulation, *, has_control: bool) -> tuple[str, ...]:
    """Return what a reader must know beside the numbers, without a count."""
    sentences = []
    if found.n_patients < found.n_eligible:
        sentences.append(
            "Eligible patients without a baseline score, or of whom a covariate is not known, are left out."
        )
    if not found.found.care_is_given:
        sentences.append(
            "When patients left care is read from their last session (in_care_until=); whoever stayed in care without "
            "another session counts as having left."
        )
    if found.units is not None:
        sentences.append(
            "Every course is a trial of its own, and patients are resampled with all of theirs. Patients are counted, "
            "each once wherever one of the courses counts, so kinds of followers may add up to more than all; "
            "effective sample sizes are of courses."
        )
    if found.trial.left_care == WHILE_IN_CARE:
        sentences.append(
            "Last scores in care are of different days: who left early was last scored early. Where the strategies "
            "differ in who leaves, they differ in this as well, so the difference describes and is no effect."
        )
    if found.days:
        sentences.append(
            "What happened between two visits was not seen; the two other rules for these days say how much it could "
            "matter. Days in response start at 0 for everybody, so that they have no bound of regression to the mean."
        )
    if not found.variables:
        sentences.append("Nothing but the scores is adjusted for: no confounder was named.")
    if not has_control:
        sentences.append(
            "No negative control was named: an outcome that the strategies cannot have changed, on which the same "
            "method should find nothing."
        )
    return tuple(sentences)


def protocol_part(trial: TargetTrial) -> Part:
    """Return the items of the protocol: the item, the target trial, the emulation."""
    return Part("protocol", ("step", "description", "value"), trial.protocol())
