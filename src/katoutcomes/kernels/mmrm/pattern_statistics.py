"""One pass over the data: cross-products per missingness pattern, all that a model for repeated measures needs.

The likelihood of the model, its derivatives and the small-sample corrections depend on the data only through one
Gram matrix per *cell*, a cell being a pattern of observed visits within a covariance group. So the data are read once;
what follows costs the same for a thousand patients as for a million, and the statistics of several sites add up.

References
----------
Jennrich RI, Schluchter MD. Biometrics 1986;42:805-820. doi:10.2307/2530695
Chan TF, Golub GH, LeVeque RJ. Am Stat 1983;37:242-247. doi:10.1080/00031305.1983.10483115
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_ROWS_FOR_CENTER = 4096
ROWS_A_BLOCK = 4096
"""So many that a block stays in the cache while it is gathered, centered and multiplied."""
LARGEST_CONDITION = 300.0
"""Of the covariates; at a larger one more than five digits would be lost in a single pass."""
MOST_VISITS = 62
"""Patterns are bits of one integer."""


@dataclass(frozen=True, slots=True, eq=False)
class PatternStatistics:
    """Cross-products of covariates and outcomes, one matrix a cell.

    With u = (1, z - covariate_center, y - outcome_center), outcomes that are missing set to 0, a cell's `gram` is the
    sum of u u' over its patients. With a weight for every observation the part (1, z - covariate_center) stands V
    times in u, each copy times the square root of its visit's weight.

    Attributes
    ----------
    observed : ndarray of bool, shape (P, V)
        Which visits are observed in each cell.
    group : ndarray of int64, shape (P,)
        Covariance group of each cell; all 0 where there is one.
    n_patients : ndarray of float64, shape (P,)
        Patients of each cell; sums of frequency weights where there are such.
    gram : ndarray of float64, shape (P, m + V, m + V)
        Cross-products of u.
    covariate_center : ndarray of float64, shape (r,)
        What was taken from the covariates.
    outcome_center : ndarray of float64, shape (V,)
        What was taken from the outcomes.
    covariate_map : ndarray of float64, shape (r, r)
        z - covariate_center = covariate_map times the covariates in u; the identity unless the columns were whitened.
    log_weight : float
        Sum of the logarithms of the precision weights of all observed outcomes; 0 without weights.
    has_visit_blocks : bool
        Whether (1, z) stands once a visit.
    n_without_outcome : int
        Patients without any observed outcome; they are in no cell.
    """

    observed: NDArray[np.bool_]
    group: NDArray[np.int64]
    n_patients: NDArray[np.float64]
    gram: NDArray[np.float64]
    covariate_center: NDArray[np.float64]
    outcome_center: NDArray[np.float64]
    covariate_map: NDArray[np.float64]
    log_weight: float
    has_visit_blocks: bool
    n_without_outcome: int

    @property
    def n_visits(self) -> int:
        """Number of visits V."""
        return int(self.observed.shape[1])

    @property
    def n_covariates(self) -> int:
        """Number of covariates r, without the constant."""
        return int(self.covariate_center.size)

    @property
    def n_columns(self) -> int:
        """Length m of the covariate part of u."""
        return int(self.gram.shape[1]) - self.n_visits

    @property
    def n_observations(self) -> float:
        """Observed outcomes, counted with the frequency weights."""
        return float(self.n_patients @ self.observed.sum(axis=1))

    def pairs_observed(self) -> NDArray[np.float64]:
        """Return how many patients have both visits, for every pair of visits, shape (G, V, V)."""
        groups = int(self.group.max(initial=0)) + 1
        counts = np.zeros((groups, self.n_visits, self.n_visits))
        seen = self.observed.astype(np.float64)
        for group in range(groups):
            cells = self.group == group
            counts[group] = (seen[cells].T * self.n_patients[cells]) @ seen[cells]
        return counts


def aggregate(
    z: NDArray[np.float64],
    y: NDArray[np.float64],
    *,
    group: NDArray[np.int64] | None = None,
    frequency_weights: NDArray[np.float64] | None = None,
    precision_weights: NDArray[np.float64] | None = None,
    covariate_map: NDArray[np.float64] | None = None,
) -> PatternStatistics:
    """Return the statistics of the data, in one pass.

    Parameters
    ----------
    z : ndarray of float64, shape (N, r)
        Covariates of each patient, without the constant; no NaN.
    y : ndarray of float64, shape (N, V)
        Outcomes; NaN where a visit is missing.
    group : ndarray of int64, shape (N,), optional
        Covariance group, from 0.
    frequency_weights : ndarray of float64, shape (N,), optional
        A weight of 2 is the patient twice; for inverse-probability and bootstrap weights.
    precision_weights : ndarray of float64, shape (N,) or (N, V), optional
        The residual variance is divided by them.
    covariate_map : ndarray of float64, shape (r, r), optional
        Upper triangular; the statistics are taken of its inverse times the centered covariates.

    Returns
    -------
    PatternStatistics
        Cells in the order of group and pattern.

    Examples
    --------
    >>> y = np.array([[10.0, 8.0], [12.0, np.nan], [9.0, 5.0]])
    >>> statistics = aggregate(np.array([[1.0], [0.0], [0.0]]), y)
    >>> statistics.observed.tolist(), statistics.n_patients.tolist()
    ([[True, False], [True, True]], [1.0, 2.0])
    """
    z, y = np.ascontiguousarray(z), np.ascontiguousarray(y)  # rows of other arrays are slow to gather
    cells = cells_of(y, group)
    center = center_of(_center(z), _center(y), covariate_map)
    log_weight = 0.0
    if frequency_weights is None and precision_weights is None:
        gram = _gram_of_cells(z, y, cells, center)
        n_patients = np.array([rows.size for rows in cells.rows], dtype=np.float64)
    else:
        gram, n_patients, log_weight = _weighted_gram(
            z, y, cells, center, frequency_weights=frequency_weights, precision_weights=precision_weights
        )
    by_visit = precision_weights is not None and precision_weights.ndim == 2
    return PatternStatistics(
        observed=cells.observed,
        group=cells.group,
        n_patients=n_patients,
        gram=gram,
        covariate_center=center.covariates,
        outcome_center=center.outcomes,
        covariate_map=np.eye(z.shape[1]) if covariate_map is None else covariate_map,
        log_weight=log_weight,
        has_visit_blocks=by_visit,
        n_without_outcome=y.shape[0] - sum(rows.size for rows in cells.rows),
    )


def whitening_map(statistics: PatternStatistics) -> NDArray[np.float64] | None:
    """Return the `covariate_map` of a second pass where the covariates are nearly collinear, None where they are not.

    Cross-products square the condition number of the covariates. A second pass with the covariates made uncorrelated
    by the first one's Cholesky factor gives the lost digits back.

    References
    ----------
    Yamamoto Y, Nakatsukasa Y, Yanagisawa Y, Fukaya T. Electron Trans Numer Anal 2015;44:306-326.
    """
    width = statistics.n_covariates
    total = statistics.gram[:, 1 : 1 + width, 1 : 1 + width].sum(axis=0)
    size = np.sqrt(np.diag(total))
    varies = size > 0.0
    if not varies.any():
        return None
    scaled = total[np.ix_(varies, varies)] / np.outer(size[varies], size[varies])
    values = np.linalg.eigvalsh(scaled)
    if values[0] * LARGEST_CONDITION**2 > values[-1] or values[0] <= 1e-14 * values[-1]:
        return None  # well conditioned, or exactly collinear: then a column is dropped, and nothing is lost
    factor = np.eye(width)
    factor[np.ix_(varies, varies)] = np.linalg.cholesky(scaled) * size[varies][:, None]
    return factor


@dataclass(frozen=True, slots=True, eq=False)
class Cells:
    """Which patients share a pattern of observed visits and a group.

    Attributes
    ----------
    rows : tuple of ndarray of int64
        Row numbers of each cell; patients without an outcome are in none.
    observed : ndarray of bool, shape (P, V)
        The pattern of each cell.
    group : ndarray of int64, shape (P,)
        Its group.
    """

    rows: tuple[NDArray[np.int64], ...]
    observed: NDArray[np.bool_]
    group: NDArray[np.int64]


def cells_of(y: NDArray[np.float64], group: NDArray[np.int64] | None) -> Cells:
    """Sort patients into cells, in the order of group and pattern."""
    n_visits = y.shape[1]
    n_groups = 1 if group is None else int(group.max(initial=0)) + 1
    kind = np.min_scalar_type(n_groups * 2**n_visits - 1)  # a narrow type sorts by radix, in linear time
    code = _pattern_codes(y, kind)
    if group is not None:
        code |= group.astype(kind) << kind.type(n_visits)
    order = np.argsort(code, kind="stable")
    ordered = code[order]
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1]))) if code.size else order
    codes = ordered[starts].astype(np.uint64)
    patterns = ((codes[:, None] >> np.arange(n_visits, dtype=np.uint64)) & np.uint64(1)).astype(bool)
    rows = np.split(order, starts[1:]) if code.size else []
    kept = [cell for cell in range(len(rows)) if patterns[cell].any()]
    groups = (codes >> np.uint64(n_visits)).astype(np.int64)
    return Cells(tuple(rows[cell] for cell in kept), patterns[kept], groups[kept])


_BYTES_TO_BITS = np.uint64(0x0102040810204080)


def _pattern_codes(y: NDArray[np.float64], kind: np.dtype[np.unsignedinteger]) -> NDArray[np.unsignedinteger]:
    """Return each patient's pattern as an integer: bit j is set where visit j is observed."""
    n, n_visits = y.shape
    n_words = -(-n_visits // 8)
    code = np.empty(n, dtype=kind)
    flags = np.zeros((ROWS_A_BLOCK, 8 * n_words), dtype=bool)
    for start in range(0, n, ROWS_A_BLOCK):
        some = y[start : start + ROWS_A_BLOCK]
        np.equal(some, some, out=flags[: len(some), :n_visits])  # NaN is not equal to itself
        # Eight flags of a byte each are one integer; the product with this number gathers them in its highest byte.
        words = (flags[: len(some)].view("<u8") * _BYTES_TO_BITS) >> np.uint64(56)
        total = words[:, 0].astype(kind)
        for word in range(1, n_words):
            total |= words[:, word].astype(kind) << kind.type(8 * word)
        code[start : start + ROWS_A_BLOCK] = total
    return code


def _center(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a rough center of each column: any point near the data will do."""
    first = values[:_ROWS_FOR_CENTER]
    known = ~np.isnan(first)
    count = known.sum(axis=0)
    total = np.where(known, first, 0.0).sum(axis=0)
    return np.asarray(total / np.maximum(count, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Center:
    """What is taken from the columns before they are multiplied.

    Attributes
    ----------
    covariates : ndarray of float64, shape (r,)
        Rough centers of the covariates.
    outcomes : ndarray of float64, shape (V,)
        Rough centers of the outcomes.
    unwhiten : ndarray of float64, shape (r, r), or None
        The centered covariates are multiplied by it.
    repeated_covariates, repeated_outcomes : ndarray of float64, shapes (ROWS_A_BLOCK * r,) and (ROWS_A_BLOCK * V,)
        The centers again and again: taking one long row from another is much faster than taking a short row from each
        row of a table.
    """

    covariates: NDArray[np.float64]
    outcomes: NDArray[np.float64]
    unwhiten: NDArray[np.float64] | None
    repeated_covariates: NDArray[np.float64]
    repeated_outcomes: NDArray[np.float64]

    def columns(
        self, z: NDArray[np.float64], y: NDArray[np.float64], rows: NDArray[np.int64], seen: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """Return u = (1, z - center, y - center) of at most ROWS_A_BLOCK patients of a cell, shape (n, 1 + r + V)."""
        width = z.shape[1]
        u = np.empty((rows.size, 1 + width + y.shape[1]))
        u[:, 0] = 1.0
        u[:, 1 : 1 + width], u[:, 1 + width :] = self.parts(z, y, rows)
        u[:, 1 + width :][:, ~seen] = 0.0
        return u

    def parts(
        self, z: NDArray[np.float64], y: NDArray[np.float64], rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return z - center and y - center of at most ROWS_A_BLOCK patients; missing outcomes stay NaN."""
        covariates, outcomes = z.take(rows, axis=0), y.take(rows, axis=0)
        for values, repeated in ((covariates, self.repeated_covariates), (outcomes, self.repeated_outcomes)):
            flat = values.reshape(-1)
            flat -= repeated[: flat.size]
        if self.unwhiten is not None:
            covariates = covariates @ self.unwhiten
        return covariates, outcomes


def _gram_of_cells(z: NDArray[np.float64], y: NDArray[np.float64], cells: Cells, center: Center) -> NDArray[np.float64]:
    """Return the sum of u u' over the patients of each cell, without making u, which would cost more than the products.

    What is missing is NaN in its own row and column of the products only, and is set to 0 there.
    """
    from scipy.linalg.blas import dgemm  # for so few columns twice as fast as the symmetric product that numpy takes

    inner = 1 + z.shape[1]
    gram = np.zeros((len(cells.rows), inner + y.shape[1], inner + y.shape[1]))
    ones = np.ones(ROWS_A_BLOCK)
    for total, rows_of_cell in zip(gram, cells.rows, strict=True):
        total[0, 0] = rows_of_cell.size
        for start in range(0, rows_of_cell.size, ROWS_A_BLOCK):
            covariates, outcomes = center.parts(z, y, rows_of_cell[start : start + ROWS_A_BLOCK])
            some = ones[: len(covariates)]
            total[0, 1:inner] += some @ covariates
            total[0, inner:] += some @ outcomes
            total[1:inner, 1:inner] += dgemm(1.0, covariates.T, covariates.T, trans_b=True)
            total[1:inner, inner:] += dgemm(1.0, covariates.T, outcomes.T, trans_b=True)
            total[inner:, inner:] += dgemm(1.0, outcomes.T, outcomes.T, trans_b=True)
    known = np.concatenate((np.ones((len(cells.rows), inner), dtype=bool), cells.observed), axis=1)
    upper = np.triu(np.where(known[:, :, None] & known[:, None, :], gram, 0.0))
    return np.asarray(upper + np.triu(upper, 1).transpose(0, 2, 1))


def _weighted_gram(
    z: NDArray[np.float64],
    y: NDArray[np.float64],
    cells: Cells,
    center: Center,
    *,
    frequency_weights: NDArray[np.float64] | None,
    precision_weights: NDArray[np.float64] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Return the weighted sum of u u' of each cell, its weight in patients, and the logarithms of the precisions."""
    n_visits = y.shape[1]
    by_visit = precision_weights is not None and precision_weights.ndim == 2
    size = (1 + z.shape[1]) * (n_visits if by_visit else 1) + n_visits
    gram, n_patients, log_weight = np.zeros((len(cells.rows), size, size)), np.zeros(len(cells.rows)), 0.0
    for cell, rows_of_cell in enumerate(cells.rows):
        seen = cells.observed[cell]
        for start in range(0, rows_of_cell.size, ROWS_A_BLOCK):
            rows = rows_of_cell[start : start + ROWS_A_BLOCK]
            u = center.columns(z, y, rows, seen)
            frequency = np.ones(rows.size) if frequency_weights is None else frequency_weights[rows]
            if precision_weights is not None:
                u = with_precision(u, precision_weights[rows], seen)
                log_weight += _sum_of_logs(precision_weights[rows], seen, frequency)
            u *= np.sqrt(frequency)[:, None]
            gram[cell] += u.T @ u
            n_patients[cell] += float(frequency.sum())
    return gram, n_patients, log_weight


def center_of(
    covariates: NDArray[np.float64], outcomes: NDArray[np.float64], covariate_map: NDArray[np.float64] | None
) -> Center:
    """Return what is taken from columns with these centers, whose covariates are then divided by a map."""
    unwhiten = None if covariate_map is None else np.asarray(np.linalg.inv(covariate_map).T, dtype=np.float64)
    return Center(covariates, outcomes, unwhiten, np.tile(covariates, ROWS_A_BLOCK), np.tile(outcomes, ROWS_A_BLOCK))


def with_precision(
    u: NDArray[np.float64], weights: NDArray[np.float64], seen: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return u times the square root of the precision weights; one copy of (1, z) a visit where they differ."""
    if weights.ndim == 1:
        return np.asarray(u * np.sqrt(weights)[:, None])
    width = u.shape[1] - seen.size
    root = np.sqrt(np.where(seen, weights, 0.0))
    blocks = root[:, :, None] * u[:, None, :width]
    return np.concatenate((blocks.reshape(u.shape[0], -1), root * u[:, width:]), axis=1)


def _sum_of_logs(weights: NDArray[np.float64], seen: NDArray[np.bool_], frequency: NDArray[np.float64]) -> float:
    logs = np.log(weights) * seen.sum() if weights.ndim == 1 else np.log(weights[:, seen]).sum(axis=1)
    return float((logs * frequency).sum())
