"""How many patients responded, recovered and deteriorated, by every definition that has a name and a source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.change_from_baseline import visits_part
from katoutcomes.analyses.steps.anchored_visits import anchored_warnings
from katoutcomes.analyses.steps.checks import (
    PAIRS_LIMIT,
    completers_check,
    paired_completeness_check,
    patients_check,
)
from katoutcomes.analyses.steps.choices import grouping_note, reported_groups, require_conf_level
from katoutcomes.analyses.steps.reliable_change_rule import (
    ReliableChangeRule,
    missing_sentences,
    reliable_change_rule,
    rule_checks,
    rule_sentences,
)
from katoutcomes.analyses.steps.score_pairs import individual_pairs, score_pair_counts
from katoutcomes.analyses.steps.significance_shares import JACOBSON_TRUAX, of_kind, significance_shares
from katoutcomes.errors import DesignError, require_option
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.results.check import Check
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.formatting import format_level, format_number
from katoutcomes.results.result import Method, Result

if TYPE_CHECKING:
    from katoutcomes.cohorts.analysis_set import AnalysisSet, Group
    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.instruments.instrument import DefinitionSet, Instrument, Norms, Reliability

_KINDS: tuple[str, ...] = ("response", "remission", "caseness", "reliable_change")
_SOURCES = (
    "Jacobson NS, Truax P. J Consult Clin Psychol 1991;59:12-19. doi:10.1037/0022-006X.59.1.12",
    "Wilson EB. J Am Stat Assoc 1927;22:209-212. doi:10.1080/01621459.1927.10502953",
)

_ABOUT_COMPLETENESS = (
    "Shares of improvement are of the patients who have both scores. Those without a later score count neither as "
    "improved nor as unchanged nor as worse; the completeness says how many they are."
)
_ABOUT_RELIABLE_CHANGE = (
    "A reliable change is larger than measurement error alone would usually make it. It says nothing about its cause, "
    "and among people who start treatment when they feel worst some of it is regression to the mean."
)
_ABOUT_RECOVERY = (
    "Recovery here rests on one instrument. A service that asks for recovery on two at once, as NHS Talking Therapies "
    "does for depression and anxiety, reports other shares."
)


def clinical_significance(
    data: AnalysisSet,
    estimand: Estimand | None = None,
    *,
    visit: str | None = None,
    by: str | None = None,
    reliability: Reliability | None = None,
    norms: Norms | None = None,
    sd: str | None = None,
    definition_sets: Sequence[str] | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Count who responded, remitted, changed reliably for the better or the worse, and recovered.

    Every share is of the patients who have both a baseline score and one at the visit, unless its term says otherwise,
    and stands with its denominator and its Wilson interval. Deterioration is never left out.

    Parameters
    ----------
    data : AnalysisSet
        The scores.
    estimand : Estimand, optional
        The question, if another wording is wanted.
    visit : str, optional
        Name of the visit; the last one by default.
    by : str, optional
        A variable known at time zero whose levels are reported as well; by default the cohorts of `data`, if it has
        any. All patients together always come first.
    reliability : Reliability, optional
        Used for reliable change by Jacobson and Truax; by default the first one that the catalog knows for the
        instrument. Without any, that part is left out and `Result.warnings` says so.
    norms : Norms, optional
        Used for cut-off c; by default the first ones that the catalog knows. Without any there is no recovery by
        Jacobson and Truax. If they hold no dysfunctional population, the baseline scores stand in for it.
    sd : {"norms", "baseline"}, optional
        Which standard deviation makes the threshold of reliable change: that of the norms' dysfunctional population or
        that of the baseline scores of all patients who have one. By default the former where it is known.
    definition_sets : sequence of str, optional
        Ids of the definition sets to apply, of the kinds response, remission, caseness and reliable_change; several of
        a kind are allowed. By default the instrument's default of each kind. A caseness and a reliable_change set of
        one family (``phq9/nhs_talking_therapies_…``) make a service rule, with recovery and reliable recovery.
    conf_level : float, default 0.95
        Level of the intervals. The threshold of reliable change always uses 95 %.

    Returns
    -------
    Result
        Thresholds, then for each group the completeness and the shares. A relative change from a baseline score of 0
        is not defined; those patients are not in the denominator of response. A share of nobody is NaN.

    Raises
    ------
    DesignError
        If no patient has both scores, or `by` is a number.
    ImmortalTimeError
        If `by` is known only after time zero.
    OptionError
        If a visit, a variable, a definition set, the level or `sd` is not one of the values it may take.

    References
    ----------
    Jacobson NS, Truax P. J Consult Clin Psychol 1991;59:12-19. doi:10.1037/0022-006X.59.1.12.
    Wilson EB. J Am Stat Assoc 1927;22:209-212. doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> import pandas as pd
    >>> import katoutcomes as kat
    >>> frame = pd.DataFrame({"id": range(4), "week": 12, "phq": [4, 12, 15, 22], "before": [16, 14, 17, 15]})
    >>> data = kat.AnalysisSet.from_frame(
    ...     frame, patient="id", visit="week", score="phq", baseline="before", instrument="PHQ-9"
    ... )
    >>> result = kat.clinical_significance(data)
    >>> for share in result.select(measure="proportion", definition_set="phq9/nhs_talking_therapies_reliable_change"):
    ...     print(share.term, share.estimate, "of", share.n_patients)
    reliable improvement 0.25 of 4
    no reliable change 0.5 of 4
    reliable deterioration 0.25 of 4
    recovery 0.25 of 4
    reliable recovery 0.25 of 4
    """
    require_conf_level(conf_level)
    window = data.visit(visit)
    groups = reported_groups(data, by)
    if not data.pairs(window.name).any():
        raise DesignError(f"no patient has both a baseline {data.instrument.name} score and one at {window.name}.")
    definitions = _chosen_definitions(data.instrument, definition_sets)
    rule = reliable_change_rule(data, reliability, norms, sd)
    estimates = [*_thresholds(rule, definitions)]
    for group in groups:
        estimates += significance_shares(data, window, group, rule=rule, definitions=definitions, conf_level=conf_level)
    return Result(
        analysis="clinical_significance",
        title=f"Clinical significance of the change: {data.instrument.name} at {window.name}",
        estimand=estimand if estimand is not None else _estimand(data, window),
        method=_method(rule, definitions, conf_level),
        estimates=tuple(
            replace(estimate, instrument=data.instrument.name, cohort=data.cohort) for estimate in estimates
        ),
        provenance=data.provenance,
        parts=(visits_part((window,)), score_pair_counts(data, (window,), groups)),
        assumptions=_assumptions(definitions) + grouping_note(data, by) + data.notes,
        checks=_checks(data, window, groups) + rule_checks(rule),
        warnings=anchored_warnings((window,)) + missing_sentences(rule, data.instrument),
        individual_values=individual_pairs(data, (window,), groups),
    )


def _chosen_definitions(instrument: Instrument, names: Sequence[str] | None) -> tuple[DefinitionSet, ...]:
    """Return the definition sets to apply: the named ones, or the default of each kind."""
    known = [definition for kind in _KINDS for definition in instrument.definitions(kind)]
    if names is None:
        return tuple(definition for definition in known if definition.is_default)
    named = (names,) if isinstance(names, str) else names
    wanted = [name if "/" in name else f"{instrument.id}/{name}" for name in named]
    for name in wanted:
        require_option("definition set", name, [definition.id for definition in known])
    return tuple(definition for definition in known if definition.id in wanted)


def _thresholds(rule: ReliableChangeRule, definitions: Sequence[DefinitionSet]) -> Iterator[Estimate]:
    """Yield the thresholds in use, so that a figure can draw them and a reader check them."""
    published = {"reliable_change": "reliable change threshold", "caseness": "caseness"}
    found: list[tuple[str, str, float | None, int | None]] = [
        ("reliable change threshold", JACOBSON_TRUAX, rule.threshold, rule.sd_n_patients),
        ("cut-off c", JACOBSON_TRUAX, rule.cut_off, rule.cut_off_n_patients),
        *(
            (term, definition.id, float(definition.value), None)
            for kind, term in published.items()
            for definition in of_kind(definitions, kind)
        ),
    ]
    for term, definition_set, value, n_patients in found:
        if value is not None:
            yield Estimate(
                term=term,
                measure="threshold",
                unit="points",
                definition_set=definition_set,
                estimate=value,
                n_patients=n_patients,
            )


def _checks(data: AnalysisSet, window: VisitWindow, groups: Sequence[Group]) -> tuple[Check, ...]:
    """Return the checks of all patients, and one on the smallest group."""
    has_both = data.pairs(window.name)
    smallest = min(int((group.mask & has_both).sum()) for group in groups)
    is_enough = smallest >= PAIRS_LIMIT
    message = (
        "Each group has enough patients with both scores."
        if is_enough
        else "Some group has too few patients with both scores; its shares say little."
    )
    return (
        patients_check(int(has_both.sum()), window.name),
        Check("patients per group", is_enough, "caution", float(smallest), float(PAIRS_LIMIT), message),
        paired_completeness_check(int(has_both.sum()), int(data.with_baseline.sum()), window.name),
        completers_check(data.baseline, has_both, window.name),
    )


def _estimand(data: AnalysisSet, window: VisitWindow) -> Estimand:
    return Estimand(
        name="clinical_significance",
        population=data.population,
        treatment="",
        comparator="",
        endpoint=Endpoint(data.instrument.name, window.name, "clinically significant change"),
        intercurrent_events="scores are used as observed, and patients without one at the visit are left out",
        summary_measure="share of patients",
    )


def _method(rule: ReliableChangeRule, definitions: Sequence[DefinitionSet], conf_level: float) -> Method:
    sentences = [f"Shares of patients with Wilson score intervals ({format_level(conf_level)})."]
    texts = {
        "response": "{id}: improvement by at least {percent} of a baseline score above 0",
        "response in points": "{id}: improvement by at least {value} points",
        "remission": "{id}: a score of {value} or better",
        "caseness": "{id}: a score of {value} or worse",
        "reliable_change": "{id}: a change of at least {value} points",
    }
    rules = [
        texts[_kind_and_unit(definition)].format(
            id=definition.id,
            value=format_number(definition.value, 2, trailing_zeros=False),
            percent=format_level(definition.value),
        )
        for definition in definitions
    ]
    if rules:
        sentences.append(f"Definitions: {'; '.join(rules)}.")
    sentences += rule_sentences(rule)
    if of_kind(definitions, "caseness"):
        sentences.append("Recovery: of those at caseness at baseline, the share who no longer are.")
    sources = [*_SOURCES, *(definition.source for definition in definitions)]
    sources += [record.source for record in (rule.reliability, rule.norms) if record is not None]
    return Method("clinical significance", " ".join(sentences), tuple(dict.fromkeys(sources)))


def _kind_and_unit(definition: DefinitionSet) -> str:
    return "response in points" if definition.kind == "response" and not definition.is_share else definition.kind


def _assumptions(definitions: Sequence[DefinitionSet]) -> tuple[str, ...]:
    sentences = (_ABOUT_COMPLETENESS, _ABOUT_RELIABLE_CHANGE)
    return (*sentences, _ABOUT_RECOVERY) if of_kind(definitions, "caseness") else sentences
