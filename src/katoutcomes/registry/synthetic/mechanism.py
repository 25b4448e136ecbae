"""The synthetic clinic's mechanism: who comes, who is booked, who stays, what is recorded. Arrays only.

Nothing here draws a number in the middle of a computation: all random numbers are drawn first (`draw_intake`,
`draw_weeks`) and then followed (`follow`). So the same people can be followed twice, once under each program, with the
same random numbers, and the truth of a contrast is a plain mean of differences. The formulas are those of a nature:
`linear` or `curved`.
"""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.registry.synthetic import curved, linear
from katoutcomes.registry.synthetic.scenarios import MECHANISMS
from katoutcomes.registry.synthetic.trajectories import (
    ENTRY_SCORE,
    N_WEEKS,
    Intake,
    Trajectory,
    Week,
    WeeklyDraws,
    as_score,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.registry.synthetic.scenarios import Scenario, SessionMechanism

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]

GRACE_WEEKS = 4
"""Weeks within which the strategy "begin integration by day 28" is decided."""


def _nature(mechanism: SessionMechanism) -> ModuleType:
    return {"linear": linear, "curved": curved}[mechanism.nature]


def draw_intake(
    rng: np.random.Generator, n_patients: int, scenario: Scenario, mechanism: SessionMechanism = MECHANISMS["booked"]
) -> Intake:
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
    mechanism : SessionMechanism
        Of it only the nature counts here.
    """
    nature = _nature(mechanism)
    uniform_rng, normal_rng = rng.spawn(2)
    uniforms, normals = np.empty((0, 3)), np.empty((0, 5))
    while len(uniforms) < n_patients:
        n_candidates = n_patients - len(uniforms) + 50
        more_uniforms, more_normals = (
            uniform_rng.random((n_candidates, 3)),
            normal_rng.standard_normal((n_candidates, 5)),
        )
        enters = nature.entry(more_uniforms, more_normals)[1] >= ENTRY_SCORE
        uniforms = np.vstack([uniforms, more_uniforms[enters]])
        normals = np.vstack([normals, more_normals[enters]])
    found: Intake = nature.intake(uniforms[:n_patients], normals[:n_patients], scenario)
    return found


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
    strategy: str | None = None,
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
        How strongly booking decides about sessions, and the nature of the clinic.
    program : {0, 1}, optional
        Give everybody this program, whatever was booked; all else stays natural. None: as booked.
    strategy : {"start", "none"}, optional
        Make everybody follow a strategy for the first four weeks, naturally afterwards: begin integration in the last
        of them if still in care and without a session, or have none in them. None: as it comes.

    Returns
    -------
    Trajectory
        What happened; a pure function of the arguments.
    """
    nature, n_patients = _nature(mechanism), len(intake.site)
    booked = intake.program if program is None else np.full(n_patients, program, dtype=np.int64)
    in_care = np.ones((n_patients, N_WEEKS + 1), dtype=np.bool_)
    session = np.zeros((n_patients, N_WEEKS), dtype=np.bool_)
    state = np.empty((n_patients, N_WEEKS + 1))
    score = np.empty((n_patients, N_WEEKS), dtype=np.int64)
    recorded = np.empty((n_patients, N_WEEKS), dtype=np.bool_)

    state[:, 0] = intake.true_state
    last_score = intake.baseline_score.astype(np.float64)
    before, so_far = np.zeros(n_patients, dtype=np.bool_), np.zeros(n_patients, dtype=np.int64)
    for number in range(N_WEEKS):
        here = in_care[:, number]
        week = Week(number, here, booked, state[:, number], last_score, before, so_far)
        happens = draws.session[:, number] < nature.session_probability(intake, week, scenario, mechanism)
        before = session[:, number] = here & _as_prescribed(happens, so_far, number, strategy)
        so_far = so_far + before
        week = Week(number, here, booked, state[:, number], last_score, week.session_before, so_far)
        moved = state[:, number] + nature.drift(intake, week, before, scenario)
        state[:, number + 1] = moved + nature.state_error(moved, draws.state[:, number])
        level = state[:, number + 1]
        score[:, number] = as_score(level + nature.score_error(level, draws.score[:, number]))
        recorded[:, number] = draws.recording[:, number] < nature.recording_probability(intake, week, level, scenario)
        last_score = np.where(here & recorded[:, number], score[:, number], last_score)
        week = Week(number, here, booked, level, last_score, before, so_far)
        leaves = draws.leaving[:, number] < nature.leaving_probability(intake, week, scenario)
        in_care[:, number + 1] = here & ~leaves
    return Trajectory(in_care=in_care, session=session, state=state, score=score, recorded=recorded)


def _as_prescribed(happens: Flags, so_far: NDArray[np.int64], number: int, strategy: str | None) -> Flags:
    """Return who has a session, if in care, under a strategy."""
    if strategy is None or number >= GRACE_WEEKS:
        return happens
    if strategy == "none":
        return np.zeros_like(happens)
    return np.asarray(happens | ((so_far == 0) & (number == GRACE_WEEKS - 1)))
