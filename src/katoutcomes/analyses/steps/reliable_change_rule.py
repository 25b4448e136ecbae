"""Where the threshold of reliable change and the cut-off come from: a reliability, norms, a standard deviation."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from katoutcomes.errors import OptionError, require_option
from katoutcomes.results.check import Check
from katoutcomes.results.formatting import format_number

if TYPE_CHECKING:
    from katoutcomes.cohorts.analysis_set import AnalysisSet
    from katoutcomes.instruments.instrument import Instrument, Norms, Reliability

STANDARD_DEVIATIONS: tuple[str, ...] = ("norms", "baseline")


@dataclass(frozen=True, slots=True)
class ReliableChangeRule:
    """What Jacobson and Truax's method needs, as far as it is known.

    Attributes
    ----------
    reliability : Reliability or None
        The coefficient in use.
    norms : Norms or None
        The norms in use.
    standard_deviation : float
        What the threshold is made of, in points; NaN where it is not known.
    sd_n_patients : int or None
        How many baseline scores the standard deviation rests on; None where the norms give it.
    threshold : float or None
        A change must be larger to be reliable, in points.
    cut_off : float or None
        Cut-off c, in points.
    cut_off_n_patients : int or None
        How many baseline scores stand in for the norms' dysfunctional population; None where they hold one.
    """

    reliability: Reliability | None
    norms: Norms | None
    standard_deviation: float
    sd_n_patients: int | None
    threshold: float | None
    cut_off: float | None
    cut_off_n_patients: int | None


def reliable_change_rule(
    data: AnalysisSet, reliability: Reliability | None, norms: Norms | None, sd: str | None
) -> ReliableChangeRule:
    """Return the rule for an analysis set: what the caller gave, otherwise what the catalog knows first.

    Parameters
    ----------
    data : AnalysisSet
        Its baseline scores stand in where norms hold no dysfunctional population.
    reliability, norms : optional
        What the caller wants to use.
    sd : {"norms", "baseline"}, optional
        See `clinical_significance`.

    Raises
    ------
    OptionError
        If `sd` is ``"norms"`` and no norms hold the standard deviation of a dysfunctional population.
    """
    from katoutcomes.kernels.reliable_change import cut_off_c, reliable_change_threshold
    from katoutcomes.kernels.summaries import mean_and_sd

    used_reliability = reliability or next(iter(data.instrument.reliabilities), None)
    used_norms = norms or next(iter(data.instrument.norms), None)
    known = data.baseline[data.with_baseline]
    sample_mean, sample_sd = mean_and_sd(known) if known.size > 1 else (math.nan, math.nan)

    standard_deviation, sd_n_patients = _standard_deviation(used_norms, sd, data.instrument), None
    if standard_deviation is None:
        standard_deviation, sd_n_patients = sample_sd, int(known.size)
    threshold = None
    if used_reliability is not None and standard_deviation > 0.0:
        threshold = reliable_change_threshold(standard_deviation, used_reliability.value)

    cut_off, cut_off_n_patients = None, None
    if used_norms is not None:
        mean, spread = used_norms.dysfunctional_mean, used_norms.dysfunctional_sd
        if math.isnan(mean + spread):
            mean, spread, cut_off_n_patients = sample_mean, sample_sd, int(known.size)
        if spread > 0.0:  # false where the baseline scores stand in and do not vary, or are too few
            cut_off = cut_off_c(used_norms.functional_mean, used_norms.functional_sd, mean, spread)
    return ReliableChangeRule(
        used_reliability, used_norms, standard_deviation, sd_n_patients, threshold, cut_off, cut_off_n_patients
    )


def _standard_deviation(norms: Norms | None, sd: str | None, instrument: Instrument) -> float | None:
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
            "cut-off c; pass norms=Norms(...) with its mean and standard deviation."
        )
    if rule.norms is None:
        sentences.append(
            f"No norms of the {instrument.name} are known here, so recovery by Jacobson and Truax (cut-off c) is not "
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
                else f"No {what} with a source is known, so what needs it is not reported."
            ),
        )
        for what, is_known in (("reliability", rule.reliability is not None), ("norms", rule.norms is not None))
    )


def rule_sentences(rule: ReliableChangeRule) -> tuple[str, ...]:
    """Describe the threshold and the cut-off for the methods section, with the numbers that were put in."""
    sentences = []
    if rule.reliability is not None and rule.threshold is not None:
        value = format_number(rule.reliability.value, 3, trailing_zeros=False)
        kind = rule.reliability.kind.replace("_", " ")
        sentences.append(
            "Reliable change by Jacobson and Truax: a change larger than 1.96 × SD × √2 × √(1 − r), with r = "
            f"{value} ({kind}; {rule.reliability.source}) and the SD {_whose_sd(rule)}."
        )
    if rule.norms is not None and rule.cut_off is not None:
        stand_in = "; the baseline scores of all patients who have one stand in for the dysfunctional population"
        sentences.append(
            "Cut-off c lies equally many SD from the functional and the dysfunctional mean (norms: "
            f"{rule.norms.source}{stand_in if rule.cut_off_n_patients is not None else ''}). Recovered: reliably "
            "improved and moved from the dysfunctional to the functional side of it."
        )
    return tuple(sentences)


def _whose_sd(rule: ReliableChangeRule) -> str:
    if rule.sd_n_patients is not None or rule.norms is None:
        return "of the baseline scores of all patients who have one"
    points = format_number(rule.standard_deviation, 2, trailing_zeros=False)
    return f"of a dysfunctional population, {points} points ({rule.norms.source})"
