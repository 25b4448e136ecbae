"""The second nature of a synthetic clinic: thresholds, proportions, skewed errors, leaving because one is well.

Nothing in it is linear where an analysis of covariance or a logistic model with main effects would expect a line. It
was written down before any estimator was run on it, and not changed afterwards. Formulas and words:
docs/methods/synthetic_clinic.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.registry.synthetic.trajectories import Intake, Week, as_score, expit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.registry.synthetic.scenarios import Scenario, SessionMechanism

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

# One large clinic, two of middle size, two small ones; booking habit, speed and sessions do not go in step.
_SITE_UNTIL = np.array([0.40, 0.65, 0.80, 0.92, 1.0])
_SITE_BOOKING = np.array([0.3, 0.8, -0.9, -0.2, 0.5])
_SITE_SPEED = np.array([-0.10, 0.25, -0.30, 0.0, 0.30])
_SITE_SESSIONS = np.array([0.3, -0.2, 0.0, 0.2, -0.3])
_WEEKLY_FALL = np.array([0.10, 0.09, 0.08, 0.06, 0.04, 0.03])
"""Share of the level lost in each dosing week: most of it early."""
_TRAUMA_SHARE = 0.3
_SATIATION = 0.85
"""Each week with integration is worth this share of the one before."""


def skewed(normal: Floats, shape: float) -> Floats:
    """Return a shifted log-normal number with mean 0 and SD 1 from a standard normal one; skewed to the right."""
    spread = np.exp(shape**2)
    return np.asarray((np.exp(shape * normal) - np.sqrt(spread)) / np.sqrt((spread - 1.0) * spread))


def entry(uniforms: Floats, normals: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return the true state and the observed score of candidates."""
    affluence = normals[:, 1]
    true_state = (
        14.5
        + 3.7 * skewed(normals[:, 3], 0.45)
        + 1.2 * (uniforms[:, 1] < _TRAUMA_SHARE)
        - 0.5 * (affluence + 0.4 * (affluence**2 - 1.0))
    )
    return true_state, as_score(true_state + 2.4 * skewed(normals[:, 4], 0.5))


def intake(uniforms: Floats, normals: Floats, scenario: Scenario) -> Intake:
    """Return what is fixed before the first dose; `weekly_improvement` is relative to the usual one."""
    prognosis, affluence, motivation = normals[:, 0], normals[:, 1], normals[:, 2]
    site = np.searchsorted(_SITE_UNTIL, uniforms[:, 0], side="right").astype(np.int64)
    trauma_history = (uniforms[:, 1] < _TRAUMA_SHARE).astype(np.float64)
    true_state, baseline_score = entry(uniforms, normals)
    booking_probability = expit(
        -0.2
        + _SITE_BOOKING[site]
        + 0.8 * np.tanh(affluence)
        + 0.6 * (baseline_score >= 20)
        - 0.5 * trauma_history * (affluence < 0.0)
        + scenario.motivation_log_odds * motivation
    )
    log_speed = (
        0.2 * np.tanh(affluence)
        - 0.3 * trauma_history
        + _SITE_SPEED[site]
        + 0.15 * prognosis
        - 0.10 * (prognosis**2 - 1.0)
    )
    if scenario.motivation_log_odds != 0.0:
        log_speed = log_speed + 0.3 * motivation
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
        weekly_improvement=np.exp(log_speed),
    )


def session_probability(people: Intake, week: Week, scenario: Scenario, mechanism: SessionMechanism) -> Floats:
    """Return the probability of a session of those in care."""
    return expit(
        mechanism.intercept
        + mechanism.program_log_odds * week.program
        + 0.6 * (week.last_score >= 15)
        - 0.6 * (week.last_score <= 5)
        + 0.4 * np.tanh(people.affluence)
        + 0.3 * people.trauma_history
        + _SITE_SESSIONS[people.site]
        + 0.6 * week.session_before
        + scenario.motivation_log_odds * people.motivation
    )


def drift(people: Intake, week: Week, session: Flags, scenario: Scenario) -> Floats:
    """Return the expected movement of the true state in a week: shares of the level, not points."""
    level = np.maximum(week.state, 0.0)
    towards_start = people.true_state - week.state
    if week.number < _WEEKLY_FALL.size:
        natural = -_WEEKLY_FALL[week.number] * people.weekly_improvement * level
    else:
        is_responder = week.state <= 0.5 * people.true_state
        natural = np.where(is_responder, 0.02, 0.06) * towards_start
    gain = scenario.session_effect_points * (level / 10.0) * _SATIATION ** (week.n_sessions - session)
    after_leaving = np.where(week.last_score <= 7, 0.03, 0.15) * towards_start
    return np.where(week.in_care, natural - gain * session, after_leaving)


def state_error(state: Floats, normal: Floats) -> Floats:
    """Return the state's own movement, from a standard normal number; the higher the level, the wider."""
    return np.asarray((0.5 + 0.035 * np.maximum(state, 0.0)) * normal)


def score_error(state: Floats, normal: Floats) -> Floats:
    """Return the error of measurement, from a standard normal number; skewed, and wider at a higher level."""
    return np.asarray((0.9 + 0.07 * np.maximum(state, 0.0)) * skewed(normal, 0.5))


def recording_probability(_people: Intake, week: Week, state: Floats, scenario: Scenario) -> Floats:
    """Return the probability that the score at the end of the week is recorded; `state` is that at its end."""
    in_care = 2.0 - 1.2 * (week.last_score >= 20) - 1.0 * (week.last_score <= 4)
    after_leaving = -0.8 - 0.7 * (week.last_score <= 6)
    recorded = np.where(week.in_care, in_care, after_leaving) + scenario.recording_shift
    return expit(recorded + scenario.recording_log_odds * (state - 10.0))


def leaving_probability(people: Intake, week: Week, scenario: Scenario) -> Floats:
    """Return the probability of leaving care after the week: for relief, or for despair of any."""
    in_despair = (week.number >= 2) & (week.last_score >= people.baseline_score)
    return expit(
        -3.3
        + 1.5 * (week.last_score <= 6)
        + 1.0 * in_despair
        - 0.3 * people.affluence
        + scenario.leaving_log_odds * (week.n_sessions > 0)
    )
