"""In which weeks the copies of an emulated trial have no score: for a time, or for good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.missing_scores import LATER, NEVER, gaps_and_ends
from katoutcomes.estimands.strategies import DAYS_A_WEEK
from katoutcomes.results.part import Cell, Part

if TYPE_CHECKING:
    from katoutcomes.analyses.steps.emulation.data import Emulation

MISSING_BY_WEEK = "missing_by_week"


def gaps_part(found: Emulation) -> tuple[Part, ...]:
    """Return how many followers of each arm are missing in each week: with a later score up to the visit, or without.

    Weeks are those that end before the window of the visit and in which somebody has a score. At the visit whoever is
    missing is so for good: the followers without the scored. Not with several trials of a patient, as of leaving care.
    """
    import numpy as np

    patients, trial = found.found, found.trial
    ends_before = DAYS_A_WEEK * (np.arange(patients.n_weeks) + 1) < trial.visit.first_day
    weeks = np.flatnonzero(ends_before & patients.scored.any(axis=0))
    if found.units is not None or not weeks.size:
        return ()
    gaps, ends = gaps_and_ends(np.column_stack([patients.scored[:, weeks], ~np.isnan(patients.outcome)]))
    rows: list[tuple[Cell, ...]] = [
        (int(week) + 1, strategy.label, words, int(mask[arm.followed, place].sum()))
        for strategy, arm in zip((trial.comparator, trial.strategy), found.data.arms, strict=True)
        for place, week in enumerate(weeks)
        for words, mask in ((LATER, gaps), (NEVER, ends))
    ]
    return (Part(MISSING_BY_WEEK, ("order", "group", "step", "n_patients"), tuple(rows)),)
