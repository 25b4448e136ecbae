"""Checks that several analyses make, so that their limits stand in one place."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from katoutcomes.results.check import Check

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

COMPLETENESS_LIMIT = 0.8
"""Below this share of patients with a follow-up score, those who stayed no longer stand for those who began."""

PAIRS_LIMIT = 11
"""With fewer pairs a mean change or a share says next to nothing. It is the smallest count that leaves a clinic by
default as well (`results.disclosure`), so that whether the check fails tells nothing more about a hidden count."""

IMBALANCE_LIMIT = 0.25
"""Standardized difference from which two groups are no longer alike at baseline."""

SHIFT_LIMIT = 0.1
"""How far, in standard deviations, the mean of those who stayed may lie from that of all before it matters."""


def check_with_two_limits(name: str, value: float, limits: tuple[float, float], messages: tuple[str, str]) -> Check:
    """Return a check that fails above the first of two limits, and withholds the answer above the second.

    Parameters
    ----------
    name : str
        Of the check.
    value : float
        The smaller the better.
    limits : tuple of float
        From which on there is caution, and from which on the answer is withheld; the one that counts is kept.
    messages : tuple of str
        Where it passes, and where it fails.

    Examples
    --------
    >>> found = check_with_two_limits("failures", 0.3, (0.02, 0.2), ("None to speak of.", "Many failed."))
    >>> found.passed, found.severity, found.limit
    (False, 'withhold', 0.2)
    """
    caution, withhold = limits
    passed, is_bad = value <= caution, value > withhold
    return Check(
        name=name,
        passed=passed,
        severity="withhold" if is_bad else "caution",
        value=value,
        limit=withhold if is_bad else caution,
        message=messages[0] if passed else messages[1],
    )


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
    >>> [patients_check(n_pairs, "week 12").passed for n_pairs in (10, 11)]
    [False, True]
    >>> patients_check(10, "week 12").severity
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


def smallest_group_check(
    smallest: int, enough: str, too_few: str, name: str = "patients per group", limit: int = PAIRS_LIMIT
) -> Check:
    """Return whether the smallest group is large enough to say something.

    Parameters
    ----------
    smallest : int
        Its patients.
    enough, too_few : str
        What the check says if it is and if it is not.
    name : str
        Of the check.
    limit : int
        From how many on it is.

    Examples
    --------
    >>> smallest_group_check(8, "Each group has enough patients.", "Some group has too few patients.").message
    'Some group has too few patients.'
    """
    is_enough = smallest >= limit
    return Check(name, is_enough, "caution", float(smallest), float(limit), enough if is_enough else too_few)


def completers_check(baseline: NDArray[np.float64], has_both: NDArray[np.bool_], visit: str) -> Check:
    """Return whether the patients scored again at `visit` began like all who began.

    Parameters
    ----------
    baseline : ndarray of float64, shape (n_patients,)
        Baseline scores, NaN where there is none.
    has_both : ndarray of bool, shape (n_patients,)
        Who also has a score at the visit.
    visit : str
        Its name, for the message.

    Returns
    -------
    Check
        Its value is the mean baseline score of those scored again minus that of all who have one, in standard
        deviations of all: the others count by how many they are. NaN where there is no spread, which passes.

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.array([10.0, 12.0, 20.0, 22.0])
    >>> completers_check(scores, np.array([True, True, False, False]), "week 12").passed
    False
    """
    from katoutcomes.kernels.summaries import summarize

    everybody, again = summarize(baseline), summarize(baseline[has_both])
    shift = (again.mean - everybody.mean) / everybody.sd if everybody.sd > 0.0 else math.nan
    differs = abs(shift) > SHIFT_LIMIT
    return Check(
        name="completers at baseline",
        passed=not differs,
        severity="caution",
        value=shift,
        limit=SHIFT_LIMIT,
        message=(
            f"Patients scored again at {visit} began with other scores than all who began, so they do not stand for "
            "them."
            if differs
            else f"Patients scored again at {visit} began with scores like those of all who began."
        ),
    )
