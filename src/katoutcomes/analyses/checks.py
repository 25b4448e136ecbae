"""Checks that several analyses make, so that their limits stand in one place."""

from __future__ import annotations

import math

from katoutcomes.results.check import Check

COMPLETENESS_LIMIT = 0.8
"""Below this share of patients with a follow-up score, those who stayed no longer stand for those who began."""

PAIRS_LIMIT = 10
"""With fewer pairs a mean change or a share says next to nothing."""


def paired_completeness_check(n_pairs: int, n_baseline: int, visit: str) -> Check:
    """Return whether enough of the patients with a baseline score were scored again at `visit`.

    Examples
    --------
    >>> paired_completeness_check(60, 100, "week 12").passed
    False
    """
    value = n_pairs / n_baseline if n_baseline else math.nan
    return Check(
        name="paired completeness",
        passed=value >= COMPLETENESS_LIMIT,
        severity="caution",
        value=value,
        limit=COMPLETENESS_LIMIT,
        message=(
            f"Many patients with a baseline score have none at {visit}; "
            "those who were scored again may have fared better or worse than those who were not."
            if not value >= COMPLETENESS_LIMIT
            else f"Most patients with a baseline score were scored again at {visit}."
        ),
    )


def patients_check(n_pairs: int, visit: str) -> Check:
    """Return whether there are enough patients with a baseline and a follow-up score to report anything.

    Examples
    --------
    >>> patients_check(9, "week 12").severity
    'withhold'
    """
    enough = n_pairs >= PAIRS_LIMIT
    return Check(
        name="patients",
        passed=enough,
        severity="withhold",
        value=float(n_pairs),
        limit=float(PAIRS_LIMIT),
        message=(
            f"Enough patients have both a baseline score and one at {visit}."
            if enough
            else f"Too few patients have both a baseline score and one at {visit}."
        ),
    )
