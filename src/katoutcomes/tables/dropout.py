"""Who was lost as a table: scores at each visit and after, the baseline of those scored, odds of having no score."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import (
    DOES_NOT_APPLY,
    format_estimate,
    format_mean_sd,
    format_p,
    format_share,
    format_with_interval,
    minimum_cell_of,
)
from katoutcomes.tables.footnotes import footnotes, group_label, in_words, interval_words, one, subgroups
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

_ODDS = "odds of no score, "
_SEVERITY = "baseline severity: "


def dropout_table(result: ResultRecord) -> Table:
    """Return one row a visit and group of a `dropout`, then one row a predictor of having no score.

    Parameters
    ----------
    result : ResultRecord
        A result of `dropout`, released or not.
    """
    rows, headings = [], []
    for subgroup in subgroups(result.select(measure="proportion")):
        for scored in result.select(term="scored at visit", subgroup=subgroup):
            rows.append((scored.visit, *_cells(result, scored), DOES_NOT_APPLY, DOES_NOT_APPLY))
            headings.append(in_words(subgroup) if subgroup.startswith(_SEVERITY) else group_label(subgroup))
    for odds in result.select(measure="odds ratio"):
        nothing = (DOES_NOT_APPLY,) * 5
        p_value = format_estimate(odds) if odds.suppressed else format_p(odds.p_value)
        rows.append((_predictor(odds.term), *nothing, format_with_interval(odds), p_value))
        headings.append(f"Odds of no score at {odds.visit}")
    interval = interval_words(result)
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument),
        caption=result.title,
        columns=(
            "Visit",
            "Scored, of those with a baseline",
            f"Seen then or later ({interval})",
            "Baseline of all, mean (SD)",
            "Baseline of those scored, mean (SD)",
            "Shift of the baseline, in SD",
            f"Odds ratio ({interval})",
            "p",
        ),
        rows=tuple(rows),
        row_groups=tuple(headings),
        footnotes=footnotes(
            result,
            rows,
            "Lost: no score at this visit and every later one. At the last visit, who is seen then or later is who is "
            "scored.",
            "Odds ratios are of one model with all predictors in it; above 1, more patients have no score.",
        ),
    )


def _cells(result: ResultRecord, scored: Estimate) -> tuple[str, ...]:
    minimum = minimum_cell_of(result)
    at = {"visit": scored.visit, "subgroup": scored.subgroup}
    later = one(result, term="seen then or later", **at)
    shift = one(result, term="baseline, scored", measure="shift of the mean", **at)
    everybody = {"term": "baseline, all with baseline", "subgroup": scored.subgroup}

    def mean_sd(**fields: str) -> str:
        return format_mean_sd(
            one(result, measure="mean", **fields), one(result, measure="standard deviation", **fields)
        )

    return (
        format_share(scored, minimum),
        format_with_interval(later if later is not None else scored, minimum),
        mean_sd(**everybody),
        mean_sd(term="baseline, scored", **at),
        DOES_NOT_APPLY if shift is None else format_estimate(shift),
    )


def _predictor(term: str) -> str:
    """Return what the odds are told of, a year being a unit that can be said."""
    words = in_words(term.removeprefix(_ODDS))
    of_years = words.removeprefix("per unit of ").removesuffix(" years")
    return f"per year of {of_years}" if words == f"per unit of {of_years} years" else words
