"""Inverses of the covariances of all patterns, grown visit by visit: patterns that begin alike share the work.

The patterns form a tree: below each beginning (the first visits, each seen or missing) stand those that go on from it.
The inverse of a longer pattern is that of its beginning, bordered by one visit: a product and a rank-one update.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """The beginnings that end with one visit.

    Attributes
    ----------
    parent : ndarray of int64, shape (n,)
        Position of each beginning, without this visit, on the level before; the covariance group on the first.
    seen : ndarray of int64, shape (s,)
        Positions of those in which the visit is seen.
    group : ndarray of int64, shape (s,)
        Covariance group of these.
    """

    parent: NDArray[np.int64]
    seen: NDArray[np.int64]
    group: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class PatternTree:
    """All beginnings of the patterns.

    Attributes
    ----------
    levels : tuple of Level
        One a visit.
    cell : ndarray of int64, shape (P,)
        Position of each cell's pattern on the last level.
    """

    levels: tuple[Level, ...]
    cell: NDArray[np.int64]


def pattern_tree(observed: NDArray[np.bool_], group: NDArray[np.int64]) -> PatternTree:
    """Return the tree of the patterns of cells.

    Examples
    --------
    >>> tree = pattern_tree(np.array([[True, True], [True, False]]), np.array([0, 0]))
    >>> [level.parent.tolist() for level in tree.levels]
    [[0], [0, 0]]
    """
    position = np.asarray(group, dtype=np.int64)
    group_of = np.arange(int(position.max(initial=0)) + 1)
    levels = []
    for seen in observed.T:
        codes, position = np.unique(2 * position + seen, return_inverse=True)
        position = position.reshape(-1)
        parent = codes >> 1
        group_of = group_of[parent]
        ends = np.flatnonzero(codes & 1)
        levels.append(Level(parent, ends, group_of[ends]))
    return PatternTree(tuple(levels), position)


def inverses(
    tree: PatternTree, matrices: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return the inverse and the log determinant of each cell's covariance.

    Parameters
    ----------
    tree : PatternTree
        The patterns.
    matrices : ndarray of float64, shape (G, V, V)
        Covariance of all visits in each group.

    Returns
    -------
    tuple of ndarray of float64, shapes (P, V, V) and (P,), or None
        Rows and columns of missing visits are 0. None where one is not positive definite.
    """
    if not np.isfinite(matrices).all():
        return None
    inverse = np.zeros_like(matrices)
    log_determinant = np.zeros(matrices.shape[0])
    for visit, level in enumerate(tree.levels):
        inverse, log_determinant = inverse[level.parent], log_determinant[level.parent]
        before = inverse[level.seen, :visit, :visit]
        border = matrices[level.group, :visit, visit]
        slopes = np.matmul(before, border[:, :, None])[:, :, 0]
        left = matrices[level.group, visit, visit] - (slopes * border).sum(axis=1)
        if not (left > 0.0).all():
            return None
        edge = np.full((left.size, visit + 1), -1.0)
        edge[:, :visit] = slopes
        scaled = edge / left[:, None]
        inverse[level.seen, : visit + 1, : visit + 1] += edge[:, :, None] * scaled[:, None, :]
        log_determinant[level.seen] += np.log(left)
    return inverse[tree.cell], log_determinant[tree.cell]
