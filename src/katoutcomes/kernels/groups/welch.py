"""The difference between two means without the assumption that the groups vary alike."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.summaries import mean_and_sd


@dataclass(frozen=True, slots=True)
class WelchDifference:
    """A difference in means with Welch's interval.

    Attributes
    ----------
    estimate : float
        Mean of the treatment group minus mean of the comparator group.
    std_error, df : float
        Standard error, and the degrees of freedom of Welch and Satterthwaite.
    conf_low, conf_high : float
        Limits of the t interval.
    statistic, p_value : float
        t, and its two-sided p-value.
    n_treatment, n_comparator : int
        Patients in each group.

    Notes
    -----
    All but the counts are NaN where a group has fewer than two patients; everything that needs a standard error is
    NaN where neither group varies at all.
    """

    estimate: float
    std_error: float
    df: float
    conf_low: float
    conf_high: float
    statistic: float
    p_value: float
    n_treatment: int
    n_comparator: int


def welch_difference(
    treatment: NDArray[np.float64], comparator: NDArray[np.float64], conf_level: float, size: float = 0.0
) -> WelchDifference:
    """Return the difference in means between two independent groups, variances not assumed equal.

    SE² = s₁²/n₁ + s₀²/n₀, with df = SE⁴ / ((s₁²/n₁)²/(n₁ − 1) + (s₀²/n₀)²/(n₀ − 1)).

    Parameters
    ----------
    treatment, comparator : ndarray of float64, shape (n,)
        Values of the two groups, no NaN.
    conf_level : float
        Between 0 and 1, both excluded.
    size : float
        How large the numbers were from which the values were made; see `mean_and_sd`. A group whose values differ by
        no more than the rounding of such numbers does not vary.

    Returns
    -------
    WelchDifference
        Treatment minus comparator.

    References
    ----------
    Welch BL. The generalization of "Student's" problem when several different population variances are involved.
    Biometrika 1947;34:28-35. doi:10.1093/biomet/34.1-2.28.

    Examples
    --------
    >>> import numpy as np
    >>> welch = welch_difference(np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0, 8.0]), conf_level=0.95)
    >>> welch.estimate, round(welch.std_error, 4), round(welch.df, 4)
    (-3.0, 1.4142, 4.0755)
    """
    from scipy.special import stdtr, stdtrit

    if not 0.0 < conf_level < 1.0:
        raise ValueError("conf_level lies between 0 and 1, both excluded.")
    sizes = (treatment.size, comparator.size)
    if min(sizes) < 2:
        return WelchDifference(*(math.nan,) * 7, *sizes)
    (mean_1, sd_1), (mean_0, sd_0) = (mean_and_sd(values, size) for values in (treatment, comparator))
    estimate = mean_1 - mean_0
    part_1, part_0 = sd_1**2 / sizes[0], sd_0**2 / sizes[1]
    variance = part_1 + part_0
    if variance == 0.0:
        return WelchDifference(estimate, *(math.nan,) * 6, *sizes)
    std_error = math.sqrt(variance)
    df = variance**2 / (part_1**2 / (sizes[0] - 1) + part_0**2 / (sizes[1] - 1))
    half_width = float(stdtrit(df, 0.5 + conf_level / 2.0)) * std_error
    statistic = estimate / std_error
    return WelchDifference(
        estimate=estimate,
        std_error=std_error,
        df=df,
        conf_low=estimate - half_width,
        conf_high=estimate + half_width,
        statistic=statistic,
        p_value=2.0 * float(stdtr(df, -abs(statistic))),
        n_treatment=sizes[0],
        n_comparator=sizes[1],
    )
