"""Model matrices of a model for repeated measures: the patients as they are and as if in every arm, and all levels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from katoutcomes.errors import OptionError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.repeated_measures.design import ModelFrame

_MOST_ROWS_AT_ONCE = 1_000_000


@lru_cache(maxsize=32)
def parsed_formula(formula: str) -> Any:
    """Return formulaic's reading of the right-hand side of a model; it is kept, because reading takes a millisecond.

    Raises
    ------
    OptionError
        If it is not one.
    """
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


@dataclass(frozen=True, slots=True, eq=False)
class ModelRows:
    """Rows to make a model matrix of, as plain arrays: putting data frames together would cost more than the model.

    Attributes
    ----------
    numbers : dict of str to ndarray of float64
        Columns of numbers.
    codes : dict of str to ndarray of int64
        Columns of categories, as positions in their levels.
    levels : mapping of str to sequence
        Their levels.
    """

    numbers: dict[str, NDArray[np.float64]]
    codes: dict[str, NDArray[np.int64]]
    levels: Mapping[str, Sequence[Any]]

    @classmethod
    def of(cls, frame: ModelFrame) -> ModelRows:
        """Return the patients, once each, without a visit."""
        import numpy as np
        import pandas as pd

        patients = frame.patients
        names = [str(name) for name in patients.columns]
        factors = [name for name in names if isinstance(patients[name].dtype, pd.CategoricalDtype)]
        return cls(
            {name: patients[name].to_numpy(dtype=np.float64) for name in names if name not in factors},
            {name: patients[name].cat.codes.to_numpy().astype(np.int64) for name in factors},
            {name: list(patients[name].cat.categories) for name in factors} | {"visit": frame.visits},
        )

    def taken(self, rows: NDArray[np.int64], **codes: NDArray[np.int64]) -> ModelRows:
        """Return some rows, with some categories as given."""
        found = {name: values[rows] for name, values in self.codes.items() if name not in codes}
        return ModelRows({name: values[rows] for name, values in self.numbers.items()}, found | codes, self.levels)

    def then(self, *others: ModelRows) -> ModelRows:
        """Return these rows and after them others."""
        import numpy as np

        every = (self, *others)
        return ModelRows(
            {name: np.concatenate([one.numbers[name] for one in every]) for name in self.numbers},
            {name: np.concatenate([one.codes[name] for one in every]) for name in self.codes},
            self.levels,
        )

    def frame(self) -> pd.DataFrame:
        """Return the rows as formulaic takes them."""
        import pandas as pd

        categories = {
            name: pd.Categorical.from_codes(codes, categories=pd.Index(list(self.levels[name])))
            for name, codes in self.codes.items()
        }
        return pd.DataFrame({**self.numbers, **categories})


@dataclass(frozen=True, slots=True, eq=False)
class ModelMatrices:
    """What formulaic makes of the formula.

    Every call of formulaic costs some milliseconds, so rows are handed over together where they are not too many.

    Attributes
    ----------
    names : tuple of str
        Coefficients.
    spec : formulaic.ModelSpec
        What it has learned.
    at_visits : iterator of ndarray of float64, shape (n_patients, Q)
        All patients at each visit.
    people : dict of int to ndarray of float64, shape (max(n_arms, 1), Q)
        For a visit, the mean row of all patients, each put into every arm; for the first visit to begin with.
    grid : ndarray of float64, shape (n_visits, max(n_arms, 1), n_cells, Q), or None
        All combinations of the levels.
    """

    names: tuple[str, ...]
    spec: Any
    at_visits: Iterator[NDArray[np.float64]]
    people: dict[int, NDArray[np.float64]]
    grid: NDArray[np.float64] | None


def model_matrices(formula: str, frame: ModelFrame, patients: ModelRows, grid: ModelRows | None) -> ModelMatrices:
    """Return the model matrices of the patients as they are, of the patients in every arm, and of the grid."""
    import numpy as np

    n, n_visits, n_arms = len(frame.patients), len(frame.visits), max(len(frame.arms), 1)
    observed = _at_visits(patients, n, n_visits)
    is_small = n * n_visits <= _MOST_ROWS_AT_ONCE
    # Without functions such as center() nothing is learned from the rows: levels come with the categories.
    learns = "(" in formula
    people = in_every_arm(patients, n, frame, 0)
    asked = [people, *(() if grid is None else (grid,))]
    if is_small and not learns:
        first = observed.then(*asked)
    else:
        first = observed if learns else observed.taken(np.arange(0, n * n_visits, max(n // 2, 1)))
    made = _evaluated(formula, first.frame())
    spec = made.model_spec
    matrix = np.asarray(made, dtype=np.float64)
    if is_small and learns:
        matrix = np.concatenate((matrix, matrix_of(spec, people.then(*asked[1:]))))
    names = tuple(spec.column_names)
    if is_small:
        whole, means, cells = np.split(matrix, [n * n_visits, n * (n_visits + n_arms)])
        at_visits = iter(whole.reshape(n_visits, n, -1))
        mean = means.reshape(n_arms, n, -1).mean(axis=1)
    else:
        at_visits = (matrix_of(spec, _at_visit(patients, n, visit)) for visit in range(n_visits))
        mean = matrix_of(spec, people).reshape(n_arms, n, -1).mean(axis=1)
        cells = np.zeros((0, len(names))) if grid is None else matrix_of(spec, grid)
    return ModelMatrices(
        names, spec, at_visits, {0: mean}, None if grid is None else cells.reshape(n_visits, n_arms, -1, len(names))
    )


def _evaluated(formula: str, rows: pd.DataFrame) -> Any:
    """Return formulaic's model matrix, with what it has learned.

    Raises
    ------
    OptionError
        If it cannot make one.
    """
    parsed = parsed_formula(formula)
    failed = ""
    try:
        made = parsed.get_model_matrix(rows, output="numpy")
    except Exception as error:  # noqa: BLE001 - formulaic evaluates the formula, so anything can be raised
        failed = type(error).__name__
    if failed:
        raise OptionError(f"the formula {formula!r} cannot be applied to the data ({failed}).")
    return made


def matrix_of(spec: Any, rows: ModelRows) -> NDArray[np.float64]:
    """Return the model matrix of some rows, by what formulaic has learned."""
    import numpy as np

    return np.asarray(spec.get_model_matrix(rows.frame()), dtype=np.float64)


def _at_visits(rows: ModelRows, n: int, n_visits: int) -> ModelRows:
    """Return the rows once for each visit, the visits one after another."""
    import numpy as np

    return rows.taken(np.tile(np.arange(n), n_visits), visit=np.repeat(np.arange(n_visits), n))


def _at_visit(rows: ModelRows, n: int, visit: int) -> ModelRows:
    import numpy as np

    return rows.taken(np.arange(n), visit=np.full(n, visit))


def in_every_arm(rows: ModelRows, n: int, frame: ModelFrame, visit: int) -> ModelRows:
    """Return the rows at one visit once for each arm, as if they were in it."""
    import numpy as np

    n_arms = max(len(frame.arms), 1)
    arms = {"treatment": np.repeat(np.arange(n_arms), n)} if frame.arms else {}
    return rows.taken(np.tile(np.arange(n), n_arms), visit=np.full(n * n_arms, visit), **arms)
