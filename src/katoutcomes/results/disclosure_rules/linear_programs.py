"""Hidden counts that hang together as one linear program, which is set up once and asked often."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.results.disclosure_rules.feasible_intervals import TOLERANCE, Component, Interval
from katoutcomes.results.disclosure_rules.small_cells import Key

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.optimize import LinearConstraint

ENDLESS = 1e7
"""No clinic counts so many; where a count may reach this, nothing bounds it."""


@dataclass(frozen=True, slots=True)
class Program:
    """Equations as rows, counts as columns.

    Attributes
    ----------
    places : mapping of Key to int
        The column of each count.
    constraint : LinearConstraint
        The equations.
    low, high : NDArray of float64
        What each count lies between; shape (counts,).
    """

    places: Mapping[Key, int]
    constraint: LinearConstraint
    low: NDArray[np.float64]
    high: NDArray[np.float64]


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
    from scipy.sparse import csc_array

    bounds, extra = component.before if inside is None else inside, shown or {}
    places = {key: column for column, key in enumerate((*bounds, *extra))}
    rows, columns, signs, shifts = list[int](), list[int](), list[int](), list[int]()
    for row, equation in enumerate(component.equations):
        tied = {**equation.signs, **{key: sign for key, sign in equation.shown.items() if key in extra}}
        rows += [row] * len(tied)
        columns += [places[key] for key in tied]
        signs += tied.values()
        shifts.append(sum(sign * extra[key] for key, sign in equation.shown.items() if key in extra))
    matrix = csc_array((np.array(signs, dtype=float), (rows, columns)), shape=(len(shifts), len(places)))
    least = np.array([equation.low for equation in component.equations]) + shifts
    most = np.array([equation.high for equation in component.equations]) + shifts
    low = np.array([*(interval.low for interval in bounds.values()), *extra.values()], dtype=float)
    high = np.array([*(interval.high for interval in bounds.values()), *extra.values()], dtype=float)
    return Program(places, LinearConstraint(matrix, least, most), low, np.maximum(low, np.minimum(high, ENDLESS)))


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
    # No count is asked to be whole, so that this is a linear program; `linprog` takes twice the time to set one up.
    solved = milp(costs, constraints=program.constraint, bounds=Bounds(low, high))
    found: NDArray[np.float64] | None = solved.x
    return found


def whole(end: float, *, up: bool) -> float:
    """Return an end rounded inwards to a whole number: counts are whole; what is endless is infinite."""
    # What is tied to an endless count differs from it by few.
    if abs(end) >= ENDLESS / 2:
        return math.copysign(math.inf, end)
    return float(math.ceil(end - TOLERANCE) if up else math.floor(end + TOLERANCE))
