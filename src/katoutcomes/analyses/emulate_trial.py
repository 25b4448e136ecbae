"""What difference integration makes that began after time zero: a trial emulated from the clinic's records."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.emulation.answers import (
    Beside,
    answer_checks,
    answer_estimates,
    answers,
    control_estimate,
    diary_part,
    unanswered,
)
from katoutcomes.analyses.steps.emulation.balance import balance_estimates, emulation_balance, overlap_estimates
from katoutcomes.analyses.steps.emulation.checks import control_check, diagnostic_checks
from katoutcomes.analyses.steps.emulation.data import control_values, emulation
from katoutcomes.analyses.steps.emulation.feasibility import (
    count_estimates,
    event_estimates,
    feasibility,
    feasibility_checks,
    is_feasible,
    power_estimates,
)
from katoutcomes.analyses.steps.emulation.flow import by_week_part, fewest_part, flow_part
from katoutcomes.analyses.steps.emulation.gaps import gaps_part
from katoutcomes.analyses.steps.emulation.leaving import leaving_estimates, leaving_part
from katoutcomes.analyses.steps.emulation.modifiers import modifier_estimates, modifiers_of
from katoutcomes.analyses.steps.emulation.sensitivity import missing_score_estimates, sensitivity_estimates
from katoutcomes.analyses.steps.emulation.weights import weight_estimates
from katoutcomes.analyses.steps.emulation.words import (
    assumptions_of,
    estimand_of,
    method_of,
    protocol_part,
    title_of,
    warnings_of,
)
from katoutcomes.analyses.steps.resamples import Resampling, entropy_of
from katoutcomes.errors import OptionError
from katoutcomes.results.result import Result

if TYPE_CHECKING:
    import numpy as np

    from katoutcomes.analyses.steps.emulation.data import Emulation
    from katoutcomes.estimands.target_trial import FeasibilityGate, TargetTrial
    from katoutcomes.registry.registry import Registry
    from katoutcomes.results.check import Check
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.part import Part


def emulate_trial(
    trial: TargetTrial,
    registry: Registry,
    *,
    covariates: Sequence[str] = (),
    in_care_until: Mapping[str, int] | None = None,
    gate: FeasibilityGate | None = None,
    modifiers: Sequence[str] = (),
    negative_control: str | None = None,
    smallest_important: float = math.nan,
    n_bootstrap: int = 1000,
    rng: np.random.Generator | int,
    conf_level: float = 0.95,
    n_workers: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Result:
    """Estimate the effect of integration that begins after the first dose, as a trial would have found it.

    Whether somebody "had integration" is known only later, and whoever leaves early cannot have it; comparing those who
    ever had it with those who never did shows a benefit where there is none. Here every patient has a copy in both
    arms from the first dose on; a copy is censored when its patient departs from the strategy, and weights stand in for
    the censored. Before any outcome is looked at it is decided whether the records can answer.

    Parameters
    ----------
    trial : TargetTrial
        The question, written down beforehand.
    registry : Registry
        The clinic's records.
    covariates : sequence of str
        Confounders beside those that the trial names.
    in_care_until : mapping of str to int, optional
        For every patient the last day in care, as days of the registry. Without it, the day of the last session.
    gate : FeasibilityGate, optional
        What must be there for an answer; by default that of the trial.
    modifiers : sequence of str
        Up to three of the covariates, or ``"baseline_score"``, on which the effect may depend, declared beforehand:
        effects by level and differences of effects.
    negative_control : str, optional
        A number or flag, known at time zero and no covariate, that the strategies cannot have changed; the same method
        should find nothing on it.
    smallest_important : float, optional
        A difference above 0, in points (days, or a share, as the outcome is), below which nothing matters to a patient;
        used for the tipping point.
    n_bootstrap : int, default 1000
        Resamples of patients, at least 100.
    rng : numpy.random.Generator or int
        Source of the random numbers, or a seed. The same seed gives the same bytes, whatever `n_workers` is.
    conf_level : float, default 0.95
        Level of the intervals.
    n_workers : int, default 1
        Threads of the bootstrap.
    progress : callable, optional
        Called with resamples done and in all.

    Returns
    -------
    Result
        First how small a difference the records could find; then the difference of the mean scores (or shares, or days
        in response, as the trial asks) and both means, the same with truncated weights, with weights for missing scores
        and by augmented weighting, the E-value, the bias diary (what other comparisons would have shown, and why), who
        followed which strategy, and the weights. Where the gate is shut the difference is NaN, the verdict is
        "withhold", and no outcome has been looked at.

    Raises
    ------
    DesignError
        If a confounder is known only after time zero, or nobody is eligible.
    DataError
        If the last day in care is not given for every patient.
    OptionError
        If an option or a name is unknown.

    References
    ----------
    Hernan MA, Robins JM. Am J Epidemiol 2016;183:758-764. doi:10.1093/aje/kwv254.
    Maringe C, et al. Int J Epidemiol 2020;49:1719-1729. doi:10.1093/ije/dyaa057.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=1, n_patients=400, scenario="null", mechanism="start")
    >>> trial = kat.TargetTrial(confounders=("site", "program_booked", "covariate_affluence"))
    >>> result = kat.emulate_trial(trial, registry, n_bootstrap=100, rng=1)
    >>> difference = result.select(term="emulated trial")[0]
    >>> difference.conf_low < 0.0 < difference.conf_high
    True
    """
    from katoutcomes.cohorts.emulation.sequential import trial_patients

    if not math.isnan(smallest_important) and not smallest_important > 0.0:
        raise OptionError("smallest_important is above 0.")
    resampling = Resampling(n_bootstrap, entropy_of(rng), conf_level, n_workers, progress)
    found = emulation(trial, trial_patients(trial, registry, in_care_until=in_care_until), covariates)
    control = control_values(found, negative_control)
    beside = Beside(control, modifiers_of(found, modifiers), negative_control or "", smallest_important)
    return _result(found, beside, resampling, trial.gate if gate is None else gate)


def _result(found: Emulation, beside: Beside, resampling: Resampling, gate: FeasibilityGate) -> Result:
    """Decide whether the records can answer, answer if they can, and say what stands beside it."""
    feasible = feasibility(found)
    shown = emulation_balance(found, feasible)
    gated = feasibility_checks(found, feasible, gate)
    answered = _answered(found, beside, resampling, is_open=is_feasible(gated))
    estimates = (
        *power_estimates(found, feasible),
        *answered.estimates,
        *count_estimates(found),
        *missing_score_estimates(found, resampling.conf_level),
        *leaving_estimates(found, resampling.conf_level),
        *weight_estimates(found, feasible),
        *overlap_estimates(found, feasible, shown),
        *balance_estimates(found, shown),
    )
    scale, cohort = found.found.instrument.name, found.found.cohort
    return Result(
        analysis="emulate_trial",
        title=title_of(found),
        estimand=estimand_of(found),
        method=method_of(found, resampling.n_bootstrap, resampling.conf_level),
        estimates=tuple(replace(one, instrument=scale, cohort=cohort) for one in estimates),
        provenance=found.found.provenance,
        parts=(
            protocol_part(found.trial),
            flow_part(found),
            by_week_part(found),
            *leaving_part(found),
            *gaps_part(found),
            *fewest_part(found),
            *answered.parts,
        ),
        assumptions=assumptions_of(found),
        checks=(*gated, *diagnostic_checks(found, feasible, shown), *answered.checks),
        warnings=warnings_of(found, has_control=beside.control is not None),
    )


@dataclass(frozen=True, slots=True)
class _Answered:
    """What is there only where the gate is open, or in its place."""

    estimates: tuple[Estimate, ...]
    checks: tuple[Check, ...] = ()
    parts: tuple[Part, ...] = ()


def _answered(found: Emulation, beside: Beside, resampling: Resampling, *, is_open: bool) -> _Answered:
    """Return the answer, what stands beside it, and the checks of both; a difference without a number if shut."""
    if not is_open:
        return _Answered((unanswered(found),))
    got = answers(found, beside, resampling)
    estimates = [
        *answer_estimates(found, got),
        *modifier_estimates(found, got, beside.modifiers),
        *sensitivity_estimates(found, got, beside.smallest_important),
        *event_estimates(found),
    ]
    checks = answer_checks(got)
    if beside.control is not None:
        on_control = control_estimate(found, got, beside.control_name)
        estimates.append(on_control)
        checks = (*checks, control_check(on_control.estimate, on_control.conf_low, on_control.conf_high))
    return _Answered(tuple(estimates), checks, (diary_part(),))
