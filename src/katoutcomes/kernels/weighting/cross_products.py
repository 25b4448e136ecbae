"""Weighted cross-products of a design for many sets of weights at once, by one matrix product.

The products of every two columns are formed once; each set of weights then costs one row of a matrix product instead of
a pass over the patients.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_JITTER = 1e-11
"""Share of the mean diagonal added where a matrix cannot be solved as it is."""


def packed_products(design: Floats) -> Floats:
    """Return the products of every two columns, shape (n_rows, p (p + 1) / 2), as `symmetric` unpacks them."""
    rows, columns = np.triu_indices(design.shape[1])
    by_column = np.ascontiguousarray(design.T)
    return (by_column[rows] * by_column[columns]).T


def symmetric(packed: Floats, n_columns: int) -> Floats:
    """Return symmetric matrices of shape (B, p, p) from their packed upper triangles, shape (B, p (p + 1) / 2).

    Examples
    --------
    >>> symmetric(np.array([[1.0, 2.0, 3.0]]), 2).tolist()
    [[[1.0, 2.0], [2.0, 3.0]]]
    """
    rows, columns = np.triu_indices(n_columns)
    position = np.empty((n_columns, n_columns), dtype=np.intp)
    position[rows, columns] = position[columns, rows] = np.arange(rows.size)
    return packed[:, position]


def solve_each(matrices: Floats, right: Floats) -> Floats:
    """Solve a linear system for each matrix; a singular one is solved with a vanishing ridge.

    Parameters
    ----------
    matrices : ndarray of float64, shape (B, p, p)
        Symmetric and positive semidefinite.
    right : ndarray of float64, shape (B, p)
        Right-hand sides.

    Returns
    -------
    ndarray of float64, shape (B, p)
        NaN for a matrix that holds NaN.
    """
    try:
        return np.asarray(np.linalg.solve(matrices, right[:, :, None])[:, :, 0])
    except np.linalg.LinAlgError:
        return _solve_with_jitter(matrices, right)


def _solve_with_jitter(matrices: Floats, right: Floats) -> Floats:
    n_columns = matrices.shape[1]
    size = np.einsum("bii->b", matrices) / n_columns
    size = np.where(np.isfinite(size) & (size > 0.0), size, 1.0)
    steadied = matrices + (_JITTER * size)[:, None, None] * np.eye(n_columns)
    found = np.full(right.shape, np.nan)
    for number, (matrix, vector) in enumerate(zip(steadied, right, strict=True)):
        try:
            found[number] = np.linalg.solve(matrix, vector)
        except np.linalg.LinAlgError:
            continue  # stays NaN: there is no solution
    return found
