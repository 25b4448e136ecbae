"""How far the items of a questionnaire agree: coefficient alpha, and omega of a one-factor model.

Answers are a table, one row a questionnaire of another patient, one column an item, reverse-keyed items already
reversed. Rows with a missing answer (NaN) are left out and counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.reliability.one_factor import (
    CONVERGED,
    SINGULAR,
    OneFactor,
    information_matrix,
    no_model,
    one_factor,
)


@dataclass(frozen=True, slots=True, eq=False)
class Alpha:
    """Coefficient alpha with Feldt's interval.

    Attributes
    ----------
    n_complete, n_incomplete : int
        Rows with every item answered, which are used, and the others.
    estimate : float
        Alpha: at most 1, below 0 where items run against each other. NaN with fewer than two complete rows, or where
        the total does not vary.
    conf_low, conf_high : float
        Feldt's limits.
    standardized : float
        Alpha of the items over their standard deviations; of two items the Spearman-Brown coefficient. NaN where an
        item does not vary.
    if_dropped : ndarray of float64, shape (n_items,)
        Alpha of the other items, for each item; NaN where there are only two items.
    item_rest_correlation : ndarray of float64, shape (n_items,)
        Correlation of each item with the sum of the others; NaN where one of the two does not vary.
    """

    n_complete: int
    n_incomplete: int
    estimate: float
    conf_low: float
    conf_high: float
    standardized: float
    if_dropped: NDArray[np.float64]
    item_rest_correlation: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Omega:
    """McDonald's omega (total) of a one-factor model, with a delta-method interval.

    Attributes
    ----------
    n_complete, n_incomplete : int
        Rows with every item answered, which are used, and the others.
    estimate : float
        Between 0 and 1; NaN unless the model converged or is a Heywood case.
    std_error, conf_low, conf_high : float
        By the delta method, the limits on the scale of the logit. NaN unless the model converged.
    model : OneFactor
        The model.
    """

    n_complete: int
    n_incomplete: int
    estimate: float
    std_error: float
    conf_low: float
    conf_high: float
    model: OneFactor


def coefficient_alpha(items: NDArray[np.float64], conf_level: float = 0.95) -> Alpha:
    """Return coefficient alpha of a sum of items.

    α = k/(k − 1) · (1 − Σ s²ᵢ / s²), with k items, their variances s²ᵢ and the variance s² of their sum. With n rows,
    Feldt's limits are 1 − (1 − α)·F, with F the (1 ± `conf_level`)/2 quantiles of the F distribution with n − 1 and
    (n − 1)(k − 1) degrees of freedom. They hold for normal items that all covary alike.

    Parameters
    ----------
    items : ndarray of float64, shape (n, n_items)
        Two items or more; NaN is "not answered".
    conf_level : float
        Between 0 and 1, both excluded.

    Returns
    -------
    Alpha
        The coefficient, its limits, and what it becomes without each item.

    Raises
    ------
    ValueError
        If there are fewer than two items, or the level is outside its range.

    References
    ----------
    Cronbach LJ. Coefficient alpha and the internal structure of tests. Psychometrika 1951;16:297-334.
    doi:10.1007/BF02310555.
    Feldt LS. The approximate sampling distribution of Kuder-Richardson reliability coefficient twenty. Psychometrika
    1965;30:357-370. doi:10.1007/BF02289499.

    Examples
    --------
    >>> import numpy as np
    >>> answers = np.array([[1.0, 2, 2], [2, 2, 3], [0, 1, 1], [3, 3, 2], [1, 0, np.nan]])
    >>> alpha = coefficient_alpha(answers)
    >>> round(alpha.estimate, 3), alpha.n_complete, alpha.n_incomplete
    (0.857, 4, 1)
    """
    from scipy.special import fdtri

    complete, n_incomplete = complete_rows(items, conf_level)
    n_complete, n_items = complete.shape
    if n_complete < 2:
        nothing = np.full(n_items, math.nan)
        return Alpha(n_complete, n_incomplete, *(math.nan,) * 4, nothing, nothing)
    covariance = np.cov(complete, rowvar=False)
    estimate = alpha_of_covariance(covariance)
    df = n_complete - 1
    low, high = fdtri(df, df * (n_items - 1), (0.5 + conf_level / 2.0, 0.5 - conf_level / 2.0))
    return Alpha(
        n_complete=n_complete,
        n_incomplete=n_incomplete,
        estimate=estimate,
        conf_low=1.0 - (1.0 - estimate) * float(low),
        conf_high=1.0 - (1.0 - estimate) * float(high),
        standardized=_standardized(covariance),
        if_dropped=_if_dropped(covariance),
        item_rest_correlation=_item_rest_correlation(covariance),
    )


def alpha_of_covariance(covariance: NDArray[np.float64]) -> float:
    """Return alpha of items with this covariance matrix; NaN where their sum does not vary.

    Examples
    --------
    >>> import numpy as np
    >>> round(alpha_of_covariance(np.array([[1.0, 0.5], [0.5, 1.0]])), 4)  # Spearman-Brown: 2 r / (1 + r)
    0.6667
    """
    n_items = len(covariance)
    total = float(covariance.sum())
    # Items that cancel leave rounding of the size of the items, not 0.
    if n_items < 2 or not total > 1e-12 * float(np.abs(covariance).sum()):
        return math.nan
    return n_items / (n_items - 1) * (1.0 - float(np.trace(covariance)) / total)


def _standardized(covariance: NDArray[np.float64]) -> float:
    variances = np.diag(covariance)
    if not (variances > 0.0).all():
        return math.nan
    return alpha_of_covariance(covariance / np.sqrt(np.outer(variances, variances)))


def _if_dropped(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    others = [np.delete(np.arange(len(covariance)), item) for item in range(len(covariance))]
    return np.array([alpha_of_covariance(covariance[np.ix_(kept, kept)]) for kept in others])


def _item_rest_correlation(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    variances = np.diag(covariance)
    with_rest = covariance.sum(axis=1) - variances
    of_rest = covariance.sum() - variances - 2.0 * with_rest
    known = (variances > 0.0) & (of_rest > 1e-12 * np.abs(covariance).sum())
    scale = np.sqrt(np.where(known, variances * of_rest, 1.0))
    return np.where(known, with_rest / scale, math.nan)


def coefficient_omega(items: NDArray[np.float64], conf_level: float = 0.95) -> Omega:
    """Return McDonald's omega of a sum of items: the share of its variance that one common factor explains.

    ω = (Σ λᵢ)² / ((Σ λᵢ)² + Σ ψᵢ), with the loadings λ and uniquenesses ψ of the one-factor model. Its standard error
    is √(g′ I⁻¹ g), with the derivatives g of ω by λ and ψ and their expected information I under normality; the
    limits are those of logit ω, whose standard error is that of ω over ω(1 − ω), turned back, so they stay inside 0
    and 1.

    Parameters
    ----------
    items : ndarray of float64, shape (n, n_items)
        Two items or more; NaN is "not answered".
    conf_level : float
        Between 0 and 1, both excluded.

    Returns
    -------
    Omega
        The coefficient, its interval and the model, whose `status` must be read: only where it is ``"converged"`` is
        there an interval.

    Raises
    ------
    ValueError
        If there are fewer than two items, or the level is outside its range.

    References
    ----------
    McDonald RP. Test theory: a unified treatment. Mahwah: Erlbaum; 1999.
    Zinbarg RE, Revelle W, Yovel I, Li W. Cronbach's α, Revelle's β, and McDonald's ω_H: their relations with each other
    and two alternative conceptualizations of reliability. Psychometrika 2005;70:123-133. doi:10.1007/s11336-003-0974-7.
    Kelley K, Pornprasertmanit S. Confidence intervals for population reliability coefficients. Psychol Methods
    2016;21:69-92. doi:10.1037/a0040086 (delta method and the limits on the scale of the logit).

    Examples
    --------
    >>> import numpy as np
    >>> rng = np.random.default_rng(1)
    >>> answers = rng.normal(size=(400, 1)) * np.array([0.9, 0.7, 0.8, 0.6]) + 0.6 * rng.normal(size=(400, 4))
    >>> omega = coefficient_omega(answers)
    >>> omega.model.status, omega.conf_low < omega.estimate < omega.conf_high
    ('converged', True)
    """
    complete, n_incomplete = complete_rows(items, conf_level)
    n_complete, n_items = complete.shape
    if n_complete < 2:
        return Omega(n_complete, n_incomplete, *(math.nan,) * 4, no_model(SINGULAR, n_items))
    model = one_factor(np.cov(complete, rowvar=False), n_complete)
    estimate = omega_of(model.loadings, model.uniquenesses)
    std_error, low, high = math.nan, math.nan, math.nan
    if model.status == CONVERGED:
        std_error = _omega_std_error(model.loadings, model.uniquenesses, n_complete)
        low, high = logit_limits(estimate, std_error, conf_level)
    return Omega(n_complete, n_incomplete, estimate, std_error, low, high, model)


def complete_rows(items: NDArray[np.float64], conf_level: float) -> tuple[NDArray[np.float64], int]:
    """Return the rows without a missing answer and how many others there are; refuse what is not a table of items."""
    if not 0.0 < conf_level < 1.0:
        raise ValueError("conf_level lies between 0 and 1, both excluded.")
    if items.ndim != 2 or items.shape[1] < 2:
        raise ValueError("internal consistency needs a table of two items or more, one row a questionnaire.")
    is_complete = ~np.isnan(items).any(axis=1)
    return items[is_complete], int((~is_complete).sum())


def omega_of(loadings: NDArray[np.float64], uniquenesses: NDArray[np.float64]) -> float:
    """Return omega of a one-factor model.

    Examples
    --------
    >>> import numpy as np
    >>> round(omega_of(np.full(4, 0.7), np.full(4, 0.51)), 4)
    0.7935
    """
    common = float(loadings.sum()) ** 2
    return common / (common + float(uniquenesses.sum()))


def logit_limits(estimate: float, std_error: float, conf_level: float) -> tuple[float, float]:
    """Return limits of a share on the scale of its logit, turned back; NaN where the share is 0 or 1."""
    from scipy.special import expit, logit, ndtri

    if not 0.0 < estimate < 1.0:
        return math.nan, math.nan
    half_width = float(ndtri(0.5 + conf_level / 2.0)) * std_error / (estimate * (1.0 - estimate))
    center = float(logit(estimate))
    return float(expit(center - half_width)), float(expit(center + half_width))


def _omega_std_error(loadings: NDArray[np.float64], uniquenesses: NDArray[np.float64], n_rows: int) -> float:
    """Return the standard error of omega by the delta method."""
    common, unique = float(loadings.sum()), float(uniquenesses.sum())
    total = common**2 + unique
    n_items = len(loadings)
    gradient = np.concatenate(
        [np.full(n_items, 2.0 * common * unique / total**2), np.full(n_items, -(common**2) / total**2)]
    )
    information = n_rows * information_matrix(loadings, uniquenesses)
    return math.sqrt(max(float(gradient @ np.linalg.solve(information, gradient)), 0.0))
