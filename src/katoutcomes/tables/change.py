"""The change from baseline as a table: who has both scores, where they began, where they are, how far they moved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.errors import require_option
from katoutcomes.results.formatting import (
    DOES_NOT_APPLY,
    HIDDEN,
    format_estimate,
    format_mean_sd,
    format_n_patients,
    format_p,
    format_share,
    format_with_interval,
    minimum_cell_of,
)
from katoutcomes.tables.footnotes import footnotes, group_label, interval_words, level_label, one, subgroups
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

EFFECTS: dict[str, str] = {
    "d_av": "the mean change over the root mean square of the baseline and follow-up SD",
    "d_z": "the mean change over the SD of the changes",
    "d_rm": "the mean change over the SD of the changes times √(2(1 − r)), r the correlation of the two scores",
    "delta_pre": "the mean change over the SD of the baseline",
}
LEAST, MOST = "regression to the mean, least", "regression to the mean, most"
BEYOND = "change beyond regression to the mean, "


def change_table(result: ResultRecord, *, effect: str = "d_av") -> Table:
    """Return one row a visit of a `change_from_baseline`, group by group.

    Parameters
    ----------
    result : ResultRecord
        A result of `change_from_baseline`, released or not.
    effect : str, default "d_av"
        Which effect size stands beside the mean change: ``"d_av"``, ``"d_z"``, ``"d_rm"``, ``"delta_pre"``, or one of
        them with ``"hedges_"`` in front.

    Returns
    -------
    Table
        Patients with both scores of those with a baseline, baseline of all and of those seen, follow-up, mean change
        and one effect size with their intervals, p of the paired t test. Where they were asked for, also the bound of
        regression to the mean and the differences between subgroups. The other numbers stand in
        ``to_table("details")``.

    Raises
    ------
    OptionError
        If there is no such effect size.
    """
    require_option("effect", effect, [size + name for size in ("", "hedges_") for name in EFFECTS])
    changes = result.select(term="change", measure="mean change")
    has_groups = any(subgroups(changes))
    extra = _extra_columns(result)
    rows = tuple(
        (change.visit, *_cells(result, change, effect), *(_extra_cell(result, change, name) for name in extra))
        for change in changes
    )
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument),
        caption=f"{result.title} (points; a change is follow-up minus baseline)",
        columns=(*_columns(interval_words(result), effect), *extra),
        rows=rows,
        row_groups=tuple(group_label(estimate.subgroup) for estimate in changes) if has_groups else (),
        footnotes=footnotes(result, rows, *_notes(result, effect, extra)),
    )


def _columns(interval: str, effect: str) -> tuple[str, ...]:
    return (
        "Visit",
        "With both scores, of those with a baseline",
        "Baseline of all, mean (SD)",
        "Baseline of those seen, mean (SD)",
        "Follow-up, mean (SD)",
        f"Mean change ({interval})",
        f"{effect} ({interval})",
        "p",
    )


REGRESSION, REMAINDER = "Regression to the mean (least to most)", "Change minus it (least to most)"
DIFFERENCE, ADJUSTED = "Difference from the first subgroup", "p of the difference (adjusted)"


def _extra_columns(result: ResultRecord) -> tuple[str, ...]:
    """Return the columns of what was asked for."""
    names: tuple[str, ...] = ()
    if result.select(term=LEAST):
        names += (REGRESSION, REMAINDER)
    if result.select(term="change", measure="difference in means"):
        names += (DIFFERENCE, ADJUSTED)
    return names


def _extra_cell(result: ResultRecord, change: Estimate, name: str) -> str:
    at = {"visit": change.visit, "subgroup": change.subgroup}
    if name in {REGRESSION, REMAINDER}:
        terms = (LEAST, MOST) if name == REGRESSION else (f"{BEYOND}least", f"{BEYOND}most")
        ends = [format_estimate(found) for term in terms if (found := one(result, term=term, **at))]
        return next((end for end in ends if end in {DOES_NOT_APPLY, HIDDEN}), " to ".join(ends))
    level = change.subgroup.split(": ", 1)[-1]
    contrast = {"term": "change", "visit": change.visit, "treatment": level}
    found = one(result, measure="difference in means", **contrast) if change.subgroup else None
    if found is None:
        return DOES_NOT_APPLY
    if name == DIFFERENCE or found.suppressed:
        return format_with_interval(found)
    adjusted = one(result, measure="adjusted p-value", **contrast)
    return f"{format_p(found.p_value)} ({format_p(adjusted.p_value)})" if adjusted else format_p(found.p_value)


def _notes(result: ResultRecord, effect: str, extra: tuple[str, ...]) -> tuple[str, ...]:
    plain = effect.removeprefix("hedges_")
    corrected = ", corrected for small samples; the interval is for the effect in the population" * (plain != effect)
    notes = [
        (
            "Mean change, effect size and p are those of the patients with both scores; the baseline of all shows how "
            "those who were not scored again began."
        ),
        (
            f"{effect} is {EFFECTS[plain]}{corrected}. Effect sizes with other names differ, and none of them compares "
            "with the d between two groups."
        ),
        "The paired t test has one degree of freedom less than there are patients with both scores.",
    ]
    if REGRESSION in extra:
        notes.append(
            "Regression to the mean: the change to be expected without any true one, over the stated reliabilities and "
            "referral means."
        )
    if DIFFERENCE in extra:
        first = next(one.comparator for one in result.select(measure="difference in means"))
        notes.append(
            f"Differences: the mean change of each group minus that of the group {level_label(result, first)} "
            "(Welch's t, its own degrees of freedom); the p in parentheses is adjusted for all of them at all visits."
        )
    return tuple(notes)


def _cells(result: ResultRecord, change: Estimate, effect: str) -> tuple[str, ...]:
    """Return the cells of one visit and group, from the column of completeness to p."""
    at = {"visit": change.visit, "subgroup": change.subgroup}
    everybody = {"term": "baseline, all with baseline", "subgroup": change.subgroup}
    completeness = one(result, term="paired completeness", **at)
    if completeness is not None and completeness.suppressed:
        # The pairs may be shown where those without a follow-up are too few to be.
        seen = format_n_patients(change, minimum_cell_of(result))
    else:
        seen = format_share(completeness, minimum_cell_of(result)) if completeness else DOES_NOT_APPLY

    def mean_sd(**fields: str) -> str:
        return format_mean_sd(
            one(result, measure="mean", **fields), one(result, measure="standard deviation", **fields)
        )

    standardized = one(result, term="change", measure=effect, **at)
    return (
        seen,
        mean_sd(**everybody),
        mean_sd(term="baseline, completers", **at),
        mean_sd(term="follow-up", **at),
        format_with_interval(change),
        format_with_interval(standardized) if standardized else DOES_NOT_APPLY,
        format_with_interval(change) if change.suppressed else format_p(change.p_value),
    )
