"""How weights are spread: mean, SD, percentiles, the shares of the largest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.weighting.balance import effective_sample_size

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class WeightDistribution:
    """The weights of one arm, scaled to a mean of 1 over its patients with a weight.

    Attributes
    ----------
    n_patients : int
        Patients with a weight above 0.
    effective_sample_size : float
        Kish's (sum w)^2 / sum w^2.
    sd, percentile_1, median, percentile_95, percentile_99, largest : float
        Of the scaled weights (type 7 quantiles).
    largest_share, top_5_percent_share : float
        What the largest weight, and the largest 5 percent of them (at least one), have of the sum.
    """

    n_patients: int
    effective_sample_size: float
    sd: float
    percentile_1: float
    median: float
    percentile_95: float
    percentile_99: float
    largest: float
    largest_share: float
    top_5_percent_share: float


def weight_distribution(weights: Floats) -> WeightDistribution:
    """Describe the weights of one arm.

    Parameters
    ----------
    weights : ndarray of float64, shape (n_patients,)
        0 or more; zeros are left out.

    Examples
    --------
    >>> found = weight_distribution(np.array([1.0, 1.0, 2.0, 0.0]))
    >>> found.n_patients, round(found.effective_sample_size, 2), round(found.largest_share, 2)
    (3, 2.67, 0.5)
    """
    known = np.sort(weights[weights > 0.0])
    if known.size == 0:
        return WeightDistribution(0, 0.0, *(float("nan"),) * 8)
    scaled = known / known.mean()
    percentiles = [float(number) for number in np.quantile(scaled, [0.01, 0.5, 0.95, 0.99])]
    n_top = max(1, int(np.ceil(0.05 * scaled.size)))
    return WeightDistribution(
        int(scaled.size),
        effective_sample_size(scaled),
        float(scaled.std(ddof=1)) if scaled.size > 1 else float("nan"),
        percentile_1=percentiles[0],
        median=percentiles[1],
        percentile_95=percentiles[2],
        percentile_99=percentiles[3],
        largest=float(scaled[-1]),
        largest_share=float(scaled[-1] / scaled.sum()),
        top_5_percent_share=float(scaled[-n_top:].sum() / scaled.sum()),
    )
