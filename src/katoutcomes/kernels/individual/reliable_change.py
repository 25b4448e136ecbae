"""Who changed by more than measurement error, who came over to the functional side, who responded.

Every function takes scores of any shape and returns arrays of that shape. `sign` is -1 where a falling score is
improvement and +1 where a rising score is. Scores must be known: no NaN.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HARMED, DETERIORATED, UNCHANGED, IMPROVED, RECOVERED = -2, -1, 0, 1, 2
"""Codes of the classes, from worse to better.

`RECOVERED` is improved and over to the functional side, `HARMED` is deteriorated and over to the dysfunctional side.
"""

_ROUNDING_POINTS = 1e-9
"""0.35 x 20 points must be 7 points, and 8.7 minus 2.7 must be 6: changes are compared with this allowance."""


@dataclass(frozen=True, slots=True, eq=False)
class ReliableChange:
    """Reliable change by Jacobson and Truax.

    Attributes
    ----------
    standard_error : float
        Standard error of the difference between two scores of one unchanged person, in points.
    threshold : float
        A change must be *larger* than this to be reliable, in points.
    index : ndarray of float64
        Change over `standard_error`, follow-up minus baseline, whatever the direction of the scale.
    classes : ndarray of int8
        `IMPROVED`, `UNCHANGED` or `DETERIORATED`.
    """

    standard_error: float
    threshold: float
    index: NDArray[np.float64]
    classes: NDArray[np.int8]


def standard_error_of_difference(standard_deviation: float, reliability: float) -> float:
    """Return the standard error of the difference between two scores of a person who did not change.

    SD · √2 · √(1 − r): two measurements, each with the standard error of measurement SD·√(1 − r).

    Parameters
    ----------
    standard_deviation : float
        Standard deviation of the scores, in points, above 0.
    reliability : float
        Reliability of the scores in the same kind of people, between 0 and 1.

    Returns
    -------
    float
        In points.

    References
    ----------
    Jacobson NS, Truax P. Clinical significance: a statistical approach to defining meaningful change in psychotherapy
    research. J Consult Clin Psychol 1991;59:12-19. doi:10.1037/0022-006X.59.1.12.

    Examples
    --------
    >>> round(standard_error_of_difference(7.5, 0.80), 2)
    4.74
    """
    if not standard_deviation > 0.0:
        raise ValueError("standard_deviation must be above 0.")
    if not 0.0 <= reliability <= 1.0:
        raise ValueError("reliability lies between 0 and 1.")
    return standard_deviation * math.sqrt(2.0) * math.sqrt(1.0 - reliability)


def reliable_change_threshold(standard_deviation: float, reliability: float, level: float = 0.95) -> float:
    """Return the change that measurement error alone exceeds, in either direction, with probability 1 - `level`.

    Parameters
    ----------
    standard_deviation, reliability : float
        See `standard_error_of_difference`.
    level : float
        Between 0 and 1, both excluded; 0.95 gives 1.96 standard errors of the difference.

    Returns
    -------
    float
        In points.

    Examples
    --------
    >>> round(reliable_change_threshold(6.1, 0.89), 2)
    5.61
    """
    from scipy.special import ndtri

    if not 0.0 < level < 1.0:
        raise ValueError("level lies between 0 and 1, both excluded.")
    return float(ndtri(0.5 + level / 2.0)) * standard_error_of_difference(standard_deviation, reliability)


def reliable_change(
    baseline: NDArray[np.float64],
    follow_up: NDArray[np.float64],
    standard_deviation: float,
    reliability: float,
    *,
    sign: int,
    level: float = 0.95,
) -> ReliableChange:
    """Class each change as reliable or not, by Jacobson and Truax (1991).

    A change is reliable if it is larger than z · SD · √2 · √(1 − r), z being the (1 + `level`)/2 quantile of the
    normal distribution: among people who did not change at all, a share of 1 − `level` would pass it by measurement
    error alone. The inequality is strict.

    Parameters
    ----------
    baseline, follow_up : ndarray of float64
        Scores of the same patients, same shape, no NaN.
    standard_deviation, reliability : float
        See `standard_error_of_difference`.
    sign : {-1, 1}
        Minus one where a falling score is improvement.
    level : float
        See `reliable_change_threshold`.

    Returns
    -------
    ReliableChange
        Threshold, index and class.

    References
    ----------
    Jacobson NS, Truax P. J Consult Clin Psychol 1991;59:12-19. doi:10.1037/0022-006X.59.1.12.

    Examples
    --------
    >>> import numpy as np
    >>> change = reliable_change(np.array([47.5, 40.0]), np.array([32.5, 41.0]), 7.5, 0.80, sign=-1)
    >>> change.index.round(2).tolist(), change.classes.tolist(), round(change.threshold, 2)
    ([-3.16, 0.21], [1, 0], 9.3)
    """
    standard_error = standard_error_of_difference(standard_deviation, reliability)
    threshold = reliable_change_threshold(standard_deviation, reliability, level)
    improvement = sign * (follow_up - baseline)
    with np.errstate(divide="ignore", invalid="ignore"):
        index = (follow_up - baseline) / standard_error
    classes = (improvement > threshold).astype(np.int8) - (improvement < -threshold).astype(np.int8)
    return ReliableChange(standard_error, threshold, index, classes)


def threshold_classes(
    baseline: NDArray[np.float64], follow_up: NDArray[np.float64], points: float, sign: int
) -> NDArray[np.int8]:
    """Class each change by a published number of points: *at least* `points` in either direction counts.

    Parameters
    ----------
    baseline, follow_up : ndarray of float64
        Scores of the same patients, same shape, no NaN.
    points : float
        Smallest change that counts, above 0.
    sign : {-1, 1}
        Minus one where a falling score is improvement.

    Returns
    -------
    ndarray of int8
        `IMPROVED`, `UNCHANGED` or `DETERIORATED`.

    Examples
    --------
    >>> import numpy as np
    >>> threshold_classes(np.array([16.0, 16.0, 10.0]), np.array([10.0, 11.0, 16.0]), points=6, sign=-1).tolist()
    [1, 0, -1]
    """
    if not points > 0.0:
        raise ValueError("points must be above 0.")
    improvement = sign * (follow_up - baseline)
    enough = points - _ROUNDING_POINTS
    return (improvement >= enough).astype(np.int8) - (improvement <= -enough).astype(np.int8)


def cut_off_a(dysfunctional_mean: float, dysfunctional_sd: float, sign: int) -> float:
    """Return cut-off a: two standard deviations from the dysfunctional mean, towards the functional side.

    Examples
    --------
    >>> cut_off_a(40.0, 7.5, sign=1)
    55.0
    """
    return dysfunctional_mean + sign * 2.0 * dysfunctional_sd


def cut_off_b(functional_mean: float, functional_sd: float, sign: int) -> float:
    """Return cut-off b: two standard deviations from the functional mean, towards the dysfunctional side.

    Examples
    --------
    >>> cut_off_b(60.0, 7.5, sign=1)
    45.0
    """
    return functional_mean - sign * 2.0 * functional_sd


def cut_off_c(
    functional_mean: float, functional_sd: float, dysfunctional_mean: float, dysfunctional_sd: float
) -> float:
    """Return cut-off c: the score that lies equally many standard deviations from both means.

    c = (s₀·m₁ + s₁·m₀) / (s₀ + s₁), with m₀, s₀ of the functional and m₁, s₁ of the dysfunctional population.

    References
    ----------
    Jacobson NS, Truax P. J Consult Clin Psychol 1991;59:12-19. doi:10.1037/0022-006X.59.1.12.

    Examples
    --------
    >>> cut_off_c(60.0, 7.5, 40.0, 7.5)
    50.0
    """
    weighted = functional_sd * dysfunctional_mean + dysfunctional_sd * functional_mean
    return weighted / (functional_sd + dysfunctional_sd)


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """Who came over a cut-off.

    Attributes
    ----------
    to_functional, to_dysfunctional : ndarray of bool
        From the other side to this one.
    """

    to_functional: NDArray[np.bool_]
    to_dysfunctional: NDArray[np.bool_]


def moves(baseline: NDArray[np.float64], follow_up: NDArray[np.float64], cut_off: float, sign: int) -> Moves:
    """Return who moved from one side of a cut-off to the other.

    A score exactly on the cut-off is on neither side, so that neither starting nor ending there is a move.

    Parameters
    ----------
    baseline, follow_up : ndarray of float64
        Scores of the same patients, same shape, no NaN.
    cut_off : float
        In points.
    sign : {-1, 1}
        Minus one where a falling score is improvement.

    Examples
    --------
    >>> import numpy as np
    >>> found = moves(np.array([20.0, 20.0, 5.0]), np.array([5.0, 10.0, 20.0]), cut_off=10.0, sign=-1)
    >>> found.to_functional.tolist(), found.to_dysfunctional.tolist()
    ([True, False, False], [False, False, True])
    """
    before, after = sign * (baseline - cut_off), sign * (follow_up - cut_off)
    return Moves((before < 0.0) & (after > 0.0), (before > 0.0) & (after < 0.0))


def combined_classes(classes: NDArray[np.int8], moved: Moves) -> NDArray[np.int8]:
    """Return five classes: improved patients who came over are recovered, deteriorated ones who did are harmed.

    Parameters
    ----------
    classes : ndarray of int8
        `IMPROVED`, `UNCHANGED` or `DETERIORATED`, by any method.
    moved : Moves
        Over a cut-off.

    Returns
    -------
    ndarray of int8
        `RECOVERED`, `IMPROVED` (and not recovered), `UNCHANGED`, `DETERIORATED` (and not harmed) or `HARMED`.

    Examples
    --------
    >>> import numpy as np
    >>> baseline, follow_up = np.array([20.0, 20.0, 5.0]), np.array([5.0, 12.0, 20.0])
    >>> change = reliable_change(baseline, follow_up, 6.0, 0.9, sign=-1)
    >>> combined_classes(change.classes, moves(baseline, follow_up, cut_off=10.0, sign=-1)).tolist()
    [2, 1, -2]
    """
    recovered = moved.to_functional & (classes == IMPROVED)
    harmed = moved.to_dysfunctional & (classes == DETERIORATED)
    return np.where(recovered, RECOVERED, np.where(harmed, HARMED, classes)).astype(np.int8)


def has_response_defined(baseline: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return where a relative change means anything: where the baseline score is above 0."""
    return np.asarray(baseline > 0.0)


def responded(
    baseline: NDArray[np.float64], follow_up: NDArray[np.float64], share: float, sign: int
) -> NDArray[np.bool_]:
    """Return who improved by at least `share` of the baseline score.

    Where the baseline score is 0 (see `has_response_defined`) the answer is False and should be counted out.

    Parameters
    ----------
    baseline, follow_up : ndarray of float64
        Scores of the same patients, same shape, no NaN.
    share : float
        0.5 means half of the baseline score.
    sign : {-1, 1}
        Minus one where a falling score is improvement.

    Returns
    -------
    ndarray of bool

    Examples
    --------
    >>> import numpy as np
    >>> responded(np.array([20.0, 20.0, 0.0]), np.array([10.0, 11.0, 0.0]), share=0.5, sign=-1).tolist()
    [True, False, False]
    """
    if not share > 0.0:
        raise ValueError("share must be above 0.")
    improvement = sign * (follow_up - baseline)
    return has_response_defined(baseline) & (improvement >= share * baseline - _ROUNDING_POINTS)


def at_or_better(scores: NDArray[np.float64], limit: float, sign: int) -> NDArray[np.bool_]:
    """Return which scores are at most as severe as `limit`, itself included: remission.

    Examples
    --------
    >>> import numpy as np
    >>> at_or_better(np.array([4.0, 5.0]), 4.0, sign=-1).tolist()
    [True, False]
    """
    return np.asarray(sign * (scores - limit) >= 0.0)


def at_or_worse(scores: NDArray[np.float64], limit: float, sign: int) -> NDArray[np.bool_]:
    """Return which scores are at least as severe as `limit`, itself included: caseness.

    Examples
    --------
    >>> import numpy as np
    >>> at_or_worse(np.array([9.0, 10.0]), 10.0, sign=-1).tolist()
    [False, True]
    """
    return np.asarray(sign * (scores - limit) <= 0.0)
