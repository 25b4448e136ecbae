"""Whether more integration helps more: arms of 0, 1, 2 ... weeks with a session, emulated side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.choices import require_conf_level
from katoutcomes.analyses.steps.dose_response.answers import answer_checks, answer_estimates, arm_answers
from katoutcomes.analyses.steps.dose_response.feasibility import (
    count_trial,
    feasibility_checks,
    feasibility_estimates,
)
from katoutcomes.analyses.steps.dose_response.words import assumptions_of, estimand_of, method_of, protocol_part
from katoutcomes.analyses.steps.emulation.data import emulation
from katoutcomes.analyses.steps.emulation.flow import flow_part
from katoutcomes.analyses.steps.emulation.words import warnings_of
from katoutcomes.analyses.steps.resamples import FEWEST_REPLICATES, entropy_of
from katoutcomes.errors import OptionError
from katoutcomes.estimands.session_counts import session_counts
from katoutcomes.estimands.strategies import StartIntegration
from katoutcomes.estimands.target_trial import START_GATE
from katoutcomes.results.result import Result

if TYPE_CHECKING:
    import numpy as np

    from katoutcomes.estimands.target_trial import FeasibilityGate, TargetTrial
    from katoutcomes.registry.registry import Registry


def session_dose_response(
    trial: TargetTrial,
    registry: Registry,
    *,
    most: int = 2,
    covariates: Sequence[str] = (),
    in_care_until: Mapping[str, int] | None = None,
    gate: FeasibilityGate | None = None,
    n_bootstrap: int = 1000,
    rng: np.random.Generator | int,
    conf_level: float = 0.95,
    n_workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Compare numbers of weeks with integration as a trial with several arms would have.

    Whoever stays longer has more sessions, so a regression on their number shows a benefit where there is none. Here
    every patient has a copy in each arm: no session, exactly 1 week with one, ... , `most` weeks or more, by the day of
    the trial and while in care. Copies are censored and weighted as in `emulate_trial`, from one model of sessions.

    Parameters
    ----------
    trial : TargetTrial
        Who is eligible, the confounders, the day by which it is decided (that of a `StartIntegration`), the outcome.
    registry : Registry
        The clinic's records.
    most : int, default 2
        The last arm: so many weeks or more.
    covariates : sequence of str
        Confounders beside those that the trial names.
    in_care_until : mapping of str to int, optional
        For every patient the last day in care, as days of the registry.
    gate : FeasibilityGate, optional
        What each arm needs; an arm that has less is "not estimable" and the others stand.
    n_bootstrap : int, default 1000
        Resamples of patients, at least 100.
    rng : numpy.random.Generator or int
        Source of the random numbers, or a seed.
    conf_level : float, default 0.95
        Level of the intervals.
    n_workers : int, default 1
        Threads of the bootstrap.
    progress : callable, optional
        Called with resamples done and in all.

    Returns
    -------
    Result
        Differences of all pairs of arms (more weeks minus fewer) with Holm's p-values, the linear trend over the arms
        with an interval of the same resamples, the adjusted means, followers and weights of each arm. NaN for arms that
        the gate keeps out, of which no outcome has been looked at.

    Raises
    ------
    DesignError
        If a confounder is known only after time zero, nobody is eligible, or there are not so many weeks.
    OptionError
        If an option is unknown, or the trial's strategy is not a `StartIntegration`.

    References
    ----------
    Cain LE, et al. Int J Biostat 2010;6(2):18. doi:10.2202/1557-4679.1212.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=1, n_patients=500, scenario="null", mechanism="start")
    >>> trial = kat.TargetTrial(confounders=("site", "program_booked", "covariate_affluence"))
    >>> result = kat.session_dose_response(trial, registry, n_bootstrap=100, rng=1)
    >>> [one.term for one in result.select(measure="difference in means")][0]
    'emulated arms: 1 week minus no session'
    """
    from katoutcomes.cohorts.emulation.sequential import trial_patients

    require_conf_level(conf_level)
    if n_bootstrap < FEWEST_REPLICATES or n_workers < 1:
        raise OptionError(f"n_bootstrap must be at least {FEWEST_REPLICATES} (1000 is usual) and n_workers at least 1.")
    if not isinstance(trial.strategy, StartIntegration):
        raise OptionError(
            "the arms count weeks with a session by a day: give a trial with a StartIntegration strategy."
        )
    strategies, entropy = session_counts(most, trial.by_day), entropy_of(rng)
    found = emulation(trial, trial_patients(trial, registry, in_care_until=in_care_until), covariates)
    counted = count_trial(found, strategies, START_GATE if gate is None else gate)
    checks, means = feasibility_checks(counted), None
    if sum(counted.is_feasible) >= 2:
        means = arm_answers(
            found,
            counted,
            n_bootstrap=n_bootstrap,
            entropy=entropy,
            conf_level=conf_level,
            n_workers=n_workers,
            progress=progress,
        )
        checks = (*checks, *answer_checks(counted, means))
    estimates = (*answer_estimates(found, counted, means), *feasibility_estimates(found, counted))
    scale, cohort = found.found.instrument.name, found.found.cohort
    return Result(
        analysis="session_dose_response",
        title=f"Weeks with integration, emulated side by side: {scale} at {trial.visit.name}",
        estimand=estimand_of(found, strategies),
        method=method_of(found, n_bootstrap, conf_level),
        estimates=tuple(replace(one, instrument=scale, cohort=cohort) for one in estimates),
        provenance=found.found.provenance,
        parts=(protocol_part(trial, strategies), flow_part(found)),
        assumptions=assumptions_of(found),
        checks=checks,
        warnings=warnings_of(found, has_control=True),
    )
