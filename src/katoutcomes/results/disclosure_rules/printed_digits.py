"""A released number has the digits that are printed, and no more.

Twelve digits of a mean, times the number of patients, give the sum of their scores; two such sums that differ by one
patient give that patient's score. What a reader sees is rounded, so that is all that leaves.
"""

from __future__ import annotations

import math
from dataclasses import replace

from katoutcomes.results.check import Check
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.formatting import DIGITS_OF_DF, digits_of
from katoutcomes.results.rounding import rounded
from katoutcomes.vocabulary import MEASURES

FEW_PATIENTS = 25
"""Numbers of fewer patients are coarser: see `with_printed_digits`."""

UNITS_OF_SCORES: frozenset[str] = frozenset({"points", "years", "trials", "%", "mg", "mg/kg", "days"})
"""Units of numbers that give a sum over patients, times their number."""

DIGITS_OF_STATISTIC = 2
SIGNIFICANT_DIGITS_OF_P = 2
SIGNIFICANT_DIGITS_OF_CHECK = 2


def with_printed_digits(estimate: Estimate) -> Estimate:
    """Return the estimate with the digits that are printed.

    Counts and proportions stay: they follow from counts that are shown. So does a threshold that rests on no patient;
    one made from the spread of their scores is rounded like a mean.

    Numbers of fewer than 25 patients are rounded to fives of their last digit, means in points to half a point. Two
    means of n and m patients who differ by one patient tell that patient's score within a range as wide as one step
    times n + m: at least 5 points, whatever the groups (25 + 25 patients with one decimal, 11 + 12 with halves).

    Examples
    --------
    >>> one = Estimate(term="change", measure="mean change", unit="points", estimate=-6.2468, std_error=0.71828)
    >>> printed = with_printed_digits(one)
    >>> printed.estimate, printed.std_error
    (-6.2, 0.72)
    >>> with_printed_digits(replace(one, n_patients=24)).estimate
    -6.0
    """
    kind = MEASURES[estimate.measure].kind
    if kind in {"count", "proportion"} or (kind == "constant" and estimate.n_patients is None):
        return estimate
    digits = digits_of(estimate.measure, estimate.unit)
    in_fives = is_of_few(estimate)
    return replace(
        estimate,
        estimate=_on_page(estimate.estimate, digits, in_fives=in_fives),
        std_error=rounded(estimate.std_error, digits if in_fives else digits + 1),
        df=rounded(estimate.df, DIGITS_OF_DF),
        conf_low=_on_page(estimate.conf_low, digits, in_fives=in_fives),
        conf_high=_on_page(estimate.conf_high, digits, in_fives=in_fives),
        statistic=rounded(estimate.statistic, DIGITS_OF_STATISTIC),
        p_value=_to_significant(estimate.p_value, SIGNIFICANT_DIGITS_OF_P),
    )


def is_of_few(estimate: Estimate) -> bool:
    """Return whether an estimate is a number of so few patients that it is rounded to fives of its last digit."""
    n_patients = estimate.n_patients
    return estimate.unit in UNITS_OF_SCORES and n_patients is not None and 0 < n_patients < FEW_PATIENTS


def _on_page(value: float, digits: int, *, in_fives: bool) -> float:
    return rounded(rounded(2 * value, digits - 1) / 2, digits) if in_fives else rounded(value, digits)


def check_with_few_digits(check: Check) -> Check:
    """Return the check with two significant digits of its value; its limit is no finding and stays.

    Examples
    --------
    >>> check_with_few_digits(Check("overlap", True, "caution", 0.12345, 0.25, "The groups are alike.")).value
    0.12
    """
    return replace(check, value=_to_significant(check.value, SIGNIFICANT_DIGITS_OF_CHECK))


def _to_significant(value: float, digits: int) -> float:
    """Return a number with so many significant digits: one that is not 0 never becomes 0."""
    return float(f"{value:.{digits}g}") if math.isfinite(value) else value
