"""How much the shares of reliable change hang on the reliability, and those of recovery on the cut-off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.change_from_baseline import visits_part
from katoutcomes.analyses.steps.anchored_visits import anchored_warnings
from katoutcomes.analyses.steps.checks import completers_check, paired_completeness_check, patients_check
from katoutcomes.analyses.steps.choices import require_conf_level
from katoutcomes.analyses.steps.interval_estimates import (
    DEFAULT_SHARE_INTERVAL,
    SHARE_INTERVAL_SOURCES,
    share_interval_words,
)
from katoutcomes.analyses.steps.significance.reliable_change_rule import (
    CUT_OFFS,
    ReliableChangeRule,
    RuleChoices,
    missing_sentences,
    reliable_change_rule,
)
from katoutcomes.analyses.steps.significance.shares import CountedShare, share_estimates
from katoutcomes.cohorts.analysis_set_needed import require_analysis_set
from katoutcomes.errors import DesignError, OptionError, require_option
from katoutcomes.estimands.estimand import Endpoint, Estimand
from katoutcomes.instruments.instrument import Reliability
from katoutcomes.kernels.shares.proportions import INTERVALS
from katoutcomes.results.estimate import Estimate
from katoutcomes.results.formatting import format_number
from katoutcomes.results.result import Method, Result

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.cohorts.analysis_set import AnalysisSet
    from katoutcomes.estimands.visit_window import VisitWindow
    from katoutcomes.instruments.instrument import Norms

GRID: tuple[float, ...] = (0.70, 0.75, 0.80, 0.85, 0.90, 0.95)
"""Coefficients beside the published ones, from what is low for a questionnaire to what is high."""
_SOURCE = "Jacobson NS, Truax P. J Consult Clin Psychol 1991;59:12-19. doi:10.1037/0022-006X.59.1.12"
_ASSUMPTIONS = (
    (
        "The same patients are classed again and again. Where the shares move much from one plausible reliability or "
        "cut-off to the next, the answer is about the choice as much as about the patients."
    ),
    (
        "An interval is about the number of patients at one choice; how far the shares lie apart between choices is a "
        "second uncertainty that no interval here holds."
    ),
)


def clinical_significance_sensitivity(
    data: AnalysisSet,
    estimand: Estimand | None = None,
    *,
    visit: str | None = None,
    reliabilities: Sequence[float | Reliability] = (),
    norms: Norms | None = None,
    sd: str | None = None,
    interval: str = DEFAULT_SHARE_INTERVAL,
    conf_level: float = 0.95,
) -> Result:
    """Count reliable change and recovery by Jacobson and Truax under every reliability and cut-off that is plausible.

    Parameters
    ----------
    data : AnalysisSet
        The scores.
    estimand : Estimand, optional
        The question, if another wording is wanted.
    visit : str, optional
        Name of the visit; the last one by default.
    reliabilities : sequence of float or Reliability
        Further coefficients, such as alpha of the clinic's own items (`internal_consistency`). The published ones of
        the catalog and a grid from .70 to .95 are always tried.
    norms, sd
        As in `clinical_significance`.
    interval : {"exact", "wilson"}
        Of the shares.
    conf_level : float, default 0.95
        Level of the intervals.

    Returns
    -------
    Result
        For each reliability the threshold and the shares who improved, stayed and deteriorated reliably, and for each
        cut-off (a, b, c) that can be worked out the share recovered. `definition_set` names the choice:
        ``"r = 0.89"``, ``"r = 0.89, cut-off c"``. Of all patients with both scores.

    Raises
    ------
    DesignError
        If no patient has both scores, or the baseline scores do not vary.
    OptionError
        If a reliability does not lie between 0 and 1, or another choice is not one of the values it may take.

    Examples
    --------
    >>> import pandas as pd
    >>> import katoutcomes as kat
    >>> frame = pd.DataFrame({"id": range(4), "week": 12, "phq": [4, 12, 15, 22], "before": [16, 18, 17, 15]})
    >>> data = kat.AnalysisSet.from_frame(
    ...     frame, patient="id", visit="week", score="phq", baseline="before", instrument="PHQ-9"
    ... )
    >>> result = kat.clinical_significance_sensitivity(data)
    >>> for share in result.select(term="reliable improvement"):
    ...     print(share.definition_set, share.estimate)
    r = 0.7 0.25
    r = 0.737 0.25
    r = 0.75 0.25
    r = 0.8 0.25
    r = 0.85 0.25
    r = 0.89 0.5
    r = 0.9 0.5
    r = 0.95 0.5
    """
    require_analysis_set(data)
    require_conf_level(conf_level)
    require_option("interval", interval, INTERVALS)
    window, everybody = data.visit(visit), data.groups(None)[0]
    if not data.pairs(window.name).any():
        raise DesignError(f"no patient has both a baseline {data.instrument.name} score and one at {window.name}.")
    rules = _rules(data, norms, sd)
    if not rules[0].standard_deviation > 0.0:
        raise DesignError("the baseline scores do not vary, so they give no threshold of reliable change.")
    values = _values(data, reliabilities)
    has_both = data.pairs(window.name)
    pairs = _Pairs(has_both, data.baseline[has_both], data.scores_at(window.name)[has_both], data.instrument.sign)
    shares = (
        CountedShare("paired completeness", "", has_both, data.with_baseline),
        *(share for value in values for share in pairs.shares(value, rules)),
    )
    estimates = [
        *(_threshold(value, rules[0]) for value in values),
        *(_cut_off(rule) for rule in rules if rule.cut_off is not None),
        *share_estimates(shares, everybody, visit=window.name, interval=interval, conf_level=conf_level),
    ]
    return Result(
        analysis="clinical_significance_sensitivity",
        title=f"Reliable change by reliability and cut-off: {data.instrument.name} at {window.name}",
        estimand=estimand if estimand is not None else _estimand(data, window),
        method=_method(data, rules[0], interval, conf_level),
        estimates=tuple(replace(one, instrument=data.instrument.name, cohort=data.cohort) for one in estimates),
        provenance=data.provenance,
        parts=(visits_part((window,)),),
        assumptions=_ASSUMPTIONS + data.notes,
        checks=(
            patients_check(int(has_both.sum()), window.name),
            paired_completeness_check(int(has_both.sum()), int(data.with_baseline.sum()), window.name),
            completers_check(data.baseline, has_both, window.name),
        ),
        warnings=anchored_warnings((window,)) + missing_sentences(rules[-1], data.instrument)[1:],
    )


def _rules(data: AnalysisSet, norms: Norms | None, sd: str | None) -> tuple[ReliableChangeRule, ...]:
    """Return one rule a cut-off; they share everything else. Any coefficient will do, since all are tried."""
    anything = Reliability(0.9, "internal_consistency", "any: all are tried")
    return tuple(
        reliable_change_rule(data, RuleChoices(reliability=anything, norms=norms, sd=sd, cut_off=kind))
        for kind in CUT_OFFS
    )


def _values(data: AnalysisSet, given: Sequence[float | Reliability]) -> tuple[float, ...]:
    """Return the coefficients to try, ascending: the grid, the published ones, and those given."""
    own = [one.value if isinstance(one, Reliability) else float(one) for one in given]
    for value in own:
        if not 0.0 < value < 1.0:
            raise OptionError("a reliability lies between 0 and 1, both excluded.")
    return tuple(sorted({*GRID, *own, *(one.value for one in data.instrument.reliabilities)}))


def _name(reliability: float, cut_off: str = "") -> str:
    value = format_number(reliability, 3, trailing_zeros=False)
    return f"r = {value}, cut-off {cut_off}" if cut_off else f"r = {value}"


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """The patients who have both scores, and these scores."""

    has_both: NDArray[np.bool_]
    baseline: NDArray[np.float64]
    follow_up: NDArray[np.float64]
    sign: int

    def shares(self, reliability: float, rules: Sequence[ReliableChangeRule]) -> Iterator[CountedShare]:
        from katoutcomes.kernels.individual.reliable_change import (
            DETERIORATED,
            IMPROVED,
            UNCHANGED,
            moves,
            reliable_change,
        )

        sd = rules[0].standard_deviation
        classes = reliable_change(self.baseline, self.follow_up, sd, reliability, sign=self.sign).classes
        yield self._share("reliable improvement", _name(reliability), classes == IMPROVED)
        yield self._share("no reliable change", _name(reliability), classes == UNCHANGED)
        yield self._share("reliable deterioration", _name(reliability), classes == DETERIORATED)
        for rule in rules:
            if rule.cut_off is not None:
                moved = moves(self.baseline, self.follow_up, rule.cut_off.value, self.sign).to_functional
                name = _name(reliability, rule.cut_off.kind)
                yield self._share("recovered", name, (classes == IMPROVED) & moved)

    def _share(self, term: str, definition_set: str, applies: NDArray[np.bool_]) -> CountedShare:
        whole = self.has_both.copy()
        whole[self.has_both] = applies
        return CountedShare(term, definition_set, whole, self.has_both)


def _threshold(reliability: float, rule: ReliableChangeRule) -> Estimate:
    from katoutcomes.kernels.individual.reliable_change import reliable_change_threshold

    return Estimate(
        term="reliable change threshold",
        measure="threshold",
        unit="points",
        definition_set=_name(reliability),
        estimate=reliable_change_threshold(rule.standard_deviation, reliability),
        n_patients=rule.sd_n_patients,
    )


def _cut_off(rule: ReliableChangeRule) -> Estimate:
    cut_off = rule.cut_off
    kind, value, n_patients = (
        ("", float("nan"), None)
        if cut_off is None
        else (
            cut_off.kind,
            cut_off.value,
            cut_off.n_patients,
        )
    )
    return Estimate(term=f"cut-off {kind}", measure="threshold", unit="points", estimate=value, n_patients=n_patients)


def _estimand(data: AnalysisSet, window: VisitWindow) -> Estimand:
    return Estimand(
        name="clinical_significance_sensitivity",
        population=data.population,
        treatment="",
        comparator="",
        endpoint=Endpoint(data.instrument.name, window.name, "reliable change under several choices"),
        intercurrent_events="scores are used as observed, and patients without one at the visit are left out",
        summary_measure="share of patients",
    )


def _method(data: AnalysisSet, rule: ReliableChangeRule, interval: str, conf_level: float) -> Method:
    published = "; ".join(
        f"{format_number(one.value, 3, trailing_zeros=False)} {one.kind.replace('_', ' ')}, {one.source}"
        for one in data.instrument.reliabilities
    )
    spread = "of the baseline scores" if rule.sd_n_patients is not None else "of a dysfunctional population"
    sources = [_SOURCE, SHARE_INTERVAL_SOURCES[interval], *(one.source for one in data.instrument.reliabilities)]
    sources += [rule.norms.source] if rule.norms is not None else []
    return Method(
        "clinical significance under several choices",
        "Reliable change by Jacobson and Truax at every reliability from .70 to .95 in steps of .05"
        f"{f' and at the published ones ({published})' if published else ''}, with the SD {spread}; recovered: also "
        f"moved over cut-off a, b or c. Shares with {share_interval_words(interval, conf_level)}.",
        tuple(dict.fromkeys(sources)),
    )
