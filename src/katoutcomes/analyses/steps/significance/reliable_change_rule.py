"""Where reliable change and the cut-off come from: a reliability, norms, a standard deviation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError, require_option
from katoutcomes.results.check import Check

if TYPE_CHECKING:
    from katoutcomes.cohorts.analysis_set import AnalysisSet
    from katoutcomes.instruments.instrument import Instrument, Norms, Reliability

STANDARD_DEVIATIONS: tuple[str, ...] = ("norms", "baseline")
CUT_OFFS: tuple[str, ...] = ("a", "b", "c")


@dataclass(frozen=True, slots=True)
class CutOff:
    """A score between two populations.

    Attributes
    ----------
    kind : {"a", "b", "c"}
        Two SD from the dysfunctional mean, two SD from the functional mean, or equally many SD from both.
    value : float
        In points.
    n_patients : int or None
        How many baseline scores stand in for the norms' dysfunctional population; None where norms give it all.
    """

    kind: str
    value: float
    n_patients: int | None


@dataclass(frozen=True, slots=True)
class ReliableChangeRule:
    """What the methods need, as far as it is known.

    Attributes
    ----------
    reliability, follow_up_reliability : Reliability or None
        The coefficients in use, of the baseline and of the follow-up scores.
    norms : Norms or None
        The norms in use.
    mean, standard_deviation : float
        Of people like these before treatment, in points; NaN where not known.
    sd_n_patients : int or None
        How many baseline scores they rest on; None where the norms give them.
    threshold : float or None
        A change must be larger to be reliable by Jacobson and Truax, in points.
    cut_off_kind : str
        Which cut-off was asked for.
    cut_off : CutOff or None
        Between the functional and the dysfunctional population; None where it is not known.
    dysfunctional : (float, float)
        Mean and standard deviation of the dysfunctional population: that of the norms, or the baseline scores.
    """

    reliability: Reliability | None
    follow_up_reliability: Reliability | None
    norms: Norms | None
    mean: float
    standard_deviation: float
    sd_n_patients: int | None
    threshold: float | None
    cut_off_kind: str
    cut_off: CutOff | None
    dysfunctional: tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleChoices:
    """What a caller wants to use; None where the catalog decides. See `clinical_significance`."""

    reliability: Reliability | None = None
    follow_up_reliability: Reliability | None = None
    norms: Norms | None = None
    sd: str | None = None
    cut_off: str = "c"


def reliable_change_rule(data: AnalysisSet, choices: RuleChoices) -> ReliableChangeRule:
    """Return the rule for an analysis set: what the caller gave, otherwise what the catalog knows first.

    Raises
    ------
    OptionError
        If `sd` is ``"norms"`` and no norms hold the standard deviation of a dysfunctional population, or the cut-off
        is not one of `CUT_OFFS`.
    """
    from katoutcomes.kernels.individual.reliable_change import reliable_change_threshold
    from katoutcomes.kernels.summaries import mean_and_sd

    require_option("cut_off", choices.cut_off, CUT_OFFS)
    reliability = choices.reliability or next(iter(data.instrument.reliabilities), None)
    norms = choices.norms or next(iter(data.instrument.norms), None)
    known = data.baseline[data.with_baseline]
    sample = mean_and_sd(known) if known.size > 1 else (math.nan, math.nan)
    published = _published_sd(norms, choices.sd, data.instrument)
    mean, sd = sample if published is None or norms is None else (norms.dysfunctional_mean, published)
    threshold = None
    if reliability is not None and sd > 0.0:
        threshold = reliable_change_threshold(sd, reliability.value)
    dysfunctional, n_patients = sample, int(known.size)
    if norms is not None and not math.isnan(norms.dysfunctional_mean + norms.dysfunctional_sd):
        dysfunctional, n_patients = (norms.dysfunctional_mean, norms.dysfunctional_sd), 0
    return ReliableChangeRule(
        reliability=reliability,
        follow_up_reliability=choices.follow_up_reliability or reliability,
        norms=norms,
        mean=mean,
        standard_deviation=sd,
        sd_n_patients=int(known.size) if published is None else None,
        threshold=threshold,
        cut_off_kind=choices.cut_off,
        cut_off=_cut_off(choices.cut_off, norms, dysfunctional, n_patients or None, data.instrument.sign),
        dysfunctional=dysfunctional,
    )


def _cut_off(
    kind: str, norms: Norms | None, dysfunctional: tuple[float, float], n_patients: int | None, sign: int
) -> CutOff | None:
    """Return the cut-off; None where it needs norms that are not known, or baseline scores that do not vary."""
    from katoutcomes.kernels.individual.reliable_change import cut_off_a, cut_off_b, cut_off_c

    if kind == "a":
        return CutOff(kind, cut_off_a(*dysfunctional, sign), n_patients) if dysfunctional[1] > 0.0 else None
    if norms is None:
        return None
    functional = norms.functional_mean, norms.functional_sd
    if kind == "b":
        return CutOff(kind, cut_off_b(*functional, sign), None)
    return CutOff(kind, cut_off_c(*functional, *dysfunctional), n_patients) if dysfunctional[1] > 0.0 else None


def _published_sd(norms: Norms | None, sd: str | None, instrument: Instrument) -> float | None:
    """Return the standard deviation of the norms' dysfunctional population, or None where the baseline's is meant."""
    if sd is not None:
        require_option("sd", sd, STANDARD_DEVIATIONS)
    published = norms.dysfunctional_sd if norms is not None else math.nan
    if sd == "norms" and math.isnan(published):
        raise OptionError(
            f'sd="norms" needs norms of the {instrument.name} with the standard deviation of a dysfunctional '
            'population; pass norms=Norms(...) or use sd="baseline".'
        )
    return None if sd == "baseline" or math.isnan(published) else published


def missing_sentences(rule: ReliableChangeRule, instrument: Instrument) -> tuple[str, ...]:
    """Say what could not be reported because something is not known, and how to pass it."""
    sentences = []
    if rule.reliability is None:
        sentences.append(
            f"No reliability of the {instrument.name} is known here, so reliable change by Jacobson and Truax is not "
            "reported; pass reliability=Reliability(value, kind, source)."
        )
    elif rule.threshold is None:
        sentences.append(
            "The baseline scores do not vary, so they give no threshold of reliable change; pass norms=Norms(...) "
            "with the standard deviation of a dysfunctional population."
        )
    if rule.norms is not None and rule.cut_off is None:
        sentences.append(
            "The baseline scores do not vary, so they cannot stand in for a dysfunctional population and there is no "
            f"cut-off {rule.cut_off_kind}; pass norms=Norms(...) with its mean and standard deviation."
        )
    if rule.norms is None and rule.cut_off is None:
        sentences.append(
            f"No norms of the {instrument.name} are known here, so recovery by a cut-off ({rule.cut_off_kind}) is not "
            "reported; pass norms=Norms(functional_mean, functional_sd, dysfunctional_mean, dysfunctional_sd, source)."
        )
    return tuple(sentences)


def rule_checks(rule: ReliableChangeRule) -> tuple[Check, ...]:
    """Return two notes: whether a reliability and whether norms were known."""
    return tuple(
        Check(
            name=f"{what} known",
            passed=is_known,
            severity="note",
            value=math.nan,
            limit=math.nan,
            message=(
                f"The {what} in use and the source stand in the description of the method."
                if is_known
                else f"No {what} with a source {known}, so nothing is reported that needs {them}."
            ),
        )
        for what, known, them, is_known in (
            ("reliability", "is known", "it", rule.reliability is not None),
            ("norms", "are known", "them", rule.norms is not None),
        )
    )
