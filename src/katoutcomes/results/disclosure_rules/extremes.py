"""Numbers that are one patient's: the largest weight, and percentiles with nobody, or hardly anybody, beyond them.

A weight is one over a probability. Of patients alike in everything, of whom one is in an arm, the weight of that one is
their number; and the largest of n weights with a mean of 1, over its share of their sum, is n itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from katoutcomes.results.estimate import Estimate

_MEASURES = frozenset({"weight", "propensity quantile"})
_OF_ONE = frozenset({"largest", "share of the largest"})
_OF_A_TAIL: Mapping[str, float] = MappingProxyType({"share of the largest 5 percent": 0.05})
_BEYOND: Mapping[str, float] = MappingProxyType(
    {"1st percentile": 0.01, "5th percentile": 0.05, "95th percentile": 0.05, "99th percentile": 0.01}
)
"""Percentile → share of the patients who lie beyond it."""


def is_extreme(estimate: Estimate, minimum_cell: int) -> bool:
    """Return whether a weight or a propensity is that of one patient, or a sum over fewer than the minimum.

    Examples
    --------
    >>> one = dict(measure="weight", n_patients=80)
    >>> [
    ...     is_extreme(Estimate(term=f"weights: {words}", **one), 11)
    ...     for words in ("largest", "99th percentile", "95th percentile", "share of the largest 5 percent")
    ... ]
    [True, True, False, True]
    """
    if estimate.measure not in _MEASURES:
        return False
    words, n_patients = re.split(r"[:,] ", estimate.term)[-1], estimate.n_patients
    if words in _OF_ONE:
        return True
    if words in _OF_A_TAIL:
        return n_patients is None or _OF_A_TAIL[words] * n_patients < minimum_cell
    return words in _BEYOND and (n_patients is None or _BEYOND[words] * n_patients < 1.0)
