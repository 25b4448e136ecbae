"""From which severity band to which: the counts of a matrix of bands, and who moved in which direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class BandTransitions:
    """Patients by baseline band and follow-up band.

    Attributes
    ----------
    counts : ndarray of int64, shape (n_bands, n_bands)
        Rows are bands at baseline, columns at follow-up, both from least to most severe.
    moves : ndarray of int64, shape (n_patients,)
        Bands that each patient went towards less severe ones; below 0 towards more severe ones.
    """

    counts: NDArray[np.int64]
    moves: NDArray[np.int64]


def band_transitions(baseline: NDArray[np.int64], follow_up: NDArray[np.int64], n_bands: int) -> BandTransitions:
    """Count the patients by band at baseline and at follow-up.

    Parameters
    ----------
    baseline, follow_up : ndarray of int64, shape (n_patients,)
        Bands from 0 (least severe) to `n_bands` - 1.
    n_bands : int
        How many bands there are.

    Examples
    --------
    >>> import numpy as np
    >>> found = band_transitions(np.array([3, 3, 1]), np.array([1, 3, 2]), n_bands=4)
    >>> found.counts[3].tolist(), found.moves.tolist()
    ([0, 1, 0, 1], [2, 0, -1])
    """
    counts = np.bincount(baseline * n_bands + follow_up, minlength=n_bands * n_bands)
    return BandTransitions(counts.reshape(n_bands, n_bands).astype(np.int64), baseline - follow_up)
