"""What difference integration makes that began after time zero: a trial emulated from the clinic's records."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.choices import require_conf_level
from katoutcomes.analyses.steps.comparison.choices import FEWEST_REPLICATES, entropy_of
from katoutcomes.analyses.steps.emulation.answers import (
    answer_checks,
    answer_estimates,
    answers,
    diary_part,
    unanswered,
)
from katoutcomes.analyses.steps.emulation.data import emulation
from katoutcomes.analyses.steps.emulation.feasibility import (
    feasibility,
    feasibility_checks,
    feasibility_estimates,
    is_feasible,
)
from katoutcomes.analyses.steps.emulation.words import (
    assumptions_of,
    estimand_of,
    method_of,
    protocol_part,
    warnings_of,
)
from katoutcomes.errors import OptionError
from katoutcomes.results.result import Result

if TYPE_CHECKING:
    import numpy as np

    from katoutcomes.estimands.target_trial import FeasibilityGate, TargetTrial
    from katoutcomes.registry.registry import Registry


def emulate_trial(
    trial: TargetTrial,
    registry: Registry,
    *,
    covariates: Sequence[str] = (),
    in_care_until: Mapping[str, int] | None = None,
    gate: FeasibilityGate | None = None,
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
        First how small a difference the records could find; then the difference of the mean scores and both means, the
        same with truncated weights, with weights for missing scores and by augmented weighting, the E-value, the bias
        diary (what other comparisons would have shown, and why), who followed which strategy, and the weights. Where
        the gate is shut the difference is NaN, the verdict is "withhold", and no outcome has been looked at.

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
    from katoutcomes.cohorts.emulation.compile_trial import emulation_set

    require_conf_level(conf_level)
    if n_bootstrap < FEWEST_REPLICATES or n_workers < 1:
        raise OptionError(f"n_bootstrap must be at least {FEWEST_REPLICATES} (1000 is usual) and n_workers at least 1.")
    entropy = entropy_of(rng)
    found = emulation(trial, emulation_set(trial, registry, in_care_until=in_care_until), covariates)
    feasible = feasibility(found)
    checks = feasibility_checks(found, feasible, trial.gate if gate is None else gate)
    before = tuple(feasibility_estimates(found, feasible))
    parts = [protocol_part(trial)]
    if is_feasible(checks):
        got = answers(
            found,
            n_bootstrap=n_bootstrap,
            entropy=entropy,
            conf_level=conf_level,
            n_workers=n_workers,
            progress=progress,
        )
        estimates = (*before[:1], *answer_estimates(found, got), *before[1:])
        checks = (*checks, *answer_checks(got))
        parts.append(diary_part())
    else:
        estimates = (*before, unanswered(found))
    scale, cohort = found.found.instrument.name, found.found.cohort
    return Result(
        analysis="emulate_trial",
        title=f"Emulated trial of integration: {scale} at {trial.visit.name}",
        estimand=estimand_of(found),
        method=method_of(found, n_bootstrap, conf_level),
        estimates=tuple(replace(one, instrument=scale, cohort=cohort) for one in estimates),
        provenance=found.found.provenance,
        parts=tuple(parts),
        assumptions=assumptions_of(found),
        checks=checks,
        warnings=warnings_of(found),
    )
