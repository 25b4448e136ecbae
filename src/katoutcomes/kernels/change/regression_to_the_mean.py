"""How far a mean moves back by itself when people were chosen by, or came with, a high score."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_MOST_STEPS = 200


@dataclass(frozen=True, slots=True)
class TruncatedNormal:
    """The normal population of which only scores beyond a cut-off were seen.

    Attributes
    ----------
    mean, sd : float
        Of the whole population; NaN where the scores seen do not settle them.
    """

    mean: float
    sd: float


def regression_without_cut_off(mean_seen: float, population_mean: float, reliability: float) -> float:
    """Return the expected change of the mean with no true change, (1 − ρ)(μ − x̄₀).

    Parameters
    ----------
    mean_seen : float
        Mean baseline score x̄₀ of those analyzed.
    population_mean : float
        Mean μ of the population they come from.
    reliability : float
        Correlation ρ of two scores of a person who does not change, between 0 and 1.

    References
    ----------
    Mee RW, Chua TC. Regression toward the mean and the paired sample t test. Am Stat 1991;45:39-42.
    doi:10.1080/00031305.1991.10475764.

    Examples
    --------
    >>> round(regression_without_cut_off(16.0, 12.0, 0.7), 2)
    -1.2
    """
    return (1.0 - reliability) * (population_mean - mean_seen)


def regression_with_cut_off(
    cut_off: float,
    population_mean: float,
    population_sd: float,
    reliability: float,
    *,
    selected_above: bool = True,
    n_measurements: int = 1,
) -> float:
    """Return the expected change of the mean with no true change, of people chosen beyond a cut-off.

    (σ_w²/m)/√(σ_b² + σ_w²/m) · C(z) with σ_b² = ρσ², σ_w² = (1 − ρ)σ², C(z) = φ(z)/(1 − Φ(z)), and z how many
    standard deviations of the mean of m measurements the cut-off lies beyond μ; below 0 for those chosen above it.

    Parameters
    ----------
    cut_off : float
        Chosen were those at or beyond it.
    population_mean, population_sd : float
        Mean μ and standard deviation σ of one score in the population before anybody was chosen.
    reliability : float
        Correlation ρ of two scores of a person who does not change, between 0 and 1.
    selected_above : bool
        Whether those above the cut-off were chosen, or those below it.
    n_measurements : int
        How many baseline scores m were averaged before the choice.

    References
    ----------
    Barnett AG, van der Pols JC, Dobson AJ. Regression to the mean: what it is and how to deal with it. Int J Epidemiol
    2005;34:215-220. doi:10.1093/ije/dyh299.

    Examples
    --------
    >>> round(regression_with_cut_off(40.0, 60.0, 15.0, 0.5, selected_above=False), 3)
    13.486
    """
    between = reliability * population_sd**2
    within = (1.0 - reliability) * population_sd**2 / n_measurements
    spread = math.sqrt(between + within)
    z = (cut_off - population_mean) / spread * (1.0 if selected_above else -1.0)
    moved = within / spread * _hazard(z)
    return -moved if selected_above else moved


def truncated_normal(values: NDArray[np.float64], cut_off: float, *, selected_above: bool = True) -> TruncatedNormal:
    """Return mean and standard deviation of a normal population of which only scores beyond a cut-off were seen.

    Maximum likelihood, which for a truncated normal matches the mean and the variance of what was seen.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Scores at or beyond the cut-off, no NaN.
    cut_off : float
        Where scores begin, or end.
    selected_above : bool
        Whether those above the cut-off were seen.

    Returns
    -------
    TruncatedNormal
        NaN where fewer than three scores were seen, or they fall off no faster than an exponential distribution does:
        then every population that is far enough away fits, and the larger the distance the better.

    References
    ----------
    Cohen AC. Simplified estimators for the normal distribution when samples are singly censored or truncated.
    Technometrics 1959;1:217-237. doi:10.1080/00401706.1959.10489859.

    Examples
    --------
    >>> from scipy.stats import norm
    >>> grid = norm.ppf(np.linspace(0.5, 1.0, 20_001)[:-1])  # the upper half of a normal population
    >>> found = truncated_normal(10.0 + 4.0 * grid, cut_off=10.0)
    >>> abs(found.mean - 10.0) < 0.05, abs(found.sd - 4.0) < 0.05
    (True, True)
    """
    distances = (values - cut_off) * (1.0 if selected_above else -1.0)
    mean, variance = (float(distances.mean()), float(distances.var())) if values.size > 2 else (math.nan, math.nan)
    # Variance over squared mean rises with the distance z of the cut-off, from 0 towards 1, which it never reaches.
    ratio = variance / mean**2 if mean > 0.0 else math.nan
    low, high = -40.0, 20.0
    if not _ratio(low) < ratio < _ratio(high):
        return TruncatedNormal(math.nan, math.nan)
    for _ in range(_MOST_STEPS):
        middle = (low + high) / 2.0
        low, high = (middle, high) if _ratio(middle) < ratio else (low, middle)
    sd = mean / (_hazard(low) - low)
    return TruncatedNormal(cut_off - low * sd * (1.0 if selected_above else -1.0), sd)


def _hazard(z: float) -> float:
    """Return φ(z)/(1 − Φ(z)) without losing it where the denominator is tiny."""
    from scipy.special import log_ndtr

    return math.exp(-0.5 * z * z - 0.5 * math.log(2.0 * math.pi) - float(log_ndtr(-z)))


def _ratio(z: float) -> float:
    """Return variance over squared mean of what lies beyond z in a standard normal, counted from z."""
    hazard = _hazard(z)
    above = hazard - z
    return (1.0 - hazard * above) / above**2
