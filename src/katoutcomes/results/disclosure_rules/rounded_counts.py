"""Counts rounded to multiples, as the NHS publishes them, and everything beside them made of what is then shown.

A rounded count protects nobody whose exact number stands in a percentage, an interval or degrees of freedom beside it.
So a share is that of the rounded counts, with the interval that these would have; the interval of a mean is widened to
what the fewest patients who round alike would give; and what tells a number of patients by itself is left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from katoutcomes.results.disclosure_rules.part_counts import count_columns
from katoutcomes.results.disclosure_rules.printed_digits import with_digits_of_any_number, with_printed_digits
from katoutcomes.results.disclosure_rules.published_model import rounded_count
from katoutcomes.results.disclosure_rules.rounded_shares import (
    rounded_difference,
    rounded_rate,
    rounded_share,
)
from katoutcomes.results.estimate import NOT_A_NUMBER, Estimate, number_alone
from katoutcomes.results.part import Cell, Part
from katoutcomes.results.rounding import rounded
from katoutcomes.vocabulary import MEASURES

_TELLS_ITS_NUMBER = frozenset({"fit statistic", "joint test", "adjusted p-value"})
"""Measures that are hidden: BIC less AIC gives the logarithm of the number of patients, tests nearly so."""

_RATIOS = frozenset({"odds ratio", "risk ratio", "variance ratio"})
"""Measures whose intervals are symmetrical on the logarithmic scale."""

_SIZE = "effective sample size"
"""A number of patients: over its share of all of them it is all of them."""
_CURVES = frozenset({"Kaplan-Meier share"})
_LINES_OF_SHARES = frozenset({"center line of a share", "control limit of a share"})
_STEP_OF_SHARES = 0.05
"""Limits of a chart lie three standard errors from the center of a share, which tells of how many it is the share."""
_A_LITTLE = 1e-9


@dataclass(frozen=True, slots=True)
class Rounding:
    """To what counts are rounded, and the smallest that is shown.

    Attributes
    ----------
    to : int
        1 or more.
    minimum_cell : int
        At least `to`, so that no count that is shown becomes 0.
    """

    to: int
    minimum_cell: int

    def count(self, count: int) -> int:
        """Return a count as it is shown."""
        return rounded_count(count, self.to)

    def known(self, count: int | None) -> int | None:
        """Return a count as it is shown, None where there is none."""
        return None if count is None else self.count(count)

    def fewest(self, count: int) -> int:
        """Return the fewest that are shown alike.

        Examples
        --------
        >>> [Rounding(5, 11).fewest(count) for count in (11, 13, 57)]
        [11, 13, 53]
        """
        return min(count, max(self.count(count) - self.to // 2, self.minimum_cell))


def rounded_estimates(estimates: Sequence[Estimate], rounding: Rounding) -> tuple[Estimate, ...]:
    """Return estimates with rounded counts, in the digits that are printed; what is hidden stays so.

    Parameters
    ----------
    estimates : sequence of Estimate
        All of one result, hidden numbers hidden: differences of shares are those of the shares among them.
    rounding : Rounding
        To what; 1 gives printed digits alone.
    """
    if rounding.to == 1:
        return tuple(map(with_printed_digits, estimates))
    return tuple(_with_rounded_numbers(_rounded(one, estimates, rounding), rounding) for one in estimates)


def _with_rounded_numbers(estimate: Estimate, rounding: Rounding) -> Estimate:
    n_patients, n_observations = rounding.known(estimate.n_patients), rounding.known(estimate.n_observations)
    return replace(estimate, n_patients=n_patients, n_observations=n_observations)


def _rounded(estimate: Estimate, estimates: Sequence[Estimate], rounding: Rounding) -> Estimate:
    kind = MEASURES[estimate.measure].kind
    is_published = kind == "constant" and estimate.n_patients is None
    if is_published or estimate.suppressed or math.isnan(estimate.estimate):
        return estimate
    if kind == "count":
        return replace(estimate, estimate=float(rounding.count(round(estimate.estimate))))
    if kind == "proportion":
        return rounded_share(estimate, rounding.count)
    if estimate.measure == "event rate":
        return with_printed_digits(rounded_rate(estimate, rounding.count))
    if estimate.measure == "difference in proportions":
        return with_printed_digits(rounded_difference(estimate, estimates, rounding.count))
    return _statistic(estimate, rounding)


def _statistic(estimate: Estimate, rounding: Rounding) -> Estimate:
    """Return a mean, an effect or a model's number without what tells of how many patients it is."""
    if estimate.measure in _TELLS_ITS_NUMBER:
        return replace(number_alone(estimate, NOT_A_NUMBER), suppressed=True)
    if estimate.measure in _LINES_OF_SHARES:
        return number_alone(estimate, _step(estimate.estimate, round))
    if estimate.measure == _SIZE:
        return number_alone(estimate, float(rounding.count(round(estimate.estimate))))
    n_shown = estimate.n_patients
    fewest = None if n_shown is None else rounding.fewest(n_shown)
    widened = replace(_widened(estimate, fewest), df=NOT_A_NUMBER, statistic=NOT_A_NUMBER, p_value=NOT_A_NUMBER)
    # Digits are those of the fewest patients, else they would tell on which side of 25 the number lies.
    printed = with_digits_of_any_number(with_printed_digits(replace(widened, n_patients=fewest)))
    return replace(_in_steps(printed) if estimate.measure in _CURVES else printed, n_patients=n_shown)


def _in_steps(share: Estimate) -> Estimate:
    """Return a share that is a product of shares, each of which a small number of patients would give away.

    Its limits are moved outwards.
    """
    return replace(
        share,
        estimate=_step(share.estimate, round),
        conf_low=_step(share.conf_low + _A_LITTLE, math.floor),
        conf_high=_step(share.conf_high - _A_LITTLE, math.ceil),
    )


def _step(value: float, to_whole: Callable[[float], int]) -> float:
    return rounded(to_whole(value / _STEP_OF_SHARES) * _STEP_OF_SHARES, 2) if math.isfinite(value) else value


def _widened(estimate: Estimate, fewest: int | None) -> Estimate:
    """Return an estimate with the standard error and the limits that the fewest patients who round alike would give."""
    n_patients = estimate.n_patients
    if n_patients is None or fewest is None or fewest == 0:
        return estimate
    factor = math.sqrt(n_patients / fewest)
    limits = factor * _quantile_ratio(estimate, n_patients - fewest)
    is_multiple = estimate.measure.startswith("minimal detectable difference")
    return replace(
        estimate,
        estimate=estimate.estimate * factor if is_multiple else estimate.estimate,
        std_error=estimate.std_error * factor,
        conf_low=_further(estimate, estimate.conf_low, limits),
        conf_high=_further(estimate, estimate.conf_high, limits),
    )


def _quantile_ratio(estimate: Estimate, n_fewer: int) -> float:
    """Return by how much the quantile of t grows with fewer degrees of freedom, 1 where there are none."""
    if not (math.isfinite(estimate.df) and 0.0 < estimate.conf_level < 1.0 and n_fewer < estimate.df):
        return 1.0
    from scipy.special import stdtrit

    upper = 0.5 + estimate.conf_level / 2.0
    return float(stdtrit(estimate.df - n_fewer, upper) / stdtrit(estimate.df, upper))


def _further(estimate: Estimate, limit: float, factor: float) -> float:
    """Return a limit that lies further from the estimate, within the range that the number can have."""
    if not math.isfinite(limit):
        return limit
    center = estimate.estimate
    if estimate.measure in _RATIOS and center > 0.0 and limit > 0.0:
        return center * math.exp(math.log(limit / center) * factor)
    moved = center + (limit - center) * factor
    if estimate.unit or estimate.measure in _RATIOS or not -1.0 <= limit <= 1.0:
        return moved
    lowest = 0.0 if min(limit, center, estimate.conf_low) >= 0.0 else -1.0
    return max(lowest, moved) if limit < center else min(1.0, moved)


def rounded_part(part: Part, rounding: Rounding) -> Part:
    """Return a part whose counts are rounded.

    Examples
    --------
    >>> part = Part("flow", ("step", "n_patients"), (("enrolled", 123), ("treated", 41)))
    >>> rounded_part(part, Rounding(5, 11)).column("n_patients")
    (125, 40)
    """
    columns = frozenset(count_columns(part))
    if rounding.to == 1 or not columns:
        return part

    def shown(cell: Cell, column: int) -> Cell:
        return rounding.count(cell) if column in columns and isinstance(cell, int) else cell

    return replace(part, rows=tuple(tuple(shown(cell, at) for at, cell in enumerate(row)) for row in part.rows))
