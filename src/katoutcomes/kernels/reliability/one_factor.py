"""One common factor behind several items: the model of a covariance matrix, by maximum likelihood."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CONVERGED = "converged"
HEYWOOD = "Heywood case"
NOT_CONVERGED = "not converged"
SINGULAR = "singular covariance"
NOT_IDENTIFIED = "not identified"
STATUSES: tuple[str, ...] = (CONVERGED, HEYWOOD, NOT_CONVERGED, SINGULAR, NOT_IDENTIFIED)
"""What became of a one-factor model; see `OneFactor`."""

LEAST_UNIQUENESS = 0.005
"""Share of an item's variance that the factor leaves at least. A solution at this bound is a Heywood case: the best
uniqueness would be 0 or below. The bound is that of R's `factanal`."""

_LARGEST_GRADIENT = 1e-6
"""Of the discrepancy, by the logarithms of the uniquenesses; a solution with a larger one has not converged."""

_SMALLEST_EIGENVALUE = 1e-10
"""Of the correlation matrix; below it one item is, but for rounding, a sum of others."""


@dataclass(frozen=True, slots=True, eq=False)
class OneFactor:
    """A one-factor model of a covariance matrix, by maximum likelihood.

    Attributes
    ----------
    status : str
        One of `STATUSES`. ``"converged"``: an inner maximum was reached. ``"Heywood case"``: the factor takes all of
        the variance of an item (see `LEAST_UNIQUENESS`), so the numbers describe the bound and not the data.
        ``"not converged"``: no maximum was found. ``"singular covariance"``: an item is a sum of others, or there are
        no more rows than items. ``"not identified"``: two items do not determine a factor.
    loadings, uniquenesses : ndarray of float64, shape (n_items,)
        In the units of the items and their squares; the sum of the loadings is not negative. NaN unless a maximum or a
        Heywood case was reached.
    standardized_loadings : ndarray of float64, shape (n_items,)
        Loadings over the standard deviations of the items: between -1 and 1.
    chi_square, df, rmsea : float
        Likelihood-ratio test of the model, and the root mean square error of approximation; NaN where `df` is 0.
    """

    status: str
    loadings: NDArray[np.float64]
    uniquenesses: NDArray[np.float64]
    standardized_loadings: NDArray[np.float64]
    chi_square: float
    df: float
    rmsea: float


def one_factor(covariance: NDArray[np.float64], n_rows: int) -> OneFactor:
    """Fit Σ = λλ′ + diag(ψ) by maximum likelihood.

    The discrepancy log|Σ| − log|S| + tr(SΣ⁻¹) − k is minimized over the logarithms of the uniquenesses of the
    correlation matrix, the loadings being known for given uniquenesses (Jöreskog); the solution is then scaled back,
    which changes nothing, as the likelihood does not depend on the units of the items.

    Parameters
    ----------
    covariance : ndarray of float64, shape (n_items, n_items)
        Sample covariances.
    n_rows : int
        How many rows they rest on; the chi-square is `n_rows` times the discrepancy.

    Returns
    -------
    OneFactor
        The model, or why there is none.

    References
    ----------
    Jöreskog KG. Some contributions to maximum likelihood factor analysis. Psychometrika 1967;32:443-482.
    doi:10.1007/BF02289658.

    Examples
    --------
    >>> import numpy as np
    >>> loadings = np.array([0.8, 0.7, 0.6])
    >>> model = one_factor(np.outer(loadings, loadings) + np.diag(1 - loadings**2), 100)
    >>> model.status, model.loadings.round(4).tolist()
    ('converged', [0.8, 0.7, 0.6])
    """
    n_items = len(covariance)
    sds = np.sqrt(np.diag(covariance))
    if not (sds > 0.0).all() or n_rows <= n_items:
        return no_model(SINGULAR, n_items)
    correlation = covariance / np.outer(sds, sds)
    eigenvalues = np.linalg.eigvalsh(correlation)
    if eigenvalues[0] < _SMALLEST_EIGENVALUE:
        return no_model(SINGULAR, n_items)
    if n_items < 3:
        return no_model(NOT_IDENTIFIED, n_items)
    logs, status = _best_log_uniquenesses(correlation)
    if status == NOT_CONVERGED:
        return no_model(status, n_items)
    standardized = _loadings(correlation, np.exp(logs))
    fit = _discrepancy(logs, correlation)[0] - float(np.log(eigenvalues).sum())
    df = n_items * (n_items - 3) / 2
    chi_square = n_rows * max(fit, 0.0) if df else math.nan
    return OneFactor(
        status=status,
        loadings=sds * standardized,
        uniquenesses=sds**2 * np.exp(logs),
        standardized_loadings=standardized,
        chi_square=chi_square,
        df=df,
        rmsea=math.sqrt(max(chi_square - df, 0.0) / (df * n_rows)) if df else math.nan,
    )


def no_model(status: str, n_items: int) -> OneFactor:
    """Return a model without numbers, and the status that says why."""
    nothing = np.full(n_items, math.nan)
    return OneFactor(status, nothing, nothing, nothing, math.nan, math.nan, math.nan)


def _best_log_uniquenesses(correlation: NDArray[np.float64]) -> tuple[NDArray[np.float64], str]:
    """Return the logarithms of the uniquenesses at the minimum, and whether that is one."""
    from scipy.optimize import minimize

    n_items = len(correlation)
    # An item's uniqueness is at most what the other items leave of it, and near that for many items.
    start = np.log(np.clip((1.0 - 0.5 / n_items) / np.diag(np.linalg.inv(correlation)), 2.0 * LEAST_UNIQUENESS, 1.0))
    bound = math.log(LEAST_UNIQUENESS)
    found = minimize(
        _discrepancy,
        start,
        args=(correlation,),
        jac=True,
        method="L-BFGS-B",
        bounds=[(bound, 0.0)] * n_items,
        options={"ftol": 1e-16, "gtol": 1e-10, "maxiter": 2000, "maxcor": 30},
    )
    logs = np.asarray(found.x, dtype=np.float64)
    gradient = _discrepancy(logs, correlation)[1]
    at_bound = logs <= bound + 1e-9
    # At a bound the discrepancy may still fall beyond it.
    beyond = (at_bound & (gradient > 0.0)) | ((logs >= -1e-12) & (gradient < 0.0))
    if float(np.abs(np.where(beyond, 0.0, gradient)).max()) > _LARGEST_GRADIENT:
        return logs, NOT_CONVERGED
    return logs, HEYWOOD if at_bound.any() else CONVERGED


def _discrepancy(logs: NDArray[np.float64], correlation: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Return log|Σ| + tr(RΣ⁻¹) − k at the best loadings for these uniquenesses, and its gradient by their logarithms.

    With the eigenvalues θ of Ψ^(-1/2) R Ψ^(-1/2), largest first, the best loadings give θ₁ − 1 to the factor (nothing
    where θ₁ < 1), so that the discrepancy is Σ log ψ + log θ₁ + 1 + Σ_{j>1} θⱼ − k.
    """
    uniquenesses = np.exp(logs)
    loadings = _loadings(correlation, uniquenesses)
    # |Σ| = |Ψ| (1 + λ'Ψ⁻¹λ), and Σ⁻¹ = Ψ⁻¹ − Ψ⁻¹λλ'Ψ⁻¹ / (1 + λ'Ψ⁻¹λ).
    weighted = loadings / uniquenesses
    explained = 1.0 + float(loadings @ weighted)
    trace = float((np.diag(correlation) / uniquenesses).sum()) - float(weighted @ correlation @ weighted) / explained
    value = float(logs.sum()) + math.log(explained) + trace - len(logs)
    # The loadings are the best ones, so only the explicit part of the derivative is left (Jöreskog).
    gradient = (loadings**2 + uniquenesses - np.diag(correlation)) / uniquenesses
    return value, gradient


def _loadings(correlation: NDArray[np.float64], uniquenesses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the best loadings for given uniquenesses, their sum not negative."""
    roots = np.sqrt(uniquenesses)
    values, vectors = np.linalg.eigh(correlation / np.outer(roots, roots))
    first: NDArray[np.float64] = vectors[:, -1]
    loadings = roots * first * math.sqrt(max(float(values[-1]) - 1.0, 0.0))
    return np.asarray(-loadings if float(loadings.sum()) < 0.0 else loadings)


def information_matrix(loadings: NDArray[np.float64], uniquenesses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the expected information of loadings and uniquenesses in one row of normal items.

    Element (a, b) is tr(Σ⁻¹ ∂Σ/∂a Σ⁻¹ ∂Σ/∂b)/2. With A = Σ⁻¹, v = Aλ and q = λ′Aλ these are q·A + vv′ for two loadings,
    Aᵢⱼvⱼ for loading i and uniqueness j, and A²ᵢⱼ/2 for two uniquenesses.
    """
    inverse = np.linalg.inv(np.outer(loadings, loadings) + np.diag(uniquenesses))
    weighted = inverse @ loadings
    of_loadings = float(loadings @ weighted) * inverse + np.outer(weighted, weighted)
    mixed = inverse * weighted[np.newaxis, :]
    return np.block([[of_loadings, mixed], [mixed.T, 0.5 * inverse**2]])
