"""A released number has the digits that are printed, and no more.

Twelve digits of a mean, times the number of patients, give the sum of their scores; two such sums that differ by one
patient give that patient's score. What a reader sees is rounded, so that is all that leaves.
"""

from __future__ import annotations

import math
from dataclasses import replace

from katoutcomes.results.check import Check
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.formatting import DIGITS_OF_DF, digits_of, rounded
from katoutcomes.vocabulary import MEASURES

DIGITS_OF_STATISTIC = 2
SIGNIFICANT_DIGITS_OF_P = 2
SIGNIFICANT_DIGITS_OF_CHECK = 2


def with_printed_digits(estimate: Estimate) -> Estimate:
    """Return the estimate with the digits that are printed.

    Counts and proportions stay: they follow from counts that are shown. So does a threshold that rests on no patient;
    one made from the spread of their scores is rounded like a mean.

    Examples
    --------
    >>> one = Estimate(term="change", measure="mean change", unit="points", estimate=-6.2468, std_error=0.71828)
    >>> printed = with_printed_digits(one)
    >>> printed.estimate, printed.std_error
    (-6.2, 0.72)
    """
    kind = MEASURES[estimate.measure].kind
    if kind in {"count", "proportion"} or (kind == "constant" and estimate.n_patients is None):
        return estimate
    digits = digits_of(estimate.measure, estimate.unit)
    return replace(
        estimate,
        estimate=rounded(estimate.estimate, digits),
        std_error=rounded(estimate.std_error, digits + 1),
        df=rounded(estimate.df, DIGITS_OF_DF),
        conf_low=rounded(estimate.conf_low, digits),
        conf_high=rounded(estimate.conf_high, digits),
        statistic=rounded(estimate.statistic, DIGITS_OF_STATISTIC),
        p_value=_to_significant(estimate.p_value, SIGNIFICANT_DIGITS_OF_P),
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
