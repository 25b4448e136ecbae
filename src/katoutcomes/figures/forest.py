"""The mean change of all patients and of each subgroup at one visit, with the differences between subgroups."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError
from katoutcomes.figures.drawing.forest_drawing import ForestPlan, ForestRow, draw_forest
from katoutcomes.figures.drawing.pairs import chosen_visit
from katoutcomes.figures.drawing.wording import (
    by_words,
    capitalized,
    general_notes,
    group_label,
    grouping_variable,
    interval_name,
    n_words,
)
from katoutcomes.figures.figure import Figure, figure_name
from katoutcomes.results.formatting import (
    DOES_NOT_APPLY,
    HIDDEN,
    format_n_patients,
    format_p,
    format_with_interval,
    minimum_cell_of,
)

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

COLUMNS: tuple[str, ...] = (
    "group",
    "visit",
    "estimate",
    "conf_low",
    "conf_high",
    "conf_level",
    "n_patients",
    "difference",
    "p_adjusted",
)


def forest(result: ResultRecord, visit: str | None = None) -> Figure:
    """Draw the mean change of all patients and of each group at one visit.

    Parameters
    ----------
    result : ResultRecord
        A result of `change_from_baseline`, released or not; made with ``by=`` it also holds the differences.
    visit : str, optional
        Which visit; the last one by default.

    Returns
    -------
    Figure
        One line a group: mean change with its interval, the number of patients, and, where the groups are subgroups,
        the difference from the first of them with its interval and adjusted p, never a p for each. A hidden mean has
        no mark. ``rows`` holds `COLUMNS`.

    Raises
    ------
    OptionError
        If the result has no such visit.

    Examples
    --------
    >>> import katoutcomes as kat
    >>> registry = kat.simulate_registry(seed=20260930, n_patients=300)
    >>> data = kat.select_cohort(registry).analysis_set("PHQ-9", covariates=("sex",))
    >>> forest(kat.change_from_baseline(data, by="sex"), "week 12").title
    'Change of the PHQ-9 from baseline to week 12, by sex'
    """
    chosen = chosen_visit(result, visit)
    changes = result.select(term="change", measure="mean change", visit=chosen)
    if not changes:
        raise OptionError(f"{result.analysis} has no mean change at {chosen!r}.")
    rows = tuple(_row(result, change) for change in changes)
    groups = tuple(row.group for row in rows)
    title = f"Change of the {result.estimand.endpoint.instrument} from baseline to {chosen}{by_words(groups)}"
    plan = ForestPlan(
        title=title,
        subtitle=f"Mean change in points with {interval_name(change.conf_level for change in changes)}.",
        notes=_notes(result, rows),
        rows=rows,
    )
    by = grouping_variable(groups)
    return Figure(
        name=figure_name("forest", result.estimand.endpoint.instrument, chosen, by and f"by_{by}"),
        title=title,
        alt_text=_alt_text(plan),
        columns=COLUMNS,
        rows=tuple(_cells(row, chosen) for row in rows),
        drawing=partial(draw_forest, plan),
    )


def _row(result: ResultRecord, change: Estimate) -> ForestRow:
    level = change.subgroup.split(": ", 1)[-1]
    contrast = {"term": "change", "visit": change.visit, "treatment": level}
    found = result.select(measure="difference in means", **contrast) if change.subgroup else ()
    adjusted = result.select(measure="adjusted p-value", **contrast) if found else ()
    return ForestRow(
        group=change.subgroup,
        change=change,
        n_text=format_n_patients(change, minimum_cell_of(result)),
        difference=format_with_interval(found[0]) if found else DOES_NOT_APPLY,
        p_value=_p_text(found, adjusted),
    )


def _p_text(found: tuple[Estimate, ...], adjusted: tuple[Estimate, ...]) -> str:
    """Return the adjusted p, or the p itself where the difference is the only one."""
    if not found:
        return DOES_NOT_APPLY
    one = adjusted[0] if adjusted else found[0]
    return HIDDEN if one.suppressed or found[0].suppressed else format_p(one.p_value)


def _cells(row: ForestRow, visit: str) -> tuple[str | float | None, ...]:
    change = row.change
    numbers = (change.estimate, change.conf_low, change.conf_high, change.conf_level)
    known = tuple(None if math.isnan(number) else number for number in numbers)
    return (group_label(row.group), visit, *known, row.n_text, row.difference, row.p_value)


def _notes(result: ResultRecord, rows: tuple[ForestRow, ...]) -> tuple[str, ...]:
    notes = ["Below 0 the score fell. These are changes, not effects: nobody went without the treatment."]
    first = next((one.comparator for one in result.select(measure="difference in means")), "")
    if first:
        notes.append(
            f"Difference: mean change of the group minus that of {group_label(first)}; p is adjusted for all "
            "differences at all visits."
        )
    if any(row.change.suppressed for row in rows):
        notes.append("A line without a mark is a mean that is not shown.")
    return (*notes, *general_notes(result, [row.n_text for row in rows]))


def _alt_text(plan: ForestPlan) -> str:
    """Return every mean, and every difference, as sentences."""
    sentences = [f"{plan.title}, as a forest plot. {plan.subtitle}"]
    for row in plan.rows:
        text = f"{capitalized(group_label(row.group))}: {format_with_interval(row.change)}, {n_words(row.n_text)}"
        if row.difference != DOES_NOT_APPLY:
            text += f"; difference {row.difference}, p {row.p_value}"
        sentences.append(f"{text}.")
    return " ".join((*sentences, *plan.notes))
