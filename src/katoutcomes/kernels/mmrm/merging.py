"""Statistics of several sites are those of all their patients: matrices of the same cell add up about one center."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.kernels.mmrm.pattern_statistics import PatternStatistics

if TYPE_CHECKING:
    from numpy.typing import NDArray


def merge(first: PatternStatistics, second: PatternStatistics) -> PatternStatistics:
    """Return the statistics of two sets of patients together, exactly as if they had been read in one pass.

    Parameters
    ----------
    first, second : PatternStatistics
        Of the same covariates and visits, in the same coding; their centers may differ.

    Returns
    -------
    PatternStatistics
        With the centers of `first`.

    Raises
    ------
    ValueError
        If the two do not describe the same columns, or one is whitened.
    """
    alike = first.gram.shape[1:] == second.gram.shape[1:] and first.has_visit_blocks == second.has_visit_blocks
    if not alike or first.n_visits != second.n_visits:
        raise ValueError("the statistics do not describe the same covariates and visits.")
    if not np.array_equal(first.covariate_map, second.covariate_map):
        raise ValueError("statistics can be merged only if both are whitened in the same way, or none is.")
    moved = _recentered(second, first)
    keys = np.column_stack((np.concatenate((first.group, second.group)), np.vstack((first.observed, second.observed))))
    cells, position = np.unique(keys, axis=0, return_inverse=True)
    gram = np.zeros((cells.shape[0], *first.gram.shape[1:]))
    n_patients = np.zeros(cells.shape[0])
    np.add.at(gram, position.reshape(-1), np.concatenate((first.gram, moved)))
    np.add.at(n_patients, position.reshape(-1), np.concatenate((first.n_patients, second.n_patients)))
    return PatternStatistics(
        observed=cells[:, 1:].astype(bool),
        group=cells[:, 0].astype(np.int64),
        n_patients=n_patients,
        gram=gram,
        covariate_center=first.covariate_center,
        outcome_center=first.outcome_center,
        covariate_map=first.covariate_map,
        log_weight=first.log_weight + second.log_weight,
        has_visit_blocks=first.has_visit_blocks,
        n_without_outcome=first.n_without_outcome + second.n_without_outcome,
    )


def _recentered(statistics: PatternStatistics, target: PatternStatistics) -> NDArray[np.float64]:
    """Return the Gram matrices about the centers of another record."""
    n_visits, width = statistics.n_visits, 1 + statistics.n_covariates
    n_blocks = n_visits if statistics.has_visit_blocks else 1
    shift_z = np.linalg.solve(statistics.covariate_map, statistics.covariate_center - target.covariate_center)
    shift_y = statistics.outcome_center - target.outcome_center
    size = statistics.gram.shape[1]
    maps = np.tile(np.eye(size), (len(statistics.group), 1, 1))
    for block in range(n_blocks):
        maps[:, block * width + 1 : (block + 1) * width, block * width] = shift_z
    for visit in range(n_visits):
        constant = visit * width if statistics.has_visit_blocks else 0
        maps[:, n_blocks * width + visit, constant] = np.where(statistics.observed[:, visit], shift_y[visit], 0.0)
    moved: NDArray[np.float64] = maps @ statistics.gram @ maps.transpose(0, 2, 1)
    return moved
