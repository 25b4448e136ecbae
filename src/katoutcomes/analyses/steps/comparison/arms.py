"""Who is compared with whom, and the arrays that the comparison is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.anchored_visits import require_common_days
from katoutcomes.analyses.steps.comparison.events import Event, event_of
from katoutcomes.analyses.steps.comparison.history import last_day_in_care, leaving, visits_up_to
from katoutcomes.analyses.steps.comparison.left_care import Known, Outcome, outcome_of
from katoutcomes.analyses.steps.covariate_columns import (
    CovariateColumns,
    chosen_covariates,
    covariate_columns,
    without_lone_patients,
)
from katoutcomes.errors import DesignError
from katoutcomes.estimands.leaving_care import TREATMENT_POLICY
from katoutcomes.estimands.target_trial import DAYS, SCORE

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import AnalysisSet, Group, Variable
    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.kernels.weighting.comparison import ArmData

UP_TO = "up to "
"""Before the name of the visit, of an outcome that is not the one at it."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The arms of a comparison, with everything that is known of their patients.

    Attributes
    ----------
    data : AnalysisSet
        Where the patients come from.
    window : VisitWindow
        The visit that is compared.
    variable : Variable
        What defines the arms.
    groups : tuple of Group
        The arms, the comparator first.
    variables : tuple of Variable
        The covariates beside the baseline score.
    with_baseline, compared : ndarray of bool, shape (n_patients,)
        Patients of the arms who have a baseline score; of these, those with every covariate.
    columns : CovariateColumns
        The covariates of the compared.
    history_names : tuple of str
        What of the time since the first dose tells who is scored, in words.
    arms : ArmData
        Arrays of the compared.
    leaving : ndarray of float64, shape (n_compared, n_visits), or None
        1 where a patient had left care before an earlier visit or, in the last column, before the visit compared; None
        where the last day in care is not known.
    last_score : ndarray of float64, shape (n_compared,)
        The last score before the visit, in care where the last day in care is known; the baseline score without one.
    away : ndarray of float64, shape (n_compared,), or None
        1 where a patient had left care before the visit or, where that is not known, missed the visit before; None
        where there is no earlier visit.
    event : Event or None
        The binary outcome that is compared, as 0 and 1 in `arms`, or whose days are; None where it is the score.
    left_care : str
        What becomes of leaving care: one of `estimands.leaving_care.LEFT_CARE`.
    has_left : ndarray of bool, shape (n_compared,), or None
        Who had left before the visit, where that decides or ends the outcome.
    days : tuple of ArmData
        Arrays of the event at each of `visits`, where its days are compared; else empty. In `arms` the outcome is then
        each patient's days by the own visits.
    """

    data: AnalysisSet
    window: VisitWindow
    variable: Variable
    groups: tuple[Group, ...]
    variables: tuple[Variable, ...]
    with_baseline: NDArray[np.bool_]
    compared: NDArray[np.bool_]
    columns: CovariateColumns
    history_names: tuple[str, ...]
    arms: ArmData
    leaving: NDArray[np.float64] | None
    last_score: NDArray[np.float64]
    away: NDArray[np.float64] | None
    event: Event | None = None
    left_care: str = TREATMENT_POLICY
    has_left: NDArray[np.bool_] | None = None
    days: tuple[ArmData, ...] = ()

    @property
    def is_share(self) -> bool:
        """Whether the outcome is binary."""
        return self.event is not None and not self.days

    @property
    def unit(self) -> str:
        """Of means and differences: points of the instrument, days, or shares where the outcome is binary."""
        return "days" if self.days else "points" if self.event is None else ""

    @property
    def visits(self) -> tuple[VisitWindow, ...]:
        """The visits up to the one compared, in order of time."""
        return tuple(self.data.visits[place] for place in visits_up_to(self.data, self.window))

    @property
    def visit_days(self) -> NDArray[np.float64]:
        """The days of `visits`, counted from time zero."""
        import numpy as np

        return np.array([visit.target_day for visit in self.visits], dtype=np.float64)

    @property
    def when(self) -> str:
        """The visit of the outcome: the one compared, or all up to it."""
        is_at_visit = self.left_care == TREATMENT_POLICY and not self.days
        return self.window.name if is_at_visit else f"{UP_TO}{self.window.name}"

    @property
    def definition_set(self) -> str:
        """By which the outcome is defined; nothing where it is the score."""
        return "" if self.event is None else self.event.definition.id

    @property
    def difference(self) -> str:
        """Measure of a difference of the arms."""
        return "difference in proportions" if self.is_share else "difference in means"

    @property
    def variables_of_compared(self) -> tuple[Variable, ...]:
        """The covariates beside the baseline score, with values of the compared alone."""
        return tuple(replace(one, values=one.values[self.compared]) for one in self.variables)

    @property
    def n_compared(self) -> int:
        """Patients compared."""
        return int(self.compared.sum())

    @property
    def n_scored(self) -> int:
        """Of these, patients with an outcome: a score at the visit, unless leaving care decides it; of days, all."""
        return sum(self.n_of(arm, scored=True) for arm in range(self.arms.n_arms))

    def n_of(self, arm: int, *, scored: bool) -> int:
        """Return how many patients of an arm are compared, or have an outcome, which of days everybody has."""
        members = self.arms.arms == arm
        return int((members & self.arms.is_observed).sum() if scored and not self.days else members.sum())

    def fewest_scored(self, arm: int) -> int:
        """Return how many patients of an arm have an outcome, at the visit with the fewest where several count."""
        of_visits = self.days or (self.arms,)
        return min(int((one.is_observed & (one.arms == arm)).sum()) for one in of_visits)

    @property
    def later_arms(self) -> tuple[tuple[int, Group], ...]:
        """The arms that are compared with the first."""
        return tuple(enumerate(self.groups))[1:]


def comparison(
    data: AnalysisSet,
    *,
    visit: str | None,
    treatment: str | None,
    covariates: Sequence[str],
    in_care_until: str | None,
    outcome: str = SCORE,
    left_care: str = TREATMENT_POLICY,
) -> Comparison:
    """Choose the patients of each arm and make the arrays of the comparison.

    Raises
    ------
    DesignError
        If fewer than two arms have a patient, the visit counts from a later dose, or a covariate is known only later.
    ImmortalTimeError
        If the treatment is known only after time zero.
    DataError
        If the last day in care is not known for everybody.
    """
    window = data.visit(visit)
    require_common_days(window)
    variable, groups = _arms(data, treatment)
    variables = chosen_covariates(data, covariates, variable.name)
    event = event_of(data.instrument, outcome)
    with_baseline, compared = _compared(data, groups, variables, event)
    _require_somebody(variable, groups, compared)
    coded = _Coded(_codes(groups, compared), len(groups), covariate_columns(data.baseline, variables, compared))
    known = Known(data, event, left_care, last_day_in_care(data, in_care_until, compared), compared)
    seen = outcome_of(known, window)
    found = Comparison(
        data,
        window,
        variable,
        groups,
        variables,
        with_baseline,
        compared,
        coded.columns,
        seen.history.names,
        arms=_arm_data(seen, coded),
        leaving=leaving(data, window, known.until),
        last_score=seen.history.last_score,
        away=seen.history.away,
        event=event,
        left_care=left_care,
        has_left=seen.has_left,
    )
    return found if outcome != DAYS else _with_days(found, coded, known)


def _with_days(found: Comparison, coded: _Coded, known: Known) -> Comparison:
    """Return the comparison of days with the event: its arrays at each visit, and each patient's days as outcome."""
    import numpy as np

    from katoutcomes.kernels.groups.days_in_state import days_by_own_visits

    at_visits = [outcome_of(known, visit) for visit in found.visits]
    states = np.column_stack([one.values for one in at_visits])
    days = days_by_own_visits(states, found.visit_days)
    return replace(
        found,
        arms=replace(found.arms, outcome=days),
        days=tuple(_arm_data(one, coded) for one in at_visits),
    )


def _compared(
    data: AnalysisSet, groups: Sequence[Group], variables: Sequence[Variable], event: Event | None
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return who of the arms has a baseline score, and who of these is compared."""
    import numpy as np

    with_baseline = np.logical_or.reduce([group.mask for group in groups]) & data.with_baseline
    complete = with_baseline.copy()
    if event is not None:
        complete &= event.is_defined(data.baseline)
    for one in variables:
        complete &= ~np.isnan(one.values)
    return with_baseline, without_lone_patients(variables, complete)


def _require_somebody(variable: Variable, groups: Sequence[Group], compared: NDArray[np.bool_]) -> None:
    for group in groups:
        if not (group.mask & compared).any():
            raise DesignError(
                f"no patient of {variable.name} {group.label!r} has a baseline score and every covariate, so there is "
                "nothing to compare."
            )


def _codes(groups: Sequence[Group], compared: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the place of the arm of each of the compared."""
    import numpy as np

    codes = np.zeros(compared.size, dtype=np.int64)
    for code, group in enumerate(groups):
        codes[group.mask] = code
    return codes[compared]


@dataclass(frozen=True, slots=True, eq=False)
class _Coded:
    """The arms and covariates of the compared, the same at every visit."""

    codes: NDArray[np.int64]
    n_arms: int
    columns: CovariateColumns


def _arm_data(outcome: Outcome, coded: _Coded) -> ArmData:
    from katoutcomes.kernels.weighting.comparison import ArmData

    codes, later = coded.codes, range(1, coded.n_arms)
    by_arm = [flag * (codes == arm) for flag in outcome.history.flags for arm in later]
    return ArmData(
        outcome=outcome.values,
        arms=codes,
        n_arms=coded.n_arms,
        covariates=coded.columns.values,
        history=_stacked(outcome.history.columns, codes.size),
        history_by_arm=_stacked(by_arm, codes.size),
        certain=outcome.certain,
    )


def _arms(data: AnalysisSet, treatment: str | None) -> tuple[Variable, tuple[Group, ...]]:
    name = treatment if treatment is not None else data.treatment
    if name is None:
        raise DesignError("no variable defines the cohorts; name one with treatment=, such as program_booked.")
    groups = data.groups(name)
    occurring = tuple(group for group in groups if group.mask.any())
    if len(occurring) < 2:
        raise DesignError(
            f"of the levels of {name!r} only {len(occurring)} occur; a comparison needs patients in at least two arms."
        )
    return data.variable(name), occurring


def _stacked(columns: Sequence[NDArray[np.float64]], n_patients: int) -> NDArray[np.float64]:
    """Return the columns that vary side by side."""
    import numpy as np

    varying = [column for column in columns if np.ptp(column) > 0.0]
    return np.column_stack(varying).astype(np.float64) if varying else np.zeros((n_patients, 0))


def require_adjustable_columns(found: Comparison) -> None:
    """Raise an error that names the covariate which cannot be adjusted for among the scored.

    Raises
    ------
    DesignError
        If there are too few scored patients for the covariates.
    NumericalError
        If a covariate does not vary or follows from others among the scored.
    """
    import numpy as np

    from katoutcomes.analyses.steps.covariate_columns import require_fit
    from katoutcomes.kernels.groups.covariance_adjustment import least_squares
    from katoutcomes.kernels.weighting.weighted_ancova import arm_design

    seen = found.arms.is_observed
    values = found.columns.values[seen] - found.columns.values[seen].mean(axis=0)
    design = arm_design(found.arms.arms[seen], found.arms.n_arms, values)
    fit = least_squares(design, found.arms.outcome[seen])
    if fit.status in {"too few rows", "dependent column"}:
        extra = found.arms.n_arms - 2
        moved = tuple(max(column - extra, 0) for column in fit.problem_columns)
        require_fit(replace(fit, problem_columns=moved), CovariateColumns(np.asarray(values), found.columns.names))
