"""Days in response of each arm: the area under the weighted share in response from visit to visit."""

from __future__ import annotations

from typing import TYPE_CHECKING

from katoutcomes.analyses.steps.comparison.fits import Fitted, FittedDays, fitted_weights, recipe_of
from katoutcomes.analyses.steps.resamples import Interval, percentile

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from katoutcomes.analyses.steps.comparison.arms import Comparison
    from katoutcomes.analyses.steps.comparison.choices import ComparisonChoices
    from katoutcomes.kernels.weighting.comparison import Recipe, Starts

    Floats = NDArray[np.float64]

OTHER_RULES: tuple[str, ...] = ("earlier visit", "later visit")
"""Rules of `kernels.groups.days_in_state` beside the one that is reported."""


def fit_days(found: Comparison, choices: ComparisonChoices) -> Fitted:
    """Estimate the share in response of each arm at each visit, and of these the days, for every resample."""
    import numpy as np

    from katoutcomes.kernels.groups.days_in_state import days_spoken_for
    from katoutcomes.kernels.weighting.comparison import starting_values

    recipe, n_patients, level = recipe_of(choices), found.arms.arms.size, choices.conf_level
    starts = [starting_values(one, recipe) for one in found.days]

    def statistic(frequencies: Floats) -> Floats:
        return _by_visit(found, recipe, frequencies, starts).reshape(len(frequencies), -1)

    drawn = choices.resampling.draw(statistic, n_patients).reshape(-1, 2, len(found.days), found.arms.n_arms)
    once = _by_visit(found, recipe, np.ones((1, n_patients)), starts)
    days, days_drawn = (_days(one, days_spoken_for(found.visit_days)) for one in (once, drawn))
    weights, _, _ = fitted_weights(found.days[-1], recipe)
    means, replicates = days[0, 0], days_drawn[:, 0]
    return Fitted(
        tuple(percentile(mean, replicates[:, arm], level, tests=False) for arm, mean in enumerate(means)),
        _differences(days, days_drawn, level),
        weights,
        _weight_of_days(found, recipe),
        days[0, 1],
        replicates=replicates[:, 1:] - replicates[:, :1],
        replicate_shares=days_drawn[:, 1],
        share_failed=1.0 - float(np.isfinite(replicates).all(axis=1).mean()),
        days=_made_of(found, once, drawn, level),
    )


def _by_visit(found: Comparison, recipe: Recipe, frequencies: Floats, starts: list[Starts]) -> Floats:
    """Return the shares in response, then the shares without a score, shape (n_sets, 2, n_visits, n_arms)."""
    import numpy as np

    from katoutcomes.kernels.groups.weighted_risks import estimate_risks

    arms = [estimate_risks(one, recipe, frequencies, start) for one, start in zip(found.days, starts, strict=True)]
    both = ([one.means for one in arms], [one.missing_shares for one in arms])
    return np.stack([np.stack(one, axis=1) for one in both], axis=1)


def _days(by_visit: Floats, spoken_for: Floats) -> Floats:
    """Return the days in response, then those without a score, shape (n_sets, 2, n_arms)."""
    import numpy as np

    return np.asarray(np.einsum("v,bsvk->bsk", spoken_for, by_visit))


def _differences(days: Floats, drawn: Floats, conf_level: float) -> tuple[Interval, ...]:
    """Return the days in response of each later arm less those of the first."""
    point, replicates = days[0, 0], drawn[:, 0]
    return tuple(
        percentile(point[arm] - point[0], replicates[:, arm] - replicates[:, 0], conf_level)
        for arm in range(1, len(point))
    )


def _made_of(found: Comparison, once: Floats, drawn: Floats, conf_level: float) -> FittedDays:
    from katoutcomes.kernels.groups.days_in_state import days_spoken_for

    rules = (days_spoken_for(found.visit_days, rule) for rule in OTHER_RULES)
    n_visits, n_arms = once.shape[2:]
    return FittedDays(
        tuple(
            tuple(
                percentile(once[0, 0, visit, arm], drawn[:, 0, visit, arm], conf_level, tests=False)
                for arm in range(n_arms)
            )
            for visit in range(n_visits)
        ),
        tuple(_differences(_days(once, rule), _days(drawn, rule), conf_level) for rule in rules),
    )


def _weight_of_days(found: Comparison, recipe: Recipe) -> Floats:
    """Return what each patient weighs: the mean over all days of the weight at the visit that speaks for them."""
    import numpy as np

    from katoutcomes.kernels.groups.days_in_state import days_spoken_for

    spoken_for = days_spoken_for(found.visit_days)
    weights = np.stack([fitted_weights(one, recipe)[1] for one in found.days])
    return np.asarray(spoken_for @ weights / spoken_for.sum())
