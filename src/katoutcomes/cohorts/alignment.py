"""Whether the arrays of an analysis set fit together."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import AnalysisSet


def alignment_problems(data: AnalysisSet) -> list[str]:
    """Return what does not fit together, in words that hold no value; nothing where everything does."""
    n_patients = data.baseline.shape[0] if data.baseline.ndim == 1 else -1
    problems = [] if n_patients >= 0 else ["baseline must have one dimension"]
    if data.scores.shape != (n_patients, len(data.visits)):
        problems.append(f"scores have shape {data.scores.shape}, ({n_patients}, {len(data.visits)}) needed")
    names = [variable.name for variable in data.variables]
    problems += [f"variable {name!r} stands twice" for name in sorted(set(names)) if names.count(name) > 1]
    for variable in data.variables:
        if len(set(variable.levels)) < len(variable.levels):
            problems.append(f"variable {variable.name!r} has two levels of one name")
        if variable.values.shape != (n_patients,):
            problems.append(f"variable {variable.name!r} has shape {variable.values.shape}, ({n_patients},) needed")
        elif variable.kind != "number" and not _are_codes(variable.values, len(variable.group_levels)):
            problems.append(f"variable {variable.name!r} holds codes that are not among its levels")
    if data.pathway is not None and data.pathway.n_patients != n_patients:
        problems.append(f"the pathway has {data.pathway.n_patients} patients, {n_patients} needed")
    if data.treatment is not None and data.treatment not in names:
        problems.append(f"the treatment {data.treatment!r} is not among the variables")
    return problems


def _are_codes(values: NDArray[np.float64], n_levels: int) -> bool:
    known = values[~np.isnan(values)]
    return bool(np.isin(known, np.arange(n_levels)).all())
