"""The patients of an emulated trial as the arrays of its kernel."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from katoutcomes.analyses.steps.comparison.arms import UP_TO
from katoutcomes.analyses.steps.comparison.events import Event, event_of
from katoutcomes.analyses.steps.covariate_columns import CovariateColumns, covariate_columns, without_lone_patients
from katoutcomes.analyses.steps.emulation.history import history_of
from katoutcomes.cohorts.emulation.sequential import COURSE_NUMBER, SINCE_LAST
from katoutcomes.cohorts.exposure import require_adjustable
from katoutcomes.errors import DesignError, OptionError
from katoutcomes.estimands.leaving_care import COMPOSITE, WHILE_IN_CARE
from katoutcomes.estimands.session_counts import SessionCount
from katoutcomes.estimands.target_trial import DAYS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import Variable
    from katoutcomes.cohorts.emulation.emulation_set import EmulationSet
    from katoutcomes.estimands.target_trial import TargetTrial
    from katoutcomes.kernels.emulation.data import EmulationData


@dataclass(frozen=True, slots=True, eq=False)
class Emulation:
    """A target trial with its patients.

    Attributes
    ----------
    trial : TargetTrial
        The question.
    found : EmulationSet
        The eligible patients, without those whose baseline or a covariate is not known.
    variables : tuple of Variable
        The covariates beside the baseline score, of these patients.
    columns : CovariateColumns
        The same as columns of a design, the baseline score first.
    data : EmulationData
        The kernel's arrays.
    n_eligible : int
        Patients who meet the criteria.
    units : ndarray of int64, shape (n_courses,), or None
        Whose trial each is, where patients may have several; None where each has one.
    event : Event or None
        The binary outcome, as 0 and 1 in `data`, or whose days are counted; None where it is a score.
    days : tuple of EmulationData
        The arrays with the event at each of the trial's visits, where its days are compared; else empty. In `data` the
        outcome is then each patient's days by the own visits.

    Notes
    -----
    A row of the arrays is a course, which is a patient where each has one trial. What is told counts patients: each
    once, wherever one of the courses counts.
    """

    trial: TargetTrial
    found: EmulationSet
    variables: tuple[Variable, ...]
    columns: CovariateColumns
    data: EmulationData
    n_eligible: int
    units: NDArray[np.int64] | None = None
    event: Event | None = None
    days: tuple[EmulationData, ...] = ()

    @property
    def is_share(self) -> bool:
        """Whether the outcome is binary."""
        return self.event is not None and not self.days

    @property
    def unit(self) -> str:
        """Of means and differences: points of the instrument, days, or shares where the outcome is binary."""
        return "days" if self.days else "points" if self.event is None else ""

    @property
    def difference(self) -> str:
        """Measure of a difference of the strategies."""
        return "difference in proportions" if self.is_share else "difference in means"

    @property
    def when(self) -> str:
        """The visit of the outcome, or all up to it."""
        visit = self.trial.visit.name
        return f"{UP_TO}{visit}" if self.days else visit

    @property
    def outcomes(self) -> tuple[EmulationData, ...]:
        """The arrays of each outcome that the answer is a sum of: one, but for days."""
        return self.days or (self.data,)

    @property
    def spoken_for(self) -> NDArray[np.float64]:
        """For how many days each visit speaks; 1 where there is one outcome."""
        import numpy as np

        return days_of(self.trial) if self.days else np.ones(1)

    @property
    def is_scored(self) -> NDArray[np.bool_]:
        """Who has a score at the visit, whatever the outcome is made of."""
        import numpy as np

        return np.asarray(~np.isnan(self.found.outcome))

    @property
    def n_patients(self) -> int:
        """Patients of the trial."""
        return self.n_courses if self.units is None else int(self.units.max()) + 1

    @property
    def n_courses(self) -> int:
        """Trials, each with a copy in every arm: rows of the arrays."""
        return self.data.n_patients

    def people(self, members: NDArray[np.bool_]) -> int:
        """Return of how many patients some courses are."""
        import numpy as np

        return int(members.sum()) if self.units is None else len(np.unique(self.units[members]))

    def fewest_scored(self, members: NDArray[np.bool_]) -> int:
        """Return of how many patients some courses have an outcome; of several visits, at that with the fewest."""
        return min(self.people(members & one.is_observed) for one in self.outcomes)


def emulation(trial: TargetTrial, found: EmulationSet, covariates: Sequence[str]) -> Emulation:
    """Return the trial's patients as arrays.

    Raises
    ------
    DesignError
        If a covariate is known only after time zero, or nobody is left.
    OptionError
        If a covariate is unknown or stands twice, or the strategies are numbers of weeks.
    """
    import numpy as np

    if isinstance(trial.strategy, SessionCount):
        raise OptionError("numbers of weeks with a session are compared by session_dose_response.")
    of_courses = (COURSE_NUMBER, SINCE_LAST) if has_repeats(found) else ()
    variables = chosen_variables(found, (*trial.confounders, *covariates, *of_courses))
    event = event_of(found.instrument, trial.outcome)
    complete = ~np.isnan(found.baseline)
    if event is not None:
        complete &= event.is_defined(found.baseline)
    for variable in variables:
        complete &= ~np.isnan(variable.values)
    kept = without_lone_patients(variables, complete)
    if not kept.any():
        raise DesignError("nobody is eligible with a baseline score and every covariate known.")
    chosen = restricted(found, kept)
    variables = tuple(chosen.variable(variable.name) for variable in variables)
    columns = covariate_columns(chosen.baseline, variables, np.ones(chosen.n_patients, dtype=np.bool_))
    data = replace(emulation_data(trial, chosen, columns.values), **_outcome(trial, chosen, event))
    units = patient_codes(chosen.patient) if has_repeats(chosen) else None
    made = Emulation(trial, chosen, variables, columns, data, len(set(found.patient.tolist())), units, event)
    return made if trial.outcome != DAYS else _with_days(made)


def days_of(trial: TargetTrial, rule: str = "midpoint") -> NDArray[np.float64]:
    """Return for how many days each visit of a trial speaks, by a rule of `kernels.groups.days_in_state`."""
    from katoutcomes.kernels.groups.days_in_state import days_spoken_for

    return days_spoken_for(_target_days(trial), rule)


def _with_days(found: Emulation) -> Emulation:
    """Return the trial of days with the event: its arrays at each visit, and each patient's days as outcome."""
    import numpy as np

    from katoutcomes.kernels.groups.days_in_state import days_by_own_visits

    trial, days = found.trial, []
    until = (*(found.found.as_of(visit) for visit in found.found.earlier), found.found)
    for visit, one in zip(trial.visits, until, strict=True):
        history = history_of(one, trial.by_day, visit)
        days.append(replace(found.data, **_outcome(trial, one, found.event), history=history))
    states = np.column_stack([one.outcome for one in days])
    by_own_visits = days_by_own_visits(states, _target_days(trial))
    return replace(found, data=replace(found.data, outcome=by_own_visits), days=tuple(days))


def _target_days(trial: TargetTrial) -> NDArray[np.float64]:
    import numpy as np

    return np.array([visit.target_day for visit in trial.visits], dtype=np.float64)


def _outcome(trial: TargetTrial, found: EmulationSet, event: Event | None) -> dict[str, Any]:
    """Return the outcome and who has one for certain, by what becomes of leaving care."""
    import numpy as np

    scores, left = found.outcome, found.has_left
    if trial.left_care == WHILE_IN_CARE:
        scores = np.where(~left & ~np.isnan(scores), scores, found.last_score[:, -1])
    values = scores if event is None else event.of(found.baseline, scores)
    if trial.left_care != COMPOSITE:
        return {"outcome": values}
    return {"outcome": np.where(left, 0.0, values), "certain": left}


def has_repeats(found: EmulationSet) -> bool:
    """Return whether a patient has several rows."""
    return len(set(found.patient.tolist())) < found.n_patients


def patient_codes(patient: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the same numbers without gaps, in the same order."""
    import numpy as np

    return np.unique(patient, return_inverse=True)[1].astype(np.int64)


def control_values(found: Emulation, name: str | None) -> NDArray[np.float64] | None:
    """Return the values of the negative control, None where none is named.

    Raises
    ------
    OptionError
        If it is a category, or a covariate, or known for nobody who followed one of the strategies.
    DesignError
        If it is known only after time zero.
    """
    import numpy as np

    if name is None:
        return None
    variable = found.found.variable(name)
    require_adjustable(variable)
    if variable.kind == "category" or any(one.name == name for one in found.variables):
        raise OptionError(f"negative_control={name!r} must be a number or a flag that is no covariate.")
    if any(np.isnan(variable.values[arm.followed]).all() for arm in found.data.arms):
        raise OptionError(f"negative_control={name!r} is known for nobody who followed one of the strategies.")
    return variable.values


def chosen_variables(found: EmulationSet, names: Sequence[str]) -> tuple[Variable, ...]:
    """Return the covariates by name, none twice, all known at time zero."""
    for name in names:
        if list(names).count(name) > 1:
            raise OptionError(f"the covariate {name!r} stands twice.")
    variables = tuple(found.variable(name) for name in names)
    for variable in variables:
        require_adjustable(variable)
    return variables


def restricted(found: EmulationSet, kept: NDArray[np.bool_]) -> EmulationSet:
    """Return some of the patients."""
    arrays = ("baseline", "outcome", "last_care_day", "session", "last_score", "scored", "session_days", "dose_days")
    chosen = {name: getattr(found, name)[kept] for name in (*arrays, "other_care_day", "has_left", "patient")}
    variables = tuple(replace(one, values=one.values[kept]) for one in found.variables)
    return replace(found, **chosen, variables=variables, earlier=tuple(one.at(kept) for one in found.earlier))


def emulation_data(trial: TargetTrial, found: EmulationSet, covariates: NDArray[np.float64]) -> EmulationData:
    """Return the kernel's arrays: decisions, arms, history until the visit, and who belongs to the landmark.

    Parameters
    ----------
    trial : TargetTrial
        The strategies.
    found : EmulationSet
        The patients.
    covariates : ndarray of float64, shape (n_patients, p)
        Known at time zero, the baseline score among them.
    """
    import numpy as np

    from katoutcomes.cohorts.emulation.decisions import compiled
    from katoutcomes.kernels.emulation.data import EmulationData

    models, arms = compiled(trial, found)
    n_weeks = trial.by_day // 7
    return EmulationData(
        outcome=found.outcome,
        covariates=covariates,
        history=history_of(found, trial.by_day, trial.visit),
        models=models,
        arms=arms,
        in_care=found.last_care_day >= trial.by_day,
        exposed_early=np.asarray(found.session[:, :n_weeks].any(axis=1)),
        exposed_ever=np.asarray(found.session.any(axis=1)),
    )
