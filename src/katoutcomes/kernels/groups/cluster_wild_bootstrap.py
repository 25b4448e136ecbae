"""The wild cluster bootstrap-t with the null hypothesis imposed, for few clinics."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

WEBB = np.array([-np.sqrt(1.5), -1.0, -np.sqrt(0.5), np.sqrt(0.5), 1.0, np.sqrt(1.5)])
"""Webb's six points: with few clusters two points give too few different samples."""
_WEBB_UP_TO = 8
_MOST_ENUMERATED = 4096


@dataclass(frozen=True, slots=True)
class WildBootstrapTest:
    """A test of a coefficient against 0.

    Attributes
    ----------
    statistic : float
        The coefficient over its CR1 standard error.
    p_value : float
        Two-sided and symmetric; NaN where there is nothing to resample.
    n_draws : int
        Bootstrap samples; all sign changes where these are few enough to be listed.
    points : {"Webb", "Rademacher"}
        What residuals were multiplied by.
    """

    statistic: float
    p_value: float
    n_draws: int
    points: str


def wild_cluster_test(
    design: Floats,
    outcome: Floats,
    clusters: NDArray[np.int64],
    column: int,
    rng: np.random.Generator,
    *,
    n_draws: int = 1999,
) -> WildBootstrapTest:
    """Test one coefficient by resampling the restricted residuals, cluster by cluster.

    Parameters
    ----------
    design : ndarray of float64, shape (n_rows, p)
        Of full rank.
    outcome : ndarray of float64, shape (n_rows,)
        No NaN.
    clusters : ndarray of int64, shape (n_rows,)
        Which cluster a row belongs to.
    column : int
        Which coefficient is 0 under the null hypothesis.
    rng : numpy.random.Generator
        Used only where the samples are not all listed.
    n_draws : int, default 1999
        Bootstrap samples.

    References
    ----------
    Cameron AC, Gelbach JB, Miller DL. Bootstrap-based improvements for inference with clustered errors. Rev Econ Stat
    2008;90:414-427. doi:10.1162/rest.90.3.414.
    Webb MD. Reworking wild bootstrap-based inference for clustered errors. Can J Econ 2023;56:839-858.
    doi:10.1111/caje.12661.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> design = np.column_stack([np.ones(40), np.arange(40) % 2])
    >>> test = wild_cluster_test(design, rng.normal(size=40), np.arange(40) // 4, 1, rng)
    >>> test.points, test.n_draws, 0.0 < test.p_value <= 1.0
    ('Rademacher', 1024, True)
    """
    codes = np.unique(clusters)
    member = (clusters[None, :] == codes[:, None]).astype(np.float64)
    projection = np.linalg.pinv(design.T @ design, hermitian=True) @ design.T
    rest = np.delete(design, column, axis=1)
    fitted = rest @ (np.linalg.pinv(rest.T @ rest, hermitian=True) @ (rest.T @ outcome))
    signs, points = _signs(codes.size, rng, n_draws)
    samples = fitted + (signs @ member) * (outcome - fitted)
    observed = _statistics(outcome[None, :], design, projection, member, column)[0]
    drawn = _statistics(samples, design, projection, member, column)
    known = drawn[np.isfinite(drawn)]
    if not np.isfinite(observed) or known.size == 0:
        return WildBootstrapTest(float(observed), float("nan"), int(known.size), points)
    # A sample with the same or opposite signs everywhere is the observed one but for rounding: it counts as beyond.
    beyond = int((np.abs(known) >= abs(observed) * (1.0 - 1e-9)).sum())
    is_listed = known.size == 2**codes.size
    p_value = beyond / known.size if is_listed else (1 + beyond) / (1 + known.size)
    return WildBootstrapTest(float(observed), min(1.0, p_value), int(known.size), points)


def _signs(n_clusters: int, rng: np.random.Generator, n_draws: int) -> tuple[Floats, str]:
    if n_clusters <= _WEBB_UP_TO:
        return rng.choice(WEBB, size=(n_draws, n_clusters)), "Webb"
    if 2**n_clusters <= min(_MOST_ENUMERATED, n_draws):
        return np.array(list(product((-1.0, 1.0), repeat=n_clusters))), "Rademacher"
    return rng.choice(np.array([-1.0, 1.0]), size=(n_draws, n_clusters)), "Rademacher"


def _statistics(samples: Floats, design: Floats, projection: Floats, member: Floats, column: int) -> Floats:
    """Return the t statistic of each sample; its CR1 factor is the same in all and is left out of none."""
    coefficients = samples @ projection.T
    residuals = samples - coefficients @ design.T
    n_clusters, (n_rows, n_columns) = len(member), design.shape
    factor = n_clusters / (n_clusters - 1.0) * (n_rows - 1.0) / (n_rows - n_columns) if n_clusters > 1 else np.nan
    sums = (residuals * projection[column]) @ member.T
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(coefficients[:, column] / np.sqrt(factor * (sums**2).sum(axis=1)))
