"""The scores of the synthetic clinic: PHQ-9 as the mechanism says, the other scales beside it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.registry.synthetic.population import patient_ids
from katoutcomes.registry.synthetic.trajectories import HIGHEST_SCORE, LOWEST_SCORE, N_WEEKS

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from katoutcomes.registry.synthetic.population import Population

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Integers = NDArray[np.int64]

OTHER_VISIT_WEEKS: tuple[int, ...] = (0, 4, 8, 12)
"""Weeks in which the other scales are given, where the PHQ-9 was recorded; 0 is the baseline."""


@dataclass(frozen=True, slots=True)
class OtherScale:
    """A scale that follows the same true state as the PHQ-9, with a patient's own level and noise.

    The total is ``intercept + slope * state + person_sd * (the patient's own level) + noise_sd * noise``, rounded and
    limited to 0 … `highest`.
    """

    name: str
    sites: tuple[str, ...] | None
    needs_care: bool
    intercept: float
    slope: float
    person_sd: float
    noise_sd: float
    highest: int
    n_items: int


OTHER_SCALES: tuple[OtherScale, ...] = (
    OtherScale("GAD-7", None, False, 1.5, 0.60, 2.5, 1.5, 21, 7),
    OtherScale("BDI-II", ("North", "East"), False, 2.0, 1.75, 4.0, 3.0, 63, 0),
    OtherScale("HAM-A", ("North", "West"), True, 5.0, 1.15, 2.5, 2.0, 56, 0),
)
"""GAD-7 by item everywhere; BDI-II and HAM-A as totals in some clinics, HAM-A (a clinician rates it) only in care."""

_PHQ9_ITEM_LEVEL = np.array([0.2, 0.3, 0.4, 0.5, 0.0, 0.2, 0.0, -0.6, -1.3])
_GAD7_ITEM_LEVEL = np.array([0.3, 0.2, 0.3, 0.1, -0.4, 0.0, -0.3])


@dataclass(frozen=True, slots=True, eq=False)
class PhqRows:
    """PHQ-9 scores as arrays, one entry a score.

    Attributes
    ----------
    person, day, total : ndarray of int64
        Position in the `Population`, day (0 is the first dose), score.
    week : ndarray of int64
        0 for the baseline, 1 to 12; -1 in a second course.
    """

    person: Integers
    day: Integers
    total: Integers
    week: Integers


def draw_phq_rows(rng: np.random.Generator, population: Population) -> PhqRows:
    """Return every PHQ-9 that was recorded: baseline, weekly, and around a second course."""
    baseline_rng, weekly_rng, second_rng = rng.spawn(3)
    parts = [
        _baseline(baseline_rng, population),
        _weekly(weekly_rng, population),
        _second_course(second_rng, population),
    ]
    person, day, total, week = (np.concatenate([part[field] for part in parts]) for field in range(4))
    return PhqRows(person, day, total, week)


_Part = tuple["Integers", "Integers", "Integers", "Integers"]


def _baseline(rng: np.random.Generator, population: Population) -> _Part:
    """Place the baseline score within ten days before the first dose; for a few it is missing or too early."""
    draws = rng.random((population.n_patients, 3))
    missing = population.dosed & (draws[:, 0] < 0.012)
    too_early = population.dosed & (draws[:, 0] >= 0.012) & (draws[:, 0] < 0.024)
    never_asked = ~population.dosed & (draws[:, 1] < 0.3)
    day = np.where(too_early, -20 - (8 * draws[:, 2]).astype(np.int64), -(11 * draws[:, 2]).astype(np.int64))
    person = np.flatnonzero(~missing & ~never_asked)
    return person, day[person], population.intake.baseline_score[person], np.zeros(len(person), dtype=np.int64)


def _weekly(rng: np.random.Generator, population: Population) -> _Part:
    """Place the score of week t on the last day of the week or the day after: before the next week's sessions."""
    day_before = rng.random((population.n_patients, N_WEEKS)) < 0.4
    person, week = np.nonzero(population.trajectory.recorded & population.dosed[:, np.newaxis])
    day = 7 * (week + 1) - day_before[person, week]
    return person, day, population.trajectory.score[person, week], week + 1


def _second_course(rng: np.random.Generator, population: Population) -> _Part:
    """Place scores before a second course and 4, 8 and 12 weeks into it: a plain sketch, not the mechanism."""
    offsets = np.array([-3, 28, 56, 84])
    recorded = rng.random((population.n_patients, len(offsets))) < np.array([0.95, 0.75, 0.70, 0.65])
    noise = rng.standard_normal((population.n_patients, len(offsets)))
    intake, state = population.intake, population.trajectory.state[:, N_WEEKS]
    relapsed = state + 0.6 * (intake.true_state - state)
    gain = intake.weekly_improvement * population.second_course_doses
    states = relapsed[:, np.newaxis] - gain[:, np.newaxis] * np.array([0.0, 0.8, 0.7, 0.6])
    totals = np.clip(np.rint(states + 1.8 * noise), LOWEST_SCORE, HIGHEST_SCORE).astype(np.int64)
    person, visit = np.nonzero(recorded & (population.second_course_doses > 0)[:, np.newaxis])
    day = population.second_course_day[person] + offsets[visit]
    return person, day, totals[person, visit], np.full(len(person), -1, dtype=np.int64)


def scores_table(rng: np.random.Generator, population: Population) -> pd.DataFrame:
    """Return the `scores` table with a `day` column, ordered by patient, day and instrument."""
    import pandas as pd

    phq_rng, items_rng, *scale_rngs = rng.spawn(2 + len(OTHER_SCALES))
    phq = draw_phq_rows(phq_rng, population)
    blocks = [_score_block("PHQ-9", phq.person, phq.day, phq.total, _items(items_rng, phq.total, _PHQ9_ITEM_LEVEL))]
    for scale, scale_rng in zip(OTHER_SCALES, scale_rngs, strict=True):
        blocks.append(_other_scale_block(scale_rng, population, phq, scale))
    scores = pd.concat(blocks, ignore_index=True)
    key = population.key[scores["person"].to_numpy()]
    scores = scores.iloc[np.lexsort((scores["instrument"].to_numpy(dtype=str), scores["day"].to_numpy(), key))]
    scores.insert(0, "score_id", [f"Q{number:05d}" for number in range(1, len(scores) + 1)])
    scores.insert(1, "patient_id", np.array(patient_ids(population))[scores["person"].to_numpy()])
    return scores.drop(columns="person").reset_index(drop=True)


def _score_block(name: str, person: Integers, day: Integers, total: Integers, items: Integers) -> pd.DataFrame:
    import pandas as pd

    n_items = items.shape[1]
    columns: dict[str, object] = {"person": person, "day": day, "instrument": name, "total": total}
    for position in range(len(_PHQ9_ITEM_LEVEL)):
        values = items[:, position] if position < n_items else np.zeros(len(total), dtype=np.int64)
        columns[f"item_{position + 1}"] = pd.Series(values, dtype="Int64").where(
            np.full(len(total), position < n_items)
        )
    return pd.DataFrame(columns)


def _other_scale_block(
    rng: np.random.Generator, population: Population, phq: PhqRows, scale: OtherScale
) -> pd.DataFrame:
    given_rng, person_rng, noise_rng, items_rng = rng.spawn(4)
    given = (given_rng.random(len(phq.person)) < 0.92) & np.isin(phq.week, OTHER_VISIT_WEEKS)
    if scale.sites is not None:
        given &= population.at_sites(scale.sites)[phq.person]
    if scale.needs_care:
        given &= population.trajectory.in_care[phq.person, np.maximum(phq.week, 0)]
    person, week, day = phq.person[given], phq.week[given], phq.day[given]
    level = person_rng.standard_normal(population.n_patients)[person]
    noise = noise_rng.standard_normal(len(phq.person))[given]
    state = population.trajectory.state[person, week]
    value = scale.intercept + scale.slope * state + scale.person_sd * level + scale.noise_sd * noise
    total = np.clip(np.rint(value), 0, scale.highest).astype(np.int64)
    item_level = _GAD7_ITEM_LEVEL if scale.n_items else np.empty(0)
    return _score_block(scale.name, person, day, total, _items(items_rng, total, item_level))


def _items(rng: np.random.Generator, total: Integers, item_level: Floats) -> Integers:
    """Split totals into items of 0 to 3 that add up to them exactly.

    Each item has three points, the higher ones harder to reach; the `total` easiest points of all are given, after some
    noise. Which items are high thus varies from score to score while their sum cannot.
    """
    n_items = len(item_level)
    if n_items == 0:
        return np.empty((len(total), 0), dtype=np.int64)
    ease = item_level[:, np.newaxis] - np.array([0.0, 0.9, 1.8])
    ease = ease.reshape(-1) + 0.7 * rng.standard_normal((len(total), 3 * n_items))
    rank = np.argsort(np.argsort(-ease, axis=1, kind="stable"), axis=1, kind="stable")
    reached = (rank < total[:, np.newaxis]).reshape(len(total), n_items, 3)
    return np.asarray(reached.sum(axis=2), dtype=np.int64)
