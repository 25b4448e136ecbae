"""Depression and anxiety together, by the rules of NHS Talking Therapies. Scores must be known: no NaN."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.individual.reliable_change import DETERIORATED, IMPROVED, at_or_worse, threshold_classes

Masks = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ServiceMeasure:
    """What a service asks of one measure.

    Attributes
    ----------
    caseness : float
        The least severe score that is a case.
    reliable_change : float
        The smallest change that counts, in points.
    sign : int
        Minus one where a falling score is improvement.
    """

    caseness: float
    reliable_change: float
    sign: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class ServiceOutcomes:
    """Who is counted as what; masks of shape (n_patients,).

    Attributes
    ----------
    was_case : ndarray of bool
        At caseness on one measure or both at the start.
    recovered : ndarray of bool
        A case at the start, on neither measure a case at the end.
    improved, deteriorated : ndarray of bool
        A reliable change for the better (for the worse) on one measure or both, and none the other way on either.
    both_ways : ndarray of bool
        Reliably better on one measure and reliably worse on the other.
    reliably_recovered : ndarray of bool
        Recovered and improved.
    """

    was_case: Masks
    recovered: Masks
    improved: Masks
    deteriorated: Masks
    both_ways: Masks
    reliably_recovered: Masks


def service_outcomes(
    starts: tuple[NDArray[np.float64], NDArray[np.float64]],
    ends: tuple[NDArray[np.float64], NDArray[np.float64]],
    measures: tuple[ServiceMeasure, ServiceMeasure],
) -> ServiceOutcomes:
    """Return who recovered, improved and deteriorated on two measures together.

    Parameters
    ----------
    starts, ends : pair of ndarray of float64, shape (n_patients,)
        Depression and anxiety scores at the start and at the end.
    measures : pair of ServiceMeasure
        Their rules.

    Examples
    --------
    >>> import numpy as np
    >>> rules = ServiceMeasure(10, 6), ServiceMeasure(8, 4)
    >>> starts, ends = (np.array([18.0, 18.0]), np.array([6.0, 12.0])), (np.array([9.0, 8.0]), np.array([7.0, 16.0]))
    >>> found = service_outcomes(starts, ends, rules)
    >>> found.reliably_recovered.tolist(), found.both_ways.tolist()
    ([True, False], [False, True])
    """
    triples = list(zip(starts, ends, measures, strict=True))
    was_case = np.logical_or.reduce([at_or_worse(start, rule.caseness, rule.sign) for start, _, rule in triples])
    is_case = np.logical_or.reduce([at_or_worse(end, rule.caseness, rule.sign) for _, end, rule in triples])
    classes = [threshold_classes(start, end, rule.reliable_change, rule.sign) for start, end, rule in triples]
    is_better = np.logical_or.reduce([one == IMPROVED for one in classes])
    is_worse = np.logical_or.reduce([one == DETERIORATED for one in classes])
    recovered, improved = was_case & ~is_case, is_better & ~is_worse
    return ServiceOutcomes(
        was_case=was_case,
        recovered=recovered,
        improved=improved,
        deteriorated=is_worse & ~is_better,
        both_ways=is_better & is_worse,
        reliably_recovered=recovered & improved,
    )
