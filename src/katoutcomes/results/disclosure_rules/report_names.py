"""Names of counts that mean the same in every result of a report, and whose part a count is.

The flow, the description and each analysis count the same patients under names of their own. Here they get one name, so
that a number is shown in all of them or in none, and what one table tells of another is followed.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from katoutcomes.results.disclosure_rules import linked_comparison, linked_losses, linked_visits
from katoutcomes.results.disclosure_rules.merged_exclusions import STAGE
from katoutcomes.results.disclosure_rules.small_cells import Key
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.result import ResultRecord

COHORT, WITH_BASELINE, PAIRS, STAGES, BINS = "cohort", "with baseline", "pairs", "stage", "bin"
SESSIONS, EVENTS, SHARES = "dosing sessions", "events", "share"
SHARED = frozenset({COHORT, WITH_BASELINE, PAIRS, STAGES, BINS, SESSIONS, EVENTS, SHARES})
"""First words of the names that all results of a report share."""

_OF_ALL_PATIENTS = frozenset({"describe", "safety", "care_pathway"})
"""Analyses whose count "patients" is everybody in the cohort."""

_OF_PAIRS = frozenset({"change_from_baseline", "clinical_significance", "severity_transitions"})
"""Analyses in which everything at a visit rests on those with both scores, or on a part of them."""

_OF_SITES_AND_QUARTERS = frozenset({"compare_sites", "outcomes_over_time"})
"""Analyses that count by site and by quarter what others count of everybody."""
_OF_SESSIONS = {"dosing sessions": SESSIONS, "events": EVENTS, "adverse events": EVENTS}

_OF_A_PART = frozenset({"response", "recovery", "reliable recovery", "relative improvement", "no relative change"})
"""Terms that may rest on a part of the pairs: those at caseness, those whose baseline is not 0."""

_SCORED = frozenset({"scored at visit", "paired completeness"})
_IN_COMPARISON = "in the comparison"


@dataclass(frozen=True, slots=True)
class Name:
    """What a count is called in a report.

    Attributes
    ----------
    key : Key
        Its name.
    whole : Key or None
        The count that holds it. Where the two are equal they are one.
    part : Key or None
        The count that it holds. Where the two are equal they are one.
    is_known_of : bool
        Whether the rest are those of whom something is not known: a missing age is about nobody's outcome, so what is
        hidden for its sake loses its number of patients alone wherever that is enough.
    """

    key: Key
    whole: Key | None = None
    part: Key | None = None
    is_known_of: bool = False

    @property
    def other(self) -> Key | None:
        """The count that it may be the same as."""
        return self.whole or self.part


def report_name(key: Key, result: ResultRecord) -> Name:
    """Return the name of one count of a result.

    Parameters
    ----------
    key : Key
        As `linked_counts` names it.
    result : ResultRecord
        The result that it is of.
    """
    instrument = result.estimand.endpoint.instrument
    own: Key = (result.analysis, instrument, *key)
    if key[0] == WITH_BASELINE:
        return Name((WITH_BASELINE, instrument, key[-1]))
    if key[0] == "bin":
        return Name((BINS, instrument, *key[1:]))
    if key[0] in {"counted", "analyzed"} and len(key) == 5:
        return _of_estimate(key, own, result)
    return Name(own)


def _of_estimate(key: Key, own: Key, result: ResultRecord) -> Name:
    kind, _, visit, term, group = key
    analysis, instrument = result.analysis, result.estimand.endpoint.instrument
    if (shared := _shared_name(key, result)) is not None:
        found = Name(shared)
    elif analysis == "participant_flow" or (analysis == "compare_cohorts" and term in _stages(result)):
        found = _of_flow(key, own, result)
    elif analysis == "describe" and kind == "analyzed":
        of_baseline = Name((WITH_BASELINE, instrument, group))
        found = of_baseline if term == "baseline_score" else Name(own, (COHORT, group), is_known_of=True)
    elif analysis == "data_quality" and term == "patients: rows accepted":
        found = Name((STAGES, "patients in the registry", ""))
    elif kind == "analyzed" and visit and analysis in _OF_PAIRS:
        pairs: Key = (PAIRS, instrument, visit, group)
        found = Name(own, pairs) if term in _OF_A_PART else Name(pairs)
    else:
        found = _of_model(key, own, instrument)
    return found


def _shared_name(key: Key, result: ResultRecord) -> Key | None:
    """Return the name of what several analyses count alike, of everybody, by cohort, by site or by quarter."""
    kind, definition_set, visit, term, group = key
    analysis, instrument = result.analysis, result.estimand.endpoint.instrument
    if kind == "analyzed":
        is_of_pairs = visit and term not in _OF_A_PART and analysis in _OF_SITES_AND_QUARTERS
        return (PAIRS, instrument, visit, group) if is_of_pairs else None
    if not definition_set and visit and term in _SCORED:
        return (PAIRS, instrument, visit, group)
    if not visit and term == "patients" and analysis in _OF_ALL_PATIENTS:
        return (COHORT, group)
    if term in _OF_SESSIONS and analysis in {"safety", "outcomes_over_time"}:
        return (_OF_SESSIONS[term], group)
    if definition_set and analysis in {"clinical_significance", *_OF_SITES_AND_QUARTERS}:
        return (SHARES, instrument, *key[1:])
    return None


def _of_flow(key: Key, own: Key, result: ResultRecord) -> Name:
    """Return the name of a stage. The last one before the baseline is the cohort, or holds it where it was left out."""
    if key[0] == "analyzed":
        return Name(own, (COHORT, key[-1]), is_known_of=True)
    stages = _stages(result)
    if key[3] not in stages:
        return Name(own)
    return Name((STAGES, key[3], ""), part=(COHORT, "") if key[3] == stages[-1] else None)


def _stages(result: ResultRecord) -> list[str]:
    """Return the stages of the flow from everybody to the cohort."""
    return [
        str(step)
        for part in result.parts
        if part.name == "flow"
        for kind, step in zip(part.column("kind"), part.column("step"), strict=True)
        if kind == STAGE and step not in {"with a baseline score", linked_comparison.COMPARED_STEP}
    ]


def _of_model(key: Key, own: Key, instrument: str) -> Name:
    """Return the name of what an adjusted analysis rests on: those with both scores whose covariates are known."""
    _, _, visit, term, group = key
    is_at_visit = bool(visit) and not visit.startswith(linked_comparison.UP_TO)
    if term in {linked_visits.SEEN, _IN_COMPARISON, linked_comparison.SCORED} and is_at_visit:
        return Name(own, (PAIRS, instrument, visit, group), is_known_of=True)
    if term in {linked_comparison.COMPARED, "in the model"} and not visit:
        return Name(own, (WITH_BASELINE, instrument, group), is_known_of=True)
    if term in {linked_losses.BEGAN, "with a change on both instruments"}:
        return Name(own, (PAIRS, instrument, visit, group))
    return Name(own)


def contrast_key(estimate: Estimate, analysis: str) -> Key | None:
    """Return the key of the patients behind a contrast; None for those that are followed in another way.

    Examples
    --------
    >>> contrast = Estimate(term="age_years", measure="standardized mean difference", treatment="b", comparator="a")
    >>> contrast_key(contrast, "describe")
    ('analyzed', '', '', 'age_years', '')
    """
    if not (estimate.treatment or estimate.comparator):
        return None
    if analysis == "describe":
        return ("analyzed", "", "", estimate.term.split(": ", 1)[0], "")
    if analysis == "cohort_difference" and estimate.visit and estimate.measure == "difference in means":
        return ("analyzed", "", estimate.visit, _IN_COMPARISON, "")
    return None


def arms_of_contrast(key: Key, keys: Iterable[Key]) -> tuple[Key, ...]:
    """Return the numbers of the cohorts that a contrast compares, out of all counts of its result.

    Examples
    --------
    >>> arm = ("analyzed", "", "week 8", "follow-up, adjusted", "program_booked: with_integration")
    >>> arms_of_contrast(("analyzed", "", "week 8", "in the comparison", ""), [arm, ("analyzed", "", "", "age", "")])
    (('analyzed', '', 'week 8', 'follow-up, adjusted', 'program_booked: with_integration'),)
    """
    visit = key[2]
    return tuple(one for one in keys if one[2:4] == (visit, linked_visits.SEEN) and one[0] == key[0] and one[-1])


def can_lose_its_number(estimate: Estimate, analysis: str) -> bool:
    """Return whether an estimate stays where its number of patients is hidden for the sake of what is not known.

    Means, spreads and quantiles of a description have no standard error that would tell the number; those of a model of
    both cohorts have one, from which the number does not follow once the degrees of freedom are left out.
    """
    is_contrast = bool(estimate.treatment or estimate.comparator)
    if analysis == "describe":
        return estimate.measure not in {"count", "proportion"}
    return analysis == "cohort_difference" and (is_contrast or estimate.term == linked_visits.SEEN)
