"""Contrasts of shares: those of an adjusted model may leave few patients out, whose covariates are not known.

The two shares beside it say how many patients there are; the number in the model, taken from theirs, is how many are
left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from katoutcomes.results.estimate import Estimate

ADJUSTED = "standardized difference in proportions"


def leaves_few_out(contrast: Estimate, estimates: Sequence[Estimate], hides: Callable[[int | None], bool]) -> bool:
    """Return whether an adjusted difference of shares gives away a small number of patients who are not in it.

    Parameters
    ----------
    contrast : Estimate
        Of any measure; only adjusted differences of shares are looked at.
    estimates : sequence of Estimate
        All of the result, those that are hidden already without their numbers.
    hides : callable
        Whether a count is too small to be shown.

    Examples
    --------
    >>> share = dict(term="response", measure="proportion", definition_set="half", visit="week 12", estimate=0.5)
    >>> shares = [Estimate(**share, subgroup=f"arm: {arm}", n_patients=40) for arm in "ab"]
    >>> contrast = Estimate(
    ...     term="response: b - a", measure=ADJUSTED, definition_set="half", visit="week 12", n_patients=78,
    ...     treatment="b", comparator="a",
    ... )
    >>> leaves_few_out(contrast, shares, lambda count: count is not None and 0 < count < 11)
    True
    """
    if contrast.measure != ADJUSTED or contrast.n_patients is None:
        return False
    where = (contrast.term.split(": ", 1)[0], contrast.definition_set, contrast.visit)
    levels = {contrast.treatment, contrast.comparator}
    sides = [
        one.n_patients
        for one in estimates
        if one.measure == "proportion"
        and (one.term, one.definition_set, one.visit) == where
        and one.subgroup.split(": ", 1)[-1] in levels
    ]
    known = [n_patients for n_patients in sides if n_patients is not None]
    return len(known) < len(sides) or hides(sum(known) - contrast.n_patients)
