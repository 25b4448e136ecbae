"""Covariance structures: the matrix as a function of free parameters, with its first two derivatives.

Every structure is a standard deviation a visit (or one for all) times a correlation matrix, but the unstructured one,
which is a scaled Cholesky factor. The parameters are unconstrained; those of one structure are

=====  =========================================  ==================================================
name   parameters                                 correlation between visits a < b
=====  =========================================  ==================================================
us     V log scales, V (V - 1) / 2 entries        covariance D L L' D, L unit lower triangular
cs     1 log SD, 1                                rho, above -1 / (V - 1)
ar1    1 log SD, 1                                rho ** (b - a)
toep   1 log SD, V - 1                            rho[b - a]
ad     1 log SD, V - 1                            rho[a] ... rho[b - 1] multiplied
=====  =========================================  ==================================================

csh, ar1h, toeph and adh have one standard deviation a visit. With rho = theta / sqrt(1 + theta ** 2), except for cs.

References
----------
Pinheiro JC, Bates DM. Stat Comput 1996;6:289-296. doi:10.1007/BF00140873
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRUCTURES: tuple[str, ...] = ("us", "cs", "csh", "ar1", "ar1h", "toep", "toeph", "ad", "adh")


@dataclass(frozen=True, slots=True, eq=False)
class Covariance:
    """A covariance matrix at given parameters.

    Attributes
    ----------
    matrix : ndarray of float64, shape (V, V)
        The covariance of the visits.
    first : ndarray of float64, shape (k, V, V)
        Its derivative by each parameter.
    second : ndarray of float64, shape (k, k, V, V)
        Its second derivatives.
    """

    matrix: NDArray[np.float64]
    first: NDArray[np.float64]
    second: NDArray[np.float64]


def n_parameters(structure: str, n_visits: int) -> int:
    """Return the number of parameters of a structure."""
    if structure == "us":
        return n_visits * (n_visits + 1) // 2
    scales = n_visits if structure.endswith("h") else 1
    return scales + _n_correlations(structure.removesuffix("h"), n_visits)


def _n_correlations(name: str, n_visits: int) -> int:
    if n_visits == 1:
        return 0
    return 1 if name in ("cs", "ar1") else n_visits - 1


def is_homogeneous(structure: str) -> bool:
    """Return whether all visits share one standard deviation."""
    return structure in ("cs", "ar1", "toep", "ad")


def covariance(structure: str, theta: NDArray[np.float64], n_visits: int) -> Covariance:
    """Return the matrix and its derivatives.

    Examples
    --------
    >>> covariance("ar1", np.array([0.0, 0.0]), 2).matrix.tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    if structure == "us":
        return _unstructured(theta, n_visits)
    name = structure.removesuffix("h")
    n_correlations = _n_correlations(name, n_visits)
    scales = theta.size - n_correlations
    correlation = _CORRELATIONS[name](theta[scales:], n_visits)
    return _scaled(theta[:scales], correlation, n_visits)


def _unstructured(theta: NDArray[np.float64], n_visits: int) -> Covariance:
    """Return D L L' D; the parameters are log D and the rows of L below its unit diagonal."""
    scale = np.exp(theta[:n_visits])
    rows, columns = np.tril_indices(n_visits, -1)
    lower = np.eye(n_visits)
    lower[rows, columns] = theta[n_visits:]
    factor = scale[:, None] * lower
    k = theta.size
    visits = np.arange(n_visits)
    entries = np.arange(n_visits, k)
    first_factor = np.zeros((k, n_visits, n_visits))
    first_factor[visits, visits, :] = factor
    first_factor[entries, rows, columns] = scale[rows]
    half = first_factor @ factor.T
    first = half + half.transpose(0, 2, 1)
    flat = first_factor.reshape(-1, n_visits)
    product = (flat @ flat.T).reshape(k, n_visits, k, n_visits).transpose(0, 2, 1, 3)
    matrix = factor @ factor.T
    # Second derivatives of the factor, times its transpose, are few.
    product[visits, visits, visits, :] += matrix
    bent = scale[rows][:, None] * factor[:, columns].T
    product[rows, entries, rows, :] += bent
    product[entries, rows, rows, :] += bent
    return Covariance(matrix, first, product + product.transpose(0, 1, 3, 2))


def _scaled(log_sd: NDArray[np.float64], correlation: Covariance, n_visits: int) -> Covariance:
    """Return the covariance of standard deviations and a correlation matrix, by the product rule."""
    n_scales, n_correlations = log_sd.size, correlation.first.shape[0]
    sd = np.broadcast_to(np.exp(log_sd), (n_visits,))
    outer = np.outer(sd, sd)
    matrix = outer * correlation.matrix
    # d log(sd_a sd_b) by each log standard deviation
    slope = np.zeros((n_scales, n_visits, n_visits))
    if n_scales == 1:
        slope[0] = 2.0
    else:
        visits = np.arange(n_visits)
        slope[visits, visits, :] += 1.0
        slope[visits, :, visits] += 1.0
    k = n_scales + n_correlations
    first = np.empty((k, n_visits, n_visits))
    first[:n_scales] = slope * matrix
    first[n_scales:] = outer * correlation.first
    second = np.empty((k, k, n_visits, n_visits))
    second[:n_scales, :n_scales] = slope[:, None] * slope[None, :] * matrix
    mixed = slope[:, None] * (outer * correlation.first)[None, :]
    second[:n_scales, n_scales:] = mixed
    second[n_scales:, :n_scales] = mixed.transpose(1, 0, 2, 3)
    second[n_scales:, n_scales:] = outer * correlation.second
    return Covariance(matrix, first, second)


def _bounded(theta: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return rho = theta / sqrt(1 + theta ** 2) and its first two derivatives."""
    root = np.hypot(1.0, theta)  # far out the square would overflow
    return theta / root, root**-3.0, -3.0 * (theta / root) * root**-4.0


def _compound_symmetry(theta: NDArray[np.float64], n_visits: int) -> Covariance:
    off_diagonal = 1.0 - np.eye(n_visits)
    if not theta.size:
        return _no_correlation(n_visits)
    lowest = -1.0 / (n_visits - 1)
    share = 0.5 + 0.5 * np.tanh(0.5 * theta[0])  # the logistic function, which cannot overflow
    slope = share * (1.0 - share)
    width = 1.0 - lowest
    return Covariance(
        np.eye(n_visits) + (lowest + width * share) * off_diagonal,
        (width * slope) * off_diagonal[None],
        (width * slope * (1.0 - 2.0 * share)) * off_diagonal[None, None],
    )


def _autoregressive(theta: NDArray[np.float64], n_visits: int) -> Covariance:
    if not theta.size:
        return _no_correlation(n_visits)
    rho, slope, curve = (float(part[0]) for part in _bounded(theta))
    lag = np.abs(np.subtract.outer(np.arange(n_visits), np.arange(n_visits))).astype(np.float64)
    # Powers of rho, never divided by it: at rho = 0 the derivative of rho ** 1 is still 1.
    by_rho = lag * rho ** np.maximum(lag - 1.0, 0.0)
    by_rho_twice = lag * (lag - 1.0) * rho ** np.maximum(lag - 2.0, 0.0)
    return Covariance(rho**lag, (by_rho * slope)[None], (by_rho_twice * slope**2 + by_rho * curve)[None, None])


def _toeplitz(theta: NDArray[np.float64], n_visits: int) -> Covariance:
    rho, slope, curve = _bounded(theta)
    lag = np.abs(np.subtract.outer(np.arange(n_visits), np.arange(n_visits)))
    matrix = np.concatenate(([1.0], rho))[lag]
    lags = np.arange(1, n_visits)
    is_lag = (lag[None] == lags[:, None, None]).astype(np.float64)
    second = np.zeros((theta.size, theta.size, n_visits, n_visits))
    second[lags - 1, lags - 1] = curve[:, None, None] * is_lag
    return Covariance(matrix, slope[:, None, None] * is_lag, second)


def _ante_dependence(theta: NDArray[np.float64], n_visits: int) -> Covariance:
    rho, slope, curve = _bounded(theta)
    k = theta.size

    def products(left_out: tuple[int, ...]) -> NDArray[np.float64]:
        """Multiply the correlations between two visits, without some factors; 0 where they are not among them."""
        found = np.zeros((n_visits, n_visits))
        for a in range(n_visits):
            for b in range(a if not left_out else a + 1, n_visits):
                between = set(range(a, b))
                if between.issuperset(left_out):
                    found[a, b] = found[b, a] = np.prod([rho[step] for step in sorted(between - set(left_out))])
        return found

    first = np.array([slope[h] * products((h,)) for h in range(k)]).reshape(k, n_visits, n_visits)
    second = np.zeros((k, k, n_visits, n_visits))
    for h in range(k):
        second[h, h] = curve[h] * products((h,))
        for other in range(h):
            second[h, other] = second[other, h] = slope[h] * slope[other] * products((other, h))
    return Covariance(products(()), first, second)


def _no_correlation(n_visits: int) -> Covariance:
    return Covariance(np.eye(n_visits), np.zeros((0, n_visits, n_visits)), np.zeros((0, 0, n_visits, n_visits)))


_CORRELATIONS = {"cs": _compound_symmetry, "ar1": _autoregressive, "toep": _toeplitz, "ad": _ante_dependence}


def start_values(structure: str, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return parameters whose covariance is near a given positive definite matrix.

    Parameters
    ----------
    structure : str
        One of `STRUCTURES`.
    matrix : ndarray of float64, shape (V, V)
        A covariance matrix, for example of residuals.
    """
    n_visits = matrix.shape[0]
    if structure == "us":
        factor = np.linalg.cholesky(matrix)
        scale = np.diag(factor)
        rows, columns = np.tril_indices(n_visits, -1)
        return np.concatenate((np.log(scale), (factor / scale[:, None])[rows, columns]))
    sd = np.sqrt(np.diag(matrix))
    name = structure.removesuffix("h")
    log_sd = np.log(sd) if structure.endswith("h") else np.array([0.5 * np.log(np.mean(sd**2))])
    correlation = matrix / np.outer(sd, sd)
    return np.concatenate((log_sd, _start_correlations(name, correlation)))


def _start_correlations(name: str, correlation: NDArray[np.float64]) -> NDArray[np.float64]:
    n_visits = correlation.shape[0]
    if n_visits == 1:
        return np.zeros(0)
    if name == "cs":
        mean = correlation[np.triu_indices(n_visits, 1)].mean()
        lowest = -1.0 / (n_visits - 1)
        share = np.clip((mean - lowest) / (1.0 - lowest), 0.02, 0.98)
        return np.array([np.log(share / (1.0 - share))])
    if name == "toep":
        rho = np.array([np.diag(correlation, lag).mean() for lag in range(1, n_visits)])
        rho = _made_positive_definite(rho, n_visits)
    else:
        neighbors = np.diag(correlation, 1)
        rho = np.array([neighbors.mean()]) if name == "ar1" else neighbors
    rho = np.clip(rho, -0.98, 0.98)
    return np.asarray(rho / np.sqrt(1.0 - rho**2))


def _made_positive_definite(rho: NDArray[np.float64], n_visits: int) -> NDArray[np.float64]:
    """Shrink the correlations of a Toeplitz matrix until it is positive definite."""
    lag = np.abs(np.subtract.outer(np.arange(n_visits), np.arange(n_visits)))
    while np.linalg.eigvalsh(np.concatenate(([1.0], rho))[lag])[0] < 0.05:
        rho = 0.9 * rho
    return rho
