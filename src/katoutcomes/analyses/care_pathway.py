"""From screening to follow-up: who had which step of care, how long after the last one, how soon after each dose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.checks import PAIRS_LIMIT, smallest_group_check
from katoutcomes.analyses.steps.choices import grouping_note, reported_groups, require_conf_level
from katoutcomes.analyses.steps.interval_estimates import EXACT_SOURCE, share_estimate
from katoutcomes.cohorts.analysis_set_needed import require_analysis_set
from katoutcomes.cohorts.pathway import INTERVALS, STEPS
from katoutcomes.errors import DesignError
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.results.check import Check
from katoutcomes.results.estimate import NOT_A_NUMBER, Estimate
from katoutcomes.results.formatting import format_level
from katoutcomes.results.result import Method, Result

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import AnalysisSet, Group
    from katoutcomes.cohorts.pathway import Pathway

FIRST_DOSE = "first dose"
AFTER_EVERY_STEP = "of those with every step before"
EVERY_STEP = "every step"
TIMELY, TIMELY_AGAIN = "integration within 72 hours", "integration within 72 hours and again within 7 days"

_SOURCES = (
    EXACT_SOURCE,
    "Hyndman RJ, Fan Y. Sample quantiles in statistical packages. Am Stat 1996;50:361-365. doi:10.2307/2684934",
)
_ASSUMPTIONS = (
    (
        "That somebody had integration, or any later step, is described here and never compared: whoever had it stayed "
        "in care long enough to have it. For a comparison use a group that is fixed at time zero."
    ),
    "A session that was not entered counts as one that was not held.",
    (
        "When the data end is not known, so a step that was still to come, after a recent first dose for example, "
        "counts as one that was not reached."
    ),
    (
        "Integration within 72 hours and within 7 days counts from each dose, so one session can follow two doses that "
        "lie near each other."
    ),
    (
        "Everybody here had a first dose. Patients of the registry without one are described apart, whether or not "
        "they would have met the criteria of the cohort."
    ),
)


def care_pathway(
    data: AnalysisSet, estimand: Estimand | None = None, *, by: str | None = None, conf_level: float = 0.95
) -> Result:
    """Describe the steps of care: screening, preparation, first dose, integration, follow-up.

    Parameters
    ----------
    data : AnalysisSet
        Made by ``cohort.analysis_set(..., pathway=True)``.
    estimand : Estimand, optional
        The question, if another wording is wanted.
    by : str, optional
        A variable known at time zero whose levels are described as well; by default the cohorts of `data`, if it has
        any. All patients together always come first.
    conf_level : float, default 0.95
        Level of the intervals of the shares of patients.

    Returns
    -------
    Result
        For everybody and each group: the share of all patients who had each step, of those with every step before who
        had the next, and who had every step; the median and quartiles of the days from one step to the next; the share
        of patients with integration within 72 hours of the first dose, and again within 7 days, and the same share of
        all doses, which has no interval because the doses of one patient are not independent. For the patients of the
        registry who never had a dose, the share screened and prepared. NaN where nobody can be counted.

    Raises
    ------
    DesignError
        If `data` holds no pathway, or `by` is a number.
    ImmortalTimeError
        If `by` is known only after time zero, such as having had integration.
    OptionError
        If there is no such variable, or the level is outside its range.

    References
    ----------
    Clopper CJ, Pearson ES. Biometrika 1934;26:404-413. doi:10.1093/biomet/26.4.404.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=1, n_patients=60)
    >>> data = kat.select_cohort(registry).analysis_set(pathway=True)
    >>> result = kat.care_pathway(data)
    >>> [estimate.term for estimate in result.select(measure="proportion")][:4]
    ['screening', 'preparation', 'integration', 'follow-up']
    """
    require_analysis_set(data)
    require_conf_level(conf_level)
    care = _pathway(data)
    groups = reported_groups(data, by)
    found: list[Estimate] = []
    for group in groups:
        described = [
            *_steps(care, group.mask, conf_level),
            *_days(care, group.mask),
            *_doses(care, group.mask, conf_level),
        ]
        found += [replace(estimate, subgroup=group.subgroup) for estimate in described]
    found += _never_dosed(care, conf_level)
    return Result(
        analysis="care_pathway",
        title="Care pathway: from screening to follow-up",
        estimand=estimand if estimand is not None else _estimand(data),
        method=_method(conf_level),
        estimates=tuple(replace(estimate, cohort=data.cohort) for estimate in found),
        provenance=data.provenance,
        assumptions=_ASSUMPTIONS + grouping_note(data, by) + data.notes,
        checks=_checks(care, groups),
    )


def _pathway(data: AnalysisSet) -> Pathway:
    if data.pathway is None:
        raise DesignError(
            "this analysis set holds no sessions; make it with cohort.analysis_set(..., pathway=True). A frame of "
            "scores has none."
        )
    return data.pathway


def _estimand(data: AnalysisSet) -> Estimand:
    return Estimand(
        name="care_pathway",
        population=data.population,
        treatment="",
        comparator="",
        endpoint=Endpoint("", "", "steps of care that were reached"),
        intercurrent_events="sessions count as recorded, up to the next course",
        summary_measure="share of patients",
    )


def _method(conf_level: float) -> Method:
    return Method(
        name="shares and quartiles",
        description=(
            "Screening and preparation count before the first dose of the course, integration and follow-up after it. "
            "A share is of all patients, or of those who had every step before; its exact interval (Clopper and "
            f"Pearson) is {format_level(conf_level)}. Days count from the first session of a step to the first session "
            "of the next that is not before it; median and quartiles (type 7). Integration is timely within 72 hours "
            "of the dose, by minutes where both are known and on day 0 to 3 where not. Shares of doses have no "
            "interval, because the doses of one patient are not independent."
        ),
        sources=_SOURCES,
    )


def _steps(care: Pathway, mask: NDArray[np.bool_], conf_level: float) -> Iterator[Estimate]:
    """Yield the number of patients, who had each step, who of those before the next, and who had them all."""
    reached = care.reached[mask]
    n_patients = len(reached)
    yield Estimate(term="patients", measure="count", unit="patients", estimate=float(n_patients), n_patients=n_patients)
    shown = [place for place, step in enumerate(STEPS) if step != FIRST_DOSE]
    for place in shown:
        yield share_estimate(STEPS[place], int(reached[:, place].sum()), n_patients, conf_level)
    for place in shown[1:]:
        before = reached[:, :place].all(axis=1)
        n_both = int((before & reached[:, place]).sum())
        yield share_estimate(f"{STEPS[place]}, {AFTER_EVERY_STEP}", n_both, int(before.sum()), conf_level)
    yield share_estimate(EVERY_STEP, int(reached.all(axis=1).sum()), n_patients, conf_level)


def _days(care: Pathway, mask: NDArray[np.bool_]) -> Iterator[Estimate]:
    """Yield median and quartiles of the days between steps, of those who have both."""
    from katoutcomes.kernels.summaries import summarize

    for place, interval in enumerate(INTERVALS):
        days = summarize(care.days_between[mask, place])
        for measure, value in (
            ("median", days.median),
            ("lower quartile", days.lower_quartile),
            ("upper quartile", days.upper_quartile),
        ):
            yield Estimate(term=interval, measure=measure, unit="days", estimate=value, n_patients=days.n_values)


def _doses(care: Pathway, mask: NDArray[np.bool_], conf_level: float) -> Iterator[Estimate]:
    """Yield who had timely integration after the first dose, and after what share of all doses it came."""
    n_patients, n_doses = int(mask.sum()), int(care.n_doses[mask].sum())
    for term, flags in ((TIMELY, care.first_dose_timely), (TIMELY_AGAIN, care.first_dose_timely_again)):
        yield share_estimate(f"{term} of the first dose", int(flags[mask].sum()), n_patients, conf_level)
    for term, counts in ((TIMELY, care.n_doses_timely), (TIMELY_AGAIN, care.n_doses_timely_again)):
        yield Estimate(
            term=f"{term} of a dose",
            measure="proportion of sessions",
            estimate=float(counts[mask].sum()) / n_doses if n_doses else NOT_A_NUMBER,
            n_patients=n_patients,
            n_observations=n_doses,
        )


def _never_dosed(care: Pathway, conf_level: float) -> Iterator[Estimate]:
    """Yield what is known of the patients of the registry without any dose; nothing where there are none."""
    if care.n_never_dosed:
        yield share_estimate("screening, never a dose", care.n_never_dosed_screened, care.n_never_dosed, conf_level)
        yield share_estimate("preparation, never a dose", care.n_never_dosed_prepared, care.n_never_dosed, conf_level)


def _checks(care: Pathway, groups: tuple[Group, ...]) -> tuple[Check, ...]:
    smallest = min(int(group.mask.sum()) for group in groups)
    is_recorded = bool(care.reached.any(axis=0).all())
    return (
        Check(
            name="patients",
            passed=care.n_patients >= PAIRS_LIMIT,
            severity="withhold",
            value=float(care.n_patients),
            limit=float(PAIRS_LIMIT),
            message=(
                "There are enough patients."
                if care.n_patients >= PAIRS_LIMIT
                else "There are too few patients to describe a pathway."
            ),
        ),
        smallest_group_check(
            smallest, "Each group has enough patients.", "Some group has too few patients; its numbers say little."
        ),
        Check(
            name="steps recorded",
            passed=is_recorded,
            severity="caution",
            value=NOT_A_NUMBER,
            limit=NOT_A_NUMBER,
            message=(
                "Each step was recorded for somebody."
                if is_recorded
                else "Some step was recorded for nobody: perhaps such sessions are held and not entered."
            ),
        ),
    )
