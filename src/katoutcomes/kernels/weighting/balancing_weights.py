"""Weights that make the arms alike: each names the population that its comparison is about.

All take probabilities for many sets of frequencies at once and return weights of the same shape; none looks at an
outcome. Weights are relative: only their ratios inside an arm matter for a weighted mean.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def overlap_weights(propensity: Floats, is_treated: NDArray[np.bool_]) -> Floats:
    """Return 1 - e for the treated and e for the others: the population in which either arm was likely (ATO).

    Parameters
    ----------
    propensity : ndarray of float64, shape (B, n_patients)
        Probability of treatment, between 0 and 1.
    is_treated : ndarray of bool, shape (n_patients,)
        Who was treated.

    References
    ----------
    Li F, Morgan KL, Zaslavsky AM. Balancing covariates via propensity score weighting. J Am Stat Assoc
    2018;113:390-400. doi:10.1080/01621459.2016.1260466.

    Examples
    --------
    >>> overlap_weights(np.array([[0.2, 0.2]]), np.array([True, False])).tolist()
    [[0.8, 0.2]]
    """
    return np.where(is_treated, 1.0 - propensity, propensity)


def inverse_probability_weights(
    propensity: Floats, is_treated: NDArray[np.bool_], target: str, share_treated: Floats | None = None
) -> Floats:
    """Return weights that make each arm stand for everybody (ATE), the treated (ATT) or the comparator's (ATC).

    Parameters
    ----------
    propensity, is_treated
        As in `overlap_weights`.
    target : {"ate", "att", "atc"}
        Whom the comparison is about.
    share_treated : ndarray of float64, shape (B,), optional
        Stabilizes ATE weights: they are multiplied by the share of the patient's own arm and have a mean near 1.

    Examples
    --------
    >>> propensity, is_treated = np.array([[0.25, 0.25]]), np.array([True, False])
    >>> inverse_probability_weights(propensity, is_treated, "ate").round(3).tolist()
    [[4.0, 1.333]]
    >>> inverse_probability_weights(propensity, is_treated, "att").round(3).tolist()
    [[1.0, 0.333]]
    """
    if target == "att":
        return np.where(is_treated, 1.0, propensity / (1.0 - propensity))
    if target == "atc":
        return np.where(is_treated, (1.0 - propensity) / propensity, 1.0)
    if target != "ate":
        raise ValueError("target is one of 'ate', 'att', 'atc'.")
    weights = np.where(is_treated, 1.0 / propensity, 1.0 / (1.0 - propensity))
    if share_treated is None:
        return weights
    return np.asarray(weights * np.where(is_treated, share_treated[:, None], 1.0 - share_treated[:, None]))


def generalized_overlap_weights(probabilities: Floats, codes: NDArray[np.int64]) -> Floats:
    """Return h / e of the patient's own arm, with the tilting function h = 1 / sum(1 / e), for two or more arms.

    Parameters
    ----------
    probabilities : ndarray of float64, shape (B, n_patients, K)
        Of each arm; they sum to 1 and none is 0.
    codes : ndarray of int64, shape (n_patients,)
        The arm of each patient.

    Notes
    -----
    With two arms, h = e (1 - e), so these are the overlap weights.

    References
    ----------
    Li F, Li F. Propensity score weighting for causal inference with multiple treatments. Ann Appl Stat
    2019;13:2389-2415. doi:10.1214/19-AOAS1282.

    Examples
    --------
    >>> generalized_overlap_weights(np.array([[[0.2, 0.3, 0.5]]]), np.array([1])).round(4).tolist()
    [[0.3226]]
    """
    own = np.take_along_axis(probabilities, codes[None, :, None], axis=2)[:, :, 0]
    return np.asarray(1.0 / ((1.0 / probabilities).sum(axis=2) * own))


def truncated(weights: Floats, quantile: float, groups: NDArray[np.int64] | None = None) -> Floats:
    """Return weights none of which is above the given quantile of the weights (of its group).

    Parameters
    ----------
    weights : ndarray of float64, shape (n_patients,)
        One set of weights; 0 where a patient does not count.
    quantile : float
        Between 0 and 1; the quantile is type 7, of the weights above 0.
    groups : ndarray of int64, shape (n_patients,), optional
        Arms, each with its own limit.

    References
    ----------
    Cole SR, Hernan MA. Constructing inverse probability weights for marginal structural models. Am J Epidemiol
    2008;168:656-664. doi:10.1093/aje/kwn164.

    Examples
    --------
    >>> truncated(np.array([1.0, 2.0, 3.0, 11.0]), 0.5).tolist()
    [1.0, 2.0, 2.5, 2.5]
    """
    limited = weights.copy()
    for group in (None,) if groups is None else np.unique(groups):
        inside = weights > 0.0 if group is None else (weights > 0.0) & (groups == group)
        if inside.any():
            limited[inside] = np.minimum(weights[inside], np.quantile(weights[inside], quantile))
    return limited
