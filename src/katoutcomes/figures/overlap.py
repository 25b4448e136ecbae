"""The overlap of the arms: how likely each arm's patients were to be in the one that is looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError
from katoutcomes.figures.drawing.layout import MARGIN, line_height, text_width, titled_page
from katoutcomes.figures.drawing.scale import nice_ticks
from katoutcomes.figures.drawing.style import (
    FAINT,
    INK,
    PAGE_WIDTH,
    PAPER,
    QUIET_INK,
    SMALL_SIZE,
    TEXT_SIZE,
    series_styles,
)
from katoutcomes.figures.drawing.wording import general_notes, group_label
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.results.formatting import format_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure

    from katoutcomes.results.result import ResultRecord

QUANTILES: tuple[str, ...] = ("5th percentile", "lower quartile", "median", "upper quartile", "95th percentile")
COLUMNS: tuple[str, ...] = ("arm", "percentile_5", "lower_quartile", "median", "upper_quartile", "percentile_95")
_ROW = 34.0
_LARGEST_LABEL = 170.0


@dataclass(frozen=True, slots=True)
class OverlapPlan:
    """Everything that is drawn: the quantiles of the propensity in each arm."""

    title: str
    subtitle: str
    notes: tuple[str, ...]
    arms: tuple[tuple[str, tuple[float, ...]], ...]


def overlap(result: ResultRecord, *, treatment: str | None = None) -> Figure:
    """Draw quantiles of the probability of an arm, given the covariates, among the patients of each arm.

    Parameters
    ----------
    result : ResultRecord
        A result of `compare_cohorts`, released or not.
    treatment : str, optional
        Whose probability, where there are several arms beside the comparator; by default the first.

    Returns
    -------
    Figure
        A row an arm: a line from the 5th to the 95th percentile, a box from quartile to quartile, a mark at the median.
        Quantiles, not single patients. ``rows`` holds `COLUMNS`.

    Raises
    ------
    OptionError
        If the result has no propensities, or no such arm, or all of them are hidden.
    """
    found: dict[str, dict[str, dict[str, float]]] = {}
    for estimate in result.select(measure="propensity quantile"):
        of, _, which = estimate.term.removeprefix("propensity of ").rpartition(": ")
        if not estimate.suppressed:
            found.setdefault(of, {}).setdefault(estimate.subgroup, {})[which] = estimate.estimate
    arm = next(iter(found), None) if treatment is None else treatment
    if arm is None or arm not in found:
        raise OptionError(f"there is no overlap to draw; arms that have one: {', '.join(map(repr, found)) or 'none'}.")
    plan = _plan(result, arm, found[arm])
    return Figure(
        name=figure_name("overlap", result.estimand.endpoint.instrument),
        title=plan.title,
        alt_text=_alt_text(plan),
        columns=COLUMNS,
        rows=tuple((label, *values) for label, values in plan.arms),
        drawing=partial(_draw, plan),
    )


def _plan(result: ResultRecord, arm: str, quantiles: Mapping[str, Mapping[str, float]]) -> OverlapPlan:
    words = arm.replace("_", " ")
    arms = tuple(
        (group_label(subgroup), tuple(values[name] for name in QUANTILES)) for subgroup, values in quantiles.items()
    )
    notes = [check.message for check in result.checks if check.name in {"overlap", "positivity"}]
    return OverlapPlan(
        title=f"Overlap of the arms: probability of {words}",
        subtitle=f"Probability of {words}, given the covariates, among {_whom(result)}: line from the 5th to "
        "the 95th percentile, box from quartile to quartile, mark at the median.",
        notes=(*notes, *general_notes(result)),
        arms=arms,
    )


def _whom(result: ResultRecord) -> str:
    if result.analysis in {"emulate_trial", "session_dose_response"}:
        return "the weeks of patients in care, or the followers of each strategy"
    return "the patients of each arm"


def _alt_text(plan: OverlapPlan) -> str:
    sentences = [f"{plan.title}. {plan.subtitle}"]
    for label, values in plan.arms:
        named = ", ".join(f"{name} {format_number(value, 2)}" for name, value in zip(QUANTILES, values, strict=True))
        sentences.append(f"{label}: {named}.")
    return " ".join((*sentences, *plan.notes))


def _draw(plan: OverlapPlan) -> MatplotlibFigure:
    page, top = titled_page(
        plan.title, plan.subtitle, len(plan.arms) * _ROW + 2.0 * line_height(SMALL_SIZE), plan.notes
    )
    widest = max(text_width(label, TEXT_SIZE) for label, _ in plan.arms)
    left, bottom = 2.0 * MARGIN + min(widest, _LARGEST_LABEL), top + len(plan.arms) * _ROW

    def x(value: float) -> float:
        return left + (PAGE_WIDTH - 2.0 * MARGIN - left) * value

    for tick in nice_ticks(0.0, 1.0):
        page.line((x(tick), x(tick)), (top, bottom), color=FAINT)
        text = format_number(tick, 1, trailing_zeros=False)
        page.text(x(tick), bottom + 2.0, text, fontsize=SMALL_SIZE, color=QUIET_INK, ha="center")
    for number, ((label, values), style) in enumerate(zip(plan.arms, series_styles(len(plan.arms)), strict=True)):
        y = top + (number + 0.5) * _ROW
        page.text(left - MARGIN, y - line_height(TEXT_SIZE) / 2.0, label, color=INK, ha="right")
        low, lower, median, upper, high = values
        page.line((x(low), x(high)), (y, y), color=style.color)
        page.line((x(lower), x(upper)), (y, y), color=style.color, linewidth=9.0, solid_capstyle="butt")
        page.line((x(median),), (y,), color=PAPER, marker=style.marker, markersize=6.0, markeredgecolor=style.color)
    return page.figure
