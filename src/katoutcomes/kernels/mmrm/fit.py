"""The fit in the original coordinates, and what "converged" means."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.kernels.mmrm.likelihood import Evaluation, SecondDerivatives, second_derivatives
from katoutcomes.kernels.mmrm.newton import (
    DECREMENT_TOLERANCE,
    SINGULAR,
    Model,
    Point,
    bend_of,
    gradient_of,
    jacobian_of,
    minimize,
    nearness_to_singular,
    scaled_eigenvalues,
)
from katoutcomes.kernels.mmrm.start import start_matrices
from katoutcomes.kernels.mmrm.structures import is_homogeneous, start_values
from katoutcomes.kernels.mmrm.working_design import WorkingDesign, working_design

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.kernels.mmrm.pattern_statistics import PatternStatistics

_NEARLY_SINGULAR = 1e-4
_FAR_OUT = 30.0
_FEW_SCORES = 6
"""For each parameter of the covariance."""
_STARTS_AROUND = 6
_GOLDEN_RATIO = (1.0 + math.sqrt(5.0)) / 2.0
SMALLEST_HESSIAN_EIGENVALUE = 1e-8
"""Of the second derivatives scaled to a unit diagonal; below it a parameter is not determined by the data."""
SMALLEST_BEND = 1e-4
"""Root of the change of the deviance when a parameter changes by 1 or its own size; below it, it is not determined."""


@dataclass(frozen=True, slots=True)
class Convergence:
    """Whether a fit can be used: four tests, each with its own meaning.

    Attributes
    ----------
    iterations : int
        Newton steps.
    decrement : float
        Expected further fall of the deviance.
    is_stationary : bool
        The decrement is below its tolerance or below the rounding error of the deviance.
    is_curved : bool
        The second derivatives are positive definite: every parameter is determined.
    is_regular : bool
        The covariance of the visits is not singular.
    are_pairs_observed : bool
        Every two visits are seen together in some patient, where the structure needs it.
    largest_gradient : float
        Largest absolute derivative of half the deviance by a parameter.
    """

    iterations: int
    decrement: float
    is_stationary: bool
    is_curved: bool
    is_regular: bool
    are_pairs_observed: bool
    largest_gradient: float

    @property
    def has_converged(self) -> bool:
        """Whether all four tests are passed."""
        return self.is_stationary and self.is_curved and self.is_regular and self.are_pairs_observed


@dataclass(frozen=True, slots=True, eq=False)
class RepeatedMeasuresFit:
    """A fitted model.

    Attributes
    ----------
    structure : str
        Covariance structure.
    reml : bool
        Whether the restricted likelihood was maximized.
    coefficients : ndarray of float64, shape (Q,)
        NaN for aliased columns.
    coefficient_covariance : ndarray of float64, shape (Q, Q)
        Model-based; NaN in rows and columns of aliased columns.
    covariances : ndarray of float64, shape (G, V, V)
        Residual covariance of the visits, one matrix a group.
    theta : ndarray of float64, shape (k,)
        Parameters of the covariances, group after group.
    theta_covariance : ndarray of float64, shape (k, k)
        Twice the inverse of the observed second derivatives; NaN where the fit is not curved.
    deviance : float
        -2 log L, with all constants.
    n_observations : float
        Observed outcomes.
    n_patients : float
        Patients with an observed outcome.
    convergence : Convergence
        Whether the fit can be used.
    work : WorkingDesign
        The working coordinates.
    at : Evaluation
        The model at the estimate, in working coordinates.
    slopes : ndarray of float64, shape (k, q, q)
        Derivative of X' W X by each parameter, in working coordinates.
    elements : SecondDerivatives
        Derivatives by the elements of the covariance matrices.
    jacobian : ndarray of float64, shape (G V (V + 1) / 2, k)
        Derivative of the elements by the parameters, in working coordinates.
    curvatures : ndarray of float64, shape (G, k_g, k_g, V, V)
        Second derivatives of the scaled covariance of each group by its own parameters.
    """

    structure: str
    reml: bool
    coefficients: NDArray[np.float64]
    coefficient_covariance: NDArray[np.float64]
    covariances: NDArray[np.float64]
    theta: NDArray[np.float64]
    theta_covariance: NDArray[np.float64]
    deviance: float
    n_observations: float
    n_patients: float
    convergence: Convergence
    work: WorkingDesign
    at: Evaluation
    slopes: NDArray[np.float64]
    elements: SecondDerivatives
    jacobian: NDArray[np.float64]
    curvatures: NDArray[np.float64]


def fit_repeated_measures(
    statistics: PatternStatistics, design: NDArray[np.float64], *, structure: str = "us", reml: bool = True
) -> RepeatedMeasuresFit | None:
    """Fit the model y = X beta + e, e ~ N(0, Sigma) with a covariance matrix of the visits.

    Parameters
    ----------
    statistics : PatternStatistics
        Of the data.
    design : ndarray of float64, shape (V, Q, 1 + r)
        x = design[j] (1, z) at visit j.
    structure : str
        One of `structures.STRUCTURES`.
    reml : bool
        Restricted maximum likelihood; otherwise maximum likelihood.

    Returns
    -------
    RepeatedMeasuresFit or None
        None where the residuals at a visit do not vary, so that there is no likelihood to maximize.
    """
    work = working_design(statistics, design, common_scale=is_homogeneous(structure))
    n_groups = int(statistics.group.max(initial=0)) + 1
    model = Model(work, structure, n_groups, reml)
    start = start_matrices(work, n_groups, is_homogeneous=is_homogeneous(structure), reml=reml)
    if start is None:
        return None
    found = [minimize(model, theta) for theta in _starts(model, start)]
    done = [result for result in found if result is not None]
    if not done:
        return None
    # On the way to the boundary the deviance can fall forever; an optimum within is what is looked for.
    inside = [result for result in done if nearness_to_singular(result[0].pieces) > _NEARLY_SINGULAR]
    point, iterations = min(inside or done, key=lambda result: result[0].at.deviance)
    return _finished(model, point, iterations)


def _starts(model: Model, matrices: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return where to start: structures with few correlations can have several optima, so they start again from none.

    With few scores every structure can, and starts from some points around, too. Homogeneous ante-dependence has the
    most optima and also starts from the fitted heterogeneous one.
    """
    first = np.concatenate([start_values(model.structure, matrix) for matrix in matrices])
    n_visits = model.work.scale.size
    starts = [first]
    if model.structure != "us" and n_visits > 1:
        uncorrelated = first.reshape(model.n_groups, -1).copy()
        uncorrelated[:, 1 if is_homogeneous(model.structure) else n_visits :] = 0.0
        starts.append(uncorrelated.reshape(-1))
    free = model.work.statistics.n_observations - model.work.n_coefficients
    if free < _FEW_SCORES * first.size:
        starts += list(first + _around(first.size))
    if model.structure == "ad" and n_visits > 1:
        starts += _heterogeneous_start(model, matrices)
    return starts


def _around(n_parameters: int) -> NDArray[np.float64]:
    """Return steps in all directions, spread like standard normal numbers, shape (_STARTS_AROUND, n_parameters).

    The multiples of an irrational number by the squares, less their whole parts, are spread evenly over 0 to 1.
    """
    from scipy.special import ndtri

    squares = np.arange(1.0, 1.0 + _STARTS_AROUND * n_parameters) ** 2
    steps: NDArray[np.float64] = ndtri(squares * _GOLDEN_RATIO % 1.0)
    return steps.reshape(_STARTS_AROUND, n_parameters)


def _heterogeneous_start(model: Model, matrices: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return where fitted heterogeneous ante-dependence leads to, with a mean variance."""
    richer = minimize(
        Model(model.work, "adh", model.n_groups, model.reml),
        np.concatenate([start_values("adh", matrix) for matrix in matrices]),
    )
    if richer is None or np.abs(richer[0].theta).max() > _FAR_OUT:
        return []
    n_visits = model.work.scale.size
    parts = richer[0].theta.reshape(model.n_groups, -1)
    log_sd = 0.5 * np.log(np.exp(2.0 * parts[:, :n_visits]).mean(axis=1))
    return [np.column_stack((log_sd, parts[:, n_visits:])).reshape(-1)]


def _finished(model: Model, point: Point, iterations: int) -> RepeatedMeasuresFit:
    """Return the fit in the original coordinates, with everything that inference needs."""
    work, statistics = model.work, model.work.statistics
    jacobian = jacobian_of(point.pieces)
    with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is not curved
        elements = second_derivatives(work, point.at, model.n_groups, reml=model.reml)
        curvature = jacobian.T @ elements.observed @ jacobian + bend_of(point)
        gradient = gradient_of(point)
    convergence, inverse = _judged(model, point, iterations, gradient, curvature)
    scale = work.scale
    covariances = np.array([piece.matrix for piece in point.pieces]) * np.outer(scale, scale)
    n_coefficients = work.n_coefficients
    counts = statistics.n_patients @ statistics.observed
    deviance = point.at.deviance + 2.0 * float(counts @ np.log(scale)) - statistics.log_weight
    free = statistics.n_observations
    if model.reml:
        deviance += work.log_determinant
        free -= n_coefficients
    deviance += free * math.log(2.0 * math.pi)
    coefficients = work.offset + work.to_original @ point.at.coefficients
    variance = work.to_original @ point.at.coefficient_covariance @ work.to_original.T
    coefficients[~work.kept] = np.nan
    variance[~work.kept] = variance[:, ~work.kept] = np.nan
    return RepeatedMeasuresFit(
        structure=model.structure,
        reml=model.reml,
        coefficients=coefficients,
        coefficient_covariance=variance,
        covariances=covariances,
        theta=_original_theta(model, point.theta),
        theta_covariance=2.0 * inverse,
        deviance=deviance,
        n_observations=statistics.n_observations,
        n_patients=float(statistics.n_patients.sum()),
        convergence=convergence,
        work=work,
        at=point.at,
        slopes=np.tensordot(jacobian.T, elements.slopes, axes=1),
        elements=elements,
        jacobian=jacobian,
        curvatures=np.array([piece.second for piece in point.pieces]),
    )


def _original_theta(model: Model, theta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the parameters of the covariance of the outcomes as they were before scaling."""
    n_visits = model.work.scale.size
    parts = theta.reshape(model.n_groups, -1).copy()
    # The first parameters are logarithms of scales; correlations and rows of the unit factor do not change.
    n_scales = 1 if is_homogeneous(model.structure) else n_visits
    parts[:, :n_scales] += np.log(model.work.scale)[:n_scales]
    return parts.reshape(-1)


def _judged(
    model: Model,
    point: Point,
    iterations: int,
    gradient: NDArray[np.float64],
    curvature: NDArray[np.float64],
) -> tuple[Convergence, NDArray[np.float64]]:
    """Return whether the fit can be used, and the inverse of its second derivatives."""
    size, values, vectors = scaled_eigenvalues(curvature)
    # Scaling makes the rounding error of a parameter that the data say nothing of look like curvature.
    is_determined = bool((size * np.maximum(1.0, np.abs(point.theta)) > SMALLEST_BEND).all())
    is_curved = is_determined and bool(values[0] > SMALLEST_HESSIAN_EIGENVALUE)
    inverse = np.full_like(curvature, np.nan)
    decrement = math.inf
    if is_curved:
        inverse = (vectors / values) @ vectors.T / np.outer(size, size)
        decrement = float(gradient @ inverse @ gradient)
    is_stationary = decrement <= max(DECREMENT_TOLERANCE, point.at.noise)
    needs_pairs = model.structure == "us"
    convergence = Convergence(
        iterations=iterations,
        decrement=decrement,
        is_stationary=is_stationary,
        is_curved=is_curved,
        # A search that has not come to rest so near the boundary was on its way there.
        is_regular=nearness_to_singular(point.pieces) > (SINGULAR if is_stationary else _NEARLY_SINGULAR),
        are_pairs_observed=not needs_pairs or bool((model.work.statistics.pairs_observed() > 0.0).all()),
        largest_gradient=float(np.abs(0.5 * gradient).max(initial=0.0)),
    )
    return convergence, inverse


def information_criteria(fit: RepeatedMeasuresFit) -> dict[str, float]:
    """Return AIC, AICc and BIC, which count the parameters of the covariance and not those of the mean.

    The sample size of AICc is the number of observations less the number of coefficients; that of BIC is the number of
    patients, as R's mmrm and SAS have it.
    """
    k = fit.theta.size
    size = fit.n_observations - fit.work.n_coefficients
    aic = fit.deviance + 2.0 * k
    corrected = aic + 2.0 * k * (k + 1.0) / max(size - k - 1.0, 1.0)
    return {"aic": aic, "aicc": corrected, "bic": fit.deviance + k * math.log(fit.n_patients)}
