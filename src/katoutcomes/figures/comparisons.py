"""Answers to further questions of a repeated-measures model, one under the other with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.figures.drawing.layout import MARGIN, Page, line_height, titled_page, wrap
from katoutcomes.figures.drawing.scale import nice_ticks, score_scale
from katoutcomes.figures.drawing.style import FAINT, LINE_WIDTH, PAGE_WIDTH, QUIET_INK, RULE, SERIES, marker_choices
from katoutcomes.figures.drawing.wording import capitalized, general_notes, interval_name, n_words
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.results.formatting import (
    format_n_patients,
    format_number,
    format_p,
    format_with_interval,
    minimum_cell_of,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.part import Cell
    from katoutcomes.results.result import ResultRecord

COLUMNS: tuple[str, ...] = (
    "question",
    "visit",
    "estimate",
    "conf_low",
    "conf_high",
    "conf_level",
    "p_value",
    "n_patients",
)
_LABEL_WIDTH = 160.0
_TEXT_WIDTH = 128.0
"""Room right of the intervals for the numbers."""
_P_WIDTH = 52.0
_INDENT = 10.0
_ROW_SPACE = 5.0


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer.

    Attributes
    ----------
    heading : str
        What stands above a run of answers of the same kind; ``""`` for a question that has its own name.
    label : str
        What the answer is called.
    estimate : Estimate
        With its limits, hidden or not.
    n_text : str
        The number of patients as it is printed.
    """

    heading: str
    label: str
    estimate: Estimate
    n_text: str

    def cells(self) -> tuple[Cell, ...]:
        """Return the row of the figure's table."""
        one = self.estimate
        numbers = (one.estimate, one.conf_low, one.conf_high, one.conf_level, one.p_value)
        known = (None if math.isnan(number) else number for number in numbers)
        count = self.n_text if one.n_patients is None else one.n_patients
        return (self.heading or self.label, one.visit, *known, count)


@dataclass(frozen=True, slots=True)
class ComparisonsPlan:
    """Everything that is drawn.

    Attributes
    ----------
    title, subtitle, axis_name : str
        What stands above the page and above the axis.
    notes : tuple of str
        Sentences below.
    answers : tuple of Answer
        From top to bottom.
    """

    title: str
    subtitle: str
    axis_name: str
    notes: tuple[str, ...]
    answers: tuple[Answer, ...]


def comparisons(result: ResultRecord, *, instrument: Instrument | None = None) -> Figure:
    """Draw every answer of a `contrast` with its interval, one under the other.

    Parameters
    ----------
    result : ResultRecord
        A result of `contrast`, released or not.
    instrument : Instrument, optional
        For an instrument that the catalog does not hold: its direction is named.

    Returns
    -------
    Figure
        A mark and an interval for each answer beside a line at 0, with the numbers and the p-value printed. Answers
        that are hidden or cannot be estimated have no mark. ``rows`` holds `COLUMNS`.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=20260930, n_patients=300)
    >>> data = kat.select_cohort(registry).analysis_set("PHQ-9", treatment="program_booked")
    >>> comparisons(kat.contrast(kat.mmrm(data))).title
    'Further comparisons: PHQ-9'
    """
    minimum_cell = minimum_cell_of(result)
    answers = tuple(_answer(one, format_n_patients(one, minimum_cell)) for one in result.estimates)
    interval = interval_name(one.conf_level for one in result.estimates)
    scale = score_scale(result, [], instrument)
    plan = ComparisonsPlan(
        title=result.title,
        subtitle=f"Estimate with its {interval}, as numbers to the right.",
        axis_name=f"{scale.instrument} points" + (f"  ({scale.better} is better)" if scale.better else ""),
        notes=_notes(result, answers),
        answers=answers,
    )
    return Figure(
        name=figure_name("comparisons", result.estimand.endpoint.instrument),
        title=plan.title,
        alt_text=answers_alt_text(plan),
        columns=COLUMNS,
        rows=tuple(answer.cells() for answer in answers),
        drawing=partial(draw_answers, plan),
    )


def _answer(estimate: Estimate, n_text: str) -> Answer:
    """Return an answer with its words: cohorts as a heading, the visit below it; or the name of the question."""
    if not estimate.comparator:
        return Answer("", capitalized(estimate.term), estimate, n_text)
    treated, comparator = (name.replace("_", " ") for name in (estimate.treatment, estimate.comparator))
    return Answer(f"{capitalized(treated)} minus {comparator}", estimate.visit or "mean of visits", estimate, n_text)


def _notes(result: ResultRecord, answers: tuple[Answer, ...]) -> tuple[str, ...]:
    notes = []
    if any(answer.heading for answer in answers):
        notes.append("A difference is the first-named group minus the second.")
    if any(answer.estimate.suppressed for answer in answers):
        notes.append("Without a mark: not shown.")
    elif any(math.isnan(answer.estimate.estimate) for answer in answers):
        notes.append("Without a mark: cannot be estimated from these data.")
    sentences = result.method.description.removesuffix(".").split(". ")
    notes += [f"{sentence}." for sentence in sentences if sentence.startswith("P-values") and len(answers) > 1]
    return (*notes, *general_notes(result, [answer.n_text for answer in answers]))


def answers_alt_text(plan: ComparisonsPlan) -> str:
    """Return every answer with its interval, p-value and number of patients as sentences."""
    sentences = [f"{plan.title}, as a list of intervals. {plan.subtitle}"]
    for answer in plan.answers:
        name = f"{answer.heading}, {answer.label}" if answer.heading else answer.label
        parts = [format_with_interval(answer.estimate), _p_text(answer.estimate), n_words(answer.n_text)]
        sentences.append(f"{name}: {', '.join(part for part in parts if part)}.")
    return " ".join((*sentences, *plan.notes))


def _p_text(estimate: Estimate) -> str:
    return "" if math.isnan(estimate.p_value) else format_p(estimate.p_value, named=True)


# --- the drawing -----------------------------------------------------------------------------------------------------


def draw_answers(plan: ComparisonsPlan) -> MatplotlibFigure:
    """Return the page: a mark and an interval for each answer, one under the other."""
    rows = _rows(plan.answers)
    axis_height = 2.0 * line_height() + MARGIN
    body_height = rows[-1].bottom if rows else 0.0
    page, top = titled_page(plan.title, plan.subtitle, axis_height + body_height, plan.notes)
    left, right = MARGIN + _LABEL_WIDTH + MARGIN, PAGE_WIDTH - MARGIN - _TEXT_WIDTH - _P_WIDTH
    low, high = _ends(plan.answers)

    def x(value: float) -> float:
        return left + (right - left) * (value - low) / (high - low)

    ticks = nice_ticks(low, high)
    page.text(left, top, plan.axis_name, color=QUIET_INK)
    for tick in ticks:
        text = format_number(tick, 1, trailing_zeros=False)
        page.text(x(tick), top + line_height(), text, ha="center", color=QUIET_INK)
    body = top + axis_height
    for answer, row in zip(plan.answers, rows, strict=True):
        for tick in ticks:  # row by row, so that no line goes through a heading
            page.line((x(tick),) * 2, (body + row.top, body + row.bottom), color=FAINT if tick else RULE)
        page.lines(MARGIN, body + row.top - len(row.heading) * line_height(), row.heading, fontweight="bold")
        page.lines(MARGIN + (_INDENT if answer.heading else 0.0), body + row.top, row.label)
        _draw_answer(page, answer.estimate, body + row.top, [x(value) for value in _drawn(answer.estimate)])
    return page.figure


@dataclass(frozen=True, slots=True)
class _Row:
    """Where an answer stands below the axis, in points, and its words in lines.

    Attributes
    ----------
    heading : tuple of str
        Lines above it; none where the answer above has the same heading.
    label : tuple of str
        Lines beside it.
    top, bottom : float
        Of the label.
    """

    heading: tuple[str, ...]
    label: tuple[str, ...]
    top: float
    bottom: float


def _rows(answers: Sequence[Answer]) -> list[_Row]:
    rows: list[_Row] = []
    height, above = 0.0, ""
    for answer in answers:
        is_new = answer.heading not in {"", above}
        heading = wrap(answer.heading, PAGE_WIDTH - 3.0 * MARGIN, weight="bold") if is_new else ()
        label = wrap(answer.label, _LABEL_WIDTH - _INDENT)
        top = height + len(heading) * line_height()
        height = top + len(label) * line_height() + _ROW_SPACE
        above = answer.heading
        rows.append(_Row(heading, label, top, height))
    return rows


def _drawn(estimate: Estimate) -> tuple[float, ...]:
    """Return the estimate and its limits, as far as they are known."""
    return tuple(value for value in (estimate.estimate, estimate.conf_low, estimate.conf_high) if not math.isnan(value))


def _ends(answers: Sequence[Answer]) -> tuple[float, float]:
    """Return the ends of the axis: all that is drawn, and 0."""
    values = [0.0, *(value for answer in answers for value in _drawn(answer.estimate))]
    room = 0.04 * (max(values) - min(values)) or 1.0
    return min(values) - room, max(values) + room


def _draw_answer(page: Page, estimate: Estimate, top: float, places: Sequence[float]) -> None:
    """Draw the mark and the interval of one answer, and print its numbers."""
    middle = top + line_height() / 2.0
    if len(places) > 1:
        page.line(tuple(places[1:]), (middle, middle), color=SERIES[0].color, linewidth=LINE_WIDTH)
    if places:
        page.line((places[0],), (middle,), linestyle="none", **marker_choices(SERIES[0]))
    page.text(PAGE_WIDTH - MARGIN - _P_WIDTH - MARGIN, top, format_with_interval(estimate), ha="right")
    page.text(PAGE_WIDTH - MARGIN, top, _p_text(estimate), ha="right", color=QUIET_INK)
