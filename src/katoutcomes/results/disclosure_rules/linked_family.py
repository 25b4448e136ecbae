"""A family of comparisons: its band is as safe as the differences, except where these are of a binary outcome.

A difference of shares is near to how many were seen with the outcome in each arm, and the family does not say how many
these are. So its interval and its band stay behind; they follow from the released comparison and the number of standard
errors that the band reaches, wherever that comparison shows them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from katoutcomes.results.disclosure_rules.small_cells import Key
from katoutcomes.results.estimate import Estimate

ANALYSIS = "outcome_family"
_ALONE, _TOGETHER = "alone: ", "together with the family: "
_OF_EVENTS: Key = ("share", "", "", "band over binary outcomes", "")
_NEVER_SHOWN: Key = ("counted", "", "", "patients with the outcome of a family", "")


def family_n_key(estimate: Estimate) -> Key | None:
    """Return the key of what a difference of a family rests on; None for every other estimate.

    Examples
    --------
    >>> family_n_key(Estimate(term="alone: PHQ-9, response", measure="difference in proportions"))
    ('share', '', '', 'band over binary outcomes', '')
    """
    if not estimate.term.startswith((_ALONE, _TOGETHER)):
        return None
    is_of_scores = estimate.measure == "difference in means" and estimate.unit != "days"
    return ("analyzed", "", "", "fewest of a family", "") if is_of_scores else _OF_EVENTS


def counts_of_family(values: Mapping[Key, int | None]) -> Iterator[tuple[Key, int]]:
    """Yield one that nobody may see, behind the differences of binary outcomes."""
    if _OF_EVENTS in values:
        yield _NEVER_SHOWN, 1


def follows_of_family(values: Mapping[Key, int | None]) -> Iterator[tuple[Key, Key]]:
    """Yield what is hidden with it."""
    if _OF_EVENTS in values:
        yield _NEVER_SHOWN, _OF_EVENTS
