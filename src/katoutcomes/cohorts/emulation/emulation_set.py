"""The patients of an emulated trial, week by week. No keys."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.errors import require_option
from katoutcomes.estimands.strategies import DAYS_A_WEEK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import AttritionStep, Variable
    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.results.provenance import Provenance

SILENT_DAYS = 28
"""Who had no session in so many days before the visit has left care, where the last day in care is not given."""


@dataclass(frozen=True, slots=True, eq=False)
class EarlierVisit:
    """What is known of each patient at a visit before the last.

    Attributes
    ----------
    window : VisitWindow
        The visit.
    score : ndarray of float64, shape (n_patients,)
        At the visit; NaN where there is none.
    last_score : ndarray of float64, shape (n_patients,)
        The last score in care before its window; the baseline score where there is none.
    has_left : ndarray of bool, shape (n_patients,)
        Who had left care by the visit.
    """

    window: VisitWindow
    score: NDArray[np.float64] = field(repr=False)
    last_score: NDArray[np.float64] = field(repr=False)
    has_left: NDArray[np.bool_] = field(repr=False)

    def at(self, rows: NDArray[np.bool_]) -> EarlierVisit:
        """Return the same of some of the patients."""
        return EarlierVisit(self.window, self.score[rows], self.last_score[rows], self.has_left[rows])


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EmulationSet:
    """What happened to each patient from the first dose to the visit.

    Attributes
    ----------
    instrument : Instrument
        What the scores mean.
    baseline, outcome : ndarray of float64, shape (n_patients,)
        Score before the first dose and at the visit; NaN where there is none.
    last_care_day : ndarray of float64, shape (n_patients,)
        Last day in care, counted from the first dose.
    session : ndarray of bool, shape (n_patients, n_weeks)
        Whether there was an integration session in week 0, 1, ...: on day 7 t + 1 to 7 t + 7 (day 0 is in week 0).
    last_score : ndarray of float64, shape (n_patients, n_weeks + 1)
        The last score in care up to day 7 t, with which week t begins; in the last column that before the visit.
    scored : ndarray of bool, shape (n_patients, n_weeks)
        Whether a score was recorded in each week, in care or not.
    session_days, dose_days : ndarray of float64, shape (n_patients, k)
        Days of integration and of dosing sessions, in order, then NaN.
    other_care_day : ndarray of float64, shape (n_patients,)
        The last session that was no integration session.
    has_left : ndarray of bool, shape (n_patients,)
        Who had left care by the visit.
    variables : tuple of Variable
        What else is known.
    attrition : tuple of AttritionStep
        From everybody to these patients.
    cohort, population : str
        Name of the cohort, and who, in words.
    provenance : Provenance
        Which data, which settings.
    care_is_given : bool
        Whether the last day in care was given rather than read from sessions.
    patient : ndarray of int64, shape (n_patients,)
        Whose course each row is, 0, 1, ... in the order of first appearance: it tells rows of one patient and no more.
        Where it is left out, each row is a patient.
    earlier : tuple of EarlierVisit
        The visits before the last one, where the outcome is made of several.
    """

    instrument: Instrument
    baseline: NDArray[np.float64] = field(repr=False)
    outcome: NDArray[np.float64] = field(repr=False)
    last_care_day: NDArray[np.float64] = field(repr=False)
    session: NDArray[np.bool_] = field(repr=False)
    last_score: NDArray[np.float64] = field(repr=False)
    scored: NDArray[np.bool_] = field(repr=False)
    session_days: NDArray[np.float64] = field(repr=False)
    dose_days: NDArray[np.float64] = field(repr=False)
    other_care_day: NDArray[np.float64] = field(repr=False)
    has_left: NDArray[np.bool_] = field(repr=False)
    variables: tuple[Variable, ...] = field(repr=False)
    attrition: tuple[AttritionStep, ...]
    cohort: str
    population: str
    provenance: Provenance
    care_is_given: bool
    patient: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64), repr=False)
    earlier: tuple[EarlierVisit, ...] = ()

    def __post_init__(self) -> None:
        if len(self.patient) == 0:
            object.__setattr__(self, "patient", np.arange(len(self.baseline)))

    def __repr__(self) -> str:
        return f"<EmulationSet: {self.instrument.name}, {self.n_patients} patients, {self.n_weeks} weeks>"

    @property
    def n_patients(self) -> int:
        """Number of patients, those without a baseline score included."""
        return len(self.baseline)

    @property
    def n_weeks(self) -> int:
        """Number of weeks from the first dose to the visit."""
        return int(self.session.shape[1])

    @property
    def in_care(self) -> NDArray[np.bool_]:
        """Whether the patient was in care in each week: the last day in care is day 7 t or later."""
        return np.asarray(self.last_care_day[:, None] >= DAYS_A_WEEK * np.arange(self.n_weeks))

    def as_of(self, visit: EarlierVisit) -> EmulationSet:
        """Return the same patients as if the follow-up ended at an earlier visit."""
        n_weeks = weeks_until(visit.window)
        return replace(
            self,
            outcome=visit.score,
            session=self.session[:, :n_weeks],
            last_score=np.column_stack([self.last_score[:, :n_weeks], visit.last_score]),
            scored=self.scored[:, :n_weeks],
            has_left=visit.has_left,
            earlier=(),
        )

    def variable(self, name: str) -> Variable:
        """Return the variable called `name`, or raise `OptionError`."""
        require_option("variable", name, [variable.name for variable in self.variables])
        return next(variable for variable in self.variables if variable.name == name)


def weeks_until(visit: VisitWindow) -> int:
    """Return the number of weeks from the first dose to a visit, the last one begun."""
    return -(-visit.target_day // DAYS_A_WEEK)
