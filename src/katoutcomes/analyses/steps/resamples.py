"""What resamples of patients say: how many there are, the interval they give, and whether enough of them gave one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from katoutcomes.analyses.steps.checks import check_with_two_limits
from katoutcomes.analyses.steps.choices import require_conf_level
from katoutcomes.analyses.steps.interval_estimates import numbers_of
from katoutcomes.errors import OptionError
from katoutcomes.results.check import Check
from katoutcomes.results.estimate import Estimate

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEWEST_REPLICATES = 100
FAILED_CAUTION, FAILED_WITHHOLD = 0.02, 0.2
"""Shares of the resamples without an estimate from which on an answer is doubted, and withheld."""


@dataclass(frozen=True, slots=True)
class Resampling:
    """How patients are resampled; the fields are arguments of the analyses that do it.

    Raises
    ------
    OptionError
        If there are too few resamples, no thread, or the level is no level.
    """

    n_bootstrap: int
    entropy: int
    conf_level: float
    n_workers: int = 1
    progress: Callable[[int, int], None] | None = None

    def __post_init__(self) -> None:
        require_conf_level(self.conf_level)
        if self.n_bootstrap < FEWEST_REPLICATES:
            raise OptionError(f"n_bootstrap must be at least {FEWEST_REPLICATES}; 1000 is usual.")
        if self.n_workers < 1:
            raise OptionError("n_workers must be at least 1.")

    def draw(
        self,
        statistic: Callable[[NDArray[np.float64]], NDArray[np.float64]],
        n_patients: int,
        units: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float64]:
        """Return a statistic of patient frequencies for every resample, a row each; units stay together."""
        from katoutcomes.kernels.weighting.bootstrap import bootstrap

        return bootstrap(
            statistic,
            n_patients,
            self.n_bootstrap,
            self.entropy,
            units=units,
            n_workers=self.n_workers,
            progress=self.progress,
        )


def entropy_of(rng: np.random.Generator | int) -> int:
    """Return the number that all random streams of an analysis grow from.

    Raises
    ------
    OptionError
        If `rng` is neither a generator nor a whole number of 0 or more.
    """
    import numpy as np

    from katoutcomes.kernels.weighting.bootstrap import seed_entropy

    is_seed = isinstance(rng, int | np.integer) and not isinstance(rng, bool) and rng >= 0
    if not (is_seed or isinstance(rng, np.random.Generator)):
        raise OptionError("rng must be a numpy.random.Generator or a seed: a whole number of 0 or more.")
    return seed_entropy(rng)


@dataclass(frozen=True, slots=True)
class Interval:
    """One number with its uncertainty; NaN where it does not apply."""

    estimate: float
    std_error: float = math.nan
    df: float = math.nan
    conf_low: float = math.nan
    conf_high: float = math.nan
    statistic: float = math.nan
    p_value: float = math.nan

    @property
    def has_limits(self) -> bool:
        """Whether there is an interval."""
        return not math.isnan(self.conf_low)


def percentile(
    estimate: float,
    replicates: NDArray[np.float64],
    conf_level: float,
    *,
    tests: bool = True,
    against: float = 0.0,
) -> Interval:
    """Return an estimate with the percentile interval of its replicates and, if asked, a test that it is `against`.

    There are no limits where they would miss the estimate, which they would contradict.
    """
    from katoutcomes.kernels.weighting.bootstrap import percentile_interval

    one = percentile_interval(replicates - against, conf_level)
    low, high = one.conf_low + against, one.conf_high + against
    if not low <= estimate <= high:
        return Interval(float(estimate), one.std_error)
    p_value = one.p_value if tests else math.nan
    return Interval(float(estimate), one.std_error, math.nan, low, high, math.nan, p_value)


def estimate_of(found: Any, conf_level: float, **fields: Any) -> Estimate:
    """Return an estimate with the numbers of an `Interval`, or of a kernel's record with the same fields."""
    return Estimate(**numbers_of(found, conf_level, "std_error", "df", "statistic", "p_value"), **fields)


def resamples_check(
    share_failed: float,
    passed: str = "Nearly all resamples gave an estimate.",
    failed: str = "Some resamples gave no estimate and are left out; the interval may be too narrow.",
) -> Check:
    """Return whether nearly all resamples gave an estimate."""
    limits = (FAILED_CAUTION, FAILED_WITHHOLD)
    return check_with_two_limits("resamples without an estimate", share_failed, limits, (passed, failed))
