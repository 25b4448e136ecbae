"""Where the search starts: moments of ordinary residuals, improved by a few EM steps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.kernels.mmrm.likelihood import evaluate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.kernels.mmrm.working_design import WorkingDesign

_EM_STEPS = 5
_SINGULAR = 1e-8


def start_matrices(
    work: WorkingDesign, n_groups: int, *, is_homogeneous: bool, reml: bool
) -> NDArray[np.float64] | None:
    """Return pairwise moments of ordinary residuals, made positive definite and improved by EM steps."""
    n_visits = work.scale.size
    at = evaluate(work, np.tile(np.eye(n_visits), (n_groups, 1, 1)), reml=False)
    if at is None:
        return None
    matrices = np.empty((n_groups, n_visits, n_visits))
    groups = work.statistics.group
    pairs = work.statistics.pairs_observed()
    for group in range(n_groups):
        total = at.weighted[groups == group].sum(axis=0)  # at the unit matrix and without spread these are residuals
        moments = np.where(pairs[group] > 0.0, total / np.maximum(pairs[group], 1.0), 0.0)
        variances = np.diag(moments)
        if is_homogeneous:
            variances = np.full(n_visits, np.trace(total) / max(float(np.trace(pairs[group])), 1.0))
        if not (variances > 1e-14).all():  # outcomes have size 1 here, so this is a perfect fit
            return None
        matrices[group] = _shrunk(moments, variances)
    return _expectation_maximization(work, matrices, reml=reml)


def _shrunk(moments: NDArray[np.float64], variances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return moments with their correlations shrunk until they are positive definite."""
    sd = np.sqrt(variances)
    correlation = moments / np.outer(sd, sd)
    identity = np.eye(sd.size)
    while np.linalg.eigvalsh(correlation)[0] < 0.02:
        correlation = 0.8 * correlation + 0.2 * identity
    return np.asarray(correlation * np.outer(sd, sd))


def _expectation_maximization(work: WorkingDesign, matrices: NDArray[np.float64], *, reml: bool) -> NDArray[np.float64]:
    """Return covariances after a few steps Sigma - Sigma U Sigma / n, which never leave the positive definite ones."""
    groups = work.statistics.group
    counts = np.bincount(groups, weights=work.statistics.n_patients, minlength=matrices.shape[0])
    for _ in range(_EM_STEPS):
        at = evaluate(work, matrices, reml=reml)
        if at is None:
            break
        step = matrices @ at.score @ matrices / counts[:, None, None]
        moved = matrices - 0.5 * (step + step.transpose(0, 2, 1))
        sd = np.sqrt(np.maximum(np.diagonal(moved, axis1=1, axis2=2), 1e-300))
        if np.linalg.eigvalsh(moved / (sd[:, :, None] * sd[:, None, :]))[:, 0].min() <= _SINGULAR:
            break
        matrices = moved
    return matrices
