"""Who leaves care while following each strategy of an emulated trial, week by week."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.emulation.balance import ARM
from katoutcomes.analyses.steps.emulation.flow import departure_weeks
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Cell, Part

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.emulation.data import Emulation

LEAVING, LEFT_IN, STILL_IN_CARE = "leaving_by_week", "left care in the week", "still in care, of the copies that follow"
_DAYS_A_WEEK = 7.0


@dataclass(frozen=True, slots=True, eq=False)
class Leaving:
    """When the copies of an arm left care, or were last seen to follow.

    Attributes
    ----------
    label : str
        The strategy.
    week : ndarray of float64, shape (n_patients,)
        In which week, from 1, the patient left care or the copy departed; the last week for those who did neither.
    has_left : ndarray of bool, shape (n_patients,)
        Whether it was leaving care. Whoever departs and leaves in one week has departed first.
    """

    label: str
    week: NDArray[np.float64]
    has_left: NDArray[np.bool_]


def leaving_of(found: Emulation) -> tuple[Leaving, Leaving]:
    """Return who left care in each arm, the comparator first."""
    import numpy as np

    patients, trial = found.found, found.trial
    n_weeks = float(patients.n_weeks)
    left = np.where(patients.has_left, np.floor(patients.last_care_day / _DAYS_A_WEEK) + 1.0, math.inf)
    left = np.where(left < 1.0, 1.0, left)
    departed = np.where(departure_weeks(found) == 0, math.inf, departure_weeks(found)).astype(np.float64)
    arms = [
        Leaving(strategy.label, np.minimum(np.minimum(left, gone), n_weeks), (left < gone) & (left <= n_weeks))
        for strategy, gone in zip((trial.comparator, trial.strategy), departed.T, strict=True)
    ]
    return arms[0], arms[1]


def leaving_part(found: Emulation) -> tuple[Part, ...]:
    """Return how many of each arm left care in each week while they followed; not with several trials of a patient."""
    if found.units is not None:
        return ()
    rows: list[tuple[Cell, ...]] = [
        (week, arm.label, LEFT_IN, int((arm.has_left & (arm.week == week)).sum()))
        for arm in leaving_of(found)
        for week in range(1, found.found.n_weeks + 1)
    ]
    return (Part(LEAVING, ("order", "group", "step", "n_patients"), tuple(rows)),)


def leaving_estimates(found: Emulation, conf_level: float) -> Iterator[Estimate]:
    """Yield the Kaplan-Meier share of the copies of each arm still in care at the end of each week.

    A copy that departs from its strategy is censored then; nothing is weighted. Where patients have several trials,
    nothing is told: the curves would be of courses.
    """
    import numpy as np

    from katoutcomes.kernels.missing.kaplan_meier import kaplan_meier

    for arm in leaving_of(found) if found.units is None else ():
        curve = kaplan_meier(arm.week, arm.has_left, conf_level)
        for week in range(1, found.found.n_weeks + 1):
            place = int(np.searchsorted(curve.time, week, side="right")) - 1
            share, std_error, low, high = 1.0, 0.0, math.nan, math.nan
            if place >= 0:
                share, std_error = float(curve.survival[place]), float(curve.std_error[place])
                low, high = float(curve.conf_low[place]), float(curve.conf_high[place])
            yield Estimate(
                term=STILL_IN_CARE,
                measure="Kaplan-Meier share",
                visit=f"week {week}",
                subgroup=f"{ARM}{arm.label}",
                estimate=share,
                std_error=std_error,
                conf_low=low,
                conf_high=high,
                conf_level=math.nan if math.isnan(low) else conf_level,
                n_patients=found.n_patients,
            )
