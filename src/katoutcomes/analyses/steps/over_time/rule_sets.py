"""Rules that tell a signal in a chart from chance: sets with a version and a source, never changed, only added to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from katoutcomes.kernels.monitoring.runs import Runs

FEWEST_POINTS = 12
"""With fewer points a chart is a plain line: rules and limits made of them would find signals by chance."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Which patterns are signals.

    Attributes
    ----------
    id : str
        Authors, year and the version of what stands here; a set that is changed gets another version.
    longest_run : int or None
        The longest run on one side of the center line that is no signal; None: log2(n) + 3, rounded.
    uses_crossings : bool
        Whether too few crossings of the center line are a signal.
    longest_trend : int or None
        The most points in a row that go one way without being a signal; None where trends are not looked at.
    words : str
        The rules in a sentence.
    source : str
    """

    id: str
    longest_run: int | None
    uses_crossings: bool
    longest_trend: int | None
    words: str
    source: str


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """One rule asked of one chart.

    Attributes
    ----------
    rule : str
        ``"shift"``, ``"crossings"`` or ``"trend"``.
    value, limit : int
        What was counted, and the most (of crossings: the fewest) that is no signal.
    is_signal : bool
    """

    rule: str
    value: int
    limit: int
    is_signal: bool


RULE_SETS: Mapping[str, RuleSet] = MappingProxyType(
    {
        rules.id: rules
        for rules in (
            RuleSet(
                "anhoej_olesen_2014/1",
                None,
                True,
                None,
                "a run on one side of the center line longer than log2(n) + 3, rounded, or fewer crossings of it than "
                "the 5% quantile of Binomial(n − 1, 1/2), with n the points that do not lie on it; trends are not "
                "looked at, since that rule is of no use",
                "Anhøj J, Olesen AV. PLoS One 2014;9:e113825. doi:10.1371/journal.pone.0113825",
            ),
            RuleSet(
                "perla_2011/1",
                5,
                False,
                4,
                "six or more points in a row on one side of the center line, or five or more in a row that all go up "
                "or all go down",
                "Perla RJ, Provost LP, Murray SK. BMJ Qual Saf 2011;20:46-51. doi:10.1136/bmjqs.2009.037895",
            ),
            RuleSet(
                "nelson_1984/1",
                8,
                False,
                5,
                "nine or more points in a row on one side of the center line, or six or more in a row that all go up "
                "or all go down (tests 2 and 3)",
                "Nelson LS. J Qual Technol 1984;16:237-239. doi:10.1080/00224065.1984.11978921",
            ),
        )
    }
)
"""Id → rules. A point beyond three-sigma limits is a signal under each of them where a chart has limits."""

DEFAULT_RULES = "anhoej_olesen_2014/1"


def rule_findings(rules: RuleSet, found: Runs) -> tuple[RuleFinding, ...]:
    """Return what each rule of a set finds.

    Parameters
    ----------
    rules : RuleSet
    found : Runs
        With at least one useful point; without any there is nothing to find.

    Examples
    --------
    >>> from katoutcomes.kernels.monitoring.runs import Runs
    >>> [(one.rule, one.is_signal) for one in rule_findings(RULE_SETS[DEFAULT_RULES], Runs(12, 8, 3, 4))]
    [('shift', True), ('crossings', False)]
    """
    from katoutcomes.kernels.monitoring.runs import fewest_crossings_by_chance, longest_run_by_chance

    if found.n_useful == 0:
        return ()
    longest = longest_run_by_chance(found.n_useful) if rules.longest_run is None else rules.longest_run
    findings = [RuleFinding("shift", found.longest_run, longest, found.longest_run > longest)]
    if rules.uses_crossings:
        fewest = fewest_crossings_by_chance(found.n_useful)
        findings.append(RuleFinding("crossings", found.n_crossings, fewest, found.n_crossings < fewest))
    if rules.longest_trend is not None:
        trend = found.longest_trend
        findings.append(RuleFinding("trend", trend, rules.longest_trend, trend > rules.longest_trend))
    return tuple(findings)
