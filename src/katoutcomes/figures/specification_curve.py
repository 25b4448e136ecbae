"""The specification curve: every answer with its interval, from smallest to largest, above the choices behind it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.figures.drawing.layout import MARGIN, Page, line_height, text_width, titled_page
from katoutcomes.figures.drawing.scale import nice_ticks
from katoutcomes.figures.drawing.style import AXIS_WIDTH, FAINT, INK, PAGE_WIDTH, QUIET_INK, RULE, SERIES, SMALL_SIZE
from katoutcomes.figures.drawing.wording import general_notes, interval_name
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.instruments.definition_words import definition_words
from katoutcomes.results.formatting import format_n_patients, format_number, format_with_interval, minimum_cell_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.part import Cell
    from katoutcomes.results.result import ResultRecord

COLUMNS: tuple[str, ...] = ("place", "specification", "estimate", "conf_low", "conf_high", "n_patients")
_PREFIX = "specification "
_CURVE_HEIGHT = 170.0
_TICK_WIDTH = 34.0
_MARK = 3.0


@dataclass(frozen=True, slots=True)
class Choice:
    """One alternative of one choice, such as a visit window.

    Attributes
    ----------
    axis, name : str
        Which choice; which alternative.
    used_by : frozenset of int
        Numbers of the specifications, from 1, that use it.
    """

    axis: str
    name: str
    used_by: frozenset[int]


@dataclass(frozen=True, slots=True)
class CurvePlan:
    """Everything that is drawn.

    Attributes
    ----------
    title, subtitle : str
        What stands above.
    notes : tuple of str
        Sentences below.
    answers : tuple of (int, Estimate)
        Number of the specification and its answer, from smallest to largest; hidden and unanswered ones are left out.
    choices : tuple of Choice
        Rows of the lower panel: only choices of which there are two alternatives or more.
    """

    title: str
    subtitle: str
    notes: tuple[str, ...]
    answers: tuple[tuple[int, Estimate], ...]
    choices: tuple[Choice, ...]


def specification_curve(result: ResultRecord) -> Figure:
    """Draw the answers of all specifications in order of size, and beneath each of them which choices it makes.

    Parameters
    ----------
    result : ResultRecord
        A result of `multiverse`, released or not.

    Returns
    -------
    Figure
        Above, every answer with its interval, from smallest to largest, the main specification as a filled square; a
        line marks 0 where it is in reach. Below, a dot for each choice that a specification makes. Answers that are
        hidden or do not exist are left out, which the figure says. ``rows`` holds `COLUMNS`.

    Raises
    ------
    OptionError
        If the result has no part ``"specifications"``.

    References
    ----------
    Simonsohn U, Simmons JP, Nelson LD. Nat Hum Behav 2020;4:1208-1214. doi:10.1038/s41562-020-0912-z.
    """
    named = [estimate for estimate in result.estimates if estimate.term.startswith(_PREFIX)]
    numbered = [(number, estimate) for number, estimate in enumerate(named, start=1)]
    drawn = [(number, estimate) for number, estimate in numbered if not math.isnan(estimate.estimate)]
    drawn.sort(key=lambda pair: (pair[1].estimate, pair[0]))
    unit = f" in {named[0].unit}" if named[0].unit else ""
    interval = interval_name(estimate.conf_level for estimate in named)
    plan = CurvePlan(
        title=result.title,
        subtitle=f"Answer of each specification{unit} with its {interval}, from smallest to largest.",
        notes=_notes(result, len(named) - len(drawn)),
        answers=tuple(drawn),
        choices=_choices(result),
    )
    return Figure(
        name=figure_name("specification_curve", result.estimand.endpoint.instrument),
        title=plan.title,
        alt_text=_alt_text(plan),
        columns=COLUMNS,
        rows=tuple(_cells(place, number, estimate, result) for place, (number, estimate) in enumerate(drawn, start=1)),
        drawing=partial(_draw, plan),
    )


def _cells(place: int, number: int, estimate: Estimate, result: ResultRecord) -> tuple[Cell, ...]:
    limits = (None if math.isnan(limit) else limit for limit in (estimate.conf_low, estimate.conf_high))
    return (place, number, estimate.estimate, *limits, format_n_patients(estimate, minimum_cell_of(result)))


def _choices(result: ResultRecord) -> tuple[Choice, ...]:
    part = result.part("specifications")
    column = part.column
    axes: dict[str, list[str]] = {
        "Baseline window": _spans(column("baseline_first_day"), column("baseline_last_day")),
        "Baseline score": [str(choice) for choice in column("baseline_choice")],
        "Visit window": _spans(column("first_day"), column("last_day")),
        "Visit score": [str(choice) for choice in column("visit_choice")],
        "Gap rule": [f"{days} days" for days in column("gap_days")],
        "Definition": [definition_words(str(name)) for name in column("definition_set")],
    }
    choices = []
    for axis, names in axes.items():
        alternatives = tuple(dict.fromkeys(names))
        for alternative in alternatives if len(alternatives) > 1 else ():
            used = frozenset(number for number, name in enumerate(names, start=1) if name == alternative)
            choices.append(Choice(axis, alternative, used))
    return tuple(choices)


def _spans(firsts: Sequence[Cell], lasts: Sequence[Cell]) -> list[str]:
    def day(cell: Cell) -> str:
        return format_number(float(cell or 0), 0)

    return [f"day {day(first)} to {day(last)}" for first, last in zip(firsts, lasts, strict=True)]


def _notes(result: ResultRecord, n_left_out: int) -> tuple[str, ...]:
    notes = ["Filled square: the main specification. All of them rest on much the same patients."]
    notes += [check.message for check in result.checks if check.name == "answer survives"]
    if n_left_out:
        notes.append("Specifications whose answer is hidden or does not exist are not drawn.")
    return (*notes, *general_notes(result))


def _alt_text(plan: CurvePlan) -> str:
    """Return the ends and the main specification as sentences; the table holds the rest."""
    sentences = [f"{plan.title}, as a specification curve. {plan.subtitle}"]
    if plan.answers:
        ends = {"Smallest": plan.answers[0], "Largest": plan.answers[-1]}
        main = next((pair for pair in plan.answers if pair[0] == 1), None)
        if main is not None:
            ends = {"Main specification": main, **ends}
        sentences += [f"{name}: {format_with_interval(estimate)}." for name, (_, estimate) in ends.items()]
    sentences += [f"{choice.axis}: {choice.name}." for choice in plan.choices]
    return " ".join((*sentences, *plan.notes))


# --- the drawing -----------------------------------------------------------------------------------------------------


def _draw(plan: CurvePlan) -> MatplotlibFigure:
    n_axes = len({choice.axis for choice in plan.choices})
    panel = (len(plan.choices) + n_axes) * line_height(SMALL_SIZE)
    page, top = titled_page(plan.title, plan.subtitle, _CURVE_HEIGHT + 3.0 * MARGIN + panel, plan.notes)
    labels = [choice.name for choice in plan.choices]
    left = MARGIN + max([_TICK_WIDTH, *(text_width(label, SMALL_SIZE) + 2.0 * MARGIN for label in labels)])
    places = _places(len(plan.answers), left)
    _draw_curve(page, top, left, places, plan)
    _draw_choices(page, top + _CURVE_HEIGHT + 3.0 * MARGIN, places, plan)
    return page.figure


def _places(n_answers: int, left: float) -> list[float]:
    width = PAGE_WIDTH - MARGIN - left
    return [left + width * (place + 0.5) / n_answers for place in range(n_answers)]


def _draw_curve(page: Page, top: float, left: float, places: Sequence[float], plan: CurvePlan) -> None:
    values = [value for _, one in plan.answers for value in (one.estimate, one.conf_low, one.conf_high)]
    known = [value for value in values if not math.isnan(value)]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    if 0.0 < low <= high - low or 0.0 > high >= low - high:  # 0 is in reach: show on which side of it the answers lie
        low, high = min(low, 0.0), max(high, 0.0)
    room = (high - low) * 0.05 or 1.0
    low, high = low - room, high + room

    def y(value: float) -> float:
        return top + _CURVE_HEIGHT * (high - value) / (high - low)

    for tick in nice_ticks(low, high):
        is_zero = tick == 0.0
        page.line((left, PAGE_WIDTH - MARGIN), (y(tick), y(tick)), color=RULE if is_zero else FAINT)
        text = format_number(tick, 1, trailing_zeros=False)
        page.text(left - MARGIN, y(tick) - line_height(SMALL_SIZE) / 2.0, text, fontsize=SMALL_SIZE, ha="right")
    for x, (number, estimate) in zip(places, plan.answers, strict=True):
        is_main = number == 1
        color = SERIES[1].color if is_main else SERIES[0].color
        if not math.isnan(estimate.conf_low):
            page.line((x, x), (y(estimate.conf_low), y(estimate.conf_high)), color=color, linewidth=AXIS_WIDTH)
        page.line(
            (x,),
            (y(estimate.estimate),),
            color=color,
            marker="s" if is_main else "o",
            markersize=2 * _MARK * (1 + is_main) / 2,
        )


def _draw_choices(page: Page, top: float, places: Sequence[float], plan: CurvePlan) -> None:
    step = line_height(SMALL_SIZE)
    axis = ""
    for choice in plan.choices:
        if choice.axis != axis:
            axis = choice.axis
            page.text(MARGIN, top, axis, fontsize=SMALL_SIZE, fontweight="bold", color=INK)
            top += step
        page.text(2.0 * MARGIN, top, choice.name, fontsize=SMALL_SIZE, color=QUIET_INK)
        used = [x for x, (number, _) in zip(places, plan.answers, strict=True) if number in choice.used_by]
        if used:
            middle = (top + step / 2.0,) * len(used)
            page.line(tuple(used), middle, color=INK, linestyle="none", marker="|", markersize=2 * _MARK)
        top += step
