"""Which measured covariate confounds most: a yardstick for what was not measured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.groups.sensitivity import partial_r2

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StrongestCovariate:
    """The column whose like would move the difference most.

    Attributes
    ----------
    column : int
        Its position.
    r2_exposure, r2_outcome : float
        Its partial R^2 with the exposure given the other columns, and with the outcome given these and the exposure.
    """

    column: int
    r2_exposure: float
    r2_outcome: float


def strongest_covariate(
    covariates: Floats, is_exposed: NDArray[np.bool_], outcome: Floats, df: float
) -> StrongestCovariate | None:
    """Find the covariate with the largest product of both partial R^2, by least squares; None where none has one.

    Parameters
    ----------
    covariates : ndarray of float64, shape (n, p)
        No NaN.
    is_exposed : ndarray of bool, shape (n,)
        Who was exposed.
    outcome : ndarray of float64, shape (n,)
        No NaN.
    df : float
        Degrees of freedom with which a t statistic becomes a partial R^2.

    References
    ----------
    Cinelli C, Hazlett C. J R Stat Soc B 2020;82:39-67, section 4.4. doi:10.1111/rssb.12348.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> columns = rng.normal(size=(200, 2))
    >>> exposed = columns[:, 1] + rng.normal(size=200) > 0.0
    >>> strongest_covariate(columns, exposed, columns[:, 1] + rng.normal(size=200), 196.0).column
    1
    """
    if df < 2.0:
        return None
    scales = np.maximum(covariates.std(axis=0), 1e-12)
    columns = (covariates - covariates.mean(axis=0)) / scales
    exposed, ones = is_exposed.astype(np.float64), np.ones(len(outcome))
    of_exposure = _t_statistics(np.column_stack([ones, columns]), exposed)[1:]
    of_outcome = _t_statistics(np.column_stack([ones, exposed, columns]), outcome)[2:]
    strongest: StrongestCovariate | None = None
    for column, (one, other) in enumerate(zip(of_exposure.tolist(), of_outcome.tolist(), strict=True)):
        if not (np.isfinite(one) and np.isfinite(other)):
            continue
        found = StrongestCovariate(column, partial_r2(one, df), partial_r2(other, df))
        if strongest is None or _product(found) > _product(strongest):
            strongest = found
    return strongest


def _product(one: StrongestCovariate) -> float:
    return one.r2_exposure * one.r2_outcome


def _t_statistics(design: Floats, response: Floats) -> Floats:
    bread = np.linalg.pinv(design.T @ design, hermitian=True)
    coefficients = bread @ (design.T @ response)
    df = len(response) - design.shape[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        variance = ((response - design @ coefficients) ** 2).sum() / df if df > 0 else np.nan
        return np.asarray(coefficients / np.sqrt(variance * np.diag(bread)))
