"""Whether more integration helps more: arms of 0, 1, 2 ... weeks with a session, emulated side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.dose_response.answers import answer_estimates, arm_answers, doubts
from katoutcomes.analyses.steps.dose_response.feasibility import (
    count_estimates,
    count_trial,
    diagnostic_estimates,
    diagnostic_parts,
    feasibility_checks,
    power_estimates,
)
from katoutcomes.analyses.steps.dose_response.words import assumptions_of, estimand_of, method_of, protocol_part
from katoutcomes.analyses.steps.emulation.answers import Beside
from katoutcomes.analyses.steps.emulation.data import control_values, emulation
from katoutcomes.analyses.steps.emulation.flow import flow_part
from katoutcomes.analyses.steps.emulation.sensitivity import missing_score_estimates, regression_to_the_mean_estimates
from katoutcomes.analyses.steps.emulation.words import warnings_of
from katoutcomes.analyses.steps.resamples import Resampling, entropy_of
from katoutcomes.errors import OptionError
from katoutcomes.estimands.session_counts import session_counts
from katoutcomes.estimands.strategies import StartIntegration
from katoutcomes.estimands.target_trial import START_GATE, TargetTrial
from katoutcomes.results.result import Result

if TYPE_CHECKING:
    import numpy as np

    from katoutcomes.analyses.steps.dose_response.feasibility import CountTrial
    from katoutcomes.analyses.steps.emulation.data import Emulation
    from katoutcomes.estimands.target_trial import FeasibilityGate
    from katoutcomes.registry.registry import Registry
    from katoutcomes.results.check import Check
    from katoutcomes.results.estimate import Estimate


def session_dose_response(
    trial: TargetTrial,
    registry: Registry,
    *,
    most: int = 2,
    covariates: Sequence[str] = (),
    in_care_until: Mapping[str, int] | None = None,
    gate: FeasibilityGate | None = None,
    negative_control: str | None = None,
    smallest_important: float = math.nan,
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
    negative_control : str, optional
        A number or flag, known at time zero and no covariate, that the strategies cannot have changed; the same method
        should find nothing on it.
    smallest_important : float, optional
        A difference, in points and above 0, below which nothing matters to a patient; used for the tipping point.
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
        First how small a difference of each pair of arms the records could find. Then the differences of all pairs
        (more weeks minus fewer) with Holm's p-values, the linear trend over the arms with an interval of the same
        resamples, and the adjusted means; for each pair, what `emulate_trial` prints beside its answer; followers,
        departures by week and weights of each arm. NaN for arms that the gate keeps out, of which no outcome has been
        looked at.

    Raises
    ------
    DesignError
        If a confounder is known only after time zero, nobody is eligible, or there are not so many weeks.
    OptionError
        If an option is unknown, no trial is given, or its strategy is not a `StartIntegration`.

    References
    ----------
    Cain LE, et al. Int J Biostat 2010;6(2):18. doi:10.2202/1557-4679.1212.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=1, n_patients=500, scenario="null", mechanism="start")
    >>> trial = kat.TargetTrial(confounders=("site", "program_booked", "covariate_affluence"))
    >>> result = kat.session_dose_response(trial, registry, n_bootstrap=100, rng=1)
    >>> [one.treatment for one in result.select(measure="difference in means") if one.term.startswith("emulated arms")]
    ['1 week', '2 weeks or more', '2 weeks or more']
    """
    from katoutcomes.cohorts.emulation.sequential import trial_patients

    resampling = Resampling(n_bootstrap, entropy_of(rng), conf_level, n_workers, progress)
    if not isinstance(trial, TargetTrial):
        raise OptionError(
            "a TargetTrial comes first, then a Registry: session_dose_response(kat.TargetTrial(), registry, rng=1)."
        )
    if not isinstance(trial.strategy, StartIntegration):
        raise OptionError(
            "the arms count weeks with a session by a day: give a trial with a StartIntegration strategy."
        )
    if not math.isnan(smallest_important) and not smallest_important > 0.0:
        raise OptionError("smallest_important is above 0.")
    strategies = session_counts(most, trial.by_day)
    found = emulation(trial, trial_patients(trial, registry, in_care_until=in_care_until), covariates)
    control = control_values(found, negative_control)
    beside = Beside(control, control_name=negative_control or "", smallest_important=smallest_important)
    limits = START_GATE if gate is None else gate
    counted = count_trial(found, strategies, limits)
    checks = feasibility_checks(counted, limits)
    answered, further_checks = _answered(counted, beside, resampling)
    estimates = (
        *power_estimates(counted),
        *answered,
        *regression_to_the_mean_estimates(found),
        *count_estimates(counted),
        *missing_score_estimates(found, conf_level),
        *diagnostic_estimates(counted, conf_level),
    )
    return Result(
        analysis="session_dose_response",
        title=_title(found),
        estimand=estimand_of(found, strategies),
        method=method_of(found, n_bootstrap, conf_level),
        estimates=tuple(
            replace(one, instrument=found.found.instrument.name, cohort=found.found.cohort) for one in estimates
        ),
        provenance=found.found.provenance,
        parts=(protocol_part(trial, strategies), flow_part(found), *diagnostic_parts(counted)),
        assumptions=assumptions_of(found),
        checks=(*checks, *further_checks),
        warnings=warnings_of(found, has_control=negative_control is not None),
    )


def _title(found: Emulation) -> str:
    return f"Weeks with integration, emulated side by side: {found.found.instrument.name} at {found.trial.visit.name}"


def _answered(
    counted: CountTrial, beside: Beside, resampling: Resampling
) -> tuple[tuple[Estimate, ...], tuple[Check, ...]]:
    """Return the answer with what stands beside it and its checks; estimates without numbers where the gate is shut."""
    if not counted.open_pairs:
        return tuple(answer_estimates(counted, None)), ()
    got = arm_answers(counted, beside.control, resampling)
    estimates, checks = doubts(counted, got, beside)
    return (*answer_estimates(counted, got), *estimates), checks
