"""Who is compared with whom, and the arrays that the comparison is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.anchored_visits import require_common_days
from katoutcomes.analyses.steps.comparison.events import SCORE, Event, event_of
from katoutcomes.analyses.steps.covariate_columns import (
    CovariateColumns,
    chosen_covariates,
    covariate_columns,
    without_lone_patients,
)
from katoutcomes.errors import DataError, DesignError, OptionError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import AnalysisSet, Group, Variable
    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.kernels.weighting.comparison import ArmData

WEEK = 7.0
_HALF_A_YEAR_OF_WEEKS = 26.0


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
        The binary outcome that is compared, as 0 and 1 in `arms`; None where it is the score.
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

    @property
    def unit(self) -> str:
        """Of means and differences: points of the instrument, or shares where the outcome is binary."""
        return "points" if self.event is None else ""

    @property
    def definition_set(self) -> str:
        """By which the outcome is defined; nothing where it is the score."""
        return "" if self.event is None else self.event.definition.id

    @property
    def difference(self) -> str:
        """Measure of a difference of the arms."""
        return "difference in means" if self.event is None else "difference in proportions"

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
        """Of these, patients with a score at the visit."""
        return int(self.arms.is_observed.sum())

    def n_of(self, arm: int, *, scored: bool) -> int:
        """Return how many patients of an arm are compared, or are scored."""
        members = self.arms.arms == arm
        return int((members & self.arms.is_observed).sum() if scored else members.sum())

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
    columns = covariate_columns(data.baseline, variables, compared)
    history, flags, names = _history(data, window, in_care_until, compared)
    values = _outcome(data, window, event, compared)
    return Comparison(
        data,
        window,
        variable,
        groups,
        variables,
        with_baseline,
        compared,
        columns,
        names,
        arms=_arm_data(values, _codes(groups, compared), len(groups), columns, history=history, flags=flags),
        leaving=_leaving(data, window, in_care_until, compared),
        last_score=history[0] if history else data.baseline[compared],
        away=flags[0] if flags else None,
        event=event,
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


def _outcome(
    data: AnalysisSet, window: VisitWindow, event: Event | None, compared: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the score at the visit or whether the event was seen, NaN where neither is known."""
    scores = data.scores_at(window.name)[compared]
    return scores if event is None else event.of(data.baseline[compared], scores)


def _arm_data(
    outcome: NDArray[np.float64],
    codes: NDArray[np.int64],
    n_arms: int,
    columns: CovariateColumns,
    *,
    history: _Columns,
    flags: _Columns,
) -> ArmData:
    from katoutcomes.kernels.weighting.comparison import ArmData

    return ArmData(
        outcome=outcome,
        arms=codes,
        n_arms=n_arms,
        covariates=columns.values,
        history=_stacked(history, codes.size),
        history_by_arm=_stacked([flag * (codes == arm) for flag in flags for arm in range(1, n_arms)], codes.size),
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


def earlier_visits(data: AnalysisSet, window: VisitWindow) -> list[int]:
    """Return the positions of the visits before one, in order of time."""
    return [
        place
        for place, visit in enumerate(data.visits)
        if not visit.is_anchored_later and visit.target_day < window.target_day
    ]


_Columns = list["NDArray[np.float64]"]


def _history(
    data: AnalysisSet, window: VisitWindow, in_care_until: str | None, compared: NDArray[np.bool_]
) -> tuple[_Columns, _Columns, tuple[str, ...]]:
    """Return what was seen between time zero and the visit, the flags that may act differently in each arm, and words.

    The last score in care; where the last day in care is known, having left care before the visit, alone and by the
    last score, the baseline score and the weeks in care; else, having missed the visit before, alone and by the last
    score.
    """
    import numpy as np

    earlier = earlier_visits(data, window)
    baseline = data.baseline[compared]
    until = None if in_care_until is None else _last_day_in_care(data, in_care_until, compared)
    last = baseline.copy()
    for place in earlier:
        scores = data.scores[compared, place]
        counts = ~np.isnan(scores)
        if until is not None:
            counts &= until >= data.visits[place].target_day
        last = np.where(counts, scores, last)
    if until is not None:
        left = (until < window.target_day).astype(np.float64)
        weeks = np.clip(until, 0.0, None) / WEEK
        columns = [last, left, left * last, left * np.minimum(weeks, _HALF_A_YEAR_OF_WEEKS), left * baseline]
        words = ("the last score in care", "having left care, with its products with scores and weeks in care")
        return columns, [left], words
    if not earlier:
        return [], [], ()
    missed = np.isnan(data.scores[compared, earlier[-1]]).astype(np.float64)
    return (
        [last, missed, missed * last],
        [missed],
        ("the last score before the visit", "having missed the visit before"),
    )


def _leaving(
    data: AnalysisSet, window: VisitWindow, in_care_until: str | None, compared: NDArray[np.bool_]
) -> NDArray[np.float64] | None:
    import numpy as np

    if in_care_until is None:
        return None
    until = _last_day_in_care(data, in_care_until, compared)
    days = [*(data.visits[place].target_day for place in earlier_visits(data, window)), window.target_day]
    return np.column_stack([until < day for day in days]).astype(np.float64)


def _last_day_in_care(data: AnalysisSet, name: str, compared: NDArray[np.bool_]) -> NDArray[np.float64]:
    import numpy as np

    variable = data.variable(name)
    if variable.kind != "number":
        raise OptionError(f"in_care_until={name!r} must be a number: the last day in care, counted from time zero.")
    days = variable.values[compared]
    if np.isnan(days).any():
        raise DataError(
            f"{name!r} is not known for everybody compared. Give those who stayed a day after the last visit; whether "
            "somebody had left care must not be guessed."
        )
    return days


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
