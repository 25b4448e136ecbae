"""Effects by level of something known at time zero, weighted and adjusted, for many sets of patient frequencies.

For arms known at time zero. Emulated trials have the same in `kernels.emulation.further_estimates`; both draw levels
towards each other with `kernels.groups.partial_pooling`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.weighting.comparison import ArmData, Recipe, Starts, arm_weights
from katoutcomes.kernels.weighting.weighted_ancova import weighted_coefficients

Floats = NDArray[np.float64]


def modified_effects(
    data: ArmData, recipe: Recipe, frequencies: Floats, bases: Sequence[Floats], starts: Starts | None = None
) -> Floats:
    """Return the coefficients of effects that are linear in the columns of each basis, shape (B, (K - 1) sum of k).

    Parameters
    ----------
    data : ArmData
        The patients.
    recipe : Recipe
        Whose weights are used; they are refitted for each set of frequencies.
    frequencies : ndarray of float64, shape (B, n_patients)
        How often each patient counts.
    bases : sequence of ndarray of float64, shape (n_patients, k)
        One a modifier. With an indicator for each level, the coefficients are the differences of an arm from the
        comparator in these levels; with ones and a number, the difference at 0 and its rise a unit.
    starts : Starts, optional
        As in `estimate_arms`.

    Returns
    -------
    ndarray of float64
        For each basis and later arm its k coefficients; NaN for a column without an observed patient of an arm.

    Notes
    -----
    Weighted analysis of covariance of the observed on the basis in each arm and the covariates, whose slopes the arms
    share, with the balancing and observation weights of the whole comparison.

    Examples
    --------
    >>> arms, level = np.repeat([0, 1], 4), np.tile([0, 1], 4)
    >>> data = ArmData(arms * (1.0 + level), arms, 2, level[:, None] * 1.0, np.empty((8, 0)), np.empty((8, 0)))
    >>> basis = np.column_stack([level == 0, level == 1]) * 1.0
    >>> modified_effects(data, Recipe("none", False), np.ones((1, 8)), [basis]).round(6).tolist()
    [[1.0, 2.0]]
    """
    found = arm_weights(data, recipe, frequencies, starts)
    weights = np.where(data.is_observed, frequencies * found.balancing / found.observed, 0.0)
    return np.column_stack([_of_basis(data, weights, basis) for basis in bases])


def _of_basis(data: ArmData, weights: Floats, basis: Floats) -> Floats:
    k = basis.shape[1]
    members = data.arms[:, None] == np.arange(data.n_arms)
    in_arms = [basis * members[:, [arm]] for arm in range(data.n_arms)]
    design = np.column_stack([*in_arms, data.covariates - data.covariates.mean(axis=0)])
    coefficients = weighted_coefficients(design, data.outcome, weights)
    has_nobody = weights @ (design[:, : k * data.n_arms] != 0.0).astype(np.float64) <= 0.0
    levels = np.where(has_nobody, np.nan, coefficients[:, : k * data.n_arms])
    return np.column_stack([levels[:, arm * k : (arm + 1) * k] - levels[:, :k] for arm in range(1, data.n_arms)])
