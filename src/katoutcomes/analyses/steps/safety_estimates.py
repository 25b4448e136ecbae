"""The numbers of `safety`: events, patients and sessions with them, vital signs, answers to safety items."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from katoutcomes.analyses.steps.interval_estimates import share_estimate
from katoutcomes.results.estimate import NOT_A_NUMBER, Estimate
from katoutcomes.vocabulary import EVENT_SEVERITIES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.cohorts.safety_records import AdverseEvents, SafetyItem, SafetyRecords

    Mask = NDArray[np.bool_]

PER_DAYS = 1000.0
"""Days of the rate's unit."""


@dataclass(frozen=True, slots=True)
class SafetyLimits:
    """From which vital signs on a session is counted.

    Attributes
    ----------
    systolic, diastolic : float
        Blood pressure in mmHg; a session counts that reaches one of them.
    oxygen : float
        Oxygen saturation in percent; a session counts that falls below it.
    """

    systolic: float
    diastolic: float
    oxygen: float


def exposure_estimates(records: SafetyRecords, mask: Mask) -> Iterator[Estimate]:
    """Yield the numbers of patients and dosing sessions, and the days that the patients were observed."""
    n_patients = int(mask.sum())
    n_sessions = int(mask[records.sessions.patient].sum())
    yield Estimate(term="patients", measure="count", unit="patients", estimate=float(n_patients), n_patients=n_patients)
    yield Estimate(term="dosing sessions", measure="count", unit="sessions", estimate=float(n_sessions))
    yield Estimate(
        term="observed time",
        measure="exposure time",
        unit="days",
        estimate=float(records.days[mask].sum()),
        n_patients=n_patients,
    )


def event_estimates(records: SafetyRecords, mask: Mask, conf_level: float) -> Iterator[Estimate]:
    """Yield events, their rate, and the patients and sessions that had one: all, serious, by severity and by kind."""
    events = records.events
    here = mask[events.patient]
    yield from _events_of(records, mask, here, "", conf_level)
    yield from _events_of(records, mask, here & events.is_serious, "serious", conf_level)
    for code, name in enumerate(EVENT_SEVERITIES):
        yield from _rate(f"events, {name}", here & (events.severity == code), records.days[mask], conf_level)
    yield from _worst(records, mask, here, conf_level)
    for code, name in enumerate(events.kinds):
        of_kind = here & (events.kind == code)
        yield from _rate(f"kind of event, {name}", of_kind, records.days[mask], conf_level)
        n_with = len(np.unique(events.patient[of_kind]))
        yield share_estimate(f"patients with kind, {name}", n_with, int(mask.sum()), conf_level)


def _events_of(records: SafetyRecords, mask: Mask, chosen: Mask, word: str, conf_level: float) -> Iterator[Estimate]:
    events = records.events
    name = f"{word} events".strip()
    article = f"a {word}" if word else "an"
    yield from _rate(name, chosen, records.days[mask], conf_level)
    n_with = len(np.unique(events.patient[chosen]))
    yield share_estimate(f"patients with {article} event", n_with, int(mask.sum()), conf_level)
    n_sessions_with = len(np.unique(events.session[chosen & (events.session >= 0)]))
    of_all = _all_sessions(records, mask)
    yield from _share_of_sessions(f"sessions with {article} event", n_sessions_with, of_all, conf_level)


def _all_sessions(records: SafetyRecords, mask: Mask) -> tuple[int, int]:
    """Return the numbers of dosing sessions and patients of a group."""
    return int(mask[records.sessions.patient].sum()), int(mask.sum())


def _rate(term: str, chosen: Mask, days: NDArray[np.float64], conf_level: float) -> Iterator[Estimate]:
    """Yield the number of events and their rate over the observed days."""
    from katoutcomes.kernels.shares.event_rates import exact_rate

    n_events = int(chosen.sum())
    rate = exact_rate(n_events, float(days.sum()) / PER_DAYS, conf_level)
    yield Estimate(term=term, measure="count", estimate=float(n_events))
    yield Estimate(
        term=term,
        measure="event rate",
        unit="per 1,000 patient-days",
        estimate=rate.estimate,
        conf_low=rate.conf_low,
        conf_high=rate.conf_high,
        conf_level=conf_level if rate.exposure else NOT_A_NUMBER,
        n_patients=len(days),
        n_observations=n_events,
    )


def _worst(records: SafetyRecords, mask: Mask, here: Mask, conf_level: float) -> Iterator[Estimate]:
    """Yield patients, and sessions, by the worst of their events: every one is counted once."""
    events = records.events
    by_patient = _highest(events.patient, events, here, records.n_patients)
    in_session = here & (events.session >= 0)
    by_session = _highest(events.session, events, in_session, len(records.sessions.patient))
    for code, name in enumerate(EVENT_SEVERITIES):
        n_with = int((by_patient == code).sum())
        yield share_estimate(f"worst event of a patient, {name}", n_with, int(mask.sum()), conf_level)
        n_sessions = int((by_session == code).sum())
        of_all = _all_sessions(records, mask)
        yield from _share_of_sessions(f"worst event of a session, {name}", n_sessions, of_all, conf_level)


def _highest(unit: NDArray[np.int64], events: AdverseEvents, here: Mask, n_units: int) -> NDArray[np.int64]:
    """Return the highest severity of each patient or session, -1 without events."""
    highest = np.full(n_units, -1, dtype=np.int64)
    np.maximum.at(highest, unit[here], events.severity[here])
    return highest


def _share_of_sessions(term: str, n_with: int, of: tuple[int, int], conf_level: float) -> Iterator[Estimate]:
    """Yield a share of sessions; `of` holds how many they are and of how many patients. Nothing of none."""
    n_sessions, n_patients = of
    if n_sessions:
        found = share_estimate(term, n_with, n_sessions, conf_level, n_patients=n_patients, n_observations=n_sessions)
        yield replace(found, measure="proportion of sessions")


def session_estimates(
    records: SafetyRecords, mask: Mask, limits: SafetyLimits, conf_level: float
) -> Iterator[Estimate]:
    """Yield peaks, sessions beyond the limits, rescue medication and early stops, as far as they are recorded."""
    sessions = records.sessions
    here = mask[sessions.patient]
    for term, values in (("systolic peak", sessions.systolic_peak), ("diastolic peak", sessions.diastolic_peak)):
        yield from _quartiles(term, "mmHg", values[here], sessions.patient[here])
    both = ~np.isnan(sessions.systolic_peak) & ~np.isnan(sessions.diastolic_peak)
    is_high = (sessions.systolic_peak >= limits.systolic) | (sessions.diastolic_peak >= limits.diastolic)
    oxygen, rescue, stopped = sessions.oxygen_minimum, sessions.rescue_medication, sessions.stopped_early
    for term, applies, known in (
        ("sessions at or above the blood pressure limit", is_high, both),
        ("sessions below the oxygen saturation limit", oxygen < limits.oxygen, ~np.isnan(oxygen)),
        ("sessions with rescue medication", rescue == 1.0, ~np.isnan(rescue)),
        ("sessions stopped early", stopped == 1.0, ~np.isnan(stopped)),
    ):
        n_with = int((applies & known & here).sum())
        of_known = (int((known & here).sum()), int(mask.sum()))
        yield from _share_of_sessions(term, n_with, of_known, conf_level)
    for state in records.states:
        of_group = mask[state.patient]
        term = f"peak of the {state.instrument.name}"
        yield from _quartiles(term, "points", state.total[of_group], state.patient[of_group], state.instrument.name)


def _quartiles(
    term: str, unit: str, values: NDArray[np.float64], patient: NDArray[np.int64], instrument: str = ""
) -> Iterator[Estimate]:
    """Yield median and quartiles over sessions and how many patients they are of; nothing where none is known."""
    from katoutcomes.kernels.summaries import summarize

    n_patients = len(np.unique(patient[~np.isnan(values)]))
    if n_patients == 0:
        return
    found = summarize(values)
    for measure, value in (
        ("median", found.median),
        ("lower quartile", found.lower_quartile),
        ("upper quartile", found.upper_quartile),
    ):
        yield Estimate(
            term=term, measure=measure, unit=unit, instrument=instrument, estimate=value, n_patients=n_patients
        )


def item_estimates(item: SafetyItem, mask: Mask, conf_level: float) -> Iterator[Estimate]:
    """Yield who endorsed a safety item before the first dose, newly after it, and who answered higher than before."""
    before, after = item.before[mask], item.after[mask]
    endorsed = before >= item.instrument.safety_at_least
    later = after >= item.instrument.safety_at_least
    asked, both = ~np.isnan(before), ~np.isnan(before) & ~np.isnan(after)
    denied = both & ~endorsed
    name = f"safety item of the {item.instrument.name}"
    for term, counted, of_whom in (
        (f"{name}, endorsed at baseline", endorsed, asked),
        (f"{name}, newly endorsed after the first dose", later & denied, denied),
        (f"{name}, answered higher after the first dose", (after > before) & both, both),
    ):
        yield share_estimate(term, int((counted & of_whom).sum()), int(of_whom.sum()), conf_level)


def deterioration_estimates(
    baseline: NDArray[np.float64],
    last: NDArray[np.float64],
    *,
    sign: float,
    threshold: float,
    definition_set: str,
    instrument: str,
    conf_level: float,
) -> Estimate:
    """Return who is worse at the last score by at least the threshold of reliable change.

    Parameters
    ----------
    baseline, last : ndarray of float64, shape (n_patients,)
        NaN where there is none.
    sign : float
        1 where a higher score is worse, -1 where it is better.
    threshold : float
        In points.
    definition_set, instrument : str
        Whose threshold, and of which scale.
    conf_level : float
        Of the interval.
    """
    both = ~np.isnan(baseline) & ~np.isnan(last)
    worse = sign * (last[both] - baseline[both]) >= threshold
    return share_estimate(
        "reliable deterioration at the last score",
        int(worse.sum()),
        int(both.sum()),
        conf_level,
        definition_set=definition_set,
        instrument=instrument,
    )
