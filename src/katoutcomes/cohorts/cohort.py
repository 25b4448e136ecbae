"""The cohort: courses, one a patient, with the counts of who was left out and the way to an analysis set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from katoutcomes.cohorts.analysis_set import AnalysisSet, AttritionStep, Variable
from katoutcomes.cohorts.course_variables import as_floats, as_texts, course_variables
from katoutcomes.cohorts.definition import criterion_text
from katoutcomes.cohorts.exposure import require_adjustable, require_known_at_time_zero
from katoutcomes.cohorts.outcome_scale import require_outcome
from katoutcomes.cohorts.pathway import read_pathway
from katoutcomes.cohorts.second_instrument import score_variables
from katoutcomes.cohorts.value_order import reordered, value_order
from katoutcomes.cohorts.visit_scores import baseline_table, count_scores_outside, visit_scores
from katoutcomes.cohorts.window_scores import placed_windows
from katoutcomes.errors import DesignError, require_option
from katoutcomes.estimands.visit_window import (
    DEFAULT_VISITS,
    VisitWindow,
    in_order_of_time,
    require_separate,
)
from katoutcomes.instruments.catalog import instrument as instrument_called
from katoutcomes.results.provenance import Provenance

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from katoutcomes.cohorts.definition import CohortDefinition
    from katoutcomes.cohorts.stages import CohortTables
    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.registry.registry import Registry

ELIGIBILITY = "eligibility"
"""The table of the last question of eligibility."""

_WITHOUT_TIMES = (
    'Times of day are not known, so "within 72 hours" means on day 0 to 3 and "within 7 days" on day 0 to 7.'
)

_WHICH_COURSE = (
    "Time zero is the first dose of {}. A dosing session that was rejected on reading may have begun a course or "
    "joined two, so a course may be numbered wrongly where sessions were rejected."
)
_LAST_COURSE = (
    "Which course is a patient's last is known only at the end of the data: those who did well may not have come "
    "again, so their last course is an earlier one. The numbers describe these courses and compare nothing."
)

_VISIT_RULE = (
    "score nearest to the target day inside the window; of two equally near, the earlier; unless another choice stands "
    "with the visit"
)
_SAME_DAY = "on day 0 a score counts as before the dose unless both times are known and the score is later"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Cohort:
    """The courses that meet a definition, one a patient.

    Attributes
    ----------
    definition : CohortDefinition
        The rules.
    registry : Registry
        The data.
    attrition : tuple of AttritionStep
        From every patient of the registry to those of the cohort; a reason that took nobody is there with 0.
    n_patients : int
        Patients, which is also the number of analyzed courses.
    n_courses : int
        All courses of these patients.
    n_repeat_courses : int
        Courses of these patients beside the analyzed ones: counted, not analyzed.
    tables : CohortTables
        The cohort's tables inside the registry's engine.
    """

    definition: CohortDefinition
    registry: Registry
    attrition: tuple[AttritionStep, ...]
    n_patients: int
    n_courses: int
    n_repeat_courses: int
    tables: CohortTables

    def __repr__(self) -> str:
        repeats = f"{self.n_repeat_courses} repeat courses not analyzed"
        return f"<Cohort {self.definition.name!r}: {self.n_patients} patients, {repeats}>"

    if not TYPE_CHECKING:  # a type checker has to find unknown names by itself

        def __getattr__(self, name: str) -> Any:
            # Asked for only if there is no such attribute: mostly by an analysis that was given the wrong thing.
            advice = 'analyses of scores take an AnalysisSet, cohort.analysis_set("PHQ-9")'
            raise AttributeError(f"a Cohort has no {name!r}; {advice}.")

    @property
    def population(self) -> str:
        """Who, in words, for an estimand."""
        asked = [criterion_text(criterion) for criterion in self.definition.criteria]
        number = self.definition.course_number
        who = "patients with a first dosing session"
        if number != 1:
            who = f"patients with {self.definition.course_words}" if number else f"{who}, at their last course"
        return who + (f" ({'; '.join(asked)})" if asked else "")

    def settings(self) -> tuple[tuple[str, str], ...]:
        """Return every rule that shaped the cohort, as pairs of name and text."""
        rules = self.definition
        window = rules.effective_baseline_window
        baseline = _choice_words(window)
        asked = "; ".join(criterion_text(criterion) for criterion in rules.criteria)
        return (
            ("cohort", rules.name),
            ("time zero", f"first dosing session of {rules.course_words} (course day 0)"),
            (
                "course rule",
                f"a dosing session more than {rules.gap_days} days after the one before begins a new course",
            ),
            ("courses analyzed", f"{rules.course_words} of each patient; the others are counted and not analyzed"),
            ("induction rule", rules.induction.sentence()),
            ("criteria", asked or "none"),
            ("baseline rule", f"{baseline} on course day {window.first_day} to {window.last_day}; {_SAME_DAY}"),
            ("visit rule", _VISIT_RULE),
            ("times of day", "known where given" if self.registry.has_minutes else _WITHOUT_TIMES),
            *self.registry.settings,
        )

    def courses(self) -> pd.DataFrame:
        """Return every course of the cohort's patients, one row a course, for people to look at.

        Returns
        -------
        pandas.DataFrame
            Sorted by patient and course. `is_analyzed` is 1 for the analyzed courses, which alone have a baseline,
            phases and exposures. It holds patient keys, so it stays in the clinic.
        """
        import pandas as pd

        name, rules = self.tables.name, self.definition
        scale, window = instrument_called(rules.instrument), rules.effective_baseline_window
        baseline = baseline_table(self.tables, scale, window, name("analyzed"))
        columns = self.tables.fetch(
            "18_course_table", analyzed=name("analyzed"), courses=name("courses"), baseline=baseline
        )
        self.tables.engine.drop(baseline)
        return pd.DataFrame({key: _readable(column) for key, column in columns.items()})

    def analysis_set(
        self,
        instrument: str | None = None,
        *,
        visits: Sequence[VisitWindow] = DEFAULT_VISITS,
        treatment: str | None = None,
        covariates: Sequence[str] | None = None,
        pathway: bool = False,
        with_scores_of: Sequence[str] = (),
    ) -> AnalysisSet:
        """Return the cohort's scores of one instrument as aligned arrays.

        Parameters
        ----------
        instrument : str, optional
            A name of the catalog; by default the definition's.
        visits : sequence of VisitWindow
            Visits after baseline. Windows of one anchor do not overlap; those that count from the first dose begin on
            day 0 or later. Visits that count from a later dose come after the others.
        treatment : str, optional
            The variable that defines the compared cohorts. It must be known at time zero.
        covariates : sequence of str, optional
            Which variables to keep besides the treatment; all of them must be known at time zero. None keeps every
            variable, those that are known later included, so that they can be described.
        pathway : bool, default False
            Whether the sessions around the course are read as steps of care, which `care_pathway` needs.
        with_scores_of : sequence of str
            Further instruments, whose scores become variables (``gad7_baseline``, ``gad7_week_12``) for `nhs_outcomes`.

        Returns
        -------
        AnalysisSet
            One row a patient, patients without a baseline or without any score included.

        Raises
        ------
        ImmortalTimeError
            If the treatment is known only after time zero.
        DesignError
            If visits overlap or begin before day 0, the treatment makes fewer than two groups, a covariate is known
            only after time zero, or the instrument cannot be an outcome (it describes a session, is already a change,
            or has no total).
        OptionError
            If the instrument or a variable is unknown.
        """
        scale = instrument_called(self.definition.instrument if instrument is None else instrument)
        require_outcome(scale)
        windows = _ordered(visits)
        columns = self.tables.fetch_rows("analyzed", in_order=pathway)  # the values put the rows into order
        patients = columns.pop("patient")
        variables = _chosen(course_variables(columns, self.registry.patient_columns), treatment, covariates)
        del columns
        placed = placed_windows(self.definition.effective_baseline_window, windows)
        found = visit_scores(self.tables, scale, placed, patients)
        n_scores_outside = count_scores_outside(self.tables, scale, found)
        for second in map(instrument_called, [with_scores_of] if isinstance(with_scores_of, str) else with_scores_of):
            further = visit_scores(self.tables, second, placed, patients)
            variables += score_variables(second, windows, further.baseline, further.scores)
        care = read_pathway(self.tables) if pathway else None
        order = value_order(found.baseline, found.scores, variables, () if care is None else care.columns())
        unordered = list(variables)
        del variables  # the two orders of all variables are never there at once
        baseline, scores, variables = reordered(found.baseline, found.scores, _taken(unordered), order)
        return AnalysisSet(
            instrument=scale,
            visits=windows,
            baseline=baseline,
            scores=scores,
            variables=variables,
            treatment=treatment,
            attrition=self.attrition,
            cohort=self.definition.name,
            population=self.population,
            provenance=Provenance(
                source="registry",
                digest=self.registry.digest,
                settings=(*self.settings(), ("visits", "; ".join(_window_text(window) for window in windows))),
                is_synthetic=self.registry.is_synthetic,
            ),
            notes=self._notes(scale),
            n_repeat_courses=self.n_repeat_courses,
            n_scores_outside=n_scores_outside,
            pathway=None if care is None else care.ordered(order),
            baseline_criteria=self.definition.baseline_criteria(scale.id),
        )

    def trace(
        self,
        patient_id: str,
        instrument: str | None = None,
        *,
        visits: Sequence[VisitWindow] = DEFAULT_VISITS,
    ) -> pd.DataFrame:
        """Return why each score of one patient is the baseline, a visit, or neither. It stays in the clinic.

        A trace is made on request only; no result holds one. It is a patient's record, which `release` never sees.

        Parameters
        ----------
        patient_id : str
            The key that the registry knows the patient by (after re-keying, the new one).
        instrument : str, optional
            A name of the catalog; by default the definition's.
        visits : sequence of VisitWindow
            As for `analysis_set`.

        Returns
        -------
        pandas.DataFrame
            In order of time: a row on whether the patient is in the cohort and, if not, under which reason the patient
            left; a row for each dosing session with its course, its number and phase in the analyzed course, and why it
            begins or continues a course; a row for each score with the windows it lies in, what it was chosen for, and
            the rule that decided. `day` is the registry's, `course_day` counts from time zero.

        Raises
        ------
        OptionError
            If the registry has no such patient; the message does not repeat the key.
        DesignError
            If the visits or the instrument cannot be used, as for `analysis_set`.

        Examples
        --------
        >>> import katoutcomes as kat
        >>> registry = kat.simulate_registry(seed=1, n_patients=30)
        >>> cohort = kat.select_cohort(registry)
        >>> trace = cohort.trace(cohort.courses()["patient_id"].iloc[0])
        >>> trace.loc[trace["course_day"] == 0, "why"].iloc[0]
        'the first dosing session; time zero: the first dose of the analyzed course'
        """
        from katoutcomes.cohorts.trace import trace_patient

        scale = instrument_called(self.definition.instrument if instrument is None else instrument)
        require_outcome(scale)
        return trace_patient(self, patient_id, scale, _ordered(visits))

    @property
    def eligibility_table(self) -> str:
        """The name of the engine's table that says, for each patient, which question of eligibility failed first."""
        return self.tables.name(ELIGIBILITY)

    def _notes(self, scale: Instrument) -> tuple[str, ...]:
        notes = [] if self.registry.has_minutes else [_WITHOUT_TIMES]
        if self.definition.course_number != 1:
            notes.append(_WHICH_COURSE.format(self.definition.course_words))
        if self.definition.course_number == 0:
            notes.append(_LAST_COURSE)
        if scale.subscale_of:
            whole = instrument_called(scale.subscale_of).name
            notes.append(
                f"Scores of the {scale.name} are rows of its own or, on days without one, the sum of its items in the "
                f"{whole}; a {whole} without items gives none."
            )
        return tuple(notes)


def _taken(variables: list[Variable]) -> Iterator[Variable]:
    """Take one variable after the other out of a list."""
    variables.reverse()
    while variables:
        yield variables.pop()


def _choice_words(window: VisitWindow) -> str:
    if window.choice == "mean":
        return "mean of the scores"
    return f"score nearest to day {window.target_day}" if window.choice == "nearest" else f"{window.choice} score"


def _window_text(window: VisitWindow) -> str:
    text = f"{window.name}: day {window.target_day} ({window.first_day} to {window.last_day})"
    if window.is_anchored_later:
        text += f" from {window.anchor}"
    return text if window.choice == "nearest" else f"{text}, {_choice_words(window)}"


def _ordered(visits: Sequence[VisitWindow]) -> tuple[VisitWindow, ...]:
    require_separate(tuple(visits))
    windows = in_order_of_time(tuple(visits))
    for window in windows:
        if window.first_day < 0 and not window.is_anchored_later:
            raise DesignError(
                f"the window of {window.name!r} begins on day {window.first_day}; visits follow the first dose, "
                "so they begin on day 0 or later."
            )
    return windows


def _chosen(
    variables: tuple[Variable, ...], treatment: str | None, covariates: Sequence[str] | None
) -> tuple[Variable, ...]:
    named = {variable.name: variable for variable in variables}
    if treatment is not None:
        require_option("treatment", treatment, named)
        require_known_at_time_zero(named[treatment])
        # A flag becomes a category, so that its groups have names wherever a treatment is printed.
        named[treatment] = replace(named[treatment], kind="category", levels=named[treatment].group_levels)
    if covariates is None:
        return tuple(named.values())
    listed = [covariates] if isinstance(covariates, str) else list(covariates)
    for name in listed:
        require_option("covariate", name, named)
        require_adjustable(named[name])
    wanted = ([] if treatment is None else [treatment]) + listed
    return tuple(named[name] for name in dict.fromkeys(wanted))


def _readable(column: NDArray[Any]) -> Any:
    """Return a column of the course table for a data frame: whole numbers stay whole where some are unknown."""
    import pandas as pd

    if not np.ma.isMaskedArray(column):
        return column
    if column.dtype.kind in "iu":
        return pd.array(np.ma.asarray(column).tolist(), dtype="Int64")
    return as_texts(column) if column.dtype.kind == "O" else as_floats(column)
