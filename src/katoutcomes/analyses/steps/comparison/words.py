"""The words of a comparison of cohorts: question, method, assumptions, warnings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.missing_scores import missing_words
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.estimands.leaving_care import COMPOSITE, NAME_OF, TREATMENT_POLICY, WHILE_IN_CARE
from katoutcomes.results.formatting import format_level, format_number
from katoutcomes.results.reasons import listed
from katoutcomes.results.result import Method

if TYPE_CHECKING:
    from katoutcomes.analyses.steps.comparison.arms import Comparison
    from katoutcomes.analyses.steps.comparison.choices import ComparisonChoices
    from katoutcomes.estimands.visit_window import VisitWindow

_SOURCES = {
    "overlap": "Li F, Morgan KL, Zaslavsky AM. J Am Stat Assoc 2018;113:390-400. doi:10.1080/01621459.2016.1260466",
    "entropy": "Hainmueller J. Polit Anal 2012;20:25-46. doi:10.1093/pan/mpr025",
    "iptw": "Cole SR, Hernan MA. Am J Epidemiol 2008;168:656-664. doi:10.1093/aje/kwn164",
    "several": "Li F, Li F. Ann Appl Stat 2019;13:2389-2415. doi:10.1214/19-AOAS1282",
    "aipw": "Bang H, Robins JM. Biometrics 2005;61:962-973. doi:10.1111/j.1541-0420.2005.00377.x",
    "imputation": "Schafer JL. Analysis of Incomplete Multivariate Data. Chapman and Hall, 1997, section 6.5",
    "jump_to_reference": (
        "Carpenter JR, Roger JH, Kenward MG. J Biopharm Stat 2013;23:1352-1371. doi:10.1080/10543406.2013.834911"
    ),
    "multiple_imputation": "Barnard J, Rubin DB. Biometrika 1999;86:948-955. doi:10.1093/biomet/86.4.948",
    "e_value": "VanderWeele TJ, Ding P. Ann Intern Med 2017;167:268-274. doi:10.7326/M16-2607",
    "robustness": "Cinelli C, Hazlett C. J R Stat Soc B 2020;82:39-67. doi:10.1111/rssb.12348",
    "estimands": "ICH E9(R1), addendum on estimands and sensitivity analysis in clinical trials, 2019",
    "days": "Andersen PK, Keiding N. Stat Med 2012;31:1074-1088. doi:10.1002/sim.4385",
    "balance": "Austin PC. Stat Med 2009;28:3083-3107. doi:10.1002/sim.3697",
}
_WEIGHT_WORDS = {
    "overlap": "overlap weights (each patient counts by the probability of the other arm)",
    "iptw_ate": "stabilized inverse-probability-of-treatment weights for all patients",
    "iptw_att": "inverse-probability-of-treatment weights for the treated",
    "entropy": "entropy-balancing weights to the covariate means of all patients",
    "none": "no balancing weights",
}
_MISSING_WORDS = {
    "observation_weights": "the scored also stand for the missing by the inverse of their probability of being scored",
    "multiple_imputation": (
        "missing scores are multiply imputed by regressions of each visit on arm, covariates and the scores before it, "
        "with drawn parameters (monotone data augmentation)"
    ),
    "complete_cases": "patients without a score are left out",
    "likelihood": "missing scores are answered for by the likelihood of the repeated-measures model",
}
_METHOD_WORDS = {
    "weighted_ancova": "weighted analysis of covariance",
    "aipw": "augmented inverse-probability weighting",
    "g_computation": "standardization of a linear outcome model (g-computation)",
    "mmrm": "mixed model for repeated measures",
}
_INTERVAL_WORDS = {
    "bootstrap": (
        "Intervals are percentiles of a bootstrap of patients that refits everything (in simulation about 94 percent "
        "of 95 percent intervals held the truth)"
    ),
    "robust": (
        "Intervals take the weights as known (HC3, t), which is wrong in either direction below 1,000 patients: in "
        "simulation 97 to 98 percent of 95 percent intervals held the truth with overlap weights and 300 patients, and "
        "fewer than 95 percent where more models lay behind the weights; prefer the bootstrap"
    ),
    "rubin": (
        "Intervals follow Rubin's rules with the degrees of freedom of Barnard and Rubin (in simulation about 97 "
        "percent of 95 percent intervals held the truth with 300 patients)"
    ),
    "model": "Intervals are those of the model, with degrees of freedom after Kenward and Roger",
}


def method_of(found: Comparison, choices: ComparisonChoices) -> Method:
    """Return how the answer was made, as the methods section would say it."""
    adjusted_for = ", ".join(["the baseline score", *(variable.label for variable in found.variables)])
    weights = f" with {_WEIGHT_WORDS[choices.weights]}" if choices.method != "mmrm" else ""
    history = ""
    if choices.uses_observation_weights and found.history_names and found.left_care != WHILE_IN_CARE:
        history = f" (a logistic model of arm, covariates, {', '.join(found.history_names)})"
    estimator = _estimator(found, choices)
    numbers = {"bootstrap": choices.resampling.n_bootstrap, "rubin": choices.n_imputations}.get(choices.interval)
    repeats = f" ({numbers:,} {'resamples' if choices.interval == 'bootstrap' else 'imputations'})" if numbers else ""
    description = (
        f"{estimator[0].upper()}{estimator[1:]} of {_outcome(found)}{weights}, adjusted for {adjusted_for}; "
        f"{_missing_words(found, choices)}{history}. "
        f"{_INTERVAL_WORDS[choices.interval]}{repeats}, {format_level(choices.conf_level)}. {_floor(choices)}"
        f"{missing_words(choices.conf_level)} Logistic "
        "models of arm and observation have a ridge of 0.001 a patient on standardized slopes; their probabilities are "
        "limited to 0.01 to 0.99."
    )
    return Method(estimator, description, _sources(found, choices))


def _estimator(found: Comparison, choices: ComparisonChoices) -> str:
    """Return the estimator in words; that of a binary outcome is named for what it does."""
    if found.event is None:
        return _METHOD_WORDS[choices.method]
    is_linear = choices.missing == "multiple_imputation" or choices.interval == "robust"
    words = {
        "weighted_ancova": "standardization of a weighted logistic model",
        "g_computation": "standardization of a logistic model",
    }
    estimator = "weighted linear model" if is_linear else words.get(choices.method, _METHOD_WORDS[choices.method])
    return f"{estimator} at each visit" if found.days and not is_linear else estimator


def _missing_words(found: Comparison, choices: ComparisonChoices) -> str:
    """Return what is done about who has no outcome."""
    if found.left_care == WHILE_IN_CARE:
        return "everybody has an outcome, so nothing is missing"
    in_care = "of the patients in care " if found.left_care == COMPOSITE else ""
    return f"{in_care}{_MISSING_WORDS[choices.missing]}"


def _outcome(found: Comparison) -> str:
    """Return what is compared, with its definition and when it is measured."""
    visit = found.window.name
    what = "the score" if found.event is None else f"{found.event.words} ({found.event.definition.id})"
    if found.days:
        listed = ", ".join(f"{one.name} for {_days(days)}" for one, days in _spoken_for(found))
        return (
            f"the days with {what} up to {visit}, each day like the nearest visit ({listed}; on day 0 nobody has it),"
        )
    if found.left_care == WHILE_IN_CARE:
        last = "the last score in care (the baseline score where none followed)"
        return f"{last} up to {visit}" if found.event is None else f"{what} by {last} up to {visit}"
    return f"{what} at {visit}{_COMPOSITE_WORDS if found.left_care == COMPOSITE else ''}"


_COMPOSITE_WORDS = ", those who had left care counting as without it,"


def _spoken_for(found: Comparison) -> Iterator[tuple[VisitWindow, float]]:
    from katoutcomes.kernels.groups.days_in_state import days_spoken_for

    yield from zip(found.visits, days_spoken_for(found.visit_days).tolist(), strict=True)


def _days(days: float) -> str:
    return f"{format_number(days, 1, trailing_zeros=False)} days"


def _floor(choices: ComparisonChoices) -> str:
    """Say how small a p-value of a bootstrap can be: one printed so small means no more than that."""
    if choices.interval != "bootstrap":
        return ""
    floor = format_number(2.0 / (choices.resampling.n_bootstrap + 1.0), 4, trailing_zeros=False)
    return f"A p-value of the bootstrap cannot be below {floor}: read one as small as that as less. "


def title_of(found: Comparison) -> str:
    """Return what is compared, where and when."""
    instrument, endpoint = found.data.instrument.name, _endpoint(found)
    outcome = "" if endpoint.variable == "score" else f", {endpoint.variable}"
    when = f" at {endpoint.visit}" if endpoint.visit else ""
    return f"Comparison of cohorts: {instrument}{outcome}{when}"


def _endpoint(found: Comparison) -> Endpoint:
    """Return what is measured and, unless that is over a time, when."""
    instrument, visit = found.data.instrument.name, found.window.name
    what = "score" if found.event is None else found.event.words
    if found.days:
        return Endpoint(instrument, "", f"days in {what} {found.when}")
    if found.left_care == WHILE_IN_CARE:
        last = "last score in care" if found.event is None else f"{what} by the last score in care"
        return Endpoint(instrument, "", f"{last} {found.when}")
    return Endpoint(instrument, visit, f"{what} in care" if found.left_care == COMPOSITE else what)


def _sources(found: Comparison, choices: ComparisonChoices) -> tuple[str, ...]:
    keys = [choices.weights.split("_")[0], choices.method, choices.missing, "e_value", "robustness", "balance"]
    if choices.missing == "multiple_imputation":
        keys += ["imputation"] + ["jump_to_reference"] * (found.leaving is not None)
    keys += ["days"] * bool(found.days) + ["estimands"] * (found.left_care != TREATMENT_POLICY)
    if len(found.groups) > 2:
        keys.insert(0, "several")
    of_outcome = () if found.event is None else (found.event.definition.source,)
    return (*(_SOURCES[key] for key in keys if key in _SOURCES), *of_outcome)


def estimand_of(found: Comparison, choices: ComparisonChoices) -> Estimand:
    """Return the question in plain words: whom it is about and what becomes of leaving care depend on the choices."""
    comparator, later = found.groups[0].label, [group.label for _, group in found.later_arms]
    is_effect = found.left_care != WHILE_IN_CARE
    contrast = (
        "had all been in the first-named arm and had all been in the other"
        if is_effect
        else "adjusted for who is in which arm; it describes and is no effect"
    )
    return Estimand(
        name=_name(found, choices),
        population=_population(found, choices),
        treatment=later[0] if len(later) == 1 else f"each of {listed(later)}",
        comparator=comparator,
        endpoint=_endpoint(found),
        intercurrent_events=_intercurrent_events(found, choices),
        summary_measure=f"difference in {_measured(found)} {contrast}",
        is_causal=is_effect,
    )


def _name(found: Comparison, choices: ComparisonChoices) -> str:
    """Return the name of the question, of `NAMED_ESTIMANDS` where it is one of these."""
    if found.days:
        return "days_in_response"
    if found.left_care != TREATMENT_POLICY:
        return NAME_OF[found.left_care]
    if choices.method == "mmrm":
        return "if_all_had_stayed"
    name = found.variable.name
    return "booked_program" if name == "program_booked" else f"cohorts_by_{name}"


def _measured(found: Comparison) -> str:
    if found.days:
        return "mean days"
    return f"percent with {found.event.words}" if found.event is not None else "mean scores"


def _intercurrent_events(found: Comparison, choices: ComparisonChoices) -> str:
    """Return what is done about leaving care and other events on the way."""
    if choices.method == "mmrm":
        return "the score is the one that would be seen if nobody had left care (a hypothetical question)"
    stays = "a patient stays in the arm of time zero"
    if found.left_care == COMPOSITE:
        return (
            f"{stays}; everybody who leaves care before the visit counts as a non-responder (composite); missing "
            "sessions, other treatment and further doses change nothing"
        )
    if found.left_care == WHILE_IN_CARE:
        return f"{stays}, and leaving care ends what is looked at: the last score before it counts, whenever it was"
    counts = "each visit counts" if found.days else "the score counts"
    return (
        f"{stays}, and {counts} whatever happened on the way: leaving care, missing sessions, other treatment, further "
        "doses"
    )


def _population(found: Comparison, choices: ComparisonChoices) -> str:
    everybody = found.data.population
    if choices.weights == "overlap":
        return f"{everybody}, weighted to those for whom each arm was likely"
    if choices.weights == "iptw_att":
        return f"{everybody}, weighted to those like the patients of {found.groups[1].label}"
    return everybody


_ASSUMPTIONS = (
    (
        "Consistency: whoever is in an arm had what the arm says. What happens in sessions differs between clinics and "
        "therapists; the difference is that of the arms as they were."
    ),
    (
        "Exchangeability: given the covariates, who came into which arm has nothing to do with how the patient would "
        "fare. No data can show it; the E-value and the robustness value say how strong a confounder would have to be."
    ),
    (
        "Positivity: every kind of patient could have been in either arm. The overlap and the smallest cells speak for "
        "or against it."
    ),
    "No interference: how one patient fares does not depend on which arm others are in.",
)


def assumptions_of(found: Comparison, choices: ComparisonChoices) -> tuple[str, ...]:
    """Return what must hold, most of it untestable, with what speaks for or against it."""
    if choices.missing == "complete_cases":
        missing = (
            "Missing scores: within an arm and at equal covariates, patients without a score fared like those with "
            "one. If leaving care has to do with how patients fare, this is wrong."
        )
    else:
        known = ", ".join(found.history_names) or "nothing beyond the covariates"
        missing = (
            "Missing scores: given arm, covariates and what was seen before the visit, whether a score is missing has "
            f"nothing to do with its value (missing at random). Used: {known}. The tipping point says how wrong it may "
            "be."
        )
    models = (
        "Models: the logistic and linear models have the right form near enough. Balance as analyzed speaks for the "
        "weights; two methods that agree speak for both."
    )
    return (*_ASSUMPTIONS, missing, models, *found.data.notes)


def warnings_of(found: Comparison, choices: ComparisonChoices, *, has_negative_control: bool) -> tuple[str, ...]:
    """Return what a reader must know beside the numbers, without a count."""
    import numpy as np

    sentences = []
    arms = np.logical_or.reduce([group.mask for group in found.groups])
    if (found.data.with_baseline & ~arms).any():
        sentences.append(f"Patients for whom {found.variable.label} is not known are in no arm.")
    if (found.with_baseline & ~found.compared).any():
        sentences.append(
            "Patients for whom a covariate is not known, or who alone have a level of one, are left out of the "
            'comparison; the check "missing covariates" says whether they are many.'
        )
    sentences += _warnings_of_leaving(found)
    if (
        found.leaving is None
        and found.left_care == TREATMENT_POLICY
        and choices.missing in {"observation_weights", "multiple_imputation"}
    ):
        sentences.append(
            "When patients left care is not known to the analysis (in_care_until=). Scores of patients who left differ "
            "from those of patients who stayed, so part of the missing scores may be misjudged."
        )
    if not has_negative_control:
        sentences.append(
            "No negative control was named: an outcome that the treatment cannot have changed, on which the same "
            "method should find nothing."
        )
    if len(found.later_arms) > 1:
        where = ", those of the simultaneous band are" if choices.interval == "bootstrap" else ""
        sentences.append(f"Several arms are compared with one; the intervals are not adjusted for that{where}.")
    return tuple(sentences)


def _warnings_of_leaving(found: Comparison) -> Iterator[str]:
    """Yield what it means that leaving care decides or ends the outcome."""
    if found.left_care == WHILE_IN_CARE:
        yield (
            "Last scores in care are of different days: who left early was last scored early. Where the arms differ in "
            "who leaves, they differ in this as well, so the difference describes and is no effect."
        )
    if found.left_care != TREATMENT_POLICY and found.leaving is None:
        yield (
            "When patients left care is not known to the analysis (in_care_until=): whoever has no score at the visit "
            "or after counts as having left."
        )
