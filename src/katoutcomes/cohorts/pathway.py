"""The sessions around a course as steps of care: who had which, how long after each other, how soon after each dose."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.cohorts.course_variables import as_floats

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.cohorts.stages import CohortTables

STEPS: tuple[str, ...] = ("screening", "preparation", "first dose", "integration", "follow-up")
"""The steps of care in their order."""

INTERVALS: tuple[str, ...] = (
    "screening to preparation",
    "preparation to first dose",
    "first dose to integration",
    "integration to follow-up",
)
"""From the first session of a step to the first session of the next that is not before it."""


_BY_DOSE = ("n_doses", "n_doses_timely", "n_doses_timely_again", "first_dose_timely", "first_dose_timely_again")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Pathway:
    """Steps of care around the analyzed course, a row a patient, aligned with the rest of an analysis set.

    Attributes
    ----------
    reached : ndarray of bool, shape (n_patients, 5)
        Whether the patient had a session of each of `STEPS`: screening and preparation before the first dose of the
        course (and after the course before it), integration and follow-up after it (and before the next course).
    days_between : ndarray of float64, shape (n_patients, 4)
        Days of each of `INTERVALS`, 0 or more; NaN where one of the two is missing or came only before the other.
    n_doses : ndarray of float64, shape (n_patients,)
        Dosing sessions of the course.
    n_doses_timely : ndarray of float64, shape (n_patients,)
        Doses after which an integration session came within 72 hours.
    n_doses_timely_again : ndarray of float64, shape (n_patients,)
        Doses after which one came within 72 hours and another within 7 days of the dose.
    first_dose_timely, first_dose_timely_again : ndarray of float64, shape (n_patients,)
        1 where the same holds for the first dose, else 0.
    n_never_dosed, n_never_dosed_screened, n_never_dosed_prepared : int
        Patients of the registry without any dosing session, and how many of them had a session of the two kinds. They
        are not in the cohort, and its criteria were not asked of them.
    """

    reached: NDArray[np.bool_] = field(repr=False)
    days_between: NDArray[np.float64] = field(repr=False)
    n_doses: NDArray[np.float64] = field(repr=False)
    n_doses_timely: NDArray[np.float64] = field(repr=False)
    n_doses_timely_again: NDArray[np.float64] = field(repr=False)
    first_dose_timely: NDArray[np.float64] = field(repr=False)
    first_dose_timely_again: NDArray[np.float64] = field(repr=False)
    n_never_dosed: int
    n_never_dosed_screened: int
    n_never_dosed_prepared: int

    @property
    def n_patients(self) -> int:
        """Number of rows."""
        return len(self.n_doses)

    def columns(self) -> tuple[NDArray[np.float64], ...]:
        """Return every column as floats, to put the patients into the order of their values."""
        counted = (getattr(self, name) for name in _BY_DOSE)
        return (*self.reached.T.astype(np.float64), *self.days_between.T, *counted)

    def ordered(self, order: NDArray[np.int64]) -> Pathway:
        """Return the same pathway with its patients in another order; the arrays are read-only."""
        arrays = {name: getattr(self, name)[order] for name in ("reached", "days_between", *_BY_DOSE)}
        for array in arrays.values():
            array.setflags(write=False)
        return replace(self, **arrays)


def read_pathway(tables: CohortTables) -> Pathway:
    """Return the pathway of a cohort, patients in the order of their numbers."""
    name = tables.name
    days = tables.fetch("28_pathway", analyzed=name("analyzed"), index_course=name("index_course"))
    doses = tables.fetch(
        "29_dose_integration", analyzed=name("analyzed"), index_course=name("index_course"), phases=name("phases")
    )
    never = {key: int(column[0]) for key, column in tables.fetch("30_never_dosed").items()}
    first = {key: as_floats(column) for key, column in days.items()}
    screening, preparation, integration = (first[f"{step}_day"] for step in ("screening", "preparation", "integration"))
    reached = [~np.isnan(first[f"{step}_day"]) for step in ("screening", "preparation", "integration", "follow_up")]
    reached.insert(STEPS.index("first dose"), np.ones(len(screening), dtype=np.bool_))
    between = (
        first["preparation_after_screening"] - screening,
        -preparation,
        integration,
        first["follow_up_after_integration"] - integration,
    )
    return Pathway(
        reached=np.column_stack(reached),
        days_between=np.column_stack(between) + 0.0,  # -0.0 becomes 0.0
        n_doses=as_floats(doses["n_doses"]),
        n_doses_timely=as_floats(doses["n_timely"]),
        n_doses_timely_again=as_floats(doses["n_timely_again"]),
        first_dose_timely=as_floats(doses["is_first_timely"]),
        first_dose_timely_again=as_floats(doses["is_first_timely_again"]),
        n_never_dosed=never["n_patients"],
        n_never_dosed_screened=never["n_screened"],
        n_never_dosed_prepared=never["n_prepared"],
    )
