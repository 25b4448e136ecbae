"""The words of a comparison of sites: question, method, assumptions, checks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.checks import PAIRS_LIMIT
from katoutcomes.analyses.steps.interval_estimates import EXACT_SOURCE
from katoutcomes.analyses.steps.sites.scored import ScoredSites
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.results.check import Check
from katoutcomes.results.formatting import format_level
from katoutcomes.results.result import Method

if TYPE_CHECKING:
    from katoutcomes.cohorts.analysis_set import AnalysisSet, Variable
    from katoutcomes.estimands.visit_window import VisitWindow

_POOLING = (
    "DerSimonian R, Laird N. Control Clin Trials 1986;7:177-188. doi:10.1016/0197-2456(86)90046-2",
    "Viechtbauer W. Stat Med 2007;26:37-52. doi:10.1002/sim.2514",
)
_HALF = "Norman GR, Sloan JA, Wyrwich KW. Med Care 2003;41:582-592. doi:10.1097/01.MLR.0000062554.74615.4C"
_FUNNEL = (
    "Spiegelhalter DJ. Stat Med 2005;24:1185-1202. doi:10.1002/sim.1970",
    "Spiegelhalter DJ. Qual Saf Health Care 2005;14:347-351. doi:10.1136/qshc.2005.013755",
)
ASSUMPTIONS = (
    (
        "This describes sites and ranks none. Patients chose their site, and sites their patients: what is not "
        "measured differs as well, so a difference is no verdict on a site's care."
    ),
    (
        "Adjusted numbers take the baseline score and the covariates named to matter in the same way at every site, "
        "and patients with both scores to stand for those of their site."
    ),
    (
        "Pooled means take sites as draws from one normal distribution: the less a site says, the nearer it is drawn "
        "to the mean of all. Their intervals hold the error of that mean, not that of the spread between sites."
    ),
)
ONE_SITE = (
    "All patients with both scores and a known site are of one site, or of none that is known, so there is nothing to "
    "compare."
)
NO_MODEL = "There are too few patients, or no spread within sites, so nothing is adjusted or pooled."


def sites_estimand(data: AnalysisSet, window: VisitWindow) -> Estimand:
    """Return the question."""
    return Estimand(
        name="compare_sites",
        population=data.population,
        treatment="",
        comparator="",
        endpoint=Endpoint(data.instrument.name, window.name, "change and reliable improvement by site"),
        intercurrent_events="scores are used as observed, and patients without one at the visit are left out of change",
        summary_measure="mean change and share of patients of each site, described and not ranked",
    )


def sites_method(
    variables: Sequence[Variable], conf_level: float, *, has_definition: bool, has_funnel: bool, is_given: bool
) -> Method:
    """Return how the numbers were made."""
    level = format_level(conf_level)
    covariates = "".join(f", {variable.label}" for variable in variables)
    important = "the smallest important difference that was stated" if is_given else "half a standard deviation"
    shares = (
        " Standardized shares: observed over expected by a logistic model of all patients, times the overall share; "
        "exact limits of the observed share on that scale."
        if has_definition
        else ""
    )
    funnel = (
        " Funnel: exact binomial limits (95% and 99.8%) around the overall share; over-dispersed ones with the "
        "variance between sites on the arcsine scale, from z-scores winsorized by a tenth at each end."
        if has_funnel
        else ""
    )
    return Method(
        name="sites described, adjusted and partially pooled",
        description=(
            f"Mean changes with t intervals, shares with exact ones ({level}). Adjusted: mean at the average baseline "
            f"score{covariates} of all, slopes estimated within sites. Pooled: random-effects model (REML) of the "
            f"adjusted means, Q-profile limits of the spread.{shares}{funnel} Too small to tell: the {level} interval "
            f"of a site alone reaches further than {important} within sites to either side."
        ),
        sources=(EXACT_SOURCE, *_POOLING, *(() if is_given else (_HALF,)), *(_FUNNEL if has_funnel else ())),
    )


def sites_check(scored: ScoredSites) -> Check:
    """Return whether there are sites to compare."""
    n_sites = len(scored.sites)
    return Check(
        name="sites",
        passed=n_sites > 1,
        severity="withhold",
        value=float(n_sites),
        limit=2.0,
        message="There is more than one site." if n_sites > 1 else ONE_SITE,
    )


def smallest_site_check(scored: ScoredSites) -> Check:
    """Return whether each site has enough patients."""
    smallest = min(scored.n_of_sites, default=0)
    is_enough = smallest >= PAIRS_LIMIT
    return Check(
        name="patients per site",
        passed=is_enough,
        severity="note",
        value=float(smallest),
        limit=float(PAIRS_LIMIT),
        message=(
            "Each site has enough patients with both scores."
            if is_enough
            else "Some site has too few patients with both scores to say anything alone."
        ),
    )
