"""One number a period: mean change, shares of reliable change, completeness, events a session."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from katoutcomes.analyses.steps.interval_estimates import numbers_of, share_estimate
from katoutcomes.results.estimate import Estimate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import AnalysisSet
    from katoutcomes.cohorts.safety_records import SafetyRecords
    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.instruments.instrument import DefinitionSet

CHANGE = "change"
IMPROVED, DETERIORATED = "reliable improvement", "reliable deterioration"
COMPLETENESS = "paired completeness"
EVENTS = "adverse events"
SESSIONS = "dosing sessions"
PER_SESSIONS = 100.0
RATE_UNIT = "per 100 sessions"


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Everything that is counted or averaged for one line of the chart.

    Attributes
    ----------
    term, definition_set, visit : str
        As its estimates say.
    kind : {"mean", "share", "rate"}
    values : ndarray of float64, shape (n_patients,) or (0,)
        Changes of the patients with both scores, NaN of the others; of a share 1 and 0, NaN where it is not of them.
    group : ndarray of int64
        Position of each patient's period, -1 where it is not known.
    n_events, n_sessions : ndarray of int64, shape (n_periods,)
        Of a rate; empty for the others.
    """

    term: str
    kind: str
    visit: str
    definition_set: str
    group: NDArray[np.int64] = field(repr=False)
    values: NDArray[np.float64] = field(repr=False)
    n_events: NDArray[np.int64] = field(repr=False)
    n_sessions: NDArray[np.int64] = field(repr=False)

    def counts(self, periods: Sequence[int]) -> tuple[int, int]:
        """Return what is counted in these periods, and of how many: patients or sessions."""
        if self.kind == "rate":
            chosen = list(periods)
            return int(self.n_events[chosen].sum()), int(self.n_sessions[chosen].sum())
        known = self.known(periods)
        return (int(known.sum()) if self.kind == "share" else known.size), known.size

    def known(self, periods: Sequence[int]) -> NDArray[np.float64]:
        """Return the values of the patients of these periods who have one."""
        values = self.values[np.isin(self.group, list(periods))]
        return values[~np.isnan(values)]

    def estimates(self, periods: Sequence[int], subgroup: str, conf_level: float) -> Iterator[Estimate]:
        """Yield the number of these periods together, with its interval; of a rate the sessions before it."""
        where: dict[str, Any] = {"visit": self.visit, "definition_set": self.definition_set, "subgroup": subgroup}
        n_counted, n_units = self.counts(periods)
        if self.kind == "mean":
            from katoutcomes.kernels.summaries import mean_interval

            found = mean_interval(self.known(periods), conf_level)
            numbers = numbers_of(found, conf_level, "std_error", "df")
            yield Estimate(term=self.term, measure="mean change", unit="points", n_patients=n_units, **where, **numbers)
        elif self.kind == "share":
            yield share_estimate(self.term, n_counted, n_units, conf_level, **where)
        else:
            from katoutcomes.kernels.shares.event_rates import exact_rate

            yield Estimate(term=SESSIONS, measure="count", unit="sessions", subgroup=subgroup, estimate=n_units)
            rate = exact_rate(n_counted, n_units / PER_SESSIONS, conf_level)
            yield Estimate(
                term=self.term,
                measure="event rate",
                unit=RATE_UNIT,
                n_observations=n_counted,
                **where,
                **numbers_of(rate, conf_level),
            )


@dataclass(frozen=True, slots=True, eq=False)
class EventRecords:
    """Events and sessions, the position of each patient's period (-1: not known), and the number of periods."""

    records: SafetyRecords
    group: NDArray[np.int64]
    n_periods: int


def series_of(
    data: AnalysisSet,
    window: VisitWindow,
    group: NDArray[np.int64],
    definition: DefinitionSet | None,
    events: EventRecords | None,
) -> tuple[Series, ...]:
    """Return every line: change, reliable change where a definition says how much, completeness, events if asked for.

    Parameters
    ----------
    data, window
        The scores and the visit.
    group : ndarray of int64, shape (n_patients,)
        Position of each patient's period.
    definition : DefinitionSet or None
        Of reliable change.
    events : EventRecords or None
    """
    has_both = data.pairs(window.name)
    follow_up = data.scores_at(window.name)
    change = np.where(has_both, follow_up - data.baseline, np.nan)
    none = np.zeros(0, dtype=np.int64)
    found = [Series(CHANGE, "mean", window.name, "", group, change, none, none)]
    if definition is not None:
        found += _reliable_change(data, window, group, definition)
    complete = np.where(data.with_baseline, has_both.astype(np.float64), np.nan)
    found.append(Series(COMPLETENESS, "share", window.name, "", group, complete, none, none))
    if events is not None:
        found.append(_events(events))
    return tuple(found)


def _reliable_change(
    data: AnalysisSet, window: VisitWindow, group: NDArray[np.int64], definition: DefinitionSet
) -> Iterator[Series]:
    from katoutcomes.kernels.individual.reliable_change import threshold_classes

    has_both = data.pairs(window.name)
    classes = np.full(data.n_patients, np.nan)
    classes[has_both] = threshold_classes(
        data.baseline[has_both], data.scores_at(window.name)[has_both], float(definition.value), data.instrument.sign
    )
    none = np.zeros(0, dtype=np.int64)
    for term, wanted in ((IMPROVED, 1.0), (DETERIORATED, -1.0)):
        counted = np.where(has_both, (classes == wanted).astype(np.float64), np.nan)
        yield Series(term, "share", window.name, definition.id, group, counted, none, none)


def _events(events: EventRecords) -> Series:
    group = events.group
    known = group >= 0
    counted = [
        np.bincount(group[rows][known[rows]], minlength=events.n_periods).astype(np.int64)
        for rows in (events.records.events.patient, events.records.sessions.patient)
    ]
    return Series(EVENTS, "rate", "", "", group, np.zeros(0), *counted)
