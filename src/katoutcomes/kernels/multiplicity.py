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


def graphical_p_values(
    p_values: NDArray[np.float64], weights: NDArray[np.float64], transitions: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the p-values of a family whose importance and order are drawn as a graph, adjusted (Bretz and Maurer).

    Each hypothesis holds a share of the level. When one is rejected, its share passes along the transitions to the
    others: w_l becomes w_l + w_j g_jl and g_lk becomes (g_lk + g_lj g_jk) / (1 - g_lj g_jl). A hypothesis is rejected
    at level a where its adjusted p-value is at most a; the chance of any false rejection is then at most a. Holm, a
    fixed sequence, fallback and gatekeeping are such graphs.

    Parameters
    ----------
    p_values : ndarray of float64, shape (n_tests,)
        Between 0 and 1. A test that could not be made (NaN) is not rejected: its share stays where it is.
    weights : ndarray of float64, shape (n_tests,)
        Shares of the level at the start, 0 or more; together at most 1.
    transitions : ndarray of float64, shape (n_tests, n_tests)
        Row j: which part of its share a rejected j passes to each other, 0 or more; together at most 1, none to itself.

    Raises
    ------
    ValueError
        If weights or transitions are not of that kind.

    References
    ----------
    Bretz F, Maurer W, Brannath W, Posch M. A graphical approach to sequentially rejective multiple test procedures.
    Stat Med 2009;28:586-604. doi:10.1002/sim.3495.

    Examples
    --------
    A fixed sequence of two outcomes: the second is tested only where the first is rejected.

    >>> graphical_p_values(np.array([0.03, 0.001]), np.array([1.0, 0.0]), np.array([[0.0, 1.0], [0.0, 0.0]])).tolist()
    [0.03, 0.03]
    """
    _require_graph(p_values, weights, transitions)
    p = np.where(np.isnan(p_values), 1.0, p_values)
    w, g = weights.astype(np.float64), transitions.astype(np.float64)
    adjusted, left, highest = np.full(p.size, np.nan), np.isfinite(p_values), 0.0
    while left.any():
        with np.errstate(divide="ignore", invalid="ignore"):
            ratios = np.where(left & (w > 0.0), p / w, np.inf)
        j = int(np.argmin(ratios))
        if not np.isfinite(ratios[j]):
            adjusted[left] = 1.0
            break
        highest = max(highest, min(float(ratios[j]), 1.0))
        adjusted[j] = highest
        left[j] = False
        w, g = _without(w, g, j)
    return adjusted


def _require_graph(
    p_values: NDArray[np.float64], weights: NDArray[np.float64], transitions: NDArray[np.float64]
) -> None:
    n, room = p_values.size, 1.0 + 1e-9
    if weights.shape != (n,) or transitions.shape != (n, n):
        raise ValueError(f"{n} tests need {n} weights and {n} times {n} transitions.")
    if (weights < 0.0).any() or weights.sum() > room:
        raise ValueError("weights are 0 or more and together at most 1.")
    if (transitions < 0.0).any() or (transitions.sum(axis=1) > room).any() or np.diag(transitions).any():
        raise ValueError("transitions are 0 or more, together at most 1 in each row, and none goes to itself.")


def _without(w: NDArray[np.float64], g: NDArray[np.float64], j: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the graph after hypothesis j is rejected: its share and its arrows passed on."""
    passed = w + w[j] * g[j]
    passed[j] = 0.0
    moved = g + np.outer(g[:, j], g[j])
    kept = 1.0 - g[:, j] * g[j]
    moved = np.where(kept[:, None] > 0.0, moved / np.where(kept > 0.0, kept, 1.0)[:, None], 0.0)
    np.fill_diagonal(moved, 0.0)
    moved[j], moved[:, j] = 0.0, 0.0
    return passed, moved
