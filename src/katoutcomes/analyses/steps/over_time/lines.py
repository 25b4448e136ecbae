"""Center lines, limits and signals of one line of the chart, phase by phase."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from katoutcomes.analyses.steps.over_time.rule_sets import FEWEST_POINTS, rule_findings
from katoutcomes.analyses.steps.over_time.series import PER_SESSIONS, RATE_UNIT, Series
from katoutcomes.results.estimate import NOT_A_NUMBER, Estimate
from katoutcomes.results.part import Cell

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.over_time.choices import TimeChoices
    from katoutcomes.kernels.monitoring.control_charts import ControlChart

PLAIN_LINE = "plain line"
RUN_CHART = "run chart"
BEYOND = "beyond limits"
_NAMES = {"mean": "XmR chart", "share": "p chart", "rate": "u chart"}
_LANEY = {"share": "p\u2032 chart", "rate": "u\u2032 chart"}


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of periods with lines of its own.

    Attributes
    ----------
    subgroup : str
        As its estimates are called, for example ``"phase: from 2024Q4"``.
    periods : tuple of int
        Positions of the periods in it that are charted.
    labels : tuple of str
        Their names.
    subgroups : tuple of str
        How the estimates of each of them are called.
    """

    subgroup: str
    periods: tuple[int, ...]
    labels: tuple[str, ...]
    subgroups: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PhaseLines:
    """What a phase of one series gives.

    Attributes
    ----------
    kind : str
        The kind of chart, `PLAIN_LINE` where there are too few points.
    estimates : tuple of Estimate
        Center line, limits, factor of over-dispersion.
    signals : tuple of rows
        ``(rule, period, value, limit, verdict)``.
    n_patients : int
        Patients, or sessions, behind it.
    """

    kind: str
    estimates: tuple[Estimate, ...]
    signals: tuple[tuple[Cell, ...], ...]
    n_patients: int


def phase_lines(series: Series, phase: Phase, choices: TimeChoices) -> PhaseLines:
    """Return the lines of one phase; with fewer than `FEWEST_POINTS` points there are none."""
    n_units = series.counts(phase.periods)[1]
    if len(phase.periods) < FEWEST_POINTS:
        return PhaseLines(PLAIN_LINE, (), (), n_units)
    values = _values(series, phase)
    if choices.chart == "run":
        center = float(np.median(values))
        line = _center_of_values(series, phase, center, n_units)
        return PhaseLines(RUN_CHART, (line,), _signals(values, center, choices, phase, None), n_units)
    chart = _chart(series, phase, values, is_wide=choices.limits == "laney")
    is_wide = choices.limits == "laney" and series.kind != "mean"
    kind = (_LANEY if is_wide else _NAMES)[series.kind]
    estimates = tuple(_chart_estimates(series, phase, chart, n_units, is_wide=is_wide))
    return PhaseLines(kind, estimates, _signals(values, chart.center, choices, phase, chart), n_units)


def _values(series: Series, phase: Phase) -> NDArray[np.float64]:
    """Return the plotted number of each period."""
    if series.kind == "mean":
        return np.array([series.known([period]).mean() for period in phase.periods])
    counts = np.array([series.counts([period]) for period in phase.periods], dtype=np.float64)
    return np.asarray(counts[:, 0] / counts[:, 1])


def _chart(series: Series, phase: Phase, values: NDArray[np.float64], *, is_wide: bool) -> ControlChart:
    from katoutcomes.kernels.monitoring.control_charts import individuals_chart, proportion_chart, rate_chart

    if series.kind == "mean":
        return individuals_chart(values)
    counts = np.array([series.counts([period]) for period in phase.periods], dtype=np.int64)
    if series.kind == "share":
        return proportion_chart(counts[:, 0], counts[:, 1], over_dispersed=is_wide)
    return rate_chart(counts[:, 0], counts[:, 1].astype(np.float64), over_dispersed=is_wide)


def _where(series: Series, subgroup: str) -> dict[str, Any]:
    return {"visit": series.visit, "definition_set": series.definition_set, "subgroup": subgroup}


def _units(series: Series, n_units: int) -> dict[str, Any]:
    return {"n_observations" if series.kind == "rate" else "n_patients": n_units}


def _scaled(series: Series, value: float) -> float:
    return PER_SESSIONS * value if series.kind == "rate" else value


_UNITS = {"mean": "points", "share": "", "rate": RATE_UNIT}


def _line(series: Series, subgroup: str, what: str, value: float, n_units: int) -> Estimate:
    """Return a center line or a limit, on the scale of the series."""
    return Estimate(
        term=series.term + ("" if what == "center line" else f", {what}"),
        measure=("center line" if what == "center line" else "control limit")
        + (" of a share" if series.kind == "share" else ""),
        unit=_UNITS[series.kind],
        estimate=_scaled(series, value),
        **_where(series, subgroup),
        **_units(series, n_units),
    )


def _center_of_values(series: Series, phase: Phase, center: float, n_units: int) -> Estimate:
    return _line(series, phase.subgroup, "center line", center, n_units)


def _chart_estimates(
    series: Series, phase: Phase, chart: ControlChart, n_units: int, *, is_wide: bool
) -> Iterator[Estimate]:
    """Yield the center line, the limits (of shares and rates for each period) and the factor they were widened by."""
    if series.kind == "mean":
        yield _center_of_values(series, phase, chart.center, n_units)
        for what, limits in (("lower limit", chart.lower), ("upper limit", chart.upper)):
            yield _line(series, phase.subgroup, what, float(limits[0]), n_units)
        return
    yield _pooled_center(series, phase)
    for place, (period, subgroup) in enumerate(zip(phase.periods, phase.subgroups, strict=True)):
        n_of_period = series.counts([period])[1]
        for what, limits in (("lower limit", chart.lower), ("upper limit", chart.upper)):
            yield _line(series, subgroup, what, float(limits[place]), n_of_period)
    if is_wide:
        yield Estimate(
            term=series.term,
            measure="over-dispersion factor",
            estimate=chart.over_dispersion,
            **_where(series, phase.subgroup),
            **_units(series, n_units),
        )


def _pooled_center(series: Series, phase: Phase) -> Estimate:
    """Return all events over all units: a share or a rate, with the count that it is."""
    n_counted, n_units = series.counts(phase.periods)
    share = n_counted / n_units if n_units else NOT_A_NUMBER
    where = _where(series, phase.subgroup)
    if series.kind == "share":
        return Estimate(term=series.term, measure="proportion", estimate=share, n_patients=n_units, **where)
    return Estimate(
        term=series.term,
        measure="event rate",
        unit=RATE_UNIT,
        estimate=PER_SESSIONS * share,
        n_observations=n_counted,
        **where,
    )


def _signals(
    values: NDArray[np.float64], center: float, choices: TimeChoices, phase: Phase, chart: ControlChart | None
) -> tuple[tuple[Cell, ...], ...]:
    """Return what each rule says, and each point beyond the limits."""
    from katoutcomes.kernels.monitoring.runs import runs

    rows: list[tuple[Cell, ...]] = [
        (one.rule, "", one.value, one.limit, "signal" if one.is_signal else "none")
        for one in rule_findings(choices.rules, runs(values, center))
    ]
    if chart is None:
        return tuple(rows)
    outside = np.flatnonzero((values < chart.lower) | (values > chart.upper))
    rows += [(BEYOND, phase.labels[int(place)], None, None, "signal") for place in outside]
    if outside.size == 0:
        rows.append((BEYOND, "", None, None, "none"))
    return tuple(rows)


def phases_of(
    labels: Sequence[str], subgroups: Sequence[str], charted: Sequence[bool], choices: TimeChoices
) -> tuple[Phase, ...]:
    """Return the phases, which begin with the first period and with each rebasing."""
    starts = [labels[0], *(one.period for one in choices.rebased if one.period != labels[0])]
    found = []
    for number, start in enumerate(starts):
        end = labels.index(starts[number + 1]) if number + 1 < len(starts) else len(labels)
        inside = tuple(place for place in range(labels.index(start), end) if charted[place])
        found.append(
            Phase(
                f"phase: from {start}",
                inside,
                tuple(labels[place] for place in inside),
                tuple(subgroups[place] for place in inside),
            )
        )
    return tuple(found)
