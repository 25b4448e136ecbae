"""The one door from rows to arrays: aligned, labeled, without keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from katoutcomes.cohorts.alignment import alignment_problems
from katoutcomes.cohorts.exposure import require_known_at_time_zero
from katoutcomes.cohorts.outcome_scale import require_outcome
from katoutcomes.errors import DataError, DesignError, OptionError, require_option
from katoutcomes.estimands.visit_window import VisitWindow, in_order_of_time, require_separate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.cohorts.pathway import Pathway
    from katoutcomes.estimands.eligibility import Criterion
    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.results.provenance import Provenance

VARIABLE_KINDS: tuple[str, ...] = ("number", "category", "flag")
FLAG_LEVELS: tuple[str, str] = ("no", "yes")
"""How the groups of a flag are called; the position is the value."""
LEVEL_SEPARATOR = ": "
"""Stands between the name of a variable and its level in the terms and subgroups of estimates."""


@dataclass(frozen=True, slots=True, eq=False)
class Variable:
    """One labeled array, a value a patient.

    Attributes
    ----------
    name : str
        Column name, for example ``"age_years"``; without ``": "``, which stands between name and level in results.
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
        only later can describe but neither define a cohort nor be adjusted for. None: nobody has said, or the name
        speaks of something later; nothing adjusts for it unless it is named.
    """

    name: str
    label: str
    kind: str
    values: NDArray[np.float64] = field(repr=False)
    levels: tuple[str, ...] = ()
    unit: str = ""
    known_by_day: int | None = 0

    def __post_init__(self) -> None:
        require_option("kind of a variable", self.kind, VARIABLE_KINDS)
        if LEVEL_SEPARATOR in self.name:
            raise OptionError(
                f"the name {self.name!r} contains {LEVEL_SEPARATOR!r}, which stands between a variable and its level "
                "in the terms of results; rename the column."
            )

    @property
    def group_levels(self) -> tuple[str, ...]:
        """Names of the groups this variable makes: its levels, "no" and "yes" for a flag.

        Raises
        ------
        DesignError
            If it is a number: where to cut it is a decision, so nobody cuts it silently.
        """
        if self.kind == "number":
            raise DesignError(
                f"{self.name} is a number and makes no groups; use a category or a flag "
                "(for age there is age_band), or make one in the input."
            )
        return self.levels if self.kind == "category" else FLAG_LEVELS


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
class Group:
    """Some of the patients of an analysis set.

    Attributes
    ----------
    label : str
        The level, for example ``"with_integration"``; ``"all"`` for everybody.
    subgroup : str
        The `subgroup` of its estimates: ``"program_booked: with_integration"``; ``""`` for everybody.
    mask : ndarray of bool, shape (n_patients,)
        Who belongs to it. Patients whose level is not known belong to no group.
    """

    label: str
    subgroup: str
    mask: NDArray[np.bool_] = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AnalysisSet:
    """What every analysis takes: one row a patient, every array aligned, no key.

    Attributes
    ----------
    instrument : Instrument
        What the scores mean.
    visits : tuple of VisitWindow
        The visits after baseline, in order of time; those that count from a dose after the first come last.
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
    notes : tuple of str
        Assumptions that the data could not settle, in sentences; every analysis carries them in its Result.
    n_repeat_courses : int or None
        Courses of these patients beside the analyzed ones, counted and not analyzed; None where courses are not known.
    n_scores_outside : int or None
        Scores of these patients in no window; None where that is not known, or a window counts from a later dose.
    pathway : Pathway or None
        Sessions around the course as steps of care, where they were asked for.
    baseline_criteria : tuple of Criterion
        What the cohort asked of the baseline score of this very instrument; empty where it asked nothing of it.

    Raises
    ------
    DataError
        If an array is not aligned with the others, or a code lies outside its levels; all problems are listed.
    DesignError
        If the visits are not in order of time or share a day, the treatment makes fewer than two groups, or the
        instrument cannot be an outcome.
    ImmortalTimeError
        If the treatment is known only after time zero.

    Notes
    -----
    The patients stand in an order that their values alone decide (baseline, then scores, then variables), never their
    keys or the order of the input, so that renaming or shuffling patients changes no bit of any result.
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
    notes: tuple[str, ...] = ()
    n_repeat_courses: int | None = None
    n_scores_outside: int | None = None
    pathway: Pathway | None = None
    baseline_criteria: tuple[Criterion, ...] = ()

    def __post_init__(self) -> None:
        problems = alignment_problems(self)
        if problems:
            raise DataError("the arrays of an analysis set do not fit together: " + "; ".join(problems) + ".")
        require_outcome(self.instrument)
        require_separate(self.visits)
        if self.visits != in_order_of_time(self.visits):
            raise DesignError("the visits of an analysis set must be in order of time.")
        treatment = self.treatment_variable()
        if treatment is None:
            return
        require_known_at_time_zero(treatment)
        if treatment.kind != "category" or len(treatment.levels) < 2:
            raise DesignError(f"treatment {treatment.name!r} must be a category with at least two levels.")

    def __repr__(self) -> str:
        visits = ", ".join(visit.name for visit in self.visits)
        by = f", by {self.treatment}" if self.treatment else ""
        return f"<AnalysisSet: {self.instrument.name}, {self.n_patients} patients, {visits}{by}>"

    @property
    def n_patients(self) -> int:
        """Number of patients, those without a baseline or without any score included."""
        return len(self.baseline)

    @property
    def with_baseline(self) -> NDArray[np.bool_]:
        """Who has a baseline score: a mask of shape (n_patients,)."""
        return ~np.isnan(self.baseline)

    @property
    def later_anchored(self) -> tuple[VisitWindow, ...]:
        """The visits whose days count from a dose after the first, which not everybody had."""
        return tuple(visit for visit in self.visits if visit.is_anchored_later)

    def variable(self, name: str) -> Variable:
        """Return the variable called `name`.

        Raises
        ------
        OptionError
            If there is none; the message lists those there are.
        """
        require_option("variable", name, [variable.name for variable in self.variables])
        return next(variable for variable in self.variables if variable.name == name)

    def treatment_variable(self) -> Variable | None:
        """Return the variable that defines the cohorts, or None."""
        return None if self.treatment is None else self.variable(self.treatment)

    def groups(self, by: str | None = None) -> tuple[Group, ...]:
        """Return everybody as one group, or one group for each level of a variable.

        Parameters
        ----------
        by : str, optional
            Name of a category or a flag that is known at time zero.

        Returns
        -------
        tuple of Group
            In the order of the levels, the comparator first; a level that nobody has gives an empty group.

        Raises
        ------
        ImmortalTimeError
            If `by` is known only after time zero.
        DesignError
            If `by` is a number.
        OptionError
            If there is no such variable.
        """
        if by is None:
            return (Group("all", "", np.ones(self.n_patients, dtype=np.bool_)),)
        variable = self.variable(by)
        require_known_at_time_zero(variable)
        return tuple(
            Group(level, f"{by}: {level}", variable.values == code) for code, level in enumerate(variable.group_levels)
        )

    def visit_index(self, name: str | None = None) -> int:
        """Return the column of a visit; None: the last that counts from the first dose or, without such, the last."""
        names = [visit.name for visit in self.visits]
        if name is None:
            return (len(names) - len(self.later_anchored) or len(names)) - 1
        require_option("visit", name, names)
        return names.index(name)

    def visit(self, name: str | None = None) -> VisitWindow:
        """Return the window of the visit `name`; None means the last visit."""
        return self.visits[self.visit_index(name)]

    def scores_at(self, visit: str | None = None) -> NDArray[np.float64]:
        """Return the scores at one visit, shape (n_patients,), NaN where there is none."""
        return self.scores[:, self.visit_index(visit)]

    def pairs(self, visit: str | None = None) -> NDArray[np.bool_]:
        """Return who has both a baseline and a score at the visit: a mask of shape (n_patients,)."""
        return self.with_baseline & ~np.isnan(self.scores_at(visit))

    @classmethod
    def from_frame(
        cls,
        df: Any,
        *,
        patient: str,
        visit: str,
        score: str,
        baseline: str | float,
        instrument: str | Instrument,
        treatment: str | None = None,
        covariates: Sequence[str] = (),
        visits: Mapping[Any, int] | Sequence[VisitWindow] | None = None,
        treatment_known_by_day: int | None = None,
        comparator: str | float | None = None,
        name: str = "all patients in the data",
    ) -> AnalysisSet:
        """Make an analysis set of any tidy frame with one row a patient and visit.

        Parameters
        ----------
        df : pandas.DataFrame, or anything with a ``to_pandas()`` method (polars, pyarrow)
            A row without a score and a row that is not there mean the same. A patient without any follow-up score
            stays in, as long as one row of the patient is there.
        patient, visit, score : str
            Columns: a key, the label of the visit (text or a number), and the total score.
        baseline : str or number
            A column that holds the baseline score on the rows of a patient; or, if no column is called so, the label
            of the visit that is the baseline.
        instrument : str or Instrument
            A name from the catalog, or a record of your own.
        treatment : str, optional
            Column of the cohorts. It must be fixed at time zero; see `treatment_known_by_day`. Empty text is an
            unknown value.
        covariates : sequence of str, optional
            Further columns, one value a patient: numbers, flags (bool, or 0 and 1 only) or categories. Text that
            spells nothing but numbers is read as numbers, and `notes` says so; make codes a categorical. A number of
            which only two values occur (not 0 and 1) becomes a category of these two.
        visits : mapping of label to target day, or sequence of VisitWindow, optional
            Which visits, and when. Rows at other visits are left out, and `notes` says so. Without it, visits
            that are numbers come in ascending order, called ``"visit 2"`` and so on, with the number as `target_day`;
            an ordered categorical gives its order. Only visits that somebody has a score at are there then. Text alone
            has no order, so it needs `visits`.
        treatment_known_by_day : int, optional
            By which day, counted from time zero, everybody's treatment was known: 0 for a randomized or booked arm.
            If it is not stated, time zero is assumed and `notes` says so.
        comparator : str or number, optional
            The level that the others are compared with. By default the first: of a categorical in its own order,
            otherwise in sorted order.
        name : str
            What tables call these patients.

        Returns
        -------
        AnalysisSet
            Its `provenance.digest` is a SHA-256 of the arrays and labels: the same for any order of the rows and any
            names of the patients.

        Raises
        ------
        DataError
            If columns are missing, a patient has two rows for a visit or two baselines or treatments, or a score is
            not a number or outside the instrument's range, or a number is infinite. All problems are listed, with
            row numbers from 1.
        OptionError
            If `baseline`, `visits` or `comparator` do not fit the frame, or the name of a column contains ``": "``.
        ImmortalTimeError
            If the treatment is known only after time zero, or its name says so (``had_…``, ``completed_…``) and
            `treatment_known_by_day` is not stated.

        Examples
        --------
        >>> import pandas as pd
        >>> frame = pd.DataFrame(
        ...     {
        ...         "id": [1, 1, 2, 3, 3],
        ...         "week": [4, 12, 4, 4, 12],
        ...         "phq": [11, 7, 14, 9, None],
        ...         "before": [17, 17, 15, 12, 12],
        ...     }
        ... )
        >>> data = AnalysisSet.from_frame(
        ...     frame, patient="id", visit="week", score="phq", baseline="before", instrument="PHQ-9",
        ...     visits={4: 28, 12: 84},
        ... )
        >>> data.n_patients, [visit.name for visit in data.visits], int(data.pairs("visit 12").sum())
        (3, ['visit 4', 'visit 12'], 1)
        """
        from katoutcomes.cohorts.tidy_frame.frame import FrameColumns, analysis_set_from_frame

        chosen = (covariates,) if isinstance(covariates, str) else tuple(covariates)
        columns = FrameColumns(patient, visit, score, baseline, treatment, chosen)
        return analysis_set_from_frame(
            df,
            columns,
            instrument=instrument,
            visits=visits,
            treatment_known_by_day=treatment_known_by_day,
            comparator=comparator,
            name=name,
        )
