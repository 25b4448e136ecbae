"""Funnel limits of shares: how far sites of a size lie from a target by chance, and when they differ by more."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

WINSORIZED = 0.1
"""Share of the sites at each end whose distance from the target is drawn in before over-dispersion is estimated."""


@dataclass(frozen=True, slots=True)
class OverDispersion:
    """By how much sites differ more than chance would make them.

    Attributes
    ----------
    factor : float
        φ, the mean square of the winsorized z-scores; about 1 where chance alone makes sites differ.
    between_variance : float
        τ², the variance between sites on the scale of arcsin √share; 0 where φ says that there is none.
    """

    factor: float
    between_variance: float


def exact_limits(target: float, n_patients: NDArray[np.int64], probability: float) -> NDArray[np.float64]:
    """Return the share below which a site of each size lies with a probability, by the binomial distribution.

    With F the distribution of Binomial(n, target) and r the smallest count with F(r) > p, the limit is (r − α) / n,
    where α = (F(r) − p) / (F(r) − F(r − 1)) interpolates between two counts.

    Parameters
    ----------
    target : float
        The share that sites are held against, between 0 and 1, both excluded.
    n_patients : ndarray of int64, shape (n_sites,)
        At least 1.
    probability : float
        0.025 and 0.975 give the 95 % limits, 0.001 and 0.999 the 99.8 % limits.

    Returns
    -------
    ndarray of float64, shape (n_sites,)
        Between 0 and 1.

    References
    ----------
    Spiegelhalter DJ. Funnel plots for comparing institutional performance. Stat Med 2005;24:1185-1202.
    doi:10.1002/sim.1970 (appendix A.1.1).

    Examples
    --------
    >>> exact_limits(0.5, np.array([10, 100]), 0.975).round(4).tolist()
    [0.7676, 0.5932]
    """
    from scipy.stats import binom

    if not (0.0 < target < 1.0 and 0.0 < probability < 1.0) or (n_patients < 1).any():
        raise ValueError("the target and the probability lie between 0 and 1, and a site has patients.")
    sizes = n_patients.astype(np.float64)
    count = np.asarray(binom.ppf(probability, sizes, target), dtype=np.float64)
    # ppf gives F(r) >= p, the formula asks for more
    count = np.where(binom.cdf(count, sizes, target) > probability, count, count + 1.0)
    up_to, below = binom.cdf(count, sizes, target), binom.cdf(count - 1.0, sizes, target)
    limits = (count - (up_to - probability) / (up_to - below)) / sizes
    return np.asarray(np.clip(limits, 0.0, 1.0))


def over_dispersion(n_events: NDArray[np.int64], n_patients: NDArray[np.int64], target: float) -> OverDispersion:
    """Return by how much shares of sites differ more than chance would make them.

    On the scale y = arcsin √(x/n), whose variance is 1/(4n): z = (y − arcsin √target) · 2√n, the 10 % at each end set
    to the 10 % and 90 % quantiles; φ = Σ z² / I. Where Iφ > I − 1, τ² = (Iφ − (I − 1)) / (Σw − Σw²/Σw) with w = 4n.

    Parameters
    ----------
    n_events, n_patients : ndarray of int64, shape (n_sites,)
        At least two sites, each with patients.
    target : float
        Between 0 and 1.

    References
    ----------
    Spiegelhalter DJ. Handling over-dispersion of performance indicators. Qual Saf Health Care 2005;14:347-351.
    doi:10.1136/qshc.2005.013755. DerSimonian R, Laird N. Control Clin Trials 1986;7:177-188.
    doi:10.1016/0197-2456(86)90046-2.

    Examples
    --------
    >>> found = over_dispersion(np.array([5, 20, 45]), np.array([50, 50, 50]), 0.4)
    >>> round(found.factor, 2), round(found.between_variance, 4)
    (19.21, 0.1391)
    """
    if n_events.size < 2 or (n_patients < 1).any():
        raise ValueError("over-dispersion is estimated from at least two sites with patients.")
    n_sites = n_events.size
    z_scores = (np.arcsin(np.sqrt(n_events / n_patients)) - np.arcsin(np.sqrt(target))) * 2.0 * np.sqrt(n_patients)
    low, high = np.quantile(z_scores, (WINSORIZED, 1.0 - WINSORIZED))
    factor = float((np.clip(z_scores, low, high) ** 2).mean())
    excess = n_sites * factor - (n_sites - 1)
    weights = 4.0 * n_patients.astype(np.float64)
    spread = float(weights.sum() - (weights**2).sum() / weights.sum())
    return OverDispersion(factor, max(0.0, excess / spread))


def over_dispersed_limits(
    target: float, n_patients: NDArray[np.int64], between_variance: float, probability: float
) -> NDArray[np.float64]:
    """Return the share below which a site of each size lies, where sites also differ among each other.

    sin²(arcsin √target + z √(1/(4n) + τ²)), kept within 0 and 1.

    Parameters
    ----------
    target, n_patients, probability
        As in `exact_limits`.
    between_variance : float
        τ² of `over_dispersion`.

    References
    ----------
    Spiegelhalter DJ. Qual Saf Health Care 2005;14:347-351. doi:10.1136/qshc.2005.013755 (random-effects limits).

    Examples
    --------
    >>> over_dispersed_limits(0.5, np.array([100]), 0.0, 0.975).round(4).tolist()
    [0.5974]
    """
    from scipy.special import ndtri

    reach = float(ndtri(probability)) * np.sqrt(0.25 / n_patients + between_variance)
    angle = np.clip(np.arcsin(np.sqrt(target)) + reach, 0.0, np.pi / 2.0)
    return np.asarray(np.sin(angle) ** 2)
