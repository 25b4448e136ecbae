"""Whether weighted arms are alike: mean differences, variances, distributions, with one denominator everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
_OVERLAP_POINTS = 1024


@dataclass(frozen=True, slots=True, eq=False)
class CovariateBalance:
    """Balance of each column between two arms.

    Attributes
    ----------
    smd : ndarray of float64, shape (p,)
        Weighted mean of the treated minus that of the comparator, over one denominator for weighted and unweighted:
        the root mean square of the two unweighted SDs. 0 where nothing varies.
    variance_ratio : ndarray of float64, shape (p,)
        Weighted variance of the treated over that of the comparator; NaN for flags, whose variance follows from the
        mean, and where the comparator's is 0.
    ks : ndarray of float64, shape (p,)
        Largest distance of the two weighted distribution functions.
    """

    smd: Floats
    variance_ratio: Floats
    ks: Floats


def covariate_balance(columns: Floats, is_treated: NDArray[np.bool_], weights: Floats) -> CovariateBalance:
    """Compare the columns of two arms under weights.

    Parameters
    ----------
    columns : ndarray of float64, shape (n_patients, p)
        No NaN. A column of only 0 and 1 is a flag.
    is_treated : ndarray of bool, shape (n_patients,)
        Who was treated; the others are the comparator.
    weights : ndarray of float64, shape (n_patients,)
        0 or more; ones for the balance before weighting.

    Notes
    -----
    SMD = (m1w - m0w) / sqrt((s1^2 + s0^2)/2) with unweighted sample variances s^2, p (1 - p) for flags. Weighted
    variances are sum w (x - m)^2 / (sum w - sum w^2 / sum w), those of flags are not given.

    References
    ----------
    Austin PC. Stat Med 2009;28:3083-3107. doi:10.1002/sim.3697.
    Austin PC, Stuart EA. Stat Med 2015;34:3661-3679. doi:10.1002/sim.6607.

    Examples
    --------
    >>> columns = np.array([[1.0], [3.0], [2.0], [6.0]])
    >>> found = covariate_balance(columns, np.array([False, False, True, True]), np.ones(4))
    >>> found.smd.round(3).tolist(), found.variance_ratio.tolist(), found.ks.tolist()
    ([0.894], [4.0], [0.5])
    """
    is_flag = ((columns == 0.0) | (columns == 1.0)).all(axis=0)
    treated, comparator = columns[is_treated], columns[~is_treated]
    difference = _means(treated, weights[is_treated]) - _means(comparator, weights[~is_treated])
    spread = (_spread(treated, is_flag) + _spread(comparator, is_flag)) / 2.0
    variances = [_weighted_variances(columns[arm], weights[arm]) for arm in (is_treated, ~is_treated)]
    with np.errstate(invalid="ignore", divide="ignore"):
        smd = np.where(spread > 0.0, difference / np.sqrt(spread), np.where(np.abs(difference) > 1e-12, np.nan, 0.0))
        ratio = np.where(is_flag | ~(variances[1] > 0.0), np.nan, variances[0] / variances[1])
    ks = np.array([_ks(column, is_treated, weights) for column in columns.T])
    return CovariateBalance(smd, ratio, ks)


def effective_sample_size(weights: Floats) -> float:
    """Return (sum w)^2 / sum w^2: of how many equally weighted patients the mean would be as precise (Kish).

    Examples
    --------
    >>> effective_sample_size(np.array([1.0, 1.0, 2.0, 0.0])).__round__(3)
    2.667
    """
    squares = float((weights**2).sum())
    return float(weights.sum()) ** 2 / squares if squares > 0.0 else 0.0


def overlap_coefficient(scores: Floats, is_treated: NDArray[np.bool_]) -> float:
    """Return the area under the lower of the two densities of the arms' propensities, between 0 and 1.

    Parameters
    ----------
    scores : ndarray of float64, shape (n_patients,)
        Propensities, or their logits.
    is_treated : ndarray of bool, shape (n_patients,)
        Who was treated.

    Notes
    -----
    Densities are Gaussian kernel estimates with Silverman's bandwidth, 0.9 min(SD, IQR/1.34) n^(-1/5). NaN where an
    arm has fewer than two different scores.

    Examples
    --------
    >>> scores = np.array([0.2, 0.4, 0.6, 0.2, 0.4, 0.6])
    >>> round(overlap_coefficient(scores, np.array([True, True, True, False, False, False])), 3)
    1.0
    """
    arms = [scores[is_treated], scores[~is_treated]]
    if any(arm.size < 2 or np.ptp(arm) == 0.0 for arm in arms):
        return float("nan")
    widths = [_bandwidth(arm) for arm in arms]
    margin = 4.0 * max(widths)
    grid = np.linspace(scores.min() - margin, scores.max() + margin, _OVERLAP_POINTS)
    densities = [_density(grid, arm, width) for arm, width in zip(arms, widths, strict=True)]
    return float(min(1.0, np.trapezoid(np.minimum(*densities), grid)))


def _bandwidth(values: Floats) -> float:
    sd = float(values.std(ddof=1))
    quartiles = np.quantile(values, [0.25, 0.75])
    spread = min(sd, float(quartiles[1] - quartiles[0]) / 1.34) or sd
    return float(0.9 * spread * values.size**-0.2)


def _density(grid: Floats, values: Floats, width: float) -> Floats:
    distances = (grid[:, None] - values[None, :]) / width
    return np.asarray(np.exp(-0.5 * distances**2).sum(axis=1) / (values.size * width * np.sqrt(2.0 * np.pi)))


def _means(columns: Floats, weights: Floats) -> Floats:
    total = weights.sum()
    return np.asarray(weights @ columns / total) if total > 0.0 else np.full(columns.shape[1], np.nan)


def _spread(columns: Floats, is_flag: NDArray[np.bool_]) -> Floats:
    if len(columns) < 2:
        return np.where(is_flag & (len(columns) > 0), 0.0, np.nan)
    share = columns.mean(axis=0)
    return np.asarray(np.where(is_flag, share * (1.0 - share), columns.var(axis=0, ddof=1)), dtype=np.float64)


def _weighted_variances(columns: Floats, weights: Floats) -> Floats:
    total = weights.sum()
    if not total > 0.0:
        return np.full(columns.shape[1], np.nan)
    left = total - (weights**2).sum() / total
    squares = weights @ (columns - _means(columns, weights)) ** 2
    return np.asarray(squares / left) if left > 0.0 else np.full(columns.shape[1], np.nan)


def _ks(column: Floats, is_treated: NDArray[np.bool_], weights: Floats) -> float:
    """Return the largest distance of the weighted distribution functions, looked at after each value."""
    totals = weights[is_treated].sum(), weights[~is_treated].sum()
    if not min(totals) > 0.0:
        return float("nan")
    order = np.argsort(column, kind="stable")
    values, signs = column[order], np.where(is_treated, 1.0 / totals[0], -1.0 / totals[1])[order] * weights[order]
    is_last = np.append(values[1:] != values[:-1], True)
    return float(np.abs(np.cumsum(signs)[is_last]).max())
