"""What further questions to a model for repeated measures need; nothing of it leaves a clinic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.kernels.mmrm.inference import LinearModel


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RepeatedMeasuresModel:
    """The estimated model behind a result, to many digits. `release` leaves it behind.

    Attributes
    ----------
    names : tuple of str
        Coefficients, in the words of the formula.
    coefficients : ndarray of float64, shape (Q,)
        NaN where a column is aliased with others.
    coefficient_covariance : ndarray of float64, shape (Q, Q)
        The one that standard errors are taken from; NaN for aliased columns.
    visits : tuple of str
        Names of the V visits.
    arms : tuple of str
        Levels of the treatment, the comparator first; empty where there is none.
    groups : tuple of str
        Levels of the variable that has a covariance each; one empty name where all share one.
    visit_covariances : ndarray of float64, shape (G, V, V)
        Residual covariance of the visits in each group.
    structure : str
        Structure of these matrices.
    parameters : ndarray of float64, shape (k,)
        Their unconstrained parameters, group after group.
    parameter_covariance : ndarray of float64, shape (k, k)
        Of these.
    deviance : float
        -2 log likelihood, restricted or not.
    linear : LinearModel
        What a test of a combination of coefficients needs: no patient's data, except that a robust variance keeps the
        patients' covariates and which visits they have, without scores, for its degrees of freedom.
    mean_rows : mapping of str to ndarray of float64, shape (max(A, 1), V, Q)
        For each way of averaging over covariates, the combinations of coefficients that are the adjusted means.
    baseline_means : mapping of str to float
        The mean baseline score that goes with each of them; NaN where the model does not use it.
    n_patients, n_observations : int
        On how many patients and scores the model rests.
    n_patients_at_visit : ndarray of int64, shape (max(A, 1), V)
        Patients of each arm with a score at each visit.
    """

    names: tuple[str, ...]
    coefficients: NDArray[np.float64]
    coefficient_covariance: NDArray[np.float64]
    visits: tuple[str, ...]
    arms: tuple[str, ...]
    groups: tuple[str, ...]
    visit_covariances: NDArray[np.float64]
    structure: str
    parameters: NDArray[np.float64]
    parameter_covariance: NDArray[np.float64]
    deviance: float
    linear: LinearModel
    mean_rows: Mapping[str, NDArray[np.float64]]
    baseline_means: Mapping[str, float]
    n_patients: int
    n_observations: int
    n_patients_at_visit: NDArray[np.int64]

    def __repr__(self) -> str:
        return f"<RepeatedMeasuresModel: {len(self.names)} coefficients, {len(self.visits)} visits, {self.structure}>"

    def visit_correlations(self) -> NDArray[np.float64]:
        """Return the residual correlations of the visits in each group, shape (G, V, V)."""
        import numpy as np

        sd = np.sqrt(np.diagonal(self.visit_covariances, axis1=1, axis2=2))
        return np.asarray(self.visit_covariances / (sd[:, :, None] * sd[:, None, :]))
