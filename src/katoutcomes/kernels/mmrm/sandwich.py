"""Variances that hold where the covariance of the visits is wrong: CR0, CR2 and CR3, with their degrees of freedom.

They need each patient's residuals, so the data are read a second time, in blocks.

References
----------
Liang KY, Zeger SL. Biometrika 1986;73:13-22. doi:10.1093/biomet/73.1.13
Bell RM, McCaffrey DF. Surv Methodol 2002;28:169-181.
Pustejovsky JE, Tipton E. J Bus Econ Stat 2018;36:672-683. doi:10.1080/07350015.2016.1247004
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.kernels.mmrm.inference import LinearModel, linear_model
from katoutcomes.kernels.mmrm.pattern_statistics import ROWS_A_BLOCK, cells_of, center_of, with_precision

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.kernels.mmrm.fit import RepeatedMeasuresFit

_ALONE = 1e-10
VARIANCES: tuple[str, ...] = ("CR0", "CR2", "CR3")


@dataclass(frozen=True, slots=True, eq=False)
class PatientData:
    """The data that the statistics of a fit were made from, as `aggregate` took them."""

    z: NDArray[np.float64]
    y: NDArray[np.float64]
    group: NDArray[np.int64] | None = None
    frequency_weights: NDArray[np.float64] | None = None
    precision_weights: NDArray[np.float64] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Some patients of one cell: designs and residuals standardized by the covariance, and adjusted for leverage.

    Attributes
    ----------
    designs : ndarray of float64, shape (n, o, q)
        Standardized designs.
    adjusted : ndarray of float64, shape (n, o, q)
        The same, times the adjustment for leverage.
    residuals : ndarray of float64, shape (n, o)
        Standardized residuals.
    """

    designs: NDArray[np.float64]
    adjusted: NDArray[np.float64]
    residuals: NDArray[np.float64]


def robust_model(fit: RepeatedMeasuresFit, data: PatientData, variance: str) -> LinearModel | None:
    """Return a covariance of the coefficients that does not trust the modeled covariance, clustered by patient.

    Parameters
    ----------
    fit : RepeatedMeasuresFit
        A converged fit.
    data : PatientData
        What it was fitted to.
    variance : {"CR0", "CR2", "CR3"}
        Without adjustment for leverage; Bell and McCaffrey's bias-reduced; the jackknife's.

    Returns
    -------
    LinearModel or None
        With degrees of freedom after Bell and McCaffrey, for which it keeps the patients' designs. None for CR3 where
        a coefficient cannot be estimated without one of the patients.
    """
    phi = fit.at.coefficient_covariance
    meat = np.zeros_like(phi)
    for block in _blocks(fit, data, variance):
        if np.isnan(block.adjusted).any():
            return None
        scores = np.matmul(block.adjusted.transpose(0, 2, 1), block.residuals[:, :, None])[:, :, 0]
        meat += scores.T @ scores
    without_scores = replace(data, y=np.where(np.isnan(data.y), np.nan, 0.0))
    return replace(
        linear_model(fit, "satterthwaite"),
        covariance=phi @ meat @ phi,
        robust_df=BellMcCaffrey(fit, without_scores, variance),
    )


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class BellMcCaffrey:
    """Degrees of freedom of any combination of the coefficients, from the patients' designs.

    They hang on powers of each patient's leverage, which no sums over patients hold for every combination: so the
    designs are kept.

    Attributes
    ----------
    fit : RepeatedMeasuresFit
        A converged fit.
    data : PatientData
        The covariates, and which visits each patient has; no scores.
    variance : {"CR0", "CR2", "CR3"}
        As in `robust_model`.
    """

    fit: RepeatedMeasuresFit
    data: PatientData
    variance: str

    def __call__(self, weights: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the degrees of freedom of combinations of the working coefficients, shape (l, q)."""
        return _bell_mccaffrey(self.fit, _blocks(self.fit, self.data, self.variance), weights)


def _bell_mccaffrey(
    fit: RepeatedMeasuresFit, blocks: Iterator[_Block], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return twice the squared mean over the variance of each variance estimate, under the model, shape (l,)."""
    phi = fit.at.coefficient_covariance
    pushed = phi @ weights.T  # (q, l)
    trace = np.zeros(weights.shape[0])
    squares = np.zeros(weights.shape[0])
    cross = np.zeros((weights.shape[0], *phi.shape))
    for block in blocks:
        a = block.adjusted @ pushed  # (n, o, l)
        v = np.matmul(block.designs.transpose(0, 2, 1), a).transpose(2, 0, 1)  # (l, n, q)
        s = (a * a).sum(axis=1).T  # (l, n)
        h = ((v @ phi) * v).sum(axis=2)
        trace += (s - h).sum(axis=1)
        squares += (s * s - 2.0 * s * h).sum(axis=1)
        cross += v.transpose(0, 2, 1) @ v
    turned = cross @ phi
    squares += (turned * turned.transpose(0, 2, 1)).sum(axis=(1, 2))
    return np.divide(trace**2, squares, out=np.full_like(squares, np.inf), where=squares > 0.0)


def _blocks(fit: RepeatedMeasuresFit, data: PatientData, variance: str) -> Iterator[_Block]:
    """Go through the patients, some of one cell at a time."""
    work, statistics = fit.work, fit.work.statistics
    center = center_of(statistics.covariate_center, statistics.outcome_center, statistics.covariate_map)
    cells = cells_of(data.y, data.group)
    m = statistics.n_columns
    for cell, rows_of_cell in enumerate(cells.rows):
        seen = cells.observed[cell]
        kept = np.flatnonzero(seen)
        root = np.linalg.cholesky(fit.at.inverse[cell][np.ix_(kept, kept)])
        for start in range(0, rows_of_cell.size, ROWS_A_BLOCK):
            rows = rows_of_cell[start : start + ROWS_A_BLOCK]
            u = center.columns(data.z, data.y, rows, seen)
            if data.precision_weights is not None:
                u = with_precision(u, data.precision_weights[rows], seen)
            if data.frequency_weights is not None:
                u = u * np.sqrt(data.frequency_weights[rows])[:, None]
            outcomes = (u[:, m:] + u[:, :m] @ work.outcome_shift.T) / work.scale
            designs = np.tensordot(u[:, :m] / work.column_size, work.rows[:, kept], axes=([1], [2])).transpose(0, 2, 1)
            residuals = outcomes[:, kept] - designs @ fit.at.coefficients
            designs = np.matmul(root.T, designs)
            leverage = designs @ fit.at.coefficient_covariance @ designs.transpose(0, 2, 1)
            yield _Block(designs, _ADJUSTMENTS[variance](leverage, designs), residuals @ root)


def _unadjusted(_: NDArray[np.float64], designs: NDArray[np.float64]) -> NDArray[np.float64]:
    return designs


def _bias_reduced(leverage: NDArray[np.float64], designs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (I - H) ** (-1/2) times the designs; directions that a patient alone determines get no weight."""
    return _adjusted(
        leverage, designs, lambda values: np.where(values > _ALONE, np.maximum(values, _ALONE) ** -0.5, 0.0)
    )


def _jackknife(leverage: NDArray[np.float64], designs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (I - H) ** (-1) times the designs; NaN where a patient alone determines something."""
    return _adjusted(
        leverage, designs, lambda values: np.where(values > _ALONE, 1.0 / np.maximum(values, _ALONE), np.nan)
    )


def _adjusted(
    leverage: NDArray[np.float64],
    designs: NDArray[np.float64],
    power: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(np.eye(leverage.shape[1]) - leverage)
    return np.asarray((vectors * power(values)[:, None, :]) @ (vectors.transpose(0, 2, 1) @ designs))


_ADJUSTMENTS: dict[str, Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]]] = {
    "CR0": _unadjusted,
    "CR2": _bias_reduced,
    "CR3": _jackknife,
}
