"""The counts of `outcomes_over_time`: totals made of periods, and lines that hidden periods would follow from.

A center line is a total of its periods in another dress; the limits of an XmR chart, Laney's factor, a median and the
runs of a chart are made of every value in it. Limits of a share or rate by chance alone follow from the center line and
the size of their period, which are shown or hidden as counts of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from katoutcomes.results.disclosure_rules.small_cells import Key, Sum
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.part import Part
from katoutcomes.results.result import ResultRecord

ANALYSIS = "outcomes_over_time"
SIGNALS = "signals"
_LINES = frozenset(
    {
        "center line",
        "center line of a share",
        "control limit",
        "control limit of a share",
        "over-dispersion factor",
    }
)
_BY_CHANCE = frozenset({"p chart", "u chart"})
"""Charts whose limits follow from the center line and the size of the period."""

Values = Mapping[Key, int | None]


def lines_key(estimate: Estimate) -> Key | None:
    """Return the key of a line of a chart, None for every other estimate.

    Examples
    --------
    >>> lines_key(Estimate(term="change, lower limit", measure="control limit", subgroup="phase: from 2024Q1"))
    ('lines', 'change', 'phase: from 2024Q1', '')
    """
    if estimate.measure not in _LINES:
        return None
    return _lines_of(estimate.term.split(", ")[0], estimate.subgroup)


def _lines_of(term: str, subgroup: str) -> Key:
    return ("lines", term, subgroup, "")


def signals_key(part: Part, row: int) -> Key:
    """Return the key of what the rules found in one phase of one line."""
    named = dict(zip(part.columns, part.rows[row], strict=True))
    return (SIGNALS, str(named["term"]), str(named["group"]), "")


def follows_of_time(result: ResultRecord, values: Values) -> Iterator[tuple[Key, Key]]:
    """Yield what is hidden with what: lines and signals with any period behind them, a limit with its period."""
    members = _members(result)
    charts = result.part("charts")
    for term, phase, kind in charts.rows:
        inside = members.get((str(term), str(phase)), ())
        behind = [key for key in values for subgroup in inside if _is_of(key, str(term), subgroup)]
        lines, signals = _lines_of(str(term), str(phase)), (SIGNALS, str(term), str(phase), "")
        center = [key for key in values if _is_of(key, str(term), str(phase))]
        yield from ((key, signals) for key in behind if signals in values)
        if kind not in _BY_CHANCE:
            yield from ((key, lines) for key in behind if lines in values)
        for subgroup in inside:
            limits = _lines_of(str(term), subgroup)
            if limits not in values:
                continue
            yield from ((key, limits) for key in center)
            yield from ((key, limits) for key in behind if key[-1] == subgroup and (key[0] != "counted"))
            if kind not in _BY_CHANCE:
                yield from ((key, limits) for key in behind)


def sums_of_time(result: ResultRecord, values: Values) -> Iterator[Sum]:
    """Yield each total with its periods: what is counted, and of how many."""
    for (term, whole), inside in _members(result).items():
        for total in [key for key in values if _is_of(key, term, whole)]:
            parts = tuple((*total[:-1], subgroup) for subgroup in inside)
            if all(part in values for part in parts):
                yield Sum(total, parts)


def _members(result: ResultRecord) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return the subgroups of the periods that each total of a term is made of."""
    found: dict[tuple[str, str], list[str]] = {}
    for term, group, period in result.part("spans").rows:
        found.setdefault((str(term), str(group)), []).append(str(period))
    return {where: tuple(periods) for where, periods in found.items()}


def _is_of(key: Key, term: str, subgroup: str) -> bool:
    """Return whether a key counts the patients or sessions of a term in one period or total."""
    if key[-1] != subgroup:
        return False
    is_baseline = key[0] == "with baseline" and term == "paired completeness"
    is_session = term == "adverse events" and key[0] == "counted" and key[3] == "dosing sessions"
    return is_baseline or is_session or (key[0] in {"counted", "analyzed"} and key[3] == term)
