"""How tables, figures and reports call the lines of `outcomes_over_time`, its charts and its signals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from katoutcomes.results.formatting import (
    DOES_NOT_APPLY,
    format_count,
    format_n_patients,
    format_share,
    format_with_interval,
    minimum_cell_of,
)

if TYPE_CHECKING:
    from katoutcomes.results.estimate import Estimate
    from katoutcomes.results.part import Cell
    from katoutcomes.results.result import ResultRecord

PANEL_NAMES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "change": ("Mean change", "points"),
        "reliable improvement": ("Reliable improvement", "of those with both scores"),
        "reliable deterioration": ("Reliable deterioration", "of those with both scores"),
        "paired completeness": ("Paired completeness", "of those with a baseline score"),
        "adverse events": ("Adverse events", "per 100 sessions"),
    }
)
"""Term → its name, and of what it is."""


_BEYOND = "beyond limits"
_MOST_NAMED = 4


def chart_words(result: ResultRecord, term: str) -> str:
    """Return which chart a line is, all of its phases together.

    Returns
    -------
    str
        For example ``"XmR chart"``, or ``"plain line"``.
    """
    part = result.part("charts")
    kinds = dict.fromkeys(
        str(kind) for of_term, kind in zip(part.column("term"), part.column("kind"), strict=True) if of_term == term
    )
    return " and ".join(kinds)


def signal_sentences(result: ResultRecord, term: str) -> tuple[str, ...]:
    """Return what the rules say of one line: its signals, that there is none, or that nothing can be said.

    Parameters
    ----------
    result : ResultRecord
        Of `outcomes_over_time`.
    term : str
        Which line.
    """
    if chart_words(result, term) == "plain line":
        return ("Too few periods for rules.",)
    part = result.part("signals")
    rows = [dict(zip(part.columns, row, strict=True)) for row in part.rows]
    of_term = [row for row in rows if row["term"] == term]
    if not of_term:
        return ("Signals are not shown: small counts are in them.",)
    is_one_phase = len({row["group"] for row in rows}) == 1
    signals = [row for row in of_term if row["verdict"] == "signal"]
    found = [_signal(row, is_one_phase=is_one_phase) for row in signals if row["rule"] != _BEYOND]
    found += _beyond([str(row["period"]) for row in signals if row["rule"] == _BEYOND])
    return tuple(found) or ("No signal.",)


def _beyond(periods: list[str]) -> list[str]:
    """Return one sentence for all points beyond a limit; of many, how many and which came first and last."""
    if not periods:
        return []
    if len(periods) > _MOST_NAMED:
        n_points = format_count(len(periods))
        return [f"Signal: {n_points} points between {periods[0]} and {periods[-1]} lie beyond the limits."]
    named = periods[0] if len(periods) == 1 else f"{', '.join(periods[:-1])} and {periods[-1]}"
    return [f"Signal: {named} {'lies' if len(periods) == 1 else 'lie'} beyond the limits."]


def _signal(row: Mapping[str, Cell], *, is_one_phase: bool) -> str:
    phase = "" if is_one_phase else f" ({str(row['group']).removeprefix('phase: ')})"
    value, limit = (format_count(int(row[name] or 0)) for name in ("value", "limit"))
    if row["rule"] == "crossings":
        return f"Signal{phase}: the line is crossed {value} times; chance would cross it at least {limit} times."
    if row["rule"] == "trend":
        return f"Signal{phase}: {value} points in a row go one way; up to {limit} is no signal."
    return f"Signal{phase}: {value} points in a row on one side of the line; up to {limit} is chance."


_VALUES = ("mean change", "proportion", "event rate")
_DIFFERENCES = ("difference in means", "difference in proportions")


@dataclass(frozen=True, slots=True)
class RecentRow:
    """One number of the last period beside those before it.

    Attributes
    ----------
    term : str
    last_label, before_label : str
        ``"2026Q2"``, and ``"2024Q2 to 2026Q1"``.
    last, before, difference : str
        As they are printed.
    line : tuple of (str, Estimate or None)
        Every period of the comparison with its number, the last one last.
    last_counted, before_counted : str
        How many of how many, or how many patients; ``""`` where that is hidden or sessions are counted.
    """

    term: str
    last_label: str
    before_label: str
    last: str
    before: str
    difference: str
    line: tuple[tuple[str, Estimate | None], ...]
    last_counted: str
    before_counted: str


def recent_rows(result: ResultRecord) -> tuple[RecentRow, ...]:
    """Return the last period in the chart beside the up to eight before it; nothing where there are no two."""
    spans = [row for row in result.part("spans").rows if str(row[1]).startswith("span: ")]
    return tuple(
        _recent_row(result, term, [str(row[2]) for row in spans if row[0] == term])
        for term in dict.fromkeys(str(row[0]) for row in spans)
    )


def _recent_row(result: ResultRecord, term: str, before: list[str]) -> RecentRow:
    periods = result.part("periods")
    charted = [
        str(group)
        for group, verdict in zip(periods.column("group"), periods.column("verdict"), strict=True)
        if verdict == "in the chart"
    ]
    last = charted[-1]
    span = next(str(row[1]) for row in result.part("spans").rows if row[0] == term and str(row[1]).startswith("span: "))
    last_label, before_label = last.split(": ", 1)[1], span.removeprefix("span: ")
    minimum = minimum_cell_of(result)
    found = [_value(result, term, subgroup) for subgroup in (*before, last)]
    together = _value(result, term, span)
    difference = next(
        (one for one in result.select(treatment=last_label, comparator=before_label) if _is_difference(one, term)), None
    )
    return RecentRow(
        term=term,
        last_label=last_label,
        before_label=before_label,
        last=_text(found[-1], minimum),
        before=_text(together, minimum),
        difference=_text(difference, minimum),
        last_counted=_counted(found[-1], minimum),
        before_counted=_counted(together, minimum),
        line=tuple(zip((group.split(": ", 1)[1] for group in (*before, last)), found, strict=True)),
    )


def _is_difference(estimate: Estimate, term: str) -> bool:
    return estimate.measure in _DIFFERENCES and estimate.term.split(": ")[0] == term


def _value(result: ResultRecord, term: str, subgroup: str) -> Estimate | None:
    return next((one for one in result.select(term=term, subgroup=subgroup) if one.measure in _VALUES), None)


def _counted(estimate: Estimate | None, minimum: int | None) -> str:
    """Return what a number rests on."""
    if estimate is None or estimate.suppressed or estimate.n_patients is None:
        return ""
    if estimate.measure == "proportion":
        return format_share(estimate, minimum)
    return f"{format_n_patients(estimate, minimum)} patients" if estimate.measure == "mean change" else ""


def _text(estimate: Estimate | None, minimum: int | None) -> str:
    return DOES_NOT_APPLY if estimate is None else format_with_interval(estimate, minimum)
