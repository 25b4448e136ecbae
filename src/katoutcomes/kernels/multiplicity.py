"""p-values of a family of tests, adjusted for there being several."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

METHODS: tuple[str, ...] = ("holm", "benjamini-hochberg", "none")
"""Holm keeps the chance of any false rejection, Benjamini and Hochberg the share of false ones among the rejections."""


def adjusted_p_values(p_values: NDArray[np.float64], method: str) -> NDArray[np.float64]:
    """Return the p-values of one family, adjusted; NaN stays NaN and does not count as a test.

    Holm: p̃₍ᵢ₎ = max over j ≤ i of (m − j + 1) p₍ⱼ₎. Benjamini-Hochberg: p̃₍ᵢ₎ = min over j ≥ i of m p₍ⱼ₎ / j. Both
    at most 1.

    Parameters
    ----------
    p_values : ndarray of float64, shape (n_tests,)
        Between 0 and 1, or NaN for a test that could not be made.
    method : str
        One of `METHODS`.

    References
    ----------
    Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat 1979;6:65-70.
    Benjamini Y, Hochberg Y. Controlling the false discovery rate. J R Stat Soc B 1995;57:289-300.
    doi:10.1111/j.2517-6161.1995.tb02031.x.

    Examples
    --------
    >>> adjusted_p_values(np.array([0.01, 0.04, 0.03]), "holm").tolist()
    [0.03, 0.06, 0.06]
    """
    if method not in METHODS:
        raise ValueError(f"no method is called {method!r}.")
    adjusted = p_values.astype(np.float64)
    known = np.flatnonzero(~np.isnan(p_values))
    if method == "none" or known.size == 0:
        return adjusted
    order = known[np.argsort(p_values[known], kind="stable")]
    ranks = np.arange(1, known.size + 1)
    if method == "holm":
        raised = np.maximum.accumulate((known.size - ranks + 1) * p_values[order])
    else:
        raised = np.minimum.accumulate((known.size * p_values[order] / ranks)[::-1])[::-1]
    adjusted[order] = np.minimum(raised, 1.0)
    return adjusted
