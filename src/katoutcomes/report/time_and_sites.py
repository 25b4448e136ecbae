"""The chapters on time and on sites: their sentences, tables and figures, from released results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.figures.drawing.wording import group_label
from katoutcomes.results.formatting import format_with_interval
from katoutcomes.results.reasons import listed
from katoutcomes.results.time_words import PANEL_NAMES, recent_rows, signal_sentences

if TYPE_CHECKING:
    from katoutcomes.figures.figure import Figure
    from katoutcomes.results.result import ResultRecord
    from katoutcomes.tables.table import Table

TIME, SITES = "outcomes_over_time", "compare_sites"
_RECENT, _FUNNEL = "follow-up not over", "funnel_limits"
_TOO_SMALL, _DIFFERS = "too small to tell", "differs from all sites together"


def chapter_sentences(result: ResultRecord) -> tuple[str, ...]:
    """Return what a result over time, or of sites, says in plain words.

    Parameters
    ----------
    result : ResultRecord
        Of `outcomes_over_time` or `compare_sites`.
    """
    return _time_sentences(result) if result.analysis == TIME else _site_sentences(result)


def chapter_tables(result: ResultRecord) -> tuple[Table, ...]:
    """Return the tables of the chapter."""
    if result.analysis == SITES:
        return (result.to_table(),)
    return (result.to_table("recent"), result.to_table(), result.to_table("signals"))


def chapter_figures(result: ResultRecord) -> tuple[Figure, ...]:
    """Return the figures of the chapter: of ten sites or more also the funnel."""
    if result.analysis == TIME:
        return (result.plot("recent"), result.plot("over_time"))
    has_funnel = any(part.name == _FUNNEL and part.rows for part in result.parts)
    return (result.plot("sites"), *((result.plot("funnel"),) if has_funnel else ()))


def _time_sentences(result: ResultRecord) -> tuple[str, ...]:
    rows = recent_rows(result)
    said = [
        f"{', '.join(PANEL_NAMES.get(row.term, (row.term,)))}: {row.last} in {row.last_label}, the last one whose "
        f"follow-up is over, {row.before} in {row.before_label} together."
        for row in rows[:1]
    ]
    periods = result.part("periods")
    recent = [
        str(label)
        for label, verdict in zip(periods.column("period"), periods.column("verdict"), strict=True)
        if verdict == _RECENT
    ]
    if recent:
        said.append(f"Follow-up is not over for courses that began in {listed(recent)}; they are marked as such.")
    for term in dict.fromkeys(str(term) for term in result.part("charts").column("term")):
        found = [one for one in signal_sentences(result, term) if one.startswith("Signal") and "not shown" not in one]
        if found:
            said.append(f"{PANEL_NAMES.get(term, (term, ''))[0]}: {' '.join(found)}")
    return tuple(said)


def _site_sentences(result: ResultRecord) -> tuple[str, ...]:
    part = result.part("site_verdicts")
    if not part.rows:
        return result.warnings
    by_verdict: dict[str, list[str]] = {}
    for group, verdict in zip(part.column("group"), part.column("verdict"), strict=True):
        by_verdict.setdefault(str(verdict), []).append(group_label(str(group)))
    said = ["Sites are described and not ranked: their patients differ, and so does what is not measured."]
    if _TOO_SMALL in by_verdict:
        said.append(f"Too small to tell: {listed(by_verdict[_TOO_SMALL])}.")
    if _DIFFERS in by_verdict:
        named = listed(by_verdict[_DIFFERS])
        said.append(f"Differs from all sites together, adjusted for severity: {named}. Why is not known.")
    elif len(by_verdict) == 1 and _TOO_SMALL not in by_verdict:
        said.append("No site is shown to differ from all together, which is not the same as that none does.")
    spread = [one for one in result.select(measure="standard deviation between groups") if not one.suppressed]
    said += [f"The standard deviation between sites is {format_with_interval(one)} points." for one in spread]
    return tuple(said)
