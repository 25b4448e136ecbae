"""The one place where rows become arrays: aligned, labelled, without keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.errors import require_option

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.results.provenance import Provenance

VARIABLE_KINDS: tuple[str, ...] = ("number", "category", "flag")


@dataclass(frozen=True, slots=True, eq=False)
class Variable:
    """One labelled array, a value a patient.

    Attributes
    ----------
    name : str
        Column name, for example ``"age_years"``.
    label : str
        What a table prints, for example ``"Age"``.
    kind : {"number", "category", "flag"}
        Numbers are averaged; categories hold codes into `levels`; flags are 0 and 1.
    values : ndarray of float64, shape (n_patients,)
        NaN means "not known". Categories hold 0, 1, … as floats.
    levels : tuple of str
        Names of the category codes; empty for the other kinds.
    unit : str
        One of `vocabulary.UNITS`.
    known_by_day : int or None
        The course day by which the value is known for everybody: 0 or less means "at time zero". A variable known
        only later can describe but can neither define a cohort nor be adjusted for. None: nobody has said.
    """

    name: str
    label: str
    kind: str
    values: NDArray[np.float64]
    levels: tuple[str, ...] = ()
    unit: str = ""
    known_by_day: int | None = 0

    def __post_init__(self) -> None:
        require_option("kind of a variable", self.kind, VARIABLE_KINDS)


@dataclass(frozen=True, slots=True)
class AttritionStep:
    """One step of the flow from everybody to the patients analyzed.

    Attributes
    ----------
    step : str
        Who is left, for example ``"with a first dose"``.
    reason : str
        Why the others are not, for example ``"no dosing session"``; ``""`` for the first step.
    n_patients : int
        How many are left after it.
    n_excluded : int
        How many it took; the previous step's `n_patients` minus this one's.
    """

    step: str
    reason: str
    n_patients: int
    n_excluded: int


@dataclass(frozen=True, slots=True, eq=False)
class AnalysisSet:
    """What every analysis takes: one row a patient, every array aligned, no key.

    Attributes
    ----------
    instrument : Instrument
        What the scores mean.
    visits : tuple of VisitWindow
        The visits after baseline, in order of time.
    baseline : ndarray of float64, shape (n_patients,)
        Score before the first dose; NaN where there is none.
    scores : ndarray of float64, shape (n_patients, n_visits)
        Score at each visit; NaN where there is none.
    variables : tuple of Variable
        Covariates and possible groupings.
    treatment : str or None
        Name of the variable (a category with its comparator as first level) that defines the cohorts.
    attrition : tuple of AttritionStep
        From everybody to the rows of this set, which may include patients without a baseline.
    cohort : str
        Name of the cohort.
    population : str
        Who, in words, for the estimand.
    provenance : Provenance
        Which data, which settings.
    """

    instrument: Instrument
    visits: tuple[VisitWindow, ...]
    baseline: NDArray[np.float64]
    scores: NDArray[np.float64]
    variables: tuple[Variable, ...]
    treatment: str | None
    attrition: tuple[AttritionStep, ...]
    cohort: str
    population: str
    provenance: Provenance
