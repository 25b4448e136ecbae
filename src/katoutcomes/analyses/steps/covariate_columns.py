"""Covariates as the columns of a design: numbers and flags as they are, categories as dummies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.errors import DesignError, NumericalError, OptionError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import AnalysisSet, Variable
    from katoutcomes.kernels.groups.covariance_adjustment import LeastSquares

BASELINE_SCORE = "baseline_score"
_N_GROUP_COLUMNS = 2
"""In `covariance_adjustment` the comparator and the treatment come before the covariates."""


@dataclass(frozen=True, slots=True, eq=False)
class CovariateColumns:
    """The covariates of the patients analyzed.

    Attributes
    ----------
    values : ndarray of float64, shape (n_patients, n_columns)
        The baseline score first.
    names : tuple of str
        One a column, ``"site: North"`` for a dummy.
    """

    values: NDArray[np.float64]
    names: tuple[str, ...]


def chosen_covariates(data: AnalysisSet, names: Sequence[str], treatment: str) -> tuple[Variable, ...]:
    """Return the variables to adjust for.

    Raises
    ------
    DesignError
        If one of them is known only after time zero.
    OptionError
        If there is no variable of that name, or it stands twice, or it is the treatment.
    """
    from katoutcomes.cohorts.exposure import require_adjustable

    listed = (names,) if isinstance(names, str) else tuple(names)
    for name in listed:
        if name == treatment:
            raise OptionError(f"{name!r} defines the cohorts; it cannot be a covariate as well.")
        if listed.count(name) > 1:
            raise OptionError(f"the covariate {name!r} stands twice.")
    variables = tuple(data.variable(name) for name in listed)
    for variable in variables:
        require_adjustable(variable)
    return variables


def without_lone_patients(variables: Sequence[Variable], complete: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the patients who share each level of every category and flag with somebody.

    A patient who alone has a level is fitted exactly by that level's coefficient: the patient tells nothing about the
    others' coefficients, and has no residual to estimate a variance from. Leaving the patient out changes neither the
    adjusted difference nor the other coefficients. It does change the means of the covariates, at which the adjusted
    means are predicted, and the unadjusted difference, which are those of the patients left. Setting one aside can
    leave another alone, so it is repeated until nobody is.
    """
    import numpy as np

    kept = complete.copy()
    while True:
        lone = np.zeros_like(kept)
        for variable in variables:
            if variable.kind != "number":
                levels, counts = np.unique(variable.values[kept], return_counts=True)
                lone |= kept & np.isin(variable.values, levels[counts == 1])
        if not lone.any():
            return kept
        kept &= ~lone


def covariate_columns(
    baseline: NDArray[np.float64], variables: Sequence[Variable], analyzed: NDArray[np.bool_]
) -> CovariateColumns:
    """Return the columns of the patients analyzed, all of whose values are known.

    The first level of a category that occurs among them is the reference; levels that nobody has get no column.
    """
    import numpy as np

    columns, names = [baseline[analyzed]], [BASELINE_SCORE]
    for variable in variables:
        values = variable.values[analyzed]
        if variable.kind == "category":
            for code in np.unique(values)[1:]:
                columns.append((values == code).astype(np.float64))
                names.append(f"{variable.name}: {variable.levels[int(code)]}")
        else:
            columns.append(values)
            names.append(variable.name)
        if variable.kind == "category" and np.unique(values).size == 1:
            raise NumericalError(_no_variation([variable.name]))
    return CovariateColumns(np.column_stack(columns), tuple(names))


def require_fit(fit: LeastSquares, columns: CovariateColumns) -> None:
    """Raise an error that names the covariate which stands in the way of the fit, if there is one.

    Raises
    ------
    DesignError
        If there are no more patients than coefficients.
    NumericalError
        If a covariate does not vary or follows from others, or if one patient alone decides a coefficient.
    """
    blamed = [columns.names[column - _N_GROUP_COLUMNS] for column in fit.problem_columns if column >= _N_GROUP_COLUMNS]
    if fit.status == "too few rows":
        n_rows, n_columns = columns.values.shape
        raise DesignError(
            f"{n_rows} patients cannot carry {n_columns + _N_GROUP_COLUMNS} coefficients; adjust for fewer covariates."
        )
    if fit.status == "dependent column":
        raise NumericalError(_no_variation(blamed))
    if fit.status == "full leverage":
        what = f"the coefficient of {_listed(blamed)}" if blamed else "the mean of a cohort"
        raise NumericalError(
            f"one patient alone decides {what}, so it has no standard error; "
            "leave the covariate out, or join its rare levels."
        )


def _no_variation(names: Sequence[str]) -> str:
    return (
        f"among the patients analyzed {_listed(names)} does not vary, or follows from the cohort and the covariates "
        "before it; leave it out."
    )


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
