"""Numbers of weeks with integration side by side: the differences of all pairs of arms, and the trend."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.figures.comparisons import COLUMNS, Answer, ComparisonsPlan, answers_alt_text, draw_answers
from katoutcomes.figures.drawing.scale import score_scale
from katoutcomes.figures.drawing.wording import capitalized, general_notes, interval_name
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.results.formatting import format_estimate, format_n_patients, minimum_cell_of

if TYPE_CHECKING:
    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.results.result import ResultRecord

_HEADINGS = {"emulated arms": "Differences of the arms", "trend over the arms": "Trend"}
_EXPECTED = "precision: smallest difference to be expected, before outcomes are seen"


def dose_response(result: ResultRecord, *, instrument: Instrument | None = None) -> Figure:
    """Draw the differences of all pairs of arms and the trend, with their intervals.

    Parameters
    ----------
    result : ResultRecord
        A result of `session_dose_response`, released or not.
    instrument : Instrument, optional
        For an instrument that the catalog does not hold: its direction is named.

    Returns
    -------
    Figure
        A mark and an interval for each beside a line at 0. ``rows`` holds the columns of `comparisons`.
    """
    minimum_cell = minimum_cell_of(result)
    answers = tuple(
        Answer(_HEADINGS[stem], capitalized(rest), one, format_n_patients(one, minimum_cell))
        for one in result.estimates
        for stem, _, rest in [one.term.partition(": ")]
        if stem in _HEADINGS
    )
    scale = score_scale(result, [], instrument)
    interval = interval_name(one.estimate.conf_level for one in answers)
    plan = ComparisonsPlan(
        title=result.title,
        subtitle=f"More weeks with a session minus fewer, with {interval}.",
        axis_name=f"{scale.instrument} points" + (f"  ({scale.better} is better)" if scale.better else ""),
        notes=(*_notes(result, answers), *general_notes(result, [answer.n_text for answer in answers])),
        answers=answers,
    )
    return Figure(
        name=figure_name("dose_response", result.estimand.endpoint.instrument),
        title=plan.title,
        alt_text=answers_alt_text(plan),
        columns=COLUMNS,
        rows=tuple(answer.cells() for answer in answers),
        drawing=partial(draw_answers, plan),
    )


def _notes(result: ResultRecord, answers: tuple[Answer, ...]) -> tuple[str, ...]:
    notes = ["P-values are not adjusted for several differences; the table holds them after Holm as well."]
    notes += _power(result)
    if any(answer.estimate.suppressed for answer in answers):
        notes.append("Without a mark: not shown.")
    elif any(math.isnan(answer.estimate.estimate) for answer in answers):
        notes.append("Without a mark: not estimable from these data.")
    return tuple(notes)


def _power(result: ResultRecord) -> list[str]:
    """Return how small a difference was to be expected to be found, where it is known and shown."""
    expected = [
        format_estimate(one) for one in result.estimates if one.term == _EXPECTED and not math.isnan(one.estimate)
    ]
    if not expected:
        return []
    words = (
        "Smallest differences to be expected to be found in four of five studies, worked out before outcomes were seen"
    )
    return [f"{words}: {', '.join(expected)} points, in the order of the lines."]
