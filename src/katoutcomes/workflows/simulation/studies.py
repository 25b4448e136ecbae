"""One study of synthetic patients: the records as a clinic would have them, and what each estimator makes of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from katoutcomes.errors import KatOutcomesError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import AnalysisSet, Variable
    from katoutcomes.cohorts.emulation.emulation_set import EmulationSet
    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.registry.synthetic.trajectories import Intake, Trajectory
    from katoutcomes.workflows.simulation.design import Cell, SimulationDesign
    from katoutcomes.workflows.simulation.worlds import World

    Floats = NDArray[np.float64]

N_WEEKS = 12
NAIVE = "ever against never"
DEFAULTS: dict[str, str] = {
    "time_zero": "overlap and observation weights",
    "later": "cloned, censored, weighted",
}
"""The default of `compare_cohorts` and of `emulate_trial`."""
BESIDE: dict[str, tuple[str, ...]] = {
    "time_zero": ("augmented weighting", "overlap weights, complete cases"),
    "later": (
        "truncated weights",
        "weights for missing outcomes",
        "clones without weights",
        "landmark",
    ),
}
"""Other estimators; the words of emulated trials are those of the kernel's columns."""
_CONFOUNDERS = ("site", "prognosis", "affluence", "trauma_history")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one estimator found in one study; NaN where it could not be estimated."""

    estimate: float = math.nan
    std_error: float = math.nan
    conf_low: float = math.nan
    conf_high: float = math.nan


def estimators(exposure: str) -> tuple[str, ...]:
    """Return the names of the estimators of an exposure: the default, those beside it, the naive comparison."""
    return (DEFAULTS[exposure], *BESIDE[exposure], NAIVE)


def one_study(design: SimulationDesign, cell: Cell, world: World, number: int) -> tuple[Answer, ...]:
    """Draw the patients of one study and return what each of `estimators` finds."""
    import numpy as np

    from katoutcomes.registry.synthetic.mechanism import draw_intake, draw_weeks, follow
    from katoutcomes.registry.synthetic.scenarios import find_mechanism

    patients, resamples = design.stream(cell.name, number).spawn(2)
    rng = np.random.Generator(np.random.PCG64(patients))
    scenario, mechanism = world.scenario(cell), find_mechanism(cell.mechanism)
    intake = draw_intake(rng, cell.n_patients, scenario, mechanism)
    course = follow(intake, draw_weeks(rng, cell.n_patients), scenario, mechanism)
    entropy = int(resamples.generate_state(1, np.uint64)[0])
    answers = _time_zero if cell.exposure == "time_zero" else _later
    return (*answers(design, intake, course, entropy), _ever_or_never(course, design.conf_level))


def _ever_or_never(course: Trajectory, conf_level: float) -> Answer:
    """Return Welch's difference of the scored who ever had integration and who never had it: immortal-time biased."""
    from katoutcomes.kernels.groups.welch import welch_difference

    ever, seen = course.session.any(axis=1), course.recorded[:, -1]
    score = course.score[:, -1].astype(float)
    found = welch_difference(score[seen & ever], score[seen & ~ever], conf_level)
    return Answer(found.estimate, found.std_error, found.conf_low, found.conf_high)


# --- known at time zero ----------------------------------------------------------------------------------------------


def _time_zero(design: SimulationDesign, intake: Intake, course: Trajectory, entropy: int) -> tuple[Answer, ...]:
    """Return what `compare_cohorts` finds with its defaults, and with two other choices, of the same resamples."""
    import numpy as np

    from katoutcomes.analyses.steps.comparison.arms import comparison
    from katoutcomes.kernels.weighting.comparison import (
        Recipe,
        arm_weights,
        contrasts,
        estimate_arms,
        starting_values,
    )

    try:
        arms = comparison(
            analysis_set(intake, course),
            visit=None,
            treatment=None,
            covariates=_CONFOUNDERS,
            in_care_until="in_care_until",
        ).arms
    except KatOutcomesError:
        return (Answer(),) * (1 + len(BESIDE["time_zero"]))
    usual, augmented, complete = Recipe(), Recipe(method="aipw"), Recipe(observation_weights=False)
    starts = starting_values(arms, usual)

    def differences(frequencies: Floats) -> Floats:
        weights = arm_weights(arms, usual, frequencies, starts)
        plain = replace(weights, observed=np.ones(frequencies.shape))
        estimates = [
            estimate_arms(arms, recipe, frequencies, starts, chosen).means
            for recipe, chosen in ((usual, weights), (augmented, weights), (complete, plain))
        ]
        return np.concatenate([contrasts(means) for means in estimates], axis=1)

    return _bootstrapped(design, differences, arms.arms.size, entropy)


def _bootstrapped(
    design: SimulationDesign, statistic: Callable[[Floats], Floats], n_patients: int, entropy: int
) -> tuple[Answer, ...]:
    """Return each column of a statistic with its percentile interval; NaN where that does not hold the estimate."""
    import numpy as np

    from katoutcomes.kernels.weighting.bootstrap import bootstrap, percentile_interval

    point = statistic(np.ones((1, n_patients)))[0]
    drawn = bootstrap(statistic, n_patients, design.n_bootstrap, entropy)
    answers = []
    for estimate, replicates in zip(point, drawn.T, strict=True):
        one = percentile_interval(replicates, design.conf_level)
        holds = one.conf_low <= estimate <= one.conf_high
        answers.append(Answer(float(estimate), one.std_error, one.conf_low, one.conf_high) if holds else Answer())
    return tuple(answers)


def _variables(intake: Intake) -> tuple[Variable, ...]:
    import numpy as np

    from katoutcomes.cohorts.analysis_set import Variable
    from katoutcomes.registry.synthetic.trajectories import SITES

    return (
        Variable("program", "Program", "category", intake.program.astype(np.float64), ("without", "with")),
        Variable("site", "Site", "category", intake.site.astype(np.float64), SITES),
        Variable("prognosis", "Prognosis", "number", intake.prognosis),
        Variable("affluence", "Affluence", "number", intake.affluence),
        Variable("trauma_history", "Trauma history", "flag", intake.trauma_history),
    )


def _shared() -> dict[str, Any]:
    from katoutcomes.instruments.catalog import instrument
    from katoutcomes.results.provenance import Provenance

    return {
        "instrument": instrument("PHQ-9"),
        "attrition": (),
        "cohort": "simulated",
        "population": "simulated patients",
        "provenance": Provenance("simulation", "0" * 64, (), is_synthetic=True),
    }


def analysis_set(intake: Intake, course: Trajectory) -> AnalysisSet:
    """Return the patients as `compare_cohorts` takes them: weekly scores, the program, the last day in care."""
    import numpy as np

    from katoutcomes.cohorts.analysis_set import AnalysisSet, Variable
    from katoutcomes.estimands.visit_window import VisitWindow

    last_day = 7.0 * course.in_care[:, :N_WEEKS].sum(axis=1)
    until = Variable("in_care_until", "Last day in care", "number", last_day, unit="days", known_by_day=7 * N_WEEKS)
    return AnalysisSet(
        visits=tuple(
            VisitWindow(f"week {week}", 7 * week, 7 * week - 2, 7 * week + 2) for week in range(1, N_WEEKS + 1)
        ),
        baseline=intake.baseline_score.astype(np.float64),
        scores=np.where(course.recorded, course.score.astype(np.float64), np.nan),
        variables=(*_variables(intake), until),
        treatment="program",
        **_shared(),
    )


# --- begun later -----------------------------------------------------------------------------------------------------


def _later(design: SimulationDesign, intake: Intake, course: Trajectory, entropy: int) -> tuple[Answer, ...]:
    """Return what `emulate_trial` finds with its defaults and the lines beside it; nothing where its gate is shut."""
    from katoutcomes.analyses.steps.emulation.data import emulation
    from katoutcomes.analyses.steps.emulation.feasibility import feasibility, feasibility_checks, is_feasible
    from katoutcomes.estimands.target_trial import TargetTrial
    from katoutcomes.kernels.emulation.estimators import ESTIMATES, emulated_estimates, emulation_starts

    columns = [ESTIMATES.index(name) for name in (DEFAULTS["later"], *BESIDE["later"])]
    trial = TargetTrial(confounders=(*_CONFOUNDERS, "program"))
    try:
        found = emulation(trial, emulation_set(intake, course), ())
        if not is_feasible(feasibility_checks(found, feasibility(found), trial.gate)):
            return (Answer(),) * len(columns)
    except KatOutcomesError:
        return (Answer(),) * len(columns)
    data, starts = found.data, emulation_starts(found.data)

    def differences(frequencies: Floats) -> Floats:
        return emulated_estimates(data, frequencies, starts)[:, columns]

    return _bootstrapped(design, differences, data.n_patients, entropy)


def emulation_set(intake: Intake, course: Trajectory, earlier: Sequence[VisitWindow] = ()) -> EmulationSet:
    """Return the patients as `emulate_trial` has them after reading a registry in which being in care is known.

    Parameters
    ----------
    intake : Intake
        The patients.
    course : Trajectory
        What happened to them.
    earlier : sequence of VisitWindow
        Visits before the last one, each meant for the last day of a week: that of its score.
    """
    import numpy as np

    from katoutcomes.cohorts.emulation.emulation_set import EarlierVisit, EmulationSet, weeks_until
    from katoutcomes.cohorts.emulation.weeks import last_scores

    baseline = intake.baseline_score.astype(np.float64)
    care = 7.0 * course.in_care[:, :N_WEEKS].sum(axis=1) - 1.0
    patient, week = np.nonzero(course.recorded)
    # A score ends its week; that of the last week is the outcome and comes after the last of these days.
    days = np.append(7 * np.arange(N_WEEKS), 7 * N_WEEKS - 1)
    total = course.score[patient, week].astype(np.float64)
    last = last_scores(baseline, patient, 7 * week + 7, total, care_day=np.where(care > 0, care - 6.0, 0.0), days=days)
    scores = np.where(course.recorded, course.score, np.nan).astype(np.float64)
    # In care at a visit is who was so in the week that ends with it; whether one leaves then depends on its score.
    at_visits = [(visit, weeks_until(visit) - 1) for visit in earlier]
    session_days: np.ndarray[Any, Any] = np.where(course.session, 7.0 * np.arange(N_WEEKS) + 2.0, np.nan)
    return EmulationSet(
        baseline=baseline,
        outcome=scores[:, -1],
        last_care_day=care,
        session=course.session,
        last_score=last,
        scored=course.recorded,
        session_days=np.sort(session_days, axis=1),
        dose_days=np.where(course.in_care[:, :6], 7.0 * np.arange(6), np.nan),
        other_care_day=care,
        has_left=~course.in_care[:, N_WEEKS - 1],
        variables=_variables(intake),
        care_is_given=True,
        patient=np.arange(intake.site.size),
        earlier=tuple(
            EarlierVisit(visit, scores[:, week], last[:, week], ~course.in_care[:, week]) for visit, week in at_visits
        ),
        **_shared(),
    )
