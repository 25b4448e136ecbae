"""From a formula to a design that a model for repeated measures can use: patients' columns, and how visits use them.

A model matrix has a row for each patient and visit. Nearly always each of its columns is, at every visit, a constant
or a column of the patients (the baseline score, an arm), so it is enough to keep these once: x = design[visit] (1, z).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from keyword import iskeyword
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.repeated_measures.matrices import (
    ModelMatrices,
    ModelRows,
    in_every_arm,
    matrix_of,
    model_matrices,
    parsed_formula,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Column = NDArray[np.float64] | tuple[tuple[str, ...], NDArray[np.int64]]

MOST_GRID_ROWS = 20_000
"""Beyond it the levels of the covariates are too many to be averaged over one by one."""
WEIGHTS: tuple[str, ...] = ("observed", "equal", "proportional")
"""How adjusted means average over covariates; see `contrast`."""


@dataclass(frozen=True, slots=True, eq=False)
class RepeatedMeasuresDesign:
    """The columns of the model.

    Attributes
    ----------
    names : tuple of str
        Coefficients, as the formula names them.
    z : ndarray of float64, shape (n_patients, r)
        Columns of the patients.
    by_visit : ndarray of float64, shape (n_visits, n_coefficients, 1 + r)
        x = by_visit[j] (1, z).
    mean_rows : mapping of str to ndarray of float64, shape (n_arms, n_visits, n_coefficients)
        For each way of averaging over the covariates, the combination of coefficients that is the adjusted mean.
    baseline_means : mapping of str to float
        The mean baseline score that goes with each of them; NaN where the formula does not use it.
    """

    names: tuple[str, ...]
    z: NDArray[np.float64]
    by_visit: NDArray[np.float64]
    mean_rows: Mapping[str, NDArray[np.float64]]
    baseline_means: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class ModelFrame:
    """What the formula may speak of.

    Attributes
    ----------
    patients : pandas.DataFrame
        One row a patient; ``treatment`` is a categorical where there is one.
    visits : tuple of str
        Levels of ``visit``.
    arms : tuple of str
        Levels of ``treatment``; empty where there is none.
    observed : ndarray of bool, shape (n_patients, n_visits)
        Where there is a score.
    """

    patients: pd.DataFrame
    visits: tuple[str, ...]
    arms: tuple[str, ...]
    observed: NDArray[np.bool_]


def patients_frame(columns: Mapping[str, Column], n_patients: int) -> pd.DataFrame:
    """Return a frame of numbers, and of categories given as their levels and each patient's position among them."""
    import pandas as pd

    cells: dict[str, object] = {}
    for name, column in columns.items():
        if isinstance(column, tuple):
            cells[name] = pd.Categorical.from_codes(column[1], categories=pd.Index(list(column[0])))
        else:
            cells[name] = column
    return pd.DataFrame(cells, index=range(n_patients))


def names_in(formula: str) -> frozenset[str]:
    """Return the names that a formula speaks of.

    Raises
    ------
    OptionError
        If it is not a formula for the right-hand side of a model.

    Examples
    --------
    >>> sorted(names_in("treatment*visit + poly(baseline, degree=2)"))
    ['baseline', 'treatment', 'visit']
    """
    # formulaic does not report what stands in functions that learn from the data, such as center(baseline).
    text = re.sub(r"'[^']*'|\"[^\"]*\"|`[^`]*`", "", formula)
    inside = re.findall(r"(?<![\w.])([A-Za-z_]\w*)(?![\w.]*\()(?!\s*=(?!=))(?![\w.])", text)
    required = {str(name) for name in parsed_formula(formula).required_variables}
    return frozenset(required | {name for name in inside if not iskeyword(name)})


def repeated_measures_design(formula: str, frame: ModelFrame) -> RepeatedMeasuresDesign:
    """Return the design of a formula.

    Parameters
    ----------
    formula : str
        Right-hand side, in the language of formulaic.
    frame : ModelFrame
        What it speaks of; no value is missing.

    Raises
    ------
    OptionError
        If the formula cannot be applied to these variables.
    """
    import numpy as np

    patients = ModelRows.of(frame)
    grid = _grid(frame, patients)
    matrices = model_matrices(formula, frame, patients, grid.rows if grid is not None else None)
    known = _KnownColumns([], [], [])
    parts = [_part_of_patients(name) for name in matrices.names]
    places = [
        [known.place(column, parts[k], visit, k) for k, column in enumerate(matrix.T)]
        for visit, matrix in enumerate(matrices.at_visits)
    ]
    n_columns = len(known.columns)
    by_visit = np.zeros((len(frame.visits), len(matrices.names), 1 + n_columns))
    for visit, row in enumerate(places):
        for k, (constant, position) in enumerate(row):
            by_visit[visit, k, 0] = constant
            if position >= 0:
                by_visit[visit, k, 1 + position] = 1.0
    z = np.column_stack(known.columns) if known.columns else np.zeros((len(frame.patients), 0))
    for visit in {visit for visit, _ in known.origins} - matrices.people.keys():
        people = matrix_of(matrices.spec, in_every_arm(patients, len(z), frame, visit))
        matrices.people[visit] = people.reshape(max(len(frame.arms), 1), len(z), -1).mean(axis=1)
    mean_rows = _mean_rows(matrices, by_visit, known.origins, grid.shares if grid is not None else {})
    return RepeatedMeasuresDesign(matrices.names, z, by_visit, mean_rows, _baseline_means(frame))


def _part_of_patients(name: str) -> str:
    """Return the name of a coefficient without the visit.

    Examples
    --------
    >>> _part_of_patients("treatment[T.B]:visit[T.week 12]"), _part_of_patients("visit[T.week 12]")
    ('treatment[T.B]', '')
    """
    return ":".join(part for part in name.split(":") if not re.search(r"\bvisit\b", part))


@dataclass(frozen=True, slots=True, eq=False)
class _KnownColumns:
    """Columns of the patients that have been met: what they are of, and the visit and coefficient of the first time."""

    columns: list[NDArray[np.float64]]
    parts: list[str]
    origins: list[tuple[int, int]]

    def place(self, column: NDArray[np.float64], part: str, visit: int, coefficient: int) -> tuple[float, int]:
        """Return a column as a constant (with position -1), or as the position of a column of the patients.

        Two columns are one only if they are of the same variables: that all women are in one arm by chance does not
        make the arm and the sex the same column, because an adjusted mean puts everybody into each arm.
        """
        if not column.size or (column == column[0]).all():
            return (float(column[0]) if column.size else 0.0), -1
        for position, known in enumerate(self.columns):
            if self.parts[position] == part and (column == known).all():
                return 0.0, position
        self.columns.append(column)
        self.parts.append(part)
        self.origins.append((visit, coefficient))
        return 0.0, len(self.columns) - 1


def _mean_rows(
    matrices: ModelMatrices,
    by_visit: NDArray[np.float64],
    origins: Sequence[tuple[int, int]],
    shares: Mapping[str, NDArray[np.float64]],
) -> Mapping[str, NDArray[np.float64]]:
    """Return the combinations of coefficients that are adjusted means, for every way of averaging.

    One average is over the patients, each as if in one arm: every column's mean, found at the visit where it was met.
    """
    import numpy as np

    n_arms = len(matrices.people[0])
    of_columns = np.array([np.ones(n_arms), *(matrices.people[visit][:, k] for visit, k in origins)])
    rows = {"observed": np.asarray((by_visit @ of_columns).transpose(2, 0, 1))}
    if matrices.grid is not None:
        by_cell = matrices.grid.transpose(1, 0, 2, 3)
        for name, share in shares.items():
            rows[name] = np.asarray(np.tensordot(share, by_cell, axes=([0], [2])))
    return rows


def _baseline_means(frame: ModelFrame) -> dict[str, float]:
    """Return the mean baseline score of the patients, and of all observed scores, as the two kinds of means use it."""
    import numpy as np

    if "baseline" not in frame.patients.columns:
        return dict.fromkeys(WEIGHTS, float("nan"))
    baseline = frame.patients["baseline"].to_numpy(dtype=np.float64)
    of_scores = float(np.average(baseline, weights=frame.observed.sum(axis=1)))
    return {"observed": float(baseline.mean()), "equal": of_scores, "proportional": of_scores}


@dataclass(frozen=True, slots=True, eq=False)
class _Grid:
    """All combinations of the levels of the covariates, in every arm at every visit, and what each counts for."""

    rows: ModelRows
    shares: Mapping[str, NDArray[np.float64]]


def _grid(frame: ModelFrame, patients: ModelRows) -> _Grid | None:
    """Return the levels of the categories, numbers at their mean over all observed scores; None where they are many."""
    import numpy as np

    factors = [name for name in patients.codes if name != "treatment"]
    sizes = [len(patients.levels[name]) for name in factors]
    n_cells, n_visits, n_arms = int(np.prod(sizes)), len(frame.visits), max(len(frame.arms), 1)
    if n_arms * n_visits * n_cells > MOST_GRID_ROWS:
        return None
    per_patient = frame.observed.sum(axis=1).astype(np.float64)
    cells = np.tile(np.arange(n_cells), n_visits * n_arms)
    codes = dict(zip(factors, np.unravel_index(cells, sizes), strict=True)) if factors else {}
    if frame.arms:
        codes["treatment"] = np.tile(np.repeat(np.arange(n_arms), n_cells), n_visits)
    codes["visit"] = np.repeat(np.arange(n_visits), n_arms * n_cells)
    means = {name: float(np.average(values, weights=per_patient)) for name, values in patients.numbers.items()}
    rows = ModelRows({name: np.full(cells.size, mean) for name, mean in means.items()}, codes, patients.levels)
    position = np.zeros(len(per_patient), dtype=np.int64)
    for name, size in zip(factors, sizes, strict=True):
        position = position * size + patients.codes[name]
    counts = np.bincount(position, weights=per_patient, minlength=n_cells)
    return _Grid(rows, {"equal": np.full(n_cells, 1.0 / n_cells), "proportional": counts / counts.sum()})
