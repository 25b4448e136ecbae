"""Mean scores over time, with their intervals and with the number of patients behind each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.figures.drawing.pairs import anchored_later
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
    withheld_groups_note,
)
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.results.formatting import format_n_patients, format_with_interval, minimum_cell_of

if TYPE_CHECKING:
    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.results.result import ResultRecord

COLUMNS: tuple[str, ...] = (
    "group",
    "visit",
    "target_day",
    "mean",
    "conf_low",
    "conf_high",
    "conf_level",
    "n_patients",
)
BASELINE_VISIT = "baseline"
BASELINE_TERM = "baseline, all with baseline"
FOLLOW_UP_TERM = "follow-up"


def trajectory(result: ResultRecord, *, each_group: bool = True, instrument: Instrument | None = None) -> Figure:
    """Draw the mean score at baseline and at each visit.

    Parameters
    ----------
    result : ResultRecord
        A result of `change_from_baseline`, released or not.
    each_group : bool, default True
        Whether every cohort has a line of its own, where the result has cohorts, or all patients one together.
    instrument : Instrument, optional
        For an instrument that the catalog does not hold: its range becomes the axis, its direction is named.

    Returns
    -------
    Figure
        Means with confidence intervals against the target day, one line a cohort, and below them the number of
        patients behind each mean. A hidden mean is a gap. Visits whose days count from a later dose have no place on
        the axis and are left out, which the figure says. ``rows`` holds `COLUMNS`.

    Raises
    ------
    OptionError
        If there are more cohorts than can be told apart, or no part ``"visits"``.

    Notes
    -----
    At baseline the mean is that of all who have a baseline score, at a visit that of those who also have a score
    there. The patients are not the same ones, which the figure says; their change is in `paired_change`.
    """
    groups = shown_groups(result, (FOLLOW_UP_TERM, BASELINE_TERM), each_group=each_group)
    series_styles(len(groups))
    found = (mean.subgroup for mean in result.select(term=FOLLOW_UP_TERM))
    withheld = withheld_groups_note(found, groups) if each_group else ()
    points = visit_means(result, groups)
    means = [point.mean for point in points]
    drawn = [number for mean in means for number in (mean.estimate, mean.conf_low, mean.conf_high)]
    scale = score_scale(result, drawn, instrument)
    plan = TrajectoryPlan(
        title=f"{scale.instrument} over time{by_words(groups)}",
        subtitle=f"Mean score with {interval_name(mean.conf_level for mean in means)}. {scale.sentence()}",
        notes=(*withheld, *_notes(result, points)),
        scale=scale,
        groups=groups,
        points=points,
    )
    by = grouping_variable(groups)
    return Figure(
        name=figure_name("trajectory", result.estimand.endpoint.instrument, by and f"by_{by}"),
        title=plan.title,
        alt_text=_alt_text(plan),
        columns=COLUMNS,
        rows=tuple(point.cells() for point in points),
        drawing=partial(draw_trajectory, plan),
    )


def visit_means(result: ResultRecord, groups: tuple[str, ...]) -> tuple[VisitMean, ...]:
    """Return the mean of each cohort at baseline and at each visit that counts from the first dose, hidden ones too."""
    part = result.part("visits")
    minimum_cell = minimum_cell_of(result)
    left_out = anchored_later(result)
    points = []
    for group in groups:
        for visit, target_day in zip(part.column("visit"), part.column("target_day"), strict=True):
            if str(visit) in left_out:
                continue
            term = BASELINE_TERM if visit == BASELINE_VISIT else FOLLOW_UP_TERM
            for mean in result.select(term=term, measure="mean", visit=str(visit), subgroup=group):
                n_text = format_n_patients(mean, minimum_cell)
                points.append(VisitMean(group, str(visit), int(target_day or 0), mean, n_text))
    return tuple(points)


def _notes(result: ResultRecord, points: tuple[VisitMean, ...]) -> tuple[str, ...]:
    notes = ["Baseline: all with a baseline score. Visits: those of them with a score there, so not the same patients."]
    left_out = anchored_later(result)
    if left_out:
        notes.append(f"Not drawn, because their days count from a later dose: {', '.join(left_out)}.")
    if any(point.mean.suppressed for point in points):
        notes.append("A gap is a mean that is not shown.")
    return (*notes, *general_notes(result, [point.n_text for point in points]))


def _alt_text(plan: TrajectoryPlan) -> str:
    """Return every mean with its interval and number of patients as sentences."""
    direction = f" {plan.scale.better.capitalize()} is better." if plan.scale.better else ""
    sentences = [f"{plan.title}, as a line chart. {plan.subtitle}{direction}"]
    for group in plan.groups:
        values = [
            f"{point.visit} {format_with_interval(point.mean)}, {n_words(point.n_text)}" for point in plan.of(group)
        ]
        sentences.append(f"{capitalized(group_label(group))}: {'; '.join(values)}.")
    return " ".join((*sentences, *plan.notes))
