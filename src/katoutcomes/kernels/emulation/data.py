"""The arrays that an emulated trial is made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """Person-periods in which something could happen (a session), with what was known before each.

    Attributes
    ----------
    patient : ndarray of int64, shape (m,)
        Row of the patient.
    slot : ndarray of int64, shape (m,)
        When: weeks, or windows in order of time. A patient has at most one row a slot.
    happened : ndarray of float64, shape (m,)
        1 where it happened, else 0.
    state : ndarray of float64, shape (m, s)
        What has changed since time zero and was known before, such as the last score.
    """

    patient: Integers
    slot: Integers
    happened: Floats
    state: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """One strategy, as it applies to every patient.

    Attributes
    ----------
    model : int
        Position of the `Decisions` whose probability model the weights come from.
    is_decision : ndarray of bool, shape (m,)
        The rows of these in which the strategy prescribes, for patients who have kept to it so far.
    required : float or ndarray of float64, shape (m,)
        What it prescribes there: 1 or 0, everywhere or row by row; of no meaning where nothing is prescribed.
    followed : ndarray of bool, shape (n_patients,)
        Whose record is compatible with the strategy to its end: in all their decisions they did what it prescribes.
    """

    model: int
    is_decision: Flags
    required: float | Floats
    followed: Flags


@dataclass(frozen=True, slots=True, eq=False)
class EmulationData:
    """Everything that the estimators need; patients in one order throughout.

    Attributes
    ----------
    outcome : ndarray of float64, shape (n_patients,)
        NaN where it is missing.
    covariates : ndarray of float64, shape (n_patients, p)
        Known at time zero; no NaN.
    history : ndarray of float64, shape (n_patients, h)
        What was seen until the outcome and tells how patients fare and who has one; no NaN.
    models : tuple of Decisions
        Each has its own probability model.
    arms : tuple of Arm
        The comparator, then the treated; or several that are emulated side by side.
    in_care : ndarray of bool, shape (n_patients,)
        Who was in care at the landmark, the end of the grace period.
    exposed_early, exposed_ever : ndarray of bool, shape (n_patients,)
        Who had a session before the landmark, and ever before the outcome.
    certain : ndarray of bool, shape (n_patients,), or None
        Whose outcome follows from a definition, such as that who left has not responded: these have no part in the
        models of being observed and of missing outcomes. None where that is nobody.
    """

    outcome: Floats
    covariates: Floats
    history: Floats
    models: tuple[Decisions, ...]
    arms: tuple[Arm, ...]
    in_care: Flags
    exposed_early: Flags
    exposed_ever: Flags
    certain: Flags | None = None

    @property
    def n_patients(self) -> int:
        """Number of patients."""
        return len(self.outcome)

    @property
    def is_observed(self) -> Flags:
        """Who has an outcome."""
        return ~np.isnan(self.outcome)

    @property
    def may_be_missing(self) -> Flags:
        """Whose outcome could have been missing: all whose outcome does not follow from a definition."""
        return np.ones(self.n_patients, dtype=np.bool_) if self.certain is None else ~self.certain
