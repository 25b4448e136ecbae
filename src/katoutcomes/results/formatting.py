"""Numbers become text here and nowhere else.

The rules, in one place:

* A number is first rounded to 12 significant digits (as in JSON), so that its text does not hang on the last bit, and
  then half away from zero at the digit that is shown, as people do on paper: 0.125 becomes "0.13", -0.125 "−0.13".
* The minus is U+2212, the thousands separator a comma, the decimal sign a point, whatever the locale.
* What does not apply is "–". A hidden count is "<11" (with the minimum cell) where it is below it and to know that
  gives nothing else away; every other hidden number is "hidden".
* The digits follow the measure and the unit (`digits_of`): points 1, effect sizes in SD 2, shares none below 100
  patients and 1 from 100 on, differences of shares whole percentage points ("pp"). Thresholds, medians and quartiles
  drop trailing zeros.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from katoutcomes.results.result import ReleasedResult
from katoutcomes.results.rounding import quantized

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.part import Part
    from katoutcomes.results.result import ResultRecord

MINUS = "\u2212"
DOES_NOT_APPLY = "\u2013"
HIDDEN = "hidden"
PERCENT_DIGITS_FROM = 100
"""From this many patients on, a percentage has one decimal; below it, one patient is more than a whole percent."""

_DIGITS_OF_UNIT = {
    "points": 1,
    "years": 1,
    "trials": 1,
    "sessions": 1,
    "days": 1,
    "mg": 0,
    "mg/kg": 2,
    "SD": 2,
    "%": 1,
    "patients": 0,
    "courses": 0,
    "mmHg": 1,
    "per 1,000 patient-days": 2,
    "per 100 sessions": 1,
    "": 2,
}
_DIGITS_OF_MEASURE = {"count": 0, "threshold": 2, "effective sample size": 0}
PROPORTIONS = frozenset(
    {
        "proportion",
        "proportion of sessions",
        "share of specifications",
        "center line of a share",
        "control limit of a share",
        "standardized share",
    }
)
"""Measures that are printed as percentages."""
ESTIMATED_SHARES = frozenset({"model-based share", "adjusted share", "Kaplan-Meier share"})
"""Shares that count nobody: printed as whole percentages."""
SHARE_DIFFERENCES = frozenset(
    {
        "difference in proportions",
        "standardized difference in proportions",
        "minimal detectable difference in proportions",
        "tipping point of a share",
    }
)
"""Measures that are printed as whole percentage points."""
PERCENTAGE_POINTS = "pp"
DIGITS_OF_DF = 1
_WITHOUT_TRAILING_ZEROS = frozenset({"threshold", "median", "lower quartile", "upper quartile"})
"""A threshold of 5.98 must not read "6.0"; medians of whole numbers are whole or half."""


def format_number(value: float | None, digits: int, *, trailing_zeros: bool = True) -> str:
    """Return a number with `digits` decimals.

    Parameters
    ----------
    value : float or None
        NaN and None give "–", infinities "∞" and "−∞".
    digits : int
        Decimals, 0 or more.
    trailing_zeros : bool
        Whether ``1.50`` stays or becomes ``1.5``.

    Examples
    --------
    >>> format_number(-6.25, 1), format_number(1234.5, 0), format_number(-0.04, 1)
    ('−6.3', '1,235', '0.0')
    >>> format_number(float("nan"), 1)
    '–'
    """
    if value is None or math.isnan(value):
        return DOES_NOT_APPLY
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    printed = quantized(value, digits)
    text = f"{abs(printed):,f}"
    if not trailing_zeros and "." in text:
        text = text.rstrip("0").rstrip(".")
    return f"{MINUS}{text}" if printed < 0 else text


def format_count(
    count: float | None, *, suppressed: bool = False, below_minimum: bool = False, minimum_cell: int | None = None
) -> str:
    """Return a number of patients, sessions or rows.

    Parameters
    ----------
    count : float or None
        None or NaN: not known, or hidden where `suppressed`.
    suppressed, below_minimum : bool
        As in `Estimate` and `Part`.
    minimum_cell : int, optional
        The minimum of the released result that holds the count.

    Examples
    --------
    >>> format_count(1234), format_count(None)
    ('1,234', '–')
    >>> format_count(None, suppressed=True, below_minimum=True, minimum_cell=11)
    '<11'
    >>> format_count(None, suppressed=True)
    'hidden'
    """
    if suppressed:
        return f"<{minimum_cell}" if below_minimum and minimum_cell is not None else HIDDEN
    return format_number(count, 0)


def format_percent(share: float | None, n_patients: int | None = None, *, sign: str = "%") -> str:
    """Return a share as a percentage: whole below 100 patients, with one decimal from 100 on.

    A share that is not 0 (or not all) never reads as if it were: "<0.1%", ">99.9%".

    Examples
    --------
    >>> format_percent(0.4512, 40), format_percent(0.4512, 400), format_percent(0.0002, 6000)
    ('45%', '45.1%', '<0.1%')
    """
    if share is None or math.isnan(share):
        return DOES_NOT_APPLY
    digits = 1 if n_patients is not None and n_patients >= PERCENT_DIGITS_FROM else 0
    text = format_number(100.0 * share, digits)
    smallest = format_number(10.0**-digits, digits)
    if share > 0.0 and text == format_number(0.0, digits):
        text = f"<{smallest}"
    elif share < 1.0 and text == format_number(100.0, digits):
        text = f">{format_number(100.0 - 10.0**-digits, digits)}"
    return f"{text}{sign}"


def format_p(p_value: float | None, *, named: bool = False) -> str:
    """Return a p-value: "<0.001", three decimals below 0.1, two above, never 0 and never 1.

    Parameters
    ----------
    p_value : float or None
        Between 0 and 1.
    named : bool
        Whether to write ``"p = 0.03"`` instead of ``"0.03"``.

    Examples
    --------
    >>> format_p(1e-9), format_p(0.0312), format_p(0.312), format_p(0.999)
    ('<0.001', '0.031', '0.31', '>0.99')
    >>> format_p(1e-9, named=True), format_p(0.2, named=True)
    ('p < 0.001', 'p = 0.20')
    """
    if p_value is None or math.isnan(p_value):
        return DOES_NOT_APPLY
    if p_value < 0.001:
        sign, text = "<", "0.001"
    elif p_value > 0.99:
        sign, text = ">", "0.99"
    else:
        sign, text = "=", format_number(p_value, 3 if p_value < 0.0995 else 2)
    if named:
        return f"p {sign} {text}"
    return text if sign == "=" else f"{sign}{text}"


def format_level(conf_level: float) -> str:
    """Return a confidence level as a percentage without needless decimals.

    Examples
    --------
    >>> format_level(0.95), format_level(0.995)
    ('95%', '99.5%')
    """
    return f"{format_number(100.0 * conf_level, 2, trailing_zeros=False)}%"


def format_df(df: float | None) -> str:
    """Return degrees of freedom: whole ones whole, others with one decimal.

    Examples
    --------
    >>> format_df(58.0), format_df(57.31)
    ('58', '57.3')
    """
    return format_number(df, DIGITS_OF_DF, trailing_zeros=df is None or not math.isfinite(df) or df != round(df))


def format_day(day: int) -> str:
    """Return a day counted from the first dose.

    Examples
    --------
    >>> format_day(84), format_day(-14)
    ('day 84', 'day −14')
    """
    return f"day {format_number(day, 0)}"


def digits_of(measure: str, unit: str) -> int:
    """Return how many decimals an estimate of this measure and unit is shown with.

    Examples
    --------
    >>> digits_of("mean", "points"), digits_of("d_av", "SD"), digits_of("correlation", ""), digits_of("count", "")
    (1, 2, 2, 0)
    """
    return _DIGITS_OF_MEASURE.get(measure, _DIGITS_OF_UNIT[unit])


def _format_value(estimate: Estimate, value: float) -> str:
    """Return a value on the scale of the estimate: itself or one of its limits."""
    if estimate.measure in PROPORTIONS:
        return format_percent(value, estimate.n_base)
    if estimate.measure in ESTIMATED_SHARES:
        return format_percent(value)
    if estimate.measure in SHARE_DIFFERENCES:
        return format_number(100.0 * value, 0)
    digits = digits_of(estimate.measure, estimate.unit)
    return format_number(value, digits, trailing_zeros=estimate.measure not in _WITHOUT_TRAILING_ZEROS)


def format_estimate(estimate: Estimate, minimum_cell: int | None = None) -> str:
    """Return the number alone; a proportion as a percentage.

    Parameters
    ----------
    estimate : Estimate
        Anything an analysis may report.
    minimum_cell : int, optional
        The minimum of the released result it belongs to (`minimum_cell_of`), for counts such as "<11".

    Examples
    --------
    >>> from katoutcomes.results.estimate import Estimate
    >>> format_estimate(Estimate(term="change", measure="mean change", unit="points", estimate=-6.25))
    '−6.3'
    >>> format_estimate(Estimate(term="sex: male", measure="count", suppressed=True, below_minimum=True), 11)
    '<11'
    """
    if estimate.measure == "count":
        return format_count(
            estimate.estimate,
            suppressed=estimate.suppressed,
            below_minimum=estimate.below_minimum,
            minimum_cell=minimum_cell,
        )
    if estimate.suppressed:
        return HIDDEN
    return _with_unit(estimate, _format_value(estimate, estimate.estimate))


def _with_unit(estimate: Estimate, text: str) -> str:
    """Return a difference of shares with its unit; everything else as it is."""
    has_unit = estimate.measure in SHARE_DIFFERENCES and text != DOES_NOT_APPLY
    return f"{text} {PERCENTAGE_POINTS}" if has_unit else text


def format_std_error(estimate: Estimate) -> str:
    """Return the standard error with one decimal more than the estimate (a proportion's in percentage points)."""
    if estimate.suppressed:
        return HIDDEN
    if estimate.measure in PROPORTIONS | ESTIMATED_SHARES | SHARE_DIFFERENCES:
        return format_number(100.0 * estimate.std_error, 1)
    return format_number(estimate.std_error, digits_of(estimate.measure, estimate.unit) + 1)


def format_interval(estimate: Estimate) -> str:
    """Return the confidence limits, ``"low to high"``; "–" where there are none.

    Examples
    --------
    >>> from katoutcomes.results.estimate import Estimate
    >>> format_interval(
    ...     Estimate(
    ...         term="response", measure="proportion", estimate=0.45, conf_low=0.307, conf_high=0.602, n_patients=40
    ...     )
    ... )
    '31% to 60%'
    """
    if estimate.suppressed:
        return HIDDEN
    if math.isnan(estimate.conf_low) and math.isnan(estimate.conf_high):
        return DOES_NOT_APPLY
    high = _with_unit(estimate, _format_value(estimate, estimate.conf_high))
    return f"{_format_value(estimate, estimate.conf_low)} to {high}"


def format_with_interval(estimate: Estimate, minimum_cell: int | None = None) -> str:
    """Return the number with its limits in parentheses; only the number where it has none.

    Examples
    --------
    >>> from katoutcomes.results.estimate import Estimate
    >>> format_with_interval(
    ...     Estimate(
    ...         term="change", measure="mean change", unit="points", estimate=-6.25, conf_low=-7.5, conf_high=-5.0
    ...     )
    ... )
    '−6.3 (−7.5 to −5.0)'
    """
    text = format_estimate(estimate, minimum_cell)
    interval = format_interval(estimate)
    return text if interval in (DOES_NOT_APPLY, HIDDEN) else f"{text} ({interval})"


def format_mean_sd(mean: Estimate | None, standard_deviation: Estimate | None) -> str:
    """Return ``"mean (SD)"``; "–" where there is no mean, "hidden" where it is hidden."""
    if mean is None:
        return DOES_NOT_APPLY
    text = format_estimate(mean)
    if standard_deviation is None or text in (DOES_NOT_APPLY, HIDDEN):
        return text
    return f"{text} ({format_estimate(standard_deviation)})"


def format_n_patients(estimate: Estimate, minimum_cell: int | None = None) -> str:
    """Return how many patients an estimate rests on.

    Examples
    --------
    >>> from katoutcomes.results.estimate import Estimate
    >>> format_n_patients(Estimate(term="change", measure="mean change", n_patients=57))
    '57'
    """
    # A released estimate may have lost its number of patients alone.
    is_hidden = estimate.n_patients is None and (estimate.suppressed or minimum_cell is not None)
    return format_count(
        estimate.n_patients,
        suppressed=is_hidden,
        below_minimum=estimate.below_minimum,
        minimum_cell=minimum_cell,
    )


def format_share(estimate: Estimate, minimum_cell: int | None = None) -> str:
    """Return a proportion as ``"18 of 40"``, hidden numbers hidden.

    Examples
    --------
    >>> from katoutcomes.results.estimate import Estimate
    >>> format_share(Estimate(term="response", measure="proportion", estimate=0.45, n_patients=40))
    '18 of 40'
    """
    if estimate.measure == "proportion of sessions":
        estimate = replace(estimate, measure="proportion", n_patients=estimate.n_observations)
    if estimate.suppressed and estimate.n_patients is None:
        return format_n_patients(estimate, minimum_cell)
    counted = format_count(
        estimate.n_counted,
        suppressed=estimate.suppressed,
        below_minimum=estimate.below_minimum,
        minimum_cell=minimum_cell,
    )
    return f"{counted} of {format_n_patients(estimate, minimum_cell)}"


def format_part_cell(part: Part, row: int, column: str, minimum_cell: int | None = None) -> str:
    """Return one cell of a part as text: counts by the rules of this module, words as they are.

    Examples
    --------
    >>> from katoutcomes.results.part import Part
    >>> part = Part("flow", ("step", "n_patients"), (("enrolled", 1200),))
    >>> format_part_cell(part, 0, "n_patients")
    '1,200'
    """
    position = part.columns.index(column)
    cell = part.rows[row][position]
    if isinstance(cell, str | bool):
        return str(cell)
    is_hidden = (row, position) in part.suppressed
    if is_hidden or cell is None or isinstance(cell, int):
        is_below = (row, position) in part.below_minimum
        return format_count(cell, suppressed=is_hidden, below_minimum=is_below, minimum_cell=minimum_cell)
    return format_number(cell, 2, trailing_zeros=False)


def minimum_cell_of(result: ResultRecord) -> int | None:
    """Return the minimum cell of a released result, None for one that has not been released."""
    return result.minimum_cell if isinstance(result, ReleasedResult) else None
