"""An emulated trial week by week: weights so far, and whether the weeks' decisions left like with like."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from katoutcomes.kernels.emulation.censoring_weights import kept_probability
from katoutcomes.kernels.emulation.data import Arm, Decisions

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


def weights_by_week(arm: Arm, model: Decisions, probabilities: Floats, weeks: Integers, n_weeks: int) -> Floats:
    """Return the weight of every copy of an arm at the end of each week, shape (n_weeks, n_patients).

    Parameters
    ----------
    arm : Arm
        Where the strategy prescribes something.
    model : Decisions
        The decisions of the arm.
    probabilities : ndarray of float64, shape (m,)
        Of the event in each of them.
    weeks : ndarray of int64, shape (m,)
        In which week, from 0, each decision is settled.
    n_weeks : int
        How many weeks.

    Notes
    -----
    Inverse probability of having kept to the strategy in all decisions settled so far; 0 once one was not kept. In the
    last week it is the weight of `censoring_weights`.

    Examples
    --------
    >>> one = Decisions(np.array([0, 0]), np.array([0, 1]), np.array([0.0, 1.0]), np.zeros((2, 1)))
    >>> none = Arm(0, np.array([True, True]), 0.0, np.array([False]))
    >>> weights_by_week(none, one, np.array([0.5, 0.2]), np.array([0, 1]), 2).tolist()
    [[2.0], [0.0]]
    """
    n_patients = len(arm.followed)
    factor = np.where(model.happened == arm.required, 1.0 / kept_probability(arm, probabilities), 0.0)
    steps = np.ones((n_weeks, n_patients))
    rows = np.flatnonzero(arm.is_decision)
    np.multiply.at(steps, (np.minimum(weeks[rows], n_weeks - 1), model.patient[rows]), factor[rows])
    return np.asarray(np.cumprod(steps, axis=0))


@dataclass(frozen=True, slots=True, eq=False)
class WeeklyBalance:
    """How those with and without the event in a week differed in what was known before it; shape (n_slots,) each.

    Attributes
    ----------
    slot : ndarray of int64
        The weeks, ascending.
    n_with, n_without : ndarray of int64
        Patients with the event in the week, and others who could have had it.
    before, weighted : ndarray of float64
        Standardized mean difference, with minus without: as they are, and each weighted by the inverse of the fitted
        probability of what happened. NaN where one of the groups is empty.
    """

    slot: Integers
    n_with: Integers
    n_without: Integers
    before: Floats
    weighted: Floats


def weekly_balance(model: Decisions, values: Floats, probabilities: Floats, sd: float) -> WeeklyBalance:
    """Compare, in each week, those who had the event with those who could have had it and had not.

    Parameters
    ----------
    model : Decisions
        The person-periods.
    values : ndarray of float64, shape (m,)
        What is compared, as known before each period.
    probabilities : ndarray of float64, shape (m,)
        Of the event in each period.
    sd : float
        The one denominator, unweighted, at time zero; above 0.

    References
    ----------
    Jackson JW. Diagnostics for confounding of time-varying and other joint exposures. Epidemiology 2016;27:859-869.
    doi:10.1097/EDE.0000000000000547.

    Examples
    --------
    >>> weeks = Decisions(np.arange(4), np.zeros(4, dtype=int), np.array([1.0, 1.0, 0.0, 0.0]), np.zeros((4, 1)))
    >>> found = weekly_balance(weeks, np.array([8.0, 4.0, 4.0, 2.0]), np.array([0.8, 0.4, 0.4, 0.2]), 2.0)
    >>> found.before.tolist(), found.weighted.round(3).tolist()
    ([1.5], [1.095])
    """
    slots = np.unique(model.slot)
    happened = model.happened == 1.0
    inverse = np.where(happened, 1.0 / probabilities, 1.0 / (1.0 - probabilities))
    rows = [model.slot == slot for slot in slots]
    counts = [(int((row & happened).sum()), int((row & ~happened).sum())) for row in rows]
    before, weighted = (
        np.array([_mean_difference(values, weights, row & happened, row & ~happened) for row in rows]) / sd
        for weights in (np.ones(len(happened)), inverse)
    )
    n_with, n_without = np.array(counts, dtype=np.int64).reshape(-1, 2).T
    return WeeklyBalance(slots, n_with, n_without, before, weighted)


def _mean_difference(values: Floats, weights: Floats, one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    if not (one.any() and other.any()):
        return float("nan")
    return float(np.average(values[one], weights=weights[one]) - np.average(values[other], weights=weights[other]))
