"""Change against baseline, with the line on which the changes would lie if nobody had truly changed."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.figures.drawing.change_by_baseline_drawing import ByBaselinePlan, draw_change_by_baseline
from katoutcomes.figures.drawing.pairs import (
    PairCell,
    binned_pairs,
    chosen_visit,
    individual_pairs,
    not_drawn_note,
)
from katoutcomes.figures.drawing.scale import score_scale
from katoutcomes.figures.drawing.wording import general_notes, n_words
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.results.formatting import (
    format_count,
    format_estimate,
    format_n_patients,
    format_number,
    format_with_interval,
    minimum_cell_of,
)

if TYPE_CHECKING:
    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.results.part import Cell
    from katoutcomes.results.result import ResultRecord

COLUMNS: tuple[str, ...] = ("kind", "visit", "baseline", "change", "n_patients", "reliability")
_LINES = " Broken lines: what regression to the mean alone would give, at two reliabilities of the score."
_RELIABILITY = "regression to the mean, reliability "


def change_by_baseline(
    result: ResultRecord, visit: str | None = None, *, instrument: Instrument | None = None
) -> Figure:
    """Draw the change of all patients at one visit against their baseline, with the regression-to-the-mean line.

    Parameters
    ----------
    result : ResultRecord
        A result of `change_from_baseline`, released or not; the lines need one made with ``selection=``.
    visit : str, optional
        Which visit; the last one by default.
    instrument : Instrument, optional
        For an instrument that the catalog does not hold.

    Returns
    -------
    Figure
        Circles as large as they hold patients: pairs of scores where the result holds individual values, bins
        otherwise. A score that changes by chance alone lies on average on a line through the referral mean with the
        slope −(1 − reliability); the lines for the lowest and the highest reliability bound the band. ``rows`` holds
        `COLUMNS`.

    Raises
    ------
    OptionError
        If the result has no such visit.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=20260930, n_patients=300)
    >>> data = kat.select_cohort(registry).analysis_set("PHQ-9")
    >>> result = kat.change_from_baseline(data, selection=kat.SelectionRule(referral_mean=14.0))
    >>> change_by_baseline(result, "week 12").title
    'Change of the PHQ-9 from baseline to week 12, by baseline'
    """
    chosen = chosen_visit(result, visit)
    individual = individual_pairs(result, chosen, "")
    cells = binned_pairs(result, chosen, "") if individual is None else individual
    (change,) = result.select(term="change", measure="mean change", visit=chosen, subgroup="")
    scale = score_scale(result, [end for cell in cells for end in cell.bins()], instrument)
    referral_mean, reliabilities = _referral_mean(result), _reliabilities(result, chosen)
    has_lines = bool(reliabilities) and not math.isnan(referral_mean)
    plan = ByBaselinePlan(
        title=f"Change of the {scale.instrument} from baseline to {chosen}, by baseline",
        subtitle="Circles: patients, the larger the more. Below 0 the score fell." + (_LINES if has_lines else ""),
        notes=_notes(result, cells, is_binned=individual is None, n_patients=change.n_patients),
        scale=scale,
        cells=cells,
        change=change,
        referral_mean=referral_mean,
        reliabilities=reliabilities,
    )
    return Figure(
        name=figure_name("change_by_baseline", result.estimand.endpoint.instrument, chosen),
        title=plan.title,
        alt_text=_alt_text(plan, format_n_patients(change, minimum_cell_of(result))),
        columns=COLUMNS,
        rows=_rows(plan, chosen),
        drawing=partial(draw_change_by_baseline, plan),
    )


def _referral_mean(result: ResultRecord) -> float:
    found = result.select(term="referral mean")
    return found[0].estimate if found else math.nan


def _reliabilities(result: ResultRecord, visit: str) -> tuple[float, ...]:
    """Return the lowest and the highest reliability that the result was made with."""
    terms = [one.term for one in result.select(measure="expected change", visit=visit, subgroup="")]
    found = sorted(float(term.removeprefix(_RELIABILITY)) for term in terms if term.startswith(_RELIABILITY))
    return tuple(dict.fromkeys((found[0], found[-1]))) if found else ()


def _rows(plan: ByBaselinePlan, visit: str) -> tuple[tuple[Cell, ...], ...]:
    rows: list[tuple[Cell, ...]] = [
        ("patients", visit, cell.baseline, cell.follow_up - cell.baseline, cell.n_patients, None) for cell in plan.cells
    ]
    if not math.isnan(plan.change.estimate):
        rows.append(("mean change", visit, None, plan.change.estimate, None, None))
    rows += [
        ("regression to the mean", visit, end, plan.expected(end, reliability), None, reliability)
        for reliability in plan.lines
        for end in (plan.scale.low, plan.scale.high)
    ]
    return tuple(rows)


def _notes(
    result: ResultRecord, cells: tuple[PairCell, ...], *, is_binned: bool, n_patients: int | None
) -> tuple[str, ...]:
    notes = [
        "Who began high could fall further than who began low, and who began low could not: part of any slope is that."
    ]
    if is_binned:
        notes.append("Circles stand in the middle of bins of scores.")
        notes += not_drawn_note(result, [(n_patients, cells)])
    if math.isnan(_referral_mean(result)):
        notes.append("No line for regression to the mean: how patients were chosen is not stated or not known.")
    return (*notes, *general_notes(result))


def _alt_text(plan: ByBaselinePlan, n_text: str) -> str:
    sentences = [f"{plan.title}, as a bubble chart of {format_count(len(plan.cells))} circles."]
    sentences.append(f"Mean change {format_with_interval(plan.change)}, {n_words(n_text)}.")
    if plan.lines:
        ends = [format_number(value, 2, trailing_zeros=False) for value in plan.lines]
        middle = format_number(plan.referral_mean, 1)
        sentences.append(
            f"By regression to the mean alone, changes would lie on lines through 0 at {middle} that fall "
            f"by one minus the reliability a point of baseline; drawn for {' and '.join(ends)}."
        )
    elif not math.isnan(plan.change.estimate):
        sentences.append(f"The line stands at the mean change, {format_estimate(plan.change)}.")
    return " ".join((*sentences, *plan.notes))
