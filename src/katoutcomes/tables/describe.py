"""The description of the patients as a table: for how many a value is known, what it is, how the groups differ."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import (
    DOES_NOT_APPLY,
    HIDDEN,
    format_count,
    format_estimate,
    format_mean_sd,
    format_n_patients,
    minimum_cell_of,
)
from katoutcomes.tables.footnotes import footnotes, group_label, in_words, one, subgroups
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

SMD = "standardized mean difference"
_QUARTILES = ("lower quartile", "upper quartile")


def describe_table(result: ResultRecord) -> Table:
    """Return the variables of a `describe`, a column a group, and the standardized mean differences of two groups.

    Parameters
    ----------
    result : ResultRecord
        A result of `describe`, released or not.

    Returns
    -------
    Table
        Numbers as mean (SD) and median (quartiles), categories and flags as count (percentage); each cell of a group
        is preceded by the number of its patients whose value is known. No p-values: a difference at baseline is a
        matter of size, not of chance.
    """
    groups = subgroups(estimate for estimate in result.estimates if not estimate.comparator)
    has_contrast = bool(result.select(measure=SMD))
    rows: list[tuple[str, ...]] = [_patients_row(result, groups, has_contrast=has_contrast)]
    for name, label, kind in _variables(result):
        rows += _variable_rows(result, groups, name, label, kind, has_contrast=has_contrast)
    columns = [""]
    for group in groups:
        columns += [f"{group_label(group)}: known", group_label(group)]
    if has_contrast:
        columns.append("Standardized mean difference")
    return Table(
        name=table_name(result.analysis),
        caption=result.title,
        columns=tuple(columns),
        rows=tuple(rows),
        footnotes=footnotes(
            result,
            rows,
            "Known: for how many patients of the group the value is known; percentages are of these. Numbers: mean "
            "(SD) and median (lower to upper quartile); categories: patients (percentage).",
            _contrast_note(result),
        ),
    )


def _contrast_note(result: ResultRecord) -> str:
    contrast = one(result, measure=SMD)
    if contrast is None:
        return ""
    return (
        f"Standardized mean difference: {in_words(contrast.treatment)} minus {in_words(contrast.comparator)}, over the "
        "root mean square of the two SD. No p-values: they would say how many patients there are, not how alike the "
        "groups are."
    )


def _variables(result: ResultRecord) -> list[tuple[str, str, str]]:
    """Return name, label and kind of each variable, in order."""
    part = result.part("variables")
    columns = (part.column(name) for name in ("order", "name", "description", "kind"))
    return [(str(name), str(label), str(kind)) for _, name, label, kind in sorted(zip(*columns, strict=True))]


def _patients_row(result: ResultRecord, groups: tuple[str, ...], *, has_contrast: bool) -> tuple[str, ...]:
    cells: list[str] = ["Patients"]
    for group in groups:
        count = one(result, term="patients", measure="count", subgroup=group)
        cells += ["", DOES_NOT_APPLY if count is None else format_estimate(count, minimum_cell_of(result))]
    return (*cells, "") if has_contrast else tuple(cells)


def _variable_rows(
    result: ResultRecord, groups: tuple[str, ...], name: str, label: str, kind: str, *, has_contrast: bool
) -> list[tuple[str, ...]]:
    """Return two rows for a number, one for each level of a category, one for a flag."""
    contrast = one(result, term=name, measure=SMD)
    smd = (format_estimate(contrast) if contrast else "",) if has_contrast else ()
    nothing = ("",) if has_contrast else ()
    if kind == "number":
        unit = next((found.unit for found in result.select(term=name, measure="mean")), "")
        text = f"{label} ({unit})" if unit else label
        return [
            (f"{text}: mean (SD)", *_cells(result, groups, name, "mean"), *smd),
            (f"{text}: median (quartiles)", *_cells(result, groups, name, "median"), *nothing),
        ]
    if kind == "flag":
        return [(label, *_cells(result, groups, name, "count"), *smd)]
    terms = dict.fromkeys(
        estimate.term
        for estimate in result.estimates
        if estimate.measure == "count" and estimate.term.startswith(f"{name}: ")
    )
    return [
        (
            f"{label}: {in_words(term.removeprefix(f'{name}: '))}",
            *_cells(result, groups, term, "count"),
            *(smd if position == 0 else nothing),
        )
        for position, term in enumerate(terms)
    ]


def _cells(result: ResultRecord, groups: tuple[str, ...], term: str, measure: str) -> tuple[str, ...]:
    """Return, for each group, how many are known and the summary."""
    cells: list[str] = []
    for group in groups:
        found = one(result, term=term, measure=measure, subgroup=group)
        if found is None:
            cells += [DOES_NOT_APPLY, DOES_NOT_APPLY]
        else:
            cells += [format_n_patients(found, minimum_cell_of(result)), _summary(result, found)]
    return tuple(cells)


def _summary(result: ResultRecord, found: Estimate) -> str:
    at = {"term": found.term, "subgroup": found.subgroup}
    if found.measure == "mean":
        return format_mean_sd(found, one(result, measure="standard deviation", **at))
    if found.measure == "median":
        low, high = (one(result, measure=name, **at) for name in _QUARTILES)
        text = format_estimate(found)
        if low is None or high is None or text in (DOES_NOT_APPLY, HIDDEN):
            return text
        return f"{text} ({format_estimate(low)} to {format_estimate(high)})"
    counted = format_count(
        found.n_counted,
        suppressed=found.suppressed,
        below_minimum=found.below_minimum,
        minimum_cell=minimum_cell_of(result),
    )
    share = one(result, measure="proportion", **at)
    return counted if share is None or share.suppressed else f"{counted} ({format_estimate(share)})"
