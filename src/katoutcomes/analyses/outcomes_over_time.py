"""How outcomes go over calendar time: one number a quarter, with lines and rules that tell signals from chance."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from katoutcomes.analyses.steps.checks import PAIRS_LIMIT, paired_completeness_check, patients_check
from katoutcomes.analyses.steps.over_time.choices import Rebasing, TimeChoices, time_choices
from katoutcomes.analyses.steps.over_time.comparison import comparison_estimates
from katoutcomes.analyses.steps.over_time.lines import phase_lines, phases_of
from katoutcomes.analyses.steps.over_time.parts import (
    CHARTED,
    TOO_FEW,
    TOO_RECENT,
    charts_part,
    periods_part,
    rebasings_part,
    signals_part,
    spans_part,
)
from katoutcomes.analyses.steps.over_time.periods import (
    end_of_data,
    periods_of,
    require_counted_from_first_dose,
    unit_of,
)
from katoutcomes.analyses.steps.over_time.rule_sets import DEFAULT_RULES, FEWEST_POINTS
from katoutcomes.analyses.steps.over_time.series import COMPLETENESS, EventRecords, Series, series_of
from katoutcomes.analyses.steps.over_time.words import ASSUMPTIONS, time_estimand, time_method
from katoutcomes.cohorts.analysis_set_needed import require_analysis_set
from katoutcomes.errors import DesignError, OptionError
from katoutcomes.results.check import Check
from katoutcomes.results.formatting import format_count
from katoutcomes.results.result import Result

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import AnalysisSet, Variable
    from katoutcomes.cohorts.cohort import Cohort
    from katoutcomes.cohorts.safety_records import SafetyRecords
    from katoutcomes.estimands.estimand import Estimand
    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.instruments.instrument import DefinitionSet
    from katoutcomes.results.estimate import Estimate


def outcomes_over_time(
    data: AnalysisSet,
    estimand: Estimand | None = None,
    *,
    visit: str | None = None,
    period: str = "index_quarter",
    events_of: Cohort | None = None,
    data_through: str | None = None,
    chart: str = "control",
    limits: str = "chance",
    rules: str = DEFAULT_RULES,
    rebased: Sequence[Rebasing | Mapping[str, Any]] = (),
    conf_level: float = 0.95,
) -> Result:
    """Show mean change, reliable change, completeness and events by the quarter in which courses began.

    Parameters
    ----------
    data : AnalysisSet
        The scores.
    estimand : Estimand, optional
        The question, if another wording is wanted.
    visit : str, optional
        Name of the visit; by default the last one that counts from the first dose.
    period : str, default "index_quarter"
        A variable of calendar quarters (``"2026Q3"``) or months (``"2026-07"``).
    events_of : Cohort, optional
        The cohort that `data` were made of, for adverse events per 100 dosing sessions.
    data_through : str, optional
        Until when the data reach: a date, quarter or month. By default the end of the last period in which a course
        began, or later where scores show it.
    chart : {"control", "run"}
        Means with three-sigma limits (XmR, p and u charts), or medians without limits.
    limits : {"chance", "laney"}
        Of shares and rates: what chance alone allows, or widened by Laney's factor where periods differ more.
    rules : str, default "anhoej_olesen_2014/1"
        Which patterns are signals: ``"anhoej_olesen_2014/1"``, ``"perla_2011/1"`` or ``"nelson_1984/1"``.
    rebased : sequence of Rebasing or mapping
        Where lines begin anew, with the reason and the date of the decision. Nothing is ever rebased by itself.
    conf_level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    Result
        For each period the number and its interval. With twelve or more periods in the chart, the center line, the
        limits and what the rules find, for each phase; with fewer a plain line. The last period in the chart beside the
        eight before it. A period is in the chart if the visit window has closed for all its days and at least 11
        patients have both scores; completeness is not given for a period whose follow-up is not over.

    Raises
    ------
    DesignError
        If the variable holds no quarters or months, the visit counts from a later dose, or nobody has both scores.
    OptionError
        If a choice is not among the values it may take, a rebasing lies outside the periods, or `events_of` is another
        cohort.

    References
    ----------
    Anhøj J, Olesen AV. PLoS One 2014;9:e113825. doi:10.1371/journal.pone.0113825. Laney DB. Qual Eng 2002;14:531-537.
    doi:10.1081/QEN-120003555.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=20260930, n_patients=300)
    >>> result = kat.outcomes_over_time(kat.select_cohort(registry).analysis_set("PHQ-9"), data_through="2027-01-31")
    >>> result.part("periods").column("verdict")[-1], result.part("charts").column("kind")[0]
    ('in the chart', 'plain line')
    """
    require_analysis_set(data)
    choices = time_choices(chart=chart, limits=limits, rules=rules, rebased=rebased, conf_level=conf_level)
    window = data.visit(visit)
    require_counted_from_first_dose(window)
    timeline = _timeline(data, window, period, data_through)
    _require_inside(choices, timeline)
    definition = next((one for one in data.instrument.definitions("reliable_change") if one.is_default), None)
    records = None if events_of is None else _records(data, events_of)
    series = _series(data, window, timeline, definition, records)
    phases = phases_of(timeline.labels, timeline.subgroups, timeline.is_charted, choices)
    lines = [(one.term, phase, phase_lines(one, phase, choices)) for one in series for phase in phases]
    compared = comparison_estimates(series, timeline.charted, timeline.labels, timeline.subgroups, conf_level)
    found = [*_by_period(series, timeline, conf_level), *(one for _, _, line in lines for one in line.estimates)]
    found += compared.estimates
    return Result(
        analysis="outcomes_over_time",
        title=f"Outcomes by {timeline.unit} of the first dose: {data.instrument.name} at {window.name}",
        estimand=estimand if estimand is not None else time_estimand(data, window, timeline.unit),
        method=time_method(choices, has_definition=definition is not None, has_events=records is not None),
        estimates=tuple(replace(one, instrument=data.instrument.name, cohort=data.cohort) for one in found),
        provenance=data.provenance,
        parts=(
            periods_part(timeline.labels, timeline.subgroups, timeline.closed, timeline.status),
            charts_part(lines),
            spans_part(lines, [one.term for one in series], compared.span, compared.members),
            signals_part(lines),
            rebasings_part(choices),
        ),
        assumptions=(*ASSUMPTIONS, timeline.about_end, *timeline.notes, *data.notes),
        checks=_checks(data, window, timeline),
        warnings=() if definition is not None else (_no_definition(data),),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Timeline:
    """The periods, how far each is over, and who is in it."""

    labels: tuple[str, ...]
    subgroups: tuple[str, ...]
    closed: tuple[float, ...]
    status: tuple[str, ...]
    group: NDArray[np.int64]
    variable: Variable
    unit: str
    about_end: str

    @property
    def is_charted(self) -> tuple[bool, ...]:
        return tuple(one == CHARTED for one in self.status)

    @property
    def charted(self) -> tuple[int, ...]:
        return tuple(place for place, is_in in enumerate(self.is_charted) if is_in)

    @property
    def notes(self) -> tuple[str, ...]:
        if not (self.group < 0).any():
            return ()
        return (f"Patients whose {self.variable.name} is not known are in none of its periods.",)


def _timeline(data: AnalysisSet, window: VisitWindow, name: str, data_through: str | None) -> _Timeline:
    import numpy as np

    if not data.pairs(window.name).any():
        raise DesignError(f"no patient has both a baseline {data.instrument.name} score and one at {window.name}.")
    variable = data.variable(name)
    periods = periods_of(variable)
    end, about_end = end_of_data(data, variable, periods, data_through)
    labels = tuple(period.label for period in periods)
    group = _positions(variable, labels)
    closed = tuple(period.closed_share(end, window.last_day) for period in periods)
    n_pairs = np.bincount(group[data.pairs(window.name) & (group >= 0)], minlength=len(periods))
    status = tuple(
        TOO_RECENT if share < 1.0 else CHARTED if n >= PAIRS_LIMIT else TOO_FEW
        for share, n in zip(closed, n_pairs.tolist(), strict=True)
    )
    subgroups = tuple(f"{name}: {label}" for label in labels)
    return _Timeline(labels, subgroups, closed, status, group, variable, unit_of(periods[0]), about_end)


def _positions(variable: Variable, labels: Sequence[str]) -> NDArray[np.int64]:
    """Return the position of each patient's period, -1 where it is not known."""
    import numpy as np

    place = {label: position for position, label in enumerate(labels)}
    of_code = np.array([*(place.get(level, -1) for level in variable.levels), -1], dtype=np.int64)
    codes = np.where(np.isnan(variable.values), len(variable.levels), variable.values).astype(np.int64)
    return np.asarray(of_code[codes])


def _require_inside(choices: TimeChoices, timeline: _Timeline) -> None:
    for one in choices.rebased:
        if one.period not in timeline.labels:
            raise OptionError(
                f"a rebasing begins in {one.period!r}, which is not among the periods {timeline.labels[0]} to "
                f"{timeline.labels[-1]}."
            )


def _records(data: AnalysisSet, cohort: Cohort) -> SafetyRecords:
    from katoutcomes.cohorts.safety_records import read_safety_records

    records = read_safety_records(cohort)
    if records.n_patients != data.n_patients:
        raise OptionError("events_of must be the cohort that the analysis set was made of; it has other patients.")
    return records


def _series(
    data: AnalysisSet,
    window: VisitWindow,
    timeline: _Timeline,
    definition: DefinitionSet | None,
    records: SafetyRecords | None,
) -> tuple[Series, ...]:
    events = None
    if records is not None:
        found = next((one for one in records.variables if one.name == timeline.variable.name), None)
        if found is None:
            raise OptionError(f"the cohort of events_of has no {timeline.variable.name}.")
        events = EventRecords(records, _positions(found, timeline.labels), len(timeline.labels))
    return series_of(data, window, timeline.group, definition, events)


def _by_period(series: Sequence[Series], timeline: _Timeline, conf_level: float) -> Iterator[Estimate]:
    """Yield every number of every period, but no completeness of one whose follow-up is not over."""
    for one in series:
        for place, (subgroup, status) in enumerate(zip(timeline.subgroups, timeline.status, strict=True)):
            if one.term != COMPLETENESS or status != TOO_RECENT:
                yield from one.estimates([place], subgroup, conf_level)


def _checks(data: AnalysisSet, window: VisitWindow, timeline: _Timeline) -> tuple[Check, ...]:
    import numpy as np

    over = [place for place, status in enumerate(timeline.status) if status != TOO_RECENT]
    is_over = np.isin(timeline.group, over)
    n_pairs, n_baseline = (int((is_over & mask).sum()) for mask in (data.pairs(window.name), data.with_baseline))
    n_charted = len(timeline.charted)
    return (
        patients_check(int(data.pairs(window.name).sum()), window.name),
        paired_completeness_check(n_pairs, n_baseline, window.name),
        Check(
            name="periods in the chart",
            passed=n_charted >= FEWEST_POINTS,
            severity="note",
            value=float(n_charted),
            limit=float(FEWEST_POINTS),
            message=(
                "There are enough periods for lines and rules."
                if n_charted >= FEWEST_POINTS
                else f"With fewer than {format_count(FEWEST_POINTS)} {timeline.unit}s whose follow-up is over the "
                "lines are plain: rules would find signals by chance."
            ),
        ),
    )


def _no_definition(data: AnalysisSet) -> str:
    return (
        f"No definition set says which change of the {data.instrument.name} is reliable, so improvement and "
        "deterioration are left out."
    )
