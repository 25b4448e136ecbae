"""What a difference becomes if the missing scores of the arms are other than assumed, each by its own delta."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.weighting.bootstrap import percentile_interval

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class DeltaAdjustment:
    """A difference of two arms under each pair of deltas; all arrays have shape (g,).

    Attributes
    ----------
    estimate, conf_low, conf_high : ndarray of float64
        The difference and its limits; limits are NaN where there are none without deltas.
    """

    estimate: Floats
    conf_low: Floats
    conf_high: Floats


def adjusted_by_deltas(
    estimate: float,
    limits: tuple[float, float],
    slopes: Floats,
    deltas: Floats,
    *,
    replicates: Floats | None = None,
    replicate_slopes: Floats | None = None,
    conf_level: float = 0.95,
) -> DeltaAdjustment:
    """Add deltas to the missing scores of the comparator and of the treated, and tell the difference again.

    An estimator that is linear in the scores moves by slope times delta, in the patients as they are and in each
    resample; the slope is the weighted share of an arm whose score is missing, negative for the comparator.

    Parameters
    ----------
    estimate : float
        The difference with no delta.
    limits : tuple of float
        Its interval, which is shifted where there are no resamples.
    slopes : ndarray of float64, shape (2,)
        By how much the difference rises with a point more in all missing scores of the comparator, of the treated.
    deltas : ndarray of float64, shape (g, 2)
        Points added, to the comparator and to the treated.
    replicates : ndarray of float64, shape (n_replicates,), optional
        The difference in each resample; NaN where it has none.
    replicate_slopes : ndarray of float64, shape (n_replicates, 2), optional
        The slopes in each resample.
    conf_level : float
        Of the percentile intervals.

    References
    ----------
    Cro S, Morris TP, Kenward MG, Carpenter JR. Sensitivity analysis for clinical trials with missing continuous outcome
    data using controlled multiple imputation: a practical guide. Stat Med 2020;39:2815-2842. doi:10.1002/sim.8569.

    Examples
    --------
    >>> found = adjusted_by_deltas(-2.0, (-3.0, -1.0), np.array([-0.5, 0.25]), np.array([[0.0, 4.0], [2.0, 4.0]]))
    >>> found.estimate.tolist(), found.conf_high.tolist()
    ([-1.0, -2.0], [0.0, -1.0])
    """
    moves = deltas @ slopes
    if replicates is None or replicate_slopes is None:
        return DeltaAdjustment(estimate + moves, limits[0] + moves, limits[1] + moves)
    drawn = replicates[:, None] + replicate_slopes @ deltas.T
    intervals = [percentile_interval(column, conf_level) for column in drawn.T]
    low, high = (np.array([getattr(one, side) for one in intervals]) for side in ("conf_low", "conf_high"))
    return DeltaAdjustment(estimate + moves, low, high)
