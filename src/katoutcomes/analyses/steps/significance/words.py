"""How the methods of reliable change are described, with the numbers that were put in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.significance.methods import (
    CUT_OFF_ONLY,
    GROWTH_MODEL,
    HAGEMAN_ARRINDELL,
    JACOBSON_TRUAX,
    NUNNALLY_KOTSCH,
    OF_BOTH_SCORES,
)
from katoutcomes.results.formatting import format_number

if TYPE_CHECKING:
    from katoutcomes.analyses.steps.significance.reliable_change_rule import ReliableChangeRule
    from katoutcomes.instruments.instrument import Reliability

_FORMULAS: Mapping[str, str] = MappingProxyType(
    {
        "gulliksen_lord_novick": (
            "Reliable change by Gulliksen, Lord and Novick: (follow-up − mean) − r × (baseline − mean) beyond 1.96 × "
            "SD × √(1 − r²), so that scores are expected nearer to the mean of people before treatment"
        ),
        "hsu_linn_lord": (
            "Reliable change by Hsu, Linn and Lord: (follow-up − mean at follow-up) − r × (baseline − its mean) "
            "beyond 1.96 × SD × √(1 − r²); who improves as the others do counts as unchanged"
        ),
        "edwards_nunnally": (
            "Reliable change by Edwards and Nunnally: follow-up − (r × baseline + (1 − r) × mean) beyond 1.96 × SD × "
            "√(1 − r)"
        ),
        NUNNALLY_KOTSCH: (
            "Reliable change by Nunnally and Kotsch: follow-up − (r × baseline + (1 − r) × mean) beyond 1.96 × "
            "√(r² × SD² × (1 − r) + SD at follow-up² × (1 − r at follow-up))"
        ),
        HAGEMAN_ARRINDELL: (
            "Reliable change by Hageman and Arrindell: change × r_d + (1 − r_d) × mean change beyond 1.645 × √r_d × SD "
            "× √2 × √(1 − r), r_d being the reliability of the change; who recovered must end on the functional side "
            "of the cut-off for true scores with the same certainty"
        ),
    }
)
_SOURCES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        JACOBSON_TRUAX: ("Jacobson NS, Truax P. J Consult Clin Psychol 1991;59:12-19. doi:10.1037/0022-006X.59.1.12",),
        HAGEMAN_ARRINDELL: (
            "Hageman WJ, Arrindell WA. Behav Res Ther 1999;37:1169-1193. doi:10.1016/S0005-7967(99)00032-7",
        ),
        GROWTH_MODEL: (
            "Speer DC, Greenbaum PE. J Consult Clin Psychol 1995;63:1044-1048. doi:10.1037/0022-006X.63.6.1044",
        ),
    }
)
_COMPARISON = "Bauer S, Lambert MJ, Nielsen SL. J Pers Assess 2004;82:60-70. doi:10.1207/s15327752jpa8201_11"


def method_sentences(methods: Sequence[str], rule: ReliableChangeRule) -> tuple[str, ...]:
    """Describe the methods in use and the cut-off for the methods section."""
    sentences = [sentence for method in methods if (sentence := _method_sentence(method, rule))]
    return (*sentences, *_cut_off_sentences(methods, rule))


def method_sources(methods: Sequence[str]) -> tuple[str, ...]:
    """Return what the methods in use are cited for."""
    found = [source for method in methods for source in _SOURCES.get(method, (_COMPARISON,) * (method in _FORMULAS))]
    return tuple(dict.fromkeys(found))


def _method_sentence(method: str, rule: ReliableChangeRule) -> str:
    if method == GROWTH_MODEL:
        return (
            "Reliable change by a growth model: a straight line through the scores of each patient with both scores "
            "(baseline and every visit up to this one), intercept and slope random, by REML; the predicted slope, the "
            "mean slope included, beyond 1.96 standard errors of its prediction."
        )
    if rule.reliability is None or method == CUT_OFF_ONLY:
        return ""
    if method == JACOBSON_TRUAX:
        if rule.threshold is None:
            return ""
        return (
            "Reliable change by Jacobson and Truax: a change larger than 1.96 × SD × √2 × √(1 − r), with r = "
            f"{_coefficient(rule.reliability)} and the SD {_whose_sd(rule)}."
        )
    whose = "of the patients with both scores" if method in OF_BOTH_SCORES else _whose_sd(rule)
    later = ""
    if method == NUNNALLY_KOTSCH and rule.follow_up_reliability is not None:
        later = f", r at follow-up = {_coefficient(rule.follow_up_reliability)}"
    return f"{_FORMULAS[method]}; r = {_coefficient(rule.reliability)}{later}, mean and SD {whose}."


def _coefficient(reliability: Reliability) -> str:
    value = format_number(reliability.value, 3, trailing_zeros=False)
    return f"{value} ({reliability.kind.replace('_', ' ')}; {reliability.source})"


def _cut_off_sentences(methods: Sequence[str], rule: ReliableChangeRule) -> tuple[str, ...]:
    if rule.cut_off is None:
        return ()
    where = {
        "a": "two SD from the dysfunctional mean towards the functional side",
        "b": "two SD from the functional mean towards the dysfunctional side",
        "c": "equally many SD from the functional and the dysfunctional mean",
    }[rule.cut_off.kind]
    whose = f"norms: {rule.norms.source}" if rule.norms is not None else "no norms"
    if rule.cut_off.n_patients is not None:
        whose += "; the baseline scores of all patients who have one stand in for the dysfunctional population"
    recovered = "Recovered: reliably improved and moved from the dysfunctional to the functional side of it; harmed: "
    recovered += "reliably deteriorated and moved the other way."
    sentence = f"Cut-off {rule.cut_off.kind} lies {where} ({whose})."
    return (sentence,) if tuple(methods) == (CUT_OFF_ONLY,) else (f"{sentence} {recovered}",)


def _whose_sd(rule: ReliableChangeRule) -> str:
    if rule.sd_n_patients is not None or rule.norms is None:
        return "of the baseline scores of all patients who have one"
    points = format_number(rule.standard_deviation, 2, trailing_zeros=False)
    return f"of a dysfunctional population, {points} points ({rule.norms.source})"
