"""The difference of a binary outcome with each share of the missing of both arms who had it: a grid of suppositions."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.comparison.fits import ancova, fitted_weights, recipe_of
from katoutcomes.analyses.steps.resamples import Interval, percentile
from katoutcomes.analyses.steps.tipping import MissingEvents, shares_of_missing

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.comparison.arms import Comparison
    from katoutcomes.analyses.steps.comparison.choices import ComparisonChoices
    from katoutcomes.analyses.steps.comparison.fits import Fitted

    Floats = NDArray[np.float64]


def missing_events(found: Comparison, fitted: Fitted, choices: ComparisonChoices, arm: int) -> MissingEvents:
    """Make the comparison of an arm with the first again, with the missing of both given each share in turn.

    Where patients are resampled the limits are percentiles over the same resamples, in each of which the four corners
    are estimated and the rest lies between them; otherwise the interval of the answer moves with the estimate.
    """
    import numpy as np

    from katoutcomes.kernels.groups.missing_events import CORNERS

    shares = shares_of_missing()
    risks = _risks(found, choices, arm, shares)
    estimates = risks[:, 1] - risks[:, 0]
    nobody, everybody = (risks[(shares == corner).all(axis=1)][0] for corner in (CORNERS[0], CORNERS[3]))
    answer = np.array([fitted.means[place].estimate for place in (0, arm)])
    missing = np.array([bool((found.arms.arms == place)[~found.arms.is_observed].any()) for place in (0, arm)])
    assumed = np.full(2, np.nan)
    assumed[missing] = np.clip((answer - nobody)[missing] / (everybody - nobody)[missing], 0.0, 1.0)
    main = fitted.differences[arm - 1]
    if fitted.replicates is None:
        moved = (one - main.estimate for one in estimates.tolist())
        limits = ((main.estimate + by, main.conf_low + by, main.conf_high + by) for by in moved)
        differences = tuple(Interval(one, conf_low=low, conf_high=high) for one, low, high in limits)
    else:
        drawn = _drawn(found, choices, arm, shares)
        pairs = zip(estimates.tolist(), drawn.T, strict=True)
        differences = tuple(percentile(one, column, choices.conf_level, tests=False) for one, column in pairs)
    return MissingEvents(shares, differences, assumed)


def _risks(found: Comparison, choices: ComparisonChoices, arm: int, shares: Floats) -> Floats:
    """Return the risks of the comparator and of an arm with each pair of shares, by the model of the answer."""
    import numpy as np

    from katoutcomes.kernels.groups.missing_events import completed, risks_if_missing

    data, recipe = found.arms, recipe_of(choices)
    if choices.interval == "bootstrap":
        return np.asarray(risks_if_missing(data, recipe, arm, shares, np.ones((1, data.arms.size)))[0])
    risks = []
    for pair in shares:
        outcome = completed(data.outcome, data.arms, arm, pair)
        filled, plain = replace(data, outcome=outcome), replace(recipe, observation_weights=False)
        weights, combined, _ = fitted_weights(filled, plain)
        means, _, _ = ancova(found, np.nan_to_num(outcome), combined, weights.tilt[0])
        risks.append(means[[0, arm]])
    return np.array(risks)


def _drawn(found: Comparison, choices: ComparisonChoices, arm: int, shares: Floats) -> Floats:
    """Return the difference with each pair of shares in every resample, shape (n_replicates, 25)."""
    import numpy as np

    from katoutcomes.kernels.groups.missing_events import CORNERS, between_corners, risks_if_missing
    from katoutcomes.kernels.weighting.comparison import starting_values

    data, recipe = found.arms, recipe_of(choices)
    starts = starting_values(data, recipe)

    def statistic(frequencies: Floats) -> Floats:
        risks = risks_if_missing(data, recipe, arm, CORNERS, frequencies, starts=starts)
        return np.asarray(risks[:, :, 1] - risks[:, :, 0])

    corners = replace(choices.resampling, progress=None).draw(statistic, data.arms.size)
    return np.asarray(between_corners(corners, shares))
