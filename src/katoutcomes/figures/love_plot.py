"""The Love plot: how far two arms differ in every covariate, before weighting and as analyzed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError
from katoutcomes.figures.drawing.layout import MARGIN, Page, line_height, text_width, titled_page
from katoutcomes.figures.drawing.scale import nice_ticks
from katoutcomes.figures.drawing.style import FAINT, INK, PAGE_WIDTH, PAPER, QUIET_INK, RULE, SERIES, SMALL_SIZE
from katoutcomes.figures.drawing.wording import general_notes
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.results.formatting import format_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

    from katoutcomes.results.result import ResultRecord

COLUMNS: tuple[str, ...] = ("covariate", "before_weighting", "as_analyzed")
LIMIT = 0.1
_BEFORE, _AFTER = "balance, before weighting", "balance, as analyzed"
_LARGEST_LABEL = 200.0


@dataclass(frozen=True, slots=True)
class LovePlan:
    """Everything that is drawn: a row a covariate with its two standardized mean differences, None where hidden."""

    title: str
    subtitle: str
    notes: tuple[str, ...]
    rows: tuple[tuple[str, float | None, float | None], ...]


def love_plot(result: ResultRecord, *, treatment: str | None = None, comparator: str | None = None) -> Figure:
    """Draw the standardized mean differences of a comparison of cohorts, the same numbers as in its table.

    Parameters
    ----------
    result : ResultRecord
        A result of `compare_cohorts`, released or not.
    treatment : str, optional
        Which arm against the comparator, where there are several; by default the first.
    comparator : str, optional
        Which comparator, where arms are compared in pairs; by default the first that the arm is compared with.

    Returns
    -------
    Figure
        A row a covariate: an open circle before weighting, a filled square as analyzed, joined; lines mark 0 and 0.1 on
        either side. ``rows`` holds `COLUMNS`.

    Raises
    ------
    OptionError
        If the result has no balance (it could not be estimated), or no such arm.

    References
    ----------
    Austin PC. Stat Med 2009;28:3083-3107. doi:10.1002/sim.3697.
    """
    shown = [
        estimate
        for estimate in result.select(measure="standardized mean difference")
        if estimate.term.startswith((_BEFORE, _AFTER))
    ]
    arms = list(dict.fromkeys(estimate.treatment for estimate in shown))
    if not arms or (treatment is not None and treatment not in arms):
        raise OptionError(f"there is no balance to draw; arms that have one: {', '.join(map(repr, arms)) or 'none'}.")
    arm = arms[0] if treatment is None else treatment
    others = list(dict.fromkeys(estimate.comparator for estimate in shown if estimate.treatment == arm))
    if comparator is not None and comparator not in others:
        raise OptionError(f"{arm!r} is compared with: {', '.join(map(repr, others))}.")
    against = others[0] if comparator is None else comparator
    values: dict[str, dict[str, float | None]] = {}
    for estimate in shown:
        if (estimate.treatment, estimate.comparator) == (arm, against):
            when, _, name = estimate.term.partition(": ")
            values.setdefault(name, {})[when] = None if estimate.suppressed else estimate.estimate
    rows = [(name, found.get(_BEFORE), found.get(_AFTER)) for name, found in values.items()]
    plan = LovePlan(
        title=f"Balance of the arms: {arm} against {against}".replace("_", " "),
        subtitle="Standardized mean difference of each covariate: open circle before weighting, filled square as "
        "analyzed. Lines mark 0 and 0.1 on either side.",
        notes=_notes(result, rows, len({(one.treatment, one.comparator) for one in shown})),
        rows=tuple((name.replace("_", " "), before, after) for name, before, after in rows),
    )
    return Figure(
        name=figure_name("love_plot", result.estimand.endpoint.instrument),
        title=plan.title,
        alt_text=_alt_text(plan),
        columns=COLUMNS,
        rows=plan.rows,
        drawing=partial(_draw, plan),
    )


def _notes(result: ResultRecord, rows: list[tuple[str, float | None, float | None]], n_pairs: int) -> tuple[str, ...]:
    notes = [f"One of {n_pairs} pairs of arms."] if n_pairs > 1 else []
    notes += ["Both are divided by the same standard deviation, that of the arms before weighting."]
    if any(value is None for _, *values in rows for value in values):
        notes.append("A difference that is not drawn is hidden, because few patients share a level.")
    return (*notes, *general_notes(result))


def _alt_text(plan: LovePlan) -> str:
    sentences = [f"{plan.title}, as a Love plot. {plan.subtitle}"]
    for name, before, after in plan.rows:
        sentences.append(f"{name}: {_text(before)} before weighting, {_text(after)} as analyzed.")
    return " ".join((*sentences, *plan.notes))


def _text(value: float | None) -> str:
    return "hidden" if value is None else format_number(value, 2)


def _draw(plan: LovePlan) -> MatplotlibFigure:
    step = line_height(SMALL_SIZE) * 1.35
    page, top = titled_page(plan.title, plan.subtitle, (len(plan.rows) + 2) * step, plan.notes)
    widest = max(text_width(name, SMALL_SIZE) for name, *_ in plan.rows)
    left = 2.0 * MARGIN + min(widest, _LARGEST_LABEL)
    known = [abs(value) for _, *values in plan.rows for value in values if value is not None and not math.isnan(value)]
    reach = max([2.0 * LIMIT, *known]) * 1.08
    bottom = top + len(plan.rows) * step

    def x(value: float) -> float:
        return left + (PAGE_WIDTH - MARGIN - left) * (value + reach) / (2.0 * reach)

    for tick in nice_ticks(-reach, reach):
        page.line((x(tick), x(tick)), (top, bottom), color=FAINT)
        text = format_number(tick, 1, trailing_zeros=False)
        page.text(x(tick), bottom + 2.0, text, fontsize=SMALL_SIZE, color=QUIET_INK, ha="center")
    for value in (-LIMIT, 0.0, LIMIT):
        page.line((x(value), x(value)), (top, bottom), color=RULE, linestyle="-" if value == 0.0 else (0.0, (3.0, 2.0)))
    for number, row in enumerate(plan.rows):
        _draw_row(page, row, (x, left, top + (number + 0.5) * step))
    return page.figure


_Place = tuple[Callable[[float], float], float, float]


def _draw_row(page: Page, row: tuple[str, float | None, float | None], place: _Place) -> None:
    x, left, y = place
    name, before, after = row
    page.text(
        left - MARGIN, y - line_height(SMALL_SIZE) / 2.0, _shortened(name), fontsize=SMALL_SIZE, color=INK, ha="right"
    )
    if before is not None and after is not None:
        page.line((x(before), x(after)), (y, y), color=RULE)
    if before is not None:
        page.line((x(before),), (y,), color=SERIES[1].color, marker="o", markersize=5.0, markerfacecolor=PAPER)
    if after is not None:
        page.line((x(after),), (y,), color=SERIES[0].color, marker="s", markersize=5.0)


def _shortened(name: str) -> str:
    while text_width(name, SMALL_SIZE) > _LARGEST_LABEL:
        name = name[:-2].rstrip("\u2026") + "\u2026"
    return name
