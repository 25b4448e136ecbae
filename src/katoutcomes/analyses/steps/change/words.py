"""The sentences of `change_from_baseline`: how it was done, on what it rests, after whom."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.interval_estimates import DEFAULT_SHARE_INTERVAL, EXACT_SOURCE, SHARE_INTERVAL_WORDS
from katoutcomes.instruments.definition_words import definition_words
from katoutcomes.results.formatting import format_count, format_level, format_number
from katoutcomes.results.result import Method

if TYPE_CHECKING:
    from katoutcomes.analyses.steps.change.choices import ChangeChoices, Margin
    from katoutcomes.instruments.instrument import Instrument

_STUDENT = "Student. The probable error of a mean. Biometrika 1908;6:1-25. doi:10.1093/biomet/6.1.1"
_SOURCES = (
    _STUDENT,
    (
        "Bonett DG. Confidence intervals for standardized linear contrasts of means. Psychol Methods 2008;13:99-109. "
        "doi:10.1037/1082-989X.13.2.99"
    ),
    (
        "Bonett DG. Interval estimation of standardized mean differences in paired-samples designs. J Educ Behav Stat "
        "2015;40:366-376. doi:10.3102/1076998615583904"
    ),
    (
        "Steiger JH, Fouladi RT. Noncentrality interval estimation and the evaluation of statistical models. In: "
        "Harlow LL, Mulaik SA, Steiger JH (eds). What if there were no significance tests? Mahwah: Erlbaum; "
        "1997:221-257"
    ),
    (
        "Becker BJ. Synthesizing standardized mean-change measures. Br J Math Stat Psychol 1988;41:257-278. "
        "doi:10.1111/j.2044-8317.1988.tb00901.x"
    ),
    (
        "Hedges LV. Distribution theory for Glass's estimator of effect size and related estimators. J Educ Stat "
        "1981;6:107-128. doi:10.3102/10769986006002107"
    ),
    "Wilcoxon F. Individual comparisons by ranking methods. Biometrics Bull 1945;1:80-83. doi:10.2307/3001968",
    (
        "Hodges JL, Lehmann EL. Estimates of location based on rank tests. Ann Math Stat 1963;34:598-611. "
        "doi:10.1214/aoms/1177704172"
    ),
    (
        "Fieller EC. Some problems in interval estimation. J R Stat Soc B 1954;16:175-185. "
        "doi:10.1111/j.2517-6161.1954.tb00159.x"
    ),
    EXACT_SOURCE,
    (
        "Tango T. Equivalence test and confidence interval for the difference in proportions for the paired-sample "
        "design. Stat Med 1998;17:891-908. "
        "doi:10.1002/(SICI)1097-0258(19980430)17:8<891::AID-SIM780>3.0.CO;2-B"
    ),
)
_OF_BOOTSTRAP = (
    "Efron B. Better bootstrap confidence intervals. J Am Stat Assoc 1987;82:171-185. "
    "doi:10.1080/01621459.1987.10478410"
)
_OF_MARGIN = (
    "Schuirmann DJ. A comparison of the two one-sided tests procedure and the power approach for assessing the "
    "equivalence of average bioavailability. J Pharmacokinet Biopharm 1987;15:657-680. doi:10.1007/BF01068419"
)
_OF_SELECTION = (
    (
        "Barnett AG, van der Pols JC, Dobson AJ. Regression to the mean: what it is and how to deal with it. Int J "
        "Epidemiol 2005;34:215-220. doi:10.1093/ije/dyh299"
    ),
    (
        "Mee RW, Chua TC. Regression toward the mean and the paired sample t test. Am Stat 1991;45:39-42. "
        "doi:10.1080/00031305.1991.10475764"
    ),
)
_OF_FAMILIES = {
    "holm": "Holm S. A simple sequentially rejective multiple test procedure. Scand J Stat 1979;6:65-70",
    "benjamini-hochberg": (
        "Benjamini Y, Hochberg Y. Controlling the false discovery rate. J R Stat Soc B 1995;57:289-300. "
        "doi:10.1111/j.2517-6161.1995.tb02031.x"
    ),
}
_OF_SUBGROUPS = (
    'Welch BL. The generalization of "Student\'s" problem when several different population variances are involved. '
    "Biometrika 1947;34:28-35. doi:10.1093/biomet/34.1-2.28"
)
_ASSUMPTIONS = (
    (
        "There is no group without the treatment, so the change is not its effect: it also holds what time, other care "
        "and expectation did."
    ),
    (
        "People start treatment when they feel worst, and a high first score is partly chance. Their next score tends "
        "to be better whatever is done (regression to the mean)."
    ),
    (
        "The change is that of the patients who have both scores. It says nothing about those who left or were not "
        "asked; they may have fared better or worse."
    ),
    (
        "The patients behind one visit are not the same as those behind another, so the means of two visits must not "
        "be subtracted from each other."
    ),
    "The intervals treat patients as independent of each other and the mean change as about normally distributed.",
)
_OF_COMPARED_SUBGROUPS = (
    "A difference between subgroups is a description as well. If the subgroups began at different scores, part of it "
    "is regression to the mean and the room there was for change."
)
_OF_SELECTED = (
    "The bound for regression to the mean holds if scores are about normal and the reliability, the referral mean and "
    "the cut-off are as stated. It says nothing of why those who were not chosen would have changed."
)


def assumptions(choices: ChangeChoices) -> tuple[str, ...]:
    """Return what must hold for the numbers to mean what they seem to mean."""
    more = []
    if choices.compares_subgroups:
        more.append(_OF_COMPARED_SUBGROUPS)
    if choices.selection.rule is not None:
        more.append(_OF_SELECTED)
    return (*_ASSUMPTIONS, *more)


def change_method(choices: ChangeChoices, instrument: Instrument) -> Method:
    """Return how the numbers of one call were made, and after whom."""
    sentences = [
        (
            "Change is follow-up minus baseline in the patients who have both scores. It is not an effect of the "
            "treatment, because there is no group without it. Mean change with its t interval and paired t test."
        ),
        (
            "d_z is the mean change over the standard deviation of the changes, with its noncentral t interval; d_av "
            "over the root mean square of the baseline and follow-up standard deviations, with Bonett's interval; d_rm "
            "over the standard deviation of the changes times √(2(1 − r)), and delta_pre over that of the baseline, "
            "each with a delta-method interval. Their hedges_ versions are corrected for small samples; the interval "
            "is for the effect that both estimate."
        ),
        (
            "By ranks: Wilcoxon's signed rank test (changes of 0 left out; exact below 50 changes without ties, "
            "otherwise normal with the variance corrected for ties and a continuity correction of ½) and the "
            "Hodges-Lehmann estimate of all changes. Percent change is that of the mean, never a mean of percentages, "
            "with Fieller's interval. Probability of superiority counts patients without change half "
            "(Tango's score interval with a continuity correction); U3 is the share of a normal baseline distribution "
            "worse than the mean at follow-up."
        ),
        _adjusted_sentence(choices),
        _bootstrap_sentence(choices),
        "" if choices.margin is None else _margin_sentence(choices.margin, instrument),
        _selection_sentence(choices),
        _family_sentence(choices),
        (
            "Paired completeness is the share of the patients with a baseline score who also have a follow-up score. "
            f"Shares have {SHARE_INTERVAL_WORDS[DEFAULT_SHARE_INTERVAL]}. All intervals are "
            f"{format_level(choices.conf_level)}."
        ),
    ]
    return Method(
        name="paired t",
        description=" ".join(sentence for sentence in sentences if sentence),
        sources=_sources(choices),
    )


def _sources(choices: ChangeChoices) -> tuple[str, ...]:
    found = list(_SOURCES)
    if choices.interval != "closed form":
        found.append(_OF_BOOTSTRAP)
    if choices.margin is not None:
        found += [_OF_MARGIN, *([choices.margin.source] if choices.margin.source else [])]
    if choices.selection.rule is not None:
        found += _OF_SELECTION
    if choices.compares_subgroups:
        found.append(_OF_SUBGROUPS)
    if choices.families and choices.multiplicity in _OF_FAMILIES:
        found.append(_OF_FAMILIES[choices.multiplicity])
    return tuple(found)


def _adjusted_sentence(choices: ChangeChoices) -> str:
    at = "the mean of all with a baseline score"
    if not math.isnan(choices.at_baseline):
        at = format_number(choices.at_baseline, 1, trailing_zeros=False)
    return f"The change at the stated baseline is that of a linear regression of the change on the baseline, at {at}."


def _bootstrap_sentence(choices: ChangeChoices) -> str:
    if choices.interval == "closed form":
        return ""
    name = "BCa" if choices.interval == "bca" else "percentile"
    return (
        f"The intervals of the mean change and of the effect sizes are {name} bootstrap intervals from "
        f"{format_count(choices.n_resamples)} samples of patients, each with both scores."
    )


def _margin_sentence(margin: Margin, instrument: Instrument) -> str:
    size = format_number(100.0 * margin.value if margin.is_share else margin.value, 2, trailing_zeros=False)
    what = f"{size}% of each patient's baseline score" if margin.is_share else f"{size} points of the {instrument.name}"
    named = f" ({definition_words(margin.definition_set)})" if margin.definition_set else ""
    return (
        f"Two one-sided paired t tests against {what}{named}: equivalence asks whether the mean change is smaller than "
        "that in both directions, non-inferiority whether it is no worsening of that size, and a third test whether "
        "the improvement is larger."
    )


def _selection_sentence(choices: ChangeChoices) -> str:
    rule = choices.selection.rule
    if rule is None:
        return choices.selection.note
    reliabilities = ", ".join(format_number(value, 2, trailing_zeros=False) for value in rule.reliabilities)
    margin = format_number(rule.mean_margin, 1, trailing_zeros=False)
    if rule.cut_off is None:
        how = "without a cut-off (Mee and Chua)"
    else:
        how = f"for a cut-off of {format_number(rule.cut_off, 1, trailing_zeros=False)} (Barnett)"
    where = "as stated" if rule.referral_mean is not None else "estimated from the baseline scores beyond the cut-off"
    return (
        f"{choices.selection.note} Regression to the mean {how} is worked out for reliabilities of {reliabilities} and "
        f"a referral mean {where}, give or take {margin} points; its smallest and largest value are the bound."
    )


def _family_sentence(choices: ChangeChoices) -> str:
    named = [name for name in choices.families if name == "visits" or choices.compares_subgroups]
    if choices.multiplicity == "none" or not named:
        return ""
    how = "Holm's method" if choices.multiplicity == "holm" else "the method of Benjamini and Hochberg"
    families = {"visits": "the t tests of all visits", "subgroup differences": "all differences between subgroups"}
    listed = "; ".join(families[name] for name in named)
    return f"p-values are adjusted by {how} within each declared family: {listed}."
