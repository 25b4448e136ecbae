"""Whether many answers to one question agree: where they lie, on which side, and what that is called."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from katoutcomes.analyses.steps.checks import PAIRS_LIMIT
from katoutcomes.results.check import Check
from katoutcomes.results.estimate import NOT_A_NUMBER, Estimate
from katoutcomes.results.formatting import format_number

SAME_SIDE, EXCLUDES = "same side", "same side, interval excludes"

_SURVIVES = "The answer survives: every specification lies on the same side of {0}, and every interval excludes it."
_SIDE_SURVIVES = (
    "The direction of the answer survives and its certainty does not: every specification lies on the same side of "
    "{0}, but not every interval excludes it."
)
_NEVER_CERTAIN = (
    "The answer was uncertain to begin with, and no specification makes it certain: all lie on the same side of {0}, "
    "and the interval of none excludes it."
)
_FALLS = "The answer does not survive: not every specification lies on the same side of {0}."


def spread(known: Sequence[Estimate], main: Estimate) -> Iterator[Estimate]:
    """Yield the median, the smallest and the largest of the answers."""
    import numpy as np

    from katoutcomes.kernels.summaries import summarize

    values = np.array([estimate.estimate for estimate in known])
    ends = {"smallest": float(values.min()), "median": summarize(values).median, "largest": float(values.max())}
    for name, value in ends.items():
        yield Estimate(
            term=f"{name} of the specifications",
            measure="answer of a specification",
            unit=main.unit,
            instrument=main.instrument,
            cohort=main.cohort,
            visit=main.visit,
            estimate=value,
            n_patients=main.n_patients,
        )


def agreeing_shares(named: Sequence[Estimate], main: Estimate, against: float | None) -> Iterator[Estimate]:
    """Yield which share of the specifications lies on the side of the main one, and which is also certain of it."""
    if against is None:
        return
    same = [_is_on_side(estimate, main, against) for estimate in named]
    sure = [agrees and _excludes(estimate, against) for agrees, estimate in zip(same, named, strict=True)]
    for term, agreeing in ((SAME_SIDE, same), (EXCLUDES, sure)):
        yield Estimate(
            term=term,
            measure="share of specifications",
            instrument=main.instrument,
            cohort=main.cohort,
            visit=main.visit,
            estimate=sum(agreeing) / len(named),
            n_patients=main.n_patients,
        )


def _is_on_side(estimate: Estimate, main: Estimate, against: float) -> bool:
    """Return whether an answer lies on the same side as the main one; neither side holds `against` itself."""
    return (estimate.estimate - against) * (main.estimate - against) > 0.0


def _excludes(estimate: Estimate, against: float) -> bool:
    return estimate.conf_low > against or estimate.conf_high < against


def agreement_checks(named: Sequence[Estimate], main: Estimate, against: float | None) -> tuple[Check, ...]:
    """Return whether patients are enough, whether everything could be answered, and whether the answer survives."""
    fewest = min(estimate.n_patients or 0 for estimate in named)
    is_enough = fewest >= PAIRS_LIMIT
    n_main = main.n_patients or 0
    is_answered = not any(math.isnan(estimate.estimate) for estimate in named)
    checks = [
        Check(
            name="patients",
            passed=n_main >= PAIRS_LIMIT,
            severity="withhold",
            value=float(n_main),
            limit=float(PAIRS_LIMIT),
            message=(
                "The main specification rests on enough patients."
                if n_main >= PAIRS_LIMIT
                else "The main specification rests on too few patients."
            ),
        ),
        Check(
            name="patients per specification",
            passed=is_enough,
            severity="caution",
            value=float(fewest),
            limit=float(PAIRS_LIMIT),
            message=(
                "Every specification rests on enough patients."
                if is_enough
                else "Some specification rests on too few patients; its answer says little."
            ),
        ),
        Check(
            name="specifications answered",
            passed=is_answered,
            severity="caution",
            value=NOT_A_NUMBER,
            limit=NOT_A_NUMBER,
            message=(
                "The data answer every specification."
                if is_answered
                else "The data cannot answer every specification; one without an answer counts as not surviving."
            ),
        ),
    ]
    return tuple(checks) if against is None else (*checks, _survival_check(named, main, against))


def _survival_check(named: Sequence[Estimate], main: Estimate, against: float) -> Check:
    same = all(_is_on_side(estimate, main, against) for estimate in named)
    sure = same and all(_excludes(estimate, against) for estimate in named)
    is_any_sure = any(_excludes(estimate, against) for estimate in named)
    sentence = _SURVIVES if sure else (_SIDE_SURVIVES if is_any_sure else _NEVER_CERTAIN) if same else _FALLS
    return Check(
        name="answer survives",
        passed=sure,
        severity="caution",
        value=NOT_A_NUMBER,
        limit=NOT_A_NUMBER,
        message=sentence.format(format_number(against, 2, trailing_zeros=False)),
    )
