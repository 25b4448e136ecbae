"""The funnel of sites: limits by size, how much sites differ beyond chance, and where each of them stands."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.analyses.steps.sites.estimates import IMPROVED
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Cell, Part

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.sites.scored import ScoredSites

FEWEST_SITES = 10
"""With fewer sites neither a funnel nor the over-dispersion says anything."""
LEVELS: tuple[tuple[str, float], ...] = (("95%", 0.95), ("99.8%", 0.998))
WITHIN, BEYOND = "within the limits", "beyond the {} limits"
EXACT, WIDE = "exact", "over-dispersed"
LIMIT_COLUMNS = ("name", "size", "lowest", "highest", "n_patients")
PLACE_COLUMNS = ("group", "name", "verdict", "n_patients")
_SMALLEST_SIZE, _N_SIZES = 5, 60


@dataclass(frozen=True, slots=True, eq=False)
class _Funnel:
    """The target and the variance between sites."""

    target: float
    between_variance: float

    def limits(self, sizes: NDArray[np.int64], level: float, kind: str) -> tuple[NDArray[np.float64], ...]:
        from katoutcomes.kernels.monitoring.funnel import exact_limits, over_dispersed_limits

        tails = ((1.0 - level) / 2.0, (1.0 + level) / 2.0)
        if kind == EXACT:
            return tuple(exact_limits(self.target, sizes, tail) for tail in tails)
        low, high = (over_dispersed_limits(self.target, sizes, self.between_variance, tail) for tail in tails)
        # Where sites differ as chance makes them, the normal approximation can lie inside the exact limits.
        exact = [exact_limits(self.target, sizes, tail) for tail in tails]
        return np.minimum(low, exact[0]), np.maximum(high, exact[1])


def funnel_parts(scored: ScoredSites) -> tuple[tuple[Estimate, ...], tuple[Part, ...]]:
    """Return the over-dispersion factor, and the limits and places of a funnel; nothing below ten sites.

    Limits stand at round sizes, not at those of the sites.
    """
    from katoutcomes.kernels.monitoring.funnel import over_dispersion

    counts = np.array([scored.counts(site) for site in scored.sites], dtype=np.int64).reshape(-1, 2)
    n_counted, n_patients = (int(total) for total in counts.sum(axis=0))
    if len(counts) < FEWEST_SITES or not 0 < n_counted < n_patients:
        return (), ()
    target = n_counted / n_patients
    found = over_dispersion(counts[:, 0], counts[:, 1], target)
    funnel = _Funnel(target, found.between_variance)
    factor = Estimate(term=IMPROVED, measure="over-dispersion factor", estimate=found.factor, n_patients=n_patients)
    sizes = _sizes(int(counts[:, 1].max()))
    return (factor,), (
        Part("funnel_limits", LIMIT_COLUMNS, tuple(_limit_rows(funnel, sizes, EXACT, n_patients))),
        Part("wide_funnel_limits", LIMIT_COLUMNS, tuple(_limit_rows(funnel, sizes, WIDE, n_patients))),
        Part("funnel_places", PLACE_COLUMNS, tuple(_place_rows(scored, funnel, counts))),
    )


def _sizes(largest: int) -> NDArray[np.int64]:
    """Return the sizes at which limits are given: up to the next round number above the largest site."""
    step = max(10, 10 ** (len(str(largest)) - 1) // 5)
    end = max(step * math.ceil(1.05 * largest / step), 2 * _SMALLEST_SIZE)
    return np.unique(np.geomspace(_SMALLEST_SIZE, end, _N_SIZES).round()).astype(np.int64)


def _limit_rows(funnel: _Funnel, sizes: NDArray[np.int64], kind: str, n_patients: int) -> Iterator[tuple[Cell, ...]]:
    for name, level in LEVELS:
        low, high = funnel.limits(sizes, level, kind)
        for place, size in enumerate(sizes.tolist()):
            yield name, size, round(float(low[place]), 3), round(float(high[place]), 3), n_patients


def _place_rows(scored: ScoredSites, funnel: _Funnel, counts: NDArray[np.int64]) -> Iterator[tuple[Cell, ...]]:
    from scipy.stats import binom

    shares = counts[:, 0] / counts[:, 1]
    # Limits interpolate between counts, and at tiny sites even the likeliest count may lie outside: the tail decides.
    below = binom.cdf(counts[:, 0], counts[:, 1], funnel.target)
    above = binom.sf(counts[:, 0] - 1, counts[:, 1], funnel.target)
    for kind in (EXACT, WIDE):
        verdicts = [WITHIN] * len(counts)
        for name, level in LEVELS:
            low, high = funnel.limits(counts[:, 1], level, kind)
            is_rare = np.minimum(below, above) <= (1.0 - level) / 2.0
            for place in np.flatnonzero(is_rare & ((shares < low) | (shares > high))).tolist():
                verdicts[place] = BEYOND.format(name)
        for site, verdict, n_patients in zip(scored.sites, verdicts, counts[:, 1].tolist(), strict=True):
            yield site.subgroup, kind, verdict, n_patients
