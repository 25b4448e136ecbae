"""The first nature of a synthetic clinic: everything is linear on the scale of the score or of log odds.

Formulas and words: docs/methods/synthetic_clinic.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.registry.synthetic.trajectories import N_DOSING_WEEKS, SITES, Intake, Week, as_score, expit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.registry.synthetic.scenarios import Scenario, SessionMechanism

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

# The clinics that book integration most are those whose patients improve fastest: confounding by clinic.
_SITE_SLOWNESS = np.array([-0.8, -0.4, 0.0, 0.4, 0.8])
_SITE_BOOKING = np.array([0.9, 0.3, 0.0, -0.3, -0.9])


def entry(uniforms: Floats, normals: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return the true state and the observed score of candidates."""
    trauma_history = uniforms[:, 1] < 0.4
    true_state = 14.0 - 0.8 * normals[:, 1] + 1.5 * trauma_history + 3.6 * normals[:, 3]
    return true_state, as_score(true_state + 2.3 * normals[:, 4])


def intake(uniforms: Floats, normals: Floats, scenario: Scenario) -> Intake:
    """Return what is fixed before the first dose."""
    prognosis, affluence, motivation = normals[:, 0], normals[:, 1], normals[:, 2]
    site = (uniforms[:, 0] * len(SITES)).astype(np.int64)
    trauma_history = (uniforms[:, 1] < 0.4).astype(np.float64)
    true_state, baseline_score = entry(uniforms, normals)
    booking_probability = expit(
        -0.1
        + _SITE_BOOKING[site]
        + 0.7 * affluence
        + 0.5 * trauma_history
        + 0.06 * (baseline_score - 16)
        + scenario.motivation_log_odds * motivation
    )
    weekly_improvement = 1.0 + 0.15 * affluence - 0.3 * trauma_history - 0.22 * _SITE_SLOWNESS[site] + 0.05 * prognosis
    if scenario.motivation_log_odds != 0.0:
        weekly_improvement = weekly_improvement + 0.35 * motivation
    return Intake(
        site=site,
        prognosis=prognosis,
        affluence=affluence,
        trauma_history=trauma_history,
        motivation=motivation,
        true_state=true_state,
        baseline_score=baseline_score,
        booking_probability=booking_probability,
        program=(uniforms[:, 2] < booking_probability).astype(np.int64),
        weekly_improvement=weekly_improvement,
    )


def session_probability(people: Intake, week: Week, scenario: Scenario, mechanism: SessionMechanism) -> Floats:
    """Return the probability of a session of those in care."""
    return expit(
        mechanism.intercept
        + mechanism.program_log_odds * week.program
        + 0.07 * (week.last_score - 12.0)
        + 0.3 * people.affluence
        + 0.3 * people.trauma_history
        + 0.5 * week.session_before
        + scenario.motivation_log_odds * people.motivation
    )


def drift(people: Intake, week: Week, session: Flags, scenario: Scenario) -> Floats:
    """Return the expected movement of the true state in a week."""
    towards_start = people.true_state - week.state
    natural = -people.weekly_improvement if week.number < N_DOSING_WEEKS else 0.04 * towards_start
    return np.where(week.in_care, natural - scenario.session_effect_points * session, 0.15 * towards_start)


def state_error(_state: Floats, normal: Floats) -> Floats:
    """Return the state's own movement, from a standard normal number."""
    return np.asarray(0.9 * normal)


def score_error(_state: Floats, normal: Floats) -> Floats:
    """Return the error of measurement, from a standard normal number."""
    return np.asarray(1.8 * normal)


def recording_probability(_people: Intake, week: Week, state: Floats, scenario: Scenario) -> Floats:
    """Return the probability that the score at the end of the week is recorded; `state` is that at its end."""
    return expit(
        np.where(week.in_care, 1.8, -1.1)
        + scenario.recording_shift
        - 0.03 * (week.last_score - 12.0)
        + scenario.recording_log_odds * (state - 10.0)
    )


def leaving_probability(people: Intake, week: Week, scenario: Scenario) -> Floats:
    """Return the probability of leaving care after the week."""
    any_session = week.n_sessions > 0
    return expit(
        -3.2 + 0.10 * (week.last_score - 10.0) - 0.3 * people.affluence + scenario.leaving_log_odds * any_session
    )
