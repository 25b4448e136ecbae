"""Reference-based imputation: what is missing after leaving is drawn as if the patient had been in the comparator."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.missing.imputation import Imputations, ScoresToImpute, draw_given_seen, patterns_of

Floats = NDArray[np.float64]


def draw_jump_to_reference(
    data: ScoresToImpute,
    imputations: Imputations,
    left: NDArray[np.bool_],
    standard_normal: Callable[[tuple[int, ...]], Floats],
) -> Floats:
    """Return completed scores, shape (m, n_patients, T), under jump to reference.

    A patient's means are those of the own arm at visits before leaving and those of the comparator (arm 0) at equal
    covariates afterwards; the covariance is shared. What is missing is drawn given what was seen: with means mu and
    covariance S, mu_m + S_mo S_oo^-1 (y_o - mu_o) plus noise of covariance S_mm - S_mo S_oo^-1 S_om.

    Parameters
    ----------
    data : ScoresToImpute
        Scores in care, arms and covariates.
    imputations : Imputations
        From `impute` of the same data: its draws of the parameters are used.
    left : ndarray of bool, shape (n_patients, T)
        Whether the patient had left care before the visit; such scores are missing in `data`.
    standard_normal : callable
        Takes a shape. With zeros for noise the conditional means come back.

    References
    ----------
    Carpenter JR, Roger JH, Kenward MG. Analysis of longitudinal trials with protocol deviation: a framework for
    relevant, accessible assumptions, and inference via multiple imputation. J Biopharm Stat 2013;23:1352-1371.
    doi:10.1080/10543406.2013.834911.

    Examples
    --------
    >>> from katoutcomes.kernels.missing.imputation import impute
    >>> scores = np.array([[5.0], [6.0], [1.0], [2.0], [np.nan], [5.5]])
    >>> data = ScoresToImpute(scores, np.array([0, 0, 1, 1, 1, 0]), 2, np.empty((6, 0)))
    >>> found = impute(data, 4, np.random.default_rng(1))
    >>> jumped = draw_jump_to_reference(data, found, np.isnan(scores), np.zeros)
    >>> bool(np.allclose(jumped[:, 4, 0], found.draws.coefficients[:, 0, 0]))
    True
    """
    completed = np.repeat(data.scores[None], len(imputations.completed), axis=0)
    reference = imputations.design.copy()
    reference[:, 0], reference[:, 1 : data.n_arms] = 1.0, 0.0
    draws, seen = imputations.draws, ~np.isnan(data.scores)
    for pattern in patterns_of(seen, ~seen):
        own = imputations.design[pattern.rows] @ draws.coefficients
        of_reference = reference[pattern.rows] @ draws.coefficients
        means = np.where(left[pattern.rows], of_reference, own)
        draw_given_seen(completed, pattern, means, draws.covariance, standard_normal)
    return completed
