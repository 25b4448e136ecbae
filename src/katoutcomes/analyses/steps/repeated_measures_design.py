"""From a formula to a design that a model for repeated measures can use: patients' columns, and how visits use them.

A model matrix has a row for each patient and visit. Nearly always each of its columns is, at every visit, a constant
or a column of the patients (the baseline score, an arm), so it is enough to keep these once: x = design[visit] (1, z).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

from katoutcomes.errors import OptionError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Column = NDArray[np.float64] | tuple[tuple[str, ...], NDArray[np.int64]]

MOST_GRID_ROWS = 20_000
"""Beyond it the levels of the covariates are too many to be averaged over one by one."""
_MOST_ROWS_AT_ONCE = 1_000_000
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
    >>> sorted(names_in("treatment*visit + baseline"))
    ['baseline', 'treatment', 'visit']
    """
    return frozenset(str(name) for name in _parsed(formula).required_variables)


def _parsed(formula: str) -> Any:
    from formulaic import Formula
    from formulaic.errors import FormulaicError

    parsed = None
    try:
        parsed = Formula(formula)
    except (FormulaicError, SyntaxError):
        parsed = None
    if parsed is None or not hasattr(parsed, "required_variables") or hasattr(parsed, "lhs"):
        raise OptionError(
            f"mean={formula!r} is not the right-hand side of a formula, such as "
            "'treatment*visit + baseline*visit + age_years'."
        )
    return parsed


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

    matrices = _Matrices.of(formula, frame)
    known = _KnownColumns([], [], [])
    parts = [_part_of_patients(name) for name in matrices.names]
    places = [
        [known.place(column, parts[k], visit, k) for k, column in enumerate(matrix.T)]
        for visit, matrix in enumerate(matrices.at_every_visit())
    ]
    n_columns = len(known.columns)
    by_visit = np.zeros((len(frame.visits), len(matrices.names), 1 + n_columns))
    for visit, row in enumerate(places):
        for k, (constant, position) in enumerate(row):
            by_visit[visit, k, 0] = constant
            if position >= 0:
                by_visit[visit, k, 1 + position] = 1.0
    z = np.column_stack(known.columns) if known.columns else np.zeros((len(frame.patients), 0))
    mean_rows = _mean_rows(matrices, frame, by_visit, known.origins)
    return RepeatedMeasuresDesign(matrices.names, z, by_visit, mean_rows, _baseline_means(frame))


@dataclass(frozen=True, slots=True, eq=False)
class _Matrices:
    """What formulaic makes of the formula; every call costs some milliseconds, so rows are handed over together."""

    names: tuple[str, ...]
    spec: Any
    frame: ModelFrame
    whole: NDArray[np.float64] | None

    @classmethod
    def of(cls, formula: str, frame: ModelFrame) -> _Matrices:
        import numpy as np

        # Without functions such as center() nothing is learned from the rows: levels come with the categories.
        at_once = len(frame.patients) * len(frame.visits) <= _MOST_ROWS_AT_ONCE
        some = frame.patients if "(" in formula or at_once else frame.patients.iloc[:2]
        parsed = _parsed(formula)
        failed = ""
        try:
            matrix = parsed.get_model_matrix(_at_visits(some, frame.visits), output="numpy")
        except Exception as error:  # noqa: BLE001 - formulaic evaluates the formula, so anything can be raised
            failed = type(error).__name__
        if failed:
            raise OptionError(f"the formula {formula!r} cannot be applied to the data ({failed}).")
        spec = matrix.model_spec
        return cls(tuple(spec.column_names), spec, frame, np.asarray(matrix, dtype=np.float64) if at_once else None)

    def rows(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        import numpy as np

        return np.asarray(self.spec.get_model_matrix(frame), dtype=np.float64)

    def at_every_visit(self) -> Iterator[NDArray[np.float64]]:
        """Yield the model matrix of all patients at each visit."""
        patients, visits = self.frame.patients, self.frame.visits
        if self.whole is None:
            for visit in range(len(visits)):
                yield self.rows(_with_visit(patients, visits, visit))
            return
        yield from self.whole.reshape(len(visits), len(patients), -1)

    def of_each(self, frames: Sequence[pd.DataFrame]) -> Iterator[NDArray[np.float64]]:
        """Yield the model matrix of each of some frames."""
        import numpy as np
        import pandas as pd

        if self.whole is None:
            yield from (self.rows(frame) for frame in frames)
            return
        matrix = self.rows(pd.concat(frames, ignore_index=True))
        yield from np.split(matrix, np.cumsum([len(frame) for frame in frames])[:-1])

    def in_every_arm(self, visit: int) -> list[pd.DataFrame]:
        """Return all patients at one visit, once for each arm, as if they were in it."""
        patients, arms = self.frame.patients, self.frame.arms
        every = [_with_arm(patients, arms, arm) for arm in range(len(arms))] if arms else [patients]
        return [_with_visit(one, self.frame.visits, visit) for one in every]


def _at_visits(patients: pd.DataFrame, visits: Sequence[str]) -> pd.DataFrame:
    """Return the patients once for each visit, the visits one after another."""
    import numpy as np
    import pandas as pd

    n = len(patients)
    stacked = patients.iloc[np.tile(np.arange(n), len(visits))].reset_index(drop=True)
    codes = np.repeat(np.arange(len(visits), dtype=np.int8), n)
    return stacked.assign(visit=pd.Categorical.from_codes(codes, categories=pd.Index(list(visits))))


def _with_visit(patients: pd.DataFrame, visits: Sequence[str], visit: int) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    codes = np.full(len(patients), visit, dtype=np.int8)
    return patients.assign(visit=pd.Categorical.from_codes(codes, categories=pd.Index(list(visits))))


def _with_arm(patients: pd.DataFrame, arms: Sequence[str], arm: int) -> pd.DataFrame:
    import numpy as np
    import pandas as pd

    codes = np.full(len(patients), arm, dtype=np.int16)
    return patients.assign(treatment=pd.Categorical.from_codes(codes, categories=pd.Index(list(arms))))


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
    matrices: _Matrices, frame: ModelFrame, by_visit: NDArray[np.float64], origins: Sequence[tuple[int, int]]
) -> Mapping[str, NDArray[np.float64]]:
    """Return the combinations of coefficients that are adjusted means, for every way of averaging.

    One average is over the patients, each as if in one arm: every column's mean, found at the visit where it was met.
    """
    import numpy as np

    visits = sorted({visit for visit, _ in origins})
    n_arms = max(len(frame.arms), 1)
    people = [one for visit in visits for one in matrices.in_every_arm(visit)]
    grid = _grid(frame)
    found = matrices.of_each([*people, *((grid.rows,) if grid else ())])
    means = np.array([next(found).mean(axis=0) for _ in people]).reshape(len(visits), n_arms, -1)
    of_columns = np.array([np.ones(n_arms), *(means[visits.index(visit), :, k] for visit, k in origins)])
    rows = {"observed": np.asarray((by_visit @ of_columns).transpose(2, 0, 1))}
    if grid is not None:
        by_cell = next(found).reshape(len(frame.visits), n_arms, -1, by_visit.shape[1]).transpose(1, 0, 2, 3)
        for name, share in grid.shares.items():
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
    """All combinations of the levels of the covariates in every arm at every visit, and what each counts for."""

    rows: pd.DataFrame
    shares: Mapping[str, NDArray[np.float64]]


def _grid(frame: ModelFrame) -> _Grid | None:
    """Return the levels of the categories, numbers at their mean over all observed scores; None where they are many."""
    import numpy as np
    import pandas as pd

    patients = frame.patients
    categories = [str(name) for name in patients.columns if isinstance(patients[name].dtype, pd.CategoricalDtype)]
    factors = [name for name in categories if name != "treatment"]
    levels = [list(patients[name].cat.categories) for name in factors]
    cells = list(product(*levels))
    n_arms = max(len(frame.arms), 1)
    if n_arms * len(frame.visits) * len(cells) > MOST_GRID_ROWS:
        return None
    per_patient = frame.observed.sum(axis=1).astype(np.float64)
    grid = pd.DataFrame(cells, columns=factors) if factors else pd.DataFrame(index=range(1))
    for name, choices in zip(factors, levels, strict=True):
        grid[name] = pd.Categorical(grid[name], categories=choices)
    for name in patients.columns:
        if name not in categories:
            grid[name] = float(np.average(patients[name].to_numpy(dtype=np.float64), weights=per_patient))
    counts = _cell_counts(patients, factors, levels, per_patient)
    shares = {"equal": np.full(len(cells), 1.0 / len(cells)), "proportional": counts / counts.sum()}
    whole = pd.concat([_with_arm(grid, frame.arms, arm) if frame.arms else grid for arm in range(n_arms)])
    return _Grid(_at_visits(whole, frame.visits), shares)


def _cell_counts(
    patients: pd.DataFrame, factors: Sequence[str], levels: Sequence[Sequence[Any]], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how many observed scores each combination of levels has, in the order of the grid."""
    import numpy as np

    code = np.zeros(len(patients), dtype=np.int64)
    for name, choices in zip(factors, levels, strict=True):
        code = code * len(choices) + patients[name].cat.codes.to_numpy().astype(np.int64)
    size = int(np.prod([len(choices) for choices in levels])) if factors else 1
    return np.asarray(np.bincount(code, weights=weights, minlength=size), dtype=np.float64)
