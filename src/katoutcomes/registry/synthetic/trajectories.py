"""The records of a synthetic clinic: who comes, the random numbers of the weeks, what happened. Arrays only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

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


@dataclass(frozen=True, slots=True, eq=False)
class Week:
    """What is known and what is true of every patient in one week.

    Attributes
    ----------
    number : int
        0 to 11.
    in_care : ndarray of bool
        At its start.
    program : ndarray of int64
        1 for the program with integration.
    state : ndarray of float64
        True state at its start.
    last_score : ndarray of float64
        The last score that the clinic holds; after this week's score where it has been recorded.
    session_before : ndarray of bool
        Whether there was a session the week before.
    n_sessions : ndarray of int64
        Weeks with a session so far; with this week's once it has taken place.
    """

    number: int
    in_care: Flags
    program: NDArray[np.int64]
    state: Floats
    last_score: Floats
    session_before: Flags
    n_sessions: NDArray[np.int64]


def expit(log_odds: Floats) -> Floats:
    """Return 1 / (1 + exp(-log odds))."""
    return np.asarray(1.0 / (1.0 + np.exp(-log_odds)), dtype=np.float64)


def as_score(value: Floats) -> NDArray[np.int64]:
    """Return values as scores: rounded, from 0 to 27."""
    return np.clip(np.rint(value), LOWEST_SCORE, HIGHEST_SCORE).astype(np.int64)
