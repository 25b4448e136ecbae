"""Is a mean change smaller than what matters: two one-sided t tests against a margin."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.summaries import mean_interval


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Two one-sided tests of a mean change against −margin and +margin.

    Attributes
    ----------
    p_above_lower : float
        One-sided p that the mean change is above −margin.
    p_below_upper : float
        One-sided p that it is below +margin.
    p_equivalence : float
        The larger of the two.
    p_beyond_lower, p_beyond_upper : float
        One-sided p that it is below −margin, and above +margin: more than the margin.
    statistic_lower, statistic_upper, df : float
        The two t, and their degrees of freedom.
    conf_low, conf_high, conf_level : float
        The interval of level 1 − 2α that lies inside the margins exactly where both tests reject at α.

    Notes
    -----
    NaN throughout below two pairs and where the changes do not vary.
    """

    p_above_lower: float
    p_below_upper: float
    p_equivalence: float
    p_beyond_lower: float
    p_beyond_upper: float
    statistic_lower: float
    statistic_upper: float
    df: float
    conf_low: float
    conf_high: float
    conf_level: float


def equivalence(
    baseline: NDArray[np.float64],
    follow_up: NDArray[np.float64],
    margin: float,
    conf_level: float,
    *,
    is_share: bool = False,
) -> Equivalence:
    """Return two one-sided paired t tests of the mean change against a margin.

    Parameters
    ----------
    baseline, follow_up : ndarray of float64, shape (n_pairs,)
        Scores of the same patients, no NaN.
    margin : float
        Above 0: points, or a share of the baseline score.
    conf_level : float
        1 − α of each of the two tests, above ½; the interval has the level 1 − 2α.
    is_share : bool
        Whether the margin is a share m of the baseline score: then each patient's change ± m × baseline is tested,
        which lets the margin vary between patients and needs no estimate of its mean.

    References
    ----------
    Schuirmann DJ. A comparison of the two one-sided tests procedure and the power approach for assessing the
    equivalence of average bioavailability. J Pharmacokinet Biopharm 1987;15:657-680. doi:10.1007/BF01068419.

    Examples
    --------
    >>> before, after = np.array([12.0, 15.0, 9.0, 14.0, 11.0]), np.array([13.0, 14.0, 9.0, 15.0, 10.0])
    >>> found = equivalence(before, after, margin=3.0, conf_level=0.95)
    >>> round(found.p_equivalence, 4), round(found.conf_low, 3), round(found.conf_high, 3)
    (0.0013, -0.953, 0.953)
    """
    if not (margin > 0.0 and 0.5 < conf_level < 1.0):
        raise ValueError("a margin is above 0, and conf_level lies between 0.5 and 1.")
    change = follow_up - baseline
    allowed = margin * baseline if is_share else np.full_like(baseline, margin)
    size = float(max(np.abs(baseline).max(initial=0.0), np.abs(follow_up).max(initial=0.0)))
    level = 2.0 * conf_level - 1.0
    mean = mean_interval(change, level, size)
    lower, upper = _statistic(change + allowed, size), _statistic(change - allowed, size)
    if math.isnan(lower + upper):
        return Equivalence(*(math.nan,) * 11)
    return Equivalence(
        p_above_lower=_upper_tail(lower, mean.df),
        p_below_upper=_upper_tail(-upper, mean.df),
        p_equivalence=_upper_tail(min(lower, -upper), mean.df),
        p_beyond_lower=_upper_tail(-lower, mean.df),
        p_beyond_upper=_upper_tail(upper, mean.df),
        statistic_lower=lower,
        statistic_upper=upper,
        df=mean.df,
        conf_low=mean.conf_low,
        conf_high=mean.conf_high,
        conf_level=level,
    )


def _statistic(values: NDArray[np.float64], size: float) -> float:
    """Return t of a mean against 0."""
    mean = mean_interval(values, 0.95, size)
    return mean.estimate / mean.std_error if mean.std_error > 0.0 else math.nan


def _upper_tail(statistic: float, df: float) -> float:
    from scipy.special import stdtr

    return float(stdtr(df, -statistic))
