"""Adjusted means of a model for repeated measures over time, with the patients seen at each visit."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.figures.drawing.scale import score_scale
from katoutcomes.figures.drawing.style import series_styles
from katoutcomes.figures.drawing.trajectory_drawing import TrajectoryPlan, VisitMean, draw_trajectory
from katoutcomes.figures.drawing.wording import (
    by_words,
    capitalized,
    general_notes,
    group_label,
    grouping_variable,
    interval_name,
    n_words,
    shown_groups,
)
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.results.formatting import format_estimate, format_n_patients, format_with_interval, minimum_cell_of

if TYPE_CHECKING:
    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.results.part import Cell
    from katoutcomes.results.result import ResultRecord

COLUMNS: tuple[str, ...] = (
    "group",
    "visit",
    "target_day",
    "kind",
    "mean",
    "conf_low",
    "conf_high",
    "conf_level",
    "n_patients",
)
ADJUSTED, OBSERVED = "adjusted", "observed"
ADJUSTED_TERM = "follow-up, adjusted"
BASELINE_TERM = "baseline, in the model"
_WHAT_THE_MEANS_ARE = (
    "Means are estimated for all patients in the model, as if nobody had left and whether a score is missing depended "
    "on what was seen before. Patients: those with a score at the visit."
)


def adjusted_means(result: ResultRecord, *, instrument: Instrument | None = None) -> Figure:
    """Draw the adjusted mean score of every cohort at every visit.

    Parameters
    ----------
    result : ResultRecord
        A result of `mmrm`, released or not.
    instrument : Instrument, optional
        For an instrument that the catalog does not hold: its range becomes the axis, its direction is named.

    Returns
    -------
    Figure
        Adjusted means with their intervals against the target day, one line a cohort, and below them the number of
        patients seen. Where the model uses the baseline score, all lines start at its observed mean, an open mark
        without an interval. A hidden mean is a gap. ``rows`` holds `COLUMNS`.

    Raises
    ------
    OptionError
        If there are more cohorts than can be told apart, or no part ``"visits"``.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=20260930, n_patients=300)
    >>> data = kat.select_cohort(registry).analysis_set("PHQ-9", treatment="program_booked")
    >>> adjusted_means(kat.mmrm(data)).title
    'PHQ-9 over time by a repeated-measures model, by program booked'
    """
    groups = shown_groups(result, (ADJUSTED_TERM,), each_group=True)
    series_styles(len(groups))
    points = visit_means(result, groups)
    start = baseline_mean(result)
    means = [point.mean for point in points]
    drawn = [number for mean in means for number in (mean.estimate, mean.conf_low, mean.conf_high)]
    scale = score_scale(result, [*drawn, *([] if start is None else [start.mean.estimate])], instrument)
    plan = TrajectoryPlan(
        title=f"{scale.instrument} over time by a repeated-measures model{by_words(groups)}",
        subtitle=f"Adjusted mean score with {interval_name(mean.conf_level for mean in means)}. {scale.sentence()}",
        notes=_notes(result, points, start),
        scale=scale,
        groups=groups,
        points=points,
        start=start,
    )
    by = grouping_variable(groups)
    return Figure(
        name=figure_name("adjusted_means", result.estimand.endpoint.instrument, by and f"by_{by}"),
        title=plan.title,
        alt_text=_alt_text(plan),
        columns=COLUMNS,
        rows=_rows(plan),
        drawing=partial(draw_trajectory, plan),
    )


def visit_means(result: ResultRecord, groups: tuple[str, ...]) -> tuple[VisitMean, ...]:
    """Return the adjusted mean of each cohort at each visit after baseline, hidden ones too."""
    part = result.part("visits")
    minimum_cell = minimum_cell_of(result)
    return tuple(
        VisitMean(group, str(visit), int(target_day or 0), mean, format_n_patients(mean, minimum_cell))
        for group in groups
        for visit, target_day in zip(part.column("visit"), part.column("target_day"), strict=True)
        for mean in result.select(term=ADJUSTED_TERM, measure="adjusted mean", visit=str(visit), subgroup=group)
    )


def baseline_mean(result: ResultRecord) -> VisitMean | None:
    """Return the observed mean at baseline; None where the model does not use it or it is hidden."""
    for mean in result.select(term=BASELINE_TERM, measure="mean"):
        if not mean.suppressed:
            return VisitMean("", mean.visit, 0, mean, format_n_patients(mean, minimum_cell_of(result)))
    return None


def _rows(plan: TrajectoryPlan) -> tuple[tuple[Cell, ...], ...]:
    kinds = [(OBSERVED, plan.start)] if plan.start is not None else []
    kinds += [(ADJUSTED, point) for point in plan.points]
    return tuple((*cells[:3], kind, *cells[3:]) for kind, point in kinds for cells in [point.cells()])


def _notes(result: ResultRecord, points: tuple[VisitMean, ...], start: VisitMean | None) -> tuple[str, ...]:
    notes = [_WHAT_THE_MEANS_ARE]
    if start is not None:
        notes.append("Baseline: the observed mean of all patients in the model, which it takes as known.")
    if any(point.mean.suppressed for point in points):
        notes.append("A gap is a mean that is not shown.")
    elif any(point.mean.estimate != point.mean.estimate for point in points):
        notes.append("A gap is a mean that cannot be estimated from these data.")
    return (*notes, *general_notes(result, [point.n_text for point in points]))


def _alt_text(plan: TrajectoryPlan) -> str:
    """Return every mean with its interval and number of patients as sentences."""
    direction = f" {plan.scale.better.capitalize()} is better." if plan.scale.better else ""
    sentences = [f"{plan.title}, as a line chart. {plan.subtitle}{direction}"]
    if plan.start is not None:
        observed = format_estimate(plan.start.mean)
        sentences.append(f"Observed at baseline: {observed}, {n_words(plan.start.n_text)}.")
    for group in plan.groups:
        values = [
            f"{point.visit} {format_with_interval(point.mean)}, {n_words(point.n_text)}" for point in plan.of(group)
        ]
        sentences.append(f"{capitalized(group_label(group))}: {'; '.join(values)}.")
    return " ".join((*sentences, *plan.notes))
