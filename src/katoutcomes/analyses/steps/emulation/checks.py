"""Whether an emulated trial may be reported: what its diagnostics say, each with a limit that has a name."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.checks import paired_completeness_check
from katoutcomes.analyses.steps.cohort_checks import completeness_difference_check
from katoutcomes.analyses.steps.emulation.flow import fewest_followers
from katoutcomes.analyses.steps.leaving_checks import difference_in_leaving_check, outcomes_known_check
from katoutcomes.estimands.leaving_care import COMPOSITE, WHILE_IN_CARE
from katoutcomes.results.check import Check

if TYPE_CHECKING:
    from katoutcomes.analyses.steps.emulation.balance import EmulationBalance
    from katoutcomes.analyses.steps.emulation.data import Emulation
    from katoutcomes.analyses.steps.emulation.feasibility import Feasibility

BALANCE_LIMIT = 0.1
"""Largest standardized mean difference of the weighted followers (Austin 2009)."""
WEEKLY_BALANCE_LIMIT = 0.25
"""The same of the last score in a single week, which rests on few."""
FEWEST_IN_A_WEEK = 11
"""Weeks in which fewer had a session, or had none, say nothing about balance."""
OVERLAP_CAUTION, OVERLAP_WITHHOLD = 0.5, 0.1
POSITIVITY_LIMIT = 0.1
"""Share of the person-weeks in which a session was less likely than 0.05 or likelier than 0.95."""
MEAN_WEIGHT_LIMIT = 0.25
"""How far the mean weight of an arm, over all copies, may be from 1."""
SMALLEST_CELL = 3


def diagnostic_checks(found: Emulation, feasible: Feasibility, shown: EmulationBalance) -> tuple[Check, ...]:
    """Return what the diagnostics say before any outcome is looked at: alike, possible, weighted, measured."""
    return (
        _balance(shown),
        _weekly_balance(shown),
        _overlap(shown),
        _positivity(shown),
        _mean_weight(feasible),
        _levels(found),
        *_completeness(found, feasible),
    )


def _check(name: str, value: float, limit: float, words: tuple[str, str], *, passed: bool, severity: str) -> Check:
    return Check(name, passed, severity, value, limit, words[0] if passed else words[1])


def _balance(shown: EmulationBalance) -> Check:
    largest = float(abs(shown.after.smd).max())
    words = (
        "As analyzed, the followers of both strategies are alike in every covariate.",
        (
            "As analyzed, the followers of both strategies still differ in a covariate; the adjustment for it relies "
            "on the model."
        ),
    )
    passed = largest <= BALANCE_LIMIT
    return _check("balance", largest, BALANCE_LIMIT, words, passed=passed, severity="caution")


def _weekly_balance(shown: EmulationBalance) -> Check:
    weekly = shown.by_week
    enough = (weekly.n_with >= FEWEST_IN_A_WEEK) & (weekly.n_without >= FEWEST_IN_A_WEEK)
    largest = float(abs(weekly.weighted[enough]).max(initial=0.0))
    words = (
        "In each week those with a session and those without had like last scores, as weighted.",
        (
            "In some week those with a session and those without had unlike last scores even as weighted; the model of "
            "sessions fits that week badly."
        ),
    )
    passed = largest <= WEEKLY_BALANCE_LIMIT
    return _check("balance by week", largest, WEEKLY_BALANCE_LIMIT, words, passed=passed, severity="caution")


def _overlap(shown: EmulationBalance) -> Check:
    value = shown.overlap
    is_tiny = value < OVERLAP_WITHHOLD
    # Where nothing predicts sessions the probabilities are all alike: there are no densities, and no doubt.
    passed = math.isnan(value) or value >= OVERLAP_CAUTION
    words = (
        "Patients of the same kinds had a session in some weeks and none in others.",
        "Weeks with and without a session belong to largely different kinds of patients.",
    )
    limit = OVERLAP_WITHHOLD if is_tiny else OVERLAP_CAUTION
    return _check("overlap", value, limit, words, passed=passed, severity="withhold" if is_tiny else "caution")


def _positivity(shown: EmulationBalance) -> Check:
    words = (
        "Nearly all patients in care could have had a session in a week, and none.",
        "In many weeks a patient could hardly have had a session, or hardly none.",
    )
    passed = shown.share_outside <= POSITIVITY_LIMIT
    return _check("positivity", shown.share_outside, POSITIVITY_LIMIT, words, passed=passed, severity="caution")


def _mean_weight(feasible: Feasibility) -> Check:
    means = [float(weights.mean()) for weights in feasible.weights]
    furthest = max(means, key=lambda mean: abs(mean - 1.0))
    words = (
        "The weights of each arm add up to about everybody in the trial.",
        "The weights of an arm do not add up to everybody in the trial: the model of sessions, or positivity, fails.",
    )
    passed = abs(furthest - 1.0) <= MEAN_WEIGHT_LIMIT
    return _check("mean weight", furthest, 1.0 + MEAN_WEIGHT_LIMIT, words, passed=passed, severity="caution")


def _levels(found: Emulation) -> Check:
    smallest = min((fewest for _, fewest in fewest_followers(found, or_none=True)), default=math.nan)
    words = (
        "Every level of every covariate has followers of both strategies.",
        (
            "A level of a covariate has hardly any followers of a strategy: its patients can say little about the "
            "difference."
        ),
    )
    passed = math.isnan(smallest) or smallest >= SMALLEST_CELL
    return _check(
        "levels in every arm", float(smallest), float(SMALLEST_CELL), words, passed=passed, severity="caution"
    )


def _completeness(found: Emulation, feasible: Feasibility) -> tuple[Check, ...]:
    if found.trial.left_care == WHILE_IN_CARE:
        return (difference_in_leaving_check(_left_shares(found, feasible)),)
    if found.trial.left_care == COMPOSITE:
        return (outcomes_known_check(float(found.data.is_observed.mean())),)
    where = f"a visit {found.when}" if found.days else found.when
    observed = min((one.is_observed for one in found.outcomes), key=found.people)
    shares = [float(observed[arm.followed].mean()) if arm.followed.any() else 0.0 for arm in found.data.arms]
    return (
        paired_completeness_check(found.people(observed), found.n_patients, where),
        completeness_difference_check(max(shares) - min(shares)),
    )


def _left_shares(found: Emulation, feasible: Feasibility) -> list[float]:
    """Return the share of the followers of each strategy who had left care by the visit, as weighted."""
    left = found.found.has_left
    return [float(one @ left / one.sum()) if one.any() else 0.0 for one in feasible.weights]


def control_check(estimate: float, conf_low: float, conf_high: float) -> Check:
    """Return whether the negative control is as it must be.

    Examples
    --------
    >>> control_check(0.1, -0.4, 0.6).passed, control_check(0.9, 0.2, 1.6).passed
    (True, False)
    """
    words = (
        "On the negative control the same method finds nothing, as it should.",
        (
            "On the negative control the same method finds a difference that the strategies cannot have made, so the "
            "followers differ in something that is not adjusted for."
        ),
    )
    has_interval = not (math.isnan(conf_low) or math.isnan(conf_high) or math.isnan(estimate))
    passed = has_interval and conf_low <= 0.0 <= conf_high
    return _check("negative control", math.nan, math.nan, words, passed=passed, severity="caution")
