"""The parts of a result over time: periods and how far they are over, charts, who is in which total, signals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from katoutcomes.analyses.steps.over_time.choices import TimeChoices
from katoutcomes.analyses.steps.over_time.lines import PLAIN_LINE, Phase, PhaseLines
from katoutcomes.results.part import Cell, Part

CHARTED, TOO_RECENT, TOO_FEW = "in the chart", "follow-up not over", "too few patients"
PERIOD_COLUMNS = ("order", "period", "group", "closed", "verdict")
CHART_COLUMNS = ("term", "group", "kind")
SPAN_COLUMNS = ("term", "group", "period")
SIGNAL_COLUMNS = ("term", "group", "rule", "period", "value", "limit", "verdict", "n_patients")
REBASING_COLUMNS = ("group", "period", "reason", "decided")


def periods_part(
    labels: Sequence[str], subgroups: Sequence[str], closed: Sequence[float], status: Sequence[str]
) -> Part:
    """Return one row a period: the share of its days from which the visit window has closed, and what follows."""
    rows = zip(range(len(labels)), labels, subgroups, (round(one, 3) for one in closed), status, strict=True)
    return Part("periods", PERIOD_COLUMNS, tuple(rows))


def charts_part(found: Sequence[tuple[str, Phase, PhaseLines]]) -> Part:
    """Return one row a line and phase: which chart it is."""
    return Part("charts", CHART_COLUMNS, tuple((term, phase.subgroup, lines.kind) for term, phase, lines in found))


def spans_part(
    found: Sequence[tuple[str, Phase, PhaseLines]], terms: Sequence[str], span: str, members: Sequence[str]
) -> Part:
    """Return which periods each total is made of: those of the phases that have lines, and the span before the last."""
    rows: list[tuple[Cell, ...]] = [
        (term, phase.subgroup, subgroup)
        for term, phase, lines in found
        if lines.kind != PLAIN_LINE
        for subgroup in phase.subgroups
    ]
    rows += [(term, span, subgroup) for term in terms for subgroup in members]
    return Part("spans", SPAN_COLUMNS, tuple(rows))


def signals_part(found: Sequence[tuple[str, Phase, PhaseLines]]) -> Part:
    """Return what each rule said of each line and phase."""
    return Part("signals", SIGNAL_COLUMNS, tuple(_signal_rows(found)))


def _signal_rows(found: Sequence[tuple[str, Phase, PhaseLines]]) -> Iterator[tuple[Cell, ...]]:
    for term, phase, lines in found:
        yield from ((term, phase.subgroup, *signal, lines.n_patients) for signal in lines.signals)


def rebasings_part(choices: TimeChoices) -> Part:
    """Return every rebasing with its reason and the date of the decision."""
    rows = ((f"phase: from {one.period}", one.period, one.reason, one.decided) for one in choices.rebased)
    return Part("rebasings", REBASING_COLUMNS, tuple(rows))
