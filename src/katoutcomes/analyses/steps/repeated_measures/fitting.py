"""Fitting a model for repeated measures: which structure was tried, which converged, and why another did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from katoutcomes.errors import NumericalError, OptionError, require_option

if TYPE_CHECKING:
    from katoutcomes.analyses.steps.repeated_measures.data import RepeatedMeasuresData
    from katoutcomes.analyses.steps.repeated_measures.design import RepeatedMeasuresDesign
    from katoutcomes.kernels.mmrm.fit import Convergence
    from katoutcomes.kernels.mmrm.repeated_measures import RepeatedMeasures

COVARIANCES: Mapping[str, str] = MappingProxyType(
    {
        "unstructured": "us",
        "compound symmetry": "cs",
        "heterogeneous compound symmetry": "csh",
        "autoregressive": "ar1",
        "heterogeneous autoregressive": "ar1h",
        "toeplitz": "toep",
        "heterogeneous toeplitz": "toeph",
        "ante-dependence": "ad",
        "heterogeneous ante-dependence": "adh",
    }
)
"""Names of the covariance structures and their short forms; both are accepted."""

DF_METHODS: tuple[str, ...] = ("kenward-roger-linear", "kenward-roger", "satterthwaite", "asymptotic")
VARIANCES: tuple[str, ...] = ("model", "CR0", "CR2", "CR3")


@dataclass(frozen=True, slots=True)
class FitOptions:
    """How the model is fitted.

    Attributes
    ----------
    structures : tuple of str
        Short names of the structures to try, in order.
    reml : bool
    df_method, variance : str
        As in `mmrm`.
    """

    structures: tuple[str, ...]
    reml: bool
    df_method: str
    variance: str


@dataclass(frozen=True, slots=True, eq=False)
class FittedModel:
    """The first structure that converged, and why those before it did not.

    Attributes
    ----------
    found : RepeatedMeasures
        The fit and its linear model.
    structure : str
        Short name of its structure.
    failures : tuple of (str, str)
        Structures that were tried before, each with the reason why it was not estimated.
    """

    found: RepeatedMeasures
    structure: str
    failures: tuple[tuple[str, str], ...]


def structures_asked_for(covariance: str, fallback: Sequence[str]) -> tuple[str, ...]:
    """Return the short names of the structures to try, in order.

    Examples
    --------
    >>> structures_asked_for("unstructured", ("heterogeneous toeplitz", "cs"))
    ('us', 'toeph', 'cs')
    """
    asked = (covariance, *((fallback,) if isinstance(fallback, str) else fallback))
    for name in asked:
        require_option("covariance", name, (*COVARIANCES, *COVARIANCES.values()))
    return tuple(COVARIANCES.get(name, name) for name in asked)


def require_fit_options(df_method: str, variance: str, weights: str | None) -> None:
    """Raise `OptionError` for a choice that there is not, or one that gives standard errors without a meaning."""
    require_option("df_method", df_method, DF_METHODS)
    require_option("variance", variance, VARIANCES)
    if weights is not None and variance == "model":
        raise OptionError(
            "with frequency or inverse-probability weights the model's own standard errors mean nothing; "
            "ask for variance='CR2' (or 'CR0', 'CR3')."
        )


def fitted_model(chosen: RepeatedMeasuresData, design: RepeatedMeasuresDesign, options: FitOptions) -> FittedModel:
    """Fit the structures in their order until one converges.

    Raises
    ------
    NumericalError
        If none does; the message says of each why.
    """
    from katoutcomes.kernels.mmrm.repeated_measures import repeated_measures
    from katoutcomes.kernels.mmrm.sandwich import PatientData

    patients = PatientData(design.z, chosen.scores, chosen.group, chosen.frequency_weights, chosen.precision_weights)
    failures: list[tuple[str, str]] = []
    for structure in options.structures:
        found = repeated_measures(
            patients,
            design.by_visit,
            structure=structure,
            reml=options.reml,
            df_method=options.df_method,
            variance=options.variance,
        )
        if found is not None and found.model is not None:
            return FittedModel(found, structure, tuple(failures))
        failures.append((structure, _PERFECT if found is None else _why(found.fit.convergence)))
    reasons = " ".join(f"{long_name(structure)}: {reason}" for structure, reason in failures)
    raise NumericalError(
        f"the model for repeated measures has not been estimated. {reasons} A simpler covariance may do, such as "
        "covariance='heterogeneous toeplitz' or 'compound symmetry'; fallback=(…) tries several in order."
    )


_PERFECT = (
    "the formula fits the scores of a visit exactly, so there is no residual variance; use fewer covariates, or leave "
    "out visits that few patients have."
)


def _why(convergence: Convergence) -> str:
    """Return what is wrong with a fit, in the order in which it should be mended."""
    if convergence.has_converged:
        return (
            "without one of the patients some coefficient cannot be estimated, so there is no jackknife (CR3); ask for "
            "variance='CR2'."
        )
    if not convergence.are_pairs_observed:
        return (
            "two visits were never seen in the same patient, so their covariance is not known; leave one of them out, "
            "or choose a structure without a parameter for every two visits."
        )
    if not convergence.is_regular:
        return (
            "the covariance of the visits became singular: too few patients have some visit for its mean and its "
            "variance, or two visits' scores are equal; leave that visit out, or use fewer covariates."
        )
    if not convergence.is_curved:
        return "the likelihood is flat: the data do not determine every covariance parameter; use fewer of them."
    return "the search ended before the likelihood was at its maximum; look for impossible scores."


def long_name(structure: str) -> str:
    """Return the long name of a structure.

    Examples
    --------
    >>> long_name("csh")
    'heterogeneous compound symmetry'
    """
    return next(name for name, short in COVARIANCES.items() if short == structure)
