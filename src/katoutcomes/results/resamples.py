"""The answer of a comparison in each resample of its patients; nothing of it leaves a clinic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Resamples:
    """What several results need for one band over all of them. `release` leaves it behind.

    Attributes
    ----------
    of_whom : str
        Digest of who was resampled and how: equal where two results have drawn the same patients in every resample.
    differences : ndarray of float64, shape (n_replicates, n_differences)
        In the order of the differences that are the answer; NaN where a resample has none.
    """

    of_whom: str
    differences: NDArray[np.float64]
