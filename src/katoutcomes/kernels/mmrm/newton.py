"""The search: Newton's steps with the exact second derivatives, halved where they lead uphill."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.kernels.mmrm.likelihood import Evaluation, evaluate, expected_derivatives, second_derivatives
from katoutcomes.kernels.mmrm.structures import Covariance, covariance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.kernels.mmrm.working_design import WorkingDesign

_MOST_ITERATIONS = 100
_MOST_HALVINGS = 40
_LONGEST_STEP = 3.0
_LEAST_CURVED = 1e-10
DECREMENT_TOLERANCE = 1e-10
"""Newton's decrement, in units of the deviance, below which the fit has converged."""
SINGULAR = 1e-6
"""Nearness below which a covariance is singular: the likelihood has its supremum on the boundary."""
_NO_LONGER_A_COVARIANCE = 1e-10
_VARIANCE_FACTOR = 1e3


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """The model at one set of parameters."""

    theta: NDArray[np.float64]
    pieces: tuple[Covariance, ...]
    at: Evaluation


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """What does not change while parameters are sought."""

    work: WorkingDesign
    structure: str
    n_groups: int
    reml: bool

    def point(self, theta: NDArray[np.float64]) -> Point | None:
        """Return the model at some parameters, None where a covariance is singular or not positive definite."""
        n_visits = self.work.scale.size
        with np.errstate(over="ignore", invalid="ignore"):  # a step too long ends at infinity, where there is no model
            pieces = tuple(covariance(self.structure, part, n_visits) for part in theta.reshape(self.n_groups, -1))
            if nearness_to_singular(pieces) < _NO_LONGER_A_COVARIANCE:
                return None
            at = evaluate(self.work, np.array([piece.matrix for piece in pieces]), reml=self.reml)
        return None if at is None else Point(theta, pieces, at)


def minimize(model: Model, theta: NDArray[np.float64]) -> tuple[Point, int] | None:
    """Return the point where Newton's steps end, and how many there were."""
    point = model.point(theta)
    if point is None:
        return None
    for iteration in range(_MOST_ITERATIONS):
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite ends the search
            gradient = gradient_of(point)
            step = _newton_step(model, point, gradient)
        if step is None:
            return point, iteration
        decrement = float(-gradient @ step)
        moved = _halved(model, point, step)
        if moved is None:
            return point, iteration
        point = moved
        # The step that ends the search is taken: it squares what is left of the error.
        if decrement <= max(DECREMENT_TOLERANCE, point.at.noise) or nearness_to_singular(point.pieces) < SINGULAR:
            return point, iteration + 1
    return point, _MOST_ITERATIONS


def _newton_step(model: Model, point: Point, gradient: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Return a step downhill: Newton's, or Fisher's where the likelihood bends the other way; None where neither is."""
    elements = second_derivatives(model.work, point.at, model.n_groups, reml=model.reml)
    jacobian = jacobian_of(point.pieces)
    size, values, vectors = scaled_eigenvalues(jacobian.T @ elements.observed @ jacobian + bend_of(point))
    if values[0] <= _LEAST_CURVED * values[-1]:
        expected = expected_derivatives(model.work, point.at, elements, reml=model.reml)
        size, values, vectors = scaled_eigenvalues(jacobian.T @ expected @ jacobian)
        if values[-1] <= 0.0:
            return None
        values = np.maximum(values, 1e-8 * values[-1])
    step = np.asarray(-(vectors @ ((vectors.T @ (gradient / size)) / values)) / size)
    return step if np.isfinite(step).all() else None


def scaled_eigenvalues(
    curvature: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return what scales second derivatives to a unit diagonal, and the eigenvalues and vectors after scaling.

    The eigenvalues are 0 where a derivative is not finite, as at the end of a way to the boundary.
    """
    if not np.isfinite(curvature).all():
        return np.ones(curvature.shape[0]), np.zeros(curvature.shape[0]), np.eye(curvature.shape[0])
    size = np.sqrt(np.maximum(np.abs(np.diag(curvature)), 1e-300))
    values, vectors = np.linalg.eigh(curvature / np.outer(size, size))
    return size, values, vectors


def nearness_to_singular(pieces: tuple[Covariance, ...]) -> float:
    """Return how far the covariances are from singular ones, at most 1.

    It is the least eigenvalue of the correlations of the visits, or a multiple of the least variance, where outcomes
    have size 1: a group can be so small that the mean fits its scores at a visit.
    """
    least = 1.0
    for piece in pieces:
        variances = np.diag(piece.matrix)
        if not np.isfinite(piece.matrix).all() or not (variances > 0.0).all():
            return 0.0
        sd = np.sqrt(variances)
        correlation = float(np.linalg.eigvalsh(piece.matrix / np.outer(sd, sd))[0])
        least = min(least, correlation, _VARIANCE_FACTOR * float(variances.min()))
    return least


def gradient_of(point: Point) -> NDArray[np.float64]:
    """Return the derivative of the deviance by the parameters."""
    parts = zip(point.pieces, point.at.score, strict=True)
    return np.concatenate([np.tensordot(piece.first, score, axes=([1, 2], [0, 1])) for piece, score in parts])


def bend_of(point: Point) -> NDArray[np.float64]:
    """Return what the curvature of the parametrization adds to the second derivatives."""
    k = point.theta.size
    size = k // len(point.pieces)
    bend = np.zeros((k, k))
    for group, (piece, score) in enumerate(zip(point.pieces, point.at.score, strict=True)):
        part = slice(group * size, (group + 1) * size)
        bend[part, part] = np.tensordot(piece.second, score, axes=([2, 3], [0, 1]))
    return bend


def jacobian_of(pieces: tuple[Covariance, ...]) -> NDArray[np.float64]:
    """Return the derivative of the elements of all covariance matrices by all parameters."""
    k, n_visits, _ = pieces[0].first.shape
    rows, columns = np.tril_indices(n_visits)
    jacobian = np.zeros((rows.size * len(pieces), k * len(pieces)))
    for group, piece in enumerate(pieces):
        block = piece.first[:, rows, columns].T
        jacobian[group * rows.size : (group + 1) * rows.size, group * k : (group + 1) * k] = block
    return jacobian


def _halved(model: Model, point: Point, step: NDArray[np.float64]) -> Point | None:
    """Return the first point on the way of the step, halved again and again, at which the deviance is not higher."""
    # Parameters are logarithms, and correlations that go to infinity as they go to 1: far out, steps may be longer.
    reach = _LONGEST_STEP * np.maximum(1.0, np.abs(point.theta))
    share = min(1.0, 1.0 / max(float((np.abs(step) / reach).max(initial=0.0)), 1e-300))
    for _ in range(_MOST_HALVINGS):
        moved = model.point(point.theta + share * step)
        if moved is not None and moved.at.deviance <= point.at.deviance + max(1e-12, 4.0 * point.at.noise):
            return moved
        share *= 0.5
    return None
