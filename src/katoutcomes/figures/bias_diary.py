"""The bias diary of an emulated trial: what other comparisons would have shown, one under the other."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.figures.comparisons import COLUMNS, Answer, ComparisonsPlan, draw_answers
from katoutcomes.figures.drawing.scale import score_scale
from katoutcomes.figures.drawing.wording import capitalized, general_notes, interval_name, n_words
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.results.formatting import format_n_patients, format_with_interval, minimum_cell_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from katoutcomes.figures.drawing.scale import ScoreScale
    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

_PREFIX = "bias diary: "


def bias_diary(result: ResultRecord, *, instrument: Instrument | None = None) -> Figure:
    """Draw the naive comparison, the landmark, the unweighted copies and the emulated trial with their intervals.

    Parameters
    ----------
    result : ResultRecord
        A result of `emulate_trial`, released or not.
    instrument : Instrument, optional
        For an instrument that the catalog does not hold: its direction is named.

    Returns
    -------
    Figure
        A mark and an interval for each line of the diary beside a line at 0, and below what is wrong with each. Where
        the records could not answer, the one line says so. ``rows`` holds the columns of the `comparisons` figure.
    """
    lines = [one for one in result.estimates if one.term.startswith(_PREFIX)]
    lines = lines or list(result.select(term="emulated trial"))
    minimum_cell = minimum_cell_of(result)
    answers = tuple(Answer("", _label(one), one, format_n_patients(one, minimum_cell)) for one in lines)
    scale = score_scale(result, [], instrument)
    treated, comparator = result.estimand.treatment, result.estimand.comparator
    interval = interval_name(one.conf_level for one in lines)
    plan = ComparisonsPlan(
        title=result.title,
        subtitle=f"{capitalized(treated)} minus {comparator}, with {interval}. The last line is the answer.",
        axis_name=_axis_name(lines, scale),
        notes=(*_notes(result, answers), *general_notes(result, [answer.n_text for answer in answers])),
        answers=answers,
    )
    return Figure(
        name=figure_name("bias_diary", result.estimand.endpoint.instrument),
        title=plan.title,
        alt_text=_alt_text(plan),
        columns=COLUMNS,
        rows=tuple(answer.cells() for answer in answers),
        drawing=partial(draw_answers, plan),
    )


def _axis_name(lines: Sequence[Estimate], scale: ScoreScale) -> str:
    if any(one.measure == "difference in proportions" for one in lines):
        return "difference of shares"
    if any(one.unit == "days" for one in lines):
        return "days in response  (more is better)"
    return f"{scale.instrument} points" + (f"  ({scale.better} is better)" if scale.better else "")


def _label(estimate: Estimate) -> str:
    order, _, words = estimate.term.removeprefix(_PREFIX).partition(", ")
    return f"{order}. {capitalized(words)}" if words else capitalized(estimate.term)


def _notes(result: ResultRecord, answers: tuple[Answer, ...]) -> tuple[str, ...]:
    notes = [f"{row[0]}. {row[2]}" for part in result.parts if part.name == "bias_diary" for row in part.rows]
    if any(answer.estimate.suppressed for answer in answers):
        notes.append("Without a mark: not shown.")
    elif any(math.isnan(answer.estimate.estimate) for answer in answers):
        notes.append("Without a mark: cannot be estimated from these data.")
    return tuple(notes)


def _alt_text(plan: ComparisonsPlan) -> str:
    """Return every line with its interval as sentences."""
    sentences = [f"{plan.title}, bias diary. {plan.subtitle}"]
    sentences += [
        f"{answer.label}: {format_with_interval(answer.estimate)}, {n_words(answer.n_text)}." for answer in plan.answers
    ]
    return " ".join((*sentences, *plan.notes))
