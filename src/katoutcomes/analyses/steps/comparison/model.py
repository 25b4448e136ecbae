"""What surrounds the fit of a comparison: whether there is one, the repeated-measures model, a negative control."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.comparison.fits import Fitted, fit_weighted, plain_weights
from katoutcomes.analyses.steps.comparison.history import visits_up_to
from katoutcomes.analyses.steps.resamples import Interval, estimate_of
from katoutcomes.errors import OptionError
from katoutcomes.estimands.leaving_care import TREATMENT_POLICY
from katoutcomes.results.check import Check
from katoutcomes.results.estimate import Estimate

if TYPE_CHECKING:
    from katoutcomes.analyses.steps.comparison.arms import Comparison
    from katoutcomes.analyses.steps.comparison.choices import ComparisonChoices
    from katoutcomes.cohorts.analysis_set import AnalysisSet

NEGATIVE_CONTROL = "negative control"


def why_not_estimable(found: Comparison) -> str:
    """Return why the data cannot answer, without a count (they stand beside it), or nothing.

    An arm has no score, or the covariates tell the arms apart completely, so that nobody has a counterpart.
    """
    import numpy as np

    from katoutcomes.kernels.weighting.logistic import fit_logistic

    data = found.arms
    for arm, group in enumerate(found.groups):
        # Only where there is none: to be told of one or two would be to be told a small count.
        if found.fewest_scored(arm) == 0:
            where = "one of the visits up to " if found.days else ""
            return f"In {group.label}, no patient has a score at {where}{found.window.name}."
    for arm, group in found.later_arms:
        pair = ((data.arms == 0) | (data.arms == arm)).astype(np.float64)
        treated = data.arms == arm
        fits = fit_logistic(data.covariates, treated * 1.0, pair[None, :], limits=(0.0, 1.0))
        propensity = fits.probabilities[0]
        if propensity[treated].min() > propensity[(data.arms == 0)].max():
            return (
                f"The covariates tell {group.label} and {found.groups[0].label} apart completely: no patient of one "
                "arm has a counterpart in the other (separation)."
            )
    return ""


# --- the hypothetical question ---------------------------------------------------------------------------------------


def fit_repeated_scores(found: Comparison, choices: ComparisonChoices) -> Fitted:
    """Fit the repeated-measures model to the scores in care and return its differences at the visit."""
    import numpy as np

    from katoutcomes.analyses.mmrm import mmrm

    mean = " + ".join(["treatment*visit", "baseline*visit", *(variable.name for variable in found.variables)])
    fit = mmrm(_scores_in_care(found), mean=mean, conf_level=choices.conf_level)
    at_visit = fit.select(visit=found.window.name)
    means = tuple(
        next(
            (_interval(one, tests=False) for one in at_visit
             if one.measure == "adjusted mean" and one.subgroup == group.subgroup),
            Interval(math.nan),
        )
        for group in found.groups
    )  # fmt: skip
    differences = tuple(
        next(
            (_interval(one, tests=True) for one in at_visit
             if one.measure == "difference in means" and one.treatment == group.label
             and one.comparator == found.groups[0].label),
            Interval(math.nan),
        )
        for _, group in found.later_arms
    )  # fmt: skip
    weights, combined, shares = plain_weights(found)
    return Fitted(means, differences, weights, np.asarray(combined), shares)


def _interval(one: Estimate, *, tests: bool) -> Interval:
    numbers = (one.estimate, one.std_error, one.df, one.conf_low, one.conf_high)
    return Interval(*numbers, *((one.statistic, one.p_value) if tests else ()))


def _scores_in_care(found: Comparison) -> AnalysisSet:
    """Return the data of the patients compared, with the treatment as a category and without scores after care."""
    import numpy as np

    data = found.data
    places = visits_up_to(data, found.window)
    kept = np.where(found.compared[:, None], data.scores[:, places], np.nan)
    if found.leaving is not None:
        left = np.zeros(kept.shape, dtype=np.bool_)
        left[found.compared] = found.leaving > 0.0
        kept = np.where(left, np.nan, kept)
    levels = tuple(group.label for group in found.groups)
    codes = np.full(data.n_patients, np.nan)
    for code, group in enumerate(found.groups):
        codes[group.mask] = code
    treatment = replace(found.variable, kind="category", values=codes, levels=levels)
    variables = tuple(treatment if one.name == found.variable.name else one for one in data.variables)
    visits = tuple(data.visits[place] for place in places)
    return replace(data, scores=kept, visits=visits, variables=variables, treatment=found.variable.name)


# --- the negative control --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NegativeControl:
    """What the same method finds where it should find nothing."""

    estimates: tuple[Estimate, ...]
    checks: tuple[Check, ...]


def negative_control_of(found: Comparison, choices: ComparisonChoices, name: str | None) -> NegativeControl:
    """Run the comparison on a variable that the treatment cannot have changed.

    Raises
    ------
    OptionError
        If it is a category, or a covariate, or known for nobody of an arm.
    """
    import numpy as np

    if name is None:
        return NegativeControl((), ())
    variable = found.data.variable(name)
    if variable.kind == "category" or any(one.name == name for one in found.variables):
        raise OptionError(f"negative_control={name!r} must be a number or a flag that is no covariate.")
    values = variable.values[found.compared]
    arms = replace(found.arms, outcome=values, history=found.arms.history[:, :0])
    arms = replace(arms, history_by_arm=arms.history_by_arm[:, :0], certain=None)
    if any(np.isnan(values[arms.arms == arm]).all() for arm in range(arms.n_arms)):
        raise OptionError(f"negative_control={name!r} is known for nobody of an arm.")
    interval = "robust" if choices.interval in {"robust", "rubin", "model"} else "bootstrap"
    method = "weighted_ancova" if interval == "robust" else choices.method
    quiet = replace(choices.resampling, progress=None)
    same = replace(choices, missing="complete_cases", interval=interval, method=method, resampling=quiet)
    alone = replace(found, arms=arms, event=None, days=(), left_care=TREATMENT_POLICY, has_left=None)
    fitted = fit_weighted(alone, same)
    rows, passed = [], True
    for (_, group), difference in zip(found.later_arms, fitted.differences, strict=True):
        rows.append(_control_row(found, group.label, name, difference, choices.conf_level))
        passed &= not (difference.conf_low > 0.0 or difference.conf_high < 0.0)
    message = (
        "On the negative control the same method finds nothing, as it should."
        if passed
        else "On the negative control the same method finds a difference that the treatment cannot have made, so the "
        "arms differ in something that is not adjusted for."
    )
    return NegativeControl(tuple(rows), (Check(NEGATIVE_CONTROL, passed, "caution", math.nan, math.nan, message),))


def _control_row(found: Comparison, label: str, name: str, difference: Interval, conf_level: float) -> Estimate:
    """Return the difference without a test: whether its interval holds 0 is a check."""
    interval = Interval(
        difference.estimate, difference.std_error, conf_low=difference.conf_low, conf_high=difference.conf_high
    )
    return estimate_of(
        interval,
        conf_level,
        term=f"{NEGATIVE_CONTROL}: {name}",
        measure="difference in means",
        treatment=label,
        comparator=found.groups[0].label,
        n_patients=found.n_compared,
    )
