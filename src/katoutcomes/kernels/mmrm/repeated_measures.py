"""From arrays to a fitted model: the pass over the data, a second one where they ask for it, and the fit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.kernels.mmrm.fit import RepeatedMeasuresFit, fit_repeated_measures
from katoutcomes.kernels.mmrm.inference import LinearModel, linear_model
from katoutcomes.kernels.mmrm.pattern_statistics import PatternStatistics, aggregate, whitening_map
from katoutcomes.kernels.mmrm.sandwich import PatientData, robust_model

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST_RESIDUAL_SHARE = 1e-4
"""Where residuals have less of the outcomes' variance, cross-products lose digits: the mean is taken out first."""
SMALLEST_RESIDUAL = 1e-7
"""Residuals smaller than this share of the outcomes' standard deviation are rounding: the mean fits exactly."""
_ROWS_FOR_CENTER = 4096


@dataclass(frozen=True, slots=True, eq=False)
class RepeatedMeasures:
    """A fit and the model whose combinations of coefficients can be tested.

    Attributes
    ----------
    fit : RepeatedMeasuresFit
        The estimates and how they were found.
    model : LinearModel or None
        None where the fit has not converged, or CR3 needs a fit without a patient without whom there is none: standard
        errors would mean nothing.
    """

    fit: RepeatedMeasuresFit
    model: LinearModel | None


def data_statistics(data: PatientData) -> PatternStatistics:
    """Return the statistics of the data, from a second, whitened pass where the covariates are nearly collinear."""
    statistics = _aggregate(data, None)
    covariate_map = whitening_map(statistics)
    return statistics if covariate_map is None else _aggregate(data, covariate_map)


def _aggregate(data: PatientData, covariate_map: NDArray[np.float64] | None) -> PatternStatistics:
    return aggregate(
        data.z,
        data.y,
        group=data.group,
        frequency_weights=data.frequency_weights,
        precision_weights=data.precision_weights,
        covariate_map=covariate_map,
    )


def _residual_share(fit: RepeatedMeasuresFit) -> float:
    """Return the least share of the outcomes' variance at a visit that the mean leaves to the residuals."""
    return float((np.diagonal(fit.covariances, axis1=1, axis2=2) / fit.work.scale**2).min())


def _without_mean(data: PatientData, design: NDArray[np.float64], coefficients: NDArray[np.float64]) -> PatientData:
    """Return the data with the mean that some coefficients give taken from the outcomes."""
    by_visit = np.tensordot(coefficients, design, axes=([0], [1]))
    center = data.z[:_ROWS_FOR_CENTER].mean(axis=0)
    level = by_visit[:, 0] + by_visit[:, 1:] @ center
    return replace(data, y=(data.y - level) - (data.z - center) @ by_visit[:, 1:].T)


def repeated_measures(
    data: PatientData,
    design: NDArray[np.float64],
    *,
    structure: str = "us",
    reml: bool = True,
    df_method: str = "kenward-roger-linear",
    variance: str = "model",
) -> RepeatedMeasures | None:
    """Fit the model and prepare its inference.

    Parameters
    ----------
    data : PatientData
        Covariates and outcomes.
    design : ndarray of float64, shape (V, Q, 1 + r)
        x = design[j] (1, z) at visit j.
    structure : str
        One of `structures.STRUCTURES`.
    reml : bool
        Restricted maximum likelihood; otherwise maximum likelihood.
    df_method : str
        One of `inference.DF_METHODS`; with a robust variance Bell and McCaffrey's degrees of freedom are used.
    variance : {"model", "CR0", "CR2", "CR3"}
        Whether standard errors trust the modeled covariance.

    Returns
    -------
    RepeatedMeasures or None
        None where the residuals at a visit do not vary.

    Examples
    --------
    >>> z = np.repeat([[0.0], [1.0]], 4, axis=0)
    >>> y = np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 3.0], [2.0, 5.0], [3.0, 5.0], [4.0, 8.0], [5.0, 6.0], [4.0, 9.0]])
    >>> design = np.array([[[1, 0], [0, 1], [0, 0], [0, 0]], [[1, 0], [0, 1], [1, 0], [0, 1]]], dtype=float)
    >>> found = repeated_measures(PatientData(z, y), design)
    >>> found.fit.coefficients.round(6).tolist(), found.fit.convergence.has_converged
    ([2.0, 2.0, 1.5, 1.5], True)
    """
    fit = fit_repeated_measures(data_statistics(data), design, structure=structure, reml=reml)
    if fit is None:
        return None
    if _residual_share(fit) < LEAST_RESIDUAL_SHARE:
        known = np.where(fit.work.kept, fit.coefficients, 0.0)
        scale = fit.work.scale
        data = _without_mean(data, design, known)
        fit = fit_repeated_measures(data_statistics(data), design, structure=structure, reml=reml)
        if fit is None or (fit.work.scale < SMALLEST_RESIDUAL * scale).any():
            return None
        fit = replace(fit, coefficients=fit.coefficients + known)
    if not fit.convergence.has_converged:
        return RepeatedMeasures(fit, None)
    model = linear_model(fit, df_method) if variance == "model" else robust_model(fit, data, variance)
    return RepeatedMeasures(fit, model)
