"""Change within patients: the mean change and its standardized forms, each with an interval that fits it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.change.paired_effects import PairedEffect, PairMoments, paired_effects
from katoutcomes.kernels.summaries import MeanInterval, mean_interval


@dataclass(frozen=True, slots=True)
class PairedChange:
    """Baseline, follow-up and change of the patients who have both scores.

    Attributes
    ----------
    n_pairs : int
        Patients with both scores.
    baseline, follow_up, change : MeanInterval
        Means, standard deviations and t intervals; change is follow-up minus baseline.
    correlation : float
        Pearson correlation between baseline and follow-up; NaN below two pairs or where one of them does not vary.
    statistic, p_value : float
        Paired t, and its two-sided p-value; NaN below two pairs or where the changes do not vary.
    moments : PairMoments
        What the effect sizes are made of.
    d_av, d_z, d_rm, delta_pre : PairedEffect
        Mean change in four kinds of standard deviations; see `paired_effects`.
    """

    n_pairs: int
    baseline: MeanInterval
    follow_up: MeanInterval
    change: MeanInterval
    correlation: float
    statistic: float
    p_value: float
    moments: PairMoments
    d_av: PairedEffect
    d_z: PairedEffect
    d_rm: PairedEffect
    delta_pre: PairedEffect


def paired_change(baseline: NDArray[np.float64], follow_up: NDArray[np.float64], conf_level: float) -> PairedChange:
    """Return everything about the change of a score between two times in the same patients.

    Parameters
    ----------
    baseline, follow_up : ndarray of float64, shape (n_patients,)
        Scores of the same patients in the same order. Who lacks one of the two (NaN) is left out.
    conf_level : float
        Of all intervals; between 0 and 1, both excluded.

    Returns
    -------
    PairedChange
        With NaN for what is not defined: spread below two pairs, tests and d_z where the changes do not vary.

    Raises
    ------
    ValueError
        If the two arrays differ in shape or the level is outside its range.

    References
    ----------
    Student. The probable error of a mean. Biometrika 1908;6:1-25. doi:10.1093/biomet/6.1.1.

    Examples
    --------
    >>> change = paired_change(np.array([20.0, 18.0, 25.0]), np.array([10.0, 12.0, 20.0]), conf_level=0.95)
    >>> change.change.estimate, round(change.change.sd, 4), round(change.statistic, 4), round(change.d_z.estimate, 4)
    (-7.0, 2.6458, -4.5826, -2.6458)
    """
    from scipy.special import stdtr

    if baseline.shape != follow_up.shape:
        raise ValueError("baseline and follow_up must have the same shape.")
    has_both = ~(np.isnan(baseline) | np.isnan(follow_up))
    baseline, follow_up = baseline[has_both], follow_up[has_both]
    before, after = mean_interval(baseline, conf_level), mean_interval(follow_up, conf_level)
    size = float(max(np.abs(baseline).max(initial=0.0), np.abs(follow_up).max(initial=0.0)))
    change = mean_interval(follow_up - baseline, conf_level, size)
    statistic = change.estimate / change.std_error if change.std_error > 0.0 else math.nan
    moments = PairMoments(change.n_values, before.estimate, change.estimate, before.sd**2, after.sd**2, change.sd**2)
    return PairedChange(
        n_pairs=change.n_values,
        baseline=before,
        follow_up=after,
        change=change,
        correlation=_correlation(baseline, follow_up, before, after),
        statistic=statistic,
        p_value=2.0 * float(stdtr(change.df, -abs(statistic))),
        moments=moments,
        **paired_effects(moments, conf_level),
    )


def _correlation(
    baseline: NDArray[np.float64], follow_up: NDArray[np.float64], before: MeanInterval, after: MeanInterval
) -> float:
    """Return the correlation, held within −1 and 1 against rounding; NaN where one score does not vary."""
    if not before.sd * after.sd > 0.0:
        return math.nan
    covariance = float((baseline - before.estimate) @ (follow_up - after.estimate)) / (baseline.size - 1)
    return min(1.0, max(-1.0, covariance / (before.sd * after.sd)))
