"""The counts of an emulated trial: eligible, in the trial, who followed which strategy, and who of these is scored.

The four kinds of followers divide the patients of the trial. What describes the weights of an arm is hidden where any
of these counts is, because an effective sample size is near the number of followers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from katoutcomes.results.disclosure_rules.small_cells import Key, Sum
from katoutcomes.results.estimate import Estimate

ANALYSIS = "emulate_trial"
ELIGIBLE, IN_TRIAL = "eligible patients", "patients in the trial"
FOLLOWED = (
    "followed both",
    "followed only the treated strategy",
    "followed only the comparator",
    "followed neither",
)
_SCORED = "scored, "
_STEMS = frozenset({"emulated trial", "follow-up, emulated", "sensitivity", "bias diary"})
_BY_LABEL = (", effective sample size", ", median", ", 99th percentile")
_EXPECTED = "precision: smallest difference to be expected, before outcomes are seen"

Values = Mapping[Key, int | None]


def _counted(term: str) -> Key:
    return ("counted", "", "", term, "")


_WEIGHTS: Key = ("analyzed", "", "", "weights of an emulated trial", "")


def is_of_emulation(estimate: Estimate) -> bool:
    """Return whether an estimate is one of an emulated trial that no other analysis has."""
    term = estimate.term
    is_count = term in {ELIGIBLE, IN_TRIAL, *FOLLOWED} or term.removeprefix(_SCORED) in FOLLOWED
    is_weight = term.startswith("weights: ") and term.endswith(_BY_LABEL)
    return is_count or is_weight or term == _EXPECTED or term.split(": ", 1)[0] in _STEMS


def emulation_n_key(estimate: Estimate) -> Key:
    """Return the key of what an estimate of an emulated trial rests on.

    Examples
    --------
    >>> emulation_n_key(Estimate(term="scored, followed both", measure="proportion"))
    ('counted', '', '', 'followed both', '')
    """
    if estimate.measure in {"count", "proportion"}:
        return _counted(estimate.term.removeprefix(_SCORED))
    return _WEIGHTS if estimate.term.startswith("weights: ") or estimate.term == _EXPECTED else _counted(IN_TRIAL)


def emulation_counted_key(estimate: Estimate) -> Key | None:
    """Return the key of what a count or share of an emulated trial counts."""
    return _counted(estimate.term) if estimate.measure in {"count", "proportion"} else None


def follows_of_emulation(values: Values) -> Iterator[tuple[Key, Key]]:
    """Yield what describes the weights after the patients of the trial and after all who followed something."""
    for term in (IN_TRIAL, *FOLLOWED):
        if _counted(term) in values and _WEIGHTS in values:
            yield (_counted(term), _WEIGHTS)


def sums_of_emulation(values: Values) -> Iterator[Sum]:
    """Yield the eligible as those in the trial and others, these as the four kinds, and each as scored and not."""
    if _counted(ELIGIBLE) in values:
        eligible = _counted(ELIGIBLE)
        yield Sum(eligible, (_counted(IN_TRIAL),), has_remainder=True, give_up_first=(eligible,))
    members = tuple(_counted(term) for term in FOLLOWED if _counted(term) in values)
    if members:
        yield Sum(_counted(IN_TRIAL), members)
    for term in FOLLOWED:
        if _counted(f"{_SCORED}{term}") in values:
            yield Sum(_counted(term), (_counted(f"{_SCORED}{term}"),), has_remainder=True)
