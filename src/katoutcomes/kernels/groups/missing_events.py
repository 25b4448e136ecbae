"""Risks of a binary outcome if a named share of the missing of each arm had it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.groups.weighted_risks import estimate_risks
from katoutcomes.kernels.weighting.comparison import ArmData, Recipe, Starts, arm_weights

Floats = NDArray[np.float64]

CORNERS: Floats = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
"""Nobody or everybody of the missing of the comparator, of the treated."""


def completed(outcome: Floats, arms: NDArray[np.int64], treated: int, shares: Floats) -> Floats:
    """Return the outcome with the missing of the comparator and of a treated arm given their share.

    Parameters
    ----------
    outcome : ndarray of float64, shape (n_patients,)
        0, 1, or NaN where it is missing; the missing of further arms stay so.
    arms : ndarray of int64, shape (n_patients,)
        0 for the comparator.
    treated : int
        Code of the other arm.
    shares : ndarray of float64, shape (2,)
        Of the missing of the comparator and of the treated, between 0 and 1.

    Examples
    --------
    >>> completed(np.array([np.nan, 1.0, np.nan, np.nan]), np.array([0, 0, 1, 2]), 1, np.array([0.25, 1.0])).tolist()
    [0.25, 1.0, 1.0, nan]
    """
    supposed = np.select([arms == 0, arms == treated], [shares[0], shares[1]], np.nan)
    return np.where(np.isnan(outcome), supposed, outcome)


def risks_if_missing(
    data: ArmData, recipe: Recipe, treated: int, shares: Floats, frequencies: Floats, *, starts: Starts | None = None
) -> Floats:
    """Return the risks of the comparator and of a treated arm for each pair of shares, shape (B, g, 2).

    The missing are given their share as an outcome and the comparison is made again of everybody: the observed stand
    for themselves alone. Where all shares are 0 or 1 this is the analysis of the completed data.

    Parameters
    ----------
    data : ArmData
        The patients; the outcome is 0, 1 or NaN.
    recipe : Recipe
        How arms are compared; weights for being observed are left out.
    treated : int
        Code of the arm that is compared with the first.
    shares : ndarray of float64, shape (g, 2)
        Of the missing of the comparator and of the treated who had the outcome.
    frequencies : ndarray of float64, shape (B, n_patients)
        How often each patient counts.
    starts : Starts, optional
        As in `estimate_arms`.

    References
    ----------
    Liublinska V, Rubin DB. Sensitivity analysis for a partially missing binary outcome in a two-arm randomized clinical
    trial. Stat Med 2014;33:4170-4185. doi:10.1002/sim.6197.

    Examples
    --------
    >>> none = np.empty((6, 0))
    >>> outcome, arms = np.array([0.0, 1.0, np.nan, 1.0, 1.0, np.nan]), np.array([0, 0, 0, 1, 1, 1])
    >>> data = ArmData(outcome, arms, 2, np.tile([[0.0], [1.0], [0.5]], (2, 1)), none, none)
    >>> found = risks_if_missing(data, Recipe("none"), 1, CORNERS, np.ones((1, 6)))
    >>> found[0].round(2).tolist()
    [[0.33, 0.67], [0.67, 0.67], [0.33, 1.0], [0.67, 1.0]]
    """
    plain, weights, found = replace(recipe, observation_weights=False), None, []
    for pair in shares:
        filled = replace(data, outcome=completed(data.outcome, data.arms, treated, pair))
        weights = arm_weights(filled, plain, frequencies, starts) if weights is None else weights
        found.append(estimate_risks(filled, plain, frequencies, weights=weights).means[:, [0, treated]])
    return np.stack(found, axis=1)


def between_corners(at_corners: Floats, shares: Floats) -> Floats:
    """Return what lies between the numbers at `CORNERS`, bilinearly, shape (B, g).

    Parameters
    ----------
    at_corners : ndarray of float64, shape (B, 4)
        A number in each set of frequencies at each of the corners.
    shares : ndarray of float64, shape (g, 2)
        Of the missing of the comparator and of the treated.

    Examples
    --------
    >>> between_corners(np.array([[0.0, -0.2, 0.4, 0.2]]), np.array([[0.5, 0.5], [0.0, 1.0]])).round(9).tolist()
    [[0.1, 0.4]]
    """
    comparator, treated = shares[:, 0], shares[:, 1]
    parts = np.stack(
        [
            (1.0 - comparator) * (1.0 - treated),
            comparator * (1.0 - treated),
            (1.0 - comparator) * treated,
            comparator * treated,
        ]
    )
    return np.asarray(at_corners @ parts)
