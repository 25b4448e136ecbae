"""The cohort: first courses, one a patient, with the counts of who was left out and the way to an analysis set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from katoutcomes.cohorts.analysis_set import AnalysisSet, AttritionStep, Variable
from katoutcomes.cohorts.course_variables import as_floats, as_texts, course_variables
from katoutcomes.cohorts.definition import criterion_text
from katoutcomes.cohorts.exposure import require_adjustable, require_known_at_time_zero
from katoutcomes.cohorts.value_order import in_value_order
from katoutcomes.errors import DesignError, require_option
from katoutcomes.estimands.visit_window import DEFAULT_VISITS, VisitWindow, require_separate
from katoutcomes.instruments.catalog import instrument as instrument_called
from katoutcomes.results.provenance import Provenance

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from katoutcomes.cohorts.definition import CohortDefinition
    from katoutcomes.cohorts.stages import CohortTables
    from katoutcomes.registry.registry import Registry

_WITHOUT_TIMES = (
    'Times of day are not known, so "within 72 hours" means on day 0 to 3 and "within 7 days" on day 0 to 7.'
)

_SAME_DAY = "on day 0 a score counts as before the dose unless both times are known and the score is later"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Cohort:
    """The first courses that meet a definition.

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
        Courses after the first: counted, not analyzed.
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

    @property
    def population(self) -> str:
        """Who, in words, for an estimand."""
        asked = [criterion_text(criterion) for criterion in self.definition.criteria]
        return "patients with a first dosing session" + (f" ({'; '.join(asked)})" if asked else "")

    def settings(self) -> tuple[tuple[str, str], ...]:
        """Return every rule that shaped the cohort, as pairs of name and text."""
        rules = self.definition
        window = rules.baseline_window
        asked = "; ".join(criterion_text(criterion) for criterion in rules.criteria)
        return (
            ("cohort", rules.name),
            ("time zero", "first dosing session of the first course (course day 0)"),
            (
                "course rule",
                f"a dosing session more than {rules.gap_days} days after the one before begins a new course",
            ),
            ("courses analyzed", "the first of each patient; repeat courses are counted and not analyzed"),
            ("criteria", asked or "none"),
            ("baseline rule", f"last score on course day {window.first_day} to {window.last_day}; {_SAME_DAY}"),
            ("visit rule", "score nearest to the target day inside the window; of two equally near, the earlier"),
            ("times of day", "known where given" if self.registry.has_minutes else _WITHOUT_TIMES),
        )

    def courses(self) -> pd.DataFrame:
        """Return every course of the cohort's patients, one row a course, for people to look at.

        Returns
        -------
        pandas.DataFrame
            Sorted by patient and course. `is_analyzed` is 1 for first courses, which alone have a baseline and
            exposures. It holds patient keys, so it stays in the clinic.
        """
        import pandas as pd

        name = self.tables.name
        columns = self.tables.fetch(
            "12_course_table",
            analyzed=name("analyzed"),
            courses=name("courses"),
            baseline=name("selection_baseline"),
            exposure=name("exposure"),
        )
        return pd.DataFrame({key: _readable(column) for key, column in columns.items()})

    def analysis_set(
        self,
        instrument: str | None = None,
        *,
        visits: Sequence[VisitWindow] = DEFAULT_VISITS,
        treatment: str | None = None,
        covariates: Sequence[str] | None = None,
    ) -> AnalysisSet:
        """Return the cohort's scores of one instrument as aligned arrays.

        Parameters
        ----------
        instrument : str, optional
            A name of the catalog; by default the definition's.
        visits : sequence of VisitWindow
            Visits after baseline; windows do not overlap and begin on day 0 or later.
        treatment : str, optional
            The variable that defines the compared cohorts. It must be known at time zero.
        covariates : sequence of str, optional
            Which variables to keep besides the treatment; all of them must be known at time zero. None keeps every
            variable, those that are known later included, so that they can be described.

        Returns
        -------
        AnalysisSet
            One row a patient, patients without a baseline or without any score included.

        Raises
        ------
        ImmortalTimeError
            If the treatment is known only after time zero.
        DesignError
            If visits overlap or begin before day 0, the treatment makes fewer than two groups, or a covariate is known
            only after time zero.
        OptionError
            If the instrument or a variable is unknown.
        """
        scale = instrument_called(self.definition.instrument if instrument is None else instrument)
        windows = _ordered(visits)
        columns = self.tables.fetch("15_rows", table=self.tables.name("analyzed"))
        baseline, scores = self._scores(columns["patient"], scale.id, windows)
        variables = _chosen(course_variables(columns, self.registry.patient_columns), treatment, covariates)
        baseline, scores, variables = in_value_order(baseline, scores, variables)
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
            notes=() if self.registry.has_minutes else (_WITHOUT_TIMES,),
            n_repeat_courses=self.n_repeat_courses,
        )

    def _scores(
        self, patients: NDArray[Any], instrument_id: str, windows: tuple[VisitWindow, ...]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        tables = self.tables
        analyzed = tables.name("analyzed")
        window = self.definition.baseline_window
        course_scores, baseline = tables.baseline_scores(instrument_id, analyzed, instrument_id, window)
        baseline_scores = _aligned(patients, tables.fetch("15_rows", table=baseline), "baseline_score")
        scores = np.full((len(patients), len(windows)), np.nan)
        for position, visit in enumerate(windows):
            at_visit = tables.make(
                f"{instrument_id}_visit",
                "11_visit",
                course_scores=course_scores,
                target_day=visit.target_day,
                first_day=visit.first_day,
                last_day=visit.last_day,
            )
            scores[:, position] = _aligned(patients, tables.fetch("15_rows", table=at_visit), "score")
            tables.engine.drop(at_visit)
        tables.engine.drop(course_scores, baseline)
        return baseline_scores, scores


def _window_text(window: VisitWindow) -> str:
    return f"{window.name}: day {window.target_day} ({window.first_day} to {window.last_day})"


def _ordered(visits: Sequence[VisitWindow]) -> tuple[VisitWindow, ...]:
    windows = tuple(sorted(visits, key=lambda visit: visit.first_day))
    require_separate(windows)
    if windows[0].first_day < 0:
        raise DesignError(
            f"the window of {windows[0].name!r} begins on day {windows[0].first_day}; visits follow the first dose, "
            "so they begin on day 0 or later."
        )
    return windows


def _aligned(patients: NDArray[Any], rows: dict[str, NDArray[Any]], column: str) -> NDArray[np.float64]:
    """Return one value a patient, NaN for those without a row; both tables are in the order of patients."""
    values = np.full(len(patients), np.nan)
    values[np.searchsorted(patients, rows["patient"])] = as_floats(rows[column])
    return values


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
