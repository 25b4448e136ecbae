"""What went badly, counted: adverse events, dosing sessions, deterioration, answers to items on suicide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.checks import smallest_group_check
from katoutcomes.analyses.steps.choices import require_conf_level
from katoutcomes.analyses.steps.interval_estimates import EXACT_SOURCE
from katoutcomes.analyses.steps.safety_estimates import (
    SafetyLimits,
    deterioration_estimates,
    event_estimates,
    exposure_estimates,
    item_estimates,
    session_estimates,
)
from katoutcomes.errors import OptionError
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.results.check import Check
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.formatting import format_level, format_number
from katoutcomes.results.part import Part
from katoutcomes.results.provenance import Provenance
from katoutcomes.results.result import Method, Result

if TYPE_CHECKING:
    from katoutcomes.cohorts.analysis_set import AnalysisSet, Group
    from katoutcomes.cohorts.cohort import Cohort
    from katoutcomes.cohorts.safety_records import SafetyRecords
    from katoutcomes.registry.registry import Registry

BLOOD_PRESSURE_LIMITS = (180.0, 120.0)
OXYGEN_LIMIT = 90.0

_SOURCES = (
    EXACT_SOURCE,
    "Garwood F. Biometrika 1936;28:437-442. doi:10.1093/biomet/28.3-4.437",
    "Whelton PK et al. Hypertension 2018;71:e13-e115. doi:10.1161/HYP.0000000000000065",
)
_ASSUMPTIONS = (
    (
        "This is counting and never monitoring: the data are de-identified and old when they arrive here, and nobody "
        "can be called."
    ),
    "An event that was not entered is not counted; how carefully events are asked for and entered is not known.",
    (
        "Exact intervals take sessions, and events, as independent; those of one patient are not, so intervals of "
        "sessions and of rates are too narrow."
    ),
    (
        "A patient is observed from the first dose to the last record before the next course; what happened after the "
        "last record is not known."
    ),
    (
        "Events, deterioration and answers to safety items follow the treatment in time; without a comparison they do "
        "not show what it did."
    ),
    "Who was asked more often after the first dose had more occasions to endorse a safety item.",
)


def safety(
    cohort: Cohort | Registry,
    estimand: Estimand | None = None,
    *,
    by: str | None = None,
    blood_pressure_limits: tuple[float, float] = BLOOD_PRESSURE_LIMITS,
    oxygen_limit: float = OXYGEN_LIMIT,
    conf_level: float = 0.95,
) -> Result:
    """Count adverse events per patient, session and time, session safety, deterioration and safety items.

    Parameters
    ----------
    cohort : Cohort or Registry
        Whose courses. Of a registry the first courses of everybody with a dosing session, whatever their age.
    estimand : Estimand, optional
        The question, if another wording is wanted.
    by : str, optional
        A variable known at time zero whose levels are reported as well. All patients always come first.
    blood_pressure_limits : (float, float), default (180, 120)
        Systolic and diastolic peak in mmHg from which a session is counted.
    oxygen_limit : float, default 90
        Oxygen saturation in percent below which a session is counted.
    conf_level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    Result
        For everybody and each group: patients, dosing sessions and observed days; events (all, serious, by severity, by
        kind) with their rate per 1,000 patient-days; patients and sessions with an event, and by the worst of them;
        median and quartiles of the peaks of blood pressure and of scales of a session's state (CADSS); sessions beyond
        the limits, with rescue medication, stopped early; patients reliably worse at their last score; patients who
        endorsed an item on suicide or self-harm at baseline, newly after the first dose, or answered it higher. What
        was never recorded is left out. NaN where nobody can be counted.

    Raises
    ------
    DesignError
        If nobody has a dosing session, or `by` is a number.
    ImmortalTimeError
        If `by` is known only after time zero.
    OptionError
        If there is no such variable, or a limit or the level is outside its range.

    Notes
    -----
    Shares have Clopper-Pearson intervals, rates exact Poisson (Garwood) ones. Both stay two-sided where nothing was
    seen: the upper limit is 1 − (α/2)^(1/n), or −ln(α/2) over the time, near 3.7/n at 95 %. The rule of three, 3/n,
    is not used: it would cover less than its level.

    References
    ----------
    Clopper CJ, Pearson ES. Biometrika 1934;26:404-413. doi:10.1093/biomet/26.4.404. Garwood F. Biometrika
    1936;28:437-442. doi:10.1093/biomet/28.3-4.437.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=1, n_patients=60)
    >>> result = kat.safety(registry)
    >>> [estimate.term for estimate in result.select(measure="count")][:4]
    ['patients', 'dosing sessions', 'events', 'serious events']
    """
    from katoutcomes.cohorts.safety_records import read_safety_records

    require_conf_level(conf_level)
    limits = _limits(blood_pressure_limits, oxygen_limit)
    chosen = _cohort(cohort)
    records = read_safety_records(chosen)
    groups = records.groups(by)
    found: list[Estimate] = []
    for group in groups:
        described = [
            *exposure_estimates(records, group.mask),
            *event_estimates(records, group.mask, conf_level),
            *session_estimates(records, group.mask, limits, conf_level),
            *(one for item in records.items for one in item_estimates(item, group.mask, conf_level)),
        ]
        found += [replace(estimate, subgroup=group.subgroup) for estimate in described]
    data = chosen.analysis_set()
    found += _deterioration(data, by, conf_level)
    return Result(
        analysis="safety",
        title="Safety: adverse events, dosing sessions, deterioration",
        estimand=estimand if estimand is not None else _estimand(chosen),
        method=_method(limits, conf_level),
        estimates=tuple(replace(estimate, cohort=chosen.definition.name) for estimate in found),
        provenance=Provenance(
            source="registry",
            digest=chosen.registry.digest,
            settings=chosen.settings(),
            is_synthetic=chosen.registry.is_synthetic,
        ),
        parts=(_limits_part(limits),),
        assumptions=_ASSUMPTIONS + _unknown_groups(records, by),
        checks=_checks(records, groups),
    )


def _cohort(cohort: Cohort | Registry) -> Cohort:
    """Return the cohort; of a registry everybody's first course."""
    from katoutcomes.cohorts.cohort import Cohort
    from katoutcomes.cohorts.definition import CohortDefinition
    from katoutcomes.cohorts.selection import select_cohort

    if isinstance(cohort, Cohort):
        return cohort
    return select_cohort(cohort, CohortDefinition(name="all with a dosing session", criteria=()))


def _limits(blood_pressure: tuple[float, float], oxygen: float) -> SafetyLimits:
    systolic, diastolic = (float(limit) for limit in blood_pressure)
    if not (0.0 < diastolic < systolic and 0.0 < oxygen <= 100.0):
        raise OptionError("blood_pressure_limits are (systolic, diastolic) in mmHg, oxygen_limit a percentage.")
    return SafetyLimits(systolic, diastolic, float(oxygen))


def _deterioration(data: AnalysisSet, by: str | None, conf_level: float) -> Iterator[Estimate]:
    """Yield who is reliably worse at the last score of the visits; nothing where no definition set says how much."""
    import numpy as np

    definitions = [one for one in data.instrument.definitions("reliable_change") if one.is_default]
    if not definitions:
        return
    last = np.full(data.n_patients, np.nan)
    for scores in data.scores.T:
        last = np.where(np.isnan(scores), last, scores)
    sign = -1.0 if data.instrument.direction == "higher_is_better" else 1.0
    groups = data.groups(None) + (() if by is None else tuple(one for one in data.groups(by) if one.mask.any()))
    for group in groups:
        estimate = deterioration_estimates(
            data.baseline[group.mask],
            last[group.mask],
            sign=sign,
            threshold=float(definitions[0].value),
            definition_set=definitions[0].id,
            instrument=data.instrument.name,
            conf_level=conf_level,
        )
        yield replace(estimate, subgroup=group.subgroup)


def _estimand(cohort: Cohort) -> Estimand:
    return Estimand(
        name="safety",
        population=cohort.population,
        treatment="",
        comparator="",
        endpoint=Endpoint("", "", "adverse events and deterioration from the first dose on"),
        intercurrent_events="records count until the next course",
        summary_measure="share of patients, share of sessions, rate",
    )


def _method(limits: SafetyLimits, conf_level: float) -> Method:
    level = format_level(conf_level)
    pressure = f"{format_number(limits.systolic, 0)}/{format_number(limits.diastolic, 0)} mmHg"
    return Method(
        name="exact intervals",
        description=(
            f"Shares with Clopper-Pearson intervals ({level}); rates per 1,000 patient-days with exact Poisson "
            "(Garwood) intervals, two-sided also where no event was seen. Patients and sessions by severity are "
            "counted under the worst of their events. Medians with quartiles (type 7) over "
            f"sessions. Blood pressure counts from {pressure} on (either), oxygen saturation below "
            f"{format_number(limits.oxygen, 0)}%."
        ),
        sources=_SOURCES,
    )


def _limits_part(limits: SafetyLimits) -> Part:
    named = (("systolic", limits.systolic), ("diastolic", limits.diastolic), ("oxygen saturation", limits.oxygen))
    return Part("limits", ("name", "value"), tuple(named))


def _unknown_groups(records: SafetyRecords, by: str | None) -> tuple[str, ...]:
    import numpy as np

    values = next((one.values for one in records.variables if one.name == by), None)
    if values is None or not np.isnan(values).any():
        return ()
    return (f"Patients whose {by} is not known are among all patients, but in none of its groups.",)


def _checks(records: SafetyRecords, groups: tuple[Group, ...]) -> tuple[Check, ...]:
    smallest = min(int(group.mask.sum()) for group in groups)
    has_events = len(records.events.patient) > 0
    return (
        smallest_group_check(
            smallest,
            "Each group has enough patients.",
            "Some group has too few patients; that nothing was seen in it says little.",
        ),
        Check(
            name="events recorded",
            passed=has_events,
            severity="caution",
            value=float("nan"),
            limit=float("nan"),
            message=(
                "Adverse events are recorded."
                if has_events
                else "No adverse event is recorded at all: perhaps none is entered, which is not the same as none."
            ),
        ),
    )
