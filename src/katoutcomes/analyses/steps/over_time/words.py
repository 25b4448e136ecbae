"""The words of a result over time: question, method, assumptions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.interval_estimates import EXACT_SOURCE
from katoutcomes.analyses.steps.over_time.rule_sets import FEWEST_POINTS
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.results.formatting import format_count, format_level
from katoutcomes.results.result import Method

if TYPE_CHECKING:
    from katoutcomes.analyses.steps.over_time.choices import TimeChoices
    from katoutcomes.cohorts.analysis_set import AnalysisSet
    from katoutcomes.estimands.visit_window import VisitWindow

_LANEY = "Laney DB. Qual Eng 2002;14:531-537. doi:10.1081/QEN-120003555"
_GARWOOD = "Garwood F. Biometrika 1936;28:437-442. doi:10.1093/biomet/28.3-4.437"
_SHEWHART = "NIST/SEMATECH e-Handbook of Statistical Methods, 6.3. doi:10.18434/M32189"
ASSUMPTIONS = (
    (
        "A signal says that chance alone would seldom do this. It does not say why: other patients, another way of "
        "asking, fewer answers and better care look alike."
    ),
    "No signal does not say that nothing changed; charts of few patients a period find large changes only.",
    (
        "Courses stand in the period in which they began. Where the visit is still to come for some of them the period "
        "is marked and is in no line, limit or rule."
    ),
    (
        "Limits of an XmR chart take periods as equally precise, which they are not where patients are few; limits of "
        "shares and rates take patients and sessions as independent."
    ),
)


def time_estimand(data: AnalysisSet, window: VisitWindow, unit: str) -> Estimand:
    """Return the question."""
    return Estimand(
        name="outcomes_over_time",
        population=data.population,
        treatment="",
        comparator="",
        endpoint=Endpoint(data.instrument.name, window.name, f"outcomes by {unit} of the first dose"),
        intercurrent_events="scores are used as observed, and patients without one at the visit are left out of change",
        summary_measure="mean change and shares of patients",
    )


def time_method(choices: TimeChoices, *, has_definition: bool, has_events: bool) -> Method:
    """Return how the numbers were made."""
    level = format_level(choices.conf_level)
    shares = f"; shares with exact ones (Clopper and Pearson, {level})" if has_definition else ""
    rates = "; events per 100 dosing sessions with exact Poisson ones (Garwood)" if has_events else ""
    sources = [EXACT_SOURCE, choices.rules.source, *([_GARWOOD] if has_events else [])]
    if choices.chart == "control":
        sources += [_SHEWHART, *([_LANEY] if choices.limits == "laney" else [])]
    return Method(
        name="run charts" if choices.chart == "run" else "control charts",
        description=(
            f"Mean changes with t intervals ({level}){shares}{rates}. {_lines(choices)} Rules "
            f"({choices.rules.id}): {choices.rules.words}{_beyond(choices)}. With fewer than "
            f"{format_count(FEWEST_POINTS)} points in the chart there are neither lines nor rules. Lines begin anew "
            "only where a dated reason was given."
        ),
        sources=tuple(sources),
    )


def _lines(choices: TimeChoices) -> str:
    if choices.chart == "run":
        return "The center line is the median of the periods."
    widened = ", times Laney's factor of over-dispersion where it is above 1" if choices.limits == "laney" else ""
    return (
        "Center lines: the mean of the periods (change), all events over all patients or sessions (shares, rates). "
        "Limits: 3 mean moving ranges over 1.128 (XmR), 3 standard errors of the binomial (p) or Poisson distribution "
        f"(u) at the size of the period{widened}."
    )


def _beyond(choices: TimeChoices) -> str:
    return "; and a point beyond a limit" if choices.chart == "control" else ""
