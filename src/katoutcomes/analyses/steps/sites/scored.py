"""Whom a comparison of sites is about, and everything that is worked out of all of them together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.analyses.steps.covariate_columns import CovariateColumns, covariate_columns

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import AnalysisSet, Group, Variable
    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.instruments.instrument import DefinitionSet
    from katoutcomes.kernels.groups.group_profiles import AdjustedMeans, StandardizedShares
    from katoutcomes.kernels.groups.partial_pooling import PartialPooling

HALF_A_STANDARD_DEVIATION = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class ScoredSites:
    """The sites with patients who have both scores.

    Attributes
    ----------
    sites : tuple of Group
        In alphabetical order, never in that of their results.
    visit, definition_set : str
        Of the estimates; no definition set (``""``) where none says which change is reliable.
    change, improved : ndarray of float64, shape (n_patients,)
        Change, and 1 where it is reliable improvement; NaN without both scores (or, of the latter, a definition).
    modeled : ndarray of bool, shape (n_patients,)
        Who has both scores, a known site and every covariate.
    columns : CovariateColumns
        Of the modeled.
    place : ndarray of int64, shape (n_modeled,)
        Position of the site of each of the modeled.
    """

    sites: tuple[Group, ...]
    visit: str
    definition_set: str
    change: NDArray[np.float64] = field(repr=False)
    improved: NDArray[np.float64] = field(repr=False)
    modeled: NDArray[np.bool_] = field(repr=False)
    columns: CovariateColumns
    place: NDArray[np.int64] = field(repr=False)

    @property
    def n_of_sites(self) -> tuple[int, ...]:
        """Patients with both scores of each site."""
        return tuple(int((site.mask & ~np.isnan(self.change)).sum()) for site in self.sites)

    def counts(self, site: Group) -> tuple[int, int]:
        """Return how many of a site improved reliably, and of how many."""
        known = site.mask & ~np.isnan(self.improved)
        return int(np.nansum(self.improved[known])), int(known.sum())


@dataclass(frozen=True, slots=True, eq=False)
class SiteModel:
    """What all sites together give.

    Attributes
    ----------
    adjusted : AdjustedMeans
    pooled : PartialPooling
        Of the adjusted means.
    shares : StandardizedShares or None
    smallest_important : float
        In points: how far from the truth a site's mean may lie and still say something.
    """

    adjusted: AdjustedMeans
    pooled: PartialPooling
    shares: StandardizedShares | None
    smallest_important: float


def scored_sites(
    data: AnalysisSet,
    window: VisitWindow,
    site: str,
    variables: Sequence[Variable],
    definition: DefinitionSet | None,
) -> ScoredSites:
    """Return the sites whose patients have both scores; there may be one or none."""
    has_both = data.pairs(window.name)
    change = np.where(has_both, data.scores_at(window.name) - data.baseline, np.nan)
    found = tuple(
        group for group in sorted(data.groups(site), key=lambda one: one.label) if (group.mask & has_both).any()
    )
    modeled = has_both & np.any([np.zeros_like(has_both), *(group.mask for group in found)], axis=0)
    for variable in variables:
        modeled &= ~np.isnan(variable.values)
    place = np.full(data.n_patients, -1, dtype=np.int64)
    for number, group in enumerate(found):
        place[group.mask] = number
    improved = np.full(data.n_patients, np.nan)
    if definition is not None:
        from katoutcomes.kernels.individual.reliable_change import threshold_classes

        follow_up = data.scores_at(window.name)
        classes = threshold_classes(
            data.baseline[has_both], follow_up[has_both], float(definition.value), data.instrument.sign
        )
        improved[has_both] = classes == 1
    columns = (
        covariate_columns(data.baseline, variables, modeled)
        if modeled.any()
        else CovariateColumns(np.zeros((0, 1)), ("baseline_score",))
    )
    named = "" if definition is None else definition.id
    return ScoredSites(found, window.name, named, change, improved, modeled, columns, place[modeled])


def site_model(scored: ScoredSites, conf_level: float, smallest_important: float | None) -> SiteModel | None:
    """Return what all sites together give, None where they are too few patients for it.

    Without a smallest important difference it is half a standard deviation within sites.
    """
    from katoutcomes.kernels.groups.group_profiles import adjusted_means, standardized_shares_of_groups
    from katoutcomes.kernels.groups.partial_pooling import partial_pooling

    n_sites = len(scored.sites)
    present = np.unique(scored.place)
    if present.size < 2 or scored.place.size <= present.size + scored.columns.values.shape[1]:
        return None
    change = scored.change[scored.modeled]
    adjusted = adjusted_means(change, scored.columns.values, scored.place, n_sites, conf_level)
    if not adjusted.within_sd > 0.0:
        return None
    shares = None
    if scored.definition_set:
        counted = scored.improved[scored.modeled] == 1.0
        shares = standardized_shares_of_groups(
            counted, _of_full_rank(scored.columns.values), scored.place, n_sites, conf_level
        )
    known = ~np.isnan(adjusted.means)
    pooled = partial_pooling(adjusted.means[known], adjusted.std_errors[known] ** 2, conf_level)
    important = HALF_A_STANDARD_DEVIATION * adjusted.within_sd if smallest_important is None else smallest_important
    return SiteModel(adjusted, pooled, shares, float(important))


def _of_full_rank(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the columns that are no sum of those before them and a constant."""
    kept = np.ones((len(columns), 1))
    for column in columns.T:
        with_it = np.column_stack((kept, column))
        if np.linalg.matrix_rank(with_it) > kept.shape[1]:
            kept = with_it
    return kept[:, 1:]
