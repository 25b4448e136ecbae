"""How many patients responded, recovered and deteriorated, by every definition that has a name and a source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.change_from_baseline import visits_part
from katoutcomes.analyses.steps.anchored_visits import anchored_warnings
from katoutcomes.analyses.steps.checks import (
    completers_check,
    paired_completeness_check,
    patients_check,
    smallest_group_check,
)
from katoutcomes.analyses.steps.choices import grouping_note, reported_groups, require_conf_level
from katoutcomes.analyses.steps.interval_estimates import (
    DEFAULT_SHARE_INTERVAL,
    SHARE_INTERVAL_SOURCES,
    share_interval_words,
)
from katoutcomes.analyses.steps.score_pairs import individual_pairs, score_pair_counts
from katoutcomes.analyses.steps.significance.group_change import (
    anchored_mean_changes,
    anchors_part,
    model_based_shares,
)
from katoutcomes.analyses.steps.significance.methods import (
    CUT_OFF_ONLY,
    JACOBSON_TRUAX,
    METHODS,
    ClassedPatients,
    classed_patients,
)
from katoutcomes.analyses.steps.significance.reliable_change_rule import (
    ReliableChangeRule,
    RuleChoices,
    missing_sentences,
    reliable_change_rule,
    rule_checks,
)
from katoutcomes.analyses.steps.significance.share_differences import (
    ABOUT_DIFFERENCES,
    DIFFERENCE_SOURCES,
    DifferenceChoices,
    difference_sentences,
    share_differences,
)
from katoutcomes.analyses.steps.significance.shares import CountedShare, counted_shares, of_kind, share_estimates
from katoutcomes.analyses.steps.significance.words import method_sentences, method_sources
from katoutcomes.cohorts.analysis_set_needed import require_analysis_set
from katoutcomes.errors import DesignError, require_option
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.instruments.definition_words import definition_words
from katoutcomes.kernels.shares.proportions import INTERVALS
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.formatting import format_level, format_number
from katoutcomes.results.result import Method, Result

if TYPE_CHECKING:
    from katoutcomes.cohorts.analysis_set import AnalysisSet, Group
    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.instruments.instrument import DefinitionSet, Instrument, Norms, Reliability
    from katoutcomes.results.check import Check

_KINDS: tuple[str, ...] = ("response", "remission", "caseness", "reliable_change", "mcid")

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
    method: str | Sequence[str] = JACOBSON_TRUAX,
    cut_off: str = "c",
    reliability: Reliability | None = None,
    follow_up_reliability: Reliability | None = None,
    norms: Norms | None = None,
    sd: str | None = None,
    definition_sets: Sequence[str | DefinitionSet] | None = None,
    interval: str = DEFAULT_SHARE_INTERVAL,
    differences: bool = False,
    adjust_for: Sequence[str] = (),
    conf_level: float = 0.95,
) -> Result:
    """Count who responded, remitted, changed reliably for the better or the worse, and recovered.

    Every share is of the patients who have both a baseline score and one at the visit, unless its term says otherwise,
    and stands with its denominator and its interval. Deterioration is never left out.

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
    method : str or sequence of str, default "jacobson_truax"
        How reliable change is told from error: ``"jacobson_truax"``, ``"gulliksen_lord_novick"``, ``"hsu_linn_lord"``,
        ``"edwards_nunnally"``, ``"nunnally_kotsch"``, ``"hageman_arrindell"``, ``"growth_model"``, or
        ``"cut_off_only"``, which counts who came over the cut-off whatever the size of the change. Several can stand
        side by side; docs/methods/clinical_significance.md says in what they differ.
    cut_off : {"a", "b", "c"}
        Two SD from the dysfunctional mean, two SD from the functional mean, or equally many SD from both.
    reliability : Reliability, optional
        By default the first one that the catalog knows for the instrument. Without any, what needs it is left out and
        `Result.warnings` says so.
    follow_up_reliability : Reliability, optional
        Of the follow-up scores, for ``"nunnally_kotsch"``; by default the same.
    norms : Norms, optional
        Used for the cut-off; by default the first ones that the catalog knows. Without any there is no cut-off b or c
        and so no recovery. If they hold no dysfunctional population, the baseline scores stand in for it.
    sd : {"norms", "baseline"}, optional
        Which standard deviation (and mean) reliable change rests on: that of the norms' dysfunctional population or
        that of the baseline scores of all patients who have one. By default the former where it is known. Methods that
        compare the two distributions of scores always take those of the patients with both.
    definition_sets : sequence of str or DefinitionSet, optional
        Ids of the definition sets to apply, of the kinds response, remission, caseness, reliable_change and mcid, or
        records of your own; several of a kind are allowed. By default the instrument's default of each kind. A caseness
        and a reliable_change set of one family (``phq9/nhs_talking_therapies_…``) make a service rule, with recovery
        and reliable recovery. An mcid in points is applied to each patient and to the mean change, one that is a share
        of the baseline to each patient.
    interval : {"exact", "wilson"}
        Of the shares, and of their differences: the exact one of Clopper and Pearson, which never covers less than
        promised, or Wilson's score interval, which is narrower and covers less for single shares near 0 and 1.
    differences : bool, default False
        Whether each share is compared between the groups (each later one minus the first), as it is with Newcombe's
        interval and standardized over the baseline score and `adjust_for`.
    adjust_for : sequence of str, optional
        Variables known at time zero.
    conf_level : float, default 0.95
        Level of the intervals. Reliable change always uses 95 %.

    Returns
    -------
    Result
        Thresholds, then for each group the completeness and the shares, then the differences. A relative change from a
        baseline score of 0 is not defined; those patients are not in the denominator of response. A share of nobody is
        NaN.

    Raises
    ------
    DesignError
        If no patient has both scores, `by` is a number, differences are asked for without two groups, or the scores do
        not let a method say anything (no spread, too few visits for a growth model).
    ImmortalTimeError
        If `by` is known only after time zero.
    OptionError
        If a visit, a variable, a method, a definition set, the level or `sd` is not one of the values it may take.

    References
    ----------
    Jacobson NS, Truax P. J Consult Clin Psychol 1991;59:12-19. doi:10.1037/0022-006X.59.1.12.
    Clopper CJ, Pearson ES. Biometrika 1934;26:404-413. doi:10.1093/biomet/26.4.404.

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
    require_analysis_set(data)
    require_conf_level(conf_level)
    require_option("interval", interval, INTERVALS)
    window, names = data.visit(visit), _chosen_methods(method)
    groups = reported_groups(data, by)
    if not data.pairs(window.name).any():
        raise DesignError(f"no patient has both a baseline {data.instrument.name} score and one at {window.name}.")
    definitions = _chosen_definitions(data.instrument, definition_sets)
    rule = reliable_change_rule(
        data,
        RuleChoices(
            reliability=reliability,
            follow_up_reliability=follow_up_reliability,
            norms=norms,
            sd=sd,
            cut_off=cut_off,
        ),
    )
    asked = _Asked(window, groups, names, definitions, rule, interval, conf_level)
    shares, estimates = _counted(data, asked, sd)
    compared = DifferenceChoices(by, adjust_for, window.name, interval, conf_level) if differences else None
    estimates += share_differences(data, shares, groups, compared) if compared else ()
    mcids = of_kind(definitions, "mcid")
    return Result(
        analysis="clinical_significance",
        title=f"Clinical significance of the change: {data.instrument.name} at {window.name}",
        estimand=estimand if estimand is not None else _estimand(data, window),
        method=_method(asked, difference_sentences(data, compared) if compared else ""),
        estimates=tuple(
            replace(estimate, instrument=data.instrument.name, cohort=data.cohort) for estimate in estimates
        ),
        provenance=data.provenance,
        parts=(
            visits_part((window,)),
            score_pair_counts(data, (window,), groups),
            *anchors_part(estimates, mcids, data.instrument.sign),
        ),
        assumptions=_assumptions(definitions, differences=differences) + grouping_note(data, by) + data.notes,
        checks=_checks(data, window, groups) + rule_checks(rule),
        warnings=anchored_warnings((window,)) + missing_sentences(rule, data.instrument),
        individual_values=individual_pairs(data, (window,), groups),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What one call asks, read."""

    window: VisitWindow
    groups: tuple[Group, ...]
    methods: tuple[str, ...]
    definitions: tuple[DefinitionSet, ...]
    rule: ReliableChangeRule
    interval: str
    conf_level: float


def _counted(data: AnalysisSet, asked: _Asked, sd: str | None) -> tuple[tuple[CountedShare, ...], list[Estimate]]:
    """Return whom each rule counts, and the estimates: thresholds, then everything of each group."""
    window, level = asked.window, asked.conf_level
    methods = [classed_patients(data, window, name, asked.rule, sd) for name in asked.methods]
    shares = counted_shares(data, window, methods=methods, definitions=asked.definitions)
    mcids = of_kind(asked.definitions, "mcid")
    found = [*_thresholds(methods, asked.definitions)]
    for group in asked.groups:
        found += share_estimates(shares, group, visit=window.name, interval=asked.interval, conf_level=level)
        found += model_based_shares(data, window, group, methods=methods, rule=asked.rule, conf_level=level)
        found += anchored_mean_changes(data, window, group, mcids, level)
    return shares, found


def _chosen_methods(method: str | Sequence[str]) -> tuple[str, ...]:
    names = (method,) if isinstance(method, str) else tuple(dict.fromkeys(method))
    for name in names:
        require_option("method", name, METHODS)
    return names


def _chosen_definitions(
    instrument: Instrument, names: Sequence[str | DefinitionSet] | None
) -> tuple[DefinitionSet, ...]:
    """Return the definition sets to apply: the named and the given ones, or the default of each kind."""
    known = [definition for kind in _KINDS for definition in instrument.definitions(kind)]
    if names is None:
        return tuple(definition for definition in known if definition.is_default)
    asked = (names,) if isinstance(names, str) else tuple(names)
    given = tuple(one for one in asked if not isinstance(one, str))
    for definition in given:
        require_option("kind of a definition set", definition.kind, _KINDS)
    wanted = [name if "/" in name else f"{instrument.id}/{name}" for name in asked if isinstance(name, str)]
    for name in wanted:
        require_option("definition set", name, [definition.id for definition in known])
    return (*(definition for definition in known if definition.id in wanted), *given)


def _thresholds(methods: Sequence[ClassedPatients], definitions: Sequence[DefinitionSet]) -> Iterator[Estimate]:
    """Yield the thresholds in use, so that a figure can draw them and a reader check them."""
    for method in methods:
        yield from method.thresholds
    published = {
        "reliable_change": "reliable change threshold",
        "caseness": "caseness",
        "mcid": "minimal important difference",
    }
    for kind, term in published.items():
        for definition in of_kind(definitions, kind):
            yield Estimate(
                term=term,
                measure="threshold",
                unit="" if definition.is_share else "points",
                definition_set=definition.id,
                estimate=float(definition.value),
            )


def _checks(data: AnalysisSet, window: VisitWindow, groups: Sequence[Group]) -> tuple[Check, ...]:
    """Return the checks of all patients, and one on the smallest group."""
    has_both = data.pairs(window.name)
    smallest = min(int((group.mask & has_both).sum()) for group in groups)
    return (
        patients_check(int(has_both.sum()), window.name),
        smallest_group_check(
            smallest,
            "Each group has enough patients with both scores.",
            "Some group has too few patients with both scores; its shares say little.",
        ),
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


_RULE_TEXTS = {
    "response": "{name}: improvement by at least {percent} of a baseline score above 0",
    "response in points": "{name}: improvement by at least {value} points",
    "remission": "{name}: a score of {value} or better",
    "caseness": "{name}: a score of {value} or worse",
    "reliable_change": "{name}: a change of at least {value} points",
    "mcid": "{name}: a change of at least {percent} of a baseline score above 0, in either direction",
    "mcid in points": "{name}: a change of at least {value} points, in either direction",
}


def _sentences(asked: _Asked) -> list[str]:
    sentences = [f"Shares of patients with {share_interval_words(asked.interval, asked.conf_level)}."]
    rules = [
        _RULE_TEXTS[_kind_and_unit(definition)].format(
            name=definition_words(definition.id),
            value=format_number(definition.value, 2, trailing_zeros=False),
            percent=format_level(definition.value),
        )
        for definition in asked.definitions
    ]
    if rules:
        sentences.append(f"Definitions: {'; '.join(rules)}.")
    if of_kind(asked.definitions, "caseness"):
        sentences.append("Recovery: of those at caseness at baseline, the share who no longer are.")
    return [*sentences, *method_sentences(asked.methods, asked.rule)]


def _method(asked: _Asked, about_differences: str) -> Method:
    rule = asked.rule
    sources = [*method_sources(asked.methods), SHARE_INTERVAL_SOURCES[asked.interval]]
    sources += [definition.source for definition in asked.definitions]
    used = (rule.norms,) if asked.methods == (CUT_OFF_ONLY,) else (rule.reliability, rule.norms)
    sources += [record.source for record in used if record is not None]
    sources += DIFFERENCE_SOURCES if about_differences else ()
    sentences = [*_sentences(asked), *([about_differences] if about_differences else [])]
    return Method("clinical significance", " ".join(sentences), tuple(dict.fromkeys(sources)))


def _kind_and_unit(definition: DefinitionSet) -> str:
    is_in_points = definition.kind in {"response", "mcid"} and not definition.is_share
    return f"{definition.kind} in points" if is_in_points else definition.kind


def _assumptions(definitions: Sequence[DefinitionSet], *, differences: bool) -> tuple[str, ...]:
    sentences = [_ABOUT_COMPLETENESS, _ABOUT_RELIABLE_CHANGE]
    if of_kind(definitions, "caseness"):
        sentences.append(_ABOUT_RECOVERY)
    return (*sentences, *(ABOUT_DIFFERENCES if differences else ()))
