"""The counts of a model for repeated measures: who is in it, who was seen when, and what rests on few of them.

Adjusted means, changes and residual standard deviations rest on the patients seen at a visit. Coefficients and joint
tests rest on all patients of the model, and from them the adjusted means can be worked out: they are hidden with any of
these. Coefficients are hidden as well wherever few patients share a level of a covariate, because they are about these.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise

from katoutcomes.results.disclosure_rules.small_cells import Key, Sum
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Part
from katoutcomes.results.result import ResultRecord

SEEN = "follow-up, adjusted"
"""Term of the adjusted means, and of the keys of all that rests on the patients seen at a visit."""
_IN_MODEL, _AT_BOTH = "in the model", "seen at both visits"
_IN_TESTS, _IN_COEFFICIENTS = "in the tests of the model", "in the coefficients of the model"
_RESIDUAL = "residual"
_CHANGE = "change, adjusted"
_BASELINE = "baseline, in the model"
_OF_COEFFICIENTS = frozenset({"coefficient", "linear combination"})
_ALL_IN_MODEL = (_IN_MODEL, _IN_TESTS, _IN_COEFFICIENTS)
"""The same number of patients under three names, since what rests on them is hidden for different reasons."""
PATIENTS_AT_VISITS = "patients_at_visits"
FEWEST_PATIENTS = "fewest_patients"

Values = Mapping[Key, int | None]


def _key(term: str, subgroup: str = "", visit: str = "") -> Key:
    return ("analyzed", "", visit, term, subgroup)


def model_n_key(estimate: Estimate) -> Key | None:
    """Return the key of what an estimate of a model for repeated measures rests on; None for those of others.

    Examples
    --------
    >>> model_n_key(Estimate(term="residual", measure="standard deviation", unit="points", visit="week 4"))
    ('analyzed', '', 'week 4', 'follow-up, adjusted', '')
    """
    if estimate.measure in _OF_COEFFICIENTS and not estimate.comparator:
        return _key(_IN_COEFFICIENTS)
    if estimate.measure == "joint test":
        return _key(_IN_TESTS)
    if estimate.measure == "fit statistic" or estimate.term == _BASELINE:
        return _key(_IN_MODEL)
    if estimate.term.startswith(f"{_RESIDUAL}, with ") and estimate.measure == "correlation":
        return _key(_IN_MODEL, estimate.subgroup)
    if estimate.term in {_RESIDUAL, _CHANGE} and not estimate.comparator:
        return _key(SEEN, estimate.subgroup, estimate.visit)
    return None


def patients_at_visit_key(part: Part, row: int) -> Key:
    """Return the key of a row of the part that counts the patients seen at each visit."""
    visit, group = (str(part.rows[row][part.columns.index(name)]) for name in ("visit", "group"))
    return _key(SEEN, group, visit)


def is_of_hidden_cohort(contrast: Estimate, hidden: Collection[Key]) -> bool:
    """Return whether the patients of one side of a contrast are hidden at its visit, or at any if it has none."""
    levels = {contrast.treatment, contrast.comparator}
    return any(
        key[3] == SEEN and key[4].split(": ", 1)[-1] in levels and contrast.visit in {"", key[2]}
        for key in hidden
        if key[0] == "analyzed"
    )


def follows_of_model(result: ResultRecord, values: Values) -> Iterator[tuple[Key, Key]]:
    """Yield what is hidden with the patients of a group at a visit, and with the fewest that share a level.

    The number of scores of the model, minus those of the other visits, is the number at a visit.
    """
    for group, visits in _visits_of_groups(values).items():
        for key in (*visits, _key(_AT_BOTH, group)):
            yield key, _key(_IN_MODEL, group)
    yield from pairwise(_key(name) for name in _ALL_IN_MODEL)
    yield _key(_IN_MODEL), _key(_IN_COEFFICIENTS)
    for part in result.parts:
        for row in range(len(part.rows)):
            if part.name == PATIENTS_AT_VISITS:
                yield from ((patients_at_visit_key(part, row), _key(name)) for name in _ALL_IN_MODEL[1:])
            elif part.name == FEWEST_PATIENTS:
                yield ("part", part.name, str(row), "n_patients", ""), _key(_IN_COEFFICIENTS)


def derived_counts(values: Values) -> Iterator[tuple[Key, int]]:
    """Yield how many were seen at both visits, where there are two: both numbers, minus all in the model."""
    for group, visits in _visits_of_groups(values).items():
        for whole in (_key(name, group) for name in _ALL_IN_MODEL):
            known = [values.get(key) for key in (*visits, whole)]
            if len(visits) == 2 and None not in known:
                yield _key(_AT_BOTH, group), sum(number or 0 for number in known[:2]) - (known[2] or 0)


def sums_of_model(values: Values) -> Iterator[Sum]:
    """Yield those in the model as those seen at a visit and the others."""
    for group, visits in _visits_of_groups(values).items():
        for whole in (_key(name, group) for name in _ALL_IN_MODEL):
            if whole in values:
                yield from (Sum(whole, (visit,), has_remainder=True, give_up_first=(whole,)) for visit in visits)


def _visits_of_groups(values: Values) -> dict[str, list[Key]]:
    """Return the keys of those seen at each visit, for everybody and for each group."""
    found: dict[str, list[Key]] = {}
    for key in values:
        if key[0] == "analyzed" and key[3] == SEEN and key[2]:
            found.setdefault(key[4], []).append(key)
    return found
