"""Each patient's way from baseline to a visit, and the mean change beside it on an axis of its own."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.figures.drawing.paired_change_drawing import ChangePanel, ChangePlan, draw_change
from katoutcomes.figures.drawing.pairs import binned_pairs, chosen_visit, individual_pairs, not_drawn_note
from katoutcomes.figures.drawing.scale import score_scale
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
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.formatting import (
    format_count,
    format_estimate,
    format_n_patients,
    format_number,
    format_with_interval,
    minimum_cell_of,
)

if TYPE_CHECKING:
    from katoutcomes.figures.drawing.pairs import PairCell
    from katoutcomes.instruments.instrument import Instrument
    from katoutcomes.results.part import Cell
    from katoutcomes.results.result import ResultRecord

COLUMNS: tuple[str, ...] = (
    "group",
    "visit",
    "kind",
    "baseline_low",
    "baseline_high",
    "follow_up_low",
    "follow_up_high",
    "estimate",
    "conf_low",
    "conf_high",
    "conf_level",
    "n_patients",
)
CHANGE_TERM = "change"
MOST_LINES = 60
"""Up to this many patients each is a line of its own; more of them hide each other, and bins say more."""


def paired_change(
    result: ResultRecord,
    visit: str | None = None,
    *,
    each_group: bool = False,
    instrument: Instrument | None = None,
) -> Figure:
    """Draw baseline and follow-up of the same patients, and their mean change with its interval.

    Parameters
    ----------
    result : ResultRecord
        A result of `change_from_baseline`, released or not.
    visit : str, optional
        Which visit; the last one by default.
    each_group : bool, default False
        Whether every cohort has a panel of its own, where the result has cohorts, or all patients one together.
    instrument : Instrument, optional
        For an instrument that the catalog does not hold.

    Returns
    -------
    Figure
        An estimation plot, one panel a cohort. Left, one thin line a patient, where the result holds individual
        values and there are at most `MOST_LINES` patients; otherwise lines between the middles of the bins of
        ``"score_pair_counts"``, as wide as they hold patients. Right, the mean change on an
        axis whose zero is the baseline mean of the same patients. ``rows`` holds `COLUMNS`: what is drawn.

    Raises
    ------
    OptionError
        If the result has no such visit or not the parts ``"visits"`` and ``"score_pair_counts"``.

    References
    ----------
    Gardner MJ, Altman DG. Confidence intervals rather than P values. BMJ 1986;292:746-750.
    doi:10.1136/bmj.292.6522.746
    Ho J, et al. Moving beyond P values: data analysis with estimation graphics. Nat Methods 2019;16:565-566.
    doi:10.1038/s41592-019-0470-3
    """
    chosen = chosen_visit(result, visit)
    groups = shown_groups(result, (CHANGE_TERM,), each_group=each_group)
    individual = tuple(individual_pairs(result, chosen, group) for group in groups)
    are_patients = all(
        pairs is not None and sum(cell.n_patients for cell in pairs) <= MOST_LINES for pairs in individual
    )
    panels = tuple(
        _panel(result, chosen, group, pairs if are_patients else None)
        for group, pairs in zip(groups, individual, strict=True)
    )
    drawn = [end for panel in panels for cell in panel.cells for end in cell.bins()]
    scale = score_scale(result, drawn, instrument)
    title = f"{scale.instrument} from baseline to {chosen}{by_words(groups)}"
    found = (change.subgroup for change in result.select(term=CHANGE_TERM))
    withheld = withheld_groups_note(found, groups) if each_group else ()
    plan = ChangePlan(title, _subtitle(panels), (*withheld, *_notes(result, panels)), scale, chosen, panels)
    by = grouping_variable(groups)
    return Figure(
        name=figure_name("paired_change", result.estimand.endpoint.instrument, chosen, by and f"by_{by}"),
        title=title,
        alt_text=_alt_text(plan),
        columns=COLUMNS,
        rows=tuple(row for panel in panels for row in _rows(chosen, panel)),
        drawing=partial(draw_change, plan),
    )


def _panel(result: ResultRecord, visit: str, group: str, pairs: tuple[PairCell, ...] | None) -> ChangePanel:
    """Gather what one cohort's panel shows: the patients if they are given, otherwise the bins."""
    fields = {"visit": visit, "subgroup": group}
    change = _one(result, term=CHANGE_TERM, measure="mean change", **fields)
    return ChangePanel(
        group=group,
        cells=binned_pairs(result, visit, group) if pairs is None else pairs,
        are_patients=pairs is not None,
        baseline=_one(result, term="baseline, completers", measure="mean", **fields),
        follow_up=_one(result, term="follow-up", measure="mean", **fields),
        change=change,
        n_text=format_n_patients(change, minimum_cell_of(result)),
    )


def _one(result: ResultRecord, **fields: str) -> Estimate:
    """Return the estimate with these fields, or an empty one where the result has none."""
    return next(iter(result.select(**fields)), Estimate(term=fields["term"], measure=fields["measure"], unit="points"))


def _rows(visit: str, panel: ChangePanel) -> list[tuple[Cell, ...]]:
    """Return what a panel shows: its lines, then its means."""
    label = group_label(panel.group)
    kind = "patients" if panel.are_patients else "bins"
    rows: list[tuple[Cell, ...]] = [
        (label, visit, kind, *cell.bins(), None, None, None, None, cell.n_patients) for cell in panel.cells
    ]
    for mean, name in (
        (panel.baseline, "baseline mean"),
        (panel.follow_up, "follow-up mean"),
        (panel.change, "mean change"),
    ):
        numbers = (mean.estimate, mean.conf_low, mean.conf_high, mean.conf_level)
        limits = numbers if mean is panel.change else (mean.estimate, math.nan, math.nan, math.nan)
        known = (None if math.isnan(number) else number for number in limits)
        rows.append((label, visit, name, None, None, None, None, *known, panel.n_cell))
    return rows


def _subtitle(panels: tuple[ChangePanel, ...]) -> str:
    interval = interval_name(panel.change.conf_level for panel in panels)
    return f"Left: the same patients at both times, their means in black. Right: mean change with {interval}."


def _notes(result: ResultRecord, panels: tuple[ChangePanel, ...]) -> tuple[str, ...]:
    """Return what the lines are, and which of them are not drawn."""
    notes = []
    cells = [cell for panel in panels for cell in panel.cells]
    if cells and any(panel.are_patients for panel in panels):
        notes.append("A thin line is a patient, a wider one several with the same two scores.")
    elif cells:
        width = format_number(max(cell.baseline_high - cell.baseline_low + 1.0 for cell in cells), 0)
        most = format_count(max(cell.n_patients for cell in cells))
        notes.append(f"Lines join bins of {width} points; the wider, the more patients (the widest: {most}).")
    notes += not_drawn_note(result, ((panel.change.n_patients, panel.cells) for panel in panels))
    printed = [panel.n_text for panel in panels]
    return (*notes, *general_notes(result, printed))


def _alt_text(plan: ChangePlan) -> str:
    """Return the means, the change and the number of patients as sentences."""
    sentences = [f"{plan.title}, as an estimation plot. {plan.subtitle} {plan.scale.sentence()}"]
    if plan.scale.better:
        sentences.append(f"{plan.scale.better.capitalize()} is better.")
    for panel in plan.panels:
        means = (
            f"mean {format_estimate(panel.baseline)} at baseline and {format_estimate(panel.follow_up)} at follow-up"
        )
        change = format_with_interval(panel.change)
        label = capitalized(group_label(panel.group))
        sentences.append(f"{label}: {means}, mean change {change}, {n_words(panel.n_text)}. {_directions(panel)}")
    return " ".join(sentence.strip() for sentence in (*sentences, *plan.notes))


def _directions(panel: ChangePanel) -> str:
    """Return how many of the patients that are drawn fell and rose, where each has a line."""
    if not panel.are_patients or not panel.cells:
        return ""

    def count(cells: list[PairCell]) -> str:
        return format_count(sum(cell.n_patients for cell in cells))

    fell = count([cell for cell in panel.cells if cell.follow_up < cell.baseline])
    rose = count([cell for cell in panel.cells if cell.follow_up > cell.baseline])
    return f"The score fell in {fell} of them and rose in {rose}."
