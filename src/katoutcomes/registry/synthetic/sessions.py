"""The sessions of the synthetic clinic, and what went wrong in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.registry.synthetic.population import patient_ids
from katoutcomes.registry.synthetic.trajectories import N_DOSING_WEEKS, N_WEEKS
from katoutcomes.vocabulary import SESSION_KINDS

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from katoutcomes.registry.synthetic.population import Population

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Integers = NDArray[np.int64]

TIMED_SITES: tuple[str, ...] = ("North", "East", "Central")
"""Clinics that write down when a session starts."""
VITAL_SIGN_SITES: tuple[str, ...] = ("North", "South", "Central")
"""Clinics that write down blood pressure and oxygen saturation."""
NO_WEIGHT_SITES: tuple[str, ...] = ("West",)
"""Clinics that know the dose in mg only."""

_MINUTES_FROM, _MINUTES_STEPS = (60, 60, 60, 45, 25, 15), (3, 3, 3, 2, 2, 3)
"""Shortest duration and number of quarter hours above it, by kind of session."""
_EVENT_TERMS = np.array(
    [
        "nausea",
        "dizziness",
        "headache",
        "transient_hypertension",
        "anxiety_during_session",
        "fatigue",
        "vomiting",
        "blurred_vision",
    ]
)
_EVENT_CUMULATIVE = np.array([0.30, 0.48, 0.63, 0.73, 0.81, 0.89, 0.96])
_SERIOUS_TERM = "syncope"
_LATE_TERMS = ("headache", "fatigue")


@dataclass(frozen=True, slots=True, eq=False)
class Sessions:
    """Sessions as arrays, one entry a session, ordered by patient, day and kind.

    Attributes
    ----------
    person : ndarray of int64
        Position in the `Population`.
    day : ndarray of int64
        Day of the session, 0 is the first dose.
    kind : ndarray of int64
        Position in `SESSION_KINDS`.
    """

    person: Integers
    day: Integers
    kind: Integers


def draw_sessions(rng: np.random.Generator, population: Population) -> Sessions:
    """Place every session on a day: the first course, what surrounds it, and the second course."""
    parts = [
        *_before_first_dose(rng, population),
        _doses(population),
        _integration(rng, population),
        *_aftercare(rng, population),
        *_second_course(rng, population),
    ]
    person = np.concatenate([part[0] for part in parts])
    day = np.concatenate([part[1] for part in parts])
    kind = np.concatenate([np.full(len(part[0]), SESSION_KINDS.index(part[2])) for part in parts])
    order = np.lexsort((kind, day, population.key[person]))
    return Sessions(person[order], day[order], kind[order])


_Part = tuple["Integers", "Integers", str]


def _before_first_dose(rng: np.random.Generator, population: Population) -> list[_Part]:
    everybody = np.arange(population.n_patients)
    dosed = np.flatnonzero(population.dosed)
    draws = rng.random((population.n_patients, 4))
    screening = -14 - (15 * draws[:, 0]).astype(np.int64)
    last_preparation = -1 - (6 * draws[:, 1]).astype(np.int64)
    first_preparation = -7 - (6 * draws[:, 2]).astype(np.int64)
    two = dosed[draws[dosed, 3] < 0.5]
    return [
        (everybody, screening, "screening"),
        (dosed, last_preparation[dosed], "preparation"),
        (two, first_preparation[two], "preparation"),
    ]


def _doses(population: Population) -> _Part:
    given = population.trajectory.in_care[:, :N_DOSING_WEEKS] & population.dosed[:, np.newaxis]
    person, week = np.nonzero(given)
    return person, population.dosing_day[person, week], "dosing"


def _integration(rng: np.random.Generator, population: Population) -> _Part:
    """Place the weeks with integration on days: within 72 hours of the week's dose, later, or both.

    The mechanism knows weeks with and without integration; a second session in the same week adds no effect.
    """
    person, week = np.nonzero(population.trajectory.session & population.dosed[:, np.newaxis])
    draws = rng.random((len(person), 4))
    dosing_week = week < N_DOSING_WEEKS
    start = np.where(dosing_week, population.dosing_day[person, np.minimum(week, N_DOSING_WEEKS - 1)], 7 * week)
    early_day = start + 1 + (3 * draws[:, 1]).astype(np.int64)
    late_day = np.minimum(start + 4 + (3 * draws[:, 2]).astype(np.int64), 7 * week + 6)
    early = draws[:, 0] < 0.6
    again = early & dosing_week & (draws[:, 3] < 0.3)
    return (
        np.concatenate([person, person[again]]),
        np.concatenate([np.where(early, early_day, late_day), late_day[again]]),
        "integration",
    )


def _aftercare(rng: np.random.Generator, population: Population) -> list[_Part]:
    here = population.trajectory.in_care & population.dosed[:, np.newaxis]
    draws = rng.random((population.n_patients, 2 + 2 * N_WEEKS))
    at_week_8 = np.flatnonzero(here[:, 8] & (draws[:, 0] < 0.7))
    at_week_12 = np.flatnonzero(here[:, N_WEEKS] & (draws[:, 1] < 0.75))
    person, week = np.nonzero(here[:, :N_WEEKS] & (draws[:, 2 : 2 + N_WEEKS] < 0.06))
    support_day = 7 * week + 1 + (6 * draws[person, 2 + N_WEEKS + week]).astype(np.int64)
    return [
        (at_week_8, np.full(len(at_week_8), 56), "follow_up"),
        (at_week_12, np.full(len(at_week_12), 84), "follow_up"),
        (person, support_day, "support"),
    ]


def _second_course(rng: np.random.Generator, population: Population) -> list[_Part]:
    has_one = np.flatnonzero(population.second_course_doses)
    most_doses = 4
    draws = rng.random((population.n_patients, most_doses, 2))
    person, dose = np.nonzero(np.arange(most_doses) < population.second_course_doses[:, np.newaxis])
    day = population.second_course_day[person] + 7 * dose
    share = np.where(population.intake.program[person] == 1, 0.55, 0.20)
    integrated = draws[person, dose, 0] < share
    integration_day = day + 1 + (6 * draws[person, dose, 1]).astype(np.int64)
    return [
        (has_one, population.second_course_day[has_one] - 3, "preparation"),
        (person, day, "dosing"),
        (person[integrated], integration_day[integrated], "integration"),
    ]


def sessions_table(rng: np.random.Generator, population: Population, sessions: Sessions) -> pd.DataFrame:
    """Return the `sessions` table with a `day` column, in the order of `sessions`."""
    import pandas as pd

    n_sessions, person = len(sessions.person), sessions.person
    draws = rng.random((n_sessions, 4))
    is_dosing = sessions.kind == SESSION_KINDS.index("dosing")
    minute = 480 + 15 * (38 * draws[:, 0]).astype(np.int64)
    timed = population.at_sites(TIMED_SITES)[person].tolist()
    return pd.DataFrame(
        {
            "session_id": session_ids(n_sessions),
            "patient_id": np.array(patient_ids(population))[person],
            "day": sessions.day,
            "time": [
                f"{m // 60:02d}:{m % 60:02d}" if known else None
                for m, known in zip(minute.tolist(), timed, strict=True)
            ],
            "kind": np.array(SESSION_KINDS)[sessions.kind],
            "route": pd.Series(population.route[person]).where(is_dosing, None),
            **_dose_columns(population, sessions, is_dosing),
            "approach": pd.Series(population.approach[person]).where(is_dosing, None),
            "duration_minutes": _durations(draws[:, 1], sessions.kind, population.approach[person]),
            "format": np.where(_in_group(draws[:, 2], sessions.kind), "group", "individual"),
            **_vital_signs(rng, is_dosing & population.at_sites(VITAL_SIGN_SITES)[person]),
        }
    )


def session_ids(n_sessions: int) -> list[str]:
    """Return the keys of the sessions, in the order of the table."""
    return [f"S{number:05d}" for number in range(1, n_sessions + 1)]


def _dose_columns(population: Population, sessions: Sessions, is_dosing: Flags) -> dict[str, object]:
    import pandas as pd

    person = sessions.person
    step = np.minimum(np.maximum(sessions.day // 7, 0), 3) * population.escalates[person]
    weight_kg = population.weight_kg[person]
    dose_mg = 5 * np.rint(population.first_mg_per_kg[person] * (1.0 + 0.08 * step) * weight_kg / 5.0).astype(np.int64)
    weight_known = is_dosing & ~population.at_sites(NO_WEIGHT_SITES)[person]
    return {
        "dose_mg": pd.Series(dose_mg, dtype="Int64").where(is_dosing),
        "dose_mg_per_kg": np.where(weight_known, np.round(dose_mg / weight_kg, 2), np.nan),
    }


def _durations(draws: Floats, kind: Integers, approach: NDArray[np.str_]) -> Integers:
    shortest, steps = np.array(_MINUTES_FROM)[kind], np.array(_MINUTES_STEPS)[kind]
    long = (kind == SESSION_KINDS.index("dosing")) & (approach == "psychedelic")
    return np.asarray(shortest + 60 * long + 15 * (draws * steps).astype(np.int64), dtype=np.int64)


def _in_group(draws: Floats, kind: Integers) -> Flags:
    share = np.select(
        [kind == SESSION_KINDS.index("integration"), kind == SESSION_KINDS.index("dosing")], [0.25, 0.10], 0.0
    )
    return draws < share


def _vital_signs(rng: np.random.Generator, measured: Flags) -> dict[str, object]:
    import pandas as pd

    draws = rng.standard_normal((len(measured), 5))
    # The diastolic pressure follows the systolic one and rises less, so that it always stays below.
    systolic = np.rint(np.clip(126.0 + 13.0 * draws[:, 0], 90, 165))
    diastolic = np.minimum(np.rint(22.0 + 0.45 * systolic + 6.0 * draws[:, 1]), systolic - 20)
    systolic_rise = np.rint(np.clip(17.0 + 9.0 * draws[:, 2], 0, 60))
    diastolic_rise = np.clip(np.rint(0.6 * systolic_rise + 3.0 * draws[:, 3]), 0, systolic_rise)
    values = {
        "systolic_before_mmhg": systolic,
        "systolic_peak_mmhg": systolic + systolic_rise,
        "diastolic_before_mmhg": diastolic,
        "diastolic_peak_mmhg": diastolic + diastolic_rise,
        "oxygen_saturation_min_percent": np.rint(np.clip(96.0 + 1.5 * draws[:, 4], 88, 100)),
    }
    return {name: pd.Series(value.astype(np.int64), dtype="Int64").where(measured) for name, value in values.items()}


def adverse_events_table(rng: np.random.Generator, population: Population, sessions: Sessions) -> pd.DataFrame:
    """Return the `adverse_events` table with a `day` column: what was noted in or after dosing sessions."""
    import pandas as pd

    draws = rng.random((len(sessions.person), 7))
    is_dosing = sessions.kind == SESSION_KINDS.index("dosing")
    share = np.where(population.approach[sessions.person] == "psychedelic", 0.26, 0.15)
    row = np.flatnonzero(is_dosing & (draws[:, 0] < share))
    chosen = draws[row]
    serious = chosen[:, 4] < 0.004
    common_term = _EVENT_TERMS[np.searchsorted(_EVENT_CUMULATIVE, chosen[:, 1], side="right")]
    term = np.where(serious, _SERIOUS_TERM, common_term)
    next_day = np.isin(term, _LATE_TERMS) & (chosen[:, 2] < 0.4)
    severity = np.select([serious | (chosen[:, 3] < 0.04), chosen[:, 3] < 0.28], ["severe", "moderate"], "mild")
    linked = chosen[:, 5] >= 0.03
    return pd.DataFrame(
        {
            "event_id": [f"E{number:04d}" for number in range(1, len(row) + 1)],
            "patient_id": np.array(patient_ids(population))[sessions.person[row]],
            "session_id": pd.Series(np.array(session_ids(len(sessions.person)))[row]).where(linked, None),
            "day": sessions.day[row] + next_day,
            "term": term,
            "severity": severity,
            "serious": serious.astype(np.int64),
        }
    )
