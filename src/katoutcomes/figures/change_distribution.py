"""How the changes are distributed: a raincloud, with the mean change and its interval on the same axis."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.figures.drawing.change_distribution_drawing import Cloud, CloudPlan, draw_clouds
from katoutcomes.figures.drawing.pairs import PairCell, binned_pairs, chosen_visit, individual_pairs, not_drawn_note
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
from katoutcomes.results.formatting import format_n_patients, format_with_interval, minimum_cell_of

if TYPE_CHECKING:
    from katoutcomes.results.part import Cell
    from katoutcomes.results.result import ResultRecord

COLUMNS: tuple[str, ...] = ("group", "visit", "kind", "change", "conf_low", "conf_high", "n_patients")


def change_distribution(result: ResultRecord, visit: str | None = None, *, each_group: bool = False) -> Figure:
    """Draw how many patients changed by how much at one visit, and their mean change.

    Parameters
    ----------
    result : ResultRecord
        A result of `change_from_baseline`, released or not.
    visit : str, optional
        Which visit; the last one by default.
    each_group : bool, default False
        Whether every group has a cloud of its own, or all patients one together.

    Returns
    -------
    Figure
        For each group bars as high as patients changed by so much, and below them the mean change with its interval.
        Where the result holds no individual values a bar is the distance between the middles of two bins of scores.
        ``rows`` holds `COLUMNS`.

    Raises
    ------
    OptionError
        If the result has no such visit.

    References
    ----------
    Allen M, et al. Raincloud plots: a multi-platform tool for robust data visualization. Wellcome Open Res 2021;4:63.
    doi:10.12688/wellcomeopenres.15191.2

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=20260930, n_patients=300)
    >>> data = kat.select_cohort(registry).analysis_set("PHQ-9")
    >>> change_distribution(kat.change_from_baseline(data), "week 12").title
    'Changes of the PHQ-9 from baseline to week 12'
    """
    chosen = chosen_visit(result, visit)
    groups = shown_groups(result, ("change",), each_group=each_group)
    individual = [individual_pairs(result, chosen, group) for group in groups]
    is_binned = any(pairs is None for pairs in individual)
    cells = [
        binned_pairs(result, chosen, group) if pairs is None else pairs
        for group, pairs in zip(groups, individual, strict=True)
    ]
    clouds = tuple(_cloud(result, chosen, group, shown) for group, shown in zip(groups, cells, strict=True))
    title = f"Changes of the {result.estimand.endpoint.instrument} from baseline to {chosen}{by_words(groups)}"
    panels = [(cloud.change.n_patients, shown) for cloud, shown in zip(clouds, cells, strict=True)]
    interval = interval_name(cloud.change.conf_level for cloud in clouds)
    plan = CloudPlan(
        title=title,
        subtitle=f"Bars: patients. Below them: mean change, {interval}.",
        notes=(
            *_notes(is_binned=is_binned),
            *(not_drawn_note(result, panels) if is_binned else ()),
            *_marks(result, clouds),
        ),
        clouds=clouds,
        width=_bar_width(cells),
    )
    by = grouping_variable(groups)
    return Figure(
        name=figure_name("change_distribution", result.estimand.endpoint.instrument, chosen, by and f"by_{by}"),
        title=title,
        alt_text=_alt_text(plan),
        columns=COLUMNS,
        rows=tuple(row for cloud in clouds for row in _rows(cloud, chosen)),
        drawing=partial(draw_clouds, plan),
    )


def _cloud(result: ResultRecord, visit: str, group: str, cells: tuple[PairCell, ...]) -> Cloud:
    (change,) = result.select(term="change", measure="mean change", visit=visit, subgroup=group)
    counts: dict[float, int] = {}
    for cell in cells:
        moved = round(cell.follow_up - cell.baseline, 9)
        counts[moved] = counts.get(moved, 0) + cell.n_patients
    return Cloud(group, tuple(sorted(counts.items())), change, format_n_patients(change, minimum_cell_of(result)))


def _bar_width(cells: list[tuple[PairCell, ...]]) -> float:
    """Return the width of a bin, or a point where the cells are scores."""
    widths = [cell.baseline_high - cell.baseline_low for shown in cells for cell in shown]
    return max(widths, default=0.0) + 1.0


def _rows(cloud: Cloud, visit: str) -> list[tuple[Cell, ...]]:
    label = group_label(cloud.group)
    rows: list[tuple[Cell, ...]] = [(label, visit, "patients", moved, None, None, n) for moved, n in cloud.counts]
    numbers = (cloud.change.estimate, cloud.change.conf_low, cloud.change.conf_high)
    known = tuple(None if math.isnan(number) else number for number in numbers)
    return [*rows, (label, visit, "mean change", *known, cloud.n_text)]


def _notes(*, is_binned: bool) -> tuple[str, ...]:
    notes = ["Below 0 the score fell."]
    if is_binned:
        notes.append("A bar stands at the distance between the middles of two bins of scores.")
    return tuple(notes)


def _marks(result: ResultRecord, clouds: tuple[Cloud, ...]) -> tuple[str, ...]:
    return general_notes(result, [cloud.n_text for cloud in clouds])


def _alt_text(plan: CloudPlan) -> str:
    sentences = [f"{plan.title}, as bars of the number of patients by change."]
    for cloud in plan.clouds:
        name = capitalized(group_label(cloud.group))
        sentences.append(f"{name}: mean {format_with_interval(cloud.change)}, {n_words(cloud.n_text)}.")
    return " ".join((*sentences, *plan.notes))
