"""A released number has the digits that are printed, and no more.

Twelve digits of a mean, times the number of patients, give the sum of their scores; two such sums that differ by one
patient give that patient's score. What a reader sees is rounded, so that is all that leaves.
"""

from __future__ import annotations

import math
from dataclasses import replace

from katoutcomes.results.check import Check
from katoutcomes.results.estimate import NOT_A_NUMBER, Estimate
from katoutcomes.results.formatting import DIGITS_OF_DF, digits_of
from katoutcomes.results.rounding import rounded
from katoutcomes.vocabulary import MEASURES

FEW_PATIENTS = 25
"""Numbers of fewer patients are coarser: see `with_printed_digits`."""

UNITS_OF_SCORES: frozenset[str] = frozenset({"points", "years", "trials", "%", "mg", "mg/kg", "days"})
"""Units of numbers that give a sum over patients, times their number."""

_QUANTILES = frozenset({"median", "lower quartile", "upper quartile"})
_MULTIPLES = frozenset({"mean", "standard deviation", "probability of superiority", "own weight"})
"""Measures without a unit that are a multiple of one over the number of patients, or a function of it."""
_NO_MULTIPLES_FROM = 100

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
    p_value = _to_significant(estimate.p_value, SIGNIFICANT_DIGITS_OF_P)
    if estimate.measure == "adjusted p-value":
        return replace(estimate, estimate=_to_significant(estimate.estimate, SIGNIFICANT_DIGITS_OF_P), p_value=p_value)
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
        p_value=p_value,
    )


def is_of_few(estimate: Estimate) -> bool:
    """Return whether an estimate is a number of so few patients that it is rounded to fives of its last digit."""
    n_patients = estimate.n_patients
    return estimate.unit in UNITS_OF_SCORES and n_patients is not None and 0 < n_patients < FEW_PATIENTS


def _on_page(value: float, digits: int, *, in_fives: bool) -> float:
    return rounded(rounded(2 * value, digits - 1) / 2, digits) if in_fives else rounded(value, digits)


def with_digits_of_any_number(estimate: Estimate) -> Estimate:
    """Return an estimate in printed digits of which it cannot be seen of how many patients it is.

    The mean of n whole numbers is a multiple of 1/n: two decimals tell some n below 100 from others, one decimal none
    from 10 on. A quartile ends in .25, .5 or .75 by the remainder of n - 1 over 4, a median in .5 where n is even.

    Examples
    --------
    >>> one = Estimate(term="age_years", measure="median", unit="years", estimate=41.5, n_patients=58)
    >>> with_digits_of_any_number(one).estimate
    42.0
    """
    n_patients = estimate.n_patients
    if estimate.measure in _QUANTILES:
        digits = digits_of(estimate.measure, estimate.unit) - 1 if estimate.unit else 0
    elif estimate.measure in _MULTIPLES and not estimate.unit and (n_patients or 0) < _NO_MULTIPLES_FROM:
        digits = 1
    else:
        return estimate
    value, low, high = (rounded(one, digits) for one in (estimate.estimate, estimate.conf_low, estimate.conf_high))
    return replace(estimate, estimate=value, conf_low=low, conf_high=high)


def without_its_number(estimate: Estimate) -> Estimate:
    """Return an estimate that stays although it is hidden of how many patients it is, in printed digits.

    t and p give the degrees of freedom, a standard error and a spread the number of patients: t and the standard error
    are left out. The interval has one decimal less, which leaves the number open by several patients.

    Examples
    --------
    >>> one = Estimate(term="change", measure="difference in means", unit="points", estimate=-3.21, std_error=0.985,
    ...     statistic=-3.26, p_value=0.0016, n_patients=88)
    >>> alone = without_its_number(one)
    >>> alone.estimate, alone.std_error, alone.statistic, alone.p_value, alone.n_patients
    (-3.2, nan, nan, 0.0016, None)
    """
    # Rounded first, because few patients have coarser digits.
    return replace(
        with_digits_of_any_number(with_printed_digits(estimate)),
        n_patients=None,
        n_observations=None,
        std_error=NOT_A_NUMBER,
        df=NOT_A_NUMBER,
        statistic=NOT_A_NUMBER,
    )


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
