"""P-values adjusted for being one of several, as estimates of their own."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from katoutcomes.results.estimate import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable


def holm_estimates(family: Sequence[Estimate], term_of: Callable[[str], str]) -> Iterator[Estimate]:
    """Yield Holm's p-value of each estimate of a family that has a p-value.

    Parameters
    ----------
    family : sequence of Estimate
        What is tested together.
    term_of : callable
        From the term of an estimate to that of its adjusted p-value.

    References
    ----------
    Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat 1979;6:65-70.

    Examples
    --------
    >>> tested = {"a": 0.01, "b": 0.04}
    >>> family = [Estimate(term=term, measure="difference in means", p_value=p) for term, p in tested.items()]
    >>> [(one.term, one.estimate) for one in holm_estimates(family, lambda term: f"{term}, Holm")]
    [('a, Holm', 0.02), ('b, Holm', 0.04)]
    """
    import numpy as np

    from katoutcomes.kernels.multiplicity import adjusted_p_values

    tested = [one for one in family if not math.isnan(one.p_value)]
    if not tested:
        return
    adjusted = adjusted_p_values(np.array([one.p_value for one in tested]), "holm")
    for one, p_value in zip(tested, adjusted.tolist(), strict=True):
        yield Estimate(
            term=term_of(one.term),
            measure="adjusted p-value",
            estimate=p_value,
            visit=one.visit,
            treatment=one.treatment,
            comparator=one.comparator,
            n_patients=one.n_patients,
        )
