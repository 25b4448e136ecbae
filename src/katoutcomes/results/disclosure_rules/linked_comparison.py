"""The counts of a comparison of cohorts: compared, scored, scored at each visit, patterns of missing scores.

In every arm the compared are the scored and the others; scored at every visit and scored with gaps before are the
scored. Who is missing at a visit is so for a time or for good; who was last seen at it follows from two visits, so one
count hidden hides all of the arm. An outcome that is not the score at the visit has a count of its own, "up to" the
visit: of a composite these are who left and who was scored in care. What describes a covariate (its balance, its mean)
is hidden where few patients of an arm share one of its levels, because it is about these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from katoutcomes.results.disclosure_rules.linked_emulation import IN_TRIAL
from katoutcomes.results.disclosure_rules.small_cells import Key, Sum
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Part
from katoutcomes.results.result import ResultRecord

ANALYSIS = "compare_cohorts"
COMPARED_STEP = "patients compared"
"""The last stage of the flow: the same patients as `COMPARED`."""
COMPARED, SCORED, SEEN = "compared", "scored, of those compared", "seen, of those scored"
WITH_OUTCOME, LEFT = "with an outcome, of those compared", "left care, of those compared"
SCORED_IN_CARE, SEEN_OF_OUTCOMES = "scored in care, of those compared", "seen, of those with an outcome"
UP_TO = "up to "
"""Before the name of the visit, of an outcome that is not the score at it."""
SCORED_BY_VISIT, PATTERNS, FEWEST = "scored_by_visit", "missing_patterns", "fewest_patients"
IN_CARE, MISSING_BY_VISIT = "in care, of those compared", "missing_by_visit"
PARTS = frozenset({SCORED_BY_VISIT, PATTERNS, MISSING_BY_VISIT})
_COMPLETE = "scored at every visit"
_PATTERNS = (_COMPLETE, "scored at the visit, with gaps before")
_OF_COMPARED = frozenset({"target population", "overlap", "negative control"})
_OF_SCORED = frozenset(
    {
        *("follow-up, weighted", "unmeasured confounding", "tipping point", "precision", "weights"),
        *("truncated weights, at the 99th percentile", "truncated weights, at the 95th percentile"),
        *("reference-based imputation, jump to reference", "simultaneous band"),
        *("ratio, weighted", "own weight in partial pooling"),
        *("in response, weighted", "days between visits"),
        *("clinics as clusters (CR2, Satterthwaite)", "clinic means", "missing information of the difference"),
        *("wild cluster bootstrap (Webb points)", "wild cluster bootstrap (Rademacher points)"),
    }
)
_LATER, _NEVER, _LAST = "missing, scored later", "missing, not scored again", "last score"
_GRID, _NO_SCORE = "tipping grid", "no score at the visit"
ALL_COLUMNS, _OUTSIDE = "balance of all columns", "propensity outside "
_OF_MISSING = frozenset({_GRID, _NO_SCORE})
"""What tells of the missing: the steps of the grid are the weighted share of them in an arm."""
_SHARES = frozenset(
    {
        *("adjusted share", "difference in proportions", "risk ratio"),
        *("minimal detectable difference in proportions", "tipping point of a share"),
    }
)
"""Measures of a binary outcome: near enough to what was seen that they go with it."""
_MEANS = frozenset({"adjusted mean", "difference in means"})
"""Of days with such an outcome they go with it as well."""
_OF_COVARIATES = ("balance, before weighting", "balance, as analyzed", "target population")

Values = Mapping[Key, int | None]


def _stem(term: str) -> str:
    return term.split(": ", 1)[0]


def compared_key(subgroup: str = "") -> Key:
    """Return the key of the compared of an arm, ``""`` for all of them."""
    return ("analyzed", "", "", COMPARED, subgroup)


def _scored(visit: str, subgroup: str = "") -> Key:
    return ("analyzed", "", visit, SCORED, subgroup)


def _counted_pattern(step: str, subgroup: str) -> Key:
    return ("counted", "", "", step, subgroup)


def _in_care(visit: str, subgroup: str) -> Key:
    return ("counted", "", visit, IN_CARE, subgroup)


def _missing(visit: str, step: str, subgroup: str) -> Key:
    return ("counted", "", visit, step, subgroup)


def _with_event(visit: str, subgroup: str) -> Key:
    return ("counted", "", visit, SEEN, subgroup)


def _by_leaving(visit: str, term: str, subgroup: str) -> Key:
    return ("counted", "", visit, term, subgroup)


def is_of_comparison(estimate: Estimate) -> bool:
    """Return whether an estimate is one of a comparison of cohorts."""
    stem = _stem(estimate.term)
    is_ours = stem in _OF_COMPARED or stem in _OF_SCORED or stem in {COMPARED, SCORED, SEEN, *_OF_COVARIATES}
    is_ours = is_ours or stem in _OF_MISSING or stem in {IN_CARE, WITH_OUTCOME, LEFT, SCORED_IN_CARE, SEEN_OF_OUTCOMES}
    return is_ours or stem.startswith(("propensity of ", _OUTSIDE, ALL_COLUMNS))


def comparison_n_key(estimate: Estimate) -> Key:
    """Return the key of what an estimate of a comparison rests on.

    Examples
    --------
    >>> comparison_n_key(Estimate(term="target population: site: North", measure="weighted mean"))
    ('covariate', 'site', 'target population', 'compared', '')
    """
    stem = _stem(estimate.term)
    if stem in _OF_COVARIATES:
        return _covariate(stem.split(",")[0], estimate.term.split(": ")[1].removesuffix(" squared"))
    if stem in _OF_MISSING or stem.startswith(ALL_COLUMNS):
        return ("analyzed", "", estimate.visit, stem.split(",")[0], "")
    is_share = estimate.measure in _SHARES or (estimate.unit == "days" and estimate.measure in _MEANS)
    if is_share and stem != "negative control":
        return ("share", "", estimate.visit, stem, estimate.subgroup)
    if stem == "own weight in partial pooling":
        return ("counted", "", "", IN_TRIAL, estimate.subgroup)
    if stem in _OF_SCORED or stem in {SEEN, SEEN_OF_OUTCOMES}:
        return _scored(estimate.visit, estimate.subgroup)
    return compared_key(estimate.subgroup)


def comparison_counted_key(estimate: Estimate) -> Key | None:
    """Return the key of what a count or share of a comparison counts."""
    if _stem(estimate.term) in {SEEN, SEEN_OF_OUTCOMES}:
        return _with_event(estimate.visit, estimate.subgroup)
    if estimate.term in {SCORED, WITH_OUTCOME}:
        return _scored(estimate.visit, estimate.subgroup)
    if estimate.term in {LEFT, SCORED_IN_CARE}:
        return _by_leaving(estimate.visit, estimate.term, estimate.subgroup)
    if estimate.term.startswith(_OUTSIDE):
        return ("counted", "", "", estimate.term, estimate.subgroup)
    if estimate.term == IN_CARE:
        return _in_care(estimate.visit, estimate.subgroup)
    return compared_key(estimate.subgroup) if estimate.term == COMPARED else None


def _covariate(what: str, name: str) -> Key:
    return ("covariate", name, what, COMPARED, "")


def comparison_part_key(part: Part, row: int) -> Key:
    """Return the key of a row of the parts that count by visit or by pattern."""
    named = dict(zip(part.columns, part.rows[row], strict=True))
    if part.name == SCORED_BY_VISIT:
        return _scored(str(named["visit"]), str(named["group"]))
    if part.name == MISSING_BY_VISIT:
        return _missing(str(named["visit"]), str(named["step"]), str(named["group"]))
    return _counted_pattern(str(named["step"]), str(named["group"]))


def follows_of_comparison(result: ResultRecord, values: Values) -> Iterator[tuple[Key, Key]]:
    """Yield what describes a covariate after the fewest who share a level of it, and after the number compared."""
    values = _named_in_full(values)
    for part in result.parts:
        if part.name != FEWEST:
            continue
        for row, (term, _) in enumerate(part.rows):
            fewest = ("part", FEWEST, str(row), "n_patients", "")
            yield from ((fewest, key) for key in values if key[0] == "covariate" and key[1] == term)
    outcomes = [key for key in values if key[0] == "counted" and key[3] == SEEN]
    for key in values:
        if key[0] == "share":
            yield from ((one, key) for one in outcomes if not key[-1] or one[-1] == key[-1])
        if key[3] == ALL_COLUMNS:
            yield from ((one, key) for one in values if one[0] == "covariate")
        if key[0] == "covariate" or key[3] in {*_OF_MISSING, ALL_COLUMNS}:
            yield from ((one, key) for one in values if one[0] == "analyzed" and one[3] == COMPARED)
        if key[3] in _OF_MISSING:
            yield from ((one, key) for one in values if one[0] == "analyzed" and one[2:4] == (key[2], SCORED))
        if key[3] == _GRID:  # with nobody of the missing, that of a binary outcome is who was seen with it
            yield from ((one, key) for one in outcomes)
    # Who is missing at one visit and at the next tells who was last seen between them: one hidden, all of the arm.
    missing = [key for key in values if key[3] in {_LATER, _NEVER}]
    yield from ((one, key) for one in missing for key in missing if one != key and one[-1] == key[-1])


def sums_of_comparison(result: ResultRecord, values: Values) -> Iterator[Sum]:
    """Yield the compared of each arm as scored and not, the scored as complete and not; all as levels of modifiers."""
    values = _named_in_full(values)
    yield from _sums_of_levels(values)
    arms = [key[-1] for key in values if key[0] == "analyzed" and key[3] == COMPARED and key[-1]]
    visits = _visits(result)
    last = visits[-1] if visits else ""
    for arm in dict.fromkeys(arms):
        yield from _sums_of_losses(visits, arm, values)
        yield from _sums_of_outcomes(visits, arm, values)
        before = compared_key(arm)
        for key in [key for key in values if key[3].startswith(_OUTSIDE) and key[-1] == arm]:
            yield Sum(before, (key,), has_remainder=True, give_up_first=(key,))
            before = key
        for visit in visits:
            if _scored(visit, arm) in values:
                yield Sum(compared_key(arm), (_scored(visit, arm),), has_remainder=True)
        patterns = tuple(_counted_pattern(step, arm) for step in _PATTERNS if _counted_pattern(step, arm) in values)
        for visit in visits:
            if _with_event(visit, arm) in values:
                yield Sum(_scored(visit, arm), (_with_event(visit, arm),), has_remainder=True)
        if patterns:
            yield Sum(_scored(last, arm), patterns)
            complete = tuple(key for key in patterns if key[3] == _COMPLETE)
            gaps = tuple(key for key in patterns if key[3] != _COMPLETE)
            earlier = [key for key in values if key[3] == _LATER and key[-1] == arm]
            if gaps and earlier:  # who is missing at the visit before the last and scored at the last has a gap
                yield Sum(gaps[0], (earlier[-1],), has_remainder=True, give_up_first=(earlier[-1],))
            for visit in visits:
                yield Sum(_scored(visit, arm), complete, has_remainder=True)


def _sums_of_outcomes(visits: tuple[str, ...], arm: str, values: Values) -> Iterator[Sum]:
    """Yield what holds who of an arm has an outcome that is not the score at the visit, and what that holds.

    Who left before the visit and who was scored in care have one; who left may have been scored all the same. Of the
    last score in care, and of days, everybody has one.
    """
    if not visits:
        return
    when, last, compared = f"{UP_TO}{visits[-1]}", visits[-1], compared_key(arm)
    outcome, events, scored = _scored(when, arm), _with_event(when, arm), _scored(last, arm)
    left, in_care_scored = (_by_leaving(when, term, arm) for term in (LEFT, SCORED_IN_CARE))
    held = [(compared, outcome), (outcome, events), (compared, left), (outcome, in_care_scored)]
    held += [(in_care_scored, events), (scored, in_care_scored), (_in_care(last, arm), in_care_scored)]
    held += [(outcome, scored)]
    exact = [(outcome, (left, in_care_scored)), (compared, (_in_care(last, arm), left))]
    for whole, part in held:
        if whole in values and part in values:
            yield Sum(whole, (part,), has_remainder=values[whole] != values[part])
    for whole, parts in exact:
        if whole in values and all(part in values for part in parts):
            yield Sum(whole, parts)


def _named_in_full(values: Values) -> Values:
    """Return the counts whose names say of what they are; those of the flow before the comparison are its own."""
    return {key: value for key, value in values.items() if len(key) > 3}


def _visits(result: ResultRecord) -> tuple[str, ...]:
    """Return the visits up to the one compared, in order of time."""
    named = [str(visit) for part in result.parts if part.name == SCORED_BY_VISIT for visit in part.column("visit")]
    return tuple(dict.fromkeys(named))


def last_seen_of_comparison(result: ResultRecord, values: Values) -> Iterator[tuple[Key, int]]:
    """Yield how many of each arm had their last score at each visit: who is missing for good at the next, not at it."""
    values, visits = _named_in_full(values), _visits(result)
    for here in [key for key in values if key[3] == _NEVER]:
        following, arm = visits[visits.index(here[2]) + 1], here[-1]
        later = values.get(_missing(following, _NEVER, arm))
        if following == visits[-1]:
            compared, scored = values.get(compared_key(arm)), values.get(_scored(following, arm))
            later = None if compared is None or scored is None else compared - scored
        now = values[here]
        if now is not None and later is not None:
            yield _missing(here[2], _LAST, arm), later - now


def _sums_of_losses(visits: tuple[str, ...], arm: str, values: Values) -> Iterator[Sum]:
    """Yield the compared of an arm as scored, missing for a time and for good, and as in care and not, by visit."""
    before = compared_key(arm)
    for visit in visits:
        in_care = _in_care(visit, arm)
        if in_care in values:
            yield Sum(before, (in_care,), has_remainder=True, give_up_first=(in_care,))
            before = in_care
        kinds = tuple(key for key in (_missing(visit, step, arm) for step in (_LATER, _NEVER)) if key in values)
        if kinds and _scored(visit, arm) in values:
            yield Sum(compared_key(arm), (_scored(visit, arm), *kinds), give_up_first=kinds)
    for visit, following in pairwise(visits):
        steps = (_missing(visit, _NEVER, arm), _missing(visit, _LAST, arm))
        if all(key in values for key in steps):
            after = _missing(following, _NEVER, arm)
            whole, rest = (after, ()) if after in values else (compared_key(arm), (_scored(following, arm),))
            yield Sum(whole, (*rest, *steps), give_up_first=steps)


def _sums_of_levels(values: Values) -> Iterator[Sum]:
    """Yield the compared as the sum of the levels of each modifier."""
    everybody = next((key for key in values if key[3] == COMPARED and not key[-1]), None)
    if everybody is None:
        return
    levels = [key for key in values if key[3] == IN_TRIAL and key[-1]]
    for modifier in dict.fromkeys(key[-1].split(": ", 1)[0] for key in levels):
        yield Sum(everybody, tuple(key for key in levels if key[-1].split(": ", 1)[0] == modifier))
