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

PAIRS_LIMIT = 10
"""With fewer pairs a mean change or a share says next to nothing."""

IMBALANCE_LIMIT = 0.25
"""Standardized difference from which two groups are no longer alike at baseline."""


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


def completers_check(baseline: NDArray[np.float64], has_both: NDArray[np.bool_], visit: str) -> Check:
    """Return whether the patients scored again at `visit` were like the others at baseline.

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
        Its value is the standardized mean difference in baseline scores between those scored again and the others,
        NaN where there are too few others to tell (which passes).

    Examples
    --------
    >>> import numpy as np
    >>> scores = np.array([10.0, 12.0, 20.0, 22.0])
    >>> completers_check(scores, np.array([True, True, False, False]), "week 12").passed
    False
    """
    from katoutcomes.kernels.standardized_mean_difference import smd_of_numbers

    difference = smd_of_numbers(baseline[has_both], baseline[~has_both]).estimate
    differs = abs(difference) > IMBALANCE_LIMIT
    return Check(
        name="completers at baseline",
        passed=not differs,
        severity="caution",
        value=difference,
        limit=IMBALANCE_LIMIT,
        message=(
            f"Patients scored again at {visit} had other baseline scores than those who were not, so they do not "
            "stand for all who began."
            if differs
            else f"Patients scored again at {visit} had baseline scores like those of the others."
        ),
    )
