"""Sites beside each other: as they are, adjusted for severity, partially pooled; described and never ranked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.checks import paired_completeness_check, patients_check
from katoutcomes.analyses.steps.choices import require_conf_level
from katoutcomes.analyses.steps.covariate_columns import chosen_covariates
from katoutcomes.analyses.steps.sites.estimates import site_estimates, verdicts_part
from katoutcomes.analyses.steps.sites.funnel import funnel_parts
from katoutcomes.analyses.steps.sites.scored import scored_sites, site_model
from katoutcomes.analyses.steps.sites.words import (
    ASSUMPTIONS,
    NO_MODEL,
    ONE_SITE,
    sites_check,
    sites_estimand,
    sites_method,
    smallest_site_check,
)
from katoutcomes.cohorts.analysis_set_needed import require_analysis_set
from katoutcomes.errors import DesignError, OptionError
from katoutcomes.results.result import Result

if TYPE_CHECKING:
    from katoutcomes.cohorts.analysis_set import AnalysisSet
    from katoutcomes.estimands.estimand import Estimand


def compare_sites(
    data: AnalysisSet,
    estimand: Estimand | None = None,
    *,
    site: str = "site",
    visit: str | None = None,
    adjust_for: Sequence[str] = (),
    smallest_important: float | None = None,
    conf_level: float = 0.95,
) -> Result:
    """Describe the mean change and reliable improvement of each site, adjusted for severity and partially pooled.

    Parameters
    ----------
    data : AnalysisSet
        The scores.
    estimand : Estimand, optional
        The question, if another wording is wanted.
    site : str, default "site"
        The variable that says where patients were treated; known at time zero.
    visit : str, optional
        Name of the visit; the last one by default.
    adjust_for : sequence of str, optional
        Variables known at time zero, beside the baseline score, which is always adjusted for.
    smallest_important : float, optional
        In points. A site whose own interval reaches further than this to either side is too small to tell. By default
        half a standard deviation of the changes within sites.
    conf_level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    Result
        For all and each site, in alphabetical order: mean change, share with reliable improvement, completeness; then
        the adjusted mean, the same partially pooled, the standardized share, and the mean and spread between sites. The
        part ``"site_verdicts"`` says of each whether it is too small to tell, differs from all sites together, or shows
        no difference. From ten sites on also the limits of a funnel. Of one site there is nothing to compare; the
        verdict of the result is "withhold" and says so.

    Raises
    ------
    DesignError
        If nobody has both scores, or `site` or a covariate is known only after time zero.
    OptionError
        If a variable or visit does not exist, or `smallest_important` is not above 0.

    References
    ----------
    Spiegelhalter DJ. Stat Med 2005;24:1185-1202. doi:10.1002/sim.1970. Spiegelhalter DJ. Qual Saf Health Care
    2005;14:347-351. doi:10.1136/qshc.2005.013755.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=20260930, n_patients=300)
    >>> result = kat.compare_sites(kat.select_cohort(registry).analysis_set("PHQ-9"))
    >>> sorted(set(result.part("site_verdicts").column("verdict")))
    ['differs from all sites together', 'no difference shown']
    """
    require_analysis_set(data)
    require_conf_level(conf_level)
    if smallest_important is not None and not smallest_important > 0.0:
        raise OptionError("smallest_important is a number of points above 0.")
    window = data.visit(visit)
    variables = chosen_covariates(data, adjust_for, site)
    if not data.pairs(window.name).any():
        raise DesignError(f"no patient has both a baseline {data.instrument.name} score and one at {window.name}.")
    definition = next((one for one in data.instrument.definitions("reliable_change") if one.is_default), None)
    scored = scored_sites(data, window, site, variables, definition)
    model = site_model(scored, conf_level, smallest_important)
    factor, funnel = funnel_parts(scored)
    found = [*site_estimates(data, scored, model, conf_level), *factor]
    return Result(
        analysis="compare_sites",
        title=f"Sites beside each other: {data.instrument.name} at {window.name}",
        estimand=estimand if estimand is not None else sites_estimand(data, window),
        method=sites_method(
            variables,
            conf_level,
            has_definition=definition is not None,
            has_funnel=bool(funnel),
            is_given=smallest_important is not None,
        ),
        estimates=tuple(replace(one, instrument=data.instrument.name, cohort=data.cohort) for one in found),
        provenance=data.provenance,
        parts=(verdicts_part(scored, model, conf_level), *funnel),
        assumptions=ASSUMPTIONS + data.notes,
        checks=(
            patients_check(int(data.pairs(window.name).sum()), window.name),
            paired_completeness_check(int(data.pairs(window.name).sum()), int(data.with_baseline.sum()), window.name),
            sites_check(scored),
            smallest_site_check(scored),
        ),
        warnings=_warnings(len(scored.sites), is_modeled=model is not None),
    )


def _warnings(n_sites: int, *, is_modeled: bool) -> tuple[str, ...]:
    if n_sites < 2:
        return (ONE_SITE,)
    return () if is_modeled else (NO_MODEL,)
