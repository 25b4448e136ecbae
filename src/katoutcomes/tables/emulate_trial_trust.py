"""Whether an emulated trial can be trusted, as tables: its checks, its weeks, and the balance of its followers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import (
    format_estimate,
    format_number,
    format_part_cell,
    minimum_cell_of,
)
from katoutcomes.tables.footnotes import footnotes, in_words
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.check import Check
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

_BEFORE, _AFTER = "balance, before weighting: ", "balance, as analyzed: "
_SIZE = "effective sample size at the end of the week"
_SMD = "standardized mean difference"
_STILL_IN_CARE = "still in care, of the copies that follow"


def checks_table(result: ResultRecord) -> Table:
    """Return every check of a result in the order in which a reader asks, with its value, its limit and what it says.

    Parameters
    ----------
    result : ResultRecord
        A result of `emulate_trial` or `session_dose_response`, released or not.
    """
    rows = tuple(
        (
            one.name[:1].upper() + one.name[1:],
            format_number(one.value, 2),
            format_number(one.limit, 2),
            _said(one),
            one.message,
        )
        for one in result.checks
    )
    return Table(
        name=table_name(result.analysis, "checks"),
        caption=f"Whether it can be reported: {result.verdict}. {result.title}",
        columns=("Check", "Value", "Limit", "Says", "Meaning"),
        rows=rows,
        footnotes=footnotes(
            result,
            rows,
            "The limits are explained in the documentation of the method. A check that says withhold keeps the answer "
            "from being reported, one that says caution is to be told with it.",
        ),
    )


def _said(check: Check) -> str:
    return "fine" if check.passed else check.severity


def by_week_table(result: ResultRecord) -> Table:
    """Return week by week who was in care, who departed from each strategy, and for how many patients the rest counts.

    Parameters
    ----------
    result : ResultRecord
        A result of `emulate_trial` or `session_dose_response`, released or not.
    """
    part, minimum_cell = result.part("trial_by_week"), minimum_cell_of(result)
    arms = list(dict.fromkeys(str(group) for group in part.column("group") if group))
    cells = {
        (int(str(week)), str(group)): format_part_cell(part, row, "n_patients", minimum_cell)
        for row, (week, group) in enumerate(zip(part.column("order"), part.column("group"), strict=True))
    }
    sizes = {
        (one.visit, one.term.removeprefix("weights: ").removesuffix(f", {_SIZE}")): format_estimate(one)
        for one in result.estimates
        if one.term.endswith(_SIZE)
    }
    stays = {
        (one.visit, one.subgroup.removeprefix("strategy: ")): format_estimate(one)
        for one in result.select(term=_STILL_IN_CARE)
    }
    followed = [arm for arm in arms if any(label == arm for _, label in stays)]
    weeks = sorted({week for week, _ in cells} | {int(visit.removeprefix("week ")) for visit, _ in stays})
    rows = tuple(
        (
            f"week {week}",
            cells.get((week, ""), ""),
            *(cells.get((week, arm), "") for arm in arms),
            *(sizes.get((f"week {week}", arm), "") for arm in arms),
            *(stays.get((f"week {week}", arm), "") for arm in followed),
        )
        for week in weeks
    )
    return Table(
        name=table_name(result.analysis, "by_week"),
        caption=f"Who still follows, week by week. {result.title}",
        columns=(
            "",
            "In care when it began",
            *(f"Departed in it: {arm}" for arm in arms),
            *(f"Effective sample size at its end: {arm}" for arm in arms),
            *(f"Still in care, of those who follow: {arm}" for arm in followed),
        ),
        rows=rows,
        footnotes=footnotes(
            result,
            rows,
            "A copy departs in the week in which its record is no longer compatible with the strategy.",
            *(("Still in care: Kaplan and Meier, a copy that departs is censored; not weighted.",) if followed else ()),
        ),
    )


def balance_table(result: ResultRecord) -> Table:
    """Return the standardized mean differences of the followers, the same numbers as in the Love plot.

    Parameters
    ----------
    result : ResultRecord
        A result of `emulate_trial` or `session_dose_response`, released or not.
    """
    shown: dict[str, dict[tuple[str, str], str]] = {}
    for one in result.select(measure=_SMD):
        for when in (_BEFORE, _AFTER):
            if one.term.startswith(when):
                pair = f"{one.treatment} minus {one.comparator}"
                shown.setdefault(one.term.removeprefix(when), {})[pair, when] = _smd(one)
    pairs = list(dict.fromkeys(pair for found in shown.values() for pair, _ in found))
    named = pairs[0] if len(pairs) == 1 else "arms in pairs"
    heading = {pair: "" if len(pairs) == 1 else f", {pair}" for pair in pairs}
    rows = tuple(
        (in_words(name), *(found.get((pair, when), "") for pair in pairs for when in (_BEFORE, _AFTER)))
        for name, found in shown.items()
    )
    return Table(
        name=table_name(result.analysis, "balance"),
        caption=f"Standardized mean differences of the followers, {named}. {result.title}",
        columns=("", *(f"{when}{heading[pair]}" for pair in pairs for when in ("Before weighting", "As analyzed"))),
        rows=rows,
        footnotes=footnotes(
            result,
            rows,
            "One denominator for both columns: the standard deviation among all patients of the trial, of the last "
            "score that of the baseline score. The last score of a week is compared between those who had a session in "
            "it and those who could have had one.",
        ),
    )


def _smd(one: Estimate) -> str:
    return format_estimate(one)
