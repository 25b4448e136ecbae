"""The counts beside a model for repeated measures: who was seen when, and how few share a level of a covariate."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from katoutcomes.analyses.change_from_baseline import visits_part
from katoutcomes.results.part import Cell, Part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.repeated_measures.data import RepeatedMeasuresData
    from katoutcomes.analyses.steps.repeated_measures.design import ModelFrame, RepeatedMeasuresDesign
    from katoutcomes.cohorts.analysis_set import AnalysisSet

PATIENTS_AT_VISITS = "patients_at_visits"
FEWEST_PATIENTS = "fewest_patients"


def repeated_measures_parts(
    data: AnalysisSet, chosen: RepeatedMeasuresData, design: RepeatedMeasuresDesign
) -> tuple[Part, ...]:
    """Return the visits, the patients seen at each, and the fewest that share a level of a covariate."""
    visits = tuple(visit for visit in data.visits if visit.name in chosen.frame.visits)
    return (visits_part(visits), _patients_at_visits(data, chosen), _fewest_patients(chosen, design.names))


def _patients_at_visits(data: AnalysisSet, chosen: RepeatedMeasuresData) -> Part:
    """Return how many patients of the model have a score at each visit: all, and those of each cohort."""
    frame = chosen.frame
    counts = chosen.n_at_visits()
    groups = [f"{data.treatment}: {arm}" for arm in frame.arms]
    rows: list[tuple[Cell, ...]] = []
    for position, visit in enumerate(frame.visits):
        rows.append((visit, "", int(counts[:, position].sum())))
        rows += [(visit, group, int(counts[arm, position])) for arm, group in enumerate(groups)]
    return Part(PATIENTS_AT_VISITS, ("visit", "group", "n_patients"), tuple(rows))


def _fewest_patients(chosen: RepeatedMeasuresData, names: Sequence[str]) -> Part:
    """Return, for each set of covariates that has coefficients, the fewest patients who share levels of them.

    A coefficient of a level that two patients have is in truth about these two. Where the formula has several
    categories in one term, it is their combinations that count; always at the visit where they are fewest.
    """
    frame = chosen.frame
    sets = dict.fromkeys(_covariates_in(name, frame) for name in names)
    rows = tuple((", ".join(found), _fewest(frame, found)) for found in sets if found not in {(), ("treatment",)})
    return Part(FEWEST_PATIENTS, ("term", "n_patients"), rows)


def _covariates_in(coefficient: str, frame: ModelFrame) -> tuple[str, ...]:
    """Return the covariates that a coefficient speaks of, the baseline score aside, which nearly all have their own."""
    words = re.sub(r"\[[^\]]*\]", "", coefficient)
    columns = sorted(str(name) for name in frame.patients.columns if name != "baseline")
    return tuple(name for name in columns if re.search(rf"\b{re.escape(name)}\b", words))


def _fewest(frame: ModelFrame, covariates: tuple[str, ...]) -> int:
    """Return the patients of the rarest combination of levels that occurs, where it was seen least often."""
    import numpy as np

    codes = np.column_stack([_levels_of(frame, name) for name in covariates])
    counted = (codes >= 0).all(axis=1)
    _, combination = np.unique(codes[counted], axis=0, return_inverse=True)
    seen = frame.observed[counted]
    counts = np.array([np.bincount(combination.reshape(-1), weights=seen[:, visit]) for visit in range(seen.shape[1])])
    return int(counts[counts > 0.0].min(initial=float(len(codes))))


def _levels_of(frame: ModelFrame, name: str) -> NDArray[np.int64]:
    """Return the level of each patient; of a number, -1 for its most frequent value and 0 for all others.

    A number that all patients but three share says as much about these three as a category would.
    """
    import numpy as np
    import pandas as pd

    column = frame.patients[name]
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.codes.to_numpy().astype(np.int64)
    values, position, counts = np.unique(column.to_numpy(), return_inverse=True, return_counts=True)
    if len(values) <= 2:
        return position.astype(np.int64)
    return np.where(position == counts.argmax(), -1, 0).astype(np.int64)
