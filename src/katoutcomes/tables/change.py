"""The change from baseline as a table: who has both scores, where they began, where they are, how far they moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import (
    DOES_NOT_APPLY,
    format_mean_sd,
    format_n_patients,
    format_p,
    format_share,
    format_with_interval,
    minimum_cell_of,
)
from katoutcomes.tables.footnotes import footnotes, group_label, interval_words, one, subgroups
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.result import ResultRecord


def change_table(result: ResultRecord) -> Table:
    """Return one row a visit of a `change_from_baseline`, group by group.

    Parameters
    ----------
    result : ResultRecord
        A result of `change_from_baseline`, released or not.

    Returns
    -------
    Table
        Patients with both scores of those with a baseline, baseline of all and of those seen, follow-up, mean change
        and the two effect sizes with their intervals, p of the paired t test.
    """
    instrument = result.estimand.endpoint.instrument
    changes = result.select(term="change", measure="mean change")
    has_groups = any(subgroups(changes))
    rows = tuple((estimate.visit, *_cells(result, estimate.visit, estimate.subgroup)) for estimate in changes)
    return Table(
        name=table_name(result.analysis, instrument),
        caption=f"{result.title} (points; a change is follow-up minus baseline)",
        columns=_columns(interval_words(result)),
        rows=rows,
        row_groups=tuple(group_label(estimate.subgroup) for estimate in changes) if has_groups else (),
        footnotes=footnotes(
            result,
            rows,
            "Mean change, effect sizes and p are those of the patients with both scores; the baseline of all shows how "
            "those who were not scored again began.",
            "d_av is the mean change over the root mean square of the baseline and follow-up SD; d_z is the mean "
            "change over the SD of the changes. They differ, and neither compares with the d between two groups.",
            "The paired t test has one degree of freedom less than there are patients with both scores.",
        ),
    )


def _columns(interval: str) -> tuple[str, ...]:
    return (
        "Visit",
        "With both scores, of those with a baseline",
        "Baseline of all, mean (SD)",
        "Baseline of those seen, mean (SD)",
        "Follow-up, mean (SD)",
        f"Mean change ({interval})",
        f"d_av ({interval})",
        f"d_z ({interval})",
        "p",
    )


def _cells(result: ResultRecord, visit: str, subgroup: str) -> tuple[str, ...]:
    """Return the cells of one visit and group, from the column of completeness on."""
    at = {"visit": visit, "subgroup": subgroup}
    everybody = {"term": "baseline, all with baseline", "subgroup": subgroup}
    change = one(result, term="change", measure="mean change", **at)
    completeness = one(result, term="paired completeness", **at)
    if completeness is not None and change is not None and completeness.suppressed:
        # The pairs may be shown where those without a follow-up are too few to be.
        seen = format_n_patients(change, minimum_cell_of(result))
    else:
        seen = format_share(completeness, minimum_cell_of(result)) if completeness else DOES_NOT_APPLY

    def mean_sd(**fields: str) -> str:
        return format_mean_sd(
            one(result, measure="mean", **fields), one(result, measure="standard deviation", **fields)
        )

    def with_interval(measure: str) -> str:
        found = one(result, term="change", measure=measure, **at)
        return format_with_interval(found) if found else DOES_NOT_APPLY

    p_value = DOES_NOT_APPLY
    if change is not None:
        p_value = with_interval("mean change") if change.suppressed else format_p(change.p_value)
    return (
        seen,
        mean_sd(**everybody),
        mean_sd(term="baseline, completers", **at),
        mean_sd(term="follow-up", **at),
        with_interval("mean change"),
        with_interval("d_av"),
        with_interval("d_z"),
        p_value,
    )
