"""Who enters a model for repeated measures, and what is asked of the data before it is fitted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.anchored_visits import require_common_days
from katoutcomes.analyses.steps.repeated_measures.design import ModelFrame, names_in, patients_frame
from katoutcomes.errors import DesignError, NumericalError, OptionError, require_option

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.repeated_measures.design import Column
    from katoutcomes.cohorts.analysis_set import AnalysisSet, Variable

SPECIAL_NAMES: tuple[str, ...] = ("visit", "baseline", "treatment")
_VARIATION_TOLERANCE = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class RepeatedMeasuresData:
    """The patients and visits of a model.

    Attributes
    ----------
    frame : ModelFrame
        What the formula speaks of.
    scores : ndarray of float64, shape (n_patients, n_visits)
        NaN where there is none.
    arm : ndarray of int64, shape (n_patients,)
        Position in `frame.arms`; all 0 where there are none.
    group : ndarray of int64, shape (n_patients,), or None
        Covariance group of each patient.
    group_names : tuple of str
        Their names; one empty name where there is one.
    group_variable : str
        The variable that makes them; empty where there is one group.
    frequency_weights, precision_weights : ndarray of float64, shape (n_patients,), or None
        The two kinds of weights.
    variables : tuple of Variable
        Covariates of the formula.
    n_left_out : int
        Patients with a score at some visit who are left out because a covariate is not known.
    warnings : tuple of str
        What was done about empty visits and unknown covariates.
    """

    frame: ModelFrame
    scores: NDArray[np.float64]
    arm: NDArray[np.int64]
    group: NDArray[np.int64] | None
    group_names: tuple[str, ...]
    group_variable: str
    frequency_weights: NDArray[np.float64] | None
    precision_weights: NDArray[np.float64] | None
    variables: tuple[Variable, ...]
    n_left_out: int
    warnings: tuple[str, ...]

    def n_at_visits(self) -> NDArray[np.int64]:
        """Return the patients of each arm with a score at each visit, shape (max(n_arms, 1), n_visits)."""
        return self.n_seen_of(self.arm, max(len(self.frame.arms), 1))

    def n_of_groups_at_visits(self) -> NDArray[np.int64]:
        """Return the patients of each covariance group with a score at each visit, shape (n_groups, n_visits)."""
        import numpy as np

        group = self.group if self.group is not None else np.zeros(len(self.scores), dtype=np.int64)
        return self.n_seen_of(group, len(self.group_names))

    def n_seen_of(self, code: NDArray[np.int64], n_levels: int) -> NDArray[np.int64]:
        """Return the patients of each level of a code with a score at each visit, shape (n_levels, n_visits)."""
        import numpy as np

        counts = [self.frame.observed[code == level].sum(axis=0) for level in range(n_levels)]
        return np.asarray(counts, dtype=np.int64)


def repeated_measures_data(
    data: AnalysisSet, formula: str, *, by: str | None, weights: str | None, precision: str | None
) -> RepeatedMeasuresData:
    """Choose patients and visits, and check them.

    Raises
    ------
    DesignError
        If a visit counts from a later dose, a variable is known only after time zero, or nobody is left.
    NumericalError
        If the scores of a visit cannot carry a variance.
    OptionError
        If the formula names something that the data lack.
    """
    import numpy as np

    for visit in data.visits:
        require_common_days(visit)
    used = names_in(formula)
    if "visit" not in used:
        raise OptionError("the formula has no visit; a model for repeated measures needs one, as in 'baseline*visit'.")
    variables = tuple(_covariate(data, name) for name in sorted(used.difference(SPECIAL_NAMES)))
    treatment = _treatment(data) if "treatment" in used else None
    by_variable = None if by is None else _grouping(data, by)
    weighting = [_weights(data, name) for name in (weights, precision)]
    has_score = np.asarray(~np.isnan(data.scores).all(axis=1))
    known = has_score.copy()
    needed = [variable.values for variable in (*variables, treatment, by_variable) if variable is not None]
    needed += [values for values in weighting if values is not None]
    if "baseline" in used:
        needed.append(data.baseline)
    for values in needed:
        known &= ~np.isnan(values)
    if not known.any():
        raise DesignError("no patient has a score at a visit and a known value of everything in the formula.")
    scores = data.scores[known]
    seen = np.asarray(~np.isnan(scores).all(axis=0))
    _require_variation(scores[:, seen], [visit.name for visit, some in zip(data.visits, seen, strict=True) if some])
    arms, arm = _levels(treatment, known)
    group_names, group = _levels(by_variable, known)
    frame = ModelFrame(
        patients_frame(_columns(data, known, variables, used, (arms, arm)), int(known.sum())),
        tuple(visit.name for visit, some in zip(data.visits, seen, strict=True) if some),
        arms,
        ~np.isnan(scores[:, seen]),
    )
    return RepeatedMeasuresData(
        frame=frame,
        scores=np.ascontiguousarray(scores[:, seen]),
        arm=arm,
        group=None if by_variable is None else group,
        group_names=group_names or ("",),
        group_variable="" if by_variable is None else by_variable.name,
        frequency_weights=None if weighting[0] is None else weighting[0][known],
        precision_weights=None if weighting[1] is None else weighting[1][known],
        variables=variables,
        n_left_out=int((has_score & ~known).sum()),
        warnings=_warnings(data, seen, has_score, known),
    )


def _covariate(data: AnalysisSet, name: str) -> Variable:
    from katoutcomes.cohorts.exposure import require_adjustable

    if name == data.treatment:
        raise OptionError(f"{name!r} defines the cohorts; in the formula it is called 'treatment'.")
    known = [variable.name for variable in data.variables if variable.name != data.treatment]
    require_option("name in the formula", name, [*SPECIAL_NAMES, *known])
    variable = data.variable(name)
    require_adjustable(variable)
    return variable


def _treatment(data: AnalysisSet) -> Variable:
    variable = data.treatment_variable()
    if variable is None:
        raise DesignError(
            "the formula speaks of 'treatment', and no variable defines cohorts; make the analysis set with "
            "treatment=…, or use a formula without it, such as 'baseline*visit'."
        )
    return variable


def _grouping(data: AnalysisSet, by: str) -> Variable:
    from katoutcomes.cohorts.exposure import require_known_at_time_zero

    name = data.treatment if by == "treatment" and data.treatment is not None else by
    variable = data.variable(name)
    require_known_at_time_zero(variable)
    return variable


def _weights(data: AnalysisSet, name: str | None) -> NDArray[np.float64] | None:
    if name is None:
        return None
    values = _as_numbers(data.variable(name))
    if (values <= 0.0).any():
        raise OptionError(f"the weights {name!r} must be above 0 for every patient.")
    return values


def _as_numbers(variable: Variable) -> NDArray[np.float64]:
    """Return the numbers of a variable that a column of few different ones has made a category of."""
    import numpy as np

    if variable.kind != "category":
        return variable.values
    try:
        levels = np.array([float(level) for level in variable.levels])
    except ValueError:
        levels = np.full(len(variable.levels), np.nan)
    if np.isnan(levels).any():
        raise OptionError(f"the weights {variable.name!r} are not numbers.")
    known = ~np.isnan(variable.values)
    values = np.full(variable.values.shape, np.nan)
    values[known] = levels[variable.values[known].astype(np.int64)]
    return values


def _levels(variable: Variable | None, known: NDArray[np.bool_]) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    """Return the levels that occur, and each patient's position among them."""
    import numpy as np

    if variable is None:
        return (), np.zeros(int(known.sum()), dtype=np.int64)
    codes, position = np.unique(variable.values[known], return_inverse=True)
    names = variable.group_levels
    return tuple(names[int(code)] for code in codes), position.reshape(-1).astype(np.int64)


def _columns(
    data: AnalysisSet,
    known: NDArray[np.bool_],
    variables: tuple[Variable, ...],
    used: frozenset[str],
    treatment: tuple[tuple[str, ...], NDArray[np.int64]],
) -> dict[str, Column]:
    """Return the columns that the formula may name; categories keep the levels that occur."""
    columns: dict[str, Column] = {}
    if "baseline" in used:
        columns["baseline"] = data.baseline[known]
    if "treatment" in used:
        columns["treatment"] = treatment
    for variable in variables:
        columns[variable.name] = _levels(variable, known) if variable.kind == "category" else variable.values[known]
    return columns


def _require_variation(scores: NDArray[np.float64], visits: list[str]) -> None:
    """Raise an error for visits whose scores have no variance to estimate, naming all of them."""
    import numpy as np

    counts = (~np.isnan(scores)).sum(axis=0)
    alone = [name for name, n in zip(visits, counts, strict=True) if n == 1]
    if alone:
        raise NumericalError(
            f"only one patient has a score at {_listed(alone)}, which has no variance; leave the visit out."
        )
    spread = np.nanmax(scores, axis=0) - np.nanmin(scores, axis=0)
    constant = [name for name, width in zip(visits, spread, strict=True) if width <= _VARIATION_TOLERANCE]
    if constant:
        raise NumericalError(f"all scores at {_listed(constant)} are equal, so there is no variance to estimate.")


def _warnings(
    data: AnalysisSet, seen: NDArray[np.bool_], has_score: NDArray[np.bool_], known: NDArray[np.bool_]
) -> tuple[str, ...]:
    sentences = []
    empty = [visit.name for visit, some in zip(data.visits, seen, strict=True) if not some]
    if empty:
        sentences.append(f"Nobody has a score at {_listed(empty)}; the model is of the other visits.")
    if (has_score & ~known).any():
        sentences.append(
            "Patients with a score whose baseline score or another value of the formula is not known are left out; "
            'the check "missing covariates" says whether they are many.'
        )
    return tuple(sentences)


def _listed(names: list[str]) -> str:
    return ", ".join(repr(name) for name in names)
