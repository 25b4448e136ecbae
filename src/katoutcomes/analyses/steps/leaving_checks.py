"""Checks of outcomes that leaving care decides or ends: which a comparison and an emulated trial share."""

from __future__ import annotations

from collections.abc import Sequence

from katoutcomes.analyses.steps.checks import COMPLETENESS_LIMIT, check_with_two_limits
from katoutcomes.results.check import Check

DEPARTURE_CAUTION, DEPARTURE_WITHHOLD = 0.1, 0.3
"""Differences of the shares that had left care, from which on last scores in care are doubted, and withheld."""


def outcomes_known_check(share: float) -> Check:
    """Return whether nearly everybody has a composite outcome: left care, or was scored in care.

    Examples
    --------
    >>> outcomes_known_check(0.7).message
    'Many patients in care have no score at the visit; whether they responded is not known.'
    """
    passed = share >= COMPLETENESS_LIMIT
    return Check(
        "outcomes known",
        passed,
        "caution",
        share,
        COMPLETENESS_LIMIT,
        "Most patients had left care, and so have not responded, or were scored in care."
        if passed
        else "Many patients in care have no score at the visit; whether they responded is not known.",
    )


def difference_in_leaving_check(shares: Sequence[float]) -> Check:
    """Return whether similar shares of the arms had left care, so that last scores in care are of similar times.

    Examples
    --------
    >>> [difference_in_leaving_check([0.1, other]).severity for other in (0.15, 0.25, 0.45)]
    ['caution', 'caution', 'withhold']
    """
    return check_with_two_limits(
        "difference in leaving care",
        max(shares) - min(shares),
        (DEPARTURE_CAUTION, DEPARTURE_WITHHOLD),
        (
            "Similar shares of the arms had left care.",
            "More patients of one arm had left care and were last scored early, so the arms differ in when as well.",
        ),
    )
