"""The counts of a comparison of cohorts: compared, scored, scored at each visit, patterns of missing scores.

In every arm the compared are the scored and the others; scored at every visit and scored with gaps before are the
scored. What describes a covariate (its balance, its mean) is hidden where few patients of an arm share one of its
levels, because it is about these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from katoutcomes.results.disclosure_rules.linked_emulation import IN_TRIAL
from katoutcomes.results.disclosure_rules.small_cells import Key, Sum
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Part
from katoutcomes.results.result import ResultRecord

ANALYSIS = "compare_cohorts"
COMPARED, SCORED, SEEN = "compared", "scored, of those compared", "seen, of those scored"
SCORED_BY_VISIT, PATTERNS, FEWEST = "scored_by_visit", "missing_patterns", "fewest_patients"
PARTS = frozenset({SCORED_BY_VISIT, PATTERNS})
_COMPLETE = "scored at every visit"
_OF_COMPARED = frozenset({"target population", "overlap", "negative control"})
_OF_SCORED = frozenset(
    {
        *("follow-up, weighted", "unmeasured confounding", "tipping point", "precision", "weights"),
        *("truncated weights, at the 99th percentile", "truncated weights, at the 95th percentile"),
        "reference-based imputation, jump to reference",
        *("ratio, weighted", "own weight in partial pooling"),
        *("clinics as clusters (CR2, Satterthwaite)", "clinic means", "missing information of the difference"),
        *("wild cluster bootstrap (Webb points)", "wild cluster bootstrap (Rademacher points)"),
    }
)
_SHARES = frozenset({"adjusted share", "difference in proportions", "risk ratio"})
"""Measures of a binary outcome: near enough to what was seen that they go with it."""
_OF_COVARIATES = ("balance, before weighting", "balance, as analyzed", "target population")

Values = Mapping[Key, int | None]


def _stem(term: str) -> str:
    return term.split(": ", 1)[0]


def _compared(subgroup: str = "") -> Key:
    return ("analyzed", "", "", COMPARED, subgroup)


def _scored(visit: str, subgroup: str = "") -> Key:
    return ("analyzed", "", visit, SCORED, subgroup)


def _with_outcome(visit: str, subgroup: str) -> Key:
    return ("counted", "", visit, SEEN, subgroup)


def is_of_comparison(estimate: Estimate) -> bool:
    """Return whether an estimate is one of a comparison of cohorts."""
    stem = _stem(estimate.term)
    is_ours = stem in _OF_COMPARED or stem in _OF_SCORED or stem in {COMPARED, SCORED, SEEN, *_OF_COVARIATES}
    return is_ours or stem.startswith("propensity of ")


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
    if estimate.measure in _SHARES and stem != "negative control":
        return ("share", "", estimate.visit, stem, estimate.subgroup)
    if stem == "own weight in partial pooling":
        return ("counted", "", "", IN_TRIAL, estimate.subgroup)
    if stem in _OF_SCORED or stem == SEEN:
        return _scored(estimate.visit, estimate.subgroup)
    return _compared(estimate.subgroup)


def comparison_counted_key(estimate: Estimate) -> Key | None:
    """Return the key of what a count or share of a comparison counts."""
    if _stem(estimate.term) == SEEN:
        return _with_outcome(estimate.visit, estimate.subgroup)
    if estimate.term == SCORED:
        return _scored(estimate.visit, estimate.subgroup)
    return _compared(estimate.subgroup) if estimate.term == COMPARED else None


def _covariate(what: str, name: str) -> Key:
    return ("covariate", name, what, COMPARED, "")


def comparison_part_key(part: Part, row: int) -> Key:
    """Return the key of a row of the parts that count by visit or by pattern."""
    named = dict(zip(part.columns, part.rows[row], strict=True))
    if part.name == SCORED_BY_VISIT:
        return _scored(str(named["visit"]), str(named["group"]))
    return ("counted", "", "", str(named["step"]), str(named["group"]))


def follows_of_comparison(result: ResultRecord, values: Values) -> Iterator[tuple[Key, Key]]:
    """Yield what describes a covariate after the fewest who share a level of it, and after the number compared."""
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
        if key[0] == "covariate":
            yield from ((one, key) for one in values if one[0] == "analyzed" and one[3] == COMPARED)


def sums_of_comparison(result: ResultRecord, values: Values) -> Iterator[Sum]:
    """Yield the compared of each arm as scored and not, the scored as complete and not; all as levels of modifiers."""
    yield from _sums_of_levels(values)
    arms = [key[-1] for key in values if key[0] == "analyzed" and key[3] == COMPARED and key[-1]]
    visits = [str(visit) for part in result.parts if part.name == SCORED_BY_VISIT for visit in part.column("visit")]
    last = visits[-1] if visits else ""
    for arm in dict.fromkeys(arms):
        for visit in dict.fromkeys(visits):
            if _scored(visit, arm) in values:
                yield Sum(_compared(arm), (_scored(visit, arm),), has_remainder=True)
        patterns = tuple(key for key in values if key[0] == "counted" and key[-1] == arm and not key[2])
        for visit in dict.fromkeys(visits):
            if _with_outcome(visit, arm) in values:
                yield Sum(_scored(visit, arm), (_with_outcome(visit, arm),), has_remainder=True)
        if patterns:
            yield Sum(_scored(last, arm), patterns)
            complete = tuple(key for key in patterns if key[3] == _COMPLETE)
            for visit in dict.fromkeys(visits):
                yield Sum(_scored(visit, arm), complete, has_remainder=True)


def _sums_of_levels(values: Values) -> Iterator[Sum]:
    """Yield the compared as the sum of the levels of each modifier."""
    everybody = next((key for key in values if key[3] == COMPARED and not key[-1]), None)
    if everybody is None:
        return
    levels = [key for key in values if key[3] == IN_TRIAL and key[-1]]
    for modifier in dict.fromkeys(key[-1].split(": ", 1)[0] for key in levels):
        yield Sum(everybody, tuple(key for key in levels if key[-1].split(": ", 1)[0] == modifier))
