"""The synthetic clinic's mechanism: who comes, who is booked, who stays, what is recorded. Arrays only.

Nothing here draws a number in the middle of a computation: all random numbers are drawn first (`draw_intake`,
`draw_weeks`) and then followed (`follow`). So the same people can be followed twice, once under each program, with the
same random numbers, and the truth of a contrast is a plain mean of differences.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.registry.synthetic.scenarios import Scenario, SessionMechanism

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

N_WEEKS = 12
"""Weeks of follow-up; the last score is that of day 84."""
N_DOSING_WEEKS = 6
"""Weeks 0 to 5 have a dosing session."""
LOWEST_SCORE, HIGHEST_SCORE = 0, 27
ENTRY_SCORE = 10
"""Nobody enters below this observed score; the error in it is what later regresses to the mean."""

SITES: tuple[str, ...] = ("North", "South", "East", "West", "Central")
# The clinics that book integration most are those whose patients improve fastest: confounding by clinic.
_SITE_SLOWNESS = np.array([-0.8, -0.4, 0.0, 0.4, 0.8])
_SITE_BOOKING = np.array([0.9, 0.3, 0.0, -0.3, -0.9])


@dataclass(frozen=True, slots=True, eq=False)
class Intake:
    """What is fixed before the first dose, one entry a patient.

    Attributes
    ----------
    site : ndarray of int64
        Index into `SITES`.
    prognosis, affluence : ndarray of float64
        Standard normal; prognosis speeds improvement, affluence also eases booking, attending and staying.
    trauma_history : ndarray of float64
        0 or 1.
    motivation : ndarray of float64
        Standard normal, never recorded anywhere.
    true_state : ndarray of float64
        The symptom level without error of measurement.
    baseline_score : ndarray of int64
        The observed score, `ENTRY_SCORE` to 27.
    booking_probability : ndarray of float64
        True probability that the program with integration is booked.
    program : ndarray of int64
        1 if it was.
    weekly_improvement : ndarray of float64
        Points a week by which the true state falls while doses are given.
    """

    site: NDArray[np.int64]
    prognosis: Floats
    affluence: Floats
    trauma_history: Floats
    motivation: Floats
    true_state: Floats
    baseline_score: NDArray[np.int64]
    booking_probability: Floats
    program: NDArray[np.int64]
    weekly_improvement: Floats


@dataclass(frozen=True, slots=True, eq=False)
class WeeklyDraws:
    """All random numbers of the twelve weeks, each of shape (n_patients, 12).

    Attributes
    ----------
    session, recording, leaving : ndarray of float64
        Uniform on [0, 1); the event happens where the number is below its probability.
    state, score : ndarray of float64
        Standard normal: the state's own movement, and the error of measurement.
    """

    session: Floats
    recording: Floats
    leaving: Floats
    state: Floats
    score: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """What happened in the twelve weeks.

    Attributes
    ----------
    in_care : ndarray of bool, shape (n_patients, 13)
        Whether the patient is in care at the start of week 0, 1, …, 11, and after week 11.
    session : ndarray of bool, shape (n_patients, 12)
        Whether integration took place in the week.
    state : ndarray of float64, shape (n_patients, 13)
        True state at intake and at the end of each week.
    score : ndarray of int64, shape (n_patients, 12)
        Score at the end of each week, whether or not anybody wrote it down.
    recorded : ndarray of bool, shape (n_patients, 12)
        Whether it was.
    """

    in_care: Flags
    session: Flags
    state: Floats
    score: NDArray[np.int64]
    recorded: Flags


def _expit(log_odds: Floats) -> Floats:
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)), dtype=np.float64)


def _as_score(value: Floats) -> NDArray[np.int64]:
    return np.clip(np.rint(value), LOWEST_SCORE, HIGHEST_SCORE).astype(np.int64)


def draw_intake(rng: np.random.Generator, n_patients: int, scenario: Scenario) -> Intake:
    """Draw candidates and keep the first `n_patients` whose observed score is at least `ENTRY_SCORE`.

    Parameters
    ----------
    rng : numpy.random.Generator
        Two children are spawned from it, one for uniform and one for normal numbers. Each candidate takes the same
        count from both, so the first patients are the same whatever `n_patients` is.
    n_patients : int
        How many to keep, 0 or more.
    scenario : Scenario
        What is true.
    """
    uniform_rng, normal_rng = rng.spawn(2)
    uniforms, normals = np.empty((0, 3)), np.empty((0, 5))
    while len(uniforms) < n_patients:
        n_candidates = n_patients - len(uniforms) + 50
        more_uniforms, more_normals = (
            uniform_rng.random((n_candidates, 3)),
            normal_rng.standard_normal((n_candidates, 5)),
        )
        enters = _entry_state(more_uniforms, more_normals)[1] >= ENTRY_SCORE
        uniforms = np.vstack([uniforms, more_uniforms[enters]])
        normals = np.vstack([normals, more_normals[enters]])
    return _intake_from(uniforms[:n_patients], normals[:n_patients], scenario)


def _entry_state(uniforms: Floats, normals: Floats) -> tuple[Floats, NDArray[np.int64]]:
    """Return the true state and the observed score of candidates."""
    trauma_history = uniforms[:, 1] < 0.4
    true_state = 14.0 - 0.8 * normals[:, 1] + 1.5 * trauma_history + 3.6 * normals[:, 3]
    return true_state, _as_score(true_state + 2.3 * normals[:, 4])


def _intake_from(uniforms: Floats, normals: Floats, scenario: Scenario) -> Intake:
    prognosis, affluence, motivation = normals[:, 0], normals[:, 1], normals[:, 2]
    site = (uniforms[:, 0] * len(SITES)).astype(np.int64)
    trauma_history = (uniforms[:, 1] < 0.4).astype(np.float64)
    true_state, baseline_score = _entry_state(uniforms, normals)
    booking_probability = _expit(
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


def draw_weeks(rng: np.random.Generator, n_patients: int) -> WeeklyDraws:
    """Draw every random number of the twelve weeks; two children are spawned from `rng`, as in `draw_intake`."""
    uniform_rng, normal_rng = rng.spawn(2)
    uniforms = uniform_rng.random((n_patients, N_WEEKS, 3))
    normals = normal_rng.standard_normal((n_patients, N_WEEKS, 2))
    return WeeklyDraws(
        session=uniforms[:, :, 0],
        recording=uniforms[:, :, 1],
        leaving=uniforms[:, :, 2],
        state=normals[:, :, 0],
        score=normals[:, :, 1],
    )


def follow(
    intake: Intake,
    draws: WeeklyDraws,
    scenario: Scenario,
    mechanism: SessionMechanism,
    *,
    program: int | None = None,
) -> Trajectory:
    """Follow patients for twelve weeks.

    In each week, in this order: integration takes place or not; the true state moves; a score arises and is recorded or
    not; the last score known to the clinic is updated; the patient stays or leaves for good.

    Parameters
    ----------
    intake : Intake
        The patients.
    draws : WeeklyDraws
        Their random numbers.
    scenario : Scenario
        What is true.
    mechanism : SessionMechanism
        How strongly booking decides about sessions.
    program : {0, 1}, optional
        Give everybody this program, whatever was booked; all else stays natural. None: as booked.

    Returns
    -------
    Trajectory
        What happened; a pure function of the arguments.
    """
    n_patients = len(intake.site)
    booked = intake.program if program is None else np.full(n_patients, program, dtype=np.int64)
    in_care = np.ones((n_patients, N_WEEKS + 1), dtype=np.bool_)
    session = np.zeros((n_patients, N_WEEKS), dtype=np.bool_)
    state = np.empty((n_patients, N_WEEKS + 1))
    score = np.empty((n_patients, N_WEEKS), dtype=np.int64)
    recorded = np.empty((n_patients, N_WEEKS), dtype=np.bool_)

    state[:, 0] = intake.true_state
    last_score = intake.baseline_score.astype(np.float64)
    session_before = np.zeros(n_patients, dtype=np.bool_)
    any_session = np.zeros(n_patients, dtype=np.bool_)
    for week in range(N_WEEKS):
        here = in_care[:, week]
        probability = _session_probability(
            intake, booked, last_score, session_before, scenario=scenario, mechanism=mechanism
        )
        session[:, week] = here & (draws.session[:, week] < probability)
        state[:, week + 1] = (
            state[:, week]
            + _drift(intake, state[:, week], here, session[:, week], week=week, scenario=scenario)
            + 0.9 * draws.state[:, week]
        )
        score[:, week] = _as_score(state[:, week + 1] + 1.8 * draws.score[:, week])
        probability = _recording_probability(here, last_score, state[:, week + 1], scenario)
        recorded[:, week] = draws.recording[:, week] < probability
        last_score = np.where(here & recorded[:, week], score[:, week], last_score)
        any_session |= session[:, week]
        leaves = draws.leaving[:, week] < _leaving_probability(intake, last_score, any_session, scenario)
        in_care[:, week + 1] = here & ~leaves
        session_before = session[:, week]
    return Trajectory(in_care=in_care, session=session, state=state, score=score, recorded=recorded)


def _session_probability(
    intake: Intake,
    booked: NDArray[np.int64],
    last_score: Floats,
    session_before: Flags,
    *,
    scenario: Scenario,
    mechanism: SessionMechanism,
) -> Floats:
    return _expit(
        mechanism.intercept
        + mechanism.program_log_odds * booked
        + 0.07 * (last_score - 12.0)
        + 0.3 * intake.affluence
        + 0.3 * intake.trauma_history
        + 0.5 * session_before
        + scenario.motivation_log_odds * intake.motivation
    )


def _drift(intake: Intake, state: Floats, here: Flags, session: Flags, *, week: int, scenario: Scenario) -> Floats:
    """Return the expected movement of the true state in a week."""
    towards_start = intake.true_state - state
    natural = -intake.weekly_improvement if week < N_DOSING_WEEKS else 0.04 * towards_start
    return np.where(here, natural - scenario.session_effect_points * session, 0.15 * towards_start)


def _recording_probability(here: Flags, last_score: Floats, state: Floats, scenario: Scenario) -> Floats:
    return _expit(np.where(here, 1.8, -1.1) - 0.03 * (last_score - 12.0) + scenario.recording_log_odds * (state - 10.0))


def _leaving_probability(intake: Intake, last_score: Floats, any_session: Flags, scenario: Scenario) -> Floats:
    return _expit(-3.2 + 0.10 * (last_score - 10.0) - 0.3 * intake.affluence + scenario.leaving_log_odds * any_session)
