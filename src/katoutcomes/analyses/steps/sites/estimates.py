"""The numbers of each site and of all together, and where a site stands in the funnel."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from katoutcomes.analyses.steps.interval_estimates import level_of, numbers_of, share_estimate
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Cell, Part

if TYPE_CHECKING:
    from katoutcomes.analyses.steps.sites.scored import ScoredSites, SiteModel
    from katoutcomes.cohorts.analysis_set import AnalysisSet, Group

TOO_SMALL, DIFFERS, NO_DIFFERENCE = "too small to tell", "differs from all sites together", "no difference shown"
ADJUSTED, POOLED = "change, adjusted", "change, adjusted and partially pooled"
IMPROVED, STANDARDIZED = "reliable improvement", "reliable improvement, standardized"
COMPLETENESS, BETWEEN = "paired completeness", "between sites"


def site_estimates(
    data: AnalysisSet, scored: ScoredSites, model: SiteModel | None, conf_level: float
) -> Iterator[Estimate]:
    """Yield what is seen of all patients and of each site, then what the model makes of it."""
    everybody = data.groups(None)[0]
    for group in (everybody, *scored.sites):
        yield from _observed(data, scored, group, conf_level)
    if model is None:
        return
    yield from _adjusted(scored, model, scored.visit, conf_level)
    yield from _standardized(scored, model, conf_level)


def _observed(data: AnalysisSet, scored: ScoredSites, group: Group, conf_level: float) -> Iterator[Estimate]:
    from katoutcomes.kernels.summaries import mean_interval

    where: dict[str, Any] = {"subgroup": group.subgroup, "visit": scored.visit}
    found = mean_interval(scored.change[group.mask], conf_level)
    numbers = numbers_of(found, conf_level, "std_error", "df")
    yield Estimate(term="change", measure="mean change", unit="points", n_patients=found.n_values, **where, **numbers)
    if scored.definition_set:
        yield share_estimate(IMPROVED, *scored.counts(group), conf_level, definition_set=scored.definition_set, **where)
    n_pairs = int((group.mask & data.pairs(scored.visit)).sum())
    n_baseline = int((group.mask & data.with_baseline).sum())
    yield share_estimate(COMPLETENESS, n_pairs, n_baseline, conf_level, **where)


def _adjusted(scored: ScoredSites, model: SiteModel, visit: str, conf_level: float) -> Iterator[Estimate]:
    """Yield the adjusted means, what is left of them pooled partially, and how much sites differ."""
    adjusted, pooled = model.adjusted, model.pooled
    place = 0
    for number, site in enumerate(scored.sites):
        n_patients = int((scored.place == number).sum())
        if n_patients == 0:
            continue
        where: dict[str, Any] = {"unit": "points", "visit": visit, "subgroup": site.subgroup, "n_patients": n_patients}
        yield Estimate(
            term=ADJUSTED,
            measure="adjusted mean change",
            estimate=float(adjusted.means[number]),
            std_error=float(adjusted.std_errors[number]),
            df=adjusted.df,
            conf_low=float(adjusted.conf_low[number]),
            conf_high=float(adjusted.conf_high[number]),
            conf_level=conf_level,
            **where,
        )
        yield Estimate(
            term=POOLED,
            measure="adjusted mean change",
            estimate=float(pooled.pooled[place]),
            std_error=float(pooled.pooled_std_error[place]),
            conf_low=float(pooled.pooled_conf_low[place]),
            conf_high=float(pooled.pooled_conf_high[place]),
            conf_level=conf_level,
            **where,
        )
        place += 1
    yield from _of_all(scored, model, visit, conf_level)


def _of_all(scored: ScoredSites, model: SiteModel, visit: str, conf_level: float) -> Iterator[Estimate]:
    pooled, n_patients = model.pooled, int(scored.place.size)
    common: dict[str, Any] = {"unit": "points", "visit": visit, "n_patients": n_patients, "conf_level": conf_level}
    yield Estimate(
        term=f"{BETWEEN}: mean",
        measure="adjusted mean change",
        estimate=pooled.mean,
        std_error=pooled.mean_std_error,
        conf_low=pooled.mean_conf_low,
        conf_high=pooled.mean_conf_high,
        **common,
    )
    yield Estimate(
        term=f"{BETWEEN}: standard deviation",
        measure="standard deviation between groups",
        estimate=math.sqrt(pooled.between_variance),
        conf_low=math.sqrt(pooled.between_conf_low),
        conf_high=math.sqrt(pooled.between_conf_high),
        **common,
    )


def _standardized(scored: ScoredSites, model: SiteModel, conf_level: float) -> Iterator[Estimate]:
    shares = model.shares
    if shares is None or shares.is_separated:
        return
    for number, site in enumerate(scored.sites):
        n_patients = int((scored.place == number).sum())
        if n_patients == 0:
            continue
        low, high = float(shares.conf_low[number]), float(shares.conf_high[number])
        yield Estimate(
            term=STANDARDIZED,
            measure="standardized share",
            definition_set=scored.definition_set,
            visit=scored.visit,
            subgroup=site.subgroup,
            estimate=min(1.0, float(shares.standardized[number])),
            conf_low=low,
            conf_high=high,
            conf_level=level_of(low, conf_level),
            n_patients=n_patients,
        )


def site_verdict(scored: ScoredSites, model: SiteModel, number: int, conf_level: float) -> str:
    """Return whether a site is too small to tell, differs from all sites together, or shows no difference.

    Too small: the interval of its own mean, with the spread within all sites, reaches further to either side than the
    smallest important difference.
    """
    from scipy.special import ndtri

    n_patients = int((scored.place == number).sum())
    if n_patients == 0:
        return TOO_SMALL
    reach = float(ndtri(0.5 + conf_level / 2.0)) * model.adjusted.within_sd / math.sqrt(n_patients)
    if reach > model.smallest_important:
        return TOO_SMALL
    place = int(np.isin(np.unique(scored.place), np.arange(number)).sum())
    low, high = model.pooled.pooled_conf_low[place], model.pooled.pooled_conf_high[place]
    return NO_DIFFERENCE if low <= model.pooled.mean <= high else DIFFERS


def verdicts_part(scored: ScoredSites, model: SiteModel | None, conf_level: float) -> Part:
    """Return what can be said of each site; nothing where there is only one."""
    if len(scored.sites) < 2:
        return Part("site_verdicts", ("group", "verdict", "n_patients"), ())
    rows: list[tuple[Cell, ...]] = [
        (site.subgroup, TOO_SMALL if model is None else site_verdict(scored, model, number, conf_level), n_patients)
        for number, (site, n_patients) in enumerate(zip(scored.sites, scored.n_of_sites, strict=True))
    ]
    return Part("site_verdicts", ("group", "verdict", "n_patients"), tuple(rows))
