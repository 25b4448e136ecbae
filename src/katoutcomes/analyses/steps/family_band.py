"""One band over the differences of several comparisons that share their resamples of patients."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError
from katoutcomes.results.estimate import Estimate

if TYPE_CHECKING:
    from katoutcomes.kernels.groups.simultaneous_intervals import SimultaneousIntervals
    from katoutcomes.results.result import Result

ALONE, TOGETHER = "alone", "together with the family"
"""Before the name of a hypothesis: its difference with the interval of its own result, and with the band."""
CRITICAL = "band over the family"
"""Term of the critical value."""


def family_band(results: Sequence[Result], hypotheses: Sequence[Estimate]) -> SimultaneousIntervals:
    """Return the band over the hypotheses of several results, of one level, from the resamples they share.

    Raises
    ------
    OptionError
        If a result has no resamples, they are not of the same patients or not the same draws, or levels differ.
    """
    import numpy as np

    from katoutcomes.kernels.groups.simultaneous_intervals import simultaneous_intervals

    resamples = [result.resamples for result in results if result.resamples is not None]
    if len(resamples) < len(results):
        raise OptionError("procedure='max_t' needs results of compare_cohorts with interval='bootstrap'.")
    if len({one.of_whom for one in resamples}) > 1:
        raise OptionError(
            "procedure='max_t' needs the same resamples of the same patients: give every comparison the same data, "
            "covariates, rng (a seed) and n_bootstrap, and select patients of whom every baseline score is known."
        )
    levels = {one.conf_level for one in hypotheses if not math.isnan(one.conf_level)}
    if len(levels) != 1:
        raise OptionError("the comparisons of one band have one conf_level.")
    estimates = np.array([one.estimate for one in hypotheses])
    band = simultaneous_intervals(estimates, np.hstack([one.differences for one in resamples]), levels.pop())
    # A percentile's p counts one side twice, so the least of it is twice that of a band: adjusted is never below alone.
    return replace(band, p_value=np.fmax(band.p_value, [one.p_value for one in hypotheses]))


def band_estimates(
    hypotheses: Sequence[Estimate], band: SimultaneousIntervals, n_patients: int | None
) -> Iterator[Estimate]:
    """Yield each difference with its interval alone and with the band, then how far the band reaches."""
    for place, one in enumerate(hypotheses):
        own = replace(one, term=f"{ALONE}: {one.term}", n_patients=n_patients)
        yield own
        low, high, adjusted = (float(part[place]) for part in (band.conf_low, band.conf_high, band.p_value))
        std_error = float(band.std_error[place])
        together = f"{TOGETHER}: {one.term}"
        yield replace(own, term=together, std_error=std_error, conf_low=low, conf_high=high, p_value=adjusted)
    yield Estimate(
        term=CRITICAL,
        measure="critical value",
        instrument=" and ".join(dict.fromkeys(one.instrument for one in hypotheses)),
        cohort=hypotheses[0].cohort,
        estimate=band.critical_value,
        n_patients=n_patients,
    )
