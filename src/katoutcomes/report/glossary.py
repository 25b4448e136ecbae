"""The words of a report explained, for readers who do not work with statistics. No number of the data stands here."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from katoutcomes.results.collection import Results

_ENTRIES: tuple[tuple[str, str, str], ...] = (
    (
        "",
        "Baseline",
        "The score before the first dose, in the days that the plan allows.",
    ),
    (
        "",
        "Change",
        "Follow-up minus baseline. On scales where more points mean more symptoms, a minus is an improvement.",
    ),
    (
        "",
        "Interval",
        (
            "The range of values that go well with the data. A wide one says that little is known; two that "
            "overlap are no proof that two groups are alike."
        ),
    ),
    (
        "",
        "Paired completeness",
        (
            "Of those with a baseline score, the share with a score at the visit. The lower it is, the less is "
            "said of everybody who began."
        ),
    ),
    (
        "",
        "CI, SD, p",
        (
            "CI: the interval. SD: standard deviation, how far single patients lie apart. p: how often chance alone "
            "would give a difference at least this large; it says nothing of how much the difference matters."
        ),
    ),
    (
        "change_from_baseline",
        "d_av",
        (
            "The mean change in standard deviations instead of points, so that scales can be laid beside each other. "
            "It is no effect of the treatment."
        ),
    ),
    (
        "clinical_significance",
        "Reliable improvement, reliable deterioration",
        (
            "A change larger than the questionnaire's own error of measurement would give in somebody who did not "
            "change. In between lies no reliable change, which is not the same as no change."
        ),
    ),
    (
        "clinical_significance",
        "Recovered, harmed, caseness",
        (
            "Recovered: reliably improved, and across the cut-off to where people without the disorder score. Harmed: "
            "the same in the other direction. Caseness: a score at which a service counts somebody as a case."
        ),
    ),
    (
        "cohort_difference",
        "Adjusted difference",
        (
            "The difference between two groups, as if their patients had begun alike in what was measured. What "
            "was not measured can still be behind it."
        ),
    ),
    (
        "describe",
        "Standardized mean difference",
        "How far two groups lie apart before treatment, in standard deviations.",
    ),
    (
        "dropout",
        "Odds ratio of having no score",
        "Above one: patients with that feature were lost more often.",
    ),
    (
        "safety",
        "Adverse event",
        (
            "Anything untoward that was entered after the first dose, whatever its cause. Counting is not "
            "monitoring: what was not entered is not here."
        ),
    ),
    (
        "",
        "hidden, or less than the minimum",
        "Small counts, and numbers that would give them away, are left out so that nobody can be recognized.",
    ),
    (
        "",
        "Verdict",
        "What the checks demand: report, with caution, or withhold. The reasons stand beside it.",
    ),
)
"""The analysis that an entry belongs to (``""``: it always stands), the word, and what it means."""


def glossary(results: Results) -> tuple[tuple[str, str], ...]:
    """Return the words that this report uses, each with what it means.

    Parameters
    ----------
    results : Results
        What the report is made of; words of an analysis that is not in it are left out.
    """
    return tuple((word, meaning) for analysis, word, meaning in _ENTRIES if not analysis or results.has(analysis))
