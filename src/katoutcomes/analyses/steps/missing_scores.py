"""Who has no score at the visit, and what goes with it: rows that a comparison and an emulated trial share."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from katoutcomes.results.estimate import Estimate
from katoutcomes.results.formatting import format_level

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LATER, NEVER = "missing, scored later", "missing, not scored again"
"""A gap, after which the patient was seen again, and the end of what is known of a patient."""


def missing_words(conf_level: float) -> str:
    """Return how the odds ratios of having no score were made."""
    return (
        f"Odds ratios of having no score: logistic regression on all of them together, Wald {format_level(conf_level)}."
    )


def odds_ratio_rows(
    term: str,
    columns: Mapping[str, NDArray[np.float64]],
    missing: NDArray[np.bool_],
    conf_level: float,
    fields: dict[str, Any],
) -> Iterator[Estimate]:
    """Yield odds ratios of having no score, from one logistic model; nothing where there is no maximum.

    Parameters
    ----------
    term : str
        What comes before the name of each column.
    columns : mapping of str to ndarray of float64, shape (n_patients,)
        What is known of the patients; a column that does not vary is left out.
    missing : ndarray of bool, shape (n_patients,)
        Who has no score.
    conf_level : float
        Of the Wald intervals.
    fields : dict
        Further fields of the rows.
    """
    import numpy as np
    from scipy.special import ndtr, ndtri

    from katoutcomes.kernels.logistic import logistic_regression

    varying = {words: values for words, values in columns.items() if np.ptp(values) > 0.0}
    design = np.column_stack([np.ones(len(missing)), *varying.values()])
    if not 0 < int(missing.sum()) < len(missing) or np.linalg.matrix_rank(design) < design.shape[1]:
        return
    fit = logistic_regression(design, missing)
    if fit.is_separated:
        return
    width = float(ndtri(0.5 + conf_level / 2.0))
    for place, words in enumerate(varying, start=1):
        log_odds, error = float(fit.coefficients[place]), float(fit.std_errors[place])
        yield Estimate(
            term=f"{term}{words}",
            measure="odds ratio",
            estimate=math.exp(log_odds),
            conf_low=math.exp(log_odds - width * error),
            conf_high=math.exp(log_odds + width * error),
            conf_level=conf_level,
            p_value=2.0 * float(ndtr(-abs(log_odds / error))),
            **fields,
        )


def gaps_and_ends(scored: NDArray[np.bool_]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return at which visits each patient is missing and scored later, and missing and never scored again.

    Parameters
    ----------
    scored : ndarray of bool, shape (n_patients, n_visits)
        Who has a score, in order of time.

    Examples
    --------
    >>> import numpy as np
    >>> gaps, ends = gaps_and_ends(np.array([[True, False, True, False]]))
    >>> gaps.tolist(), ends.tolist()
    ([[False, True, False, False]], [[False, False, False, True]])
    """
    import numpy as np

    then_or_later = np.logical_or.accumulate(scored[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(then_or_later & ~scored), np.asarray(~then_or_later)
