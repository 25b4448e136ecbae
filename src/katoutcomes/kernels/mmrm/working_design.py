"""From cross-products and a design to well-conditioned ones: centered, scaled, orthonormal, without aliased columns.

Cross-products square the condition number of the data. What saves them is to work with centered columns of unit size
that are orthonormal under the data: all of it can be done on the aggregates, and exactly undone at the end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.kernels.mmrm.pattern_statistics import PatternStatistics

ALIASING_TOLERANCE = 1e-7
"""A column is aliased if what the columns before it leave of it is smaller than this share of its centered size.

Roots of Gram matrices carry noise of 1.5e-8 (the square root of the machine's precision), so it cannot be smaller.
"""
_EIGENVALUE_FLOOR = 1e-13
_CONSTANT_TOLERANCE = 1e-12
_SHARE_ROUNDING = 1e-14
"""Smaller shares of a constant column are rounding, and would say that a coefficient hangs on what it does not."""


@dataclass(frozen=True, slots=True, eq=False)
class WorkingDesign:
    """The statistics in coordinates in which the design is orthonormal, and the way back.

    Attributes
    ----------
    statistics : PatternStatistics
        As they came.
    covariates : ndarray of float64, shape (P, m, m)
        Cross-products of the scaled covariate part of u.
    mixed : ndarray of float64, shape (P, V, m)
        Cross-products of scaled outcomes and covariates.
    outcomes : ndarray of float64, shape (P, V, V)
        Cross-products of the scaled outcomes.
    rows : ndarray of float64, shape (q, V, m)
        x = rows[:, j] u at visit j, for the q columns that are kept, orthonormal.
    column_size : ndarray of float64, shape (m,)
        What the covariate columns of u were divided by.
    outcome_shift : ndarray of float64, shape (V, m)
        What of the center of the outcomes no column of the design can give: it stays in the outcomes, times u.
    scale : ndarray of float64, shape (V,)
        What the outcomes were divided by.
    to_original : ndarray of float64, shape (Q, q)
        Original coefficients = offset + to_original times working ones; rows of aliased columns are 0.
    offset : ndarray of float64, shape (Q,)
        Coefficients of the center of the outcomes.
    kept : ndarray of bool, shape (Q,)
        Which of the original columns are estimated.
    elimination : ndarray of float64, shape (Q, Q)
        Columns after the constant ones are taken out of the others = elimination times the original ones.
    aliases : ndarray of float64, shape (Q - q, q)
        Each aliased column, after elimination, as a combination of the kept ones.
    log_determinant : float
        log |X'X| that orthonormalizing took away; the restricted likelihood is that of the original columns.
    """

    statistics: PatternStatistics
    covariates: NDArray[np.float64]
    mixed: NDArray[np.float64]
    outcomes: NDArray[np.float64]
    rows: NDArray[np.float64]
    column_size: NDArray[np.float64]
    outcome_shift: NDArray[np.float64]
    scale: NDArray[np.float64]
    to_original: NDArray[np.float64]
    offset: NDArray[np.float64]
    kept: NDArray[np.bool_]
    elimination: NDArray[np.float64]
    aliases: NDArray[np.float64]
    log_determinant: float

    @property
    def n_coefficients(self) -> int:
        """Number of estimated coefficients q."""
        return int(self.rows.shape[0])


def working_design(statistics: PatternStatistics, design: NDArray[np.float64], *, common_scale: bool) -> WorkingDesign:
    """Return the statistics in orthonormal coordinates.

    Parameters
    ----------
    statistics : PatternStatistics
        Of the data.
    design : ndarray of float64, shape (V, Q, 1 + r)
        x = design[j] (1, z) at visit j, in the original coding of z.
    common_scale : bool
        Whether all visits share one scale, as homogeneous covariance structures need it.
    """
    m, n_visits = statistics.n_columns, statistics.n_visits
    rows = _in_statistics_columns(statistics, design)
    constants = np.zeros(m, dtype=bool)
    constants[:: 1 + statistics.n_covariates] = True
    centered, elimination = _without_constants(rows, constants)
    offset, shift, mixed, outcomes = _without_offset(statistics, centered, constants)
    covariates = statistics.gram[:, :m, :m]
    scale = _outcome_scale(statistics, outcomes, common_scale=common_scale)
    size = _column_size(covariates, m)
    covariates = covariates / np.outer(size, size)
    mixed = mixed / size[:, None] / scale
    outcomes = outcomes / np.outer(scale, scale)
    scaled = centered * size / scale[:, None]
    by_visit = np.tensordot(statistics.observed.T.astype(np.float64), covariates, axes=1)
    image = np.einsum("jab,kjb->jak", _roots(by_visit), scaled).reshape(n_visits * m, -1)
    largest = np.einsum("kja,jaa->k", scaled**2, by_visit)  # a column's square if no part of it canceled another
    kept, triangle, shares = _orthonormalized(image, np.sqrt(largest))
    inverse = np.asarray(np.linalg.inv(triangle), dtype=np.float64)
    to_original = np.zeros((rows.shape[0], int(kept.sum())))
    to_original[kept] = inverse
    # Elimination maps the original columns x to E x, so coefficients of x are E' times those of E x.
    total = elimination.T @ to_original
    return WorkingDesign(
        statistics=statistics,
        covariates=np.ascontiguousarray(covariates),
        mixed=np.ascontiguousarray(mixed.transpose(0, 2, 1)),
        outcomes=np.ascontiguousarray(outcomes),
        rows=np.tensordot(inverse.T, scaled[kept], axes=1),
        column_size=size,
        outcome_shift=shift,
        scale=scale,
        to_original=total,
        offset=elimination.T @ offset,
        kept=kept,
        elimination=elimination,
        aliases=_aliases(inverse, triangle, shares),
        log_determinant=2.0 * float(np.log(np.abs(np.diag(triangle))).sum()),
    )


def _in_statistics_columns(statistics: PatternStatistics, design: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return x = rows[:, j] u, shape (Q, V, m), for the centered columns u of the statistics."""
    n_visits, width = statistics.n_visits, 1 + statistics.n_covariates
    moved = np.empty_like(design)
    moved[:, :, 0] = design[:, :, 0] + design[:, :, 1:] @ statistics.covariate_center
    moved[:, :, 1:] = design[:, :, 1:] @ statistics.covariate_map
    rows = np.zeros((design.shape[1], n_visits, statistics.n_columns))
    for visit in range(n_visits):
        start = visit * width if statistics.has_visit_blocks else 0
        rows[:, visit, start : start + width] = moved[visit]
    return rows


def _without_constants(
    rows: NDArray[np.float64], constants: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Take from every column that varies between patients what the constant columns can give; return both.

    A covariate with mean 2026 and standard deviation 2 is mostly constant. Left in, that part would cost the varying
    one its digits when columns are made orthogonal; taken out before any data are looked at, it costs nothing.
    """
    q = rows.shape[0]
    is_constant = ~rows[:, :, ~constants].reshape(q, -1).any(axis=1)
    elimination = np.eye(q)
    if not is_constant.any() or is_constant.all():
        return rows.copy(), elimination
    basis = rows[is_constant][:, :, constants].reshape(int(is_constant.sum()), -1)
    parts = rows[~is_constant][:, :, constants].reshape(int((~is_constant).sum()), -1)
    shares = np.linalg.lstsq(basis.T, parts.T, rcond=None)[0].T
    taken = np.abs(shares) * np.linalg.norm(basis, axis=1)
    shares[taken <= _SHARE_ROUNDING * np.linalg.norm(parts, axis=1)[:, None]] = 0.0
    left = parts - shares @ basis
    left[np.abs(left) <= _CONSTANT_TOLERANCE * np.abs(parts).max(axis=1, initial=0.0)[:, None]] = 0.0
    centered = rows.copy()
    varying = np.flatnonzero(~is_constant)
    block = centered[varying]
    block[:, :, constants] = left.reshape(varying.size, rows.shape[1], -1)
    centered[varying] = block
    elimination[np.ix_(varying, np.flatnonzero(is_constant))] = -shares
    return centered, elimination


def _without_offset(
    statistics: PatternStatistics, rows: NDArray[np.float64], constants: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return coefficients of the outcomes' center, what they leave of it, and the cross-products with that put back."""
    m, n_visits, width = statistics.n_columns, statistics.n_visits, 1 + statistics.n_covariates
    target = np.zeros((n_visits, m))
    places = np.arange(n_visits) * width if statistics.has_visit_blocks else np.zeros(n_visits, dtype=np.int64)
    target[np.arange(n_visits), places] = statistics.outcome_center
    is_constant = ~rows[:, :, ~constants].reshape(rows.shape[0], -1).any(axis=1)
    offset = np.zeros(rows.shape[0])
    if is_constant.any():
        basis = rows[is_constant].reshape(int(is_constant.sum()), -1)
        offset[is_constant] = np.linalg.lstsq(basis.T, target.reshape(-1), rcond=None)[0]
    left = target - np.tensordot(offset, rows, axes=1)
    left[np.abs(left) <= _CONSTANT_TOLERANCE * np.abs(target).max(initial=0.0)] = 0.0
    gram = statistics.gram
    mixed, outcomes = gram[:, :m, m:], gram[:, m:, m:]
    if left.any():
        shift = statistics.observed[:, :, None] * left  # (P, V, m): y - fit = centered y + shift u
        both = mixed.transpose(0, 2, 1) @ shift.transpose(0, 2, 1)
        outcomes = outcomes + both + both.transpose(0, 2, 1) + shift @ gram[:, :m, :m] @ shift.transpose(0, 2, 1)
        mixed = mixed + gram[:, :m, :m] @ shift.transpose(0, 2, 1)
    return offset, left, mixed, outcomes


def _outcome_scale(
    statistics: PatternStatistics, outcomes: NDArray[np.float64], *, common_scale: bool
) -> NDArray[np.float64]:
    squares = np.diagonal(outcomes, axis1=1, axis2=2).sum(axis=0)
    counts = statistics.n_patients @ statistics.observed
    if common_scale:
        squares, counts = np.full_like(squares, squares.sum()), np.full_like(counts, counts.sum())
    scale = np.sqrt(squares / np.maximum(counts, 1.0))
    return np.where(scale > 0.0, scale, 1.0)


def _column_size(covariates: NDArray[np.float64], m: int) -> NDArray[np.float64]:
    """Return one over the root mean square of each covariate column, so that u divided by it has size 1."""
    squares = np.diagonal(covariates, axis1=1, axis2=2).sum(axis=0).reshape(m)
    size = np.sqrt(squares / max(squares[0], 1e-300))
    return np.where(size > 0.0, size, 1.0)


def _roots(grams: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a root of each of some Gram matrices; columns that are 0 stay exactly 0."""
    values, vectors = np.linalg.eigh(grams)
    values = np.where(values > _EIGENVALUE_FLOOR * values[:, -1:], values, 0.0)
    roots = np.sqrt(values)[:, :, None] * vectors.transpose(0, 2, 1)
    return np.asarray(roots * (np.diagonal(grams, axis1=1, axis2=2) > 0.0)[:, None, :])


def _orthonormalized(
    columns: NDArray[np.float64], largest: NDArray[np.float64]
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    """Return which columns are not aliased with those before them, R of the QR factors of these, and Q' of the rest.

    A column much smaller than `largest` allows is 0 but for rounding.
    """
    n = columns.shape[1]
    sizes = np.maximum(np.sqrt((columns**2).sum(axis=0)), largest)
    if columns.shape[0] >= n:
        # Columns are nearly always independent, and then there is no need to go through them one by one.
        orthonormal, triangle = np.linalg.qr(columns)
        if (np.abs(np.diag(triangle)) > ALIASING_TOLERANCE * sizes).all():
            return np.ones(n, dtype=bool), triangle, orthonormal.T @ columns[:, :0]
    kept = np.zeros(n, dtype=bool)
    basis = np.zeros((columns.shape[0], n))
    triangle = np.zeros((n, n))
    rank = 0
    for position in range(n):
        left = columns[:, position]
        triangle[:, rank] = 0.0  # rank is at most the position, so there is such a column
        for _ in range(2):  # twice is enough to be orthogonal to the last digit
            shares = basis[:, :rank].T @ left
            left = left - basis[:, :rank] @ shares
            triangle[:rank, rank] += shares
        remainder = np.sqrt(left @ left)
        if remainder > ALIASING_TOLERANCE * sizes[position]:
            kept[position] = True
            triangle[rank, rank] = remainder
            basis[:, rank] = left / remainder
            rank += 1
    return kept, triangle[:rank, :rank], basis[:, :rank].T @ columns[:, ~kept]


def _aliases(
    inverse: NDArray[np.float64], triangle: NDArray[np.float64], shares: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the dropped columns as combinations of those kept, without what is only rounding.

    A dropped column that does not need a kept one would otherwise seem to need it a little, and no combination of
    coefficients would be estimable.
    """
    aliases = np.asarray((inverse @ shares).T)
    contributed = np.abs(aliases) * np.linalg.norm(triangle, axis=0)
    aliases[contributed <= ALIASING_TOLERANCE * np.linalg.norm(shares, axis=0)[:, None]] = 0.0
    return aliases


def are_estimable(work: WorkingDesign, combinations: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which combinations of the original coefficients do not depend on which aliased columns were dropped.

    Parameters
    ----------
    work : WorkingDesign
        The design.
    combinations : ndarray of float64, shape (l, Q)
        Weights of the coefficients, one combination a row.
    """
    moved = combinations @ work.elimination.T
    # At the mean of a covariate what is moved cancels out, and its rounding error is all that is left of it.
    rounding = 1e-12 * (np.abs(combinations) @ np.abs(work.elimination.T))
    implied = moved[:, work.kept] @ work.aliases.T
    given = moved[:, ~work.kept]
    size = 1e-6 * np.abs(moved) + rounding
    tolerance = size[:, work.kept] @ np.abs(work.aliases.T) + size[:, ~work.kept]
    return np.asarray((np.abs(implied - given) <= np.maximum(tolerance, 1e-18)).all(axis=1))
