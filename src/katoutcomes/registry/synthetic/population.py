"""The people of the synthetic clinic: who they are, when they begin, what they are given. None is a real person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.errors import OptionError
from katoutcomes.registry.synthetic.mechanism import draw_intake, draw_weeks, follow
from katoutcomes.registry.synthetic.trajectories import N_DOSING_WEEKS, N_WEEKS, SITES, Intake, Trajectory
from katoutcomes.vocabulary import DIAGNOSES, PROGRAMS

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from katoutcomes.registry.synthetic.scenarios import Scenario, SessionMechanism

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Integers = NDArray[np.int64]

OUTSIDE_SHARE = 0.075
"""Patients outside the study, as a share of those in it, so that the flow has something to count."""
STANDINGS: tuple[str, ...] = ("eligible", "never_dosed", "no_consent", "medical_exclusion", "minor")
_OUTSIDE_CUMULATIVE = np.array([0.40, 0.68, 0.92, 1.0])
_TRIALS_CUMULATIVE = np.array([0.12, 0.30, 0.52, 0.70, 0.83, 0.91, 0.96])
_ROUTES = ("intramuscular", "intravenous", "sublingual", "intranasal")
_MG_PER_KG = {  # smallest and widest part of the dose by route and approach; plausible, not a recommendation
    ("intramuscular", "psychedelic"): (0.8, 0.6),
    ("intravenous", "psychedelic"): (0.5, 0.5),
    ("sublingual", "psycholytic"): (1.5, 1.0),
    ("intranasal", "psycholytic"): (0.6, 0.4),
    ("intramuscular", "psycholytic"): (0.3, 0.2),
}
_SECOND_COURSE_FIRST_DAY = 131
"""At least 94 days after the last dose of the first course (day 36 at the latest) and past the week-12 window."""


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """Everybody in the registry, one entry a patient; those in the study come first.

    Attributes
    ----------
    intake : Intake
        What is fixed before the first dose.
    trajectory : Trajectory
        What the mechanism made of the first twelve weeks.
    standing : ndarray of str
        One of `STANDINGS`.
    dosed : ndarray of bool
        Whether there is any dosing session.
    key : ndarray of int64
        1, 2, … in the order of `index_date`; the number in `patient_id`.
    index_date : ndarray of datetime64[D]
        Date of day 0: the first dose, or the day it would have been.
    route, approach : ndarray of str
        How ketamine is given, the same in all sessions of a patient.
    weight_kg, first_mg_per_kg : ndarray of float64
        Body weight (in no table) and dose of the first session.
    escalates : ndarray of bool
        Whether the dose rises over the first four sessions.
    dosing_day : ndarray of int64, shape (n_patients, 6)
        Day of each weekly dose; it happens only while the patient is in care.
    second_course_day : ndarray of int64
        First day of a second course; 0 where there is none.
    second_course_doses : ndarray of int64
        Its number of doses; 0 where there is none.
    """

    intake: Intake
    trajectory: Trajectory
    standing: NDArray[np.str_]
    dosed: Flags
    key: Integers
    index_date: NDArray[np.datetime64]
    route: NDArray[np.str_]
    approach: NDArray[np.str_]
    weight_kg: Floats
    first_mg_per_kg: Floats
    escalates: Flags
    dosing_day: Integers
    second_course_day: Integers
    second_course_doses: Integers

    @property
    def n_patients(self) -> int:
        """Everybody, those outside the study included."""
        return len(self.standing)

    def at_sites(self, sites: tuple[str, ...]) -> Flags:
        """Return for each patient whether the clinic is one of `sites`."""
        return np.isin(np.array(SITES)[self.intake.site], sites)


def draw_population(
    rng: np.random.Generator,
    n_patients: int,
    scenario: Scenario,
    mechanism: SessionMechanism,
    calendar: NDArray[np.datetime64],
) -> Population:
    """Draw `n_patients` people in the study and some outside it, and follow them all.

    Parameters
    ----------
    rng : numpy.random.Generator
        Children are spawned from it: intake, weeks, calendar, treatment, second course.
    n_patients : int
        How many are in the study, 1 or more.
    scenario : Scenario
        What is true.
    mechanism : SessionMechanism
        How strongly booking decides about sessions, and the nature of the clinic.
    calendar : ndarray of datetime64[D]
        The days on which a first dose may be given.
    """
    intake_rng, weeks_rng, calendar_rng, treatment_rng, second_rng = rng.spawn(5)
    standing = _standings(n_patients)
    intake = draw_intake(intake_rng, len(standing), scenario, mechanism)
    trajectory = follow(intake, draw_weeks(weeks_rng, len(standing)), scenario, mechanism)
    dosed = standing != "never_dosed"
    index_date = calendar[(calendar_rng.random(len(standing)) * len(calendar)).astype(np.int64)]
    key = np.empty(len(standing), dtype=np.int64)
    key[np.argsort(index_date, kind="stable")] = np.arange(1, len(standing) + 1)
    route, approach, weight_kg, first_mg_per_kg, escalates, dosing_day = _treatment(treatment_rng, len(standing))
    second_course_day, second_course_doses = _second_course(second_rng, dosed & trajectory.in_care[:, N_WEEKS])
    return Population(
        intake=intake,
        trajectory=trajectory,
        standing=standing,
        dosed=dosed,
        key=key,
        index_date=index_date,
        route=route,
        approach=approach,
        weight_kg=weight_kg,
        first_mg_per_kg=first_mg_per_kg,
        escalates=escalates,
        dosing_day=dosing_day,
        second_course_day=second_course_day,
        second_course_doses=second_course_doses,
    )


def _standings(n_patients: int) -> NDArray[np.str_]:
    """Return the standing of everybody: fixed shares, so that small registries have some of each as well."""
    n_outside = int(np.ceil(OUTSIDE_SHARE * n_patients))
    position = np.arange(n_outside) / n_outside
    outside = np.array(STANDINGS[1:])[np.searchsorted(_OUTSIDE_CUMULATIVE, position, side="right")]
    return np.concatenate([np.full(n_patients, STANDINGS[0]), outside])


def _treatment(
    rng: np.random.Generator, n_patients: int
) -> tuple[NDArray[np.str_], NDArray[np.str_], Floats, Floats, Flags, Integers]:
    draws = rng.random((n_patients, 4))
    approach = np.where(draws[:, 0] < 0.6, "psychedelic", "psycholytic")
    psychedelic_route = np.where(draws[:, 1] < 0.7, _ROUTES[0], _ROUTES[1])
    psycholytic_route = np.select([draws[:, 1] < 0.6, draws[:, 1] < 0.9], [_ROUTES[2], _ROUTES[3]], _ROUTES[0])
    route = np.where(approach == "psychedelic", psychedelic_route, psycholytic_route)
    ranges = np.array([_MG_PER_KG[pair] for pair in zip(route.tolist(), approach.tolist(), strict=True)])
    first_mg_per_kg = ranges[:, 0] + ranges[:, 1] * draws[:, 2]
    weight_kg = np.clip(78.0 + 15.0 * rng.standard_normal(n_patients), 45.0, 140.0)
    late = rng.random((n_patients, N_DOSING_WEEKS)) < 0.15
    late[:, 0] = False  # the first dose is day 0 by definition
    dosing_day = 7 * np.arange(N_DOSING_WEEKS) + late
    return route, approach, weight_kg, first_mg_per_kg, draws[:, 3] < 0.4, dosing_day


def _second_course(rng: np.random.Generator, possible: Flags) -> tuple[Integers, Integers]:
    draws = rng.random((len(possible), 3))
    has_one = possible & (draws[:, 0] < 0.14)
    first_day = _SECOND_COURSE_FIRST_DAY + (60 * draws[:, 1]).astype(np.int64)
    n_doses = 2 + (3 * draws[:, 2]).astype(np.int64)
    return np.where(has_one, first_day, 0), np.where(has_one, n_doses, 0)


def quarter_days(first_quarter: str, n_quarters: int) -> NDArray[np.datetime64]:
    """Return the weekdays of some quarters in a row.

    Parameters
    ----------
    first_quarter : str
        ``"YYYYQn"``.
    n_quarters : int
        1 to 40.

    Raises
    ------
    OptionError
        If the quarter is not written so, or the number is out of range.

    Examples
    --------
    >>> days = quarter_days("2024Q4", 8)
    >>> str(days[0]), str(days[-1])
    ('2024-10-01', '2026-09-30')
    """
    year, _, quarter = first_quarter.partition("Q")
    if not (len(year) == 4 and year.isdecimal() and quarter in {"1", "2", "3", "4"}):
        raise OptionError('first_quarter must be written like "2024Q4".')
    if not 1 <= n_quarters <= 40:
        raise OptionError("n_quarters must lie between 1 and 40.")
    first_month = np.datetime64(f"{year}-01", "M") + 3 * (int(quarter) - 1)
    days = np.arange(
        first_month.astype("datetime64[D]"),
        (first_month + 3 * n_quarters).astype("datetime64[D]"),
        dtype="datetime64[D]",
    )
    return days[np.is_busday(days)]


def patients_table(rng: np.random.Generator, population: Population) -> pd.DataFrame:
    """Return the `patients` table, in the order of `population`."""
    import pandas as pd

    n_patients, standing, intake = population.n_patients, population.standing, population.intake
    draws = rng.random((n_patients, 5 + len(DIAGNOSES)))
    age_years = np.clip(np.rint(42.0 + 13.0 * rng.standard_normal(n_patients)), 18, 79).astype(np.int64)
    age_years = np.where(standing == "minor", 16 + (age_years % 2), age_years)
    trials = np.searchsorted(_TRIALS_CUMULATIVE, draws[:, 1], side="right")
    trials_known = draws[:, 2] >= 0.03
    never_dosed = standing == "never_dosed"
    refuses = (standing == "no_consent") | (never_dosed & (draws[:, 3] < 0.30))
    unfit = (standing == "medical_exclusion") | (never_dosed & (draws[:, 3] >= 0.60))
    return pd.DataFrame(
        {
            "patient_id": patient_ids(population),
            "site": np.array(SITES)[intake.site],
            "age_years": age_years,
            "sex": np.select(
                [draws[:, 0] < 0.58, draws[:, 0] < 0.96, draws[:, 0] < 0.98], ["female", "male", "other"], "unknown"
            ),
            "diagnoses": _diagnoses(draws[:, 5:], np.where(trials_known, trials, 0), intake.trauma_history),
            "prior_antidepressant_trials": pd.Series(trials, dtype="Int64").where(trials_known),
            "program_booked": np.array(PROGRAMS)[intake.program],
            "eligible_consent": 1 - refuses.astype(np.int64),
            "eligible_medical": 1 - unfit.astype(np.int64),
            "covariate_affluence": np.round(intake.affluence, 2) + 0.0,  # + 0.0 turns -0.0 into 0.0
            "covariate_prognosis": np.round(intake.prognosis, 2) + 0.0,
            "covariate_trauma_history": intake.trauma_history.astype(np.int64),
        }
    )


def patient_ids(population: Population) -> list[str]:
    """Return the study keys, in the order of `population`."""
    return [f"P{key:04d}" for key in population.key.tolist()]


def _diagnoses(draws: Floats, trials: Integers, trauma_history: Floats) -> list[str]:
    """Return one depressive diagnosis a patient and some others beside it, separated by semicolons."""
    at = {name: position for position, name in enumerate(DIAGNOSES)}
    share = dict.fromkeys(DIAGNOSES, 0.0) | {
        "anxiety": 0.42,
        "obsessive_compulsive": 0.04,
        "substance_use": 0.06,
        "eating_disorder": 0.03,
        "chronic_pain": 0.08,
    }
    present = draws < np.array([share[name] for name in DIAGNOSES])
    present[:, at["ptsd"]] = draws[:, at["ptsd"]] < 0.08 + 0.37 * trauma_history
    bipolar = draws[:, at["bipolar_depression"]] < 0.06
    resistant = ~bipolar & (trials >= 2) & (draws[:, at["treatment_resistant_depression"]] < 0.75)
    present[:, at["bipolar_depression"]] = bipolar
    present[:, at["treatment_resistant_depression"]] = resistant
    present[:, at["depression"]] = ~bipolar & ~resistant
    return [";".join(name for name, here in zip(DIAGNOSES, row, strict=True) if here) for row in present.tolist()]
