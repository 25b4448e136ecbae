"""How strong a confounder that nobody recorded would have to be: rows that a comparison and a trial share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from katoutcomes.results.estimate import Estimate

if TYPE_CHECKING:
    from katoutcomes.analyses.steps.resamples import Interval
    from katoutcomes.kernels.groups.strongest_covariate import StrongestCovariate

CONFOUNDING = "unmeasured confounding"


def e_values_of_difference(difference: Interval, sd: float) -> tuple[float, float]:
    """Return the E-values of a difference in means and of its limit nearer to 0; NaN of a limit that is not there.

    The interval that stands beside the estimate decides whether it holds 0, whatever the approximation says.
    """
    from katoutcomes.kernels.groups.sensitivity import e_value_of_difference

    values = e_value_of_difference(difference.estimate, difference.std_error, sd)
    if not difference.has_limits:
        return values.estimate, math.nan
    return values.estimate, 1.0 if difference.conf_low <= 0.0 <= difference.conf_high else values.limit


def e_values_of_ratio(ratio: Interval) -> tuple[float, float]:
    """Return the E-values of a ratio of risks and of its limit nearer to 1; NaN where there is none."""
    from katoutcomes.kernels.groups.sensitivity import e_value, e_value_of_limit

    if not ratio.estimate > 0.0:
        return math.nan, math.nan
    limit = e_value_of_limit(ratio.estimate, ratio.conf_low, ratio.conf_high) if ratio.has_limits else math.nan
    return e_value(ratio.estimate), limit


def confounding_rows(
    difference: Interval, e_values: tuple[float, float], df: float, conf_level: float, fields: dict[str, Any]
) -> Iterator[Estimate]:
    """Yield the E-values and the robustness values of a difference, each of the estimate and of its interval.

    Parameters
    ----------
    difference : Interval
        With a standard error above 0.
    e_values : tuple of float
        Of the estimate and of the limit nearer to no difference.
    df : float
        With which estimate over standard error becomes a partial R^2.
    conf_level : float
        Of the interval.
    fields : dict
        Further fields of the rows.
    """
    from katoutcomes.kernels.groups.sensitivity import robustness_value

    for words, value in zip(("estimate", "limit nearer to no difference"), e_values, strict=True):
        yield Estimate(term=f"{CONFOUNDING}: E-value of the {words}", measure="E-value", estimate=value, **fields)
    statistic = difference.estimate / difference.std_error
    for words, level in (("estimate", None), ("interval", 1.0 - conf_level)):
        yield Estimate(
            term=f"{CONFOUNDING}: robustness value of the {words}",
            measure="robustness value",
            estimate=robustness_value(statistic, df, alpha=level),
            **fields,
        )


def benchmark_row(
    difference: Interval, strongest: StrongestCovariate, name: str, df: float, fields: dict[str, Any]
) -> Estimate:
    """Return what a confounder as strong as the strongest covariate would leave of the difference."""
    from katoutcomes.kernels.groups.sensitivity import benchmark

    bound = benchmark(
        difference.estimate,
        difference.std_error,
        df,
        r2_covariate_exposure=strongest.r2_exposure,
        r2_covariate_outcome=strongest.r2_outcome,
    )
    term = f"{CONFOUNDING}: difference left by a confounder as strong as {name}"
    return Estimate(term=term, estimate=bound.adjusted_estimate, **fields)
