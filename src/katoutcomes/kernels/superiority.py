"""How many improved: the probability of superiority of paired scores, and the share a shift stands for (Cohen's U₃)."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Superiority:
    """Probability that a patient's follow-up is better than the baseline, ties counted half.

    Attributes
    ----------
    estimate : float
        (improved + unchanged / 2) / all.
    conf_low, conf_high : float
        Limits between 0 and 1; NaN where nobody's score changed.
    """

    estimate: float
    conf_low: float
    conf_high: float


def superiority(n_improved: int, n_unchanged: int, n_worse: int, conf_level: float) -> Superiority:
    """Return the paired probability of superiority with its score interval.

    With p = (improved + ½ unchanged)/n and q = unchanged/n the variance of one patient's part is p(1 − p) − q/4. The
    limits are the p that solve (p̂ − p)² = z²(p(1 − p) − q̂/4)/n; without ties this is Wilson's interval.

    Parameters
    ----------
    n_improved, n_unchanged, n_worse : int
        Patients; they add up to all.
    conf_level : float
        Between 0 and 1, both excluded.

    References
    ----------
    Grissom RJ, Kim JJ. Effect sizes for research. 2nd ed. New York: Routledge; 2012. (Paired scores.)
    Wilson EB. Probable inference, the law of succession, and statistical inference. J Am Stat Assoc 1927;22:209-212.
    doi:10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> found = superiority(30, 4, 6, conf_level=0.95)
    >>> found.estimate, round(found.conf_low, 4), round(found.conf_high, 4)
    (0.8, 0.6618, 0.8856)
    """
    from scipy.special import ndtri

    n_patients = n_improved + n_unchanged + n_worse
    if n_patients == 0:
        return Superiority(math.nan, math.nan, math.nan)
    estimate, ties = (n_improved + 0.5 * n_unchanged) / n_patients, n_unchanged / n_patients
    if n_unchanged == n_patients:
        return Superiority(estimate, math.nan, math.nan)
    k = float(ndtri(0.5 + conf_level / 2.0)) ** 2 / n_patients
    middle = (2.0 * estimate + k) / (2.0 * (1.0 + k))
    square = middle**2 - (estimate**2 + k * ties / 4.0) / (1.0 + k)
    reach = math.sqrt(max(0.0, square))
    return Superiority(estimate, max(0.0, min(estimate, middle - reach)), min(1.0, max(estimate, middle + reach)))


def normal_share(standardized_shift: float) -> float:
    """Return Cohen's U₃ of a shift in standard deviations: the share of a normal distribution that lies below it.

    Examples
    --------
    >>> round(normal_share(0.8), 4)
    0.7881
    """
    from scipy.special import ndtr

    return float(ndtr(standardized_shift))
