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
_LEAST_CURVED = 1e-10
DECREMENT_TOLERANCE = 1e-10
"""Newton's decrement, in units of the deviance, below which the fit has converged."""


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
        """Return the model at some parameters, None where a covariance is not positive definite."""
        n_visits = self.work.scale.size
        pieces = tuple(covariance(self.structure, part, n_visits) for part in theta.reshape(self.n_groups, -1))
        at = evaluate(self.work, np.array([piece.matrix for piece in pieces]), reml=self.reml)
        return None if at is None else Point(theta, pieces, at)


def minimize(model: Model, theta: NDArray[np.float64]) -> tuple[Point, int] | None:
    """Return the point where Newton's steps end, and how many there were."""
    point = model.point(theta)
    if point is None:
        return None
    for iteration in range(_MOST_ITERATIONS):
        gradient = gradient_of(point)
        step = _newton_step(model, point, gradient)
        decrement = float(-gradient @ step)
        moved = _halved(model, point, step)
        if moved is None:
            return point, iteration
        point = moved
        # The step that ends the search is taken: it squares what is left of the error.
        if decrement <= max(DECREMENT_TOLERANCE, point.at.noise):
            return point, iteration + 1
    return point, _MOST_ITERATIONS


def _newton_step(model: Model, point: Point, gradient: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a step downhill: Newton's, or Fisher's where the likelihood bends the other way."""
    elements = second_derivatives(model.work, point.at, model.n_groups, reml=model.reml)
    jacobian = jacobian_of(point.pieces)
    size, values, vectors = scaled_eigenvalues(jacobian.T @ elements.observed @ jacobian + bend_of(point))
    if values[0] <= _LEAST_CURVED * values[-1]:
        expected = expected_derivatives(model.work, point.at, elements, reml=model.reml)
        size, values, vectors = scaled_eigenvalues(jacobian.T @ expected @ jacobian)
        values = np.maximum(values, 1e-8 * max(values[-1], 1e-300))
    return np.asarray(-(vectors @ ((vectors.T @ (gradient / size)) / values)) / size)


def scaled_eigenvalues(
    curvature: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return what scales second derivatives to a unit diagonal, and the eigenvalues and vectors after scaling."""
    size = np.sqrt(np.maximum(np.abs(np.diag(curvature)), 1e-300))
    values, vectors = np.linalg.eigh(curvature / np.outer(size, size))
    return size, values, vectors


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
    share = min(1.0, 3.0 / max(float(np.abs(step).max(initial=0.0)), 1e-300))  # parameters are logarithms and slopes
    for _ in range(_MOST_HALVINGS):
        moved = model.point(point.theta + share * step)
        if moved is not None and moved.at.deviance <= point.at.deviance + max(1e-12, 4.0 * point.at.noise):
            return moved
        share *= 0.5
    return None
