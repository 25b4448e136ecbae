"""The likelihood of the model at given covariance matrices, its score and its exact second derivatives.

Notation as in docs/methods/mmrm.md: W is the inverse of a pattern's covariance, filled with 0 at the visits that are
missing; E the cross-products of the residuals; Phi the covariance of the coefficients; U the matrix with
d D = trace(U d Sigma), D being -2 log L.

References
----------
Lindstrom MJ, Bates DM. J Am Stat Assoc 1988;83:1014-1022. doi:10.2307/2290128
Wolfinger R, Tobias R, Sall J. SIAM J Sci Comput 1994;15:1294-1310. doi:10.1137/0915079
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.kernels.mmrm.working_design import WorkingDesign


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """The model at one covariance matrix a group, in working coordinates.

    Attributes
    ----------
    deviance : float
        -2 log L, restricted or not, of the working data and coefficients; constants are left out.
    inverse : ndarray of float64, shape (P, V, V)
        W of each cell.
    coefficients : ndarray of float64, shape (q,)
        Generalized least-squares estimate.
    coefficient_covariance : ndarray of float64, shape (q, q)
        Phi.
    mixed_residuals : ndarray of float64, shape (P, V, m)
        Cross-products of the residuals and the covariates.
    spread : ndarray of float64, shape (P, V, V)
        Sum of X Phi X' of each cell; zero for maximum likelihood.
    weighted : ndarray of float64, shape (P, V, V)
        W (E + spread) W of each cell.
    score : ndarray of float64, shape (G, V, V)
        U of each group.
    noise : float
        Rounding error of the deviance.
    """

    deviance: float
    inverse: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    coefficient_covariance: NDArray[np.float64]
    mixed_residuals: NDArray[np.float64]
    spread: NDArray[np.float64]
    weighted: NDArray[np.float64]
    score: NDArray[np.float64]
    noise: float


def evaluate(work: WorkingDesign, matrices: NDArray[np.float64], *, reml: bool) -> Evaluation | None:
    """Return the model at given covariance matrices, or None where one is not positive definite, or all but singular.

    Parameters
    ----------
    work : WorkingDesign
        The data.
    matrices : ndarray of float64, shape (G, V, V)
        Covariance of the scaled outcomes, one matrix a group.
    reml : bool
        Restricted likelihood; otherwise the likelihood.
    """
    found = _inverses(work, matrices)
    if found is None:
        return None
    inverse, log_determinants = found
    counts = work.statistics.n_patients
    q, n_visits, m = work.rows.shape
    flat = work.rows.reshape(q, n_visits * m)
    information = flat @ sandwiched(inverse, work.covariates) @ flat.T
    # Products of tall matrices are much faster than those of small matrices for every cell.
    right = flat @ (inverse.reshape(-1, n_visits).T @ work.mixed.reshape(-1, m)).reshape(-1)
    try:
        root = np.linalg.cholesky(information)
    except np.linalg.LinAlgError:
        return None
    inverse_root = np.linalg.inv(root)
    phi = inverse_root.T @ inverse_root
    beta = phi @ right
    mean = (beta @ flat).reshape(n_visits, m).T
    fitted = (work.covariates.reshape(-1, m) @ mean).reshape(-1, m, n_visits)
    mixed_residuals = work.mixed - fitted.transpose(0, 2, 1)
    cross = ((work.mixed + mixed_residuals).reshape(-1, m) @ mean).reshape(-1, n_visits, n_visits)
    observed = work.statistics.observed
    residuals = work.outcomes - 0.5 * (cross + cross.transpose(0, 2, 1))
    residuals *= observed[:, :, None] & observed[:, None, :]
    spread = _spread(work, phi) if reml else np.zeros_like(residuals)
    weighted = inverse @ (residuals + spread) @ inverse
    per_cell = counts[:, None, None] * inverse - weighted
    groups = work.statistics.group
    starts = np.searchsorted(groups, np.arange(matrices.shape[0]))  # cells stand in the order of their groups
    score = np.add.reduceat(per_cell, starts, axis=0)
    if not np.isfinite(score).all():
        return None
    deviance = float(counts @ log_determinants + (inverse * residuals).sum())
    if reml:
        deviance += 2.0 * float(np.log(np.diag(root)).sum())
    noise = 1e-16 * float(np.abs(inverse * work.outcomes).sum())
    return Evaluation(deviance, inverse, beta, phi, mixed_residuals, spread, weighted, score, noise)


def _inverses(
    work: WorkingDesign, matrices: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """Return W and the log determinant of each cell's covariance, None where one is not positive definite."""
    observed = work.statistics.observed
    both = observed[:, :, None] & observed[:, None, :]
    # Missing visits get a 1 on the diagonal and 0 elsewhere: the determinant is that of the observed part.
    filled = np.where(both, matrices[work.statistics.group], np.eye(observed.shape[1]))
    if not np.isfinite(filled).all():
        return None
    try:
        roots = np.linalg.cholesky(filled)
    except np.linalg.LinAlgError:
        return None
    inverse_roots = np.linalg.inv(roots)
    inverse = inverse_roots.transpose(0, 2, 1) @ inverse_roots
    return inverse * both, 2.0 * np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1)


def sandwiched(weights: NDArray[np.float64], covariates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum over cells of weights kron covariates, shape (V m, V m)."""
    cells, n_visits, _ = weights.shape
    m = covariates.shape[1]
    total = weights.reshape(cells, -1).T @ covariates.reshape(cells, -1)
    return np.ascontiguousarray(total.reshape(n_visits, n_visits, m, m).transpose(0, 2, 1, 3)).reshape(
        n_visits * m, n_visits * m
    )


def _spread(work: WorkingDesign, phi: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of X Phi X' over the patients of each cell."""
    q, n_visits, m = work.rows.shape
    flat = work.rows.reshape(q, n_visits * m)
    kernel = (flat.T @ phi @ flat).reshape(n_visits, m, n_visits, m).transpose(0, 2, 1, 3)
    cells = work.covariates.shape[0]
    spread = work.covariates.reshape(cells, -1) @ kernel.reshape(n_visits * n_visits, m * m).T
    return np.asarray(spread.reshape(cells, n_visits, n_visits))


@dataclass(frozen=True, slots=True, eq=False)
class SecondDerivatives:
    """What the curvature of the likelihood and the small-sample corrections share.

    Elements are the entries on and below the diagonal of a group's covariance matrix; k = V (V + 1) / 2 of them, the
    groups one after another.

    Attributes
    ----------
    slopes : ndarray of float64, shape (G k, q, q)
        P of each element: the derivative of X' W X.
    observed : ndarray of float64, shape (G k, G k)
        Second derivative of the deviance.
    """

    slopes: NDArray[np.float64]
    observed: NDArray[np.float64]


def second_derivatives(work: WorkingDesign, at: Evaluation, n_groups: int, *, reml: bool) -> SecondDerivatives:
    """Return the exact second derivatives by the elements of the covariance matrices.

    Parameters
    ----------
    work : WorkingDesign
        The data.
    at : Evaluation
        The model at the point.
    n_groups : int
        Number of covariance matrices.
    reml : bool
        As in `evaluate`.
    """
    n_visits = work.rows.shape[1]
    k = n_visits * (n_visits + 1) // 2
    phi = at.coefficient_covariance
    slopes = np.zeros((n_groups * k, *phi.shape))
    pulls = np.zeros((n_groups * k, phi.shape[0]))
    observed = np.zeros((n_groups * k, n_groups * k))
    for group in range(n_groups):
        cells = _cells_of_group(work, group)
        part = slice(group * k, (group + 1) * k)
        inverse, counts = at.inverse[cells], work.statistics.n_patients[cells]
        observed[part, part] = _pairs(inverse, 2.0 * at.weighted[cells] - counts[:, None, None] * inverse)
        slopes[part] = _slopes(work, cells, inverse)
        pulls[part] = _pulls(work, inverse, inverse @ at.mixed_residuals[cells])
    if reml:
        observed -= _traces(slopes, phi)
    observed -= 2.0 * pulls @ phi @ pulls.T
    return SecondDerivatives(slopes, 0.5 * (observed + observed.T))


def expected_derivatives(
    work: WorkingDesign, at: Evaluation, elements: SecondDerivatives, *, reml: bool
) -> NDArray[np.float64]:
    """Return the expectation of the second derivatives by the elements, which is never negative definite."""
    n_visits = work.rows.shape[1]
    k = n_visits * (n_visits + 1) // 2
    expected = np.zeros_like(elements.observed)
    for group in range(expected.shape[0] // k):
        cells = _cells_of_group(work, group)
        part = slice(group * k, (group + 1) * k)
        inverse, counts = at.inverse[cells], work.statistics.n_patients[cells]
        with_spread = inverse @ at.spread[cells] @ inverse
        expected[part, part] = _pairs(inverse, counts[:, None, None] * inverse - 2.0 * with_spread)
    if reml:
        expected += _traces(elements.slopes, at.coefficient_covariance)
    return np.asarray(0.5 * (expected + expected.T))


def _cells_of_group(work: WorkingDesign, group: int) -> slice:
    """Return where the cells of a group stand: cells are in the order of their groups."""
    first, last = np.searchsorted(work.statistics.group, [group, group + 1])
    return slice(int(first), int(last))


def _traces(slopes: NDArray[np.float64], phi: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return trace(Phi P_h Phi P_l) for all pairs of elements."""
    k, q, _ = slopes.shape
    moved = (slopes.reshape(-1, q) @ phi).reshape(k, q, q)
    return np.asarray(moved.reshape(k, -1) @ moved.transpose(0, 2, 1).reshape(k, -1).T)


def _halves(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return 1/2 for elements on the diagonal: their symmetric unit matrix is counted twice below."""
    return np.where(rows == columns, 0.5, 1.0)


def _pairs(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum over cells of trace(E_h left E_l right) for all pairs of elements, both matrices symmetric."""
    cells, n_visits, _ = left.shape
    # full[b, c, d, a] = sum of left[b, c] right[d, a]
    full = (left.reshape(cells, -1).T @ right.reshape(cells, -1)).reshape((n_visits,) * 4)
    rows, columns = np.tril_indices(n_visits)
    a, b = rows[:, None], columns[:, None]
    c, d = rows[None, :], columns[None, :]
    total = full[b, c, d, a] + full[a, c, d, b] + full[b, d, c, a] + full[a, d, c, b]
    half = _halves(rows, columns)
    return np.asarray(total * np.outer(half, half))


def _slopes(work: WorkingDesign, cells: slice, inverse: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return P = - X' W E_h W X for every element."""
    q, n_visits, m = work.rows.shape
    rows, columns = np.tril_indices(n_visits)
    k, size = rows.size, n_visits * m
    packed = inverse[:, rows, columns]  # (P, k): the products of two entries of W are symmetric in the pair
    upper, lower = np.triu_indices(m)
    covariates = work.covariates[cells][:, upper, lower]
    products = np.matmul((covariates.T[:, :, None] * packed[None]).transpose(0, 2, 1), packed[None])
    place = np.empty((n_visits, n_visits), dtype=np.int64)
    place[rows, columns] = place[columns, rows] = np.arange(k)
    which = np.empty((m, m), dtype=np.int64)
    which[upper, lower] = which[lower, upper] = np.arange(upper.size)
    by_pair = products.reshape(-1, k * k).T[:, which.reshape(-1)]  # (k k, m m)
    pairs = place[rows][:, :, None] * k + place[columns][:, None, :]
    # middle[h, j, u, l, v] = sum over cells of W[j, a] W[b, l] S[u, v] for the element h = (a, b)
    middle = by_pair[pairs.reshape(-1)].reshape(k, n_visits, n_visits, m, m).transpose(0, 1, 3, 2, 4)
    flat = work.rows.reshape(q, size)
    half = flat @ (middle.reshape(-1, size) @ flat.T).reshape(k, size, q)
    return np.asarray(-_halves(rows, columns)[:, None, None] * (half + half.transpose(0, 2, 1)))


def _pulls(work: WorkingDesign, inverse: NDArray[np.float64], pulled: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return X' W E_h W r for every element, shape (k, q), from W and W r u' of each cell."""
    cells, n_visits, m = pulled.shape
    rows, columns = np.tril_indices(n_visits)
    # full[j, a, b, u] = sum of W[j, a] (W r u')[b, u]
    full = (inverse.reshape(cells, -1).T @ pulled.reshape(cells, -1)).reshape(n_visits, n_visits, n_visits, m)
    by_pair = np.tensordot(full, work.rows, axes=([0, 3], [1, 2]))  # (a, b, q)
    total = by_pair[rows, columns] + by_pair[columns, rows]
    return np.asarray(_halves(rows, columns)[:, None] * total)
