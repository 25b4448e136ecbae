"""What is true in a synthetic clinic, worked out by following the same people under each program."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.errors import OptionError
from katoutcomes.registry.synthetic.mechanism import draw_intake, draw_weeks, follow
from katoutcomes.registry.synthetic.scenarios import Scenario, SessionMechanism, find_mechanism, find_scenario
from katoutcomes.registry.synthetic.trajectories import N_WEEKS, Intake, WeeklyDraws

if TYPE_CHECKING:
    from numpy.typing import NDArray

_PATIENTS_AT_ONCE = 50_000
"""Keeps the arrays of one batch below some 50 MB; it is part of the stream, so changing it changes the draws."""


@dataclass(frozen=True, slots=True)
class TrueEffect:
    """The effect of the program with integration, in points, negative where integration is better.

    Attributes
    ----------
    effect : float
        Mean over all patients of the score had everybody had the program minus the score had nobody had it.
    effect_error : float
        Its Monte-Carlo standard error.
    overlap_effect : float
        The same among those for whom either program was likely: weights e(1 - e), e the true booking probability.
    overlap_effect_error : float
        Its Monte-Carlo standard error.
    n_patients : int
        How many simulated patients it rests on.
    """

    effect: float
    effect_error: float
    overlap_effect: float
    overlap_effect_error: float
    n_patients: int


@dataclass(frozen=True, slots=True)
class TrueStartEffect:
    """The effect of beginning integration within four weeks, in points, negative where integration is better.

    Attributes
    ----------
    effect : float
        Mean over all patients of the score had everybody begun minus the score had nobody begun.
    effect_error : float
        Its Monte-Carlo standard error.
    n_patients : int
        How many simulated patients it rests on.
    """

    effect: float
    effect_error: float
    n_patients: int


@dataclass(frozen=True, slots=True)
class TrueChange:
    """The course of the scores as it is, beside what the recorded scores alone would show.

    Attributes
    ----------
    mean_change, mean_change_error : float
        Mean of score minus baseline score over all patients, recorded or not, and its Monte-Carlo standard error.
    recorded_mean_change, recorded_mean_change_error : float
        The same over those whose score was recorded ("completers").
    response, recorded_response : float
        Share whose score is at most half of the baseline score, among all and among the recorded.
    recorded_share : float
        Share whose score was recorded.
    in_care_share : float
        Share still in care after the week.
    n_patients : int
        How many simulated patients it rests on.
    """

    mean_change: float
    mean_change_error: float
    recorded_mean_change: float
    recorded_mean_change_error: float
    response: float
    recorded_response: float
    recorded_share: float
    in_care_share: float
    n_patients: int


def true_program_effect(
    rng: np.random.Generator,
    n_patients: int,
    scenario: str | Scenario = "effect",
    mechanism: str = "booked",
    *,
    week: int = N_WEEKS,
    session_effect_points: float | None = None,
) -> TrueEffect:
    """Return the true effect of the program with integration on the score at the end of a week.

    Every patient is followed twice with the same random numbers, once in each program, all else natural: sessions,
    leaving care and scores follow from the program as the mechanism says (a treatment-policy effect).

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the random numbers.
    n_patients : int
        How many to simulate, at least 2; 10,000 give an error of about 0.03 points.
    scenario : str or Scenario, default "effect"
        A key of `SCENARIOS`, or a scenario.
    mechanism : str, default "booked"
        A key of `MECHANISMS`.
    week : int, default 12
        1 to 12; the score at the end of week 12 is that of day 84.
    session_effect_points : float, optional
        Replaces the scenario's effect of a week with integration.

    Raises
    ------
    OptionError
        If an argument is not one of the values it may take.

    Examples
    --------
    >>> import numpy as np
    >>> truth = true_program_effect(np.random.default_rng(1), 2_000, "null")
    >>> truth.effect, truth.effect_error
    (0.0, 0.0)
    """
    _require_numbers(n_patients, week)
    chosen, sessions = find_scenario(scenario, session_effect_points), find_mechanism(mechanism)
    differences, weights = [], []
    for intake, draws in _batches(rng, n_patients, chosen, sessions):
        with_integration = follow(intake, draws, chosen, sessions, program=1).score[:, week - 1]
        ketamine_only = follow(intake, draws, chosen, sessions, program=0).score[:, week - 1]
        differences.append((with_integration - ketamine_only).astype(np.float64))
        weights.append(intake.booking_probability * (1.0 - intake.booking_probability))
    difference, weight = np.concatenate(differences), np.concatenate(weights)
    effect, effect_error = _weighted_mean(difference, np.ones(n_patients))
    overlap_effect, overlap_effect_error = _weighted_mean(difference, weight)
    return TrueEffect(effect, effect_error, overlap_effect, overlap_effect_error, n_patients)


def true_start_effect(
    rng: np.random.Generator,
    n_patients: int,
    scenario: str | Scenario = "effect",
    mechanism: str = "start",
    *,
    week: int = N_WEEKS,
    session_effect_points: float | None = None,
) -> TrueStartEffect:
    """Return the true effect of beginning integration by day 28 while in care, against none by then.

    Every patient is followed twice with the same random numbers: once with a session in week 3 for whoever is in care
    without one by then, once without sessions in weeks 0 to 3; whatever comes later is natural. Parameters as
    `true_program_effect`.

    Examples
    --------
    >>> import numpy as np
    >>> truth = true_start_effect(np.random.default_rng(1), 2_000, "null")
    >>> truth.effect, truth.effect_error
    (0.0, 0.0)
    """
    _require_numbers(n_patients, week)
    chosen, sessions = find_scenario(scenario, session_effect_points), find_mechanism(mechanism)
    differences = []
    for intake, draws in _batches(rng, n_patients, chosen, sessions):
        begun, none = (
            follow(intake, draws, chosen, sessions, strategy=strategy).score[:, week - 1]
            for strategy in ("start", "none")
        )
        differences.append((begun - none).astype(np.float64))
    effect, effect_error = _weighted_mean(np.concatenate(differences), np.ones(n_patients))
    return TrueStartEffect(effect, effect_error, n_patients)


def true_change(
    rng: np.random.Generator,
    n_patients: int,
    scenario: str | Scenario = "effect",
    mechanism: str = "booked",
    *,
    week: int = N_WEEKS,
    session_effect_points: float | None = None,
) -> TrueChange:
    """Return the true mean change and what completers alone would show; parameters as `true_program_effect`.

    Examples
    --------
    >>> import numpy as np
    >>> truth = true_change(np.random.default_rng(1), 2_000, "null")
    >>> truth.recorded_mean_change < truth.mean_change < 0.0
    True
    """
    _require_numbers(n_patients, week)
    chosen, sessions = find_scenario(scenario, session_effect_points), find_mechanism(mechanism)
    changes, responses, recordings, stays = [], [], [], []
    for intake, draws in _batches(rng, n_patients, chosen, sessions):
        course = follow(intake, draws, chosen, sessions)
        score = course.score[:, week - 1]
        changes.append((score - intake.baseline_score).astype(np.float64))
        responses.append(2 * score <= intake.baseline_score)
        recordings.append(course.recorded[:, week - 1])
        stays.append(course.in_care[:, week])
    change, recorded = np.concatenate(changes), np.concatenate(recordings)
    response = np.concatenate(responses)
    mean_change, mean_change_error = _weighted_mean(change, np.ones(n_patients))
    recorded_mean_change, recorded_mean_change_error = _weighted_mean(change, recorded.astype(np.float64))
    return TrueChange(
        mean_change=mean_change,
        mean_change_error=mean_change_error,
        recorded_mean_change=recorded_mean_change,
        recorded_mean_change_error=recorded_mean_change_error,
        response=float(response.mean()),
        recorded_response=float(response[recorded].mean()),
        recorded_share=float(recorded.mean()),
        in_care_share=float(np.concatenate(stays).mean()),
        n_patients=n_patients,
    )


def _require_numbers(n_patients: int, week: int) -> None:
    if n_patients < 2:
        raise OptionError("n_patients must be 2 or more: one patient has no Monte-Carlo error.")
    if not 1 <= week <= N_WEEKS:
        raise OptionError(f"week must lie between 1 and {N_WEEKS}.")


def _batches(
    rng: np.random.Generator, n_patients: int, scenario: Scenario, mechanism: SessionMechanism
) -> Iterator[tuple[Intake, WeeklyDraws]]:
    for first in range(0, n_patients, _PATIENTS_AT_ONCE):
        n_here = min(_PATIENTS_AT_ONCE, n_patients - first)
        yield draw_intake(rng, n_here, scenario, mechanism), draw_weeks(rng, n_here)


def _weighted_mean(value: NDArray[np.float64], weight: NDArray[np.float64]) -> tuple[float, float]:
    """Return a weighted mean and its linearized standard error."""
    mean = float(np.average(value, weights=weight))
    return mean, float(np.sqrt(np.sum((weight * (value - mean)) ** 2)) / np.sum(weight))
