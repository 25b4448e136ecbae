"""Hidden counts that hang together as one linear program, which is set up once and asked often."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.results.disclosure_rules.feasible_intervals import REST, TOLERANCE, Component, Interval
from katoutcomes.results.disclosure_rules.small_cells import Key

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.optimize import LinearConstraint
    from scipy.sparse import csr_array

ENDLESS = 1e7
"""No clinic counts so many; where a count may reach this, nothing bounds it."""


@dataclass(frozen=True, slots=True)
class Program:
    """Equations as rows, counts as columns; what a sum leaves has none, it follows from the others.

    Attributes
    ----------
    places : mapping of Key to int
        The place of each count.
    low, high : NDArray of float64
        What each count lies between; shape (counts,).
    columns : NDArray of int64
        The places of the counts that have a column: those that follow from no other and are not fixed.
    constraint : LinearConstraint
        The equations.
    rests : NDArray of int64
        The places of what sums leave, as far as that follows from the others.
    rest_rows : csr_array
        How it follows; shape (rests, columns).
    rest_shifts : NDArray of float64
        What is added; shape (rests,).
    """

    places: Mapping[Key, int]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    columns: NDArray[np.int64]
    constraint: LinearConstraint
    rests: NDArray[np.int64]
    rest_rows: csr_array
    rest_shifts: NDArray[np.float64]


def program_of(
    component: Component, inside: Mapping[Key, Interval] | None = None, shown: Mapping[Key, int] | None = None
) -> Program:
    """Return the program of a component.

    Parameters
    ----------
    component : Component
        Counts and what ties them.
    inside : mapping of Key to Interval, optional
        Intervals that hold every solution; narrow ones save work.
    shown : mapping of Key to int, optional
        Shown counts that get a column as well, so that it can be asked what follows once they are hidden.
    """
    import numpy as np
    from scipy.optimize import LinearConstraint

    bounds, extra = component.before if inside is None else inside, shown or {}
    places = {key: place for place, key in enumerate((*bounds, *extra))}
    low = np.array([*(interval.low for interval in bounds.values()), *extra.values()], dtype=float)
    high = np.array([*(interval.high for interval in bounds.values()), *extra.values()], dtype=float)
    high = np.maximum(low, np.minimum(high, ENDLESS))
    matrix, least, most = _rows(component, places, extra)
    rests, of_rests = _rests(component, places)
    is_column = low < high
    is_column[len(bounds) :] = True
    is_column[rests] = False
    columns = np.flatnonzero(is_column)
    is_fixed = ~is_column
    is_fixed[rests] = False
    fixed = matrix[:, is_fixed] @ low[is_fixed]
    least, most = least - fixed, most - fixed
    shifts = -least[of_rests]
    # What a sum leaves is the sum of the others less a number, so that its limits are limits of that sum.
    least[of_rests], most[of_rests] = low[rests] - shifts, high[rests] - shifts
    inner = matrix[:, columns]
    constraint = LinearConstraint(inner.tocsc(), least, most)
    return Program(places, low, high, columns, constraint, rests, inner[of_rests], shifts)


def _rows(
    component: Component, places: Mapping[Key, int], extra: Mapping[Key, int]
) -> tuple[csr_array, NDArray[np.float64], NDArray[np.float64]]:
    """Return the equations as a matrix, and what each row lies between."""
    import numpy as np
    from scipy.sparse import csr_array

    rows, columns, signs, shifts = list[int](), list[int](), list[int](), list[int]()
    for row, equation in enumerate(component.equations):
        tied = {**equation.signs, **{key: sign for key, sign in equation.shown.items() if key in extra}}
        rows += [row] * len(tied)
        columns += [places[key] for key in tied]
        signs += tied.values()
        shifts.append(sum(sign * extra[key] for key, sign in equation.shown.items() if key in extra))
    matrix = csr_array((np.array(signs, dtype=float), (rows, columns)), shape=(len(shifts), len(places)))
    least = np.array([equation.low for equation in component.equations], dtype=float) + shifts
    most = np.array([equation.high for equation in component.equations], dtype=float) + shifts
    return matrix, least, most


def _rests(component: Component, places: Mapping[Key, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places of what sums leave, and their rows, where they stand in one equation alone."""
    import numpy as np

    found: dict[Key, list[int]] = {}
    for row, equation in enumerate(component.equations):
        for key, sign in equation.signs.items():
            if key[0] == REST:
                found.setdefault(key, []).append(row if sign < 0 and equation.low == equation.high else -1)
    alone = {key: rows[0] for key, rows in found.items() if len(rows) == 1 and rows[0] >= 0}
    return np.array([places[key] for key in alone], dtype=np.int64), np.array(list(alone.values()), dtype=np.int64)


def solution(program: Program, objective: Mapping[Key, float], freed: Key | None = None) -> NDArray[np.float64] | None:
    """Return the counts for which an objective is least, None if there is no solution.

    Parameters
    ----------
    program : Program
        The program.
    objective : mapping of Key to float
        What each count adds to the objective for each that it counts; 0 for those that are not named.
    freed : Key, optional
        A shown count that is taken for hidden.
    """
    import numpy as np
    from scipy.optimize import Bounds, milp

    costs = np.zeros(len(program.places))
    for key, cost in objective.items():
        costs[program.places[key]] = cost
    low, high = program.low, program.high
    if freed is not None:
        low, high = low.copy(), high.copy()
        low[program.places[freed]], high[program.places[freed]] = 1.0, ENDLESS
    point, columns = low.copy(), program.columns
    if len(columns):
        # No count is asked to be whole, so that this is a linear program; `linprog` takes twice the time to set one up,
        # and what there is to simplify has been simplified.
        asked = costs[columns] + program.rest_rows.T @ costs[program.rests]
        bounds = Bounds(low[columns], high[columns])
        solved = milp(asked, constraints=program.constraint, bounds=bounds, options={"presolve": False})
        if solved.x is None:
            return None
        point[columns] = solved.x
    point[program.rests] = program.rest_rows @ point[columns] + program.rest_shifts
    return point


def whole(end: float, *, up: bool) -> float:
    """Return an end rounded inwards to a whole number: counts are whole; what is endless is infinite."""
    # What is tied to an endless count differs from it by few.
    if abs(end) >= ENDLESS / 2:
        return math.copysign(math.inf, end)
    return float(math.ceil(end - TOLERANCE) if up else math.floor(end + TOLERANCE))
