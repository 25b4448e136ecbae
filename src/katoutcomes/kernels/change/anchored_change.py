"""Changes against what matters to patients: a minimal important difference in points, or a share of the baseline.

`sign` is -1 where a falling score is improvement and +1 where a rising score is. Scores must be known: no NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.individual.reliable_change import has_response_defined

_ROUNDING_POINTS = 1e-9
"""As in `kernels.reliable_change`: a change of 6 points stays one, however the computer writes the scores."""

WORSE = "worse"
NOT_SHOWN = "no change shown"
TOO_SMALL = "a change that is too small to matter"
PROBABLY_TOO_SMALL = "a change that probably is too small to matter"
PROBABLY_MATTERS = "a change that probably matters"
MATTERS = "a change that matters"
VERDICTS: tuple[str, ...] = (WORSE, NOT_SHOWN, TOO_SMALL, PROBABLY_TOO_SMALL, PROBABLY_MATTERS, MATTERS)
"""What the interval of a mean change says, from worst to best."""


def anchored_classes(
    baseline: NDArray[np.float64],
    follow_up: NDArray[np.float64],
    *,
    improvement: float,
    deterioration: float,
    sign: int,
) -> NDArray[np.int8]:
    """Class each change by two numbers of points; *at least* so many count.

    Parameters
    ----------
    baseline, follow_up : ndarray of float64
        Scores of the same patients, same shape, no NaN.
    improvement, deterioration : float
        Smallest change for the better and for the worse that counts, both above 0, in points.
    sign : {-1, 1}
        Minus one where a falling score is improvement.

    Returns
    -------
    ndarray of int8
        `IMPROVED`, `UNCHANGED` or `DETERIORATED` of `kernels.reliable_change`.

    Examples
    --------
    >>> import numpy as np
    >>> before, after = np.array([30.0, 30.0, 30.0]), np.array([21.0, 24.0, 35.0])
    >>> anchored_classes(before, after, improvement=9.0, deterioration=5.0, sign=-1).tolist()
    [1, 0, -1]
    """
    if not (improvement > 0.0 and deterioration > 0.0):
        raise ValueError("improvement and deterioration must be above 0.")
    gain = sign * (follow_up - baseline)
    is_better, is_worse = gain >= improvement - _ROUNDING_POINTS, gain <= _ROUNDING_POINTS - deterioration
    return is_better.astype(np.int8) - is_worse.astype(np.int8)


def relative_classes(
    baseline: NDArray[np.float64],
    follow_up: NDArray[np.float64],
    *,
    improvement: float,
    deterioration: float,
    sign: int,
) -> NDArray[np.int8]:
    """Class each change by two shares of the baseline score; *at least* so large a share counts.

    Where the baseline score is 0 (see `has_response_defined`) a relative change is not defined: the class is
    `UNCHANGED` and should be counted out.

    Examples
    --------
    >>> import numpy as np
    >>> before, after = np.array([20.0, 20.0, 20.0, 0.0]), np.array([10.0, 11.0, 30.0, 5.0])
    >>> relative_classes(before, after, improvement=0.5, deterioration=0.5, sign=-1).tolist()
    [1, 0, -1, 0]
    """
    if not (improvement > 0.0 and deterioration > 0.0):
        raise ValueError("improvement and deterioration must be above 0.")
    gain = sign * (follow_up - baseline)
    is_better = gain >= improvement * baseline - _ROUNDING_POINTS
    is_worse = gain <= _ROUNDING_POINTS - deterioration * baseline
    defined = has_response_defined(baseline)
    return (defined & is_better).astype(np.int8) - (defined & is_worse).astype(np.int8)


def anchor_verdict(estimate: float, conf_low: float, conf_high: float, *, improvement: float, sign: int) -> str:
    """Return what the interval of a mean change, or of a difference of means, says against an important difference.

    Parameters
    ----------
    estimate, conf_low, conf_high : float
        Of follow-up minus baseline, or of treatment minus comparator, in points.
    improvement : float
        What matters, above 0, in points.
    sign : {-1, 1}
        Minus one where a falling score is improvement.

    Returns
    -------
    str
        One of `VERDICTS`. Where the interval holds 0 nothing is shown, however far it reaches beyond what matters.

    Examples
    --------
    >>> anchor_verdict(-14.2, -18.6, -9.9, improvement=9.0, sign=-1)
    'a change that matters'
    >>> anchor_verdict(-9.8, -13.3, -6.2, improvement=9.0, sign=-1)
    'a change that probably matters'
    """
    gain = sign * estimate
    least, most = sorted((sign * conf_low, sign * conf_high))
    if most < 0.0:
        return WORSE
    if least <= 0.0:
        return NOT_SHOWN
    if most < improvement:
        return TOO_SMALL
    if least > improvement:
        return MATTERS
    return PROBABLY_MATTERS if gain > improvement else PROBABLY_TOO_SMALL
