"""Outcomes by quarter as tables: every period, the last one beside those before, and what the rules found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.results.formatting import (
    DOES_NOT_APPLY,
    format_estimate,
    format_n_patients,
    format_share,
    format_with_interval,
    minimum_cell_of,
)
from katoutcomes.results.time_words import PANEL_NAMES, chart_words, recent_rows, signal_sentences
from katoutcomes.tables.footnotes import footnotes, interval_words
from katoutcomes.tables.table import Table, table_name

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.result import ResultRecord

_CHARTED = "in the chart"


def outcomes_over_time_table(result: ResultRecord) -> Table:
    """Return one row a period of `outcomes_over_time`.

    Parameters
    ----------
    result : ResultRecord
        Released or not.
    """
    periods, terms = result.part("periods"), _terms(result)
    interval = interval_words(result)
    rows = tuple(
        (str(label), *_cells(result, str(group), terms), "" if status == _CHARTED else str(status))
        for label, group, status in zip(
            periods.column("period"), periods.column("group"), periods.column("verdict"), strict=True
        )
    )
    columns = ["Period", "Patients with both scores"]
    for term in terms:
        name, unit = PANEL_NAMES.get(term, (term, ""))
        columns += [f"{name}, {unit} ({interval})"]
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument),
        caption=result.title,
        columns=(*columns, "Remark"),
        rows=rows,
        footnotes=footnotes(
            result,
            rows,
            "A period is that of the first dose. Where follow-up is not over, who is there are the first to come, and "
            "completeness cannot be told yet.",
            *_rebasings(result),
        ),
    )


def _terms(result: ResultRecord) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(term) for term in result.part("charts").column("term")))


def _cells(result: ResultRecord, group: str, terms: tuple[str, ...]) -> tuple[str, ...]:
    minimum = minimum_cell_of(result)
    found = [_value(result, term, group) for term in terms]
    change = found[0]
    texts = [_text(one, minimum) for one in found]
    return (DOES_NOT_APPLY if change is None else format_n_patients(change, minimum), *texts)


def _text(estimate: Estimate | None, minimum: int | None) -> str:
    if estimate is None:
        return DOES_NOT_APPLY
    if estimate.measure != "proportion":
        return format_with_interval(estimate, minimum)
    share = format_share(estimate, minimum)
    return share if estimate.suppressed else f"{share}, {format_with_interval(estimate)}"


def _value(result: ResultRecord, term: str, group: str) -> Estimate | None:
    wanted = {"mean change", "proportion", "event rate"}
    return next((one for one in result.select(term=term, subgroup=group) if one.measure in wanted), None)


def _rebasings(result: ResultRecord) -> tuple[str, ...]:
    return tuple(
        f"Lines begin anew with {period}: {reason} (decided {decided})."
        for _, period, reason, decided in result.part("rebasings").rows
    )


def recent_table(result: ResultRecord) -> Table:
    """Return one row a number: the last period in the chart, those before together, and the difference."""
    found = recent_rows(result)
    rows = tuple(
        (", ".join(PANEL_NAMES.get(row.term, (row.term, ""))), row.last, row.before, row.difference) for row in found
    )
    last, before = (found[0].last_label, found[0].before_label) if found else ("Last period", "Before")
    interval = interval_words(result)
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument, "recent"),
        caption=f"{result.title}: {last} and before" if found else f"{result.title}: no two periods to compare",
        columns=("What", f"{last} ({interval})", f"{before} ({interval})", f"Difference ({interval})"),
        rows=rows,
        footnotes=footnotes(
            result, rows, "The last period whose follow-up is over, minus those before it together; why is not known."
        ),
    )


def signals_table(result: ResultRecord) -> Table:
    """Return one row a line and phase: kind of chart, center line, limits of over-dispersion, what the rules found."""
    rows = tuple(
        (
            PANEL_NAMES.get(term, (term, ""))[0],
            chart_words(result, term),
            *_lines(result, term),
            " ".join(signal_sentences(result, term)),
        )
        for term in _terms(result)
    )
    return Table(
        name=table_name(result.analysis, result.estimand.endpoint.instrument, "signals"),
        caption=f"{result.title}: what the rules found",
        columns=("What", "Chart", "Center line", "Over-dispersion factor", "Finding"),
        rows=rows,
        footnotes=footnotes(
            result, rows, "A signal says that chance would seldom do this, not why.", *_rebasings(result)
        ),
    )


def _lines(result: ResultRecord, term: str) -> tuple[str, str]:
    """Return the center lines of the phases, and the factors of over-dispersion."""
    of_phases = [one for one in result.select(term=term) if one.subgroup.startswith("phase: ")]
    centers = [one for one in of_phases if one.measure != "over-dispersion factor"]
    factors = [one for one in of_phases if one.measure == "over-dispersion factor"]
    return (
        "; ".join(map(format_estimate, centers)) or DOES_NOT_APPLY,
        "; ".join(map(format_estimate, factors)) or DOES_NOT_APPLY,
    )
